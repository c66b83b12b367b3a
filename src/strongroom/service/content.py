"""What may stand in a collection, by its kind: the facts of a body, or why it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Final, NamedTuple

from strongroom.base.errors import InvalidError
from strongroom.formats import FormatError
from strongroom.formats import calendar as calendars
from strongroom.formats.calendarspan import span_of, written
from strongroom.formats.vcard import CardFacts
from strongroom.formats.vcard import check as check_card
from strongroom.history.entries import Member
from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR, Kind, kind_of

_CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"
_CALDAV: Final = "{urn:ietf:params:xml:ns:caldav}"
_CARD_CONDITIONS: Final = {"unsupported-version": _CARDDAV + "supported-address-data"}
_OBJECT: Final = _CALDAV + "valid-calendar-object-resource"
_CALENDAR_CONDITIONS: Final = {
    "method": _OBJECT,
    "mixed-components": _OBJECT,
    "no-component": _OBJECT,
    "no-uid": _OBJECT,
    "two-uids": _OBJECT,
    "uid-too-long": _OBJECT,
    "unknown-component": _CALDAV + "supported-calendar-component",
}


class Content(NamedTuple):
    """What is kept of a body beside its bytes; `data` is canonical JSON."""

    uid: str
    data: str


def read_content(collection: Member, body: bytes) -> Content:
    """Read the facts of a body that shall stand in a collection.

    Raises:
        InvalidError: it cannot stand there; `condition` names what it lacks.
    """
    return _READ[kind_of(collection.href)](collection, body)


def _read_card(_collection: Member, body: bytes) -> Content:
    try:
        facts = check_card(body)
    except FormatError as error:
        condition = _CARD_CONDITIONS.get(error.code, _CARDDAV + "valid-address-data")
        raise InvalidError(error.message, condition) from error
    return Content(facts.uid, data_of(facts, len(body)))


def data_of(facts: CardFacts, size: int) -> str:
    """Give the data of a card's row: canonical JSON, written by hand (keys in order, no space)."""
    uid = encode_basestring(facts.uid)
    return f'{{"size":{size},"type":"text/vcard;{facts.version}","uid":{uid}}}'


def _read_event(calendar: Member, body: bytes) -> Content:
    try:
        facts = calendars.check(body)
    except FormatError as error:
        condition = _CALENDAR_CONDITIONS.get(error.code, _CALDAV + "valid-calendar-data")
        raise InvalidError(error.message, condition) from error
    _check_component(calendar, facts.component)
    uid = encode_basestring(facts.uid)
    data = (
        f'{{"size":{len(body)},{written(span_of(body))},'
        f'"type":"text/calendar;{facts.component}","uid":{uid}}}'
    )
    return Content(facts.uid, data)


def check_fits(collection: Member, data: str) -> None:
    """Raise InvalidError where what a row's data tells of must not stand in a collection.

    Both are of one kind. It is for what is copied or moved without its body being read.
    """
    if kind_of(collection.href) is CALENDAR:
        _check_component(collection, str(json.loads(data)["type"]).rpartition(";")[2])


def _check_component(calendar: Member, component: str) -> None:
    if component not in components_of(calendar):
        raise InvalidError(
            f"This calendar takes no {component}.", _CALDAV + "supported-calendar-component"
        )


def components_of(calendar: Member) -> tuple[str, ...]:
    """Give the components that a calendar takes."""
    return tuple(json.loads(calendar.data).get("components", calendars.COMPONENTS))


_READ: Final[dict[Kind, Callable[[Member, bytes], Content]]] = {
    ADDRESS_BOOK: _read_card,
    CALENDAR: _read_event,
}
