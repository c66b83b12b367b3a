"""Scrub finds what page checksums pass, heals bodies, and makes a damaged catalog doubtful."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from fakes.events import event
from fakes.mirror import FakeLane, Stage
from strongroom.base.errors import UnavailableReplicaError
from strongroom.formats.calendarspan import RULES, span_of
from strongroom.history.entries import Key, Member, Tombstone, canonical, digest_of
from strongroom.mirror.cell import MirrorCell
from strongroom.stores.memory import MemoryReplica, MemoryState
from strongroom.upkeep.scrub import Findings, Pace, scrub

T = TypeVar("T")
Rot = Callable[[Stage, MemoryState], MemoryState]


def quiet(_: str) -> None:
    return


async def _told(stage: Stage) -> MirrorCell:
    cell = await stage.begin()
    for i in range(12):
        await stage.put(cell, f"{i}.vcf", b"card %d" % i)
    await stage.put(cell, "3.vcf", b"card 3, changed")
    return cell


def _scrubbed(rot: Rot | None) -> tuple[list[Findings], str]:
    """Scrub after `rot` was done to the second replica; also says how r2 stands afterwards."""

    async def story() -> tuple[list[Findings], str]:
        stage = Stage()
        cell = await _told(stage)
        replica = stage.memory(1)
        if rot is not None:
            replica.state = rot(stage, replica.state)
        found = await scrub(cell, quiet, Pace(0))
        standing = cell.report()["replicas"][1]["standing"]
        await cell.close()
        return found, standing

    return asyncio.run(story())


def _stale_row(stage: Stage, state: MemoryState) -> MemoryState:
    row = state.rows[stage.key("3.vcf")]
    assert isinstance(row, Member)
    old = digest_of(b"card 3")
    return replace(state, rows={**state.rows, row.key: row._replace(etag=old)})


def _swapped_rows(stage: Stage, state: MemoryState) -> MemoryState:
    one, two = stage.key("1.vcf"), stage.key("2.vcf")
    return replace(state, rows={**state.rows, one: state.rows[two], two: state.rows[one]})


def _lost_row(stage: Stage, state: MemoryState) -> MemoryState:
    rows = {k: v for k, v in state.rows.items() if k != stage.key("5.vcf")}
    return replace(state, rows=rows)


def _lying_tombstone(stage: Stage, state: MemoryState) -> MemoryState:
    row = state.rows[stage.key("5.vcf")]
    gone = Tombstone(row.collection, row.kind, row.href, row.id, row.number)
    return replace(state, rows={**state.rows, row.key: gone})


def _stale_head(stage: Stage, state: MemoryState) -> MemoryState:
    head = state.heads[stage.book]
    stale = head._replace(number=head.number - 1)
    return replace(state, heads={**state.heads, stage.book: stale})


def _lost_device_row(stage: Stage, state: MemoryState) -> MemoryState:
    rows = {k: v for k, v in state.rows.items() if k != Key(stage.home, "collection", "contacts")}
    return replace(state, rows=rows)


def _short_journal(stage: Stage, state: MemoryState) -> MemoryState:
    lines = state.journals[stage.book][:-1]
    return replace(state, journals={**state.journals, stage.book: lines})


def _lost_batch(_: Stage, state: MemoryState) -> MemoryState:
    return replace(state, batches=state.batches[:4] + state.batches[5:])


@pytest.mark.parametrize(
    "rot",
    [
        _stale_row, _swapped_rows, _lost_row, _lying_tombstone, _stale_head, _lost_device_row,
        _short_journal, _lost_batch,
    ],
)  # fmt: skip
def test_a_catalog_that_is_not_its_own_fold_is_found_and_made_doubtful(rot: Rot) -> None:
    found, standing = _scrubbed(rot)

    assert ["damaged" if f.damage else "" for f in found] == ["", "damaged", ""]
    assert standing == "doubtful"


def test_a_sound_mirror_has_no_findings() -> None:
    found, standing = _scrubbed(None)

    assert [f.damage + f.silent for f in found] == ["", "", ""]
    assert [f.bodies for f in found] == [13, 13, 13]
    assert [f.healed + f.lost for f in found] == [[], [], []]
    assert standing == "voter"


class HeldLane(FakeLane):
    """Runs what it is given once the gate is open."""

    def __init__(self, gate: asyncio.Event) -> None:
        self._gate = gate

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        async def held() -> T:
            await self._gate.wait()
            return call()

        return asyncio.ensure_future(held())


def test_who_holds_a_batch_before_it_is_committed_is_not_damaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        stage = Stage()
        cell = await _told(stage)
        gate = asyncio.Event()
        for site in stage.sites[1:]:
            monkeypatch.setattr(site, "write", HeldLane(gate))
        monkeypatch.setattr(cell, "voters", lambda: ["r1"])
        put = asyncio.ensure_future(stage.put(cell, "late.vcf", b"late"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert stage.memory(0).state.position.number > cell.report()["number"]
        found = await scrub(cell, quiet, Pace(0))

        assert [f.damage for f in found] == [""]
        assert cell.report()["replicas"][0]["standing"] == "voter"
        gate.set()
        await put
        await cell.close()

    asyncio.run(story())


def test_a_rotten_body_is_healed_byte_for_byte_and_changes_no_standing() -> None:
    digest = digest_of(b"card 7")

    def rot(_: Stage, state: MemoryState) -> MemoryState:
        return replace(state, blobs={**state.blobs, digest: b"cart 7"})

    async def story() -> None:
        stage = Stage()
        cell = await _told(stage)
        replica = stage.memory(1)
        replica.state = rot(stage, replica.state)
        found = await scrub(cell, quiet, Pace(0))

        assert [[], [digest], []] == [f.healed for f in found]
        assert replica.bodies([digest]) == [b"card 7"]
        assert cell.report()["replicas"][1]["standing"] == "voter"
        assert (digest, b"cart 7") in replica.state.quarantine
        await cell.close()

    asyncio.run(story())


def test_an_old_body_that_no_object_names_any_more_is_kept_and_healed() -> None:
    digest = digest_of(b"card 3")  # replaced by "card 3, changed"

    def rot(_: Stage, state: MemoryState) -> MemoryState:
        return replace(state, blobs={**state.blobs, digest: b""})

    found, _ = _scrubbed(rot)
    assert [digest] == found[1].healed


def test_a_body_that_is_good_nowhere_is_named() -> None:
    digest = digest_of(b"card 7")

    async def story() -> list[Findings]:
        stage = Stage()
        cell = await _told(stage)
        for i in range(3):
            replica = stage.memory(i)
            replica.state = replace(replica.state, blobs={**replica.state.blobs, digest: b"?"})
        found = await scrub(cell, quiet, Pace(0))
        await cell.close()
        return found

    assert [[digest]] * 3 == [f.lost for f in asyncio.run(story())]


def test_a_damaged_catalog_is_replaced_by_a_copy_and_the_old_one_kept() -> None:
    async def story() -> None:
        stage = Stage()
        cell = await _told(stage)
        replica = stage.memory(1)
        replica.state = _lost_row(stage, replica.state)
        await scrub(cell, quiet, Pace(0))
        await _until(lambda: cell.report()["replicas"][1]["standing"] == "voter")

        assert stage.memory(0).state.rows == stage.memory(1).state.rows
        assert stage.memory(0).state.heads == stage.memory(1).state.heads
        await cell.close()

    asyncio.run(story())


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - the keeper tells nobody
            await asyncio.sleep(0.05)


class _Marks:
    def __init__(self) -> None:
        self.kept: dict[str, int] = {}
        self.saved = 0

    def load(self) -> dict[str, int]:
        return dict(self.kept)

    def save(self, marks: Any) -> None:
        self.kept = dict(marks)
        self.saved += 1


def test_reading_bodies_goes_on_where_it_was_stopped() -> None:
    async def story() -> None:
        stage = Stage()
        cell = await _told(stage)
        marks = _Marks()
        last = len(stage.memory(0).state.batches)
        marks.kept = {"r1": last - 1}
        found = await scrub(cell, quiet, Pace(0), marks)

        assert [f.bodies for f in found] == [1, 13, 13]
        assert marks.kept == {}
        assert marks.saved > 0
        await cell.close()

    asyncio.run(story())


def test_a_replica_that_falls_silent_is_reported_and_not_doubted() -> None:
    class Silent(MemoryReplica):
        def batches(self, after: int, limit: int) -> Any:
            raise UnavailableReplicaError("it was unmounted")

    async def story() -> tuple[list[Findings], str]:
        stage = Stage()
        cell = await _told(stage)
        stage.sites[1].replica = Silent(stage.memory(1).state)
        found = await scrub(cell, quiet, Pace(0))
        standing = cell.report()["replicas"][1]["standing"]
        await cell.close()
        return found, standing

    found, standing = asyncio.run(story())
    assert [f.silent for f in found] == ["", "it was unmounted", ""]
    assert standing == "voter"


def test_the_pace_sleeps_off_what_was_read() -> None:
    async def spent() -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        pace = Pace(10_000)
        for _ in range(10):
            await pace.spend(200)
        return loop.time() - start

    assert asyncio.run(_both(spent(), spent())) >= 0.15


async def _both(*work: Coroutine[Any, Any, float]) -> float:
    return min(await asyncio.gather(*work))


# --- times ----------------------------------------------------------------------------------------
BODY = event("DTSTART:20260105T090000Z", "RRULE:FREQ=DAILY;COUNT=3", "DURATION:PT1H")
ROWS = {"right.ics": (0, 0), "wide.ics": (-1, 1), "late.ics": (1, 0), "short.ics": (0, -1)}
WRONG = ["late.ics", "short.ics", "wide.ics"]


class _Times:
    """Can write so many rows, and hears which collections are right."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.asked: dict[str, str] = {}
        self.trusted: list[int] = []

    async def retell(self, rows: Sequence[tuple[Member, str]]) -> list[Member]:
        self.asked |= {row.href: data for row, data in rows}
        return [row for row, _ in rows[self.room :]]

    def trust(self, calendar: int) -> None:
        self.trusted.append(calendar)


def _timed(
    times: _Times | None, spoil: Callable[[Stage], None] = lambda _: None
) -> tuple[list[Findings], int]:
    """Scrub a calendar in which rows tell other times than their bodies, on all replicas alike."""

    async def story() -> tuple[list[Findings], int]:
        stage = Stage()
        cell = await stage.begin()
        span = span_of(BODY)
        for name, (more, less) in ROWS.items():
            told = [span.first + more, span.last + less, RULES]
            await stage.put(cell, name, BODY, span=told, type="text/calendar;VEVENT")
        await stage.put(cell, "card.vcf", b"card", type="text/vcard;3.0")
        spoil(stage)
        found = await scrub(cell, quiet, Pace(0), times=times)
        assert {row["standing"] for row in cell.report()["replicas"]} == {"voter"}
        assert [one.damage for one in found] == ["", "", ""]
        await cell.close()
        return found, stage.book

    return asyncio.run(story())


def test_a_row_that_tells_another_time_than_its_object_takes_is_named_once() -> None:
    found, _ = _timed(None)
    assert [sorted(name.partition("/")[2] for name in one.short) for one in found] == [
        WRONG, [], [],
    ]  # fmt: skip
    assert [one.retold for one in found] == [0, 0, 0]


@pytest.mark.parametrize("room", [3, 2])
def test_rows_are_told_anew_and_a_calendar_is_trusted_when_all_are(room: int) -> None:
    times = _Times(room)
    found, book = _timed(times)
    assert [one.retold for one in found] == [room, 0, 0]
    assert [len(one.short) for one in found] == [3 - room, 0, 0]
    span = span_of(BODY)
    right = canonical({"size": len(BODY), "span": [*span, RULES], "type": "text/calendar;VEVENT"})
    assert times.asked == dict.fromkeys(WRONG, right)
    assert (book in times.trusted) == (room == 3)


def test_what_has_no_good_body_here_is_not_told_anew_nor_trusted() -> None:
    def rot(stage: Stage) -> None:
        state = stage.memory(0).state
        stage.memory(0).state = replace(state, blobs={**state.blobs, digest_of(BODY): b"?"})

    times = _Times(3)
    found, book = _timed(times, rot)
    assert (times.asked, found[0].healed) == ({}, [digest_of(BODY)])
    assert book not in times.trusted
