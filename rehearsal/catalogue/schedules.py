"""The expressions by which AWS says when: `cron(...)`, `rate(...)` and `at(...)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rehearsal.catalogue.entry import Inputs, under

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

FIELDS = (
    ("minutes", range(60), ()),
    ("hours", range(24), ()),
    ("day of month", range(1, 32), ()),
    ("month", range(1, 13), MONTHS),
    ("day of week", range(1, 8), DAYS),
    ("year", range(1970, 2200), ()),
)
"""What each field of a cron expression may name.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
"""

EXAMPLES = {
    "cron": "cron(0 3 * * ? *)",
    "rate": "rate(5 minutes)",
    "at": "at(2026-01-31T03:00:00)",
}

RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
AT = re.compile(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?\)")
CRON = re.compile(r"cron\(([^()]*)\)")

MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


def schedule(path: str, *kinds: str) -> Callable[[Inputs], Iterator[tuple[str, str]]]:
    """A rule that the property at `path` is an expression of one of `kinds`."""

    def rule(inputs: Inputs) -> Iterator[tuple[str, str]]:
        if wrong := problem(under(inputs, path), kinds):
            yield path, wrong

    return rule


def problem(expression: Any, kinds: Sequence[str]) -> str:
    """What is wrong with an expression, or nothing."""
    if not isinstance(expression, str):
        return ""
    kind = expression.partition("(")[0]
    if kind in kinds and kind == "cron" and (found := CRON.fullmatch(expression)):
        return cron_problem(found[1])
    if kind in kinds and (
        (kind == "rate" and RATE.fullmatch(expression))
        or (kind == "at" and AT.fullmatch(expression))
    ):
        return ""
    allowed = " or ".join(EXAMPLES[one] for one in kinds)
    return f'"{expression}" given, {allowed} is the form'


def cron_problem(text: str) -> str:
    """What is wrong with the six fields of an expression of EventBridge's kind."""
    fields = text.split()
    if len(fields) != len(FIELDS):
        return f'"{text}" has {len(fields)} fields, six are needed, such as 0 3 * * ? *'
    for given, (name, numbers, words) in zip(fields, FIELDS, strict=True):
        if not all(_fits(part, name, numbers, words) for part in given.split(",")):
            return f'"{given}" given as {name}, {numbers.start} to {numbers[-1]} allowed'
    if (fields[2] == "?") == (fields[4] == "?"):
        return f'"{text}" given, either the day of month or the day of week has to be ?'
    return ""


def minutes_apart(expression: Any) -> int | None:
    """How many minutes lie between two turns of a rate."""
    found = RATE.fullmatch(expression) if isinstance(expression, str) else None
    return int(found[1]) * MINUTES[found[2]] if found else None


def _fits(part: str, name: str, numbers: range, words: Sequence[str]) -> bool:
    by_day = name.startswith("day of")
    if part == "?" or part == "L" or (by_day and re.fullmatch(r"\d+[LW]|LW|[A-Z]{3}L", part)):
        return by_day
    base, _, step = part.partition("#" if name == "day of week" and "#" in part else "/")
    if step and not step.isdigit():
        return False
    ends = [] if base == "*" else base.split("-")
    return len(ends) <= 2 and all(
        end.upper() in words or (end.isdigit() and int(end) in numbers) for end in ends
    )
