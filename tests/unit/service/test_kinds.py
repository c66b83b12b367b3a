"""Kinds of collection: which one an address leads through."""

from __future__ import annotations

import pytest

from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR, kind_of, name_in, short_name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("dav/addressbooks/anna/contacts/a.vcf", "contacts"),
        ("dav/calendars/anna/work/a.ics", "calendars/work"),
        ("dav/addressbooks/calendars/contacts/a.vcf", "contacts"),
        ("dav/calendars/calendars/calendars/a.ics", "calendars/calendars"),
        ("contacts/a.vcf", "contacts"),
        ("calendars/a.vcf", "calendars"),
        ("calendars/work/a.ics", "calendars/work"),
        ("a.ics", ""),
        ("", ""),
    ],
)
def test_an_address_leads_through_one_collection_of_the_home(address: str, name: str) -> None:
    assert name_in(address.split("/")) == name


def test_a_book_and_a_calendar_of_one_name_stand_apart_in_the_home() -> None:
    assert CALENDAR.stands("work") == "calendars/work" != ADDRESS_BOOK.stands("work")
    assert (kind_of("calendars/work"), kind_of("calendars")) == (CALENDAR, ADDRESS_BOOK)
    assert short_name("calendars/work") == short_name("work") == "work"
