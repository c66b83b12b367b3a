"""Who gets in, what they can learn, and what the server says when it cannot serve (I4)."""

from __future__ import annotations

import asyncio
import time

import pytest

from fakes.asgi import Answer, Client, CutError
from fakes.site import BOOK, HOME, Site, card
from strongroom.base.errors import NoSpaceError
from strongroom.base.limits import CONCURRENT_REQUESTS_MAX, WRONG_PASSWORDS_WAITING_MAX
from strongroom.dav.app import Dav
from strongroom.dav.auth import Gate
from strongroom.dav.wellknown import WellKnown
from strongroom.history.edits import Origin, Put
from strongroom.history.entries import FREEZE, Key
from strongroom.server import Server
from strongroom.service.accounts import add_device, revoke_device

METHODS = ("GET", "HEAD", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "MKCOL", "REPORT", "OPTIONS",
           "POST", "LOCK", "MOVE", "COPY", "PATCH", "TRACE")  # fmt: skip


@pytest.fixture
def site() -> Site:
    return Site()


def essence(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    return answer.status, answer.headers, answer.body


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/", BOOK, BOOK + "no.vcf", "/no/such", "/dav/principals/bob/"])
@pytest.mark.rfc("4918", "20.1")
@pytest.mark.rfc("6352", "13")
@pytest.mark.rfc("9110", "11.6.1")
def test_without_credentials_everything_is_401_with_a_challenge(
    site: Site, method: str, path: str
) -> None:
    answer = site.run(site.nobody(method, path, depth="0"))
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="Strongroom", charset="UTF-8"'


@pytest.mark.parametrize("method", ["GET", "PROPFIND", "OPTIONS"])
@pytest.mark.rfc("6764", "5")
@pytest.mark.rfc("9110", "10.2.2")
def test_well_known_redirects_before_signing_in(site: Site, method: str) -> None:
    answer = site.run(site.nobody(method, "/.well-known/carddav"))
    assert (answer.status, answer.headers["location"]) == (301, "/dav/")


PUBLIC = "https://contacts.example.org"
HERE = "http://127.0.0.1:8800"


@pytest.mark.parametrize(
    ("public", "headers", "leads_to"),
    [
        (PUBLIC, {"host": "contacts.example.org"}, PUBLIC),
        (PUBLIC, {"host": "Contacts.Example.Org:443", "x_forwarded_for": "192.0.2.1"}, PUBLIC),
        (PUBLIC, {"host": "contacts.example.org:8443"}, ""),
        (PUBLIC, {"host": "127.0.0.1:8800"}, ""),  # a proxy's name for us
        (PUBLIC, {"host": "evil.example"}, ""),
        (PUBLIC, {}, ""),
        (PUBLIC, {"host": "localhost:8800"}, ""),
        ("", {"host": "127.0.0.1:8800"}, HERE),
        ("", {"host": "localhost:8800"}, "http://localhost:8800"),
        ("", {"host": "localhost:8800", "x_forwarded_for": "192.0.2.1"}, ""),
        ("", {"host": "127.0.0.1"}, ""),
        ("", {"host": "contacts.example.org"}, ""),
        ("", {"host": "127.0.0.1:8800", "x_forwarded_for": "192.0.2.1"}, ""),
        ("", {"host": "127.0.0.1:8800", "x_forwarded_host": "contacts.example.org"}, ""),
        ("", {"host": "127.0.0.1:8800", "forwarded": "for=192.0.2.1"}, ""),
        ("", {"host": "127.0.0.1:8800", "via": "1.1 proxy"}, ""),
    ],
)
@pytest.mark.rfc("6764", "5")
@pytest.mark.rfc("9110", "10.2.2")
def test_well_known_names_the_server_only_where_its_name_is_sure(
    site: Site, public: str, headers: dict[str, str], leads_to: str
) -> None:
    app = Server(
        lambda: site.cell, site.entropy, well_known=WellKnown(public, [HERE, "http://[::1]:8800"])
    )
    for path in ("/.well-known/carddav", "/.well-known/caldav/"):
        answer = site.run(Client(app)("GET", path, **headers))
        assert (answer.status, answer.headers["location"]) == (301, leads_to + "/dav/")


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic YWxpY2U=", "Bearer x", "Basic " + "A" * 9999, "\xff"]
)
def test_credentials_that_cannot_be_read_are_401(site: Site, header: str) -> None:
    client = Client(site.app)
    client.headers["authorization"] = header
    assert site.run(client("GET", "/")).status == 401


def test_each_device_has_its_own_password_and_no_other_account_takes_it(site: Site) -> None:
    phone = site.passwords["alice", "phone"]
    for user, password, status in (
        ("alice", phone, 207),
        ("alice", site.passwords["alice", "laptop"], 207),
        ("ALICE", phone.upper().replace("-", " "), 207),
        ("alice", site.passwords["bob", "phone"], 401),
        ("bob", phone, 401),
        ("alice", "", 401),
        ("nobody", phone, 401),
        ("", "", 401),
        ("a/b", phone, 401),
    ):
        client = Client(site.app, user, password)
        assert site.run(client("PROPFIND", "/", depth="0")).status == status, (user, password)


def test_a_revoked_device_is_out_at_once_and_the_others_stay(site: Site) -> None:
    assert site.do("PROPFIND", "/", depth="0").status == 207
    site.run(revoke_device(site.cell, "alice", "phone", Origin()))
    assert site.do("PROPFIND", "/", depth="0").status == 401
    assert site.run(site.laptop("PROPFIND", "/", depth="0")).status == 207


@pytest.mark.rfc("6352", "13")
def test_wrong_passwords_wait_and_right_ones_do_not(site: Site) -> None:
    gate = Gate(delay_seconds=0.4)
    app = Server(lambda: site.cell, site.entropy, gate)
    wrong = Client(app, "alice", "wrong")
    right = Client(app, "alice", site.passwords["alice", "phone"])

    async def scene() -> tuple[float, float]:
        start = time.monotonic()
        guesses = [asyncio.create_task(wrong("GET", "/")) for _ in range(5)]
        await asyncio.sleep(0)
        assert (await right("PROPFIND", "/", depth="0")).status == 207
        quick = time.monotonic() - start
        assert {(await guess).status for guess in guesses} == {401}
        return quick, time.monotonic() - start

    quick, slow = site.run(scene())
    assert quick < 0.3 <= slow < 2


def test_only_so_many_wrong_passwords_wait(site: Site) -> None:
    app = Server(lambda: site.cell, site.entropy, Gate(delay_seconds=0.4))
    wrong = Client(app, "alice", "wrong")

    async def scene() -> float:
        guesses = [
            asyncio.create_task(wrong("GET", "/")) for _ in range(WRONG_PASSWORDS_WAITING_MAX)
        ]
        await asyncio.sleep(0)
        start = time.monotonic()
        assert (await wrong("GET", "/")).status == 401
        late = time.monotonic() - start
        await asyncio.gather(*guesses)
        return late

    assert site.run(scene()) < 0.3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.rfc("3744", "7.1")
def test_somebody_elses_path_and_no_path_answer_the_same_bytes(site: Site, method: str) -> None:
    site.run(site.bob("PUT", "/dav/addressbooks/bob/contacts/b.vcf", card("b")))
    bobs = ("/dav/principals/bob/", "/dav/addressbooks/bob/", "/dav/addressbooks/bob/contacts/",
            "/dav/addressbooks/bob/contacts/b.vcf")  # fmt: skip
    none = ("/dav/principals/nobody/", "/dav/addressbooks/nobody/",
            "/dav/addressbooks/nobody/contacts/", "/dav/addressbooks/bob/contacts/no.vcf",
            "/nowhere", "/dav/calendars/bob/calendar/", "/dav/calendars/nobody/",
            "/dav/addressbooks/alice/a/b/c")  # fmt: skip
    answers = [essence(site.do(method, path, depth="0")) for path in bobs + none]

    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    "path",
    ["/dav/addressbooks/alice/../bob/contacts/", "/dav/addressbooks/alice/contacts/..",
     "/dav/addressbooks/alice%2Fcontacts/", "/dav/addressbooks/alice/contacts/a%2Fb.vcf",
     "/dav/addressbooks/alice/contacts/%00", "/dav/addressbooks/alice/contacts/%zz",
     "/dav/addressbooks/alice/contacts/%ff", "/dav/addressbooks//alice/contacts/",
     "//dav/addressbooks/alice/", "/dav/addressbooks/alice/contacts/" + "x" * 300,
     "/" * 9000, "/dav/addressbooks/alice/contacts/a%0d%0ab"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "PUT", "PROPFIND", "MKCOL"])
@pytest.mark.rfc("4918", "8.3")
def test_hostile_paths_are_404_and_change_nothing(site: Site, method: str, path: str) -> None:
    batch = site.cell.batch
    assert site.do(method, path, card("a") if method == "PUT" else b"", depth="0").status == 404
    assert site.cell.batch == batch


@pytest.mark.rfc("6352", "6.1")
@pytest.mark.rfc("4918", "10.1", "18.1", "18.3")
@pytest.mark.rfc("3744", "7.2")
@pytest.mark.rfc("5689", "3.1")
def test_options_tells_only_what_is_true(site: Site) -> None:
    answer = site.do("OPTIONS", BOOK + "a.vcf")
    assert answer.status == 200
    assert (
        answer.headers["dav"]
        == "1, 3, access-control, addressbook, calendar-access, extended-mkcol"
    )
    assert answer.headers["allow"] == (
        "OPTIONS, GET, HEAD, PUT, DELETE, COPY, MOVE, PROPFIND, PROPPATCH, REPORT"
    )
    assert site.do("OPTIONS", BOOK).headers["allow"] == (
        "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, MKCOL, REPORT, POST, MOVE, DELETE"
    )
    assert site.do("OPTIONS", HOME).headers["allow"] == (
        "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT"
    )


@pytest.mark.parametrize(
    "path,method",
    [
        *((path, method) for path in ("/", HOME) for method in ("POST", "COPY", "MOVE")),
        *((path, "GET") for path in ("/", "/dav/", "/dav/principals/alice/")),
        *((path, "LOCK") for path in ("/", HOME, BOOK, BOOK + "a.vcf")),
        *((BOOK, method) for method in ("PUT", "UNLOCK", "PATCH", "TRACE")),
        *((BOOK + "a.vcf", method) for method in ("POST", "PATCH", "TRACE")),
    ],
)
@pytest.mark.rfc("4918", "8.1")
@pytest.mark.rfc("4918", "9.4", "9.10", "9.11")
def test_other_methods_are_405_with_what_is_allowed(site: Site, method: str, path: str) -> None:
    answer = site.do(method, path)
    assert answer.status == 405
    assert method not in answer.headers["allow"].split(", ")


def freeze(site: Site, scope: str) -> None:
    site.run(site.cell.submit(Put(Key(site.home, FREEZE, scope), "e", '{"why":"test"}'), {}))


def test_a_frozen_account_still_says_who_it_is_and_nothing_more(site: Site) -> None:
    site.put("ann.vcf")
    freeze(site, "account")
    for path in ("/", "/dav/", "/dav/principals/alice/"):
        assert site.do("PROPFIND", path, depth="0").status == 207
    assert site.do("OPTIONS", BOOK).status == 200
    assert site.run(site.nobody("GET", "/.well-known/carddav")).status == 301
    assert site.run(site.nobody("GET", BOOK)).status == 401
    for method in ("GET", "HEAD", "PROPFIND", "PROPPATCH", "REPORT", "DELETE", "MKCOL"):
        answer = site.do(method, BOOK, depth="0")
        assert (answer.status, answer.headers["retry-after"]) == (503, "900")
    for method in ("GET", "HEAD", "PUT", "DELETE", "PROPFIND"):
        assert site.do(method, BOOK + "ann.vcf", depth="0").status == 503
    assert site.do("PROPFIND", HOME + "nobook/", depth="0").status == 503
    assert site.do("MKCOL", HOME + "new/").status == 503


def test_a_frozen_book_leaves_the_others_alone(site: Site) -> None:
    site.do("MKCOL", HOME + "other/")
    freeze(site, str(site.book.id))
    assert site.do("PROPFIND", BOOK, depth="0").status == 503
    assert site.do("GET", BOOK + "a.vcf").status == 503
    assert site.do("PROPFIND", HOME + "other/", depth="0").status == 207
    # It must not vanish from the home: a client would take that for its end.
    assert BOOK in site.do("PROPFIND", HOME, depth="1").hrefs


def test_with_no_cell_open_it_is_401_without_credentials_and_503_with(site: Site) -> None:
    site.open = False
    assert site.run(site.nobody("PROPFIND", BOOK)).status == 401
    for client in (site.alice, Client(site.app, "alice", "wrong")):
        answer = site.run(client("PROPFIND", BOOK, depth="0"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "60")


def test_healthz_tells_whether_a_write_can_be_taken(site: Site) -> None:
    assert site.run(site.nobody("GET", "/healthz")).status == 200
    head = site.run(site.nobody("HEAD", "/healthz"))
    assert (head.status, head.body) == (200, b"")
    assert site.run(site.nobody("POST", "/healthz")).status == 405
    site.cell.refuse = NoSpaceError()
    assert site.run(site.nobody("GET", "/healthz")).status == 503
    site.cell.refuse = None
    site.open = False
    assert site.run(site.nobody("GET", "/healthz")).status == 503


def test_a_fault_of_ours_is_503_and_never_4xx(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Dav, "serve", broken)
    answer = site.do("GET", BOOK + "a.vcf")
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert b"a bug" not in answer.body
    assert "a bug" in caplog.text


def test_a_fault_after_the_answer_began_cuts_the_connection(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: object, _cell: object, _scope: object, _receive: object,
                     send: object, _id: str) -> None:  # fmt: skip
        await send({"type": "http.response.start", "status": 207, "headers": []})  # type: ignore[operator]
        raise RuntimeError("a bug")

    monkeypatch.setattr(Dav, "serve", broken)
    with pytest.raises(CutError):
        site.do("GET", BOOK + "a.vcf")


@pytest.mark.rfc("4918", "20.2")
def test_too_many_requests_at_once_are_503(site: Site) -> None:
    server = Server(lambda: site.cell, site.entropy)
    server._running = CONCURRENT_REQUESTS_MAX
    client = Client(server, "alice", site.passwords["alice", "phone"])
    assert site.run(client("PROPFIND", "/", depth="0")).status == 503
    server._running -= 1
    assert site.run(client("PROPFIND", "/", depth="0")).status == 207


def test_lifespan_events_are_answered(site: Site) -> None:
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def receive() -> dict[str, str]:
        return events.pop(0)

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    site.run(site.app({"type": "lifespan"}, receive, send))  # type: ignore[arg-type]
    site.run(site.app({"type": "websocket"}, receive, send))  # type: ignore[arg-type]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


def test_a_repeated_header_is_read_as_a_list(site: Site) -> None:
    tag = site.put("ann.vcf").headers["etag"]

    async def put(*tags: str) -> int:
        start: list[int] = []
        headers = [(k.encode(), v.encode()) for k, v in site.alice.headers.items()]
        headers += [(b"if-match", one.encode()) for one in tags]
        scope = {"type": "http", "method": "DELETE", "path": "", "headers": headers,
                 "raw_path": (BOOK + "ann.vcf").encode(), "query_string": b""}  # fmt: skip

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b""}

        async def send(message: dict[str, int]) -> None:
            start.append(message.get("status", 0))

        await site.app(scope, receive, send)  # type: ignore[arg-type]
        return start[0]

    assert site.run(put('"a"', '"b"')) == 412
    assert site.run(put(tag, '"b"')) == 204


def test_a_new_device_is_not_set_up_while_the_account_is_frozen(site: Site) -> None:
    freeze(site, "account")
    with pytest.raises(Exception, match="frozen"):
        site.run(add_device(site.cell, "alice", "new", site.entropy, Origin()))
