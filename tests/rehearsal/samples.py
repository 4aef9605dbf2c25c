"""One of every type in the catalogue, wired into a small studio, for the provider's tests.

`{name.output}` stands for an output of another sample, so the samples can be made in any order
that respects those references.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rehearsal.graph import Finding, Graph, Resource
from rehearsal.provider import MotoProvider
from tests.rehearsal.samples_api import API_SAMPLES
from tests.rehearsal.samples_bootstrap import BOOTSTRAP_SAMPLES
from tests.rehearsal.samples_edge import EDGE_SAMPLES
from tests.rehearsal.samples_watch import WATCH_SAMPLES

REGION = "us-east-1"


@dataclass(frozen=True)
class Sample:
    type: str
    name: str
    inputs: Mapping[str, Any]


def resource(type: str, name: str, /, **inputs: Any) -> Resource:
    return Resource(
        urn=f"urn:pulumi:dev::backlot::{type}::{name}",
        type=type,
        name=name,
        parent="",
        custom=True,
        remote=False,
        source=f"samples.py:{name}",
        region=inputs.get("region", REGION),
        inputs=inputs,
    )


def new_graph() -> Graph:
    return Graph(project="backlot", stack="dev", config_file="Pulumi.dev.yaml")


def make(
    provider: MotoProvider, graph: Graph, resource: Resource
) -> tuple[Resource, list[Finding]]:
    """Check and create one resource, and record it."""
    findings = provider.check(resource, graph)
    created = provider.create(resource, graph)
    resource.id = created.id
    resource.outputs = created.outputs
    resource.made_in = created.made_in
    graph.resources[resource.urn] = resource
    graph.findings += [*findings, *created.findings]
    return resource, [*findings, *created.findings]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from re.findall(r"\{([\w-]+)\.[\w.]+\}", value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolved(value: Any, made: Mapping[str, Resource]) -> Any:
    if isinstance(value, str):
        if whole := re.fullmatch(r"\{([\w-]+)\.([\w.]+)\}", value):
            return _output(made[whole[1]], whole[2])
        return re.sub(
            r"\{([\w-]+)\.([\w.]+)\}",
            lambda match: str(_output(made[match[1]], match[2])),
            value,
        )
    if isinstance(value, Mapping):
        return {key: resolved(item, made) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, made) for item in value]
    return value


def _output(resource: Resource, path: str) -> Any:
    found: Any = {"id": resource.id, **resource.outputs}
    for step in path.split("."):
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError):
            return f"<no {path} of {resource.name}>"
    return found


def make_all(provider: MotoProvider, graph: Graph, samples: Sequence[Sample]) -> None:
    """Make every sample as soon as what it refers to stands, in the order given."""
    made: dict[str, Resource] = {}
    waiting = list(samples)
    while waiting:
        ready = [s for s in waiting if set(references(dict(s.inputs))) <= set(made)]
        if not ready:
            missing = [
                (s.name, sorted(set(references(dict(s.inputs))) - set(made))) for s in waiting
            ]
            raise AssertionError(f"samples refer to what is never made: {missing}")
        for sample in ready:
            inputs = resolved(dict(sample.inputs), made)
            made[sample.name], _ = make(
                provider, graph, resource(sample.type, sample.name, **inputs)
            )
        waiting = [s for s in waiting if s.name not in made]


def document(*actions: str, resource: str = "*", **extra: Any) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **extra}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(service: str) -> str:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


CONTAINERS = [
    {
        "name": "api",
        "image": "{repository.repositoryUrl}:1",
        "essential": True,
        "memory": 512,
        "portMappings": [{"containerPort": 8000, "protocol": "tcp"}],
        "environment": [{"name": "STAGE", "value": "dev"}],
        "secrets": [{"name": "DATABASE_URL", "valueFrom": "{secret.arn}"}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "{logs.name}", "awslogs-region": REGION},
        },
    }
]

SAMPLES: Sequence[Sample] = (
    Sample("aws:kms/key:Key", "key", {"description": "data", "enableKeyRotation": True}),
    Sample("aws:kms/alias:Alias", "alias", {"targetKeyId": "{key.keyId}"}),
    Sample(
        "aws:kms/keyPolicy:KeyPolicy",
        "key-policy",
        {
            "keyId": "{key.id}",
            "policy": document("kms:*", Principal={"AWS": "arn:aws:iam::123456789012:root"}),
        },
    ),
    Sample(
        "aws:ec2/vpc:Vpc",
        "vpc",
        {
            "cidrBlock": "10.0.0.0/16",
            "enableDnsHostnames": True,
            "enableDnsSupport": True,
            "tags": {"Name": "studio"},
        },
    ),
    *(
        Sample(
            "aws:ec2/subnet:Subnet",
            f"private-{zone}",
            {
                "vpcId": "{vpc.id}",
                "cidrBlock": f"10.0.{at}.0/24",
                "availabilityZone": f"{REGION}{zone}",
                "mapPublicIpOnLaunch": False,
            },
        )
        for at, zone in enumerate("ab")
    ),
    Sample("aws:ec2/internetGateway:InternetGateway", "gateway", {"vpcId": "{vpc.id}"}),
    Sample("aws:ec2/eip:Eip", "address", {"domain": "vpc", "tags": {"Name": "nat"}}),
    Sample(
        "aws:ec2/natGateway:NatGateway",
        "nat",
        {"allocationId": "{address.allocationId}", "subnetId": "{private-a.id}"},
    ),
    Sample(
        "aws:ec2/routeTable:RouteTable",
        "routes",
        {
            "vpcId": "{vpc.id}",
            "routes": [{"cidrBlock": "0.0.0.0/0", "natGatewayId": "{nat.id}"}],
        },
    ),
    Sample("aws:ec2/routeTable:RouteTable", "public-routes", {"vpcId": "{vpc.id}"}),
    Sample(
        "aws:ec2/route:Route",
        "route",
        {
            "routeTableId": "{public-routes.id}",
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": "{gateway.id}",
        },
    ),
    Sample(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "association",
        {"routeTableId": "{routes.id}", "subnetId": "{private-a.id}"},
    ),
    Sample(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "s3-endpoint",
        {
            "vpcId": "{vpc.id}",
            "serviceName": f"com.amazonaws.{REGION}.s3",
            "vpcEndpointType": "Gateway",
            "routeTableIds": ["{routes.id}"],
        },
    ),
    Sample(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "ecr-endpoint",
        {
            "vpcId": "{vpc.id}",
            "serviceName": f"com.amazonaws.{REGION}.ecr.api",
            "vpcEndpointType": "Interface",
            "subnetIds": ["{private-a.id}", "{private-b.id}"],
            "securityGroupIds": ["{group.id}"],
            "privateDnsEnabled": True,
        },
    ),
    Sample(
        "aws:ec2/flowLog:FlowLog",
        "flow-log",
        {
            "vpcId": "{vpc.id}",
            "trafficType": "ALL",
            "logDestination": "{logs.arn}",
            "iamRoleArn": "{role.arn}",
            "maxAggregationInterval": 60,
        },
    ),
    Sample(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "locked",
        {"vpcId": "{vpc.id}", "tags": {"Name": "locked"}},
    ),
    Sample(
        "aws:ec2/networkAcl:NetworkAcl",
        "acl",
        {
            "vpcId": "{vpc.id}",
            "subnetIds": ["{private-b.id}"],
            "ingress": [
                {
                    "action": "allow",
                    "ruleNo": 100,
                    "protocol": "tcp",
                    "cidrBlock": "10.0.0.0/16",
                    "fromPort": 5432,
                    "toPort": 5432,
                }
            ],
        },
    ),
    Sample(
        "aws:ec2/networkAclRule:NetworkAclRule",
        "acl-rule",
        {
            "networkAclId": "{acl.id}",
            "egress": True,
            "ruleNumber": 200,
            "protocol": "tcp",
            "ruleAction": "allow",
            "cidrBlock": "10.0.0.0/16",
            "fromPort": 1024,
            "toPort": 65535,
        },
    ),
    Sample(
        "aws:ec2/securityGroup:SecurityGroup",
        "group",
        {
            "vpcId": "{vpc.id}",
            "description": "tasks",
            "egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}],
        },
    ),
    Sample("aws:ec2/securityGroup:SecurityGroup", "balancer-group", {"vpcId": "{vpc.id}"}),
    Sample(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "from-balancer",
        {
            "securityGroupId": "{group.id}",
            "referencedSecurityGroupId": "{balancer-group.id}",
            "ipProtocol": "tcp",
            "fromPort": 8000,
            "toPort": 8000,
            "description": "from the balancer",
        },
    ),
    Sample(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "to-world",
        {"securityGroupId": "{balancer-group.id}", "cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1"},
    ),
    Sample(
        "aws:iam/role:Role",
        "role",
        {
            "assumeRolePolicy": trust("ecs-tasks"),
            "managedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "inlinePolicies": [{"name": "read", "policy": document("s3:GetObject")}],
        },
    ),
    Sample(
        "aws:iam/rolePolicy:RolePolicy",
        "role-policy",
        {"role": "{role.name}", "policy": document("sqs:SendMessage")},
    ),
    Sample("aws:iam/policy:Policy", "policy", {"policy": document("sns:Publish")}),
    Sample(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "attachment",
        {"role": "{role.name}", "policyArn": "{policy.arn}"},
    ),
    Sample("aws:iam/instanceProfile:InstanceProfile", "profile", {"role": "{role.name}"}),
    Sample(
        "aws:iam/serviceLinkedRole:ServiceLinkedRole",
        "linked",
        {"awsServiceName": "autoscaling.amazonaws.com", "customSuffix": "gpu"},
    ),
    Sample(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "template",
        {
            "instanceType": "g5.xlarge",
            "imageId": "ami-0123456789abcdef0",
            "iamInstanceProfile": {"arn": "{profile.arn}"},
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
            "blockDeviceMappings": [
                {
                    "deviceName": "/dev/xvda",
                    "ebs": {"volumeSize": 200, "volumeType": "gp3", "encrypted": "true"},
                }
            ],
            "vpcSecurityGroupIds": ["{group.id}"],
            "tagSpecifications": [{"resourceType": "instance", "tags": {"fleet": "gpu"}}],
            "userData": "IyEvYmluL2Jhc2g=",
            "monitoring": {"enabled": True},
            "updateDefaultVersion": True,
        },
    ),
    Sample(
        "aws:autoscaling/group:Group",
        "fleet",
        {
            "minSize": 0,
            "maxSize": 4,
            "vpcZoneIdentifiers": ["{private-a.id}", "{private-b.id}"],
            "capacityRebalance": True,
            "protectFromScaleIn": True,
            "mixedInstancesPolicy": {
                "instancesDistribution": {
                    "onDemandPercentageAboveBaseCapacity": 30,
                    "spotAllocationStrategy": "price-capacity-optimized",
                },
                "launchTemplate": {
                    "launchTemplateSpecification": {
                        "launchTemplateId": "{template.id}",
                        "version": "{template.latestVersion}",
                    },
                    "overrides": [{"instanceType": "g5.xlarge"}, {"instanceType": "g6.xlarge"}],
                },
            },
            "tags": [{"key": "fleet", "value": "gpu", "propagateAtLaunch": True}],
            "enabledMetrics": ["GroupDesiredCapacity"],
            "waitForCapacityTimeout": "0",
            "instanceMaintenancePolicy": {
                "minHealthyPercentage": 100,
                "maxHealthyPercentage": 110,
            },
        },
    ),
    Sample(
        "aws:autoscaling/policy:Policy",
        "fleet-policy",
        {
            "autoscalingGroupName": "{fleet.name}",
            "policyType": "TargetTrackingScaling",
            "targetTrackingConfiguration": {
                "targetValue": 60,
                "predefinedMetricSpecification": {
                    "predefinedMetricType": "ASGAverageCPUUtilization"
                },
            },
        },
    ),
    Sample(
        "aws:autoscaling/schedule:Schedule",
        "fleet-schedule",
        {
            "autoscalingGroupName": "{fleet.name}",
            "scheduledActionName": "night",
            "recurrence": "0 22 * * *",
            "minSize": 0,
            "maxSize": 4,
            "desiredCapacity": 0,
        },
    ),
    Sample(
        "aws:autoscaling/lifecycleHook:LifecycleHook",
        "fleet-hook",
        {
            "autoscalingGroupName": "{fleet.name}",
            "lifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
            "heartbeatTimeout": 120,
            "defaultResult": "CONTINUE",
        },
    ),
    Sample(
        "aws:rds/subnetGroup:SubnetGroup",
        "database-subnets",
        {"subnetIds": ["{private-a.id}", "{private-b.id}"]},
    ),
    Sample(
        "aws:rds/parameterGroup:ParameterGroup",
        "database-parameters",
        {
            "family": "postgres16",
            "parameters": [
                {"name": "log_min_duration_statement", "value": "1000"},
                {"name": "rds.force_ssl", "value": "1", "applyMethod": "pending-reboot"},
            ],
        },
    ),
    Sample(
        "aws:rds/instance:Instance",
        "database",
        {
            "engine": "postgres",
            "engineVersion": "16",
            "instanceClass": "db.t4g.micro",
            "allocatedStorage": 20,
            "maxAllocatedStorage": 100,
            "storageType": "gp3",
            "storageEncrypted": True,
            "kmsKeyId": "{key.arn}",
            "dbName": "studio",
            "username": "studio",
            "manageMasterUserPassword": True,
            "dbSubnetGroupName": "{database-subnets.name}",
            "parameterGroupName": "{database-parameters.name}",
            "vpcSecurityGroupIds": ["{group.id}"],
            "backupRetentionPeriod": 7,
            "backupWindow": "03:00-04:00",
            "maintenanceWindow": "sun:04:00-sun:05:00",
            "monitoringInterval": 60,
            "monitoringRoleArn": "{role.arn}",
            "performanceInsightsEnabled": True,
            "performanceInsightsRetentionPeriod": 7,
            "enabledCloudwatchLogsExports": ["postgresql"],
            "iamDatabaseAuthenticationEnabled": True,
            "copyTagsToSnapshot": True,
            "deletionProtection": True,
            "skipFinalSnapshot": True,
            "caCertIdentifier": "rds-ca-rsa2048-g1",
            "multiAz": False,
            "tags": {"Name": "database"},
        },
    ),
    Sample(
        "aws:rds/instance:Instance",
        "database-replica-1",
        {
            "replicateSourceDb": "{database.identifier}",
            "instanceClass": "db.t4g.micro",
            "skipFinalSnapshot": True,
            "backupRetentionPeriod": 0,
            "maintenanceWindow": "sun:04:00-sun:05:00",
        },
    ),
    Sample(
        "aws:rds/eventSubscription:EventSubscription",
        "database-events",
        {
            "snsTopic": "{topic.arn}",
            "sourceType": "db-instance",
            "sourceIds": ["{database.identifier}"],
            "eventCategories": ["failover", "failure"],
        },
    ),
    Sample(
        "aws:elasticache/subnetGroup:SubnetGroup",
        "cache-subnets",
        {"subnetIds": ["{private-a.id}", "{private-b.id}"]},
    ),
    Sample(
        "aws:elasticache/parameterGroup:ParameterGroup",
        "cache-parameters",
        {
            "family": "valkey8",
            "parameters": [{"name": "maxmemory-policy", "value": "noeviction"}],
        },
    ),
    Sample("random:index/randomPassword:RandomPassword", "token", {"length": 64, "special": False}),
    Sample(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "cache",
        {
            "description": "cache",
            "engine": "valkey",
            "engineVersion": "8.0",
            "nodeType": "cache.t4g.medium",
            "numCacheClusters": 2,
            "automaticFailoverEnabled": True,
            "multiAzEnabled": True,
            "transitEncryptionEnabled": True,
            "atRestEncryptionEnabled": True,
            "authToken": "{token.result}",
            "authTokenUpdateStrategy": "ROTATE",
            "kmsKeyId": "{key.arn}",
            "subnetGroupName": "{cache-subnets.name}",
            "parameterGroupName": "{cache-parameters.name}",
            "securityGroupIds": ["{group.id}"],
            "snapshotRetentionLimit": 7,
            "logDeliveryConfigurations": [
                {
                    "destination": "{logs.name}",
                    "destinationType": "cloudwatch-logs",
                    "logFormat": "json",
                    "logType": "slow-log",
                }
            ],
        },
    ),
    Sample("aws:s3/bucket:Bucket", "media", {"forceDestroy": True, "tags": {"Name": "media"}}),
    Sample("aws:s3/bucket:Bucket", "log-bucket", {}),
    Sample(
        "aws:s3/bucketVersioning:BucketVersioning",
        "media-versioning",
        {"bucket": "{media.id}", "versioningConfiguration": {"status": "Enabled"}},
    ),
    Sample(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "media-encryption",
        {
            "bucket": "{media.id}",
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": "{key.arn}",
                    },
                    "bucketKeyEnabled": True,
                }
            ],
        },
    ),
    Sample(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "media-public",
        {
            "bucket": "{media.id}",
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
    ),
    Sample(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "media-owner",
        {"bucket": "{media.id}", "rule": {"objectOwnership": "BucketOwnerEnforced"}},
    ),
    Sample(
        "aws:s3/bucketPolicy:BucketPolicy",
        "media-policy",
        {
            "bucket": "{media.id}",
            "policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Deny",
                            "Action": "s3:*",
                            "Principal": "*",
                            "Resource": "arn:aws:s3:::*",
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                }
            ),
        },
    ),
    Sample(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "media-lifecycle",
        {
            "bucket": "{media.id}",
            "rules": [
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {"prefix": "renders/"},
                    "transitions": [{"days": 30, "storageClass": "STANDARD_IA"}],
                    "expiration": {"days": 90},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                },
                {
                    "id": "abort",
                    "status": "Enabled",
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
            ],
        },
    ),
    Sample(
        "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration",
        "media-tiering",
        {"bucket": "{media.id}", "tierings": [{"accessTier": "ARCHIVE_ACCESS", "days": 125}]},
    ),
    Sample(
        "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
        "media-cors",
        {
            "bucket": "{media.id}",
            "corsRules": [
                {
                    "allowedMethods": ["GET", "PUT"],
                    "allowedOrigins": ["https://studio.example"],
                    "maxAgeSeconds": 3000,
                }
            ],
        },
    ),
    Sample(
        "aws:s3/bucketLogging:BucketLogging",
        "media-logging",
        {
            "bucket": "{media.id}",
            "targetBucket": "{log-bucket.id}",
            "targetPrefix": "media/",
        },
    ),
    Sample("aws:sqs/queue:Queue", "dead", {"messageRetentionSeconds": 1209600}),
    Sample(
        "aws:sqs/queue:Queue",
        "jobs",
        {
            "visibilityTimeoutSeconds": 900,
            "receiveWaitTimeSeconds": 20,
            "sqsManagedSseEnabled": True,
            "redrivePolicy": '{"deadLetterTargetArn": "{dead.arn}", "maxReceiveCount": 3}',
            "tags": {"queue": "jobs"},
        },
    ),
    Sample(
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "dead-allow",
        {
            "queueUrl": "{dead.url}",
            "redriveAllowPolicy": json.dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": ["{jobs.arn}"]}
            ),
        },
    ),
    Sample("aws:sqs/queue:Queue", "plain", {}),
    Sample(
        "aws:sqs/redrivePolicy:RedrivePolicy",
        "plain-redrive",
        {
            "queueUrl": "{plain.url}",
            "redrivePolicy": '{"deadLetterTargetArn": "{dead.arn}", "maxReceiveCount": 5}',
        },
    ),
    Sample(
        "aws:sqs/queuePolicy:QueuePolicy",
        "jobs-policy",
        {
            "queueUrl": "{jobs.url}",
            "policy": document("sqs:SendMessage", Principal={"Service": "events.amazonaws.com"}),
        },
    ),
    Sample(
        "aws:sns/topic:Topic",
        "topic",
        {"displayName": "critical", "kmsMasterKeyId": "{key.id}", "tags": {"severity": "critical"}},
    ),
    Sample(
        "aws:sns/topicPolicy:TopicPolicy",
        "topic-policy",
        {
            "arn": "{topic.arn}",
            "policy": document("sns:Publish", Principal={"Service": "cloudwatch.amazonaws.com"}),
        },
    ),
    Sample(
        "aws:sns/topicSubscription:TopicSubscription",
        "mail",
        {"topic": "{topic.arn}", "protocol": "email", "endpoint": "ops@studio.example"},
    ),
    Sample(
        "aws:sns/topicSubscription:TopicSubscription",
        "to-queue",
        {
            "topic": "{topic.arn}",
            "protocol": "sqs",
            "endpoint": "{jobs.arn}",
            "rawMessageDelivery": True,
        },
    ),
    Sample(
        "aws:secretsmanager/secret:Secret",
        "secret",
        {"kmsKeyId": "{key.id}", "recoveryWindowInDays": 7, "tags": {"Name": "secret"}},
    ),
    Sample(
        "aws:secretsmanager/secretVersion:SecretVersion",
        "secret-version",
        {"secretId": "{secret.id}", "secretString": "postgres://studio"},
    ),
    Sample(
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        "secret-policy",
        {
            "secretArn": "{secret.arn}",
            "policy": document(
                "secretsmanager:GetSecretValue",
                Principal={"AWS": "arn:aws:iam::123456789012:root"},
            ),
        },
    ),
    Sample(
        "aws:secretsmanager/secretRotation:SecretRotation",
        "secret-rotation",
        {
            "secretId": "{secret-version.secretId}",
            "rotationLambdaArn": "{function.arn}",
            "rotationRules": {"automaticallyAfterDays": 30},
        },
    ),
    Sample(
        "aws:ssm/parameter:Parameter",
        "parameter",
        {"name": "/studio/dev/flag", "type": "String", "value": "on", "tags": {"a": "b"}},
    ),
    Sample(
        "aws:ecr/repository:Repository",
        "repository",
        {
            "name": "studio/api",
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "{key.arn}"}],
            "forceDelete": True,
        },
    ),
    Sample(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "repository-lifecycle",
        {
            "repository": "{repository.name}",
            "policy": json.dumps(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "selection": {
                                "tagStatus": "untagged",
                                "countType": "sinceImagePushed",
                                "countUnit": "days",
                                "countNumber": 7,
                            },
                            "action": {"type": "expire"},
                        }
                    ]
                }
            ),
        },
    ),
    Sample(
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        "repository-policy",
        {
            "repository": "{repository.name}",
            "policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["ecr:BatchGetImage"],
                            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                        }
                    ],
                }
            ),
        },
    ),
    Sample(
        "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
        "scanning",
        {
            "scanType": "BASIC",
            "rules": [
                {
                    "scanFrequency": "SCAN_ON_PUSH",
                    "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}],
                }
            ],
        },
    ),
    Sample(
        "aws:ecs/cluster:Cluster",
        "cluster",
        {"settings": [{"name": "containerInsights", "value": "enabled"}], "tags": {"a": "b"}},
    ),
    Sample(
        "aws:ecs/capacityProvider:CapacityProvider",
        "gpu",
        {
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": "{fleet.arn}",
                "managedDraining": "ENABLED",
                "managedTerminationProtection": "ENABLED",
                "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
            }
        },
    ),
    Sample(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "providers",
        {
            "clusterName": "{cluster.name}",
            "capacityProviders": ["FARGATE", "{gpu.name}"],
            "defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}],
        },
    ),
    Sample(
        "aws:ecs/taskDefinition:TaskDefinition",
        "task",
        {
            "family": "api",
            "cpu": "512",
            "memory": "1024",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "executionRoleArn": "{role.arn}",
            "taskRoleArn": "{role.arn}",
            "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            "containerDefinitions": json.dumps(CONTAINERS),
        },
    ),
    Sample(
        "aws:ecs/service:Service",
        "service",
        {
            "cluster": "{cluster.arn}",
            "taskDefinition": "{task.arn}",
            "desiredCount": 1,
            "launchType": "FARGATE",
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "deploymentMaximumPercent": 200,
            "deploymentMinimumHealthyPercent": 100,
            "deploymentConfiguration": {"strategy": "ROLLING"},
            "healthCheckGracePeriodSeconds": 60,
            "networkConfiguration": {
                "subnets": ["{private-a.id}"],
                "securityGroups": ["{group.id}"],
                "assignPublicIp": False,
            },
            "loadBalancers": [
                {
                    "targetGroupArn": "{targets.arn}",
                    "containerName": "api",
                    "containerPort": 8000,
                }
            ],
            "waitForSteadyState": False,
            "enableExecuteCommand": True,
            "propagateTags": "SERVICE",
        },
    ),
    Sample(
        "aws:lb/loadBalancer:LoadBalancer",
        "balancer",
        {
            "internal": False,
            "loadBalancerType": "application",
            "securityGroups": ["{balancer-group.id}"],
            "subnets": ["{private-a.id}", "{private-b.id}"],
            "idleTimeout": 120,
            "dropInvalidHeaderFields": True,
            "enableDeletionProtection": True,
            "accessLogs": {"bucket": "{log-bucket.bucket}", "enabled": True, "prefix": "alb"},
        },
    ),
    Sample(
        "aws:lb/targetGroup:TargetGroup",
        "targets",
        {
            "port": 8000,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": "{vpc.id}",
            "deregistrationDelay": 30,
            "healthCheck": {
                "path": "/health",
                "matcher": "200",
                "interval": 30,
                "timeout": 5,
                "healthyThreshold": 2,
                "unhealthyThreshold": 3,
            },
            "stickiness": {"type": "lb_cookie", "enabled": True, "cookieDuration": 3600},
        },
    ),
    Sample(
        "aws:lb/listener:Listener",
        "listener",
        {
            "loadBalancerArn": "{balancer.arn}",
            "port": 443,
            "protocol": "HTTPS",
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "certificateArn": "{certificate.arn}",
            "defaultActions": [
                {
                    "type": "fixed-response",
                    "fixedResponse": {"contentType": "text/plain", "statusCode": "404"},
                }
            ],
            "routingHttpResponseServerEnabled": False,
        },
    ),
    Sample(
        "aws:lb/listenerRule:ListenerRule",
        "rule",
        {
            "listenerArn": "{listener.arn}",
            "priority": 10,
            "actions": [
                {
                    "type": "forward",
                    "forward": {
                        "targetGroups": [{"arn": "{targets.arn}", "weight": 100}],
                        "stickiness": {"enabled": False, "duration": 60},
                    },
                }
            ],
            "conditions": [{"pathPattern": {"values": ["/api/*"]}}],
        },
    ),
    Sample(
        "aws:lb/listenerCertificate:ListenerCertificate",
        "more-certificate",
        {"listenerArn": "{listener.arn}", "certificateArn": "{certificate.arn}"},
    ),
    Sample(
        "aws:acm/certificate:Certificate",
        "certificate",
        {
            "domainName": "studio.example",
            "subjectAlternativeNames": ["*.studio.example"],
            "validationMethod": "DNS",
        },
    ),
    Sample("aws:route53/zone:Zone", "zone", {"name": "studio.example", "tags": {"a": "b"}}),
    Sample(
        "aws:route53/zone:Zone",
        "private-zone",
        {"name": "studio.internal", "vpcs": [{"vpcId": "{vpc.id}"}]},
    ),
    Sample(
        "aws:route53/record:Record",
        "proof",
        {
            "zoneId": "{zone.zoneId}",
            "name": "{certificate.domainValidationOptions.0.resourceRecordName}",
            "type": "{certificate.domainValidationOptions.0.resourceRecordType}",
            "records": ["{certificate.domainValidationOptions.0.resourceRecordValue}"],
            "ttl": 60,
            "allowOverwrite": True,
        },
    ),
    Sample(
        "aws:route53/record:Record",
        "api-record",
        {
            "zoneId": "{zone.zoneId}",
            "name": "api.studio.example",
            "type": "A",
            "aliases": [
                {
                    "name": "{balancer.dnsName}",
                    "zoneId": "{balancer.zoneId}",
                    "evaluateTargetHealth": True,
                }
            ],
        },
    ),
    Sample(
        "aws:acm/certificateValidation:CertificateValidation",
        "validated",
        {"certificateArn": "{certificate.arn}", "validationRecordFqdns": ["{proof.fqdn}"]},
    ),
    Sample(
        "aws:appautoscaling/target:Target",
        "scale",
        {
            "serviceNamespace": "ecs",
            "resourceId": "service/{cluster.name}/{service.name}",
            "scalableDimension": "ecs:service:DesiredCount",
            "minCapacity": 1,
            "maxCapacity": 4,
        },
    ),
    Sample(
        "aws:appautoscaling/policy:Policy",
        "scale-on-cpu",
        {
            "policyType": "TargetTrackingScaling",
            "serviceNamespace": "{scale.serviceNamespace}",
            "resourceId": "{scale.resourceId}",
            "scalableDimension": "{scale.scalableDimension}",
            "targetTrackingScalingPolicyConfiguration": {
                "targetValue": 70,
                "scaleInCooldown": 300,
                "scaleOutCooldown": 300,
                "predefinedMetricSpecification": {
                    "predefinedMetricType": "ECSServiceAverageCPUUtilization"
                },
            },
        },
    ),
    Sample(
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        "scale-at-night",
        {
            "serviceNamespace": "{scale.serviceNamespace}",
            "resourceId": "{scale.resourceId}",
            "scalableDimension": "{scale.scalableDimension}",
            "schedule": "cron(0 22 * * ? *)",
            "scalableTargetAction": {"minCapacity": "0", "maxCapacity": "1"},
        },
    ),
    Sample(
        "aws:cloudwatch/logGroup:LogGroup",
        "logs",
        {"name": "/studio/dev/api", "retentionInDays": 7, "kmsKeyId": "{key.arn}"},
    ),
    Sample(
        "aws:cloudwatch/logStream:LogStream",
        "archive",
        {"name": "S3Delivery", "logGroupName": "{logs.name}"},
    ),
    Sample(
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        "errors",
        {
            "logGroupName": "{logs.name}",
            "pattern": "ERROR",
            "metricTransformation": {"name": "Errors", "namespace": "Studio", "value": "1"},
        },
    ),
    Sample(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "alarm",
        {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 2,
            "metricName": "ApproximateAgeOfOldestMessage",
            "namespace": "AWS/SQS",
            "period": 300,
            "statistic": "Maximum",
            "threshold": 600,
            "dimensions": {"QueueName": "{jobs.name}"},
            "alarmActions": ["{topic.arn}"],
            "okActions": ["{topic.arn}"],
            "treatMissingData": "notBreaching",
        },
    ),
    Sample(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "math-alarm",
        {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 3,
            "datapointsToAlarm": 2,
            "threshold": 5,
            "metricQueries": [
                {"id": "rate", "expression": "errors / requests * 100", "returnData": True},
                *(
                    {
                        "id": query,
                        "metric": {
                            "metricName": metric,
                            "namespace": "AWS/ApplicationELB",
                            "period": 60,
                            "stat": "Sum",
                            "dimensions": {"LoadBalancer": "{balancer.arnSuffix}"},
                        },
                    }
                    for query, metric in (
                        ("errors", "HTTPCode_Target_5XX_Count"),
                        ("requests", "RequestCount"),
                    )
                ),
            ],
        },
    ),
    Sample(
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "composite",
        {
            "alarmName": "api-down",
            "alarmRule": "ALARM({alarm.name}) OR ALARM({math-alarm.name})",
            "alarmActions": ["{topic.arn}"],
        },
    ),
    Sample(
        "aws:cloudwatch/eventRule:EventRule",
        "spot",
        {"eventPattern": '{"source": ["aws.ec2"]}', "description": "spot interruptions"},
    ),
    Sample(
        "aws:cloudwatch/eventTarget:EventTarget",
        "spot-to-queue",
        {"rule": "{spot.name}", "arn": "{jobs.arn}"},
    ),
    Sample(
        "aws:cloudwatch/dashboard:Dashboard",
        "dashboard",
        {
            "dashboardName": "studio",
            "dashboardBody": json.dumps(
                {
                    "widgets": [
                        {
                            "type": "text",
                            "width": 6,
                            "height": 2,
                            "properties": {"markdown": "queues"},
                        }
                    ]
                }
            ),
        },
    ),
    Sample(
        "aws:lambda/function:Function",
        "function",
        {
            "role": "{function-role.arn}",
            "runtime": "python3.13",
            "handler": "index.handler",
            "code": {"archive": "functions/rotate", "hash": "abc"},
            "timeout": 30,
            "memorySize": 256,
            "environment": {"variables": {"STAGE": "dev"}},
            "reservedConcurrentExecutions": 2,
        },
    ),
    Sample("aws:iam/role:Role", "function-role", {"assumeRolePolicy": trust("lambda")}),
    Sample(
        "aws:lambda/permission:Permission",
        "permission",
        {
            "function": "{function.name}",
            "action": "lambda:InvokeFunction",
            "principal": "secretsmanager.amazonaws.com",
        },
    ),
    Sample(
        "aws:budgets/budget:Budget",
        "budget",
        {
            "budgetType": "COST",
            "limitAmount": "335",
            "limitUnit": "USD",
            "timeUnit": "MONTHLY",
            "notifications": [
                {
                    "comparisonOperator": "GREATER_THAN",
                    "threshold": 80,
                    "thresholdType": "PERCENTAGE",
                    "notificationType": "ACTUAL",
                    "subscriberEmailAddresses": ["ops@studio.example"],
                }
            ],
            "costFilters": [{"name": "TagKeyValue", "values": ["user:Project$studio"]}],
        },
    ),
    *(Sample(*one) for one in API_SAMPLES),
    *(Sample(*one) for one in BOOTSTRAP_SAMPLES),
    *(Sample(*one) for one in EDGE_SAMPLES),
    *(Sample(*one) for one in WATCH_SAMPLES),
)
