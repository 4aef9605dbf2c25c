"""A release at its gate, where nobody but the workflow calls it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations import gate
from tests.recorder import ROOT

GATES = {"handle": "api-group", "migrate": "api-gates-migrate-1", "smoke": "api-gates-smoke-1"}


class Lambda:
    """Answers what it is given, in order; the last answer stays."""

    def __init__(self, *answers: Any, failed: bool = False) -> None:
        self.answers = list(answers)
        self.failed = failed
        self.asked: list[tuple[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:  # noqa: N803
        self.asked.append((FunctionName, json.loads(Payload)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        error = {"FunctionError": "Unhandled"} if self.failed else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **error}


def held(
    folder: Path,
    name: str,
    client: Lambda,
    api: Mapping[str, Any] | None = None,
    gates: Mapping[str, str] = GATES,
) -> tuple[int, float]:
    """The exit code, and the seconds waited for it."""
    content = yaml.safe_load((ROOT / "tests" / "shipped" / "Pulumi.dev.yaml").read_text())
    content["config"]["backlot:api"].update(api or {"kind": "ec2"})
    file, outputs = folder / "Pulumi.dev.yaml", folder / "outputs.json"
    file.write_text(yaml.safe_dump(content))
    outputs.write_text(json.dumps({"deployment": gates}))
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    code = gate.main(
        [name, "dev", "--outputs", str(outputs), "--config-file", str(file)],
        lambda_client=client,
        now=lambda: clock[0],
        sleep=sleep,
    )
    return code, clock[0]


def test_a_migration_is_asked_until_it_is_done_with_what_it_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_work = {"hookStatus": "IN_PROGRESS", "callBackDelay": 15, "hookDetails": {"taskArn": "t"}}
    client = Lambda(at_work, at_work, {"hookStatus": "SUCCEEDED"})

    assert held(tmp_path, "migrate", client) == (0, 30.0)

    assert client.asked == [
        ("api-gates-migrate-1", {"build": "1.0.0"}),
        ("api-gates-migrate-1", {"build": "1.0.0", "hookDetails": {"taskArn": "t"}}),
        ("api-gates-migrate-1", {"build": "1.0.0", "hookDetails": {"taskArn": "t"}}),
    ]
    assert capsys.readouterr().out == "migrate: SUCCEEDED\n"


def test_a_smoke_test_that_fails_closes_the_gate_and_says_where_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Lambda({"hookStatus": "FAILED"})

    assert held(tmp_path, "smoke", client) == (1, 0.0)

    assert client.asked == [("api-gates-smoke-1", {"build": "1.0.0"})]
    assert "/deployments/backlot-dev-api" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (Lambda({"hookStatus": "MAYBE"}), "which is no gate's answer"),
        (Lambda(None), "answered null"),
        (Lambda({"errorMessage": "no such table"}, failed=True), "failed: no such table"),
        (Lambda({"hookStatus": "IN_PROGRESS"}), "still at it after 30 minutes"),
    ],
)
def test_a_gate_that_gives_no_answer_stays_closed(
    client: Lambda, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert held(tmp_path, "migrate", client)[0] == 1
    assert said in capsys.readouterr().err


def test_where_ecs_calls_the_gates_nobody_else_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Lambda({"hookStatus": "FAILED"})

    assert held(tmp_path, "migrate", client, {"kind": "fargate"}) == (0, 0.0)
    assert client.asked == []
    assert capsys.readouterr().out == "migrate: ECS calls it in the deployment itself\n"


def test_a_rolling_deployment_on_fargate_knows_no_hooks_so_its_gates_are_called(
    tmp_path: Path,
) -> None:
    client = Lambda({"hookStatus": "SUCCEEDED"})
    rolling = {"kind": "fargate", "fargate": {"strategy": "rolling"}}

    assert held(tmp_path, "migrate", client, rolling)[0] == 0
    assert [name for name, _ in client.asked] == ["api-gates-migrate-1"]


def test_a_stack_without_migrations_has_nothing_to_wait_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Lambda({"hookStatus": "FAILED"})

    assert held(tmp_path, "migrate", client, gates={"smoke": "s"})[0] == 0
    assert client.asked == []
    assert "has none" in capsys.readouterr().out
