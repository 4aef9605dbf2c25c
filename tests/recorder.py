"""Runs a component or a program under the rehearsal's monitor and reads what it registered as data.

    recorded = record(lambda: Queue("render", args), config={"aws:region": "us-east-1"})
    queue = recorded.one("sqs.Queue", "render")
    assert queue["visibility_timeout_seconds"] == 900
    assert "kms_master_key_id" not in queue

Types are given in full (`aws:sqs/queue:Queue`, `backlot:stores:Database`) or in short as the SDK
spells the class: `sqs.Queue`. Inputs are read under the SDK's names, nested ones too; what a user
wrote as data (tags, environment variables, JSON) is left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pulumi
import pulumi_aws as aws

from rehearsal.contract import Provider
from rehearsal.graph import Finding, Graph, Resource
from rehearsal.record import RecordOnlyProvider
from rehearsal.run import rehearse_program

ROOT = Path(__file__).resolve().parent.parent

USER_MAPS = frozenset(
    {"tags", "tagsAll", "variables", "dimensions", "keepers", "responseParameters"}
)
"""Properties whose keys are the user's own words."""

_PACKAGE_OF_MODULE = {"random": "random:index"}

_Parameters = ParamSpec("_Parameters")
_Given = TypeVar("_Given")


def record(
    program: Callable[[], object],
    *,
    config: Mapping[str, str] | None = None,
    secret_keys: Iterable[str] = (),
    project: str = "backlot",
    stack: str = "dev",
    preview: bool = False,
    provider: Provider | None = None,
) -> Recorded:
    """Run `program` and return what it registered. A failure inside the program is raised.

    Findings do not fail the recording: a test reads them from `findings`.
    """
    graph = rehearse_program(
        lambda: _ignored(program()),
        provider or RecordOnlyProvider(),
        project=project,
        stack=stack,
        config={"aws:region": "us-east-1", **(config or {})},
        secret_keys=secret_keys,
        program_dir=ROOT,
        preview=preview,
    )
    crashed = [finding.message for finding in graph.findings if finding.check == "program"]
    assert not crashed, "\n".join(crashed)
    return Recorded(graph)


def _ignored(_result: object) -> None:
    """A lambda gives back the component it made, which the SDK would try to await."""


def recorded_once(helper: Callable[_Parameters, _Given]) -> Callable[_Parameters, _Given]:
    """Have `helper`, which records a component, record it once for equal arguments.

    Half of a module's tests look at the same graph. Arguments that are no plain data, a provider
    for one, are recorded anew each time: so does a test that changes more than the arguments.
    """
    known: dict[str, _Given] = {}

    @wraps(helper)
    def call(*args: _Parameters.args, **options: _Parameters.kwargs) -> _Given:
        try:
            given = json.dumps([args, options], sort_keys=True)
        except TypeError:
            return helper(*args, **options)
        if given not in known:
            known[given] = helper(*args, **options)
        return known[given]

    return call


@dataclass(frozen=True)
class Node:
    """One recorded resource; `node["some_input"]` reads an input under the SDK's name."""

    resource: Resource

    def __getitem__(self, key: str) -> Any:
        inputs = self.inputs
        if key not in inputs:
            raise KeyError(f"{self} has no input {key!r}; it has {', '.join(sorted(inputs))}")
        return inputs[key]

    def __contains__(self, key: str) -> bool:
        return key in self.inputs

    def get(self, key: str, default: Any = None) -> Any:
        return self.inputs.get(key, default)

    def json(self, key: str) -> Any:
        """The input `key`, which holds JSON text such as a policy document, parsed."""
        return json.loads(self[key])

    @property
    def inputs(self) -> dict[str, Any]:
        return _snake(self.resource.inputs)

    @property
    def outputs(self) -> dict[str, Any]:
        return _snake(self.resource.outputs)

    @property
    def urn(self) -> str:
        return self.resource.urn

    @property
    def id(self) -> str:
        return self.resource.id

    @property
    def parent(self) -> str:
        return self.resource.parent

    @property
    def name(self) -> str:
        return self.resource.name

    @property
    def type(self) -> str:
        return self.resource.type

    @property
    def provider(self) -> str:
        return self.resource.provider

    @property
    def protect(self) -> bool:
        return self.resource.protect

    @property
    def retain_on_delete(self) -> bool:
        return self.resource.retain_on_delete

    @property
    def ignore_changes(self) -> list[str]:
        return sorted(_snake_case(name) for name in self.resource.ignore_changes)

    @property
    def secret_inputs(self) -> list[str]:
        return sorted(_snake_case(name) for name in self.resource.secret_inputs)

    @property
    def source(self) -> str:
        return self.resource.source

    def __str__(self) -> str:
        return f"{self.type} {self.name!r}"


class Recorded:
    """What a program registered, exported and was told."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @property
    def nodes(self) -> list[Node]:
        return [Node(self.graph.resources[urn]) for urn in sorted(self.graph.resources)]

    @property
    def urns(self) -> list[str]:
        return sorted(self.graph.resources)

    @property
    def outputs(self) -> dict[str, Any]:
        return self.graph.outputs

    @property
    def findings(self) -> Sequence[Finding]:
        return sorted(set(self.graph.findings))

    def all(self, type: str) -> list[Node]:
        """Every resource of `type`, by URN; empty when there is none."""
        token = type_token(type)
        return [node for node in self.nodes if node.type == token]

    def names(self, type: str) -> list[str]:
        return [node.name for node in self.all(type)]

    def one(self, type: str, name: str | None = None) -> Node:
        """The only resource of `type`, or the one called `name`; anything else fails the test."""
        of_type = self.all(type)
        found = [node for node in of_type if name in (None, node.name)]
        if len(found) == 1:
            return found[0]
        wanted = type_token(type) + (f" named {name!r}" if name else "")
        what = (
            f"there are {len(of_type)} of that type: {', '.join(node.name for node in of_type)}"
            if of_type
            else f"the types are: {', '.join(sorted({node.type for node in self.nodes})) or 'none'}"
        )
        raise AssertionError(f"{len(found)} resources match {wanted}; {what}")

    def children(self, parent: Node) -> list[Node]:
        return [node for node in self.nodes if node.parent == parent.urn]


def type_token(type: str) -> str:
    """`sqs.Queue` in full: `aws:sqs/queue:Queue`. A full token stays what it is."""
    if ":" in type:
        return type
    module, _, cls = type.rpartition(".")
    return f"{_PACKAGE_OF_MODULE.get(module, f'aws:{module}')}/{cls[0].lower()}{cls[1:]}:{cls}"


def aws_provider(**inputs: Any) -> aws.Provider:
    """The explicit provider that every component under test is given."""
    return aws.Provider("aws", region="us-east-1", **inputs)


def with_aws(provider: aws.Provider) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(providers=[provider])


def _snake(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # A fleet group's tags are a list of blocks, whose keys are the SDK's.
        _snake_case(key): (
            value if key in USER_MAPS and isinstance(value, Mapping) else _snake_value(value)
        )
        for key, value in properties.items()
    }


def _snake_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _snake(value)
    if isinstance(value, list):
        return [_snake_value(item) for item in value]
    return value


def _snake_case(name: str) -> str:
    """camelCase as the SDK spells it in Python; anything else is the user's own word."""
    if not re.fullmatch(r"[a-z][A-Za-z0-9]*", name):
        return name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
