"""Fixtures that every test may use."""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import botocore.session
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
    "everything": {
        "logs.archive": True,
        "notices.slack": {
            "workspace": "T01ABCDEFGH",
            **dict.fromkeys(("critical", "warning", "info"), "C07JKLMNPQR"),
        },
        "notices.mute_windows": {"upkeep": {"days": ["sun"], "at": "04:00", "hours": 1}},
        "database.insights": "advanced",
        "database.insights_days": 465,
        "load_balancer.connection_logs": True,
        "load_balancer.health_check_logs": True,
        "canary": {"steps": {"health": {"path": "/health", "contains": "version"}}},
        "business": {"daily_spend_alarm_usd": 100},
        "tracing": {},
        "audit": {
            "trail": True,
            "guard_duty": True,
            "malware_scan": True,
            "access_analyzer": True,
            "security_hub": True,
            "block_public_access": True,
            "instance_metadata_defaults": True,
        },
        "backups": {
            "copy_to": "us-west-2",
            "replicate_database": True,
            "restore_test": True,
            "lock": {"minimum_days": 7, "maximum_days": 90},
        },
        "upkeep": {},
        "budget.anomaly_usd": 100,
    },
    "nothing": {
        "logs.archive": False,
        "load_balancer.access_logs": False,
        "network.flow_logs": "off",
        **dict.fromkeys(
            ("audit", "backups", "business", "canary", "firewall", "tracing", "upkeep", "uptime"),
            REMOVED,
        ),
    },
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


OBJECTS_BETWEEN_COLLECTIONS = 500_000
"""About 100 MB."""


def pytest_configure() -> None:
    """Nothing that is loaded before the first test is garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Look for garbage when there may be much of it, and never twice at what was none.

    A test that loads the models of AWS's APIs makes a million objects that stay. Looking through
    all there are after every 700 new ones, as Python does, was a third of the tests' time.
    """
    if gc.get_count()[0] > OBJECTS_BETWEEN_COLLECTIONS:
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """moto begins every test with a new session, which would read the models of its APIs anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session", name="stack_graph")
def _stack_graph(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Recorded]:
    """The whole program as a stack we ship, rehearsed once per session and kind.

    From `tests/shipped`, whose figures the tests know: whoever makes the stack files at the top
    theirs leaves these as they are. `tests/stacks/test_live.py` looks at those at the top.

    `stack_graph("dev")` is recorded only, `stack_graph("dev", moto=True)` is created in the
    in-memory AWS, `stack_graph("dev", preview=True)` is what `pulumi preview` would register.
    `stack_graph("staging", "ec2")` is a variant of a stack.
    """

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    @cache
    def of(stack: str, variant: str = "", *, moto: bool = False, preview: bool = False) -> Recorded:
        file = ROOT / "tests" / "shipped" / f"Pulumi.{stack}.yaml"
        if variant:
            file = tmp_path_factory.mktemp(f"{stack}-{variant}") / file.name
            file.write_text(yaml.safe_dump({"config": bent(stack, VARIANTS[variant])}))
        kept = shared / f"{stack}-{variant}-{moto}-{preview}.pickle"
        return Recorded(_once(kept, lambda: rehearsed(stack, file, moto=moto, preview=preview)))

    return of


def _once(kept: Path, make: Callable[[], Graph]) -> Graph:
    """What another process of the session has kept already, or what is made, and kept for it."""
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            return pickle.loads(kept.read_bytes())
        made = make()
        kept.write_bytes(pickle.dumps(made))
        return made


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
