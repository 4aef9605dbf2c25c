"""What the file of an account may say, and the only reader of Pulumi's configuration."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Annotated, Any

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .errors import Problem, SettingsError, explain, one_of, shown
from .place import Place

NAMESPACE = "bootstrap"
"""Leads every section's key, whatever the project is called."""
READ_NAMESPACES = ("aws", "pulumi")
"""Those of others than ourselves."""
REGION_KEY = "aws:region"
ROLE_HOURS = 12
"""The longest session AWS grants."""
PLATFORM_CHARACTERS = 20
ENVIRONMENT_CHARACTERS = 16
"""So that `<platform>-<environment>-release` and an auto-name's suffix fit a role's 64."""


def _text(pattern: str, rule: str) -> Any:
    """Text of one form, and the same in words that tell a person what to write."""

    def judged(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"does not fit; {rule}")
        return text

    return AfterValidator(judged)


def _free_of_our_own(name: str) -> str:
    # The state's bucket is called `<platform>-state-...`, which a role of that environment might
    # take for its own.
    if name in ("state", "bootstrap"):
        raise ValueError("is a name of this project's own; call the environment something else")
    return name


class Section(BaseModel):
    """One block of the file. Frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_NAME_RULE = "use lower-case letters, digits and single hyphens, beginning with a letter"
Name = Annotated[str, _text(_NAME, _NAME_RULE)]
EnvironmentName = Annotated[
    str, Field(max_length=ENVIRONMENT_CHARACTERS), _text(_NAME, _NAME_RULE),
    AfterValidator(_free_of_our_own),
]  # fmt: skip
AccountId = Annotated[str, _text(r"[0-9]{12}", "give 12 digits, in quotes")]
Region = Annotated[
    str, _text(r"(?!us-gov|cn-)[a-z]{2}(-[a-z]+)+-[0-9]", "give a commercial region: us-west-2")
]
_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REPOSITORY = r"[A-Za-z0-9._-]+"
Repository = Annotated[
    str,
    _text(
        rf"{_OWNER}/{_REPOSITORY}|{_OWNER}@[0-9]+/{_REPOSITORY}@[0-9]+",
        "give owner/repository, or owner@id/repository@id where GitHub puts the numbers in",
    ),
]
"""As the tokens of its workflows spell it.

Repositories made since July 2026 have the numbers of owner and repository in the subject.
https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
"""
Organization = Annotated[
    str, _text(r"[a-z0-9][a-z0-9_-]*", "give the name in Pulumi Cloud's address, in lower case")
]


class AccountSettings(Section):
    id: AccountId
    """The account this file is for; nothing is touched anywhere else."""
    platform: Annotated[Name, Field(max_length=PLATFORM_CHARACTERS)] = "backlot"
    """`backlot:platform: name` of the stack files."""
    project: Name = "backlot"
    """The name in the platform's Pulumi.yaml."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Put on everything, beside Project and ManagedBy."""


class StateSettings(Section):
    old_versions_days: Annotated[int, Field(ge=30)] = 90
    """Days an overwritten or deleted state can still be called back."""
    replica_region: Region | None = None
    """Where a copy of every state goes. Absent: there is none."""


class GithubSettings(Section):
    repository: Repository
    """The platform's own: its workflows preview and deploy."""
    applications: tuple[Repository, ...] = ()
    """Those whose workflows push images, sites and installers."""
    create_provider: bool = True
    """False: the account believes GitHub already, and has only one such provider."""


class PulumiCloudSettings(Section):
    organization: Organization
    create_provider: bool = True
    """False: the account believes Pulumi Cloud already, and has only one such provider."""


class EnvironmentSettings(Section):
    deploy_hours: Annotated[int, Field(ge=1, le=ROLE_HOURS)] = 2
    """Longest session of the deploy role; longer than the slowest change of the database."""
    cloud_previews: bool = False
    """True: Pulumi Cloud previews pull requests under the deploy role, since it knows one role per
    stack. Whoever may open one can then change the environment."""
    disposable: bool = False
    """True: the deploy role may empty its buckets and repositories, as `pulumi destroy` does."""


class OperatorsSettings(Section):
    mfa_minutes: Annotated[int, Field(ge=5, le=720)] = 60
    """How long ago a person may have shown the second factor."""


class Settings(Section):
    """An account's file, read and judged."""

    region: Region
    account: AccountSettings
    state: StateSettings = StateSettings()
    github: GithubSettings | None = None
    pulumi_cloud: PulumiCloudSettings | None = None
    environments: Annotated[dict[EnvironmentName, EnvironmentSettings], Field(min_length=1)]
    """By the name of the stack."""
    operators: OperatorsSettings | None = None
    """Absent: people get in by other ways, such as the organisation's single sign-on."""

    @property
    def place(self) -> Place:
        return Place(
            account_id=self.account.id,
            region=self.region,
            platform=self.account.platform,
            project=self.account.project,
        )


SECTIONS = tuple(name for name in Settings.model_fields if name != "region")


def load() -> Settings:
    """The settings of the account that Pulumi is running for.

    Raises SettingsError, which lists every problem of the file.
    """
    found = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    file = os.environ.get("BACKLOT_CONFIG_FILE") or f"Pulumi.{pulumi.get_stack()}.yaml"
    return parse(found, file)


def parse(config: Mapping[str, Any], file: str) -> Settings:
    """Judge a whole configuration: text by full key, mappings as JSON. Raises SettingsError."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for key, given in config.items():
        namespace, _, name = key.partition(":")
        if namespace != NAMESPACE:
            if name in SECTIONS and namespace not in READ_NAMESPACES:
                message = f"nobody reads this; write {NAMESPACE}:{name}"
                problems.append(Problem(key=key, path="", message=message))
            continue
        if name not in SECTIONS:
            message = f"unknown section; {one_of(name, SECTIONS)}"
            problems.append(Problem(key=key, path="", message=message))
            continue
        values[name] = _section(name, given, problems)
    if REGION_KEY in config:
        values["region"] = _judged("region", config[REGION_KEY], REGION_KEY, problems)
    else:
        message = "missing; give one such as us-east-1"
        problems.append(Problem(key=REGION_KEY, path="", message=message))
    for name in ("account", "environments"):
        if name not in values:
            message = "missing section; add it"
            problems.append(Problem(key=f"{NAMESPACE}:{name}", path="", message=message))
    problems += _spanning(values)
    if problems:
        raise SettingsError(file, problems)
    return Settings(**values)


def _section(name: str, given: Any, problems: list[Problem]) -> Any:
    key = f"{NAMESPACE}:{name}"
    try:
        value = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        value = given
    if not isinstance(value, dict):
        message = f"{shown(value)} given; give a mapping of its settings"
        problems.append(Problem(key=key, path="", message=message))
        return None
    return _judged(name, value, key, problems)


def _judged(name: str, value: Any, key: str, problems: list[Problem]) -> Any:
    field = Settings.model_fields[name]
    try:
        return TypeAdapter(field.rebuild_annotation()).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        model = next((part for part in _models(field.annotation)), None)
        known = tuple(model.model_fields) if model else ()
        problems += explain(key, error.errors(include_url=False), known)
        return None


def _models(annotation: Any) -> list[type[BaseModel]]:
    parts = [annotation, *getattr(annotation, "__args__", ())]
    return [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]


def _spanning(values: Mapping[str, Any]) -> list[Problem]:
    """What no section can see alone."""
    problems = []
    if "github" not in values and "pulumi_cloud" not in values:
        message = "nobody could assume the roles; add bootstrap:github or bootstrap:pulumi_cloud"
        problems.append(Problem(key=f"{NAMESPACE}:environments", path="", message=message))
    state = values.get("state")
    if state and values.get("region") and state.replica_region == values["region"]:
        message = f"{shown(state.replica_region)} is where the states are; give another region"
        problems.append(Problem(key=f"{NAMESPACE}:state", path="replica_region", message=message))
    return problems
