"""GPU workers: containers on ECS, on a group of GPU instances bought on demand and as spot."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.access import Access, open_paths
from components.containers import (
    TASKS,
    Container,
    container_definitions,
    ecs_cluster,
    execution_role,
)
from components.grants import ServiceRole, service_role
from components.ground import Ground
from components.observe import Alarm, Panel
from components.security_groups import allow_https_out, security_group
from components.workers.contract import Waking
from components.workers.gpu_instances import (
    GpuFleetArgs,
    Pool,
    Purchase,
    ignoring,
    launch_template,
    pool,
)
from components.workers.overflow import Overflow, OverflowArgs
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
from settings.workers import GpuFleetSettings


class GpuFleet(pulumi.ComponentResource):
    """Workers with a GPU each, as many as the queue asks for (M48-M52, M54).

    One task is one GPU is one instance. Scaling in never takes a worker at work: instances with a
    task are protected, and a worker protects its task while it has a job. A spot instance may
    still go at two minutes' notice; its job then returns to the queue.

    Cost: each instance by the second, 0.80 USD an hour for a g6.xlarge on demand and about half of
    that as spot (us-east-1, 2026-07), idle ones for about 15 minutes after their last job; 19 USD
    a month for 100 GB of its gp3 while it runs; Container Insights by the metric.
    """

    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    service_name: pulumi.Output[str]
    group_names: tuple[pulumi.Output[str], ...]
    deploy_handle: pulumi.Output[str]
    """`<cluster>/<service>`."""
    restart: Restart
    waking: Waking | None
    companions: tuple[Overflow, ...]
    """What stands in for spot, if anything."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: GpuFleetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:GpuFleet", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground = args.ground
        access = args.all_access(stop_seconds=STOP_SECONDS)
        cluster = ecs_cluster(f"{name}-cluster", child)
        template = launch_template(name, args, cluster, child)
        instances = pool(name, args, template, _purchase(args.settings), child)
        second = _second_pool(name, args, template, child)
        pools = [instances, second] if second else [instances]
        attachment = _attach(f"{name}-attachment", cluster, pools, child)

        log_group = ground.logs.group(f"{name}-logs", "ecs", f"worker-{args.fleet}", child)
        role = _task_role(f"{name}-task", access, cluster, ground, child)
        task = _task_definition(name, args, access, role, log_group, child)
        tasks = security_group(f"{name}-tasks", ground.vpc_id, f"{args.fleet} workers", child)
        allow_https_out(f"{name}-tasks-https-out", tasks.id, child)
        open_paths(name, access.paths, tasks.id, child)
        service = _service(
            f"{name}-service",
            args,
            task,
            tasks,
            instances,
            attachment,
            child,
            args.settings.min_workers,
        )

        signals = Signals.of_service(args.queue, cluster.name, service.name, instances.group.name)
        target = target_backlog(args.settings)
        scalable = scale_on_backlog(
            f"{name}-scaling",
            args.settings,
            signals,
            target=target,
            cluster_name=cluster.name,
            service_name=service.name,
            opts=child,
        )
        self.waking = None
        if sleeps(args.settings):
            wake_from_zero(
                name,
                args.settings,
                signals,
                scalable,
                target=target,
                prefix=ground.prefix,
                opts=child,
            )
            self.waking = Waking.of_service(args, cluster.name, service.name, target)

        self.companions = ()
        if args.settings.overflow and args.queue.oldest and second:
            overflow = Overflow(
                f"{name}-overflow",
                OverflowArgs(
                    settings=args.settings.overflow,
                    fleet=args.fleet,
                    ground=ground,
                    signals=signals,
                    oldest=args.queue.oldest,
                    cluster_name=cluster.name,
                    service=_service(
                        f"{name}-overflow-service", args, task, tasks, second, attachment, child, 0
                    ),
                ),
                child,
            )
            self.companions = (overflow,)

        self.role_name = role.name
        self.role_arn = role.arn
        self.security_group_id = tasks.id
        self.log_group_name = log_group.name
        self.cluster_name = cluster.name
        self.service_name = service.name
        self.group_names = tuple(each.group.name for each in pools)
        self.deploy_handle = pulumi.Output.concat(cluster.name, "/", service.name)
        self.restart = Restart.of_service(ground, cluster.name, service.name)
        self.alarms = fleet_alarms(args.fleet, ground.prefix, args.settings, signals)
        self.panels = fleet_panels(args.fleet, ground.prefix, signals)
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "service_name": self.service_name,
                "group_name": instances.group.name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
                "deploy_handle": self.deploy_handle,
            }
        )


def _purchase(settings: GpuFleetSettings) -> Purchase:
    return Purchase(
        maximum=settings.max_workers,
        on_demand_base=settings.on_demand_base,
        on_demand_percent=settings.on_demand_percent,
    )


def _second_pool(
    name: str,
    args: GpuFleetArgs,
    template: aws.ec2.LaunchTemplate,
    opts: pulumi.ResourceOptions,
) -> Pool | None:
    if args.settings.overflow is None:
        return None
    on_demand = Purchase(
        maximum=args.settings.overflow.max_workers, on_demand_base=0, on_demand_percent=100
    )
    return pool(f"{name}-overflow", args, template, on_demand, opts)


def _attach(
    name: str,
    cluster: aws.ecs.Cluster,
    pools: Sequence[Pool],
    opts: pulumi.ResourceOptions,
) -> aws.ecs.ClusterCapacityProviders:
    first, *_ = pools
    return aws.ecs.ClusterCapacityProviders(
        name,
        cluster_name=cluster.name,
        capacity_providers=[each.provider.name for each in pools],
        default_capacity_provider_strategies=[
            {"capacity_provider": first.provider.name, "weight": 1}
        ],
        opts=opts,
    )


def _task_role(
    name: str,
    access: Access,
    cluster: aws.ecs.Cluster,
    ground: Ground,
    opts: pulumi.ResourceOptions,
) -> ServiceRole:
    statements = (protect_tasks(cluster.arn), *access.statements)
    return service_role(name, TASKS, statements, opts, account_id=ground.account_id)


def _task_definition(
    name: str,
    args: GpuFleetArgs,
    access: Access,
    role: ServiceRole,
    log_group: aws.cloudwatch.LogGroup,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.TaskDefinition:
    worker = Container(
        name="worker",
        image=args.image,
        log_group_name=log_group.name,
        region=args.ground.region,
        command=args.settings.command,
        cpu=args.settings.cpu,
        memory=args.settings.memory,
        gpus=1,
        environment=access.environment,
        secrets=access.secrets,
        stop_seconds=STOP_SECONDS,
    )
    return aws.ecs.TaskDefinition(
        f"{name}-definition",
        family=f"{args.ground.prefix}-{args.fleet}",
        requires_compatibilities=["EC2"],
        network_mode="awsvpc",
        task_role_arn=role.arn,
        execution_role_arn=execution_role(
            f"{name}-execution", log_group, args.image, access.secrets, args.ground, opts
        ).arn,
        container_definitions=container_definitions(worker),
        # A service that went back runs on the revision before; see components/fargate.py.
        skip_destroy=True,
        opts=opts,
    )


def _service(
    name: str,
    args: GpuFleetArgs,
    task: aws.ecs.TaskDefinition,
    tasks: aws.ec2.SecurityGroup,
    instances: Pool,
    attachment: aws.ecs.ClusterCapacityProviders,
    opts: pulumi.ResourceOptions,
    desired: int,
) -> aws.ecs.Service:
    return aws.ecs.Service(
        name,
        # Through the attachment, so that ECS knows the provider before the service names it.
        cluster=attachment.cluster_name,
        task_definition=task.arn,
        desired_count=desired,
        # Never a launch type: tasks would then wait for instances that nobody starts.
        capacity_provider_strategies=[{"capacity_provider": instances.provider.name, "weight": 1}],
        network_configuration={
            "subnets": args.ground.private_subnet_ids,
            "security_groups": [tasks.id],
        },
        # Old workers go before new ones come: nobody pays for a second fleet of GPUs.
        deployment_minimum_healthy_percent=0,
        deployment_maximum_percent=100,
        deployment_circuit_breaker={"enable": True, "rollback": True},
        ordered_placement_strategies=[{"type": "binpack", "field": "memory"}],
        availability_zone_rebalancing="DISABLED",
        enable_ecs_managed_tags=True,
        propagate_tags="SERVICE",
        # A spot drought must not fail an update; `workers-missing` tells of it.
        wait_for_steady_state=False,
        opts=ignoring(opts, "desired_count"),
    )
