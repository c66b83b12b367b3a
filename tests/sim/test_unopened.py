"""Looking at a cell that is not open, in the midst of random lives: what it claims must hold.

Whatever is proven without opening is handed to the model as any answer of the cell is, so that a
later opening which contradicts it is a broken promise; and looking changes nothing.
"""

from __future__ import annotations

import pytest

from sim.loop import MachineDownError
from sim.walk import HREFS, Walk
from sim.world import BOOKS, Machine
from strongroom.base.errors import StrongroomError, UnsureError
from strongroom.history.entries import CELL, COLLECTION, GONE, OBJECT, Key, Member, digest_of
from strongroom.mirror.unopened import Unopened, look
from strongroom.ports.cell import Salvaged, Unreadable

STEPS = 20_000
LOOK_SECONDS = 3600.0


class LookingWalk(Walk):
    """A life in which somebody looks before each opening."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.looks = 0
        self.proofs = 0
        self.salvaged = 0
        self.due: list[tuple[Key, int]] = []  # what salvage did not give: removed, or it was wrong

    def open_up(self) -> None:
        if self.world.home:
            self.look_without_opening()
        super().open_up()

    def remember(self) -> None:
        """Look after each end too, with each disk away for that time, and with all there."""
        super().remember()
        for away in (*self.world.places, None):
            mounted = away.mounted if away else None
            if away:
                away.mounted = None
            self.look_without_opening()
            if away:
                away.mounted = mounted

    def live(self, steps: int) -> None:
        super().live(steps)
        entries = [e for es in self.world.model.journals.values() for e in es]
        for key, number in self.due:
            later = [e for e in entries if e.key == key and e.number > number]
            assert any(e.verb in GONE for e in later), f"{key} of {number} was not salvaged"

    def look_without_opening(self) -> None:
        world = self.world
        if not world.machine.up:
            world.machine = Machine(world)
        before = [(disk.calls, disk.main.cached) for disk in world.disks]
        intact = self.intact() >= world.quorum
        try:
            looking = look(world.sites(), world.witness.cached, world.quorum, world.clock)
            found = world.run(looking, LOOK_SECONDS)
        except MachineDownError:
            raise
        except StrongroomError as error:
            self.note(f"looked in vain: {error}")
            if intact:
                raise
            return
        self.looks += 1
        self.note(f"looked: {found.note}")
        world.run(self.claims(found), LOOK_SECONDS)
        world.run(self.salvage(found, whole=intact), LOOK_SECONDS)
        assert [(disk.calls, disk.main.cached) for disk in world.disks] == before

    def promised(self, collection: int) -> int:
        """The last number that somebody was told."""
        return max((n for c, n in self.world.model.promises if c == collection), default=0)

    async def claims(self, found: Unopened) -> None:
        world = self.world
        kinds = {CELL: "account", world.home: COLLECTION}
        for collection in (CELL, world.home, *world.books.values()):
            told = self.promised(collection)
            try:
                head, members = await found.listing(collection, kinds.get(collection, OBJECT))
            except UnsureError:
                continue
            assert found.proves(collection)
            self.proofs += 1
            if collection not in kinds:
                world.model.listed(head, members, told)
            world.model.saw_chain(collection, head.number, head.chain)
            assert head.number >= told, "a proof of a past that was left behind"
        for book in BOOKS:
            for href in HREFS:
                key = world.object_key(book, href)
                try:
                    row = await found.row(key)
                except UnsureError:
                    continue
                head = found.head(key.collection)
                world.model.read(key, row, self.promised(key.collection), head.number)

    async def salvage(self, found: Unopened, *, whole: bool) -> None:
        promises = self.world.model.promises
        for collection in self.world.books.values():
            numbers: dict[str, int] = {}
            async for one in found.salvage(collection):
                if isinstance(one, Unreadable):
                    continue
                assert one.body is None or digest_of(one.body) == one.member.etag
                assert one.member.collection == collection
                if not one.older:
                    numbers[one.member.href] = one.member.number
                    assert one.body is not None or not whole
                self.salvaged += isinstance(one, Salvaged)
            last = {p.row.href: p.row for (c, _), p in sorted(promises.items()) if c == collection}
            for href, row in last.items():
                if whole and isinstance(row, Member) and row.kind == OBJECT:
                    if href in numbers:
                        assert numbers[href] >= row.number, (href, numbers[href], row.number)
                    else:
                        self.due.append((row.key, row.number))


@pytest.mark.parametrize("seed", range(101, 107))
def test_what_is_proven_without_opening_is_never_contradicted(seed: int) -> None:
    walk = LookingWalk(seed)
    try:
        walk.live(STEPS)
    except Exception as error:
        told = "\n  ".join(walk.told[-25:])
        raise AssertionError(f"seed {seed}: {error}\n  {told}") from error
    assert walk.looks > 3
    assert walk.proofs > 6
    assert walk.salvaged > 20
