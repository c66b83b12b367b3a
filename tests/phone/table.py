"""What a phone hears and what it then does: the words of the families' tables.

A family is a table from (step, what was heard) to an act; a cell that stands in no table is the
harmless one of `EVERYWHERE`, or an error after which everything is kept.
Source: what was read in the clients' code (the issue's table of clients).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from phone.wire import DAV, Answer, names_condition


class Step(Enum):
    """What the phone is at when it hears something."""

    SET_UP = "looking for the account"
    HOME = "listing the books"
    BOOK = "asking a book itself"
    LIST = "listing the cards, or what changed"
    FETCH = "fetching cards"
    PUT = "sending an edit"
    DELETE = "sending a deletion"


class Heard(Enum):
    """A whole answer, or what stands in one."""

    DONE = "2xx"
    BAD_REQUEST = "400"
    SIGN_IN = "401"
    FORBIDDEN = "403"
    BAD_TOKEN = "403 with valid-sync-token"
    NO_RIGHTS = "403 with need-privileges"
    GONE = "404 or 410"
    CONFLICT = "409 or 412"
    LATER = "503"
    FULL = "507"
    OTHER = "anything else"
    CUT = "no whole answer"
    # in a listing
    UNLISTED = "something that is here is not listed"
    UNLISTED_EDITED = "the same, with an unsent edit"
    EMPTY = "nothing at all is listed"
    ITEM_FAILS = "an item has a 5xx of its own"
    READ_ONLY = "a book may only be read"


class Act(Enum):
    """What the phone does about it."""

    GO_ON = "nothing is wrong"
    LATER = "keep everything, try again by itself"
    SIGN_IN = "keep everything, ask for the password"
    FAIL = "keep everything, tell the user"
    KEEP = "keep this one"
    PROBE = "ask the book itself"
    FORGET = "remove it here, with its unsent edits"
    RESYNC = "forget the token and list everything"
    TAKE_THEIRS = "drop the edit and fetch what the server has"
    GIVE_UP = "do not try to send this again"
    AS_NEW = "send it once more as a new card"


Table = Mapping[tuple[Step, Heard], Act]

EVERYWHERE: Final[Mapping[Heard, Act]] = {
    Heard.DONE: Act.GO_ON,
    Heard.SIGN_IN: Act.SIGN_IN,
    Heard.LATER: Act.LATER,
    Heard.CUT: Act.LATER,
}
ANSWERED_ERRORS: Final = (
    Heard.BAD_REQUEST, Heard.FORBIDDEN, Heard.BAD_TOKEN, Heard.NO_RIGHTS, Heard.CONFLICT,
    Heard.LATER, Heard.FULL, Heard.OTHER,
)  # fmt: skip

_BY_STATUS: Final = {
    200: Heard.DONE, 201: Heard.DONE, 204: Heard.DONE, 207: Heard.DONE, 400: Heard.BAD_REQUEST,
    0: Heard.CUT, 401: Heard.SIGN_IN, 404: Heard.GONE, 410: Heard.GONE, 409: Heard.CONFLICT,
    412: Heard.CONFLICT, 503: Heard.LATER, 507: Heard.FULL,
}  # fmt: skip


def heard(answer: Answer) -> Heard:
    """Say what an answer is; status 0 = there was none."""
    if answer.status != 403:
        return _BY_STATUS.get(answer.status, Heard.OTHER)
    if names_condition(answer.body, DAV + "valid-sync-token"):
        return Heard.BAD_TOKEN
    if names_condition(answer.body, DAV + "need-privileges"):
        return Heard.NO_RIGHTS
    return Heard.FORBIDDEN
