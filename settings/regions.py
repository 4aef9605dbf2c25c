"""AWS's commercial regions: botocore 1.44.5's `endpoints.json`, partition `aws`, read 2026-11.

The program writes its ARNs as `arn:aws:`, so GovCloud and China, which are partitions of their own,
are left out.
"""

from __future__ import annotations

REGIONS = (
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
    "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
    "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1",
    "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
    "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
    "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip
OTHER_PARTITIONS = ("us-gov-", "cn-", "us-iso", "eu-iso", "eusc-")
"""How regions begin that AWS runs apart from the commercial ones."""

_MORE_OR_OTHER_ZONES = {
    "ap-northeast-1": "abcd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abcd",
    "us-east-1": "abcdef",
    "us-west-2": "abcd",
}


def zone_letters(region: str) -> str:
    """The letters that zones of a region can have; an account may see fewer, as in us-west-1.

    https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html,
    which counts the zones; by the letters that accounts report, those with more than three, or with
    a gap, are listed above. Read 2026-11.
    """
    return _MORE_OR_OTHER_ZONES.get(region, "abc")
