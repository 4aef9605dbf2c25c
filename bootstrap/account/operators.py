"""The operators' role: for the people of the account, with a second factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from .boundaries import Boundaries
from .deploying import ENVIRONMENT_TAG
from .place import Place
from .policies import Statement
from .reading import keep_off_data
from .roles import role
from .settings import OperatorsSettings

MINUTE_SECONDS = 60

READ = (
    "logs:FilterLogEvents",
    "logs:Get*Events",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "sqs:ReceiveMessage",
)
"""What of the data an operator reads: log lines, and messages on their way back to a queue."""


@dataclass(frozen=True, kw_only=True)
class OperatorsArgs:
    settings: OperatorsSettings
    place: Place
    environments: Sequence[str]
    boundaries: Boundaries


class Operators(pulumi.ComponentResource):
    """A role for whoever is woken: looks at everything, reads logs, opens a shell (M87, B20).

    Whoever may assume roles in the account may assume it, with a second factor shown lately. What
    it does beyond looking is what a runbook asks for and a deployment cannot do: read log lines,
    open a recorded shell in a task or on an instance, silence an alarm, send jobs back to their
    queue, and end a stuck task. It changes nothing that Pulumi made, so there is no drift after a
    bad night; and it reads no secret, no bucket and no table.

    A shell has what its task may do, secrets and database included. Who must not have that, takes
    `ecs:ExecuteCommand` and `ssm:StartSession` away in the account's own policies for people.

    Cost: nothing.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: OperatorsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:bootstrap:Operators", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = args.place
        age = str(args.settings.mfa_minutes * MINUTE_SECONDS)
        self.arn = role(
            name,
            f"{place.platform}-operators",
            trust=[
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": place.global_arn("iam", "root")},
                    "Action": "sts:AssumeRole",
                    "Condition": {
                        "Bool": {"aws:MultiFactorAuthPresent": "true"},
                        "NumericLessThan": {"aws:MultiFactorAuthAge": age},
                    },
                }
            ],
            statements=[
                *_help(place, args.environments),
                *keep_off_data(but=READ),
            ],
            managed_arns={"look": args.boundaries.look_arn},
            opts=child,
        )
        self.register_outputs({"arn": self.arn})


def _help(place: Place, environments: Sequence[str]) -> tuple[Statement, ...]:
    prefixes = [place.prefix(environment) for environment in environments]
    ours = {"StringEquals": {f"aws:ResourceTag/{ENVIRONMENT_TAG}": list(environments)}}
    return (
        Statement(
            sid="ReadLogs",
            actions=["logs:FilterLogEvents", "logs:StartLiveTail", "logs:StartQuery"],
            resources=[place.arn("logs", f"log-group:*{prefix}*") for prefix in prefixes],
        ),
        Statement(
            sid="OpenShells",
            actions=["ecs:ExecuteCommand", "ssm:StartSession"],
            resources=[
                place.arn("ecs", "cluster/*"),
                place.arn("ecs", "task/*"),
                place.arn("ec2", "instance/*"),
            ],
            conditions=ours,
        ),
        Statement(
            sid="ShellDocuments",
            actions=["ssm:StartSession"],
            resources=[place.arn("ssm", "document/SSM-SessionManagerRunShell")],
        ),
        Statement(
            sid="EndShells",
            actions=["ssm:ResumeSession", "ssm:TerminateSession"],
            resources=[place.arn("ssm", "session/${aws:userid}-*")],
        ),
        Statement(
            sid="EndTasks",
            actions=["ecs:StopTask"],
            resources=[place.arn("ecs", "task/*")],
            conditions=ours,
        ),
        # A deployment has no tag that AWS says is judged, and its cluster is called by Pulumi.
        Statement(
            sid="AnswerDeployments",
            actions=["ecs:ContinueServiceDeployment", "ecs:StopServiceDeployment"],
            resources=[place.arn("ecs", "service-deployment/*")],
        ),
        Statement(
            sid="Silence",
            actions=["cloudwatch:DisableAlarmActions", "cloudwatch:EnableAlarmActions"],
            resources=[place.arn("cloudwatch", f"alarm:{prefix}-*") for prefix in prefixes],
        ),
        # SQS moves messages with the rights of who asks for it.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
        Statement(
            sid="TakeFromDeadLetters",
            actions=[
                "sqs:CancelMessageMoveTask",
                "sqs:DeleteMessage",
                "sqs:ReceiveMessage",
                "sqs:StartMessageMoveTask",
            ],
            resources=[place.arn("sqs", f"{prefix}-*-dead-letter") for prefix in prefixes],
        ),
        Statement(
            sid="SendBack",
            actions=["sqs:SendMessage"],
            resources=[place.arn("sqs", f"{prefix}-*") for prefix in prefixes],
        ),
    )
