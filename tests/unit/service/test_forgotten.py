"""An edit of a version that we forgot is taken after the thaw, and nothing else is (I5)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from fakes.cell import FakeCell
from fakes.site import card
from fakes.world import FakeEntropy
from strongroom.base.errors import NotFoundError, PreconditionError
from strongroom.formats.conditions import ANY, Precondition
from strongroom.history.edits import Origin
from strongroom.history.entries import OBJECT, Key, Member, digest_of
from strongroom.service.accounts import add_account
from strongroom.service.objects import delete_object, put_object
from strongroom.service.thaw import thaw

T = TypeVar("T")
ALWAYS = Precondition()
LOST = digest_of(card("ann", "A version that was lost"))
EDITED = card("ann", "An edit of the version that was lost")


def on(*etags: str) -> Precondition:
    return Precondition(match=frozenset(etags))


class Scene:
    """Alice's book with ann and bob, thawed after evidence about it (or about another one)."""

    def __init__(self, *, lost: int | None = None) -> None:
        self.cell = FakeCell()
        account = self.run(add_account(self.cell, "alice", FakeEntropy(), Origin()))
        book = self.cell.directory.collection(account.id, "contacts")
        assert book is not None
        self.book = book
        self.put("ann.vcf", card("ann", "First"))
        self.put("ann.vcf", card("ann", "Second"))
        collection = book.id if lost is None else lost
        if collection:
            evidence = f"token:{collection}:9:c0"
            self.run(self.cell.freeze(account.id, "account", "why", evidence))
            self.run(thaw(self.cell, "alice", Origin()))

    def run(self, job: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(job)

    def put(self, name: str, body: bytes, when: Precondition = ALWAYS) -> Member:
        return self.run(put_object(self.cell, self.book, name, body, when, Origin(7)))[0]

    def delete(self, name: str, when: Precondition) -> None:
        self.run(delete_object(self.cell, self.book, name, when, Origin(7)))

    def standing(self, name: str) -> str:
        row = self.run(self.cell.row(Key(self.book.id, OBJECT, name)))
        return row.etag if row else ""


def test_an_edit_of_a_lost_version_is_taken_and_what_stood_stays_in_the_history() -> None:
    scene = Scene()
    assert scene.put("ann.vcf", EDITED, on(LOST)).etag == digest_of(EDITED)
    last = scene.cell.journal[scene.book.id][-1][0]
    assert last.was_etag == digest_of(card("ann", "Second"))
    assert scene.cell.blobs[last.was_etag] == card("ann", "Second")


def test_a_deletion_of_a_lost_version_is_taken() -> None:
    scene = Scene()
    scene.delete("ann.vcf", on(LOST))
    assert scene.standing("ann.vcf") == ""


def test_an_edit_of_a_lost_card_brings_it_back_and_its_deletion_finds_nothing() -> None:
    scene = Scene()
    with pytest.raises(NotFoundError):
        scene.delete("late.vcf", on(LOST))
    body = card("late", "Edited")
    assert scene.put("late.vcf", body, on(LOST)).etag == digest_of(body)


def test_what_was_changed_since_the_thaw_is_refused_as_ever() -> None:
    scene = Scene()
    scene.put("ann.vcf", EDITED, on(LOST))
    with pytest.raises(PreconditionError):
        scene.put("ann.vcf", card("ann", "Another edit"), on(digest_of(b"also lost")))
    with pytest.raises(PreconditionError):
        scene.delete("ann.vcf", on(LOST))
    assert scene.standing("ann.vcf") == digest_of(EDITED)


@pytest.mark.parametrize(
    "when",
    [
        on(digest_of(card("ann", "First"))),  # a version that we know: somebody changed it since
        on(LOST, digest_of(card("ann", "First"))),
        on("not-one-of-our-etags"),
        on(LOST.upper()),
        on(),
        Precondition(none_match=ANY),
        Precondition(match=frozenset({LOST}), must_exist=False),
        Precondition(match=frozenset({LOST}), none_match=ANY),
        Precondition(match=frozenset({LOST}), lists=()),
    ],
)
def test_every_other_condition_that_does_not_hold_is_refused(when: Precondition) -> None:
    scene = Scene()
    with pytest.raises(PreconditionError):
        scene.put("ann.vcf", EDITED, when)
    assert scene.standing("ann.vcf") == digest_of(card("ann", "Second"))


@pytest.mark.parametrize("lost", [0, 4242])
def test_where_nothing_was_lost_nothing_is_taken_that_does_not_hold(lost: int) -> None:
    """Without a thaw, and with one that was about another book."""
    scene = Scene(lost=lost)
    with pytest.raises(PreconditionError):
        scene.put("ann.vcf", EDITED, on(LOST))
    with pytest.raises(PreconditionError):
        scene.put("late.vcf", card("late"), on(LOST))
