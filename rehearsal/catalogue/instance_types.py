"""The EC2 instance types there are, from moto's copy of what AWS describes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.shapes import near


def unknown_instance_types(path: str, *given: Any) -> Iterator[tuple[str, str]]:
    """A problem for each type that EC2 does not offer. Nothing is said about what is no text."""
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    for name in given:
        if isinstance(name, str) and name not in INSTANCE_TYPES:
            yield path, f'EC2 has no instance type "{name}"{near(name, INSTANCE_TYPES)}'
