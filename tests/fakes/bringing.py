"""What tests of an import share: cards, a file that is brought in, and what stands then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakes.site import Site
from strongroom.formats.cardstream import CardStream
from strongroom.formats.contactcsv import ContactCsv
from strongroom.history.edits import OURSELVES, Origin
from strongroom.history.entries import OBJECT
from strongroom.service.intake import Intake, Outcome
from strongroom.service.objects import add_object, no_limit

WHO = Origin(7, "import-1")


def person(uid: str, *lines: str, name: str = "Ann Lee", version: str = "3.0") -> bytes:
    own = [f"UID:{uid}"] if uid else []
    return "\r\n".join(
        ("BEGIN:VCARD", f"VERSION:{version}", *own, f"FN:{name}", *lines, "END:VCARD", "")
    ).encode()


def bring(
    site: Site, *cards: bytes, dry: bool = False, stream: CardStream | ContactCsv | None = None,
    chunk: int = 1 << 20, room: Callable = no_limit,
) -> list[Outcome]:  # fmt: skip
    return site.run(
        bringing(site, b"".join(cards), stream or CardStream(), dry=dry, chunk=chunk, room=room)
    )


async def bringing(
    site: Site, file: bytes, stream: Any, *, dry: bool = False, chunk: int = 1 << 20,
    room: Any = no_limit,
) -> list[Outcome]:  # fmt: skip
    """Bring a file in as the face and the command do."""
    intake = Intake(site.cell, site.book, WHO, room, dry=dry)
    await intake.begin()
    outcomes = []
    for at in range(0, len(file) + 1, chunk):
        part = file[at : at + chunk]
        async for some in intake.feed(stream, part, last=at + chunk > len(file)):
            outcomes += some
    return outcomes


def endings(outcomes: list[Outcome]) -> list[str]:
    return [one.ending for one in outcomes]


def standing(site: Site) -> dict[str, bytes]:
    _, members = site.run(site.cell.listing(site.book.id, OBJECT))
    return {one.href: site.cell.blobs[one.etag] for one in members}


def there(site: Site, *cards: bytes) -> None:
    for one in cards:
        site.run(add_object(site.cell, site.book, one, OURSELVES))
