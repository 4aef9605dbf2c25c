"""How a fleet follows its queue: the signals, the target, and the policies that act on them.

Two policies, because one alone cannot do it. Target tracking keeps the work per wanted worker at
a target while there are workers; at zero its ratio means nothing, so a step policy behind plain
alarms makes the first ones. Application Auto Scaling takes whichever wants more, so they never
fight, and only tracking scales in.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.alarms import metric_queries
from components.naming import physical_name
from components.observe import Expression, Metric
from components.queues import JobQueue
from components.tracking import service_target, track
from settings.workers import FleetSettings, ScheduleSettings

SCALE_OUT_SECONDS = 180
"""Rest after the fleet grew. Within less than the metrics are late, tracking multiplies once more
what it has not seen grow: in the simulated production day of tests/fleets, 60 s cost 170 instance
hours and 180 s cost 126, with the median wait within its target either way."""

WAKE_MINUTES = 5
"""How long jobs must have waited for no worker. Within fewer, metrics still tell of the rest that
the waker has just ended, and a second worker would come."""

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

    Metric math takes what is missing for 0, and SQS is later than the rest. So every expression
    asks first whether the jobs were counted (`IF(waiting >= 0, ...)`) and else says nothing: at the
    newest minute the line would always look empty, and the fleet would shrink at its work.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """

    waiting: Metric
    at_work: Metric
    wanted: Metric
    """Workers that scaling asks for."""
    running: Metric
    instances_wanted: Metric | None = None
    """Where a fleet of tasks stands on a group of instances of its own."""
    instances_in_service: Metric | None = None
    instances_pending: Metric | None = None
    silence: Literal["REPEAT", "0"] = "REPEAT"
    """What counts as wanted, for waking, while nobody tells: as many as before, or none. None where
    the alarms must wake alone: whether Container Insights tells of a service at rest is not
    documented."""

    @classmethod
    def of_service(
        cls,
        queue: JobQueue,
        cluster_name: pulumi.Input[str],
        service_name: pulumi.Input[str],
        group_name: pulumi.Input[str] | None = None,
    ) -> Signals:
        """Of workers that are tasks of a service, on a group of instances when there is one."""
        service = {"ClusterName": cluster_name, "ServiceName": service_name}

        def of_group(name: str, label: str) -> Metric | None:
            return _of_group(group_name, name, label) if group_name is not None else None

        return cls(
            waiting=queue.waiting,
            at_work=queue.at_work,
            wanted=_gauge("ECS/ContainerInsights", "DesiredTaskCount", "wanted", service),
            running=_gauge("ECS/ContainerInsights", "RunningTaskCount", "running", service),
            instances_wanted=of_group("GroupDesiredCapacity", "wanted"),
            instances_in_service=of_group("GroupInServiceInstances", "in service"),
            instances_pending=of_group("GroupPendingInstances", "starting"),
            silence="0" if queue.sqs_url is None else "REPEAT",
        )

    @classmethod
    def of_group(cls, queue: JobQueue, group_name: pulumi.Input[str]) -> Signals:
        """Of workers that are instances of a group."""
        return cls(
            waiting=queue.waiting,
            at_work=queue.at_work,
            wanted=_of_group(group_name, "GroupDesiredCapacity", "wanted"),
            running=_of_group(group_name, "GroupInServiceInstances", "running"),
        )

    def in_periods_of(self, seconds: int) -> Signals:
        """The same in longer datapoints: short ones are for scaling, long ones for people."""
        metrics = {
            field.name: replace(metric, period=seconds)
            for field in fields(self)
            for metric in [getattr(self, field.name)]
            if isinstance(metric, Metric)
        }
        return replace(self, **metrics)

    def backlog_per_worker(self) -> Expression:
        """Jobs waiting and at work per wanted worker; per one worker when none is wanted.

        Jobs at work count, or the fleet would shrink in the middle of the last ones. Wanted workers
        count rather than running ones, so that workers still booting are not asked for again: that
        tracking multiplies the wanted count is judgement, long-standing but not documented.
        """
        return Expression(
            text="(waiting + at_work) / IF(waiting >= 0 AND at_work >= 0, "
            "IF(FILL(wanted, REPEAT) > 0, FILL(wanted, REPEAT), 1))",
            metrics={"waiting": self.waiting, "at_work": self.at_work, "wanted": self.wanted},
            label="jobs per worker",
        )

    def waiting_without_workers(self) -> Expression:
        """Jobs waiting while no worker is wanted, else 0.

        `silence` says what it is while the wanted workers are not told.
        """
        return Expression(
            text=f"IF(waiting >= 0, IF(FILL(wanted, {self.silence}) < 1, waiting, 0))",
            metrics={"waiting": self.waiting, "wanted": self.wanted},
            label="waiting, no worker wanted",
        )

    def waiting_without_instances(self) -> Expression | None:
        """Jobs waiting while the group of instances is empty, else 0; None without a group.

        Not enough alone: the group keeps an idle instance for about 15 minutes after its last
        worker went, and a job that came then would wait beside a warm GPU.
        """
        if self.instances_wanted is None:
            return None
        return Expression(
            text="IF(waiting >= 0, IF(FILL(instances, REPEAT) < 1, waiting, 0))",
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


def _of_group(group_name: pulumi.Input[str], name: str, label: str) -> Metric:
    return _gauge("AWS/AutoScaling", name, label, {"AutoScalingGroupName": group_name})


def _gauge(
    namespace: str, name: str, label: str, dimensions: dict[str, pulumi.Input[str]]
) -> Metric:
    return Metric(
        namespace=namespace,
        name=name,
        dimensions=dimensions,
        statistic="Maximum",
        period=60,
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


def target_backlog(settings: FleetSettings, concurrency: int = 1) -> float:
    """Jobs a worker may have: those at work, and those that fit into the accepted wait.

    60 s jobs that may wait 300 s make 6, and 24 for a worker that does 4 at once.
    """
    return round(concurrency * (1 + settings.target_wait_seconds / settings.job_seconds), 2)


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
    name: str,
    settings: FleetSettings,
    signals: Signals,
    *,
    target: float,
    cluster_name: pulumi.Input[str],
    service_name: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.appautoscaling.Target:
    """Keep the service between its bounds, at the target backlog for each worker (M51)."""
    scalable = service_target(
        name,
        cluster_name=cluster_name,
        service_name=service_name,
        minimum=settings.min_workers,
        maximum=settings.max_workers,
        opts=opts,
    )
    track(
        f"{name}-backlog",
        scalable,
        signals.backlog_per_worker(),
        target,
        out_seconds=SCALE_OUT_SECONDS,
        in_seconds=settings.scale_in_seconds,
        opts=opts,
    )
    for key, schedule in settings.schedules.items():
        aws.appautoscaling.ScheduledAction(
            f"{name}-at-{key}",
            service_namespace=scalable.service_namespace,
            scalable_dimension=scalable.scalable_dimension,
            resource_id=scalable.resource_id,
            schedule=scheduler_cron(schedule),
            timezone=schedule.time_zone,
            scalable_target_action={
                "min_capacity": schedule.min_workers,
                "max_capacity": schedule.max_workers,
            },
            opts=opts,
        )
    return scalable


def scheduler_cron(schedule: ScheduleSettings) -> str:
    """When a schedule begins, as Application Auto Scaling writes it: `cron(0 20 ? * MON,FRI *)`."""
    hour, minute = (int(part) for part in schedule.at.split(":"))
    days = ",".join(day.upper() for day in schedule.days)
    return f"cron({minute} {hour} ? * {days} *)"


def sleeps(settings: FleetSettings) -> bool:
    """Whether the fleet is ever without a worker, and so has to be woken."""
    floors = [settings.min_workers, *(each.min_workers for each in settings.schedules.values())]
    return min(floors) == 0


def wake_from_zero(
    name: str,
    settings: FleetSettings,
    signals: Signals,
    scalable: aws.appautoscaling.Target,
    *,
    target: float,
    prefix: str,
    opts: pulumi.ResourceOptions,
) -> None:
    """Start the first workers when jobs wait and there are none (M52).

    The waker does it sooner; these alarms stand behind it, and alone where the queue is a list in
    the cache. SQS reports up to 15 minutes late once a queue has been silent for about six hours.
    """
    policy = aws.appautoscaling.Policy(
        f"{name}-wake",
        policy_type="StepScaling",
        service_namespace=scalable.service_namespace,
        scalable_dimension=scalable.scalable_dimension,
        resource_id=scalable.resource_id,
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
                for step in wake_steps(target, settings.max_workers)
            ],
        ),
        opts=opts,
    )
    wake_alarms(name, signals, policy.arn, prefix, opts)


def wake_alarms(
    name: str,
    signals: Signals,
    policy_arn: pulumi.Input[str],
    prefix: str,
    opts: pulumi.ResourceOptions,
) -> None:
    """The alarms that set off a policy for the first workers.

    An ungated alarm on waiting jobs would add a worker at every cooldown: a healthy queue is
    rarely empty.
    """
    gates = {
        "no-worker": signals.waiting_without_workers(),
        "no-instance": signals.waiting_without_instances(),
    }
    for gate, expression in gates.items():
        if expression is None:
            continue
        aws.cloudwatch.MetricAlarm(
            f"{name}-wake-{gate}",
            name=physical_name("alarm", prefix, name, "wake", gate),
            alarm_description="Starts the first workers when jobs wait; tells nobody.",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=1,
            evaluation_periods=WAKE_MINUTES,
            datapoints_to_alarm=WAKE_MINUTES,
            treat_missing_data="notBreaching",
            metric_queries=metric_queries(expression),
            alarm_actions=[policy_arn],
            opts=opts,
        )
