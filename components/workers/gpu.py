"""GPU workers: containers on ECS, on a group of GPU instances bought on demand and as spot."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.access import Access, combined, open_paths
from components.containers import (
    TASKS,
    Container,
    container_definitions,
    ecs_cluster,
    execution_role,
)
from components.grants import ServiceRole, Statement, service_role
from components.ground import Ground
from components.observe import Alarm, Panel
from components.queues import WorkQueue
from components.security_groups import allow_https_out, security_group
from components.workers.scaling import Signals, scale_on_backlog, wake_from_zero
from components.workload import Restart
from settings.gpu import GPU_CLASSES
from settings.workers import GpuFleetSettings

IMAGE_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"
"""Where AWS publishes the newest ECS GPU-optimised Amazon Linux 2023 image."""

BOOT_SCRIPT = Path(__file__).with_name("boot.sh")

WARM_UP_SECONDS = 180
"""How long a new instance counts as on its way; a boot measured 150 to 330 s."""

STOP_SECONDS = 110
"""What a worker has between SIGTERM and SIGKILL; a spot instance goes after 120 s."""

ROOT_IOPS = 3000
ROOT_MIB_PER_SECOND = 400
"""gp3 includes 3000 IOPS; beyond 438 MB/s a g5.xlarge could not use what it pays for."""

INSTANCE_POLICIES = {
    "ecs": "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
    "ssm": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
}
"""To join a cluster, and to be looked into with Session Manager: there is no SSH."""


@dataclass(frozen=True, kw_only=True)
class GpuFleetArgs:
    settings: GpuFleetSettings
    ground: Ground
    fleet: str
    """What its workers do: `render`."""
    queue: WorkQueue
    image: pulumi.Input[str]
    """The image's full URI, by digest where it must not change under a running fleet."""
    access: Sequence[Access]
    """What its workers use beside their queue."""


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
    group_name: pulumi.Output[str]
    capacity_provider_name: pulumi.Output[str]
    deploy_handle: pulumi.Output[str]
    """`<cluster>/<service>`."""
    restart: Restart
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: GpuFleetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:GpuFleet", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground = args.ground
        access = combined([args.queue.consumer(), _access_from(args.settings), *args.access])
        cluster = ecs_cluster(f"{name}-cluster", child)
        template = _launch_template(name, args, cluster, child)
        group = _group(f"{name}-group", args, template, child)
        provider = _capacity_provider(f"{name}-capacity", args.settings, group, child)
        attachment = _attach(f"{name}-attachment", cluster, provider, child)

        log_group = ground.logs.group(f"{name}-logs", "ecs", f"worker-{args.fleet}", child)
        role = _task_role(f"{name}-task", access, cluster, ground, child)
        task = _task_definition(name, args, access, role, log_group, child)
        tasks = security_group(f"{name}-tasks", ground.vpc_id, f"{args.fleet} workers", child)
        allow_https_out(f"{name}-tasks-https-out", tasks.id, child)
        open_paths(name, access.paths, tasks.id, child)
        service = _service(f"{name}-service", args, task, tasks, provider, attachment, child)

        signals = Signals(
            queue_name=args.queue.name,
            cluster_name=cluster.name,
            service_name=service.name,
            group_name=group.name,
        )
        target = scale_on_backlog(f"{name}-scaling", args.settings, signals, child)
        if args.settings.min_workers == 0:
            wake_from_zero(name, args.settings, signals, target, ground.prefix, child)

        self.role_name = role.name
        self.role_arn = role.arn
        self.security_group_id = tasks.id
        self.log_group_name = log_group.name
        self.cluster_name = cluster.name
        self.service_name = service.name
        self.group_name = group.name
        self.capacity_provider_name = provider.name
        self.deploy_handle = pulumi.Output.concat(cluster.name, "/", service.name)
        self.restart = Restart.of_service(ground, cluster.name, service.name)
        self.alarms = _alarms(args, replace(signals, period=300))
        self.panels = _panels(args.fleet, replace(signals, period=300))
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "service_name": self.service_name,
                "group_name": self.group_name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
                "deploy_handle": self.deploy_handle,
            }
        )


def _launch_template(
    name: str, args: GpuFleetArgs, cluster: aws.ecs.Cluster, opts: pulumi.ResourceOptions
) -> aws.ec2.LaunchTemplate:
    role = service_role(
        f"{name}-instance", "ec2.amazonaws.com", (), opts, managed_policies=INSTANCE_POLICIES
    )
    profile = aws.iam.InstanceProfile(f"{name}-instance", role=role.name, opts=opts)
    instances = security_group(
        f"{name}-instances", args.ground.vpc_id, f"{args.fleet} instances", opts
    )
    way_out = allow_https_out(f"{name}-instances-https-out", instances.id, opts)
    tags = _instance_tags(args)
    return aws.ec2.LaunchTemplate(
        f"{name}-template",
        image_id=args.settings.ami or _newest_image(opts),
        iam_instance_profile={"arn": profile.arn},
        # Through the rule: when a stack is taken down, the ECS agent must reach ECS to the end.
        vpc_security_group_ids=[way_out.security_group_id],
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            # Tasks have interfaces of their own; a second hop would only serve bridged containers.
            "http_put_response_hop_limit": 1,
        },
        block_device_mappings=[
            {
                "device_name": "/dev/xvda",
                "ebs": {
                    "volume_type": "gp3",
                    "volume_size": args.settings.root_gb,
                    "iops": ROOT_IOPS,
                    "throughput": ROOT_MIB_PER_SECOND,
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        tag_specifications=[
            {"resource_type": "instance", "tags": tags},
            {"resource_type": "volume", "tags": tags},
        ],
        user_data=cluster.name.apply(_user_data),
        update_default_version=True,
        opts=opts,
    )


def _newest_image(opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    # The plain copy: `value` is marked secret and would hide the image from every preview.
    return aws.ssm.get_parameter_output(
        name=IMAGE_PARAMETER, opts=pulumi.InvokeOptions(parent=opts.parent)
    ).insecure_value


def _user_data(cluster: str) -> str:
    script = BOOT_SCRIPT.read_text(encoding="utf-8")
    script = script.replace("@cluster@", cluster).replace("@stop_seconds@", str(STOP_SECONDS))
    return base64.b64encode(script.encode()).decode()


def _instance_tags(args: GpuFleetArgs) -> dict[str, str]:
    return {**args.ground.tags, "Name": f"{args.ground.prefix}-{args.fleet}"}


def _group(
    name: str,
    args: GpuFleetArgs,
    template: aws.ec2.LaunchTemplate,
    opts: pulumi.ResourceOptions,
) -> aws.autoscaling.Group:
    settings = args.settings
    types = settings.instance_types or GPU_CLASSES[settings.gpu_class].instance_types
    return aws.autoscaling.Group(
        name,
        vpc_zone_identifiers=args.ground.private_subnet_ids,
        # The floor is the service's: ECS then empties an instance before the group may lose it.
        min_size=0,
        max_size=settings.max_workers,
        mixed_instances_policy={
            "instances_distribution": {
                "on_demand_base_capacity": settings.on_demand_base,
                "on_demand_percentage_above_base_capacity": settings.on_demand_percent,
                "on_demand_allocation_strategy": "prioritized",
                "spot_allocation_strategy": "price-capacity-optimized",
            },
            "launch_template": {
                "launch_template_specification": {
                    "launch_template_id": template.id,
                    # `$Latest` would hide from a preview that new instances will differ.
                    "version": template.latest_version.apply(str),
                },
                # No weights: the capacity provider counts instances.
                "overrides": [{"instance_type": type_} for type_ in types],
            },
        },
        protect_from_scale_in=True,
        # Evening out the zones ends healthy instances, at work or not.
        suspended_processes=["AZRebalance"],
        # The replacement ends the old instance at a mere warning, at work or not.
        capacity_rebalance=False,
        default_instance_warmup=WARM_UP_SECONDS,
        enabled_metrics=[
            aws.autoscaling.Metric.GROUP_DESIRED_CAPACITY,
            aws.autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES,
            aws.autoscaling.Metric.GROUP_PENDING_INSTANCES,
        ],
        metrics_granularity="1Minute",
        # A spot drought must not fail an update.
        wait_for_capacity_timeout="0",
        # Protected instances would hold up its deletion for ever, and they keep nothing: a job
        # that was at work returns to the queue.
        force_delete=True,
        tags=[
            {"key": key, "value": value, "propagate_at_launch": True}
            for key, value in {**_instance_tags(args), "AmazonECSManaged": ""}.items()
        ],
        opts=_ignoring(opts, "desired_capacity"),
    )


def _capacity_provider(
    name: str,
    settings: GpuFleetSettings,
    group: aws.autoscaling.Group,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.CapacityProvider:
    return aws.ecs.CapacityProvider(
        name,
        auto_scaling_group_provider={
            "auto_scaling_group_arn": group.arn,
            "managed_draining": "ENABLED",
            "managed_termination_protection": "ENABLED",
            "managed_scaling": {
                "status": "ENABLED",
                "target_capacity": 100,
                "minimum_scaling_step_size": 1,
                "maximum_scaling_step_size": settings.max_step,
                "instance_warmup_period": WARM_UP_SECONDS,
            },
        },
        opts=opts,
    )


def _attach(
    name: str,
    cluster: aws.ecs.Cluster,
    provider: aws.ecs.CapacityProvider,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.ClusterCapacityProviders:
    return aws.ecs.ClusterCapacityProviders(
        name,
        cluster_name=cluster.name,
        capacity_providers=[provider.name],
        default_capacity_provider_strategies=[{"capacity_provider": provider.name, "weight": 1}],
        opts=opts,
    )


def _access_from(settings: GpuFleetSettings) -> Access:
    times = {"JOB_LIMIT_SECONDS": str(settings.job_limit_seconds)}
    if settings.heartbeat_seconds is not None:
        times["HEARTBEAT_SECONDS"] = str(settings.heartbeat_seconds)
    return combined([Access(environment=times), Access(environment=settings.environment)])


def _task_role(
    name: str,
    access: Access,
    cluster: aws.ecs.Cluster,
    ground: Ground,
    opts: pulumi.ResourceOptions,
) -> ServiceRole:
    protection = Statement(
        sid="ProtectTaskAtWork",
        actions=["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
        resources=[cluster.arn.apply(lambda arn: f"{arn.replace(':cluster/', ':task/')}/*")],
    )
    return service_role(
        name, TASKS, (protection, *access.statements), opts, account_id=ground.account_id
    )


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
            f"{name}-execution", log_group, access.secrets, args.ground.account_id, opts
        ).arn,
        container_definitions=container_definitions(worker),
        opts=opts,
    )


def _service(
    name: str,
    args: GpuFleetArgs,
    task: aws.ecs.TaskDefinition,
    tasks: aws.ec2.SecurityGroup,
    provider: aws.ecs.CapacityProvider,
    attachment: aws.ecs.ClusterCapacityProviders,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.Service:
    return aws.ecs.Service(
        name,
        # Through the attachment, so that ECS knows the provider before the service names it.
        cluster=attachment.cluster_name,
        task_definition=task.arn,
        desired_count=args.settings.min_workers,
        # Never a launch type: tasks would then wait for instances that nobody starts.
        capacity_provider_strategies=[{"capacity_provider": provider.name, "weight": 1}],
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
        opts=_ignoring(opts, "desired_count"),
    )


def _ignoring(opts: pulumi.ResourceOptions, property_name: str) -> pulumi.ResourceOptions:
    """`opts` for what scaling changes by itself: an update would set it back."""
    return pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(ignore_changes=[property_name])
    )


def _alarms(args: GpuFleetArgs, signals: Signals) -> tuple[Alarm, ...]:
    return (
        Alarm(
            name="workers-missing",
            summary=f"{args.fleet} has had fewer workers than it wants for 15 minutes.",
            watch=signals.missing_workers(),
            comparison="at_least",
            threshold=1,
            evaluation_periods=3,
            # A fleet at rest may be silent; one that never rests is not, unless it is gone.
            missing_data="breaching" if args.settings.min_workers else "notBreaching",
            # What users feel of it is a job that nobody takes, and that alarm is critical.
            severity="warning",
            runbook="workers.md#workers-missing",
        ),
    )


def _panels(fleet: str, signals: Signals) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Workers and jobs",
            title=f"{fleet}: workers",
            unit="workers",
            metrics=[signals.wanted, signals.running],
        ),
        Panel(
            group="Workers and jobs",
            title=f"{fleet}: jobs per worker",
            unit="jobs",
            metrics=[signals.backlog_per_worker()],
        ),
        Panel(
            group="Workers and jobs",
            title=f"{fleet}: GPU instances",
            unit="instances",
            metrics=[
                signals.instances_wanted,
                signals.instances_in_service,
                signals.instances_pending,
            ],
        ),
    )
