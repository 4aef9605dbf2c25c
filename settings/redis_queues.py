"""`backlot:redis_queues`: lists in the cache that Celery works off, one per name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Section, form

RedisKey = Annotated[
    str,
    form(
        r"^[A-Za-z0-9_.:{}-]+$",
        "use plain letters, digits and _ . : { } -",
        max_length=128,
        examples=["celery"],
    ),
]


class RedisQueueSettings(Section):
    """A queue without dead letters, and without an age: Redis keeps neither."""

    key: RedisKey = "celery"
    """The list that holds the jobs; Celery's default queue is `celery`."""
    unacked_key: RedisKey = "unacked"
    """The hash in which the broker's library keeps the jobs at work."""
    backlog_alarm: Annotated[int, Field(ge=1)] = 50
    """Warn when more jobs than this wait for 2 x 600 s."""
