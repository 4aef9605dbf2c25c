"""`make bench`: the rehearsal's speed, memory and steadiness against the bars of the design.

Every figure is a whole process: started cold, timed from outside, its peak memory read from the
operating system after it ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

STACK = "production"
FEW, MANY = 2, 20
RUNS = 3
TIMES = {"job_seconds": 60, "job_limit_seconds": 900, "target_wait_seconds": 300}
BOUNDS = {"image": "worker:1.0.0", "min_workers": 0, "max_workers": 4}
FLEETS = {
    "gpu": {"gpu_class": "24g", "on_demand_percent": 30, "overflow": {"max_workers": 2}},
    "fargate": {"cpu": 512, "memory": 1024, "beat": {"command": ["celery", "beat"]}},
    "ec2": {"instance_types": ["c7i.large", "c6i.large"], "on_demand_percent": 30},
}
"""What is added by the dozen; one of each kind."""


@dataclass(frozen=True, kw_only=True)
class Run:
    seconds: float
    cpu_seconds: float
    peak_mib: float
    status: int


@dataclass(frozen=True, kw_only=True)
class Figure:
    what: str
    measured: str
    bar: str
    kept: bool


def main() -> int:
    print("Measuring; about three minutes, and more on a busy machine.", flush=True)
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        for figure in _figures(Path(folder)):
            mark = "ok  " if figure.kept else "MISS"
            said = f"{mark}  {figure.what:<58}  {figure.measured:>10}  (bar: {figure.bar})"
            print(said, flush=True)
            kept = kept and figure.kept
    return 0 if kept else 1


def _figures(folder: Path) -> Iterator[Figure]:
    yield from _rehearsals(folder)
    yield _growth(folder)
    yield _suite()


def _rehearsals(folder: Path) -> list[Figure]:
    graphs = [folder / f"{number}.json" for number in range(RUNS)]
    full = [_rehearse(STACK, "--graph", str(graph)) for graph in graphs]
    recorded = [_rehearse(STACK, "--record-only") for _ in range(RUNS)]
    written = {graph.read_bytes() for graph in graphs}
    resources = len(json.loads(graphs[0].read_text())["resources"])
    clean = all(run.status == 0 for run in [*full, *recorded])
    return [
        Figure(
            what=f"{STACK}: findings in {resources} resources",
            measured="none" if clean else "some",
            bar="none",
            kept=clean,
        ),
        _seconds(f"{STACK} in the in-memory AWS, median of {RUNS}", full, 12),
        _seconds(f"{STACK} recorded only, median of {RUNS}", recorded, 5),
        Figure(
            what=f"{STACK}: peak memory",
            measured=f"{max(run.peak_mib for run in full):.0f} MiB",
            bar="800 MiB",
            kept=max(run.peak_mib for run in full) < 800,
        ),
        Figure(
            what=f"{STACK}: different graphs in {RUNS} runs",
            measured=str(len(written)),
            bar="1",
            kept=len(written) == 1,
        ),
    ]


def _growth(folder: Path) -> Figure:
    """Ten times the fleets and queues, of every kind, may cost at most ten times the time.

    What any run costs before the first fleet is taken off both sides, so that it hides nothing. By
    the processor's time, and the least of several runs: the difference between two is smaller than
    what a neighbour takes.
    """
    base, few, many = (
        [_rehearse(STACK, "--record-only", *_sized(folder, fleets)) for _ in range(RUNS)]
        for fleets in (0, FEW, MANY)
    )
    least = [min(run.cpu_seconds for run in runs) for runs in (base, few, many)]
    ratio = (least[2] - least[0]) / max(least[1] - least[0], 0.01)
    stood = all(run.status == 0 for run in [*base, *few, *many])
    return Figure(
        what=f"{MANY} fleets of each kind against {FEW}, CPU time",
        measured=f"{ratio:.1f} times" if stood else "failed",
        bar=f"{MANY // FEW} times",
        kept=stood and ratio <= MANY / FEW,
    )


def _sized(folder: Path, fleets: int) -> list[str]:
    """A stack file like production's with so many fleets of each kind, each with its queue, beside
    its own."""
    config = yaml.safe_load(Path(f"Pulumi.{STACK}.yaml").read_text())
    queues, workers = config["config"]["backlot:queues"], config["config"]["backlot:workers"]
    for kind, fleet in FLEETS.items():
        for number in range(fleets):
            name = f"{kind}-{number}"
            queues[name] = {}
            workers[name] = {"kind": kind, "queue": name, **BOUNDS, **TIMES, **fleet}
    path = folder / f"{fleets}.yaml"
    path.write_text(yaml.safe_dump(config))
    return ["--config-file", str(path)]


def _suite() -> Figure:
    run = _run(sys.executable, "-m", "pytest", "-n", "auto", "-q")
    return Figure(
        what="the whole test suite",
        measured=f"{run.seconds:.0f} s" if run.status == 0 else "failed",
        bar="240 s",
        kept=run.status == 0 and run.seconds < 240,
    )


def _rehearse(*arguments: str) -> Run:
    return _run(sys.executable, "-m", "rehearsal", *arguments)


def _run(*command: str) -> Run:
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 (our own command, no shell)
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        seconds=time.perf_counter() - started,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        status=process.returncode,
    )


def _median(runs: list[Run]) -> float:
    return sorted(run.seconds for run in runs)[len(runs) // 2]


def _seconds(what: str, runs: list[Run], bar: int) -> Figure:
    median = _median(runs)
    return Figure(what=what, measured=f"{median:.1f} s", bar=f"{bar} s", kept=median < bar)


if __name__ == "__main__":
    sys.exit(main())
