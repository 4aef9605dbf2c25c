"""The dashboard: what is red, and every component's panels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, get_args

import pulumi
import pulumi_aws as aws

from components.ground import Place
from components.naming import physical_name, portions
from components.observe import Expression, Metric, Observable, Panel, PanelGroup

GROUPS: tuple[PanelGroup, ...] = get_args(PanelGroup)

PANEL_WIDTH = 12
PANEL_HEIGHT = 6
"""Two panels fill a row of CloudWatch's 24 columns (M91)."""

HEADER_HEIGHT = 1

ALARMS_SHOWN = 100
"""Alarms that one widget shows.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""
ALARMS_A_ROW = 8
"""Of the tiles in a widget over the page's width."""

MOST_WIDGETS = 500
MOST_METRICS = 2500
"""Of one dashboard, and 500 metrics of one graph.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"""

PERIOD = 300
"""Seconds per datapoint, unless a metric arrives less often (M91)."""


@dataclass(frozen=True, kw_only=True)
class DashboardArgs:
    place: Place
    """Its prefix names the dashboard; people open it by name."""
    watched: Sequence[Observable]
    alarm_arns: Sequence[pulumi.Input[str]] = ()
    """The lights at the top, in this order; they may be of several regions."""


class Dashboard(pulumi.ComponentResource):
    """One CloudWatch dashboard: the alarms' lights, then a heading per group and its panels, two a
    row (M91). What CloudWatch does not show on one goes on to a second, `<prefix>-2`, and so on.

    Cost: 3 USD a month each after the account's first three dashboards (us-east-1, 2026).
    """

    name: pulumi.Output[str]
    """Of the first, where the lights are."""
    url: str
    """Where a browser finds it."""

    def __init__(
        self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:dashboard:Dashboard", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = args.place
        pages = [
            aws.cloudwatch.Dashboard(
                f"{name}-page{suffix}",
                dashboard_name=physical_name("dashboard", f"{place.prefix}{suffix}"),
                dashboard_body=pulumi.Output.json_dumps({"widgets": widgets}),
                opts=child,
            )
            for suffix, widgets in _pages(args)
        ]

        self.name = pages[0].dashboard_name
        self.url = (
            f"https://{place.region}.console.aws.amazon.com/cloudwatch/home"
            f"?region={place.region}#dashboards/dashboard/{place.prefix}"
        )
        self.register_outputs({"name": self.name, "url": self.url, "pages": len(pages)})


def _pages(args: DashboardArgs) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The widgets of each page, with what tells its name from the first one's."""
    panels = [panel for component in args.watched for panel in component.panels]
    waiting = [
        (group, _graph(panel, args.place.region))
        for group in GROUPS
        for panel in panels
        if panel.group == group
    ]
    lights = list(_lights(args.alarm_arns))
    number = 0
    while waiting or number == 0:
        number += 1
        above = [] if number > 1 else lights
        fits = max(1, _most(waiting, MOST_WIDGETS - len(above)))
        top = sum(light["height"] for light in above)
        yield "" if number == 1 else f"-{number}", [*above, *_laid_out(waiting[:fits], top)]
        waiting = waiting[fits:]


def _most(graphs: Sequence[tuple[str, dict[str, Any]]], widgets: int) -> int:
    """How many of them one page shows beside their groups' headings."""
    metrics, group = 0, None
    for fits, (of, graph) in enumerate(graphs):
        widgets -= 1 if of == group else 2
        metrics += len(graph["metrics"])
        if widgets < 0 or metrics > MOST_METRICS:
            return fits
        group = of
    return len(graphs)


def _lights(alarm_arns: Sequence[pulumi.Input[str]]) -> Iterator[dict[str, Any]]:
    """Every alarm as a coloured tile."""
    top = 0
    for _, shown in portions(alarm_arns, ALARMS_SHOWN):
        height = HEADER_HEIGHT + math.ceil(len(shown) / ALARMS_A_ROW)
        yield {
            "type": "alarm",
            "x": 0,
            "y": top,
            "width": 2 * PANEL_WIDTH,
            "height": height,
            "properties": {"title": "Alarms", "alarms": list(shown)},
        }
        top += height


def _laid_out(graphs: Sequence[tuple[str, dict[str, Any]]], top: int) -> Iterator[dict[str, Any]]:
    """Each group's heading with its graphs below, beginning at the row `top`."""
    for group, named in groupby(graphs, key=itemgetter(0)):
        members = [graph for _, graph in named]
        yield {
            "type": "text",
            "x": 0,
            "y": top,
            "width": 2 * PANEL_WIDTH,
            "height": HEADER_HEIGHT,
            "properties": {"markdown": f"## {group}"},
        }
        top += HEADER_HEIGHT
        for index, graph in enumerate(members):
            yield {
                "type": "metric",
                "x": index % 2 * PANEL_WIDTH,
                "y": top + index // 2 * PANEL_HEIGHT,
                "width": PANEL_WIDTH,
                "height": PANEL_HEIGHT,
                "properties": graph,
            }
        top += (len(members) + 1) // 2 * PANEL_HEIGHT


def _graph(panel: Panel, region: str) -> dict[str, Any]:
    return {
        "title": panel.title,
        "region": region,
        "view": "timeSeries",
        "period": PERIOD,
        "yAxis": {"left": {"label": panel.unit, "min": 0, "showUnits": False}},
        "metrics": [
            row
            for index, what in enumerate(panel.metrics)
            for row in _rows(what, f"e{index}_", region)
        ],
    }


def _rows(what: Metric | Expression, prefix: str, region: str) -> Iterator[list[Any]]:
    if isinstance(what, Metric):
        yield _row(what, {"label": what.label or what.name}, region)
        return
    # A panel's ids share one name space, and every expression was written on its own.
    ids = "|".join(map(re.escape, what.metrics))
    text = re.sub(rf"\b({ids})\b", rf"{prefix}\1", what.text)
    for key, metric in sorted(what.metrics.items()):
        yield _row(metric, {"id": f"{prefix}{key}", "visible": False}, region)
    yield [{"id": f"{prefix}shown", "expression": text, "label": what.label}]


def _row(metric: Metric, options: dict[str, Any], region: str) -> list[Any]:
    if metric.period != PERIOD:
        options = {**options, "period": metric.period}
    if metric.region not in (None, region):
        options = {**options, "region": metric.region}
    dimensions = [part for pair in sorted(metric.dimensions.items()) for part in pair]
    return [metric.namespace, metric.name, *dimensions, {**options, "stat": metric.statistic}]
