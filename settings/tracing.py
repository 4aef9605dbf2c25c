"""`backlot:tracing`: where a request spent its time, in AWS X-Ray."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Section


class TracingSettings(Section):
    sample_percent: Annotated[int, Field(ge=1, le=100)] = 5
    """Of the requests; what is traced is paid by the GB. Code with an agent beside it traces the
    first of each second as well."""
