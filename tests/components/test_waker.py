"""What wakes fleets at rest: components/workers/waker.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from components.grants import Statement
from components.workers.contract import Waking
from components.workers.waker import Waker, WakerArgs
from tests.components.parts import export_watched, ground
from tests.recorder import ROOT, Recorded, aws_provider, record, with_aws

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/backlot-dev-render"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:backlot-dev-render"
SERVICES = "arn:aws:ecs:us-east-1:123456789012:service"


def waking(fleet: str) -> Waking:
    """Of a fleet on a queue that it shares."""
    return Waking(
        fleet={
            "platform": "ecs",
            "queue": QUEUE,
            "cluster": f"{fleet}-cluster",
            "service": f"{fleet}-service",
            "target": 6.0,
            "most": 4,
            "max": 20,
        },
        statements=[
            Statement(sid="MeasureJobs", actions=["sqs:GetQueueAttributes"], resources=[QUEUE_ARN]),
            Statement(
                sid="RestartServices",
                actions=["ecs:DescribeServices", "ecs:UpdateService"],
                resources=[f"{SERVICES}/{fleet}-cluster/{fleet}-service"],
            ),
            Statement(
                sid="ReadBounds",
                actions=["application-autoscaling:DescribeScalableTargets"],
                resources=["*"],
            ),
        ],
    )


def recorded_waker(fleets: Sequence[str] = ("render", "upscale")) -> tuple[Waker, Recorded]:
    made: list[Waker] = []

    def program() -> None:
        args = WakerArgs(ground=ground(), wakings=[waking(fleet) for fleet in fleets])
        made.append(Waker("waker", args, with_aws(aws_provider())))
        export_watched("alarms", {alarm.name: alarm.watch for alarm in made[0].alarms})

    recorded = record(program)
    return made[0], recorded


def granted(recorded: Recorded, function: str = "waker-function") -> list[dict[str, Any]]:
    return recorded.one("iam.RolePolicy", function).json("policy")["Statement"]


def test_queues_are_looked_at_once_a_minute():  # M52
    _, recorded = recorded_waker()
    rule = recorded.one("cloudwatch.EventRule", "waker-minute")
    assert rule["schedule_expression"] == "rate(1 minute)"
    assert "event_pattern" not in rule
    function = recorded.one("lambda.Function")
    assert recorded.one("cloudwatch.EventTarget")["arn"] == function.outputs["arn"]
    assert recorded.one("lambda.Permission")["source_arn"] == rule.outputs["arn"]


def test_a_look_is_over_before_the_next_one():
    _, recorded = recorded_waker()
    assert recorded.one("lambda.Function")["timeout"] == 50


def test_one_function_is_told_of_every_fleet():  # M52
    _, recorded = recorded_waker()
    function = recorded.one("lambda.Function", "waker-function")
    assert list(function["code"]["archive"]) == ["handler.py"]
    variables = function["environment"]["variables"]
    assert list(variables) == ["FLEETS"]
    told = json.loads(variables["FLEETS"])
    assert told == [dict(waking("render").fleet), dict(waking("upscale").fleet)]


LONG = [f"render-of-the-longest-{number:02}" for number in range(30)]


def test_thirty_fleets_fit_into_the_variables_of_three_functions():
    _, recorded = recorded_waker(LONG)
    told = {
        function.name: function["environment"]["variables"]["FLEETS"]
        for function in recorded.all("lambda.Function")
    }
    assert list(told) == ["waker-function", "waker-function-2", "waker-function-3"]
    # AWS refuses a function whose variables, names included, are more than 4096 bytes.
    assert max(len(f"FLEETS{fleets}") for fleets in told.values()) <= 4096
    services = [fleet["service"] for fleets in told.values() for fleet in json.loads(fleets)]
    assert services == [f"{fleet}-service" for fleet in LONG]


def test_each_of_several_functions_is_called_and_may_set_its_own_fleets_alone():
    waker, recorded = recorded_waker(LONG[:11])
    _, _, services, _ = granted(recorded, "waker-function-2")
    assert services["Resource"] == [f"{SERVICES}/{LONG[10]}-cluster/{LONG[10]}-service"]
    called = {target["arn"] for target in recorded.all("cloudwatch.EventTarget")}
    assert called == {each.outputs["arn"] for each in recorded.all("lambda.Function")}
    assert [alarm.name for alarm in waker.alarms] == ["waking-failed", "waking-failed-2"]
    assert {alarm.runbook for alarm in waker.alarms} == {"functions.md#waking-failed"}
    assert len(recorded.all("cloudwatch.LogGroup")) == 1


def test_ten_fleets_need_one_function():
    _, recorded = recorded_waker(LONG[:10])
    assert recorded.names("lambda.Function") == ["waker-function"]


def test_it_may_ask_each_queue_and_set_each_service_and_nothing_else():  # M85
    _, recorded = recorded_waker()
    write, *rest = granted(recorded)
    assert write["Sid"] == "WriteLogs"
    assert [(one["Action"], one["Resource"]) for one in rest] == [
        (["sqs:GetQueueAttributes"], [QUEUE_ARN]),
        (
            ["ecs:DescribeServices", "ecs:UpdateService"],
            [
                f"{SERVICES}/render-cluster/render-service",
                f"{SERVICES}/upscale-cluster/upscale-service",
            ],
        ),
        (["application-autoscaling:DescribeScalableTargets"], ["*"]),
    ]
    assert recorded.all("iam.RolePolicyAttachment") == []


def test_a_failed_look_is_told_of_in_the_morning():
    waker, recorded = recorded_waker()
    (failed,) = waker.alarms
    assert (failed.name, failed.severity) == ("waking-failed", "warning")
    assert (failed.comparison, failed.threshold) == ("at_least", 1)
    assert recorded.outputs["alarms"]["waking-failed"]["dimensions"] == {
        "FunctionName": recorded.one("lambda.Function")["name"]
    }
    page, _, anchor = failed.runbook.partition("#")
    assert anchor == "waking-failed"
    assert f"\n## {anchor}\n" in (ROOT / "docs" / "runbooks" / page).read_text(encoding="utf-8")
    assert [panel.title for panel in waker.panels] == ["Function: waking"]


def test_everything_of_the_waker_is_its_child_and_bears_its_name():
    _, recorded = recorded_waker()
    component = recorded.one("backlot:workers:Waker")
    made = [node for node in recorded.nodes if node.type.startswith("aws:")]
    assert {node.parent for node in made} == {component.urn}
    assert all(node.name.startswith("waker-") for node in made)
    assert component.outputs == {"functions": [recorded.one("lambda.Function").outputs["name"]]}
    assert recorded.one("cloudwatch.LogGroup")["name"] == "/aws/lambda/backlot-dev-waker"
