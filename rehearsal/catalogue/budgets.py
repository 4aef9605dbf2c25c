"""AWS Budgets."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.catalogue.entry import Entry, Inputs

SUBSCRIBERS = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}


def _budget(inputs: Inputs) -> Inputs:
    for name in ("timePeriodStart", "timePeriodEnd"):
        # Terraform writes 2026-01-01_00:00.
        if isinstance(inputs.get(name), str):
            inputs[name] = inputs[name].replace("_", "T")
    if isinstance(inputs.get("costFilters"), list):
        inputs["costFilters"] = {
            str(one.get("name")): one.get("values") for one in inputs["costFilters"]
        }
    if isinstance(inputs.get("plannedLimits"), list):
        inputs["plannedLimits"] = {
            str(limit.get("startTime")): {key: limit.get(key) for key in ("amount", "unit")}
            for limit in inputs["plannedLimits"]
        }
    for notification in inputs.get("notifications") or ():
        if isinstance(notification, dict):
            notification["subscribers"] = [
                {"subscriptionType": kind, "address": address}
                for name, kind in SUBSCRIBERS.items()
                for address in notification.pop(name, None) or ()
            ]
    return inputs


def _limit(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs.get("plannedLimits") or inputs.get("autoAdjustData"):
        return
    for name, example in (("limitAmount", "335"), ("limitUnit", "USD")):
        if not inputs.get(name):
            yield name, f"nothing was given, a budget needs one, such as {example}"
    try:
        if float(inputs.get("limitAmount") or 1) <= 0:
            yield "limitAmount", f"{inputs['limitAmount']} given, more than 0 is needed"
    except ValueError:
        yield "limitAmount", f'"{inputs["limitAmount"]}" is not a number'


def _notified(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for at, notification in enumerate(inputs.get("notifications") or ()):
        if not any(notification.get(name) for name in SUBSCRIBERS):
            yield f"notifications[{at}]", "no subscriber was given, a notification needs one"


ENTRIES = {
    "Budget": Entry(
        service="budgets",
        operation="CreateBudget",
        inside="Budget",
        kind="Budget",
        rename={
            "accountId": "/AccountId",
            "name": "BudgetName",
            "limitAmount": "BudgetLimit.Amount",
            "limitUnit": "BudgetLimit.Unit",
            "timePeriodStart": "TimePeriod.Start",
            "timePeriodEnd": "TimePeriod.End",
            "plannedLimits": "PlannedBudgetLimits",
            "notifications": "/NotificationsWithSubscribers",
            **{
                f"notifications.{name}": f"Notification.{member}"
                for name, member in (
                    ("comparisonOperator", "ComparisonOperator"),
                    ("notificationType", "NotificationType"),
                    ("threshold", "Threshold"),
                    ("thresholdType", "ThresholdType"),
                )
            },
            "tags": "/ResourceTags",
        },
        ignore={"namePrefix": "it became the name"},
        fixed={"AccountId": "{account}"},
        prepare=_budget,
        rules=(_limit, _notified),
        id="{account}:{name}",
        outputs={
            "arn": "arn:aws:budgets::{account}:budget/{name}",
            "accountId": "{account}",
        },
    ),
}
