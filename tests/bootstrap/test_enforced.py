"""The account's roles assumed in moto, which refuses them what they must not do.

No code of ours decides here: credentials of the role, a signed request, moto's enforcement. It
checks less than IAM does. moto 5.2.5 knows the resource of a call to S3 alone and takes all others
for `*`; it reads no boundary; and a condition that it was not told about makes a statement refuse
whatever it speaks of; and it takes a refusal with `NotResource` for a grant, so those stay out
here: what the roles are granted has to be little enough by itself. The rest is in
`test_permissions.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import enable_iam_authentication

from tests.bootstrap.conftest import ACCOUNT, REGION, Account, Role

STATES = f"backlot-state-{ACCOUNT}-{REGION}-an"
MEDIA, PRODUCTION = (
    f"backlot-{name}-{ACCOUNT}-{REGION}-an" for name in ("dev-media", "production-media")
)
STATE, OTHER_STATE = (f".pulumi/stacks/backlot/{name}.json" for name in ("dev", "production"))

Aws = Callable[[str], Any]
"""A client of a service, with the credentials of a role."""

CALLS: Mapping[str, Callable[[Aws], object]] = {
    "see networks": lambda aws: aws("ec2").describe_vpcs(),
    "see services": lambda aws: aws("ecs").list_clusters(),
    "make a network": lambda aws: aws("ec2").create_vpc(CidrBlock="10.0.0.0/16"),
    "make a person": lambda aws: aws("iam").create_user(UserName="somebody"),
    "make a key of a person": lambda aws: aws("iam").create_access_key(UserName="somebody"),
    "take messages": lambda aws: aws("sqs").receive_message(QueueUrl="https://sqs/1/jobs"),
    "scan a table": lambda aws: aws("dynamodb").scan(TableName="jobs"),
    "read log lines": lambda aws: aws("logs").filter_log_events(logGroupName="/ecs/api"),
    "read a secret": lambda aws: aws("secretsmanager").get_secret_value(SecretId="database"),
    "read its state": lambda aws: aws("s3").get_object(Bucket=STATES, Key=STATE),
    "write its state": lambda aws: aws("s3").put_object(Bucket=STATES, Key=STATE, Body=b"{}"),
    "read another state": lambda aws: aws("s3").get_object(Bucket=STATES, Key=OTHER_STATE),
    "write another state": lambda aws: aws("s3").put_object(
        Bucket=STATES, Key=OTHER_STATE, Body=b"{}"
    ),
    "guard the states anew": lambda aws: aws("s3").put_bucket_versioning(
        Bucket=STATES, VersioningConfiguration={"Status": "Suspended"}
    ),
    "read media": lambda aws: aws("s3").get_object(Bucket=MEDIA, Key="renders/a.mp4"),
    "delete a bucket": lambda aws: aws("s3").delete_bucket(Bucket=MEDIA),
    "delete another's bucket": lambda aws: aws("s3").delete_bucket(Bucket=PRODUCTION),
    "log in to the registry": lambda aws: aws("ecr").get_authorization_token(),
    "start a task": lambda aws: aws("ecs").run_task(taskDefinition="api"),
}

MAY: Mapping[str, set[str]] = {
    "dev-preview": {"see networks", "see services", "log in to the registry", "read its state"},
    "dev-deploy": {
        *("see networks", "see services", "log in to the registry", "read its state"),
        *("write its state", "make a network", "delete a bucket", "start a task"),
    },
    "dev-release": {"log in to the registry"},
    "operators": {"see networks", "see services", "log in to the registry"},
}


@pytest.fixture
def _moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield


def assumed(role: Role) -> Aws:
    """The role, made in moto with its policies, and clients that have assumed it."""
    iam = boto3.client("iam", region_name=REGION)
    name = role.node["name"]
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    for number, policy in enumerate(role.policies):
        read = [each for each in policy["Statement"] if "NotResource" not in each]
        iam.put_role_policy(
            RoleName=name,
            PolicyName=f"policy-{number}",
            PolicyDocument=json.dumps({**policy, "Statement": read}),
        )
    sts = boto3.client("sts", region_name=REGION)
    keys = sts.assume_role(RoleArn=made["Arn"], RoleSessionName="proof")["Credentials"]
    session = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=REGION
    )
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return cache(lambda service: session.client(service, config=config))


def lets(call: Callable[[Aws], object], aws: Aws) -> bool:
    """Whether the call came through; that there is nothing behind it is no refusal."""
    try:
        call(aws)
    except ClientError as error:
        refused = ("AccessDenied", "UnauthorizedOperation")
        return not any(word in str(error.response["Error"]) for word in refused)
    return True


@pytest.mark.usefixtures("_moto")
def test_every_role_is_refused_all_but_its_own_business(account: Account) -> None:
    s3 = boto3.client("s3", region_name=REGION)
    for bucket in (STATES, MEDIA, PRODUCTION):
        s3.create_bucket(Bucket=bucket)
    for key in (STATE, OTHER_STATE):
        s3.put_object(Bucket=STATES, Key=key, Body=b"{}")
    s3.put_object(Bucket=MEDIA, Key="renders/a.mp4", Body=b"x")
    sessions = {name: assumed(account.role(name)) for name in MAY}

    with enable_iam_authentication():
        let = {
            name: {what for what, call in CALLS.items() if lets(call, aws)}
            for name, aws in sessions.items()
        }

    assert let == MAY
