"""What is watched, as data: components/observe.py."""

from __future__ import annotations

import dataclasses

import pytest

from components.observe import Alarm, Expression, Metric, Panel

CPU = Metric(namespace="AWS/RDS", name="CPUUtilization", dimensions={"DBInstanceIdentifier": "db"})
HIGH = Alarm(
    name="cpu-high",
    summary="The database is busy.",
    watch=CPU,
    comparison="above",
    threshold=80,
    severity="warning",
    runbook="database.md#cpu-high",
)


def test_a_metric_is_an_average_over_five_minutes_unless_told_otherwise():
    assert (CPU.statistic, CPU.period, CPU.label) == ("Average", 300, "")


def test_a_metric_is_measured_where_the_stack_is_unless_told_otherwise():  # B55
    assert CPU.region is None


def test_an_expression_is_where_its_metrics_are():  # B55
    status = dataclasses.replace(CPU, region="us-east-1")

    assert Expression(text="a", metrics={"a": CPU}, label="a").region is None
    assert Expression(text="a", metrics={"a": status}, label="a").region == "us-east-1"


def test_an_expression_over_two_regions_is_refused():  # B55
    status = dataclasses.replace(CPU, region="us-east-1")

    with pytest.raises(
        ValueError, match=r"^'a / b' has metrics of several regions: the stack's, us-east-1; give"
    ):
        Expression(text="a / b", metrics={"a": CPU, "b": status}, label="share")


def test_silence_is_no_alarm_unless_told_otherwise():
    assert HIGH.missing_data == "notBreaching"


def test_one_datapoint_suffices_and_all_of_them_must_breach_unless_told_otherwise():
    assert (HIGH.evaluation_periods, HIGH.datapoints) == (1, None)


@pytest.mark.parametrize("kind", [Metric, Expression, Alarm, Panel])
def test_what_is_watched_is_made_by_keyword(kind: type[Metric | Expression | Alarm | Panel]):
    assert all(field.kw_only for field in dataclasses.fields(kind))


def test_what_is_watched_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(HIGH, "threshold", 90)  # noqa: B010 - an assignment would not pass the type check


def test_an_alarm_says_how_bad_it_is_and_where_its_runbook_is():
    required = {
        field.name for field in dataclasses.fields(Alarm) if field.default is dataclasses.MISSING
    }
    assert {"severity", "runbook", "summary"} <= required
