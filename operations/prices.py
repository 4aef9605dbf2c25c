"""What AWS asks in us-east-1: the figures that `operations.cost` multiplies.

On demand, in US dollars, without tax, free tiers, Savings Plans or credits. Every figure names
AWS's own page, which has it for every region, and where it was seen on `AS_OF`. Most of those pages
draw their tables in the browser, so a figure was seen where somebody quotes it, or nowhere, and is
from memory then. Whoever corrects one corrects its `seen` too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REGION = "us-east-1"
AS_OF = "2026-11-26"
"""The day the figures were gathered."""

HOURS = 730
"""In a month, as AWS's own calculator counts them."""

FROM_MEMORY = "from memory, 2026"
_QUOTED = "quoted from AWS's page on 2026-09-20 in github.com/api-evangelist/amazon-"


@dataclass(frozen=True, kw_only=True)
class Price:
    """One figure."""

    usd: float
    per: str
    page: str
    """AWS's."""
    seen: str = FROM_MEMORY


@dataclass(frozen=True, kw_only=True)
class Classes:
    """An hour of each class of machine that a service has.

    Where the sizes of a family cost as they grow, the family is listed once, by its `large`; AWS
    rounds each size, by less than 1 %.
    """

    large: Mapping[str, float]
    """By family."""
    others: Mapping[str, float] = field(default_factory=dict)
    """By class."""
    page: str
    seen: str = FROM_MEMORY

    def hour(self, name: str) -> float | None:
        """An hour of `r6g.large`; None when it is not listed."""
        family, _, size = name.rpartition(".")
        if name in self.others or family not in self.large or size not in LARGES:
            return self.others.get(name)
        return self.large[family] * LARGES[size]


LARGES: Mapping[str, int] = {
    "large": 1,
    "xlarge": 2,
    **{f"{count}xlarge": 2 * count for count in (2, 4, 8, 12, 16, 24, 32, 48)},
}
"""How many times a `large` a size is."""

_RDS = "https://aws.amazon.com/rds/postgresql/pricing/"
_CACHE = "https://aws.amazon.com/elasticache/pricing/"
_EC2 = "https://aws.amazon.com/ec2/pricing/on-demand/"
_EBS = "https://aws.amazon.com/ebs/pricing/"
_FARGATE = "https://aws.amazon.com/fargate/pricing/"
_VPC = "https://aws.amazon.com/vpc/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_WAF = "https://aws.amazon.com/waf/pricing/"
_ROUTE53 = "https://aws.amazon.com/route53/pricing/"

RDS_POSTGRESQL = Classes(
    large={
        "m5": 0.178,
        "m6g": 0.159,
        "m6i": 0.178,
        "m7g": 0.168,
        "r5": 0.25,
        "r6g": 0.225,
        "r6i": 0.25,
        "r7g": 0.239,
    },
    others={
        "t3.micro": 0.018,
        "t3.small": 0.036,
        "t3.medium": 0.072,
        "t3.large": 0.145,
        "t3.xlarge": 0.29,
        "t3.2xlarge": 0.579,
        "t4g.micro": 0.016,
        "t4g.small": 0.032,
        "t4g.medium": 0.065,
        "t4g.large": 0.129,
        "t4g.xlarge": 0.258,
        "t4g.2xlarge": 0.517,
    },
    page=_RDS,
    seen="t4g up to medium at infratally.com/articles/aws-rds-pricing-explained-2026.html, "
    "t3.large in infracost's db_instance_test.golden; the others from memory, 2026",
)
"""In one zone; in two, twice that."""

ELASTICACHE_REDIS = Classes(
    large={"m5": 0.156, "m6g": 0.149, "m7g": 0.158, "r5": 0.216, "r6g": 0.206, "r7g": 0.219},
    others={
        "t3.micro": 0.017,
        "t3.small": 0.034,
        "t3.medium": 0.068,
        "t4g.micro": 0.016,
        "t4g.small": 0.032,
        "t4g.medium": 0.065,
    },
    page=_CACHE,
)

VALKEY_SHARE = 0.8
"""Of what a node of Redis costs. https://aws.amazon.com/elasticache/pricing/, from memory, 2026"""

EC2_LINUX = Classes(
    large={
        "c5": 0.085,
        "c6a": 0.0765,
        "c6g": 0.068,
        "c6i": 0.085,
        "c7g": 0.0725,
        "c7i": 0.08925,
        "m5": 0.096,
        "m6a": 0.0864,
        "m6g": 0.077,
        "m6i": 0.096,
        "m7g": 0.0816,
        "m7i": 0.1008,
        "r5": 0.126,
        "r6g": 0.1008,
        "r6i": 0.126,
        "r7g": 0.1071,
    },
    others={
        "t3.micro": 0.0104,
        "t3.small": 0.0208,
        "t3.medium": 0.0416,
        "t3.large": 0.0832,
        "t3.xlarge": 0.1664,
        "t3.2xlarge": 0.3328,
        "t4g.micro": 0.0084,
        "t4g.small": 0.0168,
        "t4g.medium": 0.0336,
        "t4g.large": 0.0672,
        "t4g.xlarge": 0.1344,
        "t4g.2xlarge": 0.2688,
        "g4dn.xlarge": 0.526,
        "g4dn.12xlarge": 3.912,
        "g5.xlarge": 1.006,
        "g5.12xlarge": 5.672,
        "g6.xlarge": 0.8048,
        "g6.12xlarge": 4.6016,
        "g6e.xlarge": 1.861,
    },
    page=_EC2,
    seen="g5.xlarge and m7g.large at "
    "factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026; the others from "
    "memory, 2026",
)

SPOT_SAVES: Mapping[str, float] = {"g4dn": 0.64, "g5": 0.59, "g6": 0.49, "g6e": 0.58}
"""By family: the share of an on-demand hour that spot saves, typically: it changes by the hour.
Spot Instance Advisor of July 2025 for the xlarge, in github.com/alexei-led/spotinfo."""

SPOT_SAVES_ELSE = 0.6
"""For the other families; from memory, 2026."""

FARGATE_SPOT_SAVES = 0.65
"""AWS says up to 70 %. https://aws.amazon.com/fargate/pricing/, from memory, 2026"""

FARGATE_VCPU: Mapping[str, Price] = {
    "ARM64": Price(
        usd=0.03238, per="vCPU-hour", page=_FARGATE, seen="at vantage.sh/blog/fargate-pricing"
    ),
    "X86_64": Price(
        usd=0.04048, per="vCPU-hour", page=_FARGATE, seen="at vantage.sh/blog/fargate-pricing"
    ),
}
FARGATE_GB: Mapping[str, Price] = {
    "ARM64": Price(
        usd=0.00356, per="GB-hour", page=_FARGATE, seen="at vantage.sh/blog/fargate-pricing"
    ),
    "X86_64": Price(
        usd=0.004445, per="GB-hour", page=_FARGATE, seen="at vantage.sh/blog/fargate-pricing"
    ),
}
"""Of memory."""
FARGATE_DISK_GB = Price(
    usd=0.000111,
    per="GB-hour above 20 GB",
    page=_FARGATE,
    seen="at vantage.sh/blog/fargate-pricing",
)

RDS_GP3_GB = Price(
    usd=0.115,
    per="GB-month in one zone; in two, twice that",
    page=_RDS,
    seen="at usage.ai/blogs/aws/reserved-instances/rds/pricing-calculator, June 2026; in two zones "
    "in infracost's db_instance_test.golden",
)
DATABASE_INSIGHTS_VCPU = Price(usd=0.0125, per="vCPU-hour, advanced mode", page=_CLOUDWATCH)
EBS_GP3_GB = Price(usd=0.08, per="GB-month", page=_EBS)
EBS_GP3_IOPS = Price(usd=0.005, per="IOPS-month above 3000", page=_EBS)
EBS_GP3_MBPS = Price(usd=0.04, per="MB/s-month above 125", page=_EBS)
NAT_GATEWAY = Price(usd=0.045, per="hour", page=_VPC, seen=f"{_QUOTED}vpc")
PUBLIC_IPV4 = Price(usd=0.005, per="address-hour", page=_VPC)
INTERFACE_ENDPOINT = Price(
    usd=0.01, per="zone-hour", page="https://aws.amazon.com/privatelink/pricing/"
)
LOAD_BALANCER = Price(
    usd=0.0225,
    per="hour",
    page="https://aws.amazon.com/elasticloadbalancing/pricing/",
    seen=f"{_QUOTED}elastic-load-balancing",
)
KMS_KEY = Price(
    usd=1,
    per="month; as much again after the first rotation, and after the second",
    page="https://aws.amazon.com/kms/pricing/",
)
SECRET = Price(
    usd=0.4,
    per="month",
    page="https://aws.amazon.com/secrets-manager/pricing/",
    seen=f"{_QUOTED}secrets-manager",
)
ALARM_METRIC = Price(usd=0.1, per="metric-month", page=_CLOUDWATCH)
FAST_ALARM_METRIC = Price(
    usd=0.3, per="metric-month, looked at within the minute", page=_CLOUDWATCH
)
COMPOSITE_ALARM = Price(usd=0.5, per="month", page=_CLOUDWATCH)
CUSTOM_METRIC = Price(
    usd=0.3,
    per="month",
    page=_CLOUDWATCH,
    seen="at signoz.io/guides/cloudwatch-pricing, 2026-02-15",
)
DASHBOARD = Price(
    usd=3,
    per="month",
    page=_CLOUDWATCH,
    seen="at factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, "
    "2026-06-13",
)
CANARY_RUN = Price(usd=0.0012, per="run", page=_CLOUDWATCH)
WEB_ACL = Price(usd=5, per="month", page=_WAF)
WEB_ACL_RULE = Price(usd=1, per="month", page=_WAF)
HEALTH_CHECK = Price(
    usd=0.5, per="month, of what runs on AWS", page=_ROUTE53, seen=f"{_QUOTED}route53-resolver"
)
HEALTH_CHECK_FEATURE = Price(
    usd=1,
    per="month each: HTTPS, a text to find, every 10 s, latency",
    page=_ROUTE53,
    seen=f"{_QUOTED}route53-resolver",
)

VCPUS_OF_LARGE = 2
"""Of RDS, and of whatever is smaller."""

GPUS: Mapping[str, int] = {"g4dn.12xlarge": 4, "g5.12xlarge": 4, "g6.12xlarge": 4}
"""Where there is more than one: a worker has one for itself.
https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html"""
