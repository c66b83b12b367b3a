"""Faults of the index by time where what rows tell is wrong, and of files of many calendars."""

from __future__ import annotations

from sabotage.fault import Fault

SCRUB = "tests/unit/upkeep/test_scrub.py::"
RETOLD = "tests/unit/service/test_retelling.py::"
AROUND = "tests/unit/formats/test_calendararound.py::"
KNOWN = "tests/unit/formats/test_calendarknown.py::"
SPANS = "tests/unit/service/test_spans.py::"
SPAN = "tests/unit/formats/test_calendarspan.py::"

TIMES = (
    Fault(
        "scrub finds no row that tells another time",
        "upkeep/scrub.py",
        "        elif (data := retold(member.data, body)) != member.data:\n",
        "        elif (data := member.data) != member.data:\n",
        (
            SCRUB + "test_a_row_that_tells_another_time_than_its_object_takes_is_named_once",
            RETOLD + "test_a_scrub_tells_anew_what_was_told_wrongly",
        ),
    ),
    Fault(
        "scrub trusts a calendar in which rows stayed wrong",
        "upkeep/scrub.py",
        "            left += len(stay) + unread\n",
        "            left += unread\n",
        (SCRUB + "test_rows_are_told_anew_and_a_calendar_is_trusted_when_all_are",),
    ),
    Fault(
        "scrub trusts a calendar whose bodies it could not read",
        "upkeep/scrub.py",
        "            left += len(stay) + unread\n",
        "            left += len(stay)\n",
        (SCRUB + "test_what_has_no_good_body_here_is_not_told_anew_nor_trusted",),
    ),
    Fault(
        "what other rules told is believed",
        "formats/calendarspan.py",
        '    by_these = found[4] == f",{RULES}"\n',
        "    by_these = found[2] is not None\n",
        (
            SPAN + "test_a_row_is_told_by_todays_rules",
            RETOLD + "test_what_other_rules_told_is_not_believed_and_told_anew",
        ),
    ),
    Fault(
        "a date that was added to an event takes no time",
        "formats/calendarspan.py",
        "max(one[1] for one in added) + last - first)\n",
        "max(one[1] for one in added))\n",
        (SPAN + "test_spans_of_events", SPAN + "test_nothing_happens_outside_its_span"),
    ),
    Fault(
        "other spans are given under the number of the old rules",
        "formats/calendarspan.py",
        "_ZONE_SECONDS: Final = 16 * 3600",
        "_ZONE_SECONDS: Final = 12 * 3600",
        (SPAN + "test_whoever_changes_what_is_given_counts_the_rules_on",),
    ),
    Fault(
        "a calendar with a wrong row is believed until it is mended",
        "service/spans.py",
        "        self._doubted.add(calendar)\n",
        "        self._doubted.discard(calendar)\n",
        (RETOLD + "test_where_nothing_can_be_written_no_row_is_believed",),
    ),
    Fault(
        "the server answers from an index that scrub knows nothing of",
        "dav/app.py",
        "        self._spans = spans or Spans()\n",
        "        self._spans = Spans()\n",
        (RETOLD + "test_the_server_answers_from_the_index_that_scrub_doubts",),
    ),
    Fault(
        "scrub mends no row of an open cell",
        "control/copies.py",
        "    if isinstance(ground, MirrorCell):\n",
        "    if ground is None:\n",
        (RETOLD + "test_the_command_tells_anew_and_doubts_in_the_index_of_the_server",),
    ),
    Fault(
        "a frozen calendar is written to by scrub",
        "service/retelling.py",
        "        return home is None or directory.frozen(home, calendar) is not None\n",
        "        return home is None\n",
        (RETOLD + "test_where_nothing_can_be_written_no_row_is_believed",),
    ),
    Fault(
        "scrub tells anew what somebody wrote meanwhile",
        "service/retelling.py",
        "            (Seen(row.key, row.number),), (wanted,)",
        "            (Seen(row.key, self._cell.head(row.collection).number),), (wanted,)",
        (RETOLD + "test_who_writes_meanwhile_wins",),
    ),
    Fault(
        "an undo takes back what scrub told anew",
        "service/undoing.py",
        "    return None if member is None else (member.id, member.etag, member.props)\n",
        "    return None if member is None else (member.id, member.etag, member.data)\n",
        (RETOLD + "test_an_undo_does_not_bring_the_wrong_time_back",),
    ),
    Fault(
        "an undo brings the time back that an older release told",
        "service/undo.py",
        "            data[one.then.etag] = retold(one.then.data, bodies[one.then.etag])\n",
        "            data[one.then.etag] = one.then.data\n",
        (RETOLD + "test_an_undo_of_what_came_later_tells_the_time_by_todays_rules",),
    ),
    Fault(
        "an undo of a MOVE brings the wrong time back",
        "service/undo.py",
        "            data.setdefault(one.standing.etag, one.standing.data)\n",
        "            continue\n",
        (RETOLD + "test_an_undo_of_a_move_keeps_what_was_told_anew",),
    ),
    Fault(
        "what one scrub told anew hides all else in the history",
        "service/timeline.py",
        "            scrubs.add((entry.collection, entry.request))\n",
        "            assert entry.collection\n",
        (RETOLD + "test_the_history_tells_of_one_scrub_once",),
    ),
    Fault(
        "what scrub told anew is shown as the owner's act",
        "service/timeline.py",
        '_AGAIN: Final = (TOLD_AGAIN, "delete refused", TIME_RETOLD)\n',
        '_AGAIN: Final = (TOLD_AGAIN, "delete refused")\n',
        (RETOLD + "test_the_history_tells_that_it_was_the_server",),
    ),
    Fault(
        "only the likelier reading of a zone counts",
        "formats/calendarzone.py",
        "            self.differ = any(ask(of, other) != told for other in zones[1:])\n",
        "            self.differ = False\n",
        (
            KNOWN + "test_a_zone_that_tells_another_time_is_read_too",
            KNOWN + "test_a_second_reading_is_passed_over_only_where_nothing_else_comes_of_it",
        ),
    ),
    Fault(
        "what is asked around an event is not compared between two readings",
        "formats/calendarzone.py",
        "        return self._told(tzid, reading, local_of, instant)\n",
        "        zones = self.readings(tzid)\n"
        "        return local_of(instant, zones[min(reading, len(zones) - 1)])\n",
        (KNOWN + "test_a_rule_that_ends_later_by_another_reading_is_followed_so_far",),
    ),
    Fault(
        "an event that moves while a query looks is under neither of its names",
        "service/spans.py",
        "            if len(rows) == len(named):  #",
        "            if len(rows) == len([row for row in found if row is not None]):  #",
        (SPANS + "test_a_move_while_a_query_looks_makes_it_not_short",),
    ),
    Fault(
        "a calendar that is trusted while a query looks is believed too early",
        "service/spans.py",
        "            named = await known.between(when, component, told, doubted=doubted)\n",
        "            doubted = calendar in self._doubted\n"
        "            named = await known.between(when, component, told, doubted=doubted)\n",
        (SPANS + "test_a_calendar_that_is_trusted_while_a_query_looks_is_read_as_doubted",),
    ),
    Fault(
        "a query for a time leaves out what cannot be had now",
        "dav/report_calendar.py",
        "    if len(sure) < len(page):\n",
        "    if len(sure) < 0:\n",
        (SPANS + "test_a_body_that_cannot_be_had_now_leaves_nothing_out",),
    ),
    Fault(
        "a large index is made while everybody waits",
        "service/spans.py",
        "            await asyncio.sleep(0)  # others get their turn\n        self._remember",
        "        self._remember",
        (SPANS + "test_others_have_their_turn_while_a_large_index_is_made",),
    ),
    Fault(
        "the indexes of all calendars stay in memory",
        "service/spans.py",
        "        while names > self._names_max and len(self._indexes) > 1:\n",
        "        while names < 0 and len(self._indexes) > 1:\n",
        (SPANS + "test_the_indexes_hold_so_many_names_and_no_more",),
    ),
    Fault(
        "an import makes first calendars in a frozen account",
        "service/beginnings.py",
        "    check_home(cell, account.id)\n",
        "",
        ("tests/unit/service/test_calendarintake.py::test_a_frozen_account_is_given_no_calendars",),
    ),
    Fault(
        "one file of calendars loses what stood around its objects",
        "formats/calendarfile.py",
        "        others[0] = with_around(others[0], body, text_of(found.between, zones))\n",
        "        assert zones is not None\n",
        (AROUND + "test_an_object_comes_back_byte_for_byte",),
    ),
    Fault(
        "what somebody changed in an exported file is taken back",
        "formats/calendararound.py",
        "    return body if sha256(body).digest()[:_DIGEST_BYTES] == around.digest else None\n",
        "    return body\n",
        (AROUND + "test_what_was_changed_since_is_taken_as_it_is_now",),
    ),
    Fault(
        "a line in a file is read whatever its length",
        "formats/calendararound.py",
        "    if len(found[1]) <= _LINE_BYTES_MAX:\n",
        "    if found[1]:\n",
        (AROUND + "test_the_most_that_can_be_told_comes_back_and_a_longer_line_is_none_of_ours",),
    ),
    Fault(
        "a line in a file fills the memory",
        "formats/calendararound.py",
        "        if size > OBJECT_BYTES_MAX:\n",
        "        if size < 0:\n",
        (AROUND + "test_a_line_that_wants_too_much_is_not_believed",),
    ),
)
