"""The set-ups of packaging/proxies, with real nginx, Apache and Caddy, as a phone meets them.

`eager` is the same set-up with everything compressed, so that ETags come back changed (I5).
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from e2e.certificates import Authority
from e2e.proxies import EAGER, KINDS, Proxy, TlsWire, unpacked
from e2e.server import ServerProcess, book_of
from e2e.upstream import Upstream
from fakes.events import event, events_between
from phone.database import card_bytes
from phone.davx5 import Davx5
from phone.family import Outcome
from phone.wire import XML_TYPE, CutError, multiget, propfind, sync_collection
from strongroom.base.limits import OBJECT_BYTES_MAX

BOOK = book_of("alice")
CARDS = 200
HUGE = 100 * 1024 * 1024
VCARD = "text/vcard; charset=utf-8"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def site(
    prepared: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """One server behind all the proxies of this file."""
    made = prepared.copy_to(tmp_path_factory.mktemp("behind") / "site")
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module", params=KINDS)
def proxy(
    request: pytest.FixtureRequest,
    site: ServerProcess,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    """Give the set-up as it is shipped."""
    place = tmp_path_factory.mktemp("proxy") / request.param
    with Proxy(request.param, place, authority, site.port) as made:
        yield made


@pytest.fixture(scope="module", params=KINDS)
def eager(
    request: pytest.FixtureRequest,
    site: ServerProcess,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    """Give the set-up with everything compressed."""
    place = tmp_path_factory.mktemp("eager") / request.param
    with Proxy(request.param, place, authority, site.port, EAGER[request.param]) as made:
        yield made


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    try:
        yield made
    finally:
        made.close()


_wires: list[TlsWire] = []


@pytest.fixture(autouse=True)
def _closes_its_connections() -> Iterator[None]:
    yield
    while _wires:
        _wires.pop().close()


def wire(proxy: Proxy, site: ServerProcess, device: str = "phone") -> TlsWire:
    """Give a device's connection, which ends with the test."""
    _wires.append(TlsWire(proxy, "alice", site.passwords[device]))
    return _wires[-1]


def large_card(uid: str, size: int = 2000) -> bytes:
    """Give a card of so many bytes that is worth compressing."""
    head = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:Ann\r\nNOTE:".encode()
    tail = b"\r\nEND:VCARD\r\n"
    return head + (b"a b c d " * (size // 8))[: size - len(head) - len(tail)] + tail


# --- a phone --------------------------------------------------------------------------------------
def test_a_phone_syncs_some_hundreds_of_cards_and_another_gets_them(
    eager: Proxy, site: ServerProcess
) -> None:
    """I4, I5: through compression too; edits with the ETags as they came are taken."""
    phone, other = (Davx5(wire(eager, site, name)) for name in ("phone", "laptop"))
    assert phone.refresh() is Outcome.DONE, phone.reason
    for number in range(CARDS):
        phone.save(card_bytes(f"{eager.kind}{number}", f"Contact {number}"))
    assert phone.sync() is Outcome.DONE, phone.reason
    assert other.refresh() is Outcome.DONE, other.reason
    assert other.sync() is Outcome.DONE, other.reason

    assert other.contacts == phone.contacts
    assert len(other.contacts) >= CARDS
    other.save(card_bytes(f"{eager.kind}7", "Edited"))
    other.delete(f"{eager.kind}8")
    assert other.sync() is Outcome.DONE, other.reason
    assert phone.sync() is Outcome.DONE, phone.reason
    assert phone.contacts == other.contacts
    assert other.dropped_edits == []


def test_a_calendar_is_made_filled_and_asked_for_a_week(proxy: Proxy, site: ServerProcess) -> None:
    phone, home = wire(proxy, site), "/dav/calendars/alice/"
    calendar = f"{home}{proxy.kind}/"
    assert phone.ask("MKCALENDAR", calendar).status == 201
    body = event("DTSTART:20261123T190000Z", "RRULE:FREQ=WEEKLY", "SUMMARY:Choir")
    put = phone.ask("PUT", f"{calendar}a.ics", body, Content_Type="text/calendar; charset=utf-8")
    assert (put.status, put.etag[:1]) == (201, '"')
    query = events_between("20270301T000000Z", "20270308T000000Z")
    week = phone.ask("REPORT", calendar, query, Depth="1", Content_Type=XML_TYPE)
    assert week.status == 207
    assert b"SUMMARY:Choir" in week.body
    assert phone.ask("GET", f"{calendar}a.ics").body == body


CHANGED = {"nginx": 'W/"', "apache": '-gzip"', "caddy": ""}


def test_etags_that_the_proxy_changed_are_still_the_same_etags(
    eager: Proxy, site: ServerProcess
) -> None:
    """I5: `W/"..."` of nginx and `"...-gzip"` of Apache, in If-None-Match and in If-Match."""
    phone, path = wire(eager, site), f"{BOOK}etag-{eager.kind}.vcf"
    body = large_card(f"etag-{eager.kind}")
    strong = phone.ask("PUT", path, body, Content_Type=VCARD).etag
    got = phone.ask("GET", path)

    assert got.body == body
    assert got.headers.get("content-encoding") == "gzip"
    assert CHANGED[eager.kind] in got.etag
    assert (got.etag != strong) == (eager.kind != "caddy")
    assert phone.ask("GET", path, If_None_Match=got.etag).status == 304
    changed = large_card(f"etag-{eager.kind}", 2100)
    assert phone.ask("PUT", path, changed, If_Match='W/"0"', Content_Type=VCARD).status == 412
    assert phone.ask("PUT", path, changed, If_Match=got.etag, Content_Type=VCARD).status == 204
    assert phone.ask("DELETE", path, If_Match=got.etag).status == 412
    assert phone.ask("DELETE", path, If_Match=phone.ask("GET", path).etag).status == 204


def test_as_shipped_a_card_passes_byte_for_byte_with_its_etag(
    proxy: Proxy, site: ServerProcess
) -> None:
    """I3: nothing is compressed on the way, though the phone would take it."""
    phone, path = wire(proxy, site), f"{BOOK}plain-{proxy.kind}.vcf"
    body = large_card(f"plain-{proxy.kind}")
    put = phone.ask("PUT", path, body, Content_Type=VCARD)
    got = phone.ask("GET", path)

    assert (put.status, got.status, got.body) == (201, 200, body)
    assert got.etag == put.etag
    assert got.etag.startswith('"')
    assert "content-encoding" not in got.headers


def test_every_method_passes_with_its_headers(proxy: Proxy, site: ServerProcess) -> None:
    phone, kind = wire(proxy, site), proxy.kind
    book = f"/dav/addressbooks/alice/{kind}/"
    card = f"{book}one.vcf"

    assert "addressbook" in phone.ask("OPTIONS", BOOK).headers["dav"]
    assert phone.ask("MKCOL", book).status == 201
    assert phone.ask("PROPPATCH", book, RENAME, Content_Type=XML_TYPE).status == 207
    assert phone.ask("PUT", card, card_bytes(kind, kind), Content_Type=VCARD).status == 201
    home = phone.ask("PROPFIND", "/dav/addressbooks/alice/", propfind(NAME), Depth="1")
    assert "Renamed" in home.body.decode()
    sync = phone.ask("REPORT", book, sync_collection(""), Depth="0", Content_Type=XML_TYPE)
    assert card in sync.body.decode()
    bodies = phone.ask("REPORT", book, multiget([card]), Depth="0", Content_Type=XML_TYPE)
    assert f"UID:{kind}" in bodies.body.decode()
    for method, name in (("COPY", "two"), ("MOVE", "three")):
        target = f"{proxy.address.rstrip('/')}{BOOK}{name}-{kind}.vcf"  # the public name
        answer = phone.ask(method, card, Destination=target)
        assert answer.status in {201, 403}  # 403 = no-uid-conflict, which is ours to say
    assert phone.ask("DELETE", book).status == 204
    assert phone.ask("LOCK", book).status in {404, 405}
    assert phone.ask("TRACE", "/").status in {401, 405}


NAME = "{DAV:}displayname"
RENAME = (
    b'<propertyupdate xmlns="DAV:"><set><prop><displayname>Renamed</displayname></prop></set>'
    b"</propertyupdate>"
)


@pytest.mark.parametrize(
    "name", ["a%20b", "%40home", "a@b", "%C3%A4", "a%25b", "a;b=c", "a+b", "~"]
)
def test_names_pass_as_they_are_spelled(proxy: Proxy, site: ServerProcess, name: str) -> None:
    phone, path = wire(proxy, site), f"{BOOK}{name}-{proxy.kind}.vcf"
    body = card_bytes(f"{name}-{proxy.kind}", "Ann")
    assert phone.ask("PUT", path, body, Content_Type=VCARD).status == 201
    assert phone.ask("GET", path).body == body
    assert phone.ask("DELETE", path).status == 204


def test_a_name_with_an_encoded_slash_is_refused_in_our_words(
    proxy: Proxy, site: ServerProcess
) -> None:
    answer = wire(proxy, site).ask("GET", f"{BOOK}a%2Fb.vcf")
    assert (answer.status, answer.body) == (404, b"There is nothing of that name.\n")


def test_redirects_stay_on_the_host_and_https(proxy: Proxy, site: ServerProcess) -> None:
    """cyrus#2634: an iPhone gives up where a proxy makes http of a redirect."""
    for method in ("GET", "PROPFIND"):
        answer = wire(proxy, site).ask(method, "/.well-known/carddav")
        assert (answer.status, answer.headers["location"]) == (301, "/dav/")
    plain = http.client.HTTPConnection("localhost", proxy.plain_port, timeout=10)
    plain.request("PROPFIND", "/.well-known/carddav")
    location = plain.getresponse().getheader("location", "")
    plain.close()
    assert location.startswith("https://localhost")
    assert location.endswith("/.well-known/carddav")


def test_401_asks_for_basic_and_comes_before_404(proxy: Proxy) -> None:
    line = proxy.connection()
    for path in ("/dav/", "/dav/nothing/at/all"):
        line.request("PROPFIND", path)
        answer = line.getresponse()
        answer.read()
        assert answer.status == 401
        assert answer.getheader("www-authenticate", "").startswith("Basic ")
    line.close()


def test_a_connection_outlives_an_answer_that_comes_before_the_body(proxy: Proxy) -> None:
    """An iPhone's first questions: nginx closes where the body was not read before the answer."""
    line, body = proxy.connection(), propfind(NAME)
    line.connect()
    first = line.sock
    for path, status in (("/.well-known/carddav", 301), ("/dav/", 401), ("/dav/", 401)):
        line.putrequest("PROPFIND", path)
        line.putheader("Content-Length", str(len(body)))
        line.endheaders()
        time.sleep(0.05)  # so that the head is there alone
        line.send(body)
        answer = line.getresponse()
        answer.read()
        assert answer.status == status
        assert line.sock is first
    line.close()


# --- bodies ---------------------------------------------------------------------------------------
def test_the_largest_card_passes_and_one_byte_more_is_refused_in_our_words(
    proxy: Proxy, site: ServerProcess
) -> None:
    phone, path = wire(proxy, site), f"{BOOK}large-{proxy.kind}.vcf"
    body = large_card(f"large-{proxy.kind}", OBJECT_BYTES_MAX)
    assert len(body) == OBJECT_BYTES_MAX
    assert phone.ask("PUT", path, body, Content_Type=VCARD).status == 201
    assert phone.ask("GET", path).body == body
    refused = phone.ask("PUT", path, body + b"x", Content_Type=VCARD)
    assert (refused.status, b"max-resource-size" in refused.body) == (403, True)
    assert phone.ask("DELETE", path).status == 204


def test_a_body_of_100_mb_is_refused_by_us_and_not_by_the_proxy(
    proxy: Proxy, site: ServerProcess
) -> None:
    phone = wire(proxy, site)
    answer = phone.ask("PUT", f"{BOOK}huge.vcf", bytes(HUGE), Content_Type=VCARD)
    assert (answer.status, b"max-resource-size" in answer.body) == (403, True)


def test_a_body_streams_to_us_before_it_is_whole(
    upstream: Upstream, authority: Authority, tmp_path: Path, kind: str
) -> None:
    """Nothing lies on the proxy's disk, and a refusal comes before the last byte."""
    with Proxy(kind, tmp_path / "p", authority, upstream.port) as proxy:
        assert first_half_arrives(proxy, upstream)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def first_half_arrives(proxy: Proxy, upstream: Upstream) -> bool:
    half = b"x" * 100_000
    line = proxy.connection()
    line.putrequest("PUT", "/a.vcf")
    line.putheader("Content-Length", str(2 * len(half)))
    line.endheaders()
    line.send(half)
    try:
        upstream.take()
        got = len(upstream.rest)
        while got < len(half):
            got += len(upstream.read())
        line.send(half)
        while got < 2 * len(half):
            got += len(upstream.read())
        upstream.send(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        return line.getresponse().status == 201
    except TimeoutError:
        return False
    finally:
        line.close()


def test_an_answer_streams_and_a_broken_one_arrives_broken(
    upstream: Upstream, authority: Authority, tmp_path: Path, kind: str
) -> None:
    """I4: a listing that breaks off never looks like a short one, compressed or not.

    Caddy before 2.8 ends it as if it were whole; then it is still no XML, and no phone reads it.
    """
    for name, changes in (("shipped", ()), ("eager", EAGER[kind])):
        with Proxy(kind, tmp_path / name, authority, upstream.port, changes) as proxy:
            for coding in ("identity", "gzip"):
                got = what_arrives(proxy, upstream, coding)
                assert got is None or (kind == "caddy" and not is_xml(got)), (name, coding)


HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/xml; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
PIECE = b"<multistatus>" + b"<response/>" * 2000


def what_arrives(proxy: Proxy, upstream: Upstream, coding: str) -> bytes | None:
    """Give the body of an answer that was cut behind its first piece; None = it arrived cut."""
    line = proxy.connection()
    try:
        line.request("GET", "/", headers={"Accept-Encoding": coding})
        upstream.take()
        upstream.send(HEAD + b"%x\r\n%s\r\n" % (len(PIECE), PIECE))
        answer = line.getresponse()
        body = answer.read1(100)  # comes before the cut: it streams
        upstream.cut()
        body += answer.read()
    except (http.client.IncompleteRead, ConnectionError):
        return None
    finally:
        line.close()
        upstream.cut()
    return unpacked(body) if answer.getheader("content-encoding") == "gzip" else body


def is_xml(text: bytes) -> bool:
    try:
        etree.fromstring(text)
    except etree.XMLSyntaxError:
        return False
    return True


def test_what_reaches_us_tells_who_asks_and_by_which_name(
    upstream: Upstream, authority: Authority, tmp_path: Path, kind: str
) -> None:
    with Proxy(kind, tmp_path / "p", authority, upstream.port) as proxy:
        head = head_of(proxy, upstream)
    assert head["host"] == f"localhost:{proxy.port}"
    assert head["x-forwarded-proto"] == "https"
    assert head["x-forwarded-for"].endswith("127.0.0.1")
    assert head["authorization"] == "Basic YTpi"
    assert head["path"] == "/dav/x%2Fy/%40%C3%A4"


def head_of(proxy: Proxy, upstream: Upstream) -> dict[str, str]:
    line = proxy.connection()
    line.request("GET", "/dav/x%2Fy/%40%C3%A4", headers={"Authorization": "Basic YTpi"})
    first, *lines = upstream.take().split("\r\n")
    upstream.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert line.getresponse().status == 204
    line.close()
    pairs = (one.partition(":") for one in lines)
    head = {name.lower(): value.strip() for name, _, value in pairs}
    return head | {"path": first.split()[1], "version": first.split()[2]}


# --- each line of the files is needed -------------------------------------------------------------
def refuses_large(proxy: Proxy, site: ServerProcess, _: Upstream) -> bool:
    body = large_card("too-large", 2 * 1024 * 1024)
    try:
        answer = wire(proxy, site).ask("PUT", f"{BOOK}l.vcf", body, Content_Type=VCARD)
    except CutError:
        return True
    return answer.status == 413


def holds_the_body_back(proxy: Proxy, _: ServerProcess, upstream: Upstream) -> bool:
    upstream_seconds(upstream, 1.0)
    return not first_half_arrives(proxy, upstream)


def upstream_seconds(upstream: Upstream, seconds: float) -> None:
    upstream._door.settimeout(seconds)


def holds_the_answer_back(proxy: Proxy, _: ServerProcess, upstream: Upstream) -> bool:
    line = proxy.connection(seconds=0.7)
    try:
        line.request("GET", "/")
        upstream.take()
        upstream.send(HEAD + b"5\r\nhello\r\n")
        line.getresponse().read1(5)
    except TimeoutError:
        return True
    finally:
        line.close()
    return False


def header(name: str, good: str) -> Callable[[Proxy, ServerProcess, Upstream], bool]:
    return lambda proxy, _, upstream: good not in head_of(proxy, upstream).get(name, "")


def alone_by_address(proxy: Proxy, site: ServerProcess, _: Upstream) -> bool:
    answer = wire(proxy, site).ask("GET", f"{BOOK}a%2Fb.vcf")
    return answer.body != b"There is nothing of that name.\n"


def moves_the_redirect(proxy: Proxy, site: ServerProcess, _: Upstream) -> bool:
    answer = wire(proxy, site).ask("GET", "/.well-known/carddav")
    return answer.headers.get("location") != "/dav/"


def is_idle_closed(proxy: Proxy, site: ServerProcess, _: Upstream) -> bool:
    phone = wire(proxy, site)
    phone.ask("OPTIONS", BOOK)
    assert phone._connection is not None
    phone._connection.timeout = 3
    assert phone._connection.sock is not None
    phone._connection.sock.settimeout(3)
    try:
        return phone._connection.sock.recv(1) == b""
    except TimeoutError:
        return False


NEEDED: list[Any] = [
    ("nginx", "client_max_body_size 0;", "", refuses_large),
    ("nginx", "proxy_request_buffering off;", "", holds_the_body_back),
    ("nginx", "proxy_buffering off;", "", holds_the_answer_back),
    ("nginx", "proxy_http_version 1.1;", "", header("version", "HTTP/1.1")),
    ("nginx", "$http_host", "$proxy_host", header("host", "localhost")),
    ("nginx", "proxy_set_header X-Forwarded-Proto $scheme;", "",
     header("x-forwarded-proto", "https")),
    ("nginx", "proxy_pass http://strongroom;", "proxy_pass http://strongroom/;",
     header("path", "%2F")),
    ("nginx", "keepalive_timeout 120s;", "keepalive_timeout 1s;", is_idle_closed),
    ("apache", " nocanon", "", header("path", "/%40%C3%A4")),
    ("apache", "AllowEncodedSlashes NoDecode", "", alone_by_address),
    ("apache", "ProxyPreserveHost On", "", header("host", "localhost")),
    ("apache", "RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}", "",
     header("x-forwarded-proto", "https")),
    ("apache", "KeepAliveTimeout 120", "KeepAliveTimeout 1", is_idle_closed),
    ("apache", "ProxyRequests Off", "Header edit Location ^/ http://localhost/",
     moves_the_redirect),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "line", "instead", "is_broken"), NEEDED)
def test_without_its_line_the_check_is_red(
    kind: str, line: str, instead: str, is_broken: Any,
    site: ServerProcess, upstream: Upstream, authority: Authority, tmp_path: Path,
) -> None:  # fmt: skip
    """What is broken on purpose is noticed by the checks above."""
    by_hand = is_broken in {holds_the_body_back, holds_the_answer_back} or (
        is_broken.__name__ == "<lambda>"
    )
    port = upstream.port if by_hand else site.port
    with Proxy(kind, tmp_path / "p", authority, port, [(line, instead)]) as proxy:
        assert is_broken(proxy, site, upstream)
