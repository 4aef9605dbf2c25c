"""AWS IAM."""

from __future__ import annotations

from rehearsal.catalogue.entry import Call, Entry

PREFIX = {"namePrefix": "it became the name"}

ENTRIES = {
    "Role": Entry(
        service="iam",
        operation="CreateRole",
        kind="Role",
        answer="Role",
        rename={"assumeRolePolicy": "AssumeRolePolicyDocument"},
        ignore={**PREFIX, "forceDetachPolicies": "Terraform's deletion"},
        documents=("assumeRolePolicy",),
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
        id="{Arn}",
        outputs={"arn": "{Arn}"},
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
