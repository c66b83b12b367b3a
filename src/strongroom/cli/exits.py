"""Error code -> exit status. A test holds this table complete over the whole tree of errors.

0  done                              5  somebody who runs the server must act
1  a mistake of ours                 6  bytes are not what they should be
2  the command line is wrong         7  another process holds the replicas
3  the request is at fault           8  a cell is there already
4  not now; asking again is right    9  no cell is here
10 done, but not all of it          130  interrupted
"""

from __future__ import annotations

from typing import Final

from strongroom.base.errors import StrongroomError

DONE: Final = 0
MISTAKE: Final = 1
USAGE: Final = 2
GAPS: Final = 10
INTERRUPTED: Final = 130

EXITS: Final[dict[str, int]] = {
    "strongroom": MISTAKE,
    "answered": MISTAKE,
    "control-protocol": MISTAKE,
    "usage": USAGE,
    # the request is at fault; nothing changed
    "client": 3,
    "invalid": 3,
    "not-found": 3,
    "conflict": 3,
    "precondition": 3,
    "forbidden": 3,
    "rights": 3,
    "content-coding": 3,
    "too-large": 3,
    "unauthenticated": 3,
    # not now; asking again is right
    "retry": 4,
    "unknown": 4,
    "unsure": 4,
    "frozen": 4,
    "suspended": 4,
    "out-of-scope": 4,
    "quota": 4,
    "no-space": 4,
    "busy": 4,
    # somebody who runs the server must act
    "operator": 5,
    "settings": 5,
    "refused-plan": 5,
    "frozen-cell": 5,
    "no-server": 5,
    # bytes are not what they should be
    "damage": 6,
    "fold": 6,
    "refused-batch": 6,
    "statement": 6,
    "unavailable-replica": 6,
    "broken-replica": 6,
    "blob": 6,
    # told apart, so that a start script can go on
    "locked": 7,
    "cell-exists": 8,
    "no-cell": 9,
}


def exit_status(error: StrongroomError) -> int:
    """Give the exit status of an error, by its code: one from the server counts like our own."""
    return EXITS.get(error.code, MISTAKE)
