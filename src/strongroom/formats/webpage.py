"""A page for a browser: values in, one self-contained page out. Pure.

No scripts, no pictures, nothing from elsewhere; one style sheet, which the content security policy
names by its digest. Whoever calls escapes what goes into `body`.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Final

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
HTML: Final = "text/html; charset=utf-8"
# What goes with each page, whatever it says.
HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


def page(title: str, body: str) -> bytes:
    """Make a page of a title, which is a text, and a body, which is HTML."""
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
