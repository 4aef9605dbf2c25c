"""What every kind of fleet offers, so that switching the kind is one word in the stack file."""

from __future__ import annotations

from typing import Protocol

import pulumi

from components.workload import Workload


class Fleet(Workload, Protocol):
    """Workers on one queue, whatever they run on."""

    @property
    def group_name(self) -> pulumi.Output[str]:
        """The Auto Scaling group of its instances."""
        ...
