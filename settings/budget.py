"""`backlot:budget`: what the stack may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Section


class BudgetSettings(Section):
    monthly_usd: Annotated[int, Field(ge=1)]
    """Warned at 80 % spent and when the forecast passes 100 %; critical at 100 % spent."""
    anomaly_usd: Annotated[int, Field(ge=1)] | None = None
    """Hear the same day of spending that AWS finds unusual for the stack, from this much on.
    Absent: the budget alone tells."""
