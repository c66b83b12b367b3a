"""`strongroom doctor` finds what is in a phone's way, and names the line of the proxy."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.certificates import Authority
from e2e.lying_proxy import Asked, LyingProxy, Told, compressed
from e2e.proxies import EAGER, KINDS, Proxy
from e2e.server import ServerProcess, book_of, free_port
from phone.database import card_bytes
from strongroom.cli import main
from strongroom.cli.doctor import CHECKS, FOUND
from strongroom.cli.doctor.findings import ADVICE
from strongroom.cli.exits import DONE, USAGE

BOOK = book_of("alice")
Findings = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def site(
    prepared: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    made = prepared.copy_to(tmp_path_factory.mktemp("patient") / "site")
    try:
        made.start()
        (made.place / "password").write_text(made.passwords["phone"] + "\n")
        wire = made.wire("alice", made.passwords["laptop"])
        for number in range(12):
            wire.ask("PUT", f"{BOOK}c{number}.vcf", card_bytes(f"c{number}", "Ann " * 40))
        yield made
    finally:
        made.end()


@pytest.fixture
def asked(
    site: ServerProcess, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, Findings]]:
    """Run the command; gives its exit status, and the worst finding of each check."""

    def ask(address: str, *words: str, signed: bool = True) -> tuple[int, Findings]:
        given = ["doctor", address, "--json", *words]
        if "--ca" not in words:
            given += ["--ca", str(authority.ca)]
        if signed:
            given += ["--login", "alice", "--password-file", str(site.place / "password")]
        status = main([word for word in given if word])
        rows = json.loads(capsys.readouterr().out)["findings"]
        order = ["skipped", "ok", "note", "bad"]
        rows.sort(key=lambda row: order.index(row["grade"]))
        return status, {row["check"]: row for row in rows}

    return ask


# --- lies -----------------------------------------------------------------------------------------
def no_redirect(asked: Asked, told: Told) -> None:
    if asked.path == "/.well-known/carddav":
        told.status, told.headers, told.body = 404, [("Server", "nginx")], b"404 Not Found"


def no_calendar_redirect(asked: Asked, told: Told) -> None:
    if asked.path == "/.well-known/caldav":
        told.status, told.headers, told.body = 404, [("Server", "nginx")], b"404 Not Found"


def no_calendar_access(_: Asked, told: Told) -> None:
    told.set("DAV", "1, 3, addressbook")


def redirect_to(location: str) -> Callable[[Asked, Told], None]:
    def lie(asked: Asked, told: Told) -> None:
        if asked.path == "/.well-known/carddav":
            told.set("Location", location.format(asked.headers["host"]))

    return lie


def own_404(asked: Asked, told: Told) -> None:
    if asked.path.startswith("/dav/the-doctor"):
        told.status, told.headers, told.body = 404, [], b""


def no_challenge(_: Asked, told: Told) -> None:
    told.set("WWW-Authenticate", None)


def own_password(_: Asked, told: Told) -> None:
    if told.status == 401:
        told.headers = [("WWW-Authenticate", 'Basic realm="Keep out"')]


def no_dav(_: Asked, told: Told) -> None:
    told.set("DAV", None)


def etag_gzip(asked: Asked, told: Told) -> None:
    if asked.command == "GET" and told.get("etag"):
        told.set("ETag", told.get("etag")[:-1] + '-gzip"')


def etag_other(asked: Asked, told: Told) -> None:
    if asked.command == "GET" and told.get("etag"):
        told.set("ETag", '"of-the-proxy"')


def etag_gone(asked: Asked, told: Told) -> None:
    if asked.command == "GET":
        told.set("ETag", None)


def other_bytes(asked: Asked, told: Told) -> None:
    if asked.command == "GET":
        told.body = told.body.replace(b"Ann", b"Eve")


def torn_gzip(asked: Asked, told: Told) -> None:
    if asked.command == "PROPFIND" and asked.headers.get("accept-encoding") == "gzip":
        told.set("Content-Encoding", None)
        compressed(told)
        told.body = told.body[:-20]


def plain_listing(asked: Asked, told: Told) -> None:
    told.set("Content-Encoding", None)


def closes(_: Asked, told: Told) -> None:
    told.set("Connection", "close")


def five_seconds(_: Asked, told: Told) -> None:
    told.set("Keep-Alive", "timeout=5, max=100")


def refuses(method: str, status: int) -> Callable[[Asked], Told | None]:
    return lambda asked: (
        Told(status, [("Server", "nginx")], b"") if asked.command == method else None
    )


def small_bodies(asked: Asked) -> Told | None:
    if int(asked.headers.get("content-length") or 0) > 1024 * 1024:
        return Told(413, [("Server", "nginx")], b"413 Request Entity Too Large")
    return None


def no_encoded(asked: Asked) -> Told | None:
    return Told(404, [("Server", "Apache")], b"") if "%2F" in asked.path else None


def gone(_: Asked) -> Told | None:
    return Told(502, [("Server", "nginx")], b"502 Bad Gateway")


LIES: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("no well-known", {"late": no_redirect}, "well-known", "bad", "whole-host"),
    ("no well-known of calendars", {"late": no_calendar_redirect}, "well-known", "bad",
     "whole-host"),
    ("no calendars", {"late": no_calendar_access}, "calendars", "bad", "methods"),
    ("no MKCALENDAR", {"early": refuses("MKCALENDAR", 405)}, "calendars", "bad", "methods"),
    ("http", {"late": redirect_to("http://{}/dav/")}, "well-known", "bad", "redirect"),
    ("other host", {"late": redirect_to("https://else.example/dav/")}, "well-known", "bad",
     "redirect"),
    ("circle", {"late": redirect_to("/.well-known/carddav")}, "well-known", "bad", "redirect"),
    ("query", {"late": redirect_to("/dav/?user=alice")}, "well-known", "bad", "redirect"),
    ("404 before 401", {"late": own_404}, "challenge", "bad", "whole-host"),
    ("no challenge", {"late": no_challenge}, "challenge", "bad", "challenge"),
    ("own password", {"late": own_password}, "challenge", "bad", "challenge"),
    ("no login", {"dropped": ("authorization",)}, "discovery", "bad", "authorization"),
    ("no DAV header", {"late": no_dav}, "discovery", "bad", "methods"),
    ("no PROPFIND", {"early": refuses("PROPFIND", 405)}, "discovery", "bad", "methods"),
    ("no REPORT", {"early": refuses("REPORT", 501)}, "methods", "bad", "methods"),
    ("no MOVE", {"early": refuses("MOVE", 403)}, "methods", "bad", "methods"),
    ("no PROPPATCH", {"early": refuses("PROPPATCH", 405)}, "methods", "bad", "methods"),
    ("encoded slashes", {"early": no_encoded}, "names", "bad", "paths"),
    ("no If-Match", {"dropped": ("if-match",)}, "conditions", "bad", "conditions"),
    ("no If-None-Match", {"dropped": ("if-none-match",)}, "conditions", "bad", "conditions"),
    ("ETag changed", {"late": etag_gzip}, "etag", "note", "etag"),
    ("ETag replaced", {"late": etag_other}, "etag", "bad", "etag"),
    ("ETag gone", {"late": etag_gone}, "etag", "bad", "etag"),
    ("bytes changed", {"late": other_bytes}, "etag", "bad", "bytes"),
    ("gzip torn", {"late": torn_gzip}, "compression", "bad", "bytes"),
    ("413", {"early": small_bodies}, "body", "bad", "body"),
    ("closes", {"late": closes}, "keep-alive", "bad", "keep-alive"),
    ("5 s", {"late": five_seconds}, "keep-alive", "bad", "keep-alive"),
    ("502", {"early": gone}, "challenge", "bad", "upstream"),
]  # fmt: skip


@pytest.mark.parametrize(("lie", "check", "grade", "advice"), [row[1:] for row in LIES],
                         ids=[row[0] for row in LIES])  # fmt: skip
def test_each_lie_of_a_proxy_is_found_with_the_line_to_change(
    site: ServerProcess, authority: Authority, asked: Any, monkeypatch: pytest.MonkeyPatch,
    lie: dict[str, Any], check: str, grade: str, advice: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("strongroom.cli.doctor.large.BODY_BYTES", 12 * 1024 * 1024)
    with LyingProxy(site.port, authority.leaf(), **lie) as proxy:
        status, found = asked(proxy.address)
    row = found[check]
    assert (row["grade"], list(row["change"].values())) == (grade, list(ADVICE[advice]))
    assert status == (FOUND if grade == "bad" else DONE)


def test_an_honest_proxy_has_nothing_to_mend(
    site: ServerProcess, authority: Authority, asked: Any
) -> None:
    """With a real body of 100 MB."""
    with LyingProxy(site.port, authority.leaf()) as proxy:
        status, found = asked(proxy.address)
    bad = [row for row in found.values() if row["grade"] in {"bad", "note"}]
    assert (status, bad) == (DONE, [])
    assert found["body"]["grade"] == found["etag"]["grade"] == "ok"
    assert found["calendars"]["grade"] == found["well-known"]["grade"] == "ok"


# --- certificates ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("certificate", "known", "check", "advice"),
    [
        (("localhost", -0.5), True, "certificate", "expiry"),
        (("else.example", 20), True, "certificate", "name"),
        (("localhost", 20), False, "certificate", "chain"),
        (("localhost", 5), True, "expiry", "expiry"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_named_and_no_password_goes_there(
    site: ServerProcess, authority: Authority, asked: Any, tmp_path: Path,
    certificate: tuple[str, float], known: bool, check: str, advice: str,
) -> None:  # fmt: skip
    seen: list[str] = []

    def listens(asked: Asked) -> None:
        seen.extend(asked.headers.get_all("authorization") or [])

    other = Authority(tmp_path / "other")
    ca = str(authority.ca if known else other.ca)
    with LyingProxy(site.port, authority.leaf(*certificate), early=listens) as proxy:
        status, found = asked(proxy.address, "--ca", ca)
    row = found[check]
    assert (status, row["grade"]) == (FOUND, "bad")
    assert list(row["change"].values()) == list(ADVICE[advice])
    assert (seen == []) == (check == "certificate")
    assert found["challenge"]["grade"] == "ok"  # what can be looked at is


def test_a_local_authority_is_said_and_no_fault(
    site: ServerProcess, authority: Authority, asked: Any
) -> None:
    with LyingProxy(site.port, authority.leaf()) as proxy:
        status, found = asked(proxy.address, signed=False)
    assert (status, found["certificate"]["grade"]) == (DONE, "ok")
    assert "each phone needs that authority" in found["certificate"]["words"]
    assert "--login" in found["discovery"]["words"]


def test_no_tls_and_nobody_there_are_told_apart(site: ServerProcess, asked: Any) -> None:
    status, found = asked(f"https://localhost:{site.port}/")
    assert (status, found["certificate"]["change"]["nginx"]) == (FOUND, ADVICE["tls"][0])
    status, found = asked(f"https://localhost:{free_port()}/")
    assert "is not reached" in found["certificate"]["words"]
    assert found["challenge"]["grade"] == "skipped"


# --- http, keep-alive, writing --------------------------------------------------------------------
def test_http_that_answers_is_found_and_http_that_leads_on_is_not(
    site: ServerProcess, authority: Authority, asked: Any
) -> None:
    def to_https(_: Asked) -> Told:
        return Told(301, [("Location", "https://localhost/dav/")], b"")

    def to_http(_: Asked) -> Told:
        return Told(301, [("Location", "http://localhost:81/")], b"")

    closed = free_port()
    with (
        LyingProxy(site.port, authority.leaf()) as proxy,
        LyingProxy(site.port, None, early=to_https) as good,
        LyingProxy(site.port, None, early=to_http) as bad,
    ):
        for port, grade in ((site.port, "bad"), (good.port, "ok"), (bad.port, "bad"),
                            (closed, "ok")):  # fmt: skip
            _, found = asked(proxy.address, "--http-port", str(port), signed=False)
            assert found["http"]["grade"] == grade


def test_a_connection_that_is_closed_too_early_is_found_by_waiting(
    site: ServerProcess, authority: Authority, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.cli.doctor.outside.KEEP_ALIVE_SECONDS", 0.6)
    monkeypatch.setattr("strongroom.cli.doctor.large.BODY_BYTES", 1024 * 1024)
    for seconds, grade in ((0.3, "bad"), (5.0, "ok")):
        with LyingProxy(site.port, authority.leaf()) as proxy:
            monkeypatch.setattr(Asked, "timeout", seconds)
            _, found = asked(proxy.address, "--slow", signed=False)
        assert found["keep-alive"]["grade"] == grade


def test_an_empty_book_is_left_empty_also_where_a_card_may_be_put_there(
    prepared: ServerProcess, asked: Any, tmp_path: Path
) -> None:
    empty = prepared.copy_to(tmp_path / "empty")
    try:
        empty.start()
        _, found = asked(empty.address)
        assert "empty" in found["card"]["words"]
        assert found["etag"]["grade"] == "skipped"
        status, found = asked(empty.address, "--write")
        assert (status, found["etag"]["grade"], found["conditions"]["grade"]) == (DONE, "ok", "ok")
        wire = empty.wire("alice", empty.passwords["phone"])
        assert wire.ask("PROPFIND", BOOK, Depth="1").body.count(b".vcf") == 0
    finally:
        empty.end()


# --- real proxies, broken on purpose --------------------------------------------------------------
BROKEN: list[tuple[str, list[tuple[str, str]], str, str]] = [
    ("nginx", [("client_max_body_size 0;", "")], "body", "body"),
    ("nginx", [("keepalive_timeout 120s;", "keepalive_timeout 5s 5s;")], "keep-alive",
     "keep-alive"),
    ("nginx", [("proxy_redirect off;", 'proxy_set_header If-Match "";')], "conditions",
     "conditions"),
    ("apache", [("AllowEncodedSlashes NoDecode", "")], "names", "paths"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "changes", "check", "advice"), BROKEN)
def test_real_proxies_that_are_broken_on_purpose_are_found_out(
    site: ServerProcess, authority: Authority, asked: Any, tmp_path: Path,
    kind: str, changes: list[tuple[str, str]], check: str, advice: str,
) -> None:  # fmt: skip
    with Proxy(kind, tmp_path / "p", authority, site.port, changes) as proxy:
        status, found = asked(proxy.address)
    assert (status, found[check]["grade"]) == (FOUND, "bad")
    assert list(found[check]["change"].values()) == list(ADVICE[advice])


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_that_does_not_reach_strongroom_is_told_as_such(
    authority: Authority, asked: Any, tmp_path: Path, kind: str
) -> None:
    with Proxy(kind, tmp_path / "p", authority, free_port()) as proxy:
        status, found = asked(proxy.address)
    assert (status, found["challenge"]["grade"]) == (FOUND, "bad")
    assert found["challenge"]["change"]["nginx"] == ADVICE["upstream"][0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_set_ups_have_nothing_to_mend(
    site: ServerProcess, authority: Authority, asked: Any, tmp_path: Path, kind: str
) -> None:
    with Proxy(kind, tmp_path / "p", authority, site.port) as proxy:
        status, found = asked(proxy.address, "--http-port", str(proxy.plain_port))
    assert (status, [row for row in found.values() if row["grade"] in {"bad", "note"}]) == (0, [])
    assert found["http"]["grade"] == found["calendars"]["grade"] == "ok"


@pytest.mark.parametrize(
    ("service", "missing", "found_all_the_same"),
    [("calendars", "discovery", "calendars"), ("contacts", "calendars", "discovery")],
)
def test_what_a_device_was_not_made_for_is_no_fault(
    site: ServerProcess, asked: Any, tmp_path: Path,
    service: str, missing: str, found_all_the_same: str,
) -> None:  # fmt: skip
    given = ("device", "add", "alice", f"only {service}", "--services", service)
    password = tmp_path / "password"
    password.write_text(site.run(*given, "--print", "password"))
    words = ("--login", "alice", "--password-file", str(password))
    status, found = asked(site.address, *words, signed=False)
    grades = (found[missing]["grade"], found[found_all_the_same]["grade"])
    assert (status, grades) == (DONE, ("skipped", "ok"))


def test_an_etag_that_nginx_makes_weak_is_a_note(
    site: ServerProcess, authority: Authority, asked: Any, tmp_path: Path
) -> None:
    with Proxy("nginx", tmp_path / "p", authority, site.port, EAGER["nginx"]) as proxy:
        status, found = asked(proxy.address)
    assert (status, found["etag"]["grade"]) == (DONE, "note")


# --- the table and the words ----------------------------------------------------------------------
def test_every_advice_is_given_by_some_test_and_names_three_proxies() -> None:
    seen = {row[4] for row in LIES} | {row[3] for row in BROKEN}
    assert set(ADVICE) == seen | {"chain", "name", "expiry", "tls", "plain"}
    assert all(len(row) == 3 and all(row) for row in ADVICE.values())
    assert len({check.name for check in CHECKS}) >= 14


def test_a_person_sees_findings_as_they_come_and_a_wrong_address_is_explained(
    site: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", site.address]) == DONE
    out = capsys.readouterr().out
    assert "ok      challenge" in out
    assert "Nothing is in a phone's way" in out
    for wrong in ("ftp://a", "https://ann:secret@a/", "https://", "https://a:99999"):
        assert main(["doctor", wrong]) == USAGE
    assert main(["doctor", "https://a", "--login", "ann"]) == USAGE
    assert "secret" not in capsys.readouterr().out


def test_a_server_that_says_nothing_is_told_as_such(asked: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = f"http://127.0.0.1:{door.getsockname()[1]}/"
        door.close()
        status, found = asked(address)
    assert status == FOUND
    assert "no answer came" in found["challenge"]["words"]
