"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest

from rehearsal.graph import Graph
from rehearsal.record import RecordOnlyProvider
from rehearsal.run import rehearse
from tests.projects import WriteProject, write_project
from tests.recorder import ROOT, Recorded

STACKS = ("dev", "staging", "production")


@pytest.fixture(scope="session", name="stack_graph")
def _stack_graph() -> Callable[..., Recorded]:
    """The whole program as a stack we ship, rehearsed once per session and kind.

    From `tests/shipped`, whose figures the tests know: whoever makes the stack files at the top
    theirs leaves these as they are. `tests/stacks/test_live.py` looks at those at the top.

    `stack_graph("dev")` is recorded only, `stack_graph("dev", moto=True)` is created in the
    in-memory AWS, `stack_graph("dev", preview=True)` is what `pulumi preview` would register.
    """

    @cache
    def of(stack: str, *, moto: bool = False, preview: bool = False) -> Recorded:
        return Recorded(_rehearsed(stack, moto=moto, preview=preview))

    return of


def _rehearsed(stack: str, *, moto: bool, preview: bool) -> Graph:
    file = f"tests/shipped/Pulumi.{stack}.yaml"
    if not moto:
        return rehearse(ROOT, stack, file, RecordOnlyProvider(), preview=preview)
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        return rehearse(ROOT, stack, file, provider, preview=preview)


@pytest.fixture
def project(tmp_path: Path) -> WriteProject:
    """Writes a small Pulumi project and gives its directory."""
    return partial(write_project, tmp_path)
