"""What a deployment may change: service by service, what the platform's resources are made with.

What carries the environment's name is granted by it. What Pulumi names after the resource's logical
name is granted in the whole account, and the boundary keeps it off what carries another
environment's tag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .place import Place
from .policies import Statement

ENVIRONMENT_TAG = "Environment"
"""The platform puts it on everything, with the stack's name."""

BEANSTALK_BUCKETS = "arn:aws:s3:::elasticbeanstalk-*"
"""Beanstalk keeps its own files in a bucket that it makes once per region."""

PASSED_TO = (
    "application-autoscaling.amazonaws.com",
    "backup.amazonaws.com",
    "chatbot.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "delivery.logs.amazonaws.com",
    "ec2.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "ecs.amazonaws.com",
    "elasticbeanstalk.amazonaws.com",
    "events.amazonaws.com",
    "firehose.amazonaws.com",
    "lambda.amazonaws.com",
    "logs.amazonaws.com",
    "malware-protection-plan.guardduty.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "rds.amazonaws.com",
    "s3.amazonaws.com",
    "scheduler.amazonaws.com",
    "synthetics.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)
"""The services that the platform gives a role to."""

UNNAMED = (
    "Its calls that create name no resource, or one of AWS's own; the boundary keeps it off what "
    "carries another environment's tag"
)


def network(place: Place) -> tuple[Statement, ...]:
    """The VPC, the load balancer, and the instances' templates."""
    return (
        Statement(
            sid="Network",
            actions=_actions(
                "ec2",
                "AllocateAddress", "Associate*", "AttachInternetGateway",
                "AuthorizeSecurityGroup*", "CreateFlowLogs", "CreateInternetGateway",
                "CreateLaunchTemplate*", "CreateNatGateway", "CreateNetworkAcl*", "CreateRoute*",
                "CreateSecurityGroup", "CreateSubnet", "CreateTags", "CreateVpc",
                "CreateVpcBlockPublicAccessExclusion", "CreateVpcEndpoint",
                "DeleteFlowLogs", "DeleteInternetGateway", "DeleteLaunchTemplate*",
                "DeleteNatGateway", "DeleteNetworkAcl*", "DeleteNetworkInterface", "DeleteRoute*",
                "DeleteSecurityGroup", "DeleteSubnet", "DeleteTags", "DeleteVpc",
                "DeleteVpcBlockPublicAccessExclusion", "DeleteVpcEndpoints",
                "DetachInternetGateway", "DetachNetworkInterface", "Disassociate*",
                "EnableVgwRoutePropagation", "DisableVgwRoutePropagation",
                "ModifyInstanceMetadataDefaults", "ModifyLaunchTemplate",
                "ModifySecurityGroupRules", "ModifySubnetAttribute", "ModifyVpcAttribute",
                "ModifyVpcBlockPublicAccess*", "ModifyVpcEndpoint", "ReleaseAddress",
                "ReplaceNetworkAcl*", "ReplaceRoute*", "RevokeSecurityGroup*", "RunInstances",
                "UpdateSecurityGroupRuleDescriptions*",
            ),
            resources=["*"],
            why=UNNAMED,
        ),
        Statement(
            sid="LoadBalancers",
            actions=_actions(
                "elasticloadbalancing",
                "Add*", "Create*", "Delete*", "Deregister*", "Modify*", "Register*", "Remove*",
                "Set*",
            ),
            resources=[place.arn("elasticloadbalancing", "*")],
        ),
    )  # fmt: skip


def compute(place: Place, environment: str) -> tuple[Statement, ...]:
    """Clusters, services, groups of instances, functions, and what scales them."""
    instances = (
        "Attach*", "Cancel*", "Create*", "Delete*", "Detach*", "Disable*",
        "EnableMetricsCollection", "Put*", "Resume*", "RollbackInstanceRefresh",
        "SetDesiredCapacity", "SetInstanceProtection", "StartInstanceRefresh",
        "SuspendProcesses", "TerminateInstanceInAutoScalingGroup", "Update*",
    )  # fmt: skip
    return (
        Statement(
            sid="Containers",
            actions=_actions(
                "ecs",
                *_WRITES, "RegisterTaskDefinition", "DeregisterTaskDefinition", "RunTask",
                "StopTask", "StopServiceDeployment",
            ),
            resources=["*"],
            why="RegisterTaskDefinition and CreateCluster take no resource",
        ),
        Statement(
            sid="Groups",
            actions=_actions("autoscaling", *instances),
            resources=[place.arn("autoscaling", "*")],
        ),
        Statement(
            sid="Scaling",
            actions=_actions(
                "application-autoscaling", "Delete*", "Deregister*", "Put*", "Register*", "Tag*",
                "Untag*",
            ),
            resources=[place.arn("application-autoscaling", "*")],
        ),
        Statement(
            sid="Functions",
            actions=_actions("lambda", *_WRITES, "AddPermission", "Publish*", "RemovePermission"),
            resources=[place.arn("lambda", "*")],
        ),
        # The gates of a release, and a rotation, which Secrets Manager begins as who asks for it.
        # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
        Statement(
            sid="CallFunctions",
            actions=["lambda:InvokeFunction"],
            resources=[place.arn("lambda", "function:*")],
            conditions=_tagged(environment),
        ),
        Statement(
            sid="Beanstalk",
            actions=_actions(
                "elasticbeanstalk", "AbortEnvironmentUpdate", "AddTags", "Associate*", "Create*",
                "Delete*", "Disassociate*", "RebuildEnvironment", "RemoveTags", "RestartAppServer",
                "TerminateEnvironment", "Update*",
            ),
            resources=["arn:aws:elasticbeanstalk:*::*", place.arn("elasticbeanstalk", "*")],
        ),
        # It makes its environments with the rights of who asks: a stack, and alarms that scale it.
        # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess-AWSElasticBeanstalk.html
        Statement(
            sid="BeanstalkStacks",
            actions=_actions(
                "cloudformation", *_TAGS, "*Stack", "ContinueUpdateRollback", "GetTemplate",
                "SignalResource",
            ),
            resources=[place.arn("cloudformation", "stack/awseb-*")],
        ),
        Statement(
            sid="BeanstalkAlarms",
            actions=_actions("cloudwatch", "DeleteAlarms", "PutMetricAlarm"),
            resources=[place.arn("cloudwatch", "alarm:awseb-*")],
        ),
        Statement(
            sid="Quotas",
            actions=["servicequotas:RequestServiceQuotaIncrease"],
            resources=[place.arn("servicequotas", "*")],
        ),
        Statement(
            sid="Canaries",
            actions=_actions("synthetics", *_CHANGES, *_TAGS, "Start*", "Stop*"),
            resources=[place.arn("synthetics", "*")],
        ),
    )  # fmt: skip


def data(place: Place, environment: str, *, disposable: bool) -> tuple[Statement, ...]:
    """Stores, queues, secrets and images."""
    prefix = place.prefix(environment)
    emptying = (
        Statement(
            sid="EmptyBuckets",
            actions=["s3:AbortMultipartUpload", "s3:DeleteObject*", "s3:ListBucketVersions"],
            resources=[f"arn:aws:s3:::{prefix}-*"],
        ),
        Statement(
            sid="EmptyRepositories",
            actions=["ecr:BatchDeleteImage"],
            resources=[place.arn("ecr", f"repository/{prefix}/*")],
        ),
    )
    return (
        Statement(
            sid="Databases",
            actions=_actions(
                "rds", "Add*", "CopyDBParameterGroup", "Create*", "Delete*", "Modify*", "Promote*",
                "Reboot*", "Remove*", "Reset*", "Restore*", "Start*", "Stop*",
            ),
            resources=[place.arn("rds", "*")],
        ),
        Statement(
            sid="Caches",
            actions=_actions(
                "elasticache", "Add*", "Create*", "Decrease*", "Delete*", "Increase*", "Modify*",
                "Reboot*", "Remove*", "Reset*", "TestFailover",
            ),
            resources=[place.arn("elasticache", "*")],
        ),
        Statement(
            sid="Buckets",
            actions=_actions(
                "s3", *_TAGS, "CreateBucket", "DeleteBucket*", "Put*Configuration", "PutBucket*",
            ),
            resources=[f"arn:aws:s3:::{prefix}-*"],
        ),
        Statement(
            sid="Bundles",
            actions=_actions("s3", "DeleteObject*", "GetObject*", "PutObject*"),
            resources=[f"arn:aws:s3:::{prefix}-bundles-*/*"],
        ),
        Statement(
            sid="BeanstalkBuckets",
            actions=_actions(
                "s3", "CreateBucket", "DeleteObject", "GetObject*", "PutBucket*", "PutObject*",
            ),
            resources=[BEANSTALK_BUCKETS, f"{BEANSTALK_BUCKETS}/*"],
        ),
        Statement(
            sid="Queues",
            actions=_actions(
                "sqs", *_TAGS, "*Permission", "CreateQueue", "DeleteQueue", "SetQueueAttributes",
            ),
            resources=[place.arn("sqs", f"{prefix}-*")],
        ),
        Statement(
            sid="Secrets",
            actions=_actions(
                "secretsmanager", *_WRITES, "Cancel*", "GetSecretValue", "Re*Secret*", "Rotate*",
            ),
            # The second are those that RDS keeps for a database, in the name of who makes it.
            resources=[
                place.arn("secretsmanager", f"secret:{prefix}/*"),
                place.arn("secretsmanager", "secret:rds!*"),
            ],
        ),
        Statement(
            sid="Parameters",
            actions=_actions(
                "ssm", "*TagsToResource", "DeleteParameter*", "GetParameter*", "PutParameter",
                "RemoveTagsFromResource",
            ),
            resources=[place.arn("ssm", f"parameter/{prefix}/*")],
        ),
        Statement(
            sid="Repositories",
            actions=_actions("ecr", *_WRITES, "Set*"),
            resources=[place.arn("ecr", f"repository/{prefix}/*")],
        ),
        Statement(
            sid="Scanning",
            actions=["ecr:PutRegistryScanningConfiguration"],
            resources=["*"],
            why="it is a setting of the whole registry",
        ),
        *(emptying if disposable else ()),
    )  # fmt: skip


def edge(place: Place) -> tuple[Statement, ...]:
    """Names, certificates, CloudFront, the firewall, gateways and who signs in."""
    return (
        Statement(
            sid="Names",
            actions=_actions(
                "route53", *_CHANGES, "Associate*", "Change*", "Disassociate*",
            ),
            resources=["arn:aws:route53:::*", place.arn("ec2", "vpc/*")],
        ),
        Statement(
            sid="Certificates",
            actions=_actions(
                "acm", "*Certificate", "AddTagsToCertificate", "RemoveTags*", "Update*",
            ),
            resources=[place.arn("acm", "*")],
        ),
        Statement(
            sid="RequestCertificates",
            actions=["acm:RequestCertificate"],
            resources=["*"],
            why="a certificate has no name before it is there",
        ),
        Statement(
            sid="Distributions",
            actions=_actions("cloudfront", *_WRITES, "Publish*", "TestFunction"),
            resources=["*"],
            why="policies, access controls and keys of CloudFront are created without a resource",
        ),
        Statement(
            sid="Firewall",
            actions=_actions("wafv2", *_WRITES, "Associate*", "Disassociate*"),
            resources=[
                place.arn("apigateway", "*"),
                place.arn("cognito-idp", "userpool/*"),
                place.arn("elasticloadbalancing", "loadbalancer/*"),
                place.arn("wafv2", "*"),
            ],
        ),
        Statement(
            sid="Gateways",
            actions=_actions("apigateway", "DELETE", "PATCH", "POST", "PUT"),
            resources=["arn:aws:apigateway:*::/*"],
        ),
        Statement(
            sid="SignIn",
            actions=_actions(
                "cognito-idp",
                *_CHANGES, *_TAGS, "AddCustomAttributes", "Set*",
            ),
            resources=[place.arn("cognito-idp", "userpool/*")],
        ),
    )  # fmt: skip


def watch(place: Place, environment: str) -> tuple[Statement, ...]:
    """Alarms, logs, topics, rules, budgets, audit and backups."""
    prefix = place.prefix(environment)
    return (
        Statement(
            sid="Alarms",
            actions=_actions(
                "cloudwatch", "Delete*", "DisableAlarmActions", "EnableAlarmActions", "Put*",
                "SetAlarmState", "Tag*", "Untag*",
            ),
            resources=[
                place.arn("cloudwatch", f"*:{prefix}*"),
                place.global_arn("cloudwatch", f"dashboard/{prefix}*"),
            ],
        ),
        Statement(
            sid="LogGroups",
            actions=_actions(
                "logs", *_WRITES, "AssociateKmsKey", "DisassociateKmsKey", "TestMetricFilter",
            ),
            resources=[place.arn("logs", f"*:*{prefix}*")],
        ),
        Statement(
            sid="LogSettings",
            actions=_actions(
                "logs", "*Delivery*", "*QueryDefinition", "*ResourcePolicy",
            ),
            resources=["*"],
            why="saved questions and deliveries of logs have no name that could be granted",
        ),
        Statement(
            sid="Topics",
            actions=_actions(
                "sns", "*Permission", "*ubscribe", "ConfirmSubscription", "CreateTopic",
                "DeleteTopic", "Set*Attributes", "Tag*", "Untag*",
            ),
            resources=[place.arn("sns", f"{prefix}-*")],
        ),
        Statement(
            sid="Rules",
            actions=_actions(
                "events", "DeleteRule", "DisableRule", "EnableRule", "Put*", "RemoveTargets",
                "Tag*", "Untag*",
            ),
            resources=[place.arn("events", "*")],
        ),
        Statement(
            sid="Schedules",
            actions=_actions("scheduler", *_CHANGES, *_TAGS),
            resources=[place.arn("scheduler", "*")],
        ),
        Statement(
            sid="Streams",
            actions=_actions("firehose", *_WRITES, "Start*", "Stop*"),
            resources=[place.arn("firehose", "*")],
        ),
        Statement(
            sid="Budgets",
            actions=_actions("budgets", "*Budget", "*BudgetAction", "Tag*", "Untag*"),
            resources=[place.global_arn("budgets", f"budget/{prefix}*")],
        ),
        Statement(
            sid="Anomalies",
            actions=_actions("ce", "*Anomaly*", "Tag*", "Untag*"),
            resources=[place.global_arn("ce", "*")],
        ),
        Statement(
            sid="Traces",
            actions=_actions("xray", *_CHANGES, *_TAGS, "PutEncryptionConfig"),
            resources=[place.arn("xray", "*")],
        ),
        Statement(
            sid="Chat",
            actions=_actions("chatbot", *_CHANGES, *_TAGS),
            resources=["*"],
            why="a channel's configuration has no name before it is there",
        ),
        Statement(
            sid="Backups",
            actions=_actions("backup", *_WRITES, "CopyFromBackupVault", "CopyIntoBackupVault"),
            resources=[place.arn("backup", "*")],
        ),
        Statement(
            sid="BackupStorage",
            actions=["backup-storage:MountCapsule"],
            resources=["*"],
            why="AWS Backup has it called for every vault, and it takes no resource",
        ),
        Statement(
            sid="Audit",
            actions=[
                *_actions("access-analyzer", *_CHANGES, *_TAGS),
                *_actions("cloudtrail", *_CHANGES, "AddTags", "Put*", "RemoveTags", "St*Logging"),
                *_actions("guardduty", *_CHANGES, *_TAGS),
                *_actions("inspector2", "Enable", "Disable", "Update*"),
                *_actions("securityhub", *_CHANGES, *_TAGS, "Batch*Standards", "*SecurityHub"),
            ],
            resources=["*"],
            why="they are switched on for an account, which none of them calls a resource",
        ),
    )  # fmt: skip


def identity(place: Place, environment: str) -> tuple[Statement, ...]:
    """The workloads' roles, and the keys. The boundary says what such a role must carry."""
    prefix = place.prefix(environment)
    ours = _tagged(environment)
    at_birth = {"StringEquals": {f"aws:RequestTag/{ENVIRONMENT_TAG}": environment}}
    roles = place.global_arn("iam", f"role/{prefix}/*")
    return (
        # By the path that the platform puts them into. By a tag it could take over every role in
        # the account that has none yet: whoever may make a tagged role may tag one that is there.
        Statement(
            sid="Roles",
            actions=[
                "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
                "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole*",
            ],
            resources=[roles],
        ),
        Statement(
            sid="InstanceProfiles",
            actions=[
                "iam:*RoleFromInstanceProfile", "iam:*RoleToInstanceProfile",
                "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile",
                "iam:TagInstanceProfile", "iam:UntagInstanceProfile",
            ],
            resources=[place.global_arn("iam", f"instance-profile/{prefix}/*")],
        ),
        Statement(
            sid="PassRoles",
            actions=["iam:PassRole"],
            resources=[roles],
            conditions={"StringEquals": {"iam:PassedToService": list(PASSED_TO)}},
        ),
        Statement(
            sid="ServiceRoles",
            actions=["iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole"],
            resources=[place.global_arn("iam", "role/aws-service-role/*")],
        ),
        Statement(
            sid="CreateKeys",
            actions=["kms:CreateKey", "kms:TagResource"],
            resources=["*"],
            why="a key has no name before it is there; it must be born with the environment's tag",
            conditions=at_birth,
        ),
        Statement(
            sid="ChangeKeys",
            actions=_actions(
                "kms", "CancelKeyDeletion", "CreateAlias", "DeleteAlias", "Disable*", "Enable*",
                "PutKeyPolicy", "RotateKeyOnDemand", "ScheduleKeyDeletion", *_TAGS, "Update*",
            ),
            resources=[place.arn("kms", "key/*")],
            conditions=ours,
        ),
        Statement(
            sid="Aliases",
            actions=_actions("kms", "CreateAlias", "DeleteAlias", "UpdateAlias"),
            resources=[place.arn("kms", f"alias/{prefix}-*")],
        ),
        Statement(
            sid="UseKeys",
            actions=_actions("kms", "Decrypt", "Encrypt", "GenerateDataKey*", "ReEncrypt*"),
            resources=[place.arn("kms", "key/*")],
            conditions=ours,
        ),
        Statement(
            sid="LendKeys",
            actions=["kms:CreateGrant"],
            resources=[place.arn("kms", "key/*")],
            conditions={**ours, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        # Of a vault, a repository or a stream, when it is made and when it goes.
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault.html
        Statement(
            sid="TakeKeysBack",
            actions=["kms:RetireGrant", "kms:RevokeGrant"],
            resources=[place.arn("kms", "key/*")],
            conditions=ours,
        ),
    )  # fmt: skip


def policies(
    place: Place, environment: str, *, disposable: bool
) -> Mapping[str, Sequence[Statement]]:
    """All of it, by the name of the managed policy that it goes into."""
    return {
        "network": network(place),
        "compute": compute(place, environment),
        "data": data(place, environment, disposable=disposable),
        "edge": edge(place),
        "watch": watch(place, environment),
        "identity": identity(place, environment),
    }


def _tagged(environment: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {f"aws:ResourceTag/{ENVIRONMENT_TAG}": environment}}


_CHANGES = ("Create*", "Delete*", "Update*")
_TAGS = ("Tag*", "Untag*")
_WRITES = (*_CHANGES, *_TAGS, "Put*")


def _actions(service: str, *verbs: str) -> list[str]:
    return [f"{service}:{verb}" for verb in verbs]
