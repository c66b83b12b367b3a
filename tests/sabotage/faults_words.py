"""Faults of queries for words: an answer that is short because a body was not read."""

from __future__ import annotations

from sabotage.fault import Fault

CLUES = "tests/unit/formats/test_clues.py::"
TEXTS = "tests/unit/service/test_texts.py::"
SPANS = "tests/unit/service/test_spans.py::"
CARDS = CLUES + "test_no_card_that_matches_is_left_out"
OBJECTS = CLUES + "test_no_calendar_object_that_matches_is_left_out"

WORDS = (
    Fault(
        "one text of any is demanded of each card",
        "formats/clues.py",
        "    if wanted.every:\n        return tuple",
        "    if True:\n        return tuple",
        (CARDS, CLUES + "test_what_each_card_that_matches_holds"),
    ),
    Fault(
        "a text that must not be there is demanded",
        "formats/clues.py",
        " and not one.negated and one.collation == collation\n",
        " and one.collation == collation\n",
        (CARDS,),
    ),
    Fault(
        "a text is demanded where a parameter would do",
        "formats/clues.py",
        "    return (tuple(sure),) if sure and len(sure) == len(wanted.conditions) else ()\n",
        "    return (tuple(sure),) if sure else ()\n",
        (CARDS, CLUES + "test_what_each_card_that_matches_holds"),
    ),
    Fault(
        "texts are kept as they are written",
        "formats/clues.py",
        "folded_text(line, self.collation)",
        'line.value.decode("utf-8", "replace").upper()',
        (CARDS, OBJECTS),
    ),
    Fault(
        "a text of what must not be there is demanded of a calendar's object",
        "formats/clues.py",
        "    if not wanted.defined:\n        return\n    for prop",
        "    for prop",
        (CLUES + "test_what_each_calendar_object_that_matches_holds",),
    ),
    Fault(
        "the alarms of an event say nothing",
        "formats/clues.py",
        "    for child in component.children:\n        yield from _lines_of(child, names)\n",
        "    for child in component.children:\n"
        "        yield from (line for line in child.lines if line.name in names)\n",
        (CLUES + "test_a_calendar_object_is_told_by_what_it_says",),
    ),
    Fault(
        "what was never read is no match",
        "service/texts.py",
        "        if text is None or self.clue is None or self.clue.fits(text):\n",
        '        if self.clue is None or self.clue.fits(text or ""):\n',
        (TEXTS + "test_a_second_query_reads_only_what_may_match",),
    ),
    Fault(
        "the text of another property is believed",
        "service/texts.py",
        "        self._known: Mapping[str, str] = texts.of(clue.part) if clue else {}\n",
        "        self._known: Mapping[str, str] = next(iter(texts._parts.values()), {})\n",
        (TEXTS + "test_the_text_of_another_property_tells_nothing",),
    ),
    Fault(
        "an index that is forgotten while it follows ends the query",
        "service/spans.py",
        "        self._indexes[calendar] = index  # it may have been forgotten while it followed\n",
        "        self._indexes.setdefault(-1, index)\n",
        (SPANS + "test_an_index_may_be_forgotten_while_it_follows",),
    ),
)
