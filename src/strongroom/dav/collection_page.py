"""GET and HEAD of a collection, or of a home: a page for a person who opens its address.

It says what the address is for, and leads to `?export`. Nothing of what the collection holds is
told but its name, so it costs the same whatever is in it; there is no ETag and no Last-Modified,
which a client could take for those of a listing. `getcontentlength` is the length of this page, and
`getcontenttype` its type (RFC 4918 sections 15.4 and 15.5).
"""

from __future__ import annotations

from html import escape
from typing import Final

from strongroom.base.errors import InvalidError
from strongroom.dav.answers import answer
from strongroom.dav.reading import is_known, precondition
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, collection_href, home_href
from strongroom.dav.terms import TERMS
from strongroom.formats.webpage import HEADERS, HTML, page
from strongroom.history.entries import Member
from strongroom.service.access import find_collection
from strongroom.service.collections import name_of
from strongroom.service.kinds import Kind, kind_of, short_name

_NO_ETAG: Final = ""


async def collection_page(request: Request) -> None:
    """Answer GET or HEAD.

    Raises:
        InvalidError: it is asked for something else, which must not be taken for an export.
    """
    if request.query:
        raise InvalidError("There is a page here, and ?export for everything in one file.")
    body = await _page(request)
    when, _ = precondition(request)
    if is_known(when, _NO_ETAG):
        await answer(request.send, 304, HEADERS)
        return
    headers = [*HEADERS, (b"content-type", HTML.encode()), (b"content-length", b"%d" % len(body))]
    await request.send({"type": "http.response.start", "status": 200, "headers": headers})
    body = b"" if request.method == "HEAD" else body
    await request.send({"type": "http.response.body", "body": body})


async def _page(request: Request) -> bytes:
    target, caller = request.target, request.caller
    if target.place is Place.HOME:
        return home_page(caller.login, target.kind)
    collection = await find_collection(request.cell, caller.home, target.collection)
    return page_of(caller.login, collection)


def page_of(login: str, collection: Member) -> bytes:
    """Make the page of a collection of an account."""
    kind = kind_of(collection.href)
    name = name_of(collection) or short_name(collection.href)
    terms = TERMS[kind]
    return page(
        name,
        f"""<p>This is the address of {terms.one} of <b>{escape(login)}</b>. It is for programs that
speak {terms.protocol}, not for a browser.</p>
{_values(collection_href(login, collection.href), login)}""",
    )


def home_page(login: str, kind: Kind) -> bytes:
    """Make the page of a home, as one kind of program finds it."""
    terms = TERMS[kind]
    return page(
        f"{terms.many.capitalize()} of {login}",
        f"""<p>This is the address of all {terms.many} of <b>{escape(login)}</b>. It is for programs
that speak {terms.protocol}, not for a browser.</p>
{_values(home_href(login, kind), login)}""",
    )


def _values(href: str, login: str) -> str:
    return f"""<section class="card"><h2>In the program</h2>
<p>Most programs want the name of this server, and find the rest by themselves. The others want the
whole address: the name, and then what stands here.</p>
<dl><dt>Address on this server</dt><dd>{escape(href)}</dd>
<dt>Login</dt><dd>{escape(login)}</dd></dl>
<p class="soft">Each device has a password of its own.</p></section>
<p><a href="?export">Download all that is in it as one file.</a></p>
<p class="soft">It is of this moment, and does not follow later changes.</p>"""
