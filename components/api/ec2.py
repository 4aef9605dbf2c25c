"""The API on EC2: a container on every instance of a group, behind the load balancer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws

from components.access import open_paths
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
from components.observe import Alarm, Metric, Panel
from components.security_groups import allow_https_out, connect, security_group
from components.workload import Restart
from settings.api import ApiSettings, Ec2Size, RequestScaling

STOP_SECONDS = 30
"""From SIGTERM to SIGKILL; the load balancer has let go of the instance by then."""

BOOT_SECONDS = 180
"""From launch to a container that starts: the system, Docker and the image. An estimate."""

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
    them are new. The release alarms, or a new instance that does not get healthy, end it where it
    stands: what is new stays, and so does what is left of the old. Going back is an update to the
    image before. An update starts a deployment and does not wait for its end, so a delivery
    workflow asks the `smoke` gate which build answers. The very first update does wait, and fails
    when too few instances get healthy.

    Each instance runs one container, on the host's network: there is no port to map, and the
    container reaches the instance's role in one hop, which a bridge would make two (B22). There is
    that one role: whoever fetches the secrets at start is also whom the API's own code acts as.

    A newer Amazon Linux 2023 replaces the instances with the next update, unless `ami` names one.
    Another `min_instances` needs `pulumi up --refresh`: that update does wait, until as many run as
    Pulumi knows of, and scaling may have changed the number since.

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
        role = instance_role(f"{name}-instance", args.image, access, log_group, ground, child)
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
            health=settings.health,
            opts=child,
            instance_port=settings.port,
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
        judges = [
            args.alarms.make(name, alarm, self)
            for alarm in release_alarms(replace(requests, period=RELEASE_PERIOD))
        ]
        tags = instance_tags(ground, "api")
        template = launch_template(
            name,
            role=role,
            # Through the rule: an instance cannot boot before it has its way out.
            security_group_id=way_out.security_group_id,
            image_id=size.ami or newest_image(settings.architecture, child),
            instance_type=size.instance_type,
            root_gb=size.root_gb,
            key_name=size.key_name,
            program=Program(
                name=CONTAINER,
                image=args.image,
                command=settings.command,
                access=access,
                region=ground.region,
                log_group=log_group,
                stop_seconds=STOP_SECONDS,
            ),
            tags=tags,
            # The group's average CPU is what it scales on.
            by_the_minute=True,
            opts=child,
        )
        group = _group(f"{name}-group", args, tags, template, targets, rule, judges, child)
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
        self.restart = restart_of_group(group)
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


def _group(
    name: str,
    args: ApiArgs,
    tags: Mapping[str, str],
    template: aws.ec2.LaunchTemplate,
    targets: aws.lb.TargetGroup,
    rule: aws.lb.ListenerRule,
    judges: Sequence[aws.cloudwatch.MetricAlarm],
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
            # A number: `$Latest` hides changes from a preview, and replaces no instance.
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
        instance_refresh=_refresh(settings.deployment.bake_minutes, judges),
        **COUNTED,
        # At creation alone: later the number is scaling's, and deployments are not waited for.
        min_elb_capacity=size.min_instances,
        wait_for_capacity_timeout=CAPACITY_PATIENCE,
        tags=group_tags(tags),
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
    bake_minutes: int, judges: Sequence[aws.cloudwatch.MetricAlarm]
) -> aws.autoscaling.GroupInstanceRefreshArgs:
    """How instances are replaced, and which alarms end it.

    It does not roll back by itself: AWS would go back to what the group was told last, and the
    provider tells it the new template before it starts. New instances would give way to their like,
    under the name of a rollback.
    https://github.com/hashicorp/terraform-provider-aws/issues/34189
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html
    """
    return aws.autoscaling.GroupInstanceRefreshArgs(
        strategy="Rolling",
        preferences=aws.autoscaling.GroupInstanceRefreshPreferencesArgs(
            # The provider's own 90 would come before the group's policy.
            min_healthy_percentage=HEALTHY_PERCENT,
            max_healthy_percentage=HEALTHY_PERCENT_MOST,
            checkpoint_percentages=[HALF, 100] if bake_minutes else None,
            checkpoint_delay=str(bake_minutes * 60) if bake_minutes else None,
            skip_matching=True,
            alarm_specification=aws.autoscaling.GroupInstanceRefreshPreferencesAlarmSpecificationArgs(
                alarms=[alarm.name for alarm in judges]
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
