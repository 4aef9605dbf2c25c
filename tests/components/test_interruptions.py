"""What hears of spot and of failed launches: components/workers/interruptions.py."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
import pytest

from components.workers.interruptions import Interruptions, InterruptionsArgs
from tests.components.parts import export_watched, ground
from tests.recorder import ROOT, Recorded, aws_provider, record, with_aws

GROUPS = {"render": ("render-group", "render-overflow-group"), "encode": ("encode-group",)}


def recorded_interruptions(
    groups: Mapping[str, Sequence[str]] = GROUPS,
) -> tuple[Interruptions, Recorded]:
    made: list[Interruptions] = []

    def program() -> None:
        args = InterruptionsArgs(
            ground=ground(),
            groups={
                fleet: [pulumi.Output.from_input(name) for name in names]
                for fleet, names in groups.items()
            },
        )
        interruptions = Interruptions("interruptions", args, with_aws(aws_provider()))
        made.append(interruptions)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in interruptions.alarms})

    recorded = record(program)
    return made[0], recorded


@pytest.mark.parametrize(
    ("rule", "source", "kinds"),
    [
        (
            "spot",
            "aws.ec2",
            ["EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation"],
        ),
        ("launches", "aws.autoscaling", ["EC2 Instance Launch Unsuccessful"]),
    ],
)
def test_a_notice_of_ec2_or_auto_scaling_calls_the_function(
    rule: str, source: str, kinds: list[str]
):
    _, recorded = recorded_interruptions()
    node = recorded.one("cloudwatch.EventRule", f"interruptions-{rule}")
    assert node.json("event_pattern") == {"source": [source], "detail-type": kinds}
    assert "schedule_expression" not in node
    target = recorded.one("cloudwatch.EventTarget", f"interruptions-{rule}-target")
    assert target["rule"] == node.outputs["name"]
    assert target["arn"] == recorded.one("lambda.Function").outputs["arn"]
    permission = recorded.one("lambda.Permission", f"interruptions-{rule}-permission")
    assert permission["source_arn"] == node.outputs["arn"]


def test_nothing_else_that_ec2_says_calls_it():
    _, recorded = recorded_interruptions()
    assert recorded.names("cloudwatch.EventRule") == [
        "interruptions-launches",
        "interruptions-spot",
    ]


def test_the_function_is_told_whose_each_group_is():
    _, recorded = recorded_interruptions()
    function = recorded.one("lambda.Function", "interruptions-function")
    variables = function["environment"]["variables"]
    assert set(variables) == {"GROUPS", "METRICS_NAMESPACE"}
    assert json.loads(variables["GROUPS"]) == {
        "render-group": "render",
        "render-overflow-group": "render",
        "encode-group": "encode",
    }
    assert variables["METRICS_NAMESPACE"] == "backlot-dev/Fleets"
    assert function["timeout"] == 30


def test_it_may_look_up_an_instances_group_and_nothing_else():  # M85
    _, recorded = recorded_interruptions()
    policy = recorded.one("iam.RolePolicy", "interruptions-function").json("policy")
    write, find = policy["Statement"]
    assert (write["Sid"], write["Resource"]) == (
        "WriteLogs",
        [f"{recorded.one('cloudwatch.LogGroup').outputs['arn']}:*"],
    )
    # No `cloudwatch:PutMetricData`: the metrics are made from what it writes.
    assert (find["Action"], find["Resource"]) == (
        ["autoscaling:DescribeAutoScalingInstances"],
        ["*"],
    )
    assert recorded.all("iam.RolePolicyAttachment") == []


def test_launches_that_fail_for_a_quarter_of_an_hour_are_told_of_for_each_fleet():
    interruptions, recorded = recorded_interruptions()
    assert [alarm.name for alarm in interruptions.alarms] == [
        "render-not-launched",
        "encode-not-launched",
        "recording-failed",
    ]
    failed = interruptions.alarms[0]
    assert (failed.comparison, failed.threshold) == ("at_least", 1)
    assert (failed.evaluation_periods, failed.missing_data) == (3, "notBreaching")
    assert failed.severity == "warning"
    assert recorded.outputs["alarms"]["render-not-launched"] == {
        "metric": "backlot-dev/Fleets FailedLaunches",
        "statistic": "Sum",
        "period": 300,
        "dimensions": {"Fleet": "render"},
    }


def test_an_interruption_alone_alarms_nobody():
    _, recorded = recorded_interruptions()
    watched = {watch["metric"] for watch in recorded.outputs["alarms"].values()}
    assert watched == {"backlot-dev/Fleets FailedLaunches", "AWS/Lambda Errors"}


def test_a_notice_that_was_not_counted_is_read_of_and_wakes_nobody():
    interruptions, recorded = recorded_interruptions()
    failed = interruptions.alarms[-1]
    assert (failed.name, failed.severity) == ("recording-failed", "info")
    assert recorded.outputs["alarms"]["recording-failed"]["dimensions"] == {
        "FunctionName": recorded.one("lambda.Function")["name"]
    }


def test_every_alarm_has_a_page_to_read():
    interruptions, _ = recorded_interruptions()
    assert [alarm.runbook for alarm in interruptions.alarms] == [
        "workers.md#not-launched",
        "workers.md#not-launched",
        "functions.md#recording-failed",
    ]
    for alarm in interruptions.alarms:
        page, _, anchor = alarm.runbook.partition("#")
        text = (ROOT / "docs" / "runbooks" / page).read_text(encoding="utf-8")
        assert f"\n## {anchor}\n" in text


def test_one_panel_counts_for_all_fleets():
    interruptions, _ = recorded_interruptions()
    recording, panel = interruptions.panels
    assert recording.title == "Function: recording"
    assert (panel.group, panel.unit) == ("Workers and jobs", "instances")
    assert [metric.label for metric in panel.metrics] == [
        "render: interrupted",
        "render: not launched",
        "encode: interrupted",
        "encode: not launched",
    ]


def test_everything_of_it_is_its_child_and_bears_its_name():
    _, recorded = recorded_interruptions()
    component = recorded.one("backlot:workers:Interruptions")
    made = [node for node in recorded.nodes if node.type.startswith("aws:")]
    assert {node.parent for node in made} == {component.urn}
    assert all(node.name.startswith("interruptions-") for node in made)
    assert component.outputs == {"function": recorded.one("lambda.Function").outputs["name"]}
    group = recorded.one("cloudwatch.LogGroup")
    assert group["name"] == "/aws/lambda/backlot-dev-record-interruptions"
