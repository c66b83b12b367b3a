"""Certificates for a test: a CA of its own, and leaves that are right, too old or another's."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate file and its key file."""

    certificate: Path
    key: Path


class Authority:
    """A CA; `ca` is its certificate."""

    def __init__(self, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self.ca = place / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test CA")
        self.ca.write_bytes(self._sign(self._name, self._key, [], 30 * DAY, is_ca=True))

    def leaf(self, name: str = "localhost", days: float = 20) -> Pair:
        """Make a leaf for `name` that ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if name == "localhost":
            names.append(x509.IPAddress(ip_address("127.0.0.1")))
        pair = Pair(self.place / f"{name}-{days}.pem", self.place / f"{name}-{days}.key")
        pair.certificate.write_bytes(self._sign(_name(name), key, names, days * DAY, is_ca=False))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pair

    def trusted(self) -> ssl.SSLContext:
        """Give what a client needs that trusts this CA alone."""
        return ssl.create_default_context(cafile=str(self.ca))

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: list[x509.GeneralName],
        life: timedelta,
        *,
        is_ca: bool,
    ) -> bytes:
        now = datetime.now(UTC)
        public, own = key.public_key(), x509.SubjectKeyIdentifier.from_public_key
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, now + life) - DAY)
            .not_valid_after(now + life)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(own(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if is_ca:
            made = made.add_extension(_signs_certificates(), critical=True)
        signed = made.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
