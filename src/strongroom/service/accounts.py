"""Accounts and their devices: adding, suspending, revoking, signing in.

A device is one app password. Passwords carry 160 bits of chance, so one round of SHA-256 keeps
them safe; they are shown once and never stored. Signing in reads the directory in memory: trouble
with a disk never looks like a wrong password (I4). A suspended account is known by a fact of its
row; its devices sign in, and hear why nothing is served.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from strongroom.base.errors import (
    ConflictError,
    FrozenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    SuspendedError,
)
from strongroom.base.limits import HREF_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.basicauth import normalise_login, normalise_password
from strongroom.formats.conditions import Precondition
from strongroom.history.directory import Directory
from strongroom.history.edits import AddAccount, Origin, Put, Remove
from strongroom.history.entries import DEVICE, Key, Member, canonical, digest_of
from strongroom.ports.cell import Cell
from strongroom.ports.world import Entropy
from strongroom.service.collections import ABSENT, ADDRESSBOOK_DATA, display_name
from strongroom.service.rights import FULL, Rights, rights_of, scope_fact

DEFAULT_BOOK: Final = "contacts"
_LETTERS: Final = "abcdefghjkmnpqrstvwxyz0123456789"  # 32; no i, l, o, u: they are misread
_GROUPS: Final = 8
_GROUP_LETTERS: Final = 4
_TOKEN_KEY_BYTES: Final = 32
_NO_SECRET: Final = "0" * 64
# Only what a phone could show: one @, a host behind it, nothing that ends a word or an address.
_EMAIL: Final = re.compile(r"""[^\s@<>()\[\]\\,;:"]{1,64}@(?=[^@]{1,255}\Z)[\w-]+(\.[\w-]+)*""")
_TEXT_CHARACTERS_MAX: Final = 500
_SUSPENDED: Final = "suspended"


class Caller(NamedTuple):
    """Who asks: an account, through one of its devices."""

    account: Member
    device: Member
    key: bytes  # of the account's sync tokens (I5)
    rights: Rights = FULL
    suspended: str = ""  # the operator's reason; "" = it is not

    @property
    def home(self) -> int:
        """Give the id of the account's home."""
        return self.account.id

    @property
    def login(self) -> str:
        """Give the account's login."""
        return self.account.href


async def add_account(
    cell: Cell, login: str, entropy: Entropy, origin: Origin, *, name: str = "", email: str = ""
) -> Member:
    """Create an account with an empty address book.

    Raises:
        InvalidError: `login`, `name` or `email` cannot be one. Nothing changed.
        ConflictError: the account is there already. Nothing changed.
    """
    try:
        login = normalise_login(login)
    except FormatError as error:
        raise InvalidError(error.message) from error
    facts = {"key": entropy.token(_TOKEN_KEY_BYTES).hex()}
    if email:
        facts["email"] = checked_email(email)
    if not name.isprintable() or len(name) > _TEXT_CHARACTERS_MAX:
        raise InvalidError(
            f"A name is printable text of at most {_TEXT_CHARACTERS_MAX} characters. "
            "Nothing was changed."
        )
    props = canonical(display_name(name)) if name else ""
    data = canonical(facts)
    collections = ((DEFAULT_BOOK, ADDRESSBOOK_DATA, canonical(display_name("Contacts"))),)
    rows = await cell.submit(AddAccount(login, data, collections, origin, props), {})
    assert isinstance(rows[0], Member)
    return rows[0]


def checked_email(email: str) -> str:
    """Give an e-mail address as it is kept; raises InvalidError where it cannot be one."""
    email = email.strip()
    if not email.isprintable() or not _EMAIL.fullmatch(email):
        raise InvalidError("An e-mail address looks like anna@example.org. Nothing was changed.")
    return email


# --- suspending -----------------------------------------------------------------------------------
async def suspend(cell: Cell, login: str, reason: str, origin: Origin) -> None:
    """Close an account on purpose: its phones hear 503 and the reason, and keep what they have.

    Raises:
        InvalidError: no printable reason. Nothing changed.
        NotFoundError, ConflictError: no such account; it changed meanwhile. Nothing changed.
    """
    reason = reason.strip()
    if not reason.isprintable() or not 0 < len(reason) <= _TEXT_CHARACTERS_MAX:
        raise InvalidError(
            f"Say why, in 1 to {_TEXT_CHARACTERS_MAX} printable characters. Nothing was changed."
        )
    await change_facts(cell, login, {_SUSPENDED: reason}, origin)


async def resume(cell: Cell, login: str, origin: Origin) -> None:
    """Open a suspended account again; all is as it was.

    Raises:
        NotFoundError: no such account, or it is not suspended. Nothing changed.
        ConflictError: it changed meanwhile. Nothing changed.
    """
    if not suspended(find_account(cell.directory, login)):
        raise NotFoundError(f"The account {login} is not suspended. Nothing was changed.")
    await change_facts(cell, login, {_SUSPENDED: None}, origin)


def suspended(account: Member) -> str:
    """Give why an account is suspended; "" = it is not."""
    return str(account.facts.get(_SUSPENDED, ""))


def check_open(caller: Caller) -> None:
    """Raise SuspendedError, with the operator's reason, where the caller's account is."""
    if caller.suspended:
        raise _suspended_error(caller.suspended)


def _suspended_error(reason: str) -> SuspendedError:
    return SuspendedError(
        f"This account was suspended by its operator: {reason}\n"
        "Nothing was deleted, and nothing needs to be removed from a phone."
    )


async def change_facts(cell: Cell, login: str, facts: dict[str, Any], origin: Origin) -> Member:
    """Set facts of an account's row; None takes one away. Its name, id and key stay.

    Raises:
        NotFoundError: no such account. Nothing changed.
        ConflictError: another command changed it at the same time. Nothing changed.
    """
    account = find_account(cell.directory, login)
    merged = {k: v for k, v in {**account.facts, **facts}.items() if v is not None}
    data = canonical(merged)
    when = Precondition(match=frozenset({account.etag}))
    edit = Put(account.key, digest_of(data.encode()), data, origin, when)
    try:
        rows = await cell.submit(edit, {})
    except PreconditionError as error:
        raise ConflictError(
            f"The account {login} was changed at the same time. Nothing was changed; try again."
        ) from error
    assert isinstance(rows[0], Member)
    return rows[0]


# --- devices --------------------------------------------------------------------------------------
async def add_device(
    cell: Cell, login: str, name: str, entropy: Entropy, origin: Origin, rights: Rights = FULL
) -> str:
    """Create a device password for an account; what it may do is fixed with it.

    Returns:
        The password; it is shown once, only its hash is kept.

    Raises:
        InvalidError, NotFoundError, ConflictError: the name cannot be one, there is no such
            account, the device is there already. Nothing changed.
        FrozenError, SuspendedError: no new device is set up meanwhile.
    """
    account = check_new_device(cell, login, name)
    password = make_password(entropy.token)
    facts = {"name": name, "scope": scope_fact(rights), "secret": secret_of(password)}
    data = canonical(facts)
    key = Key(account.id, DEVICE, name)
    try:
        await cell.submit(Put(key, digest_of(data.encode()), data, origin, ABSENT), {})
    except PreconditionError as error:
        raise ConflictError(f"{login} has a device of the name {name} already.") from error
    return password


def check_new_device(cell: Cell, login: str, name: str) -> Member:
    """Give the account, if a device of that name may be set up for it now.

    Raises:
        InvalidError, NotFoundError, FrozenError, SuspendedError: as `add_device` says.
    """
    account = find_account(cell.directory, login)
    if cell.directory.frozen(account.id):
        raise FrozenError(f"{FrozenError.hint} No new device is set up meanwhile.")
    if reason := suspended(account):
        raise _suspended_error(reason)
    if not name.isprintable() or not 0 < len(name.encode()) <= HREF_BYTES_MAX:
        raise InvalidError(f"A device's name is 1 to {HREF_BYTES_MAX} bytes of printable text.")
    return account


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


# --- signing in -----------------------------------------------------------------------------------
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
    key = bytes.fromhex(account.facts["key"])
    return Caller(account, found, key, rights_of(found.facts), suspended(account))


def still_valid(directory: Directory, caller: Caller) -> bool:
    """Say whether a caller who signed in before is neither revoked nor changed since."""
    device = directory.device(caller.device.id)
    return device is caller.device and directory.account(caller.login) is caller.account


def shut_out(directory: Directory, caller: Caller) -> bool:
    """Say whether a caller was let in once and would not be now: revoked, or suspended since.

    By content, not by identity: a directory that was loaded anew holds rows of its own, and a cell
    that is opened again must not cost anybody a connection (I9).
    """
    device = directory.device(caller.device.id)
    if device is None or device.etag != caller.device.etag:
        return True
    account = directory.account(caller.login)
    if account is caller.account:
        return False
    return account is None or (not caller.suspended and bool(suspended(account)))


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
