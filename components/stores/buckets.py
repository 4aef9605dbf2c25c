"""The buckets: media, static files, backups and more, and the access logs of everything."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.access import Access
from components.grants import Statement, key_grant, resource_policy
from components.ground import Ground, Place
from components.naming import physical_name
from components.observe import DAY_SECONDS, Alarm, Expression, Metric, Panel
from settings.buckets import BucketsSettings, MediaSettings
from settings.stack import Settings

SERVED = ("media", "static", "releases")
"""The buckets that CloudFront may read, of those there are."""

LOAD_BALANCER_LOGS = "load-balancer"
BUCKET_LOGS = "s3"
TRAIL_LOGS = "cloudtrail"
ARCHIVED_LOGS = "cloudwatch"
"""Prefixes in the log bucket, one for each that writes there."""

ABORT_MULTIPART_DAYS = 7
"""Parts of an upload that nobody finished are billed, and no listing shows them."""
CORS_SECONDS = 3000
"""How long a browser remembers that a site may read (M21)."""

STORAGE_TYPES: Mapping[str, str] = {
    "standard": "StandardStorage",
    "frequent": "IntelligentTieringFAStorage",
    "infrequent": "IntelligentTieringIAStorage",
    "instant": "IntelligentTieringAIAStorage",
    "archive": "IntelligentTieringAAStorage",
}
"""Where a bucket's bytes may lie, in the words of CloudWatch's StorageType dimension."""

GIB = 1024**3

_ACCOUNT_DIGITS = 12

LifecycleRule = aws.s3.BucketLifecycleConfigurationRuleArgsDict


@dataclass(frozen=True, kw_only=True)
class BucketsArgs:
    settings: BucketsSettings
    ground: Ground
    served: bool
    """True: CloudFront reads media, static files and releases."""
    bundles: bool = False
    """True: one more bucket, for code that a service takes from S3: versions of the API for Elastic
    Beanstalk, the canary's script for Synthetics."""
    trail: bool = False
    """True: CloudTrail writes into the log bucket."""
    scanned: bool = False
    """True: GuardDuty looks through media, and nobody reads what it found to be malware."""

    @classmethod
    def of(cls, stack: Settings, ground: Ground) -> BucketsArgs:
        return cls(
            settings=stack.buckets,
            ground=ground,
            served=stack.cdn is not None,
            bundles=stack.api.kind == "beanstalk" or stack.canary is not None,
            trail=bool(stack.audit and stack.audit.trail),
            scanned=bool(stack.audit and stack.audit.malware_scan),
        )


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bucket, for those who are wired to it."""

    purpose: str
    """`media`."""
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    regional_domain_name: pulumi.Output[str]
    key_arn: pulumi.Input[str] | None

    def access(self) -> Access:
        """What a workload needs to work with every object: `MEDIA_BUCKET`, and the grants."""
        return Access(
            environment={f"{self.purpose.upper()}_BUCKET": self.name},
            statements=self.grant_read_write(),
        )

    def grant_read(self, prefix: str = "*") -> tuple[Statement, ...]:
        """Read the objects below `prefix` (`renders/*`), and list them."""
        return (*self._read(prefix), *self._grant_key("Read", prefix, "kms:Decrypt"))

    def grant_write(self, prefix: str = "*") -> tuple[Statement, ...]:
        """Put and delete objects below `prefix`. Deleted versions can be called back."""
        # S3 decrypts the parts of a multipart upload when it puts them together.
        key = self._grant_key("Write", prefix, "kms:Decrypt", "kms:GenerateDataKey")
        return (*self._write(prefix), *key)

    def grant_read_write(self, prefix: str = "*") -> tuple[Statement, ...]:
        """Both of the above."""
        key = self._grant_key("Use", prefix, "kms:Decrypt", "kms:GenerateDataKey")
        return (*self._read(prefix), *self._write(prefix), *key)

    def grant_deliver(self, prefix: str) -> tuple[Statement, ...]:
        """What Firehose asks for to lay down objects below `prefix`; deleting is not among it.

        https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
        """
        return (
            Statement(
                sid=self._sid("Deliver", prefix),
                actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                resources=[self._objects(prefix)],
            ),
            Statement(
                sid=self._sid("Find", prefix),
                actions=[
                    "s3:GetBucketLocation",
                    "s3:ListBucket",
                    "s3:ListBucketMultipartUploads",
                ],
                resources=[self.arn],
            ),
        )

    def _read(self, prefix: str) -> tuple[Statement, ...]:
        return (
            Statement(
                sid=self._sid("Read", prefix),
                actions=["s3:GetObject"],
                resources=[self._objects(prefix)],
            ),
            Statement(
                sid=self._sid("List", prefix),
                actions=["s3:ListBucket"],
                resources=[self.arn],
                # Even `*` matches no request that names no prefix: a listing of the whole bucket,
                # or S3's own look before it calls a missing object missing rather than forbidden.
                conditions={} if prefix == "*" else {"StringLike": {"s3:prefix": prefix}},
            ),
        )

    def _write(self, prefix: str) -> tuple[Statement, ...]:
        return (
            Statement(
                sid=self._sid("Write", prefix),
                actions=["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"],
                resources=[self._objects(prefix)],
            ),
        )

    def _grant_key(self, verb: str, prefix: str, *actions: str) -> tuple[Statement, ...]:
        return key_grant(f"{self._sid(verb, prefix)}Key", self.key_arn, *actions)

    def _objects(self, prefix: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(self.arn, "/", prefix)

    def _sid(self, verb: str, prefix: str) -> str:
        """A role may hold grants for two prefixes, and a policy refuses two equal ids."""
        below = "".join(word.title() for word in re.findall(r"[A-Za-z0-9]+", prefix))
        return f"{verb}{self.purpose.title()}{below}"


class Buckets(pulumi.ComponentResource):
    """Four private, versioned, encrypted buckets that speak TLS only (M74-M79), and one more each
    for desktop installers (M80) and for bundles of code: of an API on Elastic Beanstalk, of the
    canary.

    Their names live in the account's own namespace (`<prefix>-<purpose>-<account>-<region>-an`), so
    nobody else can take one, before us or after us (B42).

    What CloudFront serves it may read by the policy of the bucket, which lets in the distributions
    of this account. Naming the one that reads would have it wait for the bucket, and the bucket for
    it (B38).

    Cost: 0.023 USD per GB and month; media nobody has read for 30 days 0.0125, for 90 days 0.004
    (Intelligent-Tiering, 0.0025 USD a month to watch 1,000 objects; us-east-1, 2026).
    """

    media: Bucket
    static: Bucket
    backups: Bucket
    releases: Bucket | None
    """The desktop installers and their update feed; None without any."""
    bundles: Bucket | None
    """The API's versions for Elastic Beanstalk, and the canary's script; None without either."""
    logs: Bucket
    by_purpose: Mapping[str, Bucket]
    cors_origins: Sequence[str]
    """Sites that may read media and static files from a browser."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: BucketsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:stores:Buckets", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self)
        # Everything but the data can be made anew, and must not stand in the way of a change.
        child = pulumi.ResourceOptions(parent=self, protect=False)
        settings, key_arn = args.settings, args.ground.data_key_arn
        logged = _logged(args)
        buckets = {
            purpose: _bucket(f"{name}-{purpose}", purpose, args, kept)
            for purpose in (*logged, "logs")
        }

        # Load balancers cannot write into a bucket under a customer-managed key.
        keys = {purpose: None if purpose == "logs" else key_arn for purpose in buckets}
        for purpose, bucket in buckets.items():
            _guard(f"{name}-{purpose}", bucket, keys[purpose], child)
        policies = {"logs": _log_policy(f"{name}-logs", args, buckets, logged, child)}
        for purpose in logged:
            rules = (
                *_readers(purpose, buckets[purpose], args),
                *_quarantine(purpose, buckets[purpose], args),
            )
            policies[purpose] = _policy(f"{name}-{purpose}", buckets[purpose], rules, child)
            _access_log(f"{name}-{purpose}", buckets[purpose], purpose, policies["logs"], child)
        lifecycles = _lifecycles(settings)
        for purpose, bucket in buckets.items():
            _lifecycle(f"{name}-{purpose}", bucket, lifecycles[purpose], child)
        _archive(f"{name}-media", buckets["media"], settings.media, child)
        for purpose in ("media", "static"):
            _cors(f"{name}-{purpose}", buckets[purpose], settings.cors_origins, child)

        self.by_purpose = {
            purpose: Bucket(
                purpose=purpose,
                # From the policy: whoever is wired to a bucket finds it guarded, a load balancer is
                # refused when it may not write its logs yet, and CloudFront when it may not read.
                name=policies[purpose].bucket,
                arn=bucket.arn,
                regional_domain_name=_address(bucket, policies[purpose]),
                key_arn=keys[purpose],
            )
            for purpose, bucket in buckets.items()
        }
        self.media = self.by_purpose["media"]
        self.static = self.by_purpose["static"]
        self.backups = self.by_purpose["backups"]
        self.releases = self.by_purpose.get("releases")
        self.bundles = self.by_purpose.get("bundles")
        self.logs = self.by_purpose["logs"]
        self.cors_origins = settings.cors_origins
        self.alarms = _alarms(settings, buckets)
        self.panels = _panels(settings.media, buckets)
        self.register_outputs({purpose: bucket.bucket for purpose, bucket in buckets.items()})


def _address(bucket: aws.s3.Bucket, policy: aws.s3.BucketPolicy) -> pulumi.Output[str]:
    return pulumi.Output.all(bucket.bucket_regional_domain_name, policy.id).apply(
        lambda known: known[0]
    )


def _logged(args: BucketsArgs) -> tuple[str, ...]:
    """The buckets whose requests the log bucket records: all others."""
    on_demand = {"releases": args.settings.releases, "bundles": args.bundles}
    wanted = (purpose for purpose, there in on_demand.items() if there)
    return ("media", "static", "backups", *wanted)


def _bucket(
    name: str, purpose: str, args: BucketsArgs, opts: pulumi.ResourceOptions
) -> aws.s3.Bucket:
    ground = args.ground
    # The account is known only while the program runs, but every account's number is as long.
    physical_name("bucket", ground.prefix, purpose, "0" * _ACCOUNT_DIGITS, ground.region, "an")
    return aws.s3.Bucket(
        name,
        bucket=pulumi.Output.concat(
            ground.prefix, "-", purpose, "-", ground.account_id, "-", ground.region, "-an"
        ),
        bucket_namespace="account-regional",
        force_destroy=args.settings.force_delete,
        opts=opts,
    )


def _guard(
    name: str,
    bucket: aws.s3.Bucket,
    key_arn: pulumi.Input[str] | None,
    opts: pulumi.ResourceOptions,
) -> None:
    """Private, owned by the account, and encrypted."""
    aws.s3.BucketPublicAccessBlock(
        f"{name}-access-block",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    aws.s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket.bucket,
        rule={"object_ownership": "BucketOwnerEnforced"},
        opts=opts,
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.bucket,
        rules=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "AES256" if key_arn is None else "aws:kms",
                    "kms_master_key_id": key_arn,
                },
                # One data key per bucket and hour instead of one per object: 99 % fewer KMS calls.
                "bucket_key_enabled": key_arn is not None,
                # A key that only the sender holds would make objects nobody here can read.
                "blocked_encryption_types": ["SSE-C"],
            }
        ],
        opts=opts,
    )


def _policy(
    name: str,
    bucket: aws.s3.Bucket,
    rules: Sequence[Mapping[str, Any]],
    opts: pulumi.ResourceOptions,
) -> aws.s3.BucketPolicy:
    """Nobody without TLS, and `rules` for services and against all, beside what roles grant."""
    return aws.s3.BucketPolicy(
        f"{name}-policy",
        bucket=bucket.bucket,
        policy=resource_policy(
            [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": "s3:*",
                    "Resource": [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
                *rules,
            ]
        ),
        opts=opts,
    )


def _readers(
    purpose: str, bucket: aws.s3.Bucket, args: BucketsArgs
) -> tuple[Mapping[str, Any], ...]:
    """CloudFront, where it serves the bucket: every distribution of this account, and no other.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    if not args.served or purpose not in SERVED:
        return ()
    distributions = pulumi.Output.concat(
        "arn:aws:cloudfront::", args.ground.account_id, ":distribution/*"
    )
    reader = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Condition": {"ArnLike": {"aws:SourceArn": distributions}},
    }
    objects = pulumi.Output.concat(bucket.arn, "/*")
    read = {"Sid": "Serve", **reader, "Action": "s3:GetObject", "Resource": objects}
    if purpose != "static":
        return (read,)
    # S3 calls an object missing (404) only to who may list, and forbidden (403) to all others. The
    # site answers 404 with its first page, and must leave the firewall's 403 alone.
    return (
        read,
        {"Sid": "TellMissing", **reader, "Action": "s3:ListBucket", "Resource": bucket.arn},
    )


def _quarantine(
    purpose: str, bucket: aws.s3.Bucket, args: BucketsArgs
) -> tuple[Mapping[str, Any], ...]:
    """Nobody reads what GuardDuty found to be malware, until somebody takes its tag off.

    Nobody but AWS Backup, whose job would end incomplete for it; what it brings back bears the tag.
    https://docs.aws.amazon.com/guardduty/latest/ug/tag-based-access-s3-malware-protection.html
    """
    if not args.scanned or purpose != "media":
        return ()
    return (
        {
            "Sid": "Quarantine",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": pulumi.Output.concat(bucket.arn, "/*"),
            "Condition": {
                "StringEquals": {
                    "s3:ExistingObjectTag/GuardDutyMalwareScanStatus": "THREATS_FOUND"
                },
                "ArnNotLike": {"aws:PrincipalArn": _backup_role(args.ground)},
            },
        },
    )


def _backup_role(place: Place) -> pulumi.Output[str]:
    """The role of components/backups.py, whatever Pulumi appends to its name. It knows the buckets,
    so they cannot wait for it."""
    return pulumi.Output.concat(
        "arn:aws:iam::", place.account_id, f":role/{place.prefix}/backups-role-*"
    )


def _log_policy(
    name: str,
    args: BucketsArgs,
    buckets: Mapping[str, aws.s3.Bucket],
    logged: Sequence[str],
    opts: pulumi.ResourceOptions,
) -> aws.s3.BucketPolicy:
    """Lets the services that write logs do so: each below its own prefix, for us only.

    The archive of log groups is not among them: Firehose writes under a role of the stack.
    """
    logs, ground = buckets["logs"], args.ground
    writers = (
        {
            "Sid": "LoadBalancerLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": pulumi.Output.concat(
                logs.arn, f"/{LOAD_BALANCER_LOGS}/AWSLogs/", ground.account_id, "/*"
            ),
        },
        {
            "Sid": "BucketLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": pulumi.Output.concat(logs.arn, f"/{BUCKET_LOGS}/*"),
            "Condition": {
                "ArnEquals": {"aws:SourceArn": [buckets[purpose].arn for purpose in logged]},
                "StringEquals": {"aws:SourceAccount": ground.account_id},
            },
        },
    )
    return _policy(
        name, logs, (*writers, *(_trail_writer(logs, ground) if args.trail else ())), opts
    )


def _trail_writer(logs: aws.s3.Bucket, ground: Ground) -> tuple[Mapping[str, Any], ...]:
    """CloudTrail, for the stack's own trail. It looks first whose the bucket is.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    writer = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    own = {"aws:SourceArn": ground.trail_arn}
    return (
        {
            "Sid": "TrailLooks",
            **writer,
            "Action": "s3:GetBucketAcl",
            "Resource": logs.arn,
            "Condition": {"StringEquals": own},
        },
        {
            "Sid": "TrailLogs",
            **writer,
            "Action": "s3:PutObject",
            "Resource": pulumi.Output.concat(
                logs.arn, f"/{TRAIL_LOGS}/AWSLogs/", ground.account_id, "/*"
            ),
            "Condition": {"StringEquals": {**own, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    )


def _access_log(
    name: str,
    bucket: aws.s3.Bucket,
    purpose: str,
    log_policy: aws.s3.BucketPolicy,
    opts: pulumi.ResourceOptions,
) -> None:
    aws.s3.BucketLogging(
        f"{name}-access-log",
        bucket=bucket.bucket,
        # From the policy: S3 drops what it may not write, and says nothing.
        target_bucket=log_policy.bucket,
        target_prefix=f"{BUCKET_LOGS}/{purpose}/",
        opts=opts,
    )


def _lifecycles(settings: BucketsSettings) -> Mapping[str, Sequence[LifecycleRule]]:
    """The rules of each bucket (M78)."""
    kept: tuple[LifecycleRule, ...] = (
        {
            "id": "abort-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_MULTIPART_DAYS},
        },
        {
            "id": "expire-old-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": settings.noncurrent_days},
            # What is left of an object when its last old version is gone.
            "expiration": {"expired_object_delete_marker": True},
        },
    )
    return {
        "media": (*kept, *_media_rules(settings.media)),
        "static": kept,
        "backups": (*kept, _expiry("expire", "", settings.backups_days)),
        "releases": kept,
        "bundles": kept,
        "logs": (*kept, _expiry("expire", "", settings.logs_days)),
    }


def _media_rules(settings: MediaSettings) -> tuple[LifecycleRule, ...]:
    temporary = _expiry("expire-temporary", "tmp/", settings.expire_temporary_days)
    if not settings.tiering:
        return (temporary,)
    return (
        temporary,
        {
            "id": "tier",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "transitions": [{"days": 0, "storage_class": "INTELLIGENT_TIERING"}],
        },
    )


def _expiry(id: str, prefix: str, days: int) -> LifecycleRule:
    return {
        "id": id,
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": days},
    }


def _lifecycle(
    name: str,
    bucket: aws.s3.Bucket,
    rules: Sequence[LifecycleRule],
    opts: pulumi.ResourceOptions,
) -> None:
    versioning = aws.s3.BucketVersioning(
        f"{name}-versioning",
        bucket=bucket.bucket,
        versioning_configuration={"status": "Enabled"},
        opts=opts,
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{name}-lifecycle",
        bucket=bucket.bucket,
        rules=rules,
        # Before there are versions, a rule about old ones is refused.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[versioning])),
    )


def _archive(
    name: str, bucket: aws.s3.Bucket, settings: MediaSettings, opts: pulumi.ResourceOptions
) -> None:
    if not settings.tiering or settings.archive_days is None:
        return
    aws.s3.BucketIntelligentTieringConfiguration(
        f"{name}-archive",
        bucket=bucket.bucket,
        name="archive",
        tierings=[{"access_tier": "ARCHIVE_ACCESS", "days": settings.archive_days}],
        opts=opts,
    )


def _cors(
    name: str, bucket: aws.s3.Bucket, origins: Sequence[str], opts: pulumi.ResourceOptions
) -> None:
    if not origins:
        return
    aws.s3.BucketCorsConfiguration(
        f"{name}-cors",
        bucket=bucket.bucket,
        cors_rules=[
            {
                "allowed_headers": ["*"],
                "allowed_methods": ["GET", "HEAD"],
                "allowed_origins": origins,
                "max_age_seconds": CORS_SECONDS,
            }
        ],
        opts=opts,
    )


def _metric(bucket: aws.s3.Bucket, name: str, storage_type: str, label: str) -> Metric:
    return Metric(
        namespace="AWS/S3",
        name=name,
        dimensions={"BucketName": bucket.bucket, "StorageType": storage_type},
        period=DAY_SECONDS,
        label=label,
    )


def _size(bucket: aws.s3.Bucket, tiers: Sequence[str], label: str) -> Expression:
    """Bytes over `tiers`; CloudWatch has no total, and no datapoint for a tier that is empty.

    `SUM` passes over such a tier and is silent when all are. Filling in zeros would make a size of
    0 for the day that S3 has not reported yet, and that day is the one an alarm judges.
    """
    return Expression(
        text=f"SUM([{', '.join(tiers)}])",
        metrics={
            tier: _metric(bucket, "BucketSizeBytes", STORAGE_TYPES[tier], tier) for tier in tiers
        },
        label=label,
    )


def _media_tiers(settings: MediaSettings) -> Sequence[str]:
    return tuple(STORAGE_TYPES) if settings.tiering else ("standard",)


def _alarms(settings: BucketsSettings, buckets: Mapping[str, aws.s3.Bucket]) -> tuple[Alarm, ...]:
    """Media is told of by morning, since users make it grow; the others when somebody wonders."""
    media = settings.media
    return (
        Alarm(
            name="bucket-size",
            summary=f"Media grew beyond {media.alarm_gb} GiB; the bill grows with it.",
            watch=_size(buckets["media"], _media_tiers(media), "media"),
            comparison="above",
            threshold=media.alarm_gb * GIB,
            # Between two of its daily reports the bucket is as large as it was.
            missing_data="ignore",
            severity="warning",
            runbook="storage.md#bucket-size",
        ),
        *(
            Alarm(
                name=f"{purpose}-size",
                summary=f"The bucket {purpose} grew beyond {settings.alarm_gb} GiB; what should "
                "expire or be replaced stays.",
                watch=_metric(bucket, "BucketSizeBytes", STORAGE_TYPES["standard"], purpose),
                comparison="above",
                threshold=settings.alarm_gb * GIB,
                missing_data="ignore",
                severity="info",
                runbook=f"storage.md#{purpose}-size",
            )
            for purpose, bucket in buckets.items()
            if purpose != "media"
        ),
    )


def _panels(settings: MediaSettings, buckets: Mapping[str, aws.s3.Bucket]) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Storage",
            title="Media by tier",
            unit="bytes",
            metrics=[
                _metric(buckets["media"], "BucketSizeBytes", STORAGE_TYPES[tier], tier)
                for tier in _media_tiers(settings)
            ],
        ),
        Panel(
            group="Storage",
            title="Other buckets",
            unit="bytes",
            metrics=[
                _metric(bucket, "BucketSizeBytes", STORAGE_TYPES["standard"], purpose)
                for purpose, bucket in buckets.items()
                if purpose != "media"
            ],
        ),
        Panel(
            group="Storage",
            title="Objects",
            unit="objects",
            metrics=[
                _metric(bucket, "NumberOfObjects", "AllStorageTypes", purpose)
                for purpose, bucket in buckets.items()
            ],
        ),
    )
