"""Points in time as people write them: a date, a date and time, or how long ago.

`2026-11-28`, `2026-11-28 20:45`, `2026-11-28T20:45:07.250+01:00` (UTC where no offset is given);
`90m`, `3h`, `2d`, `1w` before now. A date alone is its first moment.

Rules: pure; the time of now comes in as an argument. What is written here is read here again, and
is the same moment.
Source: ISO 8601 as Python reads it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from strongroom.formats import FormatError

_AGO: Final = re.compile(r"(\d{1,5})\s*([mhdw])(?:\s+ago)?")
_UNIT_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d[^\s]{0,24})?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def read_moment(text: str, now_ms: int) -> int:
    """Give the ms since 1970 UTC that a text means; `now_ms` is what "ago" counts from.

    Raises:
        FormatError: `bad-moment`.
    """
    text = text.strip()
    if ago := _AGO.fullmatch(text.lower()):
        return now_ms - int(ago[1]) * _UNIT_MS[ago[2]]
    try:
        moment = datetime.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise FormatError(
            "bad-moment",
            f"{text[:40]!r} is no time. Write 2026-11-28, 2026-11-28T20:45 (in UTC, or with an "
            "offset like +01:00), or how long ago: 90m, 3h, 2d, 1w.",
        )
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND


def write_moment(ms: int) -> str:
    """Write a moment so that it can be read again: `2026-11-28T20:45:07.250Z`."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
