"""`backlot:cache`: Valkey or Redis on ElastiCache."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from settings.fields import CacheNodeType, DailyWindow, Section, WeeklyWindow


class CacheSettings(Section):
    engine: Literal["valkey", "redis"] = "valkey"
    """Valkey speaks the same protocol and costs about 20 % less per node."""
    engine_version: Annotated[
        str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+$"), Field(examples=["8.0"])
    ] = "8.0"
    """Major and minor version, such as 8.0 (Valkey) or 7.1 (Redis)."""
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
