"""Lambda functions: components/functions.py."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.functions import (
    InNetwork,
    call_on,
    failure_alarm,
    function_panels,
    platform_function,
)
from components.grants import Statement
from components.observe import Alarm, Metric
from tests.components.parts import export_watched, ground
from tests.recorder import ROOT, Recorded, aws_provider, record, with_aws

SILENT = Alarm(
    name="queue-long",
    summary="It is long.",
    watch=Metric(namespace="AWS/SQS", name="Length", dimensions={"QueueName": "jobs"}),
    comparison="above",
    threshold=1,
    severity="info",
    runbook="queues.md#backlog",
)
TABLE = "arn:aws:sqs:us-east-1:123456789012:jobs"


def recorded_function(network: InNetwork | None = None) -> Recorded:
    def program() -> None:
        function = platform_function(
            "jobs-sweep",
            "restart_services",
            description="Sweeps.",
            environment={"SECRET": "the-secrets-arn"},
            statements=[Statement(sid="Sweep", actions=["sqs:PurgeQueue"], resources=[TABLE])],
            timeout_seconds=60,
            logs=ground().logs,
            network=network,
            opts=with_aws(aws_provider()),
        )
        alarm = failure_alarm(
            function, name="sweep-failed", summary="It failed.", severity="warning"
        )
        export_watched("alarms", {alarm.name: alarm.watch})
        for panel in function_panels([alarm, SILENT]):
            pulumi.export("panel", [panel.group, panel.title, panel.unit])
            export_watched("shown", {f"{n}": each for n, each in enumerate(panel.metrics)})
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


def test_a_function_that_must_reach_into_the_network_stands_in_it():
    inside = InNetwork(subnet_ids=["subnet-private-a"], security_group_id="sg-sweep")
    recorded = recorded_function(inside)

    assert recorded.one("lambda.Function")["vpc_config"] == {
        "subnet_ids": ["subnet-private-a"],
        "security_group_ids": ["sg-sweep"],
    }
    policy = recorded.one("iam.RolePolicy").json("policy")
    granted = {one["Sid"]: one["Action"] for one in policy["Statement"]}
    assert granted["JoinNetwork"] == [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ]
    # The managed policy of AWS would let it write to every log group.
    assert recorded.all("iam.RolePolicyAttachment") == []


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


def recorded_call() -> Recorded:
    def program() -> None:
        opts = with_aws(aws_provider())
        function = aws.lambda_.Function("sweep", role="arn:aws:iam::123456789012:role/r", opts=opts)
        rule = aws.cloudwatch.EventRule("nightly", schedule_expression="rate(1 day)", opts=opts)
        call_on("sweep-nightly", rule, function, opts)

    return record(program)


def test_a_rule_calls_the_function():
    recorded = recorded_call()
    target = recorded.one("cloudwatch.EventTarget", "sweep-nightly-target")
    assert target["rule"] == recorded.one("cloudwatch.EventRule").outputs["name"]
    assert target["arn"] == recorded.one("lambda.Function").outputs["arn"]
    # The event reaches the function as it is.
    for absent in ("input", "input_path", "input_transformer", "role_arn"):
        assert absent not in target


def test_only_that_rule_may_call_and_it_may_before_it_does():  # M85
    recorded = recorded_call()
    permission = recorded.one("lambda.Permission", "sweep-nightly-permission")
    assert permission["action"] == "lambda:InvokeFunction"
    assert permission["principal"] == "events.amazonaws.com"
    assert permission["source_arn"] == recorded.one("cloudwatch.EventRule").outputs["arn"]
    assert permission["function"] == recorded.one("lambda.Function").outputs["name"]
    target = recorded.one("cloudwatch.EventTarget")
    assert permission.urn in target.resource.dependencies


def test_a_single_error_is_heard_of():
    recorded = recorded_function()
    assert recorded.outputs["judged"] == ["at_least", 1, "functions.md#sweep-failed"]
    assert recorded.outputs["alarms"]["sweep-failed"] == {
        "metric": "AWS/Lambda Errors",
        "statistic": "Sum",
        "period": 300,
        "dimensions": {"FunctionName": recorded.one("lambda.Function")["name"]},
    }


def test_a_function_shows_its_calls_its_errors_and_its_longest_call():
    recorded = recorded_function()
    function = {"FunctionName": recorded.one("lambda.Function")["name"]}

    assert recorded.outputs["panel"] == ["Functions", "Function: sweep", "calls, seconds"]
    calls, errors, longest = recorded.outputs["shown"].values()
    assert [
        (one["metric"], one["statistic"], one["dimensions"])
        for one in (calls, errors, longest["longest"])
    ] == [
        ("AWS/Lambda Invocations", "Sum", function),
        ("AWS/Lambda Errors", "Sum", function),
        ("AWS/Lambda Duration", "Maximum", function),
    ]
