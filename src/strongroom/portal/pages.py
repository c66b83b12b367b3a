"""The pages that set up a phone, as HTML: values in, one self-contained page out. Pure.

No scripts, no pictures, nothing from elsewhere; every value is escaped; one style sheet, which the
content security policy names by its digest. Not here: status codes, and what a page is allowed to
say (app.py).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote

from strongroom.service.rights import CALENDARS, CONTACTS

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c2321;--soft:#5a6662;--paper:#f3f5f2;--card:#fff;
--line:#d5dbd6;--tint:#0b6b4f;--on-tint:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e7ece9;--soft:#9caaa4;--paper:#121715;--card:#1b2220;
--line:#323c38;--tint:#5fd3a8;--on-tint:#06281c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.5 system-ui,sans-serif}
main{max-width:30rem;margin:0 auto;padding:1.5rem 1rem 3rem}
.mark{margin:0;color:var(--tint);font-weight:600;letter-spacing:.02em}
h1{font-size:1.55rem;line-height:1.25;margin:.2rem 0 1rem}
h2{font-size:1.05rem;margin:0 0 .4rem}
p,ol{margin:.5rem 0}
ol{padding-left:1.4rem}
li{margin:.35rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1rem;
margin:1rem 0}
.go{display:block;width:100%;margin:.75rem 0 .25rem;padding:.8rem 1rem;border:0;border-radius:10px;
background:var(--tint);color:var(--on-tint);font:inherit;font-weight:600;text-align:center;
text-decoration:none;cursor:pointer}
.plain{background:none;color:var(--tint);border:1px solid var(--line)}
.go:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
.soft{color:var(--soft);font-size:.9rem}
dl{margin:0}
dt{color:var(--soft);font-size:.85rem;margin-top:.7rem}
dt:first-child{margin-top:0}
dd{margin:.15rem 0 0;padding:.55rem .7rem;border:1px solid var(--line);border-radius:8px;
font:1rem/1.45 ui-monospace,monospace;overflow-wrap:anywhere;-webkit-user-select:all;
user-select:all}
"""
_DIGEST: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
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
    return _page(
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
    return _page(
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
    return _page(
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
    return _page("Not now", f"<p>{_marked(why)}</p>\n<p>{escape(again)}</p>")


def _marked(text: str) -> str:
    """Escape a text, and set what stands between backticks as code, with its line ends kept."""
    parts = escape(text).split("`")
    words = [f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts)]
    return "".join(words).replace("\n", "<br>")


def _minutes(count: int) -> str:
    return "a minute" if count <= 1 else f"{count} minutes"


def _page(title: str, body: str) -> bytes:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{escape(title)} · Strongroom</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<p class="mark">Strongroom</p>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
""".encode()
