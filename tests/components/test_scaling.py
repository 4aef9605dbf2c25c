"""How a fleet follows its queue: components/workers/scaling.py."""

from __future__ import annotations

import re
from dataclasses import replace

import pulumi
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from components.access import Access
from components.grants import Statement
from components.observe import Expression, Metric
from components.workers.scaling import (
    Signals,
    WakeStep,
    scale_on_backlog,
    sleeps,
    target_backlog,
    wake_from_zero,
    wake_steps,
)
from settings.workers import GpuFleetSettings
from tests.components.parts import PREFIX
from tests.recorder import Node, Recorded, aws_provider, record

QUEUE = {"QueueName": "backlot-dev-render"}


class Queue:
    """A queue as a fleet sees it."""

    waiting = Metric(
        namespace="AWS/SQS",
        name="ApproximateNumberOfMessagesVisible",
        dimensions=QUEUE,
        statistic="Maximum",
        period=60,
    )
    at_work = replace(waiting, name="ApproximateNumberOfMessagesNotVisible")
    oldest = replace(waiting, name="ApproximateAgeOfOldestMessage")
    sqs_url: pulumi.Output[str] | None = pulumi.Output.from_input("https://sqs/render")

    def sender(self) -> Access:
        return Access()

    def consumer(self) -> Access:
        return Access()

    def grant_length(self) -> tuple[Statement, ...]:
        return ()


SIGNALS = Signals.of_service(Queue(), "render-cluster", "render-service", "render-group")
SERVICE = {"ClusterName": "render-cluster", "ServiceName": "render-service"}
GROUP = {"AutoScalingGroupName": "render-group"}

NO_INSTANCE = SIGNALS.waiting_without_instances()
assert NO_INSTANCE

EXPRESSIONS = [
    SIGNALS.backlog_per_worker(),
    SIGNALS.waiting_without_workers(),
    NO_INSTANCE,
    SIGNALS.missing_workers(),
]


def fleet(**changes: object) -> GpuFleetSettings:
    defaults = {
        "kind": "gpu",
        "queue": "render",
        "image": "worker:1.0.0",
        "gpu_class": "24g",
        "min_workers": 0,
        "max_workers": 20,
        "on_demand_percent": 30,
        "job_seconds": 60,
        "job_limit_seconds": 900,
        "target_wait_seconds": 300,
    }
    return GpuFleetSettings.model_validate(defaults | changes)


def recorded_scaling(settings: GpuFleetSettings) -> Recorded:
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=aws_provider())
        target = target_backlog(settings)
        scalable = scale_on_backlog(
            "scaling",
            settings,
            SIGNALS,
            target=target,
            cluster_name="render-cluster",
            service_name="render-service",
            opts=opts,
        )
        wake_from_zero(
            "worker-render", settings, SIGNALS, scalable, target=target, prefix=PREFIX, opts=opts
        )

    return record(program)


def read(expression: Expression) -> dict[str, tuple[str, object]]:
    return {
        key: (f"{metric.namespace} {metric.name}", metric.dimensions)
        for key, metric in expression.metrics.items()
    }


@pytest.mark.parametrize(
    ("job_seconds", "wait_seconds", "target"),
    [(60, 300, 6), (60, 900, 16), (30, 120, 5), (600, 600, 2), (60, 0, 1), (7, 10, 2.43)],
)
def test_a_worker_may_have_the_job_at_work_and_those_that_fit_into_the_accepted_wait(
    job_seconds: int, wait_seconds: int, target: float
):  # M51
    settings = fleet(job_seconds=job_seconds, target_wait_seconds=wait_seconds)
    assert target_backlog(settings) == target


@pytest.mark.parametrize(("concurrency", "target"), [(1, 6), (4, 24)])
def test_a_worker_that_does_several_jobs_at_once_may_have_as_many_times_more(
    concurrency: int, target: float
):  # M44
    assert target_backlog(fleet(), concurrency) == target


def test_longer_datapoints_are_the_same_metrics():
    slow = SIGNALS.in_periods_of(300)

    assert {slow.waiting.period, slow.wanted.period, slow.running.period} == {300}
    assert replace(slow.wanted, period=60) == SIGNALS.wanted
    assert Signals.of_service(Queue(), "c", "s").in_periods_of(300).instances_wanted is None


def test_workers_that_are_instances_are_counted_by_their_group():
    signals = Signals.of_group(Queue(), "render-group")

    assert read(signals.backlog_per_worker())["wanted"] == (
        "AWS/AutoScaling GroupDesiredCapacity",
        GROUP,
    )
    assert (signals.running.name, signals.running.dimensions) == ("GroupInServiceInstances", GROUP)
    assert signals.waiting_without_instances() is None


def test_a_schedule_begins_at_its_hour_on_its_days_in_its_zone():  # B13
    night = {"days": ["fri", "sat"], "at": "20:30", "min_workers": 0, "max_workers": 0}
    recorded = recorded_scaling(fleet(schedules={"night": {**night, "time_zone": "Europe/Berlin"}}))
    action = recorded.one("appautoscaling.ScheduledAction", "scaling-at-night")

    assert action["schedule"] == "cron(30 20 ? * FRI,SAT *)"
    assert action["timezone"] == "Europe/Berlin"
    assert action["scalable_target_action"] == {"min_capacity": 0, "max_capacity": 0}
    assert recorded_scaling(fleet()).all("appautoscaling.ScheduledAction") == []


@pytest.mark.parametrize(("floor", "night", "rests"), [(0, 2, True), (2, 0, True), (2, 1, False)])
def test_a_fleet_rests_by_its_floor_or_by_the_clock(floor: int, night: int, rests: bool):
    schedule = {"days": ["mon"], "at": "20:00", "min_workers": night, "max_workers": 5}

    assert sleeps(fleet(min_workers=floor, schedules={"night": schedule})) is rests


def test_the_backlog_counts_jobs_waiting_and_at_work_for_each_wanted_worker():  # M51, B12
    backlog = SIGNALS.backlog_per_worker()
    assert backlog.text == (
        "(waiting + at_work) / IF(waiting >= 0 AND at_work >= 0, "
        "IF(FILL(wanted, REPEAT) > 0, FILL(wanted, REPEAT), 1))"
    )
    assert read(backlog) == {
        "waiting": ("AWS/SQS ApproximateNumberOfMessagesVisible", QUEUE),
        "at_work": ("AWS/SQS ApproximateNumberOfMessagesNotVisible", QUEUE),
        "wanted": ("ECS/ContainerInsights DesiredTaskCount", SERVICE),
    }


def test_the_backlog_is_never_divided_by_zero():  # B12
    denominator = SIGNALS.backlog_per_worker().text.partition(" / ")[2]
    assert "IF(FILL(wanted, REPEAT) > 0, FILL(wanted, REPEAT), 1)" in denominator


def test_a_fleet_at_rest_is_woken_by_jobs_while_no_worker_is_wanted():  # M52, B12
    gate = SIGNALS.waiting_without_workers()
    assert gate.text == "IF(waiting >= 0, IF(FILL(wanted, REPEAT) < 1, waiting, 0))"
    assert read(gate) == {
        "waiting": ("AWS/SQS ApproximateNumberOfMessagesVisible", QUEUE),
        "wanted": ("ECS/ContainerInsights DesiredTaskCount", SERVICE),
    }


def test_where_the_alarms_wake_alone_silence_is_rest():  # M52
    class List(Queue):
        sqs_url = None

    signals = Signals.of_service(List(), "render-cluster", "render-service")
    assert signals.waiting_without_workers().text == (
        "IF(waiting >= 0, IF(FILL(wanted, 0) < 1, waiting, 0))"
    )
    assert "FILL(wanted, 0)" not in signals.backlog_per_worker().text


def test_a_fleet_at_rest_is_woken_by_jobs_while_its_group_is_empty():  # M52, B12
    gate = NO_INSTANCE
    assert gate
    assert gate.text == "IF(waiting >= 0, IF(FILL(instances, REPEAT) < 1, waiting, 0))"
    assert read(gate) == {
        "waiting": ("AWS/SQS ApproximateNumberOfMessagesVisible", QUEUE),
        "instances": ("AWS/AutoScaling GroupDesiredCapacity", GROUP),
    }


def test_workers_are_missing_when_the_fewest_wanted_are_more_than_the_most_running():
    missing = SIGNALS.missing_workers()
    assert missing.text == "wanted - running"
    assert {key: metric.statistic for key, metric in missing.metrics.items()} == {
        "wanted": "Minimum",
        "running": "Maximum",
    }


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: expression.label)
def test_every_metric_of_an_expression_is_read_and_every_name_in_it_is_a_metric(
    expression: Expression,
):
    words = set(re.findall(r"[a-z_]+", expression.text))
    assert words == set(expression.metrics)


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: expression.label)
def test_a_missing_value_is_made_up_for_workers_and_never_for_jobs(expression: Expression):
    filled = re.findall(r"FILL\((\w+), (\w+)\)", expression.text)
    assert {how for _, how in filled} <= {"REPEAT", "0"}
    assert {what for what, _ in filled}.isdisjoint({"waiting", "at_work"})


@pytest.mark.parametrize("expression", EXPRESSIONS[:3], ids=lambda expression: expression.label)
def test_nothing_is_said_of_jobs_that_were_not_counted(expression: Expression):
    assert "IF(waiting >= 0" in expression.text


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: expression.label)
def test_all_metrics_of_an_expression_have_one_period(expression: Expression):
    assert {metric.period for metric in expression.metrics.values()} == {60}


def test_from_zero_one_two_or_four_workers_start_by_the_size_of_the_backlog():  # M52
    assert wake_steps(6, 20) == (
        WakeStep(from_jobs=0, to_jobs=6, workers=1),
        WakeStep(from_jobs=6, to_jobs=18, workers=2),
        WakeStep(from_jobs=18, to_jobs=None, workers=4),
    )


def test_a_fleet_of_one_wakes_with_one_step_of_one():  # M49 dev
    assert wake_steps(16, 1) == (WakeStep(from_jobs=0, to_jobs=None, workers=1),)


@pytest.mark.parametrize(("max_workers", "steps"), [(2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 4])])
def test_no_step_is_larger_than_the_fleet(max_workers: int, steps: list[int]):
    assert [step.workers for step in wake_steps(6, max_workers)] == steps


@trials(derandomize=True, database=None)
@given(
    target=st.floats(min_value=1, max_value=10_000),
    max_workers=st.integers(min_value=1, max_value=500),
)
def test_the_steps_leave_no_gap_and_grow_with_the_backlog(target: float, max_workers: int):
    steps = wake_steps(target, max_workers)
    assert steps[0].from_jobs == 0
    assert steps[-1].to_jobs is None
    assert [step.to_jobs for step in steps[:-1]] == [step.from_jobs for step in steps[1:]]
    workers = [step.workers for step in steps]
    assert workers == sorted(set(workers))
    assert workers[0] >= 1
    assert workers[-1] <= max_workers


def test_the_service_is_kept_between_its_bounds():  # M49, M52
    target = recorded_scaling(fleet(min_workers=2)).one("appautoscaling.Target")
    assert (target["min_capacity"], target["max_capacity"]) == (2, 20)
    assert target["resource_id"] == "service/render-cluster/render-service"
    assert target["scalable_dimension"] == "ecs:service:DesiredCount"
    assert target["service_namespace"] == "ecs"


def tracking(recorded: Recorded) -> Node:
    return recorded.one("appautoscaling.Policy", "scaling-backlog")


def test_tracking_grows_within_a_minute_and_shrinks_after_five():  # M51
    policy = tracking(recorded_scaling(fleet()))
    assert policy["policy_type"] == "TargetTrackingScaling"
    configuration = policy["target_tracking_scaling_policy_configuration"]
    assert configuration["target_value"] == 6
    assert configuration["scale_out_cooldown"] == 180
    assert configuration["scale_in_cooldown"] == 300
    assert "disable_scale_in" not in configuration


def test_the_rest_after_shrinking_follows_the_settings():
    policy = tracking(recorded_scaling(fleet(scale_in_seconds=120)))
    configuration = policy["target_tracking_scaling_policy_configuration"]
    assert configuration["scale_in_cooldown"] == 120


def test_tracking_judges_the_backlog_and_only_reads_the_rest():  # M51
    policy = tracking(recorded_scaling(fleet()))
    configuration = policy["target_tracking_scaling_policy_configuration"]
    *read_only, judged = configuration["customized_metric_specification"]["metrics"]
    assert judged["expression"] == SIGNALS.backlog_per_worker().text
    assert judged["return_data"] is True
    assert "metric_stat" not in judged
    assert [metric["id"] for metric in read_only] == ["waiting", "at_work", "wanted"]
    assert {metric["return_data"] for metric in read_only} == {False}
    assert read_only[2]["metric_stat"] == {
        "stat": "Maximum",
        "metric": {
            "namespace": "ECS/ContainerInsights",
            "metric_name": "DesiredTaskCount",
            "dimensions": [
                {"name": "ClusterName", "value": "render-cluster"},
                {"name": "ServiceName", "value": "render-service"},
            ],
        },
    }
    assert "predefined_metric_specification" not in configuration


def test_waking_adds_workers_by_steps_once_in_ten_minutes():  # M52
    policy = recorded_scaling(fleet()).one("appautoscaling.Policy", "worker-render-wake")
    assert policy["policy_type"] == "StepScaling"
    assert policy["step_scaling_policy_configuration"] == {
        "adjustment_type": "ChangeInCapacity",
        "cooldown": 600,
        "metric_aggregation_type": "Maximum",
        "step_adjustments": [
            {
                "metric_interval_lower_bound": "0",
                "metric_interval_upper_bound": "6",
                "scaling_adjustment": 1,
            },
            {
                "metric_interval_lower_bound": "6",
                "metric_interval_upper_bound": "18",
                "scaling_adjustment": 2,
            },
            {"metric_interval_lower_bound": "18", "scaling_adjustment": 4},
        ],
    }


@pytest.mark.parametrize(
    ("gate", "expression"),
    [
        ("no-worker", SIGNALS.waiting_without_workers()),
        ("no-instance", NO_INSTANCE),
    ],
)
def test_the_first_job_wakes_the_fleet_and_tells_nobody(gate: str, expression: Expression):  # M52
    recorded = recorded_scaling(fleet())
    alarm = recorded.one("cloudwatch.MetricAlarm", f"worker-render-wake-{gate}")
    policy = recorded.one("appautoscaling.Policy", "worker-render-wake")
    assert alarm["name"] == f"backlot-dev-worker-render-wake-{gate}"
    assert alarm["alarm_actions"] == [policy.outputs["arn"]]
    assert "ok_actions" not in alarm
    assert (alarm["comparison_operator"], alarm["threshold"]) == (
        "GreaterThanOrEqualToThreshold",
        1,
    )
    assert (alarm["evaluation_periods"], alarm["datapoints_to_alarm"]) == (5, 5)
    assert alarm["treat_missing_data"] == "notBreaching"
    judged = [query for query in alarm["metric_queries"] if query["return_data"]]
    assert [query["expression"] for query in judged] == [expression.text]
    periods = {query["metric"]["period"] for query in alarm["metric_queries"] if "metric" in query}
    assert periods == {60}
