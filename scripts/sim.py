"""Live simulated lives by their seeds, with the engine of this checkout: `make sim SEED=n`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from sim.run import main  # noqa: E402 - the simulator lies beside the tests that run it

if __name__ == "__main__":
    sys.exit(main())
