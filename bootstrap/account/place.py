"""The place: one account and region, and the names of what stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_aws as aws

IAM_PATH = "/bootstrap/"
"""Where this project's roles and policies lie, so that one pattern keeps everybody off them."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Plain text throughout: a policy is known, and can be read and measured, before any call."""

    account_id: str
    region: str
    platform: str
    """Leads every name of the platform's: `backlot`."""
    project: str
    """The platform's Pulumi project: where its states lie in the bucket."""

    def prefix(self, environment: str) -> str:
        """Leads every name of an environment's: `backlot-dev`."""
        return f"{self.platform}-{environment}"

    def arn(self, service: str, resource: str) -> str:
        """Of this account, in any region: the platform's edge stands in us-east-1."""
        return f"arn:aws:{service}:*:{self.account_id}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """Of a service that knows no regions: IAM, CloudFront, budgets."""
        return f"arn:aws:{service}::{self.account_id}:{resource}"

    def bucket(self, purpose: str, region: str) -> str:
        """In the account's own namespace, where nobody else can take a name.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
        """
        return f"{self.platform}-{purpose}-{self.account_id}-{region}-an"

    @property
    def state_alias(self) -> str:
        """How people and `awskms://` find the key of the states."""
        return f"alias/{self.platform}-state"

    @property
    def own_iam(self) -> tuple[str, ...]:
        """What decides in IAM who may do what: this project's, and no other's to touch."""
        return (
            self.global_arn("iam", f"role{IAM_PATH}*"),
            self.global_arn("iam", f"policy{IAM_PATH}*"),
            self.global_arn("iam", "oidc-provider/*"),
        )


def aws_provider(place: Place, tags: Mapping[str, str]) -> aws.Provider:
    """The only provider: for this account alone.

    No `Environment` among its tags: the roles keep off everything that has another's.
    """
    return aws.Provider(
        "aws",
        region=place.region,
        allowed_account_ids=[place.account_id],
        default_tags=aws.ProviderDefaultTagsArgs(
            tags={**tags, "Project": place.platform, "ManagedBy": "pulumi"}
        ),
    )
