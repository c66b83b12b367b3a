"""What the code of each closed issue wrote, the code of today opens and reads whole (I10)."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e.server import ServerProcess
from formats.sample import EXPECTED, PLACES, make
from phone.wire import DAV, XML_TYPE, Wire, propfind, read_multistatus

HERE = Path(__file__).parent
ISSUES = ("issue-2", "issue-3", "issue-4", "issue-5")


@pytest.mark.parametrize("issue", ISSUES)
def test_the_sample_opens_and_gives_every_byte(issue: str, tmp_path: Path) -> None:
    sample = HERE / issue
    if not sample.is_dir():
        pytest.skip(f"no sample of {issue} yet: scripts/make_format_sample.py {issue}")

    assert_reads_whole(sample, tmp_path / "copy")


def test_a_sample_made_now_opens_and_gives_every_byte(tmp_path: Path) -> None:
    make(tmp_path / "sample")

    assert_reads_whole(tmp_path / "sample", tmp_path / "copy")


def assert_reads_whole(sample: Path, place: Path) -> None:
    expected: dict[str, Any] = json.loads((sample / EXPECTED).read_text())
    server = ServerProcess(place)
    for name in PLACES:
        shutil.copytree(sample / name, place / name)
    try:
        server.start()
        for login, account in expected["accounts"].items():
            wire = server.wire(login, account["password"])
            for book, cards in account["books"].items():
                assert cards == read_book(wire, f"/dav/addressbooks/{login}/{book}/")
            for name, objects in account.get("calendars", {}).items():
                assert objects == read_book(wire, f"/dav/calendars/{login}/{name}/")
                kept = json.loads(server.run("refused", "list", login, "--json"))["refused"]
                assert len(kept) == 1
        for row in server.scrub():
            assert (row["damage"], row["lost"], row["healed"]) == ("", [], [])
    finally:
        server.end()


def read_book(wire: Wire, base: str) -> dict[str, str]:
    """Read every card that is listed, and the dead property, of a book."""
    names = (DAV + "getetag", "{urn:n}note")
    answer = wire.ask("PROPFIND", base, propfind(*names), Content_Type=XML_TYPE, Depth="1")
    assert answer.status == 207
    rows = read_multistatus(answer.body).by_href()
    assert rows.pop(base).text("{urn:n}note") == "kept"
    found = {}
    for href in rows:
        card = wire.ask("GET", href)
        assert card.status == 200
        name = href.removeprefix(base).replace("%20", " ").replace("%40", "@")
        found[name] = hashlib.sha256(card.body).hexdigest()
    return found
