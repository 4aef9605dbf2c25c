"""The five systems in `examples/`, each as the graphs of its stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.recorder import ROOT, Node, Recorded
from tests.rows import known
from tests.stacks.alarm_rows import figures

EXAMPLES = ROOT / "examples"

_Test = TypeVar("_Test", bound=Callable[..., object])
_Seen = TypeVar("_Seen")


class System(Mapping[str, Recorded]):
    """The whole program as each stack of one system, recorded when it is asked for."""

    def __init__(self, name: str, graph_of: Callable[[Path], Recorded]) -> None:
        self.name = name
        self._graph_of = graph_of
        self._files = {stack_of(file): file for file in stack_files(name)}

    def __getitem__(self, stack: str) -> Recorded:
        return self._graph_of(self._files[stack])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return self.name

    @property
    def production(self) -> Recorded:
        return self["production"]

    def each(self, look: Callable[[Recorded], _Seen]) -> dict[str, _Seen]:
        """What `look` sees in each stack."""
        return {stack: look(graph) for stack, graph in self.items()}

    def everywhere(self, look: Callable[[Recorded], _Seen]) -> _Seen | dict[str, _Seen]:
        """What `look` sees in every stack, when it is the same; else what it sees in each."""
        seen = self.each(look)
        first = next(iter(seen.values()))
        return first if all(one == first for one in seen.values()) else seen


def stack_files(system: str) -> list[Path]:
    return sorted((EXAMPLES / system).glob("Pulumi.*.yaml"))


def stack_of(file: Path) -> str:
    return file.name.split(".")[1]


def asks(*rows: str, **briefs: Any) -> Callable[[_Test], _Test]:
    """Ask a test for every system that is named, with the figure of its brief.

        @asks("M5", zapcut=2, muejam=3)
        def test_zones_are_as_many_as_asked(system: System, figure: int) -> None: ...

    It is the proof of `rows` for these systems (tests/rows.py). A hyphen in a name is written as an
    underscore: `ai_film_studio`.
    """
    by_system = {name.replace("_", "-"): figure for name, figure in briefs.items()}
    known(*rows, *by_system)
    return pytest.mark.parametrize(
        ("system", "figure"), list(by_system.items()), ids=list(by_system), indirect=["system"]
    )


def setting(environment: Node, name: str) -> str:
    """An option of a Beanstalk environment by its name, where no other namespace has the name."""
    [value] = [one["value"] for one in environment["settings"] if one["name"] == name]
    return value


def container(graph: Recorded, definition: str) -> dict[str, Any]:
    """The only container of a task definition."""
    [container] = graph.one("ecs.TaskDefinition", definition).json("container_definitions")
    return container


def statements(graph: Recorded, role: str) -> dict[str, dict[str, Any]]:
    """What a role of ours is granted, by the statement's name."""
    document = graph.one("iam.RolePolicy", role).json("policy")
    return {statement["Sid"]: statement for statement in document["Statement"]}


def alarm(graph: Recorded, name: str, *what: str) -> tuple[Any, ...]:
    """The figures of an alarm that are named, as `tests/stacks/alarm_rows.py` spells them."""
    told = figures(graph.one("cloudwatch.MetricAlarm", name))
    return tuple(told[one] for one in what)


def ids(nodes: list[Node]) -> set[str]:
    return {node.id for node in nodes}
