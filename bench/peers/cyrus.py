"""Cyrus under test, where Debian's packages are installed: cyrus-imapd cyrus-caldav sasl2-bin.

It runs on a configuration of its own beside the machine's, and needs no root. Everything that
touches durability is left at its defaults, which sync files, indexes and databases. Each connection
has a process of its own; memory counts the pages that they share in each of them.
"""

import imaplib
import os
import pwd
import shutil
from pathlib import Path

from bench import dav
from bench.adapter import LOGIN, PASSWORD, filled
from bench.calendars import fill as fill_events
from bench.fill import fill
from bench.peers.peer import Peer
from bench.process import Process, ServerError, free_port, run
from bench.wire import Connection

PROGRAMS = Path("/usr/lib/cyrus/bin")
USER, GROUP = "cyrus", "mail"  # as Debian's packages make them
ADMIN = "admin"


class Cyrus(Peer):
    """Cyrus IMAP's CardDAV, with users in a SASL database."""

    name = "Cyrus"

    def __init__(self, cache: Path) -> None:
        super().__init__(cache)
        self._imap = 0

    def version(self) -> str:
        return run(["dpkg-query", "-W", "-f", "${Version}", "cyrus-caldav"]).strip()

    def _install(self) -> str:
        if not (PROGRAMS / "httpd").exists() or shutil.which("saslpasswd2") is None:
            raise ServerError("it needs Debian's cyrus-imapd, cyrus-caldav and sasl2-bin")
        return f"cyrus-{self.version()}"

    def _home(self) -> str:
        return f"/dav/addressbooks/user/{LOGIN}/"

    def _launch(self, place: Path, port: int) -> Process:
        self._imap = free_port()
        store = place / "store"
        for name in ("config/db", "config/socket", "spool"):
            (store / name).mkdir(parents=True, exist_ok=True)
        options, services = place / "imapd.conf", place / "cyrus.conf"
        options.write_text(_options(store))
        services.write_text(_services(options, port, self._imap))
        for login in (ADMIN, LOGIN):
            ask: list[str | Path] = [
                "saslpasswd2",
                "-p",
                "-c",
                "-f",
                store / "sasldb2",
                "-u",
                "localhost",
                login,
            ]
            run(ask, typed=PASSWORD)
        if os.geteuid() == 0:  # Cyrus refuses to serve as root
            run(["chown", "-R", f"{USER}:{GROUP}", store])
            place.chmod(0o711)
        command: list[str | Path] = [PROGRAMS / "master", "-C", options, "-M", services]
        return Process([*command, "-p", store / "master.pid"], place / "server.log")

    async def _make_home(self, connection: Connection) -> None:
        with imaplib.IMAP4("127.0.0.1", self._imap) as admin:
            admin.login(ADMIN, PASSWORD)
            if (answer := admin.create(f"user/{LOGIN}"))[0] != "OK":
                raise ServerError(f"no mailbox for the home: {answer}")
        # The first look makes the home; a book made before that is refused.
        asked = await connection.ask("PROPFIND", self._home(), dav.XML + "Depth: 0\r\n", dav.POLL)
        asked.expect(207)
        await super()._make_home(connection)

    async def _fill_book(
        self,
        connection: Connection,
        store: Path,  # noqa: ARG002 - only Xandikos is filled from behind
        size: int,
    ) -> None:
        book = connection.target.book(filled(size))
        await dav.make_book(connection, book)
        await fill(connection.target, book, size)

    def _calendars(self) -> str:
        return f"/dav/calendars/user/{LOGIN}/"

    async def _fill_calendar(
        self,
        connection: Connection,
        calendar: str,
        store: Path,  # noqa: ARG002 - only Xandikos is filled from behind
        size: int,
    ) -> None:
        look = await connection.ask(
            "PROPFIND", self._calendars(), dav.XML + "Depth: 0\r\n", dav.POLL
        )
        look.expect(207)
        await dav.make_calendar(connection, calendar)
        await fill_events(connection.target, calendar, size)


def _options(store: Path) -> str:
    user = USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    return f"""\
configdirectory: {store}/config
defaultpartition: default
partition-default: {store}/spool
cyrus_user: {user}
servername: localhost
admins: {ADMIN}
allowplaintext: yes
sasl_mech_list: PLAIN LOGIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {store}/sasldb2
httpmodules: carddav caldav
"""


def _services(options: Path, http: int, imap: int) -> str:
    return f"""\
START {{
  recover cmd="{PROGRAMS}/ctl_cyrusdb -C {options} -r"
}}
SERVICES {{
  http cmd="{PROGRAMS}/httpd -C {options}" listen="127.0.0.1:{http}" prefork=1
  imap cmd="{PROGRAMS}/imapd -C {options}" listen="127.0.0.1:{imap}" prefork=0
}}
EVENTS {{
  checkpoint cmd="{PROGRAMS}/ctl_cyrusdb -C {options} -c" period=30
}}
"""
