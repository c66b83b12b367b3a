"""Faults of refused writes and of merging: what a phone drops, and what comes of it."""

from __future__ import annotations

from sabotage.fault import Fault

REFUSED = "tests/protocol/test_refused.py::"
KEEPER = "tests/unit/service/test_refused.py::"
APPLYING = "tests/unit/service/test_applying.py::"
PHONES = "tests/phone/test_refused.py::"
EVENTS = "tests/unit/service/test_calendar_past.py::"
MERGE = "tests/unit/formats/test_cardmerge.py::"

KEPT = (
    Fault(
        "a refused write is not kept",
        "dav/app.py",
        "await refuse(request, await attend(request, error))",
        "await refuse(request, error)",
        (PHONES + "test_an_edit_that_the_phone_drops_is_in_the_list_byte_for_byte",),
    ),
    Fault(
        "of a refused write only the first 64 KiB are kept",
        "dav/refusals.py",
        "await request.brought(OBJECT_BYTES_MAX)",
        "await request.brought(65536)",
        (REFUSED + "test_a_body_is_kept_up_to_the_longest_that_is_taken",),
    ),
    Fault(
        "a body that was refused by its headers is not read",
        "dav/request.py",
        "        await self._read_on(limit)\n        return self._read[:limit]",
        "        return self._read[:limit]",
        (REFUSED + "test_what_a_read_only_device_wrote_is_kept_and_its_body_is_read_for_that",),
    ),
    Fault(
        "a part is taken for the whole",
        "dav/request.py",
        "return self._read[:limit], len(self._read) <= limit and not self._more",
        "return self._read[:limit], True",
        (REFUSED + "test_a_body_is_kept_up_to_the_longest_that_is_taken",),
    ),
    Fault(
        "clients see the collection of refused writes",
        "service/collections.py",
        "    return data not in _OURS",
        "    return True",
        (REFUSED + "test_no_client_sees_what_is_kept",),
    ),
    Fault(
        "an address reaches the collection of refused writes",
        "service/refused.py",
        'NAME: Final = "/refused"',
        'NAME: Final = "refused"',
        (REFUSED + "test_no_client_sees_what_is_kept",),
    ),
    Fault(
        "trouble of the keeper is told to the phone",
        "dav/refusals.py",
        "except (StrongroomError, TimeoutError) as trouble:",
        "except TimeoutError as trouble:",
        (REFUSED + "test_trouble_of_the_keeper_never_changes_the_answer",),
    ),
    Fault(
        "a keeper that hangs holds the phone up",
        "service/refused.py",
        "async with asyncio.timeout(REFUSED_KEEP_SECONDS_MAX), account.lock:",
        "async with account.lock:",
        (KEEPER + "test_a_keeper_that_hangs_gives_up_and_remembers_the_name",),
    ),
    Fault(
        "what came too fast is forgotten",
        "service/refused.py",
        "        account.remember(write)\n        return False",
        "        return False",
        (KEEPER + "test_what_came_too_fast_is_named_with_the_next_one",),
    ),
    Fault(
        "what is remembered while others are written down is forgotten",
        "service/refused.py",
        "    del account.names[: len(names)]\n",
        "    account.names.clear()\n",
        (KEEPER + "test_what_is_remembered_while_others_are_written_down_is_not_forgotten",),
    ),
    Fault(
        "what a device tried to save counts as held by it",
        "service/custody.py",
        "        if not is_shown(ever.data):\n            continue",
        "        if not ever.data:\n            continue",
        (KEEPER + "test_what_a_device_tried_to_save_is_nothing_that_it_holds",),
    ),
    Fault(
        "what was refused counts for the quota",
        "service/meters.py",
        "collections = shown(cell.directory.members(account.id, COLLECTION))",
        "collections = cell.directory.members(account.id, COLLECTION)",
        (REFUSED + "test_over_a_quota_it_is_kept_whole_and_counts_against_none",),
    ),
    Fault(
        "refused writes are kept without a bound",
        "service/refused.py",
        "        if count > REFUSED_KEPT_MAX or size > REFUSED_BYTES_MAX:",
        "        if count > REFUSED_KEPT_MAX * 10:",
        (
            KEEPER + "test_the_oldest_make_room_in_number",
            KEEPER + "test_the_oldest_make_room_in_bytes",
        ),
    ),
    Fault(
        "the newest refused writes make room for the oldest",
        "service/refused.py",
        "sorted(rows, key=lambda row: row.number, reverse=True)",
        "sorted(rows, key=lambda row: row.number)",
        (KEEPER + "test_the_oldest_make_room_in_number",),
    ),
    Fault(
        "a refused deletion moves no number",
        "dav/refusals.py",
        "        await tell_again(request.cell, collection, [member], request.id, why)\n",
        "",
        (PHONES + "test_who_gives_a_refused_deletion_up_gets_the_card_back",),
    ),
    Fault(
        "a refused deletion of a read-only device moves no number",
        "dav/refusals.py",
        "_TOLD_AGAIN: Final = frozenset({403, 412})",
        "_TOLD_AGAIN: Final = frozenset({412})",
        (PHONES + "test_who_gives_a_refused_deletion_up_gets_the_card_back",),
    ),
    Fault(
        "a deletion that cannot be told again is refused all the same",
        "dav/refusals.py",
        "        return trouble if status_of(trouble).code == 503 else UnsureError()",
        "        return error",
        (REFUSED + "test_a_deletion_that_cannot_be_told_again_is_503",),
    ),
    Fault(
        "a read-only device writes entries without end",
        "dav/refusals.py",
        "if isinstance(error, RightsError) and not keeper.may_tell_again(device.id):",
        "if isinstance(error, RightsError) and False:",
        (REFUSED + "test_a_read_only_device_is_told_again_so_often_and_then_503",),
    ),
    Fault(
        "a refused write is applied on top of what nobody was shown",
        "service/applying.py",
        "    if seen.shown != shown_etag:",
        "    if not seen:",
        (APPLYING + "test_what_changed_since_it_was_shown_is_shown_again_first",),
    ),
    Fault(
        "a refused write is applied without its condition",
        "service/applying.py",
        "data, origin, when, seen.collection.key",
        "data, origin, Precondition(), seen.collection.key",
        (APPLYING + "test_what_changed_since_it_was_shown_is_shown_again_first",),
    ),
    Fault(
        "a condition may name a version of anything as the base",
        "service/applying.py",
        "if e.etag in named and e.id == standing.id]",
        "if e.etag in named]",
        (APPLYING + "test_a_base_is_only_a_version_of_this_very_object",),
    ),
    Fault(
        "a merge lets the phone's value go where both changed it",
        "formats/cardmerge.py",
        '        elif beside is not None and self._prefer == "both":\n',
        '        elif beside is not None and self._prefer == "all":\n',
        (MERGE + "test_a_value_that_both_changed_differently_is_kept_twice_and_reported",),
    ),
    Fault(
        "who deletes wins over who edits",
        "formats/cardmerge.py",
        '        if self._prefer == "wanted" and rival is not None:\n',
        '        if rival is not None and (new is None or self._prefer == "wanted"):\n',
        (MERGE + "test_who_edits_wins_over_who_deletes_and_it_is_reported",),
    ),
    Fault(
        "a hostile card is merged for minutes",
        "formats/cardmerge.py",
        "[:MERGE_ALIKE_MAX]:",
        ":",
        (MERGE + "test_hostile_cards_are_merged_in_time",),
    ),
    Fault(
        "a label comes into the group of another number",
        "formats/cardmerge.py",
        "        while own.upper() in self._taken:",
        "        while own in self._taken:",
        (MERGE + "test_a_label_goes_with_its_property_under_a_group_that_is_free",),
    ),
    Fault(
        "a refused event takes the place of what others wrote, unasked",
        "service/reconciling.py",
        "    return Reconciled(body, differences(EVENTS, standing, wanted))\n",
        "    return Reconciled(wanted, ())\n",
        (
            EVENTS + "test_a_refused_event_is_kept_and_told_by_its_summary_and_fields",
            EVENTS + "test_of_two_versions_of_an_event_one_stands_whole",
        ),
    ),
    Fault(
        "a change of one instance looks like one of all",
        "formats/calendardiff.py",
        'field=f"{one.field} ({key[1]})" if key[1] else one.field',
        "field=one.field",
        (
            "tests/unit/formats/test_calendardiff.py"
            "::test_alarms_and_moved_instances_are_compared_with_their_like",
        ),
    ),
)
