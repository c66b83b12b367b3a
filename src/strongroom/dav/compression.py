"""Multistatus compressed with gzip, where a client asks for it.

Only a multistatus is: it has no ETag, is made for one request, and shrinks to a quarter. The bytes
of objects go out as they are (I3). What a request could guess of another's secrets from the length
of an answer (BREACH) needs a page that sends requests with somebody's cookies; here there are none.
"""

from __future__ import annotations

import zlib
from typing import Final

from strongroom.dav.request import Request
from strongroom.formats.codings import PLAIN, read_wish
from strongroom.service.aside import aside

SMALL_BYTES: Final = 1024  # what is shorter fits one packet anyway
CODED: Final = (b"content-encoding", b"gzip")
VARY: Final = (b"vary", b"accept-encoding")
_LEVEL: Final = 1  # 150 MB/s, and the size of level 6 within a tenth
_GZIP: Final = 31  # zlib's way to ask for gzip with the largest window


class Press:
    """Compresses one answer, piece by piece."""

    def __init__(self) -> None:
        """Begin."""
        self._zlib = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)

    async def add(self, piece: bytes) -> bytes:
        """Take a piece; give what can be sent by now, which may be nothing."""
        return await aside(piece, lambda: self._zlib.compress(piece))

    def end(self) -> bytes:
        """Give the rest."""
        return self._zlib.flush()


def press_for(request: Request, size: int) -> Press | None:
    """Give a press where the client wants one for an answer of at least `size` bytes."""
    header = request.headers.get(b"accept-encoding")
    wish = PLAIN if header is None else read_wish(header)
    return Press() if wish.gzip and (size >= SMALL_BYTES or not wish.plain) else None
