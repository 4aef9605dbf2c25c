"""The words settings are made of: the section base class and the reusable field types."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Hashable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from settings.regions import REGIONS

Item = TypeVar("Item", bound=Hashable)


class Section(BaseModel):
    """One block of a stack file, or a part of one. Frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def form(pattern: str, rule: str, *, examples: list[str], max_length: int | None = None) -> Any:
    """Text of one form, and the same in words that tell a person what to write.

    `rule` takes the pattern's place in messages, and in the editors that know the key.
    """
    return Field(
        pattern=pattern,
        max_length=max_length,
        examples=examples,
        json_schema_extra={"patternErrorMessage": rule},
    )


def _network_address(text: str) -> str:
    try:
        meant = ipaddress.IPv4Network(text if "/" in text else f"{text}/16", strict=False)
    except ValueError:
        raise ValueError("is no IPv4 network; give one such as 10.0.0.0/16") from None
    if "/" not in text:
        raise ValueError(f"has no prefix length; write {meant}")
    if str(meant.network_address) != text.partition("/")[0]:
        raise ValueError(f"does not begin where a /{meant.prefixlen} does; did you mean {meant}?")
    return str(meant)


def _letter_alone(given: object) -> object:
    if isinstance(given, str) and (name := re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]([a-h])", given)):
        raise ValueError(f"is a zone's whole name; give the letter alone: {name[2]}")
    return given


def _name_alone(given: object) -> object:
    if isinstance(given, str) and (url := re.match(r"(https?://)([^/]*)", given)):
        raise ValueError(f"is a URL; give the name without {url[1]}: {url[2]}")
    return given


def _with_a_version(given: object) -> object:
    if (
        isinstance(given, str)
        and re.fullmatch(r"[a-z0-9][a-z0-9._/:-]*[a-z0-9]", given)
        and ":" not in given.rpartition("/")[2]
    ):
        raise ValueError(f"names no version; give a tag or a digest: {given}:1.0.0")
    return given


def _known_region(text: str) -> str:
    if text not in REGIONS:
        raise ValueError("is no commercial AWS region; give one such as us-west-2")
    return text


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
NAME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
NAME_RULE = "use lower-case letters, digits and single hyphens, beginning with a letter"
Name = Annotated[str, form(NAME_PATTERN, NAME_RULE, max_length=24, examples=["render"])]
"""A name within the platform. 24 characters, so that every physical name built from it fits."""
Region = Annotated[
    str,
    AfterValidator(_known_region),
    Field(examples=["us-west-2"], json_schema_extra={"enum": list(REGIONS)}),
]
ZoneLetter = Annotated[
    str,
    form(r"^[a-h]$", "give one letter from a to h", examples=["a"]),
    BeforeValidator(_letter_alone),
]
AccountId = Annotated[
    str,
    form(
        r"^[0-9]{12}$",
        "give 12 digits, in quotes so that a leading zero stays",
        examples=["123456789012"],
    ),
]
Email = Annotated[
    str,
    form(
        r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
        "give one e-mail address",
        max_length=254,
        examples=["oncall@studio.example"],
    ),
]
Domain = Annotated[
    str,
    form(
        r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$",
        "give a DNS name in lower-case letters, digits, hyphens and dots",
        max_length=253,
        examples=["api.studio.example"],
    ),
    BeforeValidator(_name_alone),
]
Origin = Annotated[
    str,
    form(
        r"^https?://[a-z0-9.:-]+$",
        "give http:// or https:// and a host in lower case, without a path",
        examples=["https://app.studio.example"],
    ),
]
UrlPath = Annotated[
    str,
    form(
        r"^/[A-Za-z0-9_./-]*$",
        "give a path that begins with /, of plain letters, digits and _ . / -",
        max_length=255,
        examples=["/health"],
    ),
]
EnvironmentName = Annotated[
    str,
    form(
        r"^[A-Z][A-Z0-9_]*$",
        "use capital letters, digits and underscores, beginning with a letter",
        examples=["OPENAI_API_KEY"],
    ),
]
DatabaseClass = Annotated[
    str,
    form(
        r"^db\.[a-z][a-z0-9-]*\.[a-z0-9]+$",
        "give an RDS instance class, db. included",
        examples=["db.t4g.medium"],
    ),
]
CacheNodeType = Annotated[
    str,
    form(
        r"^cache\.[a-z][a-z0-9-]*\.[a-z0-9]+$",
        "give an ElastiCache node type, cache. included",
        examples=["cache.t4g.medium"],
    ),
]
InstanceType = Annotated[
    str,
    form(
        r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$",
        "give an EC2 instance type: its family, a dot and its size",
        examples=["g6.xlarge"],
    ),
]
AmiId = Annotated[
    str,
    form(
        r"^ami-[0-9a-f]{8,17}$",
        "give an AMI's id: ami- and 8 to 17 hex digits",
        examples=["ami-0123456789abcdef0"],
    ),
]
ImageReference = Annotated[
    str,
    form(
        r"^[a-z0-9][a-z0-9._/:-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$",
        "give a repository in lower case, then a colon and a tag, or @sha256: and 64 hex digits",
        examples=["api:2026.11.1", "api@sha256:<64 hex digits>"],
    ),
    BeforeValidator(_with_a_version),
]
"""`repository:tag` or `repository@digest` of the platform's own registry, or a full image URI."""


def build_of(image: str) -> str:
    """What tells one build of an image from another: its digest, or else its tag."""
    repository_and_tag, at, digest = image.partition("@")
    return digest if at else repository_and_tag.rpartition(":")[2]


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TimeOfDay = Annotated[
    str,
    form(
        r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        "give hours and minutes in two digits each, in quotes",
        examples=["20:00"],
    ),
]
TimeZone = Annotated[
    str,
    form(
        r"^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$",
        "give a time zone by its IANA name",
        examples=["Europe/Berlin"],
    ),
]
DailyWindow = Annotated[
    str,
    form(
        r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
        "give a start and an end in UTC, hours and minutes in two digits each",
        examples=["03:00-04:00"],
    ),
]
WeeklyWindow = Annotated[
    str,
    form(
        r"^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]"
        r"-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]$",
        "give a start and an end in UTC, a weekday of three letters before each time",
        examples=["sun:04:00-sun:05:00"],
    ),
]
TagKey = Annotated[
    str,
    form(
        r"^[A-Za-z0-9 _.:/=+@-]{1,128}$",
        "use 1 to 128 plain letters, digits, spaces and _ . : / = + @ -",
        examples=["Owner"],
    ),
]
TagValue = Annotated[
    str,
    form(
        r"^[A-Za-z0-9 _.:/=+@-]{0,256}$",
        "use at most 256 plain letters, digits, spaces and _ . : / = + @ -",
        examples=["platform"],
    ),
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
