"""Certificate files: those of the local authority below `data/keys`, and the pair that is served.

Rules: an authority is never overwritten, for phones trust it; keys are 0600, as everything that
durable writes; a pair that cannot be used never takes the place of one that can, it is told as
trouble instead. What stands in a certificate is decided in formats/certificates.py.
"""

from __future__ import annotations

import ssl
import stat
from pathlib import Path
from typing import Any, Final, NamedTuple

from strongroom.base.errors import DamageError, SettingsError
from strongroom.formats import FormatError
from strongroom.formats.certificates import (
    Facts,
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
from strongroom.ports.world import Clock, Entropy
from strongroom.stores.durable import Durable

RENEW_MS: Final = 30 * 86_400_000  # before its end; a phone's owner notices nothing of it
_NO_HOSTS: Final = Hosts((), ())
_FILE_BYTES_MAX: Final = 1024 * 1024
_READABLE_BY_ALL: Final = stat.S_IROTH | stat.S_IWOTH


class Made(NamedTuple):
    """What was made: "authority and leaf", "leaf" or "nothing", and the two fingerprints."""

    what: str
    authority: Facts
    leaf: Facts


class LocalAuthority:
    """The files of `data/keys` that are its own."""

    def __init__(self, folder: Path, clock: Clock, entropy: Entropy) -> None:
        """Keep them in `folder`, which is made when something is."""
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        self.authority = folder / "ca.pem"
        self._authority_key = folder / "ca.key"
        self._clock = clock
        self._entropy = entropy
        self._durable = Durable()

    def provide(self, hosts: Hosts, *, renew: bool, also: Hosts = _NO_HOSTS) -> Made:
        """Have a leaf for `hosts` that lives for a while yet; with `renew`, a new one anyway.

        `also` is taken in as far as the authority was made for it.

        Raises:
            SettingsError: it cannot be made, and why; an authority that is there stays as it is.
        """
        try:
            return self._provide(self._with(hosts, also), renew)
        except (DamageError, OSError) as error:
            raise SettingsError(f"A certificate cannot be made: {error}.") from error
        except FormatError as error:
            raise SettingsError(f"{self.certificate.parent}: {error.message}") from error

    def keep(self, served: LiveCertificate) -> bool:
        """Renew the leaf that is served, for the names it has, once it ends soon.

        Only a leaf of ours that lies here is renewed; one whose time has not come yet (a clock was
        wrong when it was made) is no good either.

        Returns:
            Whether a new one lies there now, which `served` has not read yet.

        Raises:
            SettingsError: it cannot be made, and why; the one before is there still.
        """
        if served.certificate != self.certificate or not served.is_local():
            return False
        return self.provide(served.facts.hosts, renew=False).what != "nothing"

    def _with(self, hosts: Hosts, also: Hosts) -> Hosts:
        strange = outside(_read(self.authority), also) if self.authority.exists() else []
        return Hosts(
            *(
                tuple(dict.fromkeys([*sure, *(one for one in more if one not in strange)]))
                for sure, more in zip(hosts, also, strict=True)
            )
        )

    def _provide(self, hosts: Hosts, renew: bool) -> Made:
        self._durable.make_dirs(self.certificate.parent)
        was_there = self.authority.exists()
        authority = self._authority_pair(hosts)
        facts = read_certificate(authority.certificate)
        if was_there and not renew and (leaf := self._good_leaf(hosts)):
            return Made("nothing", facts, leaf)
        made = make_leaf(authority, hosts, self._entropy.token, self._clock.now_ms())
        # The key first: a server that looks in between finds two that do not fit, and waits.
        self._durable.replace(self.key, made.key)
        self._durable.replace(self.certificate, made.certificate)
        what = "leaf" if was_there else "authority and leaf"
        return Made(what, facts, read_certificate(made.certificate))

    def _authority_pair(self, hosts: Hosts) -> Pair:
        there = [path.exists() for path in (self.authority, self._authority_key)]
        if all(there):
            return Pair(_read(self.authority), _read(self._authority_key))
        if any(there):
            raise SettingsError(
                f"Of {self.authority} and {self._authority_key} one is missing. Bring it back, or "
                "move the other away to make a new authority, which phones must then trust anew. "
                "Nothing was changed."
            )
        made = make_authority(hosts.names[0], hosts, self._entropy.token, self._clock.now_ms())
        self._durable.write_new(self._authority_key, made.key)
        self._durable.write_new(self.authority, made.certificate)
        return made

    def _good_leaf(self, hosts: Hosts) -> Facts | None:
        """Give the leaf that is there, if it covers `hosts`, is ours and does not end soon."""
        try:
            pem = _read(self.certificate)
            facts = read_certificate(pem)
            ours = self.key.exists() and is_issued_by(pem, _read(self.authority))
        except (OSError, FormatError):
            return None
        covers = set(hosts.names) <= set(facts.hosts.names) and set(hosts.addresses) <= set(
            facts.hosts.addresses
        )
        now_ms = self._clock.now_ms()
        lasts = facts.begins_ms <= now_ms < facts.expires_ms - RENEW_MS
        return facts if ours and covers and lasts else None


class LiveCertificate:
    """The pair that is served; its files are read again when they change."""

    def __init__(self, certificate: Path, key: Path, authority: Path) -> None:
        """Load it; `authority` is where a local one would be.

        Raises:
            SettingsError: it cannot be used. Nothing was started.
        """
        self.certificate = certificate
        self._paths = (certificate, key)
        self._authority = authority
        self.trouble = ""
        try:
            self._current, self.facts, self._seen = self._load()
        except (OSError, ssl.SSLError, FormatError) as error:
            raise SettingsError(f"TLS: {self._cannot(error)}") from error
        self.context = self._current
        # Every handshake asks here, so that a new pair is taken whole or not at all.
        self.context.sni_callback = self._switch

    def _load(self) -> tuple[ssl.SSLContext, Facts, object]:
        seen = [_stamp(path) for path in self._paths]
        certificate, key = self._paths
        if key.stat().st_mode & _READABLE_BY_ALL:
            raise FormatError("open-key", f"{key} can be read by everybody; chmod 600 helps")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        # A key with a pass phrase must fail, not ask a terminal that nobody watches.
        context.load_cert_chain(certificate, key, password="")
        return context, read_certificate(_read(certificate)), seen

    def _cannot(self, error: Exception) -> str:
        why = getattr(error, "strerror", None) or str(error)
        names = " and ".join(str(path) for path in self._paths)
        return f"{names} cannot be used: {why}."

    def _switch(self, connection: ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
        connection.context = self._current

    def refresh(self) -> None:
        """Take the files if they changed; what cannot be used becomes `trouble`."""
        try:
            if [_stamp(path) for path in self._paths] != self._seen:
                self._current, self.facts, self._seen = self._load()
            self.trouble = ""
        except (OSError, ssl.SSLError, FormatError) as error:
            self.trouble = f"{self._cannot(error)} The one before it is served on."

    def is_local(self) -> bool:
        """Say whether our own authority made it, which a phone does not trust unasked."""
        return self.authority_der() is not None

    def authority_der(self) -> bytes | None:
        """Give the local authority that made it; None where another one did."""
        try:
            authority = _read(self._authority)
            if is_issued_by(_read(self._paths[0]), authority):
                return to_der(authority)
        except (OSError, FormatError):
            return None
        return None

    def _authority_fingerprint(self) -> str:
        return read_certificate(_read(self._authority)).fingerprint if self.is_local() else ""

    def authority_name(self) -> str:
        """Give what a phone calls the local authority; "" where another one made it."""
        der = self.authority_der()
        return common_name(der) if der else ""

    def sign(self, content: bytes) -> bytes:
        """Sign for whoever trusts the certificate; raises FormatError or OSError."""
        return sign_message(content, Pair(*map(_read, self._paths)))

    def report(self) -> dict[str, Any]:
        """Say how it is, for `strongroom status`."""
        return {
            "certificate": str(self._paths[0]),
            "expires_ms": self.facts.expires_ms,
            "fingerprint": self.facts.fingerprint,
            "names": [*self.facts.hosts.names, *self.facts.hosts.addresses],
            "local": self.is_local(),
            "authority_fingerprint": self._authority_fingerprint(),
            "trouble": self.trouble,
        }


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_FILE_BYTES_MAX)
