"""Fleets on Fargate: components/workers/fargate.py."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.access import Access
from components.access import Path as Reach
from components.containers import ContainerSecret
from components.grants import Statement
from components.observe import Alarm, Expression
from components.queues import WorkQueue, WorkQueueArgs
from components.workers.contract import Fleet
from components.workers.fargate import FargateFleet, FargateFleetArgs, longest_minutes
from rehearsal.contract import Provider
from settings.queues import QueueSettings
from settings.workers import FargateFleetSettings
from tests.components.parts import export_watched, ground
from tests.components.test_load_balancer import real_ground
from tests.recorder import ROOT, Node, Recorded, aws_provider, record, recorded_once, with_aws

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/worker@sha256:" + "a" * 64
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:backlot-dev-mail"
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/backlot-dev-mail"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backlot-dev/openai-AbCdEf"

STORES = Access(
    environment={"MEDIA_BUCKET": "backlot-dev-media"},
    secrets=[
        ContainerSecret(
            environment="OPENAI_API_KEY",
            value_from=SECRET,
            read=[
                Statement(
                    sid="ReadOpenai",
                    actions=["secretsmanager:GetSecretValue"],
                    resources=[SECRET],
                )
            ],
        )
    ],
    statements=[
        Statement(
            sid="ReadMedia",
            actions=["s3:GetObject"],
            resources=["arn:aws:s3:::backlot-dev-media/*"],
        )
    ],
    paths=[Reach(to="database", group_id="sg-database", port=5432)],
)


def fleet_settings(**changes: object) -> FargateFleetSettings:
    defaults = {
        "kind": "fargate",
        "queue": "mail",
        "image": "worker:1.0.0",
        "cpu": 1024,
        "memory": 2048,
        "min_workers": 2,
        "max_workers": 10,
        "job_seconds": 60,
        "job_limit_seconds": 900,
        "target_wait_seconds": 300,
    }
    return FargateFleetSettings.model_validate(defaults | changes)


@recorded_once
def recorded_fleet(
    *access: Access,
    provider: Provider | None = None,
    preview: bool = False,
    real: bool = False,
    **changes: object,
) -> tuple[FargateFleet, Recorded]:
    """The fleet `mail` on an SQS queue. With `real`, the network it stands in is made too."""
    made: list[FargateFleet] = []

    def program() -> None:
        here = with_aws(aws_provider())
        standing = real_ground(here) if real else ground()
        queue = WorkQueue(
            "queue-mail",
            WorkQueueArgs(settings=QueueSettings(), queue="mail", ground=standing),
            here,
        )
        fleet = FargateFleet(
            "worker-mail",
            FargateFleetArgs(
                settings=fleet_settings(**changes),
                ground=standing,
                fleet="mail",
                queue=queue,
                image=IMAGE,
                build="1.0.0",
                access=access,
            ),
            here,
        )
        made.append(fleet)
        pulumi.export("waking", fleet.waking and dict(fleet.waking.fleet))
        parts = [fleet, *fleet.companions]
        export_watched("alarms", {each.name: each.watch for part in parts for each in part.alarms})
        pulumi.export("restarts", {p.pulumi_resource_name: dict(p.restart.target) for p in parts})

    recorded = record(program, provider=provider, preview=preview)
    return made[0], recorded


def of_the_fleet(recorded: Recorded) -> list[Node]:
    return [
        node
        for node in recorded.nodes
        if node.type.startswith("aws:") and not node.name.startswith("queue-")
    ]


def service(recorded: Recorded) -> Node:
    return recorded.one("ecs.Service", "worker-mail-service")


def container(recorded: Recorded) -> dict[str, Any]:
    task = recorded.one("ecs.TaskDefinition", "worker-mail-definition")
    [only] = task.json("container_definitions")
    return only


def variables(recorded: Recorded) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(recorded)["environment"]}


def granted(recorded: Recorded, name: str) -> dict[str, tuple[list[str], list[str]]]:
    return {
        statement["Sid"]: (statement["Action"], statement["Resource"])
        for statement in recorded.one("iam.RolePolicy", name).json("policy")["Statement"]
    }


def tracked(recorded: Recorded) -> dict[str, Any]:
    policy = recorded.one("appautoscaling.Policy", "worker-mail-scaling-backlog")
    return policy["target_tracking_scaling_policy_configuration"]


def alarm(fleet: FargateFleet, name: str) -> Alarm:
    return next(alarm for alarm in fleet.alarms if alarm.name == name)


def test_a_fargate_fleet_is_a_fleet():
    fleet: Fleet = recorded_fleet()[0]

    assert fleet.pulumi_resource_name == "worker-mail"
    for promised in ("role_name", "role_arn", "security_group_id", "log_group_name"):
        assert getattr(fleet, promised) is not None
    assert fleet.alarms
    assert fleet.panels
    assert list(fleet.group_names) == []


def test_a_preview_names_the_same_resources_as_an_update():
    given: dict[str, Any] = {"min_workers": 0, "beat": {"command": ["celery", "beat"]}}

    assert recorded_fleet(preview=True, **given)[1].urns == recorded_fleet(**given)[1].urns


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"min_workers": 0, "spot_percent": 70, "beat": {"command": ["celery", "beat"]}},
        {
            "schedules": {
                "night": {"days": ["mon"], "at": "20:00", "min_workers": 0, "max_workers": 0}
            }
        },
    ],
)
def test_it_comes_up_in_the_in_memory_aws_without_a_finding(changes: dict[str, Any]):
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        _, recorded = recorded_fleet(provider=provider, real=True, **changes)

    assert [str(finding) for finding in recorded.findings] == []
    assert {node.resource.made_in for node in recorded.all("ecs.Service")} == {"moto"}


# What runs


def test_a_worker_does_four_jobs_at_once_and_is_told_so():  # M44
    _, recorded = recorded_fleet()

    assert variables(recorded)["CONCURRENCY"] == "4"


def test_scaling_reckons_with_all_jobs_that_a_worker_does_at_once():  # M44, M51
    _, recorded = recorded_fleet()
    assert tracked(recorded)["target_value"] == 24  # 4 * (1 + 300 / 60)

    _, recorded = recorded_fleet(concurrency=1)
    assert tracked(recorded)["target_value"] == 6
    assert variables(recorded)["CONCURRENCY"] == "1"


def test_a_worker_is_a_container_of_the_size_and_cpu_asked_for():  # M44
    _, recorded = recorded_fleet(cpu=2048, memory=8192, architecture="x86_64")
    task = recorded.one("ecs.TaskDefinition")

    assert task["requires_compatibilities"] == ["FARGATE"]
    assert (task["cpu"], task["memory"]) == ("2048", "8192")
    assert task["runtime_platform"]["cpu_architecture"] == "X86_64"
    assert task["family"] == "backlot-dev-worker-mail"
    assert container(recorded)["image"] == IMAGE
    assert container(recorded)["name"] == "worker"


def test_workers_are_arm64_unless_the_image_is_not():  # B17
    _, recorded = recorded_fleet()
    architecture = recorded.one("ecs.TaskDefinition")["runtime_platform"]["cpu_architecture"]

    assert architecture == "ARM64"


def test_nothing_listens_and_a_worker_that_ends_is_replaced():
    _, recorded = recorded_fleet()

    assert "portMappings" not in container(recorded)
    assert "healthCheck" not in container(recorded)
    assert "load_balancers" not in service(recorded)
    assert container(recorded)["essential"] is True


def test_a_worker_has_110_seconds_of_the_120_that_fargate_allows():
    _, recorded = recorded_fleet()

    assert container(recorded)["stopTimeout"] == 110


def test_a_command_replaces_the_images_own_only_when_it_is_given():
    _, recorded = recorded_fleet()
    assert "command" not in container(recorded)

    _, recorded = recorded_fleet(command=["celery", "worker"])
    assert container(recorded)["command"] == ["celery", "worker"]


def test_a_worker_is_told_its_queue_and_its_times_and_what_it_uses():
    _, recorded = recorded_fleet(STORES, environment={"LOG_LEVEL": "info"})

    assert variables(recorded) == {
        "AWS_REGION": "us-east-1",
        "BUILD_ID": "1.0.0",
        "CONCURRENCY": "4",
        "FLEET": "mail",
        "HEARTBEAT_SECONDS": "40",
        "JOB_LIMIT_SECONDS": "900",
        "STOP_SECONDS": "110",
        "LOG_LEVEL": "info",
        "MEDIA_BUCKET": "backlot-dev-media",
        "METRICS_NAMESPACE": "backlot-dev/Jobs",
        "PROTECTION_MINUTES": "15",
        "QUEUE_URL": QUEUE_URL,
        "VISIBILITY_SECONDS": "120",
    }


def test_secrets_reach_a_worker_by_reference_alone():  # M54
    _, recorded = recorded_fleet(STORES)

    assert container(recorded)["secrets"] == [{"name": "OPENAI_API_KEY", "valueFrom": SECRET}]
    assert "OPENAI_API_KEY" not in variables(recorded)


def test_what_a_worker_says_is_kept_under_its_name():  # M88
    _, recorded = recorded_fleet()
    log_group = recorded.one("cloudwatch.LogGroup", "worker-mail-logs")

    assert log_group["name"] == "/ecs/backlot-dev-worker-mail"
    assert log_group["retention_in_days"] == 7
    options = container(recorded)["logConfiguration"]["options"]
    assert options["awslogs-group"] == "/ecs/backlot-dev-worker-mail"


# What it may


def test_a_worker_may_protect_tasks_of_its_own_cluster_and_do_what_it_was_granted():  # B18, M54
    _, recorded = recorded_fleet(STORES)
    cluster = recorded.one("ecs.Cluster").outputs["name"]
    allowed = granted(recorded, "worker-mail-task")

    assert allowed["ProtectTaskAtWork"] == (
        ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
        [f"arn:aws:ecs:us-east-1:123456789012:task/{cluster}/*"],
    )
    assert allowed["ConsumeJobs"][1] == [QUEUE_ARN]
    assert allowed["ReadMedia"] == (["s3:GetObject"], ["arn:aws:s3:::backlot-dev-media/*"])
    assert set(allowed) == {
        "ProtectTaskAtWork",
        "OpenExecSession",
        "FindSessionLog",
        "WriteSessionLog",
        "ConsumeJobs",
        "ReadMedia",
    }
    assert recorded.all("iam.RolePolicyAttachment") == []


def test_reading_the_secrets_is_left_to_the_execution_role():  # M54
    _, recorded = recorded_fleet(STORES)
    allowed = granted(recorded, "worker-mail-execution")

    assert set(allowed) == {"LogInToRegistry", "PullImages", "WriteLogs", "ReadOpenai"}
    role = recorded.one("iam.Role", "worker-mail-execution")
    assert recorded.one("ecs.TaskDefinition")["execution_role_arn"] == role.outputs["arn"]


def test_a_fleet_has_a_cluster_of_its_own_whose_sessions_are_written_down():  # B19
    _, recorded = recorded_fleet()
    cluster = recorded.one("ecs.Cluster", "worker-mail-cluster")
    sessions = recorded.one("cloudwatch.LogGroup", "worker-mail-sessions")

    assert cluster["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    assert sessions["name"] == "/ecs/backlot-dev-worker-mail-sessions"
    assert service(recorded)["enable_execute_command"] is True


def test_nobody_reaches_a_worker_and_it_leaves_over_tls_and_to_its_stores_alone():
    _, recorded = recorded_fleet(STORES)
    workers = recorded.one("ec2.SecurityGroup", "worker-mail-tasks").id
    [into] = recorded.all("vpc.SecurityGroupIngressRule")
    out = {rule.name: rule for rule in recorded.all("vpc.SecurityGroupEgressRule")}

    assert (into["security_group_id"], into["referenced_security_group_id"]) == (
        "sg-database",
        workers,
    )
    assert set(out) == {"worker-mail-tasks-https-out", "worker-mail-to-database-out"}
    assert out["worker-mail-tasks-https-out"]["from_port"] == 443
    assert out["worker-mail-to-database-out"]["from_port"] == 5432
    assert service(recorded)["network_configuration"] == {
        "subnets": ["subnet-private-a", "subnet-private-b"],
        "security_groups": [workers],
        "assign_public_ip": False,
    }


# How it is bought and deployed


@pytest.mark.parametrize(
    ("spot_percent", "strategy"),
    [
        (0, [{"capacity_provider": "FARGATE", "weight": 1}]),
        (
            70,
            [
                {"capacity_provider": "FARGATE", "base": 1, "weight": 30},
                {"capacity_provider": "FARGATE_SPOT", "weight": 70},
            ],
        ),
        (100, [{"capacity_provider": "FARGATE_SPOT", "weight": 100}]),
    ],
)
def test_the_share_of_spot_follows_the_settings(
    spot_percent: int, strategy: list[dict[str, Any]]
):  # B17
    _, recorded = recorded_fleet(spot_percent=spot_percent)

    assert service(recorded)["capacity_provider_strategies"] == strategy
    assert "launch_type" not in service(recorded)
    # ECS takes another share in no other way.
    assert service(recorded)["force_new_deployment"] is True


def test_a_deployment_starts_new_workers_beside_old_ones_and_goes_back_by_itself():  # M44
    _, recorded = recorded_fleet()

    assert service(recorded)["deployment_minimum_healthy_percent"] == 100
    assert service(recorded)["deployment_maximum_percent"] == 200
    assert service(recorded)["deployment_circuit_breaker"] == {"enable": True, "rollback": True}
    assert service(recorded)["deployment_configuration"] == {"strategy": "ROLLING"}


def test_an_update_waits_for_a_deployment_unless_a_lack_of_spot_could_keep_it_waiting():
    _, recorded = recorded_fleet()
    assert service(recorded)["wait_for_steady_state"] is True
    assert service(recorded)["sigint_rollback"] is True

    _, recorded = recorded_fleet(spot_percent=1)
    assert service(recorded)["wait_for_steady_state"] is False
    # The provider refuses it for a service that nobody waits for.
    assert service(recorded)["sigint_rollback"] is False


@pytest.mark.parametrize(
    ("protection_minutes", "job_limit_seconds", "minutes"),
    [(15, 900, 60), (15, 61, 47), (60, 7200, 210)],
)
def test_an_update_waits_as_long_as_old_workers_may_take_to_let_go_and_not_for_ever(
    protection_minutes: int, job_limit_seconds: int, minutes: int
):
    settings = fleet_settings(
        protection_minutes=protection_minutes, job_limit_seconds=job_limit_seconds
    )
    assert longest_minutes(settings) == minutes


def test_healthy_workers_are_not_ended_to_even_out_the_zones():
    _, recorded = recorded_fleet()

    assert service(recorded)["availability_zone_rebalancing"] == "DISABLED"


def test_what_scaling_changes_is_left_as_it_is():
    _, recorded = recorded_fleet(min_workers=2)

    assert service(recorded)["desired_count"] == 2
    assert service(recorded).ignore_changes == ["desired_count"]


def test_the_fleet_is_restarted_and_deployed_by_its_cluster_and_service():
    _, recorded = recorded_fleet()
    cluster = recorded.one("ecs.Cluster").outputs["name"]
    name = service(recorded).outputs["name"]

    assert recorded.outputs["restarts"] == {
        "worker-mail": {"platform": "ecs", "cluster": cluster, "service": name}
    }
    assert recorded.one("backlot:workers:FargateFleet").outputs == {
        "cluster_name": cluster,
        "service_name": name,
        "deploy_handle": f"{cluster}/{name}",
        "log_group_name": "/ecs/backlot-dev-worker-mail",
        "role_name": recorded.one("iam.Role", "worker-mail-task").outputs["name"],
    }


# How it grows, rests and wakes


def test_the_fleet_stays_between_its_bounds():  # M51
    _, recorded = recorded_fleet(min_workers=2, max_workers=10)
    target = recorded.one("appautoscaling.Target")

    assert (target["min_capacity"], target["max_capacity"]) == (2, 10)
    cluster = recorded.one("ecs.Cluster").outputs["name"]
    assert target["resource_id"] == f"service/{cluster}/{service(recorded).outputs['name']}"


def test_a_fleet_that_never_rests_needs_no_waking():  # M52
    fleet, recorded = recorded_fleet(min_workers=2)

    assert fleet.waking is None
    assert recorded.names("appautoscaling.Policy") == ["worker-mail-scaling-backlog"]
    assert recorded.all("cloudwatch.MetricAlarm") == []


def test_a_fleet_that_goes_to_zero_is_woken_by_the_waker_and_by_one_alarm():  # M52
    _, recorded = recorded_fleet(min_workers=0)

    assert service(recorded)["desired_count"] == 0
    assert recorded.outputs["waking"] == {
        "platform": "ecs",
        "queue": QUEUE_URL,
        "cluster": recorded.one("ecs.Cluster").outputs["name"],
        "service": service(recorded).outputs["name"],
        "target": 24,
        "most": 4,
        "max": 10,
    }
    # There are no instances that could be missing.
    assert recorded.names("cloudwatch.MetricAlarm") == ["worker-mail-wake-no-worker"]


def test_a_fleet_that_rests_at_night_alone_is_woken_too():  # M52, B13
    night = {"days": ["mon"], "at": "20:00", "min_workers": 0, "max_workers": 0}
    _, recorded = recorded_fleet(schedules={"night": night})

    assert recorded.outputs["waking"]
    [action] = recorded.all("appautoscaling.ScheduledAction")
    assert action["schedule"] == "cron(0 20 ? * MON *)"


# What is watched


def test_cpu_above_85_percent_for_two_datapoints_of_300_seconds_is_told_of():  # M96
    fleet, recorded = recorded_fleet()
    high = alarm(fleet, "cpu-high")
    page, _, anchor = high.runbook.partition("#")

    assert (high.comparison, high.threshold, high.evaluation_periods) == ("above", 85, 2)
    assert (high.severity, high.missing_data) == ("warning", "notBreaching")
    assert f"\n## {anchor}\n" in (ROOT / "docs" / "runbooks" / page).read_text(encoding="utf-8")
    assert recorded.outputs["alarms"]["cpu-high"] == {
        "metric": "AWS/ECS CPUUtilization",
        "statistic": "Average",
        "period": 300,
        "dimensions": {
            "ClusterName": recorded.one("ecs.Cluster").outputs["name"],
            "ServiceName": service(recorded).outputs["name"],
        },
    }


def test_a_fleet_has_the_alarms_of_every_fleet_and_its_own():
    fleet, _ = recorded_fleet()

    assert [alarm.name for alarm in fleet.alarms] == ["workers-missing", "jobs-failing", "cpu-high"]


def test_a_fleet_shows_its_workers_their_jobs_and_their_load_and_no_instances():
    fleet, _ = recorded_fleet()

    assert {panel.group for panel in fleet.panels} == {"Workers and jobs"}
    assert [panel.title for panel in fleet.panels] == [
        "mail: workers",
        "mail: jobs per worker",
        "mail: jobs done",
        "mail: time for a job",
        "mail: load",
    ]
    [load] = [panel for panel in fleet.panels if panel.title == "mail: load"]
    assert load.unit == "percent"
    assert [metric.label for metric in load.metrics] == ["CPU", "memory"]
    assert not any(isinstance(metric, Expression) for metric in load.metrics)


def test_everything_of_a_fleet_is_its_child_and_bears_its_name():
    _, recorded = recorded_fleet(STORES, min_workers=0)
    fleet, provider = (
        recorded.one("backlot:workers:FargateFleet"),
        recorded.one("pulumi:providers:aws"),
    )
    made = of_the_fleet(recorded)

    assert {node.parent for node in made} == {fleet.urn}
    assert {node.provider for node in made} == {provider.urn}
    assert all(node.name.startswith("worker-mail-") for node in made)
