"""Production has every alarm that the briefs ask for, at its figure (alarm_rows.py)."""

from __future__ import annotations

import pytest

from tests.iam.places import StackGraph
from tests.stacks.alarm_rows import EC2_ROW, ROWS, Row, misread


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.row} {row.alarms}")
def test_production_has_the_alarms_of_a_row_at_its_figures(
    row: Row, stack_graph: StackGraph
) -> None:
    assert misread(stack_graph("production"), [row]) == []


@pytest.mark.parametrize("variant", ["ec2", "beanstalk"])
def test_instances_have_the_alarm_of_an_ec2_group(variant: str, stack_graph: StackGraph) -> None:
    recorded = stack_graph("staging", variant)
    assert misread(recorded, [EC2_ROW]) == []  # M96
    alarm = recorded.one("cloudwatch.MetricAlarm", "api-cpu-high")
    assert (alarm["namespace"], list(alarm["dimensions"])) == (
        "AWS/EC2",
        ["AutoScalingGroupName"],
    )


def test_no_row_of_the_briefs_is_without_an_alarm() -> None:
    briefs = {"M93", "M94", "M95", "M96", "M97", "M98", "M99", "M100"}
    assert {row.row for row in ROWS} == briefs
