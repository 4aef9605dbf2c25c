"""Counts what happens to the instances of the fleets: spot taken back, threatened, or not had.

EventBridge calls for an EC2 Spot Instance Interruption Warning, an EC2 Instance Rebalance
Recommendation and an EC2 Instance Launch Unsuccessful. Each becomes a line that CloudWatch makes a
metric of: Interruptions, Rebalances or FailedLaunches, by the dimension Fleet. The line goes to
stdout as it is. Lambda leaves alone what is JSON already, whereas the logger would make a text
inside its own JSON of it.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

Environment: GROUPS is a JSON {"Auto Scaling group": "fleet"}; METRICS_NAMESPACE the metrics'
namespace.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import boto3

log = logging.getLogger()
log.setLevel(logging.INFO)


def handle(event: Mapping[str, Any], _context: object) -> dict[str, str | None]:
    """Return which fleet the event was counted for: None, uncounted, when it is none of ours.

    An event that comes twice counts twice; both lines then have the same `event`. Raises ValueError
    for an event of another kind.
    """
    match event:
        case {
            "detail-type": "EC2 Spot Instance Interruption Warning",
            "detail": {"instance-id": str(instance), "instance-action": str(action)},
        }:
            metric, (group, facts) = "Interruptions", _look_up(instance)
            facts["reason"] = action
        case {
            "detail-type": "EC2 Instance Rebalance Recommendation",
            "detail": {"instance-id": str(instance)},
        }:
            metric, (group, facts) = "Rebalances", _look_up(instance)
        case {
            "detail-type": "EC2 Instance Launch Unsuccessful",
            "detail": {"AutoScalingGroupName": str(group), **detail},
        }:
            metric, facts = "FailedLaunches", _of_launch(detail)
        case _:
            raise ValueError(
                "the event is neither an EC2 Spot Instance Interruption Warning nor an EC2 Instance"
                " Rebalance Recommendation nor an EC2 Instance Launch Unsuccessful with all its"
                f" details: {event!r}"
            )
    fleet = json.loads(os.environ["GROUPS"]).get(group)
    if fleet is None:
        log.info("%s: group %s is no fleet's", event["detail-type"], group)
        return {"fleet": None}
    _count(metric, fleet, event, facts)
    return {"fleet": fleet}


def _look_up(instance: str) -> tuple[str | None, dict[str, str | None]]:
    """An instance's group, None when it has none, and what it is: the event has only its id."""
    answer = boto3.client("autoscaling").describe_auto_scaling_instances(InstanceIds=[instance])
    found: dict[str, Any] = next(iter(answer["AutoScalingInstances"]), {})
    return found.get("AutoScalingGroupName"), {
        "instance": instance,
        "type": found.get("InstanceType"),
        "zone": found.get("AvailabilityZone"),
    }


def _of_launch(detail: Mapping[str, Any]) -> dict[str, str | None]:
    """What is known of an instance that never was: hardly ever its id, and not its type."""
    return {
        "instance": detail.get("EC2InstanceId"),
        "zone": detail.get("Details", {}).get("Availability Zone"),
        "reason": detail.get("StatusMessage") or detail.get("Cause"),
    }


def _count(
    metric: str, fleet: str, event: Mapping[str, Any], facts: Mapping[str, str | None]
) -> None:
    line = {
        "_aws": {
            # Of the event and not of the call, which may be a late retry.
            "Timestamp": round(datetime.fromisoformat(event["time"]).timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": os.environ["METRICS_NAMESPACE"],
                    "Dimensions": [["Fleet"]],
                    "Metrics": [{"Name": metric, "Unit": "Count"}],
                }
            ],
        },
        "Fleet": fleet,
        metric: 1,
        "event": event["id"],
        **{name: value for name, value in facts.items() if value},
    }
    sys.stdout.write(json.dumps(line) + "\n")
