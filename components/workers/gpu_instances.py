"""The instances of GPU workers: bought on demand and as spot, filled by ECS."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.grants import Statement, service_role
from components.ground import Ground
from components.instances import COUNTED, SESSIONS, group_tags, instance_tags
from components.security_groups import allow_https_out, security_group
from components.workers.contract import TaskFleetArgs
from components.workers.tasks import STOP_SECONDS
from settings.workers import GpuFleetSettings

IMAGE_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"
"""Where AWS publishes the newest ECS GPU-optimised Amazon Linux 2023 image."""

BOOT_SCRIPT = Path(__file__).with_name("boot.sh")

WARM_UP_SECONDS = 180
"""How long a new instance counts as on its way; a boot measured 150 to 330 s."""

ROOT_IOPS = 3000
ROOT_MIB_PER_SECOND = 400
"""gp3 includes 3000 IOPS; beyond 438 MB/s a g5.xlarge could not use what it pays for."""

GpuFleetArgs = TaskFleetArgs[GpuFleetSettings]


def launch_template(
    name: str, args: GpuFleetArgs, cluster: aws.ecs.Cluster, opts: pulumi.ResourceOptions
) -> aws.ec2.LaunchTemplate:
    role = service_role(
        f"{name}-instance",
        "ec2.amazonaws.com",
        (*SESSIONS, *_join_cluster(cluster, args.ground)),
        opts,
    )
    profile = aws.iam.InstanceProfile(f"{name}-instance", role=role.name, opts=opts)
    instances = security_group(
        f"{name}-instances", args.ground.vpc_id, f"{args.fleet} instances", opts
    )
    way_out = allow_https_out(f"{name}-instances-https-out", instances.id, opts)
    tags = instance_tags(args.ground, args.fleet)
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


def _join_cluster(cluster: aws.ecs.Cluster, ground: Ground) -> tuple[Statement, ...]:
    """What the agent of ECS asks for to be of the cluster, and of no other.

    AWS's policy for it, AmazonEC2ContainerServiceforEC2Role, is not attached: it opens every
    cluster, every image and every log of the account. Images are pulled and logs are written under
    the execution role of the task; for the logs boot.sh has to say so.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html
    """
    instances = ground.arn("ecs", pulumi.Output.concat("container-instance/", cluster.name, "/*"))
    return (
        Statement(
            sid="FindCluster",
            actions=["ecs:DiscoverPollEndpoint"],
            # It comes before there is anything to name.
            resources=["*"],
        ),
        Statement(
            sid="JoinCluster",
            actions=[
                "ecs:DeregisterContainerInstance",
                "ecs:RegisterContainerInstance",
                "ecs:SubmitAttachmentStateChanges",
                "ecs:SubmitContainerStateChange",
                "ecs:SubmitTaskStateChange",
            ],
            resources=[cluster.arn],
        ),
        Statement(
            sid="WorkForCluster",
            actions=[
                "ecs:Poll",
                "ecs:StartTelemetrySession",
                # When spot is about to take it, it asks for no more tasks.
                "ecs:UpdateContainerInstancesState",
            ],
            resources=[instances],
        ),
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


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """How many instances a group may have, and how they are bought."""

    maximum: int
    on_demand_base: int
    on_demand_percent: int


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A group of GPU instances, and what has ECS fill it."""

    group: aws.autoscaling.Group
    provider: aws.ecs.CapacityProvider


def pool(
    name: str,
    args: GpuFleetArgs,
    template: aws.ec2.LaunchTemplate,
    purchase: Purchase,
    opts: pulumi.ResourceOptions,
) -> Pool:
    """Instances for one service: `<name>-group` and `<name>-capacity`."""
    group = _group(f"{name}-group", args, template, purchase, opts)
    return Pool(
        group=group, provider=_capacity_provider(f"{name}-capacity", args.settings, group, opts)
    )


def _group(
    name: str,
    args: GpuFleetArgs,
    template: aws.ec2.LaunchTemplate,
    purchase: Purchase,
    opts: pulumi.ResourceOptions,
) -> aws.autoscaling.Group:
    settings = args.settings
    types = settings.types_in(args.ground.region)
    return aws.autoscaling.Group(
        name,
        vpc_zone_identifiers=args.ground.private_subnet_ids,
        # The floor is the service's: ECS then empties an instance before the group may lose it.
        min_size=0,
        max_size=purchase.maximum,
        mixed_instances_policy={
            "instances_distribution": {
                "on_demand_base_capacity": purchase.on_demand_base,
                "on_demand_percentage_above_base_capacity": purchase.on_demand_percent,
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
        # Where it is on, the old instance is ended at a mere warning, at work or not.
        capacity_rebalance=settings.capacity_rebalance,
        default_instance_warmup=WARM_UP_SECONDS,
        **COUNTED,
        # A spot drought must not fail an update.
        wait_for_capacity_timeout="0",
        # Protected instances would hold up its deletion for ever, and they keep nothing: a job
        # that was at work returns to the queue.
        force_delete=True,
        tags=group_tags({**instance_tags(args.ground, args.fleet), "AmazonECSManaged": ""}),
        opts=ignoring(opts, "desired_capacity"),
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


def ignoring(opts: pulumi.ResourceOptions, property_name: str) -> pulumi.ResourceOptions:
    """`opts` for what scaling changes by itself: an update would set it back."""
    return pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(ignore_changes=[property_name])
    )
