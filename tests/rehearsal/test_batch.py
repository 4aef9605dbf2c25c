"""Many stack files at once: what is printed of each, and how it exits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rehearsal.batch import main
from tests.projects import SETTINGS, WriteProject

REFUSED = """
    import pulumi_aws as aws
    aws.sqs.Queue("jobs", visibility_timeout_seconds=-1)
"""
MEASURED = re.compile(r"\d+\.\d s")


@pytest.fixture(name="here")
def _here(project: WriteProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteProject:
    """A project in the current directory, with a second stack in a folder."""
    monkeypatch.chdir(project())
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "Pulumi.production.yaml").write_text(SETTINGS)
    return project


def test_each_file_has_a_line_and_clean_ones_exit_with_0(
    here: WriteProject, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["Pulumi.dev.yaml", "theirs/Pulumi.production.yaml"]
    assert main(["--jobs", "1", *files]) == 0
    first, second, _, last = capsys.readouterr().out.splitlines()
    assert MEASURED.sub("", first).split() == ["ok", files[0], "1", "resources", "0", "findings"]
    assert MEASURED.sub("", second).split() == ["ok", files[1], "1", "resources", "0", "findings"]
    assert last.startswith("2 of 2 stand without a finding, in ")


def test_a_file_is_rehearsed_as_the_stack_it_is_named_after(
    here: WriteProject, capsys: pytest.CaptureFixture[str]
) -> None:
    here("""
        import pulumi
        raise pulumi.RunError(f"I am {pulumi.get_stack()}")
    """)
    assert main(["--jobs", "1", "theirs/Pulumi.production.yaml"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("FAIL")
    assert "I am production" in said


def test_a_finding_is_told_in_full_and_exits_with_1_when_the_others_are_done(
    here: WriteProject, capsys: pytest.CaptureFixture[str]
) -> None:
    here(REFUSED)
    files = ["Pulumi.dev.yaml", "theirs/Pulumi.production.yaml"]
    assert main(["--jobs", "1", *files]) == 1
    said = capsys.readouterr().out
    assert said.count("FAIL") == said.count("__main__.py:2") == 2
    assert "0 of 2 stand" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: FILE"),
        (["theirs/production.yaml"], "a stack file is called Pulumi.STACK.yaml"),
        (["--jobs", "0", "Pulumi.dev.yaml"], "--jobs 0: give 1 or more"),
    ],
)
def test_a_wrong_command_exits_with_2_before_anything_runs(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
