"""`backlot:upkeep`: what is cleared away once a day."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Section


class UpkeepSettings(Section):
    hour: Annotated[int, Field(ge=0, le=23)] = 6
    """When it is done, UTC."""
    snapshot_days: Annotated[int, Field(ge=1)] = 90
    """Snapshots that people took by hand are deleted when they are older than this."""
    upload_hours: Annotated[int, Field(ge=1)] = 24
    """Uploads that nobody finished are given up when they are older than this."""
    dry_run: bool = False
    """True: only say in the log what would be deleted."""
