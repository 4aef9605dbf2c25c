"""What a command needs to know of a stack, read from its file as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

NAMESPACE = "backlot"
DEFAULT_NAME = "backlot"


class StackFileError(Exception):
    """The file cannot be used; the message names it and says what to do."""


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


def read(stack: str, file: Path | None = None) -> StackFile:
    """The file of `stack`. Raises StackFileError when there is none, or it is no stack's."""
    path = file or Path(f"Pulumi.{stack}.yaml")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        known = ", ".join(sorted(str(one) for one in path.parent.glob("Pulumi.*.yaml")))
        there = f"there are: {known}" if known else "run this where the stack files are"
        raise StackFileError(f"{path}: {problem.strerror}; {there}") from None
    except yaml.YAMLError as problem:
        raise StackFileError(f"{path}: not valid YAML: {problem}") from None
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping) or "aws:region" not in config:
        raise StackFileError(f"{path}: is no stack's file: there is no aws:region under config:")
    return StackFile(path=path, stack=stack, config=config)
