"""Containers: what ECS is told of one, and the role that starts it."""

from __future__ import annotations

from typing import Any

import pulumi

from components.containers import (
    Container,
    ContainerSecret,
    HealthCheck,
    container_definitions,
    execution_role,
    read_statements,
)
from components.grants import Statement
from tests.components.parts import ground
from tests.recorder import aws_provider, record, with_aws

OPENAI = "arn:aws:secretsmanager:us-east-1:123456789012:secret:openai"
KEY = "arn:aws:kms:us-east-1:123456789012:key/data"


def container(**given: Any) -> Container:
    return Container(
        **{
            "name": "worker",
            "image": "worker:1",
            "log_group_name": "/ecs/backlot-dev-worker",
            "region": "us-east-1",
            **given,
        }
    )


def secret(variable: str, arn: str = OPENAI) -> ContainerSecret:
    return ContainerSecret(
        environment=variable,
        value_from=arn,
        read=[
            Statement(
                sid=f"Read{variable.title().replace('_', '')}",
                actions=["secretsmanager:GetSecretValue"],
                resources=[arn],
            ),
            Statement(sid="Decrypt", actions=["kms:Decrypt"], resources=[KEY]),
        ],
    )


def test_a_container_logs_to_its_group_without_ever_waiting_for_it():  # M33
    assert container().rendered()["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": "/ecs/backlot-dev-worker",
            "awslogs-region": "us-east-1",
            "awslogs-stream-prefix": "worker",
            "mode": "non-blocking",
            "max-buffer-size": "25m",
        },
    }


def test_a_container_is_essential_has_an_init_process_and_time_to_stop():
    definition = container().rendered()

    assert definition["essential"] is True
    assert definition["linuxParameters"] == {"initProcessEnabled": True}
    assert definition["stopTimeout"] == 30
    assert container(stop_seconds=110).rendered()["stopTimeout"] == 110


def test_what_a_container_does_not_need_is_not_mentioned():
    assert container().rendered().keys() == {
        "name",
        "image",
        "essential",
        "environment",
        "secrets",
        "logConfiguration",
        "linuxParameters",
        "stopTimeout",
    }


def test_size_port_command_and_gpus_are_said_in_ecs_words():
    definition = container(
        cpu=2048, memory=14000, port=8000, command=("serve", "--fast"), gpus=1
    ).rendered()

    assert definition["cpu"] == 2048
    assert definition["memory"] == 14000
    assert definition["portMappings"] == [{"containerPort": 8000, "protocol": "tcp"}]
    assert definition["command"] == ["serve", "--fast"]
    assert definition["resourceRequirements"] == [{"type": "GPU", "value": "1"}]


def test_a_health_check_is_said_in_ecs_words():  # M34
    check = HealthCheck(
        command=["CMD", "true"],
        interval_seconds=30,
        timeout_seconds=5,
        retries=3,
        start_seconds=60,
    )

    assert container(health_check=check).rendered()["healthCheck"] == {
        "command": ["CMD", "true"],
        "interval": 30,
        "timeout": 5,
        "retries": 3,
        "startPeriod": 60,
    }


def test_variables_and_secrets_stand_in_one_order_however_they_are_given():
    definition = container(
        environment={"B": "2", "A": "1"}, secrets=[secret("Z_KEY"), secret("Y_KEY")]
    ).rendered()

    assert definition["environment"] == [
        {"name": "A", "value": "1"},
        {"name": "AWS_REGION", "value": "us-east-1"},
        {"name": "B", "value": "2"},
    ]
    assert definition["secrets"] == [
        {"name": "Y_KEY", "valueFrom": OPENAI},
        {"name": "Z_KEY", "valueFrom": OPENAI},
    ]


def test_the_containers_of_a_task_become_one_document_once_their_inputs_are_known():
    def program() -> None:
        image = pulumi.Output.from_input("api:1")
        pulumi.export(
            "definitions",
            container_definitions(container(name="api", image=image), container(name="proxy")),
        )

    definitions = record(program).outputs["definitions"]
    assert definitions.startswith('[{"name": "api", "image": "api:1"')
    assert '"name": "proxy"' in definitions


def test_a_statement_that_two_secrets_share_is_asked_for_once():
    assert [statement.sid for statement in read_statements([secret("A_KEY"), secret("B_KEY")])] == [
        "ReadAKey",
        "Decrypt",
        "ReadBKey",
    ]


def test_the_execution_role_pulls_fetches_and_logs_and_nothing_else():  # M31
    def program() -> None:
        opts = with_aws(aws_provider())
        group = ground().logs.group("worker-logs", "ecs", "worker", opts)
        image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/backlot-dev/worker:1.0.0"
        execution_role("worker-execution", group, image, [secret("OPENAI_API_KEY")], ground(), opts)

    recorded = record(program)
    statements = {
        statement["Sid"]: (statement["Action"], statement["Resource"])
        for statement in recorded.one("iam.RolePolicy").json("policy")["Statement"]
    }
    log_group_arn = recorded.one("cloudwatch.LogGroup").outputs["arn"]

    assert statements == {
        "LogInToRegistry": (["ecr:GetAuthorizationToken"], ["*"]),
        "PullImages": (
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            ["arn:aws:ecr:us-east-1:123456789012:repository/backlot-dev/worker"],
        ),
        "WriteLogs": (["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group_arn}:*"]),
        "ReadOpenaiApiKey": (["secretsmanager:GetSecretValue"], [OPENAI]),
        "Decrypt": (["kms:Decrypt"], [KEY]),
    }
    assert recorded.all("iam.RolePolicyAttachment") == []
    trusted = recorded.one("iam.Role").json("assume_role_policy")["Statement"][0]["Principal"]
    assert trusted == {"Service": "ecs-tasks.amazonaws.com"}
