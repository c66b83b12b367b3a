"""A QR code on a terminal, and the words around it."""

from __future__ import annotations

import sys
from io import StringIO
from typing import Final

import segno

_BRIGHT_ON_DARK: Final = "\033[97;40m"
_PLAIN: Final = "\033[0m"
_QUIET: Final = 2  # modules of border; scanners want four on paper, and take two on a screen


def page_text(page: str, seconds: float, fingerprint: str) -> str:
    """Show the page that sets up a phone, as a QR code and as text; `fingerprint` to compare."""
    text = (
        f"Connect a phone: point its camera here, or open\n  {page}\n\n{qr_text(page)}\n"
        f"It works once, for {int(seconds) // 60} minutes."
    )
    if not fingerprint:
        return text
    return (
        f"{text} The phone's browser warns that it does not know the\ncertificate: go on if it "
        f"shows the fingerprint (SHA-256)\n  {fingerprint}"
    )


def qr_text(text: str) -> str:
    """Draw a QR code with half blocks."""
    out = StringIO()
    segno.make(text, error="l", micro=False).terminal(out, border=_QUIET, compact=True)
    rows = out.getvalue().rstrip("\n")
    if not sys.stdout.isatty():
        return rows
    # Bright on dark whatever the terminal's colours: not every camera reads a negative.
    return "\n".join(f"{_BRIGHT_ON_DARK}{row}{_PLAIN}" for row in rows.splitlines())
