"""The load: threads that write and read objects of their own, and tell the oracle all they hear.

Bounded in requests and time. Each object has one thread, so what may be read of it is never a race
between two writers. A thread that cannot connect waits a little: the server is being restarted.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from crash.kinds import Collection
from crash.oracle import Ending, Oracle, State
from phone.wire import DAV, XML_TYPE, Answer, CutError, Wire, read_multistatus, sync_collection

SLOW_SECONDS = 0.1
SMALL_TEXT = 200
LARGE_TEXTS = (70_000, 150_000)  # over the size from which bodies are files of their own


@dataclass(frozen=True)
class Shape:
    """How much load."""

    threads: int = 4
    objects: int = 12  # of each thread
    requests_max: int = 4000  # of each thread
    pause_seconds: float = 0.002


class Load:
    """Threads, each over one of some collections; use it as a context, `stop` ends it."""

    def __init__(
        self, address: str, login: str, password: str, collections: Sequence[Collection],
        oracle: Oracle, shape: Shape | None = None, seed: int = 1,
    ) -> None:  # fmt: skip
        self._target = (address, login, password)
        self.shape = shape or Shape()
        self.pause_seconds = self.shape.pause_seconds
        self._stopping = threading.Event()
        self._workers = [
            _Worker(
                self,
                number,
                collections[number % len(collections)],
                oracle,
                random.Random(f"{seed}/{number}"),
            )
            for number in range(self.shape.threads)
        ]

    def __enter__(self) -> Load:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all threads; a request under way is waited for."""
        self._stopping.set()
        for worker in self._workers:
            worker.join(60)
            assert not worker.is_alive(), "a request never ended"

    def slow_down(self) -> None:
        """Go on with little load."""
        self.pause_seconds = SLOW_SECONDS

    @property
    def sent_all(self) -> bool:
        """Say whether all threads have sent all they may."""
        return not any(worker.is_alive() for worker in self._workers)

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def wire(self) -> Wire:
        return Wire(*self._target)


class _Worker(threading.Thread):
    def __init__(
        self, load: Load, number: int, collection: Collection, oracle: Oracle,
        chance: random.Random,
    ) -> None:  # fmt: skip
        super().__init__(name=f"load {number}", daemon=True)
        self._load = load
        self._collection = collection
        self._oracle = oracle
        self._chance = chance
        self._wire = load.wire()
        self._token = ""
        self._versions = 0
        self._uids = [f"t{number}-{one}" for one in range(load.shape.objects)]

    def run(self) -> None:
        try:
            for _ in range(self._load.shape.requests_max):
                if self._load.stopping:
                    return
                self._one()
                time.sleep(self._load.pause_seconds)
        finally:
            self._wire.close()

    def _one(self) -> None:
        uid = self._chance.choice(self._uids)
        href = self._collection.href(uid)
        dice = self._chance.random()
        if dice < 0.55:
            self._put(href, uid)
        elif dice < 0.65:
            self._write("DELETE", href, None)
        elif dice < 0.95:
            self._get(href)
        else:
            self._sync()

    # --- writes -----------------------------------------------------------------------------------
    def _put(self, href: str, uid: str) -> None:
        self._versions += 1
        large = self._chance.random() < 0.08
        size = self._chance.choice(LARGE_TEXTS) if large else SMALL_TEXT
        stamp = self._chance.getrandbits(40)
        body = self._collection.body(uid, self._versions << 40 | stamp, size)
        is_new = self._oracle.allowed(href) == {None}
        condition = {"If_None_Match": "*"} if is_new else {}
        self._write("PUT", href, body, Content_Type=self._collection.media_type, **condition)

    def _write(self, method: str, href: str, state: State, **headers: str) -> None:
        self._oracle.sending(href, state)
        answer = self._ask(method, href, state or b"", **headers)
        if isinstance(answer, CutError):
            ending = Ending.UNKNOWN if answer.sent else Ending.FAILED
        elif answer.status in {200, 201, 204}:
            ending = Ending.ACKNOWLEDGED
        elif answer.status == 503:
            ending = Ending.UNKNOWN
        else:
            ending = Ending.FAILED
            if answer.status == 404:
                self._oracle.heard_404(href)
            elif answer.status < 500:
                self._oracle.failed(f"{method} {href}: {answer.status} {answer.body[:200]!r}")
        self._oracle.ended(href, state, ending)

    # --- reads ------------------------------------------------------------------------------------
    def _get(self, href: str) -> None:
        answer = self._ask("GET", href)
        if isinstance(answer, CutError):
            return
        if answer.status == 200:
            self._oracle.read(href, answer.body)
        elif answer.status == 404:
            self._oracle.read(href, None)

    def _sync(self) -> None:
        """Ask for what changed; each `removed` must have been asked for by somebody."""
        body = sync_collection(self._token)
        answer = self._ask("REPORT", self._collection.path, body, Content_Type=XML_TYPE, Depth="0")
        if isinstance(answer, CutError) or answer.status != 207:
            return
        page = read_multistatus(answer.body)
        self._token = page.token
        for item in page.items:
            if item.status == 404:
                self._oracle.removed(item.href)
            elif DAV + "getetag" not in item.found:
                self._oracle.failed(f"{item.href} listed with {item.status or item.failing}")

    # --- asking -----------------------------------------------------------------------------------
    def _ask(self, method: str, href: str, body: bytes = b"", **headers: str) -> Answer | CutError:
        try:
            answer = self._wire.ask(method, href, body, **headers)
        except CutError as error:
            if error.sent:
                self._oracle.asked()
                self._oracle.failed(f"{error}")
            else:
                time.sleep(0.05)
            return error
        self._oracle.asked()
        if answer.status >= 500:
            self._oracle.failed(f"{method} {href}: {answer.status}")
        return answer
