"""The archive: components/log_archive.py."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from components.log_archive import LogArchive, LogArchiveArgs, log_archive
from components.logs import Logs
from components.stores.buckets import Buckets, BucketsArgs
from rehearsal.contract import Provider
from settings.buckets import BucketsSettings
from settings.logs import LogsSettings
from tests.components.parts import PREFIX, export_watched, ground
from tests.recorder import Node, Recorded, aws_provider, record, with_aws
from tests.settings.stack_files import bent, parse

LOGS_KEY = "arn:aws:kms:us-east-1:123456789012:key/logs"
BUCKET = "arn:aws:s3:::backlot-dev-logs-123456789012-us-east-1-an"


def archive(
    key_arn: str | None = None, provider: Provider | None = None
) -> tuple[LogArchive, Recorded]:
    """Over a group of each sort: in the region and elsewhere, to be copied and not."""
    made: list[LogArchive] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        logs = Logs(
            settings=LogsSettings(retention_days=7),
            prefix=PREFIX,
            key_arn=key_arn,
            key_arns_elsewhere={} if key_arn is None else {"us-west-2": key_arn},
        )
        place = replace(ground(), logs=logs)
        buckets = Buckets(
            "buckets",
            BucketsArgs(settings=BucketsSettings(force_delete=True), ground=place, served=False),
            opts,
        )
        logs.group("api-logs", "ecs", "api", opts)
        logs.group("sql", "aws/rds/instance", "database/postgresql", opts)
        logs.group_called("waf", f"aws-waf-logs-{PREFIX}-regional", opts)
        logs.group_called("far", f"aws-waf-logs-{PREFIX}-edge", opts, region="us-west-2")
        logs.group("trail", "cloudtrail", "trail", opts, archived=False)
        made.append(
            LogArchive("log-archive", LogArchiveArgs(ground=place, log_bucket=buckets.logs), opts)
        )
        export_watched("alarms", {alarm.name: alarm.watch for alarm in made[0].alarms})

    recorded = record(program, provider=provider)
    return made[0], recorded


@cache
def plain() -> tuple[LogArchive, Recorded]:
    return archive()


def stream(recorded: Recorded) -> Node:
    return recorded.one("kinesis.FirehoseDeliveryStream")


def destination(recorded: Recorded) -> dict[str, Any]:
    return stream(recorded)["extended_s3_configuration"]


def role(recorded: Recorded, name: str) -> dict[str, dict[str, Any]]:
    statements = recorded.one("iam.RolePolicy", name).json("policy")["Statement"]
    return {statement["Sid"]: statement for statement in statements}


def trust(recorded: Recorded, name: str) -> dict[str, Any]:
    [statement] = recorded.one("iam.Role", name).json("assume_role_policy")["Statement"]
    return statement


def test_every_group_of_the_region_is_led_into_the_stream():  # M89
    _, recorded = plain()
    filters = recorded.all("cloudwatch.LogSubscriptionFilter")

    assert {one.name: one["log_group"] for one in filters} == {
        "log-archive-aws-rds-instance-database-postgresql": (
            "/aws/rds/instance/backlot-dev-database/postgresql"
        ),
        "log-archive-aws-waf-logs-regional": "aws-waf-logs-backlot-dev-regional",
        "log-archive-ecs-api": "/ecs/backlot-dev-api",
    }
    for one in filters:
        assert one["destination_arn"] == stream(recorded).outputs["arn"]
        assert one["role_arn"] == recorded.one("iam.Role", "log-archive-sender").outputs["arn"]
        assert one["filter_pattern"] == ""


def test_the_archive_does_not_copy_its_own_log_which_would_never_end():  # M89
    _, recorded = plain()
    own = recorded.one("cloudwatch.LogGroup", "log-archive-stream-log")
    copied = {one["log_group"] for one in recorded.all("cloudwatch.LogSubscriptionFilter")}

    assert own["name"] == "/firehose/backlot-dev-log-archive"
    assert own["name"] not in copied


def test_it_lies_in_the_log_bucket_by_day_compressed_below_its_own_prefix():  # M89
    _, recorded = plain()
    laid = destination(recorded)

    assert stream(recorded)["destination"] == "extended_s3"
    assert laid["bucket_arn"] == BUCKET
    assert laid["prefix"] == "cloudwatch/logs/!{timestamp:yyyy/MM/dd}/"
    assert laid["error_output_prefix"] == (
        "cloudwatch/errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
    )
    assert laid["compression_format"] == "GZIP"
    assert (laid["buffering_interval"], laid["buffering_size"]) == (300, 64)


def test_it_is_kept_there_for_90_days():  # M89
    _, recorded = plain()
    rules = recorded.one("s3.BucketLifecycleConfiguration", "buckets-logs-lifecycle")["rules"]
    [expire] = [rule for rule in rules if rule["id"] == "expire"]

    assert expire["expiration"] == {"days": 90}
    assert expire["filter"] == {"prefix": ""}


def test_records_are_unpacked_a_line_each_and_keep_the_name_of_their_group():  # M89
    processing = destination(plain()[1])["processing_configuration"]

    assert processing["enabled"] is True
    assert [one["type"] for one in processing["processors"]] == [
        "Decompression",
        "AppendDelimiterToRecord",
    ]


def test_objects_are_under_the_key_for_logs_where_there_is_one():  # M84, M89
    _, recorded = archive(key_arn=LOGS_KEY)

    assert destination(recorded)["kms_key_arn"] == LOGS_KEY
    key = role(recorded, "log-archive-stream")["EncryptArchive"]
    assert key["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert key["Resource"] == [LOGS_KEY]


def test_without_a_key_they_are_under_the_buckets_own():  # M84
    _, recorded = plain()

    assert destination(recorded).get("kms_key_arn") is None
    assert "EncryptArchive" not in role(recorded, "log-archive-stream")


def test_what_waits_in_the_stream_is_encrypted():  # M84
    encryption = stream(plain()[1])["server_side_encryption"]
    assert encryption == {"enabled": True, "key_type": "AWS_OWNED_CMK"}


def test_firehose_may_lay_down_objects_below_the_prefix_and_delete_none():  # M85
    _, recorded = plain()
    granted = role(recorded, "log-archive-stream")

    assert list(granted) == ["DeliverLogsCloudwatch", "FindLogsCloudwatch", "WriteLogs"]
    assert granted["DeliverLogsCloudwatch"]["Resource"] == [f"{BUCKET}/cloudwatch/*"]
    assert granted["DeliverLogsCloudwatch"]["Action"] == [
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:PutObject",
    ]
    assert granted["FindLogsCloudwatch"]["Resource"] == [BUCKET]


def test_cloudwatch_may_put_records_and_nothing_else():  # M85
    _, recorded = plain()
    granted = role(recorded, "log-archive-sender")

    assert list(granted) == ["SendToArchive"]
    assert granted["SendToArchive"]["Action"] == ["firehose:PutRecord", "firehose:PutRecordBatch"]
    assert granted["SendToArchive"]["Resource"] == [stream(recorded).outputs["arn"]]


def test_neither_role_is_assumed_for_another_accounts_work():  # M85
    _, recorded = plain()
    firehose = trust(recorded, "log-archive-stream")
    cloudwatch = trust(recorded, "log-archive-sender")

    assert firehose["Principal"] == {"Service": "firehose.amazonaws.com"}
    assert firehose["Condition"] == {"StringEquals": {"sts:ExternalId": "123456789012"}}
    assert cloudwatch["Principal"] == {"Service": "logs.amazonaws.com"}
    assert cloudwatch["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_a_stream_that_cannot_write_says_why_in_a_log_of_its_own():
    _, recorded = plain()
    log = destination(recorded)["cloudwatch_logging_options"]

    assert log == {
        "enabled": True,
        "log_group_name": "/firehose/backlot-dev-log-archive",
        "log_stream_name": "S3Delivery",
    }
    assert recorded.one("cloudwatch.LogStream")["name"] == "S3Delivery"


def test_somebody_hears_when_events_are_late_undelivered_or_turned_away():  # M89
    component, recorded = plain()
    late, undelivered, throttled = component.alarms

    assert (late.name, late.comparison, late.threshold) == ("late", "above", 900)
    assert (undelivered.name, undelivered.comparison, undelivered.threshold) == (
        "undelivered",
        "below",
        1,
    )
    assert (throttled.name, throttled.comparison, throttled.threshold) == ("throttled", "above", 0)
    assert {alarm.severity for alarm in component.alarms} == {"warning"}
    assert {alarm.evaluation_periods for alarm in component.alarms} == {3}
    # A stack that logs nothing is no fault of the archive's.
    assert {alarm.missing_data for alarm in component.alarms} == {"notBreaching"}
    watched = recorded.outputs["alarms"]
    assert [watched[name]["metric"] for name in ("late", "undelivered", "throttled")] == [
        "AWS/Firehose DeliveryToS3.DataFreshness",
        "AWS/Firehose DeliveryToS3.Success",
        "AWS/Firehose ThrottledRecords",
    ]
    assert watched["late"]["dimensions"] == {"DeliveryStreamName": stream(recorded).outputs["name"]}


def test_panels_stand_with_the_buckets():
    component, _ = plain()
    assert {panel.group for panel in component.panels} == {"Storage"}


@pytest.mark.parametrize("wanted", [True, False])
def test_there_is_an_archive_only_where_the_stack_wants_one(wanted: bool):  # M89
    stack = parse(bent("dev", {"logs.archive": wanted}))

    def program() -> None:
        opts = with_aws(aws_provider())
        place = ground()
        args = BucketsArgs(settings=stack.buckets, ground=place, served=False)
        log_archive(stack, place, Buckets("buckets", args, opts).logs, opts)

    assert len(record(program).all("kinesis.FirehoseDeliveryStream")) == wanted


def test_every_child_is_named_after_the_component_and_belongs_to_it():
    _, recorded = plain()
    component = recorded.one("backlot:log_archive:LogArchive")

    assert {node.parent for node in recorded.nodes if node.name.startswith("log-archive-")} == {
        component.urn
    }


def test_aws_would_take_it():
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        _, recorded = archive(provider=provider)

    assert recorded.findings == []
