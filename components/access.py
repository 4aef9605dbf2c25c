"""Access: everything a workload is handed by something it uses, in one piece.

What owns something (a database, a queue, a bucket, a secret) knows best what its users need: the
variables to find it, the secrets to open it, the IAM statements to call it, and the network path to
reach it. It hands those out together, so that none of them can be forgotten when things are wired.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.containers import ContainerSecret
from components.grants import Statement, together
from components.security_groups import connect


@dataclass(frozen=True, kw_only=True)
class Path:
    """A TCP port behind a security group."""

    to: str
    """What is reached, as it appears in rule names: `database`."""
    group_id: pulumi.Input[str]
    port: int


@dataclass(frozen=True, kw_only=True)
class Access:
    """What one workload is handed by one thing it uses, or by all of them combined."""

    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Plain variables; nothing secret."""
    secrets: Sequence[ContainerSecret] = ()
    statements: Sequence[Statement] = ()
    """For the workload's own role; those for reading `secrets` go to the execution role."""
    paths: Sequence[Path] = ()


def combined(accesses: Iterable[Access]) -> Access:
    """All of them as one.

    Raises ValueError when two set the same variable, or give one name to two grants.
    """
    environment: dict[str, pulumi.Input[str]] = {}
    secrets: dict[str, ContainerSecret] = {}
    statements: list[Statement] = []
    paths: dict[str, Path] = {}
    for access in accesses:
        for key, value in access.environment.items():
            _unset(key, environment, secrets)
            environment[key] = value
        for secret in access.secrets:
            _unset(secret.environment, environment, secrets)
            secrets[secret.environment] = secret
        statements += access.statements
        paths.update((path.to, path) for path in access.paths)
    return Access(
        environment=environment,
        secrets=tuple(secrets.values()),
        statements=together(statements),
        paths=tuple(paths.values()),
    )


def open_paths(
    name: str, paths: Iterable[Path], source: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> None:
    """Let the members of group `source` take `paths`."""
    for path in paths:
        connect(
            f"{name}-to-{path.to}",
            source=source,
            target=path.group_id,
            port=path.port,
            opts=opts,
        )


def _unset(key: str, *taken: Mapping[str, object]) -> None:
    if any(key in variables for variables in taken):
        raise ValueError(f"the variable {key} is set twice for one workload")
