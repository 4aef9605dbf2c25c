"""docs/coverage.md, from the marks on the tests: `python -m tests.coverage_table [--check]`.

Reads the tests as text and runs none, so the table says what is meant to prove a row; that it does,
the tests say.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.rows import LETTERS, ROWS, SYSTEMS, Row, known

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "coverage.md"
MARKS = ("proves", "asks")
SECTIONS: Mapping[str, range] = {
    "Network and edge": range(1, 27),
    "API": range(27, 44),
    "Workers and queues": range(44, 57),
    "Data, secrets, keys": range(57, 88),
    "Watching": range(88, 106),
    "Delivery": range(106, 127),
}
HEAD = """\
# What is proven for whom

Five briefs, one platform: each row of [the requirements](requirements.md) that a brief asks for,
and the tests that fail when its system in [examples](../examples) does not have it. `make coverage`
writes this page from the marks on the tests (`tests/rows.py` says how to set one), and `make check`
holds it to them.

● is proven, ○ is asked for and not built, and the reason stands beside it. A test that is about
some of a row's systems alone has their letters behind it. Proven means: in a rehearsal, in moto or
against a test double. What only an AWS account can show is named where it is described.
"""


class CoverageError(Exception):
    """A mark that cannot be read, or a row that nothing proves."""


@dataclass(frozen=True, order=True)
class Proof:
    """A test and what it is marked with."""

    file: str
    """From the root of the repository."""
    test: str
    rows: tuple[str, ...]
    systems: tuple[str, ...]


def proofs(files: Iterable[Path] | None = None) -> list[Proof]:
    """Every marked test, in the order of files and lines."""
    found = files or sorted((ROOT / "tests").rglob("test_*.py"))
    return [proof for file in found for proof in _marked(file)]


def _marked(file: Path) -> Iterator[Proof]:
    text = file.read_text(encoding="utf-8")
    if not any(f"@{mark}(" in text for mark in MARKS):
        return
    for node in ast.parse(text).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if _name(decorator) in MARKS:
                place = f"{file.relative_to(ROOT)}:{decorator.lineno}"
                rows, systems = _read(decorator, place)
                if not node.name.startswith("test_"):
                    raise CoverageError(f"{place}: {node.name} is no test, so nothing runs it")
                yield Proof(str(file.relative_to(ROOT)), node.name, tuple(rows), tuple(systems))


def _name(decorator: ast.expr) -> str:
    if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name):
        return decorator.func.id
    return ""


def _read(decorator: ast.expr, place: str) -> tuple[list[str], list[str]]:
    assert isinstance(decorator, ast.Call)
    names = [one.value for one in decorator.args if isinstance(one, ast.Constant)]
    briefs = [one.arg.replace("_", "-") for one in decorator.keywords if one.arg]
    if len(names) + len(briefs) < len(decorator.args) + len(decorator.keywords):
        raise CoverageError(f"{place}: write rows and systems out, in quotes: nothing runs here")
    try:
        return known(*map(str, names), *briefs)
    except ValueError as problem:
        raise CoverageError(f"{place}: {problem}") from None


def gaps(found: Sequence[Proof]) -> list[str]:
    """What a brief asks for and no test proves."""
    proven = {(row, system) for proof in found for row in proof.rows for system in proof.systems}
    return [
        f"{number}: nothing proves it for {system}"
        for number, row in ROWS.items()
        for system in row.systems
        if (number, system) not in proven and system not in row.not_built
    ]


def page(found: Sequence[Proof]) -> str:
    return "\n".join([HEAD, *_summary(), *_tables(found)])


def _summary() -> Iterator[str]:
    yield "| | System | Rows asked for | Not built |"
    yield "| --- | --- | --- | --- |"
    for system, name in SYSTEMS.items():
        asked = [row for row in ROWS.values() if system in row.systems]
        missing = [number for number, row in ROWS.items() if system in row.not_built]
        yield (
            f"| {LETTERS[system]} | [{name}](../examples/{system}) | {len(asked)} "
            f"| {', '.join(missing) or 'none'} |"
        )


def _tables(found: Sequence[Proof]) -> Iterator[str]:
    letters = [LETTERS[system] for system in SYSTEMS]
    for heading, numbers in SECTIONS.items():
        yield f"\n## {heading}\n"
        yield f"| # | Asked for | {' | '.join(letters)} | Proven by |"
        yield f"| --- | --- | {' | '.join('---' for _ in letters)} | --- |"
        for number in (f"M{number}" for number in numbers):
            row = ROWS[number]
            cells = [_cell(row, system) for system in SYSTEMS]
            told = "<br>".join(_told(number, row, found))
            yield f"| {number} | {row.asked} | {' | '.join(cells)} | {told} |"
    yield ""


def _cell(row: Row, system: str) -> str:
    if system not in row.systems:
        return ""
    return "○" if system in row.not_built else "●"


def _told(number: str, row: Row, found: Sequence[Proof]) -> Iterator[str]:
    built = [system for system in row.systems if system not in row.not_built]
    for proof in sorted(proof for proof in found if number in proof.rows):
        words = proof.test.removeprefix("test_").replace("_", " ")
        part = [system for system in built if system in proof.systems]
        letters = f" ({', '.join(LETTERS[system] for system in part)})" if part != built else ""
        yield f"[{words}](../{proof.file}){letters}"
    if row.but:
        yield f"Here: {row.but}"
    for system, why in row.not_built.items():
        yield f"Not built ({LETTERS[system]}): {why}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or with `--check` only compare. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.coverage_table", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is stale")
    check = parser.parse_args(arguments).check
    name = PAGE.relative_to(ROOT)
    try:
        found = proofs()
    except CoverageError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    if missing := gaps(found):
        sys.stderr.write("\n".join([*missing, ""]))
        return 1
    standing = PAGE.read_text(encoding="utf-8") if PAGE.exists() else None
    if standing == page(found):
        sys.stdout.write(f"{name} agrees with the marks on the tests\n")
        return 0
    if check:
        sys.stderr.write(f"{name} is behind the tests; run `make coverage` and commit it\n")
        return 1
    PAGE.write_text(page(found), encoding="utf-8")
    sys.stdout.write(f"wrote {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
