"""Requests and their answers as text files that people read, and that are played.

A file is a story: exchanges one behind the other, on a new server with two accounts. Of each there
are a line that says what happens, the request, and the answer:

    ### what happens
    METHOD /path
    header: value

    body
    >>> 207
    header: value

    body

Line ends are those of the file; calendars and cards are sent with CRLF. XML of an answer is set
in lines. Sync tokens are called `{token 1}` and so on, in the order in which they were first told.
The headers of an answer that say the same everywhere are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from fakes.asgi import Answer
from fakes.site import Site

_TITLE = "### "
_ANSWER = ">>> "
_LEFT_OUT = frozenset({"content-length", "cache-control", "last-modified"})
_TEXT = re.compile("text/(calendar|vcard)")
_TOKEN = re.compile("data:,strongroom:sync:[0-9a-f:]+")
_NAME = re.compile(r"\{token (\d+)\}")


class Exchange(NamedTuple):
    """One request, as it stands in a file."""

    title: str
    method: str
    path: str
    headers: dict[str, str]
    body: str


def read(text: str) -> Iterator[Exchange]:
    """Read the requests of a file; the answers are passed over."""
    for part in text.split("\n" + _TITLE)[1:]:
        asked, _, _ = part.partition("\n" + _ANSWER)
        title, _, asked = asked.partition("\n")
        head, _, body = asked.partition("\n\n")
        first, *lines = head.splitlines()
        method, _, path = first.partition(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        yield Exchange(title, method, path, headers, body)


def played(text: str) -> str:
    """Play the requests of a file on a new server; gives the file with the answers that came."""
    story = _Story()
    head, _, _ = text.partition("\n" + _TITLE)
    return head + "\n" + "\n".join(story.play(one) for one in read(text))


class _Story:
    def __init__(self) -> None:
        self._site = Site()
        self._tokens: list[str] = []

    def play(self, one: Exchange) -> str:
        """Send one request; gives its part of the file."""
        answer = self._asked(one)
        told = [
            f"{_ANSWER}{answer.status}",
            *(f"{name}: {text}" for name, text in answer.headers.items() if name not in _LEFT_OUT),
            *_after_a_gap(_TOKEN.sub(self._called, _shown(answer))),
        ]
        headers = (f"{name}: {value}" for name, value in one.headers.items())
        asked = [_TITLE + one.title, f"{one.method} {one.path}", *headers, *_after_a_gap(one.body)]
        return "\n".join((*asked, *told)) + "\n"

    def _asked(self, one: Exchange) -> Answer:
        path, _, query = one.path.partition("?")
        body = _NAME.sub(lambda name: self._tokens[int(name[1]) - 1], one.body)
        if _TEXT.match(one.headers.get("content-type", "")):
            body = (body + "\n").replace("\n", "\r\n")
        self._site.alice.scope = {"query_string": query.encode()}
        return self._site.do(one.method, path, body, **one.headers)

    def _called(self, token: re.Match[str]) -> str:
        if token[0] not in self._tokens:
            self._tokens.append(token[0])
        return f"{{token {self._tokens.index(token[0]) + 1}}}"


def _after_a_gap(text: str) -> list[str]:
    return ["", text] if text else []


def _shown(answer: Answer) -> str:
    if not answer.body.startswith(b"<?xml"):
        return answer.text.replace("\r\n", "\n").rstrip("\n")
    root = answer.xml
    etree.indent(root)
    text = etree.tostring(root, encoding="unicode")
    return text.replace("&#13;\n", "\n").replace("\r\n", "\n").rstrip("\n")
