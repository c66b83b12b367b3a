"""Prefer and Brief: how much of an answer a client wants to hear.

A preference is a wish: what cannot be read is passed over, as RFC 7240 wants.

Source: RFC 7240 section 2, RFC 8144; `Brief` is Microsoft's older spelling of return=minimal.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

HEADER_BYTES_MAX: Final = 1024  # what is longer is no wish that is known here
MINIMAL: Final = "return=minimal"
REPRESENTATION: Final = "return=representation"
NO_ROOT: Final = "depth-noroot"

_ONE: Final = re.compile(r'(?:[^,"]++|"(?:[^"\\]|\\.)*+")++')


class Preferences(NamedTuple):
    """What is wanted; `stated` are the ones that came with Prefer, to be named in the answer."""

    minimal: bool = False
    representation: bool = False
    no_root: bool = False
    stated: frozenset[str] = frozenset()


NONE: Final = Preferences()


def read_preferences(prefer: bytes | None, brief: bytes | None) -> Preferences:
    """Read both headers; None = not sent. Of a preference that is stated twice the first counts."""
    values: dict[str, str] = {}
    for one in _ONE.findall((prefer or b"")[:HEADER_BYTES_MAX].decode("latin-1")):
        name, _, value = one.partition(";")[0].partition("=")
        values.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    stated = {f"return={values['return']}"} if "return" in values else set()
    if NO_ROOT in values:
        stated.add(NO_ROOT)
    minimal = MINIMAL in stated or (brief or b"").strip().lower() == b"t"
    return Preferences(
        minimal and REPRESENTATION not in stated,
        REPRESENTATION in stated,
        NO_ROOT in stated,
        frozenset(stated),
    )
