"""What differs between two versions of a calendar object, field by field, for a person to read.

Each component is compared with the one of the same instance, its alarms with its alarms, by the
same rules as two cards (carddiff). Of a moved instance the fields say which one they are of. Time
zones are no field; a zone that a time names is told with it.

Rules: pure; as carddiff.
"""

from __future__ import annotations

from collections import Counter

from strongroom.base.limits import DIFFERENCES_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendartree import own, read_tree
from strongroom.formats.carddiff import Difference, is_of_the_writer, of_units, whole
from strongroom.formats.carddiff import differences as card_differences
from strongroom.formats.cardunits import Unit, units_of

_Units = dict[tuple[bytes, str, int], list[Unit]]  # by kind, instance, and place among its like


def differences(kind: str, old: bytes | None, new: bytes | None) -> tuple[Difference, ...]:
    """Say what differs between two versions of anything; None = there was none.

    Args:
        kind: the media type of both.
        old: as it was.
        new: as it is, or would be.
    """
    if kind.partition(";")[0] != "text/calendar" or old == new:
        return card_differences(kind, old, new)
    try:
        found = _of_components(_units(old), _units(new))
    except FormatError:
        found = []
    told = [one for one in found if not is_of_the_writer(one)] or found
    return tuple(told[:DIFFERENCES_MAX]) or (whole(old, new),)


def _of_components(old: _Units, new: _Units) -> list[Difference]:
    return [
        one._replace(field=f"{one.field} ({key[1]})" if key[1] else one.field)
        for key in {**old, **new}
        for one in of_units(old.get(key, []), new.get(key, []))
    ]


def _units(body: bytes | None) -> _Units:
    found: _Units = {}
    if body is None:
        return found
    like: Counter[tuple[bytes, str]] = Counter()
    for component in own(read_tree(body)):
        slot = component.text(b"RECURRENCE-ID").decode("utf-8", "replace")
        for one in (component, *component.children):
            name = component.name if one is component else component.name + b"/" + one.name
            found[name, slot, like[name, slot]] = units_of(body, one.lines)
            like[name, slot] += 1
    return found
