"""`backlot:api`: where the API runs, how large, and how it scales."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.fields import (
    EnvironmentName,
    ImageReference,
    Name,
    Port,
    Section,
    TargetPercent,
    Unique,
    form,
)


class HealthSettings(Section):
    """The container's own health check and the load balancer's, against the same path."""

    path: Annotated[
        str,
        form(
            r"^/[A-Za-z0-9_./-]*$",
            "give a path that begins with /, of plain letters, digits and _ . / -",
            examples=["/health"],
        ),
    ] = "/health"
    """A shallow check: a database blip must not take every task out."""
    interval_seconds: Annotated[int, Field(ge=5, le=300)] = 30
    """Between two checks."""
    timeout_seconds: Annotated[int, Field(ge=2, le=60)] = 5
    """How long an answer may take; less than the interval."""
    retries: Annotated[int, Field(ge=2, le=10)] = 3
    """Failures in a row that make a task unhealthy."""
    start_seconds: Annotated[int, Field(ge=0, le=300)] = 60
    """Grace before failures count."""


class FargateApiSettings(Section):
    kind: Literal["fargate"]
    """The platform it runs on."""
    image: ImageReference
    """What runs: a repository of this platform's registry and a tag, or a full image address."""
    command: tuple[str, ...] = ()
    """Replaces the image's own command."""
    port: Port = 8000
    """Where the container listens."""
    cpu: Literal[256, 512, 1024, 2048, 4096, 8192, 16384]
    """CPU units, 1024 to a vCPU."""
    memory: Annotated[int, Field(ge=512, le=122880)]
    """MiB; which values go with which CPU is Fargate's rule."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """Graviton costs about 20 % less."""
    min_tasks: Annotated[int, Field(ge=1, le=1000)]
    """Tasks that always run."""
    max_tasks: Annotated[int, Field(ge=1, le=1000)]
    """Tasks that scaling may reach."""
    cpu_target: TargetPercent = 70
    """Average CPU that scaling holds, in percent."""
    memory_target: TargetPercent = 80
    """Average memory that scaling holds, in percent."""
    cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """Rest after a scaling step, out and in."""
    health: HealthSettings = HealthSettings()
    """How a task shows that it can answer."""
    environment: dict[EnvironmentName, str] = Field(default_factory=dict)
    """Plain variables; nothing secret."""
    secrets: Unique[Name] = ()
    """Names from `backlot:secrets` that the container reads, beside DATABASE_URL and REDIS_URL."""


ApiSettings = FargateApiSettings
"""Every platform the API can run on, told apart by `kind`."""
