"""Notices: the topics, who may publish, and who listens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pulumi_aws as aws
import pytest

from components.keys import Keys, KeysArgs
from components.notices import Notices, NoticesArgs
from rehearsal.provider import MotoProvider
from settings.keys import KeysSettings
from settings.notices import NoticesSettings
from tests.components.parts import ground
from tests.recorder import Recorded, record, with_aws

ACCOUNT = "123456789012"


def build(
    *,
    customer_managed: bool = True,
    region: str = "us-east-1",
    edge: bool = False,
    **settings: Any,
) -> Notices:
    opts = with_aws(aws.Provider("aws", region=region))
    place = replace(ground(), region=region)
    place = replace(place, edge=edge)
    keys = Keys(
        "keys",
        KeysArgs(settings=KeysSettings(customer_managed=customer_managed), place=place),
        opts,
    )
    return Notices(
        "notices",
        NoticesArgs(settings=NoticesSettings(**settings), place=place, keys=keys),
        opts,
    )


def notices(**settings: Any) -> Recorded:
    return record(lambda: build(**settings))


def test_there_is_a_topic_for_each_severity():  # M101
    assert [topic["name"] for topic in notices().all("sns.Topic")] == [
        "backlot-dev-critical",
        "backlot-dev-info",
        "backlot-dev-warning",
    ]


def test_topics_are_encrypted_with_the_customer_managed_key():  # M101
    recorded = notices()

    for topic in recorded.all("sns.Topic"):
        assert topic["kms_master_key_id"] == recorded.one("kms.Key", "keys-logs").outputs["arn"]


def test_without_a_key_no_topic_uses_the_one_that_locks_cloudwatch_out():
    for topic in notices(customer_managed=False).all("sns.Topic"):
        assert "kms_master_key_id" not in topic


def test_only_this_accounts_services_publish_and_only_over_tls():  # M101
    recorded = notices()

    for policy in recorded.all("sns.TopicPolicy"):
        arn = recorded.one("sns.Topic", policy.name).outputs["arn"]
        publish, follow, refuse = policy.json("policy")["Statement"]

        assert policy["arn"] == arn
        assert publish["Effect"] == "Allow"
        assert publish["Principal"] == {
            "Service": [
                "budgets.amazonaws.com",
                "cloudwatch.amazonaws.com",
                "costalerts.amazonaws.com",
                "events.rds.amazonaws.com",
            ]
        }
        assert publish["Action"] == "sns:Publish"
        assert publish["Resource"] == arn
        assert publish["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        assert follow["Principal"] == {"Service": "events.amazonaws.com"}
        assert (follow["Action"], follow["Resource"]) == ("sns:Publish", arn)
        assert follow["Condition"] == {
            "ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{ACCOUNT}:rule/*"}
        }
        assert refuse["Effect"] == "Deny"
        assert refuse["Principal"] == "*"
        assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(recorded.all("sns.TopicPolicy")) == 3


def test_each_address_hears_its_severity():  # M101
    recorded = notices(
        critical=("oncall@studio.example",),
        warning=("platform@studio.example", "lead@studio.example"),
    )

    assert {
        subscription.name: (
            subscription["protocol"],
            subscription["endpoint"],
            subscription["topic"].rsplit(":", 1)[1],
        )
        for subscription in recorded.all("sns.TopicSubscription")
    } == {
        "notices-critical-oncall@studio.example": (
            "email",
            "oncall@studio.example",
            "backlot-dev-critical",
        ),
        "notices-warning-lead@studio.example": (
            "email",
            "lead@studio.example",
            "backlot-dev-warning",
        ),
        "notices-warning-platform@studio.example": (
            "email",
            "platform@studio.example",
            "backlot-dev-warning",
        ),
    }


def test_nobody_is_subscribed_without_an_address():
    assert notices().all("sns.TopicSubscription") == []


def test_an_address_more_leaves_the_others_as_they_are():
    one = notices(warning=("b@studio.example",))
    two = notices(warning=("a@studio.example", "b@studio.example"))

    assert set(one.urns) < set(two.urns)


def test_the_component_hands_out_the_arn_of_each_severity():
    recorded = notices()
    component = recorded.one("backlot:notices:Notices")

    assert component.outputs["topic_arns"] == {
        severity: recorded.one("sns.Topic", f"notices-{severity}").outputs["arn"]
        for severity in ("critical", "warning", "info")
    }
    assert {node.parent for node in recorded.nodes if node.type.startswith("aws:sns")} == {
        component.urn
    }


def test_a_stack_elsewhere_can_be_told_of_what_us_east_1_measures():  # B55, M101
    recorded = notices(region="eu-west-1", edge=True, critical=("oncall@studio.example",))
    topics = {topic.name: topic for topic in recorded.all("sns.Topic")}

    assert sorted(topics) == [
        "notices-critical",
        "notices-edge-critical",
        "notices-edge-info",
        "notices-edge-warning",
        "notices-info",
        "notices-warning",
    ]
    for severity in ("critical", "warning", "info"):
        here, there = topics[f"notices-{severity}"], topics[f"notices-edge-{severity}"]
        assert "region" not in here
        assert there["region"] == "us-east-1"
        assert there["name"] == here["name"] == f"backlot-dev-{severity}"
        assert recorded.one("sns.TopicPolicy", there.name)["region"] == "us-east-1"
        assert recorded.one("sns.TopicPolicy", there.name)["arn"] == there.outputs["arn"]
    again = recorded.one("sns.TopicSubscription", "notices-edge-critical-oncall@studio.example")
    assert again["region"] == "us-east-1"
    assert again["topic"] == topics["notices-edge-critical"].outputs["arn"]


def test_topics_elsewhere_are_encrypted_with_the_key_that_is_there():  # B55
    recorded = notices(region="eu-west-1", edge=True)

    for severity in ("critical", "warning", "info"):
        here = recorded.one("sns.Topic", f"notices-{severity}")
        there = recorded.one("sns.Topic", f"notices-edge-{severity}")
        assert here["kms_master_key_id"] == recorded.one("kms.Key", "keys-logs").outputs["arn"]
        assert (
            there["kms_master_key_id"] == recorded.one("kms.Key", "keys-edge-logs").outputs["arn"]
        )


def test_a_stack_in_us_east_1_needs_no_second_set():  # B55
    one, edge = notices(warning=("a@b.example",)), notices(warning=("a@b.example",), edge=True)

    assert [(node.urn, node.inputs) for node in one.nodes] == [
        (node.urn, node.inputs) for node in edge.nodes
    ]
    assert all("region" not in topic for topic in edge.all("sns.Topic"))


def test_without_edge_there_are_the_stacks_own_topics_alone():  # B55
    assert notices(region="eu-west-1").names("sns.Topic") == [
        "notices-critical",
        "notices-info",
        "notices-warning",
    ]


def test_topics_are_handed_out_by_region():  # B55
    def program() -> None:
        made = build(region="eu-west-1", edge=True)

        assert made.region == "eu-west-1"
        assert made.topic_arns_in("eu-west-1") is made.topic_arns
        assert made.topic_arns_in("us-east-1") is not made.topic_arns
        with pytest.raises(ValueError, match="no topics in us-west-2, only in eu-west-1, us-east"):
            made.topic_arns_in("us-west-2")

    record(program)


SLACK = {"workspace": "T01ABCDEFGH", "critical": "C07ONCALL99", "warning": "C07QUIET999"}


def test_a_slack_channel_hears_its_severity_and_can_only_look():  # B48
    recorded = notices(slack=SLACK)
    channels = {
        channel["slack_channel_id"]: channel
        for channel in recorded.all("chatbot.SlackChannelConfiguration")
    }

    assert sorted(channels) == ["C07ONCALL99", "C07QUIET999"]
    for channel, severity in (("C07ONCALL99", "critical"), ("C07QUIET999", "warning")):
        topic = recorded.one("sns.Topic", f"notices-{severity}").outputs["arn"]
        assert channels[channel]["sns_topic_arns"] == [topic]
        assert channels[channel]["slack_team_id"] == "T01ABCDEFGH"
        assert channels[channel]["configuration_name"] == f"backlot-dev-{channel}"
        assert channels[channel]["guardrail_policy_arns"] == [
            "arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"
        ]
    policy = recorded.one("iam.RolePolicy", "notices-chat").json("policy")
    assert {
        action: statement["Resource"]
        for statement in policy["Statement"]
        for action in statement["Action"]
    } == {
        "cloudwatch:DescribeAlarms": [f"arn:aws:cloudwatch:*:{ACCOUNT}:alarm:backlot-dev-*"],
        "cloudwatch:GetMetricData": ["*"],
        "cloudwatch:GetMetricStatistics": ["*"],
    }


def test_a_channel_that_hears_two_severities_is_set_up_once():  # B48
    recorded = notices(slack={**SLACK, "warning": "C07ONCALL99"}, region="eu-west-1", edge=True)
    channel = recorded.one("chatbot.SlackChannelConfiguration")

    assert channel["sns_topic_arns"] == [
        recorded.one("sns.Topic", name).outputs["arn"]
        for name in (
            "notices-critical",
            "notices-warning",
            "notices-edge-critical",
            "notices-edge-warning",
        )
    ]


@pytest.mark.parametrize("slack", [None, {"workspace": "T01ABCDEFGH"}])
def test_without_a_channel_there_is_neither_chat_nor_a_role_for_it(slack: Any):  # B48
    recorded = notices(slack=slack)

    assert recorded.all("chatbot.SlackChannelConfiguration") == []
    assert recorded.all("iam.Role") == []


def test_chat_is_set_up_where_it_has_an_api():  # B48
    recorded = notices(region="eu-central-1", slack=SLACK)

    assert {channel["region"] for channel in recorded.all("chatbot.SlackChannelConfiguration")} == {
        "us-east-2"
    }


def test_aws_takes_topics_and_channels():  # B48
    with MotoProvider() as account:
        recorded = record(lambda: build(slack=SLACK), provider=account)

    assert recorded.findings == []
