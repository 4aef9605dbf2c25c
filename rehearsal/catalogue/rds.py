"""Amazon RDS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope
from rehearsal.catalogue.windows import apart

MANAGED = "Managed by Pulumi"
PREFIX = {"namePrefix": "it became the name"}

ENDPOINT_ZONES = {
    "us-east-1": "Z2R2ITUGPM61AM",
    "us-east-2": "Z2XHWR1WZ565X2",
    "us-west-2": "Z1PVIF0B656C1W",
    "eu-west-1": "Z29XKXDKYMONMX",
    "eu-central-1": "Z1RLNUO7B9Q6NB",
}
"""The Route 53 zones RDS endpoints live in, for alias records."""

RETENTIONS = (7, *range(31, 731, 31), 731)


def _described(inputs: Inputs) -> Inputs:
    inputs.setdefault("description", MANAGED)
    return inputs


def _parameters(inputs: Inputs) -> Inputs:
    for parameter in inputs.get("parameters") or ():
        if isinstance(parameter, dict):
            parameter.setdefault("applyMethod", "immediate")
    return _described(inputs)


def _storage(inputs: Inputs) -> Iterator[tuple[str, str]]:
    size, most = inputs.get("allocatedStorage"), inputs.get("maxAllocatedStorage")
    if size and most and float(most) < float(size):
        yield "maxAllocatedStorage", f"{most} given, at least allocatedStorage ({size}) is needed"


def _credentials(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs.get("manageMasterUserPassword") and inputs.get("password"):
        yield "password", "given together with manageMasterUserPassword; RDS takes one of the two"
    if inputs.get("replicateSourceDb") or inputs.get("snapshotIdentifier"):
        return
    if not inputs.get("username"):
        yield "username", "nothing was given, a new instance needs one"
    if not (
        inputs.get("manageMasterUserPassword") or inputs.get("password") or inputs.get("passwordWo")
    ):
        yield "password", "nothing was given, and manageMasterUserPassword is not true"


def _monitoring(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs.get("monitoringInterval") and not inputs.get("monitoringRoleArn"):
        yield "monitoringRoleArn", "nothing was given, monitoringInterval needs a role"


def _elsewhere(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html"""
    parts = str(inputs.get("sourceDbInstanceArn")).split(":")
    if len(parts) > 3 and parts[3] == inputs["region"]:
        yield "sourceDbInstanceArn", f"is in {parts[3]} as well, its backups go to another region"


def _zone(scope: Scope) -> Any:
    return ENDPOINT_ZONES.get(scope.find("region"))


def _master_user_secrets(scope: Scope) -> Any:
    secret = scope.find("MasterUserSecret")
    if not isinstance(secret, dict):
        return []
    return [
        {
            "secretArn": secret.get("SecretArn"),
            "secretStatus": secret.get("SecretStatus"),
            "kmsKeyId": secret.get("KmsKeyId"),
        }
    ]


UPDATES = {
    "allowMajorVersionUpgrade": "a change of an existing instance",
    "applyImmediately": "a change of an existing instance",
    "blueGreenUpdate": "a change of an existing instance",
    "deleteAutomatedBackups": "told when the instance is deleted",
    "finalSnapshotIdentifier": "told when the instance is deleted",
    "skipFinalSnapshot": "told when the instance is deleted",
    "identifierPrefix": "it became the identifier",
    "passwordWoVersion": "tells Terraform to send passwordWo again",
    "warningEventCategories": "filters the provider's own log",
}

TOUCHING = {
    "PreferredMaintenanceWindow": "moto takes windows that touch for windows that overlap",
}

_instance = Entry(
    service="rds",
    operation="CreateDBInstance",
    kind="DBInstance",
    answer="DBInstance",
    rename={
        "instanceClass": "DBInstanceClass",
        "username": "MasterUsername",
        "password": "MasterUserPassword",
        "passwordWo": "MasterUserPassword",
        "backupWindow": "PreferredBackupWindow",
        "maintenanceWindow": "PreferredMaintenanceWindow",
        "parameterGroupName": "DBParameterGroupName",
        "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
        "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
        "caCertIdentifier": "CACertificateIdentifier",
    },
    ignore={
        **UPDATES,
        "upgradeStorageConfig": "a replica's",
        "replicaMode": "a replica's",
    },
    limits={
        "backupRetentionPeriod": range(36),
        "monitoringInterval": (0, 1, 5, 10, 15, 30, 60),
        "performanceInsightsRetentionPeriod": RETENTIONS,
        "allocatedStorage": range(5, 65537),
        "port": range(1150, 65536),
    },
    rules=(_storage, _credentials, _monitoring, apart("backupWindow", "maintenanceWindow", 30)),
    withheld=TOUCHING,
    id="{DbiResourceId}",
    outputs={
        "identifier": "{DBInstanceIdentifier}",
        "resourceId": "{DbiResourceId}",
        "arn": "{DBInstanceArn}",
        "address": "{Endpoint.Address}",
        "port": "{Endpoint.Port}",
        "endpoint": "{Endpoint.Address}:{Endpoint.Port}",
        "hostedZoneId": _zone,
        "engine": "{Engine}",
        "engineVersion": lambda scope: scope.find("engineVersion") or scope.find("EngineVersion"),
        "engineVersionActual": "{EngineVersion}",
        "username": "{MasterUsername}",
        "status": lambda _: "available",
        "masterUserSecrets": _master_user_secrets,
    },
)

ENTRIES = {
    "Instance": replace(
        _instance,
        variants={
            "replicateSourceDb": replace(
                _instance,
                operation="CreateDBInstanceReadReplica",
                outputs={**_instance.outputs, "masterUserSecrets": lambda _: []},
                rename={
                    "instanceClass": "DBInstanceClass",
                    "replicateSourceDb": "SourceDBInstanceIdentifier",
                    "parameterGroupName": "DBParameterGroupName",
                    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
                    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
                    "caCertIdentifier": "CACertificateIdentifier",
                },
                ignore={
                    **UPDATES,
                    "backupWindow": "changed after the replica stands",
                    "maintenanceWindow": "changed after the replica stands",
                    "engine": "the source's",
                    "engineVersion": "the source's",
                    "storageEncrypted": "the source's",
                    "username": "the source's",
                },
                then=(
                    Call(
                        operation="ModifyDBInstance",
                        rename={
                            "backupWindow": "PreferredBackupWindow",
                            "maintenanceWindow": "PreferredMaintenanceWindow",
                            "backupRetentionPeriod": "BackupRetentionPeriod",
                        },
                        fixed={
                            "DBInstanceIdentifier": "{DBInstanceIdentifier}",
                            "ApplyImmediately": True,
                        },
                        withheld=TOUCHING,
                        answer="DBInstance",
                    ),
                ),
            ),
        },
    ),
    "SubnetGroup": Entry(
        service="rds",
        operation="CreateDBSubnetGroup",
        kind="DBSubnetGroup",
        answer="DBSubnetGroup",
        ignore=PREFIX,
        prepare=_described,
        id="{name}",
        outputs={"vpcId": "{VpcId}"},
    ),
    "ParameterGroup": Entry(
        service="rds",
        operation="CreateDBParameterGroup",
        kind="DBParameterGroup",
        answer="DBParameterGroup",
        ignore={**PREFIX, "skipDestroy": "Terraform's deletion"},
        prepare=_parameters,
        then=(
            Call(
                operation="ModifyDBParameterGroup",
                takes=("parameters",),
                rename={
                    "parameters.name": "ParameterName",
                    "parameters.value": "ParameterValue",
                },
                fixed={"DBParameterGroupName": "{name}"},
            ),
        ),
        id="{name}",
    ),
    "InstanceAutomatedBackupsReplication": Entry(
        service="rds",
        operation="StartDBInstanceAutomatedBackupsReplication",
        shadow="moto keeps no backups in a second region",
        rename={"retentionPeriod": "BackupRetentionPeriod"},
        limits={"retentionPeriod": range(1, 36)},
        rules=(_elsewhere,),
        id="arn:aws:rds:{region}:{account}:auto-backup:ab-{hex}",
    ),
    "EventSubscription": Entry(
        service="rds",
        operation="CreateEventSubscription",
        kind="Subscription",
        answer="EventSubscription",
        rename={"snsTopic": "SnsTopicArn"},
        ignore=PREFIX,
        limits={
            "sourceType": (
                "db-instance",
                "db-security-group",
                "db-parameter-group",
                "db-snapshot",
                "db-cluster",
                "db-cluster-snapshot",
                "db-proxy",
                "custom-engine-version",
                "blue-green-deployment",
                "zero-etl",
            )
        },
        id="{name}",
        outputs={
            "arn": "arn:aws:rds:{region}:{account}:es:{name}",
            "customerAwsId": "{account}",
        },
    ),
}
