"""A client that calls an ASGI application without sockets, as uvicorn would."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree


@dataclass(frozen=True)
class Answer:
    """What came back; `pieces` counts the body messages. No two have one `request_id`."""

    status: int
    headers: dict[str, str]
    body: bytes
    pieces: int
    request_id: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    @property
    def hrefs(self) -> list[str]:
        return [node.text or "" for node in self.xml.findall("{DAV:}response/{DAV:}href")]

    def response(self, href: str) -> etree._Element:
        for node in self.xml.findall("{DAV:}response"):
            if node.findtext("{DAV:}href") == href:
                return node
        raise AssertionError(f"{href} is not in {self.hrefs}")

    def prop(self, href: str, name: str) -> etree._Element | None:
        """The found property of a member; None where it is missing or not found."""
        for stat in self.response(href).findall("{DAV:}propstat"):
            if stat.findtext("{DAV:}status") == "HTTP/1.1 200 OK":
                return stat.find("{DAV:}prop/" + name)
        return None

    def status_of(self, href: str) -> str:
        return self.response(href).findtext("{DAV:}status") or ""

    @property
    def condition(self) -> str:
        """The element inside a DAV:error."""
        root = self.xml
        assert root.tag == "{DAV:}error", root.tag
        return str(root[0].tag)

    @property
    def token(self) -> str:
        return self.xml.findtext("{DAV:}sync-token") or ""


class CutError(Exception):
    """The application raised after the answer had begun: the connection would be cut."""


class Client:
    """One device; `user` None = no credentials."""

    def __init__(self, app: Any, user: str | None = None, password: str = "") -> None:
        self.app = app
        self.scheme = "http"
        self.headers: dict[str, str] = {}
        self.scope: dict[str, Any] = {}  # what the server's protocol would add
        if user is not None:
            secret = b64encode(f"{user}:{password}".encode()).decode()
            self.headers["authorization"] = f"Basic {secret}"

    async def __call__(
        self,
        method: str,
        path: str,
        body: bytes | str | Sequence[bytes] = b"",
        *,
        cut: bool = False,
        **headers: str,
    ) -> Answer:
        """Send a request; `cut` = the client goes away after the body's parts."""
        if isinstance(body, str):
            body = body.encode()
        parts = [body] if isinstance(body, bytes) else list(body)
        sent = {**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if isinstance(body, bytes) and body:
            sent.setdefault("content-length", str(len(body)))
        scope = {
            "type": "http",
            "scheme": self.scheme,
            "method": method,
            "path": path,
            "raw_path": path.encode("latin-1"),
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in sent.items()],
            **self.scope,
        }
        events: list[dict[str, Any]] = [
            {"type": "http.request", "body": p, "more_body": cut or i + 1 < len(parts)}
            for i, p in enumerate(parts)
        ]
        events.append({"type": "http.disconnect"})
        messages: list[Any] = []

        async def receive() -> Any:
            return events.pop(0) if len(events) > 1 else events[0]

        async def send(message: Any) -> None:
            messages.append(message)

        try:
            await self.app(scope, receive, send)
        except Exception as error:
            raise CutError(len(messages)) from error
        if not messages:
            return Answer(0, {}, b"", 0)
        return _answer(method, messages)


def _answer(method: str, messages: list[Any]) -> Answer:
    start, *rest = messages
    assert start["type"] == "http.response.start"
    assert rest
    assert not rest[-1].get("more_body")
    headers = {k.decode(): v.decode() for k, v in start["headers"]}
    assert len(headers) == len(start["headers"]), "a header was sent twice"
    body = b"".join(m.get("body", b"") for m in rest)
    length = headers.get("content-length")
    if length is not None and method != "HEAD":
        assert int(length) == len(body)
    request_id = headers.pop("x-request-id", "")
    return Answer(start["status"], headers, body, len(rest), request_id)
