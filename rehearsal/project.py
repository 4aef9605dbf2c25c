"""Reads Pulumi.yaml and a stack file into what the Pulumi CLI would hand to the program."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal.graph import SECRET

PROJECT_FILE = "Pulumi.yaml"


class ProjectError(Exception):
    """The project or stack file cannot be used; the message names the file, and the line if any."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A Pulumi project on disk."""

    name: str
    directory: Path
    program_dir: Path
    """Where `__main__.py` is: `directory`, unless Pulumi.yaml says `main`."""
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stacks(self) -> list[str]:
        files = self.directory.glob("Pulumi.*.yaml")
        return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files)


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """The settings of one stack, under full keys and as text."""

    values: Mapping[str, str]
    secret_keys: tuple[str, ...]


def load_project(directory: Path) -> Project:
    """Raises ProjectError when `directory` holds no usable Python project."""
    file = directory / PROJECT_FILE
    if not file.is_file():
        raise ProjectError(f"{file}: no such file; run this where a Pulumi project is, or name it")
    content = _mapping(file, PROJECT_FILE)
    name = content.get("name")
    if not isinstance(name, str) or not name:
        raise ProjectError(f"{PROJECT_FILE}: name: a project needs a name")
    runtime = content.get("runtime")
    language = runtime.get("name") if isinstance(runtime, Mapping) else runtime
    if language != "python":
        raise ProjectError(f"{PROJECT_FILE}: runtime: {language!r}, only python can be rehearsed")
    program_dir = directory / str(content.get("main") or ".")
    if not (program_dir / "__main__.py").is_file():
        raise ProjectError(f"{PROJECT_FILE}: {program_dir.resolve()} has no __main__.py")
    defaults = content.get("config") or {}
    if not isinstance(defaults, Mapping):
        raise ProjectError(f"{PROJECT_FILE}: config: must be a mapping of settings")
    return Project(
        name=name, directory=directory, program_dir=program_dir.resolve(), defaults=defaults
    )


def load_stack_config(project: Project, file: Path, shown_as: str) -> StackConfig:
    """The stack's settings over the project's. Raises ProjectError; `shown_as` names the file."""
    content = _mapping(file, shown_as)
    given = content.get("config")
    if not isinstance(given, Mapping) or not given:
        raise ProjectError(
            f"{shown_as}: config: the stack file has no settings; they go under `config:` as "
            f"`{project.name}:<section>`"
        )
    stack = {_full_key(str(key), project.name): value for key, value in given.items()}
    values: dict[str, str] = {}
    secret: set[str] = set()
    for key, value in [*_project_defaults(project), *stack.items()]:
        plain, holds_secret = _without_secrets(value)
        values[key] = _text(plain)
        secret.discard(key)
        if holds_secret:
            secret.add(key)
    return StackConfig(values=values, secret_keys=tuple(sorted(secret)))


def _project_defaults(project: Project) -> Iterator[tuple[str, Any]]:
    for key, declared in project.defaults.items():
        value = declared
        if isinstance(declared, Mapping):
            value = declared.get("value", declared.get("default"))
            if value is None:
                continue
        yield _full_key(str(key), project.name), value


def _full_key(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _without_secrets(value: Any) -> tuple[Any, bool]:
    """The value with a placeholder for every `secure:` text, and whether there was one."""
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return SECRET, True
        parts = {str(key): _without_secrets(item) for key, item in value.items()}
        plain: Any = {key: part for key, (part, _) in parts.items()}
        return plain, any(secret for _, secret in parts.values())
    if isinstance(value, list):
        items = [_without_secrets(item) for item in value]
        return [item for item, _ in items], any(secret for _, secret in items)
    return value, False


def _text(value: Any) -> str:
    """The CLI hands scalars over as they are written, and everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, _Scalar):
        return value.written
    if value is None:
        return ""
    return json.dumps(value, default=_scalar_value)


@dataclass(frozen=True)
class _Scalar:
    """A number or truth value, with the text it was written as: `17.10` must not become 17.1."""

    value: bool | int | float
    written: str


def _scalar_value(value: Any) -> Any:
    if isinstance(value, _Scalar):
        return value.value
    raise TypeError(type(value).__name__)


class _Loader(yaml.SafeLoader):
    """YAML as the CLI reads it: 1.2's scalars (`on` and `03:00` are text), no key twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's class attribute)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.value in first:
                message = (
                    f"the key {key.value!r} is given twice; put both under the one on line "
                    f"{first[key.value]}"
                )
                raise yaml.constructor.ConstructorError(None, None, message, key.start_mark)
            first[key.value] = line
        return super().construct_mapping(node, deep)


def _construct_scalar(_loader: _Loader, node: yaml.ScalarNode) -> _Scalar:
    constructed = {
        "tag:yaml.org,2002:bool": lambda: node.value.lower() == "true",
        "tag:yaml.org,2002:int": lambda: int(node.value, 0),
        "tag:yaml.org,2002:float": lambda: float(node.value),
    }[node.tag]()
    return _Scalar(constructed, node.value)


_SCALARS = {
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "tag:yaml.org,2002:int": (r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+", "-+0123456789"),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
        "-+.0123456789",
    ),
}

for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})$"), list(_first))
    _Loader.add_constructor(_tag, _construct_scalar)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<$"), ["<"])


def _mapping(file: Path, shown_as: str) -> Mapping[str, Any]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except OSError as problem:
        raise ProjectError(f"{shown_as}: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise ProjectError(f"{shown_as}: not UTF-8 text: {problem.reason}") from None
    except yaml.MarkedYAMLError as problem:
        line, said = _explained(problem)
        raise ProjectError(f"{shown_as}:{line}: not valid YAML: {said}") from None
    except yaml.YAMLError as problem:
        raise ProjectError(f"{shown_as}: not valid YAML: {problem}") from None
    if not isinstance(content, Mapping):
        raise ProjectError(f"{shown_as}:1: must be a mapping, such as `config:` and its settings")
    return content


def _explained(problem: yaml.MarkedYAMLError) -> tuple[int, str]:
    """The line to look at, and what is wrong there in plain words.

    The parser notices most mistakes a line or more after they were made; its context is where the
    thing began that could not be finished.
    """
    noticed = problem.problem_mark.line + 1 if problem.problem_mark else 1
    began = problem.context_mark.line + 1 if problem.context_mark else noticed
    context, said = problem.context or "", problem.problem or ""
    if (sign := _sign_of_yaml(context, said)) is not None:
        return noticed, f'"{sign}" is a sign of YAML\'s own here; put the text in quotes'
    if "'\\t'" in said:
        return noticed, "there is a tab; YAML is indented with spaces"
    if said == "mapping values are not allowed here":
        return noticed, (
            "no key can stand here: the line above lacks its `: `, or this one is indented too far"
        )
    if context == "while scanning a simple key":
        return began, "there is no `: ` between a key and its value"
    if context == "while scanning a quoted scalar":
        return began, "the quote that opens here is never closed"
    if context in ("while parsing a flow sequence", "while parsing a flow mapping"):
        closing = "]" if "sequence" in context else "}"
        return began, f"the bracket that opens here needs a `{closing}`"
    if context == "while parsing a block mapping":
        return noticed, "the indentation fits neither the line above nor any block around it"
    return noticed, said


def _sign_of_yaml(context: str, said: str) -> str | None:
    """What of a text without quotes was not read as text: `[*]`, `{path: /health?full=1}`, `@x`."""
    if context == "while scanning an alias" or said.startswith("found undefined alias"):
        return "*"
    if context == "while scanning an anchor":
        return "&"
    if context.startswith("while parsing a flow") and said.endswith("'?'"):
        return "?"
    no_start = re.search(r"'(.)' that cannot start any token", said)
    return no_start[1] if no_start and no_start[1] != "\t" else None
