"""The secret files of `data`: which there are, what each protects, and who can read it.

Each file in `data/keys` counts, a certificate too: it belongs to its key. Rules: one that others
than its owner can read is refused, with the command that mends it; nothing of a key's content is
ever shown or logged.

A key that the settings name elsewhere is listed and no more: whoever put it there looks after it.

Not here: a backup of them (keybackup); the keys of sync tokens, which stand in every replica and in
the witness (I5).
"""

from __future__ import annotations

import stat
from pathlib import Path
from shlex import quote
from typing import Final, NamedTuple

from strongroom.base.errors import SettingsError

MODE: Final = 0o600
FOLDER: Final = "keys"


class Purpose(NamedTuple):
    """What a key protects, and what it costs to lose it."""

    protects: str
    loss: str


_PURPOSES: Final = {
    "ca.key": Purpose(
        "the local authority that phones were told to trust; who steals it can pretend to be this "
        "server",
        "every phone must be told to trust a new authority; no data is lost",
    ),
    "server.key": Purpose(
        "what goes between phones and this server",
        "`strongroom tls init` makes another; phones notice nothing",
    ),
    "ca.pem": Purpose(
        "nothing: it is the certificate of ca.key, and public",
        "as that of ca.key, for one is of no use without the other",
    ),
    "server.pem": Purpose(
        "nothing: it is the certificate of server.key, and public", "as that of server.key"
    ),
}
_ELSEWHERE: Final = Purpose(
    "what goes between phones and this server; `tls_key` names it",
    "whoever made its certificate makes another; it is in no backup of ours",
)
_STRANGE: Final = Purpose("nothing that this release knows of", "not known")


class Key(NamedTuple):
    """One key file; `trouble` says why it is not as it must be, "" = it is."""

    path: Path
    purpose: Purpose
    trouble: str

    def report(self) -> dict[str, str]:
        """Give it for programs."""
        protects, loss = self.purpose
        told = {"key": self.path.name, "path": str(self.path), "protects": protects, "loss": loss}
        return {**told, "trouble": self.trouble}


class KeyFolder:
    """The keys of one `data` directory; nothing is made that is not there."""

    def __init__(self, data: Path, elsewhere: Path | None = None) -> None:
        """Look below `data`; a key may also lie `elsewhere`."""
        self.data = data
        self._elsewhere = elsewhere

    def listed(self) -> list[Key]:
        """List the keys of the folder, and the one elsewhere."""
        held = self.held()
        if self._elsewhere is None or self._elsewhere in {key.path for key in held}:
            return held
        return [*held, Key(self._elsewhere, _ELSEWHERE, "")]

    def held(self) -> list[Key]:
        """List the keys of the folder; where it is not there, it holds none."""
        paths = sorted((self.data / FOLDER).glob("*"))
        whole = (path for path in paths if not path.name.startswith("."))  # no half-written ones
        return [Key(p, _PURPOSES.get(p.name, _STRANGE), _trouble(p)) for p in whole]

    def troubles(self) -> list[str]:
        """Say what is wrong with them."""
        return [key.trouble for key in self.held() if key.trouble]

    def check(self) -> None:
        """Raise SettingsError where a key can be read by others."""
        troubles = self.troubles()
        if troubles:
            raise SettingsError(f"{' '.join(troubles)} Nothing was started.")


def is_plain(path: Path) -> bool:
    """Say whether it is a file itself, no link to one."""
    return stat.S_ISREG(path.lstat().st_mode)


def _trouble(path: Path) -> str:
    if not is_plain(path):
        return f"{path} is no plain file; put the key itself there."
    mode = stat.S_IMODE(path.lstat().st_mode)
    if mode & ~MODE:
        return f"{path} is open to others (mode {mode:04o}); run `chmod 600 {quote(str(path))}`."
    return ""
