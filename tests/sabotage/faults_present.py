"""Faults of knowing which copies are there: what would tell an owner that all is well.

And of what is set aside: what would fill a disk, or delete a replica.
"""

from __future__ import annotations

from sabotage.fault import Fault

QUIET = "tests/sim/test_present.py::"
PRESENT = "tests/unit/stores/test_present.py::"
HANGS = "tests/unit/mirror/test_hanging.py::"
LEFT = "tests/unit/stores/test_leftovers.py::"
STATUS = "tests/unit/control/test_status.py::"

PRESENCE = (
    Fault(
        "the status tells what was known a while ago",
        "control/copies.py",
        "        await cell.look()\n",
        "        pass\n",
        (STATUS + "test_the_copies_are_looked_at_before_anything_is_told",),
    ),
    Fault(
        "who asks about a disk that hangs waits for it",
        "compose.py",
        "        async with asyncio.timeout(limits.READ_SECONDS_MAX):\n",
        "        async with asyncio.timeout(None):\n",
        (STATUS + "test_a_place_that_hangs_is_told_as_not_reachable",),
    ),
    Fault(
        "a copy that is gone is told without what to do",
        "cli/status_text.py",
        "    return [*lines, *_what_to_do(report)]\n",
        "    return lines\n",
        ("tests/unit/cli/test_texts.py",),
    ),
    Fault(
        "a copy is looked at only when something is written",
        "mirror/keeper.py",
        "            await self.look()\n",
        "",
        (QUIET + "test_a_disk_that_vanishes_is_noticed_without_a_write_and_comes_back",),
    ),
    Fault(
        "who catches up is told as one that is not there",
        "mirror/cell.py",
        '"" if name in self._keeper.catching_up else peer.reason',
        "peer.reason",
        (QUIET + "test_who_catches_up_is_told_of_as_that_and_of_nothing_that_is_over",),
    ),
    Fault(
        "a full disk is offered a batch without a pause",
        "mirror/keeper.py",
        "            if flying and self._flying.get(name) == flying:",
        "            if False:",
        (
            "tests/sim/test_writing.py::test_a_batch_that_full_disks_hold_up_is_offered_to_them_now_and_then",
        ),
    ),
    Fault(
        "nothing is said to be lost though no copy answers",
        "cli/status_text.py",
        "    if not good:",
        "    if False:",
        ("tests/unit/cli/test_texts.py::test_where_no_copy_is_good_nothing_is_promised",),
    ),
    Fault(
        "strangers' connections take all files of the process",
        "wire.py",
        "    return min(CONNECTIONS_MAX, _files(soft) - FILES_KEPT)",
        "    return CONNECTIONS_MAX",
        (
            "tests/e2e/test_load.py",
            "tests/protocol/test_slow_clients.py::test_connections_leave_files_for_all_else",
        ),
    ),
    Fault(
        "a server keeps the few files that a shell allows",
        "control/serve.py",
        "        compose.allow_files()\n",
        "",
        ("tests/e2e/test_load.py",),
    ),
    Fault(
        "a process that may open no more files blames its disks",
        "stores/sqlite/anchor.py",
        "            if error.errno in STARVED:",
        "            if False:",
        (PRESENT + "test_a_process_that_may_open_no_more_files_says_nothing_of_its_disks",),
    ),
    Fault(
        "entries of a time to come are no alarm",
        "mirror/core.py",
        "        if days < 1:",
        "        if days:",
        ("tests/sim/test_writing.py::test_entries_of_a_time_to_come_are_an_alarm",),
    ),
    Fault(
        "a read-only disk under data is told as a mistake of ours",
        "control/listen.py",
        "    except OSError as error:\n        door.close()",
        "    except ValueError as error:\n        door.close()",
        (
            "tests/unit/control/test_socket.py::test_a_directory_that_takes_no_writes_is_told_as_that",
        ),
    ),
    Fault(
        "a disk that hangs counts as good",
        "mirror/watch.py",
        "        self._give_up_the_silent()\n",
        "",
        (QUIET + "test_a_disk_that_hangs_holds_up_nobody_and_is_told",),
    ),
    Fault(
        "a read-only copy that lacks nothing is good again at once",
        "mirror/keeper.py",
        "        self._writer.free[name] = await site.writing(lambda r: r.present())\n",
        "",
        (QUIET + "test_a_medium_that_became_read_only_is_behind_until_it_takes_writes",),
    ),
    Fault(
        "room is all that is asked of a quiet copy",
        "stores/sqlite/replica.py",
        "            opened.anchor.check()\n            return opened.anchor.room()\n",
        "            return opened.anchor.room()\n",
        (PRESENT + "test_a_folder_without_its_marker_has_vanished",),
    ),
    Fault(
        "what the kernel remembers of a pulled disk is believed",
        "stores/sqlite/anchor.py",
        "        self._refuse_pulled_out()\n        try:\n",
        "        try:\n",
        (PRESENT + "test_a_disk_that_is_pulled_out_has_vanished_though_its_files_still_answer",),
    ),
    Fault(
        "a file system that stopped after an error counts as good",
        "stores/sqlite/anchor.py",
        "        if found.f_flag & os.ST_RDONLY or stopped:\n",
        "        if found.f_flag & os.ST_RDONLY:\n",
        (PRESENT + "test_a_file_system_that_stopped_after_an_error_is_said_before_anybody_writes",),
    ),
    Fault(
        "a disk that is known to hang is asked first",
        "mirror/reader.py",
        "        silent = {name for name, peer in state.peers.items() if peer.reason}"
        " | self._slow.keys()\n",
        "        silent = set(self._slow)\n",
        (HANGS + "test_reads_and_writes_ask_who_is_silent_last",),
    ),
    Fault(
        "the log of a disk that hangs is waited for, and all others grow",
        "mirror/keeper.py",
        "            await in_time(checkpoint, limits.LISTING_SECONDS_MAX)\n",
        "            await checkpoint\n",
        (HANGS + "test_the_logs_of_the_others_are_moved_over_all_the_same",),
    ),
    Fault(
        "an opening waits for the history of a disk that hangs",
        "mirror/site.py",
        "        return await in_time(self.reading(call), limits.LISTING_SECONDS_MAX)\n",
        "        return await self.reading(call)\n",
        (HANGS + "test_an_opening_ends_wherever_a_disk_begins_to_hang",),
    ),
    Fault(
        "a scrub waits for a disk that hangs",
        "mirror/cell.py",
        "        return {name: Patient(site) for name, site in self._core.sites.items()}\n",
        "        return dict(self._core.sites)  # type: ignore[arg-type]\n",
        (HANGS + "test_a_scrub_says_that_one_did_not_answer_and_reads_the_others",),
    ),
    Fault(
        "each try of a copy leaves another folder",
        "stores/sqlite/replica.py",
        "            leftovers.clear(self._root, old, self._durable)\n",
        "",
        (LEFT + "test_a_copy_that_fails_ten_times_leaves_one_leftover_at_most",),
    ),
    Fault(
        "the mark of a copy goes before its marker takes over",
        "stores/sqlite/leftovers.py",
        "        durable.replace(root / marker.NAME, copy.encode())\n"
        "        unmark(root / copy.folder, durable)\n",
        "        unmark(root / copy.folder, durable)\n"
        "        durable.replace(root / marker.NAME, copy.encode())\n",
        (
            LEFT + "test_a_marker_that_cannot_be_replaced_leaves_nothing_that_grows",
            LEFT + "test_a_copy_that_was_about_to_take_over_is_a_leftover",
        ),
    ),
    Fault(
        "a voter looks like a leftover",
        "stores/sqlite/leftovers.py",
        "        unmark(root / copy.folder, durable)\n",
        "",
        (LEFT + "test_a_copy_loses_its_mark_for_good_once_its_marker_has_taken_over_for_good",),
    ),
    Fault(
        "a voter that was killed in a switch looks like a leftover",
        "stores/sqlite/replica.py",
        "            if marker.decode(opened.raw) == opened.marker:  # a copy is not counted yet\n",
        "            if False:\n",
        (LEFT + "test_a_copy_that_took_over_is_no_leftover_before_it_is_counted",),
    ),
    Fault(
        "a marker that nobody synced is believed because its disk had vanished",
        "stores/sqlite/leftovers.py",
        "        if _has(root, old):\n            raise\n        raise BrokenReplicaError",
        "        raise\n        raise BrokenReplicaError",
        (
            "tests/contract/test_io_sweep.py::"
            "test_a_place_that_vanishes_in_a_switch_is_what_it_was_or_is_not_believed",
        ),
    ),
    Fault(
        "a folder counts as unfinished whatever it holds",
        "stores/sqlite/leftovers.py",
        "    if MARK not in names or not names <= _OURS:\n",
        "    if MARK not in names:\n",
        (LEFT + "test_what_is_not_surely_an_unfinished_copy_of_ours_is_left",),
    ),
    Fault(
        "another replica's unfinished copy is removed",
        "stores/sqlite/leftovers.py",
        "    return same and copy.folder == folder.name\n",
        "    return copy.folder == folder.name\n",
        (LEFT + "test_what_is_not_surely_an_unfinished_copy_of_ours_is_left",),
    ),
    Fault(
        "a removal takes the mark first",
        "stores/sqlite/leftovers.py",
        "key=lambda entry: entry.name == MARK",
        "key=lambda entry: entry.name != MARK",
        (LEFT + "test_a_removal_that_ends_half_way_is_finished_by_the_next",),
    ),
)
