"""Finds and reads the configuration file; nothing comes from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from strongroom.base.errors import SettingsError
from strongroom.base.settings import Settings, parse

PLACES: Final = (Path("strongroom.toml"), Path("var/strongroom.toml"))
_BYTES_MAX: Final = 1024 * 1024


def read_settings(given: str | None) -> Settings:
    """Read the file that `--config` names, or the first of `PLACES` that is there.

    Raises:
        SettingsError: there is no such file, it cannot be read, or it is wrong.
    """
    path = _find() if given is None else Path(given)
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise SettingsError(f"{path} is too large to be a configuration file.")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"The configuration {path} cannot be read: {reason}.") from error
    try:
        return parse(text, path.absolute().parent)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def _find() -> Path:
    for path in PLACES:
        if path.is_file():
            return path
    looked = " nor ".join(str(path) for path in PLACES)
    raise SettingsError(f"No configuration: neither {looked} is here. Name one with --config FILE.")
