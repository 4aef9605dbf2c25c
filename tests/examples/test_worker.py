"""The reference worker keeps its contract, and the conformance test finds each breach of it.

A mutant is the reference worker with one thing spoilt. They run side by side in one test, since
each waits for its processes most of the time.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from examples.worker import conformance
from tests.recorder import ROOT

WORKER = ROOT / "examples" / "worker"
CONTRACT = ROOT / "docs" / "worker-contract.md"
AT_ONCE = 12
SHOWN_BY = {"trouble": set(range(3, 9)), "rush": {8}, "broken": {18}}
"""Lives that only mutants of these rules go through; each process takes time."""


@dataclass(frozen=True)
class Mutant:
    """Replacements in worker.py, and the rules that they break."""

    breaks: set[int]
    spoils: tuple[tuple[str, str], ...]
    hides: frozenset[int] = frozenset()
    """Rules that can no longer be seen on it."""

    @property
    def lives(self) -> list[str]:
        return [
            life
            for life in conformance.LIVES
            if life not in SHOWN_BY or self.breaks <= SHOWN_BY[life]
        ]


def mutant(rule: int, *spoils: tuple[str, str], hides: tuple[int, ...] = ()) -> Mutant:
    return Mutant({rule}, spoils, frozenset(hides))


ASKS = """\
            if not self._jobs or not self._granted:
                self._granted = self._protect(True)
"""
RENEWS = """\
                if self._jobs:
                    self._granted = self._protect(True)
"""
RELEASES = """\
            if not self._jobs:
                self._protect(False)
"""
GRANTS = """\
            return self._granted

    def release"""
NEEDS_REST = "return self._jobs > 0 or self._free_for() < self._rest"
BEATS = "delivery.wake.wait(min(settings.heartbeat or left, left))"
MARKS = "        first = self._done.mark(job)\n"
GOES_BACK = """\
                log.info("job=%s goes back after %.1f s", job.id, seconds)
                self._hide(delivery, 0)
"""
COMES_LATE = "            if self._stopped_at is not None or "

MUTANTS = {
    "polls without waiting": mutant(
        1,
        (
            "QueueUrl=self._settings.queue_url,\n                Max",
            "WaitTimeSeconds=0, QueueUrl=self._settings.queue_url,\n                Max",
        ),
    ),
    "does not protect": mutant(
        2,
        (ASKS, "            self._granted = True\n"),
        (RENEWS, "                pass\n"),
        hides=(3, 4, 8),
    ),
    "gives protection up with the first of several jobs": mutant(
        2, (RELEASES, RELEASES.replace("not self._jobs", "True"))
    ),
    "works although protection is refused": mutant(
        3,
        (
            GRANTS,
            """\
            if not self._granted:
                self._jobs += 1
            return True

    def release""",
        ),
    ),
    "takes status 200 for granted": mutant(
        3,
        (
            'answer.get("protection", {}).get("ProtectionEnabled") is wanted',
            '"error" not in answer',
        ),
    ),
    "asks again at once when it was refused": mutant(
        3, ("self._pauses_until = time.monotonic() + pause", "del pause")
    ),
    "receives before it asks again": mutant(
        3, ("ahead = self._refused", "ahead = self._refused = False")
    ),
    "stays protected after a poll in vain": mutant(
        3,
        (
            "        if ahead:\n            self._guard.release()\n",
            "        if ahead:\n            self._guard._jobs -= 1\n",
        ),
    ),
    "does not renew protection": mutant(4, (RENEWS, "                pass\n")),
    "has no heartbeat": mutant(5, (BEATS, "delivery.wake.wait(left)")),
    "knows no limit": mutant(
        6,
        ("if time.monotonic() >= limit:", "if limit == 0:"),
        (BEATS, "delivery.wake.wait(settings.heartbeat or 60)"),
    ),
    "has a heartbeat that never stops": mutant(
        6,
        (
            MARKS,
            f"""{MARKS}
        def beat() -> None:
            while True:
                self._hide(delivery, 6)
                time.sleep(0.1)
        threading.Thread(target=beat, daemon=True).start()
""",
        ),
    ),
    "deletes before the work": mutant(
        7,
        (
            "        began = time.monotonic()\n",
            "        began = time.monotonic()\n        self._delete(delivery)\n",
        ),
        hides=(6, 13),
    ),
    "stays protected": mutant(8, (RELEASES, "            if not self._jobs:\n")),
    "never lets go": mutant(8, (NEEDS_REST, "return False")),
    "lets go for an instant": mutant(8, (NEEDS_REST, "return self._jobs > 0")),
    "begins to count with every job": mutant(8, (" and self._free_for() >= self._rest:", ":")),
    "takes more for as long as a job is at work": mutant(
        8, (NEEDS_REST, "return not self._jobs and self._free_for() < self._rest")
    ),
    "ignores SIGTERM": mutant(
        9,
        (
            "signal.signal(signal.SIGTERM, self._stop)",
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        ),
        hides=(11,),
    ),
    "drops what comes after SIGTERM": mutant(
        9,
        (COMES_LATE, "            if self._stopped_at:\n                continue\n            if "),
    ),
    "gives everything back at SIGTERM": mutant(
        10, ("self._stopped_at + self._settings.stop - self._settings.stop_margin", "0")
    ),
    "drops what does not fit": mutant(11, (GOES_BACK, "")),
    "does a duplicate again": mutant(12, ("if self._done.has(job.id):", "if not job:")),
    "remembers for itself alone": mutant(
        12, ('if bucket := environment.get("DONE_BUCKET"):', 'if bucket := "":')
    ),
    "works on twins at once": mutant(12, ("if at_work:", "if not job:")),
    "deletes what failed": mutant(
        13,
        (
            "        wait = self._settings.retry",
            "        self._delete(delivery)\n        wait = self._settings.retry",
        ),
    ),
    "fails a newer schema": mutant(
        14,
        (
            "            self._hide(delivery, self._settings.visibility)\n",
            "            self._failed(delivery, job.id, 0)\n",
        ),
    ),
    "logs the body": mutant(
        15,
        (
            "        try:\n            job = Job.read",
            "        log.info(delivery.body)\n        try:\n            job = Job.read",
        ),
    ),
    "logs the text of an error": mutant(15, ("type(error).__name__, places", "error, places")),
    "has metrics of other dimensions": mutant(16, ('[["Fleet"]]', '[["Fleet", "job"]]')),
    "does one job at a time": mutant(
        17,
        ('concurrency=int(environment.get("CONCURRENCY", "1"))', "concurrency=1"),
        hides=(11,),
    ),
    "exits with 0 when it is broken": mutant(18, ("return 1 if self._broken else 0", "return 0")),
}


@pytest.fixture(name="ground", scope="module")
def _ground() -> Iterator[conformance.Ground]:
    with conformance.Ground() as ground:
        yield ground


def loaded(name: str) -> ModuleType:
    """A module of the folder, found as Python finds it there: by its bare name."""
    spec = importlib.util.spec_from_file_location(name, WORKER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


@pytest.fixture(name="worker", scope="module")
def _worker() -> ModuleType:
    return loaded("worker")


def command(folder: Path) -> list[str]:
    return [sys.executable, str(folder / "drill.py")]


def spoilt(folder: Path, mutant: Mutant) -> Path:
    """A copy of the worker with the replacements, each of something that is there once."""
    text = (WORKER / "worker.py").read_text()
    for old, new in mutant.spoils:
        assert text.count(old) == 1, f"{text.count(old)} times in worker.py: {old}"
        text = text.replace(old, new)
    folder.mkdir()
    (folder / "worker.py").write_text(text)
    shutil.copy(WORKER / "drill.py", folder)
    return folder


def test_the_reference_worker_keeps_every_rule(ground: conformance.Ground) -> None:
    judgement = conformance.examine(command(WORKER), ground)
    assert judgement.complaints == {}
    assert judgement.unseen == set()


def test_every_mutant_breaks_its_rule_and_no_other(
    ground: conformance.Ground, tmp_path: Path
) -> None:
    folders = {
        name: spoilt(tmp_path / name.replace(" ", "-"), mutant) for name, mutant in MUTANTS.items()
    }

    def examined(name: str) -> conformance.Judgement:
        return conformance.examine(command(folders[name]), ground, MUTANTS[name].lives)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = dict(zip(MUTANTS, threads.map(examined, MUTANTS), strict=True))
    for name, mutant in MUTANTS.items():
        if found[name].broken != mutant.breaks:
            # Jobs that were to overlap may not have, on a machine with a dozen workers at once.
            found[name] = examined(name)
    complaints = {name: judgement.complaints for name, judgement in found.items()}
    assert {name: judgement.broken for name, judgement in found.items()} == {
        name: mutant.breaks for name, mutant in MUTANTS.items()
    }, complaints
    assert {name: judgement.unseen for name, judgement in found.items()} == {
        name: mutant.hides if "trouble" in mutant.lives else mutant.hides | {3}
        for name, mutant in MUTANTS.items()
    }


def test_every_rule_has_a_mutant_that_breaks_it() -> None:
    assert set().union(*(mutant.breaks for mutant in MUTANTS.values())) == set(conformance.RULES)


def test_the_contract_has_the_rules_that_are_tested() -> None:
    rules = re.findall(r"^(\d+)\. \*\*", CONTRACT.read_text(), re.MULTILINE)
    assert [int(rule) for rule in rules] == list(conformance.RULES)


def test_the_contract_names_every_variable_that_the_worker_reads() -> None:
    text = (WORKER / "worker.py").read_text()
    read = set(re.findall(r"environment(?:\.get\(|\[)\"([A-Z_]+)\"", text))
    assert len(read) == 17
    assert {name for name in read if f"`{name}`" not in CONTRACT.read_text()} == set()


def test_examples_import_nothing_of_ours() -> None:
    # Whoever copies the folder has all of it.
    names = {
        name.partition(".")[0]
        for module in WORKER.glob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = names - sys.stdlib_module_names
    assert foreign == {"boto3", "botocore", "moto", "werkzeug", "worker"}


def test_the_image_has_the_worker_and_no_drill() -> None:
    lines = (WORKER / "Dockerfile").read_text().splitlines()
    (copied,) = [line.split()[1:-1] for line in lines if line.startswith("COPY")]
    assert copied == ["worker.py", "digest.py"]
    # In the form that runs no shell, or SIGTERM would not arrive.
    assert lines[-1] == 'CMD ["python", "digest.py"]'


def test_a_worker_that_lacks_a_variable_says_which() -> None:
    environment = {"QUEUE_URL": "http://127.0.0.1/q", "AWS_REGION": "us-east-1"}
    ended = subprocess.run(
        command(WORKER), env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr == ("FLEET is not set; docs/worker-contract.md lists what a worker needs\n")


@pytest.fixture(name="s3")
def _s3() -> Iterator[Any]:
    with mock_aws():
        s3 = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
        )
        s3.create_bucket(Bucket="media")
        yield s3


def test_what_is_done_is_noted_once_for_the_whole_fleet(s3: Any, worker: ModuleType) -> None:
    one, other = (worker.DoneInS3(s3, "media", "done/render/") for _ in range(2))
    assert not one.has("a-1")
    assert one.mark("a-1")
    assert other.has("a-1")
    assert not other.mark("a-1")
    assert not other.has("a-2")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="media")["Contents"]] == [
        "done/render/a-1"
    ]


def test_a_store_that_cannot_be_asked_is_no_answer(s3: Any, worker: ModuleType) -> None:
    nowhere = worker.DoneInS3(s3, "another", "done/render/")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        nowhere.mark("a-1")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("no json", "the body is not JSON"),
        ('["a list"]', "`schema`"),
        ('{"id": "a-1"}', "`schema`"),
        ('{"schema": "1", "id": "a-1"}', "`schema`"),
        ('{"schema": 1}', "`id`"),
        ('{"schema": 1, "id": "../a"}', "letters, digits"),
        ('{"schema": 1, "id": ""}', "1 to 128"),
    ],
)
def test_an_unreadable_body_is_explained_and_not_quoted(
    body: str, problem: str, worker: ModuleType
) -> None:
    with pytest.raises(worker.UnreadableError) as refused:
        worker.Job.read(body)
    assert problem in str(refused.value)
    assert body not in str(refused.value)


def test_the_example_job_writes_the_digest_of_an_object(
    s3: Any, worker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "worker", worker)
    digest = loaded("digest")
    s3.put_object(Bucket="media", Key="uploads/a.mp4", Body=b"backlot")
    digest.Digest(s3, "media")(worker.Job(id="a-1", schema=1, payload={"source": "uploads/a.mp4"}))
    written = json.load(s3.get_object(Bucket="media", Key="digests/a-1.json")["Body"])
    assert written == {
        "source": "uploads/a.mp4",
        "sha256": hashlib.sha256(b"backlot").hexdigest(),
    }


def test_a_command_that_cannot_be_started_is_a_slip_in_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        conformance.main(["--", "/no/such/worker"])
    assert ended.value.code == 2
    assert "/no/such/worker cannot be started" in capsys.readouterr().err


def test_the_report_says_what_is_broken_and_what_could_not_be_seen() -> None:
    judgement = conformance.Judgement()
    for rule in set(conformance.RULES) - {11}:
        judgement.judge(rule, rule != 9, "it did not exit")
    judgement.judge(9, kept=False, complaint="it did not exit")
    lines = conformance.report(judgement).splitlines()
    assert lines[0] == f"kept     1  {conformance.RULES[1]}"
    assert lines[8:10] == [f"broken   9  {conformance.RULES[9]}", "            - it did not exit"]
    assert lines[11] == f"unseen  11  {conformance.RULES[11]}"
    assert len(lines) == 19
