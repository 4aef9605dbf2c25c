"""Amazon ElastiCache. moto has neither parameter groups nor the members of a replication group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope
from rehearsal.catalogue.windows import apart

MANAGED = "Managed by Pulumi"


def _described(inputs: Inputs) -> Inputs:
    inputs.setdefault("description", MANAGED)
    return inputs


def _replication_group(inputs: Inputs) -> Inputs:
    for delivery in inputs.get("logDeliveryConfigurations") or ():
        if isinstance(delivery, dict) and (destination := delivery.pop("destination", None)):
            kind = delivery.get("destinationType")
            delivery["logGroup" if kind == "cloudwatch-logs" else "deliveryStream"] = destination
    return inputs


def _nodes(inputs: Inputs) -> int:
    shards = int(inputs.get("numNodeGroups") or 1)
    if inputs.get("replicasPerNodeGroup") is not None:
        return shards * (1 + int(inputs["replicasPerNodeGroup"]))
    return int(inputs.get("numCacheClusters") or shards)


def _failover(inputs: Inputs) -> Iterator[tuple[str, str]]:
    nodes = _nodes(inputs)
    if inputs.get("automaticFailoverEnabled") and nodes < 2:
        yield "automaticFailoverEnabled", f"true with {nodes} node, failover needs at least 2"
    if inputs.get("multiAzEnabled") and not inputs.get("automaticFailoverEnabled"):
        yield "multiAzEnabled", "true without automaticFailoverEnabled, which it needs"


def _token(inputs: Inputs) -> Iterator[tuple[str, str]]:
    token = inputs.get("authToken")
    if not isinstance(token, str):
        return
    if not inputs.get("transitEncryptionEnabled"):
        yield "authToken", "given without transitEncryptionEnabled, which it needs"
    if not 16 <= len(token) <= 128:
        yield "authToken", f"has {len(token)} characters, 16 to 128 are allowed"
    if any(character in token for character in '/"@') or not token.isprintable():
        yield "authToken", 'holds a character that is not allowed: printable, without / " and @'


def _clustered(scope: Scope) -> bool:
    return int(scope.find("numNodeGroups") or 1) > 1 or scope.find("clusterMode") == "enabled"


def _short(region: str) -> str:
    """The region as endpoints spell it: `use1`."""
    area, direction, number = region.split("-")[-3:]
    return f"{area}{direction[0]}{number}"


def _endpoint(role: str) -> Any:
    def made(scope: Scope) -> str | None:
        if _clustered(scope) != (role == "clustercfg"):
            return None
        name, word, region = (scope.find(n) for n in ("replicationGroupId", "word", "region"))
        if scope.find("transitEncryptionEnabled"):
            return f"{role}.{name}.{word}.{_short(region)}.cache.amazonaws.com"
        plain = {"master": f"{name}.{word}.ng.0001", "replica": f"{name}-ro.{word}"}
        return f"{plain.get(role, f'{name}.{word}.{role}')}.{_short(region)}.cache.amazonaws.com"

    return made


def _members(scope: Scope) -> list[str]:
    sizes = ("numNodeGroups", "replicasPerNodeGroup", "numCacheClusters")
    inputs = {size: scope.find(size) for size in sizes}
    name, nodes = scope.find("replicationGroupId"), _nodes(inputs)
    if not _clustered(scope):
        return [f"{name}-{node:03}" for node in range(1, nodes + 1)]
    shards = int(inputs["numNodeGroups"] or 1)
    return [
        f"{name}-{shard:04}-{node:03}"
        for shard in range(1, shards + 1)
        for node in range(1, nodes // shards + 1)
    ]


ENTRIES = {
    "SubnetGroup": Entry(
        service="elasticache",
        operation="CreateCacheSubnetGroup",
        kind="CacheSubnetGroup",
        answer="CacheSubnetGroup",
        prepare=_described,
        id="{name}",
        outputs={"vpcId": "{VpcId}"},
    ),
    "ParameterGroup": Entry(
        service="elasticache",
        operation="CreateCacheParameterGroup",
        kind="CacheParameterGroup",
        shadow="moto has no ElastiCache parameter groups",
        prepare=_described,
        then=(
            Call(
                operation="ModifyCacheParameterGroup",
                rename={
                    "parameters": "ParameterNameValues",
                    "parameters.name": "ParameterName",
                    "parameters.value": "ParameterValue",
                },
                fixed={"CacheParameterGroupName": "{name}"},
            ),
        ),
        limits={
            "family": (
                "memcached1.4",
                "memcached1.5",
                "memcached1.6",
                "redis2.6",
                "redis2.8",
                "redis3.2",
                "redis4.0",
                "redis5.0",
                "redis6.x",
                "redis7",
                "valkey7",
                "valkey8",
                "valkey9",
            )
        },
        id="{name}",
        outputs={"arn": "arn:aws:elasticache:{region}:{account}:parametergroup:{name}"},
    ),
    "ReplicationGroup": Entry(
        service="elasticache",
        operation="CreateReplicationGroup",
        kind="ReplicationGroup",
        answer="ReplicationGroup",
        rename={
            "nodeType": "CacheNodeType",
            "parameterGroupName": "CacheParameterGroupName",
            "subnetGroupName": "CacheSubnetGroupName",
            "securityGroupNames": "CacheSecurityGroupNames",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "logDeliveryConfigurations.logGroup": (
                "DestinationDetails.CloudWatchLogsDetails.LogGroup"
            ),
            "logDeliveryConfigurations.deliveryStream": (
                "DestinationDetails.KinesisFirehoseDetails.DeliveryStream"
            ),
            "authTokenWo": "AuthToken",
        },
        ignore={
            "applyImmediately": "a change of an existing group",
            "authTokenUpdateStrategy": "a change of an existing group",
            "authTokenWoVersion": "tells Terraform to send authTokenWo again",
            "finalSnapshotIdentifier": "told when the group is deleted",
        },
        prepare=_replication_group,
        limits={
            "snapshotRetentionLimit": range(36),
            "replicasPerNodeGroup": range(6),
            "numCacheClusters": range(1, 7),
            "engine": ("redis", "valkey"),
        },
        rules=(_failover, _token, apart("snapshotWindow", "maintenanceWindow", 60)),
        id="{replicationGroupId}",
        outputs={
            "arn": "{ARN}",
            "primaryEndpointAddress": _endpoint("master"),
            "readerEndpointAddress": _endpoint("replica"),
            "configurationEndpointAddress": _endpoint("clustercfg"),
            "port": lambda scope: scope.find("port") or 6379,
            "memberClusters": _members,
            "engineVersionActual": "{engineVersion}",
            "clusterEnabled": _clustered,
        },
    ),
}
