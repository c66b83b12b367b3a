"""Faults of small promises of the protocol, which foreign suites ask for."""

from __future__ import annotations

from sabotage.fault import Fault

PAGE = "tests/protocol/test_collection_page.py::"
REPORTS = "tests/protocol/test_reports.py::"
DOORS = "tests/protocol/test_doors.py::"
PARTS = "tests/unit/formats/test_calendarparts.py::"

PROTOCOL = (
    Fault(
        "an instance does not say which one it is where the first one is left out",
        "formats/calendarparts.py",
        "    return not moved and start is not None and instance.slot == moment_of(start)\n",
        "    return not moved\n",
        (PARTS + "test_all_but_the_first_of_a_series_say_which_one_they_are",),
    ),
    Fault(
        "a redirect names us as a proxy knows us",
        "dav/wellknown.py",
        "        if self._direct and not _PASSED_ON.isdisjoint(headers):\n",
        "        if False:\n",
        (DOORS + "test_well_known_names_the_server_only_where_its_name_is_sure",),
    ),
    Fault(
        "a redirect leads to whatever host was asked for",
        "dav/wellknown.py",
        """self._locations.get(headers.get(b"host", b"").lower(), WELL_KNOWN_TARGET)""",
        """b"https://" + headers.get(b"host", b"").lower() + WELL_KNOWN_TARGET""",
        (DOORS + "test_well_known_names_the_server_only_where_its_name_is_sure",),
    ),
    Fault(
        "the page of a collection believes what people wrote",
        "formats/webpage.py",
        "<h1>{escape(title)}</h1>",
        "<h1>{title}</h1>",
        (
            PAGE + "test_nothing_of_what_is_in_it_is_told_and_what_people_wrote_is_escaped",
            "tests/unit/formats/test_webpage.py",
        ),
    ),
    Fault(
        "a mistyped export is answered by a page, as if it were one",
        "dav/collection_page.py",
        "    if request.query:\n",
        "    if False:\n",
        ("tests/protocol/test_export.py::test_another_query_is_told_what_there_is",),
    ),
    Fault(
        "a property tells another length than GET sends",
        "dav/collection_page.py",
        "    name = name_of(collection) or short_name(collection.href)\n",
        "    name = short_name(collection.href)\n",
        (PAGE + "test_nothing_of_what_is_in_it_is_told_and_what_people_wrote_is_escaped",),
    ),
    Fault(
        "a page of a sync is cut where its token does not say",
        "service/changes.py",
        "            part = await cell.changes(*token, count)\n",
        "            part = type(part)(part.entries[:count], part.upto, part.chain, part.more)\n",
        (REPORTS + "test_a_page_is_full_however_often_a_name_was_changed",),
    ),
    Fault(
        "a first page of a sync names what is gone",
        "service/changes.py",
        "    return delta._replace(removed=()) if first else delta\n",
        "    return delta\n",
        (REPORTS + "test_a_page_is_full_however_often_a_name_was_changed",),
    ),
    Fault(
        "a page of a sync ends where its entries do, however few names they tell of",
        "service/changes.py",
        "    if part.more and _entries_about(",
        "    if False and _entries_about(",
        (REPORTS + "test_a_page_is_full_however_often_a_name_was_changed",),
    ),
)
