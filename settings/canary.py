"""`backlot:canary`: a journey through the API, walked every few minutes as a user would."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.fields import Name, Section, UrlPath


class StepSettings(Section):
    path: UrlPath
    """Of the API."""
    status: Annotated[int, Field(ge=100, le=599)] = 200
    """What it must answer."""
    contains: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Text that the answer must hold. Absent: any."""


class CanarySettings(Section):
    every_minutes: Literal[1, 5, 10, 15, 30, 60] = 5
    """Between two journeys; 0.0012 USD each."""
    steps: Annotated[
        dict[Name, StepSettings],
        Field(min_length=1, max_length=7, examples=[{"health": {"path": "/health"}}]),
    ]
    """In order; a step that fails ends the journey. Seven at their longest fill the 4 KB of
    variables that Synthetics takes."""
