"""AWS X-Ray."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.catalogue.entry import Entry, Inputs, under

WHY = "moto takes traces, and no rules or groups of them"


def _notified(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/xray/latest/api/API_InsightsConfiguration.html"""
    path = "insightsConfiguration.notificationsEnabled"
    if under(inputs, path) and not under(inputs, "insightsConfiguration.insightsEnabled"):
        yield path, "true given, insightsEnabled has to be true as well"


ENTRIES = {
    "SamplingRule": Entry(
        service="xray",
        operation="CreateSamplingRule",
        inside="SamplingRule",
        shadow=WHY,
        rename={"tags": "/Tags"},
        id="{ruleName}",
        outputs={"arn": "arn:aws:xray:{region}:{account}:sampling-rule/{ruleName}"},
    ),
    "Group": Entry(
        service="xray",
        operation="CreateGroup",
        shadow=WHY,
        rules=(_notified,),
        id="arn:aws:xray:{region}:{account}:group/{groupName}/{hex}",
        outputs={"arn": "arn:aws:xray:{region}:{account}:group/{groupName}/{hex}"},
    ),
}
