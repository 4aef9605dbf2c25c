"""Facts about GPU instance types, so that a wrong fleet is refused before AWS is asked.

GPU memory and host memory from EC2's DescribeInstanceTypes, read 2026-07.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

GpuClassName = Literal["16g", "24g"]


@dataclass(frozen=True, kw_only=True)
class GpuInstance:
    gpus: int
    gpu_mib: int
    vcpus: int
    memory_mib: int


GPU_INSTANCES: Mapping[str, GpuInstance] = {
    "g4dn.xlarge": GpuInstance(gpus=1, gpu_mib=16384, vcpus=4, memory_mib=16384),
    "g5.xlarge": GpuInstance(gpus=1, gpu_mib=22888, vcpus=4, memory_mib=16384),
    "g6.xlarge": GpuInstance(gpus=1, gpu_mib=22888, vcpus=4, memory_mib=16384),
    "g6e.xlarge": GpuInstance(gpus=1, gpu_mib=45776, vcpus=4, memory_mib=32768),
}


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
