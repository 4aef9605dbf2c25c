"""Services: further containers beside the API, each on Fargate and on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_aws as aws

from components.access import Access, combined
from components.api.load_balancer import LoadBalancer
from components.api.targets import (
    RequestSignals,
    api_alarms,
    api_panels,
    capacity_alarms,
    capacity_panels,
    ecs_signals,
    forward_rule,
    paths,
    target_group,
)
from components.containers import Container
from components.fargate import (
    ROLLED_OUT_BY_ECS,
    Cluster,
    FargateTask,
    ServiceSignals,
    capacity_strategy,
    fargate_cluster,
    fargate_task,
    health_check,
    scale_on_load,
)
from components.ground import Ground
from components.observe import Alarm, Panel
from components.registry import Registry
from components.secrets import Secrets
from components.security_groups import connect
from components.workload import Restart
from settings.services import RouteSettings, ServiceSettings

DEPLOY_MINUTES = 30
"""How long an update waits for a deployment. The circuit breaker decides long before."""

CPU_HIGH_PERCENT = 85
"""The API's figure (M96); no brief names one for what runs beside it."""

RUNBOOK = "services.md"


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    settings: ServiceSettings
    ground: Ground
    service: str
    """What it is called: its log group, its container and its panels."""
    load_balancer: LoadBalancer
    """The door, for a service with a route."""
    image: pulumi.Input[str]
    """The image's full URI. With a route it holds a shell, and curl, wget or python3, for the
    health check."""
    access: Sequence[Access]
    """What the service uses."""


class Service(pulumi.ComponentResource):
    """A service on Fargate that scales on CPU and memory, with or without a way in.

    It has a cluster of its own, which costs nothing and keeps its tasks apart from the API's. New
    tasks replace the old ones; when they do not stay up, ECS goes back by itself and the update
    fails.

    Cost: a task of 0.25 vCPU and 0.5 GB is 7 USD a month on arm64 and 9 USD on x86_64, about 70 %
    less on Spot; a deployment runs twice the tasks for its minutes; Container Insights by the
    metric (us-east-1, 2026).
    """

    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    service_name: pulumi.Output[str]
    deploy_handle: pulumi.Output[str]
    """`<cluster>/<service>`."""
    restart: Restart
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:services:Service", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground, settings = args.ground, args.settings
        access = combined([Access(environment=settings.environment), *args.access])
        cluster = fargate_cluster(name, ground, args.service, child)

        task = fargate_task(
            name,
            args.service,
            ground=ground,
            title=f"{args.service} tasks",
            cpu=settings.cpu,
            memory=settings.memory,
            architecture=settings.architecture,
            access=access,
            statements=cluster.sessions,
            container=partial(_container, args, access),
            opts=child,
        )

        route = _route(name, args, settings.route, task, child) if settings.route else None
        service = _service(f"{name}-service", args, cluster, task, route, child)
        scale_on_load(
            f"{name}-scaling",
            settings,
            cluster_name=cluster.name,
            service_name=service.name,
            cooldown_seconds=settings.cooldown_seconds,
            opts=child,
        )

        self.role_name = task.role.name
        self.role_arn = task.role.arn
        self.security_group_id = task.security_group.id
        self.log_group_name = task.log_group.name
        self.cluster_name = cluster.name
        self.service_name = service.name
        self.deploy_handle = pulumi.Output.concat(cluster.name, "/", service.name)
        self.restart = Restart.of_service(ground, cluster.name, service.name)
        on_ecs = ServiceSignals(cluster_name=cluster.name, service_name=service.name)
        self.alarms, self.panels = _watched(args, on_ecs, route)
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "service_name": self.service_name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
            }
        )


def further_services(
    settings: Mapping[str, ServiceSettings],
    ground: Ground,
    images: Registry,
    secrets: Secrets,
    load_balancer: LoadBalancer,
    access: Sequence[Access],
    opts: pulumi.ResourceOptions,
) -> dict[str, Service]:
    """A service for each of the settings, by name. `access` is what all of them use."""
    return {
        name: Service(
            f"service-{name}",
            ServiceArgs(
                settings=sizing,
                ground=ground,
                service=name,
                load_balancer=load_balancer,
                image=images.image(sizing.image),
                access=[*access, secrets.access(sizing.secrets)],
            ),
            opts,
        )
        for name, sizing in settings.items()
    }


def _container(args: ServiceArgs, access: Access, log_group: aws.cloudwatch.LogGroup) -> Container:
    settings = args.settings
    routed = settings.route is not None
    return Container(
        name=args.service,
        image=args.image,
        command=settings.command,
        port=settings.port if routed else None,
        environment=access.environment,
        secrets=access.secrets,
        # Without a way in nothing listens, and a container that ends is health check enough.
        health_check=health_check(settings.health, settings.port) if routed else None,
        log_group_name=log_group.name,
        region=args.ground.region,
    )


@dataclass(frozen=True, kw_only=True)
class _Route:
    """The way from the load balancer to the tasks."""

    targets: aws.lb.TargetGroup
    rule: aws.lb.ListenerRule
    requests: RequestSignals


def _route(
    name: str,
    args: ServiceArgs,
    settings: RouteSettings,
    task: FargateTask,
    opts: pulumi.ResourceOptions,
) -> _Route:
    door, port = args.load_balancer, args.settings.port
    connect(
        f"{name}-from-door",
        source=door.security_group_id,
        target=task.security_group.id,
        port=port,
        opts=opts,
    )
    targets = target_group(
        f"{name}-targets",
        ground=args.ground,
        health=args.settings.health,
        opts=opts,
    )
    rule = forward_rule(
        f"{name}-rule",
        listener_arn=door.listener_arn,
        weights=[(targets, 100)],
        priority=settings.priority,
        conditions=paths(*settings.paths),
        opts=opts,
    )
    requests = RequestSignals(
        load_balancer=door.arn_suffix, target_groups={"live": targets.arn_suffix}
    )
    return _Route(targets=targets, rule=rule, requests=requests)


def _service(
    name: str,
    args: ServiceArgs,
    cluster: Cluster,
    task: FargateTask,
    route: _Route | None,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.Service:
    settings = args.settings
    return aws.ecs.Service(
        name,
        cluster=cluster.name,
        task_definition=task.definition.arn,
        desired_count=settings.min_tasks,
        capacity_provider_strategies=capacity_strategy(settings.spot_percent),
        network_configuration=task.network,
        load_balancers=(
            [
                {
                    "target_group_arn": route.targets.arn,
                    "container_name": args.service,
                    "container_port": settings.port,
                }
            ]
            if route
            else None
        ),
        # ECS refuses it for a service that no load balancer asks for its health.
        health_check_grace_period_seconds=settings.health.start_seconds if route else None,
        **ROLLED_OUT_BY_ECS,
        deployment_configuration={"strategy": "ROLLING"},
        deployment_maximum_percent=200,
        deployment_minimum_healthy_percent=100,
        availability_zone_rebalancing="ENABLED",
        # ECS takes another mix of Spot in no other way, and the provider refuses it at the preview.
        force_new_deployment=True,
        # An update that ECS rolled back must not look like one that worked.
        wait_for_steady_state=True,
        sigint_rollback=True,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # Scaling changes it by itself; an update would set it back.
                ignore_changes=["desired_count"],
                # ECS refuses a target group that no load balancer knows yet.
                depends_on=[route.rule] if route else None,
                custom_timeouts=pulumi.CustomTimeouts(
                    create=f"{DEPLOY_MINUTES}m", update=f"{DEPLOY_MINUTES}m"
                ),
            ),
        ),
    )


def _watched(
    args: ServiceArgs, on_ecs: ServiceSignals, route: _Route | None
) -> tuple[tuple[Alarm, ...], tuple[Panel, ...]]:
    minimum, title = args.settings.min_tasks, f"Service {args.service}"
    if route:
        signals = ecs_signals(route.requests, on_ecs)
        alarms = api_alarms(signals, minimum=minimum, cpu_percent=CPU_HIGH_PERCENT, runbook=RUNBOOK)
        return alarms, api_panels(signals, title)
    cpu = on_ecs.used("CPUUtilization", "CPU")
    running = on_ecs.tasks("RunningTaskCount", "running")
    alarms = capacity_alarms(
        cpu,
        running,
        unit="task",
        minimum=minimum,
        cpu_percent=CPU_HIGH_PERCENT,
        runbook=RUNBOOK,
    )
    panels = capacity_panels(
        [cpu, on_ecs.used("MemoryUtilization", "memory")],
        [on_ecs.tasks("DesiredTaskCount", "wanted"), running],
        unit="task",
        title=title,
    )
    return alarms, panels
