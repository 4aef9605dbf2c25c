"""What cfn-lint knows about values, and the pairs of values that nobody else knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal import checks
from rehearsal.checks import cfn_lint, pairs
from rehearsal.graph import UNKNOWN, Finding, Graph
from tests.recorder import record
from tests.rehearsal.broken import alone, changed, containers, resource
from tests.rehearsal.clean_program import clean_program


@pytest.fixture(scope="module")
def clean() -> Graph:
    return record(clean_program).graph


def judged(clean: Graph, type: str, name: str, path: str, value: Any) -> list[Finding]:
    return cfn_lint.check(alone(changed(clean, type, name, path, value), type, name))


def test_a_clean_program_has_no_finding_of_any_check(clean: Graph) -> None:
    assert checks.run(clean) == []


def test_what_was_judged_in_one_graph_is_said_of_the_next_one_that_has_it(clean: Graph) -> None:
    said = [
        judged(clean, "rds.Instance", "database", "engineVersion", version)
        for version in ("98.7", "98.7", "98.8")
    ]

    assert [len(findings) for findings in said] == [1, 1, 1]
    assert said[0] == said[1]
    assert "98.8" in said[2][0].message


@pytest.mark.parametrize(
    ("type", "name", "path", "value", "said"),
    [
        ("rds.Instance", "database", "engineVersion", "99.1", "engineVersion: '99.1' is not one"),
        ("rds.Instance", "database", "instanceClass", "db.t9.nano", "instanceClass: 'db.t9.nano'"),
        (
            "rds.Instance",
            "database",
            "backupRetentionPeriod",
            99,
            "backupRetentionPeriod: 99 is greater than the maximum of 35",
        ),
        (
            "elasticache.ReplicationGroup",
            "cache",
            "engineVersion",
            "99.0",
            "engineVersion: '99.0' is not one of ['7.2', '8.0'",
        ),
        (
            "elasticache.ReplicationGroup",
            "cache",
            "nodeType",
            "cache.t9.nano",
            "nodeType: 'cache.t9.nano' is not one",
        ),
        (
            "elasticache.ReplicationGroup",
            "cache",
            "transitEncryptionEnabled",
            None,
            "transitEncryptionEnabled: missing",
        ),
        ("ecs.TaskDefinition", "api", "memory", "8192", "is not compatible with memory '8192'"),
        ("lb.Listener", "https", "certificateArn", None, "certificateArn: missing"),
        ("lb.TargetGroup", "api", "healthCheck.interval", 500, "healthCheck.interval: 500 is"),
        ("cloudwatch.MetricAlarm", "render-age", "period", 45, "period: 45 is not one of"),
        (
            "cloudwatch.MetricAlarm",
            "cache-memory",
            "metricQueries.0.metric.period",
            45,
            "metricQueries[0].metric.period: 45 is not one of",
        ),
        ("cloudwatch.LogGroup", "api", "retentionInDays", 31, "retentionInDays: 31 is not one of"),
        (
            "ec2.LaunchTemplate",
            "gpu",
            "instanceType",
            "g99.xlarge",
            "instanceType: 'g99.xlarge' is not one of",
        ),
        (
            "autoscaling.Group",
            "gpu",
            "mixedInstancesPolicy.launchTemplate.overrides.1.instanceType",
            "g6.gigantic",
            "overrides[1].instanceType: 'g6.gigantic' is not one of",
        ),
        ("autoscaling.Group", "gpu", "minSize", 9, "maxSize: '4' is less than the minimum of 9"),
        ("sqs.Queue", "render", "visibilityTimeoutSeconds", 50000, "maximum of 43200"),
        ("kms.Key", "data", "deletionWindowInDays", 3, "deletionWindowInDays: 3 is less than"),
        (
            "vpc.SecurityGroupIngressRule",
            "api-from-itself",
            "toPort",
            None,
            "[fromPort, toPort] are required",
        ),
    ],
)
def test_a_value_that_aws_does_not_know_is_one_error_at_its_property(
    clean: Graph, type: str, name: str, path: str, value: Any, said: str
) -> None:
    (finding,) = judged(clean, type, name, path, value)
    broken = resource(clean, type, name)
    assert said in finding.message
    assert (finding.check, finding.severity) == ("cfn-lint", "error")
    assert (finding.urn, finding.source) == (broken.urn, broken.source)


def test_a_trust_policy_takes_no_resource(clean: Graph) -> None:
    trust = json.loads(resource(clean, "iam.Role", "api").inputs["assumeRolePolicy"])
    trust["Statement"][0]["Resource"] = "*"
    (finding,) = judged(clean, "iam.Role", "api", "assumeRolePolicy", json.dumps(trust))
    assert finding.message.startswith("assumeRolePolicy: Additional properties")


def test_a_version_near_its_end_is_a_warning(clean: Graph) -> None:
    (finding,) = judged(clean, "rds.Instance", "database", "engineVersion", "16.4")
    assert finding.severity == "warning"
    assert "deprecated" in finding.message


def test_a_shell_variable_in_a_command_is_left_alone(clean: Graph) -> None:
    graph = containers(clean, "api", command=["sh", "-c", "serve --port ${PORT}"])
    assert cfn_lint.check(alone(graph, "ecs.TaskDefinition", "api")) == []


def test_a_resource_that_waits_for_another_is_not_judged(clean: Graph) -> None:
    assert judged(clean, "lb.Listener", "https", "certificateArn", UNKNOWN) == []


def test_a_replica_may_say_that_it_is_encrypted(clean: Graph) -> None:
    database = ("rds.Instance", "database")
    graph = changed(clean, *database, "replicateSourceDb", "primary")
    for key in ("engine", "engineVersion", "username", "manageMasterUserPassword"):
        graph = changed(graph, *database, key, None)
    assert cfn_lint.check(alone(graph, *database)) == []


def test_a_message_names_the_nearest_of_many_values(clean: Graph) -> None:
    (finding,) = judged(clean, "ec2.LaunchTemplate", "gpu", "instanceType", "g5.xlarg")
    assert "such as g5.xlarge" in finding.message
    assert len(finding.message) < 200


def test_every_region_is_judged_by_itself(clean: Graph) -> None:
    graph = changed(clean, "kms.Key", "data", "deletionWindowInDays", 3)
    abroad = resource(graph, "kms.Key", "data")
    abroad.region = "eu-west-1"
    (finding,) = cfn_lint.check(graph)
    assert finding.urn == abroad.urn


def test_automatic_failover_needs_a_second_node(clean: Graph) -> None:
    graph = changed(clean, "elasticache.ReplicationGroup", "cache", "numCacheClusters", 1)
    assert [finding.message for finding in pairs.check(graph)] == [
        "automaticFailoverEnabled: needs at least 2 nodes, numCacheClusters is 1"
    ]


def test_a_managed_password_and_a_replica_exclude_each_other(clean: Graph) -> None:
    source = resource(clean, "rds.Instance", "database")
    graph = changed(
        clean, "rds.Instance", "database", "replicateSourceDb", source.inputs["identifier"]
    )
    (finding,) = pairs.check(graph)
    assert "makes no replica of a database whose password it manages" in finding.message
