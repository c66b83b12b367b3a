"""Canonical bytes, chains and digests: one content has one form (I2), readable without us (I10)."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import ENTRY_SLOT_BITS
from strongroom.history.entries import (
    ACCOUNT,
    ARRIVED,
    DELETE,
    GAP,
    LEFT,
    OBJECT,
    PROPS,
    PUT,
    Batch,
    Entry,
    Head,
    Key,
    Member,
    Position,
    Tombstone,
    canonical,
    decode_entry,
    digest_of,
    entry_id,
    genesis_chain,
    genesis_head,
    genesis_position,
    heads_digest,
    make_batch,
)
from strongroom.history.fold import next_chain

KNOWN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "formats" / "vectors.json").read_text()
)

# Lone surrogates are no text: UTF-8 cannot carry them, and no request can bring them in.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
numbers = st.integers(0, 2**63 - 1)
entries = st.builds(
    Entry,
    collection=st.integers(1, 2**63 - 1),
    number=numbers,
    verb=st.sampled_from([PUT, DELETE, LEFT, ARRIVED, PROPS, GAP]),
    kind=texts,
    href=texts,
    id=numbers,
    etag=texts,
    data=texts,
    props=texts,
    was_number=numbers,
    was_etag=texts,
    at=numbers,
    by=numbers,
    request=texts,
    condition=texts,
    client=texts,
)


def put(number: int = 1, **rest: Any) -> Entry:
    return Entry(7, number, PUT, OBJECT, "a.vcf", 4096, "e", '{"size":1}', at=9)._replace(**rest)


# --- entries ------------------------------------------------------------------------------------


@given(entries)
def test_the_bytes_of_an_entry_are_canonical_json_of_its_non_empty_fields(entry: Entry) -> None:
    """I10: `encode` is written by hand to be fast; the generic rule is what the page says."""
    fields = {
        name: value for name, value in entry._asdict().items() if value or name == "at"
    }  # the time is always written
    assert entry.encode() == canonical(fields).encode()


@given(entries)
def test_what_was_encoded_is_read_back(entry: Entry) -> None:
    assert decode_entry(entry.encode()) == entry


@given(entries, entries)
def test_two_entries_never_share_their_bytes(one: Entry, other: Entry) -> None:
    """I2: the chain proves which entry it was."""
    assert (one == other) == (one.encode() == other.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff",
        b'{"verb":"put"}',
        b'{"collection":7,"verb":"put","colour":1}',
        b"[1]",
        b"7",
    ],
)
def test_what_is_no_entry_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_entry(raw)


def test_canonical_json_has_sorted_keys_no_spaces_and_plain_characters() -> None:
    assert canonical({"b": [1, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,null]}'


def test_canonical_json_has_no_word_for_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))


def test_ids_are_unique_over_batches_and_places() -> None:
    last = (1 << ENTRY_SLOT_BITS) - 1
    assert entry_id(1, 0) == 4096
    assert entry_id(1, last) + 1 == entry_id(2, 0)


# --- members ------------------------------------------------------------------------------------


def test_everything_with_a_name_says_its_key() -> None:
    key = Key(7, OBJECT, "a.vcf")
    assert put().key == key
    assert Member(*key, 4096, 1, "e", "", "", 9, 0).key == key
    assert Tombstone(*key, 4096, 2).key == key


def test_a_member_tells_its_facts_and_properties() -> None:
    member = Member(7, OBJECT, "a", 1, 1, "e", '{"size":4}', '{"{DAV:}x":"<x/>"}', 9, 0)
    assert member.facts == {"size": 4}
    assert member.properties == {"{DAV:}x": "<x/>"}


def test_a_member_without_data_or_properties_has_none() -> None:
    bare = Member(7, OBJECT, "a", 1, 1, "e", "", "", 9, 0)
    assert bare.facts == bare.properties == {}


# --- chains and heads ---------------------------------------------------------------------------


def test_a_history_begins_with_the_documented_chains() -> None:
    assert genesis_chain(7).hex() == KNOWN["chain of an empty journal"]["7"]
    assert genesis_position(KNOWN["cell"]).chain.hex() == KNOWN["chain of no batch"]
    assert genesis_head(7) == Head(7, 0, genesis_chain(7), 0, 0, 0)


def test_each_journal_and_each_cell_begins_with_a_chain_of_its_own() -> None:
    """I5: what belongs to one collection proves nothing of another."""
    assert genesis_chain(7) != genesis_chain(8)
    assert genesis_position("one").chain != genesis_position("two").chain


def test_the_documented_entries_give_the_documented_chains() -> None:
    position, journals = genesis_position(KNOWN["cell"]), {}
    for known in KNOWN["batches"]:
        header = json.loads(known["header"])
        lines = [line.encode() for line in known["entries"]]
        found = [decode_entry(line) for line in lines]
        for entry, line in zip(found, lines, strict=True):
            before = journals.get(entry.collection, genesis_chain(entry.collection))
            journals[entry.collection] = next_chain(before, line)
        batch = Batch(
            header["cell"], header["term"], header["number"], header["at"],
            position.chain, header["heads"], tuple(found), tuple(lines),
        )  # fmt: skip
        assert batch.header().decode() == known["header"]
        assert batch.chain.hex() == known["chain"]
        position = batch.position
    heads = [Head(h[0], h[1], bytes.fromhex(h[2]), h[3], int(h[4], 16), 0) for h in KNOWN["heads"]]
    assert {h.collection: h.chain for h in heads} == journals
    assert heads_digest(heads) == KNOWN["digest of these heads"]


HEAD = Head(7, 3, b"c" * 32, 2, 12345, 9)


def test_the_digest_of_heads_does_not_ask_for_their_order() -> None:
    """I2: replicas fold in whatever order they like and still vote alike."""
    other = HEAD._replace(collection=8)
    assert heads_digest([HEAD, other]) == heads_digest([other, HEAD])


@pytest.mark.parametrize(
    "changed",
    [{"collection": 8}, {"number": 4}, {"chain": b"d" * 32}, {"members": 3}, {"sum": 12346}],
)
def test_the_digest_of_heads_changes_with_everything_that_was_folded(changed: Any) -> None:
    assert heads_digest([HEAD._replace(**changed)]) != heads_digest([HEAD])


def test_the_batch_that_wrote_a_head_is_no_part_of_the_digest() -> None:
    """The digest stands in the batch itself; its number is in the header already."""
    assert heads_digest([HEAD._replace(batch=10)]) == heads_digest([HEAD])


# --- batches ------------------------------------------------------------------------------------


AFTER = Position(2, 5, b"p" * 32)


def test_a_batch_follows_the_position_that_it_is_built_on() -> None:
    batch = make_batch("cell", AFTER, 3, 9, [HEAD], [put()])
    assert (batch.number, batch.term, batch.previous) == (6, 3, AFTER.chain)
    assert batch.position == Position(3, 6, batch.chain)
    assert batch.heads == heads_digest([HEAD])
    assert batch.lines == (put().encode(),)


def test_the_chain_of_a_batch_is_the_hash_of_what_was_before_and_its_text() -> None:
    batch = make_batch("cell", AFTER, 3, 9, [HEAD], [put(1), put(2)])
    text = b"\n".join([batch.header(), put(1).encode(), put(2).encode()])
    assert batch.chain == sha256(AFTER.chain + text).digest()


def test_lines_that_are_known_are_not_encoded_again() -> None:
    line = put().encode()
    batch = make_batch("cell", AFTER, 3, 9, [], [put()], [line])
    assert batch.lines[0] is line
    assert batch.chain == make_batch("cell", AFTER, 3, 9, [], [put()]).chain


@pytest.mark.parametrize(
    "other",
    [
        make_batch("other", AFTER, 3, 9, [HEAD], [put()]),
        make_batch("cell", AFTER._replace(number=6), 3, 9, [HEAD], [put()]),
        make_batch("cell", AFTER._replace(chain=b"q" * 32), 3, 9, [HEAD], [put()]),
        make_batch("cell", AFTER, 4, 9, [HEAD], [put()]),
        make_batch("cell", AFTER, 3, 10, [HEAD], [put()]),
        make_batch("cell", AFTER, 3, 9, [], [put()]),
        make_batch("cell", AFTER, 3, 9, [HEAD], []),
        make_batch("cell", AFTER, 3, 9, [HEAD], [put(href="b.vcf")]),
    ],
)
def test_a_batch_of_other_content_has_another_chain(other: Batch) -> None:
    """I2: (term, number) names one content, and the chain proves it."""
    assert other.chain != make_batch("cell", AFTER, 3, 9, [HEAD], [put()]).chain


def test_a_batch_names_the_bodies_that_must_be_durable_before_it_counts() -> None:
    """I1: those of objects that are put or arrive; nothing else has a body."""
    rows = [
        put(1, etag="new"),
        put(2, verb=ARRIVED, etag="moved"),
        put(3, verb=DELETE, etag=""),
        put(4, verb=LEFT, etag=""),
        put(5, verb=PROPS, etag="only its properties changed"),
        put(6, kind=ACCOUNT, etag="of its data"),
    ]
    assert list(make_batch("cell", AFTER, 3, 9, [], rows).digests()) == ["new", "moved"]


def test_entries_and_lines_that_disagree_are_our_mistake() -> None:
    with pytest.raises(AssertionError):
        Batch("cell", 1, 1, 0, b"", "", (put(),), ())


def test_a_batch_has_no_more_entries_than_there_are_ids() -> None:
    many = [put()] * (1 << ENTRY_SLOT_BITS)
    with pytest.raises(AssertionError):
        make_batch("cell", AFTER, 3, 9, [], many, [b""] * len(many))


def test_a_body_is_named_by_its_sha256() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_of(b"") == empty
