"""CloudWatch alarms, made beside what they watch from the `Alarm`s it hands out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.naming import physical_name, portions
from components.notices import Notices
from components.observe import Alarm, Comparison, Expression, Metric, Observable, Severity
from settings.notices import MuteWindowSettings

RUNBOOKS = "docs/runbooks"

OPERATORS: Mapping[Comparison, str] = {
    "above": "GreaterThanThreshold",
    "at_least": "GreaterThanOrEqualToThreshold",
    "below": "LessThanThreshold",
    "at_most": "LessThanOrEqualToThreshold",
}

PLAIN_STATISTICS = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
"""CloudWatch takes these by one field, and percentiles by another."""

MOST_TOGETHER = 100
"""Alarms that one composite alarm may name, and those that one mute rule may.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MuteTargets.html"""
LONGEST_RULE = 10_240
"""Characters of a composite alarm's rule."""


@dataclass(frozen=True, kw_only=True)
class MadeAlarm:
    """An alarm that is in CloudWatch."""

    name: str
    severity: Severity
    region: str
    resource: aws.cloudwatch.MetricAlarm | aws.cloudwatch.CompositeAlarm

    @property
    def arn(self) -> pulumi.Output[str]:
        return self.resource.arn


@dataclass(frozen=True, kw_only=True)
class AlarmSet:
    """Turns what components want watched into alarms that tell the right people.

    Cost: 0.10 USD a month per alarm, and per metric of an expression (us-east-1, 2026).
    """

    prefix: str
    notices: Notices
    muted: bool
    """True: alarms change colour and tell nobody."""
    made: list[MadeAlarm] = field(default_factory=list, init=False, compare=False)
    """All of them so far, in the order they were made."""

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
        name = physical_name("alarm", self.prefix, component, alarm.name)
        resource = aws.cloudwatch.MetricAlarm(
            f"{component}-{alarm.name}",
            name=name,
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
        self.made.append(
            MadeAlarm(name=name, severity=alarm.severity, region=region, resource=resource)
        )
        return resource


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


@dataclass(frozen=True, kw_only=True)
class OverallArgs:
    alarms: AlarmSet
    """Holding every alarm of the stack: what is made later is neither counted nor muted."""
    mute_windows: Mapping[str, MuteWindowSettings]


class Overall(pulumi.ComponentResource):
    """One light over all alarms, and the hours in which they keep quiet.

    `<prefix>-overall-degraded` is red while any critical alarm of the stack's own region is. Each
    of those wakes somebody by itself, so this one tells info alone: when it began, and when all of
    it was over. Alarms of us-east-1 are no part of it elsewhere, since a rule names none of another
    region.

    A mute window stops what alarms would tell. They change colour all the same, and what is still
    red when it ends is told then:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules.html

    Cost: 0.50 USD a month for a composite alarm (us-east-1, 2026).
    """

    made: tuple[MadeAlarm, ...]
    """Every alarm of the stack, this component's own first."""

    def __init__(
        self, name: str, args: OverallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:alarms:Overall", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        degraded = _degraded(name, args.alarms, child)
        self.made = (*degraded, *args.alarms.made)
        for window, settings in args.mute_windows.items():
            _mute(f"{name}-{window}", settings, self.made, args.alarms.notices.region, child)
        self.register_outputs(
            {
                "alarms": len(self.made),
                "degraded": degraded[0].name if degraded else None,
                "mute_windows": list(args.mute_windows),
            }
        )


def _degraded(name: str, alarms: AlarmSet, opts: pulumi.ResourceOptions) -> tuple[MadeAlarm, ...]:
    own = alarms.notices.region
    critical = [
        alarm for alarm in alarms.made if (alarm.severity, alarm.region) == ("critical", own)
    ]
    if not critical:
        return ()
    parts = portions(critical, MOST_TOGETHER)
    if len(parts) > 1:
        # More than one rule may name: an alarm over alarms over alarms.
        critical = [
            _composite(
                f"{name}-part{suffix}",
                alarms,
                part,
                "Some of the critical alarms, which are too many for one rule.",
                opts,
                heard=False,
            )
            for suffix, part in parts
        ]
    degraded = _composite(
        f"{name}-degraded",
        alarms,
        critical,
        "The platform is degraded: a critical alarm is red. "
        f"Runbook: {RUNBOOKS}/overall.md#degraded",
        opts,
    )
    return (degraded,)


def _composite(
    name: str,
    alarms: AlarmSet,
    any_of: Sequence[MadeAlarm],
    description: str,
    opts: pulumi.ResourceOptions,
    *,
    heard: bool = True,
) -> MadeAlarm:
    """An alarm that is red while any of `any_of` is.

    Raises ValueError when their names are too long for a rule.
    """
    rule = " OR ".join(f'ALARM("{alarm.name}")' for alarm in any_of)
    if len(rule) > LONGEST_RULE:
        raise ValueError(
            f"{name} would name {len(any_of)} alarms in {len(rule)} characters; "
            f"at most {LONGEST_RULE} are allowed: shorten the platform's or the fleets' names"
        )
    own = alarms.notices.region
    actions = [alarms.notices.topic_arns["info"]] if heard else None
    alarm_name = physical_name("alarm", alarms.prefix, name)
    resource = aws.cloudwatch.CompositeAlarm(
        name,
        alarm_name=alarm_name,
        alarm_description=description,
        alarm_rule=rule,
        actions_enabled=not alarms.muted,
        alarm_actions=actions,
        ok_actions=actions,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # Names in a rule are looked up when it is written.
                depends_on=[alarm.resource for alarm in any_of],
                # Muting it replaces it, and a second one of its name cannot stand beside it.
                delete_before_replace=True,
            ),
        ),
    )
    return MadeAlarm(name=alarm_name, severity="info", region=own, resource=resource)


def _mute(
    name: str,
    window: MuteWindowSettings,
    alarms: Sequence[MadeAlarm],
    own: str,
    opts: pulumi.ResourceOptions,
) -> None:
    """Keep `alarms` quiet in `window`, with a rule per region and hundred alarms."""
    hour, minute = (int(part) for part in window.at.split(":"))
    days = ",".join(day.upper() for day in window.days)
    for region in sorted({alarm.region for alarm in alarms}):
        elsewhere = region if region != own else None
        # By name: CloudWatch keeps a list of them, and a new place in the program is no change.
        there = sorted(
            (alarm for alarm in alarms if alarm.region == region), key=lambda alarm: alarm.name
        )
        for suffix, part in portions(there, MOST_TOGETHER):
            aws.cloudwatch.AlarmMuteRule(
                f"{name}{f'-{elsewhere}' if elsewhere else ''}{suffix}",
                description="Planned quiet; alarms change colour and tell nobody.",
                rule={
                    "schedule": {
                        "expression": f"cron({minute} {hour} * * {days})",
                        "duration": f"PT{window.hours}H",
                        "timezone": window.time_zone,
                    }
                },
                # Outputs, and not the names as they are known: a rule must find its alarms.
                mute_targets={"alarm_names": [_name(alarm.resource) for alarm in part]},
                region=elsewhere,
                opts=opts,
            )


def _name(
    alarm: aws.cloudwatch.MetricAlarm | aws.cloudwatch.CompositeAlarm,
) -> pulumi.Output[str]:
    return alarm.alarm_name if isinstance(alarm, aws.cloudwatch.CompositeAlarm) else alarm.name
