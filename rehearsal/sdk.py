"""What the installed Pulumi SDK says about a resource type: its inputs, outputs and their types.

The SDK's classes are generated from the provider's schema, so they are the schema. They are
loaded one by one, when a type is first asked for; a program has loaded them already.
"""

from __future__ import annotations

import collections.abc
import importlib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pulumi
from pulumi import _types

PACKAGES = {
    "aws": "pulumi_aws",
    "pulumiservice": "pulumi_pulumiservice",
    "random": "pulumi_random",
}


class Shape:
    """A nested block of a resource's inputs: the wire name and the Python type of each property."""

    def __init__(self, cls: type) -> None:
        self.cls = cls

    @property
    def properties(self) -> Mapping[str, Any]:
        return _properties(self.cls)


@cache
def resource_class(type: str) -> type | None:
    """The SDK class of `aws:sqs/queue:Queue`, or None when the SDK has no such type."""
    package, _, rest = type.partition(":")
    module, _, token = rest.rpartition(":")
    name = module.partition("/")[0]
    root = PACKAGES.get(package)
    if root is None:
        return None
    spelled = {"index": "", "lambda": "lambda_"}.get(name, name)
    try:
        found = importlib.import_module(f"{root}.{spelled}" if spelled else root)
    except ModuleNotFoundError:
        return None
    return getattr(found, token, None)


@cache
def inputs(type: str) -> Mapping[str, Any]:
    """Wire name to Python type of every input of a resource type; empty for an unknown type."""
    cls = resource_class(type)
    if cls is None:
        return {}
    module = importlib.import_module(cls.__module__)
    args = getattr(module, f"{cls.__name__}InitArgs", None) or getattr(
        module, f"{cls.__name__}Args"
    )
    return _properties(args)


@cache
def outputs(type: str) -> frozenset[str]:
    """Wire names of every output property of a resource type."""
    cls = resource_class(type)
    if cls is None:
        return frozenset()
    return frozenset(
        getattr(value.fget, "_pulumi_name", name)
        for base in cls.__mro__
        if base not in (pulumi.CustomResource, pulumi.Resource, object)
        for name, value in vars(base).items()
        if isinstance(value, property) and hasattr(value.fget, "_pulumi_name")
    )


def block(annotation: Any) -> tuple[Shape | None, bool]:
    """The nested block an annotation stands for, and whether it is a list of them."""
    for candidate in _alternatives(annotation):
        origin = typing.get_origin(candidate)
        if isinstance(candidate, type) and _types.is_input_type(candidate):
            return Shape(candidate), False
        if origin in (list, collections.abc.Sequence) and typing.get_args(candidate):
            nested, _ = block(typing.get_args(candidate)[0])
            if nested:
                return nested, True
    return None, False


def scalar(annotation: Any) -> type | None:
    """`int`, `float`, `bool` or `str` when an annotation allows only that; otherwise None."""
    found = {a for a in _alternatives(annotation) if a is not types.NoneType}
    if len(found) == 1 and (only := found.pop()) in (int, float, bool, str):
        return only
    return None


def is_list(annotation: Any) -> bool:
    found = list(_alternatives(annotation))
    return bool(found) and all(
        typing.get_origin(a) in (list, collections.abc.Sequence) for a in found
    )


@cache
def _properties(args: type) -> Mapping[str, Any]:
    return _types.input_type_types(args)


def _alternatives(annotation: Any) -> Iterator[Any]:
    """The plain types inside `Union[T, Awaitable[T], Output[T]]`, without the wrappers."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        for argument in typing.get_args(annotation):
            yield from _alternatives(argument)
    elif origin in (collections.abc.Awaitable, pulumi.Output) or annotation in (
        types.NoneType,
        pulumi.Output,
    ):
        return
    else:
        yield annotation


def unknown_properties(
    type: str, values: Mapping[str, Any]
) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Path, what is wrong, and the known names near it, for everything the schema refuses."""
    yield from _walk(values, inputs(type), "")


def _walk(
    values: Mapping[str, Any], known: Mapping[str, Any], at: str
) -> Iterator[tuple[str, str, Sequence[str]]]:
    for key, value in values.items():
        path = f"{at}.{key}" if at else key
        if key not in known:
            yield path, "", sorted(known)
            continue
        yield from _value(value, known[key], path)


def _value(value: Any, annotation: Any, path: str) -> Iterator[tuple[str, str, Sequence[str]]]:
    nested, many = block(annotation)
    wanted = scalar(annotation)
    if nested and many and isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, Mapping):
                yield from _walk(item, nested.properties, f"{path}[{index}]")
    elif nested and isinstance(value, Mapping):
        yield from _walk(value, nested.properties, path)
    elif is_list(annotation) and isinstance(value, list):
        inner = next(iter(typing.get_args(next(_alternatives(annotation)))), Any)
        for index, item in enumerate(value):
            yield from _value(item, inner, f"{path}[{index}]")
    elif wanted and (problem := _mismatch(value, wanted)):
        yield path, problem, ()


def _mismatch(value: Any, wanted: type) -> str:
    """What is wrong with a value of the wrong type; text that reads as the type is converted."""
    if value is None or not isinstance(value, str | int | float | bool | list | dict):
        return ""
    if isinstance(value, list | dict):
        given = "list" if isinstance(value, list) else "map"
        return f"a {given} was given, a {WORDS[wanted]} is needed"
    try:
        if wanted is bool:
            fits = value in (True, False, "true", "false")
        elif wanted is int:
            fits = float(value) == int(float(value))
        elif wanted is float:
            fits = float(value) == float(value)
        else:
            fits = True
    except ValueError:
        fits = False
    return "" if fits else f'"{value}" is not a {WORDS[wanted]}'


WORDS = {int: "whole number", float: "number", bool: "boolean", str: "text"}
