"""Deletions whose client gives them up when it hears a 5xx: its connection is cut instead.

Thunderbird's address book and DAVx5 delete a contact on the device whatever a DELETE was answered
with, and send it again only if no answer came at all. For both, 503 loses the owner's deletion and
silence keeps it, so a fault of ours is not told to them (I4, docs/decisions.md 18). What the client
itself did wrong is answered as ever. A PUT always is: Thunderbird 153 waits for ever for one that
was cut, and synchronises no more until it is started again.

Not here: how a connection is cut; the server's protocol lays that into the scope under `CUT`. Where
it does not, the answer goes out.
Source: Thunderbird 153, CardDAVDirectory.sys.mjs (`_deleteCardFromServer`), and as it was traced;
DAVx5 4.5, SyncManager (`processLocallyDeleted`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strongroom.dav.request import Message, Receive, Scope, Send, Sender

CUT: Final = "strongroom.cut"  # in the scope: what ends the connection at once
_GIVES_UP: Final = {"DELETE": (b"Thunderbird", b"DAVx5")}


class Hush(Sender):
    """A way out on which a 5xx becomes the end of the connection."""

    __slots__ = ("_cut", "_receive", "_silent")

    def __init__(self, receive: Receive, send: Send, cut: Callable[[], None]) -> None:
        """Wrap the server's own; `cut` ends the connection."""
        super().__init__(send)
        self._receive = receive
        self._cut = cut
        self._silent = False

    async def __call__(self, message: Message) -> None:
        """Send one message, or none any more."""
        if not self._silent and message.get("status", 0) < 500:
            await super().__call__(message)
            return
        self.started = True
        if self._silent:
            return
        self._silent = True
        self._cut()
        # The server must have seen the end before we return, or it would answer in our place.
        while (await self._receive())["type"] != "http.disconnect":
            pass


def sender(scope: Scope, receive: Receive, send: Send) -> Sender:
    """Give the way out for a request."""
    agents = _GIVES_UP.get(scope["method"])
    if agents is None or CUT not in scope:
        return Sender(send)
    named = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    if not any(agent in named for agent in agents):
        return Sender(send)
    return Hush(receive, send, scope[CUT])
