"""`backlot:database`: PostgreSQL on RDS."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from settings.fields import DailyWindow, DatabaseClass, Section, WeeklyWindow, form

PostgresVersion = Literal["14", "15", "16", "17", "18"]
"""The major versions that a stack file may ask for."""


def _major_alone(given: object) -> object:
    version = re.fullmatch(r"([0-9]+)\.[0-9.]+", str(given))
    if version and version[1] in get_args(PostgresVersion):
        raise ValueError(
            f'has a minor version; give the major version alone: "{version[1]}"; '
            "RDS keeps the minor one current"
        )
    return given


class StorageSettings(Section):
    initial: Annotated[int, Field(ge=20, le=65536)]
    """GB of gp3 to begin with."""
    maximum: Annotated[int, Field(ge=20, le=65536)]
    """GB that RDS may grow it to by itself."""


class ReplicaSettings(Section):
    count: Annotated[int, Field(ge=0, le=15)] = 0
    """Read replicas."""
    instance_class: DatabaseClass | None = None
    """Their class; the primary's when absent."""


class DatabaseSettings(Section):
    engine_version: Annotated[
        PostgresVersion, Field(examples=["17"]), BeforeValidator(_major_alone)
    ]
    """PostgreSQL's major version. RDS keeps the minor one current in the maintenance window."""
    instance_class: DatabaseClass
    """The primary's size: its memory, CPUs and most of its price."""
    storage_gb: StorageSettings
    """How much gp3 storage it begins with and may grow to."""
    multi_az: bool
    """A standby in another zone; doubles the instance's price."""
    replicas: ReplicaSettings = ReplicaSettings()
    """Read-only copies; each costs what an instance of its class does."""
    credentials: Literal["managed", "rotated", "iam"]
    """Who keeps the password: RDS itself, our rotation function, or nobody (IAM login tokens)."""
    rotation_days: Annotated[int, Field(ge=1, le=1000)] = 30
    """Days between password rotations, `managed` and `rotated` alike."""
    backup_days: Annotated[int, Field(ge=0, le=35)]
    """Days of automated backups, which is how far point-in-time recovery reaches back."""
    backup_window: DailyWindow = "03:00-04:00"
    """UTC."""
    maintenance_window: WeeklyWindow = "sun:04:00-sun:05:00"
    """UTC."""
    deletion_protection: bool
    """RDS refuses to delete the instance while this holds."""
    final_snapshot: bool
    """Take a last snapshot when the instance is deleted."""
    database_name: Annotated[
        str,
        form(
            r"^[a-z][a-z0-9_]{0,62}$",
            "use 1 to 63 lower-case letters, digits and underscores, beginning with a letter",
            examples=["app"],
        ),
    ] = "app"
    """The database that RDS creates with the instance. A change later replaces the instance."""
    username: Annotated[
        str,
        form(
            r"^[a-z][a-z0-9_]{0,15}$",
            "use 1 to 16 lower-case letters, digits and underscores, beginning with a letter",
            examples=["app"],
        ),
    ] = "app"
    """The master user. `admin`, `rdsadmin` and SQL's own words such as `user` are reserved.

    A change later replaces the instance."""
    slow_query_ms: Annotated[int, Field(ge=1)] = 1000
    """Statements slower than this are logged. Never 0, which logs them all, data included."""
    insights: Literal["standard", "advanced"] = "standard"
    """Database Insights: `advanced` also keeps locks, plans and statements per fleet, for 9.14 USD
    a vCPU and month, and wants 465 days or more."""
    insights_days: Literal[7, 31, 93, 186, 372, 465, 731] = 7
    """Days Performance Insights keeps; 7 are free."""
