"""functions/record_interruptions: what is counted, for which fleet, in which words."""

from __future__ import annotations

import json
import logging
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError

from functions.record_interruptions import handler

GROUP, OVERFLOW, OTHER_GROUP = "render-group", "render-overflow-group", "api-group"
FLEET = "backlot-dev-render"
GONE = "i-00000000000000000"
SPOT = "EC2 Spot Instance Interruption Warning"
REBALANCE = "EC2 Instance Rebalance Recommendation"
LAUNCH = "EC2 Instance Launch Unsuccessful"
DRY = "Could not launch Spot Instances. UnfulfillableCapacity - There is no capacity available."


@pytest.fixture(autouse=True)
def _fleet(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A fleet of two groups; any other group is none of ours."""
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("GROUPS", json.dumps({GROUP: FLEET, OVERFLOW: FLEET}))
    monkeypatch.setenv("METRICS_NAMESPACE", "Backlot/Fleets")


def instance_of(group: str) -> str:
    """The instance of a group that is made for it."""
    autoscaling = boto3.client("autoscaling")
    # Not from a template, for which boto3 would read all that EC2 can do: half a second a test.
    autoscaling.create_launch_configuration(
        LaunchConfigurationName=group, ImageId="ami-03cf127a", InstanceType="g5.xlarge"
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


def event(kind: str, **detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "1e5527d7-bb36-4607-3370-4164db56a40e",
        "detail-type": kind,
        "source": "aws.autoscaling" if kind == LAUNCH else "aws.ec2",
        "account": "123456789012",
        "time": "2026-11-25T21:34:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {name.replace("_", "-"): value for name, value in detail.items()},
    }


def spot(instance: str, action: str = "terminate") -> dict[str, Any]:
    return event(SPOT, instance_id=instance, instance_action=action)


def rebalance(instance: str) -> dict[str, Any]:
    return event(REBALANCE, instance_id=instance)


def failed_launch(group: str = GROUP, **detail: Any) -> dict[str, Any]:
    return event(
        LAUNCH,
        **{
            "AutoScalingGroupName": group,
            "ActivityId": "87654321-4321-4321-4321-210987654321",
            "StatusCode": "Failed",
            "StatusMessage": DRY,
            "Description": "Launching a new EC2 instance.",
            "Cause": "An instance was started in response to a difference.",
            "EC2InstanceId": "",
            "Details": {"Availability Zone": "us-east-1b", "Subnet ID": "subnet-1"},
            **detail,
        },
    )


def counted_for(given: Any) -> str | None:
    return handler.handle(given, None)["fleet"]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_spot_instance_taken_back_is_counted_for_its_fleet(capsys):
    instance = instance_of(GROUP)
    assert counted_for(spot(instance)) == FLEET
    assert lines(capsys) == [
        {
            "_aws": {
                "Timestamp": 1795642440000,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Backlot/Fleets",
                        "Dimensions": [["Fleet"]],
                        "Metrics": [{"Name": "Interruptions", "Unit": "Count"}],
                    }
                ],
            },
            "Fleet": FLEET,
            "Interruptions": 1,
            "event": "1e5527d7-bb36-4607-3370-4164db56a40e",
            "instance": instance,
            "type": "g5.xlarge",
            "zone": "us-east-1a",
            "reason": "terminate",
        }
    ]


def test_the_line_stands_alone_on_stdout_as_cloudwatch_reads_it(capsys):
    counted_for(spot(instance_of(GROUP)))
    written = capsys.readouterr()
    assert written.out.count("\n") == 1
    assert written.out.startswith('{"_aws": {')
    assert written.err == ""


def test_an_instance_at_risk_is_counted_apart(capsys):
    instance = instance_of(GROUP)
    assert counted_for(rebalance(instance)) == FLEET
    [line] = lines(capsys)
    assert line["Rebalances"] == 1
    assert line["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [
        {"Name": "Rebalances", "Unit": "Count"}
    ]
    assert (line["instance"], line["type"], line["zone"]) == (instance, "g5.xlarge", "us-east-1a")
    assert "reason" not in line
    assert "Interruptions" not in line


def test_a_launch_that_failed_is_counted_with_its_zone_and_reason(capsys):
    assert counted_for(failed_launch()) == FLEET
    [line] = lines(capsys)
    assert line["FailedLaunches"] == 1
    assert (line["zone"], line["reason"]) == ("us-east-1b", DRY)
    assert "instance" not in line
    assert "type" not in line


@pytest.mark.parametrize("nothing", ["", None])
def test_a_launch_that_failed_without_a_message_tells_its_cause(nothing, capsys):
    counted_for(failed_launch(StatusMessage=nothing))
    assert lines(capsys)[0]["reason"] == "An instance was started in response to a difference."


def test_a_launch_of_which_hardly_anything_is_known_is_counted_all_the_same(capsys):
    assert counted_for(event(LAUNCH, AutoScalingGroupName=GROUP)) == FLEET
    [line] = lines(capsys)
    assert line["FailedLaunches"] == 1
    assert not {"instance", "type", "zone", "reason"} & set(line)


def test_a_launch_that_failed_late_tells_its_instance(capsys):
    counted_for(failed_launch(EC2InstanceId=GONE))
    assert lines(capsys)[0]["instance"] == GONE


def test_the_groups_of_a_fleet_are_counted_together(capsys):
    assert counted_for(spot(instance_of(GROUP))) == FLEET
    assert counted_for(spot(instance_of(OVERFLOW))) == FLEET
    assert {line["Fleet"] for line in lines(capsys)} == {FLEET}


@pytest.mark.parametrize("make", [spot, rebalance])
def test_an_instance_of_another_group_is_not_counted(make, capsys, caplog):
    assert counted_for(make(instance_of(OTHER_GROUP))) is None
    assert lines(capsys) == []
    assert "group api-group is no fleet's" in caplog.text


@pytest.mark.parametrize("make", [spot, rebalance])
def test_an_instance_of_no_group_is_not_counted(make, capsys):
    assert counted_for(make(GONE)) is None
    assert lines(capsys) == []


def test_a_launch_of_another_group_that_failed_is_not_counted(capsys):
    assert counted_for(failed_launch(OTHER_GROUP)) is None
    assert lines(capsys) == []


def test_an_event_that_comes_twice_can_be_told_by_its_id(capsys):
    given = spot(instance_of(GROUP))
    counted_for(given)
    counted_for(given)
    first, second = lines(capsys)
    assert first == second


def test_a_late_retry_counts_at_the_time_of_the_event(capsys):
    counted_for({**spot(instance_of(GROUP)), "time": "2026-11-25T20:34:00Z"})
    assert lines(capsys)[0]["_aws"]["Timestamp"] == 1795642440000 - 3_600_000


def test_a_lookup_that_aws_does_not_answer_is_an_error_and_the_retry_counts(monkeypatch, capsys):
    class Autoscaling:
        def describe_auto_scaling_instances(self, **_: Any) -> None:
            raise ConnectTimeoutError(endpoint_url="https://autoscaling.us-east-1.amazonaws.com")

    given = spot(instance_of(GROUP))
    with monkeypatch.context() as patch:
        patch.setattr(handler.boto3, "client", lambda _service: Autoscaling())
        with pytest.raises(ConnectTimeoutError):
            counted_for(given)
    assert lines(capsys) == []
    assert counted_for(given) == FLEET
    assert len(lines(capsys)) == 1


@pytest.mark.parametrize(
    "given",
    [
        {},
        None,
        {"detail-type": SPOT},
        event(SPOT),
        event(SPOT, instance_id=GONE),
        event(SPOT, instance_id=7, instance_action="terminate"),
        event(REBALANCE),
        event(LAUNCH, StatusMessage=DRY),
        event("EC2 Instance Launch Successful", AutoScalingGroupName=GROUP),
    ],
)
def test_an_event_of_another_kind_is_refused(given, capsys):
    with pytest.raises(ValueError, match="neither an EC2 Spot Instance Interruption Warning"):
        counted_for(given)
    assert lines(capsys) == []


@pytest.mark.parametrize("time", ["", "yesterday"])
def test_an_event_without_a_time_is_refused(time, capsys):
    with pytest.raises(ValueError, match="Invalid isoformat"):
        counted_for({**spot(instance_of(GROUP)), "time": time})
    assert lines(capsys) == []
