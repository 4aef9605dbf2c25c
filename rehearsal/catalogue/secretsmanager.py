"""AWS Secrets Manager."""

from __future__ import annotations

from rehearsal.catalogue.entry import Call, Entry

ENTRIES = {
    "Secret": Entry(
        service="secretsmanager",
        operation="CreateSecret",
        rename={"replicas": "AddReplicaRegions"},
        ignore={
            "namePrefix": "it became the name",
            "replicas.lastAccessedDate": "what AWS answers",
            "replicas.status": "what AWS answers",
            "replicas.statusMessage": "what AWS answers",
            "recoveryWindowInDays": "told when the secret is deleted",
        },
        documents=("policy",),
        limits={"recoveryWindowInDays": (0, *range(7, 31))},
        then=(
            Call(
                operation="PutResourcePolicy",
                rename={"policy": "ResourcePolicy"},
                fixed={"SecretId": "{ARN}"},
            ),
        ),
        id="{ARN}",
        outputs={"arn": "{ARN}"},
    ),
    "SecretVersion": Entry(
        service="secretsmanager",
        operation="PutSecretValue",
        rename={"secretStringWo": "SecretString"},
        ignore={"secretStringWoVersion": "tells Terraform to send secretStringWo again"},
        id="{secretId}|{VersionId}",
        outputs={"arn": "{ARN}", "secretArn": "{ARN}", "versionId": "{VersionId}"},
    ),
    "SecretRotation": Entry(
        service="secretsmanager",
        operation="RotateSecret",
        ignore={"rotationEnabled": "what the call itself turns on"},
        id="{secretId}",
        outputs={"rotationEnabled": lambda _: True},
    ),
    "SecretPolicy": Entry(
        service="secretsmanager",
        operation="PutResourcePolicy",
        rename={"secretArn": "SecretId", "policy": "ResourcePolicy"},
        documents=("policy",),
        id="{secretArn}",
    ),
}
