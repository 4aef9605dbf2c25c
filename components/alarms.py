"""CloudWatch alarms, made beside what they watch from the `Alarm`s it hands out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.naming import physical_name
from components.notices import Notices
from components.observe import Alarm, Comparison, Expression, Metric, Observable

RUNBOOKS = "docs/runbooks"

OPERATORS: Mapping[Comparison, str] = {
    "above": "GreaterThanThreshold",
    "at_least": "GreaterThanOrEqualToThreshold",
    "below": "LessThanThreshold",
    "at_most": "LessThanOrEqualToThreshold",
}

PLAIN_STATISTICS = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
"""CloudWatch takes these by one field, and percentiles by another."""


@dataclass(frozen=True, kw_only=True)
class AlarmSet:
    """Turns what components want watched into alarms that tell the right people.

    Cost: 0.10 USD a month per alarm, and per metric of an expression (us-east-1, 2026).
    """

    prefix: str
    notices: Notices
    muted: bool
    """True: alarms change colour and tell nobody."""

    def watch(self, components: Iterable[Observable]) -> None:
        """Make each alarm a child of its component, named `<prefix>-<component>-<alarm>`.

        Raises TypeError for something that is no component: an alarm needs a parent in the tree.
        """
        for component in components:
            if not isinstance(component, pulumi.ComponentResource):
                raise TypeError(f"{component!r} must be a component for its alarms to belong to")
            for alarm in component.alarms:
                self.make(component.pulumi_resource_name, alarm, component)

    def make(
        self, component: str, alarm: Alarm, parent: pulumi.Resource
    ) -> aws.cloudwatch.MetricAlarm:
        """Make one alarm of `component`, below `parent` and in the region of what it watches.

        It tells topics there: CloudWatch publishes to none of another region.
        Raises ValueError when `notices` has none there.
        """
        region = alarm.watch.region or self.notices.region
        topic_arn = self.notices.topic_arns_in(region)[alarm.severity]
        return aws.cloudwatch.MetricAlarm(
            f"{component}-{alarm.name}",
            name=physical_name("alarm", self.prefix, component, alarm.name),
            alarm_description=f"{alarm.summary} Runbook: {RUNBOOKS}/{alarm.runbook}",
            comparison_operator=OPERATORS[alarm.comparison],
            threshold=alarm.threshold,
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=alarm.datapoints,
            treat_missing_data=alarm.missing_data,
            actions_enabled=not self.muted,
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            **_watched(alarm.watch),
            region=region if region != self.notices.region else None,
            # It is made anew at any time; a protected parent must not keep it from changing.
            opts=pulumi.ResourceOptions(parent=parent, protect=False),
        )


def _watched(watch: Metric | Expression) -> dict[str, Any]:
    if isinstance(watch, Expression):
        return {"metric_queries": metric_queries(watch)}
    plain = watch.statistic in PLAIN_STATISTICS
    return {
        "namespace": watch.namespace,
        "metric_name": watch.name,
        "dimensions": watch.dimensions,
        "period": watch.period,
        "statistic" if plain else "extended_statistic": watch.statistic,
    }


def metric_queries(expression: Expression) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    """The expression in an alarm's spelling: its metrics, then itself as what is judged."""
    inputs = [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=key,
            metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=metric.namespace,
                metric_name=metric.name,
                dimensions=metric.dimensions,
                period=metric.period,
                stat=metric.statistic,
            ),
            return_data=False,
        )
        for key, metric in sorted(expression.metrics.items())
    ]
    judged = aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id="judged", expression=expression.text, label=expression.label, return_data=True
    )
    return [*inputs, judged]
