"""How an import writes: in atomic batches, under conditions, beside others, and with an end."""

from __future__ import annotations

import pytest

from fakes.bringing import WHO, bring, endings, person, standing, there
from fakes.site import Site
from strongroom.base.errors import (
    ConflictError,
    FrozenError,
    NoSpaceError,
    PreconditionError,
    QuotaError,
    UnknownError,
    UnsureError,
)
from strongroom.base.limits import INTAKE_BYTES, INTAKE_EDITS, INTAKE_TRIES
from strongroom.formats.cardstream import CardStream
from strongroom.formats.moments import write_moment
from strongroom.history.edits import OURSELVES, UNCONDITIONAL, Edit, Together
from strongroom.history.entries import OBJECT, Key
from strongroom.service.intake import Intake
from strongroom.service.meters import Meters
from strongroom.service.objects import delete_object, put_object
from strongroom.service.timeline import is_unconditional
from strongroom.service.undo import Wish, apply_undo, plan_undo
from strongroom.service.usage import set_quota


@pytest.fixture
def site() -> Site:
    return Site()


# --- batches --------------------------------------------------------------------------------------


def edits_of(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[Edit]:
    seen: list[Edit] = []
    submit = site.cell.submit

    async def watched(edit, bodies):
        seen.append(edit)
        return await submit(edit, bodies)

    monkeypatch.setattr(site.cell, "submit", watched)
    return seen


def test_batches_are_atomic_bounded_and_under_conditions(site: Site, monkeypatch) -> None:
    there(site, person("0", "TEL:1"))
    seen = edits_of(site, monkeypatch)
    bring(site, *(person(str(n), "TEL:2") for n in range(INTAKE_EDITS + 1)))
    assert [len(edit.edits) for edit in seen] == [INTAKE_EDITS, 1]
    assert all(isinstance(edit, Together) for edit in seen)
    for edit in seen:
        assert all(put.when.match or put.when.none_match for put in edit.edits)
        assert {(put.origin.device, put.origin.request) for put in edit.edits} == {(7, "import-1")}
        assert {put.parent for put in edit.edits} == {site.book.key}


def test_the_history_does_not_call_an_import_unconditional(site: Site) -> None:
    there(site, person("a"))
    etag = site.run(site.cell.row(Key(site.book.id, OBJECT, "a.vcf"))).etag
    bring(site, person("a", "TEL:2"), person("b"))
    entries = [entry for entry, _ in site.cell.journal[site.book.id]][1:]
    assert [entry.condition for entry in entries] == [f'if-match: "{etag}"', "if-none-match: *"]
    assert not any(map(is_unconditional, entries))


def test_large_objects_make_small_batches(site: Site, monkeypatch) -> None:
    seen = edits_of(site, monkeypatch)
    large = [person(str(n), f"NOTE:{'x' * (INTAKE_BYTES // 2)}") for n in range(3)]
    bring(site, *large)
    assert [len(edit.edits) for edit in seen] == [1, 1, 1]


def rival(
    site: Site, monkeypatch: pytest.MonkeyPatch, *writes: bytes | str, times: int = 1
) -> None:
    """Let a phone write (or delete) just before an import's batches are taken."""
    submit, left = site.cell.submit, [times]

    async def late(edit, bodies):
        if left[0]:
            left[0] -= 1
            monkeypatch.setattr(site.cell, "submit", submit)
            for one in writes:
                if isinstance(one, str):
                    await delete_object(site.cell, site.book, one, UNCONDITIONAL, OURSELVES)
                else:
                    name = one.partition(b"UID:")[2].partition(b"\r")[0].decode() + ".vcf"
                    await put(site, name, one)
            monkeypatch.setattr(site.cell, "submit", late)
        return await submit(edit, bodies)

    monkeypatch.setattr(site.cell, "submit", late)


async def put(site: Site, name: str, body: bytes) -> None:
    await put_object(site.cell, site.book, name, body, UNCONDITIONAL, OURSELVES)


def test_a_phone_that_was_quicker_is_merged_with(site: Site, monkeypatch) -> None:
    there(site, person("a", "TEL:1"))
    rival(site, monkeypatch, person("a", "TEL:3"), person("b", "NOTE:phone"))
    outcomes = bring(site, person("a", "TEL:2"), person("b", "NOTE:file"), person("c"))
    assert endings(outcomes) == ["merged", "merged", "new"]
    assert b"TEL:2" in standing(site)["a.vcf"]
    assert b"TEL:3" in standing(site)["a.vcf"]
    assert b"phone" in standing(site)["b.vcf"]
    assert b"file" in standing(site)["b.vcf"]


def test_what_a_phone_wrote_meanwhile_is_not_overwritten(site: Site, monkeypatch) -> None:
    there(site, person("a", "TEL:1"))
    rival(site, monkeypatch, person("a", "TEL:3"))
    assert endings(bring(site, person("a", "TEL:2"))) == ["merged"]
    assert b"TEL:3" in standing(site)["a.vcf"]
    assert b"TEL:2" in standing(site)["a.vcf"]


def test_what_a_phone_deleted_meanwhile_comes_in_as_new(site: Site, monkeypatch) -> None:
    there(site, person("a", "TEL:1234567"), person("m", "TEL:7654321", name="Max"))
    rival(site, monkeypatch, "a.vcf", "m.vcf")
    outcomes = bring(site, person("a", "TEL:2"), person("x", "TEL:7654321", "NOTE:n", name="Max"))
    assert endings(outcomes) == ["new", "new"]
    assert sorted(standing(site)) == ["a.vcf", "x.vcf"]


@pytest.mark.parametrize(("name", "expected"), [("Max", ["merged"]), ("Somebody Else", ["new"])])
def test_what_became_somebody_else_is_left_alone(
    site: Site, monkeypatch, name: str, expected: list[str]
) -> None:
    there(site, person("m", "TEL:7654321", name="Max"))
    rival(site, monkeypatch, person("m", "TEL:7654321", "NOTE:now", name=name))
    assert endings(bring(site, person("x", "TEL:7654321", "TITLE:t", name="Max"))) == expected
    assert b"NOTE:now" in standing(site)["m.vcf"]


def test_a_name_that_was_taken_meanwhile_is_left(site: Site, monkeypatch) -> None:
    submit = site.cell.submit

    async def late(edit, bodies):
        monkeypatch.setattr(site.cell, "submit", submit)
        await put(site, "b.vcf", person("other", name="Other"))
        return await submit(edit, bodies)

    monkeypatch.setattr(site.cell, "submit", late)
    (outcome,) = bring(site, person("b"))
    assert outcome.ending == "new"
    assert outcome.href != "b.vcf"


def test_what_others_write_all_the_time_is_given_back_in_the_end(site: Site, monkeypatch) -> None:
    seen = edits_of(site, monkeypatch)

    async def refused(edit, bodies):
        seen.append(edit)
        raise PreconditionError

    monkeypatch.setattr(site.cell, "submit", refused)
    (outcome,) = bring(site, person("a"))
    assert (outcome.ending, outcome.code, outcome.raw) == ("refused", "precondition", person("a"))
    assert len(seen) == 1 + INTAKE_TRIES


def test_a_book_that_is_gone_ends_it(site: Site, monkeypatch) -> None:
    async def gone(edit, bodies):
        raise ConflictError

    monkeypatch.setattr(site.cell, "submit", gone)
    with pytest.raises(ConflictError):
        bring(site, person("a"))
    calls = []

    async def then_gone(edit, bodies):
        calls.append(edit)
        raise PreconditionError if len(calls) == 1 else ConflictError

    monkeypatch.setattr(site.cell, "submit", then_gone)
    with pytest.raises(ConflictError):
        bring(site, person("a"))


# --- not now --------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [FrozenError, NoSpaceError, UnsureError, UnknownError])
def test_what_stops_half_way_keeps_the_batches_before_and_goes_on_next_time(
    site: Site, monkeypatch, error
) -> None:
    file = [person(str(n), name=str(n)) for n in range(INTAKE_EDITS * 2)]
    submit, count = site.cell.submit, [0]

    async def stops(edit, bodies):
        count[0] += 1
        if count[0] == 2:
            raise error
        return await submit(edit, bodies)

    monkeypatch.setattr(site.cell, "submit", stops)
    with pytest.raises(error):
        bring(site, *file)
    assert len(standing(site)) == INTAKE_EDITS
    outcomes = bring(site, *file)
    assert endings(outcomes) == ["unchanged"] * INTAKE_EDITS + ["new"] * INTAKE_EDITS


def test_a_frozen_account_takes_nothing_from_the_first_to_the_last(site: Site) -> None:
    async def frozen_in_the_middle() -> None:
        intake = Intake(site.cell, site.book, WHO)
        await intake.begin()
        await site.cell.freeze(site.home, "account", "why", "evidence")
        async for _ in intake.feed(CardStream(), person("a"), last=True):
            pass

    with pytest.raises(FrozenError):
        site.run(frozen_in_the_middle())
    with pytest.raises(FrozenError):
        bring(site, person("a"))
    assert standing(site) == {}


def test_a_listing_that_is_not_whole_is_not_believed(site: Site, monkeypatch) -> None:
    there(site, person("a"))
    listing = site.cell.listing

    async def short(collection, kind):
        return (await listing(collection, kind))[0], ()

    monkeypatch.setattr(site.cell, "listing", short)
    with pytest.raises(UnsureError):
        bring(site, person("a", "NOTE:x"))


def test_a_full_account_takes_whole_batches_or_none(site: Site) -> None:
    account = site.run(set_quota(site.cell, "alice", "1000", OURSELVES))
    room = Meters().room(site.cell, account)
    assert endings(bring(site, person("a"), room=room)) == ["new"]
    with pytest.raises(QuotaError):
        bring(site, *(person(str(n), name=str(n)) for n in range(20)), room=room)
    assert list(standing(site)) == ["a.vcf"]


def test_an_import_can_be_taken_back_as_a_whole(site: Site) -> None:
    there(site, person("a", "TEL:1"), person("z", name="Zoe"))
    before, then = standing(site), write_moment(site.cell.now_ms - 1)
    bring(site, person("a", "TEL:2"), *(person(str(n), name=str(n)) for n in range(INTAKE_EDITS)))
    account = site.cell.directory.account("alice")
    assert account is not None
    plan = site.run(plan_undo(site.cell, account, Wish(to=then)))
    assert plan.cannot == ()
    site.run(apply_undo(site.cell, account, plan, "command undo"))
    assert standing(site) == before
