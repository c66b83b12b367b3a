"""What to make of the replicas that were found: DESIGN "Opening". Pure.

Quorums count configured voters, never those present. A blank, joining or doubtful replica proves
nothing; with fewer than W good voters the cell is frozen. The history whose last batch has the
highest (term, number) is the cell's; standings are read in it and the voters counted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from strongroom.history.entries import CELL, Head, Member, genesis_head
from strongroom.mirror.state import VOTER
from strongroom.ports.replica import Found
from strongroom.ports.world import Testimony


@dataclass(frozen=True, slots=True)
class Ballot:
    """One replica that was found, and what its own history says of all."""

    found: Found
    roster: Mapping[str, Member]  # replica id -> its member of the cell
    replicas: int  # N as this history has it; 0 where it has none yet
    quorum: int  # W likewise

    @property
    def name(self) -> str:
        """Give the replica's id."""
        return self.found.identity.replica

    def good(self, other: Ballot) -> bool:
        """Say whether, by this history, `other` is a voter as it stands there."""
        member = self.roster.get(other.name)
        if member is None:
            return False
        facts = member.facts
        told = (facts["incarnation"], facts["standing"])
        return told == (other.found.identity.incarnation, VOTER)


@dataclass(frozen=True, slots=True)
class Plan:
    """Which history is the cell's and who may vote on it."""

    source: Ballot
    voters: tuple[Ballot, ...]  # good voters that are present, the source among them
    term: int  # the term to promise


@dataclass(frozen=True, slots=True)
class Frozen:
    """Why nothing may be served."""

    reasons: tuple[str, ...]


def choose(ballots: Iterable[Ballot], quorum: int, seen_term: int) -> Plan | Frozen:
    """Choose the cell's history.

    Args:
        ballots: of all replicas that were found.
        quorum: W as configured.
        seen_term: the highest term that anything else (the witness) remembers.
    """
    ranked = sorted(
        ballots, key=lambda b: (b.found.position.term, b.found.position.number), reverse=True
    )
    reasons = []
    for source in ranked:
        if not source.good(source):
            reasons.append(f"{source.name} is not a voter by its own history")
            continue
        voters = tuple(b for b in ranked if source.good(b))
        if 2 * source.quorum <= source.replicas or source.quorum != quorum:
            return Frozen(
                (
                    f"the cell was made with write_quorum = {source.quorum}, not {quorum}: correct "
                    "the configuration",
                )
            )
        if len(voters) < quorum:
            reasons.append(_too_few(source, ranked, quorum))
            return Frozen(tuple(reasons))
        promised = max(b.found.promised for b in ranked)
        return Plan(source, voters, max(promised, seen_term, source.found.position.term) + 1)
    return Frozen(tuple(reasons) or ("no replica can be believed",))


def _too_few(source: Ballot, found: Iterable[Ballot], quorum: int) -> str:
    good: list[str] = []
    others: list[str] = []
    for one in found:
        (good if source.good(one) else others).append(one.name)
    told = f"{quorum} good voters are needed, found: {', '.join(sorted(good))}"
    if others:
        told += f"; not counted, as doubtful or replaced by a copy: {', '.join(sorted(others))}"
    return told


def forgotten(
    testimony: Testimony, heads: Mapping[int, Head], chains: Mapping[int, bytes | None]
) -> frozenset[int]:
    """Name the collections that the witness knows better than the chosen history (I5).

    Args:
        testimony: what the witness was told.
        heads: of the chosen history.
        chains: collection -> chain that the chosen history has at the witness's number, for those
            collections where it is further than the witness.
    """
    differing = set()
    for collection, known in testimony.heads.items():
        ours = heads.get(collection) or genesis_head(collection)
        chain = ours.chain if ours.number == known.number else chains.get(collection)
        if ours.number < known.number or chain != known.chain:
            differing.add(collection)
    return frozenset(differing)


def scope_of(collection: int, homes: Mapping[int, int]) -> tuple[int, str] | None:
    """Say what to freeze for a forgotten collection: (home, scope); None = the whole cell.

    Args:
        collection: the one that is behind the witness.
        homes: collection -> home; a home maps to itself.
    """
    if collection == CELL or collection not in homes:
        return None
    home = homes[collection]
    return home, "account" if home == collection else str(collection)
