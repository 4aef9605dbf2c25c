"""docs/coverage.md and the marks it is written from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from tests import coverage_table
from tests.coverage_table import PAGE, SECTIONS, CoverageError, Proof, gaps, page, proofs
from tests.rows import ROWS, SYSTEMS, proves


@pytest.fixture(scope="module")
def found() -> list[Proof]:
    return proofs()


def marked(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Proof]:
    """The proofs in a module of this text."""
    monkeypatch.setattr(coverage_table, "ROOT", tmp_path)
    file = tmp_path / "test_module.py"
    file.write_text(dedent(text))
    return proofs([file])


def test_every_row_is_proven_for_every_system_that_asks_for_it(found: list[Proof]) -> None:
    assert gaps(found) == []


def test_the_page_agrees_with_the_marks(found: list[Proof]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(found), "run `make coverage`"


def test_every_number_has_its_place_on_the_page() -> None:
    placed = [f"M{number}" for numbers in SECTIONS.values() for number in numbers]
    assert placed == list(ROWS) == [f"M{number}" for number in range(1, 127)]


def test_a_proof_that_is_taken_away_leaves_a_gap(found: list[Proof]) -> None:
    [only] = [proof for proof in found if "M71" in proof.rows]
    assert gaps([proof for proof in found if proof != only]) == [
        "M71: nothing proves it for muejam"
    ]


def test_a_system_without_its_proof_leaves_a_gap(found: list[Proof]) -> None:
    less = [
        replace(proof, systems=tuple(one for one in proof.systems if one != "autoblog"))
        for proof in found
    ]
    missing = gaps(less)
    asked = [number for number, row in ROWS.items() if "autoblog" in row.systems]
    assert missing == [f"{number}: nothing proves it for autoblog" for number in asked]


def test_the_order_of_the_files_does_not_matter(found: list[Proof]) -> None:
    assert page(found[::-1]) == page(found)


def test_what_is_not_built_says_why_and_is_claimed_by_no_test(found: list[Proof]) -> None:
    missing = {(number, system) for number, row in ROWS.items() for system in row.not_built}
    assert missing == {
        ("M43", "ai-film-studio"),
        ("M103", "zapcut"),
        ("M124", "ai-film-studio"),
    }
    claimed = {(row, system) for proof in found for row in proof.rows for system in proof.systems}
    assert missing & claimed == set()


def test_marks_are_read_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
        raise RuntimeError("nothing runs")

        @proves("M107", "zapcut", "muejam")
        def test_states() -> None: ...

        @asks("M5", zapcut=len("ab"), muejam=3)
        def test_zones(system, figure) -> None: ...
    """
    assert marked(text, tmp_path, monkeypatch) == [
        Proof("test_module.py", "test_states", ("M107",), ("zapcut", "muejam")),
        Proof("test_module.py", "test_zones", ("M5",), ("zapcut", "muejam")),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@proves('M71', *SYSTEMS)\ndef test_it(): ...", "write rows and systems out, in quotes"),
        ("@asks('M71', **FIGURES)\ndef test_it(): ...", "write rows and systems out, in quotes"),
        ("@proves('M71', 'muejam')\ndef look(): ...", "look is no test, so nothing runs it"),
        ("@proves('M71', 'zapcut')\ndef test_it(): ...", "zapcut does not ask for it"),
        ("@proves('M127', 'zapcut')\ndef test_it(): ...", "M127: name rows such as M1"),
    ],
)
def test_a_mark_that_cannot_be_trusted_is_refused_with_its_line(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CoverageError, match=r"^test_module\.py:1: ") as refusal:
        marked(text, tmp_path, monkeypatch)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["M71"], "name rows such as M1, and systems"),
        (["muejam"], "name rows such as M1, and systems"),
        (["M71", "mewjam"], "mewjam: name rows"),
        (["M71", "zapcut"], "M71: the brief of zapcut does not ask for it"),
        (["M43", "ai-film-studio"], "M43 is listed as not built for ai-film-studio"),
    ],
)
def test_a_slip_in_a_mark_fails_where_it_stands(names: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        proves(*names)


def test_every_system_is_a_folder_of_examples() -> None:
    folders = {file.parent.name for file in (PAGE.parents[1] / "examples").glob("*/Pulumi.*.yaml")}
    assert folders == set(SYSTEMS)
