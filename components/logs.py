"""Log groups: one per thing that writes, all kept and encrypted alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.grants import Statement
from components.naming import physical_name
from settings.logs import LogsSettings


@dataclass(frozen=True, kw_only=True)
class KeptGroup:
    """A log group that was made, for whatever reads them all."""

    what: str
    """Its path without the stack's prefix: `/ecs/api`, `/aws/rds/instance/database/postgresql`."""
    name: pulumi.Output[str]
    region: str | None
    """Where it is. Absent: where the stack is."""
    archived: bool
    """False: what it is told is not copied to the log bucket."""


@dataclass(frozen=True, kw_only=True)
class Logs:
    """How this stack keeps logs; handed to every component that writes some.

    Cost: 0.50 USD per GB taken in and 0.03 USD per GB and month kept (us-east-1, 2026).
    """

    settings: LogsSettings
    prefix: str
    key_arn: pulumi.Input[str] | None
    """The customer-managed key of log groups; CloudWatch's own when absent."""
    key_arns_elsewhere: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """The same for the few groups that must be in another region, by region."""
    made: list[KeptGroup] = field(default_factory=list, init=False, compare=False, repr=False)
    """Every group so far, in the order of the program. What reads it is made last."""

    def group(
        self,
        name: str,
        service: str,
        what: str,
        opts: pulumi.ResourceOptions,
        *,
        region: str | None = None,
        archived: bool = True,
    ) -> aws.cloudwatch.LogGroup:
        """The log group `/<service>/<prefix>-<what>`: people search logs by that path (M88)."""
        path = f"/{service}/{self.prefix}-{what}"
        return self.group_called(name, path, opts, region=region, archived=archived)

    def group_called(
        self,
        name: str,
        path: str,
        opts: pulumi.ResourceOptions,
        *,
        region: str | None = None,
        archived: bool = True,
    ) -> aws.cloudwatch.LogGroup:
        """The log group `path`, for a service that writes to names of its own choice alone.

        `archived=False` is for what lies in the log bucket already, and for what tells of the
        archive itself: copied there, its every line would make another.

        Raises ValueError when the stack's logs have a key, and it is not known in `region`.
        """
        group = aws.cloudwatch.LogGroup(
            name,
            name=physical_name("log_group", path),
            retention_in_days=self.settings.retention_days,
            kms_key_id=self._key_arn_in(region),
            region=region,
            opts=opts,
        )
        what = path.replace(f"{self.prefix}-", "", 1)
        self.made.append(KeptGroup(what=what, name=group.name, region=region, archived=archived))
        return group

    def _key_arn_in(self, region: str | None) -> pulumi.Input[str] | None:
        if region is None or self.key_arn is None:
            return self.key_arn
        if region not in self.key_arns_elsewhere:
            raise ValueError(
                f"no key for a log group in {region}; give Logs its ARN in key_arns_elsewhere"
            )
        return self.key_arns_elsewhere[region]


def grant_write(log_group: aws.cloudwatch.LogGroup) -> Statement:
    """Write to the group, and to no other."""
    return Statement(
        sid="WriteLogs",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[pulumi.Output.concat(log_group.arn, ":*")],
    )
