"""The API on Fargate: containers without machines, behind the load balancer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.access import Access, combined, open_paths
from components.api.load_balancer import LoadBalancer
from components.containers import (
    TASKS,
    Container,
    HealthCheck,
    container_definitions,
    ecs_cluster,
    execution_role,
)
from components.grants import ServiceRole, Statement, service_role
from components.ground import Ground
from components.observe import Alarm, Expression, Metric, Panel
from components.security_groups import allow_https_out, connect, security_group
from settings.api import FargateApiSettings, HealthSettings

CONTAINER = "api"

DEREGISTRATION_SECONDS = 30
"""How long a task that leaves may finish its requests."""

DEPLOY_MINUTES = 30
"""How long an update waits for a deployment. The circuit breaker decides long before."""

EVERY_PATH_PRIORITY = 100
"""Leaves room before it for rules that must come first."""

PROBES = (
    "curl -fsS -o /dev/null {url}",
    "wget -q -O /dev/null {url}",
    "python3 -c \"import urllib.request; urllib.request.urlopen('{url}')\"",
)
"""Ways to ask for a page from inside a container. Slim images have one of them, none has all."""

SLOW_SECONDS = 2
"""No brief names a figure (M94). The API reads rows and puts jobs in line, which takes a fraction
of it; what takes long belongs on a queue."""


@dataclass(frozen=True, kw_only=True)
class FargateApiArgs:
    settings: FargateApiSettings
    ground: Ground
    load_balancer: LoadBalancer
    image: pulumi.Input[str]
    """The image's full URI. It holds a shell, and curl, wget or python3, for the health check."""
    access: Sequence[Access]
    """What the API uses."""


class FargateApi(pulumi.ComponentResource):
    """The API as a Fargate service that scales on CPU and memory (M27 to M37).

    A deployment starts the new tasks beside the old. When they do not become healthy, ECS goes back
    by itself and the update fails.

    Cost: a task of 1 vCPU and 2 GB is 29 USD a month on arm64 and 36 USD on x86_64; a deployment
    runs twice the tasks for its minutes; Container Insights by the metric (us-east-1, 2026).
    """

    url: pulumi.Output[str]
    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    service_name: pulumi.Output[str]
    deploy_handle: pulumi.Output[str]
    """`<cluster>/<service>`."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: FargateApiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:api:FargateApi", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground, settings = args.ground, args.settings
        access = combined([Access(environment=settings.environment), *args.access])
        cluster = ecs_cluster(f"{name}-cluster", child)
        capacity = _capacity(f"{name}-capacity", cluster, child)

        log_group = ground.logs.group(f"{name}-logs", "ecs", "api", child)
        role = service_role(
            f"{name}-task",
            TASKS,
            (_exec(), *access.statements),
            child,
            account_id=ground.account_id,
        )
        task = _task_definition(name, args, access, role, log_group, child)
        tasks = security_group(f"{name}-tasks", ground.vpc_id, "API tasks", child)
        allow_https_out(f"{name}-tasks-https-out", tasks.id, child)
        connect(
            f"{name}-from-door",
            source=args.load_balancer.security_group_id,
            target=tasks.id,
            port=settings.port,
            opts=child,
        )
        open_paths(name, access.paths, tasks.id, child)

        targets = _target_group(f"{name}-targets", args, child)
        rule = _rule(f"{name}-rule", args.load_balancer, targets, child)
        service = _service(f"{name}-service", args, capacity, task, tasks, targets, rule, child)
        _scaling(f"{name}-scaling", settings, cluster, service, child)

        self.url = args.load_balancer.url
        self.role_name = role.name
        self.role_arn = role.arn
        self.security_group_id = tasks.id
        self.log_group_name = log_group.name
        self.cluster_name = cluster.name
        self.service_name = service.name
        self.deploy_handle = pulumi.Output.concat(cluster.name, "/", service.name)
        signals = Signals(
            load_balancer=args.load_balancer.arn_suffix,
            target_groups={"live": targets.arn_suffix},
            cluster_name=cluster.name,
            service_name=service.name,
        )
        self.alarms = _alarms(settings, signals)
        self.panels = _panels(signals)
        self.register_outputs(
            {
                "url": self.url,
                "cluster_name": self.cluster_name,
                "service_name": self.service_name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
            }
        )


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What tells how the API does, over all target groups it is reached through."""

    load_balancer: pulumi.Input[str]
    target_groups: Mapping[str, pulumi.Input[str]]
    """ARN suffixes by what the group is for, in letters and digits: `live`."""
    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]

    def total(self, name: str, label: str, statistic: str = "Sum") -> Expression:
        """`name` of every target group, added up."""
        return Expression(
            text=" + ".join(f"FILL({group}, 0)" for group in self.target_groups),
            metrics=self._of_groups(name, statistic),
            label=label,
        )

    def worst(self, name: str, label: str, statistic: str) -> Expression:
        """`name` of the target group where it is highest: percentiles cannot be added."""
        filled = ", ".join(f"FILL({group}, 0)" for group in self.target_groups)
        return Expression(
            text=f"MAX([{filled}])", metrics=self._of_groups(name, statistic), label=label
        )

    def used(self, name: str, label: str) -> Metric:
        """Percent of what the service has reserved."""
        return self._of_service("AWS/ECS", name, "Average", label)

    def tasks(self, name: str, label: str) -> Metric:
        return self._of_service("ECS/ContainerInsights", name, "Maximum", label)

    def _of_groups(self, name: str, statistic: str) -> Mapping[str, Metric]:
        return {
            group: Metric(
                namespace="AWS/ApplicationELB",
                name=name,
                dimensions={"LoadBalancer": self.load_balancer, "TargetGroup": arn_suffix},
                statistic=statistic,
                label=group,
            )
            for group, arn_suffix in self.target_groups.items()
        }

    def _of_service(self, namespace: str, name: str, statistic: str, label: str) -> Metric:
        return Metric(
            namespace=namespace,
            name=name,
            dimensions={"ClusterName": self.cluster_name, "ServiceName": self.service_name},
            statistic=statistic,
            label=label,
        )


def _capacity(
    name: str, cluster: aws.ecs.Cluster, opts: pulumi.ResourceOptions
) -> aws.ecs.ClusterCapacityProviders:
    return aws.ecs.ClusterCapacityProviders(
        name,
        cluster_name=cluster.name,
        capacity_providers=["FARGATE"],
        default_capacity_provider_strategies=[{"capacity_provider": "FARGATE", "weight": 1}],
        opts=opts,
    )


def _exec() -> Statement:
    return Statement(
        sid="OpenExecSession",
        actions=[
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        # These actions know no resources; a task's channel is its own.
        resources=["*"],
    )


def _task_definition(
    name: str,
    args: FargateApiArgs,
    access: Access,
    role: ServiceRole,
    log_group: aws.cloudwatch.LogGroup,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.TaskDefinition:
    settings = args.settings
    return aws.ecs.TaskDefinition(
        f"{name}-definition",
        family=f"{args.ground.prefix}-api",
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=str(settings.cpu),
        memory=str(settings.memory),
        runtime_platform={
            "operating_system_family": "LINUX",
            "cpu_architecture": settings.architecture.upper(),
        },
        task_role_arn=role.arn,
        execution_role_arn=execution_role(
            f"{name}-execution", log_group, access.secrets, args.ground.account_id, opts
        ).arn,
        container_definitions=container_definitions(
            Container(
                name=CONTAINER,
                image=args.image,
                command=settings.command,
                port=settings.port,
                environment=access.environment,
                secrets=access.secrets,
                health_check=_health_check(settings.health, settings.port),
                log_group_name=log_group.name,
                region=args.ground.region,
            )
        ),
        opts=opts,
    )


def _health_check(health: HealthSettings, port: int) -> HealthCheck:
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


def _target_group(
    name: str, args: FargateApiArgs, opts: pulumi.ResourceOptions
) -> aws.lb.TargetGroup:
    health = args.settings.health
    return aws.lb.TargetGroup(
        name,
        vpc_id=args.ground.vpc_id,
        target_type="ip",
        protocol="HTTP",
        port=args.settings.port,
        deregistration_delay=DEREGISTRATION_SECONDS,
        health_check=aws.lb.TargetGroupHealthCheckArgs(
            path=health.path,
            matcher="200",
            interval=health.interval_seconds,
            timeout=health.timeout_seconds,
            healthy_threshold=2,
            unhealthy_threshold=health.retries,
        ),
        opts=opts,
    )


def _rule(
    name: str,
    load_balancer: LoadBalancer,
    targets: aws.lb.TargetGroup,
    opts: pulumi.ResourceOptions,
) -> aws.lb.ListenerRule:
    return aws.lb.ListenerRule(
        name,
        listener_arn=load_balancer.listener_arn,
        priority=EVERY_PATH_PRIORITY,
        conditions=[{"path_pattern": {"values": ["/*"]}}],
        actions=[
            aws.lb.ListenerRuleActionArgs(
                type="forward",
                forward=aws.lb.ListenerRuleActionForwardArgs(
                    target_groups=[
                        aws.lb.ListenerRuleActionForwardTargetGroupArgs(arn=targets.arn, weight=100)
                    ]
                ),
            )
        ],
        opts=opts,
    )


def _service(
    name: str,
    args: FargateApiArgs,
    capacity: aws.ecs.ClusterCapacityProviders,
    task: aws.ecs.TaskDefinition,
    tasks: aws.ec2.SecurityGroup,
    targets: aws.lb.TargetGroup,
    rule: aws.lb.ListenerRule,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.Service:
    settings = args.settings
    return aws.ecs.Service(
        name,
        # Through the capacity, so that ECS knows the provider before the service names it.
        cluster=capacity.cluster_name,
        task_definition=task.arn,
        desired_count=settings.min_tasks,
        capacity_provider_strategies=[{"capacity_provider": "FARGATE", "weight": 1}],
        network_configuration={
            "subnets": args.ground.private_subnet_ids,
            "security_groups": [tasks.id],
            "assign_public_ip": False,
        },
        load_balancers=[
            {
                "target_group_arn": targets.arn,
                "container_name": CONTAINER,
                "container_port": settings.port,
            }
        ],
        health_check_grace_period_seconds=settings.health.start_seconds,
        deployment_maximum_percent=200,
        deployment_minimum_healthy_percent=100,
        deployment_circuit_breaker={"enable": True, "rollback": True},
        availability_zone_rebalancing="ENABLED",
        enable_execute_command=True,
        enable_ecs_managed_tags=True,
        propagate_tags="SERVICE",
        # An update that ECS rolled back must not look like one that worked.
        wait_for_steady_state=True,
        sigint_rollback=True,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # Scaling changes it by itself; an update would set it back.
                ignore_changes=["desired_count"],
                # ECS refuses a target group that no load balancer knows yet.
                depends_on=[rule],
                custom_timeouts=pulumi.CustomTimeouts(
                    create=f"{DEPLOY_MINUTES}m", update=f"{DEPLOY_MINUTES}m"
                ),
            ),
        ),
    )


def _scaling(
    name: str,
    settings: FargateApiSettings,
    cluster: aws.ecs.Cluster,
    service: aws.ecs.Service,
    opts: pulumi.ResourceOptions,
) -> None:
    target = aws.appautoscaling.Target(
        name,
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.concat("service/", cluster.name, "/", service.name),
        min_capacity=settings.min_tasks,
        max_capacity=settings.max_tasks,
        opts=opts,
    )
    for what, metric, percent in (
        ("cpu", "ECSServiceAverageCPUUtilization", settings.cpu_target),
        ("memory", "ECSServiceAverageMemoryUtilization", settings.memory_target),
    ):
        aws.appautoscaling.Policy(
            f"{name}-{what}",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration={
                "target_value": percent,
                "scale_out_cooldown": settings.cooldown_seconds,
                "scale_in_cooldown": settings.cooldown_seconds,
                "predefined_metric_specification": {"predefined_metric_type": metric},
            },
            opts=opts,
        )


def _alarms(settings: FargateApiSettings, signals: Signals) -> tuple[Alarm, ...]:
    return (
        Alarm(
            name="errors",
            summary="The API failed more than 10 requests in 5 minutes, twice running.",
            watch=signals.total("HTTPCode_Target_5XX_Count", "errors"),
            comparison="above",
            threshold=10,
            evaluation_periods=2,
            severity="critical",
            runbook="api.md#errors",
        ),
        Alarm(
            name="unhealthy-targets",
            summary="A task has failed its health check for 10 minutes; the others carry its load.",
            watch=signals.total("UnHealthyHostCount", "unhealthy", "Maximum"),
            comparison="at_least",
            threshold=1,
            evaluation_periods=2,
            severity="warning",
            runbook="api.md#unhealthy-targets",
        ),
        Alarm(
            name="slow",
            summary=f"One request in twenty has taken over {SLOW_SECONDS} s for 15 minutes.",
            watch=signals.worst("TargetResponseTime", "p95", "p95"),
            comparison="above",
            threshold=SLOW_SECONDS,
            evaluation_periods=3,
            severity="warning",
            runbook="api.md#slow",
        ),
        Alarm(
            name="cpu-high",
            summary="CPU has stayed above 85 % for 10 minutes; scaling does not keep up.",
            watch=signals.used("CPUUtilization", "CPU"),
            comparison="above",
            threshold=85,
            evaluation_periods=2,
            severity="warning",
            runbook="api.md#cpu-high",
        ),
        Alarm(
            name="tasks-missing",
            summary=f"Fewer than {settings.min_tasks} tasks have run for 10 minutes.",
            watch=signals.tasks("RunningTaskCount", "running"),
            comparison="below",
            threshold=settings.min_tasks,
            evaluation_periods=2,
            # A service that stopped reporting has no tasks.
            missing_data="breaching",
            # What users feel of it is a request that fails, and those alarms are critical.
            severity="warning",
            runbook="api.md#tasks-missing",
        ),
    )


def _panels(signals: Signals) -> tuple[Panel, ...]:
    return (
        Panel(
            group="API",
            title="API: failed requests",
            unit="requests",
            metrics=[
                signals.total("HTTPCode_Target_5XX_Count", "5xx: ours"),
                signals.total("HTTPCode_Target_4XX_Count", "4xx: the caller's"),
            ],
        ),
        Panel(
            group="API",
            title="API: response time",
            unit="seconds",
            metrics=[
                signals.worst("TargetResponseTime", "p50", "p50"),
                signals.worst("TargetResponseTime", "p95", "p95"),
            ],
        ),
        Panel(
            group="API",
            title="API: CPU and memory",
            unit="percent",
            metrics=[
                signals.used("CPUUtilization", "CPU"),
                signals.used("MemoryUtilization", "memory"),
            ],
        ),
        Panel(
            group="API",
            title="API: tasks",
            unit="tasks",
            metrics=[
                signals.tasks("DesiredTaskCount", "wanted"),
                signals.tasks("RunningTaskCount", "running"),
                signals.total("HealthyHostCount", "healthy", "Minimum"),
            ],
        ),
    )
