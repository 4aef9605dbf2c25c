"""What the program's scaling does, minute by minute, with what CloudWatch knows written by hand.

The expressions, targets, cooldowns, steps and alarms are those of the recorded graph. All of it
holds under both readings of a gap (`Gaps`), and while the newest minutes are not delivered yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from tests.fleets.metric_math import Gaps, Series, evaluate
from tests.fleets.policies import (
    OF_QUEUE,
    POINTS_LOW,
    Alarm,
    Autoscaler,
    Fleet,
    Judged,
    Reading,
    Signal,
)

pytestmark = pytest.mark.parametrize("gaps", Gaps)

LATE = ((0, 0), (1, 0), (2, 1))
"""Minutes that the metrics of the queue, and the others, are late."""

GROUP_FOLLOWS_MINUTES = 2
"""How long the capacity provider takes to ask for the instances of new tasks (J)."""

seeded = trials(
    derandomize=True,
    database=None,
    max_examples=30,
    # The fleets are read-only.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
counts = st.none() | st.integers(min_value=0, max_value=500).map(float)


class Script:
    """A fleet, and what CloudWatch is told of it."""

    def __init__(
        self, fleet: Fleet, gaps: Gaps, *, desired: int, late: tuple[int, int] = (0, 0)
    ) -> None:
        self.fleet = fleet
        self.desired = desired
        self.late = late
        self.autoscaler = Autoscaler(fleet.main, gaps)
        self.minutes: list[Mapping[Reading, float]] = []

    def minute(
        self,
        *,
        waiting: float | None = 0,
        at_work: float | None = 0,
        wanted: bool = True,
        instances: int | None = None,
        running: int | None = None,
    ) -> int:
        """A minute goes by; how many workers are wanted after it.

        `instances` are those that the group wants, and `running` the workers that are up: as many
        as are wanted unless said.
        """
        main, told = self.fleet.main, dict[Reading, float]()
        if waiting is not None:
            told[Reading("waiting", self.fleet.queue)] = waiting
        if at_work is not None:
            told[Reading("at_work", self.fleet.queue)] = at_work
        if main.group:
            standing = self.desired if instances is None or main.of_instances else instances
            told[Reading("instances_wanted", main.group)] = standing
        if not main.of_instances:
            told[Reading("running", main.name)] = self.desired if running is None else running
            if wanted:
                told[Reading("wanted", main.name)] = self.desired
        self.minutes.append(told)
        self.desired = self.autoscaler.decide(60.0 * len(self.minutes), self.desired, self.points)
        return self.desired

    def points(self, reading: Reading, minutes: int) -> Series:
        late = self.late[0] if reading.signal in OF_QUEUE else self.late[1]
        newest = len(self.minutes) - late
        return tuple(
            self.minutes[at].get(reading) if 0 <= at < newest else None
            for at in range(len(self.minutes) - minutes, len(self.minutes))
        )


def resting(fleets: Iterable[Fleet]) -> list[Fleet]:
    return [fleet for fleet in fleets if fleet.main.floor == 0]


def named(judged: Judged, values: Mapping[Signal, Series]) -> dict[str, Series]:
    """Series by the ids that an expression has for them."""
    return {key: values[reading.signal] for key, reading in judged.readings.items()}


def as_seen(fleet: Fleet) -> Signal:
    return fleet.wanted().signal


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("wanted", [True, False], ids=["zero-published", "silent-at-rest"])
def test_one_job_wakes_a_fleet_at_rest(
    fleets: list[Fleet], gaps: Gaps, wanted: bool, late: tuple[int, int]
):  # M52, B12
    for fleet in resting(fleets):
        assert fleet.wake_alarms, f"{fleet.name} rests and nothing wakes it"
        if not wanted and fleet.main.group is None and fleet.waker:
            # Nothing tells the alarms that it rests; the waker asks the service itself.
            assert fleet.waker.wants(1) == 1
            continue
        script = Script(fleet, gaps, desired=0, late=late)
        for _ in range(30):
            assert script.minute(wanted=wanted) == 0
        for _ in range(max(alarm.periods for alarm in fleet.wake_alarms) + max(late)):
            script.minute(waiting=1, wanted=wanted)
        assert script.desired == 1, f"{fleet.name} sleeps on"


def test_a_fleet_at_rest_rests_while_there_is_no_job(fleets: list[Fleet], gaps: Gaps):  # M52
    for fleet in resting(fleets):
        for late in LATE:
            script = Script(fleet, gaps, desired=0, late=late)
            assert {script.minute() for _ in range(60)} == {0}


def test_a_large_backlog_starts_more_workers_than_one_and_never_too_many(
    fleets: list[Fleet], gaps: Gaps
):  # M52, M49
    for fleet in resting(fleets):
        started: list[int] = []
        for waiting in (1, 2 * fleet.tracking.target, 1000):
            script = Script(fleet, gaps, desired=0)
            script.minute()
            periods = max(alarm.periods for alarm in fleet.wake_alarms)
            started.append(max(script.minute(waiting=waiting) for _ in range(periods)))
        assert started == sorted(started)
        assert started[0] == 1
        assert started[-1] == min(fleet.main.ceiling, 4)


@seeded
@given(minutes=st.lists(st.tuples(counts, counts, counts), min_size=1, max_size=20))
def test_the_backlog_is_jobs_by_wanted_workers_and_never_by_none(
    fleets: list[Fleet], gaps: Gaps, minutes: list[tuple[float | None, ...]]
):  # M51, B12
    waiting, at_work, wanted = (tuple(each) for each in zip(*minutes, strict=True))
    for fleet in fleets:
        judged = fleet.tracking.judged
        values: dict[Signal, Series] = {"waiting": waiting, "at_work": at_work}
        values[as_seen(fleet)] = wanted
        series = evaluate(judged.text, named(judged, values), gaps)
        workers: float | None = None
        for told, backlog in zip(minutes, series, strict=True):
            here_waiting, here_at_work, here_wanted = told
            workers = workers if here_wanted is None else here_wanted
            if here_waiting is None or here_at_work is None or workers is None:
                assert backlog is None, f"{judged.text} makes {backlog} of {told}"
            else:
                jobs = here_waiting + here_at_work
                assert backlog == pytest.approx(jobs / max(workers, 1))


@pytest.mark.parametrize("late", LATE)
def test_jobs_at_work_keep_workers_until_the_last_is_done(
    fleets: list[Fleet], gaps: Gaps, late: tuple[int, int]
):  # M51
    for fleet in fleets:
        for busy in range(1, fleet.main.ceiling + 1):
            at_work = busy * fleet.concurrency
            enough = max(fleet.main.floor, math.ceil(at_work / fleet.tracking.target))
            script = Script(fleet, gaps, desired=max(busy, fleet.main.floor), late=late)
            wanted = [script.minute(at_work=at_work) for _ in range(60)]
            assert min(wanted) >= max(enough, 1)
            assert max(wanted) <= max(busy, fleet.main.floor)


@pytest.mark.parametrize("late", LATE)
def test_workers_that_still_boot_are_not_asked_for_again(
    fleets: list[Fleet], gaps: Gaps, late: tuple[int, int]
):  # M51
    for fleet in fleets:
        first = max(fleet.main.floor, 1)
        for share in (0.1, 0.25, 0.5, 0.9):
            jobs = math.ceil(share * fleet.main.ceiling * fleet.tracking.target)
            enough = max(first, math.ceil(jobs / fleet.tracking.target))
            script = Script(fleet, gaps, desired=first, late=late)
            at_work = min(jobs, first * fleet.concurrency)
            wanted = [
                script.minute(waiting=jobs - at_work, at_work=at_work, instances=first)
                for _ in range(15)
            ]
            assert wanted[-1] == enough, f"{fleet.name}: {jobs} jobs make {wanted}"
            assert max(wanted) == enough, f"{fleet.name}: {jobs} jobs make {wanted}"


def test_by_running_workers_it_would_ask_again_and_again(fleets: list[Fleet], gaps: Gaps):
    """What the denominator is for: the same with the workers that are up."""
    for fleet in fleets:
        if fleet.main.of_instances or fleet.main.ceiling < 10:
            continue
        tracking = fleet.tracking
        readings = {
            key: replace(reading, signal="running") if reading.signal == "wanted" else reading
            for key, reading in tracking.judged.readings.items()
        }
        judged = replace(tracking.judged, readings=readings)
        main = replace(fleet.main, tracking=replace(tracking, judged=judged))
        script = Script(replace(fleet, main=main), gaps, desired=2)
        jobs = 5 * tracking.target
        for _ in range(10):
            script.minute(waiting=jobs - 2, at_work=2, running=2)
        assert script.desired > 5


@pytest.mark.parametrize("late", LATE)
def test_it_returns_to_its_floor_once_nothing_waits_and_nothing_is_at_work(
    fleets: list[Fleet], gaps: Gaps, late: tuple[int, int]
):  # M52
    for fleet in fleets:
        script = Script(fleet, gaps, desired=fleet.main.ceiling, late=late)
        # Idle instances stay for a quarter of an hour after their tasks.
        wanted = [script.minute(instances=fleet.main.ceiling) for _ in range(POINTS_LOW + 5)]
        wanted += [script.minute(instances=0) for _ in range(60)]
        assert wanted[0] == fleet.main.ceiling
        assert set(wanted[POINTS_LOW + 4 :]) == {fleet.main.floor}


@seeded
@given(
    told=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=20, max_size=40)
)
def test_missing_points_of_a_steady_load_change_nothing(
    fleets: list[Fleet], gaps: Gaps, told: list[tuple[bool, bool, bool]]
):  # M51, B12
    for fleet in fleets:
        desired = max(fleet.main.floor, 1)
        waiting = fleet.tracking.target * desired - desired
        # Where the alarms must wake alone, a service that is silent counts as one at rest.
        alone = fleet.waker is None and fleet.main.floor == 0
        script = Script(fleet, gaps, desired=desired)
        for has_waiting, has_at_work, has_wanted in told:
            script.minute(
                waiting=waiting if has_waiting else None,
                at_work=desired if has_at_work else None,
                wanted=has_wanted or alone,
            )
            assert script.desired == desired


@pytest.mark.parametrize("late", LATE)
def test_growth_waits_for_no_minute_that_is_not_delivered_yet(
    fleets: list[Fleet], gaps: Gaps, late: tuple[int, int]
):  # M51, B12
    for fleet in fleets:
        first = max(fleet.main.floor, 1)
        if first == fleet.main.ceiling:
            continue
        jobs = fleet.tracking.target * fleet.main.ceiling
        script = Script(fleet, gaps, desired=first, late=late)
        for _ in range(3 + max(late)):
            script.minute(waiting=jobs - first, at_work=first)
        assert script.desired == fleet.main.ceiling, f"{fleet.name} does not grow"


def test_silence_of_the_queue_takes_no_worker(fleets: list[Fleet], gaps: Gaps):  # M51
    for fleet in fleets:
        for late in LATE:
            desired = fleet.main.ceiling
            script = Script(fleet, gaps, desired=desired, late=late)
            for _ in range(5):
                script.minute(waiting=fleet.tracking.target * desired - desired, at_work=desired)
            for _ in range(60):
                assert script.minute(waiting=None, at_work=None) == desired


def test_silence_about_the_workers_takes_none(fleets: list[Fleet], gaps: Gaps):
    for fleet in fleets:
        if fleet.main.of_instances:
            continue
        desired = fleet.main.ceiling
        script = Script(fleet, gaps, desired=desired)
        for _ in range(60):
            jobs = fleet.tracking.target * desired
            assert script.minute(waiting=jobs - desired, at_work=desired, wanted=False) == desired


def state(alarm: Alarm, gaps: Gaps, values: Mapping[Signal, Series]) -> str:
    return alarm.state(evaluate(alarm.judged.text, named(alarm.judged, values), gaps))


@seeded
@given(
    waiting=st.lists(counts, min_size=10, max_size=10).map(tuple),
    workers=st.lists(st.integers(1, 20).map(float), min_size=10, max_size=10).map(tuple),
    late=st.sampled_from(LATE),
)
def test_no_alarm_wakes_a_fleet_that_wants_workers(
    fleets: list[Fleet], gaps: Gaps, waiting: Series, workers: Series, late: tuple[int, int]
):  # M52
    behind, behind_others = (slice(10 - each) for each in late)
    for fleet in resting(fleets):
        for alarm in fleet.wake_alarms:
            values: dict[Signal, Series] = {
                "waiting": (*waiting[behind], *(None,) * late[0]),
                "wanted": (*workers[behind_others], *(None,) * late[1]),
                "instances_wanted": (*workers[behind_others], *(None,) * late[1]),
            }
            assert state(alarm, gaps, values) != "ALARM"


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("by", ["alarm", "waker"])
def test_a_job_that_waits_for_the_first_worker_to_boot_starts_no_second(
    fleets: list[Fleet], gaps: Gaps, by: str, late: tuple[int, int]
):  # M52
    for fleet in resting(fleets):
        if by == "waker" and fleet.waker is None:
            continue
        script = Script(fleet, gaps, desired=0, late=late)
        for _ in range(20):
            script.minute()
        script.minute(waiting=1)
        if by == "waker":
            script.desired = 1
        woken, wanted = 0, {1}
        for _ in range(12):
            woken += script.desired > 0
            follows = script.desired if woken > GROUP_FOLLOWS_MINUTES else 0
            wanted.add(script.minute(waiting=1, instances=follows))
        assert max(wanted) == 1, f"{fleet.name} wants {max(wanted)} workers for one job"
        assert script.desired == 1
