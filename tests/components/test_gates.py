"""The release gates: what they are told, what they may do, and who calls them."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.api.gates import MigrationTask, ReleaseGates, ReleaseGatesArgs
from settings.api import DeploymentSettings
from tests.components.parts import ground
from tests.recorder import Recorded, aws_provider, record, with_aws

ACCOUNT = "us-east-1:123456789012"
CLUSTER = f"arn:aws:ecs:{ACCOUNT}:cluster/api-cluster"
ROLES = ["arn:aws:iam::123456789012:role/api-task", "arn:aws:iam::123456789012:role/api-execution"]
TASK = MigrationTask(
    cluster_arn=CLUSTER,
    family="backlot-dev-api",
    role_arns=ROLES,
    security_group_id="sg-tasks",
)
MIGRATION = {"command": ["alembic", "upgrade", "head"]}


def gates(
    *,
    build_in_deployment: bool = True,
    approval_minutes: int | None = None,
    **deployment: Any,
) -> tuple[ReleaseGates, Recorded]:
    made: list[ReleaseGates] = []
    given = {"bake_minutes": 0, "migration": MIGRATION, **deployment}

    def program() -> None:
        component = ReleaseGates(
            "gates",
            ReleaseGatesArgs(
                settings=DeploymentSettings.model_validate(given),
                ground=ground(),
                url="https://api.studio.example",
                build_in_deployment=build_in_deployment,
                test_header={"X-Backlot-Test": "nobody-guesses"} if build_in_deployment else {},
                task=TASK,
                approval_minutes=approval_minutes,
            ),
            with_aws(aws_provider()),
        )
        made.append(component)
        pulumi.export("functions", dict(component.functions))

    recorded = record(program)
    return made[0], recorded


def variables(recorded: Recorded, function: str) -> dict[str, str]:
    return recorded.one("lambda.Function", function)["environment"]["variables"]


def statements(recorded: Recorded, role: str) -> dict[str, dict[str, Any]]:
    document = recorded.one("iam.RolePolicy", role).json("policy")
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_the_migration_is_told_what_to_run_where_and_for_how_long():  # M113
    _, recorded = gates()
    given = variables(recorded, "gates-migrate")

    assert given["CLUSTER"] == CLUSTER
    assert json.loads(given["COMMAND"]) == ["alembic", "upgrade", "head"]
    assert given["CONTAINER"] == "api"
    assert given["TASK_DEFINITION"] == "backlot-dev-api"
    assert given["LIMIT_SECONDS"] == "1200"
    assert json.loads(given["NETWORK"]) == {
        "subnets": ["subnet-private-a", "subnet-private-b"],
        "securityGroups": ["sg-tasks"],
    }


def test_the_migration_runs_its_family_on_its_cluster_and_passes_exactly_two_roles():  # M113 M85
    _, recorded = gates()
    may = statements(recorded, "gates-migrate")
    on_the_cluster = {"ArnEquals": {"ecs:cluster": CLUSTER}}

    assert set(may) == {
        "WriteLogs",
        "RunMigration",
        "FollowMigration",
        "FindMigration",
        "PassRolesOfTask",
        "ReadRevision",
    }
    assert may["RunMigration"]["Action"] == ["ecs:RunTask"]
    assert may["RunMigration"]["Resource"] == [
        f"arn:aws:ecs:{ACCOUNT}:task-definition/backlot-dev-api:*"
    ]
    assert may["RunMigration"]["Condition"] == on_the_cluster
    assert may["FollowMigration"]["Action"] == ["ecs:DescribeTasks", "ecs:StopTask"]
    assert may["FollowMigration"]["Resource"] == [f"arn:aws:ecs:{ACCOUNT}:task/*"]
    assert may["FollowMigration"]["Condition"] == on_the_cluster
    assert may["FindMigration"]["Action"] == ["ecs:ListTasks"]
    assert may["FindMigration"]["Condition"] == on_the_cluster
    assert may["PassRolesOfTask"]["Action"] == ["iam:PassRole"]
    assert may["PassRolesOfTask"]["Resource"] == ROLES
    assert may["PassRolesOfTask"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    }
    assert may["ReadRevision"]["Action"] == ["ecs:DescribeServiceRevisions"]


def test_the_smoke_test_is_told_where_to_ask_what_and_how_often():  # M114
    _, recorded = gates()

    given = variables(recorded, "gates-smoke")
    assert json.loads(given.pop("PATHS")) == ["/health", "/api/health/db", "/api/health/redis"]
    assert json.loads(given.pop("TEST_HEADER")) == {"X-Backlot-Test": "nobody-guesses"}
    assert given == {
        "ANSWERS": "3",
        "BUILD_KEY": "version",
        "CONTAINER": "api",
        "LIMIT_SECONDS": "180",
        "URL": "https://api.studio.example",
    }
    assert recorded.one("lambda.Function", "gates-smoke")["timeout"] == 210


def test_the_smoke_test_may_only_ask_which_version_it_is_about():  # M85
    _, recorded = gates()

    assert set(statements(recorded, "gates-smoke")) == {"WriteLogs", "ReadRevision"}


def test_ecs_may_call_the_gates_and_nothing_else():  # M85
    _, recorded = gates()
    [call] = recorded.one("iam.RolePolicy", "gates-hooks").json("policy")["Statement"]
    arns = [function.outputs["arn"] for function in recorded.all("lambda.Function")]

    assert call["Action"] == ["lambda:InvokeFunction"]
    assert call["Resource"] == arns
    assert len(arns) == 2


def test_both_gates_write_into_the_one_log_of_deployments():  # M114
    _, recorded = gates()
    [log] = recorded.all("cloudwatch.LogGroup")

    assert log["name"] == "/deployments/backlot-dev-api"
    assert {
        function["logging_config"]["log_group"] for function in recorded.all("lambda.Function")
    } == {"/deployments/backlot-dev-api"}
    assert {
        function["logging_config"]["log_format"] for function in recorded.all("lambda.Function")
    } == {"JSON"}


def test_nothing_to_migrate_leaves_the_smoke_test_alone():
    component, recorded = gates(migration=None)

    assert component.migrate_name is None
    assert recorded.names("lambda.Function") == ["gates-smoke"]
    assert [hook.lifecycle_stages for hook in component.hooks] == [
        ["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]
    ]
    assert set(recorded.outputs["functions"]) == {"smoke"}


def test_a_workflow_calls_the_same_two_functions_where_there_are_no_hooks():
    component, recorded = gates(build_in_deployment=False)

    assert component.hooks == ()
    assert set(recorded.outputs["functions"]) == {"migrate", "smoke"}
    assert "gates-hooks" not in recorded.names("iam.Role")
    assert json.loads(variables(recorded, "gates-smoke")["TEST_HEADER"]) == {}
    assert set(statements(recorded, "gates-smoke")) == {"WriteLogs"}
    may = statements(recorded, "gates-migrate")
    assert "ReadRevision" not in may
    assert may["ReadTaskDefinition"]["Action"] == ["ecs:DescribeTaskDefinition"]


@pytest.mark.parametrize("stage", ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"])
def test_no_gate_stands_where_a_rollback_passes_as_well(stage: str):
    component, _ = gates(approval_minutes=60)

    assert stage not in [
        each
        for hook in component.hooks
        for each in hook.lifecycle_stages  # pyright: ignore
    ]


def test_a_gate_that_breaks_is_heard_of():
    component, _ = gates()

    assert {(alarm.name, alarm.severity, alarm.runbook) for alarm in component.alarms} == {
        ("smoke-failed", "warning", "functions.md#smoke-failed"),
        ("migrate-failed", "warning", "functions.md#migrate-failed"),
    }
    assert {alarm.threshold for alarm in component.alarms} == {1}
