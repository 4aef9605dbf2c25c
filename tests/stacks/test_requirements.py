"""The table of requirements names, for each number, exactly the tests that name it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tests.recorder import ROOT

PAGE = ROOT / "docs" / "requirements.md"
NUMBER = re.compile(r"\b[MB]\d{1,3}\b")
LINT_RULES = {"B010"}
"""Of the same form, and no requirement."""


def rows() -> Iterator[tuple[list[str], set[str]]]:
    """The numbers of a row, and the tests it says assert them by number.

    Tests in brackets assert a requirement without naming its number.
    """
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not re.match(r"\| [MB]\d", line):
            continue
        numbers, _, _, tests = (cell.strip() for cell in line.strip().strip("|").split("|"))
        named = re.sub(r"\([^)]*\)", "", tests)
        yield _numbers(numbers), {_path(file) for file in re.findall(r"`([^`]+)`", named)}


def _numbers(cell: str) -> list[str]:
    span = re.fullmatch(r"M(\d+)-M(\d+)", cell)
    if span is None:
        return cell.split(", ")
    return [f"M{number}" for number in range(int(span[1]), int(span[2]) + 1)]


def _path(file: str) -> str:
    return f"tests/{file}" if "/" in file else f"tests/components/{file}"


def test_the_table_lists_every_requirement_once() -> None:
    listed = [number for numbers, _ in rows() for number in numbers if number.startswith("M")]
    assert sorted(listed, key=lambda number: int(number[1:])) == [f"M{n}" for n in range(1, 127)]


def test_the_table_names_exactly_the_tests_that_name_a_number() -> None:
    asserted: dict[str, set[str]] = defaultdict(set)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        if file.parent.name == "examples":
            continue  # docs/coverage.md has those, by system
        for number in NUMBER.findall(file.read_text(encoding="utf-8")):
            if number not in LINT_RULES:
                asserted[number].add(str(file.relative_to(ROOT)))

    claimed = {number: tests for numbers, tests in rows() for number in numbers if tests}
    assert claimed == asserted
