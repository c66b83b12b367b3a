"""What the caller's device may do at an address, asked before a method runs.

A device without the service hears 503, not 403 or 404: nothing points a fresh phone here, so who
asks is one that was set up with another password, and it would forget what it holds (D1). A
read-only device hears which privilege it lacks (RFC 3744 section 7.1.1); a phone that was told
`read` at set-up never tries. Only methods that are known to read are let through.
"""

from __future__ import annotations

from typing import Final

from strongroom.base.errors import RightsError
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, parse
from strongroom.dav.statuses import DAV
from strongroom.formats.hrefs import join
from strongroom.service.rights import check_reaches

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
_HERE, _ABOVE, _DESTINATION = "here", "above", "destination"
# Source: RFC 3744 appendix B. What a PUT needs depends on what stands there; a device that can
# neither make nor change hears both.
_NEEDED: Final = {
    "PUT": ((_HERE, "write-content"), (_ABOVE, "bind")),
    "POST": ((_HERE, "bind"),),
    "DELETE": ((_ABOVE, "unbind"),),
    "MKCALENDAR": ((_ABOVE, "bind"),),
    "MKCOL": ((_ABOVE, "bind"),),
    "PROPPATCH": ((_HERE, "write-properties"),),
    "COPY": ((_DESTINATION, "bind"),),
    "MOVE": ((_ABOVE, "unbind"), (_DESTINATION, "bind")),
}
_ANY: Final = ((_HERE, "write"),)
_SERVED: Final = frozenset({Place.HOME, Place.COLLECTION, Place.OBJECT})


def check_service(request: Request) -> None:
    """Raise OutOfScopeError where the device was made for other services than this address."""
    if request.target.place in _SERVED and request.method != "OPTIONS":
        check_reaches(request.caller.rights, request.target.kind.service)


def check_writes(request: Request) -> None:
    """Raise RightsError where a read-only device asks for anything but reading."""
    if not request.caller.rights.read_only or request.method in _READING:
        return
    needed = _NEEDED.get(request.method, _ANY)
    raise RightsError(tuple((_address(request, where), DAV + name) for where, name in needed))


def _address(request: Request, where: str) -> str:
    if where == _HERE:
        return request.path
    target = request.target
    if where == _DESTINATION:
        there = parse(request.headers.get(b"destination", b"").strip())
        # What is not the caller's own is not named: it would tell whether it is there.
        target = there if there.login == request.caller.login else target
    return join(target.path.segments[:-1], True)
