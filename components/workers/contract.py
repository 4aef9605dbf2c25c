"""What every kind of fleet takes and offers, so that switching the kind is one word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import pulumi

from components.access import Access, combined
from components.grants import Statement
from components.ground import Ground
from components.observe import Observable
from components.queues import JobQueue
from components.workload import Restart, Workload
from settings.workers import FleetSettings

Kind = TypeVar("Kind", bound=FleetSettings)

MOST_AT_ONCE = 4
"""Workers that the waker starts at most; the rest is tracking's, once there is one to track."""


@dataclass(frozen=True, kw_only=True)
class FleetArgs(Generic[Kind]):
    settings: Kind
    ground: Ground
    fleet: str
    """What its workers do: `render`."""
    queue: JobQueue
    build: str
    """What the worker is told of its version."""
    access: Sequence[Access]
    """What its workers use beside their queue."""

    def all_access(self, *, stop_seconds: int, concurrency: int = 1) -> Access:
        """What a worker is handed: its queue, the times it must keep, and what it uses.

        docs/worker-contract.md says what it does with them.
        """
        settings = self.settings
        told = {
            "BUILD_ID": self.build,
            "CONCURRENCY": str(concurrency),
            "FLEET": self.fleet,
            "JOB_LIMIT_SECONDS": str(settings.job_limit_seconds),
            "METRICS_NAMESPACE": jobs_namespace(self.ground.prefix),
            "PROTECTION_MINUTES": str(settings.protection_minutes),
            "STOP_SECONDS": str(stop_seconds),
        }
        if settings.heartbeat_seconds is not None:
            told["HEARTBEAT_SECONDS"] = str(settings.heartbeat_seconds)
        own = [Access(environment=told), Access(environment=settings.environment)]
        return combined([self.queue.consumer(), *own, *self.access])

    def access_beside(self) -> Access:
        """What is handed to what runs beside the workers and puts jobs in line."""
        own = [Access(environment={"BUILD_ID": self.build})]
        own.append(Access(environment=self.settings.environment))
        return combined([self.queue.sender(), *own, *self.access])


@dataclass(frozen=True, kw_only=True)
class TaskFleetArgs(FleetArgs[Kind]):
    """Of workers that are tasks."""

    image: pulumi.Input[str]
    """The image's full URI, by digest where it must not change under a running fleet."""


def jobs_namespace(prefix: str) -> str:
    """Where workers report how their jobs went."""
    return f"{prefix}/Jobs"


@dataclass(frozen=True, kw_only=True)
class Waking:
    """How a fleet at rest is started."""

    fleet: Mapping[str, pulumi.Input[str] | float | int]
    """What functions/waker needs to know, `platform` first."""
    statements: Sequence[Statement]
    """What it needs to be allowed."""

    @classmethod
    def of_service(
        cls,
        args: FleetArgs[Any],
        cluster_name: pulumi.Output[str],
        service_name: pulumi.Output[str],
        target: float,
    ) -> Waking | None:
        """Of workers that are tasks. None when the queue cannot be asked."""
        if args.queue.sqs_url is None:
            return None
        restart = Restart.of_service(args.ground, cluster_name, service_name)
        return cls(
            fleet={
                "platform": "ecs",
                "queue": args.queue.sqs_url,
                "cluster": cluster_name,
                "service": service_name,
                "target": target,
                "most": MOST_AT_ONCE,
                "max": args.settings.max_workers,
            },
            statements=[
                *args.queue.grant_length(),
                *restart.statements,
                Statement(
                    sid="ReadBounds",
                    actions=["application-autoscaling:DescribeScalableTargets"],
                    # A listing, which knows no resources.
                    resources=["*"],
                ),
            ],
        )


class Companion(Observable, Protocol):
    """What runs beside a fleet's workers from the same image, such as a beat."""

    @property
    def restart(self) -> Restart: ...


class Fleet(Workload, Protocol):
    """Workers on one queue, whatever they run on."""

    @property
    def waking(self) -> Waking | None:
        """None for a fleet that never rests, or whose queue the waker cannot ask."""
        ...

    @property
    def group_names(self) -> Sequence[pulumi.Output[str]]:
        """The Auto Scaling groups of its instances; none where there are no instances."""
        ...

    @property
    def companions(self) -> Sequence[Companion]: ...
