"""What is wrong with a stack file, said for the person who has to mend it."""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic_core import ErrorDetails

SECRETS_NAMESPACE = "backlot-secrets"
"""Leads every third-party key's value: `backlot-secrets:openai`."""

_TYPE_WORDS = {str: "text", bool: "a boolean", int: "a number", float: "a number"}
"""How a value's type is called in a message."""
_VALUE_WORDS = ("value", "secret", "key", "token", "password")
"""Under which a third-party key is given by mistake."""
_OTHER_NAMES = {
    **dict.fromkeys(("amd64", "x64", "x86", "intel", "amd"), "x86_64"),
    **dict.fromkeys(("aarch64", "arm", "graviton"), "arm64"),
}
"""What else people call a thing; no likeness of letters leads to ours."""


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
    """The known word that `word` is another name for, or most likely a slip of, if any."""
    known = list(known)
    ours = _OTHER_NAMES.get(word.lower())
    if ours in known:
        return ours
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.7)), None)


def explain(
    section: str, errors: Iterable[ErrorDetails], schema: Mapping[str, Any]
) -> list[Problem]:
    """Turn what pydantic found in a section into sentences, by the JSON Schema of all settings.

    A misspelt key that stands where a key is missing is one mistake, and reported once.
    """
    problems = []
    misspelt: set[tuple[int | str, ...]] = set()
    found = [error for error in errors if not _echoes_another(error)]
    for error in found:
        if error["type"] == "extra_forbidden":
            place = _walk(schema, (section, *error["loc"]))
            meant = did_you_mean(str(error["loc"][-1]), place.parent.get("properties", ()))
            if meant and not place.elsewhere:
                misspelt.add((*error["loc"][:-1], meant))
    for error in found:
        if error["type"] == "missing" and error["loc"] in misspelt:
            continue
        place = _walk(schema, (section, *error["loc"]))
        problems.append(
            Problem(
                key=f"backlot:{section}",
                path=place.path.removeprefix(section).removeprefix("."),
                message=_secret_value(section, error) or _sentence(_veiled(section, error), place),
            )
        )
    return problems


def holds(section: str, schema: Mapping[str, Any]) -> str:
    """What a whole section is made of, in words that follow "give", and what it is for."""
    node = _walk(schema, (section,)).node
    meaning = " ".join(node.get("description", "").split())
    return f"{wanted(node)}. {meaning}".rstrip(" .") + "."


def _echoes_another(error: ErrorDetails) -> bool:
    """What pydantic only finds because something else is wrong.

    A list that has enough entries is also "too short" when some are wrong, and a default that
    follows from other keys is "not called" when one of them is.
    """
    if error["type"] == "too_short":
        return len(error["input"]) >= error.get("ctx", {})["min_length"]
    return error["type"] == "default_factory_not_called"


def _secret_value(section: str, error: ErrorDetails) -> str | None:
    """What to say of a third-party key itself where only its shell belongs. Never shows it."""
    name, *below = error["loc"] or ("",)
    as_a_whole = not below and isinstance(error["input"], str | int | float) and name
    as_a_key = error["type"] == "extra_forbidden" and below and below[0] in _VALUE_WORDS
    if section != "secrets" or error["loc"][-1:] == ("[key]",) or not (as_a_whole or as_a_key):
        return None
    return (
        "values never stand here; remove it, and give it with "
        f"`pulumi config set --secret {SECRETS_NAMESPACE}:{name}`"
    )


def _veiled(section: str, error: ErrorDetails) -> ErrorDetails:
    """What is no variable's name may be the key itself, pasted a line too high."""
    is_text = isinstance(error["input"], str)
    if is_text and section == "secrets" and error["loc"][1:] == ("environment",):
        veiled = error.copy()
        veiled["input"] = "…"
        return veiled
    return error


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A key of the file, and the part of the schema that rules it."""

    path: str
    node: Mapping[str, Any]
    parent: Mapping[str, Any]
    elsewhere: Sequence[str] = ()
    """Other places in the same section, or in the same named part of it, that know this key."""


def _walk(schema: Mapping[str, Any], location: Iterable[int | str]) -> _Place:
    """Follow an error's location. Pydantic names a union's branch in it, which no path shows."""
    definitions = schema.get("$defs", {})
    node = parent = _resolve(schema, definitions)
    path = ""
    step: int | str = ""
    top: tuple[str, Mapping[str, Any]] | None = None
    for step in location:
        if top is None and path and "properties" in node:
            top = path, node
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
    elsewhere = tuple(_places_of(str(step), *top, definitions)) if top else ()
    return _Place(path=path, node=node, parent=parent, elsewhere=elsewhere)


def _places_of(
    key: str, path: str, node: Mapping[str, Any], definitions: Mapping[str, Any]
) -> Iterator[str]:
    """The mappings of a part of the schema that know `key`, the outermost first."""
    known = node.get("properties", {})
    if key in known:
        yield path
    for name, inner in known.items():
        yield from _places_of(key, f"{path}.{name}", _resolve(inner, definitions), definitions)


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
        return f"{shown(error['input'])}: {error['msg']}; {_asked(place.node)}"
    return writer(error, place)


def _missing(_: ErrorDetails, place: _Place) -> str:
    meaning = " ".join(place.node.get("description", "").split())
    return f"missing; {_asked(place.node)}. {meaning}".rstrip(" .") + ("." if meaning else "")


def _unknown(error: ErrorDetails, place: _Place) -> str:
    key, known = str(error["loc"][-1]), place.parent.get("properties", {})
    if place.elsewhere:
        homes = " or ".join(map(_home, place.elsewhere))
        return f"unknown key here; {key} belongs {homes}; allowed here: {', '.join(known)}"
    meant = did_you_mean(key, known)
    guess = f"did you mean {meant}? " if meant else ""
    return f"unknown key; {guess}allowed: {', '.join(known)}"


def _home(path: str) -> str:
    section, _, below = path.partition(".")
    return f"under {below}" if below else f"directly under backlot:{section}"


def _type(error: ErrorDetails, place: _Place) -> str:
    given = error["input"]
    if given is None:
        known, needed = (place.parent.get(part, ()) for part in ("properties", "required"))
        optional = error["loc"] and error["loc"][-1] in known and error["loc"][-1] not in needed
        remove = ", or remove the key" if optional else ""
        return f"has nothing behind it; {_asked(place.node)}{remove}"
    if (quoted := _quoted(given, place.node)) is not None:
        return f'{shown(given)} is {_kind(given)}; write "{quoted}"'
    if (listed := _listed(given, place.node)) is not None:
        return f"{shown(given)} is {_kind(given)}; write {listed}"
    return f"{shown(given)} is {_kind(given)}; {_asked(place.node)}"


def _range(error: ErrorDetails, place: _Place) -> str:
    extent = "small" if error["type"].startswith("greater") else "large"
    return f"{shown(error['input'])} is too {extent}; {_asked(place.node)}"


def _word(error: ErrorDetails, place: _Place) -> str:
    if error["input"] is None or _quoted(error["input"], place.node) is not None:
        return _type(error, place)
    words = {str(word): _written(word) for word in _words(place.node)}
    meant = did_you_mean(str(error["input"]), words)
    guess = f"did you mean {words[meant]}? " if meant else ""
    return f"{shown(error['input'])} is not allowed; {guess}{_asked(place.node)}"


def _pattern(error: ErrorDetails, place: _Place) -> str:
    # The schema has a mapping's keys without their pattern, so it is taken from the error.
    node = {**place.node, "pattern": error.get("ctx", {})["pattern"]}
    mended = next((text for text in _mended(error["input"]) if _fits(text, node)), None)
    return f"{shown(error['input'])} does not fit; {_asked(node, mended)}"


def _length(error: ErrorDetails, place: _Place) -> str:
    extent = "long" if error["type"].endswith("long") else "short"
    value = error["input"]
    if isinstance(value, Mapping) and not value:
        return f"{{}} holds nothing; give at least one{_such(place.node)}"
    size = f"has {len(value)} characters" if isinstance(value, str) else _entries(value)
    return f"{shown(value)} is too {extent}: it {size}; {_asked(place.node)}"


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


def _mended(text: str) -> Iterator[str]:
    """What was probably meant: the same in the other case, joined by hyphens, less a last slash."""
    yield text.lower()
    yield re.sub(r"[\s_.]+", "-", text.strip().lower())
    yield re.sub(r"[\s.-]+", "_", text.strip().upper())
    yield text.rstrip("/").lower()


def _quoted(value: Any, node: Mapping[str, Any]) -> str | None:
    """The text that was meant by a value which YAML reads as a number or a boolean, if it fits."""
    if not isinstance(value, int | float):
        return None
    spellings = [json.dumps(value)]
    if isinstance(value, bool):
        spellings += ["on", "yes"] if value else ["off", "no"]
    elif isinstance(value, int):
        spellings.append(f"{value}.0")
    elif value.is_integer():
        spellings.append(str(int(value)))
    return next((text for text in spellings if len(text) < 60 and _fits(text, node)), None)


def _listed(value: Any, node: Mapping[str, Any]) -> str | None:
    """The list that was meant by a text, such as a command given in one piece, if it fits."""
    if not isinstance(value, str) or node.get("type") != "array":
        return None
    items = node.get("items", {})
    is_command = "pattern" not in items and not _words(items)
    try:
        parts = shlex.split(value) if is_command else value.replace(",", " ").split()
    except ValueError:
        return None
    fits = node.get("minItems", 1) <= len(parts) <= node.get("maxItems", len(parts))
    return _in_flow(parts) if fits and all(_fits(part, items) for part in parts) else None


def _fits(text: str, node: Mapping[str, Any]) -> bool:
    return (
        node.get("type") == "string"
        and (not _words(node) or text in _words(node))
        and re.fullmatch(node.get("pattern", "(?s).*"), text) is not None
        and node.get("minLength", 0) <= len(text) <= node.get("maxLength", len(text))
    )


def shown(value: Any, limit: int = 60) -> str:
    """A value as the file holds it, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


_READ_AS_ANOTHER_TYPE = re.compile(
    r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0[xo][0-9a-fA-F]+"
    r"|[0-9]+(:[0-5][0-9])+|true|false|null|~|",
    re.IGNORECASE,
)
"""Text that YAML, 1.1 or 1.2, makes a number, a truth value or nothing of, without quotes."""
_PLAIN_IN_A_LIST = re.compile(r"[A-Za-z0-9/._-]([A-Za-z0-9/._@=+:%~*-]*[A-Za-z0-9/._@=+%~*-])?")
"""Text that may stand between brackets without quotes."""


def _written(value: Any) -> str:
    """A single value as it is written in the file."""
    as_text = isinstance(value, str) and _READ_AS_ANOTHER_TYPE.fullmatch(value)
    return json.dumps(value) if as_text else str(value)


def _in_flow(value: Any) -> str:
    """A value as it is written between brackets."""
    if isinstance(value, Mapping):
        return f"{{{_pairs(value)}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_in_flow, value))}]"
    if isinstance(value, str) and not _PLAIN_IN_A_LIST.fullmatch(value):
        return json.dumps(value, ensure_ascii=False)
    return _written(value)


def _pairs(mapping: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {_in_flow(value)}" for key, value in mapping.items())


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if value is None:
        return "nothing"
    return _TYPE_WORDS.get(type(value), "a list")


def _words(node: Mapping[str, Any]) -> Sequence[Any]:
    return node["enum"] if "enum" in node else [node["const"]] if "const" in node else []


def _asked(node: Mapping[str, Any], such: str | None = None) -> str:
    """What to do about a part of the schema: its rule in words, or what it allows."""
    rule = node.get("patternErrorMessage")
    if rule is None:
        return f"give {wanted(node)}"
    such = such or next(iter(node.get("examples", ())), None)
    extent = _extent(node, "minLength", "maxLength", "character")
    return f"{rule}{extent}" + (f", such as {_written(such)}" if such else "")


def wanted(node: Mapping[str, Any]) -> str:
    """What a part of the schema allows, in words that follow "give"."""
    words = [_written(word) for word in _words(node)]
    if words:
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    match node.get("type"):
        case "boolean":
            return "true or false"
        case "integer":
            return f"a whole number{_extent(node, 'minimum', 'maximum')}"
        case "number":
            return f"a number{_open_ends(node)}{_extent(node, 'minimum', 'maximum')}"
        case "array":
            items = node.get("items", {})
            one = next(([each] for each in (*items.get("examples", ()), *_words(items))), [])
            example = next(iter(node.get("examples", ())), one)
            such = f" such as {_in_flow(example)}" if example else ""
            return f"a list{such}{_extent(node, 'minItems', 'maxItems', 'entry', 'entries')}"
        case "string":
            example = next(iter(node.get("examples", ())), None)
            such = f" such as {_written(example)}" if example else ""
            return f"text{_extent(node, 'minLength', 'maxLength', 'character')}{such}"
        case _:
            return _wanted_mapping(node)


def _open_ends(node: Mapping[str, Any]) -> str:
    """` above 0 and below 1`, for ends that are themselves left out."""
    sides = (("above", "exclusiveMinimum"), ("below", "exclusiveMaximum"))
    said = [f"{side} {node[key]}" for side, key in sides if key in node]
    return f" {' and '.join(said)}" if said else ""


def _wanted_mapping(node: Mapping[str, Any]) -> str:
    if "discriminator" in node:
        kinds = ", ".join(node["discriminator"]["mapping"])
        return f"a mapping with {node['discriminator']['propertyName']}, one of {kinds}"
    if needed := node.get("required"):
        return f"a mapping with {', '.join(needed)}"
    if known := ", ".join(node.get("properties", ())):
        return f"a mapping with any of {known}, or {{}}"
    extent = _extent(node, "minProperties", "maxProperties", "entry", "entries")
    return f"a mapping, the name as the key{extent}{_such(node)}"


def _such(node: Mapping[str, Any]) -> str:
    """An example of a mapping with names of the reader's own, or else of such a name."""
    name = next(iter(node.get("propertyNames", {}).get("examples", ())), None)
    example = next((_pairs(given) for given in node.get("examples", ())), name)
    return f", such as {example}" if example else ""


def _extent(
    node: Mapping[str, Any], low: str, high: str, unit: str = "", units: str | None = None
) -> str:
    bounds = [node[bound] for bound in (low, high) if bound in node]
    if not bounds:
        return ""
    plural = units or (unit and f"{unit}s")
    counted = f" {unit if bounds[-1] == 1 else plural}" if unit else ""
    if len(bounds) == 2:
        return f", {bounds[0]} to {bounds[1]}{counted}"
    return f", at {'least' if low in node else 'most'} {bounds[0]}{counted}"
