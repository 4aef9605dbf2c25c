"""`backlot:domain`: the DNS zone and the names in it.

Absent, the API answers under the load balancer's own name, over plain HTTP, and CloudFront under
the names it makes up.
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
    """Further names of the API, inside the zone."""
    app: Domain | None = None
    """Where the site answers, from the static bucket through `backlot:cdn`."""
    cdn: Domain | None = None
    """Where media and releases answer, through `backlot:cdn`."""
