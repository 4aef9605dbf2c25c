"""Redis queues: lists in the cache that Celery works off, and what counts their jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

from components.access import Access, open_paths
from components.functions import (
    InNetwork,
    call_on,
    failure_alarm,
    function_panels,
    platform_function,
)
from components.grants import Statement
from components.ground import Ground
from components.observe import Alarm, Expression, Metric, Panel
from components.security_groups import allow_https_out, security_group
from components.stores.cache import Cache
from settings.redis_queues import RedisQueueSettings

MEASURE_SECONDS = 50
"""Less than the minute until the next call."""

BACKLOG_SECONDS = 600
UNTAKEN_SECONDS = 600
UNTAKEN_PERIODS = 3
"""Half an hour, as an SQS queue's `age_alarm_seconds`."""


@dataclass(frozen=True, kw_only=True)
class RedisQueue:
    """A list in the cache, as a fleet works it off.

    Redis keeps no age of a job and no dead letters: what keeps failing is the worker's to give up.
    """

    name: str
    """What its jobs are: `mail`."""
    key: str
    """The list; Celery's name of the queue."""
    waiting: Metric
    at_work: Metric
    """Jobs that a worker has reserved, those it only holds in store among them: Celery takes a few
    ahead of those it does."""

    @property
    def oldest(self) -> None:
        """Nobody knows: a list has no times."""
        return None

    @property
    def sqs_url(self) -> None:
        """The waker cannot ask: a fleet at rest is woken by its alarm alone."""
        return None

    def sender(self) -> Access:
        """`CELERY_QUEUE` too; whoever has `REDIS_URL` puts jobs in."""
        return self.consumer()

    def consumer(self) -> Access:
        """`CELERY_QUEUE`, the name of the list; the cache itself hands out `REDIS_URL`."""
        return Access(environment={"CELERY_QUEUE": self.key})

    def grant_length(self) -> tuple[Statement, ...]:
        """Nothing: the metrics tell."""
        return ()


@dataclass(frozen=True, kw_only=True)
class RedisQueuesArgs:
    settings: Mapping[str, RedisQueueSettings]
    """By what the jobs are; at least one."""
    ground: Ground
    cache: Cache


class RedisQueues(pulumi.ComponentResource):
    """The lists of the cache, counted once a minute for scaling and alarms (M55).

    ElastiCache tells CloudWatch how many keys there are and never how long a list is. Both figures
    of a list are put down in one call, so either both are there or none. When counting fails there
    is no figure at all, and scaling leaves the fleet as it is: silence is no empty list.

    Cost: 0.60 USD a month for the two metrics of a list; 1 USD for a count a minute, most of it the
    calls to CloudWatch and Secrets Manager (us-east-1, 2026).
    """

    queues: Mapping[str, RedisQueue]
    """By name."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: RedisQueuesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:redis_queues:RedisQueues", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        function = _function(f"{name}-function", args, child)
        minute = aws.cloudwatch.EventRule(
            f"{name}-minute",
            description="Counts the jobs that wait in the cache.",
            schedule_expression="rate(1 minute)",
            opts=child,
        )
        call_on(f"{name}-minute", minute, function, child)

        self.queues = {
            queue: RedisQueue(
                name=queue,
                key=settings.key,
                waiting=_metric(args.ground.prefix, queue, "Waiting", "waiting"),
                at_work=_metric(args.ground.prefix, queue, "AtWork", "at work"),
            )
            for queue, settings in args.settings.items()
        }
        self.alarms = (
            *(
                alarm
                for queue, settings in args.settings.items()
                for alarm in _alarms(self.queues[queue], settings)
            ),
            _measuring_failed(function),
        )
        self.panels = (
            *(_panel(queue) for queue in self.queues.values()),
            *function_panels(self.alarms),
        )
        self.register_outputs({"function": function.name})


def queues_namespace(prefix: str) -> str:
    """Where the lengths of lists are put down."""
    return f"{prefix}/Queues"


def _full_name(prefix: str, queue: str) -> str:
    return f"{prefix}-{queue}"


def _function(
    name: str, args: RedisQueuesArgs, opts: pulumi.ResourceOptions
) -> aws.lambda_.Function:
    ground, access = args.ground, args.cache.access()
    [url] = access.secrets
    namespace = queues_namespace(ground.prefix)
    members = security_group(f"{name}-group", ground.vpc_id, "Counts jobs in the cache", opts)
    allow_https_out(f"{name}-https-out", members.id, opts)
    open_paths(name, access.paths, members.id, opts)
    return platform_function(
        name,
        "redis_backlog",
        description="Counts the jobs that wait in the cache and those at work.",
        environment={
            "NAMESPACE": namespace,
            "QUEUES": pulumi.Output.json_dumps(
                {
                    _full_name(ground.prefix, queue): {
                        "key": settings.key,
                        "unacked": settings.unacked_key,
                    }
                    for queue, settings in args.settings.items()
                }
            ),
            "SECRET": url.value_from,
        },
        statements=(
            *url.read,
            Statement(
                sid="PutMetrics",
                actions=["cloudwatch:PutMetricData"],
                # The action knows no resources; the condition holds it to our own metrics.
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
            ),
        ),
        timeout_seconds=MEASURE_SECONDS,
        logs=ground.logs,
        network=InNetwork(subnet_ids=ground.private_subnet_ids, security_group_id=members.id),
        opts=opts,
    )


def _metric(prefix: str, queue: str, name: str, label: str) -> Metric:
    return Metric(
        namespace=queues_namespace(prefix),
        name=name,
        dimensions={"Queue": _full_name(prefix, queue)},
        statistic="Maximum",
        period=60,
        label=label,
    )


def _alarms(queue: RedisQueue, settings: RedisQueueSettings) -> tuple[Alarm, ...]:
    return (
        Alarm(
            name=f"{queue.name}-backlog",
            summary=f"More than {settings.backlog_alarm} jobs of {queue.name} have waited for 20 "
            "minutes.",
            watch=replace(queue.waiting, period=BACKLOG_SECONDS),
            comparison="above",
            threshold=settings.backlog_alarm,
            evaluation_periods=2,
            # What is not counted has neither grown nor gone.
            missing_data="ignore",
            severity="warning",
            runbook="queues.md#backlog",
        ),
        Alarm(
            name=f"{queue.name}-untaken",
            summary=f"Jobs of {queue.name} have waited for half an hour, and nobody took one.",
            watch=_untaken(queue),
            comparison="at_least",
            threshold=1,
            evaluation_periods=UNTAKEN_PERIODS,
            missing_data="ignore",
            severity="critical",
            runbook="queues.md#untaken",
        ),
    )


def _untaken(queue: RedisQueue) -> Expression:
    """Jobs that were there all through a datapoint in which nobody held any, else 0.

    It stands in for the age of the oldest job, which Redis does not know.
    """
    return Expression(
        text="IF(at_work < 1, waiting, 0)",
        metrics={
            "waiting": replace(queue.waiting, statistic="Minimum", period=UNTAKEN_SECONDS),
            "at_work": replace(queue.at_work, period=UNTAKEN_SECONDS),
        },
        label="waiting, none at work",
    )


def _measuring_failed(function: aws.lambda_.Function) -> Alarm:
    """A single failure passes with the next minute. When they go on, scaling is blind, and so are
    the alarms of the lists."""
    failed = failure_alarm(
        function,
        name="measuring-failed",
        summary="Counting the jobs in the cache has failed for 15 minutes; their fleets neither "
        "grow nor wake.",
        severity="critical",
    )
    return replace(failed, evaluation_periods=3, runbook="queues.md#measuring-failed")


def _panel(queue: RedisQueue) -> Panel:
    return Panel(
        group="Queues",
        title=f"{queue.name}: jobs",
        unit="messages",
        metrics=[replace(queue.waiting, period=300), replace(queue.at_work, period=300)],
    )
