"""CSV of Google (both headers) and Outlook: each row a card, and nothing of it lost."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import CSV_RECORD_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardstream import TOO_LARGE, CardStream, Piece
from strongroom.formats.contactcsv import ContactCsv, is_contact_csv, stream_of
from strongroom.formats.vcard import check


def cut(stream: bytes, size: int = 7) -> list[Piece]:
    rows = ContactCsv()
    pieces: list[Piece] = []
    for at in range(0, len(stream), size):
        pieces += rows.feed(stream[at : at + size])
    return [*pieces, *rows.feed(b"", last=True)]


def table(rows: list[dict[str, str]], separator: str = ",") -> str:
    """A file with a column for each name that a row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, delimiter=separator, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def lines(card: bytes) -> list[str]:
    """The lines of a card without its frame and its UID, unfolded."""
    written = card.replace(b"\r\n ", b"").decode().splitlines()
    assert written[:2] == ["BEGIN:VCARD", "VERSION:3.0"]
    assert written[2].startswith("UID:")
    check(card)
    return written[3:-1]


def one(**row: str) -> list[str]:
    """The lines of the card of one row; `__` = a space, `_0_` = ` - `."""
    named = {name.replace("_0_", " - ").replace("__", " "): cell for name, cell in row.items()}
    (piece,) = cut(table([named]).encode())
    return lines(piece.card)


def test_google_of_today() -> None:
    row = {
        "First Name": "Jürgen", "Middle Name": "K", "Last Name": "Müller",
        "Phonetic First Name": "y",
        "Phonetic Middle Name": "k", "Phonetic Last Name": "m", "Name Prefix": "Dr.",
        "Name Suffix": "Jr.", "Nickname": "Jue", "File As": "Boss",
        "Organization Name": "Acme; Inc",
        "Organization Title": "Head, Dept", "Organization Department": "R&D",
        "Birthday": "1980-04-02", "Notes": "one\ntwo", "Photo": "https://lh3.example.com/x",
        "Labels": "Friends ::: * myContacts", "E-mail 1 - Label": "* Home",
        "E-mail 1 - Value": "a@example.com ::: b@example.com", "E-mail 2 - Label": "Work",
        "E-mail 2 - Value": "c@example.com", "Phone 1 - Label": "Mobile",
        "Phone 1 - Value": "+49 171 1", "Phone 2 - Label": "Hotline", "Phone 2 - Value": "2",
        "Address 1 - Label": "Home", "Address 1 - Formatted": "S 1\nC", "Address 1 - Street": "S 1",
        "Address 1 - City": "C", "Address 1 - PO Box": "9", "Address 1 - Region": "R",
        "Address 1 - Postal Code": "12345", "Address 1 - Country": "DE",
        "Address 1 - Extended Address": "X", "Website 1 - Label": "Home Page",
        "Website 1 - Value": "http://x/?a,b", "Event 1 - Label": "Anniversary",
        "Event 1 - Value": "2001-02-03", "Relation 1 - Label": "Sister",
        "Relation 1 - Value": "Eva",
        "Custom Field 1 - Label": "Locker", "Custom Field 1 - Value": "77",
    }  # fmt: skip
    (piece,) = cut(table([row]).encode())
    assert piece.line == 2
    assert lines(piece.card) == [
        "FN:Dr. Jürgen K Müller Jr.", "X-PHONETIC-FIRST-NAME:y", "X-PHONETIC-MIDDLE-NAME:k",
        "X-PHONETIC-LAST-NAME:m", "NICKNAME:Jue", r"TITLE:Head\, Dept", "BDAY:1980-04-02",
        "PHOTO;VALUE=uri:https://lh3.example.com/x", "CATEGORIES:Friends,myContacts",
        "EMAIL;TYPE=HOME,PREF:a@example.com", "EMAIL:b@example.com",
        "EMAIL;TYPE=WORK:c@example.com", "TEL;TYPE=CELL:+49 171 1", "item1.X-ABLabel:Hotline",
        "item1.TEL:2", "ADR;TYPE=HOME:9;X;S 1;C;R;12345;DE", r"LABEL;TYPE=HOME:S 1\nC",
        "URL;TYPE=HOME:http://x/?a,b", "item2.X-ABLabel:Anniversary", "item2.X-ABDATE:2001-02-03",
        "item3.X-ABLabel:Sister", "item3.X-ABRELATEDNAMES:Eva", r"ORG:Acme\; Inc;R&D",
        "N:Müller;Jürgen;K;Dr.;Jr.", r"NOTE:one\ntwo\nFile As: Boss\nLocker: 77",
    ]  # fmt: skip


def test_google_of_before_2024() -> None:
    assert one(
        Name="Ann Lee", Given__Name="Ann", Family__Name="Lee", Birthday="--05-03",
        Group__Membership="* Family", Occupation="Baker", Hobby="Chess", IM__1_0_Type="Other",
        IM__1_0_Service="Google Talk", IM__1_0_Value="ann", IM__2_0_Value="x",
        Organization__1_0_Name="Acme", Organization__1_0_Title="Boss",
        Organization__1_0_Symbol="AC", Organization__2_0_Department="D",
        Address__1_0_Type="Work", Address__1_0_Formatted="Somewhere", Event__1_0_Value="2001-01-01",
        Custom__Field__1_0_Value="v", Relation__1_0_Type="x", Phone__1_0_Type="Work",
    ) == [
        "FN:Ann Lee", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-05-03", "CATEGORIES:Family", "ROLE:Baker",
        "IMPP:googletalk:ann", "IMPP:im:x", "ORG:Acme", "TITLE:Boss", "ORG:;D",
        "LABEL;TYPE=WORK:Somewhere", "item1.X-ABLabel:Other", "item1.X-ABDATE:2001-01-01",
        "N:Lee;Ann;;;", r"NOTE:Hobby: Chess\norganization symbol: AC\nCustom field: v",
    ]  # fmt: skip


def test_outlook() -> None:
    row = {
        "Title": "Ms", "First Name": "Ann", "Last Name": "Lee", "Suffix": "", "Company": "Acme",
        "Department": "", "Job Title": "Boss", "Business Street": "Way 1",
        "Business Street 2": "Floor 2", "Business City": "Town", "Business State": "TX",
        "Business Postal Code": "7", "Business Country/Region": "US", "Home Address PO Box": "12",
        "Home Phone": "1", "Home Phone 2": "2", "Business Phone": "3", "Mobile Phone": "4",
        "Home Fax": "5", "Business Fax": "6", "Pager": "7", "E-mail Address": "a@example.com",
        "E-mail Type": "SMTP", "E-mail Display Name": "Ann (a@example.com)",
        "E-mail 2 Address": "/o=x", "E-mail 2 Type": "EX", "Birthday": "0/0/00",
        "Anniversary": "1/2/2000", "Categories": "Red;Blue", "Gender": "Unspecified",
        "Priority": "Normal", "Private": "False", "Sensitivity": "Private", "Notes": "n",
        "Web Page": "http://x", "User 1": "u",
    }  # fmt: skip
    (piece,) = cut(table([row], ";").encode("windows-1252"))
    assert lines(piece.card) == [
        "FN:Ms Ann Lee", "TITLE:Boss", "TEL;TYPE=HOME:1", "TEL;TYPE=HOME:2", "TEL;TYPE=WORK:3",
        "TEL;TYPE=CELL:4", "TEL;TYPE=HOME,FAX:5", "TEL;TYPE=WORK,FAX:6", "TEL;TYPE=PAGER:7",
        "EMAIL:a@example.com", "EMAIL:/o=x", "CATEGORIES:Red,Blue", "URL:http://x",
        r"ADR;TYPE=WORK:;;Way 1\nFloor 2;Town;TX;7;US", "ADR;TYPE=HOME:12;;;;;;", "ORG:Acme",
        "N:Lee;Ann;;Ms;", r"NOTE:n\nE-mail 2 Type: EX\nAnniversary: 1/2/2000\n"
        r"Sensitivity: Private\nUser 1: u",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("1980-04-02", "BDAY:1980-04-02"),
        ("2.4.1980", "BDAY:1980-04-02"),
        ("4/22/1980", "BDAY:1980-04-22"),
        ("22/4/1980", "BDAY:1980-04-22"),
        ("4/4/1980", "BDAY:1980-04-04"),
        ("3/4/1980", "NOTE:Birthday: 3/4/1980"),
        ("1980", "NOTE:Birthday: 1980"),
    ],
)
def test_a_date_is_read_where_it_is_certain(cell: str, line: str) -> None:
    assert line in one(Name="x", Birthday=cell)


def test_a_card_has_a_name_of_what_there_is() -> None:
    assert one(Company="Acme", Mobile__Phone="1")[:2] == ["N:;;;;", "FN:Acme"]
    assert one(Name="", Notes="n") == ["N:;;;;", "NOTE:n"]


def test_the_uid_follows_from_the_row_and_not_from_the_order_of_columns() -> None:
    first = cut(b"Name,Notes\r\nAnn,x\r\n")[0].card
    assert cut(b"Notes,Name,Photo\nx, Ann,\n")[0].card.splitlines()[2] == first.splitlines()[2]
    assert cut(b"Name,Notes\r\nAnn,y\r\n")[0].card.splitlines()[2] != first.splitlines()[2]
    assert b"UID:3af7ae91-6309-5729-a2c3-d9e466018dd8\r\n" in first


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "windows-1252", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("size", [1, 1000])
def test_codings_and_separators(coding: str, separator: str, size: int) -> None:
    name = "Zoë\x81" if coding == "latin-1" else "Zoë"
    text = table([{"Name": name, "Notes": 'say "a,b;c\td"\r\nx'}, {"Name": "Bo"}], separator)
    first, second = cut(text.encode(coding), size)
    assert lines(first.card)[1] == f"FN:{name}" or coding == "latin-1"
    assert lines(first.card)[-1] == 'NOTE:say "a\\,b\\;c\td"\\nx'
    assert (first.line, second.line) == (2, 4)


def test_more_cells_than_columns_are_kept_and_fewer_are_enough() -> None:
    more, fewer = cut(b"Name,Phone 1 - Value\nAnn,1,extra\nBo\n")
    assert lines(more.card)[-1] == "NOTE:Column 3: extra"
    assert lines(fewer.card) == ["N:;;;;", "FN:Bo"]
    assert more.raw == b"Ann,1,extra\n"


def test_parts_of_fewer_values_stay_with_the_first() -> None:
    written = one(
        Name="n", Phone__1_0_Value="1 ::: ", Phone__1_0_Label="Home",
        **{"E-mail__1_0_Value": "a ::: b ::: c", "E-mail__1_0_Label": "Work ::: Home"},
    )  # fmt: skip
    assert written[2:] == ["TEL;TYPE=HOME:1", "EMAIL;TYPE=WORK:a", "EMAIL;TYPE=HOME:b", "EMAIL:c"]


def test_fields_without_a_value_are_told_in_the_note() -> None:
    written = one(Name="n", IM__1_0_Service="s", Organization__1_0_Location="l",
                  Event__1_0_Odd="o", Phone__1_0_Odd="p", Custom__Field__1_0_Odd="c")  # fmt: skip
    assert written[-1] == (
        r"NOTE:im service: s\norganization location: l\nevent odd: o\nphone odd: p"
        r"\ncustom field odd: c"
    )


def test_quotes_as_people_write_them() -> None:
    first, second = cut(b'Name,Notes\nAnn "A" Lee, "x""y" z\n,\n\n"Bo",5" pipe\n')
    assert lines(first.card)[-1] == 'NOTE:x"y z'
    assert lines(first.card)[1] == 'FN:Ann "A" Lee'
    assert (lines(second.card)[-1], second.line) == ('NOTE:5" pipe', 5)


def test_a_quote_that_is_never_closed_swallows_nothing() -> None:
    pieces = cut(b'Name,Notes\nAnn,5" pipe\nBo,x\nCy,y\n')
    assert [(p.line, lines(p.card)[1]) for p in pieces] == [
        (2, "FN:Ann"),
        (3, "FN:Bo"),
        (4, "FN:Cy"),
    ]


def test_a_row_of_the_largest_size_is_taken_and_a_longer_one_told() -> None:
    head = b"Name,Notes\n"
    fits = b"Ann," + b"x" * (CSV_RECORD_BYTES_MAX - 5) + b"\n"
    (piece,) = cut(head + fits, 1 << 16)
    assert piece.card
    longer = fits.replace(b"Ann", b"Anna")
    assert cut(head + longer + b"Bo,\n", 1 << 16)[0] == Piece(2, longer, b"", TOO_LARGE)
    assert [p.line for p in cut(head + longer + b"Bo,\n", 1 << 16)] == [2, 3]


def test_a_quote_that_is_not_closed_for_long_is_none() -> None:
    row = b"Bo,%b\n" % (b"y" * 96)
    rows = b'Name,Notes\nAnn,"x\n' + row * (CSV_RECORD_BYTES_MAX // len(row) + 1)
    pieces = cut(rows, 1 << 16)
    assert (pieces[0].line, pieces[1].line, pieces[-1].line) == (2, 3, rows.count(b"\n"))


@pytest.mark.parametrize("start", [b"a,b\n1,2\n", b"BEGIN:VCARD\n", b"", b"\n\n"])
def test_what_is_no_header_is_refused(start: bytes) -> None:
    assert not is_contact_csv(start)
    if start.strip():
        with pytest.raises(FormatError) as caught:
            cut(start)
        assert caught.value.code == "not-contacts"
    else:
        assert cut(start) == []


@pytest.mark.parametrize(
    "start",
    [b"\r\nName,x\r\nAnn,", b"First Name;E-mail 1 - Value\n", "Mobile Phone\n".encode("utf-16")],
)
def test_a_header_is_recognised(start: bytes) -> None:
    assert is_contact_csv(start)
    assert isinstance(stream_of(start), ContactCsv)
    assert isinstance(stream_of(b"BEGIN:VCARD\n"), CardStream)


CELLS = [
    "Name",
    "Ann",
    ",",
    ";",
    "\t",
    '"',
    "\n",
    "\r\n",
    " ::: ",
    "Birthday",
    "1/2/3",
    "é",
    "\x00",
]


@given(st.lists(st.sampled_from(CELLS) | st.text(max_size=3), max_size=30), st.integers(1, 40))
def test_any_rows_give_cards_or_the_one_error(parts: list[str], size: int) -> None:
    head = "Name,Birthday,Phone 1 - Value,Phone 1 - Label,Labels,Notes\n"
    stream = (head + "".join(parts)).encode("utf-8", "surrogatepass")
    pieces = cut(stream, size)
    assert pieces == cut(stream, len(stream))
    for piece in pieces:
        assert piece.card.startswith(b"BEGIN:VCARD\r\n")
        assert piece.raw in stream
