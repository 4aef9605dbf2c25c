"""Pulumi inputs onto the AWS API's own shapes by name, and what its model says of the result.

`place` builds the request of one operation. `judge` walks it against the botocore model: required
and unknown members, types, enums, ranges, lengths and patterns. botocore itself checks only half
of what its model knows. Both speak of the *property path* the program wrote, not of the member.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

SUFFIXES = ("id", "ids", "arn", "arns", "list", "name", "names", "config", "configuration")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What names alone cannot say about one operation."""

    rename: Mapping[str, str] = field(default_factory=dict)
    """Property path to member path.

    A member path is relative to the structure that holds the property (`/A.B` starts at the root).
    `Attributes[idle_timeout.timeout_seconds]` is the entry of that key in a list of key and value
    pairs, `Attributes.DelaySeconds` that of a map, `Items[]` the only item of a list.
    """
    lift: Mapping[str, str] = field(default_factory=dict)
    """Property path of a block whose properties belong to the structure around it, to the prefix
    that the members carry there: `healthCheck` to `HealthCheck`."""
    ignore: Mapping[str, str] = field(default_factory=dict)
    """Property path to the reason why the API is not told."""
    kind: str = ""
    """What the API puts before its names: `Queue` makes `name` fit `QueueName`."""
    tag_type: str = ""
    """The resource type inside EC2's tag specifications."""
    inside: str = ""
    """Path of the member that holds the properties, when it is not the request itself."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong with one property, in words that name what is allowed."""

    path: str
    message: str
    check: str = "shape"

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(kw_only=True)
class Placed:
    """A request, where each of its members came from, and what found no place."""

    request: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Member path to the property path that filled it."""
    problems: list[Problem] = field(default_factory=list)


def place(inputs: Mapping[str, Any], operation: OperationModel, rules: Rules) -> Placed:
    """Build the request of `operation` from `inputs`; what finds no place is a problem."""
    placed = Placed()
    shape = input_of(operation)
    if shape is None:
        return placed
    placer = _Placer(rules, operation, shape, placed)
    into = placed.request
    for member in rules.inside.split(".") if rules.inside else ():
        shape = cast("StructureShape", members_of(shape)[member])
        into = into.setdefault(member, {})
    placer.structure(inputs, shape, into, at="", shown="", members=rules.inside)
    return placed


def near(name: str, known: Iterable[str]) -> str:
    """`; near: path, port` when something known is spelled alike."""
    spelled = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), spelled, n=3, cutoff=0.6)
    return f"; near: {', '.join(spelled[candidate] for candidate in found)}" if found else ""


# botocore's lazy properties have no types; these say what they hold.


def members_of(shape: StructureShape) -> Mapping[str, Shape]:
    """The members of a structure by name."""
    return cast("Mapping[str, Shape]", shape.members)


def _item_of(shape: ListShape) -> Shape:
    return cast("Shape", shape.member)


def _value_of(shape: MapShape) -> Shape:
    return cast("Shape", shape.value)


def facts_of(shape: Shape) -> Mapping[str, Any]:
    """Required members, ranges, patterns: what the model says beside the type."""
    return cast("Mapping[str, Any]", shape.metadata)


def input_of(operation: OperationModel) -> StructureShape | None:
    """The shape of an operation's request, or None for an operation without one."""
    return cast("StructureShape | None", operation.input_shape)


class _Placer:
    def __init__(
        self, rules: Rules, operation: OperationModel, root: StructureShape, placed: Placed
    ) -> None:
        self.rules = rules
        self.root = root
        self.placed = placed
        self.called = f"{operation.service_model.service_name} {operation.name}"

    def structure(
        self,
        values: Mapping[str, Any],
        shape: StructureShape,
        into: dict[str, Any],
        *,
        at: str,
        shown: str,
        members: str,
        prefix: str = "",
    ) -> None:
        for key, value in values.items():
            path = f"{at}.{key}" if at else key
            label = f"{shown}.{key}" if shown else key
            if value is None or path in self.rules.ignore:
                continue
            if path in self.rules.lift:
                block = value[0] if isinstance(value, list) and len(value) == 1 else value
                if isinstance(block, Mapping):
                    self.structure(
                        block,
                        shape,
                        into,
                        at=path,
                        shown=label,
                        members=members,
                        prefix=self.rules.lift[path],
                    )
                    continue
            kind = self.rules.kind if shape is self.root else ""
            target = self.rules.rename.get(path) or _member(prefix + key, shape, kind)
            if target is None:
                hint = near(prefix + key, members_of(shape))
                self.problem(label, f"no place in {self.called}{hint}")
            elif target.startswith("/"):
                self.put(target[1:], value, self.root, self.placed.request, path, label, "")
            else:
                self.put(target, value, shape, into, path, label, members)

    def put(
        self,
        target: str,
        value: Any,
        shape: StructureShape,
        into: dict[str, Any],
        path: str,
        label: str,
        members: str,
    ) -> None:
        steps = re.findall(r"[^.\[\]]+|\[[^\]]*\]", target)

        def arrive(found: Shape, current: Any, at: str) -> Any:
            both = isinstance(current, dict) and isinstance(value, Mapping)
            if both and isinstance(found, StructureShape):
                self.structure(value, found, current, at=path, shown=label, members=at)
                return current
            if current is not None:
                taken = self.placed.origins.get(at, "another property")
                self.problem(label, f"lands on {at} of {self.called}, and so does {taken}")
                return current
            self.placed.origins[at] = label
            return self.value(value, found, path, label, at)

        self.deliver(steps, shape, into, members, arrive)

    def deliver(
        self,
        steps: Sequence[str],
        shape: Shape,
        current: Any,
        members: str,
        arrive: Callable[[Shape, Any, str], Any],
    ) -> Any:
        """Walk `steps` down from `shape`, making what is missing on the way; give what stands."""
        if not steps:
            return arrive(shape, current, members)
        step, rest = steps[0], steps[1:]
        if isinstance(shape, ListShape) and step.startswith("["):
            return self.entry(step, rest, shape, current or [], members, arrive)
        if isinstance(shape, MapShape):
            inner = _value_of(shape)
        elif isinstance(shape, StructureShape) and step in members_of(shape):
            inner = members_of(shape)[step]
        else:
            raise LookupError(f"{self.called} has no member {step} in {members or 'its input'}")
        at = f"{members}.{step}" if members else step
        current = {} if current is None else current
        current[step] = self.deliver(rest, inner, current.get(step), at, arrive)
        return current

    def entry(
        self,
        step: str,
        rest: Sequence[str],
        shape: ListShape,
        current: list[Any],
        members: str,
        arrive: Callable[[Shape, Any, str], Any],
    ) -> list[Any]:
        """The entry of a list of key and value pairs that `[key]` names, or the only one, `[]`."""
        name = step[1:-1]
        member = _item_of(shape)
        if not name:
            inner = self.deliver(rest, member, next(iter(current), None), f"{members}[0]", arrive)
            return [inner]
        if not isinstance(member, StructureShape) or not (pair := _pair(member)):
            raise LookupError(f"{members} of {self.called} is no list of key and value pairs")
        key, text = pair
        found = next((item for item in current if item[key] == name), {key: name})
        at = f"{members}[{name}]"
        found[text] = self.deliver(rest, members_of(member)[text], found.get(text), at, arrive)
        return [*(item for item in current if item is not found), found]

    def value(self, value: Any, shape: Shape, path: str, label: str, members: str) -> Any:
        """`value` in the type the shape asks for; left as it is when it cannot be."""
        if _free(shape):
            return _decoded(value)
        if isinstance(shape, StructureShape):
            return self.block(value, shape, path, label, members)
        if isinstance(shape, ListShape):
            return self.items(value, shape, path, label, members)
        if isinstance(shape, MapShape):
            if not isinstance(value, Mapping):
                return value
            return {
                str(key): self.value(
                    item, _value_of(shape), path, f"{label}.{key}", f"{members}.{key}"
                )
                for key, item in value.items()
                if item is not None
            }
        return _scalar(value, shape)

    def block(self, value: Any, shape: StructureShape, path: str, label: str, members: str) -> Any:
        made: dict[str, Any]
        counted = {"Quantity", "Items"} <= set(members_of(shape))
        if counted and isinstance(value, list):
            items = self.value(value, members_of(shape)["Items"], path, label, f"{members}.Items")
            made = {"Quantity": len(value), "Items": items} if value else {"Quantity": 0}
            if "Enabled" in members_of(shape):
                made["Enabled"] = bool(value)
            return made
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, Mapping):
            return value
        made = {}
        self.structure(value, shape, made, at=path, shown=label, members=members)
        if counted and isinstance(items := made.get("Items", []), list):
            made.setdefault("Quantity", len(items))
        return made

    def items(self, value: Any, shape: ListShape, path: str, label: str, members: str) -> Any:
        member = _item_of(shape)
        if isinstance(member, StructureShape) and isinstance(value, Mapping):
            if (
                "Tags" in members_of(member)
                and "ResourceType" in members_of(member)
                and (self.rules.tag_type)
            ):
                tag_list = cast("ListShape", members_of(member)["Tags"])
                tags = self.items(value, tag_list, path, label, members)
                return [{"ResourceType": self.rules.tag_type, "Tags": tags}]
            if pair := _pair(member):
                key, text = pair
                return [
                    {key: str(name), text: _scalar(item, members_of(member)[text])}
                    for name, item in sorted(value.items())
                ]
        listed = value if isinstance(value, list | tuple) else [value]
        return [
            self.value(item, member, path, f"{label}[{index}]", f"{members}[{index}]")
            for index, item in enumerate(listed)
            if item is not None
        ]

    def problem(self, path: str, message: str) -> None:
        self.placed.problems.append(Problem(path=path, message=message))


@cache
def _names(shape: StructureShape) -> Mapping[str, str]:
    return {normal(member): member for member in members_of(shape)}


def normal(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _member(name: str, shape: StructureShape, kind: str = "") -> str | None:
    """The member of `shape` that a property name means, or None. The first spelling wins."""
    known = _names(shape)
    for spelling in _spellings(normal(name), normal(kind)):
        if found := known.get(spelling):
            return found
    return None


def _spellings(name: str, kind: str) -> Iterator[str]:
    yield name
    if kind:
        yield kind + name
    yield name + "s"
    if name.endswith("ies"):
        yield name[:-3] + "y"
    if name.endswith("s"):
        yield name[:-1]
    if name.endswith("es"):
        yield name[:-2]
    if name.endswith("enabled"):
        yield "enable" + name.removesuffix("enabled")
    if name.startswith("enable"):
        yield name.removeprefix("enable") + "enabled"
    if name == "tags":
        yield from (f"{kind}tags", "tagslist", "taglist", "tagspecifications", "tagspecification")
    for suffix in SUFFIXES:
        yield name + suffix
    for suffix in ("configuration", "config"):
        if name.endswith(suffix):
            yield name.removesuffix(suffix)


@cache
def _pair(shape: StructureShape) -> tuple[str, str] | None:
    """The names of key and value when a structure is nothing but such a pair."""
    if len(members_of(shape)) not in (2, 3):
        return None
    by_name = _names(shape)
    for key, value in (("key", "value"), ("tagkey", "tagvalue"), ("name", "value")):
        if key in by_name and value in by_name:
            return by_name[key], by_name[value]
    return None


def _free(shape: Shape) -> bool:
    """Whether a member is a document, which has the members that the caller gives it."""
    return bool(getattr(shape, "is_document_type", False))


def _decoded(value: Any) -> Any:
    """A document, which Terraform takes as JSON text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _scalar(value: Any, shape: Shape) -> Any:
    kind = shape.type_name
    try:
        if kind == "string":
            if isinstance(value, bool):
                return str(value).lower()
            if isinstance(value, int | float):
                return str(value)
            if isinstance(value, Mapping) and normal(shape.name).endswith(
                ("policy", "policytext", "document", "policytype", "json")
            ):
                return json.dumps(value, sort_keys=True)
        elif kind in ("integer", "long") and isinstance(value, str | float):
            return int(value) if float(value) == int(float(value)) else value
        elif kind in ("float", "double") and isinstance(value, str | int):
            return value if isinstance(value, bool) else float(value)
        elif kind == "boolean" and value in ("true", "false"):
            return value == "true"
        elif kind == "blob" and isinstance(value, str):
            return value.encode()
    except ValueError:
        return value
    return value


def judge(
    request: Mapping[str, Any], operation: OperationModel, origins: Mapping[str, str]
) -> list[Problem]:
    """What the API's model refuses in `request`."""
    shape = input_of(operation)
    if shape is None:
        return []
    judging = _Judge(f"{operation.service_model.service_name} {operation.name}", origins)
    judging.structure(request, shape, "")
    return judging.problems


LAST_STEP = re.compile(r"(?:(?:\.|^)[^.\[\]]+|\[[^\]]*\])$")


class _Judge:
    def __init__(self, called: str, origins: Mapping[str, str]) -> None:
        self.called = called
        self.origins = origins
        self.problems: list[Problem] = []

    def refuse(self, members: str, message: str) -> None:
        self.problems.append(Problem(path=self.property(members), message=message, check="model"))

    def property(self, members: str) -> str:
        """The property that filled a member, or the nearest one around it."""
        missing: list[str] = []
        while members:
            if origin := self.origins.get(members):
                return "".join([origin, *missing])
            step = cast("re.Match[str]", LAST_STEP.search(members))[0]
            members = members.removesuffix(step)
            missing.insert(0, step)
        return "".join(missing)

    def value(self, value: Any, shape: Shape, at: str) -> None:
        if _free(shape):
            return
        if isinstance(shape, StructureShape):
            if isinstance(value, Mapping):
                self.structure(value, shape, at)
            else:
                self.refuse(at, f"{_shown(value)} was given, a block is needed")
        elif isinstance(shape, ListShape):
            if isinstance(value, list):
                self.length(len(value), shape, at, "entries")
                for index, item in enumerate(value):
                    self.value(item, _item_of(shape), f"{at}[{index}]")
            else:
                self.refuse(at, f"{_shown(value)} was given, a list is needed")
        elif isinstance(shape, MapShape):
            if isinstance(value, Mapping):
                self.length(len(value), shape, at, "entries")
                for key, item in value.items():
                    self.value(item, _value_of(shape), f"{at}.{key}")
            else:
                self.refuse(at, f"{_shown(value)} was given, a map is needed")
        else:
            self.scalar(value, shape, at)

    def structure(self, values: Mapping[str, Any], shape: StructureShape, at: str) -> None:
        for name in facts_of(shape).get("required", ()):
            if values.get(name) is None:
                where = f"{at}.{name}" if at else name
                self.refuse(where, f"{self.called} needs {name}, nothing was given")
        for name, value in values.items():
            member = f"{at}.{name}" if at else name
            if name in members_of(shape):
                self.value(value, members_of(shape)[name], member)
            else:
                self.refuse(member, f"no member of {self.called}{near(name, members_of(shape))}")

    def scalar(self, value: Any, shape: Shape, at: str) -> None:
        kind = shape.type_name
        if kind == "string":
            if isinstance(value, str):
                self.text(value, shape, at)
            else:
                self.refuse(at, f"{_shown(value)} was given, text is needed")
        elif kind in ("integer", "long", "float", "double"):
            whole = kind in ("integer", "long")
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                needed = "a whole number" if whole else "a number"
                self.refuse(at, f"{_shown(value)} was given, {needed} is needed")
            else:
                self.length(value, shape, at, "")
        elif kind == "boolean" and not isinstance(value, bool):
            self.refuse(at, f"{_shown(value)} was given, true or false is needed")

    def text(self, value: str, shape: Shape, at: str) -> None:
        allowed: Sequence[str] = getattr(shape, "enum", None) or ()
        if allowed and value not in allowed:
            listed = ", ".join(allowed) if len(allowed) <= 20 else f"{len(allowed)} values"
            self.refuse(at, f'"{value}" is not one of {listed}{near(value, allowed)}')
            return
        self.length(len(value), shape, at, "characters")
        pattern = facts_of(shape).get("pattern")
        if pattern and not _matches(pattern, value):
            self.refuse(at, f'"{value}" does not match {pattern}')

    def length(self, size: float, shape: Shape, at: str, unit: str) -> None:
        low, high = facts_of(shape).get("min"), facts_of(shape).get("max")
        given = f"{size:g} {unit}".strip()
        if low is not None and size < low:
            self.refuse(at, f"{given} given, at least {low:g} needed")
        elif high is not None and size > high:
            self.refuse(at, f"{given} given, at most {high:g} allowed")


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else json.dumps(value, default=str)


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    if compiled is None:
        return True
    anchored = pattern.startswith("^") or pattern.endswith("$")
    return bool(compiled.search(value) if anchored else compiled.fullmatch(value))


JAVA_CLASSES = {
    "L": "^\\W\\d_",
    "Print": "\\x20-\\x7e",
    "ASCII": "\\x00-\\x7f",
    "Graph": "\\x21-\\x7e",
    "Alnum": "A-Za-z0-9",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Punct": "!-/:-@\\[-`{-~",
    "Space": "\\s",
    "Blank": " \\t",
    "Cntrl": "\\x00-\\x1f\\x7f",
}


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """A pattern of the API's model, which is Java's, as Python's; None when it has no such form."""
    if "&&" in pattern or "[[:" in pattern:
        return None
    translated = re.sub(r"\\p\{(?:Is)?(\w+)\}", _java_class(pattern), pattern)
    try:
        return re.compile(translated)
    except re.error:
        return None


def _java_class(pattern: str) -> Any:
    def inside(position: int) -> bool:
        before = re.sub(r"\\.", "", pattern[:position])
        return before.rfind("[") > before.rfind("]")

    def translate(match: re.Match[str]) -> str:
        name = match[1]
        within = inside(match.start())
        if name in ("L", "M", "N", "Z", "S", "P", "C") or len(name) == 2:
            # Unicode's categories reach beyond what a class can say, so these let too much pass.
            ranges = "\\w\\s\\x00-\\U0010ffff" if name != "L" else "\\w"
        elif name in JAVA_CLASSES:
            ranges = JAVA_CLASSES[name]
        else:
            return match[0]
        return ranges if within else f"[{ranges}]"

    return translate
