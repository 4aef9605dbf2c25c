"""What holds between settings, checked before any AWS call.

Each rule is a function whose parameters are the sections it reads. It runs when all of those could
be read, so that one misspelt key hides no broken rule elsewhere. A module has the rules of one part
of the picture, and puts them on the list when it is imported.
"""

from __future__ import annotations

from settings.invariants import (  # noqa: F401 (each puts its rules on the list)
    api,
    containers,
    edge,
    jobs,
    network,
    platform,
    protection,
    stores,
)
from settings.invariants.base import INVARIANTS, check

__all__ = ["INVARIANTS", "check"]
