"""Each request in `exchanges/` hears the answer that stands there, to the letter.

After a change that is meant: `python tests/protocol/make_exchanges.py` writes the answers anew, and
the difference shows what clients will hear.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from fakes.exchanges import played, read
from fakes.site import BOOK, HOME, Site
from strongroom.dav.app import _METHODS

FOLDER = Path(__file__).parent / "exchanges"
CALENDARS = "/dav/calendars/alice/"
FILES = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_asked_hears_what_stands_there(file: Path) -> None:
    text = file.read_text()
    assert played(text) == text


def test_every_method_and_report_is_there() -> None:
    asked = [one for file in FILES for one in read(file.read_text())]
    assert {one.method for one in asked} == set(_METHODS)
    bodies = [etree.fromstring(one.body) for one in asked if one.method == "REPORT"]
    assert {str(body.tag) for body in bodies} >= _offered()


def _offered() -> set[str]:
    """Which reports any address says that it has."""
    site, body = Site(), '<propfind xmlns="DAV:"><prop><supported-report-set/></prop></propfind>'
    places = ("/dav/", "/dav/principals/alice/", HOME, BOOK, CALENDARS, CALENDARS + "calendar/")
    answers = [site.do("PROPFIND", place, body, depth="0").xml for place in places]
    return {str(report[0].tag) for xml in answers for report in xml.iter("{DAV:}report")}
