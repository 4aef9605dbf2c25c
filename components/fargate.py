"""Tasks on Fargate: what the API, the services beside it, workers and beat have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pulumi
import pulumi_aws as aws

from components.access import Access, open_paths
from components.containers import (
    TASKS,
    Container,
    HealthCheck,
    container_definitions,
    ecs_cluster,
    execution_role,
)
from components.grants import ServiceRole, Statement, key_grant, service_role
from components.ground import Ground
from components.observe import Metric
from components.security_groups import allow_https_out, security_group
from components.tracking import service_target, track
from settings.health import HealthSettings

PROBES = (
    "curl -fsS -o /dev/null {url}",
    "wget -q -O /dev/null {url}",
    "python3 -c \"import urllib.request; urllib.request.urlopen('{url}')\"",
)
"""Ways to ask for a page from inside a container. Slim images have one of them, none has all."""

ROLLED_OUT_BY_ECS: Mapping[str, Any] = {
    "deployment_controller": {"type": "ECS"},
    "deployment_circuit_breaker": {"enable": True, "rollback": True},
    "enable_execute_command": True,
    "enable_ecs_managed_tags": True,
    "propagate_tags": "SERVICE",
}
"""What every service on Fargate says: ECS rolls it out, and back when the tasks do not stay up;
people may look into a task, and it bears the service's tags."""


class Scaled(Protocol):
    """Settings of what grows and shrinks with its load."""

    @property
    def min_tasks(self) -> int: ...

    @property
    def max_tasks(self) -> int: ...

    @property
    def cpu_target(self) -> int: ...

    @property
    def memory_target(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster for tasks on Fargate."""

    name: pulumi.Output[str]
    """Known once the cluster has its capacity providers, so that a service may name them."""
    arn: pulumi.Output[str]
    sessions: Sequence[Statement]
    """What a task's role needs so that people may look into it with ECS Exec."""


def fargate_cluster(name: str, ground: Ground, what: str, opts: pulumi.ResourceOptions) -> Cluster:
    """The cluster of `what`, on which ECS Exec is encrypted and every session is written down.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    log_group = ground.logs.group(f"{name}-sessions", "ecs", f"{what}-sessions", opts)
    cluster = ecs_cluster(
        f"{name}-cluster",
        opts,
        configuration=aws.ecs.ClusterConfigurationArgs(
            execute_command_configuration=aws.ecs.ClusterConfigurationExecuteCommandConfigurationArgs(
                kms_key_id=ground.data_key_arn,
                logging="OVERRIDE",
                log_configuration=aws.ecs.ClusterConfigurationExecuteCommandConfigurationLogConfigurationArgs(
                    cloud_watch_log_group_name=log_group.name,
                    # ECS refuses a session when this is set and the group has no key of its own.
                    cloud_watch_encryption_enabled=ground.logs.key_arn is not None,
                ),
            )
        ),
    )
    capacity = aws.ecs.ClusterCapacityProviders(
        f"{name}-capacity",
        cluster_name=cluster.name,
        capacity_providers=["FARGATE", "FARGATE_SPOT"],
        default_capacity_provider_strategies=[{"capacity_provider": "FARGATE", "weight": 1}],
        opts=opts,
    )
    return Cluster(
        name=capacity.cluster_name,
        arn=cluster.arn,
        sessions=(
            Statement(
                sid="OpenExecSession",
                actions=[
                    "ssmmessages:CreateControlChannel",
                    "ssmmessages:CreateDataChannel",
                    "ssmmessages:OpenControlChannel",
                    "ssmmessages:OpenDataChannel",
                ],
                # These actions know no resources; a task's channel is its own.
                resources=["*"],
            ),
            Statement(
                sid="FindSessionLog",
                actions=["logs:DescribeLogGroups"],
                # A listing, which the agent asks for without naming a group.
                resources=["*"],
            ),
            Statement(
                sid="WriteSessionLog",
                actions=[
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                ],
                resources=[pulumi.Output.concat(log_group.arn, ":*")],
            ),
            *key_grant("DecryptSession", ground.data_key_arn, "kms:Decrypt"),
        ),
    )


def capacity_strategy(
    spot_percent: int,
) -> list[aws.ecs.ServiceCapacityProviderStrategyArgs]:
    """`spot_percent` of the tasks on Fargate Spot; the first of a mix is always on demand."""
    strategy: list[aws.ecs.ServiceCapacityProviderStrategyArgs] = []
    if spot_percent < 100:
        strategy.append(
            aws.ecs.ServiceCapacityProviderStrategyArgs(
                capacity_provider="FARGATE",
                base=1 if spot_percent else None,
                weight=100 - spot_percent if spot_percent else 1,
            )
        )
    if spot_percent:
        strategy.append(
            aws.ecs.ServiceCapacityProviderStrategyArgs(
                capacity_provider="FARGATE_SPOT", weight=spot_percent
            )
        )
    return strategy


@dataclass(frozen=True, kw_only=True)
class FargateTask:
    """What a service runs, with what is its alone."""

    definition: aws.ecs.TaskDefinition
    role: ServiceRole
    """Of its code."""
    execution: ServiceRole
    """Of what starts it."""
    security_group: aws.ec2.SecurityGroup
    log_group: aws.cloudwatch.LogGroup
    network: aws.ecs.ServiceNetworkConfigurationArgs
    """Where a service puts it."""


def fargate_task(
    name: str,
    what: str,
    *,
    ground: Ground,
    title: str,
    cpu: int,
    memory: int,
    architecture: str,
    access: Access,
    statements: Sequence[Statement],
    container: Callable[[aws.cloudwatch.LogGroup], Container],
    opts: pulumi.ResourceOptions,
) -> FargateTask:
    """One container as a task on Fargate, in the private subnets, with a way out and none in.

    `cpu` in units, 1024 to a vCPU, `memory` in MiB. `title` is what its security group says it is
    of; `statements` are its role's, beside those that `access` brings.
    """
    log_group = ground.logs.group(f"{name}-logs", "ecs", what, opts)
    role = service_role(
        f"{name}-task",
        TASKS,
        (*statements, *access.statements),
        opts,
        account_id=ground.account_id,
    )
    told = container(log_group)
    execution = execution_role(
        f"{name}-execution", log_group, told.image, access.secrets, ground, opts
    )
    definition = task_definition(
        f"{name}-definition",
        family=f"{ground.prefix}-{what}",
        cpu=cpu,
        memory=memory,
        architecture=architecture,
        container=told,
        role=role,
        execution=execution,
        opts=opts,
    )
    group = security_group(f"{name}-tasks", ground.vpc_id, title, opts)
    allow_https_out(f"{name}-tasks-https-out", group.id, opts)
    open_paths(name, access.paths, group.id, opts)
    return FargateTask(
        definition=definition,
        role=role,
        execution=execution,
        security_group=group,
        log_group=log_group,
        network=aws.ecs.ServiceNetworkConfigurationArgs(
            subnets=ground.private_subnet_ids, security_groups=[group.id], assign_public_ip=False
        ),
    )


def task_definition(
    name: str,
    *,
    family: str,
    cpu: int,
    memory: int,
    architecture: str,
    container: Container,
    role: ServiceRole,
    execution: ServiceRole,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.TaskDefinition:
    """One container as a task on Fargate. `cpu` in units, 1024 to a vCPU, `memory` in MiB."""
    return aws.ecs.TaskDefinition(
        name,
        family=family,
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=str(cpu),
        memory=str(memory),
        runtime_platform={
            "operating_system_family": "LINUX",
            "cpu_architecture": architecture.upper(),
        },
        task_role_arn=role.arn,
        execution_role_arn=execution.arn,
        container_definitions=container_definitions(container),
        # A service that went back runs on the revision before, and ECS starts no deployment of one
        # that was taken out of use: it could not be restarted for a new password.
        skip_destroy=True,
        opts=opts,
    )


def health_check(health: HealthSettings, port: int) -> HealthCheck:
    """The container's own: it asks itself for its health path."""
    url = f"http://127.0.0.1:{port}{health.path}"
    probes = " || ".join(probe.format(url=url) for probe in PROBES)
    return HealthCheck(
        # Docker keeps exit codes other than 0 and 1 to itself.
        command=["CMD-SHELL", f"{probes} || exit 1"],
        interval_seconds=health.interval_seconds,
        timeout_seconds=health.timeout_seconds,
        retries=health.retries,
        start_seconds=health.start_seconds,
    )


def scale_on_load(
    name: str,
    settings: Scaled,
    *,
    cluster_name: pulumi.Output[str],
    service_name: pulumi.Output[str],
    cooldown_seconds: int,
    opts: pulumi.ResourceOptions,
) -> aws.appautoscaling.Target:
    """Keep a service's CPU and memory where the settings want them (M35, M36)."""
    target = service_target(
        name,
        cluster_name=cluster_name,
        service_name=service_name,
        minimum=settings.min_tasks,
        maximum=settings.max_tasks,
        opts=opts,
    )
    for what, metric, percent in (
        ("cpu", "ECSServiceAverageCPUUtilization", settings.cpu_target),
        ("memory", "ECSServiceAverageMemoryUtilization", settings.memory_target),
    ):
        track(
            f"{name}-{what}",
            target,
            metric,
            percent,
            out_seconds=cooldown_seconds,
            in_seconds=cooldown_seconds,
            opts=opts,
        )
    return target


@dataclass(frozen=True, kw_only=True)
class ServiceSignals:
    """What tells how a service on ECS does."""

    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]

    def used(self, name: str, label: str) -> Metric:
        """Percent of what the service has reserved: `CPUUtilization`, `MemoryUtilization`."""
        return self._metric("AWS/ECS", name, "Average", label)

    def tasks(self, name: str, label: str) -> Metric:
        """`DesiredTaskCount`, `RunningTaskCount`."""
        return self._metric("ECS/ContainerInsights", name, "Maximum", label)

    def _metric(self, namespace: str, name: str, statistic: str, label: str) -> Metric:
        return Metric(
            namespace=namespace,
            name=name,
            dimensions={"ClusterName": self.cluster_name, "ServiceName": self.service_name},
            statistic=statistic,
            label=label,
        )
