"""Overflow: components/workers/overflow.py."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from components.observe import Expression
from components.workers.contract import Companion
from components.workers.overflow import Overflow, OverflowArgs, Step, left, unmet, unmet_steps
from components.workers.scaling import Signals
from settings.workers import OverflowSettings
from tests.components.parts import export_watched, ground
from tests.components.test_scaling import GROUP, QUEUE, Queue, read
from tests.fleets.metric_math import Gaps, Series, evaluate
from tests.recorder import ROOT, Node, Recorded, aws_provider, record, with_aws

SIGNALS = Signals.of_service(Queue(), "render-cluster", "render-service", "render-group")
UNMET = unmet(SIGNALS, Queue.oldest, 600)
LEFT = left(SIGNALS)


def recorded_overflow(max_workers: int = 14, **settings: int) -> tuple[Overflow, Recorded]:
    made: list[Overflow] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        cluster = aws.ecs.Cluster("render-cluster", opts=opts)
        service = aws.ecs.Service(
            "worker-render-overflow-service", cluster=cluster.name, desired_count=0, opts=opts
        )
        overflow = Overflow(
            "worker-render-overflow",
            OverflowArgs(
                settings=OverflowSettings(max_workers=max_workers, **settings),
                ground=ground(),
                fleet="render",
                signals=SIGNALS,
                oldest=Queue.oldest,
                cluster_name=cluster.name,
                service=service,
            ),
            opts,
        )
        made.append(overflow)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in overflow.alarms})
        pulumi.export("restart", dict(overflow.restart.target))

    recorded = record(program)
    return made[0], recorded


def policy(recorded: Recorded, way: str) -> dict[str, Any]:
    node = recorded.one("appautoscaling.Policy", f"worker-render-overflow-{way}")
    assert node["policy_type"] == "StepScaling"
    return node["step_scaling_policy_configuration"]


def alarm(recorded: Recorded, what: str) -> Node:
    return recorded.one("cloudwatch.MetricAlarm", f"worker-render-overflow-{what}")


def test_two_six_or_all_of_fourteen_step_in_for_one_four_or_nine_missing():
    assert unmet_steps(14) == [
        Step(from_unmet=0, workers=2),
        Step(from_unmet=3, workers=6),
        Step(from_unmet=8, workers=14),
    ]


@pytest.mark.parametrize(("maximum", "workers"), [(1, [1]), (2, [1, 2]), (3, [1, 3])])
def test_a_small_overflow_has_no_step_twice(maximum: int, workers: list[int]):
    assert [step.workers for step in unmet_steps(maximum)] == workers


@trials(derandomize=True, database=None)
@given(maximum=st.integers(min_value=1, max_value=500))
def test_steps_grow_with_what_is_missing_up_to_the_whole_overflow(maximum: int):
    steps = unmet_steps(maximum)
    assert steps[0].from_unmet == 0
    for ascending in ([step.from_unmet for step in steps], [step.workers for step in steps]):
        assert ascending == sorted(set(ascending))
    assert steps[0].workers >= 1
    assert steps[-1].workers == maximum


def test_stepping_in_names_the_number_of_workers_itself():
    _, recorded = recorded_overflow()
    assert policy(recorded, "in") == {
        "adjustment_type": "ExactCapacity",
        "cooldown": 60,
        "metric_aggregation_type": "Maximum",
        "step_adjustments": [
            {
                "metric_interval_lower_bound": "0",
                "metric_interval_upper_bound": "3",
                "scaling_adjustment": 2,
            },
            {
                "metric_interval_lower_bound": "3",
                "metric_interval_upper_bound": "8",
                "scaling_adjustment": 6,
            },
            {"metric_interval_lower_bound": "8", "scaling_adjustment": 14},
        ],
    }


def test_stepping_out_leaves_nobody():
    _, recorded = recorded_overflow()
    assert policy(recorded, "out") == {
        "adjustment_type": "ExactCapacity",
        "cooldown": 60,
        "metric_aggregation_type": "Maximum",
        "step_adjustments": [{"metric_interval_upper_bound": "0", "scaling_adjustment": 0}],
    }


def test_the_overflow_has_from_none_to_all_of_its_workers():
    _, recorded = recorded_overflow(max_workers=14)
    target = recorded.one("appautoscaling.Target", "worker-render-overflow-scaling")
    assert (target["min_capacity"], target["max_capacity"]) == (0, 14)
    cluster = recorded.one("ecs.Cluster").outputs["name"]
    service = recorded.one("ecs.Service").outputs["name"]
    assert target["resource_id"] == f"service/{cluster}/{service}"
    for each in recorded.all("appautoscaling.Policy"):
        assert each["resource_id"] == target["resource_id"]
    # Only the steps move it: tracking would shrink it while the fleet itself is short.
    assert {each["policy_type"] for each in recorded.all("appautoscaling.Policy")} == {
        "StepScaling"
    }


def test_it_steps_in_after_workers_were_missing_for_five_of_five_minutes():
    _, recorded = recorded_overflow()
    node = alarm(recorded, "unmet")
    assert (node["evaluation_periods"], node["datapoints_to_alarm"]) == (5, 5)
    assert (node["comparison_operator"], node["threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    step_in = recorded.one("appautoscaling.Policy", "worker-render-overflow-in")
    assert node["alarm_actions"] == [step_in.outputs["arn"]]
    assert judged(node) == UNMET.text


def test_it_steps_out_after_fifteen_minutes_with_nothing_left():
    _, recorded = recorded_overflow()
    node = alarm(recorded, "empty")
    assert (node["evaluation_periods"], node["datapoints_to_alarm"]) == (15, 15)
    assert (node["comparison_operator"], node["threshold"]) == ("LessThanOrEqualToThreshold", 0)
    step_out = recorded.one("appautoscaling.Policy", "worker-render-overflow-out")
    assert node["alarm_actions"] == [step_out.outputs["arn"]]
    assert judged(node) == LEFT.text


def judged(node: Node) -> str:
    (query,) = [query for query in node["metric_queries"] if query["return_data"]]
    return query["expression"]


@pytest.mark.parametrize("what", ["unmet", "empty"])
def test_what_moves_the_overflow_tells_nobody_and_looks_at_each_minute(what: str):
    _, recorded = recorded_overflow()
    node = alarm(recorded, what)
    assert node["name"] == f"backlot-dev-worker-render-overflow-{what}"
    assert "tells nobody" in node["alarm_description"]
    assert len(node["alarm_actions"]) == 1
    for absent in ("ok_actions", "insufficient_data_actions"):
        assert absent not in node
    periods = {query["metric"]["period"] for query in node["metric_queries"] if "metric" in query}
    assert periods == {60}


@pytest.mark.parametrize("what", ["unmet", "empty"])
def test_silence_moves_the_overflow_neither_in_nor_out(what: str):
    # `breaching` would end workers in the 15 minutes that a queue's metrics may be late, and
    # `ignore` keep a red alarm red, whose step is repeated each minute against the other's.
    _, recorded = recorded_overflow()
    assert alarm(recorded, what)["treat_missing_data"] == "notBreaching"


def test_jobs_are_old_after_600_seconds_unless_the_settings_say_otherwise():
    _, recorded = recorded_overflow()
    assert judged(alarm(recorded, "unmet")).startswith("IF(oldest >= 0, IF(oldest > 600 AND ")
    _, recorded = recorded_overflow(after_seconds=1200)
    assert judged(alarm(recorded, "unmet")).startswith("IF(oldest >= 0, IF(oldest > 1200 AND ")


def test_what_is_missing_is_counted_by_the_group_and_the_age_by_the_queue():
    assert read(UNMET) == {
        "oldest": ("AWS/SQS ApproximateAgeOfOldestMessage", QUEUE),
        "instances": ("AWS/AutoScaling GroupDesiredCapacity", GROUP),
        "there": ("AWS/AutoScaling GroupInServiceInstances", GROUP),
    }
    assert read(LEFT) == {
        "waiting": ("AWS/SQS ApproximateNumberOfMessagesVisible", QUEUE),
        "at_work": ("AWS/SQS ApproximateNumberOfMessagesNotVisible", QUEUE),
    }


def over(expression: Expression, gaps: Gaps = Gaps.ZERO, **series: Series) -> Series:
    return evaluate(expression.text, series, gaps)


@pytest.mark.parametrize(
    ("oldest", "instances", "there", "missing"),
    [
        (601, 20, 6, 14),
        (601, 7, 6, 1),
        (600, 20, 6, 0),
        (5000, 6, 6, 0),
        (5000, 5, 6, 0),
        (5000, 0, 0, 0),
        (0, 20, 6, 0),
    ],
)
def test_instances_are_missing_only_while_jobs_are_old(
    oldest: float, instances: float, there: float, missing: float
):
    assert over(UNMET, oldest=(oldest,), instances=(instances,), there=(there,)) == (missing,)


@pytest.mark.parametrize("gaps", Gaps)
@pytest.mark.parametrize("oldest", [(None, None), (0, None)])
def test_nobody_steps_in_for_a_queue_that_fell_silent(oldest: Series, gaps: Gaps):
    points = over(UNMET, gaps, oldest=oldest, instances=(20, 20), there=(6, 6))
    assert not any(points)


@pytest.mark.parametrize(
    ("waiting", "at_work", "jobs"), [(0, 0, 0), (3, 0, 3), (0, 1, 1), (3, 1, 4)]
)
def test_a_job_at_work_is_left_to_do(waiting: float, at_work: float, jobs: float):
    assert over(LEFT, waiting=(waiting,), at_work=(at_work,)) == (jobs,)


@pytest.mark.parametrize("gaps", Gaps)
def test_a_silent_queue_is_not_an_empty_one(gaps: Gaps):
    assert over(LEFT, gaps, waiting=(None,), at_work=(None,)) == (None,)


@pytest.mark.parametrize("expression", [UNMET, LEFT], ids=lambda expression: expression.label)
def test_every_metric_of_an_expression_is_read_and_every_name_in_it_is_a_metric(
    expression: Expression,
):
    assert set(re.findall(r"[a-z_]+", expression.text)) == set(expression.metrics)
    assert "FILL" not in expression.text


def test_a_fleet_that_stands_on_no_group_has_no_instances_to_miss():
    with pytest.raises(AssertionError):
        unmet(Signals.of_service(Queue(), "cluster", "service"), Queue.oldest, 600)


def test_whoever_reads_learns_that_dear_workers_run_and_is_not_woken():
    overflow, recorded = recorded_overflow()
    (stepped_in,) = overflow.alarms
    assert (stepped_in.name, stepped_in.severity) == ("stepped-in", "info")
    assert (stepped_in.comparison, stepped_in.threshold) == ("at_least", 1)
    assert (stepped_in.evaluation_periods, stepped_in.missing_data) == (1, "notBreaching")
    assert recorded.outputs["alarms"]["stepped-in"] == {
        "metric": "ECS/ContainerInsights RunningTaskCount",
        "statistic": "Maximum",
        "period": 300,
        "dimensions": {
            "ClusterName": recorded.one("ecs.Cluster").outputs["name"],
            "ServiceName": recorded.one("ecs.Service").outputs["name"],
        },
    }
    page, _, anchor = stepped_in.runbook.partition("#")
    assert f"\n## {anchor}\n" in (ROOT / "docs" / "runbooks" / page).read_text(encoding="utf-8")


def test_it_shows_its_workers_beside_those_of_the_fleet():
    overflow, _ = recorded_overflow()
    assert [(panel.group, panel.title, panel.unit) for panel in overflow.panels] == [
        ("Workers and jobs", "render: overflow on demand", "workers")
    ]


def test_it_is_restarted_with_its_fleet_when_a_secret_changes():
    overflow: Companion
    overflow, recorded = recorded_overflow()
    assert recorded.outputs["restart"] == {
        "platform": "ecs",
        "cluster": recorded.one("ecs.Cluster").outputs["name"],
        "service": recorded.one("ecs.Service").outputs["name"],
    }
    assert overflow.restart.statements[0].sid == "RestartServices"


def test_everything_of_an_overflow_is_its_child():
    _, recorded = recorded_overflow()
    component = recorded.one("backlot:workers:Overflow")
    assert [node.name for node in recorded.children(component)] == [
        "worker-render-overflow-in",
        "worker-render-overflow-out",
        "worker-render-overflow-scaling",
        "worker-render-overflow-empty",
        "worker-render-overflow-unmet",
    ]
    assert component.outputs == {"service_name": recorded.one("ecs.Service").outputs["name"]}
