"""The AWS provider of a rehearsal: every resource is created in moto, through the API's own shapes.

For each resource: its inputs against the SDK's schema, onto the request by name, the request
against the API's model, then the call itself. Each step says what it refuses, and the later steps
go on, so that one run lists everything. `catalogue` says what each type means in API calls.
"""

from __future__ import annotations

import copy
import datetime
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Self

from botocore.exceptions import ClientError

from rehearsal import catalogue, sdk, shadow, shapes
from rehearsal.catalogue import names
from rehearsal.catalogue.entry import Call, Entry, filled, under
from rehearsal.contract import Created
from rehearsal.graph import SECRET, Finding, Graph, MadeIn, Resource, Severity
from rehearsal.moto_account import MotoAccount
from rehearsal.shapes import Problem

DEFAULT_REGION = "us-east-1"

SHORTEST_SECRET = 4

TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:"

LACKING = {"NotImplemented", "404", "501", "InternalFailure", "500", "InternalError"}
"""Error codes with which moto, not AWS, answers for an operation it does not have."""


class MotoProvider:
    """Makes resources in an in-memory account of its own, from construction to `close`."""

    def __init__(self) -> None:
        self.account = MotoAccount()
        self._troubled: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.account.close()

    def check(self, resource: Resource, graph: Graph) -> list[Finding]:
        findings = names.auto_name(resource)
        names.apply_default_tags(resource, graph)
        if findings:
            self._troubled.add(resource.urn)
        return findings

    def create(self, resource: Resource, graph: Graph) -> Created:
        package = resource.type.partition(":")[0]
        if resource.type.startswith("pulumi:providers:"):
            return _provider(resource)
        if package == "awsx":
            from rehearsal import awsx

            return awsx.expand(resource, graph, self)
        if package == "random" and (drawn := shadow.random_outputs(resource)):
            made_up, outputs = drawn
            return Created(id=made_up, outputs=outputs, made_in="provider")
        if package == "pulumiservice" and sdk.resource_class(resource.type):
            return _in_pulumi_cloud(resource)
        if resource.type.startswith("pulumi:"):
            return Created(id=shadow.uuid_of(resource.urn), outputs={}, made_in="provider")
        entry = catalogue.find(resource.type)
        if entry is None:
            return _unheard_of(resource)
        for name, variant in entry.variants.items():
            if resource.inputs.get(name) is not None:
                entry = variant
        making = Making(self.account, resource, entry, troubled=resource.urn in self._troubled)
        return making.run()

    def read(self, resource: Resource, id: str, graph: Graph) -> Created:
        for known in graph.resources.values():
            if known.type == resource.type and known.id == id and known.outputs:
                return Created(id=id, outputs=dict(known.outputs), made_in=known.made_in)
        entry = catalogue.find(resource.type)
        if entry is None:
            return _unheard_of(resource)
        rule = names.naming(resource.type)
        standing = copy.copy(resource)
        standing.inputs = ({rule.property: id} if rule else {}) | resource.inputs
        making = Making(self.account, standing, entry)
        return Created(id=id, outputs=making.outputs(id, found=False), made_in="shadow")

    def call(self, token: str, args: Mapping[str, Any], region: str) -> dict[str, Any]:
        from rehearsal import lookups

        self.account.seed(f"{token} {json.dumps(args, sort_keys=True, default=str)}")
        return lookups.answer(token, args, self.account.client, region or DEFAULT_REGION)

    def finish(self, graph: Graph) -> list[Finding]:
        from rehearsal import checks

        return checks.run(graph)


class Making:
    """One resource on its way: its inputs, the answers so far, and what was found."""

    def __init__(
        self, account: MotoAccount, resource: Resource, entry: Entry, *, troubled: bool = False
    ) -> None:
        self.account = account
        self.resource = resource
        self.entry = entry
        self.region = resource.region or DEFAULT_REGION
        self.inputs = _sent(resource.inputs)
        self.answers: list[Mapping[str, Any]] = []
        self.findings: list[Finding] = []
        self.troubled = troubled
        self.refused = False
        self.made_in: MadeIn = "shadow" if entry.shadow else "moto"

    def run(self) -> Created:
        schema = list(_schema_problems(self.resource.type, self.inputs))
        self.report(schema)
        self.report(self.rule_problems())
        self.doubt()
        inputs = self.inputs
        if self.entry.prepare:
            inputs = self.entry.prepare(copy.deepcopy(inputs))
        later = [call for call in self.entry.then if isinstance(call, Call)]
        claimed = frozenset().union(*(call.claims() for call in later))
        known = {problem.path for problem in schema}
        self.account.seed(self.resource.urn)
        first = {key: value for key, value in inputs.items() if key not in claimed}
        self.make(self.entry, first, known)
        if self.refused:
            return Created(id="", outputs={}, made_in=self.made_in, findings=self.findings)
        for call in self.entry.then:
            if isinstance(call, Call):
                self.make_later(call, inputs, known)
            elif self.made_in == "moto":
                call(self)
        made = self.identity()
        return Created(
            id=made, outputs=self.outputs(made), made_in=self.made_in, findings=self.findings
        )

    def make_later(self, call: Call, inputs: Mapping[str, Any], known: set[str]) -> None:
        if call.each:
            for item in inputs.get(call.each) or ():
                self.make(call, item if isinstance(item, Mapping) else {call.each: item}, known)
            return
        mine = {key: inputs[key] for key in sorted(call.claims()) if inputs.get(key) is not None}
        if mine or call.always:
            self.make(call, mine, known)

    def make(self, call: Call, inputs: Mapping[str, Any], known: set[str]) -> None:
        """Build, judge and send the request of one call, and keep the answer."""
        service = call.service or self.entry.service
        operation = self.account.operation(service, self.region, call.operation)
        placed = shapes.place(inputs, operation, call)
        for member, template in call.fixed.items():
            if (value := filled(template, self)) is not None:
                _set(placed.request, member, value)
        if input_shape := shapes.input_of(operation):
            for member, shape in shapes.members_of(input_shape).items():
                # botocore would draw one at random, and versions are named after it.
                if shapes.facts_of(shape).get("idempotencyToken"):
                    token = shadow.uuid_of(f"{self.resource.urn} {call.operation}")
                    placed.request.setdefault(member, token)
        unplaced = [problem for problem in placed.problems if problem.path not in known]
        standing_in = self.made_in == "shadow"
        judged = shapes.judge(placed.request, operation, placed.origins)
        if standing_in and call is not self.entry:
            # Nothing answered, so what a later call takes from an answer is missing in its request.
            judged = [problem for problem in judged if "nothing was given" not in problem.message]
        left_to_rules = {placed.origins.get(member) for member in call.unjudged}
        judged = [problem for problem in judged if problem.path not in left_to_rules]
        self.report([*unplaced, *judged])
        if not call.shadow and not standing_in:
            sent = {key: item for key, item in placed.request.items() if key not in call.withheld}
            self.send(call, service, sent)

    def send(self, call: Call, service: str, request: Mapping[str, Any]) -> None:
        first = call is self.entry
        try:
            answer = self.account.call(service, self.region, call.operation, request)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in LACKING:
                self.cannot_tell(call, error, first=first)
            elif not self.troubled and code not in call.mistaken:
                self.refuse(call, error, service, first=first)
            elif first:
                self.made_in = "shadow"
        except Exception as crash:  # moto crashes with anything, and none of it is a refusal
            self.cannot_tell(call, crash, first=first)
        else:
            found = under(answer, call.answer)
            self.answers.insert(0, found if isinstance(found, Mapping) else answer)

    def refuse(self, call: Call, error: ClientError, service: str, *, first: bool) -> None:
        details = error.response.get("Error", {})
        message = f"{service} {call.operation} refused: {details.get('Message') or error}"
        self.finding("moto", "error", f"{message} ({details.get('Code', 'no code')})")
        self.refused = self.refused or first

    def cannot_tell(self, call: Call, crash: Exception, *, first: bool) -> None:
        if first:
            self.made_in = "shadow"
        if not self.troubled:
            reason = f"{type(crash).__name__}: {crash}"[:200]
            message = f"moto cannot tell whether {call.operation} is right: {reason}"
            self.finding("moto", "warning", message)

    def rule_problems(self) -> Iterator[Problem]:
        entry, inputs = self.entry, self.inputs
        for path, allowed in entry.limits.items():
            value = under(inputs, path)
            if isinstance(value, str | int | float) and not _within(value, allowed):
                yield Problem(path=path, message=f"{value} given, {_said(allowed)}", check="model")
        for path in entry.documents:
            value = under(inputs, path)
            if isinstance(value, str) and (wrong := _not_json(value)):
                yield Problem(path=path, message=wrong, check="model")
        for rule in entry.rules:
            for path, message in rule(inputs | {"region": self.region}):
                yield Problem(path=path, message=message, check="model")

    def doubt(self) -> None:
        for rule in self.entry.doubts:
            for path, message in rule(self.inputs):
                self.finding("model", "warning", f"{path}: {message}")

    def report(self, problems: Any) -> None:
        for problem in problems:
            self.finding(problem.check, "error", str(problem))
            self.troubled = True

    def finding(self, check: str, severity: Severity, message: str) -> None:
        for name in self.resource.secret_inputs:
            for secret in sorted(_texts(self.resource.inputs.get(name)), key=len, reverse=True):
                message = message.replace(secret, SECRET)
        self.findings.append(
            Finding(
                source=self.resource.source,
                urn=self.resource.urn,
                check=check,
                severity=severity,
                message=message,
            )
        )

    def find(self, path: str) -> Any:
        """What a template's field names: an answer's member, else an input, else a made-up id."""
        for values in (*self.answers, self.inputs):
            if (value := under(values, path)) is not None:
                return value
        urn = self.resource.urn
        made_up = {
            "account": lambda: self.account.id,
            "region": lambda: self.region,
            "hex": lambda: shadow.hexadecimal(urn, 17),
            "hex8": lambda: shadow.hexadecimal(urn, 8),
            "hex16": lambda: shadow.hexadecimal(urn, 16),
            "hex32": lambda: shadow.hexadecimal(urn, 32),
            "uuid": lambda: shadow.uuid_of(urn),
            "word": lambda: shadow.text(urn, 6).lower(),
        }.get(path)
        return made_up() if made_up else None

    def identity(self) -> str:
        found = filled(self.entry.id, self)
        if found:
            return str(found)
        rule = names.naming(self.resource.type)
        named = rule and self.resource.inputs.get(rule.property)
        return str(
            named
            or f"{self.entry.kind.lower() or 'id'}-{shadow.hexadecimal(self.resource.urn, 17)}"
        )

    def outputs(self, id: str, *, found: bool = True) -> dict[str, Any]:
        known = sdk.outputs(self.resource.type)
        outputs = {key: value for key, value in self.resource.inputs.items() if key in known}
        if found:
            # Tags are the inputs' alone: answers spell them as a list, where Pulumi has a mapping.
            outputs |= self.by_name(known - set(outputs) - {"tags", "tagsAll"})
        for name, template in self.entry.outputs.items():
            if (value := filled(template, self)) is not None:
                outputs[name] = value
        if "region" in known:
            outputs.setdefault("region", self.region)
        if "tagsAll" in known:
            outputs.setdefault("tagsAll", {})
        if "arn" in known and "arn" not in outputs:
            kind = self.entry.kind.lower() or "resource"
            outputs["arn"] = shadow.arn(self.entry.service, self.region, self.account.id, kind, id)
        return {key: _plain(value) for key, value in sorted(outputs.items())}

    def by_name(self, wanted: frozenset[str]) -> dict[str, Any]:
        """The outputs that the answers spell as Pulumi does, with or without the kind in front."""
        found: dict[str, Any] = {}
        kind = shapes.normal(self.entry.kind)
        for answer in self.answers:
            members = {shapes.normal(member): member for member in answer}
            for name in wanted - set(found):
                plain = shapes.normal(name)
                member = members.get(plain) or members.get(kind + plain)
                # An empty list says nothing, and moto gives one where Pulumi has a text.
                if member and answer[member] != [] and _simple(answer[member]):
                    found[name] = answer[member]
        return found


def _schema_problems(type: str, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """What the SDK's class has no place for, and what it has another type for."""
    for path, wrong, known in sdk.unknown_properties(type, inputs):
        if wrong:
            yield Problem(path=path, message=wrong)
        else:
            hint = shapes.near(path.rpartition(".")[2], known)
            yield Problem(path=path, message=f"no such property of {type}{hint}")


def _sent(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the provider sends them: all tags, and no region, which the client has."""
    sent = {key: value for key, value in inputs.items() if key not in ("region", "tagsAll")}
    tags = inputs.get("tagsAll") or inputs.get("tags")
    if tags:
        sent["tags"] = tags
    return sent


def _set(request: dict[str, Any], member: str, value: Any) -> None:
    *parents, last = member.split(".")
    for parent in parents:
        request = request.setdefault(parent, {})
    request.setdefault(last, value)


def _within(value: Any, allowed: range | tuple[Any, ...]) -> bool:
    if isinstance(allowed, range):
        try:
            return float(value) == int(float(value)) and int(float(value)) in allowed
        except ValueError:
            return True
    return value in allowed


def _said(allowed: range | tuple[Any, ...]) -> str:
    if isinstance(allowed, range):
        step = f" in steps of {allowed.step}" if allowed.step > 1 else ""
        return f"{allowed.start} to {allowed[-1]}{step} allowed"
    return f"one of {', '.join(str(value) for value in allowed)} allowed"


def _not_json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        return f"no valid JSON: {error}"
    return ""


def _texts(value: Any) -> Iterator[str]:
    """Every text inside a secret value that is long enough to be told from ordinary words."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str) and len(value) >= SHORTEST_SECRET:
        yield value


def _simple(value: Any) -> bool:
    """Whether a value is worth taking over by name: plain, and no time of day."""
    if isinstance(value, list):
        return all(_simple(item) and not isinstance(item, list) for item in value)
    return isinstance(value, str | int | float) and not re.match(TIME, str(value))


def _plain(value: Any) -> Any:
    """A value the graph can write down. Times are left out: they differ from run to run."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return ""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value


def _provider(resource: Resource) -> Created:
    outputs = dict(resource.inputs)
    return Created(id=shadow.uuid_of(resource.urn), outputs=outputs, made_in="provider")


def _in_pulumi_cloud(resource: Resource) -> Created:
    """A setting of Pulumi Cloud's: judged by the SDK's class alone, since nothing imitates it."""
    findings = [
        Finding(
            source=resource.source,
            urn=resource.urn,
            check=problem.check,
            severity="error",
            message=str(problem),
        )
        for problem in _schema_problems(resource.type, resource.inputs)
    ]
    return Created(
        id=shadow.uuid_of(resource.urn),
        outputs=dict(resource.inputs),
        made_in="provider",
        findings=findings,
    )


def _unheard_of(resource: Resource) -> Created:
    made_up = f"{resource.name}-{shadow.hexadecimal(resource.urn, 8)}"
    message = (
        f"{resource.type} is not in the rehearsal's catalogue, so nothing about it was checked"
    )
    finding = Finding(
        source=resource.source,
        urn=resource.urn,
        check="shape",
        severity="error",
        message=f"{message}; rehearsal/catalogue/__init__.py says how to add a type",
    )
    return Created(id=made_up, outputs=dict(resource.inputs), made_in="shadow", findings=[finding])
