"""Runs a worker, in whatever language, through every rule of docs/worker-contract.md.

    python conformance.py -- python drill.py

The command is started five times as a process of its own, against an AWS in memory (moto) and an
ECS agent, both on this machine's loopback. Its job must be the drill: POST to the payload's `url`,
wait for the answer; 200 is done, everything else failed. So the driver decides how long a job
lasts, and nothing depends on how fast this machine is.

The worker needs an SDK that heeds AWS_ENDPOINT_URL and talks JSON to SQS (all since 2023 do).
Exit code: 0 every rule is kept, 1 one is not, 2 usage.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import parse_qsl

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

RULES = {
    1: "receives by long poll, and no more than it has room for",
    2: "protects its machine before it works, for as long as it works",
    3: "once refused, gives the message back and receives nothing before protection is granted",
    4: "renews protection every third of its time",
    5: "renews the message's visibility with every heartbeat",
    6: "stops renewing when the job ends or its limit is over",
    7: "deletes the message, once the work has succeeded",
    8: "gives protection up after the job, and lets go now and then when never idle",
    9: "takes nothing more after SIGTERM and exits with 0 in time",
    10: "finishes what fits into the time after SIGTERM",
    11: "gives back what does not fit into the time after SIGTERM",
    12: "does a job once, however often it is delivered",
    13: "leaves a message that fails to SQS, and to its dead-letter queue",
    14: "leaves a payload of a newer schema to a newer worker",
    15: "never logs a payload",
    16: "prints one metric line for each job that ended",
    17: "works on CONCURRENCY jobs at once",
    18: "exits with an error only when it is broken",
}

LIVES = {
    "day": "on ECS, one job at a time: all that happens to a message, and SIGTERM in a short job",
    "fleet": "on EC2, three jobs at a time and no heartbeat, and SIGTERM in a long job",
    "trouble": "on ECS: protection is refused, and then a job hangs",
    "rush": "on ECS, two jobs at a time, and never idle",
    "broken": "its queue does not exist",
}
"""The processes of a worker that are looked at, side by side."""

REGION = "us-east-1"
FLEET, NAMESPACE = "drill-render", "drill/Jobs"
NEWER_SCHEMA = 1_000_000
SECRET = "do-not-log-9f3b"  # noqa: S105 (what a payload holds that no log may)

START_SECONDS = 30.0
"""How long a worker may take to come up."""
PATIENCE_SECONDS = 6.0
"""How long a worker may take for anything else; only a broken rule takes so long."""
LOOK_SECONDS = 0.05

Answer = tuple[int, Mapping[str, Any]]
GRANTED: Answer = (200, {"protection": {"ProtectionEnabled": True, "TaskArn": "drill"}})
# Both are how the agent refuses: ECS said no, and ECS could not be asked.
# https://github.com/aws/amazon-ecs-agent/blob/master/ecs-agent/tmds/handlers/taskprotection/v1/handlers/handlers.go
DEPLOYMENT_BLOCKED: Answer = (200, {"failure": {"Arn": "drill", "Reason": "DEPLOYMENT_BLOCKED"}})
AGENT_ERROR: Answer = (500, {"error": {"Arn": "drill", "Code": "ServerException", "Message": ""}})


@dataclass(frozen=True)
class Event:
    """What the worker did, as seen from outside."""

    at: float
    kind: str
    """receive, delivered, visibility, delete, protect, start or end"""
    job: str = ""
    message: str = ""
    value: Any = None


class Judgement:
    """What was found of each rule. A rule that nothing was found of is not kept."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.complaints: dict[int, list[str]] = {}

    def judge(self, rule: int, kept: bool, complaint: str) -> None:
        self.seen.add(rule)
        if not kept:
            self.complaints.setdefault(rule, []).append(complaint)

    @property
    def broken(self) -> set[int]:
        return set(self.complaints)

    @property
    def unseen(self) -> set[int]:
        """Never broken alone: something else went wrong before it came to these."""
        return set(RULES) - self.seen


class Life:
    """One process of the worker, its own queue, and everything that it did."""

    def __init__(
        self, ground: Ground, run: str, figures: Mapping[str, str], *, max_receives: int
    ) -> None:
        self.name = f"drill-{uuid.uuid4().hex[:12]}"
        self.concurrency = int(figures["CONCURRENCY"])
        self.protection: Answer = GRANTED
        self.outcomes: dict[str, bool] = {}
        """What a job's POST is answered: done or failed. Absent: not yet."""
        self.events: list[Event] = []
        self.out: list[str] = []
        self.errors: list[str] = []
        self.over = False
        self._changed = threading.Condition()
        self._messages: dict[str, tuple[str, str]] = {}
        self._ground, self._run = ground, run
        self._sqs = ground.sqs
        attributes = {"VisibilityTimeout": figures["VISIBILITY_SECONDS"]}
        dead = self._sqs.create_queue(QueueName=f"{self.name}-dead")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:123456789012:{self.name}-dead"
        redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": max_receives}
        attributes |= {
            "ReceiveMessageWaitTimeSeconds": "1",
            "RedrivePolicy": json.dumps(redrive),
        }
        self.queue = self._sqs.create_queue(QueueName=self.name, Attributes=attributes)["QueueUrl"]
        self.dead = dead
        self._figures = dict(figures) | {"QUEUE_URL": self.queue}

    def on_ecs(self) -> Life:
        self._figures["ECS_AGENT_URI"] = f"{self._ground.url}/drill/{self.name}/agent"
        return self

    def on_ec2(self) -> Life:
        autoscaling = self._ground.autoscaling
        autoscaling.create_launch_configuration(
            LaunchConfigurationName=self.name, ImageId="ami-12c6146b", InstanceType="t3.nano"
        )
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            LaunchConfigurationName=self.name,
            MinSize=1,
            MaxSize=1,
            AvailabilityZones=[f"{REGION}a"],
        )
        groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])
        instance = groups["AutoScalingGroups"][0]["Instances"][0]["InstanceId"]
        self._ground.lives[instance] = self
        self._figures |= {"GROUP": self.name, "INSTANCE_ID": instance}
        return self

    def without_queue(self) -> Life:
        self._figures["QUEUE_URL"] = f"{self.queue}-that-is-not-there"
        return self

    def start(self, command: Sequence[str]) -> None:
        self._ground.lives[self.name] = self
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.process = subprocess.Popen(  # noqa: S603 (the command is the user's own)
            command,
            env=kept | self._ground.environment() | self._figures,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=arguments, daemon=True)
            for arguments in ((self.process.stdout, self.out), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        lines.extend(line for line in iter(stream.readline, ""))

    def end(self) -> None:
        self.over = True
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for reader in self._readers:
            reader.join(PATIENCE_SECONDS)

    def send(self, job: str, schema: int = 1) -> None:
        body = {
            "schema": schema,
            "id": self.full(job),
            "url": f"{self._ground.url}/drill/{self.name}/jobs/{job}",
            "prompt": SECRET,
        }
        self._sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps(body))

    def full(self, job: str) -> str:
        """A job's id as the worker meets it: of this run alone."""
        return f"{self._run}-{job}"

    def purge(self) -> None:
        self._sqs.purge_queue(QueueUrl=self.queue)

    def answer(self, job: str, *, succeeds: bool = True) -> None:
        with self._changed:
            self.outcomes[job] = succeeds
            self._changed.notify_all()

    def record(self, kind: str, job: str = "", message: str = "", value: Any = None) -> None:
        with self._changed:
            self.events.append(Event(time.monotonic(), kind, job, message, value))
            self._changed.notify_all()

    def wait(self, condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> bool:
        """Return whether it came true in time. It is asked whenever something has happened."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            with self._changed:
                self._changed.wait(LOOK_SECONDS)
        return True

    def wait_for_queue(self, condition: Callable[[], object], seconds: float) -> bool:
        """The same for a condition that asks AWS, and so not as often."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def of(self, kind: str, job: str | None = None) -> list[Event]:
        return [
            event
            for event in list(self.events)
            if event.kind == kind and (job is None or event.job == job)
        ]

    def granted(self) -> list[Event]:
        return [event for event in self.of("protect") if event.value == (True, True)]

    def asked(self) -> list[Event]:
        return [event for event in self.of("protect") if event.value[0]]

    def at_work(self) -> int:
        return len(self.of("start")) - len(self.of("end"))

    def given_back(self, job: str) -> bool:
        return any(event.value == 0 for event in self.of("visibility", job))

    def waiting(self, queue: str) -> int:
        name = "ApproximateNumberOfMessages"
        answer = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def exited(self) -> bool:
        return self.process.poll() is not None

    def metrics(self, job: str) -> list[dict[str, Any]]:
        """The metric lines about a job: those that do not name one count for all."""
        lines = []
        for line in list(self.out):
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict) and "_aws" in told:
                lines.append(told)
        return [line for line in lines if line.get("job", self.full(job)) == self.full(job)]

    def job(self, job: str) -> tuple[int, Mapping[str, Any]]:
        """The drill: hold the job's POST until the driver answers it."""
        self.record("start", job)
        self.wait(lambda: job in self.outcomes or self.over, seconds=3600)
        self.record("end", job, value=self.outcomes.get(job, False))
        return (200 if self.outcomes.get(job) else 500), {}

    def agent(self, wish: Any) -> Answer:
        """As particular as the agent, which decodes a boolean, an int64, and no other field."""
        minutes = wish.get("ExpiresInMinutes", 120)
        known = set(wish) <= {"ProtectionEnabled", "ExpiresInMinutes"}
        wanted = wish.get("ProtectionEnabled")
        if not (known and type(wanted) is bool and type(minutes) is int and 1 <= minutes <= 2880):
            self.record("protect", value=(wanted, False))
            return 400, {"error": {"Code": "InvalidParameterException", "Message": ""}}
        if not wanted:
            self.record("protect", value=(False, True))
            return 200, {"protection": {"ProtectionEnabled": False, "TaskArn": "drill"}}
        answer = self.protection
        self.record("protect", value=(True, answer is GRANTED))
        return answer

    def called(self, action: str, request: Mapping[str, Any]) -> None:
        """Note a call to AWS before it is answered."""
        if action == "ReceiveMessage":
            room = self.concurrency - self.at_work()
            wanted = request.get("MaxNumberOfMessages", 1)
            self.record("receive", value=(request.get("WaitTimeSeconds", 1), wanted, room))
        for entry in request.get("Entries", [request]):
            message, job = self._messages.get(entry.get("ReceiptHandle", ""), ("", ""))
            if action.startswith("DeleteMessage"):
                self.record("delete", job, message)
            elif action.startswith("ChangeMessageVisibility"):
                self.record("visibility", job, message, entry["VisibilityTimeout"])

    def delivered(self, messages: Iterable[Mapping[str, str]]) -> None:
        for message in messages:
            job = json.loads(message["Body"])["id"].removeprefix(self.full(""))
            self._messages[message["ReceiptHandle"]] = message["MessageId"], job
            self.record("delivered", job, message["MessageId"])


class Ground:
    """The AWS in memory, the agent, and the jobs: one server on loopback for all lives."""

    def __init__(self) -> None:
        self.lives: dict[str, Life] = {}
        """By the name of their queue; on EC2 by their instance, too."""
        self._moto = DomainDispatcherApplication(create_backend_app)
        # It would list the folder of all its services for every request.
        self._moto.get_backend_for_host = cache(self._moto.get_backend_for_host)
        # moto's queues are lists that it replaces, so two changes at once may lose one.
        self._turn = threading.Lock()
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.sqs, self.autoscaling = self.client("sqs"), self.client("autoscaling")
        self.bucket = f"drill-{uuid.uuid4().hex[:12]}"

    def __enter__(self) -> Ground:
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        self.client("s3").create_bucket(Bucket=self.bucket)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="drill",
            aws_secret_access_key="drill",  # noqa: S106 (nobody checks it)
            config=Config(max_pool_connections=50),
        )

    def environment(self) -> dict[str, str]:
        """What the platform tells a worker, and how it reaches this ground."""
        return {
            "AWS_ACCESS_KEY_ID": "drill",
            "AWS_SECRET_ACCESS_KEY": "drill",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "BUILD_ID": "1.0.0",
            "DONE_BUCKET": self.bucket,
            "FLEET": FLEET,
            "METRICS_NAMESPACE": NAMESPACE,
            "PYTHONUNBUFFERED": "1",
        }

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"].split("/")
        if path[1] == "drill":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            life = self.lives[path[2]]
            if path[3] == "agent":
                status, answer = life.agent(json.loads(body))
            else:
                status, answer = life.job(path[4])
            start_response(
                f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "application/json")]
            )
            return [json.dumps(answer).encode()]
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith("AmazonSQS."):
            return self._sqs(target.partition(".")[2], environ, start_response)
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            return self._form(environ, start_response)
        return self._moto(environ, start_response)

    def _sqs(self, action: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = _body(environ)
        request = json.loads(body)
        life = self.lives.get(request.get("QueueUrl", "").rpartition("/")[2])
        if life is not None:
            life.called(action, request)
        if action != "ReceiveMessage":
            with self._turn:
                return self._moto(environ, start_response)
        answer = b"".join(self._moto(environ, start_response))
        if life is not None:
            life.delivered(json.loads(answer).get("Messages", []))
        return [answer]

    def _form(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = dict(parse_qsl(_body(environ).decode()))
        life = self.lives.get(request.get("InstanceIds.member.1", ""))
        if request.get("Action") != "SetInstanceProtection" or life is None:
            return self._moto(environ, start_response)
        status: list[str] = []

        def note(line: str, *rest: Any) -> Any:
            status.append(line)
            return start_response(line, *rest)

        answer = list(self._moto(environ, note))
        wanted = request["ProtectedFromScaleIn"] == "true"
        life.record("protect", value=(wanted, status[0].startswith("200")))
        return answer


class _Quiet(MotoRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """The report says what matters."""


def _body(environ: dict[str, Any]) -> bytes:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


@dataclass
class Examination:
    """The lives of a worker, and what is found."""

    ground: Ground
    command: Sequence[str]
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    """Part of every job's id: another examination on the same ground has jobs of its own."""
    judgement: Judgement = field(default_factory=Judgement)
    once: threading.Event = field(default_factory=threading.Event)
    """The job `once` is done, so that another process may meet it."""

    def examine(self, lives: Sequence[str]) -> Judgement:
        with ThreadPoolExecutor(len(lives)) as threads:
            for life in [threads.submit(getattr(self, f"_{name}")) for name in lives]:
                life.result()
        return self.judgement

    def _day(self) -> None:
        figures = {
            "CONCURRENCY": "1",
            "HEARTBEAT_SECONDS": "0.3",
            "JOB_LIMIT_SECONDS": "60",
            "PROTECTION_MINUTES": "0.02",
            "RETRY_SECONDS": "0",
            "STOP_MARGIN_SECONDS": "2",
            "STOP_SECONDS": "20",
            "VISIBILITY_SECONDS": "6",
        }
        life = Life(self.ground, self.run, figures, max_receives=2).on_ecs()
        life.start(self.command)
        try:
            if self._begins(life):
                self._plain(life)
                self._twice(life)
                self._poison(life)
                self._newer(life)
                self._stop_in_a_short_job(life)
        finally:
            life.end()
        self._judge_everything(life)

    def _begins(self, life: Life) -> bool:
        life.send("once")
        life.wait(lambda: life.of("start", "once") or life.exited(), START_SECONDS)
        began = bool(life.of("start", "once"))
        code = life.process.returncode
        why = f"in {START_SECONDS:g} s" if code is None else f"before it exited with {code}"
        said = "".join(life.errors[-5:]).strip().replace(SECRET, "...") or "nothing"
        self.judgement.judge(1, began, f"no job was begun {why}; it says: {said}")
        return began

    def _plain(self, life: Life) -> None:
        judge = self.judgement.judge

        def beats() -> list[Event]:
            return life.of("visibility", "once")

        judge(5, life.wait(lambda: len(beats()) >= 2, 4), "two heartbeats of 0.3 s took over 4 s")
        wrong = {event.value for event in beats()} - {6}
        judge(5, not wrong, f"a heartbeat set {wrong} seconds, and VISIBILITY_SECONDS is 6")
        if life.granted():
            renewed = life.wait(lambda: len(life.granted()) >= 3, 4)
            judge(4, renewed, "two renewals, due every 0.4 s, took over 4 s")
        life.answer("once")
        deleted = life.wait(lambda: life.of("delete", "once"))
        judge(7, deleted, "the message of a job that succeeded was not deleted")
        self.once.set()
        told = life.wait(lambda: life.metrics("once"))
        judge(16, told, "a job succeeded, and no metric line was printed")
        for line in life.metrics("once")[:1]:
            judge(16, *_metric_line(line, succeeded=1))
        self._gives_protection_up(life, "a job that succeeded")

    def _gives_protection_up(self, life: Life, after: str) -> None:
        if life.granted() and 8 not in self.judgement.broken:
            given_up = life.wait(lambda: life.of("protect")[-1].value[0] is False)
            self.judgement.judge(8, given_up, f"it stayed protected after {after}")

    def _twice(self, life: Life) -> None:
        def messages() -> set[str]:
            return {event.message for event in life.of("delete", "once")}

        life.send("once")
        life.wait(lambda: len(messages()) == 2 or len(life.of("start", "once")) == 2)
        again = len(life.of("start", "once")) > 1
        self.judgement.judge(12, not again, "a job that was done was done again")
        if messages() and not again:
            self.judgement.judge(12, len(messages()) == 2, "a duplicate was not deleted")
        life.purge()

    def _poison(self, life: Life) -> None:
        judge = self.judgement.judge
        life.answer("poison", succeeds=False)
        life.send("poison")
        life.wait_for_queue(
            lambda: life.waiting(life.dead) or life.of("delete", "poison"), PATIENCE_SECONDS
        )
        deletes = life.of("delete", "poison")
        ends = life.of("end", "poison")
        if not deletes or (ends and ends[0].at < deletes[0].at):
            judge(13, not deletes, "the message of a job that failed was deleted")
        if not deletes:
            judge(13, bool(life.waiting(life.dead)), "it is not in the dead-letter queue")
            judge(13, len(ends) == 2, f"tried {len(ends)} times, and max_receives is 2")
            told = life.wait(lambda: len(life.metrics("poison")) >= len(ends))
            judge(16, told, f"a job failed {len(ends)} times, and there are fewer metric lines")
        for line in life.metrics("poison")[:1]:
            if "job" in line:
                judge(16, *_metric_line(line, succeeded=0))
        judge(18, not life.exited(), "it exited when a job failed")
        self._gives_protection_up(life, "a job that failed")

    def _newer(self, life: Life) -> None:
        judge = self.judgement.judge
        life.answer("newer")
        life.send("newer", NEWER_SCHEMA)
        judge(14, life.wait(lambda: life.of("delivered", "newer")), "it took no further message")
        polls = len(life.of("receive"))
        life.wait(lambda: len(life.of("receive")) > polls or life.of("start", "newer"))
        judge(14, not life.of("start", "newer"), "a payload of a newer schema was worked on")
        judge(14, not life.of("delete", "newer"), "a payload of a newer schema was deleted")
        judge(
            14, not life.given_back("newer"), "given back at once, so its receives are soon spent"
        )
        named = [line for line in life.metrics("newer") if "job" in line]
        judge(14, not named, "a payload of a newer schema counts as a job")

    def _stop_in_a_short_job(self, life: Life) -> None:
        judge = self.judgement.judge
        life.send("last")
        if not life.wait(lambda: life.of("start", "last")):
            judge(10, kept=False, complaint="the job to be finished after SIGTERM was not begun")
            return
        life.process.terminate()
        stopped = time.monotonic()
        life.send("late")
        life.wait(lambda: life.exited() or life.of("start", "late"), 0.7)
        early = life.exited() or life.given_back("last")
        judge(10, not early, "a job was given up at SIGTERM, with 20 s left")
        life.answer("last")
        life.answer("late")
        self._stops(life, stopped, 20)
        if not early and life.of("delete", "once"):
            deleted = life.wait(lambda: life.of("delete", "last"))
            judge(10, deleted, "a job was done after SIGTERM, not deleted")

    def _stops(self, life: Life, stopped: float, seconds: float) -> None:
        judge = self.judgement.judge
        left = stopped + seconds - time.monotonic()
        life.wait(lambda: life.exited() or life.of("start", "late"), left)
        if life.of("start", "late"):
            judge(9, kept=False, complaint="a job was begun after SIGTERM")
            return
        judge(9, life.exited(), f"it did not exit within {seconds:g} s of SIGTERM")
        if life.exited():
            code = life.process.returncode
            judge(9, code == 0, f"it exited with {code} after SIGTERM")
        late, back = life.of("delivered", "late"), life.of("visibility", "late")
        judge(9, not late or bool(back), "a message that came after SIGTERM was not given back")

    def _fleet(self) -> None:
        figures = {
            "CONCURRENCY": "3",
            "JOB_LIMIT_SECONDS": "60",
            "PROTECTION_MINUTES": "15",
            "RETRY_SECONDS": "0",
            "STOP_MARGIN_SECONDS": "6",
            "STOP_SECONDS": "7",
            "VISIBILITY_SECONDS": "60",
        }
        life = Life(self.ground, self.run, figures, max_receives=5).on_ec2()
        life.start(self.command)
        try:
            if self._many(life):
                self._twins(life)
                self._stop_in_a_long_job(life)
        finally:
            life.end()
        self._judge_everything(life)

    def _many(self, life: Life) -> bool:
        judge = self.judgement.judge
        jobs = [f"many-{number}" for number in range(5)]
        for job in jobs:
            life.send(job)
        life.wait(lambda: life.of("start") or life.exited(), START_SECONDS)
        if not life.of("start"):
            judge(17, kept=False, complaint="no job was begun on EC2")
            return False
        if not life.wait(lambda: life.at_work() >= 3):
            judge(17, kept=False, complaint="fewer than CONCURRENCY jobs at once")
            return False
        judge(17, not life.wait(lambda: life.at_work() > 3, 0.5), "more than CONCURRENCY at once")
        # One of them ends while the others work on.
        first = life.of("start")[0].job
        life.answer(first)
        # The next begins when all of it is over, its protection included.
        life.wait(lambda: len(life.of("start")) > 3)
        for job in jobs:
            life.answer(job)
        life.wait(lambda: len({event.job for event in life.of("delete")}) == len(jobs))
        self._gives_protection_up(life, "the last of several jobs")
        return True

    def _twins(self, life: Life) -> None:
        judge = self.judgement.judge
        life.send("twin")
        judge(12, life.wait(lambda: life.of("start", "twin")), "a job with a twin was not begun")
        life.send("twin")
        life.wait(lambda: len(life.of("delivered", "twin")) > 1)
        life.wait(lambda: len(life.of("start", "twin")) > 1 or life.of("visibility", "twin"), 2)
        again = len(life.of("start", "twin")) > 1
        judge(12, not again, "a job was begun while the same process was at work on it")
        life.answer("twin")
        life.wait(lambda: life.of("delete", "twin"))
        if self.once.wait(START_SECONDS):
            life.answer("once")
            life.send("once")
            life.wait(lambda: life.of("start", "once") or life.of("delete", "once"))
            judge(12, not life.of("start", "once"), "a job that another process did was done again")
            judge(12, bool(life.of("delete", "once")), "its message was not deleted")

    def _stop_in_a_long_job(self, life: Life) -> None:
        life.send("long")
        if not life.wait(lambda: life.of("start", "long")):
            self.judgement.judge(11, kept=False, complaint="the job to be given back was not begun")
            return
        polls = len(life.of("receive"))
        life.wait(lambda: len(life.of("receive")) > polls, 2)
        deleted = bool(life.of("delete", "long"))
        life.process.terminate()
        stopped = time.monotonic()
        # The poll that has just begun may still bring it.
        life.send("late")
        self._stops(life, stopped, 7)
        if life.exited():
            back = life.given_back("long")
            self.judgement.judge(11, back, "it exited and left a job to its visibility")
            kept = deleted or not life.of("delete", "long")
            self.judgement.judge(11, kept, "a job was deleted that was not done")

    def _trouble(self) -> None:
        figures = {
            "CONCURRENCY": "1",
            "HEARTBEAT_SECONDS": "0.3",
            "JOB_LIMIT_SECONDS": "1",
            "PROTECTION_MINUTES": "0.02",
            "RETRY_SECONDS": "0",
            "STOP_MARGIN_SECONDS": "1",
            "STOP_SECONDS": "5",
            "VISIBILITY_SECONDS": "1",
        }
        life = Life(self.ground, self.run, figures, max_receives=100).on_ecs()
        life.protection = DEPLOYMENT_BLOCKED
        life.start(self.command)
        try:
            self._refused(life)
            self._hung(life)
        finally:
            life.end()
        self._judge_everything(life)

    def _refused(self, life: Life) -> None:
        judge = self.judgement.judge
        life.answer("refused")
        life.send("refused")
        life.wait(lambda: life.asked() or life.of("start") or life.exited(), START_SECONDS)
        if not life.asked():
            life.wait(lambda: life.of("delete", "refused"))
            return
        self._waits_for_protection(life, "refused", "ECS")
        life.protection = GRANTED
        done = life.wait(lambda: life.of("delete", "refused"))
        judge(3, done, "a message was not worked on when protection was granted at last")
        self._gives_protection_up(life, "a job that had waited for it")
        if life.of("protect")[-1].value[0]:
            return
        life.protection = AGENT_ERROR
        life.answer("refused-again")
        life.send("refused-again")
        self._waits_for_protection(life, "refused-again", "the agent")
        # So the poll for which it is granted brings nothing.
        life.purge()
        granted = len(life.granted())
        life.protection = GRANTED
        life.wait(lambda: len(life.granted()) > granted)
        if len(life.granted()) > granted:
            given_up = life.wait(lambda: not life.of("protect")[-1].value[0])
            judge(3, given_up, "it stayed protected after a poll that brought nothing")

    def _waits_for_protection(self, life: Life, job: str, refuser: str) -> None:
        judge = self.judgement.judge
        asks = len(life.asked())
        life.wait(lambda: life.given_back(job) or life.of("start", job))
        if not life.of("start", job):
            judge(3, life.given_back(job), "the message was not given back at once")
            life.wait(lambda: len(life.asked()) > asks + 1 or life.of("start", job))
        judge(3, not life.of("start", job), f"it worked although {refuser} had refused protection")

    def _hung(self, life: Life) -> None:
        judge = self.judgement.judge
        life.send("hung")
        life.wait(lambda: life.of("start", "hung") or life.exited())
        if not life.of("start", "hung"):
            judge(6, kept=False, complaint="the job that is to hang was not begun")
            return
        began = life.of("start", "hung")[0].at
        back = life.wait_for_queue(
            lambda: life.waiting(life.queue) or len(life.of("delivered", "hung")) > 1, 8
        )
        if life.of("delete", "hung"):
            return
        judge(6, back, "the message of a job over its limit of 1 s did not return within 8 s")
        if back:
            self._gives_protection_up_at_the_limit(life, began)
            told = life.wait(lambda: life.metrics("hung"))
            judge(16, told, "a job over its limit does not count as failed")

    def _gives_protection_up_at_the_limit(self, life: Life, began: float) -> None:
        if life.granted() and 8 not in self.judgement.broken:
            given_up = life.wait(
                lambda: any(e.at > began and e.value[0] is False for e in life.of("protect"))
            )
            self.judgement.judge(8, given_up, "it stayed protected after a job over its limit")

    def _rush(self) -> None:
        figures = {
            "CONCURRENCY": "2",
            "HEARTBEAT_SECONDS": "1",
            "JOB_LIMIT_SECONDS": "60",
            "PROTECTION_MINUTES": "0.01",
            "RETRY_SECONDS": "0",
            "VISIBILITY_SECONDS": "60",
        }
        life = Life(self.ground, self.run, figures, max_receives=5).on_ecs()
        life.send("row-0")
        life.start(self.command)
        try:
            life.wait(lambda: life.of("start") or life.exited(), START_SECONDS)
            if not life.of("start"):
                self.judgement.judge(8, kept=False, complaint="no job was begun in the rush")
            elif life.granted():
                self._one_after_another(life)
                if 8 not in self.judgement.broken:
                    self._overlapping(life)
        finally:
            life.end()
        self._judge_everything(life)

    def _one_after_another(self, life: Life) -> None:
        """Leave it without a job for moments only."""
        since = time.monotonic()
        for number in itertools.count():
            job = f"row-{number}"
            life.wait(lambda job=job: life.of("start", job))
            life.wait(lambda: _rested(life, since), 0.2)
            life.answer(job)
            given_up = life.wait(lambda job=job: _protection_given_up(life, job))
            if not given_up or _rested(life, since) or time.monotonic() > since + PATIENCE_SECONDS:
                break
            life.send(f"row-{number + 1}")
        self._lets_go(life, since, "jobs one after another")

    def _overlapping(self, life: Life) -> None:
        """Let a job end only while another is at work, for as long as it takes another."""
        since = time.monotonic()
        jobs = (f"lap-{number}" for number in itertools.count())
        for _ in range(3):
            life.send(next(jobs))
        while not _rested(life, since) and time.monotonic() < since + PATIENCE_SECONDS:
            both = life.wait(lambda: life.at_work() == 2 or _rested(life, since), 1)
            life.wait(lambda: _rested(life, since), 0.2)
            at_work = [event.job for event in life.of("start") if event.job not in life.outcomes]
            for job in at_work[: 1 if both else None]:
                life.answer(job)
                life.wait(lambda job=job: life.of("end", job))
                life.send(next(jobs))
        self._lets_go(life, since, "jobs that overlapped")

    def _lets_go(self, life: Life, since: float, jobs: str) -> None:
        complaint = f"{PATIENCE_SECONDS:g} s of {jobs}, and it did not let go after 0.6 s, for 1 s"
        self.judgement.judge(8, _rested(life, since), complaint)

    def _broken(self) -> None:
        figures = {
            "CONCURRENCY": "1",
            "JOB_LIMIT_SECONDS": "60",
            "PROTECTION_MINUTES": "15",
            "VISIBILITY_SECONDS": "60",
        }
        life = Life(self.ground, self.run, figures, max_receives=5).on_ecs().without_queue()
        life.start(self.command)
        try:
            exited = life.wait(life.exited, START_SECONDS)
        finally:
            life.end()
        complaint = "its queue does not exist, and it did not exit with an error"
        self.judgement.judge(18, exited and life.process.returncode != 0, complaint)

    def _judge_everything(self, life: Life) -> None:
        """The rules that hold all the time."""
        judge = self.judgement.judge
        output = [*life.out, *life.errors]
        judge(15, not any(SECRET in line for line in output), "a payload is in its output")
        for event in life.of("receive"):
            wait, wanted, room = event.value
            judge(1, wait > 0, "it asked without waiting")
            judge(1, wanted <= room, f"it asked for {wanted} messages and had room for {room}")
        self._judge_protection(life)
        self._judge_refusals(life)
        self._judge_order(life)

    def _judge_protection(self, life: Life) -> None:
        protected, at_work = False, Counter[str]()
        for event in list(life.events):
            match event:
                case Event(kind="start"):
                    at_work[event.job] += 1
                    refused = event.job.startswith("refused") and life.of("protect")
                    if not refused:
                        self.judgement.judge(2, protected, f"{event.job} was begun unprotected")
                case Event(kind="end") | Event(kind="visibility", value=0):
                    at_work[event.job] = 0
                case Event(kind="protect", value=(True, granted)):
                    protected = protected or granted
                case Event(kind="protect"):
                    busy = +at_work - Counter({"hung": 1, "long": 1})
                    self.judgement.judge(2, not busy, f"protection was given up during {[*busy]}")
                    protected = False

    def _judge_refusals(self, life: Life) -> None:
        refused = None
        for event in list(life.events):
            match event:
                case Event(kind="protect", value=(True, granted)):
                    # Of the heartbeat of 0.3 s.
                    if refused is not None and event.at - refused < 0.25:
                        complaint = "it asked for protection again without a heartbeat's pause"
                        self.judgement.judge(3, kept=False, complaint=complaint)
                    refused = None if granted else event.at
                case Event(kind="receive") if refused is not None:
                    complaint = "once refused, it received before protection was granted"
                    self.judgement.judge(3, kept=False, complaint=complaint)

    def _judge_order(self, life: Life) -> None:
        for job in {event.job for event in life.of("start")}:
            ends = life.of("end", job)
            for delete in life.of("delete", job)[:1]:
                early = not ends or delete.at < ends[0].at
                self.judgement.judge(7, not early, f"{job} was deleted before it was done")
                beats = [e for e in life.of("visibility", job) if e.at > delete.at]
                beats = [e for e in beats if e.message == delete.message]
                # One may have been on its way.
                if not early:
                    complaint = f"heartbeats of {job} went on after it had ended"
                    self.judgement.judge(6, len(beats) <= 1, complaint)


def _rested(life: Life, since: float) -> bool:
    """Return whether it was unprotected, and took nothing, for a heartbeat of 1 s."""
    free = None
    for event in [*life.events, Event(time.monotonic(), "receive")]:
        match event:
            case Event(kind="protect", value=(False, _)) if event.at > since:
                free = event.at
            case Event(kind="receive" | "delivered" | "protect") if free is not None:
                if event.at - free > 0.9:
                    return True
                free = None
    return False


def _protection_given_up(life: Life, job: str) -> bool:
    """Return whether it was, since the job ended."""
    ends = life.of("end", job)
    return bool(ends) and any(
        event.at > ends[0].at and event.value[0] is False for event in life.of("protect")
    )


def _metric_line(line: Mapping[str, Any], *, succeeded: int) -> tuple[bool, str]:
    """Return whether it is what the platform's alarms read, and what is wrong with it."""
    wanted = {"Fleet": FLEET, "Succeeded": succeeded, "Failed": 1 - succeeded}
    wrong = {name: line.get(name) for name, value in wanted.items() if line.get(name) != value}
    if wrong:
        return False, f"the metric line says {wrong}"
    if not isinstance(line.get("JobSeconds"), int | float):
        return False, "the metric line has no JobSeconds"
    for directive in line["_aws"].get("CloudWatchMetrics", []):
        units = {each["Name"]: each.get("Unit") for each in directive.get("Metrics", [])}
        if (
            directive.get("Namespace") == NAMESPACE
            and directive.get("Dimensions") == [["Fleet"]]
            and units.get("Succeeded") == units.get("Failed") == "Count"
            and units.get("JobSeconds") == "Seconds"
            and isinstance(line["_aws"].get("Timestamp"), int)
        ):
            return True, ""
    return False, f"its metrics are not the three of {NAMESPACE} by Fleet: {line['_aws']}"


def examine(
    command: Sequence[str], ground: Ground, lives: Sequence[str] = tuple(LIVES)
) -> Judgement:
    """Run the worker through every rule. Several may be examined on one ground at once."""
    return Examination(ground, command).examine(lives)


def report(judgement: Judgement) -> str:
    """Return a line per rule, and what is wrong below those that are not kept."""
    lines = []
    for rule, text in RULES.items():
        state = "broken" if rule in judgement.broken else "kept"
        state = "unseen" if rule in judgement.unseen else state
        lines.append(f"{state:6}  {rule:2}  {text}")
        complaints = Counter(judgement.complaints.get(rule, []))
        lines.extend(f"            - {complaint}" for complaint in complaints)
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="conformance.py",
        description="Runs a worker through the rules of docs/worker-contract.md.",
        epilog="example: python conformance.py -- python drill.py",
    )
    parser.add_argument("command", nargs="+", help="what starts the worker, with the drill as job")
    command = parser.parse_args(arguments).command
    try:
        with Ground() as ground:
            judgement = examine(command, ground)
    except OSError as error:
        parser.error(f"{command[0]} cannot be started: {error}")
    sys.stdout.write(report(judgement) + "\n")
    return 1 if judgement.broken or judgement.unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
