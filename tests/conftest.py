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

_TIMES = {"job_seconds": 60, "job_limit_seconds": 900, "target_wait_seconds": 300}
FLEETS: Mapping[str, Mapping[str, Any]] = {
    "gpu": {
        "kind": "gpu",
        "image": "worker:1.0.0",
        "gpu_class": "24g",
        "on_demand_percent": 30,
        "overflow": {"max_workers": 4},
        **_TIMES,
    },
    "fargate": {
        "kind": "fargate",
        "image": "worker:1.0.0",
        "cpu": 512,
        "memory": 1024,
        "spot_percent": 50,
        "beat": {"command": ["celery", "beat"]},
        **_TIMES,
    },
    "ec2": {
        "kind": "ec2",
        "image": "worker:1.0.0",
        "instance_types": ["c7i.large", "c6i.large"],
        "on_demand_percent": 30,
        **_TIMES,
    },
}
"""A fleet of each kind, but for its queue and its bounds."""


def fleet_sized(kind: str, floor: int, **more: Any) -> dict[str, Any]:
    """One that never has fewer than `floor` workers."""
    return {"queue": "render", **FLEETS[kind], "min_workers": floor, "max_workers": 6, **more}


VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "": {},
    "ec2": {"api.kind": "ec2"},
    "beanstalk": {"api.kind": "beanstalk"},
    "bare": {"cdn": REMOVED, "users": REMOVED},
    "rolling": {"api.fargate.strategy": "rolling"},
    "behind-cloudfront": {"load_balancer.reached_through": "cloudfront"},
    "behind-gateway": {"load_balancer.reached_through": "api_gateway"},
    "fleets": {
        "queues": {kind: {} for kind in FLEETS},
        "redis_queues": {"celery": {}},
        "workers": {
            **{kind: fleet_sized(kind, 0, queue=kind) for kind in FLEETS},
            "tasks": fleet_sized("fargate", 0, queue="celery"),
        },
    },
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
