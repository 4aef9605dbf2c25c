"""Rules of what the platform is called, and of what bounds it."""

from __future__ import annotations

import re

from settings.fields import NAME_PATTERN, NAME_RULE
from settings.invariants.base import Violation, Violations, invariant
from settings.platform import PlatformSettings

BUCKET_NAME_LIMIT = 63
"""S3's, and of all names that begin with `<platform.name>-<stack>` the first to be reached: queues
may have 80 characters, of which a queue's own name and `-dead-letter` take 37."""


@invariant
def names_fit_their_services(platform: PlatformSettings, stack: str, region: str) -> Violations:
    if not re.fullmatch(NAME_PATTERN, stack):
        yield Violation(
            "stack",
            "",
            f"{stack} becomes part of names; {NAME_RULE}, such as dev",
        )
    prefix = f"{platform.name}-{stack}"
    fits = BUCKET_NAME_LIMIT - len(f"-backups-{'0' * 12}-{region}-an")
    if len(prefix) > fits:
        yield Violation(
            "platform",
            "name",
            f"{prefix} leads every name and has {len(prefix)} characters; at most {fits} fit into "
            f"a bucket's name in {region}: shorten it or the stack's name",
        )


@invariant
def tags_leave_ours_alone(platform: PlatformSettings) -> Violations:
    for key in platform.tags:
        if key in ("Project", "Environment", "ManagedBy"):
            message = "is set by the platform itself; remove it"
        elif key.lower().startswith("aws:"):
            message = "begins with aws:, which AWS keeps for its own tags; rename it"
        else:
            continue
        yield Violation("platform", f"tags.{key}", message)


@invariant
def boundaries_are_of_the_account(platform: PlatformSettings) -> Violations:
    boundary, accounts = platform.permissions_boundary, platform.account_ids
    if boundary and accounts and boundary.split(":")[4] not in accounts:
        yield Violation(
            "platform",
            "permissions_boundary",
            f"{boundary} is of an account that this stack may not touch; give the policy of "
            f"{' or '.join(accounts)}",
        )
