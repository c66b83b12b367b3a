"""The page on compliance is what the tests say, and no section of an RFC is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.compliance import BEGIN, END, findings, markers, render, with_suites

ROOT = Path(__file__).resolve().parents[2]

SECTIONS = """
introduction = "# Compliance"
[case]
[rfc.1]
title = "One"
scope = "whole"
[rfc.1.sections]
"1" = "First"
"2" = "Second"
[rfc.1.not_shown_by_a_test]
"2" = "Not offered."
"""
TESTS = """
import pytest

pytestmark = pytest.mark.rfc("1", "1")

@pytest.mark.rfc("1", "1", "2")
class TestAll:
    async def test_first_things_first(self):
        pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs/compliance.toml").write_text(SECTIONS)
    (tmp_path / "tests/test_one.py").write_text(TESTS)
    (tmp_path / "docs/compliance.md").write_text(render(tmp_path))
    return tmp_path


def test_every_section_has_a_test_or_a_reason_and_the_page_says_so() -> None:
    assert findings(ROOT) == []


def test_markers_of_modules_classes_and_functions_are_read(project: Path) -> None:
    shown = [(one.section, one.sentence) for one in markers(project / "tests")]

    assert shown == [(section, "first things first") for section in ("1", "1", "2")]
    assert findings(project) == []
    assert "| 2 | Second | `tests/test_one.py`: first things first<br>*Not offered.* |" in render(
        project
    )


@pytest.mark.parametrize(
    "file,old,new,words",
    [
        ("docs/compliance.toml", '"2" = "Not offered."', "", "neither a test nor a reason"),
        ("docs/compliance.toml", '"2" = "Not offered."', '"3" = "No."', "no title"),
        ("docs/compliance.toml", '"2" = "Not offered."', '"2" = "Other."', "out of date"),
        ("tests/test_one.py", '"1", "1", "2")', '"1", "9")', "not listed"),
    ],
)
def test_what_is_left_out_is_found(
    project: Path, file: str, old: str, new: str, words: str
) -> None:
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new))
    if file.endswith(".toml"):
        (project / "tests/test_one.py").write_text(TESTS.replace(', "2")', ")"))

    assert any(words in line for line in findings(project))


def test_the_counts_of_the_suites_survive_a_new_page(project: Path) -> None:
    page = project / "docs/compliance.md"
    page.write_text(with_suites(page.read_text(), "42 of 42"))

    assert f"{BEGIN}\n42 of 42\n{END}" in render(project)
    assert findings(project) == []
