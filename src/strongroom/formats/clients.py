"""What a client calls itself: the family and version in its User-Agent, as the history keeps them.

`DAVx5/4.5-ose (dav4jvm; okhttp/5.1.0) Android/15` becomes `DAVx5/4.5-ose`; what begins with
`Mozilla/` is told by the product that ends it: `Thunderbird/140.3.0`. It is what a client claims,
and proves nothing.

Rules: pure; never raises; at most ENTRY_CLIENT_CHARACTERS_MAX printable characters of ASCII.
Source: RFC 9110 section 10.1.5.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from strongroom.base.limits import ENTRY_CLIENT_CHARACTERS_MAX

_LOOKED_AT_BYTES_MAX: Final = 1024
_COMMENT: Final = re.compile(rb"\([^()]*\)?")
_EVERYBODY: Final = b"Mozilla/"  # what every browser begins with; it tells nothing


@lru_cache(1024)  # phones send the same few again and again
def client_of(header: bytes) -> str:
    """Give the family and version of a client by its User-Agent; "" where it tells none."""
    words = _COMMENT.sub(b" ", header[:_LOOKED_AT_BYTES_MAX]).split()
    if not words:
        return ""
    word = words[-1] if words[0].startswith(_EVERYBODY) else words[0]
    text = word.decode("ascii", "ignore")
    return "".join(filter(str.isprintable, text))[:ENTRY_CLIENT_CHARACTERS_MAX]
