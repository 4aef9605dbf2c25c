"""Containers as ECS is told of them: what they run, what they are given, what they may read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.grants import ServiceRole, Statement, service_role, together
from components.ground import Place
from components.logs import grant_write
from components.registry import pull_images

TASKS = "ecs-tasks.amazonaws.com"
"""The service that assumes the roles of a task."""

LOG_BUFFER = "25m"
"""What a container may hold back while CloudWatch Logs is slow, before lines are dropped."""


@dataclass(frozen=True, kw_only=True)
class ContainerSecret:
    """A variable whose value ECS fetches when the task starts. The graph never holds the value."""

    environment: str
    """`DATABASE_URL`."""
    value_from: pulumi.Input[str]
    """ARN of a secret (`<arn>:<json key>::` for one key of it) or of an SSM parameter."""
    read: Sequence[Statement]
    """What the execution role needs to fetch it."""


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A command ECS runs inside the container; exit code 0 is healthy. Times in seconds."""

    command: Sequence[str]
    """`["CMD", ...]` runs it as it stands, `["CMD-SHELL", line]` through the image's shell."""
    interval_seconds: int
    timeout_seconds: int
    retries: int
    """Failures in a row that make it unhealthy."""
    start_seconds: int
    """Grace in which failures do not count."""

    def rendered(self) -> dict[str, Any]:
        return {
            "command": list(self.command),
            "interval": self.interval_seconds,
            "timeout": self.timeout_seconds,
            "retries": self.retries,
            "startPeriod": self.start_seconds,
        }


@dataclass(frozen=True, kw_only=True)
class Container:
    """An essential container of a task that writes its log to CloudWatch.

    Its root stays writable, since ECS Exec works in no other way.
    """

    name: str
    """Leads its log streams too."""
    image: pulumi.Input[str]
    """The full URI, with a tag or a digest."""
    log_group_name: pulumi.Input[str]
    region: str
    """Where it runs; told to its SDKs as `AWS_REGION`."""
    command: Sequence[str] = ()
    """Replaces the image's own; empty keeps it."""
    cpu: int | None = None
    """CPU units, 1024 to a vCPU. All of the task's when absent."""
    memory: int | None = None
    """MiB at which the container is stopped. All of the task's when absent."""
    gpus: int = 0
    """Devices that are its alone while it runs."""
    port: int | None = None
    """The TCP port it listens on."""
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Plain variables; nothing secret."""
    secrets: Sequence[ContainerSecret] = ()
    health_check: HealthCheck | None = None
    stop_seconds: int = 30
    """From SIGTERM to SIGKILL; Fargate allows 120."""

    def rendered(self) -> dict[str, Any]:
        definition: dict[str, Any] = {
            "name": self.name,
            "image": self.image,
            "essential": True,
            # ECS on EC2 tells a container no region, and the SDKs will not guess one.
            "environment": rendered_environment({"AWS_REGION": self.region, **self.environment}),
            "secrets": rendered_secrets(self.secrets),
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": self.log_group_name,
                    "awslogs-region": self.region,
                    "awslogs-stream-prefix": self.name,
                    # Blocking would stop the container's own work whenever the log is slow.
                    "mode": "non-blocking",
                    "max-buffer-size": LOG_BUFFER,
                },
            },
            # Hands signals on and buries dead children; without it ECS Exec leaves zombies behind.
            "linuxParameters": {"initProcessEnabled": True},
            "stopTimeout": self.stop_seconds,
        }
        if self.command:
            definition["command"] = list(self.command)
        if self.cpu is not None:
            definition["cpu"] = self.cpu
        if self.memory is not None:
            definition["memory"] = self.memory
        if self.gpus:
            definition["resourceRequirements"] = [{"type": "GPU", "value": str(self.gpus)}]
        if self.port is not None:
            definition["portMappings"] = [{"containerPort": self.port, "protocol": "tcp"}]
        if self.health_check is not None:
            definition["healthCheck"] = self.health_check.rendered()
        return definition


def ecs_cluster(
    name: str,
    opts: pulumi.ResourceOptions,
    *,
    configuration: aws.ecs.ClusterConfigurationArgs | None = None,
) -> aws.ecs.Cluster:
    """A cluster with Container Insights, which alone publishes how many tasks are wanted and run.

    Scaling and alarms read those. Cost: by the metric.
    """
    return aws.ecs.Cluster(
        name,
        settings=[{"name": "containerInsights", "value": "enhanced"}],
        configuration=configuration,
        opts=opts,
    )


def container_definitions(*containers: Container) -> pulumi.Output[str]:
    """The containers of one task, as a task definition takes them."""
    return pulumi.Output.json_dumps([container.rendered() for container in containers])


def execution_role(
    name: str,
    log_group: aws.cloudwatch.LogGroup,
    image: pulumi.Input[str],
    secrets: Iterable[ContainerSecret],
    place: Place,
    opts: pulumi.ResourceOptions,
) -> ServiceRole:
    """The role under which ECS starts a task: pull `image`, fetch `secrets`, write the log.

    The task's own code never has it.
    """
    statements = (
        *pull_images(image, place),
        grant_write(log_group),
        *read_statements(secrets),
    )
    return service_role(name, TASKS, statements, opts, account_id=place.account_id)


def rendered_environment(variables: Mapping[str, pulumi.Input[str]]) -> list[dict[str, Any]]:
    """Plain variables in ECS's spelling, sorted: ECS keeps no order, and no diff may show one."""
    return [{"name": key, "value": value} for key, value in sorted(variables.items())]


def rendered_secrets(secrets: Iterable[ContainerSecret]) -> list[dict[str, Any]]:
    """Secrets in ECS's spelling, sorted by variable."""
    return [
        {"name": secret.environment, "valueFrom": secret.value_from}
        for secret in sorted(secrets, key=lambda secret: secret.environment)
    ]


def read_statements(secrets: Iterable[ContainerSecret]) -> tuple[Statement, ...]:
    """Everything an execution role needs for `secrets`, each statement once."""
    return together(statement for secret in secrets for statement in secret.read)
