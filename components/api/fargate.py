"""The API on Fargate: containers without machines, behind the load balancer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.access import Access
from components.api.contract import ApiArgs
from components.api.gates import CONTAINER, MigrationTask, ReleaseGates, ReleaseGatesArgs
from components.api.targets import (
    EVERY_PATH_PRIORITY,
    RELEASE_PERIOD,
    RequestSignals,
    api_alarms,
    api_panels,
    ecs_signals,
    forward_rule,
    paths,
    release_alarms,
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
from components.grants import service_role
from components.observe import Alarm, Panel
from components.security_groups import connect
from components.tracking import track
from components.workload import Restart
from settings.api import ApiSettings, DeploymentSettings, FargateSize

DEPLOY_MINUTES = 30
"""How long an update waits for a deployment, beside what its gates and bakes may take. The circuit
breaker decides long before."""

STRATEGIES = {
    "rolling": "ROLLING",
    "blue_green": "BLUE_GREEN",
    "canary": "CANARY",
    "linear": "LINEAR",
}

TRAFFIC_POLICY = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
"""ECS demands this one of the role under which it moves traffic.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html"""

TEST_PRIORITY = 1
"""Before every other rule: a request that carries the header means the new version."""

TEST_HEADER = "X-Backlot-Test"

CPU_HIGH_PERCENT = 85
"""AutoBlog's figure (M96)."""


class FargateApi(pulumi.ComponentResource):
    """The API as a Fargate service that scales on CPU and memory (M27 to M37, M115, M116).

    With `blue_green`, `canary` or `linear`, a deployment starts the new version beside the old,
    migrates and tests it, and moves the traffic; the old stands by for the bake. Gates and alarms
    take it back by themselves, and then the update fails. With `rolling`, new tasks replace the old
    and the circuit breaker takes it back.

    Cost: a task of 1 vCPU and 2 GB is 29 USD a month on arm64 and 36 USD on x86_64, about 70 % less
    on Spot; a deployment runs twice the tasks for its minutes; Container Insights by the metric
    (us-east-1, 2026).
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
    restart: Restart
    gates: ReleaseGates
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: ApiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:api:FargateApi", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground, settings, size = args.ground, args.settings, _size(args.settings)
        access = args.all_access()
        cluster = fargate_cluster(name, ground, "api", child)

        task = fargate_task(
            name,
            "api",
            ground=ground,
            title="API tasks",
            cpu=size.cpu,
            memory=size.memory,
            architecture=settings.architecture,
            access=access,
            statements=cluster.sessions,
            container=partial(_container, args, access),
            opts=child,
        )
        connect(
            f"{name}-from-door",
            source=args.load_balancer.security_group_id,
            target=task.security_group.id,
            port=settings.port,
            opts=child,
        )

        routes = _routes(name, args, size, child)
        requests = RequestSignals(
            load_balancer=args.load_balancer.arn_suffix,
            target_groups={key: group.arn_suffix for key, group in routes.groups.items()},
        )
        self.gates = ReleaseGates(
            f"{name}-gates",
            ReleaseGatesArgs(
                settings=settings.deployment,
                ground=ground,
                url=args.load_balancer.url,
                build_in_deployment=size.strategy != "rolling",
                test_header=routes.test_header,
                task=MigrationTask(
                    cluster_arn=cluster.arn,
                    family=f"{ground.prefix}-api",
                    role_arns=[task.role.arn, task.execution.arn],
                    security_group_id=task.security_group.id,
                ),
                approval_minutes=size.approval_minutes,
            ),
            child,
        )
        rollback = [
            args.alarms.make(name, alarm, self)
            for alarm in release_alarms(replace(requests, period=RELEASE_PERIOD))
        ]
        service = _service(
            f"{name}-service", args, cluster, task, routes, self.gates, rollback, child
        )
        target = scale_on_load(
            f"{name}-scaling",
            size,
            cluster_name=cluster.name,
            service_name=service.name,
            cooldown_seconds=settings.cooldown_seconds,
            opts=child,
        )
        _scale_on_requests(f"{name}-scaling-requests", args, target, requests, routes, child)

        self.url = args.load_balancer.url
        self.role_name = task.role.name
        self.role_arn = task.role.arn
        self.security_group_id = task.security_group.id
        self.log_group_name = task.log_group.name
        self.cluster_name = cluster.name
        self.service_name = service.name
        self.deploy_handle = pulumi.Output.concat(cluster.name, "/", service.name)
        self.restart = Restart.of_service(ground, cluster.name, service.name)
        on_ecs = ServiceSignals(cluster_name=cluster.name, service_name=service.name)
        signals = ecs_signals(requests, on_ecs)
        self.alarms = api_alarms(signals, minimum=size.min_tasks, cpu_percent=CPU_HIGH_PERCENT)
        self.panels = api_panels(signals)
        self.register_outputs(
            {
                "url": self.url,
                "cluster_name": self.cluster_name,
                "service_name": self.service_name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
            }
        )


def _size(settings: ApiSettings) -> FargateSize:
    if settings.fargate is None:
        raise ValueError("an API on Fargate needs its size under `fargate`")
    return settings.fargate


def _container(args: ApiArgs, access: Access, log_group: aws.cloudwatch.LogGroup) -> Container:
    settings = args.settings
    return Container(
        name=CONTAINER,
        image=args.image,
        command=settings.command,
        port=settings.port,
        environment=access.environment,
        secrets=access.secrets,
        health_check=health_check(settings.health, settings.port),
        log_group_name=log_group.name,
        region=args.ground.region,
    )


@dataclass(frozen=True, kw_only=True)
class _Routes:
    """How requests reach the tasks."""

    groups: Mapping[str, aws.lb.TargetGroup]
    """`live`, and the `other` that takes turns with it when traffic moves."""
    production: aws.lb.ListenerRule
    test: aws.lb.ListenerRule | None
    test_header: Mapping[str, pulumi.Input[str]]
    role_arn: pulumi.Output[str] | None
    """Under which ECS moves the traffic."""


def _routes(name: str, args: ApiArgs, size: FargateSize, opts: pulumi.ResourceOptions) -> _Routes:
    def group(key: str) -> aws.lb.TargetGroup:
        return target_group(
            f"{name}-targets-{key}",
            ground=args.ground,
            health=args.settings.health,
            opts=opts,
        )

    listener_arn = args.load_balancer.listener_arn
    live = group("live")
    if size.strategy == "rolling":
        production = forward_rule(
            f"{name}-rule",
            listener_arn=listener_arn,
            weights=[(live, 100)],
            priority=EVERY_PATH_PRIORITY,
            conditions=paths("/*"),
            opts=opts,
        )
        return _Routes(
            groups={"live": live}, production=production, test=None, test_header={}, role_arn=None
        )

    other = group("other")
    # ECS writes the weights with every deployment. Setting them back would send users to a group
    # that has been empty since: https://github.com/aws/containers-roadmap/issues/2853
    by_ecs = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["actions"]))
    token = random.RandomString(f"{name}-test-token", length=24, special=False, opts=opts)
    weights = [(live, 100), (other, 0)]
    return _Routes(
        groups={"live": live, "other": other},
        production=forward_rule(
            f"{name}-rule",
            listener_arn=listener_arn,
            weights=weights,
            priority=EVERY_PATH_PRIORITY,
            conditions=paths("/*"),
            opts=by_ecs,
        ),
        test=forward_rule(
            f"{name}-test-rule",
            listener_arn=listener_arn,
            weights=weights,
            priority=TEST_PRIORITY,
            conditions=[
                aws.lb.ListenerRuleConditionArgs(
                    http_header=aws.lb.ListenerRuleConditionHttpHeaderArgs(
                        http_header_name=TEST_HEADER, values=[token.result]
                    )
                )
            ],
            opts=by_ecs,
        ),
        test_header={TEST_HEADER: token.result},
        role_arn=service_role(
            f"{name}-traffic",
            "ecs.amazonaws.com",
            (),
            opts,
            managed_policies={"load-balancers": TRAFFIC_POLICY},
        ).arn,
    )


def _service(
    name: str,
    args: ApiArgs,
    cluster: Cluster,
    task: FargateTask,
    routes: _Routes,
    gates: ReleaseGates,
    rollback: list[aws.cloudwatch.MetricAlarm],
    opts: pulumi.ResourceOptions,
) -> aws.ecs.Service:
    settings, size = args.settings, _size(args.settings)
    minutes = longest_minutes(settings.deployment, size)
    rules = [routes.production, routes.test] if routes.test else [routes.production]
    return aws.ecs.Service(
        name,
        cluster=cluster.name,
        task_definition=task.definition.arn,
        desired_count=size.min_tasks,
        capacity_provider_strategies=capacity_strategy(size.spot_percent),
        network_configuration=task.network,
        load_balancers=[_load_balancer(settings, routes)],
        health_check_grace_period_seconds=settings.health.start_seconds,
        **ROLLED_OUT_BY_ECS,
        deployment_configuration=_deployment(settings.deployment, size, gates),
        deployment_maximum_percent=200,
        deployment_minimum_healthy_percent=100,
        alarms={
            "alarm_names": [alarm.name for alarm in rollback],
            "enable": True,
            "rollback": True,
        },
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
                depends_on=rules,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{minutes}m", update=f"{minutes}m"),
            ),
        ),
    )


def _load_balancer(settings: ApiSettings, routes: _Routes) -> aws.ecs.ServiceLoadBalancerArgs:
    advanced = None
    if routes.test and routes.role_arn:
        advanced = aws.ecs.ServiceLoadBalancerAdvancedConfigurationArgs(
            alternate_target_group_arn=routes.groups["other"].arn,
            production_listener_rule=routes.production.arn,
            test_listener_rule=routes.test.arn,
            role_arn=routes.role_arn,
        )
    return aws.ecs.ServiceLoadBalancerArgs(
        target_group_arn=routes.groups["live"].arn,
        container_name=CONTAINER,
        container_port=settings.port,
        advanced_configuration=advanced,
    )


def _deployment(
    settings: DeploymentSettings, size: FargateSize, gates: ReleaseGates
) -> aws.ecs.ServiceDeploymentConfigurationArgs:
    strategy = STRATEGIES[size.strategy]
    if size.strategy == "rolling":
        return aws.ecs.ServiceDeploymentConfigurationArgs(strategy=strategy)
    return aws.ecs.ServiceDeploymentConfigurationArgs(
        strategy=strategy,
        bake_time_in_minutes=str(settings.bake_minutes),
        canary_configuration=(
            aws.ecs.ServiceDeploymentConfigurationCanaryConfigurationArgs(
                canary_percent=settings.canary.percent,
                canary_bake_time_in_minutes=str(settings.canary.bake_minutes),
            )
            if size.strategy == "canary"
            else None
        ),
        linear_configuration=(
            aws.ecs.ServiceDeploymentConfigurationLinearConfigurationArgs(
                step_percent=settings.linear.step_percent,
                step_bake_time_in_minutes=str(settings.linear.step_bake_minutes),
            )
            if size.strategy == "linear"
            else None
        ),
        lifecycle_hooks=list(gates.hooks),
    )


def longest_minutes(settings: DeploymentSettings, size: FargateSize) -> int:
    """Minutes that a deployment may take, with every gate and bake at its longest."""
    if size.strategy == "rolling":
        return DEPLOY_MINUTES
    shift = {
        "blue_green": 0,
        "canary": settings.canary.bake_minutes,
        "linear": settings.linear.step_bake_minutes
        * (math.ceil(100 / settings.linear.step_percent) - 1),
    }[size.strategy]
    migration = settings.migration.limit_minutes if settings.migration else 0
    smoke = 2 * math.ceil(settings.smoke.limit_seconds / 60)
    approval = size.approval_minutes or 0
    return DEPLOY_MINUTES + migration + smoke + approval + shift + settings.bake_minutes


def _scale_on_requests(
    name: str,
    args: ApiArgs,
    target: aws.appautoscaling.Target,
    requests: RequestSignals,
    routes: _Routes,
    opts: pulumi.ResourceOptions,
) -> None:
    wanted = args.settings.requests
    if wanted is None:
        return
    predefined = wanted.metric == "predefined"
    track(
        name,
        target,
        (
            "ALBRequestCountPerTarget"
            if predefined
            # The group without traffic adds nothing, so the sum is the busy one's, whichever it is.
            else requests.total("RequestCountPerTarget", "requests per task")
        ),
        wanted.per_target,
        out_seconds=args.settings.cooldown_seconds,
        in_seconds=args.settings.cooldown_seconds,
        resource_label=(
            pulumi.Output.concat(
                args.load_balancer.arn_suffix, "/", routes.groups["live"].arn_suffix
            )
            if predefined
            else None
        ),
        opts=opts,
    )
