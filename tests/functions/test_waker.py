"""functions/waker: who is woken, by how many workers, and who is left alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from functions.waker import handler

CLUSTER, SERVICE, GROUP = "render", "render-service", "encode-group"


@pytest.fixture(name="_aws_for_the_test", autouse=True)
def _aws_for_the_test(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Clients are kept from call to call, but not from test to test."""
    caplog.set_level(logging.INFO)
    handler._client.cache_clear()
    yield
    handler._client.cache_clear()


@pytest.fixture(name="queues")
def _queues() -> dict[str, str]:
    sqs = boto3.client("sqs")
    return {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("render", "encode")}


@pytest.fixture(name="ecs_fleet")
def _ecs_fleet(queues: dict[str, str]) -> dict[str, Any]:
    """A service at rest, which may have up to 20 tasks."""
    ecs = boto3.client("ecs")
    ecs.create_cluster(clusterName=CLUSTER)
    ecs.register_task_definition(
        family="task", containerDefinitions=[{"name": "main", "image": "x", "memory": 128}]
    )
    ecs.create_service(cluster=CLUSTER, serviceName=SERVICE, taskDefinition="task", desiredCount=0)
    bounded(20)
    return {
        "platform": "ecs",
        "queue": queues["render"],
        "cluster": CLUSTER,
        "service": SERVICE,
        "target": 6.0,
        "most": 4,
        "max": 20,
    }


@pytest.fixture(name="ec2_fleet")
def _ec2_fleet(queues: dict[str, str]) -> dict[str, Any]:
    """A group at rest, which may have up to 10 instances."""
    # Not from a template, for which boto3 would read all that EC2 can do: half a second a test.
    autoscaling = boto3.client("autoscaling")
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="encode", ImageId="ami-03cf127a", InstanceType="t3.small"
    )
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        MinSize=0,
        MaxSize=10,
        DesiredCapacity=0,
        LaunchConfigurationName="encode",
        AvailabilityZones=["us-east-1a"],
    )
    return {
        "platform": "autoscaling",
        "queue": queues["encode"],
        "group": GROUP,
        "target": 6.0,
        "most": 4,
        "max": 20,
    }


@pytest.fixture(name="fleet", params=["ecs", "ec2"])
def _fleet(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A fleet at rest, on either platform."""
    return request.getfixturevalue(f"{request.param}_fleet")


@pytest.fixture(name="raising")
def _raising(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """What Auto Scaling says to being asked for workers; moto knows no refusal."""
    client = handler._client
    stubbed = boto3.client("autoscaling")
    answers = SimpleNamespace(
        describe_auto_scaling_groups=client("autoscaling").describe_auto_scaling_groups,
        set_desired_capacity=stubbed.set_desired_capacity,
    )
    with monkeypatch.context() as patch, Stubber(stubbed) as stubber:
        patch.setattr(
            handler, "_client", lambda name: answers if name == "autoscaling" else client(name)
        )
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture(name="call")
def _call(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, int]]:
    def call(*fleets: dict[str, Any]) -> dict[str, int]:
        monkeypatch.setenv("FLEETS", json.dumps(fleets))
        return handler.handle({"source": "aws.events"}, None)["woken"]

    return call


def bounded(most: int) -> None:
    boto3.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{CLUSTER}/{SERVICE}",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=0,
        MaxCapacity=most,
    )


def bound(fleet: dict[str, Any], most: int) -> None:
    """Let a schedule have set the fleet's ceiling."""
    if fleet["platform"] == "ecs":
        bounded(most)
    else:
        boto3.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=GROUP, MaxSize=most
        )


def want(fleet: dict[str, Any], workers: int) -> None:
    if fleet["platform"] == "ecs":
        boto3.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, desiredCount=workers)
    else:
        boto3.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName=GROUP, DesiredCapacity=workers
        )


def wanted(fleet: dict[str, Any]) -> int:
    if fleet["platform"] == "ecs":
        answer = boto3.client("ecs").describe_services(cluster=CLUSTER, services=[SERVICE])
        return answer["services"][0]["desiredCount"]
    answer = boto3.client("autoscaling").describe_auto_scaling_groups()
    return answer["AutoScalingGroups"][0]["DesiredCapacity"]


def send(fleet: dict[str, Any], jobs: int) -> None:
    for _ in range(jobs):
        boto3.client("sqs").send_message(QueueUrl=fleet["queue"], MessageBody="{}")


def name_of(fleet: dict[str, Any]) -> str:
    return fleet.get("service") or fleet["group"]


def test_one_job_wakes_one_worker(fleet, call):
    send(fleet, 1)
    assert call(fleet) == {name_of(fleet): 1}
    assert wanted(fleet) == 1


def test_an_empty_queue_wakes_nobody(fleet, call):
    assert call(fleet) == {}
    assert wanted(fleet) == 0


@pytest.mark.parametrize(
    ("jobs", "workers"), [(1, 1), (6, 1), (7, 2), (12, 2), (13, 3), (18, 3), (19, 4), (40, 4)]
)
def test_so_many_workers_wake_that_none_has_more_than_its_target(jobs, workers, ecs_fleet, call):
    send(ecs_fleet, jobs)
    assert call(ecs_fleet) == {SERVICE: workers}


def test_the_target_need_be_no_whole_number(ecs_fleet, call):
    send(ecs_fleet, 5)
    assert call({**ecs_fleet, "target": 1.67}) == {SERVICE: 3}


def test_no_more_wake_than_the_fleet_may_have(fleet, call):
    send(fleet, 30)
    assert call({**fleet, "max": 2}) == {name_of(fleet): 2}
    assert wanted(fleet) == 2


def test_no_more_wake_than_a_schedule_allows_at_the_time(fleet, call):
    bound(fleet, 3)
    send(fleet, 30)
    assert call(fleet) == {name_of(fleet): 3}


def test_a_fleet_in_its_schedules_night_stays_at_rest(fleet, call, caplog):
    bound(fleet, 0)
    send(fleet, 30)
    assert call(fleet) == {}
    assert wanted(fleet) == 0
    assert "it is to rest until its bounds allow a worker" in caplog.text


def test_the_morning_wakes_who_was_waited_for_in_the_night(fleet, call):
    bound(fleet, 0)
    send(fleet, 30)
    call(fleet)
    bound(fleet, 20)
    assert call(fleet) == {name_of(fleet): 4}


@pytest.mark.parametrize("workers", [1, 7])
def test_a_fleet_that_wants_any_is_neither_raised_nor_lowered(workers, fleet, call):
    want(fleet, workers)
    send(fleet, 30)
    assert call(fleet) == {}
    assert wanted(fleet) == workers


def test_a_fleet_without_jobs_keeps_its_workers(fleet, call):
    want(fleet, 2)
    assert call(fleet) == {}
    assert wanted(fleet) == 2


def test_jobs_at_work_wake_nobody(fleet, call):
    send(fleet, 1)
    boto3.client("sqs").receive_message(QueueUrl=fleet["queue"])
    assert call(fleet) == {}


def test_a_second_call_wakes_nobody_again(fleet, call):
    send(fleet, 30)
    call(fleet)
    assert call(fleet) == {}
    assert wanted(fleet) == 4


def test_fleets_of_all_platforms_have_their_turn_in_one_call(ecs_fleet, ec2_fleet, call):
    send(ecs_fleet, 7)
    send(ec2_fleet, 13)
    assert call(ecs_fleet, ec2_fleet) == {SERVICE: 2, GROUP: 3}


def test_a_platform_without_fleets_has_nothing_to_do(call):
    assert call() == {}


def test_every_queue_is_asked_each_time_so_that_its_metrics_stay_awake(
    ecs_fleet, ec2_fleet, call, monkeypatch
):
    asked: list[str] = []
    client = handler._client

    class Sqs:
        def get_queue_attributes(self, **parameters: Any) -> Any:
            asked.append(parameters["QueueUrl"])
            return client("sqs").get_queue_attributes(**parameters)

    monkeypatch.setattr(
        handler, "_client", lambda service: Sqs() if service == "sqs" else client(service)
    )
    want(ecs_fleet, 3)
    call(ecs_fleet, ec2_fleet)
    assert asked == [ecs_fleet["queue"], ec2_fleet["queue"]]
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"queue": "https://sqs.us-east-1.amazonaws.com/123456789012/gone"}, "NonExistentQueue"),
        ({"service": "gone"}, "cluster render has no service gone"),
        ({"cluster": "gone"}, "ClusterNotFound"),
        ({"platform": "lambda"}, "no such fleet"),
        ({"queue": None}, "ParamValidationError"),
        ({"target": 0}, "ZeroDivisionError"),
    ],
)
def test_a_fleet_that_fails_is_told_and_keeps_no_other_waiting(
    change, reason, ecs_fleet, ec2_fleet, call, caplog
):
    bad = {**ecs_fleet, **change}
    send(ecs_fleet, 1)
    send(ec2_fleet, 1)
    with pytest.raises(RuntimeError, match=f"not looked after: {name_of(bad)}"):
        call(bad, ec2_fleet)
    assert reason in caplog.text
    assert wanted(ecs_fleet) == 0
    assert wanted(ec2_fleet) == 1


def test_a_group_that_is_gone_is_told_and_keeps_no_other_waiting(
    ecs_fleet, ec2_fleet, call, caplog
):
    send(ecs_fleet, 1)
    send(ec2_fleet, 1)
    with pytest.raises(RuntimeError, match="not looked after: gone"):
        call({**ec2_fleet, "group": "gone"}, ecs_fleet)
    assert "there is no Auto Scaling group gone" in caplog.text
    assert wanted(ecs_fleet) == 1


def test_a_service_without_bounds_is_told_since_nothing_would_hold_it(ecs_fleet, call, caplog):
    boto3.client("application-autoscaling").deregister_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{CLUSTER}/{SERVICE}",
        ScalableDimension="ecs:service:DesiredCount",
    )
    send(ecs_fleet, 1)
    with pytest.raises(RuntimeError, match=f"not looked after: {SERVICE}"):
        call(ecs_fleet)
    assert "Application Auto Scaling does not know service render/render-service" in caplog.text
    assert wanted(ecs_fleet) == 0


def test_a_fleet_without_a_name_is_told_too(ecs_fleet, call):
    with pytest.raises(RuntimeError, match="not looked after: a fleet without a name"):
        call({"platform": "ecs"})


def test_all_that_fail_are_told_in_one_error(ecs_fleet, ec2_fleet, call):
    with pytest.raises(RuntimeError, match=f"not looked after: {SERVICE}, {GROUP}"):
        call({**ecs_fleet, "queue": "gone"}, {**ec2_fleet, "queue": "gone"})


def test_a_retry_after_a_failure_wakes_who_is_left(ecs_fleet, ec2_fleet, call):
    send(ecs_fleet, 1)
    send(ec2_fleet, 1)
    with pytest.raises(RuntimeError):
        call({**ecs_fleet, "cluster": "gone"}, ec2_fleet)
    assert call(ecs_fleet, ec2_fleet) == {SERVICE: 1}
    assert wanted(ec2_fleet) == 1


def test_a_service_that_aws_does_not_answer_for_keeps_no_other_waiting(
    ecs_fleet, ec2_fleet, call, monkeypatch, caplog
):
    client = handler._client

    class Ecs:
        def describe_services(self, **_: Any) -> None:
            raise ConnectTimeoutError(endpoint_url="https://ecs.us-east-1.amazonaws.com")

    with monkeypatch.context() as patch:
        patch.setattr(
            handler, "_client", lambda service: Ecs() if service == "ecs" else client(service)
        )
        send(ecs_fleet, 1)
        send(ec2_fleet, 1)
        with pytest.raises(RuntimeError, match=f"not looked after: {SERVICE}"):
            call(ecs_fleet, ec2_fleet)
    assert "Connect timeout" in caplog.text
    assert wanted(ec2_fleet) == 1


def test_a_call_that_hangs_costs_16_s_at_most():
    patience: Any = handler.PATIENCE
    attempts = patience.retries["total_max_attempts"]
    assert (patience.connect_timeout + patience.read_timeout) * attempts == 16
    config = handler._client("sqs").meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 5)


def test_a_group_is_raised_even_in_its_cooldown(ec2_fleet, call, raising):
    send(ec2_fleet, 1)
    raising.add_response(
        "set_desired_capacity",
        {},
        {"AutoScalingGroupName": GROUP, "DesiredCapacity": 1, "HonorCooldown": False},
    )
    assert call(ec2_fleet) == {GROUP: 1}


def test_a_refusal_to_start_is_told_and_the_retry_starts(ec2_fleet, call, raising, caplog):
    send(ec2_fleet, 1)
    raising.add_client_error("set_desired_capacity", "ScalingActivityInProgress")
    with pytest.raises(RuntimeError, match=f"not looked after: {GROUP}"):
        call(ec2_fleet)
    assert "ScalingActivityInProgress" in caplog.text
    raising.add_response("set_desired_capacity", {})
    assert call(ec2_fleet) == {GROUP: 1}
