"""Faults of reading without opening, and of salvage."""

from __future__ import annotations

from sabotage.fault import Fault

PROVEN = "tests/unit/mirror/test_unopened.py::"
SALVAGED = "tests/unit/mirror/test_salvage.py::"
LOOKING = "tests/unit/stores/test_looking.py::"
LEFT = "tests/contract/test_remains.py::"
FILE, SALVAGE = "mirror/unopened.py", "mirror/salvage.py"
REMAINS = "stores/sqlite/remains.py"

UNOPENED = (
    Fault(
        "what one voter holds counts as proven",
        FILE,
        "    return positions[quorum - 1] if len(positions) >= quorum else None\n",
        "    return positions[0] if len(positions) >= quorum else None\n",
        (PROVEN + "test_what_only_one_copy_holds_is_read_and_not_proven",),
    ),
    Fault(
        "what W voters hold counts as proven though a later term began",
        FILE,
        "    return len(calm) >= quorum\n",
        "    return len(voters) >= quorum\n",
        (PROVEN + "test_two_copies_that_hold_a_batch_prove_nothing_once_a_later_term_began",),
    ),
    Fault(
        "a head that one copy alone tells counts as proven",
        FILE,
        "        if settled(theirs) == settled(heads):\n",
        "        if theirs:\n",
        (PROVEN + "test_a_proof_needs_the_same_heads_of_two_copies",),
    ),
    Fault(
        "what was written behind the proven batch counts as proven",
        FILE,
        "    written = {c for c, head in heads.items() if head.batch > upto.number}\n",
        "    written = set[int]()\n",
        (PROVEN + "test_what_only_one_copy_holds_is_read_and_not_proven",),
    ),
    Fault(
        "an unopened read does not ask the witness",
        FILE,
        "        freezes = not_yet_accepted(behind, testimony, directory)\n",
        "        freezes = not_yet_accepted(behind & set(), testimony, directory)\n",
        (PROVEN + "test_where_the_witness_knows_more_nothing_is_proven",),
    ),
    Fault(
        "a single copy is believed though nobody asked for that",
        FILE,
        "            if not self._believes:\n                raise\n        for name",
        "            pass\n        for name",
        (PROVEN + "test_two_good_copies_prove_and_one_does_not",),
    ),
    Fault(
        "reading promises a term",
        "stores/sqlite/replica.py",
        "        if self._looks_only:\n            raise Unavailable",
        "        if not self._root:\n            raise Unavailable",
        (LOOKING + "test_what_would_change_a_file_is_refused",),
    ),
    Fault(
        "a look opens for writing",
        "stores/sqlite/vfs.py",
        "            flags[0] = flags[0] & ~writing | apsw.SQLITE_OPEN_READONLY\n",
        "            flags[0] |= writing\n",
        (LOOKING + "test_even_a_wrong_program_cannot_write_through_it",),
    ),
    Fault(
        "a look keeps the index of the WAL in a file",
        "stores/sqlite/vfs.py",
        '    connection.pragma("locking_mode", "exclusive")\n',
        "",
        (LOOKING + "test_all_is_read_and_no_file_changes",),
    ),
    Fault(
        "a look leaves a WAL behind",
        "stores/sqlite/vfs.py",
        '    if not path.with_name(f"{path.name}-wal").exists():\n',
        "    if not path.exists():\n",
        (LOOKING + "test_all_is_read_and_no_file_changes",),
    ),
    Fault(
        "what only reads opens the replicas for writing",
        "control/perform.py",
        "looks_only=needs is Needs.READ",
        "looks_only=False",
        ("tests/e2e/test_unopened.py::test_with_the_server_down_all_is_read_and_no_file_changes",),
    ),
    Fault(
        "salvage gives a body with the wrong digest",
        SALVAGE,
        " if body is not None and digest_of(body) == d}",
        " if body is not None}",
        (SALVAGED + "test_a_body_with_the_wrong_digest_is_given_by_nobody",),
    ),
    Fault(
        "salvage believes what lies beside the history",
        SALVAGE,
        "            elif entry is not None and line.chain != chain:\n",
        "            elif entry is None:\n",
        (SALVAGED + "test_what_lies_beside_the_history_is_not_believed",),
    ),
    Fault(
        "salvage takes a row of the past for the newest",
        SALVAGE,
        "        if member.number > self.numbers.get(name, 0):\n",
        "        if member.number:\n",
        (SALVAGED + "test_a_row_of_the_past_does_not_hide_the_newer_entry",),
    ),
    Fault(
        "salvage believes a line that does not fit its chain",
        SALVAGE,
        "        if next_chain(before[1], line.line) != line.chain:\n",
        "        if not line.chain:\n",
        (SALVAGED + "test_an_entry_with_other_bytes_is_not_believed",),
    ),
    Fault(
        "salvage brings back what was removed",
        SALVAGE,
        " = () if entry.verb in GONE else (member_after(entry), *kept)\n",
        " = (member_after(entry), *kept)\n",
        (SALVAGED + "test_a_name_whose_row_is_lost_is_told_by_the_journal",),
    ),
    Fault(
        "salvage says nothing of what is missing",
        SALVAGE,
        "    elif not shelf.whole():\n",
        "    elif shelf.tale is None:\n",
        (SALVAGED + "test_what_both_have_lost_is_counted_as_missing",),
    ),
    Fault(
        "salvage ends at the first bad page",
        REMAINS,
        "    while not sound and len(rows) < limit:\n",
        "    while not sound and not rows:\n",
        (LEFT + "test_with_one_bad_page_what_is_left_is_all_but_that_page",),
    ),
    Fault(
        "salvage gives up with an index",
        REMAINS,
        "            if bad:\n",
        "            if not digests:\n",
        (LEFT + "test_with_one_bad_page_what_is_left_is_all_but_that_page",),
    ),
)
