"""Bytes to values and back: vCard, WebDAV XML, conditions, tokens, addresses, credentials.

Pure: no I/O, no clock, no chance. Every reader here answers with a value or with its one error,
`FormatError`, whatever the bytes are; faces translate its `code`.
"""

from __future__ import annotations


class FormatError(ValueError):
    """Bytes are not what they should be; `code` is stable and in kebab-case."""

    def __init__(self, code: str, message: str = "") -> None:
        """Keep the code for programs and the message (or the code) for people."""
        super().__init__(message or code)
        self.code = code
        self.message = message or code
