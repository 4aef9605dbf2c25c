"""Migrates the database once for a release, in the task definition that is about to be deployed.

ECS calls before it starts the first task of a new revision (stage PRE_SCALE_UP) and calls again
while the answer is IN_PROGRESS; FAILED rolls the deployment back before a user has seen it. Where
the platform has no such hooks, a delivery workflow calls with {"build": "1.4.0"} and hands the
hookDetails of each answer back with the next call, as ECS does.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html

Environment: CLUSTER is the cluster's ARN; CONTAINER the container that migrates; COMMAND its
command, a JSON list; TASK_DEFINITION the family a workflow migrates; NETWORK a JSON
{"subnets", "securityGroups"}; LIMIT_SECONDS what a migration may take.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

import boto3
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

STAGE = "PRE_SCALE_UP"
CALL_BACK_SECONDS = 15
STARTED_BY_LENGTH = 36
"""What every version of the API takes; newer ones take 128."""

PASSING_ERRORS = {
    "InternalFailure",
    "InternalServerError",
    "RequestLimitExceeded",
    "ServerException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
"""What AWS answers when nothing is wrong with the request and the next one may well pass."""

log = logging.getLogger()
log.setLevel(logging.INFO)


class MigrationError(Exception):
    """Why this release cannot be migrated, in words for whoever reads the log."""


def handle(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Start the migration or look how it is doing, and answer as a lifecycle hook does.

    Raises ValueError for an event that is neither ECS's nor a workflow's.
    """
    match event:
        case {
            "lifecycleStage": str(stage),
            "executionDetails": {"targetServiceRevisionArn": str(revision)},
        }:
            if stage != STAGE:
                log.info("stage %s has nothing to migrate; only %s has", stage, STAGE)
                return {"hookStatus": "SUCCEEDED"}
            release = {"revision": revision}
        case {"build": str(build)} if build:
            release = {"build": build}
        case _:
            raise ValueError(
                "the event is neither a lifecycle hook's (lifecycleStage, executionDetails with"
                f' targetServiceRevisionArn) nor a workflow\'s {{"build": "1.4.0"}}: {event!r}'
            )
    details = event.get("hookDetails")
    if not isinstance(details, Mapping):
        # None before there are any; what is configured on a hook may be any JSON.
        details = {}
    task: str | None = details.get("taskArn")
    limit = int(os.environ["LIMIT_SECONDS"])
    deadline = int(details.get("deadline") or time.time() + limit)
    facts: dict[str, Any] = {"check": "migration", **release, "task": task}
    try:
        if task is None:
            # Even a task found at its end is looked at in the next call, like any other.
            return _in_progress(_find_or_run(release), deadline)
        state = _describe(task)
        if _is_stopped(state):
            facts |= {"exitCodes": _exit_codes(state), "stoppedReason": state.get("stoppedReason")}
            reason = None if _migrated(state) else "the task did not end with exit code 0"
        elif time.time() < deadline:
            return _in_progress(task, deadline)
        else:
            _stop(task)
            reason = f"not done in {limit} s, so the task was stopped"
    except MigrationError as error:
        reason = str(error)
    except (ClientError, BotoCoreError) as error:
        if _is_passing(error):
            if time.time() < deadline:
                log.warning("AWS is to be asked again: %s", error)
                return _in_progress(task, deadline)
            if task is not None:
                _stop(task)
        reason = str(error)
    facts |= {"passed": reason is None, "seconds": round(time.time() - (deadline - limit))}
    if reason is None:
        log.info("migrated", extra=facts)
        return {"hookStatus": "SUCCEEDED"}
    log.error("not migrated: %s", reason, extra=facts)
    return {"hookStatus": "FAILED"}


def _in_progress(task: str | None, deadline: int) -> dict[str, Any]:
    details: dict[str, Any] = {"deadline": deadline}
    if task is not None:
        details["taskArn"] = task
    return {
        "hookStatus": "IN_PROGRESS",
        "callBackDelay": CALL_BACK_SECONDS,
        "hookDetails": details,
    }


def _find_or_run(release: Mapping[str, str]) -> str:
    """Return the task that migrates this release, started now unless an earlier call did.

    Raises MigrationError when there is nothing right to start, or ECS would not start it.
    """
    if "revision" in release:
        identity, definition = release["revision"], _definition_of_revision(release["revision"])
    else:
        identity = definition = _definition_of_build(release["build"])
    family = definition.rpartition("/")[2].rpartition(":")[0]
    # Within a family the end is what differs, and the end is kept.
    prefix = "migration-"
    name = identity.rpartition("/")[2].replace(":", "-")
    started_by = prefix + name[-(STARTED_BY_LENGTH - len(prefix)) :]
    tasks = _tasks(family, started_by)
    failed: list[str] = []
    if "build" in release:
        # ECS makes a new revision for each attempt. A workflow that is run again comes with the
        # same one, and is not to be told for an hour how the last attempt ended.
        failed = sorted(t["taskArn"] for t in tasks if _is_stopped(t) and not _migrated(t))
    found = [task["taskArn"] for task in tasks if task["taskArn"] not in failed]
    if found:
        log.info("an earlier call started %s", found[0])
        return found[0]
    return _run(definition, started_by, "|".join([identity, *failed]))


def _definition_of_revision(revision: str) -> str:
    answer = boto3.client("ecs").describe_service_revisions(serviceRevisionArns=[revision])
    if not answer["serviceRevisions"]:
        raise MigrationError(f"ECS knows no service revision {revision}")
    return answer["serviceRevisions"][0]["taskDefinition"]


def _definition_of_build(build: str) -> str:
    """Return the newest revision of the family. Raises MigrationError if it is another build's."""
    family, container = os.environ["TASK_DEFINITION"], os.environ["CONTAINER"]
    answer = boto3.client("ecs").describe_task_definition(taskDefinition=family)
    definition = answer["taskDefinition"]
    arn = definition["taskDefinitionArn"]
    images = {each["name"]: each["image"] for each in definition["containerDefinitions"]}
    if container not in images:
        raise MigrationError(f"{arn} has no container {container}, only {', '.join(images)}")
    if _build_of(images[container]) != build:
        raise MigrationError(
            f"build {build} is to be migrated, but {arn} runs {images[container]};"
            " deploy the build's task definition first"
        )
    return arn


def _build_of(image: str) -> str:
    return image.rpartition("@" if "@" in image else ":")[2]


def _tasks(family: str, started_by: str) -> list[dict[str, Any]]:
    """The tasks that were started for this, running or stopped within about an hour.

    ListTasks takes startedBy only without any other filter, and then shows no stopped task:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
    """
    ecs = boto3.client("ecs")
    cluster = os.environ["CLUSTER"]
    found: list[dict[str, Any]] = []
    for status in ("RUNNING", "STOPPED"):
        pages = ecs.get_paginator("list_tasks").paginate(
            cluster=cluster, family=family, desiredStatus=status
        )
        for page in pages:
            if page["taskArns"]:
                described = ecs.describe_tasks(cluster=cluster, tasks=page["taskArns"])["tasks"]
                found += [task for task in described if task.get("startedBy") == started_by]
    return found


def _run(definition: str, started_by: str, attempt: str) -> str:
    """Start the task. The same `attempt` starts one task, however often and at once it is asked."""
    answer = boto3.client("ecs").run_task(
        cluster=os.environ["CLUSTER"],
        taskDefinition=definition,
        launchType="FARGATE",
        count=1,
        networkConfiguration={
            "awsvpcConfiguration": {
                "assignPublicIp": "DISABLED",
                **json.loads(os.environ["NETWORK"]),
            }
        },
        overrides={
            "containerOverrides": [
                {"name": os.environ["CONTAINER"], "command": json.loads(os.environ["COMMAND"])}
            ]
        },
        startedBy=started_by,
        # 64 characters, the most a token may have.
        clientToken=hashlib.sha256(attempt.encode()).hexdigest(),
    )
    if not answer["tasks"]:
        reasons = [failure.get("reason", "no reason given") for failure in answer["failures"]]
        raise MigrationError(f"ECS started no task: {', '.join(reasons)}")
    task = answer["tasks"][0]["taskArn"]
    log.info("started %s from %s", task, definition)
    return task


def _describe(task: str) -> dict[str, Any]:
    answer = boto3.client("ecs").describe_tasks(cluster=os.environ["CLUSTER"], tasks=[task])
    if not answer["tasks"]:
        raise MigrationError("ECS has no record of the task, so how it ended cannot be told")
    return answer["tasks"][0]


def _stop(task: str) -> None:
    try:
        boto3.client("ecs").stop_task(
            cluster=os.environ["CLUSTER"], task=task, reason="The migration took too long."
        )
    except (ClientError, BotoCoreError):
        log.exception("%s could not be stopped", task)


def _is_stopped(task: Mapping[str, Any]) -> bool:
    return task["lastStatus"] == "STOPPED"


def _migrated(task: Mapping[str, Any]) -> bool:
    """Whether a stopped task did its work: the migrating container ended by itself, with 0.

    The others do not count. One that fails earlier takes the migration along, which then has a
    code of its own; those still there afterwards are stopped by ECS and end with any code.
    """
    by_itself = task.get("stopCode", "EssentialContainerExited") == "EssentialContainerExited"
    return by_itself and _exit_codes(task).get(os.environ["CONTAINER"]) == 0


def _exit_codes(task: Mapping[str, Any]) -> dict[str, int | None]:
    """By container; None where it never ran: no image, no secret, no room."""
    return {each["name"]: each.get("exitCode") for each in task["containers"]}


def _is_passing(error: ClientError | BotoCoreError) -> bool:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in PASSING_ERRORS
    return isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError)
