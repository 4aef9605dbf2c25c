"""What the tests of the five systems share."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import _once, rehearsed
from tests.examples.systems import System, stack_of
from tests.recorder import Recorded


@pytest.fixture(scope="session", name="graph_of")
def _graph_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Recorded]:
    """A stack file of an example as a graph, recorded once per session."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    @cache
    def of(file: Path) -> Recorded:
        stack = stack_of(file)
        kept = shared / f"{file.parent.name}-{stack}.pickle"
        graph = _once(kept, lambda: rehearsed(stack, file))
        assert [finding.message for finding in graph.findings] == []
        return Recorded(graph)

    return of


@pytest.fixture
def system(request: pytest.FixtureRequest, graph_of: Callable[[Path], Recorded]) -> System:
    return System(request.param, graph_of)
