"""Real nginx, Apache and Caddy in front of something, from the files that a person copies.

Each runs on loopback in a directory of its own, started from `packaging/proxies/` with nothing but
its addresses, name and certificate replaced. `broken` replaces a line more: a check that does not
turn red then checks nothing.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from e2e.certificates import Authority
from e2e.server import free_port
from phone.wire import Answer, Wire

FILES = Path(__file__).resolve().parents[2] / "packaging" / "proxies"
KINDS = ("nginx", "apache", "caddy")
NAME = "localhost"
START_SECONDS = 10.0
STOP_SECONDS = 20.0
Changes = Iterable[tuple[str, str]]

_PROGRAMS = {"nginx": "nginx", "apache": "apache2", "caddy": "caddy"}
_SHIPPED = {"nginx": "nginx.conf", "apache": "apache.conf", "caddy": "Caddyfile"}
# What compresses everything, as many a server is set up to: then ETags are changed on the way.
EAGER: dict[str, Changes] = {
    "nginx": [
        (
            "client_body_timeout 120s;",
            "gzip on; gzip_proxied any; gzip_types *; gzip_min_length 1;",
        )
    ],
    "apache": [
        ("proxy_http alias", "proxy_http alias filter deflate"),
        ("MaxKeepAliveRequests 0", "SetOutputFilter DEFLATE\nHeader unset Cache-Control"),
    ],
    "caddy": [
        (
            "reverse_proxy ",
            "encode gzip {\nminimum_length 1\nmatch {\nheader Content-Type *\n}\n}\nreverse_proxy ",
        )
    ],
}


def program(kind: str) -> str:
    """Give the path of a proxy's program; skips the test where it is not installed."""
    found = shutil.which(_PROGRAMS[kind], path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        pytest.skip(f"no {_PROGRAMS[kind]} here: a Debian package that CI installs")
    return found


class Proxy:
    """One proxy in front of `upstream`, a port; reached at https `port` and http `plain_port`."""

    def __init__(
        self, kind: str, place: Path, authority: Authority, upstream: int, broken: Changes = ()
    ) -> None:
        self.kind, self.place, self.authority = kind, place, authority
        self.port, self.plain_port = free_port(), free_port()
        self.upstream = upstream
        self.address = f"https://{NAME}:{self.port}/"
        self._child: subprocess.Popen[bytes] | None = None
        self._command = program(kind)
        place.mkdir(parents=True)
        self._fragment = self._filled_in((FILES / _SHIPPED[kind]).read_text(), broken)

    # --- the file, with its addresses replaced ----------------------------------------------------
    def _filled_in(self, text: str, broken: Changes) -> str:
        pair = self.authority.leaf()
        text = _replaced(text, [*broken, ("127.0.0.1:8800", f"127.0.0.1:{self.upstream}")])
        text = text.replace("contacts.example.org", NAME)
        folder = f"/etc/ssl/{NAME}"
        text = text.replace(f"{folder}/fullchain.pem", str(pair.certificate))
        text = text.replace(f"{folder}/privkey.pem", str(pair.key))
        return getattr(self, f"_{self.kind}")(text, pair.certificate, pair.key)  # type: ignore[no-any-return]

    def _nginx(self, text: str, *_: Path) -> str:
        listens = [
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
        ]
        folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{one}_temp_path {self.place}/{one};\n" for one in folders)
        user = "user root;\n" if os.geteuid() == 0 else ""
        return (
            f"{user}daemon off;\nworker_processes 1;\npid {self.place}/pid;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{_replaced(text, listens)}}}\n"
        )

    def _apache(self, text: str, *_: Path) -> str:
        (modules,) = re.findall(r"a2enmod (.+)", text)
        wanted = ["mpm_event", "authz_core", *modules.split()]
        load = "".join(f"LoadModule {m}_module {_MODULES}/mod_{m}.so\n" for m in wanted)
        hosts = [("*:80>", f"*:{self.plain_port}>"), ("*:443>", f"*:{self.port}>")]
        text = _replaced(text, hosts)
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        return (
            f"ServerRoot {self.place}\nServerName {NAME}\n{load}{user}PidFile {self.place}/pid\n"
            f"Mutex posixsem\nErrorLog {self.place}/log\nListen 127.0.0.1:{self.plain_port}\n"
            f"Listen 127.0.0.1:{self.port}\nStartServers 1\nThreadsPerChild 16\n"
            f"MaxRequestWorkers 32\n{text}"
        )

    def _caddy(self, text: str, certificate: Path, key: Path) -> str:
        site = f"https://{NAME}:{self.port} {{\nbind 127.0.0.1\ntls {certificate} {key}\n"
        return (
            f"{{\nadmin off\nhttp_port {self.plain_port}\n"
            f"https_port {self.port}\n}}\n" + _replaced(text, [(f"\n{NAME} {{\n", f"\n{site}")])
        )

    # --- the process ------------------------------------------------------------------------------
    def start(self) -> None:
        """Start it and return once it listens."""
        config = self.place / "config"
        config.write_text(self._fragment)
        with (self.place / "output").open("wb") as out:
            self._child = subprocess.Popen(
                [self._command, *_arguments(self.kind, self.place, config)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={"PATH": "/usr/bin:/bin", "HOME": str(self.place)},
            )  # fmt: skip
        until = time.monotonic() + START_SECONDS
        while not _listens(self.port):
            assert self._child.poll() is None, self.words()
            assert time.monotonic() < until, self.words()
            time.sleep(0.02)

    def words(self) -> str:
        """Give the end of what it said."""
        files = [self.place / "output", self.place / "log"]
        return "".join(f.read_text(errors="replace")[-2000:] for f in files if f.exists())

    def end(self) -> None:
        """End it, by its own id."""
        if self._child is None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            raise

    def __enter__(self) -> Proxy:
        try:
            self.start()
        except BaseException:  # cleans up, then raises it again
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    # --- clients ----------------------------------------------------------------------------------
    def connection(self, seconds: float = 15.0) -> http.client.HTTPSConnection:
        """Give a fresh connection that trusts the test's CA."""
        return http.client.HTTPSConnection(
            NAME, self.port, timeout=seconds, context=self.authority.trusted()
        )


_MODULES = "/usr/lib/apache2/modules"


def _arguments(kind: str, place: Path, config: Path) -> Sequence[str]:
    if kind == "nginx":
        return ["-e", str(place / "log"), "-p", str(place), "-c", str(config)]
    if kind == "apache":
        return ["-d", str(place), "-f", str(config), "-D", "FOREGROUND"]
    return ["run", "--config", str(config), "--adapter", "caddyfile"]


def _replaced(text: str, changes: Changes) -> str:
    for old, new in changes:
        assert old in text, f"{old!r} is not in the file"
        text = text.replace(old, new)
    return text


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class TlsWire(Wire):
    """A phone's connection through a proxy, which takes compressed answers as phones do."""

    def __init__(self, proxy: Proxy, login: str, password: str) -> None:
        super().__init__(proxy.address, login, password)
        self._proxy = proxy

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        answer = super().ask(method, path, body, Accept_Encoding="gzip", **headers)
        if answer.headers.get("content-encoding") != "gzip":
            return answer
        return Answer(answer.status, answer.headers, unpacked(answer.body))

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = self._proxy.connection()
        return self._connection


def unpacked(body: bytes) -> bytes:
    """Unpack a whole gzip body; raises AssertionError on a torn one."""
    if not body:
        return body
    reader = zlib.decompressobj(wbits=31)
    plain = reader.decompress(body)
    assert reader.eof, "the compressed answer has no end"
    return plain
