"""Interruptions: every spot notice and every failed launch is written down and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.functions import call_on, failure_alarm, function_panels, platform_function
from components.grants import Statement
from components.ground import Ground
from components.observe import Alarm, Metric, Panel

EVENTS: Mapping[str, tuple[str, ...]] = {
    "spot": ("EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation"),
    "launches": ("EC2 Instance Launch Unsuccessful",),
}
SOURCES: Mapping[str, str] = {"spot": "aws.ec2", "launches": "aws.autoscaling"}

RECORD_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class InterruptionsArgs:
    ground: Ground
    groups: Mapping[str, Sequence[pulumi.Output[str]]]
    """The Auto Scaling groups of each fleet, by its name."""


class Interruptions(pulumi.ComponentResource):
    """A function that hears what EC2 says of spot and of launches, and counts it by fleet (B10).

    Cost: a call per notice; nothing that shows.
    """

    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: InterruptionsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:Interruptions", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = fleets_namespace(args.ground.prefix)
        names = [fleet for fleet, groups in args.groups.items() for _ in groups]
        groups = pulumi.Output.all(*(group for each in args.groups.values() for group in each))
        function = platform_function(
            f"{name}-function",
            "record_interruptions",
            description="Counts spot interruptions and failed launches by fleet.",
            environment={
                "GROUPS": pulumi.Output.json_dumps(
                    groups.apply(lambda known: dict(zip(known, names, strict=True)))
                ),
                "METRICS_NAMESPACE": namespace,
            },
            statements=[
                Statement(
                    sid="FindGroup",
                    actions=["autoscaling:DescribeAutoScalingInstances"],
                    # A listing, which knows no resources.
                    resources=["*"],
                ),
                # None to count: CloudWatch makes the metrics from the lines it writes.
            ],
            timeout_seconds=RECORD_SECONDS,
            logs=args.ground.logs,
            opts=child,
        )
        for key, kinds in EVENTS.items():
            rule = aws.cloudwatch.EventRule(
                f"{name}-{key}",
                description="What EC2 says of the fleets' instances.",
                event_pattern=pulumi.Output.json_dumps(
                    {"source": [SOURCES[key]], "detail-type": list(kinds)}
                ),
                opts=child,
            )
            call_on(f"{name}-{key}", rule, function, child)
        self.alarms = (
            *(_failed_launches(fleet, namespace) for fleet in args.groups),
            failure_alarm(
                function,
                name="recording-failed",
                summary="A notice about an instance was not counted.",
                severity="info",
            ),
        )
        self.panels = (
            *function_panels(self.alarms),
            Panel(
                group="Workers and jobs",
                title="Spot interruptions and failed launches",
                unit="instances",
                metrics=[
                    _count(fleet, namespace, what, f"{fleet}: {label}")
                    for fleet in args.groups
                    for what, label in (
                        ("Interruptions", "interrupted"),
                        ("FailedLaunches", "not launched"),
                    )
                ],
            ),
        )
        self.register_outputs({"function": function.name})


def fleets_namespace(prefix: str) -> str:
    """Where notices about instances are counted."""
    return f"{prefix}/Fleets"


def _count(fleet: str, namespace: str, name: str, label: str) -> Metric:
    return Metric(
        namespace=namespace,
        name=name,
        dimensions={"Fleet": fleet},
        statistic="Sum",
        label=label,
    )


def _failed_launches(fleet: str, namespace: str) -> Alarm:
    return Alarm(
        name=f"{fleet}-not-launched",
        summary=f"Instances of {fleet} have failed to start for 15 minutes: no capacity, no quota.",
        watch=_count(fleet, namespace, "FailedLaunches", "not launched"),
        comparison="at_least",
        threshold=1,
        evaluation_periods=3,
        severity="warning",
        runbook="workers.md#not-launched",
    )
