"""What a query taught of when an event happens, so that the next one need not read it again.

Queries of a phone ask for the same weeks again and again, or for everything from a day on. Of an
event whose bytes did not change the times did not either. For a short time all instances are
looked at, in the fortnights around it; for a long one one instance is enough to know.

Rules: pure; agrees with `calendarfilter.matches` for a filter that asks for nothing but a time.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final, NamedTuple

from strongroom.base.limits import KNOWN_INSTANCES_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendarfilter import CompFilter, Range, readings_of, slack_of, widened
from strongroom.formats.calendarspan import FIRST, LAST
from strongroom.formats.calendartree import read_tree, zones_of
from strongroom.formats.calendarzone import Zones
from strongroom.formats.recurrence import Series

_FORTNIGHT: Final = 14 * 86_400
_SHORT: Final = 6 * _FORTNIGHT  # a month as calendars show it, and what is around it
_NEVER: Final = Range(0, 0)
_EVENT: Final = b"VEVENT"


class Known(NamedTuple):
    """Some times of an event, and where these are all."""

    all_within: Range  # no others touch it; nothing is said of what is outside
    times: tuple[Range, ...]

    def told(self, when: Range) -> bool | None:
        """Say whether it happens then; None = it is not known."""
        if any(_touches(one, when) for one in self.times):
            return True
        within = self.all_within
        return False if within.start <= when.start and when.end <= within.end else None


def _touches(one: Range, when: Range) -> bool:
    return one.start < when.end and (one.end > when.start or one.start >= when.start)


def time_asked(wanted: CompFilter) -> Range | None:
    """Give the time of a filter that asks for events of a time and nothing else; else None."""
    inner = wanted.comps[0] if len(wanted.comps) == 1 else None
    if inner is None or inner.range is None or inner != CompFilter(_EVENT, range=inner.range):
        return None
    return inner.range if wanted == CompFilter(b"VCALENDAR", comps=(inner,)) else None


def learn(body: bytes, when: Range, floating: tzinfo) -> Known:
    """Look at when an event happens, as far as `when` needs; never raises.

    What cannot be understood counts as happening then (I4).
    """
    try:
        return _learnt(body, when, floating)
    except FormatError:
        return Known(_NEVER, (when,))


def _learnt(body: bytes, when: Range, floating: tzinfo) -> Known:
    calendar = read_tree(body)
    zones = Zones(zones_of(calendar), floating)
    dated = [
        one for one in calendar.children if one.name == _EVENT and one.first(b"DTSTART") is not None
    ]
    if not dated:
        return Known(Range(FIRST, LAST), ())
    slack = slack_of(dated, zones)
    if when.end - when.start <= _SHORT:
        around = Range(
            when.start // _FORTNIGHT * _FORTNIGHT, -(-when.end // _FORTNIGHT) * _FORTNIGHT
        )
        found = [
            one
            for reading in readings_of(dated, zones)
            for one in Series(dated, zones, reading).between(*widened(around, slack))
        ]
        if len(found) <= KNOWN_INSTANCES_MAX:
            times = {widened(Range(one.start, one.end), slack): None for one in found}
            return Known(around, tuple(times))
    for reading in readings_of(dated, zones):
        one = Series(dated, zones, reading).first(*widened(when, slack))
        if one is not None:
            return Known(_NEVER, (widened(Range(one.start, one.end), slack),))
    return Known(when, ())
