"""Application Auto Scaling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope


def _capacity(inputs: Inputs) -> Iterator[tuple[str, str]]:
    low, high = inputs.get("minCapacity"), inputs.get("maxCapacity")
    if low is not None and high is not None and float(low) > float(high):
        yield "minCapacity", f"{low} given, at most maxCapacity ({high}) is allowed"


def _policy(inputs: Inputs) -> Inputs:
    inputs.setdefault("policyType", "StepScaling")
    return inputs


def _alarms(scope: Scope) -> Any:
    alarms = scope.find("Alarms")
    return [alarm["AlarmARN"] for alarm in alarms] if isinstance(alarms, list) else None


ENTRIES = {
    "Target": Entry(
        service="application-autoscaling",
        operation="RegisterScalableTarget",
        rules=(_capacity,),
        id="{resourceId}",
        outputs={"arn": "{ScalableTargetARN}"},
    ),
    "Policy": Entry(
        service="application-autoscaling",
        operation="PutScalingPolicy",
        kind="Policy",
        rename={
            "predictiveScalingPolicyConfiguration.metricSpecifications": "MetricSpecifications"
        },
        prepare=_policy,
        id="{name}",
        outputs={"arn": "{PolicyARN}", "alarmArns": _alarms},
    ),
    "ScheduledAction": Entry(
        service="application-autoscaling",
        operation="PutScheduledAction",
        kind="ScheduledAction",
        then=(
            Call(
                operation="DescribeScheduledActions",
                always=True,
                fixed={
                    "ServiceNamespace": "{serviceNamespace}",
                    "ScheduledActionNames": ["{name}"],
                },
                answer="ScheduledActions.0",
            ),
        ),
        id="{name}-{serviceNamespace}-{resourceId}",
        outputs={"arn": "{ScheduledActionARN}"},
    ),
}
