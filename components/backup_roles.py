"""What AWS Backup may do for a stack: to make its backups, and to restore them.

The statements follow what AWS's own policies allow, less the services that a stack does not back
up, and held to the stack's database, buckets, vaults and keys. A test compares the two, so that
what AWS adds to its own is seen.
https://docs.aws.amazon.com/aws-backup/latest/devguide/security-iam-awsmanpol.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.grants import Statement, key_grant, together

TEST_NAMES = "awsbackup-restore-test*"
"""How AWS Backup calls what it restores for a test.
https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html"""

SNAPSHOTS = "snapshot:awsbackup:*"
"""How it calls the snapshots that it has RDS take."""


@dataclass(frozen=True, kw_only=True)
class BackedUp:
    """What there is to back up, and where the backups are."""

    prefix: str
    account_id: pulumi.Input[str]
    regions: Sequence[str]
    """The stack's, and the one where copies are."""
    database_arn: pulumi.Input[str]
    bucket_arns: Sequence[pulumi.Input[str]]
    vault_arns: Sequence[pulumi.Input[str]]
    data_key_arn: pulumi.Input[str] | None
    vault_key_arns: Sequence[pulumi.Input[str]]
    """Empty with the keys that AWS owns."""

    def arns(self, service: str, *resources: str) -> list[pulumi.Input[str]]:
        """`resources` of this account, in every region of the stack."""
        return [
            pulumi.Output.concat("arn:aws:", service, ":", region, ":", self.account_id, ":", each)
            for region in self.regions
            for each in resources
        ]

    @property
    def key_arns(self) -> list[pulumi.Input[str]]:
        data = [] if self.data_key_arn is None else [self.data_key_arn]
        return [*data, *self.vault_key_arns]


def backup_statements(what: BackedUp) -> tuple[Statement, ...]:
    """To take backups of the database and the buckets, copy them, and let them expire."""
    return together((*_back_up_database(what), *_back_up_buckets(what), *_use_vaults(what)))


def restore_statements(what: BackedUp) -> tuple[Statement, ...]:
    """To restore them, for a test or in earnest.

    A database becomes one that bears the stack's prefix, or a test's. A bucket's objects go back to
    where they were, or into a new bucket with such a name.
    """
    return together((*_restore_database(what), *_restore_buckets(what)))


def _look_at_databases(what: BackedUp) -> Statement:
    return Statement(
        sid="LookAtDatabases",
        actions=["rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:ListTagsForResource"],
        resources=what.arns("rds", "db:*", "snapshot:*"),
    )


def _back_up_database(what: BackedUp) -> tuple[Statement, ...]:
    return (
        _look_at_databases(what),
        Statement(
            sid="TakeSnapshots",
            actions=["rds:AddTagsToResource", "rds:CopyDBSnapshot", "rds:CreateDBSnapshot"],
            resources=[what.database_arn, *what.arns("rds", SNAPSHOTS)],
        ),
        Statement(
            sid="ExpireSnapshots",
            actions=["rds:DeleteDBSnapshot"],
            resources=what.arns("rds", SNAPSHOTS),
        ),
        Statement(
            sid="KeepPointInTime",
            actions=["rds:DeleteDBInstanceAutomatedBackup", "rds:ModifyDBInstance"],
            resources=[what.database_arn, *what.arns("rds", "auto-backup:*")],
        ),
    )


def _back_up_buckets(what: BackedUp) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="FollowBuckets",
            actions=[
                "s3:GetBucketAcl",
                "s3:GetBucketLocation",
                "s3:GetBucketNotification",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetInventoryConfiguration",
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:ListTagsForResource",
                "s3:PutBucketNotification",
                "s3:PutInventoryConfiguration",
            ],
            resources=what.bucket_arns,
        ),
        Statement(
            sid="ReadObjects",
            actions=[
                "s3:GetObject",
                "s3:GetObjectAcl",
                "s3:GetObjectTagging",
                "s3:GetObjectVersion",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
            ],
            resources=_objects(what.bucket_arns),
        ),
        Statement(
            sid="HearOfChanges",
            actions=[
                "events:DeleteRule",
                "events:DescribeRule",
                "events:DisableRule",
                "events:EnableRule",
                "events:ListTargetsByRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
            ],
            resources=what.arns("events", "rule/AwsBackupManagedRule*"),
        ),
        Statement(
            sid="FindBuckets",
            actions=["cloudwatch:GetMetricData", "events:ListRules", "s3:ListAllMyBuckets"],
            resources=["*"],
        ),
        *key_grant("ReadEncrypted", what.data_key_arn, "kms:Decrypt"),
    )


def _use_vaults(what: BackedUp) -> tuple[Statement, ...]:
    points = what.arns("backup", "recovery-point:*")
    return (
        Statement(
            sid="FillVaults",
            actions=["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"],
            resources=what.vault_arns,
        ),
        Statement(
            sid="CopyBackups",
            actions=["backup:CopyFromBackupVault"],
            # A backup of a database is known by its snapshot.
            resources=[*points, *what.arns("rds", SNAPSHOTS)],
        ),
        Statement(sid="TagBackups", actions=["backup:TagResource"], resources=points),
        *_lend_keys(what),
    )


def _lend_keys(what: BackedUp) -> tuple[Statement, ...]:
    if not what.key_arns:
        return ()
    return (
        Statement(sid="FindKeys", actions=["kms:DescribeKey"], resources=what.key_arns),
        Statement(
            sid="LendKeys",
            actions=["kms:CreateGrant"],
            resources=what.key_arns,
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    )


def _restore_database(what: BackedUp) -> tuple[Statement, ...]:
    return (
        _look_at_databases(what),
        Statement(
            sid="RestoreDatabase",
            actions=[
                "rds:AddTagsToResource",
                "rds:CreateDBInstance",
                "rds:RestoreDBInstanceFromDBSnapshot",
                "rds:RestoreDBInstanceToPointInTime",
            ],
            resources=what.arns(
                "rds",
                f"db:{what.prefix}-*",
                f"db:{TEST_NAMES}",
                SNAPSHOTS,
                "auto-backup:*",
                # Whichever groups the new one is put into.
                "og:*",
                "pg:*",
                "subgrp:*",
            ),
        ),
        Statement(
            sid="EndTests",
            actions=["rds:DeleteDBInstance"],
            resources=what.arns("rds", f"db:{TEST_NAMES}"),
        ),
    )


def _restore_buckets(what: BackedUp) -> tuple[Statement, ...]:
    # Their names are the world's, so their ARNs bear no account.
    buckets: list[pulumi.Input[str]] = [
        f"arn:aws:s3:::{name}" for name in (f"{what.prefix}-*", TEST_NAMES)
    ]
    return (
        Statement(
            sid="RestoreBuckets",
            actions=[
                "s3:CreateBucket",
                "s3:GetBucketLocation",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketVersioning",
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketVersioning",
            ],
            resources=buckets,
        ),
        Statement(
            sid="RestoreObjects",
            actions=[
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:GetObjectAcl",
                "s3:GetObjectTagging",
                "s3:GetObjectVersion",
                "s3:GetObjectVersionAcl",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
                "s3:PutObjectAcl",
                "s3:PutObjectTagging",
                "s3:PutObjectVersionAcl",
            ],
            resources=_objects(buckets),
        ),
        *_lend_keys(what),
        *(
            statement
            for arn in what.key_arns
            for statement in key_grant(
                "UseKeys",
                arn,
                "kms:Decrypt",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            )
        ),
    )


def _objects(bucket_arns: Sequence[pulumi.Input[str]]) -> list[pulumi.Input[str]]:
    return [pulumi.Output.concat(arn, "/*") for arn in bucket_arns]
