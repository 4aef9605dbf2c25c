"""The API on EC2: a container on every instance of a group, behind the load balancer."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from components.access import Access, open_paths
from components.api.contract import ApiArgs
from components.api.gates import CONTAINER, ReleaseGates
from components.api.load_balancer import LoadBalancer
from components.api.one_off import workflow_gates
from components.api.targets import (
    EVERY_PATH_PRIORITY,
    RELEASE_PERIOD,
    ApiSignals,
    RequestSignals,
    api_alarms,
    api_panels,
    forward_rule,
    paths,
    release_alarms,
    target_group,
)
from components.containers import LOG_BUFFER, PULL_IMAGES, read_statements
from components.grants import ServiceRole, Statement, merged, service_role
from components.ground import Ground
from components.logs import grant_write
from components.observe import Alarm, Metric, Panel
from components.security_groups import allow_https_out, connect, security_group
from components.workload import Restart
from settings.api import ApiSettings, Ec2Size, RequestScaling

IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
"""Where AWS publishes the newest Amazon Linux 2023 image.
https://docs.aws.amazon.com/linux/al2023/ug/ec2.html"""

BOOT_SCRIPT = Path(__file__).with_name("ec2_boot.sh")
LAUNCHER = Path(__file__).with_name("ec2_launch.py")

USER_DATA_BYTES = 16384
"""What EC2 takes, before base64.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""

SESSIONS_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
"""To be looked into with Session Manager, which asks for no key and no open port (M42)."""

STOP_SECONDS = 30
"""From SIGTERM to SIGKILL; the load balancer has let go of the instance by then."""

BOOT_SECONDS = 180
"""From launch to a container that starts: the system, Docker and the image. An estimate."""

HEALTHY_PERCENT = 100
HEALTHY_PERCENT_MOST = 150
"""Of the wanted instances, whenever some are replaced: new ones come before old ones go, half of
the group at once."""

HALF = 50
"""Percent of new instances at which a deployment rests."""

CAPACITY_PATIENCE = "15m"
"""How long the first update waits for instances that the load balancer finds healthy."""

CPU_HIGH_PERCENT = 70
"""MueJam's figure (M39, M96)."""


# The SDK's names for the blocks of a policy hold the whole path to them.
_Tracking = aws.autoscaling.PolicyTargetTrackingConfigurationArgs
_Predefined = aws.autoscaling.PolicyTargetTrackingConfigurationPredefinedMetricSpecificationArgs
_Customized = aws.autoscaling.PolicyTargetTrackingConfigurationCustomizedMetricSpecificationArgs


class Ec2Api(pulumi.ComponentResource):
    """The API as containers on an Auto Scaling group that scales on CPU (M38, M39, M42).

    A deployment replaces the instances, new ones first (B15). It rests for the bake when half of
    them are new. The release alarms, or a new instance that does not get healthy, take all of it
    back. An update starts a deployment and does not wait for its end, so a delivery workflow asks
    the `smoke` gate which build answers. The very first update does wait, and fails when too few
    instances get healthy.

    Each instance runs one container, on the host's network: there is no port to map, and the
    container reaches the instance's role in one hop, which a bridge would make two (B22). There is
    that one role: whoever fetches the secrets at start is also whom the API's own code acts as.

    A newer Amazon Linux 2023 replaces the instances with the next update, unless `ami` names one.

    Cost: a t3.small is 15 USD a month, a t3.medium 30, a t3.large 61, Graviton about 20 % less;
    each has 30 GB of gp3 for 2.40 USD and metrics by the minute for 2.10 USD. While a deployment
    runs, there are half as many more (us-east-1, 2026).
    """

    url: pulumi.Output[str]
    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    group_name: pulumi.Output[str]
    deploy_handle: pulumi.Output[str]
    """The group's name."""
    restart: Restart
    gates: ReleaseGates
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: ApiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:api:Ec2Api", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground, settings, size = args.ground, args.settings, _size(args.settings)
        access = args.all_access()

        log_group = ground.logs.group(f"{name}-logs", "ec2", "api", child)
        role = _role(f"{name}-instance", access, log_group, child)
        instances = security_group(f"{name}-instances", ground.vpc_id, "API instances", child)
        way_out = allow_https_out(f"{name}-instances-https-out", instances.id, child)
        connect(
            f"{name}-from-door",
            source=args.load_balancer.security_group_id,
            target=instances.id,
            port=settings.port,
            opts=child,
        )
        open_paths(name, access.paths, instances.id, child)

        targets = target_group(
            f"{name}-targets",
            ground=ground,
            target_type="instance",
            port=settings.port,
            health=settings.health,
            opts=child,
        )
        rule = forward_rule(
            f"{name}-rule",
            listener_arn=args.load_balancer.listener_arn,
            weights=[(targets, 100)],
            priority=EVERY_PATH_PRIORITY,
            conditions=paths("/*"),
            opts=child,
        )
        requests = RequestSignals(
            load_balancer=args.load_balancer.arn_suffix, target_groups={"live": targets.arn_suffix}
        )
        rollback = [
            args.alarms.make(name, alarm, self)
            for alarm in release_alarms(replace(requests, period=RELEASE_PERIOD))
        ]
        template = _launch_template(
            name,
            args,
            role,
            # Through the rule: an instance cannot boot before it has its way out.
            way_out.security_group_id,
            _spec(args, access, log_group),
            child,
        )
        group = _group(f"{name}-group", args, template, targets, rule, rollback, child)
        _track(f"{name}-scaling-cpu", args, group, _cpu(size), child)
        if settings.requests is not None:
            by_requests = _requests(settings.requests, args.load_balancer, targets)
            _track(f"{name}-scaling-requests", args, group, by_requests, child)
        self.gates = workflow_gates(name, args, access, instances.id, child)

        self.url = args.load_balancer.url
        self.role_name = role.name
        self.role_arn = role.arn
        self.security_group_id = instances.id
        self.log_group_name = log_group.name
        self.group_name = group.name
        self.deploy_handle = group.name
        self.restart = _restart(group)
        signals = _signals(requests, group)
        self.alarms = api_alarms(signals, minimum=size.min_instances, cpu_percent=CPU_HIGH_PERCENT)
        self.panels = api_panels(signals)
        self.register_outputs(
            {
                "url": self.url,
                "group_name": self.group_name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
            }
        )


def _size(settings: ApiSettings) -> Ec2Size:
    if settings.ec2 is None:
        raise ValueError("an API on EC2 needs its size under `ec2`")
    return settings.ec2


def _role(
    name: str, access: Access, log_group: aws.cloudwatch.LogGroup, opts: pulumi.ResourceOptions
) -> ServiceRole:
    """What the instance does at start, and what the API does in its container."""
    statements = (
        PULL_IMAGES,
        grant_write(log_group),
        *merged((*read_statements(access.secrets), *access.statements)),
    )
    return service_role(
        name,
        "ec2.amazonaws.com",
        statements,
        opts,
        managed_policies={"sessions": SESSIONS_POLICY},
    )


def _spec(args: ApiArgs, access: Access, log_group: aws.cloudwatch.LogGroup) -> pulumi.Output[str]:
    """What the launcher is told to run, as JSON. It names secrets and holds none."""
    settings, region = args.settings, args.ground.region
    return pulumi.Output.json_dumps(
        {
            "name": CONTAINER,
            "image": args.image,
            "command": list(settings.command),
            "environment": {"AWS_REGION": region, **access.environment},
            "secrets": {secret.environment: secret.value_from for secret in access.secrets},
            "region": region,
            "log_group": log_group.name,
            "log_buffer": LOG_BUFFER,
            "stop_seconds": STOP_SECONDS,
        },
        sort_keys=True,
    )


def _launch_template(
    name: str,
    args: ApiArgs,
    role: ServiceRole,
    security_group_id: pulumi.Input[str],
    spec: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> aws.ec2.LaunchTemplate:
    size = _size(args.settings)
    profile = aws.iam.InstanceProfile(f"{name}-instance", role=role.name, opts=opts)
    tags = _instance_tags(args.ground)
    return aws.ec2.LaunchTemplate(
        f"{name}-template",
        image_id=size.ami or _newest_image(args.settings.architecture, opts),
        instance_type=size.instance_type,
        key_name=size.key_name,
        iam_instance_profile={"arn": profile.arn},
        vpc_security_group_ids=[security_group_id],
        # By the minute: the group's average CPU is what it scales on.
        monitoring={"enabled": True},
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        block_device_mappings=[
            {
                "device_name": "/dev/xvda",
                "ebs": {
                    "volume_type": "gp3",
                    "volume_size": size.root_gb,
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        tag_specifications=[
            {"resource_type": "instance", "tags": tags},
            {"resource_type": "volume", "tags": tags},
        ],
        user_data=spec.apply(_user_data),
        update_default_version=True,
        opts=opts,
    )


def _newest_image(architecture: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    # The plain copy: `value` is marked secret and would hide the image from every preview.
    return aws.ssm.get_parameter_output(
        name=IMAGE_PARAMETER.format(architecture=architecture),
        opts=pulumi.InvokeOptions(parent=opts.parent),
    ).insecure_value


def _user_data(spec: str) -> str:
    """What an instance runs at its first boot to run `spec`, in base64.

    Raises ValueError when it is more than EC2 takes.
    """
    script = BOOT_SCRIPT.read_text(encoding="utf-8")
    for placeholder, value in {
        "@launcher@": LAUNCHER.read_text(encoding="utf-8").rstrip(),
        "@patience_seconds@": str(STOP_SECONDS + 10),
        # Last, since what it holds is not ours and is to stay as it is.
        "@spec@": spec,
    }.items():
        script = script.replace(placeholder, value)
    data = script.encode()
    if len(data) > USER_DATA_BYTES:
        raise ValueError(
            f"what an instance is told at boot has {len(data)} bytes, and EC2 takes "
            f"{USER_DATA_BYTES}; shorten the API's environment, or let it read that from elsewhere"
        )
    return base64.b64encode(data).decode()


def _instance_tags(ground: Ground) -> dict[str, str]:
    return {**ground.tags, "Name": f"{ground.prefix}-api"}


def _group(
    name: str,
    args: ApiArgs,
    template: aws.ec2.LaunchTemplate,
    targets: aws.lb.TargetGroup,
    rule: aws.lb.ListenerRule,
    rollback: Sequence[aws.cloudwatch.MetricAlarm],
    opts: pulumi.ResourceOptions,
) -> aws.autoscaling.Group:
    settings, size = args.settings, _size(args.settings)
    ready_seconds = BOOT_SECONDS + settings.health.start_seconds
    return aws.autoscaling.Group(
        name,
        vpc_zone_identifiers=args.ground.private_subnet_ids,
        min_size=size.min_instances,
        max_size=size.max_instances,
        launch_template={
            "id": template.id,
            # A number: `$Latest` hides changes from a preview, and leaves nothing to go back to.
            "version": template.latest_version.apply(str),
        },
        target_group_arns=[targets.arn],
        health_check_type="ELB",
        health_check_grace_period=ready_seconds,
        # Not shorter than the grace, or a deployment moves on from an instance not yet judged.
        default_instance_warmup=ready_seconds,
        instance_maintenance_policy={
            "min_healthy_percentage": HEALTHY_PERCENT,
            "max_healthy_percentage": HEALTHY_PERCENT_MOST,
        },
        instance_refresh=_refresh(settings.deployment.bake_minutes, rollback),
        enabled_metrics=[
            aws.autoscaling.Metric.GROUP_DESIRED_CAPACITY,
            aws.autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES,
            aws.autoscaling.Metric.GROUP_PENDING_INSTANCES,
        ],
        metrics_granularity="1Minute",
        # At creation alone: later the number is scaling's, and deployments are not waited for.
        min_elb_capacity=size.min_instances,
        wait_for_capacity_timeout=CAPACITY_PATIENCE,
        tags=[
            {"key": key, "value": value, "propagate_at_launch": True}
            for key, value in _instance_tags(args.ground).items()
        ],
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # Scaling changes it by itself; an update would set it back.
                ignore_changes=["desired_capacity"],
                # Nobody checks the health of targets that no load balancer knows.
                depends_on=[rule],
            ),
        ),
    )


def _refresh(
    bake_minutes: int, rollback: Sequence[aws.cloudwatch.MetricAlarm]
) -> aws.autoscaling.GroupInstanceRefreshArgs:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html"""
    return aws.autoscaling.GroupInstanceRefreshArgs(
        strategy="Rolling",
        preferences=aws.autoscaling.GroupInstanceRefreshPreferencesArgs(
            # The provider's own 90 would come before the group's policy.
            min_healthy_percentage=HEALTHY_PERCENT,
            max_healthy_percentage=HEALTHY_PERCENT_MOST,
            checkpoint_percentages=[HALF, 100] if bake_minutes else None,
            checkpoint_delay=str(bake_minutes * 60) if bake_minutes else None,
            skip_matching=True,
            auto_rollback=True,
            alarm_specification=aws.autoscaling.GroupInstanceRefreshPreferencesAlarmSpecificationArgs(
                alarms=[alarm.name for alarm in rollback]
            ),
        ),
    )


def _track(
    name: str,
    args: ApiArgs,
    group: aws.autoscaling.Group,
    tracking: aws.autoscaling.PolicyTargetTrackingConfigurationArgs,
    opts: pulumi.ResourceOptions,
) -> None:
    aws.autoscaling.Policy(
        name,
        autoscaling_group_name=group.name,
        policy_type="TargetTrackingScaling",
        # What a group rests after a step: until then its new instances do not count.
        estimated_instance_warmup=args.settings.cooldown_seconds,
        target_tracking_configuration=tracking,
        opts=opts,
    )


def _cpu(size: Ec2Size) -> aws.autoscaling.PolicyTargetTrackingConfigurationArgs:
    return _Tracking(
        target_value=size.cpu_target,
        predefined_metric_specification=_Predefined(
            predefined_metric_type="ASGAverageCPUUtilization"
        ),
    )


def _requests(
    wanted: RequestScaling, load_balancer: LoadBalancer, targets: aws.lb.TargetGroup
) -> aws.autoscaling.PolicyTargetTrackingConfigurationArgs:
    if wanted.metric == "predefined":
        label = pulumi.Output.concat(load_balancer.arn_suffix, "/", targets.arn_suffix)
        return _Tracking(
            target_value=wanted.per_target,
            predefined_metric_specification=_Predefined(
                predefined_metric_type="ALBRequestCountPerTarget", resource_label=label
            ),
        )
    counted = {
        "namespace": "AWS/ApplicationELB",
        "metric_name": "RequestCountPerTarget",
        "dimensions": [
            {"name": "LoadBalancer", "value": load_balancer.arn_suffix},
            {"name": "TargetGroup", "value": targets.arn_suffix},
        ],
    }
    queries: list[Any] = [
        {"id": "live", "return_data": False, "metric_stat": {"stat": "Sum", "metric": counted}},
        # Without a request there is no datapoint, and without one a group never shrinks.
        {"id": "tracked", "return_data": True, "expression": "FILL(live, 0)"},
    ]
    return _Tracking(
        target_value=wanted.per_target,
        customized_metric_specification=_Customized(metrics=queries),
    )


def _restart(group: aws.autoscaling.Group) -> Restart:
    """Every instance replaced by one like it, new ones first."""
    return Restart(
        target={"platform": "autoscaling", "group": group.name},
        statements=[
            Statement(
                sid="ReplaceInstances",
                actions=["autoscaling:StartInstanceRefresh"],
                resources=[group.arn],
            ),
            Statement(
                sid="SeeInstances",
                actions=["autoscaling:DescribeAutoScalingGroups", "ec2:DescribeInstances"],
                # Neither listing knows resources.
                resources=["*"],
            ),
        ],
    )


def _signals(requests: RequestSignals, group: aws.autoscaling.Group) -> ApiSignals:
    def of_group(namespace: str, name: str, statistic: str, label: str) -> Metric:
        return Metric(
            namespace=namespace,
            name=name,
            dimensions={"AutoScalingGroupName": group.name},
            statistic=statistic,
            label=label,
        )

    cpu = of_group("AWS/EC2", "CPUUtilization", "Average", "CPU")
    running = of_group("AWS/AutoScaling", "GroupInServiceInstances", "Maximum", "in service")
    return ApiSignals(
        requests=requests,
        unit="instance",
        unhealthy=requests.total("UnHealthyHostCount", "unhealthy", "Maximum"),
        running=running,
        cpu=cpu,
        load=[cpu],
        capacity=[
            of_group("AWS/AutoScaling", "GroupDesiredCapacity", "Maximum", "wanted"),
            running,
            requests.total("HealthyHostCount", "healthy", "Minimum"),
        ],
    )
