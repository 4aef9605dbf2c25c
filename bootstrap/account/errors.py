"""What is wrong with an account's file, said for the person who has to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic_core import ErrorDetails


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


def shown(value: Any) -> str:
    """A value as the file holds it, cut when it is long."""
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
        allowed = f"; allowed: {', '.join(known)}" if len(error["loc"]) == 1 else ""
        return f"unknown key{allowed}"
    if kind == "value_error":
        return f"{shown(given)} {error.get('ctx', {})['error']}"
    return f"{shown(given)}: {error['msg'][0].lower()}{error['msg'][1:]}"
