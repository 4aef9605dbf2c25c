"""The cache: Valkey or Redis on ElastiCache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.access import Access, Path
from components.containers import ContainerSecret
from components.ground import Ground
from components.observe import Alarm, Metric, Panel
from components.security_groups import security_group
from components.stores.connection_secret import connection_secret, container_secret
from components.stores.final_snapshot import final_snapshot_identifier
from settings.cache import CacheSettings

PORT = 6379

TOKEN_LENGTH = 64
"""Characters; ElastiCache takes 16 to 128 (M71)."""

LOG_KINDS = ("slow-log", "engine-log")


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    settings: CacheSettings
    ground: Ground


class Cache(pulumi.ComponentResource):
    """A primary and its replicas, behind TLS and a token (M69-M73).

    Always a replication group, even of one node: a lone cache cluster can be neither Valkey nor
    encrypted at rest, and becoming one later would replace it.

    Cost: per node and month, on demand: cache.t4g.micro 9 USD, cache.t4g.medium 38 USD,
    cache.r6g.large 120 USD with Valkey, a quarter more with Redis (us-east-1, 2026). Snapshots
    0.085 USD per GB and month.
    """

    group_id: pulumi.Output[str]
    """The replication group's name."""
    primary_address: pulumi.Output[str]
    reader_address: pulumi.Output[str]
    port: int
    security_group_id: pulumi.Output[str]
    secrets: tuple[ContainerSecret, ...]
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:stores:Cache", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self)
        # Everything but the data can be made anew, and must not stand in the way of a change.
        child = pulumi.ResourceOptions(parent=self, protect=False)
        token = _token(f"{name}-token", child)
        members = security_group(f"{name}-group", args.ground.vpc_id, "Cache", child)
        group = _replication_group(name, args, token, members, kept, child)
        _, url = connection_secret(
            f"{name}-url",
            "cache",
            pulumi.Output.concat(
                "rediss://:", token.result, "@", group.primary_endpoint_address, f":{PORT}/0"
            ),
            args.ground,
            child,
        )

        self.group_id = group.replication_group_id
        self.primary_address = group.primary_endpoint_address
        self.reader_address = group.reader_endpoint_address
        self.port = PORT
        self.security_group_id = members.id
        self.secrets = (container_secret("REDIS_URL", url.secret_arn, "CacheUrl", args.ground),)
        nodes = _nodes(args.settings, group)
        self.alarms = tuple(alarm for node in nodes for alarm in _alarms(node))
        self.panels = _panels(nodes)
        self.register_outputs(
            {"primary_address": self.primary_address, "reader_address": self.reader_address}
        )

    def access(self) -> Access:
        """What a workload needs to use the cache: `REDIS_URL`, and the way to the nodes."""
        return Access(
            secrets=self.secrets,
            paths=(Path(to="cache", group_id=self.security_group_id, port=self.port),),
        )


def _token(name: str, opts: pulumi.ResourceOptions) -> random.RandomPassword:
    # Letters and digits: it stands in a URL, and ElastiCache refuses most other signs.
    return random.RandomPassword(name, length=TOKEN_LENGTH, special=False, opts=opts)


def _replication_group(
    name: str,
    args: CacheArgs,
    token: random.RandomPassword,
    members: aws.ec2.SecurityGroup,
    kept: pulumi.ResourceOptions,
    opts: pulumi.ResourceOptions,
) -> aws.elasticache.ReplicationGroup:
    settings, ground = args.settings, args.ground
    subnets = aws.elasticache.SubnetGroup(
        f"{name}-subnets", subnet_ids=ground.database_subnet_ids, opts=opts
    )
    parameters = aws.elasticache.ParameterGroup(
        f"{name}-parameters",
        family=parameter_family(settings.engine, settings.engine_version),
        parameters=[{"name": "maxmemory-policy", "value": settings.max_memory_policy}],
        opts=opts,
    )
    final_snapshot = None
    if settings.snapshot_days:
        final_snapshot = final_snapshot_identifier(
            f"{name}-final-snapshot", ground, "cache", {"engine": settings.engine}, opts
        )
    return aws.elasticache.ReplicationGroup(
        f"{name}-nodes",
        description=f"{ground.prefix} cache",
        engine=settings.engine,
        engine_version=settings.engine_version,
        auto_minor_version_upgrade=True,
        node_type=settings.node_type,
        num_cache_clusters=settings.nodes,
        automatic_failover_enabled=settings.failover,
        multi_az_enabled=settings.multi_az,
        port=PORT,
        parameter_group_name=parameters.name,
        subnet_group_name=subnets.name,
        security_group_ids=[members.id],
        at_rest_encryption_enabled=True,
        kms_key_id=ground.data_key_arn,
        # Without a mode beside it: `required` is the default, and Redis 6.2 knows no modes.
        transit_encryption_enabled=True,
        auth_token=token.result,
        # A new token is added beside the old one, so that running containers stay connected. The
        # first token is simply set: the strategy is for later ones.
        auth_token_update_strategy="ROTATE",  # noqa: S106 (a strategy, no password)
        snapshot_retention_limit=settings.snapshot_days,
        snapshot_window=settings.snapshot_window,
        final_snapshot_identifier=final_snapshot,
        maintenance_window=settings.maintenance_window,
        log_delivery_configurations=[
            {
                "log_type": kind,
                "log_format": "json",
                "destination_type": "cloudwatch-logs",
                "destination": ground.logs.group(
                    f"{name}-{kind}", "elasticache", f"cache/{kind}", opts
                ).name,
            }
            for kind in LOG_KINDS
        ],
        opts=kept,
    )


def parameter_family(engine: str, engine_version: str) -> str:
    """The parameter family of an engine's version: `valkey8`, `redis7`, `redis6.x`."""
    major = int(engine_version.partition(".")[0])
    return f"{engine}{major}.x" if engine == "redis" and major < 7 else f"{engine}{major}"


@dataclass(frozen=True, kw_only=True)
class _Node:
    name: str
    """`node-1`."""
    cluster_id: pulumi.Output[str]

    def metric(self, name: str, label: str = "", statistic: str = "Average") -> Metric:
        return Metric(
            namespace="AWS/ElastiCache",
            name=name,
            dimensions={"CacheClusterId": self.cluster_id},
            statistic=statistic,
            label=label or self.name,
        )


def _nodes(settings: CacheSettings, group: aws.elasticache.ReplicationGroup) -> Sequence[_Node]:
    """The nodes by the names ElastiCache gives them; which of them is the primary changes."""
    return tuple(
        _Node(
            name=f"node-{number}",
            cluster_id=pulumi.Output.concat(group.replication_group_id, f"-{number:03}"),
        )
        for number in range(1, settings.nodes + 1)
    )


def _alarms(node: _Node) -> tuple[Alarm, ...]:
    return (
        Alarm(
            name=f"{node.name}-cpu-high",
            summary=f"The engine of cache {node.name} is above 75 % CPU; commands begin to queue.",
            watch=node.metric("EngineCPUUtilization"),
            comparison="above",
            threshold=75,
            evaluation_periods=3,
            severity="warning",
            runbook="cache.md#cpu-high",
        ),
        Alarm(
            name=f"{node.name}-memory-high",
            summary=f"Cache {node.name} has used more than 80 % of its memory.",
            watch=node.metric("DatabaseMemoryUsagePercentage"),
            comparison="above",
            threshold=80,
            evaluation_periods=3,
            severity="warning",
            runbook="cache.md#memory-high",
        ),
        Alarm(
            name=f"{node.name}-evictions",
            summary=f"Cache {node.name} threw out over 1000 keys in 5 minutes to make room.",
            watch=node.metric("Evictions", statistic="Sum"),
            comparison="above",
            threshold=1000,
            severity="warning",
            runbook="cache.md#evictions",
        ),
    )


def _panels(nodes: Sequence[_Node]) -> tuple[Panel, ...]:
    def panel(title: str, unit: str, metric: str, statistic: str = "Average") -> Panel:
        return Panel(
            group="Cache",
            title=title,
            unit=unit,
            metrics=[node.metric(metric, statistic=statistic) for node in nodes],
        )

    return (
        panel("Engine CPU", "percent", "EngineCPUUtilization"),
        panel("Memory", "percent", "DatabaseMemoryUsagePercentage"),
        panel("Evictions", "keys", "Evictions", "Sum"),
        panel("Connections", "connections", "CurrConnections"),
    )
