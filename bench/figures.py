"""Figures: what was measured, medians over runs, ratios, and the targets of the project.

Pure: values in, values out. Raw figures are kept as JSON, and every table can be made from them.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

FORMAT = 1
OURS = "Strongroom"
RADICALE = "Radicale"
XANDIKOS = "Xandikos"
CYRUS = "Cyrus"
PEERS = (RADICALE, XANDIKOS, CYRUS)
LOWER_IS_BETTER = frozenset({"s", "ms", "MB"})


@dataclass(frozen=True, slots=True)
class Measure:
    """One workload on one server in one run.

    `value` is in `unit`: "1/s", "s" (whole), "ms" (median of one) or "MB"; CPU is per operation,
    which for a first sync is one contact.
    """

    workload: str
    server: str
    run: int
    value: float
    unit: str
    ops: int = 0
    errors: int = 0
    seconds: float = 0.0
    cpu_ms: float | None = None
    client_cpu_ms: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """All raw figures of one session."""

    mode: str
    machine: dict[str, Any]
    versions: dict[str, str]
    runs: int
    measures: list[Measure] = field(default_factory=list)

    def to_json(self) -> str:
        """The file under bench/results."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Record":
        """Read such a file again."""
        told = json.loads(text)
        if told.pop("format") != FORMAT:
            raise ValueError("raw figures of another format")
        measures = [Measure(**one) for one in told.pop("measures")]
        return cls(**told, measures=measures)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of all do not exceed (nearest rank)."""
    if not values:
        return None
    rank = math.ceil(share * len(values))
    return sorted(values)[max(rank, 1) - 1]


@dataclass(frozen=True, slots=True)
class Typical:
    """The medians of one workload on one server over its runs."""

    value: float
    unit: str
    cpu_ms: float | None
    errors: int
    runs: int
    low: float
    high: float
    note: str


def typical(measures: Iterable[Measure]) -> Typical | None:
    """The medians; None without measures."""
    found = list(measures)
    if not found:
        return None
    values = [one.value for one in found]
    cpu = [one.cpu_ms for one in found if one.cpu_ms is not None]
    return Typical(
        value=median(values),
        unit=found[0].unit,
        cpu_ms=median(cpu) if cpu else None,
        errors=sum(one.errors for one in found),
        runs=len(found),
        low=min(values),
        high=max(values),
        note=next((one.note for one in found if one.note), ""),
    )


def summary(record: Record) -> dict[str, dict[str, Typical]]:
    """Workload (in the order measured) to server to medians."""
    groups: dict[str, dict[str, list[Measure]]] = {}
    for one in record.measures:
        groups.setdefault(one.workload, {}).setdefault(one.server, []).append(one)
    return {
        workload: {name: found for name, of in servers.items() if (found := typical(of))}
        for workload, servers in groups.items()
    }


def ratio(ours: Typical | None, theirs: Typical | None) -> float | None:
    """How many times better ours is: more per second, or less time or memory."""
    if ours is None or theirs is None or not ours.value or not theirs.value:
        return None
    if ours.unit in LOWER_IS_BETTER:
        return theirs.value / ours.value
    return ours.value / theirs.value


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to reach; `of` says which figure: "value", "cpu_ms", or a peer (a ratio)."""

    workload: str
    of: str
    bound: float
    text: str

    def reached(self, servers: dict[str, Typical]) -> bool | None:
        """Whether it is reached; None while a figure is missing."""
        ours = servers.get(OURS)
        if ours is None:
            return None
        if self.of in PEERS:
            times = ratio(ours, servers.get(self.of))
            return None if times is None else times >= self.bound
        figure = ours.value if self.of == "value" else ours.cpu_ms
        if figure is None:
            return None
        lower = self.of == "cpu_ms" or ours.unit in LOWER_IS_BETTER
        return figure <= self.bound if lower else figure >= self.bound


TARGETS = (
    Target("PUT new, 32 connections", RADICALE, 50, ">= 50x Radicale"),
    Target("PUT new, 32 connections", CYRUS, 10, ">= 10x Cyrus"),
    Target("PUT new, 32 connections", "value", 1900, ">= 1,900/s"),
    Target("PUT new, 32 connections", "cpu_ms", 0.45, "<= 0.45 ms CPU"),
    Target("GET, 32 connections", "cpu_ms", 0.15, "<= 0.15 ms CPU"),
    Target("first sync of 10,000, by 100", "value", 0.6, "<= 0.6 s"),
    Target("delta of 1 in 10,000", "value", 1.0, "<= 1 ms"),
    Target("polling by 300 (PROPFIND)", XANDIKOS, 4, ">= 4x Xandikos"),
    Target("memory with 10,000 contacts", "value", 120, "< 120 MB"),
    Target("export of 10,000", "value", 5, "< 5 s"),
    Target("import of 10,000", "value", 5, "< 5 s"),
    Target("PUT events, 32 connections", RADICALE, 40, ">= 40x Radicale"),
    Target("PUT events, 32 connections", "cpu_ms", 0.7, "<= 0.7 ms CPU"),
    Target("query of a week in 10,000 events", "value", 15, "<= 15 ms"),
    Target("first sync of 10,000 events, by 100", "value", 0.6, "<= 0.6 s"),
    Target("delta of 1 in 10,000 events", "value", 1.0, "<= 1 ms"),
    Target("memory at most, import included", "value", 200, "< 200 MB"),
)
