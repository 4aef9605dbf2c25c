"""Amazon Inspector."""

from __future__ import annotations

from typing import Any

from rehearsal.catalogue.entry import Entry, Scope


def _enabled(scope: Scope) -> Any:
    accounts, types = scope.find("accountIds") or (), scope.find("resourceTypes") or ()
    return f"{':'.join(sorted(accounts))}-{':'.join(sorted(types))}"


ENTRIES = {
    "Enabler": Entry(service="inspector2", operation="Enable", id=_enabled),
}
