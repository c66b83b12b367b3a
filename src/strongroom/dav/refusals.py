"""What happens before a refusal is said: the bytes are kept, or a deletion is undone on the phone.

A phone drops an edit that it hears 403, 409 or 412 about, so what it sent is kept for its owner
first (service.refused). A phone that was refused a deletion has deleted already, and its sync token
has not moved: the object is told as changed once more, or it would never come back (features.md
3.1).

Rules: what goes wrong while keeping never changes the answer; a deletion that could not be told
again is answered 503, which the phone repeats. A 503 is no refusal.
"""

from __future__ import annotations

import logging
from typing import Final

from strongroom.base.errors import (
    BusyError,
    ClientError,
    InvalidError,
    RightsError,
    StrongroomError,
    UnsureError,
)
from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.dav.reading import condition_text
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, parse
from strongroom.dav.statuses import status_of
from strongroom.service.access import find_collection
from strongroom.service.objects import DELETE_REFUSED, find_object, tell_again
from strongroom.service.refused import Keeper, Refusal

_BRINGING: Final = frozenset({("PUT", Place.OBJECT), ("POST", Place.COLLECTION)})
_KEPT: Final = frozenset({403, 409, 412, 413, 507})
_TOLD_AGAIN: Final = frozenset({403, 412})
_TYPE_CHARACTERS_MAX: Final = 200
_WHY_CHARACTERS_MAX: Final = 500
_log: Final = logging.getLogger("strongroom.refused")


async def attend(request: Request, error: StrongroomError) -> StrongroomError:
    """Do what a refusal calls for; gives what is to be answered.

    Raises:
        GoneError: the client went away.
    """
    target, keeper = request.target, request.keeper
    if keeper is None or target.login != request.caller.login:
        return error
    status = status_of(error).code
    if (request.method, target.place) in _BRINGING and status in _KEPT:
        await _keep(request, keeper, error)
    elif (request.method, target.place) == ("DELETE", Place.OBJECT) and status in _TOLD_AGAIN:
        return await _tell_again(request, keeper, error)
    return error


async def _keep(request: Request, keeper: Keeper, error: StrongroomError) -> None:
    body, whole = await request.brought(OBJECT_BYTES_MAX)
    if whole and not body:
        return  # there is nothing to keep
    status = status_of(error)
    condition = condition_text(request)
    other = parse(error.href).name if isinstance(error, InvalidError) else ""
    refusal = Refusal(
        request.target.collection, request.target.name, status.code, status.element,
        str(error)[:_WHY_CHARACTERS_MAX], other, condition,
        request.header(b"content-type")[:_TYPE_CHARACTERS_MAX],
        max(len(body), request.length()), whole,
    )  # fmt: skip
    try:
        origin = request.origin(condition)
        await keeper.keep(request.cell, request.caller.home, refusal, body, origin)
    except (StrongroomError, TimeoutError) as trouble:
        # Names are not for the log; the owner finds this one with the next that can be kept.
        _log.warning("%s a refused write is not kept: %s", request.id, type(trouble).__name__)


async def _tell_again(request: Request, keeper: Keeper, error: StrongroomError) -> StrongroomError:
    device = request.caller.device
    if isinstance(error, RightsError) and not keeper.may_tell_again(device.id):
        return BusyError()
    try:
        collection = await find_collection(
            request.cell, request.caller.home, request.target.collection
        )
        member = await find_object(request.cell, collection, request.target.name)
        why = DELETE_REFUSED + device.href
        await tell_again(request.cell, collection, [member], request.id, why)
    except ClientError:
        return error  # there is nothing that could come back
    except StrongroomError as trouble:
        return trouble if status_of(trouble).code == 503 else UnsureError()
    return error
