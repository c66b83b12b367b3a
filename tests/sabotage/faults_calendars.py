"""Faults of calendars: an answer that is short, or takes so long that nobody waits for it."""

from __future__ import annotations

from sabotage.fault import Fault

KNOWN = "tests/unit/formats/test_calendarknown.py::"
SPANS = "tests/unit/service/test_spans.py::"
SIM = "tests/sim/test_calendars.py::"
RULES = "tests/unit/formats/test_recurrence.py::"
ZONES = "tests/unit/formats/test_calendarzone.py::"
CLIENTS = "tests/protocol/test_calendar_clients.py::"
TIMES = "tests/protocol/test_calendar_times.py::"
HOSTILE = "tests/unit/formats/test_calendar_hostile.py::"
HAPPENING = "tests/unit/formats/test_happening.py::"

CALENDARS = (
    Fault(
        "a query from a day on follows an endless series to the end of time",
        "formats/recurrence.py",
        "            if id(instance.component) not in moved and not self._ranges:\n"
        "                break",
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
        "        index.spans[entry.href] = span_in(entry.data), entry.etag\n",
        "        old = index.spans.get(entry.href)\n"
        "        index.spans[entry.href] = old or (span_in(entry.data), entry.etag)\n",
        (SPANS + "test_what_changed_since_is_looked_at_again",),
    ),
    Fault(
        "weekdays with and without places are both wanted of one day",
        "formats/calendarrule.py",
        "    return rule._replace(parts=tuple({**read, **_placed(rule, read)}.items()))\n",
        "    return rule._replace(parts=tuple(read.items()))\n",
        (RULES + "test_rules_that_libraries_read_otherwise",),
    ),
    Fault(
        "a week of a year means all its days",
        "formats/calendarrule.py",
        '    if set(_DAY_RULES) & set(parts) == {"byweekno"}:\n',
        "    if not parts:\n",
        (RULES + "test_rules_that_libraries_read_otherwise",),
    ),
    Fault(
        "what passes over seconds costs nothing",
        "formats/calendarrule.py",
        "            budget.spend(1 + _passed_over(rule.frequency, local - before))\n",
        "            budget.spend()\n",
        (RULES + "test_eight_thousand_years_are_told_in_time",),
    ),
    Fault(
        "a period that was added is as long as the others",
        "formats/recurrence.py",
        "            length = series.length if slot.length is None else slot.length\n",
        "            length = series.length\n",
        (RULES + "test_a_period_that_is_added_takes_its_own_time",),
    ),
    Fault(
        "the end of a rule is read in the likelier zone alone",
        "formats/recurrence.py",
        "        return self._zones.local(instant, zone, self._reading)\n",
        "        return self._zones.local(instant, zone)\n",
        (RULES + "test_the_end_of_a_rule_is_read_in_the_zone_that_counts",),
    ),
    Fault(
        "a gap in an own zone is read by the offset behind it",
        "formats/calendarzone.py",
        "        local = (one.at + max(one.before, one.after) for one in changes)\n",
        "        local = (one.at + one.before for one in changes)\n",
        (ZONES + "test_an_own_zone_is_read_as_the_same_zone_of_the_world",),
    ),
    Fault(
        "a zone is followed without end",
        "formats/calendarzone.py",
        "        yield from occurrences(rule, start, until, _FIRST, _LAST, budget)\n",
        "        yield from occurrences(rule, start, until, _FIRST, _LAST, Budget(10**7))\n",
        (ZONES + "test_a_zone_that_cannot_be_followed_is_none",),
    ),
    Fault(
        "an object written out fills the memory",
        "formats/calendarparts.py",
        "    _check_size(found)\n",
        "",
        (HOSTILE + "test_instances_are_written_out_up_to_a_size",),
    ),
    Fault(
        "a query leaves out what it has not learnt yet",
        "service/spans.py",
        "            and told(etag) is not False\n",
        "            and told(etag) is not None\n",
        (
            "tests/phone/test_inside.py::test_what_one_phone_does_reaches_the_other",
            SPANS + "test_what_changed_since_is_looked_at_again",
        ),
    ),
    Fault(
        "a row of the past makes a query short",
        "service/spans.py",
        "            rows = [row for row, etag in pairs if row is not None and row.etag == etag]\n",
        "            rows = [row for row, _ in pairs if row is not None]\n",
        (
            SPANS + "test_a_row_of_the_past_makes_no_query_short",
            SIM + "test_a_row_of_the_past_costs_no_event",
        ),
    ),
    Fault(
        "an index that two queries follow goes back",
        "service/journals.py",
        "        if mark.number != asked:\n",
        "        if mark is None:\n",
        (
            "tests/unit/service/test_journals.py"
            "::test_who_follows_slowly_does_not_take_back_what_another_followed",
        ),
    ),
    Fault(
        "an index of a history that was lost is believed",
        "service/journals.py",
        "            return False  # of another history than this one\n",
        "            return True\n",
        (SIM + "test_an_index_of_a_history_that_was_lost_is_made_anew",),
    ),
    Fault(
        "a slow rule holds up everybody",
        "dav/report_calendar.py",
        "    return await beside(lambda: [ask(body) for _, body in page])\n",
        "    return [ask(body) for _, body in page]\n",
        (TIMES + "test_a_slow_rule_holds_up_nobody",),
    ),
    Fault(
        "a moved instance is left out of its week",
        "formats/recurrence.py",
        "self._instance(timed.start, _Slot(was",
        "self._instance(was, _Slot(was",
        (RULES + "test_a_moved_instance_happens_where_it_was_moved_to",),
    ),
    Fault(
        "times in small letters cannot be read",
        "formats/calendartime.py",
        "(?:[Tt](",
        "(?:T(",
        (CLIENTS + "test_what_clients_write_is_kept_and_found",),
    ),
    Fault(
        "a task that is due when the time asked for ends is left out by the index",
        "formats/calendarfilter.py",
        "min(one.end for one in ranges) + 1)",
        "min(one.end for one in ranges))",
        ("tests/protocol/test_calendar_tasks.py",),
    ),
    Fault(
        "a task that ends where the time asked for begins is left out",
        "formats/recurrence.py",
        "            return start <= last and (end > first or end >= last)\n",
        "            return start < last and (end > first or end >= last)\n",
        ("tests/unit/formats/test_calendarfilter.py::test_when_a_task_is_there",),
    ),
    Fault(
        "a query for objects with a zone finds none, for no object is a zone",
        "formats/calendarfilter.py",
        "    names = {one.name for one in wanted.comps if one.defined} & _KINDS\n",
        "    names = {one.name for one in wanted.comps if one.defined}\n",
        (
            "tests/protocol/test_calendars.py::"
            "test_what_a_zone_or_a_calendar_itself_matches_is_found_in_every_kind_of_object",
        ),
    ),
    Fault(
        "what takes a day is over an hour too early where the clocks are put back",
        "formats/recurrence.py",
        "        end = last_day + length.time // timedelta(seconds=1)\n",
        "        end = begin + length.sum // timedelta(seconds=1)\n",
        (RULES + "test_a_day_in_which_the_clocks_change_is_one_day",),
    ),
    Fault(
        "everybody waits while a request of megabytes is parsed",
        "dav/reading.py",
        "        return await aside(raw, lambda: call(raw))\n",
        "        return call(raw)\n",
        (
            "tests/protocol/test_hostile.py::"
            "test_others_get_their_turn_while_a_large_request_is_read",
        ),
    ),
    Fault(
        "a zone that a client brought is kept by what was asked of it",
        "formats/calendarzone.py",
        "if isinstance(zone, ZoneInfo) else",
        "if True else",
        (ZONES + "test_no_zone_of_a_client_is_kept_alive_by_what_was_asked_of_it",),
    ),
    Fault(
        "everybody waits while ten thousand names of one multiget are looked up",
        "dav/report_multiget.py",
        "_HREFS_AT_ONCE: Final = 500 ",
        "_HREFS_AT_ONCE: Final = 50_000 ",
        (
            "tests/protocol/test_hostile.py::"
            "test_no_more_names_are_looked_up_at_once_than_others_can_wait_for",
        ),
    ),
    Fault(
        "one account's slow queries take all threads, and everybody waits for them",
        "service/aside.py",
        "    async with turn:\n        return",
        "    if turn:\n        return",
        (
            "tests/unit/service/test_aside.py::"
            "test_an_account_waits_for_its_own_work_and_never_for_anothers",
        ),
    ),
    Fault(
        "all accounts take turns with one another",
        "dav/app.py",
        "        whose.set(caller.home)\n",
        "        whose.set(0)\n",
        ("tests/protocol/test_calendar_times.py::test_nobody_waits_for_anothers_slow_queries",),
    ),
    Fault(
        "what only one telling of a zone finds is left out where the other finds something else",
        "formats/calendarfilter.py",
        "            yield from self._read(dated, reading).between(*when)\n",
        "            if found := self._read(dated, reading).between(*when):\n"
        "                yield from found\n"
        "                return\n",
        (
            "tests/unit/formats/test_calendarfilter.py::"
            "test_a_zone_told_in_two_ways_is_asked_both_ways",
        ),
    ),
    Fault(
        "each query brings a zone that stays in memory for ever",
        "service/spans.py",
        "        if not (floating is UTC or isinstance(floating, ZoneInfo)):\n            return\n",
        "",
        (SPANS + "test_nothing_is_remembered_under_a_zone_that_a_client_defined",),
    ),
    Fault(
        "everybody waits while the zone of one query is followed for four centuries",
        "dav/zones.py",
        "await beside(partial(_whole_zone, wanted.zone.encode()))",
        "_whole_zone(wanted.zone.encode())",
        (
            "tests/protocol/test_calendar_zones.py::"
            "test_a_zone_that_takes_long_to_follow_holds_up_nobody",
        ),
    ),
    Fault(
        "large bodies that never end fill the memory",
        "dav/request.py",
        "                self.holding.grow(self.caller.home, self.held, size)\n",
        "",
        ("tests/unit/dav/test_holding.py::test_a_body_that_finds_no_room_is_503_and_takes_none",),
    ),
    Fault(
        "an account that sent large bodies may never send another",
        "dav/app.py",
        "            self._holding.let_go(caller.home, request.held)\n",
        "            request.held = 0\n",
        ("tests/unit/dav/test_holding.py::test_a_body_that_finds_no_room_is_503_and_takes_none",),
    ),
    Fault(
        "a time in a zone that nobody knows is taken for one in UTC",
        "formats/calendarzone.py",
        "        return _UNKNOWN_SECONDS if names & self._unknown else 0\n",
        "        return 0\n",
        (
            "tests/unit/formats/test_calendarfilter.py::"
            "test_a_time_in_a_zone_that_nobody_knows_might_be_a_day_off",
        ),
    ),
)
