"""A thousand forged tokens and ETags freeze nobody; one true token that we forgot does (I5)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site
from phone.wire import sync_collection
from strongroom.formats.synctoken import SyncToken, write
from strongroom.history.entries import FREEZE

BOB = "/dav/addressbooks/bob/contacts/"
THUNDERBIRD = "Mozilla/5.0 Thunderbird/140.0"
TOKENS = 1000
WRONG = {403, 400}


@pytest.fixture
def site() -> Site:
    made = Site()
    for name in ("ann", "bob", "cid"):
        assert made.put(f"{name}.vcf", name).status == 201
    assert made.do("MKCOL", HOME + "other/").status == 201
    return made


def ask_sync(site: Site, token: str, **headers: str) -> Answer:
    return site.do("REPORT", BOOK, sync_collection(token), depth="0", **headers)


def key_of(site: Site, login: str) -> bytes:
    account = site.cell.directory.account(login)
    assert account is not None
    return bytes.fromhex(account.facts["key"])


def forged_tokens(site: Site, count: int) -> Iterator[str]:
    """Give tokens that are near to true ones and are none of this book."""
    chance = Random(3)
    good = ask_sync(site, "").token
    key, others_key = key_of(site, "alice"), key_of(site, "bob")
    other = site.cell.directory.collection(site.home, "other")
    assert other is not None
    for _ in range(count):
        number = chance.choice([0, 1, 4, 99, 10**9, (1 << 63) - 1])
        chain = chance.randbytes(8)
        at = chance.randrange(len(good))
        yield chance.choice(
            [
                write(SyncToken(site.book.id, number, chain), others_key),
                write(SyncToken(site.book.id, number, chain), chance.randbytes(32)),
                write(SyncToken(other.id, number, chain), key),  # our MAC, another collection
                write(SyncToken(1, number, chain), key),
                write(SyncToken(site.home, number, chain), key),
                good[:at],
                good[:at] + chance.choice("0123456789abcdefg:/") + good[at + 1 :] + "0",
                good + chance.choice([" x", "0", ":", "-gzip", "\u00e9"]),
                f'W/"{good}"',
                good.upper(),
                good.replace(":", "%3A"),
                "9" * chance.randrange(1, 4000),
                f"urn:uuid:{chance.randbytes(16).hex()}",
                "http://sabre.io/ns/sync/" + str(number),
            ]
        )


def state(site: Site) -> tuple[object, ...]:
    return dict(site.cell.heads), dict(site.cell.table), site.cell.batch


def assert_all_answer(site: Site) -> None:
    assert site.cell.frozen == []
    assert site.cell.directory.members(site.home, FREEZE) == []
    for path in (HOME, BOOK, HOME + "other/"):
        assert site.do("PROPFIND", path, depth="1").status == 207
    assert site.run(site.bob("PROPFIND", BOB, depth="1")).status == 207
    assert ask_sync(site, ask_sync(site, "").token).status == 207


def test_a_thousand_forged_tokens_freeze_nobody_and_write_nothing(site: Site) -> None:
    before = state(site)
    good = ask_sync(site, "").token

    for token in forged_tokens(site, TOKENS):
        if token not in {"", good}:
            assert ask_sync(site, token).status == 403, token
            assert ask_sync(site, token, user_agent=THUNDERBIRD).status == 400, token

    assert state(site) == before
    assert_all_answer(site)


def forged_etags(site: Site, count: int) -> Iterator[str]:
    chance = Random(4)
    good = site.do("GET", BOOK + "ann.vcf").headers["etag"].strip('"')
    for _ in range(count):
        digest = chance.randbytes(32).hex()  # as good as one from the future
        at = chance.randrange(1, len(good))
        yield chance.choice(
            [
                f'"{digest}"', f'W/"{digest}"', f'"{digest}-gzip"', f'"{digest}"-gzip',
                f'W/"{digest};gzip"', f'"{good[:at]}"', f'"{good}{good}"', f'"{good[:at]}-gzip"',
                f'"{good[::-1]}"', '""', 'W/""', '"-gzip"', f'"{"9" * 3000}"',
                f'"{digest}", "{good[:at]}"', digest,
            ]
        )  # fmt: skip


def test_a_thousand_forged_etags_freeze_nobody_and_change_nothing(site: Site) -> None:
    before = site.standing()

    for number, tag in enumerate(forged_etags(site, TOKENS)):
        if number % 2:
            answer = site.put("ann.vcf", "ann", "Changed", if_match=tag)
        else:
            answer = site.do("DELETE", BOOK + "ann.vcf", if_match=tag)
        assert answer.status == 412, tag

    assert site.standing() == before
    assert_all_answer(site)


@pytest.mark.parametrize("suffix", ["", "-gzip", ";gzip", "--gzip", "-br", "-zstd", "-GZIP"])
@pytest.mark.parametrize("weak", ["", "W/", "w/"])
@pytest.mark.parametrize("inside", [True, False])
def test_an_etag_is_known_again_whatever_a_proxy_made_of_it(
    site: Site, suffix: str, weak: str, inside: bool
) -> None:
    """I5: compared after stripping `W/` and the suffixes that compressing proxies add."""
    good = site.do("GET", BOOK + "ann.vcf").headers["etag"].strip('"')
    tag = f'{weak}"{good}{suffix}"' if inside else f'{weak}"{good}"{suffix}'

    assert site.do("GET", BOOK + "ann.vcf", if_none_match=tag).status == 304
    assert site.put("ann.vcf", "ann", "New", if_none_match=tag).status == 412
    assert site.put("ann.vcf", "ann", "New", if_match=tag).status == 204
    assert site.do("DELETE", BOOK + "ann.vcf", if_match=tag).status == 412  # it is another now


def test_one_true_token_that_no_journal_explains_freezes_exactly_that_account(site: Site) -> None:
    """I5: the opposite of a forged one; bob and the wrong tokens after it change nothing."""
    site.put("dan.vcf", "dan")
    token = ask_sync(site, "").token
    site.cell.forget(site.book.id, site.cell.head(site.book.id).number - 1)

    assert ask_sync(site, token).status == 503

    assert [(home, scope) for home, scope, _, _ in site.cell.frozen] == [(site.home, "account")]
    assert site.do("PROPFIND", HOME + "other/", depth="0").status == 503
    assert site.run(site.bob("PROPFIND", BOB, depth="1")).status == 207
    assert ask_sync(site, token).status == 503
    assert len(site.cell.frozen) == 1
