"""Amazon EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue import schedules
from rehearsal.catalogue.ecs import _public_ip
from rehearsal.catalogue.entry import Entry, Inputs, Scope, under

PREFIX = {"namePrefix": "it became the name"}

TASK = "target.ecsParameters"


def _schedule(inputs: Inputs) -> Inputs:
    target = inputs.get("target")
    if isinstance(target, dict) and isinstance(task := target.get("ecsParameters"), dict):
        _public_ip(task.get("networkConfiguration"))
    return inputs


def _in_group(scope: Scope) -> Any:
    return f"{scope.find('groupName') or 'default'}/{scope.find('name')}"


def _window(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_FlexibleTimeWindow.html"""
    path = "flexibleTimeWindow.maximumWindowInMinutes"
    if under(inputs, "flexibleTimeWindow.mode") == "FLEXIBLE" and not under(inputs, path):
        yield path, "nothing was given, FLEXIBLE needs it"


ENTRIES = {
    "Schedule": Entry(
        service="scheduler",
        operation="CreateSchedule",
        rename={
            "target.sagemakerPipelineParameters": "SageMakerPipelineParameters",
            "target.sagemakerPipelineParameters.pipelineParameters": "PipelineParameterList",
            f"{TASK}.networkConfiguration": "NetworkConfiguration.awsvpcConfiguration",
        },
        ignore=PREFIX,
        prepare=_schedule,
        rules=(schedules.schedule("scheduleExpression", "cron", "rate", "at"), _window),
        id=_in_group,
        outputs={"arn": "{ScheduleArn}"},
    ),
    "ScheduleGroup": Entry(
        service="scheduler",
        operation="CreateScheduleGroup",
        kind="ScheduleGroup",
        ignore=PREFIX,
        id="{name}",
        outputs={"arn": "{ScheduleGroupArn}", "state": lambda _: "ACTIVE"},
    ),
}
