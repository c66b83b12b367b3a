"""REPORT: sync-collection with true tokens (I4, I5), addressbook-multiget (I3)."""

from __future__ import annotations

import pytest

from fakes.asgi import Answer, CutError
from fakes.site import BOOK, HOME, Site, card
from strongroom.base.errors import UnsureError
from strongroom.dav import properties
from strongroom.formats.synctoken import SyncToken, write
from strongroom.history.edits import Origin, SkipNumbers
from strongroom.history.entries import FREEZE
from strongroom.service import changes
from strongroom.service.thaw import freezes, thaw

D = "{DAV:}"
C = "{urn:ietf:params:xml:ns:carddav}"
GONE = "HTTP/1.1 404 Not Found"
THUNDERBIRD = "Mozilla/5.0 Thunderbird/128.0"


@pytest.fixture
def site() -> Site:
    return Site()


def sync(site: Site, token: str = "", limit: int | None = None, **headers: str) -> Answer:
    more = f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>" if limit else ""
    body = (
        '<D:sync-collection xmlns:D="DAV:">'
        f"<D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{more}"
        "<D:prop><D:getetag/></D:prop></D:sync-collection>"
    )
    return site.do("REPORT", BOOK, body, depth="0", **headers)


def key(site: Site) -> bytes:
    account = site.cell.directory.account("alice")
    assert account is not None
    return bytes.fromhex(account.facts["key"])


def forged(site: Site, number: int, chain: bytes = b"12345678") -> str:
    return write(SyncToken(site.book.id, number, chain), key(site))


# --- sync-collection ------------------------------------------------------------------------------


@pytest.mark.rfc("6578", "3.4", "3.2", "6.4")
def test_a_first_sync_lists_every_card_and_gives_the_token_of_the_head(site: Site) -> None:
    tags = {BOOK + f"{i}.vcf": site.put(f"{i}.vcf").headers["etag"] for i in range(3)}
    site.do("DELETE", BOOK + "1.vcf")
    del tags[BOOK + "1.vcf"]
    answer = sync(site)

    assert answer.hrefs == list(tags)
    for href, tag in tags.items():
        assert answer.prop(href, D + "getetag").text == tag  # type: ignore[union-attr]
    poll = site.do("PROPFIND", BOOK, depth="0").text
    assert answer.token.startswith("data:,strongroom:sync:1:")
    assert sync(site, answer.token).hrefs == []
    assert answer.token not in poll  # allprop does not hold it


@pytest.mark.rfc("6578", "3.4")
def test_a_first_sync_of_an_empty_book_is_empty_and_says_a_token(site: Site) -> None:
    answer = sync(site)
    assert (answer.status, answer.hrefs) == (207, [])
    assert answer.token


@pytest.mark.rfc("6578", "3.5.1", "3.5.2")
def test_a_delta_says_the_last_fate_of_each_name(site: Site) -> None:
    for name in ("stays", "changes", "goes", "returns"):
        site.put(name)
    token = sync(site).token
    site.put("new")
    tag = site.put("changes", called="Other").headers["etag"]
    site.do("DELETE", BOOK + "goes")
    site.do("DELETE", BOOK + "returns")
    site.put("returns")
    site.put("came and went".replace(" ", "-"))
    site.do("DELETE", BOOK + "came-and-went")
    answer = sync(site, token)

    told = ("came-and-went", "changes", "goes", "new", "returns")
    assert sorted(answer.hrefs) == [BOOK + n for n in told]
    assert answer.status_of(BOOK + "goes") == GONE
    # The phone that made it knows of it, though its token is older.
    assert answer.status_of(BOOK + "came-and-went") == GONE
    assert answer.prop(BOOK + "changes", D + "getetag").text == tag  # type: ignore[union-attr]
    assert answer.status_of(BOOK + "returns") == ""
    assert sync(site, answer.token).hrefs == []


@pytest.mark.rfc("6578", "3.5.1")
def test_the_bytes_that_stand_put_again_are_told_with_their_etag(site: Site) -> None:
    """The owner saved it; a repeated request whose first answer was lost is not told twice (I1)."""
    tag = site.put("ann.vcf").headers["etag"]
    token = sync(site).token
    for headers in ({}, {"if_match": tag}):
        assert site.put("ann.vcf", **headers).headers["etag"] == tag
        answer = sync(site, token)
        assert answer.hrefs == [BOOK + "ann.vcf"]
        assert answer.prop(BOOK + "ann.vcf", D + "getetag").text == tag  # type: ignore[union-attr]
        token = answer.token

    for headers in ({"if_none_match": "*"}, {"if_match": '"of before"'}):
        assert site.put("ann.vcf", **headers).status == 204
        assert sync(site, token).hrefs == []


@pytest.mark.rfc("6578", "3.5.1")
def test_a_property_change_is_told_and_a_gap_is_not(site: Site) -> None:
    site.put("ann.vcf")
    token = sync(site).token
    body = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="urn:x">1</a></D:prop></D:set>'
        "</D:propertyupdate>"
    )
    site.do("PROPPATCH", BOOK + "ann.vcf", body)
    site.run(site.cell.submit(SkipNumbers(site.book.id, 1000, Origin()), {}))
    answer = sync(site, token)

    assert answer.hrefs == [BOOK + "ann.vcf"]
    assert ":1000:" in answer.token
    assert sync(site, answer.token).hrefs == []


def test_a_sync_at_the_head_reads_no_disk(site: Site) -> None:
    site.put("ann.vcf")
    token = sync(site).token
    reads = site.cell.reads
    answer = sync(site, token)

    assert (answer.hrefs, answer.token) == ([], token)
    assert site.cell.reads == reads


@pytest.mark.rfc("6578", "3.7")
@pytest.mark.rfc("4918", "11.5")
def test_a_limit_cuts_off_with_507_and_the_rest_follows(site: Site) -> None:
    names = {BOOK + f"{i}.vcf" for i in range(7)}
    for name in sorted(names):
        site.put(name.removeprefix(BOOK))
    seen: set[str] = set()
    token, rounds = "", 0
    while True:
        answer = sync(site, token, limit=3)
        token, rounds = answer.token, rounds + 1
        seen |= set(answer.hrefs) - {BOOK}
        if BOOK not in answer.hrefs:
            break
        assert answer.status_of(BOOK) == "HTTP/1.1 507 Insufficient Storage"
        assert "number-of-matches-within-limits" in answer.text

    assert (seen, rounds) == (names, 3)
    assert token == sync(site).token


def pages(site: Site, token: str, limit: int) -> list[list[str]]:
    """Give the names of each page, and insist that all but the last say that there is more."""
    found: list[list[str]] = []
    while True:
        answer = sync(site, token, limit=limit)
        names = [href.removeprefix(BOOK) for href in answer.hrefs]
        found.append(sorted(set(names) - {""}))
        if "" not in names:
            assert answer.token == sync(site).token
            return found
        assert answer.token != token
        token = answer.token


@pytest.mark.rfc("6578", "3.4", "3.7")
def test_a_page_is_full_however_often_a_name_was_changed(site: Site) -> None:
    begin = sync(site).token
    for count in range(20):
        site.put("a", called=f"A{count}")
    for name in "bcde":
        site.put(name)
    site.do("DELETE", BOOK + "b")
    site.do("DELETE", BOOK + "c")

    assert pages(site, begin, 3) == [["a", "b", "c"], ["b", "d", "e"], ["c"]]
    # Who has nothing yet needs no names of what is gone.
    assert pages(site, "", 3)[0] == ["a", "d", "e"]


@pytest.mark.parametrize(("puts", "expected"), [(5, [["a", "b"]]), (6, [["a"], ["b"]])])
def test_no_page_follows_the_changes_of_one_name_without_end(
    site: Site, monkeypatch, puts: int, expected: list[list[str]]
) -> None:
    monkeypatch.setattr(changes, "SYNC_REPEATS_MAX", 4)
    for count in range(puts):
        site.put("a", called=f"A{count}")
    site.put("b")
    reads = site.cell.reads

    assert pages(site, "", 2) == expected
    assert site.cell.reads - reads <= 3 * len(expected) + 1


@pytest.mark.rfc("6578", "3.6")
def test_without_a_limit_nothing_is_cut_off(site: Site) -> None:
    token = sync(site).token
    for i in range(450):
        site.put(f"{i}.vcf")
    for answer in (sync(site), sync(site, token)):
        assert len(answer.hrefs) == 450
        assert "507 Insufficient" not in answer.text
        assert answer.pieces > 2


@pytest.mark.rfc("6578", "3.3")
def test_depth_1_is_accepted_and_infinity_is_not(site: Site) -> None:
    body = '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:prop/></D:sync-collection>'
    assert site.do("REPORT", BOOK, body, depth="1").status == 207
    assert site.do("REPORT", BOOK, body).status == 207
    assert site.do("REPORT", BOOK, body, depth="infinity").status == 400


@pytest.mark.parametrize("token", ["nonsense", "data:,strongroom:sync:1:9:9:0011223344556677:00"])
@pytest.mark.rfc("6578", "3.2")
def test_a_wrong_token_is_403_but_400_for_thunderbird_and_freezes_nothing(
    site: Site, token: str
) -> None:
    answer = sync(site, token)
    assert (answer.status, answer.condition) == (403, D + "valid-sync-token")
    assert sync(site, token, user_agent=THUNDERBIRD).status == 400
    assert site.cell.frozen == []


@pytest.mark.rfc("6578", "3.2")
def test_a_token_of_another_book_or_another_account_is_just_wrong(site: Site) -> None:
    site.do("MKCOL", HOME + "other/")
    other = site.cell.directory.collection(site.home, "other")
    assert other is not None
    assert sync(site, write(SyncToken(other.id, 0, b"12345678"), key(site))).status == 403
    foreign = write(SyncToken(site.book.id, 5, b"12345678"), b"another key")
    assert sync(site, foreign).status == 403
    assert site.cell.frozen == []


def test_a_token_from_our_future_freezes_the_account_once(site: Site) -> None:
    """I5: that we forgot is found out, and no phone is told to forget."""
    for i in range(5):
        site.put(f"{i}.vcf")
    future = sync(site).token
    number = site.cell.head(site.book.id).number
    site.cell.forget(site.book.id, number - 2)
    answer = sync(site, future)

    assert (answer.status, answer.headers["retry-after"]) == (503, "900")
    assert [(home, scope) for home, scope, _, _ in site.cell.frozen] == [(site.home, "account")]
    for method, path in (("PROPFIND", HOME), ("PROPFIND", BOOK), ("GET", BOOK + "1.vcf"),
                         ("DELETE", BOOK), ("PUT", BOOK + "9.vcf")):  # fmt: skip
        assert site.do(method, path, depth="0").status == 503
    assert len(site.cell.frozen) == 1
    shown = freezes(site.cell.directory, "alice")
    assert "has seen change 5" in shown[0].why

    site.run(thaw(site.cell, "alice", Origin()))
    assert site.cell.directory.members(site.home, FREEZE) == []
    again = sync(site, future)
    # Accepted: all that stands is told as additions; nothing is removed from the phone.
    assert again.status == 207
    assert GONE not in again.text
    assert len(site.cell.frozen) == 1
    assert sync(site, again.token).hrefs == []


@pytest.mark.parametrize("number", [1, 3, 99])
def test_a_token_on_another_chain_is_evidence_too(site: Site, number: int) -> None:
    for i in range(3):
        site.put(f"{i}.vcf")
    assert sync(site, forged(site, number)).status == 503
    assert len(site.cell.frozen) == 1


def test_bob_is_not_frozen_with_alice(site: Site) -> None:
    sync(site, forged(site, 99))
    path = "/dav/addressbooks/bob/contacts/"
    assert site.run(site.bob("PROPFIND", path, depth="0")).status == 207


def test_a_delta_that_cannot_be_proven_is_503(site: Site) -> None:
    token = sync(site).token
    site.put("ann.vcf")
    site.cell.unsure.add(site.book.id)
    assert sync(site, token).status == 503
    assert sync(site).status == 503
    assert site.cell.frozen == []


def test_a_listing_shorter_than_the_head_is_503(site: Site) -> None:
    site.put("ann.vcf")
    site.put("bob.vcf")
    del site.cell.table[next(k for k in site.cell.table if k.href == "bob.vcf")]
    assert sync(site).status == 503


def test_a_listing_that_breaks_half_way_is_cut_off(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(450):
        site.put(f"{i}.vcf")
    victim = BOOK + "440.vcf"
    real = properties.response

    def response(href: str, *rest: object) -> bytes:
        if href == victim:
            raise UnsureError
        return bytes(real(href, *rest))

    monkeypatch.setattr(properties, "response", response)
    with pytest.raises(CutError):
        sync(site)
    with pytest.raises(CutError):
        site.do("PROPFIND", BOOK, depth="1")


def test_a_listing_with_fewer_rows_than_proven_is_503_before_its_first_byte(site: Site) -> None:
    for i in range(450):
        site.put(f"{i}.vcf")
    del site.cell.table[next(k for k in site.cell.table if k.href == "440.vcf")]
    assert site.do("PROPFIND", BOOK, depth="1").status == 503


# --- multiget -------------------------------------------------------------------------------------


def multiget(site: Site, *hrefs: str, data: str = "<C:address-data/>") -> Answer:
    body = (
        '<C:addressbook-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
        f"<D:prop><D:getetag/>{data}</D:prop>"
        + "".join(f"<D:href>{href}</D:href>" for href in hrefs)
        + "</C:addressbook-multiget>"
    )
    return site.do("REPORT", BOOK, body, depth="0")


@pytest.mark.rfc("6352", "8.7", "10.7")
def test_multiget_gives_the_cards_as_stored(site: Site) -> None:
    odd = card("ann", "A&B <é> ]]>").replace(b"FN", b"NOTE:a\r\n b\r\nFN")
    tag = site.do("PUT", BOOK + "ann.vcf", odd).headers["etag"]
    site.put("bob.vcf")
    answer = multiget(site, BOOK + "bob.vcf", BOOK + "ann.vcf")

    assert answer.hrefs == [BOOK + "bob.vcf", BOOK + "ann.vcf"]
    data = answer.prop(BOOK + "ann.vcf", C + "address-data")
    assert data is not None
    assert (data.text or "").encode() == odd
    assert answer.prop(BOOK + "ann.vcf", D + "getetag").text == tag  # type: ignore[union-attr]


@pytest.mark.rfc("6352", "8.7")
@pytest.mark.rfc("4918", "11.1", "13")
def test_multiget_says_503_for_a_lost_body_and_404_for_what_is_proven_absent(site: Site) -> None:
    lost = site.put("lost.vcf").headers["etag"].strip('"')
    site.put("here.vcf")
    site.cell.lost.add(lost)
    answer = multiget(site, *(BOOK + f"{n}.vcf" for n in ("lost", "here", "never")))

    assert answer.status_of(BOOK + "lost.vcf") == "HTTP/1.1 503 Service Unavailable"
    assert answer.status_of(BOOK + "never.vcf") == GONE
    assert answer.prop(BOOK + "here.vcf", C + "address-data") is not None
    # Its name and ETag are known, so a listing shows it as ever.
    assert BOOK + "lost.vcf" in sync(site).hrefs


def test_multiget_without_address_data_reads_no_body(site: Site) -> None:
    tag = site.put("lost.vcf").headers["etag"]
    site.cell.lost.add(tag.strip('"'))
    answer = multiget(site, BOOK + "lost.vcf", data="<D:getcontentlength/>")
    assert answer.prop(BOOK + "lost.vcf", D + "getetag").text == tag  # type: ignore[union-attr]


@pytest.mark.rfc("6352", "8.7")
@pytest.mark.rfc("4918", "8.3")
def test_multiget_takes_hrefs_in_every_spelling_and_echoes_them(site: Site) -> None:
    site.put("a@b.vcf")
    hrefs = [BOOK + "a%40b.vcf", BOOK + "a@b.vcf", "https://example.org" + BOOK + "a@b.vcf"]
    answer = multiget(site, *hrefs)
    assert answer.hrefs == hrefs
    assert all(answer.prop(href, C + "address-data") is not None for href in hrefs)


@pytest.mark.rfc("6352", "7")
def test_multiget_of_foreign_paths_tells_nothing(site: Site) -> None:
    site.do("MKCOL", HOME + "other/")
    site.do("PUT", HOME + "other/x.vcf", card("x"))
    site.run(site.bob("PUT", "/dav/addressbooks/bob/contacts/b.vcf", card("b")))
    foreign = ["/dav/addressbooks/bob/contacts/b.vcf", "/dav/addressbooks/bob/contacts/no.vcf",
               "/dav/addressbooks/nobody/contacts/b.vcf", "/etc/passwd", "../x"]  # fmt: skip
    own = [HOME + "other/x.vcf", BOOK, HOME, "/dav/principals/alice/"]  # they are no absent cards
    answer = multiget(site, *foreign, *own)
    assert [answer.status_of(href) for href in foreign] == [GONE] * len(foreign)
    assert [answer.status_of(href) for href in own] == ["HTTP/1.1 403 Forbidden"] * len(own)


def test_multiget_that_cannot_be_proven_is_503_as_a_whole(site: Site) -> None:
    site.put("ann.vcf")
    site.cell.unsure.add(site.book.id)
    assert multiget(site, BOOK + "ann.vcf").status == 503


def test_a_long_multiget_goes_out_in_pieces(site: Site) -> None:
    names = [BOOK + f"{i}.vcf" for i in range(450)]
    for name in names:
        site.put(name.removeprefix(BOOK))
    answer = multiget(site, *names)
    assert answer.hrefs == names
    assert answer.pieces > 1


@pytest.mark.rfc("3253", "3.6")
@pytest.mark.rfc("6352", "8.1")
def test_other_reports_are_refused_with_their_precondition(site: Site) -> None:
    body = '<C:addressbook-unheard-of xmlns:C="urn:ietf:params:xml:ns:carddav"/>'
    answer = site.do("REPORT", BOOK, body, depth="1")
    assert (answer.status, answer.condition) == (403, D + "supported-report")
    assert site.do("REPORT", HOME, body).condition == D + "supported-report"
    assert site.do("REPORT", HOME + "nobook/", body).status == 404
