"""Run by the system's Python in a session bus of its own: GNOME's address book, told what to do.

`evolution_driver.py SOURCE LOGIN PASSWORD`; JSON requests come in, one a line, and an answer to
each goes out. It speaks to what Evolution, GNOME Contacts and their like have in common:
evolution-data-server, with its CardDAV backend and its cache, over D-Bus.
"""

import json
import sys

import gi

gi.require_version("EBook", "1.2")
gi.require_version("EBookContacts", "1.2")
gi.require_version("EDataServer", "1.2")
from gi.repository import EBook, EBookContacts, EDataServer, GLib  # noqa: E402

OPEN_SECONDS = 30


def open_book(source_id, login, password):
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
            came.append(EBook.BookClient.connect_finish(result))
        except GLib.Error as error:
            came.append(error)
        loop.quit()

    source.connect("credentials-required", credentials)
    EBook.BookClient.connect(source, OPEN_SECONDS, None, opened)
    GLib.timeout_add_seconds(2 * OPEN_SECONDS, loop.quit)
    loop.run()
    if not came or isinstance(came[0], GLib.Error):
        raise SystemExit(f"the address book did not open: {came}")
    return registry, came[0]


def answer(book, do, **words):
    if do == "add":
        contact = EBookContacts.Contact.new_from_vcard(words["vcard"])
        return book.add_contact_sync(contact, 0, None)[1]
    if do == "rename":
        contact = book.get_contact_sync(words["uid"], None)[1]
        contact.set_property("full-name", words["name"])
        return book.modify_contact_sync(contact, 0, None)
    if do == "remove":
        return book.remove_contact_by_uid_sync(words["uid"], 0, None)
    if do == "refresh":
        return book.refresh_sync(None)
    contacts = book.get_contacts_sync("", None)[1]
    return {one.get_property("id"): one.get_property("full-name") for one in contacts}


def main():
    registry, book = open_book(*sys.argv[1:])
    print(json.dumps({"opened": not book.is_readonly()}), flush=True)
    for line in sys.stdin:
        try:
            said = {"answer": answer(book, **json.loads(line))}
        except GLib.Error as error:
            said = {"error": error.message}
        print(json.dumps(said), flush=True)
    del registry


if __name__ == "__main__":
    main()
