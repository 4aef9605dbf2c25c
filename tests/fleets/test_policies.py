"""What the tests take AWS to do with alarms and policies: tests/fleets/policies.py."""

from __future__ import annotations

import math

import pytest

from tests.fleets.metric_math import Series
from tests.fleets.policies import (
    Alarm,
    Autoscaler,
    Judged,
    Purchase,
    Reading,
    Scalable,
    Step,
    StepPolicy,
    Tracking,
)

JOBS = Judged({"jobs": Reading("waiting", "render")}, {}, "jobs")


def alarm(**changes: object) -> Alarm:
    said = {
        "name": "alarm",
        "judged": JOBS,
        "comparison": "GreaterThanOrEqualToThreshold",
        "threshold": 1,
        "periods": 3,
        "datapoints": 3,
        "missing": "missing",
    }
    return Alarm(**(said | changes))  # pyright: ignore[reportArgumentType]


def points(text: str) -> Series:
    """The page's own shorthand: 0 is within the threshold, X beyond it, - missing."""
    return tuple({"0": 0.0, "X": 1.0, "-": None}[each] for each in text.split())


OK, RED, NONE, KEPT = "OK", "ALARM", "INSUFFICIENT_DATA", "kept"


# The tables of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
# alarms-and-missing-data.html, for missing, ignore, breaching and notBreaching.
@pytest.mark.parametrize(
    ("text", "datapoints", "states"),
    [
        ("0 - X - X", 3, (OK, OK, OK, OK)),
        ("0 - - - -", 3, (OK, OK, OK, OK)),
        ("- - - - -", 3, (NONE, KEPT, RED, OK)),
        ("0 X X - X", 3, (RED, RED, RED, RED)),
        ("- - - - X", 3, (NONE, KEPT, RED, OK)),
        ("X - - - -", 3, (RED, KEPT, RED, OK)),
        ("0 - X - X", 2, (RED, RED, RED, RED)),
        ("0 0 X 0 X", 2, (RED, RED, RED, RED)),
        ("0 - X - -", 2, (OK, OK, RED, OK)),
        ("- - - - 0", 2, (OK, OK, RED, OK)),
        ("- - - - X", 2, (NONE, KEPT, RED, OK)),
    ],
)
def test_an_alarm_takes_missing_points_as_in_the_tables_of_the_page(
    text: str, datapoints: int, states: tuple[str, ...]
):
    for missing, state in zip(
        ("missing", "ignore", "breaching", "notBreaching"), states, strict=True
    ):
        for before in (OK, RED):
            watched = alarm(datapoints=datapoints, missing=missing)
            wanted = before if state == KEPT else state
            assert watched.state(points(text), before) == wanted, (missing, before)


STEPS = (Step(0, 5, 1), Step(5, math.inf, 4))


def stepping(*steps: Step, exact: bool = False, cooldown: float = 600, **watched: object):
    policy = StepPolicy(
        name="steps",
        exact=exact,
        cooldown=cooldown,
        steps=steps,
        alarms=(alarm(periods=1, datapoints=1, **watched),),
    )
    return scalable(steps=(policy,))


def scalable(**changes: object) -> Scalable:
    said = {
        "name": "service",
        "floor": 0,
        "ceiling": 20,
        "tracking": None,
        "steps": (),
        "group": None,
        "purchase": Purchase(),
    }
    return Scalable(**(said | changes))  # pyright: ignore[reportArgumentType]


def tracking(out_seconds: float = 60, in_seconds: float = 300) -> Scalable:
    return scalable(
        floor=1,
        tracking=Tracking(judged=JOBS, target=6, out_seconds=out_seconds, in_seconds=in_seconds),
    )


def decided(of: Scalable, desired: int, *values: float) -> list[int]:
    """What is wanted after each minute that shows one of the values, in all its points."""
    autoscaler, wanted = Autoscaler(of), list[int]()
    for minute, value in enumerate(values):
        desired = autoscaler.decide(
            60.0 * minute, desired, lambda _, count, value=value: (value,) * count
        )
        wanted.append(desired)
    return wanted


@pytest.mark.parametrize(("value", "wanted"), [(0.5, 2), (1, 3), (5.9, 3), (6, 6), (1000, 6)])
def test_a_step_is_chosen_by_how_far_the_threshold_is_passed(value: float, wanted: int):
    assert decided(stepping(*STEPS), 2, value) == [wanted]


def test_within_its_cooldown_a_policy_adds_only_what_a_larger_step_has_more():
    assert decided(stepping(*STEPS), 0, 1, 1, 9, 9) == [1, 1, 4, 4]


def test_after_its_cooldown_a_policy_adds_again():
    assert decided(stepping(*STEPS, cooldown=120), 0, 1, 1, 1) == [1, 1, 2]


def test_an_exact_step_sets_the_number_and_sets_it_back():
    up = stepping(Step(0, math.inf, 6), exact=True)
    assert decided(up, 2, 1, 1) == [6, 6]
    down = stepping(
        Step(-math.inf, 0, 0), exact=True, comparison="LessThanOrEqualToThreshold", threshold=0
    )
    assert decided(down, 6, 3, 0) == [6, 0]


def test_tracking_grows_by_the_ratio_and_to_the_ceiling():
    assert decided(tracking(), 2, 6) == [2]
    assert decided(tracking(), 2, 7) == [3]
    assert decided(tracking(), 2, 600) == [20]


def test_within_its_cooldown_tracking_does_not_multiply_what_it_added():
    assert decided(tracking(out_seconds=180), 2, 12, 12, 12, 12) == [4, 4, 4, 8]


def test_tracking_shrinks_from_nine_tenths_of_the_target_and_to_the_floor():
    assert decided(tracking(), 10, 5.5) == [10]
    assert decided(tracking(), 10, 5.3) == [9]
    assert decided(tracking(), 10, 0) == [1]


def test_tracking_rests_between_shrinking_and_shrinking():
    assert decided(tracking(in_seconds=120), 20, 4, 4, 4) == [14, 14, 10]


def test_tracking_cannot_leave_zero():
    assert decided(scalable(tracking=tracking().tracking), 0, 1000) == [0]


def test_the_policy_that_wants_most_decides():
    both = scalable(tracking=tracking().tracking, steps=stepping(*STEPS).steps)
    assert decided(both, 10, 2) == [11]


def test_silence_decides_nothing():
    for each in (tracking(), stepping(*STEPS)):
        assert Autoscaler(each).decide(0, 5, lambda _, count: (None,) * count) == 5


@pytest.mark.parametrize(
    ("base", "percent", "shares"),
    [
        (0, 30, {1: 1, 2: 1, 3: 1, 4: 2, 10: 3, 20: 6}),
        (1, 30, {1: 1, 2: 2, 20: 7}),
        (0, 100, {3: 3}),
        (0, 0, {3: 0}),
    ],
)
def test_a_fraction_of_an_instance_is_bought_on_demand(
    base: int, percent: float, shares: dict[int, int]
):  # M50
    purchase = Purchase(base, percent)
    assert {each: purchase.on_demand(each) for each in shares} == shares


def test_a_metric_that_nobody_taught_the_tests_fails_them():
    with pytest.raises(KeyError, match="CPUUtilization"):
        Reading.of("CPUUtilization", {"ServiceName": "api"})
