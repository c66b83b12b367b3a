"""What stays of a request in a trace: its form, and nothing of what it says."""

from __future__ import annotations

import gzip
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.formats.multistatus import element, epilogue, escape, prologue, response
from strongroom.formats.redaction import TEXT_MAX, UNPACKED_BYTES_MAX, Redactor

REDACT = Redactor(b"secret")
ANN = REDACT.pseudonym("ann")
CONTACTS = REDACT.pseudonym("contacts")


def test_the_same_text_is_the_same_pseudonym_under_one_secret_only() -> None:
    assert REDACT.pseudonym("ann") == REDACT.pseudonym(b"ann") == ANN
    assert REDACT.pseudonym("bob") != ANN != Redactor(b"other").pseudonym("ann")
    assert REDACT.pseudonym("") == ""
    assert ANN.startswith("~")
    assert len(ANN) == 11


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/", "/"),
        ("/dav/principals/ann/", f"/dav/principals/{ANN}/"),
        ("/dav/addressbooks/ann/contacts/ann.vcf", f"/dav/addressbooks/{ANN}/{CONTACTS}/{ANN}.vcf"),
        ("/dav/addressbooks/a%6En/contacts/", f"/dav/addressbooks/{ANN}/{CONTACTS}/"),
        ("/.well-known/carddav?ann", f"/.well-known/carddav?{ANN}"),
        ("/dav/calendars/ann/contacts/", f"/dav/calendars/{ANN}/{CONTACTS}/"),
        ("https://ann/dav/ann.ICS", f"https://{ANN}/dav/{ANN}.ics"),
        ("ann", ANN),
    ],
)
def test_of_a_path_only_our_own_words_stay(path: str, told: str) -> None:
    assert REDACT.path(path) == told


def test_a_long_path_is_cut() -> None:
    assert len(REDACT.path("/x" * 500)) == 257


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("*", "*"),
        ('"ann"', f'"{ANN}"'),
        ('W/"ann-gzip", "ann"', f'W/"{ANN}-gzip", "{ANN}"'),
        ("ann", "…3"),
        ("", "…0"),
    ],
)
def test_of_etags_only_what_a_proxy_added_stays(text: str, told: str) -> None:
    assert REDACT.etags(text) == told


def test_headers_keep_words_of_the_protocol_and_no_secret() -> None:
    told = REDACT.headers(
        [
            (b"Authorization", b"Basic YW5u"), (b"cookie", b"a=b"), (b"Depth", b"1"),
            (b"If-Match", b'"ann"'), (b"Destination", b"http://ann/dav/ann"),
            (b"X-Forwarded-For", b"192.0.2.1"), (b"user-agent", b"iOS/18 " + b"x" * 500),
        ]
    )  # fmt: skip
    assert told == [
        ["depth", "1"], ["if-match", f'"{ANN}"'], ["destination", f"http://{ANN}/dav/{ANN}"],
        ["x-forwarded-for", "…9"], ["user-agent", "iOS/18 " + "x" * 249],
    ]  # fmt: skip


def body(raw: bytes, coding: bytes = b"") -> dict[str, object]:
    return REDACT.body(raw, len(raw), coding)


def test_a_card_keeps_the_names_of_its_properties() -> None:
    raw = (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nitem1.TEL;TYPE=cell;X-MINE=Ann:+49\r\nNOTE:one\r\n two\r\n"
        b"X-ABLabel:foo\r\nX-ANN:bar\r\nAnn said: hello\r\nno colon\r\nVERSION:5\r\nEND:VCARD\r\n"
    )
    assert body(raw) == {
        "bytes": len(raw),
        "card": "BEGIN:VCARD VERSION:3.0 item1.TEL;TYPE;?:…3 NOTE:…6 X-ABLABEL:…3 ?…9 ?…15 ?…8 "
        "VERSION:…1 END:VCARD",
    }


def test_an_event_keeps_the_names_of_its_components_and_properties() -> None:
    raw = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Anns\r\nEND:VTIMEZONE\r\n"
        b"BEGIN:VEVENT\r\nDTSTART;TZID=Europe/Berlin:20261128T200000\r\nSUMMARY:Ann\r\n  Berg\r\n"
        b'RRULE:FREQ=DAILY\r\nATTENDEE;CN="Ann: B";X-ANN=1:mailto:ann\r\nX-MOZ-SNOOZE-TIME:1\r\n'
        b"BEGIN:ANN\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    assert body(raw) == {
        "bytes": len(raw),
        "calendar": "BEGIN:VCALENDAR VERSION:2.0 BEGIN:VTIMEZONE TZID:…4 END:VTIMEZONE "
        "BEGIN:VEVENT DTSTART;TZID:…15 SUMMARY:…8 RRULE:…10 ATTENDEE;CN:…22 "
        "X-MOZ-SNOOZE-TIME:…1 BEGIN:…3 END:VEVENT END:VCALENDAR",
    }


def test_a_calendar_query_keeps_its_components_and_hides_its_times() -> None:
    raw = (
        b'<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp-filter name="VEVENT">'
        b'<C:time-range start="20261128T000000Z" end="20261129T000000Z"/></C:comp-filter>'
        b"<C:calendar-data>BEGIN:VEVENT\nLOCATION:Ann\n</C:calendar-data></C:calendar-query>"
    )
    assert body(raw)["xml"] == (
        '<CAL:calendar-query><CAL:comp-filter name="VEVENT"><CAL:time-range start="…16" end="…16">'
        "</CAL:time-range></CAL:comp-filter><CAL:calendar-data>BEGIN:VEVENT LOCATION:…3"
        "</CAL:calendar-data></CAL:calendar-query>"
    )


def test_xml_keeps_its_elements_and_the_words_of_the_protocol() -> None:
    raw = (
        b'<?xml version="1.0"?><!-- Ann --><D:multistatus xmlns:D="DAV:" '
        b'xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:x="urn:ann"><D:response>'
        b"<D:href>/dav/principals/ann/</D:href><D:status>HTTP/1.1 404 Not Found</D:status>"
        b'<D:getetag>"ann"</D:getetag><D:sync-token>ann</D:sync-token><x:own a="Ann" '
        b'collation="i;octet">Ann<none/>Tail</x:own><D:status>Ann</D:status>'
        b'<C:prop-filter name="fn"/><D:nresults>50</D:nresults><D:nresults>Ann</D:nresults>'
        b"<C:address-data>BEGIN:VCARD\nFN:Ann\n</C:address-data><D:displayname>Ann</D:displayname>"
        b"</D:response></D:multistatus>"
    )
    urn = REDACT.pseudonym("urn:ann")
    assert body(raw)["xml"] == (
        f"<D:multistatus><D:response><D:href>/dav/principals/{ANN}/</D:href>"
        f'<D:status>HTTP/1.1 404 Not Found</D:status><D:getetag>"{ANN}"</D:getetag>'
        f'<D:sync-token>{ANN}</D:sync-token><{urn}:own a="…3" collation="i;octet">…3<none></none>'
        f'</{urn}:own><D:status>…3</D:status><C:prop-filter name="fn"></C:prop-filter>'
        "<D:nresults>50</D:nresults><D:nresults>…3</D:nresults><C:address-data>BEGIN:VCARD FN:…3"
        "</C:address-data><D:displayname>…3</D:displayname></D:response></D:multistatus>"
    )


def test_entities_and_broken_xml_are_harmless() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY e "Ann">]><a>&e;<b>'
    assert "Ann" not in json.dumps(body(bomb))
    assert body(b"<")["xml"] == ""
    assert body(b"<a><b>Ann")["xml"] == "<a><b>…3</b></a>"


def test_other_bodies_are_their_length() -> None:
    assert body(b"Ann") == {"bytes": 3}


def test_a_body_that_was_not_seen_whole_says_so() -> None:
    assert REDACT.body(b"<a>", 9) == {"bytes": 9, "seen": 3, "xml": "<a></a>"}


def test_a_long_body_is_cut() -> None:
    told = body(b"<a>" + b"<b/>" * TEXT_MAX + b"</a>")["xml"]
    assert isinstance(told, str)
    assert len(told) <= TEXT_MAX + 1
    assert told.endswith("…")


def test_a_compressed_body_is_unpacked_within_bounds() -> None:
    assert body(gzip.compress(b"<a/>"), b"gzip")["xml"] == "<a></a>"
    assert body(b"no gzip", b"gzip") == {"bytes": 7}
    bomb = gzip.compress(b"<a>" + b"x" * (4 * UNPACKED_BYTES_MAX))
    assert body(bomb, b"gzip")["xml"] == f"<a>…{UNPACKED_BYTES_MAX - 3}</a>"


SECRET = st.text(string.ascii_letters + string.digits, min_size=9, max_size=20).map("Zq7".__add__)
NAMES = st.sampled_from(
    [
        *("FN", "N", "TEL;TYPE=CELL", "NOTE", "item1.EMAIL", "X-ABLabel", "PHOTO"),
        *("SUMMARY", "DTSTART;TZID=Europe/Berlin", "ATTENDEE;CN=Zoe", "RRULE", "X-WR-CALNAME"),
    ]
)


@given(
    st.sampled_from(["VCARD", "VCALENDAR"]),
    st.lists(st.tuples(NAMES, st.text(max_size=30), SECRET), min_size=1),
    SECRET,
    SECRET,
)
def test_no_value_survives_whatever_the_card_or_event(
    kind: str, rows: list[tuple[str, str, str]], login: str, token: str
) -> None:
    """Also where a value has line ends, colons and folds of its own."""
    lines = "".join(f"{name}:{other}{secret}{other}\r\n" for name, other, secret in rows)
    raw = f"BEGIN:{kind}\r\nVERSION:3.0\r\n{lines}END:{kind}\r\n".encode("utf-8", "replace")
    clean = bytes(byte for byte in raw if byte >= 32 or byte in b"\r\n\t")
    clean = clean.replace("\ufffe".encode(), b"").replace("\uffff".encode(), b"")
    answer = prologue() + response(
        f"/dav/addressbooks/{login}/{token}.vcf",
        [
            element("{DAV:}getetag", escape(f'"{token}"')),
            element("{urn:ietf:params:xml:ns:carddav}address-data", escape(clean)),
        ],
    ) + epilogue(token)  # fmt: skip

    told = json.dumps([body(raw), body(answer), REDACT.path(f"/{login}/?{token}")])

    for secret in (login, token, *(secret for _, _, secret in rows)):
        assert secret.lower() not in told.lower()


@given(st.binary(max_size=300))
def test_whatever_comes_in_nothing_is_raised(raw: bytes) -> None:
    for start in (b"", b"<a>", b"BEGIN:", b"<?xml version='1.0'?><D:a xmlns:D='DAV:'>"):
        assert json.dumps(body(start + raw))
        assert json.dumps(body(start + raw, b"gzip"))
    assert len(REDACT.headers([(raw, raw), (b"etag", raw), (b"location", raw)])) >= 2
