"""Run the foreign test suites of a folder against a server of our own, and write down the counts.

A runner is called as `NAME BASE_URL USER PASSWORD` and prints each case. Each gets accounts of its
own on a throw-away server, since some of them empty the account they are given. A case that fails
must be explained in docs/compliance.toml, or belong to what a suite is not held to; and what is
explained must fail. The counts go into docs/compliance.md where all suites ran that we speak.

Suites for protocols that Strongroom does not speak run only when named: `make suites
ARGS=rclone.sh`; nothing is written down then. Needs: litmus (Debian) for litmus.sh; a checkout of
CalConnect/caldavtester, named by CALDAVTESTER, for cdt.py; caldav-server-tester (PyPI), named by
CST where it is not on the path, for cst.py. What is missing is said and left out.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compliance import ROOT, with_suites

START_SECONDS_MAX = 30
SUITE_SECONDS_MAX = 900
STRONGROOM = (sys.executable, "-m", "strongroom")
RESULT = re.compile(r"^(pass|FAIL|SKIP|TOLERATED) +(.*)$", re.MULTILINE)


@dataclass
class Outcome:
    """How one suite went; a case is its name as the suite gives it."""

    suite: str
    passed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)  # case -> what was seen
    held_to: int = 0  # how many cases the suite has for what we speak
    not_asked: str = ""  # what else the suite has, and why we are not held to it
    why_not_run: str = ""


@dataclass(frozen=True)
class Ground:
    """The server that the suites meet, and where they lie."""

    folder: Path
    config: Path
    address: str

    def account(self, login: str) -> str:
        """Make an account with one device and give its password."""
        self._command("account", "add", login)
        return self._command("device", "add", login, "suite", "--print", "password").split()[-1]

    def _command(self, *words: str) -> str:
        command = [*STRONGROOM, *words, "--config", str(self.config)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def run(self, runner: str, *arguments: str, **environment: str) -> str:
        """Run one runner, show and give what it printed."""
        interpreter = sys.executable if runner.endswith(".py") else "bash"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        print(f"== {runner}", flush=True)
        ended = subprocess.run(
            [interpreter, str(self.folder / runner), *arguments],
            check=False, timeout=SUITE_SECONDS_MAX, stdout=subprocess.PIPE, text=True,
            encoding="utf-8", errors="replace", env={**os.environ, "PATH": path, **environment},
        )  # fmt: skip
        print(ended.stdout, flush=True)
        return ended.stdout


def main() -> int:
    """Run the suites; 0 only if each ended well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="where the runners lie (make: SUITES=DIR)")
    parser.add_argument("names", nargs="*", help="run only these, and write nothing down")
    given = parser.parse_args()
    if not given.folder.is_dir():
        parser.error(f"no folder of suites: {given.folder}; say make suites SUITES=DIR")
    explained: dict[str, str] = tomllib.loads((ROOT / "docs/compliance.toml").read_text())["case"]
    with tempfile.TemporaryDirectory() as place, server(Path(place)) as (config, address):
        ground = Ground(given.folder.resolve(), config, address)
        outcomes = [SPOKEN.get(name, other(name))(ground) for name in given.names or SPOKEN]
    wrong = [line for one in outcomes for line in surprises(one, explained)]
    print("\n".join((report(outcomes, explained), "", *wrong)))
    if not given.names:
        page = ROOT / "docs/compliance.md"
        page.write_text(with_suites(page.read_text(), report(outcomes, explained)))
    return 1 if wrong else 0


def surprises(one: Outcome, explained: dict[str, str]) -> list[str]:
    """What nobody expects: an unexplained failure, or a case that passes beside its excuse."""
    wrong = [f"{one.suite}: {case} failed: {why}" for case, why in one.failed.items()
             if case not in explained]  # fmt: skip
    wrong += [f"{one.suite}: {case} passes now; its explanation can go"
              for case in sorted(one.passed & explained.keys())]  # fmt: skip
    if not one.why_not_run and not one.passed:
        wrong.append(f"{one.suite}: nothing passed")
    return wrong


def report(outcomes: list[Outcome], explained: dict[str, str]) -> str:
    """What the page says about the suites."""
    rows = ["| suite | passed | of | not counted |", "|---|---|---|---|"]
    rows += [
        f"| {one.suite} | not run | | {one.why_not_run} |" if one.why_not_run
        else f"| {one.suite} | {len(one.passed)} | {one.held_to} | {one.not_asked} |"
        for one in outcomes
    ]  # fmt: skip
    failed = [(one.suite, case) for one in outcomes for case in one.failed]
    if failed:
        rows += ["", "| suite | case that fails | why it does |", "|---|---|---|"]
        rows += [
            f"| {suite} | {case.replace(' | ', ', ')} | {explained.get(case, 'NOT EXPLAINED')} |"
            for suite, case in failed
        ]
    return "\n".join(rows)


def vdirsyncer(ground: Ground) -> Outcome:
    """Two devices in step through the server: contacts, events and tasks."""
    said = ground.run("vdirsyncer.sh", ground.address, "vdirsyncer", ground.account("vdirsyncer"))
    cases = {name: state == "pass" for state, name in RESULT.findall(said)}
    failed = {name: "see above" for name, good in cases.items() if not good}
    return Outcome(
        "vdirsyncer (with khal, khard, todoman)",
        {name for name, good in cases.items() if good}, failed, len(cases),
    )  # fmt: skip


def cdt(ground: Ground) -> Outcome:
    """CalDAVTester's cases that at least one server of others passes."""
    name = "CalDAVTester"
    if not os.environ.get("CALDAVTESTER"):
        return Outcome(
            name, why_not_run="CALDAVTESTER names no checkout of CalConnect/caldavtester"
        )
    listed = (ground.folder / "cdt_attained.txt").read_text()
    held = re.findall(r"^[-A-Z]{5} (C\w+DAV/.*)$", listed, re.MULTILINE)
    users = [(login, ground.account(login)) for login in ("cdta", "cdtb", "cdtc")]
    (_, password), second, third = users
    results = ground.config.parent / "cdt.json"
    ground.run(
        "cdt.py", ground.address, "cdta", password, *dict.fromkeys(c.split(" | ")[0] for c in held),
        "--user2", ":".join(second), "--user3", ":".join(third), "--json", str(results),
    )  # fmt: skip
    got = {f"{r['file']} | {r['suite']} | {r['test']}": r for r in json.loads(results.read_text())}
    states = {case: got[case]["state"] if case in got else "missing" for case in held}
    passed = {case for case, state in states.items() if state == "pass"}
    beyond = sum(r["state"] == "pass" for case, r in got.items() if case not in states)
    failed = {
        case: str(got.get(case, {}).get("why", "missing")) for case in held if case not in passed
    }
    more = f"{beyond} more pass that no server of others is known to pass"
    return Outcome(name, passed, failed, len(held), more)


def litmus(ground: Ground) -> Outcome:
    """Litmus on a home, group by group; what follows from a failure before it is skipped."""
    if shutil.which("litmus") is None:
        return Outcome("litmus", why_not_run="litmus is not installed (Debian: litmus)")
    address = f"{ground.address}dav/addressbooks/litmus/"
    password = ground.account("litmus")
    one, skipped = Outcome("litmus"), 0
    for group in ("basic", "copymove", "props", "locks", "http"):
        said = ground.run("litmus.sh", address, "litmus", password, TESTS=group)
        one.failed |= dict(re.findall(r"^FAIL (\S+/\S+) (.*)$", said, re.MULTILINE))
        counts = re.search(r"^litmus: (\d+) passed, \d+ failed, (\d+) skipped", said, re.MULTILINE)
        good, after = map(int, counts.groups()) if counts else (0, 0)
        one.passed |= {f"{group} {number}" for number in range(good)}
        skipped += after
    one.held_to = len(one.passed) + len(one.failed)
    one.not_asked = (
        f"{skipped} cases need LOCK, or what a failed one would have made. litmus wants a place "
        "for any file: a home takes address books only, and a book takes vCards only"
    )
    return one


def other(name: str) -> Callable[[Ground], Outcome]:
    """Give what runs a suite that nothing here knows of."""

    def run(ground: Ground) -> Outcome:
        login = re.sub(r"[^a-z0-9]", "", name.lower())
        said = ground.run(name, ground.address, login, ground.account(login))
        good = {case for state, case in RESULT.findall(said) if state == "pass"}
        bad = {case: "see above" for state, case in RESULT.findall(said) if state == "FAIL"}
        return Outcome(name, good, bad, len(good) + len(bad))

    return run


def probe(ground: Ground) -> Outcome:
    """The features that caldav-server-tester looks for; it names those that it finds wanting."""
    name = "caldav-server-tester"
    if shutil.which(os.environ.get("CST", name)) is None:
        return Outcome(name, why_not_run="caldav-server-tester is not installed (PyPI)")
    said = ground.run("cst.py", ground.address, "cst", ground.account("cst"))
    counts = re.search(rf"^{name}: (\d+) passed, \d+ failed, (\d+) skipped", said, re.MULTILINE)
    good, skipped = map(int, counts.groups()) if counts else (0, 0)
    failed = dict(re.findall(r"^FAIL (\S+) (.*)$", said, re.MULTILINE))
    passed = {f"feature {number}" for number in range(good)}
    left = f"{skipped} features that need scheduling or that it could not tell"
    return Outcome(name, passed, failed, good + len(failed), left)


SPOKEN: dict[str, Callable[[Ground], Outcome]] = {
    "vdirsyncer.sh": vdirsyncer,
    "cdt.py": cdt,
    "cst.py": probe,
    "litmus.sh": litmus,
}


@contextmanager
def server(place: Path) -> Iterator[tuple[Path, str]]:
    """A server on a free port, with three replicas in `place`."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    config = place / "strongroom.toml"
    config.write_text(
        f'listen = "{listen}"\ndata = "data"\nreplicas = ["r1", "r2", "r3"]\n'
        "write_quorum = 2\ntoy = true\n"
    )
    subprocess.run([*STRONGROOM, "init", "--config", config], check=True)
    process = subprocess.Popen([*STRONGROOM, "serve", "--config", config])
    try:
        wait_until_healthy(f"http://{listen}/healthz", process)
        yield config, f"http://{listen}/"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS_MAX)


def wait_until_healthy(address: str, process: subprocess.Popen[bytes]) -> None:
    """Return once a write can be taken."""
    end = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("strongroom: the server for the suites did not start")


if __name__ == "__main__":
    sys.exit(main())
