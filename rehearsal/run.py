"""Runs a Pulumi program the way the engine would, without the engine.

The SDK keeps its settings in context variables, so each run works in a copied context: nothing of
one run reaches the next, and a process can rehearse any number of stacks.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import importlib
import json
import os
import runpy
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pulumi
from botocore.httpsession import URLLib3Session
from pulumi.runtime import settings
from pulumi.runtime import stack as sdk

from rehearsal.contract import Provider
from rehearsal.graph import Finding, Graph, Resource
from rehearsal.monitor import Monitor
from rehearsal.project import load_project, load_stack_config

DEFAULT_REGION = "us-east-1"
ORGANIZATION = "organization"
CONFIG_FILE_VARIABLE = "BACKLOT_CONFIG_FILE"
"""Tells the program under which path its settings came, so that its messages can name the file."""


class OfflineError(RuntimeError):
    """Something tried to reach the network during a rehearsal."""


Program = Callable[[], Awaitable[None] | None]


def rehearse(
    program_dir: str | Path,
    stack: str,
    config_file: str | Path,
    provider: Provider,
    *,
    preview: bool = False,
    on_event: Callable[[Resource], None] | None = None,
) -> Graph:
    """Run the project in `program_dir` as `stack`, with the settings of `config_file`.

    A relative `config_file` is looked for in the project. The program's own `__main__.py` runs,
    unmodified, from its own directory.

    Raises `ProjectError` when a file cannot be used and `pulumi.RunError` when the program refuses
    its settings; nothing has been made then.
    """
    project = load_project(Path(program_dir))
    config = load_stack_config(project, project.directory / config_file, str(config_file))
    with _as_main(project.program_dir):
        return rehearse_program(
            lambda: _run_main(project.program_dir),
            provider,
            project=project.name,
            stack=stack,
            config=config.values,
            secret_keys=config.secret_keys,
            config_file=str(config_file),
            program_dir=project.program_dir,
            preview=preview,
            on_event=on_event,
        )


def rehearse_program(
    program: Program,
    provider: Provider,
    *,
    project: str = "rehearsal",
    stack: str = "dev",
    config: Mapping[str, str] | None = None,
    secret_keys: Iterable[str] = (),
    config_file: str = "",
    program_dir: str | Path | None = None,
    preview: bool = False,
    on_event: Callable[[Resource], None] | None = None,
) -> Graph:
    """Run a function as a Pulumi program and return what it registered.

    `config` has full keys (`aws:region`, `project:key`) and text values, as the engine hands them
    over. With `preview` no custom resource is made and all their outputs are unknown. Source lines
    are relative to `program_dir`, which is where the function was written unless it is given.

    Raises `pulumi.RunError` when the program raises it: that is how a program refuses its settings.
    Any other exceptions of the program become findings of check `program`.
    """
    root = Path(program_dir or _home(program)).resolve()
    settled = dict(config or {})
    region = settled.get("aws:region", DEFAULT_REGION)
    graph = Graph(project=project, stack=stack, config_file=config_file, program_dir=str(root))

    with (
        without_account(
            AWS_DEFAULT_REGION=region,
            # An Output inside an f-string raises instead of putting a warning into a name.
            PULUMI_ERROR_OUTPUT_STRING="true",
            **{CONFIG_FILE_VARIABLE: config_file},
        ),
        _offline(),
        _uncollected(),
        _awaited_in_turn() as failures,
        asyncio.Runner() as runner,
    ):
        loop = runner.get_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        loop.set_task_factory(failures.task)
        # After an error, futures nobody awaited any more would each print a traceback.
        loop.set_exception_handler(lambda _loop, _context: None)
        monitor = Monitor(
            graph,
            provider,
            loop=loop,
            region=region,
            without_default_provider=_without_default_provider(settled),
            preview=preview,
            on_event=on_event,
        )

        async def main() -> None:
            _configure(monitor, root, settled, secret_keys, preview)
            with monitor.lookups_with_lines():
                await sdk.run_in_stack(program)

        try:
            runner.run(main(), context=contextvars.copy_context())
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # the program's code may raise anything, and exit
            failures.add(problem)
        graph.findings += [
            _program_finding(problem, frames, root)
            for problem, frames in failures.seen()
            if not monitor.has_told(problem)
        ]
        monitor.finish()
    return graph


def _home(program: Program) -> Path:
    """The directory of the file that a function was written in."""
    code = getattr(program, "__code__", None)
    return Path(code.co_filename).parent if code else Path()


def _configure(
    monitor: Monitor,
    root: Path,
    config: Mapping[str, str],
    secret_keys: Iterable[str],
    preview: bool,
) -> None:
    graph = monitor.graph
    settings.ROOT.set(None)
    settings.configure(
        settings.Settings(
            project=graph.project,
            stack=graph.stack,
            monitor=monitor,
            engine=monitor,
            dry_run=preview,
            organization=ORGANIZATION,
            root_directory=str(root),
        )
    )
    pulumi.runtime.set_all_config(dict(config), list(secret_keys))


def _run_main(program_dir: Path) -> None:
    runpy.run_path(str(program_dir), run_name="__main__")


@contextmanager
def _as_main(program_dir: Path) -> Iterator[None]:
    """Let the program import its own modules, and only its own, from its own directory.

    A module of the same name from elsewhere (another project rehearsed in this process) steps
    aside, and what the program imported leaves with it.
    """
    directory, path, modules = Path.cwd(), list(sys.path), dict(sys.modules)
    own = {entry.stem for entry in program_dir.iterdir()} - {"__main__", __package__}
    _forget(name for name, mine in _origins(own, program_dir).items() if not mine)
    os.chdir(program_dir)
    sys.path.insert(0, str(program_dir))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        os.chdir(directory)
        sys.path[:] = path
        _forget(name for name, mine in _origins(own, program_dir).items() if mine)
        sys.modules.update({name: modules[name] for name in modules.keys() - sys.modules.keys()})


def _origins(names: set[str], program_dir: Path) -> dict[str, bool]:
    """The loaded modules of these names, and whether each came from the program."""
    return {
        name: _is_from(module, program_dir)
        for name, module in sys.modules.items()
        if name.partition(".")[0] in names
    }


def _forget(names: Iterable[str]) -> None:
    for name in names:
        del sys.modules[name]


def _is_from(module: ModuleType, directory: Path) -> bool:
    file = getattr(module, "__file__", None)
    places = [file] if file else list(getattr(module, "__path__", []))
    return any(Path(place).resolve().is_relative_to(directory) for place in places)


def _without_default_provider(config: Mapping[str, str]) -> list[str]:
    return json.loads(config.get("pulumi:disable-default-providers", "[]"))


class _Failures:
    """What the program raised, each exception once, with the frames it came through.

    An exception reaches every output that was made from the one that failed, but it has its frames
    only until the first of them has awaited it. So every task is asked for them as it ends.
    """

    def __init__(self) -> None:
        self._frames: dict[int, tuple[BaseException, traceback.StackSummary]] = {}
        self._seen: set[int] = set()

    def task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """A task factory."""
        task = asyncio.Task(coroutine, loop=loop, **options)
        task.add_done_callback(self._ended)
        return task

    def add(self, problem: BaseException) -> None:
        """Raises `problem` itself when that is how the program refuses its settings."""
        if isinstance(problem, pulumi.RunError):
            raise problem
        while problem.__cause__ and str(problem).startswith("While processing "):
            problem = problem.__cause__  # the SDK's wrapping quotes an address in memory
        self._keep(problem)
        self._seen.add(id(problem))

    def seen(self) -> list[tuple[BaseException, traceback.StackSummary]]:
        return [kept for key, kept in self._frames.items() if key in self._seen]

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (problem := task.exception()):
            self._keep(problem)

    def _keep(self, problem: BaseException) -> None:
        if id(problem) not in self._frames:
            self._frames[id(problem)] = problem, traceback.extract_tb(problem.__traceback__)


def _program_finding(problem: BaseException, frames: traceback.StackSummary, root: Path) -> Finding:
    """The exception with the program's own lines: the frames of the SDK help nobody."""
    said = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
    steps = [
        (
            f"{Path(frame.filename).relative_to(root)}:{frame.lineno}",
            f" in {frame.name}",
            frame.line,
        )
        for frame in frames
        if _is_programs(Path(frame.filename), root)
    ]
    if isinstance(problem, SyntaxError) and problem.filename:
        file = Path(problem.filename)
        said = f"{type(problem).__name__}: {problem.msg}"
        if _is_programs(file, root):  # a file that cannot be read has no frame of its own
            line = (problem.text or "").strip()
            steps.append((f"{file.relative_to(root)}:{problem.lineno}", "", line))
    return Finding(
        source=steps[-1][0] if steps else "",
        urn="",
        check="program",
        severity="error",
        message="\n".join([said, *(f"{place}{name}: {line}" for place, name, line in steps)]),
    )


def _is_programs(file: Path, root: Path) -> bool:
    inside = file.is_relative_to(root) and "site-packages" not in file.parts
    return inside and not file.is_relative_to(Path(__file__).parent)


@contextmanager
def without_account(**variables: str) -> Iterator[None]:
    """No real credentials, profile or endpoint in the environment, and `variables` set."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("AWS_", "PULUMI_")):
            del os.environ[name]
    os.environ.update(
        {
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            **variables,
        }
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector out: nothing made here is garbage before the end.

    It would walk every future of every resource again and again, which makes 1,000 resources cost
    17 times as much as 100 instead of 10 times.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _awaited_in_turn() -> Iterator[_Failures]:
    """Await what the program left under way one by one, and collect what it raises.

    The SDK's own loop ends at the first exception, so the others would stay unsaid. And it watches
    all pending outputs anew whenever one of them is done, which makes a third of a rehearsal's time
    and grows with the square of the program.
    """
    failures = _Failures()

    async def wait(await_all_outstanding_tasks: bool = True) -> None:
        registrations = settings._get_rpc_manager()
        # The SDK hands its settings out through a descriptor that type checkers cannot follow.
        pending_outputs: set[asyncio.Task[Any]] = settings.SETTINGS.outputs  # pyright: ignore[reportAttributeAccessIssue]
        outputs = pending_outputs if await_all_outstanding_tasks else set()
        while True:
            await asyncio.sleep(0)  # what the program asked for last has yet to begin
            pending = registrations.rpcs or outputs
            if not pending:
                return
            try:
                await pending.pop()
            except Exception as problem:  # the program's code may raise anything
                failures.add(problem)

    of_the_sdk = sdk.wait_for_rpcs
    sdk.wait_for_rpcs = wait
    try:
        yield failures
    finally:
        sdk.wait_for_rpcs = of_the_sdk


@contextmanager
def _offline() -> Iterator[None]:
    """Refuse every request of botocore that would leave the process; moto answers before it."""

    def refuse(self: URLLib3Session, request: Any) -> NoReturn:  # noqa: ARG001 (a method)
        raise OfflineError(
            f"{request.method} {request.url} would have left the process: a rehearsal is offline"
        )

    send = URLLib3Session.send
    URLLib3Session.send = refuse
    try:
        yield
    finally:
        URLLib3Session.send = send
