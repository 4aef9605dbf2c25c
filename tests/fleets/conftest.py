"""Where the tests of the fleets find them: in the recorded program, as every stack and variant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import STACKS, VARIANTS
from tests.fleets.policies import Fleet, fleets_of
from tests.recorder import Recorded

PLACES = [
    *((stack, "") for stack in STACKS),
    *(
        ("staging", variant)
        for variant, changes in VARIANTS.items()
        if any(path.partition(".")[0] == "workers" for path in changes)
    ),
]
"""Stacks as shipped, and each variant that is about workers."""


@pytest.fixture(scope="session", params=PLACES, ids=lambda place: "-".join(filter(None, place)))
def fleets(request: pytest.FixtureRequest, stack_graph: Callable[..., Recorded]) -> list[Fleet]:
    """Every fleet of a stack."""
    stack, variant = request.param
    recorded = stack_graph(stack, variant)
    assert [each for each in recorded.findings if each.check == "program"] == []
    found = fleets_of(recorded)
    assert found, "no fleet in the graph"
    return found
