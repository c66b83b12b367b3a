"""The files of the local authority, and the pair that is served while they change."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from fakes.world import FakeEntropy, Later
from strongroom.base.errors import SettingsError
from strongroom.formats.certificates import LEAF_DAYS, is_issued_by, read_certificate
from strongroom.formats.hosts import Hosts
from strongroom.stores.tls import RENEW_MS, LiveCertificate, LocalAuthority

HOSTS = Hosts(("box.local", "localhost"), ("127.0.0.1",))
LEAF_MS = LEAF_DAYS * 86_400_000


class Files:
    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder = folder
        self.clock = Later()
        self.tls = LocalAuthority(folder, self.clock, FakeEntropy(seed))

    def bytes(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def live(self) -> LiveCertificate:
        return LiveCertificate(self.tls.certificate, self.tls.key, self.tls.authority)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path / "data" / "keys")
    assert made.tls.provide(HOSTS, renew=True).what == "authority and leaf"
    return made


def peer(live: LiveCertificate) -> str:
    """The fingerprint that a client is shown."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname, client_context.verify_mode = False, ssl.CERT_NONE
    client = client_context.wrap_bio(to_client, to_server)
    server = live.context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    der = client.getpeercert(True)
    assert der is not None
    return read_certificate(ssl.DER_cert_to_PEM_cert(der).encode()).fingerprint


def test_four_files_are_made_and_nobody_else_reads_them(files: Files):
    assert sorted(files.bytes()) == ["ca.key", "ca.pem", "server.key", "server.pem"]
    assert {path.stat().st_mode & 0o777 for path in files.folder.iterdir()} == {0o600}
    assert files.folder.stat().st_mode & 0o777 == 0o700


def test_again_it_renews_the_leaf_under_the_same_authority(files: Files):
    before = files.bytes()
    assert files.tls.provide(HOSTS, renew=True).what == "leaf"
    after = files.bytes()
    assert (after["ca.pem"], after["ca.key"]) == (before["ca.pem"], before["ca.key"])
    assert after["server.pem"] != before["server.pem"]
    assert is_issued_by(after["server.pem"], after["ca.pem"])


def test_a_good_leaf_is_kept_unless_another_is_wanted(files: Files):
    before = files.bytes()
    assert files.tls.provide(HOSTS, renew=False).what == "nothing"
    assert files.bytes() == before


@pytest.mark.parametrize("hosts", [HOSTS._replace(addresses=("192.168.1.9",)),
                                   HOSTS._replace(names=("other.local",))])  # fmt: skip
def test_a_leaf_that_lacks_a_name_or_an_address_is_renewed(files: Files, hosts: Hosts):
    assert files.tls.provide(hosts, renew=False).what == "leaf"


def test_a_leaf_that_ends_soon_is_renewed(files: Files):
    files.clock.by_ms = LEAF_MS - RENEW_MS - 2 * 3_600_000
    assert files.tls.provide(HOSTS, renew=False).what == "nothing"
    files.clock.by_ms += 2 * 3_600_000
    assert files.tls.provide(HOSTS, renew=False).what == "leaf"


def test_a_server_that_runs_on_renews_its_own_leaf(files: Files):
    live = files.live()
    first = peer(live)
    assert not files.tls.keep(live)
    files.clock.by_ms = LEAF_MS - RENEW_MS
    assert files.tls.keep(live)
    live.refresh()
    assert peer(live) != first
    assert live.facts.hosts == HOSTS
    assert not files.tls.keep(live)


def test_a_leaf_of_a_clock_that_was_ahead_is_made_anew_once_it_is_right(files: Files):
    files.clock.by_ms = LEAF_MS
    files.tls.provide(HOSTS, renew=False)
    live = files.live()
    files.clock.by_ms = 0
    assert files.tls.keep(live)
    live.refresh()
    assert live.facts.begins_ms <= files.clock.now_ms()


def test_the_certificate_of_others_is_left_alone(files: Files, tmp_path: Path):
    files.clock.by_ms = LEAF_MS
    other = Files(tmp_path / "other", seed=1)
    other.tls.provide(HOSTS, renew=True)
    before = other.bytes()
    assert not files.tls.keep(other.live())
    assert other.bytes() == before


def test_what_the_authority_was_not_made_for_is_left_out_where_it_was_only_found(files: Files):
    also = Hosts((), ("192.0.2.9", "192.168.1.9"))
    made = files.tls.provide(HOSTS, renew=True, also=also)
    assert made.leaf.hosts == HOSTS._replace(addresses=(*HOSTS.addresses, "192.168.1.9"))
    with pytest.raises(SettingsError, match=r"not made for 192\.0\.2\.9"):
        files.tls.provide(also._replace(names=HOSTS.names), renew=True)


@pytest.mark.parametrize("name", ["server.pem", "server.key"])
def test_half_a_leaf_is_renewed(files: Files, name: str):
    (files.folder / name).unlink()
    assert files.tls.provide(HOSTS, renew=False).what == "leaf"


@pytest.mark.parametrize("name", ["ca.pem", "ca.key"])
def test_half_an_authority_is_never_replaced(files: Files, name: str):
    (files.folder / name).unlink()
    before = files.bytes()
    with pytest.raises(SettingsError, match="one is missing"):
        files.tls.provide(HOSTS, renew=True)
    assert files.bytes() == before


def test_an_authority_that_cannot_be_read_stays_as_it_is(files: Files):
    (files.folder / "ca.pem").write_bytes(b"torn")
    before = files.bytes()
    with pytest.raises(SettingsError, match="cannot be read"):
        files.tls.provide(HOSTS, renew=True)
    assert files.bytes() == before


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "data").write_bytes(b"a file")
    with pytest.raises(SettingsError, match="cannot be made"):
        Files(tmp_path / "data" / "keys").tls.provide(HOSTS, renew=True)


def test_a_new_pair_is_served_once_it_is_read_again(files: Files):
    live = files.live()
    first = peer(live)
    files.tls.provide(HOSTS, renew=True)
    assert peer(live) == first
    live.refresh()
    assert peer(live) == live.facts.fingerprint != first


@pytest.mark.parametrize("name", ["server.pem", "server.key"])
def test_a_bad_new_file_keeps_the_old_pair_and_is_told(files: Files, name: str):
    live = files.live()
    first = peer(live)
    good = files.bytes()[name]
    (files.folder / name).write_bytes(b"torn")
    live.refresh()
    assert peer(live) == first
    assert "served on" in live.report()["trouble"]
    (files.folder / name).write_bytes(good)
    live.refresh()
    assert (live.trouble, peer(live)) == ("", first)


def test_a_key_of_another_certificate_keeps_the_old_pair(files: Files):
    live = files.live()
    first = peer(live)
    files.tls.key.write_bytes((files.folder / "ca.key").read_bytes())
    live.refresh()
    assert (peer(live), bool(live.trouble)) == (first, True)


def test_files_that_vanish_are_told_and_the_old_pair_is_served(files: Files):
    live = files.live()
    first = peer(live)
    files.tls.certificate.unlink()
    live.refresh()
    assert "No such file" in live.trouble
    assert peer(live) == first


def test_a_key_that_everybody_can_read_is_refused(files: Files):
    files.tls.key.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        files.live()


def test_what_cannot_be_loaded_stops_the_start(files: Files):
    files.tls.certificate.write_bytes(b"")
    with pytest.raises(SettingsError, match="cannot be used"):
        files.live()


def test_old_versions_of_tls_are_not_spoken(files: Files):
    assert files.live().context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_local_certificate_is_told_from_another(files: Files, tmp_path: Path):
    live = files.live()
    assert live.is_local()
    assert live.authority_der() is not None
    other = Files(tmp_path / "other", seed=5)
    other.tls.provide(HOSTS, renew=True)
    for authority in (files.tls.authority, tmp_path / "no"):
        assert not LiveCertificate(other.tls.certificate, other.tls.key, authority).is_local()
    assert live.sign(b"content")
