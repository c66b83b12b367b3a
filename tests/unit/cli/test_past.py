"""What a person reads of the history and of an undo."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.cli.past import (
    change_lines,
    counts_text,
    event_lines,
    history_text,
    outcome_text,
    plan_text,
)

COUNTS = {"create": 1, "change": 0, "move": 0, "remove": 0, "cannot": 0}


def event(**changes: Any) -> dict[str, Any]:
    return {
        "time": "2026-11-28T20:45:07.250Z", "at": 1, "collection": 7, "number": 12,
        "book": "contacts", "what": "changed", "kind": "object", "href": "a.vcf", "id": 5,
        "name": "Anna Berg", "device": "phone", "device_id": 3, "client": "DAVx5/4.5-ose",
        "request": "q", "condition": "if-match: *", "unconditional": False, "was": 9, **changes,
    }  # fmt: skip


def change(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "change", "what": "object", "book": "contacts", "href": "a.vcf", "source": "",
        "name": "Anna", "holds": 0, "fields": [], **changes,
    }  # fmt: skip


def plan(**changes: Any) -> dict[str, Any]:
    return {
        "login": "anna", "goal": "undo to yesterday", "counts": COUNTS, "changes": [change()],
        "more": 0, "cannot": [], **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes, line",
    [
        (
            {},
            "2026-11-28 20:45:07 UTC  contacts:12  changed  Anna Berg (a.vcf)  by phone, "
            "DAVx5/4.5-ose, if-match: *",
        ),
        (
            {"device": "", "client": "", "request": "command undo", "name": "", "condition": ""},
            "2026-11-28 20:45:07 UTC  contacts:12  changed  a.vcf  by command undo",
        ),
        (
            {"device": "", "client": "", "request": "", "condition": "", "href": "a\x1b[2J"},
            "2026-11-28 20:45:07 UTC  contacts:12  changed  Anna Berg (a?[2J)  by the server "
            "itself",
        ),
    ],
)
def test_an_event_is_one_line(changes: dict[str, Any], line: str) -> None:
    assert list(event_lines(event(**changes), "anna")) == [line]


def test_what_was_not_looked_at_is_told_with_the_way_back() -> None:
    _, flagged = event_lines(event(unconditional=True), "anna")
    assert "version contacts:9" in flagged
    assert "`strongroom undo anna --entry contacts:12`" in flagged


def test_more_events_are_counted() -> None:
    found = {"login": "anna", "events": [event()], "more": 7}
    assert history_text(found).endswith(
        "7 older events are not shown; --limit shows more of them, and "
        f"--until {event()['time']} goes on from here."
    )
    assert len(history_text({**found, "more": 0}).splitlines()) == 1
    assert history_text({**found, "events": [], "more": 0}) == "Nothing happened that fits."


def test_a_change_is_told_field_by_field() -> None:
    fields = [
        {"field": "Phone", "old": "1", "new": ""},
        {"field": "Full name", "old": "", "new": "Anna"},
    ]
    assert list(change_lines(change(fields=fields))) == [
        "  contacts/a.vcf changes back  Anna",
        "      Phone: 1 -> -",
        "      Full name: - -> Anna",
    ]


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"kind": "create", "name": ""}, "  contacts/a.vcf comes back"),
        ({"kind": "remove", "name": ""}, "  contacts/a.vcf goes"),
        ({"kind": "move", "source": "work/b"}, "  contacts/a.vcf moves back from work/b  Anna"),
        (
            {"kind": "create", "what": "collection", "book": "home", "href": "work", "holds": 312},
            "  the collection work comes back, with 312 things in it  Anna",
        ),
    ],
)
def test_each_kind_of_change_has_its_words(changes: dict[str, Any], line: str) -> None:
    assert list(change_lines(change(**changes))) == [line]


def test_a_plan_begins_with_counts_and_ends_with_what_cannot_be_done() -> None:
    cannot = [{"book": "contacts", "href": "x\x07", "why": "Its bytes cannot be read now."}]
    counts = {**COUNTS, "cannot": 3}
    lines = plan_text(plan(more=2, cannot=cannot, counts=counts)).splitlines()
    assert lines == [
        f"Undo to yesterday: {counts_text(counts)}.",
        "  contacts/a.vcf changes back  Anna",
        "  and 2 more that are not shown",
        "  cannot: contacts/x?: Its bytes cannot be read now.",
        "  and 2 more that cannot be done",
    ]
    assert "1 to create, 0 to change, 0 to move, 0 to remove, 3 that cannot" in lines[0]


def test_a_plan_without_changes_says_so() -> None:
    assert plan_text(plan(changes=[])).endswith("Nothing is there to be done. Nothing was changed.")


def test_an_outcome_tells_the_way_back() -> None:
    result = {
        "login": "anna",
        "done": 3,
        "left": [],
        "left_count": 0,
        "back": "2026-11-28T20:45:07.250Z",
    }
    text = outcome_text(result)
    assert "3 changes were made" in text
    assert "`strongroom undo anna --to 2026-11-28T20:45:07.250Z`" in text
    left = [{"book": "contacts", "href": "a", "why": "It was changed meanwhile."}]
    text = outcome_text({**result, "done": 0, "left": left, "left_count": 1})
    assert "cannot: contacts/a: It was changed meanwhile." in text
    assert "--to" not in text
