"""The whole program, as each of our stacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsal.record import RecordOnlyProvider
from rehearsal.run import rehearse
from tests.conftest import STACKS, rehearsed
from tests.recorder import ROOT, Node, Recorded
from tests.rows import proves

StackGraph = Callable[..., Recorded]

SHADOWED = {
    "aws:accessanalyzer/analyzer:Analyzer",
    "aws:backup/restoreTestingPlan:RestoreTestingPlan",
    "aws:backup/restoreTestingSelection:RestoreTestingSelection",
    "aws:backup/selection:Selection",
    "aws:backup/vaultPolicy:VaultPolicy",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "aws:cloudwatch/queryDefinition:QueryDefinition",
    "aws:cognito/managedLoginBranding:ManagedLoginBranding",
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
    "aws:costexplorer/anomalySubscription:AnomalySubscription",
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
    "aws:elasticache/parameterGroup:ParameterGroup",
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
    "aws:s3/bucketLogging:BucketLogging",
}
"""What moto 5.2 cannot make. A longer list means the rehearsal checks less than it did."""


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_rehearses_without_a_finding(stack: str, stack_graph: StackGraph) -> None:
    assert stack_graph(stack, moto=True).findings == []


def test_production_is_made_in_the_in_memory_aws_but_for_a_short_list(
    stack_graph: StackGraph,
) -> None:
    nodes = stack_graph("production", moto=True).nodes

    made = [node for node in nodes if node.resource.made_in == "moto"]
    shadowed = {node.type for node in nodes if node.resource.made_in == "shadow"}
    assert len(nodes) >= 490
    assert len(made) >= 415
    assert shadowed == SHADOWED


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_hides_in_an_apply(stack: str, stack_graph: StackGraph) -> None:
    """What exists only once an output is known is missing from every preview."""
    assert stack_graph(stack, preview=True).urns == stack_graph(stack).urns


@proves("M106", "aivp", "ai-film-studio", "muejam")
def test_two_rehearsals_write_the_same_bytes(stack_graph: StackGraph) -> None:
    first = stack_graph("dev", moto=True).graph.write()
    second = rehearsed("dev", ROOT / "tests" / "shipped" / "Pulumi.dev.yaml", moto=True).write()
    assert first == second


def test_the_stacks_differ_in_numbers_and_in_what_the_numbers_call_for(
    stack_graph: StackGraph,
) -> None:
    """No component asks which stack it is in, so the types that differ are few and explained."""
    types = {stack: {node.type for node in stack_graph(stack).nodes} for stack in STACKS}

    assert types["production"] - types["staging"] == {
        "random:index/randomId:RandomId",  # names the final snapshots
        # Once per account, and what it writes down.
        "aws:accessanalyzer/analyzer:Analyzer",
        "aws:cloudtrail/trail:Trail",
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
        "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
        "aws:guardduty/detector:Detector",
        "aws:guardduty/detectorFeature:DetectorFeature",
        "backlot:audit:Audit",
        # Only its data is worth a copy elsewhere.
        "aws:backup/plan:Plan",
        "aws:backup/restoreTestingPlan:RestoreTestingPlan",
        "aws:backup/restoreTestingSelection:RestoreTestingSelection",
        "aws:backup/selection:Selection",
        "aws:backup/vault:Vault",
        "aws:backup/vaultPolicy:VaultPolicy",
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
        "backlot:backups:Backups",
    }
    assert types["staging"] - types["production"] == {
        "backlot:workers:Waker",  # production's fleet never rests
    }
    assert types["staging"] - types["dev"] == {
        "aws:acm/certificate:Certificate",
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:cloudwatch/logStream:LogStream",
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
        "aws:kms/alias:Alias",
        "aws:kms/key:Key",
        "aws:route53/healthCheck:HealthCheck",
        "aws:route53/record:Record",
        "aws:wafv2/webAcl:WebAcl",
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        "backlot:domain:Domain",
        "backlot:firewall:Firewall",
        "backlot:log_archive:LogArchive",
        "backlot:uptime:Uptime",
    }


def test_the_outputs_are_those_people_and_other_stacks_read(stack_graph: StackGraph) -> None:
    outputs = stack_graph("production", moto=True).outputs  # M110

    assert outputs["vpc_id"].startswith("vpc-")
    assert outputs["api_url"] == "https://api.studio.example"
    assert outputs["load_balancer"]["dns_name"].endswith(".us-east-1.elb.amazonaws.com")
    assert outputs["load_balancer"]["zone_id"].startswith("Z")
    assert sorted(outputs["deployment"]) == ["handle", "migrate", "smoke"]
    assert outputs["database_endpoint"].endswith(".us-east-1.rds.amazonaws.com:5432")
    assert len(outputs["replica_endpoints"]) == 2
    assert outputs["cache_endpoint"].endswith(".cache.amazonaws.com")
    assert sorted(outputs["buckets"]) == ["backups", "logs", "media", "releases", "static"]
    assert outputs["queues"]["render"].endswith("/backlot-production-render")
    assert sorted(outputs["repositories"]) == ["api", "worker"]
    assert sorted(outputs["fleets"]) == ["render"]
    assert outputs["cdn"]["site_url"] == "https://app.studio.example"
    assert outputs["cdn"]["media_url"] == "https://cdn.studio.example"
    assert outputs["users"]["issuer"].startswith("https://cognito-idp.us-east-1.amazonaws.com/")
    assert outputs["services"] == {}
    assert outputs["backups"]["copies"]["region"] == "us-west-2"
    assert len(outputs) == 15


def test_a_stack_without_cdn_or_users_gives_no_addresses_of_them(stack_graph: StackGraph) -> None:
    outputs = stack_graph("dev", "bare").outputs

    assert not {"backups", "cdn", "users"} & set(outputs)
    assert len(outputs) == 12


@pytest.mark.parametrize("stack", STACKS)
def test_no_secret_is_readable_in_the_written_graph(stack: str, stack_graph: StackGraph) -> None:
    recorded = stack_graph(stack, moto=True)
    written = recorded.graph.write()

    passwords = [
        value
        for node in recorded.all("random.RandomPassword")
        for value in (node.resource.outputs["result"],)
    ]
    assert passwords, "the cache's token is one, in every stack"
    assert not [password for password in passwords if password in written]
    assert all(not _readable(node) for node in recorded.all("secretsmanager.SecretVersion")), (
        "a version's text that holds a password must be marked secret"
    )


def _readable(version: Node) -> bool:
    text = version["secret_string"]
    return "secret_string" not in version.secret_inputs and "@" in text


@pytest.mark.parametrize("stack", STACKS)
def test_a_container_is_told_secrets_by_reference_only(stack: str, stack_graph: StackGraph) -> None:
    for task in stack_graph(stack).all("ecs.TaskDefinition"):
        for container in json.loads(task["container_definitions"]):
            secrets = {secret["name"]: secret["valueFrom"] for secret in container["secrets"]}
            plain = {variable["name"] for variable in container["environment"]}
            assert {"DATABASE_URL", "REDIS_URL"} <= set(secrets), task.name
            assert not plain & set(secrets)
            assert not [name for name in plain if name.endswith(("_KEY", "_SECRET", "PASSWORD"))]
            assert all(value.startswith("arn:aws:") for value in secrets.values())


def test_the_program_is_short_enough_to_read_as_the_picture() -> None:
    lines = len((ROOT / "__main__.py").read_text().splitlines())
    assert lines < 120, f"{lines} lines: what is not wiring belongs in a component"


@pytest.mark.parametrize("stack", STACKS)
def test_no_service_starts_before_its_secrets_hold_a_value(
    stack: str, stack_graph: StackGraph
) -> None:
    """ECS cannot start a task on a secret without a value, and the breaker would trip."""
    recorded = stack_graph(stack)
    versions = {
        node["secret_id"]: node.urn for node in recorded.all("secretsmanager.SecretVersion")
    }
    tasks = {task.outputs["arn"]: task for task in recorded.all("ecs.TaskDefinition")}

    for service in recorded.all("ecs.Service"):
        before = _all_before(recorded, service.urn)
        [container] = tasks[service["task_definition"]].json("container_definitions")
        mounted = {secret["valueFrom"] for secret in container["secrets"]}
        ours = {
            urn
            for secret, urn in versions.items()
            if any(value.startswith(secret) for value in mounted)
        }
        assert len(ours) >= 4, "two connections and at least two third-party keys"
        assert ours <= before, service.name


def _all_before(recorded: Recorded, urn: str) -> set[str]:
    """Everything that exists before `urn` is made, by way of whatever."""
    seen: set[str] = set()
    waiting = [urn]
    while waiting:
        resource = recorded.graph.resources[waiting.pop()]
        for dependency in resource.dependencies:
            if dependency not in seen and dependency in recorded.graph.resources:
                seen.add(dependency)
                waiting.append(dependency)
    return seen


def test_a_stack_that_names_its_account_touches_no_other(
    stack_graph: StackGraph, tmp_path: Path
) -> None:
    text = (ROOT / "tests" / "shipped" / "Pulumi.dev.yaml").read_text()
    named = text.replace("protect: false", 'protect: false\n    account_ids: ["123456789012"]')
    (tmp_path / "Pulumi.dev.yaml").write_text(named)
    bound = Recorded(rehearse(ROOT, "dev", tmp_path / "Pulumi.dev.yaml", RecordOnlyProvider()))

    provider = bound.one("pulumi:providers:aws")
    assert provider["allowed_account_ids"] == ["123456789012"]  # M12
    assert "allowed_account_ids" not in stack_graph("dev").one("pulumi:providers:aws")
