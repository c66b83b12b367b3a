"""The process dies: by kill -9 at any moment, and at each single fsync in turn."""

from __future__ import annotations

import random
import time
from pathlib import Path

from crash.ground import Ground, ground
from crash.load import Shape
from crash.oracle import Findings

DIE_AT = Path(__file__).parent / "die_at.py"
LOAD_SECONDS = 15.0
FEW = Shape(objects=3, requests_max=8)


def kill_loop(place: Path, *, rounds: int, seed: int = 1) -> Findings:
    """Kill -9 under load and start again, some times over; all must be there each time."""
    chance = random.Random(seed)
    with ground(place) as site:
        findings = site.oracle.begin(f"kill -9, {rounds} times")
        for number in range(rounds):
            with site.load(seed=seed * 1000 + number):
                time.sleep(chance.uniform(0.2, 1.0))
                site.server.kill()
            site.server.start()
            site.inspect()
        return findings


def every_fsync(place: Path, *, step: int = 1, runs_max: int = 500) -> Findings:
    """Let the server end itself at its n-th fsync, n = 1, 1 + step, ... until none is left."""
    with ground(place) as site:
        findings = site.oracle.begin(f"killed at each fsync (step {step})")
        site.server.stop()
        number = 1
        for _ in range(runs_max):
            if not _dies_at(site, number):
                break
            number += step
        else:
            findings.note("the sweep ended before a run lived to its end")
            findings.lost += 1
        site.server.entry = ("-m", "strongroom")
        site.server.start()
        site.inspect()
        findings.event += f", {number} reached"
        return findings


def _dies_at(site: Ground, number: int) -> bool:
    """Run once with the end at fsync `number`; False if the load ended before that."""
    server = site.server
    server.entry = (str(DIE_AT), str(number))
    server.start(wait=False)
    try:
        if not server.answers(200):
            return not server.running
        site.inspect()
        with site.load(FEW, seed=number) as load:
            until = time.monotonic() + LOAD_SECONDS
            while time.monotonic() < until and server.running and not load.sent_all:
                time.sleep(0.01)
        return not server.running
    finally:
        if server.running:
            server.kill()
