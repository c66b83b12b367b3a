"""Plant each fault in a copy of the source and run its tests: one of them must fail.

A fault that no test notices is a survivor and fails the run; so does one whose old text is not
there any more exactly once, and one whose tests fail for another reason than a failed assertion
(they cannot be collected, or do not exist). The last line is `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sabotage.faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS_MAX = 120
AT_ONCE = 2
TESTS_FAILED = 1  # pytest's exit code


class MisplacedError(Exception):
    """The old text of a fault is not in its file exactly once."""


def planted(source: str, fault: Fault) -> str:
    """Give the text of a file with the fault in it."""
    if source.count(fault.old) != 1:
        raise MisplacedError(f"its text is {source.count(fault.old)} times in {fault.file}")
    assert fault.old != fault.new
    return source.replace(fault.old, fault.new)


def verdict(fault: Fault) -> str:
    """Plant one fault; gives "" if a test went red, else what is wrong."""
    with tempfile.TemporaryDirectory(prefix="sabotage-") as name:
        copy = Path(name) / "src"
        shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        path = copy / "strongroom" / fault.file
        try:
            path.write_text(planted(path.read_text(), fault))
        except (MisplacedError, OSError) as error:
            return f"misplaced: {error}"
        return judged(*run(fault, copy))


def run(fault: Fault, source: Path) -> tuple[int, str]:
    """Run the tests of a fault against a source tree; gives exit code and output."""
    command = (sys.executable, "-m", "pytest", "-q", "-x", "--tb=line")
    options = ("-o", f"cache_dir={source.parent / 'cache'}")
    environment = {
        **os.environ,
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        done = subprocess.run(
            (*command, *options, *fault.tests),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return TESTS_FAILED, "a test did not end, which is as red as it gets"
    return done.returncode, done.stdout


def judged(code: int, output: str) -> str:
    """Say what is wrong with how the tests of a planted fault ended; "" = one went red."""
    if code == 0:
        return "survived: no test noticed"
    if code != TESTS_FAILED or "error collecting" in output.lower():
        return f"its tests did not run (exit {code}):\n{output[-1500:]}"
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Plant the faults that were asked for; 0 if every one was noticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", metavar="WORD", help="faults with this in the name")
    parser.add_argument("--list", action="store_true", help="show them and plant nothing")
    asked = parser.parse_args(arguments)
    faults = [fault for fault in FAULTS if asked.only in fault.name]
    if asked.list:
        for fault in faults:
            print(f"{fault.name}  ({fault.file})")
        return 0
    failed = 0
    begin = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for fault, wrong in zip(faults, pool.map(verdict, faults), strict=True):
            failed += bool(wrong)
            print(f"{'FAILED' if wrong else 'red'}  {fault.name}  {wrong}".rstrip(), flush=True)
    print(f"{time.monotonic() - begin:.0f} s")
    print(f"{len(faults) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
