"""The proofs over a stack fail when one thing is taken from it: production, changed on paper.

Nothing is rehearsed again. In a copy of the recorded graph one resource is removed or rewritten,
and the proof must say so, and say it of that resource.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from rehearsal.graph import Graph, Resource
from tests.iam.places import StackGraph
from tests.iam.roles import findings as role_findings
from tests.recorder import Recorded, type_token
from tests.stacks.alarm_rows import misread
from tests.stacks.coverage import (
    open_to_the_world,
    unforgotten,
    unhelped,
    unkept,
    unruly,
    untagged,
    unwatched,
    written_runbooks,
)

Proof = Callable[[Recorded], list[str]]
Change = Callable[[Graph], None]


@pytest.fixture(name="production")
def _production(stack_graph: StackGraph) -> Recorded:
    return stack_graph("production")


def changed(recorded: Recorded, change: Change) -> Recorded:
    graph = replace(recorded.graph, resources=dict(recorded.graph.resources))
    change(graph)
    return Recorded(graph)


def _resource(graph: Graph, type: str, name: str) -> Resource:
    """A copy of it in its place: the recorded one is every test's."""
    token = type_token(type)
    [found] = [one for one in graph.resources.values() if (one.type, one.name) == (token, name)]
    copy = replace(found, inputs=deepcopy(found.inputs), outputs=deepcopy(found.outputs))
    graph.resources[copy.urn] = copy
    return copy


def without(type: str, name: str) -> Change:
    """One resource less."""
    return lambda graph: graph.resources.pop(_resource(graph, type, name).urn) and None


def with_input(type: str, name: str, **inputs: Any) -> Change:
    """Some inputs of a resource, under their wire names, otherwise; None takes one away."""

    def change(graph: Graph) -> None:
        resource = _resource(graph, type, name)
        for key, value in inputs.items():
            resource.inputs.pop(key, None)
            if value is not None:
                resource.inputs[key] = value

    return change


def with_json(type: str, name: str, key: str, edit: Callable[[Any], None]) -> Change:
    """An edited document: a policy, a dashboard."""

    def change(graph: Graph) -> None:
        resource = _resource(graph, type, name)
        document = json.loads(resource.inputs[key])
        edit(document)
        resource.inputs[key] = json.dumps(document)

    return change


def unguarded(type: str, name: str) -> Change:
    def change(graph: Graph) -> None:
        _resource(graph, type, name).protect = False

    return change


def untag(type: str, name: str, tag: str) -> Change:
    return lambda graph: _resource(graph, type, name).outputs["tagsAll"].pop(tag) and None


def a_new(type: str, **inputs: Any) -> Change:
    """A resource of a type that nobody has thought of, or of one that nobody watches yet."""

    def change(graph: Graph) -> None:
        like = _resource(graph, "sqs.Queue", "queue-render-queue")
        urn = f"{like.urn}-new"
        graph.resources[urn] = replace(
            like,
            urn=urn,
            type=type_token(type),
            name="new-one",
            inputs=inputs,
            outputs={},
            id="new",
        )

    return change


def grant(role: str, edit: Callable[[dict[str, Any]], None], sid: str) -> Change:
    """A statement of a role's policy, edited."""

    def of(document: Any) -> None:
        [statement] = [one for one in document["Statement"] if one["Sid"] == sid]
        edit(statement)

    return with_json("iam.RolePolicy", role, "policy", of)


def ungranted(role: str, sid: str) -> Change:
    def drop(document: Any) -> None:
        document["Statement"] = [one for one in document["Statement"] if one["Sid"] != sid]

    return with_json("iam.RolePolicy", role, "policy", drop)


def no_panel_of(title: str) -> Change:
    def drop(body: Any) -> None:
        body["widgets"] = [
            widget for widget in body["widgets"] if widget["properties"].get("title") != title
        ]

    return with_json("cloudwatch.Dashboard", "dashboard-page", "dashboardBody", drop)


def helped(recorded: Recorded) -> list[str]:
    return unhelped(recorded, written_runbooks())


def _missing_page(recorded: Recorded) -> list[str]:
    return unhelped(recorded, written_runbooks() - {"queues.md#backlog"})


NEIGHBOUR = "arn:aws:sqs:us-east-1:123456789012:another-stack-render"
ANYONE = {
    "Sid": "Anyone",
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "s3:GetObject",
    "Resource": "*",
}

MUTATIONS: list[tuple[str, Proof, Change, str]] = [
    # Alarms, one by one.
    *(
        (f"no {alarm}", misread, without("cloudwatch.MetricAlarm", alarm), said)
        for alarm, said in (
            ("api-errors", "0 alarms are called api-errors, not 1"),
            ("api-slow", "0 alarms are called api-slow, not 1"),
            ("api-unhealthy-targets", "0 alarms are called api-unhealthy-targets, not 1"),
            ("database-cpu-high", r"2 alarms are called database-(replica-\d-)?cpu-high, not 3"),
            ("database-connections", "0 alarms are called database-connections, not 1"),
            ("database-replica-2-lag", r"1 alarms are called database-replica-\d-lag, not 2"),
            ("api-cpu-high", "0 alarms are called api-cpu-high, not 1"),
            ("cache-node-3-memory-high", r"2 alarms are called cache-node-\d-memory-high, not 3"),
            ("queue-render-backlog", "0 alarms are called queue-render-backlog, not 1"),
            ("queue-render-dead-letters", "0 alarms are called queue-render-dead-letters, not 1"),
            ("worker-render-jobs-failing", "0 alarms are called worker-render-jobs-failing, not 1"),
            ("buckets-bucket-size", "0 alarms are called buckets-bucket-size, not 1"),
        )
    ),
    *(
        (
            f"{alarm} with another {key}",
            misread,
            with_input("cloudwatch.MetricAlarm", alarm, **{key: value}),
            said,
        )
        for alarm, key, value, said in (
            ("api-errors", "threshold", 11, "api-errors: threshold is 11, not 10"),
            ("api-errors", "treatMissingData", "missing", "silence is missing, not notBreaching"),
            ("api-errors", "evaluationPeriods", 3, "api-errors: times is 3, not 2"),
            ("queue-render-backlog", "period", 300, "seconds is {300}, not {600}"),
            ("queue-render-backlog", "statistic", "Average", "statistic is {'Average'}"),
            ("api-cpu-high", "datapointsToAlarm", 1, "datapoints is 1, not 2"),
            ("api-cpu-high", "actionsEnabled", False, "heard is False, not True"),
            ("cache-node-1-evictions", "comparisonOperator", "LessThanThreshold", "comparison is"),
            ("database-cpu-high", "okActions", ["arn:aws:sns:::backlot-production-info"], "tells"),
        )
    ),
    (
        "no alarm of a queue",
        unwatched,
        without("cloudwatch.MetricAlarm", "queue-render-dead-letters"),
        "'queue-render-dead-letter': no alarm watches backlot-production-render-dead-letter",
    ),
    (
        "no alarm of a function",
        unwatched,
        without("cloudwatch.MetricAlarm", "database-restart-failed"),
        "'database-restart': no alarm watches database-restart-",
    ),
    (
        "no alarm of a certificate",
        unwatched,
        without("cloudwatch.MetricAlarm", "domain-edge-certificate-expiring"),
        "'domain-edge-certificate': no alarm watches arn:aws:acm:us-east-1:",
    ),
    (
        "no alarm of a bucket",
        unwatched,
        without("cloudwatch.MetricAlarm", "buckets-logs-size"),
        "'buckets-logs': no alarm watches backlot-production-logs-",
    ),
    (
        "an alarm that tells nobody",
        unwatched,
        with_input("cloudwatch.MetricAlarm", "uptime-api-down", alarmActions=[]),
        "'uptime-api': no alarm watches uptime-api",
    ),
    (
        "no panel of a queue",
        unwatched,
        no_panel_of("render: jobs"),
        "'queue-render-dead-letter': no panel shows backlot-production-render-dead-letter",
    ),
    (
        "no panel of a function",
        unwatched,
        no_panel_of("Function: smoke"),
        "'api-gates-smoke': no panel shows api-gates-smoke-",
    ),
    (
        "no panel of a certificate",
        unwatched,
        no_panel_of("Certificates: days left"),
        "'domain-certificate': no panel shows arn:aws:acm:us-east-1:",
    ),
    (
        "no panels of the site",
        unwatched,
        with_json(
            "cloudwatch.Dashboard",
            "dashboard-page",
            "dashboardBody",
            lambda body: body.update(widgets=[]),
        ),
        "'cdn-site': no panel shows E",
    ),
    (
        "a type nobody has thought of",
        unwatched,
        a_new("dynamodb.Table"),
        "aws:dynamodb/table:Table 'new-one': no row for its type",
    ),
    (
        "a queue nobody watches",
        unwatched,
        a_new("sqs.Queue", name="new-queue"),
        "'new-one': no alarm watches new-queue",
    ),
    # Runbooks.
    (
        "no page for an alarm",
        _missing_page,
        lambda graph: None,
        "'queue-render-backlog': docs/runbooks/queues.md#backlog is not written",
    ),
    (
        "an alarm that names no page",
        helped,
        with_input("cloudwatch.MetricAlarm", "api-errors", alarmDescription="It fails."),
        "'api-errors': its description names no runbook",
    ),
    # What is kept.
    (
        "a database in plain text",
        unkept,
        with_input("rds.Instance", "database-primary", storageEncrypted=False),
        "'database-primary': not encrypted",
    ),
    (
        "a database without the key",
        unkept,
        with_input("rds.Instance", "database-primary", kmsKeyId=None),
        "'database-primary': encrypted without the stack's own key",
    ),
    (
        "a database without backups",
        unkept,
        with_input("rds.Instance", "database-primary", backupRetentionPeriod=0),
        "'database-primary': not backed up",
    ),
    (
        "a database that may be deleted",
        unkept,
        with_input("rds.Instance", "database-primary", deletionProtection=False),
        "'database-primary': not protected",
    ),
    (
        "a cache in plain text on its way",
        unkept,
        with_input("elasticache.ReplicationGroup", "cache-nodes", transitEncryptionEnabled=False),
        "'cache-nodes': not encrypted",
    ),
    (
        "a cache without snapshots",
        unkept,
        with_input("elasticache.ReplicationGroup", "cache-nodes", snapshotRetentionLimit=0),
        "'cache-nodes': not backed up",
    ),
    (
        "a bucket in plain text",
        unkept,
        without("s3.BucketServerSideEncryptionConfiguration", "buckets-media-encryption"),
        "'buckets-media': not encrypted",
    ),
    (
        "a bucket without versions",
        unkept,
        without("s3.BucketVersioning", "buckets-media-versioning"),
        "'buckets-media': not backed up",
    ),
    (
        "a bucket that may be deleted",
        unkept,
        unguarded("s3.Bucket", "buckets-media"),
        "'buckets-media': not protected",
    ),
    (
        "a queue in plain text",
        unkept,
        with_input("sqs.Queue", "queue-render-queue", kmsMasterKeyId=None),
        "'queue-render-queue': not encrypted",
    ),
    (
        "a topic without the key",
        unkept,
        with_input("sns.Topic", "notices-critical", kmsMasterKeyId=None),
        "'notices-critical': encrypted without the stack's own key",
    ),
    (
        "a log group without the key",
        unkept,
        with_input("cloudwatch.LogGroup", "api-logs", kmsKeyId=None),
        "'api-logs': encrypted without the stack's own key",
    ),
    (
        "a user pool that may be deleted",
        unkept,
        with_input("cognito.UserPool", "users-pool", deletionProtection="INACTIVE"),
        "'users-pool': not protected",
    ),
    (
        "a key that stays the same",
        unkept,
        with_input("kms.Key", "keys-data", enableKeyRotation=False),
        "'keys-data': not rotated",
    ),
    (
        "a log group that keeps everything",
        unforgotten,
        with_input("cloudwatch.LogGroup", "api-logs", retentionInDays=None),
        "'api-logs': no retention",
    ),
    # What every bucket and every queue has.
    (
        "a bucket whose name somebody can take",
        unruly,
        with_input("s3.Bucket", "buckets-media", bucketNamespace=None),
        "'buckets-media': somebody else can take its name",
    ),
    (
        "a bucket without TLS",
        unruly,
        without("s3.BucketPolicy", "buckets-backups-policy"),
        "'buckets-backups': answers without TLS",
    ),
    (
        "a bucket with other owners",
        unruly,
        without("s3.BucketOwnershipControls", "buckets-logs-ownership"),
        "'buckets-logs': objects may belong to somebody else",
    ),
    (
        "a bucket that keeps everything",
        unruly,
        without("s3.BucketLifecycleConfiguration", "buckets-static-lifecycle"),
        "'buckets-static': keeps stray parts of uploads for ever",
    ),
    (
        "a bucket for foreign keys",
        unruly,
        with_input(
            "s3.BucketServerSideEncryptionConfiguration", "buckets-media-encryption", rules=[{}]
        ),
        "'buckets-media': takes objects under keys that nobody here has",
    ),
    (
        "a queue without a dead-letter queue",
        unruly,
        with_input("sqs.Queue", "queue-render-queue", redrivePolicy=None),
        "'queue-render-queue': has nowhere to put what it gives up",
    ),
    (
        "a queue of short polls",
        unruly,
        with_input("sqs.Queue", "queue-render-queue", receiveWaitTimeSeconds=0),
        "'queue-render-queue': is asked again and again for nothing",
    ),
    (
        "a dead-letter queue for all",
        unruly,
        without("sqs.RedriveAllowPolicy", "queue-render-redrive-allow"),
        "'queue-render-dead-letter': takes what other queues give up",
    ),
    (
        "no alarm on the age of jobs",
        unruly,
        without("cloudwatch.MetricAlarm", "queue-render-oldest-message"),
        "'queue-render-queue': no alarm watches how long its messages wait",
    ),
    # Who may come in.
    (
        "a database open to the world",
        open_to_the_world,
        with_input("vpc.SecurityGroupIngressRule", "api-to-database-in", cidrIpv4="0.0.0.0/0"),
        "'api-to-database-in': opens 5432 to 5432 to 0.0.0.0/0",
    ),
    (
        "a wider door",
        open_to_the_world,
        with_input("vpc.SecurityGroupIngressRule", "load-balancer-http-in", toPort=8080),
        "'load-balancer-http-in': opens 80 to 8080 to 0.0.0.0/0",
    ),
    (
        "a public database",
        open_to_the_world,
        with_input("rds.Instance", "database-primary", publiclyAccessible=True),
        "'database-primary': is public",
    ),
    (
        "a bucket that is not blocked",
        open_to_the_world,
        with_input(
            "s3.BucketPublicAccessBlock", "buckets-media-access-block", blockPublicPolicy=False
        ),
        "'buckets-media': public access is not blocked",
    ),
    (
        "a bucket policy for everybody",
        open_to_the_world,
        with_json(
            "s3.BucketPolicy",
            "buckets-media-policy",
            "policy",
            lambda policy: policy["Statement"].append(ANYONE),
        ),
        "'buckets-media-policy': Anyone lets in everybody",
    ),
    (
        "a bucket policy for another account",
        open_to_the_world,
        with_json(
            "s3.BucketPolicy",
            "buckets-media-policy",
            "policy",
            lambda policy: policy["Statement"].append(
                {**ANYONE, "Principal": {"AWS": "arn:aws:iam::210987654321:root"}}
            ),
        ),
        "'buckets-media-policy': Anyone lets in account 210987654321",
    ),
    (
        "a topic for anybody's services",
        open_to_the_world,
        with_json(
            "sns.TopicPolicy",
            "notices-critical",
            "policy",
            lambda policy: policy["Statement"][0].pop("Condition"),
        ),
        "for anybody's account",
    ),
    (
        "a function for anybody's rules",
        open_to_the_world,
        with_input("lambda.Permission", "database-restart-sweep-permission", sourceArn=None),
        "lets in events.amazonaws.com for anybody's account",
    ),
    (
        "a function with an address",
        open_to_the_world,
        a_new("lambda.FunctionUrl"),
        "'new-one': has an address on the internet",
    ),
    # Tags.
    (
        "a bucket without an owner",
        untagged,
        untag("s3.Bucket", "buckets-media", "Owner"),
        "'buckets-media': no tag Owner",
    ),
    (
        "instances without tags",
        untagged,
        with_input("autoscaling.Group", "worker-render-group", tags=[]),
        "'worker-render-group': hands on no tag Environment",
    ),
    # Grants.
    (
        "no grant of the queue",
        role_findings,
        ungranted("worker-render-task", "ConsumeJobs"),
        "worker-render-task: may not sqs:ReceiveMessage on",
    ),
    (
        "no grant of the key",
        role_findings,
        ungranted("worker-render-task", "UseMediaKey"),
        "worker-render-task: may not kms:GenerateDataKey on",
    ),
    (
        "no grant of the log",
        role_findings,
        ungranted("api-execution", "WriteLogs"),
        "api-execution: may not logs:PutLogEvents on",
    ),
    (
        "a grant of a neighbour's queue",
        role_findings,
        grant("worker-render-task", lambda one: one["Resource"].append(NEIGHBOUR), "ConsumeJobs"),
        f"worker-render-task: may sqs:ReceiveMessage on {NEIGHBOUR}, which is none of its business",
    ),
    (
        "a grant of every secret",
        role_findings,
        grant("api-execution", lambda one: one.update(Resource=["*"]), "ReadCacheUrl"),
        "api-execution: ReadCacheUrl grants secretsmanager:GetSecretValue on *",
    ),
    (
        "a grant of every bucket",
        role_findings,
        grant("api-task", lambda one: one.update(Resource=["arn:aws:s3:::*"]), "ReadMedia"),
        "api-task: may s3:GetObject on arn:aws:s3:::another-stack-media/any/key",
    ),
    (
        "a grant of a whole service",
        role_findings,
        grant("api-task", lambda one: one.update(Action=["s3:*"]), "ReadMedia"),
        "api-task: ReadMedia grants s3:*",
    ),
    (
        "a grant that nothing needs",
        role_findings,
        grant("api-task", lambda one: one["Action"].append("s3:PutObjectAcl"), "WriteMedia"),
        "api-task: WriteMedia grants s3:PutObjectAcl, which nothing it runs calls",
    ),
    (
        "every task of the account",
        role_findings,
        grant(
            "worker-render-task",
            lambda one: one.update(Resource=["arn:aws:ecs:us-east-1:123456789012:task/*"]),
            "ProtectTaskAtWork",
        ),
        "worker-render-task: ProtectTaskAtWork grants ecs:GetTaskProtection on",
    ),
    (
        "no condition on the cluster",
        role_findings,
        grant("api-gates-migrate", lambda one: one.pop("Condition"), "FindMigration"),
        "api-gates-migrate: FindMigration grants ecs:ListTasks on * without ecs:cluster",
    ),
    (
        "every image of the account",
        role_findings,
        grant(
            "api-execution",
            lambda one: one.update(Resource=["arn:aws:ecr:us-east-1:123456789012:repository/*"]),
            "PullImages",
        ),
        "api-execution: PullImages grants ecr:BatchGetImage on",
    ),
    (
        "every parameter of the account",
        role_findings,
        grant(
            "worker-render-instance",
            lambda one: one["Action"].append("ssm:GetParameter"),
            "OpenSessions",
        ),
        "worker-render-instance: may ssm:GetParameter on",
    ),
    (
        "every cluster of the account",
        role_findings,
        grant(
            "worker-render-instance",
            lambda one: one.update(Resource=["arn:aws:ecs:us-east-1:123456789012:cluster/*"]),
            "JoinCluster",
        ),
        "worker-render-instance: may ecs:RegisterContainerInstance on",
    ),
    (
        "a role for another service",
        role_findings,
        with_json(
            "iam.Role",
            "api-task",
            "assumeRolePolicy",
            lambda policy: policy["Statement"][0].update(Principal={"AWS": "*"}),
        ),
        "api-task: is to be assumed by ecs-tasks.amazonaws.com alone",
    ),
    (
        "another policy of AWS",
        role_findings,
        with_input(
            "iam.RolePolicyAttachment",
            "database-monitoring-policy",
            policyArn="arn:aws:iam::aws:policy/AdministratorAccess",
        ),
        "database-monitoring: holds AdministratorAccess, which MANAGED",
    ),
]


@pytest.mark.parametrize(
    ("proof", "change", "said"),
    [mutation[1:] for mutation in MUTATIONS],
    ids=[mutation[0] for mutation in MUTATIONS],
)
def test_a_proof_misses_what_is_taken_away(
    proof: Proof, change: Change, said: str, production: Recorded
) -> None:
    told = proof(changed(production, change))
    assert any(said in line for line in told), told


@pytest.mark.parametrize(
    "proof",
    [misread, unwatched, helped, unkept, unforgotten, open_to_the_world, untagged, role_findings],
)
def test_a_copy_without_a_change_is_whole(proof: Proof, production: Recorded) -> None:
    assert proof(changed(production, lambda graph: None)) == []


def test_a_role_that_nobody_has_thought_of_is_found(production: Recorded) -> None:
    def rename(graph: Graph) -> None:
        _resource(graph, "iam.Role", "api-task").name = "api-helper"

    assert role_findings(changed(production, rename)) == [
        "api-helper: no row in tests/iam/roles.py for backlot:api:FargateApi 'helper'"
    ]
