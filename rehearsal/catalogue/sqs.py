"""Amazon SQS. Queue attributes travel as a map of text, of which the API's model knows nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs

ATTRIBUTES = {
    "contentBasedDeduplication": "Attributes.ContentBasedDeduplication",
    "deduplicationScope": "Attributes.DeduplicationScope",
    "delaySeconds": "Attributes.DelaySeconds",
    "fifoQueue": "Attributes.FifoQueue",
    "fifoThroughputLimit": "Attributes.FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "Attributes.KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "Attributes.KmsMasterKeyId",
    "maxMessageSize": "Attributes.MaximumMessageSize",
    "messageRetentionSeconds": "Attributes.MessageRetentionPeriod",
    "policy": "Attributes.Policy",
    "receiveWaitTimeSeconds": "Attributes.ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "Attributes.RedriveAllowPolicy",
    "redrivePolicy": "Attributes.RedrivePolicy",
    "sqsManagedSseEnabled": "Attributes.SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "Attributes.VisibilityTimeout",
}


def _prepared(inputs: Inputs) -> Inputs:
    # The API has no FifoQueue=false: a standard queue is one that does not ask.
    if not inputs.get("fifoQueue"):
        inputs.pop("fifoQueue", None)
    return inputs


def _one_encryption(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs.get("sqsManagedSseEnabled") in (True, "true") and inputs.get("kmsMasterKeyId"):
        yield "sqsManagedSseEnabled", "true together with kmsMasterKeyId; SQS takes one of the two"


def _attribute(property: str) -> Entry:
    """A resource that is one attribute of an existing queue."""
    return Entry(
        service="sqs",
        operation="SetQueueAttributes",
        rename={property: ATTRIBUTES[property]},
        documents=(property,),
        id="{queueUrl}",
    )


def _redrive_count(inputs: Inputs) -> Iterator[tuple[str, str]]:
    try:
        policy: Any = json.loads(inputs.get("redrivePolicy") or "{}")
    except ValueError:
        return
    count = policy.get("maxReceiveCount") if isinstance(policy, dict) else None
    if count is not None and not 1 <= int(count) <= 1000:
        yield "redrivePolicy.maxReceiveCount", f"{count} given, 1 to 1000 allowed"


ENTRIES = {
    "Queue": Entry(
        service="sqs",
        operation="CreateQueue",
        kind="Queue",
        rename=ATTRIBUTES,
        ignore={"namePrefix": "it became the name"},
        prepare=_prepared,
        limits={
            "visibilityTimeoutSeconds": range(43201),
            "delaySeconds": range(901),
            "receiveWaitTimeSeconds": range(21),
            "messageRetentionSeconds": range(60, 1209601),
            "maxMessageSize": range(1024, 1048577),
            "kmsDataKeyReusePeriodSeconds": range(60, 86401),
            "deduplicationScope": ("messageGroup", "queue"),
            "fifoThroughputLimit": ("perQueue", "perMessageGroupId"),
        },
        documents=("policy", "redrivePolicy", "redriveAllowPolicy"),
        rules=(_one_encryption, _redrive_count),
        then=(
            Call(
                operation="GetQueueAttributes",
                always=True,
                fixed={"QueueUrl": "{QueueUrl}", "AttributeNames": ["QueueArn"]},
                answer="Attributes",
            ),
        ),
        id="{QueueUrl}",
        outputs={"url": "{QueueUrl}", "arn": "{QueueArn}"},
    ),
    "QueuePolicy": _attribute("policy"),
    "RedriveAllowPolicy": _attribute("redriveAllowPolicy"),
    "RedrivePolicy": _attribute("redrivePolicy"),
}
