"""A worker that keeps the contract of docs/worker-contract.md, in plain Python with boto3.

`run(handle)` takes jobs off an SQS queue and calls `handle` with each; "rule 5" in a comment is the
contract's. What it reads from the environment stands at `Settings`.

Threads: the main one asks for protection, receives and stops; each message has one that attends to
it (heartbeat, end) and one that runs the job; one more renews the protection.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SCHEMA = 1
"""The newest form of a payload that this worker can read."""

JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

LOOK_SECONDS = 0.2
"""A signal handler may take no lock, so what waits looks up this often instead of being woken."""

REST_SECONDS = 5
"""How long a worker that was at work without a break stays unprotected, and receives nothing."""

LONGEST_RETRY_SECONDS = 900
LONGEST_VISIBILITY_SECONDS = 12 * 60 * 60

HOPELESS = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "AccessDenied",
    "AccessDeniedException",
    "InvalidAddress",
    "InvalidClientTokenId",
    "QueueDoesNotExist",
    "UnrecognizedClientException",
}
"""Answers to a receive that will not be better in a minute."""

log = logging.getLogger("worker")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The platform's variables. Figures may be fractions, so that the conformance test is quick."""

    queue_url: str
    region: str
    fleet: str
    """The dimension of its metrics."""
    namespace: str
    build: str
    visibility: int
    heartbeat: float | None
    """None: never; the queue's visibility then covers the longest job."""
    job_limit: float
    protection_minutes: float
    concurrency: int
    stop: float
    """From SIGTERM until the platform kills: ECS's stop timeout, systemd's on EC2."""
    stop_margin: float
    """How much of that is kept for giving back what did not get done."""
    retry: float
    """Wait before a failed job is tried again; doubled with every receipt."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Raises KeyError for a missing variable and ValueError for one that is no number."""
        heartbeat = environment.get("HEARTBEAT_SECONDS")
        return cls(
            queue_url=environment["QUEUE_URL"],
            region=environment["AWS_REGION"],
            fleet=environment["FLEET"],
            namespace=environment["METRICS_NAMESPACE"],
            build=environment.get("BUILD_ID", ""),
            visibility=math.ceil(float(environment["VISIBILITY_SECONDS"])),
            heartbeat=float(heartbeat) if heartbeat else None,
            job_limit=float(environment["JOB_LIMIT_SECONDS"]),
            protection_minutes=float(environment["PROTECTION_MINUTES"]),
            concurrency=int(environment.get("CONCURRENCY", "1")),
            stop=float(environment.get("STOP_SECONDS", "110")),
            stop_margin=float(environment.get("STOP_MARGIN_SECONDS", "10")),
            retry=float(environment.get("RETRY_SECONDS", "10")),
        )

    @property
    def rest(self) -> float:
        """At most a heartbeat, so that it is short where the heartbeat is."""
        return min(REST_SECONDS, self.heartbeat or REST_SECONDS)


class UnreadableError(Exception):
    """A payload that is not in the agreed form. Its text quotes nothing of the payload."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a message asks for."""

    id: str
    """Of the job, not of the message: it is the same however often the job is sent."""
    schema: int
    payload: Mapping[str, Any]

    @classmethod
    def read(cls, body: str) -> Job:
        """Raises UnreadableError."""
        try:
            payload = json.loads(body)
        except ValueError:
            raise UnreadableError("the body is not JSON") from None
        match payload:
            case {"schema": int(schema), "id": str(name)} if JOB_ID.fullmatch(name):
                return cls(id=name, schema=schema, payload=payload)
        raise UnreadableError(
            "the body needs a whole number `schema`, and an `id` of 1 to 128 letters, digits, ._-"
        )


class Done(Protocol):
    """Which jobs are done, for the whole fleet (rule 12)."""

    def has(self, job: str) -> bool: ...

    def mark(self, job: str) -> bool:
        """Return whether this was the first to say so."""
        ...


class DoneInMemory:
    """Forgets with the process: for trying things out, not for a fleet."""

    def __init__(self) -> None:
        self._jobs: set[str] = set()
        self._lock = threading.Lock()

    def has(self, job: str) -> bool:
        return job in self._jobs

    def mark(self, job: str) -> bool:
        with self._lock:
            first = job not in self._jobs
            self._jobs.add(job)
            return first


class DoneInS3:
    """An empty object per job; S3 itself decides who was first."""

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:
        self._s3, self._bucket, self._prefix = s3, bucket, prefix

    def has(self, job: str) -> bool:
        try:
            self._s3.head_object(Bucket=self._bucket, Key=self._prefix + job)
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                return False
            raise
        return True

    def mark(self, job: str) -> bool:
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=self._prefix + job, Body=b"", IfNoneMatch="*"
            )
        except ClientError as error:
            # 412: it is there. 409: somebody else is putting it at this moment.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412):
                return False
            raise
        return True


Protect = Callable[[bool], bool]
"""Asks for protection (True) or gives it up (False); returns whether that was granted."""


class TaskProtection:
    """ECS: the agent beside the task asks for it.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
    """

    def __init__(self, agent: str, minutes: float) -> None:
        self._agent = urlsplit(agent)
        # The agent refuses 15.0 for 15.
        self._minutes = math.ceil(minutes)

    def __call__(self, wanted: bool) -> bool:
        wish: dict[str, Any] = {"ProtectionEnabled": wanted}
        if wanted:
            wish["ExpiresInMinutes"] = self._minutes
        connection = HTTPConnection(self._agent.netloc, timeout=10)
        try:
            connection.request(
                "PUT",
                f"{self._agent.path}/task-protection/v1/state",
                json.dumps(wish),
                {"Content-Type": "application/json"},
            )
            answer = json.load(connection.getresponse())
        except (OSError, HTTPException, ValueError) as error:
            log.warning("the ECS agent did not answer about protection: %s", error)
            return False
        finally:
            connection.close()
        # A refusal may well have status 200, and a `failure` in the place of `protection`.
        granted = answer.get("protection", {}).get("ProtectionEnabled") is wanted
        if not granted:
            log.warning("ECS refused protection=%s: %s", wanted, answer)
        return granted


class InstanceProtection:
    """EC2: the instance protects itself, without an end, so `run` gives up what a dead one left."""

    def __init__(self, autoscaling: Any, group: str, instance: str) -> None:
        self._autoscaling, self._group, self._instance = autoscaling, group, instance

    def __call__(self, wanted: bool) -> bool:
        try:
            self._autoscaling.set_instance_protection(
                AutoScalingGroupName=self._group,
                InstanceIds=[self._instance],
                ProtectedFromScaleIn=wanted,
            )
        except (ClientError, BotoCoreError) as error:
            log.warning("EC2 Auto Scaling refused protection=%s: %s", wanted, error)
            return False
        return True


class Guard:
    """Protection for as long as any job is at work, and not for ever (rules 2, 4 and 8)."""

    def __init__(self, protect: Protect, minutes: float, rest: float) -> None:
        self._protect = protect
        self._longest, self._rest = minutes * 60, rest
        self._lock = threading.Lock()
        self._jobs = 0
        self._granted = False
        self._busy_since = self._free_since = -math.inf

    def start(self) -> None:
        self._protect(False)
        threading.Thread(target=self._renew, daemon=True).start()

    def hold(self) -> bool:
        """Return whether a job may begin."""
        with self._lock:
            if not self._jobs or not self._granted:
                self._granted = self._protect(True)
            if self._granted:
                if not self._jobs and self._free_for() >= self._rest:
                    self._busy_since = time.monotonic()
                self._jobs += 1
            return self._granted

    def release(self) -> None:
        with self._lock:
            self._jobs -= 1
            if not self._jobs:
                self._protect(False)
                self._free_since = time.monotonic()

    def needs_rest(self) -> bool:
        """Return whether nothing new may begin: until all is done, and a rest after that."""
        with self._lock:
            if time.monotonic() - self._busy_since < self._longest:
                return False
            return self._jobs > 0 or self._free_for() < self._rest

    def _free_for(self) -> float:
        return time.monotonic() - self._free_since

    def _renew(self) -> None:
        while True:
            time.sleep(self._longest / 3)
            with self._lock:
                if self._jobs:
                    self._granted = self._protect(True)


class Delivery:
    """A message, from its receipt until it is deleted or goes back."""

    def __init__(self, message: Mapping[str, Any]) -> None:
        self.message: str = message["MessageId"]
        self.receipt: str = message["ReceiptHandle"]
        self.body: str = message["Body"]
        self.receives = int(message["Attributes"]["ApproximateReceiveCount"])
        self.wake = threading.Event()
        """Its job is over, or it is to go back."""
        self.to_go_back = False


class Attempt:
    """The job's own thread. It cannot be stopped, only left behind when the process ends."""

    def __init__(self, handle: Callable[[Job], None], job: Job, over: threading.Event) -> None:
        self._handle, self._job, self._over = handle, job, over
        self.ended = False
        self.succeeded = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._handle(self._job)
            self.succeeded = True
        except BaseException as error:
            # Its text may quote the payload, so only where it came from is told (rule 15).
            frames = traceback.extract_tb(error.__traceback__)[1:]
            places = ", ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
            log.error(  # noqa: TRY400
                "job=%s failed: %s at %s", self._job.id, type(error).__name__, places
            )
        self.ended = True
        self._over.set()


class Worker:
    """Takes jobs off the queue until SIGTERM, or until it is broken."""

    def __init__(
        self,
        settings: Settings,
        handle: Callable[[Job], None],
        *,
        sqs: Any,
        done: Done,
        guard: Guard,
    ) -> None:
        self._settings, self._handle = settings, handle
        self._sqs, self._done, self._guard = sqs, done, guard
        self._stopped_at: float | None = None
        self._broken = False
        self._pauses_until = 0.0
        self._refused = False
        self._changed = threading.Condition()
        self._deliveries: set[Delivery] = set()
        self._jobs: set[str] = set()

    def run(self) -> int:
        """Return the exit code: 0 after SIGTERM, 1 for a broken worker (rule 18)."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self._guard.start()
        while self._goes_on():
            room = self._room()
            if room and self._goes_on():
                self._receive(room)
        self._finish()
        return 1 if self._broken else 0

    def _stop(self, *_: object) -> None:
        self._stopped_at = self._stopped_at or time.monotonic()

    def _goes_on(self) -> bool:
        return self._stopped_at is None and not self._broken

    def _room(self) -> int:
        """Return for how many messages there is room, after a moment when there is none."""
        with self._changed:
            if len(self._deliveries) >= self._settings.concurrency or self._pauses():
                self._changed.wait(LOOK_SECONDS)
            if self._pauses():
                return 0
            return self._settings.concurrency - len(self._deliveries)

    def _pauses(self) -> bool:
        return time.monotonic() < self._pauses_until or self._guard.needs_rest()

    def _receive(self, room: int) -> None:
        """Take what comes. Once refused, only with protection that is there before it (rule 3)."""
        ahead = self._refused
        if ahead and not self._protected():
            return
        for message in self._poll(room):
            delivery = Delivery(message)
            if self._stopped_at is not None or self._refused or not self._protected():
                self._hide(delivery, 0)
                continue
            with self._changed:
                self._deliveries.add(delivery)
            threading.Thread(target=self._attend, args=[delivery], daemon=True).start()
        if ahead:
            self._guard.release()

    def _protected(self) -> bool:
        """Return whether one thing more is protected, which is then to be released.

        Without the pause a refused worker would ask again at once, for hours perhaps.
        """
        self._refused = not self._guard.hold()
        if self._refused:
            pause = self._settings.heartbeat or self._settings.visibility / 3
            self._pauses_until = time.monotonic() + pause
        return not self._refused

    def _poll(self, room: int) -> Sequence[Mapping[str, Any]]:
        """Wait as long as the queue says, which is 20 s on the platform's queues (rule 1)."""
        try:
            answer = self._sqs.receive_message(
                QueueUrl=self._settings.queue_url,
                MaxNumberOfMessages=min(room, 10),
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        except (ClientError, BotoCoreError) as error:
            log.warning("nothing received: %s", error)
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else None
            self._broken = code in HOPELESS
            self._pauses_until = time.monotonic() + 5
            return []
        return answer.get("Messages", [])

    def _attend(self, delivery: Delivery) -> None:
        try:
            self._take(delivery)
        except (ClientError, BotoCoreError) as error:
            log.warning("message=%s is left to return: %s", delivery.message, error)
        finally:
            self._guard.release()
            with self._changed:
                self._deliveries.discard(delivery)
                self._changed.notify_all()

    def _take(self, delivery: Delivery) -> None:
        """Decide whether it is worked on at all, and keep twins apart."""
        try:
            job = Job.read(delivery.body)
        except UnreadableError as error:
            log.warning("message=%s cannot be read: %s", delivery.message, error)
            self._failed(delivery, delivery.message, 0)
            return
        if job.schema > SCHEMA:
            # Newer workers are on their way. At once, it would soon be a dead letter (rule 14).
            log.warning("job=%s has schema %d, and this knows %d", job.id, job.schema, SCHEMA)
            self._hide(delivery, self._settings.visibility)
            return
        with self._changed:
            at_work = job.id in self._jobs
            self._jobs.add(job.id)
        if at_work:
            log.info("job=%s is at work here already", job.id)
            self._hide(delivery, self._settings.job_limit)
            return
        try:
            if self._done.has(job.id):
                log.info("job=%s was done before", job.id)
                self._delete(delivery)
                return
            self._attempt(delivery, job)
        finally:
            with self._changed:
                self._jobs.discard(job.id)

    def _attempt(self, delivery: Delivery, job: Job) -> None:
        settings = self._settings
        began = time.monotonic()
        limit = began + settings.job_limit
        attempt = Attempt(self._handle, job, delivery.wake)
        while True:
            left = max(0.0, limit - time.monotonic())
            delivery.wake.wait(min(settings.heartbeat or left, left))
            seconds = time.monotonic() - began
            if attempt.ended and attempt.succeeded:
                self._succeeded(delivery, job.id, seconds)
                return
            if attempt.ended:
                self._failed(delivery, job.id, seconds)
                return
            if delivery.to_go_back:
                log.info("job=%s goes back after %.1f s", job.id, seconds)
                self._hide(delivery, 0)
                return
            if time.monotonic() >= limit:
                # Its thread hangs, and only the end of the process ends it (rule 6).
                log.error("job=%s is over its limit of %g s", job.id, settings.job_limit)
                self._measure(delivery, job.id, seconds, succeeded=False)
                self._broken = True
                return
            self._hide(delivery, settings.visibility)

    def _succeeded(self, delivery: Delivery, job: str, seconds: float) -> None:
        first = self._done.mark(job)
        self._delete(delivery)
        if first:
            self._measure(delivery, job, seconds, succeeded=True)
        else:
            log.info("job=%s was done elsewhere meanwhile", job)

    def _failed(self, delivery: Delivery, job: str, seconds: float) -> None:
        wait = self._settings.retry * 2 ** (delivery.receives - 1)
        self._hide(delivery, min(wait, LONGEST_RETRY_SECONDS))
        self._measure(delivery, job, seconds, succeeded=False)

    def _hide(self, delivery: Delivery, seconds: float) -> None:
        """Hide it for so long from now on; 0 gives it back."""
        try:
            self._sqs.change_message_visibility(
                QueueUrl=self._settings.queue_url,
                ReceiptHandle=delivery.receipt,
                VisibilityTimeout=min(math.ceil(seconds), LONGEST_VISIBILITY_SECONDS),
            )
        except (ClientError, BotoCoreError) as error:
            # The next heartbeat tries again; else it returns when its time is over.
            log.warning("message=%s keeps its visibility: %s", delivery.message, error)

    def _delete(self, delivery: Delivery) -> None:
        try:
            self._sqs.delete_message(
                QueueUrl=self._settings.queue_url, ReceiptHandle=delivery.receipt
            )
        except (ClientError, BotoCoreError) as error:
            # It returns, is known as done, and is deleted then.
            log.warning("message=%s is not deleted: %s", delivery.message, error)

    def _measure(self, delivery: Delivery, job: str, seconds: float, *, succeeded: bool) -> None:
        units = {"Succeeded": "Count", "Failed": "Count", "JobSeconds": "Seconds"}
        metrics = {
            "Namespace": self._settings.namespace,
            "Dimensions": [["Fleet"]],
            "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
        }
        line = {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metrics]},
            "Fleet": self._settings.fleet,
            "Succeeded": int(succeeded),
            "Failed": int(not succeeded),
            "JobSeconds": round(seconds, 3),
            "job": job,
            "receives": delivery.receives,
            "build": self._settings.build,
        }
        # One write a line: threads must not write into each other's.
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    def _finish(self) -> None:
        """Wait for what is at work as long as it may take, and give back the rest (rules 9-11)."""
        with self._changed:
            while self._deliveries and time.monotonic() < self._last_moment():
                self._changed.wait(LOOK_SECONDS)
            for delivery in self._deliveries:
                delivery.to_go_back = True
                delivery.wake.set()
            self._changed.wait_for(lambda: not self._deliveries, self._settings.stop_margin / 2)

    def _last_moment(self) -> float:
        if self._stopped_at is None:
            return math.inf
        return self._stopped_at + self._settings.stop - self._settings.stop_margin


def protection(settings: Settings, environment: Mapping[str, str]) -> Protect:
    """What keeps this machine from being scaled in; nothing does on one that nobody scales."""
    if agent := environment.get("ECS_AGENT_URI"):
        return TaskProtection(agent, settings.protection_minutes)
    if instance := environment.get("INSTANCE_ID"):
        autoscaling = boto3.client("autoscaling", region_name=settings.region)
        return InstanceProtection(autoscaling, environment["GROUP"], instance)
    log.warning("neither ECS_AGENT_URI nor INSTANCE_ID is set: no protection")
    return lambda _: True


def done_store(settings: Settings, environment: Mapping[str, str]) -> Done:
    """S3 where DONE_BUCKET names a bucket. By fleet, since a job may pass through several."""
    if bucket := environment.get("DONE_BUCKET"):
        s3 = boto3.client("s3", region_name=settings.region)
        return DoneInS3(s3, bucket, f"done/{settings.fleet}/")
    log.warning("DONE_BUCKET is not set: duplicates that reach another worker are done again")
    return DoneInMemory()


def run(handle: Callable[[Job], None]) -> None:
    """Work until told to stop, and exit. `handle` raises when the job failed."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        settings = Settings.read(os.environ)
        protect = protection(settings, os.environ)
    except KeyError as error:
        sys.exit(f"{error.args[0]} is not set; docs/worker-contract.md lists what a worker needs")
    except ValueError as error:
        sys.exit(f"a variable is not a number: {error}")
    log.info("fleet=%s build=%s begins", settings.fleet, settings.build)
    connections = Config(max_pool_connections=2 * settings.concurrency + 10)
    worker = Worker(
        settings,
        handle,
        sqs=boto3.client("sqs", region_name=settings.region, config=connections),
        done=done_store(settings, os.environ),
        guard=Guard(protect, settings.protection_minutes, settings.rest),
    )
    code = worker.run()
    log.info("ends with %d", code)
    logging.shutdown()
    sys.stdout.flush()
    # sys.exit would wait for thread pools of a job that was given back, and be killed for it.
    os._exit(code)
