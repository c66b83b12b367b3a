"""The words of a service: what a phone says otherwise of contacts than of calendars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from phone.database import card_bytes, event_bytes
from phone.wire import CAL, CARD, DAV, Item

_COMPONENTS: Final = CAL + "supported-calendar-component-set"


@dataclass(frozen=True)
class Speech:
    """Names of elements, media type and extension."""

    home_set: str
    kind: str  # the resource type of a collection
    data: str
    multiget: str
    media_type: str
    extension: str
    well_known: str
    compliance: str  # the word in the DAV header
    write: Callable[[str, str], bytes]  # an object as the tests write it: UID, name

    def is_book(self, item: Item) -> bool:
        """Say whether it is a collection of this service; of calendars, one for events."""
        types = item.found.get(DAV + "resourcetype")
        if types is None or types.find(self.kind) is None:
            return False
        taken = item.found.get(_COMPONENTS)
        return taken is None or any(one.get("name") == "VEVENT" for one in taken)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Properties that tell whether it is one."""
        return (_COMPONENTS,) if self is EVENTS else ()


CONTACTS: Final = Speech(
    CARD + "addressbook-home-set", CARD + "addressbook", CARD + "address-data",
    CARD + "addressbook-multiget", "text/vcard; charset=utf-8", "vcf", "/.well-known/carddav",
    "addressbook", card_bytes,
)  # fmt: skip
EVENTS: Final = Speech(
    CAL + "calendar-home-set", CAL + "calendar", CAL + "calendar-data", CAL + "calendar-multiget",
    "text/calendar; charset=utf-8", "ics", "/.well-known/caldav", "calendar-access",
    event_bytes,
)  # fmt: skip
