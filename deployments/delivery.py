"""The settings of this project: where the program comes from, and what each stack does with it.

Read as the platform reads its own: every mistake at once, one to a line, before anything changes.
Self-contained, because under the CLI a project sees no folder but its own.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

NAMESPACE = "deployments"
"""Leads both keys, whatever the project is called: `deployments:stacks`."""

WANTED = {
    "bool_type": "give true or false",
    "greater_than_equal": "give 1 to 12 hours",
    "int_type": "give a whole number of hours",
    "less_than_equal": "give 1 to 12 hours",
    "string_type": "give text",
    "model_type": "give a mapping",
    "model_attributes_type": "give a mapping",
    "dict_type": "give a mapping, the name as the key",
    "too_short": "give at least one stack",
}
"""What to do, by pydantic's word for what is wrong."""


def _form(pattern: str, example: str) -> Any:
    """Text of one form, and an example of it for whoever got it wrong."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"give one such as {example}")
        return text

    return AfterValidator(check)


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo != UTC:
        raise ValueError("give a moment in UTC such as 2027-01-31T18:00:00Z")
    return text


_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_FIELD = r"[0-9*][0-9*,/-]*"

Word = Annotated[str, _form(_WORD, "backlot")]
Repository = Annotated[str, _form(f"{_WORD}/{_WORD}", "studio/backlot")]
Branch = Annotated[str, _form(r"[A-Za-z0-9][A-Za-z0-9._/-]*", "main")]
RoleArn = Annotated[
    str,
    _form(
        r"arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+",
        "arn:aws:iam::123456789012:role/bootstrap/backlot-dev-deploy",
    ),
]
Cron = Annotated[str, _form(rf"{_FIELD}( {_FIELD}){{4}}", '"0 6 * * 1-5", five fields in UTC')]


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class SourceSettings(_Settings):
    """`deployments:source`: where the program is, and how Pulumi Cloud calls it."""

    organization: Word
    """Pulumi Cloud's, which owns the stacks."""
    repository: Repository
    """On GitHub. The Pulumi GitHub app must be installed for it."""
    project: Word = "backlot"
    """The name in the platform's Pulumi.yaml."""


class DriftSettings(_Settings):
    schedule: Cron
    """When to look whether AWS still is as the state says, in UTC."""
    remediate: bool = False
    """True: what differs is put back at once, without anybody looking."""


class StackSettings(_Settings):
    """One stack of the platform."""

    branch: Branch
    on_push: bool
    """True: a push to the branch deploys. False: a person starts each deployment."""
    preview_pull_requests: bool
    """True: a pull request is previewed, under the same `role`."""
    role: RoleArn
    """Assumed by OIDC for every operation. bootstrap's output `roles`, `deploy`."""
    session_hours: Annotated[int, Field(ge=1, le=12)] = 2
    """How long the credentials last: longer than the slowest change of the database, at most the
    role's `deploy_hours` (bootstrap)."""
    drift: DriftSettings | None = None
    """Absent: nobody looks."""
    expires: Annotated[str, AfterValidator(_moment)] | None = None
    """When the stack is destroyed, for one that reviews something. Absent: never."""


class Delivery(_Settings):
    """Everything the stack file says."""

    source: SourceSettings
    stacks: Annotated[dict[Word, StackSettings], Field(min_length=1)]
    """By the stack's name."""


class DeliveryError(pulumi.RunError):
    """A stack file that cannot be used: every problem of it, one to a line."""

    def __init__(self, file: str, problems: list[str]) -> None:
        count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
        lines = [f"{file}: {problem}" for problem in problems]
        super().__init__("\n".join([*lines, f"{count} in {file}; nothing was changed"]))


def load() -> Delivery:
    """The settings of the stack that Pulumi is running. Raises DeliveryError."""
    given = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    stack = pulumi.get_stack()
    file = os.environ.get("BACKLOT_CONFIG_FILE") or f"Pulumi.{stack}.yaml"
    return parse(given, file=file)


def parse(config: Mapping[str, str], *, file: str) -> Delivery:
    """Judge the whole configuration: JSON text by full key. Raises DeliveryError."""
    lead = f"{NAMESPACE}:"
    sections = {
        key.removeprefix(lead): _decoded(text)
        for key, text in config.items()
        if key.startswith(lead)
    }
    try:
        delivery = Delivery.model_validate(sections)
    except ValidationError as error:
        raise DeliveryError(file, [_said(one) for one in error.errors()]) from None
    if problems := list(_dangers(delivery)):
        raise DeliveryError(file, problems)
    return delivery


def _dangers(delivery: Delivery) -> Iterator[str]:
    for name, stack in delivery.stacks.items():
        if stack.expires and stack.on_push:
            yield (
                f"{NAMESPACE}:stacks: {name}.expires: a push after {stack.expires} would bring the "
                "stack back; give on_push: false, or no end"
            )


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _said(error: ErrorDetails) -> str:
    section, *below = (str(step) for step in error["loc"])
    path = ".".join(step for step in below if step != "[key]")
    return ": ".join(part for part in (f"{NAMESPACE}:{section}", path, _sentence(error)) if part)


def _sentence(error: ErrorDetails) -> str:
    kind, given = error["type"], json.dumps(error["input"], default=str)
    if kind == "missing":
        return "missing; add it"
    if kind == "extra_forbidden":
        meant = difflib.get_close_matches(str(error["loc"][-1]), _keys(), n=1, cutoff=0.7)
        return f"unknown key; did you mean {meant[0]}?" if meant else "unknown key; remove it"
    if kind == "value_error":
        return f"{given} given; {error.get('ctx', {}).get('error')}"
    return f"{given} given; {WANTED.get(kind, error['msg'])}"


def _keys() -> list[str]:
    models: tuple[type[BaseModel], ...] = (
        Delivery,
        SourceSettings,
        StackSettings,
        DriftSettings,
    )
    return [key for model in models for key in model.model_fields]
