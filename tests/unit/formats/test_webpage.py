"""The frame of a page: complete, and with nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from strongroom.formats.webpage import HEADERS, page


def test_a_page_has_its_title_escaped_and_its_body_as_it_is() -> None:
    text = page("<A & B>", "<p>x</p>").decode()
    assert text.count("&lt;A &amp; B&gt;") == 2
    assert "<p>x</p>" in text
    assert text.startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")


def test_the_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    style = page("a", "").decode().partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = dict(HEADERS)[b"content-security-policy"].decode()
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script" not in policy
