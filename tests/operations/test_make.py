"""`make up`, `preview` and `destroy`: what they ask of the Pulumi CLI, with one that listens."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.recorder import ROOT
from tests.rows import proves

LISTENS = """#!/bin/sh
echo "[$PULUMI_BACKEND_URL] $*" >> "{heard}"
"""


@pytest.fixture(name="make")
def _make(tmp_path: Path):
    """Runs make with a `pulumi` that writes down how it was called."""
    heard = tmp_path / "heard"
    cli = tmp_path / "bin" / "pulumi"
    cli.parent.mkdir()
    cli.write_text(LISTENS.format(heard=heard))
    cli.chmod(0o755)

    def run(*arguments: str) -> tuple[int, list[str], str]:
        environment = {
            "PATH": f"{cli.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            # What is installed is not this test's business.
            "MAKEFLAGS": f"-o install -o {ROOT / '.venv' / '.installed'}",
        }
        done = subprocess.run(
            ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        said = heard.read_text().splitlines() if heard.exists() else []
        return done.returncode, said, done.stdout + done.stderr

    return run


@proves("M106", "aivp", "ai-film-studio", "muejam")
def test_up_selects_the_stack_and_brings_it_up(make) -> None:
    code, heard, _ = make("up", "STACK=staging")

    assert code == 0
    assert [line.split() for line in heard] == [
        ["[]", "stack", "select", "--create", "staging"],
        ["[]", "up", "--stack", "staging"],
    ]


def test_the_state_may_lie_in_the_bucket_that_bootstrap_made(make) -> None:
    backend = "s3://backlot-state-123456789012?region=us-east-1"
    secrets = "awskms://alias/backlot-state?region=us-east-1"

    code, heard, _ = make("preview", "STACK=dev", f"BACKEND={backend}", f"SECRETS={secrets}")

    assert code == 0
    assert [line.split() for line in heard] == [
        [f"[{backend}]", "stack", "select", "--create", "dev", "--secrets-provider", secrets],
        [f"[{backend}]", "preview", "--diff", "--stack", "dev"],
    ]


def test_the_state_may_lie_beside_the_program(make) -> None:
    code, heard, _ = make("preview", "STACK=dev", "BACKEND=local")

    assert code == 0
    assert {line.split()[0] for line in heard} == {f"[file://{ROOT}/.state]"}


def test_another_file_may_stand_for_the_stack(make) -> None:
    code, heard, _ = make("up", "STACK=dev", "CONFIG=tests/shipped/Pulumi.dev.yaml", "ARGS=--yes")

    assert code == 0
    assert heard[-1].split() == [
        *["[]", "up", "--stack", "dev", "--config-file"],
        *["tests/shipped/Pulumi.dev.yaml", "--yes"],
    ]


def test_a_stack_without_a_file_is_refused_before_pulumi_makes_one(make) -> None:
    code, heard, said = make("up", "STACK=prod")

    assert code != 0
    assert heard == []
    assert "No stack file Pulumi.prod.yaml. There are: " in said


def test_a_stack_among_the_goals_is_refused_before_dev_is_brought_up(make) -> None:
    code, heard, said = make("up", "production")

    assert code != 0
    assert heard == []
    assert "A stack is chosen with STACK=production, and nothing was done" in said


def test_a_cost_that_cannot_be_told_says_once_why(make) -> None:
    code, _, said = make("cost", "STACK=prod")

    assert code != 0
    assert said.count("no stack 'prod'") == 1


def test_destroy_of_a_protected_stack_never_reaches_pulumi(make) -> None:
    file = "tests/shipped/Pulumi.production.yaml"

    code, heard, said = make("destroy", "STACK=production", f"CONFIG={file}")

    assert code != 0
    assert heard == []
    assert "production is kept, and was left alone" in said
