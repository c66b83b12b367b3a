"""A random life of phones that know nothing of it: the application itself on the simulated machine.

A phone asks from outside the loop, so between any two steps of a request a disk may fail or the
machine go down; it then hears nothing, and tries again later as phones do. What it must keep is
what its owner sees: each event of theirs as they saved it last, until they delete it.
"""

from __future__ import annotations

import asyncio
from random import Random

from fakes.asgi import Client
from fakes.asgi import CutError as BrokenError
from fakes.positions import FakePositions
from phone.family import Outcome, Phone
from phone.wire import Answer, CutError
from sim.loop import MachineDownError
from sim.walk import Walk
from strongroom.dav.auth import Gate
from strongroom.dav.silence import CUT
from strongroom.history.edits import OURSELVES
from strongroom.server import App, Server
from strongroom.service.accounts import add_device

ANSWER_SECONDS = 300.0
HELD_MAX = 8  # objects of one phone's owner
ACTS = ("save", "save", "save", "delete", "sync", "sync", "sync", "resync", "refresh")

OF_A_NAME = ("lost_row", "forged_tombstone", "stale_row", "stale_tombstone", "bad_body")


class Line:
    """What `phone.wire.Wire` is over HTTP, to whatever process runs there now."""

    def __init__(self, walk: PhoneWalk, password: str, agent: str) -> None:
        self._walk = walk
        self._client = Client(self._at_hand, "alice", password)
        self._client.headers["user-agent"] = agent
        self._client.scope[CUT] = lambda: None

    async def _at_hand(self, *asgi: object) -> None:
        await self._walk.app(*asgi)  # type: ignore[arg-type]

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send one request; raises CutError where no whole answer came."""
        world = self._walk.world
        try:
            answer = world.run(self._client(method, path, body, **headers), ANSWER_SECONDS)
        except (BrokenError, MachineDownError) as error:
            raise CutError(f"{method} {path}", sent=True) from error
        if not answer.status:
            raise CutError(f"{method} {path}", sent=True)
        return Answer(answer.status, answer.headers, answer.body)


class Owner:
    """A phone, and what its owner must see there."""

    def __init__(self, name: str, phone: Phone, chance: Random) -> None:
        self.name, self.phone = name, phone
        self.mine: dict[str, bytes] = {}
        self.deleted: set[str] = set()
        self._chance = chance
        self._made = 0

    def save(self) -> None:
        """Add something, or change what was sent: who edits twice offline may be refused."""
        if not self.phone.books:
            return
        sent = sorted(self.mine.keys() - self.phone.unsent)
        if len(self.mine) < HELD_MAX:
            sent.append(f"{self.name}{self._made}")
            self._made += 1
        if sent:
            uid = self._chance.choice(sent)
            body = self.phone.SPEECH.write(uid, f"Version {self._chance.randrange(1000)}")
            self.mine[uid] = body
            self.phone.save(body)

    def delete(self) -> None:
        """Delete something that was sent; a phone may give that up, and then it shows again."""
        sent = sorted(self.mine.keys() - self.phone.unsent)
        if sent:
            uid = self._chance.choice(sent)
            del self.mine[uid]
            self.deleted.add(uid)
            self.phone.delete(uid)

    def missing(self) -> list[str]:
        """Name what is not there any more as it was saved."""
        seen = self.phone.contacts
        return sorted(uid for uid, body in self.mine.items() if seen.get(uid) != body)


class PhoneWalk(Walk):
    """A life in which two phones of a family share a collection; nobody else writes."""

    def __init__(self, seed: int, family: type[Phone]) -> None:
        super().__init__(seed)
        self.dates = Random(f"{seed} phones")
        self.app = self._process()
        self.owners: list[Owner] = []
        self._family = family
        self.synced = 0

    def _process(self) -> App:
        world = self.world
        return Server(
            lambda: world.cell, world.entropy, Gate(delay_seconds=0), positions=FakePositions()
        )

    def open_up(self) -> None:
        """Open; the application is that of a new process, or of the one whose opening ended."""
        super().open_up()
        if self.dates.random() < 0.5:
            self.app = self._process()
        assert self.world.cell is not None
        while len(self.owners) < 2:
            name = f"{'ab'[len(self.owners)]}{self.epochs}-"  # of a try that nobody heard of, too
            password = self.world.run(
                add_device(self.world.cell, "alice", name, self.world.entropy, OURSELVES)
            )
            phone = self._family(Line(self, password, self._family.AGENT))
            self.owners.append(Owner(name, phone, self.dates))

    def work(self, seconds: float) -> None:
        """Let phones sync now and then, while faults happen."""
        world = self.world
        assert world.cell is not None
        faults = world.loop.create_task(self.faults())
        if self.dates.random() < 0.6:
            faults.cancel()  # a phone on a full disk tells little else
        until = world.loop.time() + seconds
        while world.loop.time() < until and not world.cell._core.ended.is_set():
            index = self.dates.randrange(len(world.disks))
            if self.dates.random() < 0.1 and self.may_hurt(index):
                self.spoil(index, self.dates.choice(OF_A_NAME))
            self.act(self.dates.choice(self.owners), self.dates.choice(ACTS))
            world.wait(self.dates.expovariate(2))
        faults.cancel()

    def act(self, owner: Owner, what: str) -> None:
        """Do one thing, and look what the owner sees; raises MachineDownError."""
        if what in {"save", "delete"}:
            getattr(owner, what)()
        else:
            seen = set(owner.phone.contacts)
            outcome: Outcome = getattr(owner.phone, what)()
            self.synced += outcome is Outcome.DONE
            self.check(owner, what)
            gone = seen.difference(owner.phone.contacts, *(one.deleted for one in self.owners))
            if gone:
                self.world.model.wrong("I4", f"after a {what} {gone} vanished, deleted by nobody")
        if not self.world.machine.up:
            raise MachineDownError

    def check(self, owner: Owner, what: str) -> None:
        """I4: a phone loses nothing, gives no edit up, and is never told to sign in anew."""
        phone = owner.phone
        if owner.missing() or set(phone.dropped_edits) & owner.mine.keys():
            why = f"{owner.missing()} {phone.dropped_edits} ({phone.reason})"
            self.world.model.wrong("I4", f"after a {what} the owner of {owner.name} misses {why}")

    async def audited(self, *, whole: bool) -> bool:
        """Nothing is written past the application, so the model knows of nothing."""
        await asyncio.sleep(1)
        assert self.world.cell is not None
        return not self.world.cell._core.ended.is_set()

    def at_rest(self) -> None:
        """Both phones are level, and show the same."""
        for _ in range(2):
            for owner in self.owners:
                outcomes = [owner.phone.refresh(), owner.phone.resync()]
                if not self.world.machine.up:
                    raise MachineDownError
                if outcomes != [Outcome.DONE] * 2 or owner.phone.unsent:
                    self.world.model.wrong("I9", f"{owner.name} is not level: {owner.phone.reason}")
                self.check(owner, "rest")
        one, other = (owner.phone.contacts for owner in self.owners)
        if one != other:
            self.world.model.wrong("I4", f"phones differ in {sorted(one.keys() ^ other.keys())}")
