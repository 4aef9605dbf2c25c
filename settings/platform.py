"""`backlot:platform`: what the platform is called, who owns it, and whether it is guarded."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import (
    NAME_PATTERN,
    NAME_RULE,
    AccountId,
    Section,
    TagKey,
    TagValue,
    Unique,
    form,
)

BoundaryArn = Annotated[
    str,
    form(
        r"^arn:aws:iam::[0-9]{12}:policy/[A-Za-z0-9+=,.@_/-]{1,256}$",
        "give a policy's ARN, with its account",
        examples=["arn:aws:iam::123456789012:policy/backlot-workloads"],
    ),
]


class PlatformSettings(Section):
    name: Annotated[str, form(NAME_PATTERN, NAME_RULE, max_length=20, examples=["studio"])] = (
        "backlot"
    )
    """Leads every name that people read: `<name>-<stack>`. Change it to make the platform yours.

    Before the first `pulumi up`: a change later replaces what is addressed by name, such as
    buckets, queues, secrets and image repositories, with all that is in them."""
    protect: bool
    """Stateful things cannot be deleted by Pulumi, and settings that risk data are refused."""
    account_ids: Unique[AccountId] = ()
    """Accounts this stack may touch. Empty means any; name one to stop deploys to another."""
    permissions_boundary: BoundaryArn | None = None
    """A policy that no role of the stack can go beyond, whatever it is granted: bootstrap's output.
    Absent: roles are bound by their own grants alone."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = Field(default_factory=dict)
    """Put on everything, beside Project, Environment and ManagedBy."""
