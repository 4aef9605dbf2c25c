"""The two ceilings: of the roles that deployments make, and of the deployments themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .deploying import ENVIRONMENT_TAG, policies
from .place import IAM_PATH, Place
from .policies import Statement, managed
from .reading import SERVICES, look
from .state import State

WORKLOADS = (
    "acm:DescribeCertificate",
    "application-autoscaling:Describe*",
    "autoscaling:*",
    "backup-storage:*",
    "backup:*",
    "cloudformation:*",
    "cloudwatch:*",
    "ec2:*",
    "ec2messages:*",
    "ecr:*",
    "ecs:*",
    "elasticache:*",
    "elasticbeanstalk:*",
    "elasticloadbalancing:*",
    "events:*",
    "firehose:Put*",
    "guardduty:*",
    "iam:GetInstanceProfile",
    "iam:GetRole",
    "iam:List*",
    "iam:PassRole",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
    "lambda:InvokeFunction",
    "logs:*",
    "rds:*",
    "rds-db:connect",
    "s3:*",
    "secretsmanager:*",
    "sns:CreateTopic",
    "sns:Get*",
    "sns:List*",
    "sns:Publish",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "sqs:*",
    "ssm:*",
    "ssmmessages:*",
    "states:*",
    "tag:GetResources",
    "xray:Put*",
)
"""What a workload may ever be granted. It grants nothing: a role has what its statements say."""

PEOPLE = (
    "iam:*AccessKey*",
    "iam:*AccountAlias",
    "iam:*AccountPasswordPolicy",
    "iam:*Group*",
    "iam:*LoginProfile",
    "iam:*MFADevice",
    "iam:*OpenIDConnect*",
    "iam:*SAMLProvider*",
    "iam:*ServiceSpecificCredential*",
    "iam:*User*",
)
"""Whatever makes or changes a person, a key that does not expire, or whom the account believes."""

BOUNDED = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
"""The calls that tell IAM's `iam:PermissionsBoundary`, and give a role something.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html"""

SHARING = (
    "ec2:ModifyImageAttribute",
    "ec2:ModifySnapshotAttribute",
    "rds:ModifyDBClusterSnapshotAttribute",
    "rds:ModifyDBSnapshotAttribute",
    "ram:*",
)
"""What hands a copy of the data to another account."""


@dataclass(frozen=True, kw_only=True)
class BoundariesArgs:
    place: Place
    environments: Sequence[str]
    state: State


class Boundaries(pulumi.ComponentResource):
    """What nobody below may ever do, whatever their own policies grant (B21, M85).

    A boundary cannot be taken off or changed by who is under it. A deployment may make roles only
    under the workloads' boundary, so it cannot hand out more than it has, to anybody, by any way.

    Cost: nothing.
    """

    workloads_arn: pulumi.Output[str]
    """For `backlot:platform: permissions_boundary` of the stack files."""
    deployers: dict[str, pulumi.Output[str]]
    """By environment: the boundary of its deploy role."""
    look_arn: pulumi.Output[str]
    """The policy to see how everything is set up."""

    def __init__(
        self, name: str, args: BoundariesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:bootstrap:Boundaries", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        loose = pulumi.ResourceOptions(parent=self, protect=False)
        place, state = args.place, args.state
        self.workloads_arn = managed_policy(
            f"{name}-workloads", place, "workloads", workloads(place, state), child
        )
        self.deployers = {}
        for environment in args.environments:
            others = [other for other in args.environments if other != environment]
            self.deployers[environment] = managed_policy(
                f"{name}-{environment}-deploy",
                place,
                f"{environment}-deployer",
                deployer(place, state, environment, others),
                child,
            )
        self.look_arn = managed_policy(f"{name}-look", place, "look", look(), loose)
        self.register_outputs({"workloads": self.workloads_arn, "deployers": self.deployers})


def workloads(place: Place, state: State) -> tuple[Statement, ...]:
    """The ceiling of everything that the platform runs."""
    return (
        Statement(
            sid="Workloads",
            actions=WORKLOADS,
            resources=["*"],
            why="it is a ceiling and grants nothing; which resources is each role's own to say",
        ),
        *_keep_off_bootstrap(place, state, bucket=(), key=()),
        Statement(sid="ShareNothing", effect="Deny", actions=SHARING, resources=["*"]),
        Statement(
            sid="TakeNoStep",
            effect="Deny",
            actions=["iam:PassRole"],
            resources=[place.global_arn("iam", f"role{IAM_PATH}*")],
        ),
    )


def deployer(
    place: Place, state: State, environment: str, others: Sequence[str]
) -> tuple[Statement, ...]:
    """The ceiling of an environment's deploy role."""
    granted = policies(place, environment, disposable=True).values()
    actions = [action for statements in granted for one in statements for action in one.actions]
    services = {action.partition(":")[0] for action in actions} | set(SERVICES)
    theirs = {"StringEquals": {f"aws:ResourceTag/{ENVIRONMENT_TAG}": list(others)}}
    named = {"StringEquals": {f"aws:RequestTag/{ENVIRONMENT_TAG}": list(others)}}
    apart = (
        Statement(
            sid="KeepOffOthers", effect="Deny", actions=["*"], resources=["*"], conditions=theirs
        ),
        Statement(
            sid="NameNoOther", effect="Deny", actions=["*"], resources=["*"], conditions=named
        ),
    )
    return (
        Statement(
            sid="Services",
            actions=[f"{service}:*" for service in services],
            resources=["*"],
            why="it is a ceiling and grants nothing; the role's own policies say what it may do",
        ),
        Statement(sid="MakeNoPeople", effect="Deny", actions=PEOPLE, resources=["*"]),
        Statement(
            sid="MakeRolesUnderBoundary",
            effect="Deny",
            actions=BOUNDED,
            resources=["*"],
            conditions={
                "StringNotEquals": {"iam:PermissionsBoundary": policy_arn(place, "workloads")}
            },
        ),
        Statement(
            sid="LeaveBoundaries",
            effect="Deny",
            actions=["iam:DeleteRolePermissionsBoundary"],
            resources=["*"],
        ),
        *_keep_off_bootstrap(
            place,
            state,
            bucket=("s3:DeleteObject", "s3:Get*", "s3:List*", "s3:PutObject"),
            key=("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"),
        ),
        Statement(sid="ShareNothing", effect="Deny", actions=SHARING, resources=["*"]),
        *(apart if others else ()),
    )


def managed_policy(
    name: str,
    place: Place,
    what: str,
    statements: Sequence[Statement],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """A managed policy under this project's path, and its ARN."""
    physical_name = f"{place.platform}-{what}"
    return aws.iam.Policy(
        name,
        name=physical_name,
        path=IAM_PATH,
        policy=managed(physical_name, statements),
        opts=opts,
    ).arn


def policy_arn(place: Place, what: str) -> str:
    """The ARN of `managed_policy`, before it is made."""
    return place.global_arn("iam", f"policy{IAM_PATH}{place.platform}-{what}")


def _keep_off_bootstrap(
    place: Place, state: State, *, bucket: Sequence[str], key: Sequence[str]
) -> tuple[Statement, ...]:
    """This project's own roles, policies, providers, states and keys; `bucket` and `key` apart."""
    objects = [f"{arn}/*" for arn in state.bucket_arns]
    return (
        Statement(sid="LeaveBootstrap", effect="Deny", actions=["iam:*"], resources=place.own_iam),
        Statement(
            sid="LeaveStates",
            effect="Deny",
            actions=bucket or ["s3:*"],
            but_actions=bool(bucket),
            resources=[*state.bucket_arns, *objects],
        ),
        Statement(
            sid="LeaveKeys",
            effect="Deny",
            actions=key or ["kms:*"],
            but_actions=bool(key),
            resources=[
                *state.key_arns,
                place.arn("kms", place.state_alias),
            ],
        ),
    )
