from __future__ import annotations

import gzip
import json
from importlib.resources import files
from typing import Any

import pytest

from settings.gpu import GPU_INSTANCES, GpuInstance
from settings.instances import MEMORY_GIB, max_connections, memory_gib


@pytest.fixture(scope="module")
def ec2_types() -> dict[str, Any]:
    """EC2's own DescribeInstanceTypes, as moto ships it."""
    packed = files("moto.ec2.resources").joinpath("instance_types.json.gz").read_bytes()
    return json.loads(gzip.decompress(packed))


def test_rds_classes_have_the_memory_of_the_ec2_type_of_their_name(
    ec2_types: dict[str, Any],
) -> None:
    ours = {
        f"{family}.{size}".removeprefix("db."): gib
        for family, sizes in MEMORY_GIB.items()
        if family.startswith("db.")
        for size, gib in sizes.items()
    }

    assert ours == {name: ec2_types[name]["MemoryInfo"]["SizeInMiB"] / 1024 for name in ours}


def test_gpu_facts_are_those_of_the_ec2_types(ec2_types: dict[str, Any]) -> None:
    for name, facts in GPU_INSTANCES.items():
        described = ec2_types[name]
        [gpu] = described["GpuInfo"]["Gpus"]
        assert facts == GpuInstance(
            gpus=gpu["Count"],
            gpu_mib=gpu["MemoryInfo"]["SizeInMiB"],
            vcpus=described["VCpuInfo"]["DefaultVCpus"],
            memory_mib=described["MemoryInfo"]["SizeInMiB"],
        )


@pytest.mark.parametrize(
    ("instance_class", "gib"),
    [
        ("db.t4g.micro", 1),
        ("db.t4g.medium", 4),
        ("db.m7g.xlarge", 16),
        ("db.r6g.large", 16),
        ("db.r6g.xlarge", 32),
        ("db.r6g.16xlarge", 512),
        ("db.r5.24xlarge", 768),
        ("cache.t4g.micro", 0.5),
        ("cache.t4g.medium", 3.09),
        ("cache.r6g.large", 13.07),
        ("cache.r5.24xlarge", 635.61),
    ],
)
def test_a_class_has_the_memory_aws_publishes(instance_class: str, gib: float) -> None:
    assert memory_gib(instance_class) == gib


def test_an_unknown_family_is_refused_with_the_known_ones_of_its_service() -> None:
    with pytest.raises(LookupError, match=r"cache\.t1 is not a known family: known are cache\.t3"):
        memory_gib("cache.t1.micro")


@pytest.mark.parametrize("instance_class", ["db.t4g.8xlarge", "db.r6g.24xlarge"])
def test_an_unknown_size_is_refused_with_the_known_ones(instance_class: str) -> None:
    with pytest.raises(LookupError, match=r"has no size .*: known are .*large"):
        memory_gib(instance_class)


@pytest.mark.parametrize(
    ("instance_class", "connections"),
    [
        ("db.t4g.micro", 80),
        ("db.t4g.medium", 414),
        ("db.r6g.large", 1658),
        ("db.r6g.xlarge", 3316),
        ("db.r6g.2xlarge", 5000),
    ],
)
def test_connections_follow_the_memory_that_rds_leaves(  # M95
    instance_class: str, connections: int
) -> None:
    assert max_connections(instance_class) == connections


def test_the_connections_alarm_of_a_micro_stands_below_what_one_can_reach() -> None:  # M95
    observed_limit = 81

    assert 0.8 * max_connections("db.t4g.micro") < observed_limit
