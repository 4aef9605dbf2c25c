"""What is wrong with a stack file, said for the person who has to mend it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic_core import ErrorDetails

_TYPE_WORDS = {str: "text", bool: "a boolean", int: "a number", float: "a number"}
"""How a value's type is called in a message."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with a stack file."""

    key: str
    """The key of the file: `backlot:database`."""
    path: str
    """Where below it: `replicas.count`, `zones[1]`, or nothing for the whole of it."""
    message: str
    """What was given, what is allowed, what to do."""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.key, self.path, self.message) if part)


class SettingsError(pulumi.RunError):
    """A stack file that cannot be used: every problem of it, one to a line.

    A RunError, so that Pulumi prints the message alone and stops with exit code 1.
    """

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        count = "1 error" if len(self.problems) == 1 else f"{len(self.problems)} errors"
        lines = [_on_one_line(f"{file}: {problem}") for problem in self.problems]
        super().__init__("\n".join([*lines, f"{count} in {file}; nothing was changed"]))


def _on_one_line(text: str) -> str:
    """Spell out what would break a line, or steer the terminal that shows it."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is most likely a slip of, if any."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)), None)


def explain(
    section: str, errors: Iterable[ErrorDetails], schema: Mapping[str, Any]
) -> list[Problem]:
    """Turn what pydantic found in a section into sentences, by the JSON Schema of all settings.

    A misspelt key that stands where a key is missing is one mistake, and reported once.
    """
    problems = []
    misspelt: set[tuple[int | str, ...]] = set()
    found = [error for error in errors if not _counts_only_the_good(error)]
    for error in found:
        if error["type"] == "extra_forbidden":
            parent = _walk(schema, (section, *error["loc"][:-1]))
            meant = did_you_mean(str(error["loc"][-1]), parent.node.get("properties", ()))
            if meant:
                misspelt.add((*error["loc"][:-1], meant))
    for error in found:
        if error["type"] == "missing" and error["loc"] in misspelt:
            continue
        place = _walk(schema, (section, *error["loc"]))
        problems.append(
            Problem(
                key=f"backlot:{section}",
                path=place.path.removeprefix(section).removeprefix("."),
                message=_sentence(error, place),
            )
        )
    return problems


def _counts_only_the_good(error: ErrorDetails) -> bool:
    """A list is also "too short" to pydantic when it has enough entries and some are wrong."""
    return (
        error["type"] == "too_short" and len(error["input"]) >= error.get("ctx", {})["min_length"]
    )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A key of the file, and the part of the schema that rules it."""

    path: str
    node: Mapping[str, Any]
    parent: Mapping[str, Any]


def _walk(schema: Mapping[str, Any], location: Iterable[int | str]) -> _Place:
    """Follow an error's location. Pydantic names a union's branch in it, which no path shows."""
    definitions = schema.get("$defs", {})
    node = parent = _resolve(schema, definitions)
    path = ""
    for step in location:
        branches = node.get("discriminator", {}).get("mapping", {})
        if step in branches:
            node = _resolve({"$ref": branches[step]}, definitions)
            continue
        if step == "[key]":
            node = {"type": "string", **parent.get("propertyNames", {})}
            continue
        parent = node
        if isinstance(step, int):
            path += f"[{step}]"
            node = node.get("items", {})
        else:
            path += f".{step}" if path else step
            node = node.get("properties", {}).get(step) or _value_schema(node)
        node = _resolve(node, definitions)
    return _Place(path=path, node=node, parent=parent)


def _value_schema(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a mapping with free keys holds under each."""
    by_pattern = next(iter(node.get("patternProperties", {}).values()), None)
    by_any_key = node.get("additionalProperties")
    return by_pattern or (by_any_key if isinstance(by_any_key, Mapping) else {})


def _resolve(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Look behind a reference, and past the null of an optional value."""
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        return {**_resolve(target, definitions), **{k: v for k, v in node.items() if k != "$ref"}}
    if "anyOf" in node:
        given = [branch for branch in node["anyOf"] if branch.get("type") != "null"]
        if len(given) == 1:
            outer = {k: v for k, v in node.items() if k != "anyOf"}
            return {**_resolve(given[0], definitions), **outer}
    return node


def _sentence(error: ErrorDetails, place: _Place) -> str:
    writer = _WRITERS.get(error["type"])
    if writer is None:
        return f"{shown(error['input'])}: {error['msg']}; give {wanted(place.node)}"
    return writer(error, place)


def _missing(_: ErrorDetails, place: _Place) -> str:
    meaning = place.node.get("description", "")
    return f"missing; give {wanted(place.node)}. {meaning}".rstrip(" .") + ("." if meaning else "")


def _unknown(error: ErrorDetails, place: _Place) -> str:
    known = place.parent.get("properties", {})
    meant = did_you_mean(str(error["loc"][-1]), known)
    guess = f"did you mean {meant}? " if meant else ""
    return f"unknown key; {guess}allowed: {', '.join(known)}"


def _type(error: ErrorDetails, place: _Place) -> str:
    return f"{shown(error['input'])} is {_kind(error['input'])}; give {wanted(place.node)}"


def _range(error: ErrorDetails, place: _Place) -> str:
    extent = "small" if error["type"].startswith("greater") else "large"
    return f"{shown(error['input'])} is too {extent}; give {wanted(place.node)}"


def _word(error: ErrorDetails, place: _Place) -> str:
    meant = did_you_mean(str(error["input"]), map(str, _words(place.node)))
    guess = f"did you mean {meant}? " if meant else ""
    return f"{shown(error['input'])} is not allowed; {guess}give {wanted(place.node)}"


def _pattern(error: ErrorDetails, place: _Place) -> str:
    pattern = error.get("ctx", {})["pattern"]
    return f"{shown(error['input'])} is malformed; give {wanted(place.node)} (pattern {pattern})"


def _length(error: ErrorDetails, place: _Place) -> str:
    extent = "long" if error["type"].endswith("long") else "short"
    value = error["input"]
    size = f"has {len(value)} characters" if isinstance(value, str) else _entries(value)
    return f"{shown(value)} is too {extent}: it {size}; give {wanted(place.node)}"


def _entries(value: Any) -> str:
    return "has 1 entry" if len(value) == 1 else f"has {len(value)} entries"


def _own_words(error: ErrorDetails, _: _Place) -> str:
    return f"{shown(error['input'])} {error.get('ctx', {})['error']}"


def _branch(error: ErrorDetails, place: _Place) -> str:
    discriminator = place.node.get("discriminator", {})
    key, known = discriminator.get("propertyName", "kind"), discriminator.get("mapping", {})
    given = error["input"].get(key) if isinstance(error["input"], Mapping) else None
    if given is None:
        return f"{key} is missing; give one of {', '.join(known)}"
    meant = did_you_mean(str(given), known)
    guess = f"did you mean {meant}? " if meant else ""
    return f"{key} {shown(given)} is not allowed; {guess}give one of {', '.join(known)}"


_WRITERS: Mapping[str, Callable[[ErrorDetails, _Place], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    **dict.fromkeys(
        (
            "string_type", "int_type", "int_from_float", "float_type", "bool_type", "tuple_type",
            "list_type", "dict_type", "model_type", "model_attributes_type",
        ),
        _type,
    ),
    **dict.fromkeys(
        ("greater_than", "greater_than_equal", "less_than", "less_than_equal"), _range
    ),
    "literal_error": _word,
    "string_pattern_mismatch": _pattern,
    **dict.fromkeys(("string_too_long", "string_too_short", "too_long", "too_short"), _length),
    "value_error": _own_words,
    **dict.fromkeys(("union_tag_invalid", "union_tag_not_found"), _branch),
}  # fmt: skip


def shown(value: Any, limit: int = 60) -> str:
    """A value as the file holds it, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if value is None:
        return "nothing"
    return _TYPE_WORDS.get(type(value), "a list")


def _words(node: Mapping[str, Any]) -> Sequence[Any]:
    return node["enum"] if "enum" in node else [node["const"]] if "const" in node else []


def wanted(node: Mapping[str, Any]) -> str:
    """What a part of the schema allows, in words that follow "give"."""
    words = [str(word) for word in _words(node)]
    if words:
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    match node.get("type"):
        case "boolean":
            return "true or false"
        case "integer":
            return f"a whole number{_extent(node, 'minimum', 'maximum')}"
        case "array":
            return f"a list{_extent(node, 'minItems', 'maxItems', ' entries')}"
        case "string":
            example = next(iter(node.get("examples", ())), None)
            such = f' such as "{example}"' if example else ""
            return f"text in quotes{_extent(node, 'minLength', 'maxLength', ' characters')}{such}"
        case _:
            keys = node.get("required") or list(node.get("properties", ()))
            return f"a mapping with {', '.join(keys)}" if keys else "a mapping of keys to values"


def _extent(node: Mapping[str, Any], low: str, high: str, unit: str = "") -> str:
    if low in node and high in node:
        return f", {node[low]} to {node[high]}{unit}"
    if low in node:
        return f", at least {node[low]}{unit}"
    if high in node:
        return f", at most {node[high]}{unit}"
    return ""
