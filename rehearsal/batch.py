"""`python -m rehearsal.batch FILE...`: rehearse many stack files, a line for each.

A file `Pulumi.<stack>.yaml`, wherever it lies, is rehearsed as that stack of the project here. Each
is a whole rehearsal in the in-memory AWS; as many run at once as there are CPUs.

Exits with 0 when every stack stands and nothing was found, 1 when one does not or a finding was
made, be it a warning, and 2 when the command itself was wrong.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pulumi
from rich.console import Console

from rehearsal.project import ProjectError
from rehearsal.report import WIDTH, Report
from rehearsal.run import rehearse, without_account

OK, FAILED = 0, 1
_NAME = re.compile(r"Pulumi\.([A-Za-z0-9_.-]+)\.yaml")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a rehearsal came to, in words: the graph itself stays where it was made."""

    file: str
    resources: int = 0
    findings: int = 0
    stands: bool = False
    seconds: float = 0
    told: str = ""
    """The whole report where something was found, or why there was no rehearsal."""

    @property
    def clean(self) -> bool:
        return self.stands and not self.findings


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    started = time.perf_counter()
    widest = max(map(len, asked.files))
    outcomes: list[Outcome] = []
    for outcome in _outcomes(asked.files, min(asked.jobs, len(asked.files))):
        outcomes.append(outcome)
        mark = "ok  " if outcome.clean else "FAIL"
        print(
            f"{mark}  {outcome.file:<{widest}}  {outcome.resources:>4} resources"
            f"  {outcome.findings:>3} findings  {outcome.seconds:>5.1f} s",
            flush=True,
        )
        if not outcome.clean:
            print(f"\n{outcome.told}\n", flush=True)
    clean = sum(outcome.clean for outcome in outcomes)
    took = time.perf_counter() - started
    print(f"\n{clean} of {len(outcomes)} stand without a finding, in {took:.0f} s")
    return OK if clean == len(outcomes) else FAILED


def rehearsed(file: str) -> Outcome:
    """One file, in this process."""
    started = time.perf_counter()
    # Only where it is used: moto and botocore take a second to load.
    from rehearsal.provider import MotoProvider

    try:
        # A profile that is set and not there would end the in-memory AWS before it begins.
        with without_account(), MotoProvider() as provider:
            graph = rehearse(Path(), _stack(file), file, provider)
    except (ProjectError, pulumi.RunError) as problem:
        return Outcome(file=file, seconds=time.perf_counter() - started, told=str(problem))
    seconds = time.perf_counter() - started
    findings = len(set(graph.findings))
    report = io.StringIO()
    if findings:
        Report(Console(file=report, width=WIDTH, highlight=False)).show(graph, seconds)
    return Outcome(
        file=file,
        resources=sum(one.made_in != "component" for one in graph.resources.values()),
        findings=findings,
        stands=not graph.failed,
        seconds=seconds,
        told=report.getvalue().strip(),
    )


def _outcomes(files: Sequence[str], jobs: int) -> Iterator[Outcome]:
    """In the order of the files. The in-memory AWS is one to a process, and so is a rehearsal."""
    if jobs == 1:
        yield from map(rehearsed, files)
        return
    afresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=afresh) as processes:
        yield from processes.map(rehearsed, files)


def _stack(file: str) -> str:
    name = _NAME.fullmatch(Path(file).name)
    if name is None:
        raise ValueError(f"{file}: a stack file is called Pulumi.STACK.yaml")
    return name[1]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.batch",
        description="Rehearse many stack files of the project here, a line for each.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="such as Pulumi.dev.yaml")
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=int,
        default=os.cpu_count() or 1,
        help="how many at once (default: one per CPU)",
    )
    asked = parser.parse_args(arguments)
    if asked.jobs < 1:
        parser.error(f"--jobs {asked.jobs}: give 1 or more")
    for file in asked.files:
        try:
            _stack(file)
        except ValueError as problem:
            parser.error(str(problem))
    return asked


if __name__ == "__main__":
    sys.exit(main())
