"""Work queues: where jobs wait, and where those that keep failing go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_aws as aws

from components.access import Access
from components.grants import Statement, key_grant
from components.ground import Ground
from components.naming import physical_name
from components.observe import Alarm, Metric, Panel
from settings.queues import QueueSettings

LONG_POLL_SECONDS = 20
"""The longest wait SQS offers; an idle worker then asks three times a minute instead of always."""

DAY = 24 * 60 * 60


class JobQueue(Protocol):
    """What a fleet works off, whoever keeps it."""

    @property
    def waiting(self) -> Metric:
        """Jobs that nobody has taken, by the minute."""
        ...

    @property
    def at_work(self) -> Metric:
        """Jobs that somebody has taken and not struck off, by the minute."""
        ...

    @property
    def oldest(self) -> Metric | None:
        """Seconds that the oldest job has waited or been at work; None where nobody knows."""
        ...

    @property
    def sqs_url(self) -> pulumi.Output[str] | None:
        """Where the waker asks for its length; None when that is not SQS."""
        ...

    def sender(self) -> Access:
        """What whoever puts jobs in line needs."""
        ...

    def consumer(self) -> Access:
        """What the queue's own workers need."""
        ...

    def grant_length(self) -> tuple[Statement, ...]:
        """Ask how long the line is; nothing where the metrics alone tell."""
        ...


@dataclass(frozen=True, kw_only=True)
class WorkQueueArgs:
    settings: QueueSettings
    queue: str
    """What its jobs are: `render`."""
    ground: Ground


class WorkQueue(pulumi.ComponentResource):
    """An SQS queue for jobs and the dead-letter queue behind it (M53).

    Cost: 0.40 USD per million requests after the first million of a month; one worker that polls
    without pause makes about 130,000 requests a month.
    """

    url: pulumi.Output[str]
    arn: pulumi.Output[str]
    name: pulumi.Output[str]
    dead_letter_url: pulumi.Output[str]
    dead_letter_arn: pulumi.Output[str]
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: WorkQueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:queues:WorkQueue", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        dead_letter = _dead_letter_queue(f"{name}-dead-letter", args, child)
        queue = _queue(f"{name}-queue", args, dead_letter, child)
        _allow_redrive_from(f"{name}-redrive-allow", queue, dead_letter, child)

        self._queue = args.queue
        self._key_arn = args.ground.data_key_arn
        self._visibility_seconds = args.settings.visibility_seconds
        self.url = queue.url
        self.arn = queue.arn
        self.name = queue.name
        self.dead_letter_url = dead_letter.url
        self.dead_letter_arn = dead_letter.arn
        self.alarms = _alarms(args.settings, queue, dead_letter)
        self.panels = _panels(args.queue, queue, dead_letter)
        self.register_outputs(
            {"url": self.url, "arn": self.arn, "dead_letter_url": self.dead_letter_url}
        )

    @property
    def waiting(self) -> Metric:
        return self._gauge("ApproximateNumberOfMessagesVisible", "waiting")

    @property
    def at_work(self) -> Metric:
        return self._gauge("ApproximateNumberOfMessagesNotVisible", "at work")

    @property
    def oldest(self) -> Metric:
        return self._gauge("ApproximateAgeOfOldestMessage", "oldest")

    @property
    def sqs_url(self) -> pulumi.Output[str]:
        return self.url

    def _gauge(self, name: str, label: str) -> Metric:
        return _metric(self.name, name, label, period=60)

    def sender(self) -> Access:
        """What a producer needs: `QUEUE_URL_RENDER`, and the grants to put jobs in."""
        variable = f"QUEUE_URL_{self._queue.replace('-', '_').upper()}"
        return Access(environment={variable: self.url}, statements=self.grant_send())

    def consumer(self) -> Access:
        """What the queue's own workers need: `QUEUE_URL` and how long a message stays hidden, and
        the grants to take jobs."""
        hidden = str(self._visibility_seconds)
        return Access(
            environment={"QUEUE_URL": self.url, "VISIBILITY_SECONDS": hidden},
            statements=self.grant_consume(),
        )

    def grant_length(self) -> tuple[Statement, ...]:
        """Read how long the line is."""
        statement = Statement(
            sid="MeasureJobs", actions=["sqs:GetQueueAttributes"], resources=[self.arn]
        )
        return (statement,)

    def grant_send(self) -> tuple[Statement, ...]:
        """Put jobs in, and read the length of the line."""
        return self._grant(
            "SendJobs",
            actions=["sqs:SendMessage", "sqs:GetQueueAttributes"],
            key_actions=["kms:Decrypt", "kms:GenerateDataKey"],
        )

    def grant_consume(self) -> tuple[Statement, ...]:
        """Take jobs, keep them hidden while at work, and strike them off."""
        return self._grant(
            "ConsumeJobs",
            actions=[
                "sqs:ReceiveMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
            ],
            key_actions=["kms:Decrypt"],
        )

    def _grant(
        self, sid: str, *, actions: Sequence[str], key_actions: Sequence[str]
    ) -> tuple[Statement, ...]:
        messages = Statement(sid=sid, actions=actions, resources=[self.arn])
        return (messages, *key_grant(f"{sid}Key", self._key_arn, *key_actions))


def work_queues(
    settings: Mapping[str, QueueSettings], ground: Ground, opts: pulumi.ResourceOptions
) -> dict[str, WorkQueue]:
    """A queue for each of the settings, by name."""
    return {
        name: WorkQueue(
            f"queue-{name}", WorkQueueArgs(settings=sizing, queue=name, ground=ground), opts
        )
        for name, sizing in settings.items()
    }


def _dead_letter_queue(
    name: str, args: WorkQueueArgs, opts: pulumi.ResourceOptions
) -> aws.sqs.Queue:
    return aws.sqs.Queue(
        name,
        name=physical_name("queue", args.ground.prefix, args.queue, "dead-letter"),
        message_retention_seconds=args.settings.dead_letter_days * DAY,
        kms_master_key_id=args.ground.data_key_arn,
        sqs_managed_sse_enabled=True if args.ground.data_key_arn is None else None,
        opts=opts,
    )


def _queue(
    name: str, args: WorkQueueArgs, dead_letter: aws.sqs.Queue, opts: pulumi.ResourceOptions
) -> aws.sqs.Queue:
    return aws.sqs.Queue(
        name,
        name=physical_name("queue", args.ground.prefix, args.queue),
        visibility_timeout_seconds=args.settings.visibility_seconds,
        receive_wait_time_seconds=LONG_POLL_SECONDS,
        message_retention_seconds=args.settings.retention_days * DAY,
        redrive_policy=pulumi.Output.json_dumps(
            {
                "deadLetterTargetArn": dead_letter.arn,
                "maxReceiveCount": args.settings.max_receives,
            }
        ),
        kms_master_key_id=args.ground.data_key_arn,
        sqs_managed_sse_enabled=True if args.ground.data_key_arn is None else None,
        opts=opts,
    )


def _allow_redrive_from(
    name: str, queue: aws.sqs.Queue, dead_letter: aws.sqs.Queue, opts: pulumi.ResourceOptions
) -> None:
    # Without it any queue of the account may name this one as its dead-letter queue.
    aws.sqs.RedriveAllowPolicy(
        name,
        queue_url=dead_letter.url,
        redrive_allow_policy=pulumi.Output.json_dumps(
            {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
        ),
        opts=opts,
    )


def _metric(queue_name: pulumi.Input[str], name: str, label: str, period: int = 300) -> Metric:
    return Metric(
        namespace="AWS/SQS",
        name=name,
        dimensions={"QueueName": queue_name},
        statistic="Maximum",
        period=period,
        label=label,
    )


def _alarms(
    settings: QueueSettings, queue: aws.sqs.Queue, dead_letter: aws.sqs.Queue
) -> tuple[Alarm, ...]:
    return (
        Alarm(
            name="backlog",
            summary=f"More than {settings.backlog_alarm} jobs have waited for 20 minutes.",
            watch=_metric(queue.name, "ApproximateNumberOfMessagesVisible", "waiting", period=600),
            comparison="above",
            threshold=settings.backlog_alarm,
            evaluation_periods=2,
            severity="warning",
            runbook="queues.md#backlog",
        ),
        Alarm(
            name="oldest-message",
            summary=f"A job is {settings.age_alarm_seconds} s old; nobody takes or finishes it.",
            watch=_metric(queue.name, "ApproximateAgeOfOldestMessage", "oldest"),
            comparison="above",
            threshold=settings.age_alarm_seconds,
            severity="critical",
            runbook="queues.md#oldest-message",
        ),
        Alarm(
            name="dead-letters",
            summary="A job failed so often that it was given up.",
            watch=_metric(dead_letter.name, "ApproximateNumberOfMessagesVisible", "given up"),
            comparison="at_least",
            threshold=1,
            severity="warning",
            runbook="queues.md#dead-letters",
        ),
    )


def _panels(title: str, queue: aws.sqs.Queue, dead_letter: aws.sqs.Queue) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Queues",
            title=f"{title}: jobs",
            unit="messages",
            metrics=[
                _metric(queue.name, "ApproximateNumberOfMessagesVisible", "waiting"),
                _metric(queue.name, "ApproximateNumberOfMessagesNotVisible", "at work"),
                _metric(dead_letter.name, "ApproximateNumberOfMessagesVisible", "given up"),
            ],
        ),
        Panel(
            group="Queues",
            title=f"{title}: oldest job",
            unit="seconds",
            metrics=[_metric(queue.name, "ApproximateAgeOfOldestMessage", "oldest")],
        ),
    )
