"""Every stack and variant that a proof over the whole graph looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.conftest import STACKS, VARIANTS
from tests.recorder import Recorded

StackGraph = Callable[..., Recorded]

BASES: Mapping[str, str] = {"bare": "dev"}
"""The stack that a variant bends, where it is not staging, which has the most to bend."""

PLACES = [
    *((stack, "") for stack in STACKS),
    *((BASES.get(variant, "staging"), variant) for variant in VARIANTS if variant),
]
