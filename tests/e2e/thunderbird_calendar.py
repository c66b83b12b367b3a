"""Thunderbird's calendar without a screen; see thunderbird.py for how it is told what to do."""

from __future__ import annotations

from e2e.thunderbird import Thunderbird
from fakes.events import calendar, component

SCRIPT = """
const [words] = arguments;
const done = arguments[arguments.length - 1];
const {{ cal }} = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
const {{ CalEvent }} = ChromeUtils.importESModule("resource:///modules/CalEvent.sys.mjs");
const own = cal.manager.getCalendars().find(one => one.name == "Strongroom");
const all = async () => own.getItemsAsArray(
  Ci.calICalendar.ITEM_FILTER_ALL_ITEMS, 0, null, null);
const find = async uid => (await all()).find(item => item.id == uid);
(async () => {{ {body} }})().then(
  value => done({{ value: value === undefined ? null : value }}),
  error => done({{ error: String(error) + (error.stack || "") }}));
"""
MAKE = """
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init(words.origin, null, "Strongroom", words.login, words.password, "", "");
await Services.logins.addLoginAsync(login);
const made = cal.manager.createCalendar("caldav", Services.io.newURI(words.origin + words.path));
made.name = "Strongroom";
made.setProperty("username", words.login);
made.setProperty("cache.enabled", true);
cal.manager.registerCalendar(made);
return !made.readOnly;
"""
# What goes wrong while it syncs is told to nobody, and shows in what it has.
REFRESH = """
const loaded = new Promise(resolve => {
  const observer = {
    QueryInterface: ChromeUtils.generateQI(["calIObserver"]), onError() {},
    onLoad() { own.removeObserver(observer); resolve(); },
    onStartBatch() {}, onEndBatch() {}, onAddItem() {}, onModifyItem() {}, onDeleteItem() {},
    onPropertyChanged() {}, onPropertyDeleting() {},
  };
  own.addObserver(observer);
});
own.refresh();
await Promise.race([loaded, new Promise(resolve => setTimeout(resolve, 2000))]);
"""


class ThunderbirdCalendar(Thunderbird):
    """One desktop with one CalDAV calendar."""

    script = SCRIPT
    make = MAKE

    def path(self, login: str) -> str:
        return f"/dav/calendars/{login}/calendar/"

    def add(self, uid: str, name: str) -> None:
        lines = ("DTSTAMP:20261101T000000Z", "DTSTART:20261128T200000Z", f"SUMMARY:{name}")
        text = calendar(component("VEVENT", *lines, uid=uid)).decode()
        self._run("await own.addItem(new CalEvent(words.text));", text=text)

    def rename(self, uid: str, name: str) -> None:
        self._run(
            "const old = await find(words.uid); const item = old.clone();"
            "item.title = words.name; await own.modifyItem(item, old);",
            uid=uid,
            name=name,
        )

    def remove(self, uid: str) -> None:
        self._run("await own.deleteItem(await find(words.uid));", uid=uid)

    @property
    def contacts(self) -> dict[str, str]:
        """Give UID and summary of each event that the desktop shows."""
        return dict(self._run("return (await all()).map(item => [item.id, item.title]);"))

    def sync_that_may_fail(self) -> None:
        self._run(REFRESH)
