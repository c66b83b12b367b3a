"""What a command finds when it runs: the parts, and the cell if it could be opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strongroom.base.errors import InvalidError, OperatorError
from strongroom.compose import Parts
from strongroom.history.edits import Origin
from strongroom.mirror.cell import MirrorCell
from strongroom.mirror.unopened import Unopened
from strongroom.service.imports import Imports
from strongroom.service.pairing import Pairings
from strongroom.service.spans import Spans

if TYPE_CHECKING:
    from strongroom.compose import LiveCertificate

Tell = Callable[[str], None]  # one line for a person who waits
Arguments = dict[str, Any]  # checked against the command's declaration


@dataclass(slots=True)
class Room:
    """The world of one command: in a running server, or under the locks without one."""

    parts: Parts
    cell: MirrorCell | None
    trouble: OperatorError | None = None  # why there is no cell though one was wanted
    serving: bool = False
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)  # opening, or a rebuild of all
    undoing: asyncio.Lock = field(default_factory=asyncio.Lock)  # one undo at a time
    scrubbing: asyncio.Lock = field(default_factory=asyncio.Lock)  # one scrub at a time
    scrubbed: dict[str, Any] | None = None  # what the last one found
    certificate: LiveCertificate | None = None  # what a server serves over TLS
    pairings: Pairings | None = None  # of a server
    imports: Imports = field(default_factory=Imports)
    spans: Spans = field(default_factory=Spans)  # the index by time that queries are answered from
    phone_origin: str = ""  # what phones are told; "" = none can reach it encrypted
    looked: Unopened | None = None  # what a look found; kept where nobody else can change it

    def open_cell(self) -> MirrorCell:
        """Give the cell; raises why there is none."""
        if self.cell is None:
            raise self.trouble or InvalidError("This command needs an open cell.")
        return self.cell


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command: where it runs, what it was given, whom to tell how it goes."""

    room: Room
    given: Arguments
    tell: Tell
    notes: list[str] = field(default_factory=list)  # what a program must know of the result

    @asynccontextmanager
    async def reading(self, *, proven: bool = True) -> AsyncIterator[MirrorCell | Unopened]:
        """Give what can be read: the open cell, or what lies there without one.

        Without one the person who asked is told what of it is not proven. It holds off an opening
        meanwhile, for that changes what lies there.

        Args:
            proven: raise UnsureError where a proof is wanting; else what one copy holds is given
                as it lies there, for a person who is told so.

        Raises:
            NoCellError, FrozenCellError, SettingsError: nothing lies there that can be read.
        """
        room = self.room
        if room.cell is None:
            async with room.changing:
                if room.cell is None:
                    found = room.looked or await room.parts.look()
                    self.notes.append(found.note)
                    if found is not room.looked and not found.sure:
                        self.tell(found.note)
                    room.looked = None if room.serving else found
                    yield found if proven else found.believed()
                    return
        yield room.open_cell()


def origin(command: str) -> Origin:
    """Say in the journal that the operator did it: device 0, and by which command."""
    return Origin(request=f"command {command}")
