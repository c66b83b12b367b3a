"""COPY and MOVE of cards and of books (RFC 4918 9.8, 9.9), and POST (RFC 5995)."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site, card
from strongroom.history.edits import Put
from strongroom.history.entries import FREEZE, Key

OTHER = HOME + "friends/"
ANN, BEN = BOOK + "ann.vcf", BOOK + "ben.vcf"
D, C = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"


@pytest.fixture
def site() -> Site:
    site = Site()
    site.put("ann.vcf", "ann")
    assert site.do("MKCOL", OTHER).status == 201
    return site


def go(site: Site, method: str, source: str, target: str, **headers: Any) -> Answer:
    return site.do(method, source, destination=target, **headers)


def sync(site: Site, book: str, token: str = "") -> Answer:
    body = (
        '<sync-collection xmlns="DAV:"><sync-token>'
        f"{token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"
    )
    return site.do("REPORT", book, body)


def ident(site: Site, book: str, name: str) -> int:
    collection = site.cell.directory.collection(site.home, book)
    assert collection is not None
    row = site.run(site.cell.row(Key(collection.id, "object", name)))
    assert row is not None
    return row.id


# --- cards ----------------------------------------------------------------------------------------


@pytest.mark.rfc("4918", "9.9", "8.8")
@pytest.mark.rfc("6352", "6.3.2.3")
def test_a_moved_card_is_the_same_card_elsewhere(site: Site) -> None:
    """RFC 4918 section 9.9: 201 where nothing stood; ETag and bytes stay, and so does its id."""
    before, number = site.do("GET", ANN), ident(site, "contacts", "ann.vcf")
    tokens = sync(site, BOOK).token, sync(site, OTHER).token
    answer = go(site, "MOVE", ANN, OTHER + "new%20name.vcf")

    assert (answer.status, answer.headers["location"]) == (201, OTHER + "new%20name.vcf")
    after = site.do("GET", OTHER + "new%20name.vcf")
    assert (after.body, after.headers["etag"]) == (before.body, before.headers["etag"])
    assert site.do("GET", ANN).status == 404
    assert ident(site, "friends", "new name.vcf") == number
    here, there = sync(site, BOOK, tokens[0]), sync(site, OTHER, tokens[1])
    assert here.status_of(ANN) == "HTTP/1.1 404 Not Found"
    assert there.hrefs == [OTHER + "new%20name.vcf"]


def test_what_can_be_read_nowhere_is_moved_and_not_copied(site: Site) -> None:
    """A copy promises bytes (I1); who moves something is promised no more than what stands."""
    found = site.run(site.cell.row(Key(site.book.id, "object", "ann.vcf")))
    assert found is not None
    site.cell.lost.add(found.etag)
    assert go(site, "COPY", ANN, OTHER + "ann.vcf").status == 503
    site.cell.lost.clear()
    assert site.do("GET", OTHER + "ann.vcf").status == 404
    site.cell.lost.add(found.etag)
    assert go(site, "MOVE", ANN, OTHER + "ann.vcf").status == 201
    site.cell.lost.clear()
    assert site.do("GET", OTHER + "ann.vcf").status == 200


@pytest.mark.rfc("4918", "9.9")
def test_a_move_inside_a_book_renames(site: Site) -> None:
    """RFC 4918 section 9.9: one delta tells both."""
    token = sync(site, BOOK).token
    assert go(site, "MOVE", ANN, BEN).status == 201
    delta = sync(site, BOOK, token)
    assert sorted(delta.hrefs) == [ANN, BEN]
    assert delta.status_of(ANN) == "HTTP/1.1 404 Not Found"
    assert delta.prop(BEN, D + "getetag") is not None


def test_a_move_whose_answer_was_lost_can_be_repeated(site: Site) -> None:
    """I1, and RFC 9110 section 9.2.2 in spirit: the phone that asks again hears that it is done."""
    tag = site.do("GET", ANN).headers["etag"]
    target = OTHER + "a.vcf"
    assert go(site, "MOVE", ANN, target, if_match=tag, overwrite="F").status == 201
    heads = dict(site.cell.heads)
    again = go(site, "MOVE", ANN, target, if_match=tag, overwrite="F")
    assert (again.status, again.headers["location"], site.cell.heads) == (201, target, heads)
    assert site.run(site.laptop("MOVE", ANN, destination=target)).status == 404
    assert go(site, "COPY", ANN, target).status == 404
    assert go(site, "MOVE", ANN, OTHER + "b.vcf").status == 404


def test_a_move_of_a_book_can_be_repeated_too(site: Site) -> None:
    target = HOME + "people/"
    assert go(site, "MOVE", BOOK, target).status == 201
    heads = dict(site.cell.heads)
    assert go(site, "MOVE", BOOK, target).status == 201
    assert go(site, "MOVE", BOOK, OTHER).status == 404
    assert go(site, "MOVE", BOOK, HOME + "none/").status == 404
    assert go(site, "COPY", BOOK, target).status == 404
    assert site.cell.heads == heads
    people = site.cell.directory.collection(site.home, "people")
    assert people is not None
    key = Key(site.home, FREEZE, str(people.id))
    site.run(site.cell.submit(Put(key, "e", '{"why":"test"}'), {}))
    assert go(site, "MOVE", BOOK, target).status == 503


@pytest.mark.rfc("4918", "9.8", "8.8")
def test_a_copied_card_is_another_card(site: Site) -> None:
    """RFC 4918 section 9.8: the source stays, dead properties go along."""
    patch = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u:">1</x></prop></set>'
    assert site.do("PROPPATCH", ANN, patch + "</propertyupdate>").status == 207
    assert go(site, "COPY", ANN, OTHER + "a.vcf").status == 201
    assert site.do("GET", OTHER + "a.vcf").body == site.do("GET", ANN).body
    assert ident(site, "friends", "a.vcf") != ident(site, "contacts", "ann.vcf")
    asked = '<propfind xmlns="DAV:"><prop><x xmlns="u:"/></prop></propfind>'
    found = site.do("PROPFIND", OTHER + "a.vcf", asked, depth="0")
    assert found.prop(OTHER + "a.vcf", "{u:}x") is not None


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.rfc("4918", "9.8.4", "9.9.3", "10.6")
def test_what_stands_is_overwritten_unless_it_may_not(site: Site, method: str) -> None:
    """RFC 4918 section 10.6: Overwrite F is 412; T, and no header, is 204."""
    for overwrite in ({}, {"overwrite": "T"}):
        site.put("ann.vcf", "ann", called="new")
        site.do("PUT", OTHER + "a.vcf", card("ann", "old"))
        refused = go(site, method, ANN, OTHER + "a.vcf", overwrite="F")
        assert refused.status == 412
        assert b"old" in site.do("GET", OTHER + "a.vcf").body
        assert go(site, method, ANN, OTHER + "a.vcf", **overwrite).status == 204
        assert b"new" in site.do("GET", OTHER + "a.vcf").body
        assert site.do("GET", ANN).status == (200 if method == "COPY" else 404)
    site.put("ann.vcf", "ann")
    assert go(site, method, ANN, OTHER + "b.vcf", overwrite="x").status == 400
    site.do("DELETE", OTHER + "a.vcf")
    assert go(site, method, ANN, OTHER + "b.vcf", overwrite="f").status == 201


@pytest.mark.rfc("4918", "10.3")
def test_the_destination_is_matched_by_its_path_whatever_host_it_names(site: Site) -> None:
    """RFC 4918 section 10.3, behind a proxy that has another name."""
    assert go(site, "MOVE", ANN, "https://phone.example:8443" + BEN).status == 201
    assert go(site, "MOVE", BEN, BOOK + "a%40b.vcf").status == 201
    assert site.do("GET", BOOK + "a@b.vcf").status == 200


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize(
    "target,status",
    [
        ("", 400),
        (ANN, 403),
        (BOOK + "%61nn.vcf", 403),
        ("/dav/addressbooks/bob/contacts/a.vcf", 403),
        ("/dav/addressbooks/nobody/contacts/a.vcf", 403),
        ("/elsewhere/a.vcf", 403),
        ("/", 403),
        (HOME, 403),
        (HOME + "a.vcf", 403),
        (BOOK + "a/b.vcf", 403),
        (BOOK + "a%2Fb.vcf", 403),
        (BOOK + "..", 403),
        ("not a path", 403),
        (HOME + "none/a.vcf", 409),
    ],
)
@pytest.mark.rfc("4918", "10.3")
def test_what_cannot_be_a_destination_changes_nothing(
    site: Site, method: str, target: str, status: int
) -> None:
    """RFC 4918 section 9.9.4: 403 for the same place or none of ours, 409 without a parent (I4)."""
    batch = site.cell.batch
    assert go(site, method, ANN, target).status == status
    assert site.cell.batch == batch


def test_the_books_of_another_and_those_that_are_not_are_refused_alike(site: Site) -> None:
    """I4: nothing can be learnt about another account."""
    one, other = (
        go(site, "COPY", ANN, f"/dav/addressbooks/{login}/contacts/a.vcf")
        for login in ("bob", "nobody")
    )
    assert (one.status, one.headers, one.body) == (other.status, other.headers, other.body)


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.rfc("4918", "12.1")
def test_sources_that_are_not_there_and_conditions_that_do_not_hold(
    site: Site, method: str
) -> None:
    """RFC 4918 section 9.8.5, RFC 9110 section 13: 404 with proof, 412."""
    assert go(site, method, BOOK + "none.vcf", BEN).status == 404
    assert go(site, method, HOME + "none/a.vcf", BEN).status == 404
    assert go(site, method, "/dav/addressbooks/bob/contacts/a.vcf", BEN).status == 404
    assert go(site, method, ANN, OTHER + "x.vcf", if_match='"other"').status == 412
    tag = site.do("GET", ANN).headers["etag"]
    assert go(site, method, ANN, OTHER + "x.vcf", if_match=tag).status == 201


def test_a_frozen_book_takes_nothing_and_gives_nothing(site: Site) -> None:
    """I4: a freeze is 503 for both ends."""
    friends = site.cell.directory.collection(site.home, "friends")
    assert friends is not None
    key = Key(site.home, FREEZE, str(friends.id))
    site.run(site.cell.submit(Put(key, "e", '{"why":"test"}'), {}))
    assert go(site, "COPY", ANN, OTHER + "a.vcf").status == 503
    assert go(site, "MOVE", OTHER + "a.vcf", BEN).status == 503
    assert go(site, "MOVE", OTHER, HOME + "x/").status == 503


# --- books ----------------------------------------------------------------------------------------


@pytest.mark.rfc("4918", "9.9.2")
def test_a_moved_book_keeps_its_cards_its_name_for_people_and_its_tokens(site: Site) -> None:
    """RFC 4918 section 9.9.2: all that it holds goes along."""
    token = sync(site, BOOK).token
    target = HOME + "people/"
    assert go(site, "MOVE", BOOK, target, depth="infinity").status == 201
    assert site.do("PROPFIND", BOOK, depth="0").status == 404
    assert site.do("GET", target + "ann.vcf").status == 200
    asked = '<propfind xmlns="DAV:"><prop><displayname/></prop></propfind>'
    found = site.do("PROPFIND", target, asked, depth="0").prop(target, D + "displayname")
    assert found is not None
    assert found.text == "Contacts"
    assert sync(site, target, token).hrefs == []
    assert site.do("PUT", target + "new.vcf", card("new")).status == 201
    assert site.do("PUT", BOOK + "new.vcf", card("new")).status == 409
    assert site.do("PROPFIND", HOME, depth="1").hrefs == [HOME, OTHER, target]


@pytest.mark.rfc("4918", "9.9.3")
def test_a_book_moves_over_another_only_if_it_may(site: Site) -> None:
    """RFC 4918 section 9.9.3."""
    assert go(site, "MOVE", BOOK, OTHER, overwrite="F").status == 412
    assert go(site, "MOVE", BOOK, OTHER[:-1], overwrite="T").status == 204
    assert site.do("PROPFIND", HOME, depth="1").hrefs == [HOME, OTHER]
    assert site.do("GET", OTHER + "ann.vcf").status == 200


@pytest.mark.rfc("4918", "9.8.3")
@pytest.mark.rfc("6352", "5.2")
def test_what_cannot_be_done_with_a_book_says_why(site: Site) -> None:
    """RFC 4918 sections 9.8.3 and 9.9.2, RFC 6352 section 6.3.3.1."""
    batch = site.cell.batch
    assert go(site, "MOVE", BOOK, HOME + "x/", depth="0").status == 400
    assert go(site, "MOVE", BOOK, BOOK).status == 403
    inside = go(site, "MOVE", BOOK, OTHER + "inside/")
    assert inside.condition == C + "addressbook-collection-location-ok"
    assert go(site, "MOVE", BOOK, "/dav/addressbooks/bob/x/").status == 403
    copied = go(site, "COPY", BOOK, HOME + "x/")
    assert (copied.status, b"one by one" in copied.body) == (403, True)
    assert site.cell.batch == batch


# --- POST -----------------------------------------------------------------------------------------


@pytest.mark.rfc("5995", "3.1")
@pytest.mark.rfc("4918", "9.5")
def test_a_posted_card_gets_a_name_from_its_uid(site: Site) -> None:
    """RFC 5995 section 3.2: DAV:add-member tells where, 201 and Location tell what came of it."""
    asked = '<propfind xmlns="DAV:"><prop><add-member/></prop></propfind>'
    member = site.do("PROPFIND", BOOK, asked, depth="0").prop(BOOK, D + "add-member")
    assert member is not None
    assert member.findtext(D + "href") == BOOK
    answer = site.do("POST", BOOK, card("a-1"), content_type="text/vcard")
    assert (answer.status, answer.headers["location"]) == (201, BOOK + "a-1.vcf")
    got = site.do("GET", BOOK + "a-1.vcf")
    assert (got.body, got.headers["etag"]) == (card("a-1"), answer.headers["etag"])


@pytest.mark.rfc("5995", "3.1")
def test_a_card_posted_twice_is_one_card(site: Site) -> None:
    """RFC 5995: a repeated request finds its own bytes; another card of that UID is refused."""
    assert site.do("POST", BOOK, card("a-1")).status == 201
    assert site.do("POST", BOOK, card("a-1")).headers["location"] == BOOK + "a-1.vcf"
    other = site.do("POST", BOOK, card("a-1", "Other"))
    assert (other.status, other.condition) == (403, C + "no-uid-conflict")
    assert other.xml.findtext(f".//{D}href") == BOOK + "a-1.vcf"


@pytest.mark.rfc("5995", "3.1")
def test_a_posted_card_never_takes_the_name_of_another(site: Site) -> None:
    site.put("taken.vcf", "something else")
    first = site.do("POST", BOOK, card("taken"))
    odd = site.do("POST", BOOK, card("../odd uid"))
    for answer, uid in ((first, "taken"), (odd, "../odd uid")):
        assert answer.status == 201
        assert site.do("GET", answer.headers["location"]).body == card(uid)
    assert b"something else" in site.do("GET", BOOK + "taken.vcf").body


@pytest.mark.rfc("5995", "3.1")
def test_what_is_no_card_is_refused_as_with_put(site: Site) -> None:
    """RFC 6352 section 6.3.2.1."""
    assert site.do("POST", BOOK, b"no card").condition == C + "valid-address-data"
    kind = site.do("POST", BOOK, card("a"), content_type="text/calendar")
    assert kind.condition == C + "supported-address-data"
    assert site.do("POST", BOOK, card("a"), content_encoding="gzip").status == 415
    assert site.do("POST", HOME + "none/", card("a")).status == 404
