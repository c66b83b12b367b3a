"""The page that sets up a phone: one use, no plain HTTP, no scripts, and the reasons it gives."""

from __future__ import annotations

import logging
import plistlib
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fakes.asgi import Answer, Client
from fakes.site import Site
from strongroom.base.errors import UnknownError
from strongroom.base.limits import PAIRING_SECONDS
from strongroom.base.settings import Settings
from strongroom.compose import behind_proxies
from strongroom.dav.auth import Gate
from strongroom.formats import FormatError
from strongroom.history.edits import Origin
from strongroom.history.entries import DEVICE
from strongroom.portal.app import Portal, Way
from strongroom.server import Server
from strongroom.service.accounts import sign_in, suspend
from strongroom.service.pairing import Pairings
from strongroom.service.rights import FULL, Rights, choose
from strongroom.stores.clock import SystemClock

ORIGIN = "https://192.168.1.5:8800"
NAMED = "https://box.local:8800"
PASSWORD = re.compile(r"[0-9a-z]{4}(?:-[0-9a-z]{4}){7}")


class Identity:
    """A certificate: of a local authority, of a known one, or of one that cannot sign."""

    def __init__(self, der: bytes | None, *, signs: bool = True) -> None:
        self.der = der
        self.signs = signs

    def authority_der(self) -> bytes | None:
        return self.der

    def authority_name(self) -> str:
        return "Strongroom on <box>" if self.der else ""

    def sign(self, content: bytes) -> bytes:
        if not self.signs:
            raise FormatError("bad-certificate", "no")
        return b"signed:" + content


class Door:
    """A site with pages; `get` and `post` speak https as a phone's browser would."""

    def __init__(self, identity: Identity | None = None) -> None:
        self.site = Site()
        self.now = 50.0
        self.pairings = Pairings(lambda: self.now, self.site.entropy)
        way = Way(ORIGIN, NAMED, identity)
        self.app = Server(
            lambda: self.site.cell if self.site.open else None,
            self.site.entropy, Gate(delay_seconds=0),
            Portal(self.pairings, way, lambda: self.now),
        )  # fmt: skip
        self.browser = Client(self.app)
        self.browser.scheme = "https"
        self.path = self.offer("tablet")

    def offer(self, device: str, rights: Rights = FULL) -> str:
        return f"/pair/{self.pairings.offer(self.site.cell, 'alice', device, rights)}/"

    def get(self, path: str = "", method: str = "GET") -> Answer:
        return self.site.run(self.browser(method, path or self.path))

    def post(self, kind: str) -> Answer:
        return self.site.run(self.browser("POST", self.path + kind))

    def signs_in(self, password: str) -> bool:
        return sign_in(self.site.cell.directory, "alice", password) is not None

    def devices(self) -> list[str]:
        members = self.site.cell.directory.members(self.site.home, DEVICE)
        return [one.href for one in members]


@pytest.fixture
def door() -> Door:
    return Door(Identity(b"ca"))


def shown_password(answer: Answer) -> str:
    (found,) = set(PASSWORD.findall(answer.text))
    return str(found)


def test_looking_changes_nothing_however_often(door: Door) -> None:
    for method in ("GET", "HEAD", "GET"):
        answer = door.get(method=method)
        assert answer.status == 200
        assert not PASSWORD.search(answer.text)
    assert "tablet" not in door.devices()
    assert door.get(method="HEAD").body == b""


def test_the_one_use_shows_a_password_that_signs_in(door: Door) -> None:
    answer = door.post("other")
    assert answer.status == 200
    assert door.signs_in(shown_password(answer))
    assert "davx5://" not in answer.text


@pytest.mark.parametrize("again", ["apple", "android", "other"])
def test_a_second_use_and_a_later_look_find_nothing(door: Door, again: str) -> None:
    door.post("android")
    for answer in (door.post(again), door.get()):
        assert answer.status == 404
        assert not PASSWORD.search(answer.text)
    assert door.devices().count("tablet") == 1


def test_android_gets_a_link_with_login_and_address_but_no_password(door: Door) -> None:
    answer = door.post("android")
    (link,) = re.findall(r'href="([^"]+)"', answer.text)
    assert link == "davx5://alice@192.168.1.5:8800/dav/"
    assert shown_password(answer) not in link


def test_apple_gets_a_profile_at_once(door: Door) -> None:
    answer = door.post("apple")
    assert answer.headers["content-type"] == "application/x-apple-aspen-config"
    assert "Strongroom.mobileconfig" in answer.headers["content-disposition"]
    contacts, calendars, root = plistlib.loads(answer.body)["PayloadContent"]
    assert (contacts["CardDAVHostName"], contacts["CardDAVPort"]) == ("box.local", 8800)
    assert contacts["CardDAVPrincipalURL"] == f"{NAMED}/dav/principals/alice/"
    assert door.signs_in(contacts["CardDAVPassword"])
    assert calendars["CalDAVPassword"] == contacts["CardDAVPassword"]
    assert root["PayloadContent"] == b"ca"


@pytest.mark.parametrize(
    ("services", "payloads", "words"),
    [
        (("contacts",), ["com.apple.carddav.account"], "It will see the contacts of <b>alice"),
        (("calendars",), ["com.apple.caldav.account"], "see the calendars, tasks and notes of"),
        (
            (),
            ["com.apple.carddav.account", "com.apple.caldav.account"],
            "see the contacts, calendars, tasks and notes of",
        ),
    ],
)
def test_a_phone_is_set_up_for_what_its_scope_reaches_and_no_more(
    services: tuple[str, ...], payloads: list[str], words: str
) -> None:
    door = Door(None)
    door.path = door.offer("watch", choose(services, read_only=False))

    assert words in door.get().text.replace("\n", " ")
    profile = plistlib.loads(door.post("apple").body)
    assert [one["PayloadType"] for one in profile["PayloadContent"]] == payloads


def test_a_profile_is_signed_by_a_certificate_that_phones_know() -> None:
    door = Door(Identity(None))
    body = door.post("apple").body
    assert body.startswith(b"signed:")
    contacts, _ = plistlib.loads(body.removeprefix(b"signed:"))["PayloadContent"]
    assert contacts["PayloadType"] == "com.apple.carddav.account"


def test_a_certificate_that_cannot_sign_costs_nobody_the_use() -> None:
    door = Door(Identity(None, signs=False))
    contacts, _ = plistlib.loads(door.post("apple").body)["PayloadContent"]
    assert door.signs_in(contacts["CardDAVPassword"])


def test_behind_a_proxy_the_profile_is_plain() -> None:
    door = Door(None)
    assert plistlib.loads(door.post("apple").body)["PayloadContent"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_over_plain_http_nothing_is_shown_and_nothing_is_used_up(door: Door, method: str) -> None:
    door.browser.scheme = "http"
    path = door.path + ("other" if method == "POST" else "")
    answer = door.get(path, method)
    assert answer.status == 403
    assert "https" in answer.text
    door.browser.scheme = "https"
    assert door.get().status == 200


@pytest.mark.parametrize(("proxy", "status"), [("127.0.0.1", 200), ("10.0.0.9", 403)])
def test_behind_a_proxy_its_word_for_https_counts_if_it_is_trusted(
    door: Door, proxy: str, status: int
) -> None:
    settings = Settings("127.0.0.1", 0, Path(), (), 0, trusted_proxies=(proxy,))
    proxied = behind_proxies(door.app, settings, SystemClock())

    async def from_the_proxy(scope: Any, receive: Any, send: Any) -> None:
        await proxied({**scope, "client": ("127.0.0.1", 5000)}, receive, send)

    browser = Client(from_the_proxy)
    answer = door.site.run(browser("GET", door.path, x_forwarded_proto="https"))
    assert answer.status == status


def test_a_page_is_gone_after_a_quarter_of_an_hour(door: Door) -> None:
    assert "15 minutes" in door.get().text
    door.now += PAIRING_SECONDS - 30
    assert "a minute" in door.get().text
    door.now += 30
    assert door.get().status == door.post("other").status == 404


@pytest.mark.parametrize(
    "path", ["/pair/", "/pair/x", "/pair/x/", "/pair/x/apple/", "/pair//", "/pair/\xff/"]
)
def test_what_was_never_offered_is_the_same_404(door: Door, path: str) -> None:
    used = door.path
    door.post("other")
    first, second = door.get(path), door.get(used)
    assert (first.status, first.body) == (404, second.body)
    assert first.headers.keys() == second.headers.keys()


@pytest.mark.parametrize(("method", "kind"), [("PUT", ""), ("POST", ""), ("GET", "apple")])
def test_other_methods_use_nothing_up(door: Door, method: str, kind: str) -> None:
    assert door.get(door.path + kind, method).status == 405
    assert door.get().status == 200


def test_a_frozen_account_gets_a_page_that_says_why(door: Door) -> None:
    site = door.site
    laptop = next(m for m in site.cell.directory.members(site.home, DEVICE) if m.href == "laptop")
    why, by = "a phone knows <more>.", Origin(laptop.id)
    site.run(site.cell.freeze(site.home, "account", why, "t:1", by))
    for answer in (door.get(), door.post("other")):
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "frozen to protect it" in answer.text
        assert "Why: a phone knows &lt;more&gt;.<br>" in answer.text
        assert "<code>strongroom account thaw" in answer.text
        assert "Keep the account on laptop: do not remove it" in answer.text
        assert "No new device is set up meanwhile" in answer.text
        assert "nothing is lost" not in answer.text  # that is the question
    assert "tablet" not in door.devices()


def test_a_suspended_account_gets_a_page_with_the_reason(door: Door) -> None:
    door.site.run(suspend(door.site.cell, "alice", "unpaid <b>", Origin()))
    answer = door.post("other")
    assert answer.status == 503
    assert "unpaid &lt;b&gt;" in answer.text


def test_a_cell_that_is_not_open_gets_a_page(door: Door) -> None:
    door.site.open = False
    assert door.get().status == 503
    door.site.open = True
    assert door.get().status == 200


def test_an_unknown_ending_is_said_and_uses_the_page_up(door: Door) -> None:
    door.site.cell.refuse = UnknownError()
    answer = door.post("other")
    assert answer.status == 503
    assert "not known" in answer.text
    door.site.cell.refuse = None
    assert door.get().status == 404


def test_a_device_of_that_name_meanwhile_is_said(door: Door) -> None:
    other = door.offer("tablet")
    door.post("other")
    answer = door.get(other)
    assert answer.status == 409
    assert "already" in answer.text


def test_every_answer_forbids_caches_scripts_and_referrers(door: Door) -> None:
    for answer in (door.get(), door.post("android"), door.get(), door.get("/pair/x")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "script" not in policy
        assert "<script" not in answer.text
        assert not re.search(r"(src|href)=\"https?:", answer.text)


def test_the_policy_names_the_one_style_sheet(door: Door) -> None:
    answer = door.get()
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]


def test_values_are_escaped(door: Door) -> None:
    door.path = door.offer("<i>\"'&")
    for answer in (door.get(), door.post("android")):
        assert "<i>" not in answer.text
        assert "&lt;i&gt;" in answer.text
    assert "Strongroom on &lt;box&gt;" in Door(Identity(b"ca")).get().text


def test_strict_transport_is_asked_for_only_with_a_certificate_that_phones_know() -> None:
    name = "strict-transport-security"
    assert name not in Door(Identity(b"ca")).get().headers
    assert "max-age" in Door(Identity(None)).get().headers[name]


def test_no_password_and_no_secret_is_logged(door: Door, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    secret = door.path.split("/")[2]
    passwords = [shown_password(door.post("other"))]
    door.site.cell.refuse = RuntimeError("our own mistake")
    door.path = door.offer("another")
    assert door.post("other").status == 503
    assert "RuntimeError" in caplog.text
    for word in [secret, door.path, *passwords]:
        assert word not in caplog.text


def test_without_pages_the_address_is_like_any_other() -> None:
    site = Site()
    assert site.run(site.nobody("GET", "/pair/x/")).status == 401
