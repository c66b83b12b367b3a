"""A server under test as a process: start it, wait for it, weigh it, end it.

CPU and memory are those of the whole tree, read from /proc, so that a server is not cheaper for
having children. Linux only.
"""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

START_S = 60.0
STOP_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1  # prctl(2)


class ServerError(Exception):
    """A server did not start, did not answer, or did not end as it should."""


def free_port() -> int:
    """A loopback port that nobody held a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty if the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            parents.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo.extend(parents.get(pid, ()))
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of the tree, with the children that have ended."""
    return sum(sum(map(int, f[11:15])) for pid in tree(root) if (f := _stat(pid))) / _TICKS


def peak_mb(root: int) -> float:
    """The most memory in MB (10^6 bytes) that the processes of the tree had resident, each."""
    return sum(_peak_kb(pid) for pid in tree(root)) * 1024 / 1e6


def _peak_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def memory_mb(root: int) -> float:
    """Resident memory of the tree in MB (10^6 bytes); pages that are shared count in each."""
    pages = sum(int(f[21]) for pid in tree(root) if (f := _stat(pid)))
    return pages * _PAGE / 1e6


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """One running server with its log."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                # Of the bench's one thread; a bench that is killed leaves no server behind.
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - see above
            )

    @property
    def pid(self) -> int:
        """The process at the root of the tree."""
        return self._child.pid

    def wait_for_port(self, port: int) -> None:
        """Return when something listens; raise ServerError if it ends first or takes too long."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self._child.poll() is not None:
                raise ServerError(f"ended with {self._child.returncode}: {self.last_words()}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise ServerError(f"nothing listens after {START_S:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        """The end of the log."""
        return self._log.read_text(errors="replace")[-800:].strip()

    def stop(self) -> int:
        """Ask it to end, insist if it does not, and return its exit status."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                return self._child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._child.pid, signal.SIGKILL)
        return self._child.wait()


def run(command: Sequence[str | Path], cwd: Path | None = None, typed: str = "") -> str:
    """Run a short command and return what it printed; raise ServerError with its complaint."""
    words = [str(part) for part in command]
    try:
        done = subprocess.run(
            words, cwd=cwd, input=typed, capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerError(f"{words[0]}: {error}") from error
    if done.returncode != 0:
        complaint = (done.stderr or done.stdout)[-800:].strip()
        raise ServerError(f"{' '.join(words)} ended with {done.returncode}: {complaint}")
    return done.stdout
