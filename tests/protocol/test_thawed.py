"""After a thaw, a phone that knows a lost history is told what it lacks and nothing else (I5)."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.site import BOOK, Site
from phone.wire import sync_collection
from strongroom.history.edits import Origin
from strongroom.service.thaw import thaw

GONE = "HTTP/1.1 404 Not Found"


class Story:
    """Alice's phone came back, saw two changes that were then forgotten; the laptop wrote since."""

    def __init__(self, *, keep_positions: bool = False) -> None:
        self.site = Site()
        for name in ("ann", "bob", "cid", "dan"):
            self.laptop("PUT", f"{name}.vcf", body(name, name))
        self.token = self.sync(self.sync())
        cell, positions = self.site.cell.saved(), self.site.positions.saved()
        self.site.put("ann.vcf", "ann", "Changed, then forgotten")
        self.site.put("late.vcf", "late")
        self.token = self.sync(self.sync(self.token))
        self.site.cell.set_back(cell)
        if not keep_positions:
            self.site.positions.set_back(positions)

    def sync(self, token: str = "") -> str:
        answer = self.ask(token)
        assert answer.status == 207
        return answer.token

    def ask(self, token: str) -> Any:
        return self.site.do("REPORT", BOOK, sync_collection(token), depth="0")

    def laptop(self, method: str, name: str, body: bytes = b"") -> None:
        kind = {"content_type": "text/vcard"} if body else {}
        answer = self.site.run(self.site.laptop(method, BOOK + name, body, **kind))
        assert answer.status in {201, 204}

    def thaw(self) -> None:
        assert self.ask(self.token).status == 503
        self.site.run(thaw(self.site.cell, "alice", Origin()))


def body(uid: str, name: str) -> bytes:
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nEND:VCARD\r\n".encode()


@pytest.fixture
def story() -> Story:
    return Story()


def test_it_is_told_what_others_wrote_and_not_what_it_has_or_knows_better(story: Story) -> None:
    story.laptop("PUT", "bob.vcf", body("bob", "By the laptop"))
    story.laptop("PUT", "new.vcf", body("new", "By the laptop"))
    story.laptop("DELETE", "dan.vcf")
    story.site.put("cid.vcf", "cid", "By the phone itself")
    story.thaw()

    told = story.ask(story.token)

    assert told.status == 207
    assert set(told.hrefs) == {BOOK + "bob.vcf", BOOK + "new.vcf"}
    assert GONE not in told.text
    assert story.ask(told.token).hrefs == []  # from here on as ever
    story.laptop("DELETE", "cid.vcf")
    later = story.ask(told.token)
    assert (later.hrefs, later.status_of(BOOK + "cid.vcf")) == ([BOOK + "cid.vcf"], GONE)


@pytest.mark.parametrize("why", ["never came back", "newer than we are", "cannot be read"])
def test_where_it_is_not_known_how_far_it_was_it_is_told_all_that_stands(why: str) -> None:
    story = Story(keep_positions=why == "newer than we are")
    if why == "never came back":
        story.site.positions.set_back({})
    story.site.positions.lost = why == "cannot be read"
    story.thaw()

    told = story.ask(story.token)

    assert set(told.hrefs) == {BOOK + f"{name}.vcf" for name in ("ann", "bob", "cid", "dan")}
    assert GONE not in told.text
