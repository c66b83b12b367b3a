"""Calendars carried away and brought in by the real command and over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

from e2e.server import ServerProcess
from fakes.events import BERLIN, calendar, component
from strongroom.formats.calendarfile import cut

HOME = "/dav/calendars/alice/"
LOCAL = "DTSTART;TZID=Europe/Berlin:20260105T090000"
SERIES = calendar(
    BERLIN, component("VEVENT", LOCAL, "RRULE:FREQ=WEEKLY", "SUMMARY:Choir", uid="s"),
    component("VEVENT", "RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000", LOCAL, uid="s"),
)  # fmt: skip
FILES = {
    "calendar/s.ics": SERIES,
    "calendar/o.ics": calendar(
        "X-WR-CALNAME:Work", "COLOR:red", BERLIN,
        component("VEVENT", LOCAL, "SUMMARY:Once", uid="o"),
    ),
    "tasks/t.ics": calendar(component("VTODO", "SUMMARY:Shop", uid="t")),
}  # fmt: skip


def signed(server: ServerProcess) -> dict[str, str]:
    token = b64encode(f"alice:{server.passwords['phone']}".encode()).decode()
    return {"authorization": f"Basic {token}"}


def asked(server: ServerProcess, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    line = server.connection()
    try:
        line.request(method, path, body, {**signed(server), "content-type": "text/calendar"})
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


def ended(server: ServerProcess, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "strongroom", *words, "--config", str(server.config)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False)


def test_calendars_go_out_and_come_in_beside_a_server_and_without_one(
    server: ServerProcess, tmp_path: Path
) -> None:
    for name, body in FILES.items():
        assert asked(server, "PUT", HOME + name, body)[0] == 201
    file, folder = tmp_path / "all.ics", tmp_path / "folder"
    server.run("export", "alice", "--output", str(file))
    assert asked(server, "GET", HOME + "?export") == (200, file.read_bytes())
    server.add_account("bob")
    assert ended(server, "import", "bob", str(file), "--json").returncode == 0

    server.stop()
    assert ended(server, "export", "bob", "--as", "ics").stdout == file.read_bytes()
    server.run("export", "alice", "--as", "folder", "--output", str(folder))
    found = {path.name: path.read_bytes() for path in folder.rglob("*.ics")}
    assert found == dict(zip(("Choir.ics", "Once.ics", "Shop.ics"), FILES.values(), strict=True))
    again = ended(server, "import", "bob", *map(str, folder.rglob("*.ics")), "--json")
    report = json.loads(again.stdout)
    assert [report[name] for name in ("new", "merged", "unchanged", "refused")] == [0, 0, 3, 0]
    by_summary = dict(zip(("Choir", "Once", "Shop"), FILES.values(), strict=True))
    server.run("export", "bob", "--as", "folder", "--output", str(tmp_path / "bob"))
    came = {path.stem: path.read_bytes() for path in (tmp_path / "bob").rglob("*.ics")}
    assert came == by_summary
    first = file.read_bytes().partition(b"END:VCALENDAR\r\n")
    assert [part.name for part in cut(first[0] + first[1]).parts].count(b"VTIMEZONE") == 1
