"""The alarms that the briefs ask for, a row each, and whether a graph has them at their figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.recorder import Node, Recorded


@dataclass(frozen=True, kw_only=True)
class Row:
    """One alarm of a brief, as CloudWatch is to be told of it."""

    row: str
    """Its number in docs/requirements.md."""
    alarms: str
    """The names of its alarms in the stack: a regular expression over all of each."""
    count: int
    """How many of them production has."""
    metrics: frozenset[str]
    statistic: str
    seconds: int
    """What one datapoint covers."""
    comparison: str
    threshold: float
    times: int
    """Datapoints in a row."""
    silence: str
    """What no data means."""
    severity: str
    expression: str | None = None
    """Metric math over them; none where the metric itself is judged."""


def _row(row: str, alarms: str, count: int, metrics: str, statistic: str, **figures: Any) -> Row:
    return Row(
        row=row,
        alarms=alarms,
        count=count,
        metrics=frozenset(metrics.split()),
        statistic=statistic,
        **{"silence": "notBreaching", "severity": "warning", **figures},
    )


ABOVE, AT_LEAST, BELOW = (
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
)

ROWS: Sequence[Row] = (
    _row(
        "M93",
        "api-errors",
        1,
        "HTTPCode_Target_5XX_Count",
        "Sum",
        seconds=300,
        comparison=ABOVE,
        threshold=10,
        times=2,
        severity="critical",
        expression="FILL(live, 0) + FILL(other, 0)",
    ),
    _row(
        "M94",
        "api-unhealthy-targets",
        1,
        "UnHealthyHostCount",
        "Maximum",
        seconds=300,
        comparison=AT_LEAST,
        threshold=1,
        times=2,
        expression="FILL(live, 0) + FILL(other, 0)",
    ),
    _row(
        "M94",
        "api-slow",
        1,
        "TargetResponseTime",
        "p95",
        seconds=300,
        comparison=ABOVE,
        threshold=2,
        times=3,
        expression="MAX([FILL(live, 0), FILL(other, 0)])",
    ),
    _row(
        "M95",
        r"database-(replica-\d-)?cpu-high",
        3,
        "CPUUtilization",
        "Average",
        seconds=300,
        comparison=ABOVE,
        threshold=80,
        times=3,
    ),
    # 80 % of what the classes take: 3316 connections of a db.r6g.xlarge, 1658 of a db.r6g.large.
    _row(
        "M95",
        "database-connections",
        1,
        "DatabaseConnections",
        "Average",
        seconds=300,
        comparison=ABOVE,
        threshold=2652,
        times=3,
    ),
    _row(
        "M95",
        r"database-replica-\d-connections",
        2,
        "DatabaseConnections",
        "Average",
        seconds=300,
        comparison=ABOVE,
        threshold=1326,
        times=3,
    ),
    _row(
        "M95",
        r"database-replica-\d-lag",
        2,
        "ReplicaLag",
        "Average",
        seconds=60,
        comparison=ABOVE,
        threshold=1,
        times=5,
    ),
    _row(
        "M96",
        "api-cpu-high",
        1,
        "CPUUtilization",
        "Average",
        seconds=300,
        comparison=ABOVE,
        threshold=85,
        times=2,
    ),
    _row(
        "M97",
        r"cache-node-\d-cpu-high",
        3,
        "EngineCPUUtilization",
        "Average",
        seconds=300,
        comparison=ABOVE,
        threshold=75,
        times=3,
    ),
    _row(
        "M97",
        r"cache-node-\d-memory-high",
        3,
        "DatabaseMemoryUsagePercentage",
        "Average",
        seconds=300,
        comparison=ABOVE,
        threshold=80,
        times=3,
    ),
    _row(
        "M97",
        r"cache-node-\d-evictions",
        3,
        "Evictions",
        "Sum",
        seconds=300,
        comparison=ABOVE,
        threshold=1000,
        times=1,
    ),
    _row(
        "M98",
        "queue-render-backlog",
        1,
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        seconds=600,
        comparison=ABOVE,
        threshold=50,
        times=2,
    ),
    _row(
        "M98",
        "queue-render-dead-letters",
        1,
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        seconds=300,
        comparison=AT_LEAST,
        threshold=1,
        times=1,
    ),
    _row(
        "M99",
        "worker-render-jobs-failing",
        1,
        "Succeeded Failed",
        "Sum",
        seconds=1800,
        comparison=BELOW,
        threshold=0.85,
        times=1,
        expression=(
            "IF(FILL(done, 0) + FILL(failed, 0) > 0,"
            " FILL(done, 0) / (FILL(done, 0) + FILL(failed, 0)), 1)"
        ),
    ),
    _row(
        "M100",
        "buckets-bucket-size",
        1,
        "BucketSizeBytes",
        "Average",
        seconds=86400,
        comparison=ABOVE,
        threshold=107374182400,
        times=1,
        # Storage metrics come once a day, and late.
        silence="ignore",
        expression="SUM([standard, frequent, infrequent, instant, archive])",
    ),
)
"""Production's, whose API is on Fargate; that of an EC2 group is `EC2_ROW`."""

EC2_ROW = _row(
    "M96",
    "api-cpu-high",
    1,
    "CPUUtilization",
    "Average",
    seconds=300,
    comparison=ABOVE,
    threshold=70,
    times=2,
)
"""What takes the place of the row of ECS where the API runs on instances."""


def misread(recorded: Recorded, rows: Sequence[Row] = ROWS) -> list[str]:
    """Rows whose alarms are missing, too many, or not at their figures."""
    alarms = recorded.all("cloudwatch.MetricAlarm")
    return [problem for row in rows for problem in _problems(row, alarms)]


def _problems(row: Row, alarms: Sequence[Node]) -> Iterator[str]:
    found = [alarm for alarm in alarms if re.fullmatch(row.alarms, alarm.name)]
    if len(found) != row.count:
        yield f"{row.row}: {len(found)} alarms are called {row.alarms}, not {row.count}"
    for alarm in found:
        told, wanted = figures(alarm), _figures_of(row)
        for what, value in wanted.items():
            if told[what] != value:
                yield f"{row.row}: {alarm.name}: {what} is {told[what]}, not {value}"


def _figures_of(row: Row) -> dict[str, Any]:
    return {
        "metrics": row.metrics,
        "expression": row.expression,
        "statistic": {row.statistic},
        "seconds": {row.seconds},
        "comparison": row.comparison,
        "threshold": row.threshold,
        "times": row.times,
        "datapoints": row.times,
        "silence": row.silence,
        "tells": {row.severity},
        "heard": True,
    }


def figures(alarm: Node) -> dict[str, Any]:
    """An alarm as a row spells it, be it of one metric or of an expression over several."""
    queries = alarm.get("metric_queries") or []
    metrics = [query["metric"] for query in queries if query.get("metric")]
    expressions = [query["expression"] for query in queries if query.get("expression")]
    if not metrics:
        metrics = [
            {
                "metric_name": alarm["metric_name"],
                "period": alarm["period"],
                "stat": alarm.get("statistic") or alarm.get("extended_statistic"),
            }
        ]
    times = alarm["evaluation_periods"]
    told = [action for key in ("alarm_actions", "ok_actions") for action in alarm[key]]
    return {
        "metrics": frozenset(metric["metric_name"] for metric in metrics),
        "expression": expressions[0] if expressions else None,
        "statistic": {metric["stat"] for metric in metrics},
        "seconds": {metric["period"] for metric in metrics},
        "comparison": alarm["comparison_operator"],
        "threshold": alarm["threshold"],
        "times": times,
        "datapoints": alarm.get("datapoints_to_alarm") or times,
        "silence": alarm["treat_missing_data"],
        "tells": {topic.rpartition("-")[2] for topic in told},
        "heard": alarm["actions_enabled"],
    }
