"""The server as a whole: parts, control socket, cell, HTTP; and in reverse at the end.

A frozen cell still answers: 401 and 503 over HTTP, and the commands that may run on it. It is
tried again from time to time, so that a disk that is mounted late needs nobody to restart anything.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvloop

from strongroom import compose
from strongroom.base.errors import LockedError, OperatorError, SettingsError, StrongroomError
from strongroom.base.settings import Settings
from strongroom.control.copies import scrub_cell
from strongroom.control.listen import listening
from strongroom.control.phones import free_name, offer
from strongroom.control.reach import Lan, loopback, on_lan, phone_origin
from strongroom.control.room import Room
from strongroom.control.table import run
from strongroom.dav.wellknown import WellKnown
from strongroom.formats.hosts import origin_of, split_origin
from strongroom.mirror.site import FrozenCellError
from strongroom.portal.app import Portal, Way
from strongroom.server import App, Server
from strongroom.service.pairing import Pairings

_REOPEN_SECONDS: Final = 5.0
_PATIENCE_SECONDS: Final = 2.0  # with a copy that an opening makes; most are small
_LOCK_TRIES: Final = 10
_LOCK_PAUSE_SECONDS: Final = 0.2
_FIRST_SCRUB_SECONDS: Final = 60.0  # a start has other things to do
# Rot that nobody has read is a disk less than the status says, so a small cell is read often: the
# pause is a multiple of what a round took, and between a minute and a day.
_SCRUB_PAUSE_ROUNDS: Final = 50.0
_SCRUB_PAUSE_SECONDS: Final = (60.0, 86_400.0)
_CERTIFICATE_SECONDS: Final = 30.0  # between looks at the files
_COLLECT_AFTER: Final = 10_000  # objects; requests leave few cycles behind
_log: Final = logging.getLogger("strongroom.serve")


@dataclass(frozen=True, slots=True)
class Served:
    """What is told once requests are answered."""

    origins: list[str]  # where it answers
    trouble: OperatorError | None  # why the cell is frozen
    phone_origin: str  # where phones reach it encrypted; "" = nowhere
    certificate: dict[str, Any] | None
    lan: Lan | None
    unheard: str  # why it is not announced on the local network
    page: str  # of a phone that was asked for; works once
    no_page: StrongroomError | None  # why there is none though it was asked for
    traces: str = ""  # the file that requests are traced to


Announce = Callable[[Served], None]


def serve(
    settings: Settings,
    announce: Announce,
    lan: Lan | None = None,
    pair: str = "",
    traces: Path | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first.

    Args:
        settings: of the one server of these directories.
        announce: is told all that `Served` holds, once requests are answered.
        lan: listen there too, with TLS, and announce it.
        pair: the login of an account for which a page is offered that sets up one phone.
        traces: the directory that a redacted trace of each request is written to.

    Raises:
        OperatorError: it cannot be served. Nothing was created, but a certificate for `lan`.
    """
    uvloop.run(_Server(settings, announce, lan, pair, traces).run())


class _Server:
    def __init__(
        self,
        settings: Settings,
        announce: Announce,
        lan: Lan | None,
        pair: str,
        traces: Path | None,
    ) -> None:
        self._settings = settings
        self._announce = announce
        self._lan = lan
        self._pair = pair
        self._traces = traces  # the directory; then the file in it
        self._http: compose.HttpServer | None = None
        self._stopped = False

    async def run(self) -> None:
        """Start everything, wait for the end, close everything."""
        compose.allow_files()
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, partial(self._stop, task))
        try:
            await self._serve()
        except asyncio.CancelledError:
            if not self._stopped:
                raise

    def _stop(self, task: asyncio.Task[None]) -> None:
        """End well; asked a second time, do not wait for requests any longer."""
        if self._http is None:
            self._stopped = True
            task.cancel()
        else:
            self._http.force_exit = self._http.should_exit
            self._http.should_exit = True

    async def _serve(self) -> None:
        async with AsyncExitStack() as stack:
            parts = await self._parts(stack)
            compose.key_folder(self._settings).check()
            settings = on_lan(self._settings, self._lan) if self._lan else self._settings
            certificate = compose.live_certificate(settings)
            hosts = [settings.host, *([loopback(self._settings)] if self._lan else [])]
            doors = stack.enter_context(compose.http_sockets(hosts, settings.port))
            port = doors[0].getsockname()[1]
            room = Room(parts, None, serving=True, certificate=certificate)
            room.pairings = Pairings(asyncio.get_running_loop().time, parts.entropy)
            room.phone_origin = phone_origin(settings, port, certificate, self._lan)
            await stack.enter_async_context(self._held_open(room))
            await stack.enter_async_context(listening(settings.control_socket, partial(run, room)))
            stack.push_async_callback(
                _end, [asyncio.create_task(one) for one in self._duties(room)]
            )
            for door in doors:
                door.listen(compose.BACKLOG)  # from here on who comes is answered, soon
            unheard = await self._announced(stack, port)
            origins = [compose.url_of(door, encrypted=certificate is not None) for door in doors]
            well_known = WellKnown(settings.public_url, origins)
            app = self._application(room, unheard, well_known)
            self._http = compose.HttpServer(
                await self._traced(stack, room.parts, app),
                certificate.context if certificate else None,
                lambda: room.cell,
            )
            _rest_the_collector()
            self._announce(self._served(room, origins, unheard))
            await self._http.serve(sockets=doors)

    async def _announced(self, stack: AsyncExitStack, port: int) -> str:
        """Announce it on the local network; gives "", or why that cannot be done."""
        if self._lan is None:
            return ""
        # Not at the top: reading it takes a tenth of a second, which only a LAN needs.
        from strongroom.control.mdns import announced  # noqa: PLC0415

        return await stack.enter_async_context(announced(self._lan, port))

    def _application(self, room: Room, unheard: str, well_known: WellKnown) -> App:
        assert room.pairings is not None
        apple_origin = room.phone_origin
        local = room.certificate is not None and room.certificate.is_local()
        if self._lan and local and not unheard:
            # An address changes with the network's mood; a name that was announced does not.
            port = split_origin(room.phone_origin)[1]
            apple_origin = origin_of(self._lan.name, port)
        way = Way(room.phone_origin, apple_origin, room.certificate)
        portal = Portal(room.pairings, way, asyncio.get_running_loop().time)
        app = Server(
            lambda: room.cell, room.parts.entropy, portal=portal, positions=room.parts.positions,
            spans=room.spans, well_known=well_known,
        )  # fmt: skip
        return compose.behind_proxies(app, self._settings, room.parts.clock)

    async def _traced(self, stack: AsyncExitStack, parts: compose.Parts, app: App) -> App:
        if self._traces is not None:
            held = compose.traced(app, self._traces, parts)
            app, self._traces = await stack.enter_async_context(held)
        return app

    def _served(self, room: Room, origins: list[str], unheard: str) -> Served:
        page, no_page = "", None
        if self._pair:
            try:
                page = offer(room, self._pair, free_name(room, self._pair))
            except StrongroomError as error:  # phones that are connected are served all the same
                no_page = error
        report = room.certificate.report() if room.certificate else None
        return Served(
            origins, room.trouble, room.phone_origin, report, self._lan, unheard, page, no_page,
            str(self._traces or ""),
        )  # fmt: skip

    def _duties(self, room: Room) -> list[Coroutine[Any, Any, None]]:
        """Give what runs beside the requests until the end."""
        duties = [self._look_after(room), room.parts.positions.run()]
        if room.certificate is not None:
            authority = compose.local_authority(self._settings)
            duties.append(_watch(room.certificate, authority))
        return duties

    async def _parts(self, stack: AsyncExitStack) -> compose.Parts:
        """Take the locks; a command that is just ending (a look at the status) is waited for."""
        for _ in range(_LOCK_TRIES):
            with suppress(LockedError):
                return await stack.enter_async_context(compose.open_parts(self._settings))
            await asyncio.sleep(_LOCK_PAUSE_SECONDS)
        return await stack.enter_async_context(compose.open_parts(self._settings))

    @asynccontextmanager
    async def _held_open(self, room: Room) -> AsyncIterator[None]:
        """Have the cell open for the block; its first opening is waited for and may refuse."""
        first = asyncio.get_running_loop().create_future()
        holder = asyncio.create_task(self._hold_open(room, first))
        try:
            await first
            yield
        finally:
            holder.cancel()
            await asyncio.gather(holder, return_exceptions=True)

    async def _hold_open(self, room: Room, first: asyncio.Future[None]) -> None:
        """Open the cell, and again whenever an opening is over (frozen, or to be settled)."""

        def copying(held: int, of: int) -> None:
            if room.trouble is None:  # it may take its time: who asks meanwhile hears 503
                asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, _settle, first, None)
            room.trouble = FrozenCellError(
                f"it opens by itself once a copy is made: {held} of {of} batches are copied"
            )

        while True:
            try:
                async with AsyncExitStack() as stack:
                    async with room.changing:
                        cell = await stack.enter_async_context(room.parts.open_cell(copying))
                    stack.callback(setattr, room, "cell", None)
                    room.cell, room.trouble = cell, None
                    _settle(first, None)
                    _log.warning("the cell is opened anew: %s", await cell.ended())
            except OperatorError as error:
                if not first.done() and not isinstance(error, FrozenCellError):
                    _settle(first, error)
                    return
                room.trouble = error
                _settle(first, None)
                await asyncio.sleep(_REOPEN_SECONDS)

    async def _look_after(self, room: Room) -> None:
        """Scrub it slowly, for ever."""
        pause = _FIRST_SCRUB_SECONDS
        while True:
            await asyncio.sleep(pause)
            began = asyncio.get_running_loop().time()
            try:
                found = await scrub_cell(room, _log.info, self._settings.scrub_bytes_per_second)
            except StrongroomError as error:
                found = []
                _log.warning("the background scrub ended early: %s", error)
            for findings in found:
                if findings.damage or findings.lost or findings.healed or findings.short:
                    _log.warning("scrub of %s: %s", findings.replica, findings.report())
            took = asyncio.get_running_loop().time() - began
            least, most = _SCRUB_PAUSE_SECONDS
            pause = min(max(took * _SCRUB_PAUSE_ROUNDS, least), most)


async def _watch(certificate: compose.LiveCertificate, authority: compose.LocalAuthority) -> None:
    """Look at the certificate's files, and renew our own in time, for ever."""
    told = ""
    while True:
        await asyncio.sleep(_CERTIFICATE_SECONDS)
        trouble = await asyncio.to_thread(_keep, certificate, authority)
        if trouble and trouble != told:
            _log.warning("%s", trouble)
        told = trouble


def _keep(certificate: compose.LiveCertificate, authority: compose.LocalAuthority) -> str:
    """Serve a pair that is good, and say what is in its way."""
    trouble = ""
    try:
        if authority.keep(certificate):
            _log.info("the certificate was renewed; phones notice nothing")
    except SettingsError as error:
        trouble = str(error)
    certificate.refresh()
    return certificate.trouble or trouble


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _rest_the_collector() -> None:
    """Leave what was loaded at the start out of every later garbage collection."""
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


def _settle(first: asyncio.Future[None], error: Exception | None) -> None:
    if first.done():
        return
    if error is None:
        first.set_result(None)
    else:
        first.set_exception(error)
