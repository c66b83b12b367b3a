"""The settings of one server: TOML text in, one frozen value out. Pure.

It is not the place that looks for the file or reads it (cli/config.py), nor the one that looks at
disks (compose.py). Rules: an unknown key is an error that names it, for a misspelt `write_quorum`
must not be a default; nothing comes from the environment; docs/settings.md holds every setting.
"""

from __future__ import annotations

import os.path
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from strongroom.base import limits
from strongroom.base.errors import SettingsError

REPLICAS_MAX: Final = 7  # each write waits for most of them; more would only be slower
SCRUB_BYTES_PER_SECOND: Final = 8 * 1024 * 1024  # a phone user does not notice it
TRUSTED_PROXIES_MAX: Final = 64  # more are better named as one network
ACCESS_LOGS: Final = ("none", "stderr")
_REQUIRED: Final = ("listen", "data", "replicas", "write_quorum")
_TLS: Final = ("tls_certificate", "tls_key")
_PUBLIC_URL: Final = re.compile(r"https://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?/?")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration file says, checked."""

    host: str
    port: int  # 0 = any free one, for tests
    data: Path
    replicas: tuple[Path, ...]
    write_quorum: int
    toy: bool = False
    reserve_bytes: int = limits.RESERVE_BYTES
    scrub_bytes_per_second: int = SCRUB_BYTES_PER_SECOND
    public_url: str = ""  # https://name[:port], no slash at the end; "" = what is listened to
    trusted_proxies: tuple[str, ...] = ()  # whose X-Forwarded-For and -Proto are believed
    access_log: str = "none"  # one of ACCESS_LOGS
    tls_certificate: Path | None = None  # PEM, with its chain; None = plain HTTP on loopback
    tls_key: Path | None = None  # PEM, of that certificate; both or none

    @property
    def control_socket(self) -> Path:
        """Say where a running server listens to commands."""
        return self.data / "control.sock"


def parse(text: str, base_dir: Path) -> Settings:
    """Read TOML text; directories in it are relative to `base_dir`, where the file lies.

    Raises:
        SettingsError: the text is no TOML, or a setting is missing, unknown or cannot be.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The configuration is not TOML: {error}.") from error
    _check_names(table)
    host, port = _address(_text("listen", table["listen"]))
    replicas = _directories(table["replicas"], base_dir)
    data = _directory("data", _text("data", table["data"]), base_dir)
    _check_apart(data, replicas)
    plain = {name: _PLAIN[name](name, table[name]) for name in _PLAIN if name in table}
    quorum = _count("write_quorum", table["write_quorum"])
    _check_quorum(quorum, len(replicas))
    plain |= _tls(table, base_dir)
    _check_reach(host, "tls_key" in plain)
    return Settings(host, port, data, replicas, quorum, **plain)


def names() -> list[str]:
    """Name every setting, those without a default first."""
    return [*_REQUIRED, *_PLAIN, *_TLS]


def _check_names(table: Mapping[str, Any]) -> None:
    unknown = sorted(set(table) - set(names()))
    if unknown:
        raise SettingsError(
            f"There is no setting {', '.join(unknown)}. Known are: {', '.join(names())}."
        )
    missing = [name for name in _REQUIRED if name not in table]
    if missing:
        raise SettingsError(f"The configuration lacks {', '.join(missing)}.")


# --- values -------------------------------------------------------------------------------------
def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise SettingsError(f'{name} must be a text in quotes, like {name} = "...".')
    return value


def _count(name: str, value: object) -> int:
    # True is an int in Python; `write_quorum = true` is a mistake all the same.
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SettingsError(f"{name} must be a whole number of at least 1.")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"{name} must be true or false.")
    return value


def _public_url(name: str, value: object) -> str:
    text = _text(name, value).lower()
    found = _PUBLIC_URL.fullmatch(text)
    if found is None or int(found[2] or 1) > 0xFFFF:
        raise SettingsError(
            f'{name} must be what phones enter, like {name} = "https://contacts.example.org": '
            "https, a name and perhaps a port, no path."
        )
    return text.removesuffix("/")


def _networks(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > TRUSTED_PROXIES_MAX:
        raise SettingsError(f"{name} must be a list of at most {TRUSTED_PROXIES_MAX} addresses.")
    return tuple(_network(name, _text(name, one)) for one in value)


def _network(name: str, text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {text!r} is no address or network: {error}.") from error
    if network.prefixlen == 0:
        raise SettingsError(f"{name}: {text} is everybody; name the proxy's own address.")
    return str(network)


def _access_log(name: str, value: object) -> str:
    if value not in ACCESS_LOGS:
        raise SettingsError(f"{name} must be one of: {', '.join(ACCESS_LOGS)}.")
    return str(value)


_PLAIN: Final[Mapping[str, Callable[[str, object], Any]]] = {
    "toy": _flag,
    "reserve_bytes": _count,
    "scrub_bytes_per_second": _count,
    "public_url": _public_url,
    "trusted_proxies": _networks,
    "access_log": _access_log,
}


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
        raise SettingsError('listen must be an address and a port, like "127.0.0.1:8800".')
    if host == "localhost":
        return "127.0.0.1", int(port)
    try:
        ip_address(host)
    except ValueError as error:
        raise SettingsError(f"listen: {host!r} is not an IP address.") from error
    return host, int(port)


def _check_reach(host: str, encrypted: bool) -> None:
    """Refuse an address that others reach without TLS: passwords would cross the network."""
    if encrypted or ip_address(host).is_loopback:
        return
    raise SettingsError(
        f"listen: {host} can be reached by other machines, and passwords would cross the network "
        "unencrypted. `strongroom tls init` makes a certificate and says which two lines to add "
        "(tls_certificate, tls_key); or use a loopback address such as 127.0.0.1. Nothing was "
        "started."
    )


def _tls(table: Mapping[str, Any], base_dir: Path) -> dict[str, Any]:
    given = {name: base_dir / _text(name, table[name]) for name in _TLS if name in table}
    if len(given) == 1:
        raise SettingsError("tls_certificate and tls_key belong together: give both, or none.")
    return given


# --- directories --------------------------------------------------------------------------------
def _directories(value: object, base_dir: Path) -> tuple[Path, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= REPLICAS_MAX:
        raise SettingsError(f"replicas must be a list of 1 to {REPLICAS_MAX} directories.")
    return tuple(_directory("replicas", _text("replicas", one), base_dir) for one in value)


def _directory(name: str, text: str, base_dir: Path) -> Path:
    # Not resolved: a link to a disk that is not mounted now must still name the same place.
    path = Path(os.path.normpath(base_dir / text))
    if path == Path(path.anchor):
        raise SettingsError(f"{name} must not be the root directory.")
    return path


def _check_apart(data: Path, replicas: tuple[Path, ...]) -> None:
    places = [data, *replicas]
    for index, place in enumerate(places):
        for other in places[index + 1 :]:
            if place == other or place in other.parents or other in place.parents:
                raise SettingsError(
                    f"{place} and {other} must be directories of their own, none inside another."
                )


def _check_quorum(quorum: int, replicas: int) -> None:
    if not replicas < 2 * quorum <= 2 * replicas:
        raise SettingsError(
            f"write_quorum = {quorum} does not fit {replicas} replicas: it must be more than half "
            "of them and at most all, or two halves could each believe in another history."
        )
