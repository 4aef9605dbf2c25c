"""Target tracking for services: components/tracking.py."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.observe import Expression, Metric
from components.tracking import service_target, track
from tests.recorder import Recorded, aws_provider, record

CPU = "ECSServiceAverageCPUUtilization"
REQUESTS = "ALBRequestCountPerTarget"
LABEL = "app/backlot-dev/0123456789abcdef/targetgroup/api/fedcba9876543210"

BACKLOG = Expression(
    text="waiting / wanted",
    metrics={
        "waiting": Metric(
            namespace="AWS/SQS",
            name="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": "backlot-dev-render"},
            statistic="Maximum",
            period=60,
            label="waiting",
        ),
        "wanted": Metric(
            namespace="ECS/ContainerInsights",
            name="DesiredTaskCount",
            dimensions={"ClusterName": "render", "ServiceName": "worker"},
            period=60,
            label="wanted",
        ),
    },
    label="jobs per worker",
)


def recorded_tracking(metric: str | Expression = CPU, value: float = 60, **more: Any) -> Recorded:
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=aws_provider())
        target = service_target(
            "api-scaling",
            cluster_name="api-cluster",
            service_name="api-service",
            minimum=2,
            maximum=10,
            opts=opts,
        )
        track("api-cpu", target, metric, value, out_seconds=60, in_seconds=300, opts=opts, **more)

    return record(program)


def configuration(recorded: Recorded) -> dict[str, Any]:
    policy = recorded.one("appautoscaling.Policy", "api-cpu")
    return policy["target_tracking_scaling_policy_configuration"]


def test_a_service_has_a_number_of_tasks_between_its_bounds():
    target = recorded_tracking().one("appautoscaling.Target", "api-scaling")
    assert target["resource_id"] == "service/api-cluster/api-service"
    assert target["scalable_dimension"] == "ecs:service:DesiredCount"
    assert target["service_namespace"] == "ecs"
    assert (target["min_capacity"], target["max_capacity"]) == (2, 10)


def test_a_policy_is_of_its_target_and_waits_for_it():
    recorded = recorded_tracking()
    target, policy = recorded.one("appautoscaling.Target"), recorded.one("appautoscaling.Policy")
    assert policy["policy_type"] == "TargetTrackingScaling"
    for same in ("resource_id", "scalable_dimension", "service_namespace"):
        assert policy[same] == target[same]
    assert target.urn in policy.resource.dependencies


def test_a_policy_holds_its_value_with_a_rest_for_each_way():
    tracked = configuration(recorded_tracking(value=62.5))
    assert tracked["target_value"] == 62.5
    assert (tracked["scale_out_cooldown"], tracked["scale_in_cooldown"]) == (60, 300)
    assert "disable_scale_in" not in tracked


def test_a_metric_of_aws_is_given_by_its_name():
    tracked = configuration(recorded_tracking())
    assert tracked["predefined_metric_specification"] == {"predefined_metric_type": CPU}
    assert "customized_metric_specification" not in tracked


def test_requests_are_counted_of_the_target_group_that_is_named():
    tracked = configuration(recorded_tracking(REQUESTS, resource_label=LABEL))
    assert tracked["predefined_metric_specification"] == {
        "predefined_metric_type": REQUESTS,
        "resource_label": LABEL,
    }


def test_metric_math_is_given_with_its_metrics_of_which_none_is_judged_itself():  # M51
    tracked = configuration(recorded_tracking(BACKLOG, 6))
    assert "predefined_metric_specification" not in tracked
    waiting, wanted, judged = tracked["customized_metric_specification"]["metrics"]
    assert waiting == {
        "id": "waiting",
        "label": "waiting",
        "return_data": False,
        "metric_stat": {
            "stat": "Maximum",
            "metric": {
                "namespace": "AWS/SQS",
                "metric_name": "ApproximateNumberOfMessagesVisible",
                "dimensions": [{"name": "QueueName", "value": "backlot-dev-render"}],
            },
        },
    }
    assert (wanted["metric_stat"]["stat"], wanted["return_data"]) == ("Average", False)
    assert judged == {
        "id": "tracked",
        "label": "jobs per worker",
        "expression": "waiting / wanted",
        "return_data": True,
    }


@pytest.mark.parametrize("key", ["waiting", "wanted"])
def test_a_tracked_metric_has_no_period_which_application_auto_scaling_does_not_know(key: str):
    metrics = configuration(recorded_tracking(BACKLOG, 6))["customized_metric_specification"]
    (metric,) = [each for each in metrics["metrics"] if each["id"] == key]
    assert set(metric["metric_stat"]) == {"stat", "metric"}
