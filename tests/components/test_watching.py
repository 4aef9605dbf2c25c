"""Watching: which figures and traces there are, and that all that watches sees all there is."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.alarms import AlarmSet
from components.observe import Alarm, Metric, Panel
from components.watching import Telemetry, telemetry, watch_over
from settings.stack import Settings
from tests.components.parts import ground, silent_notices
from tests.recorder import Recorded, aws_provider, record, with_aws
from tests.settings.stack_files import REMOVED, accepted

PLAIN = {"business": REMOVED}
"""Without what the shipped file watches of its own."""

TAGS = {"Project": "backlot", "Environment": "dev"}
JOBS = Metric(namespace="AWS/SQS", name="Jobs", dimensions={"QueueName": "render"})


class Watched(pulumi.ComponentResource):
    """Stands for any component that hands out an alarm and a panel."""

    panels: Sequence[Panel] = (Panel(group="Queues", title="jobs", metrics=[JOBS], unit="jobs"),)
    alarms: Sequence[Alarm] = (
        Alarm(
            name="stuck",
            summary="Jobs wait.",
            watch=JOBS,
            comparison="above",
            threshold=1,
            severity="critical",
            runbook="queues.md#stuck",
        ),
    )

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("backlot:tests:Watched", name, None, opts)
        self.register_outputs({"watched": True})


def made(stack: Settings) -> tuple[Telemetry, Recorded]:
    """Everything that watches one queue."""
    sent: list[Telemetry] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        place = ground(tags=TAGS)
        sent.append(telemetry(stack, place, opts))
        alarms = AlarmSet(prefix=stack.prefix, notices=silent_notices(opts), muted=False)
        watched = [Watched("queue-render", opts), *sent[0].watched]
        watch_over(stack, place, alarms, watched, opts)

    recorded = record(program)
    return sent[0], recorded


def headings(recorded: Recorded) -> list[str]:
    widgets = recorded.one("cloudwatch.Dashboard").json("dashboard_body")["widgets"]
    return [each["properties"].get("markdown", each["type"]) for each in widgets]


def test_the_light_and_the_dashboard_see_every_alarm_and_the_bill():  # M91
    _, recorded = made(accepted(PLAIN))

    assert recorded.one("cloudwatch.CompositeAlarm")["alarm_rule"] == (
        'ALARM("backlot-dev-queue-render-stuck")'
    )
    assert headings(recorded) == ["alarm", "## Queues", "metric", "## Cost", "metric"]
    lights = recorded.one("cloudwatch.Dashboard").json("dashboard_body")["widgets"][0]
    assert lights["properties"]["alarms"] == [
        recorded.one("cloudwatch.CompositeAlarm").outputs["arn"],
        recorded.one("cloudwatch.MetricAlarm").outputs["arn"],
    ]
    assert recorded.names("budgets.Budget") == ["budget-monthly"]


def test_figures_of_the_business_are_handed_out_alarmed_and_shown_by_choice():  # M92
    sent, recorded = made(accepted({"business": {}}))

    assert [min(access.environment) for access in sent.access] == ["BUSINESS_COST_METRIC"]
    assert "business-success-low" in recorded.names("cloudwatch.MetricAlarm")
    assert "## Business" in headings(recorded)


def test_traces_are_sent_by_choice():  # M104
    sent, recorded = made(accepted({**PLAIN, "tracing": {"sample_percent": 10}}))

    assert sent.access[0].environment["OTEL_TRACES_SAMPLER_ARG"] == "0.1"
    assert recorded.names("xray.SamplingRule") == ["tracing-rule"]


def test_without_either_code_sends_nothing():  # M92, M104
    sent, recorded = made(accepted(PLAIN))

    assert (sent.access, sent.watched) == ([], [])
    assert recorded.all("xray.SamplingRule") == []


def test_mute_windows_reach_every_alarm():
    window = {"days": ["sun"], "at": "04:00", "hours": 1}
    _, recorded = made(accepted({**PLAIN, "notices.mute_windows": {"upkeep": window}}))

    assert recorded.one("cloudwatch.AlarmMuteRule")["mute_targets"]["alarm_names"] == [
        "backlot-dev-overall-degraded",
        "backlot-dev-queue-render-stuck",
    ]
