"""The tree keeps its form: every rule of `rules.py` over every file it is meant for."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tidy import rules

ROOT = Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("src/", "tests/", "bench/", "scripts/")
# What the outside world starts, and the reference store, which tests and the simulator measure by.
ENTRIES = ("strongroom.__main__", "strongroom.stores.memory")
# The edge, where the world's clock, chance and environment come in.
EDGE = ("src/strongroom/compose", "src/strongroom/cli", "src/strongroom/stores/clock.py")
DURABLE = "src/strongroom/stores/durable.py"


def tree_files() -> list[str]:
    """Every file that is or will be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    names = sorted({name for name in listed.split("\0") if name})
    return [name for name in names if (ROOT / name).is_file()]


def read(name: str) -> str:
    """A file's text; bytes that are no text (a stored database) come out as they can."""
    return (ROOT / name).read_bytes().decode(errors="replace")


FILES = tree_files()
CODE = {
    name: read(name) for name in FILES if name.endswith(".py") and name.startswith(CODE_FOLDERS)
}
SOURCE = {name: text for name, text in CODE.items() if name.startswith("src/")}
INNER = {name: text for name, text in SOURCE.items() if not name.startswith(EDGE)}
TESTS = {name: text for name, text in CODE.items() if name.startswith("tests/")}


def test_the_rules_have_files_to_judge() -> None:
    assert len(SOURCE) > 2
    assert "tests/tidy/rules.py" in TESTS


@pytest.mark.parametrize(
    ("rule", "sources"),
    [
        (rules.long_functions, CODE),
        (rules.long_file, CODE),
        (rules.leftovers, CODE),
        (rules.world_calls, INNER),
        (rules.file_writes, {k: v for k, v in SOURCE.items() if k != DURABLE}),
        (rules.catalog_opens, {k: v for k, v in SOURCE.items() if k != DURABLE}),
        (rules.idle_tests, TESTS),
        (rules.hidden_skips, TESTS),
    ],
    ids=lambda value: getattr(value, "__name__", "over"),
)
def test_every_source_keeps(rule: Callable[[str], list[str]], sources: dict[str, str]) -> None:
    faults = [f"{name}: {fault}" for name, text in sources.items() for fault in rule(text)]

    assert not faults, "\n" + "\n".join(faults)


def test_every_file_name_says_what_it_holds() -> None:
    faults = [f"{name}: {fault}" for name in FILES for fault in rules.empty_name(name)]

    assert not faults, "\n" + "\n".join(faults)


def test_no_file_names_a_machine_or_a_package_host() -> None:
    faults = [f"{name}: {fault}" for name in FILES for fault in rules.places(read(name))]

    assert not faults, "\n" + "\n".join(faults)


def test_every_module_is_imported_or_is_an_entry() -> None:
    faults = rules.dead_modules(SOURCE, ENTRIES)

    assert not faults, "\n" + "\n".join(faults)
