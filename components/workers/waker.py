"""The waker: starts the first worker of a fleet at rest, within a minute of its first job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

from components.functions import call_on, failure_alarm, function_panels, platform_function
from components.grants import together
from components.ground import Ground
from components.naming import portions
from components.observe import Alarm, Panel
from components.workers.contract import Waking

WAKE_SECONDS = 50
"""Less than the minute until the next call."""

FLEETS_OF_ONE = 10
"""Fleets that one function looks after. Of its 4096 bytes of variables a fleet takes 220, or 320
where all its names are as long as they may be."""


@dataclass(frozen=True, kw_only=True)
class WakerArgs:
    ground: Ground
    wakings: Sequence[Waking]
    """Of every fleet that rests."""


class Waker(pulumi.ComponentResource):
    """A function that asks the queues of resting fleets, once a minute (M52); one for every ten.

    It asks SQS itself: the metrics of a queue that was silent for hours come up to 15 minutes late,
    and its question keeps the queue from falling silent. It only ever raises a fleet from zero;
    everything after is tracking's.

    Cost: 43,800 calls of a second a month, about 0.10 USD, for every ten fleets that rest.
    """

    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: WakerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:Waker", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        log_group = args.ground.logs.group(f"{name}-function-logs", "aws/lambda", "waker", child)
        functions = {
            suffix: _waker(name, suffix, part, args.ground, log_group, child)
            for suffix, part in portions(args.wakings, FLEETS_OF_ONE)
        }
        self.alarms = tuple(_failed(function, suffix) for suffix, function in functions.items())
        self.panels = function_panels(self.alarms)
        self.register_outputs({"functions": [function.name for function in functions.values()]})


def _waker(
    name: str,
    suffix: str,
    wakings: Sequence[Waking],
    ground: Ground,
    log_group: aws.cloudwatch.LogGroup,
    opts: pulumi.ResourceOptions,
) -> aws.lambda_.Function:
    function = platform_function(
        f"{name}-function{suffix}",
        "waker",
        description="Starts the first workers of fleets that are at rest.",
        environment={
            "FLEETS": pulumi.Output.json_dumps([dict(waking.fleet) for waking in wakings])
        },
        statements=together(each for waking in wakings for each in waking.statements),
        timeout_seconds=WAKE_SECONDS,
        logs=ground.logs,
        log_group=log_group,
        opts=opts,
    )
    minute = aws.cloudwatch.EventRule(
        f"{name}-minute{suffix}",
        description="Looks for jobs that wait for fleets at rest.",
        schedule_expression="rate(1 minute)",
        opts=opts,
    )
    call_on(f"{name}-minute{suffix}", minute, function, opts)
    return function


def _failed(function: aws.lambda_.Function, suffix: str) -> Alarm:
    alarm = failure_alarm(
        function,
        name="waking-failed",
        summary="A fleet at rest could not be looked after; its alarms start it later.",
        severity="warning",
    )
    return replace(alarm, name=f"{alarm.name}{suffix}")
