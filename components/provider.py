"""The AWS provider that makes everything, and the account it is for."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from settings.stack import Settings


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
