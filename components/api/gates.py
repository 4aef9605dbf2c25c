"""The release gates: what a new version of the API must pass before and after users meet it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.functions import failure_alarm, function_panels, platform_function
from components.grants import Statement, service_role
from components.ground import Ground
from components.observe import Alarm, Panel
from settings.api import DeploymentSettings, MigrationSettings

CONTAINER = "api"
"""What the API's container is called in every task definition."""

MIGRATE_SECONDS = 60
"""A call starts the migration or looks how it is doing; ECS calls again until it is done."""

SMOKE_MARGIN_SECONDS = 30
"""What the function has beyond its own limit, to say that it was in vain."""


@dataclass(frozen=True, kw_only=True)
class MigrationTask:
    """The task that migrates: where it runs, and as what."""

    cluster_arn: pulumi.Input[str]
    family: str
    """Its task definitions; ECS says which revision is about to be deployed."""
    role_arns: Sequence[pulumi.Input[str]]
    """The two roles it is given: its own, and the one that starts it."""
    security_group_id: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class ReleaseGatesArgs:
    settings: DeploymentSettings
    ground: Ground
    url: pulumi.Input[str]
    """Where the API answers."""
    build_in_deployment: bool
    """True: ECS calls the gates and says which version it is about. False: a delivery workflow
    does, and names the build."""
    test_header: Mapping[str, pulumi.Input[str]]
    """What makes a request meet the new version before users do. Empty: nothing does."""
    task: MigrationTask | None
    """Absent: there is nothing to migrate."""
    approval_minutes: int | None = None


class ReleaseGates(pulumi.ComponentResource):
    """Two functions between a new version and its users (M113, M114).

    `migrate` runs the migration once, as a task of the new version, before anything of it starts.
    `smoke` asks the new version for its health until it has answered well three times in a row:
    through the test rule, and once more when users have moved. Either failing takes the deployment
    back. What they found is a line per check in the log `/deployments/<prefix>-api`.

    Cost: a few calls of a minute per deployment, and the migration's task; under 0.01 USD each.
    """

    migrate_name: pulumi.Output[str] | None
    """The function's name. None: there is nothing to migrate."""
    smoke_name: pulumi.Output[str]
    hooks: tuple[aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs, ...]
    """The gates as an ECS service takes them; none when a workflow calls them."""
    log_group_name: pulumi.Output[str]
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: ReleaseGatesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:api:ReleaseGates", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        log_group = args.ground.logs.group(f"{name}-log", "deployments", "api", child)
        smoke = _smoke(f"{name}-smoke", args, log_group, child)
        functions = {"smoke": smoke}
        if args.settings.migration and args.task:
            functions["migrate"] = _migrate(
                f"{name}-migrate", args.settings.migration, args.task, args, log_group, child
            )
        migrate = functions.get("migrate")
        self.hooks = ()
        if args.build_in_deployment:
            self.hooks = _hooks(f"{name}-hooks", functions, args.approval_minutes, child)

        self.migrate_name = migrate and migrate.name
        self.smoke_name = smoke.name
        self.log_group_name = log_group.name
        self.alarms = tuple(
            failure_alarm(
                function,
                name=f"{what}-failed",
                summary=f"The {what} gate itself broke; a deployment under way goes back.",
                severity="warning",
            )
            for what, function in functions.items()
        )
        self.panels = function_panels(self.alarms)
        self.register_outputs(
            {
                "migrate": self.migrate_name,
                "smoke": self.smoke_name,
                "log_group_name": self.log_group_name,
            }
        )

    @property
    def functions(self) -> Mapping[str, pulumi.Output[str]]:
        """The functions' names, for a workflow that calls them."""
        migrate = {"migrate": self.migrate_name} if self.migrate_name is not None else {}
        return {**migrate, "smoke": self.smoke_name}


def _migrate(
    name: str,
    settings: MigrationSettings,
    task: MigrationTask,
    args: ReleaseGatesArgs,
    log_group: aws.cloudwatch.LogGroup,
    opts: pulumi.ResourceOptions,
) -> aws.lambda_.Function:
    return platform_function(
        name,
        "migrate",
        description="Migrates the database in the version that is about to be deployed.",
        environment={
            "CLUSTER": task.cluster_arn,
            "COMMAND": pulumi.Output.json_dumps(list(settings.command)),
            "CONTAINER": CONTAINER,
            "LIMIT_SECONDS": str(settings.limit_minutes * 60),
            "NETWORK": pulumi.Output.json_dumps(
                {
                    "subnets": args.ground.private_subnet_ids,
                    "securityGroups": [task.security_group_id],
                }
            ),
            "TASK_DEFINITION": task.family,
        },
        statements=_may_migrate(task, args),
        timeout_seconds=MIGRATE_SECONDS,
        logs=args.ground.logs,
        log_group=log_group,
        opts=opts,
    )


def _may_migrate(task: MigrationTask, args: ReleaseGatesArgs) -> Sequence[Statement]:
    on_the_cluster = {"ArnEquals": {"ecs:cluster": task.cluster_arn}}
    return (
        Statement(
            sid="RunMigration",
            actions=["ecs:RunTask"],
            resources=[args.ground.arn("ecs", f"task-definition/{task.family}:*")],
            conditions=on_the_cluster,
        ),
        Statement(
            sid="FollowMigration",
            actions=["ecs:DescribeTasks", "ecs:StopTask"],
            resources=[args.ground.arn("ecs", "task/*")],
            conditions=on_the_cluster,
        ),
        Statement(
            sid="FindMigration",
            actions=["ecs:ListTasks"],
            # Without a container instance to name, it knows no resource but its cluster.
            resources=["*"],
            conditions=on_the_cluster,
        ),
        Statement(
            sid="PassRolesOfTask",
            actions=["iam:PassRole"],
            resources=list(task.role_arns),
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        _may_read_revision(args)
        if args.build_in_deployment
        else Statement(
            sid="ReadTaskDefinition",
            actions=["ecs:DescribeTaskDefinition"],
            # This action knows no resources.
            resources=["*"],
        ),
    )


def _smoke(
    name: str,
    args: ReleaseGatesArgs,
    log_group: aws.cloudwatch.LogGroup,
    opts: pulumi.ResourceOptions,
) -> aws.lambda_.Function:
    smoke = args.settings.smoke
    return platform_function(
        name,
        "smoke",
        description="Asks the version that is being deployed for its health.",
        environment={
            "ANSWERS": str(smoke.answers),
            "BUILD_KEY": smoke.build_key,
            "CONTAINER": CONTAINER,
            "LIMIT_SECONDS": str(smoke.limit_seconds),
            "PATHS": pulumi.Output.json_dumps(list(smoke.paths)),
            # No secret: whoever sends it meets the same API, one version early.
            "TEST_HEADER": pulumi.Output.json_dumps(dict(args.test_header)),
            "URL": args.url,
        },
        statements=[_may_read_revision(args)] if args.build_in_deployment else (),
        timeout_seconds=smoke.limit_seconds + SMOKE_MARGIN_SECONDS,
        logs=args.ground.logs,
        log_group=log_group,
        opts=opts,
    )


def _may_read_revision(args: ReleaseGatesArgs) -> Statement:
    return Statement(
        sid="ReadRevision",
        actions=["ecs:DescribeServiceRevisions"],
        resources=[args.ground.arn("ecs", "service-revision/*")],
    )


def _hooks(
    name: str,
    functions: Mapping[str, aws.lambda_.Function],
    approval_minutes: int | None,
    opts: pulumi.ResourceOptions,
) -> tuple[aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs, ...]:
    """The gates as hooks, with the role under which ECS calls them.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-permissions.html
    """
    role = service_role(
        name,
        "ecs.amazonaws.com",
        [
            Statement(
                sid="CallGates",
                actions=["lambda:InvokeFunction"],
                resources=[function.arn for _, function in sorted(functions.items())],
            )
        ],
        opts,
    )
    stages = {
        "migrate": ["PRE_SCALE_UP"],
        # Not the shifts themselves: those are called while a deployment goes back, too.
        "smoke": ["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"],
    }
    hooks = [
        aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs(
            target_type="AWS_LAMBDA",
            hook_target_arn=functions[what].arn,
            role_arn=role.arn,
            lifecycle_stages=stages[what],
        )
        for what in stages
        if what in functions
    ]
    if approval_minutes:
        hooks.append(
            aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs(
                target_type="PAUSE",
                lifecycle_stages=["POST_TEST_TRAFFIC_SHIFT"],
                timeout_configuration=aws.ecs.ServiceDeploymentConfigurationLifecycleHookTimeoutConfigurationArgs(
                    action="ROLLBACK", timeout_in_minutes=str(approval_minutes)
                ),
            )
        )
    return tuple(hooks)
