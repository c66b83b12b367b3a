"""Faults of calendars: an answer that is short, or takes so long that nobody waits for it."""

from __future__ import annotations

from sabotage.fault import Fault

KNOWN = "tests/unit/formats/test_calendarknown.py::"
SPANS = "tests/unit/service/test_spans.py::"
HAPPENING = "tests/unit/formats/test_happening.py::"

CALENDARS = (
    Fault(
        "a query from a day on follows an endless series to the end of time",
        "formats/recurrence.py",
        "            if id(instance.component) not in moved and not self._ranges:\n                break",
        "            if False:\n                break",
        (HAPPENING + "test_an_endless_series_is_followed_to_its_first_instance",),
    ),
    Fault(
        "a series that changes for good is found by its first half alone",
        "formats/recurrence.py",
        "            if id(instance.component) not in moved and not self._ranges:\n",
        "            if id(instance.component) not in moved:\n",
        (HAPPENING + "test_a_series_that_changes_for_good_is_told_by_both_of_its_parts",),
    ),
    Fault(
        "what is known of a fortnight is taken for all there is",
        "formats/calendarknown.py",
        "        return False if within.start <= when.start and when.end <= within.end else None\n",
        "        return False\n",
        (KNOWN + "test_what_is_known_is_what_a_query_finds",),
    ),
    Fault(
        "what cannot be understood happens never",
        "formats/calendarknown.py",
        "        return Known(_NEVER, (when,))\n",
        "        return Known(when, ())\n",
        (KNOWN + "test_what_is_known_is_what_a_query_finds",),
    ),
    Fault(
        "a query answers of an event as it was",
        "service/spans.py",
        "                index.spans[entry.href] = span_in(entry.data), entry.etag\n",
        "                old = index.spans.get(entry.href)\n"
        "                index.spans[entry.href] = old or (span_in(entry.data), entry.etag)\n",
        (SPANS + "test_what_changed_since_is_looked_at_again",),
    ),
    Fault(
        "scrub finds no row that tells too little time",
        "upkeep/scrub.py",
        "        if first > span.first or last < span.last:\n",
        "        if first > span.first and last < span.last:\n",
        (
            "tests/unit/upkeep/test_scrub.py"
            "::test_a_row_that_tells_less_time_than_its_object_takes_is_named_once",
        ),
    ),
)
