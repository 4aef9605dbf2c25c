"""`backlot:keys`: who owns the keys that encrypt data and logs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Section


class KeysSettings(Section):
    customer_managed: bool
    """True: KMS keys of this account (1 USD a month each). False: the keys AWS owns, free.

    Decide before the first `pulumi up`: a change replaces the database, the cache and the image
    repositories, with all that is in them."""
    rotation_days: Annotated[int, Field(ge=90, le=2560)] = 365
    """Days between rotations of a key's material."""
    deletion_days: Annotated[int, Field(ge=7, le=30)] = 30
    """Days a deleted key can still be called back."""
