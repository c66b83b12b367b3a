"""Faults of history and undo: what would give back too little, too much, or another thing."""

from __future__ import annotations

from sabotage.fault import Fault

RESTORE = "tests/unit/history/test_restore.py::"
UNDO = "tests/unit/service/test_undo.py::"
PARTS = "tests/unit/service/test_undo_parts.py::"
TIMELINE = "tests/unit/service/test_timeline.py::"
COMMANDS = "tests/unit/control/test_past.py::"
PHONE = "tests/phone/test_undo.py::"

PAST = (
    Fault(
        "an undo overwrites what was changed since it was planned",
        "history/decide.py",
        "        if (row.number if row is not None else 0) != number:",
        "        if row is None and number:",
        (
            RESTORE + "test_what_changed_since_it_was_looked_at_is_left_alone",
            UNDO + "test_what_changed_since_the_plan_is_told_and_left",
        ),
    ),
    Fault(
        "what comes back gets a new id",
        "history/decide.py",
        "        return _write(view, stamp, old, one.key, edit, PUT, what)\n    if (standing.etag",
        "        what = (entry_id(stamp.batch, len(view.entries)), *what[1:])\n"
        "        return _write(view, stamp, old, one.key, edit, PUT, what)\n    if (standing.etag",
        (RESTORE + "test_what_was_deleted_comes_back_with_its_id",),
    ),
    Fault(
        "a removed book comes back as a new one, without its token",
        "history/decide.py",
        "        return _write(view, stamp, old, one.key, edit, PUT, what)\n    if (standing.etag",
        "        what = (entry_id(stamp.batch, len(view.entries)), *what[1:])\n"
        "        return _write(view, stamp, old, one.key, edit, PUT, what)\n    if (standing.etag",
        (PHONE + "test_a_removed_book_that_comes_back_goes_on_with_the_old_token",),
    ),
    Fault(
        "an id can come to stand twice",
        "history/decide.py",
        "    if len(ids) < len(keys) or not",
        "    if not",
        (RESTORE + "test_an_id_never_comes_to_stand_twice",),
    ),
    Fault(
        "what moves back is deleted and made again",
        "history/decide.py",
        "        moves = standing.id in ids",
        "        moves = False",
        (RESTORE + "test_a_move_goes_back_as_a_move_across_collections",),
    ),
    Fault(
        "what is put into a collection that is gone is acknowledged",
        "history/decide.py",
        "    _check_parent(view, one.key, one.parent)\n",
        "",
        (
            RESTORE + "test_nothing_comes_back_into_a_collection_that_is_gone",
            UNDO + "test_a_collection_that_went_since_the_plan_takes_nothing",
        ),
    ),
    Fault(
        "only one half of a MOVE is undone",
        "service/undoing.py",
        "                groups.join(key, row.id)\n",
        "                groups.join(key, key)\n",
        (UNDO + "test_both_halves_of_a_move_between_collections_go_together",),
    ),
    Fault(
        "one half alone of a MOVE entry is undone",
        "service/undoing.py",
        "if entry == target or _are_halves(entry, target)]",
        "if entry == target]",
        (PARTS + "test_either_half_of_a_move_undoes_both",),
    ),
    Fault(
        "what others did on top of a device's change is undone with it",
        "service/undo.py",
        "        return without(after, before, lambda entry: entry.by in goal.devices)",
        "        return as_before(before), []",
        (PARTS + "test_all_that_a_device_did_goes_back_and_what_others_did_stays",),
    ),
    Fault(
        "a thing whose name was filled is removed for it",
        "service/undoing.py",
        "            dropped, wants[place] = wants[place], _member(now[place])",
        "            dropped = None",
        (PARTS + "test_a_thing_whose_name_others_have_filled_is_left_where_it_is",),
    ),
    Fault(
        "a new collection takes with it what others have put into it",
        "service/undoing.py",
        "        if wants[key] is None and row.id in filled - wanted\n",
        "        if wants[key] is None and row.id in filled & wanted\n",
        (PARTS + "test_a_collection_of_a_device_goes_and_one_that_others_filled_stays",),
    ),
    Fault(
        "one entry's undo removes what took the name since",
        "service/undoing.py",
        "    if taken:\n",
        "    if not wants:\n",
        (PARTS + "test_what_took_the_name_since_is_never_removed_for_one_entry",),
    ),
    Fault(
        "a UID in the way is not told",
        "service/undo.py",
        "    if other is None or other.key == change.key:",
        "    if other is None or change.key:",
        (UNDO + "test_a_uid_that_another_carries_now_is_told_with_its_name",),
    ),
    Fault(
        "what cannot be read comes back all the same",
        "service/undo.py",
        "        if not missing:\n",
        "        if unit:\n",
        (UNDO + "test_a_body_that_cannot_be_read_is_told_and_nothing_comes_back_without_it",),
    ),
    Fault(
        "an undo removes what phones tried to save",
        "service/undo.py",
        "    return entry.kind in KINDS and (entry.kind != COLLECTION or entry.id in journals)",
        "    return entry.kind in KINDS and bool(journals)",
        (UNDO + "test_what_phones_tried_to_save_is_never_touched",),
    ),
    Fault(
        "an undo writes into a frozen account",
        "service/undo.py",
        "    if cell.directory.frozen(account.id) is not None:",
        "    if cell.directory is None:",
        (UNDO + "test_a_frozen_account_is_shown_and_not_changed",),
    ),
    Fault(
        "something else is done than what was shown",
        "control/past.py",
        '        if plan.mark() != call.given["mark"]:',
        "        if plan is None:",
        (COMMANDS + "test_a_plan_that_is_old_is_refused_and_changes_nothing",),
    ),
    Fault(
        "a version that nobody looked at goes unflagged",
        "service/timeline.py",
        "    return replaced or entry.verb == DELETE",
        "    return entry.verb == DELETE",
        (TIMELINE + "test_what_was_overwritten_or_deleted_without_a_condition_is_flagged",),
    ),
    Fault(
        "a page of a history leaves out what is on none",
        "service/timeline.py",
        "            since <= entry.at <= until",
        "            since <= entry.at < until",
        (TIMELINE + "test_all_of_a_history_is_reached_page_by_page",),
    ),
    Fault(
        "a revoked device is nobody",
        "service/past.py",
        "            past.devices[entry.id] = entry.href",
        "            past.devices[entry.id] = entry.href\n"
        "            if entry.verb == 'delete':\n                del past.devices[entry.id]",
        (TIMELINE + "test_devices_are_shown_by_name_when_they_are_revoked_too_and_secrets_never",),
    ),
    Fault(
        "a journal does not tell the client",
        "dav/request.py",
        "        return Origin(self.caller.device.id, self.id, condition, client)",
        "        return Origin(self.caller.device.id, self.id, condition)",
        (
            "tests/protocol/test_put_get_delete.py"
            "::test_the_history_names_the_client_of_each_change",
        ),
    ),
    Fault(
        "a collection that a MOVE went over seems to stand",
        "service/journals.py",
        "            found[other.id] = other._replace(standing=False)  # a MOVE went over it",
        "            pass",
        ("tests/unit/service/test_journals.py",),
    ),
    Fault(
        "edits of many entries overfill a batch",
        "mirror/writer.py",
        "size > limits.BATCH_BYTES_MAX or entries > limits.BATCH_ENTRIES_MAX",
        "size > limits.BATCH_BYTES_MAX or len(taken) > limits.BATCH_ENTRIES_MAX",
        ("tests/unit/mirror/test_batches.py",),
    ),
    Fault(
        "an undo goes back behind the beginning of the account",
        "service/undo.py",
        "        if since < past.began:",
        "        if since < 0:",
        (UNDO + "test_before_its_beginning_there_is_nothing_to_go_back_to",),
    ),
    Fault(
        "leaving a device out puts what others did into another order",
        "service/undoing.py",
        "    _leave_others(now, wants, {entry.id for entry in after if skipped(entry)})\n",
        "",
        (PARTS + "test_what_others_did_in_one_millisecond_is_never_put_into_another_order",),
    ),
    Fault(
        "what goes because something else had its name is not told",
        "service/undoing.py",
        "            if one.is_one and one.standing is not None and one.standing.id not in wanted:",
        "            if one.is_one and one.then is None and one.standing.id not in wanted:",
        (UNDO + "test_what_goes_because_something_else_had_its_name_is_told",),
    ),
    Fault(
        "half a MOVE that happens while the journals are read is removed",
        "service/undo.py",
        "read_entries(cell, upto, progress, upto):",
        "read_entries(cell, upto, progress):",
        (
            "tests/unit/service/test_undo_meanwhile.py"
            "::test_a_move_while_the_journals_are_read_is_never_seen_by_halves",
        ),
    ),
)
