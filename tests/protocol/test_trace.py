"""A trace tells what a phone did and was told, and nothing about anybody."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.faulty_disk import CountingDisk
from fakes.asgi import Client, CutError
from fakes.events import event, events_between
from fakes.mirror import FakeLane
from fakes.site import BOOK, HOME, Site
from phone.thunderbird import Thunderbird
from phone.wire import multiget, propfind, sync_collection
from strongroom.base.errors import UnknownError
from strongroom.base.limits import TRACE_FILE_BYTES_MAX, TRACE_LINES_WAITING_MAX
from strongroom.dav import propfind as listing
from strongroom.dav.silence import CUT
from strongroom.stores import trace_file
from strongroom.stores.durable import Durable
from strongroom.stores.trace_file import TraceFile
from strongroom.trace import Trace

DAV = "{DAV:}"


class StillClock:
    def now_ms(self) -> int:
        return 1_700_000_000_123


class Traced(Site):
    """A site of which every request is traced."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []
        self.app = Trace(self.app, self.lines.append, StillClock(), b"secret")
        self.alice.app = self.bob.app = self.nobody.app = self.app

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def site() -> Traced:
    return Traced()


def test_a_line_tells_what_was_asked_and_answered(site: Traced) -> None:
    site.put("ann.vcf", "ann", user_agent="iOS/18.6 dataaccessd/1.0")
    site.do("PROPFIND", BOOK, propfind(DAV + "getetag"), depth="1", if_match='W/"x-gzip"')
    site.run(site.nobody("OPTIONS", HOME))

    put, found, options = site.told
    assert put["time"] == "2023-11-14T22:13:20.123+00:00"
    assert (put["method"], put["status"], put["answer"]) == ("PUT", 201, None)
    assert put["body"]["card"] == "BEGIN:VCARD VERSION:3.0 UID:…3 FN:…3 END:VCARD"
    assert ["user-agent", "iOS/18.6 dataaccessd/1.0"] in put["headers"]
    assert found["status"] == 207
    assert found["body"]["xml"].startswith("<D:propfind><D:prop><D:getetag></D:getetag>")
    assert put["path"] in found["answer"]["xml"]  # one name, one pseudonym
    tag = dict(put["answer_headers"])["etag"]
    assert f"<D:getetag>{tag}</D:getetag>" in found["answer"]["xml"]
    assert put["who"] == found["who"] != options["who"] == ""
    assert options["status"] == 401
    assert "cut" not in put


def test_of_an_event_a_trace_keeps_the_form_and_nothing_of_when_and_what(site: Traced) -> None:
    lines = ("DTSTART:20261128T200000Z", "SUMMARY:Zq7dinner", "LOCATION:Zq7place")
    path = "/dav/calendars/alice/calendar/Zq7name.ics"
    assert site.do("PUT", path, event(*lines, uid="Zq7uid")).status == 201
    query = events_between("20261127T000000Z", "20261130T000000Z")
    assert b"Zq7dinner" in site.do("REPORT", path.rpartition("/")[0] + "/", query, depth="1").body

    put, asked = site.told
    assert put["path"].startswith("/dav/calendars/~")
    assert put["body"]["calendar"].endswith(
        "BEGIN:VEVENT UID:…6 DTSTART:…16 SUMMARY:…9 LOCATION:…8 END:VEVENT END:VCALENDAR"
    )
    assert '<CAL:time-range start="…16" end="…16">' in asked["body"]["xml"]
    assert "SUMMARY:…9" in asked["answer"]["xml"]
    assert not any(said in b"".join(site.lines) for said in (b"Zq7", b"20261128", b"20261127"))


def test_a_broken_answer_and_silence_are_told_as_cut(
    site: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bob", "cid"):
        site.put(f"{name}.vcf", name)
    good = iter([listing.describe, listing.describe])

    def describe(*row: Any) -> bytes:
        return next(good)(*row)

    monkeypatch.setattr(listing, "ROWS_A_PIECE", 1)
    monkeypatch.setattr(listing, "describe", describe)
    with pytest.raises(CutError):
        site.do("PROPFIND", BOOK, propfind(DAV + "getetag"), depth="1")
    site.cell.refuse = UnknownError()
    site.alice.scope[CUT] = lambda: None
    site.do("DELETE", BOOK + "ann.vcf", user_agent=Thunderbird.AGENT)

    broken, silent = site.told[-2:]
    assert broken["cut"]
    assert (silent["status"], silent["cut"]) == (0, True)


def test_what_is_no_request_is_passed_on(site: Traced) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "lifespan.shutdown"}

    site.run(site.app({"type": "lifespan"}, receive, send))
    assert sent == [{"type": "lifespan.shutdown.complete"}]
    assert site.lines == []


def test_a_request_that_cannot_be_traced_is_answered_all_the_same(
    site: Traced, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(site.app, "_line", lambda *_: 1 / 0)
    assert site.put("ann.vcf", "ann").status == 201
    assert site.lines == []
    assert "could not be traced" in caplog.text


WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=16).map("zq".__add__)


@given(WORD, WORD, WORD, WORD, st.lists(WORD, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_name_card_password_or_token_survives(
    book: str, name: str, uid: str, password: str, values: list[str]
) -> None:
    site = Traced()
    lines = "".join(f"NOTE:{value}\r\n" for value in values)
    body = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{values[0]}\r\n{lines}END:VCARD\r\n"
    path = f"{HOME}{book}/"
    site.do("MKCOL", path)
    tag = site.do("PUT", f"{path}{name}.vcf", body.encode(), content_type="text/vcard")
    token = site.do("REPORT", path, sync_collection(""), depth="0").token
    site.do("REPORT", path, sync_collection(token), depth="0")
    site.do("REPORT", path, multiget([f"{path}{name}.vcf"]), depth="0")
    site.do("PROPFIND", HOME, depth="1")
    site.do("GET", f"{path}{name}.vcf", cookie=password)
    site.do("MOVE", f"{path}{name}.vcf", destination=f"https://{uid}{path}{password}.vcf?{name}")
    site.run(Client(site.app, name, password)("PROPFIND", f"/dav/principals/{name}/"))

    told = b"\n".join(site.lines).decode().lower()

    secrets = [
        book, name, uid, password, *values, "alice", site.passwords["alice", "phone"], token,
        tag.headers["etag"].strip('"'), site.alice.headers["authorization"].split()[1],
    ]  # fmt: skip
    for secret in secrets:
        assert secret.lower() not in told


# --- the file -------------------------------------------------------------------------------------
def written(file: TraceFile, *lines: bytes, pause: bool = True) -> None:
    async def write() -> None:
        await file.open()
        for line in lines:
            file.write(line)
            if pause:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        await file.close()

    asyncio.run(write())


def test_lines_are_appended_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    disk = CountingDisk()
    path = tmp_path / "traces" / "a.ndjson"
    written(TraceFile(path, FakeLane(), Durable(disk)), b"1", b"2")
    assert path.read_bytes() == b"1\n2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_full_file_takes_no_more_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert TRACE_FILE_BYTES_MAX >= 1 << 20
    monkeypatch.setattr(trace_file, "TRACE_FILE_BYTES_MAX", 4)
    path = tmp_path / "a.ndjson"
    written(TraceFile(path, FakeLane()), b"123", b"4", b"5")
    assert path.read_bytes() == b"123\n"
    assert [record.getMessage() for record in caplog.records] == [
        f"no more traces are written to {path}: it is full"
    ]


def test_a_disk_that_refuses_ends_the_traces_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(CountingDisk):
        def fsync(self, fd: int) -> None:
            if self.fuse.seen.count("write"):
                raise OSError(28, "No space left on device")
            super().fsync(fd)

    path = tmp_path / "a.ndjson"
    written(TraceFile(path, FakeLane(), Durable(Refusing())), b"1", b"2")
    assert path.read_bytes() == b"1\n"
    assert caplog.text.count("no more traces") == 1


def test_lines_that_come_too_fast_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    file = TraceFile(path, FakeLane())
    many = [b"1"] * TRACE_LINES_WAITING_MAX

    async def write() -> None:
        await file.open()
        for line in [*many, b"2", b"3"]:
            file.write(line)
        await asyncio.sleep(0.01)
        file.write(b"4")
        await asyncio.sleep(0.01)
        await file.close()

    asyncio.run(write())
    assert path.read_bytes() == b"1\n" * len(many) + b'{"left_out": 2}\n4\n'
