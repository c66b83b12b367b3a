"""The command line's grammar, and the table of contents that `--help` shows.

Nothing heavy is imported here, so that `--help` is there at once. `--config` and `--json` may stand
before or after the command.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final, NoReturn

from strongroom import __version__
from strongroom.cli.screen import UsageError

CONTENTS: Final = """\
Strongroom: a personal-data cloud for phones. What it has acknowledged is never lost.

Begin
  init                      create the cell in empty directories, once
  serve                     run the server in the foreground (SIGTERM ends it well)
  demo                      a demo account with samples, and how to connect

People and their phones
  account add LOGIN         a new person, with an empty address book and calendars
  account list              who there is
  account show LOGIN        name, books, calendars, devices, space, what is frozen
  account set-quota LOGIN N how much may stand in an account: bytes, 2G, or none
  account suspend LOGIN     close an account on purpose; nothing is deleted
  account resume LOGIN      open it again
  account thaw LOGIN        see why an account is frozen, and end that
  custody LOGIN             which device holds what, and what no other device has
  device add LOGIN NAME     a password for one phone or program
  device list LOGIN         which devices a person has
  device revoke LOGIN NAME  let a lost phone in no more

What happened, and taking it back
  history LOGIN             who changed what, when, with which device and client
  undo LOGIN --to TIME      everything or a part as it was; shows it first

What phones tried to save
  refused list LOGIN        edits that were refused and that the phone has dropped
  refused show LOGIN N      what one would change, field by field
  refused apply LOGIN N     bring one into what stands now
  refused drop LOGIN N      take one off the list; the history keeps it

Out and in
  export LOGIN              everything as one file, a folder, or what fits on a SIM card
  import LOGIN FILE...      bring vCard, CSV or iCalendar files in; nothing that stands is lost

Keys
  keys list                 what each key protects, and what its loss costs
  keys backup FILE          all of them as one encrypted file (age)

Names and certificates
  tls init                  a local authority and a certificate of it, or a new certificate
  dns DOMAIN                what to publish, so that an e-mail address finds the server

Disks
  status                    how it is, and which losses it would survive
  replica list              each copy, where it lies and what its word is worth
  replica rebuild ID        fill a blank or doubtful place with a fresh copy
  scrub                     read everything, compare, and mend what is damaged

From outside
  doctor URL                ask a server as a phone would, and name what is in the way
"""
_NAMED: Final = "a book like contacts, a calendar like calendars/work, as `account show` says it"
_TIME: Final = "2026-11-28, 2026-11-28T20:45 (UTC), or 90m, 3h, 2d ago"
EPILOG: Final = """\
Every command finds its settings in --config FILE, or ./strongroom.toml, or ./var/strongroom.toml,
and works whether or not the server runs. `strongroom COMMAND --help` tells more of each.
"""


def build_parser() -> argparse.ArgumentParser:
    """Build the whole grammar."""
    parser = _Parser(
        prog="strongroom",
        description=CONTENTS,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="strongroom [--config FILE] [--json] COMMAND ...",
    )
    parser.add_argument("--version", action="version", version=f"strongroom {__version__}")
    _add_common(parser, None, default_json=False)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, help=argparse.SUPPRESS
    )
    _leaf(commands, "init", "Create the cell in empty directories, once. Nothing else ever does.")
    _add_serve(
        _leaf(commands, "serve", "Run the server in the foreground until SIGTERM or Ctrl-C.")
    )
    demo = _leaf(commands, "demo", "Make the demo account with samples, and a device for it.")
    demo.add_argument("--lan", action="store_true", help="say how to connect to `serve --lan`")
    _add_refused(_group(commands, "refused", "Refused edits: list, show, apply, drop."))
    _add_export(_leaf(commands, "export", "Everything of a person, to carry away."))
    _add_import(_leaf(commands, "import", "Bring files in. What stands is merged, never replaced."))
    _add_history(_leaf(commands, "history", "Who changed what, the newest first."))
    _add_undo(_leaf(commands, "undo", "Give back what was, as new changes that phones follow."))
    _add_doctor(commands)
    _leaf(commands, "status", "Say how the cell is and which losses it would survive.")
    _leaf(commands, "scrub", "Read and refold every copy, compare, and mend what is damaged.")
    _add_tls(_group(commands, "tls", "Certificates: init."))
    dns = _leaf(commands, "dns", "Print the DNS records by which programs find the server.")
    dns.add_argument("domain", metavar="DOMAIN", help="what stands behind the @ of an address")
    _add_accounts(_group(commands, "account", "People: add, list, show, set-quota, suspend..."))
    custody = _leaf(
        commands, "custody", "Which device of a person holds what, as far as that can be known."
    )
    custody.add_argument("login", metavar="LOGIN")
    _add_devices(_group(commands, "device", "Phones and programs: add, list, revoke."))
    _add_keys(_group(commands, "keys", "Keys: list, backup."))
    _add_replicas(_group(commands, "replica", "Copies: list, rebuild."))
    return parser


class _Parser(argparse.ArgumentParser):
    """Never takes an abbreviated option: a script must mean what it says."""

    def __init__(self, **kwargs: object) -> None:
        kwargs["allow_abbrev"] = False
        super().__init__(**kwargs)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Show how the command is written; with --json the error is an object like any other."""
        self.print_usage(sys.stderr)
        raise UsageError(f"{message[:1].upper()}{message[1:]}.")


_Commands = argparse._SubParsersAction


def _add_common(parser: argparse.ArgumentParser, default: object, *, default_json: object) -> None:
    parser.add_argument("--config", metavar="FILE", default=default, help="the settings (TOML)")
    parser.add_argument(
        "--json", action="store_true", default=default_json, help="one JSON object, for programs"
    )


def _leaf(commands: _Commands[_Parser], name: str, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, description=text)
    # SUPPRESS: what stood before the command must not be overwritten by a default.
    _add_common(parser, argparse.SUPPRESS, default_json=argparse.SUPPRESS)
    return parser


def _group(commands: _Commands[_Parser], name: str, text: str) -> _Commands[_Parser]:
    parser = _leaf(commands, name, text)
    return parser.add_subparsers(dest="action", metavar="ACTION", required=True)  # type: ignore[return-value]


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--lan", nargs="?", const="", metavar="ADDRESS",
        help="listen on the local network too, with TLS, and announce it there",
    )  # fmt: skip
    serve.add_argument(
        "--pair", default="", metavar="LOGIN", help="show a QR code that sets up one phone, once"
    )
    serve.add_argument(
        "--trace", metavar="DIR",
        help="write what is asked and answered to a file in DIR, without anything personal",
    )  # fmt: skip


def _add_tls(actions: _Commands[_Parser]) -> None:
    init = _leaf(
        actions, "init", "Make a local authority, once, and a certificate of it; again: renew that."
    )
    init.add_argument(
        "--host", action="append", default=[], metavar="NAME",
        help="a further name or address that is used, as a VPN's; may be given several times",
    )  # fmt: skip


def _add_refused(actions: _Commands[_Parser]) -> None:
    listing = _leaf(actions, "list", "Edits of phones that were refused, and why.")
    listing.add_argument("login", metavar="LOGIN")
    show = _leaf(actions, "show", "How one differs from what stands now. Nothing is changed.")
    apply = _leaf(
        actions, "apply", "Bring what the phone changed into what stands now; shows it first."
    )
    drop = _leaf(actions, "drop", "Take one off the list; the history keeps it.")
    for action in (show, apply, drop):
        action.add_argument("login", metavar="LOGIN")
        action.add_argument("number", metavar="N", type=int, help="as `refused list` says it")
    show.add_argument("--raw", action="store_true", help="the bytes as the phone sent them")
    apply.add_argument(
        "--prefer", choices=["phone", "server", "both"], default="",
        help="whose word counts where both changed a field (default: you are asked)",
    )  # fmt: skip


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument("login", metavar="LOGIN")
    export.add_argument(
        "--collection", metavar="C", action="append", default=[],
        help=f"only this one: {_NAMED}; may be given several times",
    )  # fmt: skip
    export.add_argument(
        "--output", metavar="FILE|DIR", help="a new file or folder (default: standard output)"
    )
    export.add_argument(
        "--version", choices=["3.0", "4.0"], help="convert to it (default: as it was stored)"
    )
    export.add_argument(
        "--as", dest="form", choices=["vcf", "ics", "folder", "sim"],
        help="one file of contacts (default) or of calendars, a folder with a file for each and an "
        "index, or a SIM card's set",
    )  # fmt: skip
    export.add_argument(
        "--sim", metavar="N", type=int, help="names and numbers for a SIM card of N places"
    )
    export.add_argument(
        "--pick", metavar="FILE", help="who comes first on the SIM card: a name or UID on each line"
    )


def _add_import(intake: argparse.ArgumentParser) -> None:
    intake.add_argument("login", metavar="LOGIN")
    intake.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="vCard 2.1 to 4.0, CSV of Google or Outlook, or iCalendar",
    )
    intake.add_argument(
        "--collection", metavar="C", default="",
        help="into this one, as its address names it (default: contacts, and for each event, task "
        "or note the first calendar that takes it)",
    )  # fmt: skip
    intake.add_argument(
        "--dry-run", action="store_true", help="tell what would happen, and change nothing"
    )


def _add_history(history: argparse.ArgumentParser) -> None:
    _add_part(history)
    history.add_argument("--since", metavar="T", default="", help=f"later than this: {_TIME}")
    history.add_argument("--until", metavar="T", default="", help="not later than this")
    history.add_argument("--device", metavar="D", default="", help="of this device, revoked or not")
    history.add_argument(
        "--limit", metavar="N", type=int, default=100, help="how many at most (default: 100)"
    )


def _add_undo(undo: argparse.ArgumentParser) -> None:
    _add_part(undo)
    what = undo.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", metavar="TIME", default="", help=f"as it was then: {_TIME}")
    what.add_argument(
        "--entry", metavar="COLLECTION:N", default="",
        help="as one thing was before this entry of the history",
    )  # fmt: skip
    what.add_argument(
        "--device", metavar="D", default="", help="as if this device had done nothing since T"
    )
    undo.add_argument("--since", metavar="T", default="", help="with --device")
    undo.add_argument("--dry-run", action="store_true", help="show what it would do, no more")
    undo.add_argument("--yes", action="store_true", help="do it without being asked")


def _add_part(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("login", metavar="LOGIN")
    parser.add_argument(
        "--collection",
        metavar="C",
        default="",
        help=f"only this one: {_NAMED}; also if it was removed",
    )
    parser.add_argument(
        "--object", metavar="HREF", default="", help="only this one: its file name or its address"
    )


def _add_doctor(commands: _Commands[_Parser]) -> None:
    doctor = _leaf(
        commands, "doctor", "Ask a server as a phone would; each finding names the line to change."
    )
    doctor.add_argument("url", metavar="URL")
    doctor.add_argument("--login", metavar="LOGIN")
    doctor.add_argument("--password-file", metavar="FILE", help="holds a device's password")
    doctor.add_argument("--ca", metavar="FILE", help="trust this authority too")
    doctor.add_argument("--http-port", metavar="PORT", type=int, help="80, if https is on 443")
    doctor.add_argument("--write", action="store_true", help="may put a card there for a moment")
    doctor.add_argument("--slow", action="store_true", help="measure the 75 s of keep-alive")


def _add_accounts(actions: _Commands[_Parser]) -> None:
    add = _leaf(actions, "add", "A new person, with an empty address book and calendars.")
    add.add_argument("login", metavar="LOGIN")
    add.add_argument("--name", default="", help="the person's name, as devices show it")
    add.add_argument("--email", default="", metavar="ADDRESS", help="told to devices that ask")
    _leaf(actions, "list", "Who there is, with how many devices, and who is frozen or suspended.")
    show = _leaf(actions, "show", "All about one person, except what must stay secret.")
    show.add_argument("login", metavar="LOGIN")
    quota = _leaf(
        actions, "set-quota", "How much may stand in an account. Nothing that stands is touched."
    )
    quota.add_argument("login", metavar="LOGIN")
    quota.add_argument("amount", metavar="AMOUNT", help="bytes, or 500M, 2G and the like; or none")
    suspend = _leaf(
        actions, "suspend", "Close an account on purpose. Phones hear why and keep what they have."
    )
    suspend.add_argument("login", metavar="LOGIN")
    suspend.add_argument("--reason", required=True, metavar="TEXT", help="phones are told this")
    resume = _leaf(actions, "resume", "Open a suspended account again; all is as it was.")
    resume.add_argument("login", metavar="LOGIN")
    thaw = _leaf(actions, "thaw", "Show why an account is frozen; end it once that is accepted.")
    thaw.add_argument("login", metavar="LOGIN")
    thaw.add_argument("--yes", action="store_true", help="accept the evidence without being asked")


def _add_devices(actions: _Commands[_Parser]) -> None:
    add = _leaf(actions, "add", "A password for one phone or program; it is shown this once.")
    add.add_argument("login", metavar="LOGIN")
    add.add_argument("name", metavar="NAME")
    add.add_argument(
        "--services", metavar="LIST", default="", type=_list,
        help="only these, separated by commas: contacts, calendars (tasks and notes too); "
        "default: all, later ones too",
    )  # fmt: skip
    add.add_argument(
        "--read-only", action="store_true", help="it may read and never write; fixed for its life"
    )
    show = add.add_mutually_exclusive_group()
    show.add_argument(
        "--print", choices=["password"], dest="only", help="print the password and nothing else"
    )
    show.add_argument(
        "--qr", action="store_true", help="a QR code that sets up a phone, once, for 15 minutes"
    )
    listing = _leaf(actions, "list", "Which devices a person has.")
    listing.add_argument("login", metavar="LOGIN")
    revoke = _leaf(actions, "revoke", "Let a device in no more. Nothing it holds is touched.")
    revoke.add_argument("login", metavar="LOGIN")
    revoke.add_argument("name", metavar="NAME")


def _add_keys(actions: _Commands[_Parser]) -> None:
    _leaf(actions, "list", "Each key: what it protects, what its loss costs, who can read it.")
    backup = _leaf(
        actions, "backup", "All keys as one new file that `age` opens; it is read back at once."
    )
    backup.add_argument("file", metavar="FILE")
    seal = backup.add_mutually_exclusive_group(required=True)
    seal.add_argument(
        "--recipient", action="append", default=[], metavar="AGE1...",
        help="for the holder of this age identity; may be given several times",
    )  # fmt: skip
    seal.add_argument(
        "--passphrase-file", metavar="F", help="for whoever knows the first line of this file"
    )


def _list(text: str) -> list[str]:
    return [word for word in (part.strip() for part in text.split(",")) if word]


def _add_replicas(actions: _Commands[_Parser]) -> None:
    _leaf(actions, "list", "Each copy: where it lies, what its word is worth, how far it is.")
    rebuild = _leaf(
        actions, "rebuild", "Fill a blank or doubtful place with a fresh copy; the old is kept."
    )
    rebuild.add_argument("replica", metavar="ID")
    rebuild.add_argument(
        "--from",
        metavar="R",
        dest="source",
        help="past a lost quorum: let copy R alone be the truth (asks for its number)",
    )
    rebuild.add_argument(
        "--number", type=int, help="with --from: the batch number that would be asked for"
    )
    rebuild.add_argument(
        "--drop-quarantine", action="store_true", help="then delete what was set aside there"
    )
