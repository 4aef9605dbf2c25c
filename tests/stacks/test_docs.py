"""What the pages name is there: links, commands, files, settings, decisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from settings import schema
from settings.load import SECTIONS
from tests.recorder import ROOT

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(page for folder in ("docs", "examples") for page in sorted((ROOT / folder).rglob("*.md"))),
]
ELSEWHERE = {"docs/requirements.md"}
"""Names its files from other folders; `test_requirements.py` looks at it."""

FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^ {4,}(.*)$", re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(\s*([^)\s]+)\s*\)")
MAKE = re.compile(r"(?:^|[;&(] ?)make((?: [a-z-]+)+)")
MODULE = re.compile(r"python -m ([\w.]+)([^|>#;)]*)")
FOLDER = re.compile(
    r"(?:bootstrap|components|deployments|docs|examples|functions|local|operations|rehearsal|schema"
    r"|settings|tests|\.github)/[\w./-]*"
)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    return FENCED.sub("", text_of(page))


def commands(page: Path) -> Iterator[str]:
    """Every line of code, be it a block's or within a sentence."""
    for _, block in FENCED.findall(text_of(page)):
        yield from (line.strip() for line in block.replace("\\\n", " ").splitlines())
    yield from INDENTED.findall(prose(page))
    yield from (" ".join(span.split()) for span in SPAN.findall(prose(page)))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.strip().lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def dead_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(SPAN.sub("", prose(page))):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if "://" in link or (target.exists() and (not anchor or anchor in anchors(target))):
            continue
        yield link


def missing_targets(page: Path) -> Iterator[str]:
    targets = re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE)
    for command in commands(page):
        for words in MAKE.findall(command):
            yield from (f"make {word}" for word in words.split() if word not in targets)


def missing_modules(page: Path) -> Iterator[str]:
    """Modules of ours that cannot be run, and options that they do not have."""
    for command in commands(page):
        for module, rest in MODULE.findall(command):
            if not (ROOT / module.partition(".")[0]).is_dir():
                continue
            path = ROOT / module.replace(".", "/")
            runs = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
            if not runs.exists():
                yield module
                continue
            # What its neighbours share with it, too: `ask_for_stack` adds `--config-file`.
            source = "".join(text_of(file) for file in runs.parent.glob("*.py"))
            options = re.findall(r" (--[a-z-]+)", rest)
            yield from (f"{module} {one}" for one in options if f'"{one}"' not in source)


def missing_files(page: Path) -> Iterator[str]:
    if page.is_relative_to(ROOT) and str(page.relative_to(ROOT)) in ELSEWHERE:
        return
    for span in SPAN.findall(prose(page)):
        is_path = FOLDER.fullmatch(span) and (span.endswith("/") or Path(span).suffix)
        if is_path and not (ROOT / span).exists():
            yield span


def missing_sections(page: Path) -> Iterator[str]:
    for section in re.findall(r"\bbacklot:([a-z_]+)", text_of(page)):
        if section not in SECTIONS:
            yield f"backlot:{section}"


LOOKS: Mapping[str, tuple[Callable[[Path], Iterator[str]], list[str]]] = {
    "links": (dead_links, ["gone.md", "#nowhere", "page.md#neither"]),
    "make targets": (missing_targets, ["make rehears", "make tests"]),
    "modules": (missing_modules, ["operations.drill", "operations.gate --force"]),
    "files": (missing_files, ["components/stores/tape.py", "functions/sweep/"]),
    "sections": (missing_sections, ["backlot:databases"]),
}
"""What is looked for, and what each finds on `WRONG`."""

WRONG = """
    # A page

    [Gone](gone.md), [here](#a-page), [not here](#nowhere), [itself](page.md#a-page),
    [itself, wrongly](page.md#neither), [elsewhere](https://aws.amazon.com#x).

    `make check`, `make check tests` and

    ```
    make rehears STACK=dev
    .venv/bin/python -m operations.drill
    .venv/bin/python -m operations.gate smoke dev --outputs out.json --force
    ```

    `components/stores/tape.py`, `components/stores/cache.py`, `functions/sweep/` and
    `functions/errors`, a query; `backlot:database` and `backlot:databases`.
"""


@pytest.mark.parametrize("what", LOOKS)
def test_what_a_page_names_is_there(what: str) -> None:
    look, _ = LOOKS[what]
    missing = {str(page.relative_to(ROOT)): list(look(page)) for page in PAGES}

    assert len(PAGES) > 50
    assert {page: found for page, found in missing.items() if found} == {}


@pytest.mark.parametrize("what", LOOKS)
def test_what_is_not_there_is_found(what: str, tmp_path: Path) -> None:
    look, wrong = LOOKS[what]
    page = tmp_path / "page.md"
    page.write_text(dedent(WRONG), encoding="utf-8")

    assert sorted(look(page)) == sorted(wrong)


def recipes() -> list[tuple[str, dict[str, Any]]]:
    """The additions to a stack file, each with the heading it stands under."""
    parts = re.split(r"^## ", text_of(ROOT / "docs" / "recipes.md"), flags=re.MULTILINE)[1:]
    return [
        (part.partition("\n")[0], yaml.safe_load(block))
        for part in parts
        for language, block in FENCED.findall(part)
        if language == "yaml"
    ]


def added(base: Any, more: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(more, dict)):
        return more
    # `...` stands for what the file has there already.
    return {**base, **{key: added(base.get(key), more[key]) for key in more if key != "..."}}


def complaints(recipe: Mapping[str, Any]) -> list[str]:
    file = yaml.safe_load(text_of(ROOT / "tests" / "shipped" / "Pulumi.production.yaml"))
    grown = {**file, "config": added(file["config"], recipe)}
    return [error.json_path for error in Draft7Validator(schema.stack_schema()).iter_errors(grown)]


def test_every_recipe_is_taken_by_the_schema_where_it_is_added() -> None:
    refused = {heading: complaints(recipe) for heading, recipe in recipes()}

    assert len(refused) > 10
    assert {heading: found for heading, found in refused.items() if found} == {}
    assert complaints({"backlot:canary": {"every_minute": 5}}) != []


def test_every_decision_has_its_row_under_its_own_title() -> None:
    folder = ROOT / "docs" / "adr"
    row = re.compile(r"^\| \[(\d+)\]\((\S+)\) \| (.*) \|$", re.MULTILINE)
    rows = row.findall(text_of(folder / "README.md"))
    pages = sorted(folder.glob("[0-9]*.md"))

    assert [file for _, file, _ in rows] == [page.name for page in pages]
    titles = [text_of(page).partition("\n")[0] for page in pages]
    assert [f"# {number}. {title}" for number, _, title in rows] == titles
    assert [int(number) for number, _, _ in rows] == list(range(1, len(pages) + 1))
