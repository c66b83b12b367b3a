"""A phone with calendars loses events under a server that lies, and none under our faults.

DAVx5 lists a calendar by a query for the events from a day on, and removes what that does not name:
so the index by time must never make an answer short (I4). Told to keep all events, it asks for what
changed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.site import Site
from phone.database import event_bytes
from phone.davx5 import Davx5, Davx5AllEvents, Davx5Calendar
from phone.family import Outcome
from phone.inside import Inside
from phone.liar import Liar, Lie
from phone.speech import EVENTS
from phone.test_inside import FAULTS, Mend, bodies_lost, counted_wrongly
from phone.wire import Wire
from strongroom.history.entries import Member

DONE, LATER, ERROR = Outcome.DONE, Outcome.LATER, Outcome.ERROR
WAYS = (Davx5Calendar, Davx5AllEvents)
UIDS = {f"uid{number:02}" for number in range(24)}


class CalendarSite(Site):
    """A site whose faults are about the calendar."""

    @property
    def book(self) -> Member:
        book = self.cell.directory.collection(self.home, "calendars/calendar")
        assert book is not None
        return book


def begin(site: Site, family: type[Davx5], *, fill: bool = False) -> Davx5:
    password = site.passwords["alice", "phone"]
    phone = family(Inside(site.app, "alice", password, family.AGENT))
    if fill:
        assert phone.refresh() is DONE, phone.reason
        for uid in sorted(UIDS):
            phone.save(event_bytes(uid, "Lunch"))
        assert [phone.sync(), phone.sync()] == [DONE, DONE], phone.reason
    return phone


# --- that it can lose -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lie", "outcome", "left"),
    [
        (Lie.NONE, DONE, 24), (Lie.EMPTY, DONE, 0), (Lie.SHORT, DONE, 12), (Lie.ONE_LEFT, DONE, 1),
        (Lie.ITEM_5XX, DONE, 23), (Lie.BUSY, LATER, 24), (Lie.CUT, LATER, 24),
        (Lie.HTML, ERROR, 24),
    ],
)  # fmt: skip
@pytest.mark.parametrize("family", WAYS)
def test_under_a_server_that_lies_events_are_lost(
    family: type[Davx5], lie: Lie, outcome: Outcome, left: int
) -> None:
    with Liar({f"{uid}.ics": event_bytes(uid, "Lunch") for uid in UIDS}, EVENTS) as liar:
        wire = Wire(liar.address, "alice", "secret")
        phone = family(wire)
        assert [phone.refresh(), phone.sync()] == [DONE, DONE], phone.reason
        assert set(phone.contacts) == UIDS
        liar.lie = lie
        assert phone.resync() is outcome
        assert len(phone.contacts) == left
        wire.close()


# --- that it does not -----------------------------------------------------------------------------
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("family", WAYS)
def test_no_trouble_of_the_engine_costs_an_event(
    family: type[Davx5], fault: Callable[[Site], Mend]
) -> None:
    site = CalendarSite()
    phone = begin(site, family, fill=True)
    phone.save(event_bytes("uid03", "Edited before"))
    mend = fault(site)

    phone.save(event_bytes("uid04", "Edited meanwhile"))
    phone.save(event_bytes("new", "New meanwhile"))
    mine = dict(phone.contacts)
    outcomes = [phone.sync(), phone.refresh(), phone.resync(), phone.refresh()]
    fresh = begin(site, family)
    seen = [fresh.refresh(), fresh.sync()]

    assert phone.contacts == mine
    assert phone.dropped_edits == [], phone.reason
    if fault.__name__ != "NoSpaceError":
        assert set(outcomes + seen) <= {DONE, LATER}, (phone.reason, fresh.reason)
    if fault is not bodies_lost:
        assert set(fresh.contacts) >= UIDS or LATER in seen
    mend()
    assert [phone.refresh(), phone.sync(), phone.resync()] == [DONE] * 3, phone.reason
    assert (phone.contacts, phone.unsent, phone.dropped_edits) == (mine, set(), [])
    assert [fresh.refresh(), fresh.sync()] == [DONE, DONE], fresh.reason
    assert fresh.contacts == mine


@pytest.mark.parametrize("family", WAYS)
def test_a_calendar_that_is_counted_wrongly_costs_no_event(family: type[Davx5]) -> None:
    site = CalendarSite()
    phone = begin(site, family, fill=True)
    mend = counted_wrongly(site)
    assert begin(site, family).refresh() is DONE

    phone.resync()

    assert set(phone.contacts) == UIDS
    mend()
    assert phone.sync() is DONE, phone.reason


@pytest.mark.parametrize("family", WAYS)
def test_what_one_phone_does_reaches_the_other(family: type[Davx5]) -> None:
    site = CalendarSite()
    one = begin(site, family, fill=True)
    other = begin(site, family)
    assert [other.refresh(), other.sync()] == [DONE, DONE], other.reason
    assert other.contacts == one.contacts
    one.delete("uid07")
    one.save(event_bytes("uid08", "Later"))
    one.save(event_bytes("new", "New"))
    assert [one.sync(), other.sync()] == [DONE, DONE]
    assert other.contacts == one.contacts
    assert set(other.contacts) == {*UIDS, "new"} - {"uid07"}
