"""Run everything that CI runs, or a part of it, and end with one line that says how it went.

`STEPS` is the whole list: to add a step, add a row. All steps run, also after one failed, so that
one run shows all there is to mend. A pytest step counts its tests; every other step counts as one.
The last line stands alone: `N passed, N failed, N skipped`; before it come the ten slowest tests.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PURE_TESTS = ("tests/unit",)


@dataclass(frozen=True)
class Step:
    """One command: its group (for --only), its name, its limit, and what comes after `python`."""

    group: str
    name: str
    seconds_max: int
    arguments: tuple[str, ...]
    is_pytest: bool = False


@dataclass
class Counts:
    """What came of one step, or of all together."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    slowest: list[tuple[float, str]] = field(default_factory=list)

    def add(self, other: "Counts") -> None:
        """Take the outcome of one more step in."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.slowest += other.slowest


def module(*arguments: str) -> tuple[str, ...]:
    """The arguments that run an installed tool, wherever the checkout lies."""
    return ("-m", *arguments)


def tests(*arguments: str) -> tuple[str, ...]:
    """The arguments of a pytest step on both cores."""
    return module("pytest", "-q", "-n", "2", *arguments)


LINT_IMPORTS = (
    *("-c", "from importlinter.cli import lint_imports_command as run; run()"),
    *("--no-logo", "--cache-dir", ".cache/import-linter"),
)

STEPS = (
    Step("check", "ruff check", 60, module("ruff", "check", "--quiet", ".")),
    Step("check", "ruff format", 60, module("ruff", "format", "--quiet", "--check", ".")),
    Step("check", "mypy", 180, module("mypy", "--no-error-summary")),
    Step("check", "import floors", 60, LINT_IMPORTS),
    Step("check", "tidy", 60, module("pytest", "-q", "tests/tidy"), is_pytest=True),
    Step(
        "unit",
        "unit tests",
        300,
        tests("--cov", "--cov-report=", "--cov-fail-under=0", *PURE_TESTS),
        is_pytest=True,
    ),
    Step("unit", "branch coverage of the pure floors", 60, module("coverage", "report")),
    Step(
        "rest",
        "all other tests",
        480,
        tests("--ignore=tests/tidy", *(f"--ignore={folder}" for folder in PURE_TESTS)),
        is_pytest=True,
    ),
)


def main() -> int:
    """Run the steps; 0 only if nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=sorted({step.group for step in STEPS}))
    only = parser.parse_args().only
    (ROOT / ".cache").mkdir(exist_ok=True)
    total, broken = Counts(), []
    for step in STEPS:
        if only in (None, step.group):
            counts = run(step)
            total.add(counts)
            broken += [step.name] * bool(counts.failed)
    report(total, broken)
    return 1 if total.failed else 0


def run(step: Step) -> Counts:
    """Run one step, show its output, and count."""
    print(f"== {step.name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report_file = Path(folder) / "counts.json"
        extra = ("--counts", str(report_file)) if step.is_pytest else ()
        begin = time.monotonic()
        code = run_command((sys.executable, *step.arguments, *extra), step.seconds_max)
        print(f"== {step.name}: {time.monotonic() - begin:.1f} s, exit {code}", flush=True)
        return outcome(step, code, report_file)


def run_command(command: tuple[str, ...], seconds_max: int) -> int:
    """Run a command in a process group of its own and leave none of the group behind."""
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(seconds_max)
    except subprocess.TimeoutExpired:
        print(f"   stopped: it took over {seconds_max} s", flush=True)
        return 124
    finally:
        end_group(process.pid)
        process.wait()


def end_group(group: int) -> None:
    """End what a step may have left running."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def outcome(step: Step, code: int, report_file: Path) -> Counts:
    """Read what a pytest step counted; any other step counts as one."""
    if not step.is_pytest:
        return Counts(passed=int(code == 0), failed=int(code != 0))
    counts = Counts()
    if report_file.exists():
        counts = Counts(**json.loads(report_file.read_text()))
    if code != 0 and not counts.failed:
        # No test failed and yet it did not go well: nothing collected, stopped, a skip unlisted.
        counts.failed = 1
    return counts


def report(total: Counts, broken: list[str]) -> None:
    """Print the slowest tests, the failed steps and the closing line."""
    if total.slowest:
        print("\nThe ten slowest tests:")
        for seconds, name in sorted(total.slowest, reverse=True)[:10]:
            print(f"  {seconds:7.2f} s  {name}")
    if broken:
        print(f"\nFailed: {', '.join(broken)}")
    print(f"\n{total.passed} passed, {total.failed} failed, {total.skipped} skipped", flush=True)


if __name__ == "__main__":
    sys.exit(main())
