"""Stands where the Pulumi engine stands: takes every registration, records it, and has it made.

The SDK's own mock monitor accepts what the engine refuses (two resources with one URN, a default
provider that the stack disables) and drops what a reviewer wants to see (parents, dependencies,
options, secrets, source lines, transforms). This one keeps the engine's rules and the record.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote, urlparse

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import mocks, rpc
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import engine_pb2, provider_pb2, resource_pb2

from rehearsal.contract import Created, Provider
from rehearsal.graph import SECRET, UNKNOWN, Finding, Graph, Resource, Severity

_THIS_PACKAGE = Path(__file__).resolve().parent
STACK_TYPE = "pulumi:pulumi:Stack"
STACK_REFERENCE_TYPE = "pulumi:pulumi:StackReference"
_SHORTEST_SCRUBBED_SECRET = 8
"""Shorter secrets would blank out ordinary words in messages."""

_LOOKUP_LINE: ContextVar[str] = ContextVar("lookup_line", default="")

_Answer = TypeVar("_Answer")


class Monitor(mocks.MockMonitor):
    """Records into `graph` what a program registers and has `provider` make it.

    An error never stops the program: the refused resource's outputs become unknown, whatever
    needs them is recorded as skipped, and one run lists every finding.
    """

    def __init__(
        self,
        graph: Graph,
        provider: Provider,
        *,
        loop: asyncio.AbstractEventLoop,
        region: str,
        without_default_provider: Iterable[str] = (),
        preview: bool = False,
        on_event: Callable[[Resource], None] | None = None,
    ) -> None:
        super().__init__(_NoMocks())
        self.graph = graph
        self.provider = provider
        self.preview = preview
        self._loop = loop
        self._region = region
        self._without_default_provider = frozenset(without_default_provider)
        self._on_event = on_event
        self._root = ""
        self._unmade: set[str] = set()
        self._doubled: set[str] = set()
        self._refused_lookups: list[str] = []
        self._secret_texts: set[str] = set()
        self._transforms_below: dict[str, list[str]] = {}
        self._stack_callbacks: list[str] = []
        self._sources = _Sources(Path(graph.program_dir))

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        if parent and parent != self._root:
            type_ = f"{parent.split('::')[2]}${type_}"
        return f"urn:pulumi:{self.graph.stack}::{self.graph.project}::{type_}::{name}"

    def RegisterResource(  # noqa: N802 (the RPC's name)
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            self._root = urn
            return resource_pb2.RegisterResourceResponse(urn=urn)
        refused = resource_pb2.RegisterResourceResponse(urn=urn, result=resource_pb2.Result.FAIL)
        source = self._sources.of(request)
        if self._stands_already(urn, source):
            return refused
        props = self._transformed(request, urn, source)
        resource = self._resource(request, urn, source, props)
        self.graph.resources[urn] = resource
        if not (resource.custom or resource.remote):
            self._tell(resource)
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        self._refuse_default_provider(resource)
        if self.preview and not (resource.remote and not props.unknown):
            self._tell(resource)
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if props.unknown or self._unmade.intersection(resource.dependencies):
            self._skip(resource, props)
            return refused
        created = self._make(resource)
        if created is None:
            self._unmade.add(urn)
            return refused
        if self.preview:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        return resource_pb2.RegisterResourceResponse(
            urn=urn,
            id=resource.id,
            object=_wire(created.outputs, resource.secret_outputs, leave=props.assets),
            # An output that nobody gave stays unknown, so that a program which reads it goes on.
            unknown=resource.custom,
        )

    def ReadResource(  # noqa: N802 (the RPC's name)
        self, request: resource_pb2.ReadResourceRequest
    ) -> resource_pb2.ReadResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        source = self._sources.of(request)
        if self._stands_already(urn, source):
            return resource_pb2.ReadResourceResponse(urn=urn, result=resource_pb2.Result.FAIL)
        props = self._read(request.properties, urn, source)
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=self._parent(request.parent),
            custom=True,
            remote=False,
            source=source,
            provider=_provider_urn(request.provider),
            region=self._region_of(request.provider, props.values),
            dependencies=tuple(request.dependencies),
            inputs=props.values,
            secret_inputs=tuple(sorted(props.secret)),
            secret_outputs=tuple(sorted(props.secret | set(request.additionalSecretOutputs))),
        )
        self.graph.resources[urn] = resource
        if request.type == STACK_REFERENCE_TYPE:
            self._find(
                "lookup",
                f"the outputs of the stack {request.id!r} are unknown to a rehearsal",
                urn=urn,
                source=source,
                severity="warning",
            )
            outputs = {"name": request.id, "outputs": UNKNOWN, "secretOutputNames": []}
            return resource_pb2.ReadResourceResponse(
                urn=urn, id=request.id, properties=_wire(outputs, ()), unknown=True
            )
        self._refuse_default_provider(resource)
        created = self._settle(
            resource, lambda: self.provider.read(resource, request.id, self.graph)
        )
        if created is None:
            self._unmade.add(urn)
            return resource_pb2.ReadResourceResponse(urn=urn, result=resource_pb2.Result.FAIL)
        if created.made_in == "shadow":
            self._find(
                "lookup",
                f"{request.id!r} is not of this program, so a rehearsal knows no more of it",
                urn=urn,
                source=source,
                severity="warning",
            )
        return resource_pb2.ReadResourceResponse(
            urn=urn,
            id=resource.id,
            properties=_wire(created.outputs, resource.secret_outputs),
            unknown=True,
        )

    def RegisterResourceOutputs(  # noqa: N802 (the RPC's name)
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        props = self._read(request.outputs, request.urn, "")
        if request.urn == self._root:
            self.graph.outputs = dict(sorted(props.values.items()))
            self.graph.secret_outputs = tuple(sorted(props.secret))
        elif resource := self.graph.resources.get(request.urn):
            resource.outputs = props.values
            resource.secret_outputs = tuple(sorted(props.secret))
        return empty_pb2.Empty()

    def Invoke(  # noqa: N802 (the RPC's name)
        self, request: resource_pb2.ResourceInvokeRequest
    ) -> resource_pb2.ResourceInvokeResponse:
        source = _LOOKUP_LINE.get()
        props = self._read(request.args, "", source)
        if request.tok == "pulumi:pulumi:getResource":
            return self._known_resource(props.values["urn"])
        package = request.tok.partition(":")[0]
        if not request.provider and package in self._without_default_provider:
            self._find(
                "provider",
                f"{request.tok} was called without a provider, and the stack disables the default "
                f"{package} provider: pass `opts=pulumi.InvokeOptions(provider=...)` or a parent",
                source=source,
            )
        try:
            answer = self.provider.call(
                request.tok, props.values, self._region_of(request.provider, props.values)
            )
        except LookupError as problem:
            message = str(problem.args[0]) if problem.args else str(problem)
            self._find("lookup", message, source=source)
            self._refused_lookups.append(message)
            failure = provider_pb2.CheckFailure(reason=message)
            return resource_pb2.ResourceInvokeResponse(failures=[failure])
        secret = set(answer) if props.secret else ()
        return _answered(_wire(answer, secret))

    def RegisterStackTransform(self, request: Any) -> empty_pb2.Empty:  # noqa: N802 (the RPC's name)
        self._stack_callbacks.append(request.token)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: Any) -> empty_pb2.Empty:  # noqa: ARG002, N802 (the RPC's)
        self._find("transform", "invoke transforms are not run by a rehearsal", severity="warning")
        return empty_pb2.Empty()

    def has_told(self, problem: BaseException) -> bool:
        """Whether an exception is how the SDK passes on a lookup that is a finding already."""
        said = str(problem)
        return said.startswith("invoke of ") and any(one in said for one in self._refused_lookups)

    def finish(self) -> None:
        """Have the whole graph checked, and its secrets hidden."""
        if not self.preview:
            self.graph.findings += self._guarded(lambda: self.provider.finish(self.graph)) or []
        self._hide_secrets()

    def _hide_secrets(self) -> None:
        """Mark what quotes a secret without being one, and blank out secrets in the findings.

        A provider repeats inputs under other names (`tags` in `tagsAll`), and a refusal quotes what
        it refuses; the engine's marks reach neither.
        """
        graph = self.graph
        anywhere = _any_of(self._secret_texts)
        of_resource: dict[str, re.Pattern[str]] = {}
        for urn, resource in graph.resources.items():
            own = {
                text
                for key in resource.secret_inputs
                for text in _texts(resource.inputs.get(key))
                if text
            }
            quoted = _any_of(self._secret_texts, own) if own else anywhere
            of_resource[urn] = quoted
            resource.secret_inputs = _marked(resource.inputs, resource.secret_inputs, quoted)
            resource.secret_outputs = _marked(resource.outputs, resource.secret_outputs, quoted)
        graph.secret_outputs = _marked(graph.outputs, graph.secret_outputs, anywhere)
        graph.findings = [
            replace(one, message=of_resource.get(one.urn, anywhere).sub(SECRET, one.message))
            for one in graph.findings
        ]

    @contextmanager
    def lookups_with_lines(self) -> Iterator[None]:
        """Remember the line that makes each lookup: its request does not carry one."""

        def marked(lookup: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **options: Any) -> Any:
                before = _LOOKUP_LINE.set(self._sources.here())
                try:
                    return lookup(*args, **options)
                finally:
                    _LOOKUP_LINE.reset(before)

            return call

        invoke, invoke_output = pulumi.runtime.invoke, pulumi.runtime.invoke_output
        pulumi.runtime.invoke = marked(invoke)
        pulumi.runtime.invoke_output = marked(invoke_output)
        try:
            yield
        finally:
            pulumi.runtime.invoke, pulumi.runtime.invoke_output = invoke, invoke_output

    def Log(self, request: engine_pb2.LogRequest) -> None:  # noqa: N802 (the RPC's name)
        """Keep what the program says through `pulumi.log`: an error there fails a real update."""
        if request.severity >= engine_pb2.WARNING:
            resource = self.graph.resources.get(request.urn)
            self._find(
                "log",
                request.message.strip(),
                urn=request.urn,
                source=resource.source if resource else "",
                severity="error" if request.severity == engine_pb2.ERROR else "warning",
            )

    def _resource(
        self, request: resource_pb2.RegisterResourceRequest, urn: str, source: str, props: _Props
    ) -> Resource:
        inputs = props.values
        if request.type.startswith("pulumi:providers:"):
            inputs = {key: _decoded(value) for key, value in inputs.items()}
        return Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=self._parent(request.parent),
            custom=request.custom,
            remote=request.remote,
            source=source,
            path=self._sources.path(request),
            provider=_provider_urn(request.provider or self._inherited_provider(request)),
            region=self._region_of(request.provider, inputs),
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            ignore_changes=tuple(request.ignoreChanges),
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                key: tuple(sorted(value.urns))
                for key, value in sorted(request.propertyDependencies.items())
                if value.urns
            },
            inputs=inputs,
            secret_inputs=tuple(sorted(props.secret)),
            secret_outputs=tuple(sorted(props.secret | set(request.additionalSecretOutputs))),
            made_in="nothing" if request.custom or request.remote else "component",
        )

    def _inherited_provider(self, request: resource_pb2.RegisterResourceRequest) -> str:
        """A remote component is handed a map of providers; its own package's one makes it."""
        if not request.remote:
            return ""
        package = request.type.partition(":")[0]
        # awsx is a front for aws: its children take the aws provider it was given.
        return request.providers.get(package, "") or request.providers.get("aws", "")

    def _refuse_default_provider(self, resource: Resource) -> None:
        package = resource.type.partition(":")[0]
        needed = {"awsx": "aws"}.get(package, package)
        if resource.provider or needed not in self._without_default_provider:
            return
        self._find(
            "provider",
            f"no provider was given, and the stack disables the default {needed} provider: pass "
            "`opts=pulumi.ResourceOptions(provider=...)` or a parent that has one",
            urn=resource.urn,
            source=resource.source,
        )

    def _make(self, resource: Resource) -> Created | None:
        self.graph.findings += (
            self._guarded(lambda: self.provider.check(resource, self.graph), resource) or []
        )
        return self._settle(resource, lambda: self.provider.create(resource, self.graph))

    def _settle(self, resource: Resource, answer: Callable[[], Created]) -> Created | None:
        """Take over what the provider gave; None when it refused."""
        created = self._guarded(answer, resource)
        if created is not None:
            self.graph.findings += created.findings
            made = created.outputs if resource.remote else created.id
            if not made:
                created = None
            else:
                resource.id, resource.made_in = created.id, created.made_in
                resource.outputs = _recorded(created.outputs)
                self._remember_secrets(resource.outputs, resource.secret_outputs)
        self._tell(resource)
        return created

    def _guarded(
        self, ask: Callable[[], _Answer], resource: Resource | None = None
    ) -> _Answer | None:
        try:
            return ask()
        except Exception as problem:  # a bug of ours must not hide the other findings
            frame = traceback.extract_tb(problem.__traceback__)[-1]
            self._find(
                "rehearsal",
                f"the rehearsal itself failed at {Path(frame.filename).name}:{frame.lineno}: "
                f"{type(problem).__name__}: {problem}",
                urn=resource.urn if resource else "",
                source=resource.source if resource else "",
            )
            return None

    def _skip(self, resource: Resource, props: _Props) -> None:
        refused = self._unmade | self._doubled
        waits = sorted(refused.intersection(resource.dependencies))
        self._unmade.add(resource.urn)
        if waits:
            message, severity = f"not created: it waits for {', '.join(waits)}", "warning"
        else:
            givers = {
                urn for key in props.unknown for urn in resource.property_dependencies.get(key, ())
            }
            message = (
                f"not created: {', '.join(sorted(props.unknown))} is unknown, because the "
                f"rehearsal knows no such output of {', '.join(sorted(givers)) or 'its source'}"
            )
            severity = "error"
        self._find("skipped", message, urn=resource.urn, source=resource.source, severity=severity)
        self._tell(resource)

    def _known_resource(self, urn: str) -> resource_pb2.ResourceInvokeResponse:
        resource = self.graph.resources.get(urn)
        if resource is None:
            failure = provider_pb2.CheckFailure(reason=f"unknown resource {urn}")
            return resource_pb2.ResourceInvokeResponse(failures=[failure])
        answer = _wire({"urn": urn, "id": resource.id}, ())
        answer["state"] = _wire(resource.inputs | resource.outputs, resource.secret_outputs)
        return _answered(answer)

    def _stands_already(self, urn: str, source: str) -> bool:
        first = self.graph.resources.get(urn)
        if first is None:
            return False
        self._doubled.add(urn)
        self._find(
            "urn",
            f"a {first.type} named {first.name!r} stands already, made at "
            f"{first.source or 'an unknown line'}: give one of them another name",
            urn=urn,
            source=source,
        )
        return True

    def _transformed(
        self, request: resource_pb2.RegisterResourceRequest, urn: str, source: str
    ) -> _Props:
        """The inputs after the transforms: the own ones, then the inherited, then the stack's."""
        tokens = [callback.token for callback in request.transforms]
        tokens += self._transforms_below.get(request.parent, [])
        self._transforms_below[urn] = tokens
        props = self._read(request.object, urn, source)
        tokens = [*tokens, *self._stack_callbacks]
        # The callbacks drop what is unknown, and then it would look as if it had never been given.
        if not tokens or (props.unknown and not self.preview):
            return props
        self._transform(request, tokens, urn, source)
        return self._read(request.object, urn, source)

    def _transform(
        self,
        request: resource_pb2.RegisterResourceRequest,
        tokens: Sequence[str],
        urn: str,
        source: str,
    ) -> None:
        for token in tokens:
            callback = next(
                servicer._callbacks[token]
                for servicer in _CallbackServicer._servicers
                if token in servicer._callbacks
            )
            asked = resource_pb2.TransformRequest(
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                properties=request.object,
                options=resource_pb2.TransformResourceOptions(
                    depends_on=request.dependencies,
                    protect=request.protect,
                    ignore_changes=request.ignoreChanges,
                    provider=request.provider,
                    retain_on_delete=request.retainOnDelete,
                    additional_secret_outputs=request.additionalSecretOutputs,
                ),
            )
            answer = asyncio.run_coroutine_threadsafe(
                _typed(callback(asked.SerializeToString())), self._loop
            )
            try:
                response = answer.result()
            except Exception as problem:  # the program's code may raise anything
                self._find("transform", f"a transform failed: {problem}", urn=urn, source=source)
                continue
            if response.HasField("properties"):
                request.object.CopyFrom(response.properties)
            if response.HasField("options"):
                _take_options(request, response.options)

    def _region_of(self, provider: str, inputs: Mapping[str, Any]) -> str:
        own = inputs.get("region")
        if isinstance(own, str):
            return own
        given = self.graph.resources.get(_provider_urn(provider))
        region = given.inputs.get("region") if given else None
        return region if isinstance(region, str) else self._region

    def _parent(self, urn: str) -> str:
        return "" if urn == self._root else urn

    def _read(self, struct: struct_pb2.Struct, urn: str, source: str) -> _Props:
        props = _Props(Path(self.graph.program_dir))
        props.take(struct)
        self._remember_secrets(props.values, props.secret)
        for problem in props.problems:
            self._find("asset", problem, urn=urn, source=source)
        return props

    def _remember_secrets(self, values: Mapping[str, Any], secret: Iterable[str]) -> None:
        self._secret_texts.update(
            text
            for key in secret
            for text in _texts(values.get(key))
            if len(text) >= _SHORTEST_SCRUBBED_SECRET
        )

    def _find(
        self,
        check: str,
        message: str,
        *,
        urn: str = "",
        source: str = "",
        severity: Severity = "error",
    ) -> None:
        self.graph.findings.append(
            Finding(check=check, severity=severity, urn=urn, source=source, message=message)
        )

    def _tell(self, resource: Resource) -> None:
        if self._on_event:
            self._on_event(resource)


class _NoMocks(mocks.Mocks):
    """The monitor answers every call itself, so none reaches the mocks it is built on."""

    def call(self, args: mocks.MockCallArgs) -> NoReturn:
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> NoReturn:
        raise NotImplementedError(args.typ)


@dataclass
class _Props:
    """The properties of one request in plain values, and what was special about them."""

    program_dir: Path
    values: dict[str, Any] = field(default_factory=dict)
    secret: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    assets: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def take(self, struct: struct_pb2.Struct) -> None:
        for key, value in sorted(struct.fields.items()):
            self.values[key] = self._plain(value, key)

    def _plain(self, value: struct_pb2.Value, key: str) -> Any:
        match value.WhichOneof("kind"):
            case "struct_value":
                return self._plain_struct(value.struct_value, key)
            case "list_value":
                return [self._plain(item, key) for item in value.list_value.values]
            case "string_value" if value.string_value == rpc.UNKNOWN:
                self.unknown.add(key)
                return UNKNOWN
            case "string_value":
                return value.string_value
            case "number_value":
                number = value.number_value
                return int(number) if number.is_integer() else number
            case "bool_value":
                return value.bool_value
        return None

    def _plain_struct(self, struct: struct_pb2.Struct, key: str) -> Any:
        match (
            struct.fields[rpc._special_sig_key].string_value
            if (rpc._special_sig_key in struct.fields)
            else ""
        ):
            case rpc._special_secret_sig:
                self.secret.add(key)
                return self._plain(struct.fields["value"], key)
            case rpc._special_resource_sig:
                id_ = struct.fields["id"].string_value if "id" in struct.fields else ""
                if id_ == rpc.UNKNOWN:
                    self.unknown.add(key)
                    return UNKNOWN
                return id_ or struct.fields["urn"].string_value
            case rpc._special_asset_sig | rpc._special_archive_sig as kind:
                self.assets.add(key)
                return self._asset(
                    struct, key, "asset" if kind == rpc._special_asset_sig else "archive"
                )
        return {name: self._plain(value, key) for name, value in sorted(struct.fields.items())}

    def _asset(self, struct: struct_pb2.Struct, key: str, kind: str) -> dict[str, Any]:
        fields = struct.fields
        if "assets" in fields:
            entries = self._plain(fields["assets"], key)
            return {kind: entries, "hash": _digest(json.dumps(entries, sort_keys=True).encode())}
        if "text" in fields:
            text = fields["text"].string_value
            return {"text": text, "hash": _digest(text.encode())}
        if "uri" in fields:
            return {"uri": fields["uri"].string_value}
        path = self.program_dir / fields["path"].string_value
        try:
            digest = _digest_of(path)
        except OSError as problem:
            self.problems.append(f"{key}: {path}: {problem.strerror}")
            digest = ""
        return {kind: _relative(path, self.program_dir), "hash": digest}


class _Sources:
    """Finds the line of the program that made a request, relative to the program."""

    def __init__(self, program_dir: Path) -> None:
        self._program_dir = program_dir
        self._known: dict[str, str] = {}

    def of(self, request: Any) -> str:
        return next(self._lines(request), "")

    def path(self, request: Any) -> tuple[str, ...]:
        """Every line of the program that led there, its first one first."""
        return tuple(self._lines(request))[::-1]

    def _lines(self, request: Any) -> Iterator[str]:
        for frame in request.stackTrace.frames:
            if path := self._path(frame.pc.uri):
                yield f"{path}:{frame.pc.line}"

    def here(self) -> str:
        """The line of the program that is running in this thread."""
        frame = sys._getframe(1)
        while frame:
            if path := self._path(frame.f_code.co_filename):
                return f"{path}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def _path(self, file: str) -> str:
        if file not in self._known:
            path = Path(unquote(urlparse(file).path))
            inside = path.is_relative_to(self._program_dir)
            foreign = "site-packages" in path.parts or path.is_relative_to(_THIS_PACKAGE)
            self._known[file] = (
                str(path.relative_to(self._program_dir)) if inside and not foreign else ""
            )
        return self._known[file]


def _provider_urn(reference: str) -> str:
    """A provider travels as `<urn>::<id>`."""
    return reference.rpartition("::")[0]


def _decoded(value: Any) -> Any:
    """A provider's own inputs travel as JSON text; plain strings stay what they are."""
    if not isinstance(value, str):
        return value
    try:
        decoded = json.loads(value)
    except ValueError:
        return value
    return decoded if isinstance(decoded, dict | list | bool) else value


def _recorded(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs as the graph keeps them: a reference to a resource is its URN."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            if value.get(rpc._special_sig_key) == rpc._special_resource_sig:
                return value["urn"]
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return value

    return {key: plain(value) for key, value in sorted(outputs.items())}


def _wire(
    outputs: Mapping[str, Any], secret: Iterable[str], *, leave: Iterable[str] = ()
) -> struct_pb2.Struct:
    """Plain values as the SDK reads them. `leave` names inputs that it should keep as they are."""
    marked = set(secret)
    struct = struct_pb2.Struct()
    for key, value in outputs.items():
        if key in leave or value is None:
            continue
        sent = _sendable(value)
        struct[key] = (
            {rpc._special_sig_key: rpc._special_secret_sig, "value": sent}
            if key in marked
            else sent
        )
    return struct


def _sendable(value: Any) -> Any:
    if value is UNKNOWN:
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {str(key): _sendable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sendable(item) for item in value]
    return value


def _answered(answer: struct_pb2.Struct) -> resource_pb2.ResourceInvokeResponse:
    response = resource_pb2.ResourceInvokeResponse()
    getattr(response, "return").CopyFrom(answer)
    return response


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _any_of(secrets: Iterable[str], own: Iterable[str] = ()) -> re.Pattern[str]:
    """Finds secrets in a text; those of the resource itself when short too, as whole words."""
    patterns = {secret: rf"(?<!\w){re.escape(secret)}(?!\w)" for secret in own}
    patterns |= {secret: re.escape(secret) for secret in secrets}
    # The longest first, so that a secret that contains another leaves nothing behind.
    longest_first = sorted(patterns, key=lambda secret: (-len(secret), secret))
    return re.compile("|".join(patterns[secret] for secret in longest_first) or r"(?!)")


def _marked(
    values: Mapping[str, Any], secret: Sequence[str], quoted: re.Pattern[str]
) -> tuple[str, ...]:
    quoting = {
        key for key, value in values.items() if any(quoted.search(text) for text in _texts(value))
    }
    return tuple(sorted({*secret, *quoting}))


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _digest_of(path: Path) -> str:
    if not path.is_dir():
        return _digest(path.read_bytes())
    files = sorted(
        file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts
    )
    listing = [f"{file.relative_to(path)} {_digest(file.read_bytes())}" for file in files]
    return _digest("\n".join(listing).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def _typed(answer: Any) -> resource_pb2.TransformResponse:
    return await answer


def _take_options(
    request: resource_pb2.RegisterResourceRequest, options: resource_pb2.TransformResourceOptions
) -> None:
    request.protect = options.protect
    request.retainOnDelete = options.retain_on_delete
    request.provider = options.provider
    for theirs, ours in (
        (options.depends_on, request.dependencies),
        (options.ignore_changes, request.ignoreChanges),
        (options.additional_secret_outputs, request.additionalSecretOutputs),
    ):
        del ours[:]
        ours.extend(theirs)
