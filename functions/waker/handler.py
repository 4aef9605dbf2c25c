"""Starts the first workers of a fleet at rest when jobs wait for it, once a minute.

Target tracking divides by the workers there are, so it cannot leave zero; this does, and no more.
It never lowers a fleet and never touches one that wants a worker. It asks the queue itself rather
than CloudWatch, and being asked keeps the queue's metrics alive: after about six hours of silence
they come up to 15 minutes late.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html

Environment: FLEETS is a JSON list, each {"platform": "ecs", "cluster", "service"} by their names or
{"platform": "autoscaling", "group"}, with "queue" its queue's URL, "target" the jobs a worker may
have, "most" the workers to start at once and "max" those that it may ever have.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
"""A fleet that AWS does not answer for may cost the others seconds, not the whole minute."""

log = logging.getLogger()
log.setLevel(logging.INFO)


def handle(_event: object, _context: object) -> dict[str, dict[str, int]]:
    """Return how many workers were started, by service or group.

    Raises RuntimeError, once all have had their turn, when some could not be looked after.
    """
    woken: dict[str, int] = {}
    failed: list[str] = []
    for fleet in json.loads(os.environ["FLEETS"]):
        name = fleet.get("service") or fleet.get("group") or "a fleet without a name"
        try:
            workers = _wake(name, fleet)
        except Exception:
            log.exception("%s: could not be looked after", name)
            failed.append(name)
            continue
        if workers:
            woken[name] = workers
    if failed:
        raise RuntimeError(f"not looked after: {', '.join(failed)}")
    return {"woken": woken}


def _wake(name: str, fleet: Mapping[str, Any]) -> int:
    """Start workers if jobs wait and none is wanted; return how many."""
    # Before all else, and for a fleet at work too: the question keeps the metrics alive.
    waiting = _waiting(fleet["queue"])
    if waiting == 0:
        return 0
    wanted, ceiling = _wanted_and_ceiling(fleet)
    if wanted > 0:
        return 0
    if ceiling == 0:
        log.info(
            "%s: %d jobs wait, and it is to rest until its bounds allow a worker", name, waiting
        )
        return 0
    enough = max(1, math.ceil(waiting / fleet["target"]))
    workers = min(enough, fleet["most"], fleet["max"], ceiling)
    _start(fleet, workers)
    log.info("%s: %d jobs wait for nobody; %d workers are to start", name, waiting, workers)
    return workers


def _waiting(queue: str) -> int:
    attribute = "ApproximateNumberOfMessages"
    answer = _client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[attribute])
    return int(answer["Attributes"][attribute])


def _wanted_and_ceiling(fleet: Mapping[str, Any]) -> tuple[int, int]:
    """The workers a fleet wants and the most it may have now; a schedule moves the latter."""
    match fleet:
        case {"platform": "ecs", "cluster": cluster, "service": service}:
            return _of_service(cluster, service)
        case {"platform": "autoscaling", "group": group}:
            return _of_group(group)
        case _:
            raise ValueError(f"no such fleet: {dict(fleet)}; ecs and autoscaling are")


def _of_service(cluster: str, service: str) -> tuple[int, int]:
    described = _client("ecs").describe_services(cluster=cluster, services=[service])
    if not described["services"]:
        raise LookupError(f"cluster {cluster} has no service {service}")
    bounds = _client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs",
        ResourceIds=[f"service/{cluster}/{service}"],
        ScalableDimension="ecs:service:DesiredCount",
    )
    if not bounds["ScalableTargets"]:
        raise LookupError(f"Application Auto Scaling does not know service {cluster}/{service}")
    return described["services"][0]["desiredCount"], bounds["ScalableTargets"][0]["MaxCapacity"]


def _of_group(group: str) -> tuple[int, int]:
    answer = _client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    if not answer["AutoScalingGroups"]:
        raise LookupError(f"there is no Auto Scaling group {group}")
    described = answer["AutoScalingGroups"][0]
    return described["DesiredCapacity"], described["MaxSize"]


def _start(fleet: Mapping[str, Any], workers: int) -> None:
    if fleet["platform"] == "ecs":
        _client("ecs").update_service(
            cluster=fleet["cluster"], service=fleet["service"], desiredCount=workers
        )
        return
    _client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=fleet["group"],
        DesiredCapacity=workers,
        # A cooldown is what is left of an earlier change; here there is nobody to wait for.
        HonorCooldown=False,
    )


@functools.cache
def _client(service: str) -> Any:
    """One per service and not per fleet: making one costs more than the question it asks."""
    return boto3.client(service, config=PATIENCE)
