"""How the commands begin and end: no traceback, whoever reads and whatever they are given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions

from operations import cost, review, set_image, verify_release
from operations.command import explained, run
from tests.recorder import ROOT

COMMANDS = [
    path.stem
    for path in sorted((ROOT / "operations").glob("*.py"))
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
]
DIGEST = f"api@sha256:{'0' * 64}"
DEV = str(ROOT / "tests" / "shipped" / "Pulumi.dev.yaml")


def ended(main: Any) -> int:
    with pytest.raises(SystemExit) as over:
        run(main)
    assert isinstance(over.value.code, int)
    return over.value.code


def test_every_command_is_run_by_the_same_few_lines() -> None:
    assert len(COMMANDS) == 7
    for name in COMMANDS:
        text = (ROOT / "operations" / f"{name}.py").read_text(encoding="utf-8")
        assert text.endswith('if __name__ == "__main__":\n    run(main)\n'), name


def test_a_reader_that_has_enough_is_no_mistake() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from operations.command import run; run(lambda: print(1))"]

    try:
        done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)

    assert done.stderr == ""
    assert done.returncode == 128 + 13


def test_ctrl_c_ends_a_command_without_a_traceback() -> None:
    def stopped() -> int:
        raise KeyboardInterrupt

    assert ended(stopped) == 128 + 2


@pytest.mark.parametrize("code", [0, 1])
def test_what_a_command_answers_is_how_it_exits(code: int) -> None:
    assert ended(lambda: code) == code


def client_error(code: str) -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": "No"}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    ("problem", "remedy"),
    [
        (exceptions.NoCredentialsError(), "; sign in (`aws sso login`), or name a profile in"),
        (exceptions.ProfileNotFound(profile="x"), "; set AWS_PROFILE to one of `aws configure"),
        (exceptions.UnauthorizedSSOTokenError(), "; sign in again (`aws sso login`)"),
        (exceptions.NoRegionError(), "; give --region, or set AWS_DEFAULT_REGION"),
        (client_error("ExpiredToken"), ": No; sign in again"),
        (client_error("InvalidClientTokenId"), ": No; sign in again"),
    ],
)
def test_what_aws_refuses_is_told_with_what_to_do(problem: Exception, remedy: str) -> None:
    assert remedy in explained(problem)


def test_what_needs_no_advice_is_told_as_aws_says_it() -> None:
    denied = client_error("AccessDenied")

    assert explained(denied) == str(denied)


def file_of(tmp_path: Path, content: Mapping[str, Any] | bytes) -> str:
    file = tmp_path / "given"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "is no text"),
        (b"no json", "is no JSON; give what `pulumi preview --json` writes"),
        ({"resources": []}, "has no steps; give what"),
        ({"steps": 3}, "its steps have another form; give what"),
        ({"steps": [{"op": "update"}]}, "its steps have another form; give what"),
        ({"steps": [], "diagnostics": ["no"]}, "its diagnostics have another form; give what"),
    ],
)
def test_what_is_no_preview_is_refused_in_a_sentence(
    content: Mapping[str, Any] | bytes,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = file_of(tmp_path, content)

    assert review.main([given, "--stack", "dev"]) == 1
    assert capsys.readouterr().err.startswith(f"{given}: {message}")


@pytest.mark.parametrize("missing", ["preview", "approvals"])
def test_a_review_without_one_of_its_files_names_it(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there, gone = file_of(tmp_path, {"steps": []}), str(tmp_path / "gone")
    preview, approvals = (gone, there) if missing == "preview" else (there, gone)

    assert review.main([preview, "--stack", "dev", "--approvals", approvals]) == 1
    said = capsys.readouterr().err
    assert said == f"{gone}: cannot be read (No such file or directory)\n"


@pytest.mark.parametrize("resources", [3, [{"type": "aws:s3/bucket:Bucket"}], ["bucket"]])
def test_a_graph_of_another_form_is_refused_in_a_sentence(
    resources: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = file_of(tmp_path, {"stack": "dev", "resources": resources, "findings": []})

    assert cost.main([given]) == 1
    assert f"{given}: has resources of another form; give what" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("deployment", "message"),
    [
        (None, "there is no `deployment` in it; it is written by"),
        ("api", "there is no `deployment` in it; it is written by"),
        ({}, "deployment.handle is null, and not a name"),
        ({"handle": 3}, "deployment.handle is 3, and not a name"),
    ],
)
def test_outputs_without_a_deployment_are_refused_in_a_sentence(
    deployment: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = file_of(tmp_path, {"deployment": deployment})

    assert verify_release.main(["dev", "--config-file", DEV, "--outputs", given]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", ": is no text"),
        (b"config:\n  a: b\n c: d\n", ":3: not valid YAML: "),
        (b"config: {}\n", ": is no stack's file: there is no aws:region under config:"),
    ],
)
def test_what_is_no_stack_file_is_refused_in_one_line(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = file_of(tmp_path, content)

    assert set_image.main(["dev", DIGEST, "--config-file", given]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{given}{message}")
    assert said.count("\n") == 1
