"""Basic credentials, and the forms in which logins and device passwords are compared.

Not here: whether they are right; that is answered from the accounts' loaded set.
Source: RFC 7617.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from base64 import b64decode
from typing import Final

from strongroom.formats import FormatError

HEADER_BYTES_MAX: Final = 4096  # a login and a password have some dozens
LOGIN_CHARACTERS_MAX: Final = 64
_LOGIN: Final = re.compile(rf"[a-z0-9][a-z0-9._@+\-]{{0,{LOGIN_CHARACTERS_MAX - 1}}}")
_SEPARATORS: Final = re.compile(r"[\s\-\u2010-\u2015]+")  # keyboards turn hyphens into dashes


def parse(header: bytes) -> tuple[str, str]:
    """Give login and password as sent; UTF-8, or else Latin-1, which some clients still send.

    Raises:
        FormatError: `no-credentials`.
    """
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic" or len(header) > HEADER_BYTES_MAX:
        raise FormatError("no-credentials", "Only Basic credentials are taken.")
    try:
        raw = b64decode(encoded.strip(), validate=True)
    except binascii.Error as error:
        raise FormatError("no-credentials", "The credentials are not in base64.") from error
    login, colon, password = _text(raw).partition(":")
    if not colon:
        raise FormatError("no-credentials", "The credentials have no colon.")
    return login, password


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def normalise_password(password: str) -> str:
    """Take out the dashes and spaces with which a device password is shown in groups."""
    return _SEPARATORS.sub("", password)


def normalise_login(login: str) -> str:
    """Give the one spelling under which a login is kept and compared.

    Raises:
        FormatError: `bad-login`: not 1 to 64 of a-z 0-9 . _ @ + - with a letter or digit first.
    """
    spelled = unicodedata.normalize("NFC", login.strip().casefold())
    if not _LOGIN.fullmatch(spelled):
        raise FormatError("bad-login", "A login is 1 to 64 letters, digits or . _ @ + -")
    return spelled
