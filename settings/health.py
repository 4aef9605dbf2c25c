"""How a container shows that it can answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Section, UrlPath


class HealthSettings(Section):
    """The container's own health check and the load balancer's, against the same path."""

    path: UrlPath = "/health"
    """A shallow check: a database blip must not take every task out."""
    interval_seconds: Annotated[int, Field(ge=5, le=300)] = 30
    """Between two checks."""
    timeout_seconds: Annotated[int, Field(ge=2, le=60)] = 5
    """How long an answer may take; less than the interval."""
    retries: Annotated[int, Field(ge=2, le=10)] = 3
    """Failures in a row that make a task unhealthy."""
    start_seconds: Annotated[int, Field(ge=0, le=300)] = 60
    """Grace before failures count."""
