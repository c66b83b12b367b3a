"""`make crash`: run the crash harness, which lies beside the tests (tests/crash/main.py)."""

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent / "tests")

runpy.run_module("crash.main", run_name="__main__")
