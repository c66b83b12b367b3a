"""Error class -> status, precondition element, Retry-After: the one table, tested to be complete.

Nothing that is our trouble becomes 4xx: a phone forgets what it hears 403, 404 or 410 about (I4).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from strongroom.base import errors
from strongroom.base.errors import InvalidError, RetryError, StrongroomError

DAV: Final = "{DAV:}"
CARD: Final = "{urn:ietf:params:xml:ns:carddav}"
CAL: Final = "{urn:ietf:params:xml:ns:caldav}"


class Status(NamedTuple):
    """How an error is said; `element` is the precondition in Clark notation, "" = plain words."""

    code: int
    element: str = ""
    retry_after_seconds: int = 0
    href: str = ""  # what the precondition is about


TABLE: Final[dict[type[StrongroomError], Status]] = {
    errors.InvalidError: Status(400),  # 403 where the error names a precondition
    errors.NotFoundError: Status(404),
    errors.ConflictError: Status(409),
    errors.PreconditionError: Status(412),
    errors.ForbiddenError: Status(403),
    errors.RightsError: Status(403, DAV + "need-privileges"),
    errors.TooLargeError: Status(413),
    errors.CodingError: Status(415),
    errors.UnauthenticatedError: Status(401),
    errors.UnknownError: Status(503),
    errors.UnsureError: Status(503),
    errors.FrozenError: Status(503),
    errors.SuspendedError: Status(503),
    errors.OutOfScopeError: Status(503),
    errors.QuotaError: Status(507, DAV + "quota-not-exceeded"),  # RFC 4331 section 6
    errors.NoSpaceError: Status(507, DAV + "sufficient-disk-space"),  # RFC 4331 section 6
    errors.BusyError: Status(503),
    errors.SettingsError: Status(503),
    errors.LockedError: Status(503),
    errors.CellExistsError: Status(503),
    errors.NoCellError: Status(503),
    errors.RefusedPlanError: Status(503),
    errors.FoldError: Status(503),
    errors.RefusedBatchError: Status(503),
    errors.StatementError: Status(503),
    errors.UnavailableReplicaError: Status(503),
    errors.BrokenReplicaError: Status(503),
    errors.BlobError: Status(503),
}

REASONS: Final = {
    200: "OK",
    201: "Created",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    424: "Failed Dependency",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}


def status_of(error: StrongroomError) -> Status:
    """Say how `error` is answered."""
    status = TABLE.get(type(error), Status(503))
    if isinstance(error, InvalidError) and error.condition:
        return Status(403, error.condition, href=error.href)
    if status.code in {503, 507}:
        wait = error.retry_after_seconds if isinstance(error, RetryError) else 0
        return status._replace(retry_after_seconds=max(wait, RetryError.retry_after_seconds))
    return status


def status_line(code: int) -> str:
    """Write a status as it stands inside a multistatus."""
    return f"HTTP/1.1 {code} {REASONS[code]}"
