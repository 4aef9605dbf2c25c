"""The option settings of an Elastic Beanstalk environment: which there are, and what they take.

Beanstalk's API model has one shape for all of them, text beside text, and judges them itself.

https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rehearsal.catalogue.entry import Inputs
from rehearsal.shapes import near

Allowed = tuple[str, ...] | range | None
"""The words or whole numbers that an option takes; None when it takes any text."""

_SWITCH = ("true", "false")
_SECONDS_OF_AN_HOUR = range(3601)
_PORT = range(1, 65536)
_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653)
_DAYS_KEPT = tuple(str(days) for days in _DAYS)

_LISTENER: Mapping[str, Allowed] = {
    "DefaultProcess": None,
    "ListenerEnabled": _SWITCH,
    "Protocol": ("HTTP", "HTTPS", "TCP"),
    "Rules": None,
    "SSLCertificateArns": None,
    "SSLPolicy": None,
}

OPTIONS: Mapping[str, Mapping[str, Allowed]] = {
    "aws:autoscaling:asg": {
        "Availability Zones": ("Any", "Any 1", "Any 2", "Any 3"),
        "Cooldown": range(10001),
        "Custom Availability Zones": None,
        "EnableCapacityRebalancing": _SWITCH,
        "MaxSize": range(1, 10001),
        "MinSize": range(1, 10001),
    },
    "aws:autoscaling:launchconfiguration": {
        "BlockDeviceMappings": None,
        "DisableDefaultEC2SecurityGroup": _SWITCH,
        "DisableIMDSv1": _SWITCH,
        "EC2KeyName": None,
        "IamInstanceProfile": None,
        "ImageId": None,
        "InstanceType": None,
        "LaunchTemplateTagPropagationEnabled": _SWITCH,
        "MonitoringInterval": ("1 minute", "5 minute"),
        "RootVolumeIOPS": range(100, 20001),
        "RootVolumeSize": range(8, 16385),
        "RootVolumeThroughput": range(125, 1001),
        "RootVolumeType": ("standard", "gp2", "gp3", "io1"),
        "SSHSourceRestriction": None,
        "SecurityGroups": None,
    },
    "aws:autoscaling:scheduledaction": {
        "DesiredCapacity": range(10001),
        "EndTime": None,
        "MaxSize": range(10001),
        "MinSize": range(10001),
        "Recurrence": None,
        "StartTime": None,
        "Suspend": _SWITCH,
    },
    "aws:autoscaling:trigger": {
        "BreachDuration": range(1, 601),
        "EvaluationPeriods": range(1, 601),
        "LowerBreachScaleIncrement": None,
        "LowerThreshold": None,
        "MeasureName": (
            *("CPUUtilization", "NetworkIn", "NetworkOut", "DiskWriteOps", "DiskReadBytes"),
            *("DiskReadOps", "DiskWriteBytes", "Latency", "RequestCount", "HealthyHostCount"),
            *("UnhealthyHostCount", "TargetResponseTime"),
        ),
        "Period": range(1, 601),
        "Statistic": ("Minimum", "Maximum", "Sum", "Average"),
        "Unit": (
            *("Seconds", "Percent", "Bytes", "Bits", "Count"),
            *("Bytes/Second", "Bits/Second", "Count/Second", "None"),
        ),
        "UpperBreachScaleIncrement": None,
        "UpperThreshold": None,
    },
    "aws:autoscaling:updatepolicy:rollingupdate": {
        "MaxBatchSize": range(1, 10001),
        "MinInstancesInService": range(10000),
        "PauseTime": None,
        "RollingUpdateEnabled": _SWITCH,
        "RollingUpdateType": ("Time", "Health", "Immutable"),
        "Timeout": None,
    },
    "aws:ec2:instances": {
        "EnableSpot": _SWITCH,
        "InstanceTypes": None,
        "SpotFleetOnDemandAboveBasePercentage": range(101),
        "SpotFleetOnDemandBase": range(10001),
        "SpotMaxPrice": None,
        "SupportedArchitectures": None,
    },
    "aws:ec2:vpc": {
        "AssociatePublicIpAddress": _SWITCH,
        "DBSubnets": None,
        "ELBScheme": ("public", "internal"),
        "ELBSubnets": None,
        "Subnets": None,
        "VPCId": None,
    },
    "aws:elasticbeanstalk:application": {"Application Healthcheck URL": None},
    "aws:elasticbeanstalk:cloudwatch:logs": {
        "DeleteOnTerminate": _SWITCH,
        "RetentionInDays": _DAYS_KEPT,
        "StreamLogs": _SWITCH,
    },
    "aws:elasticbeanstalk:cloudwatch:logs:health": {
        "DeleteOnTerminate": _SWITCH,
        "HealthStreamingEnabled": _SWITCH,
        "RetentionInDays": _DAYS_KEPT,
    },
    "aws:elasticbeanstalk:command": {
        "BatchSize": range(1, 10001),
        "BatchSizeType": ("Percentage", "Fixed"),
        "DeploymentPolicy": (
            *("AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable"),
            "TrafficSplitting",
        ),
        "IgnoreHealthCheck": _SWITCH,
        "Timeout": range(1, 3601),
    },
    "aws:elasticbeanstalk:control": {
        "DefaultSSHPort": _PORT,
        "LaunchTimeout": None,
        "LaunchType": None,
        "RollbackLaunchOnFailure": _SWITCH,
    },
    "aws:elasticbeanstalk:environment": {
        "EnvironmentType": ("SingleInstance", "LoadBalanced"),
        "LoadBalancerIsShared": _SWITCH,
        "LoadBalancerType": ("classic", "application", "network"),
        "ServiceRole": None,
    },
    "aws:elasticbeanstalk:environment:process:*": {
        "DeregistrationDelay": _SECONDS_OF_AN_HOUR,
        "HealthCheckInterval": range(5, 301),
        "HealthCheckPath": None,
        "HealthCheckTimeout": range(1, 61),
        "HealthyThresholdCount": range(2, 11),
        "MatcherHTTPCode": None,
        "Port": _PORT,
        "Protocol": ("TCP", "HTTP", "HTTPS"),
        "StickinessEnabled": _SWITCH,
        "StickinessLBCookieDuration": range(1, 604801),
        "StickinessType": None,
        "UnhealthyThresholdCount": range(2, 11),
    },
    "aws:elasticbeanstalk:environment:proxy": {"ProxyServer": ("nginx", "apache", "none")},
    "aws:elasticbeanstalk:healthreporting:system": {
        "ConfigDocument": None,
        "EnhancedHealthAuthEnabled": _SWITCH,
        "HealthCheckSuccessThreshold": ("Ok", "Warning", "Degraded", "Severe"),
        "SystemType": ("basic", "enhanced"),
    },
    "aws:elasticbeanstalk:hostmanager": {"LogPublicationControl": _SWITCH},
    "aws:elasticbeanstalk:managedactions": {
        "ManagedActionsEnabled": _SWITCH,
        "PreferredStartTime": None,
        "ServiceRoleForManagedUpdates": None,
    },
    "aws:elasticbeanstalk:managedactions:platformupdate": {
        "InstanceRefreshEnabled": _SWITCH,
        "UpdateLevel": ("patch", "minor"),
    },
    "aws:elasticbeanstalk:sns:topics": {
        "Notification Endpoint": None,
        "Notification Protocol": ("http", "https", "email", "email-json", "sqs"),
        "Notification Topic ARN": None,
        "Notification Topic Name": None,
    },
    "aws:elasticbeanstalk:sqsd": {
        "ConnectTimeout": range(1, 61),
        "ErrorVisibilityTimeout": range(43201),
        "HttpConnections": range(1, 101),
        "HttpPath": None,
        "InactivityTimeout": range(1, 36001),
        "MaxRetries": range(1, 101),
        "MimeType": None,
        "RetentionPeriod": range(60, 1209601),
        "VisibilityTimeout": range(43201),
        "WorkerQueueURL": None,
    },
    "aws:elasticbeanstalk:trafficsplitting": {
        "EvaluationTime": range(3, 601),
        "NewVersionPercent": range(1, 101),
    },
    "aws:elasticbeanstalk:xray": {"XRayEnabled": _SWITCH},
    "aws:elbv2:listener:*": _LISTENER,
    "aws:elbv2:listenerrule:*": {
        "HostHeaders": None,
        "PathPatterns": None,
        "Priority": range(1, 1001),
        "Process": None,
    },
    "aws:elbv2:loadbalancer": {
        "AccessLogsS3Bucket": None,
        "AccessLogsS3Enabled": _SWITCH,
        "AccessLogsS3Prefix": None,
        "IdleTimeout": range(1, 3601),
        "IpAddressType": ("ipv4", "dualstack"),
        "ManagedSecurityGroup": None,
        "SecurityGroups": None,
        "SharedLoadBalancer": None,
    },
}
"""Namespace to its options. A namespace in `:*` is one for each process, listener or rule."""

_OWN_NAMES = (
    "aws:elasticbeanstalk:application:environment",
    "aws:elasticbeanstalk:application:environmentsecrets",
    "aws:elasticbeanstalk:environment:proxy:staticfiles",
)
"""Namespaces whose options are named by the program."""

_ENVIRONMENT = "aws:elasticbeanstalk:environment"
_MANAGED = "aws:elasticbeanstalk:managedactions"
_RULE = "aws:elbv2:listenerrule:"
_PROCESS = "aws:elasticbeanstalk:environment:process:"


class Option(NamedTuple):
    """One entry of an environment's settings, and where it stands."""

    path: str
    namespace: str
    name: str
    resource: str
    value: Any


def options(inputs: Mapping[str, Any]) -> Iterator[Option]:
    """Every setting of an environment, in the order given."""
    for at, one in enumerate(inputs.get("settings") or ()):
        if isinstance(one, Mapping):
            yield Option(
                path=f"settings[{at}]",
                namespace=str(one.get("namespace")),
                name=str(one.get("name")),
                resource=str(one.get("resource") or ""),
                value=one.get("value"),
            )


def value_of(inputs: Mapping[str, Any], namespace: str, name: str) -> str | None:
    """The text of one option, or None when it is not given."""
    found = [one.value for one in options(inputs) if one[1:3] == (namespace, name)]
    return next((value for value in found if isinstance(value, str)), None)


def strangers(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """The options that are not in the table. AWS adds some every year, so they are a doubt only."""
    for one in options(inputs):
        if one.namespace in _OWN_NAMES:
            continue
        known = _known(one.namespace)
        if known is None:
            hint = near(one.namespace, (*OPTIONS, *_OWN_NAMES))
            yield f"{one.path}.namespace", f'no namespace "{one.namespace}" is known{hint}'
        elif one.name not in known:
            hint = near(one.name, known)
            yield f"{one.path}.name", f'{one.namespace} has no known option "{one.name}"{hint}'


def texts(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """Values are text, and of the words or numbers that the option takes."""
    for one in options(inputs):
        path, value = f"{one.path}.value", one.value
        if isinstance(value, bool | int | float | list | dict):
            yield path, f"{json.dumps(value)} given for {one.name}, text is needed"
        elif isinstance(value, str):
            allowed = (_known(one.namespace) or {}).get(one.name)
            if allowed is not None and not _within(value, allowed):
                yield path, f'"{value}" given for {one.name}, {_said(allowed)} allowed'
            if one.name == "ConfigDocument" and not _is_json(value):
                yield path, "the ConfigDocument is no valid JSON"


def twice(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """An option is given once."""
    first: dict[tuple[str, str, str], str] = {}
    for one in options(inputs):
        holder = first.setdefault((one.namespace, one.name, one.resource), one.path)
        if holder != one.path:
            yield f"{one.path}.name", f"{one.name} of {one.namespace} is given at {holder} already"


def together(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """Options that need another one, or contradict it."""
    low, high = (value_of(inputs, "aws:autoscaling:asg", name) for name in ("MinSize", "MaxSize"))
    if low and high and low.isdigit() and high.isdigit() and int(low) > int(high):
        yield "settings", f"MinSize {low} given, at most MaxSize ({high}) is allowed"
    if value_of(inputs, _ENVIRONMENT, "LoadBalancerIsShared") == "true":
        if value_of(inputs, _ENVIRONMENT, "LoadBalancerType") != "application":
            yield "settings", "LoadBalancerIsShared needs LoadBalancerType application"
        if not value_of(inputs, "aws:elbv2:loadbalancer", "SharedLoadBalancer"):
            yield "settings", "LoadBalancerIsShared needs SharedLoadBalancer, the balancer's ARN"
    if value_of(inputs, _MANAGED, "ManagedActionsEnabled") == "true":
        for namespace, name in (
            (_MANAGED, "PreferredStartTime"),
            (f"{_MANAGED}:platformupdate", "UpdateLevel"),
        ):
            if not value_of(inputs, namespace, name):
                yield "settings", f"ManagedActionsEnabled needs {name} of {namespace}"


def rules_and_processes(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """A listener names rules that are there, a rule names a process, and no two rules tie."""
    given = list(options(inputs))
    rules = {one.namespace.removeprefix(_RULE) for one in given if one.namespace.startswith(_RULE)}
    processes = {
        one.namespace.removeprefix(_PROCESS) for one in given if one.namespace.startswith(_PROCESS)
    }
    priorities: dict[str, str] = {}
    for one in given:
        path, value = f"{one.path}.value", str(one.value)
        if one.namespace.startswith("aws:elbv2:listener:") and one.name == "Rules":
            # Every environment has the rule `default` by itself.
            for rule in sorted({name.strip() for name in value.split(",")} - rules - {"default"}):
                yield path, f'no option of {_RULE}{rule} is given, so there is no rule "{rule}"'
        named = (one.namespace.startswith(_RULE) and one.name == "Process") or (
            one.name == "DefaultProcess"
        )
        if named and value not in {"default", *processes}:
            yield path, f"no option of {_PROCESS}{value} is given, so there is no such process"
        if one.namespace.startswith(_RULE) and one.name == "Priority":
            holder = priorities.setdefault(value, one.path)
            if holder != one.path:
                yield path, f"priority {value} is taken by the rule at {holder}"


def _known(namespace: str) -> Mapping[str, Allowed] | None:
    """The options of a namespace, of the named ones by their pattern."""
    family = f"{namespace.rpartition(':')[0]}:*"
    return OPTIONS.get(namespace) or OPTIONS.get(family)


def _within(value: str, allowed: tuple[str, ...] | range) -> bool:
    if isinstance(allowed, range):
        return bool(re.fullmatch(r"\d+", value)) and int(value) in allowed
    return value in allowed


def _said(allowed: tuple[str, ...] | range) -> str:
    if isinstance(allowed, range):
        return f"{allowed.start} to {allowed[-1]}"
    return f"one of {', '.join(allowed)}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
