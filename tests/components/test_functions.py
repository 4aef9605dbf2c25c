"""Lambda functions: components/functions.py."""

from __future__ import annotations

import pulumi

from components.functions import failure_alarm, platform_function
from components.grants import Statement
from tests.components.parts import export_watched, ground
from tests.recorder import ROOT, Recorded, aws_provider, record, with_aws

TABLE = "arn:aws:sqs:us-east-1:123456789012:jobs"


def recorded_function() -> Recorded:
    def program() -> None:
        function = platform_function(
            "jobs-sweep",
            "restart_services",
            description="Sweeps.",
            environment={"SECRET": "the-secrets-arn"},
            statements=[Statement(sid="Sweep", actions=["sqs:PurgeQueue"], resources=[TABLE])],
            timeout_seconds=60,
            logs=ground().logs,
            opts=with_aws(aws_provider()),
        )
        alarm = failure_alarm(
            function, name="sweep-failed", summary="It failed.", severity="warning"
        )
        export_watched("alarms", {alarm.name: alarm.watch})
        pulumi.export("judged", [alarm.comparison, alarm.threshold, alarm.runbook])

    return record(program)


def test_a_function_is_its_handler_and_nothing_beside_it():
    function = recorded_function().one("lambda.Function")
    assert list(function["code"]["archive"]) == ["handler.py"]
    source = function["code"]["archive"]["handler.py"]["asset"]
    assert source == "functions/restart_services/handler.py"
    assert (ROOT / source).is_file()
    assert function["handler"] == "handler.handle"


def test_a_function_runs_on_arm_outside_the_network():
    function = recorded_function().one("lambda.Function")
    assert function["architectures"] == ["arm64"]
    assert function["runtime"] == "python3.13"
    assert function["timeout"] == 60
    assert "vpc_config" not in function
    assert "layers" not in function


def test_a_function_writes_json_to_a_log_group_that_expires():  # M88
    recorded = recorded_function()
    group = recorded.one("cloudwatch.LogGroup")
    assert group["name"] == "/aws/lambda/backlot-dev-restart-services"
    assert group["retention_in_days"] == 7
    assert recorded.one("lambda.Function")["logging_config"] == {
        "log_format": "JSON",
        "log_group": group["name"],
    }


def test_its_role_is_the_grants_it_was_given_and_its_own_log():  # M85
    recorded = recorded_function()
    policy = recorded.one("iam.RolePolicy").json("policy")
    assert [(one["Sid"], one["Action"], one["Resource"]) for one in policy["Statement"]] == [
        (
            "WriteLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [f"{recorded.one('cloudwatch.LogGroup').outputs['arn']}:*"],
        ),
        ("Sweep", ["sqs:PurgeQueue"], [TABLE]),
    ]
    assert recorded.all("iam.RolePolicyAttachment") == []
    [trust] = recorded.one("iam.Role").json("assume_role_policy")["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_a_function_stands_only_when_its_role_may_do_its_work():
    recorded = recorded_function()
    policy = recorded.one("iam.RolePolicy")
    assert policy.urn in recorded.one("lambda.Function").resource.dependencies


def test_a_single_error_is_heard_of():
    recorded = recorded_function()
    assert recorded.outputs["judged"] == ["at_least", 1, "functions.md#sweep-failed"]
    assert recorded.outputs["alarms"]["sweep-failed"] == {
        "metric": "AWS/Lambda Errors",
        "statistic": "Sum",
        "period": 300,
        "dimensions": {"FunctionName": recorded.one("lambda.Function")["name"]},
    }
