"""How a fleet of instances follows its queue: the policies of components/workers/scaling.py, in the
words of EC2 Auto Scaling, which scales the group itself."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.grants import Statement
from components.tracking import tracked_metrics
from components.workers.contract import MOST_AT_ONCE, FleetArgs, Waking
from components.workers.scaling import WAKE_COOLDOWN_SECONDS, Signals, wake_alarms, wake_steps
from settings.workers import FleetSettings, ScheduleSettings

WARM_UP_SECONDS = 60
"""How long a new instance counts as on its way: its hook has held it until its worker could start,
and metrics come by the minute."""

UNCHANGED = -1
"""What the provider takes for "leave it as it is"; by itself it would take 0."""

# Cron's own numbers, in which a week begins on Sunday.
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}

# The SDK's names for the blocks of a policy hold the whole path to them.
_Tracking = aws.autoscaling.PolicyTargetTrackingConfigurationArgs
_Customized = aws.autoscaling.PolicyTargetTrackingConfigurationCustomizedMetricSpecificationArgs


def scale_group_on_backlog(
    name: str,
    settings: FleetSettings,
    signals: Signals,
    *,
    target: float,
    group_name: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Keep the group at the target backlog for each worker (M51), within the bounds of the hour.

    EC2 Auto Scaling has no rest after a group shrank, and so `scale_in_seconds` means nothing here:
    its tracking shrinks a group after 15 minutes below the target, and busy workers protect
    themselves.
    """
    aws.autoscaling.Policy(
        f"{name}-backlog",
        autoscaling_group_name=group_name,
        policy_type="TargetTrackingScaling",
        estimated_instance_warmup=WARM_UP_SECONDS,
        target_tracking_configuration=_Tracking(
            target_value=target,
            customized_metric_specification=_Customized(
                metrics=tracked_metrics(signals.backlog_per_worker(), periods=True)
            ),
        ),
        opts=opts,
    )
    for key, schedule in settings.schedules.items():
        aws.autoscaling.Schedule(
            f"{name}-at-{key}",
            scheduled_action_name=key,
            autoscaling_group_name=group_name,
            recurrence=crontab(schedule),
            time_zone=schedule.time_zone,
            min_size=schedule.min_workers,
            max_size=schedule.max_workers,
            # AWS moves it within the new bounds, and tracking does the rest.
            desired_capacity=UNCHANGED,
            opts=opts,
        )


def crontab(schedule: ScheduleSettings) -> str:
    """When a schedule begins, as EC2 Auto Scaling writes it: `0 20 * * 1,5`.
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html
    """
    hour, minute = (int(part) for part in schedule.at.split(":"))
    days = ",".join(str(day) for day in sorted(_DAYS[day] for day in schedule.days))
    return f"{minute} {hour} * * {days}"


def wake_group_from_zero(
    name: str,
    settings: FleetSettings,
    signals: Signals,
    *,
    target: float,
    group_name: pulumi.Input[str],
    prefix: str,
    opts: pulumi.ResourceOptions,
) -> None:
    """Start the first workers when jobs wait and there are none (M52), behind the waker."""
    policy = aws.autoscaling.Policy(
        f"{name}-wake",
        autoscaling_group_name=group_name,
        policy_type="StepScaling",
        adjustment_type="ChangeInCapacity",
        metric_aggregation_type="Maximum",
        # What one step has started counts for the next: while it boots, the alarm asks again.
        estimated_instance_warmup=WAKE_COOLDOWN_SECONDS,
        step_adjustments=[
            aws.autoscaling.PolicyStepAdjustmentArgs(
                scaling_adjustment=step.workers,
                metric_interval_lower_bound=f"{step.from_jobs:g}",
                metric_interval_upper_bound=None if step.to_jobs is None else f"{step.to_jobs:g}",
            )
            for step in wake_steps(target, settings.max_workers)
        ],
        opts=opts,
    )
    wake_alarms(name, signals, policy.arn, prefix, opts)


def waking_of_group(
    args: FleetArgs[Any], group: aws.autoscaling.Group, target: float
) -> Waking | None:
    """How the waker starts workers that are instances. None when the queue cannot be asked."""
    if args.queue.sqs_url is None:
        return None
    return Waking(
        fleet={
            "platform": "autoscaling",
            "queue": args.queue.sqs_url,
            "group": group.name,
            "target": target,
            "most": MOST_AT_ONCE,
            "max": args.settings.max_workers,
        },
        statements=[
            *args.queue.grant_length(),
            Statement(
                sid="WakeGroups",
                actions=["autoscaling:SetDesiredCapacity"],
                resources=[group.arn],
            ),
            Statement(
                sid="ReadGroups",
                actions=["autoscaling:DescribeAutoScalingGroups"],
                # A listing, which knows no resources.
                resources=["*"],
            ),
        ],
    )
