"""After the storm: reads every object and every listing, and has the oracle judge them.

Nothing is under way then, so a state that is shown once must stay; and what the server cannot show
after it had its time is lost.
"""

from __future__ import annotations

import time

from crash.kinds import Collection
from crash.oracle import Oracle
from phone.wire import (
    DAV,
    XML_TYPE,
    Answer,
    CutError,
    Multistatus,
    Wire,
    propfind,
    read_multistatus,
    sync_collection,
)

PATIENCE_SECONDS = 20.0
ROUNDS_MAX = 50


class Inspector:
    """A client that keeps a folded copy of a collection, from the first token on."""

    def __init__(self, wire: Wire, collection: Collection, oracle: Oracle) -> None:
        self._wire = wire
        self._collection = collection
        self._path = collection.path
        self._oracle = oracle
        self._token = ""
        self._folded: dict[str, str] = {}  # href -> etag, from deltas alone

    def inspect(self, *, settled: bool = True) -> None:
        """Look at everything once; `settled` = the server was restarted since the last write."""
        for href in self._oracle.hrefs:
            if href.startswith(self._path):
                self._object(href, settled=settled)
        depth_1 = self._listing()
        if depth_1 is None:
            return
        self._oracle.listed(set(depth_1), "PROPFIND", self._path)
        self._fold()
        views = {"folded deltas": self._folded, "a full sync": self._all()}
        if self._collection.component:
            views["a query by time"] = self._in_time()
        for what, found in views.items():
            if found != depth_1:
                apart = sorted(set(found.items()) ^ set(depth_1.items()))
                self._oracle.findings.false_deletions += 1
                self._oracle.findings.note(f"{what} and PROPFIND differ: {apart[:4]}")

    def _object(self, href: str, *, settled: bool) -> None:
        answer = self._patiently("GET", href)
        if answer is None:
            self._oracle.unreadable(href, "no answer in time")
        elif answer.status in {200, 404}:
            state = answer.body if answer.status == 200 else None
            self._oracle.read(href, state, settled=settled)
        else:
            self._oracle.unreadable(href, str(answer.status))

    def _listing(self) -> dict[str, str] | None:
        page = self._multistatus("PROPFIND", propfind(DAV + "getetag"), "1")
        return None if page is None else self._etags(page)

    def _all(self) -> dict[str, str]:
        page = self._multistatus("REPORT", sync_collection(""), "0")
        return {} if page is None else self._etags(page)

    def _in_time(self) -> dict[str, str]:
        page = self._multistatus("REPORT", self._collection.in_time(), "1")
        return {} if page is None else self._etags(page)

    def _fold(self) -> None:
        for _ in range(ROUNDS_MAX):
            page = self._multistatus("REPORT", sync_collection(self._token), "0")
            if page is None:
                return
            for item in page.items:
                if item.status == 404:
                    self._folded.pop(item.href, None)
                    self._oracle.removed(item.href)
            self._folded |= self._etags(page)
            self._token = page.token
            if not any(item.href == self._path and item.status == 507 for item in page.items):
                return

    def _etags(self, page: Multistatus) -> dict[str, str]:
        rows = {i.href: i.text(DAV + "getetag") for i in page.items if i.href != self._path}
        return {href: etag for href, etag in rows.items() if etag}

    def _multistatus(self, method: str, body: bytes, depth: str) -> Multistatus | None:
        answer = self._patiently(method, self._path, body, Content_Type=XML_TYPE, Depth=depth)
        if answer is not None and answer.status == 207:
            return read_multistatus(answer.body)
        status = "no answer" if answer is None else answer.status
        if answer is not None and answer.status in {403, 404, 410}:
            self._oracle.findings.false_404 += 1
        else:
            self._oracle.findings.lost += 1
        self._oracle.findings.note(f"{method} {self._path}: {status}")
        return None

    def _patiently(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> Answer | None:
        """Ask again after 503 and cuts, for a while."""
        until = time.monotonic() + PATIENCE_SECONDS
        answer: Answer | None = None
        while True:
            try:
                answer = self._wire.ask(method, path, body, **headers)
            except CutError:
                answer = None
            if (answer is not None and answer.status < 500) or time.monotonic() > until:
                return answer
            time.sleep(0.1)
