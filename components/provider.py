"""The AWS provider that makes everything, the account it is for, and where every role lies."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from settings.stack import Settings

ROLE, PROFILE = "aws:iam/role:Role", "aws:iam/instanceProfile:InstanceProfile"


def aws_provider(stack: Settings) -> aws.Provider:
    """The only provider: in the stack's region, for its accounts alone, with its tags on all."""
    return aws.Provider(
        "aws",
        region=stack.region,
        allowed_account_ids=list(stack.platform.account_ids) or None,
        default_tags=aws.ProviderDefaultTagsArgs(tags=dict(stack.tags)),
    )


def account_id(provider: aws.Provider) -> pulumi.Output[str]:
    """The account that the provider's credentials are of."""
    opts = pulumi.InvokeOptions(provider=provider)
    return aws.get_caller_identity_output(opts=opts).account_id


def place_roles(stack: Settings) -> None:
    """Put every role made from now on into the stack's path, and its boundary on it where one is.

    Neither is an argument of the components: bootstrap's deploy role may make no role elsewhere and
    none without the boundary, so one that was forgotten would stop a deployment half-way. A path
    can be granted, which a tag on a role that is passed cannot, and what a role is called stays
    Pulumi's business.
    """
    path = {"path": f"/{stack.prefix}/"}
    boundary = stack.platform.permissions_boundary
    bound = {"permissions_boundary": boundary} if boundary else {}

    def placed(
        made: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if made.type_ not in (ROLE, PROFILE):
            return None
        props = {**made.props, **path, **(bound if made.type_ == ROLE else {})}
        return pulumi.ResourceTransformationResult(props=props, opts=made.opts)

    pulumi.runtime.register_stack_transformation(placed)
