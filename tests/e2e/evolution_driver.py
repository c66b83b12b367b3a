"""Run by the system's Python in a session bus of its own: GNOME's own data, told what to do.

`evolution_driver.py KIND SOURCE LOGIN PASSWORD`; KIND is book, events, tasks or memos. JSON
requests come in, one a line, and an answer to each goes out. It speaks to what Evolution, GNOME
Contacts and Calendar have in common: evolution-data-server, with its CardDAV and CalDAV backends
and its cache, over D-Bus.
"""

import json
import sys

import gi

gi.require_version("EBook", "1.2")
gi.require_version("EBookContacts", "1.2")
gi.require_version("ECal", "2.0")
gi.require_version("EDataServer", "1.2")
gi.require_version("ICalGLib", "3.0")
from gi.repository import EBook, EBookContacts, ECal, EDataServer, GLib, ICalGLib  # noqa: E402

OPEN_SECONDS = 30


def open_client(kind, source_id, login, password):
    registry = EDataServer.SourceRegistry.new_sync(None)
    source = registry.ref_source(source_id)
    loop, came = GLib.MainLoop(), []

    def credentials(asking, *_why):
        given = EDataServer.NamedParameters.new()
        given.set("username", login)
        given.set("password", password)
        asking.invoke_authenticate_sync(given, None)

    def opened(_object, result):
        try:
            came.append(kind.connected(result))
        except GLib.Error as error:
            came.append(error)
        loop.quit()

    source.connect("credentials-required", credentials)
    kind.connect(source, opened)
    GLib.timeout_add_seconds(2 * OPEN_SECONDS, loop.quit)
    loop.run()
    if not came or isinstance(came[0], GLib.Error):
        raise SystemExit(f"it did not open: {came}")
    return registry, came[0]


class Book:
    """An address book."""

    def connect(self, source, opened):
        EBook.BookClient.connect(source, OPEN_SECONDS, None, opened)

    def connected(self, result):
        return EBook.BookClient.connect_finish(result)

    def add(self, book, body):
        return book.add_contact_sync(EBookContacts.Contact.new_from_vcard(body), 0, None)[1]

    def rename(self, book, uid, name):
        contact = book.get_contact_sync(uid, None)[1]
        contact.set_property("full-name", name)
        return book.modify_contact_sync(contact, 0, None)

    def remove(self, book, uid):
        return book.remove_contact_by_uid_sync(uid, 0, None)

    def list(self, book):
        contacts = book.get_contacts_sync("", None)[1]
        return {one.get_property("id"): one.get_property("full-name") for one in contacts}


class Calendar:
    """A calendar, a list of tasks or of memos."""

    def __init__(self, kind):
        self.kind = kind

    def connect(self, source, opened):
        ECal.Client.connect(source, self.kind, OPEN_SECONDS, None, opened)

    def connected(self, result):
        return ECal.Client.connect_finish(result)

    def add(self, calendar, body):
        component = ICalGLib.Component.new_from_string(body)
        return calendar.create_object_sync(component, ECal.OperationFlags.NONE, None)[1]

    def rename(self, calendar, uid, name):
        component = calendar.get_object_sync(uid, None, None)[1]
        component.set_summary(name)
        return calendar.modify_object_sync(
            component, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None
        )

    def remove(self, calendar, uid):
        return calendar.remove_object_sync(
            uid, None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None
        )

    def list(self, calendar):
        found = calendar.get_object_list_sync("#t", None)[1]
        return {one.get_uid(): one.get_summary() for one in found}


KINDS = {
    "book": Book(),
    "events": Calendar(ECal.ClientSourceType.EVENTS),
    "tasks": Calendar(ECal.ClientSourceType.TASKS),
    "memos": Calendar(ECal.ClientSourceType.MEMOS),
}


def answer(kind, client, do, **words):
    if do == "refresh":
        return client.refresh_sync(None)
    return getattr(kind, do)(client, **words)


def main():
    kind = KINDS[sys.argv[1]]
    registry, client = open_client(kind, *sys.argv[2:])
    print(json.dumps({"opened": not client.is_readonly()}), flush=True)
    for line in sys.stdin:
        try:
            said = {"answer": answer(kind, client, **json.loads(line))}
        except GLib.Error as error:
            said = {"error": error.message}
        print(json.dumps(said), flush=True)
    del registry


if __name__ == "__main__":
    main()
