"""`backlot:registry`: the image repositories."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from settings.fields import UNIQUE_ITEMS, Name, Section, each_once


class RegistrySettings(Section):
    repositories: Annotated[
        tuple[Name, ...],
        Field(min_length=1, json_schema_extra=UNIQUE_ITEMS),
        AfterValidator(each_once),
    ]
    """One ECR repository each; 0.10 USD per GB-month."""
    keep_images: Annotated[int, Field(ge=2, le=1000)] = 30
    """Tagged images kept per repository; older ones expire."""
    force_delete: bool
    """True: `pulumi destroy` deletes repositories that still hold images."""
