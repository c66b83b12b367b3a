"""Faults of small promises of the protocol, which foreign suites ask for."""

from __future__ import annotations

from sabotage.fault import Fault

PARTS = "tests/unit/formats/test_calendarparts.py::"

PROTOCOL = (
    Fault(
        "an instance does not say which one it is where the first one is left out",
        "formats/calendarparts.py",
        "    return not moved and start is not None and instance.slot == moment_of(start)\n",
        "    return not moved\n",
        (PARTS + "test_all_but_the_first_of_a_series_say_which_one_they_are",),
    ),
)
