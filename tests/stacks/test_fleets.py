"""Fleets of every kind in one stack: alone, together, at rest and never at rest, and many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import FLEETS, VARIANTS, fleet_sized, rehearsed
from tests.recorder import Recorded
from tests.settings.stack_files import bent

TYPES = {
    "gpu": "backlot:workers:GpuFleet",
    "fargate": "backlot:workers:FargateFleet",
    "ec2": "backlot:workers:Ec2Fleet",
}
KEEPERS = {"backlot:workers:Waker", "backlot:workers:Interruptions", "backlot:workers:Drain"}


@pytest.fixture(name="stack_with", scope="module")
def _stack_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Recorded]:
    """The dev stack with other fleets, and with nothing else that a stack may do without.

    The variant `fleets` is rehearsed among all that a stack may have.
    """
    without = {**VARIANTS["bare"], **VARIANTS["nothing"]}

    def of(fleets: Mapping[str, Any], *, moto: bool = True, **change: Any) -> Recorded:
        file: Path = tmp_path_factory.mktemp("fleets") / "Pulumi.dev.yaml"
        config = bent("dev", {**without, "workers": dict(fleets), **change})
        file.write_text(yaml.safe_dump({"config": config}))
        return Recorded(rehearsed("dev", file, moto=moto))

    return of


@pytest.mark.parametrize("floor", [0, 2])
@pytest.mark.parametrize("kind", FLEETS)
def test_each_kind_stands_alone(kind: str, floor: int, stack_with: Callable[..., Recorded]) -> None:
    recorded = stack_with({"clip": fleet_sized(kind, floor)})

    assert recorded.findings == []
    assert recorded.names(TYPES[kind]) == ["worker-clip"]
    keepers = {node.type for node in recorded.nodes} & KEEPERS
    expected = {"backlot:workers:Waker"} if floor == 0 else set()
    if kind != "fargate":
        expected.add("backlot:workers:Interruptions")
    if kind == "ec2":
        expected.add("backlot:workers:Drain")
    assert keepers == expected


@pytest.mark.parametrize("floor", [0, 2])
def test_all_kinds_stand_together_on_queues_of_their_own(
    floor: int, stack_with: Callable[..., Recorded]
) -> None:
    fleets = {f"f-{kind}": fleet_sized(kind, floor, queue=kind) for kind in FLEETS}
    recorded = stack_with(fleets, queues={kind: {} for kind in FLEETS})

    assert recorded.findings == []
    assert set(recorded.outputs["fleets"]) == set(fleets)
    for type_ in KEEPERS:
        assert len(recorded.all(type_)) == (0 if type_.endswith("Waker") and floor else 1)


def test_celery_works_off_a_list_in_the_cache(stack_with: Callable[..., Recorded]) -> None:  # M55
    recorded = stack_with(
        {"tasks": fleet_sized("fargate", 1, queue="celery")}, redis_queues={"celery": {}}
    )

    assert recorded.findings == []
    worker = next(
        task
        for task in recorded.all("ecs.TaskDefinition")
        if task["family"].endswith("-tasks") or "tasks" in task["family"]
    )
    [container] = worker.json("container_definitions")
    told = {variable["name"]: variable["value"] for variable in container["environment"]}
    assert told["CELERY_QUEUE"] == "celery"
    assert told["CONCURRENCY"] == "4"  # M44
    assert "QUEUE_URL" not in told


def test_ten_fleets_of_each_kind_stand_in_one_stack(stack_with: Callable[..., Recorded]) -> None:
    fleets = {
        f"{kind}-{number}": fleet_sized(kind, number % 3, queue=f"{kind}-{number}")
        for kind in FLEETS
        for number in range(10)
    }
    recorded = stack_with(
        fleets,
        queues={name: {} for name in fleets},
        **{"network.cidr": "10.16.0.0/16"},
    )

    assert recorded.findings == []
    for kind, type_ in TYPES.items():
        assert len(recorded.all(type_)) == 10, kind
    assert {len(recorded.all(type_)) for type_ in KEEPERS} == {1}


@pytest.mark.parametrize("kind", FLEETS)
def test_every_fleet_has_its_alarms_and_panels(
    kind: str, stack_with: Callable[..., Recorded]
) -> None:
    recorded = stack_with({"clip": fleet_sized(kind, 2)}, moto=False)
    alarms = {
        alarm.name.removeprefix("worker-clip-")
        for alarm in recorded.all("cloudwatch.MetricAlarm")
        if alarm.name.startswith("worker-clip-")
    }
    titles = {
        widget["properties"].get("title")
        for widget in recorded.one("cloudwatch.Dashboard").json("dashboard_body")["widgets"]
    }

    assert {"workers-missing", "jobs-failing"} <= alarms  # M99
    assert {
        "clip: workers",
        "clip: jobs per worker",
        "clip: jobs done",
        "clip: time for a job",
    } <= titles
