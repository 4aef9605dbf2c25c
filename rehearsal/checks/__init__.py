"""Checks that need the whole graph: what moto accepts and AWS refuses.

Each module has one `check(graph)`. None changes the graph, and none depends on the order in which
the resources were registered.
"""

from __future__ import annotations

from rehearsal.checks import cfn_lint, doubles, pairs, references
from rehearsal.graph import Finding, Graph

__all__ = ["run"]


def run(graph: Graph) -> list[Finding]:
    """Every finding of every check over everything the rehearsal recorded.

    What the API's own model has refused already is not said a second time.
    """
    refused = {_property(finding) for finding in graph.findings if finding.check == "model"}
    linted = [finding for finding in cfn_lint.check(graph) if _property(finding) not in refused]
    return [*references.check(graph), *pairs.check(graph), *doubles.check(graph), *linted]


def _property(finding: Finding) -> tuple[str, str]:
    """Which input of which resource a finding is about; findings begin with its path."""
    return finding.urn, finding.message.partition(":")[0]
