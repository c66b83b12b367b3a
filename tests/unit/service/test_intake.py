"""An import: nothing twice, nothing overwritten, nothing lost, nothing fetched."""

from __future__ import annotations

import asyncio
import socket

import pytest

from fakes.bringing import bring, bringing, endings, person, standing, there
from fakes.site import Site
from strongroom.base.errors import InvalidError, TooLargeError
from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.formats.cardstream import CardStream
from strongroom.formats.contactcsv import ContactCsv
from strongroom.history.edits import OURSELVES, UNCONDITIONAL
from strongroom.history.entries import OBJECT, Key, digest_of
from strongroom.service import intake as module
from strongroom.service.objects import delete_object


@pytest.fixture
def site() -> Site:
    return Site()


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
    first = endings(bring(site, *file))
    assert sorted(first) == ["merged", "merged", "new", "new", "refused"]
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


def test_what_no_copy_can_give_any_more_stands_again_once_it_is_brought(site: Site) -> None:
    there(site, person("a"))
    digest = digest_of(person("a"))
    del site.cell.blobs[digest]
    head = site.cell.head(site.book.id)
    assert endings(bring(site, person("a"))) == ["unchanged"]
    assert site.cell.blobs[digest] == person("a")
    # A phone that could not have it is told of it now, and once.
    assert site.cell.head(site.book.id).number == head.number + 1
    assert endings(bring(site, person("a"))) == ["unchanged"]
    assert site.cell.head(site.book.id).number == head.number + 1


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
    site.run(delete_object(site.cell, site.book, "b.vcf", UNCONDITIONAL, OURSELVES))
    assert endings(bring(site, *twins)) == ["unchanged", "new"]
    assert standing(site) == {"a.vcf": twins[0], "b.vcf": twins[1]}


def test_what_comes_in_later_by_itself_was_nobody_else_before(site: Site) -> None:
    """Somebody new in front, so that what stands is looked at before the twins come."""
    twins = person("a", "TEL:1234567"), person("b", "TEL:1234567", "NOTE:b")
    there(site, twins[0])
    assert endings(bring(site, person("n", name="New"), *twins)) == ["new", "unchanged", "new"]
    assert standing(site)["a.vcf"] == twins[0]


def test_what_comes_in_at_the_end_by_itself_was_nobody_else_at_the_beginning(site: Site) -> None:
    """The file tells them apart, so they are two, in whatever order it does."""
    file = person("b", "TEL:1234567", "NOTE:b"), person("a", "TEL:1234567")
    there(site, file[1])
    for cut in (1 << 20, 20):
        other = Site()
        there(other, file[1])
        assert sorted(endings(bring(other, *file, chunk=cut))) == ["new", "unchanged"]
        assert standing(other) == {"a.vcf": file[1], "b.vcf": file[0]}


def test_a_group_that_comes_in_finds_its_members(site: Site) -> None:
    """Who is in a group keeps the UID that it names, also if somebody alike stands."""
    there(site, person("a", "TEL:1234567"))
    group = person("g", "KIND:group", "MEMBER:urn:uuid:B", name="Friends", version="4.0")
    for _ in range(2):
        bring(site, person("b", "TEL:1234567"), group)
        assert sorted(standing(site)) == ["a.vcf", "b.vcf", "g.vcf"]


def test_what_is_held_for_too_long_is_decided_by_what_came_so_far(site: Site, monkeypatch) -> None:
    file = person("b", "TEL:1234567", "NOTE:b"), person("a", "TEL:1234567")
    there(site, file[1])
    monkeypatch.setattr(module, "INTAKE_HELD_BYTES", len(file[0]) - 1)
    assert endings(bring(site, *file, chunk=len(file[0]) + 15)) == ["merged", "unchanged"]
    monkeypatch.setattr(module, "INTAKE_HELD_BYTES", len(file[0]))
    there(other := Site(), file[1])
    assert endings(bring(other, *file, chunk=len(file[0]) + 15)) == ["unchanged", "new"]


def test_who_says_more_by_a_merge_is_no_longer_the_same_as_a_third(site: Site) -> None:
    """Two of a file that contradict each other are not both what stands."""
    there(site, person("a", "TEL:1234567"))
    born = [
        person(uid, "TEL:1234567", f"BDAY:{year}-01-01") for uid, year in (("x", 1980), ("y", 1990))
    ]
    for _ in range(2):
        bring(site, *born)
        assert b"BDAY:1980" in standing(site)["a.vcf"]
        assert b"1990" not in standing(site)["a.vcf"]
        assert b"BDAY:1990" in standing(site)["y.vcf"]
    assert sorted(standing(site)) == ["a.vcf", "y.vcf"]


def test_of_several_that_could_be_meant_the_one_that_says_it_all_is(site: Site) -> None:
    there(site, person("a", "TEL:1234567", "NOTE:1"), person("b", "TEL:1234567", "NOTE:2"))
    (outcome,) = bring(site, person("c", "TEL:1234567", "NOTE:2"))
    assert (outcome.ending, outcome.href) == ("unchanged", "b.vcf")


def test_one_that_could_be_meant_and_cannot_be_looked_into_is_not(site: Site) -> None:
    many = ["X:1"] * 20_001
    there(site, person("a", "TEL:1234567", *many), person("b", "TEL:1234567", "NOTE:2"))
    (outcome,) = bring(site, person("c", "TEL:1234567", "NOTE:2"))
    assert (outcome.ending, outcome.href) == ("unchanged", "b.vcf")


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


def test_what_is_no_file_of_contacts_ends_in_time(site: Site, monkeypatch) -> None:
    monkeypatch.setattr(module, "INTAKE_REFUSED_MAX", 3)
    half = b"BEGIN:VCARD\n"
    assert endings(bring(site, *[half] * 3)) == ["refused"] * 3
    with pytest.raises(TooLargeError, match="What came in before stands"):
        bring(site, person("a"), *[half] * 200)
    assert list(standing(site)) == ["a.vcf"]


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
        loop.run_until_complete(bringing(site, person("a"), CardStream()))
        for name in ("socket", "create_connection", "getaddrinfo"):
            monkeypatch.setattr(socket, name, forbidden)
        for file, stream in ((person("a", photo) + old, CardStream()), (table, ContactCsv())):
            job = bringing(site, file, stream)
            outcomes = loop.run_until_complete(job)
            assert "refused" not in endings(outcomes)
    finally:
        monkeypatch.undo()
        loop.close()
    assert sum(b"http://127.0.0.1:9/" in body for body in standing(site).values()) == 3
