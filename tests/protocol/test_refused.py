"""A refused write is kept for its owner; a refused deletion comes back to the phone."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from fakes.asgi import Answer, Client
from fakes.events import event
from fakes.site import BOOK, HOME, Site, card
from strongroom.base.errors import NoSpaceError, UnknownError, UnsureError
from strongroom.base.limits import (
    OBJECT_BYTES_MAX,
    REFUSED_BYTES_MAX,
    REFUSED_DELETES_AN_HOUR,
    REFUSED_KEPT_MAX,
    REFUSED_NAMES_MAX,
)
from strongroom.history.edits import Origin
from strongroom.history.entries import OBJECT, PROPS
from strongroom.service.accounts import add_device, suspend
from strongroom.service.refused import NAME, Kept, listed
from strongroom.service.rights import Rights

ANN = BOOK + "ann.vcf"
DAV = "{DAV:}"
CARD = "{urn:ietf:params:xml:ns:carddav}"
OLD = '"' + "0" * 64 + '"'


@pytest.fixture
def site() -> Site:
    site = Site()
    site.put("ann.vcf", "ann")
    return site


@pytest.fixture
def screen(site: Site) -> Client:
    """A device of alice's that may only read."""
    rights = Rights(read_only=True)
    password = site.run(
        add_device(site.cell, "alice", "screen", site.entropy, Origin(), rights)
    )  # fmt: skip
    return Client(site.app, "alice", password)


def kept(site: Site) -> list[Kept]:
    return site.run(listed(site.cell, site.home))


def body_of(site: Site, one: Kept) -> bytes:
    return site.cell.blobs[one.member.etag]


def refused(site: Site, body: bytes, **headers: Any) -> Answer:
    """Try to save what will be refused with 412."""
    return site.do("PUT", ANN, body, content_type="text/vcard", if_match=OLD, **headers)


# --- which, and how much of them ------------------------------------------------------------------


def test_an_edit_refused_with_412_is_kept_byte_for_byte_with_all_that_is_known(site: Site) -> None:
    body = card("ann", "Ann Lee").replace(b"FN:", b"X-ODD;p=1:\xc3\xa9\r\n b\r\nFN:")
    stood = site.cell.directory
    assert refused(site, body, user_agent="DAVx5/4.5-ose (x)").status == 412

    (one,) = kept(site)
    assert body_of(site, one) == body
    assert one.whole
    standing = site.run(site.cell.listing(site.book.id, OBJECT))[1][0]
    assert one.facts == {
        "book": "contacts", "href": "ann.vcf", "collection": site.book.id, "status": 412,
        "why": "Fetch the current version and try again on top of it.",
        "condition": f"if-match: {OLD}", "type": "text/vcard", "sent": len(body), "whole": True,
        "size": len(body), "name": "Ann Lee", "client": "DAVx5/4.5-ose", "device": "phone",
        "stood": {"etag": standing.etag, "number": standing.number},
    }  # fmt: skip
    assert stood.device(one.member.by).href == "phone"  # type: ignore[union-attr]


def test_a_refused_event_is_kept_with_its_calendar_and_called_by_its_summary(site: Site) -> None:
    path = "/dav/calendars/alice/calendar/a.ics"
    body = event("DTSTART:20261128T200000Z", "SUMMARY:Dinner\\, late")
    assert site.do("PUT", path, body).status == 201
    later = body.replace(b"late", b"later")
    assert site.do("PUT", path, later, if_none_match="*").status == 412

    (one,) = kept(site)
    assert (one.facts["book"], one.facts["href"]) == ("calendars/calendar", "a.ics")
    assert one.facts["name"] == "Dinner, later"


WRITES: list[tuple[str, str, bytes, dict[str, str], int, str]] = [
    # method, address, body, headers, status, element
    ("PUT", ANN, card("ann", "B"), {"if_none_match": "*"}, 412, ""),
    ("PUT", HOME + "none/ann.vcf", card("ann"), {}, 409, ""),
    ("PUT", BOOK + "new.vcf", card("ann", "C"), {}, 403, CARD + "no-uid-conflict"),
    ("PUT", BOOK + "new.vcf", b"no card", {}, 403, CARD + "valid-address-data"),
    ("PUT", BOOK + "new.vcf", card("n"), {"content_type": "text/x"}, 403,
     CARD + "supported-address-data"),
    ("POST", BOOK, b"no card", {"content_type": "text/vcard"}, 403, CARD + "valid-address-data"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "element"), WRITES)
def test_whatever_is_refused_for_good_is_kept_whole(
    site: Site, method: str, path: str, body: bytes, headers: dict[str, str], status: int,
    element: str,
) -> None:  # fmt: skip
    half = len(body) // 2
    answer = site.do(method, path, [body[:half], body[half:]], **headers)

    (one,) = kept(site)
    assert answer.status == one.facts["status"] == status
    assert one.facts.get("element", "") == element
    assert (body_of(site, one), one.whole) == (body, True)
    assert one.facts.get("other") == ("ann.vcf" if "no-uid" in element else None)


def test_what_a_read_only_device_wrote_is_kept_and_its_body_is_read_for_that(
    site: Site, screen: Client
) -> None:
    answer = site.run(screen("PUT", ANN, card("ann", "Screen"), expect="100-continue"))

    (one,) = kept(site)
    assert (answer.status, one.facts["device"]) == (403, "screen")
    assert body_of(site, one) == card("ann", "Screen")
    assert one.facts["element"] == DAV + "need-privileges"


@pytest.mark.parametrize("past", [0, 1])
def test_a_body_is_kept_up_to_the_longest_that_is_taken(site: Site, past: int) -> None:
    size = OBJECT_BYTES_MAX + past
    for letter in "xy":
        body = card("ann", letter * (size - len(card("ann", ""))))
        parts = [body[:100], body[100:]] if letter == "x" else body
        assert site.do("PUT", ANN, parts, if_match=OLD).status == (403 if past else 412)

        one = kept(site)[-1]
        announced = OBJECT_BYTES_MAX if letter == "x" else size
        assert (one.facts["size"], one.facts["sent"]) == (OBJECT_BYTES_MAX, announced)
        assert body_of(site, one) == body[:OBJECT_BYTES_MAX]
        assert one.whole is (not past)


def test_a_body_that_is_not_waited_for_is_kept_by_name(site: Site, screen: Client) -> None:
    too_long = str(OBJECT_BYTES_MAX + 1)
    site.run(screen("PUT", ANN, b"", expect="100-continue", content_length=too_long))
    site.run(screen("PUT", BOOK + "b.vcf", b"", content_length=str(10**9)))
    site.run(screen("PUT", BOOK + "c.vcf", b"\x1f\x8b", content_encoding="gzip"))

    assert [(k.facts["size"], k.whole) for k in kept(site)] == [(0, False)] * 3
    assert [k.facts["sent"] for k in kept(site)] == [OBJECT_BYTES_MAX + 1, 10**9, 2]


def test_over_a_quota_it_is_kept_whole_and_counts_against_none(site: Site) -> None:
    from strongroom.service.usage import set_quota, usage

    account = site.run(set_quota(site.cell, "alice", "200", Origin()))
    before = site.run(usage(site.cell, account))
    answer = site.do("PUT", BOOK + "new.vcf", card("new", "N" * 200))

    (one,) = kept(site)
    assert answer.status == 507
    assert body_of(site, one) == card("new", "N" * 200)
    assert site.run(usage(site.cell, account)).live == before.live
    assert site.put("small.vcf", "s").status == 201


@pytest.mark.parametrize(
    ("client", "path", "body", "status"),
    [
        ("nobody", ANN, card("ann"), 401),
        ("bob", ANN, card("ann"), 404),
        ("alice", ANN, b"", 403),
        ("alice", "/dav/addressbooks/alice/", card("ann"), 403),  # it names no object
    ],
)
def test_nothing_is_kept_of_strangers_and_of_nothing(
    site: Site, client: str, path: str, body: bytes, status: int
) -> None:
    before = dict(site.cell.heads)
    answer = site.run(getattr(site, client)("PUT", path, body, content_type="text/vcard"))

    assert answer.status == status
    assert site.cell.heads == before


def test_a_freeze_and_a_suspension_are_no_refusals(site: Site) -> None:
    site.run(site.cell.freeze(site.home, "account", "why", ""))
    before = site.cell.batch
    assert refused(site, card("ann", "B")).status == 503
    assert site.do("DELETE", ANN, if_match=OLD).status == 503
    assert site.cell.batch == before

    other = Site()
    other.run(suspend(other.cell, "alice", "unpaid", Origin()))
    before = other.cell.batch
    assert refused(other, card("ann", "B")).status == 503
    assert other.cell.batch == before


def test_a_client_that_goes_away_in_the_middle_has_asked_for_nothing(
    site: Site, screen: Client
) -> None:
    answer = site.run(screen("PUT", ANN, [b"BEGIN"], cut=True))

    assert answer.status == 0
    assert kept(site) == []


# --- repeated, many, too much ---------------------------------------------------------------------


def test_the_same_refusal_again_is_one(site: Site) -> None:
    for _ in range(3):
        refused(site, card("ann", "B"))
    assert len(kept(site)) == 1
    refused(site, card("ann", "C"))
    site.run(site.laptop("PUT", ANN, card("ann", "B"), if_match=OLD))
    site.do("PUT", BOOK + "b.vcf", card("ann", "B"), if_match=OLD)

    assert [k.facts["device"] for k in kept(site)] == ["phone", "phone", "laptop", "phone"]


def test_the_last_two_hundred_are_kept_and_more_than_that_at_once_are_names(site: Site) -> None:
    for number in range(REFUSED_KEPT_MAX):
        refused(site, card("ann", f"N{number}"))
    assert len(kept(site)) == REFUSED_KEPT_MAX

    for number in range(REFUSED_NAMES_MAX + 3):
        assert refused(site, card("ann", f"M{number}")).status == 412
    names = [k.facts["name"] for k in kept(site)]
    assert names == [f"N{number}" for number in range(REFUSED_KEPT_MAX)]


def test_so_many_bytes_an_hour_are_kept_and_of_more_the_names(site: Site) -> None:
    size = REFUSED_BYTES_MAX // 4
    for letter in (b"a", b"b", b"c", b"d"):
        refused(site, letter * size)
    assert [k.facts["size"] for k in kept(site)] == [size] * 4

    # In this hour no more bytes are taken; the names are.
    refused(site, b"e" * (1 << 20))
    assert [(k.facts["size"], k.whole) for k in kept(site)] == [(size, True)] * 4 + [(0, False)]


# --- when it cannot be kept -----------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [NoSpaceError(), UnknownError(), UnsureError()])
def test_trouble_of_the_keeper_never_changes_the_answer(
    site: Site, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(name: str) -> Answer:
        return site.do("PUT", ANN, card("ann", name).replace(b"UID", b"X-NO"))

    usual = wrong("A")
    submit = site.cell.submit

    async def fail(*_: object) -> Any:
        raise trouble

    site.cell.submit = fail  # type: ignore[method-assign]
    with caplog.at_level(logging.WARNING):
        assert wrong("B") == usual
    assert "ann" not in caplog.text
    assert type(trouble).__name__ in caplog.text

    site.cell.submit = submit  # type: ignore[method-assign]
    wrong("C")
    assert [(k.facts["name"], k.whole) for k in kept(site)] == [
        ("A", True), ("C", True), ("B", False),
    ]  # fmt: skip


# --- where it is not seen -------------------------------------------------------------------------


def test_no_client_sees_what_is_kept(site: Site) -> None:
    before = {
        (method, path, depth): site.do(method, path, body, depth=depth)
        for method, path, body, depth in ASKED
    }
    assert refused(site, card("ann", "B")).status == 412
    assert site.cell.directory.collection(site.home, NAME) is not None

    for method, path, body, depth in ASKED:
        after = site.do(method, path, body, depth=depth)
        assert after.status == before[method, path, depth].status
        assert b"refused" not in after.body
        if after.status == 207:
            assert after.hrefs == before[method, path, depth].hrefs


MATCH = (
    '<D:principal-match xmlns:D="DAV:"><D:principal-property><D:owner/></D:principal-property>'
    "<D:prop><D:displayname/></D:prop></D:principal-match>"
)
ASKED = [
    ("PROPFIND", HOME, b"", "1"),
    ("PROPFIND", HOME, b"", "0"),
    ("REPORT", HOME, MATCH.encode(), "0"),
    *[
        (method, HOME + name, b"", "0")
        for method in ("PROPFIND", "GET", "DELETE")
        for name in ("/refused/", "%2Frefused/", "refused/", "//refused/1")
    ],
]  # fmt: skip


# --- refused deletions ----------------------------------------------------------------------------


def numbers(site: Site) -> list[tuple[str, str, str]]:
    return [(e.verb, e.href, e.condition) for e, _ in site.cell.journal[site.book.id][1:]]


def test_a_refused_deletion_moves_the_number_so_that_the_card_is_told_again(
    site: Site, screen: Client
) -> None:
    writer = site.run(site.cell.listing(site.book.id, OBJECT))[1][0].by
    assert site.do("DELETE", ANN, if_match=OLD).status == 412
    assert site.run(screen("DELETE", ANN)).status == 403

    assert numbers(site) == [
        (PROPS, "ann.vcf", "delete refused, by phone"),
        (PROPS, "ann.vcf", "delete refused, by screen"),
    ]
    # Who wrote it last stays who did.
    assert site.run(site.cell.listing(site.book.id, OBJECT))[1][0].by == writer


@pytest.mark.parametrize("path", [BOOK + "none.vcf", HOME + "none/ann.vcf", BOOK])
def test_a_deletion_of_what_is_not_there_or_of_a_book_moves_nothing(
    site: Site, screen: Client, path: str
) -> None:
    before = dict(site.cell.heads)
    assert site.run(screen("DELETE", path)).status == 403
    assert site.do("DELETE", path, if_match=OLD).status in {404, 412}
    assert site.cell.heads == before


@pytest.mark.parametrize("trouble", [NoSpaceError(), UnknownError()])
def test_a_deletion_that_cannot_be_told_again_is_503(
    site: Site, screen: Client, trouble: Exception
) -> None:
    site.cell.refuse = trouble  # type: ignore[assignment]
    assert site.run(screen("DELETE", ANN)).status == 503


def test_a_read_only_device_is_told_again_so_often_and_then_503(site: Site, screen: Client) -> None:
    answers = [site.run(screen("DELETE", ANN)).status for _ in range(REFUSED_DELETES_AN_HOUR + 1)]

    assert answers == [403] * REFUSED_DELETES_AN_HOUR + [503]
