"""The address plan: which block of the VPC belongs to which tier and zone.

Every zone letter from a to h owns a block in each tier, whether the stack uses it or not. So a
zone that is added later, or a NAT gateway more, moves no subnet that stands.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ZONE_LETTERS = "abcdefgh"
LARGEST_VPC = 16
SMALLEST_VPC = 20
"""Below it a database subnet would be smaller than the /28 that is AWS's least."""
RESERVED_BY_AWS = 5
"""Addresses of every subnet that AWS keeps: the first four and the last."""

_PRIVATE_BITS = 4
_PUBLIC_BITS = 7
_DATABASE_BITS = 8


@dataclass(frozen=True, kw_only=True)
class AddressPlan:
    """The subnets of each tier by zone letter, in the order the zones were named."""

    public: Mapping[str, str]
    private: Mapping[str, str]
    database: Mapping[str, str]

    @property
    def private_addresses(self) -> int:
        """Addresses the private tier can hand out, over all its zones."""
        return sum(
            ipaddress.IPv4Network(block).num_addresses - RESERVED_BY_AWS
            for block in self.private.values()
        )


def plan(cidr: str, zones: Iterable[str]) -> AddressPlan:
    """Lay the tiers out over `cidr`, a /16 to /20, for the given zone letters.

    The lower half is the private tier, an eighth of it per zone. The upper half begins with eight
    public blocks (an eighth of a private one each), then eight database blocks of half that size;
    the rest stays free. 10.0.0.0/16 gives zone a 10.0.0.0/20, 10.0.128.0/23 and 10.0.144.0/24.

    Raises ValueError for a network outside /16 to /20 and for a letter outside a to h.
    """
    vpc = ipaddress.IPv4Network(cidr)
    if not LARGEST_VPC <= vpc.prefixlen <= SMALLEST_VPC:
        raise ValueError(f"{cidr} must be a /{LARGEST_VPC} to a /{SMALLEST_VPC}")
    letters = tuple(zones)
    for letter in letters:
        if len(letter) != 1 or letter not in ZONE_LETTERS:
            raise ValueError(f"zone {letter!r} must be one letter from a to h")

    upper_half = vpc.num_addresses // 2
    after_public = upper_half + len(ZONE_LETTERS) * _size(vpc, _PUBLIC_BITS)
    return AddressPlan(
        public=_tier(vpc, _PUBLIC_BITS, upper_half, letters),
        private=_tier(vpc, _PRIVATE_BITS, 0, letters),
        database=_tier(vpc, _DATABASE_BITS, after_public, letters),
    )


def _size(vpc: ipaddress.IPv4Network, bits: int) -> int:
    return vpc.num_addresses >> bits


def _tier(
    vpc: ipaddress.IPv4Network, bits: int, offset: int, letters: Iterable[str]
) -> Mapping[str, str]:
    first = int(vpc.network_address) + offset
    return {
        letter: str(
            ipaddress.IPv4Network(
                (first + ZONE_LETTERS.index(letter) * _size(vpc, bits), vpc.prefixlen + bits)
            )
        )
        for letter in letters
    }
