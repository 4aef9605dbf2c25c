"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.graph import Graph
from rehearsal.record import RecordOnlyProvider
from rehearsal.run import rehearse
from tests.projects import WriteProject, write_project
from tests.recorder import ROOT, Recorded
from tests.settings.stack_files import REMOVED, bent

STACKS = ("dev", "staging", "production")

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "": {},
    "ec2": {"api.kind": "ec2"},
    "beanstalk": {"api.kind": "beanstalk"},
    "bare": {"cdn": REMOVED, "users": REMOVED},
    "rolling": {"api.fargate.strategy": "rolling"},
    "behind-cloudfront": {"load_balancer.reached_through": "cloudfront"},
    "behind-gateway": {"load_balancer.reached_through": "api_gateway"},
    "services": {
        "services": {
            "admin": {
                "image": "api:1.0.0",
                "cpu": 256,
                "memory": 512,
                "min_tasks": 1,
                "max_tasks": 2,
                "route": {"paths": ["/admin/*"], "priority": 10},
            },
            "mailer": {
                "image": "api:1.0.0",
                "cpu": 256,
                "memory": 512,
                "min_tasks": 1,
                "max_tasks": 2,
            },
        }
    },
}
"""What a stack file may choose and none of those we ship does, as changes to one of them."""


@pytest.fixture(scope="session", name="stack_graph")
def _stack_graph(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Recorded]:
    """The whole program as a stack we ship, rehearsed once per session and kind.

    From `tests/shipped`, whose figures the tests know: whoever makes the stack files at the top
    theirs leaves these as they are. `tests/stacks/test_live.py` looks at those at the top.

    `stack_graph("dev")` is recorded only, `stack_graph("dev", moto=True)` is created in the
    in-memory AWS, `stack_graph("dev", preview=True)` is what `pulumi preview` would register.
    `stack_graph("staging", "ec2")` is a variant of a stack.
    """

    @cache
    def of(stack: str, variant: str = "", *, moto: bool = False, preview: bool = False) -> Recorded:
        file = ROOT / "tests" / "shipped" / f"Pulumi.{stack}.yaml"
        if variant:
            file = tmp_path_factory.mktemp(f"{stack}-{variant}") / file.name
            file.write_text(yaml.safe_dump({"config": bent(stack, VARIANTS[variant])}))
        return Recorded(rehearsed(stack, file, moto=moto, preview=preview))

    return of


def rehearsed(stack: str, file: Path, *, moto: bool = False, preview: bool = False) -> Graph:
    """The program as `stack`, with the settings of `file`."""
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
