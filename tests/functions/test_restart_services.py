"""functions/restart_services: who is restarted after a rotation, and who is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto.ec2.models import ec2_backends
from moto.ecs.models import ecs_backends
from moto.elasticbeanstalk.models import eb_backends
from moto.secretsmanager.models import secretsmanager_backends

from functions.restart_services import handler

BEFORE = datetime(2021, 1, 1, tzinfo=UTC)
ROTATION = datetime(2022, 1, 1, tzinfo=UTC)
YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)

GROUP = {"platform": "autoscaling", "group": "api-group"}
ENVIRONMENT = {"platform": "beanstalk", "environment": "api-env"}
REFRESH = {
    "AutoScalingGroupName": "api-group",
    "Strategy": "Rolling",
    "Preferences": {
        "MinHealthyPercentage": 100,
        "MaxHealthyPercentage": 150,
        "SkipMatching": False,
        "ScaleInProtectedInstances": "Refresh",
    },
}


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
    hold(
        monkeypatch,
        *({"platform": "ecs", "cluster": cluster, "service": name} for cluster, name in pairs),
    )


def hold(monkeypatch: pytest.MonkeyPatch, *holders: dict[str, str]) -> None:
    """Let these be what may hold the password."""
    monkeypatch.setenv("TARGETS", json.dumps(holders))


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


def test_a_target_of_no_known_platform_is_an_error_that_keeps_no_other_waiting(monkeypatch, caplog):
    unknown = {"platform": "lambda", "service": "resize"}
    api = {"platform": "ecs", "cluster": "api", "service": "api"}
    hold(monkeypatch, unknown, api)
    before = deployment("api", "api")["id"]
    with pytest.raises(RuntimeError, match="not restarted: resize"):
        restarted()
    assert deployment("api", "api")["id"] != before
    assert "ecs, autoscaling and beanstalk are" in caplog.text


# A group of instances


@pytest.fixture(name="refresh")
def _refresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Two instances that have served since before the rotation; moto cannot replace them."""
    boto3.client("ec2").create_launch_template(
        LaunchTemplateName="api",
        LaunchTemplateData={"ImageId": "ami-03cf127a", "InstanceType": "t3.small"},
    )
    moto, stubbed = boto3.client("autoscaling"), boto3.client("autoscaling")
    moto.create_auto_scaling_group(
        AutoScalingGroupName="api-group",
        MinSize=1,
        MaxSize=4,
        DesiredCapacity=2,
        LaunchTemplate={"LaunchTemplateName": "api"},
        AvailabilityZones=["us-east-1a"],
    )
    for instance in instances():
        launched_at(instance, BEFORE)
    answering(
        monkeypatch,
        "autoscaling",
        describe_auto_scaling_groups=moto.describe_auto_scaling_groups,
        enter_standby=moto.enter_standby,
        start_instance_refresh=stubbed.start_instance_refresh,
    )
    hold(monkeypatch, GROUP)
    with Stubber(stubbed) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answering(monkeypatch: pytest.MonkeyPatch, service: str, **operations: Any) -> None:
    client = boto3.client
    answers = SimpleNamespace(**operations)
    monkeypatch.setattr(
        handler.boto3, "client", lambda name: answers if name == service else client(name)
    )


def instances() -> list[str]:
    [group] = boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return [instance["InstanceId"] for instance in group["Instances"]]


def launched_at(instance: str, moment: datetime) -> None:
    backend: Any = ec2_backends["123456789012"]["us-east-1"]
    backend.get_instance(instance).launch_time = moment.replace(tzinfo=None)


def test_instances_from_before_the_rotation_are_replaced_new_ones_first(refresh):
    refresh.add_response("start_instance_refresh", {"InstanceRefreshId": "1"}, REFRESH)
    assert restarted() == ["api-group"]


def test_one_old_instance_is_enough(refresh):
    launched_at(instances()[0], datetime(2023, 1, 1, tzinfo=UTC))
    refresh.add_response("start_instance_refresh", {"InstanceRefreshId": "1"}, REFRESH)
    assert restarted() == ["api-group"]


@pytest.mark.usefixtures("refresh")
def test_a_group_whose_instances_are_all_new_is_left_alone():
    for instance in instances():
        launched_at(instance, datetime(2023, 1, 1, tzinfo=UTC))
    assert restarted() == []


@pytest.mark.usefixtures("refresh")
def test_an_old_instance_that_does_not_serve_does_not_count():
    old, new = instances()
    launched_at(new, datetime(2023, 1, 1, tzinfo=UTC))
    boto3.client("autoscaling").enter_standby(
        AutoScalingGroupName="api-group", InstanceIds=[old], ShouldDecrementDesiredCapacity=True
    )
    assert restarted() == []


def test_a_replacement_under_way_is_neither_repeated_nor_a_failure(refresh, caplog):
    refresh.add_client_error("start_instance_refresh", "InstanceRefreshInProgress")
    assert restarted() == []
    assert "being replaced already" in caplog.text


def test_any_other_refusal_to_replace_instances_is_a_failure(refresh):
    refresh.add_client_error("start_instance_refresh", "AccessDenied")
    with pytest.raises(RuntimeError, match="not restarted: api-group"):
        restarted()


@pytest.mark.usefixtures("refresh")
def test_a_group_that_is_gone_is_a_failure(monkeypatch, caplog):
    hold(monkeypatch, {**GROUP, "group": "gone"})
    with pytest.raises(RuntimeError, match="not restarted: gone"):
        restarted()
    assert "there is no Auto Scaling group gone" in caplog.text


# An Elastic Beanstalk environment


@pytest.fixture(name="beanstalk")
def _beanstalk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """An environment from before a rotation of yesterday; moto neither restarts nor tells of it."""
    rotated_at(YESTERDAY)
    moto, stubbed = boto3.client("elasticbeanstalk"), boto3.client("elasticbeanstalk")
    moto.create_application(ApplicationName="api")
    moto.create_environment(ApplicationName="api", EnvironmentName="api-env")
    environment().date_created = BEFORE
    answering(
        monkeypatch,
        "elasticbeanstalk",
        describe_environments=moto.describe_environments,
        get_paginator=stubbed.get_paginator,
        restart_app_server=stubbed.restart_app_server,
    )
    hold(monkeypatch, ENVIRONMENT)
    with Stubber(stubbed) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def application() -> Any:
    backend: Any = eb_backends["123456789012"]["us-east-1"]
    return backend.applications["api"]


def environment() -> Any:
    return application().environments["api-env"]


def happened(beanstalk: Stubber, *messages: str) -> None:
    """Let these be the environment's events since the rotation."""
    beanstalk.add_response(
        "describe_events",
        {"Events": [{"Message": message} for message in messages]},
        {"EnvironmentName": "api-env", "StartTime": YESTERDAY},
    )


def test_an_environment_from_before_the_rotation_is_restarted(beanstalk):
    happened(beanstalk, "Environment health has transitioned from Info to Ok.")
    beanstalk.add_response("restart_app_server", {}, {"EnvironmentName": "api-env"})
    assert restarted() == ["api-env"]


@pytest.mark.parametrize(
    "message",
    ["restartAppServer is starting.", "Restarted application server on all ec2 instances."],
)
def test_an_environment_restarted_since_is_left_alone_however_often_it_is_looked_at(
    beanstalk, message
):
    for _ in range(3):
        happened(beanstalk, message)
        assert restarted() == []


@pytest.mark.usefixtures("beanstalk")
def test_an_environment_made_since_the_rotation_is_left_alone():
    environment().date_created = YESTERDAY + timedelta(hours=1)
    assert restarted() == []


@pytest.mark.usefixtures("beanstalk")
def test_a_rotation_that_no_event_can_tell_of_any_more_restarts_nothing():
    rotated_at(datetime.now(UTC) - timedelta(weeks=6))
    assert restarted() == []


def test_an_environment_at_work_has_its_turn_later(beanstalk, caplog):
    environment().status = "Updating"
    happened(beanstalk)
    assert restarted() == []
    assert "it is Updating; its turn comes later" in caplog.text


@pytest.mark.usefixtures("beanstalk")
def test_an_environment_that_is_gone_is_a_failure(caplog):
    application().environments.clear()
    with pytest.raises(RuntimeError, match="not restarted: api-env"):
        restarted()
    assert "there is no Elastic Beanstalk environment api-env" in caplog.text
