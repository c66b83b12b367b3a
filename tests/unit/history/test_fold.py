"""`apply`: what entries leave behind, and what it does not let happen (I2)."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.errors import FoldError
from strongroom.history.entries import (
    ARRIVED,
    DELETE,
    GAP,
    LEFT,
    OBJECT,
    PROPS,
    PUT,
    Entry,
    Head,
    Member,
    Row,
    Tombstone,
    canonical,
    genesis_head,
)
from strongroom.history.fold import apply, member_hash, next_chain, next_number

KNOWN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "formats" / "vectors.json").read_text()
)
BATCH = 12
BOOK = 7


def member(**rest: Any) -> Member:
    return Member(BOOK, OBJECT, "a.vcf", 4096, 4, "old", "{}", "", 8, 2)._replace(**rest)


STANDS = member()
HEAD = Head(BOOK, 4, b"c" * 32, 1, member_hash(STANDS), 11)


def entry(verb: str = PUT, **rest: Any) -> Entry:
    made = Entry(
        BOOK, 5, verb, OBJECT, "a.vcf", 4096, "new", '{"size":1}', "",
        STANDS.number, STANDS.etag, 9, 3, "req", "if: x",
    )  # fmt: skip
    return made._replace(**rest)


def fold(made: Entry, old: Row | None = STANDS, head: Head = HEAD) -> tuple[Head, Row | None]:
    return apply(made, made.encode(), head, old, BATCH)


def refused(made: Entry, old: Row | None = STANDS) -> str:
    with pytest.raises(FoldError) as caught:
        fold(made, old)
    return str(caught.value)


# --- what is left -------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [PUT, ARRIVED, PROPS])
def test_what_is_put_stands_with_all_that_the_entry_says(verb: str) -> None:
    made = entry(verb, props='{"p":"<p/>"}')
    head, row = fold(made)
    new = Member(BOOK, OBJECT, "a.vcf", 4096, 5, "new", '{"size":1}', '{"p":"<p/>"}', 9, 3)
    assert row == new
    assert head == Head(BOOK, 5, next_chain(HEAD.chain, made.encode()), 1, member_hash(new), BATCH)


@pytest.mark.parametrize("verb", [DELETE, LEFT])
def test_what_is_removed_leaves_the_proof_of_its_absence(verb: str) -> None:
    """I4: a tombstone with the number of the deletion and the id of what was there."""
    head, row = fold(entry(verb, id=99, etag="", data=""))
    assert row == Tombstone(BOOK, OBJECT, "a.vcf", STANDS.id, 5)
    assert (head.number, head.members, head.sum) == (5, 0, 0)


def test_a_new_name_counts_one_more() -> None:
    made = entry(href="b.vcf", was_number=0, was_etag="")
    head, row = fold(made, old=None)
    assert isinstance(row, Member)
    assert (head.members, head.sum) == (2, (HEAD.sum + member_hash(row)) % 2**256)


def test_a_name_that_was_removed_can_be_taken_again() -> None:
    gone = Tombstone(BOOK, OBJECT, "b.vcf", 4097, 3)
    head, row = fold(entry(href="b.vcf", was_number=3, was_etag=""), old=gone)
    assert isinstance(row, Member)
    assert head.members == 2


def test_a_gap_counts_as_its_width_and_touches_no_member() -> None:
    """I5: the numbers up to the gap's own are never issued again."""
    made = Entry(BOOK, 1_000, GAP, "", "", 0, data='{"from":5}')
    head, row = fold(made, old=None)
    assert row is None
    assert head == Head(BOOK, 1_000, next_chain(HEAD.chain, made.encode()), 1, HEAD.sum, BATCH)


def test_a_gap_of_one_number_is_the_next_number() -> None:
    head, _ = fold(Entry(BOOK, 5, GAP, "", "", 0), old=None)
    assert head.number == 5


@given(st.permutations(["a", "b", "c", "d"]), st.sets(st.sampled_from(["a", "b", "c", "d"])))
def test_the_sum_of_a_collection_does_not_ask_for_the_order(
    names: list[str], removed: set[str]
) -> None:
    """I4: whoever lists what stands, in any order, comes to the sum of the head."""
    head, rows = genesis_head(BOOK), {}
    for name in names:
        made = Entry(BOOK, head.number + 1, PUT, OBJECT, name, ord(name), name * 64)
        head, rows[name] = apply(made, made.encode(), head, None, BATCH)
    for name in removed:
        number = rows[name].number
        made = Entry(
            BOOK, head.number + 1, DELETE, OBJECT, name, 0, was_number=number, was_etag=name * 64
        )
        head, rows[name] = apply(made, made.encode(), head, rows[name], BATCH)
    left = [row for row in rows.values() if isinstance(row, Member)]
    assert head.members == len(left) == 4 - len(removed)
    assert head.sum == sum(map(member_hash, left)) % 2**256


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [PUT, DELETE, PROPS])
@pytest.mark.parametrize("number", [0, 3, 4, 6, 7])
def test_a_number_that_does_not_follow_is_refused(verb: str, number: int) -> None:
    """I5: the numbers of a journal are dense; only a gap may leap."""
    assert "does not follow 4" in refused(entry(verb, number=number))


@pytest.mark.parametrize("number", [0, 3, 4])
def test_a_gap_never_goes_back(number: int) -> None:
    """I5: a number once issued is never issued again."""
    assert "does not follow" in refused(Entry(BOOK, number, GAP, "", "", 0), None)


@pytest.mark.parametrize("verb", [PUT, ARRIVED, PROPS, DELETE, LEFT])
@pytest.mark.parametrize(
    ("changed", "old"),
    [
        ({"was_number": 3}, STANDS),
        ({"was_etag": "another"}, STANDS),
        ({"was_number": 0, "was_etag": ""}, STANDS),
        ({}, None),
        ({}, Tombstone(*STANDS.key, STANDS.id, STANDS.number)),
        ({"was_etag": ""}, None),
        ({"was_number": 0}, None),
    ],
)
def test_a_pre_image_that_disagrees_with_what_stands_is_refused(
    verb: str, changed: dict[str, Any], old: Row | None
) -> None:
    """I2: each replica holds the entry against what it knows itself."""
    assert "pre-image" in refused(entry(verb, **changed), old)


@pytest.mark.parametrize("verb", [DELETE, LEFT])
def test_nothing_can_be_removed_where_nothing_stands(verb: str) -> None:
    nothing = {"was_etag": "", "was_number": 0}
    assert "not there" in refused(entry(verb, **nothing), None)
    gone = Tombstone(*STANDS.key, STANDS.id, 4)
    assert "not there" in refused(entry(verb, was_etag=""), gone)


@pytest.mark.parametrize("verb", ["", "PUT", "purge"])
def test_an_unknown_verb_is_refused(verb: str) -> None:
    """I2: a replica that does not understand an entry must not vote for what it left."""
    assert "unknown verb" in refused(entry(verb))


# --- hashes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", KNOWN["members"])
def test_a_member_has_the_documented_hash(known: dict[str, Any]) -> None:
    assert member_hash(Member(*known["member"])) == int(known["hash"], 16)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(max_size=9).map(ascii))
def test_the_hash_of_a_member_is_that_of_canonical_json(href: str, props: str) -> None:
    """I10: written by hand for speed; the page says the generic form."""
    one = member(href=href, props=props)
    digest = sha256(props.encode()).hexdigest() if props else ""
    text = canonical([OBJECT, one.id, href, one.etag, digest])
    assert member_hash(one) == int.from_bytes(sha256(text.encode()).digest())


def test_the_hash_of_a_member_without_properties_ends_with_an_empty_text() -> None:
    text = canonical([OBJECT, 4096, "a.vcf", "old", ""])
    assert member_hash(STANDS) == int.from_bytes(sha256(text.encode()).digest())


@pytest.mark.parametrize(
    "changed", [{"kind": "device"}, {"href": "b"}, {"id": 1}, {"etag": "x"}, {"props": "{}"}]
)
def test_the_hash_changes_with_all_that_a_listing_says(changed: dict[str, Any]) -> None:
    """I4: a listing with one wrong field is not the listing of the head."""
    assert member_hash(member(**changed)) != member_hash(STANDS)


@pytest.mark.parametrize("changed", [{"number": 9}, {"at": 1}, {"by": 9}, {"data": "x"}])
def test_the_hash_leaves_out_what_a_listing_does_not_say(changed: dict[str, Any]) -> None:
    assert member_hash(member(**changed)) == member_hash(STANDS)


def test_a_chain_proves_every_entry_before_it_and_their_order() -> None:
    one, other = next_chain(b"c", b"1"), next_chain(b"c", b"2")
    assert one != other
    assert next_chain(one, b"2") != next_chain(other, b"1")
    assert one == sha256(b"c1").digest()


def test_only_a_gap_that_leaps_ahead_says_its_own_number() -> None:
    assert next_number(4, entry(number=9)) == 5
    assert next_number(4, entry(GAP, number=9)) == 9
    assert next_number(4, entry(GAP, number=4)) == 5


def test_a_fold_that_is_remembered_is_still_each_replicas_own() -> None:
    """I2: the entry was folded a moment ago; whose row or head differs refuses, or differs."""
    made = entry()
    first = fold(made)
    assert fold(entry(), member(), HEAD._replace()) == first
    for old in (member(etag="other"), member(number=3), None):
        with pytest.raises(FoldError):
            fold(made, old)
    with pytest.raises(FoldError):
        fold(made, STANDS, HEAD._replace(number=9))
    assert fold(made, member(props='{"{x}y":"z"}'))[0].sum != first[0].sum
    for head in (HEAD._replace(chain=b"d" * 32), HEAD._replace(sum=1), HEAD._replace(members=9)):
        assert fold(made, STANDS, head)[0] != first[0]
    assert apply(made, made.encode(), HEAD, STANDS, BATCH + 1)[0].batch == BATCH + 1
