"""`doctor URL`: asks a server as a phone would, and names the line of a proxy that is in the way.

It changes nothing on the server, unless `--write` lets it put a card there and take it away again.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from strongroom.base.errors import SettingsError
from strongroom.cli.doctor.checks import CHECKS, Check
from strongroom.cli.doctor.findings import ADVICE, BAD, OK, PROXIES, SKIPPED, Finding
from strongroom.cli.doctor.line import LineError, read_url
from strongroom.cli.doctor.visit import Visit, Wishes
from strongroom.cli.exits import DONE
from strongroom.cli.screen import Screen, UsageError

FOUND: Final = 5  # as for every error that somebody who runs the server must act on
_MARKS: Final = {OK: "ok", "note": "note", BAD: "BAD", SKIPPED: "skipped"}


def run(given: Namespace, screen: Screen) -> int:
    """Visit the server and say what was found; gives 0 only if nothing is bad."""
    site, wishes = read_url(given.url), _wishes(given)
    try:
        visit = Visit(site, wishes)
    except OSError as error:
        raise SettingsError(f"{wishes.ca} is no certificate that can be read.") from error
    rows = []
    try:
        for check, finding in examine(visit):
            rows.append({"check": check.name, **_told(finding)})
            if not screen.for_programs:
                screen.say(_text(check, finding))
    finally:
        visit.close()
    bad = sum(row["grade"] == BAD for row in rows)
    unseen = sum(row["grade"] == SKIPPED for row in rows)
    words = f"{bad} to mend" if bad else "Nothing is in a phone's way"
    screen.result(
        {"url": given.url, "bad": bad, "findings": rows},
        f"\n{words}; {len(rows) - unseen} looked at, {unseen} skipped.",
    )
    return FOUND if bad else DONE


def examine(visit: Visit) -> Iterator[tuple[Check, Finding]]:
    """Make every check of the table, in its order; one that cannot be made says why."""
    for check in CHECKS:
        missing = next((why for why in check.needs if not why.is_met(visit)), None)
        if missing is not None:
            if missing.words:
                yield check, Finding(SKIPPED, missing.words)
            continue
        try:
            found = list(check.run(visit))
        except LineError as error:
            found = [Finding(BAD, f"{check.about}: no answer came: {error}.", check.advice)]
        for finding in found:
            yield check, finding


def _wishes(given: Namespace) -> Wishes:
    if bool(given.login) != bool(given.password_file):
        raise UsageError("--login and --password-file belong together.")
    password = ""
    if given.password_file:
        try:
            password = Path(given.password_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{given.password_file} cannot be read.") from error
    return Wishes(
        given.login or "", password, given.ca or "", given.http_port or 0, given.write, given.slow
    )


def _told(finding: Finding) -> dict[str, object]:
    advice = ADVICE.get(finding.advice)
    told: dict[str, object] = {"grade": finding.grade, "words": finding.words}
    if advice:
        told["change"] = dict(zip(PROXIES, advice, strict=True))
    return told


def _text(check: Check, finding: Finding) -> str:
    lines = [f"{_MARKS[finding.grade]:<8}{check.name:<13}{finding.words}"]
    if finding.advice:
        rows = zip(PROXIES, ADVICE[finding.advice], strict=True)
        lines += [f"{'':<21}{name:<7}{change}" for name, change in rows]
    return "\n".join(lines)
