"""What multiget and query say of a card: its properties, and its data in the form asked for.

A card that is stored in the version asked for is sent as it is, without being read: a first sync
asks for ten thousand of them. Data goes out in 3.0 unless 4.0 is asked for; what is stored stays.

Not here: which cards (report_multiget, report_query).
Source: RFC 6352 sections 8.4 and 10.4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, cast

from strongroom.base.errors import InvalidError
from strongroom.dav.properties import ADDRESS_DATA, Site, describe, describe_propfind, plan
from strongroom.dav.routes import Place
from strongroom.dav.statuses import CARD, status_line
from strongroom.formats import FormatError
from strongroom.formats.cardconvert import Version, to_version
from strongroom.formats.cardparts import select
from strongroom.formats.davxml import AddressData, Propfind
from strongroom.formats.multistatus import element, epilogue, escape, prologue, status_response
from strongroom.history.entries import Member
from strongroom.service.aside import aside
from strongroom.service.objects import version_mark

VERSIONS: Final = ("3.0", "4.0")
_NO_MARK: Final = "\n"  # canonical JSON never holds it
_PIECE_BYTES: Final = 64 * 1024


class CardRows:
    """Writes the response of a card."""

    def __init__(self, site: Site, wanted: Propfind, data: AddressData | None) -> None:
        """Say what is wanted of each card.

        Raises:
            InvalidError: `data` is wanted in a form that there is not.
        """
        if data is not None and (data.content_type != "text/vcard" or data.version not in VERSIONS):
            raise InvalidError("Cards are vCard 3.0 or 4.0.", CARD + "supported-address-data")
        self._site = site
        self._wanted = wanted
        self._data = data
        self._plan = plan(Place.CARD, wanted.names)
        self.needs_body = data is not None
        self._as_stored = _NO_MARK if data is None or data.props else version_mark(data.version)

    async def row(self, href: str, card: Member, body: bytes | None) -> bytes:
        """Write one response; `body` None = not to be had now (503 for this href alone)."""
        return await aside(body or b"", lambda: self._row(href, card, body))

    def _row(self, href: str, card: Member, body: bytes | None) -> bytes:
        if self._data is None:
            if self._wanted.kind == "prop":
                return describe(self._site, href, card, self._plan)
            return describe_propfind(self._site, Place.CARD, href, card, self._wanted)
        try:
            if body is not None:
                if self._as_stored not in card.data:
                    body = _shaped(body, self._data)
                data = element(ADDRESS_DATA, escape(body))
                return describe(self._site, href, card, self._plan, data)
        except FormatError:
            pass  # What XML cannot carry can still be fetched with GET; the others are answered.
        return status_response(href, status_line(503))


def _shaped(body: bytes, data: AddressData) -> bytes:
    try:
        body = to_version(body, cast(Version, data.version))
        return select(body, data.props) if data.props else body
    except FormatError:
        return body  # Too long to look into: all of it is better than none.


async def in_pieces(rows: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Write a multistatus in pieces of a bounded size; a small one is one piece."""
    piece = [prologue()]
    size = 0
    async for row in rows:
        piece.append(row)
        size += len(row)
        if size >= _PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    yield b"".join((*piece, epilogue()))
