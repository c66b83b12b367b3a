"""Each rule of form catches a planted fault, and lets through what only looks like one."""

from collections.abc import Callable

import pytest

from tidy import rules

LONG_FUNCTION = "def f():\n" + "    x = 1\n" * rules.FUNCTION_LINES_MAX
FULL_FUNCTION = "def f():\n" + "    x = 1\n" * (rules.FUNCTION_LINES_MAX - 1)
HERE = "catalog" + ".db"

CAUGHT = [
    (rules.long_functions, LONG_FUNCTION),
    (rules.long_functions, "async " + LONG_FUNCTION),
    (
        rules.long_functions,
        "class C:\n" + LONG_FUNCTION.replace("def", " def").replace("    ", "  "),
    ),
    (rules.long_file, "x = 1\n" * (rules.FILE_LINES_MAX + 1)),
    (rules.empty_name, "src/strongroom/utils.py"),
    (rules.empty_name, "src/strongroom/common/words.py"),
    (rules.empty_name, "tests/lock_helpers.py"),
    (rules.leftovers, "x = 1  # TODO: later\n"),
    (rules.leftovers, "x = 1  # FIXME(me) later\n"),
    (rules.leftovers, "import os  # noqa\n"),
    (rules.leftovers, "if x:  # pragma: no cover\n    pass\n"),
    (rules.world_calls, "import time\ntime.time()\n"),
    (rules.world_calls, "import time as t\nt.monotonic_ns()\n"),
    (rules.world_calls, "from time import time as now\nnow()\n"),
    (rules.world_calls, "import datetime\ndatetime.datetime.now(datetime.UTC)\n"),
    (rules.world_calls, "from datetime import datetime as d\nd.utcnow()\n"),
    (rules.world_calls, "from random import Random\n"),
    (rules.world_calls, "import os\nos.environ['HOME']\n"),
    (rules.world_calls, "from os import urandom\n"),
    (rules.world_calls, "import secrets\nsecrets.token_hex(8)\n"),
    (rules.file_writes, "open(path, 'wb')\n"),
    (rules.file_writes, "open(path, mode='a')\n"),
    (rules.file_writes, "open(path, how)\n"),
    (rules.file_writes, "path.open('r+b')\n"),
    (rules.file_writes, "path.write_bytes(b'')\n"),
    (rules.file_writes, "path.rename(other)\n"),
    (rules.file_writes, "path.replace(other)\n"),
    (rules.file_writes, "import os\nos.fsync(3)\n"),
    (rules.file_writes, "from os import replace\n"),
    (rules.file_writes, "import os\nos.open(path, os.O_RDWR)\n"),
    (rules.file_writes, "import shutil\nshutil.copyfile(a, b)\n"),
    (rules.catalog_opens, "import sqlite3\n"),
    (rules.catalog_opens, f"open(folder / '{HERE}', 'rb')\n"),
    (rules.catalog_opens, f"NAME = '{HERE}-wal'\n(folder / NAME).read_bytes()\n"),
    (rules.catalog_opens, f"import os\nos.open('{HERE}', os.O_RDONLY)\n"),
    (rules.places, "see /" + "work/main\n"),
    (rules.places, "'/" + "home/ann/x'\n"),
    (rules.places, "/" + "root/.cache\n"),
    (rules.places, "https://" + "pypi" + ".org/simple\n"),
    (rules.idle_tests, "def test_it_runs():\n    run()\n"),
    (rules.idle_tests, "class TestIt:\n    async def test_it_runs(self):\n        run()\n"),
    (rules.hidden_skips, "import pytest\npytest.importorskip('x')\n"),
    (rules.hidden_skips, "import pytest\npytest.skip('why', allow_module_level=True)\n"),
]

LET_THROUGH = [
    (rules.long_functions, FULL_FUNCTION),
    (rules.long_file, "x = 1\n" * rules.FILE_LINES_MAX),
    (rules.empty_name, "src/strongroom/stores/durable.py"),
    (rules.leftovers, "x = 'TODO'  # TODO(12) when archives exist\n"),
    (rules.leftovers, "import os  # noqa: F401 - why\n"),
    (rules.world_calls, "def f(clock, time):\n    return clock.now(), time.seconds\n"),
    (rules.world_calls, "import datetime\ndatetime.datetime.fromtimestamp(3, datetime.UTC)\n"),
    (rules.file_writes, "open(path)\nopen(path, 'rb')\nMirror.open(path)\n"),
    (rules.file_writes, "'a'.replace('a', 'b')\nwhen.replace(year=1)\n"),
    (rules.catalog_opens, "open('marker', 'rb')\n"),
    (rules.catalog_opens, f"import apsw\napsw.Connection('{HERE}')\n"),
    (rules.places, "/dav/addressbooks/ann/\nframework/home/\n"),
    (rules.idle_tests, "def test_it():\n    with pytest.raises(ValueError):\n        run()\n"),
    (rules.idle_tests, "def test_it():\n    assert run()\ndef helps():\n    run()\n"),
    (rules.idle_tests, "def test_it():\n    refused()\ndef refused():\n    assert run()\n"),
    (rules.hidden_skips, "import pytest\npytest.skip('why')\n"),
]


@pytest.mark.parametrize(("rule", "text"), CAUGHT)
def test_a_planted_fault_is_caught(rule: Callable[[str], list[str]], text: str) -> None:
    assert rule(text)


@pytest.mark.parametrize(("rule", "text"), LET_THROUGH)
def test_what_only_looks_like_a_fault_is_let_through(
    rule: Callable[[str], list[str]], text: str
) -> None:
    assert not rule(text)


def test_a_module_that_nothing_imports_is_dead() -> None:
    sources = {
        "src/app/__init__.py": "",
        "src/app/__main__.py": "import app.one\nfrom app import two\n",
        "src/app/one.py": "from app.three import X\n",
        "src/app/two.py": "",
        "src/app/three.py": "",
        "src/app/four.py": "import app.four\n",
    }

    dead = rules.dead_modules(sources, ["app.__main__"])

    assert dead == ["nothing imports app.four"]
