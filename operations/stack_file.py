"""What a command needs to know of a stack: its file as it stands, and its outputs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

NAMESPACE = "backlot"
DEFAULT_NAME = "backlot"


class StackFileError(Exception):
    """The file cannot be used; the message names it and says what to do."""


class OutputsError(Exception):
    """The outputs cannot be used; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """One stack's file. Settings are looked up by their path, and judged elsewhere."""

    path: Path
    stack: str
    config: Mapping[str, Any]

    def get(self, path: str, default: Any = None) -> Any:
        """The setting at `database.deletion_protection`, or `default` where none is given."""
        section, *below = path.split(".")
        value: Any = self.config.get(f"{NAMESPACE}:{section}", {})
        for step in below:
            if not isinstance(value, Mapping) or step not in value:
                return default
            value = value[step]
        return value

    @property
    def name(self) -> str:
        """The platform's."""
        return str(self.get("platform.name", DEFAULT_NAME))

    @property
    def prefix(self) -> str:
        """Leads every physical name: `backlot-dev`."""
        return f"{self.name}-{self.stack}"

    @property
    def region(self) -> str:
        return str(self.config["aws:region"])


def ask_for_stack(parser: argparse.ArgumentParser, purpose: str = "the stack") -> None:
    """STACK and `--config-file`, for `read`."""
    parser.add_argument("stack", metavar="STACK", help=f"{purpose}, such as dev")
    parser.add_argument(
        "--config-file",
        metavar="FILE",
        type=Path,
        help="the stack's settings (default: Pulumi.STACK.yaml)",
    )


def ask_for_outputs(parser: argparse.ArgumentParser) -> None:
    """`--outputs`, for `read_outputs`."""
    parser.add_argument(
        "--outputs",
        metavar="FILE",
        default="-",
        help="what `pulumi stack output --json` wrote (default: read it from the pipe)",
    )


def read(stack: str, file: Path | None = None) -> StackFile:
    """The file of `stack`. Raises StackFileError when there is none, or it is no stack's."""
    path = file or Path(f"Pulumi.{stack}.yaml")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        known = ", ".join(sorted(str(one) for one in path.parent.glob("Pulumi.*.yaml")))
        there = f"there are: {known}" if known else "run this where the stack files are"
        raise StackFileError(f"{path}: {problem.strerror}; {there}") from None
    except UnicodeDecodeError:
        raise StackFileError(f"{path}: is no text") from None
    except yaml.YAMLError as problem:
        raise StackFileError(f"{path}{_not_yaml(problem)}") from None
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping) or "aws:region" not in config:
        raise StackFileError(f"{path}: is no stack's file: there is no aws:region under config:")
    return StackFile(path=path, stack=stack, config=config)


def _not_yaml(problem: yaml.YAMLError) -> str:
    mark = getattr(problem, "problem_mark", None)
    line = f":{mark.line + 1}" if mark else ""
    return f"{line}: not valid YAML: {getattr(problem, 'problem', None) or 'odd characters'}"


def read_outputs(source: str) -> Mapping[str, Any]:
    """What `pulumi stack output --json` wrote to a file, or to the pipe for `-`.

    Raises OutputsError when it did not, or when the stack is not up.
    """
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        outputs = json.loads(text)
    except OSError as problem:
        raise OutputsError(f"--outputs {source}: {problem.strerror}") from None
    except ValueError:
        raise OutputsError(
            f"--outputs {source}: is no JSON; give what `pulumi stack output --json` writes"
        ) from None
    deployment = outputs.get("deployment") if isinstance(outputs, Mapping) else None
    if not isinstance(deployment, Mapping):
        raise OutputsError(
            f"--outputs {source}: there is no `deployment` in it; it is written by "
            "`pulumi stack output --json` once the stack is up"
        )
    return outputs


def build_of(image: str) -> str:
    """What tells one build of an image from another: its digest, or else its tag."""
    repository_and_tag, at, digest = image.partition("@")
    return digest if at else repository_and_tag.rpartition(":")[2]
