"""The fleets of a stack, each on its own queue, and what looks after all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.access import Access
from components.ground import Ground
from components.observe import Observable
from components.queues import JobQueue
from components.registry import Registry
from components.secrets import Secrets
from components.workers.contract import Companion, Fleet
from components.workers.drain import Drain, DrainArgs
from components.workers.ec2 import Ec2Fleet, Ec2FleetArgs
from components.workers.fargate import FargateFleet, FargateFleetArgs
from components.workers.gpu import GpuFleet, GpuFleetArgs
from components.workers.interruptions import Interruptions, InterruptionsArgs
from components.workers.quotas import Quotas, QuotasArgs
from components.workers.waker import Waker, WakerArgs
from settings.fields import build_of
from settings.gpu import QuotaSettings
from settings.workers import (
    Ec2FleetSettings,
    FargateFleetSettings,
    GpuFleetSettings,
    WorkerSettings,
)


@dataclass(frozen=True, kw_only=True)
class Fleets:
    """Every fleet by name, and their keepers."""

    by_name: Mapping[str, Fleet]
    keepers: Sequence[Observable]
    """What looks after several fleets at once; one of each, however many there are."""

    @property
    def workloads(self) -> Sequence[Companion]:
        """Everything that holds secrets, and is restarted when they change."""
        return [each for fleet in self.by_name.values() for each in (fleet, *fleet.companions)]

    @property
    def watched(self) -> Sequence[Observable]:
        return [*self.workloads, *self.keepers]

    @property
    def handles(self) -> Mapping[str, pulumi.Output[str]]:
        """What a release names to roll out a version, by fleet."""
        return {name: fleet.deploy_handle for name, fleet in self.by_name.items()}


def worker_fleets(
    settings: Mapping[str, WorkerSettings],
    quota: QuotaSettings | None,
    ground: Ground,
    images: Registry,
    secrets: Secrets,
    queues: Mapping[str, JobQueue],
    access: Sequence[Access],
    opts: pulumi.ResourceOptions,
) -> Fleets:
    """A fleet for each of the settings. `access` is what all of them use, `quota` asks for GPUs."""

    def fleet(name: str, sizing: WorkerSettings) -> Fleet:
        called = f"worker-{name}"
        shared: dict[str, Any] = {
            "ground": ground,
            "fleet": name,
            "queue": queues[sizing.queue],
            "image": sizing.image and images.image(sizing.image),
            "access": [*access, secrets.access(sizing.secrets)],
        }
        match sizing:
            case GpuFleetSettings():
                build = build_of(sizing.image)
                return GpuFleet(called, GpuFleetArgs(settings=sizing, build=build, **shared), opts)
            case FargateFleetSettings():
                build = build_of(sizing.image)
                args = FargateFleetArgs(settings=sizing, build=build, **shared)
                return FargateFleet(called, args, opts)
            case Ec2FleetSettings():
                args = Ec2FleetArgs(settings=sizing, build=sizing.build, **shared)
                return Ec2Fleet(called, args, opts)

    if quota and quota.request:
        Quotas("gpu-quota", QuotasArgs(settings=quota), opts)
    by_name = {name: fleet(name, sizing) for name, sizing in settings.items()}
    return Fleets(by_name=by_name, keepers=_keepers(by_name, ground, opts))


def _keepers(
    fleets: Mapping[str, Fleet], ground: Ground, opts: pulumi.ResourceOptions
) -> list[Observable]:
    keepers: list[Observable] = []
    if wakings := [fleet.waking for fleet in fleets.values() if fleet.waking]:
        keepers.append(Waker("waker", WakerArgs(ground=ground, wakings=wakings), opts))
    if groups := {name: fleet.group_names for name, fleet in fleets.items() if fleet.group_names}:
        args = InterruptionsArgs(ground=ground, groups=groups)
        keepers.append(Interruptions("interruptions", args, opts))
    ec2 = [fleet for fleet in fleets.values() if isinstance(fleet, Ec2Fleet)]
    if drained := [name for fleet in ec2 for name in fleet.group_names]:
        keepers.append(Drain("drain", DrainArgs(ground=ground, group_names=drained), opts))
    return keepers
