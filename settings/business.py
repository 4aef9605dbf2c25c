"""`backlot:business`: the studio's own figures, by the names it publishes them under."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Section, form

MetricName = Annotated[
    str,
    form(
        r"^[A-Za-z][A-Za-z0-9_.-]*$",
        "use letters, digits and _ . -, beginning with a letter",
        max_length=255,
        examples=["VideoGenerationDuration"],
    ),
]


class BusinessSettings(Section):
    duration: MetricName = "VideoGenerationDuration"
    """Seconds from the order to the finished piece, a value per piece."""
    success_rate: MetricName = "VideoGenerationSuccessRate"
    """1 for a piece that was finished and 0 for one that was not; the average is the share."""
    failures: MetricName = "VideoGenerationFailures"
    """How many pieces failed."""
    cost: MetricName = "CostPerVideo"
    """USD that a piece cost, a value per piece."""
    daily_spend: MetricName = "TotalDailySpend"
    """USD spent today so far on what is paid by use."""
    success_alarm: Annotated[float, Field(gt=0, lt=1)] = 0.85
    """Warn when a smaller share succeeds over 30 minutes."""
    daily_spend_alarm_usd: Annotated[int, Field(ge=1)] | None = None
    """Warn when a day's spend is above this. Absent: nobody is told."""
