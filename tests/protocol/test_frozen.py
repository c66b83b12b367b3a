"""Frozen, as a person meets it: what still answers, what says "later", and in which words (I4, I5).

DESIGN: 401 without or with wrong credentials; with right ones OPTIONS, well-known, `/`, principal
and home-set properties answer, and only homes, collections and objects say 503; no new device is
set up meanwhile.
"""

from __future__ import annotations

from typing import Any

import pytest

from fakes.asgi import Answer, Client
from fakes.site import BOOK, HOME, Site, card
from phone.wire import multiget, propfind, query, sync_collection
from strongroom.base.errors import FrozenError
from strongroom.history.edits import Origin
from strongroom.service.accounts import add_device
from strongroom.service.thaw import thaw

PRINCIPAL = "/dav/principals/alice/"
OTHER = HOME + "other/"
CARD = BOOK + "ann.vcf"
HOME_SET = "{urn:ietf:params:xml:ns:carddav}addressbook-home-set"
WHO = "{DAV:}current-user-principal"
ROOTS = ("/", "/principals/", "/dav/", "/dav/principals/", "/dav/addressbooks/")
XML = {"content_type": "application/xml"}
NEW_PROPERTY = (
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop>'
    "</D:set></D:propertyupdate>"
)
EXPAND = (
    '<D:expand-property xmlns:D="DAV:"><D:property name="current-user-principal">'
    '<D:property name="displayname"/></D:property></D:expand-property>'
)

# Every question that a phone could ask of what is frozen, with the conditions that cost an edit
# where they are answered 412.
OF_A_CARD: list[tuple[str, Any, dict[str, str]]] = [
    ("GET", b"", {}), ("HEAD", b"", {}), ("GET", b"", {"if_none_match": "*"}),
    ("PUT", card("ann", "Edited"), {"content_type": "text/vcard"}),
    ("PUT", card("ann", "Edited"), {"content_type": "text/vcard", "if_match": '"older"'}),
    ("PUT", card("ann", "Edited"), {"content_type": "text/vcard", "if_none_match": "*"}),
    ("PUT", b"no card at all", {"content_type": "text/vcard"}),
    ("DELETE", b"", {}), ("DELETE", b"", {"if_match": '"older"'}),
    ("PROPFIND", propfind("{DAV:}getetag"), {"depth": "0"}),
    ("PROPPATCH", NEW_PROPERTY, XML),
    ("COPY", b"", {"destination": BOOK + "b.vcf"}), ("MOVE", b"", {"destination": BOOK + "b.vcf"}),
    ("MOVE", b"", {"destination": OTHER + "b.vcf"}), ("REPORT", query(), {"depth": "0"}),
]  # fmt: skip
OF_A_BOOK: list[tuple[str, Any, dict[str, str]]] = [
    ("PROPFIND", propfind("{DAV:}getetag"), {"depth": "0"}),
    ("PROPFIND", propfind("{DAV:}getetag"), {"depth": "1"}),
    ("PROPFIND", propfind("{DAV:}sync-token"), {"depth": "0"}),
    ("REPORT", sync_collection(""), {"depth": "0"}), ("REPORT", query(), {"depth": "1"}),
    ("REPORT", multiget([CARD]), {"depth": "0"}), ("PROPPATCH", NEW_PROPERTY, XML),
    ("POST", card("new"), {"content_type": "text/vcard"}), ("DELETE", b"", {}),
    ("MOVE", b"", {"destination": HOME + "renamed/"}),
]  # fmt: skip
OF_A_HOME: list[tuple[str, Any, dict[str, str]]] = [
    ("PROPFIND", propfind("{DAV:}resourcetype"), {"depth": "0"}),
    ("PROPFIND", propfind("{DAV:}resourcetype"), {"depth": "1"}),
    ("PROPPATCH", NEW_PROPERTY, XML), ("REPORT", EXPAND, {"depth": "0"}),
]  # fmt: skip
HOMELY = [
    *((CARD, *one) for one in OF_A_CARD), *((BOOK + "never.vcf", *one) for one in OF_A_CARD),
    *((BOOK, *one) for one in OF_A_BOOK), *((OTHER, *one) for one in OF_A_BOOK),
    *((HOME, *one) for one in OF_A_HOME), (HOME + "new/", "MKCOL", b"", {}),
    (HOME + "never/", "PROPFIND", propfind("{DAV:}getetag"), {"depth": "0"}),
]  # fmt: skip


@pytest.fixture
def site() -> Site:
    made = Site()
    assert made.put("ann.vcf", "ann").status == 201
    assert made.do("MKCOL", OTHER).status == 201
    body = card("bob")
    assert made.do("PUT", OTHER + "bob.vcf", body, content_type="text/vcard").status == 201
    return made


def freeze(site: Site, scope: str = "account") -> None:
    site.run(site.cell.freeze(site.home, scope, "It forgot.", "token:5:9:c0"))


def ask(site: Site, path: str, method: str, body: Any, headers: dict[str, str]) -> Answer:
    return site.do(method, path, body, **headers)


def says_later(answer: Answer) -> bool:
    return answer.status == 503 and 60 <= int(answer.headers["retry-after"]) <= 7200


def journals(site: Site) -> dict[int, int]:
    return {collection: len(lines) for collection, lines in site.cell.journal.items()}


# --- the whole account ----------------------------------------------------------------------------
@pytest.mark.parametrize("path", [*ROOTS, PRINCIPAL, HOME, BOOK, CARD, "/nowhere"])
def test_frozen_without_or_with_wrong_credentials_it_is_401(site: Site, path: str) -> None:
    freeze(site)
    for client in (site.nobody, Client(site.app, "alice", "wrong"), Client(site.app, "eve", "x")):
        for method in ("OPTIONS", "PROPFIND", "GET", "PUT", "REPORT"):
            answer = site.run(client(method, path))
            assert answer.status == 401
            assert "basic" in answer.headers["www-authenticate"].lower()


@pytest.mark.parametrize("path", [*ROOTS, PRINCIPAL, HOME, BOOK, OTHER, CARD])
def test_frozen_options_answer(site: Site, path: str) -> None:
    before = site.do("OPTIONS", path)
    freeze(site)
    answer = site.do("OPTIONS", path)
    assert answer.status == 200
    assert "addressbook" in answer.headers["dav"]
    assert answer == before


@pytest.mark.parametrize("method", ["GET", "PROPFIND"])
def test_frozen_well_known_leads_on(site: Site, method: str) -> None:
    freeze(site)
    for client in (site.nobody, site.alice):
        answer = site.run(client(method, "/.well-known/carddav"))
        assert (answer.status, answer.headers["location"]) == (301, "/dav/")


@pytest.mark.parametrize("path", [*ROOTS, PRINCIPAL])
def test_frozen_discovery_answers_as_ever(site: Site, path: str) -> None:
    """`/`, the principal and the home-set: a phone that looks again finds the account unchanged."""
    wanted = propfind(WHO, HOME_SET, "{DAV:}principal-URL", "{DAV:}current-user-privilege-set",
                      "{DAV:}resourcetype", "{DAV:}displayname")  # fmt: skip
    before = site.do("PROPFIND", path, wanted, depth="0")
    freeze(site)

    answer = site.do("PROPFIND", path, wanted, depth="0")

    assert answer == before
    assert answer.status == 207
    assert HOME in "".join(answer.prop(path, HOME_SET).itertext())  # type: ignore[union-attr]
    assert PRINCIPAL in "".join(answer.prop(path, WHO).itertext())  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["/", PRINCIPAL])
def test_frozen_reports_about_the_principal_answer(site: Site, path: str) -> None:
    before = site.do("REPORT", path, EXPAND, depth="0")
    freeze(site)
    answer = site.do("REPORT", path, EXPAND, depth="0")
    assert answer == before
    assert answer.status == 207


@pytest.mark.parametrize("path, method, body, headers", HOMELY)
def test_frozen_home_collections_and_objects_say_later_and_nothing_changes(
    site: Site, path: str, method: str, body: Any, headers: dict[str, str]
) -> None:
    freeze(site)
    before = journals(site)

    answer = ask(site, path, method, body, headers)

    assert says_later(answer), (answer.status, answer.text)
    assert method == "HEAD" or "frozen to protect it" in answer.text
    assert journals(site) == before


def test_frozen_accounts_of_others_go_on(site: Site) -> None:
    freeze(site)
    theirs = HOME.replace("alice", "bob")
    answer = site.run(site.bob("PROPFIND", theirs, propfind("{DAV:}getetag"), depth="1"))
    assert answer.status == 207
    assert site.do("PROPFIND", theirs, depth="0").status == 404  # by its address alone, as ever


def test_frozen_accounts_get_no_new_device_and_the_words_say_why(site: Site) -> None:
    freeze(site)
    with pytest.raises(FrozenError, match=r"frozen to protect it.*No new device is set up"):
        site.run(add_device(site.cell, "alice", "new", site.entropy, Origin()))
    site.run(thaw(site.cell, "alice", Origin()))
    assert site.run(add_device(site.cell, "alice", "new", site.entropy, Origin()))


def test_frozen_means_later_until_a_thaw_and_then_everything_is_there(site: Site) -> None:
    before = site.do("PROPFIND", BOOK, propfind("{DAV:}getetag"), depth="1").body
    freeze(site)
    freeze(site, str(site.book.id))
    assert says_later(site.do("GET", CARD))
    site.run(thaw(site.cell, "alice", Origin()))
    assert site.do("PROPFIND", BOOK, propfind("{DAV:}getetag"), depth="1").body == before


# --- one book -------------------------------------------------------------------------------------
INTO = [
    (OTHER + "bob.vcf", "COPY", b"", {"destination": BOOK + "bob.vcf"}),
    (OTHER + "bob.vcf", "MOVE", b"", {"destination": BOOK + "bob.vcf"}),
    (OTHER, "MOVE", b"", {"destination": BOOK}),
    *((CARD, *one) for one in OF_A_CARD), *((BOOK, *one) for one in OF_A_BOOK),
]  # fmt: skip


@pytest.mark.parametrize("path, method, body, headers", INTO)
def test_a_frozen_book_says_later_and_takes_and_gives_nothing(
    site: Site, path: str, method: str, body: Any, headers: dict[str, str]
) -> None:
    freeze(site, str(site.book.id))
    before = journals(site)

    answer = ask(site, path, method, body, headers)

    assert says_later(answer), (answer.status, answer.text)
    assert journals(site) == before


def test_a_frozen_book_is_still_listed_and_the_others_go_on(site: Site) -> None:
    freeze(site, str(site.book.id))
    listed = site.do("PROPFIND", HOME, propfind("{DAV:}resourcetype"), depth="1")
    assert {BOOK, OTHER} <= set(listed.hrefs)
    assert site.do("PROPFIND", OTHER, depth="1").status == 207
    assert site.do("GET", OTHER + "bob.vcf").status == 200
    new = site.do("PUT", OTHER + "new.vcf", card("new"), content_type="text/vcard")
    assert new.status == 201
    assert site.do("MKCOL", HOME + "third/").status == 201
    assert site.do("PROPPATCH", HOME, NEW_PROPERTY, **XML).status == 207


# --- the whole cell -------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/", PRINCIPAL, HOME, BOOK, CARD, "/.well-known/carddav"])
def test_a_frozen_cell_is_401_without_credentials_and_later_with_any(site: Site, path: str) -> None:
    site.open = False
    for method in ("OPTIONS", "PROPFIND", "GET", "PUT", "DELETE", "REPORT"):
        assert site.run(site.nobody(method, path)).status == 401
        for client in (site.alice, Client(site.app, "alice", "wrong")):
            assert says_later(site.run(client(method, path)))
