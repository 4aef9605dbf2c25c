"""The roles against the platform itself: a deployment may make whatever the platform is made of.

What the rehearsal's catalogue calls to create a resource, a deployment calls as well. So a new type
that no policy knows fails here, and not twenty minutes into an update.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
import pulumi
import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

import rehearsal.catalogue
from bootstrap.account.policies import Statement, managed
from rehearsal.catalogue import find
from rehearsal.catalogue.entry import Call
from tests.bootstrap.conftest import ACCOUNT, Account, arn
from tests.iam.evaluate import Request, decide, matches
from tests.recorder import Recorded, record

StackGraph = Callable[..., Recorded]

PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "apigatewayv2": "apigateway",
    "elbv2": "elasticloadbalancing",
    "service-quotas": "servicequotas",
}
"""How IAM calls a service, where botocore calls it otherwise."""

OTHERWISE = {
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "cloudfront:CreateDistributionWithTags": "cloudfront:CreateDistribution",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketIntelligentTieringConfiguration": "s3:PutIntelligentTieringConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3:PutBucketReplication": "s3:PutReplicationConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
"""Calls that IAM knows by another name.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"""

OURS = {"iam:CreateOpenIDConnectProvider", "iam:CreatePolicy", "kms:ReplicateKey"}
"""What this project alone makes."""


WITHHELD = {"ec2:ModifySnapshotAttribute"}
"""AWS Backup hands copies to other accounts by them, which the boundary is there to forbid."""

POLICIES = ("iam.Policy", "iam.RolePolicy")


@cache
def known_actions() -> Mapping[str, frozenset[str]]:
    """IAM's actions by service, in lower case, from the list that cfn-lint ships."""
    file = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
    return {
        service: frozenset(described["Actions"])
        for service, described in json.loads(file.read_text()).items()
    }


def is_known(action: str) -> bool:
    service, _, name = action.lower().partition(":")
    return any(matches(name, known) for known in known_actions().get(service, ()))


def calls() -> Iterator[str]:
    """Every call of the catalogue, as IAM's action."""
    for module in pkgutil.iter_modules(rehearsal.catalogue.__path__):
        entries = getattr(
            importlib.import_module(f"rehearsal.catalogue.{module.name}"), "ENTRIES", {}
        )
        for entry in [one for each in entries.values() for one in (each, *each.variants.values())]:
            for call in [entry, *(then for then in entry.then if isinstance(then, Call))]:
                service = call.service or entry.service
                action = f"{PREFIXES.get(service, service)}:{call.operation}"
                if service == "apigatewayv2":
                    action = "apigateway:POST"
                yield OTHERWISE.get(action, action)


def undoing(action: str) -> Iterator[str]:
    """What changes or deletes that which `action` creates, where IAM knows such an action."""
    service, _, name = action.partition(":")
    for created in ("Create", "Put"):
        if name.startswith(created):
            for verb in ("Delete", "Update", "Modify"):
                if is_known(other := f"{service}:{verb}{name.removeprefix(created)}"):
                    yield other


def granted(account: Account) -> list[str]:
    return [
        action
        for policy in account.role("production-deploy").policies
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    ]


def test_a_deployment_may_make_change_and_delete_whatever_the_catalogue_makes(
    account: Account,
) -> None:
    patterns = granted(account)
    made = set(calls()) - OURS
    asked = made | {other for action in made for other in undoing(action)}

    assert len(asked) > 200
    assert [one for one in sorted(asked) if not is_known(one)] == []
    missing = [
        action
        for action in sorted(asked)
        if not any(matches(pattern, action, any_case=True) for pattern in patterns)
    ]
    assert missing == []


def test_every_action_in_a_policy_is_one_that_iam_knows(account: Account) -> None:
    statements = [
        (node.name, statement)
        for kind in POLICIES
        for node in account.recorded.all(kind)
        for statement in node.json("policy")["Statement"]
    ]
    unknown = [
        f"{name}: {statement['Sid']}: {action}"
        for name, statement in statements
        for action in statement.get("Action", statement.get("NotAction"))
        if action != "*" and not is_known(action)
    ]
    assert len(statements) > 150
    assert unknown == []


def test_nothing_is_granted_by_a_bare_star(account: Account) -> None:
    for kind in POLICIES:
        for node in account.recorded.all(kind):
            for statement in node.json("policy")["Statement"]:
                assert statement["Sid"].isalnum()
                if statement["Effect"] == "Allow":
                    assert "NotAction" not in statement
                    assert "NotResource" not in statement
                    assert "*" not in statement["Action"]
                    # A whole service is a ceiling's to name, and no grant's.
                    whole = [one for one in statement["Action"] if one.endswith(":*")]
                    assert not whole or node.name.startswith("boundaries-")


def test_every_policy_is_short_enough_with_room_to_grow(account: Account) -> None:
    managed = [len(node["policy"]) for node in account.recorded.all("iam.Policy")]
    inline = [len(node["policy"]) for node in account.recorded.all("iam.RolePolicy")]
    attached = [node["role"] for node in account.recorded.all("iam.RolePolicyAttachment")]

    assert max(managed) < 6144 * 0.8
    assert max(inline) < 10240 * 0.8
    assert max(attached.count(role) for role in attached) == 7  # of 10


def test_a_policy_that_is_too_long_is_refused_before_any_call() -> None:
    statement = Statement(
        sid="Long", actions=[f"sqs:Action{number:04}" for number in range(400)], resources=["a"]
    )

    with pytest.raises(AssertionError, match=r"policy long has \d+ characters; at most 6144 are"):
        record(lambda: pulumi.export("policy", managed("long", [statement])))


def test_the_rehearsal_refuses_it_as_well() -> None:
    entry = find("aws:iam/policy:Policy")
    assert entry
    [rule] = entry.rules
    assert list(rule({"policy": "x " * 6144})) == []
    assert list(rule({"policy": "x" * 6145})) == [
        ("policy", "6145 characters, a managed policy has room for 6144")
    ]


def test_the_longest_names_still_fit(bent_account: Callable[..., Account]) -> None:
    name = "an-environment-x"
    long = bent_account(
        account={"id": ACCOUNT, "platform": "a-platform-of-twenty", "project": "p" * 60},
        environments={name: {}, "an-environment-y": {}, "an-environment-z": {}},
    )

    names = [role["name"] for role in long.recorded.all("iam.Role") if "name" in role]
    assert f"a-platform-of-twenty-{name}-preview" in names
    assert max(map(len, names)) <= 64
    assert max(len(bucket["bucket"]) for bucket in long.recorded.all("s3.Bucket")) <= 63
    assert long.recorded.findings == []


PLACES = [("production", ""), ("staging", "fleets"), ("staging", "beanstalk")]
"""Between them they have every kind of role that the platform makes."""


@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_no_role_of_the_platform_is_granted_more_than_its_boundary(
    stack: str, variant: str, stack_graph: StackGraph, account: Account
) -> None:
    """Or the grant would be there, and not count."""
    boundary = [account.policy("boundaries-workloads")]
    recorded = stack_graph(stack, variant)
    beyond = {
        action
        for node in recorded.all("iam.RolePolicy")
        for statement in node.json("policy")["Statement"]
        for action in statement["Action"]
        if decide(boundary, Request(action=action)) != "allowed"
    }
    assert beyond - WITHHELD == set()


@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_what_aws_keeps_for_its_services_lies_within_the_boundary(
    stack: str, variant: str, stack_graph: StackGraph, account: Account
) -> None:
    boundary = [account.policy("boundaries-workloads")]
    shipped: dict[str, Any] = json.loads(aws_managed_policies_data)
    beyond = {
        action
        for node in stack_graph(stack, variant).all("iam.RolePolicyAttachment")
        for statement in _listed(
            shipped[node["policy_arn"].rpartition("/")[2]]["Document"]["Statement"]
        )
        for action in _listed(statement["Action"])
        if decide(boundary, Request(action=action)) != "allowed"
    }
    assert beyond - WITHHELD == set()


@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_what_a_policy_grants_by_name_is_called_so(
    stack: str, variant: str, stack_graph: StackGraph, account: Account
) -> None:
    """A grant by the environment's name is worth nothing for what is called otherwise."""
    role, recorded = account.role(f"{stack}-deploy"), stack_graph(stack, variant)
    asked = {
        "cloudwatch.LogGroup": ("logs:CreateLogGroup", "name", arn("logs", "log-group:{}")),
        "cloudwatch.MetricAlarm": (
            "cloudwatch:PutMetricAlarm",
            "name",
            arn("cloudwatch", "alarm:{}"),
        ),
        "ecr.Repository": ("ecr:CreateRepository", "name", arn("ecr", "repository/{}")),
        "s3.Bucket": ("s3:CreateBucket", "bucket", "arn:aws:s3:::{}"),
        "secretsmanager.Secret": (
            "secretsmanager:CreateSecret",
            "name",
            arn("secretsmanager", "secret:{}-a1b2c3"),
        ),
        "sns.Topic": ("sns:CreateTopic", "name", arn("sns", "{}")),
        "sqs.Queue": ("sqs:CreateQueue", "name", arn("sqs", "{}")),
        "kms.Alias": ("kms:CreateAlias", "name", arn("kms", "{}")),
    }  # fmt: skip
    refused = [
        f"{action} {node[key]}"
        for kind, (action, key, form) in asked.items()
        for node in recorded.all(kind)
        if not role.may(action, form.format(node[key]))
    ]
    assert refused == []


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
