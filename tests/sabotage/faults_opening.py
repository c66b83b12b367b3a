"""Faults of an opening: which history counts, who is copied first, and the batch it begins with."""

from __future__ import annotations

from sabotage.fault import Fault

BESIDE = "tests/sim/test_beside.py::"
OPENING = "tests/sim/test_opening.py::"
HANGING = "tests/unit/stores/test_hanging_start.py::"
STANDING = "tests/sim/test_standing.py::"
WRITING = "tests/sim/test_writing.py::"
CHOICE = "tests/unit/mirror/test_opening.py"
BATCH = "tests/unit/mirror/test_opening_batch.py"
DISK = "tests/unit/stores/test_sqlite_disk.py::"
REPLICA = "tests/contract/test_replica.py"

LAUNCHES = (
    Fault(
        "a disk that hangs keeps a server from starting",
        "compose.py",
        "    _, late = await asyncio.wait(taken, timeout=limits.LISTING_SECONDS_MAX)\n",
        "    _, late = await asyncio.wait(taken, timeout=20)\n    assert not late\n",
        (HANGING + "test_a_disk_that_hangs_keeps_no_cell_shut_and_joins_once_it_is_locked",),
    ),
    Fault(
        "a place that answers late is used without a lock",
        "stores/locks.py",
        "                self._take()\n",
        "                pass\n",
        (HANGING + "test_a_place_that_another_process_took_meanwhile_is_not_used",),
    ),
    Fault(
        "a place that answers after the end is locked for ever",
        "stores/locks.py",
        "            if not self._ended:\n",
        "            if True:\n",
        (HANGING + "test_a_server_ends_while_a_disk_hangs_and_locks_nothing_afterwards",),
    ),
    Fault(
        "who lies there and is not counted is not told",
        "mirror/opening.py",
        "    if others:",
        "    if not good:",
        (CHOICE + "::test_who_lies_there_and_is_not_counted_is_told",),
    ),
    Fault(
        "a copy that was replaced is told as one that comes back by itself",
        "mirror/launch.py",
        "_no_voter(name, opened, sites, probes)",
        '"behind"',
        (OPENING + "test_a_copy_that_another_replaced_meanwhile_is_told_as_one_to_rebuild",),
    ),
    Fault(
        "a copy that knows more is to be replaced like any other",
        "mirror/launch.py",
        "    if number > opened.position.number:\n        return (",
        "    if False:\n        return (",
        (OPENING + "test_a_copy_that_knows_more_than_what_is_served_is_told_as_one_to_keep",),
    ),
    Fault(
        "a rebuild without a witness is shown without a warning",
        "mirror/survey.py",
        "nothing, so nobody can tell whether later changes are missing in that history",
        "nothing",
        ("tests/unit/mirror/test_survey.py",),
    ),
    Fault(
        "a reason that says what to do is contradicted",
        "cli/status_text.py",
        'if "`strongroom " not in row["reason"]',
        "if row",
        ("tests/unit/cli/test_texts.py::test_a_reason_that_says_what_to_do_is_not_contradicted",),
    ),
    Fault(
        "a bad page is told as a rollback that failed",
        "stores/sqlite/reader.py",
        "            if not self._cursor.connection.get_autocommit():",
        "            if True:",
        ("tests/unit/stores/test_sqlite.py::test_a_flipped_bit_in_any_page_is_noticed",),
    ),
    Fault(
        "scrub blames who holds a batch before it is committed",
        "mirror/cell.py",
        "        if batch > self._core.position.number:",
        "        if batch < 0:",
        (
            "tests/unit/upkeep/test_scrub.py::test_who_holds_a_batch_before_it_is_committed_is_not_damaged",
        ),
    ),
    Fault(
        "the oldest history wins",
        "mirror/opening.py",
        "ballots, key=lambda b: (b.found.position.term, b.found.position.number), reverse=True",
        "ballots, key=lambda b: (b.found.position.term, b.found.position.number)",
        (
            OPENING + "test_seed_1_figure_8_of_raft",
            CHOICE,
        ),
    ),
    Fault(
        "the longest history wins over the latest term",
        "mirror/opening.py",
        "ballots, key=lambda b: (b.found.position.term, b.found.position.number), reverse=True",
        "ballots, key=lambda b: (b.found.position.number, b.found.position.term), reverse=True",
        (CHOICE,),
    ),
    Fault(
        "standing is not read at opening",
        "mirror/opening.py",
        '        told = (facts["incarnation"], facts["standing"])',
        '        told = (facts["incarnation"], VOTER)',
        (STANDING + "test_a_doubtful_replica_stays_so_over_restarts",),
    ),
    Fault(
        "an opening counts those present",
        "mirror/opening.py",
        "        if len(voters) < quorum:",
        "        if not voters:",
        (CHOICE,),
    ),
    Fault(
        "a term is used twice",
        "mirror/opening.py",
        "max(promised, seen_term, source.found.position.term) + 1)",
        "max(seen_term, source.found.position.term) + 1)",
        (CHOICE,),
    ),
    Fault(
        "the witness's numbers are not compared",
        "mirror/opening.py",
        "        if ours.number < known.number or chain != known.chain:",
        "        if ours.number >= known.number and chain != known.chain:",
        (CHOICE,),
    ),
    Fault(
        "the witness is not asked",
        "mirror/launch.py",
        "            await _hold_against(opened, testimony)\n",
        "",
        (OPENING + "test_the_witness_is_asked_at_opening",),
    ),
    Fault(
        "empty directories make a new cell",
        "mirror/launch.py",
        "    if testimony is None and all(isinstance(p, Blank) for p in probes):",
        "    if all(isinstance(p, Blank) for p in probes):",
        (OPENING + "test_empty_directories_never_make_a_cell",),
    ),
    Fault(
        "heads are not compared after levelling",
        "mirror/launch.py",
        "    return None if heads == opened.heads else ",
        "    return None if heads else ",
        (OPENING + "test_wrong_heads_of_one_replica_do_not_keep_the_cell_shut",),
    ),
    Fault(
        "no opening batch",
        "mirror/cell.py",
        "                await self._writer.open_term()\n",
        "",
        (WRITING + "test_an_opening_begins_with_an_empty_batch",),
    ),
    Fault(
        "one beside and one good stay frozen",
        "mirror/launch.py",
        "    for name in sorted(opened.beside):",
        "    for name in ():",
        (BESIDE + "test_one_beside_and_one_good_open_by_themselves",),
    ),
    Fault(
        "more are copied at opening than are needed",
        "mirror/launch.py",
        "        if len(opened.level) >= quorum or opened.forgotten:",
        "        if opened.forgotten:",
        (BESIDE + "test_no_more_are_copied_than_are_needed",),
    ),
    Fault(
        "what the witness may know is put away",
        "mirror/launch.py",
        "        if len(opened.level) >= quorum or opened.forgotten:",
        "        if len(opened.level) >= quorum:",
        (BESIDE + "test_what_lies_beside_stays_where_the_witness_knows_more",),
    ),
    Fault(
        "a source that does not fold is the fault of its copy",
        "mirror/launch.py",
        "        except RefusedBatchError:\n            raise\n",
        "",
        (BESIDE + "test_a_source_whose_own_batches_do_not_fold_is_not_copied",),
    ),
    Fault(
        "a copy counts without being compared",
        "mirror/keeper.py",
        "    if expected is not None and heads != expected:",
        "    if expected is None:",
        (BESIDE + "test_a_source_whose_own_batches_do_not_fold_is_not_copied",),
    ),
    Fault(
        "an empty copy holds something beside",
        "mirror/keeper.py",
        "    except BesideError as error:  # the copy is empty: it is the source that is wrong",
        "    except TimeoutError as error:",
        (BESIDE + "test_a_source_whose_batches_are_no_history_makes_nobody_else_look_wrong",),
    ),
    Fault(
        "a body that one place lost keeps the cell shut",
        "mirror/launch.py",
        "        _bodies(opened, site), lambda",
        "        bodies_for(Places([source], 2), source, print), lambda",
        (BESIDE + "test_a_body_that_the_source_lost_is_taken_from_what_lies_beside",),
    ),
    Fault(
        "what lies beside makes a voter doubtful",
        "mirror/keeper.py",
        "        except BesideError:\n            at = ",
        "        except TimeoutError:\n            at = ",
        (BESIDE + "test_with_enough_others_it_is_copied_while_the_cell_serves",),
    ),
    Fault(
        "a copy is fed under no promise",
        "mirror/keeper.py",
        "    await target.call(lambda r: r.promise(term))\n",
        "",
        (STANDING + "test_a_doubtful_replica_stays_so_over_restarts",),
    ),
    Fault(
        "a copy forgets the promise of what it replaces",
        "stores/sqlite/replica.py",
        "copy._make_catalog(identity, self._promised(), name, marked=True)",
        "copy._make_catalog(identity, 0, name, marked=True)",
        (REPLICA + "::test_a_copy_takes_over_by_switch_and_keeps_the_promise",),
    ),
    Fault(
        "a switch forgets what was promised meanwhile",
        "stores/sqlite/replica.py",
        "            if new.writer.standing()[0] < promised:\n",
        "            if new.writer.standing()[0] < 0:\n",
        (REPLICA + "::test_a_copy_takes_over_by_switch_and_keeps_the_promise",),
    ),
    Fault(
        "a copy of the same incarnation is made in the place of the original",
        "stores/marker.py",
        'folder if folder != taken else f"{folder}-again"',
        "folder",
        (DISK + "test_a_copy_of_the_same_incarnation_lies_in_the_other_of_two_folders",),
    ),
    Fault(
        "a marker counts that a killed process did not sync",
        "stores/sqlite/replica.py",
        "            self._durable.sync_dir(self._root)\n            if marker",
        "            if marker",
        (DISK + "test_a_promise_makes_the_marker_durable_that_a_killed_process_left",),
    ),
    Fault(
        "a switch that could not be synced counts",
        "stores/sqlite/replica.py",
        "                self._broken = str(error)\n                raise\n            new.anchor",
        "                raise\n            new.anchor",
        (DISK + "test_after_a_switch_that_was_not_synced_neither_side_is_believed",),
    ),
    Fault(
        "an opening batch that was taken back opens the cell",
        "mirror/writer.py",
        "        if self._core.position != flown.batch.position:",
        "        if self._core.closing:",
        (BATCH,),
    ),
    Fault(
        "a dead opening batch is waited for",
        "mirror/writer.py",
        "            self._flown.landed.set_result(None)  # as far as it ever will",
        "            pass",
        (BATCH,),
    ),
    Fault(
        "nobody is answered while a copy is made that must come first",
        "control/serve.py",
        "asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, _settle, first, None)",
        "pass",
        ("tests/unit/control/test_opening.py",),
    ),
)
