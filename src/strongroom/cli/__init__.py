"""The command line: reads arguments, calls, prints, and says by its exit status how it went.

It holds no rules of its own. Each group of commands is a module that is imported only when one of
its commands is called, so that `--help` is there at once.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Final

from strongroom.base.errors import StrongroomError
from strongroom.cli.arguments import build_parser
from strongroom.cli.exits import DONE, INTERRUPTED, MISTAKE, exit_status
from strongroom.cli.screen import Screen

Run = Callable[..., int | None]  # its exit status, where it is not DONE
_NO_ASSERTIONS: Final = (
    "strongroom: not started: Python was asked to drop assertions (-O or PYTHONOPTIMIZE).\n"
    "Nothing was opened or changed. Start it again without that option."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit status."""
    if not __debug__:
        sys.exit(_NO_ASSERTIONS)
    written = sys.argv[1:] if arguments is None else arguments
    screen = Screen(for_programs="--json" in written)
    try:
        given = build_parser().parse_args(written)
        screen.for_programs = given.json
        if given.command != "serve":
            _end_as_ctrl_c()
        return _command(given.command)(given, screen) or DONE
    except StrongroomError as error:
        screen.error(error)
        return exit_status(error)
    except KeyboardInterrupt:
        screen.progress("Interrupted. The same command may be run again.")
        return INTERRUPTED
    except BrokenPipeError:
        return MISTAKE  # whoever read our output went away


def _end_as_ctrl_c() -> None:
    """Let SIGTERM, and a terminal that is closed, leave as little behind as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # as nohup wants it
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))


def _command(name: str) -> Run:
    """Import the module of a command, and none of the others."""
    # ruff: noqa: PLC0415 - that is the point here
    if name in {"init", "serve"}:
        from strongroom.cli import server

        return server.RUN[name]
    if name == "demo":
        from strongroom.cli import demo

        return demo.run
    if name == "keys":
        from strongroom.cli import keys

        return keys.run
    if name in {"tls", "dns"}:
        from strongroom.cli import tls

        return tls.run
    if name == "doctor":
        from strongroom.cli import doctor

        return doctor.run
    if name in {"account", "device"}:
        from strongroom.cli import people

        return people.run
    if name in {"status", "scrub", "replica"}:
        from strongroom.cli import copies

        return copies.run
    return _command_about_data(name)


def _command_about_data(name: str) -> Run:
    """Import the module of a command about what people keep here."""
    if name in {"history", "undo"}:
        from strongroom.cli import past

        return past.run
    if name == "refused":
        from strongroom.cli import refused

        return refused.run
    if name == "export":
        from strongroom.cli import export

        return export.run
    if name == "import":
        from strongroom.cli import intake

        return intake.run
    from strongroom.cli import custody

    return custody.run
