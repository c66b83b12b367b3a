"""Live simulated lives by their seeds: `make sim SEED=n`. A failure names seed and step."""

from __future__ import annotations

import argparse
import time
import traceback

from sim.calendars import CalendarWalk
from sim.checkers import acknowledged
from sim.walk import Walk

STEPS = 50_000


def live(seed: int, steps: int, kind: type[Walk] = CalendarWalk) -> Walk:
    """Live a life; a failure carries how to live it again and what happened last."""
    walk = kind(seed)
    try:
        walk.live(steps)
    except Exception as error:
        last = "\n  ".join(walk.told[-25:])
        raise AssertionError(
            f"seed {seed}, step {walk.world.loop.steps}: {error}\n"
            f"again with: make sim SEED={seed} ARGS='--steps {steps}'\n  {last}"
        ) from error
    return walk


def main(arguments: list[str] | None = None) -> int:
    """Live the lives that were asked for; 0 if all went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many, counted from --seed")
    parser.add_argument("--steps", type=int, default=STEPS)
    asked = parser.parse_args(arguments)
    failed = 0
    for seed in range(asked.seed, asked.seed + asked.seeds):
        begin = time.perf_counter()
        try:
            walk = live(seed, asked.steps)
        except AssertionError as error:
            failed += 1
            traceback.print_exception(error.__cause__)
            print(error)
            continue
        model, world = walk.world.model, walk.world
        print(
            f"seed {seed}: {world.loop.steps} steps, {walk.epochs} openings, "
            f"{len(set(model.attempts.values()))} edits, {acknowledged(model)} acknowledged, "
            f"{model.answers} answers, {sum(d.calls for d in world.disks)} disk calls, "
            f"{time.perf_counter() - begin:.1f} s, mark {world.mark()}"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
