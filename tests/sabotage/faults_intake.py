"""Faults of imports: something overwritten, something twice, something half, something fetched."""

from __future__ import annotations

from sabotage.fault import Fault

INTAKE = "tests/unit/service/test_intake.py::"
BATCHES = "tests/unit/service/test_intake_batches.py::"
STREAM = "tests/unit/formats/test_cardstream.py::"
DIALECTS = "tests/unit/formats/test_carddialects.py::"
CSV = "tests/unit/formats/test_contactcsv.py::"
LIKENESS = "tests/unit/formats/test_cardlikeness.py::"
POST = "tests/protocol/test_import.py::"
PAGES = "tests/unit/control/test_intake.py::"
EVENTS = "tests/unit/formats/test_calendarstream.py::"
VERSIONS = "tests/unit/formats/test_calendarmerge.py::"
CALENDARS = "tests/unit/service/test_calendarintake.py::"
COMMAND = "tests/unit/cli/test_intake.py::"

INTAKES = (
    Fault(
        "an import overwrites what it meets",
        "service/intake_forms.py",
        "    found = merge(None, standing, coming)\n",
        "    found = merge(standing, standing, coming)\n",
        (INTAKE + "test_one_uid_with_other_content_is_a_union_and_no_overwrite",),
    ),
    Fault(
        "an import writes without a condition",
        "service/intake.py",
        "        when = Precondition(match=frozenset({over})) if over else ABSENT",
        "        when = Precondition() if over else ABSENT",
        (BATCHES + "test_what_a_phone_wrote_meanwhile_is_not_overwritten",),
    ),
    Fault(
        "a second import makes everything twice",
        "formats/carddialects.py",
        '    digest = sha256(b"strongroom/import/1\\n" + plain).digest()',
        '    digest = sha256(b"strongroom/import/1\\n" + plain + b"%d" % id(plain)).digest()',
        (INTAKE + "test_a_second_run_changes_nothing",),
    ),
    Fault(
        "what is there under another UID comes in twice",
        "service/intake.py",
        "or await self._like(ready)",
        "or None",
        (INTAKE + "test_who_is_there_under_another_uid_is_found_by_content",),
    ),
    Fault(
        "twins of a book become one",
        "service/intake.py",
        "        return self._who.of(who) - self._came",
        "        return self._who.of(who)",
        (INTAKE + "test_what_comes_in_later_by_itself_was_nobody_else_before",),
    ),
    Fault(
        "a group loses a member to somebody who is alike",
        "service/intake.py",
        " or bare_uid(ready.uid) in self._named:",
        ":",
        (INTAKE + "test_a_group_that_comes_in_finds_its_members",),
    ),
    Fault(
        "who says more by a merge is compared as before",
        "service/intake.py",
        "                    self._who.learn(_uid(member), one.body)  # it says more than before",
        "                    pass",
        (INTAKE + "test_who_says_more_by_a_merge_is_no_longer_the_same_as_a_third",),
    ),
    Fault(
        "the first of several that could be meant is taken",
        "service/intake.py",
        "        return found[0] if len(found) == 1 else None",
        "        return found[0] if found else None",
        (INTAKE + "test_where_two_could_be_meant_it_is_neither",),
    ),
    Fault(
        "a batch of an import is not atomic",
        "service/intake.py",
        "            rows = await self._cell.submit(Together(tuple(puts)), bodies)",
        "            rows = [r for one in puts for r in await self._cell.submit(one, bodies)]",
        (BATCHES + "test_batches_are_atomic_bounded_and_under_conditions",),
    ),
    Fault(
        "an import goes on in a frozen account",
        "service/intake.py",
        "        check_collection(self._cell, self._collection.collection, self._collection)\n"
        "        planned",
        "        planned",
        (BATCHES + "test_a_frozen_account_takes_nothing_from_the_first_to_the_last",),
    ),
    Fault(
        "an import believes a short listing",
        "service/intake.py",
        "        if len(members) != head.members:",
        "        if len(members) > head.members:",
        (BATCHES + "test_a_listing_that_is_not_whole_is_not_believed",),
    ),
    Fault(
        "a quota does not hold for an import",
        "service/intake.py",
        "            for one in puts:\n                await stack",
        "            for one in ():\n                await stack",
        (BATCHES + "test_a_full_account_takes_whole_batches_or_none",),
    ),
    Fault(
        "a dry run writes",
        "service/intake.py",
        "        if self._dry:\n            self._imagined",
        "        if not self._cell:\n            self._imagined",
        (INTAKE + "test_a_dry_run_tells_the_same_and_writes_nothing",),
    ),
    Fault(
        "what cannot be read now is replaced",
        "service/intake.py",
        "        if body is None:\n            return _Planned(",
        '        body = body or b"BEGIN:VCARD\\nVERSION:3.0\\nUID:a\\nEND:VCARD\\n"\n'
        "        if body is None:\n            return _Planned(",
        (INTAKE + "test_what_stands_and_cannot_be_read_is_not_overwritten",),
    ),
    Fault(
        "the photo that a card names is fetched",
        "service/intake_forms.py",
        "    found = mended(piece.card)\n",
        "    found = mended(piece.card)\n"
        "    import socket\n"
        '    if b"://" in piece.card:\n'
        "        socket.socket().close()\n",
        (INTAKE + "test_nothing_that_a_card_names_is_fetched",),
    ),
    Fault(
        "what stands between cards is passed over in silence",
        "formats/cardstream.py",
        '            yield Piece(self._first, raw, b"" if fault else raw, fault)',
        "            yield from [] if fault else [Piece(self._first, raw, raw, fault)]",
        (STREAM + "test_what_stands_between_is_told_with_its_line_and_bytes",),
    ),
    Fault(
        "a card without END swallows the next",
        "formats/cardstream.py",
        '        if word == b"BEGIN" and not (self._open and self._follows_agent()):',
        '        if word == b"BEGIN" and not self._open:',
        (STREAM + "test_a_card_without_its_end_does_not_swallow_the_next",),
    ),
    Fault(
        "a card that can be kept is written anew",
        "formats/carddialects.py",
        "        return Mended(card, check(card))\n",
        "        check(card)\n",
        (DIALECTS + "test_a_card_that_can_be_kept_stays_as_it_is",),
    ),
    Fault(
        "a column that is not known is lost",
        "formats/contactcsv.py",
        '        row.notes.append(f"{column.name}: {cell}")',
        "        pass",
        (CSV + "test_google_of_today", CSV + "test_outlook"),
    ),
    Fault(
        "a date that could be two is guessed",
        "formats/contactcsv.py",
        "        if int(day) <= 12 and int(day) != int(month):",
        "        if int(day) == 0:",
        (CSV + "test_a_date_is_read_where_it_is_certain",),
    ),
    Fault(
        "father and son become one",
        "formats/cardlikeness.py",
        " or _suffix(one) != _suffix(other):",
        ":",
        (LIKENESS + "test_two_people_stay_two",),
    ),
    Fault(
        "two people of one name behind one switchboard become one",
        "formats/cardlikeness.py",
        " and not _differ(one.company, other.company)",
        "",
        (LIKENESS + "test_a_shared_number_is_not_enough_where_the_organization_differs",),
    ),
    Fault(
        "an import that ends early says that all came in",
        "dav/post_many.py",
        "    if trouble is not None:\n        yield",
        "    if trouble is None:\n        pass\n    elif not report.taken:\n        yield",
        (POST + "test_what_came_before_a_trouble_stays_and_the_trouble_is_told",),
    ),
    Fault(
        "a refused card is not given back",
        "dav/post_many.py",
        '        inner.append(element(OURS + "body", b64encode(one.raw)))',
        "        pass",
        (POST + "test_many_cards_are_answered_one_by_one",),
    ),
    Fault(
        "one card with a card in its text is taken for many",
        "dav/post.py",
        r'rb"[\r\n]BEGIN:VCARD"',
        r'rb"BEGIN:VCARD"',
        (POST + "test_one_card_is_still_added_as_it_is",),
    ),
    Fault(
        "a list of what was not taken replaces an earlier one",
        "cli/intake.py",
        "        if not any(os.path.lexists(name) for name in (target, _list_of(target))):",
        "        if target != path:",
        (COMMAND + "test_an_earlier_list_is_left_alone",),
    ),
    Fault(
        "an import leaves lost what it brings back",
        "service/intake.py",
        "        if body is not None or standing.etag in self._imagined:",
        "        if True:",
        (
            "tests/unit/service/test_intake.py::"
            "test_what_no_copy_can_give_any_more_stands_again_once_it_is_brought",
        ),
    ),
    Fault(
        "an import breaks off at a file whose name is no text",
        "cli/intake.py",
        'listing.encode(errors="surrogateescape")',
        "listing.encode()",
        (COMMAND + "test_a_file_whose_name_is_no_text_comes_in",),
    ),
    Fault(
        "a command line that is no text breaks a command",
        "control/table.py",
        "        if not all(map(_is_text, value if isinstance(value, list) else [value])):",
        "        if False:",
        ("tests/unit/control/test_commands.py::test_arguments_that_do_not_fit_run_nothing",),
    ),
    Fault(
        "an import ends where nothing can be written beside its file",
        "cli/intake.py",
        "            self._drafts.__exit__(type(error), error, error.__traceback__)",
        "            raise",
        (COMMAND + "test_where_nothing_can_be_written_beside_the_import_goes_on",),
    ),
    Fault(
        "an import that was forgotten goes on as another",
        "service/imports.py",
        "            raise InvalidError(_FORGOTTEN)",
        "            number = next(reversed(self._running))",
        (PAGES + "test_an_import_that_is_over_or_forgotten_is_to_be_run_again",),
    ),
    Fault(
        "an older event takes the place of a newer one",
        "formats/calendarmerge.py",
        "        return number > old_number\n",
        "        return True\n",
        (VERSIONS + "test_the_newer_one_stands",),
    ),
    Fault(
        "an event that was not taken is passed over in silence",
        "formats/calendarmerge.py",
        "    raise FormatError(OLDER, KEPT)\n\n\ndef _parts",
        "    return Merged(standing, ())\n\n\ndef _parts",
        (CALENDARS + "test_what_is_newer_stands_and_what_is_not_is_told_with_its_bytes",),
    ),
    Fault(
        "a broken event takes the rest of its file along",
        "formats/calendarstream.py",
        "            yield from self._broken(NO_END)\n"
        "            yield from self._between(line, word, name)\n",
        "            yield from self._hold(line)\n",
        (EVENTS + "test_a_broken_component_is_stepped_over",),
    ),
    Fault(
        "moved instances that stand far from their series are lost",
        "formats/calendarmerge.py",
        "parts = (*zones.values(), *new, *(stood | taken).values())",
        "parts = (*zones.values(), *new, *stood.values())",
        (VERSIONS + "test_moved_instances_join_their_series",),
    ),
    Fault(
        "what no calendar takes is left out of an import unsaid",
        "service/calendarintake.py",
        "                by_place[self._place(piece)].append(piece)\n",
        "                if not piece.fault:\n"
        "                    by_place[self._place(piece)].append(piece)\n",
        (CALENDARS + "test_broken_ones_are_told_and_the_others_come_in",),
    ),
    Fault(
        "an imported event without a UID is another one each time",
        "formats/calendardialects.py",
        "    text = _STAMP.sub(b\"\", unfolded(component).replace(b\"\\r\", b\"\"))\n",
        "    text = unfolded(component).replace(b\"\\r\", b\"\")\n",
        ("tests/unit/formats/test_calendardialects.py::test_a_missing_uid_follows_from_the_content",),
    ),
)  # fmt: skip
