"""Sync tokens: a place in the journal of one collection, written as a URI that only we can make.

`data:,strongroom:sync:1:<collection, hex>:<number>:<chain, 16 hex>:<MAC, 32 hex>`; the MAC is
HMAC-SHA256 over all text before its colon, cut to 16 bytes. `urn:` in the place of `data:,` is what
was written before: phones still hold such tokens. The wire property `getctag` is the same text.

Not here: whether a journal of ours explains the token; that is asked of the history (I5).
"""

from __future__ import annotations

import hmac
import re
from typing import Final, NamedTuple

from strongroom.formats import FormatError

CHAIN_BYTES: Final = 8  # of the journal's chain: enough to tell two histories apart
MAC_BYTES: Final = 16
_NUMBER_MAX: Final = (1 << 63) - 1  # ids and numbers have 63 bits
_FORM: Final = re.compile(
    r"((?:data:,|urn:)strongroom:sync:1:"
    r"(0|[1-9a-f][0-9a-f]{0,15}):(0|[1-9][0-9]{0,18}):([0-9a-f]{16})):([0-9a-f]{32})"
)


class SyncToken(NamedTuple):
    """What a client has seen: entry `number` of a journal whose chain there begins with `chain`."""

    collection: int
    number: int
    chain: bytes  # CHAIN_BYTES long


def write(token: SyncToken, key: bytes) -> str:
    """Give the token's text; `key` is the account's own (I5)."""
    assert len(token.chain) == CHAIN_BYTES
    assert 0 <= token.collection <= _NUMBER_MAX
    assert 0 <= token.number <= _NUMBER_MAX
    text = f"data:,strongroom:sync:1:{token.collection:x}:{token.number}:{token.chain.hex()}"
    return f"{text}:{_mac(text, key)}"


def read(text: str, key: bytes) -> SyncToken:
    """Read a token that was made with `key`.

    Raises:
        FormatError: `not-our-token`, whatever is wrong with it: a client learns nothing from us.
    """
    form = _FORM.fullmatch(text)
    if form is None or not hmac.compare_digest(_mac(form[1], key), form[5]):
        raise FormatError("not-our-token", "This sync token was not made here.")
    return SyncToken(int(form[2], 16), int(form[3]), bytes.fromhex(form[4]))


def _mac(text: str, key: bytes) -> str:
    return hmac.digest(key, text.encode(), "sha256")[:MAC_BYTES].hex()
