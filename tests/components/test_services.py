"""Services beside the API: what runs, who gets in, how it is deployed, scaled and watched."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.access import Access, Path
from components.api.load_balancer import LoadBalancer, LoadBalancerArgs
from components.containers import ContainerSecret
from components.grants import Statement
from components.observe import Alarm, Expression
from components.services import Service, ServiceArgs
from components.workload import Workload
from settings.load_balancer import LoadBalancerSettings
from settings.services import ServiceSettings
from tests.components.parts import DATA_KEY, export_watched, ground
from tests.components.test_load_balancer import log_bucket
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once, with_aws

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/backlot-dev/admin:1.0.0"
OPENAI = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backlot-dev/api-keys/openai-AbCdEf"
MEDIA = "arn:aws:s3:::backlot-dev-media"
ROUTE = {"paths": ("/admin", "/admin/*"), "priority": 20}

USES = Access(
    environment={"MEDIA_BUCKET": "backlot-dev-media"},
    secrets=[
        ContainerSecret(
            environment="OPENAI_API_KEY",
            value_from=OPENAI,
            read=[
                Statement(
                    sid="ReadOpenai",
                    actions=["secretsmanager:GetSecretValue"],
                    resources=[OPENAI],
                )
            ],
        )
    ],
    statements=[Statement(sid="ReadMedia", actions=["s3:GetObject"], resources=[f"{MEDIA}/*"])],
    paths=[Path(to="database", group_id="sg-database", port=5432)],
)


def door(opts: pulumi.ResourceOptions) -> LoadBalancer:
    return LoadBalancer(
        "load-balancer",
        LoadBalancerArgs(
            settings=LoadBalancerSettings(deletion_protection=False),
            ground=ground(),
            domain=None,
            log_bucket=log_bucket(),
            firewall=None,
        ),
        opts,
    )


def build(
    balancer: LoadBalancer,
    opts: pulumi.ResourceOptions,
    *,
    service: str = "admin",
    data_key_arn: str | None = None,
    **settings: Any,
) -> Service:
    given = {
        "image": "admin:1.0.0",
        "cpu": 256,
        "memory": 512,
        "min_tasks": 2,
        "max_tasks": 6,
        **settings,
    }
    return Service(
        f"service-{service}",
        ServiceArgs(
            settings=ServiceSettings.model_validate(given),
            ground=ground(data_key_arn=data_key_arn),
            service=service,
            load_balancer=balancer,
            image=IMAGE,
            access=[USES],
        ),
        opts,
    )


@recorded_once
def admin(
    *, preview: bool = False, data_key_arn: str | None = None, **settings: Any
) -> tuple[Service, Recorded]:
    """The service `admin`, without a route unless one is given."""
    made: list[Service] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        component = build(door(opts), opts, data_key_arn=data_key_arn, **settings)
        made.append(component)
        pulumi.export("deploy_handle", component.deploy_handle)
        pulumi.export("restart", component.restart.target)
        pulumi.export("restarts", [one.resources for one in component.restart.statements])
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program, preview=preview)
    return made[0], recorded


def service(recorded: Recorded) -> Node:
    return recorded.one("ecs.Service")


def container(recorded: Recorded) -> dict[str, Any]:
    [definition] = recorded.one("ecs.TaskDefinition").json("container_definitions")
    return definition


def policy(recorded: Recorded, name: str) -> dict[str, tuple[list[str], list[str]]]:
    return {
        statement["Sid"]: (statement["Action"], statement["Resource"])
        for statement in recorded.one("iam.RolePolicy", name).json("policy")["Statement"]
    }


def ingress(recorded: Recorded) -> list[tuple[str, int]]:
    tasks = recorded.one("ec2.SecurityGroup", "service-admin-tasks").id
    return [
        (rule["referenced_security_group_id"], rule["from_port"])
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if rule["security_group_id"] == tasks
    ]


def alarm(component: Service, name: str) -> Alarm:
    return next(alarm for alarm in component.alarms if alarm.name == name)


def test_it_satisfies_the_contract_of_a_workload():
    component: Workload = admin()[0]

    assert component.pulumi_resource_name == "service-admin"


# What runs


def test_a_task_has_the_size_and_platform_of_the_settings():
    _, recorded = admin(cpu=1024, memory=4096, architecture="x86_64")
    task = recorded.one("ecs.TaskDefinition")

    assert task["family"] == "backlot-dev-admin"
    assert (task["cpu"], task["memory"]) == ("1024", "4096")
    assert task["requires_compatibilities"] == ["FARGATE"]
    assert task["runtime_platform"] == {
        "operating_system_family": "LINUX",
        "cpu_architecture": "X86_64",
    }


def test_the_container_runs_the_image_under_the_services_name():
    definition = container(admin()[1])

    assert definition["name"] == "admin"
    assert definition["image"] == IMAGE
    assert "command" not in definition
    assert container(admin(command=("serve",))[1])["command"] == ["serve"]


def test_it_has_a_cluster_of_its_own_that_reports_on_every_task():
    _, recorded = admin()
    cluster = recorded.one("ecs.Cluster")

    assert cluster.name == "service-admin-cluster"
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    assert service(recorded)["cluster"] == cluster.outputs["name"]


def test_it_logs_to_a_group_of_its_own_and_so_do_the_sessions_of_people():
    _, recorded = admin()

    assert {group["name"] for group in recorded.all("cloudwatch.LogGroup")} == {
        "/ecs/backlot-dev-admin",
        "/ecs/backlot-dev-admin-sessions",
    }
    assert container(recorded)["logConfiguration"]["options"]["awslogs-group"] == (
        "/ecs/backlot-dev-admin"
    )


def test_it_is_told_what_the_settings_and_what_it_uses_say():
    definition = container(admin(environment={"LOG_LEVEL": "info"})[1])

    assert definition["environment"] == [
        {"name": "AWS_REGION", "value": "us-east-1"},
        {"name": "LOG_LEVEL", "value": "info"},
        {"name": "MEDIA_BUCKET", "value": "backlot-dev-media"},
    ]
    assert definition["secrets"] == [{"name": "OPENAI_API_KEY", "valueFrom": OPENAI}]


def test_a_variable_set_twice_is_refused():
    with pytest.raises(AssertionError, match="MEDIA_BUCKET is set twice"):
        admin(environment={"MEDIA_BUCKET": "mine"})


def test_the_task_may_what_it_uses_and_hold_a_session_and_nothing_else():
    assert set(policy(admin()[1], "service-admin-task")) == {
        *("OpenExecSession", "FindSessionLog", "WriteSessionLog"),
        "ReadMedia",
    }
    assert policy(admin(data_key_arn=DATA_KEY)[1], "service-admin-task")["DecryptSession"] == (
        ["kms:Decrypt"],
        [DATA_KEY],
    )


def test_only_the_execution_role_reads_secrets():
    _, recorded = admin()
    task = recorded.one("ecs.TaskDefinition")
    execution = recorded.one("iam.Role", "service-admin-execution")

    assert set(policy(recorded, "service-admin-execution")) == {
        *("LogInToRegistry", "PullImages", "WriteLogs", "ReadOpenai")
    }
    assert task["execution_role_arn"] == execution.outputs["arn"]
    assert task["task_role_arn"] == recorded.one("iam.Role", "service-admin-task").outputs["arn"]


# Who gets in


def test_without_a_route_nothing_gets_in_and_nothing_asks_for_its_health():
    _, recorded = admin()

    assert ingress(recorded) == []
    assert recorded.all("lb.TargetGroup") == []
    assert recorded.all("lb.ListenerRule") == []
    assert "load_balancers" not in service(recorded)
    assert "health_check_grace_period_seconds" not in service(recorded)
    assert "healthCheck" not in container(recorded)
    assert "portMappings" not in container(recorded)


def test_with_a_route_the_load_balancer_gets_in_on_the_containers_port():
    _, recorded = admin(route=ROUTE, port=9000)
    balancer = recorded.one("ec2.SecurityGroup", "load-balancer-door").id

    assert ingress(recorded) == [(balancer, 9000)]
    assert container(recorded)["portMappings"] == [{"containerPort": 9000, "protocol": "tcp"}]
    assert service(recorded)["load_balancers"] == [
        {
            "target_group_arn": recorded.one("lb.TargetGroup").outputs["arn"],
            "container_name": "admin",
            "container_port": 9000,
        }
    ]


def test_its_paths_lead_to_it_before_the_apis_rule_is_asked():
    _, recorded = admin(route=ROUTE)
    rule = recorded.one("lb.ListenerRule")

    assert rule["listener_arn"] == recorded.one("lb.Listener").outputs["arn"]
    assert rule["priority"] == 20
    assert rule["conditions"] == [{"path_pattern": {"values": ["/admin", "/admin/*"]}}]
    assert rule["actions"] == [
        {
            "type": "forward",
            "forward": {
                "target_groups": [
                    {"arn": recorded.one("lb.TargetGroup").outputs["arn"], "weight": 100}
                ]
            },
        }
    ]
    assert rule.urn in service(recorded).resource.dependencies


def test_with_a_route_container_and_load_balancer_ask_the_same_path():
    _, recorded = admin(route=ROUTE, health={"path": "/up", "start_seconds": 90})
    check = container(recorded)["healthCheck"]

    assert check["command"][1].startswith("curl -fsS -o /dev/null http://127.0.0.1:8000/up || ")
    assert (check["interval"], check["timeout"], check["retries"]) == (30, 5, 3)
    assert check["startPeriod"] == 90
    assert recorded.one("lb.TargetGroup")["health_check"]["path"] == "/up"
    assert service(recorded)["health_check_grace_period_seconds"] == 90


def test_tasks_stand_in_private_subnets_and_reach_only_what_is_used_and_https():
    _, recorded = admin()
    tasks = recorded.one("ec2.SecurityGroup", "service-admin-tasks").id
    egress = {
        (rule.get("cidr_ipv4") or rule["referenced_security_group_id"], rule["to_port"])
        for rule in recorded.all("vpc.SecurityGroupEgressRule")
        if rule["security_group_id"] == tasks
    }

    assert egress == {("0.0.0.0/0", 443), ("sg-database", 5432)}
    assert service(recorded)["network_configuration"] == {
        "subnets": ["subnet-private-a", "subnet-private-b"],
        "security_groups": [tasks],
        "assign_public_ip": False,
    }


# How it is deployed


@pytest.mark.parametrize("route", [None, ROUTE])
def test_a_deployment_keeps_every_task_and_goes_back_when_it_fails(route: dict[str, Any] | None):
    running = service(admin(route=route)[1])

    assert running["deployment_configuration"] == {"strategy": "ROLLING"}
    assert running["deployment_maximum_percent"] == 200
    assert running["deployment_minimum_healthy_percent"] == 100
    assert running["deployment_circuit_breaker"] == {"enable": True, "rollback": True}
    assert running["wait_for_steady_state"] is True
    assert running["sigint_rollback"] is True


@pytest.mark.parametrize(
    ("spot", "strategy"),
    [
        (0, [{"capacity_provider": "FARGATE", "weight": 1}]),
        (
            60,
            [
                {"capacity_provider": "FARGATE", "base": 1, "weight": 40},
                {"capacity_provider": "FARGATE_SPOT", "weight": 60},
            ],
        ),
        (100, [{"capacity_provider": "FARGATE_SPOT", "weight": 100}]),
    ],
)
def test_tasks_are_bought_on_demand_and_on_spot_by_the_settings(
    spot: int, strategy: list[dict[str, Any]]
):
    running = service(admin(spot_percent=spot)[1])

    assert running["capacity_provider_strategies"] == strategy
    # Without it the provider refuses to change the mix of a service that runs.
    assert running["force_new_deployment"] is True
    assert "launch_type" not in running


def test_tasks_are_spread_over_zones_tagged_and_open_to_exec():
    running = service(admin()[1])

    assert running["availability_zone_rebalancing"] == "ENABLED"
    assert running["propagate_tags"] == "SERVICE"
    assert running["enable_ecs_managed_tags"] is True
    assert running["enable_execute_command"] is True


def test_a_release_and_a_restart_name_the_service():
    _, recorded = admin()
    cluster = recorded.one("ecs.Cluster").outputs["name"]
    running = service(recorded).outputs["name"]

    assert recorded.outputs["deploy_handle"] == f"{cluster}/{running}"
    assert recorded.outputs["restart"] == {
        "platform": "ecs",
        "cluster": cluster,
        "service": running,
    }
    assert recorded.outputs["restarts"] == [
        [f"arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{running}"]
    ]


# How it scales


def test_it_runs_between_its_bounds_and_an_update_leaves_the_number_to_scaling():
    _, recorded = admin(min_tasks=3, max_tasks=9)
    target = recorded.one("appautoscaling.Target")

    assert (target["min_capacity"], target["max_capacity"]) == (3, 9)
    assert service(recorded)["desired_count"] == 3
    assert service(recorded).ignore_changes == ["desired_count"]


@pytest.mark.parametrize(
    ("name", "metric", "percent"),
    [
        ("service-admin-scaling-cpu", "ECSServiceAverageCPUUtilization", 50),
        ("service-admin-scaling-memory", "ECSServiceAverageMemoryUtilization", 75),
    ],
)
def test_it_tracks_cpu_and_memory_with_the_rests_of_the_settings(
    name: str, metric: str, percent: int
):
    _, recorded = admin(cpu_target=50, memory_target=75, cooldown_seconds=120)
    tracking = recorded.one("appautoscaling.Policy", name)

    assert len(recorded.all("appautoscaling.Policy")) == 2
    assert tracking["target_tracking_scaling_policy_configuration"] == {
        "target_value": percent,
        "scale_out_cooldown": 120,
        "scale_in_cooldown": 120,
        "predefined_metric_specification": {"predefined_metric_type": metric},
    }


# How it is watched


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("errors", ("above", 10, 2, "notBreaching", "critical")),
        ("unhealthy-targets", ("at_least", 1, 2, "notBreaching", "warning")),
        ("slow", ("above", 2, 3, "notBreaching", "warning")),
        ("cpu-high", ("above", 85, 2, "notBreaching", "warning")),
        ("too-few-running", ("below", 2, 2, "breaching", "warning")),
    ],
)
def test_alarms_speak_at_the_figures_of_the_api(name: str, expected: tuple[object, ...]):
    component, _ = admin(route=ROUTE)
    found = alarm(component, name)

    assert (
        found.comparison,
        found.threshold,
        found.evaluation_periods,
        found.missing_data,
        found.severity,
    ) == expected
    assert found.runbook == f"services.md#{name}"
    assert len(component.alarms) == 5


def test_without_a_route_only_load_and_absence_are_heard_of():
    component, _ = admin()

    assert [alarm.name for alarm in component.alarms] == ["cpu-high", "too-few-running"]
    assert {alarm.runbook for alarm in component.alarms} == {
        *("services.md#cpu-high", "services.md#too-few-running")
    }


def test_the_alarms_read_this_service_and_this_target_group():
    component, recorded = admin(route=ROUTE)
    of_service = {
        "ClusterName": recorded.one("ecs.Cluster").outputs["name"],
        "ServiceName": service(recorded).outputs["name"],
    }
    watched = recorded.outputs["alarms"]

    assert isinstance(alarm(component, "errors").watch, Expression)
    assert watched["errors"]["live"]["dimensions"] == {
        "LoadBalancer": recorded.one("lb.LoadBalancer").outputs["arn_suffix"],
        "TargetGroup": recorded.one("lb.TargetGroup").outputs["arn_suffix"],
    }
    assert watched["cpu-high"]["metric"] == "AWS/ECS CPUUtilization"
    assert watched["cpu-high"]["dimensions"] == of_service
    assert watched["too-few-running"]["metric"] == "ECS/ContainerInsights RunningTaskCount"
    assert watched["too-few-running"]["dimensions"] == of_service


def test_the_dashboard_names_the_service():
    without, routed = admin()[0], admin(route=ROUTE)[0]
    of_any = [("API", "Service admin: load"), ("API", "Service admin: capacity")]

    assert [(panel.group, panel.title) for panel in without.panels] == of_any
    assert [(panel.group, panel.title) for panel in routed.panels] == [
        ("API", "Service admin: failed requests"),
        ("API", "Service admin: response time"),
        *of_any,
    ]


# What it is part of


def test_a_service_more_leaves_the_first_as_it_is():
    def program() -> None:
        opts = with_aws(aws_provider())
        balancer = door(opts)
        build(balancer, opts, route=ROUTE)
        build(balancer, opts, service="thumbnails", route={"paths": ("/t/*",), "priority": 30})

    assert set(admin(route=ROUTE)[1].urns) < set(record(program).urns)


def test_a_preview_shows_everything():
    assert admin(route=ROUTE, preview=True)[1].urns == admin(route=ROUTE)[1].urns


def test_what_it_makes_hangs_below_it():
    _, recorded = admin(route=ROUTE)
    component = recorded.one("backlot:services:Service")
    made = [node for node in recorded.nodes if node.name.startswith("service-admin-")]

    assert {node.parent for node in made} == {component.urn}
    assert len(made) == len(recorded.children(component))
    assert component.outputs["log_group_name"] == "/ecs/backlot-dev-admin"
