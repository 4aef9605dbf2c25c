"""The regions, and the letters that their zones can have."""

from __future__ import annotations

import pytest
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from settings.regions import REGIONS, zone_letters

NOT_IN_EVERY_ACCOUNT = {"ap-northeast-1": "b", "ca-central-1": "c", "us-west-1": "c"}
"""Letters that moto, and so the rehearsal, does not show."""


@pytest.mark.parametrize("region", REGIONS)
def test_the_letters_of_a_regions_zones_are_motos_and_what_other_accounts_see(region: str) -> None:
    seen = {zone.name.removeprefix(region) for zone in RegionsAndZonesBackend.zones[region]}

    assert set(zone_letters(region)) == seen | set(NOT_IN_EVERY_ACCOUNT.get(region, ""))


def test_the_letters_are_in_order_and_each_once() -> None:
    for region in REGIONS:
        assert list(zone_letters(region)) == sorted(set(zone_letters(region)))
