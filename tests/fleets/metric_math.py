"""CloudWatch metric math, as much of it as the program writes, over series with gaps.

    evaluate("(a + b) / IF(FILL(n, REPEAT) > 0, n, 1)", {"a": (1, None), "b": (2, 3), "n": (0, 2)})

A series has one value for each period, oldest first, and None where there is no data point. What
is not written down here raises `MathError`: a function that the tests do not know must not pass
for one that they tested.

Source of every rule: "Using math expressions with CloudWatch metrics",
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
(text read: awsdocs/amazon-cloudwatch-user-guide, doc_source/using-metric-math.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

Series = tuple[float | None, ...]
Value = float | Series | list[Series]


class MathError(ValueError):
    """An expression that CloudWatch would refuse, or that these tests do not know."""


class Gaps(Enum):
    """What an operator makes of a point that only one of its two series has.

    The page says 0, for arithmetic, comparisons and logic alike, and a user saw just that
    (compiler-explorer/infra#1661: missing + 0 gave 0). Much advice on the web has it that the
    result is missing. Scaling must be right under both, so the tests run both.
    """

    ZERO = "a gap counts as 0"
    GAP = "a gap makes a gap"


def evaluate(text: str, series: Mapping[str, Series], gaps: Gaps = Gaps.ZERO) -> Series:
    """The series that `text` makes of others, all of one length."""
    lengths = {len(each) for each in series.values()}
    if len(lengths) > 1:
        raise MathError(f"series of several lengths: {sorted(lengths)}; give them one range")
    return _evaluated(text, tuple(series.items()), gaps)


# A fleet at rest, or at a steady load, shows the same series for hours.
@lru_cache(maxsize=4096)
def _evaluated(text: str, series: tuple[tuple[str, Series], ...], gaps: Gaps) -> Series:
    value = parsed(text).of(_Input(dict(series), gaps))
    if not isinstance(value, tuple):
        raise MathError(f"{text!r} makes no series, and an alarm watches exactly one")
    return value


@lru_cache(maxsize=256)
def names(text: str) -> frozenset[str]:
    """The ids that an expression reads."""
    return frozenset(_names(parsed(text)))


@dataclass(frozen=True)
class _Input:
    series: Mapping[str, Series]
    gaps: Gaps


@dataclass(frozen=True)
class Number:
    value: float

    def of(self, given: _Input) -> Value:
        return self.value


@dataclass(frozen=True)
class Id:
    name: str

    def of(self, given: _Input) -> Value:
        try:
            return given.series[self.name]
        except KeyError:
            known = ", ".join(sorted(given.series))
            raise MathError(f"{self.name!r} is no id; there are: {known or 'none'}") from None


@dataclass(frozen=True)
class Operation:
    sign: str
    left: Node
    right: Node

    def of(self, given: _Input) -> Value:
        operate = OPERATORS[self.sign]
        left, right = self.left.of(given), self.right.of(given)
        if isinstance(left, list) or isinstance(right, list):
            raise MathError(f"{self.sign!r} between arrays is not known here")
        # A number stands beside every point that the series has, and makes none of its own.
        if not isinstance(left, tuple):
            if isinstance(right, tuple):
                return _each(right, lambda point: operate(left, point))
            result = operate(left, right)
            if result is None:
                raise MathError("a number divided by zero")
            return result
        if not isinstance(right, tuple):
            return _each(left, lambda point: operate(point, right))
        return tuple(
            _both(operate, one, other, given.gaps) for one, other in zip(left, right, strict=True)
        )


@dataclass(frozen=True)
class Negation:
    operand: Node

    def of(self, given: _Input) -> Value:
        value = self.operand.of(given)
        if isinstance(value, list):
            raise MathError("'-' before an array is not known here")
        return _each(value, lambda point: -point) if isinstance(value, tuple) else -value


@dataclass(frozen=True)
class Array:
    items: tuple[Node, ...]

    def of(self, given: _Input) -> Value:
        return [_series(item.of(given), "an array holds series") for item in self.items]


@dataclass(frozen=True)
class If:
    """A gap in the condition drops the point, and so does a gap in the part that is taken when the
    condition is false; a gap in the part that is taken when it is true makes 0."""

    condition: Node
    yes: Node
    no: Node | None

    def of(self, given: _Input) -> Value:
        condition = _series(self.condition.of(given), "IF judges a series")
        yes, no = self.yes.of(given), self.no and self.no.of(given)
        if isinstance(yes, list) or isinstance(no, list):
            raise MathError("IF takes no array")

        def point(at: int, judged: float | None) -> float | None:
            if judged is None:
                return None
            if judged:
                taken = _at(yes, at)
                return 0.0 if taken is None and given.gaps is Gaps.ZERO else taken
            return None if no is None else _at(no, at)

        return tuple(point(at, judged) for at, judged in enumerate(condition))


@dataclass(frozen=True)
class Fill:
    """`REPEAT` repeats the newest point before a gap, up to the newest period, and makes nothing
    before the first."""

    series: Node
    filler: float | None
    """None: REPEAT."""

    def of(self, given: _Input) -> Value:
        filled: list[float | None] = []
        last = self.filler
        for point in _series(self.series.of(given), "FILL fills a series"):
            if self.filler is None and point is not None:
                last = point
            filled.append(last if point is None else point)
        return tuple(filled)


@dataclass(frozen=True)
class Aggregate:
    """Of an array, point by point, over the series that have one. Of a single series these make a
    number from its whole range, which AWS advises against in alarms: refused."""

    name: str
    array: Node

    def of(self, given: _Input) -> Value:
        array = self.array.of(given)
        if not isinstance(array, list):
            raise MathError(f"{self.name} of one series spans its range; give it [an, array]")
        return tuple(
            AGGREGATES[self.name](there) if there else None
            for points in zip(*array, strict=True)
            for there in [[point for point in points if point is not None]]
        )


Node = Number | Id | Operation | Negation | Array | If | Fill | Aggregate

OPERATORS: Mapping[str, Callable[[float, float], float | None]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    # "the data point is dropped", by the page.
    "/": lambda one, other: one / other if other else None,
    "==": lambda one, other: float(one == other),
    "!=": lambda one, other: float(one != other),
    "<": lambda one, other: float(one < other),
    "<=": lambda one, other: float(one <= other),
    ">": lambda one, other: float(one > other),
    ">=": lambda one, other: float(one >= other),
    "AND": lambda one, other: float(bool(one) and bool(other)),
    "OR": lambda one, other: float(bool(one) or bool(other)),
}

AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {"MAX": max, "MIN": min, "SUM": sum}

_BINDING = (
    ("OR",),
    ("AND",),
    ("==", "!=", "<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/"),
)
"""Loosest first. The page gives no order; this is the usual one."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/<>(),\[\]]))"
)
_SAME = {"&&": "AND", "||": "OR"}


def _each(series: Series, make: Callable[[float], float | None]) -> Series:
    return tuple(None if point is None else make(point) for point in series)


def _both(
    operate: Callable[[float, float], float | None],
    one: float | None,
    other: float | None,
    gaps: Gaps,
) -> float | None:
    if one is None and other is None:
        return None
    if (one is None or other is None) and gaps is Gaps.GAP:
        return None
    return operate(one or 0.0, other or 0.0)


def _at(value: float | Series, at: int) -> float | None:
    return value[at] if isinstance(value, tuple) else value


def _series(value: Value, rule: str) -> Series:
    if not isinstance(value, tuple):
        raise MathError(f"{rule}; this is {'an array' if isinstance(value, list) else 'a number'}")
    return value


def _names(node: Node) -> set[str]:
    match node:
        case Number():
            return set()
        case Id(name):
            return {name}
        case Operation(_, left, right):
            return _names(left) | _names(right)
        case Negation(inner) | Fill(inner, _) | Aggregate(_, inner):
            return _names(inner)
        case Array(items):
            return set().union(*(_names(item) for item in items))
        case If(condition, yes, no):
            return _names(condition) | _names(yes) | (_names(no) if no else set())


@lru_cache(maxsize=256)
def parsed(text: str) -> Node:
    """An expression as a tree, read strictly."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._tokens())
        self.at = 0

    def _tokens(self) -> Iterator[str]:
        text, at = self.text.rstrip(), 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise MathError(f"{self.text!r}: nothing known begins at {text[at:].lstrip()!r}")
            token = match.group().strip()
            yield _SAME.get(token, token)
            at = match.end()

    def whole(self) -> Node:
        node = self._operation(0)
        if self.at < len(self.tokens):
            raise self._wrong("the expression should end")
        return node

    def _operation(self, level: int) -> Node:
        if level == len(_BINDING):
            return self._operand()
        left = self._operation(level + 1)
        while (sign := self._next()) in _BINDING[level]:
            self.at += 1
            left = Operation(sign, left, self._operation(level + 1))
            if sign in _BINDING[2] and self._next() in _BINDING[2]:
                raise self._wrong("a second comparison needs parentheses")
        return left

    def _operand(self) -> Node:
        token = self._take()
        if token == "-":
            return Negation(self._operand())
        if token == "(":
            return self._closed(self._operation(0), ")")
        if token == "[":
            return self._closed(Array(tuple(self._list())), "]")
        if token[0].isdigit():
            return Number(float(token))
        if token[0].islower():
            return Id(token)
        if token[0].isupper() and self._next() == "(":
            return self._function(token)
        self.at -= 1
        raise self._wrong("an id, a number, a function or a parenthesis should come")

    def _function(self, name: str) -> Node:
        self._expect("(")
        if name == "FILL":
            series = self._operation(0)
            self._expect(",")
            return self._closed(Fill(series, self._filler()), ")")
        arguments = self._list()
        self._expect(")")
        match name, arguments:
            case "IF", [condition, yes]:
                return If(condition, yes, None)
            case "IF", [condition, yes, no]:
                return If(condition, yes, no)
            case (("MAX" | "MIN" | "SUM"), [array]):
                return Aggregate(name, array)
            case _:
                raise MathError(f"{self.text!r}: {name} of {len(arguments)} is not known here")

    def _filler(self) -> float | None:
        token = self._take()
        if token == "REPEAT":
            return None
        if token[0].isdigit():
            return float(token)
        raise MathError(f"{self.text!r}: FILL with {token!r} is not known here; REPEAT or a number")

    def _list(self) -> list[Node]:
        items = [self._operation(0)]
        while self._next() == ",":
            self.at += 1
            items.append(self._operation(0))
        return items

    def _closed(self, node: Node, bracket: str) -> Node:
        self._expect(bracket)
        return node

    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._next()
        if not token:
            raise self._wrong("something should come")
        self.at += 1
        return token

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise self._wrong(f"{token!r} should come")
        self.at += 1

    def _wrong(self, what: str) -> MathError:
        return MathError(f"{self.text!r}: {what}, and {self._next() or 'the end'!r} does")
