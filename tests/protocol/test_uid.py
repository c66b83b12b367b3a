"""One UID, one card in a book: CARDDAV:no-uid-conflict (RFC 6352 section 6.3.2.1)."""

from __future__ import annotations

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site, card

OTHER = HOME + "friends/"
ANN, BEN = BOOK + "ann.vcf", BOOK + "ben.vcf"


@pytest.fixture
def site() -> Site:
    site = Site()
    site.do("MKCOL", OTHER)
    site.put("ann.vcf", "ann")
    return site


def in_the_way(answer: Answer) -> str | None:
    """The href that a refusal names."""
    assert answer.status == 403
    assert answer.condition == "{urn:ietf:params:xml:ns:carddav}no-uid-conflict"
    return answer.xml.findtext(".//{DAV:}href")


@pytest.mark.rfc("6352", "6.3.2.1")
def test_a_second_card_of_a_uid_is_refused_and_the_first_is_named(site: Site) -> None:
    """RFC 6352 section 6.3.2.1: DAV:href names the one that has the UID."""
    odd = BOOK + "a%20%C3%A9%26.vcf"
    site.do("PUT", odd, card("odd"))
    assert in_the_way(site.put("second.vcf", "ann")) == ANN
    assert in_the_way(site.put("second.vcf", "odd")) == BOOK + "a%20%C3%A9&.vcf"
    assert site.do("GET", BOOK + "second.vcf").status == 404


@pytest.mark.rfc("6352", "6.3.2.1")
def test_the_rule_is_per_book(site: Site) -> None:
    assert site.do("PUT", OTHER + "ann.vcf", card("ann")).status == 201


@pytest.mark.rfc("6352", "6.3.2.1")
def test_a_card_may_be_put_again_and_keeps_its_uid(site: Site) -> None:
    """RFC 6352 section 6.3.2.1: nor may a card be overwritten with one of another UID."""
    assert site.put("ann.vcf", "ann", called="Anna").status == 204
    assert in_the_way(site.put("ann.vcf", "another")) == ANN
    site.put("ben.vcf", "ben")
    assert in_the_way(site.put("ben.vcf", "ann")) == ANN
    assert b"UID:ben" in site.do("GET", BEN).body


def test_a_uid_that_becomes_a_uri_is_the_same(site: Site) -> None:
    """RFC 6350 section 6.7.6: 4.0 writes as a URI what 3.0 writes as text."""
    assert site.put("ann.vcf", "urn:uuid:ANN").status == 204


def test_a_condition_that_does_not_hold_is_said_first(site: Site) -> None:
    assert site.put("ann.vcf", "another", if_none_match="*").status == 412
    assert site.put("second.vcf", "ann", if_match="*").status == 412


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.rfc("6352", "6.3.2.1")
def test_copy_and_move_meet_the_uid_in_the_other_book(site: Site, method: str) -> None:
    """RFC 6352 section 6.3.2.1 names COPY and MOVE as well."""
    site.do("PUT", OTHER + "x.vcf", card("ann"))
    site.do("PUT", OTHER + "y.vcf", card("other"))
    assert in_the_way(site.do(method, ANN, destination=OTHER + "z.vcf")) == OTHER + "x.vcf"
    assert in_the_way(site.do(method, ANN, destination=OTHER + "y.vcf")) == OTHER + "x.vcf"
    assert site.do(method, ANN, destination=OTHER + "x.vcf").status == 204


def test_inside_a_book_a_card_can_move_and_not_be_copied(site: Site) -> None:
    """RFC 6352 section 6.3.2.1."""
    site.put("ben.vcf", "ben")
    assert in_the_way(site.do("COPY", ANN, destination=BOOK + "new.vcf")) == ANN
    assert in_the_way(site.do("MOVE", ANN, destination=BEN)) == BEN
    assert site.do("MOVE", ANN, destination=BOOK + "new.vcf").status == 201


def test_what_is_gone_is_in_nobodys_way(site: Site) -> None:
    site.do("DELETE", ANN)
    assert site.put("second.vcf", "ann").status == 201
    site.do("MOVE", BOOK + "second.vcf", destination=OTHER + "a.vcf")
    assert site.put("third.vcf", "ann").status == 201
