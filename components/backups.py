"""Backups: AWS Backup of the database and the buckets, copies elsewhere, and tests of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.backup_roles import BackedUp, backup_statements, restore_statements
from components.grants import ServiceRole, resource_policy, service_role
from components.ground import Ground
from components.keys import KeysArgs, customer_key
from components.naming import physical_name
from components.observe import DAY_SECONDS, Alarm, Expression, Metric, Panel
from components.security_groups import security_group
from components.stores.buckets import Bucket, Buckets
from components.stores.database import Database
from settings.backups import RULES_APART_HOURS, BackupsSettings
from settings.keys import KeysSettings
from settings.stack import Settings

SERVICE = "backup.amazonaws.com"

KEPT = ("media", "static", "backups", "releases")
"""The buckets that are backed up, of those there are. Logs are read or lost, and the bundles of
Elastic Beanstalk are made again from the repository."""

TESTED = "static"
"""The bucket that is restored for a test. All of it is, so not the one with the terabytes; role,
keys and vault are the same for all."""

START_MINUTES = 60
"""A job that has not begun by then is given up. The least that AWS Backup takes."""
COMPLETION_MINUTES = 7 * 24 * 60
"""A job that has not ended by then is given up. The first backup of a large bucket takes days."""

TEST_HOURS_LATER = 6
"""After the backup of the night, which should have ended by then."""
TEST_DAYS = 7
"""How old the newest backup may be that a test restores."""

GUARDED = (
    "backup:DeleteRecoveryPoint",
    "backup:UpdateRecoveryPointLifecycle",
)
"""What takes a backup away, at once or early."""


@dataclass(frozen=True, kw_only=True)
class BackupsArgs:
    settings: BackupsSettings
    ground: Ground
    keys: KeysSettings
    database: Database
    point_in_time_days: int
    """How far back a point in time reaches, for database and buckets. 0: there is none."""
    buckets: Buckets


class Backups(pulumi.ComponentResource):
    """A vault and a plan that fills it every night; by choice copies in another region, a lock, the
    database's own backups replicated, and a weekly restore (M123, B45).

    The plan has two rules. The continuous one lets the database and the buckets go back to a point
    in time, for as many days as `database.backup_days`. It takes RDS's automated backups over: RDS
    itself then refuses to change their days and their window. The daily one keeps a snapshot for
    `keep_days`, and copies it; a point in time cannot be copied.
    https://docs.aws.amazon.com/aws-backup/latest/devguide/point-in-time-recovery.html

    Nobody deletes a backup while the vault's policy stands: who must takes it off first, which
    CloudTrail shows. Only the lock stops whoever may do that.

    Cost: snapshots of the database 0.095 USD per GB and month, backups of buckets 0.05 USD per GB
    and month, the versions that lifecycle rules have not removed yet included; the same again for
    copies, with 0.02 USD and more per GB for the way there. A customer-managed key for each vault,
    1 USD a month. A restore test costs an instance of the database's class for an hour or two a
    week, and AWS Backup's own price for it (us-east-1, 2026; https://aws.amazon.com/backup/pricing).
    """

    outputs: Mapping[str, pulumi.Input[Any]]
    """The vaults, and the role under which AWS Backup restores."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: BackupsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:backups:Backups", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self)
        # Everything but what holds the backups can be made anew.
        child = pulumi.ResourceOptions(parent=self, protect=False)
        settings = args.settings
        vault = _vault(name, args, None, kept, child)
        copies = None
        if settings.copy_to is not None:
            copies = _vault(f"{name}-copies", args, settings.copy_to, kept, child)
        vaults = [each for each in (vault, copies) if each]
        buckets = [bucket for key, bucket in args.buckets.by_purpose.items() if key in KEPT]
        what = _backed_up(args, buckets, vaults)
        role = service_role(f"{name}-role", SERVICE, backup_statements(what), child)
        restorer = service_role(f"{name}-restore-role", SERVICE, restore_statements(what), child)

        plan = aws.backup.Plan(f"{name}-plan", rules=_rules(args, vault, copies), opts=child)
        aws.backup.Selection(
            f"{name}-selection",
            plan_id=plan.id,
            iam_role_arn=role.arn,
            # By name, so that it does not depend on which services the account has opted in to.
            resources=[args.database.arn, *what.bucket_arns],
            opts=child,
        )
        if copies and settings.replicate_database:
            _replicate(f"{name}-database-elsewhere", args, copies, child)
        if settings.restore_test:
            _test_restores(f"{name}-restore-test", args, vault, restorer, child)

        self.outputs = {
            "vault": vault.name,
            "restore_role": restorer.arn,
            "copies": copies and {"vault": copies.name, "region": settings.copy_to},
        }
        self.alarms = _alarms(settings, vault)
        self.panels = _panels(settings, vault)
        self.register_outputs(self.outputs)


def backups_of(
    stack: Settings,
    ground: Ground,
    database: Database,
    buckets: Buckets,
    opts: pulumi.ResourceOptions,
) -> Backups | None:
    """The backups that the stack asks for."""
    if stack.backups is None:
        return None
    args = BackupsArgs(
        settings=stack.backups,
        ground=ground,
        keys=stack.keys,
        database=database,
        point_in_time_days=stack.database.backup_days,
        buckets=buckets,
    )
    return Backups("backups", args, opts)


@dataclass(frozen=True, kw_only=True)
class _Vault:
    name: pulumi.Output[str]
    """Known once it is guarded."""
    arn: pulumi.Output[str]
    key_arn: pulumi.Output[str] | None


def _vault(
    name: str,
    args: BackupsArgs,
    region: str | None,
    kept: pulumi.ResourceOptions,
    opts: pulumi.ResourceOptions,
) -> _Vault:
    """A vault in `region`, where it has a key of its own."""
    ground, lock = args.ground, args.settings.lock
    key_arn = None
    if args.keys.customer_managed:
        of_stack = KeysArgs(settings=args.keys, place=ground)
        key_arn = customer_key(f"{name}-key", "backups", of_stack, (), kept, region=region).arn
    vault = aws.backup.Vault(
        f"{name}-vault",
        name=physical_name("vault", ground.prefix, "backups"),
        kms_key_arn=key_arn,
        # A vault with something in it cannot be deleted.
        force_destroy=not ground.protect,
        region=region,
        opts=kept,
    )
    policy = aws.backup.VaultPolicy(
        f"{name}-policy",
        backup_vault_name=vault.name,
        policy=resource_policy(
            [
                {
                    "Sid": "NobodyTakesBackupsAway",
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": list(GUARDED),
                    "Resource": "*",
                }
            ]
        ),
        region=region,
        opts=opts,
    )
    if lock is not None:
        aws.backup.VaultLockConfiguration(
            f"{name}-lock",
            backup_vault_name=vault.name,
            min_retention_days=lock.minimum_days,
            max_retention_days=lock.maximum_days,
            changeable_for_days=lock.changeable_days,
            region=region,
            opts=_one_at_a_time(opts),
        )
    return _Vault(name=policy.backup_vault_name, arn=vault.arn, key_arn=key_arn)


def _one_at_a_time(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """For what any change of a number replaces, and which has no name of its own.

    A second one would be the first to AWS: the lock of a vault, say, would be put on anew and then
    taken off as the old one.
    """
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True))


def _backed_up(args: BackupsArgs, buckets: Sequence[Bucket], vaults: Sequence[_Vault]) -> BackedUp:
    ground, copy_to = args.ground, args.settings.copy_to
    return BackedUp(
        prefix=ground.prefix,
        account_id=ground.account_id,
        regions=[ground.region, *([copy_to] if copy_to else [])],
        database_arn=args.database.arn,
        bucket_arns=[bucket.arn for bucket in buckets],
        vault_arns=[vault.arn for vault in vaults],
        data_key_arn=ground.data_key_arn,
        vault_key_arns=[vault.key_arn for vault in vaults if vault.key_arn is not None],
    )


def _rules(
    args: BackupsArgs, vault: _Vault, copies: _Vault | None
) -> list[aws.backup.PlanRuleArgsDict]:
    settings = args.settings
    shared: aws.backup.PlanRuleArgsDict = {
        "rule_name": "daily",
        "target_vault_name": vault.name,
        "start_window": START_MINUTES,
        "completion_window": COMPLETION_MINUTES,
    }
    daily: aws.backup.PlanRuleArgsDict = {
        **shared,
        "schedule": f"cron(0 {settings.hour} * * ? *)",
        "lifecycle": {"delete_after": settings.keep_days},
    }
    if copies is not None:
        daily["copy_actions"] = [
            {
                "destination_vault_arn": copies.arn,
                "lifecycle": {"delete_after": settings.copy_days},
            }
        ]
    if args.point_in_time_days == 0:
        return [daily]
    continuous: aws.backup.PlanRuleArgsDict = {
        **shared,
        "rule_name": "continuous",
        "schedule": f"cron(0 {(settings.hour + RULES_APART_HOURS) % 24} * * ? *)",
        "enable_continuous_backup": True,
        "lifecycle": {"delete_after": args.point_in_time_days},
    }
    return [daily, continuous]


def _replicate(name: str, args: BackupsArgs, copies: _Vault, opts: pulumi.ResourceOptions) -> None:
    """RDS sends its snapshots and logs there too, minutes after they are written.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html
    """
    aws.rds.InstanceAutomatedBackupsReplication(
        name,
        source_db_instance_arn=args.database.arn,
        retention_period=args.point_in_time_days,
        kms_key_id=copies.key_arn,
        region=args.settings.copy_to,
        # RDS copies a database to a region once.
        opts=_one_at_a_time(opts),
    )


def _test_restores(
    name: str,
    args: BackupsArgs,
    vault: _Vault,
    restorer: ServiceRole,
    opts: pulumi.ResourceOptions,
) -> None:
    """Every Monday the newest snapshot of each kind is restored, and deleted again.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html
    """
    ground = args.ground
    hour = (args.settings.hour + TEST_HOURS_LATER) % 24
    plan = aws.backup.RestoreTestingPlan(
        name,
        # AWS Backup takes no hyphens here.
        name=physical_name("restore_testing_plan", ground.prefix, "restore", "test").replace(
            "-", "_"
        ),
        schedule_expression=f"cron(0 {hour} ? * MON *)",
        start_window_hours=1,
        recovery_point_selection={
            "algorithm": "LATEST_WITHIN_WINDOW",
            "include_vaults": [vault.arn],
            "recovery_point_types": ["SNAPSHOT"],
            "selection_window_days": TEST_DAYS,
        },
        opts=opts,
    )
    # With no rule at all: nothing reaches a database that is restored for a test.
    nobody = security_group(f"{name}-group", ground.vpc_id, "Restore tests", opts)
    aws.backup.RestoreTestingSelection(
        f"{name}-database",
        name="database",
        restore_testing_plan_name=plan.name,
        iam_role_arn=restorer.arn,
        protected_resource_type="RDS",
        protected_resource_arns=[args.database.arn],
        # Left alone it would look for a default VPC.
        restore_metadata_overrides={
            "dbSubnetGroupName": args.database.subnet_group_name,
            "vpcSecurityGroupIds": pulumi.Output.json_dumps([nobody.id]),
        },
        opts=opts,
    )
    aws.backup.RestoreTestingSelection(
        f"{name}-bucket",
        name="bucket",
        restore_testing_plan_name=plan.name,
        iam_role_arn=restorer.arn,
        protected_resource_type="S3",
        protected_resource_arns=[args.buckets.by_purpose[TESTED].arn],
        opts=opts,
    )


def _jobs(vault: _Vault, what: str, label: str) -> Metric:
    return Metric(
        namespace="AWS/Backup",
        name=f"NumberOf{what}",
        dimensions={"BackupVaultName": vault.name},
        statistic="Sum",
        # What went wrong in the night is red until the next one.
        period=DAY_SECONDS,
        label=label,
    )


def _alarms(settings: BackupsSettings, vault: _Vault) -> tuple[Alarm, ...]:
    def alarm(name: str, summary: str, watch: Metric | Expression) -> Alarm:
        return Alarm(
            name=name,
            summary=summary,
            watch=watch,
            comparison="at_least",
            threshold=1,
            severity="warning",
            runbook=f"backups.md#{name}",
        )

    alarms = [
        alarm(
            "jobs-failed",
            "A backup of the database or of a bucket failed, or never began.",
            Expression(
                text="SUM([failed, aborted, expired])",
                metrics={
                    "failed": _jobs(vault, "BackupJobsFailed", "failed"),
                    "aborted": _jobs(vault, "BackupJobsAborted", "aborted"),
                    "expired": _jobs(vault, "BackupJobsExpired", "expired"),
                },
                label="not made",
            ),
        ),
        Alarm(
            name="none-made",
            summary="No backup has been made for two days, and nothing says why.",
            watch=_jobs(vault, "BackupJobsCompleted", "made"),
            comparison="below",
            threshold=1,
            evaluation_periods=2,
            missing_data="breaching",
            severity="warning",
            runbook="backups.md#none-made",
        ),
    ]
    if settings.copy_to is not None:
        summary = f"A backup was not copied to {settings.copy_to}."
        alarms.append(alarm("copies-failed", summary, _jobs(vault, "CopyJobsFailed", "failed")))
    if settings.restore_test:
        summary = "A backup could not be restored, in the weekly test or by somebody."
        alarms.append(
            alarm("restores-failed", summary, _jobs(vault, "RestoreJobsFailed", "failed"))
        )
    return tuple(alarms)


def _panels(settings: BackupsSettings, vault: _Vault) -> tuple[Panel, ...]:
    metrics = [
        _jobs(vault, "BackupJobsCompleted", "made"),
        _jobs(vault, "BackupJobsFailed", "failed"),
        _jobs(vault, "BackupJobsExpired", "not begun"),
    ]
    if settings.copy_to is not None:
        metrics.append(_jobs(vault, "CopyJobsCompleted", "copied"))
        metrics.append(_jobs(vault, "CopyJobsFailed", "not copied"))
    if settings.restore_test:
        metrics.append(_jobs(vault, "RestoreJobsCompleted", "restored"))
        metrics.append(_jobs(vault, "RestoreJobsFailed", "not restored"))
    return (Panel(group="Storage", title="Backups, per day", unit="jobs", metrics=metrics),)
