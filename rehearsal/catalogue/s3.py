"""Amazon S3. A bucket's settings are resources of their own; their id is the bucket's name."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope

ZONES = {
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-west-1": "Z2F56UZL2M1ACD",
    "us-west-2": "Z3BJ6K6RIION7M",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "eu-central-1": "Z21DNDUVLTQW6Q",
}
"""The Route 53 zones of the regional endpoints, for alias records."""

OWNER = {"skipDestroy": "Terraform's deletion"}


def _location(scope: Scope) -> Any:
    region = scope.find("region")
    return None if region == "us-east-1" else {"LocationConstraint": region}


def _lifecycle(inputs: Inputs) -> Inputs:
    for rule in inputs.get("rules") or ():
        if isinstance(rule, dict) and not rule.get("filter") and rule.get("prefix") is None:
            # S3 wants every rule to say what it is for; the provider sends the filter for all.
            rule["filter"] = {"prefix": ""}
    return inputs


def _lifecycle_days(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for at, rule in enumerate(inputs.get("rules") or ()):
        if not isinstance(rule, dict):
            continue
        path = f"rules[{at}]"
        latest = 0
        for index, move in enumerate(rule.get("transitions") or ()):
            days = int(move.get("days") or 0)
            latest = max(latest, days)
            infrequent = move.get("storageClass") in ("STANDARD_IA", "ONEZONE_IA")
            if infrequent and move.get("days") is not None and days < 30:
                where = f"{path}.transitions[{index}].days"
                yield where, f"{days} given, {move['storageClass']} takes objects after 30 days"
        end = (rule.get("expiration") or {}).get("days")
        if end is not None and int(end) <= latest:
            where = f"{path}.expiration.days"
            yield where, f"{end} given, more than the last transition's {latest} days are needed"


def _tiering(inputs: Inputs) -> Inputs:
    inputs.setdefault("status", "Enabled")
    return inputs


def _notification(inputs: Inputs) -> Inputs:
    # The API has an empty block where Terraform has a switch.
    if inputs.pop("eventbridge", None) in (True, "true"):
        inputs["eventbridge"] = {}
    return inputs


CONTENTS = ("source", "content", "contentBase64")


def _body(inputs: Any) -> bytes:
    """What the object holds; of a file or an archive what was recorded of it."""
    if isinstance(text := inputs.get("contentBase64"), str):
        try:
            return base64.b64decode(text)
        except binascii.Error:
            return text.encode()
    given = inputs.get("content") or inputs.get("source") or ""
    return (given if isinstance(given, str) else json.dumps(given, sort_keys=True)).encode()


def _object(inputs: Inputs) -> Inputs:
    body = _body(inputs)
    inputs = {key: value for key, value in inputs.items() if key not in CONTENTS} | {"body": body}
    if isinstance(tags := inputs.pop("tags", None), dict):
        inputs["tagging"] = urlencode(sorted(tags.items()))
    return inputs


def _one_content(inputs: Inputs) -> Iterator[tuple[str, str]]:
    given = [name for name in CONTENTS if inputs.get(name)]
    if len(given) > 1:
        yield given[1], f"given together with {given[0]}; an object has one content"


def _etag(scope: Scope) -> str:
    body = _body({name: scope.find(name) for name in CONTENTS})
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


ENTRIES = {
    "Bucket": Entry(
        service="s3",
        operation="CreateBucket",
        rename={"objectLockEnabled": "ObjectLockEnabledForBucket"},
        ignore={
            "bucketPrefix": "it became the bucket's name",
            "forceDestroy": "Terraform's deletion",
        },
        fixed={"CreateBucketConfiguration": _location},
        then=(
            Call(
                operation="PutBucketTagging",
                rename={"tags": "Tagging.TagSet"},
                fixed={"Bucket": "{bucket}"},
            ),
        ),
        id="{bucket}",
        outputs={
            "arn": "arn:aws:s3:::{bucket}",
            "bucketDomainName": "{bucket}.s3.amazonaws.com",
            "bucketRegionalDomainName": "{bucket}.s3.{region}.amazonaws.com",
            "bucketRegion": "{region}",
            "hostedZoneId": lambda scope: ZONES.get(scope.find("region")),
        },
    ),
    "BucketObjectv2": Entry(
        service="s3",
        operation="PutObject",
        shadow="moto refuses every object once the bucket's policy denies something conditionally",
        rename={"websiteRedirect": "WebsiteRedirectLocation", "kmsKeyId": "SSEKMSKeyId"},
        ignore={
            "etag": "tells Terraform that the content changed",
            "forceDestroy": "Terraform's deletion",
            "overrideProvider": "which of the provider's tags the object gets",
            "sourceHash": "tells Terraform that the content changed",
        },
        prepare=_object,
        rules=(_one_content,),
        id="{bucket}/{key}",
        outputs={
            "arn": "arn:aws:s3:::{bucket}/{key}",
            "etag": _etag,
            "versionId": "{hex32}",
        },
    ),
    "BucketVersioning": Entry(
        service="s3",
        operation="PutBucketVersioning",
        rename={"mfa": "MFA"},
        id="{bucket}",
    ),
    "BucketServerSideEncryptionConfiguration": Entry(
        service="s3",
        operation="PutBucketEncryption",
        rename={
            "rules": "ServerSideEncryptionConfiguration.Rules",
            "rules.blockedEncryptionTypes": "BlockedEncryptionTypes.EncryptionType",
        },
        id="{bucket}",
    ),
    "BucketPublicAccessBlock": Entry(
        service="s3",
        operation="PutPublicAccessBlock",
        rename={
            "blockPublicAcls": "PublicAccessBlockConfiguration.BlockPublicAcls",
            "blockPublicPolicy": "PublicAccessBlockConfiguration.BlockPublicPolicy",
            "ignorePublicAcls": "PublicAccessBlockConfiguration.IgnorePublicAcls",
            "restrictPublicBuckets": "PublicAccessBlockConfiguration.RestrictPublicBuckets",
        },
        ignore=OWNER,
        id="{bucket}",
    ),
    "BucketOwnershipControls": Entry(
        service="s3",
        operation="PutBucketOwnershipControls",
        rename={"rule": "OwnershipControls.Rules"},
        id="{bucket}",
    ),
    "BucketPolicy": Entry(
        service="s3", operation="PutBucketPolicy", documents=("policy",), id="{bucket}"
    ),
    "BucketLifecycleConfiguration": Entry(
        service="s3",
        operation="PutBucketLifecycleConfiguration",
        rename={
            "rules": "LifecycleConfiguration.Rules",
            "rules.filter.and.tags": "Tags",
        },
        ignore={"timeouts": "the provider's own patience"},
        prepare=_lifecycle,
        rules=(_lifecycle_days,),
        id="{bucket}",
    ),
    "BucketIntelligentTieringConfiguration": Entry(
        service="s3",
        operation="PutBucketIntelligentTieringConfiguration",
        rename={
            "name": "Id",
            "status": "IntelligentTieringConfiguration.Status",
            "filter": "IntelligentTieringConfiguration.Filter",
            "filter.tags": "And.Tags",
            "tierings": "IntelligentTieringConfiguration.Tierings",
        },
        fixed={"IntelligentTieringConfiguration.Id": "{name}"},
        prepare=_tiering,
        id="{bucket}:{name}",
    ),
    "BucketCorsConfiguration": Entry(
        service="s3",
        operation="PutBucketCors",
        rename={"corsRules": "CORSConfiguration.CORSRules"},
        id="{bucket}",
    ),
    "BucketNotification": Entry(
        service="s3",
        operation="PutBucketNotificationConfiguration",
        inside="NotificationConfiguration",
        rename={
            "bucket": "/Bucket",
            "eventbridge": "EventBridgeConfiguration",
            **{
                name: f"{member}Configurations"
                for name, member in (
                    ("lambdaFunctions", "LambdaFunction"),
                    ("queues", "Queue"),
                    ("topics", "Topic"),
                )
            },
            **{
                f"{name}.filter{part.capitalize()}": f"Filter.Key.FilterRules[{part}]"
                for name in ("lambdaFunctions", "queues", "topics")
                for part in ("prefix", "suffix")
            },
        },
        prepare=_notification,
        id="{bucket}",
    ),
    "BucketReplicationConfig": Entry(
        service="s3",
        operation="PutBucketReplication",
        inside="ReplicationConfiguration",
        rename={
            "bucket": "/Bucket",
            "token": "/Token",
            "rules.filter.and.tags": "Tags",
        },
        id="{bucket}",
    ),
    "BucketLogging": Entry(
        service="s3",
        operation="PutBucketLogging",
        inside="BucketLoggingStatus",
        shadow="moto judges the target by whichever policy happens to stand already",
        rename={
            "bucket": "/Bucket",
            "expectedBucketOwner": "/ExpectedBucketOwner",
            "targetBucket": "LoggingEnabled.TargetBucket",
            "targetPrefix": "LoggingEnabled.TargetPrefix",
            "targetGrants": "LoggingEnabled.TargetGrants",
            "targetObjectKeyFormat": "LoggingEnabled.TargetObjectKeyFormat",
        },
        id="{bucket}",
    ),
}
