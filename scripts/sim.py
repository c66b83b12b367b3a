"""Live simulated lives by their seeds, with the engine of this checkout: `make sim SEED=n`."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
    runpy.run_module("sim.run", run_name="__main__", alter_sys=True)
