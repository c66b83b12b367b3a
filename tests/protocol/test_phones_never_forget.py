"""The rules under which no phone forgets, one test for each, in order (I4, I5).

D3 is "never look empty when we merely lost sight of the data"; F3.1 is what follows from how
clients were read to behave. Each test says the rule in its first line. Most of it is tested more
deeply where it is made; here it is driven through the whole application.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lxml import etree

from fakes.asgi import Answer, CutError
from fakes.mirror import Stage
from fakes.site import BOOK, HOME, Site, card
from phone.wire import multiget, propfind, query, sync_collection
from strongroom.base.errors import NoSpaceError, UnknownError, UnsureError
from strongroom.dav import propfind as listing
from strongroom.formats.synctoken import SyncToken, write
from strongroom.history.edits import Origin, Put, Remove, SkipNumbers
from strongroom.history.entries import COLLECTION, OBJECT, Key, canonical, digest_of, genesis_chain
from strongroom.service.thaw import thaw

DAV = "{DAV:}"
GONE = "HTTP/1.1 404 Not Found"
PRINCIPAL = "/dav/principals/alice/"
THUNDERBIRD = "Mozilla/5.0 Thunderbird/140.0"


@pytest.fixture
def site() -> Site:
    made = Site()
    for name in ("ann", "bob", "cid"):
        assert made.put(f"{name}.vcf", name).status == 201
    return made


def ask_sync(site: Site, token: str = "", **headers: str) -> Answer:
    return site.do("REPORT", BOOK, sync_collection(token), depth="0", **headers)


def listings(site: Site) -> list[Answer]:
    """Every way to list a book."""
    return [
        site.do("PROPFIND", BOOK, propfind(DAV + "getetag"), depth="1"),
        site.do("REPORT", BOOK, query(), depth="1"),
        ask_sync(site),
    ]


def fetch(site: Site, *names: str) -> Answer:
    return site.do("REPORT", BOOK, multiget([BOOK + name for name in names]), depth="0")


def says_later(answer: Answer) -> bool:
    return answer.status == 503 and 60 <= int(answer.headers["retry-after"]) <= 7200


def first_token(site: Site) -> str:
    """The token that a phone got before anything was in the book."""
    account = site.cell.directory.account("alice")
    assert account is not None
    start = genesis_chain(site.book.id)[:8]
    return write(SyncToken(site.book.id, 0, start), bytes.fromhex(account.facts["key"]))


# --- D3 -------------------------------------------------------------------------------------------
def test_d3_rule_1_gone_only_with_proof(site: Site) -> None:
    """D3 rule 1: without proof, 404, 410 and 403 are 503 with Retry-After and plain words."""
    book = site.book.id
    assert site.do("PROPFIND", HOME + "never/", depth="0").status == 404  # proven
    assert site.do("GET", BOOK + "never.vcf").status == 404
    site.cell.unsure |= {book, site.home, 1}

    answers = [
        site.do("PROPFIND", HOME, depth="1"),
        site.do("PROPFIND", HOME + "never/", depth="0"),
        site.do("GET", BOOK + "ann.vcf"),
        site.do("GET", BOOK + "never.vcf"),
        *listings(site),
    ]

    assert all(map(says_later, answers)), [answer.status for answer in answers]
    assert "The data is not gone" in answers[0].text
    assert site.do("PROPFIND", PRINCIPAL, depth="0").status == 207  # and nobody is 401
    site.open = False
    assert says_later(site.do("PROPFIND", HOME, depth="1"))


def test_d3_rule_1_a_book_that_the_directory_lost_is_not_denied(site: Site) -> None:
    """D3 rule 1: an index that does not know what a replica still holds proves nothing."""
    site.do("MKCOL", HOME + "other/")
    key = Key(site.home, COLLECTION, "other")
    row = site.cell.table[key]
    site.do("DELETE", HOME + "other/")
    site.cell.table[key] = row

    assert says_later(site.do("PROPFIND", HOME + "other/", depth="0"))


def test_d3_rule_2_counted_before_the_first_byte(site: Site) -> None:
    """D3 rule 2: a listing that is not what the head counted is 503, for that collection only."""
    site.do("MKCOL", HOME + "other/")
    head = site.cell.head(site.book.id)
    site.cell.heads[site.book.id] = head._replace(members=head.members + 1)

    assert all(map(says_later, listings(site)))
    assert site.do("PROPFIND", HOME + "other/", depth="1").status == 207
    assert site.do("PROPFIND", HOME, depth="1").status == 207


def test_d3_rule_3_lost_bodies_stay_listed_and_are_told_again(site: Site) -> None:
    """D3 rule 3: names stay with their ETags; 503 for that item; reported again after repair."""
    tag = site.put("ann.vcf", "ann", "Ann again").headers["etag"]
    token = ask_sync(site).token
    site.cell.lost.add(tag.strip('"'))

    for answer in listings(site):
        assert answer.prop(BOOK + "ann.vcf", DAV + "getetag").text == tag  # type: ignore[union-attr]
    assert says_later(site.do("GET", BOOK + "ann.vcf"))
    fetched = fetch(site, "ann.vcf", "bob.vcf")
    assert fetched.status == 207
    assert "503" in fetched.status_of(BOOK + "ann.vcf")
    assert fetched.prop(BOOK + "bob.vcf", DAV + "getetag") is not None

    site.cell.lost.clear()
    delta = ask_sync(site, token)
    assert delta.hrefs == [BOOK + "ann.vcf"]
    assert delta.prop(BOOK + "ann.vcf", DAV + "getetag").text == tag  # type: ignore[union-attr]
    assert fetch(site, "ann.vcf").prop(BOOK + "ann.vcf", DAV + "getetag") is not None
    assert ask_sync(site, delta.token).hrefs == []  # told once


def test_d3_rule_3_a_phone_does_not_go_on_before_it_is_sure_to_be_told_again(site: Site) -> None:
    """D3 rule 3: where that cannot be written down now, nothing is answered."""
    site.cell.lost.add(site.do("GET", BOOK + "ann.vcf").headers["etag"].strip('"'))
    site.cell.refuse = UnknownError()

    assert says_later(fetch(site, "ann.vcf", "bob.vcf"))


def test_d3_rule_4_a_token_from_the_future_means_that_we_forgot(site: Site) -> None:
    """D3 rule 4: reads and writes of the account are 503 then; a 412 would drop an edit."""
    token = ask_sync(site).token
    number = site.cell.head(site.book.id).number
    site.cell.forget(site.book.id, number - 1)

    assert says_later(ask_sync(site, token))
    assert says_later(site.put("cid.vcf", "cid", "Edited", if_match='"unknown"'))
    assert says_later(site.do("DELETE", BOOK + "cid.vcf", if_match='"unknown"'))
    assert says_later(site.do("GET", BOOK + "ann.vcf"))


def test_d3_rule_5_removed_comes_from_deletions_only(site: Site) -> None:
    """D3 rule 5: never from comparing lists."""
    token = ask_sync(site).token
    del site.cell.table[Key(site.book.id, OBJECT, "ann.vcf")]  # lost sight of
    assert GONE not in ask_sync(site, token).text
    assert GONE not in ask_sync(site, first_token(site)).text

    site.do("DELETE", BOOK + "bob.vcf")

    answer = ask_sync(site, token)
    assert answer.hrefs == [BOOK + "bob.vcf"]
    assert answer.status_of(BOOK + "bob.vcf") == GONE


def test_d3_rule_6_and_f31_rule_10_tokens_never_expire(site: Site) -> None:
    """D3 rule 6, F3.1 rule 10: the very first token works after anything, a recovery included."""
    oldest = first_token(site)
    assert set(ask_sync(site, oldest).hrefs) == {BOOK + f"{n}.vcf" for n in ("ann", "bob", "cid")}
    for turn in range(50):
        site.put("ann.vcf", "ann", f"Ann {turn}")
    site.do("DELETE", BOOK + "bob.vcf")
    site.do("MOVE", BOOK + "cid.vcf", destination=BOOK + "moved.vcf")
    site.run(site.cell.submit(SkipNumbers(site.book.id, 5000, Origin()), {}))
    future = ask_sync(site).token
    site.cell.forget(site.book.id, 5000 - 1)
    assert says_later(ask_sync(site, future))
    site.run(thaw(site.cell, "alice", Origin()))
    site.put("dan.vcf", "dan")

    told = ask_sync(site, oldest)

    assert told.status == 207
    standing = {BOOK + f"{name}.vcf" for name in ("ann", "moved", "dan")}
    assert {href for href in told.hrefs if told.status_of(href) != GONE} == standing
    assert ask_sync(site, future).status == 207  # accepted evidence is answered with additions
    assert GONE not in ask_sync(site, future).text


def test_d3_rule_7_frozen_is_503_and_never_read_only(site: Site) -> None:
    """D3 rule 7: also for a home, and no rights are taken away, for that drops edits."""
    rights = propfind(DAV + "current-user-privilege-set")
    before = site.do("PROPFIND", PRINCIPAL, rights, depth="0")
    assert before.status == 207
    site.run(site.cell.freeze(site.home, "account", "a test", "test:1:2:3"))

    for method, path, depth in (
        ("PROPFIND", HOME, "1"), ("PROPFIND", HOME, "0"), ("PROPFIND", BOOK, "0"),
        ("GET", BOOK + "ann.vcf", "0"), ("PUT", BOOK + "ann.vcf", "0"),
    ):  # fmt: skip
        body = rights if method == "PROPFIND" else b""
        assert says_later(site.do(method, path, body, depth=depth))
    assert site.do("PROPFIND", PRINCIPAL, rights, depth="0").body == before.body


def test_d3_rule_7_no_space_is_said_to_a_put_only(site: Site) -> None:
    """D3 rule 7: 507 on PUT only."""
    site.cell.refuse = NoSpaceError()

    assert site.put("new.vcf").status == 507
    assert [answer.status for answer in listings(site)] == [207] * 3
    assert site.do("GET", BOOK + "ann.vcf").status == 200


def test_d3_rule_8_the_bytes_of_what_was_deleted_are_kept() -> None:
    """D3 rule 8: a DELETE is an entry; the bytes of the object and of a whole book stay (I6)."""
    asyncio.run(_delete_and_look())


async def _delete_and_look() -> None:
    stage = Stage()
    cell = await stage.begin()
    old, new, other = card("ann"), card("ann", "Ann again"), card("bob")
    for name, body in (("ann.vcf", old), ("ann.vcf", new), ("bob.vcf", other)):
        await stage.put(cell, name, body)
    await cell.submit(Remove(stage.key("ann.vcf")), {})
    await cell.submit(Remove(Key(stage.home, COLLECTION, "contacts")), {})

    digests = [digest_of(body) for body in (old, new, other)]
    assert await cell.bodies(digests) == [old, new, other]
    await cell.close()
    cell = await stage.open()
    assert await cell.bodies(digests) == [old, new, other]
    await cell.close()


# --- F3.1 -----------------------------------------------------------------------------------------
def test_f31_rule_1_a_listing_that_cannot_be_proven_is_503(site: Site) -> None:
    """F3.1 rule 1: never 207 with less, never 403, 404 or 410."""
    site.cell.unsure.add(site.book.id)
    assert all(map(says_later, listings(site)))


def test_f31_rule_2_a_broken_multistatus_aborts_the_connection(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F3.1 rule 2: the XML is never closed politely."""
    real, written = listing.describe, 0

    def describe(*arguments: Any) -> bytes:
        nonlocal written
        written += 1
        if written == 3:
            raise UnsureError
        return real(*arguments)

    monkeypatch.setattr(listing, "ROWS_A_PIECE", 1)
    monkeypatch.setattr(listing, "describe", describe)

    with pytest.raises(CutError):
        site.do("PROPFIND", BOOK, propfind(DAV + "getetag"), depth="1")


def test_f31_rule_3_what_cannot_be_parsed_is_still_listed(site: Site) -> None:
    """F3.1 rule 3: with its ETag; only its content may be an error, for that href alone."""
    body = b"no card at all \x00"
    etag = digest_of(body)
    data = canonical({"size": len(body)})
    key = Key(site.book.id, OBJECT, "odd.vcf")
    site.run(site.cell.submit(Put(key, etag, data), {etag: body}))

    for answer in listings(site):
        assert answer.prop(BOOK + "odd.vcf", DAV + "getetag").text == f'"{etag}"'  # type: ignore[union-attr]
    fetched = fetch(site, "odd.vcf", "ann.vcf")
    assert "503" in fetched.status_of(BOOK + "odd.vcf")
    assert fetched.prop(BOOK + "ann.vcf", DAV + "getetag") is not None
    assert site.do("GET", BOOK + "odd.vcf").body == body


def test_f31_rule_6_unconditional_writes_keep_the_version_before_and_are_flagged(
    site: Site,
) -> None:
    """F3.1 rule 6: as Thunderbird's address book sends them."""
    tag = site.do("GET", BOOK + "ann.vcf").headers["etag"].strip('"')
    new = site.put("ann.vcf", "ann", "Thunderbird", user_agent=THUNDERBIRD).headers["etag"]
    site.do("DELETE", BOOK + "ann.vcf", user_agent=THUNDERBIRD)
    site.put("bob.vcf", "bob", "Bob", if_match="*")

    journal = [entry for entry, _ in site.cell.journal[site.book.id]]
    put, delete, conditional = journal[-3:]
    assert (put.was_etag, delete.was_etag) == (tag, new.strip('"'))
    assert {tag, new.strip('"')} <= set(site.cell.blobs)
    assert (put.condition, delete.condition) == ("", "")
    assert conditional.condition == "if-match: *"


def test_f31_rule_7_thunderbird_hears_400_for_a_wrong_token(site: Site) -> None:
    """F3.1 rule 7: everybody else hears 403 with the element."""
    wrong = ask_sync(site, "urn:somebody:elses")
    assert (wrong.status, wrong.condition) == (403, DAV + "valid-sync-token")
    assert ask_sync(site, "urn:somebody:elses", user_agent=THUNDERBIRD).status == 400


def test_f31_rule_8_errors_name_something_and_what_was_found_comes_first(site: Site) -> None:
    """F3.1 rule 8: no empty D:error; the propstat of 200 first, spelt `HTTP/1.1 200 OK`."""
    wanted = propfind(DAV + "getetag", DAV + "no-such", DAV + "displayname")
    answers = [
        *listings(site), fetch(site, "ann.vcf", "never.vcf"), ask_sync(site, "urn:wrong:token"),
        site.do("PROPFIND", BOOK, wanted, depth="1"), site.do("PROPFIND", HOME, wanted, depth="1"),
        site.do("PROPFIND", HOME, wanted, depth="infinity"),
        site.do("PUT", BOOK + "x.vcf", b"no card", content_type="text/vcard"),
        site.do("REPORT", HOME, sync_collection(""), depth="0"),
    ]  # fmt: skip

    for answer in answers:
        root = etree.fromstring(answer.body)
        assert all(len(node) for node in root.iter(DAV + "error")), answer.text
        for response in root.iter(DAV + "response"):
            found = [stat.findtext(DAV + "status") for stat in response.iter(DAV + "propstat")]
            assert "HTTP/1.1 200 OK" not in found[1:]
            assert all(line and line.startswith("HTTP/1.1 ") for line in found)
        assert b"200 Ok" not in answer.body


def test_f31_rule_9_tokens_are_uris_and_getctag_is_there_as_well(site: Site) -> None:
    """F3.1 rule 9: with `:` or `/`; Evolution takes others for a stale ctag."""
    ctag = "{http://calendarserver.org/ns/}getctag"
    token = ask_sync(site).token
    answer = site.do("PROPFIND", BOOK, propfind(ctag, DAV + "sync-token"), depth="0")

    assert ":" in token
    assert answer.prop(BOOK, DAV + "sync-token").text == token  # type: ignore[union-attr]
    assert answer.prop(BOOK, ctag).text == token  # type: ignore[union-attr]
