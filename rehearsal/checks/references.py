"""What one resource says about another: does it exist, and does it fit?

moto takes a role, a security group or a capacity provider that nobody made; AWS refuses it, often
twenty minutes into an update. Here every input that names another resource is looked up in the
graph. `_POINTERS` says by the name of an input what it points at; the functions below it hold the
rules that join several resources (an ECS service, its task definition and its target group).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rehearsal.graph import SECRET, Finding, Graph, Resource
from rehearsal.lookups import ACCOUNT

_OTHER_ACCOUNT = rf"arn:[^:]+:[^:]+:[^:]*:(?!{ACCOUNT})\d{{12}}:.*"
"""What may be shared between accounts is not in this program's graph."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """Something that inputs point at, and the properties of a resource by which they name it."""

    word: str
    named_by: Mapping[str, Sequence[str]]
    outside: str = ""
    """Pattern of the values that AWS or another account provides."""


_KEY = "aws:kms/key:Key"
_KEY_ALIAS = "aws:kms/alias:Alias"
_CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
_QUEUE = "aws:sqs/queue:Queue"
_SERVICE = "aws:ecs/service:Service"
_TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
_VPC_TYPES = ("aws:ec2/vpc:Vpc", "aws:ec2/defaultVpc:DefaultVpc")

ALARM = Kind(
    word="alarm",
    named_by={
        "aws:cloudwatch/metricAlarm:MetricAlarm": ("name", "arn"),
        "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("alarmName", "arn"),
    },
)
ALARM_ACTION = Kind(
    word="SNS topic, scaling policy or function",
    named_by={
        "aws:sns/topic:Topic": ("arn",),
        "aws:autoscaling/policy:Policy": ("arn",),
        "aws:appautoscaling/policy:Policy": ("arn",),
        "aws:lambda/function:Function": ("arn", "qualifiedArn"),
    },
    outside=rf"arn:[^:]+:(automate|swf|ssm|ssm-incidents):.*|{_OTHER_ACCOUNT}",
)
AUTOSCALING_GROUP = Kind(
    word="Auto Scaling group", named_by={"aws:autoscaling/group:Group": ("name", "arn")}
)
BUCKET = Kind(word="bucket", named_by={"aws:s3/bucket:Bucket": ("bucket", "id")})
CAPACITY_PROVIDER = Kind(
    word="capacity provider",
    named_by={"aws:ecs/capacityProvider:CapacityProvider": ("name", "arn")},
    outside="FARGATE|FARGATE_SPOT",
)
CLUSTER = Kind(word="ECS cluster", named_by={"aws:ecs/cluster:Cluster": ("arn", "name")})
DATABASE = Kind(word="database", named_by={"aws:rds/instance:Instance": ("identifier", "arn")})
EVENT_RULE = Kind(word="event rule", named_by={"aws:cloudwatch/eventRule:EventRule": ("name",)})
FUNCTION = Kind(
    word="function",
    named_by={
        "aws:lambda/function:Function": ("arn", "name", "invokeArn", "qualifiedArn"),
        "aws:lambda/alias:Alias": ("arn", "invokeArn"),
    },
    outside=_OTHER_ACCOUNT,
)
INSTANCE_PROFILE = Kind(
    word="instance profile", named_by={"aws:iam/instanceProfile:InstanceProfile": ("name", "arn")}
)
KEY = Kind(
    word="KMS key",
    named_by={_KEY: ("arn", "keyId"), _KEY_ALIAS: ("arn", "name", "targetKeyArn")},
    outside=rf"alias/aws/.*|arn:[^:]+:kms:[^:]*:\d+:alias/aws/.*|{_OTHER_ACCOUNT}",
)
LAUNCH_TEMPLATE = Kind(
    word="launch template", named_by={"aws:ec2/launchTemplate:LaunchTemplate": ("id", "name")}
)
LISTENER = Kind(word="listener", named_by={"aws:lb/listener:Listener": ("arn",)})
LOAD_BALANCER = Kind(word="load balancer", named_by={"aws:lb/loadBalancer:LoadBalancer": ("arn",)})
LOG_GROUP = Kind(word="log group", named_by={"aws:cloudwatch/logGroup:LogGroup": ("name",)})
NAT_GATEWAY = Kind(word="NAT gateway", named_by={"aws:ec2/natGateway:NatGateway": ("id",)})
POLICY = Kind(
    word="managed policy",
    named_by={"aws:iam/policy:Policy": ("arn",)},
    outside=r"arn:[^:]+:iam::aws:policy/.*",
)
QUEUE_ARN = Kind(word="queue", named_by={_QUEUE: ("arn",)}, outside=_OTHER_ACCOUNT)
QUEUE_URL = Kind(word="queue", named_by={_QUEUE: ("url", "id")})
RDS_PARAMETER_GROUP = Kind(
    word="database parameter group",
    named_by={"aws:rds/parameterGroup:ParameterGroup": ("name",)},
    outside=r"default\..*",
)
RDS_SUBNET_GROUP = Kind(
    word="database subnet group",
    named_by={"aws:rds/subnetGroup:SubnetGroup": ("name",)},
    outside="default",
)
CACHE_PARAMETER_GROUP = Kind(
    word="cache parameter group",
    named_by={"aws:elasticache/parameterGroup:ParameterGroup": ("name",)},
    outside=r"default\..*",
)
CACHE_SUBNET_GROUP = Kind(
    word="cache subnet group",
    named_by={"aws:elasticache/subnetGroup:SubnetGroup": ("name",)},
    outside="default",
)
REPOSITORY = Kind(word="repository", named_by={"aws:ecr/repository:Repository": ("name",)})
ROLE_ARN = Kind(
    word="role (by its ARN)",
    named_by={
        "aws:iam/role:Role": ("arn",),
        "aws:iam/serviceLinkedRole:ServiceLinkedRole": ("arn",),
    },
    outside=r"arn:[^:]+:iam::\d+:role/aws-service-role/.*",
)
ROLE_NAME = Kind(word="role (by its name)", named_by={"aws:iam/role:Role": ("name", "id")})
ROUTE_TABLE = Kind(
    word="route table",
    named_by={
        "aws:ec2/routeTable:RouteTable": ("id",),
        "aws:ec2/defaultRouteTable:DefaultRouteTable": ("id",),
        **dict.fromkeys(_VPC_TYPES, ("defaultRouteTableId", "mainRouteTableId")),
    },
)
SCALABLE_TARGET = Kind(
    word="scalable target", named_by={"aws:appautoscaling/target:Target": ("resourceId",)}
)
SECRET_ID = Kind(
    word="secret",
    named_by={
        "aws:secretsmanager/secret:Secret": ("arn", "id", "name"),
        "aws:rds/instance:Instance": ("masterUserSecrets.secretArn",),
        "aws:rds/cluster:Cluster": ("masterUserSecrets.secretArn",),
    },
    outside=_OTHER_ACCOUNT,
)
SECRET_VALUE = Kind(
    word="secret or parameter",
    named_by={**SECRET_ID.named_by, "aws:ssm/parameter:Parameter": ("arn", "name")},
    outside=_OTHER_ACCOUNT,
)
SECURITY_GROUP = Kind(
    word="security group",
    named_by={
        "aws:ec2/securityGroup:SecurityGroup": ("id",),
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ("id",),
        **dict.fromkeys(_VPC_TYPES, ("defaultSecurityGroupId",)),
    },
)
SUBNET = Kind(
    word="subnet",
    named_by={
        "aws:ec2/subnet:Subnet": ("id",),
        "aws:ec2/defaultSubnet:DefaultSubnet": ("id",),
    },
)
TARGET_GROUP = Kind(word="target group", named_by={"aws:lb/targetGroup:TargetGroup": ("arn",)})
TASK_DEFINITION = Kind(
    word="task definition",
    named_by={_TASK_DEFINITION: ("arn", "arnWithoutRevision", "family")},
)
TOPIC = Kind(word="SNS topic", named_by={"aws:sns/topic:Topic": ("arn",)}, outside=_OTHER_ACCOUNT)
VPC = Kind(word="VPC", named_by=dict.fromkeys(_VPC_TYPES, ("id",)))

_POINTERS: Mapping[str, Kind] = {
    "accessLogs.bucket": BUCKET,
    "alarmActions": ALARM_ACTION,
    "autoScalingGroupProvider.autoScalingGroupArn": AUTOSCALING_GROUP,
    "autoscalingGroupName": AUTOSCALING_GROUP,
    "awslogs-group": LOG_GROUP,
    "capacityProvider": CAPACITY_PROVIDER,
    "capacityProviders": CAPACITY_PROVIDER,
    "connectionLogs.bucket": BUCKET,
    "deadLetterTargetArn": QUEUE_ARN,
    "executionRoleArn": ROLE_ARN,
    "iamInstanceProfile.arn": INSTANCE_PROFILE,
    "iamInstanceProfile.name": INSTANCE_PROFILE,
    "iamRoleArn": ROLE_ARN,
    "insufficientDataActions": ALARM_ACTION,
    "kmsKeyArn": KEY,
    "kmsKeyId": KEY,
    "kmsMasterKeyId": KEY,
    "launchTemplate.id": LAUNCH_TEMPLATE,
    "launchTemplate.name": LAUNCH_TEMPLATE,
    "launchTemplateSpecification.launchTemplateId": LAUNCH_TEMPLATE,
    "launchTemplateSpecification.launchTemplateName": LAUNCH_TEMPLATE,
    "listenerArn": LISTENER,
    "loadBalancerArn": LOAD_BALANCER,
    "masterUserSecretKmsKeyId": KEY,
    "monitoringRoleArn": ROLE_ARN,
    "natGatewayId": NAT_GATEWAY,
    "okActions": ALARM_ACTION,
    "performanceInsightsKmsKeyId": KEY,
    "policyArn": POLICY,
    "queueUrl": QUEUE_URL,
    "referencedSecurityGroupId": SECURITY_GROUP,
    "roleArn": ROLE_ARN,
    "routeTableId": ROUTE_TABLE,
    "routeTableIds": ROUTE_TABLE,
    "secretId": SECRET_ID,
    "secrets.valueFrom": SECRET_VALUE,
    "repositoryCredentials.credentialsParameter": SECRET_ID,
    "securityGroupId": SECURITY_GROUP,
    "securityGroupIds": SECURITY_GROUP,
    "securityGroups": SECURITY_GROUP,
    "serviceLinkedRoleArn": ROLE_ARN,
    "serviceRoleArn": ROLE_ARN,
    "snsTopic": TOPIC,
    "sourceQueueArns": QUEUE_ARN,
    "sourceSecurityGroupId": SECURITY_GROUP,
    "subnetId": SUBNET,
    "subnetIds": SUBNET,
    "subnets": SUBNET,
    "subscriberSnsTopicArns": TOPIC,
    "targetGroupArn": TARGET_GROUP,
    "targetGroupArns": TARGET_GROUP,
    "taskRoleArn": ROLE_ARN,
    "vpcId": VPC,
    "vpcSecurityGroupIds": SECURITY_GROUP,
    "vpcZoneIdentifiers": SUBNET,
}
"""By the last one or two names of an input's path, whatever the type of the resource."""

_POINTERS_OF: Mapping[str, Mapping[str, Kind]] = {
    "aws:appautoscaling/policy:Policy": {"resourceId": SCALABLE_TARGET},
    "aws:appautoscaling/scheduledAction:ScheduledAction": {"resourceId": SCALABLE_TARGET},
    "aws:autoscaling/notification:Notification": {"topicArn": TOPIC},
    "aws:cloudwatch/eventTarget:EventTarget": {"rule": EVENT_RULE},
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": {"logGroupName": LOG_GROUP},
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": {"logGroup": LOG_GROUP},
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": {"repository": REPOSITORY},
    "aws:ecr/repositoryPolicy:RepositoryPolicy": {"repository": REPOSITORY},
    "aws:ecs/cluster:Cluster": {"logConfiguration.cloudWatchLogGroupName": LOG_GROUP},
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": {"clusterName": CLUSTER},
    _SERVICE: {"cluster": CLUSTER, "taskDefinition": TASK_DEFINITION},
    _CACHE: {
        "notificationTopicArn": TOPIC,
        "parameterGroupName": CACHE_PARAMETER_GROUP,
        "subnetGroupName": CACHE_SUBNET_GROUP,
    },
    "aws:iam/instanceProfile:InstanceProfile": {"role": ROLE_NAME},
    "aws:iam/rolePolicy:RolePolicy": {"role": ROLE_NAME},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"role": ROLE_NAME},
    _KEY_ALIAS: {"targetKeyId": KEY},
    "aws:kms/keyPolicy:KeyPolicy": {"keyId": KEY},
    "aws:lambda/eventSourceMapping:EventSourceMapping": {"functionName": FUNCTION},
    "aws:lambda/function:Function": {"role": ROLE_ARN, "loggingConfig.logGroup": LOG_GROUP},
    "aws:lambda/permission:Permission": {"function": FUNCTION},
    "aws:rds/instance:Instance": {
        "dbSubnetGroupName": RDS_SUBNET_GROUP,
        "parameterGroupName": RDS_PARAMETER_GROUP,
        "replicateSourceDb": DATABASE,
    },
    "aws:secretsmanager/secretPolicy:SecretPolicy": {"secretArn": SECRET_ID},
    "aws:secretsmanager/secretRotation:SecretRotation": {"rotationLambdaArn": FUNCTION},
    "aws:sns/topicPolicy:TopicPolicy": {"arn": TOPIC},
    "aws:sns/topicSubscription:TopicSubscription": {"topic": TOPIC},
}
"""Names that mean something else elsewhere."""

_JSON_INPUTS = {"containerDefinitions", "redriveAllowPolicy", "redrivePolicy"}
"""Inputs that carry AWS's own structure as JSON text."""

_FREE_KEYS = {"environment", "tags", "tagsAll", "variables", "volumeTags"}
"""Below these, the keys are the program's own words."""

_DIMENSIONS: Mapping[str, Kind] = {
    name: Kind(word=name, named_by=named_by)
    for name, named_by in {
        "AutoScalingGroupName": {"aws:autoscaling/group:Group": ("name",)},
        "BucketName": {"aws:s3/bucket:Bucket": ("bucket",)},
        "CacheClusterId": {"aws:elasticache/cluster:Cluster": ("clusterId",)},
        "CapacityProviderName": {"aws:ecs/capacityProvider:CapacityProvider": ("name",)},
        "ClusterName": {"aws:ecs/cluster:Cluster": ("name",)},
        "DBInstanceIdentifier": {"aws:rds/instance:Instance": ("identifier",)},
        "FunctionName": {"aws:lambda/function:Function": ("name",)},
        "LoadBalancer": {"aws:lb/loadBalancer:LoadBalancer": ("arnSuffix",)},
        "LogGroupName": {"aws:cloudwatch/logGroup:LogGroup": ("name",)},
        "NatGatewayId": {"aws:ec2/natGateway:NatGateway": ("id",)},
        "QueueName": {_QUEUE: ("name",)},
        "ReplicationGroupId": {_CACHE: ("replicationGroupId",)},
        "RuleName": {"aws:cloudwatch/eventRule:EventRule": ("name",)},
        "ServiceName": {_SERVICE: ("name",)},
        "TableName": {"aws:dynamodb/table:Table": ("name",)},
        "TargetGroup": {"aws:lb/targetGroup:TargetGroup": ("arnSuffix",)},
        "TopicName": {"aws:sns/topic:Topic": ("name",)},
    }.items()
}
"""Metric dimensions in AWS's own namespaces, and the property that holds their value.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
"""

_AWS_NAMESPACE = re.compile(r"AWS/.+|ECS/.+")

_ALARM_IN_A_RULE = re.compile(r'\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*"?([^")]+?)"?\s*\)')


def check(graph: Graph) -> list[Finding]:
    """A finding for everything that is pointed at and not there, or there and not fitting."""
    program = _Program(graph)
    findings: list[Finding] = []
    for resource in graph.resources.values():
        if not resource.custom or not resource.type.startswith("aws:"):
            continue
        problems = [*_pointers(program, resource), *_dimensions(program, resource)]
        if rule := _RULES.get(resource.type):
            problems += rule(program, resource)
        findings += [
            Finding(
                source=resource.source,
                urn=resource.urn,
                check="reference",
                severity="error",
                message=message,
            )
            for message in problems
        ]
    return findings


class _Program:
    """The graph, indexed by what inputs use to name a resource."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._by_type: dict[str, list[Resource]] = {}
        for urn in sorted(graph.resources):
            resource = graph.resources[urn]
            self._by_type.setdefault(resource.type, []).append(resource)
        self._by_kind: dict[Kind, dict[str, Resource]] = {}

    def of(self, type: str) -> Sequence[Resource]:
        return self._by_type.get(type, ())

    def all(self, kind: Kind) -> Mapping[str, Resource]:
        """Every value that names a resource of this kind."""
        if kind not in self._by_kind:
            self._by_kind[kind] = {
                value: resource
                for type_, properties in kind.named_by.items()
                for resource in self.of(type_)
                for name in properties
                for value in _values(resource, name)
            }
        return self._by_kind[kind]

    def find(self, kind: Kind, value: Any) -> Resource | None:
        return self.all(kind).get(_trimmed(value)) if isinstance(value, str) else None

    @cached_property
    def ids(self) -> Mapping[str, Resource]:
        """Every id and ARN of the program, to say what a value is when it is the wrong thing."""
        return {
            value: resource
            for resources in self._by_type.values()
            for resource in resources
            for value in (*_values(resource, "id"), *_values(resource, "arn"))
        }

    @cached_property
    def scalable_services(self) -> Mapping[str, Resource]:
        """Every ECS service by the id that Application Auto Scaling gives it."""
        return {
            f"service/{_cluster_name(self, service) or 'default'}/{name}": service
            for service in self.of(_SERVICE)
            for name in _values(service, "name")
        }

    @cached_property
    def cache_nodes(self) -> Mapping[str, Resource]:
        """The nodes of a replication group without shards, which are named `<id>-001` and on."""
        return {
            f"{name}-{number:03}": group
            for group in self.of(_CACHE)
            for name in _values(group, "replicationGroupId")
            for number in range(1, int(group.inputs.get("numCacheClusters") or 1) + 1)
        }


# Pointers


def _pointers(program: _Program, resource: Resource) -> Iterator[str]:
    own = _POINTERS_OF.get(resource.type, {})
    for path, suffixes, value in _leaves(resource.inputs):
        kind = next(
            (found for suffix in suffixes if (found := own.get(suffix) or _POINTERS.get(suffix))),
            None,
        )
        if kind and not program.find(kind, value) and not re.fullmatch(kind.outside, value):
            yield _missing(program, path, value, kind)


def _missing(program: _Program, path: str, value: str, kind: Kind) -> str:
    other = program.ids.get(value)
    what = f", it is the {other.type} {other.name!r}" if other else ""
    return (
        f"{path}: {value!r} is no {kind.word} of this program{what}; "
        f"{_near(value, program.all(kind))}"
    )


def _near(value: str, known: Iterable[str]) -> str:
    listed = sorted(known)
    close = difflib.get_close_matches(value, listed, n=3) or listed[:3]
    if not close:
        return "there is none"
    more = f" and {len(listed) - len(close)} more" if len(listed) > len(close) else ""
    return f"there is {', '.join(close)}{more}"


def _leaves(inputs: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Path, the last two and the last one of its names, and text, of every text in the inputs."""

    def walk(value: Any, path: str, names: tuple[str, ...]) -> Iterator[Any]:
        if isinstance(value, str):
            if value and value != SECRET:
                yield path, (".".join(names[-2:]), names[-1]), value
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if key in _FREE_KEYS:
                    continue
                item = _decoded(item) if key in _JSON_INPUTS else item
                yield from walk(item, f"{path}.{key}" if path else key, (*names, key))
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                yield from walk(item, f"{path}[{index}]", names)

    return walk(inputs, "", ())


def _values(resource: Resource, path: str) -> Iterator[str]:
    """The texts at a dotted path of a resource's outputs, or else of its inputs."""
    if path == "id":
        found: list[Any] = [resource.id]
    else:
        head, *rest = path.split(".")
        found = [resource.outputs.get(head) or resource.inputs.get(head)]
        for name in rest:
            found = [
                item.get(name)
                for value in found
                for item in (value if isinstance(value, list) else [value])
                if isinstance(item, Mapping)
            ]
    for value in found:
        if isinstance(value, str) and value:
            yield value


def _trimmed(value: str) -> str:
    """ECS adds the key of a secret, and its stage and version, to the secret's ARN."""
    return ":".join(value.split(":")[:7]) if ":secretsmanager:" in value else value


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


# Metrics


def _dimensions(program: _Program, resource: Resource) -> Iterator[str]:
    for path, metric in _metrics(resource.inputs, ""):
        given = _as_map(metric["dimensions"])
        for name, value in sorted(given.items()):
            if name not in _DIMENSIONS or not isinstance(value, str):
                continue
            known = program.all(_DIMENSIONS[name])
            if name == "CacheClusterId":
                known = {**known, **program.cache_nodes}
            where = f"{path}dimensions.{name}"
            cluster = given.get("ClusterName")
            if value not in known:
                yield (
                    f"{where}: the metric watches {value!r}, which this program does not make; "
                    f"{_near(value, known)}"
                )
            elif (
                name == "ServiceName"
                and isinstance(cluster, str)
                and (home := _cluster_name(program, known[value])) not in (cluster, None)
            ):
                yield f"{where}: the service {value!r} runs in {home!r}, not in {cluster!r}"


def _metrics(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        namespace = value.get("namespace")
        watched = isinstance(namespace, str) and _AWS_NAMESPACE.fullmatch(namespace)
        if watched and value.get("dimensions"):
            yield path, value
        for key, item in value.items():
            yield from _metrics(item, f"{path}{key}.")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _metrics(item, f"{path.removesuffix('.')}[{index}].")


def _as_map(dimensions: Any) -> dict[str, Any]:
    """Alarms hold dimensions as a map, scaling policies as a list of names and values."""
    if isinstance(dimensions, Mapping):
        return dict(dimensions)
    return {one["name"]: one.get("value") for one in dimensions if "name" in one}


# Rules that join several resources


def _service(program: _Program, resource: Resource) -> Iterator[str]:
    inputs = resource.inputs
    strategies = inputs.get("capacityProviderStrategies") or []
    if inputs.get("launchType") and strategies:
        yield (
            f"launchType: {inputs['launchType']!r} given beside capacityProviderStrategies; "
            "ECS takes one of them, drop launchType"
        )
    yield from _attached(program, resource, strategies)
    task = program.find(TASK_DEFINITION, inputs.get("taskDefinition"))
    if task is None:
        return
    fargate = inputs.get("launchType") == "FARGATE" or any(
        str(one.get("capacityProvider", "")).startswith("FARGATE") for one in strategies
    )
    awsvpc = task.inputs.get("networkMode") == "awsvpc"
    if fargate and "FARGATE" not in (task.inputs.get("requiresCompatibilities") or ()):
        yield (
            f"taskDefinition: the service runs on Fargate and {task.name!r} does not require "
            "FARGATE compatibility"
        )
    if awsvpc and not inputs.get("networkConfiguration"):
        yield (
            f"networkConfiguration: missing; the tasks of {task.name!r} have networkMode awsvpc "
            "and need subnets and security groups"
        )
    if not awsvpc and inputs.get("networkConfiguration"):
        yield (
            f"networkConfiguration: given, but {task.name!r} has networkMode "
            f"{task.inputs.get('networkMode') or 'bridge'!r}; only awsvpc takes one"
        )
    for index, balancer in enumerate(inputs.get("loadBalancers") or ()):
        yield from _balanced(program, f"loadBalancers[{index}]", balancer, task, awsvpc)


def _attached(
    program: _Program, service: Resource, strategies: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    cluster = _cluster_name(program, service)
    if not strategies or cluster is None:
        return
    attached = {
        name
        for link in program.of("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders")
        if link.inputs.get("clusterName") == cluster
        for name in link.inputs.get("capacityProviders") or ()
        if isinstance(name, str)
    }
    for index, strategy in enumerate(strategies):
        name = strategy.get("capacityProvider")
        if isinstance(name, str) and name not in attached:
            yield (
                f"capacityProviderStrategies[{index}].capacityProvider: {name!r} is not attached "
                f"to the cluster {cluster!r}; {_near(name, attached)}"
            )


def _balanced(
    program: _Program, path: str, balancer: Mapping[str, Any], task: Resource, awsvpc: bool
) -> Iterator[str]:
    containers = {one.get("name"): one for one in _containers(task)}
    name, port = balancer.get("containerName"), balancer.get("containerPort")
    container = containers.get(name)
    if isinstance(name, str) and container is None:
        yield (
            f"{path}.containerName: the task definition {task.name!r} has no container {name!r}; "
            f"{_near(name, (known for known in containers if known))}"
        )
    elif container is not None:
        ports = {
            int(mapping["containerPort"])
            for mapping in container.get("portMappings") or ()
            if isinstance(mapping.get("containerPort"), int | str)
        }
        if isinstance(port, int) and port not in ports:
            listed = ", ".join(str(known) for known in sorted(ports)) or "none"
            yield f"{path}.containerPort: {name!r} does not map port {port}; it maps {listed}"
    group = program.find(TARGET_GROUP, balancer.get("targetGroupArn"))
    if group is not None:
        wanted = "ip" if awsvpc else "instance"
        given = group.inputs.get("targetType") or "instance"
        if isinstance(given, str) and given != wanted:
            yield (
                f"{path}.targetGroupArn: the target group {group.name!r} has targetType {given!r}; "
                f"tasks with networkMode {task.inputs.get('networkMode') or 'bridge'} need {wanted}"
            )


def _task_definition(_: _Program, resource: Resource) -> Iterator[str]:
    inputs = resource.inputs
    containers = _containers(resource)
    names = [one["name"] for one in containers if isinstance(one.get("name"), str)]
    volumes = [one.get("name") for one in inputs.get("volumes") or ()]
    fargate = "FARGATE" in (inputs.get("requiresCompatibilities") or ())
    if fargate and inputs.get("networkMode") != "awsvpc":
        yield f"networkMode: {inputs.get('networkMode')!r} given; Fargate needs awsvpc"
    if not inputs.get("executionRoleArn") and (why := _needs_execution_role(containers, fargate)):
        yield f"executionRoleArn: missing; ECS needs one to {why}"
    for index, container in enumerate(containers):
        path = f"containerDefinitions[{index}]"
        for other in container.get("dependsOn") or ():
            if other.get("containerName") not in names:
                yield (
                    f"{path}.dependsOn: {other.get('containerName')!r} is no container of this "
                    f"task definition; {_near(str(other.get('containerName')), names)}"
                )
        for mount in container.get("mountPoints") or ():
            if mount.get("sourceVolume") not in volumes:
                yield (
                    f"{path}.mountPoints: {mount.get('sourceVolume')!r} is no volume of this task "
                    f"definition; {_near(str(mount.get('sourceVolume')), filter(None, volumes))}"
                )


def _needs_execution_role(containers: Iterable[Mapping[str, Any]], fargate: bool) -> str:
    """What the agent itself does before the container runs, and so with the execution role."""
    for container in containers:
        if container.get("secrets"):
            return f"read the secrets of the container {container.get('name')!r}"
        logs = container.get("logConfiguration") or {}
        if fargate and logs.get("logDriver") == "awslogs":
            return f"write the log of the container {container.get('name')!r}"
        if fargate and ".dkr.ecr." in str(container.get("image", "")):
            return f"pull the image of the container {container.get('name')!r} from ECR"
    return ""


def _containers(task: Resource) -> list[Mapping[str, Any]]:
    decoded = _decoded(task.inputs.get("containerDefinitions"))
    return [one for one in decoded if isinstance(one, Mapping)] if isinstance(decoded, list) else []


def _cluster_name(program: _Program, service: Resource) -> str | None:
    cluster = program.find(CLUSTER, service.inputs.get("cluster"))
    return next(_values(cluster, "name"), None) if cluster else None


def _scalable_target(program: _Program, resource: Resource) -> Iterator[str]:
    given = resource.inputs.get("resourceId")
    if resource.inputs.get("serviceNamespace") != "ecs" or not isinstance(given, str):
        return
    known = program.scalable_services
    if given not in known:
        yield f"resourceId: {given!r} is no ECS service of this program; {_near(given, known)}"


def _composite_alarm(program: _Program, resource: Resource) -> Iterator[str]:
    known = program.all(ALARM)
    rule = resource.inputs.get("alarmRule")
    for name in _ALARM_IN_A_RULE.findall(rule) if isinstance(rule, str) else ():
        if name not in known:
            yield f"alarmRule: {name!r} is no alarm of this program; {_near(name, known)}"


_RULES = {
    "aws:appautoscaling/target:Target": _scalable_target,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _composite_alarm,
    _SERVICE: _service,
    _TASK_DEFINITION: _task_definition,
}
