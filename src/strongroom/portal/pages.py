"""The pages that set up a phone, as HTML: values in, one self-contained page out. Pure.

Every value is escaped. Not here: the frame of a page (formats.webpage), status codes, and what a
page is allowed to say (app.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote

from strongroom.formats.webpage import page
from strongroom.service.rights import CALENDARS, CONTACTS

_WARNING: Final = """
<p class="soft">Did the browser warn about this server? Go on only if the fingerprint that it
showed is the one beside the QR code.</p>"""
APPLE: Final = "apple"
ANDROID: Final = "android"
OTHER: Final = "other"


class Things(NamedTuple):
    """What one service brings: in a word, and how it comes into an Android phone."""

    words: str
    android: str


THINGS: Final = {
    CONTACTS: Things("contacts", "brings contacts into the phone's own address book"),
    CALENDARS: Things(
        "calendars, tasks and notes",
        "brings calendars into the phone's calendar, and tasks and notes into the app that you "
        "choose there",
    ),
}


def offer_page(
    login: str, device: str, minutes: int, things: Sequence[Things], *, trust: str
) -> bytes:
    """Ask which kind of phone it is; each answer is a button, and the first one pressed counts.

    `minutes` are left; `things` are what the device will reach; `trust` names the local authority
    that a phone must be told to trust.
    """
    what = ", ".join(one.words for one in things)
    return page(
        "Connect this phone",
        f"""<p>It will see the {what} of <b>{escape(login)}</b>, as the device
<b>{escape(device)}</b>.</p>
<p class="soft">This page works once, for {_minutes(minutes)} more. Press the button on the phone
itself.</p>{_WARNING if trust else ""}
<section class="card"><h2>iPhone, iPad, Mac</h2>
<ol><li>Press the button and allow the download.</li>
<li>Open Settings, “Profile Downloaded”, and install it.</li>{_trust_step(trust)}</ol>
{_button(APPLE, "Download the profile")}</section>
<section class="card"><h2>Android</h2>
<p>With the app DAVx⁵: it {", and ".join(one.android for one in things)}.</p>
{_button(ANDROID, "Go on with DAVx⁵")}</section>
<section class="card"><h2>Any other program</h2>
<p>Shows the address, the login and a password to type.</p>
{_button(OTHER, "Show what to type", "go plain")}</section>""",
    )


def _trust_step(trust: str) -> str:
    if not trust:
        return ""
    return (
        "\n<li>Then Settings, General, About, Certificate Trust Settings: switch on "
        f"“{escape(trust)}”. On a Mac: Keychain Access, “Always Trust”.</li>"
    )


def _button(kind: str, words: str, style: str = "go") -> str:
    # The action is relative to the page's own address, which ends in the secret and a slash.
    return (
        f'<form method="post" action="{kind}"><button class="{style}">{escape(words)}</button>'
        "</form>"
    )


def values_page(origin: str, login: str, device: str, password: str, *, android: bool) -> bytes:
    """Show what to type, this once; for Android with a link that opens DAVx5."""
    link = f"davx5://{quote(login, '')}@{origin.removeprefix('https://')}/dav/"
    steps = f"""<section class="card"><h2>In DAVx⁵</h2>
<ol><li>Hold the password above and copy it.</li><li>Press the button, and paste it there.</li>
<li>If DAVx⁵ asks about the certificate, compare its fingerprint with the
one beside the QR code.</li></ol>
<a class="go" href="{escape(link)}">Open DAVx⁵</a>
<p class="soft">Nothing opens? Install DAVx⁵, choose “Login with URL and user name”, and type these
values.</p></section>"""
    return page(
        "Almost done",
        f"""<p>The device <b>{escape(device)}</b> is there. Its password is shown <b>this
once</b>.</p>
<section class="card"><dl><dt>Password</dt><dd>{escape(password)}</dd>
<dt>Login</dt><dd>{escape(login)}</dd>
<dt>Address</dt><dd>{escape(origin)}</dd></dl></section>
{steps if android else ""}
<p class="soft">Lost it? Nothing is lost with it: ask for another device.</p>""",
    )


def gone_page() -> bytes:
    """Say that there is nothing here, whatever was asked for."""
    return page(
        "This page is used up",
        """<p>It works once, for a quarter of an hour, and then never again.</p>
<p>Whoever runs the server makes another one:</p>
<section class="card"><dl><dt>On the server</dt><dd>strongroom device add LOGIN NAME --qr</dd></dl>
</section>
<p class="soft">Was it you who used it? If not, somebody else connected a device: take it away with
<code>strongroom device revoke</code>.</p>""",
    )


def refused_page(why: str, again: str) -> bytes:
    """Say why no phone is set up, and what to do."""
    return page("Not now", f"<p>{_marked(why)}</p>\n<p>{escape(again)}</p>")


def _marked(text: str) -> str:
    """Escape a text, and set what stands between backticks as code, with its line ends kept."""
    parts = escape(text).split("`")
    words = [f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts)]
    return "".join(words).replace("\n", "<br>")


def _minutes(count: int) -> str:
    return "a minute" if count <= 1 else f"{count} minutes"
