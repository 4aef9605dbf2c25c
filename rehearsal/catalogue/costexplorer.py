"""AWS Cost Explorer: anomalies of what is spent."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rehearsal.catalogue.entry import Entry, Inputs

WHY = "moto has categories of cost, and no anomalies"

MONITOR = "arn:aws:ce::{account}:anomalymonitor/{uuid}"
SUBSCRIPTION = "arn:aws:ce::{account}:anomalysubscription/{uuid}"


def _monitor(inputs: Inputs) -> Inputs:
    try:
        if isinstance(text := inputs.get("monitorSpecification"), str):
            inputs["monitorSpecification"] = json.loads(text)
    except ValueError:
        del inputs["monitorSpecification"]
    return inputs


WATCHED = {"DIMENSIONAL": "monitorDimension", "CUSTOM": "monitorSpecification"}
"""https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_AnomalyMonitor.html"""


def _watched(inputs: Inputs) -> Iterator[tuple[str, str]]:
    kind = str(inputs.get("monitorType"))
    if (needed := WATCHED.get(kind)) and not inputs.get(needed):
        yield needed, f"nothing was given, a monitor of the type {kind} needs it"


def _told(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_AnomalySubscription.html"""
    frequency = inputs.get("frequency")
    taken = "SNS" if frequency == "IMMEDIATE" else "EMAIL"
    for at, subscriber in enumerate(inputs.get("subscribers") or ()):
        given = subscriber.get("type")
        if given in ("EMAIL", "SNS") and given != taken:
            yield f"subscribers[{at}].type", f"{given} given, {frequency} notices go to {taken}"


def _threshold(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if not inputs.get("thresholdExpression"):
        yield "thresholdExpression", "nothing was given, a subscription needs one"


ENTRIES = {
    "AnomalyMonitor": Entry(
        service="ce",
        operation="CreateAnomalyMonitor",
        inside="AnomalyMonitor",
        shadow=WHY,
        rename={"name": "MonitorName", "tags": "/ResourceTags"},
        prepare=_monitor,
        documents=("monitorSpecification",),
        rules=(_watched,),
        id=MONITOR,
        outputs={"arn": MONITOR},
    ),
    "AnomalySubscription": Entry(
        service="ce",
        operation="CreateAnomalySubscription",
        inside="AnomalySubscription",
        shadow=WHY,
        rename={
            "name": "SubscriptionName",
            "tags": "/ResourceTags",
            **{
                f"thresholdExpression.{inner}costCategory": "CostCategories"
                for inner in ("", "ands.", "ors.", "not.")
            },
        },
        rules=(_told, _threshold),
        id=SUBSCRIPTION,
        outputs={"arn": SUBSCRIPTION, "accountId": "{account}"},
    ),
}
