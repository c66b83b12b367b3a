"""Make the sample of an issue that closes, once for ever: `make_format_sample.py issue-2`."""

import runpy
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"

target = TESTS / "formats" / sys.argv[1]
if target.exists():
    sys.exit(f"{target} is there already; a sample is never made anew.")
sys.path[0] = str(TESTS)
sys.argv[1:] = [str(target)]
runpy.run_module("formats.sample", run_name="__main__")
