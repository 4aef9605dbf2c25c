"""The dashboard: where panels stand, and what their rows say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.dashboard import Dashboard, DashboardArgs
from components.observe import Alarm, Expression, Metric, Panel, PanelGroup
from tests.components.parts import ground
from tests.recorder import Recorded, aws_provider, record, with_aws

JOBS = Metric(namespace="AWS/SQS", name="Jobs", dimensions={"QueueName": "render"})


class Watched(pulumi.ComponentResource):
    """Stands for any component that hands out panels."""

    alarms: Sequence[Alarm] = ()

    def __init__(self, name: str, panels: Sequence[Panel]) -> None:
        super().__init__("backlot:tests:Watched", name)
        self.panels = panels
        self.register_outputs({"watched": True})


def panel(group: PanelGroup, title: str, *metrics: Metric | Expression) -> Panel:
    return Panel(group=group, title=title, metrics=metrics or (JOBS,), unit="messages")


def dashboard(*components: Sequence[Panel], alarms: int = 0) -> Recorded:
    return record(
        lambda: Dashboard(
            "dashboard",
            DashboardArgs(
                place=replace(ground(), region="eu-west-1"),
                watched=[Watched(f"c{n}", panels) for n, panels in enumerate(components)],
                alarm_arns=[f"arn:{number}" for number in range(alarms)],
            ),
            with_aws(aws_provider()),
        )
    )


def widgets(*components: Sequence[Panel], alarms: int = 0) -> list[dict[str, Any]]:
    page = dashboard(*components, alarms=alarms).one("cloudwatch.Dashboard")
    return page.json("dashboard_body")["widgets"]


def rows(*metrics: Metric | Expression) -> list[list[Any]]:
    return widgets([panel("Queues", "jobs", *metrics)])[1]["properties"]["metrics"]


def test_people_open_the_dashboard_by_the_stacks_name():
    recorded = dashboard([panel("API", "requests")])

    assert recorded.one("cloudwatch.Dashboard")["dashboard_name"] == "backlot-dev"
    assert recorded.one("backlot:dashboard:Dashboard").outputs["url"] == (
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home"
        "?region=eu-west-1#dashboards/dashboard/backlot-dev"
    )


def test_panels_stand_under_their_groups_heading_two_a_row_and_12_by_6():  # M91
    laid_out = widgets(
        [panel("Queues", "q1"), panel("Queues", "q2"), panel("Queues", "q3")],
        [panel("API", "requests")],
    )

    assert [
        (
            widget["properties"].get("markdown", widget["properties"].get("title")),
            widget["x"],
            widget["y"],
            widget["width"],
            widget["height"],
        )
        for widget in laid_out
    ] == [
        ("## API", 0, 0, 24, 1),
        ("requests", 0, 1, 12, 6),
        ("## Queues", 0, 7, 24, 1),
        ("q1", 0, 8, 12, 6),
        ("q2", 12, 8, 12, 6),
        ("q3", 0, 14, 12, 6),
    ]


def test_groups_come_in_the_order_of_the_picture():
    groups: list[PanelGroup] = [
        "Cost", "Network", "Storage", "Queues", "Cache", "Database", "Workers and jobs", "Edge",
        "API", "Business",
    ]  # fmt: skip
    headings = [
        widget["properties"]["markdown"]
        for widget in widgets(*[[panel(group, group)] for group in groups])
        if widget["type"] == "text"
    ]

    assert headings == [f"## {group}" for group in reversed(groups)]


def test_a_panel_shows_five_minutes_a_point_and_says_what_it_counts():  # M91
    properties = widgets([panel("API", "requests")])[1]["properties"]

    assert properties["period"] == 300
    assert properties["region"] == "eu-west-1"
    assert properties["view"] == "timeSeries"
    assert properties["yAxis"] == {"left": {"label": "messages", "min": 0, "showUnits": False}}


def test_a_metric_is_a_row_with_its_dimensions_and_its_label():
    metric = Metric(
        namespace="AWS/ECS",
        name="CPUUtilization",
        dimensions={"ServiceName": "api", "ClusterName": "api"},
        statistic="p95",
        label="cpu",
    )

    assert rows(metric) == [
        [
            "AWS/ECS",
            "CPUUtilization",
            "ClusterName",
            "api",
            "ServiceName",
            "api",
            {"label": "cpu", "stat": "p95"},
        ]
    ]


def test_a_metric_without_a_label_is_called_by_its_name():
    assert rows(JOBS)[0][-1] == {"label": "Jobs", "stat": "Average"}


def test_a_daily_metric_keeps_its_period():  # M100
    size = Metric(
        namespace="AWS/S3", name="BucketSizeBytes", dimensions={"BucketName": "b"}, period=86400
    )

    assert rows(size)[0][-1] == {"label": "BucketSizeBytes", "period": 86400, "stat": "Average"}


def test_a_metric_of_another_region_says_which():  # B55
    status = replace(JOBS, region="us-east-1")
    share = Expression(text="a", metrics={"a": status}, label="share")

    assert rows(status)[0][-1] == {"label": "Jobs", "region": "us-east-1", "stat": "Average"}
    assert rows(share)[0][-1] == {
        "id": "e0_a",
        "region": "us-east-1",
        "stat": "Average",
        "visible": False,
    }


def test_a_metric_of_the_stacks_own_region_does_not():  # B55
    assert "region" not in rows(JOBS)[0][-1]
    assert "region" not in rows(replace(JOBS, region="eu-west-1"))[0][-1]


def test_expressions_of_one_panel_never_share_an_id():
    def share(label: str) -> Expression:
        return Expression(
            text="100 * bad / IF(bad_or_bad > 0, bad_or_bad, 1)",
            metrics={
                "bad": Metric(namespace="N", name="Bad", dimensions={"Zone": label}),
                "bad_or_bad": Metric(namespace="N", name="BadOrBad", dimensions={"Zone": label}),
            },
            label=label,
        )

    shown = rows(share("a"), share("b"))
    ids = [row[-1]["id"] for row in shown]

    assert ids == ["e0_bad", "e0_bad_or_bad", "e0_shown", "e1_bad", "e1_bad_or_bad", "e1_shown"]
    assert [row[-1]["visible"] for row in shown if len(row) > 1] == [False] * 4
    assert shown[2] == [
        {
            "id": "e0_shown",
            "expression": "100 * e0_bad / IF(e0_bad_or_bad > 0, e0_bad_or_bad, 1)",
            "label": "a",
        }
    ]
    assert shown[5][0]["expression"] == "100 * e1_bad / IF(e1_bad_or_bad > 0, e1_bad_or_bad, 1)"


def test_names_that_aws_gives_are_filled_in():
    def program() -> None:
        opts = with_aws(aws_provider())
        queue = aws.sqs.Queue("render", name="backlot-dev-render", opts=opts)
        metric = Metric(namespace="AWS/SQS", name="Jobs", dimensions={"QueueName": queue.name})
        Dashboard(
            "dashboard",
            DashboardArgs(
                place=replace(ground(), region="eu-west-1"),
                watched=[Watched("queues", [panel("Queues", "jobs", metric)])],
            ),
            opts,
        )

    page = record(program).one("cloudwatch.Dashboard").json("dashboard_body")
    (row,) = page["widgets"][1]["properties"]["metrics"]
    assert row[:4] == ["AWS/SQS", "Jobs", "QueueName", "backlot-dev-render"]


def test_the_page_is_the_same_every_time():
    panels = [panel("API", "requests"), panel("Queues", "jobs")]

    assert widgets(panels) == widgets(panels)


def test_a_stack_with_nothing_to_show_gets_an_empty_page():
    assert widgets() == []


def test_the_alarms_lights_stand_on_top_over_the_whole_width_in_the_order_given():  # M91
    lights, heading, graph = widgets([panel("API", "requests")], alarms=9)

    assert lights["type"] == "alarm"
    assert lights["properties"]["alarms"] == [f"arn:{number}" for number in range(9)]
    assert [
        (each["x"], each["y"], each["width"], each["height"]) for each in (lights, heading)
    ] == [
        (0, 0, 24, 3),
        (0, 3, 24, 1),
    ]
    assert graph["y"] == 4


def test_more_alarms_than_a_widget_shows_get_another():
    lights = widgets(alarms=101)

    assert [len(each["properties"]["alarms"]) for each in lights] == [100, 1]
    assert [(each["y"], each["height"]) for each in lights] == [(0, 14), (14, 2)]


def test_without_alarms_no_lights_are_shown():
    assert [each["type"] for each in widgets([panel("API", "requests")])] == ["text", "metric"]


def pages(*components: Sequence[Panel], alarms: int = 0) -> dict[str, list[dict[str, Any]]]:
    found = dashboard(*components, alarms=alarms).all("cloudwatch.Dashboard")
    return {page["dashboard_name"]: page.json("dashboard_body")["widgets"] for page in found}


@pytest.mark.parametrize(
    ("panels", "metrics", "each"),
    [(499, 1, [500]), (500, 1, [500, 2]), (25, 100, [26]), (26, 100, [26, 2])],
)
def test_what_cloudwatch_does_not_show_on_one_page_goes_on_to_the_next(
    panels: int, metrics: int, each: list[int]
):
    many = [panel("API", f"p{number}", *[JOBS] * metrics) for number in range(panels)]

    made = pages(many)

    assert list(made) == ["backlot-dev", "backlot-dev-2"][: len(each)]
    assert [len(widgets) for widgets in made.values()] == each
    shown = [
        widget["properties"]["title"]
        for widgets in made.values()
        for widget in widgets
        if widget["type"] == "metric"
    ]
    assert shown == [f"p{number}" for number in range(panels)]


def test_the_next_page_begins_with_its_groups_heading_and_has_no_lights():
    many = [panel("API", f"p{number}") for number in range(499)]

    first, second = pages(many, alarms=1).values()

    assert [widget["type"] for widget in first[:3]] == ["alarm", "text", "metric"]
    assert [widget["type"] for widget in second] == ["text", "metric"]
    assert second[0]["properties"]["markdown"] == "## API"
    assert (second[0]["y"], second[1]["y"]) == (0, 1)
