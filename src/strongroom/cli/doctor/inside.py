"""What a phone meets once it is signed in: discovery, methods, conditions, ETags, compression.

Harmless: what is sent is about names that nobody has, or is refused for its content.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from lxml import etree

from strongroom.cli.doctor.findings import BAD, NOTE, OK, SKIPPED, Finding
from strongroom.cli.doctor.line import ANSWER_BYTES_MAX, LineError, Reply
from strongroom.cli.doctor.outside import gateway
from strongroom.cli.doctor.visit import CAL, CARD, DAV, XML, Visit, href_in, propfind

Findings = Iterator[Finding]

NAME: Final = "strongroom-doctor.vcf"
ABSENT: Final = "strongroom-doctor-absent.vcf"
VCARD: Final = "text/vcard; charset=utf-8"
CARD_BYTES: Final = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:strongroom-doctor\r\nFN:Strongroom Doctor\r\n"
    b"N:Doctor;Strongroom;;;\r\nNOTE:" + b"put here by `strongroom doctor`\\, " * 40 + b"\r\n"
    b"END:VCARD\r\n"
)
_NEVER: Final = '"0"'  # an ETag that nothing has
_COMPRESSED_BYTES_MIN: Final = 1500  # less is hardly worth compressing


class Kind(NamedTuple):
    """One kind of collection: what people call it, and how a phone finds it."""

    title: str
    feature: str  # in the header DAV
    home: str
    type: str


BOOKS: Final = Kind(
    "address book", "addressbook", CARD + "addressbook-home-set", CARD + "addressbook"
)
CALENDARS: Final = Kind("calendar", "calendar-access", CAL + "calendar-home-set", CAL + "calendar")
Asked = Sequence[tuple[str, str, bytes, dict[str, str]]]  # method, path, body, headers


def discovery(visit: Visit) -> Findings:
    """Find the address book, as a phone does from nothing but the host's name."""
    line, name = visit.line, DAV + "current-user-principal"
    reply = line.ask("PROPFIND", "/", propfind(name), Depth="0", Content_Type=XML)
    if reply.status == 401:
        words = "login or password are not taken, or Authorization does not arrive"
        yield Finding(BAD, words, "authorization")
        return
    principal = href_in(reply, name)
    if not principal:
        yield gateway(reply) or Finding(BAD, f"PROPFIND / is {reply.told()}", "methods")
        return
    visit.principal = principal
    visit.book = yield from _collection(visit, BOOKS)


def _collection(visit: Visit, kind: Kind) -> Generator[Finding, None, str]:
    """Find the first collection of a kind; gives its address, "" where none is found."""
    line, principal, title = visit.line, visit.principal, kind.title
    options = line.ask("OPTIONS", principal)
    if kind.feature not in options.headers.get("dav", ""):
        words = f"OPTIONS tells no {title}s ({options.told()}): DAVx5 finds none"
        yield Finding(BAD, words, "methods")
        return ""
    reply = line.ask("PROPFIND", principal, propfind(kind.home), Depth="0", Content_Type=XML)
    home = href_in(reply, kind.home)
    if reply.status == 207 and not home:
        yield Finding(SKIPPED, f"this device was not made for {title}s")
        return ""
    if home:
        wanted = propfind(DAV + "resourcetype")
        reply = line.ask("PROPFIND", home, wanted, Depth="1", Content_Type=XML)
    if found := _first(reply, kind) if home else "":
        yield Finding(OK, f"the first {title} is found at {found}")
    else:
        yield Finding(BAD, f"no {title} is found: {reply.told()}", "methods")
    return found


def _first(reply: Reply, kind: Kind) -> str:
    root = reply.xml() if reply.status == 207 else None
    for response in () if root is None else root.iter(DAV + "response"):
        if response.find(f".//{DAV}resourcetype/{kind.type}") is not None:
            return response.findtext(DAV + "href") or ""
    return ""


def calendars(visit: Visit) -> Findings:
    """Find the first calendar, ask it for a day, and see whether MKCALENDAR passes.

    A calendar stands there already, so that method is refused, by Strongroom itself.
    """
    visit.calendar = yield from _collection(visit, CALENDARS)
    if visit.calendar:
        yield _passing(
            visit,
            [
                ("REPORT", visit.calendar, _one_day(), {"Depth": "1", "Content_Type": XML}),
                ("MKCALENDAR", visit.calendar, b"", {}),
            ],
        )


def _one_day() -> bytes:
    root = etree.Element(CAL + "calendar-query")
    etree.SubElement(etree.SubElement(root, DAV + "prop"), DAV + "getetag")
    whole = etree.SubElement(etree.SubElement(root, CAL + "filter"), CAL + "comp-filter")
    whole.set("name", "VCALENDAR")
    event = etree.SubElement(whole, CAL + "comp-filter", name="VEVENT")
    etree.SubElement(event, CAL + "time-range", start="20260101T000000Z", end="20260102T000000Z")
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def methods(visit: Visit) -> Findings:
    """Send each method, such that it changes nothing; Strongroom itself must answer."""
    book, absent = visit.book, visit.book + ABSENT
    origin = f"{visit.site.scheme}://{visit.site.host}:{visit.site.port}"
    there = {"Destination": f"{origin}{book}{NAME}", "Overwrite": "F", "If_Match": _NEVER}
    asked: Asked = [
        ("PROPFIND", book, propfind(DAV + "resourcetype"), {"Depth": "0", "Content_Type": XML}),
        ("REPORT", book, _multiget(absent), {"Depth": "0", "Content_Type": XML}),
        ("PROPPATCH", book, b"<", {"Content_Type": XML}),
        ("MKCOL", book, b"", {}),
        ("POST", book, b"", {"Content_Type": "text/plain"}),
        ("COPY", absent, b"", there),
        ("MOVE", absent, b"", there),
        ("DELETE", absent, b"", {"If_Match": _NEVER}),
    ]
    yield _passing(visit, asked)


def _passing(visit: Visit, asked: Asked) -> Finding:
    """Say whether all that is asked reaches Strongroom."""
    bad = []
    for method, path, body, headers in asked:
        try:
            reply = visit.line.ask(method, path, body, **headers)
        except LineError as error:
            bad.append(f"{method} ({error})")
            continue
        if not (reply.is_ours or reply.status == 207):
            bad.append(f"{method} ({reply.told()})")
    if bad:
        return Finding(BAD, f"does not reach Strongroom: {', '.join(bad)}", "methods")
    return Finding(OK, f"{', '.join(row[0] for row in asked)} pass")


def _multiget(href: str) -> bytes:
    root = etree.Element(CARD + "addressbook-multiget")
    etree.SubElement(etree.SubElement(root, DAV + "prop"), DAV + "getetag")
    etree.SubElement(root, DAV + "href").text = href
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def names(visit: Visit) -> Findings:
    """Ask for names with characters that proxies like to rewrite."""
    for name in ("doctor%2Fabsent.vcf", "doctor%40absent%20%C3%A4.vcf"):
        reply = visit.line.ask("GET", visit.book + name)
        if not reply.is_ours:
            yield Finding(BAD, f"{name} is answered by {reply.told()}", "paths")
            return
    yield Finding(OK, "names with encoded characters reach Strongroom")


# --- a card ---------------------------------------------------------------------------------------
def card(visit: Visit) -> Findings:
    """Find a card to look at; with `--write` put one there if the book is empty."""
    found = _any_card(visit)
    if found:
        visit.card, visit.etag = found
        return
    if not visit.wishes.write:
        yield Finding(SKIPPED, "the address book is empty; --write may put a card there")
        return
    path = visit.book + NAME
    reply = visit.line.ask("PUT", path, CARD_BYTES, Content_Type=VCARD, If_None_Match="*")
    if reply.status != 201:
        words = f"a card cannot be put there: {reply.told()}"
        yield gateway(reply) or Finding(BAD, words, "methods")
        return
    visit.made = True
    visit.card, visit.etag = _any_card(visit) or (path, reply.headers.get("etag", ""))
    yield Finding(OK, "a card was put there; it is taken away at the end")


def _any_card(visit: Visit) -> tuple[str, str] | None:
    root = etree.Element(CARD + "addressbook-query")
    etree.SubElement(etree.SubElement(root, DAV + "prop"), DAV + "getetag")
    etree.SubElement(root, CARD + "filter")
    etree.SubElement(etree.SubElement(root, CARD + "limit"), CARD + "nresults").text = "1"
    body = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    told = visit.line.ask("REPORT", visit.book, body, Depth="1", Content_Type=XML).xml()
    for response in () if told is None else told.iter(DAV + "response"):
        etag = response.findtext(f".//{DAV}getetag")
        if etag:
            return response.findtext(DAV + "href") or "", etag
    return None


def conditions(visit: Visit) -> Findings:
    """Look whether If-Match and If-None-Match arrive, on which no edit is lost."""
    wrong = visit.line.ask("GET", visit.card, If_Match=_NEVER)
    same = visit.line.ask("GET", visit.card, If_None_Match=visit.etag)
    if wrong.status != 412:
        words = f"If-Match does not arrive ({wrong.told()}): one phone would overwrite another"
        yield Finding(BAD, words, "conditions")
    elif same.status != 304:
        words = f"If-None-Match does not arrive ({same.told()})"
        yield Finding(BAD, words, "conditions")
    else:
        yield Finding(OK, "If-Match and If-None-Match arrive")


def etag(visit: Visit) -> Findings:
    """Look whether a card's bytes and its ETag come as they are."""
    reply = visit.line.ask("GET", visit.card, Accept_Encoding="gzip")
    told = reply.headers.get("etag", "")
    body = reply.body
    if reply.headers.get("content-encoding") == "gzip":
        body = unpacked(body) or b""
    if sha256(body).hexdigest() != visit.etag.strip('"'):
        yield Finding(BAD, "the bytes of a card are changed on the way", "bytes")
    elif not told:
        yield Finding(BAD, "a card comes without its ETag", "etag")
    elif told == visit.etag:
        yield Finding(OK, "a card comes with its own bytes and ETag")
    elif visit.line.ask("GET", visit.card, If_None_Match=told).status == 304:
        words = f"an ETag is changed on the way, to {told}: Strongroom understands it, but why?"
        yield Finding(NOTE, words, "etag")
    else:
        words = f"an ETag is changed on the way, to {told}, and not understood when it comes back"
        yield Finding(BAD, words, "etag")


def unpacked(body: bytes) -> bytes | None:
    """Unpack a whole gzip body; None where it is none, or larger than what would be read."""
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(body, ANSWER_BYTES_MAX)
    except zlib.error:
        return None
    return plain if reader.eof else None


def compression(visit: Visit) -> Findings:
    """Look whether a listing comes compressed, and whole."""
    wanted = propfind(DAV + "getetag", DAV + "resourcetype", DAV + "getlastmodified")
    reply = visit.line.ask(
        "PROPFIND", visit.book, wanted, Depth="1", Content_Type=XML, Accept_Encoding="gzip"
    )
    if reply.headers.get("content-encoding") != "gzip":
        if len(reply.body) < _COMPRESSED_BYTES_MIN:
            yield Finding(SKIPPED, "the address book is too small to tell")
        else:
            yield Finding(NOTE, "listings are not compressed: a first sync takes longer")
    elif unpacked(reply.body) is None:
        yield Finding(BAD, "a compressed listing cannot be unpacked", "bytes")
    else:
        yield Finding(OK, "listings come compressed")


def tidy_up(visit: Visit) -> Findings:
    """Take the card away that we have put there."""
    reply = visit.line.ask("DELETE", visit.book + NAME)
    if reply.status != 204:
        yield Finding(BAD, f"the card {NAME} could not be taken away: {reply.told()}", "methods")
