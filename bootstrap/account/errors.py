"""What is wrong with an account's file, said for the person who has to mend it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic_core import ErrorDetails

WANTED = {
    "bool_type": "give true or false",
    "dict_type": "give a mapping",
    "greater_than_equal": "give {ge} or more",
    "int_type": "give a whole number",
    "less_than_equal": "give {le} or less",
    "model_type": "give a mapping of its settings, or {{}} for none",
    "string_too_long": "use at most {max_length} characters",
    "string_type": "give text; what looks like a number goes in quotes",
    "too_long": "use at most {max_length} characters",
    "too_short": "give at least one",
    "tuple_type": "give a list such as [a, b]",
}
"""What to do, by pydantic's word for what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with the file."""

    key: str
    """The key of the file: `bootstrap:state`."""
    path: str
    """Where below it: `applications[1]`, or nothing for the whole of it."""
    message: str
    """What was given, and what is allowed."""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.key, self.path, self.message) if part)


class SettingsError(pulumi.RunError):
    """A file that cannot be used: every problem of it, one to a line.

    A RunError, so that Pulumi prints the message alone and stops with exit code 1.
    """

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 error" if len(self.problems) == 1 else f"{len(self.problems)} errors"
        lines = [f"{file}: {problem}" for problem in self.problems]
        super().__init__("\n".join([*lines, f"{count} in {file}; nothing was changed"]))


def explain(key: str, errors: Iterable[ErrorDetails], known: Iterable[str]) -> list[Problem]:
    """What pydantic found in a section, in sentences. `known` are the section's own keys."""
    return [
        Problem(key=key, path=_path(error["loc"]), message=_sentence(error, known))
        for error in errors
    ]


def one_of(word: str, known: Iterable[str]) -> str:
    """What is allowed in place of `word`, and which of it was meant."""
    known = tuple(known)
    meant = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    return f"{f'did you mean {meant[0]}? ' if meant else ''}allowed: {', '.join(known)}"


def shown(value: Any) -> str:
    """A value as the file holds it, cut when it is long."""
    if value is None or value == "":
        return "nothing"
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _path(location: Sequence[int | str]) -> str:
    path = ""
    for step in location:
        if step == "[key]":
            continue
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _sentence(error: ErrorDetails, known: Iterable[str]) -> str:
    given, kind = error["input"], error["type"]
    if kind == "missing":
        return "missing; give it"
    if kind == "extra_forbidden":
        return f"unknown key; {one_of(str(error['loc'][-1]), known)}"
    if kind == "value_error":
        return f"{shown(given)} {error.get('ctx', {})['error']}"
    wanted = WANTED.get(kind, error["msg"]).format(**error.get("ctx", {}))
    return f"{shown(given)} given; {wanted}"
