"""Faults of calendars: an answer that is short, or takes so long that nobody waits for it."""

from __future__ import annotations

from sabotage.fault import Fault

HAPPENING = "tests/unit/formats/test_happening.py::"

CALENDARS = (
    Fault(
        "a query from a day on follows an endless series to the end of time",
        "formats/recurrence.py",
        "            if instance.component is self._master and not self._ranges:\n                break",
        "            if False:\n                break",
        (HAPPENING + "test_an_endless_series_is_followed_to_its_first_instance",),
    ),
    Fault(
        "a series that changes for good is found by its first half alone",
        "formats/recurrence.py",
        "            if instance.component is self._master and not self._ranges:\n",
        "            if instance.component is self._master:\n",
        (HAPPENING + "test_a_series_that_changes_for_good_is_told_by_both_of_its_parts",),
    ),
)
