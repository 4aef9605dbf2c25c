"""Reads a stack file's settings out of Pulumi's configuration: the only module that does."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import TypeAdapter, ValidationError

from settings import invariants
from settings.errors import (
    SECRETS_NAMESPACE,
    Problem,
    SettingsError,
    did_you_mean,
    explain,
    holds,
    shown,
)
from settings.regions import OTHER_PARTITIONS, REGIONS
from settings.stack import Settings

NAMESPACE = "backlot"
"""Leads every section's key: `backlot:network`."""
READ_NAMESPACES = (NAMESPACE, SECRETS_NAMESPACE, "aws", "awsx", "pulumi", "random")
"""Ours, and those of the providers the program uses."""

REGION_KEY = "aws:region"
NOT_SECTIONS = ("stack", "region")
"""Fields of the settings that come from elsewhere than a section."""
SECTIONS = tuple(name for name in Settings.model_fields if name not in NOT_SECTIONS)
"""The sections, in the order a stack file has them."""


def load() -> Settings:
    """The settings of the stack that Pulumi is running.

    Raises SettingsError, which lists every problem of the stack file.
    """
    return parse(_everything(), stack=pulumi.get_stack(), secret_keys=_secret_keys())


def secret_values() -> Mapping[str, pulumi.Output[str]]:
    """The third-party keys that `pulumi config set --secret backlot-secrets:<name>` has given.

    By their name in `backlot:secrets`; a name without a value is absent, and filled out of band.
    The values never pass through the settings. `load` has refused plain and unknown ones.
    """
    bag = pulumi.Config(SECRETS_NAMESPACE)
    names = sorted(_names_under(SECRETS_NAMESPACE, _everything()))
    return {name: bag.require_secret(name) for name in names}


def parse(
    config: Mapping[str, str],
    *,
    stack: str,
    file: str | None = None,
    secret_keys: Collection[str] = (),
) -> Settings:
    """Judge a stack's whole configuration: text by full key, mappings as JSON.

    `file` is what messages call it: BACKLOT_CONFIG_FILE or `Pulumi.<stack>.yaml` when not given.
    Raises SettingsError, which lists every problem.
    """
    file = file or os.environ.get("BACKLOT_CONFIG_FILE") or f"Pulumi.{stack}.yaml"
    sections = _names_under(NAMESPACE, config)
    astray = _sections_astray(config)
    if not sections and not astray:
        raise SettingsError(file, [_foreign(config)])

    values: dict[str, Any] = {"stack": stack}
    problems = [*astray, *_unknown_sections(sections)]
    region = config.get(REGION_KEY, "")
    if region in REGIONS:
        values["region"] = region
    else:
        problems.append(_bad_region(region))
    for name in SECTIONS:
        if f"{NAMESPACE}:{name}" not in config and name in map(_section_name, astray):
            continue  # one mistake, reported where the section stands
        found = _section(name, config, secret_keys)
        if isinstance(found, _Value):
            values[name] = found.value
        else:
            problems += found
    problems += _misplaced_secrets(config, secret_keys, values.get("secrets"))
    problems += invariants.check(values)
    if problems:
        raise SettingsError(file, sorted(problems, key=_file_order))
    return Settings(**values)


@dataclass(frozen=True)
class _Value:
    """A section that could be read. Tells a section that is None from one that failed."""

    value: Any


def _section(
    name: str, config: Mapping[str, str], secret_keys: Collection[str]
) -> _Value | list[Problem]:
    key = f"{NAMESPACE}:{name}"
    field = Settings.model_fields[name]
    if key not in config:
        if _misspelt(name, config):
            return []  # one mistake, and the unknown section reports it
        if not field.is_required():
            return _Value(field.get_default(call_default_factory=True))
        return [Problem(key=key, path="", message=_missing_section(name))]
    if key in secret_keys:
        message = (
            "holds a secret; settings are plain. Give third-party keys with "
            f"`pulumi config set --secret {SECRETS_NAMESPACE}:<name>`"
        )
        return [Problem(key=key, path="", message=message)]
    if not _is_mapping(config[key]):
        return [Problem(key=key, path="", message=_not_a_mapping(name, config[key]))]
    try:
        return _Value(_adapter(name).validate_json(config[key], strict=True))
    except ValidationError as error:
        return explain(name, error.errors(include_url=False), _schema())


@functools.cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(Settings.model_fields[name].rebuild_annotation())


@functools.cache
def _schema() -> Mapping[str, Any]:
    return Settings.model_json_schema()


def _is_mapping(text: str) -> bool:
    return isinstance(_decoded(text), dict)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _not_a_mapping(name: str, text: str) -> str:
    if isinstance(_decoded(text), list):
        given = "a list"
    else:
        given = shown(text) if text not in ("", "null") else "nothing"
    return f"was given {given}; give {holds(name, _schema())}"


def _missing_section(name: str) -> str:
    return f"missing section; add {NAMESPACE}:{name} as {holds(name, _schema())}"


def _misspelt(name: str, config: Mapping[str, str]) -> bool:
    unknown = (word for word in _names_under(NAMESPACE, config) if word not in SECTIONS)
    return any(did_you_mean(word, SECTIONS) == name for word in unknown)


def _sections_astray(config: Mapping[str, str]) -> list[Problem]:
    """Sections under a namespace that nobody reads, such as the project's new name."""
    astray = []
    for key in config:
        namespace, _, name = key.partition(":")
        if namespace in READ_NAMESPACES or name not in SECTIONS:
            continue
        ours = f"{NAMESPACE}:{name}"
        do = f"Remove it: {ours} stands as well" if ours in config else f"Write {ours}"
        message = (
            f"nobody reads this; settings live under {NAMESPACE}: whatever the project is called. "
            f"{do}"
        )
        astray.append(Problem(key=key, path="", message=message))
    return astray


def _section_name(problem: Problem) -> str:
    return problem.key.partition(":")[2]


def _unknown_sections(names: Collection[str]) -> list[Problem]:
    problems = []
    for name in names:
        if name in SECTIONS:
            continue
        meant = did_you_mean(name, SECTIONS)
        guess = f"did you mean {NAMESPACE}:{meant}? " if meant else ""
        message = f"unknown section; {guess}allowed: {', '.join(SECTIONS)}"
        problems.append(Problem(key=f"{NAMESPACE}:{name}", path="", message=message))
    return problems


def _foreign(config: Mapping[str, str]) -> Problem:
    strange = sorted({key.partition(":")[0] for key in config} - {"aws", "pulumi"})
    if strange:
        owners = ", ".join(f"`{namespace}:`" for namespace in strange)
        message = f"this stack file belongs to another project: it has keys of {owners}"
    else:
        message = "this stack file sets up nothing: it has no sections"
    needed = ", ".join(name for name in SECTIONS if Settings.model_fields[name].is_required())
    return Problem(key="", path="", message=f"{message}. Needed, each as `{NAMESPACE}:`: {needed}")


def _bad_region(region: str) -> Problem:
    meant = did_you_mean(region, REGIONS)
    if not region:
        message = "missing; give one such as us-east-1"
    elif region.startswith(OTHER_PARTITIONS):
        message = f"{region} is outside AWS's commercial regions; give one such as us-east-1"
    elif meant:
        message = f"{region} is no AWS region; did you mean {meant}?"
    else:
        message = f"{shown(region)} is no AWS region; give one such as us-east-1"
    return Problem(key=REGION_KEY, path="", message=message)


def _misplaced_secrets(
    config: Mapping[str, str], secret_keys: Collection[str], shells: Mapping[str, Any] | None
) -> list[Problem]:
    """Values in the secrets namespace that are plain, or that no shell waits for."""
    problems = []
    for name in _names_under(SECRETS_NAMESPACE, config):
        key = f"{SECRETS_NAMESPACE}:{name}"
        if key not in secret_keys:
            message = (
                "stands in plain text; take the key out of use where it came from, then give its "
                f"successor with `pulumi config set --secret {key}`"
            )
            problems.append(Problem(key=key, path="", message=message))
        if shells is not None and name not in shells:
            meant = did_you_mean(name, shells)
            guess = f"did you mean {meant}? " if meant else ""
            known = ", ".join(shells) or "none"
            message = f"no such name in {NAMESPACE}:secrets; {guess}known: {known}"
            problems.append(Problem(key=key, path="", message=message))
    return problems


def _names_under(namespace: str, config: Mapping[str, str]) -> list[str]:
    lead = f"{namespace}:"
    return [key.removeprefix(lead) for key in config if key.startswith(lead)]


def _file_order(problem: Problem) -> tuple[int, str]:
    """By the sections' order; what is no section leads, by name. Stable within a section."""
    namespace, _, name = problem.key.partition(":")
    if namespace == NAMESPACE and name in SECTIONS:
        return SECTIONS.index(name), ""
    return -1, problem.key


def _everything() -> dict[str, str]:
    """Every key of the stack's configuration; `pulumi.Config` only answers for known ones."""
    found = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in found.items()
    }


def _secret_keys() -> set[str]:
    from_engine = pulumi_config.get_config_secret_keys_env()
    return {
        key for key in _everything() if key in from_engine or pulumi_config.is_config_secret(key)
    }
