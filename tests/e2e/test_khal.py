"""khal and todoman, real programs for people, read and write what goes through the server."""

from __future__ import annotations

import json
import subprocess

from e2e.vdir import PROGRAMS, Vdirsyncer, environment
from fakes.events import BERLIN, calendar, component


def run(device: Vdirsyncer, program: str, *words: str) -> str:
    """Run a program over the folders of a device and give what it printed."""
    done = subprocess.run(
        [str(PROGRAMS / program), *words],
        capture_output=True, text=True, timeout=60, check=False, env=environment(device.place),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def khal(device: Vdirsyncer, *words: str) -> str:
    config = device.place / "khal.conf"
    config.write_text(
        f"[calendars]\n[[mine]]\npath = {json.dumps(str(device.folder))}\n"
        f"[sqlite]\npath = {json.dumps(str(device.place / 'khal.db'))}\n"
        "[locale]\ntimeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
        "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n"
        "local_timezone = Europe/Berlin\ndefault_timezone = Europe/Berlin\n"
    )
    return run(device, "khal", "-c", str(config), *words)


def todoman(device: Vdirsyncer, *words: str) -> str:
    config = device.place / "todoman.py"
    config.write_text(
        f"path = {str(device.home / '*')!r}\ncache_path = {str(device.place / 'todo.db')!r}\n"
        "date_format = '%Y-%m-%d'\ntime_format = '%H:%M'\ndefault_list = 'tasks'\n"
    )
    return run(device, "todo", "-c", str(config), *words)


def test_khal_shows_a_series_that_came_through_the_server_and_what_it_adds_goes_back(
    planner: Vdirsyncer, office: Vdirsyncer
) -> None:
    lines = ("DTSTART;TZID=Europe/Berlin:20261123T190000", "DURATION:PT1H", "RRULE:FREQ=DAILY")
    choir = component("VEVENT", *lines, "SUMMARY:Choir; Zoë Ångström", uid="choir")
    planner.add("choir", calendar(BERLIN, choir))
    planner.sync()
    office.sync()

    week = khal(office, "list", "2026-11-27", "3d")
    assert week.count("19:00-20:00 Choir") == 3

    khal(office, "new", "-a", "mine", "2026-12-01", "20:00", "21:30", "Dinner with Ole")
    office.sync()
    planner.sync()
    assert "20:00-21:30 Dinner with Ole" in khal(planner, "list", "2026-12-01", "1d")
    assert len(planner.things) == 2


def test_todoman_shows_a_task_ticks_it_off_and_adds_another(
    planner: Vdirsyncer, office: Vdirsyncer
) -> None:
    tent = calendar(component("VTODO", "DTSTAMP:20261101T000000Z", "SUMMARY:Hire a tent", uid="t"))
    planner.add("tent", tent, "tasks")
    planner.sync()
    office.sync()

    assert "Hire a tent" in todoman(office, "list")
    todoman(office, "done", "1")
    todoman(office, "new", "-l", "tasks", "Return the books")
    office.sync()
    planner.sync()

    listed = todoman(planner, "list")
    assert "Return the books" in listed
    assert "Hire a tent" not in listed
    assert "STATUS:COMPLETED" in planner.file_with("SUMMARY:Hire a tent").read_text("utf-8")
