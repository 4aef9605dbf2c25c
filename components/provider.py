"""The AWS provider that makes everything, the account it is for, and what bounds every role."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from settings.stack import Settings

ROLE = "aws:iam/role:Role"


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


def bound_roles(stack: Settings) -> None:
    """Put the stack's permissions boundary on every role that is made from now on.

    Not an argument of the components: bootstrap's deploy role may make no role without it, so one
    that was forgotten would stop a deployment half-way.
    """
    boundary = stack.platform.permissions_boundary
    if boundary is None:
        return

    def bounded(
        made: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if made.type_ != ROLE:
            return None
        props = {**made.props, "permissions_boundary": boundary}
        return pulumi.ResourceTransformationResult(props=props, opts=made.opts)

    pulumi.runtime.register_stack_transformation(bounded)
