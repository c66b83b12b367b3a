"""Whatever stands and whatever comes in: a second run changes nothing, and nothing is lost."""

from __future__ import annotations

import contextlib
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.bringing import bring, standing, there
from fakes.site import Site
from strongroom.base.errors import ClientError

LINES = [
    *("FN:Ann Lee", "FN:ann  lee", "FN:Bob", "N:Lee;Ann;;;", "N:;Ann;;;Jr.", "N:Lee;;;;"),
    *("TEL:1234567", "TEL;TYPE=CELL:0049171/1234567", "item1.TEL:0171 1234567", "TEL;HOME:112"),
    *("EMAIL:a@x", "EMAIL;TYPE=work:A@X", "EMAIL:b@x", "BDAY:1980-01-01", "BDAY:19900202"),
    *("item1.X-ABLabel:odd", "NOTE:n1", "NOTE:n2", "NOTE;ENCODING=QUOTED-PRINTABLE:n=C3=BC"),
    *("ORG:Acme", "ORG:Other;Dept", "KIND:group", "TITLE:t"),
]
VALUES = re.compile(r"(?:TEL|EMAIL|NOTE|TITLE)[^:\n]*:([^\n]*)")


@st.composite
def cards(draw: st.DrawFn, *, old: bool = True) -> bytes:
    version = draw(st.sampled_from(["3.0", "4.0", *["2.1"] * old]))
    uid = draw(st.sampled_from(["", "a", "b", "urn:uuid:b", "c"] if old else ["a", "b", "c", "d"]))
    lines = draw(st.lists(st.sampled_from(LINES), max_size=6))
    own = [f"UID:{uid}"] if uid else []
    end = draw(st.sampled_from(["\r\n", "\n"]))
    return end.join(["BEGIN:VCARD", f"VERSION:{version}", *own, *lines, "END:VCARD", ""]).encode()


def values(body: bytes) -> set[str]:
    """What a card says that no merge may lose, as it is compared."""
    found = VALUES.findall(body.decode().replace("\r\n", "\n"))
    return {
        value.lower().replace("=c3=bc", "ü").translate({ord(s): None for s in " /"})
        for value in found
    }


@settings(max_examples=60)
@given(st.lists(cards(old=False), max_size=4), st.lists(cards(), max_size=6), st.integers(0, 1))
def test_any_file_twice_changes_nothing_and_loses_nothing(
    stand: list[bytes], come: list[bytes], small: int
) -> None:
    site = Site()
    for one in stand:
        with contextlib.suppress(ClientError):  # its UID stands already
            there(site, one)
    before = standing(site)
    outcomes = bring(site, *come, chunk=50 if small else 1 << 20)
    after = standing(site)
    assert all(values(body) <= values(after[href]) for href, body in before.items())
    line = 1
    by_line = {outcome.line: outcome for outcome in outcomes}
    for one in come:
        assert values(one) <= values(after[by_line[line].href])
        line += one.count(b"\n")
    again = bring(site, *come, chunk=50 if small else 1 << 20)
    assert {outcome.ending for outcome in again} <= {"unchanged"}
    assert standing(site) == after
