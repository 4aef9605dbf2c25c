"""`backlot:load_balancer`: the public door of the API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Section


class LoadBalancerSettings(Section):
    plain_http: bool = False
    """Answer over HTTP when there is no domain. For dev; refused where `platform.protect` holds."""
    idle_seconds: Annotated[int, Field(ge=1, le=4000)] = 60
    """Seconds a silent connection is kept."""
    deletion_protection: bool
    """AWS refuses to delete the load balancer while this holds."""
    access_logs: bool = True
    """Write a line per request to the log bucket."""
