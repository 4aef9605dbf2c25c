"""What every kind of fleet offers, so that switching the kind is one word in the stack file."""

from __future__ import annotations

from typing import Protocol

from components.workload import Workload


class Fleet(Workload, Protocol):
    """Workers on one queue, whatever they run on."""
