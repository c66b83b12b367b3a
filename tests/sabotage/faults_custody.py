"""Faults of freezes and custody: who holds what, who brought the evidence, what a thaw may cost."""

from __future__ import annotations

from sabotage.fault import Fault

CUSTODY_TESTS = "tests/unit/service/test_custody.py::"
POSITIONS = "tests/protocol/test_positions.py::"
STORE = "tests/unit/stores/test_positions.py::"
FROZEN = "tests/protocol/test_frozen.py::"
THAWED = "tests/protocol/test_thawed.py::"
PHONES_FROZEN = "tests/phone/test_frozen.py::"
FORGOTTEN = "tests/unit/service/test_forgotten.py::"
THAW = "tests/unit/service/test_thaw.py::"
TEXTS = "tests/unit/cli/test_texts.py::"

CUSTODY = (
    Fault(
        "a device may hold what it was not made for",
        "service/custody.py",
        "if device.rights.reaches(service)]",
        "if device.rights or service]",
        ("tests/unit/service/test_custody.py",),
    ),
    Fault(
        "who saves what stands takes it from all others",
        "service/custody.py",
        "        return entry.verb == PROPS or entry.etag != self.by_name.get(entry.href)\n",
        "        return True\n",
        (
            "tests/unit/service/test_custody.py::"
            "test_a_device_that_saves_what_stands_holds_it_and_so_do_the_others",
        ),
    ),
    Fault(
        "a device holds what it was only answered",
        "service/changes.py",
        "    return Delta(changed, removed, place, part.more, CameBack(token.number, token.chain))",
        "    asked = CameBack(part.upto, part.chain[:CHAIN_BYTES])\n"
        "    return Delta(changed, removed, place, part.more, asked)",
        (POSITIONS + "test_the_place_is_that_of_the_token_that_came_back_not_of_the_answer",),
    ),
    Fault(
        "a first answer counts as taken in",
        "service/changes.py",
        "        start = CameBack(0, genesis_chain(collection.id)[:CHAIN_BYTES])",
        "        start = CameBack(1, cell.head(collection.id).chain[:CHAIN_BYTES])",
        (POSITIONS + "test_the_place_is_that_of_the_token_that_came_back_not_of_the_answer",),
    ),
    Fault(
        "a version that a visit may have replaced counts as held",
        "service/custody.py",
        "        elif not own and entry.at <= self.device.told_until and self._may_differ(entry):",
        "        elif entry is None:",
        (CUSTODY_TESTS + "test_what_a_visit_may_have_brought_counts_as_held_in_neither_version",),
    ),
    Fault(
        "a card whose bytes a device could not have counts as held",
        "service/custody.py",
        "        return entry.verb == PROPS or entry.etag != self.by_name.get(entry.href)\n",
        "        return entry.etag != self.by_name.get(entry.href)\n",
        ("tests/phone/test_custody.py",),
    ),
    Fault(
        "a revoked device is forgotten by the custody map",
        "service/custody.py",
        "            devices[entry.id].revoked = entry.at",
        "            devices.pop(entry.id)",
        (CUSTODY_TESTS + "test_a_revoked_device_counts_for_it_keeps_what_it_has",),
    ),
    Fault(
        "a device whose visits are not known is believed to hold old versions",
        "service/custody.py",
        "        return self.sighting.at + _VISIT_MS if self.sighting else _FOREVER",
        "        return self.sighting.at + _VISIT_MS if self.sighting else 0",
        (
            CUSTODY_TESTS
            + "test_a_device_whose_visits_are_not_known_holds_only_what_nobody_changed_since",
        ),
    ),
    Fault(
        "a request of a phone waits for the file of positions",
        "stores/positions.py",
        "            self._seen[device] = (home, agent)",
        "            self._seen[device] = (home, agent)\n            self._write(self._seen, {})",
        (STORE + "test_a_note_touches_no_disk",),
    ),
    Fault(
        "a file of positions that is no good ends them",
        "stores/positions.py",
        "        except (*_LOST, OtherFormatError) as error:",
        "        except OtherFormatError as error:",
        (STORE + "test_a_file_that_is_no_good_is_set_aside_and_begun_anew",),
    ),
    Fault(
        "a freeze does not say who brought the evidence",
        "service/changes.py",
        '"account", why, evidence, Origin(caller.device.id))',
        '"account", why, evidence)',
        (PHONES_FROZEN + "test_the_later_state_comes_back_and_every_edit_is_there",),
    ),
    Fault(
        "a frozen home is listed as if nothing were",
        "dav/app.py",
        "frozenset({Place.HOME, Place.COLLECTION, Place.OBJECT})",
        "frozenset({Place.COLLECTION, Place.OBJECT})",
        (FROZEN + "test_frozen_home_collections_and_objects_say_later_and_nothing_changes",),
    ),
    Fault(
        "a frozen home is gone",
        "dav/statuses.py",
        "    errors.FrozenError: Status(503),",
        "    errors.FrozenError: Status(404),",
        (FROZEN + "test_frozen_home_collections_and_objects_say_later_and_nothing_changes",),
    ),
    Fault(
        "a frozen book is removed by a MOVE onto it",
        "service/moving.py",
        "        check_collection(cell, home, standing)  # a frozen one is not removed either\n",
        "        pass\n",
        (FROZEN + "test_a_frozen_book_says_later_and_takes_and_gives_nothing",),
    ),
    Fault(
        "a freeze that nobody ended is no alarm",
        "service/thaw.py",
        "    return now_ms - freeze.since > FREEZE_SECONDS_MAX * 1000",
        "    return now_ms < freeze.since",
        (THAW + "test_a_freeze_is_overdue_after_a_day_and_not_before",),
    ),
    Fault(
        "frozen accounts are not in the status",
        "cli/status_text.py",
        '    count, rows = frozen["accounts"], frozen["rows"]',
        '    count, rows = 0, frozen["rows"]',
        (TEXTS + "test_the_status_says_how_much_is_frozen_since_when_why_and_what_to_do",),
    ),
    Fault(
        "two pieces of evidence about one journal can never be thawed",
        "service/thaw.py",
        "            skips[lost.collection] = max(to, skips.get(lost.collection, 0))",
        "            skips[lost.collection] = to",
        (THAW + "test_two_pieces_of_evidence_about_one_journal_are_accepted_together",),
    ),
    Fault(
        "after a thaw a phone drops its edit of what was lost",
        "service/objects.py",
        "        row = (await submit(cell, edit, {digest: body}))[0]",
        "        row = (await cell.submit(edit, {digest: body}))[0]",
        (PHONES_FROZEN + "test_a_thaw_takes_nothing_from_a_phone_though_nothing_was_handed_back",),
    ),
    Fault(
        "after a thaw an old edit replaces what was changed since",
        "service/forgotten.py",
        " if standing.number <= upto else None",
        "",
        (FORGOTTEN + "test_what_was_changed_since_the_thaw_is_refused_as_ever",),
    ),
    Fault(
        "after a thaw an edit of a version that was kept replaces a later one",
        "service/forgotten.py",
        " or any(await cell.bodies(sorted(match))):",
        ":",
        (FORGOTTEN + "test_every_other_condition_that_does_not_hold_is_refused",),
    ),
    Fault(
        "after a thaw a phone's later version is replaced by ours",
        "service/changes.py",
        "    return delta._replace(changed=lacking)",
        "    return delta._replace(changed=delta.changed or lacking)",
        (THAWED + "test_it_is_told_what_others_wrote_and_not_what_it_has_or_knows_better",),
    ),
)
