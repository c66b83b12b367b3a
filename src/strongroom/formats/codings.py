"""Accept-Encoding: may an answer be compressed, must it be?

Not here: compressing. What cannot be read is passed over, for the header is a wish.
Source: RFC 9110 sections 8.4.1.3 and 12.5.3.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

HEADER_BYTES_MAX: Final = 1024  # what is longer is no wish that is known here
_ONE: Final = re.compile(
    r"\s*([\w!#$%&'*+.^`|~-]+)\s*(?:;\s*[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?"
)


class Wish(NamedTuple):
    """`gzip`: it is wanted at least as much as plain bytes; `plain`: those are acceptable."""

    gzip: bool
    plain: bool


PLAIN: Final = Wish(gzip=False, plain=True)


@lru_cache(256)
def read_wish(header: bytes) -> Wish:
    """Read Accept-Encoding."""
    weights: dict[str, float] = {}
    for one in header[:HEADER_BYTES_MAX].decode("latin-1").lower().split(","):
        if found := _ONE.fullmatch(one):
            weights.setdefault(found[1], float(found[2] or 1))
    other = weights.get("*")
    gzip = weights.get("gzip", weights.get("x-gzip", other or 0))
    identity = weights.get("identity")
    plain = (other != 0) if identity is None else identity > 0
    return Wish(gzip > 0 and gzip >= (identity or 0), plain)
