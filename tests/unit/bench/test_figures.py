"""Medians, ratios and targets say what the raw figures say, and no more."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bench import figures, table
from bench.cards import BYTES_MAX, BYTES_MIN, card, uid
from bench.dav import etags, members, query_body, token_of
from bench.figures import Measure, Record, percentile, ratio, summary
from bench.load import Bound, Tally, drive
from bench.wire import Connection, Target, WrongAnswerError
from strongroom.formats.cardfilter import matches
from strongroom.formats.davxml import Query, parse_report

PUT = "PUT new, 32 connections"
DELTA = "delta of 1 in 10,000"
MULTISTATUS = (
    b'<D:multistatus xmlns:D="DAV:"><D:response><D:href>/b/</D:href></D:response>'
    b"<D:response><D:href>/b/a%20b.vcf</D:href><D:propstat><D:prop>"
    b"<D:getetag>&quot;1&quot;</D:getetag></D:prop></D:propstat></D:response>"
    b"<D:sync-token>http://x/?a=1&amp;b</D:sync-token></D:multistatus>"
)


def measure(server: str, value: float, unit: str = "1/s", workload: str = PUT) -> Measure:
    return Measure(workload, server, 1, value, unit, ops=10, cpu_ms=0.4)


def record(*measures: Measure) -> Record:
    return Record("full", {"cores": 2}, {"Strongroom": "1"}, 1, list(measures))


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0]

    assert percentile(values, 0.5) == 3.0
    assert percentile(values, 0.99) == 5.0
    assert percentile(values, 0.0) == 1.0
    assert percentile([], 0.5) is None


def test_the_median_of_the_runs_stands_and_errors_add_up() -> None:
    runs = [Measure(PUT, "Strongroom", n, v, "1/s", errors=n) for n, v in enumerate([9, 1, 5])]

    found = summary(record(*runs))[PUT]["Strongroom"]

    assert (found.value, found.low, found.high, found.runs, found.errors) == (5, 1, 9, 3, 3)


@pytest.mark.parametrize("unit,expected", [("1/s", 4.0), ("s", 0.25), ("ms", 0.25), ("MB", 0.25)])
def test_a_ratio_over_one_always_means_that_ours_is_better(unit: str, expected: float) -> None:
    ours, theirs = measure("Strongroom", 400, unit), measure("Radicale", 100, unit)

    assert expected == ratio(figures.typical([ours]), figures.typical([theirs]))


def test_a_target_without_its_figure_is_pending_and_never_passed() -> None:
    servers = summary(record(measure("Strongroom", 2000)))[PUT]

    assert table.verdicts(PUT, servers) == [
        ">= 50x Radicale: pending",
        ">= 10x Cyrus: pending",
        ">= 1,900/s: pass",
        "<= 0.45 ms CPU: pass",
    ]


def test_a_missed_target_is_named() -> None:
    slow = measure("Strongroom", 1.5, "ms", DELTA)
    bad = record(slow, measure("Strongroom", 100), measure("Radicale", 30))

    assert [
        f"{DELTA}: <= 1 ms: MISS",
        f"{PUT}: >= 50x Radicale: MISS",
        f"{PUT}: >= 1,900/s: MISS",
    ] == table.missed(bad)


def test_ten_times_cyrus_is_a_target_of_its_own() -> None:
    ours = measure("Strongroom", 2000)

    assert not table.missed(record(ours, measure("Cyrus", 200)))
    assert [f"{PUT}: >= 10x Cyrus: MISS"] == table.missed(record(ours, measure("Cyrus", 201)))


def test_the_table_has_a_column_for_each_peer_that_was_there() -> None:
    alone = record(measure("Strongroom", 2000))
    both = replace(alone, versions={"Strongroom": "1", "Cyrus": "3"})

    assert table.headings(alone) == ["workload", "Strongroom", "CPU", "target"]
    assert table.headings(both) == [
        "workload", "Strongroom", "CPU", "Cyrus", "CPU", "ratio", "target",
    ]  # fmt: skip
    assert {len(row) for row in table.rows(both)} == {7}


def test_raw_figures_survive_their_file() -> None:
    whole = record(measure("Strongroom", 2000), measure("Xandikos", 30))

    assert whole == Record.from_json(whole.to_json())


def test_the_table_goes_between_the_marks_and_touches_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")

    table.write_into(page, record(measure("Strongroom", 2000)), "raw.json")

    text = page.read_text()
    assert text.startswith(f"before\n{table.BEGIN}\n")
    assert text.endswith(f"{table.END}\nafter\n")
    assert "2,000/s" in text
    assert "old" not in text


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("mine\n")

    with pytest.raises(ValueError, match="lacks the marks"):
        table.write_into(page, record(), "raw.json")
    assert page.read_text() == "mine\n"


def test_members_keep_their_escapes_and_collections_are_left_out() -> None:
    assert members(MULTISTATUS) == [b"/b/a%20b.vcf"]
    assert etags(MULTISTATUS) == {"/b/a%20b.vcf": '"1"'}
    assert token_of(MULTISTATUS) == "http://x/?a=1&b"
    with pytest.raises(WrongAnswerError):
        token_of(b"<multistatus/>")


def test_a_query_is_one_that_the_product_understands() -> None:
    asked = parse_report(query_body("EMAIL", "29a. & Co"))
    hit = card(666).replace(b"29a.", b"29a. & Co ")

    assert isinstance(asked, Query)
    assert [matches(hit, asked.filter), matches(card(666), asked.filter)] == [True, False]


def test_cards_are_the_same_in_each_run_and_differ_from_each_other() -> None:
    cards = [card(number) for number in range(3000)]

    assert cards == [card(number) for number in range(3000)]
    assert 3000 == len(set(cards)) == len({uid(number) for number in range(3000)})
    assert all(BYTES_MIN <= len(one) <= BYTES_MAX for one in cards)
    assert all(len(line) <= 75 for one in cards for line in one.split(b"\r\n"))
    assert card(7) != card(7, revision=1)


async def driven(act_fails: bool, ops: int) -> Tally:
    async def act(_connection: Connection, slot: int) -> None:
        if act_fails and slot == 0:
            raise WrongAnswerError("no")

    return await drive(Target(1, "/", "a", "b"), 2, act, Bound(ops, 30.0))


def test_a_drive_ends_with_its_count() -> None:
    tally = asyncio.run(driven(False, 10))

    assert (tally.ops, tally.errors) == (10, 0)
    assert tally.rate > 0


def test_a_failed_operation_is_counted_as_an_error_and_not_as_work() -> None:
    tally = asyncio.run(driven(True, 10))

    assert tally.ops + tally.errors == 10
    assert tally.errors >= 1
    assert tally.said[:1] == ["no"]
