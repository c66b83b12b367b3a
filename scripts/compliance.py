"""Write docs/compliance.md: which section of which RFC is shown by which test, and which is not.

The sections stand in docs/compliance.toml with their titles; where no test shows one, the reason
stands there. A test says what it shows by a marker: `@pytest.mark.rfc("6352", "8.6", "8.7")`. The
test files are only parsed, never imported. What `make suites` counted stays between its markers.

A section with neither test nor reason, a marker for a section that is not listed, and a page that
is out of date are findings: `--check` prints them and fails, and tests/docs holds them in CI.
"""

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- suites:begin -->", "<!-- suites:end -->"
NO_SUITES = f"{BEGIN}\nNot run yet: `make suites SUITES=DIR`.\n{END}"


@dataclass(frozen=True)
class Shown:
    """A test that shows a section."""

    rfc: str
    section: str
    file: str
    name: str

    @property
    def sentence(self) -> str:
        """Its name as the sentence that it is."""
        return self.name.removeprefix("test_").replace("_", " ")


@dataclass(frozen=True)
class Standard:
    """One RFC: its sections with their titles, and why some are not shown by a test."""

    number: str
    title: str
    scope: str
    sections: dict[str, str]
    reasons: dict[str, str]


def main() -> int:
    """Write the page, or only check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on any finding")
    given = parser.parse_args()
    wrong = findings(ROOT)
    if not given.check:
        page = ROOT / "docs/compliance.md"
        page.write_text(render(ROOT))
        wrong = findings(ROOT)
    for line in wrong:
        print(f"compliance: {line}", file=sys.stderr)
    return 1 if wrong else 0


def findings(root: Path) -> list[str]:
    """Everything that is wrong with the sections, the markers and the page."""
    standards, shown = read_standards(root), list(markers(root / "tests"))
    listed = {(one.number, section) for one in standards for section in one.sections}
    told = {(one.rfc, one.section) for one in shown}
    reasons = {(one.number, section) for one in standards for section in one.reasons}
    wrong = [
        f"RFC {number} section {section} has neither a test nor a reason"
        for number, section in sorted(listed - told - reasons)
    ]
    wrong += [
        f"{one.file}: {one.name} marks RFC {one.rfc} section {one.section}, which is not listed"
        for one in shown
        if (one.rfc, one.section) not in listed
    ]
    wrong += [
        f"RFC {number} section {section} has a reason and no title"
        for number, section in sorted(reasons - listed)
    ]
    page = root / "docs/compliance.md"
    if not page.exists() or page.read_text() != render(root):
        wrong.append("docs/compliance.md is out of date; run scripts/compliance.py")
    return wrong


def read_standards(root: Path) -> list[Standard]:
    """Read docs/compliance.toml."""
    listed = tomllib.loads((root / "docs/compliance.toml").read_text())
    return [
        Standard(
            number, one["title"], one["scope"], one["sections"], one.get("not_shown_by_a_test", {})
        )
        for number, one in listed["rfc"].items()
    ]


def markers(folder: Path) -> Iterator[Shown]:
    """Give what each test says that it shows, in the order of files and lines."""
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text()
        if "mark.rfc(" in text:
            file = path.relative_to(folder.parent).as_posix()
            tree = ast.parse(text, path.name)
            yield from _inside(tree, file, _of_module(tree))


def _inside(node: ast.AST, file: str, above: list[tuple[str, str]]) -> Iterator[Shown]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own = above + [one for mark in child.decorator_list for one in _sections(mark)]
            if isinstance(child, ast.ClassDef):
                yield from _inside(child, file, own)
            elif child.name.startswith("test_"):
                yield from (Shown(rfc, section, file, child.name) for rfc, section in own)


def _of_module(tree: ast.Module) -> list[tuple[str, str]]:
    return [
        one
        for statement in tree.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
        for value in ast.walk(statement.value)
        for one in _sections(value)
    ]


def _sections(mark: ast.AST) -> list[tuple[str, str]]:
    """Read `pytest.mark.rfc("6352", "8.6", "8.7")`; anything else marks nothing."""
    if not isinstance(mark, ast.Call) or ast.unparse(mark.func) != "pytest.mark.rfc":
        return []
    rfc, *sections = (ast.literal_eval(argument) for argument in mark.args)
    return [(rfc, section) for section in sections]


def render(root: Path) -> str:
    """Give the whole page; the counts of the suites are taken from the page as it stands."""
    standards, shown = read_standards(root), list(markers(root / "tests"))
    page = root / "docs/compliance.md"
    counted = re.search(f"{BEGIN}.*{END}", page.read_text(), re.DOTALL) if page.exists() else None
    parts = [
        tomllib.loads((root / "docs/compliance.toml").read_text())["introduction"].strip(),
        "## Suites of others", counted[0] if counted else NO_SUITES,
        "## Section by section", _overview(standards, shown),
        *(_standard(one, shown) for one in standards),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _overview(standards: list[Standard], shown: list[Shown]) -> str:
    rows = ["| RFC | title | sections | shown by a test | scope |", "|---|---|---|---|---|"]
    for one in standards:
        told = {mark.section for mark in shown if mark.rfc == one.number}
        rows.append(
            f"| [{one.number}](#rfc-{one.number}) | {one.title} | {len(one.sections)} "
            f"| {len(told)} | {one.scope} |"
        )
    return "\n".join(rows)


def _standard(one: Standard, shown: list[Shown]) -> str:
    rows = [
        f"### RFC {one.number}",
        "",
        "| section | title | shown by, or why not |",
        "|---|---|---|",
    ]
    for section, title in one.sections.items():
        told = [m for m in shown if (m.rfc, m.section) == (one.number, section)]
        files = dict.fromkeys(mark.file for mark in told)
        cells = [
            f"`{file}`: " + "; ".join(dict.fromkeys(m.sentence for m in told if m.file == file))
            for file in files
        ]
        if section in one.reasons:
            cells.append(f"*{one.reasons[section]}*")
        rows.append(f"| {section} | {title} | {'<br>'.join(cells)} |")
    return "\n".join(rows)


def with_suites(page: str, block: str) -> str:
    """Give the page with `block` between the markers of the suites."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{block}\n{END}", page, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
