"""AWS Security Hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope


def _subscription(scope: Scope) -> Any:
    """`.../aws-foundational-security-best-practices/v/1.0.0`, as the standard's own ARN ends."""
    standard = str(scope.find("standardsArn")).partition("/")[2]
    place = f"{scope.find('region')}:{scope.find('account')}"
    return f"arn:aws:securityhub:{place}:subscription/{standard}"


def _of_the_region(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/standards-reference.html"""
    parts = str(inputs.get("standardsArn")).split(":")
    region = parts[3] if len(parts) > 3 else ""
    if region and region != inputs["region"]:
        yield "standardsArn", f"is of {region}, that of {inputs['region']} is needed"


ENTRIES = {
    "Account": Entry(
        service="securityhub",
        operation="EnableSecurityHub",
        then=(
            Call(
                operation="UpdateSecurityHubConfiguration",
                takes=("autoEnableControls",),
                shadow="moto turns Security Hub on and knows no more of it",
            ),
        ),
        id="{account}",
        outputs={"arn": "arn:aws:securityhub:{region}:{account}:hub/default"},
    ),
    "StandardsSubscription": Entry(
        service="securityhub",
        operation="BatchEnableStandards",
        shadow="moto has no standards",
        rename={"standardsArn": "StandardsSubscriptionRequests[].StandardsArn"},
        rules=(_of_the_region,),
        id=_subscription,
        outputs={"arn": _subscription},
    ),
}
