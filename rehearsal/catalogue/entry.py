"""The vocabulary of the catalogue: what one resource type means in AWS API calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rehearsal.shapes import Rules

Inputs = dict[str, Any]


class Scope(Protocol):
    """Where the templates of an entry look names up."""

    def find(self, path: str) -> Any:
        """The value at a dotted path: in the API's answers, then the inputs; None without one."""
        ...


Template = str | Callable[[Scope], Any]


@dataclass(frozen=True, kw_only=True)
class Call(Rules):
    """One API call, and which of the resource's properties it carries."""

    operation: str
    service: str = ""
    """botocore's name of the service; the entry's when empty."""
    takes: Sequence[str] = ()
    """Top-level properties placed by name, beside those that `rename` and `lift` mention."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Member path to what the provider always sends; text is a template."""
    each: str = ""
    """A list property: the call is made for each of its entries, and places their properties."""
    always: bool = False
    """Made whether or not one of its properties is given: a read, or a provider's habit."""
    answer: str = ""
    """Path of the resource inside the answer: `LoadBalancers.0`."""
    withheld: Mapping[str, str] = field(default_factory=dict)
    """Top-level members that are judged and not sent, to the reason: moto is wrong about them."""
    unjudged: Mapping[str, str] = field(default_factory=dict)
    """Top-level members to the reason why the API's model is wrong about them; a rule judges."""
    mistaken: Mapping[str, str] = field(default_factory=dict)
    """Error codes with which moto refuses what AWS takes, to the reason; a rule judges instead."""
    shadow: str = ""
    """Why it is not sent, when moto lacks it. Its request is judged all the same."""

    def claims(self) -> frozenset[str]:
        """The top-level properties that belong to this call."""
        paths = (*self.takes, *(() if self.each else (*self.rename, *self.lift)))
        roots = {path.partition(".")[0] for path in paths}
        return frozenset(roots | {self.each} if self.each else roots)


@dataclass(frozen=True, kw_only=True)
class Entry(Call):
    """A resource type. The entry itself is the call that creates; it takes what no other claims."""

    id: Template
    """The Pulumi id, which is Terraform's."""
    prepare: Callable[[Inputs], Inputs] | None = None
    """Reshapes a copy of the inputs where names cannot: a boolean that the API spells as a word."""
    variants: Mapping[str, Entry] = field(default_factory=dict)
    """Input property to the entry that stands in for this one when the property is given."""
    then: Sequence[Call | Callable[[Any], None]] = ()
    """Further calls, in order. A function is given the making and calls the API itself."""
    outputs: Mapping[str, Template | Sequence[Any]] = field(default_factory=dict)
    """Output property to template, beyond the inputs and what the answer says by name."""
    limits: Mapping[str, range | tuple[Any, ...]] = field(default_factory=dict)
    """Property path to the values AWS takes, where the API's model knows no range."""
    documents: Sequence[str] = ()
    """Properties that must hold JSON text."""
    rules: Sequence[Callable[[Inputs], Iterable[tuple[str, str]]]] = ()
    """Judgements over several properties: each yields a property path and a message.

    They find the region the resource is made in as `region`, whether or not it was an input.
    """
    doubts: Sequence[Callable[[Inputs], Iterable[tuple[str, str]]]] = ()
    """Rules that warn only: AWS may know what their table does not."""


def filled(template: Any, scope: Scope) -> Any:
    """A template with its `{path}` fields looked up; None when one of them is nowhere.

    A template that is one field alone gives the value itself, not its text.
    """
    if callable(template):
        return template(scope)
    if isinstance(template, Mapping):
        return {key: filled(value, scope) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, scope) for value in template]
    if not isinstance(template, str):
        return template
    fields = re.findall(r"\{([^{}]+)\}", template)
    values = {name: scope.find(name) for name in fields}
    if any(value is None for value in values.values()):
        return None
    if len(fields) == 1 and template == f"{{{fields[0]}}}":
        return values[fields[0]]
    return re.sub(r"\{([^{}]+)\}", lambda match: str(values[match[1]]), template)


def under(values: Any, path: str) -> Any:
    """What stands at a dotted path of maps and lists, or None."""
    for step in path.split(".") if path else ():
        if isinstance(values, Mapping):
            values = values.get(step)
        elif isinstance(values, list) and step.isdigit() and int(step) < len(values):
            values = values[int(step)]
        else:
            return None
    return values
