"""Notices: where alarms, budgets and services report, and who hears of it, by severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import pulumi
import pulumi_aws as aws

from components.grants import resource_policy
from components.ground import GLOBAL_REGION, Place
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

    An e-mail address must confirm its subscription once before it hears anything. A stack outside
    us-east-1 with an edge has a second set of topics there, under the same names, and each address
    must confirm once more for it.

    Cost: 0.50 USD per million publishes and 2 USD per 100,000 e-mails after the first 1,000 of a
    month (us-east-1, 2026); in practice nothing.
    """

    region: str
    """The stack's own."""
    topic_arns: Mapping[Severity, pulumi.Output[str]]
    """Of the stack's own region."""

    def __init__(
        self, name: str, args: NoticesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:notices:Notices", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        own = args.place.region
        by_region = {own: _topics(name, args, own, child)}
        if args.place.edge and own != GLOBAL_REGION:
            by_region[GLOBAL_REGION] = _topics(f"{name}-edge", args, GLOBAL_REGION, child)

        self.region = own
        self.topic_arns = by_region[own]
        self._by_region = by_region
        self.register_outputs(
            {
                "topic_arns": dict(self.topic_arns),
                "elsewhere": {
                    region: dict(arns) for region, arns in by_region.items() if region != own
                }
                or None,
            }
        )

    def topic_arns_in(self, region: str) -> Mapping[Severity, pulumi.Output[str]]:
        """The topics that whatever reports from `region` can tell.

        Raises ValueError when there are none.
        """
        if region not in self._by_region:
            raise ValueError(
                f"no topics in {region}, only in {', '.join(self._by_region)}; "
                f"a place with an edge has some in {GLOBAL_REGION}"
            )
        return self._by_region[region]


def _topics(
    name: str, args: NoticesArgs, region: str, opts: pulumi.ResourceOptions
) -> Mapping[Severity, pulumi.Output[str]]:
    addresses: Mapping[Severity, tuple[str, ...]] = {
        "critical": args.settings.critical,
        "warning": args.settings.warning,
        "info": args.settings.info,
    }
    elsewhere = region if region != args.place.region else None
    topic_arns: dict[Severity, pulumi.Output[str]] = {}
    for severity in SEVERITIES:
        topic = aws.sns.Topic(
            f"{name}-{severity}",
            name=physical_name("topic", args.place.prefix, severity),
            # Not alias/aws/sns in its place: its policy is AWS's, and it locks CloudWatch out.
            kms_master_key_id=args.keys.logs_arn_in(region),
            region=elsewhere,
            opts=opts,
        )
        _only_services_of(f"{name}-{severity}", topic, args.place.account_id, elsewhere, opts)
        for address in addresses[severity]:
            _subscribe(f"{name}-{severity}-{address}", topic, address, elsewhere, opts)
        topic_arns[severity] = topic.arn
    return topic_arns


def _only_services_of(
    name: str,
    topic: aws.sns.Topic,
    account_id: pulumi.Input[str],
    region: str | None,
    opts: pulumi.ResourceOptions,
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
        region=region,
        opts=opts,
    )


def _subscribe(
    name: str,
    topic: aws.sns.Topic,
    address: str,
    region: str | None,
    opts: pulumi.ResourceOptions,
) -> None:
    aws.sns.TopicSubscription(
        name, topic=topic.arn, protocol="email", endpoint=address, region=region, opts=opts
    )
