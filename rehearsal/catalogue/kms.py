"""AWS KMS."""

from __future__ import annotations

from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope


def _key(inputs: Inputs) -> Inputs:
    # Both are calls of their own, made only for what a new key is not already.
    if not inputs.get("enableKeyRotation"):
        inputs.pop("enableKeyRotation", None)
    if inputs.get("isEnabled", True):
        inputs.pop("isEnabled", None)
    return inputs


def _same_id(scope: Scope) -> Any:
    """A replica has the id of the key it copies."""
    return str(scope.find("primaryKeyArn")).rpartition("/")[2]


ENTRIES = {
    "Key": Entry(
        service="kms",
        operation="CreateKey",
        kind="Key",
        answer="KeyMetadata",
        rename={"customerMasterKeySpec": "KeySpec", "xksKeyId": "XksKeyId"},
        ignore={"deletionWindowInDays": "told when the key is deleted"},
        prepare=_key,
        documents=("policy",),
        limits={"deletionWindowInDays": range(7, 31)},
        then=(
            Call(
                operation="EnableKeyRotation",
                takes=("enableKeyRotation", "rotationPeriodInDays"),
                ignore={"enableKeyRotation": "the call itself"},
                fixed={"KeyId": "{KeyId}"},
            ),
            Call(
                operation="DisableKey",
                takes=("isEnabled",),
                ignore={"isEnabled": "the call itself"},
                fixed={"KeyId": "{KeyId}"},
            ),
        ),
        id="{KeyId}",
        outputs={"keyId": "{KeyId}", "arn": "{Arn}"},
    ),
    "ReplicaKey": Entry(
        service="kms",
        operation="ReplicateKey",
        kind="Key",
        answer="ReplicaKeyMetadata",
        shadow="the region of the key it copies is asked, and a rehearsal asks the resource's own",
        rename={"primaryKeyArn": "KeyId"},
        fixed={"ReplicaRegion": "{region}"},
        ignore={
            "deletionWindowInDays": "told when the key is deleted",
            "enabled": "a call of its own, made for a key that is not",
        },
        documents=("policy",),
        limits={"deletionWindowInDays": range(7, 31)},
        id=_same_id,
        outputs={"keyId": _same_id, "arn": "arn:aws:kms:{region}:{account}:key/{keyId}"},
    ),
    "Alias": Entry(
        service="kms",
        operation="CreateAlias",
        kind="Alias",
        ignore={"namePrefix": "it became the name"},
        id="{name}",
        outputs={
            "arn": "arn:aws:kms:{region}:{account}:{name}",
            "targetKeyArn": "arn:aws:kms:{region}:{account}:key/{targetKeyId}",
        },
    ),
    "KeyPolicy": Entry(
        service="kms",
        operation="PutKeyPolicy",
        fixed={"PolicyName": "default"},
        documents=("policy",),
        id="{keyId}",
    ),
}
