"""The budget: what it counts, and who hears of it when."""

from __future__ import annotations

import pytest

from components.budget import Budget, BudgetArgs
from settings.budget import BudgetSettings
from tests.components.parts import ground, silent_notices
from tests.recorder import Recorded, aws_provider, record, with_aws

TAGS = {"Owner": "platform", "Project": "backlot", "Environment": "dev", "ManagedBy": "pulumi"}


def budget(monthly_usd: int = 335) -> Recorded:
    def program() -> None:
        opts = with_aws(aws_provider())
        Budget(
            "budget",
            BudgetArgs(
                settings=BudgetSettings(monthly_usd=monthly_usd),
                place=ground(tags=TAGS),
                notices=silent_notices(opts),
            ),
            opts,
        )

    return record(program)


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
