"""The scheduler of a fleet: components/workers/beat.py."""

from __future__ import annotations

from typing import Any

from components.workers.beat import Beat
from components.workload import Workload
from tests.components.test_fargate_fleet import IMAGE, SECRET, STORES, recorded_fleet
from tests.recorder import ROOT, Node, Recorded

BEAT = {"command": ["celery", "-A", "app", "beat"]}


def recorded_beat(**changes: Any) -> tuple[Beat, Recorded]:
    """The fleet `mail` with a beat; `beat` changes the beat itself."""
    settings = {**BEAT, **changes.pop("beat", {})}
    fleet, recorded = recorded_fleet(STORES, beat=settings, **changes)
    [beat] = fleet.companions
    return beat, recorded


def service(recorded: Recorded) -> Node:
    return recorded.one("ecs.Service", "worker-mail-beat-service")


def task(recorded: Recorded) -> Node:
    return recorded.one("ecs.TaskDefinition", "worker-mail-beat-definition")


def container(recorded: Recorded, name: str = "worker-mail-beat-definition") -> dict[str, Any]:
    [only] = recorded.one("ecs.TaskDefinition", name).json("container_definitions")
    return only


def allowed(recorded: Recorded, name: str) -> set[str]:
    policy = recorded.one("iam.RolePolicy", name).json("policy")
    return {statement["Sid"] for statement in policy["Statement"]}


def test_a_fleet_has_no_beat_unless_it_asks_for_one():  # M45
    fleet, recorded = recorded_fleet()

    assert fleet.companions == ()
    assert recorded.all("backlot:workers:Beat") == []
    assert recorded.names("ecs.Service") == ["worker-mail-service"]


def test_there_is_exactly_one_and_a_deployment_ends_it_before_it_starts_the_next():  # M45
    _, recorded = recorded_beat()

    assert service(recorded)["desired_count"] == 1
    assert service(recorded)["deployment_maximum_percent"] == 100
    assert service(recorded)["deployment_minimum_healthy_percent"] == 0


def test_nothing_starts_a_second_one_beside_it():  # M45
    _, recorded = recorded_beat(min_workers=0)

    assert service(recorded)["availability_zone_rebalancing"] == "DISABLED"
    assert recorded.names("appautoscaling.Target") == ["worker-mail-scaling"]
    workers = recorded.one("ecs.Service", "worker-mail-service").outputs["name"]
    target = recorded.one("appautoscaling.Target")
    assert target["resource_id"].endswith(f"/{workers}")
    # Whoever stopped it by hand finds it running after the next update.
    assert service(recorded).ignore_changes == []


def test_it_stops_within_ten_seconds_before_another_could_be_up():
    _, recorded = recorded_beat()

    assert container(recorded)["stopTimeout"] == 10


def test_it_runs_on_demand_however_much_spot_its_fleet_buys():  # M45
    _, recorded = recorded_beat(spot_percent=100)

    assert service(recorded)["capacity_provider_strategies"] == [
        {"capacity_provider": "FARGATE", "weight": 1}
    ]
    workers = recorded.one("ecs.Service", "worker-mail-service")
    assert workers["capacity_provider_strategies"] == [
        {"capacity_provider": "FARGATE_SPOT", "weight": 100}
    ]


def test_an_update_that_ecs_took_back_fails():
    _, recorded = recorded_beat(spot_percent=100)

    assert service(recorded)["wait_for_steady_state"] is True
    assert service(recorded)["deployment_circuit_breaker"] == {"enable": True, "rollback": True}


def test_it_is_the_fleets_image_with_a_command_and_a_size_of_its_own():  # M45
    _, recorded = recorded_beat(command=["celery", "worker"], cpu=4096, memory=8192)

    assert container(recorded)["image"] == IMAGE
    assert container(recorded)["command"] == ["celery", "-A", "app", "beat"]
    assert (task(recorded)["cpu"], task(recorded)["memory"]) == ("256", "512")
    assert task(recorded)["runtime_platform"]["cpu_architecture"] == "ARM64"
    assert task(recorded)["family"] == "backlot-dev-worker-mail-beat"
    assert "portMappings" not in container(recorded)

    _, recorded = recorded_beat(beat={"cpu": 512, "memory": 1024}, architecture="x86_64")
    assert (task(recorded)["cpu"], task(recorded)["memory"]) == ("512", "1024")
    assert task(recorded)["runtime_platform"]["cpu_architecture"] == "X86_64"


def test_it_is_told_where_jobs_are_put_in_line_and_nothing_of_taking_them():
    _, recorded = recorded_beat()
    workers = {
        each["name"] for each in container(recorded, "worker-mail-definition")["environment"]
    }
    told = {each["name"] for each in container(recorded)["environment"]}

    assert told - workers == {"QUEUE_URL_MAIL"}
    # What is about taking jobs.
    assert workers - told == {
        "CONCURRENCY",
        "FLEET",
        "HEARTBEAT_SECONDS",
        "JOB_LIMIT_SECONDS",
        "METRICS_NAMESPACE",
        "PROTECTION_MINUTES",
        "QUEUE_URL",
        "STOP_SECONDS",
        "VISIBILITY_SECONDS",
    }
    assert container(recorded)["secrets"] == [{"name": "OPENAI_API_KEY", "valueFrom": SECRET}]


def test_it_may_put_jobs_in_line_and_neither_take_them_nor_keep_itself_from_being_ended():
    _, recorded = recorded_beat()
    workers = allowed(recorded, "worker-mail-task")

    may = allowed(recorded, "worker-mail-beat-task")
    assert may == workers - {"ProtectTaskAtWork", "ConsumeJobs"} | {"SendJobs"}
    assert {"ProtectTaskAtWork", "ConsumeJobs"} <= workers


def test_it_reaches_the_stores_and_nobody_reaches_it():
    _, recorded = recorded_beat()
    group = recorded.one("ec2.SecurityGroup", "worker-mail-beat-tasks").id
    into = recorded.one("vpc.SecurityGroupIngressRule", "worker-mail-beat-to-database-in")

    assert (into["security_group_id"], into["referenced_security_group_id"]) == (
        "sg-database",
        group,
    )
    assert not [
        rule
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if rule["security_group_id"] == group
    ]
    assert service(recorded)["network_configuration"] == {
        "subnets": ["subnet-private-a", "subnet-private-b"],
        "security_groups": [group],
        "assign_public_ip": False,
    }


def test_what_it_says_is_kept_under_its_name():  # M88
    _, recorded = recorded_beat()
    log_group = recorded.one("cloudwatch.LogGroup", "worker-mail-beat-logs")

    assert log_group["name"] == "/ecs/backlot-dev-worker-mail-beat"
    assert container(recorded)["logConfiguration"]["options"]["awslogs-group"] == log_group["name"]


def test_it_is_a_workload_of_its_own_in_the_fleets_cluster():
    beat, recorded = recorded_beat()
    workload: Workload = beat
    cluster = recorded.one("ecs.Cluster").outputs["name"]

    assert workload.pulumi_resource_name == "worker-mail-beat"
    assert service(recorded)["cluster"] == cluster
    name = service(recorded).outputs["name"]
    assert recorded.one("backlot:workers:Beat").outputs == {
        "service_name": name,
        "deploy_handle": f"{cluster}/{name}",
        "log_group_name": "/ecs/backlot-dev-worker-mail-beat",
        "role_name": recorded.one("iam.Role", "worker-mail-beat-task").outputs["name"],
    }


def test_it_is_restarted_for_a_new_password_beside_its_fleet():
    _, recorded = recorded_beat()
    restarts = recorded.outputs["restarts"]

    assert restarts["worker-mail-beat"] == {
        "platform": "ecs",
        "cluster": recorded.one("ecs.Cluster").outputs["name"],
        "service": service(recorded).outputs["name"],
    }
    assert restarts["worker-mail"]["service"] != service(recorded).outputs["name"]


def test_one_that_has_not_run_for_ten_minutes_is_told_of_and_so_is_its_silence():  # M45
    beat, recorded = recorded_beat()
    [missing] = beat.alarms
    assert missing.name == "beat-missing"
    assert (missing.comparison, missing.threshold, missing.evaluation_periods) == ("below", 1, 2)
    assert (missing.missing_data, missing.severity) == ("breaching", "warning")
    assert recorded.outputs["alarms"]["beat-missing"] == {
        "metric": "ECS/ContainerInsights RunningTaskCount",
        "statistic": "Maximum",
        "period": 300,
        "dimensions": {
            "ClusterName": recorded.one("ecs.Cluster").outputs["name"],
            "ServiceName": service(recorded).outputs["name"],
        },
    }
    page, _, anchor = missing.runbook.partition("#")
    assert f"\n## {anchor}\n" in (ROOT / "docs" / "runbooks" / page).read_text(encoding="utf-8")


def test_it_has_a_panel_beside_its_fleets():
    beat, _ = recorded_beat()
    [panel] = beat.panels

    assert (panel.group, panel.title) == ("Workers and jobs", "mail: beat")


def test_everything_of_it_is_its_child_and_it_is_its_fleets():
    _, recorded = recorded_beat()
    fleet = recorded.one("backlot:workers:FargateFleet")
    beat = recorded.one("backlot:workers:Beat")

    assert beat.parent == fleet.urn
    named = [node for node in recorded.nodes if node.name.startswith("worker-mail-beat-")]
    assert {node.parent for node in named} == {beat.urn}
    assert len(named) == len(recorded.children(beat))
