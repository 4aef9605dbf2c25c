"""Events: what ECS, Auto Scaling, Elastic Beanstalk and RDS say of the stack, told to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_aws as aws

from components.ground import Place
from components.notices import Event, Notices
from components.observe import Severity
from components.stores.database import Database
from components.workers.fleets import Fleets
from components.workload import Restart

RDS_CATEGORIES = ("failover", "failure", "low storage", "maintenance")
"""https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html"""

NOT_LAUNCHED = "EC2 Instance Launch Unsuccessful"
NOT_ENDED = "EC2 Instance Terminate Unsuccessful"


class Deployed(Protocol):
    """What runs our code: the API, a service, a fleet, or what runs beside one."""

    @property
    def pulumi_resource_name(self) -> str: ...

    @property
    def restart(self) -> Restart: ...


@dataclass(frozen=True, kw_only=True)
class EventsArgs:
    place: Place
    notices: Notices
    deployed: Sequence[Deployed]
    """Everything that runs our code. What each runs on is decided, its names may be known later."""
    counted_groups: Mapping[str, Sequence[pulumi.Output[str]]]
    """The Auto Scaling groups of fleets, by what the fleet is called in `deployed`. Their failed
    launches are counted and have an alarm, so each of them alone is not told."""
    database_ids: Sequence[pulumi.Output[str]]

    @classmethod
    def of(
        cls,
        place: Place,
        notices: Notices,
        api: Deployed,
        services: Mapping[str, Deployed],
        fleets: Fleets,
        database: Database,
    ) -> EventsArgs:
        return cls(
            place=place,
            notices=notices,
            deployed=[api, *services.values(), *fleets.workloads],
            counted_groups={
                fleet.pulumi_resource_name: fleet.group_names for fleet in fleets.by_name.values()
            },
            database_ids=database.identifiers,
        )


class Events(pulumi.ComponentResource):
    """Rules that tell what was deployed, what is at its ceiling, and what would not start (M102),
    and what RDS says of the database (B27).

    Told to info: each deployment as it begins, ends or fails, and a service that has grown as far
    as it may. To warning: tasks that keep failing to start, an instance that could not be launched
    or ended, an update that Elastic Beanstalk gave up, and the database's failovers, failures, full
    disks and maintenance. Launches that worked are told to nobody: a fleet at work makes dozens a
    day. Muted notices switch all of it off.

    Cost: none; EventBridge charges nothing for the events of AWS itself.
    """

    def __init__(
        self, name: str, args: EventsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:events:Events", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        told = 0
        for each in args.deployed:
            for key, event in _events_of(each, args).items():
                args.notices.tell(f"{name}-{each.pulumi_resource_name}-{key}", event, child)
                told += 1
        database = aws.rds.EventSubscription(
            f"{name}-database",
            source_type="db-instance",
            source_ids=args.database_ids,
            event_categories=RDS_CATEGORIES,
            sns_topic=args.notices.topic_arns["warning"],
            enabled=not args.notices.muted,
            opts=child,
        )
        self.register_outputs({"rules": told, "database": database.name})


def _events_of(deployed: Deployed, args: EventsArgs) -> Mapping[str, Event]:
    """What is told of it, by what ends the rule's name."""
    what, target = deployed.pulumi_resource_name, deployed.restart.target
    counted = args.counted_groups.get(what, ())
    stuck = {"instances": _instances(what, counted, [NOT_ENDED])} if counted else {}
    match target:
        case {"platform": "ecs", "cluster": cluster, "service": service}:
            return {**_ecs(what, cluster, service, args.place), **stuck}
        case {"platform": "autoscaling", "group": group}:
            return stuck or {"instances": _instances(what, [group], [NOT_LAUNCHED, NOT_ENDED])}
        case {"platform": "beanstalk", "environment": environment}:
            return _beanstalk(what, environment)
        case _:
            raise ValueError(f"{what} runs on {target.get('platform')}, whose events nobody reads")


def _ecs(
    what: str, cluster: pulumi.Input[str], service: pulumi.Input[str], place: Place
) -> Mapping[str, Event]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
    https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-application-autoscaling.html
    """
    path = pulumi.Output.concat("service/", cluster, "/", service)
    arn = place.arn("ecs", path)
    return {
        "deployments": Event(
            severity="info",
            pattern={
                "source": ["aws.ecs"],
                "detail-type": ["ECS Deployment State Change"],
                "resources": [arn],
            },
            title=f"{what}: deployment",
            text="<event> at <time>. <reason>",
            paths={"event": "$.detail.eventName", "reason": "$.detail.reason", "time": "$.time"},
        ),
        "starts": Event(
            severity="warning",
            pattern={
                "source": ["aws.ecs"],
                "detail-type": ["ECS Service Action"],
                "resources": [arn],
                "detail": {
                    "eventName": [
                        "SERVICE_TASK_START_IMPAIRED",
                        "SERVICE_TASK_CONFIGURATION_FAILURE",
                    ]
                },
            },
            title=f"{what}: tasks do not start",
            text="<event> at <time>. The service's events on ECS say why. <reason>",
            paths={"event": "$.detail.eventName", "reason": "$.detail.reason", "time": "$.time"},
        ),
        "ceiling": Event(
            severity="info",
            pattern={
                "source": ["aws.application-autoscaling"],
                "detail-type": ["Application Auto Scaling Scaling Activity State Change"],
                "detail": {"resourceId": [path], "scaledToMax": [True]},
            },
            title=f"{what}: at its ceiling",
            text="From <old> to <new> tasks at <time>: its most.",
            paths={
                "old": "$.detail.oldDesiredCapacity",
                "new": "$.detail.newDesiredCapacity",
                "time": "$.time",
            },
        ),
    }


def _instances(what: str, groups: Sequence[pulumi.Input[str]], kinds: Sequence[str]) -> Event:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html"""
    return Event(
        severity="warning",
        pattern={
            "source": ["aws.autoscaling"],
            "detail-type": list(kinds),
            "detail": {"AutoScalingGroupName": list(groups)},
        },
        title=f"{what}: instances",
        text="<event> in <group> at <time>.",
        paths={
            "event": "$.detail-type",
            "group": "$.detail.AutoScalingGroupName",
            "time": "$.time",
        },
        words="$.detail.StatusMessage",
    )


def _beanstalk(what: str, environment: pulumi.Input[str]) -> Mapping[str, Event]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.eventbridge.html"""
    source = {
        "source": ["aws.elasticbeanstalk"],
        "detail-type": ["Elastic Beanstalk resource status change"],
    }
    return {
        key: Event(
            severity=severity,
            pattern={
                **source,
                "detail": {"EnvironmentName": [environment], "Severity": severities},
            },
            title=f"{what}: environment",
            text="<status> at <time>.",
            paths={"status": "$.detail.Status", "time": "$.time"},
            words="$.detail.Message",
        )
        for key, severity, severities in _BEANSTALK
    }


_BEANSTALK: Sequence[tuple[str, Severity, list[str]]] = (
    ("deployments", "info", ["INFO"]),
    ("failures", "warning", ["WARN", "ERROR", "FATAL"]),
)
"""Key, whom it is told, and how Elastic Beanstalk rates it."""
