"""What runs on one's own machine is told what it is told on AWS: not a variable more, none less."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from local import make
from tests.recorder import ROOT, Recorded
from tests.rows import proves

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]

LOCAL_ONLY = {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_SECRET_ACCESS_KEY"}
"""What the SDK finds out by itself on AWS."""
EVERYWHERE = {
    "AWS_REGION",
    "BUSINESS_COST_METRIC",
    "BUSINESS_DURATION_METRIC",
    "BUSINESS_FAILURES_METRIC",
    "BUSINESS_SPEND_METRIC",
    "BUSINESS_SUCCESS_METRIC",
}
SAID_AS_ON_AWS = EVERYWHERE | {
    "CONCURRENCY",
    "FLEET",
    "HEARTBEAT_SECONDS",
    "JOB_LIMIT_SECONDS",
    "PROTECTION_MINUTES",
    "STOP_SECONDS",
    "VISIBILITY_SECONDS",
}
"""What has the same value in both places."""

CONTAINERS = {"api": "api-definition", "worker": "worker-render-definition"}


@pytest.fixture(name="dev")
def _dev(stack_graph: Callable[..., Recorded]) -> Recorded:
    return stack_graph("dev")


def container(dev: Recorded, service: str) -> dict[str, Any]:
    definition = dev.one("ecs.TaskDefinition", CONTAINERS[service])
    return next(one for one in definition.json("container_definitions") if one["name"] == service)


def on_aws(dev: Recorded, service: str) -> dict[str, str]:
    """The container's variables, those from secrets with the secret's address."""
    told = container(dev, service)
    plain = {one["name"]: one["value"] for one in told["environment"]}
    return plain | {one["name"]: one["valueFrom"] for one in told["secrets"]}


def here(service: str) -> dict[str, str]:
    return SERVICES[service]["environment"]


@proves("M120", "ai-film-studio", "autoblog")
@pytest.mark.parametrize("service", CONTAINERS)
def test_the_code_is_told_the_same_things_here_as_on_aws(dev: Recorded, service: str) -> None:
    # M120
    assert here(service).keys() - LOCAL_ONLY == on_aws(dev, service).keys()
    assert here(service).keys() & LOCAL_ONLY == LOCAL_ONLY


@pytest.mark.parametrize("service", CONTAINERS)
def test_the_times_of_the_contract_are_those_of_aws(dev: Recorded, service: str) -> None:
    there = on_aws(dev, service)
    same = SAID_AS_ON_AWS & there.keys()

    assert {key: here(service)[key] for key in same} == {key: there[key] for key in same}
    assert same == (SAID_AS_ON_AWS if service == "worker" else EVERYWHERE)


def test_no_real_key_stands_in_the_file() -> None:
    keys = {key: value for key, value in here("api").items() if key.endswith("_API_KEY")}
    keys |= {key: value for key, value in here("worker").items() if key.endswith("_API_KEY")}

    assert keys == {key: f"${{{key}:-unset}}" for key in keys}
    assert len(keys) == 4


def test_the_api_is_asked_for_its_health_as_on_aws(dev: Recorded) -> None:
    there, check = container(dev, "api")["healthCheck"], SERVICES["api"]["healthcheck"]

    assert check["test"] == there["command"]
    assert check["interval"] == f"{there['interval']}s"
    assert check["timeout"] == f"{there['timeout']}s"
    assert check["start_period"] == f"{there['startPeriod']}s"
    assert check["retries"] == there["retries"]


def test_a_worker_has_the_time_to_stop_that_ecs_gives_it(dev: Recorded) -> None:
    there = container(dev, "worker")["stopTimeout"]

    assert SERVICES["worker"]["stop_grace_period"] == f"{there}s"
    assert "healthcheck" not in SERVICES["worker"]
    assert "healthCheck" not in container(dev, "worker")


def test_nothing_starts_before_what_it_asks_at_once() -> None:
    for service in CONTAINERS:
        assert SERVICES[service]["depends_on"] == {
            "database": {"condition": "service_healthy"},
            "cache": {"condition": "service_healthy"},
            "made": {"condition": "service_completed_successfully"},
        }
    assert SERVICES["made"]["depends_on"] == {"aws": {"condition": "service_healthy"}}
    for store in ("database", "cache", "aws"):
        assert "healthcheck" in SERVICES[store]


@proves("M120", "ai-film-studio", "autoblog")
def test_plain_up_brings_the_surroundings_and_profiles_bring_the_rest() -> None:
    assert {name: one.get("profiles") for name, one in SERVICES.items()} == {
        "database": None,
        "cache": None,
        "aws": None,
        "made": None,
        "api": ["api"],
        "worker": ["worker"],
        "pgadmin": ["tools"],
        "redis-ui": ["tools"],
    }


def test_nothing_is_reached_from_another_machine() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", ())]

    assert len(ports) == 6
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_stores_are_of_the_versions_that_dev_has(dev: Recorded) -> None:
    versions = {name: one["image"].rpartition(":")[2] for name, one in SERVICES.items()}
    locked = re.search(r"^moto==(\S+)", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)

    database = dev.one("rds.Instance")["engine_version"]
    assert versions["database"].partition(".")[0] == database
    assert versions["cache"] == dev.one("elasticache.ReplicationGroup")["engine_version"]
    # The imitation of the rehearsal, not one of another age.
    assert locked
    assert versions["aws"] == versions["made"] == locked[1]
    assert not any("latest" in version for version in versions.values())


def test_the_queues_and_the_bucket_are_made_as_the_platform_makes_them(
    dev: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    with mock_aws():
        make.main()
        make.main()  # another `docker compose up`
        sqs = boto3.client("sqs", region_name="us-east-1")
        buckets = boto3.client("s3", region_name="us-east-1").list_buckets()["Buckets"]
        made = {
            url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            for url in sqs.list_queues()["QueueUrls"]
        }
    there = dev.one("sqs.Queue", "queue-render-queue")
    [render] = [one for url, one in made.items() if url.endswith("/backlot-local-render")]

    assert [bucket["Name"] for bucket in buckets] == [here("api")["MEDIA_BUCKET"]]
    assert len(made) == 2
    assert int(render["VisibilityTimeout"]) == there["visibility_timeout_seconds"]
    assert int(render["ReceiveMessageWaitTimeSeconds"]) == there["receive_wait_time_seconds"]
    redrive = json.loads(render["RedrivePolicy"])
    assert redrive["maxReceiveCount"] == there.json("redrive_policy")["maxReceiveCount"]
    path = here("worker")["QUEUE_URL"].partition(":5000")[2]
    assert any(url.endswith(path) for url in made)
    assert here("api")["QUEUE_URL_RENDER"] == here("worker")["QUEUE_URL"]
