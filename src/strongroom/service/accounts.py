"""Accounts and their devices: adding, revoking, signing in.

A device is one app password. Passwords carry 160 bits of chance, so one round of SHA-256 keeps
them safe; they are shown once and never stored. Signing in reads the directory in memory: trouble
with a disk never looks like a wrong password (I4).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import Final, NamedTuple

from strongroom.base.errors import (
    ConflictError,
    FrozenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
)
from strongroom.base.limits import HREF_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.basicauth import normalise_login, normalise_password
from strongroom.history.directory import Directory
from strongroom.history.edits import AddAccount, Origin, Put, Remove
from strongroom.history.entries import DEVICE, Key, Member, canonical, digest_of
from strongroom.ports.cell import Cell
from strongroom.ports.world import Entropy
from strongroom.service.collections import ABSENT, ADDRESSBOOK_DATA, display_name

DEFAULT_BOOK: Final = "contacts"
_LETTERS: Final = "abcdefghjkmnpqrstvwxyz0123456789"  # 32; no i, l, o, u: they are misread
_GROUPS: Final = 8
_GROUP_LETTERS: Final = 4
_TOKEN_KEY_BYTES: Final = 32
_NO_SECRET: Final = "0" * 64


class Caller(NamedTuple):
    """Who asks: an account, through one of its devices."""

    account: Member
    device: Member
    key: bytes  # of the account's sync tokens (I5)

    @property
    def home(self) -> int:
        """Give the id of the account's home."""
        return self.account.id

    @property
    def login(self) -> str:
        """Give the account's login."""
        return self.account.href


async def add_account(cell: Cell, login: str, entropy: Entropy, origin: Origin) -> Member:
    """Create an account with an empty address book.

    Raises:
        InvalidError: `login` cannot be one. Nothing changed.
        ConflictError: the account is there already. Nothing changed.
    """
    try:
        login = normalise_login(login)
    except FormatError as error:
        raise InvalidError(error.message) from error
    data = canonical({"key": entropy.token(_TOKEN_KEY_BYTES).hex()})
    books = ((DEFAULT_BOOK, ADDRESSBOOK_DATA, canonical(display_name("Contacts"))),)
    rows = await cell.submit(AddAccount(login, data, books, origin), {})
    assert isinstance(rows[0], Member)
    return rows[0]


async def add_device(cell: Cell, login: str, name: str, entropy: Entropy, origin: Origin) -> str:
    """Create a device password for an account.

    Returns:
        The password; it is shown once, only its hash is kept.

    Raises:
        InvalidError, NotFoundError, ConflictError: the name cannot be one, there is no such
            account, the device is there already. Nothing changed.
        FrozenError: no new device is set up while an account is frozen.
    """
    account = find_account(cell.directory, login)
    if cell.directory.frozen(account.id):
        raise FrozenError
    if not name.isprintable() or not 0 < len(name.encode()) <= HREF_BYTES_MAX:
        raise InvalidError(f"A device's name is 1 to {HREF_BYTES_MAX} bytes of printable text.")
    password = make_password(entropy.token)
    data = canonical({"name": name, "scope": "all", "secret": secret_of(password)})
    key = Key(account.id, DEVICE, name)
    try:
        await cell.submit(Put(key, digest_of(data.encode()), data, origin, ABSENT), {})
    except PreconditionError as error:
        raise ConflictError(f"{login} has a device of the name {name} already.") from error
    return password


async def revoke_device(cell: Cell, login: str, name: str, origin: Origin) -> None:
    """Let a device in no more.

    Raises:
        NotFoundError: no such account or device. Nothing changed.
    """
    account = find_account(cell.directory, login)
    await cell.submit(Remove(Key(account.id, DEVICE, name), origin), {})


def find_account(directory: Directory, login: str) -> Member:
    """Give the account of that login; raises NotFoundError."""
    account = _account(directory, login)
    if account is None:
        raise NotFoundError(f"There is no account {login}.")
    return account


def _account(directory: Directory, login: str) -> Member | None:
    try:
        return directory.account(normalise_login(login))
    except FormatError:
        return None


def sign_in(directory: Directory, login: str, password: str) -> Caller | None:
    """Find the device that a password belongs to; None = wrong credentials.

    Every device of the account is compared, in constant time each, and an unknown login costs a
    comparison too.
    """
    secret = secret_of(password)
    account = _account(directory, login)
    devices = directory.members(account.id, DEVICE) if account else []
    found: Member | None = None
    for device in devices:
        if compare_digest(secret, str(device.facts["secret"])):
            found = device
    if account is None or found is None:
        compare_digest(secret, _NO_SECRET)
        return None
    return Caller(account, found, bytes.fromhex(account.facts["key"]))


def still_valid(directory: Directory, caller: Caller) -> bool:
    """Say whether a caller who signed in before is neither revoked nor changed since."""
    device = directory.device(caller.device.id)
    return device is caller.device and directory.account(caller.login) is caller.account


def make_password(token: Callable[[int], bytes]) -> str:
    """Make a password of 160 bits: eight groups of four letters and digits."""
    number = int.from_bytes(token(_GROUPS * _GROUP_LETTERS * 5 // 8))
    letters = [_LETTERS[number >> 5 * i & 31] for i in range(_GROUPS * _GROUP_LETTERS)]
    groups = range(0, len(letters), _GROUP_LETTERS)
    return "-".join("".join(letters[i : i + _GROUP_LETTERS]) for i in groups)


def secret_of(password: str) -> str:
    """Hash a password as it is kept; hyphens, spaces and capitals of a typist do not matter."""
    plain = normalise_password(password).lower()
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
