"""The briefs' fleets and queues."""

from __future__ import annotations

from typing import Any

from tests.examples.systems import System, asks, container, statements
from tests.recorder import Recorded


def bounds(graph: Recorded, fleet: str) -> tuple[int, int]:
    scaling = graph.one("appautoscaling.Target", f"worker-{fleet}-scaling")
    return scaling["min_capacity"], scaling["max_capacity"]


def distribution(graph: Recorded, fleet: str) -> dict[str, Any]:
    policy = graph.one("autoscaling.Group", f"worker-{fleet}-group")["mixed_instances_policy"]
    return policy["instances_distribution"]


@asks("M44", autoblog=4)
def test_celery_runs_on_ecs_and_does_four_jobs_at_once(system: System, figure: int) -> None:
    for graph in system.values():
        worker = container(graph, "worker-celery-definition")
        assert worker["command"] == ["celery", "-A", "app.worker", "worker"]
        told = {one["name"]: one["value"] for one in worker["environment"]}
        assert told["CONCURRENCY"] == str(figure)


@asks("M45", autoblog=(1, 100, 0))
def test_there_is_one_beat_and_never_two(system: System, figure: tuple[int, int, int]) -> None:
    for graph in system.values():
        beat = graph.one("ecs.Service", "worker-celery-beat-service")
        assert (
            beat["desired_count"],
            beat["deployment_maximum_percent"],
            beat["deployment_minimum_healthy_percent"],
        ) == figure
        target = [node.name for node in graph.all("appautoscaling.Target")]
        assert not [name for name in target if "beat" in name]


@asks("M46", zapcut="ami-0a1b2c3d4e5f67890")
def test_celery_runs_on_a_machine_image_that_packer_made(system: System, figure: str) -> None:
    for graph in system.values():
        template = graph.one("ec2.LaunchTemplate", "worker-video-template")
        group = graph.one("autoscaling.Group", "worker-video-group")
        used = group["mixed_instances_policy"]["launch_template"]["launch_template_specification"]
        assert template["image_id"] == figure
        assert used == {
            "launch_template_id": template.id,
            "version": str(template.outputs["latest_version"]),
        }


@asks("M47", zapcut=(100, 150))
def test_workers_are_rolled_when_the_image_changes(system: System, figure: tuple[int, int]) -> None:
    for graph in system.values():
        refresh = graph.one("autoscaling.Group", "worker-video-group")["instance_refresh"]
        told = refresh["preferences"]
        assert refresh["strategy"] == "Rolling"
        assert (told["min_healthy_percentage"], told["max_healthy_percentage"]) == figure
        assert told["skip_matching"] is True


@asks("M48", ai_film_studio=["g4dn.xlarge", "g6.xlarge", "g5.xlarge"])
def test_the_gpus_are_the_briefs(system: System, figure: list[str]) -> None:
    for graph in system.values():
        group = graph.one("autoscaling.Group", "worker-render-group")
        overrides = group["mixed_instances_policy"]["launch_template"]["overrides"]
        assert [one["instance_type"] for one in overrides] == figure


@asks(
    "M49",
    ai_film_studio={
        "dev": (0, 1, 100),
        "sandbox": (1, 2, 0),
        "staging": (2, 4, 30),
        "production": (2, 20, 30),
    },
)
def test_workers_are_as_many_and_as_much_on_demand_as_the_brief_says(
    system: System, figure: dict[str, tuple[int, int, int]]
) -> None:
    def sized(graph: Recorded) -> tuple[int, int, int]:
        on_demand = distribution(graph, "render")["on_demand_percentage_above_base_capacity"]
        return *bounds(graph, "render"), on_demand

    assert system.each(sized) == figure


@asks("M50", ai_film_studio="1")
def test_gpu_workers_are_a_service_on_a_cluster_of_their_own(system: System, figure: str) -> None:
    for graph in system.values():
        service = graph.one("ecs.Service", "worker-render-service")
        assert service["cluster"] == graph.one("ecs.Cluster", "worker-render-cluster")["name"]
        [need] = container(graph, "worker-render-definition")["resourceRequirements"]
        assert need == {"type": "GPU", "value": figure}


@asks("M51", zapcut="video", ai_film_studio="render")
def test_fleets_grow_with_their_queue(system: System, figure: str) -> None:
    for graph in system.values():
        policies = [*graph.all("appautoscaling.Policy"), *graph.all("autoscaling.Policy")]
        [policy] = [one for one in policies if one.name == f"worker-{figure}-scaling-backlog"]
        assert "ApproximateNumberOfMessagesVisible" in str(policy.inputs)


@asks("M52", ai_film_studio=0)
def test_the_dev_fleet_rests_at_nothing_and_something_wakes_it(system: System, figure: int) -> None:
    dev = system["dev"]
    assert bounds(dev, "render")[0] == figure
    assert dev.one("autoscaling.Group", "worker-render-group")["min_size"] == figure
    assert dev.names("lambda.Function").count("waker-function") == 1
    assert "waker-function" not in system.production.names("lambda.Function")


@asks(
    "M53",
    zapcut="zapcut-{stack}-video-generation",
    ai_film_studio="filmstudio-{stack}-render",
)
def test_the_queue_hands_what_fails_to_a_dead_letter_queue(system: System, figure: str) -> None:
    for stack, graph in system.items():
        [queue] = [one for one in graph.all("sqs.Queue") if one.name.endswith("-queue")]
        [dead] = [one for one in graph.all("sqs.Queue") if one.name.endswith("-dead-letter")]
        assert queue["name"] == figure.format(stack=stack)
        redrive = queue.json("redrive_policy")
        assert redrive["deadLetterTargetArn"] == dead.outputs["arn"]
        assert redrive["maxReceiveCount"] == 5


@asks(
    "M54",
    zapcut=("worker-video-instance", "worker-video-instance", "ReadApiKeyReplicate"),
    ai_film_studio=("worker-render-task", "worker-render-execution", "ReadApiKeyOpenai"),
)
def test_a_workers_role_has_its_media_jobs_and_keys_and_no_more(
    system: System, figure: tuple[str, str, str]
) -> None:
    runs, starts, key = figure
    for graph in system.values():
        granted = statements(graph, runs)
        assert {"ReadMedia", "WriteMedia", "ConsumeJobs"} <= set(granted)
        assert key in statements(graph, starts)
        queues = {one.outputs["arn"] for one in graph.all("sqs.Queue")}
        assert set(granted["ConsumeJobs"]["Resource"]) < queues
        actions = {action for one in granted.values() for action in one["Action"]}
        assert "sqs:SendMessage" not in actions
        assert not [action for action in actions if action.endswith(":*")]


@asks("M55", aivp="noeviction", autoblog="noeviction")
def test_redis_is_the_broker_and_loses_no_job(system: System, figure: str) -> None:
    for graph in system.values():
        parameters = graph.one("elasticache.ParameterGroup")["parameters"]
        assert {"name": "maxmemory-policy", "value": figure} in parameters
        assert graph.all("sqs.Queue") == []
        definitions = [one for one in graph.all("ecs.TaskDefinition") if "worker" in one.name]
        assert definitions
        for definition in definitions:
            secrets = container(graph, definition.name)["secrets"]
            assert "REDIS_URL" in {one["name"] for one in secrets}
        assert "redis-queues-function" in graph.names("lambda.Function")


@asks(
    "M56",
    zapcut={"dev", "staging", "production"},
    ai_film_studio={"production"},
)
def test_old_snapshots_and_leftovers_are_cleared_away_daily(
    system: System, figure: set[str]
) -> None:
    kept = system.each(lambda graph: graph.names("lambda.Function").count("upkeep-function"))
    assert {stack for stack, count in kept.items() if count} == figure
    for stack in figure:
        daily = system[stack].one("scheduler.Schedule", "upkeep-daily")
        assert daily["schedule_expression"] == "cron(0 6 * * ? *)"
        assert {"DeleteSnapshots", "AbortUploads"} <= set(
            statements(system[stack], "upkeep-function")
        )
