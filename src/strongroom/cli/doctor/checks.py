"""The table of checks, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from strongroom.cli.doctor import inside, large, outside
from strongroom.cli.doctor.findings import Finding
from strongroom.cli.doctor.visit import Visit


class Need(NamedTuple):
    """What must be there before a check can be made; no words = then nobody misses it."""

    is_met: Callable[[Visit], bool]
    words: str


class Check(NamedTuple):
    """One check; `about` and `advice` are told where no answer comes at all."""

    name: str
    about: str
    run: Callable[[Visit], Iterator[Finding]]
    needs: tuple[Need, ...] = ()
    advice: str = ""


REACHED: Final = Need(lambda visit: visit.reached, "the server was not reached")
DATED: Final = Need(lambda visit: visit.ends > 0, "there is no certificate that is trusted")
SIGNED: Final = Need(
    lambda visit: visit.may_sign,
    "needs --login and --password-file, and a line that a password may go over",
)
PRINCIPAL: Final = Need(lambda visit: bool(visit.principal), "nothing says who signs in")
BOOK: Final = Need(lambda visit: bool(visit.book), "no address book was found")
HAS_CARD: Final = Need(lambda visit: bool(visit.card), "there is no card to look at")
MADE: Final = Need(lambda visit: visit.made, "")

CHECKS: Final = (
    Check("certificate", "the certificate", outside.certificate),
    Check("expiry", "the certificate's end", outside.expiry, (DATED,)),
    Check("http", "http", outside.plain_http, (REACHED,), "plain"),
    Check("well-known", "the well-known address", outside.well_known, (REACHED,), "upstream"),
    Check("challenge", "a stranger", outside.challenge, (REACHED,), "upstream"),
    Check("keep-alive", "a connection", outside.connection, (REACHED,), "upstream"),
    Check("discovery", "the address book", inside.discovery, (REACHED, SIGNED), "methods"),
    Check("methods", "the methods", inside.methods, (SIGNED, BOOK), "methods"),
    Check("calendars", "the calendar", inside.calendars, (SIGNED, PRINCIPAL), "methods"),
    Check("names", "a name with encoded characters", inside.names, (SIGNED, BOOK), "paths"),
    Check("card", "a card", inside.card, (SIGNED, BOOK), "methods"),
    Check("conditions", "If-Match", inside.conditions, (SIGNED, HAS_CARD), "conditions"),
    Check("etag", "a card's ETag", inside.etag, (SIGNED, HAS_CARD), "etag"),
    Check("compression", "a listing", inside.compression, (SIGNED, BOOK), "bytes"),
    Check("body", "a large body", large.body, (SIGNED, BOOK), "body"),
    Check("clean-up", "the card that was put there", inside.tidy_up, (MADE,), "methods"),
    Check("keep-alive", "an idle connection", outside.keep_alive, (REACHED,), "keep-alive"),
)
