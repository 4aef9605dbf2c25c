"""A value beyond a limit of the catalogue is refused once, not again by the API's own model."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal import catalogue
from rehearsal.provider import MotoProvider
from tests.rehearsal.samples import SAMPLES, Sample, make, new_graph, resource


@pytest.fixture(scope="module", name="account")
def _account() -> Iterator[MotoProvider]:
    with MotoProvider() as provider:
        yield provider


def limited() -> Iterator[Any]:
    seen: set[str] = set()
    for sample in SAMPLES:
        entry = catalogue.find(sample.type)
        if entry and sample.type not in seen:
            seen.add(sample.type)
            for path, allowed in entry.limits.items():
                wrong = "wrong" if isinstance(allowed[0], str) else allowed[-1] + 1
                yield pytest.param(sample, path, wrong, id=f"{sample.name} {path}")


@pytest.mark.parametrize(("sample", "path", "wrong"), list(limited()))
def test_a_value_beyond_a_limit_is_refused_once(
    account: MotoProvider, sample: Sample, path: str, wrong: Any
) -> None:
    graph = new_graph()
    inputs: Any = copy.deepcopy(dict(sample.inputs))
    node = inputs
    *outer, last = path.split(".")
    for key in outer:
        node = node[int(key)] if key.isdigit() else node.setdefault(key, {})
    node[last] = wrong
    _, findings = make(account, graph, resource(sample.type, f"tried {path}", **inputs))
    about = [one.message for one in findings if one.message.startswith(f"{path}: ")]
    assert len(about) == 1, about
