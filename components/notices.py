"""Notices: where alarms, budgets and services report, and who hears of it, by severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import pulumi
import pulumi_aws as aws

from components.grants import resource_policy
from components.ground import Place
from components.keys import PUBLISHERS, Keys
from components.naming import physical_name
from components.observe import Severity
from settings.notices import NoticesSettings

SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, kw_only=True)
class NoticesArgs:
    settings: NoticesSettings
    place: Place
    """Its prefix leads the topics' names; people and tools subscribe by name."""
    keys: Keys
    """Their key for logs encrypts messages at rest; with the keys AWS owns, nothing does."""


class Notices(pulumi.ComponentResource):
    """One SNS topic per severity, and the addresses that listen to each (M101).

    An e-mail address must confirm its subscription once before it hears anything.

    Cost: 0.50 USD per million publishes and 2 USD per 100,000 e-mails after the first 1,000 of a
    month (us-east-1, 2026); in practice nothing.
    """

    topic_arns: Mapping[Severity, pulumi.Output[str]]

    def __init__(
        self, name: str, args: NoticesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:notices:Notices", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        addresses: Mapping[Severity, tuple[str, ...]] = {
            "critical": args.settings.critical,
            "warning": args.settings.warning,
            "info": args.settings.info,
        }
        topic_arns: dict[Severity, pulumi.Output[str]] = {}
        for severity in SEVERITIES:
            topic = _topic(f"{name}-{severity}", severity, args, child)
            _only_services_of(f"{name}-{severity}", topic, args.place.account_id, child)
            for address in addresses[severity]:
                _subscribe(f"{name}-{severity}-{address}", topic, address, child)
            topic_arns[severity] = topic.arn

        self.topic_arns = topic_arns
        self.register_outputs({"topic_arns": dict(topic_arns)})


def _topic(
    name: str, severity: Severity, args: NoticesArgs, opts: pulumi.ResourceOptions
) -> aws.sns.Topic:
    return aws.sns.Topic(
        name,
        name=physical_name("topic", args.place.prefix, severity),
        # Not alias/aws/sns in its place: that key's policy is AWS's, and it locks CloudWatch out.
        kms_master_key_id=args.keys.logs_arn,
        opts=opts,
    )


def _only_services_of(
    name: str, topic: aws.sns.Topic, account_id: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> None:
    aws.sns.TopicPolicy(
        name,
        arn=topic.arn,
        policy=resource_policy(
            [
                {
                    "Sid": "PublishFromThisAccount",
                    "Effect": "Allow",
                    "Principal": {"Service": list(PUBLISHERS)},
                    "Action": "sns:Publish",
                    "Resource": topic.arn,
                    "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
                },
                {
                    "Sid": "RefusePlainText",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sns:Publish",
                    "Resource": topic.arn,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ]
        ),
        opts=opts,
    )


def _subscribe(
    name: str, topic: aws.sns.Topic, address: str, opts: pulumi.ResourceOptions
) -> aws.sns.TopicSubscription:
    return aws.sns.TopicSubscription(
        name, topic=topic.arn, protocol="email", endpoint=address, opts=opts
    )
