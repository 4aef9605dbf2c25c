"""Backups: what is backed up, when, for how long, who may touch it, and who hears of failures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import pulumi
import pytest

from components.alarms import AlarmSet
from components.backups import Backups, BackupsArgs
from components.ground import Ground
from components.stores.buckets import Buckets, BucketsArgs
from components.stores.database import Database, DatabaseArgs
from settings.backups import BackupsSettings
from settings.buckets import BucketsSettings
from settings.database import DatabaseSettings
from settings.keys import KeysSettings
from tests.components.parts import (
    DATA_KEY,
    PREFIX,
    described,
    ground,
    ground_in_moto,
    silent_notices,
)
from tests.recorder import ROOT, Recorded, aws_provider, record, with_aws

ACCOUNT = "123456789012"
HERE, THERE = "us-east-1", "us-west-2"


def build(
    opts: pulumi.ResourceOptions,
    *,
    place: Ground | None = None,
    customer_managed: bool = False,
    protect: bool = True,
    backup_days: int = 30,
    releases: bool = False,
    bundles: bool = False,
    **settings: Any,
) -> Backups:
    made_up = ground(data_key_arn=DATA_KEY if customer_managed else None, protect=protect)
    place = place or made_up
    database = DatabaseSettings(
        engine_version="17",
        instance_class="db.t4g.micro",
        storage_gb={"initial": 20, "maximum": 100},  # pyright: ignore[reportArgumentType]
        multi_az=False,
        credentials="iam",
        backup_days=backup_days,
        deletion_protection=False,
        final_snapshot=False,
    )
    buckets = BucketsArgs(
        settings=BucketsSettings(force_delete=False, releases=releases),
        ground=place,
        served=False,
        bundles=bundles,
    )
    args = BackupsArgs(
        settings=BackupsSettings.model_validate(settings),
        ground=place,
        keys=KeysSettings(customer_managed=customer_managed, deletion_days=14),
        database=Database("database", DatabaseArgs(settings=database, ground=place), opts),
        point_in_time_days=backup_days,
        buckets=Buckets("buckets", buckets, opts),
    )
    kept = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=protect))
    return Backups("backups", args, kept)


def recorded_backups(**choices: Any) -> tuple[Backups, Recorded]:
    made: list[Backups] = []

    def program() -> None:
        backups = build(with_aws(aws_provider()), **choices)
        made.append(backups)
        pulumi.export("alarms", {alarm.name: described(alarm.watch) for alarm in backups.alarms})
        pulumi.export("panels", [described(each) for each in backups.panels[0].metrics])

    recorded = record(program)
    return made[0], recorded


@cache
def plain() -> tuple[Backups, Recorded]:
    return recorded_backups()


@cache
def full() -> tuple[Backups, Recorded]:
    """Every choice there is."""
    return recorded_backups(
        customer_managed=True,
        releases=True,
        bundles=True,
        copy_to=THERE,
        replicate_database=True,
        restore_test=True,
        lock={"minimum_days": 7, "maximum_days": 365, "changeable_days": 3},
    )


def rules(recorded: Recorded) -> dict[str, dict[str, Any]]:
    return {rule["rule_name"]: rule for rule in recorded.one("backup.Plan")["rules"]}


def of_backups(recorded: Recorded, type: str) -> list[str]:
    return [name for name in recorded.names(type) if name.startswith("backups-")]


def test_every_night_at_five_a_backup_is_taken_and_kept_for_35_days():  # M123, B45
    _, recorded = plain()
    daily = rules(recorded)["daily"]

    assert daily["schedule"] == "cron(0 5 * * ? *)"
    assert daily["lifecycle"] == {"delete_after": 35}
    assert (daily["start_window"], daily["completion_window"]) == (60, 10080)
    assert "enable_continuous_backup" not in daily
    assert "copy_actions" not in daily


def test_a_point_in_time_reaches_as_far_back_as_the_databases_own_backups():  # M123, B45
    _, recorded = plain()
    continuous = rules(recorded)["continuous"]

    assert continuous["enable_continuous_backup"] is True
    assert continuous["lifecycle"] == {"delete_after": 30}
    # RDS keeps what the plan says, so that neither has to be turned back.
    assert recorded.one("rds.Instance", "database-primary")["backup_retention_period"] == 30
    assert "copy_actions" not in continuous


@pytest.mark.parametrize(
    ("hour", "daily", "continuous"), [(0, 0, 2), (5, 5, 7), (22, 22, 0), (23, 23, 1)]
)
def test_the_two_rules_never_begin_within_an_hour_of_each_other(hour, daily, continuous):
    _, recorded = recorded_backups(hour=hour)
    schedules = {name: rule["schedule"] for name, rule in rules(recorded).items()}

    assert schedules == {
        "daily": f"cron(0 {daily} * * ? *)",
        "continuous": f"cron(0 {continuous} * * ? *)",
    }


def test_without_automated_backups_of_the_database_there_is_no_point_in_time():
    _, recorded = recorded_backups(backup_days=0)
    assert list(rules(recorded)) == ["daily"]


def test_the_days_are_the_settings():
    _, recorded = recorded_backups(keep_days=90, copy_to=THERE, copy_days=14)
    daily = rules(recorded)["daily"]

    assert daily["lifecycle"] == {"delete_after": 90}
    assert daily["copy_actions"][0]["lifecycle"] == {"delete_after": 14}


def test_the_database_and_every_bucket_with_data_are_backed_up_by_name():  # M123
    _, recorded = full()
    selection = recorded.one("backup.Selection", "backups-selection")

    assert selection["plan_id"] == recorded.one("backup.Plan").id
    assert selection["resources"] == [
        recorded.one("rds.Instance", "database-primary").outputs["arn"],
        *(
            recorded.one("s3.Bucket", f"buckets-{purpose}").outputs["arn"]
            for purpose in ("media", "static", "backups", "releases")
        ),
    ]
    assert "selection_tags" not in selection
    assert selection["iam_role_arn"] == recorded.one("iam.Role", "backups-role").outputs["arn"]


def test_logs_and_bundles_are_not_backed_up():
    _, recorded = full()
    backed_up = recorded.one("backup.Selection")["resources"]

    for purpose in ("logs", "bundles"):
        assert recorded.one("s3.Bucket", f"buckets-{purpose}").outputs["arn"] not in backed_up


def test_a_vault_has_a_name_that_a_person_finds_in_both_regions():
    _, recorded = full()
    here = recorded.one("backup.Vault", "backups-vault")
    there = recorded.one("backup.Vault", "backups-copies-vault")

    assert here["name"] == there["name"] == "backlot-dev-backups"
    assert "region" not in here
    assert there["region"] == THERE


def test_a_copy_of_every_daily_backup_goes_to_the_other_region():  # M123, B45
    _, recorded = full()
    [copy] = rules(recorded)["daily"]["copy_actions"]

    vault = recorded.one("backup.Vault", "backups-copies-vault")
    assert copy["destination_vault_arn"] == vault.outputs["arn"]
    # RDS does not let its logs be copied, and S3's lose the point in time.
    assert "copy_actions" not in rules(recorded)["continuous"]


def test_without_a_region_for_copies_there_is_one_vault():
    backups, recorded = plain()
    assert recorded.names("backup.Vault") == ["backups-vault"]
    assert backups.outputs["copies"] is None


def test_each_vault_has_a_key_of_its_own_where_it_is():  # M84
    _, recorded = full()
    for key, vault, region in (
        ("backups-key", "backups-vault", None),
        ("backups-copies-key", "backups-copies-vault", THERE),
    ):
        made = recorded.one("kms.Key", key)
        assert recorded.one("backup.Vault", vault)["kms_key_arn"] == made.outputs["arn"]
        assert made.get("region") == recorded.one("kms.Alias", key).get("region") == region
        assert recorded.one("kms.Alias", key)["name"] == "alias/backlot-dev-backups"
        assert (made["enable_key_rotation"], made["deletion_window_in_days"]) == (True, 14)
        assert made.protect


def test_with_the_keys_that_aws_owns_there_is_no_key_and_no_grant_of_one():  # M84
    _, recorded = recorded_backups(copy_to=THERE, restore_test=True)

    assert recorded.all("kms.Key") == []
    for vault in recorded.all("backup.Vault"):
        assert "kms_key_arn" not in vault
    assert not [action for action in granted(recorded) if action.startswith("kms:")]


def test_nobody_deletes_a_backup_while_the_vaults_policy_stands():  # B45
    _, recorded = full()
    for name, vault in (("backups", "backups-vault"), ("backups-copies", "backups-copies-vault")):
        policy = recorded.one("backup.VaultPolicy", f"{name}-policy")
        [statement] = policy.json("policy")["Statement"]
        assert policy["backup_vault_name"] == recorded.one("backup.Vault", vault)["name"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
        assert statement["Action"] == [
            "backup:DeleteRecoveryPoint",
            "backup:UpdateRecoveryPointLifecycle",
        ]
        assert "Condition" not in statement
    assert recorded.one("backup.VaultPolicy", "backups-copies-policy")["region"] == THERE


def test_the_policy_can_be_taken_off_or_nobody_could_ever_empty_the_vault():
    _, recorded = full()
    for policy in recorded.all("backup.VaultPolicy"):
        [statement] = policy.json("policy")["Statement"]
        assert not [action for action in statement["Action"] if "AccessPolicy" in action]


def test_a_lock_is_on_both_vaults_by_choice():  # B45
    _, recorded = full()
    assert recorded.names("backup.VaultLockConfiguration") == [
        "backups-copies-lock",
        "backups-lock",
    ]
    for lock in recorded.all("backup.VaultLockConfiguration"):
        assert (lock["min_retention_days"], lock["max_retention_days"]) == (7, 365)
        assert lock["changeable_for_days"] == 3
    assert plain()[1].all("backup.VaultLockConfiguration") == []


def test_a_lock_that_can_be_taken_off_names_no_days_until_it_cannot():
    _, recorded = recorded_backups(lock={"minimum_days": 7, "maximum_days": 365})
    assert "changeable_for_days" not in recorded.one("backup.VaultLockConfiguration")


def test_a_changed_lock_or_replication_is_gone_before_its_successor_comes():
    first_away: dict[str, bool | None] = {}

    def note(made: pulumi.ResourceTransformationArgs) -> None:
        first_away[made.name] = made.opts.delete_before_replace

    def program() -> None:
        pulumi.runtime.register_stack_transformation(note)
        build(
            with_aws(aws_provider()),
            customer_managed=True,
            copy_to=THERE,
            replicate_database=True,
            lock={"minimum_days": 7, "maximum_days": 365},
        )

    record(program)
    assert {name for name, first in first_away.items() if first} == {
        "backups-copies-lock",
        "backups-database-elsewhere",
        "backups-lock",
    }


@pytest.mark.parametrize("protect", [True, False])
def test_a_guarded_stack_keeps_its_vaults_and_a_throwaway_one_empties_them(protect):
    _, recorded = recorded_backups(protect=protect, copy_to=THERE)
    for vault in recorded.all("backup.Vault"):
        assert vault["force_destroy"] is not protect
        assert vault.protect is protect


def test_what_holds_no_backup_never_stands_in_the_way_of_a_change():
    _, recorded = full()
    component = recorded.one("backlot:backups:Backups")
    guarded = {node.type for node in recorded.children(component) if node.protect}
    assert guarded == {"aws:backup/vault:Vault", "aws:kms/alias:Alias", "aws:kms/key:Key"}


def test_the_databases_own_backups_are_replicated_by_choice():  # M123
    _, recorded = full()
    replication = recorded.one("rds.InstanceAutomatedBackupsReplication")

    database = recorded.one("rds.Instance", "database-primary")
    assert replication["source_db_instance_arn"] == database.outputs["arn"]
    assert (replication["retention_period"], replication["region"]) == (30, THERE)
    key = recorded.one("kms.Key", "backups-copies-key")
    assert replication["kms_key_id"] == key.outputs["arn"]
    _, without = recorded_backups(copy_to=THERE)
    assert without.all("rds.InstanceAutomatedBackupsReplication") == []


def test_once_a_week_the_newest_snapshot_is_restored():  # B45
    _, recorded = full()
    plan = recorded.one("backup.RestoreTestingPlan", "backups-restore-test")

    # Letters, digits and underscores are all it takes.
    assert plan["name"] == "backlot_dev_restore_test"
    assert plan["schedule_expression"] == "cron(0 11 ? * MON *)"
    assert plan["recovery_point_selection"] == {
        "algorithm": "LATEST_WITHIN_WINDOW",
        "include_vaults": [recorded.one("backup.Vault", "backups-vault").outputs["arn"]],
        "recovery_point_types": ["SNAPSHOT"],
        "selection_window_days": 7,
    }
    assert plain()[1].all("backup.RestoreTestingPlan") == []


def test_a_database_is_restored_among_the_stacks_subnets_and_reached_by_nobody():  # B45
    _, recorded = full()
    selection = recorded.one("backup.RestoreTestingSelection", "backups-restore-test-database")

    group = recorded.one("ec2.SecurityGroup", "backups-restore-test-group")
    assert selection["protected_resource_type"] == "RDS"
    assert selection["protected_resource_arns"] == [
        recorded.one("rds.Instance", "database-primary").outputs["arn"]
    ]
    assert selection.resource.inputs["restoreMetadataOverrides"] == {
        "dbSubnetGroupName": recorded.one("rds.SubnetGroup").outputs["name"],
        "vpcSecurityGroupIds": json.dumps([group.id]),
    }
    rules = [
        *recorded.all("vpc.SecurityGroupIngressRule"),
        *recorded.all("vpc.SecurityGroupEgressRule"),
    ]
    assert group.id not in {rule["security_group_id"] for rule in rules}


def test_the_bucket_that_is_restored_for_a_test_is_not_the_one_with_the_terabytes():  # B45
    _, recorded = full()
    selection = recorded.one("backup.RestoreTestingSelection", "backups-restore-test-bucket")

    assert selection["protected_resource_type"] == "S3"
    assert selection["protected_resource_arns"] == [
        recorded.one("s3.Bucket", "buckets-static").outputs["arn"]
    ]


def granted(recorded: Recorded, *roles: str) -> set[str]:
    return {
        action
        for role in roles or ("backups-role", "backups-restore-role")
        for statement in recorded.one("iam.RolePolicy", role).json("policy")["Statement"]
        for action in statement["Action"]
    }


def actions_of_aws(*policies: str) -> set[str]:
    # Only here: it takes a while to load, which most tests need not pay.
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    known = json.loads(aws_managed_policies_data)
    return {
        action
        for policy in policies
        for statement in known[policy]["Document"]["Statement"]
        for action in _listed(statement["Action"])
        if action.partition(":")[0] in {"backup", "cloudwatch", "events", "kms", "rds", "s3"}
    }


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


NOT_OURS = {
    "Cluster": "there are no clusters of databases",
    "Tenant": "nor tenants, which are Oracle's",
    "RestoreJob": "for what restores several things at once, as EKS does",
    "ListRecoveryPoints": "the same",
    "kms:GenerateDataKey": "a table of DynamoDB, or a volume",
    "kms:ReEncrypt": "a volume",
    "rds:ModifyDBSnapshotAttribute": "copies for another account, which the boundary forbids",
}


def without(actions: set[str], words: Iterable[str]) -> set[str]:
    return {action for action in actions if not any(word in action for word in words)}


def test_the_backup_role_may_do_what_awss_own_may_for_databases_and_buckets():  # M85
    theirs = actions_of_aws(
        "AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForS3Backup"
    )
    assert granted(full()[1], "backups-role") == without(theirs, NOT_OURS)


def test_the_restore_role_may_do_what_awss_own_may_for_databases_and_buckets():  # M85
    theirs = actions_of_aws(
        "AWSBackupServiceRolePolicyForRestores", "AWSBackupServiceRolePolicyForS3Restore"
    )
    words = ("Cluster", "Tenant", "RestoreJob", "ListRecoveryPoints")
    assert granted(full()[1], "backups-restore-role") == without(theirs, words)


def test_neither_role_has_a_policy_of_awss_and_only_aws_backup_assumes_it():  # M85
    _, recorded = full()
    attached = {each["role"] for each in recorded.all("iam.RolePolicyAttachment")}
    for name in ("backups-role", "backups-restore-role"):
        role = recorded.one("iam.Role", name)
        assert role.outputs["name"] not in attached
        [trust] = role.json("assume_role_policy")["Statement"]
        assert trust["Principal"] == {"Service": "backup.amazonaws.com"}


def policy(recorded: Recorded, name: str) -> dict[str, dict[str, Any]]:
    statements = recorded.one("iam.RolePolicy", name).json("policy")["Statement"]
    return {statement["Sid"]: statement for statement in statements}


def test_the_backup_role_reads_the_buckets_of_the_plan_and_deletes_no_object():  # M85
    _, recorded = full()
    statements = policy(recorded, "backups-role")
    selected = recorded.one("backup.Selection")["resources"][1:]

    assert statements["FollowBuckets"]["Resource"] == selected
    assert statements["ReadObjects"]["Resource"] == [f"{bucket}/*" for bucket in selected]
    everything = {action for each in statements.values() for action in each["Action"]}
    assert not {"s3:DeleteObject", "s3:PutObject", "rds:DeleteDBInstance"} & everything
    assert statements["FindBuckets"]["Resource"] == ["*"]
    assert [sid for sid, each in statements.items() if each["Resource"] == ["*"]] == ["FindBuckets"]


def test_the_backup_role_deletes_only_the_snapshots_that_aws_backup_took():  # M85
    _, recorded = full()
    expire = policy(recorded, "backups-role")["ExpireSnapshots"]

    assert expire["Resource"] == [
        f"arn:aws:rds:{region}:{ACCOUNT}:snapshot:awsbackup:*" for region in (HERE, THERE)
    ]


def test_the_restore_role_makes_databases_of_the_stacks_name_and_deletes_a_tests_alone():  # M85
    _, recorded = full()
    statements = policy(recorded, "backups-restore-role")

    made = [arn for arn in statements["RestoreDatabase"]["Resource"] if ":db:" in arn]
    assert made == [
        f"arn:aws:rds:{region}:{ACCOUNT}:db:{name}"
        for region in (HERE, THERE)
        for name in ("backlot-dev-*", "awsbackup-restore-test*")
    ]
    assert statements["EndTests"]["Resource"] == [
        f"arn:aws:rds:{region}:{ACCOUNT}:db:awsbackup-restore-test*" for region in (HERE, THERE)
    ]
    assert statements["RestoreObjects"]["Resource"] == [
        "arn:aws:s3:::backlot-dev-*/*",
        "arn:aws:s3:::awsbackup-restore-test*/*",
    ]


def test_keys_are_lent_to_services_of_aws_alone():  # M84, M85
    _, recorded = full()
    keys = [
        DATA_KEY,
        recorded.one("kms.Key", "backups-key").outputs["arn"],
        recorded.one("kms.Key", "backups-copies-key").outputs["arn"],
    ]
    for name in ("backups-role", "backups-restore-role"):
        lend = policy(recorded, name)["LendKeys"]
        assert (lend["Action"], lend["Resource"]) == (["kms:CreateGrant"], keys)
        assert lend["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_a_policy_with_every_choice_fits_into_its_role():
    _, recorded = full()
    for name in ("backups-role", "backups-restore-role"):
        assert len(recorded.one("iam.RolePolicy", name)["policy"]) < 10_240


def test_failed_and_never_begun_backups_are_told_of_in_the_morning():  # B45
    backups, recorded = plain()
    alarm = next(alarm for alarm in backups.alarms if alarm.name == "jobs-failed")

    assert (alarm.comparison, alarm.threshold, alarm.severity) == ("at_least", 1, "warning")
    assert alarm.missing_data == "notBreaching"
    assert recorded.outputs["alarms"]["jobs-failed"] == {
        key: {
            "metric": f"AWS/Backup NumberOfBackupJobs{key.title()}",
            "statistic": "Sum",
            "period": 86400,
            "dimensions": {"BackupVaultName": "backlot-dev-backups"},
        }
        for key in ("failed", "aborted", "expired")
    }


def test_two_days_without_any_backup_are_told_of_although_nothing_failed():  # B45
    backups, recorded = plain()
    alarm = next(alarm for alarm in backups.alarms if alarm.name == "none-made")

    assert (alarm.comparison, alarm.threshold, alarm.evaluation_periods) == ("below", 1, 2)
    assert alarm.missing_data == "breaching"
    watched = recorded.outputs["alarms"]["none-made"]
    assert watched["metric"] == "AWS/Backup NumberOfBackupJobsCompleted"


def test_copies_and_restores_have_an_alarm_where_there_are_any():  # B45
    assert [alarm.name for alarm in plain()[0].alarms] == ["jobs-failed", "none-made"]

    backups, recorded = full()
    assert [alarm.name for alarm in backups.alarms] == [
        "jobs-failed",
        "none-made",
        "copies-failed",
        "restores-failed",
    ]
    for name, metric in (("copies-failed", "CopyJobs"), ("restores-failed", "RestoreJobs")):
        assert recorded.outputs["alarms"][name]["metric"] == f"AWS/Backup NumberOf{metric}Failed"


def test_every_alarm_has_a_page_to_read():
    page = (ROOT / "docs" / "runbooks" / "backups.md").read_text(encoding="utf-8")
    for alarm in full()[0].alarms:
        assert alarm.runbook == f"backups.md#{alarm.name}"
        assert f"\n## {alarm.name}\n" in page


def test_the_panel_shows_what_there_is():
    for (backups, recorded), lines in ((plain(), 3), (full(), 7)):
        [panel] = backups.panels
        assert (panel.group, panel.unit) == ("Storage", "jobs")
        assert len(recorded.outputs["panels"]) == lines


def test_the_outputs_are_what_a_restore_asks_for():
    _, recorded = full()
    assert recorded.one("backlot:backups:Backups").outputs == {
        "vault": "backlot-dev-backups",
        "restore_role": recorded.one("iam.Role", "backups-restore-role").outputs["arn"],
        "copies": {"vault": "backlot-dev-backups", "region": THERE},
    }


def test_everything_of_it_is_its_child_and_bears_its_name():
    _, recorded = full()
    component = recorded.one("backlot:backups:Backups")
    children = recorded.children(component)

    assert len(children) > 15
    assert all(node.name.startswith("backups-") for node in children)
    others = [node for node in recorded.nodes if node.name.startswith("backups-")]
    assert {node.urn for node in others} == {node.urn for node in children}


def test_a_preview_registers_the_same():
    def program() -> None:
        build(with_aws(aws_provider()), customer_managed=True, copy_to=THERE, restore_test=True)

    assert record(program, preview=True).urns == record(program).urns


def test_aws_takes_it_with_every_choice():
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    def program() -> None:
        opts = with_aws(aws_provider())
        backups = build(
            opts,
            place=ground_in_moto(opts, customer_managed=True),
            customer_managed=True,
            copy_to=THERE,
            replicate_database=True,
            restore_test=True,
            lock={"minimum_days": 7, "maximum_days": 365},
        )
        AlarmSet(prefix=PREFIX, notices=silent_notices(opts), muted=False).watch([backups])

    with MotoProvider() as provider:
        recorded = record(program, provider=provider)
    assert [str(finding) for finding in recorded.findings if finding.severity == "error"] == []
    assert {node.resource.made_in for node in recorded.all("backup.Vault")} == {"moto"}
    assert recorded.one("backup.Plan").resource.made_in == "moto"
