"""A connection without a socket: a phone speaks to the application itself.

The server's protocol is imitated where the application knows of it: a connection can be cut.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fakes.asgi import Client
from fakes.asgi import CutError as BrokenError
from phone.wire import Answer, CutError
from strongroom.dav.silence import CUT


class Inside:
    """What `phone.wire.Wire` is over HTTP."""

    def __init__(self, app: Any, login: str, password: str, agent: str) -> None:
        self._client = Client(app, login, password)
        self._client.headers["user-agent"] = agent
        self._client.scope[CUT] = self._cut
        self.cuts = 0

    def _cut(self) -> None:
        self.cuts += 1

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send one request; raises CutError where no whole answer came."""
        try:
            answer = asyncio.run(self._client(method, path, body, **headers))
        except BrokenError as error:
            raise CutError(f"{method} {path}", sent=True) from error
        if not answer.status:
            raise CutError(f"{method} {path}", sent=True)
        return Answer(answer.status, answer.headers, answer.body)
