"""An import: nothing twice, nothing overwritten, nothing half, nothing fetched."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from fakes.site import Site
from strongroom.base.errors import (
    ConflictError,
    FrozenError,
    InvalidError,
    NoSpaceError,
    PreconditionError,
    QuotaError,
    UnknownError,
    UnsureError,
)
from strongroom.base.limits import INTAKE_BYTES, INTAKE_EDITS, INTAKE_TRIES, OBJECT_BYTES_MAX
from strongroom.formats.cardstream import CardStream
from strongroom.formats.contactcsv import ContactCsv
from strongroom.history.edits import OURSELVES, Edit, Origin, Together
from strongroom.history.entries import OBJECT, Key
from strongroom.service.intake import Intake, Outcome
from strongroom.service.meters import Meters
from strongroom.service.objects import add_card, delete_card, no_limit
from strongroom.service.timeline import is_unconditional
from strongroom.service.usage import set_quota

WHO = Origin(7, "import-1")


@pytest.fixture
def site() -> Site:
    return Site()


def person(uid: str, *lines: str, name: str = "Ann Lee", version: str = "3.0") -> bytes:
    own = [f"UID:{uid}"] if uid else []
    return "\r\n".join(
        ("BEGIN:VCARD", f"VERSION:{version}", *own, f"FN:{name}", *lines, "END:VCARD", "")
    ).encode()


def bring(
    site: Site, *cards: bytes, dry: bool = False, stream: CardStream | ContactCsv | None = None,
    chunk: int = 1 << 20, room: Callable = no_limit,
) -> list[Outcome]:  # fmt: skip
    return site.run(_bring(site, b"".join(cards), dry, stream or CardStream(), chunk, room))


async def _bring(site, file, dry, stream, chunk, room) -> list[Outcome]:
    intake = Intake(site.cell, site.book, WHO, room, dry=dry)
    await intake.begin()
    outcomes = []
    for at in range(0, len(file) + 1, chunk):
        part = file[at : at + chunk]
        async for some in intake.feed(stream, part, last=at + chunk > len(file)):
            outcomes += some
    return outcomes


def endings(outcomes: list[Outcome]) -> list[str]:
    return [one.ending for one in outcomes]


def standing(site: Site) -> dict[str, bytes]:
    _, members = site.run(site.cell.listing(site.book.id, OBJECT))
    return {one.href: site.cell.blobs[one.etag] for one in members}


def there(site: Site, *cards: bytes) -> None:
    for one in cards:
        site.run(add_card(site.cell, site.book, one, OURSELVES))


# --- what meets what ------------------------------------------------------------------------------


def test_new_cards_stand_as_they_were_sent_under_names_that_a_phone_would_give(site: Site) -> None:
    odd = person("urn:uuid:1 2", name="Odd")
    outcomes = bring(site, person("a"), odd)
    assert endings(outcomes) == ["new", "new"]
    assert [one.line for one in outcomes] == [1, 6]
    assert outcomes[0].href == "a.vcf"
    assert standing(site) == {"a.vcf": person("a"), outcomes[1].href: odd}
    there(other := Site(), odd)
    assert outcomes[1].href in standing(other)


def test_a_second_run_changes_nothing(site: Site) -> None:
    """New ones, those without a UID, those that were merged: each is found again."""
    there(site, person("a", "TEL:1234567"), person("z", "TEL:7654321", name="Zoe"))
    file = (
        person("a", "TEL:999", "BDAY:1980-01-01"), person("x", "TEL:7654321", "NOTE:n", name="Zoe"),
        person("", name="No UID"), b"junk\n", person("n", version="2.1", name="Old"),
    )  # fmt: skip
    assert endings(bring(site, *file)) == ["refused", "merged", "merged", "new", "new"]
    head, before = site.cell.head(site.book.id), standing(site)
    assert sorted(endings(bring(site, *file))) == ["refused", *["unchanged"] * 4]
    assert (site.cell.head(site.book.id), standing(site)) == (head, before)


def test_an_equal_card_is_not_written_again(site: Site) -> None:
    there(site, person("a"))
    batch = site.cell.batch
    (outcome,) = bring(site, person("a"))
    assert (outcome.ending, outcome.uid, outcome.href) == ("unchanged", "a", "a.vcf")
    assert outcome.etag == site.run(site.cell.row(Key(site.book.id, OBJECT, "a.vcf"))).etag
    assert site.cell.batch == batch


def test_one_uid_with_other_content_is_a_union_and_no_overwrite(site: Site) -> None:
    there(site, person("a", "TEL:1", "BDAY:1980-01-01", "NOTE:here"))
    (outcome,) = bring(site, person("a", "TEL:2", "BDAY:1999-09-09"))
    assert outcome.ending == "merged"
    assert "1980" in "".join(outcome.said)
    assert "1999" in "".join(outcome.said)
    for said in (b"TEL:1\r\n", b"TEL:2\r\n", b"BDAY:1980-01-01", b"1999-09-09", b"NOTE:here"):
        assert said in standing(site)["a.vcf"]


def test_a_uid_written_as_a_uri_is_the_same(site: Site) -> None:
    there(site, person("abc"))
    outcomes = bring(site, person("urn:uuid:ABC", "TEL:1", version="4.0"))
    assert endings(outcomes) == ["merged"]
    assert outcomes[0].uid == "abc"
    assert list(standing(site)) == ["abc.vcf"]


def test_who_is_there_under_another_uid_is_found_by_content(site: Site) -> None:
    there(site, person("a", "EMAIL:ann@example.com", "TEL:1"), person("b", name="Bob"))
    (outcome,) = bring(site, person("google", "EMAIL:ann@example.com", "TEL:2"))
    assert (outcome.ending, outcome.uid, outcome.href) == ("merged", "a", "a.vcf")
    assert b"UID:a\r\n" in standing(site)["a.vcf"]
    assert b"TEL:2\r\n" in standing(site)["a.vcf"]


def test_two_people_of_one_name_stay_two(site: Site) -> None:
    there(site, person("a", "TEL:1234567"))
    assert endings(bring(site, person("b", "TEL:7654321"), person("c"))) == ["new", "new"]
    assert len(standing(site)) == 3


def test_where_two_could_be_meant_it_is_neither(site: Site) -> None:
    there(site, person("a", "TEL:1234567", "NOTE:1"), person("b", "TEL:1234567", "NOTE:2"))
    assert endings(bring(site, person("c", "TEL:1234567"))) == ["new"]


def test_what_comes_in_by_itself_is_nobody_else(site: Site) -> None:
    """A book that holds a person twice comes back as it was, also after half of it came."""
    twins = person("a", "TEL:1234567"), person("b", "TEL:1234567", "NOTE:b")
    assert endings(bring(site, *twins)) == ["new", "new"]
    site.run(delete_card(site.cell, site.book, "b.vcf", no_condition(), OURSELVES))
    assert endings(bring(site, *twins)) == ["unchanged", "new"]
    assert standing(site) == {"a.vcf": twins[0], "b.vcf": twins[1]}


def test_what_comes_in_later_by_itself_was_nobody_else_before(site: Site) -> None:
    """Somebody new in front, so that what stands is looked at before the twins come."""
    twins = person("a", "TEL:1234567"), person("b", "TEL:1234567", "NOTE:b")
    there(site, twins[0])
    assert endings(bring(site, person("n", name="New"), *twins)) == ["new", "unchanged", "new"]
    assert standing(site)["a.vcf"] == twins[0]


def no_condition():
    from strongroom.history.edits import UNCONDITIONAL

    return UNCONDITIONAL


def test_one_uid_twice_in_a_file_is_one_object_with_all(site: Site) -> None:
    outcomes = bring(site, person("a", "TEL:1"), person("a", "TEL:2"), person("a", "TEL:1"))
    assert endings(outcomes) == ["new", "merged", "unchanged"]
    assert standing(site)["a.vcf"].count(b"TEL") == 2


def test_one_uid_twice_in_a_file_is_not_somebody_who_is_there(site: Site) -> None:
    """The second of them, too, is the first one and not whom it resembles by content."""
    there(site, person("z", "TEL:1234567"))
    outcomes = bring(site, person("a", name="Other"), person("a", "TEL:1234567"))
    assert [(o.ending, o.href) for o in outcomes] == [("new", "a.vcf"), ("merged", "a.vcf")]


def test_two_that_come_in_and_are_one_that_stands_are_both_merged(site: Site) -> None:
    there(site, person("a", "TEL:1234567"))
    file = (person("x", "TEL:1234567", "NOTE:x"), person("y", "TEL:1234567", "TITLE:y"))
    assert endings(bring(site, *file)) == ["merged", "merged"]
    assert b"NOTE:x" in standing(site)["a.vcf"]
    assert b"TITLE:y" in standing(site)["a.vcf"]
    assert endings(bring(site, *file)) == ["unchanged", "unchanged"]


def test_a_name_that_another_card_has_is_left_to_it(site: Site) -> None:
    site.put("b.vcf", uid="other")
    (outcome,) = bring(site, person("b"))
    assert outcome.ending == "new"
    assert outcome.href != "b.vcf"
    assert endings(bring(site, person("b"))) == ["unchanged"]


def test_rows_of_a_table_come_in_like_cards(site: Site) -> None:
    file = b"Name,Phone 1 - Value,Phone 1 - Label\r\nAnn Lee,1234567,Home\r\nBob,\x01,\r\n"
    outcomes = bring(site, file, stream=ContactCsv())
    assert endings(outcomes) == ["new", "new"]
    assert endings(bring(site, file, stream=ContactCsv(), chunk=5)) == ["unchanged"] * 2
    assert outcomes[1].said


# --- what is not taken ----------------------------------------------------------------------------


def test_what_cannot_be_taken_is_told_with_line_and_bytes_and_holds_nothing_up(site: Site) -> None:
    bad = person("x", version="9.9")
    outcomes = bring(site, person("a"), b"junk\n", bad, person("b"))
    assert [(o.line, o.code, o.raw) for o in outcomes if o.ending == "refused"] == [
        (6, "between-cards", b"junk\n"), (7, "unsupported-version", bad),
    ]  # fmt: skip
    assert all(o.said for o in outcomes if o.ending == "refused")
    assert sorted(standing(site)) == ["a.vcf", "b.vcf"]


def test_a_file_that_is_nothing_known_is_refused_whole(site: Site) -> None:
    with pytest.raises(InvalidError):
        bring(site, b"a,b\n1,2\n", stream=ContactCsv())
    assert standing(site) == {}


def test_an_object_that_grows_too_large_is_refused(site: Site) -> None:
    filler = "x" * (OBJECT_BYTES_MAX // 2)
    there(site, person("a", f"NOTE:a{filler}"))
    (outcome,) = bring(site, person("a", f"NOTE:b{filler}"))
    assert (outcome.ending, outcome.code) == ("refused", "too-large")
    mends = person("", f"NOTE:{'x' * OBJECT_BYTES_MAX}")
    mends = mends[: len(mends) - 20 - (len(mends) - OBJECT_BYTES_MAX)] + b"\r\nEND:VCARD\r\n"
    assert [(o.ending, o.code) for o in bring(site, mends)] == [("refused", "too-large")]


def test_what_stands_and_cannot_be_read_is_not_overwritten(site: Site) -> None:
    there(site, person("a", "TEL:1234567"))
    before = standing(site)
    site.cell.lost.update(m.etag for m in site.run(site.cell.listing(site.book.id, OBJECT))[1])
    outcomes = bring(site, person("a", "NOTE:x"), person("b", "TEL:1234567"))
    assert [(o.ending, o.code) for o in outcomes] == [("refused", "unsure"), ("new", "")]
    assert standing(site)["a.vcf"] == before["a.vcf"]


def test_what_stands_and_cannot_be_looked_into_is_not_overwritten(site: Site) -> None:
    there(site, person("a", *["X:1"] * 20_001))
    (outcome,) = bring(site, person("a", "NOTE:x"))
    assert (outcome.ending, outcome.code) == ("refused", "too-complex")


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
                    await delete_card(site.cell, site.book, one, no_condition(), OURSELVES)
                else:
                    name = one.partition(b"UID:")[2].partition(b"\r")[0].decode() + ".vcf"
                    await put(site, name, one)
            monkeypatch.setattr(site.cell, "submit", late)
        return await submit(edit, bodies)

    monkeypatch.setattr(site.cell, "submit", late)


async def put(site: Site, name: str, body: bytes) -> None:
    from strongroom.service.objects import put_card

    await put_card(site.cell, site.book, name, body, no_condition(), OURSELVES)


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
    outcomes = bring(site, person("a", "TEL:2"), person("x", "TEL:7654321", name="Max"))
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


# --- neither written nor fetched ------------------------------------------------------------------


def test_a_dry_run_tells_the_same_and_writes_nothing(site: Site) -> None:
    there(site, person("a", "TEL:1234567"), person("e"))
    file = (
        person("a", "TEL:2"), person("b", "TEL:1"), person("b", "TEL:2"), person("b", "TEL:1"),
        person("e"), b"junk\n", person("a", "TEL:3"),
    )  # fmt: skip
    batch, before = site.cell.batch, standing(site)
    told = bring(site, *file, dry=True)
    assert (site.cell.batch, standing(site)) == (batch, before)
    done = bring(site, *file)
    assert [(o.line, o.ending, o.uid, o.href) for o in told if o.line != 21] == [
        (o.line, o.ending, o.uid, o.href) for o in done if o.line != 21
    ]  # fmt: skip


def test_nothing_that_a_card_names_is_fetched(site: Site, monkeypatch) -> None:
    """I3: not from a photo's address, in no dialect, not while two are merged."""

    def forbidden(*_args, **_kwargs):
        raise AssertionError("a socket was opened")

    photo = "PHOTO;VALUE=uri:http://127.0.0.1:9/x.jpg"
    old = person("c", "PHOTO;VALUE=URL:http://127.0.0.1:9/y.jpg", version="2.1")
    table = b"Name,Photo\r\nAnn,http://127.0.0.1:9/z.jpg\r\n"
    loop = asyncio.new_event_loop()  # it has a pair of sockets of its own
    try:
        loop.run_until_complete(_bring(site, person("a"), False, CardStream(), 1 << 20, no_limit))
        for name in ("socket", "create_connection", "getaddrinfo"):
            monkeypatch.setattr(socket, name, forbidden)
        for file, stream in ((person("a", photo) + old, CardStream()), (table, ContactCsv())):
            job = _bring(site, file, False, stream, 1 << 20, no_limit)
            outcomes = loop.run_until_complete(job)
            assert "refused" not in endings(outcomes)
    finally:
        monkeypatch.undo()
        loop.close()
    assert sum(b"http://127.0.0.1:9/" in body for body in standing(site).values()) == 3
