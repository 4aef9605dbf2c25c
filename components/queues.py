"""Work queues: where jobs wait, and where those that keep failing go."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.grants import Statement
from components.naming import physical_name
from components.observe import Alarm, Metric, Panel
from settings.queues import QueueSettings

LONG_POLL_SECONDS = 20
"""The longest wait SQS offers; an idle worker then asks three times a minute instead of always."""

DAY = 24 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class WorkQueueArgs:
    settings: QueueSettings
    prefix: str
    """Leads the queue's name; software addresses a queue by name."""
    queue: str
    """What its jobs are: `render`."""
    key_arn: pulumi.Input[str] | None
    """The customer-managed key for messages at rest; SQS's own when absent."""


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

        self._title = args.queue.replace("-", " ").title().replace(" ", "")
        self._key_arn = args.key_arn
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

    def grant_send(self) -> tuple[Statement, ...]:
        """What a producer needs: put jobs in, and read the length of the line."""
        return (
            Statement(
                sid=f"Send{self._title}",
                actions=["sqs:SendMessage", "sqs:GetQueueAttributes"],
                resources=[self.arn],
            ),
            *self._grant_key("kms:GenerateDataKey", "kms:Decrypt"),
        )

    def grant_consume(self) -> tuple[Statement, ...]:
        """What a worker needs: take jobs, keep them hidden while at work, and strike them off."""
        return (
            Statement(
                sid=f"Consume{self._title}",
                actions=[
                    "sqs:ReceiveMessage",
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                ],
                resources=[self.arn],
            ),
            *self._grant_key("kms:Decrypt"),
        )

    def _grant_key(self, *actions: str) -> tuple[Statement, ...]:
        if self._key_arn is None:
            return ()
        return (
            Statement(sid=f"{self._title}Key", actions=list(actions), resources=[self._key_arn]),
        )


def _dead_letter_queue(
    name: str, args: WorkQueueArgs, opts: pulumi.ResourceOptions
) -> aws.sqs.Queue:
    return aws.sqs.Queue(
        name,
        name=physical_name("queue", args.prefix, args.queue, "dead-letter"),
        message_retention_seconds=args.settings.dead_letter_days * DAY,
        **_encryption(args),
        opts=opts,
    )


def _queue(
    name: str, args: WorkQueueArgs, dead_letter: aws.sqs.Queue, opts: pulumi.ResourceOptions
) -> aws.sqs.Queue:
    return aws.sqs.Queue(
        name,
        name=physical_name("queue", args.prefix, args.queue),
        visibility_timeout_seconds=args.settings.visibility_seconds,
        receive_wait_time_seconds=LONG_POLL_SECONDS,
        message_retention_seconds=args.settings.retention_days * DAY,
        redrive_policy=pulumi.Output.json_dumps(
            {
                "deadLetterTargetArn": dead_letter.arn,
                "maxReceiveCount": args.settings.max_receives,
            }
        ),
        **_encryption(args),
        opts=opts,
    )


def _encryption(args: WorkQueueArgs) -> dict[str, pulumi.Input[str] | bool]:
    if args.key_arn is None:
        return {"sqs_managed_sse_enabled": True}
    return {"kms_master_key_id": args.key_arn}


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


def _metric(queue: aws.sqs.Queue, name: str, label: str, period: int = 300) -> Metric:
    return Metric(
        namespace="AWS/SQS",
        name=name,
        dimensions={"QueueName": queue.name},
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
            watch=_metric(queue, "ApproximateNumberOfMessagesVisible", "waiting", period=600),
            comparison="above",
            threshold=settings.backlog_alarm,
            evaluation_periods=2,
            severity="warning",
            runbook="queues.md#backlog",
        ),
        Alarm(
            name="oldest-message",
            summary=f"A job has waited for {settings.age_alarm_seconds} s; nobody takes it.",
            watch=_metric(queue, "ApproximateAgeOfOldestMessage", "oldest"),
            comparison="above",
            threshold=settings.age_alarm_seconds,
            severity="critical",
            runbook="queues.md#oldest-message",
        ),
        Alarm(
            name="dead-letters",
            summary="A job failed so often that it was given up.",
            watch=_metric(dead_letter, "ApproximateNumberOfMessagesVisible", "given up"),
            comparison="at_least",
            threshold=1,
            severity="warning",
            runbook="queues.md#dead-letters",
        ),
    )


def _panels(
    title: str, queue: aws.sqs.Queue, dead_letter: aws.sqs.Queue
) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Queues",
            title=f"{title}: jobs",
            unit="messages",
            metrics=[
                _metric(queue, "ApproximateNumberOfMessagesVisible", "waiting"),
                _metric(queue, "ApproximateNumberOfMessagesNotVisible", "at work"),
                _metric(dead_letter, "ApproximateNumberOfMessagesVisible", "given up"),
            ],
        ),
        Panel(
            group="Queues",
            title=f"{title}: oldest job",
            unit="seconds",
            metrics=[_metric(queue, "ApproximateAgeOfOldestMessage", "oldest")],
        ),
    )
