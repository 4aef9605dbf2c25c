"""Alarms: what an `Alarm` becomes in CloudWatch, and whom it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.alarms import AlarmSet
from components.keys import Keys, KeysArgs
from components.notices import Notices, NoticesArgs
from components.observe import Alarm, Comparison, Expression, Metric, Panel, Severity
from settings.keys import KeysSettings
from settings.notices import NoticesSettings
from tests.components.parts import PREFIX, ground, silent_notices
from tests.recorder import Node, Recorded, aws_provider, record, with_aws

CPU = Metric(namespace="AWS/RDS", name="CPUUtilization", dimensions={"DBInstanceIdentifier": "db"})
STATUS = Metric(
    namespace="AWS/Route53",
    name="HealthCheckStatus",
    dimensions={"HealthCheckId": "check"},
    region="us-east-1",
)
"""What Route 53 measures in us-east-1 alone."""


class Watched(pulumi.ComponentResource):
    """Stands for any component that hands out alarms."""

    panels: Sequence[Panel] = ()

    def __init__(
        self, name: str, alarms: Sequence[Alarm], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:tests:Watched", name, None, opts)
        self.alarms = alarms
        self.register_outputs({"watched": True})


def alarm(**given: Any) -> Alarm:
    return Alarm(
        **{
            "name": "cpu-high",
            "summary": "Queries are slow.",
            "watch": CPU,
            "comparison": "above",
            "threshold": 80,
            "severity": "critical",
            "runbook": "database.md#cpu-high",
            **given,
        }
    )


def alarms(*given: Alarm, muted: bool = False) -> Recorded:
    def program() -> None:
        opts = with_aws(aws_provider())
        watched = Watched("database", given, opts)
        AlarmSet(prefix=PREFIX, notices=silent_notices(opts), muted=muted).watch([watched])

    return record(program)


def made(given: Alarm, *, muted: bool = False) -> Node:
    return alarms(given, muted=muted).one("cloudwatch.MetricAlarm")


def test_an_alarm_hangs_below_what_it_watches_and_is_named_after_it():
    recorded = alarms(alarm())
    node = recorded.one("cloudwatch.MetricAlarm")

    assert node.parent == recorded.one("backlot:tests:Watched").urn
    assert node.name == "database-cpu-high"
    assert node["name"] == "backlot-dev-database-cpu-high"


def test_whoever_is_woken_reads_what_is_wrong_and_where_to_look():
    assert made(alarm())["alarm_description"] == (
        "Queries are slow. Runbook: docs/runbooks/database.md#cpu-high"
    )


def test_a_plain_metric_is_watched_with_its_own_period():
    metric = Metric(
        namespace="AWS/RDS",
        name="CPUUtilization",
        dimensions={"DBInstanceIdentifier": "db"},
        statistic="Maximum",
        period=60,
    )
    node = made(alarm(watch=metric, threshold=80, evaluation_periods=3, missing_data="breaching"))

    assert node["namespace"] == "AWS/RDS"
    assert node["metric_name"] == "CPUUtilization"
    assert node["dimensions"] == {"DBInstanceIdentifier": "db"}
    assert node["statistic"] == "Maximum"
    assert node["period"] == 60
    assert node["threshold"] == 80
    assert node["evaluation_periods"] == 3
    assert node["treat_missing_data"] == "breaching"
    assert "datapoints_to_alarm" not in node
    assert "extended_statistic" not in node
    assert "metric_queries" not in node


def test_a_percentile_goes_where_cloudwatch_wants_it():
    metric = Metric(namespace="AWS/X", name="Latency", dimensions={}, statistic="p95")
    node = made(alarm(watch=metric))

    assert node["extended_statistic"] == "p95"
    assert "statistic" not in node


def test_some_of_the_datapoints_may_be_enough():
    assert made(alarm(evaluation_periods=5, datapoints=3))["datapoints_to_alarm"] == 3


@pytest.mark.parametrize(
    ("comparison", "operator"),
    [
        ("above", "GreaterThanThreshold"),
        ("at_least", "GreaterThanOrEqualToThreshold"),
        ("below", "LessThanThreshold"),
        ("at_most", "LessThanOrEqualToThreshold"),
    ],
)
def test_comparisons_are_spelt_as_cloudwatch_does(comparison: Comparison, operator: str):
    assert made(alarm(comparison=comparison))["comparison_operator"] == operator


def test_an_expression_is_judged_over_its_metrics():
    node = made(
        alarm(
            watch=Expression(
                text="bad / all",
                metrics={
                    "bad": Metric(namespace="N", name="Bad", dimensions={"A": "1"}, period=60),
                    "all": Metric(namespace="N", name="All", dimensions={"A": "1"}, period=60),
                },
                label="share",
            )
        )
    )

    assert node["metric_queries"] == [
        {
            "id": "all",
            "metric": {
                "namespace": "N",
                "metric_name": "All",
                "dimensions": {"A": "1"},
                "period": 60,
                "stat": "Average",
            },
            "return_data": False,
        },
        {
            "id": "bad",
            "metric": {
                "namespace": "N",
                "metric_name": "Bad",
                "dimensions": {"A": "1"},
                "period": 60,
                "stat": "Average",
            },
            "return_data": False,
        },
        {"id": "judged", "expression": "bad / all", "label": "share", "return_data": True},
    ]
    for key in ("namespace", "metric_name", "dimensions", "period", "statistic"):
        assert key not in node


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_an_alarm_tells_the_topic_of_its_severity_when_it_starts_and_when_it_ends(
    severity: Severity,
):  # M101
    recorded = alarms(alarm(severity=severity))
    node = recorded.one("cloudwatch.MetricAlarm")
    topic = recorded.one("sns.Topic", f"notices-{severity}").outputs["arn"]

    assert node["actions_enabled"] is True
    assert node["alarm_actions"] == [topic]
    assert node["ok_actions"] == [topic]
    assert "insufficient_data_actions" not in node


def test_a_muted_alarm_changes_colour_and_tells_nobody():
    assert made(alarm(), muted=True)["actions_enabled"] is False


def test_every_alarm_of_a_component_is_made():
    recorded = alarms(alarm(), alarm(name="memory-low", comparison="below"))

    assert recorded.names("cloudwatch.MetricAlarm") == [
        "database-cpu-high",
        "database-memory-low",
    ]


def test_a_component_without_alarms_gets_none():
    assert alarms().all("cloudwatch.MetricAlarm") == []


def alarms_in(region: str, *given: Alarm, edge: bool = True) -> Recorded:
    """The alarms of a stack in `region`."""
    place = replace(ground(), region=region)

    def program() -> None:
        opts = with_aws(aws.Provider("aws", region=region))
        settings = KeysSettings(customer_managed=False)
        keys = Keys("keys", KeysArgs(settings=settings, place=place), opts)
        args = NoticesArgs(settings=NoticesSettings(), place=replace(place, edge=edge), keys=keys)
        notices = Notices("notices", args, opts)
        watched = Watched("uptime", given, opts)
        AlarmSet(prefix=PREFIX, notices=notices, muted=False).watch([watched])

    return record(program)


def test_an_alarm_lives_where_its_metric_does_and_tells_topics_there():  # B55, M26
    recorded = alarms_in("eu-west-1", alarm(name="down", watch=STATUS))
    node = recorded.one("cloudwatch.MetricAlarm")
    topic = recorded.one("sns.Topic", "notices-edge-critical").outputs["arn"]

    assert node["region"] == "us-east-1"
    assert topic.split(":")[3] == "us-east-1"
    assert node["alarm_actions"] == node["ok_actions"] == [topic]


def test_an_expression_takes_its_alarm_along():  # B55
    share = Expression(text="a", metrics={"a": STATUS}, label="share")

    assert alarms_in("eu-west-1", alarm(watch=share)).one("cloudwatch.MetricAlarm")["region"] == (
        "us-east-1"
    )


def test_an_alarm_of_the_stacks_own_region_does_not_name_it():  # B55
    for region, watch in (("eu-west-1", CPU), ("us-east-1", CPU), ("us-east-1", STATUS)):
        recorded = alarms_in(region, alarm(watch=watch))
        node = recorded.one("cloudwatch.MetricAlarm")

        assert "region" not in node
        assert node["alarm_actions"] == [
            recorded.one("sns.Topic", "notices-critical").outputs["arn"]
        ]


def test_an_alarm_that_nobody_would_hear_is_refused():  # B55
    with pytest.raises(AssertionError, match="no topics in us-east-1, only in eu-west-1"):
        alarms_in("eu-west-1", alarm(watch=STATUS), edge=False)


def test_a_single_alarm_can_be_made_apart_from_the_others():
    def program() -> None:
        opts = with_aws(aws_provider())
        watched = Watched("api", (), opts)
        alarm_set = AlarmSet(prefix=PREFIX, notices=silent_notices(opts), muted=False)
        pulumi.export("arn", alarm_set.make("api", alarm(name="errors"), watched).arn)

    recorded = record(program)
    node = recorded.one("cloudwatch.MetricAlarm")

    assert node.name == "api-errors"
    assert node.parent == recorded.one("backlot:tests:Watched").urn
    assert recorded.outputs["arn"] == node.outputs["arn"]


def test_what_is_no_component_cannot_be_watched():
    class Loose:
        pulumi_resource_name = "loose"
        alarms = (alarm(),)
        panels = ()

    def program() -> None:
        alarm_set = AlarmSet(
            prefix=PREFIX, notices=silent_notices(with_aws(aws_provider())), muted=False
        )
        with pytest.raises(TypeError, match="must be a component"):
            alarm_set.watch([Loose()])

    record(program)
