"""The budget: what it counts, and who hears of it when."""

from __future__ import annotations

import pytest

from components.budget import Budget, BudgetArgs
from components.observe import Metric
from rehearsal.provider import MotoProvider
from settings.budget import BudgetSettings
from tests.components.parts import ground, silent_notices
from tests.recorder import Recorded, aws_provider, record, with_aws

TAGS = {"Owner": "platform", "Project": "backlot", "Environment": "dev", "ManagedBy": "pulumi"}


def build(monthly_usd: int = 335, anomaly_usd: int | None = None) -> Budget:
    opts = with_aws(aws_provider())
    return Budget(
        "budget",
        BudgetArgs(
            settings=BudgetSettings(monthly_usd=monthly_usd, anomaly_usd=anomaly_usd),
            place=ground(tags=TAGS),
            notices=silent_notices(opts),
        ),
        opts,
    )


def budget(monthly_usd: int = 335, anomaly_usd: int | None = None) -> Recorded:
    return record(lambda: build(monthly_usd, anomaly_usd))


@pytest.mark.parametrize("monthly_usd", [335, 1000, 2600])  # M121
def test_the_limit_is_the_months_dollars(monthly_usd: int):
    limit = budget(monthly_usd).one("budgets.Budget")

    assert limit["limit_amount"] == str(monthly_usd)
    assert limit["limit_unit"] == "USD"
    assert limit["time_unit"] == "MONTHLY"
    assert limit["budget_type"] == "COST"
    assert limit["name"] == "backlot-dev"


def test_it_counts_only_what_carries_both_of_the_stacks_tags():  # M121
    counted = budget().one("budgets.Budget")

    assert counted["filter_expression"] == {
        "ands": [
            {"tags": {"key": "Project", "values": ["backlot"]}},
            {"tags": {"key": "Environment", "values": ["dev"]}},
        ]
    }
    assert counted["metrics"] == "UnblendedCost"
    assert "cost_filters" not in counted
    assert "cost_types" not in counted


def test_it_warns_at_80_percent_and_on_the_forecast_and_is_critical_at_100_percent():  # M121
    recorded = budget()
    warning = recorded.one("sns.Topic", "notices-warning").outputs["arn"]
    critical = recorded.one("sns.Topic", "notices-critical").outputs["arn"]

    assert [
        (
            notice["notification_type"],
            notice["comparison_operator"],
            notice["threshold"],
            notice["threshold_type"],
            notice["subscriber_sns_topic_arns"],
        )
        for notice in recorded.one("budgets.Budget")["notifications"]
    ] == [
        ("ACTUAL", "GREATER_THAN", 80, "PERCENTAGE", [warning]),
        ("FORECASTED", "GREATER_THAN", 100, "PERCENTAGE", [warning]),
        ("ACTUAL", "GREATER_THAN", 100, "PERCENTAGE", [critical]),
    ]


def test_the_budget_belongs_to_its_component():
    recorded = budget()
    component = recorded.one("backlot:budget:Budget")

    assert recorded.one("budgets.Budget").parent == component.urn
    assert component.outputs == {"name": "backlot-dev", "monthly_usd": 335}


def test_a_day_unlike_the_others_is_a_warning_at_once():  # B49
    recorded = budget(anomaly_usd=50)
    monitor = recorded.one("costexplorer.AnomalyMonitor")
    subscription = recorded.one("costexplorer.AnomalySubscription")

    assert monitor["monitor_type"] == "CUSTOM"
    assert monitor.json("monitor_specification")["Tags"] == {
        "Key": "Environment",
        "MatchOptions": None,
        "Values": ["dev"],
    }
    assert subscription["frequency"] == "IMMEDIATE"
    assert subscription["monitor_arn_lists"] == [monitor.outputs["arn"]]
    assert subscription["subscribers"] == [
        {"type": "SNS", "address": recorded.one("sns.Topic", "notices-warning").outputs["arn"]}
    ]
    assert subscription["threshold_expression"] == {
        "dimension": {
            "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
            "match_options": ["GREATER_THAN_OR_EQUAL"],
            "values": ["50"],
        }
    }


def test_the_monitor_is_written_as_it_is_read_back_or_every_update_would_replace_it():  # B49
    specification = (
        budget(anomaly_usd=50).one("costexplorer.AnomalyMonitor").json("monitor_specification")
    )

    assert set(specification) == {"And", "CostCategories", "Dimensions", "Not", "Or", "Tags"}
    assert {key for key, said in specification.items() if said is not None} == {"Tags"}


def test_without_a_figure_nobody_watches_the_days():  # B49
    recorded = budget()

    assert recorded.all("costexplorer.AnomalyMonitor") == []
    assert recorded.all("costexplorer.AnomalySubscription") == []


def test_the_dashboard_shows_the_bill_a_day_from_where_billing_reports():  # M91
    made: list[Budget] = []
    record(lambda: made.append(build()))

    [panel] = made[0].panels
    [bill] = panel.metrics
    assert isinstance(bill, Metric)
    assert (panel.group, panel.unit) == ("Cost", "USD")
    assert (bill.namespace, bill.name) == ("AWS/Billing", "EstimatedCharges")
    assert (bill.statistic, bill.period, bill.region) == ("Maximum", 86_400, "us-east-1")
    assert bill.dimensions == {"Currency": "USD"}
    assert made[0].alarms == ()


def test_aws_takes_all_of_it():  # M121, B49
    with MotoProvider() as account:
        recorded = record(lambda: build(anomaly_usd=50), provider=account)

    assert recorded.findings == []
