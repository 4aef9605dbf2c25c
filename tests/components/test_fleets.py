"""All fleets of a stack, and what looks after them: components/workers/fleets.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from pydantic import TypeAdapter

from components.access import Access
from components.queues import work_queues
from components.registry import Registry, RegistryArgs
from components.secrets import Secrets, SecretsArgs
from components.workers.fleets import Fleets, worker_fleets
from settings.gpu import QuotaSettings
from settings.queues import QueueSettings
from settings.registry import RegistrySettings
from settings.secrets import SecretSettings
from settings.workers import WorkerSettings
from tests.components.parts import ground
from tests.recorder import Recorded, aws_provider, record, with_aws

GPU = {
    "kind": "gpu",
    "queue": "render",
    "image": "worker:1.0.0",
    "gpu_class": "24g",
    "min_workers": 2,
    "max_workers": 20,
    "on_demand_percent": 30,
    "job_seconds": 60,
    "job_limit_seconds": 900,
    "target_wait_seconds": 300,
}
RESTING = {**GPU, "queue": "upscale", "min_workers": 0}
FARGATE = {
    "kind": "fargate",
    "queue": "render",
    "image": "worker:1.0.0",
    "cpu": 1024,
    "memory": 2048,
    "min_workers": 1,
    "max_workers": 10,
    "job_seconds": 60,
    "job_limit_seconds": 900,
    "target_wait_seconds": 300,
}
EC2 = {
    "kind": "ec2",
    "queue": "render",
    "image": "worker:1.0.0",
    "instance_types": ["c7i.large"],
    "on_demand_percent": 50,
    "min_workers": 1,
    "max_workers": 10,
    "job_seconds": 60,
    "job_limit_seconds": 900,
    "target_wait_seconds": 300,
}
STORES = Access(environment={"MEDIA_BUCKET": "backlot-dev-media"})


def recorded_fleets(
    quota: QuotaSettings | None = None, **given: Mapping[str, Any]
) -> tuple[Fleets, Recorded]:
    made: list[Fleets] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        standing = ground()
        images = Registry(
            "registry",
            RegistryArgs(
                settings=RegistrySettings(repositories=("worker",), force_delete=True),
                ground=standing,
            ),
            opts,
        )
        openai = SecretSettings(environment="OPENAI_API_KEY")
        fleets = worker_fleets(
            {
                name: TypeAdapter(WorkerSettings).validate_python(settings)
                for name, settings in given.items()
            },
            quota,
            standing,
            images,
            Secrets("secrets", SecretsArgs(settings={"openai": openai}, ground=standing), opts),
            work_queues({"render": QueueSettings(), "upscale": QueueSettings()}, standing, opts),
            [STORES],
            opts,
        )
        made.append(fleets)
        pulumi.export("handles", dict(fleets.handles))

    recorded = record(program)
    return made[0], recorded


def container(recorded: Recorded, fleet: str) -> dict[str, Any]:
    (only,) = recorded.one("ecs.TaskDefinition", f"worker-{fleet}-definition").json(
        "container_definitions"
    )
    return only


def variables(recorded: Recorded, fleet: str) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(recorded, fleet)["environment"]}


def test_a_stack_without_workers_has_no_fleet_and_nothing_that_looks_after_any():
    fleets, recorded = recorded_fleets()
    assert (fleets.by_name, fleets.handles) == ({}, {})
    assert (list(fleets.keepers), list(fleets.watched)) == ([], [])
    assert not [node for node in recorded.nodes if node.type.startswith("backlot:workers:")]
    assert recorded.all("lambda.Function") == []


def test_each_fleet_works_its_own_queue_off_under_its_own_name():
    fleets, recorded = recorded_fleets(render=GPU, upscale=RESTING)
    assert list(fleets.by_name) == ["render", "upscale"]
    assert recorded.names("backlot:workers:GpuFleet") == ["worker-render", "worker-upscale"]
    for fleet in ("render", "upscale"):
        told = variables(recorded, fleet)
        assert told["FLEET"] == fleet
        assert told["QUEUE_URL"].endswith(f"/backlot-dev-{fleet}")


def test_each_kind_of_fleet_is_a_fleet_of_its_kind():
    fleets, recorded = recorded_fleets(render=GPU, mail=FARGATE, video=EC2)
    assert {
        kind: recorded.names(f"backlot:workers:{kind}")
        for kind in ("GpuFleet", "FargateFleet", "Ec2Fleet")
    } == {
        "GpuFleet": ["worker-render"],
        "FargateFleet": ["worker-mail"],
        "Ec2Fleet": ["worker-video"],
    }
    for fleet in fleets.by_name.values():
        assert [alarm.name for alarm in fleet.alarms][:2] == ["workers-missing", "jobs-failing"]
    assert (
        recorded.outputs["handles"]["video"]
        == recorded.one("autoscaling.Group", "worker-video-group").outputs["name"]
    )


def test_two_fleets_may_share_a_queue():
    _, recorded = recorded_fleets(render=GPU, cheap={**RESTING, "queue": "render"})
    assert variables(recorded, "render")["QUEUE_URL"] == variables(recorded, "cheap")["QUEUE_URL"]


def test_a_worker_is_handed_what_all_of_them_use_and_its_own_secrets():  # M54
    _, recorded = recorded_fleets(render={**GPU, "secrets": ["openai"]}, upscale=RESTING)
    for fleet, secrets in (("render", ["OPENAI_API_KEY"]), ("upscale", [])):
        assert variables(recorded, fleet)["MEDIA_BUCKET"] == "backlot-dev-media"
        handed = container(recorded, fleet).get("secrets", [])
        assert [secret["name"] for secret in handed] == secrets


@pytest.mark.parametrize(
    ("image", "build"),
    [("worker:1.0.0", "1.0.0"), ("worker@sha256:" + "a" * 64, "sha256:" + "a" * 64)],
)
def test_a_worker_runs_an_image_of_the_registry_and_is_told_which(image: str, build: str):
    _, recorded = recorded_fleets(render={**GPU, "image": image})
    url = recorded.one("ecr.Repository").outputs["repository_url"]
    assert container(recorded, "render")["image"] == url + image.removeprefix("worker")
    assert variables(recorded, "render")["BUILD_ID"] == build


def test_one_function_wakes_those_that_rest_and_those_alone():  # M52
    _, recorded = recorded_fleets(render=GPU, upscale=RESTING, cheap={**RESTING, "queue": "render"})
    function = recorded.one("lambda.Function", "waker-function")
    told = json.loads(function["environment"]["variables"]["FLEETS"])
    assert [fleet["service"] for fleet in told] == [
        recorded.one("ecs.Service", f"worker-{fleet}-service").outputs["name"]
        for fleet in ("upscale", "cheap")
    ]
    assert recorded.names("backlot:workers:Waker") == ["waker"]


def test_nothing_wakes_fleets_that_never_rest():  # M52
    fleets, recorded = recorded_fleets(render=GPU)
    assert recorded.all("backlot:workers:Waker") == []
    assert recorded.names("lambda.Function") == ["interruptions-function"]
    assert len(fleets.keepers) == 1


def test_one_function_hears_of_the_instances_of_all_fleets_and_of_their_overflow():
    overflow = {"overflow": {"max_workers": 14}}
    _, recorded = recorded_fleets(render={**GPU, **overflow}, upscale=RESTING)
    function = recorded.one("lambda.Function", "interruptions-function")
    assert json.loads(function["environment"]["variables"]["GROUPS"]) == {
        recorded.one("autoscaling.Group", f"worker-{group}-group").outputs["name"]: fleet
        for group, fleet in (
            ("render", "render"),
            ("render-overflow", "render"),
            ("upscale", "upscale"),
        )
    }
    assert recorded.names("backlot:workers:Interruptions") == ["interruptions"]


def test_the_waker_starts_tasks_and_instances_alike():  # M52
    _, recorded = recorded_fleets(
        render=RESTING, mail={**FARGATE, "min_workers": 0}, video={**EC2, "min_workers": 0}
    )
    function = recorded.one("lambda.Function", "waker-function")
    told = json.loads(function["environment"]["variables"]["FLEETS"])
    assert [fleet["platform"] for fleet in told] == ["ecs", "ecs", "autoscaling"]
    assert told[2]["group"] == recorded.one("autoscaling.Group", "worker-video-group")["name"]


def test_fleets_without_instances_hear_of_none():
    fleets, recorded = recorded_fleets(mail=FARGATE)
    assert recorded.all("backlot:workers:Interruptions") == []
    assert recorded.all("backlot:workers:Drain") == []
    assert list(fleets.keepers) == []


def test_instances_that_ecs_does_not_drain_are_drained_by_one_function():
    _, recorded = recorded_fleets(render=GPU, video=EC2, encode=EC2)
    function = recorded.one("lambda.Function", "drain-function")
    assert json.loads(function["environment"]["variables"]["GROUPS"]) == [
        recorded.one("autoscaling.Group", f"worker-{fleet}-group").outputs["name"]
        for fleet in ("video", "encode")
    ]
    _, recorded = recorded_fleets(render=GPU)
    assert recorded.all("backlot:workers:Drain") == []


def test_a_release_finds_each_fleet_by_its_name():
    _, recorded = recorded_fleets(render=GPU, upscale=RESTING)
    assert recorded.outputs["handles"] == {
        fleet: "/".join(
            recorded.one(kind, f"worker-{fleet}-{what}").outputs["name"]
            for kind, what in (("ecs.Cluster", "cluster"), ("ecs.Service", "service"))
        )
        for fleet in ("render", "upscale")
    }


def test_whatever_holds_secrets_is_restarted_overflow_as_well():
    fleets, _ = recorded_fleets(render={**GPU, "overflow": {"max_workers": 14}}, upscale=RESTING)
    assert [each.pulumi_resource_name for each in fleets.workloads] == [
        "worker-render",
        "worker-render-overflow",
        "worker-upscale",
    ]


def test_fleets_their_overflow_and_their_keepers_are_watched():
    fleets, _ = recorded_fleets(render={**GPU, "overflow": {"max_workers": 14}}, upscale=RESTING)
    assert {
        each.pulumi_resource_name: [alarm.name for alarm in each.alarms] for each in fleets.watched
    } == {
        "worker-render": ["workers-missing", "jobs-failing"],
        "worker-render-overflow": ["stepped-in"],
        "worker-upscale": ["workers-missing", "jobs-failing"],
        "waker": ["waking-failed"],
        "interruptions": ["render-not-launched", "upscale-not-launched", "recording-failed"],
    }


@pytest.mark.parametrize(
    ("quota", "asked"),
    [
        (None, False),
        (QuotaSettings(on_demand=80, spot=56), False),
        (QuotaSettings(on_demand=80, spot=56, request=True), True),
    ],
    ids=["none", "noted", "asked for"],
)
def test_a_quota_is_asked_for_by_choice_alone(quota: QuotaSettings | None, asked: bool):  # B51
    _, recorded = recorded_fleets(quota, render=GPU)
    assert recorded.names("backlot:workers:Quotas") == (["gpu-quota"] if asked else [])
