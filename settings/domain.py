"""`backlot:domain`: the DNS zone and the names in it.

Absent, the API answers under the load balancer's own name, over plain HTTP.
"""

from __future__ import annotations

from settings.fields import Domain, Section, Unique


class DomainSettings(Section):
    zone: Domain
    """The Route 53 zone that holds every name below."""
    create_zone: bool = False
    """True: this stack makes the zone (0.50 USD a month). False: it stands already."""
    api: Domain
    """Where the API answers; a name inside the zone."""
    alternative_names: Unique[Domain] = ()
    """Further names on the API's certificate, inside the zone."""
