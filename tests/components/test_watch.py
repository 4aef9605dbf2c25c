"""What is watched of every fleet: components/workers/watch.py."""

from __future__ import annotations

import re

import pytest

from components.observe import Alarm, Expression, Metric
from components.workers.scaling import Signals
from components.workers.watch import fleet_alarms, fleet_panels
from settings.workers import GpuFleetSettings
from tests.components.parts import PREFIX, described
from tests.components.test_scaling import Queue, fleet
from tests.fleets.metric_math import Gaps, evaluate
from tests.recorder import ROOT

SIGNALS = Signals.of_service(Queue(), "render-cluster", "render-service", "render-group")
WITHOUT_INSTANCES = Signals.of_service(Queue(), "render-cluster", "render-service")
SERVICE = {"ClusterName": "render-cluster", "ServiceName": "render-service"}


def alarms(settings: GpuFleetSettings | None = None) -> dict[str, Alarm]:
    made = fleet_alarms("render", PREFIX, settings or fleet(), SIGNALS)
    return {alarm.name: alarm for alarm in made}


def expression(alarm: Alarm) -> Expression:
    assert isinstance(alarm.watch, Expression)
    return alarm.watch


def test_every_fleet_is_watched_for_missing_workers_and_failing_jobs_alone():
    # Jobs that wait and that are given up are the queue's to tell of.
    assert list(alarms()) == ["workers-missing", "jobs-failing"]


def test_a_worker_missing_through_three_datapoints_of_five_minutes_is_told_of():
    missing = alarms()["workers-missing"]
    assert (missing.comparison, missing.threshold) == ("at_least", 1)
    assert (missing.evaluation_periods, missing.datapoints) == (3, None)
    assert {metric.period for metric in expression(missing).metrics.values()} == {300}
    assert (missing.severity, missing.runbook) == ("warning", "workers.md#workers-missing")
    assert described(missing.watch)["running"] == {
        "metric": "ECS/ContainerInsights RunningTaskCount",
        "statistic": "Maximum",
        "period": 300,
        "dimensions": SERVICE,
    }


NIGHT = {"days": ["mon"], "at": "20:00", "max_workers": 5}


@pytest.mark.parametrize(
    ("floor", "night", "silence"),
    [
        (2, None, "breaching"),
        (2, 1, "breaching"),
        (0, None, "notBreaching"),
        (0, 2, "notBreaching"),
        (2, 0, "notBreaching"),
    ],
)
def test_silence_is_alarming_only_in_a_fleet_that_never_rests(
    floor: int, night: int | None, silence: str
):
    schedules = {} if night is None else {"night": {**NIGHT, "min_workers": night}}
    settings = fleet(min_workers=floor, schedules=schedules)
    assert alarms(settings)["workers-missing"].missing_data == silence


def test_fewer_than_85_percent_of_the_jobs_of_1800_seconds_is_told_of():  # M99
    failing = alarms()["jobs-failing"]
    assert (failing.comparison, failing.threshold) == ("below", 0.85)
    assert failing.evaluation_periods == 1
    assert {metric.period for metric in expression(failing).metrics.values()} == {1800}
    assert (failing.missing_data, failing.severity) == ("notBreaching", "warning")
    assert failing.runbook == "workers.md#jobs-failing"
    assert failing.summary == "Fewer than 85 % of the jobs of render succeeded in 30 minutes."


def test_the_share_that_must_succeed_follows_the_settings():
    failing = alarms(fleet(success_alarm=0.995))["jobs-failing"]
    assert failing.threshold == 0.995
    assert "99.5 %" in failing.summary


def test_success_is_judged_by_what_workers_of_the_fleet_report():  # M99
    reported = described(alarms()["jobs-failing"].watch)
    assert reported == {
        key: {
            "metric": f"backlot-dev/Jobs {name}",
            "statistic": "Sum",
            "period": 1800,
            "dimensions": {"Fleet": "render"},
        }
        for key, name in (("done", "Succeeded"), ("failed", "Failed"))
    }


@pytest.mark.parametrize("gaps", Gaps)
@pytest.mark.parametrize(
    ("done", "failed", "share"),
    [
        (17, 3, 0.85),
        (16, 4, 0.8),
        (20, 0, 1),
        (0, 3, 0),
        (0, 0, 1),
        (20, None, 1),
        (None, 3, 0),
        (None, None, 1),
    ],
)
def test_the_share_is_right_without_failures_without_successes_and_without_jobs(
    done: float | None, failed: float | None, share: float, gaps: Gaps
):  # M99
    watch = expression(alarms()["jobs-failing"])
    assert evaluate(watch.text, {"done": (done,), "failed": (failed,)}, gaps) == (share,)


def test_the_expression_reads_every_metric_it_is_given_and_no_other():
    watch = expression(alarms()["jobs-failing"])
    assert set(re.findall(r"[a-z_]+", watch.text)) == set(watch.metrics)


def test_a_fleet_shows_its_workers_its_backlog_its_jobs_and_its_instances():
    panels = fleet_panels("render", PREFIX, SIGNALS)
    assert {panel.group for panel in panels} == {"Workers and jobs"}
    assert [(panel.title, panel.unit) for panel in panels] == [
        ("render: workers", "workers"),
        ("render: jobs per worker", "jobs"),
        ("render: jobs done", "jobs"),
        ("render: time for a job", "seconds"),
        ("render: instances", "instances"),
    ]
    shown = {panel.title: [metric.label for metric in panel.metrics] for panel in panels}
    assert shown["render: workers"] == ["wanted", "running"]
    assert shown["render: jobs done"] == ["succeeded", "failed"]
    assert shown["render: time for a job"] == ["p50", "p95"]
    assert shown["render: instances"] == ["wanted", "in service", "starting"]


def test_workers_without_instances_under_them_show_none():
    titles = [panel.title for panel in fleet_panels("render", PREFIX, WITHOUT_INSTANCES)]
    assert "render: workers" in titles
    assert "render: instances" not in titles


def test_panels_have_a_datapoint_for_every_five_minutes():
    metrics = [
        metric
        for panel in fleet_panels("render", PREFIX, SIGNALS)
        for watched in panel.metrics
        for metric in (watched.metrics.values() if isinstance(watched, Expression) else [watched])
    ]
    assert {metric.period for metric in metrics} == {300}


def test_the_time_for_a_job_is_a_percentile_of_what_workers_report():
    (panel,) = [
        panel for panel in fleet_panels("render", PREFIX, SIGNALS) if panel.unit == "seconds"
    ]
    assert [
        (metric.name, metric.statistic) for metric in panel.metrics if isinstance(metric, Metric)
    ] == [("JobSeconds", "p50"), ("JobSeconds", "p95")]


@pytest.mark.parametrize("name", ["workers-missing", "jobs-failing"])
def test_every_alarm_has_a_page_to_read(name: str):
    page, _, anchor = alarms()[name].runbook.partition("#")
    text = (ROOT / "docs" / "runbooks" / page).read_text(encoding="utf-8")
    assert anchor == name
    assert f"\n## {anchor}\n" in text
