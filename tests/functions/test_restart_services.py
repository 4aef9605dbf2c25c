"""functions/restart_services: who is restarted after a rotation, and who is left alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto.ecs.models import ecs_backends
from moto.secretsmanager.models import secretsmanager_backends

from functions.restart_services import handler

BEFORE = datetime(2021, 1, 1, tzinfo=UTC)
ROTATION = datetime(2022, 1, 1, tzinfo=UTC)


@pytest.fixture(name="_services", autouse=True)
def _services(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotated secret, and two services that have run since before the rotation."""
    arn = boto3.client("secretsmanager").create_secret(Name="database", SecretString="{}")["ARN"]
    monkeypatch.setenv("SECRET", arn)
    rotated_at(ROTATION)
    ecs = boto3.client("ecs")
    ecs.register_task_definition(
        family="task", containerDefinitions=[{"name": "main", "image": "x", "memory": 128}]
    )
    for cluster, service in (("api", "api"), ("render", "worker")):
        ecs.create_cluster(clusterName=cluster)
        ecs.create_service(cluster=cluster, serviceName=service, taskDefinition="task")
        deployed_at(cluster, service, BEFORE)
    targets(monkeypatch, ("api", "api"), ("render", "worker"))


def targets(monkeypatch: pytest.MonkeyPatch, *pairs: tuple[str, str]) -> None:
    monkeypatch.setenv(
        "SERVICES", json.dumps([{"cluster": cluster, "service": name} for cluster, name in pairs])
    )


def rotated_at(moment: datetime | None) -> None:
    secret: Any = secretsmanager_backends["123456789012"]["us-east-1"].secrets["database"]
    secret.rotation_requested = True
    secret.last_rotation_date = moment and int(moment.timestamp())


def deployed_at(cluster: str, service: str, moment: datetime) -> None:
    deployment(cluster, service)["createdAt"] = moment


def deployment(cluster: str, service: str) -> dict[str, Any]:
    backend = ecs_backends["123456789012"]["us-east-1"]
    return backend.services[f"{cluster}:{service}"].deployments[0]


def restarted() -> list[str]:
    return handler.handle({}, None)["restarted"]


def test_services_that_started_before_the_rotation_are_deployed_anew():
    before = deployment("api", "api")["id"], deployment("render", "worker")["id"]
    assert restarted() == ["api", "worker"]
    after = deployment("api", "api")["id"], deployment("render", "worker")["id"]
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_a_second_call_restarts_nothing():
    restarted()
    assert restarted() == []


def test_a_service_deployed_since_the_rotation_is_left_alone():
    deployed_at("api", "api", datetime(2023, 1, 1, tzinfo=UTC))
    assert restarted() == ["worker"]


def test_nothing_is_restarted_before_the_first_rotation():
    rotated_at(None)
    assert restarted() == []


def test_one_that_fails_does_not_keep_the_others_from_their_restart(monkeypatch):
    targets(monkeypatch, ("api", "gone"), ("render", "worker"))
    before = deployment("render", "worker")["id"]
    with pytest.raises(RuntimeError, match="not restarted: gone"):
        restarted()
    assert deployment("render", "worker")["id"] != before


def test_a_retry_after_a_failure_only_restarts_what_is_left(monkeypatch):
    targets(monkeypatch, ("nowhere", "api"), ("render", "worker"))
    with pytest.raises(RuntimeError):
        restarted()
    targets(monkeypatch, ("api", "api"), ("render", "worker"))
    assert restarted() == ["api"]


def test_a_secret_that_cannot_be_read_is_an_error(monkeypatch):
    monkeypatch.setenv("SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:none")
    with pytest.raises(Exception, match="ResourceNotFound"):
        restarted()
