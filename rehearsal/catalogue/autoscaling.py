"""Amazon EC2 Auto Scaling."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.catalogue.entry import Call, Entry, Inputs, under
from rehearsal.catalogue.instance_types import unknown_instance_types

PATIENCE = "the provider's own patience"


def _group(inputs: Inputs) -> Inputs:
    subnets = inputs.get("vpcZoneIdentifiers")
    if isinstance(subnets, list):
        inputs["vpcZoneIdentifiers"] = ",".join(str(subnet) for subnet in subnets)
    if inputs.get("enabledMetrics"):
        inputs.setdefault("metricsGranularity", "1Minute")
    else:
        inputs.pop("metricsGranularity", None)
    return inputs


def _sizes(inputs: Inputs) -> Iterator[tuple[str, str]]:
    low, high, wanted = (inputs.get(key) for key in ("minSize", "maxSize", "desiredCapacity"))
    if low is None or high is None:
        return
    if float(low) > float(high):
        yield "minSize", f"{low} given, at most maxSize ({high}) is allowed"
    elif wanted is not None and not float(low) <= float(wanted) <= float(high):
        yield "desiredCapacity", f"{wanted} given, minSize to maxSize ({low} to {high}) allowed"


def _lifetime(inputs: Inputs) -> Iterator[tuple[str, str]]:
    seconds = inputs.get("maxInstanceLifetime")
    if seconds and not 86400 <= float(seconds) <= 31536000:
        yield "maxInstanceLifetime", f"{seconds} given, 0 or 86400 to 31536000 allowed"


def _one_template(inputs: Inputs) -> Iterator[tuple[str, str]]:
    ways = ("launchTemplate", "mixedInstancesPolicy", "launchConfiguration")
    given = [way for way in ways if inputs.get(way)]
    if len(given) != 1:
        said = " and ".join(given) or "none"
        yield "launchTemplate", f"{said} given; a group needs exactly one of {', '.join(ways)}"


def _override_types(inputs: Inputs) -> Iterator[tuple[str, str]]:
    path = "mixedInstancesPolicy.launchTemplate.overrides"
    for at, override in enumerate(under(inputs, path) or ()):
        if isinstance(override, dict):
            type_path = f"{path}[{at}].instanceType"
            yield from unknown_instance_types(type_path, override.get("instanceType"))


ENTRIES = {
    "Group": Entry(
        service="autoscaling",
        operation="CreateAutoScalingGroup",
        kind="AutoScalingGroup",
        rename={
            "vpcZoneIdentifiers": "VPCZoneIdentifier",
            "protectFromScaleIn": "NewInstancesProtectedFromScaleIn",
            "loadBalancers": "LoadBalancerNames",
            "initialLifecycleHooks": "LifecycleHookSpecificationList",
            "initialLifecycleHooks.name": "LifecycleHookName",
            "launchTemplate.id": "LaunchTemplateId",
            "launchTemplate.name": "LaunchTemplateName",
        },
        ignore={
            "namePrefix": "it became the name",
            "forceDelete": "Terraform's deletion",
            "forceDeleteWarmPool": "Terraform's deletion",
            "ignoreFailedScalingActivities": PATIENCE,
            "instanceRefresh": "what a change of the template starts",
            "minElbCapacity": PATIENCE,
            "waitForCapacityTimeout": PATIENCE,
            "waitForElbCapacity": PATIENCE,
        },
        prepare=_group,
        rules=(_sizes, _one_template, _override_types, _lifetime),
        limits={
            "healthCheckGracePeriod": range(2147483648),
        },
        then=(
            Call(
                operation="EnableMetricsCollection",
                rename={"enabledMetrics": "Metrics", "metricsGranularity": "Granularity"},
                fixed={"AutoScalingGroupName": "{name}"},
            ),
            Call(
                operation="SuspendProcesses",
                rename={"suspendedProcesses": "ScalingProcesses"},
                fixed={"AutoScalingGroupName": "{name}"},
            ),
            Call(
                operation="PutWarmPool",
                lift={"warmPool": ""},
                rename={"warmPool.poolState": "PoolState"},
                fixed={"AutoScalingGroupName": "{name}"},
            ),
            Call(
                operation="DescribeAutoScalingGroups",
                always=True,
                fixed={"AutoScalingGroupNames": ["{name}"]},
                answer="AutoScalingGroups.0",
            ),
        ),
        id="{name}",
        outputs={"arn": "{AutoScalingGroupARN}"},
    ),
    "Policy": Entry(
        service="autoscaling",
        operation="PutScalingPolicy",
        kind="Policy",
        rename={
            "targetTrackingConfiguration.customizedMetricSpecification.metricDimensions": (
                "Dimensions"
            ),
        },
        id="{name}",
        outputs={"arn": "{PolicyARN}"},
    ),
    "Schedule": Entry(
        service="autoscaling",
        operation="PutScheduledUpdateGroupAction",
        id="{scheduledActionName}",
        outputs={
            "arn": (
                "arn:aws:autoscaling:{region}:{account}:scheduledUpdateGroupAction:{uuid}:"
                "autoScalingGroupName/{autoscalingGroupName}:"
                "scheduledActionName/{scheduledActionName}"
            )
        },
    ),
    "LifecycleHook": Entry(
        service="autoscaling",
        operation="PutLifecycleHook",
        kind="LifecycleHook",
        limits={"heartbeatTimeout": range(30, 7201)},
        id="{name}",
    ),
}
