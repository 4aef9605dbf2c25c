"""`backlot:buckets`: media, static files, backups, installers, and the logs of everything."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Origin, Section, Unique


class MediaSettings(Section):
    tiering: bool = True
    """Intelligent-Tiering: objects nobody reads get cheaper by themselves."""
    archive_days: Annotated[int, Field(ge=90, le=730)] | None = None
    """Move what nobody has read for this many days to the archive tier (hours to read back)."""
    expire_temporary_days: Annotated[int, Field(ge=1)] = 7
    """Days that objects under `tmp/` live."""
    alarm_gb: Annotated[int, Field(ge=1)] = 100
    """Warn when the bucket grows beyond this many GiB."""


class BucketsSettings(Section):
    cors_origins: Unique[Origin] = ()
    """Sites that may read media and static files from a browser."""
    backups_days: Annotated[int, Field(ge=1)] = 90
    """Days that what somebody puts into the bucket `backups` is kept."""
    logs_days: Annotated[int, Field(ge=1)] = 90
    """Days an access log is kept; the trail and the copies of log groups as well."""
    noncurrent_days: Annotated[int, Field(ge=1)] = 30
    """Days an overwritten or deleted version can still be called back."""
    alarm_gb: Annotated[int, Field(ge=1)] = 100
    """Tell when a bucket other than media grows beyond this many GiB."""
    force_delete: bool
    """True: `pulumi destroy` empties the buckets first."""
    releases: bool = False
    """True: one more bucket, for the desktop installers and their update feed."""
    media: MediaSettings = MediaSettings()
    """What the studio makes and people upload."""
