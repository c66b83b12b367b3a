"""The secret files of `data`: which there are, who can read them, and a backup of them.

A key is a file in `data/keys`, or one called `*.key` in `data/tls`. Rules: a key that others than
its owner can read is refused, with the command that mends it; nothing of a key's content is ever
shown or logged; a backup holds whole folders, so that what belongs to a key comes with it; a backup
never takes the place of a file, and counts only after it was read back.

Not here: keys that lie elsewhere, as a certificate of an outside authority does; the keys of sync
tokens, which stand in every replica and in the witness (I5).
"""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any, Final, NamedTuple

import pyrage  # type: ignore[import-untyped]  # it has none

from strongroom.base.errors import (
    ConflictError,
    DamageError,
    InvalidError,
    NotFoundError,
    SettingsError,
)
from strongroom.stores.durable import Durable

_MODE: Final = 0o600
_FILE_BYTES_MAX: Final = 1024 * 1024
_FOLDERS: Final = ("keys", "tls")
_SUFFIX: Final = ".key"


class Purpose(NamedTuple):
    """What a key protects, and what it costs to lose it."""

    protects: str
    loss: str


_PURPOSES: Final = {
    "ca.key": Purpose(
        "the local authority that phones were told to trust; who steals it can pretend to be this "
        "server",
        "every phone must be told to trust a new authority; no data is lost",
    ),
    "server.key": Purpose(
        "what goes between phones and this server",
        "`strongroom tls init` makes another; phones notice nothing",
    ),
}
_STRANGE: Final = Purpose("nothing that this release knows of", "not known")


class Key(NamedTuple):
    """One key file; `trouble` says why it is not as it must be, "" = it is."""

    path: Path
    purpose: Purpose
    trouble: str

    def report(self) -> dict[str, str]:
        """Give it for programs."""
        protects, loss = self.purpose
        told = {"key": self.path.name, "path": str(self.path), "protects": protects, "loss": loss}
        return {**told, "trouble": self.trouble}


class KeyFolders:
    """The keys of one `data` directory; nothing is made that is not there."""

    def __init__(self, data: Path, durable: Durable | None = None) -> None:
        """Look below `data`."""
        self._data = data
        self._durable = durable or Durable()

    def held(self) -> list[Key]:
        """List the keys; a folder that is not there holds none."""
        paths = [path for path in self._files() if _is_key(path)]
        return [Key(p, _PURPOSES.get(p.name, _STRANGE), _trouble(p)) for p in paths]

    def troubles(self) -> list[str]:
        """Say what is wrong with them."""
        return [key.trouble for key in self.held() if key.trouble]

    def check(self) -> None:
        """Raise SettingsError where a key can be read by others."""
        troubles = self.troubles()
        if troubles:
            raise SettingsError(f"{' '.join(troubles)} Nothing was started.")

    def _files(self) -> list[Path]:
        found = (p for name in _FOLDERS for p in sorted((self._data / name).glob("*")))
        return [p for p in found if not p.name.startswith(".")]  # half-written, left by a crash

    # --- backup ---------------------------------------------------------------------------------
    def back_up(self, target: Path, seal: Seal) -> dict[str, Any]:
        """Write all of them as one age file, which holds a tar with names below `data`.

        Raises:
            NotFoundError: there are no keys. Nothing was written.
            ConflictError: something of that name is there; it is untouched.
            SettingsError: a key cannot be read, or the file not be written.
            DamageError: what was read back is not what was written; the file is left for a look.
        """
        keys = self.held()
        if not keys:
            raise NotFoundError("There are no key files yet, so there is nothing to back up.")
        plain = self._archive()
        sealed = seal.encrypt(plain)
        try:
            self._durable.create(target, sealed)
        except FileExistsError as error:
            raise ConflictError(f"{target} is there already. It is untouched.") from error
        except DamageError as error:
            raise SettingsError(f"The backup cannot be written: {error}.") from error
        return {
            "file": str(target),
            "bytes": len(sealed),
            "keys": [key.path.name for key in keys],
            "proof": self._prove(target, seal, plain, sealed),
        }

    def _archive(self) -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path in filter(_is_plain, self._files()):
                body = _read(path)
                line = tarfile.TarInfo(str(path.relative_to(self._data)))
                line.size, line.mode = len(body), _MODE
                tar.addfile(line, io.BytesIO(body))
        return packed.getvalue()

    def _prove(self, target: Path, seal: Seal, plain: bytes, sealed: bytes) -> str:
        found = _read(target)
        if found != sealed:
            raise DamageError(f"{target} does not hold what was written. Do not rely on it.")
        opened = seal.decrypt(found)
        if opened is None:
            return "read back byte for byte; only who holds the identity can open it"
        if opened != plain:
            raise DamageError(f"{target} does not open to what it was made of. Do not rely on it.")
        return "opened again with the passphrase and compared"


def _is_key(path: Path) -> bool:
    return path.parent.name == "keys" or path.suffix == _SUFFIX


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _trouble(path: Path) -> str:
    if not _is_plain(path):
        return f"{path} is no plain file; put the key itself there."
    mode = stat.S_IMODE(path.lstat().st_mode)
    if mode & ~_MODE:
        return f"{path} is open to others (mode {mode:04o}); run `chmod 600 {quote(str(path))}`."
    return ""


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    if len(body) > _FILE_BYTES_MAX:
        raise SettingsError(f"{path} is too large for a key.")
    return body


# --- age ------------------------------------------------------------------------------------------
class Seal:
    """How a backup is encrypted: to recipients, or with a passphrase."""

    def __init__(self, recipients: Sequence[str] = (), passphrase: str = "") -> None:
        """Take one or the other.

        Raises:
            InvalidError: neither, or a recipient that is none. Nothing was written.
        """
        if bool(recipients) == bool(passphrase):
            raise InvalidError("Name recipients (age1...) or a passphrase, one of both.")
        self._passphrase = passphrase
        try:
            self._recipients = [pyrage.x25519.Recipient.from_str(one) for one in recipients]
        except pyrage.RecipientError as error:
            raise InvalidError(f"A recipient looks like age1...: {error}.") from error

    def encrypt(self, plain: bytes) -> bytes:
        """Give an age file."""
        if self._passphrase:
            return bytes(pyrage.passphrase.encrypt(plain, self._passphrase))
        return bytes(pyrage.encrypt(plain, self._recipients))

    def decrypt(self, sealed: bytes) -> bytes | None:
        """Open it again; None where only a recipient can."""
        if not self._passphrase:
            return None
        try:
            return bytes(pyrage.passphrase.decrypt(sealed, self._passphrase))
        except pyrage.DecryptError as error:
            raise DamageError(f"The backup does not open: {error}.") from error
