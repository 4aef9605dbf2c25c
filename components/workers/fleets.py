"""The fleets of a stack, each on its own queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components.access import Access
from components.ground import Ground
from components.queues import WorkQueue
from components.registry import Registry
from components.secrets import Secrets
from components.workers.contract import Fleet
from components.workers.gpu import GpuFleet, GpuFleetArgs
from settings.workers import WorkerSettings


def worker_fleets(
    settings: Mapping[str, WorkerSettings],
    ground: Ground,
    images: Registry,
    secrets: Secrets,
    queues: Mapping[str, WorkQueue],
    access: Sequence[Access],
    opts: pulumi.ResourceOptions,
) -> dict[str, Fleet]:
    """A fleet for each of the settings, by name. `access` is what all of them use."""
    return {
        name: GpuFleet(
            f"worker-{name}",
            GpuFleetArgs(
                settings=sizing,
                ground=ground,
                fleet=name,
                queue=queues[sizing.queue],
                image=images.image(sizing.image),
                access=[*access, secrets.access(sizing.secrets)],
            ),
            opts,
        )
        for name, sizing in settings.items()
    }
