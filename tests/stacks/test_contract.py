"""What holds for every component, whichever it is; a new one is held to it without a new test."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest

from tests.conftest import STACKS, VARIANTS
from tests.recorder import ROOT, Node, Recorded

StackGraph = Callable[..., Recorded]

PLACES = [*((stack, "") for stack in STACKS), ("staging", "services"), ("staging", "fleets")]
"""As shipped, and what none of those has."""

UNWATCHED = {
    "backlot:alarms:Overall": "is itself a watch",
    "backlot:budget:Budget": "is itself a watch",
    "backlot:dashboard:Dashboard": "is itself a watch",
    "backlot:events:Events": "is itself a watch",
    "backlot:keys:Keys": "runs nothing",
    "backlot:notices:Notices": "what tells cannot tell of itself",
    "backlot:registry:Registry": "runs nothing",
    "backlot:saved_queries:SavedQueries": "runs nothing",
    "backlot:secrets:Secrets": "runs nothing",
    "backlot:tracing:Tracing": "runs nothing",
    "backlot:workers:Quotas": "runs nothing",
}
"""Components without alarms, and why. What is not listed must have some."""


def components(recorded: Recorded) -> list[Node]:
    return [node for node in recorded.nodes if node.type.startswith("backlot:")]


def made(recorded: Recorded) -> list[Node]:
    """Everything that a provider makes."""
    return [
        node
        for node in recorded.nodes
        if node.resource.custom and not node.type.startswith("pulumi:")
    ]


def owner(recorded: Recorded, node: Node) -> Node:
    """The component of ours that `node` belongs to, however deep."""
    by_urn = {other.urn: other for other in recorded.nodes}
    while not node.type.startswith("backlot:"):
        assert node.parent in by_urn, f"{node} belongs to no component"
        node = by_urn[node.parent]
    return node


@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_everything_belongs_to_a_component_and_is_named_after_it(
    stack: str, variant: str, stack_graph: StackGraph
) -> None:
    recorded = stack_graph(stack, variant)

    misnamed = [
        str(node) for node in made(recorded) if not node.name.startswith(owner(recorded, node).name)
    ]
    assert misnamed == []


@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_everything_on_aws_is_made_by_the_one_explicit_provider(
    stack: str, variant: str, stack_graph: StackGraph
) -> None:
    recorded = stack_graph(stack, variant)
    provider = recorded.one("pulumi:providers:aws")

    given = {
        node.provider.rpartition("::")[0] or node.provider
        for node in made(recorded)
        if node.type.startswith("aws:")
    }
    assert given == {provider.urn} or given == {provider.urn.rpartition("::")[0]}


@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_every_component_registers_outputs(
    stack: str, variant: str, stack_graph: StackGraph
) -> None:
    recorded = stack_graph(stack, variant)
    silent = [str(node) for node in components(recorded) if not node.outputs]
    assert silent == []


@pytest.mark.parametrize("stack", STACKS)
def test_whatever_can_carry_tags_carries_the_stacks(stack: str, stack_graph: StackGraph) -> None:
    wanted = {
        "Project": "backlot",
        "Environment": stack,
        "ManagedBy": "pulumi",
        "Owner": "platform",
    }

    tagged = [node for node in made(stack_graph(stack)) if "tags_all" in node.outputs]
    assert len(tagged) > 90
    for node in tagged:
        assert wanted.items() <= node.outputs["tags_all"].items(), node


@pytest.mark.parametrize("stack", STACKS)
def test_default_tags_stop_at_the_fleet_which_has_its_own(
    stack: str, stack_graph: StackGraph
) -> None:
    recorded = stack_graph(stack)
    for group in recorded.all("autoscaling.Group"):
        tags = {tag["key"]: tag for tag in group["tags"]}
        assert tags["Environment"]["value"] == stack
        assert all(tag["propagate_at_launch"] for tag in tags.values())
    for template in recorded.all("ec2.LaunchTemplate"):
        kinds = {spec["resource_type"]: spec["tags"] for spec in template["tag_specifications"]}
        assert {"instance", "volume"} == set(kinds)
        assert all(tags["Environment"] == stack for tags in kinds.values())


@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_every_component_that_runs_something_is_watched(
    stack: str, variant: str, stack_graph: StackGraph
) -> None:
    recorded = stack_graph(stack, variant)
    watched = {owner(recorded, alarm).type for alarm in recorded.all("cloudwatch.MetricAlarm")}

    assert {node.type for node in components(recorded)} - watched <= set(UNWATCHED)
    assert not watched & set(UNWATCHED), "watched after all: take it off the list"


@pytest.mark.parametrize("stack", STACKS)
def test_an_alarm_stands_beside_what_it_watches_and_tells_somebody(
    stack: str, stack_graph: StackGraph
) -> None:
    recorded = stack_graph(stack)
    topics = {topic.outputs["arn"] for topic in recorded.all("sns.Topic")}
    policies = {policy.outputs["arn"] for policy in recorded.all("appautoscaling.Policy")}

    for alarm in recorded.all("cloudwatch.MetricAlarm"):
        assert alarm.name.startswith(owner(recorded, alarm).name)
        (action,) = alarm["alarm_actions"]
        assert action in topics | policies
        if action in topics:
            assert "docs/runbooks/" in alarm["alarm_description"]
            assert alarm["actions_enabled"] is True


def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm(stack_graph: StackGraph) -> None:
    graphs = [stack_graph(stack) for stack in STACKS]
    graphs += [stack_graph("staging", variant) for variant in VARIANTS if variant != "bare"]
    described = {
        alarm["alarm_description"]
        for recorded in graphs
        for kind in ("cloudwatch.MetricAlarm", "cloudwatch.CompositeAlarm")
        for alarm in recorded.all(kind)
    }
    named = {found for text in described for found in re.findall(r"docs/runbooks/(\S+)", text)}

    written = {
        f"{page.name}#{line.removeprefix('## ')}"
        for page in (ROOT / "docs" / "runbooks").glob("*.md")
        for line in page.read_text().splitlines()
        # A heading in plain words is not an alarm's.
        if re.fullmatch(r"## [a-z0-9-]+", line)
    }
    assert named == written


@pytest.mark.parametrize("stack", STACKS)
def test_only_the_load_balancer_is_open_to_the_world(stack: str, stack_graph: StackGraph) -> None:
    recorded = stack_graph(stack)

    opened = {
        (rule.name, rule["from_port"], rule["to_port"])
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if rule.get("cidr_ipv4") == "0.0.0.0/0"
    }
    ports = {(80, 80)} if stack == "dev" else {(80, 80), (443, 443)}
    assert {(first, last) for _, first, last in opened} == ports
    assert all(name.startswith("load-balancer-") for name, _, _ in opened)
    assert not [
        node
        for group in recorded.all("ec2.SecurityGroup")
        for node in (group,)
        if "ingress" in node or "egress" in node
    ], "rules are resources of their own"
    assert all(not instance["publicly_accessible"] for instance in recorded.all("rds.Instance"))


@pytest.mark.parametrize("stack", STACKS)
def test_everything_at_rest_is_encrypted(stack: str, stack_graph: StackGraph) -> None:
    recorded = stack_graph(stack)

    assert all(instance["storage_encrypted"] for instance in recorded.all("rds.Instance"))
    for group in recorded.all("elasticache.ReplicationGroup"):
        assert group["at_rest_encryption_enabled"] is True
        assert group["transit_encryption_enabled"] is True
    encrypted = {
        node["bucket"] for node in recorded.all("s3.BucketServerSideEncryptionConfiguration")
    }
    assert encrypted == {bucket["bucket"] for bucket in recorded.all("s3.Bucket")}
    for queue in recorded.all("sqs.Queue"):
        assert queue.get("sqs_managed_sse_enabled") or queue.get("kms_master_key_id")
    for template in recorded.all("ec2.LaunchTemplate"):
        assert [device["ebs"]["encrypted"] for device in template["block_device_mappings"]] == [
            "true"
        ]
    customer_managed = stack != "dev"
    for kind, key in (
        ("rds.Instance", "kms_key_id"),
        ("sqs.Queue", "kms_master_key_id"),
        ("sns.Topic", "kms_master_key_id"),
        ("cloudwatch.LogGroup", "kms_key_id"),
        ("secretsmanager.Secret", "kms_key_id"),
    ):
        assert all((key in node) == customer_managed for node in recorded.all(kind)), kind


@pytest.mark.parametrize("stack", STACKS)
def test_every_log_group_forgets(stack: str, stack_graph: StackGraph) -> None:
    days = {group["retention_in_days"] for group in stack_graph(stack).all("cloudwatch.LogGroup")}
    assert days == {30 if stack == "production" else 7}  # M88


def test_only_production_guards_what_holds_data(stack_graph: StackGraph) -> None:
    def guarded(stack: str) -> set[tuple[str, str]]:
        nodes = made(stack_graph(stack))
        return {(node.type.rpartition(":")[2], node.name) for node in nodes if node.protect}

    assert guarded("dev") == guarded("staging") == set()
    # A replica, a parameter group or an alarm may go: protecting it would only refuse updates.
    assert guarded("production") == {
        ("Alias", "keys-data"),
        ("Alias", "keys-logs"),
        ("Key", "keys-data"),
        ("Key", "keys-logs"),
        ("Instance", "database-primary"),
        ("ReplicationGroup", "cache-nodes"),
        ("Bucket", "buckets-media"),
        ("Bucket", "buckets-static"),
        ("Bucket", "buckets-backups"),
        ("Bucket", "buckets-logs"),
        ("Bucket", "buckets-releases"),
        ("UserPool", "users-pool"),
        ("Alias", "backups-key"),
        ("Alias", "backups-copies-key"),
        ("Key", "backups-key"),
        ("Key", "backups-copies-key"),
        ("Vault", "backups-vault"),
        ("Vault", "backups-copies-vault"),
    }


@pytest.mark.parametrize("stack", STACKS)
def test_a_service_assumes_our_roles_for_our_account_alone(
    stack: str, stack_graph: StackGraph
) -> None:
    # They do not say for whom they work.
    unsaid = {"ec2.amazonaws.com", "ecs.amazonaws.com", "lambda.amazonaws.com"}

    bound_ones = {
        "ecs-tasks.amazonaws.com",
        "monitoring.rds.amazonaws.com",
        "scheduler.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
    }
    if stack != "dev":
        bound_ones |= {"firehose.amazonaws.com", "logs.amazonaws.com"}
    if stack == "production":
        unsaid |= {"backup.amazonaws.com", "cloudtrail.amazonaws.com"}

    services: dict[str, bool] = {}
    for role in stack_graph(stack).all("iam.Role"):
        [trust] = role.json("assume_role_policy")["Statement"]
        services[trust["Principal"]["Service"]] = "Condition" in trust
    assert {service for service, bound in services.items() if not bound} == unsaid
    assert {service for service, bound in services.items() if bound} == bound_ones


def test_the_quarantine_of_media_lets_the_backups_own_role_through(stack_graph: StackGraph) -> None:
    recorded = stack_graph("staging", "everything", moto=True)
    policy = recorded.one("s3.BucketPolicy", "buckets-media-policy").json("policy")
    [deny] = [each for each in policy["Statement"] if each["Sid"] == "Quarantine"]

    exempt = deny["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    through = [
        role.name for role in recorded.all("iam.Role") if fnmatchcase(role.outputs["arn"], exempt)
    ]
    assert through == ["backups-role"]
