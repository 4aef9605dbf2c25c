"""What watches a studio and protects it: what AWS refuses there, and what it takes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from rehearsal.checks import references
from rehearsal.graph import Graph
from rehearsal.provider import MotoProvider
from tests.recorder import aws_provider, record
from tests.rehearsal.broken import changed
from tests.rehearsal.broken import resource as found_in
from tests.rehearsal.samples import SAMPLES, Sample, make, make_all, new_graph, resource
from tests.rehearsal.samples import references as needs
from tests.rehearsal.samples_watch import WATCH_SAMPLES, allowed, trusted

ACCOUNT = "123456789012"
STANDARD = "aws-foundational-security-best-practices/v/1.0.0"


@dataclass
class Studio:
    """The samples of this module, made in an account that stays open."""

    provider: MotoProvider
    graph: Graph

    def named(self, name: str) -> dict[str, Any]:
        (found,) = [one for one in self.graph.resources.values() if one.name == name]
        return {"id": found.id, **found.outputs}

    def judged(self, name: str, changes: Mapping[str, Any]) -> list[str]:
        """What the rules and the API's model say of a sample with values at dotted paths set, or
        taken away when they are None; moto's own word does not count here."""
        (sample,) = [one for one in self.graph.resources.values() if one.name == name]
        inputs = copy.deepcopy(sample.inputs)
        for path, value in changes.items():
            node: Any = inputs
            *outer, last = path.split(".")
            for key in outer:
                node = node[int(key)] if key.isdigit() else node.setdefault(key, {})
            if value is None:
                node.pop(last, None)
            else:
                node[int(last) if last.isdigit() else last] = value
        _, findings = make(
            self.provider, new_graph(), resource(sample.type, f"other-{name}", **inputs)
        )
        return [one.message for one in findings if one.check in ("model", "shape", "name")]


def closure() -> list[Sample]:
    """The samples that watch, and those they refer to."""
    by_name = {sample.name: sample for sample in SAMPLES}
    wanted = {"composite", *(name for _, name, _ in WATCH_SAMPLES)}
    while more := {name for one in wanted for name in needs(dict(by_name[one].inputs))} - wanted:
        wanted |= more
    return [sample for sample in SAMPLES if sample.name in wanted]


@pytest.fixture(scope="module", name="studio")
def _studio() -> Iterator[Studio]:
    graph = new_graph()
    with MotoProvider() as provider:
        make_all(provider, graph, closure())
        yield Studio(provider, graph)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("trail", {"s3KeyPrefix": "x" * 201}, "s3KeyPrefix: 201 characters given, at most 200 allowed"),
    ("trail", {"cloudWatchLogsRoleArn": None}, "cloudWatchLogsRoleArn: nothing was given"),
    ("trail", {"cloudWatchLogsGroupArn": None}, "cloudWatchLogsGroupArn: nothing was given"),
    (
        "trail",
        {"cloudWatchLogsGroupArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:a"},
        "CloudTrail wants it to end in :*",
    ),
    ("trail", {"includeGlobalServiceEvents": False}, "includeGlobalServiceEvents: false given"),
    ("trail", {"eventSelectors": [{"readWriteType": "All"}]}, "eventSelectors: given together"),
    ("trail", {"name": "10.0.0.1"}, 'name: "10.0.0.1" is not allowed'),
    ("trail", {"name": "a--b"}, 'name: "a--b" is not allowed'),
    ("runtime-monitoring", {"name": "RUNTIME"}, 'name: "RUNTIME" is not one of'),
    ("analyzer", {"analyzerName": "1st"}, 'analyzerName: "1st" does not match'),
    ("analyzer", {"type": "PROJECT"}, 'type: "PROJECT" is not one of'),
    (
        "best-practices",
        {"standardsArn": "arn:aws:securityhub:eu-west-1::standards/a/v/1.0.0"},
        "standardsArn: is of eu-west-1, that of us-east-1 is needed",
    ),
    ("closed", {"internetGatewayBlockMode": "on"}, 'internetGatewayBlockMode: "on" is not one of'),
    ("open", {"vpcId": "vpc-0"}, "subnetId: exactly one of subnetId and vpcId is needed"),
    ("open", {"subnetId": None}, "subnetId: exactly one of subnetId and vpcId is needed"),
    ("tokens", {"httpPutResponseHopLimit": 65}, "httpPutResponseHopLimit: 65 given"),
    ("tokens", {"httpPutResponseHopLimit": 0}, "httpPutResponseHopLimit: 0 given"),
    ("vault", {"name": "a vault"}, 'name: "a vault" is not allowed'),
    ("vault", {"name": "x" * 51}, "has 51 characters, at most 50 are allowed"),
    ("vault-lock", {"minRetentionDays": 366}, "365 given, at least minRetentionDays (366) needed"),
    ("vault-lock", {"changeableForDays": 2}, "changeableForDays: 2 given, 3 to 36500 allowed"),
    ("vault-lock", {"maxRetentionDays": 36501}, "maxRetentionDays: 36501 given, 1 to 36500"),
    (
        "backup-plan",
        {"rules.0.lifecycle.deleteAfter": 36},
        "rules[0].lifecycle.deleteAfter: 36 given, a continuous backup is kept 1 to 35 days",
    ),
    (
        "backup-plan",
        {"rules.0.lifecycle": None},
        "rules[0].lifecycle.deleteAfter: nothing was given, a continuous backup needs 1 to 35 days",
    ),
    (
        "backup-plan",
        {"rules.0.lifecycle.coldStorageAfter": 1},
        "rules[0].lifecycle.coldStorageAfter: given, a continuous backup never goes",
    ),
    (
        "backup-plan",
        {"rules.1.lifecycle.deleteAfter": 119},
        "rules[1].lifecycle.deleteAfter: 119 given, at least coldStorageAfter and 90 (120) needed",
    ),
    (
        "backup-plan",
        {"rules.1.copyActions.0.lifecycle.coldStorageAfter": 7},
        "rules[1].copyActions[0].lifecycle.deleteAfter: 35 given",
    ),
    ("backup-plan", {"rules.1.startWindow": 59}, "rules[1].startWindow: 59 given, at least 60"),
    ("backup-plan", {"rules.1.schedule": "rate(1 day)"}, 'rules[1].schedule: "rate(1 day)" given'),
    ("backup-plan", {"rules.1.schedule": "cron(0 5 * * *)"}, "has 5 fields, six are needed"),
    ("backup-plan", {"rules.1.schedule": "cron(0 24 ? * * *)"}, '"24" given as hours, 0 to 23'),
    ("backup-plan", {"rules.1.schedule": "cron(0 5 * * * *)"}, "the day of week has to be ?"),
    ("backup-plan", {"rules.1.ruleName": "every day"}, 'ruleName: "every day" does not match'),
    ("restore-test", {"name": "studio-weekly"}, 'name: "studio-weekly" is not allowed'),
    ("restore-test", {"startWindowHours": 169}, "startWindowHours: 169 given, 1 to 168 allowed"),
    (
        "restore-test",
        {"recoveryPointSelection.selectionWindowDays": 366},
        "recoveryPointSelection.selectionWindowDays: 366 given, 1 to 365 allowed",
    ),
    (
        "restore-database",
        {"protectedResourceArns": None, "protectedResourceConditions": None},
        "protectedResourceArns: nothing was given, and no protectedResourceConditions",
    ),
    (
        "restore-database",
        {"protectedResourceArns": [f"arn:aws:rds:us-east-1:{ACCOUNT}:db:a"]},
        'protectedResourceConditions: given with ARNs, they are taken with "*" alone',
    ),
    (
        "restore-database",
        {"protectedResourceArns": ["arn:aws:rds:::db:a"] * 31, "protectedResourceConditions": None},
        "protectedResourceArns: 31 given, at most 30 allowed",
    ),
    ("restore-database", {"validationWindowHours": 169}, "validationWindowHours: 169 given"),
    (
        "database-elsewhere",
        {"sourceDbInstanceArn": f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:a"},
        "sourceDbInstanceArn: is in eu-west-1 as well, its backups go to another region",
    ),
    ("database-elsewhere", {"retentionPeriod": 36}, "retentionPeriod: 36 given, 1 to 35 allowed"),
    (
        "log-archive",
        {"extendedS3Configuration.errorOutputPrefix": None},
        "extendedS3Configuration.errorOutputPrefix: nothing was given, an expression in prefix",
    ),
    (
        "log-archive",
        {"extendedS3Configuration.errorOutputPrefix": "!{timestamp:yyyy}/"},
        "it has to hold !{firehose:error-output-type}",
    ),
    (
        "log-archive",
        {"extendedS3Configuration.prefix": "!{firehose:error-output-type}/"},
        "extendedS3Configuration.prefix: holds !{firehose:error-output-type}, which is for",
    ),
    (
        "log-archive",
        {"extendedS3Configuration.bufferingSize": 129},
        "extendedS3Configuration.bufferingSize: 129 given, at most 128 allowed",
    ),
    (
        "log-archive",
        {"extendedS3Configuration.bufferingInterval": 901},
        "extendedS3Configuration.bufferingInterval: 901 given, at most 900 allowed",
    ),
    (
        "log-archive",
        {
            "extendedS3Configuration.bufferingSize": 63,
            "extendedS3Configuration.dynamicPartitioningConfiguration": {"enabled": True},
        },
        "extendedS3Configuration.bufferingSize: 63 given, at least 64 needed to partition",
    ),
    ("log-archive", {"name": "a stream"}, 'name: "a stream" is not allowed'),
    ("logs-to-archive", {"roleArn": None}, "roleArn: nothing was given, CloudWatch Logs writes"),
    ("logs-to-archive", {"distribution": "Any"}, 'distribution: "Any" is not one of'),
    ("media-notices", {"queues.0.events": ["s3:Made"]}, '"s3:Made" is not one of'),
    ("media-elsewhere", {"rules.0.status": "On"}, 'rules[0].status: "On" is not one of'),
    (
        "muted-at-night",
        {"rule.schedule.duration": "P15DT1M"},
        'rule.schedule.duration: "P15DT1M" given, PT1M to P15D allowed',
    ),
    ("muted-at-night", {"rule.schedule.duration": "PT0M"}, "PT1M to P15D allowed"),
    ("muted-at-night", {"rule.schedule.duration": "8h"}, "PT1M to P15D allowed"),
    (
        "muted-at-night",
        {"rule.schedule.expression": "cron(0 20 ? * MON-FRI *)"},
        "rule.schedule.expression: ",
    ),
    ("muted-at-night", {"rule.schedule.expression": "rate(1 day)"}, "cron(0 2 * * SUN) or at("),
    (
        "muted-at-night",
        {"muteTargets.alarmNames": [f"alarm-{number}" for number in range(101)]},
        "muteTargets.alarmNames: 101 entries given, at most 100 allowed",
    ),
    (
        "composite",
        {"alarmRule": " OR ".join(f'ALARM("a{number}")' for number in range(101))},
        "alarmRule: 101 alarms named, at most 100 allowed",
    ),
    (
        "composite",
        {"alarmRule": " OR ".join(['(ALARM("a"))'] * 167)},
        "alarmRule: 501 elements given, at most 500 allowed",
    ),
    (
        "composite",
        {"alarmRule": f'ALARM("{"a" * 10240}")'},
        "10249 characters given, at most 10240",
    ),
    (
        "composite",
        {"actionsSuppressor": {"alarm": "deploying", "waitPeriod": 60}},
        "actionsSuppressor.extensionPeriod: nothing was given, a suppressor needs it",
    ),
    ("nightly", {"scheduleExpression": "cron(0 3 * * *)"}, "has 5 fields, six are needed"),
    ("nightly", {"scheduleExpression": "rate(0 days)"}, 'scheduleExpression: "rate(0 days)" given'),
    ("nightly", {"scheduleExpression": "every day"}, "or at(2026-01-31T03:00:00) is the form"),
    (
        "nightly",
        {"flexibleTimeWindow.maximumWindowInMinutes": None},
        "flexibleTimeWindow.maximumWindowInMinutes: nothing was given, FLEXIBLE needs it",
    ),
    ("nightly", {"target.retryPolicy.maximumRetryAttempts": 186}, "186 given, at most 185"),
    ("chat", {"region": "us-east-1"}, "region: us-east-1 given, one of us-east-2, us-west-2,"),
    ("chat", {"slackTeamId": "studio"}, 'slackTeamId: "studio" does not match'),
    ("canary", {"name": "Studio"}, 'name: "Studio" is not allowed'),
    ("canary", {"schedule.expression": "rate(2 hours)"}, "a rate of at most an hour is allowed"),
    ("canary", {"schedule.expression": "5 minutes"}, 'schedule.expression: "5 minutes" given'),
    (
        "canary",
        {"runConfig.timeoutInSeconds": 301},
        "runConfig.timeoutInSeconds: 301 given, at most the 300 s between two runs allowed",
    ),
    ("canary", {"runConfig.memoryInMb": 1000}, "1000 given, a multiple of 64 is needed"),
    ("canary", {"zipFile": "canary.zip"}, "zipFile: exactly one of zipFile and s3Bucket is needed"),
    ("canary", {"s3Key": None}, "s3Key: nothing was given, s3Bucket needs it"),
    ("canary", {"runtimeVersion": "python3.13"}, 'runtimeVersion: "python3.13" given'),
    ("sampled", {"ruleName": "x" * 33}, "has 33 characters, at most 32 are allowed"),
    ("sampled", {"fixedRate": 5}, "fixedRate: 5 given, at most 1 allowed"),
    (
        "slow-traces",
        {"insightsConfiguration.insightsEnabled": False},
        "insightsConfiguration.notificationsEnabled: true given, insightsEnabled has to be true",
    ),
    ("spend", {"monitorType": "DIMENSIONAL"}, "monitorDimension: nothing was given, a monitor of"),
    ("spend", {"monitorSpecification": None}, "monitorSpecification: nothing was given"),
    ("spend", {"monitorSpecification": "{"}, "monitorSpecification: no valid JSON"),
    ("spend-notices", {"frequency": "DAILY"}, "SNS given, DAILY notices go to EMAIL"),
    (
        "spend-notices",
        {"subscribers": [{"type": "EMAIL", "address": "ops@studio.example"}]},
        "EMAIL given, IMMEDIATE notices go to SNS",
    ),
    ("spend-notices", {"thresholdExpression": None}, "thresholdExpression: nothing was given"),
    ("inspector", {"resourceTypes": ["EC3"]}, 'resourceTypes[0]: "EC3" is not one of'),
]


@pytest.mark.parametrize(
    ("name", "changes", "message"), REFUSED, ids=[f"{one[0]}: {one[2]}" for one in REFUSED]
)
def test_what_aws_refuses_is_found_once(
    studio: Studio, name: str, changes: dict[str, Any], message: str
) -> None:
    found = studio.judged(name, changes)
    assert len([one for one in found if message in one]) == 1, found


TAKEN: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for _, name, _ in WATCH_SAMPLES),
    ("trail", {"cloudWatchLogsGroupArn": None, "cloudWatchLogsRoleArn": None}),
    ("trail", {"isMultiRegionTrail": False, "includeGlobalServiceEvents": False}),
    ("trail", {"s3KeyPrefix": "x" * 200}),
    ("best-practices", {"standardsArn": "arn:aws:securityhub:::ruleset/a/v/1.2.0"}),
    ("open", {"subnetId": None, "vpcId": "vpc-0"}),
    ("tokens", {"httpPutResponseHopLimit": -1}),
    ("vault-lock", {"minRetentionDays": 365, "changeableForDays": 3}),
    ("backup-plan", {"rules.1.lifecycle": {"coldStorageAfter": 0, "deleteAfter": 7}}),
    ("backup-plan", {"rules.1.schedule": "cron(15 0/4 ? * MON-FRI *)"}),
    ("backup-plan", {"rules.1.schedule": "cron(0 5 L * ? 2026-2030)"}),
    ("backup-plan", {"rules.1.schedule": "cron(0 5 ? JAN,jul 3#2 *)"}),
    ("restore-database", {"protectedResourceConditions": None}),
    ("log-archive", {"extendedS3Configuration.prefix": "logs/", "serverSideEncryption": None}),
    (
        "log-archive",
        {
            "extendedS3Configuration.prefix": "logs/",
            "extendedS3Configuration.errorOutputPrefix": None,
        },
    ),
    ("logs-to-archive", {"destinationArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:a"}),
    ("muted-at-night", {"rule.schedule.duration": "P15D"}),
    ("muted-at-night", {"rule.schedule.expression": "at(2026-12-24T18:00)"}),
    ("composite", {"alarmRule": " OR ".join(f'ALARM("a{number}")' for number in range(100))}),
    ("composite", {"alarmRule": "NOT ALARM(a) AND (OK(b) OR TRUE)"}),
    ("nightly", {"scheduleExpression": "at(2026-12-24T18:00:00)"}),
    ("chat", {"region": "eu-west-1"}),
    ("canary", {"schedule.expression": "rate(0 minute)"}),
    ("canary", {"schedule.expression": "rate(1 hour)", "runConfig.timeoutInSeconds": 840}),
    ("canary", {"schedule.expression": "cron(0/5 8-18 ? * MON-FRI *)"}),
    ("spend", {"monitorType": "DIMENSIONAL", "monitorDimension": "SERVICE"}),
    (
        "spend-notices",
        {
            "frequency": "WEEKLY",
            "subscribers": [{"type": "EMAIL", "address": "ops@studio.example"}],
        },
    ),
]


@pytest.mark.parametrize(
    ("name", "changes"), TAKEN, ids=[f"{name} {changes}" for name, changes in TAKEN]
)
def test_what_aws_takes_is_not_found(studio: Studio, name: str, changes: dict[str, Any]) -> None:
    assert studio.judged(name, changes) == []


@pytest.mark.parametrize(
    ("name", "output", "value"),
    [
        ("trail", "id", "arn:aws:cloudtrail:us-east-1:123456789012:trail/studio-audit"),
        ("trail", "arn", "{id}"),
        ("detector", "arn", "arn:aws:guardduty:us-east-1:123456789012:detector/{id}"),
        ("security-hub", "id", "123456789012"),
        (
            "best-practices",
            "id",
            f"arn:aws:securityhub:us-east-1:123456789012:subscription/{STANDARD}",
        ),
        ("closed", "id", "us-east-1"),
        ("vault", "arn", "arn:aws:backup:us-east-1:123456789012:backup-vault:{id}"),
        ("vault-elsewhere", "arn", "arn:aws:backup:eu-west-1:123456789012:backup-vault:{id}"),
        ("backup-plan", "arn", "arn:aws:backup:us-east-1:123456789012:backup-plan:{id}"),
        ("log-archive", "arn", "{id}"),
        ("slow-requests", "queryDefinitionId", "{id}"),
        ("nightly", "arn", "arn:aws:scheduler:us-east-1:123456789012:schedule/{id}"),
        ("chat", "id", "{chatConfigurationArn}"),
        ("canary", "arn", "arn:aws:synthetics:us-east-1:123456789012:canary:studio-dev"),
        ("canary", "status", "RUNNING"),
        ("slow-traces", "arn", "{id}"),
        ("spend", "arn", "{id}"),
        ("inspector", "id", "123456789012-ECR"),
    ],
)
def test_outputs_are_what_aws_gives(studio: Studio, name: str, output: str, value: str) -> None:
    made = studio.named(name)
    assert made[output] == value.format_map(made)


def test_a_trail_logs_once_it_is_made_unless_it_is_told_not_to(studio: Studio) -> None:
    client = studio.provider.account.client("cloudtrail", "us-east-1")
    assert client.get_trail_status(Name="studio-audit")["IsLogging"] is True
    bucket = studio.named("trail")["s3BucketName"]
    still = resource(
        "aws:cloudtrail/trail:Trail", "still", s3BucketName=bucket, enableLogging=False
    )
    made, findings = make(studio.provider, new_graph(), still)
    assert findings == []
    assert client.get_trail_status(Name=made.id)["IsLogging"] is False


def test_what_is_made_in_another_region_stands_there_and_not_here(studio: Studio) -> None:
    vault = studio.named("vault-elsewhere")["id"]
    standing = {
        region: [
            one["BackupVaultName"]
            for one in studio.provider.account.client("backup", region).list_backup_vaults()[
                "BackupVaultList"
            ]
        ]
        for region in ("us-east-1", "eu-west-1")
    }
    assert vault in standing["eu-west-1"]
    assert vault not in standing["us-east-1"]


def test_an_archive_arrives_in_moto_as_the_api_spells_it(studio: Studio) -> None:
    client = studio.provider.account.client("firehose", "us-east-1")
    name = studio.named("log-archive")["name"]
    sent = client.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    stored = sent["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert stored["BufferingHints"] == {"IntervalInSeconds": 300, "SizeInMBs": 64}
    assert stored["EncryptionConfiguration"] == {"NoEncryptionConfig": "NoEncryption"}
    assert stored["ProcessingConfiguration"]["Processors"][0]["Type"] == "Decompression"
    assert sent["DeliveryStreamEncryptionConfiguration"]["KeyType"] == "CUSTOMER_MANAGED_CMK"


def test_a_bucket_tells_the_event_bus_only_when_it_is_asked_to(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []

    def kept(service: str, region: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        assert (service, region) == ("s3", "us-east-1")
        assert operation == "PutBucketNotificationConfiguration"
        sent.append(request["NotificationConfiguration"])
        return {}

    monkeypatch.setattr(studio.provider.account, "call", kept)
    assert studio.judged("media-notices", {}) == []
    assert studio.judged("media-notices", {"eventbridge": False}) == []
    assert [one.get("EventBridgeConfiguration") for one in sent] == [{}, None]
    assert sent[0]["QueueConfigurations"][0]["Filter"]["Key"]["FilterRules"] == [
        {"Name": "prefix", "Value": "uploads/"},
        {"Name": "suffix", "Value": ".mp4"},
    ]


def program() -> None:
    """An audited studio whose logs and backups are kept, in two regions."""
    opts = pulumi.ResourceOptions(provider=aws_provider())
    elsewhere = "eu-west-1"

    def role(name: str, service: str) -> aws.iam.Role:
        return aws.iam.Role(
            name, assume_role_policy=trusted(service)["assumeRolePolicy"], opts=opts
        )

    key = aws.kms.Key("key", opts=opts)
    far_key = aws.kms.Key("far", region=elsewhere, opts=opts)
    logs = aws.s3.Bucket("logs", bucket="studio-logs", opts=opts)
    copies = aws.s3.Bucket("copies", bucket="studio-copies", region=elsewhere, opts=opts)
    versions = [
        aws.s3.BucketVersioning(
            name,
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=opts,
        )
        for name, bucket in {"logs": logs, "copies": copies}.items()
    ]
    cloudtrail = {"Service": "cloudtrail.amazonaws.com"}
    statements = [
        json.loads(allowed(cloudtrail, action, on=on))["Statement"][0]
        for action, on in (
            ("s3:GetBucketAcl", "arn:aws:s3:::studio-logs"),
            ("s3:PutObject", f"arn:aws:s3:::studio-logs/audit/AWSLogs/{ACCOUNT}/*"),
        )
    ]
    policy = aws.s3.BucketPolicy(
        "logs",
        bucket=logs.bucket,
        policy=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        opts=opts,
    )
    aws.cloudtrail.Trail(
        "trail",
        s3_bucket_name=logs.bucket,
        s3_key_prefix="audit",
        kms_key_id=key.arn,
        opts=pulumi.ResourceOptions(provider=opts.provider, depends_on=[policy]),
    )
    aws.s3.BucketReplicationConfig(
        "logs",
        bucket=logs.bucket,
        role=role("replication", "s3").arn,
        rules=[
            {
                "status": "Enabled",
                "destination": {
                    "bucket": copies.arn,
                    "encryption_configuration": {"replica_kms_key_id": far_key.arn},
                },
            }
        ],
        opts=pulumi.ResourceOptions(provider=opts.provider, depends_on=versions),
    )
    group = aws.cloudwatch.LogGroup("api", name="/studio/api", kms_key_id=key.arn, opts=opts)
    aws.cloudwatch.LogGroup("far", name="/studio/far", region=elsewhere, opts=opts)
    archive = aws.kinesis.FirehoseDeliveryStream(
        "archive",
        destination="extended_s3",
        extended_s3_configuration={"bucket_arn": logs.arn, "role_arn": role("a", "firehose").arn},
        opts=opts,
    )
    for number in (1, 2):
        aws.cloudwatch.LogSubscriptionFilter(
            f"to-archive-{number}",
            log_group=group.name,
            destination_arn=archive.arn,
            role_arn=role(f"to-archive-{number}", "logs").arn,
            filter_pattern="",
            opts=opts,
        )
    aws.cloudwatch.QueryDefinition(
        "slow", log_group_names=[group.name], query_string="fields @message", opts=opts
    )
    database = aws.rds.Instance(
        "database",
        engine="postgres",
        instance_class="db.t4g.micro",
        storage_encrypted=True,
        backup_retention_period=7,
        opts=opts,
    )
    aws.rds.InstanceAutomatedBackupsReplication(
        "database",
        source_db_instance_arn=database.arn,
        kms_key_id=far_key.arn,
        region=elsewhere,
        opts=opts,
    )
    vault = aws.backup.Vault("vault", kms_key_arn=key.arn, opts=opts)
    far_vault = aws.backup.Vault("far", kms_key_arn=far_key.arn, region=elsewhere, opts=opts)
    plan = aws.backup.Plan(
        "plan",
        rules=[
            {
                "rule_name": "daily",
                "target_vault_name": vault.name,
                "copy_actions": [{"destination_vault_arn": far_vault.arn}],
            }
        ],
        opts=opts,
    )
    aws.backup.Selection(
        "database",
        plan_id=plan.id,
        iam_role_arn=role("backup", "backup").arn,
        resources=[database.arn],
        opts=opts,
    )
    test = aws.backup.RestoreTestingPlan(
        "test",
        schedule_expression="cron(0 7 ? * 1 *)",
        recovery_point_selection={
            "algorithm": "LATEST_WITHIN_WINDOW",
            "include_vaults": [vault.arn],
            "recovery_point_types": ["SNAPSHOT"],
        },
        opts=opts,
    )
    aws.backup.RestoreTestingSelection(
        "test",
        restore_testing_plan_name=test.name,
        iam_role_arn=role("restore", "backup").arn,
        protected_resource_type="RDS",
        protected_resource_arns=["*"],
        opts=opts,
    )
    alarm = {
        "comparison_operator": "GreaterThanThreshold",
        "evaluation_periods": 1,
        "metric_name": "Failures",
        "namespace": "Studio",
    }
    failing = aws.cloudwatch.MetricAlarm("failing", opts=opts, **alarm)
    aws.cloudwatch.MetricAlarm("far", name="far", region=elsewhere, opts=opts, **alarm)
    aws.cloudwatch.CompositeAlarm(
        "degraded",
        alarm_name="degraded",
        alarm_rule=failing.name.apply('ALARM("{}")'.format),
        opts=opts,
    )
    aws.cloudwatch.AlarmMuteRule(
        "night",
        rule={"schedule": {"expression": "cron(0 20 * * *)", "duration": "PT8H"}},
        mute_targets={"alarm_names": [failing.name]},
        opts=opts,
    )
    topic = aws.sns.Topic("notices", opts=opts)
    rule = aws.cloudwatch.EventRule("rule", event_pattern="{}", opts=opts)
    aws.cloudwatch.EventTarget("topic", rule=rule.name, arn=topic.arn, opts=opts)
    queue = aws.sqs.Queue("jobs", opts=opts)
    schedules = aws.scheduler.ScheduleGroup("schedules", opts=opts)
    aws.scheduler.Schedule(
        "nightly",
        group_name=schedules.name,
        schedule_expression="rate(1 day)",
        flexible_time_window={"mode": "OFF"},
        target={"arn": queue.arn, "role_arn": role("schedule", "scheduler").arn},
        opts=opts,
    )
    detector = aws.guardduty.Detector("detector", opts=opts)
    aws.guardduty.DetectorFeature(
        "feature", detector_id=detector.id, name="S3_DATA_EVENTS", status="ENABLED", opts=opts
    )
    aws.guardduty.MalwareProtectionPlan(
        "scan",
        role=role("scan", "malware-protection-plan.guardduty").arn,
        protected_resource={"s3_bucket": {"bucket_name": logs.bucket}},
        opts=opts,
    )
    aws.s3.BucketNotification(
        "logs",
        bucket=logs.bucket,
        topics=[{"topic_arn": topic.arn, "events": ["s3:ObjectCreated:*"]}],
        opts=opts,
    )
    monitor = aws.costexplorer.AnomalyMonitor("spend", monitor_type="CUSTOM", opts=opts)
    aws.costexplorer.AnomalySubscription(
        "spend",
        frequency="IMMEDIATE",
        monitor_arn_lists=[monitor.arn],
        subscribers=[{"type": "SNS", "address": topic.arn}],
        opts=opts,
    )


@pytest.fixture(scope="module", name="graph")
def _graph() -> Graph:
    return record(program).graph


def messages(graph: Graph) -> list[str]:
    return [finding.message for finding in references.check(graph)]


def test_a_studio_that_is_watched_has_no_finding(graph: Graph) -> None:
    assert messages(graph) == []


GONE = f"arn:aws:{{}}:us-east-1:{ACCOUNT}:{{}}"


@pytest.mark.parametrize(
    ("type", "name", "path", "value", "message"),
    [
        ("cloudtrail.Trail", "trail", "s3BucketName", "gone", "'gone' is no bucket"),
        ("cloudtrail.Trail", "trail", "s3KeyPrefix", None, "lets cloudtrail.amazonaws.com s3:Put"),
        ("backup.Plan", "plan", "rules.0.targetVaultName", "gone", "'gone' is no backup vault"),
        (
            "backup.Plan",
            "plan",
            "rules.0.copyActions.0.destinationVaultArn",
            GONE.format("backup", "backup-vault:gone"),
            "is no backup vault (by its ARN)",
        ),
        ("backup.Selection", "database", "planId", "gone", "'gone' is no backup plan"),
        (
            "backup.Selection",
            "database",
            "resources",
            [GONE.format("rds", "db:gone")],
            "db:gone' is nothing this program makes",
        ),
        (
            "backup.RestoreTestingPlan",
            "test",
            "recoveryPointSelection.includeVaults",
            [GONE.format("backup", "backup-vault:gone")],
            "is no backup vault (by its ARN)",
        ),
        (
            "backup.RestoreTestingSelection",
            "test",
            "restoreTestingPlanName",
            "gone",
            "'gone' is no restore testing plan",
        ),
        (
            "rds.InstanceAutomatedBackupsReplication",
            "database",
            "sourceDbInstanceArn",
            GONE.format("rds", "db:gone"),
            "is no database (by its ARN)",
        ),
        (
            "rds.InstanceAutomatedBackupsReplication",
            "database",
            "kmsKeyId",
            None,
            "'database' is encrypted, and its backups need a key in eu-west-1",
        ),
        (
            "rds.Instance",
            "database",
            "backupRetentionPeriod",
            0,
            "the database 'database' keeps no backups of its own",
        ),
        (
            "kinesis.FirehoseDeliveryStream",
            "archive",
            "extendedS3Configuration.bucketArn",
            "arn:aws:s3:::gone",
            "is no bucket (by its ARN)",
        ),
        (
            "cloudwatch.LogSubscriptionFilter",
            "to-archive-1",
            "destinationArn",
            GONE.format("firehose", "deliverystream/gone"),
            "is no stream or function",
        ),
        (
            "cloudwatch.LogSubscriptionFilter",
            "to-archive-1",
            "logGroup",
            "/studio/far",
            "logGroup: '/studio/far' is no log group of us-east-1, it is of eu-west-1",
        ),
        (
            "cloudwatch.QueryDefinition",
            "slow",
            "logGroupNames",
            ["/studio/gone"],
            "logGroupNames[0]: '/studio/gone' is no log group",
        ),
        (
            "cloudwatch.AlarmMuteRule",
            "night",
            "muteTargets.alarmNames",
            ["far"],
            "'far' is no alarm (by its name) of us-east-1, it is of eu-west-1",
        ),
        ("cloudwatch.AlarmMuteRule", "night", "muteTargets.alarmNames", ["gone"], "is no alarm"),
        (
            "cloudwatch.CompositeAlarm",
            "degraded",
            "alarmRule",
            'ALARM("far")',
            "alarmRule: 'far' is no alarm of us-east-1, it is of eu-west-1",
        ),
        (
            "cloudwatch.EventTarget",
            "topic",
            "arn",
            GONE.format("sns", "gone"),
            "is no queue, topic, function, cluster, stream or log group",
        ),
        ("scheduler.Schedule", "nightly", "target.arn", GONE.format("sqs", "gone"), "is no queue"),
        ("scheduler.Schedule", "nightly", "groupName", "gone", "'gone' is no schedule group"),
        ("guardduty.DetectorFeature", "feature", "detectorId", "gone", "'gone' is no detector"),
        (
            "guardduty.MalwareProtectionPlan",
            "scan",
            "protectedResource.s3Bucket.bucketName",
            "gone",
            "'gone' is no bucket",
        ),
        (
            "s3.BucketNotification",
            "logs",
            "topics.0.topicArn",
            GONE.format("sns", "gone"),
            "is no SNS topic",
        ),
        (
            "s3.BucketReplicationConfig",
            "logs",
            "rules.0.destination.bucket",
            "arn:aws:s3:::gone",
            "is no bucket (by its ARN)",
        ),
        (
            "s3.BucketVersioning",
            "copies",
            "versioningConfiguration.status",
            "Suspended",
            "the bucket 'copies' keeps no versions; replication needs them",
        ),
        (
            "costexplorer.AnomalySubscription",
            "spend",
            "monitorArnLists",
            [f"arn:aws:ce::{ACCOUNT}:anomalymonitor/gone"],
            "is no anomaly monitor",
        ),
        (
            "costexplorer.AnomalySubscription",
            "spend",
            "subscribers.0.address",
            GONE.format("sns", "gone"),
            "is no SNS topic",
        ),
    ],
)
def test_what_watches_points_at_what_is_there(
    graph: Graph, type: str, name: str, path: str, value: Any, message: str
) -> None:
    found = messages(changed(graph, type, name, path, value))
    assert len([one for one in found if message in one]) == 1, found


@pytest.mark.parametrize(
    ("type", "name", "path", "value"),
    [
        ("backup.Plan", "plan", "rules.0.targetVaultName", "Default"),
        ("backup.Selection", "database", "resources", ["arn:aws:s3:::studio-*"]),
        ("backup.RestoreTestingPlan", "test", "recoveryPointSelection.includeVaults", ["*"]),
        ("scheduler.Schedule", "nightly", "groupName", "default"),
        (
            "scheduler.Schedule",
            "nightly",
            "target.arn",
            "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance",
        ),
        ("costexplorer.AnomalySubscription", "spend", "subscribers.0.address", "a@studio.example"),
    ],
)
def test_what_aws_provides_needs_no_resource(
    graph: Graph, type: str, name: str, path: str, value: Any
) -> None:
    assert messages(changed(graph, type, name, path, value)) == []


def test_a_key_is_in_the_region_of_what_it_encrypts_and_that_of_a_copy_in_the_copys(
    graph: Graph,
) -> None:
    far = found_in(graph, "kms.Key", "far").outputs["arn"]
    broken = changed(graph, "backup.Vault", "vault", "kmsKeyArn", far)
    assert messages(broken) == [
        f"kmsKeyArn: {far!r} is no KMS key of us-east-1, it is of eu-west-1"
    ]


@pytest.mark.parametrize(
    ("type", "name", "before", "message"),
    [
        ("cloudtrail.Trail", "trail", ":BucketPolicy::", "the trail does not wait for 'logs'"),
        (
            "s3.BucketReplicationConfig",
            "logs",
            ":BucketVersioning::",
            "the replication does not wait for",
        ),
    ],
)
def test_what_has_to_stand_before_is_waited_for(
    graph: Graph, type: str, name: str, before: str, message: str
) -> None:
    hasty = copy.deepcopy(graph)
    one = found_in(hasty, type, name)
    one.dependencies = [urn for urn in one.dependencies if before not in urn]
    assert one.dependencies
    found = messages(hasty)
    assert len(found) == 2, found
    assert all(message in one and "it needs depends_on" in one for one in found)


def test_a_bucket_without_a_policy_takes_no_trail(graph: Graph) -> None:
    closed = copy.deepcopy(graph)
    del closed.resources[found_in(closed, "s3.BucketPolicy", "logs").urn]
    assert messages(closed) == [
        f"s3BucketName: no policy of the bucket 'logs' lets cloudtrail.amazonaws.com {action} on "
        f"arn:aws:s3:::studio-logs{path}"
        for action, path in (
            ("s3:GetBucketAcl", ""),
            ("s3:PutObject", f"/audit/AWSLogs/{ACCOUNT}/CloudTrail/log.json.gz"),
        )
    ]


def test_a_third_subscription_filter_finds_no_place(graph: Graph) -> None:
    crowded = copy.deepcopy(graph)
    third = copy.deepcopy(found_in(crowded, "cloudwatch.LogSubscriptionFilter", "to-archive-2"))
    third.urn, third.name = f"{third.urn[:-1]}3", "to-archive-3"
    crowded.resources[third.urn] = third
    (found,) = references.check(crowded)
    assert found.urn == third.urn
    assert found.message == (
        "logGroup: '/studio/api' has 3 subscription filters, at most 2 are allowed"
    )
