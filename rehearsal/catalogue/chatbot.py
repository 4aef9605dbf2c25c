"""Amazon Q Developer in chat applications, once AWS Chatbot."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.catalogue.entry import Entry, Inputs

REGIONS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")
"""Where the service has an endpoint. It works with topics of every region.

https://docs.aws.amazon.com/general/latest/gr/chatbot.html
"""

ARN = "arn:aws:chatbot::{account}:chat-configuration/slack-channel/{configurationName}"


def _somewhere(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs["region"] not in REGIONS:
        yield "region", f"{inputs['region']} given, one of {', '.join(REGIONS)} allowed"


ENTRIES = {
    "SlackChannelConfiguration": Entry(
        service="chatbot",
        operation="CreateSlackChannelConfiguration",
        shadow="moto has no chat applications",
        ignore={"timeouts": "the provider's own patience"},
        rules=(_somewhere,),
        id=ARN,
        outputs={"chatConfigurationArn": ARN},
    ),
}
