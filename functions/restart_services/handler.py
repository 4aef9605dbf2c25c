"""Restarts what has run since before the database's password last changed.

A secret is read at a start and never again. What has started since the last rotation is left
alone, so it does no harm to be called twice, or for nothing. What cannot be restarted just now has
its turn with the next call, five minutes later.

Environment: SECRET is the rotated secret's ARN; TARGETS a JSON list of what may hold the password,
each {"platform": "ecs", "cluster", "service"}, {"platform": "autoscaling", "group"} or
{"platform": "beanstalk", "environment"}.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

HEALTHY_PERCENT = 100
HEALTHY_PERCENT_MOST = 150
"""Of a group's instances while they are replaced: new ones come before old ones go."""

EVENTS_KEPT = timedelta(weeks=6)
"""How far back Elastic Beanstalk tells what has happened.
https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEvents.html"""

log = logging.getLogger()
log.setLevel(logging.INFO)


def handle(_event: object, _context: object) -> dict[str, list[str]]:
    """Return the names of what was restarted.

    Raises RuntimeError, once all have had their turn, when some could not be.
    """
    rotated = _last_rotation(os.environ["SECRET"])
    restarted: list[str] = []
    failed: list[str] = []
    for target in json.loads(os.environ["TARGETS"]):
        name = target.get("service") or target.get("group") or target.get("environment")
        try:
            if rotated is not None and _restart(target, rotated):
                log.info("%s: restarted for the password of %s", name, rotated.isoformat())
                restarted.append(name)
        except Exception:
            log.exception("%s: could not be restarted", name)
            failed.append(name)
    if failed:
        raise RuntimeError(f"not restarted: {', '.join(failed)}")
    return {"restarted": restarted}


def _last_rotation(secret: str) -> datetime | None:
    described: dict[str, Any] = boto3.client("secretsmanager").describe_secret(SecretId=secret)
    return described.get("LastRotatedDate")


def _restart(target: Mapping[str, str], rotated: datetime) -> bool:
    """Restart `target` unless it has started since; False when it is left alone."""
    match target:
        case {"platform": "ecs", "cluster": cluster, "service": service}:
            return _restart_service(cluster, service, rotated)
        case {"platform": "autoscaling", "group": group}:
            return _replace_instances(group, rotated)
        case {"platform": "beanstalk", "environment": environment}:
            return _restart_environment(environment, rotated)
        case _:
            raise ValueError(f"no such target: {dict(target)}; ecs, autoscaling and beanstalk are")


def _restart_service(cluster: str, service: str, rotated: datetime) -> bool:
    ecs = boto3.client("ecs")
    described = ecs.describe_services(cluster=cluster, services=[service])
    if not described["services"]:
        raise LookupError(f"cluster {cluster} has no service {service}")
    [newest] = [
        deployment
        for deployment in described["services"][0]["deployments"]
        if deployment["status"] == "PRIMARY"
    ]
    if newest["createdAt"] >= rotated:
        return False
    ecs.update_service(cluster=cluster, service=service, forceNewDeployment=True)
    return True


def _replace_instances(group: str, rotated: datetime) -> bool:
    if not _serving(group) & _launched_before(rotated, group):
        return False
    try:
        boto3.client("autoscaling").start_instance_refresh(
            AutoScalingGroupName=group,
            Strategy="Rolling",
            Preferences={
                "MinHealthyPercentage": HEALTHY_PERCENT,
                "MaxHealthyPercentage": HEALTHY_PERCENT_MOST,
                # They match the group's template, and are to be replaced all the same.
                "SkipMatching": False,
                # Workers at work are protected, and their drain waits for the job. AWS's own way
                # waits for an hour and fails.
                "ScaleInProtectedInstances": "Refresh",
            },
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "InstanceRefreshInProgress":
            raise
        log.info("%s: its instances are being replaced already", group)
        return False
    return True


def _serving(group: str) -> set[str]:
    answer = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    if not answer["AutoScalingGroups"]:
        raise LookupError(f"there is no Auto Scaling group {group}")
    return {
        instance["InstanceId"]
        for instance in answer["AutoScalingGroups"][0]["Instances"]
        if instance["LifecycleState"] == "InService"
    }


def _launched_before(moment: datetime, group: str) -> set[str]:
    pages = (
        boto3.client("ec2")
        .get_paginator("describe_instances")
        .paginate(
            # Not by their ids: one that has just gone would be an error.
            Filters=[{"Name": "tag:aws:autoscaling:groupName", "Values": [group]}]
        )
    )
    return {
        instance["InstanceId"]
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
        if instance["LaunchTime"] < moment
    }


def _restart_environment(name: str, rotated: datetime) -> bool:
    """Restart the containers, for which Elastic Beanstalk reads their secrets again.

    All instances at once, for some seconds. An update would go one by one, but needs leave for
    everything that an environment is made of.
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html
    """
    beanstalk = boto3.client("elasticbeanstalk")
    answer = beanstalk.describe_environments(EnvironmentNames=[name], IncludeDeleted=False)
    if not answer["Environments"]:
        raise LookupError(f"there is no Elastic Beanstalk environment {name}")
    environment = answer["Environments"][0]
    if environment["DateCreated"] >= rotated or _restarted_since(rotated, name):
        return False
    if environment["Status"] != "Ready":
        log.info("%s: it is %s; its turn comes later", name, environment["Status"])
        return False
    beanstalk.restart_app_server(EnvironmentName=name)
    return True


def _restarted_since(moment: datetime, environment: str) -> bool:
    """Whether a restart shows among the events: the environment itself keeps no date of one."""
    if datetime.now(UTC) - moment >= EVENTS_KEPT:
        # Nobody could tell any more, and there have been thousands of calls since.
        return True
    pages = (
        boto3.client("elasticbeanstalk")
        .get_paginator("describe_events")
        .paginate(EnvironmentName=environment, StartTime=moment)
    )
    return any("restart" in event["Message"].lower() for page in pages for event in page["Events"])
