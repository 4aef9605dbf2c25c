"""Facts about database and cache classes: their memory, and how many connections that allows.

RDS memory is the EC2 memory of the same type (Amazon RDS User Guide, "DB instance classes").
ElastiCache keeps a share for itself, so its figures are `maxmemory` of each node type, in GiB
(Amazon ElastiCache User Guide, "Redis OSS node-type specific parameters"). Read 2026-07.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_GIB = 1024**3
_MIB = 1024**2

_EC2_SIZES = {
    "large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8, "8xlarge": 16, "12xlarge": 24,
    "16xlarge": 32, "24xlarge": 48, "32xlarge": 64,
}  # fmt: skip
"""How much larger than `large` a size is, within one EC2 family."""


def _rds(large_gib: int, *, up_to: str) -> Mapping[str, float]:
    return {
        size: large_gib * factor
        for size, factor in _EC2_SIZES.items()
        if factor <= _EC2_SIZES[up_to]
    }


_RDS_BURSTABLE: Mapping[str, float] = {
    "micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32,
}  # fmt: skip
_CACHE_BURSTABLE: Mapping[str, float] = {"micro": 0.5, "small": 1.37, "medium": 3.09}
_CACHE_GENERAL: Mapping[str, float] = {
    "large": 6.38, "xlarge": 12.93, "2xlarge": 26.04, "4xlarge": 52.26,
    "8xlarge": 103.68, "12xlarge": 157.12, "16xlarge": 209.55,
}  # fmt: skip
_CACHE_MEMORY: Mapping[str, float] = {
    "large": 13.07, "xlarge": 26.32, "2xlarge": 52.82, "4xlarge": 105.81,
    "8xlarge": 209.55, "12xlarge": 317.77, "16xlarge": 419.09,
}  # fmt: skip


def _intel_cache(graviton: Mapping[str, float], largest_gib: float) -> Mapping[str, float]:
    shared = ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge")
    return {**{size: graviton[size] for size in shared}, "24xlarge": largest_gib}


MEMORY_GIB: Mapping[str, Mapping[str, float]] = {
    "db.t3": _RDS_BURSTABLE,
    "db.t4g": _RDS_BURSTABLE,
    "db.m5": _rds(8, up_to="24xlarge"),
    "db.m6g": _rds(8, up_to="16xlarge"),
    "db.m6i": _rds(8, up_to="32xlarge"),
    "db.m7g": _rds(8, up_to="16xlarge"),
    "db.m7i": {**_rds(8, up_to="24xlarge"), "48xlarge": 768},
    "db.m8g": {**_rds(8, up_to="24xlarge"), "48xlarge": 768},
    "db.r5": _rds(16, up_to="24xlarge"),
    "db.r6g": _rds(16, up_to="16xlarge"),
    "db.r6i": _rds(16, up_to="32xlarge"),
    "db.r7g": _rds(16, up_to="16xlarge"),
    "db.r7i": {**_rds(16, up_to="24xlarge"), "48xlarge": 1536},
    "db.r8g": {**_rds(16, up_to="24xlarge"), "48xlarge": 1536},
    "cache.t3": _CACHE_BURSTABLE,
    "cache.t4g": _CACHE_BURSTABLE,
    "cache.m5": _intel_cache(_CACHE_GENERAL, 314.32),
    "cache.m6g": _CACHE_GENERAL,
    "cache.m7g": _CACHE_GENERAL,
    "cache.r5": _intel_cache(_CACHE_MEMORY, 635.61),
    "cache.r6g": _CACHE_MEMORY,
    "cache.r7g": _CACHE_MEMORY,
}
"""Memory by family and size."""


def memory_gib(instance_class: str) -> float:
    """Memory of `db.r6g.large` or `cache.t4g.micro`, in GiB.

    Raises LookupError, saying which families or sizes are known, for a class that is not listed.
    """
    family, _, size = instance_class.rpartition(".")
    sizes = MEMORY_GIB.get(family)
    if sizes is None:
        kind = family.partition(".")[0]
        known = ", ".join(name for name in MEMORY_GIB if name.startswith(f"{kind}."))
        raise LookupError(f"{family} is not a known family: known are {known}")
    if size not in sizes:
        raise LookupError(f"{family} has no size {size}: known are {', '.join(sizes)}")
    return sizes[size]


def max_connections(instance_class: str) -> int:
    """Connections PostgreSQL admits by default: LEAST(DBInstanceClassMemory / 9531392, 5000).

    DBInstanceClassMemory is the class's memory less what RDS needs for itself, which AWS does not
    publish. Taken here as 8 %, at least 288 MiB, which follows what running instances report
    (81 on a micro, about 415 on a medium, 3300 on an r6g.xlarge): with the nominal memory a micro's
    alarm at 80 % would stand above what it can ever reach.

    Raises LookupError as `memory_gib` does.
    """
    nominal = memory_gib(instance_class) * _GIB
    usable = nominal - max(288 * _MIB, nominal * 0.08)
    return min(int(usable / 9531392), 5000)


def architecture(instance_type: str) -> str:
    """The CPU of an EC2 instance type: `arm64` or `x86_64`.

    A family's attributes follow its generation, and `g` among them is Graviton.
    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
    """
    family = instance_type.partition(".")[0]
    attributes = re.sub(r"^[a-z]+(-[0-9]+tb)?[0-9]*", "", family)
    return "arm64" if family == "a1" or "g" in attributes else "x86_64"
