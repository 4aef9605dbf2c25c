"""The canary: what it walks, how often, under which role, and who hears when it fails."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.canary import Canary, CanaryArgs
from components.stores.buckets import Bucket
from rehearsal.provider import MotoProvider
from settings.canary import CanarySettings
from tests.components.parts import export_watched
from tests.recorder import Recorded, aws_provider, record, with_aws

STEPS = {
    "health": {"path": "/health", "contains": "ok"},
    "private": {"path": "/api/projects", "status": 401},
}


def bucket(purpose: str) -> Bucket:
    name = f"backlot-dev-{purpose}"
    return Bucket(
        purpose=purpose,
        name=pulumi.Output.from_input(name),
        arn=pulumi.Output.from_input(f"arn:aws:s3:::{name}"),
        regional_domain_name=pulumi.Output.from_input(f"{name}.s3.amazonaws.com"),
        key_arn=None,
    )


def build(**settings: Any) -> Canary:
    return Canary(
        "canary",
        CanaryArgs(
            settings=CanarySettings(**{"steps": STEPS, **settings}),
            url="https://api.studio.example",
            code=bucket("bundles"),
            results=bucket("logs"),
        ),
        with_aws(aws_provider()),
    )


def canary(**settings: Any) -> tuple[Canary, Recorded]:
    made: list[Canary] = []

    def program() -> None:
        component = build(**settings)
        made.append(component)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program)
    return made[0], recorded


def test_it_walks_the_steps_of_the_settings_in_order():  # B50
    run = canary()[1].one("synthetics.Canary")["run_config"]

    assert run["environment_variables"]["URL"] == "https://api.studio.example"
    assert json.loads(run["environment_variables"]["STEPS"]) == [
        {"name": "health", "path": "/health", "status": 200, "contains": "ok"},
        {"name": "private", "path": "/api/projects", "status": 401},
    ]


@pytest.mark.parametrize(
    ("minutes", "rate"),
    [(1, "rate(1 minute)"), (5, "rate(5 minutes)"), (60, "rate(1 hour)")],
)
def test_how_often_is_a_setting(minutes: int, rate: str):  # B50
    assert canary(every_minutes=minutes)[1].one("synthetics.Canary")["schedule"] == {
        "expression": rate
    }


@pytest.mark.parametrize(
    ("minutes", "steps", "seconds"), [(5, 1, 60), (5, 4, 90), (1, 4, 60), (60, 7, 120)]
)
def test_a_run_has_time_for_every_step_and_ends_before_the_next(
    minutes: int, steps: int, seconds: int
):
    walked = {f"step-{number}": {"path": "/"} for number in range(steps)}
    made = canary(every_minutes=minutes, steps=walked)[1].one("synthetics.Canary")

    assert made["run_config"]["timeout_in_seconds"] == seconds


def test_its_code_is_our_script_and_a_change_of_it_is_noticed():  # B50
    recorded = canary()[1]
    made, code = recorded.one("synthetics.Canary"), recorded.one("s3.BucketObjectv2")

    assert made["runtime_version"] == "syn-python-selenium-12.0"
    assert made["handler"] == "canary.handler"
    assert (code["bucket"], code["key"]) == ("backlot-dev-bundles", "canary/canary.zip")
    assert (made["s3_bucket"], made["s3_key"]) == ("backlot-dev-bundles", "canary/canary.zip")
    assert made["s3_version"] == code.outputs["version_id"]
    assert "zip_file" not in made
    assert "functions/canary/handler.py" in json.dumps(code["source"])


def test_results_go_below_its_prefix_in_the_log_bucket_and_expire_with_it():  # B50
    made = canary()[1].one("synthetics.Canary")

    assert made["artifact_s3_location"] == "s3://backlot-dev-logs/canary"
    assert made["success_retention_period"] == made["failure_retention_period"] == 31
    assert made["delete_lambda"] is True
    assert made["start_canary"] is True


def test_its_role_writes_results_and_its_own_metrics_and_no_logs():  # B50, M85
    statements = {
        one["Sid"]: one for one in canary()[1].one("iam.RolePolicy").json("policy")["Statement"]
    }

    assert statements["WriteLogsCanary"]["Resource"] == ["arn:aws:s3:::backlot-dev-logs/canary/*"]
    assert statements["FindResults"]["Resource"] == ["arn:aws:s3:::backlot-dev-logs"]
    assert statements["ReportRuns"]["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": "CloudWatchSynthetics"}
    }
    assert not [
        action for one in statements.values() for action in one["Action"] if "logs:" in action
    ]


def test_two_failed_journeys_in_a_row_wake_somebody():  # B50
    component, recorded = canary(every_minutes=10)
    [alarm] = component.alarms

    assert (alarm.name, alarm.comparison, alarm.threshold) == ("journey-failing", "below", 100)
    assert (alarm.evaluation_periods, alarm.severity) == (2, "critical")
    assert alarm.missing_data == "breaching"
    assert recorded.outputs["alarms"]["journey-failing"] == {
        "metric": "CloudWatchSynthetics SuccessPercent",
        "statistic": "Average",
        "period": 600,
        "dimensions": {"CanaryName": recorded.one("synthetics.Canary").outputs["name"]},
    }


def test_the_dashboard_shows_how_many_pass_and_how_long_they_take():  # B50
    component, _ = canary()

    assert [(panel.group, panel.title, panel.unit) for panel in component.panels] == [
        ("Edge", "Journey: runs that pass", "percent"),
        ("Edge", "Journey: time for all of it", "ms"),
    ]


def test_everything_hangs_below_the_component():
    recorded = canary()[1]
    component = recorded.one("backlot:canary:Canary")

    assert {node.name for node in recorded.children(component)} == {
        "canary-role",
        "canary-code",
        "canary-journey",
    }
    assert component.outputs["name"] == recorded.one("synthetics.Canary").outputs["name"]


def test_aws_takes_all_of_it():  # B50
    with MotoProvider() as account:
        recorded = record(lambda: build(), provider=account)

    # The buckets are not there; everything else is.
    assert [each for each in recorded.findings if each.check != "reference"] == []
