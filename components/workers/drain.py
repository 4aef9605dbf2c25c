"""The drain: a worker's instance is terminated once its job is done, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.functions import call_on, failure_alarm, function_panels, platform_function
from components.grants import Statement
from components.ground import Ground
from components.observe import Alarm, Panel

HOOK = "drain"
"""The lifecycle hook that holds an instance while its worker stops; each group has one."""

MARGIN_SECONDS = 120
"""What a hook grants beside the longest job: for two events, a command, and the worker's end.
A hook waits for 7200 at most; settings/invariants/jobs.py keeps the jobs shorter."""

DOCUMENT = "AWS-RunShellScript"

OVER = ("Success", "Failed", "TimedOut", "Cancelled")
"""How a command may end."""

DRAIN_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class DrainArgs:
    ground: Ground
    group_names: Sequence[pulumi.Output[str]]
    """The Auto Scaling groups whose instances have the unit `worker`, and the hook."""


class Drain(pulumi.ComponentResource):
    """A function that stops the worker on an instance its group is to lose, and then lets go (B10).

    It hears the hook, sends `systemctl stop worker` through Session Manager's agent, for which
    systemd waits until the job is done, and hears how that ended.

    Cost: two calls for an instance that goes, and one for each command that anybody runs with the
    same document; nothing that shows.
    """

    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: DrainArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:Drain", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        groups = list(args.group_names)
        function = platform_function(
            f"{name}-function",
            "drain_workers",
            description="Lets a worker finish its job before its instance is terminated.",
            environment={"GROUPS": pulumi.Output.json_dumps(groups), "HOOK": HOOK},
            statements=_statements(args.ground, groups),
            timeout_seconds=DRAIN_SECONDS,
            logs=args.ground.logs,
            opts=child,
        )
        patterns = {
            "held": {
                "source": ["aws.autoscaling"],
                "detail-type": ["EC2 Instance-terminate Lifecycle Action"],
                # Not by the groups, which the function knows: a pattern has room for 2048
                # characters.
                "detail": {"LifecycleHookName": [HOOK]},
            },
            "stopped": {
                "source": ["aws.ssm"],
                "detail-type": ["EC2 Command Invocation Status-change Notification"],
                "detail": {"document-name": [DOCUMENT], "status": list(OVER)},
            },
        }
        for key, pattern in patterns.items():
            rule = aws.cloudwatch.EventRule(
                f"{name}-{key}",
                description="Instances of workers that are to be terminated.",
                event_pattern=pulumi.Output.json_dumps(pattern),
                opts=child,
            )
            call_on(f"{name}-{key}", rule, function, child)
        self.alarms = (
            failure_alarm(
                function,
                name="drain-failed",
                summary="A worker was not asked to stop, or its instance not let go; a job may be "
                "cut off, and is done again.",
                severity="warning",
            ),
        )
        self.panels = function_panels(self.alarms)
        self.register_outputs({"function": function.name})


def hook_seconds(job_limit_seconds: int) -> int:
    """How long an instance is held for its worker's longest job."""
    return job_limit_seconds + MARGIN_SECONDS


def drain_hook(
    name: str, group_name: pulumi.Input[str], seconds: int, opts: pulumi.ResourceOptions
) -> aws.autoscaling.LifecycleHook:
    """Holds each instance that the group is to lose, for `seconds` at most."""
    return aws.autoscaling.LifecycleHook(
        name,
        name=HOOK,
        autoscaling_group_name=group_name,
        lifecycle_transition="autoscaling:EC2_INSTANCE_TERMINATING",
        heartbeat_timeout=seconds,
        # By then no job can be at work any more.
        default_result="CONTINUE",
        opts=opts,
    )


def _statements(ground: Ground, groups: Sequence[pulumi.Output[str]]) -> list[Statement]:
    return [
        Statement(
            sid="RunScripts",
            actions=["ssm:SendCommand"],
            # AWS's own document, which belongs to no account.
            resources=[f"arn:aws:ssm:{ground.region}::document/{DOCUMENT}"],
        ),
        Statement(
            sid="OnWorkers",
            actions=["ssm:SendCommand"],
            resources=[ground.arn("ec2", "instance/*")],
            conditions={
                "StringEquals": {"ssm:resourceTag/aws:autoscaling:groupName": list(groups)}
            },
        ),
        Statement(
            sid="LetGo",
            actions=["autoscaling:CompleteLifecycleAction"],
            resources=[
                ground.arn(
                    "autoscaling",
                    pulumi.Output.concat("autoScalingGroup:*:autoScalingGroupName/", group),
                )
                for group in groups
            ],
        ),
        Statement(
            sid="FindGroupAndCommand",
            actions=["autoscaling:DescribeAutoScalingInstances", "ssm:ListCommands"],
            # Neither listing knows resources.
            resources=["*"],
        ),
    ]
