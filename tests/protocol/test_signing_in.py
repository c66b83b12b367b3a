"""Signing in as people and old clients do it, and an account that its operator closed."""

from __future__ import annotations

from base64 import b64encode

import pytest

from fakes.asgi import Answer, Client
from fakes.site import BOOK, HOME, Site, card
from strongroom.history.edits import Origin
from strongroom.service.accounts import (
    add_account,
    add_device,
    resume,
    revoke_device,
    sign_in,
    suspend,
)

WHO = "<propfind xmlns='DAV:'><prop><current-user-principal/></prop></propfind>"


@pytest.fixture
def site() -> Site:
    made = Site()
    made.put("ann.vcf", "ann")
    return made


def asked(site: Site, login: str, password: str, encoding: str = "utf-8") -> Answer:
    client = Client(site.app)
    raw = f"{login}:{password}".encode(encoding)
    client.headers["authorization"] = f"Basic {b64encode(raw).decode()}"
    return site.run(client("PROPFIND", "/", WHO, depth="0"))


# --- passwords and logins -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("between", "encoding"),
    [
        ("-", "utf-8"),
        ("", "utf-8"),
        (" ", "utf-8"),
        (" - ", "utf-8"),
        ("\t", "utf-8"),
        ("\u2013", "utf-8"),  # what a keyboard makes of a hyphen
        ("\u2011", "utf-8"),
        ("\u00a0", "utf-8"),  # copied from a page
        ("\u00a0", "latin-1"),
    ],
)
def test_a_password_is_taken_however_its_groups_are_written(
    site: Site, between: str, encoding: str
) -> None:
    groups = site.passwords["alice", "phone"].split("-")
    assert len(groups) == 8
    assert all(len(group) == 4 and group == group.lower() for group in groups)
    assert asked(site, "alice", between.join(groups), encoding).status == 207
    assert asked(site, "alice", f" {between.join(groups).upper()} ", encoding).status == 207
    assert asked(site, "alice", between.join(groups[:-1]), encoding).status == 401


@pytest.mark.parametrize(
    ("kept", "typed", "encoding"),
    [
        ("alice", "ALICE", "utf-8"),
        ("alice", " Alice ", "utf-8"),
        ("Weiss", "wei\u00df", "utf-8"),
        ("weiss", "WEI\u00df", "latin-1"),
        ("mark", "mar\u212a", "utf-8"),  # the sign of Kelvin, which folds to k
    ],
)
def test_a_login_matches_without_case_and_addresses_show_its_own_spelling(
    site: Site, kept: str, typed: str, encoding: str
) -> None:
    if kept != "alice":
        site.run(add_account(site.cell, kept, site.entropy, Origin()))
    password = site.run(add_device(site.cell, typed, "new", site.entropy, Origin()))
    answer = asked(site, typed, password, encoding)
    principal = answer.prop("/", "{DAV:}current-user-principal")
    assert principal is not None
    assert principal.findtext("{DAV:}href") == f"/dav/principals/{kept.lower()}/"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize(
    ("login", "password"),
    [("jörg", "x"), ("alice", "pässword"), ("\u00e9", "\u00e9"), ("alice", "\u00ff" * 40)],
)
def test_what_is_not_ascii_is_a_wrong_password_and_no_mistake_of_ours(
    site: Site, login: str, password: str, encoding: str
) -> None:
    answer = asked(site, login, password, encoding)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="Strongroom", charset="UTF-8"'


def test_bytes_that_are_no_text_at_all_are_a_wrong_password(site: Site) -> None:
    client = Client(site.app)
    client.headers["authorization"] = f"Basic {b64encode(bytes(range(58, 256))).decode()}"
    assert site.run(client("PROPFIND", "/", depth="0")).status == 401


# --- suspended ------------------------------------------------------------------------------------
ALL = ("GET", "HEAD", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "MKCOL", "REPORT", "OPTIONS",
       "POST", "LOCK", "MOVE", "COPY")  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/", "/dav/principals/alice/", HOME, BOOK, BOOK + "ann.vcf", BOOK + "no.vcf", "/no"]
)
def test_a_suspended_account_is_503_with_the_reason_and_nothing_changes(
    site: Site, path: str
) -> None:
    """403 or 404 would make a phone forget what it holds (I4, D1)."""
    site.run(suspend(site.cell, "alice", "unpaid since March", Origin()))
    batch = site.cell.batch
    for method in ALL:
        answer = site.do(method, path, card("x") if method == "PUT" else b"", depth="0")
        assert (answer.status, answer.headers["retry-after"]) == (503, "7200"), method
        if method != "HEAD":
            assert "suspended by its operator: unpaid since March" in answer.text
            assert "Nothing was deleted" in answer.text
    assert site.cell.batch == batch
    assert site.run(site.bob("PROPFIND", "/", depth="0")).status == 207


def test_a_suspended_account_still_tells_wrong_credentials_from_right_ones(site: Site) -> None:
    site.run(suspend(site.cell, "alice", "unpaid", Origin()))
    assert asked(site, "alice", "wrong").status == 401
    assert asked(site, "alice", site.passwords["alice", "laptop"]).status == 503
    site.run(revoke_device(site.cell, "alice", "laptop", Origin()))
    assert asked(site, "alice", site.passwords["alice", "laptop"]).status == 401
    assert site.run(site.nobody("GET", "/.well-known/carddav")).status == 301


def test_a_resumed_account_gives_everything_back_and_tokens_stay_good(site: Site) -> None:
    sync = (
        '<sync-collection xmlns="DAV:"><sync-token>{}</sync-token><sync-level>1</sync-level>'
        "<prop><getetag/></prop></sync-collection>"
    )
    before = site.do("REPORT", BOOK, sync.format(""))
    etag = site.do("GET", BOOK + "ann.vcf").headers["etag"]
    site.run(suspend(site.cell, "alice", "unpaid", Origin()))
    site.run(resume(site.cell, "alice", Origin()))

    after = site.do("REPORT", BOOK, sync.format(before.token))
    assert (after.status, after.hrefs) == (207, [])
    assert site.do("GET", BOOK + "ann.vcf").headers["etag"] == etag
    assert site.put("new.vcf", "new").status == 201


def test_a_body_that_a_suspended_phone_sends_is_read_so_that_it_hears_the_answer(
    site: Site,
) -> None:
    site.run(suspend(site.cell, "alice", "unpaid", Origin()))
    parts = [b"x" * 1000] * 50
    answer = site.do("PUT", BOOK + "big.vcf", parts, transfer_encoding="chunked")
    assert answer.status == 503


def test_a_caller_is_known_anew_after_the_account_changed(site: Site) -> None:
    assert site.do("PROPFIND", "/", depth="0").status == 207
    site.run(suspend(site.cell, "alice", "unpaid", Origin()))
    assert site.do("PROPFIND", "/", depth="0").status == 503
    site.run(resume(site.cell, "alice", Origin()))
    assert site.do("PROPFIND", "/", depth="0").status == 207
    caller = sign_in(site.cell.directory, "alice", site.passwords["alice", "phone"])
    assert caller is not None
    assert not caller.suspended
