"""Applying: what a phone was refused comes into what stands, and nothing of anybody is lost."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.site import BOOK, HOME, Site
from strongroom.base.errors import (
    FrozenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    QuotaError,
    UnsureError,
)
from strongroom.formats.carddiff import Difference
from strongroom.history.edits import Origin
from strongroom.history.entries import DELETE, OBJECT, Entry
from strongroom.service.applying import Look, apply, look
from strongroom.service.meters import Meters
from strongroom.service.refused import NAME, listed
from strongroom.service.usage import set_quota

ANN = BOOK + "ann.vcf"
BY = Origin(request="command refused apply")


def card(*lines: str, uid: str = "ann") -> bytes:
    fixed = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}"]
    return "\r\n".join([*fixed, *lines, "END:VCARD", ""]).encode()


@pytest.fixture
def site() -> Site:
    return Site()


def put(site: Site, body: bytes, name: str = "ann.vcf", **headers: Any) -> str:
    return site.do("PUT", BOOK + name, body, **headers).headers["etag"]


def refuse(site: Site, body: bytes, path: str = ANN, method: str = "PUT", **headers: Any) -> int:
    """Let a write be refused; gives the number under which it is kept."""
    assert site.do(method, path, body, **headers).status in {403, 409, 412}
    return site.run(listed(site.cell, site.home))[-1].number


def see(site: Site, number: int, prefer: Any = "both") -> Look:
    return site.run(look(site.cell, site.home, number, prefer))


def do(site: Site, number: int, prefer: Any = "both") -> Look:
    seen = see(site, number, prefer)
    site.run(apply(site.cell, seen, seen.shown, BY))
    return seen


def body(site: Site, path: str = ANN) -> list[str]:
    return site.do("GET", path).body.decode().splitlines()[3:-1]


def test_what_the_phone_changed_comes_into_what_others_changed_meanwhile(site: Site) -> None:
    old = put(site, card("FN:Ann", "TEL:1", "NOTE:a"))
    put(site, card("FN:Ann Lee", "TEL:1", "NOTE:a"))
    number = refuse(site, card("FN:Ann", "TEL:2", "URL:u"), if_match=old)

    seen = do(site, number)
    assert body(site) == ["FN:Ann Lee", "TEL:2", "URL:u"]
    assert seen.conflicts == ()
    assert seen.changes == (
        Difference("Phone", "1", "2"), Difference("Web page", "", "u"), Difference("Note", "a", ""),
    )  # fmt: skip
    assert set(seen.wanted) == {*seen.changes, Difference("Full name", "Ann Lee", "Ann")}
    assert site.run(listed(site.cell, site.home)) == []


def test_it_is_one_batch_under_the_etag_that_was_shown_and_the_history_keeps_it(
    site: Site,
) -> None:
    old = put(site, card("FN:Ann"))
    new = put(site, card("FN:Ann Lee"))
    number = refuse(site, card("FN:Ann", "TEL:1"), if_match=old)
    before = site.cell.batch
    do(site, number)

    written = last_entry(site, site.book.id)
    shelf = site.cell.directory.collection(site.home, NAME)
    assert shelf is not None
    taken = last_entry(site, shelf.id)
    assert site.cell.batch == before + 1
    assert (written.was_etag, written.request) == (new.strip('"'), BY.request)
    assert (taken.verb, taken.href, taken.condition) == (DELETE, str(number), "applied")


def last_entry(site: Site, collection: int) -> Entry:
    return site.cell.journal[collection][-1][0]


@pytest.mark.parametrize(
    ("prefer", "numbers"), [("both", [2, 3]), ("wanted", [3]), ("standing", [2])]
)
def test_where_both_changed_a_field_a_person_says_whose_word_counts(
    site: Site, prefer: str, numbers: list[int]
) -> None:
    old = put(site, card("FN:Ann", "TEL:1"))
    put(site, card("FN:Ann", "TEL:2"))
    number = refuse(site, card("FN:Ann", "TEL:3"), if_match=old)

    assert do(site, number, prefer).conflicts == (Difference("Phone", "2", "3"),)
    assert body(site) == ["FN:Ann", *(f"TEL:{one}" for one in numbers)]


def test_what_changed_since_it_was_shown_is_shown_again_first(site: Site) -> None:
    old = put(site, card("FN:Ann"))
    put(site, card("FN:Ann Lee"))
    number = refuse(site, card("FN:Ann", "TEL:1"), if_match=old)
    seen = see(site, number)
    put(site, card("FN:Ann Lee", "URL:u"))

    with pytest.raises(PreconditionError, match="look again"):
        site.run(apply(site.cell, see(site, number), seen.shown, BY))
    # Also where it changes between the second look and the act.
    with pytest.raises(PreconditionError):
        site.run(apply(site.cell, seen, seen.shown, BY))
    assert body(site) == ["FN:Ann Lee", "URL:u"]
    assert len(site.run(listed(site.cell, site.home))) == 1


def test_what_is_gone_is_made_again_also_under_its_first_name(site: Site) -> None:
    old = put(site, card("FN:Ann"))
    put(site, card("FN:Ann Lee"))
    number = refuse(site, card("FN:Ann", "TEL:1"), if_match=old)
    site.do("DELETE", ANN)

    seen = do(site, number)
    assert (seen.standing, seen.shown, seen.name) == (None, "", "ann.vcf")
    assert site.do("GET", ANN).body == card("FN:Ann", "TEL:1")


def test_one_that_was_refused_for_its_uid_goes_onto_the_object_that_has_it(site: Site) -> None:
    put(site, card("FN:Ann", "TEL:1"))
    number = refuse(site, card("FN:Ann", "TEL:2"), BOOK + "other.vcf")

    assert do(site, number).name == "ann.vcf"
    assert body(site) == ["FN:Ann", "TEL:1", "TEL:2"]


def test_another_object_under_the_same_name_is_not_mixed_with_it(site: Site) -> None:
    put(site, card("FN:Ann"))
    put(site, card("FN:Third", uid="third"), "ben.vcf")
    number = refuse(site, card("FN:Ben", uid="ben"), if_none_match="*")

    seen = do(site, number)
    assert body(site) == ["FN:Ann"]
    assert body(site, BOOK + "ben.vcf") == ["FN:Third"]
    assert body(site, BOOK + seen.name) == ["FN:Ben"]
    free = refuse(site, card("FN:Cat", uid="cat"), if_none_match="*")
    assert do(site, free).name == "cat.vcf"


def test_one_without_a_condition_is_merged_with_what_stood_then(site: Site) -> None:
    put(site, card("FN:Ann", "TEL:1"))
    number = refuse(site, card("FN:Ann").replace(b"3.0", b"2.1"))
    put(site, card("FN:Ann Lee", "TEL:1"))

    seen = do(site, number)
    assert body(site) == ["FN:Ann Lee"]
    assert len(seen.mendings) > 0


def test_a_base_is_only_a_version_of_this_very_object(site: Site) -> None:
    foreign = put(site, card("FN:Ben", "TEL:1", uid="ben"), "ben.vcf")
    put(site, card("FN:Ann", "TEL:1"))
    unknown = '"' + "0" * 64 + '"'
    for tag in (foreign, unknown, '"x"'):
        number = refuse(site, card("FN:Ann", f"URL:{tag[1]}"), if_match=tag)
        do(site, number)

    assert body(site)[:2] == ["FN:Ann", "TEL:1"]


def test_what_stands_already_is_only_taken_off_the_list(site: Site) -> None:
    put(site, card("FN:Ann"))
    number = refuse(site, card("FN:Ann", "PRODID:p"), if_match='"x"')
    head = site.cell.head(site.book.id)

    assert do(site, number).changes == ()
    assert site.cell.head(site.book.id) == head
    assert site.run(listed(site.cell, site.home)) == []


def test_a_card_without_a_uid_goes_onto_what_it_was_meant_for(site: Site) -> None:
    put(site, card("FN:Ann"))
    number = refuse(site, card("FN:Ann", "TEL:1").replace(b"UID:ann\r\n", b""))

    do(site, number)
    assert body(site) == ["FN:Ann", "TEL:1"]


def test_one_without_a_name_gets_that_of_its_uid(site: Site) -> None:
    old = card("FN:Ann").replace(b"3.0", b"2.1")
    number = refuse(site, old, BOOK, "POST", content_type="text/vcard")

    assert do(site, number).name == "ann.vcf"


def test_a_collection_is_found_by_its_id_or_by_its_name(site: Site) -> None:
    put(site, card("FN:Ann"))
    number = refuse(site, card("FN:Ann", "TEL:1"), if_match='"x"')
    missing = refuse(site, card("FN:Ben", uid="ben"), HOME + "new/ben.vcf")
    site.do("MOVE", BOOK, destination=HOME + "moved/")
    do(site, number)

    assert body(site, HOME + "moved/ann.vcf") == ["FN:Ann", "TEL:1"]
    assert "new is not there" in see(site, missing).problem
    site.do("MKCOL", HOME + "new/")
    do(site, missing)
    assert body(site, HOME + "new/ben.vcf") == ["FN:Ben"]


PROBLEMS = [
    (b"no card", {}, "no card that can be kept"),
    (b"x" * 11_000_000, {}, "Only 10485760 of 11000000 bytes"),
]


@pytest.mark.parametrize(("sent", "headers", "words"), PROBLEMS)
def test_what_cannot_be_applied_says_why_and_changes_nothing(
    site: Site, sent: bytes, headers: dict[str, str], words: str
) -> None:
    number = refuse(site, sent, **headers)
    before = dict(site.cell.heads)
    seen = see(site, number)

    assert words in seen.problem
    assert seen.changes == ()
    with pytest.raises(InvalidError, match="Nothing was changed"):
        site.run(apply(site.cell, seen, seen.shown, BY))
    assert site.cell.heads == before


def test_a_card_that_is_too_complex_to_be_merged_says_so(site: Site) -> None:
    put(site, card("FN:Ann", *["X-A:1"] * 20_001))
    number = refuse(site, card("FN:Ann", "TEL:1"), if_match='"x"')

    assert "cannot be merged" in see(site, number).problem


def test_what_cannot_be_read_now_is_not_decided(site: Site) -> None:
    old = put(site, card("FN:Ann"))
    new = put(site, card("FN:Ann Lee"))
    number = refuse(site, card("FN:Ann", "TEL:1"), if_match=old)
    for digest in (old, new, site.run(listed(site.cell, site.home))[0].member.etag):
        site.cell.lost = {digest.strip('"')}
        with pytest.raises(UnsureError):
            see(site, number)


def test_a_freeze_and_a_quota_hold_here_too(site: Site) -> None:
    put(site, card("FN:Ann"))
    number = refuse(site, card("FN:Ann", "NOTE:" + "n" * 500), if_match='"x"')
    account = site.run(set_quota(site.cell, "alice", "300", Origin()))
    seen = see(site, number)
    room = Meters().room(site.cell, account)
    with pytest.raises(QuotaError):
        site.run(apply(site.cell, seen, seen.shown, BY, room))
    site.run(site.cell.freeze(site.home, str(site.book.id), "why", ""))
    with pytest.raises(FrozenError):
        site.run(apply(site.cell, seen, seen.shown, BY))

    assert body_of_row(site) == card("FN:Ann")


def body_of_row(site: Site) -> bytes:
    return site.cell.blobs[site.run(site.cell.listing(site.book.id, OBJECT))[1][0].etag]


def test_applied_twice_at_once_is_applied_once(site: Site) -> None:
    put(site, card("FN:Ann"))
    number = refuse(site, card("FN:Ann", "TEL:1"), if_match='"x"')
    seen = see(site, number)
    do(site, number)
    site.do("DELETE", ANN)
    put(site, card("FN:Ann"))

    with pytest.raises(NotFoundError):
        site.run(apply(site.cell, seen, seen.shown, BY))
    assert body(site) == ["FN:Ann"]
