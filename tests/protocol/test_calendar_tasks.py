"""When a task is there: the table of RFC 4791 section 9.9, asked over the protocol."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.events import calendar, component
from fakes.site import Site

XML = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
TASKS = "/dav/calendars/alice/tasks/"
DAY = datetime(2026, 1, 5)  # noqa: DTZ001 - written in UTC below


class Task(NamedTuple):
    """What a task says of its time, in hours since DAY; None = nothing."""

    start: int | None
    length: int | None  # with a start, and with no end
    due: int | None
    completed: int | None
    created: int | None

    def body(self) -> bytes:
        """Write it as a client would."""
        named = {"DTSTART": self.start, "DUE": self.due, "COMPLETED": self.completed,
                 "CREATED": self.created}  # fmt: skip
        lines = [f"{name}:{written(at)}" for name, at in named.items() if at is not None]
        if self.length is not None:
            lines.append(f"DURATION:PT{self.length}H")
        return calendar(component("VTODO", *lines))

    def is_there(self, start: int, end: int) -> bool:
        """Say what the table of the RFC says."""
        if self.start is not None:
            return self._begins(self.start, start, end)
        if self.due is not None:
            return start < self.due <= end
        if self.completed is not None and self.created is not None:
            marks = (self.created, self.completed)
            return start <= max(marks) and end >= min(marks)
        if self.completed is not None:
            return start <= self.completed <= end
        return self.created is None or end > self.created

    def _begins(self, begin: int, start: int, end: int) -> bool:
        if self.length is not None:
            last = begin + self.length
            return start <= last and (end > begin or end >= last)
        if self.due is not None:
            return (start < self.due or start <= begin) and (end > begin or end >= self.due)
        return start <= begin < end


def written(hours: int) -> str:
    return f"{DAY + timedelta(hours=hours):%Y%m%dT%H%M%SZ}"


_hours = st.integers(0, 5)
_tasks = st.one_of(
    st.builds(Task, _hours, st.integers(0, 3), st.none(), st.none() | _hours, st.none() | _hours),
    st.builds(Task, st.none(), st.none(), *(st.none() | _hours for _ in range(3))),
    st.builds(
        lambda begin, length, done, made: Task(begin, None, begin + length, done, made),
        _hours, st.integers(0, 3), st.none() | _hours, st.none() | _hours,
    ),
    st.builds(Task, _hours, st.none(), st.none(), st.none() | _hours, st.none() | _hours),
)  # fmt: skip
_ranges = st.tuples(_hours, st.integers(1, 4)).map(lambda two: (two[0] - 1, sum(two) - 1))


def asked(site: Site, start: int, end: int) -> list[str]:
    """Give the names of the tasks of a time."""
    answer = site.do(
        "REPORT", TASKS,
        f'<C:calendar-query {XML}><D:prop/><C:filter><C:comp-filter name="VCALENDAR">'
        f'<C:comp-filter name="VTODO"><C:time-range start="{written(start)}" end="{written(end)}"/>'
        "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>",
        depth="1",
    )  # fmt: skip
    assert answer.status == 207
    return answer.hrefs


@pytest.mark.rfc("4791", "9.9")
@settings(max_examples=150, deadline=None)
@example(Task(None, None, 2, None, None), [(0, 2)])
@given(_tasks, st.lists(_ranges, min_size=1, max_size=6))
def test_a_task_is_there_when_the_table_says_so(task: Task, times: list[tuple[int, int]]) -> None:
    """Also at the very ends: a task that is due when the range ends was left out once."""
    site = Site()
    site.do("PROPFIND", TASKS, depth="0")
    name = TASKS + "task.ics"
    assert site.do("PUT", name, task.body(), content_type="text/calendar").status == 201
    for start, end in times:
        assert asked(site, start, end) == ([name] if task.is_there(start, end) else [])
