"""How a fleet follows its queue: the signals, the target, and the policies that act on them.

Two policies, because one alone cannot do it. Target tracking keeps the work per wanted worker at
a target while there are workers; at zero its ratio means nothing, so a step policy behind plain
alarms makes the first ones. Application Auto Scaling takes whichever wants more, so they never
fight, and only tracking scales in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

from components.alarms import metric_queries
from components.naming import physical_name
from components.observe import Expression, Metric
from components.tracking import service_target, track
from settings.workers import GpuFleetSettings

SCALE_OUT_SECONDS = 60
"""Rest after the fleet grew. Tracking's own alarm takes three minutes to notice as it is."""

WAKE_COOLDOWN_SECONDS = 600
"""A worker from nothing takes 150 to 330 s; within this time its successors count as on the way."""

WAKE_STEPS = (1, 2, 4)
"""Workers to start from zero: for less work than one target, than three targets, and for more.

Judgement, not measured: one worker too few costs a few minutes of waiting, one too many costs an
idle GPU for about a quarter of an hour.
"""


@dataclass(frozen=True, kw_only=True)
class Signals:
    """The metrics a fleet is judged by, built once for its scaling, its alarms and its panels.

    A value missing at the newest minute is repeated (`FILL(x, REPEAT)`) where it divides or gates,
    and never filled where it counts work: a zero filled in there would hide jobs for ever.
    """

    queue_name: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]
    group_name: pulumi.Input[str]
    period: int = 60
    """Seconds of a datapoint: short for scaling, longer for people."""

    @property
    def waiting(self) -> Metric:
        return self._of_queue("ApproximateNumberOfMessagesVisible", "waiting")

    @property
    def at_work(self) -> Metric:
        return self._of_queue("ApproximateNumberOfMessagesNotVisible", "at work")

    @property
    def wanted(self) -> Metric:
        return self._of_service("DesiredTaskCount", "wanted")

    @property
    def running(self) -> Metric:
        return self._of_service("RunningTaskCount", "running")

    @property
    def instances_wanted(self) -> Metric:
        return self._of_group("GroupDesiredCapacity", "wanted")

    @property
    def instances_in_service(self) -> Metric:
        return self._of_group("GroupInServiceInstances", "in service")

    @property
    def instances_pending(self) -> Metric:
        return self._of_group("GroupPendingInstances", "starting")

    def backlog_per_worker(self) -> Expression:
        """Jobs waiting and at work per wanted worker; per one worker when none is wanted.

        Jobs at work count, or the fleet would shrink in the middle of the last ones. Wanted workers
        count rather than running ones, so that workers still booting are not asked for again: that
        tracking multiplies the wanted count is judgement, long-standing but not documented.
        """
        return Expression(
            text=("(waiting + at_work) / IF(FILL(wanted, REPEAT) > 0, FILL(wanted, REPEAT), 1)"),
            metrics={"waiting": self.waiting, "at_work": self.at_work, "wanted": self.wanted},
            label="jobs per worker",
        )

    def waiting_without_workers(self) -> Expression:
        """Jobs waiting while no worker is wanted, else 0.

        That Container Insights reports 0 for a service at rest is judgement;
        `waiting_without_instances` speaks when it does not.
        """
        return Expression(
            text="IF(FILL(wanted, REPEAT) < 1, waiting, 0)",
            metrics={"waiting": self.waiting, "wanted": self.wanted},
            label="waiting, no worker wanted",
        )

    def waiting_without_instances(self) -> Expression:
        """Jobs waiting while the group is empty, else 0.

        Not enough alone: the group keeps an idle instance for about 15 minutes after its last
        worker went, and a job that came then would wait beside a warm GPU.
        """
        return Expression(
            text="IF(FILL(instances, REPEAT) < 1, waiting, 0)",
            metrics={"waiting": self.waiting, "instances": self.instances_wanted},
            label="waiting, no instance",
        )

    def missing_workers(self) -> Expression:
        """Workers wanted and not running, all through a datapoint."""
        return Expression(
            text="wanted - running",
            metrics={
                "wanted": replace(self.wanted, statistic="Minimum"),
                "running": self.running,
            },
            label="missing",
        )

    def _of_queue(self, name: str, label: str) -> Metric:
        return self._gauge("AWS/SQS", name, label, {"QueueName": self.queue_name})

    def _of_service(self, name: str, label: str) -> Metric:
        dimensions = {"ClusterName": self.cluster_name, "ServiceName": self.service_name}
        return self._gauge("ECS/ContainerInsights", name, label, dimensions)

    def _of_group(self, name: str, label: str) -> Metric:
        dimensions = {"AutoScalingGroupName": self.group_name}
        return self._gauge("AWS/AutoScaling", name, label, dimensions)

    def _gauge(
        self, namespace: str, name: str, label: str, dimensions: dict[str, pulumi.Input[str]]
    ) -> Metric:
        return Metric(
            namespace=namespace,
            name=name,
            dimensions=dimensions,
            statistic="Maximum",
            period=self.period,
            label=label,
        )


@dataclass(frozen=True, kw_only=True)
class WakeStep:
    """How many workers to start for how much work, in jobs waiting."""

    from_jobs: float
    """Counted from the alarm's threshold of one job, as step policies do."""
    to_jobs: float | None
    """None: without end."""
    workers: int


def target_backlog(settings: GpuFleetSettings) -> float:
    """Jobs a worker may have: the one at work, and those that fit into the accepted wait.

    60 s jobs that may wait 300 s make 6.
    """
    return round(1 + settings.target_wait_seconds / settings.job_seconds, 2)


def wake_steps(target: float, max_workers: int) -> tuple[WakeStep, ...]:
    """The steps up from zero, none of them larger than the fleet."""
    bounds = (0.0, target, 3 * target)
    steps: list[WakeStep] = []
    for lower, workers in zip(bounds, WAKE_STEPS, strict=True):
        if steps and steps[-1].workers >= max_workers:
            break
        if steps:
            steps[-1] = replace(steps[-1], to_jobs=lower)
        steps.append(WakeStep(from_jobs=lower, to_jobs=None, workers=min(workers, max_workers)))
    return tuple(steps)


def scale_on_backlog(
    name: str, settings: GpuFleetSettings, signals: Signals, opts: pulumi.ResourceOptions
) -> aws.appautoscaling.Target:
    """Keep the service between its bounds, at the target backlog for each worker (M51)."""
    target = service_target(
        name,
        cluster_name=signals.cluster_name,
        service_name=signals.service_name,
        minimum=settings.min_workers,
        maximum=settings.max_workers,
        opts=opts,
    )
    track(
        f"{name}-backlog",
        target,
        signals.backlog_per_worker(),
        target_backlog(settings),
        out_seconds=SCALE_OUT_SECONDS,
        in_seconds=settings.scale_in_seconds,
        opts=opts,
    )
    return target


def wake_from_zero(
    name: str,
    settings: GpuFleetSettings,
    signals: Signals,
    target: aws.appautoscaling.Target,
    prefix: str,
    opts: pulumi.ResourceOptions,
) -> None:
    """Start the first workers when jobs wait and there are none (M52).

    SQS reports up to 15 minutes late once a queue has been silent for about six hours: the first
    job of the morning may wait that long.
    """
    policy = aws.appautoscaling.Policy(
        f"{name}-wake",
        policy_type="StepScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        step_scaling_policy_configuration=aws.appautoscaling.PolicyStepScalingPolicyConfigurationArgs(
            adjustment_type="ChangeInCapacity",
            cooldown=WAKE_COOLDOWN_SECONDS,
            metric_aggregation_type="Maximum",
            step_adjustments=[
                aws.appautoscaling.PolicyStepScalingPolicyConfigurationStepAdjustmentArgs(
                    scaling_adjustment=step.workers,
                    metric_interval_lower_bound=f"{step.from_jobs:g}",
                    metric_interval_upper_bound=(
                        None if step.to_jobs is None else f"{step.to_jobs:g}"
                    ),
                )
                for step in wake_steps(target_backlog(settings), settings.max_workers)
            ],
        ),
        opts=opts,
    )
    # An ungated alarm on waiting jobs would add a worker at every cooldown: a healthy queue is
    # rarely empty.
    for gate, expression in (
        ("no-worker", signals.waiting_without_workers()),
        ("no-instance", signals.waiting_without_instances()),
    ):
        aws.cloudwatch.MetricAlarm(
            f"{name}-wake-{gate}",
            name=physical_name("alarm", prefix, name, "wake", gate),
            alarm_description="Starts the first workers when jobs wait; tells nobody.",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=1,
            evaluation_periods=1,
            datapoints_to_alarm=1,
            treat_missing_data="notBreaching",
            metric_queries=metric_queries(expression),
            alarm_actions=[policy.arn],
            opts=opts,
        )
