"""Faults of bodies: acknowledged, and not to be read."""

from __future__ import annotations

from sabotage.fault import Fault

BODIES = "tests/contract/test_bodies.py::"
LOST = "tests/sim/test_lost.py::"
PLACES = "tests/unit/mirror/test_bodies.py::"
WRITING = "tests/sim/test_writing.py::"
DISK = "tests/unit/stores/test_sqlite_disk.py::"

BYTES = (
    Fault(
        "other programs may write to a copy that has taken over",
        "stores/sqlite/replica.py",
        "        self.close()\n        self._durable.sync_file(new.anchor.catalog)\n"
        "        self._opened = self._open(new.marker, new.raw)\n"
        "        return self._opened\n",
        "        self._durable.sync_file(new.anchor.catalog)\n        return new\n",
        (DISK + "test_another_process_can_neither_write_nor_read",),
    ),
    Fault(
        "a record of a body is believed, and its bytes are not looked at",
        "stores/checks.py",
        "    known = [digest for digest in bodies if digest not in lacking]",
        "    known: list[str] = []",
        (
            BODIES + "test_a_recorded_body_that_rotted_is_good_again_once_it_is_given",
            WRITING + "test_old_bytes_that_rotted_are_good_again_once_they_are_put",
        ),
    ),
    Fault(
        "who catches up keeps what rotted there",
        "mirror/keeper.py",
        "        wanted = [*missing, *bad]\n",
        "        wanted = missing\n",
        (WRITING + "test_who_catches_up_is_given_what_rotted_there",),
    ),
    Fault(
        "who catches up is kept from it by an old body that is lost",
        "mirror/keeper.py",
        "            elif digest in missing:\n",
        "            else:\n",
        (WRITING + "test_who_catches_up_needs_no_old_body_that_a_disk_which_is_away_may_have",),
    ),
    Fault(
        "one old body that is lost keeps a disk from being replaced",
        "mirror/bodies.py",
        "Lost.LOST if d in lost else None",
        "None",
        (LOST + "test_a_disk_is_replaced_without_a_body_that_nobody_has",),
    ),
    Fault(
        "a copy leaves behind what only its own place still had",
        "mirror/bodies.py",
        "        left = await _left_at(site, lacking) or {}\n",
        "        left: dict[str, bytes] = {}\n",
        (LOST + "test_a_copy_takes_what_its_own_place_still_has",),
    ),
    Fault(
        "a body is lost because a voter is slow",
        "mirror/reader.py",
        "            if got is None:\n                return []\n",
        "            if got is None:\n                continue\n",
        (LOST + "test_nothing_is_lost_as_long_as_a_voter_is_silent",),
    ),
    Fault(
        "a body is lost though those who may have it were not asked",
        "mirror/reader.py",
        "        if len(others) < self._core.state.quorum:\n",
        "        if not others:\n",
        (LOST + "test_nothing_is_lost_where_fewer_than_a_quorum_can_be_asked",),
    ),
    Fault(
        "a cell is opened as if nothing were lost",
        "mirror/cell.py",
        "    core.alarms.update(opened.alarms)\n",
        "",
        (LOST + "test_a_cell_is_opened_without_a_body_that_w_voters_lack",),
    ),
    Fault(
        "an opening waits for a body that W voters lack",
        "mirror/bodies.py",
        "        if not all_answered or len(self._sure) < self._enough:\n",
        "        if not all_answered or len(self._sure) <= self._enough:\n",
        (
            LOST + "test_a_cell_is_opened_without_a_body_that_w_voters_lack",
            LOST + "test_who_is_levelled_at_an_opening_needs_no_body_that_nobody_has",
        ),
    ),
    Fault(
        "where no cell is open a body is lost though too few were asked",
        "mirror/bodies.py",
        "        if not all_answered or len(self._sure) < self._enough:\n",
        "        if not all_answered:\n",
        (PLACES + "test_nothing_is_lost_where_fewer_than_enough_were_asked",),
    ),
    Fault(
        "where no cell is open a body is lost because a voter is slow",
        "mirror/bodies.py",
        "                all_answered = False\n",
        "                continue\n",
        (PLACES + "test_nothing_is_lost_as_long_as_one_that_counts_is_silent",),
    ),
    Fault(
        "an opening asks those alone that it counts",
        "mirror/launch.py",
        "    return Places(list(sure.values()), plan.source.quorum, rest)",
        "    return Places(list(sure.values()), plan.source.quorum)",
        (LOST + "test_a_copy_at_an_opening_asks_all_voters",),
    ),
    Fault(
        "a rebuild from one replica asks that one alone",
        "mirror/survey.py",
        "    return Places([source, *found], 1, damaged)",
        "    return Places([source], 1)",
        (LOST + "test_a_rebuild_from_one_replica_takes_from_the_others_what_it_lacks",),
    ),
    Fault(
        "a rebuild from one replica does not say what was lost",
        "mirror/survey.py",
        "    return frozenset(lost)",
        "    return frozenset()",
        (LOST + "test_a_rebuild_from_one_replica_says_what_no_place_has",),
    ),
    Fault(
        "whoever hands a body in may have any body recorded",
        "stores/checks.py",
        "    new = [digest for digest in lacking if digest in named]",
        "    new = list(lacking)",
        (BODIES + "test_what_is_given_and_nobody_names_is_not_recorded",),
    ),
    Fault(
        "a healed body is not a part of the batch that promises it",
        "stores/sqlite/replica.py",
        "            opened.writer.put_blob(digest, *record)\n",
        "            pass\n",
        (BODIES + "test_a_recorded_body_that_rotted_is_good_again_once_it_is_given",),
    ),
    Fault(
        "a file that rotted counts as there",
        "stores/blobs.py",
        "        if self.read(digest) == body:\n",
        "        if path.exists():\n",
        (
            BODIES + "test_a_recorded_body_that_rotted_is_good_again_once_it_is_given",
            DISK + "test_a_file_with_other_bytes_is_replaced_and_kept",
        ),
    ),
    Fault(
        "a body is kept under another's name",
        "stores/checks.py",
        "        if digest_of(body) != digest:",
        "        if not digest:",
        (BODIES + "test_a_body_that_is_not_its_digest_is_refused",),
    ),
    Fault(
        "blob counted before its fsync",
        "stores/blobs.py",
        "            self._durable.sync_file(path)\n",
        "            return\n",
        (DISK + "test_a_body_dedupes_onto_an_unsynced_file_by_syncing_it",),
    ),
    Fault(
        "what is good on no copy is said to stand",
        "mirror/writer.py",
        "if not (flown.batch.entries or flown.bodies or self._core.state.unrecorded):",
        "if not (flown.batch.entries or self._core.state.unrecorded):",
        (
            "tests/sim/test_reading.py::"
            "test_a_body_that_is_good_on_no_copy_is_good_again_once_it_is_brought",
        ),
    ),
)
