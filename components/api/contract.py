"""What every platform of the API takes and offers, so that switching it is one word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi

from components.access import Access, combined
from components.alarms import AlarmSet
from components.api.gates import ReleaseGates
from components.api.load_balancer import LoadBalancer
from components.ground import Ground
from components.stores.buckets import Bucket
from components.workload import Workload
from settings.api import ApiSettings


@dataclass(frozen=True, kw_only=True)
class ApiArgs:
    settings: ApiSettings
    ground: Ground
    load_balancer: LoadBalancer
    image: pulumi.Input[str]
    """The image's full URI. It holds a shell, and curl, wget or python3, for the health check."""
    access: Sequence[Access]
    """What the API uses."""
    alarms: AlarmSet
    """Makes the alarms that judge a deployment, which must stand before it."""
    bundles: Bucket | None = None
    """Where Elastic Beanstalk's versions lie. The other platforms need none."""

    def all_access(self) -> Access:
        """What the API's code is handed: its build, its settings' variables, and what it uses."""
        build = {"BUILD_ID": self.settings.build_id}
        own = Access(environment={**build, **self.settings.environment})
        return combined([own, *self.access])


class Api(Workload, Protocol):
    """The API, whatever it runs on."""

    @property
    def url(self) -> pulumi.Output[str]:
        """Where it answers: `https://api.studio.example`."""
        ...

    @property
    def gates(self) -> ReleaseGates:
        """What a new version must pass."""
        ...
