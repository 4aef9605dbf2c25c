"""What the monitor asks of whatever stands in for the AWS provider.

The order is the engine's: `check` completes and judges the inputs, `create` makes the resource.
Two implementations: `provider.MotoProvider` (the in-memory AWS) and `record.RecordOnlyProvider`
(made-up ids, no botocore), so that `--record-only` and the component tests stay quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rehearsal.graph import Finding, Graph, MadeIn, Resource


@dataclass(frozen=True, kw_only=True)
class Created:
    """What making a resource gave. An empty `id` with an error finding means it was refused.

    A remote component has no id; it is refused when it gives no outputs. An output that is a
    resource is written as the engine's reference to it.
    """

    id: str
    outputs: dict[str, Any] = field(default_factory=dict)
    made_in: MadeIn = "moto"
    findings: list[Finding] = field(default_factory=list)


class Provider(Protocol):
    """Stands in for a Pulumi provider plugin, and for AWS behind it."""

    def check(self, resource: Resource, graph: Graph) -> list[Finding]:
        """Fill `resource.inputs` with the auto-name and the default tags, and judge the names."""
        ...

    def create(self, resource: Resource, graph: Graph) -> Created:
        """Make a custom or remote resource. `graph` holds everything registered before it."""
        ...

    def read(self, resource: Resource, id: str, graph: Graph) -> Created:
        """Answer `Type.get(...)`: the state of something that stood before the program ran."""
        ...

    def call(self, token: str, args: Mapping[str, Any], region: str) -> dict[str, Any]:
        """Answer a function such as `aws:ssm/getParameter:getParameter`. Raises LookupError."""
        ...

    def finish(self, graph: Graph) -> list[Finding]:
        """Run the checks that need the whole graph, once, after the program ended."""
        ...
