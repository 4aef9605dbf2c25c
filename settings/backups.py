"""`backlot:backups`: AWS Backup of the database and the buckets, and copies elsewhere."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Region, Section

RULES_APART_HOURS = 2
"""From the daily backup to the one that keeps points in time. Two whose start windows overlap
become one."""


class VaultLockSettings(Section):
    minimum_days: Annotated[int, Field(ge=1)]
    """Nobody can delete a backup younger than this."""
    maximum_days: Annotated[int, Field(ge=1)]
    """Nothing may be kept for longer than this."""
    changeable_days: Annotated[int, Field(ge=3, le=36500)] | None = None
    """Days until the lock is for good, for everybody, AWS included. Absent: whoever may administer
    the vault can take the lock off."""


class BackupsSettings(Section):
    hour: Annotated[int, Field(ge=0, le=23)] = 5
    """When the daily backup begins, UTC; after the database's own backup and maintenance."""
    keep_days: Annotated[int, Field(ge=1, le=36500)] = 35
    """Days a daily backup is kept."""
    copy_to: Region | None = None
    """Another region, where a copy of every daily backup is kept."""
    copy_days: Annotated[int, Field(ge=1, le=36500)] = 35
    """Days a copy is kept there."""
    replicate_database: bool = False
    """RDS keeps its own backups in `copy_to` too, so a point in time can be restored there."""
    lock: VaultLockSettings | None = None
    """What keeps backups from being deleted. Absent: IAM alone."""
    restore_test: bool = False
    """Once a week AWS restores the newest backup of each kind, and deletes what it restored."""
