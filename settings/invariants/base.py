"""What an invariant is, and how all of them are asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from settings.errors import Problem


@dataclass(frozen=True)
class Violation:
    """A broken rule: the section and path that a change would mend, and what to do."""

    section: str
    path: str
    message: str


Violations = Iterator[Violation]
Invariant = Callable[..., Violations]
INVARIANTS: list[Invariant] = []
_KEYS = {"stack": "stack name", "region": "aws:region"}


def invariant(rule: Invariant) -> Invariant:
    """Register a rule. Its parameters name the sections it reads, or `stack`, or `region`."""
    INVARIANTS.append(rule)
    return rule


def check(values: Mapping[str, Any]) -> list[Problem]:
    """Run every rule whose sections could be read, and list what is broken."""
    return [
        Problem(
            key=_KEYS.get(broken.section, f"backlot:{broken.section}"),
            path=broken.path,
            message=broken.message,
        )
        for rule in INVARIANTS
        if (sections := inspect.signature(rule).parameters.keys()) <= values.keys()
        for broken in rule(**{name: values[name] for name in sections})
    ]
