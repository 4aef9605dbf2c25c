"""What a rehearsal records: resources, findings, and the graph they form.

Plain data without behaviour beyond writing itself down. The monitor fills it, the provider and
the checks read it, the report and the tests show it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning"]
MadeIn = Literal["moto", "shadow", "component", "provider", "nothing"]
"""Where a resource stands now; `nothing` when it was refused, skipped, or only previewed."""

SECRET = "[secret]"  # noqa: S105 (a placeholder, no password)
"""What stands in the written graph wherever a secret value was."""


class Unknown:
    """An output that does not exist yet: a preview's, or that of a resource that was not made."""

    def __repr__(self) -> str:
        return "[unknown]"

    def __reduce__(self) -> str:
        """There is one: a copy of it, and one out of a pickle, are itself."""
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(kw_only=True)
class Resource:
    """One registration, as the engine would see it.

    `inputs` and `outputs` carry wire names (camelCase) and plain values. Secrets are unwrapped
    here, so that they can be sent to the in-memory AWS; `secret_inputs` and `secret_outputs` name
    the top-level properties that held one, and `as_json` never writes those values.
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    remote: bool
    source: str
    """Where the program registered it: `components/queues.py:61`, relative to the program."""
    path: Sequence[str] = ()
    """How the program came there: the lines from its first to `source`. Not written."""
    provider: str = ""
    """URN of the provider resource it was given; empty for a default provider."""
    region: str = ""
    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: Sequence[str] = ()
    dependencies: Sequence[str] = ()
    property_dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    secret_inputs: Sequence[str] = ()
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: Sequence[str] = ()
    made_in: MadeIn = "component"

    def as_json(self) -> dict[str, Any]:
        return {
            "urn": self.urn,
            "type": self.type,
            "name": self.name,
            "parent": self.parent,
            "custom": self.custom,
            "remote": self.remote,
            "provider": self.provider,
            "protect": self.protect,
            "retain_on_delete": self.retain_on_delete,
            "ignore_changes": sorted(self.ignore_changes),
            "dependencies": sorted(self.dependencies),
            "property_dependencies": {
                key: sorted(urns) for key, urns in sorted(self.property_dependencies.items())
            },
            "inputs": _masked(self.inputs, self.secret_inputs),
            "outputs": _masked(self.outputs, self.secret_outputs),
            "secret_inputs": sorted(self.secret_inputs),
            "source": self.source,
            "made_in": self.made_in,
        }


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One thing that AWS, or the project's own rules, would refuse (error) or regret (warning)."""

    source: str
    urn: str
    check: str
    """Which oracle spoke: shape, model, moto, reference, pair, double, cfn-lint, name, urn, asset,
    awsx, provider, lookup, transform, log, skipped, program, rehearsal."""
    severity: Severity
    message: str

    def as_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "severity": self.severity,
            "urn": self.urn,
            "source": self.source,
            "message": self.message,
        }


@dataclass(kw_only=True)
class Graph:
    """Everything one rehearsal of one stack recorded."""

    project: str
    stack: str
    config_file: str
    program_dir: str = "."
    """What paths in sources, assets and archives are relative to. Not written."""
    resources: dict[str, Resource] = field(default_factory=dict)
    """By URN, in the order of registration."""
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: Sequence[str] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "stack": self.stack,
            "config_file": self.config_file,
            "resources": [self.resources[urn].as_json() for urn in sorted(self.resources)],
            "outputs": _masked(self.outputs, self.secret_outputs),
            "findings": [finding.as_json() for finding in sorted(set(self.findings))],
        }

    def write(self) -> str:
        """The graph as text: sorted, and the same bytes for the same program and settings."""
        return json.dumps(self.as_json(), indent=1, sort_keys=True, default=repr) + "\n"


def place(source: str) -> tuple[str, int]:
    """File and line of `__main__.py:61`, so that line 7 comes before line 14."""
    file, _, line = source.rpartition(":")
    return (file, int(line)) if line.isdecimal() else (source, 0)


def _masked(properties: Mapping[str, Any], secret: Sequence[str]) -> dict[str, Any]:
    return {key: SECRET if key in secret else value for key, value in properties.items()}
