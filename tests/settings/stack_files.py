"""What the tests of the settings share: the stack files we ship, and ways to bend them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

import settings

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "tests" / "shipped"
"""Stack files whose figures the tests know. Those at the top are their owner's to change."""
STACKS = ("dev", "staging", "production")
REMOVED = object()
"""Stands for "take this key out" among the changes to a stack file."""

FILES: Mapping[str, dict[str, Any]] = {
    stack: yaml.safe_load((SHIPPED / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    for stack in STACKS
}

Change = Mapping[str, Any]
"""`{"database.replicas.count": 2}`: values by section and path."""


def bent(stack: str, change: Change) -> dict[str, Any]:
    """A real stack file's configuration with some values changed or removed.

    A section is named without its namespace, and a provider's key with it: `aws:region`.
    """
    config = deepcopy(FILES[stack])
    for path, value in change.items():
        section, *rest = path.split(".")
        steps = [section if ":" in section else f"backlot:{section}", *rest]
        here = config
        for step in steps[:-1]:
            here = here.setdefault(step, {})
        if value is REMOVED:
            here.pop(steps[-1], None)
        else:
            here[steps[-1]] = value
    return config


def encoded(config: Mapping[str, Any]) -> dict[str, str]:
    """As the Pulumi engine hands it over: text by key, mappings as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()
    }


def parse(
    config: Mapping[str, Any], stack: str = "dev", secret_keys: Collection[str] = ()
) -> settings.Settings:
    return settings.parse(
        encoded(config), stack=stack, file="the-file.yaml", secret_keys=secret_keys
    )


def accepted(
    change: Change, stack: str = "dev", *, stack_name: str | None = None
) -> settings.Settings:
    """Bend a stack file, and expect it to load."""
    return parse(bent(stack, change), stack_name or stack)


def refused(change: Change, stack: str = "dev", *, stack_name: str | None = None) -> list[str]:
    """Bend a stack file, and give the lines of its refusal."""
    return problems(bent(stack, change), stack_name or stack)


def problems(
    config: Mapping[str, Any], stack: str = "dev", secret_keys: Collection[str] = ()
) -> list[str]:
    """The lines of a refusal, without the file's name before them and the count after."""
    with pytest.raises(settings.SettingsError) as refusal:
        parse(config, stack, secret_keys)
    *lines, _ = str(refusal.value).splitlines()
    lead = "the-file.yaml: "
    assert all(line.startswith(lead) for line in lines)
    return [line.removeprefix(lead) for line in lines]
