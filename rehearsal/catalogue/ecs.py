"""Amazon ECS. Container definitions arrive as JSON text in the API's own spelling."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue.entry import Entry, Inputs, under


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


SHIFTED = ("BLUE_GREEN", "CANARY", "LINEAR")
"""The strategies that move traffic from one target group to another."""

NO_PAUSE = ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHook.html"""

MINUTES_OF_A_DAY = range(1441)

CANARY = "deploymentConfiguration.canaryConfiguration"
LINEAR = "deploymentConfiguration.linearConfiguration"


def _strategy(inputs: Inputs) -> Iterator[tuple[str, str]]:
    deployment = inputs.get("deploymentConfiguration") or {}
    strategy = deployment.get("strategy") or "ROLLING"
    controller = (inputs.get("deploymentController") or {}).get("type") or "ECS"
    if strategy in SHIFTED:
        if controller != "ECS":
            path = "deploymentController.type"
            yield path, f'"{controller}" given, the strategy {strategy} is that of ECS'
        for at, balancer in enumerate(inputs.get("loadBalancers") or ()):
            if balancer.get("targetGroupArn") and not balancer.get("advancedConfiguration"):
                path = f"loadBalancers[{at}].advancedConfiguration"
                yield path, f"nothing was given, {strategy} needs a second target group"
    for block, wanted in (("canaryConfiguration", "CANARY"), ("linearConfiguration", "LINEAR")):
        if deployment.get(block) and strategy != wanted:
            path = f"deploymentConfiguration.{block}"
            yield path, f"given, but the strategy is {strategy}; it belongs to {wanted}"


def _percents(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CanaryConfiguration.html"""
    for path, least in ((f"{CANARY}.canaryPercent", 0.1), (f"{LINEAR}.stepPercent", 3.0)):
        percent = under(inputs, path)
        if isinstance(percent, int | float | str):
            tenths = round(float(percent) * 10, 6)
            if tenths != int(tenths) or not least <= float(percent) <= 100:
                yield path, f"{percent} given, {least:g} to 100 in steps of 0.1 allowed"


def _hooks(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for at, hook in enumerate(under(inputs, "deploymentConfiguration.lifecycleHooks") or ()):
        path = f"deploymentConfiguration.lifecycleHooks[{at}]"
        stages = hook.get("lifecycleStages")
        if not stages:
            yield f"{path}.lifecycleStages", "nothing was given, a hook runs at one stage at least"
        if hook.get("targetType") == "PAUSE":
            for stage in NO_PAUSE:
                if stage in (stages or ()):
                    yield f"{path}.lifecycleStages", f"ECS cannot pause at {stage}"
        else:
            for name in ("hookTargetArn", "roleArn"):
                if not hook.get(name):
                    yield f"{path}.{name}", "nothing was given, a hook of AWS_LAMBDA needs it"
        details = hook.get("hookDetails")
        try:
            json.loads(details) if isinstance(details, str) else None
        except ValueError as error:
            yield f"{path}.hookDetails", f"no valid JSON: {error}"


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
        rules=(_launch, _strategy, _percents, _hooks),
        limits={
            "deploymentConfiguration.bakeTimeInMinutes": MINUTES_OF_A_DAY,
            f"{CANARY}.canaryBakeTimeInMinutes": MINUTES_OF_A_DAY,
            f"{LINEAR}.stepBakeTimeInMinutes": MINUTES_OF_A_DAY,
            "deploymentMaximumPercent": range(1, 1001),
            "healthCheckGracePeriodSeconds": range(2147483648),
        },
        id="{serviceArn}",
    ),
}
