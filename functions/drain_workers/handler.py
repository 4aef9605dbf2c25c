"""Lets the worker on an instance finish its job before the instance is terminated.

EventBridge calls twice. First when a lifecycle hook holds an instance that its group is to lose: a
command stops the worker's unit, and systemd waits for the job. Then when a command has ended: was
it that one, the instance may go. An instance that no command can reach goes at once, and what
never answers goes when the hook's own time is up. Events may come twice; the second finds nothing
left to do.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html

Environment: GROUPS is a JSON list of the Auto Scaling groups it acts for; HOOK the name of the
lifecycle hook that each of them has.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from typing import Any, Literal

import boto3
from botocore.exceptions import ClientError

DOCUMENT = "AWS-RunShellScript"
STOP = "systemctl stop worker"
COMMENT = "Drain the worker before its instance is terminated"
"""How a command of ours is known again; others are run on the same instances."""

DELIVERY_SECONDS = 600
"""A command that the instance has not begun by then is given up."""
EXECUTION_SECONDS = 172_800
"""The longest that the document takes. The hook sets the limit: were the command's end to come
first, the instance would go with its job. Left to itself it ends after an hour."""

FINAL = {"Success", "Failed", "TimedOut", "Cancelled"}

Outcome = Literal["stopping", "released", "ignored"]

log = logging.getLogger()
log.setLevel(logging.INFO)


def handle(event: Mapping[str, Any], _context: object) -> dict[str, Outcome]:
    """Stop the worker, let its instance go, or leave alone what is not ours.

    Raises ValueError for an event that is neither of a lifecycle hook nor of a command.
    """
    match event:
        case {
            "detail-type": "EC2 Instance-terminate Lifecycle Action",
            "detail": {
                "AutoScalingGroupName": str(group),
                "LifecycleHookName": str(hook),
                "EC2InstanceId": str(instance),
            },
        }:
            return {"outcome": _stop(group, hook, instance)}
        case {
            "detail-type": "EC2 Command Invocation Status-change Notification",
            "detail": {
                "command-id": str(command),
                "document-name": str(document),
                "instance-id": str(instance),
                "status": str(status),
            },
        }:
            return {"outcome": _follow(command, document, instance, status)}
        case _:
            raise ValueError(
                "the event is neither an EC2 Instance-terminate Lifecycle Action nor an EC2 Command"
                f" Invocation Status-change Notification with all its details: {event!r}"
            )


def _stop(group: str, hook: str, instance: str) -> Outcome:
    if not _is_ours(group) or hook != os.environ["HOOK"]:
        log.info("%s: hook %s of group %s is not for this function", instance, hook, group)
        return "ignored"
    try:
        answer = boto3.client("ssm").send_command(
            InstanceIds=[instance],
            DocumentName=DOCUMENT,
            Comment=COMMENT,
            TimeoutSeconds=DELIVERY_SECONDS,
            Parameters={"commands": [STOP], "executionTimeout": [str(EXECUTION_SECONDS)]},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidInstanceId":
            raise
        # Stopped in a warm pool, or gone for good: a spot instance may be faster than we are.
        log.warning("%s: no command can reach it, so nothing is waited for", instance)
        return _release(group, instance)
    log.info("%s: its worker is to stop, by command %s", instance, answer["Command"]["CommandId"])
    return "stopping"


def _follow(command: str, document: str, instance: str, status: str) -> Outcome:
    if status not in FINAL or document != DOCUMENT:
        return "ignored"
    group = _group_of(instance)
    if group is None or not _is_ours(group) or not _is_a_drain(command):
        log.info("%s: command %s is not for this function", instance, command)
        return "ignored"
    if status != "Success":
        # To wait on would only cost time: nothing tells any more when the worker is done.
        log.warning("%s: command %s, which was to stop its worker: %s", instance, command, status)
    return _release(group, instance)


def _is_ours(group: str) -> bool:
    return group in json.loads(os.environ["GROUPS"])


def _group_of(instance: str) -> str | None:
    """The group an instance is in; None once it is gone."""
    answer = boto3.client("autoscaling").describe_auto_scaling_instances(InstanceIds=[instance])
    found = answer["AutoScalingInstances"]
    return found[0]["AutoScalingGroupName"] if found else None


def _is_a_drain(command: str) -> bool:
    """Whether we sent the command: someone else's may end while the worker is still at work."""
    answer = boto3.client("ssm").list_commands(CommandId=command)
    return any(each.get("Comment") == COMMENT for each in answer["Commands"])


def _release(group: str, instance: str) -> Outcome:
    """Let the instance go. One that nothing holds any more is no error."""
    try:
        boto3.client("autoscaling").complete_lifecycle_action(
            AutoScalingGroupName=group,
            LifecycleHookName=os.environ["HOOK"],
            InstanceId=instance,
            LifecycleActionResult="CONTINUE",
        )
    except ClientError as error:
        # Every request that does not fit has the same code, ValidationError.
        if "no active lifecycle action" not in error.response["Error"]["Message"].lower():
            raise
        log.info("%s: nothing holds it any more", instance)
        return "released"
    log.info("%s: it may be terminated", instance)
    return "released"
