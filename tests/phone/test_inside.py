"""Every family against the application itself, with what a mirror may come to say (I4, I5).

Faults of real disks and processes stand in tests/e2e/test_phones.py; here each trouble that the
engine can tell of is told, to phones with unsent edits and to new ones.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.site import Site
from phone.database import card_bytes
from phone.families import FAMILIES
from phone.family import Outcome, Phone
from phone.inside import Inside
from strongroom.base.errors import BusyError, NoSpaceError, UnknownError
from strongroom.history.edits import Origin
from strongroom.service.thaw import thaw

DONE, LATER = Outcome.DONE, Outcome.LATER
UIDS = {f"uid{number:02}" for number in range(12)}

Mend = Callable[[], object]


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


def begin(site: Site, family: type[Phone], *, fill: bool = False) -> Phone:
    phone = family(Inside(site.app, "alice", site.passwords["alice", "phone"], family.AGENT))
    if fill:
        assert phone.refresh() is DONE, phone.reason
        for uid in sorted(UIDS):
            phone.save(card_bytes(uid, "Ann"))
        assert phone.sync() is DONE, phone.reason
        assert phone.sync() is DONE, phone.reason
    return phone


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_no_trouble_of_the_engine_makes_a_family_forget_or_give_up(
    family: type[Phone], fault: Callable[[Site], Mend]
) -> None:
    site = Site()
    phone = begin(site, family, fill=True)
    phone.save(card_bytes("uid03", "Edited before"))
    mend = fault(site)

    phone.save(card_bytes("uid04", "Edited meanwhile"))
    phone.save(card_bytes("new", "New meanwhile"))
    phone.delete_online("uid09")
    mine = dict(phone.contacts)
    outcomes = [phone.sync(), phone.refresh(), phone.resync(), phone.refresh()]
    fresh = begin(site, family)
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


@pytest.mark.parametrize("family", FAMILIES)
def test_a_book_that_is_counted_wrongly_costs_no_family_a_contact(family: type[Phone]) -> None:
    site = Site()
    phone = begin(site, family, fill=True)
    mend = counted_wrongly(site)

    assert phone.resync() is LATER

    assert set(phone.contacts) == UIDS
    mend()
    assert phone.sync() is DONE, phone.reason


@pytest.mark.parametrize("family", [one for one in FAMILIES if one.REFRESHES])
def test_an_account_that_forgot_freezes_and_gives_back_all_that_stands(
    family: type[Phone],
) -> None:
    """The phone has seen what the server lost; after the thaw it loses nothing either."""
    site = Site()
    phone = begin(site, family, fill=True)
    phone.save(card_bytes("late", "Acknowledged, then forgotten"))
    assert [phone.sync(), phone.sync()] == [DONE, DONE], phone.reason
    site.cell.forget(site.book.id, site.cell.head(site.book.id).number - 1)

    assert [phone.sync(), phone.refresh(), phone.sync()] == [LATER] * 3

    site.run(thaw(site.cell, "alice", Origin()))
    assert [phone.sync(), phone.sync()] == [DONE, DONE], phone.reason
    assert set(phone.contacts) == {*UIDS, "late"}
