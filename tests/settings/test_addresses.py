from __future__ import annotations

import ipaddress
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.addresses import ZONE_LETTERS, AddressPlan, plan

VPCS = st.builds(
    lambda prefix, index: str(
        ipaddress.IPv4Network(((10 << 24) + index * 2 ** (32 - prefix), prefix))
    ),
    st.integers(16, 20),
    st.integers(0, 15),
)
ZONES = st.lists(st.sampled_from(ZONE_LETTERS), min_size=1, unique=True)


def blocks(laid: AddressPlan) -> list[ipaddress.IPv4Network]:
    return [
        ipaddress.IPv4Network(block)
        for tier in (laid.public, laid.private, laid.database)
        for block in tier.values()
    ]


def test_production_gets_the_blocks_its_subnets_stand_in() -> None:
    laid = plan("10.3.0.0/16", "abc")  # M2, M3, M4

    assert laid.private == {"a": "10.3.0.0/20", "b": "10.3.16.0/20", "c": "10.3.32.0/20"}
    assert laid.public == {"a": "10.3.128.0/23", "b": "10.3.130.0/23", "c": "10.3.132.0/23"}
    assert laid.database == {"a": "10.3.144.0/24", "b": "10.3.145.0/24", "c": "10.3.146.0/24"}


def test_the_smallest_network_gives_the_smallest_subnets_aws_allows() -> None:
    laid = plan("10.0.0.0/20", "ah")

    assert laid.database == {"a": "10.0.9.0/28", "h": "10.0.9.112/28"}


def test_five_addresses_of_every_private_subnet_belong_to_aws() -> None:
    assert plan("10.0.0.0/20", "ab").private_addresses == 2 * (256 - 5)


@pytest.mark.parametrize("cidr", ["10.0.0.0/15", "10.0.0.0/21"])
def test_a_network_outside_the_sizes_is_refused(cidr: str) -> None:
    with pytest.raises(ValueError, match="must be a /16 to a /20"):
        plan(cidr, "ab")


@pytest.mark.parametrize("zone", ["i", "A", "ab", ""])
def test_a_zone_outside_a_to_h_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="one letter from a to h"):
        plan("10.0.0.0/16", [zone])


@given(VPCS, ZONES)
def test_no_two_blocks_overlap(cidr: str, zones: list[str]) -> None:
    assert not any(one.overlaps(other) for one, other in combinations(blocks(plan(cidr, zones)), 2))


@given(VPCS, ZONES)
def test_every_block_lies_inside_the_network(cidr: str, zones: list[str]) -> None:
    vpc = ipaddress.IPv4Network(cidr)

    assert all(block.subnet_of(vpc) for block in blocks(plan(cidr, zones)))


@given(VPCS, ZONES)
def test_a_zone_keeps_its_blocks_whatever_other_zones_there_are(
    cidr: str, zones: list[str]
) -> None:
    all_zones, some = plan(cidr, ZONE_LETTERS), plan(cidr, zones)

    for letter in zones:
        assert some.public[letter] == all_zones.public[letter]
        assert some.private[letter] == all_zones.private[letter]
        assert some.database[letter] == all_zones.database[letter]
    assert list(some.private) == zones
