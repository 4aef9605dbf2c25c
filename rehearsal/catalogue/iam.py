"""AWS IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Inputs

PREFIX = {"namePrefix": "it became the name"}


def _trust(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """The parts of a trust policy that IAM refuses and moto does not read."""
    try:
        document: Any = json.loads(inputs.get("assumeRolePolicy") or "")
    except (TypeError, ValueError):
        return
    statements = document.get("Statement") if isinstance(document, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not statements:
        yield "assumeRolePolicy", "no Statement, a trust policy needs one"
        return
    for at, statement in enumerate(statements):
        path = f"assumeRolePolicy.Statement[{at}]"
        if statement.get("Effect") not in ("Allow", "Deny"):
            yield f"{path}.Effect", f'"{statement.get("Effect")}" is not Allow or Deny'
        for member in ("Action", "Principal"):
            if not statement.get(member) and not statement.get(f"Not{member}"):
                yield f"{path}.{member}", "nothing was given, a trust policy needs it"
        if "Resource" in statement:
            yield f"{path}.Resource", "given, but a trust policy takes none"


INLINE_CHARACTERS = 10_240
"""Of all inline policies of a role together, blanks apart.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


MANAGED_CHARACTERS = 6_144
"""Of a managed policy, blanks apart. The same page."""


def _size(inputs: Inputs) -> Iterator[tuple[str, str]]:
    characters = len("".join(str(inputs.get("policy") or "").split()))
    if characters > INLINE_CHARACTERS:
        yield "policy", f"{characters} characters, a role has room for {INLINE_CHARACTERS}"


def _managed_size(inputs: Inputs) -> Iterator[tuple[str, str]]:
    characters = len("".join(str(inputs.get("policy") or "").split()))
    if characters > MANAGED_CHARACTERS:
        room = f"a managed policy has room for {MANAGED_CHARACTERS}"
        yield "policy", f"{characters} characters, {room}"


ENTRIES = {
    "Role": Entry(
        service="iam",
        operation="CreateRole",
        kind="Role",
        answer="Role",
        rename={"assumeRolePolicy": "AssumeRolePolicyDocument"},
        ignore={**PREFIX, "forceDetachPolicies": "Terraform's deletion"},
        documents=("assumeRolePolicy",),
        rules=(_trust,),
        then=(
            Call(
                operation="AttachRolePolicy",
                each="managedPolicyArns",
                rename={"managedPolicyArns": "PolicyArn"},
                fixed={"RoleName": "{RoleName}"},
            ),
            Call(
                operation="PutRolePolicy",
                each="inlinePolicies",
                rename={"name": "PolicyName", "policy": "PolicyDocument"},
                fixed={"RoleName": "{RoleName}"},
            ),
        ),
        id="{name}",
        outputs={"uniqueId": "{RoleId}"},
    ),
    "RolePolicy": Entry(
        service="iam",
        operation="PutRolePolicy",
        rename={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
        ignore=PREFIX,
        documents=("policy",),
        rules=(_size,),
        id="{role}:{name}",
    ),
    "RolePolicyAttachment": Entry(
        service="iam",
        operation="AttachRolePolicy",
        rename={"role": "RoleName"},
        id="{role}/{policyArn}",
    ),
    "InstanceProfile": Entry(
        service="iam",
        operation="CreateInstanceProfile",
        kind="InstanceProfile",
        answer="InstanceProfile",
        ignore=PREFIX,
        then=(
            Call(
                operation="AddRoleToInstanceProfile",
                rename={"role": "RoleName"},
                fixed={"InstanceProfileName": "{InstanceProfileName}"},
            ),
        ),
        id="{name}",
        outputs={"uniqueId": "{InstanceProfileId}"},
    ),
    "Policy": Entry(
        service="iam",
        operation="CreatePolicy",
        kind="Policy",
        answer="Policy",
        rename={"policy": "PolicyDocument"},
        ignore={**PREFIX, "delayAfterPolicyCreationInMs": "the provider's own patience"},
        documents=("policy",),
        rules=(_managed_size,),
        id="{Arn}",
        outputs={"arn": "{Arn}"},
    ),
    "OpenIdConnectProvider": Entry(
        service="iam",
        operation="CreateOpenIDConnectProvider",
        rename={"clientIdLists": "ClientIDList", "thumbprintLists": "ThumbprintList"},
        id="{OpenIDConnectProviderArn}",
        outputs={"arn": "{OpenIDConnectProviderArn}"},
    ),
    "ServiceLinkedRole": Entry(
        service="iam",
        operation="CreateServiceLinkedRole",
        answer="Role",
        rename={"awsServiceName": "AWSServiceName"},
        then=(Call(operation="TagRole", takes=("tags",), fixed={"RoleName": "{RoleName}"}),),
        id="{Arn}",
        outputs={"name": "{RoleName}", "uniqueId": "{RoleId}"},
    ),
}
