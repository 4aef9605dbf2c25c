"""What a person sees of a rehearsal: progress, the component tree, outputs, findings, a verdict."""

from __future__ import annotations

import itertools
import json
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from rehearsal.graph import SECRET, Finding, Graph, Resource, Unknown, place
from rehearsal.lookups import ACCOUNT

WIDTH = 100
_URN = re.compile(r"urn:pulumi:\S+?::\S+?::(?:\S+\$)?(\S+?)::([^\s,;]+)")


class Report:
    """Writes to a console: in colour on a terminal, plain text otherwise."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        terminal = self._console.is_terminal
        self._width = min(self._console.width, WIDTH) if terminal else WIDTH

    @contextmanager
    def progress(self, stack: str) -> Iterator[Callable[[Resource], None] | None]:
        """A bar that moves with every resource; nothing at all when nobody watches."""
        if not self._console.is_terminal:
            yield None
            return
        columns = (
            SpinnerColumn(),
            TextColumn("rehearsing {task.fields[stack]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed} resources  [dim]{task.fields[latest]}"),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task("", total=None, stack=escape(stack), latest="")

            def on_event(resource: Resource) -> None:
                latest = f"{resource.type.rpartition(':')[2]} {resource.name}"
                progress.update(task, advance=1, latest=escape(latest[: self._width // 2]))

            yield on_event

    def show(self, graph: Graph, seconds: float, *, record_only: bool = False) -> None:
        title = escape(f"{graph.project} / {graph.stack}")
        self._line(f"[bold]{title}[/]  [dim]{escape(graph.config_file)}[/]")
        self._components(graph)
        self._outputs(graph)
        self._made(graph, seconds, record_only=record_only)
        self._findings(sorted(set(graph.findings), key=_line_order), graph)
        self._verdict(graph, record_only=record_only)

    def _components(self, graph: Graph) -> None:
        rows = list(_rows(_tree(graph), depth=0))
        if not rows:
            return
        self._line()
        labels = [f"{'  ' * depth}{branch.kind}" for depth, branch in rows]
        widest_label = max(map(len, labels))
        widest_name = max(len(branch.name) for _, branch in rows)
        for label, (depth, branch) in zip(labels, rows, strict=True):
            style = "bold" if depth == 0 else "default"
            noun = "resource " if branch.count == 1 else "resources"
            self._line(
                f"  [{style}]{label:<{widest_label}}[/]  {escape(branch.name):<{widest_name}}"
                f"  {branch.count:>4} {noun if depth == 0 else ''}".rstrip()
            )

    def _outputs(self, graph: Graph) -> None:
        if not graph.outputs:
            return
        self._line("\n[bold]Outputs[/]")
        widest = max(map(len, graph.outputs))
        for key, value in sorted(graph.outputs.items()):
            secret = key in graph.secret_outputs
            for number, said in enumerate(_lines(SECRET if secret else value)):
                label = f"{key if number == 0 else '':<{widest}}"
                self._line(escape(f"  {label}  {said}"))

    def _made(self, graph: Graph, seconds: float, *, record_only: bool) -> None:
        resources = [one for one in graph.resources.values() if one.made_in != "component"]
        made = Counter(one.made_in for one in resources)
        parts = [
            f"{count} {words}"
            for place, words in (
                ("moto", "created in the in-memory AWS"),
                ("shadow", "recorded"),
                ("provider", "made by providers that need no AWS"),
                ("nothing", "not created"),
            )
            if (count := made[place])
        ]
        said = f": {', '.join(parts)}" if parts else ""
        self._line(f"\n{_counted(len(resources), 'resource')} in {seconds:.1f} s{said}")
        self._account(graph)
        if record_only:
            return
        # A faulty request is not held against moto, nor is what stood before the program.
        told = {
            one.urn for one in graph.findings if one.severity == "error" or one.check == "lookup"
        }
        shadowed = [one for one in resources if one.made_in == "shadow"]
        for why, types in (
            ("because moto lacks them", {one.type for one in shadowed if one.urn not in told}),
            ("because of what was found", {one.type for one in shadowed if one.urn in told}),
        ):
            if types:
                self._line(f"\nRecorded, not created, {why}:")
                self._paragraph(", ".join(sorted(map(_short, types))), indent="  ")

    def _account(self, graph: Graph) -> None:
        """Where the program is for certain accounts alone: a rehearsal cannot tell whose it is."""
        providers = [one for one in graph.resources.values() if one.type == "pulumi:providers:aws"]
        allowed = [
            account for one in providers for account in one.inputs.get("allowedAccountIds") or ()
        ]
        if allowed:
            named = escape(", ".join(allowed))
            self._line(
                f"Rehearsed as account {ACCOUNT}; only {named} may be touched, which AWS checks"
            )

    def _findings(self, findings: Sequence[Finding], graph: Graph) -> None:
        if not findings:
            return
        self._line("\n[bold]Findings[/]")
        waiting = [finding for finding in findings if _only_waits(finding)]
        shown = [finding for finding in findings if not _only_waits(finding)]
        for source, group in itertools.groupby(shown, key=lambda finding: finding.source):
            self._line(f"\n  [bold]{escape(source or 'no line of the program')}[/]")
            for finding in group:
                colour = "red" if finding.severity == "error" else "yellow"
                resource = graph.resources.get(finding.urn)
                about = f"  {_short(resource.type)} {resource.name}" if resource else ""
                self._line(
                    f"    [{colour}]{finding.severity}[/]  {finding.check}[dim]{escape(about)}[/]"
                )
                for line in finding.message.splitlines():
                    self._paragraph(_URN.sub(_named, line), indent="      ")
        if waiting:
            self._line(
                f"\n  {_counted(len(waiting), 'resource')} not created, waiting for the above"
            )

    def _verdict(self, graph: Graph, *, record_only: bool) -> None:
        severities = Counter(finding.severity for finding in set(graph.findings))
        found = " and ".join(
            _counted(count, severity)
            for severity in ("error", "warning")
            if (count := severities[severity])
        )
        stack = escape(graph.stack)
        if graph.failed:
            self._line(f"\n[bold red]{stack} would fail[/]: {found}")
        elif not graph.resources:
            said = f", with {found}" if found else ""
            self._line(f"\n[bold yellow]{stack} is empty[/]: the program makes nothing{said}")
        elif record_only:
            said = f", with {found}" if found else ""
            self._line(f"\n[bold green]{stack} was recorded[/], not created{said}")
        else:
            self._line(f"\n[bold green]{stack} stands[/]: {found or 'no findings'}")

    def _paragraph(self, text: str, *, indent: str) -> None:
        for line in textwrap.wrap(
            text,
            self._width - len(indent),
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]:
            self._line(f"{indent}{escape(line)}")

    def _line(self, markup: str = "") -> None:
        self._console.print(markup, soft_wrap=True)


@dataclass
class _Branch:
    """A component in the tree, and how many resources stand in it, at any depth."""

    kind: str
    name: str
    path: Sequence[str]
    """The lines of the program that led to it, its first one first."""
    count: int = 0
    branches: list[_Branch] = field(default_factory=list)


def _tree(graph: Graph) -> list[_Branch]:
    components = {
        urn: _Branch(
            resource.type.rpartition(":")[2], resource.name, resource.path or (resource.source,)
        )
        for urn, resource in graph.resources.items()
        if not resource.custom
    }
    top: list[_Branch] = []
    for urn, branch in components.items():
        parent = components.get(_component_above(graph, urn))
        (parent.branches if parent else top).append(branch)
    for urn, resource in graph.resources.items():
        above = _component_above(graph, urn) if resource.custom else ""
        while above:
            components[above].count += 1
            above = _component_above(graph, above)
    return sorted(top, key=_order)


def _component_above(graph: Graph, urn: str) -> str:
    """The URN of the closest component that holds `urn`; empty at the top."""
    parent = graph.resources[urn].parent
    while parent in graph.resources and graph.resources[parent].custom:
        parent = graph.resources[parent].parent
    return parent if parent in graph.resources else ""


def _rows(branches: Sequence[_Branch], depth: int) -> Iterator[tuple[int, _Branch]]:
    for branch in branches:
        yield depth, branch
        yield from _rows(sorted(branch.branches, key=_order), depth + 1)


def _order(branch: _Branch) -> tuple[list[tuple[str, int]], str, str]:
    """As the program comes to them, which is the order of the picture."""
    return [place(line) for line in branch.path], branch.name, branch.kind


def _only_waits(finding: Finding) -> bool:
    """It says nothing that the finding it waits for has not said; the graph has it in full."""
    return finding.check == "skipped" and finding.severity == "warning"


def _line_order(finding: Finding) -> tuple[str, int, Finding]:
    return *place(finding.source), finding


def _lines(value: Any) -> list[str]:
    """An output as people read it: one line for each entry of a mapping or a list."""
    if isinstance(value, dict) and value:
        widest = max(map(len, value))
        return [f"{key:<{widest}}  {_text(item)}" for key, item in sorted(value.items())]
    if isinstance(value, list) and value:
        return [_text(item) for item in value]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, str | Unknown):
        return str(value)
    return json.dumps(value, sort_keys=True, default=repr, ensure_ascii=False)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _named(urn: re.Match[str]) -> str:
    return f"{_short(urn[1])} {urn[2]}"


def _short(type: str) -> str:
    """`aws:sqs/queue:Queue` as the SDK spells the class: `sqs.Queue`."""
    package, _, rest = type.partition(":")
    module, _, kind = rest.rpartition(":")
    module = module.partition("/")[0]
    return f"{module}.{kind}" if package == "aws" and module else f"{package}.{kind}"
