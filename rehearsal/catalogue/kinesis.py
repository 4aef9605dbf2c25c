"""Amazon Data Firehose, which Pulumi keeps with Kinesis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, under

S3 = "extendedS3Configuration"
BACKUP = f"{S3}.s3BackupConfiguration"

READ_ONLY = "AWS says it"


def _bucket(block: Any) -> None:
    if isinstance(block, dict):
        block.setdefault("bufferingInterval", 300)
        block.setdefault("bufferingSize", 5)
        if not block.get("kmsKeyArn"):
            block["noEncryption"] = "NoEncryption"


def _stream(inputs: Inputs) -> Inputs:
    bucket = inputs.get(S3)
    _bucket(bucket)
    if isinstance(bucket, dict):
        _bucket(bucket.get("s3BackupConfiguration"))
    if not (inputs.get("serverSideEncryption") or {}).get("enabled"):
        inputs.pop("serverSideEncryption", None)
    return inputs


ERROR_TYPE = "!{firehose:error-output-type}"

PARTITIONED_MB = 64
"""https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html"""


def _prefixes(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html"""
    blocks = {S3: inputs.get(S3), BACKUP: under(inputs, BACKUP)}
    for path, block in blocks.items():
        if not isinstance(block, dict):
            continue
        prefix, failed = str(block.get("prefix") or ""), str(block.get("errorOutputPrefix") or "")
        if ERROR_TYPE in prefix:
            yield f"{path}.prefix", f"holds {ERROR_TYPE}, which is for errorOutputPrefix"
        if "!{" in prefix and not failed:
            yield (
                f"{path}.errorOutputPrefix",
                "nothing was given, an expression in prefix needs one",
            )
        if "!{" in failed and ERROR_TYPE not in failed:
            yield f"{path}.errorOutputPrefix", f'"{failed}" given, it has to hold {ERROR_TYPE}'


def _partitioned(inputs: Inputs) -> Iterator[tuple[str, str]]:
    size = under(inputs, f"{S3}.bufferingSize")
    partitioned = under(inputs, f"{S3}.dynamicPartitioningConfiguration.enabled")
    if partitioned and (size is None or int(size) < PARTITIONED_MB):
        path = f"{S3}.bufferingSize"
        yield path, f"{size or 5} given, at least {PARTITIONED_MB} needed to partition"


ENTRIES = {
    "FirehoseDeliveryStream": Entry(
        service="firehose",
        operation="CreateDeliveryStream",
        kind="DeliveryStream",
        rename={
            S3: "ExtendedS3DestinationConfiguration",
            **{
                f"{bucket}.{name}": member
                for bucket in (S3, BACKUP)
                for name, member in (
                    ("bufferingInterval", "BufferingHints.IntervalInSeconds"),
                    ("bufferingSize", "BufferingHints.SizeInMBs"),
                    ("kmsKeyArn", "EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN"),
                    ("noEncryption", "EncryptionConfiguration.NoEncryptionConfig"),
                )
            },
            f"{S3}.dynamicPartitioningConfiguration.retryDuration": (
                "RetryOptions.DurationInSeconds"
            ),
            "kinesisSourceConfiguration": "KinesisStreamSourceConfiguration",
        },
        ignore={
            "arn": READ_ONLY,
            "destination": "names the block that says where to",
            "destinationId": READ_ONLY,
            "versionId": READ_ONLY,
        },
        prepare=_stream,
        rules=(_prefixes, _partitioned),
        then=(
            Call(
                operation="StartDeliveryStreamEncryption",
                rename={
                    "serverSideEncryption": "DeliveryStreamEncryptionConfigurationInput",
                },
                ignore={"serverSideEncryption.enabled": "the call itself"},
                fixed={"DeliveryStreamName": "{name}"},
            ),
        ),
        id="{DeliveryStreamARN}",
        outputs={"arn": "{DeliveryStreamARN}"},
    ),
}
