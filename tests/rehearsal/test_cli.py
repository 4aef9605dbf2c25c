"""The command line: what it prints, what it writes, and how it exits."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearsal.cli import main
from tests.projects import WriteProject
from tests.recorder import ROOT

REFUSED = """
    import pulumi_aws as aws
    aws.sqs.Queue("jobs")
    aws.sqs.Queue("jobs")
"""


@pytest.fixture
def here(project: WriteProject, monkeypatch: pytest.MonkeyPatch) -> WriteProject:
    """A project in the current directory, as a person would be."""
    monkeypatch.chdir(project())
    return project


def test_a_clean_stack_exits_with_0(here: WriteProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "--record-only"]) == 0
    said = capsys.readouterr()
    assert "small / dev  Pulumi.dev.yaml" in said.out
    assert said.out.splitlines()[-1] == "dev was recorded, not created"
    assert said.err == ""


def test_a_finding_exits_with_1_and_the_graph_is_written_all_the_same(
    here: WriteProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here(REFUSED)
    assert main(["dev", "--record-only", "--graph", "out.json"]) == 1
    assert "__main__.py:3" in capsys.readouterr().out
    graph = json.loads((tmp_path / "out.json").read_text())
    assert (graph["project"], graph["stack"]) == ("small", "dev")
    assert graph["config_file"] == "Pulumi.dev.yaml"
    (resource,) = graph["resources"]
    assert sorted(resource) == [
        "custom",
        "dependencies",
        "ignore_changes",
        "inputs",
        "made_in",
        "name",
        "outputs",
        "parent",
        "property_dependencies",
        "protect",
        "provider",
        "remote",
        "retain_on_delete",
        "secret_inputs",
        "source",
        "type",
        "urn",
    ]
    (finding,) = graph["findings"]
    assert finding["check"] == "urn"
    assert finding["source"] == "__main__.py:3"


def test_a_refusal_of_the_settings_prints_its_message_alone(
    here: WriteProject, capsys: pytest.CaptureFixture[str]
) -> None:
    here("""
        import os, pulumi
        file = os.environ["BACKLOT_CONFIG_FILE"]
        raise pulumi.RunError(f"{file}: small:size: 3 is too small, 5 or more")
    """)
    assert main(["dev", "--record-only"]) == 1
    said = capsys.readouterr()
    assert said.err == "Pulumi.dev.yaml: small:size: 3 is too small, 5 or more\n"
    assert said.out == ""


def test_ctrl_c_ends_the_program_where_it_is(
    here: WriteProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here("""
        import os, signal
        os.kill(os.getpid(), signal.SIGINT)
        print("went on")
    """)
    handler = signal.getsignal(signal.SIGINT)
    assert main(["dev", "--record-only", "--graph", "out.json"]) == 130
    assert capsys.readouterr() == ("", "\nInterrupted: nothing was written\n")
    assert not (tmp_path / "out.json").exists()
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_unknown_stack_says_which_there_are(
    here: WriteProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.production.yaml").write_text("config: {}")
    assert main(["test", "--record-only"]) == 1
    said = capsys.readouterr()
    assert said.err == "Pulumi.test.yaml: no stack 'test': the stacks are dev, production\n"
    assert said.out == ""


def test_another_settings_file_can_be_named(
    here: WriteProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/other.yaml").write_text("config: {small:size: 9}")
    here("""
        import os, pulumi
        pulumi.export("size", pulumi.Config().require("size"))
        pulumi.export("file", os.environ["BACKLOT_CONFIG_FILE"])
    """)
    assert main(["any", "--record-only", "--config-file", "examples/other.yaml"]) == 0
    said = capsys.readouterr().out
    assert "  file  examples/other.yaml" in said
    assert "  size  9" in said


def test_a_project_elsewhere_can_be_named(
    project: WriteProject, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dev", "--record-only", "--directory", str(project())]) == 0
    assert "small / dev  Pulumi.dev.yaml" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("Pulumi.dev.yaml", "config: [\n", "Pulumi.dev.yaml:2: not valid YAML: "),
        (
            "Pulumi.dev.yaml",
            "other: 1\n",
            "Pulumi.dev.yaml: config: the stack file has no",
        ),
        ("Pulumi.yaml", None, "Pulumi.yaml: no such file"),
    ],
)
def test_a_broken_file_gives_one_line_and_no_traceback(
    here: WriteProject,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    text: str | None,
    said: str,
) -> None:
    (tmp_path / file).unlink()
    if text is not None:
        (tmp_path / file).write_text(text)
    assert main(["dev", "--record-only"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(said)
    assert printed.err.count("\n") == 1
    assert printed.out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "STACK"),
        (["dev", "--unknown"], "--unknown"),
        (["dev", "--serve", "70000"], "'70000' is no port: a number from 0 to 65535"),
        (["dev", "--serve", "x"], "'x' is no port"),
        (["dev", "--serve", "0", "--record-only"], "--serve needs the in-memory AWS"),
        (["dev", "--graph", "absent/out.json"], "there is no directory absent"),
    ],
)
def test_a_wrong_command_exits_with_2(
    here: WriteProject, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_a_graph_that_cannot_be_written_is_said_and_exits_with_1(
    here: WriteProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out.json").mkdir()
    assert main(["dev", "--record-only", "--graph", "out.json"]) == 1
    assert capsys.readouterr().err.startswith("--graph out.json: ")


def test_the_module_runs_as_a_command_and_piped_output_has_no_colour_codes(
    project: WriteProject,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rehearsal", "dev", "--record-only", "--directory", str(project())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout


def test_a_recording_loads_neither_moto_nor_the_service_models(project: WriteProject) -> None:
    script = (
        "import sys; from rehearsal.cli import main; "
        f"main(['dev', '--record-only', '--directory', {str(project())!r}]); "
        "print([name for name in sys.modules if name in ('moto', 'boto3', 'cfnlint')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_in_memory_aws_creates_the_stack_and_can_be_served(
    here: WriteProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.httpsession import URLLib3Session

    from rehearsal import serve

    asked: list[str] = []

    def look_around(port: int, region: str) -> None:
        asked.append(region)
        with serve.serving(port) as address:
            asked.append(address)
            request = AWSPreparedRequest(
                "POST",
                f"{address}/",
                {
                    "Content-Type": "application/x-amz-json-1.0",
                    "X-Amz-Target": "AmazonSQS.ListQueues",
                    "Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/sqs/"
                    "aws4_request, SignedHeaders=host, Signature=0",
                },
                b"{}",
                False,
            )
            asked.append(URLLib3Session().send(request).text)

    monkeypatch.setattr(serve, "until_interrupted", look_around)
    assert main(["dev", "--serve", "0"]) == 0
    region, address, queues = asked
    assert region == "eu-west-1"
    assert address.startswith("http://127.0.0.1:")
    (url,) = json.loads(queues)["QueueUrls"]
    assert "/jobs-" in url
    assert capsys.readouterr().out.splitlines()[-1] == "dev stands: no findings"


def test_the_stacks_region_is_what_is_told_to_look_around_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rehearsal import serve

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    event = SimpleNamespace(wait=interrupted)
    monkeypatch.setattr(serve, "threading", SimpleNamespace(Event=lambda: event))
    serve.until_interrupted(0, "eu-west-1")

    assert "AWS_DEFAULT_REGION=eu-west-1 aws --endpoint-url http://127.0.0.1:" in (
        capsys.readouterr().out
    )


def test_the_account_that_a_person_has_set_up_does_not_matter(
    here: WriteProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["dev", "--graph", "without.json"]) == 0
    for name, value in {
        "AWS_PROFILE": "not-there",
        "AWS_CONFIG_FILE": "/not/there",
        "AWS_ENDPOINT_URL": "http://192.0.2.1",
        "AWS_REGION": "ap-south-1",
        "AWS_CA_BUNDLE": "/not/there",
        "PULUMI_CONFIG": "no JSON",
    }.items():
        monkeypatch.setenv(name, value)
    assert main(["dev", "--graph", "with.json"]) == 0
    without, given = (tmp_path / name for name in ("without.json", "with.json"))
    assert given.read_bytes() == without.read_bytes()


def test_a_taken_port_is_said(here: WriteProject, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["dev", "--serve", str(port)]) == 1
    said = capsys.readouterr().err
    assert said == f"--serve {port}: Address already in use; 0 picks a free port\n"
