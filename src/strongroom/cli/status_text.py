"""`status`, `replica list` and freezes in plain words. Pure: a report in, lines out.

The tone is calm: what works, what does not, what is not lost, what to do. What the places survive
is counted from their device numbers, which is all that the system tells about disks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from strongroom.base.limits import QUARANTINE_FILES_COUNTED_MAX
from strongroom.service.kinds import kind_of

Report = Mapping[str, Any]
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024
EXPIRY_DAYS: Final = 14  # from then on the end of a certificate is told
_STANDINGS: Final = {
    "voter": "good",
    "behind": "behind or not there; it catches up by itself once it is reachable",
    "absent": "not there or behind; it catches up by itself once it is reachable",
    "joining": "being filled; its word does not count yet",
    "doubtful": "not believed; it comes back as a fresh copy",
}


def status_text(report: Report) -> str:
    """Say how everything is."""
    lines = [_headline(report), ""]
    if report["open"]:
        lines += [*replica_lines(report), "", *_open_lines(report)]
    else:
        lines += [*found_lines(report), ""]
    lines += frozen_lines(report["frozen"]) if report["frozen"] else []
    lines.append(survives(report["disks"], report["write_quorum"]))
    lines += [line for disk in report["disks"] for line in _quarantine_lines(disk, report)]
    lines += [f"Alarm (keys): {text}" for text in report["keys"]]
    lines += certificate_lines(report.get("tls"))
    if report["toy"]:
        lines.append("toy = true: this set-up is for trying things out, not for real data.")
    return "\n".join(lines)


def replicas_text(report: Report) -> str:
    """Say how the copies are."""
    return "\n".join(replica_lines(report) if report["open"] else found_lines(report))


def _headline(report: Report) -> str:
    if report["trouble"]:
        return (
            f"The server runs, but the cell is frozen: {report['trouble']}.\n"
            "Nothing was changed by this. Phones are told to come back later, never that something "
            "is gone.\n"
            "It is tried again by itself: bring back what is missing. docs/operate.md says how to "
            "read what lies here meanwhile, and what to do where disks are gone for good (Past a "
            "lost quorum)."
        )
    if not report["open"]:
        return "No server runs on these directories. This is what lies there:"
    if report["writable"]:
        return f"All is well enough to take writes: batch {report['number']} is durable."
    return "Writes are not taken now; what was acknowledged is kept. " + (
        "The disks are nearly full." if report.get("full") else "Too few good copies answer."
    )


def _open_lines(report: Report) -> list[str]:
    lines = [f"Alarm ({name}): {text}" for name, text in sorted(report["alarms"].items())]
    scrubbed = report.get("scrubbed")
    if scrubbed:
        bad = [
            row["replica"]
            for row in scrubbed["replicas"]
            if row["damage"] or row["lost"] or row.get("short")
        ]
        lines.append(f"Last scrub: {'damage on ' + ', '.join(bad) if bad else 'all good'}.")
    return lines


def frozen_lines(frozen: Report) -> list[str]:
    """Say how many accounts are frozen, since when, why and what to do; nothing where none is."""
    count, rows = frozen["accounts"], frozen["rows"]
    if not count:
        return []
    more = len(rows) < count
    lines = [
        f'Frozen: {count} account{"s" * (count > 1)}; their phones hear "later" and keep what '
        f"they have.{' The longest frozen are:' * more}"
    ]
    lines += [f"  {row['login']}: {freeze_words(row)}" for row in rows]
    lines.append(
        "  Remove none of these accounts from a phone. `strongroom account thaw LOGIN` shows the "
        "evidence, what each device holds and what to do; it changes nothing before you agree."
    )
    if frozen["overdue"]:
        lines.append(
            f"Alarm (freeze): {frozen['overdue']} of these stand for over a day, and none ends by "
            "itself: their owners' phones get nothing new."
        )
    return lines


def freeze_words(freeze: Report) -> str:
    """Say what is frozen, since when and why."""
    book = freeze["book"]
    part = f"the {kind_of(book).noun} {book}"
    scope = "the whole account" if freeze["scope"] == "account" else part
    return f"{scope}, since {day_and_time(freeze['since'])}. {freeze['why'].rstrip('.')}."


def plain(text: str) -> str:
    """Give a line that is safe on a terminal: names and addresses come from clients."""
    return "".join(c if c.isprintable() else "?" for c in text)


def day_and_time(ms: int) -> str:
    """Write a time of the journal (ms since 1970) for people."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def bytes_text(count: int) -> str:
    """Write a number of bytes for people."""
    amount = float(count)
    for unit in _UNITS:
        if amount < _STEP or unit == _UNITS[-1]:
            break
        amount /= _STEP
    return f"{count} bytes" if unit == _UNITS[0] else f"{amount:.1f} {unit}"


def certificate_lines(tls: Report | None) -> list[str]:
    """Say what is wrong with the certificate that is served, or soon will be."""
    if tls is None:
        return []
    if "days_left" not in tls:
        return [f"Alarm (certificate): {tls['trouble']}"]
    lines = [f"Alarm (certificate): {tls['trouble']}"] * bool(tls["trouble"])
    days = tls["days_left"]
    if days >= EXPIRY_DAYS:
        return lines
    when = "has ended" if days < 0 else f"ends in {days} days" if days else "ends today"
    done = "`strongroom tls init` renews it" if tls["local"] else "Put a new one in its place"
    return [*lines, f"The certificate {when}, and phones then refuse the server. {done}."]


def replica_lines(report: Report) -> list[str]:
    """Say how each copy of an open cell is, and what to do about those that cannot be used."""
    lines = []
    for row in report["replicas"]:
        standing = _STANDINGS.get(row["standing"], row["standing"])
        behind = f", {row['behind']} batches behind" if row["behind"] else ""
        lines.append(f"{row['replica']}  {row['place']}  {standing}{behind}")
        if row["reason"]:
            since = f" (known since {day_and_time(row['since'])})" if row.get("since") else ""
            lines.append(f"    {row['reason']}{since}")
        elif (row.get("silent_seconds") or 0) >= 1:
            lines.append(f"    it has not answered for {row['silent_seconds']:.0f} s")
        copying = report["copying"].get(row["replica"])
        if copying:
            lines.append(f"    copying: {copying['held']} of {copying['of']} batches")
        catching_up = report["catching_up"].get(row["replica"])
        if catching_up:
            lines.append(f"    catching up: {catching_up['held']} of {catching_up['of']} batches")
    return [*lines, *_what_to_do(report)]


def _what_to_do(report: Report) -> list[str]:
    """Say what is safe though copies cannot be used, and how they come back; [] = all can."""
    rows = report["replicas"]
    gone = [row for row in rows if row["standing"] in {"behind", "absent"} and row["reason"]]
    if not gone:
        return []
    good = sum(row["standing"] == "voter" for row in rows)
    still = "phones notice nothing" if report["writable"] else "writes wait"
    kept = f"nothing that was acknowledged is lost, {still}"
    if _knows_of_losses(report):
        kept = "what is lost is told below"
    safe = f"{good} of {len(rows)} copies are good; {kept}."
    if not good:
        safe = 'No copy answers; phones hear "later" and keep what they have. Bring the disks back.'
    # A reason that names a command says itself what to do.
    return [safe, *(_way_back(row) for row in gone if "`strongroom " not in row["reason"])]


def _knows_of_losses(report: Report) -> bool:
    scrubbed = report["scrubbed"] or {"replicas": []}
    return "bodies" in report["alarms"] or any(row["lost"] for row in scrubbed["replicas"])


def _way_back(row: Report) -> str:
    return (
        f"Look at the disk of {row['replica']}, at {row['place']}: it catches up by itself once it "
        "is there and takes writes. If it is dead, mount an empty one in its place and run "
        f"`strongroom replica rebuild {row['replica']}`."
    )


def _quarantine_lines(disk: Report, report: Report) -> list[str]:
    """Say how much is set aside in a place, and how it is deleted."""
    files, size = disk.get("quarantine") or (0, 0)
    if not files:
        return []
    more = "at least " * (files >= QUARANTINE_FILES_COUNTED_MAX)
    rows = report["replicas"] if report["open"] else report["places"]
    names = [row["replica"] for row in rows if row["place"] == disk["place"] and "replica" in row]
    count = f"{more}{files} file{'s' * (files > 1)} ({bytes_text(size)})"
    told = f"{disk['place']}: {count} set aside in quarantine."
    if names:
        told += (
            " They stay until you delete them, once all copies are good: "
            f"`strongroom replica rebuild {names[0]} --drop-quarantine`."
        )
    return [told]


def found_lines(report: Report) -> list[str]:
    """Give a line for each place that was looked at without opening, and one for the witness."""
    lines = []
    for row in report["places"]:
        if row["state"] == "found":
            what = f"{row['replica']}, batch {row['number']} of term {row['term']}"
        elif row["state"] == "blank":
            what = (
                "blank: no replica lies here. Is its disk mounted? `strongroom replica rebuild` "
                "fills a new one, once the cell is open"
            )
        else:
            what = f"{row['state']}: {row['reason']}"
        lines.append(f"{row['place']}  {what}")
    witness = report["witness"]
    known = f"batch {witness['number']}" if witness else "nothing"
    return [*lines, f"The witness knows {known}."]


def survives(disks: Sequence[Mapping[str, Any]], quorum: int) -> str:
    """Say which losses the configured places survive: acknowledged data stay, service goes on."""
    there = [row["device"] for row in disks if row["device"] is not None]
    count, missing = len(disks), len(disks) - len(there)
    # An acknowledged write is on `quorum` copies at least; opening needs `quorum` good ones.
    spare = min(count - quorum, quorum - 1)
    most = sorted(Counter(there).values(), reverse=True)
    dead = 0
    while dead < len(most) and sum(most[: dead + 1]) <= spare - missing:
        dead += 1
    absent = f" ({missing} of the {count} places cannot be reached now.)" if missing else ""
    if len(most) == 1 and count > 1:
        return f"All reachable copies lie on one disk: this survives the loss of no disk.{absent}"
    if dead == 0:
        return f"As it stands, this survives the loss of no further disk.{absent}"
    disk = "disk may die" if dead == 1 else "disks may die"
    words = {1: "One", 2: "Two", 3: "Three"}
    return (
        f"The copies lie on {len(most)} disks. {words.get(dead, str(dead))} {disk}, and nothing "
        f"that was acknowledged is lost.{absent}"
    )
