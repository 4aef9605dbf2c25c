"""AWS KMS."""

from __future__ import annotations

from rehearsal.catalogue.entry import Call, Entry, Inputs


def _key(inputs: Inputs) -> Inputs:
    # Both are calls of their own, made only for what a new key is not already.
    if not inputs.get("enableKeyRotation"):
        inputs.pop("enableKeyRotation", None)
    if inputs.get("isEnabled", True):
        inputs.pop("isEnabled", None)
    return inputs


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
