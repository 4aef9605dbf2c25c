"""How the recorded graph scales its fleets, and what AWS makes of it from minute to minute.

Everything is read from the graph: expressions, targets, cooldowns, steps, alarms and bounds. What
AWS does with them is written here, from its documentation where it has any. What it does not say
is judgement, marked J.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from tests.fleets.metric_math import Gaps, Series, evaluate, names
from tests.recorder import Node, Recorded

Signal = Literal[
    "waiting",
    "at_work",
    "oldest",
    "wanted",
    "running",
    "instances_wanted",
    "instances_running",
    "instances_starting",
]

SIGNALS: Mapping[str, Signal] = {
    "ApproximateNumberOfMessagesVisible": "waiting",
    "ApproximateNumberOfMessagesNotVisible": "at_work",
    "ApproximateAgeOfOldestMessage": "oldest",
    "Waiting": "waiting",
    "AtWork": "at_work",
    "DesiredTaskCount": "wanted",
    "RunningTaskCount": "running",
    "GroupDesiredCapacity": "instances_wanted",
    "GroupInServiceInstances": "instances_running",
    "GroupPendingInstances": "instances_starting",
}
"""What the metrics that scaling reads say; one that is missing here fails the tests."""

OF_QUEUE = frozenset[Signal]({"waiting", "at_work", "oldest"})
"""What the queue reports; the rest is the fleet's."""

OWNERS = ("QueueName", "Queue", "ServiceName", "AutoScalingGroupName")
"""The dimensions that say whose a metric is."""

FLEETS = "backlot:workers:"
"""Components of this module are fleets, or a part of one."""

SPARE_POINTS = 2
"""How many points more than its evaluation periods an alarm looks at: 5 for 3 in the examples of
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, which
gives no rule (J)."""

POINTS_HIGH, POINTS_LOW = 3, 15
"""Of the alarms that target tracking makes itself."""

LOW_SHARE = 0.9
"""Where the lower of them lies, of the target (J)."""


LAUNCH_SECONDS = 120
"""What an instance takes at least until its warm-up begins; all the while it counts as there, as
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-default-instance-warmup.html
has it. Groups have no cooldown of this kind (J)."""

GROUP_IN_SECONDS = 300
"""AWS says that tracking shrinks a group gradually, and not how (J)."""


@dataclass(frozen=True)
class Reading:
    """A metric that scaling reads, and whose it is."""

    signal: Signal
    owner: str

    @classmethod
    def of(cls, name: str, dimensions: Mapping[str, str]) -> Reading:
        (owner,) = [dimensions[key] for key in OWNERS if key in dimensions]
        return cls(SIGNALS[name], owner)


Points = Callable[[Reading, int], Series]
"""The newest so many minutes of a metric, oldest first, as they are known now."""


@dataclass(frozen=True)
class Judged:
    """What an alarm or a policy watches: metrics by id, and the expressions over them."""

    readings: Mapping[str, Reading]
    expressions: Mapping[str, str]
    result: str

    def over(self, points: Points, minutes: int, gaps: Gaps) -> Series:
        known = {key: points(reading, minutes) for key, reading in self.readings.items()}
        return self._value(self.result, known, gaps)

    def _value(self, key: str, known: dict[str, Series], gaps: Gaps) -> Series:
        if key not in known:
            text = self.expressions[key]
            series = {each: self._value(each, known, gaps) for each in names(text)}
            known[key] = evaluate(text, series, gaps)
        return known[key]

    @property
    def text(self) -> str:
        return self.expressions.get(self.result, self.result)


State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


@dataclass(frozen=True, kw_only=True)
class Alarm:
    name: str
    judged: Judged
    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: str

    @property
    def minutes(self) -> int:
        """How far back it looks."""
        return self.periods + SPARE_POINTS

    def state(self, points: Series, before: State = "INSUFFICIENT_DATA") -> State:
        """Its state over the points of its range, oldest first.

        Real points stand in for missing ones as long as there are enough of them; only then does
        it matter what silence means (alarms-and-missing-data.html).
        """
        breaches = [
            None if point is None else BREACHES[self.comparison](point, self.threshold)
            for point in points
        ]
        real = [breach for breach in breaches if breach is not None][-self.periods :]
        breaching = sum(real)
        short = self.periods - len(real)
        if self.missing == "breaching":
            breaching += short
        if breaching >= self.datapoints:
            return "ALARM"
        if short == 0 or self.missing in ("breaching", "notBreaching") or not all(real):
            return "OK"
        if self.missing == "ignore":
            return before
        # One old breach with nothing but silence after it counts on, by the same page.
        ages = [len(breaches) - at for at, breach in enumerate(breaches) if breach]
        return "ALARM" if max(ages, default=0) >= self.datapoints else "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class Step:
    lower: float
    upper: float
    by: int


@dataclass(frozen=True, kw_only=True)
class StepPolicy:
    """So many workers more, or just so many, for how far an alarm's threshold is passed."""

    name: str
    exact: bool
    cooldown: float
    steps: tuple[Step, ...]
    alarms: tuple[Alarm, ...]

    def wants(self, capacity: int, passed: float, *, downwards: bool) -> int:
        """A bound belongs to the step that lies farther from the threshold
        (https://docs.aws.amazon.com/autoscaling/application/userguide/
        step-scaling-policy-overview.html)."""
        for step in self.steps:
            inside = (
                step.lower < passed <= step.upper
                if downwards
                else step.lower <= passed < step.upper
            )
            if inside:
                return step.by if self.exact else capacity + step.by
        raise AssertionError(f"{self.name} has no step for {passed:g} beyond the threshold")


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """So many workers that what is judged stays at the target."""

    judged: Judged
    target: float
    out_seconds: float
    in_seconds: float

    @cached_property
    def high(self) -> Alarm:
        return self._alarm("GreaterThanThreshold", self.target, POINTS_HIGH)

    @cached_property
    def low(self) -> Alarm:
        return self._alarm("LessThanThreshold", LOW_SHARE * self.target, POINTS_LOW)

    def _alarm(self, comparison: str, threshold: float, points: int) -> Alarm:
        # "missing": silence makes the alarms INSUFFICIENT_DATA, and nothing is scaled, by
        # https://docs.aws.amazon.com/autoscaling/application/userguide/
        # application-auto-scaling-target-tracking.html
        return Alarm(
            name=comparison,
            judged=self.judged,
            comparison=comparison,
            threshold=threshold,
            periods=points,
            datapoints=points,
            missing="missing",
        )


@dataclass(frozen=True)
class Purchase:
    """How many of a group's instances are bought on demand; the rest is spot."""

    base: int = 0
    percent: float = 100

    def on_demand(self, instances: int) -> int:
        """That a fraction is rounded towards on demand is J."""
        above = max(instances - self.base, 0)
        return min(instances, self.base) + math.ceil(above * self.percent / 100)


@dataclass(frozen=True, kw_only=True)
class Scalable:
    """Something whose number of workers scaling sets: an ECS service, or a group of instances."""

    name: str
    floor: int
    ceiling: int
    tracking: Tracking | None
    steps: tuple[StepPolicy, ...]
    group: str | None
    """The group of instances under its workers; its own name when those are instances."""
    purchase: Purchase

    @property
    def of_instances(self) -> bool:
        return self.group == self.name


@dataclass(frozen=True, kw_only=True)
class Waker:
    """What functions/waker is told of a fleet."""

    target: float
    most: int
    ceiling: int

    def wants(self, waiting: int) -> int:
        return min(self.ceiling, self.most, max(1, math.ceil(waiting / self.target)))


@dataclass(frozen=True, kw_only=True)
class Fleet:
    name: str
    kind: str
    """Its component's class: `GpuFleet`."""
    main: Scalable
    overflow: Scalable | None
    waker: Waker | None
    queue: str
    concurrency: int
    """Jobs that one of its workers does at once."""

    @property
    def tracking(self) -> Tracking:
        assert self.main.tracking
        return self.main.tracking

    @property
    def wake_alarms(self) -> tuple[Alarm, ...]:
        return tuple(alarm for policy in self.main.steps for alarm in policy.alarms)

    def wanted(self, scalable: Scalable | None = None) -> Reading:
        """Where the number of its workers that scaling asks for can be read."""
        scalable = scalable or self.main
        return Reading("instances_wanted" if scalable.of_instances else "wanted", scalable.name)


def fleets_of(recorded: Recorded) -> list[Fleet]:
    """Every fleet that the graph scales, by name."""
    return _Graph(recorded).fleets()


class _Graph:
    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.by_urn = {node.urn: node for node in recorded.nodes}
        self.groups = {node["name"]: node for node in recorded.all("autoscaling.Group")}

    def fleets(self) -> list[Fleet]:
        scalables: dict[str, list[Scalable]] = {}
        for node in self.recorded.all("appautoscaling.Target"):
            if fleet := self._fleet(node):
                scalables.setdefault(fleet.urn, []).append(self._service(node))
        for name in self._scaled_groups():
            if fleet := self._fleet(self.groups[name]):
                scalables.setdefault(fleet.urn, []).append(self._instances(name))
        return sorted(
            (self._of(self.by_urn[urn], parts) for urn, parts in scalables.items()),
            key=lambda fleet: fleet.name,
        )

    def _fleet(self, node: Node) -> Node | None:
        """The outermost component of the fleets' module that it is in."""
        found = None
        while node.parent in self.by_urn:
            node = self.by_urn[node.parent]
            found = node if node.type.startswith(FLEETS) else found
        return found

    def _of(self, node: Node, parts: Sequence[Scalable]) -> Fleet:
        (main,) = [part for part in parts if part.tracking]
        overflow = [part for part in parts if not part.tracking]
        assert len(overflow) <= 1, f"{node.name} has {len(overflow)} overflows"
        assert main.tracking
        waiting = [
            reading
            for reading in main.tracking.judged.readings.values()
            if reading.signal == "waiting"
        ]
        return Fleet(
            name=node.name,
            kind=node.type.rpartition(":")[2],
            main=main,
            overflow=overflow[0] if overflow else None,
            waker=self._waker(main.name),
            queue=waiting[0].owner,
            concurrency=self._concurrency(main),
        )

    def _service(self, target: Node) -> Scalable:
        service = target["resource_id"].rpartition("/")[2]
        tracking: Tracking | None = None
        steps: list[StepPolicy] = []
        for policy in self.recorded.all("appautoscaling.Policy"):
            if policy["resource_id"] != target["resource_id"]:
                continue
            if policy["policy_type"] == "TargetTrackingScaling":
                assert tracking is None, f"{service} is tracked twice"
                said = policy["target_tracking_scaling_policy_configuration"]
                tracking = Tracking(
                    judged=_tracked(said["customized_metric_specification"]["metrics"]),
                    target=said["target_value"],
                    out_seconds=said["scale_out_cooldown"],
                    in_seconds=said["scale_in_cooldown"],
                )
            else:
                said = policy["step_scaling_policy_configuration"]
                steps.append(self._steps(policy, said, said.get("cooldown", 0)))
        group = self._group_of_service(service)
        return Scalable(
            name=service,
            floor=target["min_capacity"],
            ceiling=target["max_capacity"],
            tracking=tracking,
            steps=tuple(steps),
            group=group,
            purchase=self._purchase(group),
        )

    def _scaled_groups(self) -> list[str]:
        policies = self.recorded.all("autoscaling.Policy")
        return sorted({policy["autoscaling_group_name"] for policy in policies})

    def _instances(self, name: str) -> Scalable:
        group = self.groups[name]
        tracking: Tracking | None = None
        steps: list[StepPolicy] = []
        for policy in self.recorded.all("autoscaling.Policy"):
            if policy["autoscaling_group_name"] != name:
                continue
            if policy["policy_type"] == "TargetTrackingScaling":
                assert tracking is None, f"{name} is tracked twice"
                said = policy["target_tracking_configuration"]
                warm_up = (
                    policy.get("estimated_instance_warmup") or group["default_instance_warmup"]
                )
                tracking = Tracking(
                    judged=_tracked(said["customized_metric_specification"]["metrics"]),
                    target=said["target_value"],
                    out_seconds=LAUNCH_SECONDS + warm_up,
                    in_seconds=GROUP_IN_SECONDS,
                )
            elif policy["policy_type"] == "StepScaling":
                warm_up = (
                    policy.get("estimated_instance_warmup") or group["default_instance_warmup"]
                )
                steps.append(self._steps(policy, policy.inputs, warm_up))
            else:
                said = {**policy.inputs, "step_adjustments": [policy.inputs]}
                steps.append(self._steps(policy, said, policy.get("cooldown", 300)))
        return Scalable(
            name=name,
            floor=group["min_size"],
            ceiling=group["max_size"],
            tracking=tracking,
            steps=tuple(steps),
            group=name,
            purchase=self._purchase(name),
        )

    def _steps(self, policy: Node, said: Mapping[str, Any], cooldown: float) -> StepPolicy:
        arn = policy.outputs["arn"]
        return StepPolicy(
            name=policy.name,
            exact={"ExactCapacity": True, "ChangeInCapacity": False}[said["adjustment_type"]],
            cooldown=cooldown,
            steps=tuple(
                Step(
                    float(step.get("metric_interval_lower_bound") or -math.inf),
                    float(step.get("metric_interval_upper_bound") or math.inf),
                    step["scaling_adjustment"],
                )
                for step in said["step_adjustments"]
            ),
            alarms=tuple(
                _alarm(node)
                for node in self.recorded.all("cloudwatch.MetricAlarm")
                if arn in node.get("alarm_actions", [])
            ),
        )

    def _node_of_service(self, name: str) -> Node:
        (service,) = [
            node for node in self.recorded.all("ecs.Service") if node.outputs["name"] == name
        ]
        return service

    def _task(self, service: str) -> Node:
        arn = self._node_of_service(service)["task_definition"]
        (task,) = [
            node for node in self.recorded.all("ecs.TaskDefinition") if node.outputs["arn"] == arn
        ]
        return task

    def _template(self, group: Node) -> Node:
        mixed = group.get("mixed_instances_policy")
        used = (
            mixed["launch_template"]["launch_template_specification"]["launch_template_id"]
            if mixed
            else group["launch_template"]["id"]
        )
        (template,) = [node for node in self.recorded.all("ec2.LaunchTemplate") if node.id == used]
        return template

    def _group_of_service(self, name: str) -> str | None:
        service = self._node_of_service(name)
        used = {each["capacity_provider"] for each in service["capacity_provider_strategies"]}
        arns = {
            node["auto_scaling_group_provider"]["auto_scaling_group_arn"]
            for node in self.recorded.all("ecs.CapacityProvider")
            if node["name"] in used
        }
        groups = [name for name, group in self.groups.items() if group.outputs["arn"] in arns]
        assert len(groups) <= 1, f"{name} stands on {len(groups)} groups"
        return groups[0] if groups else None

    def _purchase(self, group: str | None) -> Purchase:
        policy = self.groups[group].get("mixed_instances_policy") if group else None
        if policy is None:
            return Purchase()
        said = policy["instances_distribution"]
        return Purchase(
            said["on_demand_base_capacity"], said["on_demand_percentage_above_base_capacity"]
        )

    def _concurrency(self, scalable: Scalable) -> int:
        """What its workers are told: in the task's environment, or where an instance boots."""
        if scalable.of_instances:
            template = self._template(self.groups[scalable.name])
            text = base64.b64decode(template["user_data"]).decode()
        else:
            text = self._task(scalable.name)["container_definitions"]
        found = re.search(r"CONCURRENCY\W+(?:value\W+)?(\d+)", text)
        return int(found[1]) if found else 1

    def _waker(self, name: str) -> Waker | None:
        for function in self.recorded.all("lambda.Function"):
            environment = function.get("environment") or {}
            for told in json.loads(environment.get("variables", {}).get("FLEETS", "[]")):
                if name in (told.get("service"), told.get("group")):
                    return Waker(target=told["target"], most=told["most"], ceiling=told["max"])
        return None


def _tracked(metrics: Iterable[Mapping[str, Any]]) -> Judged:
    readings: dict[str, Reading] = {}
    expressions: dict[str, str] = {}
    for each in metrics:
        if "expression" in each:
            expressions[each["id"]] = each["expression"]
        else:
            metric = each["metric_stat"]["metric"]
            dimensions = {pair["name"]: pair["value"] for pair in metric["dimensions"]}
            readings[each["id"]] = Reading.of(metric["metric_name"], dimensions)
    return Judged(readings, expressions, _returned(metrics))


def _alarm(node: Node) -> Alarm:
    readings: dict[str, Reading] = {}
    expressions: dict[str, str] = {}
    periods: set[int] = set()
    for each in node.get("metric_queries") or [_plain(node)]:
        if "expression" in each:
            expressions[each["id"]] = each["expression"]
        else:
            metric = each["metric"]
            readings[each["id"]] = Reading.of(metric["metric_name"], metric["dimensions"])
            periods.add(metric["period"])
    assert periods == {60}, (
        f"{node} looks at {sorted(periods)} s; scaling is modelled by the minute"
    )
    return Alarm(
        name=node.name,
        judged=Judged(
            readings, expressions, _returned(node.get("metric_queries") or [_plain(node)])
        ),
        comparison=node["comparison_operator"],
        threshold=node["threshold"],
        periods=node["evaluation_periods"],
        datapoints=node.get("datapoints_to_alarm", node["evaluation_periods"]),
        missing=node.get("treat_missing_data", "missing"),
    )


def _plain(node: Node) -> Mapping[str, Any]:
    """An alarm on a bare metric, as the one query that it is."""
    keys = ("metric_name", "dimensions", "period")
    return {"id": "bare", "metric": {key: node[key] for key in keys}, "return_data": True}


def _returned(queries: Iterable[Mapping[str, Any]]) -> str:
    (result,) = [each["id"] for each in queries if each.get("return_data")]
    return result


@dataclass(frozen=True)
class _Wish:
    policy: str
    before: int
    """What the policy counted from."""
    wants: int


@dataclass
class Autoscaler:
    """What AWS does with a scalable's policies, asked once a minute."""

    scalable: Scalable
    gaps: Gaps = Gaps.ZERO
    grew: dict[str, tuple[float, int]] = field(default_factory=dict)
    """When each policy last made the fleet grow, and from how many."""
    shrank: float = -math.inf
    states: dict[str, State] = field(default_factory=dict)

    def decide(self, now: float, desired: int, points: Points) -> int:
        """How many workers it wants, now that it has `desired`.

        Of several policies the one that wants most decides, in both directions
        (https://docs.aws.amazon.com/autoscaling/application/userguide/
        target-tracking-scaling-policy-overview.html).
        """
        wishes = [*self._tracked(now, desired, points), *self._stepped(now, desired, points)]
        more = [wish for wish in wishes if wish.wants > desired]
        fewer = [wish for wish in wishes if wish.wants < desired]
        most = max(more or fewer, key=lambda wish: wish.wants, default=None)
        wanted = desired if most is None else most.wants
        wanted = min(max(wanted, self.scalable.floor), self.scalable.ceiling)
        if most and wanted > desired:
            self.grew[most.policy] = (now, most.before)
        elif wanted < desired:
            self.shrank = now
        return wanted

    def _tracked(self, now: float, desired: int, points: Points) -> Iterable[_Wish]:
        tracking = self.scalable.tracking
        if tracking is None:
            return
        high, low = self._alarming(tracking.high, points), self._alarming(tracking.low, points)
        # That it multiplies the wanted count, by the newest point that there is, is J.
        if high is not None:
            before = self._before("tracking", now, desired, tracking.out_seconds)
            yield _Wish("tracking", before, math.ceil(before * high / tracking.target))
        elif low is not None and now - self.shrank >= tracking.in_seconds:
            yield _Wish("tracking", desired, math.ceil(desired * low / tracking.target))

    def _stepped(self, now: float, desired: int, points: Points) -> Iterable[_Wish]:
        for policy in self.scalable.steps:
            before = self._before(policy.name, now, desired, policy.cooldown)
            for alarm in policy.alarms:
                value = self._alarming(alarm, points)
                if value is not None:
                    downwards = alarm.comparison.startswith("Less")
                    wants = policy.wants(before, value - alarm.threshold, downwards=downwards)
                    yield _Wish(policy.name, before, wants)

    def _before(self, policy: str, now: float, desired: int, cooldown: float) -> int:
        """What a policy counts from: within its cooldown, what there was before it last made the
        fleet grow, so that what it added is not added again
        (https://docs.aws.amazon.com/autoscaling/application/APIReference/
        API_StepScalingPolicyConfiguration.html)."""
        at, before = self.grew.get(policy, (-math.inf, desired))
        return min(before, desired) if now - at < cooldown else desired

    def _alarming(self, alarm: Alarm, points: Points) -> float | None:
        """The newest value of an alarm that is in ALARM, which acts again every minute."""
        series = alarm.judged.over(points, alarm.minutes, self.gaps)
        state = alarm.state(series, self.states.get(alarm.name, "INSUFFICIENT_DATA"))
        self.states[alarm.name] = state
        real = [point for point in series if point is not None]
        return real[-1] if state == "ALARM" and real else None
