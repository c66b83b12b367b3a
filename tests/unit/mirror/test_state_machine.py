"""The writer's state machine in every order of events: what must never happen (I1, I2).

Replicas are small disks that hold contents by number; they answer what they were sent, in order,
with anything that a replica may say. A content that is on a disk, though its replica said nothing
or broke, is what the machine cannot see and must not forget. The simulator plays the same with the
real engine; this is the machine alone, so that many more lives fit.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from strongroom.mirror.state import (
    ABSENT,
    DOUBTFUL,
    JOINING,
    VOTER,
    Acknowledge,
    Admitted,
    Broke,
    CatchUp,
    Commit,
    Event,
    Fail,
    Halt,
    Levelled,
    Missed,
    Peer,
    Proposed,
    Rebuild,
    Record,
    Refused,
    Rolled,
    Send,
    State,
    Ticked,
    Voted,
    step,
)

FIRST = 5  # the batch that all hold at the beginning
which = st.integers(0, 99)
ANSWERS = ["vote"] * 9 + ["refuse"] * 2 + ["roll"] * 2 + ["clear", "miss", "break"]
answers = st.tuples(which, st.sampled_from(ANSWERS), st.booleans(), st.integers(0, 3))


class Replica:
    """One disk: contents by batch number, and what it was sent and has not answered."""

    def __init__(self) -> None:
        self.disk = dict.fromkeys(range(1, FIRST + 1), 0)
        self.sent: list[tuple[int, int]] = []

    @property
    def held(self) -> int:
        return max(self.disk)


class Lives(RuleBasedStateMachine):
    """Any cell, any events that its replicas can cause."""

    state: State

    @initialize(
        shape=st.sampled_from([(1, 1), (2, 2), (3, 2), (3, 3), (4, 3), (5, 3)]),
        first=st.sampled_from([VOTER, VOTER, ABSENT, JOINING, DOUBTFUL]),
    )
    def open(self, shape: tuple[int, int], first: str) -> None:
        count, quorum = shape
        names = "abcde"[:count]
        self.replicas = {name: Replica() for name in names}
        peers = {name: Peer(VOTER, FIRST, FIRST) for name in names}
        if count > quorum:
            peers["a"] = Peer(first, FIRST, FIRST)
        self.state = State(quorum, FIRST, peers)
        self.history = dict(self.replicas[names[0]].disk)  # number -> content, as published
        self.content = 0  # of the batch in the air
        self.doubts: set[str] = set()  # voters that are doubted and not recorded by a commit
        self.recording: frozenset[str] = frozenset()
        self.joined = {"a": FIRST}  # copy -> no batch up to here can have recorded it

    # --- what can happen --------------------------------------------------------------------
    @precondition(lambda self: not self.state.flight and not self.state.halted)
    @rule(all_of_them=st.booleans(), several=st.lists(answers, max_size=6))
    def propose(self, all_of_them: bool, several: list[tuple[int, str, bool, int]]) -> None:
        self.content += 1
        # A doubt can come between the building of a batch and its proposal.
        doubts = sorted(self.state.unrecorded)
        self.recording = frozenset(doubts if all_of_them else doubts[:1])
        self.tell(Proposed(self.state.committed + 1, self.recording))
        self.answer_all(several)

    @precondition(lambda self: any(r.sent for r in self.replicas.values()))
    @rule(several=st.lists(answers, min_size=1, max_size=4))
    def answer(self, several: list[tuple[int, str, bool, int]]) -> None:
        self.answer_all(several)

    def answer_all(self, several: list[tuple[int, str, bool, int]]) -> None:
        for who, how, held, position in several:
            name = self.pick(who, [n for n, r in self.replicas.items() if r.sent])
            if name:
                self.one_answer(name, how, held, position)

    def one_answer(self, name: str, how: str, held: bool, position: int) -> None:
        replica = self.replicas[name]
        number, content = replica.sent.pop(0)
        if replica.held < number - 1:
            self.tell(Missed(name, number, "not at this position", rolled_back=True))
            return
        if number in replica.disk:
            how = "vote"  # it holds exactly this batch
        events: dict[str, Event] = {
            "vote": Voted(name, number),
            "refuse": Refused(name, number, "pre-image"),
            "roll": Rolled(name, number, position),
            "clear": Missed(name, number, "full", rolled_back=True),
            "miss": Missed(name, number, "slow", rolled_back=False),
            "break": Broke(name, "error from COMMIT"),
        }
        if how == "vote" or (how in {"miss", "break"} and held):
            replica.disk[number] = content
        self.tell(events[how])

    @rule(who=which, far=st.booleans())
    def bring_up(self, who: int, far: bool) -> None:
        """Catch up from committed batches, as the keeper does between two answers."""
        name = self.pick(who, sorted(self.replicas))  # also one that broke meanwhile
        if self.replicas[name].sent or self.state.halted:
            return
        replica, joining = self.replicas[name], self.state.peers[name].standing == JOINING
        beside = [n for n, c in replica.disk.items() if self.history.get(n) != c]
        if beside and beside != [self.in_the_air(replica)]:
            replica.disk = dict(self.history)  # a copy goes on as the same voter
        for number in range(replica.held + 1, self.state.committed + 1)[: None if far else 1]:
            replica.disk[number] = self.history[number]
        self.tell(Levelled(name, replica.held, joining))

    @rule(who=which)
    def copy(self, who: int) -> None:
        """Replace a doubtful one, as the keeper does: only once the doubt is recorded."""
        name = self.pick(who, sorted(self.state.named(DOUBTFUL) - self.state.unrecorded))
        if name and not self.replicas[name].sent:
            self.replicas[name].disk = dict(self.history)
            self.joined[name] = self.state.committed + (self.state.flight is not None)
            self.tell(Levelled(name, self.state.committed, joining=True))

    @rule(who=which)
    def admit(self, who: int) -> None:
        """Tell that a batch that records a copy is committed: one that was built after it."""
        name = self.pick(who, sorted(self.state.named(JOINING)))
        if name and self.state.committed > self.joined[name]:
            self.tell(Admitted(name))

    @rule(who=which, luck=st.integers(0, 9))
    def break_down(self, who: int, luck: int) -> None:
        if luck == 9:  # more would end nearly all lives before anything is committed
            self.tell(Broke(self.pick(who, sorted(self.replicas)), "EIO"))

    @rule(times=st.integers(1, 4))
    def wait(self, times: int) -> None:
        for _ in range(times):
            self.tell(Ticked())

    # --- what must not ----------------------------------------------------------------------
    def tell(self, event: Event) -> None:
        before = self.state
        self.state, actions = step(before, event)
        if before.halted:
            assert actions == []
            assert self.state == before
            return
        self.doubts |= {
            n for n in self.state.named(DOUBTFUL) if before.peers[n].standing in {VOTER, ABSENT}
        }
        self.check_standings(event, before)
        for action in actions:
            getattr(self, f"check_{type(action).__name__.lower()}")(action, before)

    def check_standings(self, event: Event, before: State) -> None:
        """A doubtful one comes back as a copy only; who contradicts what is committed is one."""
        for name in before.named(DOUBTFUL):
            assert self.state.peers[name].standing in {DOUBTFUL, JOINING}
        late = isinstance(event, Refused | Rolled) and event.number <= before.committed
        assert not late or self.state.peers[event.replica].standing == DOUBTFUL

    def check_send(self, action: Send, _: State) -> None:
        assert self.state.peers[action.replica].standing in {VOTER, JOINING}
        self.replicas[action.replica].sent.append((self.number, self.content))

    def check_commit(self, action: Commit, before: State) -> None:
        """I1: W voters that are believed hold it, whatever they said."""
        assert before.flight
        assert action.number == before.flight.number == self.state.committed
        holding = [
            name
            for name in self.state.named(VOTER)
            if self.replicas[name].disk.get(action.number) == self.content
        ]
        assert len(holding) >= self.state.quorum
        self.history[action.number] = self.content
        self.doubts -= self.recording

    def check_acknowledge(self, action: Acknowledge, _: State) -> None:
        """I2: no doubt is unrecorded when anything is answered."""
        assert not self.state.unrecorded
        assert not self.doubts
        assert action.number == self.state.committed

    def check_rebuild(self, _: Rebuild | Fail, before: State) -> None:
        """I2: (term, number) names one content: nobody holds the old one or may come to."""
        assert before.flight
        number = before.flight.number
        assert not before.flight.votes
        for replica in self.replicas.values():
            assert number not in replica.disk
            assert number not in dict(replica.sent)

    def check_fail(self, action: Fail, before: State) -> None:
        self.check_rebuild(action, before)
        assert not self.state.unrecorded - before.unrecorded

    def check_halt(self, action: Halt, before: State) -> None:
        """I1: what is told to be doubtful never was a quorum, so it can take nothing along."""
        assert action.reason == self.state.halted
        assert len(action.doubtful) < self.state.quorum
        if before.flight:
            assert self.state.committed == before.flight.number - 1

    def check_record(self, action: Record, _: State) -> None:
        assert action.replicas == self.state.unrecorded != frozenset()

    def check_catchup(self, action: CatchUp, _: State) -> None:
        assert action.replica in self.replicas

    @invariant()
    def doubts_are_known(self) -> None:
        if not self.state.halted:
            assert self.doubts <= self.state.unrecorded

    @invariant()
    def one_number_names_one_content_on_every_disk(self) -> None:
        """I2: also on those that broke, said nothing, or are away."""
        for replica in self.replicas.values():
            for number in range(FIRST, min(replica.held, self.state.committed) + 1):
                assert replica.disk.get(number, self.history[number]) == self.history[number]

    @invariant()
    def who_is_believed_holds_what_it_voted_for(self) -> None:
        for name in self.state.named(VOTER, JOINING):
            assert self.replicas[name].held >= self.state.peers[name].held

    # --- small things -----------------------------------------------------------------------
    @property
    def number(self) -> int:
        assert self.state.flight
        return self.state.flight.number

    def in_the_air(self, replica: Replica) -> int:
        """Name the batch in the air where `replica` holds it."""
        flight = self.state.flight
        held = flight is not None and replica.disk.get(flight.number) == self.content
        return flight.number if flight is not None and held else 0

    @staticmethod
    def pick(who: int, names: Any) -> str:
        return names[who % len(names)] if names else ""


Lives.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
# A failing life is made as short as can be before it is shown; that takes its time.
TestEveryOrderOfEvents = pytest.mark.timeout(400)(Lives.TestCase)
