"""What status says, what is said of an account, and the sample contacts."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dateutil.rrule import rrulestr

from strongroom.cli.copies import rebuilt_text, scrub_text
from strongroom.cli.custody import book_words, custody_text, device_lines
from strongroom.cli.demo_cards import cards, fold
from strongroom.cli.demo_events import samples
from strongroom.cli.people import (
    accepted_text,
    collection_text,
    freeze_text,
    space_text,
)
from strongroom.cli.status_text import bytes_text, replicas_text, status_text, survives
from strongroom.formats.calendar import check as check_event
from strongroom.formats.calendarspan import span_of
from strongroom.formats.vcard import check

TODAY = date(2026, 11, 28)
JOINED = b"".join(one.body for one in samples(TODAY))


def disks(*devices: int | None) -> list[dict[str, Any]]:
    return [{"place": f"r{i}", "device": device} for i, device in enumerate(devices)]


@pytest.mark.parametrize(
    ("devices", "quorum", "said"),
    [
        ((1, 1, 1), 2, "one disk: this survives the loss of no disk"),
        ((1, 2, 3), 2, "3 disks. One disk may die"),
        ((1, 2, 3, 4, 5), 3, "5 disks. Two disks may die"),
        ((1, 2, 2), 2, "the loss of no further disk"),
        ((1, 2, None), 2, "the loss of no further disk. (1 of the 3 places"),
        ((1, 2, 3), 3, "the loss of no further disk"),
        ((1,), 1, "the loss of no further disk"),
        ((None, None, None), 2, "the loss of no further disk"),
    ],
)
def test_what_the_places_survive_is_said_plainly(
    devices: tuple[int | None, ...], quorum: int, said: str
):
    assert said in survives(disks(*devices), quorum)


NONE_FROZEN: dict[str, Any] = {"accounts": 0, "overdue": 0, "rows": []}
FREEZE = {
    "login": "anna", "scope": "account", "book": "", "since": 1_700_000_000_000, "overdue": False,
    "why": "It forgot.", "evidence": "token:5:9:c0", "by": 7, "device": "handset",
    "advice": "Keep it.",
}  # fmt: skip

ONE_FROZEN = {"accounts": 1, "overdue": 0, "rows": [FREEZE]}


def report(**changed: Any) -> dict[str, Any]:
    row = {
        "replica": "r1",
        "place": "/a",
        "standing": "voter",
        "held": 7,
        "behind": 0,
        "reason": "",
    }
    base = {
        "server": "running", "open": True, "trouble": "", "toy": False, "write_quorum": 2,
        "disks": disks(1, 2, 3), "scrubbed": None, "number": 7, "writable": True, "full": False,
        "replicas": [row], "copying": {}, "catching_up": {}, "frozen": NONE_FROZEN, "alarms": {},
        "keys": [],
    }  # fmt: skip
    return {**base, **changed}


def test_all_well_is_said_in_one_line():
    assert status_text(report()).startswith("All is well enough to take writes: batch 7")


def test_a_key_that_others_can_read_is_an_alarm():
    text = status_text(report(keys=["a.key is open to others (mode 0644); run `chmod 600 a.key`."]))
    assert "Alarm (keys): a.key is open to others (mode 0644); run `chmod 600 a.key`." in text


def test_trouble_is_said_with_what_is_not_lost():
    text = status_text(report(writable=False))
    assert "what was acknowledged is kept" in text
    assert "Too few good copies" in text
    assert "nearly full" in status_text(report(writable=False, full=True))


def test_a_copy_in_trouble_says_why_and_how_far_it_is():
    row = {**report()["replicas"][0], "standing": "doubtful", "behind": 3, "reason": "a bad page"}
    copying = {"r1": {"held": 4, "of": 7}}
    text = replicas_text(report(replicas=[row], copying=copying))
    for said in ("not believed", "3 batches behind", "a bad page", "4 of 7 batches"):
        assert said in text


GONE: dict[str, Any] = {
    "replica": "r2", "place": "/b", "standing": "behind", "held": 7, "behind": 0,
    "reason": "vanished: the disk was pulled out", "since": 1_700_000_000_000,
    "silent_seconds": None,
}  # fmt: skip


def test_a_copy_that_is_gone_is_named_with_what_is_safe_and_what_to_do():
    rows = [report()["replicas"][0], GONE, {**report()["replicas"][0], "replica": "r3"}]
    text = status_text(report(replicas=rows))
    for said in (
        "r2  /b  behind or not there",
        "pulled out (known since 2023-11-14 22:13 UTC)",
        "2 of 3 copies are good; nothing that was acknowledged is lost, phones notice nothing",
        "Look at the disk of r2, at /b: it catches up by itself",
        "`strongroom replica rebuild r2`",
    ):
        assert said in text
    assert "lost, writes wait." in status_text(report(replicas=rows, writable=False))


def test_a_copy_that_only_lags_asks_for_nothing():
    row = {**GONE, "reason": "", "behind": 90, "since": None}
    text = status_text(report(replicas=[row], catching_up={"r2": {"held": 10, "of": 100}}))
    assert "90 batches behind" in text
    assert "catching up: 10 of 100 batches" in text
    assert "Look at the disk" not in text


def test_where_no_copy_is_good_nothing_is_promised():
    text = status_text(report(replicas=[GONE], writable=False))
    assert 'phones hear "later"' in text
    assert "copies are good; nothing" not in text


def test_where_bodies_are_lost_nobody_says_that_nothing_is():
    rows = [*report()["replicas"], GONE]
    scrubbed = {"ended_ms": 0, "replicas": [{"replica": "r1", "damage": "", "lost": ["a"]}]}
    for told in ({"alarms": {"bodies": "body a was good on no copy"}}, {"scrubbed": scrubbed}):
        text = status_text(report(replicas=rows, **told))
        assert "1 of 2 copies are good; what is lost is told below." in text
        assert "good; nothing" not in text


def test_a_reason_that_says_what_to_do_is_not_contradicted():
    row = {**GONE, "reason": "an earlier copy: `strongroom replica rebuild r2` fills it"}
    text = status_text(report(replicas=[*report()["replicas"], row]))
    assert "an earlier copy" in text
    assert "Look at the disk" not in text
    assert "nothing that was acknowledged is lost" in text


def test_a_frozen_cell_says_where_to_read_on():
    text = status_text(report(open=False, places=[], witness=None, trouble="no quorum"))
    for said in ("frozen: no quorum.", "tried again by itself", "docs/operate.md"):
        assert said in text


def test_a_copy_that_owes_an_answer_is_told_for_how_long():
    row = {**report()["replicas"][0], "silent_seconds": 2.6}
    assert "it has not answered for 3 s" in replicas_text(report(replicas=[row]))


@pytest.mark.parametrize(
    ("files", "told"),
    [(0, ""), (3, "/a: 3 files (2.0 KiB) set aside"), (1000, "/a: at least 1000 files (2.0 KiB)")],
)
def test_what_was_set_aside_is_told_with_its_size_and_its_end(files: int, told: str):
    text = status_text(report(disks=[{"place": "/a", "device": 1, "quarantine": (files, 2048)}]))
    assert told in text
    assert ("rebuild r1 --drop-quarantine" in text) == bool(told)


def test_what_was_set_aside_in_a_place_without_a_replica_is_told_as_well():
    places = [{"place": "/a", "state": "blank"}]
    held = [{"place": "/a", "device": 1, "quarantine": (3, 2048)}]
    text = status_text(report(open=False, places=places, witness=None, disks=held))
    assert "/a: 3 files" in text
    assert "--drop-quarantine" not in text


def test_freezes_alarms_and_the_last_scrub_are_shown():
    scrubbed = {"ended_ms": 1, "replicas": [{"replica": "r2", "damage": "x", "lost": []}]}
    text = status_text(report(alarms={"witness": "gone"}, scrubbed=scrubbed))
    for said in ("Alarm (witness): gone", "damage on r2"):
        assert said in text
    assert "Frozen" not in text


def test_a_scrub_says_what_it_found_and_what_it_mended():
    good = {"damage": "", "silent": "", "healed": [], "lost": [], "retold": 0, "short": []}
    good |= {"replica": "r1", "batches": 2, "bodies": 3}
    assert scrub_text({"replicas": [good]}) == "r1: good; 2 batches, 3 bodies"
    found = {**good, "healed": ["1a"], "lost": ["2b"], "retold": 4, "short": ["9/x.ics"]}
    text = scrub_text({"replicas": [good, found]})
    for said in (
        "3 bodies, 1 healed", "1 bodies are good on no copy: 2b", "made anew for 4 objects",
        "wrong about 1 objects. Nothing is lost", "9/x.ics",
    ):  # fmt: skip
        assert said in text
    for said, frozen in (("replaced by a copy", {}), ("left as it is", {"note": "as it lies"})):
        assert said in scrub_text({"replicas": [{**good, "damage": "a page"}], **frozen})


def test_the_status_says_how_much_is_frozen_since_when_why_and_what_to_do():
    book = {**FREEZE, "login": "bert", "scope": "99", "book": "friends", "why": "a head is behind"}
    text = status_text(report(frozen={"accounts": 2, "overdue": 0, "rows": [FREEZE, book]}))
    for said in (
        'Frozen: 2 accounts; their phones hear "later" and keep what they have.\n',
        "anna: the whole account, since 2023-11-14 22:13 UTC. It forgot.\n",
        "bert: the book friends, since 2023-11-14 22:13 UTC. a head is behind.\n",
        "Remove none of these accounts from a phone. `strongroom account thaw LOGIN` shows",
    ):
        assert said in text
    assert "Alarm (freeze)" not in text


def test_a_frozen_calendar_is_called_one():
    freeze = {**FREEZE, "scope": "99", "book": "calendars/work"}
    assert "Frozen: the calendar calendars/work, since" in freeze_text(freeze)


@pytest.mark.parametrize(
    ("name", "called", "objects", "told"),
    [
        ("contacts", "Contacts", 1, "Book contacts: 1 contact"),
        ("contacts", "", 12, "Book contacts: 12 contacts"),
        ("calendars/calendar", "Calendar", 1, "Calendar calendars/calendar: 1 entry"),
        ("calendars/7F-1", "Work\x1b", 12, "Calendar calendars/7F-1 (Work?): 12 entries"),
    ],
)
def test_books_and_calendars_are_told_apart_by_names_that_can_be_typed(
    name: str, called: str, objects: int, told: str
):
    assert collection_text({"collection": name, "name": called, "objects": objects}) == told


def test_a_freeze_that_nobody_ended_is_an_alarm_and_many_are_counted():
    text = status_text(report(frozen={"accounts": 21, "overdue": 3, "rows": [FREEZE]}))
    assert "Frozen: 21 accounts" in text
    assert "The longest frozen are:" in text
    assert "Alarm (freeze): 3 of these stand for over a day, and none ends by itself" in text


def test_a_freeze_is_shown_with_its_evidence_the_device_and_the_steps():
    assert freeze_text(FREEZE) == (
        "Frozen: the whole account, since 2023-11-14 22:13 UTC. It forgot.\n"
        "  Evidence: token:5:9:c0, brought by the device handset\n"
        "  - Keep it."
    )
    text = freeze_text({**FREEZE, "device": "", "evidence": "", "overdue": True, "advice": "a\nb"})
    assert text.endswith(
        "Evidence: none\n  It stands for over a day now, and does not end by itself.\n  - a\n  - b"
    )


def test_what_a_thaw_accepted_is_shown():
    row = {"evidence": "token:5:9:c0", "why": "x", "device": "handset", "at": 1_700_000_000_000}
    told = "Accepted 2023-11-14 22:13 UTC: token:5:9:c0, brought by the device handset"
    assert accepted_text(row) == told
    assert accepted_text({**row, "device": ""}) == told.partition(",")[0]


# --- custody --------------------------------------------------------------------------------------
BOOK = {
    "book": "contacts", "stands": True, "came_back": 9, "beyond": False, "behind": 0, "holds": 312,
    "of": 312,
}  # fmt: skip
IPAD = {
    "name": "iPad", "id": 7, "since": 1, "revoked": 0, "seen": 1_700_000_000_000,
    "client": "iOS/18.6", "books": [BOOK], "alone": 0, "alone_past": 0, "only_here": [],
    "brought": [],
}  # fmt: skip


def test_custody_is_told_device_by_device():
    old = {
        **IPAD, "name": "old phone", "revoked": 1_600_000_000_000, "client": "", "seen": 0,
        "books": [], "alone": 14, "alone_past": 12,
    }  # fmt: skip
    text = custody_text({"devices": [IPAD, old], "left_out": 0, "visits": True})
    assert text.startswith(
        "iPad  iOS/18.6, last seen 2023-11-14 22:13 UTC\n"
        "  contacts: holds 312 of 312\n"
        "old phone  revoked 2020-09-13 12:26 UTC, last visit not known\n"
        "  holds 14 versions that no other device is known to hold, 12 of them of the past\n"
        "Counted is what a device came back with"
    )
    assert "has seen what was lost here" not in text
    assert device_lines({**IPAD, "brought": ["token:5:9:c0"]})[-1].startswith(
        "  has seen what was lost here: keep its account"
    )
    assert device_lines({**IPAD, "alone": 1})[-1] == (
        "  holds 1 version that no other device is known to hold"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"behind": 14, "holds": 300}, "holds 300 of 312, 14 changes behind"),
        ({"came_back": None, "holds": 3}, "not known: it never tells how far it is; 3 of 312 it"),
        ({"came_back": 0, "holds": 3}, "asked for everything and was not back since; known for"),
        (
            {"beyond": True, "came_back": 25},
            "has seen change 25, which is not in our history: it may",
        ),
        ({"stands": False}, "removed since its last visit, so it may still be there"),
    ],
)
def test_what_is_known_of_a_book_is_said_as_it_is_known(changed: dict[str, Any], said: str):
    assert said in book_words({**BOOK, **changed})


def test_a_calendar_that_nobody_uses_is_no_line_of_the_map():
    unused = {**BOOK, "book": "calendars/notes", "came_back": None, "of": 0, "holds": 0}
    for changed, lines in (({}, 1), ({"of": 1}, 2), ({"came_back": 0}, 2), ({"stands": False}, 2)):
        told = device_lines({**IPAD, "books": [{**unused, **changed}]})
        assert len(told) == lines


def test_custody_says_what_it_does_not_know():
    text = custody_text({"devices": [], "left_out": 3, "visits": False})
    for said in ("There is no device", "3 older devices are not shown", "cannot be read now"):
        assert said in text


def test_a_stopped_server_s_places_are_shown_as_they_lie_there():
    places = [
        {"place": "/a", "state": "found", "replica": "r1", "number": 7, "term": 2},
        {"place": "/b", "state": "blank"},
        {"place": "/c", "state": "absent", "reason": "it is not there"},
    ]
    text = status_text(report(open=False, places=places, witness={"number": 9}, toy=True))
    for said in ("No server runs", "r1, batch 7 of term 2", "blank", "not there", "batch 9", "toy"):
        assert said in text
    assert "Frozen: 1 account;" in status_text(
        report(open=False, places=places, witness=None, frozen=ONE_FROZEN)
    )
    frozen = status_text(
        report(open=False, places=[], witness=None, trouble="no quorum", frozen=None)
    )
    assert "frozen: no quorum" in frozen
    assert "The witness knows nothing" in frozen


# --- accounts -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (5 << 29, "2.5 GiB"),
     (9 << 50, "9216.0 TiB")],
)  # fmt: skip
def test_bytes_are_written_for_people(count: int, text: str):
    assert bytes_text(count) == text


def test_the_past_is_told_apart_from_what_stands():
    counted = {"live": 2048, "history": 10, "quota": 4096}
    told = "Space: 2.0 KiB of 4.0 KiB; and 10 bytes of old and deleted versions"
    assert space_text(counted) == told
    assert "of 4.0" not in space_text({**counted, "quota": None})
    assert "cannot be counted" in space_text(None)


# --- samples ------------------------------------------------------------------------------------
def test_every_sample_is_a_card_that_the_server_takes():
    samples = cards()
    facts = [check(card.body) for card in samples]
    assert len({fact.uid for fact in facts}) == len({card.href for card in samples}) == 40
    assert {fact.version for fact in facts} == {"3.0", "4.0"}


def test_every_sample_of_a_calendar_is_one_that_it_takes_and_no_two_are_one():
    made = samples(TODAY)
    facts = [check_event(one.body) for one in made]
    assert len({fact.uid for fact in facts}) == len({one.href for one in made}) == 18
    kinds = {"calendar": "VEVENT", "tasks": "VTODO", "notes": "VJOURNAL"}
    assert [fact.component for fact in facts] == [kinds[one.calendar] for one in made]
    assert made == samples(TODAY)
    whole = JOINED.replace(b"\r\n ", b"").replace(b"@example.org", b"")
    assert b"@" not in whole  # every day is written out


@pytest.mark.parametrize(("begin", "end"), [(-7, 0), (0, 7), (7, 14)])
def test_each_week_around_today_has_something_in_it(begin: int, end: int):
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    week = [midnight + timedelta(days=days) for days in (begin, end)]
    spans = [span_of(one.body) for one in samples(TODAY) if one.calendar == "calendar"]
    inside = [s for s in spans if s.first < week[1].timestamp() and s.last > week[0].timestamp()]
    assert len(inside) >= 3


def test_a_sample_series_begins_with_a_day_of_its_own_rule():
    first_days = re.findall(rb"DTSTART[^:]*:(\d{8})\S*\r\n(?:DT|DU)[^\r]*\r\nRRULE:(.*)\r", JOINED)
    assert len(first_days) >= 4
    for day, rule in first_days:
        start = datetime.strptime(day.decode(), "%Y%m%d")  # noqa: DTZ007 - a rule has no zone
        assert rrulestr(rule.decode(), dtstart=start)[0] == start


def test_no_line_of_a_sample_is_longer_than_the_standard_says():
    for one in [*cards(), *samples(TODAY)]:
        assert all(len(line) <= 75 for line in one.body.split(b"\r\n")), one.href


def test_folding_never_cuts_a_character_and_can_be_undone():
    line = "NOTE:" + "ä山🦊x" * 60
    folded = fold(line)
    assert all(len(part.encode()) <= 75 for part in folded.split("\r\n"))
    assert folded.replace("\r\n ", "") == line


def test_samples_are_the_same_each_time():
    assert cards() == cards()


def test_a_rebuild_from_one_replica_tells_how_many_bodies_are_lost():
    result = {"source": "r1", "number": 7, "lost": 0}
    assert "lost" not in rebuilt_text(result)
    assert "3 bodies were good in no place" in rebuilt_text({**result, "lost": 3})
