"""The Lambda functions the platform ships: code from functions/, and all that each needs to run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi
import pulumi_aws as aws

from components.grants import Statement, service_role
from components.logs import Logs, grant_write
from components.observe import Alarm, Metric, Severity

RUNTIME = "python3.13"
MEMORY_MIB = 256
"""What boto3 wants; below it the import alone takes seconds."""


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
) -> aws.lambda_.Function:
    """The function `functions/<folder>`, with a role made of `statements` and a log group.

    `log_group` is one that it shares with others; absent, it gets its own.

    It runs outside the VPC, since it calls AWS and nothing else, and needs no package: boto3 comes
    with the runtime. `environment` holds nothing secret.

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
        opts=opts,
    )


def failure_alarm(
    function: aws.lambda_.Function, *, name: str, summary: str, severity: Severity
) -> Alarm:
    """Speaks when a call of `function` ended in an error; `functions.md#<name>` says what to do."""
    return Alarm(
        name=name,
        summary=summary,
        watch=Metric(
            namespace="AWS/Lambda",
            name="Errors",
            dimensions={"FunctionName": function.name},
            statistic="Sum",
            label="errors",
        ),
        comparison="at_least",
        threshold=1,
        severity=severity,
        runbook=f"functions.md#{name}",
    )
