"""`python -m operations.cost GRAPH.json [--against BASE.json]`: what a stack costs in a month.

Reads what a rehearsal recorded, and asks nobody:

    python -m rehearsal production --record-only --graph production.json
    python -m operations.cost production.json

Gives each component a low and a high figure: everything at its floor all month (fewest tasks,
instances and gigabytes, cheapest type), and everything at its ceiling (most, dearest type). What is
billed by use is named beside the sums and never guessed. The prices are `operations/prices.py`:
us-east-1's, on demand. docs/costs.md says what to make of them.

With `--against`, gives what changes from BASE to GRAPH instead, the largest first.

Exits with 0, also when the stack costs more than its budget, which is said; 1 when a graph cannot
be read, 2 when the command itself was wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from operations import prices
from operations.bill import (
    FREE,
    NOTHING,
    PRICED,
    USED,
    Item,
    Node,
    NoPriceError,
    Range,
    Stack,
    billed_use,
    counted,
    together,
)
from operations.command import run

OK, FAILED = 0, 1

WORTH_A_MENTION = 0.1
"""Of a component's high figure: what is less is in the figure, and not in its row's words."""

WORTH_A_ROW = 1
"""US dollars a month: components below it share one."""


class GraphError(Exception):
    """The graph cannot be read; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What one stack costs, and what of it cannot be told."""

    stack: Stack
    items: Mapping[str, Sequence[Item]]
    """By component."""
    used: Mapping[str, Sequence[str]]
    """What is billed by use, to the components that have it."""
    unpriced: Sequence[str]
    """What the sums lack."""

    @cached_property
    def components(self) -> Mapping[str, Range]:
        """The dearest first."""
        sums = {name: together(one.cost for one in items) for name, items in self.items.items()}
        return dict(sorted(sums.items(), key=lambda row: (-row[1].high, -row[1].low, row[0])))

    @property
    def total(self) -> Range:
        return together(self.components.values())

    def groups(self, component: str) -> Mapping[str, tuple[int, Range]]:
        """How many of each thing a component has, and their cost together; the dearest first."""
        costs: dict[str, list[Range]] = defaultdict(list)
        for item in self.items.get(component, ()):
            costs[item.what].append(item.cost)
        groups = {what: (len(of), together(of)) for what, of in costs.items()}
        return dict(sorted(groups.items(), key=lambda row: (-row[1][1].high, row[0])))


def estimate(stack: Stack) -> Estimate:
    """Price every resource of `stack`."""
    items: dict[str, list[Item]] = defaultdict(list)
    used: dict[str, set[str]] = defaultdict(set)
    unpriced: set[str] = set()
    for node in stack.nodes:
        if not node.type.startswith("aws:"):
            continue
        if node.type not in PRICED.keys() | USED.keys() | FREE:
            unpriced.add(f"{node.type} ({node.component})")
        if use := billed_use(node):
            used[use].add(node.component)
        try:
            items[node.component] += PRICED.get(node.type, _nothing)(node, stack)
        except NoPriceError as missing:
            unpriced.add(f"{missing} ({node.component})")
    return Estimate(
        stack=stack,
        items={component: of for component, of in items.items() if of},
        used={text: sorted(of) for text, of in sorted(used.items())},
        unpriced=sorted(unpriced),
    )


def _nothing(_node: Node, _stack: Stack) -> Iterator[Item]:
    yield from ()


def read(source: Path) -> Stack:
    """The graph in `source`. Raises GraphError when it holds none."""
    wanted = "give what `python -m rehearsal STACK --record-only --graph FILE` writes"
    try:
        graph = json.loads(source.read_text(encoding="utf-8"))
    except OSError as problem:
        raise GraphError(f"{source}: cannot be read ({problem.strerror}); {wanted}") from None
    except ValueError:
        raise GraphError(f"{source}: is no JSON; {wanted}") from None
    if not isinstance(graph, Mapping) or not {"stack", "resources", "findings"} <= graph.keys():
        raise GraphError(f"{source}: is no graph of a rehearsal; {wanted}")
    try:
        return stack_of(graph)
    except (AttributeError, KeyError, TypeError):
        raise GraphError(f"{source}: has resources of another form; {wanted}") from None


def stack_of(graph: Mapping[str, Any]) -> Stack:
    by_urn = {one["urn"]: one for one in graph["resources"]}
    return Stack(
        name=graph["stack"],
        nodes=[
            Node(
                type=one["type"],
                name=one["name"],
                component=_outermost(one, by_urn)["name"],
                inputs=one["inputs"],
                outputs=one["outputs"],
            )
            for one in graph["resources"]
        ],
        findings=sum(one["severity"] == "error" for one in graph["findings"]),
    )


def _outermost(resource: Mapping[str, Any], by_urn: Mapping[str, Any]) -> Mapping[str, Any]:
    while parent := by_urn.get(resource["parent"]):
        resource = parent
    return resource


# What is printed.


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of a name, two figures and words."""

    heads: tuple[str, str, str, str]
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def lines(self, *, markdown: bool) -> list[str]:
        if markdown:
            lines = [self.heads, ("---", "---:", "---:", "---"), *self.rows]
            return [f"| {' | '.join(line)} |" for line in lines]
        widths = [max(len(row[at]) for row in (self.heads, *self.rows)) for at in range(3)]
        return [
            f"{name:<{widths[0]}}  {low:>{widths[1]}}  {high:>{widths[2]}}  {words}".rstrip()
            for name, low, high, words in (self.heads, *self.rows)
        ]


def report(after: Estimate, before: Estimate | None, *, markdown: bool) -> str:
    """What is printed: the estimate of `after`, or how it differs from `before`."""
    lines = [f"### What {after.stack.name} costs", ""] if markdown else []
    lines += _standing(after) if before is None else _changed(after, before)
    if before is None:
        lines += ["", *_by_component(after).lines(markdown=markdown), ""]
        lines += _folded("Billed by use, and not in the sums", _by_use(after), markdown=markdown)
    elif rows := _differences(after, before).rows:
        table = Table(heads=("component", "floor", "ceiling", "what changes"), rows=rows)
        lines += ["", *table.lines(markdown=markdown)]
    if before is not None:
        lines += _use_changed(after, before)
    for warning in _warnings(after):
        lines += ["", f"**{warning}**" if markdown else warning]
    return "\n".join(lines)


def _standing(made: Estimate) -> list[str]:
    return [
        f"{made.stack.name}: {_between(made.total)}",
        "The floor is its fewest tasks, instances and gigabytes all month, the ceiling its most.",
        f"Prices are {prices.REGION}'s of {prices.AS_OF}, on demand.",
    ]


def _changed(after: Estimate, before: Estimate) -> list[str]:
    stack, change = after.stack.name, after.total - before.total
    if not _differences(after, before).rows:
        return [f"{stack}: nothing changes what stands: {_between(after.total)}"]
    floor, ceiling = _signed(change.low), _signed(change.high)
    return [
        f"{stack}: {floor} USD a month at the floor, {ceiling} at the ceiling.",
        f"Then {_between(after.total)}",
    ]


def _between(cost: Range) -> str:
    low, high = f"{cost.low:,.0f}", f"{cost.high:,.0f}"
    return f"{low if low == high else f'{low} to {high}'} USD a month, and what is used on top."


def _by_component(made: Estimate) -> Table:
    table = Table(heads=("component", "floor", "ceiling", "mostly"))
    for component, cost in made.components.items():
        if cost.high < WORTH_A_ROW:
            continue
        words = [
            _some(count, what)
            for what, (count, of) in made.groups(component).items()
            if of.high >= cost.high * WORTH_A_MENTION
        ]
        table.rows.append((component, *_plain(cost), "; ".join(words)))
    small = {name: cost for name, cost in made.components.items() if cost.high < WORTH_A_ROW}
    if small:
        table.rows.append(("others", *_plain(together(small.values())), ", ".join(sorted(small))))
    table.rows.append(("all of it", *_plain(made.total), ""))
    return table


def _plain(cost: Range) -> tuple[str, str]:
    return f"{cost.low:,.2f}", f"{cost.high:,.2f}"


def _differences(after: Estimate, before: Estimate) -> Table:
    """The largest change first, whichever way it goes."""
    changes = {
        name: after.components.get(name, NOTHING) - before.components.get(name, NOTHING)
        for name in after.components.keys() | before.components.keys()
    }
    table = Table(heads=("component", "floor", "ceiling", "what changes"))
    for name, change in sorted(
        changes.items(), key=lambda row: (-abs(row[1].high), -abs(row[1].low), row[0])
    ):
        if change.is_nothing:
            continue
        now, then = after.groups(name), before.groups(name)
        words = [
            _more_or_less(what, now.get(what, (0,))[0] - then.get(what, (0,))[0])
            for what in [*then, *(one for one in now if one not in then)]
        ]
        words = [word for word in words if word]
        table.rows.append((name, _signed(change.low), _signed(change.high), "; ".join(words)))
    return table


def _some(count: int, what: str) -> str:
    return counted(count, what) if count > 1 else what


def _more_or_less(what: str, count: int) -> str:
    if count == 0:
        return ""
    return f"{'+' if count > 0 else '-'} {_some(abs(count), what)}"


def _by_use(made: Estimate) -> list[str]:
    return [f"{text} ({', '.join(of)})" for text, of in made.used.items()]


def _use_changed(after: Estimate, before: Estimate) -> list[str]:
    new = [text for text in after.used if text not in before.used]
    gone = [text for text in before.used if text not in after.used]
    lines = [f"New on the bill, by use: {'; '.join(new)}."] if new else []
    lines += [f"No longer on the bill, by use: {'; '.join(gone)}."] if gone else []
    return [line for one in lines for line in ("", one)]


def _folded(title: str, told: Sequence[str], *, markdown: bool) -> list[str]:
    if markdown:
        listed = [f"- {line}" for line in told]
        return ["<details>", f"<summary>{title}</summary>", "", *listed, "", "</details>"]
    return [f"{title}:", *(f"  {line}" for line in told)]


def _warnings(made: Estimate) -> Iterator[str]:
    stack, floor = made.stack, made.total.low
    if stack.budget is not None and floor > stack.budget:
        yield (
            f"Above its budget: the floor alone is {floor:,.0f} USD, and the budget "
            f"{stack.budget:,.0f}. Raise budget.monthly_usd, or lower what stands all month."
        )
    if made.unpriced:
        yield (
            f"Without a price, so not in the sums: {', '.join(made.unpriced)}. Add them to "
            "operations/prices.py, or to the tables of operations/bill.py."
        )
    if stack.region != prices.REGION:
        yield (
            f"The stack is in {stack.region}, and the prices are {prices.REGION}'s: most regions "
            "ask more."
        )
    if stack.findings:
        yield (
            f"The rehearsal found {counted(stack.findings, 'error')}: this may not be all of it."
        )


def _signed(amount: float) -> str:
    return f"{round(amount, 2) or 0:+,.2f}"


# The command.


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    try:
        after = estimate(read(asked.graph))
        before = estimate(read(asked.against)) if asked.against else None
    except GraphError as problem:
        print(problem, file=sys.stderr)
        return FAILED
    print(report(after, before, markdown=asked.markdown))
    return OK


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m operations.cost",
        description="Estimate what a stack costs in a month, from the graph that "
        "`python -m rehearsal STACK --record-only --graph GRAPH.json` writes.",
    )
    parser.add_argument("graph", metavar="GRAPH.json", type=Path, help="the graph")
    parser.add_argument(
        "--against",
        metavar="BASE.json",
        type=Path,
        help="another graph: print what changes from it to GRAPH.json",
    )
    parser.add_argument(
        "--markdown", action="store_true", help="print Markdown, for a pull request"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(main)
