"""Evidence that we forgot can be kept as a name and read again (I5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.history.edits import Origin
from strongroom.history.evidence import Evidence, freeze_edit, read_evidence


@given(st.sampled_from(["token", "witness"]), st.integers(1), st.integers(0), st.binary())
def test_evidence_is_read_back_as_it_was_written(
    source: str, collection: int, number: int, chain: bytes
) -> None:
    evidence = Evidence(source, collection, number, chain.hex())
    assert read_evidence(evidence.text()) == evidence


def test_evidence_is_written_as_documented() -> None:
    assert Evidence("token", 7, 42, "c0ffee").text() == "token:7:42:c0ffee"


@pytest.mark.parametrize(
    "text", ["", "token", "token:7:42", "token:7:42:c0:ff", "token:x:42:c0", "token:7:-1:c0"]
)
def test_anything_else_is_no_evidence(text: str) -> None:
    """A thaw by hand may leave no evidence at all; that must not stop the next look-up."""
    assert read_evidence(text) is None


def test_a_freeze_tells_who_brought_the_evidence() -> None:
    """I5: the device by id and by name; a witness is no device."""
    by = Origin(77, "r1")
    edit = freeze_edit((5, "account"), "why", "token:7:42:c0", by, "handset")
    assert (edit.key.collection, edit.key.kind, edit.key.href) == (5, "freeze", "account")
    assert edit.data == '{"device":"handset","evidence":"token:7:42:c0","why":"why"}'
    assert edit.origin is by

    edit = freeze_edit((5, "9"), "why", "witness:7:42:c0")
    assert edit.data == '{"evidence":"witness:7:42:c0","why":"why"}'
    assert edit.origin.device == 0
