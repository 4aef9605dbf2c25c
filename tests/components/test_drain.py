"""The drain: whom it hears, what it may do, and what it is told. tests/functions has its code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi

from components.workers.drain import Drain, DrainArgs, hook_seconds
from functions.drain_workers import handler
from settings.invariants.jobs import EC2_JOB_LIMIT_SECONDS
from tests.components.parts import ground
from tests.recorder import Recorded, aws_provider, record, with_aws

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ["video-group", "audio-group"]


def drained() -> tuple[Drain, Recorded]:
    made: list[Drain] = []

    def program() -> None:
        groups = [pulumi.Output.from_input(group) for group in GROUPS]
        made.append(
            Drain(
                "drain",
                DrainArgs(ground=ground(), group_names=groups),
                with_aws(aws_provider()),
            )
        )

    recorded = record(program)
    return made[0], recorded


def patterns(recorded: Recorded) -> dict[str, dict[str, Any]]:
    return {rule.name: rule.json("event_pattern") for rule in recorded.all("cloudwatch.EventRule")}


def granted(recorded: Recorded) -> dict[str, dict[str, Any]]:
    return {
        each["Sid"]: each for each in recorded.one("iam.RolePolicy").json("policy")["Statement"]
    }


def test_one_function_serves_all_groups_and_is_told_them_and_their_hook():  # B10
    _, recorded = drained()
    variables = recorded.one("lambda.Function")["environment"]["variables"]

    assert set(variables) == {"GROUPS", "HOOK"}
    assert json.loads(variables["GROUPS"]) == GROUPS
    assert variables["HOOK"] == "drain"


def test_it_hears_the_hooks_of_its_groups_and_the_ends_of_commands():
    assert patterns(drained()[1]) == {
        "drain-held": {
            "source": ["aws.autoscaling"],
            "detail-type": ["EC2 Instance-terminate Lifecycle Action"],
            "detail": {"LifecycleHookName": ["drain"]},
        },
        "drain-stopped": {
            "source": ["aws.ssm"],
            "detail-type": ["EC2 Command Invocation Status-change Notification"],
            "detail": {
                "document-name": ["AWS-RunShellScript"],
                "status": ["Success", "Failed", "TimedOut", "Cancelled"],
            },
        },
    }


def test_what_it_hears_is_what_the_handler_understands():
    stopped = patterns(drained()[1])["drain-stopped"]["detail"]

    assert stopped["document-name"] == [handler.DOCUMENT]
    assert set(stopped["status"]) == handler.FINAL


def test_both_rules_call_the_function_and_are_let_to():
    _, recorded = drained()
    function = recorded.one("lambda.Function")
    rules = {rule.outputs["arn"] for rule in recorded.all("cloudwatch.EventRule")}

    assert {target["arn"] for target in recorded.all("cloudwatch.EventTarget")} == {
        function.outputs["arn"]
    }
    assert {each["source_arn"] for each in recorded.all("lambda.Permission")} == rules
    assert len(rules) == 2


def test_it_runs_one_document_on_instances_of_its_groups_alone():
    _, recorded = drained()
    statements = granted(recorded)

    assert set(statements) == {
        "WriteLogs",
        "RunScripts",
        "OnWorkers",
        "LetGo",
        "FindGroupAndCommand",
    }
    assert statements["RunScripts"]["Action"] == ["ssm:SendCommand"]
    assert statements["RunScripts"]["Resource"] == [
        "arn:aws:ssm:us-east-1::document/AWS-RunShellScript"
    ]
    assert statements["OnWorkers"]["Resource"] == ["arn:aws:ec2:us-east-1:123456789012:instance/*"]
    assert statements["OnWorkers"]["Condition"] == {
        "StringEquals": {"ssm:resourceTag/aws:autoscaling:groupName": GROUPS}
    }


def test_it_lets_go_of_instances_of_its_groups_alone():
    statements = granted(drained()[1])

    assert statements["LetGo"]["Action"] == ["autoscaling:CompleteLifecycleAction"]
    assert statements["LetGo"]["Resource"] == [
        "arn:aws:autoscaling:us-east-1:123456789012:"
        f"autoScalingGroup:*:autoScalingGroupName/{group}"
        for group in GROUPS
    ]
    assert statements["FindGroupAndCommand"]["Action"] == [
        "autoscaling:DescribeAutoScalingInstances",
        "ssm:ListCommands",
    ]


def test_a_drain_that_fails_is_heard_of_and_has_a_runbook():
    component, _ = drained()
    [alarm] = component.alarms
    text = (ROOT / "docs" / "runbooks" / "functions.md").read_text(encoding="utf-8")

    assert (alarm.name, alarm.threshold, alarm.severity) == ("drain-failed", 1, "warning")
    assert alarm.runbook == "functions.md#drain-failed"
    assert "\n## drain-failed\n" in text
    assert [panel.title for panel in component.panels] == ["Function: drain"]


def test_what_it_makes_hangs_below_it_and_bears_its_name():
    _, recorded = drained()
    component = recorded.one("backlot:workers:Drain")
    made = [node for node in recorded.nodes if node.name.startswith("drain-")]

    assert {node.parent for node in made} == {component.urn}
    assert len(made) == len(recorded.children(component))
    assert component.outputs == {"function": recorded.one("lambda.Function").outputs["name"]}


def test_a_hook_waits_for_the_longest_job_and_two_minutes():  # B10
    assert hook_seconds(900) == 1020
    assert hook_seconds(EC2_JOB_LIMIT_SECONDS) == 7200
