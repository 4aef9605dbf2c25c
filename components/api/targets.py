"""Where the load balancer sends the API's requests, and what its metrics tell of them.

Every platform of the API raises the same alarms and shows the same panels, built here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.fargate import ServiceSignals
from components.ground import Ground
from components.observe import Alarm, Expression, Metric, Panel
from settings.health import HealthSettings

DEREGISTRATION_SECONDS = 30
"""How long a task or instance that leaves may finish its requests."""

EVERY_PATH_PRIORITY = 100
"""The API's rule is asked last: the test rule and the routes of services come before it."""

TASKS_PORT = 80
"""What a group of tasks is told and nothing uses: ECS registers each with its container's port. A
group cannot change its port, only make way for another, and the rules that ECS writes would go on
leading to it."""

SLOW_SECONDS = 2
"""No brief names a figure (M94). The API reads rows and puts jobs in line, which takes a fraction
of it; what takes long belongs on a queue."""

ERRORS = 10
"""Failed requests in one period that are too many (M93)."""

RELEASE_PERIOD = 60
"""Seconds of a datapoint that judges a deployment: a bake lasts minutes."""


def target_group(
    name: str,
    *,
    ground: Ground,
    health: HealthSettings,
    opts: pulumi.ResourceOptions,
    instance_port: int | None = None,
) -> aws.lb.TargetGroup:
    """A group of targets that answer HTTP: instances on `instance_port`, tasks without one."""
    return aws.lb.TargetGroup(
        name,
        vpc_id=ground.vpc_id,
        target_type="instance" if instance_port else "ip",
        protocol="HTTP",
        port=instance_port or TASKS_PORT,
        deregistration_delay=DEREGISTRATION_SECONDS,
        health_check=aws.lb.TargetGroupHealthCheckArgs(
            path=health.path,
            matcher="200",
            interval=health.interval_seconds,
            timeout=health.timeout_seconds,
            healthy_threshold=2,
            unhealthy_threshold=health.retries,
        ),
        opts=opts,
    )


def forward_rule(
    name: str,
    *,
    listener_arn: pulumi.Input[str],
    weights: Sequence[tuple[aws.lb.TargetGroup, int]],
    priority: int,
    conditions: Sequence[aws.lb.ListenerRuleConditionArgs],
    opts: pulumi.ResourceOptions,
) -> aws.lb.ListenerRule:
    """Requests that satisfy `conditions` go to the groups, by weight."""
    return aws.lb.ListenerRule(
        name,
        listener_arn=listener_arn,
        priority=priority,
        conditions=conditions,
        actions=[
            aws.lb.ListenerRuleActionArgs(
                type="forward",
                forward=aws.lb.ListenerRuleActionForwardArgs(
                    target_groups=[
                        aws.lb.ListenerRuleActionForwardTargetGroupArgs(
                            arn=group.arn, weight=weight
                        )
                        for group, weight in weights
                    ]
                ),
            )
        ],
        opts=opts,
    )


def paths(*patterns: str) -> list[aws.lb.ListenerRuleConditionArgs]:
    """The condition that a request's path is one of `patterns`."""
    return [
        aws.lb.ListenerRuleConditionArgs(
            path_pattern=aws.lb.ListenerRuleConditionPathPatternArgs(values=list(patterns))
        )
    ]


@dataclass(frozen=True, kw_only=True)
class RequestSignals:
    """What the load balancer tells of the requests that reach one workload."""

    load_balancer: pulumi.Input[str]
    """ARN suffix, as the metrics' dimension has it."""
    target_groups: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """ARN suffixes by what the group is for, in letters and digits: `live`. Empty: everything
    behind the load balancer."""
    period: int = 300

    def total(self, name: str, label: str, statistic: str = "Sum") -> Expression:
        """`name` of every target group, added up."""
        metrics = self._metrics(name, statistic)
        text = " + ".join(f"FILL({group}, 0)" for group in metrics)
        return Expression(text=text, metrics=metrics, label=label)

    def worst(self, name: str, label: str, statistic: str) -> Expression:
        """`name` of the target group where it is highest: percentiles cannot be added."""
        metrics = self._metrics(name, statistic)
        filled = ", ".join(f"FILL({group}, 0)" for group in metrics)
        return Expression(text=f"MAX([{filled}])", metrics=metrics, label=label)

    def _metrics(self, name: str, statistic: str) -> Mapping[str, Metric]:
        groups = {
            group: {"LoadBalancer": self.load_balancer, "TargetGroup": arn_suffix}
            for group, arn_suffix in self.target_groups.items()
        }
        return {
            group: Metric(
                namespace="AWS/ApplicationELB",
                name=name,
                dimensions=dimensions,
                statistic=statistic,
                period=self.period,
                label=group,
            )
            for group, dimensions in (
                groups or {"all": {"LoadBalancer": self.load_balancer}}
            ).items()
        }


@dataclass(frozen=True, kw_only=True)
class ApiSignals:
    """How the API does, in the terms that all its platforms share."""

    requests: RequestSignals
    unit: str
    """What runs: `task` or `instance`."""
    unhealthy: Metric | Expression
    """How many of them fail their health check."""
    running: Metric | Expression
    cpu: Metric
    """Average, in percent."""
    load: Sequence[Metric]
    """For the panel: CPU, and memory where the platform reports it."""
    capacity: Sequence[Metric | Expression]
    """For the panel: how many are wanted, how many run, how many are healthy."""


def ecs_signals(requests: RequestSignals, service: ServiceSignals) -> ApiSignals:
    """The signals of a service on ECS that the load balancer leads to."""
    cpu = service.used("CPUUtilization", "CPU")
    running = service.tasks("RunningTaskCount", "running")
    return ApiSignals(
        requests=requests,
        unit="task",
        unhealthy=requests.total("UnHealthyHostCount", "unhealthy", "Maximum"),
        running=running,
        cpu=cpu,
        load=[cpu, service.used("MemoryUtilization", "memory")],
        capacity=[
            service.tasks("DesiredTaskCount", "wanted"),
            running,
            requests.total("HealthyHostCount", "healthy", "Minimum"),
        ],
    )


def api_alarms(
    signals: ApiSignals, *, minimum: int, cpu_percent: int, runbook: str = "api.md"
) -> tuple[Alarm, ...]:
    """What must be heard about the API: errors, health, speed, load, absence."""
    unit = signals.unit
    return (
        Alarm(
            name="errors",
            summary=f"More than {ERRORS} requests failed in 5 minutes, twice running.",
            watch=signals.requests.total("HTTPCode_Target_5XX_Count", "errors"),
            comparison="above",
            threshold=ERRORS,
            evaluation_periods=2,
            severity="critical",
            runbook=f"{runbook}#errors",
        ),
        Alarm(
            name="unhealthy-targets",
            summary=f"Some {unit} has failed its health check for 10 minutes; others carry its "
            "load.",
            watch=signals.unhealthy,
            comparison="at_least",
            threshold=1,
            evaluation_periods=2,
            severity="warning",
            runbook=f"{runbook}#unhealthy-targets",
        ),
        Alarm(
            name="slow",
            summary=f"One request in twenty has taken over {SLOW_SECONDS} s for 15 minutes.",
            watch=signals.requests.worst("TargetResponseTime", "p95", "p95"),
            comparison="above",
            threshold=SLOW_SECONDS,
            evaluation_periods=3,
            severity="warning",
            runbook=f"{runbook}#slow",
        ),
        *capacity_alarms(
            signals.cpu,
            signals.running,
            unit=unit,
            minimum=minimum,
            cpu_percent=cpu_percent,
            runbook=runbook,
        ),
    )


def capacity_alarms(
    cpu: Metric,
    running: Metric | Expression,
    *,
    unit: str,
    minimum: int,
    cpu_percent: int,
    runbook: str,
) -> tuple[Alarm, ...]:
    """Too busy, or too few."""
    return (
        Alarm(
            name="cpu-high",
            summary=f"CPU has stayed above {cpu_percent} % for 10 minutes; scaling does not keep "
            "up.",
            watch=cpu,
            comparison="above",
            threshold=cpu_percent,
            evaluation_periods=2,
            severity="warning",
            runbook=f"{runbook}#cpu-high",
        ),
        Alarm(
            name="too-few-running",
            summary=f"Fewer than {minimum} {unit}s have run for 10 minutes.",
            watch=running,
            comparison="below",
            threshold=minimum,
            evaluation_periods=2,
            # What stopped reporting does not run.
            missing_data="breaching",
            # What users feel of it is a request that fails, and those alarms are critical.
            severity="warning",
            runbook=f"{runbook}#too-few-running",
        ),
    )


def release_alarms(requests: RequestSignals) -> tuple[Alarm, ...]:
    """What judges a deployment: on Fargate it goes back, on EC2 it ends where it stands. They must
    exist before the deployment names them.

    `requests` is in periods of RELEASE_PERIOD. One that sounds already when a deployment begins is
    left out of it by ECS.
    """
    return (
        Alarm(
            name="release-errors",
            summary=f"More than {ERRORS} requests a minute failed in 2 of 3 minutes; a deployment "
            "under way has failed.",
            watch=requests.total("HTTPCode_Target_5XX_Count", "errors"),
            comparison="above",
            threshold=ERRORS,
            evaluation_periods=3,
            datapoints=2,
            severity="info",
            runbook="api.md#release-errors",
        ),
        Alarm(
            name="release-slow",
            summary=f"One request in twenty took over {SLOW_SECONDS} s in 3 minutes running; a "
            "deployment under way has failed.",
            watch=requests.worst("TargetResponseTime", "p95", "p95"),
            comparison="above",
            threshold=SLOW_SECONDS,
            evaluation_periods=3,
            severity="info",
            runbook="api.md#release-slow",
        ),
    )


def api_panels(signals: ApiSignals, title: str = "API") -> tuple[Panel, ...]:
    requests = signals.requests
    return (
        Panel(
            group="API",
            title=f"{title}: failed requests",
            unit="requests",
            metrics=[
                requests.total("HTTPCode_Target_5XX_Count", "5xx: ours"),
                requests.total("HTTPCode_Target_4XX_Count", "4xx: the caller's"),
            ],
        ),
        Panel(
            group="API",
            title=f"{title}: response time",
            unit="seconds",
            metrics=[
                requests.worst("TargetResponseTime", "p50", "p50"),
                requests.worst("TargetResponseTime", "p95", "p95"),
            ],
        ),
        *capacity_panels(signals.load, signals.capacity, unit=signals.unit, title=title),
    )


def capacity_panels(
    load: Sequence[Metric], capacity: Sequence[Metric | Expression], *, unit: str, title: str
) -> tuple[Panel, ...]:
    return (
        Panel(group="API", title=f"{title}: load", unit="percent", metrics=load),
        Panel(group="API", title=f"{title}: capacity", unit=f"{unit}s", metrics=capacity),
    )
