"""`backlot:cache`: Valkey or Redis on ElastiCache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from settings.fields import CacheNodeType, DailyWindow, Section, WeeklyWindow, form

DEFAULT_VERSIONS: Mapping[str, str] = {"valkey": "8.0", "redis": "7.1"}
"""What an engine runs when the stack file names no version."""


def _default_version(given: Mapping[str, Any]) -> str:
    return DEFAULT_VERSIONS[given.get("engine", "valkey")]


class CacheSettings(Section):
    engine: Literal["valkey", "redis"] = "valkey"
    """Valkey speaks the same protocol and costs about 20 % less per node."""
    engine_version: Annotated[
        str,
        form(
            r"^[0-9]+\.[0-9]+$",
            "give the major and the minor version, in quotes",
            examples=["8.0"],
        ),
    ] = Field(default_factory=_default_version)
    """Major and minor version. Absent: 8.0 of Valkey, 7.1 of Redis."""
    node_type: CacheNodeType
    """Its memory, CPUs and price, per node."""
    nodes: Annotated[int, Field(ge=1, le=6)]
    """The primary and its replicas."""
    failover: bool
    """Promote a replica when the primary fails; needs two nodes."""
    multi_az: bool
    """Spread the nodes over zones; needs failover."""
    snapshot_days: Annotated[int, Field(ge=0, le=35)] = 0
    """Days of daily snapshots; 0 takes none."""
    snapshot_window: DailyWindow = "02:00-03:00"
    """UTC."""
    maintenance_window: WeeklyWindow = "sun:05:00-sun:06:00"
    """UTC."""
    max_memory_policy: Literal["noeviction", "allkeys-lru", "allkeys-lfu", "volatile-lru"] = (
        "volatile-lru"
    )
    """What goes when memory is full. `noeviction` when the cache is also the job broker."""
