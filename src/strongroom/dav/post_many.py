"""POST of many objects, or of a table of contacts, to a collection: an import, answered by 207.

Each object that stands now has a response under its own address: 201 where it is new, 200 where it
was there or was merged, with its ETag, its UID and what was done. What was not taken has a response
under the collection's address with `?line=N`: 403 with the reason, and the bytes as long as they
are few. With return=minimal only those are told. What ends an import early (no room, a freeze) is
answered as usual where nothing was taken yet; else it is told of the collection itself, and the
same request sent again goes on from there.

Rules: the body is read in parts and never held whole; no address comes twice (RFC 4918 section
14.24). Source: RFC 4918 section 13; the bulk requests of calendarserver, whose `uid` is used.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Final

from strongroom.base.errors import StrongroomError, TooLargeError
from strongroom.base.limits import IMPORT_BYTES_MAX, IMPORT_OBJECTS_MAX, INTAKE_KEPT_BYTES_MAX
from strongroom.dav.answers import multistatus
from strongroom.dav.propfind import ROWS_A_PIECE, own_href
from strongroom.dav.request import Request
from strongroom.dav.routes import name_href
from strongroom.dav.statuses import CARD, DAV, status_line, status_of
from strongroom.dav.terms import said_by
from strongroom.formats.multistatus import (
    element,
    epilogue,
    escape,
    prologue,
    refused_response,
    valued_response,
)
from strongroom.history.entries import Member
from strongroom.service.intake import CONTESTED, NOT_NOW, TOO_LARGE, Intake, Outcome, Stream
from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR, Kind

OURS: Final = "{urn:strongroom:import}"
_UID: Final = "{http://calendarserver.org/ns/}uid"
_PART_BYTES: Final = 1024 * 1024  # of a body, for batches that are worth their sync
_ELEMENTS: Final = {
    "unsupported-version": CARD + "supported-address-data",
    TOO_LARGE: CARD + "max-resource-size",
    "unsupported-component": CARD + "supported-calendar-component",
}
_INVALID: Final = {
    ADDRESS_BOOK: CARD + "valid-address-data",
    CALENDAR: CARD + "valid-calendar-data",
}
_STATUSES: Final = {NOT_NOW: 503, CONTESTED: 412}
_ORDER: Final = {"new": 0, "merged": 1, "unchanged": 2}


async def post_many(request: Request, collection: Member, stream: Stream) -> None:
    """Bring a body in and say what became of each object."""
    # It may read as much of an account as an export does, so it counts as one.
    with request.exports.one(request.caller.home) if request.exports else nullcontext():
        await _bring_in(request, collection, stream)


async def _bring_in(request: Request, collection: Member, stream: Stream) -> None:
    intake = Intake(request.cell, collection, request.origin(), request.room)
    await intake.begin()
    report = _Report()
    trouble: StrongroomError | None = None
    try:
        async for part in request.parts(IMPORT_BYTES_MAX, _PART_BYTES):
            async for outcomes in intake.feed(stream, part):
                report.add(outcomes)
        async for outcomes in intake.feed(stream, b"", last=True):
            report.add(outcomes)
    except StrongroomError as error:
        if not report.taken:
            raise
        trouble = error
    await multistatus(request, _pieces(_rows(request, report, trouble)))


class _Report:
    """One outcome for each address, with bytes of what was not taken as long as there is room."""

    def __init__(self) -> None:
        self.taken: dict[str, Outcome] = {}
        self.refused: list[tuple[Outcome, bool]] = []  # and whether its bytes are there
        self._room = INTAKE_KEPT_BYTES_MAX

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for one in outcomes:
            if one.ending == "refused":
                fits = len(one.raw) <= self._room
                self._room -= len(one.raw) * fits
                self.refused.append((one if fits else one._replace(raw=b""), fits))
            else:  # what several objects are merged into is told once
                first = self.taken.get(one.href, one)
                ending = min(first.ending, one.ending, key=_ORDER.__getitem__)
                said = tuple(dict.fromkeys((*first.said, *one.said)))
                self.taken[one.href] = one._replace(ending=ending, said=said)
        if len(self.taken) > IMPORT_OBJECTS_MAX:
            raise TooLargeError(f"At most {IMPORT_OBJECTS_MAX} are answered at once; send parts.")


def _rows(request: Request, report: _Report, trouble: StrongroomError | None) -> Iterator[bytes]:
    base = own_href(request)
    if trouble is not None:
        yield _trouble(base, trouble)
    for one, whole in report.refused:
        yield _refused(base, one, request.target.kind, whole=whole)
    if not request.preferences.minimal:
        yield from (_taken(base, one) for one in report.taken.values())


async def _pieces(rows: Iterator[bytes]) -> AsyncIterator[bytes]:
    yield prologue()
    while piece := b"".join(islice(rows, ROWS_A_PIECE)):
        yield piece
    yield epilogue()


def _taken(base: str, one: Outcome) -> bytes:
    found = [
        element(DAV + "getetag", escape(f'"{one.etag}"')),
        element(_UID, escape(one.uid)),
        element(OURS + "result", escape(one.ending)),
        *(element(OURS + "said", escape(words)) for words in one.said),
    ]
    line = status_line(201 if one.ending == "new" else 200)
    return valued_response(base + name_href(one.href), found, line)


def _refused(base: str, one: Outcome, kind: Kind, *, whole: bool) -> bytes:
    inner = [
        element(said_by(kind, _ELEMENTS.get(one.code, _INVALID[kind]))),
        element(OURS + "line", escape(str(one.line))),
        element(OURS + "code", escape(one.code)),
    ]
    if whole:
        inner.append(element(OURS + "body", b64encode(one.raw)))
    line = status_line(_STATUSES.get(one.code, 403))
    return refused_response(f"{base}?line={one.line}", line, b"".join(inner), " ".join(one.said))


def _trouble(base: str, error: StrongroomError) -> bytes:
    status = status_of(error)
    inner = [element(status.element)] if status.element else []
    inner.append(element(OURS + "code", escape(error.code)))
    words = "The rest did not come in; send the same request again. " + (error.hint or str(error))
    return refused_response(base, status_line(status.code), b"".join(inner), words)
