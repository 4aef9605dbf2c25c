"""The states: the bucket they lie in, the key that opens them, and their copy elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .place import IAM_PATH, Place
from .policies import Statement, document, resource_policy
from .settings import StateSettings

ENVIRONMENT_CONTEXT = "environment"
"""In the encryption context of every secret of a stack, with the stack's name.

Only one word: Pulumi gives two of them one value (https://github.com/pulumi/pulumi/issues/21068).
"""
KEY_DELETION_DAYS = 30
"""The longest that KMS waits: with the key goes every secret in every state."""
ABORT_MULTIPART_DAYS = 7
"""Parts of an upload that nobody finished are billed, and no listing shows them."""


@dataclass(frozen=True, kw_only=True)
class StateArgs:
    settings: StateSettings
    place: Place


class State(pulumi.ComponentResource):
    """The states' bucket and key: versioned, encrypted, TLS only, copied elsewhere (M107, M123).

    One key for the bucket and for the secrets inside the states. What keeps environments apart is
    what a secret is encrypted for: a role may decrypt only under the word `environment` of its own
    stack, so the states of dev open nothing of production's.

    The key is a multi-region one whether or not there is a copy: that cannot be changed later, and
    its replica decrypts the copied states when their region is gone.

    Cost: 1 USD a month for the key and 1 USD for its replica; states are a few MB.
    """

    bucket: str
    key_arn: pulumi.Output[str]
    bucket_arns: tuple[str, ...]
    """Of the states and their copy."""
    key_arns: tuple[pulumi.Output[str], ...]
    """Of the key and its replica."""
    url: pulumi.Output[str]
    """For `pulumi login`."""

    def __init__(
        self, name: str, args: StateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:bootstrap:State", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self)
        # Everything but states and key can be made anew, and must not stand in a change's way.
        child = pulumi.ResourceOptions(parent=self, protect=False)
        place, elsewhere = args.place, args.settings.replica_region
        self._place = place
        self.bucket = place.bucket("state", place.region)
        key = _key(name, place, kept)
        states = _bucket(name, self.bucket, key.arn, args.settings, kept, child)
        self.bucket_arns, self.key_arns = (f"arn:aws:s3:::{self.bucket}",), (key.arn,)
        if elsewhere:
            replica = f"{name}-replica"
            copy_key = aws.kms.ReplicaKey(
                replica,
                primary_key_arn=key.arn,
                description=f"{place.platform} states, for reading their copy",
                deletion_window_in_days=KEY_DELETION_DAYS,
                policy=_key_policy(place),
                region=elsewhere,
                opts=kept,
            )
            copy_name = place.bucket("state-copy", elsewhere)
            copies = _bucket(
                replica, copy_name, copy_key.arn, args.settings, kept, child, region=elsewhere
            )
            self.bucket_arns += (f"arn:aws:s3:::{copy_name}",)
            self.key_arns += (copy_key.arn,)
            _copy(name, self, states, copies, child)

        self.key_arn = key.arn
        # From the bucket's policy: whoever logs in finds it guarded.
        self.url = states.policy.bucket.apply(lambda bucket: f"s3://{bucket}?region={place.region}")
        self.register_outputs({"bucket": self.bucket, "key_arn": self.key_arn, "url": self.url})

    def secrets_provider(self, environment: str) -> str:
        """For `pulumi stack init --secrets-provider`: this environment's, under the one key.

        https://pkg.go.dev/gocloud.dev/secrets/awskms#URLOpener
        """
        place = self._place
        return (
            f"awskms://{place.state_alias}?region={place.region}"
            f"&context_{ENVIRONMENT_CONTEXT}={environment}"
        )

    def readable(self, environment: str) -> Sequence[str]:
        """The objects that whoever works with the environment's state reads."""
        return (
            *self._states(environment),
            self._locks(environment),
            self._object(".pulumi/meta.yaml"),
        )

    def grant_read(self, environment: str) -> tuple[Statement, ...]:
        """Read the environment's state, hold its lock, and open its secrets."""
        return (*self._read(environment), *self._use_key(environment, "kms:Decrypt"))

    def grant_write(self, environment: str) -> tuple[Statement, ...]:
        """Also write it, with its history and its backups. A deleted version stays."""
        return (
            *self._read(environment),
            Statement(
                sid="WriteState",
                actions=["s3:DeleteObject", "s3:PutObject"],
                resources=self._states(environment),
            ),
            *self._use_key(environment, "kms:Decrypt", "kms:Encrypt"),
        )

    def _read(self, environment: str) -> tuple[Statement, ...]:
        return (
            Statement(
                sid="ListStates",
                actions=["s3:GetBucketLocation", "s3:ListBucket"],
                resources=[self.bucket_arns[0]],
            ),
            Statement(
                sid="ReadState", actions=["s3:GetObject"], resources=self.readable(environment)
            ),
            Statement(
                sid="HoldLock",
                actions=["s3:DeleteObject", "s3:PutObject"],
                resources=[self._locks(environment)],
            ),
        )

    def _locks(self, environment: str) -> str:
        return self._object(f".pulumi/locks/organization/{self._place.project}/{environment}/*")

    def _states(self, environment: str) -> Sequence[str]:
        """Where Pulumi keeps one stack in a bucket; the state's name goes on with `.json` or more.

        https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/store.go
        """
        project = self._place.project
        return (
            self._object(f".pulumi/stacks/{project}/{environment}.*"),
            self._object(f".pulumi/history/{project}/{environment}/*"),
            self._object(f".pulumi/backups/{project}/{environment}/*"),
        )

    def _use_key(self, environment: str, *actions: str) -> tuple[Statement, ...]:
        return (
            Statement(
                sid="OpenSecrets",
                actions=actions,
                resources=[self.key_arns[0]],
                conditions={
                    "StringEquals": {f"kms:EncryptionContext:{ENVIRONMENT_CONTEXT}": environment}
                },
            ),
            Statement(
                sid="OpenObjects",
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[self.key_arns[0]],
                # With a bucket key, S3 encrypts for the bucket; which object is S3's to judge.
                conditions={
                    "StringEquals": {
                        "kms:EncryptionContext:aws:s3:arn": self.bucket_arns[0],
                        "kms:ViaService": f"s3.{self._place.region}.amazonaws.com",
                    }
                },
            ),
        )

    def _object(self, key: str) -> str:
        return f"{self.bucket_arns[0]}/{key}"


@dataclass(frozen=True, kw_only=True)
class _Bucket:
    bucket: aws.s3.Bucket
    versioning: aws.s3.BucketVersioning
    policy: aws.s3.BucketPolicy


def _key(name: str, place: Place, opts: pulumi.ResourceOptions) -> aws.kms.Key:
    key = aws.kms.Key(
        name,
        description=f"{place.platform} states and the secrets in them",
        enable_key_rotation=True,
        multi_region=True,
        deletion_window_in_days=KEY_DELETION_DAYS,
        policy=_key_policy(place),
        opts=opts,
    )
    aws.kms.Alias(name, name=place.state_alias, target_key_id=key.key_id, opts=opts)
    return key


def _key_policy(place: Place) -> pulumi.Output[str]:
    """The account decides, by its roles; nobody else has a say."""
    return resource_policy(
        [
            {
                "Sid": "LeaveToIam",
                "Effect": "Allow",
                "Principal": {"AWS": place.global_arn("iam", "root")},
                "Action": "kms:*",
                "Resource": "*",
            }
        ]
    )


def _bucket(
    name: str,
    physical_name: str,
    key_arn: pulumi.Input[str],
    settings: StateSettings,
    kept: pulumi.ResourceOptions,
    child: pulumi.ResourceOptions,
    *,
    region: str | None = None,
) -> _Bucket:
    bucket = aws.s3.Bucket(
        name, bucket=physical_name, bucket_namespace="account-regional", region=region, opts=kept
    )
    aws.s3.BucketPublicAccessBlock(
        f"{name}-access-block",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        region=region,
        opts=child,
    )
    aws.s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket.bucket,
        rule={"object_ownership": "BucketOwnerEnforced"},
        region=region,
        opts=child,
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.bucket,
        rules=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": key_arn,
                },
                "bucket_key_enabled": True,
                # A key that only the sender holds would make states nobody here can read.
                "blocked_encryption_types": ["SSE-C"],
            }
        ],
        region=region,
        opts=child,
    )
    versioning = aws.s3.BucketVersioning(
        f"{name}-versioning",
        bucket=bucket.bucket,
        versioning_configuration={"status": "Enabled"},
        region=region,
        opts=child,
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{name}-lifecycle",
        # From the versioning: S3 takes rules about old versions before there can be any, and then
        # may not keep to them.
        bucket=versioning.bucket,
        rules=[
            {
                "id": "expire-old-versions",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "noncurrent_version_expiration": {"noncurrent_days": settings.old_versions_days},
                # What is left of a lock or a stack when its last old version is gone.
                "expiration": {"expired_object_delete_marker": True},
            },
            {
                "id": "abort-uploads",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "abort_incomplete_multipart_upload": {
                    "days_after_initiation": ABORT_MULTIPART_DAYS
                },
            },
        ],
        region=region,
        opts=child,
    )
    policy = aws.s3.BucketPolicy(
        f"{name}-policy",
        bucket=bucket.bucket,
        policy=resource_policy(
            [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": "s3:*",
                    "Resource": [
                        f"arn:aws:s3:::{physical_name}",
                        f"arn:aws:s3:::{physical_name}/*",
                    ],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ]
        ),
        region=region,
        opts=child,
    )
    return _Bucket(bucket=bucket, versioning=versioning, policy=policy)


def _copy(
    name: str,
    state: State,
    states: _Bucket,
    copies: _Bucket,
    opts: pulumi.ResourceOptions,
) -> None:
    """Copy every version of every state, and what is deleted stays in the copy.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
    """
    (source, target), (key_arn, copy_key_arn) = state.bucket_arns, state.key_arns
    role = aws.iam.Role(
        f"{name}-copy",
        path=IAM_PATH,
        assume_role_policy=resource_policy(
            [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "s3.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"ArnEquals": {"aws:SourceArn": source}},
                }
            ]
        ),
        opts=opts,
    )
    grants = aws.iam.RolePolicy(
        f"{name}-copy",
        role=role.id,
        policy=document(
            [
                Statement(
                    sid="FindStates",
                    actions=["s3:GetReplicationConfiguration", "s3:ListBucket"],
                    resources=[source],
                ),
                Statement(
                    sid="ReadStates",
                    actions=[
                        "s3:GetObjectVersionAcl",
                        "s3:GetObjectVersionForReplication",
                        "s3:GetObjectVersionTagging",
                    ],
                    resources=[f"{source}/*"],
                ),
                Statement(
                    sid="WriteCopies",
                    actions=["s3:ReplicateObject", "s3:ReplicateTags"],
                    resources=[f"{target}/*"],
                ),
                Statement(sid="OpenStates", actions=["kms:Decrypt"], resources=[key_arn]),
                Statement(sid="SealCopies", actions=["kms:Encrypt"], resources=[copy_key_arn]),
            ]
        ),
        opts=opts,
    )
    aws.s3.BucketReplicationConfig(
        f"{name}-copy",
        bucket=states.versioning.bucket,
        role=role.arn,
        rules=[
            {
                "id": "copy-states",
                "status": "Enabled",
                "priority": 1,
                "filter": {"prefix": ""},
                "delete_marker_replication": {"status": "Disabled"},
                "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
                "destination": {
                    "bucket": copies.bucket.arn,
                    "encryption_configuration": {"replica_kms_key_id": copy_key_arn},
                },
            }
        ],
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=[grants, copies.versioning])
        ),
    )
