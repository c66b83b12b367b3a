"""Answers that need no body read a small one all the same, so that the connection can go on.

nginx closes it otherwise, and says nothing (docs/decisions.md 22).
"""

from __future__ import annotations

from typing import Any

import pytest

from fakes.site import Site
from strongroom.base.limits import IGNORED_BYTES_MAX


async def heard(app: Any, path: str, size: int, headers: dict[str, str]) -> tuple[int, int]:
    """Send a body in two parts; gives the status, and how many bytes were taken."""
    parts = [b"x" * (size - size // 2), b"x" * (size // 2)]
    taken, statuses = [0], []

    async def receive() -> dict[str, Any]:
        part = parts.pop(0)
        taken[0] += len(part)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status", 0))

    given = {"content-length": str(size), **headers}
    scope = {
        "type": "http", "method": "PROPFIND", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": [(k.encode(), v.encode()) for k, v in given.items()],
    }  # fmt: skip
    await app(scope, receive, send)
    return statuses[0], taken[0]


EARLY = [("/.well-known/carddav", 301), ("/dav/", 401)]


@pytest.mark.parametrize(("path", "status"), EARLY)
def test_a_small_body_is_read_before_the_answer(path: str, status: int) -> None:
    site = Site()
    for size in (300, IGNORED_BYTES_MAX):
        assert site.run(heard(site.app, path, size, {})) == (status, size)


@pytest.mark.parametrize(("path", "status"), EARLY)
@pytest.mark.parametrize(
    ("size", "headers"),
    [
        (IGNORED_BYTES_MAX + 1, {}),  # a stranger is not listened to for longer
        (300, {"expect": "100-continue"}),  # it will not be sent
        (300, {"content-length": "x"}),
        (0, {}),
    ],
)
def test_any_other_body_is_not_waited_for(
    path: str, status: int, size: int, headers: dict[str, str]
) -> None:
    site = Site()
    assert site.run(heard(site.app, path, size, headers)) == (status, 0)
