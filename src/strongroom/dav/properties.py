"""Answering what is asked of one thing: live properties, dead ones beside them, defaults.

A set of names is compiled once (`plan`), so that a listing of ten thousand objects looks nothing up
twice. A dead property is kept as the XML that was sent.

Not here: which live properties there are (live), how they are written (getters).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from strongroom.dav.getters import Getter, Site
from strongroom.dav.live import defaults_at, live_at
from strongroom.dav.routes import Place
from strongroom.dav.statuses import DAV
from strongroom.formats.davxml import Propfind
from strongroom.formats.multistatus import element, response
from strongroom.history.entries import Member
from strongroom.service.kinds import ADDRESS_BOOK, Kind

# Places without a member of their own have no dead properties.
_WITH_DEAD: Final = frozenset({Place.HOME, Place.COLLECTION, Place.OBJECT})
# What RFC 4918 section 15 defines goes with allprop; the rest must be asked for by name.
_ALLPROP: Final = frozenset(
    DAV + name
    for name in (
        "displayname", "getcontentlength", "getcontenttype", "getetag", "getlastmodified",
        "lockdiscovery", "resourcetype", "supportedlock",
    )
)  # fmt: skip


class Plan(NamedTuple):
    """A compiled question: what is live here, and what may be dead, defaulted or missing."""

    live: tuple[Getter, ...]
    names: tuple[str, ...]  # of those
    others: tuple[str, ...]
    defaults: dict[str, Getter]
    with_dead: bool


@lru_cache(512)
def plan(place: Place, names: tuple[str, ...], kind: Kind = ADDRESS_BOOK) -> Plan:
    """Compile a list of names for one kind of thing."""
    live = live_at(place, kind)
    known = tuple(name for name in names if name in live)
    return Plan(
        tuple(live[name] for name in known),
        known,
        tuple(name for name in names if name not in live),
        defaults_at(place),
        place in _WITH_DEAD,
    )


def describe(site: Site, href: str, member: Member, asked: Plan, *extra: bytes) -> bytes:
    """Write one response of a multistatus; `extra` are elements that the caller made."""
    found = [getter(site, member) for getter in asked.live]
    if b"" in found:
        absent = (name for name, xml in zip(asked.names, found, strict=True) if not xml)
        asked = asked._replace(others=(*asked.others, *absent))
        found = [xml for xml in found if xml]
    found += extra
    if not asked.others:
        return response(href, found)
    if not (asked.with_dead and member.props) and not asked.defaults:
        return response(href, found, () if site.minimal else asked.others)
    missing = _add_dead(site, member, asked, found)
    return response(href, found, () if site.minimal else missing)


def _add_dead(site: Site, member: Member, asked: Plan, found: list[bytes]) -> list[str]:
    dead = member.properties
    missing = []
    for name in asked.others:
        if name in dead:
            found.append(dead[name].encode())
        elif name in asked.defaults:
            found.append(asked.defaults[name](site, member))
        else:
            missing.append(name)
    return missing


def describe_propfind(
    site: Site, place: Place, href: str, member: Member, wanted: Propfind
) -> bytes:
    """Answer any form of PROPFIND about one thing."""
    if wanted.kind == "prop":
        return describe(site, href, member, plan(place, wanted.names, site.kind))
    live = live_at(place, site.kind)
    dead: Iterable[str] = member.properties if place in _WITH_DEAD else ()
    known = (*live, *defaults_at(place))
    if wanted.kind == "propname":
        there = (n for n in known if n not in live or live[n](site, member))
        names = dict.fromkeys((*there, *dead))
        return response(href, [element(name) for name in names])
    names = dict.fromkeys((*(n for n in known if n in _ALLPROP), *dead, *wanted.include))
    return describe(site, href, member, plan(place, tuple(names), site.kind))
