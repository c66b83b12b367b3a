"""Thunderbird's address book without a screen, told what to do through its remote protocol.

The profile is new and finds no settings of anybody; nothing but the server is asked for. Each
operation is a script inside Thunderbird that calls what its address book window calls.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from e2e.server import ServerProcess, book_of, free_port
from e2e.vdir import environment

PROGRAM = "thunderbird"
START_SECONDS = 60.0
SCRIPT_SECONDS = 60.0
SETTLE_SECONDS = 30.0
PREFERENCES: dict[str, bool | int] = {
    "mailnews.start_page.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.rights.version": 1,
    "app.donation.eoy.version.viewed": 9999,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.connectivity-service.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.manage-offline-status": False,
}
SCRIPT = """
const [words] = arguments;
const done = arguments[arguments.length - 1];
const {{ MailServices }} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const {{ CardDAVDirectory }} = ChromeUtils.importESModule(
  "resource:///modules/CardDAVDirectory.sys.mjs");
const {{ AddrBookCard }} = ChromeUtils.importESModule("resource:///modules/AddrBookCard.sys.mjs");
const book = MailServices.ab.directories.find(one => one.dirName == "Strongroom");
const inner = book && CardDAVDirectory.forFile(book.fileName);
const find = uid => book.childCards.find(card => card.UID == uid);
(async () => {{ {body} }})().then(
  value => done({{ value: value === undefined ? null : value }}),
  error => done({{ error: String(error) + (error.stack || "") }}));
"""
MAKE = """
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init(words.origin, null, "Strongroom", words.login, words.password, "", "");
await Services.logins.addLoginAsync(login);
const made = MailServices.ab.getDirectoryFromId(
  MailServices.ab.newAddressBook("Strongroom", null, Ci.nsIAbManager.CARDDAV_DIRECTORY_TYPE));
made.setStringValue("carddav.url", words.origin + words.path);
made.setStringValue("carddav.username", words.login);
await CardDAVDirectory.forFile(made.fileName).fetchAllFromServer();
return !made.readOnly;
"""
ADD = """
const card = new AddrBookCard();
card.UID = words.uid;
card.displayName = words.name;
book.addCard(card);
"""


def missing() -> str:
    """Say what keeps it from being run here; "" = nothing."""
    return "" if shutil.which(PROGRAM) else "no thunderbird"


class Thunderbird:
    """One desktop with one CardDAV address book."""

    script = SCRIPT  # what each operation stands in
    make = MAKE

    def __init__(self, place: Path, server: ServerProcess, login: str, password: str) -> None:
        profile, port = place / "profile", free_port()
        profile.mkdir(parents=True)
        preferences = {**PREFERENCES, "marionette.port": port}
        lines = (f'user_pref("{name}", {json.dumps(v)});\n' for name, v in preferences.items())
        (profile / "user.js").write_text("".join(lines))
        self._log = (place / "log").open("wb")
        self._process = subprocess.Popen(
            [PROGRAM, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote",
             "--profile", str(profile)],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env=environment(place),
        )  # fmt: skip
        self._number = 0
        try:
            self._wire = self._connect(port)
            self._read()  # its greeting
            self._command("WebDriver:NewSession")
            self._command("Marionette:SetContext", value="chrome")
            self._command("WebDriver:SetTimeouts", script=int(SCRIPT_SECONDS * 1000))
            address = urlsplit(server.address)
            words = {"origin": f"{address.scheme}://{address.netloc}", "path": self.path(login)}
            assert self._run(self.make, login=login, password=password, **words) is True
        except BaseException:  # cleans up, then raises it again
            self.end()
            raise

    def path(self, login: str) -> str:
        """Give the address of what it keeps."""
        return book_of(login)

    # --- the remote protocol: length, colon, JSON -------------------------------------------------
    def _connect(self, port: int) -> socket.socket:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), SCRIPT_SECONDS)
            except OSError:
                assert time.monotonic() < until, "Thunderbird did not start"
                assert self._process.poll() is None, "Thunderbird ended at once"
                time.sleep(0.1)

    def _read(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._take(1)
        return json.loads(self._take(int(length[:-1])))

    def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._wire.recv(count - len(data))
            assert piece, "Thunderbird hung up"
            data += piece
        return data

    def _command(self, name: str, **words: Any) -> Any:
        self._number += 1
        body = json.dumps([0, self._number, name, words]).encode()
        self._wire.sendall(b"%d:%s" % (len(body), body))
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def _run(self, body: str, **words: str) -> Any:
        script = self.script.format(body=body)
        result = self._command("WebDriver:ExecuteAsyncScript", script=script, args=[words])
        said = result["value"]
        assert "error" not in said, said["error"]
        return said["value"]

    # --- the address book -------------------------------------------------------------------------
    def add(self, uid: str, name: str) -> None:
        self._run(ADD, uid=uid, name=name)

    def rename(self, uid: str, name: str) -> None:
        self._run(
            "const card = find(words.uid);"
            "card.vCardProperties.getFirstEntry('fn').value = words.name;"
            "card.displayName = words.name; book.modifyCard(card);",
            uid=uid,
            name=name,
        )

    def remove(self, uid: str) -> None:
        self._run("book.deleteCards([find(words.uid)]);", uid=uid)

    @property
    def contacts(self) -> dict[str, str]:
        """Give UID and name of each contact that the desktop shows."""
        pairs = self._run("return book.childCards.map(card => [card.UID, card.displayName]);")
        return dict(pairs)

    def sync_that_may_fail(self) -> None:
        self._run("await inner.syncWithServer().catch(() => null);")

    def sync_until(self, contacts: dict[str, str]) -> None:
        """Sync until the desktop shows just these."""
        until = time.monotonic() + SETTLE_SECONDS
        self.sync_that_may_fail()
        while self.contacts != contacts and time.monotonic() < until:
            time.sleep(0.1)
            self.sync_that_may_fail()
        assert self.contacts == contacts

    def end(self) -> None:
        """End the program that was started here."""
        if hasattr(self, "_wire"):
            self._wire.close()
        self._process.kill()
        self._process.wait()
        self._log.close()
