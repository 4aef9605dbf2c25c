"""`backlot:queues`: one work queue per name, each with its dead-letter queue."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Section


class QueueSettings(Section):
    visibility_seconds: Annotated[int, Field(ge=1, le=43200)] = 120
    """How long a received message stays hidden; the worker's heartbeat renews it."""
    max_receives: Annotated[int, Field(ge=1, le=1000)] = 5
    """Receives before a message goes to the dead-letter queue. A lost spot instance spends one."""
    retention_days: Annotated[int, Field(ge=1, le=14)] = 4
    """Days a message waits at most."""
    dead_letter_days: Annotated[int, Field(ge=1, le=14)] = 14
    """Days a failed message is kept for a look."""
    backlog_alarm: Annotated[int, Field(ge=1)] = 50
    """Warn when more messages than this wait for 2 x 600 s."""
    age_alarm_seconds: Annotated[int, Field(ge=60)] = 1800
    """Wake somebody when a job is this old and not done: waiting and work count, both."""
