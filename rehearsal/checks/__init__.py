"""Checks that need the whole graph: what moto accepts and AWS refuses.

Each module has one `check(graph)`. None changes the graph, and none depends on the order in which
the resources were registered.
"""

from __future__ import annotations

from rehearsal.checks import cfn_lint, pairs, references
from rehearsal.graph import Finding, Graph

__all__ = ["run"]


def run(graph: Graph) -> list[Finding]:
    """Every finding of every check over everything the rehearsal recorded."""
    return [*references.check(graph), *pairs.check(graph), *cfn_lint.check(graph)]
