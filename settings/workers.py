"""`backlot:workers`: fleets that take jobs off a queue, one per name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.fields import (
    AmiId,
    EnvironmentName,
    ImageReference,
    InstanceType,
    Name,
    Percent,
    Section,
    Unique,
)
from settings.gpu import GpuClassName


class GpuFleetSettings(Section):
    kind: Literal["gpu"]
    """The platform it runs on: GPU instances that ECS places tasks on."""
    queue: Name
    """The queue from `backlot:queues` it works off."""
    image: ImageReference
    """What runs: a repository of this platform's registry and a tag, or a full image address."""
    command: tuple[str, ...] = ()
    """Replaces the image's own command."""
    gpu_class: GpuClassName
    """Which GPUs a job may land on, by memory; see settings/gpu.py."""
    instance_types: Unique[InstanceType] = ()
    """Replaces the class's own list; every type must still satisfy the class."""
    ami: AmiId | None = None
    """Pins the image id. Absent: the newest ECS GPU-optimised Amazon Linux 2023 at each update."""
    min_workers: Annotated[int, Field(ge=0, le=500)]
    """Workers that always run; 0 lets the fleet rest at no cost."""
    max_workers: Annotated[int, Field(ge=1, le=500)]
    """Workers that scaling may reach; the ceiling on cost."""
    on_demand_base: Annotated[int, Field(ge=0, le=500)] = 0
    """Instances bought on demand before the split begins."""
    on_demand_percent: Percent
    """Share of the rest bought on demand; what is left is spot. 100 buys no spot."""
    cpu: Annotated[int, Field(ge=128)] = 3584
    """CPU units of a worker task, 1024 to a vCPU; must fit the smallest type."""
    memory: Annotated[int, Field(ge=512)] = 13312
    """MiB of a worker task; must fit the smallest type less 2 GiB for the system."""
    root_gb: Annotated[int, Field(ge=30, le=16384)] = 100
    """GB of encrypted gp3 under the system and the images."""
    job_seconds: Annotated[int, Field(ge=1)]
    """How long a job takes on average."""
    job_limit_seconds: Annotated[int, Field(ge=1)]
    """How long a job may take at most; the worker gives up then."""
    target_wait_seconds: Annotated[int, Field(ge=0)]
    """How long a job may wait in the queue before the fleet grows."""
    heartbeat_seconds: Annotated[int, Field(ge=1)] | None = 40
    """How often the worker renews a message's visibility. None: it never does."""
    scale_in_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """Rest after the fleet shrank."""
    max_step: Annotated[int, Field(ge=1, le=100)] = 5
    """Instances started at once at most; a limit on runaways."""
    environment: dict[EnvironmentName, str] = Field(default_factory=dict)
    """Plain variables; nothing secret."""
    secrets: Unique[Name] = ()
    """Names from `backlot:secrets` that the container reads, beside DATABASE_URL and REDIS_URL."""


WorkerSettings = GpuFleetSettings
"""Every kind of fleet, told apart by `kind`."""
