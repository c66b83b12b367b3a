"""What a person, or a program (`--json`), gets to see. With `main`, the only place that prints.

Results go to standard output; progress and errors to standard error, so that a script can take the
one without the other. With `--json` the output is exactly one JSON object, also for an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from strongroom.base.errors import StrongroomError


class UsageError(StrongroomError):
    """A command wants something that it was not given; nothing was changed."""

    code = "usage"
    hint = "See `strongroom --help`. Nothing was changed."


class Screen:
    """Prints for a person or for a program."""

    def __init__(self, *, for_programs: bool = False) -> None:
        """Print JSON where `for_programs`."""
        self.for_programs = for_programs

    def result(self, value: Mapping[str, Any], text: str) -> None:
        """Show the end of a command."""
        _print(_json(value) if self.for_programs else text)

    def say(self, text: str) -> None:
        """Tell a person something on the way to the result."""
        _print(text, sys.stderr if self.for_programs else sys.stdout)

    def progress(self, text: str) -> None:
        """Show that work goes on."""
        _print(text, sys.stderr)

    def error(self, error: StrongroomError) -> None:
        """Show what happened, and what to do."""
        message = str(error)
        if self.for_programs:
            told = {"code": error.code, "message": message, "hint": error.hint}
            _print(_json({"error": told}))
        _print(f"strongroom: {message}", sys.stderr)
        if error.hint and error.hint != message:
            _print(error.hint, sys.stderr)

    def chosen(self, question: str, choices: Sequence[str], instead: str) -> str:
        """Ask for one of `choices`.

        Raises:
            UsageError: nobody can be asked, or something else was typed. Nothing was changed.
        """
        self._ask(question, instead)
        answer = sys.stdin.readline().strip()
        if answer not in choices:
            raise UsageError(f"Say one of: {', '.join(choices)}. Nothing was changed.")
        return answer

    def typed(self, question: str, expected: str, instead: str) -> None:
        """Ask for `expected` to be typed back.

        Raises:
            UsageError: nobody can be asked, or something else was typed. Nothing was changed.
        """
        self._ask(question, instead)
        if sys.stdin.readline().strip() != expected:
            raise UsageError("That is not what was asked for. Nothing was changed.")

    def _ask(self, question: str, instead: str) -> None:
        if not sys.stdin.isatty():
            raise UsageError(f"Nobody can be asked here; {instead}. Nothing was changed.")
        print(question, end=" ", file=sys.stderr, flush=True)


def _json(value: Mapping[str, Any]) -> str:
    """Give JSON that this output can take: in ASCII where it takes no more."""
    text = json.dumps(value, ensure_ascii=False)
    return text if _fitting(text, sys.stdout) == text else json.dumps(value)


def _print(text: str, file: TextIO | None = None) -> None:
    """Print what this output can take; a file's name may hold bytes that are no text."""
    file = file or sys.stdout
    print(_fitting(text, file), file=file, flush=True)


def _fitting(text: str, file: TextIO) -> str:
    encoding = file.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
