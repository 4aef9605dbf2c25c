"""Overflow: GPU workers on demand, for when spot is dry and jobs grow old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.alarms import metric_queries
from components.ground import Ground
from components.naming import physical_name
from components.observe import Alarm, Expression, Metric, Panel
from components.tracking import service_target
from components.workers.scaling import Signals
from components.workload import Restart
from settings.workers import OverflowSettings

Adjustment = aws.appautoscaling.PolicyStepScalingPolicyConfigurationStepAdjustmentArgs

COOLDOWN_SECONDS = 60
"""Short: a step names the number itself, so a second one adds nothing."""

UNMET_STEPS = ((1, 1 / 7), (4, 3 / 7), (9, 1.0))
"""Workers missing, and the share of the overflow that then steps in: 2, 6 and all 14 of 14."""

UNMET_MINUTES = 5
"""How long workers must have been missing."""

EMPTY_MINUTES = 15
"""How long the queue must have been empty, with nothing at work, before it steps out."""


@dataclass(frozen=True, kw_only=True)
class OverflowArgs:
    settings: OverflowSettings
    ground: Ground
    fleet: str
    signals: Signals
    """Of the fleet it stands in for."""
    oldest: Metric
    """Age of the queue's oldest job, in seconds."""
    cluster_name: pulumi.Output[str]
    service: aws.ecs.Service
    """Its own: the fleet's tasks on instances bought on demand."""


class Overflow(pulumi.ComponentResource):
    """Steps in when the fleet lacks instances and jobs are old, and out when nothing is left.

    Neither Auto Scaling nor ECS buys on demand when spot is dry: a strategy is a weighting, never
    a fallback (https://github.com/aws/containers-roadmap/issues/773). The fleet itself goes on
    asking for spot all the while.

    Cost: nothing at rest but three alarms, 0.60 USD a month; its instances by the second, on
    demand.
    """

    service_name: pulumi.Output[str]
    restart: Restart
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: OverflowArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:Overflow", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        target = service_target(
            f"{name}-scaling",
            cluster_name=args.cluster_name,
            service_name=args.service.name,
            minimum=0,
            maximum=args.settings.max_workers,
            opts=child,
        )
        step_in = _policy(f"{name}-in", target, _up(unmet_steps(args.settings.max_workers)), child)
        # At the threshold of no job left, and below it.
        nobody = Adjustment(scaling_adjustment=0, metric_interval_upper_bound="0")
        step_out = _policy(f"{name}-out", target, [nobody], child)
        _alarm(
            f"{name}-unmet",
            args.ground.prefix,
            "Starts workers on demand while spot is dry; tells nobody.",
            unmet(args.signals, args.oldest, args.settings.after_seconds),
            "GreaterThanOrEqualToThreshold",
            threshold=1,
            minutes=UNMET_MINUTES,
            policy=step_in,
            opts=child,
        )
        _alarm(
            f"{name}-empty",
            args.ground.prefix,
            "Ends workers on demand once nothing is left to do; tells nobody.",
            left(args.signals),
            "LessThanOrEqualToThreshold",
            threshold=0,
            minutes=EMPTY_MINUTES,
            policy=step_out,
            opts=child,
        )

        self.service_name = args.service.name
        self.restart = Restart.of_service(args.ground, args.cluster_name, args.service.name)
        self.alarms = (_stepped_in(args),)
        self.panels = (
            Panel(
                group="Workers and jobs",
                title=f"{args.fleet}: overflow on demand",
                unit="workers",
                metrics=[_running(args)],
            ),
        )
        self.register_outputs({"service_name": self.service_name})


@dataclass(frozen=True, kw_only=True)
class Step:
    """How many workers the overflow has from so many missing on."""

    from_unmet: float
    workers: int


def unmet_steps(maximum: int) -> list[Step]:
    """The steps of an overflow of `maximum` workers, none of them twice."""
    steps: list[Step] = []
    for missing, share in UNMET_STEPS:
        workers = max(1, round(maximum * share))
        if not steps or workers > steps[-1].workers:
            # Bounds count from the alarm's threshold of one missing worker.
            steps.append(Step(from_unmet=missing - 1, workers=workers))
    return steps


def unmet(signals: Signals, oldest: Metric, after_seconds: int) -> Expression:
    """Instances wanted and not there while the oldest job is older than `after_seconds`, else 0."""
    assert signals.instances_wanted  # noqa: S101 (a GPU fleet stands on a group)
    assert signals.instances_in_service  # noqa: S101
    return Expression(
        # Whether the age is known comes first: what is missing counts as 0, and SQS is late.
        text=f"IF(oldest >= 0, IF(oldest > {after_seconds} AND instances > there, "
        "instances - there, 0))",
        metrics={
            "oldest": oldest,
            "instances": signals.instances_wanted,
            "there": signals.instances_in_service,
        },
        label="instances missing",
    )


def left(signals: Signals) -> Expression:
    """Jobs waiting and at work."""
    return Expression(
        text="waiting + at_work",
        metrics={"waiting": signals.waiting, "at_work": signals.at_work},
        label="jobs left",
    )


def _up(steps: Sequence[Step]) -> list[Adjustment]:
    uppers = [*(step.from_unmet for step in steps[1:]), None]
    return [
        Adjustment(
            scaling_adjustment=step.workers,
            metric_interval_lower_bound=f"{step.from_unmet:g}",
            metric_interval_upper_bound=None if upper is None else f"{upper:g}",
        )
        for step, upper in zip(steps, uppers, strict=True)
    ]


def _policy(
    name: str,
    target: aws.appautoscaling.Target,
    adjustments: Sequence[Adjustment],
    opts: pulumi.ResourceOptions,
) -> aws.appautoscaling.Policy:
    return aws.appautoscaling.Policy(
        name,
        policy_type="StepScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        step_scaling_policy_configuration=aws.appautoscaling.PolicyStepScalingPolicyConfigurationArgs(
            adjustment_type="ExactCapacity",
            cooldown=COOLDOWN_SECONDS,
            metric_aggregation_type="Maximum",
            step_adjustments=list(adjustments),
        ),
        opts=opts,
    )


def _alarm(
    name: str,
    prefix: str,
    description: str,
    expression: Expression,
    operator: str,
    *,
    threshold: float,
    minutes: int,
    policy: aws.appautoscaling.Policy,
    opts: pulumi.ResourceOptions,
) -> None:
    aws.cloudwatch.MetricAlarm(
        name,
        name=physical_name("alarm", prefix, name),
        alarm_description=description,
        comparison_operator=operator,
        threshold=threshold,
        evaluation_periods=minutes,
        datapoints_to_alarm=minutes,
        # Silence says neither that jobs wait nor that none is left. And no alarm may stay red in
        # it: CloudWatch repeats the step each minute, and two red ones would undo each other's.
        treat_missing_data="notBreaching",
        metric_queries=metric_queries(expression),
        alarm_actions=[policy.arn],
        opts=opts,
    )


def _running(args: OverflowArgs) -> Metric:
    return Metric(
        namespace="ECS/ContainerInsights",
        name="RunningTaskCount",
        dimensions={"ClusterName": args.cluster_name, "ServiceName": args.service.name},
        statistic="Maximum",
        label="on demand",
    )


def _stepped_in(args: OverflowArgs) -> Alarm:
    return Alarm(
        name="stepped-in",
        summary=f"{args.fleet} runs on demand in place of spot, at about twice the price.",
        watch=_running(args),
        comparison="at_least",
        threshold=1,
        severity="info",
        runbook="workers.md#stepped-in",
    )
