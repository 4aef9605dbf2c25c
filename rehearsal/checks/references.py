"""What one resource says about another: does it exist, and does it fit?

moto takes a role, a security group or a capacity provider that nobody made; AWS refuses it, often
twenty minutes into an update. Here every input that names another resource is looked up in the
graph. `_POINTERS` says by the name of an input what it points at; the functions below it hold the
rules that join several resources (an ECS service, its task definition and its target group).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from rehearsal.graph import SECRET, Finding, Graph, Resource
from rehearsal.lookups import ACCOUNT

_OTHER_ACCOUNT = rf"arn:[^:]+:[^:]+:[^:]*:(?!{ACCOUNT})\d{{12}}:.*"
"""What may be shared between accounts is not in this program's graph."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """Something that inputs point at, and the properties of a resource by which they name it."""

    word: str
    named_by: Mapping[str, Sequence[str]]
    outside: str = ""
    """Pattern of the values that AWS or another account provides."""
    regional: bool = False
    """Whether it has to be in the region of what points at it."""


_KEY = "aws:kms/key:Key"
_KEY_ALIAS = "aws:kms/alias:Alias"
_CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
_BACKUP_PLAN = "aws:backup/plan:Plan"
_BUCKET = "aws:s3/bucket:Bucket"
_BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_FIREHOSE = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
_REPLICATED_BACKUPS = (
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
)
_RESTORE_TEST = "aws:backup/restoreTestingPlan:RestoreTestingPlan"
_SUBSCRIPTION_FILTER = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
_TRAIL = "aws:cloudtrail/trail:Trail"
_VAULT = "aws:backup/vault:Vault"
_BEANSTALK_VERSION = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion"
_BEANSTALK = "aws:elasticbeanstalk/environment:Environment"
_OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
_QUEUE = "aws:sqs/queue:Queue"
_SERVICE = "aws:ecs/service:Service"
_TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
_DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
_HEALTH_CHECK = "aws:route53/healthCheck:HealthCheck"
_INTEGRATION = "aws:apigatewayv2/integration:Integration"
_ORIGIN_ACCESS = "aws:cloudfront/originAccessControl:OriginAccessControl"
_ROUTE = "aws:apigatewayv2/route:Route"
_USER_POOL = "aws:cognito/userPool:UserPool"
_WEB_ACL = "aws:wafv2/webAcl:WebAcl"
_VPC_TYPES = ("aws:ec2/vpc:Vpc", "aws:ec2/defaultVpc:DefaultVpc")

ALARM = Kind(
    word="alarm",
    named_by={
        "aws:cloudwatch/metricAlarm:MetricAlarm": ("name", "arn"),
        "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("alarmName", "arn"),
    },
)
ALARM_NAME = Kind(
    word="alarm (by its name)",
    named_by={
        "aws:cloudwatch/metricAlarm:MetricAlarm": ("name",),
        "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("alarmName",),
    },
    regional=True,
)
ALARM_ACTION = Kind(
    word="SNS topic, scaling policy or function",
    named_by={
        "aws:sns/topic:Topic": ("arn",),
        "aws:autoscaling/policy:Policy": ("arn",),
        "aws:appautoscaling/policy:Policy": ("arn",),
        "aws:lambda/function:Function": ("arn", "qualifiedArn"),
    },
    outside=rf"arn:[^:]+:(automate|swf|ssm|ssm-incidents):.*|{_OTHER_ACCOUNT}",
)
ANOMALY_MONITOR = Kind(
    word="anomaly monitor",
    named_by={"aws:costexplorer/anomalyMonitor:AnomalyMonitor": ("arn",)},
    outside=_OTHER_ACCOUNT,
)
API = Kind(word="API", named_by={"aws:apigatewayv2/api:Api": ("id",)})
API_DOMAIN = Kind(
    word="domain name of an API",
    named_by={"aws:apigatewayv2/domainName:DomainName": ("domainName",)},
)
API_STAGE = Kind(word="stage", named_by={"aws:apigatewayv2/stage:Stage": ("name",)})
AUTOSCALING_GROUP = Kind(
    word="Auto Scaling group",
    named_by={
        "aws:autoscaling/group:Group": ("name", "arn"),
        _BEANSTALK: ("autoscalingGroups",),
    },
)
BEANSTALK_APPLICATION = Kind(
    word="Beanstalk application",
    named_by={"aws:elasticbeanstalk/application:Application": ("name",)},
)
BACKUP_PLAN = Kind(word="backup plan", named_by={_BACKUP_PLAN: ("id",)}, regional=True)
BUCKET = Kind(word="bucket", named_by={"aws:s3/bucket:Bucket": ("bucket", "id")})
BUCKET_ARN = Kind(word="bucket (by its ARN)", named_by={_BUCKET: ("arn",)})
BUCKET_HOST = Kind(
    word="bucket (by its domain name)",
    named_by={"aws:s3/bucket:Bucket": ("bucketDomainName", "bucketRegionalDomainName")},
)
CACHE_POLICY = Kind(
    word="cache policy",
    named_by={"aws:cloudfront/cachePolicy:CachePolicy": ("id",)},
    outside="|".join(
        (
            "2e54312d-136d-493c-8eb9-b001f22f67d2",  # Amplify
            "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",  # CachingDisabled
            "658327ea-f89d-4fab-a63d-7e88639e58f6",  # CachingOptimized
            "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",  # CachingOptimizedForUncompressedObjects
            "08627262-05a9-4f76-9ded-b50ca2e3a84f",  # Elemental-MediaPackage
            "83da9c7e-98b4-4e11-a168-04f0df8e2c65",  # UseOriginCacheControlHeaders
            "4cc15a8a-d715-48a4-82b8-cc0b614638fe",  # UseOriginCacheControlHeaders-QueryStrings
        )
    ),
)
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html"""
CAPACITY_PROVIDER = Kind(
    word="capacity provider",
    named_by={"aws:ecs/capacityProvider:CapacityProvider": ("name", "arn")},
    outside="FARGATE|FARGATE_SPOT",
)
CERTIFICATE = Kind(
    word="certificate",
    named_by={
        "aws:acm/certificate:Certificate": ("arn",),
        "aws:acm/certificateValidation:CertificateValidation": ("certificateArn",),
    },
    outside=_OTHER_ACCOUNT,
)
CLUSTER = Kind(word="ECS cluster", named_by={"aws:ecs/cluster:Cluster": ("arn", "name")})
DATABASE = Kind(word="database", named_by={"aws:rds/instance:Instance": ("identifier", "arn")})
DATABASE_ARN = Kind(
    word="database (by its ARN)",
    named_by={"aws:rds/instance:Instance": ("arn",)},
    outside=_OTHER_ACCOUNT,
)
DETECTOR = Kind(
    word="detector", named_by={"aws:guardduty/detector:Detector": ("id",)}, regional=True
)
EDGE_FUNCTION = Kind(
    word="CloudFront function", named_by={"aws:cloudfront/function:Function": ("arn",)}
)
EVENT_BOUND = Kind(
    word="queue, topic, function, cluster, stream or log group (by its ARN)",
    named_by={
        _QUEUE: ("arn",),
        "aws:sns/topic:Topic": ("arn",),
        "aws:lambda/function:Function": ("arn", "qualifiedArn"),
        "aws:lambda/alias:Alias": ("arn",),
        "aws:ecs/cluster:Cluster": ("arn",),
        _FIREHOSE: ("arn",),
        "aws:cloudwatch/logGroup:LogGroup": ("arn",),
    },
    outside=rf"arn:[^:]+:(?!sqs:|sns:|lambda:|ecs:|firehose:|logs:).*|{_OTHER_ACCOUNT}",
)
"""What an event rule or a schedule may call; AWS knows more kinds than a program of ours."""
EVENT_RULE = Kind(
    word="event rule",
    named_by={"aws:cloudwatch/eventRule:EventRule": ("name",)},
    regional=True,
)
FUNCTION = Kind(
    word="function",
    named_by={
        "aws:lambda/function:Function": ("arn", "name", "invokeArn", "qualifiedArn"),
        "aws:lambda/alias:Alias": ("arn", "invokeArn"),
    },
    outside=_OTHER_ACCOUNT,
)
HEALTH_CHECK = Kind(word="health check", named_by={_HEALTH_CHECK: ("id",)})
INSTANCE_PROFILE = Kind(
    word="instance profile", named_by={"aws:iam/instanceProfile:InstanceProfile": ("name", "arn")}
)
KEY = Kind(
    word="KMS key",
    named_by={
        "aws:kms/replicaKey:ReplicaKey": ("keyId", "arn"),
        _KEY: ("arn", "keyId"),
        _KEY_ALIAS: ("arn", "name", "targetKeyArn"),
    },
    outside=rf"alias/aws/.*|arn:[^:]+:kms:[^:]*:\d+:alias/aws/.*|{_OTHER_ACCOUNT}",
    regional=True,
)
KEY_ELSEWHERE = replace(KEY, regional=False)
"""The key of a copy, which is in the copy's region."""
KEY_GROUP = Kind(word="key group", named_by={"aws:cloudfront/keyGroup:KeyGroup": ("id",)})
LAUNCH_TEMPLATE = Kind(
    word="launch template", named_by={"aws:ec2/launchTemplate:LaunchTemplate": ("id", "name")}
)
LISTENER = Kind(word="listener", named_by={"aws:lb/listener:Listener": ("arn",)})
LISTENER_RULE = Kind(
    word="listener rule",
    named_by={"aws:lb/listenerRule:ListenerRule": ("arn",), **LISTENER.named_by},
)
LOAD_BALANCER = Kind(word="load balancer", named_by={"aws:lb/loadBalancer:LoadBalancer": ("arn",)})
LOG_GROUP = Kind(
    word="log group", named_by={"aws:cloudwatch/logGroup:LogGroup": ("name",)}, regional=True
)
LOG_READER = Kind(
    word="stream or function (by its ARN)",
    named_by={_FIREHOSE: ("arn",), "aws:lambda/function:Function": ("arn", "qualifiedArn")},
    outside=rf"arn:[^:]+:(kinesis|logs):.*|{_OTHER_ACCOUNT}",
    regional=True,
)
LOG_STREAM = Kind(
    word="log group or bucket (by its ARN)",
    named_by={
        "aws:cloudwatch/logGroup:LogGroup": ("arn",),
        "aws:s3/bucket:Bucket": ("arn",),
        "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": ("arn",),
    },
    outside=_OTHER_ACCOUNT,
)
NAT_GATEWAY = Kind(word="NAT gateway", named_by={"aws:ec2/natGateway:NatGateway": ("id",)})
ORIGIN_ACCESS = Kind(word="origin access control", named_by={_ORIGIN_ACCESS: ("id",)})
ORIGIN_REQUEST_POLICY = Kind(
    word="origin request policy",
    named_by={"aws:cloudfront/originRequestPolicy:OriginRequestPolicy": ("id",)},
    outside="|".join(
        (
            "216adef6-5c7f-47e4-b989-5492eafa07d3",  # AllViewer
            "33f36d7e-f396-46d9-90e0-52428a34d9dc",  # AllViewerAndCloudFrontHeaders-2022-06
            "b689b0a8-53d0-40ab-baf2-68738e2966ac",  # AllViewerExceptHostHeader
            "59781a5b-3903-41f3-afcb-af62929ccde1",  # CORS-CustomOrigin
            "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",  # CORS-S3Origin
            "775133bc-15f2-49f9-abea-afb2e0bf67d2",  # Elemental-MediaTailor-PersonalizedManifests
            "bf0718e1-ba1e-49d1-88b1-f726733018ae",  # HostHeaderOnly
            "acba4595-bd28-49b8-b9fe-13317c0390fa",  # UserAgentRefererHeaders
        )
    ),
)
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html"""
POLICY = Kind(
    word="managed policy",
    named_by={"aws:iam/policy:Policy": ("arn",)},
    outside=r"arn:[^:]+:iam::aws:policy/.*",
)
PROTECTED = Kind(
    word="load balancer or user pool (by its ARN)",
    named_by={"aws:lb/loadBalancer:LoadBalancer": ("arn",), _USER_POOL: ("arn",)},
    outside=rf"arn:[^:]+:(?!elasticloadbalancing:|cognito-idp:).*|{_OTHER_ACCOUNT}",
)
PUBLIC_KEY = Kind(word="public key", named_by={"aws:cloudfront/publicKey:PublicKey": ("id",)})
QUEUE_ARN = Kind(word="queue", named_by={_QUEUE: ("arn",)}, outside=_OTHER_ACCOUNT)
QUEUE_URL = Kind(word="queue", named_by={_QUEUE: ("url", "id")})
RDS_PARAMETER_GROUP = Kind(
    word="database parameter group",
    named_by={"aws:rds/parameterGroup:ParameterGroup": ("name",)},
    outside=r"default\..*",
)
RDS_SUBNET_GROUP = Kind(
    word="database subnet group",
    named_by={"aws:rds/subnetGroup:SubnetGroup": ("name",)},
    outside="default",
)
CACHE_PARAMETER_GROUP = Kind(
    word="cache parameter group",
    named_by={"aws:elasticache/parameterGroup:ParameterGroup": ("name",)},
    outside=r"default\..*",
)
CACHE_SUBNET_GROUP = Kind(
    word="cache subnet group",
    named_by={"aws:elasticache/subnetGroup:SubnetGroup": ("name",)},
    outside="default",
)
REPOSITORY = Kind(word="repository", named_by={"aws:ecr/repository:Repository": ("name",)})
RESPONSE_HEADERS_POLICY = Kind(
    word="response headers policy",
    named_by={"aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": ("id",)},
    outside="|".join(
        (
            "e61eb60c-9c35-4d20-a928-2b84e02af89c",  # CORS-and-SecurityHeadersPolicy
            "5cc3b908-e619-4b99-88e5-2cf7f45965bd",  # CORS-With-Preflight
            "eaab4381-ed33-4a86-88ca-d9558dc6cd63",  # CORS-with-preflight-and-SecurityHeadersPolicy
            "67f7725c-6f97-4210-82d7-5512b31e9d03",  # SecurityHeadersPolicy
            "60669652-455b-4ae9-85a4-c4c02393f86c",  # SimpleCORS
        )
    ),
)
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html"""
RESTORE_TEST = Kind(
    word="restore testing plan", named_by={_RESTORE_TEST: ("name", "id")}, regional=True
)
ROLE_ARN = Kind(
    word="role (by its ARN)",
    named_by={
        "aws:iam/role:Role": ("arn",),
        "aws:iam/serviceLinkedRole:ServiceLinkedRole": ("arn",),
    },
    outside=r"arn:[^:]+:iam::\d+:role/aws-service-role/.*",
)
ROLE_NAME = Kind(word="role (by its name)", named_by={"aws:iam/role:Role": ("name", "id")})
ROLE = Kind(
    word="role",
    named_by={**ROLE_ARN.named_by, "aws:iam/role:Role": ("arn", "name")},
    outside=rf"{ROLE_ARN.outside}|AWSServiceRoleFor.*",
)
ROUTE_TABLE = Kind(
    word="route table",
    named_by={
        "aws:ec2/routeTable:RouteTable": ("id",),
        "aws:ec2/defaultRouteTable:DefaultRouteTable": ("id",),
        **dict.fromkeys(_VPC_TYPES, ("defaultRouteTableId", "mainRouteTableId")),
    },
)
SCALABLE_TARGET = Kind(
    word="scalable target", named_by={"aws:appautoscaling/target:Target": ("resourceId",)}
)
SCHEDULE_GROUP = Kind(
    word="schedule group",
    named_by={"aws:scheduler/scheduleGroup:ScheduleGroup": ("name",)},
    outside="default",
    regional=True,
)
SECRET_ID = Kind(
    word="secret",
    named_by={
        "aws:secretsmanager/secret:Secret": ("arn", "id", "name"),
        "aws:rds/instance:Instance": ("masterUserSecrets.secretArn",),
        "aws:rds/cluster:Cluster": ("masterUserSecrets.secretArn",),
    },
    outside=_OTHER_ACCOUNT,
)
SECRET_VALUE = Kind(
    word="secret or parameter",
    named_by={**SECRET_ID.named_by, "aws:ssm/parameter:Parameter": ("arn", "name")},
    outside=_OTHER_ACCOUNT,
)
SECURITY_GROUP = Kind(
    word="security group",
    named_by={
        "aws:ec2/securityGroup:SecurityGroup": ("id",),
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ("id",),
        **dict.fromkeys(_VPC_TYPES, ("defaultSecurityGroupId",)),
    },
)
SUBNET = Kind(
    word="subnet",
    named_by={
        "aws:ec2/subnet:Subnet": ("id",),
        "aws:ec2/defaultSubnet:DefaultSubnet": ("id",),
    },
)
_OF_BEANSTALK = "targetgroup/awseb-[^/]+/.+"
"""Beanstalk makes the target groups of its environments."""

TARGET_GROUP = Kind(
    word="target group",
    named_by={"aws:lb/targetGroup:TargetGroup": ("arn",)},
    outside=rf"arn:.+:{_OF_BEANSTALK}",
)
TRAFFIC_SOURCE = Kind(
    word="target group",
    named_by=TARGET_GROUP.named_by,
    outside=r"(?!arn:[^:]+:elasticloadbalancing:).*",
)
"""A group takes traffic from classic load balancers and VPC Lattice as well."""
TASK_DEFINITION = Kind(
    word="task definition",
    named_by={_TASK_DEFINITION: ("arn", "arnWithoutRevision", "family")},
)
TOPIC = Kind(word="SNS topic", named_by={"aws:sns/topic:Topic": ("arn",)}, outside=_OTHER_ACCOUNT)
TOLD = Kind(word="SNS topic", named_by=TOPIC.named_by, outside=rf".+@.+|{_OTHER_ACCOUNT}")
"""Whoever hears of an anomaly may be an e-mail address as well."""
USER_POOL = Kind(word="user pool", named_by={_USER_POOL: ("id",)})
INTEGRATED = Kind(
    word="listener or function",
    named_by={**LISTENER.named_by, **FUNCTION.named_by},
    outside=(
        rf"https?://.*|arn:[^:]+:(?!elasticloadbalancing:|lambda:|apigateway:).*|{_OTHER_ACCOUNT}"
    ),
)
VAULT = Kind(word="backup vault", named_by={_VAULT: ("name",)}, outside="Default", regional=True)
VAULT_ARN = Kind(
    word="backup vault (by its ARN)",
    named_by={_VAULT: ("arn",)},
    outside=rf"\*|arn:[^:]+:backup:[^:]+:\d+:backup-vault:Default|{_OTHER_ACCOUNT}",
)
VPC = Kind(word="VPC", named_by=dict.fromkeys(_VPC_TYPES, ("id",)))
VPC_LINK = Kind(word="VPC link", named_by={"aws:apigatewayv2/vpcLink:VpcLink": ("id",)})
VPC_ORIGIN = Kind(word="VPC origin", named_by={"aws:cloudfront/vpcOrigin:VpcOrigin": ("id",)})
VPC_ORIGIN_TARGET = Kind(
    word="load balancer (by its ARN)",
    named_by=LOAD_BALANCER.named_by,
    outside=rf"arn:[^:]+:ec2:.*|{_OTHER_ACCOUNT}",
)
WEB_ACL = Kind(word="web ACL (by its ARN)", named_by={_WEB_ACL: ("arn",)}, outside=_OTHER_ACCOUNT)

_POINTERS: Mapping[str, Kind] = {
    "accessLogs.bucket": BUCKET,
    "acmCertificateArn": CERTIFICATE,
    "alarmActions": ALARM_ACTION,
    "alarmSpecification.alarms": ALARM_NAME,
    "alarms.alarmNames": ALARM_NAME,
    "alternateTargetGroupArn": TARGET_GROUP,
    "apiId": API,
    "autoScalingGroupProvider.autoScalingGroupArn": AUTOSCALING_GROUP,
    "autoscalingGroupName": AUTOSCALING_GROUP,
    "awslogs-group": LOG_GROUP,
    "backupVaultName": VAULT,
    "cachePolicyId": CACHE_POLICY,
    "capacityProvider": CAPACITY_PROVIDER,
    "capacityProviders": CAPACITY_PROVIDER,
    "childHealthchecks": HEALTH_CHECK,
    "cloudWatchLogsRoleArn": ROLE_ARN,
    "cloudwatchAlarmName": ALARM_NAME,
    "cloudwatchLoggingOptions.logGroupName": LOG_GROUP,
    "connectionLogs.bucket": BUCKET,
    "deadLetterTargetArn": QUEUE_ARN,
    "detectorId": DETECTOR,
    "ecsParameters.taskDefinitionArn": TASK_DEFINITION,
    "ecsTarget.taskDefinitionArn": TASK_DEFINITION,
    "executionRoleArn": ROLE_ARN,
    "functionAssociations.functionArn": EDGE_FUNCTION,
    "healthCheckId": HEALTH_CHECK,
    "healthCheckLogs.bucket": BUCKET,
    "hookTargetArn": FUNCTION,
    "iamInstanceProfile.arn": INSTANCE_PROFILE,
    "iamInstanceProfile.name": INSTANCE_PROFILE,
    "iamRoleArn": ROLE_ARN,
    "insufficientDataActions": ALARM_ACTION,
    "kmsKeyArn": KEY,
    "kmsKeyId": KEY,
    "kmsMasterKeyId": KEY,
    "lambdaFunctionAssociations.lambdaArn": FUNCTION,
    "launchTemplate.id": LAUNCH_TEMPLATE,
    "launchTemplate.name": LAUNCH_TEMPLATE,
    "launchTemplateSpecification.launchTemplateId": LAUNCH_TEMPLATE,
    "launchTemplateSpecification.launchTemplateName": LAUNCH_TEMPLATE,
    "lbTargetGroupArn": TARGET_GROUP,
    "listenerArn": LISTENER,
    "loadBalancerArn": LOAD_BALANCER,
    "loggingConfig.bucket": BUCKET_HOST,
    "masterUserSecretKmsKeyId": KEY,
    "monitoringRoleArn": ROLE_ARN,
    "muteTargets.alarmNames": ALARM_NAME,
    "natGatewayId": NAT_GATEWAY,
    "okActions": ALARM_ACTION,
    "originAccessControlId": ORIGIN_ACCESS,
    "originRequestPolicyId": ORIGIN_REQUEST_POLICY,
    "performanceInsightsKmsKeyId": KEY,
    "policyArn": POLICY,
    "productionListenerRule": LISTENER_RULE,
    "queueUrl": QUEUE_URL,
    "referencedSecurityGroupId": SECURITY_GROUP,
    "responseHeadersPolicyId": RESPONSE_HEADERS_POLICY,
    "roleArn": ROLE_ARN,
    "routeTableId": ROUTE_TABLE,
    "routeTableIds": ROUTE_TABLE,
    "secretId": SECRET_ID,
    "secrets.valueFrom": SECRET_VALUE,
    "replicas.kmsKeyId": KEY_ELSEWHERE,
    "repositoryCredentials.credentialsParameter": SECRET_ID,
    "securityGroupId": SECURITY_GROUP,
    "securityGroupIds": SECURITY_GROUP,
    "securityGroups": SECURITY_GROUP,
    "serviceLinkedRoleArn": ROLE_ARN,
    "serviceRoleArn": ROLE_ARN,
    "snsTopic": TOPIC,
    "sourceQueueArns": QUEUE_ARN,
    "sourceSecurityGroupId": SECURITY_GROUP,
    "subnetId": SUBNET,
    "subnetIds": SUBNET,
    "subnets": SUBNET,
    "subscriberSnsTopicArns": TOPIC,
    "targetGroupArn": TARGET_GROUP,
    "targetGroupArns": TARGET_GROUP,
    "targetGroups.arn": TARGET_GROUP,
    "taskRoleArn": ROLE_ARN,
    "testListenerRule": LISTENER_RULE,
    "trafficSource.identifier": TRAFFIC_SOURCE,
    "trafficSources.identifier": TRAFFIC_SOURCE,
    "trustedKeyGroups": KEY_GROUP,
    "userPoolId": USER_POOL,
    "vpcId": VPC,
    "vpcOriginId": VPC_ORIGIN,
    "vpcSecurityGroupIds": SECURITY_GROUP,
    "vpcZoneIdentifiers": SUBNET,
    "webAclArn": WEB_ACL,
    "webAclId": WEB_ACL,
}
"""By the last one or two names of an input's path, whatever the type of the resource."""

_POINTERS_OF: Mapping[str, Mapping[str, Kind]] = {
    "aws:apigatewayv2/apiMapping:ApiMapping": {"domainName": API_DOMAIN, "stage": API_STAGE},
    "aws:apigatewayv2/domainName:DomainName": {
        "domainNameConfiguration.certificateArn": CERTIFICATE
    },
    _INTEGRATION: {"connectionId": VPC_LINK, "integrationUri": INTEGRATED},
    "aws:apigatewayv2/stage:Stage": {"accessLogSettings.destinationArn": LOG_STREAM},
    "aws:appautoscaling/policy:Policy": {"resourceId": SCALABLE_TARGET},
    "aws:appautoscaling/scheduledAction:ScheduledAction": {"resourceId": SCALABLE_TARGET},
    "aws:autoscaling/notification:Notification": {"topicArn": TOPIC},
    "aws:cloudfront/keyGroup:KeyGroup": {"items": PUBLIC_KEY},
    "aws:cloudfront/vpcOrigin:VpcOrigin": {"vpcOriginEndpointConfig.arn": VPC_ORIGIN_TARGET},
    _BACKUP_PLAN: {
        "copyActions.destinationVaultArn": VAULT_ARN,
        "rules.targetVaultName": VAULT,
    },
    "aws:backup/selection:Selection": {"planId": BACKUP_PLAN},
    _RESTORE_TEST: {
        "recoveryPointSelection.excludeVaults": VAULT_ARN,
        "recoveryPointSelection.includeVaults": VAULT_ARN,
    },
    "aws:backup/restoreTestingSelection:RestoreTestingSelection": {
        "restoreTestingPlanName": RESTORE_TEST
    },
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": {
        "guardrailPolicyArns": POLICY,
        "snsTopicArns": TOPIC,
    },
    _TRAIL: {"kmsKeyId": KEY_ELSEWHERE, "s3BucketName": BUCKET},
    "aws:cloudwatch/eventTarget:EventTarget": {"arn": EVENT_BOUND, "rule": EVENT_RULE},
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": {"logGroupName": LOG_GROUP},
    _SUBSCRIPTION_FILTER: {"destinationArn": LOG_READER, "logGroup": LOG_GROUP},
    "aws:cloudwatch/queryDefinition:QueryDefinition": {"logGroupNames": LOG_GROUP},
    "aws:costexplorer/anomalySubscription:AnomalySubscription": {
        "monitorArnLists": ANOMALY_MONITOR,
        "subscribers.address": TOLD,
    },
    "aws:cognito/userPoolDomain:UserPoolDomain": {"certificateArn": CERTIFICATE},
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": {"repository": REPOSITORY},
    "aws:ecr/repositoryPolicy:RepositoryPolicy": {"repository": REPOSITORY},
    "aws:ecs/cluster:Cluster": {"logConfiguration.cloudWatchLogGroupName": LOG_GROUP},
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": {"clusterName": CLUSTER},
    _SERVICE: {"cluster": CLUSTER, "taskDefinition": TASK_DEFINITION},
    _CACHE: {
        "notificationTopicArn": TOPIC,
        "parameterGroupName": CACHE_PARAMETER_GROUP,
        "subnetGroupName": CACHE_SUBNET_GROUP,
    },
    "aws:elasticbeanstalk/application:Application": {"appversionLifecycle.serviceRole": ROLE_ARN},
    _BEANSTALK_VERSION: {"application": BEANSTALK_APPLICATION, "bucket": BUCKET},
    _BEANSTALK: {"application": BEANSTALK_APPLICATION},
    "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": {
        "role": ROLE_ARN,
        "s3Bucket.bucketName": BUCKET,
    },
    "aws:iam/instanceProfile:InstanceProfile": {"role": ROLE_NAME},
    "aws:iam/rolePolicy:RolePolicy": {"role": ROLE_NAME},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"role": ROLE_NAME},
    _FIREHOSE: {"bucketArn": BUCKET_ARN},
    _KEY_ALIAS: {"targetKeyId": KEY},
    "aws:kms/keyPolicy:KeyPolicy": {"keyId": KEY},
    "aws:lambda/eventSourceMapping:EventSourceMapping": {"functionName": FUNCTION},
    "aws:lambda/function:Function": {"role": ROLE_ARN, "loggingConfig.logGroup": LOG_GROUP},
    "aws:lambda/permission:Permission": {"function": FUNCTION},
    "aws:rds/instance:Instance": {
        "dbSubnetGroupName": RDS_SUBNET_GROUP,
        "parameterGroupName": RDS_PARAMETER_GROUP,
        "replicateSourceDb": DATABASE,
    },
    _HEALTH_CHECK: {"cloudwatchAlarmName": replace(ALARM_NAME, regional=False)},
    _REPLICATED_BACKUPS: {"sourceDbInstanceArn": DATABASE_ARN},
    "aws:s3/bucketNotification:BucketNotification": {
        "bucket": BUCKET,
        "lambdaFunctionArn": FUNCTION,
        "queueArn": QUEUE_ARN,
        "topicArn": TOPIC,
    },
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": {
        "bucket": BUCKET,
        "destination.bucket": BUCKET_ARN,
        "replicaKmsKeyId": KEY_ELSEWHERE,
        "role": ROLE_ARN,
    },
    _OBJECT: {"bucket": BUCKET},
    "aws:scheduler/schedule:Schedule": {
        "deadLetterConfig.arn": QUEUE_ARN,
        "groupName": SCHEDULE_GROUP,
        "target.arn": EVENT_BOUND,
    },
    "aws:secretsmanager/secretPolicy:SecretPolicy": {"secretArn": SECRET_ID},
    "aws:secretsmanager/secretRotation:SecretRotation": {"rotationLambdaArn": FUNCTION},
    "aws:sns/topicPolicy:TopicPolicy": {"arn": TOPIC},
    "aws:sns/topicSubscription:TopicSubscription": {"topic": TOPIC},
    "aws:wafv2/webAclAssociation:WebAclAssociation": {"resourceArn": PROTECTED},
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": {
        "logDestinationConfigs": LOG_STREAM,
        "resourceArn": WEB_ACL,
    },
}
"""Names that mean something else elsewhere."""

_JSON_INPUTS = {
    "containerDefinitions",
    "redriveAllowPolicy",
    "redrivePolicy",
    "vpcSecurityGroupIds",
}
"""Inputs that carry AWS's own structure as JSON text; the last in the tests of AWS Backup alone."""

_OPTION_POINTERS: Mapping[tuple[str, str], Kind] = {
    ("aws:autoscaling:launchconfiguration", "IamInstanceProfile"): INSTANCE_PROFILE,
    ("aws:autoscaling:launchconfiguration", "SecurityGroups"): SECURITY_GROUP,
    ("aws:ec2:vpc", "DBSubnets"): SUBNET,
    ("aws:ec2:vpc", "ELBSubnets"): SUBNET,
    ("aws:ec2:vpc", "Subnets"): SUBNET,
    ("aws:ec2:vpc", "VPCId"): VPC,
    ("aws:elasticbeanstalk:environment", "ServiceRole"): ROLE,
    ("aws:elasticbeanstalk:managedactions", "ServiceRoleForManagedUpdates"): ROLE,
    ("aws:elasticbeanstalk:sns:topics", "Notification Topic ARN"): TOPIC,
    ("aws:elasticbeanstalk:sqsd", "WorkerQueueURL"): QUEUE_URL,
    ("aws:elbv2:loadbalancer", "AccessLogsS3Bucket"): BUCKET,
    ("aws:elbv2:loadbalancer", "ManagedSecurityGroup"): SECURITY_GROUP,
    ("aws:elbv2:loadbalancer", "SecurityGroups"): SECURITY_GROUP,
    ("aws:elbv2:loadbalancer", "SharedLoadBalancer"): LOAD_BALANCER,
}
"""Beanstalk's options that name something, several with commas between them."""

_BEANSTALK_SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"

_FREE_KEYS = {"environment", "tags", "tagsAll", "variables", "volumeTags"}
"""Below these, the keys are the program's own words."""

_DIMENSIONS: Mapping[str, Kind] = {
    name: Kind(word=name, named_by=named_by, outside=_OF_BEANSTALK if name == "TargetGroup" else "")
    for name, named_by in {
        "ApiId": {"aws:apigatewayv2/api:Api": ("id",)},
        "AutoScalingGroupName": {
            "aws:autoscaling/group:Group": ("name",),
            _BEANSTALK: ("autoscalingGroups",),
        },
        "BucketName": {"aws:s3/bucket:Bucket": ("bucket",)},
        "CacheClusterId": {"aws:elasticache/cluster:Cluster": ("clusterId",)},
        "CapacityProviderName": {"aws:ecs/capacityProvider:CapacityProvider": ("name",)},
        "ClusterName": {"aws:ecs/cluster:Cluster": ("name",)},
        "DBInstanceIdentifier": {"aws:rds/instance:Instance": ("identifier",)},
        "DistributionId": {_DISTRIBUTION: ("id",)},
        "EnvironmentName": {_BEANSTALK: ("name",)},
        "FunctionName": {"aws:lambda/function:Function": ("name",)},
        "HealthCheckId": {_HEALTH_CHECK: ("id",)},
        "LoadBalancer": {"aws:lb/loadBalancer:LoadBalancer": ("arnSuffix",)},
        "LogGroupName": {"aws:cloudwatch/logGroup:LogGroup": ("name",)},
        "NatGatewayId": {"aws:ec2/natGateway:NatGateway": ("id",)},
        "QueueName": {_QUEUE: ("name",)},
        "ReplicationGroupId": {_CACHE: ("replicationGroupId",)},
        "RuleName": {"aws:cloudwatch/eventRule:EventRule": ("name",)},
        "ServiceName": {_SERVICE: ("name",)},
        "TableName": {"aws:dynamodb/table:Table": ("name",)},
        "TargetGroup": {"aws:lb/targetGroup:TargetGroup": ("arnSuffix",)},
        "TopicName": {"aws:sns/topic:Topic": ("name",)},
        "UserPool": {_USER_POOL: ("id",)},
        "WebACL": {_WEB_ACL: ("visibilityConfig.metricName",)},
    }.items()
}
"""Metric dimensions in AWS's own namespaces, and the property that holds their value.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
"""

_OF_US_EAST_1 = {"DistributionId", "HealthCheckId"}
"""Dimensions of services without a region, whose metrics are in us-east-1 alone.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-health-checks.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
"""

_AWS_NAMESPACE = re.compile(r"AWS/.+|ECS/.+")

_ALARM_IN_A_RULE = re.compile(r'\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*"?([^")]+?)"?\s*\)')


def check(graph: Graph) -> list[Finding]:
    """A finding for everything that is pointed at and not there, or there and not fitting."""
    program = _Program(graph)
    findings: list[Finding] = []
    for resource in graph.resources.values():
        if not resource.custom or not resource.type.startswith("aws:"):
            continue
        problems = [*_pointers(program, resource), *_dimensions(program, resource)]
        if rule := _RULES.get(resource.type):
            problems += rule(program, resource)
        findings += [
            Finding(
                source=resource.source,
                urn=resource.urn,
                check="reference",
                severity="error",
                message=message,
            )
            for message in problems
        ]
    return findings


class _Program:
    """The graph, indexed by what inputs use to name a resource."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._by_type: dict[str, list[Resource]] = {}
        for urn in sorted(graph.resources):
            resource = graph.resources[urn]
            self._by_type.setdefault(resource.type, []).append(resource)
        self._by_kind: dict[Kind, dict[str, Resource]] = {}
        self._regions: dict[Kind, dict[str, set[str]]] = {}

    def of(self, type: str) -> Sequence[Resource]:
        return self._by_type.get(type, ())

    def all(self, kind: Kind) -> Mapping[str, Resource]:
        """Every value that names a resource of this kind."""
        if kind not in self._by_kind:
            self._by_kind[kind] = dict(self._named(kind))
        return self._by_kind[kind]

    def regions(self, kind: Kind, value: str) -> set[str]:
        """Where there is a resource of this kind with this name; one may be in several regions."""
        if kind not in self._regions:
            found = self._regions.setdefault(kind, {})
            for name, resource in self._named(kind):
                found.setdefault(name, set()).add(resource.region)
        return self._regions[kind].get(value, set())

    def _named(self, kind: Kind) -> Iterator[tuple[str, Resource]]:
        for type_, properties in kind.named_by.items():
            for resource in self.of(type_):
                for name in properties:
                    for value in _values(resource, name):
                        yield value, resource

    def find(self, kind: Kind, value: Any) -> Resource | None:
        return self.all(kind).get(_trimmed(value)) if isinstance(value, str) else None

    def waits_for(self, resource: Resource, other: Resource) -> bool:
        """Whether the engine makes `other` before `resource`, directly or through others."""
        seen: set[str] = set()
        left = [*resource.dependencies]
        while left:
            urn = left.pop()
            if urn == other.urn:
                return True
            if urn not in seen and (found := self.graph.resources.get(urn)):
                left += found.dependencies
            seen.add(urn)
        return False

    @cached_property
    def ids(self) -> Mapping[str, Resource]:
        """Every id and ARN of the program, to say what a value is when it is the wrong thing."""
        return {
            value: resource
            for resources in self._by_type.values()
            for resource in resources
            for value in (*_values(resource, "id"), *_values(resource, "arn"))
        }

    @cached_property
    def forwarded_to(self) -> set[str]:
        """The target groups that a listener or a listener rule forwards to."""
        rules = [rule for type_ in LISTENER_RULE.named_by for rule in self.of(type_)]
        return {arn for rule in rules for arn in _forwarded_to(rule)}

    @cached_property
    def scalable_services(self) -> Mapping[str, Resource]:
        """Every ECS service by the id that Application Auto Scaling gives it."""
        return {
            f"service/{_cluster_name(self, service) or 'default'}/{name}": service
            for service in self.of(_SERVICE)
            for name in _values(service, "name")
        }

    @cached_property
    def cache_nodes(self) -> Mapping[str, Resource]:
        """The nodes of a replication group without shards, which are named `<id>-001` and on."""
        return {
            f"{name}-{number:03}": group
            for group in self.of(_CACHE)
            for name in _values(group, "replicationGroupId")
            for number in range(1, int(group.inputs.get("numCacheClusters") or 1) + 1)
        }


# Pointers


def _pointers(program: _Program, resource: Resource) -> Iterator[str]:
    own = _POINTERS_OF.get(resource.type, {})
    for path, suffixes, value in _leaves(resource.inputs):
        kind = next(
            (found for suffix in suffixes if (found := own.get(suffix) or _POINTERS.get(suffix))),
            None,
        )
        if kind is None or re.fullmatch(kind.outside, value):
            continue
        if not program.find(kind, value):
            yield _missing(program, path, value, kind)
        elif kind.regional and resource.region not in (where := program.regions(kind, value)):
            yield (
                f"{path}: {value!r} is no {kind.word} of {resource.region}, "
                f"it is of {', '.join(sorted(where))}"
            )


def _missing(program: _Program, path: str, value: str, kind: Kind) -> str:
    other = program.ids.get(value)
    what = f", it is the {other.type} {other.name!r}" if other else ""
    return (
        f"{path}: {value!r} is no {kind.word} of this program{what}; "
        f"{_near(value, program.all(kind))}"
    )


def _near(value: str, known: Iterable[str]) -> str:
    listed = sorted(known)
    close = difflib.get_close_matches(value, listed, n=3) or listed[:3]
    if not close:
        return "there is none"
    more = f" and {len(listed) - len(close)} more" if len(listed) > len(close) else ""
    return f"there is {', '.join(close)}{more}"


def _leaves(inputs: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Path, the last two and the last one of its names, and text, of every text in the inputs."""

    def walk(value: Any, path: str, names: tuple[str, ...]) -> Iterator[Any]:
        if isinstance(value, str):
            if value and value != SECRET:
                yield path, (".".join(names[-2:]), names[-1]), value
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if key in _FREE_KEYS:
                    continue
                item = _decoded(item) if key in _JSON_INPUTS else item
                yield from walk(item, f"{path}.{key}" if path else key, (*names, key))
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                yield from walk(item, f"{path}[{index}]", names)

    return walk(inputs, "", ())


def _values(resource: Resource, path: str) -> Iterator[str]:
    """The texts at a dotted path of a resource's outputs, or else of its inputs."""
    if path == "id":
        found: list[Any] = [resource.id]
    else:
        head, *rest = path.split(".")
        found = [resource.outputs.get(head) or resource.inputs.get(head)]
        for name in rest:
            found = [
                item.get(name)
                for value in found
                for item in (value if isinstance(value, list) else [value])
                if isinstance(item, Mapping)
            ]
    for value in found:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and text:
                yield text


def _trimmed(value: str) -> str:
    """ECS adds the key of a secret, and its stage and version, to the secret's ARN."""
    return ":".join(value.split(":")[:7]) if ":secretsmanager:" in value else value


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


# Metrics


def _dimensions(program: _Program, resource: Resource) -> Iterator[str]:
    for path, metric in _metrics(resource.inputs, ""):
        given = _as_map(metric["dimensions"])
        for name, value in sorted(given.items()):
            if name not in _DIMENSIONS or not isinstance(value, str):
                continue
            known = program.all(_DIMENSIONS[name])
            if name == "CacheClusterId":
                known = {**known, **program.cache_nodes}
            where = f"{path}dimensions.{name}"
            cluster = given.get("ClusterName")
            if re.fullmatch(_DIMENSIONS[name].outside, value):
                continue
            if value not in known:
                yield (
                    f"{where}: the metric watches {value!r}, which this program does not make; "
                    f"{_near(value, known)}"
                )
            elif name in _OF_US_EAST_1 and resource.region != "us-east-1":
                yield (
                    f"{where}: its metrics are in us-east-1, and the alarm is in {resource.region}"
                )
            elif (
                name == "ServiceName"
                and isinstance(cluster, str)
                and (home := _cluster_name(program, known[value])) not in (cluster, None)
            ):
                yield f"{where}: the service {value!r} runs in {home!r}, not in {cluster!r}"


def _metrics(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        namespace = value.get("namespace")
        watched = isinstance(namespace, str) and _AWS_NAMESPACE.fullmatch(namespace)
        if watched and value.get("dimensions"):
            yield path, value
        for key, item in value.items():
            yield from _metrics(item, f"{path}{key}.")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _metrics(item, f"{path.removesuffix('.')}[{index}].")


def _as_map(dimensions: Any) -> dict[str, Any]:
    """Alarms hold dimensions as a map, scaling policies as a list of names and values."""
    if isinstance(dimensions, Mapping):
        return dict(dimensions)
    return {one["name"]: one.get("value") for one in dimensions if "name" in one}


# Rules that join several resources


def _service(program: _Program, resource: Resource) -> Iterator[str]:
    inputs = resource.inputs
    strategies = inputs.get("capacityProviderStrategies") or []
    if inputs.get("launchType") and strategies:
        yield (
            f"launchType: {inputs['launchType']!r} given beside capacityProviderStrategies; "
            "ECS takes one of them, drop launchType"
        )
    yield from _attached(program, resource, strategies)
    yield from _shifted(program, resource)
    task = program.find(TASK_DEFINITION, inputs.get("taskDefinition"))
    if task is None:
        return
    fargate = inputs.get("launchType") == "FARGATE" or any(
        str(one.get("capacityProvider", "")).startswith("FARGATE") for one in strategies
    )
    awsvpc = task.inputs.get("networkMode") == "awsvpc"
    if fargate and "FARGATE" not in (task.inputs.get("requiresCompatibilities") or ()):
        yield (
            f"taskDefinition: the service runs on Fargate and {task.name!r} does not require "
            "FARGATE compatibility"
        )
    if awsvpc and not inputs.get("networkConfiguration"):
        yield (
            f"networkConfiguration: missing; the tasks of {task.name!r} have networkMode awsvpc "
            "and need subnets and security groups"
        )
    if not awsvpc and inputs.get("networkConfiguration"):
        yield (
            f"networkConfiguration: given, but {task.name!r} has networkMode "
            f"{task.inputs.get('networkMode') or 'bridge'!r}; only awsvpc takes one"
        )
    for index, balancer in enumerate(inputs.get("loadBalancers") or ()):
        yield from _balanced(program, f"loadBalancers[{index}]", balancer, task, awsvpc)


def _shifted(program: _Program, service: Resource) -> Iterator[str]:
    """What a service needs that ECS moves from one target group to the other.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html
    """
    deployment = service.inputs.get("deploymentConfiguration") or {}
    for index, hook in enumerate(deployment.get("lifecycleHooks") or ()):
        path = f"deploymentConfiguration.lifecycleHooks[{index}].roleArn"
        yield from _trusts_ecs(program, path, hook.get("roleArn"))
    if deployment.get("strategy") not in ("BLUE_GREEN", "CANARY", "LINEAR"):
        return
    for index, balancer in enumerate(service.inputs.get("loadBalancers") or ()):
        advanced = balancer.get("advancedConfiguration") or {}
        path = f"loadBalancers[{index}].advancedConfiguration"
        yield from _trusts_ecs(program, f"{path}.roleArn", advanced.get("roleArn"))
        groups = [balancer.get("targetGroupArn"), advanced.get("alternateTargetGroupArn")]
        if isinstance(groups[0], str) and groups[0] == groups[1]:
            yield f"{path}.alternateTargetGroupArn: the same as targetGroupArn; ECS needs two"
        production = advanced.get("productionListenerRule")
        if isinstance(production, str) and production == advanced.get("testListenerRule"):
            yield f"{path}.testListenerRule: the same as productionListenerRule; ECS needs two"
        for name in ("productionListenerRule", "testListenerRule"):
            listener = program.find(LISTENER, advanced.get(name))
            if listener and listener.inputs.get("protocol") in ("HTTP", "HTTPS"):
                yield (
                    f"{path}.{name}: {listener.name!r} is a listener of an application load "
                    "balancer; ECS needs one of its rules"
                )
        rule = program.find(LISTENER_RULE, production)
        for group in (program.find(TARGET_GROUP, arn) for arn in groups if rule):
            if group and rule and not set(_values(group, "arn")) & _forwarded_to(rule):
                yield (
                    f"{path}.productionListenerRule: the rule {rule.name!r} does not forward to "
                    f"the target group {group.name!r}; ECS needs both groups in it"
                )


def _forwarded_to(rule: Resource) -> set[str]:
    """The target groups in the actions of a listener rule, or of a listener by default."""
    actions = rule.inputs.get("actions") or rule.inputs.get("defaultActions") or ()
    groups = (
        group.get("arn")
        for action in actions
        for group in (action.get("forward") or {}).get("targetGroups") or ()
    )
    given = (*groups, *(one.get("targetGroupArn") for one in actions))
    return {arn for arn in given if isinstance(arn, str)}


def _trusts_ecs(program: _Program, path: str, arn: Any) -> Iterator[str]:
    role = program.find(ROLE_ARN, arn)
    trust = role.inputs.get("assumeRolePolicy") if role else None
    if role and isinstance(trust, str) and trust != SECRET and "ecs.amazonaws.com" not in trust:
        yield f"{path}: the role {role.name!r} does not trust ecs.amazonaws.com, which assumes it"


def _attached(
    program: _Program, service: Resource, strategies: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    cluster = _cluster_name(program, service)
    if not strategies or cluster is None:
        return
    attached = {
        name
        for link in program.of("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders")
        if link.inputs.get("clusterName") == cluster
        for name in link.inputs.get("capacityProviders") or ()
        if isinstance(name, str)
    }
    for index, strategy in enumerate(strategies):
        name = strategy.get("capacityProvider")
        if isinstance(name, str) and name not in attached:
            yield (
                f"capacityProviderStrategies[{index}].capacityProvider: {name!r} is not attached "
                f"to the cluster {cluster!r}; {_near(name, attached)}"
            )


def _balanced(
    program: _Program, path: str, balancer: Mapping[str, Any], task: Resource, awsvpc: bool
) -> Iterator[str]:
    containers = {one.get("name"): one for one in _containers(task)}
    name, port = balancer.get("containerName"), balancer.get("containerPort")
    container = containers.get(name)
    if isinstance(name, str) and container is None:
        yield (
            f"{path}.containerName: the task definition {task.name!r} has no container {name!r}; "
            f"{_near(name, (known for known in containers if known))}"
        )
    elif container is not None:
        ports = {
            int(mapping["containerPort"])
            for mapping in container.get("portMappings") or ()
            if isinstance(mapping.get("containerPort"), int | str)
        }
        if isinstance(port, int) and port not in ports:
            listed = ", ".join(str(known) for known in sorted(ports)) or "none"
            yield f"{path}.containerPort: {name!r} does not map port {port}; it maps {listed}"
    advanced = balancer.get("advancedConfiguration") or {}
    for where, arn in (
        ("targetGroupArn", balancer.get("targetGroupArn")),
        ("advancedConfiguration.alternateTargetGroupArn", advanced.get("alternateTargetGroupArn")),
    ):
        group = program.find(TARGET_GROUP, arn)
        if group is None:
            continue
        wanted = "ip" if awsvpc else "instance"
        given = group.inputs.get("targetType") or "instance"
        if isinstance(given, str) and given != wanted:
            yield (
                f"{path}.{where}: the target group {group.name!r} has targetType {given!r}; "
                f"tasks with networkMode {task.inputs.get('networkMode') or 'bridge'} need {wanted}"
            )
        if arn not in program.forwarded_to:
            yield (
                f"{path}.{where}: no listener forwards to the target group {group.name!r}; ECS "
                "takes a group only behind a load balancer"
            )


def _task_definition(_: _Program, resource: Resource) -> Iterator[str]:
    inputs = resource.inputs
    containers = _containers(resource)
    names = [one["name"] for one in containers if isinstance(one.get("name"), str)]
    volumes = [one.get("name") for one in inputs.get("volumes") or ()]
    fargate = "FARGATE" in (inputs.get("requiresCompatibilities") or ())
    if fargate and inputs.get("networkMode") != "awsvpc":
        yield f"networkMode: {inputs.get('networkMode')!r} given; Fargate needs awsvpc"
    if not inputs.get("executionRoleArn") and (why := _needs_execution_role(containers, fargate)):
        yield f"executionRoleArn: missing; ECS needs one to {why}"
    for index, container in enumerate(containers):
        path = f"containerDefinitions[{index}]"
        for other in container.get("dependsOn") or ():
            if other.get("containerName") not in names:
                yield (
                    f"{path}.dependsOn: {other.get('containerName')!r} is no container of this "
                    f"task definition; {_near(str(other.get('containerName')), names)}"
                )
        for mount in container.get("mountPoints") or ():
            if mount.get("sourceVolume") not in volumes:
                yield (
                    f"{path}.mountPoints: {mount.get('sourceVolume')!r} is no volume of this task "
                    f"definition; {_near(str(mount.get('sourceVolume')), filter(None, volumes))}"
                )


def _needs_execution_role(containers: Iterable[Mapping[str, Any]], fargate: bool) -> str:
    """What the agent itself does before the container runs, and so with the execution role."""
    for container in containers:
        if container.get("secrets"):
            return f"read the secrets of the container {container.get('name')!r}"
        logs = container.get("logConfiguration") or {}
        if fargate and logs.get("logDriver") == "awslogs":
            return f"write the log of the container {container.get('name')!r}"
        if fargate and ".dkr.ecr." in str(container.get("image", "")):
            return f"pull the image of the container {container.get('name')!r} from ECR"
    return ""


def _containers(task: Resource) -> list[Mapping[str, Any]]:
    decoded = _decoded(task.inputs.get("containerDefinitions"))
    return [one for one in decoded if isinstance(one, Mapping)] if isinstance(decoded, list) else []


def _cluster_name(program: _Program, service: Resource) -> str | None:
    cluster = program.find(CLUSTER, service.inputs.get("cluster"))
    return next(_values(cluster, "name"), None) if cluster else None


def _scalable_target(program: _Program, resource: Resource) -> Iterator[str]:
    given = resource.inputs.get("resourceId")
    if resource.inputs.get("serviceNamespace") != "ecs" or not isinstance(given, str):
        return
    known = program.scalable_services
    if given not in known:
        yield f"resourceId: {given!r} is no ECS service of this program; {_near(given, known)}"


def _environment(program: _Program, resource: Resource) -> Iterator[str]:
    inputs = resource.inputs
    for index, option in enumerate(inputs.get("settings") or ()):
        namespace, name = str(option.get("namespace")), str(option.get("name"))
        value: Any = option.get("value")
        kind = _OPTION_POINTERS.get((namespace, name))
        if namespace == _BEANSTALK_SECRETS:
            kind = SECRET_VALUE
        elif name == "SSLCertificateArns":
            kind = CERTIFICATE
        if kind is None or not isinstance(value, str) or value == SECRET:
            continue
        for part in re.split(r"\s*,\s*", value.strip()):
            found = program.find(kind, part)
            if part and not found and not re.fullmatch(kind.outside, part):
                yield _missing(program, f"settings[{index}].value ({name})", part, kind)
            # Beanstalk makes an ARN of a bare name, for a role that lies in no path.
            path = found.inputs.get("path", "/") if found and kind is ROLE else "/"
            if path != "/" and not part.startswith("arn:"):
                yield (
                    f"settings[{index}].value ({name}): {part!r} lies in the path {path}, where "
                    "its bare name does not find it; give its ARN"
                )
    label = inputs.get("version")
    labels = {
        name
        for one in program.of(_BEANSTALK_VERSION)
        if one.inputs.get("application") == inputs.get("application")
        for name in _values(one, "name")
    }
    if isinstance(label, str) and label not in labels:
        yield (
            f"version: {label!r} is no version of the application "
            f"{inputs.get('application')!r}; {_near(label, labels)}"
        )


def _application_version(program: _Program, resource: Resource) -> Iterator[str]:
    """The bundle lies in its bucket before the version is made, or Beanstalk refuses it."""
    bucket, key = resource.inputs.get("bucket"), resource.inputs.get("key")
    if program.find(BUCKET, bucket) is None or not isinstance(key, str):
        return
    objects = [one for one in program.of(_OBJECT) if one.inputs.get("bucket") == bucket]
    keys = [one.inputs["key"] for one in objects if isinstance(one.inputs.get("key"), str)]
    if key not in keys:
        yield f"key: {key!r} is no object of the bucket {bucket!r}; {_near(key, keys)}"


def _distribution(program: _Program, resource: Resource) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html"""
    for index, origin in enumerate(resource.inputs.get("origins") or ()):
        access = program.find(ORIGIN_ACCESS, origin.get("originAccessControlId"))
        other = next((kind for kind in _NO_BUCKETS if origin.get(kind)), "")
        if access and other and access.inputs.get("originAccessControlOriginType") == "s3":
            yield (
                f"origins[{index}].originAccessControlId: {access.name!r} signs for buckets, and "
                f"this origin has a {other}"
            )


_NO_BUCKETS = ("customOriginConfig", "vpcOriginConfig")


def _route(program: _Program, resource: Resource) -> Iterator[str]:
    target, api = resource.inputs.get("target"), resource.inputs.get("apiId")
    if not isinstance(target, str) or not target.startswith("integrations/"):
        return
    known = [
        one.id for one in program.of(_INTEGRATION) if one.id and one.inputs.get("apiId") == api
    ]
    if (given := target.removeprefix("integrations/")) not in known:
        yield f"target: {given!r} is no integration of the route's API; {_near(given, known)}"


def _composite_alarm(program: _Program, resource: Resource) -> Iterator[str]:
    known = program.all(ALARM)
    rule = resource.inputs.get("alarmRule")
    for name in _ALARM_IN_A_RULE.findall(rule) if isinstance(rule, str) else ():
        if name not in known:
            yield f"alarmRule: {name!r} is no alarm of this program; {_near(name, known)}"
        elif resource.region not in (where := program.regions(ALARM, name)):
            yield (
                f"alarmRule: {name!r} is no alarm of {resource.region}, "
                f"it is of {', '.join(sorted(where))}"
            )


def _trail(program: _Program, resource: Resource) -> Iterator[str]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"""
    name = resource.inputs.get("s3BucketName")
    bucket = program.find(BUCKET, name)
    policies = [one for one in program.of(_BUCKET_POLICY) if one.inputs.get("bucket") == name]
    if bucket is None or any(one.inputs.get("policy") == SECRET for one in policies):
        return
    prefix = resource.inputs.get("s3KeyPrefix")
    home = f"arn:aws:s3:::{name}"
    logs = "/".join(filter(None, (home, prefix, "AWSLogs", ACCOUNT, "CloudTrail/log.json.gz")))
    for action, on in (("s3:GetBucketAcl", home), ("s3:PutObject", logs)):
        letting = [one for one in policies if _lets(one, "cloudtrail.amazonaws.com", action, on)]
        if not letting:
            yield (
                f"s3BucketName: no policy of the bucket {bucket.name!r} lets "
                f"cloudtrail.amazonaws.com {action} on {on}"
            )
        elif not any(program.waits_for(resource, one) for one in letting):
            yield (
                f"s3BucketName: the trail does not wait for {letting[0].name!r}, the policy that "
                f"lets cloudtrail.amazonaws.com {action}; it needs depends_on"
            )


def _lets(policy: Resource, service: str, action: str, on: str) -> bool:
    """Whether a statement of a resource policy allows a service this; conditions are not read."""
    document = policy.inputs.get("policy")
    document = document if isinstance(document, Mapping) else _decoded(document)
    statements = document.get("Statement") if isinstance(document, Mapping) else None
    for statement in _listed(statements):
        if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal")
        services = principal.get("Service") if isinstance(principal, Mapping) else None
        if (
            service in _listed(services)
            and any(fnmatchcase(action, str(one)) for one in _listed(statement.get("Action")))
            and any(fnmatchcase(on, str(one)) for one in _listed(statement.get("Resource")))
        ):
            return True
    return False


def _listed(value: Any) -> Sequence[Any]:
    """What a policy says of one thing or of several."""
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _selection(program: _Program, resource: Resource) -> Iterator[str]:
    for index, arn in enumerate(resource.inputs.get("resources") or ()):
        if not isinstance(arn, str) or "*" in arn or re.fullmatch(_OTHER_ACCOUNT, arn):
            continue
        if arn not in program.ids:
            yield f"resources[{index}]: {arn!r} is nothing this program makes"


_FILTERS_PER_GROUP = 2
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html"""


def _subscription_filter(program: _Program, resource: Resource) -> Iterator[str]:
    group = resource.inputs.get("logGroup")
    others = [
        one
        for one in program.of(_SUBSCRIPTION_FILTER)
        if one.inputs.get("logGroup") == group and one.region == resource.region
    ]
    if others.index(resource) >= _FILTERS_PER_GROUP:
        yield (
            f"logGroup: {group!r} has {len(others)} subscription filters, at most "
            f"{_FILTERS_PER_GROUP} are allowed"
        )


def _replicated_backups(program: _Program, resource: Resource) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html"""
    database = program.find(DATABASE_ARN, resource.inputs.get("sourceDbInstanceArn"))
    if database is None:
        return
    if database.inputs.get("storageEncrypted") and not resource.inputs.get("kmsKeyId"):
        yield (
            f"kmsKeyId: missing; the database {database.name!r} is encrypted, and its backups "
            f"need a key in {resource.region}"
        )
    if database.inputs.get("backupRetentionPeriod") == 0:
        yield f"sourceDbInstanceArn: the database {database.name!r} keeps no backups of its own"


def _replication(program: _Program, resource: Resource) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html"""
    ends = [("bucket", program.find(BUCKET, resource.inputs.get("bucket")))]
    for index, rule in enumerate(resource.inputs.get("rules") or ()):
        arn = (rule.get("destination") or {}).get("bucket")
        ends.append((f"rules[{index}].destination.bucket", program.find(BUCKET_ARN, arn)))
    for path, bucket in ends:
        if bucket is None:
            continue
        versioned = [
            one
            for one in program.of("aws:s3/bucketVersioning:BucketVersioning")
            if one.inputs.get("bucket") == bucket.id
            and (one.inputs.get("versioningConfiguration") or {}).get("status") == "Enabled"
        ]
        if not versioned:
            yield f"{path}: the bucket {bucket.name!r} keeps no versions; replication needs them"
        elif not any(program.waits_for(resource, one) for one in versioned):
            yield (
                f"{path}: the replication does not wait for {versioned[0].name!r}, which has the "
                "bucket keep versions; it needs depends_on"
            )


_RULES = {
    "aws:appautoscaling/target:Target": _scalable_target,
    "aws:backup/selection:Selection": _selection,
    _TRAIL: _trail,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _composite_alarm,
    _SUBSCRIPTION_FILTER: _subscription_filter,
    _REPLICATED_BACKUPS: _replicated_backups,
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _replication,
    _DISTRIBUTION: _distribution,
    _ROUTE: _route,
    _BEANSTALK_VERSION: _application_version,
    _BEANSTALK: _environment,
    _SERVICE: _service,
    _TASK_DEFINITION: _task_definition,
}
