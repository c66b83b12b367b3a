"""Plant each known fault in a copy of the source; a named test must go red: `make sabotage`."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
    runpy.run_module("sabotage.runner", run_name="__main__", alter_sys=True)
