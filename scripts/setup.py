"""Make `.venv` with the `strongroom` command, or do nothing if it is already right.

It runs before anything is installed, so it uses the standard library alone. Its rules:

- The first set-up fetches the wheels that `requirements/lock.txt` names into `.cache/wheels` and
  checks their hashes; every later one installs from that folder and needs no network.
- A virtual environment holds its own absolute path in many files. After the checkout moved, or
  with another Python, it is made anew from the kept wheels: that is sure, mending it is not.
- Either `.venv` is whole and stamped, or it is absent: whatever fails takes it away again, and
  one that was left by a kill has no stamp and is made anew.
"""

from __future__ import annotations  # an older Python must come as far as being told so

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "lock.txt"
PROJECT = ROOT / "pyproject.toml"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "strongroom-setup.json"
CACHE = ROOT / ".cache"
WHEELS = CACHE / "wheels"

VENV_MISSING = (
    "strongroom: Python's venv is missing here; run: sudo apt-get install -y python3-venv"
)


class SetupError(Exception):
    """The set-up cannot go on; the text is for the person who started it."""


def refuse_a_python_that_cannot() -> None:
    """Stop with one line, before anything is written, where the set-up could only fail."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where an older one is refused
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetupError(f"strongroom: needs Python 3.11 or newer; {sys.executable} is {found}")
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        raise SetupError(VENV_MISSING)


def wanted() -> dict[str, str]:
    """What the stamp of a right `.venv` says: where it lies, which Python, which inputs."""
    platform = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
    return {
        "checkout": str(ROOT),
        "python": f"{platform} {sys.version_info[:3]} {sys.base_prefix}",
        "wheels": f"{digest(LOCK)[:16]}-{platform}",
        "project": digest(PROJECT),
    }


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def found() -> dict[str, str]:
    """The stamp of the present `.venv`; empty if there is none or it was never finished."""
    # `python` is a link to the interpreter of the system, which an upgrade may have taken away.
    if not PYTHON.exists() or not STAMP.exists():
        return {}
    try:
        stamp = json.loads(STAMP.read_text())
    except ValueError:
        return {}
    return stamp if isinstance(stamp, dict) else {}


def set_up() -> None:
    """Bring `.venv` to what `wanted` says, with the least work that is sure."""
    want, have = wanted(), found()
    if have == want:
        return
    with removed_on_failure(VENV):
        # The stamp goes first: what is being changed is not whole until it is back.
        STAMP.unlink(missing_ok=True)
        if {**have, "project": ""} != {**want, "project": ""}:
            make_environment(WHEELS / want["wheels"])
        install_project()
        STAMP.write_text(json.dumps(want, indent=1) + "\n")
    remove_old_wheels(keep=want["wheels"])
    say("ready: .venv/bin/strongroom")


def make_environment(wheels: Path) -> None:
    """Make `.venv` anew with everything the lock names, from the kept wheels."""
    if VENV.exists():
        shutil.rmtree(VENV)
    say("making .venv")
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, check=False
    )
    if made.returncode != 0:
        raise SetupError(VENV_MISSING)
    if not wheels.is_dir():
        fetch(wheels)
    say("installing what the lock names")
    locked = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)]
    offline_pip("install", "--find-links", str(wheels), *locked)


def fetch(wheels: Path) -> None:
    """Fetch the wheels of the lock; the folder gets its name once it is whole."""
    say("fetching packages (about 55 MB, only this once)")
    part = WHEELS / "part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with removed_on_failure(part):
        command = ["download", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        for kept in WHEELS.iterdir():
            command += ["--find-links", str(kept)]
        pip(dict(os.environ), *command, "--dest", str(part), "-r", str(LOCK))
        part.rename(wheels)


def install_project() -> None:
    """Install the checkout itself, editable, built with the tools from the lock."""
    offline_pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def offline_pip(command: str, *arguments: str) -> None:
    """Run pip so that neither an index nor anybody's settings can change what is installed."""
    calm = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    pip({**calm, "PIP_CONFIG_FILE": os.devnull}, command, "--no-index", *arguments)


def pip(environment: dict[str, str], command: str, *arguments: str) -> None:
    """Run pip of `.venv`; it says itself what went wrong."""
    environment = {**environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUTF8": "1"}
    line = [str(PYTHON), "-m", "pip", command, "-qq", *arguments]
    if subprocess.run(line, env=environment, cwd=ROOT, check=False).returncode != 0:
        raise SetupError(
            f"strongroom: not set up: `pip {command}` failed (see above). Nothing half-made was"
            " left behind. The first set-up needs the network; then run the same command again."
        )


@contextmanager
def removed_on_failure(folder: Path) -> Iterator[None]:
    """Whatever ends the block early, also Ctrl-C, takes the folder away."""
    try:
        yield
    except BaseException:  # cleans up, then raises it again
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def alone() -> Iterator[None]:
    """Wait for another set-up of the same checkout: `make run` and `make test` may meet."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_old_wheels(keep: str) -> None:
    """Wheels of former locks are of no more use."""
    for folder in WHEELS.iterdir():
        if folder.name != keep:
            shutil.rmtree(folder, ignore_errors=True)


def say(what: str) -> None:
    """Tell the person who waits."""
    print(f"strongroom: {what}", file=sys.stderr, flush=True)


def stop(number: int, _frame: FrameType | None) -> NoReturn:
    """Turn a signal into an ordinary end, so that what is half-made is taken away."""
    sys.exit(128 + number)


def main() -> int:
    """Set up; the exit code says whether `.venv` is right now."""
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    try:
        refuse_a_python_that_cannot()
        with alone():
            set_up()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("strongroom: set-up stopped; nothing half-made was left behind", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
