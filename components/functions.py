"""The Lambda functions the platform ships: code from functions/, and all that each needs to run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.grants import Statement, service_role
from components.logs import Logs, grant_write
from components.observe import Alarm, Expression, Metric, Panel, Severity

RUNTIME = "python3.13"
MEMORY_MIB = 256
"""What boto3 wants; below it the import alone takes seconds."""

JOIN_NETWORK = Statement(
    sid="JoinNetwork",
    actions=[
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ],
    # Lambda makes the interfaces under this role, before they have names; listings know none.
    resources=["*"],
)
"""AWSLambdaVPCAccessExecutionRole without its right to write to every log group.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html"""


@dataclass(frozen=True, kw_only=True)
class InNetwork:
    """Where a function stands that must reach what only the network knows."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Private ones, with a way out: a function has no address of its own on the internet."""
    security_group_id: pulumi.Input[str]


def platform_function(
    name: str,
    folder: str,
    *,
    description: str,
    environment: Mapping[str, pulumi.Input[str]],
    statements: Iterable[Statement],
    timeout_seconds: int,
    logs: Logs,
    opts: pulumi.ResourceOptions,
    log_group: aws.cloudwatch.LogGroup | None = None,
    network: InNetwork | None = None,
) -> aws.lambda_.Function:
    """The function `functions/<folder>`, with a role made of `statements` and a log group.

    `log_group` is one that it shares with others; absent, it gets its own. `network` is for one
    that reaches something in the VPC; the others run outside, since they call AWS and nothing else.

    It needs no package: boto3 comes with the runtime. `environment` holds nothing secret, and 4096
    bytes at most: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

    Cost: nothing that shows; a call a minute stays below 0.10 USD a month.
    """
    log_group = log_group or logs.group(
        f"{name}-logs", "aws/lambda", folder.replace("_", "-"), opts
    )
    role = service_role(
        name,
        "lambda.amazonaws.com",
        (
            grant_write(log_group),
            *((JOIN_NETWORK,) if network else ()),
            *statements,
        ),
        opts,
    )
    return aws.lambda_.Function(
        name,
        description=description,
        # Only the handler, by name: a folder would take in whatever Python leaves beside it, and
        # the function would change with every test run.
        code=pulumi.AssetArchive(
            {"handler.py": pulumi.FileAsset(f"functions/{folder}/handler.py")}
        ),
        handler="handler.handle",
        runtime=RUNTIME,
        architectures=["arm64"],
        memory_size=MEMORY_MIB,
        timeout=timeout_seconds,
        role=role.arn,
        environment=aws.lambda_.FunctionEnvironmentArgs(variables=dict(environment)),
        logging_config=aws.lambda_.FunctionLoggingConfigArgs(
            log_format="JSON", log_group=log_group.name
        ),
        vpc_config=(
            aws.lambda_.FunctionVpcConfigArgs(
                subnet_ids=network.subnet_ids, security_group_ids=[network.security_group_id]
            )
            if network
            else None
        ),
        opts=opts,
    )


def call_on(
    name: str,
    rule: aws.cloudwatch.EventRule,
    function: aws.lambda_.Function,
    opts: pulumi.ResourceOptions,
) -> None:
    """Call `function` whenever `rule` matches."""
    permission = aws.lambda_.Permission(
        f"{name}-permission",
        action="lambda:InvokeFunction",
        function=function.name,
        principal="events.amazonaws.com",
        source_arn=rule.arn,
        opts=opts,
    )
    aws.cloudwatch.EventTarget(
        f"{name}-target",
        rule=rule.name,
        arn=function.arn,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[permission])),
    )


def failure_alarm(
    function: aws.lambda_.Function, *, name: str, summary: str, severity: Severity
) -> Alarm:
    """Speaks when a call of `function` ended in an error; `functions.md#<name>` says what to do.

    `name` is its task and what befell it: `drain-failed`.
    """
    return Alarm(
        name=name,
        summary=summary,
        watch=_metric(function.name, "Errors", "Sum", "errors"),
        comparison="at_least",
        threshold=1,
        severity=severity,
        runbook=f"functions.md#{name}",
    )


def function_panels(alarms: Iterable[Alarm]) -> tuple[Panel, ...]:
    """A panel for each function that one of `alarms` watches, under the name of its task."""
    return tuple(
        _panel(alarm.name.replace("-failed", ""), alarm.watch.dimensions["FunctionName"])
        for alarm in alarms
        if isinstance(alarm.watch, Metric) and "FunctionName" in alarm.watch.dimensions
    )


def _panel(task: str, function_name: pulumi.Input[str]) -> Panel:
    return Panel(
        group="Functions",
        title=f"Function: {task}",
        unit="calls, seconds",
        metrics=[
            _metric(function_name, "Invocations", "Sum", "calls"),
            _metric(function_name, "Errors", "Sum", "errors"),
            # In seconds, so that both fit on one axis.
            Expression(
                text="longest / 1000",
                metrics={"longest": _metric(function_name, "Duration", "Maximum", "longest")},
                label="longest call, s",
            ),
        ],
    )


def _metric(function_name: pulumi.Input[str], name: str, statistic: str, label: str) -> Metric:
    return Metric(
        namespace="AWS/Lambda",
        name=name,
        dimensions={"FunctionName": function_name},
        statistic=statistic,
        label=label,
    )
