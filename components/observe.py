"""What to watch, as data: metrics, alarms and panels.

A component that runs something returns these and creates none of them. `alarms.AlarmSet` turns the
alarms into CloudWatch alarms beside what they watch, `dashboard.Dashboard` lays out the panels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import pulumi

Severity = Literal["critical", "warning", "info"]
"""Critical wakes somebody: users feel it now. Warning waits for the morning. Info is read."""

Comparison = Literal["above", "at_least", "below", "at_most"]

MissingData = Literal["notBreaching", "breaching", "ignore", "missing"]
"""What silence means; CloudWatch's own words. A quiet night is `notBreaching`."""

DAY_SECONDS = 24 * 60 * 60
"""The period of what AWS counts once a day; a shorter one would find nothing."""

PanelGroup = Literal[
    "Business",
    "API",
    "Edge",
    "Workers and jobs",
    "Database",
    "Cache",
    "Queues",
    "Storage",
    "Functions",
    "Network",
    "Audit",
    "Cost",
]
"""From what the studio lives by, down the picture, to what it costs."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One CloudWatch metric of one thing."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str = "Average"
    """`Average`, `Maximum`, `Minimum`, `Sum`, `SampleCount`, or a percentile such as `p95`."""
    period: int = 300
    """Seconds that one datapoint covers."""
    label: str = ""
    """What a panel calls it; the metric's name when empty."""
    region: str | None = None
    """Where it is measured. Absent: where the stack is."""


@dataclass(frozen=True, kw_only=True)
class Expression:
    """CloudWatch metric math over metrics by their ids, all of one period and one region.

    Raises ValueError for metrics of several regions: an alarm reads those of its own alone.
    """

    text: str
    """Such as `(visible + hidden) / IF(wanted > 0, wanted, 1)`."""
    metrics: Mapping[str, Metric]
    label: str

    def __post_init__(self) -> None:
        regions = {metric.region for metric in self.metrics.values()}
        if len(regions) > 1:
            said = ", ".join(sorted(region or "the stack's" for region in regions))
            raise ValueError(f"{self.text!r} has metrics of several regions: {said}; give one")

    @property
    def region(self) -> str | None:
        return next((metric.region for metric in self.metrics.values()), None)


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """When somebody must hear about something. It lives where what it watches is measured."""

    name: str
    """What is wrong, unique within its component: `cpu-high`."""
    summary: str
    """One sentence for whoever is woken: what users feel, or will."""
    watch: Metric | Expression
    comparison: Comparison
    threshold: float
    evaluation_periods: int = 1
    """Datapoints looked at."""
    datapoints: int | None = None
    """How many of them must breach; all when absent."""
    missing_data: MissingData = "notBreaching"
    severity: Severity
    runbook: str
    """Page and anchor below docs/runbooks: `queues.md#backlog`."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One graph of the dashboard."""

    group: PanelGroup
    title: str
    metrics: Sequence[Metric | Expression]
    unit: str
    """What the left axis counts: `percent`, `messages`, `ms`."""


class Observable(Protocol):
    """A component that runs something, and so must be watched."""

    @property
    def pulumi_resource_name(self) -> str: ...

    @property
    def alarms(self) -> Sequence[Alarm]: ...

    @property
    def panels(self) -> Sequence[Panel]: ...
