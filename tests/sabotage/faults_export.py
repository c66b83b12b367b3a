"""Faults of carrying everything away: a part that passes for the whole, a file that does harm."""

from __future__ import annotations

from sabotage.fault import Fault

HTTP = "tests/protocol/test_export.py::"
CARRYING = "tests/unit/control/test_carrying.py::"
COMMAND = "tests/unit/cli/test_export.py::"
DRAFTS = "tests/unit/stores/test_drafts.py::"
NAMES = "tests/unit/formats/test_filenames.py::"
FOLDER = "tests/unit/formats/test_sdcard.py::"
SIM = "tests/unit/formats/test_simcard.py::"
CALENDARS = "tests/unit/formats/test_calendarfile.py::"
STREAM = "tests/unit/formats/test_cardstream.py::"

EXPORT = (
    Fault(
        "who closes the terminal does not end an export",
        "cli/__init__.py",
        "signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))",
        "signal.signal(number, signal.SIG_IGN)",
        (
            "tests/unit/cli/test_command_line.py::"
            "test_a_command_that_is_ended_cleans_up_and_says_so",
        ),
    ),
    Fault(
        "an export that met something else ends politely",
        "service/export.py",
        "    if length != parcel.length or digest.digest() != parcel.digest:\n"
        "        raise UnsureError\n",
        "",
        (HTTP + "test_a_second_look_that_meets_something_else_cuts_the_answer",),
    ),
    Fault(
        "a lost body is left out of an export",
        "service/export.py",
        "            if body is None:\n                raise UnsureError\n",
        "            if body is None:\n                continue\n",
        (HTTP + "test_what_cannot_be_proven_is_503_before_the_first_byte",),
    ),
    Fault(
        "the last piece goes out before the digest is known to agree",
        "service/export.py",
        "        if held:\n            yield held\n        held = piece\n",
        "        yield piece\n",
        (HTTP + "test_other_bytes_of_the_same_length_never_arrive_whole",),
    ),
    Fault(
        "the digest is of other bytes",
        "dav/export.py",
        "b64encode(parcel.digest)",
        "b64encode(parcel.digest.hex().encode())",
        (HTTP + "test_all_cards_come_in_one_answer_with_length_digest_and_count",),
    ),
    Fault(
        "a frozen book is left in an export of its home",
        "service/export.py",
        "        await find_collection(cell, home, collection.href)\n",
        "        pass\n",
        (HTTP + "test_what_is_frozen_is_503_and_never_a_part",),
    ),
    Fault(
        "an account may read itself to death",
        "service/export.py",
        "        if self._running.get(home, 0) >= EXPORTS_OF_ACCOUNT_MAX:",
        "        if home < 0:",
        (HTTP + "test_an_account_has_so_many_exports_at_once_and_no_more",),
    ),
    Fault(
        "an export goes on for who went away",
        "dav/export.py",
        "            if request.gone():\n",
        "            if request is None:\n",
        (HTTP + "test_nothing_more_is_read_for_a_client_that_went_away",),
    ),
    Fault(
        "a home is called gone because a book of it went",
        "service/export.py",
        "    except NotFoundError as error:\n        raise UnsureError from error\n",
        "    except NotFoundError:\n        raise\n",
        (HTTP + "test_a_book_that_goes_meanwhile_is_no_reason_to_call_the_home_gone",),
    ),
    Fault(
        "a stored card is converted though nobody asked",
        "service/export.py",
        """    if not parcel.version or version_mark(parcel.version) in member.data:
        return body
    return await aside(body, lambda: parcel.form.shaped(body, parcel.version))
""",
        """    if version_mark(parcel.version or "3.0") in member.data:
        return body
    return await aside(body, lambda: parcel.form.shaped(body, parcel.version or "3.0"))
""",
        (HTTP + "test_cards_are_as_they_were_sent_and_converted_only_if_that_is_asked_for",),
    ),
    Fault(
        "a card without line end runs into the next",
        "formats/cardstream.py",
        '    return card if card.endswith(b"\\n") else card + _LINE_END_LENT + _EMPTY',
        "    return card",
        (STREAM + "test_cards_that_were_joined_come_back_byte_for_byte",),
    ),
    Fault(
        "a card comes back with a line end that it never had",
        "formats/cardstream.py",
        "        lent = following == _EMPTY and not ended.card.endswith(_EMPTY)",
        "        lent = False",
        (STREAM + "test_cards_that_were_joined_come_back_byte_for_byte",),
    ),
    Fault(
        "an export with gaps is told to be whole",
        "cli/export.py",
        "    return GAPS if carrying.missing or carrying.salvaged else DONE",
        "    return DONE",
        (COMMAND + "test_what_could_not_be_read_is_listed_and_the_exit_status_tells",),
    ),
    Fault(
        "an object that nobody can read is not told of",
        "control/carrying.py",
        "                if body is None or older:",
        "                if older:",
        (CARRYING + "test_a_damaged_collection_gives_what_can_be_read_and_lists_the_rest",),
    ),
    Fault(
        "a listing of several pages is not of one moment",
        "control/carrying.py",
        '                if number not in {None, page["number"]}:',
        "                if page is None:",
        (CARRYING + "test_a_change_between_two_pages_of_names_begins_them_again",),
    ),
    Fault(
        "a file has its name before it is durable",
        "stores/drafts.py",
        "        with _told(target):\n            durable.sync_content(beside)\n",
        "",
        (DRAFTS + "test_a_file_takes_its_name_when_all_of_it_is_durable",),
    ),
    Fault(
        "an export takes the place of another file",
        "stores/drafts.py",
        "    if not (empty_will_do and empty):",
        "    if not empty_will_do:",
        (DRAFTS + "test_what_is_there_is_never_replaced",),
    ),
    Fault(
        "who is interrupted leaves a part behind",
        "stores/drafts.py",
        "        shutil.rmtree(beside, ignore_errors=True)\n",
        "        pass\n",
        (DRAFTS + "test_who_is_interrupted_leaves_nothing",),
    ),
    Fault(
        "a name leads out of its folder",
        "formats/filenames.py",
        "    text = _REFUSED.sub(\"_\", unicodedata.normalize(\"NFC\", text))",
        "    text = unicodedata.normalize(\"NFC\", text)",
        (NAMES + "test_names_are_as_near_to_the_text_as_they_can_be",),
    ),
    Fault(
        "two names are one on a memory card",
        "formats/filenames.py",
        'unicodedata.normalize("NFKD", name).casefold())',
        'unicodedata.normalize("NFKD", name))',
        (NAMES + "test_the_same_name_again_is_numbered_and_stays_within_the_limit",),
    ),
    Fault(
        "a sign that turns the text round stays in a name",
        "formats/filenames.py",
        '_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})',
        '_INVISIBLE: Final = frozenset({"Cc", "Cs", "Co", "Cn"})',
        (NAMES + "test_names_are_as_near_to_the_text_as_they_can_be",),
    ),
    Fault(
        "the page of the folder runs what a card holds",
        "formats/sdcard.py",
        "    return escape(value)\n",
        "    return value\n",
        (FOLDER + "test_whatever_a_card_holds_nothing_of_it_runs_or_leads_elsewhere",),
    ),
    Fault(
        "the page shows a picture that is a program",
        "formats/sdcard.py",
        'if picture.kind in SHOWN else ""',
        'if picture.kind else ""',
        (FOLDER + "test_what_is_no_picture_that_browsers_show_is_kept_and_not_shown",),
    ),
    Fault(
        "a number is cut to fit on a SIM card",
        "formats/simcard.py",
        '    plain = number.removeprefix("+")\n',
        '    number = number[: DIGITS_MAX + 1]\n'
        '    plain = number.removeprefix("+")[:DIGITS_MAX]\n',
        (SIM + "test_a_number_is_whole_on_the_card_or_not_there",),
    ),
    Fault(
        "who finds no place on a SIM card is not told",
        "formats/simcard.py",
        "    left_out += (LeftOut(entry.full_name, why) for entry in ordered[places:])\n",
        "",
        (SIM + "test_of_three_hundred_fifty_are_left_out_and_each_is_named",),
    ),
    Fault(
        "of two time zones of one name an export keeps one",
        "formats/calendarfile.py",
        "return tzid if count == 1 else",
        "return tzid if count else",
        (CALENDARS + "test_two_zones_of_one_name_both_stay",),
    ),
    Fault(
        "an event of which an export makes nothing is left out",
        "formats/calendarfile.py",
        "            return begin + self.end() + _ended(body)\n",
        "            return begin + self.end()\n",
        (CALENDARS + "test_what_is_too_complex_to_be_renamed_stands_by_itself",),
    ),
    Fault(
        "two calendars are carried as one",
        "formats/calendarfile.py",
        "        if self._collection == collection:\n",
        "        if self._collection:\n",
        (CALENDARS + "test_each_collection_has_a_calendar_of_its_own",),
    ),
    Fault(
        "nobody hears that calendars are not in a file of contacts",
        "cli/export.py",
        '    if report.get("left") and report["as"] != "sim":\n',
        "    if False:\n",
        (COMMAND + "test_one_file_has_contacts_or_calendars",),
    ),
)  # fmt: skip
