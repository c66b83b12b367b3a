"""Every error that leaves a function of ours, in one tree.

    StrongroomError
    ├── ClientError      the request is at fault; nothing changed
    │   ├── InvalidError         the content or a name is not acceptable
    │   ├── NotFoundError        proven absent (I4)
    │   ├── ConflictError        a parent is missing, or a name is taken
    │   ├── PreconditionError    a condition of the request does not hold
    │   ├── ForbiddenError       this caller may not
    │   ├── RightsError          this device is read-only
    │   ├── CodingError          a body in a content coding (gzip and the like)
    │   ├── TooLargeError        over a limit of base/limits.py
    │   └── UnauthenticatedError no or wrong credentials
    ├── RetryError       not now; asking again is right
    │   ├── UnknownError         a write whose ending is unknown: a later GET tells (I1)
    │   ├── UnsureError          we cannot prove an answer (I4)
    │   ├── FrozenError          a scope is frozen until its owner or operator acts
    │   ├── SuspendedError       an operator closed the account on purpose
    │   ├── OutOfScopeError      this device was made for other services
    │   ├── QuotaError           the account's quota; what shrinks it goes on
    │   ├── NoSpaceError         the reserve is reached; deletes and reads go on
    │   └── BusyError            a queue is at its limit
    ├── OperatorError    somebody who runs the server must act
    │   ├── SettingsError        the configuration is wrong or disagrees with the cell
    │   ├── LockedError          another process holds the replicas
    │   ├── CellExistsError      `init` found a cell
    │   ├── NoCellError          nothing to serve: `init` was never run here
    │   └── RefusedPlanError     an act that would lose data was refused
    └── DamageError      bytes are not what they should be
        ├── FoldError            an entry does not fit what it claims to change (I2)
        ├── RefusedBatchError    a replica rolled a batch back: it does not fit (I2)
        ├── StatementError       a replica rolled a batch back: one statement failed (I9)
        ├── UnavailableReplicaError  a replica gives no vote now: behind, not doubtful
        ├── BrokenReplicaError   a replica's word is worth nothing: doubtful
        └── BlobError            a body is missing or is not what its digest says (I3)

`code` is stable and documented in docs/errors.md; `hint` says what to do next. Faces translate
classes to status codes, the command line to exit codes; both tables are tested to be complete.
"""

from __future__ import annotations

from typing import ClassVar


class StrongroomError(Exception):
    """Something went wrong; `code` names it for programs, `hint` says what to do."""

    code: ClassVar[str] = "strongroom"
    hint: ClassVar[str] = ""

    def __init__(self, message: str = "") -> None:
        """Keep `message`, or the class's hint where there is none."""
        super().__init__(message or self.hint)


class ClientError(StrongroomError):
    """The request is at fault; nothing changed."""

    code = "client"


class InvalidError(ClientError):
    """The content or a name is not acceptable; nothing changed."""

    code = "invalid"
    hint = "Correct the request; the stored data is untouched."

    def __init__(self, message: str = "", condition: str = "", href: str = "") -> None:
        """Keep which precondition element (Clark notation) the answer shall name, about what.

        `href` is a name below the face, and a whole address in an answer.
        """
        super().__init__(message)
        self.condition = condition
        self.href = href


class NotFoundError(ClientError):
    """The thing was proven to be absent (I4)."""

    code = "not-found"
    hint = "There is nothing of that name."


class ConflictError(ClientError):
    """A parent is missing or a name is taken; nothing changed."""

    code = "conflict"
    hint = "Make the parent first, or choose another name."


class PreconditionError(ClientError):
    """A condition of the request does not hold; nothing changed."""

    code = "precondition"
    hint = "Fetch the current version and try again on top of it."


class ForbiddenError(ClientError):
    """This caller may not do this; nothing changed."""

    code = "forbidden"
    hint = "Use a device that has this right."


class RightsError(ClientError):
    """This device was made read-only; nothing changed."""

    code = "rights"
    hint = "This device was made read-only. `strongroom device add` makes one that may write."

    def __init__(self, needed: tuple[tuple[str, str], ...] = ()) -> None:
        """Keep what would be needed: (address, name of the privilege) of each."""
        super().__init__()
        self.needed = needed


class CodingError(ClientError):
    """The body came in a content coding; it was not read, nothing changed."""

    code = "content-coding"
    hint = "Send the body as it is, without Content-Encoding: bytes are kept as they were sent."


class TooLargeError(ClientError):
    """Over a limit of base/limits.py; nothing changed."""

    code = "too-large"
    hint = "Send less at once."


class UnauthenticatedError(ClientError):
    """No or wrong credentials."""

    code = "unauthenticated"
    hint = "Sign in with a login and one of its device passwords."


class RetryError(StrongroomError):
    """Not now; asking again is right."""

    code = "retry"
    retry_after_seconds: ClassVar[int] = 60


class UnknownError(RetryError):
    """The write may or may not have happened; a later GET tells (I1)."""

    code = "unknown"
    hint = "It is not known yet whether this was kept; read it again in a minute."


class UnsureError(RetryError):
    """The answer cannot be proven now (I4)."""

    code = "unsure"
    hint = "The data is not gone; the answer cannot be proven at the moment. Try again later."


class FrozenError(RetryError):
    """A scope is frozen until its owner or operator acts."""

    code = "frozen"
    hint = (
        "This account is frozen to protect it: leave it on every device. "
        "`strongroom account thaw LOGIN` shows why, and what to do."
    )
    retry_after_seconds = 900


class SuspendedError(RetryError):
    """An operator closed the account on purpose; its phones keep what they have (D1)."""

    code = "suspended"
    hint = "`strongroom account resume LOGIN` opens it again. Nothing was deleted."
    retry_after_seconds = 7200


class OutOfScopeError(RetryError):
    """A device was made for other services; said so that a phone keeps what it has (D1)."""

    code = "out-of-scope"
    hint = "This device's password does not open this service. Nothing was deleted."
    retry_after_seconds = 7200


class QuotaError(RetryError):
    """The account would hold more than its quota; nothing changed; deletes and reads go on."""

    code = "quota"
    hint = "This account is full; nothing was lost. Delete something, or ask for a larger quota."
    retry_after_seconds = 900


class NoSpaceError(RetryError):
    """The reserve is reached; nothing changed; deletes and reads go on."""

    code = "no-space"
    hint = "The disks are nearly full; nothing was lost. Free space or add disks."


class BusyError(RetryError):
    """A queue is at its limit; nothing changed."""

    code = "busy"
    hint = "Too many requests are waiting; try again soon."


class OperatorError(StrongroomError):
    """Somebody who runs the server must act."""

    code = "operator"


class SettingsError(OperatorError):
    """The configuration is wrong or disagrees with the cell; nothing was started."""

    code = "settings"
    hint = "Correct the configuration file."


class LockedError(OperatorError):
    """Another process holds the replicas; nothing was touched."""

    code = "locked"
    hint = "A server runs on these directories; ask it through its socket, or stop it."


class CellExistsError(OperatorError):
    """A replica or the witness knows a cell already; nothing was created."""

    code = "cell-exists"
    hint = "A cell is there already; `strongroom serve` opens it."


class NoCellError(OperatorError):
    """Nothing to serve; nothing was created."""

    code = "no-cell"
    hint = "No cell is here. If this is a new set-up, run `strongroom init`; else mount the disks."


class RefusedPlanError(OperatorError):
    """An act that would lose data was refused; nothing changed."""

    code = "refused-plan"
    hint = "Nothing was changed."


class DamageError(StrongroomError):
    """Bytes are not what they should be."""

    code = "damage"


class FoldError(DamageError):
    """An entry does not fit what it claims to change (I2)."""

    code = "fold"
    hint = "A journal and its fold disagree; `strongroom scrub` tells which replica is wrong."


class RefusedBatchError(DamageError):
    """A replica rolled a batch back, for it does not fit what the replica holds (I2)."""

    code = "refused-batch"


class StatementError(DamageError):
    """A replica rolled a batch back before COMMIT, for one statement failed (I9)."""

    code = "statement"

    def __init__(self, message: str, position: int) -> None:
        """Keep which entry of the batch (index from 0) could not be written."""
        super().__init__(message)
        self.position = position


class UnavailableReplicaError(DamageError):
    """A replica gives no vote now; it is behind, not doubtful."""

    code = "unavailable-replica"

    def __init__(self, message: str, *, rolled_back: bool = False) -> None:
        """Keep whether the batch is known to have been rolled back before COMMIT."""
        super().__init__(message)
        self.rolled_back = rolled_back


class BrokenReplicaError(DamageError):
    """A replica's word is worth nothing any more: it becomes doubtful."""

    code = "broken-replica"


class BlobError(DamageError):
    """A body is missing on one replica, or is not what its digest says (I3)."""

    code = "blob"
