"""The access log tells what an operator needs, and nothing about anybody."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.asgi import Client, CutError
from fakes.site import BOOK, Site, card
from strongroom import compose
from strongroom.access_log import AccessLog, family
from strongroom.base.settings import Settings, parse


class StillClock:
    def now_ms(self) -> int:
        return 1_700_000_000_123


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def site(out: io.StringIO) -> Site:
    site = Site()
    site.alice.app = AccessLog(site.app, StillClock(), out.write)
    return site


@pytest.fixture
def lines(out: io.StringIO) -> Any:
    return lambda: [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_tells_what_an_operator_needs(site: Site, lines: Any) -> None:
    body = card("ann")
    put = site.put("ann.vcf", "ann", user_agent="DAVx5/4.5.2-ose (2025/01/01; dav4jvm) Android/14")
    got = site.do("GET", BOOK + "ann.vcf")
    missing = site.do("GET", BOOK + "nobody.vcf")

    first, second, third = lines()
    assert (put.status, got.body) == (201, body)
    assert first.pop("ms") >= 0
    assert first.pop("request")
    assert first == {
        "time": "2023-11-14T22:13:20.123Z", "client": "unknown", "method": "PUT", "status": 201,
        "bytes_in": len(body), "bytes_out": 0, "device": first["device"], "agent": "DAVx5",
    }  # fmt: skip
    assert (second["bytes_in"], second["bytes_out"], second["agent"]) == (0, len(body), "other")
    assert first["device"] == second["device"] > 0
    assert third["status"] == 404
    assert missing.request_id == third["request"]
    assert not got.request_id


def test_each_request_has_an_id_of_its_own_and_a_stranger_no_device(site: Site, lines: Any) -> None:
    site.alice.headers.clear()
    answers = [site.do("PROPFIND", "/dav/") for _ in range(3)]
    ids = [answer.request_id for answer in answers]
    assert [line["request"] for line in lines()] == ids
    assert len(set(ids)) == 3
    assert {(line["status"], line["device"]) for line in lines()} == {(401, None)}


words = st.text(st.characters(min_codepoint=0x61, max_codepoint=0x7A), min_size=9, max_size=20)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=words, uid=words, called=words, agent=words)
def test_nothing_of_a_card_its_name_or_its_owner_is_logged_at_any_level(
    site: Site, out: io.StringIO, caplog: Any, name: str, uid: str, called: str, agent: str
) -> None:
    """Of our logs, all at the level of info and above; of the access log, all there is."""
    caplog.set_level(logging.INFO)
    caplog.clear()
    out.truncate(out.seek(0))
    path = f"{BOOK}{name}.vcf"
    site.put(f"{name}.vcf", uid, called, user_agent=agent)
    site.do("GET", path)
    site.do("MOVE", path, destination=f"{BOOK}{uid}.vcf")
    site.do("GET", f"/dav/addressbooks/{called}/contacts/{name}.vcf")
    site.do("PROPFIND", f"/{name}/{uid}")
    site.do(called.upper(), path)
    site.do("PUT", path, "no card")

    said = [r.getMessage() for r in caplog.records if r.name.startswith("strongroom")]
    text = out.getvalue() + "".join(said)
    assert out.getvalue().count("\n") == 7
    password = site.passwords["alice", "phone"]
    secrets = (name, uid, called, called.upper(), agent, "alice", "contacts", password, "VCARD")
    assert not [secret for secret in secrets if secret in text]


def test_a_client_that_goes_away_and_an_answer_that_is_cut_are_told_apart(
    site: Site, lines: Any, out: io.StringIO
) -> None:
    assert site.run(site.alice("PUT", BOOK + "a.vcf", b"half", cut=True)).status == 0
    (gone,) = lines()
    assert (gone["status"], "cut" in gone) == (0, False)

    async def breaks(scope: Any, _receive: Any, send: Any) -> None:
        scope["strongroom.request-id"] = "1-1"
        await send({"type": "http.response.start", "status": 207, "headers": []})
        raise RuntimeError

    with pytest.raises(CutError):
        site.run(Client(AccessLog(breaks, StillClock(), out.write))("GET", "/"))
    assert (lines()[-1]["status"], lines()[-1]["cut"]) == (207, True)


def test_a_line_is_json_as_the_library_writes_it(site: Site, out: io.StringIO, lines: Any) -> None:
    """It is written by hand; a stranger, a cut and a device are in it as ever."""
    site.put("ann.vcf", "ann")
    site.alice.headers.clear()
    site.do("PROPFIND", "/dav/")

    written = out.getvalue().splitlines()
    assert [json.dumps(line) for line in lines()] == written
    assert len(written) == 2


def test_health_checks_are_not_logged(site: Site, lines: Any) -> None:
    assert site.do("GET", "/healthz").status == 200
    assert lines() == []


def configured(extra: str, tmp_path: Any) -> Settings:
    text = 'listen = "127.0.0.1:0"\ndata = "d"\nreplicas = ["a"]\nwrite_quorum = 1\n'
    return parse(text + extra, tmp_path)


async def _asked(app: Any, peer: str, headers: list[tuple[bytes, bytes]]) -> None:
    async def nothing(*_: Any) -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {
        "type": "http", "method": "PROPFIND", "path": "/dav/", "raw_path": b"/dav/",
        "query_string": b"", "headers": headers, "client": (peer, 1), "scheme": "http",
    }  # fmt: skip
    await app(scope, nothing, nothing)


FORWARDED = [(b"x-forwarded-for", b"203.0.113.9, 198.51.100.7"), (b"x-forwarded-proto", b"https")]


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("127.0.0.1", FORWARDED, "198.51.100.7"),  # what the proxy itself has added
        ("127.0.0.1", [], "127.0.0.1"),
        ("10.9.9.9", FORWARDED, "198.51.100.7"),
        ("192.0.2.1", FORWARDED, "192.0.2.1"),  # no proxy of ours: not believed
        ("127.0.0.1", [(b"x-forwarded-for", b"alice")], "unknown"),
        ("127.0.0.1", [(b"x-forwarded-for", b'fe80::1%"alice')], "fe80::1"),
    ],
)
def test_only_a_trusted_proxy_says_who_asks(
    site: Site, capsys: Any, tmp_path: Any, peer: str, headers: Any, client: str
) -> None:
    text = 'trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]\naccess_log = "stderr"\n'
    app = compose.behind_proxies(site.app, configured(text, tmp_path), StillClock())
    site.run(_asked(app, peer, headers))
    assert json.loads(capsys.readouterr().err)["client"] == client


def test_without_the_settings_nothing_stands_around_the_application(
    site: Site, tmp_path: Any
) -> None:
    assert compose.behind_proxies(site.app, configured("", tmp_path), StillClock()) is site.app


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (b"DAVx5/4.5.2-ose (dav4jvm; okhttp/5) Android/15", "DAVx5"),
        (b"iOS/17.5 (21F79) dataaccessd/1.0", "iOS"),
        (b"macOS/14.5 (23F79) AddressBookCore/2613", "macOS"),
        (b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0",
         "Thunderbird"),
        (b"Evolution/3.46.4", "Evolution"),
        (b"KDE DAV groupware client", "KDE"),
        (b"vdirsyncer/0.20.0", "vdirsyncer"),
        (b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari/604.1", "browser"),
        (b"CalDavSynchronizer/4.4", "Outlook CalDav Synchronizer"),
        (b"", "other"),
    ],
)  # fmt: skip
def test_programs_are_told_apart_by_family(agent: bytes, name: str) -> None:
    assert family(agent) == name
