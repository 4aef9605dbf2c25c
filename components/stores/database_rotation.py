"""Changing the database's password, and giving the new one to those who run with the old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import pulumi
import pulumi_aws as aws

from components.functions import call_on, failure_alarm, platform_function
from components.grants import Statement, key_grant, together
from components.ground import Ground
from components.naming import portions
from components.observe import Alarm
from components.workload import Restart

PASSWORD = "{password}"  # noqa: S105 (a placeholder: functions/rotate_database fills it)

ROTATE_SECONDS = 300
"""RDS takes a new password within a minute or two."""

RESTART_SECONDS = 60
WORKLOADS_OF_ONE = 12
"""Workloads that one function restarts. Of its 4096 bytes of variables a workload takes 170, or 300
where all its names are as long as they may be."""
SWEEP = "rate(5 minutes)"


class Restartable(Protocol):
    """A workload that holds the password."""

    @property
    def restart(self) -> Restart: ...


def rotate_by_function(
    name: str,
    primary: aws.rds.Instance,
    secret: aws.secretsmanager.Secret,
    first_version: aws.secretsmanager.SecretVersion,
    template: pulumi.Output[str],
    days: int,
    ground: Ground,
    opts: pulumi.ResourceOptions,
) -> Alarm:
    """Give the master user a new password every `days`, and write it into `secret`.

    The function asks RDS to change the password and never logs in, so it needs no way into the
    network. `template` is the secret's text with a placeholder for the password.
    """
    function = platform_function(
        name,
        "rotate_database",
        description="Gives the database's master user a new password.",
        environment={"DATABASE": primary.identifier, "CONNECTION": template},
        statements=(
            Statement(
                sid="RotateSecret",
                actions=[
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
                resources=[secret.arn],
            ),
            Statement(
                sid="ChangePassword",
                actions=["rds:DescribeDBInstances", "rds:ModifyDBInstance"],
                resources=[primary.arn],
            ),
            *key_grant("UseDataKey", ground.data_key_arn, "kms:Decrypt", "kms:GenerateDataKey"),
        ),
        timeout_seconds=ROTATE_SECONDS,
        logs=ground.logs,
        opts=opts,
    )
    permission = aws.lambda_.Permission(
        f"{name}-permission",
        action="lambda:InvokeFunction",
        function=function.name,
        principal="secretsmanager.amazonaws.com",
        source_account=ground.account_id,
        opts=opts,
    )
    aws.secretsmanager.SecretRotation(
        f"{name}-schedule",
        secret_id=secret.id,
        rotation_lambda_arn=function.arn,
        # The services that read the secret start a little later; let them start once.
        rotate_immediately=False,
        rotation_rules={"automatically_after_days": days},
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=[permission, first_version])
        ),
    )
    return failure_alarm(
        function,
        name="rotation-failed",
        summary="The database's password could not be changed; the old one still holds.",
        severity="warning",
    )


def restart_when_rotated(
    name: str,
    secret_arn: pulumi.Output[str],
    workloads: Sequence[Restartable],
    ground: Ground,
    opts: pulumi.ResourceOptions,
) -> tuple[Alarm, ...]:
    """Start `workloads` anew after `secret_arn` was rotated.

    Secrets Manager reports a rotation through CloudTrail, which only an account with a trail hears
    of. So the function also looks by itself every five minutes; it leaves alone what was deployed
    after the last rotation, so looking twice does no harm.
    """
    log_group = ground.logs.group(f"{name}-logs", "aws/lambda", "restart-services", opts)
    return tuple(
        _restart(name, suffix, secret_arn, portion, ground, log_group, opts)
        for suffix, portion in portions(workloads, WORKLOADS_OF_ONE)
    )


def _restart(
    name: str,
    suffix: str,
    secret_arn: pulumi.Output[str],
    workloads: Sequence[Restartable],
    ground: Ground,
    log_group: aws.cloudwatch.LogGroup,
    opts: pulumi.ResourceOptions,
) -> Alarm:
    function = platform_function(
        f"{name}{suffix}",
        "restart_services",
        description="Restarts what holds an outdated database password.",
        environment={
            "SECRET": secret_arn,
            "TARGETS": pulumi.Output.json_dumps(
                [dict(workload.restart.target) for workload in workloads]
            ),
        },
        statements=(
            Statement(
                sid="SeeRotation", actions=["secretsmanager:DescribeSecret"], resources=[secret_arn]
            ),
            *together(each for workload in workloads for each in workload.restart.statements),
        ),
        timeout_seconds=RESTART_SECONDS,
        logs=ground.logs,
        log_group=log_group,
        opts=opts,
    )
    rotated = aws.cloudwatch.EventRule(
        f"{name}-rotated{suffix}",
        description="The database's password was rotated.",
        event_pattern=pulumi.Output.json_dumps(
            {
                "source": ["aws.secretsmanager"],
                "detail-type": ["AWS Service Event via CloudTrail"],
                "detail": {
                    "eventName": ["RotationSucceeded"],
                    "additionalEventData": {"SecretId": [secret_arn]},
                },
            }
        ),
        opts=opts,
    )
    sweep = aws.cloudwatch.EventRule(
        f"{name}-sweep{suffix}",
        description="Looks for workloads with an outdated database password.",
        schedule_expression=SWEEP,
        opts=opts,
    )
    for key, rule in {"rotated": rotated, "sweep": sweep}.items():
        call_on(f"{name}-{key}{suffix}", rule, function, opts)
    alarm = failure_alarm(
        function,
        name="restart-failed",
        summary="Services may still hold the old database password; new connections are refused.",
        severity="critical",
    )
    return replace(alarm, name=f"{alarm.name}{suffix}")
