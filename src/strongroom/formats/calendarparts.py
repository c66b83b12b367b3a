"""The form in which a calendar object is sent: whole, in parts, expanded, or cut to a time.

What is whole is sent as it is stored. Expanded, each instance stands alone, in UTC, without rules
and zones, and all but the first of a series with a RECURRENCE-ID; what cannot be expanded is sent
whole.

Source: RFC 4791 sections 7.8 and 9.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta, tzinfo
from typing import Final, NamedTuple

from strongroom.base.limits import EXPANDED_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendarfilter import Range, periods_of
from strongroom.formats.calendarrule import Budget, plus
from strongroom.formats.calendartime import Moment, moment_of, write_instant, write_local
from strongroom.formats.calendartree import Component, own, parameter, raws, read_tree, zones_of
from strongroom.formats.calendarzone import Zones
from strongroom.formats.cardlines import Line, join_card, write_line
from strongroom.formats.cardparts import PropertyWish
from strongroom.formats.recurrence import Instance, Series

_RULES: Final = frozenset({b"RRULE", b"RDATE", b"EXDATE", b"EXRULE", b"RECURRENCE-ID"})
_TIMES: Final = frozenset({b"DTSTART", b"DTEND", b"DUE", b"DURATION"})


class PartWish(NamedTuple):
    """Which part of a component is wanted; None = all of that kind."""

    name: bytes
    props: tuple[PropertyWish, ...] | None
    comps: tuple[PartWish, ...] | None


class CalendarData(NamedTuple):
    """In which form objects are wanted."""

    content_type: str = "text/calendar"
    version: str = "2.0"
    part: PartWish | None = None
    expand: Range | None = None
    limit_recurrence: Range | None = None
    limit_freebusy: Range | None = None

    @property
    def whole(self) -> bool:
        """Say whether an object is wanted as it is stored."""
        return not any((self.part, self.expand, self.limit_recurrence, self.limit_freebusy))


def shaped(body: bytes, wanted: CalendarData, floating: tzinfo = UTC) -> bytes:
    """Give an object in the form wanted; never raises: what cannot be shaped is given whole."""
    if wanted.whole:
        return body
    try:
        calendar = read_tree(body)
        if wanted.expand is not None:
            _expand(calendar, wanted.expand, floating)
        elif wanted.limit_recurrence is not None:
            _limit(calendar, wanted.limit_recurrence, floating)
        if wanted.limit_freebusy is not None:
            _limit_freebusy(calendar, wanted.limit_freebusy)
        if wanted.part is not None:
            _select(calendar, wanted.part)
        return join_card(raws(calendar)) + b"\n"
    except FormatError:
        return body


# --- parts ----------------------------------------------------------------------------------------
def _select(component: Component, wanted: PartWish) -> None:
    if wanted.props is not None:
        wishes = {wish.name.encode(): wish for wish in wanted.props}
        component.lines = [
            _without_value(line) if wishes[line.name].no_value else line
            for line in component.lines
            if line.name in wishes
        ]
    if wanted.comps is not None:
        inner = {wish.name: wish for wish in wanted.comps}
        component.children = [one for one in component.children if one.name in inner]
        for child in component.children:
            _select(child, inner[child.name])


def _without_value(line: Line) -> Line:
    return line._replace(raw=write_line(line.group, line.name, line.parameters, b"", line.end))


# --- time -----------------------------------------------------------------------------------------
def _series(calendar: Component, floating: tzinfo) -> tuple[list[Component], Series]:
    dated = [one for one in own(calendar) if one.first(b"DTSTART") is not None]
    return dated, Series(dated, Zones(zones_of(calendar), floating))


def _expand(calendar: Component, when: Range, floating: tzinfo) -> None:
    dated, series = _series(calendar, floating)
    if not dated:
        return
    found = sorted(series.between(when.start, when.end), key=lambda one: one.start)
    _check_size(found)
    zones = Zones(zones_of(calendar), floating)
    others = [one for one in own(calendar) if one.first(b"DTSTART") is None]
    calendar.children = [*others, *(_alone(one, zones, recurs=series.recurs) for one in found)]


def _check_size(instances: list[Instance]) -> None:
    """Raise FormatError `too-complex` where the instances of a large object fill the memory."""
    sources = {id(one.component): one.component for one in instances}
    sizes = {key: sum(map(len, raws(source))) for key, source in sources.items()}
    if sum(sizes[id(one.component)] for one in instances) > EXPANDED_BYTES_MAX:
        raise FormatError("too-complex", "The instances are too long to be written out.")


def _alone(instance: Instance, zones: Zones, *, recurs: bool) -> Component:
    """Write one instance as a component that needs no rule and no zone."""
    source = instance.component
    lines = [line for line in source.lines if line.name not in _RULES | _TIMES]
    end = lines[0].end if lines else b"\r\n"
    extra = [_time(b"DTSTART", instance.at, zones, end)]
    duration = source.first(b"DURATION")
    if duration is not None:
        extra.append(duration)
    elif instance.end > instance.start:
        name = b"DUE" if source.name == b"VTODO" else b"DTEND"
        extra.append(_end(name, instance, end))
    if recurs and not _is_first(instance):
        extra.append(_time(b"RECURRENCE-ID", instance.slot, zones, end))
    return Component(source.name, source.begin, source.end, [*lines, *extra], source.children)


def _is_first(instance: Instance) -> bool:
    """Say whether it is where its series begins, and was not moved (RFC 4791 section 9.6.5)."""
    source = instance.component
    start = source.first(b"DTSTART")
    moved = source.first(b"RECURRENCE-ID") is not None
    return not moved and start is not None and instance.slot == moment_of(start)


def _end(name: bytes, instance: Instance, end: bytes) -> Line:
    if not instance.at.is_date:
        return _line(name, b"", write_instant(instance.end), end)
    days = (instance.end - instance.start + 43_200) // 86_400  # a day of a clock change is one too
    last = plus(instance.at.local, timedelta(days=days))
    return _line(name, b";VALUE=DATE", write_local(last)[:8], end)


def _time(name: bytes, moment: Moment, zones: Zones, end: bytes) -> Line:
    if moment.is_date:
        return _line(name, b";VALUE=DATE", write_local(moment.local)[:8], end)
    if not moment.zone:
        return _line(name, b"", write_local(moment.local), end)
    return _line(name, b"", write_instant(zones.instant(moment.local, moment.zone)), end)


def _line(name: bytes, parameters: bytes, value: bytes, end: bytes) -> Line:
    return Line(write_line(b"", name, parameters, value, end), b"", name, parameters, value)


def _limit(calendar: Component, when: Range, floating: tzinfo) -> None:
    """Keep the series, and of its moved instances those that matter for a time."""
    dated, series = _series(calendar, floating)
    zones = Zones(zones_of(calendar), floating)
    ids = set(map(id, dated))
    happening = {id(one.component) for one in series.between(when.start, when.end)} if dated else ()
    calendar.children = [
        one
        for one in calendar.children
        if id(one) not in ids or id(one) in happening or _belongs(one, zones, when)
    ]


def _belongs(component: Component, zones: Zones, when: Range) -> bool:
    line = component.first(b"RECURRENCE-ID")
    if line is None or parameter(line, b"RANGE"):
        return True
    slot = moment_of(line)
    return when.start <= zones.instant(slot.local, slot.zone) < when.end


def _limit_freebusy(calendar: Component, when: Range) -> None:
    budget = Budget()
    for busy in calendar.children:
        if busy.name == b"VFREEBUSY":
            busy.lines = list(_within(busy, when, budget))


def _within(busy: Component, when: Range, budget: Budget) -> Iterator[Line]:
    for line in busy.lines:
        if line.name != b"FREEBUSY":
            yield line
            continue
        pairs = zip(line.value.split(b","), periods_of(line, budget), strict=True)
        kept = [text for text, p in pairs if p.start < when.end and p.end > when.start]
        if kept:
            yield _line(line.name, line.parameters, b",".join(kept), line.end)
