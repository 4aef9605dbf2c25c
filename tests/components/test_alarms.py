"""Alarms: what an `Alarm` becomes in CloudWatch, and whom it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.alarms import AlarmSet, Overall, OverallArgs
from components.keys import Keys, KeysArgs
from components.notices import Notices, NoticesArgs
from components.observe import Alarm, Comparison, Expression, Metric, Panel, Severity
from rehearsal.contract import Provider
from rehearsal.provider import MotoProvider
from settings.keys import KeysSettings
from settings.notices import MuteWindowSettings, NoticesSettings
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


WINDOW = MuteWindowSettings(days=("sun", "wed"), at="04:30", hours=2, time_zone="Europe/Berlin")


def overall(
    *given: Alarm,
    region: str = "us-east-1",
    muted: bool = False,
    windows: Mapping[str, MuteWindowSettings] | None = None,
    provider: Provider | None = None,
) -> Recorded:
    """The light over the alarms of a stack in `region`."""
    place = replace(ground(), region=region, edge=True)

    def program() -> None:
        opts = with_aws(aws.Provider("aws", region=region))
        settings = KeysSettings(customer_managed=False)
        keys = Keys("keys", KeysArgs(settings=settings, place=place), opts)
        args = NoticesArgs(settings=NoticesSettings(), place=place, keys=keys)
        alarm_set = AlarmSet(prefix=PREFIX, notices=Notices("notices", args, opts), muted=muted)
        alarm_set.watch([Watched("api", given, opts)])
        light = Overall("overall", OverallArgs(alarms=alarm_set, mute_windows=windows or {}), opts)
        pulumi.export("made", [each.name for each in light.made])
        pulumi.export("arns", [each.arn for each in light.made])

    return record(program, provider=provider)


def test_the_platform_is_degraded_while_any_critical_alarm_is_red():  # B47
    recorded = overall(
        alarm(name="errors"), alarm(name="slow", severity="warning"), alarm(name="no-answer")
    )
    degraded = recorded.one("cloudwatch.CompositeAlarm")

    assert degraded["alarm_name"] == "backlot-dev-overall-degraded"
    assert degraded["alarm_rule"] == (
        'ALARM("backlot-dev-api-errors") OR ALARM("backlot-dev-api-no-answer")'
    )
    assert degraded["alarm_description"].endswith("Runbook: docs/runbooks/overall.md#degraded")
    assert {urn.rpartition("::")[2] for urn in degraded.resource.dependencies} >= {
        "api-errors",
        "api-no-answer",
    }


def test_each_critical_alarm_wakes_by_itself_so_the_light_tells_info_alone():
    recorded = overall(alarm())
    degraded = recorded.one("cloudwatch.CompositeAlarm")
    info = recorded.one("sns.Topic", "notices-info").outputs["arn"]

    assert degraded["alarm_actions"] == degraded["ok_actions"] == [info]
    assert degraded["actions_enabled"] is True


def test_muted_notices_mute_the_light_too():
    assert overall(alarm(), muted=True).one("cloudwatch.CompositeAlarm")["actions_enabled"] is False


def test_alarms_of_another_region_are_no_part_of_the_light():  # B55
    recorded = overall(alarm(), alarm(name="down", watch=STATUS), region="eu-west-1")

    assert recorded.one("cloudwatch.CompositeAlarm")["alarm_rule"] == (
        'ALARM("backlot-dev-api-cpu-high")'
    )


def test_a_stack_without_critical_alarms_has_no_light():
    recorded = overall(alarm(severity="warning"))

    assert recorded.all("cloudwatch.CompositeAlarm") == []
    assert recorded.outputs["made"] == ["backlot-dev-api-cpu-high"]


def test_more_alarms_than_a_rule_may_name_are_named_by_parts():
    recorded = overall(*(alarm(name=f"a{number}") for number in range(101)))
    rules = {
        each["alarm_name"]: each["alarm_rule"].count("ALARM(")
        for each in recorded.all("cloudwatch.CompositeAlarm")
    }

    assert rules == {
        "backlot-dev-overall-degraded": 2,
        "backlot-dev-overall-part": 100,
        "backlot-dev-overall-part-2": 1,
    }
    for each in recorded.all("cloudwatch.CompositeAlarm"):
        assert ("alarm_actions" in each) == (each["alarm_name"] == "backlot-dev-overall-degraded")


def test_names_too_long_for_a_rule_are_refused():
    with pytest.raises(AssertionError, match="at most 10240 are allowed: shorten"):
        overall(*(alarm(name=f"{'long' * 30}{number}") for number in range(100)))


def test_the_light_comes_before_all_others_on_the_dashboard():
    recorded = overall(alarm(name="errors"), alarm(name="slow", severity="warning"))

    assert recorded.outputs["made"] == [
        "backlot-dev-overall-degraded",
        "backlot-dev-api-errors",
        "backlot-dev-api-slow",
    ]
    assert recorded.outputs["arns"][0] == recorded.one("cloudwatch.CompositeAlarm").outputs["arn"]


def test_a_mute_window_begins_on_its_days_at_its_hour_and_keeps_every_alarm_quiet():  # B47
    recorded = overall(alarm(), alarm(name="slow", severity="warning"), windows={"upkeep": WINDOW})
    rule = recorded.one("cloudwatch.AlarmMuteRule")

    assert rule.name == "overall-upkeep"
    assert rule["rule"] == {
        "schedule": {
            "expression": "cron(30 4 * * SUN,WED)",
            "duration": "PT2H",
            "timezone": "Europe/Berlin",
        }
    }
    assert rule["mute_targets"] == {
        "alarm_names": [
            "backlot-dev-api-cpu-high",
            "backlot-dev-api-slow",
            "backlot-dev-overall-degraded",
        ]
    }
    assert "region" not in rule


def test_a_mute_window_is_the_same_whichever_alarm_the_program_makes_first():
    pair = (alarm(), alarm(name="slow", severity="warning"))
    first, second = (
        overall(*order, windows={"upkeep": WINDOW}).one("cloudwatch.AlarmMuteRule")
        for order in (pair, pair[::-1])
    )

    assert first["mute_targets"] == second["mute_targets"]


def test_alarms_elsewhere_are_muted_where_they_are():  # B55
    recorded = overall(
        alarm(),
        alarm(name="down", watch=STATUS),
        region="eu-west-1",
        windows={"upkeep": WINDOW},
    )
    elsewhere = recorded.one("cloudwatch.AlarmMuteRule", "overall-upkeep-us-east-1")

    assert elsewhere["region"] == "us-east-1"
    assert elsewhere["mute_targets"] == {"alarm_names": ["backlot-dev-api-down"]}
    here = recorded.one("cloudwatch.AlarmMuteRule", "overall-upkeep")
    assert "backlot-dev-api-down" not in here["mute_targets"]["alarm_names"]


def test_a_mute_rule_takes_a_hundred_alarms():
    recorded = overall(
        *(alarm(name=f"a{number}", severity="info") for number in range(101)),
        windows={"upkeep": WINDOW},
    )

    assert {
        rule.name: len(rule["mute_targets"]["alarm_names"])
        for rule in recorded.all("cloudwatch.AlarmMuteRule")
    } == {"overall-upkeep": 100, "overall-upkeep-2": 1}


def test_without_a_window_nothing_is_muted():
    assert overall(alarm()).all("cloudwatch.AlarmMuteRule") == []


def test_aws_takes_the_light_and_the_windows():
    with MotoProvider() as account:
        recorded = overall(
            alarm(),
            alarm(name="down", watch=STATUS),
            region="eu-west-1",
            windows={"upkeep": WINDOW},
            provider=account,
        )

    # What they watch is not there; everything else is.
    assert [each for each in recorded.findings if each.check != "reference"] == []
