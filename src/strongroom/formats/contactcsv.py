"""Contacts as Google and Outlook export them in CSV, each row made a card of vCard 3.0.

Three headers are known: Google's of today, Google's of before 2024, and Outlook's (English). What a
column means is looked up by its name; a column that is not known, and a value that cannot be read
for certain, go into the note with the column's name, so that nothing is lost. The UID follows from
the row's content: a second run finds the card that the first one made.

Not here: cutting of vCards (cardstream).
Rules: pure; memory is bounded by one row; separator and quotes are read as they come; a row that is
no UTF-8 is windows-1252; 3/4/1980 is no date, for nobody can tell which.
Source: the files that both programs write; RFC 4180; RFC 2426, with labels as Apple writes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from strongroom.base.limits import CSV_RECORD_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardcoding import broken_lines
from strongroom.formats.carddialects import content_uid, name_for
from strongroom.formats.cardlines import escape_text, split_card, write_line
from strongroom.formats.cardstream import TOO_LARGE, CardStream, Lines, Piece, Utf8

_SEPARATORS: Final = (",", ";", "\t")
_END: Final = b"\r\n"
_MANY: Final = ":::"  # between several values of one kind, as Google writes them

# Column (in small letters) -> what it is, and which one.
_COLUMNS: Final[dict[str, tuple[str, str]]] = {
    "name": ("plain", "FN"),
    **dict.fromkeys(("family name", "last name"), ("name", "0")),
    **dict.fromkeys(("given name", "first name"), ("name", "1")),
    **dict.fromkeys(("additional name", "middle name"), ("name", "2")),
    **dict.fromkeys(("name prefix", "title"), ("name", "3")),
    **dict.fromkeys(("name suffix", "suffix"), ("name", "4")),
    "nickname": ("plain", "NICKNAME"),
    "maiden name": ("plain", "X-MAIDENNAME"),
    **dict.fromkeys(("given name yomi", "phonetic first name"), ("plain", "X-PHONETIC-FIRST-NAME")),
    **dict.fromkeys(
        ("additional name yomi", "phonetic middle name"), ("plain", "X-PHONETIC-MIDDLE-NAME")
    ),
    **dict.fromkeys(("family name yomi", "phonetic last name"), ("plain", "X-PHONETIC-LAST-NAME")),
    **dict.fromkeys(("company", "organization name"), ("org", "0")),
    **dict.fromkeys(("department", "organization department"), ("org", "1")),
    **dict.fromkeys(("job title", "organization title"), ("plain", "TITLE")),
    **dict.fromkeys(("occupation", "profession"), ("plain", "ROLE")),
    "birthday": ("date", "BDAY"),
    "notes": ("note", ""),
    "photo": ("uri", "PHOTO"),
    **dict.fromkeys(("labels", "group membership", "categories"), ("labels", "")),
    "web page": ("url", ""),
    **{f"e-mail {n}address": ("email", "") for n in ("", "2 ", "3 ")},
    **{f"e-mail {n}type": ("usual", "smtp") for n in ("", "2 ", "3 ")},
    **{f"e-mail {n}display name": ("display", "") for n in ("", "2 ", "3 ")},
    "private": ("usual", "false"),
    "gender": ("usual", "unspecified"),
    **dict.fromkeys(("priority", "sensitivity"), ("usual", "normal")),
    "mobile phone": ("tel", "CELL"),
    "pager": ("tel", "PAGER"),
    "car phone": ("tel", "CAR"),
    "primary phone": ("tel", "PREF"),
    "isdn": ("tel", "ISDN"),
    "other phone": ("tel", "VOICE"),
    "other fax": ("tel", "FAX"),
    "home fax": ("tel", "HOME,FAX"),
    "business fax": ("tel", "WORK,FAX"),
    **{f"home phone{n}": ("tel", "HOME") for n in ("", " 2")},
    **{f"business phone{n}": ("tel", "WORK") for n in ("", " 2")},
}
_NUMBERED: Final = re.compile(
    r"(e-mail|phone|address|organization|website|im|event|relation|custom field) (\d+) - (.+)"
)
_OUTLOOK_ADDRESS: Final = re.compile(
    r"(home|business|other) "
    r"(address po box|street(?: [23])?|city|state|postal code|country(?:/region)?)"
)
_OUTLOOK_PARTS: Final = {
    "address po box": "po box", "street 2": "street", "street 3": "street", "state": "region",
    "country/region": "country",
}  # fmt: skip
_ADDRESS: Final = (
    "po box", "extended address", "street", "city", "region", "postal code", "country"
)  # fmt: skip
# What tells that a file holds contacts at all.
_TELLING: Final = frozenset({"name", "tel", "email", "org", "numbered"})
_TYPES: Final = {
    "": "", "other": "", "internet": "", "home": "HOME", "work": "WORK", "business": "WORK",
    "mobile": "CELL", "cell": "CELL", "pager": "PAGER", "home fax": "HOME,FAX",
    "work fax": "WORK,FAX", "home page": "HOME",
}  # fmt: skip
_ISO: Final = re.compile(r"(\d{4}|-)-(\d\d)-(\d\d)")
_DOTTED: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHED: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_NO_DATE: Final = "0/0/00"
_NO_YEAR: Final = "1604"  # as Apple writes it


class ContactCsv:
    """Cuts one file of rows; `feed` it to the end, then say `last`."""

    def __init__(self) -> None:
        """Begin at line 1, with the header."""
        self._utf8 = Utf8()
        self._lines = Lines()
        self._number = 1  # of the next line
        self._held: list[bytes] = []  # lines of a row that goes on
        self._size = 0
        self._quotes = 0
        self._header: _Header | None = None

    def feed(self, chunk: bytes, *, last: bool = False) -> Iterator[Piece]:
        """Take a chunk of any size; give the rows that are whole by now, in order.

        Raises:
            FormatError: `not-contacts`: no column of the header is known.
        """
        for line in self._lines.feed(self._utf8.feed(chunk, last=last), last=last):
            yield from self._line(line)
        if last and self._held:
            yield from self._without_first()

    def _line(self, line: bytes) -> Iterator[Piece]:
        self._number += 1
        self._held.append(line)
        self._size += len(line)
        self._quotes += line.count(b'"')
        if self._quotes % 2 == 0:
            raw, count = b"".join(self._held), len(self._held)
            self._held, self._size, self._quotes = [], 0, 0
            yield from self._row(raw, self._number - count)
        elif self._size > CSV_RECORD_BYTES_MAX:
            yield from self._without_first()

    def _without_first(self) -> Iterator[Piece]:
        """Take a quote that is never closed for none, and read what stands behind it again."""
        first, *again = self._held
        self._held, self._size, self._quotes = [], 0, 0
        self._number -= len(again)
        yield from self._row(first, self._number - 1)
        for line in again:
            yield from self._line(line)

    def _row(self, raw: bytes, number: int) -> Iterator[Piece]:
        text = _text(raw)
        if len(raw) > CSV_RECORD_BYTES_MAX:
            yield Piece(number, raw, b"", TOO_LARGE)
        elif self._header is not None:
            if card := _card(self._header, text):
                yield Piece(number, raw, card)
        elif text.strip():
            self._header = _read_header(text)


def is_contact_csv(start: bytes) -> bool:
    """Say whether the first bytes of a file are a header that is known."""
    text = _text(Utf8().feed(start[:CSV_RECORD_BYTES_MAX], last=True)).lstrip()
    try:
        _read_header(re.split(r"[\r\n]", text, maxsplit=1)[0])
    except FormatError:
        return False
    return True


def stream_of(start: bytes) -> CardStream | ContactCsv:
    """Give what cuts a file that begins so: rows where its header is known, else cards."""
    return ContactCsv() if is_contact_csv(start) else CardStream()


def _text(raw: bytes) -> str:
    for coding in ("utf-8", "windows-1252"):
        try:
            return raw.decode(coding)
        except UnicodeDecodeError:
            pass
    return raw.decode("latin-1")


# --- the header -----------------------------------------------------------------------------------


class _Column(NamedTuple):
    """What a column holds; `name` as the file has it."""

    kind: str
    which: str
    name: str
    number: str = ""


class _Header(NamedTuple):
    """The columns, and what stands between two cells."""

    columns: tuple[_Column, ...]
    separator: str


def _read_header(text: str) -> _Header:
    separator = max(_SEPARATORS, key=text.count)
    columns = tuple(_column(cell.strip()) for cell in _cells(text, separator))
    if not any(column.kind in _TELLING or column.which == "FN" for column in columns):
        raise FormatError(
            "not-contacts", "No column of its first line is one of Google's or Outlook's."
        )
    return _Header(columns, separator)


def _column(name: str) -> _Column:
    low = name.lower()
    if numbered := _NUMBERED.fullmatch(low):
        return _Column("numbered", numbered[3], name, f"{numbered[1]} {numbered[2]}")
    if address := _OUTLOOK_ADDRESS.fullmatch(low):
        part = _OUTLOOK_PARTS.get(address[2], address[2])
        return _Column("numbered", part, name, f"address {address[1]}")
    kind, which = _COLUMNS.get(low, ("other", ""))
    return _Column(kind, which, name)


def _cells(text: str, separator: str) -> list[str]:
    text = text.rstrip("\r\n")
    if '"' not in text:
        return text.split(separator)
    found = _QUOTED[separator].finditer(text + separator)
    return [one[1].replace('""', '"') + one[2] if one[1] is not None else one[3] for one in found]


_QUOTED: Final = {
    one: re.compile(rf'(?:[ ]*"((?:[^"]++|"")*+)"([^{one}]*+)|([^{one}]*+)){one}')
    for one in _SEPARATORS
}


# --- a row ----------------------------------------------------------------------------------------


class _Row:
    """A row while its card is made."""

    def __init__(self) -> None:
        self.names = [""] * 5
        self.company = ["", ""]
        self.numbered: dict[str, dict[str, str]] = {}
        self.lines: list[bytes] = []
        self.notes: list[str] = []
        self._items = 0

    def add(self, name: str, value: str, parameters: str = "", label: str = "") -> None:
        """Write one line; a `label` of the owner's own stands beside it as Apple has it."""
        group = b""
        if label:
            self._items += 1
            group = b"item%d" % self._items
            self.lines.append(
                write_line(group, b"X-ABLabel", b"", escape_text(label).encode(), _END)
            )
        one_line = broken_lines(value).encode()
        raw = write_line(group, name.encode(), parameters.encode(), one_line, _END)
        self.lines.append(raw)

    def add_text(self, name: str, text: str, parameters: str = "", label: str = "") -> None:
        """Write one line with a text."""
        self.add(name, escape_text(text), parameters, label)

    def typed(self, name: str, value: str, label: str) -> None:
        """Write one line with what its label means."""
        starred = label.startswith("*")
        label = label.lstrip("* ").strip()
        known = _TYPES.get(label.lower())
        types = ",".join(filter(None, (known, "PREF" * starred)))
        self.add(name, value, f";TYPE={types}" * bool(types), "" if known is not None else label)


def _card(header: _Header, text: str) -> bytes:
    """Make the card of a row; b"" = an empty row."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cells = [cell.strip() for cell in _cells(text, header.separator)]
    columns = header.columns + tuple(
        _Column("other", "", f"Column {at + 1}") for at in range(len(header.columns), len(cells))
    )
    filled = [(column, cell) for column, cell in zip(columns, cells, strict=False) if cell]
    if not filled:
        return b""
    row = _Row()
    for column, cell in filled:
        _take(row, column, cell)
    for number, fields in row.numbered.items():
        what, _, which = number.rpartition(" ")
        _take_numbered(row, what, "" if which.isdigit() else which, fields)
    content = "\n".join(sorted(f"{column.name}\t{cell}" for column, cell in filled))
    return b"\n".join(_written(row, content_uid(content.encode()))) + b"\n"


def _written(row: _Row, uid: str) -> Iterator[bytes]:
    inner = list(row.lines)
    if any(row.company):
        inner.append(_parts("ORG", row.company if row.company[1] else row.company[:1]))
    if any(row.names):
        inner.append(_parts("N", row.names))
    if row.notes:
        inner.append(
            write_line(b"", b"NOTE", b"", escape_text("\n".join(row.notes)).encode(), _END)
        )
    lines = split_card(b"\n".join(inner))
    if not any(line.name == b"FN" for line in lines) and (name := name_for(lines)):
        inner.insert(0, write_line(b"", b"FN", b"", escape_text(name).encode(), _END))
    if not any(row.names):
        inner.insert(0, b"N:;;;;\r")  # 3.0 wants one
    yield from (b"BEGIN:VCARD\r", b"VERSION:3.0\r", b"UID:" + uid.encode() + b"\r")
    yield from (*inner, b"END:VCARD\r")


def _parts(name: str, parts: Iterable[str], parameters: str = "") -> bytes:
    value = ";".join(map(escape_text, parts)).encode()
    return write_line(b"", name.encode(), parameters.encode(), value, _END)


def _take(row: _Row, column: _Column, cell: str) -> None:
    kind, which = column.kind, column.which
    if kind == "numbered":
        fields = row.numbered.setdefault(column.number, {})
        fields[which] = f"{fields[which]}\n{cell}" if which in fields else cell
    elif kind == "name":
        row.names[int(which)] = cell
    elif kind == "org":
        row.company[int(which)] = cell
    elif kind == "note":
        row.notes.insert(0, cell)
    elif kind == "tel":
        row.add("TEL", cell, f";TYPE={which}")
    elif kind == "email":
        row.add("EMAIL", cell)
    else:
        _take_more(row, column, cell)


def _take_more(row: _Row, column: _Column, cell: str) -> None:
    kind, which = column.kind, column.which
    if kind == "plain":
        row.add_text(which, cell)
    elif kind == "uri":
        row.add(which, cell, ";VALUE=uri")
    elif kind == "url":
        row.add("URL", cell)
    elif kind == "labels":
        words = [word.strip("* ") for word in re.split(r":::|;", cell)]
        row.add("CATEGORIES", ",".join(map(escape_text, filter(None, words))))
    elif kind == "date" and (date := _date(cell)):
        row.add(which, date[1], date[0])
    elif not _says_nothing(kind, which, cell):
        row.notes.append(f"{column.name}: {cell}")


def _says_nothing(kind: str, usual: str, cell: str) -> bool:
    # The name that Outlook shows for an address is the contact's own, with the address.
    shown = kind == "display" and "@" in cell
    return shown or cell == _NO_DATE or (kind == "usual" and cell.lower() == usual)


def _date(cell: str) -> tuple[str, str] | None:
    """Read a date for certain: parameters and value; None = it could be two."""
    if iso := _ISO.fullmatch(cell):
        year, month, day = iso.groups()
        if year == "-":
            return f";X-APPLE-OMIT-YEAR={_NO_YEAR}", f"{_NO_YEAR}-{month}-{day}"
    elif dotted := _DOTTED.fullmatch(cell):
        day, month, year = dotted.groups()
    elif slashed := _SLASHED.fullmatch(cell):
        month, day, year = slashed.groups()
        if int(month) > 12:
            month, day = day, month
        if int(day) <= 12 and int(day) != int(month):
            return None
    else:
        return None
    return "", f"{year}-{int(month):02}-{int(day):02}"


# --- Google's numbered columns --------------------------------------------------------------------


_Take = Callable[[_Row, str, dict[str, str]], None]  # takes what it knows out of the fields


def _take_numbered(row: _Row, what: str, place: str, fields: dict[str, str]) -> None:
    """Take one group of columns, which may hold several values, each with all its parts."""
    count = max(len(value.split(_MANY)) for value in fields.values())
    for at in range(count):
        one = {name: _at(value, at, count) for name, value in fields.items()}
        label = one.pop("label", "") or one.pop("type", "") or place
        given = {name: value.strip() for name, value in one.items() if value.strip()}
        if given:
            _NUMBERED_KINDS[what](row, label, given)
            row.notes += [f"{what} {name}: {value}" for name, value in given.items()]


def _at(value: str, at: int, count: int) -> str:
    parts = value.split(_MANY)
    if len(parts) == 1:
        return value if at == 0 or count == 1 else ""
    return parts[at] if at < len(parts) else ""


def _valued(name: str) -> _Take:
    def take(row: _Row, label: str, given: dict[str, str]) -> None:
        if "value" in given:
            row.typed(name, given.pop("value"), label)

    return take


def _named(name: str) -> _Take:
    def take(row: _Row, label: str, given: dict[str, str]) -> None:
        if "value" in given:
            row.add_text(name, given.pop("value"), label=label.lstrip("* ") or "Other")

    return take


def _chat(row: _Row, label: str, given: dict[str, str]) -> None:
    if "value" in given:
        service = re.sub(r"[^a-z0-9]", "", given.pop("service", "").lower()) or "im"
        row.typed("IMPP", f"{service}:{given.pop('value')}", label)


def _custom(row: _Row, label: str, given: dict[str, str]) -> None:
    if "value" in given:
        row.notes.append(f"{label or 'Custom field'}: {given.pop('value')}")


def _address(row: _Row, label: str, given: dict[str, str]) -> None:
    formatted = given.pop("formatted", "")
    parts = [given.pop(name, "") for name in _ADDRESS]
    if any(parts):
        row.typed("ADR", ";".join(map(escape_text, parts)), label)
    if formatted:
        row.typed("LABEL", escape_text(formatted), label)


def _organization(row: _Row, _label: str, given: dict[str, str]) -> None:
    company = [given.pop("name", ""), given.pop("department", "")]
    if any(company):
        row.lines.append(_parts("ORG", company if company[1] else company[:1]))
    if "title" in given:
        row.add_text("TITLE", given.pop("title"))


_NUMBERED_KINDS: Final[dict[str, _Take]] = {
    "e-mail": _valued("EMAIL"),
    "phone": _valued("TEL"),
    "website": _valued("URL"),
    "event": _named("X-ABDATE"),
    "relation": _named("X-ABRELATEDNAMES"),
    "im": _chat,
    "custom field": _custom,
    "address": _address,
    "organization": _organization,
}
