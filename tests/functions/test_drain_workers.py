"""functions/drain_workers: a worker's job ends before its instance does."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.stub import Stubber

from functions.drain_workers import handler

GROUP, OTHER_GROUP, HOOK = "backlot-dev-encode", "somebody-elses", "drain"
GONE = "i-00000000000000000"
LET_GO = "complete_lifecycle_action"
NOTHING_HELD = "No active Lifecycle Action found with instance ID {}"


class Aws:
    """moto, with Stubber's answers in front of what moto cannot do."""

    def __init__(self) -> None:
        self.ssm = boto3.client("ssm")
        self.autoscaling = boto3.client("autoscaling")
        self.stubbed = boto3.client("autoscaling")
        self.released = Stubber(self.stubbed)
        self.sent: list[dict[str, Any]] = []
        self.refusals: list[Exception] = []

    def client(self, service: str) -> Any:
        return {"ssm": self, "autoscaling": self}[service]

    def send_command(self, **parameters: Any) -> Any:
        self.sent.append(parameters)
        if self.refusals:
            raise self.refusals.pop(0)
        return self.ssm.send_command(**parameters)

    def list_commands(self, **parameters: Any) -> Any:
        return self.ssm.list_commands(**parameters)

    def describe_auto_scaling_instances(self, **parameters: Any) -> Any:
        return self.autoscaling.describe_auto_scaling_instances(**parameters)

    def complete_lifecycle_action(self, **parameters: Any) -> Any:
        return self.stubbed.complete_lifecycle_action(**parameters)

    def refuses(self, code: str) -> None:
        """Let SSM refuse the next command."""
        answer: Any = {"Error": {"Code": code, "Message": "said by AWS"}}
        self.refusals.append(ClientError(answer, "SendCommand"))

    def lets_go(self, instance: str) -> None:
        """Expect the instance to be let go, once."""
        expected = {
            "AutoScalingGroupName": GROUP,
            "LifecycleHookName": HOOK,
            "InstanceId": instance,
            "LifecycleActionResult": "CONTINUE",
        }
        self.released.add_response(LET_GO, {}, expected)


@pytest.fixture(name="aws", autouse=True)
def _for_the_function(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Aws]:
    caplog.set_level(logging.INFO)
    aws = Aws()
    monkeypatch.setenv("GROUPS", json.dumps(["backlot-dev-transcode", GROUP]))
    monkeypatch.setenv("HOOK", HOOK)
    monkeypatch.setattr(handler.boto3, "client", aws.client)
    with aws.released:
        yield aws
        aws.released.assert_no_pending_responses()


@pytest.fixture(name="instance")
def _instance(aws: Aws) -> str:
    return instance_of(aws, GROUP)


def instance_of(aws: Aws, group: str) -> str:
    """The instance of a group that is made for it."""
    autoscaling = aws.autoscaling
    # Not from a template, for which boto3 would read all that EC2 can do: half a second a test.
    autoscaling.create_launch_configuration(
        LaunchConfigurationName=group, ImageId="ami-03cf127a", InstanceType="t3.small"
    )
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=group,
        MinSize=0,
        MaxSize=2,
        DesiredCapacity=1,
        LaunchConfigurationName=group,
        AvailabilityZones=["us-east-1a"],
    )
    answer = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    return answer["AutoScalingGroups"][0]["Instances"][0]["InstanceId"]


def terminating(instance: str, *, group: str = GROUP, hook: str = HOOK) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "12345678-1234-1234-1234-123456789012",
        "detail-type": "EC2 Instance-terminate Lifecycle Action",
        "source": "aws.autoscaling",
        "time": "2026-11-25T21:34:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "LifecycleActionToken": "87654321-4321-4321-4321-210987654321",
            "AutoScalingGroupName": group,
            "LifecycleHookName": hook,
            "EC2InstanceId": instance,
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
            "Origin": "AutoScalingGroup",
            "Destination": "EC2",
        },
    }


def command_event(
    instance: str, command: str, status: str = "Success", document: str = "AWS-RunShellScript"
) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "4780e1b8-f56b-4de5-95f2-95db273d1602",
        "detail-type": "EC2 Command Invocation Status-change Notification",
        "source": "aws.ssm",
        "time": "2026-11-25T21:40:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "command-id": command,
            "document-name": document,
            "instance-id": instance,
            "requested-date-time": "2026-11-25T21:34:01Z",
            "status": status,
        },
    }


def outcome(event: Any) -> str:
    return handler.handle(event, None)["outcome"]


def drain(aws: Aws, instance: str) -> str:
    """Let the worker be told to stop, and return the command's id."""
    assert outcome(terminating(instance)) == "stopping"
    return aws.ssm.list_commands()["Commands"][-1]["CommandId"]


def test_an_instance_that_is_to_go_stops_its_worker_and_is_held(aws, instance):
    assert outcome(terminating(instance)) == "stopping"
    [sent] = aws.sent
    assert sent["InstanceIds"] == [instance]
    assert sent["DocumentName"] == "AWS-RunShellScript"
    assert sent["Parameters"]["commands"] == ["systemctl stop worker"]


def test_the_command_never_gives_up_before_the_hook_does(aws, instance):
    outcome(terminating(instance))
    [sent] = aws.sent
    # 48 hours, which is also the longest that a hook may hold an instance.
    assert sent["Parameters"]["executionTimeout"] == ["172800"]
    assert sent["TimeoutSeconds"] == 600


def test_the_comment_fits_the_100_characters_it_may_have(aws, instance):
    outcome(terminating(instance))
    assert 0 < len(aws.sent[0]["Comment"]) <= 100


@pytest.mark.parametrize("status", ["Success", "Failed", "TimedOut", "Cancelled"])
def test_an_instance_goes_once_its_command_has_ended_however_it_did(status, aws, instance):
    command = drain(aws, instance)
    aws.lets_go(instance)
    assert outcome(command_event(instance, command, status)) == "released"


def test_a_command_that_did_not_succeed_is_told(aws, instance, caplog):
    command = drain(aws, instance)
    aws.lets_go(instance)
    outcome(command_event(instance, command, "Failed"))
    [warning] = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert warning.getMessage().endswith("which was to stop its worker: Failed")


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Delayed", "Cancelling"])
def test_an_instance_is_held_while_its_command_runs(status, aws, instance):
    command = drain(aws, instance)
    assert outcome(command_event(instance, command, status)) == "ignored"


def test_an_instance_that_no_command_can_reach_goes_at_once(aws, instance, caplog):
    aws.refuses("InvalidInstanceId")
    aws.lets_go(instance)
    assert outcome(terminating(instance)) == "released"
    assert "no command can reach it" in caplog.text


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError", "AccessDenied"])
def test_a_command_that_cannot_be_sent_is_an_error_and_the_retry_sends_it(code, aws, instance):
    aws.refuses(code)
    with pytest.raises(ClientError, match=code):
        outcome(terminating(instance))
    assert outcome(terminating(instance)) == "stopping"


def test_a_command_that_aws_does_not_answer_for_is_an_error_and_the_retry_sends_it(aws, instance):
    aws.refusals.append(ConnectTimeoutError(endpoint_url="https://ssm.us-east-1.amazonaws.com"))
    with pytest.raises(ConnectTimeoutError):
        outcome(terminating(instance))
    assert outcome(terminating(instance)) == "stopping"


def test_a_termination_told_twice_lets_the_instance_go_once(aws, instance):
    first, second = drain(aws, instance), drain(aws, instance)
    assert first != second
    aws.lets_go(instance)
    assert outcome(command_event(instance, first)) == "released"
    held_no_more(aws, instance)
    assert outcome(command_event(instance, second)) == "released"


def test_an_end_told_twice_is_no_error(aws, instance, caplog):
    command = drain(aws, instance)
    aws.lets_go(instance)
    assert outcome(command_event(instance, command)) == "released"
    held_no_more(aws, instance)
    assert outcome(command_event(instance, command)) == "released"
    assert "nothing holds it any more" in caplog.text


def held_no_more(aws: Aws, instance: str) -> None:
    aws.released.add_client_error(LET_GO, "ValidationError", NOTHING_HELD.format(instance))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationError", "No Lifecycle Hook found with name drain"),
        ("ResourceContention", "You already have a pending update"),
        ("AccessDenied", "not for you"),
    ],
)
def test_an_instance_that_cannot_be_let_go_is_an_error_and_the_retry_lets_it_go(
    code, message, aws, instance
):
    command = drain(aws, instance)
    aws.released.add_client_error(LET_GO, code, message)
    with pytest.raises(ClientError, match=message):
        outcome(command_event(instance, command))
    aws.lets_go(instance)
    assert outcome(command_event(instance, command)) == "released"


def test_somebody_elses_command_lets_nobody_go(aws, instance):
    drain(aws, instance)
    answer = aws.ssm.send_command(
        InstanceIds=[instance],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["uptime"]},
    )
    other = answer["Command"]["CommandId"]
    assert outcome(command_event(instance, other)) == "ignored"


def test_a_command_of_another_document_lets_nobody_go(aws, instance):
    command = drain(aws, instance)
    event = command_event(instance, command, document="AWS-RunPatchBaseline")
    assert outcome(event) == "ignored"


def test_a_group_of_no_fleet_is_left_alone(aws):
    instance = instance_of(aws, OTHER_GROUP)
    assert outcome(terminating(instance, group=OTHER_GROUP)) == "ignored"
    assert aws.sent == []


def test_another_hook_of_the_group_is_left_alone(aws, instance):
    assert outcome(terminating(instance, hook="keep-the-logs")) == "ignored"
    assert aws.sent == []


def test_the_same_command_on_an_instance_of_no_fleet_lets_nobody_go(aws):
    instance = instance_of(aws, OTHER_GROUP)
    answer = aws.ssm.send_command(
        InstanceIds=[instance], DocumentName="AWS-RunShellScript", Comment=handler.COMMENT
    )
    command = answer["Command"]["CommandId"]
    assert outcome(command_event(instance, command)) == "ignored"


def test_an_instance_that_is_gone_is_left_alone(aws, instance):
    command = drain(aws, instance)
    assert outcome(command_event(GONE, command)) == "ignored"


def without(event: dict[str, Any], key: str) -> dict[str, Any]:
    return {**event, "detail": {k: v for k, v in event["detail"].items() if k != key}}


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        {"detail-type": "EC2 Instance-terminate Lifecycle Action"},
        {"detail-type": "EC2 Instance-terminate Lifecycle Action", "detail": {}},
        without(terminating(GONE), "EC2InstanceId"),
        without(terminating(GONE), "AutoScalingGroupName"),
        without(command_event(GONE, "e8d3c0e4"), "instance-id"),
        without(command_event(GONE, "e8d3c0e4"), "status"),
        {**terminating(GONE), "detail-type": "EC2 Instance-launch Lifecycle Action"},
        {
            **command_event(GONE, "e8d3c0e4"),
            "detail-type": "EC2 Command Status-change Notification",
        },
    ],
)
def test_an_event_of_neither_form_is_refused(event, aws):
    with pytest.raises(ValueError, match="neither an EC2 Instance-terminate Lifecycle Action"):
        outcome(event)
    assert aws.sent == []
