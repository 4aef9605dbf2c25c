"""AWS Backup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.catalogue import schedules
from rehearsal.catalogue.entry import Entry, Inputs

VAULT = "arn:aws:backup:{region}:{account}:backup-vault:{backupVaultName}"

LIFECYCLE = {"coldStorageAfter": "MoveToColdStorageAfterDays", "deleteAfter": "DeleteAfterDays"}

TESTS = "moto has no restore testing"

CONDITIONS = ("stringEquals", "stringLikes", "stringNotEquals", "stringNotLikes")

COLD_DAYS = 90
"""Least days in cold storage. https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html"""

CONTINUOUS_DAYS = 35
"""https://docs.aws.amazon.com/aws-backup/latest/devguide/point-in-time-recovery.html"""

START_MINUTES = 60
"""https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html"""

SPECIFIC = 30
"""https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateRestoreTestingSelection.html"""


def _rules(inputs: Inputs) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for at, rule in enumerate(inputs.get("rules") or ()):
        if isinstance(rule, Mapping):
            yield f"rules[{at}]", rule


def _scheduled(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for path, rule in _rules(inputs):
        if wrong := schedules.problem(rule.get("schedule"), ("cron",)):
            yield f"{path}.schedule", wrong
        window = rule.get("startWindow")
        if window is not None and int(window) < START_MINUTES:
            yield f"{path}.startWindow", f"{window} given, at least {START_MINUTES} needed"


def _kept(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for path, rule in _rules(inputs):
        yield from _cold(f"{path}.lifecycle", rule.get("lifecycle"))
        for at, copied in enumerate(rule.get("copyActions") or ()):
            yield from _cold(f"{path}.copyActions[{at}].lifecycle", copied.get("lifecycle"))
        if rule.get("enableContinuousBackup"):
            yield from _continuous(f"{path}.lifecycle", rule.get("lifecycle") or {})


def _cold(path: str, lifecycle: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(lifecycle, Mapping):
        return
    cold, end = lifecycle.get("coldStorageAfter"), lifecycle.get("deleteAfter")
    if cold and end and int(cold) > 0 and int(end) < int(cold) + COLD_DAYS:
        least = int(cold) + COLD_DAYS
        yield (
            f"{path}.deleteAfter",
            f"{end} given, at least coldStorageAfter and 90 ({least}) needed",
        )


def _continuous(path: str, lifecycle: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    end = lifecycle.get("deleteAfter")
    if end is None:
        yield f"{path}.deleteAfter", "nothing was given, a continuous backup needs 1 to 35 days"
    elif not 1 <= int(end) <= CONTINUOUS_DAYS:
        yield f"{path}.deleteAfter", f"{end} given, a continuous backup is kept 1 to 35 days"
    if lifecycle.get("coldStorageAfter"):
        yield f"{path}.coldStorageAfter", "given, a continuous backup never goes to cold storage"


def _locked(inputs: Inputs) -> Iterator[tuple[str, str]]:
    least, most = inputs.get("minRetentionDays"), inputs.get("maxRetentionDays")
    if least and most and int(least) > int(most):
        yield "maxRetentionDays", f"{most} given, at least minRetentionDays ({least}) needed"


def _restored(inputs: Inputs) -> Iterator[tuple[str, str]]:
    arns = inputs.get("protectedResourceArns") or []
    conditions = inputs.get("protectedResourceConditions")
    if not arns and not conditions:
        yield "protectedResourceArns", "nothing was given, and no protectedResourceConditions"
    if arns and arns != ["*"] and conditions:
        yield "protectedResourceConditions", 'given with ARNs, they are taken with "*" alone'
    if len(arns) > SPECIFIC:
        yield "protectedResourceArns", f"{len(arns)} given, at most {SPECIFIC} allowed"


ENTRIES = {
    "Vault": Entry(
        service="backup",
        operation="CreateBackupVault",
        kind="BackupVault",
        rename={"kmsKeyArn": "EncryptionKeyArn"},
        ignore={"forceDestroy": "Terraform's deletion"},
        id="{name}",
        outputs={"arn": "{BackupVaultArn}", "recoveryPoints": lambda _: 0},
    ),
    "VaultPolicy": Entry(
        service="backup",
        operation="PutBackupVaultAccessPolicy",
        shadow="moto has no policies of vaults",
        documents=("policy",),
        id="{backupVaultName}",
        outputs={"backupVaultArn": VAULT},
    ),
    "VaultLockConfiguration": Entry(
        service="backup",
        operation="PutBackupVaultLockConfiguration",
        limits={
            "changeableForDays": range(3, 36501),
            "minRetentionDays": range(1, 36501),
            "maxRetentionDays": range(1, 36501),
        },
        rules=(_locked,),
        id="{backupVaultName}",
        outputs={"backupVaultArn": VAULT},
    ),
    "Plan": Entry(
        service="backup",
        operation="CreateBackupPlan",
        inside="BackupPlan",
        rename={
            "name": "BackupPlanName",
            "rules.targetVaultName": "TargetBackupVaultName",
            "rules.schedule": "ScheduleExpression",
            "rules.startWindow": "StartWindowMinutes",
            "rules.completionWindow": "CompletionWindowMinutes",
            "rules.copyActions.destinationVaultArn": "DestinationBackupVaultArn",
            **{
                f"{block}.{name}": member
                for block in ("rules.lifecycle", "rules.copyActions.lifecycle")
                for name, member in LIFECYCLE.items()
            },
            "tags": "/BackupPlanTags",
        },
        rules=(_scheduled, _kept),
        id="{BackupPlanId}",
        outputs={"arn": "{BackupPlanArn}", "version": "{VersionId}"},
    ),
    "Selection": Entry(
        service="backup",
        operation="CreateBackupSelection",
        inside="BackupSelection",
        shadow="moto has plans, and no selections of what they back up",
        rename={
            "planId": "/BackupPlanId",
            "name": "SelectionName",
            "selectionTags": "ListOfTags",
            "selectionTags.type": "ConditionType",
            "selectionTags.key": "ConditionKey",
            "selectionTags.value": "ConditionValue",
            **{
                f"conditions.{condition}.{name}": f"Condition{name.capitalize()}"
                for condition in CONDITIONS
                for name in ("key", "value")
            },
        },
        id="{uuid}",
    ),
    "RestoreTestingPlan": Entry(
        service="backup",
        operation="CreateRestoreTestingPlan",
        inside="RestoreTestingPlan",
        shadow=TESTS,
        rename={"name": "RestoreTestingPlanName", "tags": "/Tags"},
        limits={
            "recoveryPointSelection.selectionWindowDays": range(1, 366),
            "startWindowHours": range(1, 169),
        },
        rules=(schedules.schedule("scheduleExpression", "cron"),),
        id="{name}",
        outputs={"arn": "arn:aws:backup:{region}:{account}:restore-testing-plan:{name}-{uuid}"},
    ),
    "RestoreTestingSelection": Entry(
        service="backup",
        operation="CreateRestoreTestingSelection",
        inside="RestoreTestingSelection",
        shadow=TESTS,
        rename={
            "name": "RestoreTestingSelectionName",
            "restoreTestingPlanName": "/RestoreTestingPlanName",
        },
        limits={"validationWindowHours": range(169)},
        rules=(_restored,),
        id="{name}",
    ),
}
