"""`keys list` and `keys backup`: about files of this machine, without a server or a lock."""

from __future__ import annotations

import json
from pathlib import Path

import pyrage
import pytest

from strongroom import cli

CONFIG = """
listen = "127.0.0.1:0"
data = "data"
replicas = ["a", "b", "c"]
write_quorum = 2
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "strongroom.toml").write_text(CONFIG)
    return tmp_path


def run(site: Path, *words: str) -> int:
    return cli.main([*words, "--config", str(site / "strongroom.toml")])


def with_key(site: Path) -> Path:
    key = site / "data" / "keys" / "ca.key"
    key.parent.mkdir(parents=True)
    key.write_bytes(b"very secret")
    key.chmod(0o600)
    return key


def test_no_keys_are_said_and_nothing_is_made(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(site, "keys", "list") == 0
    out = capsys.readouterr().out
    assert "no key files yet" in out
    assert "sync tokens" in out
    assert run(site, "keys", "backup", str(site / "b.age"), "--recipient", identity()) == 3
    assert [path.name for path in site.iterdir()] == ["strongroom.toml"]


def identity() -> str:
    return str(pyrage.x25519.Identity.generate().to_public())


def test_a_listing_tells_all_but_the_key(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = with_key(site)
    assert run(site, "keys", "list") == 0
    out = capsys.readouterr().out
    for said in (str(key), "protects: the local authority", "its loss costs: every phone"):
        assert said in out
    key.chmod(0o644)
    assert run(site, "keys", "list", "--json") == 0
    out = capsys.readouterr().out
    assert "chmod 600" in json.loads(out)["keys"][0]["trouble"]
    assert "very secret" not in out


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\nmore\n"])
def test_the_passphrase_is_the_first_line_of_its_file(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    with_key(site)
    holder = pyrage.x25519.Identity.generate()  # a passphrase's own cost is a second each way
    used: list[str] = []

    def encrypt(plain: bytes, phrase: str) -> bytes:
        used.append(phrase)
        return bytes(pyrage.encrypt(plain, [holder.to_public()]))

    monkeypatch.setattr(pyrage.passphrase, "encrypt", encrypt)
    monkeypatch.setattr(pyrage.passphrase, "decrypt", lambda s, _: pyrage.decrypt(s, [holder]))
    (site / "phrase").write_bytes(f" grün und weit{ending}".encode())
    words = ("keys", "backup", str(site / "b.age"), "--passphrase-file", str(site / "phrase"))
    assert run(site, *words) == 0
    assert used == [" grün und weit"]
    assert "opened again" in capsys.readouterr().out
    assert run(site, *words) == 3
    assert "untouched" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"\n", b"   \n", b"\xff\xfe\n", None])
def test_a_passphrase_that_is_none_writes_nothing(site: Path, content: bytes | None) -> None:
    with_key(site)
    if content is not None:
        (site / "phrase").write_bytes(content)
    words = ("keys", "backup", str(site / "b.age"), "--passphrase-file", str(site / "phrase"))
    assert run(site, *words) == 3
    assert not (site / "b.age").exists()


@pytest.mark.parametrize("more", [[], ["--recipient", "age1x", "--passphrase-file", "f"]])
def test_a_backup_is_sealed_in_one_way(site: Path, more: list[str]) -> None:
    assert run(site, "keys", "backup", str(site / "b.age"), *more) == 2
