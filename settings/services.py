"""`backlot:services`: further containers beside the API, by name."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from settings.fields import (
    EnvironmentName,
    ImageReference,
    Name,
    Percent,
    Port,
    Section,
    TargetPercent,
    Unique,
    form,
)
from settings.health import HealthSettings


def _leaves_paths_to_the_api(pattern: str) -> str:
    if re.fullmatch(r"/\*+", pattern):
        raise ValueError(
            "matches every path, so the API would get no request; give a narrower one, such as "
            "/admin/*"
        )
    return pattern


PathPattern = Annotated[
    str,
    form(
        r"^/[A-Za-z0-9_.*/$~&-]*$",
        "give a path that begins with /, in which * stands for anything",
        max_length=128,
        examples=["/admin/*"],
    ),
    AfterValidator(_leaves_paths_to_the_api),
]


class RouteSettings(Section):
    """Which of the load balancer's requests a service gets."""

    paths: Annotated[Unique[PathPattern], Field(min_length=1, max_length=5)]
    """Paths that lead here instead of to the API."""
    priority: Annotated[int, Field(ge=10, le=99)]
    """Which rule is asked first when paths overlap: the smallest. The API's comes last."""


class ServiceSettings(Section):
    """An ECS service on Fargate. A new version replaces the old task by task."""

    image: ImageReference
    """What runs: a repository of this platform's registry and a tag, or a full image address."""
    command: tuple[str, ...] = ()
    """Replaces the image's own command."""
    cpu: Literal[256, 512, 1024, 2048, 4096, 8192, 16384]
    """CPU units of a task, 1024 to a vCPU."""
    memory: Annotated[int, Field(ge=512, le=122880)]
    """MiB of a task; which values go with which CPU is Fargate's rule."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """The CPU that the image is built for."""
    min_tasks: Annotated[int, Field(ge=1, le=1000)]
    """Tasks that always run."""
    max_tasks: Annotated[int, Field(ge=1, le=1000)]
    """Tasks that scaling may reach."""
    spot_percent: Percent = 0
    """Share of the tasks on Fargate Spot."""
    cpu_target: TargetPercent = 70
    """Average CPU that scaling holds, in percent."""
    memory_target: TargetPercent = 80
    """Average memory that scaling holds, in percent."""
    cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """Rest after a scaling step, out and in."""
    port: Port = 8000
    """Where the container listens, when a route leads to it."""
    route: RouteSettings | None = None
    """Absent: nothing reaches it; it takes its work from elsewhere."""
    health: HealthSettings = HealthSettings()
    """How a task with a route shows that it can answer."""
    environment: dict[EnvironmentName, str] = Field(default_factory=dict)
    """Plain variables; nothing secret."""
    secrets: Unique[Name] = ()
    """Names from `backlot:secrets` that the container reads, beside DATABASE_URL and REDIS_URL."""
