"""The words settings are made of: the section base class and the reusable field types."""

from __future__ import annotations

import ipaddress
from collections.abc import Hashable
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

Item = TypeVar("Item", bound=Hashable)


class Section(BaseModel):
    """One block of a stack file, or a part of one. Frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _network_address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as error:
        raise ValueError(f"must be an IPv4 network such as 10.0.0.0/16 ({error})") from None


def each_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Refuse a list that names something twice."""
    twice = sorted({str(item) for item in items if items.count(item) > 1})
    if twice:
        raise ValueError(f"names {', '.join(twice)} more than once; name each once")
    return items


UNIQUE_ITEMS: dict[str, JsonValue] = {"uniqueItems": True}
"""Says to an editor what `each_once` says to the program."""
Unique = Annotated[
    tuple[Item, ...],
    AfterValidator(each_once),
    Field(json_schema_extra=UNIQUE_ITEMS),
]
"""A list in which nothing stands twice."""
Cidr = Annotated[str, AfterValidator(_network_address), Field(examples=["10.0.0.0/16"])]
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=24),
    Field(examples=["render"]),
]
"""A name within the platform. 24 characters, so that every physical name built from it fits."""
ZoneLetter = Annotated[str, StringConstraints(pattern=r"^[a-h]$"), Field(examples=["a"])]
AccountId = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{12}$"), Field(examples=["123456789012"])
]
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254),
    Field(examples=["oncall@studio.example"]),
]
Domain = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253
    ),
    Field(examples=["api.studio.example"]),
]
Origin = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[a-z0-9.:-]+$"),
    Field(examples=["https://app.studio.example"]),
]
EnvironmentName = Annotated[
    str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$"), Field(examples=["OPENAI_API_KEY"])
]
DatabaseClass = Annotated[
    str,
    StringConstraints(pattern=r"^db\.[a-z][a-z0-9-]*\.[a-z0-9]+$"),
    Field(examples=["db.t4g.medium"]),
]
CacheNodeType = Annotated[
    str,
    StringConstraints(pattern=r"^cache\.[a-z][a-z0-9-]*\.[a-z0-9]+$"),
    Field(examples=["cache.t4g.medium"]),
]
InstanceType = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$"),
    Field(examples=["g6.xlarge"]),
]
ImageReference = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9][a-z0-9._/:-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$"
    ),
    Field(examples=["api:2026.11.1", "api@sha256:<64 hex digits>"]),
]
"""`repository:tag` or `repository@digest` of the platform's own registry, or a full image URI."""
DailyWindow = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"),
    Field(examples=["03:00-04:00"]),
]
WeeklyWindow = Annotated[
    str,
    StringConstraints(
        pattern=r"^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]"
        r"-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]$"
    ),
    Field(examples=["sun:04:00-sun:05:00"]),
]
TagKey = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{1,128}$"),
    Field(examples=["Owner"]),
]
TagValue = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{0,256}$"),
    Field(examples=["platform"]),
]
Percent = Annotated[int, Field(ge=0, le=100)]
TargetPercent = Annotated[int, Field(ge=1, le=99)]
"""What scaling holds: AWS refuses 0, and nothing ever rises above 100, so nothing would grow."""
Port = Annotated[int, Field(ge=1, le=65535)]
LogRetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
]  # fmt: skip
"""The retentions that CloudWatch Logs accepts, in days."""
