"""The roles against what CloudFormation says that it needs to make, read and take away a type.

The rehearsal knows one call for most types. AWS makes others on the way, with the rights of who
asked: it lends keys, calls a rotation's function, tags what it has just made. CloudFormation's own
list, which cfn-lint ships, names them; Pulumi's provider needs the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from bootstrap.account.reading import SERVICES
from tests.bootstrap.conftest import REGION, Account, Role
from tests.iam.evaluate import matches

TYPES = (
    "ApiGatewayV2::Api", "ApiGatewayV2::Integration", "ApiGatewayV2::Route",
    "AutoScaling::AutoScalingGroup", "AutoScaling::LifecycleHook", "Backup::BackupPlan",
    "Backup::BackupSelection", "Backup::BackupVault", "Backup::RestoreTestingPlan",
    "Budgets::Budget", "CE::AnomalyMonitor", "CertificateManager::Certificate",
    "CloudFront::CachePolicy", "CloudFront::Distribution", "CloudFront::OriginAccessControl",
    "CloudTrail::Trail", "CloudWatch::Alarm", "CloudWatch::CompositeAlarm",
    "CloudWatch::Dashboard", "Cognito::UserPool", "Cognito::UserPoolClient", "EC2::FlowLog",
    "EC2::LaunchTemplate", "EC2::NatGateway", "EC2::SecurityGroup", "EC2::Subnet", "EC2::VPC",
    "ECR::Repository", "ECS::CapacityProvider", "ECS::Cluster", "ECS::Service",
    "ECS::TaskDefinition", "ElastiCache::ReplicationGroup", "ElasticBeanstalk::Environment",
    "ElasticLoadBalancingV2::Listener", "ElasticLoadBalancingV2::LoadBalancer",
    "ElasticLoadBalancingV2::TargetGroup", "Events::Rule", "GuardDuty::Detector",
    "IAM::InstanceProfile", "IAM::Role", "KMS::Alias", "KMS::Key",
    "KinesisFirehose::DeliveryStream", "Lambda::Function", "Lambda::Permission", "Logs::LogGroup",
    "Logs::SubscriptionFilter", "RDS::DBInstance", "RDS::DBParameterGroup", "Route53::HealthCheck",
    "Route53::HostedZone", "S3::Bucket", "S3::BucketPolicy", "SNS::Subscription", "SNS::Topic",
    "SQS::Queue", "SSM::Parameter", "Scheduler::Schedule", "SecretsManager::RotationSchedule",
    "SecretsManager::Secret", "Synthetics::Canary", "WAFv2::WebACL", "XRay::SamplingRule",
)  # fmt: skip
"""What the platform is made of, in CloudFormation's words."""

UNUSED: Mapping[str, str] = {
    "ec2:*PrivateNatGatewayAddress": "private gateways",
    "ec2:CreateVpcEncryptionControl": "encryption between instances",
    "ec2:ModifyVpcTenancy": "dedicated hardware",
    "iam:DeleteRolePermissionsBoundary": "refused on purpose: a boundary stays",
    "lambda:AssociateRuntimeAlias": "a function that keeps its runtime's version",
    "lambda:PassCapacityProvider": "functions on instances of one's own",
    "s3:*MetadataTableConfiguration": "tables of a bucket's metadata",
    "s3:*Metadata*TableConfiguration": "tables of a bucket's metadata",
    "s3:REST.PUT.OBJECT": "no action that IAM knows",
    "secretsmanager:GetRandomPassword": "passwords are made by the program, or by RDS",
    "secretsmanager:RemoveRegionsFromReplication": "secrets in several regions",
    "sns:PutDataProtectionPolicy": "masks in messages",
    "ssm:Get*": "an image named by a parameter, which the program looks up itself",
    "synthetics:ReplicateCanary": "canaries in several regions",
}
"""What a type needs for something that the platform does not do, and what that is."""


ALL = ("create", "read", "update", "delete")


def needs(*handlers: str) -> Mapping[str, str]:
    """IAM's actions, of the services that the platform uses at all, to a type that needs them."""
    found = {}
    for kind in TYPES:
        described = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, f"AWS::{kind}").schema
        for handler in handlers:
            for action in described["handlers"].get(handler, {}).get("permissions", ()):
                service, _, name = action.partition(":")
                if service.lower() in SERVICES:
                    found[f"{service.lower()}:{name}"] = kind
    return found


def missing(role: Role, *handlers: str) -> set[str]:
    return {
        f"{action} ({kind})"
        for action, kind in needs(*handlers).items()
        if not any(matches(pattern, action) for pattern in UNUSED) and not holds(role, action)
    }


def holds(role: Role, action: str) -> bool:
    """Whether it is granted on something, and not refused on everything."""
    effects = {
        statement["Effect"]
        for policy in role.policies
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow" or statement.get("Resource") == ["*"]
        if any(matches(one, action, any_case=True) for one in statement.get("Action", ()))
    }
    return effects == {"Allow"}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_deployment_may_do_whatever_its_types_need(environment: str, account: Account) -> None:
    assert len(needs(*ALL)) > 400
    assert missing(account.role(f"{environment}-deploy"), *ALL) == set()


def test_a_preview_may_read_whatever_it_compares(account: Account) -> None:
    assert missing(account.role("production-preview"), "read") == {
        # Of a secret it compares everything but the value; drift.yaml leaves the values out.
        "secretsmanager:GetSecretValue (SecretsManager::Secret)",
        # CloudFormation lists it and has nothing to pass.
        "iam:PassRole (Events::Rule)",
    }


def test_nothing_is_excused_that_no_type_asks_for() -> None:
    asked = needs(*ALL)
    assert [one for one in UNUSED if not any(matches(one, action) for action in asked)] == []
