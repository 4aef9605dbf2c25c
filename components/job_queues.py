"""Every queue of a stack, whoever keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.ground import Ground
from components.observe import Observable
from components.queues import JobQueue, WorkQueue, work_queues
from components.redis_queues import RedisQueues, RedisQueuesArgs
from components.stores.cache import Cache
from settings.stack import Settings


@dataclass(frozen=True, kw_only=True)
class JobQueues:
    """SQS queues and lists in the cache, side by side."""

    work: Mapping[str, WorkQueue]
    lists: RedisQueues | None

    @property
    def by_name(self) -> Mapping[str, JobQueue]:
        return {**self.work, **(self.lists.queues if self.lists else {})}

    @property
    def watched(self) -> Sequence[Observable]:
        return [*self.work.values(), *([self.lists] if self.lists else [])]

    @property
    def urls(self) -> Mapping[str, pulumi.Output[str]]:
        """Of those in SQS, where jobs are put in line."""
        return {name: queue.url for name, queue in self.work.items()}


def job_queues(
    stack: Settings, ground: Ground, cache: Cache, opts: pulumi.ResourceOptions
) -> JobQueues:
    """A queue for each of the settings. The lists are all counted by one component."""
    lists = RedisQueuesArgs(settings=stack.redis_queues, ground=ground, cache=cache)
    return JobQueues(
        work=work_queues(stack.queues, ground, opts),
        lists=RedisQueues("redis-queues", lists, opts) if stack.redis_queues else None,
    )
