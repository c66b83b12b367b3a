"""What may be read after a crash: for each card the last acknowledged state, or a later unknown.

Pure but for a lock. A state is a body, or None for "not there". It judges answers; it sends none.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

State: TypeAlias = bytes | None


class Ending(Enum):
    """The three endings of a write."""

    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"  # nothing changed
    UNKNOWN = "unknown"  # a later GET tells


@dataclass
class Findings:
    """What one event showed; the last four are what must never be."""

    event: str
    requests: int = 0
    acknowledged: int = 0
    unknown: int = 0
    failed: int = 0  # requests that heard 5xx or nothing, reads too
    lost: int = 0
    corrupt: int = 0
    false_404: int = 0
    false_deletions: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        return self.lost + self.corrupt + self.false_404 + self.false_deletions

    def note(self, text: str) -> None:
        if len(self.notes) < 20:
            self.notes.append(text)

    def row(self) -> str:
        return (
            f"{self.event:<34} {self.requests:>7} {self.acknowledged:>7} {self.unknown:>7}"
            f" {self.failed:>6} {self.lost:>5} {self.corrupt:>7} {self.false_404:>9}"
            f" {self.false_deletions:>15}"
        )


HEADING = (
    f"{'event':<34} {'requests':>7} {'acked':>7} {'unknown':>7} {'failed':>6} {'lost':>5}"
    f" {'corrupt':>7} {'false 404':>9} {'false deletions':>15}"
)


@dataclass
class _Name:
    """One href: what may be read, and what was ever sent."""

    allowed: set[State]
    ever: set[State]
    deletable: bool = False  # a DELETE of it was sent at some time


class Oracle:
    """Knows what was sent and what was heard; asks are judged into `findings`."""

    def __init__(self, event: str) -> None:
        self.findings = Findings(event)
        self._names: dict[str, _Name] = {}
        self._lock = threading.RLock()

    def begin(self, event: str) -> Findings:
        """Start counting anew for another event; what is known stays."""
        with self._lock:
            self.findings = Findings(event)
            return self.findings

    @property
    def hrefs(self) -> list[str]:
        with self._lock:
            return sorted(self._names)

    # --- writes -----------------------------------------------------------------------------------
    def sending(self, href: str, state: State) -> None:
        """Tell of a write before it is sent."""
        with self._lock:
            name = self._names.setdefault(href, _Name({None}, {None}))
            name.ever.add(state)
            name.deletable = name.deletable or state is None

    def ended(self, href: str, state: State, ending: Ending) -> None:
        """Tell how it ended."""
        with self._lock:
            name, findings = self._names[href], self.findings
            if ending is Ending.ACKNOWLEDGED:
                findings.acknowledged += 1
                name.allowed = {state}
            elif ending is Ending.UNKNOWN:
                findings.unknown += 1
                name.allowed.add(state)

    def asked(self) -> None:
        with self._lock:
            self.findings.requests += 1

    def failed(self, text: str) -> None:
        with self._lock:
            self.findings.failed += 1
            self.findings.note(f"failed: {text}")

    def allowed(self, href: str) -> set[State]:
        with self._lock:
            name = self._names.get(href)
            return set(name.allowed) if name else {None}

    # --- reads ------------------------------------------------------------------------------------
    def read(self, href: str, state: State, *, settled: bool = False) -> None:
        """Judge what a GET gave; `settled` = no write can still be under way."""
        with self._lock:
            name = self._names.get(href) or _Name({None}, {None})
            if state in name.allowed:
                if settled:
                    name.allowed = {state}  # what was shown once must stay
                return
            findings = self.findings
            if state is None:
                findings.lost += 1
                findings.false_404 += 1
                findings.note(f"lost, told as 404: {href}")
            elif state in name.ever:
                findings.lost += 1
                findings.note(f"lost, an older state is back: {href}")
            else:
                findings.corrupt += 1
                findings.note(f"corrupt: {href} ({len(state)} bytes)")

    def unreadable(self, href: str, why: str) -> None:
        """Judge that a settled server cannot give what it acknowledged."""
        with self._lock:
            if self.allowed(href) != {None}:
                self.findings.lost += 1
                self.findings.note(f"lost, cannot be read ({why}): {href}")

    def heard_404(self, href: str) -> None:
        """Judge a 404 that a write met."""
        with self._lock:
            if None not in self.allowed(href):
                self.findings.false_404 += 1
                self.findings.note(f"false 404 for a write: {href}")

    def removed(self, href: str) -> None:
        """Judge a `removed` entry of a sync."""
        with self._lock:
            name = self._names.get(href)
            if name is None or not name.deletable:
                self.findings.false_deletions += 1
                self.findings.note(f"removed without an own delete: {href}")

    def listed(self, hrefs: set[str], what: str, below: str = "/") -> None:
        """Judge a complete listing of what is below a path, once nothing is under way."""
        with self._lock:
            inside = [(href, name) for href, name in self._names.items() if href.startswith(below)]
            for href, name in inside:
                if href not in hrefs and None not in name.allowed:
                    self.findings.false_deletions += 1
                    self.findings.note(f"not in {what}: {href}")
                if href in hrefs and name.allowed == {None}:
                    self.findings.lost += 1
                    self.findings.note(f"deleted, but in {what}: {href}")
            for href in hrefs - set(self._names):
                self.findings.corrupt += 1
                self.findings.note(f"nobody made it, but in {what}: {href}")
