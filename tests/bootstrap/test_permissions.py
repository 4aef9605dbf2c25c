"""What the account's roles may do, and above all what they may not.

`tests/iam/evaluate.py` decides, over the policies and the boundary together: moto 5.2.5 reads no
boundary, and takes a condition it cannot judge for a refusal. What moto can judge by itself is
asked of it in `test_enforced.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.bootstrap.conftest import ACCOUNT, ENVIRONMENTS, REGION, Account, Role, arn, state_object
from tests.rows import proves

BentAccount = Callable[..., Account]

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/bootstrap/backlot-workloads"
STATE_BUCKET = f"arn:aws:s3:::backlot-state-{ACCOUNT}-{REGION}-an"

MEDIA = "arn:aws:s3:::backlot-{}-media-123456789012-us-east-1-an/renders/a.mp4"
DATA: Mapping[str, str] = {
    "cognito-idp:ListUsers": arn("cognito-idp", "userpool/us-east-1_a"),
    "dynamodb:GetItem": arn("dynamodb", "table/jobs"),
    "dynamodb:Query": arn("dynamodb", "table/jobs"),
    "dynamodb:Scan": arn("dynamodb", "table/jobs"),
    "ecr:GetDownloadUrlForLayer": arn("ecr", "repository/backlot-dev/api"),
    "logs:FilterLogEvents": arn("logs", "log-group:/ecs/backlot-dev-api"),
    "logs:GetLogEvents": arn("logs", "log-group:/ecs/backlot-dev-api:log-stream:a"),
    "rds:DownloadDBLogFilePortion": arn("rds", "db:backlot-dev-database"),
    "s3:GetObject": MEDIA.format("dev"),
    "s3:GetObjectVersion": MEDIA.format("dev"),
    "secretsmanager:BatchGetSecretValue": "*",
    "secretsmanager:GetSecretValue": arn("secretsmanager", "secret:backlot-dev/database-a1b2c3"),
    "sqs:ReceiveMessage": arn("sqs", "backlot-dev-render"),
    "ssm:GetParameter": arn("ssm", "parameter/backlot-dev/api-keys/openai"),
    "ssm:GetParametersByPath": arn("ssm", "parameter/backlot-dev"),
}
"""Contents, one of each kind."""

WRITES: Mapping[str, str] = {
    "ec2:CreateVpc": arn("ec2", "vpc/*"),
    "ecs:UpdateService": arn("ecs", "service/a/b"),
    "iam:CreateRole": f"arn:aws:iam::{ACCOUNT}:role/a",
    "lambda:UpdateFunctionCode": arn("lambda", "function:a"),
    "rds:ModifyDBInstance": arn("rds", "db:backlot-dev-database"),
    "s3:PutBucketPolicy": MEDIA.format("dev").partition("/")[0],
    "s3:PutObject": MEDIA.format("dev"),
    "sqs:SendMessage": arn("sqs", "backlot-dev-render"),
}


@pytest.fixture(name="deploy", params=ENVIRONMENTS)
def _deploy(request: pytest.FixtureRequest, account: Account) -> Role:
    return account.role(f"{request.param}-deploy")


@pytest.fixture(name="dev")
def _dev(account: Account) -> Role:
    return account.role("dev-deploy")


def key_of_states(account: Account) -> str:
    return account.recorded.one("kms.Key").outputs["arn"]


# Looking.


@pytest.mark.parametrize("name", [f"{environment}-preview" for environment in ENVIRONMENTS])
def test_a_preview_sees_how_things_are_set_up_and_nothing_of_what_is_in_them(
    name: str, account: Account
) -> None:
    preview = account.role(name)
    for action in ("ec2:DescribeVpcs", "ecs:DescribeServices", "iam:GetRolePolicy",
                   "rds:DescribeDBInstances", "s3:GetBucketPolicy", "sqs:GetQueueAttributes",
                   "secretsmanager:DescribeSecret", "kms:GetKeyPolicy"):  # fmt: skip
        assert preview.may(action), action
    readable = {action for action, resource in DATA.items() if preview.may(action, resource)}
    changeable = {action for action, resource in WRITES.items() if preview.may(action, resource)}
    assert readable == changeable == set()


def test_contents_stay_shut_to_a_preview_whatever_else_is_attached_to_it(account: Account) -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    preview = account.role("dev-preview")
    generous = Role(preview.node, [*preview.policies, everything])

    assert generous.may("ec2:CreateVpc")
    decided = {generous.decides(action, resource) for action, resource in DATA.items()}
    assert decided == {"denied"}


def test_a_preview_may_read_what_is_nobodys_secret(account: Account) -> None:
    preview = account.role("dev-preview")
    assert preview.may("ssm:GetParameter", arn("ssm", "parameter/backlot-dev/api-url"))
    assert preview.may("ssm:GetParameter", "arn:aws:ssm:us-east-1::parameter/aws/service/ami")
    assert not preview.may("ssm:GetParameter", arn("ssm", "parameter/backlot-production/api-url"))


# The states.


@proves("M107", "zapcut", "aivp", "ai-film-studio", "muejam", "autoblog")
@pytest.mark.parametrize("kind", ["preview", "deploy"])
def test_a_role_reads_and_locks_the_state_of_its_own_stack_alone(
    kind: str, account: Account
) -> None:
    role = account.role(f"dev-{kind}")
    assert role.may("s3:ListBucket", STATE_BUCKET)
    for state in ("stacks/backlot/dev.json", "stacks/backlot/dev.json.bak", "meta.yaml"):
        assert role.may("s3:GetObject", state_object(state)), state
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert role.may(action, state_object("locks/organization/backlot/dev/a.json"))
    for state in (
        "stacks/backlot/production.json",
        "stacks/backlot-bootstrap/account.json",
        "history/backlot/production/a.json",
        "locks/organization/backlot/production/a.json",
    ):
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            assert not role.may(action, state_object(state)), (action, state)
    assert not role.may("s3:PutObject", state_object("meta.yaml"))


def test_only_a_deployment_writes_a_state(account: Account) -> None:
    state = state_object("stacks/backlot/dev.json")
    assert account.role("dev-deploy").may("s3:PutObject", state)
    assert account.role("dev-deploy").may("s3:PutObject", state_object("history/backlot/dev/a"))
    assert not account.role("dev-preview").may("s3:PutObject", state)
    assert not account.role("dev-release").may("s3:GetObject", state)


@pytest.mark.parametrize("kind", ["preview", "deploy"])
def test_secrets_in_a_state_open_for_their_own_environment_alone(
    kind: str, account: Account
) -> None:  # B21
    role, key = account.role(f"dev-{kind}"), key_of_states(account)
    context = "kms__EncryptionContext:environment"
    assert role.may("kms:Decrypt", key, **{context: "dev"})
    assert not role.may("kms:Decrypt", key, **{context: "production"})
    assert not role.may("kms:Decrypt", key)
    assert role.may("kms:Encrypt", key, **{context: "dev"}) == (kind == "deploy")


def test_objects_of_the_bucket_open_through_s3_alone(account: Account) -> None:
    role, key = account.role("dev-preview"), key_of_states(account)
    bucket = {"kms__EncryptionContext:aws:s3:arn": STATE_BUCKET}
    via = {"kms__ViaService": "s3.us-east-1.amazonaws.com"}
    assert role.may("kms:Decrypt", key, **bucket, **via)
    assert not role.may("kms:Decrypt", key, **bucket)
    assert not role.may("kms:Decrypt", key, **via)


# Changing.


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutBucketPolicy", STATE_BUCKET),
        ("s3:PutBucketVersioning", STATE_BUCKET),
        ("s3:PutLifecycleConfiguration", STATE_BUCKET),
        ("s3:DeleteBucket", STATE_BUCKET),
        ("s3:DeleteObjectVersion", state_object("stacks/backlot/dev.json")),
        ("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/bootstrap/backlot-dev-deploy"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/bootstrap/backlot-production-deploy"),
        ("iam:CreatePolicyVersion", BOUNDARY),
        ("iam:DeletePolicy", BOUNDARY),
        ("iam:DeleteOpenIDConnectProvider", f"arn:aws:iam::{ACCOUNT}:oidc-provider/a"),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/a"),
        ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/a"),
        ("iam:CreateLoginProfile", f"arn:aws:iam::{ACCOUNT}:user/a"),
        ("iam:DeleteRolePermissionsBoundary", f"arn:aws:iam::{ACCOUNT}:role/a"),
        ("rds:ModifyDBSnapshotAttribute", arn("rds", "snapshot:a")),
        ("ec2:ModifySnapshotAttribute", arn("ec2", "snapshot/a")),
    ],
)
def test_a_deployment_is_denied_its_own_leash_and_every_way_round_it(
    action: str, resource: str, deploy: Role
) -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

    assert not deploy.may(action, resource)
    # Even when somebody attaches all there is: the boundary says it.
    assert Role(deploy.node, [everything], deploy.boundary).decides(action, resource) == "denied"


@pytest.mark.parametrize(
    "action", ["organizations:LeaveOrganization", "account:CloseAccount", "sts:AssumeRole"]
)
def test_a_deployment_is_granted_nothing_of_the_organisation(action: str, deploy: Role) -> None:
    assert deploy.decides(action, "*") == "not granted"


@pytest.mark.parametrize(
    "action",
    ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy", "kms:CreateGrant"],
)
def test_a_deployment_does_not_touch_the_key_of_the_states(
    action: str, deploy: Role, account: Account
) -> None:
    for environment in ENVIRONMENTS:  # whatever somebody may have tagged it with
        tag = {"aws__ResourceTag_Environment": environment}
        assert deploy.decides(action, key_of_states(account), **tag) == "denied"
    assert not deploy.may("kms:UpdateAlias", arn("kms", "alias/backlot-state"))


ROLE = f"arn:aws:iam::{ACCOUNT}:role/backlot-dev/api-task-1a2b3c4"
OTHER_ROLES = (
    f"arn:aws:iam::{ACCOUNT}:role/OrganizationAccountAccessRole",
    f"arn:aws:iam::{ACCOUNT}:role/backlot-production/api-task-1a2b3c4",
    f"arn:aws:iam::{ACCOUNT}:role/backlot-dev-two/api-task-1a2b3c4",
)


def test_a_role_is_made_under_the_workloads_boundary_or_not_at_all(dev: Role) -> None:  # B21
    bounded = {"iam__PermissionsBoundary": BOUNDARY}
    other = {"iam__PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}

    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy",
                   "iam:PutRolePermissionsBoundary"):  # fmt: skip
        assert dev.may(action, ROLE, **bounded), action
        assert dev.decides(action, ROLE, **other) == "denied", action
        assert dev.decides(action, ROLE) == "denied", action


def test_a_role_that_the_platform_did_not_make_is_not_its_to_change(dev: Role) -> None:
    """Nor to call its own: a tag that may be put on a new role may be put on any."""
    given = {"iam__PermissionsBoundary": BOUNDARY, "aws__RequestTag_Environment": "dev"}
    for action in ("iam:UpdateAssumeRolePolicy", "iam:DeleteRole", "iam:PutRolePolicy",
                   "iam:TagRole"):  # fmt: skip
        assert dev.may(action, ROLE, **given), action
        for role in OTHER_ROLES:
            assert not dev.may(action, role, **given), (action, role)
            assert not dev.may(action, role, **given, aws__ResourceTag_Environment="dev")


def test_the_stacks_own_roles_are_passed_to_the_platforms_services_alone(dev: Role) -> None:
    assert dev.may("iam:PassRole", ROLE, iam__PassedToService="ecs-tasks.amazonaws.com")
    assert not dev.may("iam:PassRole", ROLE, iam__PassedToService="cloudformation.amazonaws.com")
    assert not dev.may("iam:PassRole", ROLE)
    for role in OTHER_ROLES:
        assert not dev.may("iam:PassRole", role, iam__PassedToService="ecs-tasks.amazonaws.com")


def test_a_deployment_calls_its_own_gates_and_nobody_elses(deploy: Role) -> None:
    gate, tag = arn("lambda", "function:api-gates-migrate-1a2b3c4"), "aws__ResourceTag_Environment"
    environment = deploy.node.name.removesuffix("-deploy")

    assert {
        other for other in ENVIRONMENTS if deploy.may("lambda:InvokeFunction", gate, **{tag: other})
    } == {environment}
    assert not deploy.may("lambda:InvokeFunction", gate)


def test_beanstalk_makes_an_environment_with_the_rights_of_the_deployment(dev: Role) -> None:
    stack = arn("cloudformation", "stack/awseb-e-a1b2c3-stack/d4")
    alarm = arn("cloudwatch", "alarm:awseb-e-a1b2c3-stack-AWSEBCloudwatchAlarmHigh-d4")
    for action in ("CreateStack", "TagResource", "UpdateStack", "GetTemplate", "DeleteStack"):
        assert dev.may(f"cloudformation:{action}", stack), action
    for action in ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"):
        assert dev.may(action, alarm), action
        assert not dev.may(action, arn("cloudwatch", "alarm:another")), action
    assert not dev.may("cloudformation:CreateStack", arn("cloudformation", "stack/another/d4"))


def test_a_changed_tag_is_put_on_a_key_that_is_there(dev: Role) -> None:
    """Only what changes is sent, so the environment's own tag is not among it."""
    key = arn("kms", "key/1")
    assert dev.may("kms:TagResource", key, aws__ResourceTag_Environment="dev")
    assert not dev.may("kms:TagResource", key)
    for action in ("kms:RetireGrant", "kms:RevokeGrant"):
        assert dev.may(action, key, aws__ResourceTag_Environment="dev"), action
        assert not dev.may(action, key), action


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ecs:DeleteService", arn("ecs", "service/api-cluster-1/api-service-1")),
        ("lambda:DeleteFunction", arn("lambda", "function:api-gates-migrate-1")),
        ("rds:DeleteDBInstance", arn("rds", "db:backlot-production-database")),
        ("elasticache:DeleteReplicationGroup", arn("elasticache", "replicationgroup:cache-1")),
        ("ec2:DeleteVpc", arn("ec2", "vpc/vpc-1")),
        ("kms:ScheduleKeyDeletion", arn("kms", "key/1")),
    ],
)
def test_what_carries_another_environments_tag_is_denied(
    action: str, resource: str, dev: Role, bent_account: BentAccount
) -> None:
    tag = "aws__ResourceTag_Environment"
    assert dev.may(action, resource, **{tag: "dev"})
    assert dev.decides(action, resource, **{tag: "production"}) == "denied"
    assert dev.decides(action, resource, **{tag: "staging"}) == "denied"


def test_nothing_is_born_with_another_environments_tag(dev: Role) -> None:
    cluster = arn("ecs", "cluster/a")
    assert dev.may("ecs:CreateCluster", cluster, aws__RequestTag_Environment="dev")
    decided = dev.decides("ecs:CreateCluster", cluster, aws__RequestTag_Environment="production")
    assert decided == "denied"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sqs:DeleteQueue", arn("sqs", "backlot-{}-render")),
        ("sns:DeleteTopic", arn("sns", "backlot-{}-critical")),
        ("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:backlot-{}/database-a")),
        ("ssm:GetParameter", arn("ssm", "parameter/backlot-{}/api-url")),
        ("ecr:DeleteRepository", arn("ecr", "repository/backlot-{}/api")),
        ("cloudwatch:DeleteAlarms", arn("cloudwatch", "alarm:backlot-{}-api-errors")),
        ("logs:DeleteLogGroup", arn("logs", "log-group:/ecs/backlot-{}-api")),
        ("s3:DeleteBucket", "arn:aws:s3:::backlot-{}-media-123456789012-us-east-1-an"),
    ],
)
def test_what_carries_the_environments_name_is_granted_by_it(
    action: str, resource: str, dev: Role
) -> None:
    assert dev.may(action, resource.format("dev"))
    assert not dev.may(action, resource.format("production"))
    assert not dev.may(action, resource.replace("backlot-{}", "another"))


def test_only_what_is_disposable_may_be_emptied(account: Account) -> None:
    for environment in ENVIRONMENTS:
        role, media = account.role(f"{environment}-deploy"), MEDIA.format(environment)
        disposable = environment != "production"
        assert role.may("s3:DeleteObject", media) == disposable
        assert role.may("s3:DeleteObjectVersion", media) == disposable
        assert not role.may("s3:GetObject", media)
        repository = arn("ecr", f"repository/backlot-{environment}/api")
        assert role.may("ecr:BatchDeleteImage", repository) == disposable


def test_a_deployment_reads_no_contents_but_the_secrets_it_wrote(deploy: Role) -> None:
    elsewhere = {
        action: resource.replace("backlot-dev", "another") for action, resource in DATA.items()
    }
    assert {
        action for action, resource in elsewhere.items() if deploy.may(action, resource)
    } == set()
    environment = deploy.node.name.removesuffix("-deploy")
    own = {
        action
        for action, resource in DATA.items()
        if deploy.may(action, resource.replace("backlot-dev", f"backlot-{environment}"))
    }
    assert own == {"secretsmanager:GetSecretValue", "ssm:GetParameter"}


# Applications.


def test_an_application_pushes_images_and_publishes_and_starts_nothing(account: Account) -> None:
    role = account.role("dev-release")
    tag: dict[str, Any] = {"aws__ResourceTag_Environment": "dev"}
    static = "arn:aws:s3:::backlot-{}-static-123456789012-us-east-1-an/index.html"
    distribution = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"

    assert role.may("ecr:PutImage", arn("ecr", "repository/backlot-dev/api"))
    assert not role.may("ecr:PutImage", arn("ecr", "repository/backlot-production/api"))
    assert not role.may("ecr:BatchDeleteImage", arn("ecr", "repository/backlot-dev/api"))
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert role.may(action, static.format("dev"))
        assert role.may(action, static.format("dev").replace("static", "releases"))
        assert not role.may(action, static.format("production"))
        assert not role.may(action, MEDIA.format("dev"))
    backup = "arn:aws:s3:::backlot-dev-backups-123456789012-us-east-1-an/site/1/index.html"
    assert role.may("s3:PutObject", backup)
    assert not role.may("s3:DeleteObject", backup)
    assert role.may("cloudfront:CreateInvalidation", distribution, **tag)
    assert not role.may("cloudfront:CreateInvalidation", distribution)
    for action in ("ecs:UpdateService", "ecs:RunTask", "lambda:InvokeFunction", "iam:PassRole"):
        assert not role.may(action, "*", **tag), action
    assert {action for action, resource in WRITES.items() if role.may(action, resource)} == set()


# People.


def test_an_operator_helps_and_changes_nothing_that_pulumi_made(account: Account) -> None:  # M87
    operator = account.role("operators")
    tag: dict[str, Any] = {"aws__ResourceTag_Environment": "production"}
    log = arn("logs", "log-group:/ecs/backlot-production-api")
    queue = arn("sqs", "backlot-production-render")

    assert operator.may("ecs:DescribeServices")
    assert operator.may("logs:FilterLogEvents", log)
    assert operator.may("ecs:ExecuteCommand", arn("ecs", "task/a/b"), **tag)  # B20
    assert operator.may("ssm:StartSession", arn("ec2", "instance/i-1"), **tag)
    assert not operator.may("ssm:StartSession", arn("ec2", "instance/i-1"))
    assert operator.may("sqs:StartMessageMoveTask", f"{queue}-dead-letter")
    assert operator.may("sqs:ReceiveMessage", f"{queue}-dead-letter")
    assert not operator.may("sqs:ReceiveMessage", queue)
    assert {action for action, resource in WRITES.items() if operator.may(action, resource)} == {
        "sqs:SendMessage"
    }
    contents = {action for action, resource in DATA.items() if operator.may(action, resource)}
    assert contents == {"logs:FilterLogEvents", "logs:GetLogEvents"}


def test_operators_answer_a_deployment_that_waits_and_change_no_service(account: Account) -> None:
    operator = account.role("operators")
    deployment = arn("ecs", "service-deployment/api-cluster-1/api-service-1/abc")

    assert operator.may("ecs:ContinueServiceDeployment", deployment)
    assert operator.may("ecs:StopServiceDeployment", deployment)
    assert not operator.may("ecs:UpdateService", arn("ecs", "service/api-cluster-1/api-service-1"))
