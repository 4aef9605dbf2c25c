"""A queue and its fleet from event to event, scaled every minute by the graph's own policies.

    outcome = simulate(World(hours=24, rate=steady(2), peak=2), fleet)
    assert outcome.killed == 0

One line of jobs, workers that boot, spot that goes, and the metrics that AWS would publish of all
that, as late as it publishes them. No AWS and no clock: the same seed makes the same day. What is
judgement is marked J; all of it is a field of `World`.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.fleets.metric_math import Gaps, Series
from tests.fleets.policies import OF_QUEUE, Autoscaler, Fleet, Purchase, Reading, Scalable

MINUTE = 60.0
HOUR = 3600.0

NOTICE_SECONDS = 110
"""What a job on spot has left after the notice of 120 s, by the workers' stop timeout."""

Rate = Callable[[float], float]
"""Jobs a minute, at a second of the day."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What happens to a fleet."""

    hours: float
    rate: Rate
    peak: float
    """The highest rate, in jobs a minute."""
    job_seconds: float = 60
    spread: Literal["exponential", "lognormal"] = "lognormal"
    """Of the time that jobs take; both have a coefficient of variation of 1."""
    boot_seconds: tuple[float, float] = (150, 330)
    """From the launch of an instance to a worker that takes jobs."""
    start_seconds: tuple[float, float] = (20, 40)
    """Of a task on an instance that stands already (J)."""
    hold_seconds: float = 900
    """How long an instance without a task stays: the capacity provider's 15 points."""
    interruptions: float = 0
    """Of a spot instance, in an hour."""
    drought: tuple[float, float] = (0, 0)
    """From which second to which there is no spot to buy."""
    late_minutes: int = 1
    """How many of their newest minutes the metrics have not delivered (J)."""
    queue_late_minutes: int = 2
    """The same of the queue's metrics, which come from elsewhere (J)."""
    silence: tuple[float, float] = (0, 0)
    """From which second to which the queue publishes nothing."""
    wanted_at_rest: bool = True
    """Whether Container Insights reports a service without tasks, which is not documented."""
    waker: bool = True
    """Whether functions/waker does its work."""
    protection: bool = True
    """Whether workers at work are kept from scaling in."""
    gaps: Gaps = Gaps.ZERO
    seed: int = 1


def steady(jobs_per_minute: float, until: float = math.inf) -> Rate:
    return lambda second: jobs_per_minute if second < until else 0


@dataclass
class Job:
    number: int
    arrived: float
    seconds: float
    waited: float | None = None


@dataclass(eq=False)
class Worker:
    pool: Pool
    spot: bool
    launched: float
    task: bool = True
    """Whether it is one of those that are wanted; else an instance that waits for a task."""
    ready: bool = False
    idle_since: float = 0
    jobs: dict[int, Job] = field(default_factory=dict)
    ends: dict[int, float] = field(default_factory=dict)
    doomed: bool = False
    gone: bool = False


@dataclass(eq=False)
class Pool:
    """The workers of one scalable."""

    scalable: Scalable | None
    autoscaler: Autoscaler | None
    desired: int
    workers: list[Worker] = field(default_factory=list)

    @property
    def tasks(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.task]

    @property
    def purchase(self) -> Purchase:
        return self.scalable.purchase if self.scalable else Purchase()


@dataclass(frozen=True)
class Minute:
    """How things stood at the end of a minute."""

    waiting: int
    at_work: int
    desired: int
    """Of the fleet itself."""
    overflow: int
    instances: int


@dataclass
class Outcome:
    arrived: int = 0
    done: Counter[int] = field(default_factory=Counter)
    """How often each job was finished, by its number."""
    waits: list[float] = field(default_factory=list)
    """From arrival to the first start."""
    interrupted: int = 0
    """Workers that spot took."""
    redone: int = 0
    """Jobs that began again because of it."""
    killed: int = 0
    """Jobs that scaling in took from a worker at work."""
    wakes: int = 0
    busy_seconds: float = 0
    on_demand_seconds: float = 0
    spot_seconds: float = 0
    minutes: list[Minute] = field(default_factory=list)

    @property
    def mean_wait(self) -> float:
        return sum(self.waits) / len(self.waits)

    def wait(self, share: float) -> float:
        """The wait that this share of the jobs stayed under."""
        return sorted(self.waits)[math.ceil(share * len(self.waits)) - 1]

    @property
    def peak(self) -> int:
        """The most workers that the fleet itself wanted."""
        return max(minute.desired for minute in self.minutes)

    @property
    def instance_hours(self) -> float:
        return (self.on_demand_seconds + self.spot_seconds) / HOUR


def simulate(world: World, fleet: Fleet | None = None, workers: int = 0) -> Outcome:
    """What becomes of a fleet in a world; of a fixed number of workers when there is no fleet."""
    return _Simulation(world, fleet, workers).run()


class _Simulation:
    def __init__(self, world: World, fleet: Fleet | None, workers: int) -> None:
        self.world = world
        self.fleet = fleet
        self.random = random.Random(world.seed)
        self.now = 0.0
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.order = 0
        self.queue: deque[Job] = deque()
        self.free: dict[Worker, None] = {}
        self.at_work = 0
        self.most_waiting = self.most_at_work = 0
        self.outcome = Outcome()
        self.history: dict[Reading, dict[int, float]] = {}
        self.minute = 0
        self.concurrency = fleet.concurrency if fleet else 1
        if fleet is None:
            self.pools = [Pool(None, None, workers)]
        else:
            scalables = [fleet.main, *([fleet.overflow] if fleet.overflow else [])]
            self.pools = [
                Pool(scalable, Autoscaler(scalable, world.gaps), scalable.floor)
                for scalable in scalables
            ]

    def run(self) -> Outcome:
        for pool in self.pools:
            for _ in range(pool.desired):
                self._ready(self._launch(pool, boots=False))
        self._next_arrival()
        if self.fleet:
            self._at(MINUTE, self._tick)
        while self.events and self.events[0][0] <= self.world.hours * HOUR:
            self.now, _, happen = heapq.heappop(self.events)
            happen()
        for pool in self.pools:
            for worker in list(pool.workers):
                self._pay(worker)
        return self.outcome

    def _at(self, seconds: float, happen: Callable[[], None]) -> None:
        self.order += 1
        heapq.heappush(self.events, (self.now + seconds, self.order, happen))

    # Jobs

    def _next_arrival(self) -> None:
        """A Poisson stream at the peak rate, thinned to the rate of the moment."""
        seconds = 0.0
        while True:
            seconds += self.random.expovariate(self.world.peak / MINUTE)
            moment = self.now + seconds
            if moment > self.world.hours * HOUR:
                return
            if self.random.random() * self.world.peak < self.world.rate(moment):
                break
        self._at(seconds, self._arrive)

    def _arrive(self) -> None:
        self.outcome.arrived += 1
        self.queue.append(Job(self.outcome.arrived, self.now, self._job_seconds()))
        self._hand_out()
        self._next_arrival()

    def _job_seconds(self) -> float:
        mean = self.world.job_seconds
        if self.world.spread == "exponential":
            return self.random.expovariate(1 / mean)
        sigma = math.sqrt(math.log(2))
        return self.random.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)

    def _hand_out(self) -> None:
        while self.queue and self.free:
            worker = next(iter(self.free))
            job = self.queue.popleft()
            if job.waited is None:
                job.waited = self.now - job.arrived
                self.outcome.waits.append(job.waited)
            worker.jobs[job.number] = job
            worker.ends[job.number] = self.now + job.seconds
            self.at_work += 1
            if len(worker.jobs) == self.concurrency:
                del self.free[worker]
            self._at(job.seconds, lambda worker=worker, job=job: self._done(worker, job))
        self.most_waiting = max(self.most_waiting, len(self.queue))
        self.most_at_work = max(self.most_at_work, self.at_work)

    def _done(self, worker: Worker, job: Job) -> None:
        if worker.ends.get(job.number) != self.now:
            return
        self._drop(worker, job)
        self.outcome.done[job.number] += 1
        self.outcome.busy_seconds += job.seconds
        if worker.doomed:
            if not worker.jobs:
                self._end(worker)
        elif not worker.jobs and len(worker.pool.tasks) > worker.pool.desired:
            self._release(worker)
        else:
            self._free(worker)
        self._hand_out()

    def _drop(self, worker: Worker, job: Job) -> None:
        del worker.jobs[job.number], worker.ends[job.number]
        self.at_work -= 1

    def _give_back(self, worker: Worker, job: Job) -> None:
        """To the head of the line, where SQS's oldest messages roughly are."""
        self._drop(worker, job)
        self.queue.appendleft(job)

    # Workers

    def _launch(self, pool: Pool, *, boots: bool = True) -> Worker:
        spot = self._next_is_spot(pool)
        worker = Worker(pool, spot, self.now)
        pool.workers.append(worker)
        if boots:
            self._at(self.random.uniform(*self.world.boot_seconds), lambda: self._ready(worker))
        if spot and self.world.interruptions:
            hours = self.random.expovariate(self.world.interruptions)
            self._at(hours * HOUR, lambda: self._interrupt(worker))
        return worker

    def _next_is_spot(self, pool: Pool) -> bool:
        on_demand = sum(not worker.spot for worker in pool.workers)
        return on_demand >= pool.purchase.on_demand(len(pool.workers) + 1)

    def _ready(self, worker: Worker) -> None:
        if worker.gone:
            return
        worker.ready = True
        worker.idle_since = self.now
        if worker.task:
            self._free(worker)
            self._hand_out()

    def _free(self, worker: Worker) -> None:
        worker.idle_since = self.now
        self.free[worker] = None

    def _interrupt(self, worker: Worker) -> None:
        if worker.gone:
            return
        self.outcome.interrupted += 1
        worker.doomed = True
        self.free.pop(worker, None)
        for job in list(worker.jobs.values()):
            if worker.ends[job.number] - self.now > NOTICE_SECONDS:
                self.outcome.redone += 1
                self._give_back(worker, job)
        if not worker.jobs:
            self._end(worker)
        self._hand_out()

    def _release(self, worker: Worker) -> None:
        """Its task stops; its instance stays for a while, when it stands on one."""
        worker.task = False
        self.free.pop(worker, None)
        for job in list(worker.jobs.values()):
            self.outcome.killed += 1
            self._give_back(worker, job)
        scalable = worker.pool.scalable
        if scalable is None or scalable.of_instances or scalable.group is None:
            self._end(worker)
        elif worker.ready:
            worker.idle_since = self.now

    def _end(self, worker: Worker) -> None:
        worker.gone = True
        worker.pool.workers.remove(worker)
        self.free.pop(worker, None)
        self._pay(worker)

    def _pay(self, worker: Worker) -> None:
        seconds = self.now - worker.launched
        if worker.spot:
            self.outcome.spot_seconds += seconds
        else:
            self.outcome.on_demand_seconds += seconds

    # Minutes

    def _tick(self) -> None:
        assert self.fleet
        self.minute += 1
        self._publish(self.fleet)
        for pool in self.pools:
            assert pool.autoscaler
            before = pool.desired
            pool.desired = pool.autoscaler.decide(self.now, before, self._points)
            if pool is self.pools[0]:
                self._wake(self.fleet, pool)
                self.outcome.wakes += before == 0 < pool.desired
            self._fit(pool)
        main, *overflow = self.pools
        self.outcome.minutes.append(
            Minute(
                len(self.queue),
                self.at_work,
                main.desired,
                sum(pool.desired for pool in overflow),
                sum(len(pool.workers) for pool in self.pools),
            )
        )
        self._at(MINUTE, self._tick)

    def _wake(self, fleet: Fleet, pool: Pool) -> None:
        if fleet.waker and self.world.waker and pool.desired == 0 and self.queue:
            pool.desired = fleet.waker.wants(len(self.queue))

    def _publish(self, fleet: Fleet) -> None:
        if not self._within(self.world.silence):
            oldest = max((self.now - job.arrived for job in self.queue), default=0)
            self._record(Reading("waiting", fleet.queue), self.most_waiting)
            self._record(Reading("at_work", fleet.queue), self.most_at_work)
            self._record(Reading("oldest", fleet.queue), oldest)
        self.most_waiting, self.most_at_work = len(self.queue), self.at_work
        for pool in self.pools:
            scalable = pool.scalable
            assert scalable
            tasks = pool.tasks
            if not scalable.of_instances and (pool.desired or tasks or self.world.wanted_at_rest):
                running = sum(worker.ready for worker in tasks)
                self._record(Reading("wanted", scalable.name), pool.desired)
                self._record(Reading("running", scalable.name), running)
            if scalable.group:
                standing = sum(worker.ready for worker in pool.workers)
                wanted = max(pool.desired, len(tasks)) + len(pool.workers) - len(tasks)
                self._record(Reading("instances_wanted", scalable.group), wanted)
                self._record(Reading("instances_running", scalable.group), standing)
                starting = len(pool.workers) - standing
                self._record(Reading("instances_starting", scalable.group), starting)

    def _record(self, reading: Reading, value: float) -> None:
        self.history.setdefault(reading, {})[self.minute] = value

    def _points(self, reading: Reading, minutes: int) -> Series:
        known = self.history.get(reading, {})
        of_queue = reading.signal in OF_QUEUE
        late = self.world.queue_late_minutes if of_queue else self.world.late_minutes
        delivered = range(self.minute - minutes + 1, self.minute - late + 1)
        return (*map(known.get, delivered), *[None] * min(late, minutes))

    def _within(self, span: tuple[float, float]) -> bool:
        return span[0] <= self.now < span[1]

    def _fit(self, pool: Pool) -> None:
        """As many tasks as are wanted, on instances that are bought and given back for them."""
        self._shrink(pool)
        self._grow(pool)
        for worker in list(pool.workers):
            idle = self.now - worker.idle_since
            if not worker.task and worker.ready and idle >= self.world.hold_seconds:
                self._end(worker)

    def _shrink(self, pool: Pool) -> None:
        tasks = pool.tasks
        surplus = len(tasks) - pool.desired
        if surplus <= 0:
            return
        # Those that still boot go first, then idle ones; those at work go only without protection.
        ranked = sorted(tasks, key=lambda worker: (len(worker.jobs), worker.ready))
        if self.world.protection:
            ranked = [worker for worker in ranked if not worker.jobs]
        else:
            self.random.shuffle(ranked)
        for worker in ranked[:surplus]:
            self._release(worker)

    def _grow(self, pool: Pool) -> None:
        short = pool.desired - len(pool.tasks)
        for worker in [each for each in pool.workers if not each.task and not each.doomed]:
            if short <= 0:
                return
            short -= 1
            worker.task = True
            if worker.ready:
                worker.ready = False
                seconds = self.random.uniform(*self.world.start_seconds)
                self._at(seconds, lambda worker=worker: self._ready(worker))
        for _ in range(short):
            if self._next_is_spot(pool) and self._within(self.world.drought):
                return
            self._launch(pool)
