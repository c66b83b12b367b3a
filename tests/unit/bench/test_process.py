"""Servers under test end with the bench, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STARTS = """
import sys, time
from pathlib import Path
from bench.process import Process
print(Process(["sleep", "60"], Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


def test_a_bench_that_is_killed_leaves_no_server_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS, str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        server = int(killed.stdout.readline())
        killed.kill()
    until = time.monotonic() + 10
    while _runs(server) and time.monotonic() < until:
        time.sleep(0.02)
    left = _runs(server)
    if left:
        os.kill(server, signal.SIGKILL)
    assert not left


def _runs(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
