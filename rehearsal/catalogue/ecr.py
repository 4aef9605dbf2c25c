"""Amazon ECR."""

from __future__ import annotations

from rehearsal.catalogue.entry import Entry

ENTRIES = {
    "Repository": Entry(
        service="ecr",
        operation="CreateRepository",
        kind="repository",
        answer="repository",
        ignore={"forceDelete": "Terraform's deletion"},
        id="{name}",
        outputs={"repositoryUrl": "{repositoryUri}"},
    ),
    "LifecyclePolicy": Entry(
        service="ecr",
        operation="PutLifecyclePolicy",
        rename={"policy": "lifecyclePolicyText"},
        documents=("policy",),
        id="{repository}",
        outputs={"registryId": "{account}"},
    ),
    "RepositoryPolicy": Entry(
        service="ecr",
        operation="SetRepositoryPolicy",
        rename={"policy": "policyText"},
        documents=("policy",),
        id="{repository}",
        outputs={"registryId": "{account}"},
    ),
    "RegistryScanningConfiguration": Entry(
        service="ecr",
        operation="PutRegistryScanningConfiguration",
        id="{account}",
        outputs={"registryId": "{account}"},
    ),
}
