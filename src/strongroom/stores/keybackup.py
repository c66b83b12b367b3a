"""A backup of the keys as one age file, which `age` and `tar` open without us (I10).

Rules: whole folder are packed, so that what belongs to a key comes with it; a backup never takes
the place of a file; it counts only after it was read back. One with a passphrase is opened again
and compared; of one to recipients only its bytes can be compared, for nobody here can open it.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyrage  # type: ignore[import-untyped]  # it has none

from strongroom.base.errors import (
    ConflictError,
    DamageError,
    InvalidError,
    NotFoundError,
    SettingsError,
)
from strongroom.stores.durable import Durable
from strongroom.stores.keys import MODE, KeyFolder, is_plain

_FILE_BYTES_MAX: Final = 64 * 1024  # a chain of certificates has some KiB


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


def back_up(
    folder: KeyFolder, target: Path, seal: Seal, durable: Durable | None = None
) -> dict[str, Any]:
    """Write all of them as one age file, which holds a tar with names below `data`.

    Raises:
        NotFoundError: there are no keys. Nothing was written.
        ConflictError: something of that name is there; it is untouched.
        SettingsError: a key cannot be read, or the file not be written.
        DamageError: what was read back is not what was written; the file is left for a look.
    """
    paths = [key.path for key in folder.held() if is_plain(key.path)]
    if not paths:
        raise NotFoundError("There are no key files yet, so there is nothing to back up.")
    plain = _archive(folder.data, paths)
    sealed = seal.encrypt(plain)
    try:
        (durable or Durable()).create(target, sealed)
    except FileExistsError as error:
        raise ConflictError(f"{target} is there already. It is untouched.") from error
    except DamageError as error:
        raise SettingsError(f"The backup cannot be written: {error}.") from error
    return {
        "file": str(target),
        "bytes": len(sealed),
        "keys": [path.name for path in paths],
        "proof": _prove(target, seal, plain, sealed),
    }


def _archive(data: Path, paths: Sequence[Path]) -> bytes:
    packed = io.BytesIO()
    with tarfile.TarFile(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in paths:
            body = _read(path)
            line = tarfile.TarInfo(str(path.relative_to(data)))
            line.size, line.mode = len(body), MODE
            tar.addfile(line, io.BytesIO(body))
    return packed.getvalue()


def _prove(target: Path, seal: Seal, plain: bytes, sealed: bytes) -> str:
    try:
        found = target.read_bytes()
    except OSError as error:
        raise DamageError(f"{target} cannot be read back: {error.strerror}.") from error
    if found != sealed:
        raise DamageError(f"{target} does not hold what was written. Do not rely on it.")
    opened = seal.decrypt(found)
    if opened is None:
        return "read back byte for byte; only who holds the identity can open it"
    if opened != plain:
        raise DamageError(f"{target} does not open to what it was made of. Do not rely on it.")
    return "opened again with the passphrase and compared"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    if len(body) > _FILE_BYTES_MAX:
        raise SettingsError(f"{path} is too large for a key.")
    return body
