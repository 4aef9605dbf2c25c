"""Business: the studio's own figures, who may publish them, and when somebody hears of one."""

from __future__ import annotations

from typing import Any

from components.business import Business, BusinessArgs
from components.observe import Metric, Panel
from settings.business import BusinessSettings
from tests.components.parts import export_watched, ground
from tests.recorder import Recorded, aws_provider, record, with_aws


def business(**settings: Any) -> tuple[Business, Recorded]:
    made: list[Business] = []

    def program() -> None:
        component = Business(
            "business",
            BusinessArgs(settings=BusinessSettings(**settings), place=ground()),
            with_aws(aws_provider()),
        )
        made.append(component)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program)
    return made[0], recorded


def shown(panel: Panel) -> list[Metric]:
    return [metric for metric in panel.metrics if isinstance(metric, Metric)]


def test_code_learns_where_to_publish_what():  # M92
    component, _ = business()

    assert component.access().environment == {
        "BUSINESS_NAMESPACE": "backlot-dev/Business",
        "BUSINESS_DURATION_METRIC": "VideoGenerationDuration",
        "BUSINESS_SUCCESS_METRIC": "VideoGenerationSuccessRate",
        "BUSINESS_FAILURES_METRIC": "VideoGenerationFailures",
        "BUSINESS_COST_METRIC": "CostPerVideo",
        "BUSINESS_SPEND_METRIC": "TotalDailySpend",
    }


def test_it_may_publish_into_its_own_namespace_and_no_other():  # M92, M85
    component, _ = business()

    [statement] = component.access().statements
    assert statement.rendered() == {
        "Sid": "PublishBusinessFigures",
        "Effect": "Allow",
        "Action": ["cloudwatch:PutMetricData"],
        "Resource": ["*"],
        "Condition": {"StringEquals": {"cloudwatch:namespace": "backlot-dev/Business"}},
    }


def test_somebody_hears_when_less_than_85_percent_succeed_over_1800_seconds():  # M99
    component, recorded = business()

    [alarm] = component.alarms
    assert (alarm.name, alarm.comparison, alarm.threshold) == ("success-low", "below", 0.85)
    assert (alarm.evaluation_periods, alarm.severity) == (1, "warning")
    assert alarm.runbook == "business.md#success-low"
    assert recorded.outputs["alarms"] == {
        "success-low": {
            "metric": "backlot-dev/Business VideoGenerationSuccessRate",
            "statistic": "Average",
            "period": 1800,
            "dimensions": {},
        }
    }


def test_a_night_in_which_nothing_is_ordered_is_quiet():  # M99
    component, _ = business()

    assert component.alarms[0].missing_data == "notBreaching"


def test_the_spend_of_a_day_is_watched_by_choice():  # M92
    component, recorded = business(daily_spend_alarm_usd=40)
    alarm = component.alarms[1]

    assert (alarm.name, alarm.comparison, alarm.threshold) == ("daily-spend", "above", 40)
    assert (alarm.severity, alarm.missing_data) == ("warning", "ignore")
    assert recorded.outputs["alarms"]["daily-spend"] == {
        "metric": "backlot-dev/Business TotalDailySpend",
        "statistic": "Maximum",
        "period": 3600,
        "dimensions": {},
    }


def test_the_dashboard_shows_all_of_them():  # M91, M92
    component, _ = business()

    assert [
        (panel.group, panel.title, panel.unit, [metric.statistic for metric in shown(panel)])
        for panel in component.panels
    ] == [
        ("Business", "From order to finished piece", "seconds", ["p50", "p95"]),
        ("Business", "Share that succeeds", "share", ["Average"]),
        ("Business", "Pieces that failed", "pieces", ["Sum"]),
        ("Business", "Cost of a piece", "USD", ["Average", "p95"]),
        ("Cost", "Spent by use, a day", "USD", ["Maximum"]),
    ]
    assert shown(component.panels[-1])[0].period == 86_400


def test_names_of_another_trade_are_a_setting():  # M92
    component, recorded = business(duration="ArticleSeconds", success_rate="ArticleSuccess")

    assert component.access().environment["BUSINESS_DURATION_METRIC"] == "ArticleSeconds"
    assert recorded.outputs["alarms"]["success-low"]["metric"].endswith(" ArticleSuccess")
    assert recorded.one("backlot:business:Business").outputs == {
        "namespace": "backlot-dev/Business"
    }
