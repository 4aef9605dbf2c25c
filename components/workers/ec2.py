"""EC2 workers: an instance each, in a group that follows the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.access import open_paths
from components.grants import ServiceRole, Statement, policy_document
from components.instances import (
    COUNTED,
    HEALTHY_PERCENT,
    HEALTHY_PERCENT_MOST,
    Program,
    group_tags,
    instance_role,
    instance_tags,
    launch_template,
    newest_image,
    restart_of_group,
)
from components.observe import Alarm, Panel
from components.security_groups import allow_https_out, security_group
from components.workers.contract import Companion, FleetArgs, Waking
from components.workers.drain import drain_hook, hook_seconds
from components.workers.group_scaling import (
    WARM_UP_SECONDS,
    scale_group_on_backlog,
    wake_group_from_zero,
    waking_of_group,
)
from components.workers.scaling import Signals, sleeps, target_backlog
from components.workers.watch import fleet_alarms, fleet_panels
from components.workload import Restart
from settings.workers import Ec2FleetSettings

UNIT = "worker"
"""The systemd unit and the container; functions/drain_workers stops it by that name."""

GRACE_SECONDS = 30
"""What a worker that is to stop has beside its longest job, to strike the job off and say so."""

READY_HOOK = "ready"
READY_SECONDS = 900
"""How long an instance may take from its launch until its worker can start: the system, the image,
the secrets. Three minutes are usual; one that takes longer than this is replaced. An estimate."""


@dataclass(frozen=True, kw_only=True)
class Ec2FleetArgs(FleetArgs[Ec2FleetSettings]):
    image: pulumi.Input[str] | None
    """The container image's full URI. None: the settings' `command` runs on their `ami` itself."""


class Ec2Fleet(pulumi.ComponentResource):
    """Workers that are an instance each, as many as the queue asks for (M46, M47, M51, M52).

    An instance counts once its worker can start, and until then takes no job: one whose image
    cannot be pulled, or whose secret is missing, is replaced, and a deployment of such does not get
    past its first new instances.

    Nothing ends a job but its own limit and spot. A worker protects its instance while it has a
    job, so scaling in takes another. What protection does not stop, a deployment or the early
    warning that spot may take an instance back (B10), first asks the worker to stop and waits for
    the job; until then a hook holds the instance. A spot instance may still go at two minutes'
    notice; its job then returns to the queue.

    A deployment replaces the instances, new ones first (B15). No alarm ends it: one that sounds for
    jobs that fail would also keep out the version that mends them. Nor does it roll back, which the
    provider cannot (see components/api/ec2.py); going back is an update to the image before.

    Without an image the AMI is the artefact, such as one that Packer makes for each commit: it is
    Amazon Linux 2023 with the worker on it, and `command` starts it, as root. A worker in a
    container writes its log to CloudWatch by Docker, one without by the CloudWatch agent.

    Cost: each instance by the second, 0.0208 USD an hour for a t3.small on demand and about a third
    of that as spot (us-east-1, 2026), and 2.40 USD a month for 30 GB of its gp3 while it is there,
    stopped in a warm pool too. What is at work during a deployment or a drain comes on top.
    """

    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    group_name: pulumi.Output[str]
    group_names: tuple[pulumi.Output[str], ...]
    deploy_handle: pulumi.Output[str]
    """The group's name."""
    restart: Restart
    waking: Waking | None
    companions: tuple[Companion, ...] = ()
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: Ec2FleetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:Ec2Fleet", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground, settings = args.ground, args.settings
        held_seconds = hook_seconds(settings.job_limit_seconds)
        stop_seconds = settings.job_limit_seconds + GRACE_SECONDS
        access = args.all_access(stop_seconds=stop_seconds, concurrency=settings.concurrency)

        log_group = ground.logs.group(f"{name}-logs", "ec2", f"worker-{args.fleet}", child)
        role = instance_role(f"{name}-instance", args.image, access, log_group, ground, child)
        instances = security_group(f"{name}-instances", ground.vpc_id, "Workers", child)
        way_out = allow_https_out(f"{name}-instances-https-out", instances.id, child)
        open_paths(name, access.paths, instances.id, child)

        tags = instance_tags(ground, args.fleet)
        template = launch_template(
            name,
            role=role,
            # Through the rule: an instance cannot boot before it has its way out.
            security_group_id=way_out.security_group_id,
            image_id=settings.ami or newest_image(settings.architecture, child),
            instance_type=settings.instance_types[0],
            root_gb=settings.root_gb,
            key_name=settings.key_name,
            program=Program(
                name=UNIT,
                image=args.image,
                command=settings.command,
                access=access,
                region=ground.region,
                log_group=log_group,
                stop_seconds=stop_seconds,
                ready_hook=READY_HOOK,
            ),
            tags=tags,
            opts=child,
        )
        group = _group(f"{name}-group", args, tags, template, child)
        _grant_own_group(f"{name}-group", role, group, child)
        drain_hook(f"{name}-drain", group.name, held_seconds, child)

        signals = Signals.of_group(args.queue, group.name)
        target = target_backlog(settings, settings.concurrency)
        scale_group_on_backlog(
            f"{name}-scaling",
            settings,
            signals,
            target=target,
            group_name=group.name,
            opts=child,
        )
        self.waking = None
        if sleeps(settings):
            wake_group_from_zero(
                name,
                settings,
                signals,
                target=target,
                group_name=group.name,
                prefix=ground.prefix,
                opts=child,
            )
            self.waking = waking_of_group(args, group, target)

        self.role_name = role.name
        self.role_arn = role.arn
        self.security_group_id = instances.id
        self.log_group_name = log_group.name
        self.group_name = group.name
        self.group_names = (group.name,)
        self.deploy_handle = group.name
        self.restart = restart_of_group(group)
        self.alarms = fleet_alarms(args.fleet, ground.prefix, settings, signals)
        self.panels = fleet_panels(args.fleet, ground.prefix, signals)
        self.register_outputs(
            {
                "group_name": self.group_name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
                "deploy_handle": self.deploy_handle,
            }
        )


def _group(
    name: str,
    args: Ec2FleetArgs,
    tags: Mapping[str, str],
    template: aws.ec2.LaunchTemplate,
    opts: pulumi.ResourceOptions,
) -> aws.autoscaling.Group:
    settings = args.settings
    pooled = settings.warm_pool is not None
    # A number: `$Latest` would hide from a preview that new instances will differ.
    version = template.latest_version.apply(str)
    return aws.autoscaling.Group(
        name,
        vpc_zone_identifiers=args.ground.private_subnet_ids,
        min_size=settings.min_workers,
        max_size=settings.max_workers,
        # AWS has no warm pool for a mixed group, be it mixed of one type alone.
        launch_template={"id": template.id, "version": version} if pooled else None,
        mixed_instances_policy=None if pooled else _bought(settings, template, version),
        warm_pool=_warm_pool(settings),
        initial_lifecycle_hooks=[
            # With the group itself: made later, it would miss the first instances.
            aws.autoscaling.GroupInitialLifecycleHookArgs(
                name=READY_HOOK,
                lifecycle_transition="autoscaling:EC2_INSTANCE_LAUNCHING",
                heartbeat_timeout=READY_SECONDS,
                default_result="ABANDON",
            )
        ],
        # A worker protects its own instance, and only while it has a job.
        protect_from_scale_in=False,
        # Evening out the zones ends healthy instances, at work or not.
        suspended_processes=["AZRebalance"],
        # At the mere warning the old instance is to go, and the drain waits for its job (B10).
        capacity_rebalance=settings.on_demand_percent < 100,
        # Whoever answers the drain's hook with ABANDON keeps the instance, to look into it (B11).
        instance_lifecycle_policy={"retention_triggers": {"terminate_hook_abandon": "retain"}},
        instance_maintenance_policy={
            "min_healthy_percentage": HEALTHY_PERCENT,
            "max_healthy_percentage": HEALTHY_PERCENT_MOST,
        },
        instance_refresh=_refresh(),
        default_instance_warmup=WARM_UP_SECONDS,
        **COUNTED,
        # A spot drought must not fail an update.
        wait_for_capacity_timeout="0",
        # Protected instances would hold up its deletion for ever, and they keep nothing: a job
        # that was at work returns to the queue.
        force_delete=True,
        tags=group_tags(tags),
        opts=pulumi.ResourceOptions.merge(
            opts,
            # Scaling changes it by itself; an update would set it back.
            pulumi.ResourceOptions(ignore_changes=["desired_capacity"]),
        ),
    )


def _bought(
    settings: Ec2FleetSettings, template: aws.ec2.LaunchTemplate, version: pulumi.Output[str]
) -> aws.autoscaling.GroupMixedInstancesPolicyArgsDict:
    """Of which types, and how much of it as spot (M49)."""
    return {
        "instances_distribution": {
            "on_demand_base_capacity": settings.on_demand_base,
            "on_demand_percentage_above_base_capacity": settings.on_demand_percent,
            "on_demand_allocation_strategy": "prioritized",
            "spot_allocation_strategy": "price-capacity-optimized",
        },
        "launch_template": {
            "launch_template_specification": {
                "launch_template_id": template.id,
                "version": version,
            },
            # No weights: one instance is one worker.
            "overrides": [{"instance_type": type_} for type_ in settings.instance_types],
        },
    }


def _warm_pool(settings: Ec2FleetSettings) -> aws.autoscaling.GroupWarmPoolArgs | None:
    if settings.warm_pool is None:
        return None
    return aws.autoscaling.GroupWarmPoolArgs(
        # Stopped, they cost their disk alone.
        pool_state="Stopped",
        min_size=settings.warm_pool.min_size,
        max_group_prepared_capacity=settings.warm_pool.max_prepared,
    )


def _refresh() -> aws.autoscaling.GroupInstanceRefreshArgs:
    return aws.autoscaling.GroupInstanceRefreshArgs(
        strategy="Rolling",
        preferences=aws.autoscaling.GroupInstanceRefreshPreferencesArgs(
            # The provider's own 90 would come before the group's policy.
            min_healthy_percentage=HEALTHY_PERCENT,
            max_healthy_percentage=HEALTHY_PERCENT_MOST,
            skip_matching=True,
            # The drain waits for their jobs. To wait for the protection itself would fail after an
            # hour, wherever a worker takes its next job as soon as it is done with one.
            # https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
            scale_in_protected_instances="Refresh",
        ),
    )


def _grant_own_group(
    name: str, role: ServiceRole, group: aws.autoscaling.Group, opts: pulumi.ResourceOptions
) -> None:
    """What an instance may do in its group: say that it is ready, and protect itself.

    Apart from the role's other grants, which must stand before the group does.
    """
    statements = [
        Statement(
            sid="ProtectWhileAtWork",
            actions=["autoscaling:SetInstanceProtection", "autoscaling:CompleteLifecycleAction"],
            resources=[group.arn],
        ),
        Statement(
            sid="SeeOwnGroup",
            actions=["autoscaling:DescribeAutoScalingInstances"],
            # A listing, which knows no resources.
            resources=["*"],
        ),
    ]
    aws.iam.RolePolicy(name, role=role.name, policy=policy_document(statements), opts=opts)
