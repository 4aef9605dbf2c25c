"""Rules of the database and the cache."""

from __future__ import annotations

import re
from collections.abc import Mapping

from settings.cache import CacheSettings
from settings.database import DatabaseSettings
from settings.instances import memory_gib
from settings.invariants.base import Violation, Violations, invariant
from settings.invariants.windows import windows_keep_apart

ADVANCED_INSIGHTS_DAYS = 465
"""https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.html"""


@invariant
def replicas_need_own_credentials(database: DatabaseSettings) -> Violations:
    count = database.replicas.count
    if count and database.credentials == "managed":
        yield Violation(
            "database",
            "replicas.count",
            f"{_several(count, 'replica')} {'needs' if count == 1 else 'need'} credentials: "
            "rotated or iam (managed passwords cannot have replicas)",
        )


@invariant
def replicas_need_backups(database: DatabaseSettings) -> Violations:
    if database.replicas.count and database.backup_days == 0:
        yield Violation(
            "database",
            "backup_days",
            "0 turns backups off, and RDS makes replicas from them; give at least 1",
        )


@invariant
def advanced_insights_look_far_back(database: DatabaseSettings) -> Violations:
    if database.insights == "advanced" and database.insights_days < ADVANCED_INSIGHTS_DAYS:
        yield Violation(
            "database",
            "insights_days",
            f"insights: advanced keeps {ADVANCED_INSIGHTS_DAYS} days or more, and this is "
            f"{database.insights_days}; give {ADVANCED_INSIGHTS_DAYS}, or insights: standard",
        )


@invariant
def storage_has_room_to_grow(database: DatabaseSettings) -> Violations:
    """RDS asks for 10 % above the allocation, and warns by event below 26 %."""
    initial, maximum = database.storage_gb.initial, database.storage_gb.maximum
    least = -(-initial * 11 // 10)
    if maximum < least:
        yield Violation(
            "database",
            "storage_gb.maximum",
            f"{maximum} GB is too close to the initial {initial} GB; give at least {least} "
            "(10 % more), better 26 % more",
        )


@invariant
def database_classes_are_known(database: DatabaseSettings) -> Violations:
    yield from _known_class("database", "instance_class", database.instance_class)
    if database.replicas.instance_class:
        yield from _known_class(
            "database", "replicas.instance_class", database.replicas.instance_class
        )


@invariant
def cache_node_type_is_known(cache: CacheSettings) -> Violations:
    yield from _known_class("cache", "node_type", cache.node_type)


_SQL_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create current_catalog current_date current_role current_time current_timestamp
    current_user default deferrable desc distinct do else end except false fetch for foreign from
    grant group having in initially intersect into lateral leading limit localtime localtimestamp
    not null offset on only or order placing primary references returning select session_user some
    symmetric table then to trailing true union unique user using variadic when where window with
    """,
    )
)
"""PostgreSQL's reserved key words (its manual, appendix C)."""
_RESERVED_USERS = frozenset({"admin", "rdsadmin", "public", "none"})
_RESERVED_DATABASES = frozenset({"db", "rdsadmin", "template0", "template1"})


@invariant
def database_names_are_free(database: DatabaseSettings) -> Violations:
    name = database.username
    if name in _SQL_WORDS | _RESERVED_USERS or name.startswith(("pg_", "rds_")):
        yield Violation(
            "database",
            "username",
            f"{name} is reserved by RDS or PostgreSQL; give another, such as app",
        )
    if database.database_name in _SQL_WORDS | _RESERVED_DATABASES:
        yield Violation(
            "database",
            "database_name",
            f"{database.database_name} is reserved by RDS or PostgreSQL; give another, such as app",
        )


@invariant
def database_windows_keep_apart(database: DatabaseSettings) -> Violations:
    yield from windows_keep_apart(
        "database",
        daily=("backup_window", database.backup_window),
        weekly=("maintenance_window", database.maintenance_window),
        least_minutes=30,
    )


@invariant
def cache_windows_keep_apart(cache: CacheSettings) -> Violations:
    yield from windows_keep_apart(
        "cache",
        daily=("snapshot_window", cache.snapshot_window),
        weekly=("maintenance_window", cache.maintenance_window),
        least_minutes=60,
    )


CACHE_VERSIONS: Mapping[str, tuple[str, ...]] = {
    "valkey": ("7.2", "8.0", "8.1"),
    "redis": ("6.2", "7.0", "7.1"),
}
"""What ElastiCache offers and AWS still maintains, by engine."""


@invariant
def cache_version_belongs_to_its_engine(cache: CacheSettings) -> Violations:
    known = CACHE_VERSIONS[cache.engine]
    if cache.engine_version not in known:
        yield Violation(
            "cache",
            "engine_version",
            f"{cache.engine_version} is not a version of {cache.engine}; "
            f"give one of {', '.join(known)}",
        )


@invariant
def failover_needs_a_replica(cache: CacheSettings) -> Violations:
    if cache.failover and cache.nodes < 2:
        yield Violation(
            "cache",
            "failover",
            f"true needs a replica to promote, and nodes is {cache.nodes}; "
            "give nodes: 2 or more, or failover: false",
        )
    if cache.multi_az and not cache.failover:
        yield Violation(
            "cache",
            "multi_az",
            "true needs failover; give failover: true, or multi_az: false",
        )


def _several(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _known_class(section: str, path: str, instance_class: str) -> Violations:
    try:
        memory_gib(instance_class)
    except LookupError as error:
        yield Violation(section, path, f"{instance_class}: {error.args[0]} (settings/instances.py)")
