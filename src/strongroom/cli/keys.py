"""`keys list` and `keys backup`: about files of this machine, so no server is asked."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from strongroom import compose
from strongroom.base.errors import InvalidError
from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen

_PASSPHRASE_BYTES_MAX: Final = 4096


def run(given: Namespace, screen: Screen) -> None:
    """Run one command of this group."""
    settings = read_settings(given.config)
    if given.action == "list":
        keys = [key.report() for key in compose.key_folder(settings).listed()]
        screen.result({"keys": keys}, keys_text(keys))
        return
    phrase = _passphrase(Path(given.passphrase_file)) if given.passphrase_file else ""
    told = compose.back_up_keys(settings, Path(given.file), given.recipient, phrase)
    screen.result(told, backup_text(told))


def keys_text(keys: list[dict[str, str]]) -> str:
    """Say all about the keys, but not what they are."""
    lines = []
    for key in keys:
        lines += [
            key["path"],
            f"  protects: {key['protects']}",
            f"  its loss costs: {key['loss']}",
        ]
        lines += [f"  NOT AS IT MUST BE: {key['trouble']}"] * bool(key["trouble"])
    lines.append(
        "The keys of sync tokens stand in every replica and in the witness, and a copy of those\n"
        "holds them; their loss would cost phones one whole reading of all they hold."
    )
    return "\n".join(lines if keys else ["There are no key files yet.", *lines])


def backup_text(told: dict[str, Any]) -> str:
    """Say what was written, how far it is proven, and how it is opened."""
    return (
        f"{', '.join(told['keys'])}: written to {told['file']} ({told['bytes']} bytes) and\n"
        f"{told['proof']}. Keep it on another machine.\n"
        f"It opens with `age -d {told['file']} | tar -x -C DATA`, a recipient adds `-i IDENTITY`."
    )


def _passphrase(path: Path) -> str:
    try:
        with path.open("rb") as file:
            line = file.readline(_PASSPHRASE_BYTES_MAX).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"The passphrase in {path} cannot be read: {error}.") from error
    if not line.strip():
        raise InvalidError(f"The first line of {path} is empty. Nothing was written.")
    return line
