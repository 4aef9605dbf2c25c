"""What a program asks AWS, answered the same with and without the in-memory AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from rehearsal import lookups

REGION = "us-east-1"


@pytest.fixture(scope="module")
def moto() -> Iterator[lookups.ClientFactory]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "rehearsal")
        yield lambda service, region: boto3.client(service, region)


def ask(
    function: str,
    client: lookups.ClientFactory | None = None,
    region: str = REGION,
    **args: Any,
) -> dict[str, Any]:
    token = f"aws:{function}:{function.split('/')[1]}"
    return lookups.answer(token, args, client, region)


def test_an_unknown_function_is_named_together_with_the_known_ones() -> None:
    with pytest.raises(LookupError, match=r"ec2/getVpc.*no answer.*getAvailabilityZones"):
        ask("ec2/getVpc")


@pytest.mark.parametrize(
    "region", ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "ap-northeast-1"]
)
def test_zones_are_the_same_recorded_and_in_moto(moto: lookups.ClientFactory, region: str) -> None:
    asked = {"state": "available", "excludeNames": [f"{region}a"]}
    recorded = ask("index/getAvailabilityZones", region=region, **asked)
    made = ask("index/getAvailabilityZones", moto, region=region, **asked)
    assert recorded["names"] == made["names"]
    assert f"{region}a" not in made["names"]


def test_region_account_and_partition() -> None:
    found = ask("index/getRegion", region="eu-west-1")
    assert (found["region"], found["name"]) == ("eu-west-1", "eu-west-1")
    asked = {"region": "eu-west-1"}
    found = lookups.answer("aws:index/getRegion:getRegion", asked, None, "us-east-1")
    assert found["region"] == "eu-west-1"
    assert ask("index/getCallerIdentity")["accountId"] == "123456789012"
    assert ask("index/getPartition")["partition"] == "aws"
    assert ask("index/getPartition", region="cn-north-1")["dnsSuffix"] == "amazonaws.com.cn"


def test_the_gpu_image_of_ecs_is_an_image_that_exists(moto: lookups.ClientFactory) -> None:  # M48
    name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"
    found = ask("ssm/getParameter", moto, name=name)
    assert found["insecureValue"] == found["value"]
    images = moto("ec2", REGION).describe_images(ImageIds=[found["value"]])["Images"]
    assert "ecs-gpu" in images[0]["Name"]
    assert ask("ssm/getParameter", name=name)["insecureValue"].startswith("ami-")


def test_a_parameter_that_nobody_made_is_an_error(moto: lookups.ClientFactory) -> None:
    with pytest.raises(LookupError, match="no parameter '/studio/none' in us-east-1"):
        ask("ssm/getParameter", moto, name="/studio/none")


def test_an_image_is_the_most_recent_one_or_the_only_one(moto: lookups.ClientFactory) -> None:
    asked: dict[str, Any] = {
        "owners": ["amazon"],
        "filters": [{"name": "name", "values": ["al2023-ami-2023*-x86_64"]}],
    }
    newest = ask("ec2/getAmi", moto, mostRecent=True, **asked)
    assert newest["id"].startswith("ami-")
    assert newest["architecture"] == "x86_64"
    with pytest.raises(LookupError, match=r"\d+ images match; set most_recent"):
        ask("ec2/getAmi", moto, **asked)
    with pytest.raises(LookupError, match="no image matches"):
        ask("ec2/getAmi", moto, mostRecent=True, nameRegex="^nothing$", **asked)
    assert ask("ec2/getAmi", mostRecent=True, **asked)["id"].startswith("ami-")


def test_an_instance_type_has_gpus_and_memory(moto: lookups.ClientFactory) -> None:
    found = ask("ec2/getInstanceType", moto, instanceType="g5.xlarge")
    assert (found["defaultVcpus"], found["memorySize"]) == (4, 16384)
    assert found["gpuses"][0]["count"] == 1
    with pytest.raises(LookupError, match=r"no instance type 'g99\.huge'"):
        ask("ec2/getInstanceType", moto, instanceType="g99.huge")


def test_the_prefix_list_of_cloudfront_has_one_id_everywhere(moto: lookups.ClientFactory) -> None:
    name = "com.amazonaws.global.cloudfront.origin-facing"
    recorded = ask("ec2/getManagedPrefixList", name=name)
    assert recorded["id"] == ask("ec2/getManagedPrefixList", moto, name=name)["id"]
    assert recorded["id"] != ask("ec2/getManagedPrefixList", region="eu-west-1", name=name)["id"]
    with pytest.raises(LookupError, match=r"no managed prefix list nobody.*origin-facing"):
        ask("ec2/getManagedPrefixList", name="nobody")


def test_a_zone_exists_for_every_name_and_takes_records(moto: lookups.ClientFactory) -> None:
    found = ask("route53/getZone", moto, name="studio.example.")
    again = ask("route53/getZone", moto, name="studio.example")
    assert found["zoneId"] == again["zoneId"] == ask("route53/getZone", name="studio.example")["id"]
    assert (found["name"], found["privateZone"]) == ("studio.example", False)
    record = {
        "Name": "api.studio.example",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}],
    }
    change = {"Action": "CREATE", "ResourceRecordSet": record}
    route53 = moto("route53", REGION)
    route53.change_resource_record_sets(
        HostedZoneId=found["zoneId"], ChangeBatch={"Changes": [change]}
    )
    zones = route53.list_hosted_zones_by_name(DNSName="studio.example")["HostedZones"]
    assert len(zones) == 1


def test_a_zone_that_the_program_made_is_found(moto: lookups.ClientFactory) -> None:
    route53 = moto("route53", REGION)
    made = route53.create_hosted_zone(Name="own.example", CallerReference="own")["HostedZone"]
    assert made["Id"].endswith(ask("route53/getZone", moto, name="own.example")["zoneId"])


def test_a_secret_that_was_filled_by_hand_still_answers(moto: lookups.ClientFactory) -> None:
    manager = moto("secretsmanager", REGION)
    made = manager.create_secret(Name="made", SecretString="value")
    assert ask("secretsmanager/getSecretVersion", moto, secretId=made["ARN"]) == {
        "arn": made["ARN"],
        "id": made["ARN"],
        "region": REGION,
        "secretArn": made["ARN"],
        "secretId": made["ARN"],
        "secretString": "value",
        "versionId": ask("secretsmanager/getSecretVersion", secretId=made["ARN"])["versionId"],
        "versionStages": ["AWSCURRENT"],
    }
    assert ask("secretsmanager/getSecretVersion", moto, secretId="other")["secretString"]


def test_keys_images_balancers_policies_and_platforms(moto: lookups.ClientFactory) -> None:
    assert ask("kms/getKey", keyId="alias/aws/s3")["arn"].startswith("arn:aws:kms:us-east-1:")
    assert ask("elb/getServiceAccount")["id"] == "127311923021"
    with pytest.raises(LookupError, match="logdelivery"):
        ask("elb/getServiceAccount", region="eu-south-2")
    image = ask("ecr/getImage", repositoryName="api", imageTag="1")
    assert image["imageUri"].endswith(f"/api@{image['imageDigest']}")
    arn = ask("iam/getPolicy", name="ReadOnlyAccess")["arn"]
    assert arn == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    caching = ask("cloudfront/getCachePolicy", name="Managed-CachingOptimized")
    assert caching["id"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"
    platform = {"mostRecent": True, "nameRegex": r"^64bit Amazon Linux 2023 .* running Docker$"}
    assert "running Docker" in ask("elasticbeanstalk/getSolutionStack", moto, **platform)["name"]


class Platforms:
    """A Beanstalk that lists these platforms, newest nowhere in particular."""

    def __init__(self, *versions: str) -> None:
        self.versions = versions

    def __call__(self, service: str, region: str) -> Platforms:
        assert (service, region) == ("elasticbeanstalk", REGION)
        return self

    def list_available_solution_stacks(self) -> dict[str, list[str]]:
        name = "64bit Amazon Linux 2023 v{} running Docker"
        return {"SolutionStacks": [name.format(version) for version in self.versions]}


DOCKER = r"^64bit Amazon Linux 2023 .* running Docker$"


def test_a_platform_is_the_same_recorded_and_in_moto(moto: lookups.ClientFactory) -> None:
    function = "elasticbeanstalk/getSolutionStack"
    recorded = ask(function, mostRecent=True, nameRegex=DOCKER)
    assert recorded["name"] == ask(function, moto, mostRecent=True, nameRegex=DOCKER)["name"]
    for client in (None, moto):
        with pytest.raises(LookupError, match=r"no platform matches '.*Cobol'"):
            ask(function, client, mostRecent=True, nameRegex=".* running Cobol")


def test_a_group_that_beanstalk_made_serves_a_target_group_that_rules_may_name(
    moto: lookups.ClientFactory,
) -> None:
    name = "awseb-e-1a6f70-stack-AWSEBAutoScalingGroup-1a6f70"
    [recorded] = ask("autoscaling/getGroup", name=name)["targetGroupArns"]
    [made] = ask("autoscaling/getGroup", moto, name=name)["targetGroupArns"]
    assert recorded.rpartition("/")[0] == made.rpartition("/")[0]
    assert ask("autoscaling/getGroup", moto, name=name)["targetGroupArns"] == [made]
    found = moto("elbv2", REGION).describe_target_groups(TargetGroupArns=[made])["TargetGroups"]
    assert [group["TargetGroupName"] for group in found] == [made.split("/")[1]]


def test_the_most_recent_platform_is_told_by_the_numbers_of_its_version() -> None:
    function = "elasticbeanstalk/getSolutionStack"
    platforms = Platforms("4.9.2", "4.10.0", "4.9.10")
    found = ask(function, platforms, mostRecent=True, nameRegex=DOCKER)
    assert found["name"] == "64bit Amazon Linux 2023 v4.10.0 running Docker"
    with pytest.raises(LookupError, match="several platforms match; set most_recent"):
        ask(function, platforms, nameRegex=DOCKER)
    assert ask(function, platforms, nameRegex="v4.9.2 ")["name"].endswith("v4.9.2 running Docker")


def document(**args: Any) -> dict[str, Any]:
    return json.loads(ask("iam/getPolicyDocument", **args)["json"])


def test_a_policy_document_is_written_as_the_provider_writes_it() -> None:
    assert document(
        statements=[
            {
                "sid": "Read",
                "actions": ["s3:GetObject", "s3:ListBucket"],
                "resources": ["arn:aws:s3:::media/&{aws:username}/*"],
                "principals": [
                    {"type": "AWS", "identifiers": ["arn:aws:iam::1:root"]},
                    {"type": "Service", "identifiers": ["a.amazonaws.com", "b.amazonaws.com"]},
                ],
                "conditions": [
                    {"test": "Bool", "variable": "aws:SecureTransport", "values": ["true"]}
                ],
            },
            {
                "effect": "Deny",
                "notActions": ["s3:*"],
                "resources": ["*"],
                "principals": [{"type": "*", "identifiers": ["*"]}],
            },
        ]
    ) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:GetObject"],
                "Resource": "arn:aws:s3:::media/${aws:username}/*",
                "Principal": {
                    "AWS": "arn:aws:iam::1:root",
                    "Service": ["b.amazonaws.com", "a.amazonaws.com"],
                },
                "Condition": {"Bool": {"aws:SecureTransport": "true"}},
            },
            {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*", "Principal": "*"},
        ],
    }


def test_policy_documents_are_laid_over_each_other_by_sid() -> None:
    def one(sid: str, action: str) -> dict[str, Any]:
        return {"sid": sid, "actions": [action], "resources": ["*"]}

    source = ask("iam/getPolicyDocument", statements=[one("A", "a:1"), one("B", "b:1")])["json"]
    override = ask("iam/getPolicyDocument", statements=[one("A", "a:3"), one("D", "d:3")])["json"]
    merged = document(
        sourcePolicyDocuments=[source],
        statements=[one("B", "b:2"), one("C", "c:2")],
        overridePolicyDocuments=[override],
    )
    assert [(each["Sid"], each["Action"]) for each in merged["Statement"]] == [
        ("A", "a:3"),
        ("B", "b:2"),
        ("C", "c:2"),
        ("D", "d:3"),
    ]
    with pytest.raises(LookupError, match="two statements have the sid 'A'"):
        document(statements=[one("A", "a:1"), one("A", "a:2")])


def test_the_minified_document_says_the_same() -> None:
    found = ask("iam/getPolicyDocument", statements=[{"actions": ["a:b"], "resources": ["*"]}])
    assert json.loads(found["minifiedJson"]) == json.loads(found["json"])
    assert "\n" not in found["minifiedJson"]
