"""Any damage to a good stack file either loads or is refused by name: never another exception."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from settings import Settings, SettingsError, parse
from settings.load import SECTIONS
from tests.settings.stack_files import FILES, STACKS, encoded

Path = tuple[str | int, ...]


def paths(value: Any, lead: Path = ()) -> Iterator[Path]:
    """Every place in a stack file, from whole sections down to single words."""
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        yield (*lead, key)
        yield from paths(inner, (*lead, key))


PLACES = [(stack, path) for stack in STACKS for path in paths(FILES[stack])]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 100_000),
    st.just(10**30),
    st.floats(),
    st.sampled_from(
        ["", "a", "single", "10.0.0.0/16", "0.0.0.0/0", "x" * 300, "\ud800", "db.r6g.large"]
    ),
    st.text(max_size=8),
    st.lists(st.sampled_from(["a", "b", "a", "openai", 1]), max_size=3),
    st.dictionaries(st.sampled_from(["render", "kind", "count", "Bad Name"]), st.integers()),
)
DAMAGE = st.tuples(st.sampled_from(PLACES), st.sampled_from(["drop", "replace", "add"]), JUNK)


def damaged(path: Path, how: str, junk: Any, config: dict[str, Any]) -> None:
    *steps, last = path
    here: Any = config
    try:
        for step in steps:
            here = here[step]
        if how == "drop":
            del here[last]
        elif how == "replace":
            here[last] = junk
        else:
            here[last]["surplus"] = junk
    except (LookupError, TypeError):
        pass  # earlier damage took the place away


def judge(config: dict[str, str], stack: str) -> None:
    try:
        loaded = parse(config, stack=stack, file="the-file.yaml")
    except SettingsError as refusal:
        *lines, last = str(refusal).splitlines()
        count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
        assert last == f"{count} in the-file.yaml; nothing was changed"
        for line in lines:
            file, key, message = line.split(": ", 2)
            assert file == "the-file.yaml"
            assert message
            assert (
                key.removeprefix("backlot:") in SECTIONS
                or key == "aws:region"
                or message.startswith("unknown section; ")
            )
    else:
        assert isinstance(loaded, Settings)
        assert loaded == parse(config, stack=stack, file="the-file.yaml")


@settings(max_examples=200, deadline=None)
@given(st.lists(DAMAGE, min_size=1, max_size=3))
def test_a_damaged_stack_file_loads_or_is_refused_by_name(
    damages: list[tuple[tuple[str, Path], str, Any]],
) -> None:
    stack = damages[0][0][0]
    config = deepcopy(FILES[stack])
    for (_, path), how, junk in damages:
        damaged(path, how, junk, config)

    judge(encoded(config), stack)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(SECTIONS),
    st.text() | st.sampled_from(["[" * 100_000, '{"a": 1, "a": 2}', "NaN", "9" * 5000, '{"a":']),
)
def test_a_section_of_any_text_is_refused_by_name(section: str, text: str) -> None:
    judge({**encoded(FILES["dev"]), f"backlot:{section}": text}, "dev")


def test_a_dropped_section_is_always_named() -> None:
    for stack in STACKS:
        for key in FILES[stack]:
            config = {name: value for name, value in FILES[stack].items() if name != key}
            judge(encoded(config), stack)


def test_no_mapping_is_mutable_through_two_loads() -> None:
    config = encoded(FILES["dev"])
    first, second = (parse(config, stack="dev") for _ in range(2))

    assert first == second
    assert json.dumps(first.model_dump(mode="json")) == json.dumps(second.model_dump(mode="json"))
