"""Faults of quotas, codings and hostile cards: what would lose an edit, a byte or an afternoon."""

from __future__ import annotations

from sabotage.fault import Fault

QUOTA = "tests/protocol/test_quota.py::"
METERS = "tests/unit/service/test_meters.py::"
CODED = "tests/protocol/test_compression.py::"
VCARD = "tests/unit/formats/test_vcard.py::"

SPACE = (
    Fault(
        "what is under way counts for nothing",
        "service/meters.py",
        "        if grows and live + reserved + grows > quota:",
        "        if grows and live + grows > quota:",
        (QUOTA + "test_many_puts_at_once_do_not_pass_together",),
    ),
    Fault(
        "a write that failed holds its room for ever",
        "service/meters.py",
        "            self._reserved[account.id] -= grows\n",
        "",
        (QUOTA + "test_a_write_that_failed_holds_no_room",),
    ),
    Fault(
        "a full account cannot even shrink",
        "service/meters.py",
        "        if grows and live + reserved + grows > quota:",
        "        if live + reserved + grows > quota:",
        (QUOTA + "test_what_does_not_grow_goes_on",),
    ),
    Fault(
        "a book that cannot be counted stops all writes",
        "service/meters.py",
        "        except RetryError:\n            return False\n",
        "        except KeyError:\n            return False\n",
        (QUOTA + "test_a_book_that_cannot_be_counted_now_stops_no_write",),
    ),
    Fault(
        "a meter follows another history than its own",
        "service/journals.py",
        "        except FoldError:\n            return False  # of another history than this one\n",
        "        except FoldError:\n            return True\n",
        (METERS + "test_a_book_far_ahead_or_of_another_history_is_counted_anew",),
    ),
    Fault(
        "a full account makes phones drop the edit",
        "dav/statuses.py",
        '    errors.QuotaError: Status(507, DAV + "quota-not-exceeded"),',
        '    errors.QuotaError: Status(409, DAV + "quota-not-exceeded"),',
        (QUOTA + "test_put_over_the_quota_is_507_and_changes_nothing",),
    ),
    Fault(
        "a compressed body is kept as a card",
        "dav/request.py",
        'return self.headers.get(b"content-encoding", b"").strip().lower() not in _NOT_CODED',
        "return False",
        (CODED + "test_a_compressed_request_is_415_and_told_what_is_taken",),
    ),
    Fault(
        "the end of a compressed answer is not sent",
        "dav/answers.py",
        'b"" if press is None else press.end()',
        'b""',
        (CODED + "test_a_compressed_multistatus_holds_the_same_bytes",),
    ),
    Fault(
        "a hostile card holds everybody up",
        "formats/vcard.py",
        "    _check_shape(body)\n",
        "",
        (VCARD + "test_a_card_has_so_many_lines_and_folds_and_no_more",),
    ),
)
