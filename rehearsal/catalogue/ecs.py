"""Amazon ECS. Container definitions arrive as JSON text in the API's own spelling."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue.entry import Entry, Inputs


def _containers(inputs: Inputs) -> Any:
    given = inputs.get("containerDefinitions")
    try:
        return json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return None


def _task(inputs: Inputs) -> Inputs:
    inputs["containerDefinitions"] = _containers(inputs)
    return inputs


def _container_list(inputs: Inputs) -> Iterator[tuple[str, str]]:
    containers = _containers(inputs)
    if containers is None:
        return
    if not isinstance(containers, list) or not containers:
        yield "containerDefinitions", "a list of at least one container is needed"
        return
    names = [one.get("name") for one in containers if isinstance(one, dict)]
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield "containerDefinitions", f'two containers are named "{name}"'
    for at, container in enumerate(containers):
        for index, pair in enumerate(container.get("environment") or ()):
            if not isinstance(pair.get("value"), str):
                path = f"containerDefinitions[{at}].environment[{index}].value"
                yield path, f"{json.dumps(pair.get('value'))} given, text is needed"


def _public_ip(block: Any) -> None:
    if isinstance(block, dict) and "assignPublicIp" in block:
        wanted = block["assignPublicIp"] in (True, "true", "ENABLED")
        block["assignPublicIp"] = "ENABLED" if wanted else "DISABLED"


def _service(inputs: Inputs) -> Inputs:
    _public_ip(inputs.get("networkConfiguration"))
    return inputs


def _launch(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if inputs.get("launchType") and inputs.get("capacityProviderStrategies"):
        yield "launchType", "given together with capacityProviderStrategies; ECS takes one of them"
    low, high = (
        inputs.get("deploymentMinimumHealthyPercent"),
        inputs.get("deploymentMaximumPercent"),
    )
    if low is not None and high is not None and float(low) >= float(high):
        path = "deploymentMinimumHealthyPercent"
        yield path, f"{low} given, less than deploymentMaximumPercent ({high}) is needed"


EXEC_LOGS = "configuration.executeCommandConfiguration.logConfiguration"

ENTRIES = {
    "Cluster": Entry(
        service="ecs",
        operation="CreateCluster",
        kind="cluster",
        answer="cluster",
        rename={
            f"{EXEC_LOGS}.s3BucketEncryptionEnabled": "s3EncryptionEnabled",
        },
        id="{clusterArn}",
    ),
    "ClusterCapacityProviders": Entry(
        service="ecs",
        operation="PutClusterCapacityProviders",
        rename={"clusterName": "cluster"},
        fixed={"capacityProviders": [], "defaultCapacityProviderStrategy": []},
        id="{clusterName}",
    ),
    "CapacityProvider": Entry(
        service="ecs",
        operation="CreateCapacityProvider",
        kind="capacityProvider",
        answer="capacityProvider",
        id="{capacityProviderArn}",
    ),
    "TaskDefinition": Entry(
        service="ecs",
        operation="RegisterTaskDefinition",
        kind="taskDefinition",
        answer="taskDefinition",
        rename={
            "volumes.configureAtLaunch": "configuredAtLaunch",
            "volumes.hostPath": "host.sourcePath",
        },
        ignore={
            "skipDestroy": "Terraform's deletion",
            "trackLatest": "which revision Terraform reads back",
        },
        prepare=_task,
        documents=("containerDefinitions",),
        rules=(_container_list,),
        id="{family}",
        outputs={
            "arn": "{taskDefinitionArn}",
            "arnWithoutRevision": "arn:aws:ecs:{region}:{account}:task-definition/{family}",
            "revision": "{revision}",
        },
    ),
    "Service": Entry(
        service="ecs",
        operation="CreateService",
        kind="service",
        answer="service",
        rename={
            "iamRole": "role",
            "networkConfiguration": "networkConfiguration.awsvpcConfiguration",
            "orderedPlacementStrategies": "placementStrategy",
            "alarms": "deploymentConfiguration.alarms",
            "alarms.alarmNames": "alarmNames",
            "deploymentCircuitBreaker": "deploymentConfiguration.deploymentCircuitBreaker",
            "deploymentMaximumPercent": "deploymentConfiguration.maximumPercent",
            "deploymentMinimumHealthyPercent": "deploymentConfiguration.minimumHealthyPercent",
            "loadBalancers.elbName": "loadBalancerName",
            "volumeConfiguration.managedEbsVolume.sizeInGb": "sizeInGiB",
            "serviceConnectConfiguration.services.clientAlias": "clientAliases",
            "serviceConnectConfiguration.services.tls.issuerCertAuthority": (
                "issuerCertificateAuthority"
            ),
        },
        ignore={
            "forceDelete": "Terraform's deletion",
            "forceNewDeployment": "a change of an existing service",
            "sigintRollback": "the provider's own patience",
            "triggers": "tells Terraform to deploy again",
            "waitForSteadyState": "the provider's own patience",
        },
        prepare=_service,
        rules=(_launch,),
        limits={
            "deploymentMaximumPercent": range(1, 1001),
            "healthCheckGracePeriodSeconds": range(2147483648),
        },
        id="{serviceArn}",
    ),
}
