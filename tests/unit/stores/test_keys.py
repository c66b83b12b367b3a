"""Keys: who can read them, what their loss costs, and a backup that opens again."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pyrage
import pytest

from strongroom.base.errors import (
    ConflictError,
    DamageError,
    InvalidError,
    NotFoundError,
    SettingsError,
)
from strongroom.stores.durable import Disk, Durable
from strongroom.stores.keybackup import Seal, back_up
from strongroom.stores.keys import KeyFolder

SECRET = b"-----BEGIN PRIVATE KEY-----\nthe secret\n"


def write(path: Path, content: bytes = SECRET, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "a data"
    write(data / "keys" / "ca.key", b"authority")
    write(data / "keys" / "server.key")
    write(data / "keys" / "server.pem", b"open to all")
    write(data / "keys" / ".ca.key.new", b"half")
    return data


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passphrase's own cost is not ours to test: a second each way."""
    used: list[str] = []
    identity = pyrage.x25519.Identity.generate()

    def encrypt(plain: bytes, passphrase: str) -> bytes:
        used.append(passphrase)
        return bytes(pyrage.encrypt(plain, [identity.to_public()]))

    def decrypt(sealed: bytes, passphrase: str) -> bytes:
        used.append(passphrase)
        return bytes(pyrage.decrypt(sealed, [identity]))

    monkeypatch.setattr(pyrage.passphrase, "encrypt", encrypt)
    monkeypatch.setattr(pyrage.passphrase, "decrypt", decrypt)
    return used


# --- listing and modes ----------------------------------------------------------------------------
def test_each_key_says_what_it_protects_and_what_its_loss_costs(data: Path) -> None:
    write(data / "keys" / "odd")
    told = [key.report() for key in KeyFolder(data).held()]
    assert [row["key"] for row in told] == ["ca.key", "odd", "server.key", "server.pem"]
    assert all(row["protects"] and row["loss"] for row in told)
    assert "trust a new authority" in told[0]["loss"]
    assert "nothing that this release knows of" in told[1]["protects"]
    assert not any(row["trouble"] for row in told)
    assert "secret" not in str(told)


def test_a_key_that_lies_elsewhere_is_listed_and_not_backed_up(data: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "privkey.pem", mode=0o640)
    folder = KeyFolder(data, other)
    assert folder.listed()[-1].path == other
    folder.check()
    assert "privkey.pem" not in back_up(folder, tmp_path / "keys.age", seal())["keys"]
    ours = KeyFolder(data, data / "keys" / "server.key")
    assert ours.listed() == ours.held()


def test_where_no_folder_is_there_is_no_key_and_none_is_made(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.check()
    assert folder.held() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o700, 0o4600, 0o601])
def test_a_key_that_others_can_read_is_refused_with_what_mends_it(data: Path, mode: int) -> None:
    (data / "keys" / "ca.key").chmod(mode)
    folder = KeyFolder(data)
    with pytest.raises(SettingsError, match=r"run `chmod 600 '.*a data/keys/ca.key'`"):
        folder.check()
    assert [bool(key.trouble) for key in folder.held()] == [True, False, False]
    os.system(folder.troubles()[0].split("`")[1])
    folder.check()


def test_a_key_may_be_closed_tighter(data: Path) -> None:
    (data / "keys" / "ca.key").chmod(0o400)
    assert KeyFolder(data).troubles() == []


def test_a_key_is_a_file_of_its_own(data: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", mode=0o644)
    (data / "keys" / "link").symlink_to(tmp_path / "elsewhere")
    (data / "keys" / "folder").mkdir()
    with pytest.raises(SettingsError, match="no plain file"):
        KeyFolder(data).check()


# --- backup ---------------------------------------------------------------------------------------
def unpacked(plain: bytes) -> dict[str, tuple[bytes, int]]:
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        return {
            line.name: (file.read(), line.mode)
            for line in tar
            if (file := tar.extractfile(line)) is not None
        }


WHOLE = {
    "keys/ca.key": (b"authority", 0o600),
    "keys/server.key": (SECRET, 0o600),
    "keys/server.pem": (b"open to all", 0o600),
}


def test_a_backup_opens_for_each_recipient_and_holds_the_whole_folder(
    data: Path, tmp_path: Path
) -> None:
    holders = [pyrage.x25519.Identity.generate() for _ in range(2)]
    (data / "keys" / "link").symlink_to(tmp_path / "elsewhere")
    seal = Seal([str(holder.to_public()) for holder in holders])
    told = back_up(KeyFolder(data), tmp_path / "keys.age", seal)
    assert told["keys"] == ["ca.key", "server.key", "server.pem"]
    sealed = (tmp_path / "keys.age").read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1\n")
    assert SECRET not in sealed
    for holder in holders:
        assert unpacked(pyrage.decrypt(sealed, [holder])) == WHOLE
    assert (tmp_path / "keys.age").stat().st_mode & 0o777 == 0o600
    assert told["bytes"] == len(sealed)
    assert "only who holds the identity" in told["proof"]


def test_a_backup_with_a_passphrase_is_opened_again(
    data: Path, tmp_path: Path, quick: list[str]
) -> None:
    told = back_up(KeyFolder(data), tmp_path / "keys.age", Seal(passphrase="many words"))
    assert quick == ["many words", "many words"]
    assert "opened again" in told["proof"]


def test_a_real_passphrase_opens_it(data: Path, tmp_path: Path) -> None:
    back_up(KeyFolder(data), tmp_path / "keys.age", Seal(passphrase="many words"))
    sealed = (tmp_path / "keys.age").read_bytes()
    assert unpacked(pyrage.passphrase.decrypt(sealed, "many words")) == WHOLE


def test_a_backup_never_takes_the_place_of_a_file(data: Path, tmp_path: Path) -> None:
    old = write(tmp_path / "keys.age", b"the only other backup")
    with pytest.raises(ConflictError, match="untouched"):
        back_up(KeyFolder(data), old, seal())
    assert old.read_bytes() == b"the only other backup"


def seal() -> Seal:
    return Seal([str(pyrage.x25519.Identity.generate().to_public())])


def test_no_keys_are_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        back_up(KeyFolder(tmp_path / "data"), tmp_path / "keys.age", seal())
    assert not (tmp_path / "keys.age").exists()


def test_a_place_that_cannot_be_written_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written"):
        back_up(KeyFolder(data), tmp_path / "no" / "keys.age", seal())


class LyingDisk(Disk):
    """Keeps other bytes than it was given."""

    def write(self, fd: int, data: bytes | memoryview) -> int:
        return super().write(fd, bytes(data).replace(b"age", b"agd"))


def test_a_backup_that_reads_back_otherwise_is_not_believed(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DamageError, match="Do not rely on it"):
        back_up(KeyFolder(data), tmp_path / "keys.age", seal(), Durable(LyingDisk()))


def test_a_backup_that_opens_to_something_else_is_not_believed(
    data: Path, tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyrage.passphrase, "decrypt", lambda *_: b"another")
    with pytest.raises(DamageError, match="Do not rely on it"):
        back_up(KeyFolder(data), tmp_path / "keys.age", Seal(passphrase="many words"))


def test_a_file_that_is_too_large_for_a_key_is_not_read_whole(data: Path, tmp_path: Path) -> None:
    write(data / "keys" / "film", b"x" * (64 * 1024 + 1))
    with pytest.raises(SettingsError, match="too large"):
        back_up(KeyFolder(data), tmp_path / "keys.age", seal())


@pytest.mark.parametrize(
    ("recipients", "passphrase"),
    [([], ""), (["age1xyz"], ""), (["ssh-rsa AAAA"], ""), (["age1xyz"], "words")],
)
def test_what_nobody_could_open_is_not_written(recipients: list[str], passphrase: str) -> None:
    with pytest.raises(InvalidError):
        Seal(recipients, passphrase)
