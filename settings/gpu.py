"""Facts about GPU instance types, so that a wrong fleet is refused before AWS is asked.

GPU memory and host memory from EC2's DescribeInstanceTypes, read 2026-07. Where each type is sold
from cfn-lint 1.58.0, whose schemas are of 2026-10-20; a test holds the list to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from settings.fields import Section

GpuClassName = Literal["16g", "24g"]


@dataclass(frozen=True, kw_only=True)
class GpuInstance:
    gpus: int
    gpu_mib: int
    """Of each GPU."""
    vcpus: int
    memory_mib: int


GPU_INSTANCES: Mapping[str, GpuInstance] = {
    "g4dn.xlarge": GpuInstance(gpus=1, gpu_mib=16384, vcpus=4, memory_mib=16384),
    "g5.xlarge": GpuInstance(gpus=1, gpu_mib=22888, vcpus=4, memory_mib=16384),
    "g6.xlarge": GpuInstance(gpus=1, gpu_mib=22888, vcpus=4, memory_mib=16384),
    "g6e.xlarge": GpuInstance(gpus=1, gpu_mib=45776, vcpus=4, memory_mib=32768),
    "g4dn.12xlarge": GpuInstance(gpus=4, gpu_mib=16384, vcpus=48, memory_mib=196608),
    "g5.12xlarge": GpuInstance(gpus=4, gpu_mib=22888, vcpus=48, memory_mib=196608),
    "g6.12xlarge": GpuInstance(gpus=4, gpu_mib=22888, vcpus=48, memory_mib=196608),
}
"""Those with more than one stand here to be refused by name: a worker has one."""

FLEET_TYPES = tuple(name for name, facts in GPU_INSTANCES.items() if facts.gpus == 1)
"""What a fleet may be made of."""

SOLD_IN: Mapping[str, tuple[str, ...]] = {
    "g4dn.xlarge": (
        "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
        "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
        "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "me-south-1",
        "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    ),
    "g5.xlarge": (
        "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-2",
        "ap-southeast-3", "ca-central-1", "eu-central-1", "eu-north-1", "eu-south-2",
        "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "sa-east-1",
        "us-east-1", "us-east-2", "us-west-2",
    ),
    "g6.xlarge": (
        "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-south-2", "ap-southeast-2",
        "ap-southeast-5", "ca-central-1", "eu-central-1", "eu-central-2", "eu-north-1",
        "eu-south-2", "eu-west-2", "eu-west-3", "me-central-1", "sa-east-1", "us-east-1",
        "us-east-2", "us-west-2",
    ),
    "g6e.xlarge": (
        "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
        "eu-central-1", "eu-north-1", "eu-south-2", "me-central-1", "us-east-1", "us-east-2",
        "us-west-2",
    ),
}  # fmt: skip
"""The regions where EC2 has each type that a fleet may be made of."""


@dataclass(frozen=True, kw_only=True)
class GpuClass:
    """Types a task may land on alike: one GPU each, none with less memory than the floor."""

    floor_mib: int
    instance_types: tuple[str, ...]
    """In the order on-demand capacity is bought; spot takes whatever is deepest."""


GPU_CLASSES: Mapping[GpuClassName, GpuClass] = {
    "16g": GpuClass(floor_mib=16000, instance_types=("g4dn.xlarge", "g6.xlarge", "g5.xlarge")),
    "24g": GpuClass(floor_mib=22000, instance_types=("g6.xlarge", "g5.xlarge")),
}


def fitting_types(gpu_class: GpuClassName, region: str) -> tuple[str, ...]:
    """Every type that is sold in a region and satisfies a class, in its list or not."""
    return tuple(
        name
        for name in FLEET_TYPES
        if GPU_INSTANCES[name].gpu_mib >= GPU_CLASSES[gpu_class].floor_mib
        and region in SOLD_IN[name]
    )


class QuotaSettings(Section):
    """`backlot:gpu_quota`: the account's limits on G and VT instances, in vCPU.

    New accounts have 0 of either. https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
    """

    on_demand: Annotated[int, Field(ge=0)]
    """Running On-Demand G and VT instances (L-DB2E81BA)."""
    spot: Annotated[int, Field(ge=0)]
    """All G and VT Spot Instance Requests (L-3819A6DF)."""
    request: bool = False
    """True: ask AWS for these. A person at AWS may decide, and it may take days."""
