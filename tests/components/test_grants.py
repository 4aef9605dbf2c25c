"""Statements and the roles made of them: components/grants.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws
import pytest

from components.grants import Statement, key_grant, policy_document, service_role, together
from tests.recorder import Recorded, aws_provider, record

KEY = "arn:aws:kms:us-east-1:123456789012:key/data"
CONSUME = Statement(sid="Consume", actions=["sqs:ReceiveMessage"], resources=["arn:aws:sqs:::a"])


def recorded_role(
    statements: Sequence[Statement] = (), managed_policies: Mapping[str, str] | None = None
) -> Recorded:
    return record(
        lambda: service_role(
            "worker",
            "ecs-tasks.amazonaws.com",
            statements,
            pulumi.ResourceOptions(provider=aws_provider()),
            managed_policies=managed_policies,
        )
    )


def test_a_statement_allows_its_actions_in_a_stable_order():
    statement = Statement(
        sid="Use", actions=["s3:PutObject", "s3:GetObject"], resources=["arn:b", "arn:a"]
    )
    assert statement.rendered() == {
        "Sid": "Use",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": ["arn:b", "arn:a"],
    }


def test_a_condition_is_rendered_only_when_there_is_one():
    condition = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    statement = Statement(sid="Use", actions=["kms:Decrypt"], resources=[KEY], conditions=condition)
    assert statement.rendered()["Condition"] == condition
    assert "Condition" not in CONSUME.rendered()


def test_a_statement_names_each_of_its_actions():  # M85
    with pytest.raises(ValueError, match=r"^Use grants s3:Get\*, \*; name each action$"):
        Statement(sid="Use", actions=["s3:Get*", "s3:PutObject", "*"], resources=["arn:a"])


def test_only_a_reviewed_action_is_granted_on_every_resource():  # M85
    assert Statement(sid="Find", actions=["ec2:DescribeInstances"], resources=["*"])
    with pytest.raises(ValueError, match=r"^Use grants kms:Decrypt on every resource; name the"):
        Statement(
            sid="Use", actions=["ec2:DescribeInstances", "kms:Decrypt"], resources=["arn:a", "*"]
        )


def test_an_action_that_a_condition_holds_is_not_granted_without_it():  # M85
    held = {"StringEquals": {"cloudwatch:namespace": "backlot-dev/Jobs"}}
    assert Statement(
        sid="Count", actions=["cloudwatch:PutMetricData"], resources=["*"], conditions=held
    )
    with pytest.raises(ValueError, match="without a condition on cloudwatch:namespace; IAM knows"):
        Statement(
            sid="Count",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": "123456789012"}},
        )


def test_a_key_is_granted_where_there_is_one_of_ours():  # M85
    [statement] = key_grant("UseKey", KEY, "kms:GenerateDataKey", "kms:Decrypt")
    assert statement.rendered() == {
        "Sid": "UseKey",
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": [KEY],
    }
    assert key_grant("UseKey", None, "kms:Decrypt") == ()


def measure(*resources: str, action: str = "sqs:GetQueueAttributes") -> Statement:
    return Statement(sid="Measure", actions=[action], resources=resources)


def test_statements_of_one_name_become_one_over_all_their_resources():
    assert [one.rendered() for one in together([measure("arn:a"), CONSUME, measure("arn:b")])] == [
        measure("arn:a", "arn:b").rendered(),
        CONSUME.rendered(),
    ]
    assert together([]) == ()


def test_a_resource_is_named_once_however_many_ask_for_it():
    [statement] = together([measure("arn:b"), measure("arn:b"), measure("arn:a", "arn:b")])
    assert statement.resources == ["arn:b", "arn:a"]


@pytest.mark.parametrize(
    "other",
    [
        measure("arn:a", action="sqs:PurgeQueue"),
        Statement(
            sid="Measure",
            actions=["sqs:GetQueueAttributes"],
            resources=["arn:a"],
            conditions={"StringEquals": {"aws:SourceAccount": "123456789012"}},
        ),
    ],
    ids=["actions", "conditions"],
)
def test_two_grants_that_differ_in_more_than_their_resources_are_not_put_together(
    other: Statement,
):
    with pytest.raises(ValueError, match="two different grants are called Measure"):
        together([measure("arn:a"), other])


def test_a_policy_keeps_the_order_of_its_statements():
    other = Statement(sid="Another", actions=["s3:GetObject"], resources=["arn:aws:s3:::b/*"])

    def program() -> None:
        pulumi.export("policy", policy_document([CONSUME, other]))

    policy = record(program).outputs["policy"]
    assert policy.index('"Consume"') < policy.index('"Another"')
    assert '"Version": "2012-10-17"' in policy


def test_a_role_is_assumed_by_its_service_alone():
    trust = recorded_role([CONSUME]).one("iam.Role").json("assume_role_policy")
    assert trust == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }


def test_a_role_is_made_of_its_statements():
    recorded = recorded_role([CONSUME])
    policy = recorded.one("iam.RolePolicy", "worker")
    assert policy["role"] == recorded.one("iam.Role").id
    assert policy.json("policy")["Statement"] == [CONSUME.rendered()]
    assert recorded.all("iam.RolePolicyAttachment") == []


def test_a_role_without_statements_has_no_policy():
    assert recorded_role().all("iam.RolePolicy") == []


def test_a_policy_of_aws_is_attached_under_its_short_key():
    arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    recorded = recorded_role(managed_policies={"ssm": arn})
    attachment = recorded.one("iam.RolePolicyAttachment", "worker-ssm")
    assert attachment["policy_arn"] == arn
    assert attachment["role"] == recorded.one("iam.Role").outputs["name"]


def test_a_role_is_known_only_once_it_holds_its_grants():  # M85
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=aws_provider())
        policies = {"ssm": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}
        role = service_role(
            "worker", "ec2.amazonaws.com", [CONSUME], opts, managed_policies=policies
        )
        aws.iam.InstanceProfile("by-name", role=role.name, opts=opts)
        aws.ssm.Parameter("by-arn", type="String", value=role.arn, opts=opts)

    recorded = record(program)
    grants = {recorded.one(kind).urn for kind in ("iam.RolePolicy", "iam.RolePolicyAttachment")}
    role = recorded.one("iam.Role")
    by_name, by_arn = recorded.one("iam.InstanceProfile"), recorded.one("ssm.Parameter")
    assert (by_name["role"], by_arn["value"]) == (role.outputs["name"], role.outputs["arn"])
    assert grants <= set(by_name.resource.dependencies)
    assert grants <= set(by_arn.resource.dependencies)


def test_a_role_uses_no_deprecated_inline_policies():
    role = recorded_role([CONSUME]).one("iam.Role")
    assert "inline_policies" not in role
    assert "managed_policy_arns" not in role


def trust(account_id: str | None = None, external_id: str | None = None) -> dict[str, object]:
    recorded = record(
        lambda: service_role(
            "worker",
            "ecs-tasks.amazonaws.com",
            (),
            pulumi.ResourceOptions(provider=aws_provider()),
            account_id=account_id,
            external_id=external_id,
        )
    )
    [statement] = recorded.one("iam.Role").json("assume_role_policy")["Statement"]
    return statement


def test_a_role_for_one_account_is_assumed_for_that_account_alone():
    assert trust("123456789012")["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"}
    }
    assert "Condition" not in trust()


def test_a_role_with_a_word_is_assumed_by_whoever_gives_it():
    assert trust(external_id="elasticbeanstalk")["Condition"] == {
        "StringEquals": {"sts:ExternalId": "elasticbeanstalk"}
    }
    assert trust("123456789012", "elasticbeanstalk")["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": "123456789012",
            "sts:ExternalId": "elasticbeanstalk",
        }
    }
