"""Notices: where alarms, budgets and services report, and who hears of it, by severity."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pulumi
import pulumi_aws as aws

from components.grants import Statement, resource_policy, service_role
from components.ground import GLOBAL_REGION, Place
from components.keys import PUBLISHERS, Keys
from components.naming import physical_name
from components.observe import Severity
from settings.notices import NoticesSettings

SEVERITIES: tuple[Severity, ...] = get_args(Severity)

SAY_THEIR_ACCOUNT = (*PUBLISHERS, "costalerts.amazonaws.com", "events.rds.amazonaws.com")
"""Services that name the account they publish for; EventBridge names its rule instead.
https://docs.aws.amazon.com/cost-management/latest/userguide/ad-SNS.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.GrantingPermissions.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"""

WORDS = "words"
"""What the free text of an event is called in its template."""

CHAT_REGION = "us-east-2"
"""One of the four regions with an API for what is the same in all.
https://docs.aws.amazon.com/general/latest/gr/chatbot.html"""
CHAT_GUARDRAIL = "arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"
"""The most that anybody in a channel can do, whatever a role there is given later."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A kind of event that EventBridge sees, and how it reads to people."""

    severity: Severity
    pattern: Mapping[str, Any]
    title: str
    text: str
    """With `<variables>` out of `paths`. One that an event has not is left empty."""
    paths: Mapping[str, str]
    """Where in the event each variable is: `{"time": "$.time"}`. Values of a known form alone, such
    as ids, times and names: EventBridge escapes nothing within a text, and a quote, a backslash or
    a new line in one of them would lose the notice."""
    words: str | None = None
    """Where in every such event free text is, which follows the text: `$.detail.Message`."""


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

    A Slack channel hears a severity too, wherever it is told, once somebody has authorised the
    workspace by hand (B48). It shows what it knows the form of: alarms, budgets, events as they
    come, and those that `tell` puts into words.

    Cost: 0.50 USD per million publishes and 2 USD per 100,000 e-mails after the first 1,000 of a
    month (us-east-1, 2026); in practice nothing.
    """

    region: str
    """The stack's own."""
    topic_arns: Mapping[Severity, pulumi.Output[str]]
    """Of the stack's own region."""
    muted: bool
    """True: whatever reports here keeps it to itself."""

    def __init__(
        self, name: str, args: NoticesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:notices:Notices", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        own = args.place.region
        by_region = {own: _topics(name, args, own, child)}
        if args.place.edge and own != GLOBAL_REGION:
            by_region[GLOBAL_REGION] = _topics(f"{name}-edge", args, GLOBAL_REGION, child)

        self._channels = _channels(args.settings)
        _chat(f"{name}-chat", args, self._channels, by_region, child)

        self.region = own
        self.topic_arns = by_region[own]
        self.muted = args.settings.muted
        self._prefix = args.place.prefix
        self._by_region = by_region
        self.register_outputs(
            {
                "topic_arns": dict(self.topic_arns),
                "elsewhere": {
                    region: dict(arns) for region, arns in by_region.items() if region != own
                }
                or None,
                "channels": {key: list(heard) for key, heard in self._channels.items()} or None,
            }
        )

    def tell(self, name: str, event: Event, opts: pulumi.ResourceOptions) -> None:
        """Tell of every `event` by a rule `name`, which muted notices switch off."""
        rule = aws.cloudwatch.EventRule(
            name,
            description=f"{event.title}, told to {event.severity}.",
            event_pattern=pulumi.Output.json_dumps(event.pattern),
            state="DISABLED" if self.muted else "ENABLED",
            opts=opts,
        )
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            # From the topic of the stack's own region: a rule reaches no other.
            arn=self.topic_arns[event.severity],
            input_transformer={
                "input_paths": {**event.paths, **({WORDS: event.words} if event.words else {})},
                "input_template": self._message(event),
            },
            opts=opts,
        )

    def _message(self, event: Event) -> str:
        """As the template of an EventBridge target.

        Slack shows nothing but a form of its own, so where a channel listens the e-mail has that
        form as well. Free text is a value by itself, in no quotes of ours: EventBridge then puts it
        into its own, so that what comes out is JSON whatever it holds.
        https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
        """
        title = f"{self._prefix}: {event.title}"
        words = f"<{WORDS}>"
        if not any(event.severity in heard for heard in self._channels.values()):
            message = f"{title}: {event.text}"
            told = {"notice": message, "words": words} if event.words else message
        else:
            content = {"textType": "client-markdown", "title": title, "description": event.text}
            if event.words:
                content |= {"title": f"{title}: {event.text}", "description": words}
            told = {"version": "1.0", "source": "custom", "content": content}
        return json.dumps(told).replace(f'"{words}"', words)

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
    # A rule reaches no topic of another region.
    rules = pulumi.Output.concat("arn:aws:events:*:", account_id, ":rule/*")
    aws.sns.TopicPolicy(
        name,
        arn=topic.arn,
        policy=resource_policy(
            [
                {
                    "Sid": "PublishFromThisAccount",
                    "Effect": "Allow",
                    "Principal": {"Service": list(SAY_THEIR_ACCOUNT)},
                    "Action": "sns:Publish",
                    "Resource": topic.arn,
                    "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
                },
                {
                    "Sid": "PublishFromThisAccountsRules",
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": topic.arn,
                    "Condition": {"ArnLike": {"aws:SourceArn": rules}},
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


def _channels(settings: NoticesSettings) -> Mapping[str, Sequence[Severity]]:
    """What each Slack channel hears; AWS takes a channel once, whatever it is to hear."""
    if settings.slack is None:
        return {}
    wanted: Mapping[Severity, str | None] = {
        "critical": settings.slack.critical,
        "warning": settings.slack.warning,
        "info": settings.slack.info,
    }
    channels: dict[str, list[Severity]] = {}
    for severity, channel in wanted.items():
        if channel is not None:
            channels.setdefault(channel, []).append(severity)
    return channels


def _chat(
    name: str,
    args: NoticesArgs,
    channels: Mapping[str, Sequence[Severity]],
    by_region: Mapping[str, Mapping[Severity, pulumi.Output[str]]],
    opts: pulumi.ResourceOptions,
) -> None:
    if args.settings.slack is None or not channels:
        return
    prefix, account_id = args.place.prefix, args.place.account_id
    role = service_role(
        name,
        "chatbot.amazonaws.com",
        [
            Statement(
                sid="ReadAlarms",
                actions=["cloudwatch:DescribeAlarms"],
                resources=[
                    pulumi.Output.concat("arn:aws:cloudwatch:*:", account_id, f":alarm:{prefix}-*")
                ],
            ),
            Statement(
                sid="DrawMetrics",
                actions=["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"],
                # IAM knows no metrics.
                resources=["*"],
            ),
        ],
        opts,
        # Not for our account alone: no page says that this service tells for whom it works.
    )
    for channel, heard in channels.items():
        aws.chatbot.SlackChannelConfiguration(
            f"{name}-{channel}",
            configuration_name=f"{prefix}-{channel}",
            slack_team_id=args.settings.slack.workspace,
            slack_channel_id=channel,
            iam_role_arn=role.arn,
            guardrail_policy_arns=[CHAT_GUARDRAIL],
            logging_level="ERROR",
            sns_topic_arns=[arns[severity] for arns in by_region.values() for severity in heard],
            region=CHAT_REGION,
            opts=opts,
        )
