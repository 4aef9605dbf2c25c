"""The API on Fargate: what runs, how it is reached, how it is deployed, scaled and watched."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.access import Access, Path
from components.api.contract import Api
from components.api.fargate import PROBES, FargateApi, FargateApiArgs, Signals
from components.api.load_balancer import LoadBalancer, LoadBalancerArgs
from components.containers import ContainerSecret
from components.grants import Statement
from components.observe import Alarm, Expression
from components.secrets import Secrets, SecretsArgs
from settings.api import FargateApiSettings
from settings.load_balancer import LoadBalancerSettings
from settings.secrets import SecretSettings
from tests.components.parts import export_watched, ground
from tests.components.test_load_balancer import log_bucket
from tests.conftest import STACKS
from tests.recorder import Node, Recorded, aws_provider, record, with_aws

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/backlot-dev/api:1.0.0"
KEPT = "sk-correct-horse-battery"
OPENAI = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backlot-dev/api-keys/openai-AbCdEf"
MEDIA = "arn:aws:s3:::backlot-dev-media"

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


def build(*, access: Access = USES, **settings: Any) -> FargateApi:
    opts = with_aws(aws_provider())
    balancer = LoadBalancer(
        "load-balancer",
        LoadBalancerArgs(
            settings=LoadBalancerSettings(deletion_protection=False),
            ground=ground(),
            domain=None,
            log_bucket=log_bucket(),
        ),
        opts,
    )
    given = {
        "kind": "fargate",
        "image": "api:1.0.0",
        "cpu": 1024,
        "memory": 2048,
        "min_tasks": 4,
        "max_tasks": 10,
        **settings,
    }
    return FargateApi(
        "api",
        FargateApiArgs(
            settings=FargateApiSettings.model_validate(given),
            ground=ground(),
            load_balancer=balancer,
            image=IMAGE,
            access=[access],
        ),
        opts,
    )


def api(*, access: Access = USES, **settings: Any) -> tuple[FargateApi, Recorded]:
    made: list[FargateApi] = []

    def program() -> None:
        component = build(access=access, **settings)
        made.append(component)
        pulumi.export("url", component.url)
        pulumi.export("deploy_handle", component.deploy_handle)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program)
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


def alarm(component: FargateApi, name: str) -> Alarm:
    return next(alarm for alarm in component.alarms if alarm.name == name)


def figures(watched: Alarm) -> tuple[str, float, int, str, str]:
    return (
        watched.comparison,
        watched.threshold,
        watched.evaluation_periods,
        watched.missing_data,
        watched.severity,
    )


def test_it_satisfies_the_contract_of_an_api():
    component: Api = api()[0]

    assert component.pulumi_resource_name == "api"


# What runs


def test_it_has_a_cluster_that_reports_on_every_task():  # M27 M28
    cluster = api()[1].one("ecs.Cluster")

    assert cluster["settings"] == [{"name": "containerInsights", "value": "enhanced"}]


def test_a_task_has_the_size_port_and_platform_of_the_settings():  # M30
    _, recorded = api()
    task = recorded.one("ecs.TaskDefinition")

    assert task["family"] == "backlot-dev-api"
    assert task["network_mode"] == "awsvpc"
    assert task["requires_compatibilities"] == ["FARGATE"]
    assert (task["cpu"], task["memory"]) == ("1024", "2048")
    assert task["runtime_platform"] == {
        "operating_system_family": "LINUX",
        "cpu_architecture": "ARM64",
    }
    assert container(recorded)["portMappings"] == [{"containerPort": 8000, "protocol": "tcp"}]


def test_intel_is_a_choice():
    task = api(architecture="x86_64")[1].one("ecs.TaskDefinition")

    assert task["runtime_platform"]["cpu_architecture"] == "X86_64"


def test_the_container_runs_the_image_it_was_given():
    definition = container(api()[1])

    assert definition["name"] == "api"
    assert definition["image"] == IMAGE
    assert "command" not in definition
    assert container(api(command=("serve",))[1])["command"] == ["serve"]


def test_the_container_is_asked_for_its_health():  # M18 M34
    check = container(api()[1])["healthCheck"]

    assert check["interval"] == 30
    assert check["timeout"] == 5
    assert check["retries"] == 3
    assert check["startPeriod"] == 60
    assert check["command"][0] == "CMD-SHELL"
    assert check["command"][1].startswith("curl -fsS -o /dev/null http://127.0.0.1:8000/health || ")
    assert check["command"][1].endswith(" || exit 1")


def test_any_of_three_common_tools_can_ask():
    line = container(api(port=9000)[1])["healthCheck"]["command"][1]

    assert [tool for tool in ("curl", "wget", "python3") if f"{tool} -" in line] == [
        "curl",
        "wget",
        "python3",
    ]
    assert line.count("http://127.0.0.1:9000/health") == len(PROBES) == 3


def test_it_logs_to_a_group_of_its_own():  # M33 M88
    _, recorded = api()
    group = recorded.one("cloudwatch.LogGroup")

    assert group["name"] == "/ecs/backlot-dev-api"
    assert group["retention_in_days"] == 7
    options = container(recorded)["logConfiguration"]["options"]
    assert options["awslogs-group"] == "/ecs/backlot-dev-api"


# Secrets and roles


def test_secrets_are_fetched_when_a_task_starts():  # M32
    definition = container(api(environment={"LOG_LEVEL": "info"})[1])

    assert definition["environment"] == [
        {"name": "AWS_REGION", "value": "us-east-1"},
        {"name": "LOG_LEVEL", "value": "info"},
        {"name": "MEDIA_BUCKET", "value": "backlot-dev-media"},
    ]
    assert definition["secrets"] == [{"name": "OPENAI_API_KEY", "valueFrom": OPENAI}]


def test_a_value_the_stack_keeps_never_reaches_a_task_definition():  # M32
    def program() -> None:
        secrets = Secrets(
            "secrets",
            SecretsArgs(
                settings={"openai": SecretSettings(environment="OPENAI_API_KEY")},
                ground=ground(),
                values={"openai": pulumi.Output.from_input(KEPT)},
            ),
            with_aws(aws_provider()),
        )
        build(access=secrets.access(["openai"]))

    recorded = record(program)

    assert recorded.one("secretsmanager.SecretVersion")["secret_string"] == KEPT
    assert KEPT not in recorded.one("ecs.TaskDefinition")["container_definitions"]
    assert KEPT not in recorded.graph.write()


@pytest.mark.parametrize("stack", STACKS)
def test_no_container_of_any_stack_holds_a_secret_in_plain_sight(
    stack_graph: Callable[..., Recorded], stack: str
):  # M32
    definitions = [
        definition
        for task in stack_graph(stack).all("ecs.TaskDefinition")
        for definition in task.json("container_definitions")
    ]

    assert [definition["name"] for definition in definitions] == ["api", "worker"]
    for definition in definitions:
        plain = {variable["name"]: variable["value"] for variable in definition["environment"]}
        fetched = {variable["name"] for variable in definition["secrets"]}
        assert not [
            name
            for name in plain
            if re.search("KEY|PASSWORD|SECRET|TOKEN|DATABASE_URL|REDIS_URL", name)
        ]
        assert not [value for value in plain.values() if re.search("//[^/]*@", value)]
        assert "REDIS_URL" in fetched
        assert all(
            variable["valueFrom"].startswith(("arn:aws:secretsmanager:", "arn:aws:ssm:"))
            for variable in definition["secrets"]
        )


def test_a_variable_set_twice_is_refused():
    with pytest.raises(AssertionError, match="MEDIA_BUCKET is set twice"):
        api(environment={"MEDIA_BUCKET": "mine"})


def test_the_task_has_what_the_api_uses_and_an_exec_channel():  # M31
    assert policy(api()[1], "api-task") == {
        "OpenExecSession": (
            [
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            ["*"],
        ),
        "ReadMedia": (["s3:GetObject"], [f"{MEDIA}/*"]),
    }


def test_only_the_execution_role_reads_secrets():  # M31
    _, recorded = api()
    task = recorded.one("ecs.TaskDefinition")

    assert set(policy(recorded, "api-execution")) == {"PullImages", "WriteLogs", "ReadOpenai"}
    assert policy(recorded, "api-execution")["ReadOpenai"] == (
        ["secretsmanager:GetSecretValue"],
        [OPENAI],
    )
    assert task["task_role_arn"] == recorded.one("iam.Role", "api-task").outputs["arn"]
    assert task["execution_role_arn"] == recorded.one("iam.Role", "api-execution").outputs["arn"]
    assert recorded.all("iam.RolePolicyAttachment") == []


# How it is reached


def test_tasks_stand_in_private_subnets_without_a_public_address():
    _, recorded = api()
    network = service(recorded)["network_configuration"]

    assert network["subnets"] == ["subnet-private-a", "subnet-private-b"]
    assert network["assign_public_ip"] is False
    assert network["security_groups"] == [recorded.one("ec2.SecurityGroup", "api-tasks").id]


def test_only_the_load_balancer_gets_in_and_only_what_is_used_and_https_get_out():
    _, recorded = api()
    tasks = recorded.one("ec2.SecurityGroup", "api-tasks").id
    balancer = recorded.one("ec2.SecurityGroup", "load-balancer-door").id
    ingress = [
        (rule["referenced_security_group_id"], rule["from_port"], rule["to_port"])
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if rule["security_group_id"] == tasks
    ]
    egress = {
        (rule.get("cidr_ipv4") or rule["referenced_security_group_id"], rule["to_port"])
        for rule in recorded.all("vpc.SecurityGroupEgressRule")
        if rule["security_group_id"] == tasks
    }

    assert ingress == [(balancer, 8000, 8000)]
    assert egress == {("0.0.0.0/0", 443), ("sg-database", 5432)}
    assert recorded.one("vpc.SecurityGroupEgressRule", "api-from-door-out")[
        "security_group_id"
    ] == (balancer)


def test_the_load_balancer_checks_the_same_path():  # M18
    targets = api()[1].one("lb.TargetGroup")

    assert targets["target_type"] == "ip"
    assert targets["protocol"] == "HTTP"
    assert targets["port"] == 8000
    assert targets["vpc_id"] == "vpc-1"
    assert targets["health_check"] == {
        "path": "/health",
        "matcher": "200",
        "interval": 30,
        "timeout": 5,
        "healthy_threshold": 2,
        "unhealthy_threshold": 3,
    }


def test_a_task_that_leaves_has_30_seconds_for_its_requests():
    assert api()[1].one("lb.TargetGroup")["deregistration_delay"] == 30


def test_a_rule_of_its_own_sends_every_path_to_it():
    _, recorded = api()
    rule = recorded.one("lb.ListenerRule")
    targets = recorded.one("lb.TargetGroup").outputs["arn"]

    assert rule["listener_arn"] == recorded.one("lb.Listener").outputs["arn"]
    assert rule["conditions"] == [{"path_pattern": {"values": ["/*"]}}]
    assert rule["actions"] == [
        {"type": "forward", "forward": {"target_groups": [{"arn": targets, "weight": 100}]}}
    ]
    assert rule.urn in service(recorded).resource.dependencies


def test_the_service_registers_its_container_there():  # M29
    _, recorded = api(port=9000)

    assert service(recorded)["load_balancers"] == [
        {
            "target_group_arn": recorded.one("lb.TargetGroup").outputs["arn"],
            "container_name": "api",
            "container_port": 9000,
        }
    ]
    assert service(recorded)["health_check_grace_period_seconds"] == 60


# How it is deployed


def test_a_deployment_never_has_fewer_tasks_than_before():  # M37
    running = service(api()[1])

    assert running["deployment_maximum_percent"] == 200
    assert running["deployment_minimum_healthy_percent"] == 100


def test_a_deployment_that_fails_goes_back_and_fails_the_update():
    running = service(api()[1])

    assert running["deployment_circuit_breaker"] == {"enable": True, "rollback": True}
    assert running["wait_for_steady_state"] is True
    assert running["sigint_rollback"] is True


def test_tasks_are_bought_from_fargate_by_a_strategy():
    _, recorded = api()

    assert recorded.one("ecs.ClusterCapacityProviders")["capacity_providers"] == ["FARGATE"]
    assert service(recorded)["capacity_provider_strategies"] == [
        {"capacity_provider": "FARGATE", "weight": 1}
    ]
    assert "launch_type" not in service(recorded)


def test_tasks_are_spread_over_zones_tagged_and_open_to_exec():
    running = service(api()[1])

    assert running["availability_zone_rebalancing"] == "ENABLED"
    assert running["propagate_tags"] == "SERVICE"
    assert running["enable_ecs_managed_tags"] is True
    assert running["enable_execute_command"] is True


# How it scales


@pytest.mark.parametrize(("low", "high"), [(1, 2), (2, 4), (4, 10)])
def test_it_runs_between_its_bounds(low: int, high: int):  # M29
    _, recorded = api(min_tasks=low, max_tasks=high)
    target = recorded.one("appautoscaling.Target")

    assert service(recorded)["desired_count"] == low
    assert (target["min_capacity"], target["max_capacity"]) == (low, high)
    assert target["scalable_dimension"] == "ecs:service:DesiredCount"


def test_an_update_leaves_the_number_of_tasks_to_scaling():
    assert service(api()[1]).ignore_changes == ["desired_count"]


@pytest.mark.parametrize(
    ("name", "metric", "percent"),
    [
        ("api-scaling-cpu", "ECSServiceAverageCPUUtilization", 70),  # M35
        ("api-scaling-memory", "ECSServiceAverageMemoryUtilization", 80),  # M36
    ],
)
def test_it_tracks_cpu_and_memory_with_rests_of_300_seconds(name: str, metric: str, percent: int):
    _, recorded = api()
    tracking = recorded.one("appautoscaling.Policy", name)

    assert len(recorded.all("appautoscaling.Policy")) == 2
    assert tracking["policy_type"] == "TargetTrackingScaling"
    assert tracking["target_tracking_scaling_policy_configuration"] == {
        "target_value": percent,
        "scale_out_cooldown": 300,
        "scale_in_cooldown": 300,
        "predefined_metric_specification": {"predefined_metric_type": metric},
    }


def test_scaling_acts_on_this_service():
    _, recorded = api()
    cluster, name = recorded.outputs["deploy_handle"].split("/")

    assert cluster == recorded.one("ecs.Cluster").outputs["name"]
    assert name == service(recorded).outputs["name"]
    assert recorded.one("appautoscaling.Target")["resource_id"] == f"service/{cluster}/{name}"


# How it is watched


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("errors", ("above", 10, 2, "notBreaching", "critical")),  # M93
        ("unhealthy-targets", ("at_least", 1, 2, "notBreaching", "warning")),  # M94
        ("slow", ("above", 2, 3, "notBreaching", "warning")),  # M94
        ("cpu-high", ("above", 85, 2, "notBreaching", "warning")),  # M96
        ("tasks-missing", ("below", 4, 2, "breaching", "warning")),
    ],
)
def test_alarms_speak_at_the_figures_of_the_briefs(name: str, expected: tuple[object, ...]):
    component, _ = api()

    assert figures(alarm(component, name)) == expected
    assert alarm(component, name).runbook == f"api.md#{name}"


def test_there_are_no_other_alarms():
    assert len(api()[0].alarms) == 5


def test_errors_are_counted_over_300_seconds_in_every_target_group():  # M93
    component, recorded = api()
    watch = alarm(component, "errors").watch

    assert isinstance(watch, Expression)
    assert watch.text == "FILL(live, 0)"
    assert recorded.outputs["alarms"]["errors"] == {
        "live": {
            "metric": "AWS/ApplicationELB HTTPCode_Target_5XX_Count",
            "statistic": "Sum",
            "period": 300,
            "dimensions": {
                "LoadBalancer": recorded.one("lb.LoadBalancer").outputs["arn_suffix"],
                "TargetGroup": recorded.one("lb.TargetGroup").outputs["arn_suffix"],
            },
        }
    }


def test_the_95th_percentile_and_the_worst_unhealthy_count_are_what_is_judged():  # M94
    _, recorded = api()
    slow = recorded.outputs["alarms"]["slow"]["live"]
    unhealthy = recorded.outputs["alarms"]["unhealthy-targets"]["live"]

    assert (slow["metric"], slow["statistic"]) == ("AWS/ApplicationELB TargetResponseTime", "p95")
    assert (unhealthy["metric"], unhealthy["statistic"]) == (
        "AWS/ApplicationELB UnHealthyHostCount",
        "Maximum",
    )


def test_cpu_is_the_services_average_over_300_seconds():  # M96
    _, recorded = api()

    assert recorded.outputs["alarms"]["cpu-high"] == {
        "metric": "AWS/ECS CPUUtilization",
        "statistic": "Average",
        "period": 300,
        "dimensions": {
            "ClusterName": recorded.one("ecs.Cluster").outputs["name"],
            "ServiceName": service(recorded).outputs["name"],
        },
    }


def test_missing_tasks_are_counted_by_container_insights():  # M28
    _, recorded = api()
    watch = recorded.outputs["alarms"]["tasks-missing"]

    assert (watch["metric"], watch["statistic"]) == (
        "ECS/ContainerInsights RunningTaskCount",
        "Maximum",
    )


def test_a_second_target_group_only_adds_a_term():  # M94
    signals = Signals(
        load_balancer="app/alb/1",
        target_groups={"blue": "targetgroup/blue/1", "green": "targetgroup/green/2"},
        cluster_name="c",
        service_name="s",
    )
    total = signals.total("HTTPCode_Target_5XX_Count", "errors")
    worst = signals.worst("TargetResponseTime", "p95", "p95")

    assert total.text == "FILL(blue, 0) + FILL(green, 0)"
    assert worst.text == "MAX([FILL(blue, 0), FILL(green, 0)])"
    assert {key: metric.dimensions["TargetGroup"] for key, metric in total.metrics.items()} == {
        "blue": "targetgroup/blue/1",
        "green": "targetgroup/green/2",
    }


def test_the_dashboard_shows_failures_speed_load_and_tasks():
    component, _ = api()

    assert [(panel.group, panel.title, panel.unit) for panel in component.panels] == [
        ("API", "API: failed requests", "requests"),
        ("API", "API: response time", "seconds"),
        ("API", "API: CPU and memory", "percent"),
        ("API", "API: tasks", "tasks"),
    ]


def test_what_it_makes_hangs_below_it():
    _, recorded = api()
    component = recorded.one("backlot:api:FargateApi")
    made = [node for node in recorded.nodes if node.name.startswith("api-")]

    assert {node.parent for node in made} == {component.urn}
    assert len(made) == len(recorded.children(component))
    assert component.outputs["url"] == recorded.outputs["url"]
