"""Tasks that run once, for an API whose own platform runs none: instances cannot migrate.

The EC2 group and Elastic Beanstalk migrate as the API on Fargate does, in a task of the new
version's image that has all that the API has.
"""

from __future__ import annotations

import pulumi

from components.access import Access
from components.api.contract import ApiArgs
from components.api.gates import CONTAINER, MigrationTask, ReleaseGates, ReleaseGatesArgs
from components.containers import TASKS, Container, ecs_cluster, execution_role
from components.fargate import task_definition
from components.grants import service_role

CPU_UNITS = 512
MEMORY_MIB = 1024
"""A migration waits for the database; what is large in it happens there."""


def workflow_gates(
    name: str,
    args: ApiArgs,
    access: Access,
    security_group_id: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> ReleaseGates:
    """The gates of an API whose platform has no hooks: a delivery workflow calls them.

    `access` and `security_group_id` are the API's own.
    """
    deployment = args.settings.deployment
    task = None
    if deployment.migration:
        task = one_off_task(f"{name}-migration", args, access, security_group_id, opts)
    return ReleaseGates(
        f"{name}-gates",
        ReleaseGatesArgs(
            settings=deployment,
            ground=args.ground,
            url=args.load_balancer.url,
            build_in_deployment=False,
            test_header={},
            task=task,
        ),
        opts,
    )


def one_off_task(
    name: str,
    args: ApiArgs,
    access: Access,
    security_group_id: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> MigrationTask:
    """A task definition of the API's image, with a cluster to run it on Fargate.

    `access` is what the API itself has, `security_group_id` the group it stands in: a migration
    reaches no more than the API does. The log group is `/ecs/<prefix>-api-migration`.

    Cost: nothing between two releases, and under 0.01 USD for each.
    """
    ground = args.ground
    family = f"{ground.prefix}-api-migration"
    # Started by launch type, a task needs no capacity provider; nobody looks into one.
    cluster = ecs_cluster(f"{name}-cluster", opts)
    log_group = ground.logs.group(f"{name}-logs", "ecs", "api-migration", opts)
    role = service_role(
        f"{name}-task", TASKS, access.statements, opts, account_id=ground.account_id
    )
    execution = execution_role(
        f"{name}-execution", log_group, args.image, access.secrets, ground, opts
    )
    task_definition(
        f"{name}-definition",
        family=family,
        cpu=CPU_UNITS,
        memory=MEMORY_MIB,
        architecture=args.settings.architecture,
        container=Container(
            name=CONTAINER,
            image=args.image,
            command=args.settings.command,
            environment=access.environment,
            secrets=access.secrets,
            log_group_name=log_group.name,
            region=ground.region,
        ),
        role=role,
        execution=execution,
        opts=opts,
    )
    return MigrationTask(
        cluster_arn=cluster.arn,
        family=family,
        role_arns=[role.arn, execution.arn],
        security_group_id=security_group_id,
    )
