"""The archive: what log groups are told, copied to the log bucket."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.grants import ServiceRole, Statement, key_grant, service_role
from components.ground import Ground
from components.logs import KeptGroup, grant_write
from components.observe import Alarm, Metric, Panel
from components.stores.buckets import ARCHIVED_LOGS, Bucket
from settings.stack import Settings

STREAM = "S3Delivery"
"""The log stream that Firehose writes its errors to; the name is the console's."""

BUFFER_SECONDS = 300
BUFFER_MB = 64
"""Whichever is reached first makes an object. Smaller ones would be many, and slow to search."""

LATE_SECONDS = 900
"""The longest that Firehose ever buffers. It tries for 24 hours, and what it could not deliver by
then is lost.
https://docs.aws.amazon.com/firehose/latest/dev/firehose-cloudwatch-metrics-best-practices.html"""


@dataclass(frozen=True, kw_only=True)
class LogArchiveArgs:
    ground: Ground
    """Its logs know every group that there is to copy."""
    log_bucket: Bucket


class LogArchive(pulumi.ComponentResource):
    """A Firehose stream to the log bucket, and every log group of the region led into it (M89).

    An object is lines of JSON, compressed: `cloudwatch/logs/2026/03/01/...gz`. A line holds events
    of one group and says of which, so that one stream serves them all. They stay there for
    `buckets.logs_days`, under the key for logs where there is one.

    Left out are the groups in another region, where this stream cannot be reached; the trail's,
    since CloudTrail writes to the bucket itself; and the stream's own, whose every line would make
    another.

    Make it after everything that keeps a log.

    Cost: 0.029 USD per GB, each record counted as 5 KB at least, and 0.00325 USD per GB for
    unpacking it; what lies in the bucket 0.023 USD per GB and month, a tenth of its size or less
    (us-east-1, 2026). https://aws.amazon.com/firehose/pricing/
    """

    stream_name: pulumi.Output[str]
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: LogArchiveArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:log_archive:LogArchive", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        groups = _archived(args.ground.logs.made)
        stream = _stream(f"{name}-stream", args, child)
        role = _sender(f"{name}-sender", stream, args.ground, child)
        for group in groups:
            _lead(f"{name}-{_slug(group)}", group, stream, role, child)

        self.stream_name = stream.name
        self.alarms = _alarms(stream)
        self.panels = _panels(stream)
        self.register_outputs({"stream_name": self.stream_name, "groups": len(groups)})


def log_archive(
    stack: Settings, ground: Ground, log_bucket: Bucket, opts: pulumi.ResourceOptions
) -> LogArchive | None:
    """The archive where the stack wants one."""
    if not stack.logs.archive:
        return None
    return LogArchive("log-archive", LogArchiveArgs(ground=ground, log_bucket=log_bucket), opts)


def _archived(made: Sequence[KeptGroup]) -> tuple[KeptGroup, ...]:
    return tuple(group for group in made if group.archived and group.region is None)


def _slug(group: KeptGroup) -> str:
    """`/aws/rds/instance/database/postgresql` as `aws-rds-instance-database-postgresql`."""
    return "-".join(re.findall(r"[a-z0-9]+", group.what.lower()))


def _stream(
    name: str, args: LogArchiveArgs, opts: pulumi.ResourceOptions
) -> aws.kinesis.FirehoseDeliveryStream:
    log_group = args.ground.logs.group(
        f"{name}-log", "firehose", "log-archive", opts, archived=False
    )
    errors = aws.cloudwatch.LogStream(
        f"{name}-log", name=STREAM, log_group_name=log_group.name, opts=opts
    )
    key_arn = args.ground.logs.key_arn
    role = service_role(
        name,
        "firehose.amazonaws.com",
        (
            *args.log_bucket.grant_deliver(f"{ARCHIVED_LOGS}/*"),
            *key_grant("EncryptArchive", key_arn, "kms:Decrypt", "kms:GenerateDataKey"),
            grant_write(log_group),
        ),
        opts,
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CreateFirehoseStream.html
        external_id=args.ground.account_id,
    )
    return aws.kinesis.FirehoseDeliveryStream(
        name,
        destination="extended_s3",
        server_side_encryption={"enabled": True, "key_type": "AWS_OWNED_CMK"},
        extended_s3_configuration={
            "bucket_arn": args.log_bucket.arn,
            "role_arn": role.arn,
            "prefix": f"{ARCHIVED_LOGS}/logs/!{{timestamp:yyyy/MM/dd}}/",
            "error_output_prefix": (
                f"{ARCHIVED_LOGS}/errors/!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd}}/"
            ),
            "buffering_interval": BUFFER_SECONDS,
            "buffering_size": BUFFER_MB,
            # CloudWatch sends each record compressed. Unpacked, a line each, and packed again
            # together, an object is smaller, and any tool reads it.
            "compression_format": "GZIP",
            "file_extension": ".gz",
            "processing_configuration": {
                "enabled": True,
                "processors": [
                    {
                        "type": "Decompression",
                        "parameters": [
                            {"parameter_name": "CompressionFormat", "parameter_value": "GZIP"}
                        ],
                    },
                    # Not the extraction of messages: it would drop which group they are of.
                    {"type": "AppendDelimiterToRecord"},
                ],
            },
            "kms_key_arn": key_arn,
            "cloudwatch_logging_options": {
                "enabled": True,
                "log_group_name": log_group.name,
                "log_stream_name": errors.name,
            },
        },
        opts=opts,
    )


def _sender(
    name: str,
    stream: aws.kinesis.FirehoseDeliveryStream,
    ground: Ground,
    opts: pulumi.ResourceOptions,
) -> ServiceRole:
    """Under which CloudWatch Logs puts in what the groups of this account are told.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions-confused-deputy.html
    """
    return service_role(
        name,
        "logs.amazonaws.com",
        [
            Statement(
                sid="SendToArchive",
                actions=["firehose:PutRecord", "firehose:PutRecordBatch"],
                resources=[stream.arn],
            )
        ],
        opts,
        account_id=ground.account_id,
    )


def _lead(
    name: str,
    group: KeptGroup,
    stream: aws.kinesis.FirehoseDeliveryStream,
    role: ServiceRole,
    opts: pulumi.ResourceOptions,
) -> None:
    aws.cloudwatch.LogSubscriptionFilter(
        name,
        name="archive",
        log_group=group.name,
        destination_arn=stream.arn,
        role_arn=role.arn,
        # Everything.
        filter_pattern="",
        opts=opts,
    )


def _metric(
    stream: aws.kinesis.FirehoseDeliveryStream, name: str, statistic: str, label: str
) -> Metric:
    """https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html"""
    return Metric(
        namespace="AWS/Firehose",
        name=name,
        dimensions={"DeliveryStreamName": stream.name},
        statistic=statistic,
        label=label,
    )


def _alarms(stream: aws.kinesis.FirehoseDeliveryStream) -> tuple[Alarm, ...]:
    return (
        Alarm(
            name="late",
            summary="Log events wait too long for the log bucket; after 24 hours they are lost.",
            watch=_metric(stream, "DeliveryToS3.DataFreshness", "Maximum", "oldest"),
            comparison="above",
            threshold=LATE_SECONDS,
            evaluation_periods=3,
            severity="warning",
            runbook="logs.md#late",
        ),
        Alarm(
            name="undelivered",
            summary="Writing to the log bucket fails; after 24 hours log events are lost.",
            watch=_metric(stream, "DeliveryToS3.Success", "Average", "delivered"),
            comparison="below",
            threshold=1,
            evaluation_periods=3,
            severity="warning",
            runbook="logs.md#undelivered",
        ),
        Alarm(
            name="throttled",
            summary="More is logged than the archive takes; after 24 hours log events are lost.",
            watch=_metric(stream, "ThrottledRecords", "Sum", "turned away"),
            comparison="above",
            threshold=0,
            evaluation_periods=3,
            severity="warning",
            runbook="logs.md#throttled",
        ),
    )


def _panels(stream: aws.kinesis.FirehoseDeliveryStream) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Storage",
            title="Log archive: bytes",
            unit="bytes",
            metrics=[
                _metric(stream, "IncomingBytes", "Sum", "taken in"),
                _metric(stream, "DeliveryToS3.Bytes", "Sum", "delivered"),
            ],
        ),
        Panel(
            group="Storage",
            title="Log archive: oldest event that waits",
            unit="seconds",
            metrics=[_metric(stream, "DeliveryToS3.DataFreshness", "Maximum", "oldest")],
        ),
    )
