"""A random life of one cell, decided by a seed: clients, faults, crashes, openings, audits.

Faults stay within what `checkers.py` says: `hurt` holds the replicas whose content may be worth
nothing, and nothing else is hurt or taken away while one is. What only delays (slow, full,
read-only disks) comes at any time. At the end of each part of that life the operator has repaired
what he can, and then everything must be readable, level and equal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from random import Random

from sim import checkers, rot
from sim.bygones import Bygones
from sim.disk import BELOW_RESERVE, FULL, Content, Disk
from sim.loop import MachineDownError, StuckError
from sim.world import BOOKS, LEVEL_SECONDS, World
from strongroom.base.errors import StrongroomError
from strongroom.history.edits import Edit, Origin, Put, SkipNumbers, Together
from strongroom.history.entries import COLLECTION, Key, Member, canonical, digest_of, genesis_chain
from strongroom.stores.memory import MemoryState

HREFS = tuple(f"c{i}.vcf" for i in range(12))
POISON = "poison.vcf"
BODIES = tuple(f"BEGIN:VCARD\nFN:{i}\nEND:VCARD\n".encode() for i in range(40))
CLIENTS = 4
PAST_MAX = 8
DAY_MS = 86_400_000


@dataclass
class Hurt:
    """Why the content of a disk may be worth nothing."""

    why: str
    content: Content


class Walk:
    """One life; `live` runs it to a number of steps."""

    def __init__(self, seed: int, calendars: Sequence[str] = ()) -> None:
        self.world = World(seed, calendars=calendars)
        self.rng = self.world.rng
        self.turns = Random(f"{seed} turns")  # of its own, so that other lives stay as they were
        self.hurt: dict[int, Hurt] = {}  # by index of `world.disks`
        self.away: dict[int, int] = {}  # place -> index of the disk that lay there
        self.past: dict[int, list[MemoryState]] = {i: [] for i in range(len(self.world.disks))}
        self.bygones = Bygones(self.world, seed)
        self.epochs = 0
        self.told: list[str] = []  # what happened, for whoever has to understand a failure

    def note(self, text: str) -> None:
        """Keep what happened."""
        loop = self.world.loop
        self.told.append(f"step {loop.steps} at {loop.time() - 1000:.3f}: {text}")

    # --- the whole life ---------------------------------------------------------------------------
    def live(self, steps: int) -> None:
        """Go on until `steps`, then repair everything and look whether all is there."""
        world = self.world
        world.poison.add(POISON)
        world.initialise()
        world.close()
        while world.loop.steps < steps:
            self.epoch()
            checkers.require(world.model)
        self.repair_between()
        self.open_up()
        self.bring_bygones()
        self.quiet(whole=True)
        checkers.require(world.model)

    def epoch(self) -> None:
        """One process, from its start to its end."""
        world = self.world
        self.epochs += 1
        turned = self.turns.random() < 0.3 and self.take_turns()
        if self.rng.random() < 0.6 and not turned:
            self.trouble_between()
        if not self.bygones.rotten and self.bygones.rot():
            self.note(f"{len(self.bygones.rotten)} old bodies rot everywhere")
        ending = self.rng.choice(("power", "power", "cut", "kill", "close"))
        if ending == "cut":
            disk = self.rng.choice(world.disks)
            disk.plant("cut", self.rng.randrange(60))
        elif ending in {"power", "kill"}:
            world.loop.stop_at = world.loop.steps + self.rng.randrange(200, 3000)
            world.loop.on_stop = world.machine_goes_down
        try:
            self.open_up()
            if self.turns.random() < 0.5:
                self.bring_bygones()
            self.work(self.rng.uniform(1, 20))
            if self.rng.random() < 0.7 and not turned:
                self.quiet(whole=self.rng.random() < 0.2)
            world.loop.stop_at = -1
            self.note("close")
            world.close()
        except MachineDownError:
            self.note(f"down: {ending}")
            if ending == "kill" or self.turns.random() < 0.2:
                world.kill()
            else:
                world.power_cut()
        world.loop.stop_at = -1
        self.remember()

    def remember(self) -> None:
        """Keep snapshots that a rot may go back to."""
        for index, disk in enumerate(self.world.disks):
            disk.fail_at.clear()
            past = self.past[index]
            if disk.main.durable.identity and self.rng.random() < 0.5:
                past.append(disk.main.durable)
                if len(past) > PAST_MAX:
                    past.pop(self.rng.randrange(len(past)))

    # --- opening ----------------------------------------------------------------------------------
    def open_up(self) -> None:
        """Open the cell; if it must not open, bring back what is away and open again."""
        world = self.world
        while True:
            try:
                self.note("open")
                world.boot()
                return
            except StrongroomError as error:
                self.note(f"did not open: {type(error).__name__}: {error}")
                if self.intact() >= world.quorum:
                    world.model.wrong("I9", f"{self.intact()} good disks, yet: {error}")
                    checkers.require(world.model)
                world.kill()
                self.repair_between()

    def intact(self) -> int:
        """Count the disks that are there and were never hurt."""
        mounted = {id(place.mounted) for place in self.world.places if place.mounted}
        return sum(
            id(disk) in mounted and index not in self.hurt and disk.takes_writes
            for index, disk in enumerate(self.world.disks)
        )

    # --- while nothing runs -----------------------------------------------------------------------
    def trouble_between(self) -> None:
        """Do something to the machine while it is off."""
        world = self.world
        what = self.rng.choice(("rot", "rot", "lose", "vanish", "order", "witness", "clock"))
        index = self.rng.randrange(len(world.disks))
        if what == "rot" and self.may_hurt(index):
            self.spoil(index)
        elif what == "lose" and self.may_hurt(index) and not self.away:
            self.replace_by_blank(index)
        elif what == "vanish":
            if not self.hurt:
                self.note(f"disk {index} vanishes")
                self.unmount(index)
        elif what == "order":
            self.shuffle_places()
        elif what == "witness":
            self.spoil_witness()
        elif what == "clock":
            world.clock.jump_ms += self.rng.choice((-40, -1, 1, 400)) * DAY_MS

    def take_turns(self) -> bool:
        """Take the newest disk away; when it comes back, it may lie beside, and another goes."""
        disks = range(len(self.world.disks))
        if self.hurt or len(self.away) > 1:
            return False
        was_away = set(self.away.values())
        self.remount()
        if was_away:
            index = self.turns.choice(sorted(set(disks) - was_away))
        else:
            index = max(disks, key=lambda i: self.world.disks[i].main.cached.position[:2])
        self.unmount(index)
        self.note(f"disk {index} goes, {sorted(was_away)} comes back")
        return True

    def may_hurt(self, index: int) -> bool:
        """Say whether hurting this disk stays within N-W."""
        others = {i for i in self.hurt if i != index}
        gone = set(self.away.values()) - {index}
        return not others and not gone

    def spoil(self, index: int, name: str = "") -> None:
        """Let one disk rot, silently."""
        disk = self.world.disks[index]
        name = name or self.rng.choice(sorted(rot.ALL))
        state = rot.ALL[name](disk.main.cached, self.past[index], self.rng)
        if state is None:
            return
        self.note(f"disk {index}: {name}")
        disk.main.cached = disk.main.durable = state
        before = self.hurt.get(index)
        silent = before is not None and before.why in checkers.SILENT
        self.hurt[index] = Hurt(before.why if silent and before else name, disk.main)
        self.world.model.silent |= name in checkers.SILENT

    def replace_by_blank(self, index: int) -> None:
        """Put a new, empty disk in the place of one."""
        world = self.world
        old = world.disks[index]
        new = Disk(self.rng.randrange(1000))
        for place in world.places:
            if place.mounted is old:
                place.mounted = new
        world.disks[index] = new
        self.past[index] = []
        self.hurt[index] = Hurt("lost", new.main)
        world.model.silent = False
        self.note(f"disk {index} is replaced by a blank one")

    def unmount(self, index: int) -> None:
        """Take a disk away; it keeps what it has."""
        for number, place in enumerate(self.world.places):
            if place.mounted is self.world.disks[index]:
                place.mounted = None
                self.away[number] = index

    def remount(self) -> None:
        """Bring all disks back to where they lay."""
        for number, index in self.away.items():
            self.world.places[number].mounted = self.world.disks[index]
        self.away.clear()

    def shuffle_places(self) -> None:
        """Reboot with the disks in other places and under other device numbers."""
        if self.away:
            return
        mounted = [place.mounted for place in self.world.places]
        self.rng.shuffle(mounted)
        for place, disk in zip(self.world.places, mounted, strict=True):
            place.mounted = disk
            if disk is not None:
                disk.device = self.rng.randrange(1000)
        self.note("the disks lie in other places")

    def spoil_witness(self) -> None:
        """Lose the witness."""
        if not self.hurt and not self.away:
            self.world.witness.cached = self.world.witness.durable = None
            self.note("the witness is lost")

    def repair_between(self) -> None:
        """Let the operator bring back what is away and replace what is dead."""
        self.remount()
        for disk in self.world.disks:
            disk.lift()
        self.world.witness.broken = False

    def bring_bygones(self) -> None:
        """Have a phone put what rotted everywhere."""
        self.bygones.bring(self.take_writes)

    def take_writes(self) -> None:
        """Have the cell open, on disks that take writes."""
        self.repair_between()
        if self.ended():
            self.note("the cell ended before what rotted was brought")
            self.world.close()
            self.open_up()
        cell = self.world.cell
        self.world.wait_until(lambda: self.ended() or (cell is not None and cell.writable()))

    def ended(self) -> bool:
        """Say whether the cell must be opened anew."""
        assert self.world.cell is not None
        return self.world.cell._core.ended.is_set()

    # --- while it runs ----------------------------------------------------------------------------
    def work(self, seconds: float) -> None:
        """Let people do what they do, for so long."""
        self.world.run(self.busy(seconds), 600)

    async def busy(self, seconds: float) -> None:
        """Let clients work and faults happen, until time is up or the cell ends."""
        cell = self.world.cell
        assert cell is not None
        work = [asyncio.ensure_future(one) for one in (*self.at_work(), self.faults())]
        ended = asyncio.ensure_future(cell.ended())
        await asyncio.wait([ended, *work], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in [ended, *work]:
            task.cancel()
        results = await asyncio.gather(*work, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        if ended.done() and not ended.cancelled():
            self.note(f"ended: {ended.result()}")

    async def busy_without_faults(self) -> None:
        """Let clients work until the machine goes down."""
        await asyncio.gather(*self.at_work())

    def at_work(self) -> list[Coroutine[None, None, None]]:
        """Give the life of each client."""
        return [self.client(i) for i in range(CLIENTS)]

    async def client(self, number: int) -> None:
        """One phone: now and then it writes or reads something."""
        doings: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (10, self.write), (2, self.delete), (1, self.set_props), (1, self.move_about),
            (1, self.make_collection), (1, self.write_poison), (5, self.look), (2, self.list),
            (2, self.sync),
        ]  # fmt: skip
        acts = [act for weight, act in doings for _ in range(weight)]
        while True:
            await asyncio.sleep(self.rng.expovariate(20))
            await self.rng.choice(acts)()

    async def write(self) -> None:
        href, book = self.rng.choice(HREFS), self.rng.choice(BOOKS)
        when = {}
        if self.rng.random() < 0.3:
            seen = self.world.model.sights[-1].member if self.world.model.sights else None
            when = {"match": frozenset({seen.etag})} if seen else {"must_exist": False}
        edit, bodies = self.world.put_edit(href, self.rng.choice(BODIES), book, **when)
        await self.world.submit(edit, bodies)

    async def delete(self) -> None:
        href = self.rng.choice(HREFS)
        await self.world.submit(self.world.remove_edit(href, self.rng.choice(BOOKS)))

    async def set_props(self) -> None:
        value = str(self.rng.randrange(100))
        await self.world.submit(self.world.props_edit(self.rng.choice(HREFS), value))

    async def move_about(self) -> None:
        """Several edits that happen together, or a leap of numbers."""
        world = self.world
        if self.rng.random() < 0.1:
            book = world.books[self.rng.choice(BOOKS)]
            assert world.cell is not None
            to = world.cell.head(book).number + self.rng.randrange(1, 5)
            edit: Edit = SkipNumbers(book, to, Origin(7, world.request()))
            await world.submit(edit)
            return
        one, bodies = world.put_edit(self.rng.choice(HREFS), self.rng.choice(BODIES))
        two = world.remove_edit(self.rng.choice(HREFS), "work")
        await world.submit(Together((one, two)), bodies)

    async def make_collection(self) -> None:
        world = self.world
        data = canonical({"type": "addressbook"})
        key = Key(world.home, COLLECTION, f"book{self.rng.randrange(5)}")
        await world.submit(Put(key, digest_of(data.encode()), data, Origin(7, world.request())))

    async def write_poison(self) -> None:
        await self.world.submit(*self.world.put_edit(POISON, self.rng.choice(BODIES)))

    async def look(self) -> None:
        world = self.world
        found = await world.row(world.object_key(self.rng.choice(BOOKS), self.rng.choice(HREFS)))
        if isinstance(found, Member):
            await world.body(found)

    async def list(self) -> None:
        await self.world.listing(self.world.books[self.rng.choice(BOOKS)])

    async def sync(self) -> None:
        world = self.world
        book = world.books[self.rng.choice(BOOKS)]
        known = [n for c, n in world.model.chains if c == book]
        after = self.rng.choice(known) if known and self.rng.random() < 0.8 else 0
        chain = world.model.chains[book, after] if after else genesis_chain(book)
        await world.changes(book, after, chain[:8], self.rng.choice((3, 1000)))

    async def faults(self) -> None:
        """Now and then something happens to a disk."""
        while True:
            await asyncio.sleep(self.rng.expovariate(0.5))
            index = self.rng.randrange(len(self.world.disks))
            if self.rng.random() < 0.6:
                self.delaying_fault(index)
            elif self.may_hurt(index):
                self.hurting_fault(index)

    def delaying_fault(self, index: int) -> None:
        """Let a disk be slow, full or read-only, or be itself again."""
        disk = self.world.disks[index]
        what = self.rng.choice(("slow", "full", "reserve", "read-only", "once", "lift", "lift"))
        self.note(f"disk {index}: {what}")
        if what == "slow":
            disk.slow = self.rng.choice((20.0, 300.0, 3000.0))
        elif what == "full":
            disk.room = FULL
        elif what == "reserve":
            disk.room = BELOW_RESERVE
        elif what == "read-only":
            disk.read_only = True
        elif what == "once":
            disk.plant("full", self.rng.randrange(20))
        else:
            disk.lift()

    def hurting_fault(self, index: int) -> None:
        """Let a disk fail for good, rot, or be pulled out while it runs."""
        disk = self.world.disks[index]
        what = self.rng.choice(("eio", "fsync", "dead", "pages", "rot", "unmount"))
        self.note(f"disk {index}: {what}")
        if what == "rot":
            self.spoil(index)
            return
        if what == "unmount":
            self.unmount(index)
            return
        if what in {"eio", "fsync"}:
            disk.plant(what, self.rng.randrange(20))
        disk.dead, disk.bad_pages = what == "dead", what == "pages"
        self.hurt.setdefault(index, Hurt(what, disk.main))

    # --- rest -------------------------------------------------------------------------------------
    def quiet(self, *, whole: bool) -> None:
        """Repair what can be repaired; then all must be readable, level and equal."""
        world = self.world
        for _ in range(8):
            self.repair_between()
            if self.settled(whole=whole):
                return
            self.note("the cell ended while it was repaired")
            world.close()
            self.open_up()
        raise StuckError("the cell does not come to rest")

    def settled(self, *, whole: bool) -> bool:
        """Bring everything to rest; False = the cell must be opened anew."""
        world = self.world
        if not world.run(self.audited(whole=whole), LEVEL_SECONDS):
            assert self.ended(), "the audit gave up"
            return False
        checkers.require(world.model)
        self.scrub()
        world.wait_until(lambda: self.ended() or self.repaired())
        if self.ended():
            return False
        checkers.check_tables(world)
        self.hurt.clear()
        world.model.silent = False
        self.at_rest()
        checkers.require(world.model)
        self.note("at rest")
        return True

    def at_rest(self) -> None:
        """Look at what only shows when nothing happens."""

    async def audited(self, *, whole: bool) -> bool:
        """Audit until the cell is sure; False = it ended."""
        while not self.ended():
            if await checkers.audit(self.world, whole=whole):
                return True
            await asyncio.sleep(0.5)
        return False

    def scrub(self) -> None:
        """Find what rotted, as `strongroom scrub` does, and fill what is blank."""
        world, cell = self.world, self.world.cell
        assert cell is not None
        for index, hurt in self.hurt.items():
            identity = world.disks[index].main.cached.identity
            if hurt.why == "lost" and identity is None:
                self.rebuild(index)
            elif identity and world.disks[index].main is hurt.content:
                self.note(f"scrub finds {identity.replica}")
                cell.disbelieve(identity.replica, "scrub")  # for the second time: no matter

    def rebuild(self, index: int) -> None:
        """Ask for a copy in the place of a lost disk, as the operator does."""
        world, cell = self.world, self.world.cell
        assert cell is not None
        place = next(p for p in world.places if p.mounted is world.disks[index])
        name = next(n for n, site in cell.sites().items() if site.place == place.name)

        async def work() -> bool:
            try:
                await cell.rebuild(name)
            except StrongroomError as error:
                self.note(f"rebuild of {name}: {error}")
                return False
            return True

        for _ in range(20):
            if self.ended() or world.run(work(), LEVEL_SECONDS):
                return
            world.wait(1.0)

    def repaired(self) -> bool:
        """Say whether every replica is a level voter with a content that nothing hurt."""
        hurt = [h.content for h in self.hurt.values() if h.why != "lost"]
        mains = [disk.main for disk in self.world.disks]
        return self.world.all_level() and not any(c in mains for c in hurt)
