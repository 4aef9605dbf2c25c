"""What every platform of the API offers, so that switching it is one word in the stack file."""

from __future__ import annotations

from typing import Protocol

import pulumi

from components.workload import Workload


class Api(Workload, Protocol):
    """The API, whatever it runs on."""

    @property
    def url(self) -> pulumi.Output[str]:
        """Where it answers: `https://api.studio.example`."""
        ...
