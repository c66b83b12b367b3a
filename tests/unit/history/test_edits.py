"""What each edit leaves, entry by entry and row by row (I2); refusals in short: test_decide.

COPY, MOVE and UIDs: test_copy_move.
"""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.base.errors import (
    ClientError,
    ConflictError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    TooLargeError,
)
from strongroom.base.limits import PROPERTIES_BYTES_MAX
from strongroom.formats.conditions import ANY, Precondition
from strongroom.history.decide import Overlay, Stamp, decide
from strongroom.history.edits import (
    UNCONDITIONAL,
    AddAccount,
    Edit,
    Origin,
    Put,
    Remove,
    SetProps,
    SkipNumbers,
    Together,
    account_key,
    keys,
)
from strongroom.history.entries import (
    ACCOUNT,
    CELL,
    COLLECTION,
    DELETE,
    GAP,
    OBJECT,
    PROPS,
    PUT,
    Entry,
    Head,
    Key,
    Member,
    Row,
    Tombstone,
    canonical,
    digest_of,
    entry_id,
    genesis_chain,
    genesis_head,
)
from strongroom.history.fold import member_hash, next_chain

HOME, BOOK, PHONE, TABLET = 5, 7, 3, 4
PARENT = Key(HOME, COLLECTION, "friends")
A, B = Key(BOOK, OBJECT, "a.vcf"), Key(BOOK, OBJECT, "b.vcf")
BY_PHONE = Origin(PHONE, "req", "if: x")
NAME = "{http://example.org/ns}colour"
STAMP = Stamp(12, 1_700_000_000_000)

STANDS = Member(*A, 4096, 4, "one", '{"size":3}', '{"p":"<p/>"}', 8, PHONE)
GONE = Tombstone(*B, 4097, 3)
HEAD = Head(BOOK, 4, genesis_chain(BOOK), 1, member_hash(STANDS), 11)
BOOK_ROW = Member(*PARENT, BOOK, 1, "e", "{}", "", 8, PHONE)
OUTDATED = Precondition(match=frozenset({"before it"}))


def view(*rows: Row, missing: tuple[Key, ...] = ()) -> Overlay:
    """Give a book with one card, and one that was deleted, unless told otherwise."""
    stand: dict[Key, Row | None] = {A: STANDS, B: GONE, PARENT: BOOK_ROW}
    return Overlay({**stand, **dict.fromkeys(missing), **{r.key: r for r in rows}}, {BOOK: HEAD})


def put(key: Key = A, etag: str = "two", data: str = '{"size":3}', **rest: Any) -> Put:
    return Put(key, etag, data, **{"origin": BY_PHONE, **rest})


def done(seen: Overlay, edit: Edit) -> Entry:
    """Decide an edit that makes one entry."""
    before = len(seen.entries)
    decide(seen, edit, STAMP)
    (entry,) = seen.entries[before:]
    return entry


def refused(seen: Overlay, edit: Edit) -> ClientError:
    """Decide an edit that must be refused and must leave no trace."""
    with pytest.raises(ClientError) as caught:
        decide(seen, edit, STAMP)
    assert seen.entries == seen.lines == []
    assert seen.heads == {}
    return caught.value


# --- put ----------------------------------------------------------------------------------------


def test_a_put_is_one_entry_that_says_everything_with_its_pre_image() -> None:
    """I2: who, when, why, on top of what."""
    seen = view()
    (row,) = decide(seen, put(when=Precondition(match=frozenset({"one"}))), STAMP)
    (entry,) = seen.entries
    assert entry == Entry(
        BOOK, 5, PUT, OBJECT, "a.vcf", STANDS.id, "two", '{"size":3}', STANDS.props,
        4, "one", STAMP.at, PHONE, "req", "if: x",
    )  # fmt: skip
    assert seen.lines == [entry.encode()]
    assert seen.head(BOOK).chain == next_chain(HEAD.chain, entry.encode())
    assert row == seen.row(A) != STANDS


@pytest.mark.parametrize(("missing", "was"), [((), 3), ((B,), 0)])
def test_what_is_new_gets_an_id_from_its_batch_and_place(missing: Any, was: int) -> None:
    """Also where something was deleted: another thing, though its tombstone is the pre-image."""
    seen = view(missing=missing)
    done(seen, put())
    entry = done(seen, put(B))
    assert (entry.id, entry.was_number, entry.was_etag) == (entry_id(STAMP.batch, 1), was, "")
    assert entry.props == ""


def test_a_put_may_bring_other_properties_with_the_same_bytes() -> None:
    assert done(view(), put(etag="one", props='{"q":"<q/>"}')).props == '{"q":"<q/>"}'


@pytest.mark.parametrize("when", [UNCONDITIONAL, Precondition(match=frozenset({"one"}))])
def test_the_same_content_again_is_an_entry_whoever_sends_it(when: Precondition) -> None:
    entry = done(view(), put(etag="one", origin=Origin(TABLET), when=when))
    assert (entry.number, entry.etag, entry.was_etag, entry.by) == (5, "one", "one", TABLET)
    assert (entry.id, entry.props) == (STANDS.id, STANDS.props)


@pytest.mark.parametrize(
    ("key", "when"),
    [
        (A, OUTDATED),
        (A, Precondition(none_match=ANY)),
        (A, Precondition(none_match=frozenset({"one"}))),
        (B, Precondition(must_exist=True)),
        (B, Precondition(match=frozenset({"one"}))),
    ],
)
def test_a_condition_is_tried_on_what_stands_and_a_tombstone_is_nothing(
    key: Key, when: Precondition
) -> None:
    assert isinstance(refused(view(), put(key, when=when)), PreconditionError)


@pytest.mark.parametrize("when", [OUTDATED, Precondition(none_match=ANY)])
class TestRepeatedPut:
    """A request whose answer was lost is sent again; by then its condition is out of date."""

    def test_that_finds_its_own_bytes_has_succeeded(self, when: Precondition) -> None:
        """I1."""
        seen = view()
        assert decide(seen, put(etag="one", when=when), STAMP) == (STANDS,)
        assert seen.entries == []

    def test_of_another_device_is_refused(self, when: Precondition) -> None:
        """It has not written them, and must learn that somebody else did."""
        other = put(etag="one", when=when, origin=Origin(TABLET))
        assert isinstance(refused(view(), other), PreconditionError)

    def test_with_other_bytes_is_refused(self, when: Precondition) -> None:
        assert isinstance(refused(view(), put(when=when)), PreconditionError)

    def test_with_other_properties_is_refused(self, when: Precondition) -> None:
        other = put(etag="one", when=when, props="{}")
        assert isinstance(refused(view(), other), PreconditionError)


# --- the parent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [put(parent=PARENT), Remove(A, parent=PARENT), SetProps(A, ((NAME, "x"),), parent=PARENT)],
)
@pytest.mark.parametrize("book", [None, Tombstone(*PARENT, BOOK, 2), BOOK_ROW._replace(id=9)])
def test_nothing_happens_in_a_collection_that_is_gone_or_another(
    edit: Edit, book: Row | None
) -> None:
    seen = view(book) if book is not None else view(missing=(PARENT,))
    assert isinstance(refused(seen, edit), ConflictError)


# --- remove -------------------------------------------------------------------------------------


def test_a_remove_is_an_entry_with_the_id_of_what_was_there() -> None:
    """I4: and what it leaves is the proof."""
    seen = view()
    rows = decide(seen, Remove(A, BY_PHONE, Precondition(must_exist=True)), STAMP)
    assert seen.entries == [
        Entry(
            BOOK, 5, DELETE, OBJECT, "a.vcf", STANDS.id, "", "", "",
            4, "one", STAMP.at, PHONE, "req", "if: x",
        )
    ]  # fmt: skip
    assert rows == (Tombstone(*A, STANDS.id, 5),)
    assert seen.head(BOOK).members == 0


def test_what_never_was_or_is_gone_cannot_be_removed() -> None:
    assert isinstance(refused(view(), Remove(B)), NotFoundError)
    assert isinstance(refused(view(missing=(B,)), Remove(B)), NotFoundError)


# --- properties ---------------------------------------------------------------------------------


def test_properties_are_set_and_removed_and_nothing_else_changes() -> None:
    entry = done(view(), SetProps(A, ((NAME, "<c/>"), ("p", None)), BY_PHONE))
    assert (entry.verb, entry.props) == (PROPS, canonical({NAME: "<c/>"}))
    assert (entry.id, entry.etag, entry.data) == (STANDS.id, "one", STANDS.data)
    assert (entry.was_number, entry.was_etag) == (4, "one")


def test_the_last_word_on_one_property_counts() -> None:
    changes = (("p", None), ("p", "<q/>"), (NAME, "<c/>"), (NAME, None))
    assert done(view(), SetProps(A, changes)).props == '{"p":"<q/>"}'


@pytest.mark.parametrize("changes", [(), (("p", "<p/>"),), ((NAME, None),)])
def test_properties_that_stay_as_they_are_make_no_entry(changes: Any) -> None:
    seen = view()
    assert decide(seen, SetProps(A, changes), STAMP) == (STANDS,)
    assert seen.entries == []


def test_the_limit_on_properties_counts_bytes() -> None:
    room = PROPERTIES_BYTES_MAX - len(canonical({"p": ""}))
    fits = "é" * (room // 2) + "x" * (room % 2)
    assert isinstance(refused(view(), SetProps(A, (("p", fits + "x"),))), TooLargeError)
    assert len(done(view(), SetProps(A, (("p", fits),))).props.encode()) == PROPERTIES_BYTES_MAX


# --- accounts -----------------------------------------------------------------------------------

ANN = AddAccount("ann", '{"key":"aa"}', (("friends", '{"x":1}', "{}"), ("work", "", "")), BY_PHONE)


def test_an_account_begins_with_its_home_and_collections_in_one_batch() -> None:
    seen = Overlay({account_key("ann"): None}, {})
    rows = decide(seen, ANN, STAMP)
    home = entry_id(STAMP.batch, 0)
    assert [(e.key, e.number, e.id, e.data, e.props, e.etag) for e in seen.entries] == [
        (Key(CELL, ACCOUNT, "ann"), 1, home, ANN.data, "", digest_of(ANN.data.encode())),
        (Key(home, COLLECTION, "friends"), 1, home + 1, '{"x":1}', "{}", digest_of(b'{"x":1}')),
        (Key(home, COLLECTION, "work"), 2, home + 2, "", "", digest_of(b"")),
    ]
    assert rows == tuple(seen.row(entry.key) for entry in seen.entries)
    assert seen.heads.keys() == {CELL, home}


def test_a_login_that_is_taken_stays_whose_it_is() -> None:
    taken = Member(*account_key("ann"), 100, 1, "e", "{}", "", 8, 0)
    assert isinstance(refused(view(taken), ANN), ConflictError)


def test_a_login_that_was_given_up_gets_a_home_of_its_own() -> None:
    """I5: the new account never sees the old one's numbers or key."""
    gone = Tombstone(*account_key("ann"), 100, 2)
    seen = Overlay({gone.key: gone}, {CELL: genesis_head(CELL)._replace(number=2)})
    decide(seen, ANN, STAMP)
    first = seen.entries[0]
    assert (first.number, first.was_number, first.was_etag) == (3, 2, "")
    assert first.id == entry_id(STAMP.batch, 0) != gone.id


# --- numbers that are left out ------------------------------------------------------------------


def test_numbers_are_left_out_by_one_entry_that_counts_its_width() -> None:
    """I5."""
    seen = view()
    entry = done(seen, SkipNumbers(BOOK, 1_000, BY_PHONE))
    assert entry == Entry(
        BOOK, 1_000, GAP, "", "", 0, data='{"from":5}', at=STAMP.at, by=PHONE, request="req"
    )
    assert done(seen, put()).number == 1_001


def test_one_number_may_be_left_out() -> None:
    assert done(view(), SkipNumbers(BOOK, 5)).number == 5


@pytest.mark.parametrize("to", [0, 3, 4])
def test_a_number_that_was_issued_cannot_be_left_out(to: int) -> None:
    """I5."""
    assert isinstance(refused(view(), SkipNumbers(BOOK, to)), InvalidError)


# --- together -----------------------------------------------------------------------------------


def test_edits_together_see_what_those_before_them_left() -> None:
    seen = view()
    rows = decide(seen, Together((put(), Remove(A), SkipNumbers(BOOK, 9), put(B))), STAMP)
    assert [(e.verb, e.number) for e in seen.entries] == [
        (PUT, 5),
        (DELETE, 6),
        (GAP, 9),
        (PUT, 10),
    ]
    assert [type(row) for row in rows] == [Member, Tombstone, Member]
    assert seen.row(A) == rows[1]


@pytest.mark.parametrize("last", [Remove(B), put(etag="three", when=OUTDATED)])
def test_of_edits_together_a_refused_one_takes_all_along(last: Any) -> None:
    seen = view()
    refused(seen, Together((put(), SkipNumbers(BOOK, 9), last)))
    assert seen.row(A) == STANDS
    assert seen.head(BOOK) == HEAD


def test_a_refusal_leaves_what_the_batch_had_before_it() -> None:
    """I9: one edit is refused; the others go on."""
    seen = view()
    first = done(seen, put())
    with pytest.raises(NotFoundError):
        decide(seen, Together((put(etag="three"), Remove(B))), STAMP)
    assert seen.entries == [first]
    assert done(seen, put(etag="three")).was_etag == "two"


# --- what must be seen --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (put(), (A,)),
        (put(parent=PARENT), (A, PARENT)),
        (SetProps(A, ()), (A,)),
        (ANN, (Key(CELL, ACCOUNT, "ann"),)),
        (SkipNumbers(BOOK, 9), ()),
        (Together((put(), Remove(B, parent=PARENT), SkipNumbers(BOOK, 9))), (A, B, PARENT)),
    ],
)
def test_an_edit_names_the_rows_that_must_be_seen(edit: Edit, expected: tuple[Key, ...]) -> None:
    assert keys(edit) == expected
