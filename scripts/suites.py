"""Run the foreign test suites of a folder against a server of our own.

A runner is called as `NAME BASE_URL USER PASSWORD` and ends with how it went. Each gets an account
of its own on a throw-away server, since some of them empty the account they are given. Suites for
protocols that Strongroom does not speak yet run only when named: `make suites ARGS=litmus.sh`.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SPOKEN = ("vdirsyncer.sh",)
START_SECONDS_MAX = 30
SUITE_SECONDS_MAX = 900
STRONGROOM = (sys.executable, "-m", "strongroom")


def main() -> int:
    """Run the suites; 0 only if each ended well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="where the runners lie (make: SUITES=DIR)")
    parser.add_argument("names", nargs="*", default=SPOKEN)
    given = parser.parse_args()
    if not given.folder.is_dir():
        parser.error(f"no folder of suites: {given.folder}; say make suites SUITES=DIR")
    with tempfile.TemporaryDirectory() as place, server(Path(place)) as (config, address):
        failed = [n for n in given.names if not run_suite(given.folder / n, config, address)]
    print(f"\n{len(given.names) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def run_suite(runner: Path, config: Path, address: str) -> bool:
    """Run one suite with an account of its own."""
    login = re.sub(r"[^a-z0-9]", "", runner.stem.lower())
    subprocess.run([*STRONGROOM, "account", "add", login, "--config", config], check=True)
    device = [*STRONGROOM, "device", "add", login, "suite", "--print", "password"]
    made = subprocess.run([*device, "--config", config], check=True, capture_output=True, text=True)
    password = made.stdout.split()[-1]
    print(f"== {runner.name}", flush=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [str(runner.resolve()), address, login, password]
    try:
        ended = subprocess.run(
            command, check=False, timeout=SUITE_SECONDS_MAX, env={**os.environ, "PATH": path}
        )
    except subprocess.TimeoutExpired:
        print(f"   stopped: it took over {SUITE_SECONDS_MAX} s", flush=True)
        return False
    return ended.returncode == 0


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
