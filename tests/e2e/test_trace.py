"""`serve --trace DIR`: the terminal says plainly where, and nothing of anybody is in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.server import ServerError, ServerProcess
from phone.apple import Apple
from phone.database import card_bytes
from phone.family import Outcome


def test_a_phone_is_traced_without_its_names(prepared: ServerProcess, tmp_path: Path) -> None:
    server = prepared.copy_to(tmp_path / "site")
    server.more = ("--trace", str(tmp_path / "traces"))
    try:
        server.start()
        phone = Apple(server.wire("alice", server.passwords["phone"], Apple.AGENT))
        assert phone.refresh() is Outcome.DONE, phone.reason
        phone.save(card_bytes("beatrix-uid", "Beatrix Kiddo"))
        assert phone.sync() is Outcome.DONE, phone.reason
    finally:
        server.end()

    (file,) = (tmp_path / "traces").iterdir()
    assert f"to\n  {file}\n" in server.words()
    text = file.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"OPTIONS", "PROPFIND", "PUT", "REPORT"} <= {line["method"] for line in lines}
    assert Apple.AGENT in text
    for secret in ("alice", "eatrix", "Kiddo", "contacts", server.passwords["phone"]):
        assert secret not in text


@pytest.mark.parametrize("place", ["r1/traces", "data", "strongroom.toml/traces"])
def test_traces_that_cannot_be_written_there_start_nothing(
    prepared: ServerProcess, tmp_path: Path, place: str
) -> None:
    server = prepared.copy_to(tmp_path / "site")
    with pytest.raises(ServerError, match="Traces"):
        server.run("serve", "--trace", str(server.place / place))
