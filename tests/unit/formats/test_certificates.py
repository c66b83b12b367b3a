"""Certificates of the local authority: what stands in them, and that OpenSSL takes the chain."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from fakes.world import FakeEntropy
from strongroom.formats import FormatError
from strongroom.formats.certificates import (
    Pair,
    common_name,
    is_issued_by,
    make_authority,
    make_leaf,
    outside,
    read_certificate,
    sign_message,
    to_der,
)
from strongroom.formats.hosts import Hosts

NOW = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)
HOSTS = Hosts(("box", "box.local", "localhost"), ("192.168.1.5", "127.0.0.1", "::1"))


def authority(hosts: Hosts = HOSTS, seed: int = 0) -> Pair:
    return make_authority("box", hosts, FakeEntropy(seed).token, NOW)


def leaf(above: Pair, hosts: Hosts = HOSTS, seed: int = 7) -> Pair:
    return make_leaf(above, hosts, FakeEntropy(seed).token, NOW)


def parsed(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate)


def test_a_leaf_carries_every_name_and_address_and_is_for_servers_only() -> None:
    made = leaf(authority())
    assert read_certificate(made.certificate).hosts == HOSTS
    found = parsed(made).extensions
    usage = found.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not found.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_leaf_lives_397_days_and_an_authority_ten_years() -> None:
    above = authority()
    for made, days in ((above, 3650), (leaf(above), 397)):
        found = parsed(made)
        assert found.not_valid_after_utc - found.not_valid_before_utc == timedelta(days=days)
        assert found.not_valid_before_utc < datetime.fromtimestamp(NOW / 1000, UTC)
    expires = datetime.fromtimestamp(
        read_certificate(leaf(above).certificate).expires_ms / 1000, UTC
    )
    assert expires == parsed(leaf(above)).not_valid_after_utc


def test_an_authority_may_sign_leaves_only_and_only_for_local_names() -> None:
    found = parsed(authority()).extensions
    basic = found.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical
    assert (basic.value.ca, basic.value.path_length) == (True, 0)
    names = found.get_extension_for_class(x509.NameConstraints)
    assert not names.critical
    permitted = [str(one.value) for one in names.value.permitted_subtrees or []]
    assert permitted[:3] == ["local", "localhost", "box"]
    assert "192.168.0.0/16" in permitted
    assert "192.168.1.5/32" not in permitted


@pytest.mark.parametrize(
    "hosts", [Hosts(("bank.example",), ()), Hosts(("box.local",), ("192.0.2.9",))]
)
def test_what_the_authority_was_not_made_for_is_refused(hosts: Hosts) -> None:
    assert outside(authority().certificate, hosts) == [*hosts.names, *hosts.addresses][-1:]
    with pytest.raises(FormatError, match="not made for"):
        leaf(authority(), hosts)


def test_what_was_asked_for_at_its_making_is_in_the_authority() -> None:
    hosts = Hosts(("box.example",), ("192.0.2.9", "2001:db8::1"))
    assert read_certificate(leaf(authority(hosts), hosts).certificate).hosts == hosts


def test_keys_and_serial_numbers_follow_the_chance_that_is_given() -> None:
    assert authority().key == authority().key
    assert authority().key != authority(seed=1).key
    above = authority()
    assert parsed(leaf(above)).serial_number != parsed(leaf(above, seed=8)).serial_number


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """Both sides in memory; gives the version, raises what the client thinks of the leaf."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (one, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return one.version()


def contexts(above: Pair, made: Pair, place: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    (place / "c.pem").write_bytes(made.certificate)
    (place / "k.pem").write_bytes(made.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(place / "c.pem", place / "k.pem")
    return server, ssl.create_default_context(cadata=above.certificate.decode())


@pytest.fixture
def now_authority() -> Pair:
    return make_authority(
        "box", HOSTS, FakeEntropy().token, int(datetime.now(UTC).timestamp() * 1000)
    )


@pytest.mark.parametrize("name", ["box", "box.local", "localhost", "192.168.1.5", "::1"])
def test_a_client_that_trusts_the_authority_takes_the_leaf_by_each_name(
    now_authority: Pair, name: str, tmp_path: Path
) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    made = make_leaf(now_authority, HOSTS, FakeEntropy(3).token, now)
    server, client = contexts(now_authority, made, tmp_path)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    assert shake_hands(server, client, name) == "TLSv1.3"


def test_a_client_refuses_another_name_and_another_authority(
    now_authority: Pair, tmp_path: Path
) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    made = make_leaf(now_authority, HOSTS, FakeEntropy(3).token, now)
    server, client = contexts(now_authority, made, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, client, "other.local")
    stranger = make_authority("box", HOSTS, FakeEntropy(9).token, now)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, contexts(stranger, made, tmp_path)[1], "box.local")


def test_whose_leaf_it_is_can_be_told() -> None:
    above = authority()
    made = leaf(above)
    assert is_issued_by(made.certificate, above.certificate)
    assert not is_issued_by(made.certificate, authority(seed=1).certificate)
    assert not is_issued_by(above.certificate, made.certificate)


@pytest.mark.parametrize(
    "pem", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_one_error(pem: bytes) -> None:
    for call in (read_certificate, to_der, lambda one: is_issued_by(one, one)):
        with pytest.raises(FormatError, match="cannot be read"):
            call(pem)
    with pytest.raises(FormatError):
        sign_message(b"x", Pair(pem, b""))


def test_a_key_that_is_not_ours_signs_no_leaf() -> None:
    above = authority()
    with pytest.raises(FormatError, match="key"):
        leaf(above._replace(key=b"no key"))
    other = rsa.generate_private_key(65537, 2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(FormatError, match="not one of ours"):
        leaf(above._replace(key=pem))


def test_a_certificate_without_names_names_nobody() -> None:
    facts = read_certificate(authority().certificate)
    assert facts.hosts == Hosts((), ())
    assert facts.fingerprint.count(":") == 31
    assert common_name(to_der(authority().certificate)) == "Strongroom on box"


def test_a_signed_message_holds_the_bytes_and_the_chain() -> None:
    above = authority()
    made = leaf(above)
    signed = sign_message(
        b"<plist/>", made._replace(certificate=made.certificate + above.certificate)
    )
    assert b"<plist/>" in signed
    carried = pkcs7.load_der_pkcs7_certificates(signed)
    assert {one.subject for one in carried} == {parsed(made).subject, parsed(above).subject}
