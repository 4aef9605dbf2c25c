"""Workers on Fargate: containers without machines, such as Celery's."""

from __future__ import annotations

import math
from functools import partial

import pulumi
import pulumi_aws as aws

from components.access import Access
from components.containers import Container
from components.fargate import (
    ROLLED_OUT_BY_ECS,
    Cluster,
    FargateTask,
    ServiceSignals,
    capacity_strategy,
    fargate_cluster,
    fargate_task,
)
from components.observe import Alarm, Panel
from components.workers.beat import Beat, BeatArgs
from components.workers.contract import TaskFleetArgs, Waking
from components.workers.scaling import (
    Signals,
    scale_on_backlog,
    sleeps,
    target_backlog,
    wake_from_zero,
)
from components.workers.tasks import STOP_SECONDS, protect_tasks
from components.workers.watch import fleet_alarms, fleet_panels
from components.workload import Restart
from settings.workers import FargateFleetSettings

DEPLOY_MINUTES = 30
"""How long an update waits for a deployment, beside the jobs that old workers finish."""

CPU_HIGH_PERCENT = 85
"""AutoBlog's figure (M96)."""

FargateFleetArgs = TaskFleetArgs[FargateFleetSettings]


class FargateFleet(pulumi.ComponentResource):
    """Workers on Fargate, as many as the queue asks for (M44, M54).

    Scaling in never takes a worker at work: it protects its task while it has jobs. A deployment
    starts the new workers beside the old and ends those that have nothing to do; one at work ends
    when it lets go, so jobs are not cut off and the fleet runs at up to twice its size meanwhile.
    A worker that broke down holds nothing up for longer than `protection_minutes`; one that is
    never without a job keeps its task, and an update stops waiting for it (`longest_minutes`). On
    Spot a worker may still go at two minutes' notice; its jobs then return to the queue.

    Cost: a worker of 1 vCPU and 2 GB is 29 USD a month on arm64 and 36 USD on x86_64, about 70 %
    less on Spot; Container Insights by the metric (us-east-1, 2026).
    """

    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    service_name: pulumi.Output[str]
    group_names: tuple[pulumi.Output[str], ...] = ()
    deploy_handle: pulumi.Output[str]
    """`<cluster>/<service>`."""
    restart: Restart
    waking: Waking | None
    companions: tuple[Beat, ...]
    """What puts jobs in line by the clock, if anything does."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: FargateFleetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:FargateFleet", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground, settings = args.ground, args.settings
        access = args.all_access(stop_seconds=STOP_SECONDS, concurrency=settings.concurrency)
        what = f"worker-{args.fleet}"
        cluster = fargate_cluster(name, ground, what, child)

        task = fargate_task(
            name,
            what,
            ground=ground,
            title=f"{args.fleet} workers",
            cpu=settings.cpu,
            memory=settings.memory,
            architecture=settings.architecture,
            access=access,
            statements=(protect_tasks(cluster.arn), *cluster.sessions),
            container=partial(_container, args, access),
            opts=child,
        )
        service = _service(f"{name}-service", args, cluster, task, child)

        signals = Signals.of_service(args.queue, cluster.name, service.name)
        target = target_backlog(settings, settings.concurrency)
        scalable = scale_on_backlog(
            f"{name}-scaling",
            settings,
            signals,
            target=target,
            cluster_name=cluster.name,
            service_name=service.name,
            opts=child,
        )
        self.waking = None
        if sleeps(settings):
            wake_from_zero(
                name,
                settings,
                signals,
                scalable,
                target=target,
                prefix=ground.prefix,
                opts=child,
            )
            self.waking = Waking.of_service(args, cluster.name, service.name, target)
        self.companions = _companions(f"{name}-beat", args, cluster, child)

        self.role_name = task.role.name
        self.role_arn = task.role.arn
        self.security_group_id = task.security_group.id
        self.log_group_name = task.log_group.name
        self.cluster_name = cluster.name
        self.service_name = service.name
        self.deploy_handle = pulumi.Output.concat(cluster.name, "/", service.name)
        self.restart = Restart.of_service(ground, cluster.name, service.name)
        on_ecs = ServiceSignals(cluster_name=cluster.name, service_name=service.name)
        self.alarms = (
            *fleet_alarms(args.fleet, ground.prefix, settings, signals),
            _cpu_high(args.fleet, on_ecs),
        )
        self.panels = (
            *fleet_panels(args.fleet, ground.prefix, signals),
            _load(args.fleet, on_ecs),
        )
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "service_name": self.service_name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
                "deploy_handle": self.deploy_handle,
            }
        )


def _container(
    args: FargateFleetArgs, access: Access, log_group: aws.cloudwatch.LogGroup
) -> Container:
    # No health check: nothing listens, and a worker that ends is replaced.
    return Container(
        name="worker",
        image=args.image,
        command=args.settings.command,
        environment=access.environment,
        secrets=access.secrets,
        stop_seconds=STOP_SECONDS,
        log_group_name=log_group.name,
        region=args.ground.region,
    )


def _service(
    name: str,
    args: FargateFleetArgs,
    cluster: Cluster,
    task: FargateTask,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.Service:
    settings = args.settings
    minutes = longest_minutes(settings)
    return aws.ecs.Service(
        name,
        cluster=cluster.name,
        task_definition=task.definition.arn,
        desired_count=settings.min_workers,
        capacity_provider_strategies=capacity_strategy(settings.spot_percent),
        network_configuration=task.network,
        **ROLLED_OUT_BY_ECS,
        deployment_configuration={"strategy": "ROLLING"},
        # Old workers at work stay; with less room no new one could start beside them.
        deployment_maximum_percent=200,
        deployment_minimum_healthy_percent=100,
        # Evening out the zones ends healthy workers.
        availability_zone_rebalancing="DISABLED",
        # ECS takes another mix of Spot in no other way, and the provider refuses it at the preview.
        force_new_deployment=True,
        # An update that ECS rolled back must not look like one that worked. With Spot nobody waits:
        # a drought must not fail an update, and `workers-missing` tells of it.
        wait_for_steady_state=settings.spot_percent == 0,
        sigint_rollback=settings.spot_percent == 0,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # Scaling changes it by itself; an update would set it back.
                ignore_changes=["desired_count"],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{minutes}m", update=f"{minutes}m"),
            ),
        ),
    )


def longest_minutes(settings: FargateFleetSettings) -> int:
    """Minutes that a deployment may take: an old worker finishes its jobs, and one that broke down
    at them keeps its protection to the end."""
    return DEPLOY_MINUTES + settings.protection_minutes + math.ceil(settings.job_limit_seconds / 60)


def _companions(
    name: str,
    args: FargateFleetArgs,
    cluster: Cluster,
    opts: pulumi.ResourceOptions,
) -> tuple[Beat, ...]:
    if args.settings.beat is None:
        return ()
    beat = BeatArgs(
        settings=args.settings.beat,
        ground=args.ground,
        fleet=args.fleet,
        image=args.image,
        architecture=args.settings.architecture,
        cluster=cluster,
        access=args.access_beside(),
    )
    return (Beat(name, beat, opts),)


def _cpu_high(fleet: str, signals: ServiceSignals) -> Alarm:
    return Alarm(
        name="cpu-high",
        summary=f"The workers of {fleet} have used more than {CPU_HIGH_PERCENT} % of their CPU for "
        "10 minutes; their jobs get in each other's way.",
        watch=signals.used("CPUUtilization", "CPU"),
        comparison="above",
        threshold=CPU_HIGH_PERCENT,
        evaluation_periods=2,
        severity="warning",
        runbook="workers.md#cpu-high",
    )


def _load(fleet: str, signals: ServiceSignals) -> Panel:
    return Panel(
        group="Workers and jobs",
        title=f"{fleet}: load",
        unit="percent",
        metrics=[
            signals.used("CPUUtilization", "CPU"),
            signals.used("MemoryUtilization", "memory"),
        ],
    )
