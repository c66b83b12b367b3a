"""Every family against the application itself, with what a mirror may come to say (I4, I5).

Faults of real disks and processes stand in tests/e2e/test_phones.py; here each trouble that the
engine can tell of is told, to phones with unsent edits and to new ones, with contacts and events.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.site import Site
from phone.davx5 import Davx5Calendar
from phone.families import FAMILIES, WITH_EVENTS
from phone.family import Outcome, Phone
from phone.inside import Inside
from phone.speech import CONTACTS
from strongroom.base.errors import BusyError, NoSpaceError, UnknownError
from strongroom.history.edits import Origin
from strongroom.history.entries import Member
from strongroom.service.thaw import thaw

DONE, LATER = Outcome.DONE, Outcome.LATER
UIDS = {f"uid{number:02}" for number in range(12)}
EVERYBODY = (*FAMILIES, *WITH_EVENTS)

Mend = Callable[[], object]


class PhoneSite(Site):
    """A site with the collection that phones of a family use."""

    def __init__(self, family: type[Phone]) -> None:
        super().__init__()
        self.family = family

    @property
    def book(self) -> Member:
        name = "contacts" if self.family.SPEECH is CONTACTS else "calendars/calendar"
        book = self.cell.directory.collection(self.home, name)
        assert book is not None
        return book

    def new_phone(self) -> Phone:
        family, password = self.family, self.passwords["alice", "phone"]
        return family(Inside(self.app, "alice", password, family.AGENT))

    def full_phone(self) -> Phone:
        """Give a phone that has sent what it has."""
        phone = self.new_phone()
        assert phone.refresh() is DONE, phone.reason
        for uid in sorted(UIDS):
            phone.save(phone.SPEECH.write(uid, "Ann"))
        assert [phone.sync(), phone.sync()] == [DONE, DONE], phone.reason
        return phone


def book_unsure(site: Site) -> Mend:
    site.cell.unsure.add(site.book.id)
    return site.cell.unsure.clear


def everything_unsure(site: Site) -> Mend:
    site.cell.unsure |= {1, site.home, site.book.id}
    return site.cell.unsure.clear


def no_cell(site: Site) -> Mend:
    site.open = False
    return lambda: setattr(site, "open", True)


def refusing(error: BusyError | NoSpaceError | UnknownError) -> Callable[[Site], Mend]:
    def fault(site: Site) -> Mend:
        site.cell.refuse = error
        return lambda: setattr(site.cell, "refuse", None)

    fault.__name__ = type(error).__name__
    return fault


def bodies_lost(site: Site) -> Mend:
    site.cell.lost |= set(site.cell.blobs)
    return site.cell.lost.clear


def frozen(site: Site) -> Mend:
    site.run(site.cell.freeze(site.home, "account", "a test", "test:1:2:3"))
    return lambda: site.run(thaw(site.cell, "alice", Origin()))


def book_frozen(site: Site) -> Mend:
    site.run(site.cell.freeze(site.home, str(site.book.id), "a test", "test:1:2:3"))
    return lambda: site.run(thaw(site.cell, "alice", Origin()))


def counted_wrongly(site: Site) -> Mend:
    head = site.cell.head(site.book.id)
    site.cell.heads[site.book.id] = head._replace(members=head.members + 1)
    return lambda: site.cell.heads.update({site.book.id: head})


FAULTS = [
    book_unsure, everything_unsure, no_cell, refusing(BusyError()), refusing(UnknownError()),
    refusing(NoSpaceError()), bodies_lost, frozen, book_frozen,
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("family", EVERYBODY)
def test_no_trouble_of_the_engine_makes_a_family_forget_or_give_up(
    family: type[Phone], fault: Callable[[Site], Mend]
) -> None:
    site = PhoneSite(family)
    phone = site.full_phone()
    phone.save(family.SPEECH.write("uid03", "Edited before"))
    mend = fault(site)

    phone.save(family.SPEECH.write("uid04", "Edited meanwhile"))
    phone.save(family.SPEECH.write("new", "New meanwhile"))
    phone.delete_online("uid09")
    mine = dict(phone.contacts)
    outcomes = [phone.sync(), phone.refresh(), phone.resync(), phone.refresh()]
    fresh = site.new_phone()
    seen = [fresh.refresh(), fresh.sync()]

    assert phone.contacts == mine
    assert phone.dropped_edits == [], phone.reason
    if fault.__name__ != "NoSpaceError":  # a full disk is an error that phones show
        assert set(outcomes + seen) <= {DONE, LATER}, (phone.reason, fresh.reason)
    if fault is not bodies_lost:  # those are listed by name, and are fetched when they are back
        assert set(fresh.contacts) >= UIDS - {"uid09"} or LATER in seen
    if seen[0] is LATER:
        assert fresh.books == {}
    mend()
    assert [phone.refresh(), phone.sync(), phone.resync()] == [DONE] * 3, phone.reason
    assert phone.contacts == mine
    assert phone.unsent == set()
    assert phone.dropped_edits == []
    assert [fresh.refresh(), fresh.sync()] == [DONE, DONE], fresh.reason
    assert fresh.contacts == mine


@pytest.mark.parametrize("family", EVERYBODY)
def test_a_collection_that_is_counted_wrongly_costs_nothing(family: type[Phone]) -> None:
    site = PhoneSite(family)
    phone = site.full_phone()
    mend = counted_wrongly(site)

    # An index that follows the journal needs no count.
    assert phone.resync() is (DONE if family is Davx5Calendar else LATER)

    assert set(phone.contacts) == UIDS
    mend()
    assert phone.sync() is DONE, phone.reason


@pytest.mark.parametrize(
    "family", [one for one in EVERYBODY if one.REFRESHES and one is not Davx5Calendar]
)
def test_an_account_that_forgot_freezes_and_gives_back_all_that_stands(
    family: type[Phone],
) -> None:
    """The phone shows that it has seen what the server lost; after the thaw it loses nothing."""
    site = PhoneSite(family)
    phone = site.full_phone()
    phone.save(family.SPEECH.write("late", "Acknowledged, then forgotten"))
    assert [phone.sync(), phone.sync()] == [DONE, DONE], phone.reason
    site.cell.forget(site.book.id, site.cell.head(site.book.id).number - 1)

    assert [phone.sync(), phone.refresh(), phone.sync()] == [LATER] * 3

    site.run(thaw(site.cell, "alice", Origin()))
    assert [phone.sync(), phone.sync()] == [DONE, DONE], phone.reason
    assert set(phone.contacts) == {*UIDS, "late"}


@pytest.mark.parametrize("family", EVERYBODY)
def test_what_one_phone_does_reaches_the_other(family: type[Phone]) -> None:
    site = PhoneSite(family)
    one, other = site.full_phone(), site.new_phone()
    assert [other.refresh(), other.sync()] == [DONE, DONE], other.reason
    assert other.contacts == one.contacts
    one.delete("uid07")
    one.save(family.SPEECH.write("uid08", "Later"))
    one.save(family.SPEECH.write("new", "New"))
    assert [one.sync(), other.sync()] == [DONE, DONE]
    assert other.contacts == one.contacts
    assert set(other.contacts) == {*UIDS, "new"} - {"uid07"}
