"""`backlot:workers`: fleets that take jobs off a queue, one per name."""

from __future__ import annotations

from typing import Annotated, Literal, TypeGuard

from pydantic import BeforeValidator, Field

from settings.fields import (
    AmiId,
    EnvironmentName,
    ImageReference,
    InstanceType,
    Name,
    Percent,
    Section,
    TimeOfDay,
    TimeZone,
    Unique,
    Weekday,
    build_of,
)
from settings.gpu import GPU_CLASSES, SOLD_IN, GpuClassName


def _without_weights(given: object) -> object:
    if isinstance(given, dict):
        raise ValueError(  # noqa: TRY004 (pydantic reports ValueError in our words)
            "gives weights, and what fills these fleets counts instances, not weights; "
            f"give the types alone: [{', '.join(map(str, given))}]"
        )
    # What a validator has touched is no longer JSON, whose lists stand for tuples.
    return tuple(given) if isinstance(given, list) else given


InstanceTypes = Annotated[Unique[InstanceType], BeforeValidator(_without_weights)]


class ScheduleSettings(Section):
    """Other bounds from a time of day on, until another schedule sets them again."""

    days: Annotated[Unique[Weekday], Field(min_length=1)]
    """On which it begins."""
    at: TimeOfDay
    """When it begins."""
    time_zone: TimeZone = "UTC"
    """Whose clock `at` is read from; it follows that zone's summer time."""
    min_workers: Annotated[int, Field(ge=0, le=500)]
    """Workers that always run from then on."""
    max_workers: Annotated[int, Field(ge=0, le=500)]
    """Workers that scaling may reach from then on."""


class FleetSettings(Section):
    """What every fleet is told, whatever it runs on."""

    queue: Name
    """What it works off: a queue from `backlot:queues` or `backlot:redis_queues`."""
    command: tuple[str, ...] = ()
    """Replaces the image's own command."""
    min_workers: Annotated[int, Field(ge=0, le=500)]
    """Workers that always run; 0 lets the fleet rest at no cost."""
    max_workers: Annotated[int, Field(ge=1, le=500)]
    """Workers that scaling may reach; the ceiling on cost."""
    job_seconds: Annotated[int, Field(ge=1)]
    """How long a job takes on average."""
    job_limit_seconds: Annotated[int, Field(ge=1)]
    """How long a job may take at most; the worker gives up then."""
    target_wait_seconds: Annotated[int, Field(ge=0)]
    """How long a job may wait in the queue before the fleet grows."""
    heartbeat_seconds: Annotated[int, Field(ge=1)] | None = 40
    """How often the worker renews a message's visibility. None: it never does."""
    protection_minutes: Annotated[int, Field(ge=1, le=2880)] = 15
    """How long a worker at work is kept from scaling in, unless it asks again; it asks every third
    of this. Short, since a worker that died keeps it to the end."""
    scale_in_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """Rest after the fleet shrank. Of tasks: EC2's tracking has its own, a quarter of an hour."""
    schedules: dict[Name, ScheduleSettings] = Field(default_factory=dict)
    """Other bounds by the clock: nights and weekends at rest, mornings ready. An update with
    `--refresh` sets the fleet's own again, until the next one begins."""
    success_alarm: Annotated[float, Field(gt=0, le=1)] = 0.85
    """Warn when a smaller share of the jobs of 30 minutes succeeds."""
    environment: dict[EnvironmentName, str] = Field(default_factory=dict)
    """Plain variables; nothing secret."""
    secrets: Unique[Name] = ()
    """Names from `backlot:secrets` that a worker reads, beside DATABASE_URL and REDIS_URL."""


class OverflowSettings(Section):
    """A second group, on demand alone, for when spot is dry."""

    max_workers: Annotated[int, Field(ge=1, le=500)]
    """Workers it may reach, beside the fleet's own."""
    after_seconds: Annotated[int, Field(ge=60, le=86400)] = 600
    """How old the oldest job must be before it steps in."""


class GpuFleetSettings(FleetSettings):
    """Workers with a GPU each."""

    kind: Literal["gpu"]
    """The platform it runs on: GPU instances that ECS places tasks on."""
    image: ImageReference
    """What runs: a repository of this platform's registry and a tag, or a full image address."""
    gpu_class: GpuClassName
    """Which GPUs a job may land on, by memory; see settings/gpu.py."""
    instance_types: InstanceTypes = ()
    """Replaces the class's own list; every type must still satisfy the class."""
    ami: AmiId | None = None
    """Pins the image id. Absent: the newest ECS GPU-optimised Amazon Linux 2023 at each update."""
    on_demand_base: Annotated[int, Field(ge=0, le=500)] = 0
    """Instances bought on demand before the split begins."""
    on_demand_percent: Percent
    """Share of the rest bought on demand; what is left is spot. 100 buys no spot."""
    overflow: OverflowSettings | None = None
    """Absent: jobs wait until spot is back."""
    capacity_rebalance: bool = False
    """True: replace an instance at the mere warning that spot may take it back, at work or not."""
    cpu: Annotated[int, Field(ge=128)] = 3584
    """CPU units of a worker task, 1024 to a vCPU; must fit the smallest type."""
    memory: Annotated[int, Field(ge=512)] = 13312
    """MiB of a worker task; must fit the smallest type less 2 GiB for the system."""
    root_gb: Annotated[int, Field(ge=30, le=16384)] = 100
    """GB of encrypted gp3 under the system and the images."""
    max_step: Annotated[int, Field(ge=1, le=100)] = 5
    """Instances started at once at most; a limit on runaways."""

    def types_in(self, region: str) -> tuple[str, ...]:
        """The fleet's own types, or those of its class that are sold in the region.

        Never empty for settings that were loaded: without any they are refused.
        """
        return self.instance_types or tuple(
            each for each in GPU_CLASSES[self.gpu_class].instance_types if region in SOLD_IN[each]
        )


class BeatSettings(Section):
    """Exactly one task that puts jobs in line by the clock, such as Celery beat."""

    command: Annotated[tuple[str, ...], Field(min_length=1, examples=[["celery", "beat"]])]
    """Run in the fleet's own image."""
    cpu: Literal[256, 512, 1024] = 256
    """CPU units, 1024 to a vCPU."""
    memory: Annotated[int, Field(ge=512, le=8192)] = 512
    """MiB."""


class FargateFleetSettings(FleetSettings):
    """Workers without a GPU or a machine."""

    kind: Literal["fargate"]
    """The platform it runs on: tasks on Fargate."""
    image: ImageReference
    """What runs: a repository of this platform's registry and a tag, or a full image address."""
    cpu: Literal[256, 512, 1024, 2048, 4096, 8192, 16384]
    """CPU units of a worker, 1024 to a vCPU."""
    memory: Annotated[int, Field(ge=512, le=122880)]
    """MiB of a worker; which values go with which CPU is Fargate's rule."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """The CPU that the image is built for."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 4
    """Jobs that one worker does at once; told to it as CONCURRENCY."""
    spot_percent: Percent = 0
    """Share of the workers on Fargate Spot: about 70 % off, gone at two minutes' notice."""
    beat: BeatSettings | None = None
    """Absent: nothing puts jobs in line by the clock."""


class WarmPoolSettings(Section):
    """Instances that have booted and stand stopped, ready within seconds."""

    min_size: Annotated[int, Field(ge=0, le=500)]
    """How many stand ready at least."""
    max_prepared: Annotated[int, Field(ge=1, le=500)] | None = None
    """Instances ready and running together at most. Absent: the fleet's max_workers."""


class Ec2FleetSettings(FleetSettings):
    """Workers that are an instance each."""

    kind: Literal["ec2"]
    """The platform it runs on: an Auto Scaling group, one worker an instance."""
    image: ImageReference | None = None
    """What runs, as a container on Amazon Linux 2023. Absent: `command` on the `ami` itself."""
    ami: AmiId | None = None
    """A machine image, such as one that Packer makes per commit. Absent: the newest Amazon Linux
    2023."""
    architecture: Literal["arm64", "x86_64"] = "x86_64"
    """The CPU that image, AMI and instance types are of."""
    instance_types: Annotated[InstanceTypes, Field(min_length=1)]
    """Alike in size; in the order that on-demand capacity is bought."""
    on_demand_base: Annotated[int, Field(ge=0, le=500)] = 0
    """Instances bought on demand before the split begins."""
    on_demand_percent: Percent
    """Share of the rest bought on demand; what is left is spot. 100 buys no spot."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 1
    """Jobs that one worker does at once; told to it as CONCURRENCY."""
    root_gb: Annotated[int, Field(ge=8, le=16384)] = 30
    """GB of encrypted gp3."""
    key_name: str | None = None
    """An EC2 key pair that may log in over SSH; nothing opens port 22 for it. Absent: Session
    Manager alone."""
    warm_pool: WarmPoolSettings | None = None
    """Absent: none. Only where all instances are of one type and bought on demand."""

    @property
    def build(self) -> str:
        """What tells one version of the worker from another."""
        return self.ami or "" if self.image is None else build_of(self.image)


WorkerSettings = Annotated[
    GpuFleetSettings | FargateFleetSettings | Ec2FleetSettings, Field(discriminator="kind")
]
"""Every kind of fleet, told apart by `kind`."""


def is_gpu(fleet: WorkerSettings) -> TypeGuard[GpuFleetSettings]:
    return isinstance(fleet, GpuFleetSettings)
