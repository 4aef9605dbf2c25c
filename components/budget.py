"""The budget: who hears of it when a month costs more than it should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.ground import Place
from components.naming import physical_name
from components.notices import Notices
from components.observe import Severity
from settings.budget import BudgetSettings

STACK_TAGS = ("Project", "Environment")
"""What tells one stack's bill from another's."""


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    settings: BudgetSettings
    place: Place
    """Its prefix names the budget, and its tags Project and Environment pick the costs."""
    notices: Notices


class Budget(pulumi.ComponentResource):
    """A monthly cost budget over what carries the stack's tags (M121).

    It counts nothing until `Project` and `Environment` are activated as cost allocation tags in
    the billing console of the account that pays, once; activation takes up to a day:
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html

    Cost: none; budgets that only notify are free.
    """

    name: pulumi.Output[str]

    def __init__(
        self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:budget:Budget", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        budget = aws.budgets.Budget(
            f"{name}-monthly",
            name=physical_name("budget", args.place.prefix),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.settings.monthly_usd),
            limit_unit="USD",
            metrics="UnblendedCost",
            filter_expression=_of_the_stack(args.place.tags),
            notifications=[
                _notice("ACTUAL", 80, "warning", args.notices),
                _notice("FORECASTED", 100, "warning", args.notices),
                _notice("ACTUAL", 100, "critical", args.notices),
            ],
            opts=child,
        )

        self.name = budget.name
        self.register_outputs({"name": self.name, "monthly_usd": args.settings.monthly_usd})


def _of_the_stack(tags: Mapping[str, str]) -> aws.budgets.BudgetFilterExpressionArgs:
    # Not `cost_filters`: AWS deprecates them, and leaves open whether two tags there mean both.
    return aws.budgets.BudgetFilterExpressionArgs(
        ands=[
            aws.budgets.BudgetFilterExpressionAndArgs(
                tags=aws.budgets.BudgetFilterExpressionAndTagsArgs(key=key, values=[tags[key]])
            )
            for key in STACK_TAGS
        ]
    )


def _notice(
    kind: Literal["ACTUAL", "FORECASTED"], percent: int, severity: Severity, notices: Notices
) -> aws.budgets.BudgetNotificationArgs:
    return aws.budgets.BudgetNotificationArgs(
        notification_type=kind,
        comparison_operator="GREATER_THAN",
        threshold=percent,
        threshold_type="PERCENTAGE",
        subscriber_sns_topic_arns=[notices.topic_arns[severity]],
    )
