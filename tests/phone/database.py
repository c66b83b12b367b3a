"""What a phone keeps: cards, each with what was heard of it and what was not yet sent."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Card:
    """A contact on the phone; `href` is empty until it was uploaded."""

    uid: str
    body: bytes
    href: str = ""
    etag: str = ""
    dirty: bool = False  # an edit of the user that the server has not acknowledged
    deleted: bool = False  # deleted by the user, not yet on the server

    @property
    def unsent(self) -> bool:
        return self.dirty or self.deleted


@dataclass
class Book:
    """An address book on the phone."""

    href: str
    token: str = ""
    read_only: bool = False
    cards: list[Card] = field(default_factory=list)

    def by_uid(self, uid: str) -> Card | None:
        return next((card for card in self.cards if card.uid == uid), None)

    def by_href(self, href: str) -> Card | None:
        return next((card for card in self.cards if card.href == href), None)


def card_bytes(uid: str, name: str) -> bytes:
    """Write a vCard 3.0."""
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\nEND:VCARD\r\n"
    ).encode()


def event_bytes(uid: str, name: str) -> bytes:
    """Write an event that goes on for ever."""
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//T//T//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260105T090000Z\r\n"
        f"SUMMARY:{name}\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def uid_of(body: bytes) -> str:
    """Read the UID of a vCard as the tests write it."""
    for line in body.decode().splitlines():
        if line.startswith("UID:"):
            return line[4:]
    raise ValueError("a card without UID")
