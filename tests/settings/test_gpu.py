"""What each region sells of the GPU types, and what a fleet is made of there."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from settings.gpu import FLEET_TYPES, GPU_CLASSES, SOLD_IN, fitting_types
from settings.regions import REGIONS
from settings.workers import GpuFleetSettings
from tests.settings.stack_files import accepted


def sold_by_cfn_lint() -> dict[str, set[str]]:
    schemas = files("cfnlint.data.schemas.extensions.aws_ec2_instance")
    listed = json.loads(schemas.joinpath("instancetype_enum.json").read_text(encoding="utf-8"))
    return {region: set(listed[region]["enum"]) for region in REGIONS}


def fleet(region: str, **given: object) -> GpuFleetSettings:
    settings = accepted(
        {"aws:region": region, **{f"workers.render.{key}": value for key, value in given.items()}}
    )
    render = settings.workers["render"]
    assert isinstance(render, GpuFleetSettings)
    return render


def test_each_type_is_sold_where_cfn_lint_lets_it_pass() -> None:
    sold = sold_by_cfn_lint()

    assert SOLD_IN.keys() == set(FLEET_TYPES)
    for instance_type, regions in SOLD_IN.items():
        assert list(regions) == [region for region in REGIONS if instance_type in sold[region]]


@pytest.mark.parametrize(
    ("region", "types"),
    [
        ("us-east-1", ("g6.xlarge", "g5.xlarge")),
        ("eu-west-1", ("g5.xlarge",)),
        ("ap-south-2", ("g6.xlarge",)),
    ],
)
def test_a_class_leaves_out_what_its_region_does_not_sell(
    region: str, types: tuple[str, ...]
) -> None:
    assert fleet(region).types_in(region) == types


def test_a_fleets_own_types_stand_in_place_of_the_classs() -> None:
    own = fleet("us-east-1", instance_types=["g6e.xlarge", "g5.xlarge"])

    assert own.types_in("us-east-1") == ("g6e.xlarge", "g5.xlarge")


def test_what_would_fit_a_class_is_sold_there_and_has_its_memory() -> None:
    assert fitting_types("24g", "us-east-1") == ("g5.xlarge", "g6.xlarge", "g6e.xlarge")
    assert fitting_types("16g", "us-west-1") == ("g4dn.xlarge",)
    assert fitting_types("24g", "us-west-1") == ()
    for gpu_class, facts in GPU_CLASSES.items():
        assert set(facts.instance_types) <= set(fitting_types(gpu_class, "us-east-1"))


def test_a_class_that_shrinks_to_one_type_is_judged_by_that_type() -> None:
    assert fleet("eu-west-1", cpu=4096, memory=14336)
