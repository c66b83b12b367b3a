"""The commands about refused writes, and what a person sees of them."""

from __future__ import annotations

import json
from argparse import Namespace
from base64 import b64decode
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fakes.mirror import FakeClock
from fakes.site import BOOK, Site, card
from strongroom.base.errors import InvalidError, NotFoundError, PreconditionError
from strongroom.cli import refused as cli
from strongroom.cli.people import refused_text
from strongroom.cli.screen import Screen, UsageError
from strongroom.compose import Parts
from strongroom.control.protocol import Request
from strongroom.control.room import Room
from strongroom.control.table import run
from strongroom.mirror.cell import MirrorCell

OLD = '"' + "0" * 64 + '"'
DAVX5 = "DAVx5/4.5-ose (dav4jvm)"


class Desk:
    """Alice's phone, and whoever sits at the server."""

    def __init__(self) -> None:
        self.site = Site()
        self.room = Room(
            cast(Parts, SimpleNamespace(clock=FakeClock())), cast(MirrorCell, self.site.cell)
        )

    def ask(self, command: str, given: Any) -> dict[str, Any]:
        job = run(self.room, Request(command, dict(given)), lambda text: None)
        return json.loads(json.dumps(self.site.run(job)))

    def do(self, command: str, **given: Any) -> dict[str, Any]:
        return self.ask(f"refused {command}", {"login": "alice", **given})

    def say(self, action: str, capsys: pytest.CaptureFixture[str], **given: Any) -> str:
        """Run a command as a person does; gives what is on the screen."""
        defaults = {"json": False, "login": "alice", "number": 1, "raw": False, "prefer": ""}
        cli._RUN[action](Namespace(**defaults | given), Screen(), self.ask)
        return capsys.readouterr().out


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.site.put("ann.vcf", "ann", "Ann")
    desk.site.put("ann.vcf", "ann", "Ann Lee", if_match=OLD, user_agent=DAVX5)
    return desk


def test_it_is_listed_shown_applied_and_gone(desk: Desk) -> None:
    (row,) = desk.do("list")["refused"]
    assert (row["number"], row["name"], row["device"]) == (1, "Ann Lee", "phone")
    assert (row["client"], row["whole"], row["status"]) == ("DAVx5/4.5-ose", True, 412)
    assert row["why"] == "it had changed in the meantime"

    shown = desk.do("show", number=1, prefer="")
    assert shown["conflicts"] == [{"field": "Full name", "old": "Ann", "new": "Ann Lee"}]
    assert shown["differences"] == shown["conflicts"]
    assert b64decode(desk.do("body", number=1)["body"]) == card("ann", "Ann Lee")

    done = desk.do("apply", number=1, prefer="phone", shown=shown["shown"])
    assert done["changes"] == [{"field": "Full name", "old": "Ann", "new": "Ann Lee"}]
    assert desk.do("list")["refused"] == []
    assert b"FN:Ann Lee" in desk.site.do("GET", BOOK + "ann.vcf").body


def test_a_conflict_is_never_decided_unasked(desk: Desk) -> None:
    shown = desk.do("show", number=1, prefer="")["shown"]
    with pytest.raises(InvalidError, match="--prefer"):
        desk.do("apply", number=1, prefer="", shown=shown)
    with pytest.raises(InvalidError):
        desk.do("apply", number=1, prefer="nobody", shown=shown)
    with pytest.raises(PreconditionError):
        desk.do("apply", number=1, prefer="phone", shown="")

    assert b"FN:Ann\r\n" in desk.site.do("GET", BOOK + "ann.vcf").body


def test_a_dropped_one_is_off_the_list(desk: Desk) -> None:
    assert desk.do("drop", number=1)["name"] == "Ann Lee"
    assert desk.do("list")["refused"] == []
    for command, more in (("show", {}), ("apply", {"shown": ""})):
        with pytest.raises(NotFoundError, match="refused list"):
            desk.do(command, number=1, prefer="", **more)
    with pytest.raises(NotFoundError):
        desk.ask("refused list", {"login": "nobody"})


def test_an_account_tells_how_many_there_are(desk: Desk) -> None:
    assert desk.ask("account show", {"login": "alice"})["refused"] == 1
    assert desk.ask("account show", {"login": "bob"})["refused"] == 0
    assert refused_text({"login": "alice", "refused": 2}) == (
        "Refused: 2 edits of phones; `strongroom refused list alice`"
    )
    shown = desk.ask("account show", {"login": "alice"})["collections"]
    assert [one["collection"] for one in shown] == ["contacts"]


# --- what a person sees ---------------------------------------------------------------------------


def test_a_person_reads_who_what_when_and_why(desk: Desk, capsys: Any) -> None:
    text = desk.say("list", capsys)
    assert text == (
        "1  2023-11-14 22:13 UTC  Ann Lee  for contacts, by phone (DAVx5/4.5-ose): it had "
        "changed in the meantime\n"
    )
    shown = desk.say("show", capsys)
    assert "  Full name: server Ann | phone Ann Lee\n" in shown
    assert "  Full name: both changed: server Ann | phone Ann Lee\n" in shown
    assert shown.endswith("`strongroom refused apply alice 1`\n")
    assert "All of it was taken" not in text


def test_what_is_raw_is_the_bytes_alone(desk: Desk, capfdbinary: Any) -> None:
    cli._RUN["show"](Namespace(json=False, login="alice", number=1, raw=True), Screen(), desk.ask)
    assert capfdbinary.readouterr().out == card("ann", "Ann Lee")


def test_a_person_is_asked_and_told_what_became_of_it(
    desk: Desk, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="--prefer"):
        desk.say("apply", capsys)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True, readline=lambda: "me\n"))
    with pytest.raises(UsageError, match="phone, server, both"):
        desk.say("apply", capsys)
    answer = SimpleNamespace(isatty=lambda: True, readline=lambda: "phone\n")
    monkeypatch.setattr("sys.stdin", answer)

    text = desk.say("apply", capsys)
    assert "  Full name: before Ann | now Ann Lee\n" in text
    assert "ann.vcf was changed" in text
    assert "is kept: all of it was taken" in desk.say("list", capsys)


def test_one_that_is_gone_says_that_it_is_made_again(desk: Desk, capsys: Any) -> None:
    desk.site.do("DELETE", BOOK + "ann.vcf")
    assert "does not stand any more; applying makes it again as ann.vcf" in desk.say("show", capsys)
    assert "ann.vcf was made" in desk.say("apply", capsys)


def test_what_cannot_be_applied_says_why(desk: Desk, capsys: Any) -> None:
    desk.site.do("PUT", BOOK + "b.vcf", b"no card", content_type="text/vcard")
    said = desk.say("show", capsys, number=2)
    assert "It cannot be applied. It is no card" in said
    assert "`strongroom refused show alice 2 --raw > FILE` gives its bytes" in said
    assert "`strongroom import alice FILE`" in said
    with pytest.raises(InvalidError):
        desk.say("apply", capsys, number=2)
    assert "2 is off the list" in desk.say("drop", capsys, number=2)


def test_what_stands_already_and_what_is_not_whole_is_said(desk: Desk, capsys: Any) -> None:
    desk.site.put("ann.vcf", "ann", "Ann Lee")
    assert "All of it stands already." in desk.say("show", capsys)
    assert "All of it stood already; it is off the list." in desk.say("apply", capsys)

    row = {
        "number": 7, "at": 0, "name": "", "book": "calendars/work", "href": "", "device": "",
        "client": "", "why": "why", "times": 3, "whole": False, "size": 0, "more": 2,
    }  # fmt: skip
    assert cli.row_text(row) == (
        "7  1970-01-01 00:00 UTC  without a name  for calendars/work, by a device: why, 3 "
        "times; only 0 bytes of it are kept; 2 more that came too fast are not"
    )
