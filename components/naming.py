"""Physical names, for the few things that people or software address by name.

Everything else is left to Pulumi's auto-naming, so that a replacement never meets a taken name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

Item = TypeVar("Item")

Named = Literal[
    "alarm", "bucket", "budget", "dashboard", "database", "environment", "key_alias", "log_group",
    "parameter", "queue", "repository", "restore_testing_plan", "secret", "snapshot", "topic",
    "vault", "web_acl",
]  # fmt: skip

LIMITS: Mapping[Named, int] = {
    "alarm": 255,
    "bucket": 63,
    "budget": 100,
    "dashboard": 255,
    "database": 63,
    "environment": 40,
    "key_alias": 256,
    "log_group": 512,
    "parameter": 1011,
    "queue": 80,
    "repository": 256,
    "restore_testing_plan": 50,
    "secret": 512,
    "snapshot": 255,
    "topic": 256,
    "vault": 50,
    "web_acl": 128,
}
"""Longest name in characters, from each service's API reference."""


def physical_name(kind: Named, *parts: str, separator: str = "-") -> str:
    """Join `parts` into a name for `kind`.

    Raises ValueError when the service would refuse its length. The settings bound every part, so
    this only speaks when a component builds a longer name than they allow for.
    """
    name = separator.join(parts)
    if len(name) > LIMITS[kind]:
        raise ValueError(
            f"{kind} name {name!r} has {len(name)} characters; at most {LIMITS[kind]} are allowed"
        )
    return name


def portions(items: Sequence[Item], size: int) -> list[tuple[str, Sequence[Item]]]:
    """What is too much for one, shared out over several of at most `size` each.

    With each portion comes what tells its name from the others': nothing for the first, which keeps
    its name when a second one comes; then `-2`, `-3`.
    """
    return [
        (f"-{start // size + 1}" if start else "", items[start : start + size])
        for start in range(0, len(items), size)
    ]
