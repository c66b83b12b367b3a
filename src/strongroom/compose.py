"""Puts the concrete parts together: locks, replicas, lanes, witness, cell, application, socket.

The only module that picks stores, and the only one that asks the world for time and chance. What it
opens it closes in reverse order, the locks last, so that nothing of ours is open when another
process may begin. It holds no rules of its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from strongroom.access_log import AccessLog
from strongroom.base import limits
from strongroom.base.errors import (
    CellExistsError,
    DamageError,
    NoCellError,
    SettingsError,
)
from strongroom.base.settings import Settings
from strongroom.formats.hosts import origin_of
from strongroom.mirror.cell import MirrorCell
from strongroom.mirror.initialise import initialise as initialise_cell
from strongroom.mirror.keeper import Progress
from strongroom.mirror.site import Site
from strongroom.mirror.survey import RebuildPlan, apply_rebuild, plan_rebuild, survey
from strongroom.mirror.unopened import Unopened, look
from strongroom.ports.cell import Cell
from strongroom.ports.world import Clock, Entropy, Testimony
from strongroom.server import App
from strongroom.service.accounts import Caller, shut_out
from strongroom.stores import marker, quarantine
from strongroom.stores.clock import SystemClock, SystemEntropy
from strongroom.stores.drafts import file_draft as file_draft  # noqa: PLC0414 - shown on
from strongroom.stores.drafts import folder_draft as folder_draft  # noqa: PLC0414 - shown on
from strongroom.stores.durable import Durable
from strongroom.stores.keys import KeyFolder
from strongroom.stores.locks import LockedLane, Locks
from strongroom.stores.positions import FilePositions
from strongroom.stores.sqlite import SqliteReplica
from strongroom.stores.threads import ThreadLane
from strongroom.stores.trace_file import TraceFile
from strongroom.stores.witness import FileWitness
from strongroom.trace import Trace
from strongroom.wire import OneWriteProtocol, part, sweep
from strongroom.wire import allow_files as allow_files  # noqa: PLC0414 - shown on

if TYPE_CHECKING:
    from strongroom.stores.tls import LiveCertificate as LiveCertificate  # noqa: PLC0414 - shown on
    from strongroom.stores.tls import LocalAuthority as LocalAuthority  # noqa: PLC0414 - as above

T = TypeVar("T")

MARK_BATCHES: Final = 4096  # a scrub that is stopped reads so many again at most
FINISH_SECONDS: Final = 30  # for requests under way when the server ends
CLOSE_SECONDS: Final = 5.0
BACKLOG: Final = 2048
TICKS_A_SECOND: Final = 10  # of uvicorn
_TRACE_NAME_BYTES: Final = 3  # two runs within a second have files of their own
_TRACE_KEY_BYTES: Final = 32
PART_TICKS: Final = 5  # a revoked device is out within half a second


@dataclass(slots=True)
class Parts:
    """All that a cell is made of, under the locks; opened and closed by `open_parts`."""

    settings: Settings
    sites: list[Site]
    eyes: list[ThreadLane]  # one for each site, to look at its directory: it may hang
    witness: FileWitness
    witness_lane: ThreadLane
    clock: Clock
    entropy: Entropy
    marks: ScrubMarks
    positions: FilePositions

    @asynccontextmanager
    async def open_cell(self, progress: Progress | None = None) -> AsyncIterator[MirrorCell]:
        """Open the cell for the block; takes and raises what `MirrorCell.open` does."""
        await self._check_devices()
        settings = self.settings
        cell = await MirrorCell.open(
            self.sites, self.witness, self.witness_lane, self.clock, self.entropy,
            write_quorum=settings.write_quorum, reserve_bytes=settings.reserve_bytes,
            progress=progress,
        )  # fmt: skip
        try:
            yield cell
        finally:
            await cell.close()

    async def _check_devices(self) -> None:
        """Refuse two replicas on one device; one that does not answer is not among them."""
        looks = [partial(_marked_device, place) for place in self.settings.replicas]
        _refuse_one_device(self.settings, await asyncio.gather(*map(_seen, self.eyes, looks)))

    async def look(self) -> Unopened:
        """Look at what lies in the places; raises what `mirror.unopened.look` raises."""
        testimony, doubt = None, ""
        try:
            testimony = await self._testimony()
        except DamageError as error:
            doubt = f"{error}"
        quorum = self.settings.write_quorum
        return await look(self.sites, testimony, quorum, self.clock, doubt)

    async def survey(self) -> dict[str, Any]:
        """Say what lies in each place, without opening the cell."""
        return await survey(self.sites, await self._testimony())

    async def plan_rebuild(self, source: str) -> RebuildPlan:
        """Plan the way past a lost quorum; see mirror.survey."""
        testimony, quorum = await self._testimony(), self.settings.write_quorum
        return await plan_rebuild(self.sites, testimony, source, quorum)

    async def apply_rebuild(self, plan: RebuildPlan, progress: Progress) -> frozenset[str]:
        """Carry the plan out; gives the digests of bodies that no place could give."""
        return await apply_rebuild(plan, self.sites, self.clock, self.entropy, progress)

    async def drop_quarantine(self, place: str) -> tuple[int, int]:
        """Delete for good what was set aside in a place; gives how many files and bytes."""
        (site,) = [site for site in self.sites if site.place == place]
        return await site.write.run(lambda: quarantine.drop(Path(place)))

    async def _testimony(self) -> Testimony | None:
        return await self.witness_lane.run(self.witness.recall)

    async def disks(self) -> list[dict[str, Any]]:
        """Say of each place which device it lies on, and what was set aside in it.

        None where nothing is there, or where it does not answer now.
        """
        return await asyncio.gather(*map(_disk, self.settings.replicas, self.eyes))


async def _disk(place: Path, eye: ThreadLane) -> dict[str, Any]:
    most = limits.QUARANTINE_FILES_COUNTED_MAX
    return {
        "place": str(place),
        "device": await _seen(eye, lambda: _device(place)),
        "quarantine": await _seen(eye, lambda: quarantine.count(place, most)),
    }


async def _seen(eye: ThreadLane, look: Callable[[], T]) -> T | None:
    """Look at a place; None where it does not answer now."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limits.READ_SECONDS_MAX):
            return await eye.run(look)
    return None


@asynccontextmanager
async def open_parts(settings: Settings, *, looks_only: bool = False) -> AsyncIterator[Parts]:
    """Take the locks and make the parts; nothing of the cell is opened yet.

    `looks_only`: no file of a replica will be changed, made or removed through these parts.

    Raises:
        LockedError: another process holds a directory. Nothing was touched.
        NoCellError: neither `data` nor any replica is there. Nothing was created.
    """
    _require_data(settings, make=not looks_only)
    with Locks() as locks:
        locks.take([settings.data])
        yielded = _make_parts(settings, looks_only=looks_only)
        try:
            await _lock_places(yielded, locks)
            yield yielded
        finally:
            await yielded.positions.close()
            await asyncio.gather(*(_close_site(site) for site in yielded.sites))
            for eye in yielded.eyes:
                eye.close()
            await yielded.witness_lane.run(yielded.witness.close)
            yielded.witness_lane.close()


async def _lock_places(parts: Parts, locks: Locks) -> None:
    """Lock all places that answer; whatever is asked of another waits until it is locked.

    So a disk that hangs keeps no cell shut, and is nobody's before it is ours.
    """
    places = parts.settings.replicas
    taken = [eye.run(partial(locks.take_one, p)) for p, eye in zip(places, parts.eyes, strict=True)]
    _, late = await asyncio.wait(taken, timeout=limits.LISTING_SECONDS_MAX)
    for one in taken:
        if one in late:
            one.cancel()  # it goes on, and nobody listens
        else:
            one.result()
    for place, site in zip(places, parts.sites, strict=True):
        if not locks.holds(place):
            site.write = LockedLane(f"write {place.name}", locks, place)
            site.read = LockedLane(f"read {place.name}", locks, place)


async def _close_site(site: Site) -> None:
    """Close a replica; one whose disk hangs must not keep the process from ending."""
    with suppress(TimeoutError, DamageError):
        await asyncio.wait_for(site.write.run(site.replica.close), CLOSE_SECONDS)
    site.write.close()
    site.read.close()


def _make_parts(settings: Settings, *, looks_only: bool) -> Parts:
    sites = []
    for place in settings.replicas:
        lanes = (ThreadLane(f"write {place.name}"), ThreadLane(f"read {place.name}"))
        sites.append(Site(str(place), SqliteReplica(place, looks_only=looks_only), *lanes))
    eyes = [ThreadLane(f"look {place.name}") for place in settings.replicas]
    witness = FileWitness(settings.data / "witness")
    marks = ScrubMarks(settings.data / "scrub.json")
    lane, clock = ThreadLane("witness"), SystemClock()
    positions = FilePositions(settings.data / "positions.db", ThreadLane("positions"), clock)
    return Parts(settings, sites, eyes, witness, lane, clock, SystemEntropy(), marks, positions)


def _require_data(settings: Settings, *, make: bool) -> None:
    """Make `data` anew beside existing replicas: a lost system disk must not end a cell."""
    if settings.data.is_dir():
        return
    if not any(_marked(place) for place in settings.replicas):
        raise NoCellError
    if make:
        Durable().make_dirs(settings.data)


# --- the beginning of a cell ----------------------------------------------------------------------
async def initialise(settings: Settings) -> str:
    """Create the cell in new or empty directories; gives its id.

    Raises:
        CellExistsError: a replica or the witness knows a cell. Nothing was touched.
        SettingsError: a place cannot be used, or two lie on one device. Nothing was created but
            empty directories.
    """
    for place in settings.replicas:
        if _marked(place):
            raise CellExistsError(f"{place} holds a replica already. Nothing was touched.")
    try:
        for directory in (settings.data, *settings.replicas):
            Durable().make_dirs(directory)
    except DamageError as error:
        raise SettingsError(f"A directory cannot be made: {error}.") from error
    _refuse_one_device(settings, [_device(p) if p.is_dir() else None for p in settings.replicas])
    async with open_parts(settings) as parts:
        return await initialise_cell(
            parts.sites, parts.witness, parts.witness_lane, parts.clock, parts.entropy,
            write_quorum=settings.write_quorum,
        )  # fmt: skip


def _marked(place: Path) -> bool:
    """Say whether a replica lies there: a mount point without its disk has no marker."""
    return (place / marker.NAME).exists()


def _device(place: Path) -> int | None:
    try:
        return os.stat(place).st_dev
    except OSError:
        return None


def _marked_device(place: Path) -> int | None:
    return _device(place) if _marked(place) else None


def _refuse_one_device(settings: Settings, devices: Sequence[int | None]) -> None:
    """Refuse two replicas on one device, which would die together, unless it is only a toy."""
    if settings.toy:
        return
    seen: dict[int, Path] = {}
    for place, device in zip(settings.replicas, devices, strict=True):
        if device is None:
            continue
        if device in seen:
            raise SettingsError(
                f"{seen[device]} and {place} lie on one device and would die with it. Put each "
                "replica on a disk of its own; to try things out only, set toy = true."
            )
        seen[device] = place


class ScrubMarks:
    """How far each replica's bodies were read (upkeep.scrub.Bookmark); losing it loses nothing."""

    def __init__(self, path: Path) -> None:
        """Keep it in a file of `data`."""
        self._path = path
        self._kept: dict[str, int] = {}

    def load(self) -> dict[str, int]:
        """Give what was kept; whatever cannot be read counts as nothing."""
        try:
            found = json.loads(self._path.read_bytes())
            return {str(name): int(number) for name, number in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def save(self, marks: Mapping[str, int]) -> None:
        """Keep it, if it moved by much; a disk that takes it not now will take it later."""
        moved = [marks[name] - self._kept.get(name, 0) for name in marks]
        if marks.keys() == self._kept.keys() and max(moved, default=0) < MARK_BATCHES:
            return
        self._kept = dict(marks)
        try:
            Durable().replace(self._path, json.dumps(dict(marks)).encode() + b"\n")
        except DamageError:
            return


# --- HTTP -----------------------------------------------------------------------------------------
class HttpServer(uvicorn.Server):
    """uvicorn without its own opinion on signals: it would end the process with the signal."""

    def __init__(
        self,
        app: App,
        tls: ssl.SSLContext | None = None,
        cell: Callable[[], Cell | None] = lambda: None,
    ) -> None:
        """Serve `app`; over TLS where there is a context for it; `cell` knows who is let in."""
        # Anybody can send what is no HTTP; it is answered, and must not fill a log.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        config = uvicorn.Config(
            app, http=OneWriteProtocol, loop="uvloop", ws="none", lifespan="off",
            interface="asgi3", log_config=None, access_log=False, server_header=False,
            date_header=True, proxy_headers=False, backlog=BACKLOG,
            timeout_graceful_shutdown=FINISH_SECONDS,
        )  # fmt: skip
        config.load()
        config.ssl = tls  # ready made: its files are read again while it is in use
        super().__init__(config)
        self._cell = cell

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none; control/serve.py listens to them and sets `should_exit`."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Do what uvicorn does ten times a second; look for slow clients, and for shut out ones."""
        if counter % TICKS_A_SECOND == 0:
            sweep(self.server_state.connections, asyncio.get_running_loop().time())
        if counter % PART_TICKS == 0:
            part(self.server_state.connections, self._is_shut_out)
        return await super().on_tick(counter)

    def _is_shut_out(self, caller: Caller) -> bool:
        cell = self._cell()
        return cell is not None and shut_out(cell.directory, caller)


def behind_proxies(app: App, settings: Settings, clock: Clock) -> App:
    """Learn from trusted proxies who asks, and log it, each where it is wanted."""
    outer: Any = app
    if settings.access_log == "stderr":
        outer = AccessLog(outer, clock, sys.stderr.write)
    if settings.trusted_proxies:
        outer = ProxyHeadersMiddleware(outer, list(settings.trusted_proxies))
    return cast(App, outer)


@asynccontextmanager
async def traced(app: App, folder: Path, parts: Parts) -> AsyncIterator[tuple[App, Path]]:
    """Stand around `app` and write redacted traces for the block; gives the file too.

    Raises:
        SettingsError: the file cannot be made there. Nothing was changed.
    """
    for place in (parts.settings.data, *parts.settings.replicas):
        if folder == place or place in folder.parents:
            raise SettingsError(f"Traces go to a directory of their own, not into {place}.")
    moment = datetime.fromtimestamp(parts.clock.now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"trace-{moment}-{parts.entropy.token(_TRACE_NAME_BYTES).hex()}.ndjson"
    lane = ThreadLane("trace")
    file = TraceFile(folder / name, lane)
    try:
        try:
            await file.open()
        except DamageError as error:
            raise SettingsError(f"Traces cannot be written to {folder}: {error}.") from error
        yield Trace(app, file.write, parts.clock, parts.entropy.token(_TRACE_KEY_BYTES)), file.path
    finally:
        await file.close()
        lane.close()


@contextmanager
def http_sockets(hosts: Sequence[str], port: int) -> Iterator[list[socket.socket]]:
    """Take an address on each host, all on one port; connections wait until they are answered.

    Raises:
        SettingsError: one is taken or is not ours. Nothing was opened.
    """
    with ExitStack() as stack:
        doors: list[socket.socket] = []
        for host in dict.fromkeys(hosts):
            doors.append(stack.enter_context(_http_socket(host, port)))
            port = doors[0].getsockname()[1]  # 0 = any free one
        yield doors


def _http_socket(host: str, port: int) -> socket.socket:
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise SettingsError(
            f"{host} port {port} cannot be listened to: {error.strerror}. Nothing was changed."
        ) from error
    return door


def url_of(door: socket.socket, *, encrypted: bool) -> str:
    """Give the address that a bound socket is reached at."""
    host, port = door.getsockname()[:2]
    return origin_of(host, port, "https" if encrypted else "http")


# --- keys -----------------------------------------------------------------------------------------
def key_folder(settings: Settings) -> KeyFolder:
    """Give the keys of this server; they are looked at without the locks."""
    return KeyFolder(settings.data, settings.tls_key)


def back_up_keys(
    settings: Settings, target: Path, recipients: Sequence[str], passphrase: str
) -> dict[str, Any]:
    """Write the keys as one age file; see stores.keybackup."""
    from strongroom.stores.keybackup import Seal, back_up  # noqa: PLC0415 - as below

    return back_up(key_folder(settings), target, Seal(recipients, passphrase))


# --- TLS ------------------------------------------------------------------------------------------
# The modules behind these are imported by who needs them: reading them takes a tenth of a second.
def local_authority(settings: Settings) -> LocalAuthority:
    """Give the authority of this server's own, whose files may not be there yet."""
    from strongroom.stores.tls import LocalAuthority  # noqa: PLC0415 - see above

    return LocalAuthority(settings.data / "keys", SystemClock(), SystemEntropy())


def live_certificate(settings: Settings) -> LiveCertificate | None:
    """Load the certificate that the settings name; None where they name none.

    Raises:
        SettingsError: it cannot be used.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    from strongroom.stores.tls import LiveCertificate  # noqa: PLC0415 - see above

    authority = local_authority(settings).authority
    return LiveCertificate(settings.tls_certificate, settings.tls_key, authority)
