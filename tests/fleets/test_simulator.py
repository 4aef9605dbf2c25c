"""Days of a fleet, under the graph's own policies; and that the simulator itself can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.fleets.metric_math import Gaps
from tests.fleets.policies import (
    Alarm,
    Fleet,
    Judged,
    Purchase,
    Reading,
    Scalable,
    Step,
    StepPolicy,
)
from tests.fleets.simulator import HOUR, Outcome, Rate, World, simulate, steady

BOTH = pytest.mark.parametrize("gaps", Gaps)


def probability_of_waiting(workers: int, load: float) -> float:
    """Erlang's C: the share of jobs that find all workers busy."""
    last = load**workers / math.factorial(workers) * workers / (workers - load)
    return last / (sum(load**k / math.factorial(k) for k in range(workers)) + last)


def day(fleet: Fleet, share: float) -> Rate:
    """By day up to a share of what the whole fleet does, nothing by night, nothing at the end."""
    most = full(fleet) * share

    def rate(second: float) -> float:
        hour = second / HOUR
        return most * max(0.0, math.sin((hour - 1) / 10 * math.pi)) if hour < 20 else 0

    return rate


def bursts(fleet: Fleet, share: float) -> Rate:
    """A quarter of an hour of much work every three hours, and a little between."""
    most = full(fleet) * share
    return lambda second: most * (1 if second % (3 * HOUR) < 900 else 0.05)


def full(fleet: Fleet) -> float:
    """Jobs of a minute each that the whole fleet does in a minute."""
    return float(fleet.main.ceiling * fleet.concurrency)


def unfinished(outcome: Outcome) -> int:
    return outcome.arrived - len(outcome.done)


def lost_or_twice(outcome: Outcome) -> list[int]:
    return [job for job in range(1, outcome.arrived + 1) if outcome.done[job] != 1]


# Section 11 of the notes on fleets: workers, jobs a minute, mean wait by Erlang C.
@pytest.mark.parametrize(
    ("workers", "rate", "wait"), [(4, 3.0, 30.6), (6, 4.5, 16.9), (10, 8.0, 12.3)]
)
def test_a_fixed_fleet_lets_jobs_wait_as_erlang_says(workers: int, rate: float, wait: float):
    assert probability_of_waiting(workers, rate) * 60 / (workers - rate) == pytest.approx(
        wait, abs=0.05
    )
    world = World(hours=60_000 / rate / 60, rate=steady(rate), peak=rate, spread="exponential")
    outcome = simulate(world, workers=workers)
    assert outcome.mean_wait == pytest.approx(wait, rel=0.1)
    used = outcome.busy_seconds / outcome.on_demand_seconds
    assert used == pytest.approx(rate / workers, rel=0.02)


def test_jobs_take_as_long_on_average_however_they_spread():
    for spread in ("exponential", "lognormal"):
        world = World(hours=500, rate=steady(1), peak=1, spread=spread)
        outcome = simulate(world, workers=10)
        assert outcome.busy_seconds / len(outcome.done) == pytest.approx(60, rel=0.03)


def test_a_seed_makes_a_day_and_another_seed_another(fleets: list[Fleet]):
    for fleet in fleets:
        world = World(hours=4, rate=day(fleet, 0.5), peak=full(fleet), interruptions=1)
        again, other = simulate(world, fleet), simulate(replace(world, seed=2), fleet)
        assert simulate(world, fleet) == again
        assert other.waits != again.waits


@BOTH
@pytest.mark.parametrize("hazard", [0, 1])
def test_no_job_is_lost_or_taken_from_its_worker_by_scaling(
    fleets: list[Fleet], gaps: Gaps, hazard: float
):  # M54, B9
    for fleet in fleets:
        world = World(
            hours=24, rate=day(fleet, 0.6), peak=full(fleet), gaps=gaps, interruptions=hazard
        )
        outcome = simulate(world, fleet)
        assert outcome.arrived > 100
        assert lost_or_twice(outcome) == []
        assert outcome.killed == 0
        assert outcome.peak <= fleet.main.ceiling


def test_a_long_job_that_spot_interrupts_is_done_again(fleets: list[Fleet]):  # B9
    for fleet in fleets:
        main = replace(fleet.main, purchase=Purchase(0, 0))
        world = World(
            hours=20,
            rate=steady(full(fleet) / 40, until=12 * HOUR),
            peak=full(fleet) / 40,
            job_seconds=600,
            interruptions=1,
        )
        outcome = simulate(world, replace(fleet, main=main))
        assert outcome.redone > 0
        assert lost_or_twice(outcome) == []


def test_without_protection_scaling_in_would_take_jobs_from_their_workers(fleets: list[Fleet]):
    """That none is taken is protection's doing, and is counted where it happens."""
    for fleet in fleets:
        if fleet.main.ceiling - fleet.main.floor < 4:
            continue
        world = World(hours=12, rate=bursts(fleet, 0.6), peak=full(fleet), job_seconds=300)
        assert simulate(world, fleet).killed == 0
        assert simulate(replace(world, protection=False), fleet).killed > 0


@BOTH
@pytest.mark.parametrize("waker", [True, False], ids=["waker", "alarms-alone"])
@pytest.mark.parametrize("wanted", [True, False], ids=["zero-published", "silent-at-rest"])
def test_a_fleet_wakes_for_each_of_a_few_jobs_and_rests_after_it(
    fleets: list[Fleet], gaps: Gaps, waker: bool, wanted: bool
):  # M52
    for fleet in fleets:
        if fleet.main.floor or not (waker or wanted or fleet.main.group):
            continue
        world = World(
            hours=24,
            rate=steady(1 / 60, until=22 * HOUR),
            peak=1 / 60,
            gaps=gaps,
            waker=waker,
            wanted_at_rest=wanted,
        )
        outcome = simulate(world, fleet)
        assert outcome.wakes >= 10
        assert lost_or_twice(outcome) == []
        assert outcome.peak == 1
        # A worker boots in 5.5 minutes. The waker sees a job within a minute, and the alarms within
        # 7; where only the group's size tells them, once the last idle instance has gone.
        noticed = 1 if waker and fleet.waker else 7 if wanted else 7 + 15
        assert outcome.wait(0.9) < (noticed + 5.5) * 60
        last = outcome.minutes[-1]
        assert (last.desired, last.waiting, last.at_work, last.instances) == (0, 0, 0, 0)


@BOTH
def test_after_its_work_a_fleet_is_at_its_floor(fleets: list[Fleet], gaps: Gaps):  # M49, M52
    for fleet in fleets:
        world = World(hours=24, rate=day(fleet, 0.8), peak=full(fleet), gaps=gaps)
        outcome = simulate(world, fleet)
        assert unfinished(outcome) == 0
        assert outcome.minutes[-1].desired == fleet.main.floor
        assert outcome.minutes[-1].instances == fleet.main.floor


@BOTH
def test_a_fleet_grows_into_a_long_burst_and_works_it_off(fleets: list[Fleet], gaps: Gaps):  # M51
    for fleet in fleets:
        rate = full(fleet) * 3
        world = World(hours=8, rate=steady(rate, until=HOUR), peak=rate, gaps=gaps)
        outcome = simulate(world, fleet)
        assert outcome.peak == fleet.main.ceiling
        assert unfinished(outcome) == 0


@BOTH
def test_a_queue_that_reports_nothing_for_an_hour_costs_no_worker(
    fleets: list[Fleet], gaps: Gaps
):  # M51
    for fleet in fleets:
        rate = full(fleet) * 0.9
        silent = (2 * HOUR, 3 * HOUR)
        world = World(hours=4, rate=steady(rate), peak=rate, gaps=gaps, silence=silent)
        minutes = simulate(world, fleet).minutes
        # What the points from before it decide, they decide within the alarms' range.
        settled, last = int(silent[0] / 60) + 20, int(silent[1] / 60) - 1
        wanted = {minute.desired for minute in minutes[settled:last]}
        assert len(wanted) == 1
        assert min(wanted) >= max(fleet.main.floor, 1)


@BOTH
def test_booting_workers_are_not_ordered_twice(fleets: list[Fleet], gaps: Gaps):  # M51
    """A wanted count that is two minutes old, read again after each growth, would double it."""
    for fleet in fleets:
        rate = bursts(fleet, 0.7)
        prompt = World(
            hours=12,
            rate=rate,
            peak=full(fleet),
            gaps=gaps,
            late_minutes=0,
            queue_late_minutes=0,
        )
        late = replace(prompt, late_minutes=1, queue_late_minutes=2)
        assert simulate(late, fleet).instance_hours == pytest.approx(
            simulate(prompt, fleet).instance_hours, rel=0.15
        )


def overflowing(fleets: Iterable[Fleet]) -> list[Fleet]:
    """Fleets with their overflow, the notes' own where the graph has none but could."""
    return [
        fleet if fleet.overflow else replace(fleet, overflow=_overflow(fleet))
        for fleet in fleets
        if fleet.main.purchase.percent < 100 and fleet.main.ceiling >= 10
    ]


def _overflow(fleet: Fleet) -> Scalable:
    """Section 5 of the notes: in after 5 minutes of missing instances and old jobs, out after 15
    of an empty queue."""
    group = str(fleet.main.group)
    missing = Judged(
        {
            "oldest": Reading("oldest", fleet.queue),
            "wanted": Reading("instances_wanted", group),
            "there": Reading("instances_running", group),
        },
        {"judged": "IF(oldest >= 0, IF(oldest > 600 AND wanted > there, wanted - there, 0))"},
        "judged",
    )
    left = Judged(
        {"v": Reading("waiting", fleet.queue), "f": Reading("at_work", fleet.queue)},
        {"judged": "v + f"},
        "judged",
    )

    def policy(name: str, comparison: str, judged: Judged, minutes: int, *steps: Step):
        alarm = Alarm(
            name=name,
            judged=judged,
            comparison=comparison,
            threshold=1,
            periods=minutes,
            datapoints=minutes,
            missing="notBreaching",
        )
        return StepPolicy(name=name, exact=True, cooldown=60, steps=steps, alarms=(alarm,))

    up = (Step(0, 3, 2), Step(3, 8, 6), Step(8, math.inf, 14))
    return Scalable(
        name=f"{fleet.main.name}-overflow",
        floor=0,
        ceiling=14,
        tracking=None,
        steps=(
            policy("in", "GreaterThanOrEqualToThreshold", missing, 5, *up),
            policy("out", "LessThanThreshold", left, 15, Step(-math.inf, 0, 0)),
        ),
        group=f"{group}-overflow",
        purchase=Purchase(),
    )


@BOTH
def test_an_overflow_ends_the_wait_of_a_drought_and_then_itself(
    fleets: list[Fleet], gaps: Gaps
):  # M50
    for fleet in overflowing(fleets):
        world = World(
            hours=12,
            rate=steady(full(fleet) / 2, until=5 * HOUR),
            peak=full(fleet),
            gaps=gaps,
            drought=(1 * HOUR, 5 * HOUR),
            interruptions=2,
        )
        with_overflow, without = (
            simulate(world, fleet),
            simulate(world, replace(fleet, overflow=None)),
        )
        assert lost_or_twice(with_overflow) == []
        assert with_overflow.killed == 0
        assert max(minute.overflow for minute in with_overflow.minutes) > 1
        assert with_overflow.wait(0.95) < without.wait(0.95) / 2
        assert with_overflow.minutes[-1].overflow == 0
