"""Log groups: one per thing that writes, all kept and encrypted alike."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.naming import physical_name
from settings.logs import LogsSettings


@dataclass(frozen=True, kw_only=True)
class Logs:
    """How this stack keeps logs; handed to every component that writes some.

    Cost: 0.50 USD per GB taken in and 0.03 USD per GB and month kept (us-east-1, 2026).
    """

    settings: LogsSettings
    prefix: str
    key_arn: pulumi.Input[str] | None
    """The customer-managed key of log groups; CloudWatch's own when absent."""

    def group(
        self, name: str, service: str, what: str, opts: pulumi.ResourceOptions
    ) -> aws.cloudwatch.LogGroup:
        """The log group `/<service>/<prefix>-<what>`: people search logs by that path (M88)."""
        return aws.cloudwatch.LogGroup(
            name,
            name=physical_name("log_group", f"/{service}/{self.prefix}-{what}"),
            retention_in_days=self.settings.retention_days,
            kms_key_id=self.key_arn,
            opts=opts,
        )
