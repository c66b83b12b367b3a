"""Reports about principals (RFC 3744 sections 9.2 to 9.5) and expand-property (RFC 3253 3.8).

There is one principal that anybody can find here: the caller. What an expansion leads to is only
what can be told without asking a replica: the caller's own principal, home and collections.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from typing import Final

from strongroom.base.errors import InvalidError
from strongroom.dav.answers import NO_STORE, XML, answer, whole_multistatus
from strongroom.dav.getters import EMAILS, Site, metered
from strongroom.dav.live import live_at
from strongroom.dav.properties import describe, plan
from strongroom.dav.propfind import own_href
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, Target, collection_href, parse, principal_href
from strongroom.dav.statuses import DAV
from strongroom.formats.multistatus import element, epilogue, escape, prologue
from strongroom.formats.preferences import MINIMAL
from strongroom.formats.principalxml import (
    AclPrincipals,
    Expanded,
    Expansion,
    PrincipalMatch,
    PrincipalReport,
    PrincipalSearch,
    PropertySearch,
    SearchableProperties,
)
from strongroom.history.entries import COLLECTION, Member
from strongroom.service.access import find_collection
from strongroom.service.collections import DISPLAY_NAME, shown
from strongroom.service.objects import find_object

_WithNames = PrincipalSearch | PrincipalMatch | AclPrincipals | Expansion
_SEARCHABLE: Final = {DISPLAY_NAME: "Name", EMAILS: "E-mail"}
_PRINCIPALS: Final = frozenset({Place.ROOT, Place.PRINCIPAL})
_TAG: Final = re.compile(rb"<[^>]*>")
_HREF: Final = re.compile(rb"<D:href>([^<]*)</D:href>")


async def principal_report(request: Request, wanted: PrincipalReport) -> None:
    """Answer one of these reports.

    Raises:
        InvalidError: it is not asked with depth 0, or not answered at this address.
    """
    if request.header(b"depth").strip() not in {"", "0"}:
        raise InvalidError("Ask with Depth 0.")
    if isinstance(wanted, SearchableProperties):
        _check_place(request, _PRINCIPALS)
        await answer(request.send, 200, (XML, NO_STORE), _searchable())
        return
    body = b"".join((prologue(), *(await _rows(request, wanted)), epilogue()))
    await whole_multistatus(request, body, MINIMAL)


async def _rows(request: Request, wanted: _WithNames) -> list[bytes]:
    names = _named(wanted.wanted) if isinstance(wanted, Expansion) else wanted.names
    site = await metered(request, names)
    if isinstance(wanted, PrincipalSearch):
        if not wanted.everywhere:
            _check_place(request, _PRINCIPALS)
        found = (any if wanted.any_of else all)(_holds(site, one) for one in wanted.searches)
        return [_caller(site, wanted.names)] if found else []
    if isinstance(wanted, PrincipalMatch):
        return await _matching(request, site, wanted)
    here = await _asked(request)
    if isinstance(wanted, AclPrincipals):
        return [_caller(site, wanted.names)]  # the owner alone has rights
    is_object = request.target.place is Place.OBJECT
    href = request.path if is_object else own_href(request)
    return [_expand(site, request.target.place, href, here, wanted.wanted)]


def _named(wanted: Iterable[Expanded]) -> list[str]:
    return [name for one in wanted for name in (one.name, *_named(one.inner))]


def _check_place(request: Request, places: Iterable[Place]) -> None:
    if request.target.place not in places:
        raise InvalidError("This report is not known here.", DAV + "supported-report")


def _caller(site: Site, names: tuple[str, ...]) -> bytes:
    href = principal_href(site.caller.login)
    return describe(site, href, site.caller.account, plan(Place.PRINCIPAL, names))


async def _asked(request: Request) -> Member:
    target, cell = request.target, request.cell
    if target.place not in {Place.COLLECTION, Place.OBJECT}:
        return request.caller.account
    collection = await find_collection(cell, request.caller.home, target.collection)
    return (
        collection
        if target.place is Place.COLLECTION
        else await find_object(cell, collection, target.name)
    )


# --- searching and matching -------------------------------------------------------------------


def _searchable() -> bytes:
    rows = b"".join(
        element(
            DAV + "principal-search-property",
            element(DAV + "prop", element(name)) + element(DAV + "description", escape(words)),
        )
        for name, words in _SEARCHABLE.items()
    )
    root = b'<D:principal-search-property-set xmlns:D="DAV:"'
    root += b' xmlns:CS="http://calendarserver.org/ns/">'
    return b'<?xml version="1.0" encoding="utf-8"?>\n%s%s</D:principal-search-property-set>\n' % (
        root, rows
    )  # fmt: skip


def _holds(site: Site, search: PropertySearch) -> bool:
    return all(
        name in _SEARCHABLE and search.text.casefold() in _text(site, name).casefold()
        for name in search.names
    )


def _text(site: Site, name: str) -> str:
    xml = live_at(Place.PRINCIPAL)[name](site, site.caller.account)
    return unescape(_TAG.sub(b"", xml).decode())


async def _matching(request: Request, site: Site, wanted: PrincipalMatch) -> list[bytes]:
    """Give what is the caller below this address, or names the caller in a property."""
    place = request.target.place
    _check_place(request, {*_PRINCIPALS, Place.HOME})
    if place in _PRINCIPALS:
        named = not wanted.by or _names_caller(site, Place.PRINCIPAL, wanted.by)
        return [_caller(site, wanted.names)] if named else []
    if not wanted.by or not _names_caller(site, Place.COLLECTION, wanted.by):
        return []
    kind = request.target.kind
    _, members = await request.cell.listing(request.caller.home, COLLECTION)
    asked = plan(Place.COLLECTION, wanted.names, kind)
    login = request.caller.login
    return [
        describe(site, collection_href(login, one.href), one, asked) for one in shown(members, kind)
    ]


def _names_caller(site: Site, place: Place, name: str) -> bool:
    """Say whether a property names the caller; those that can are the same on all things."""
    getter = live_at(place).get(name)
    if getter is None or name not in live_at(Place.ROOT):
        return False
    own = element(DAV + "href", escape(principal_href(site.caller.login)))
    return own in getter(site, site.caller.account)


# --- expand-property --------------------------------------------------------------------------


def _expand(
    site: Site, place: Place, href: str, member: Member, wanted: tuple[Expanded, ...]
) -> bytes:
    live = live_at(place, site.kind)
    deep = {
        one: xml
        for one in wanted
        if one.inner and one.name in live and (xml := live[one.name](site, member))
    }
    plain = tuple(one.name for one in wanted if one not in deep)
    extra = [_expanded(site, xml, one.inner) for one, xml in deep.items()]
    return describe(site, href, member, plan(place, plain, site.kind), *extra)


def _expanded(site: Site, xml: bytes, inner: tuple[Expanded, ...]) -> bytes:
    """Put a response in the place of each href that can be told; others stay as they are."""

    def instead(found: re.Match[bytes]) -> bytes:
        href = unescape(found[1].decode())
        target = parse(href)
        member = _known(site, target)
        there = site._replace(kind=target.kind)
        return found[0] if member is None else _expand(there, target.place, href, member, inner)

    return _HREF.sub(instead, xml)


def _known(site: Site, target: Target) -> Member | None:
    caller, directory = site.caller, site.cell.directory
    place, login = target.place, target.login
    if place is Place.ROOT or (place is Place.PRINCIPAL and login == caller.login):
        return caller.account
    if login != caller.login or directory.frozen(caller.home):
        return None
    if not caller.rights.reaches(target.kind.service):
        return None
    if place is Place.HOME:
        return caller.account
    return (
        directory.collection(caller.home, target.collection) if place is Place.COLLECTION else None
    )
