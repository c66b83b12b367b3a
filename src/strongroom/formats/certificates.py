"""Certificates of a local authority, made and read: chance and time in, PEM out. Pure.

The authority is made once for each server and lives ten years; the leaf lives 397 days, which is
what Apple's systems accept at most, and is made anew under the same authority, so that a phone that
trusts it notices nothing. What the authority may speak for is written into it (name constraints):
`*.local`, names without a dot that were asked for, private addresses. Whoever steals its key cannot
pose as a bank. They are not marked critical, against RFC 5280: a client that does not know them
would refuse the whole authority, and one that does keeps to them all the same.

Not here: files (stores/tls.py), sockets, and whether a phone trusts it (its owner decides that).
Source: RFC 5280 sections 4.2.1.6, 4.2.1.10; Apple, "Requirements for trusted certificates" (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from strongroom.formats import FormatError
from strongroom.formats.hosts import Hosts

AUTHORITY_DAYS: Final = 3650
LEAF_DAYS: Final = 397
_EARLIER: Final = timedelta(hours=1)  # a phone's clock may be slow
_CURVE: Final = ec.SECP256R1()
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_KEY_BYTES: Final = 48  # 16 more than the order has, so that no key is likelier than another
_SERIAL_BYTES: Final = 16
_COMMON_NAME_CHARACTERS_MAX: Final = 64  # RFC 5280 appendix A.1
_LOCAL_NAMES: Final = ("local", "localhost")
_LOCAL_NETWORKS: Final = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8",
    "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip

Chance = Callable[[int], bytes]
_PrivateKey = ec.EllipticCurvePrivateKey


class Pair(NamedTuple):
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes


class Facts(NamedTuple):
    """What a certificate says."""

    hosts: Hosts
    begins_ms: int
    expires_ms: int
    fingerprint: str  # SHA-256, hex pairs with colons


def make_authority(owner: str, hosts: Hosts, chance: Chance, now_ms: int) -> Pair:
    """Make an authority that may speak for local names, and for `hosts`.

    A person reads `owner` in the list of what a phone trusts.
    """
    key = _make_key(chance)
    name = _name(f"Strongroom on {owner}")
    builder = _builder(name, name, key, chance, _time(now_ms), AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_others=True), critical=True)
    builder = builder.add_extension(
        x509.NameConstraints(_permitted(hosts), excluded_subtrees=None), critical=False
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def make_leaf(authority: Pair, hosts: Hosts, chance: Chance, now_ms: int) -> Pair:
    """Make a server's certificate under an authority.

    Raises:
        FormatError: `outside-authority`: it may not speak for one of `hosts`; `bad-certificate`.
    """
    above = _certificate(authority.certificate)
    _check_permitted(above, hosts)
    signer = _key(authority.key)
    key = _make_key(chance)
    builder = _builder(above.subject, _name(hosts.names[0]), key, chance, _time(now_ms), LEAF_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(signs_others=False), critical=True)
    builder = builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in hosts.names]
    names += [x509.IPAddress(ip_address(one)) for one in hosts.addresses]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(issuer_id, critical=False)
    return _pair(builder.sign(signer, hashes.SHA256()), key)


def read_certificate(pem: bytes) -> Facts:
    """Say what the first certificate of a PEM file says; raises FormatError (`bad-certificate`)."""
    found = _certificate(pem)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = Hosts(
            tuple(names.get_values_for_type(x509.DNSName)),
            tuple(map(str, names.get_values_for_type(x509.IPAddress))),
        )
    except x509.ExtensionNotFound:
        hosts = Hosts((), ())
    digest = found.fingerprint(hashes.SHA256())
    begins, expires = (
        int(moment.timestamp() * 1000)
        for moment in (found.not_valid_before_utc, found.not_valid_after_utc)
    )
    return Facts(hosts, begins, expires, digest.hex(":").upper())


def is_issued_by(pem: bytes, authority_pem: bytes) -> bool:
    """Say whether the authority signed the first certificate; raises FormatError."""
    leaf, authority = _certificate(pem), _certificate(authority_pem)
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def outside(authority_pem: bytes, hosts: Hosts) -> list[str]:
    """Give those of `hosts` that an authority of ours may not speak for; raises FormatError."""
    return _outside(_certificate(authority_pem), hosts)


def to_der(pem: bytes) -> bytes:
    """Give the first certificate of a PEM file as DER; raises FormatError."""
    return _certificate(pem).public_bytes(serialization.Encoding.DER)


def common_name(der: bytes) -> str:
    """Give the name that people see of a certificate of ours."""
    found = x509.load_der_x509_certificate(der)
    return str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def sign_message(content: bytes, pair: Pair) -> bytes:
    """Wrap bytes in a signature (CMS, DER) with the certificate and its chain.

    Raises:
        FormatError: `bad-certificate`: the pair cannot be read, or its key cannot sign so.
    """
    try:
        first, *chain = x509.load_pem_x509_certificates(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, None)
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
        builder = builder.add_signer(first, key, hashes.SHA256())  # type: ignore[arg-type]
        for above in chain:
            builder = builder.add_certificate(above)
        return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    except (ValueError, TypeError) as error:
        raise _bad(f"The certificate and key cannot sign: {error}.") from error


# --- parts --------------------------------------------------------------------------------------
def _builder(
    issuer: x509.Name,
    subject: x509.Name,
    key: _PrivateKey,
    chance: Chance,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    since = now - _EARLIER
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(chance(_SERIAL_BYTES)) | 1)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    text = common[:_COMMON_NAME_CHARACTERS_MAX]
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_others, key_cert_sign=signs_others, crl_sign=signs_others,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _permitted(hosts: Hosts) -> list[x509.GeneralName]:
    names = [*_LOCAL_NAMES, *(name for name in hosts.names if not _under(name, _LOCAL_NAMES))]
    local = [ip_network(one) for one in _LOCAL_NETWORKS]
    others = [one for one in hosts.addresses if not _within(one, local)]
    networks = [*local, *map(ip_network, others)]
    return [*map(x509.DNSName, names), *map(x509.IPAddress, networks)]


def _outside(authority: x509.Certificate, hosts: Hosts) -> list[str]:
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = constraints.permitted_subtrees or []
    names = [one.value for one in permitted if isinstance(one, x509.DNSName)]
    networks = [one.value for one in permitted if isinstance(one, x509.IPAddress)]
    strange = [name for name in hosts.names if not _under(name, names)]
    return strange + [one for one in hosts.addresses if not _within(one, networks)]


def _check_permitted(authority: x509.Certificate, hosts: Hosts) -> None:
    if strange := _outside(authority, hosts):
        raise FormatError(
            "outside-authority",
            f"The local authority was not made for {', '.join(strange)}. Move ca.pem and ca.key "
            "away to make another one; phones must then trust that one.",
        )


def _under(name: str, above: Iterable[str]) -> bool:
    return any(name == one or name.endswith(f".{one}") for one in above)


def _within(address: str, networks: Iterable[object]) -> bool:
    one = ip_address(address)
    return any(
        isinstance(network, IPv4Network | IPv6Network) and one in network for network in networks
    )


def _make_key(chance: Chance) -> _PrivateKey:
    number = int.from_bytes(chance(_KEY_BYTES)) % (_ORDER - 1) + 1
    return ec.derive_private_key(number, _CURVE)


def _key(pem: bytes) -> _PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise _bad(f"The key cannot be read: {error}.") from error
    if not isinstance(key, _PrivateKey):
        raise _bad("The key is not one of ours (ECDSA).")
    return key


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise _bad(f"The certificate cannot be read: {error}.") from error


def _pair(certificate: x509.Certificate, key: _PrivateKey) -> Pair:
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(certificate.public_bytes(pem), private)


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC)


def _bad(message: str) -> FormatError:
    return FormatError("bad-certificate", message)
