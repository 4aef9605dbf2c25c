"""The workflows as data, and their scripts to run."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.recorder import ROOT

FOLDER = ROOT / ".github" / "workflows"
ACTION = ROOT / ".github" / "actions" / "stack" / "action.yaml"


class Job(NamedTuple):
    """One job, and where it stands."""

    workflow: str
    """`deploy`."""
    name: str
    content: Mapping[str, Any]

    @property
    def place(self) -> str:
        return f"{self.workflow}.{self.name}"

    @property
    def steps(self) -> list[Mapping[str, Any]]:
        return self.content.get("steps", [])

    @property
    def permissions(self) -> Mapping[str, str]:
        return self.content["permissions"]

    def script(self, step: str) -> str:
        """What the step called `step` runs."""
        return next(one["run"] for one in self.steps if one.get("name") == step)


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.yaml"))


@cache
def workflow(name: str) -> dict[str, Any]:
    """One workflow. YAML 1.1 takes its `on` for a truth value."""
    content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def jobs() -> Iterator[Job]:
    for file in files():
        for name, content in workflow(file.stem)["jobs"].items():
            yield Job(file.stem, name, content)


def job(place: str) -> Job:
    return next(one for one in jobs() if one.place == place)


class Ran(NamedTuple):
    """How a script ended, and what it asked of the commands that stood in for the real ones."""

    code: int
    output: str
    calls: list[str]
    """Each as `aws s3 cp ...`, in order."""


def run(script: str, folder: Path, stubs: Mapping[str, str], **variables: str) -> Ran:
    """Run a step's script as GitHub does, with `stubs` in place of commands.

    A stub is the shell that answers for the command: `true`, or `echo sha256:...`.
    """
    bin_folder, log = folder / ".stubs", folder / ".calls"
    bin_folder.mkdir()
    log.touch()
    for name, answer in stubs.items():
        stub = bin_folder / name
        stub.write_text(f'#!/bin/bash\necho "{name} $*" >> "{log}"\n{answer}\n', encoding="utf-8")
        stub.chmod(stub.stat().st_mode | stat.S_IEXEC)
    summary = folder / ".summary"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_OUTPUT": str(folder / ".output"),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    calls = log.read_text(encoding="utf-8").splitlines()
    return Ran(done.returncode, done.stdout + done.stderr, calls)
