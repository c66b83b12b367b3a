"""What the benchmark asks of each server, whoever wrote it.

A round starts a server with an empty book for new contacts and with one filled book for each size
that is synced. How the filled books come about is the adapter's business and is never measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.process import Process, cpu_seconds, memory_mb, peak_mb
from bench.wire import Target

LOGIN = "bench"
PASSWORD = "loopback-only"
FRESH = "contacts"


def filled(count: int) -> str:
    """The name of the book that holds this many contacts."""
    return f"book{count}"


def filled_calendar(count: int) -> str:
    """The name of the calendar that holds this many events."""
    return f"calendar{count}"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    name: str
    target: Target
    process: Process

    def cpu(self) -> float:
        """Seconds of CPU that the process tree has used."""
        return cpu_seconds(self.process.pid)

    def memory(self) -> float:
        """Resident memory of the process tree in MB."""
        return memory_mb(self.process.pid)

    def peak(self) -> float:
        """The most memory that the process tree has had, in MB."""
        return peak_mb(self.process.pid)

    def command(self, *_words: str | Path) -> list[str | Path]:
        """A command of the server's own that does this; empty where there is none."""
        return []

    def commits(self) -> tuple[int, int] | None:
        """Batches and entries so far, where a server tells; None where it does not."""
        return None


class Adapter(Protocol):
    """One server that can be measured."""

    @property
    def name(self) -> str:
        """The name in tables and in raw figures."""

    def version(self) -> str:
        """The version that is measured."""

    async def prepare(self, sizes: Sequence[int]) -> None:
        """Do once what every round needs: install, fill a store to copy from."""

    async def start(self, place: Path, sizes: Sequence[int]) -> Running:
        """Start a server whose files live under `place`, an empty folder."""
