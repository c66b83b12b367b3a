"""What a device came back with is noted: its token, never what it was answered (issue 4)."""

from __future__ import annotations

import asyncio

import pytest

from fakes.site import BOOK, HOME, Site
from phone.wire import propfind, sync_collection
from strongroom.ports.positions import CameBack, Sighting


@pytest.fixture
def site() -> Site:
    made = Site()
    for name in ("ann", "bob", "cid"):
        made.put(f"{name}.vcf", name)
    return made


def sync(site: Site, token: str = "", limit: int | None = None) -> str:
    """Ask as alice's phone does; give the token that was answered."""
    body = sync_collection(token)
    if limit is not None:
        end = b"</ns0:sync-level>"
        limited = end + b'<l:limit xmlns:l="DAV:"><l:nresults>%d</l:nresults></l:limit>' % limit
        body = body.replace(end, limited)
        assert b"nresults" in body
    return site.do("REPORT", BOOK, body, depth="0").token


def sighting(site: Site, device: str = "phone") -> Sighting | None:
    found = asyncio.run(site.positions.of(site.home)) or {}
    return next((s for id_, s in found.items() if name_of(site, id_) == device), None)


def name_of(site: Site, device: int) -> str:
    member = site.cell.directory.device(device)
    return member.href if member else ""


def place(site: Site) -> CameBack | None:
    seen = sighting(site)
    return seen.places.get(site.book.id) if seen else None


def at(site: Site, number: int) -> CameBack:
    chain = next(link for entry, link in site.cell.journal[site.book.id] if entry.number == number)
    return CameBack(number, chain[:8])


def test_the_place_is_that_of_the_token_that_came_back_not_of_the_answer(site: Site) -> None:
    token = sync(site)
    first = place(site)
    assert first is not None
    assert first.number == 0  # it was told everything; that it took it in nobody knows

    site.put("dan.vcf", "dan")
    later = sync(site, token)
    assert place(site) == at(site, 3)

    sync(site, later)  # nothing new
    assert place(site) == at(site, 4)
    sync(site)  # a phone that was set up anew
    assert place(site) == first


def test_pages_count_one_by_one(site: Site) -> None:
    token = sync(site, "", 2)
    token = sync(site, token, 2)
    assert place(site) == at(site, 2)
    sync(site, token)
    assert place(site) == at(site, 3)


def test_a_token_that_is_not_ours_says_nothing(site: Site) -> None:
    token = sync(site)
    sync(site, token)
    for wrong in ("urn:somebody:elses", token[:-1] + ("0" if token[-1] != "0" else "1")):
        sync(site, wrong)
    assert place(site) == at(site, 3)


def test_a_token_that_we_forgot_is_evidence_and_no_place(site: Site) -> None:
    token = sync(site)
    sync(site, sync(site, token))
    site.put("late.vcf", "late")
    future = sync(site, token)
    site.cell.forget(site.book.id, 3)

    assert site.do("REPORT", BOOK, sync_collection(future), depth="0").status == 503
    assert place(site) == at(site, 3)


def test_every_request_is_a_visit_of_its_device_and_client(site: Site) -> None:
    assert sighting(site, "laptop") is None
    site.positions.at += 5
    site.run(site.laptop("PROPFIND", HOME, propfind("{DAV:}getetag"), depth="1",
                         user_agent="khard (x)"))  # fmt: skip
    found = sighting(site, "laptop")
    assert found is not None
    assert (found.client, found.at, dict(found.places)) == ("khard", site.positions.at, {})


def test_who_is_not_let_in_is_not_noted(site: Site) -> None:
    before = sighting(site)
    site.positions.at += 5
    site.run(site.nobody("GET", BOOK + "ann.vcf"))
    wrong = {"authorization": "Basic YWxpY2U6d3Jvbmc="}
    assert site.run(site.nobody("GET", BOOK + "ann.vcf", **wrong)).status == 401
    assert sighting(site) == before
