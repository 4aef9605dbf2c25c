"""What watches a studio and protects it, as type, name and inputs of each sample."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def trusted(service: str) -> dict[str, Any]:
    """The inputs of a role that a service assumes."""
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"assumeRolePolicy": json.dumps(document)}


def allowed(principal: Any, *actions: str, on: str) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": on}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


AUDIT: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("aws:iam/role:Role", "trail-role", trusted("cloudtrail")),
    (
        "aws:cloudtrail/trail:Trail",
        "trail",
        {
            "name": "studio-audit",
            "s3BucketName": "{log-bucket.bucket}",
            "s3KeyPrefix": "audit",
            "isMultiRegionTrail": True,
            "includeGlobalServiceEvents": True,
            "enableLogFileValidation": True,
            "kmsKeyId": "{key.arn}",
            "cloudWatchLogsGroupArn": "{logs.arn}:*",
            "cloudWatchLogsRoleArn": "{trail-role.arn}",
            "advancedEventSelectors": [
                {
                    "name": "every change",
                    "fieldSelectors": [
                        {"field": "eventCategory", "equals": ["Management"]},
                        {"field": "readOnly", "equals": ["false"]},
                    ],
                }
            ],
            "insightSelectors": [{"insightType": "ApiErrorRateInsight"}],
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:guardduty/detector:Detector",
        "detector",
        {"findingPublishingFrequency": "FIFTEEN_MINUTES", "tags": {"Project": "studio"}},
    ),
    (
        "aws:guardduty/detectorFeature:DetectorFeature",
        "runtime-monitoring",
        {
            "detectorId": "{detector.id}",
            "name": "RUNTIME_MONITORING",
            "status": "ENABLED",
            "additionalConfigurations": [
                {"name": "ECS_FARGATE_AGENT_MANAGEMENT", "status": "ENABLED"}
            ],
        },
    ),
    ("aws:iam/role:Role", "scan-role", trusted("malware-protection-plan.guardduty")),
    (
        "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan",
        "scan",
        {
            "role": "{scan-role.arn}",
            "protectedResource": {
                "s3Bucket": {"bucketName": "{media.bucket}", "objectPrefixes": ["uploads/"]}
            },
            "actions": [{"taggings": [{"status": "ENABLED"}]}],
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:accessanalyzer/analyzer:Analyzer",
        "analyzer",
        {"analyzerName": "studio", "tags": {"Project": "studio"}},
    ),
    (
        "aws:securityhub/account:Account",
        "security-hub",
        {
            "enableDefaultStandards": False,
            "controlFindingGenerator": "SECURITY_CONTROL",
            "autoEnableControls": True,
        },
    ),
    (
        "aws:securityhub/standardsSubscription:StandardsSubscription",
        "best-practices",
        {
            "standardsArn": "arn:aws:securityhub:us-east-1::standards/"
            "aws-foundational-security-best-practices/v/1.0.0"
        },
    ),
    (
        "aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions",
        "closed",
        {"internetGatewayBlockMode": "block-bidirectional"},
    ),
    (
        "aws:ec2/vpcBlockPublicAccessExclusion:VpcBlockPublicAccessExclusion",
        "open",
        {
            "subnetId": "{private-a.id}",
            "internetGatewayExclusionMode": "allow-bidirectional",
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
        "tokens",
        {"httpTokens": "required", "httpPutResponseHopLimit": 2},
    ),
    (
        "aws:inspector2/enabler:Enabler",
        "inspector",
        {"accountIds": ["123456789012"], "resourceTypes": ["ECR"]},
    ),
)

BACKUPS: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    (
        "aws:backup/vault:Vault",
        "vault",
        {"kmsKeyArn": "{key.arn}", "tags": {"Project": "studio"}},
    ),
    ("aws:kms/key:Key", "key-elsewhere", {"region": "eu-west-1", "description": "copies"}),
    (
        "aws:backup/vault:Vault",
        "vault-elsewhere",
        {"region": "eu-west-1", "kmsKeyArn": "{key-elsewhere.arn}"},
    ),
    (
        "aws:backup/vaultPolicy:VaultPolicy",
        "vault-policy",
        {
            "backupVaultName": "{vault.name}",
            "policy": allowed({"AWS": "*"}, "backup:CopyIntoBackupVault", on="*"),
        },
    ),
    (
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        "vault-lock",
        {"backupVaultName": "{vault.name}", "minRetentionDays": 7, "maxRetentionDays": 365},
    ),
    (
        "aws:backup/plan:Plan",
        "backup-plan",
        {
            "rules": [
                {
                    "ruleName": "continuous",
                    "targetVaultName": "{vault.name}",
                    "schedule": "cron(0 5 ? * * *)",
                    "enableContinuousBackup": True,
                    "lifecycle": {"deleteAfter": 35},
                },
                {
                    "ruleName": "daily",
                    "targetVaultName": "{vault.name}",
                    "schedule": "cron(0 5 ? * * *)",
                    "startWindow": 60,
                    "completionWindow": 720,
                    "lifecycle": {"coldStorageAfter": 30, "deleteAfter": 120},
                    "recoveryPointTags": {"Project": "studio"},
                    "copyActions": [
                        {
                            "destinationVaultArn": "{vault-elsewhere.arn}",
                            "lifecycle": {"deleteAfter": 35},
                        }
                    ],
                },
            ],
            "tags": {"Project": "studio"},
        },
    ),
    ("aws:iam/role:Role", "backup-role", trusted("backup")),
    (
        "aws:backup/selection:Selection",
        "backed-up",
        {
            "planId": "{backup-plan.id}",
            "iamRoleArn": "{backup-role.arn}",
            "resources": ["{database.arn}", "{media.arn}"],
            "conditions": [
                {"stringEquals": [{"key": "aws:ResourceTag/Project", "value": "studio"}]}
            ],
        },
    ),
    (
        "aws:backup/restoreTestingPlan:RestoreTestingPlan",
        "restore-test",
        {
            "name": "studio_weekly",
            "scheduleExpression": "cron(0 7 ? * 1 *)",
            "startWindowHours": 8,
            "recoveryPointSelection": {
                "algorithm": "LATEST_WITHIN_WINDOW",
                "includeVaults": ["{vault.arn}"],
                "recoveryPointTypes": ["SNAPSHOT", "CONTINUOUS"],
                "selectionWindowDays": 7,
            },
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:backup/restoreTestingSelection:RestoreTestingSelection",
        "restore-database",
        {
            "name": "studio_database",
            "restoreTestingPlanName": "{restore-test.name}",
            "iamRoleArn": "{backup-role.arn}",
            "protectedResourceType": "RDS",
            "protectedResourceArns": ["*"],
            "protectedResourceConditions": {
                "stringEquals": [{"key": "aws:ResourceTag/Project", "value": "studio"}]
            },
            "restoreMetadataOverrides": {"dbSubnetGroupName": "{database-subnets.name}"},
            "validationWindowHours": 1,
        },
    ),
    (
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
        "database-elsewhere",
        {
            "region": "eu-west-1",
            "sourceDbInstanceArn": "{database.arn}",
            "kmsKeyId": "{key-elsewhere.arn}",
            "retentionPeriod": 14,
        },
    ),
    (
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        "media-elsewhere",
        {
            "bucket": "{media-versioning.bucket}",
            "role": "{replication-role.arn}",
            "rules": [
                {
                    "id": "everything",
                    "status": "Enabled",
                    "priority": 1,
                    "filter": {"prefix": ""},
                    "deleteMarkerReplication": {"status": "Enabled"},
                    "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
                    "destination": {
                        "bucket": "{log-bucket.arn}",
                        "storageClass": "STANDARD_IA",
                        "encryptionConfiguration": {"replicaKmsKeyId": "{key.arn}"},
                    },
                }
            ],
        },
    ),
    ("aws:iam/role:Role", "replication-role", trusted("s3")),
)

LOGS: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("aws:iam/role:Role", "log-archive-role", trusted("firehose")),
    ("aws:iam/role:Role", "to-archive-role", trusted("logs")),
    (
        "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
        "log-archive",
        {
            "destination": "extended_s3",
            "serverSideEncryption": {
                "enabled": True,
                "keyType": "CUSTOMER_MANAGED_CMK",
                "keyArn": "{key.arn}",
            },
            "extendedS3Configuration": {
                "bucketArn": "{log-bucket.arn}",
                "roleArn": "{log-archive-role.arn}",
                "prefix": "cloudwatch/!{timestamp:yyyy/MM/dd}/",
                "errorOutputPrefix": "cloudwatch-failed/!{firehose:error-output-type}/",
                "bufferingInterval": 300,
                "bufferingSize": 64,
                "compressionFormat": "GZIP",
                "fileExtension": ".json.gz",
                "cloudwatchLoggingOptions": {
                    "enabled": True,
                    "logGroupName": "{logs.name}",
                    "logStreamName": "delivery",
                },
                "processingConfiguration": {
                    "enabled": True,
                    "processors": [
                        {
                            "type": "Decompression",
                            "parameters": [
                                {"parameterName": "CompressionFormat", "parameterValue": "GZIP"}
                            ],
                        }
                    ],
                },
            },
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        "logs-to-archive",
        {
            "logGroup": "{logs.name}",
            "destinationArn": "{log-archive.arn}",
            "roleArn": "{to-archive-role.arn}",
            "filterPattern": "",
        },
    ),
    (
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        "slow-requests",
        {
            "name": "studio/dev/slow-requests",
            "logGroupNames": ["{logs.name}"],
            "queryString": "fields @timestamp, path | filter duration > 1000 | limit 50",
        },
    ),
    (
        "aws:s3/bucketNotification:BucketNotification",
        "media-notices",
        {
            "bucket": "{media.bucket}",
            "eventbridge": True,
            "queues": [
                {
                    "queueArn": "{jobs.arn}",
                    "events": ["s3:ObjectCreated:*"],
                    "filterPrefix": "uploads/",
                    "filterSuffix": ".mp4",
                }
            ],
        },
    ),
)

WATCH: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    (
        "aws:cloudwatch/alarmMuteRule:AlarmMuteRule",
        "muted-at-night",
        {
            "name": "studio-dev-night",
            "rule": {
                "schedule": {
                    "expression": "cron(0 20 * * MON-FRI)",
                    "duration": "PT11H30M",
                    "timezone": "Europe/Berlin",
                }
            },
            "muteTargets": {"alarmNames": ["{alarm.name}"]},
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:cloudwatch/eventTarget:EventTarget",
        "spot-to-topic",
        {
            "rule": "{spot.name}",
            "targetId": "topic",
            "arn": "{topic.arn}",
            "inputTransformer": {
                "inputPaths": {"instance": "$.detail.instance-id"},
                "inputTemplate": '"Spot takes <instance> back."',
            },
            "deadLetterConfig": {"arn": "{dead.arn}"},
            "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 600},
        },
    ),
    ("aws:scheduler/scheduleGroup:ScheduleGroup", "schedules", {"tags": {"Project": "studio"}}),
    ("aws:iam/role:Role", "schedule-role", trusted("scheduler")),
    (
        "aws:scheduler/schedule:Schedule",
        "nightly",
        {
            "groupName": "{schedules.name}",
            "scheduleExpression": "cron(0 3 * * ? *)",
            "scheduleExpressionTimezone": "UTC",
            "flexibleTimeWindow": {"mode": "FLEXIBLE", "maximumWindowInMinutes": 15},
            "kmsKeyArn": "{key.arn}",
            "target": {
                "arn": "{function.arn}",
                "roleArn": "{schedule-role.arn}",
                "input": '{"dry_run": true}',
                "retryPolicy": {"maximumRetryAttempts": 2, "maximumEventAgeInSeconds": 3600},
                "deadLetterConfig": {"arn": "{dead.arn}"},
            },
        },
    ),
    (
        "aws:scheduler/schedule:Schedule",
        "task-at-noon",
        {
            "scheduleExpression": "rate(1 day)",
            "flexibleTimeWindow": {"mode": "OFF"},
            "target": {
                "arn": "{cluster.arn}",
                "roleArn": "{schedule-role.arn}",
                "ecsParameters": {
                    "taskDefinitionArn": "{task.arn}",
                    "taskCount": 1,
                    "launchType": "FARGATE",
                    "networkConfiguration": {
                        "subnets": ["{private-a.id}"],
                        "securityGroups": ["{group.id}"],
                        "assignPublicIp": False,
                    },
                    "tags": {"Project": "studio"},
                },
            },
        },
    ),
    ("aws:iam/role:Role", "chat-role", trusted("chatbot")),
    (
        "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
        "chat",
        {
            "region": "us-east-2",
            "configurationName": "studio-dev",
            "iamRoleArn": "{chat-role.arn}",
            "slackTeamId": "T0123456789",
            "slackChannelId": "C0123456789",
            "snsTopicArns": ["{topic.arn}"],
            "guardrailPolicyArns": ["{policy.arn}"],
            "loggingLevel": "ERROR",
            "userAuthorizationRequired": True,
            "tags": {"Project": "studio"},
        },
    ),
    ("aws:iam/role:Role", "canary-role", trusted("lambda")),
    (
        "aws:synthetics/canary:Canary",
        "canary",
        {
            "name": "studio-dev",
            "artifactS3Location": "s3://{log-bucket.bucket}/canary",
            "executionRoleArn": "{canary-role.arn}",
            "handler": "canary.handler",
            "runtimeVersion": "syn-nodejs-puppeteer-10.0",
            "s3Bucket": "{bundle.bucket}",
            "s3Key": "{bundle.key}",
            "schedule": {"expression": "rate(5 minutes)", "retryConfig": {"maxRetries": 1}},
            "runConfig": {
                "timeoutInSeconds": 60,
                "memoryInMb": 960,
                "environmentVariables": {"URL": "https://studio.example"},
            },
            "successRetentionPeriod": 7,
            "failureRetentionPeriod": 31,
            "startCanary": True,
            "deleteLambda": True,
            "artifactConfig": {
                "s3Encryption": {"encryptionMode": "SSE_KMS", "kmsKeyArn": "{key.arn}"}
            },
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:xray/samplingRule:SamplingRule",
        "sampled",
        {
            "ruleName": "studio-dev-api",
            "priority": 1000,
            "version": 1,
            "reservoirSize": 1,
            "fixedRate": 0.05,
            "urlPath": "*",
            "host": "*",
            "httpMethod": "*",
            "serviceType": "*",
            "serviceName": "studio-dev-api",
            "resourceArn": "*",
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:xray/group:Group",
        "slow-traces",
        {
            "groupName": "studio-dev-slow",
            "filterExpression": "responsetime > 5",
            "insightsConfiguration": {"insightsEnabled": True, "notificationsEnabled": True},
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
        "spend",
        {
            "name": "studio-dev",
            "monitorType": "CUSTOM",
            "monitorSpecification": json.dumps(
                {"Tags": {"Key": "Project", "MatchOptions": ["EQUALS"], "Values": ["studio"]}}
            ),
            "tags": {"Project": "studio"},
        },
    ),
    (
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
        "spend-notices",
        {
            "name": "studio-dev",
            "frequency": "IMMEDIATE",
            "monitorArnLists": ["{spend.arn}"],
            "subscribers": [{"type": "SNS", "address": "{topic.arn}"}],
            "thresholdExpression": {
                "ands": [
                    {
                        "dimension": {
                            "key": f"ANOMALY_TOTAL_IMPACT_{kind}",
                            "matchOptions": ["GREATER_THAN_OR_EQUAL"],
                            "values": [value],
                        }
                    }
                    for kind, value in (("ABSOLUTE", "20"), ("PERCENTAGE", "40"))
                ]
            },
            "tags": {"Project": "studio"},
        },
    ),
)

WATCH_SAMPLES: Sequence[tuple[str, str, Mapping[str, Any]]] = (*AUDIT, *BACKUPS, *LOGS, *WATCH)
