"""Beat: the one task that puts jobs in line by the clock."""

from __future__ import annotations

from dataclasses import dataclass
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
    fargate_task,
)
from components.ground import Ground
from components.observe import Alarm, Panel
from components.workload import Restart
from settings.workers import BeatSettings

DEPLOY_MINUTES = 30
"""How long an update waits for a deployment. The circuit breaker decides long before."""

STOP_SECONDS = 10
"""From SIGTERM to SIGKILL. ECS may begin with the new task while the old one stops, and Fargate
takes longer than this to start one."""


@dataclass(frozen=True, kw_only=True)
class BeatArgs:
    settings: BeatSettings
    ground: Ground
    fleet: str
    """Whose workers do the jobs: `render`."""
    image: pulumi.Input[str]
    """The workers' own, by its full URI: a job is known to both by its name."""
    architecture: str
    """The CPU that the image is built for."""
    cluster: Cluster
    access: Access
    """What it is handed."""


class Beat(pulumi.ComponentResource):
    """A scheduler such as Celery beat, never twice (M45).

    Two of them would put every job in line twice. So a deployment ends the old task before it
    starts the new one, nothing scales it, and it is never on Spot, which would take it away at two
    minutes' notice. What falls due while none runs, a minute or two at a deployment, is not made up
    for: Celery's beat notes what ran last in a file, and that goes with the task.

    Cost: 0.25 vCPU and 0.5 GB on arm64 are 7 USD a month, 9 USD on x86_64 (us-east-1, 2026).
    """

    role_name: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    service_name: pulumi.Output[str]
    deploy_handle: pulumi.Output[str]
    """`<cluster>/<service>`."""
    restart: Restart
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: BeatArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:Beat", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ground, access, cluster = args.ground, args.access, args.cluster
        what = f"worker-{args.fleet}-beat"
        task = fargate_task(
            name,
            what,
            ground=ground,
            title=f"{args.fleet} beat",
            cpu=args.settings.cpu,
            memory=args.settings.memory,
            architecture=args.architecture,
            access=access,
            statements=cluster.sessions,
            container=partial(_container, args),
            opts=child,
        )
        service = _service(f"{name}-service", args, task, child)

        self.role_name = task.role.name
        self.role_arn = task.role.arn
        self.security_group_id = task.security_group.id
        self.log_group_name = task.log_group.name
        self.service_name = service.name
        self.deploy_handle = pulumi.Output.concat(cluster.name, "/", service.name)
        self.restart = Restart.of_service(ground, cluster.name, service.name)
        signals = ServiceSignals(cluster_name=cluster.name, service_name=service.name)
        running = signals.tasks("RunningTaskCount", "running")
        self.alarms = (
            Alarm(
                name="beat-missing",
                summary=f"The beat of {args.fleet} has not run for 10 minutes; nothing is put in "
                "line by the clock.",
                watch=running,
                comparison="below",
                threshold=1,
                evaluation_periods=2,
                # What stopped reporting does not run.
                missing_data="breaching",
                severity="warning",
                runbook="workers.md#beat-missing",
            ),
        )
        self.panels = (
            Panel(
                group="Workers and jobs",
                title=f"{args.fleet}: beat",
                unit="tasks",
                metrics=[running],
            ),
        )
        self.register_outputs(
            {
                "service_name": self.service_name,
                "log_group_name": self.log_group_name,
                "role_name": self.role_name,
                "deploy_handle": self.deploy_handle,
            }
        )


def _container(args: BeatArgs, log_group: aws.cloudwatch.LogGroup) -> Container:
    return Container(
        name="beat",
        image=args.image,
        command=args.settings.command,
        environment=args.access.environment,
        secrets=args.access.secrets,
        stop_seconds=STOP_SECONDS,
        log_group_name=log_group.name,
        region=args.ground.region,
    )


def _service(
    name: str,
    args: BeatArgs,
    task: FargateTask,
    opts: pulumi.ResourceOptions,
) -> aws.ecs.Service:
    return aws.ecs.Service(
        name,
        cluster=args.cluster.name,
        task_definition=task.definition.arn,
        desired_count=1,
        capacity_provider_strategies=capacity_strategy(spot_percent=0),
        network_configuration=task.network,
        **ROLLED_OUT_BY_ECS,
        deployment_configuration={"strategy": "ROLLING"},
        # The old task goes before the new one comes.
        deployment_maximum_percent=100,
        deployment_minimum_healthy_percent=0,
        # Evening out the zones starts the second task before it ends the first.
        availability_zone_rebalancing="DISABLED",
        # An update that ECS rolled back must not look like one that worked.
        wait_for_steady_state=True,
        sigint_rollback=True,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # The other way round, two would run until the old service is gone.
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(
                    create=f"{DEPLOY_MINUTES}m", update=f"{DEPLOY_MINUTES}m"
                ),
            ),
        ),
    )
