"""`backlot:load_balancer`: the public door of the API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.fields import Section

ReachedThrough = Literal["internet", "cloudfront", "api_gateway"]


class GatewaySettings(Section):
    """What the HTTP API in front lets through."""

    requests_per_second: Annotated[int, Field(ge=1, le=10_000)] = 1000
    """Steady rate; what is above it is answered with 429."""
    burst: Annotated[int, Field(ge=1, le=5000)] = 2000
    """Requests at once before the rate counts."""


class LoadBalancerSettings(Section):
    reached_through: ReachedThrough = "internet"
    """`internet`: the load balancer is public. `cloudfront` and `api_gateway`: it stands in the
    private subnets and is reached through that alone. Changing it makes another load balancer."""
    api_gateway: GatewaySettings = GatewaySettings()
    """For `reached_through: api_gateway`."""
    plain_http: bool = False
    """Answer over HTTP when there is no domain. For dev; refused where `platform.protect` holds."""
    idle_seconds: Annotated[int, Field(ge=1, le=4000)] = 60
    """Seconds a silent connection is kept. What stands in front waits for an answer as well: API
    Gateway 30 at most, CloudFront 60, and 600 on a silent WebSocket."""
    deletion_protection: bool
    """AWS refuses to delete the load balancer while this holds."""
    access_logs: bool = True
    """Write a line per request to the log bucket."""
    connection_logs: bool = False
    """Write a line per connection too: who came with which TLS, and who was turned away."""
    health_check_logs: bool = False
    """Write down what each target answered to its health checks."""
