"""Tables from raw figures: the same Markdown for the terminal and for docs/performance.md."""

from collections.abc import Sequence
from pathlib import Path

from bench.figures import (
    OURS,
    PEERS,
    TARGETS,
    Record,
    Typical,
    ratio,
    summary,
)

BEGIN = "<!-- bench:begin -->"
END = "<!-- bench:end -->"
MILLION = "objects there"


def number(value: float) -> str:
    """Three significant digits, with commas from a thousand on."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def _value(figure: Typical | None) -> str:
    if figure is None:
        return "pending"
    unit = "/s" if figure.unit == "1/s" else f" {figure.unit}"
    errors = f" ({figure.errors} errors)" if figure.errors else ""
    note = "~" if "scaled" in figure.note else ""
    return f"{note}{number(figure.value)}{unit}{errors}"


def _cpu(figure: Typical | None) -> str:
    if figure is None or figure.cpu_ms is None:
        return "-"
    return f"{number(figure.cpu_ms)} ms"


def _times(ours: Typical | None, theirs: Typical | None) -> str:
    times = ratio(ours, theirs)
    return "-" if times is None else f"{number(times)}x"


def verdicts(workload: str, servers: dict[str, Typical]) -> list[str]:
    """One text for each target of this workload: what is wanted, and whether it is reached."""
    words = {True: "pass", False: "MISS", None: "pending"}
    return [
        f"{one.text}: {words[one.reached(servers)]}" for one in TARGETS if one.workload == workload
    ]


def _peers(record: Record) -> list[str]:
    return [name for name in PEERS if name in record.versions]


def headings(record: Record) -> list[str]:
    """The headings: ours, and each peer that was there."""
    theirs = [word for name in _peers(record) for word in (name, "CPU", "ratio")]
    return ["workload", OURS, "CPU", *theirs, "target"]


def rows(record: Record) -> list[list[str]]:
    """The cells of the table, without its headings."""
    cells = []
    for workload, servers in summary(record).items():
        ours = servers.get(OURS)
        row = [workload, _value(ours), _cpu(ours)]
        for peer in _peers(record):
            theirs = servers.get(peer)
            row += [_value(theirs) if theirs else "-", _cpu(theirs), _times(ours, theirs)]
        cells.append([*row, "; ".join(verdicts(workload, servers))])
    return cells


def markdown(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns aligned, so that it can also be read as it is."""
    widths = [max(len(row[at]) for row in [headings, *cells]) for at in range(len(headings))]
    rule = ["-" * width for width in widths]
    padded = (
        (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in [headings, rule, *cells]
    )
    return "\n".join("| " + " | ".join(row) + " |" for row in padded)


def notes(record: Record) -> list[str]:
    """What a reader must know beside the table: the machine, the versions, the odd figures."""
    machine = ", ".join(f"{key} {value}" for key, value in record.machine.items())
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    lines = [f"Machine: {machine}.", f"Measured: {versions}; {record.mode}, {record.runs} run(s)."]
    for workload, servers in summary(record).items():
        lines += [f"{workload}, {name}: {f.note}." for name, f in servers.items() if f.note]
    if not any(MILLION in workload for workload in summary(record)):
        lines.append("PUT on a catalog of a million objects: pending (`--million` measures it).")
    return lines


def report(record: Record) -> str:
    """The table and its notes."""
    listed = "\n".join(f"- {line}" for line in notes(record))
    return f"{markdown(headings(record), rows(record))}\n\n{listed}"


def missed(record: Record) -> list[str]:
    """The targets that were measured and not reached."""
    return [
        f"{workload}: {text}"
        for workload, servers in summary(record).items()
        for text in verdicts(workload, servers)
        if text.endswith("MISS")
    ]


def write_into(page: Path, record: Record, source: str) -> None:
    """Put the table between the two marks of a page."""
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{page} lacks the marks {BEGIN} and {END}")
    fresh = f"{BEGIN}\nFrom `{source}`:\n\n{report(record)}\n{END}"
    page.write_text(before + fresh + after)
