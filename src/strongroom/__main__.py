"""`python -m strongroom`: the same as the `strongroom` command.

Its one rule: nothing starts with assertions switched off. They state invariants (I1 to I10), and
a server that cannot notice a broken invariant would go on and acknowledge what it may lose.
"""

import sys

if not __debug__:
    sys.exit(
        "strongroom: not started: Python was asked to drop assertions (-O or PYTHONOPTIMIZE).\n"
        "Nothing was opened or changed. Start it again without that option."
    )

from strongroom.cli import main

if __name__ == "__main__":
    sys.exit(main())
