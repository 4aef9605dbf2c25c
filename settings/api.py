"""`backlot:api`: where the API runs, how large, how it scales, and how a new version gets in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from settings.fields import (
    AmiId,
    EnvironmentName,
    ImageReference,
    InstanceType,
    Name,
    Percent,
    Port,
    Section,
    TargetPercent,
    Unique,
    UrlPath,
    build_of,
    form,
)
from settings.health import HealthSettings

ApiKind = Literal["fargate", "ec2", "beanstalk"]
Strategy = Literal["rolling", "blue_green", "canary", "linear"]


def _only_instances(given: object) -> object:
    if given in ("blue_green", "canary", "linear"):
        raise ValueError(
            "moves traffic between two versions by weight, which only kind: fargate can; "
            "Elastic Beanstalk replaces instances: give immutable or rolling"
        )
    return given


class RequestScaling(Section):
    """Scaling on requests, beside CPU and memory."""

    per_target: Annotated[int, Field(ge=1, le=1_000_000)]
    """Requests a minute that one task or instance should get."""
    metric: Literal["summed", "predefined"] = "summed"
    """`summed` adds up every target group the API is reached through. `predefined` is AWS's own
    ALBRequestCountPerTarget, which follows a single group."""


class MigrationSettings(Section):
    """The one-off task that runs before a new version starts. A failure ends the deployment."""

    command: Annotated[tuple[str, ...], Field(min_length=1, examples=[["alembic", "upgrade"]])]
    """Run in the new version's container, in place of its own command."""
    limit_minutes: Annotated[int, Field(ge=1)] = 20
    """How long it may take before it is stopped and counts as failed."""


class SmokeSettings(Section):
    """Requests that a new version must answer before it is kept."""

    paths: Annotated[Unique[UrlPath], Field(min_length=1)] = (
        "/health",
        "/api/health/db",
        "/api/health/redis",
    )
    """Each must answer 200. The body of the first says which build answers."""
    build_key: Annotated[
        str,
        form(r"^[A-Za-z_][A-Za-z0-9_]*$", "give one key of a JSON object", examples=["version"]),
    ] = "version"
    """Where the first path's JSON holds what the container was given as BUILD_ID."""
    answers: Annotated[int, Field(ge=1, le=20)] = 3
    """Good answers in a row that each path must give."""
    limit_seconds: Annotated[int, Field(ge=30, le=600)] = 180
    """For all of it."""


class CanarySettings(Section):
    percent: Annotated[float, Field(ge=0.1, le=99.9)] = 10
    """Share of the traffic that meets the new version first, in percent."""
    bake_minutes: Annotated[int, Field(ge=0)] = 10
    """How long that share lasts."""


class LinearSettings(Section):
    step_percent: Annotated[float, Field(ge=3, le=100)] = 20
    """How much more of the traffic moves with each step, in percent."""
    step_bake_minutes: Annotated[int, Field(ge=0)] = 5
    """How long each step lasts."""


class DeploymentSettings(Section):
    """How a new version gets in, whatever the platform."""

    bake_minutes: Annotated[int, Field(ge=0)]
    """On Fargate, how long the old version stands by after the traffic has moved. On EC2, the rest
    when half of the instances are new. Elastic Beanstalk knows no such rest."""
    canary: CanarySettings = CanarySettings()
    """For `strategy: canary`."""
    linear: LinearSettings = LinearSettings()
    """For `strategy: linear`."""
    migration: MigrationSettings | None = None
    """Absent: nothing to migrate."""
    smoke: SmokeSettings = SmokeSettings()
    """What a new version must answer."""


class FargateSize(Section):
    """The API as containers without machines."""

    cpu: Literal[256, 512, 1024, 2048, 4096, 8192, 16384]
    """CPU units of a task, 1024 to a vCPU."""
    memory: Annotated[int, Field(ge=512, le=122880)]
    """MiB of a task; which values go with which CPU is Fargate's rule."""
    min_tasks: Annotated[int, Field(ge=1, le=1000)]
    """Tasks that always run."""
    max_tasks: Annotated[int, Field(ge=1, le=1000)]
    """Tasks that scaling may reach."""
    spot_percent: Percent = 0
    """Share of the tasks on Fargate Spot: about 70 % off, gone at two minutes' notice."""
    cpu_target: TargetPercent = 70
    """Average CPU that scaling holds, in percent."""
    memory_target: TargetPercent = 80
    """Average memory that scaling holds, in percent."""
    strategy: Strategy
    """How traffic moves to a new version."""
    approval_minutes: Annotated[int, Field(ge=1)] | None = None
    """How long a deployment waits, tested and without users, for a person to let it go on; then it
    goes back. Absent: it does not wait."""


class InstanceSize(Section):
    """What an API on instances needs to know of them."""

    instance_type: InstanceType
    """Of the CPU that `architecture` names."""
    min_instances: Annotated[int, Field(ge=1, le=1000)]
    """Instances that always run."""
    max_instances: Annotated[int, Field(ge=1, le=1000)]
    """Instances that scaling may reach."""
    root_gb: Annotated[int, Field(ge=8, le=1024)] = 30
    """The disk, which holds the system and the images."""
    key_name: str | None = None
    """An EC2 key pair that may log in over SSH; nothing opens port 22 for it. Absent: Session
    Manager alone, which needs neither."""


class Ec2Size(InstanceSize):
    """The API as containers on an Auto Scaling group."""

    ami: AmiId | None = None
    """An Amazon Linux 2023 image, or one that is made from it. Absent: the newest."""
    cpu_target: TargetPercent = 60
    """Average CPU that scaling holds, in percent; the alarm sounds above 70."""


class BeanstalkSize(InstanceSize):
    """The API as an Elastic Beanstalk environment."""

    root_gb: Annotated[int, Field(ge=10, le=1024)] = 30
    """The disk, which holds the system and the images."""

    cpu_high: TargetPercent = 60
    """Average CPU above which an instance is added, in percent."""
    cpu_low: TargetPercent = 30
    """Average CPU below which one is taken away, in percent."""
    strategy: Annotated[Literal["immutable", "rolling"], BeforeValidator(_only_instances)] = (
        "immutable"
    )
    """`immutable` starts new instances beside the old, and ends them when they are not healthy;
    `rolling` changes them batch by batch, and stops where a batch fails."""


class ApiSettings(Section):
    """The sizes of all platforms may stand side by side, so that switching is one word."""

    kind: ApiKind
    """The platform it runs on; its size stands under the same word."""
    image: ImageReference
    """What runs: a repository of this platform's registry and a tag, or a full image address."""
    command: tuple[str, ...] = ()
    """Replaces the image's own command."""
    port: Port = 8000
    """Where the container listens."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """The CPU that the image is built for. Graviton costs about 20 % less."""
    fargate: FargateSize | None = None
    """The size on Fargate."""
    ec2: Ec2Size | None = None
    """The size on an Auto Scaling group."""
    beanstalk: BeanstalkSize | None = None
    """The size on Elastic Beanstalk."""
    cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """Rest after a scaling step, out and in."""
    requests: RequestScaling | None = None
    """Scale on requests too. Absent: on CPU, and memory where the platform reports it."""
    health: HealthSettings = HealthSettings()
    """How a task or instance shows that it can answer."""
    environment: dict[EnvironmentName, str] = Field(default_factory=dict)
    """Plain variables; nothing secret."""
    secrets: Unique[Name] = ()
    """Names from `backlot:secrets` that the container reads, beside DATABASE_URL and REDIS_URL."""
    deployment: DeploymentSettings
    """How a new version gets in."""

    @property
    def build_id(self) -> str:
        """What the running container is told of its version: the image's tag, or its digest."""
        return build_of(self.image)

    @property
    def largest(self) -> int:
        """Tasks or instances that scaling may reach."""
        if self.kind == "fargate":
            return self.fargate.max_tasks if self.fargate else 0
        size = self.ec2 if self.kind == "ec2" else self.beanstalk
        return size.max_instances if size else 0
