"""The writer's state machine: (state, event) -> (state, actions). Pure.

One batch is in flight at a time. What each replica says about it is an event; what has to be done
is an action, carried out by `cell.py` in any order. The rules are DESIGN "Writing" and "Standing":

* Only voters count, and a batch is committed by W of them, never by those present.
* Nothing is acknowledged while a doubtful replica is not recorded on a quorum.
* (term, number) names one content for ever: a batch is rebuilt only after every replica that it
  was handed to said that it rolled back before COMMIT.
* If so many refuse that W is out of reach, the batch is dead and whoever may hold it is doubtful;
  if all refuse, the writer was wrong and nobody is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from strongroom.base.limits import SEND_AHEAD_MAX, STUCK_TICKS_MAX

VOTER: Final = "voter"
JOINING: Final = "joining"  # is sent batches, is not counted
DOUBTFUL: Final = "doubtful"
ABSENT: Final = "absent"  # a voter that is not there, or not on this history; is sent nothing


class Peer(NamedTuple):
    """What the writer knows of one replica."""

    standing: str
    held: int = 0  # the last batch it voted for
    sent: int = 0  # the last batch handed to it
    reason: str = ""

    @property
    def level(self) -> bool:
        """Say whether it has answered for all that it was handed."""
        return self.sent == self.held


class Flight(NamedTuple):
    """The batch in flight and what was said about it."""

    number: int
    recording: frozenset[str]  # the doubtful that this batch records
    handed: frozenset[str] = frozenset()
    votes: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    rolled: Mapping[str, int] = MappingProxyType({})  # replica -> position of the entry
    clear: frozenset[str] = frozenset()  # unavailable, and surely do not hold it
    ticks: int = 0

    @property
    def surely_not_held(self) -> frozenset[str]:
        """Name those that said that they rolled back before COMMIT."""
        return self.refused | self.clear | frozenset(self.rolled)


class State(NamedTuple):
    """All that the writer decides by."""

    quorum: int
    committed: int
    peers: Mapping[str, Peer]
    flight: Flight | None = None
    unrecorded: frozenset[str] = frozenset()
    halted: str = ""  # why the cell must be reopened

    def named(self, *standings: str) -> frozenset[str]:
        """Name the replicas of these standings."""
        return frozenset(name for name, p in self.peers.items() if p.standing in standings)

    def left_behind(self) -> frozenset[str]:
        """Name those that lack batches and are sent none: they were busy when it was noticed."""
        return frozenset(
            name
            for name in self.named(VOTER, JOINING)
            if self.peers[name].level and self.peers[name].held < self.committed
        )

    def writable(self) -> bool:
        """Say whether enough voters keep up for a batch to find its quorum."""
        near = [p for p in self.peers.values() if p.standing == VOTER and self._keeps_up(p)]
        return not self.halted and len(near) >= self.quorum

    def _keeps_up(self, peer: Peer) -> bool:
        if peer.reason:
            return False  # its last answer was none; nothing says that the next one will be
        return peer.sent >= self.committed and self.committed - peer.held <= SEND_AHEAD_MAX


# --- events -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposed:
    """The writer built the batch that follows; it records these as doubtful."""

    number: int
    recording: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Voted:
    """A replica durably holds the batch."""

    replica: str
    number: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A replica rolled back: the batch does not fit what it holds."""

    replica: str
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rolled:
    """A replica rolled back before COMMIT: the entry at `position` could not be written."""

    replica: str
    number: int
    position: int


@dataclass(frozen=True, slots=True)
class Missed:
    """A replica gave no vote: full, read-only, vanished, slow or not at this position."""

    replica: str
    number: int
    reason: str
    rolled_back: bool


@dataclass(frozen=True, slots=True)
class Broke:
    """A replica's word is worth nothing any more."""

    replica: str
    reason: str


@dataclass(frozen=True, slots=True)
class Levelled:
    """A replica was brought up to batch `number`, by catching up or as a copy."""

    replica: str
    number: int
    joining: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """The batch that records a copy as voter is committed."""

    replica: str


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time passed while a batch is in flight."""


Event = Proposed | Voted | Refused | Rolled | Missed | Broke | Levelled | Admitted | Ticked

# --- actions ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """Hand the batch in flight to a replica."""

    replica: str


@dataclass(frozen=True, slots=True)
class Commit:
    """The batch in flight has its quorum: publish it. Acknowledge when told to."""

    number: int


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Everything committed up to here may be answered."""

    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """Build a batch soon: these must be recorded as doubtful before anything is answered."""

    replicas: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Nobody holds the batch: build it again without the edit that made this entry."""

    position: int


@dataclass(frozen=True, slots=True)
class Fail:
    """Everybody refused: the writer was wrong; its edits fail and nobody is doubtful."""

    reason: str


@dataclass(frozen=True, slots=True)
class Halt:
    """The batch is dead, some may hold it: reopen under a new term without `doubtful`."""

    doubtful: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Bring a replica that is behind up to the committed batch."""

    replica: str


Action = Send | Commit | Acknowledge | Record | Rebuild | Fail | Halt | CatchUp
Step = tuple[State, list[Action]]


def step(state: State, event: Event) -> Step:
    """Advance the machine by one event; an event that the table does not know is our mistake."""
    if state.halted:
        return state, []
    return _TABLE[type(event)](state, event)


_Value = TypeVar("_Value", Peer, Flight, State)


def replace(value: _Value, **changes: Any) -> _Value:
    """Give a value with some fields changed; a third of what dataclasses.replace costs."""
    return value._replace(**changes)


def _with_peer(state: State, name: str, **changes: Any) -> State:
    peers = dict(state.peers)
    peers[name] = replace(peers[name], **changes)
    return replace(state, peers=peers)


def _proposed(state: State, event: Proposed) -> Step:
    assert state.flight is None
    assert event.number == state.committed + 1
    state = replace(state, flight=Flight(event.number, event.recording))
    actions: list[Action] = []
    for name, peer in state.peers.items():
        if peer.standing not in {VOTER, JOINING}:
            continue
        ahead = event.number - peer.held
        if peer.sent == event.number - 1 and ahead <= SEND_AHEAD_MAX + 1:
            state = _hand(state, name)
            actions.append(Send(name))
        elif peer.level:
            actions.append(CatchUp(name))
    return state, actions


def _hand(state: State, name: str) -> State:
    assert state.flight is not None
    flight = replace(state.flight, handed=state.flight.handed | {name})
    return _with_peer(replace(state, flight=flight), name, sent=flight.number)


def _voted(state: State, event: Voted) -> Step:
    peer = state.peers[event.replica]
    if peer.standing not in {VOTER, JOINING}:
        return state, []
    state = _with_peer(
        state,
        event.replica,
        held=max(peer.held, event.number),
        sent=max(peer.sent, event.number),
        reason="",
    )
    flight = state.flight
    if flight is None or event.number != flight.number:
        # A slow one has answered for all that it was handed; what went by meanwhile it lacks.
        peer = state.peers[event.replica]
        late = peer.level and (peer.held < state.committed or flight is not None)
        return state, [CatchUp(event.replica)] if late else []
    return _judge(replace(state, flight=replace(flight, votes=flight.votes | {event.replica})))


def _refused(state: State, event: Refused) -> Step:
    flight = state.flight
    if flight is None or event.number != flight.number:
        return _broke(state, Broke(event.replica, event.reason))
    state = _behind(state, event.replica, event.reason)
    return _judge(replace(state, flight=replace(flight, refused=flight.refused | {event.replica})))


def _rolled(state: State, event: Rolled) -> Step:
    flight = state.flight
    if flight is None or event.number != flight.number:
        # The others could write what this one cannot: its data is not theirs (I2).
        return _broke(state, Broke(event.replica, "a statement failed here alone"))
    state = _behind(state, event.replica, "a statement failed")
    rolled = {**flight.rolled, event.replica: event.position}
    return _judge(replace(state, flight=replace(flight, rolled=rolled)))


def _missed(state: State, event: Missed) -> Step:
    peer = state.peers[event.replica]
    if peer.standing not in {VOTER, JOINING}:
        return state, []
    state = _behind(state, event.replica, event.reason)
    flight = state.flight
    if flight is not None and event.number == flight.number and event.rolled_back:
        state = replace(state, flight=replace(flight, clear=flight.clear | {event.replica}))
    state, actions = _judge(state)
    return state, [*actions, CatchUp(event.replica)]


def _behind(state: State, name: str, reason: str) -> State:
    peer = state.peers[name]
    return _with_peer(state, name, sent=peer.held, reason=reason)


def _broke(state: State, event: Broke) -> Step:
    peer = state.peers[event.replica]
    if peer.standing == DOUBTFUL:
        return state, []
    # Also one that is joining: the batch that admits it may be committed already.
    state = _with_peer(state, event.replica, standing=DOUBTFUL, reason=event.reason)
    state = replace(state, unrecorded=state.unrecorded | {event.replica})
    if len(state.peers) - len(state.named(DOUBTFUL, JOINING)) < state.quorum:
        # Recording it would make the doubt the newest history, and shut the cell for good. Who is
        # believed is found out anew; nothing was acknowledged meanwhile.
        reason = f"fewer than {state.quorum} voters are left to believe: {event.reason}"
        return replace(state, halted=reason), [Halt(frozenset(), reason)]
    state, actions = _judge(state)
    return state, [*actions, Record(state.unrecorded)]


def _levelled(state: State, event: Levelled) -> Step:
    peer = state.peers[event.replica]
    if peer.standing == DOUBTFUL and not event.joining:
        return state, []
    standing = JOINING if event.joining else VOTER
    state = _with_peer(
        state, event.replica, standing=standing, held=event.number, sent=event.number, reason=""
    )
    flight = state.flight
    if flight is None:
        return state, [] if event.number >= state.committed else [CatchUp(event.replica)]
    if event.number == flight.number:
        return _voted(state, Voted(event.replica, event.number))
    if event.number == flight.number - 1:
        flight = replace(
            flight,
            votes=flight.votes - {event.replica},  # a copy that took its place votes anew
            refused=flight.refused - {event.replica},
            rolled={k: v for k, v in flight.rolled.items() if k != event.replica},
            clear=flight.clear - {event.replica},
        )
        return _hand(replace(state, flight=flight), event.replica), [Send(event.replica)]
    return state, [CatchUp(event.replica)]


def _admitted(state: State, event: Admitted) -> Step:
    peer = state.peers[event.replica]
    if peer.standing != JOINING:
        return state, []
    state = _with_peer(state, event.replica, standing=VOTER)
    return replace(state, unrecorded=state.unrecorded - {event.replica}), []


def _ticked(state: State, _: Ticked) -> Step:
    if state.flight is None:
        return state, []
    state = replace(state, flight=replace(state.flight, ticks=state.flight.ticks + 1))
    return _judge(state)


def _judge(state: State) -> Step:
    """Say what the answers so far make of the batch in flight."""
    flight = state.flight
    if flight is None:
        return state, []
    voters = state.named(VOTER)
    if len(flight.votes & voters) >= state.quorum:
        return _commit(state, flight)
    if flight.handed and flight.handed <= flight.surely_not_held and not flight.votes:
        return _nobody_holds(state, flight)
    out_of_reach = len(state.peers) - len(flight.refused & voters) < state.quorum
    open_answers = flight.handed - flight.votes - flight.surely_not_held - state.named(DOUBTFUL)
    if out_of_reach and (not open_answers or flight.ticks > 1):
        may_hold = (flight.handed - flight.surely_not_held) & (voters | state.named(DOUBTFUL))
        return _halted(state, flight, may_hold)
    if flight.surely_not_held - flight.clear and flight.ticks > STUCK_TICKS_MAX:
        # Some cannot write it, the others do not say what they hold: only a new term can tell.
        return _halted(state, flight, frozenset())
    return state, []


def _halted(state: State, flight: Flight, may_hold: frozenset[str]) -> Step:
    names = ", ".join(sorted(flight.refused | frozenset(flight.rolled)))
    reason = f"batch {flight.number} was refused by {names}"
    return replace(state, halted=reason), [Halt(may_hold, reason)]


def _commit(state: State, flight: Flight) -> Step:
    state = replace(
        state,
        committed=flight.number,
        flight=None,
        unrecorded=state.unrecorded - flight.recording,
    )
    actions: list[Action] = [Commit(flight.number)]
    for name in sorted(flight.refused | frozenset(flight.rolled)):
        if name in flight.votes:
            continue  # a second try was taken
        if state.peers[name].standing == VOTER:
            state = replace(state, unrecorded=state.unrecorded | {name})
        reason = "it refused what a quorum took"
        state = _with_peer(state, name, standing=DOUBTFUL, reason=reason)
    if state.unrecorded:
        return state, [*actions, Record(state.unrecorded)]
    return state, [*actions, Acknowledge(flight.number)]


def _nobody_holds(state: State, flight: Flight) -> Step:
    if flight.rolled:
        position = min(flight.rolled.values())
        return _landed(state, flight), [Rebuild(position)]
    if flight.refused == flight.handed:
        return _landed(state, flight), [Fail("every replica refused the batch")]
    if flight.refused and flight.ticks > STUCK_TICKS_MAX:
        # One that cannot answer now decides whether all refuse: go on without it, in a new term.
        return _halted(state, flight, frozenset())
    return state, []


def _landed(state: State, flight: Flight) -> State:
    """Take the batch out of the air; who rolled it back stands where it stood."""
    for name in flight.refused | frozenset(flight.rolled):
        state = _with_peer(state, name, sent=state.peers[name].held, reason="")
    return replace(state, flight=None)


_TABLE: Final[Mapping[type, Callable[[State, Any], Step]]] = {
    Proposed: _proposed,
    Voted: _voted,
    Refused: _refused,
    Rolled: _rolled,
    Missed: _missed,
    Broke: _broke,
    Levelled: _levelled,
    Admitted: _admitted,
    Ticked: _ticked,
}
