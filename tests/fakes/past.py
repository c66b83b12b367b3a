"""A site whose past can be gone back to: plans, undoes, and what stands then."""

from __future__ import annotations

from typing import Any

from fakes.site import Site
from strongroom.formats.moments import write_moment
from strongroom.history.entries import COLLECTION, OBJECT, Member
from strongroom.service.collections import shown
from strongroom.service.undo import Outcome, Wish, apply_undo, plan_undo, resolved
from strongroom.service.undoing import Plan

State = dict[tuple[str, str], tuple[int, str, str, str]]


class Past(Site):
    """A site whose past can be gone back to."""

    @property
    def account(self) -> Member:
        account = self.cell.directory.account("alice")
        assert account is not None
        return account

    @property
    def began(self) -> str:
        """Give the moment at which the account was made."""
        return write_moment(self.entries(self.home)[0].at)

    @property
    def last(self) -> str:
        """Give the moment of the last change."""
        return write_moment(self.cell.now_ms - 1)

    @property
    def now(self) -> str:
        """Give the moment of the next change."""
        return write_moment(self.cell.now_ms)

    def state(self) -> State:
        """Give all that stands and can be reached: by collection and name."""
        books = shown(self.cell.directory.members(self.home, COLLECTION))
        return {
            (book.href if row.kind == OBJECT else "", row.href): (
                row.id, row.etag, row.data, row.props,
            )
            for book in books
            for row in self.cell.table.values()
            if isinstance(row, Member)
            and (row.collection == book.id or row is self.cell.table[book.key])
        }  # fmt: skip

    def plan(self, **wish: str) -> Plan:
        wished = resolved(Wish(**wish), self.cell.now_ms)
        return self.run(plan_undo(self.cell, self.account, wished))

    def apply(self, plan: Plan) -> Outcome:
        return self.run(apply_undo(self.cell, self.account, plan, "command undo"))

    def undo(self, **wish: str) -> Plan:
        """Undo; all that is planned must come to be."""
        plan = self.plan(**wish)
        outcome = self.apply(plan)
        assert outcome.left == ()
        return plan

    def names(self, book: str = "contacts") -> list[str]:
        return sorted(href for inside, href in self.state() if inside == book)

    def entries(self, book: int = 0) -> list[Any]:
        return [entry for entry, _ in self.cell.journal[book or self.book.id]]


def counts(plan: Plan) -> dict[str, int]:
    return {name: count for name, count in plan.counts().items() if count}
