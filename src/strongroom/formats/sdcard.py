"""A folder that outlives every program: a file per object, pictures, an index, a proof.

    index.html            opens in any browser, without a network: who is there, with all numbers
    SHA256SUMS            `sha256sum -c SHA256SUMS` in this folder says whether every byte is right
    MISSING.txt           only where something could not be read: what, and why
    contacts/Ann.vcf      the card, byte for byte as it was stored
    contacts/Ann.jpg      its picture, once more as a file of its own
    Calendar/Lunch.ics    an event, a task or a note, byte for byte

Not here: making files (stores), which cards (service/export).
Rules: pure; names come from `filenames` alone; in the page every value is escaped, nothing runs and
nothing is loaded from elsewhere, whatever a card holds.
Source: Content Security Policy Level 3 (in a meta element), RFC 3966 (tel:), RFC 6068 (mailto:).
"""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote

from strongroom.formats.contact import SHOWN, Contact, Reach, read_contact, read_picture
from strongroom.formats.filenames import Folder
from strongroom.formats.title import is_calendar, read_happening

INDEX: Final = "index.html"
SUMS: Final = "SHA256SUMS"
MISSING: Final = "MISSING.txt"

_TEXT_CHARACTERS_MAX: Final = 300  # of one value in the page; the card holds all of it
_REACHES_MAX: Final = 50  # numbers or addresses of one card in the page
# What HTML cannot carry, and what would turn the text around it.
_HIDDEN: Final = frozenset({"Cc", "Cs", "Cn"})
_DIALLED: Final = frozenset("+0123456789*#")

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c2321;--soft:#5a6662;--paper:#f3f5f2;--card:#fff;
--line:#d5dbd6;--tint:#0b6b4f}
@media(prefers-color-scheme:dark){:root{--ink:#e7ece9;--soft:#9caaa4;--paper:#121715;--card:#1b2220;
--line:#323c38;--tint:#5fd3a8}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
main{max-width:46rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .2rem}
h2{font-size:1.1rem;margin:1.6rem 0 .5rem}
p{margin:.4rem 0}
a{color:var(--tint);text-decoration:none;overflow-wrap:anywhere}
a:hover,a:focus-visible{text-decoration:underline}
ul{list-style:none;margin:0;padding:0;background:var(--card);border:1px solid var(--line);
border-radius:12px}
li{display:flex;gap:.8rem;padding:.6rem .8rem;border-top:1px solid var(--line)}
li:first-child{border-top:0}
li>div{min-width:0}
img,.blank{flex:none;width:44px;height:44px;border-radius:50%;object-fit:cover;
background:var(--line)}
.name{font-weight:600;overflow-wrap:anywhere}
.soft{color:var(--soft);font-size:.9rem}
.missing{border:2px solid #b3541e;border-radius:12px;padding:.6rem .8rem;margin:1rem 0}
.reach a{display:inline-block;margin-right:1rem;padding:.15rem 0}
"""
_DIGEST: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
# A page that is opened as a file has no origin that 'self' could mean in every browser.
_POLICY: Final = (
    f"default-src 'none'; img-src 'self' file:; style-src 'sha256-{_DIGEST}'; base-uri 'none'; "
    "form-action 'none'"
)


class File(NamedTuple):
    """One file of the folder; `path` has the names of its folders and its own."""

    path: tuple[str, ...]
    data: bytes


class Missing(NamedTuple):
    """Something that could not be read, in words for people."""

    what: str
    why: str


class CardFolder:
    """Makes the files one after another; keeps a line of the page and a digest of each."""

    def __init__(self, owner: str, day: str) -> None:
        """Say in the page whose cards they are, and of which day."""
        self._owner = owner
        self._day = day
        self._top = Folder(INDEX, SUMS, MISSING)
        self._books: dict[str, _Book] = {}
        self._sums: list[str] = []
        self._has_calendars = False

    def add(self, book: str, card: bytes, extension: str = "vcf") -> Iterator[File]:
        """Give the files of a card.

        Args:
            book: the collection that it stands in, as people call it; each has a folder.
            card: becomes the file as it is, whether it can be read or not.
            extension: of the file.
        """
        shelf = self._books.get(book)
        if shelf is None:
            shelf = self._books[book] = _Book(self._top.name(book))
        contact = _seen(card)
        self._has_calendars = self._has_calendars or is_calendar(card)
        name = shelf.names.name(contact.name, extension)
        yield self._summed((shelf.folder, name), card)
        picture = read_picture(card)
        shown = ""
        if picture is not None:
            # Named like its card: only one card here is called so.
            beside = name[: -len(extension)] + picture.kind
            yield self._summed((shelf.folder, beside), picture.data)
            shown = f"{shelf.folder}/{beside}" if picture.kind in SHOWN else ""
        row = _row(contact, f"{shelf.folder}/{name}", shown)
        shelf.rows.append((_sorted_as(contact.name), row))

    def end(self, missing: Iterable[Missing]) -> Iterator[File]:
        """Give what stands beside the cards, last the list of all digests."""
        missing = list(missing)
        if missing:
            yield self._summed((MISSING,), write_missing(missing))
        yield self._summed((INDEX,), self._page(len(missing)))
        yield File((SUMS,), "".join(self._sums).encode())

    def _summed(self, path: tuple[str, ...], data: bytes) -> File:
        self._sums.append(f"{sha256(data).hexdigest()}  {'/'.join(path)}\n")
        return File(path, data)

    def _page(self, missing: int) -> bytes:
        count = sum(len(book.rows) for book in self._books.values())
        what, many = ("Data", "objects") if self._has_calendars else ("Contacts", "contacts")
        title = f"{what} of {_text(self._owner)}"
        parts = [
            f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            f'<meta name="referrer" content="no-referrer">\n'
            f'<meta name="viewport" content="width=device-width,initial-scale=1">\n'
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n<main>\n<h1>{title}</h1>\n"
            f'<p class="soft">{count} {many}, as they were on {_text(self._day)}. A name opens '
            f"its card. Whether all files are whole: <code>sha256sum -c {SUMS}</code>.</p>\n"
        ]
        if missing:
            parts.append(
                f'<p class="missing">Not everything could be read: <a href="{MISSING}">'
                f"what is missing</a> ({missing}).</p>\n"
            )
        for name, book in self._books.items():
            parts.append(f"<h2>{_text(name)} ({len(book.rows)})</h2>\n<ul>\n")
            parts += (row for _, row in sorted(book.rows))
            parts.append("</ul>\n")
        return "".join((*parts, "</main>\n</html>\n")).encode("utf-8", "replace")


class _Book:
    """A folder of the folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.names = Folder()
        self.rows: list[tuple[str, str]] = []


def _seen(body: bytes) -> Contact:
    """Give what people see of a card; of what is in a calendar, its summary and when it begins."""
    if not is_calendar(body):
        return read_contact(body)
    happening = read_happening(body)
    return Contact("", happening.summary, happening.when, (), ())


def _sorted_as(name: str) -> str:
    return unicodedata.normalize("NFKD", name).casefold()


def _text(value: str) -> str:
    """Escape a value for a place between tags or in quotes."""
    value = value[:_TEXT_CHARACTERS_MAX]
    if not value.isprintable():
        value = "".join("\ufffd" if unicodedata.category(c) in _HIDDEN else c for c in value)
    return escape(value)


def _row(contact: Contact, card: str, picture: str) -> str:
    image = f'<img src="{quote(picture)}" alt="" loading="lazy">' if picture else ""
    name = _text(contact.name) or "(no name)"
    lines = [f'<a class="name" href="{quote(card)}"><bdi>{name}</bdi></a>']
    if contact.organisation and contact.organisation != contact.name:
        lines.append(f'<div class="soft"><bdi>{_text(contact.organisation)}</bdi></div>')
    reaches = [
        *(_link(one, _tel(one.text)) for one in contact.numbers[:_REACHES_MAX]),
        *(_link(one, _mailto(one.text)) for one in contact.mails[:_REACHES_MAX]),
    ]
    if reaches:
        lines.append(f'<div class="reach">{"".join(reaches)}</div>')
    return f"<li>{image or '<span class=blank></span>'}<div>{''.join(lines)}</div>\n"


def _link(one: Reach, address: str) -> str:
    text = f"<bdi>{_text(one.text)}</bdi>"
    return f'<a href="{address}">{text}</a> ' if address else f"{text} "


def _tel(text: str) -> str:
    number = "".join(filter(_DIALLED.__contains__, text[:_TEXT_CHARACTERS_MAX]))
    return f"tel:{quote(number, safe='+*')}" if number else ""


def _mailto(text: str) -> str:
    whole = "@" in text and len(text) <= _TEXT_CHARACTERS_MAX
    return f"mailto:{quote(text, safe='@', errors='replace')}" if whole else ""


def write_missing(missing: Iterable[Missing]) -> bytes:
    """Write what could not be read, one a line, for a person."""
    head = (
        "What could not be read when this was made. Nothing here was deleted by it: the server\n"
        "keeps trying to mend its copies, and a later export may hold more.\n\n"
    )
    lines = (f"{_plain(one.what)}: {_plain(one.why)}\n" for one in missing)
    return (head + "".join(lines)).encode("utf-8", "replace")


def _plain(text: str) -> str:
    return "".join("\ufffd" if unicodedata.category(c) in _HIDDEN else c for c in text)
