"""The edge: everything that stands between people and what runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.access import Access
from components.api.load_balancer import LoadBalancer, LoadBalancerArgs
from components.cdn import Cdn, CdnArgs
from components.domain import Domain, DomainArgs
from components.firewall import Firewall, FirewallArgs
from components.ground import Ground
from components.observe import Observable
from components.stores.buckets import Buckets
from settings.stack import Settings


@dataclass(frozen=True, kw_only=True)
class Edge:
    """The names, the firewall, CloudFront and the API's door, of those there are."""

    domain: Domain | None
    firewall: Firewall | None
    cdn: Cdn | None
    load_balancer: LoadBalancer

    @property
    def access(self) -> Sequence[Access]:
        """What whoever runs behind it needs of it."""
        return [self.cdn.access()] if self.cdn else []

    @property
    def watched(self) -> Sequence[Observable]:
        door = self.load_balancer
        parts = (self.domain, self.firewall, self.cdn, door, door.front)
        return [part for part in parts if part]


def edge_of(
    stack: Settings,
    ground: Ground,
    buckets: Buckets,
    opts: pulumi.ResourceOptions,
    kept: pulumi.ResourceOptions,
) -> Edge:
    """The edge that the stack asks for. `kept` is for what must outlive a mistake: the zone."""
    domain = stack.domain and Domain("domain", DomainArgs.of(stack, stack.domain), kept)
    firewall = stack.firewall and Firewall("firewall", FirewallArgs.of(stack, ground), opts)
    return Edge(
        domain=domain,
        firewall=firewall,
        cdn=stack.cdn
        and Cdn(
            "cdn",
            CdnArgs(
                settings=stack.cdn,
                ground=ground,
                buckets=buckets,
                domain=domain,
                firewall=firewall,
            ),
            opts,
        ),
        load_balancer=LoadBalancer(
            "load-balancer",
            LoadBalancerArgs(
                settings=stack.load_balancer,
                ground=ground,
                domain=domain,
                log_bucket=buckets.logs,
                firewall=firewall,
            ),
            opts,
        ),
    )
