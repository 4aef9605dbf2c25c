"""Values that AWS refuses together, where neither the API's model nor cfn-lint knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rehearsal.graph import Finding, Graph, Resource

_DATABASE = "aws:rds/instance:Instance"


def check(graph: Graph) -> list[Finding]:
    """A finding for every pair of values that contradict each other."""
    return [
        Finding(
            source=resource.source,
            urn=resource.urn,
            check="pair",
            severity="error",
            message=message,
        )
        for resource in graph.resources.values()
        if (rule := _RULES.get(resource.type))
        for message in rule(resource, graph)
    ]


def _cache(resource: Resource, _: Graph) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html"""
    inputs = resource.inputs
    nodes = inputs.get("numCacheClusters")
    sharded = inputs.get("numNodeGroups") or inputs.get("replicasPerNodeGroup")
    if inputs.get("automaticFailoverEnabled") and not sharded and nodes in (None, 1):
        yield f"automaticFailoverEnabled: needs at least 2 nodes, numCacheClusters is {nodes or 1}"
    if inputs.get("multiAzEnabled") and inputs.get("automaticFailoverEnabled") is False:
        yield "multiAzEnabled: needs automaticFailoverEnabled"
    if inputs.get("authToken") and inputs.get("transitEncryptionEnabled") is False:
        yield "authToken: needs transitEncryptionEnabled"


def _replica(resource: Resource, graph: Graph) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html"""
    given = resource.inputs.get("replicateSourceDb")
    for source in graph.resources.values():
        named = {source.inputs.get("identifier"), source.outputs.get("arn"), source.id}
        if source.type != _DATABASE or not isinstance(given, str) or given not in named:
            continue
        if source.inputs.get("manageMasterUserPassword"):
            yield (
                f"replicateSourceDb: {source.name!r} has manageMasterUserPassword, and RDS makes "
                "no replica of a database whose password it manages"
            )
        if source.inputs.get("backupRetentionPeriod") in (None, 0):
            yield (
                f"replicateSourceDb: {source.name!r} keeps no backups; RDS replicates only a "
                "database with backupRetentionPeriod of at least 1 day"
            )


_RULES: Mapping[str, Callable[[Resource, Graph], Iterator[str]]] = {
    _DATABASE: _replica,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache,
}
