"""The EC2 instance types there are, from the API's own model: moto's list lacks a few."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.shapes import near


def unknown_instance_types(path: str, *given: Any) -> Iterator[tuple[str, str]]:
    """A problem for each type that EC2 does not offer. Nothing is said about what is no text."""
    from rehearsal.moto_account import enumeration

    known = enumeration("ec2", "InstanceType")
    for name in given:
        if isinstance(name, str) and name not in known:
            yield path, f'EC2 has no instance type "{name}"{near(name, known)}'
