"""`backlot:uptime`: Route 53 asks from outside whether the stack answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.fields import Section


class UptimeSettings(Section):
    interval_seconds: Literal[10, 30] = 30
    """Between two questions of one checker; about 15 checkers ask. 10 costs 1 to 2 USD more."""
    failures: Annotated[int, Field(ge=1, le=10)] = 3
    """In a row, before a checker calls it down."""
