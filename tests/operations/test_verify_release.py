"""What is told of a release: that it runs, that it is late, or that something else runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations import verify_release
from tests.recorder import ROOT
from tests.rows import proves

BEGAN = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/backlot-dev"
OUTPUTS = {"deployment": {"handle": "c/api"}, "fleets": {"render": "w/render"}}


class Aws:
    """Doubles of what AWS answers, each list in the order it is asked for; the last one stays."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def client(self, service_name: str, region_name: str) -> Any:
        assert region_name == "us-east-1"
        return self

    def __getattr__(self, operation: str) -> Any:
        def answer(**asked: Any) -> Any:
            self.asked.append((operation, asked))
            given = self.answers[operation]
            return given.pop(0) if len(given) > 1 else given[0]

        return answer


def deployment(status: str, minutes: float = 4, reason: str = "", age: int = 0) -> dict[str, Any]:
    return {
        "status": status,
        "statusReason": reason,
        "createdAt": BEGAN - timedelta(days=age),
        "finishedAt": BEGAN - timedelta(days=age) + timedelta(minutes=minutes),
    }


def ecs(*deployments: dict[str, Any], image: str = "api:1.0.0", running: int = 1) -> dict[str, Any]:
    return {
        "describe_services": [
            {
                "services": [
                    {"taskDefinition": "td:7", "runningCount": running, "desiredCount": 1},
                ]
            }
        ],
        "list_service_deployments": [{"serviceDeployments": list(deployments)}],
        "describe_task_definition": [
            {"taskDefinition": {"containerDefinitions": [{"image": f"{REGISTRY}/{image}"}]}}
        ],
    }


def verified(
    aws: Aws, folder: Path, outputs: Mapping[str, Any] | None = None, *more: str, **changes: Any
) -> int:
    """The release of dev, with its API alone unless `outputs` say more."""
    content = yaml.safe_load((ROOT / "tests" / "shipped" / "Pulumi.dev.yaml").read_text())
    for section, given in changes.items():
        content["config"].setdefault(f"backlot:{section}", {}).update(given)
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(content))
    given = {"deployment": {"handle": "c/api"}} if outputs is None else outputs
    (folder / "outputs.json").write_text(json.dumps(given))
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    return verify_release.main(
        [
            *["dev", "--outputs", str(folder / "outputs.json")],
            *["--config-file", str(folder / "Pulumi.dev.yaml"), *more],
        ],
        session=aws,
        now=lambda: clock[0],
        sleep=sleep,
    )


def test_what_was_asked_for_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = deployment("ROLLBACK_SUCCESSFUL", age=1)

    assert verified(Aws(**ecs(old, deployment("SUCCESSFUL"))), tmp_path) == 0
    assert capsys.readouterr().out == "ok    api: api:1.0.0, 1 tasks (deployed in 4.0 min)\n"


@proves("M117", "zapcut", "aivp")
def test_a_deployment_over_ten_minutes_is_told_and_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # M117
    assert verified(Aws(**ecs(deployment("SUCCESSFUL", minutes=12.5))), tmp_path) == 0
    assert "deployed in 12.5 min, more than the 10 aimed at" in capsys.readouterr().out


def test_a_deployment_that_ecs_took_back_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken_back = deployment("ROLLBACK_SUCCESSFUL", reason="Service deployment rolled back: breaker")

    assert verified(Aws(**ecs(taken_back, image="api:0.9.0")), tmp_path) == 1
    assert "WRONG api: rollback_successful: Service deployment rolled back: breaker" in (
        capsys.readouterr().out
    )


def test_another_image_than_the_files_is_wrong_whatever_the_deployment_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(Aws(**ecs(deployment("SUCCESSFUL"), image="api:0.9.0")), tmp_path) == 1
    assert f"WRONG api: runs {REGISTRY}/api:0.9.0, and api:1.0.0 was asked for" in (
        capsys.readouterr().out
    )


def test_an_image_whose_name_only_ends_alike_is_another(tmp_path: Path) -> None:
    assert verified(Aws(**ecs(deployment("SUCCESSFUL"), image="old-api:1.0.0")), tmp_path) == 1


def test_a_deployment_under_way_is_waited_for(tmp_path: Path) -> None:
    answers = ecs()
    answers["list_service_deployments"] = [
        {"serviceDeployments": [deployment("IN_PROGRESS")]},
        {"serviceDeployments": [deployment("IN_PROGRESS")]},
        {"serviceDeployments": [deployment("SUCCESSFUL")]},
    ]
    aws = Aws(**answers)

    assert verified(aws, tmp_path) == 0
    assert len([name for name, _ in aws.asked if name == "list_service_deployments"]) == 3


def test_what_is_still_under_way_at_the_end_is_late(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = Aws(**ecs(deployment("IN_PROGRESS")))

    assert verified(aws, tmp_path, None, "--wait-minutes", "1") == 1
    assert capsys.readouterr().out == "LATE  api: deployment in_progress\n"
    assert len([name for name, _ in aws.asked if name == "describe_services"]) == 5


def test_missing_tasks_are_late(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    aws = Aws(**ecs(deployment("SUCCESSFUL"), running=0))

    assert verified(aws, tmp_path, None, "--wait-minutes", "0") == 1
    assert capsys.readouterr().out == "LATE  api: 0 of 1 tasks run\n"


def test_services_and_fleets_are_looked_at_by_their_own_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ecs(deployment("SUCCESSFUL"))
    answers["describe_task_definition"] = [
        {"taskDefinition": {"containerDefinitions": [{"image": f"{REGISTRY}/{image}"}]}}
        for image in ("api:1.0.0", "admin:3.1.0", "worker:0.9.0")
    ]
    outputs = {**OUTPUTS, "services": {"admin": "c/admin"}}

    assert verified(Aws(**answers), tmp_path, outputs, services={"admin": {"image": "admin:3.1.0"}})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok    api: api:1.0.0")
    assert lines[1].startswith("ok    service admin: admin:3.1.0")
    assert lines[2].startswith("WRONG workers render: runs ")


def group(*versions: str) -> dict[str, Any]:
    return {
        "describe_auto_scaling_groups": [
            {
                "AutoScalingGroups": [
                    {
                        "LaunchTemplate": {"Version": "7"},
                        "Instances": [
                            {"InstanceId": f"i-{index}", "LaunchTemplate": {"Version": version}}
                            for index, version in enumerate(versions)
                        ],
                    }
                ]
            }
        ]
    }


def refresh(status: str, **more: Any) -> dict[str, Any]:
    newest = {"Status": status, "StartTime": BEGAN, "EndTime": BEGAN + timedelta(minutes=6), **more}
    return {"describe_instance_refreshes": [{"InstanceRefreshes": [newest]}]}


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        (
            {**group("7", "7"), **refresh("Successful")},
            0,
            "ok    api: version 7 of the launch template, 2 instances (deployed in 6.0 min)",
        ),
        (
            {**group("7", "6"), **refresh("Failed", StatusReason="an alarm")},
            1,
            "WRONG api: refresh Failed: an alarm (deployed in 6.0 min)",
        ),
        (
            {**group("7", "6"), **refresh("Successful")},
            1,
            "WRONG api: i-1 run another version of the launch template",
        ),
        (
            {**group("6"), **refresh("InProgress", PercentageComplete=40)},
            1,
            "LATE  api: refresh InProgress, 40 % done",
        ),
        (
            {**group(), "describe_instance_refreshes": [{"InstanceRefreshes": []}]},
            0,
            "ok    api: version 7 of the launch template, 0 instances",
        ),
        ({"describe_auto_scaling_groups": [{"AutoScalingGroups": []}]}, 1, "WRONG api: there is"),
    ],
)
def test_a_group_runs_when_its_refresh_ended_well_on_every_instance(
    answers: dict[str, list[Any]],
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outputs = {"deployment": {"handle": "api-group"}}

    found = verified(Aws(**answers), tmp_path, outputs, "--wait-minutes", "0", api={"kind": "ec2"})

    assert found == code
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize(
    ("status", "health", "label", "code", "said"),
    [
        ("Ready", "Green", "1.0.0-12345678", 0, "ok    api: 1.0.0-12345678"),
        ("Ready", "Red", "1.0.0-12345678", 1, "WRONG api: 1.0.0-12345678 is Red"),
        ("Updating", "Grey", "0.9.0-12345678", 1, "LATE  api: environment Updating"),
        ("Ready", "Green", "0.9.0-12345678", 1, "WRONG api: runs 0.9.0-12345678, and 1.0.0 was"),
        ("Ready", "Green", "1.0-12345678", 1, "WRONG api: runs 1.0-12345678, and 1.0.0 was"),
    ],
)
def test_an_environment_runs_when_it_is_green_under_the_builds_label(
    status: str,
    health: str,
    label: str,
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = {"Status": status, "Health": health, "VersionLabel": label}
    aws = Aws(describe_environments=[{"Environments": [found]}])

    given = verified(aws, tmp_path, None, "--wait-minutes", "0", api={"kind": "beanstalk"})

    assert given == code
    assert capsys.readouterr().out.startswith(said)


def test_evidence_says_what_was_asked_what_runs_and_how_long_it_took(tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"

    verified(Aws(**ecs(deployment("SUCCESSFUL"))), tmp_path, None, "--evidence", str(file))

    assert json.loads(file.read_text()) == {
        "stack": "backlot-dev",
        "deployed": [
            {
                "name": "api",
                "kind": "fargate",
                "handle": "c/api",
                "image": "api:1.0.0",
                "state": "runs",
                "said": "api:1.0.0, 1 tasks",
                "seconds": 240.0,
            }
        ],
    }


def test_outputs_of_something_else_are_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(Aws(), tmp_path, {"vpc_id": "vpc-1"}) == 1
    assert "there is no `deployment` in it" in capsys.readouterr().err
