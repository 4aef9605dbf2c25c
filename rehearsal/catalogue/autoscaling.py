"""Amazon EC2 Auto Scaling."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.catalogue.entry import Call, Entry, Inputs, under
from rehearsal.catalogue.instance_types import unknown_instance_types

PATIENCE = "the provider's own patience"

BEANSTALK = "moto lacks the groups that Beanstalk makes"


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


HEALTH_CHECKS = ("EC2", "ELB", "EBS", "VPC_LATTICE")

MOVING_VERSIONS = (None, "", "$Latest", "$Default")


def _health_checks(inputs: Inputs) -> Iterator[tuple[str, str]]:
    given = inputs.get("healthCheckType")
    if isinstance(given, str) and not set(given.split(",")) <= set(HEALTH_CHECKS):
        yield "healthCheckType", f'"{given}" given, {", ".join(HEALTH_CHECKS)} allowed'


def _healthy(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html"""
    for path in ("instanceMaintenancePolicy", "instanceRefresh.preferences"):
        block = under(inputs, path) or {}
        low, high = block.get("minHealthyPercentage"), block.get("maxHealthyPercentage")
        if high is None or (low, high) == (-1, -1):
            continue
        if low is None:
            where = f"{path}.minHealthyPercentage"
            yield where, "nothing was given, maxHealthyPercentage needs it"
        elif not 0 <= high - low <= 100:
            where = f"{path}.maxHealthyPercentage"
            allowed = f"minHealthyPercentage ({low}) to 100 more than it allowed"
            yield where, f"{high} given, {allowed}"


def _maintenance(inputs: Inputs) -> Iterator[tuple[str, str]]:
    path = "instanceMaintenancePolicy.maxHealthyPercentage"
    high = under(inputs, path)
    if isinstance(high, int | float) and high != -1 and not 100 <= high <= 200:
        yield path, f"{high} given, 100 to 200 allowed, or -1 for none"


def _rollback(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html"""
    path = "instanceRefresh.preferences"
    if under(inputs, f"{path}.autoRollback") not in (True, "true"):
        return
    mixed = under(inputs, "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification")
    template = inputs.get("launchTemplate") or mixed
    if not template:
        yield f"{path}.autoRollback", "given, but there is no launch template to go back to"
    elif template.get("version") in MOVING_VERSIONS:
        version = template.get("version") or "$Default"
        said = f"given, but the launch template's version is {version}, which moves along"
        yield f"{path}.autoRollback", f"{said}; give it a number, such as latestVersion"


def _checkpoints(inputs: Inputs) -> Iterator[tuple[str, str]]:
    path = "instanceRefresh.preferences.checkpointPercentages"
    given = under(inputs, path) or []
    if given != sorted(set(given)):
        yield path, f"{given} given, percentages in rising order are needed"


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
            "minElbCapacity": PATIENCE,
            "waitForCapacityTimeout": PATIENCE,
            "waitForElbCapacity": PATIENCE,
        },
        prepare=_group,
        rules=(
            _sizes,
            _one_template,
            _override_types,
            _lifetime,
            _health_checks,
            _healthy,
            _maintenance,
            _rollback,
            _checkpoints,
        ),
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
                operation="StartInstanceRefresh",
                lift={"instanceRefresh": ""},
                ignore={"instanceRefresh.triggers": "which changes beside the template start it"},
                fixed={"AutoScalingGroupName": "{name}"},
                shadow="Terraform makes it when the group changes, not when it is created",
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
    "Attachment": Entry(
        service="autoscaling",
        operation="AttachLoadBalancerTargetGroups",
        rename={"lbTargetGroupArn": "TargetGroupARNs"},
        variants={
            "elb": Entry(
                service="autoscaling",
                operation="AttachLoadBalancers",
                rename={"elb": "LoadBalancerNames"},
                shadow=BEANSTALK,
                id="{autoscalingGroupName}-{hex8}",
            )
        },
        shadow=BEANSTALK,
        id="{autoscalingGroupName}-{hex8}",
    ),
    "TrafficSourceAttachment": Entry(
        service="autoscaling",
        operation="AttachTrafficSources",
        rename={"trafficSource": "TrafficSources"},
        shadow="moto lacks it",
        id="{autoscalingGroupName},{trafficSource.type},{trafficSource.identifier}",
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
