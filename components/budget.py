"""The budget: who hears of it when a month, or a day, costs more than it should."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.ground import GLOBAL_REGION, STACK_TAGS, Place
from components.naming import physical_name
from components.notices import Notices
from components.observe import DAY_SECONDS, Alarm, Metric, Panel, Severity
from settings.budget import BudgetSettings


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    settings: BudgetSettings
    place: Place
    """Its prefix names the budget, and its tags Project and Environment pick the costs."""
    notices: Notices


class Budget(pulumi.ComponentResource):
    """A monthly cost budget over what carries the stack's tags (M121), and by choice an eye on
    days that are unlike the others (B49).

    The eye looks at the tag `Environment` alone, because AWS lets such a monitor have one. A
    monitor of the whole account by service would see finer, but an account has but one, and AWS
    makes it by itself: a second is refused.

    It counts nothing until `Project` and `Environment` are activated as cost allocation tags in
    the billing console of the account that pays, once; activation takes up to a day:
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html

    The panel shows the bill of the account so far this month, whichever stack made it. It stays
    empty until the account lets CloudWatch see its bill:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html

    Cost: none; budgets that only notify, and anomaly detection, are free.
    """

    name: pulumi.Output[str]
    alarms: tuple[Alarm, ...] = ()
    """None: it tells the topics itself."""
    panels: tuple[Panel, ...]

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

        if args.settings.anomaly_usd is not None:
            _watch_days(f"{name}-anomalies", args, args.settings.anomaly_usd, child)

        self.name = budget.name
        self.panels = (_bill(),)
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


def _watch_days(name: str, args: BudgetArgs, usd: int, opts: pulumi.ResourceOptions) -> None:
    monitor = aws.costexplorer.AnomalyMonitor(
        name,
        name=f"{args.place.prefix}-spend",
        monitor_type="CUSTOM",
        monitor_specification=_costs_tagged("Environment", args.place.tags["Environment"]),
        opts=opts,
    )
    aws.costexplorer.AnomalySubscription(
        name,
        name=f"{args.place.prefix}-spend",
        # At once is for topics, and topics are for at once.
        frequency="IMMEDIATE",
        monitor_arn_lists=[monitor.arn],
        subscribers=[{"type": "SNS", "address": args.notices.topic_arns["warning"]}],
        threshold_expression={
            "dimension": {
                "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                "match_options": ["GREATER_THAN_OR_EQUAL"],
                "values": [str(usd)],
            }
        },
        opts=opts,
    )


def _costs_tagged(key: str, value: str) -> str:
    """Every member of the expression, null where it says nothing: so the provider reads it back.
    One with fewer would be another to it, and every `pulumi up` would replace the monitor.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ce_anomaly_monitor
    """
    silent = dict.fromkeys(("And", "CostCategories", "Dimensions", "Not", "Or"))
    return json.dumps({**silent, "Tags": {"Key": key, "MatchOptions": None, "Values": [value]}})


def _bill() -> Panel:
    return Panel(
        group="Cost",
        title="The account's bill this month",
        unit="USD",
        metrics=[
            Metric(
                namespace="AWS/Billing",
                name="EstimatedCharges",
                dimensions={"Currency": "USD"},
                statistic="Maximum",
                period=DAY_SECONDS,
                label="so far",
                # Billing reports there alone.
                region=GLOBAL_REGION,
            )
        ],
    )
