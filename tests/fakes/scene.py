"""A scene for the writer's state machine: replicas at batch 5, and what they are made to say.

Each scene starts with voters a, b, c (or more) that hold batch 5, with a quorum of two unless told
otherwise. Pure: nothing is carried out.
"""

from __future__ import annotations

from strongroom.mirror.state import (
    DOUBTFUL,
    VOTER,
    Action,
    Event,
    Missed,
    Peer,
    Proposed,
    Refused,
    Rolled,
    State,
    Ticked,
    Voted,
    step,
)


class Scene:
    """A cell at batch 5 and what happens to it."""

    def __init__(self, names: str = "abc", quorum: int = 2, **standings: str) -> None:
        peers = {n: Peer(standings.get(n, VOTER), held=5, sent=5) for n in names}
        self.state = State(quorum, 5, peers)

    def do(self, *events: Event) -> list[Action]:
        """Let events happen; give the actions of the last."""
        actions: list[Action] = []
        for event in events:
            self.state, actions = step(self.state, event)
        return actions

    def peer(self, name: str, **changes: int) -> Scene:
        """Put a replica elsewhere."""
        changed = self.state.peers[name]._replace(**changes)
        self.state = self.state._replace(peers={**self.state.peers, name: changed})
        return self

    def flying(self, number: int = 6, recording: str = "") -> Scene:
        """Propose a batch."""
        self.do(Proposed(number, frozenset(recording)))
        return self

    def committed(self, number: int, voters: str = "ab", recording: str = "") -> list[Action]:
        """Propose a batch and let these vote for it."""
        self.flying(number, recording)
        return self.do(*(Voted(n, number) for n in voters))

    def standing(self, name: str) -> str:
        return self.state.peers[name].standing

    @property
    def doubtful(self) -> frozenset[str]:
        return self.state.named(DOUBTFUL)


def refused(*names: str, number: int = 6) -> list[Event]:
    return [Refused(n, number, f"pre-image, says {n}") for n in names]


def rolled(*names: str, number: int = 6, position: int = 3) -> list[Event]:
    return [Rolled(n, number, position) for n in names]


def missed(name: str, number: int = 6, *, clear: bool = False) -> Event:
    return Missed(name, number, "slow", rolled_back=clear)


def ticks(count: int) -> list[Event]:
    return [Ticked()] * count


def kinds(actions: list[Action]) -> list[type]:
    return [type(action) for action in actions]
