"""Runs a command where it may run: in the running server, or here under the locks.

There is never a second writer. A server answers on its socket for as long as it holds the locks;
who finds neither a free lock nor a listening server says so, and has touched nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

from strongroom import compose
from strongroom.base.errors import LockedError
from strongroom.base.settings import Settings
from strongroom.control.ask import NoServerError, ask
from strongroom.control.copies import percent
from strongroom.control.protocol import Request
from strongroom.control.room import Room, Tell
from strongroom.control.table import Needs, find, run
from strongroom.mirror.site import FrozenCellError

T = TypeVar("T")
_TRIES: Final = 25  # a server that starts or stops holds the locks without listening for a moment
_PAUSE_SECONDS: Final = 0.2


def perform(settings: Settings, request: Request, tell: Tell) -> dict[str, Any]:
    """Run a command and give its result.

    Raises:
        LockedError: another process holds the directories, and no server answers. Nothing changed.
        StrongroomError: whatever the command raises, here or there.
    """
    command = find(request)
    for _ in range(_TRIES):
        try:
            return ask(settings.control_socket, request, tell)
        except NoServerError:
            pass
        try:
            return here(settings, lambda room: run(room, request, tell), command.needs, tell)
        except LockedError:
            time.sleep(_PAUSE_SECONDS)
    raise _nobody(settings)


def here(
    settings: Settings,
    work: Callable[[Room], Awaitable[T]],
    needs: Needs,
    tell: Tell = lambda _: None,
) -> T:
    """Run `work` in this process, under the locks; all is closed again on return.

    `tell` hears how far a copy is that must be made before the cell can open.

    Raises:
        LockedError: another process holds the directories. Nothing changed.
    """

    async def under_locks() -> T:
        async with _room(settings, needs, tell) as room:
            return await work(room)

    return asyncio.run(under_locks())


@asynccontextmanager
async def _room(settings: Settings, needs: Needs, tell: Tell) -> AsyncIterator[Room]:
    async with compose.open_parts(settings, looks_only=needs is Needs.READ) as parts:
        if needs in {Needs.READ, Needs.NOTHING}:
            yield Room(parts, None)
            return
        async with AsyncExitStack() as stack:
            room = Room(parts, None)
            try:
                room.cell = await stack.enter_async_context(parts.open_cell(percent(tell)))
            except FrozenCellError as error:
                if needs is Needs.OPEN:
                    raise
                room.trouble = error
            yield room


Asking = Callable[[str, dict[str, Any]], dict[str, Any]]


@contextmanager
def session(settings: Settings, tell: Tell, needs: Needs = Needs.OPEN) -> Iterator[Asking]:
    """Give what runs many commands one after another, over one opening of the cell.

    Long work (export, import) is cut into commands that each fit into a line of the protocol; with
    a server running each of them goes to it, without one the cell is opened, or looked at, once for
    all.

    Raises:
        LockedError: another process holds the directories, and no server answers. Nothing changed.
        StrongroomError: whatever opening raises; the commands raise their own.
    """
    with ExitStack() as stack:
        yield _begin(settings, tell, needs, stack)


def _begin(settings: Settings, tell: Tell, needs: Needs, stack: ExitStack) -> Asking:
    for _ in range(_TRIES):
        if _server_answers(settings, tell):
            return lambda name, given: ask(settings.control_socket, Request(name, given), tell)
        try:
            runner, room = stack.enter_context(_opened(settings, tell, needs))
        except LockedError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return lambda name, given: runner.run(run(room, Request(name, given), tell))
    raise _nobody(settings)


def _server_answers(settings: Settings, tell: Tell) -> bool:
    try:
        ask(settings.control_socket, Request("status"), tell)
    except NoServerError:
        return False
    return True


@contextmanager
def _opened(settings: Settings, tell: Tell, needs: Needs) -> Iterator[tuple[asyncio.Runner, Room]]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            yield runner, runner.run(stack.enter_async_context(_room(settings, needs, tell)))
        finally:
            runner.run(stack.aclose())


def _nobody(settings: Settings) -> LockedError:
    return LockedError(
        f"Another process holds the directories, and no server answers on "
        f"{settings.control_socket}; it may be starting or ending. Nothing was changed."
    )
