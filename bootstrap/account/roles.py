"""The roles of an environment: who may look, who may change it, and who brings applications."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .boundaries import Boundaries, managed_policy
from .deploying import BEANSTALK_BUCKETS, policies
from .identity import Identity
from .place import IAM_PATH, Place
from .policies import Statement, document, resource_policy
from .reading import keep_off_data
from .releasing import release
from .settings import EnvironmentSettings
from .state import State

HOUR_SECONDS = 60 * 60

PLAIN_PARAMETERS = ("api-url",)
"""What a stack keeps in SSM for others to read, and is no secret."""

NEEDED = (
    "cloudformation:GetTemplate",
    "lambda:InvokeFunction*",
    "secretsmanager:GetSecretValue",
)
"""What of the data a deployment reads: Beanstalk's templates, what its own gates answer, and the
secrets it has written, to see whether they changed."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentRolesArgs:
    settings: EnvironmentSettings
    place: Place
    environment: str
    """The stack's name."""
    state: State
    identity: Identity
    boundaries: Boundaries


class EnvironmentRoles(pulumi.ComponentResource):
    """A preview and a deploy role, and one for the applications' workflows (M86, B21).

    - preview: sees how everything is set up, reads this stack's state and opens its secrets, and
      none of the data. It needs the secrets, so it has an environment of its own in GitHub.
    - deploy: makes and changes what the platform is made of, under its boundary.
    - release: pushes images, publishes the site and the installers, starts nothing.

    Cost: nothing.
    """

    arns: Mapping[str, pulumi.Output[str]]
    """`preview`, `deploy` and `release`; the last only where there are applications."""

    def __init__(
        self, name: str, args: EnvironmentRolesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:bootstrap:EnvironmentRoles", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place, environment, state = args.place, args.environment, args.state
        look = {"look": args.boundaries.look_arn}
        granted = policies(place, environment, disposable=args.settings.disposable)
        deploying = {
            what: managed_policy(
                f"{name}-deploy-{what}", place, f"{environment}-deploy-{what}", statements, child
            )
            for what, statements in granted.items()
        }
        prefix = place.prefix(environment)
        # What a refresh compares: the bundle of a version of the API is no data.
        bundles = f"arn:aws:s3:::{prefix}-bundles-*/*"
        plain = [place.arn("ssm", f"parameter/{prefix}/{name}") for name in PLAIN_PARAMETERS]
        written = [place.arn("ssm", f"parameter/{prefix}/*")]
        arns = {
            "preview": role(
                f"{name}-preview",
                f"{prefix}-preview",
                trust=args.identity.preview(environment),
                statements=[
                    *state.grant_read(environment),
                    Statement(
                        sid="ReadPlainly",
                        actions=[
                            "s3:GetObject",
                            "s3:GetObjectTagging",
                            "ssm:GetParameter",
                            "ssm:GetParameters",
                        ],
                        resources=[bundles, *plain],
                    ),
                    *keep_off_data([*state.readable(environment), bundles], plain),
                ],
                managed_arns=look,
                opts=child,
            ),
            "deploy": role(
                f"{name}-deploy",
                f"{prefix}-deploy",
                trust=args.identity.deploy(
                    environment, cloud_previews=args.settings.cloud_previews
                ),
                statements=[
                    *state.grant_write(environment),
                    *keep_off_data(
                        [*state.readable(environment), bundles, f"{BEANSTALK_BUCKETS}/*"],
                        written,
                        but=NEEDED,
                    ),
                ],
                managed_arns={**look, **deploying},
                boundary_arn=args.boundaries.deployers[environment],
                hours=args.settings.deploy_hours,
                opts=child,
            ),
        }
        if trust := args.identity.release(environment):
            arns["release"] = role(
                f"{name}-release",
                f"{prefix}-release",
                trust=trust,
                statements=release(place, environment),
                opts=child,
            )
        self.arns = arns
        self.register_outputs({"arns": dict(arns)})


def role(
    name: str,
    physical_name: str,
    *,
    trust: Sequence[Mapping[str, Any]],
    statements: Iterable[Statement],
    opts: pulumi.ResourceOptions,
    managed_arns: Mapping[str, pulumi.Input[str]] | None = None,
    boundary_arn: pulumi.Input[str] | None = None,
    hours: int = 1,
) -> pulumi.Output[str]:
    """A role under this project's path, and its ARN once it holds all its grants."""
    made = aws.iam.Role(
        name,
        name=physical_name,
        path=IAM_PATH,
        assume_role_policy=resource_policy(trust),
        max_session_duration=hours * HOUR_SECONDS,
        permissions_boundary=boundary_arn,
        opts=opts,
    )
    grants: list[pulumi.CustomResource] = [
        aws.iam.RolePolicy(name, role=made.id, policy=document(statements), opts=opts)
    ]
    grants += [
        aws.iam.RolePolicyAttachment(f"{name}-{key}", role=made.name, policy_arn=arn, opts=opts)
        for key, arn in (managed_arns or {}).items()
    ]
    return pulumi.Output.all(made.arn, *(grant.id for grant in grants)).apply(
        lambda known: known[0]
    )
