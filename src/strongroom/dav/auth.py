"""Basic authentication with device passwords.

Right credentials never wait: who was let in once is known by the digest of the header until the
device or the account changes. Wrong ones wait, a bounded number at a time. The directory answers
from memory, so trouble with a store is never 401 (I4).

A connection is told who was let in on it, so that the server can end it once that device is revoked
or its account suspended.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Final

from strongroom.base.errors import UnauthenticatedError
from strongroom.base.limits import WRONG_PASSWORD_DELAY_SECONDS, WRONG_PASSWORDS_WAITING_MAX
from strongroom.formats import FormatError
from strongroom.formats.basicauth import parse
from strongroom.history.directory import Directory
from strongroom.service.accounts import Caller, sign_in, still_valid

ADMITTED: Final = "strongroom.admitted"  # in the scope: what the connection is told by
_KNOWN_MAX: Final = 10_000  # devices that are remembered; then all sign in once more


class Gate:
    """Lets devices in."""

    def __init__(self, delay_seconds: float = WRONG_PASSWORD_DELAY_SECONDS) -> None:
        """Start with nobody known."""
        self._known: dict[bytes, Caller] = {}
        self._waiting = 0
        self._delay_seconds = delay_seconds

    async def admit(self, directory: Directory, header: bytes | None) -> Caller:
        """Give who asks; `header` is the value of Authorization.

        Raises:
            UnauthenticatedError: no or wrong credentials; wrong ones hear it late.
        """
        if not header:
            raise UnauthenticatedError
        name = sha256(header).digest()
        caller = self._known.get(name)
        if caller is not None and still_valid(directory, caller):
            return caller
        self._known.pop(name, None)
        caller = _sign_in(directory, header)
        if caller is None:
            await self._slow_down()
            raise UnauthenticatedError
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[name] = caller
        return caller

    async def _slow_down(self) -> None:
        if self._waiting >= WRONG_PASSWORDS_WAITING_MAX:
            return
        self._waiting += 1
        try:
            await asyncio.sleep(self._delay_seconds)
        finally:
            self._waiting -= 1


def _sign_in(directory: Directory, header: bytes) -> Caller | None:
    try:
        login, password = parse(header)
    except FormatError:
        return None
    return sign_in(directory, login, password)
