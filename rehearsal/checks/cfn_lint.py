"""What cfn-lint knows and nothing else does: engine versions, instance classes, pairs of values.

cfn-lint judges CloudFormation templates, so the resources whose values it knows well are written
as one, property by property. Names are matched against the schema of the CloudFormation type; what
differs stands in `_TYPES`. A property without a place there is left out: the shape of a request
is judged before, this check only wants to see the values. To have one more type judged, add an
entry.

The data (which versions and classes there are) is as old as the installed cfn-lint.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rehearsal.graph import UNKNOWN, Finding, Graph, Resource, Severity


@dataclass(frozen=True, kw_only=True)
class CloudFormation:
    """The CloudFormation type of a Pulumi type.

    `renames` goes from the path of an input (list indices left out) to a path below the target of
    the enclosing block, or from the root of the properties when it starts with a slash. An empty
    path leaves the input out. `inside` names the property that holds everything.
    """

    type: str
    renames: Mapping[str, str] = field(default_factory=dict)
    inside: str = ""


_ACTIONS = {
    "fixedResponse": "FixedResponseConfig",
    "forward": "ForwardConfig",
    "redirect": "RedirectConfig",
}
_METRIC_QUERY = {
    "dimensions": "Metric.Dimensions",
    "metricName": "Metric.MetricName",
    "namespace": "Metric.Namespace",
}


def _under(path: str, renames: Mapping[str, str]) -> dict[str, str]:
    return {f"{path}.{key}": target for key, target in renames.items()}


_TYPES: Mapping[str, CloudFormation] = {
    "aws:appautoscaling/policy:Policy": CloudFormation(
        type="AWS::ApplicationAutoScaling::ScalingPolicy"
    ),
    "aws:appautoscaling/target:Target": CloudFormation(
        type="AWS::ApplicationAutoScaling::ScalableTarget"
    ),
    "aws:autoscaling/group:Group": CloudFormation(
        type="AWS::AutoScaling::AutoScalingGroup",
        renames={
            "launchTemplate.id": "LaunchTemplateId",
            "launchTemplate.name": "LaunchTemplateName",
            "mixedInstancesPolicy.launchTemplate.overrides": "Overrides",
            "protectFromScaleIn": "NewInstancesProtectedFromScaleIn",
            "tags": "",
        },
    ),
    "aws:cloudwatch/eventRule:EventRule": CloudFormation(type="AWS::Events::Rule"),
    "aws:cloudwatch/logGroup:LogGroup": CloudFormation(
        type="AWS::Logs::LogGroup", renames={"kmsKeyId": ""}
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": CloudFormation(
        type="AWS::CloudWatch::Alarm",
        renames={
            "alarmActions": "",
            "alarmDescription": "",
            "dimensions": "",
            "insufficientDataActions": "",
            "metricQueries": "Metrics",
            "okActions": "",
            "metricQueries.metric": "MetricStat",
            **_under("metricQueries.metric", _METRIC_QUERY),
        },
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": CloudFormation(
        type="AWS::EC2::LaunchTemplate",
        inside="LaunchTemplateData",
        renames={"vpcSecurityGroupIds": "SecurityGroupIds"},
    ),
    "aws:ec2/securityGroup:SecurityGroup": CloudFormation(
        type="AWS::EC2::SecurityGroup",
        renames={
            "description": "GroupDescription",
            "egress": "",
            "ingress": "",
        },
    ),
    "aws:ecs/service:Service": CloudFormation(
        type="AWS::ECS::Service",
        renames={
            "capacityProviderStrategies": "CapacityProviderStrategy",
            "deploymentCircuitBreaker": "DeploymentConfiguration.DeploymentCircuitBreaker",
            "deploymentMaximumPercent": "DeploymentConfiguration.MaximumPercent",
            "deploymentMinimumHealthyPercent": "DeploymentConfiguration.MinimumHealthyPercent",
            "iamRole": "",
            "networkConfiguration": "NetworkConfiguration.AwsvpcConfiguration",
            "networkConfiguration.assignPublicIp": "",
        },
    ),
    "aws:ecs/taskDefinition:TaskDefinition": CloudFormation(
        type="AWS::ECS::TaskDefinition",
        renames={"containerDefinitions.environment": "", "volumes": ""},
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": CloudFormation(
        type="AWS::ElastiCache::ReplicationGroup",
        renames={
            "description": "ReplicationGroupDescription",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "nodeType": "CacheNodeType",
            "parameterGroupName": "CacheParameterGroupName",
            "subnetGroupName": "CacheSubnetGroupName",
        },
    ),
    "aws:iam/policy:Policy": CloudFormation(
        type="AWS::IAM::ManagedPolicy",
        renames={"policy": "PolicyDocument"},
    ),
    "aws:iam/role:Role": CloudFormation(
        type="AWS::IAM::Role",
        renames={
            "assumeRolePolicy": "AssumeRolePolicyDocument",
            "inlinePolicies": "",
        },
    ),
    "aws:iam/rolePolicy:RolePolicy": CloudFormation(
        type="AWS::IAM::RolePolicy",
        renames={"policy": "PolicyDocument", "role": ""},
    ),
    "aws:kms/key:Key": CloudFormation(
        type="AWS::KMS::Key",
        renames={
            "customerMasterKeySpec": "KeySpec",
            "deletionWindowInDays": "PendingWindowInDays",
            "policy": "KeyPolicy",
        },
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": CloudFormation(
        type="AWS::Lambda::EventSourceMapping"
    ),
    "aws:lambda/function:Function": CloudFormation(
        type="AWS::Lambda::Function",
        renames={"code": "", "environment": ""},
    ),
    "aws:lb/listener:Listener": CloudFormation(
        type="AWS::ElasticLoadBalancingV2::Listener",
        renames={
            "certificateArn": "Certificates.CertificateArn",
            **_under("defaultActions", _ACTIONS),
        },
    ),
    "aws:lb/listenerRule:ListenerRule": CloudFormation(
        type="AWS::ElasticLoadBalancingV2::ListenerRule",
        renames={"conditions": "", **_under("actions", _ACTIONS)},
    ),
    "aws:lb/loadBalancer:LoadBalancer": CloudFormation(
        type="AWS::ElasticLoadBalancingV2::LoadBalancer", renames={"loadBalancerType": "Type"}
    ),
    "aws:lb/targetGroup:TargetGroup": CloudFormation(
        type="AWS::ElasticLoadBalancingV2::TargetGroup",
        renames={
            "healthCheck.enabled": "/HealthCheckEnabled",
            "healthCheck.healthyThreshold": "/HealthyThresholdCount",
            "healthCheck.interval": "/HealthCheckIntervalSeconds",
            "healthCheck.matcher": "/Matcher.HttpCode",
            "healthCheck.path": "/HealthCheckPath",
            "healthCheck.port": "/HealthCheckPort",
            "healthCheck.protocol": "/HealthCheckProtocol",
            "healthCheck.timeout": "/HealthCheckTimeoutSeconds",
            "healthCheck.unhealthyThreshold": "/UnhealthyThresholdCount",
        },
    ),
    "aws:rds/instance:Instance": CloudFormation(
        type="AWS::RDS::DBInstance",
        renames={
            "backupWindow": "PreferredBackupWindow",
            "caCertIdentifier": "CACertificateIdentifier",
            "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
            "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "identifier": "DBInstanceIdentifier",
            "instanceClass": "DBInstanceClass",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "parameterGroupName": "DBParameterGroupName",
            "password": "MasterUserPassword",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
            "replicateSourceDb": "SourceDBInstanceIdentifier",
            "username": "MasterUsername",
            "vpcSecurityGroupIds": "VPCSecurityGroups",
        },
    ),
    "aws:route53/record:Record": CloudFormation(
        type="AWS::Route53::RecordSet",
        renames={
            "aliases": "AliasTarget",
            "aliases.name": "DNSName",
            "aliases.zoneId": "HostedZoneId",
            "records": "ResourceRecords",
            "zoneId": "HostedZoneId",
        },
    ),
    "aws:s3/bucketPolicy:BucketPolicy": CloudFormation(
        type="AWS::S3::BucketPolicy", renames={"policy": "PolicyDocument"}
    ),
    "aws:sns/topicPolicy:TopicPolicy": CloudFormation(
        type="AWS::SNS::TopicPolicy", renames={"arn": "Topics", "policy": "PolicyDocument"}
    ),
    "aws:sqs/queue:Queue": CloudFormation(
        type="AWS::SQS::Queue",
        renames={
            "maxMessageSize": "MaximumMessageSize",
            "messageRetentionSeconds": "MessageRetentionPeriod",
            "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
            "visibilityTimeoutSeconds": "VisibilityTimeout",
        },
    ),
    "aws:sqs/queuePolicy:QueuePolicy": CloudFormation(
        type="AWS::SQS::QueuePolicy", renames={"policy": "PolicyDocument", "queueUrl": "Queues"}
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": CloudFormation(
        type="AWS::EC2::SecurityGroupEgress",
        renames={
            "cidrIpv4": "CidrIp",
            "prefixListId": "DestinationPrefixListId",
            "referencedSecurityGroupId": "DestinationSecurityGroupId",
            "securityGroupId": "GroupId",
        },
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": CloudFormation(
        type="AWS::EC2::SecurityGroupIngress",
        renames={
            "cidrIpv4": "CidrIp",
            "prefixListId": "SourcePrefixListId",
            "referencedSecurityGroupId": "SourceSecurityGroupId",
            "securityGroupId": "GroupId",
        },
    ),
}

_OWN_WORDS = {"name", "namePrefix", "tags", "tagsAll"}
"""Inputs of every type that are judged elsewhere and only make equal resources differ."""

_NOT_OURS: Mapping[str, str] = {
    "E0002": "a rule of cfn-lint that crashed says nothing about the resource",
    "E1002": "the size of a template is no limit of AWS",
    "E3002": "a place in the schema that the converter found and the region lacks",
    "E3003": "what CloudFormation requires may stand in a resource of its own in Pulumi",
    "E3010": "the number of resources in a template is no limit of AWS",
    "E3019": "the in-memory AWS refuses duplicates, and knows which of them are some",
    r"E3020 'StorageEncrypted' .* 'SourceDBInstanceIdentifier'": (
        "the provider wants to hear what a replica has from its source, or would replace it"
    ),
    r"W3691 Engine version '\d+' ": "a major version alone means its newest minor version",
}
"""What CloudFormation has and the API has not: start of rule and message, and the reason."""

_IGNORED = re.compile("|".join(_NOT_OURS))

_WARNINGS = {"W2531", "W3671", "W3691"}
"""Warnings worth a person's time: runtimes and versions near their end, ignored disk settings."""

_PLAIN_WORDS = {
    "E3676": "certificateArn: missing; an HTTPS or TLS listener needs a certificate",
    "E3704": "transitEncryptionEnabled: missing; Valkey needs it",
}
"""Messages that only a reader of CloudFormation would understand."""


def check(graph: Graph) -> list[Finding]:
    """What cfn-lint says about everything it can judge. One run for each region."""
    templates: dict[str, _Template] = {}
    for urn in sorted(graph.resources):
        resource = graph.resources[urn]
        if resource.type in _TYPES and not _has_unknown(resource.inputs):
            templates.setdefault(resource.region, _Template(resource.region)).add(resource)
    return [finding for template in templates.values() for finding in template.findings()]


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """Where the properties of one resource of the template came from."""

    resource: Resource
    where: Mapping[tuple[Any, ...], str]
    """Path in the properties to the path of the input."""
    probe: bool
    """Half a resource: only what is said about its single properties counts."""

    def given(self, path: Sequence[Any]) -> str:
        """The input that stands at a path of the properties, or the nearest one above it."""
        for length in range(len(path), 0, -1):
            if found := self.where.get(tuple(path[:length])):
                return found
        return ""


class _Template:
    """One template, and where each of its properties came from.

    Resources with the same values (most log groups, many alarms) are judged once for all of them.
    """

    def __init__(self, region: str) -> None:
        self.region = region
        self._resources: dict[str, dict[str, Any]] = {}
        self._origins: dict[str, list[_Origin]] = {}

    def add(self, resource: Resource) -> None:
        target = _TYPES[resource.type]
        schema = _schema(self.region, target.type)
        if schema is None:
            return
        placed = _Placed(schema, target)
        placed.take(resource.inputs)
        origin = _Origin(resource=resource, where=placed.where, probe=False)
        self._put(origin, target.type, placed.properties)
        for type_, properties, where in _PROBES.get(resource.type, _no_probes)(resource):
            origin = _Origin(resource=resource, where=where, probe=True)
            self._put(origin, type_, properties)

    def _put(self, origin: _Origin, type: str, properties: dict[str, Any]) -> None:
        value = json.dumps([self.region, type, properties], sort_keys=True)
        self._resources[value] = {"Type": type, "Properties": properties}
        self._origins.setdefault(value, []).append(origin)

    def findings(self) -> Iterator[Finding]:
        for value, rule, path, message in _matches(self._resources, self.region):
            judged = rule.startswith("E") or rule in _WARNINGS
            if not judged or _IGNORED.match(f"{rule} {message}"):
                continue
            for origin in self._origins[value]:
                at = origin.given(path)
                if origin.probe and not at:
                    continue
                text = _PLAIN_WORDS.get(rule) or (f"{at}: {message}" if at else _camel(message))
                severity: Severity = "warning" if rule in _WARNINGS else "error"
                yield Finding(
                    source=origin.resource.source,
                    urn=origin.resource.urn,
                    check="cfn-lint",
                    severity=severity,
                    message=f"{text} ({rule})",
                )


class _Placed:
    """The inputs of one resource, placed onto the schema of its CloudFormation type."""

    def __init__(self, schema: Mapping[str, Any], target: CloudFormation) -> None:
        self.properties: dict[str, Any] = {}
        self.where: dict[tuple[Any, ...], str] = {}
        self._schema = schema
        self._renames = target.renames
        self._inside = target.inside

    def take(self, inputs: Mapping[str, Any]) -> None:
        block: dict[str, Any] = self.properties
        at: tuple[Any, ...] = ()
        node = self._schema
        if self._inside:
            block = self.properties[self._inside] = {}
            at, node = (self._inside,), self._resolved(node["properties"][self._inside])
        self._block(inputs, block, node, at, path="", plain="")

    def _block(
        self,
        given: Mapping[str, Any],
        block: dict[str, Any],
        node: Mapping[str, Any],
        at: tuple[Any, ...],
        *,
        path: str,
        plain: str,
    ) -> None:
        for key, value in given.items():
            here = f"{plain}.{key}" if plain else key
            target = self._renames.get(here)
            if target is None:
                target = _match(key, node)
            if not target or value is None or (not plain and key in _OWN_WORDS):
                # A block of which every part stands at the root has no place of its own.
                hoists = any(name.startswith(f"{here}.") for name in self._renames)
                if value is not None and target is None and hoists and isinstance(value, Mapping):
                    self._block(value, {}, {}, (), path=f"{path}{key}.", plain=here)
                continue
            absolute = target.startswith("/")
            self._set(
                target.removeprefix("/").split("."),
                value,
                self.properties if absolute else block,
                self._schema if absolute else node,
                () if absolute else at,
                path=f"{path}{key}",
                plain=here,
            )

    def _set(
        self,
        names: Sequence[str],
        value: Any,
        block: dict[str, Any],
        node: Mapping[str, Any],
        at: tuple[Any, ...],
        *,
        path: str,
        plain: str,
    ) -> None:
        name, *rest = names
        child = node.get("properties", {}).get(name)
        if child is None:
            return
        child, at = self._resolved(child), (*at, name)
        if rest and _is_list(child):
            item: dict[str, Any] = {}
            block[name] = [item]
            self._set(rest, value, item, self._items(child), (*at, 0), path=path, plain=plain)
        elif rest:
            inner = block.setdefault(name, {})
            self._set(rest, value, inner, child, at, path=path, plain=plain)
        else:
            converted = self._value(value, child, at, path=path, plain=plain)
            if converted is not None:
                before = block.get(name)
                if isinstance(before, dict) and isinstance(converted, dict):
                    converted = before | converted
                block[name] = converted
                self.where[at] = path

    def _value(
        self, value: Any, node: Mapping[str, Any], at: tuple[Any, ...], *, path: str, plain: str
    ) -> Any:
        """The value in the form the schema wants; None when it has no such form."""
        if _is_list(node):
            return self._list(value, self._items(node), at, path=path, plain=plain)
        if _is_block(node):
            value = _parsed(value)
            if isinstance(value, list) and len(value) == 1:
                value, path = value[0], f"{path}[0]"
            if not isinstance(value, Mapping):
                return None
            if not node.get("properties"):
                return value
            block: dict[str, Any] = {}
            self._block(value, block, node, at, path=f"{path}.", plain=plain)
            return block
        return _scalar(value, node)

    def _list(
        self, value: Any, node: Mapping[str, Any], at: tuple[Any, ...], *, path: str, plain: str
    ) -> list[Any] | None:
        value = _parsed(value)
        for label in ("Key", "Name"):
            if isinstance(value, Mapping) and {*node.get("properties", {})} == {label, "Value"}:
                return [{label: name, "Value": value[name]} for name in sorted(value)]
        if not isinstance(value, list):
            value = [value]
        converted = []
        for index, item in enumerate(value):
            one = self._value(
                item, node, (*at, len(converted)), path=f"{path}[{index}]", plain=plain
            )
            if one is not None:
                self.where[*at, len(converted)] = f"{path}[{index}]"
                converted.append(one)
        return converted or None

    def _items(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._resolved(node.get("items", {}))

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self._schema
            for name in node["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            node = found
        return node


def _is_list(node: Mapping[str, Any]) -> bool:
    return "array" in _types(node)


def _is_block(node: Mapping[str, Any]) -> bool:
    return "object" in _types(node) or "properties" in node


def _types(node: Mapping[str, Any]) -> Sequence[str]:
    given = node.get("type", ())
    return [given] if isinstance(given, str) else given


def _parsed(value: Any) -> Any:
    """Inputs that hold a document are JSON text; CloudFormation holds the document."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return value


def _scalar(value: Any, node: Mapping[str, Any]) -> Any:
    wanted = _types(node)
    if isinstance(value, Mapping | list):
        return None
    try:
        if "integer" in wanted and not isinstance(value, bool):
            return int(value)
        if "number" in wanted and not isinstance(value, bool):
            return float(value)
    except ValueError:
        return value
    if "boolean" in wanted and value in ("true", "false"):
        return value == "true"
    if "string" in wanted and isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def _match(key: str, node: Mapping[str, Any]) -> str | None:
    """The property of the same name: letters alone count, and singular or plural."""
    names = {_letters(name): name for name in node.get("properties", {})}
    plain = _letters(key)
    for candidate in (plain, f"{plain}s", plain.removesuffix("s"), _singular(plain)):
        if candidate in names:
            return names[candidate]
    return None


def _singular(word: str) -> str:
    return f"{word[:-3]}y" if word.endswith("ies") else word


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_has_unknown(item) for item in value)
    return value is UNKNOWN


# Values that cfn-lint judges only in another type

_Probe = tuple[str, dict[str, Any], dict[tuple[Any, ...], str]]


def _no_probes(_: Resource) -> Iterator[_Probe]:
    yield from ()


def _cache_cluster(group: Resource) -> Iterator[_Probe]:
    """cfn-lint knows node types and engine versions of cache clusters, not of their groups."""
    inputs = group.inputs
    given = {"Engine": "engine", "EngineVersion": "engineVersion", "CacheNodeType": "nodeType"}
    yield (
        "AWS::ElastiCache::CacheCluster",
        {name: inputs[key] for name, key in given.items() if key in inputs} | {"NumCacheNodes": 1},
        {(name,): key for name, key in given.items()},
    )


def _overrides(group: Resource) -> Iterator[_Probe]:
    """cfn-lint knows the instance types of a launch template, not of a group's overrides."""
    policy = group.inputs.get("mixedInstancesPolicy") or {}
    overrides = (policy.get("launchTemplate") or {}).get("overrides") or ()
    for index, override in enumerate(overrides):
        if isinstance(override.get("instanceType"), str):
            at = f"mixedInstancesPolicy.launchTemplate.overrides[{index}].instanceType"
            yield (
                "AWS::EC2::LaunchTemplate",
                {"LaunchTemplateData": {"InstanceType": override["instanceType"]}},
                {("LaunchTemplateData", "InstanceType"): at},
            )


def _metric_periods(alarm: Resource) -> Iterator[_Probe]:
    """cfn-lint knows the periods of an alarm, not of the metrics that its expression reads."""
    for index, query in enumerate(alarm.inputs.get("metricQueries") or ()):
        for place in (query.get("metric") or {}, query):
            if isinstance(place.get("period"), int):
                inner = ".metric" if place is not query else ""
                yield (
                    "AWS::CloudWatch::Alarm",
                    {"Period": place["period"]},
                    {("Period",): f"metricQueries[{index}]{inner}.period"},
                )


_PROBES: Mapping[str, Callable[[Resource], Iterable[_Probe]]] = {
    "aws:autoscaling/group:Group": _overrides,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _metric_periods,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache_cluster,
}


# cfn-lint itself


_Match = tuple[str, Sequence[Any], str]
"""Rule, path in the properties, and message."""

_told: dict[str, list[_Match]] = {}
"""What was said about each resource so far: the stacks of one process have most in common."""


def _matches(
    resources: Mapping[str, dict[str, Any]], region: str
) -> Iterator[tuple[str, str, Sequence[Any], str]]:
    """The resource and every match in it. No rule that is kept compares resources."""
    new = {f"R{index}": value for index, value in enumerate(sorted(resources.keys() - _told))}
    _told.update((value, []) for value in new.values())
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {name: resources[value] for name, value in new.items()},
    }
    for rule, path, message in _lint(template, region) if new else ():
        if len(path) > 1 and path[1] in new:
            _told[new[path[1]]].append((rule, path[3:], message))
    for value in resources:
        for match in _told[value]:
            yield value, *match


def _lint(template: dict[str, Any], region: str) -> Iterator[tuple[str, list[Any], str]]:
    """Rule, path in the template and message of every match."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner.template import run_template_by_data

    config = ConfigMixIn([], regions=[region])
    for match in run_template_by_data(template, config, _rules()):
        path = list(getattr(match, "path", None) or ())
        yield match.rule.id, path, _shortened(match.message)


@cache
def _rules() -> Any:
    """The rules about resources; those about templates cost a third of the time for nothing."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.rules import Rules
    from cfnlint.runner import Runner

    kept = Rules()
    for name, rule in Runner(ConfigMixIn([])).rules.items():
        about_resources = name.startswith(("E1", "E2", "E3")) and name != "E3016"
        if about_resources or name in _WARNINGS:
            kept.register(rule)
    return kept


def _schema(region: str, type: str) -> Mapping[str, Any] | None:
    from cfnlint.helpers import REGIONS
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

    if region not in REGIONS:
        return None
    try:
        return PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, type).schema
    except ResourceNotFoundError:
        return None


_ONE_OF = re.compile(
    r"(?P<given>'(?:[^'\\]|\\.)*'|\S+) is not one of (?P<allowed>\[.*\])", re.DOTALL
)
_VERSION = re.compile(r"[\d.]+")
_LONGEST_LIST = 25


def _shortened(message: str) -> str:
    """A list of six hundred instance types helps nobody: name the nearest ones."""
    found = _ONE_OF.search(message)
    if found is None:
        return message
    try:
        allowed = [str(one) for one in ast.literal_eval(found["allowed"])]
    except (ValueError, SyntaxError):
        return message
    if len(allowed) <= _LONGEST_LIST:
        return message
    given = found["given"].strip("'")
    near = [] if _VERSION.fullmatch(given) else difflib.get_close_matches(given, allowed, 5, 0.5)
    near = near or sorted(allowed, key=_natural)[-5:]
    said = f"{found['given']} is not one of the {len(allowed)} known, such as {', '.join(near)}"
    return message[: found.start()] + said + message[found.end() :]


def _camel(message: str) -> str:
    """Properties in a message as Pulumi spells them; good where the message names no value."""
    return re.sub(r"'([A-Z])([a-z]\w*)'", lambda name: name[1].lower() + name[2], message)


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part or 0), rest) for part, rest in re.findall(r"(\d*)(\D*)", text)]
