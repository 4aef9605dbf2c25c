"""Amazon SNS. Topic and subscription attributes travel as a map of text."""

from __future__ import annotations

from rehearsal.catalogue.entry import Entry, Inputs


def _named(member: str) -> str:
    return member[0].upper() + member[1:]


FEEDBACK = {
    f"{protocol}{outcome}": f"Attributes.{spelled}{_named(outcome)}"
    for protocol, spelled in (
        ("application", "Application"),
        ("firehose", "Firehose"),
        ("http", "HTTP"),
        ("lambda", "Lambda"),
        ("sqs", "SQS"),
    )
    for outcome in (
        "FailureFeedbackRoleArn",
        "SuccessFeedbackRoleArn",
        "SuccessFeedbackSampleRate",
    )
}


def _attributes(*properties: str) -> dict[str, str]:
    return {name: f"Attributes.{_named(name)}" for name in properties}


def _topic(inputs: Inputs) -> Inputs:
    # The API has no FifoTopic=false: a standard topic is one that does not ask.
    if not inputs.get("fifoTopic"):
        inputs.pop("fifoTopic", None)
    return inputs


ENTRIES = {
    "Topic": Entry(
        service="sns",
        operation="CreateTopic",
        kind="Topic",
        rename={
            **FEEDBACK,
            **_attributes(
                "archivePolicy",
                "contentBasedDeduplication",
                "deliveryPolicy",
                "displayName",
                "fifoThroughputScope",
                "fifoTopic",
                "kmsMasterKeyId",
                "maximumMessageSize",
                "policy",
                "signatureVersion",
                "tracingConfig",
            ),
        },
        ignore={"namePrefix": "it became the name"},
        prepare=_topic,
        documents=("policy", "deliveryPolicy", "archivePolicy"),
        limits={"signatureVersion": (1, 2), "tracingConfig": ("PassThrough", "Active")},
        id="{TopicArn}",
        outputs={"arn": "{TopicArn}", "owner": "{account}"},
    ),
    "TopicPolicy": Entry(
        service="sns",
        operation="SetTopicAttributes",
        rename={"arn": "TopicArn", "policy": "AttributeValue"},
        fixed={"AttributeName": "Policy"},
        documents=("policy",),
        id="{arn}",
        outputs={"owner": "{account}"},
    ),
    "TopicSubscription": Entry(
        service="sns",
        operation="Subscribe",
        rename={
            "topic": "TopicArn",
            **_attributes(
                "deliveryPolicy",
                "filterPolicy",
                "filterPolicyScope",
                "rawMessageDelivery",
                "redrivePolicy",
                "replayPolicy",
                "subscriptionRoleArn",
            ),
        },
        fixed={"ReturnSubscriptionArn": True},
        ignore={
            "confirmationTimeoutInMinutes": "the provider's own patience",
            "endpointAutoConfirms": "the provider's own patience",
        },
        documents=("filterPolicy", "deliveryPolicy", "redrivePolicy", "replayPolicy"),
        limits={
            "protocol": (
                "application",
                "email",
                "email-json",
                "firehose",
                "http",
                "https",
                "lambda",
                "sms",
                "sqs",
            ),
            "filterPolicyScope": ("MessageAttributes", "MessageBody"),
        },
        id="{SubscriptionArn}",
        outputs={
            "arn": "{SubscriptionArn}",
            "ownerId": "{account}",
            "pendingConfirmation": lambda scope: (
                scope.find("protocol") in ("email", "email-json", "http", "https")
            ),
        },
    ),
}
