"""The faults: each one small, each one fatal, each with the tests that must notice it.

`old` stands exactly once in `file` (below src/strongroom) and becomes `new`. A fault is worth its
place if a tired person could write it and every other test would still be green.
"""

from __future__ import annotations

from sabotage.fault import Fault
from sabotage.faults_bodies import BYTES
from sabotage.faults_calendars import CALENDARS
from sabotage.faults_custody import CUSTODY
from sabotage.faults_export import EXPORT
from sabotage.faults_intake import INTAKES
from sabotage.faults_opening import LAUNCHES
from sabotage.faults_past import PAST
from sabotage.faults_people import PEOPLE
from sabotage.faults_phones import PHONES
from sabotage.faults_present import PRESENCE
from sabotage.faults_protocol import PROTOCOL
from sabotage.faults_proxies import PROXIES
from sabotage.faults_refused import KEPT
from sabotage.faults_space import SPACE
from sabotage.faults_times import TIMES
from sabotage.faults_unopened import UNOPENED
from sabotage.faults_words import WORDS

WRITING = "tests/sim/test_writing.py::"
READING = "tests/sim/test_reading.py::"
STANDING = "tests/sim/test_standing.py::"
OPENING = "tests/sim/test_opening.py::"
STATE = "tests/unit/mirror"
DECIDE = "tests/unit/history/test_decide.py::"
REPLICA = "tests/contract/test_replica.py"
DURABLE = "tests/unit/stores/test_durable.py::"
SQLITE = "tests/unit/stores/test_sqlite.py::"
DISK = "tests/unit/stores/test_sqlite_disk.py::"
WITNESS = "tests/unit/stores/test_witness.py::"

HISTORY = (
    Fault(
        "pre-image ignored",
        "history/fold.py",
        "    _check_pre_image(entry, old)\n",
        "",
        (WRITING + "test_a_replica_whose_row_is_old_refuses_and_is_doubtful",),
    ),
    Fault(
        "number of an entry not checked",
        "history/fold.py",
        "    if entry.number != next_number(head.number, entry):",
        "    if entry.number < 0:",
        ("tests/unit/history/test_fold.py",),
    ),
    Fault(
        "condition of a PUT ignored",
        "history/decide.py",
        "    if not edit.when.holds(standing.etag if standing else None, number):",
        "    if edit is None:",
        (DECIDE + "test_condition_that_does_not_hold_is_refused",),
    ),
    Fault(
        "anybody's repeated PUT succeeds",
        "history/decide.py",
        "        if same and standing is not None and standing.by == edit.origin.device:",
        "        if same and standing is not None:",
        (OPENING + "test_a_repeated_request_finds_its_own_bytes",),
    ),
    Fault(
        "who saves what stands is not told of",
        "history/decide.py",
        "standing.data == edit.data and standing.kind != OBJECT:",
        "standing.data == edit.data:",
        (
            "tests/protocol/test_reports.py::"
            "test_the_bytes_that_stand_put_again_are_told_with_their_etag",
        ),
    ),
    Fault(
        "a repeated PUT is told twice",
        "history/decide.py",
        """            return (standing,)
        raise PreconditionError
    if same""",
        """            return _write(view, stamp, old, edit.key, edit, PUT,
                (standing.id, edit.etag, edit.data, props))
        raise PreconditionError
    if same""",
        (
            "tests/protocol/test_reports.py::"
            "test_the_bytes_that_stand_put_again_are_told_with_their_etag",
        ),
    ),
    Fault(
        "half of a refused pair of edits is kept",
        "history/decide.py",
        "        trial = view.fork()",
        "        trial = view",
        (DECIDE + "test_edits_together_happen_all_or_not_at_all",),
    ),
    Fault(
        "a number is issued twice",
        "history/decide.py",
        "    if edit.to <= head.number:",
        "    if edit.to < 0:",
        (DECIDE + "test_numbers_are_skipped_ahead_only",),
    ),
    Fault(
        "a write into a removed collection",
        "history/decide.py",
        "    if not isinstance(stands, Member) or stands.id != key.collection:",
        "    if not isinstance(stands, Member):",
        (DECIDE + "test_edit_of_a_collection_that_is_gone_or_another_is_refused",),
    ),
    Fault(
        "a tampered directory is served",
        "history/directory.py",
        "            if (len(members), total) != (head.members, head.sum):",
        "            if len(members) != head.members:",
        ("tests/unit/history/test_directory.py",),
    ),
)

MIRROR = (
    Fault(
        "quorum of one",
        "mirror/state.py",
        "    if len(flight.votes & voters) >= state.quorum:",
        "    if len(flight.votes & voters) >= 1:",
        (WRITING + "test_nothing_below_quorum_is_answered",),
    ),
    Fault(
        "a cell whose disks went away calls itself well",
        "mirror/state.py",
        "        if peer.reason:",
        "        if False:",
        (
            "tests/unit/mirror/test_state.py::"
            "test_a_cell_whose_batch_finds_no_quorum_is_not_writable_until_one_is_back",
        ),
    ),
    Fault(
        "one that joins is counted",
        "mirror/state.py",
        "    voters = state.named(VOTER)\n",
        "    voters = state.named(VOTER, JOINING)\n",
        (STATE,),
    ),
    Fault(
        "a doubt is not recorded before the acknowledgement",
        "mirror/state.py",
        "    if state.unrecorded:\n        return state, [*actions, Record(state.unrecorded)]",
        "    if not flight.votes:\n        return state, [*actions, Record(state.unrecorded)]",
        (STATE,),
    ),
    Fault(
        "a batch is rebuilt while somebody may hold it",
        "mirror/state.py",
        "    if flight.handed and flight.handed <= flight.surely_not_held and not flight.votes:",
        "    if flight.handed and flight.surely_not_held and not flight.votes:",
        (STATE,),
    ),
    Fault(
        "a slow one is never caught up",
        "mirror/state.py",
        "        return state, [CatchUp(event.replica)] if late else []",
        "        return state, [CatchUp(event.replica)] if late and flight else []",
        (STATE,),
    ),
    Fault(
        "two doubts shut the cell for good",
        "mirror/state.py",
        "    if len(state.peers) - len(state.named(DOUBTFUL, JOINING)) < state.quorum:",
        "    if not state.peers:",
        (STATE,),
    ),
    Fault(
        "entry times go back with the clock",
        "mirror/core.py",
        "        self.last_ms = max(self.last_ms, self._clock.now_ms())",
        "        self.last_ms = self._clock.now_ms()",
        (WRITING + "test_entry_times_never_go_back",),
    ),
    Fault(
        "entry times go back over a restart",
        "mirror/cell.py",
        "    core.last_ms = opened.last_ms\n",
        "",
        (WRITING + "test_entry_times_never_go_back",),
    ),
    Fault(
        "the reserve is not kept",
        "mirror/writer.py",
        "        if _grows(edit) and self.full():",
        "        if _grows(edit) and core.closing:",
        (WRITING + "test_a_full_disk_refuses_writes_and_nothing_else",),
    ),
    Fault(
        "a full disk refuses deletes",
        "mirror/writer.py",
        "    return not isinstance(edit, Remove)\n",
        "    return True\n",
        (WRITING + "test_a_full_disk_refuses_writes_and_nothing_else",),
    ),
    Fault(
        "a refusal rests on one replica",
        "mirror/writer.py",
        "        if unproven:\n",
        "        if not rows:\n",
        (READING + "test_a_refusal_that_rests_on_a_lost_row_is_not_told",),
    ),
    Fault(
        "a failing statement fails all",
        "mirror/writer.py",
        "[w for w, _ in flown.asked if w is not culprit]",
        "[]",
        (WRITING + "test_a_failing_statement_fails_one_edit_alone",),
    ),
    Fault(
        "read from a laggard",
        "mirror/reader.py",
        "        floor = self._core.position.number\n        for site in self.candidates(floor):",
        "        floor = 0\n        for site in self.candidates(floor):",
        (READING + "test_a_laggard_is_not_asked",),
    ),
    Fault(
        "an answer from a batch below quorum",
        "mirror/reader.py",
        "            if await self._core.stands(snapshot.position, limits.READ_SECONDS_MAX):",
        "            if snapshot.position.number >= floor:",
        (WRITING + "test_nothing_below_quorum_is_answered",),
    ),
    Fault(
        "404 for 503",
        "mirror/reader.py",
        "                    self._blame(claims, agreed)\n"
        "                    return agreed\n"
        "        raise UnsureError",
        "                    self._blame(claims, agreed)\n"
        "                    return agreed\n"
        "        return [None for _ in keys]",
        (READING + "test_an_absence_that_one_voter_alone_can_tell_is_unsure",),
    ),
    Fault(
        "one voter's word for an absence",
        "mirror/reader.py",
        "            if column.count(row) >= self._witnesses:",
        "            if column.count(row) >= 1:",
        (READING + "test_a_lost_row_is_not_an_absence",),
    ),
    Fault(
        "an old tombstone is believed",
        "mirror/reader.py",
        "lambda rows: all(isinstance(r, Member) for r in rows)",
        "lambda rows: None not in rows",
        (READING + "test_a_tombstone_of_the_past_is_not_an_absence",),
    ),
    Fault(
        "a listing is not compared with the committed head",
        "mirror/reader.py",
        "(len(listing.members), total) == (head.members, head.sum)",
        "head.members >= 0",
        (WRITING + "test_a_replica_whose_rows_and_head_agree_is_still_not_believed",),
    ),
    Fault(
        "digest of a body not checked on read",
        "mirror/reader.py",
        "    return {d: body for d, body in pairs if body is not None and digest_of(body) == d}",
        "    return {d: body for d, body in pairs if body is not None}",
        (READING + "test_a_bad_body_is_healed_on_the_way",),
    ),
    Fault(
        "a token of another history is answered",
        "mirror/reader.py",
        "            if start is None or not start.startswith(chain):",
        "            if start is None:",
        (READING + "test_a_token_that_no_journal_explains_is_told_apart",),
    ),
    Fault(
        "a token of another history is answered from memory",
        "mirror/reader.py",
        "journal.chain is None or not journal.chain.startswith(chain):",
        "journal.chain is None:",
        ("tests/unit/mirror/test_recent.py",),
    ),
    Fault(
        "a token of a number that a gap left out is answered from memory",
        "mirror/recent.py",
        "                known = line.number == after\n",
        "                known = line.number <= after\n",
        ("tests/unit/mirror/test_recent.py",),
    ),
    Fault(
        "the witness is never told",
        "mirror/testifying.py",
        "        if position.number == told or self._witness is None:",
        "        if position.number >= told or self._witness is None:",
        (OPENING + "test_the_witness_is_asked_at_opening",),
    ),
)

STORES = (
    Fault(
        "chain check dropped",
        "stores/checks.py",
        "    if batch.previous != held.chain:",
        "    if not batch.previous:",
        (WRITING + "test_a_batch_that_follows_another_history_is_refused_though_its_entries_fit",),
    ),
    Fault(
        "another batch of the same number is a vote",
        "stores/checks.py",
        "        if chain_at(batch.number) != batch.chain:",
        "        if chain_at(batch.number) is None:",
        (REPLICA + "::test_another_batch_of_a_number_that_is_held_is_refused",),
    ),
    Fault(
        "a batch of an older opening is taken",
        "stores/checks.py",
        "    if term != promised:",
        "    if term > promised:",
        (WRITING + "test_a_batch_of_an_older_term_is_refused",),
    ),
    Fault(
        "tombstone believed without journal",
        "stores/checks.py",
        "    if not proven:",
        "    if line is not None and not proven:",
        (SQLITE + "test_a_tombstone_that_no_journal_proves_is_not_believed",),
    ),
    Fault(
        "heads digest not compared",
        "stores/sqlite/writer.py",
        "        if heads_digest(folded.heads.values()) != batch.heads:",
        "        if not batch.heads:",
        (REPLICA + "::test_heads_that_disagree_are_refused_and_rolled_back",),
    ),
    Fault(
        "a promise goes back",
        "stores/sqlite/writer.py",
        "UPDATE cell SET promised = ? WHERE promised <= ?",
        "UPDATE cell SET promised = ? WHERE ? > 0",
        (REPLICA + "::test_a_promise_never_goes_back",),
    ),
    Fault(
        "guarded update not looked at",
        "stores/sqlite/writer.py",
        "        if self._connection.changes() != 1:",
        "        if self._connection.changes() > 1:",
        (SQLITE + "test_the_guard_itself_lets_nothing_else_through",),
    ),
    Fault(
        "identity not checked after the commit",
        "stores/sqlite/anchor.py",
        "        if raw != self._expected:",
        "        if not raw:",
        (SQLITE + "test_another_marker_after_the_commit_is_doubt_until_the_right_one_is_back",),
    ),
    Fault(
        "no directory fsync",
        "stores/durable.py",
        '        """Fsync a directory."""\n',
        '        """Fsync a directory."""\n        return\n',
        (DURABLE + "test_a_new_file_is_synced_before_its_name_and_then_its_directory",),
    ),
    Fault(
        "a new file is not synced before its name",
        "stores/durable.py",
        "            self._write_all(fd, data, path)\n            self._fsync(fd, path)\n",
        "            self._write_all(fd, data, path)\n",
        (DURABLE + "test_a_new_file_is_synced_before_its_name_and_then_its_directory",),
    ),
    Fault(
        "a failed fsync is a full disk",
        "stores/durable.py",
        'raise BrokenReplicaError(f"fsync {path}: {error.strerror or error}") from error',
        'raise translated(error, "fsync") from error',
        (DURABLE + "test_any_failed_fsync_and_any_io_error_is_doubt",),
    ),
    Fault(
        "a torn testimony is believed",
        "stores/witness.py",
        '        if record["format"] != FORMAT or check != digest_of(canonical(record).encode()):',
        '        if record["format"] != FORMAT:',
        (WITNESS + "test_damage_is_not_taken_for_an_answer",),
    ),
)

FACES = (
    Fault(
        "not sure is told as not there",
        "dav/statuses.py",
        "    errors.UnsureError: Status(503),",
        "    errors.UnsureError: Status(404),",
        ("tests/unit/dav/test_statuses.py",),
    ),
    Fault(
        "a fault of ours looks like a wrong password",
        "dav/statuses.py",
        "    errors.FoldError: Status(503),",
        "    errors.FoldError: Status(401),",
        ("tests/unit/dav/test_statuses.py",),
    ),
    Fault(
        "removed from comparing lists",
        "service/changes.py",
        "    if token.number > head.number:\n"
        "        return await _forgotten(cell, caller, collection, token, positions)",
        "    if token.number > head.number:\n"
        "        return await _everything(cell, caller, collection)",
        ("tests/protocol/test_reports.py::test_a_token_from_our_future_freezes_the_account_once",),
    ),
    Fault(
        "a phone goes on past a card whose bytes it could not have",
        "dav/report_multiget.py",
        "            if body is None:\n",
        "            if body is None and body:\n",
        ("tests/protocol/test_phones_never_forget.py",),
    ),
    Fault(
        "a trace holds the password",
        "formats/redaction.py",
        "            if name not in _SECRET_HEADERS\n",
        "            if name\n",
        ("tests/unit/formats/test_redaction.py",),
    ),
    Fault(
        "a trace holds the values of a card",
        "formats/redaction.py",
        "in _SHOWN else _length(value)",
        "in _SHOWN else value",
        ("tests/protocol/test_trace.py",),
    ),
    Fault(
        "a trace tells when an event is asked for",
        "formats/redaction.py",
        "or value.upper() in _PROPERTIES else _length(value)",
        "or value else _length(value)",
        ("tests/unit/formats/test_redaction.py",),
    ),
    Fault(
        "Thunderbird is told 503 and gives the edit up",
        "dav/silence.py",
        "    if not any(agent in named for agent in agents):",
        "    if named:",
        ("tests/protocol/test_silence.py::test_what_would_be_given_up_meets_no_answer",),
    ),
    Fault(
        "a listing of a book is not counted before its first byte",
        "dav/propfind.py",
        "    if len(members) != head.members:",
        "    if not head:",
        ("tests/protocol/test_phones_never_forget.py",),
    ),
)

FAULTS = (
    *HISTORY,
    *MIRROR,
    *LAUNCHES,
    *STORES,
    *BYTES,
    *FACES,
    *PEOPLE,
    *PHONES,
    *PROTOCOL,
    *PROXIES,
    *PRESENCE,
    *SPACE,
    *CUSTODY,
    *KEPT,
    *PAST,
    *INTAKES,
    *EXPORT,
    *UNOPENED,
    *CALENDARS,
    *TIMES,
    *WORDS,
)
