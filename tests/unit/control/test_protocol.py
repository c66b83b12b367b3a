"""The control socket's lines: what is understood, and that nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.errors import LockedError
from strongroom.control.protocol import (
    REQUEST_BYTES_MAX,
    AnsweredError,
    Progress,
    ProtocolError,
    Request,
    Result,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)


def test_a_request_comes_back_as_it_was():
    request = Request("device add", {"login": "Ελένη", "name": "a\nb"})
    line = encode_request(request)
    assert line.count(b"\n") == 1
    assert decode_request(line) == request


def test_arguments_may_be_left_out():
    assert decode_request(b'{"command":"status"}\n') == Request("status", {})


@pytest.mark.parametrize("answer", [Progress("half"), Result({"a": [1, None]})])
def test_an_answer_comes_back_as_it_was(answer: Progress | Result):
    assert decode_answer(encode_answer(answer)) == answer


def test_an_error_keeps_code_message_and_hint():
    answer = decode_answer(encode_answer(LockedError("held")))
    assert isinstance(answer, AnsweredError)
    assert (answer.code, str(answer), answer.hint) == ("locked", "held", LockedError.hint)


HOSTILE = [
    b"",
    b"\n",
    b"null\n",
    b"[]\n",
    b"{\n",
    b"\xff\xfe\n",
    b'{"command":1}\n',
    b'{"command":"status","arguments":[]}\n',
    b'{"command":"status","more":1}\n',
    b'{"arguments":{}}\n',
    b"[" * 60_000,
    b'{"command":"' + b"a" * REQUEST_BYTES_MAX + b'"}\n',
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_request_is_refused(line: bytes):
    with pytest.raises(ProtocolError):
        decode_request(line)


@pytest.mark.parametrize(
    "record", [{}, {"progress": 1}, {"result": 1}, {"error": {}}, {"error": {"code": "x"}}]
)
def test_what_is_no_answer_is_refused(record: dict[str, object]):
    with pytest.raises(ProtocolError):
        decode_answer(json.dumps(record).encode())


@given(st.binary(max_size=200))
def test_any_bytes_give_a_request_or_the_one_error(line: bytes):
    try:
        found: object = decode_request(line)
    except ProtocolError as error:
        found = error
    assert isinstance(found, Request | ProtocolError)
