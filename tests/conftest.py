"""What every test run shares: the count for `scripts/test.py`, and the list of allowed skips.

A skip is a test that did not run; with CI=true each must be expected by name in `tests/skips.txt`,
or the run fails. Fixtures do not belong here: they live beside the tests that use them.
"""

import json
import os
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import settings

SKIPS = Path(__file__).parent / "skips.txt"

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


def read_skip_list(text: str) -> list[tuple[str, str]]:
    """Pairs of patterns, for the test's id and for the reason; `#` begins a comment."""
    lines = [line.strip() for line in text.splitlines()]
    rows = [line.partition("|") for line in lines if line and not line.startswith("#")]
    return [(test.strip(), reason.strip() or "*") for test, _, reason in rows]


def is_listed(test: str, reason: str, allowed: list[tuple[str, str]]) -> bool:
    """Whether a skip was expected."""
    return any(
        fnmatchcase(test, test_pattern) and fnmatchcase(reason, reason_pattern)
        for test_pattern, reason_pattern in allowed
    )


class Tally:
    """Counts each test once, whatever its setup, call and teardown said."""

    def __init__(self, counts_file: str | None, allowed: list[tuple[str, str]] | None) -> None:
        self.counts_file = counts_file
        self.allowed = allowed
        self.outcomes: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.unlisted: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = report.nodeid
        self.seconds[test] = self.seconds.get(test, 0.0) + report.duration
        if report.failed:
            self.outcomes[test] = "failed"
        elif report.skipped:
            self.outcomes.setdefault(test, "skipped")
            self.check_skip(report)
        elif report.when == "call":
            self.outcomes.setdefault(test, "passed")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes[report.nodeid] = "failed"

    def check_skip(self, report: pytest.TestReport) -> None:
        reason = str(getattr(report, "wasxfail", ""))
        if isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
        if self.allowed is not None and not is_listed(report.nodeid, reason, self.allowed):
            self.unlisted.append(f"{report.nodeid} | {reason}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.counts_file:
            Path(self.counts_file).write_text(json.dumps(self.counts()))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.unlisted:
            terminalreporter.write_line(f"skip not listed in tests/skips.txt: {line}", red=True)

    def counts(self) -> dict[str, object]:
        values = list(self.outcomes.values())
        slowest = sorted(((took, test) for test, took in self.seconds.items()), reverse=True)
        return {
            "passed": values.count("passed"),
            "failed": values.count("failed") + len(self.unlisted),
            "skipped": values.count("skipped") - len(self.unlisted),
            "slowest": slowest[:10],
        }


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--counts", metavar="FILE", help="write the outcome here, for scripts/test.py")
    parser.addoption("--sim-steps", type=int, metavar="N", help="steps of the lives by seed")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # a worker of xdist: the process that started it counts
    allowed = read_skip_list(SKIPS.read_text()) if os.environ.get("CI") == "true" else None
    config.pluginmanager.register(Tally(config.getoption("--counts"), allowed), "tally")
