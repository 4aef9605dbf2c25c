"""Names the provider makes up, the limits of the services, and default tags."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from rehearsal.catalogue import names
from rehearsal.graph import UNKNOWN, Resource
from tests.rehearsal.samples import new_graph, resource


def named(type: str, name: str, /, **inputs: Any) -> tuple[Resource, list[str]]:
    made = resource(type, name, **inputs)
    return made, [finding.message for finding in names.auto_name(made)]


def test_a_missing_name_becomes_the_logical_name_and_seven_digits() -> None:
    role, messages = named("aws:iam/role:Role", "worker")
    assert re.fullmatch(r"worker-[0-9a-f]{7}", role.inputs["name"])
    assert messages == []


def test_the_same_resource_always_gets_the_same_name_and_another_gets_another() -> None:
    first = named("aws:iam/role:Role", "worker")[0].inputs["name"]
    assert named("aws:iam/role:Role", "worker")[0].inputs["name"] == first
    assert named("aws:iam/policy:Policy", "worker")[0].inputs["name"] != first


@pytest.mark.parametrize(
    ("type", "property", "pattern"),
    [
        ("aws:s3/bucket:Bucket", "bucket", r"media-[0-9a-f]{7}"),
        ("aws:rds/instance:Instance", "identifier", r"media-[0-9a-f]{7}"),
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "replicationGroupId",
            r"media-[0-9a-f]{7}",
        ),
        ("aws:kms/alias:Alias", "name", r"alias/Media-[0-9a-f]{7}"),
        ("aws:lb/loadBalancer:LoadBalancer", "name", r"Media-[0-9a-f]{7}"),
        ("aws:ecs/cluster:Cluster", "name", r"Media-[0-9a-f]{7}"),
    ],
)
def test_each_type_names_its_own_property_in_its_own_spelling(
    type: str, property: str, pattern: str
) -> None:
    made, messages = named(type, "Media")
    assert re.fullmatch(pattern, made.inputs[property])
    assert messages == []


def test_a_fifo_queue_is_named_so() -> None:
    queue, messages = named("aws:sqs/queue:Queue", "jobs", fifoQueue=True)
    assert re.fullmatch(r"jobs-[0-9a-f]{7}\.fifo", queue.inputs["name"])
    assert messages == []


def test_a_prefix_takes_the_place_of_the_logical_name() -> None:
    role, _ = named("aws:iam/role:Role", "worker", namePrefix="studio-")
    assert re.fullmatch(r"studio-[0-9a-f]{7}", role.inputs["name"])


@pytest.mark.parametrize(
    ("type", "longest"),
    [
        ("aws:lb/loadBalancer:LoadBalancer", 24),
        ("aws:lb/targetGroup:TargetGroup", 24),
        ("aws:iam/role:Role", 56),
        ("aws:sqs/queue:Queue", 72),
        ("aws:s3/bucket:Bucket", 55),
        ("aws:rds/instance:Instance", 55),
        ("aws:elasticache/replicationGroup:ReplicationGroup", 32),
        ("aws:lambda/function:Function", 56),
        ("aws:cloudfront/originAccessControl:OriginAccessControl", 56),
        ("aws:cloudfront/function:Function", 56),
        ("aws:cloudfront/cachePolicy:CachePolicy", 120),
        ("aws:wafv2/webAcl:WebAcl", 120),
        ("aws:cognito/userPool:UserPool", 120),
        ("aws:apigatewayv2/api:Api", 120),
    ],
)
def test_a_logical_name_may_be_as_long_as_the_limit_less_the_suffix(
    type: str, longest: int
) -> None:
    assert named(type, "a" * longest)[1] == []
    naming = names.AUTO_NAMES[type].property
    limit = longest + 8
    stem = "a" * (longest + 1)
    (message,) = named(type, stem)[1]
    assert message.startswith(f'{naming}: "{stem}-')
    assert message.endswith(
        f"has {limit + 1} characters ({stem}- and 7 made-up characters), "
        f"at most {limit} are allowed"
    )


@pytest.mark.parametrize(
    ("type", "property", "name"),
    [
        ("aws:lb/loadBalancer:LoadBalancer", "name", "internal-api"),
        ("aws:lb/targetGroup:TargetGroup", "name", "api_blue"),
        ("aws:s3/bucket:Bucket", "bucket", "Media"),
        ("aws:s3/bucket:Bucket", "bucket", "media..renders"),
        ("aws:rds/instance:Instance", "identifier", "studio--database"),
        ("aws:ec2/securityGroup:SecurityGroup", "name", "sg-workers"),
        ("aws:ecs/capacityProvider:CapacityProvider", "name", "fargate-gpu"),
        ("aws:iam/role:Role", "name", "rôle"),
        ("aws:sqs/queue:Queue", "name", "jobs.render"),
        ("aws:kms/alias:Alias", "name", "data"),
        ("aws:ssm/parameter:Parameter", "name", "/aws/flag"),
        ("aws:cloudfront/function:Function", "name", "spa.rewrite"),
        ("aws:wafv2/webAcl:WebAcl", "name", "studio edge"),
        ("aws:cognito/userPool:UserPool", "name", "studio/dev"),
        ("aws:apigatewayv2/stage:Stage", "name", "$latest"),
    ],
)
def test_a_name_the_service_refuses_is_a_finding(type: str, property: str, name: str) -> None:
    (message,) = named(type, "given", **{property: name})[1]
    assert message.startswith(f'{property}: "{name}" is not allowed: ')


def test_a_fifo_queue_that_is_named_otherwise_is_a_finding() -> None:
    assert named("aws:sqs/queue:Queue", "j", name="jobs", fifoQueue=True)[1] == [
        'name: "jobs" must end in .fifo, because fifoQueue is true'
    ]


def test_an_unknown_name_is_left_alone() -> None:
    role, messages = named("aws:iam/role:Role", "worker", name=UNKNOWN)
    assert role.inputs == {"name": UNKNOWN}
    assert messages == []


def test_a_type_without_a_name_gets_none() -> None:
    vpc, messages = named("aws:ec2/vpc:Vpc", "studio", cidrBlock="10.0.0.0/16")
    assert vpc.inputs == {"cidrBlock": "10.0.0.0/16"}
    assert messages == []


def test_a_finding_of_a_name_has_its_own_check() -> None:
    (finding,) = names.auto_name(resource("aws:iam/role:Role", "w" * 60))
    assert (finding.check, finding.severity) == ("name", "error")


def test_default_tags_lie_under_the_tags_of_the_resource() -> None:
    graph = new_graph()
    provider = resource(
        "pulumi:providers:aws", "p", defaultTags={"tags": {"Project": "studio", "Stack": "dev"}}
    )
    graph.resources[provider.urn] = provider
    queue = resource("aws:sqs/queue:Queue", "jobs", tags={"Stack": "own"})
    queue.provider = provider.urn
    names.apply_default_tags(queue, graph)
    assert queue.inputs["tagsAll"] == {"Project": "studio", "Stack": "own"}
    assert queue.inputs["tags"] == {"Stack": "own"}


def test_no_tags_at_all_leave_no_trace() -> None:
    queue = resource("aws:sqs/queue:Queue", "jobs")
    names.apply_default_tags(queue, new_graph())
    assert queue.inputs == {}


def test_names_need_no_aws_library() -> None:
    code = "import sys, rehearsal.catalogue.names; print('botocore' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
