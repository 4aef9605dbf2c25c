"""IAM statements as data. What owns something hands them out; a role is made of nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi
import pulumi_aws as aws

POLICY_VERSION = "2012-10-17"


@dataclass(frozen=True, kw_only=True)
class Unscoped:
    """Why an action may be granted on `*`, and what holds it instead."""

    why: str
    condition: str = ""
    """The condition key without which it is refused all the same."""


_LISTING = Unscoped(why="a listing, for which IAM knows no resource")
_SESSION = Unscoped(why="IAM knows no resource for it, and a channel is one's own")
_INTERFACE = Unscoped(why="Lambda makes a function's interfaces, before they have names")
_COMMAND = Unscoped(why="IAM knows no resource for it, and an agent hears its own instance's alone")

UNSCOPED: Mapping[str, Unscoped] = {
    "application-autoscaling:DescribeScalableTargets": _LISTING,
    "autoscaling:DescribeAutoScalingGroups": _LISTING,
    "autoscaling:DescribeAutoScalingInstances": _LISTING,
    "cloudwatch:GetMetricData": Unscoped(why="IAM knows no metrics"),
    "cloudwatch:GetMetricStatistics": Unscoped(why="IAM knows no metrics"),
    "cloudwatch:PutMetricData": Unscoped(
        why="IAM knows no metrics, but it knows namespaces", condition="cloudwatch:namespace"
    ),
    "ec2:AssignPrivateIpAddresses": _INTERFACE,
    "ec2:CreateNetworkInterface": _INTERFACE,
    "ec2:DeleteNetworkInterface": _INTERFACE,
    "ec2:DescribeInstances": _LISTING,
    "ec2:DescribeNetworkInterfaces": _LISTING,
    "ec2:DescribeSubnets": _LISTING,
    "ec2:UnassignPrivateIpAddresses": _INTERFACE,
    "ec2messages:AcknowledgeMessage": _COMMAND,
    "ec2messages:DeleteMessage": _COMMAND,
    "ec2messages:FailMessage": _COMMAND,
    "ec2messages:GetEndpoint": _COMMAND,
    "ec2messages:GetMessages": _COMMAND,
    "ec2messages:SendReply": _COMMAND,
    "ecr:GetAuthorizationToken": Unscoped(why="the login is to the registry, not to a repository"),
    "ecs:DescribeTaskDefinition": Unscoped(why="IAM knows no resource for it"),
    "ecs:DiscoverPollEndpoint": Unscoped(why="IAM knows no resource for it"),
    "ecs:ListTasks": Unscoped(
        why="it takes a container instance or nothing, but it knows the cluster",
        condition="ecs:cluster",
    ),
    "events:ListRules": _LISTING,
    "logs:DescribeLogGroups": Unscoped(why="the agent of a session asks without naming a group"),
    "s3:ListAllMyBuckets": _LISTING,
    "ssm:ListCommands": _LISTING,
    "ssm:UpdateInstanceInformation": Unscoped(why="an agent speaks of its own instance alone"),
    "ssmmessages:CreateControlChannel": _SESSION,
    "ssmmessages:CreateDataChannel": _SESSION,
    "ssmmessages:OpenControlChannel": _SESSION,
    "ssmmessages:OpenDataChannel": _SESSION,
    "xray:GetSamplingRules": Unscoped(why="IAM knows no resource for it"),
    "xray:GetSamplingStatisticSummaries": Unscoped(why="IAM knows no resource for it"),
    "xray:GetSamplingTargets": Unscoped(why="IAM knows no resource for it"),
    "xray:PutSpans": Unscoped(why="IAM knows no traces by name"),
    "xray:PutSpansForIndexing": Unscoped(why="IAM knows no traces by name"),
    "xray:PutTelemetryRecords": Unscoped(why="IAM knows no traces by name"),
    "xray:PutTraceSegments": Unscoped(why="IAM knows no traces by name"),
}
"""The actions that may be granted on every resource, each reviewed (M85). Any other is refused.

Which resources and condition keys an action knows is in the Service Authorization Reference.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One Allow statement.

    Raises ValueError for an action with a wildcard, and for one on every resource that `UNSCOPED`
    does not list, or not without its condition.
    """

    sid: str
    """Says what it is for, in letters and digits: `ConsumeJobs`."""
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    conditions: Mapping[str, Mapping[str, pulumi.Input[Any]]] = field(default_factory=dict)
    """Operator to key to value: `{"StringEquals": {"aws:SourceAccount": account_id}}`."""

    def __post_init__(self) -> None:
        if vague := [action for action in self.actions if "*" in action]:
            raise ValueError(f"{self.sid} grants {', '.join(vague)}; name each action")
        if "*" in self.resources:
            keys = {key for wanted in self.conditions.values() for key in wanted}
            for action in self.actions:
                _refuse_unscoped(self.sid, action, keys)

    def rendered(self) -> dict[str, Any]:
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": list(self.resources),
        }
        if self.conditions:
            statement["Condition"] = self.conditions
        return statement


def _refuse_unscoped(sid: str, action: str, condition_keys: Collection[str]) -> None:
    reviewed = UNSCOPED.get(action)
    if reviewed is None:
        raise ValueError(
            f"{sid} grants {action} on every resource; name the resources, or list the action in"
            " UNSCOPED in components/grants.py with the reason why it cannot be held to any"
        )
    if reviewed.condition and reviewed.condition not in condition_keys:
        raise ValueError(
            f"{sid} grants {action} on every resource without a condition on {reviewed.condition};"
            f" {reviewed.why}"
        )


def together(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Statements of one name as one, over the resources of all of them, each of these once.

    A key behind a queue and a bucket is granted by both, and ten queues take no ten statements: a
    role has room for 10,240 characters.

    Raises ValueError when statements of one name differ in more than their resources.
    """
    by_sid: dict[str, Statement] = {}
    for statement in statements:
        known = by_sid.setdefault(statement.sid, statement)
        if replace(known, resources=statement.resources) != statement:
            raise ValueError(f"two different grants are called {statement.sid}")
        more = [each for each in statement.resources if each not in known.resources]
        by_sid[statement.sid] = replace(known, resources=[*known.resources, *more])
    return tuple(by_sid.values())


def key_grant(sid: str, key_arn: pulumi.Input[str] | None, *actions: str) -> tuple[Statement, ...]:
    """The statement to use a customer-managed key; none without one, since AWS's own need none."""
    if key_arn is None:
        return ()
    return (Statement(sid=sid, actions=actions, resources=[key_arn]),)


def policy_document(statements: Iterable[Statement]) -> pulumi.Output[str]:
    """The statements as an identity policy, in the order given."""
    return resource_policy(statement.rendered() for statement in statements)


def resource_policy(statements: Iterable[Mapping[str, Any]]) -> pulumi.Output[str]:
    """Statements in IAM's own words, with their principals, as the policy of a key or a topic."""
    return pulumi.Output.json_dumps({"Version": POLICY_VERSION, "Statement": list(statements)})


@dataclass(frozen=True, kw_only=True)
class ServiceRole:
    """A role whose name and ARN are known only once it holds all its grants.

    So nothing begins under it too early: RDS refuses a monitoring role that may not write yet. And
    nothing loses it too soon when a stack is taken down: an ECS agent without its grants cannot
    report that its tasks have stopped, and the service would wait for that in vain.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]


def service_role(
    name: str,
    service: str,
    statements: Iterable[Statement],
    opts: pulumi.ResourceOptions,
    *,
    account_id: pulumi.Input[str] | None = None,
    external_id: pulumi.Input[str] | None = None,
    managed_policies: Mapping[str, str] | None = None,
) -> ServiceRole:
    """A role that `service` (`ecs-tasks.amazonaws.com`) assumes, made of `statements`.

    With `account_id` it assumes it for that account's work alone. Not every service says for whom
    it works: EC2 and Lambda do not, and a role that demands it of them can never be assumed.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html

    `external_id` is the word that a service gives instead: Elastic Beanstalk its own name, Firehose
    the account.

    `managed_policies` maps a short key to the ARN of a policy AWS keeps up to date; for the few
    services that demand theirs.
    """
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    demanded = {"aws:SourceAccount": account_id, "sts:ExternalId": external_id}
    if given := {key: value for key, value in demanded.items() if value is not None}:
        trust["Condition"] = {"StringEquals": given}
    role = aws.iam.Role(
        name,
        assume_role_policy=resource_policy([trust]),
        opts=opts,
    )
    grants: list[aws.iam.RolePolicy | aws.iam.RolePolicyAttachment] = [
        aws.iam.RolePolicyAttachment(f"{name}-{key}", role=role.name, policy_arn=arn, opts=opts)
        for key, arn in (managed_policies or {}).items()
    ]
    statements = tuple(statements)
    if statements:
        policy = policy_document(statements)
        grants.append(aws.iam.RolePolicy(name, role=role.id, policy=policy, opts=opts))

    def when_granted(value: pulumi.Output[str]) -> pulumi.Output[str]:
        return pulumi.Output.all(value, *(grant.id for grant in grants)).apply(lambda both: both[0])

    return ServiceRole(name=when_granted(role.name), arn=when_granted(role.arn))
