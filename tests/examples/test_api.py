"""The briefs' APIs: Fargate (AIVP, AI Film Studio, AutoBlog), EC2 (MueJam), Beanstalk (Zapcut)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.examples.systems import System, asks, container, setting, statements
from tests.recorder import Recorded


def tasks(graph: Recorded) -> tuple[int, int]:
    scaling = graph.one("appautoscaling.Target", "api-scaling")
    return scaling["min_capacity"], scaling["max_capacity"]


def tracking(graph: Recorded, name: str) -> tuple[str, int, int, int]:
    policy = graph.one("appautoscaling.Policy", name)
    told = policy["target_tracking_scaling_policy_configuration"]
    metric = told["predefined_metric_specification"]["predefined_metric_type"]
    return metric, told["target_value"], told["scale_out_cooldown"], told["scale_in_cooldown"]


@asks(
    "M27",
    aivp={"api-cluster", "worker-video-cluster"},
    ai_film_studio={"api-cluster", "worker-render-cluster"},
    autoblog={"api-cluster", "worker-celery-cluster"},
)
def test_containers_run_on_clusters_of_their_own(system: System, figure: set[str]) -> None:
    assert system.everywhere(lambda graph: set(graph.names("ecs.Cluster"))) == figure


@asks("M28", ai_film_studio="enhanced", autoblog="enhanced")
def test_every_cluster_has_container_insights(system: System, figure: str) -> None:
    for graph in system.values():
        for cluster in graph.all("ecs.Cluster"):
            assert cluster["settings"] == [{"name": "containerInsights", "value": figure}]


@asks(
    "M29",
    aivp={"dev": (1, 1), "staging": (1, 2), "production": (2, 10)},
    ai_film_studio={"dev": (1, 1), "sandbox": (2, 2), "staging": (2, 4), "production": (4, 10)},
    autoblog={"dev": (1, 2), "staging": (1, 2), "production": (2, 10)},
)
def test_the_api_has_as_many_tasks_as_the_brief_says(
    system: System, figure: dict[str, tuple[int, int]]
) -> None:
    assert system.each(tasks) == figure


@asks("M30", autoblog=8000)
def test_the_task_has_an_address_of_its_own_and_listens_on_the_briefs_port(
    system: System, figure: int
) -> None:
    for graph in system.values():
        assert container(graph, "api-definition")["portMappings"] == [
            {"containerPort": figure, "protocol": "tcp"}
        ]
    definitions = system.each(lambda graph: graph.one("ecs.TaskDefinition", "api-definition"))
    assert {task["network_mode"] for task in definitions.values()} == {"awsvpc"}
    sizes = {stack: (task["cpu"], task["memory"]) for stack, task in definitions.items()}
    assert sizes == {
        "dev": ("256", "512"),
        "staging": ("256", "512"),
        "production": ("512", "1024"),
    }


@asks("M31", ai_film_studio=("api-execution", "api-task"), autoblog=("api-execution", "api-task"))
def test_one_role_starts_the_task_and_another_is_its_codes(
    system: System, figure: tuple[str, str]
) -> None:
    for graph in system.values():
        task = graph.one("ecs.TaskDefinition", "api-definition")
        starts, runs = (graph.one("iam.Role", name) for name in figure)
        assert task["execution_role_arn"] == starts.outputs["arn"]
        assert task["task_role_arn"] == runs.outputs["arn"]
        assert "ReadDatabaseConnection" in statements(graph, figure[0])
        assert "ReadDatabaseConnection" not in statements(graph, figure[1])


@asks(
    "M32",
    zapcut={"DATABASE_URL", "REDIS_URL", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"},
    aivp={
        "DATABASE_URL",
        "REDIS_URL",
        "OPENAI_API_KEY",
        "REPLICATE_API_KEY",
        "SUNO_API_KEY",
        "JWT_SECRET",
    },
    autoblog={"DATABASE_URL", "REDIS_URL", "OPENAI_API_KEY"},
)
def test_secrets_are_fetched_at_start_and_stand_nowhere(system: System, figure: set[str]) -> None:
    for graph in system.values():
        fetched, plain = variables(graph)
        assert figure <= set(fetched)
        assert figure & set(plain) == set()
        assert all(place.startswith("arn:aws:s") for place in fetched.values())


def variables(graph: Recorded) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Where the API's secrets are fetched from, and its plain variables."""
    environments = graph.all("elasticbeanstalk.Environment")
    if not environments:
        told = container(graph, "api-definition")
        return (
            {one["name"]: one["valueFrom"] for one in told["secrets"]},
            {one["name"]: one["value"] for one in told["environment"]},
        )
    [environment] = environments
    lead = "aws:elasticbeanstalk:application:environment"
    fetched, plain = (
        {
            one["name"]: one["value"]
            for one in environment["settings"]
            if one["namespace"] == namespace
        }
        for namespace in (f"{lead}secrets", lead)
    )
    return fetched, plain


@asks("M33", autoblog="/ecs/autoblog-{stack}-api")
def test_the_service_logs_to_a_group_of_its_own(system: System, figure: str) -> None:
    for stack, graph in system.items():
        log = container(graph, "api-definition")["logConfiguration"]
        assert log["logDriver"] == "awslogs"
        assert log["options"]["awslogs-group"] == figure.format(stack=stack)


@asks(
    "M34",
    autoblog={"interval": 30, "timeout": 5, "retries": 3, "startPeriod": 60},
)
def test_the_container_is_asked_for_its_health_as_often_as_the_brief_says(
    system: System, figure: dict[str, int]
) -> None:
    for graph in system.values():
        check = container(graph, "api-definition")["healthCheck"]
        assert {key: check[key] for key in figure} == figure
        assert "/health" in check["command"][-1]


@asks("M35", ai_film_studio=(70, 300, 300), autoblog=(70, 300, 300))
def test_the_api_scales_on_cpu(system: System, figure: tuple[int, int, int]) -> None:
    metric = "ECSServiceAverageCPUUtilization"
    assert system.everywhere(lambda graph: tracking(graph, "api-scaling-cpu")) == (metric, *figure)


@asks("M36", ai_film_studio=(80, 300, 300), autoblog=(80, 300, 300))
def test_the_api_scales_on_memory(system: System, figure: tuple[int, int, int]) -> None:
    metric = "ECSServiceAverageMemoryUtilization"
    seen = system.everywhere(lambda graph: tracking(graph, "api-scaling-memory"))
    assert seen == (metric, *figure)


@asks("M37", autoblog=(200, 100))
def test_a_rolling_deployment_stays_between_all_and_twice_the_tasks(
    system: System, figure: tuple[int, int]
) -> None:
    for graph in system.values():
        service = graph.one("ecs.Service", "api-service")
        assert service["deployment_configuration"]["strategy"] == "ROLLING"
        assert (
            service["deployment_maximum_percent"],
            service["deployment_minimum_healthy_percent"],
        ) == figure


@asks(
    "M38",
    muejam={
        "dev": ("t3.small", 1, 2),
        "staging": ("t3.medium", 2, 5),
        "production": ("t3.large", 2, 10),
    },
)
def test_the_group_behind_the_load_balancer_has_the_briefs_size(
    system: System, figure: dict[str, tuple[str, int, int]]
) -> None:
    assert (
        system.each(
            lambda graph: (
                graph.one("ec2.LaunchTemplate", "api-template")["instance_type"],
                graph.one("autoscaling.Group", "api-group")["min_size"],
                graph.one("autoscaling.Group", "api-group")["max_size"],
            )
        )
        == figure
    )
    for graph in system.values():
        group = graph.one("autoscaling.Group", "api-group")
        assert group["target_group_arns"] == [graph.one("lb.TargetGroup").outputs["arn"]]
        assert group["health_check_type"] == "ELB"


@asks("M39", muejam=60)
def test_the_group_scales_on_cpu_before_the_alarm_at_70(system: System, figure: int) -> None:
    for graph in system.values():
        told = graph.one("autoscaling.Policy")["target_tracking_configuration"]
        metric = told["predefined_metric_specification"]["predefined_metric_type"]
        assert (metric, told["target_value"]) == ("ASGAverageCPUUtilization", figure)


@asks("M40", zapcut={"dev": (1, 1), "staging": (2, 2), "production": (2, 10)})
def test_beanstalk_has_the_briefs_instances_behind_the_load_balancer(
    system: System, figure: dict[str, tuple[int, int]]
) -> None:
    def size(graph: Recorded) -> tuple[int, int]:
        environment = graph.one("elasticbeanstalk.Environment")
        return int(setting(environment, "MinSize")), int(setting(environment, "MaxSize"))

    assert system.each(size) == figure
    for graph in system.values():
        environment = graph.one("elasticbeanstalk.Environment")
        assert setting(environment, "LoadBalancerType") == "application"
        balancer = graph.one("lb.LoadBalancer").outputs["arn"]
        assert setting(environment, "SharedLoadBalancer") == balancer
        profile = graph.one("iam.InstanceProfile", "api-instance")
        assert setting(environment, "IamInstanceProfile") == profile.outputs["arn"]
        service = graph.one("iam.Role", "api-service")
        assert setting(environment, "ServiceRole") == service.outputs["arn"]


@asks("M41", zapcut=("8f14e45fceea", "300"))
def test_a_version_is_called_by_its_commit_and_has_300_seconds_to_come_up(
    system: System, figure: tuple[str, str]
) -> None:
    commit, seconds = figure
    for graph in system.values():
        environment = graph.one("elasticbeanstalk.Environment")
        assert setting(environment, "Timeout") == seconds
        assert environment["version"] == graph.one("elasticbeanstalk.ApplicationVersion")["name"]
        assert environment["version"].startswith(f"{commit}-")
        assert setting(environment, "BUILD_ID") == commit


@asks("M42", muejam={"ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"})
def test_operators_get_a_shell_without_a_key_or_an_open_port(
    system: System, figure: set[str]
) -> None:
    for graph in system.values():
        assert figure <= set(statements(graph, "api-instance")["OpenSessions"]["Action"])
        assert "key_name" not in graph.one("ec2.LaunchTemplate", "api-template")
        ports = {rule["from_port"] for rule in graph.all("vpc.SecurityGroupIngressRule")}
        assert 22 not in ports


@asks("M113", aivp=["alembic", "upgrade", "head"])
def test_the_database_is_migrated_before_a_version_starts(system: System, figure: Any) -> None:
    for graph in system.values():
        gate = graph.one("lambda.Function", "api-gates-migrate")
        assert json.loads(gate["environment"]["variables"]["COMMAND"]) == figure
        assert stages(graph, gate.outputs["arn"]) == {"PRE_SCALE_UP"}


@asks("M114", aivp=120)
def test_a_version_answers_for_api_database_and_redis_in_two_minutes(
    system: System, figure: int
) -> None:
    for graph in system.values():
        gate = graph.one("lambda.Function", "api-gates-smoke")
        told = gate["environment"]["variables"]
        assert json.loads(told["PATHS"]) == ["/health", "/api/health/db", "/api/health/redis"]
        assert told["LIMIT_SECONDS"] == str(figure)
        assert stages(graph, gate.outputs["arn"]) == {
            "POST_TEST_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
        }


def stages(graph: Recorded, function: str) -> set[str]:
    """When a deployment of the API calls a function."""
    deployment = graph.one("ecs.Service", "api-service")["deployment_configuration"]
    return {
        stage
        for hook in deployment["lifecycle_hooks"]
        if hook["hook_target_arn"] == function
        for stage in hook["lifecycle_stages"]
    }


@asks("M115", aivp=True, ai_film_studio=True)
def test_a_deployment_that_fails_goes_back_by_itself(system: System, figure: bool) -> None:
    for graph in system.values():
        service = graph.one("ecs.Service", "api-service")
        assert service["deployment_circuit_breaker"] == {"enable": figure, "rollback": figure}
        assert (service["alarms"]["enable"], service["alarms"]["rollback"]) == (figure, figure)


@asks("M116", ai_film_studio={"dev": "0", "sandbox": "0", "staging": "5", "production": "10"})
def test_a_version_comes_in_blue_green_and_the_old_one_stands_by(
    system: System, figure: dict[str, str]
) -> None:
    def bake(graph: Recorded) -> str:
        deployment = graph.one("ecs.Service", "api-service")["deployment_configuration"]
        assert deployment["strategy"] == "BLUE_GREEN"
        return deployment["bake_time_in_minutes"]

    assert system.each(bake) == figure


@asks("M126", aivp="/aivp-{stack}/api-url")
def test_the_frontend_finds_the_apis_address(system: System, figure: str) -> None:
    for stack, graph in system.items():
        parameter = graph.one("ssm.Parameter", "load-balancer-url")
        assert parameter["name"] == figure.format(stack=stack)
        assert parameter["insecure_value"] == graph.outputs["api_url"]
        assert graph.outputs["api_url"].startswith("https://api.")
