"""ARNs made from other ARNs."""

from __future__ import annotations

import pulumi


def neighbour(
    arn: pulumi.Output[str], service: str, resource: pulumi.Input[str]
) -> pulumi.Output[str]:
    """The ARN of `resource` of another service, in the partition, region and account of `arn`."""
    partition, region, account = (
        arn.apply(lambda arn, part=part: arn.split(":")[part]) for part in (1, 3, 4)
    )
    return pulumi.Output.concat(
        "arn:", partition, ":", service, ":", region, ":", account, ":", resource
    )
