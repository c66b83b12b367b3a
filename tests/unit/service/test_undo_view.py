"""How a plan looks to a person."""

from __future__ import annotations

import pytest

from fakes.past import Past
from fakes.site import BOOK, HOME
from strongroom.history.entries import OBJECT, Key
from strongroom.service.past import read_past
from strongroom.service.undo_view import left, show


@pytest.fixture
def site() -> Past:
    return Past()


def test_a_plan_is_shown_field_by_field(site: Past) -> None:
    site.do("MKCOL", HOME + "work/")
    site.put("a")
    site.put("b", called="Bob")
    then = site.last
    site.put("a", called="Eve")
    site.do("MOVE", BOOK + "b", destination=HOME + "work/b")
    site.put("c")
    site.do("DELETE", HOME + "work/")
    plan = site.plan(to=then)
    past = site.run(read_past(site.cell, site.home))
    rows = {one.href: one for one in site.run(show(site.cell, past, plan))}
    assert [tuple(one) for one in rows["a"].fields] == [("Full name", "Eve", "Ann")]
    assert (rows["b"].kind, rows["b"].source, rows["b"].name) == ("move", "work/b", "Bob")
    assert (rows["c"].kind, rows["c"].fields[0].new) == ("remove", "")
    assert (rows["work"].kind, rows["work"].book, rows["work"].holds) == ("create", "home", 1)
    told = left(past, Key(site.book.id, OBJECT, "x"), "why")
    assert tuple(told) == ("contacts", "x", "why")


def test_what_cannot_be_read_or_is_large_is_shown_by_its_size(site: Past, monkeypatch) -> None:
    site.put("a")
    then = site.last
    site.put("a", called="Eve")
    plan = site.plan(to=then)
    past = site.run(read_past(site.cell, site.home))
    site.cell.lost.add(site.entries()[1].etag)
    (one,) = site.run(show(site.cell, past, plan))
    assert [tuple(field) for field in one.fields] == [("Content", "52 bytes", "52 bytes")]
    monkeypatch.setattr("strongroom.service.undo_view.LARGE_BODY_BYTES", 51)
    (one,) = site.run(show(site.cell, past, plan))
    assert (one.name, one.fields[0].field) == ("", "Content")


def test_only_the_first_changes_are_shown(site: Past, monkeypatch) -> None:
    then = site.last
    for name in "abc":
        site.put(name)
    plan = site.plan(to=then)
    past = site.run(read_past(site.cell, site.home))
    monkeypatch.setattr("strongroom.service.undo_view.UNDO_SHOWN_MAX", 2)
    assert len(site.run(show(site.cell, past, plan))) == 2


def test_properties_are_shown_as_text(site: Past) -> None:
    then = site.last
    patch = '<propertyupdate xmlns="DAV:"><set><prop><displayname>A &amp; B</displayname>'
    site.do("PROPPATCH", BOOK, f"{patch}</prop></set></propertyupdate>".encode())
    plan = site.plan(to=then)
    past = site.run(read_past(site.cell, site.home))
    (one,) = site.run(show(site.cell, past, plan))
    assert [tuple(field) for field in one.fields] == [("displayname", "A & B", "Contacts")]
