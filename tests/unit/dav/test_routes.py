"""Addresses: what is parsed, and that nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.dav import routes
from strongroom.dav.routes import NOWHERE, Place, home_href, name_href, parse, principal_href


@pytest.mark.parametrize(
    "path,place",
    [
        ("/", Place.ROOT),
        ("/dav", Place.ROOT),
        ("/dav/addressbooks/", Place.ROOT),
        ("/dav/principals/a@b.c/", Place.PRINCIPAL),
        ("/dav/addressbooks/a", Place.HOME),
        ("/dav/addressbooks/a/b", Place.COLLECTION),
        ("/dav/addressbooks/a/b/", Place.COLLECTION),
        ("/dav/addressbooks/a/b/c", Place.OBJECT),
        ("/dav/addressbooks/a/b/c/d", Place.NONE),
        ("/dav/principals/a/b", Place.NONE),
        ("/dav/other/a", Place.NONE),
        ("/DAV/", Place.NONE),
        ("", Place.NONE),
        ("dav", Place.NONE),
        ("//", Place.ROOT),
        ("//dav///addressbooks//", Place.ROOT),
        ("/dav/addressbooks//a/", Place.NONE),
        ("/dav/addressbooks/a//b/", Place.NONE),
        ("/dav/addressbooks/a/b//c", Place.NONE),
        ("/dav//%zz", Place.NONE),
    ],
)
@pytest.mark.rfc("4918", "5.1", "5.2")
def test_an_address_is_of_one_place(path: str, place: Place) -> None:
    assert parse(path).place is place


def test_names_are_decoded_after_the_cut() -> None:
    target = parse(b"/dav/addressbooks/a%40b/work%20stuff/x%25.vcf")
    assert (target.login, target.collection, target.name) == ("a@b", "work stuff", "x%.vcf")
    assert parse(b"/dav/addressbooks/a%2Fb/") is NOWHERE


NAMES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/\ufffe\uffff"),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in {".", ".."})


@given(NAMES, NAMES, NAMES)
def test_what_we_write_we_read_back(login: str, book: str, card: str) -> None:
    target = parse(f"{home_href(login)}{name_href(book)}/{name_href(card)}")
    assert (target.login, target.collection, target.name) == (login, book, card)
    assert parse(principal_href(login)).login == login


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    assert parse(b"/dav/addressbooks/" + raw).place in set(Place)


@given(st.sampled_from(["/dav/addressbooks/a/b", "/dav/addressbooks/a", "/dav", "", "/x/"]),
       st.sampled_from(["/", "", "//", "/."]), st.text(max_size=8))  # fmt: skip
def test_a_remembered_book_changes_no_answer(base: str, cut: str, name: str) -> None:
    raw = (base + cut + name).encode("utf-8", "surrogatepass")
    assert parse(raw) == routes._parse(raw)
