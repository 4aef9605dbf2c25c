"""AWS CloudTrail."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.catalogue.entry import Call, Entry, Inputs

LONGEST_PREFIX = 200
"""https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html"""


def _trail(inputs: Inputs) -> Inputs:
    # The API makes a trail that does not log yet; the provider starts it unless told not to.
    if not inputs.setdefault("enableLogging", True):
        del inputs["enableLogging"]
    return inputs


def _prefix(inputs: Inputs) -> Iterator[tuple[str, str]]:
    prefix = inputs.get("s3KeyPrefix")
    if isinstance(prefix, str) and len(prefix) > LONGEST_PREFIX:
        yield "s3KeyPrefix", f"{len(prefix)} characters given, at most {LONGEST_PREFIX} allowed"


def _to_logs(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://www.pulumi.com/registry/packages/aws/api-docs/cloudtrail/trail/"""
    group, role = inputs.get("cloudWatchLogsGroupArn"), inputs.get("cloudWatchLogsRoleArn")
    if bool(group) != bool(role):
        missing = "cloudWatchLogsRoleArn" if group else "cloudWatchLogsGroupArn"
        yield missing, "nothing was given, a trail needs both a log group and a role for it"
    if isinstance(group, str) and not group.endswith(":*"):
        yield "cloudWatchLogsGroupArn", f'"{group}" given, CloudTrail wants it to end in :*'


def _everywhere(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html"""
    if inputs.get("isMultiRegionTrail") and inputs.get("includeGlobalServiceEvents") is False:
        yield "includeGlobalServiceEvents", "false given, a trail of all regions includes them"


def _selectors(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html"""
    if inputs.get("eventSelectors") and inputs.get("advancedEventSelectors"):
        yield "eventSelectors", "given together with advancedEventSelectors; a trail takes one"


ENTRIES = {
    "Trail": Entry(
        service="cloudtrail",
        operation="CreateTrail",
        rename={"cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn"},
        prepare=_trail,
        rules=(_prefix, _to_logs, _everywhere, _selectors),
        then=(
            Call(
                operation="PutEventSelectors",
                takes=("eventSelectors", "advancedEventSelectors"),
                fixed={"TrailName": "{name}"},
            ),
            Call(
                operation="PutInsightSelectors",
                takes=("insightSelectors",),
                fixed={"TrailName": "{name}"},
            ),
            Call(
                operation="StartLogging",
                takes=("enableLogging",),
                ignore={"enableLogging": "the call itself"},
                fixed={"Name": "{name}"},
            ),
        ),
        id="{TrailARN}",
        outputs={
            "arn": "{TrailARN}",
            "homeRegion": "{region}",
            "snsTopicArn": "{SnsTopicARN}",
        },
    ),
}
