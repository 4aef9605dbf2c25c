"""The place a stack has on AWS, and the ground that everything above the network stands on.

Both are Inputs wired once in `__main__.py`, so that a component's arguments say what is its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.logs import Logs
from settings.stack import Settings

GLOBAL_REGION = "us-east-1"
"""Where what serves the whole world is configured and measured: the certificates, firewalls and
metrics of CloudFront, and the health checks of Route 53."""

STACK_TAGS = ("Project", "Environment")
"""What tells one stack's things, and its bill, from another's."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a stack is and what it is called."""

    prefix: str
    """Leads every physical name: `backlot-dev`."""
    region: str
    account_id: pulumi.Input[str]
    protect: bool
    """True: what is deleted can be called back."""
    edge: bool
    """True: something of it is run from `GLOBAL_REGION`."""
    tags: Mapping[str, str]
    """For what the provider's default tags do not reach: fleet instances and their volumes."""

    @property
    def trail_arn(self) -> pulumi.Output[str]:
        """Of the audit's trail. The bucket and the key let it in by that before it exists."""
        return self.arn("cloudtrail", f"trail/{self.prefix}")

    def arn(self, service: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
        """Of something in the stack's region and account, be it there or not yet: `db:*`."""
        return pulumi.Output.concat(
            "arn:aws:", service, ":", self.region, ":", self.account_id, ":", resource
        )

    @classmethod
    def of(cls, stack: Settings, account_id: pulumi.Input[str]) -> Place:
        return cls(
            prefix=stack.prefix,
            region=stack.region,
            account_id=account_id,
            protect=stack.platform.protect,
            edge=stack.has_edge,
            tags=stack.tags,
        )


@dataclass(frozen=True, kw_only=True)
class Ground(Place):
    """A place with its network, its keys and its logs."""

    vpc_id: pulumi.Input[str]
    public_subnet_ids: pulumi.Input[Sequence[str]]
    private_subnet_ids: pulumi.Input[Sequence[str]]
    database_subnet_ids: pulumi.Input[Sequence[str]]
    data_key_arn: pulumi.Input[str] | None
    """The customer-managed key for data at rest; AWS's own when absent."""
    logs: Logs
