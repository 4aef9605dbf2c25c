"""`python -m rehearsal STACK`: the command line.

Exits with 0 when everything was created and nothing found worse than a warning, 1 on findings and
on programs or files that cannot run, 2 when the command itself was wrong, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pulumi

from rehearsal.contract import Provider
from rehearsal.graph import Graph
from rehearsal.project import ProjectError, load_project
from rehearsal.report import Report
from rehearsal.run import DEFAULT_REGION, rehearse, without_account

OK, FAILED, INTERRUPTED = 0, 1, 128 + signal.SIGINT
PORTS = range(65536)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    # asyncio would take the first Ctrl-C for a wish to end at the program's next await. It leaves
    # any handler alone but Python's own.
    before = signal.signal(signal.SIGINT, lambda *given: signal.default_int_handler(*given))
    try:
        return _rehearse(asked)
    except KeyboardInterrupt:
        print("\nInterrupted: nothing was written", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, before)


def _rehearse(asked: argparse.Namespace) -> int:
    started = time.perf_counter()
    # The process ends soon; until then a collection would only walk what is still needed.
    gc.disable()
    report = Report()
    # A profile that is set and not there would end the in-memory AWS before it begins.
    with without_account(), ExitStack() as open_until_the_end:
        try:
            config_file = _config_file(asked)
            with report.progress(asked.stack) as on_event:
                provider = _provider(asked.record_only, open_until_the_end)
                graph = rehearse(
                    asked.directory, asked.stack, config_file, provider, on_event=on_event
                )
        except (ProjectError, pulumi.RunError) as problem:
            print(problem, file=sys.stderr)
            return FAILED
        report.show(graph, time.perf_counter() - started, record_only=asked.record_only)
        if not _written(graph, asked.graph):
            return FAILED
        if asked.serve is not None:
            from rehearsal import serve

            try:
                serve.until_interrupted(asked.serve, _region(graph))
            except serve.PortError as problem:
                print(problem, file=sys.stderr)
                return FAILED
    return FAILED if graph.failed else OK


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal",
        description="Run the Pulumi program of a stack, unmodified, against an in-memory AWS: "
        "no account, no Pulumi CLI, no network.",
    )
    parser.add_argument("stack", metavar="STACK", help="the stack to rehearse, such as dev")
    parser.add_argument(
        "--config-file", metavar="FILE", help="the stack's settings (default: Pulumi.STACK.yaml)"
    )
    parser.add_argument("--graph", metavar="OUT.json", type=Path, help="write what was recorded")
    parser.add_argument(
        "--record-only",
        action="store_true",
        help="only record the resources, with made-up ids: quick, and checks little",
    )
    parser.add_argument(
        "--serve",
        metavar="PORT",
        type=_port,
        help="afterwards keep the in-memory AWS up on 127.0.0.1:PORT (0 picks a free port)",
    )
    parser.add_argument(
        "--directory",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="where the project's Pulumi.yaml is (default: here)",
    )
    asked = parser.parse_args(arguments)
    if asked.serve is not None and asked.record_only:
        parser.error("--serve needs the in-memory AWS, which --record-only leaves out")
    if asked.graph and not asked.graph.absolute().parent.is_dir():
        parser.error(f"--graph {asked.graph}: there is no directory {asked.graph.parent}")
    return asked


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to {PORTS[-1]}")
    return int(text)


def _config_file(asked: argparse.Namespace) -> str:
    """The settings' file, as the project finds it. Raises ProjectError for an unknown stack."""
    if asked.config_file:
        here = asked.directory == Path()
        return asked.config_file if here else os.path.relpath(asked.config_file, asked.directory)
    file = f"Pulumi.{asked.stack}.yaml"
    stacks = load_project(asked.directory).stacks
    if asked.stack not in stacks:
        there_are = f"the stacks are {', '.join(stacks)}" if stacks else "there is no stack file"
        raise ProjectError(f"{file}: no stack {asked.stack!r}: {there_are}")
    return file


def _region(graph: Graph) -> str:
    """Where most of the stack stands; a part of it may be in CloudFront's region."""
    regions = Counter(one.region for one in graph.resources.values() if one.region)
    return next((region for region, _ in regions.most_common(1)), DEFAULT_REGION)


def _provider(record_only: bool, open_until_the_end: ExitStack) -> Provider:
    """Each provider is imported only when asked for: moto and botocore take a second to load."""
    if record_only:
        from rehearsal.record import RecordOnlyProvider

        return RecordOnlyProvider()
    from rehearsal.provider import MotoProvider

    return open_until_the_end.enter_context(MotoProvider())


def _written(graph: Graph, file: Path | None) -> bool:
    if file is None:
        return True
    try:
        file.write_text(graph.write(), encoding="utf-8")
    except OSError as problem:
        print(f"--graph {file}: {problem.strerror}", file=sys.stderr)
        return False
    return True
