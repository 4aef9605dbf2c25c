"""Small Pulumi projects on disk, for the tests of the rehearsal itself."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Protocol

PROJECT_FILE = "name: small\nruntime: python\n"
SETTINGS = "config:\n  aws:region: eu-west-1\n  small:size: 3\n"
PROGRAM = """
    import pulumi_aws as aws
    aws.sqs.Queue("jobs")
"""


class WriteProject(Protocol):
    def __call__(self, program: str = PROGRAM, settings: str = SETTINGS, **files: str) -> Path: ...


def write_project(
    directory: Path, program: str = PROGRAM, settings: str = SETTINGS, **files: str
) -> Path:
    """Write a project with a stack `dev`; `parts__jobs="..."` becomes `parts/jobs.py`."""
    contents = {
        "Pulumi.yaml": PROJECT_FILE,
        "Pulumi.dev.yaml": settings,
        "__main__.py": program,
        **{f"{name.replace('__', '/')}.py": text for name, text in files.items()},
    }
    for name, text in contents.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(dedent(text).lstrip("\n"))
    return directory
