"""Physical names: what the provider makes up when the program gives none, and what AWS allows.

A bridged Pulumi provider names a resource `<logical name>-<7 hex digits>`. The length limit is the
service's, so a name that fits today breaks when the logical name grows: the provider refuses it
before any AWS call, and so does this module. The digits come from the URN, so the same program
always gets the same names.

Imports no AWS library: the record-only provider uses it as well.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal import sdk
from rehearsal.graph import Finding, Graph, Resource, Unknown

SUFFIX_DIGITS = 7


@dataclass(frozen=True, kw_only=True)
class AutoName:
    """How one type is named, and which names its service takes."""

    property: str = "name"
    limit: int = 255
    """Most characters in the physical name, the made-up suffix included."""
    shortest: int = 1
    pattern: str = ""
    """What the whole name must match; empty when the service takes anything."""
    allowed: str = ""
    """The pattern in words, for the message."""
    lower: bool = False
    """The service stores names in lower case, so the made-up name is lowered."""
    prefix: str = ""
    """What a made-up name starts with: `alias/`."""
    fifo: str = ""
    """The boolean input that asks for the `.fifo` ending."""
    made_up: bool = True
    """Whether the provider makes a name up; otherwise the program must give one."""


_LETTERS = {"pattern": r"[A-Za-z0-9-]+", "allowed": "letters, digits and hyphens"}
_BALANCER = {
    "pattern": r"(?!internal-)(?!-)[A-Za-z0-9-]+(?<!-)",
    "allowed": "letters, digits and inner hyphens, not starting with internal-",
}
_IAM = {"pattern": r"[\w+=,.@-]+", "allowed": "letters, digits and +=,.@_-"}
_DATABASE = {
    "pattern": r"[A-Za-z](?!.*--)[A-Za-z0-9-]*(?<!-)",
    "allowed": "a letter first, then letters, digits and single hyphens, no hyphen last",
    "lower": True,
}
_WORD = {"pattern": r"[A-Za-z0-9_-]+", "allowed": "letters, digits, hyphens and underscores"}
_LOGS = {"pattern": r"[\w./#-]+", "allowed": "letters, digits and . _ - / #"}
_BUCKET = {
    "pattern": r"(?!xn--)(?!.*\.\.)[a-z0-9][a-z0-9.-]+[a-z0-9]",
    "allowed": "lower-case letters, digits, hyphens and dots, a letter or digit at both ends",
    "lower": True,
}

AUTO_NAMES: Mapping[str, AutoName] = {
    "aws:acm/certificate:Certificate": AutoName(property="domainName", limit=253, made_up=False),
    "aws:appautoscaling/policy:Policy": AutoName(limit=256),
    "aws:appautoscaling/scheduledAction:ScheduledAction": AutoName(limit=256),
    "aws:autoscaling/group:Group": AutoName(),
    "aws:autoscaling/lifecycleHook:LifecycleHook": AutoName(
        pattern=r"[A-Za-z0-9\-_\/]+", allowed="letters, digits and - _ /"
    ),
    "aws:autoscaling/policy:Policy": AutoName(),
    "aws:autoscaling/schedule:Schedule": AutoName(property="scheduledActionName", made_up=False),
    "aws:budgets/budget:Budget": AutoName(
        limit=100, pattern=r"[^:\\]+", allowed="anything but : and \\"
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": AutoName(property="alarmName", made_up=False),
    "aws:cloudwatch/dashboard:Dashboard": AutoName(
        property="dashboardName", made_up=False, **_WORD
    ),
    "aws:cloudwatch/eventRule:EventRule": AutoName(
        limit=64, pattern=r"[\w.-]+", allowed="letters, digits and . _ -"
    ),
    "aws:cloudwatch/logGroup:LogGroup": AutoName(limit=512, **_LOGS),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": AutoName(
        limit=512, pattern=r"[^:*]+", allowed="anything but : and *"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": AutoName(),
    "aws:ec2/launchTemplate:LaunchTemplate": AutoName(
        limit=125,
        shortest=3,
        pattern=r"[A-Za-z0-9(\[\])./\-_]+",
        allowed="letters, digits and ( ) [ ] . / - _",
    ),
    "aws:ec2/securityGroup:SecurityGroup": AutoName(
        pattern=r"(?!sg-)[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]+",
        allowed="letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, not starting with sg-",
    ),
    "aws:ecr/repository:Repository": AutoName(
        limit=256,
        shortest=2,
        pattern=r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*",
        allowed="lower-case letters and digits in words joined by . _ - /",
    ),
    "aws:ecs/capacityProvider:CapacityProvider": AutoName(
        pattern=r"(?!aws|ecs|fargate)[A-Za-z0-9_-]+",
        allowed="letters, digits, - and _, not starting with aws, ecs or fargate",
    ),
    "aws:ecs/cluster:Cluster": AutoName(**_WORD),
    "aws:ecs/service:Service": AutoName(**_WORD),
    "aws:ecs/taskDefinition:TaskDefinition": AutoName(property="family", made_up=False, **_WORD),
    "aws:elasticache/parameterGroup:ParameterGroup": AutoName(**_DATABASE),
    "aws:elasticache/replicationGroup:ReplicationGroup": AutoName(
        property="replicationGroupId", limit=40, **_DATABASE
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": AutoName(**(_LETTERS | {"lower": True})),
    "aws:iam/instanceProfile:InstanceProfile": AutoName(limit=128, **_IAM),
    "aws:iam/policy:Policy": AutoName(limit=128, **_IAM),
    "aws:iam/role:Role": AutoName(limit=64, **_IAM),
    "aws:iam/rolePolicy:RolePolicy": AutoName(limit=128, **_IAM),
    "aws:kms/alias:Alias": AutoName(
        limit=256,
        prefix="alias/",
        pattern=r"alias/(?!aws/)[A-Za-z0-9/_-]+",
        allowed="alias/ and then letters, digits and / _ -, not alias/aws/",
    ),
    "aws:lambda/function:Function": AutoName(limit=64, **_WORD),
    "aws:lb/loadBalancer:LoadBalancer": AutoName(limit=32, **_BALANCER),
    "aws:lb/targetGroup:TargetGroup": AutoName(
        limit=32,
        pattern=r"(?!-)[A-Za-z0-9-]+(?<!-)",
        allowed="letters, digits and inner hyphens",
    ),
    "aws:rds/eventSubscription:EventSubscription": AutoName(**_LETTERS),
    "aws:rds/instance:Instance": AutoName(property="identifier", limit=63, **_DATABASE),
    "aws:rds/parameterGroup:ParameterGroup": AutoName(**_DATABASE),
    "aws:rds/subnetGroup:SubnetGroup": AutoName(
        pattern=r"[A-Za-z0-9_. -]+", allowed="letters, digits, spaces and . _ -", lower=True
    ),
    "aws:s3/bucket:Bucket": AutoName(property="bucket", limit=63, shortest=3, **_BUCKET),
    "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration": AutoName(
        limit=64
    ),
    "aws:secretsmanager/secret:Secret": AutoName(
        limit=512, pattern=r"[A-Za-z0-9/_+=.@-]+", allowed="letters, digits and /_+=.@-"
    ),
    "aws:sns/topic:Topic": AutoName(limit=256, fifo="fifoTopic", **_WORD),
    "aws:sqs/queue:Queue": AutoName(limit=80, fifo="fifoQueue", **_WORD),
    "aws:ssm/parameter:Parameter": AutoName(
        limit=1011,
        pattern=r"(?!/?(?i:aws|ssm))[\w./-]+",
        allowed="letters, digits and . _ - /, not starting with aws or ssm",
    ),
}
"""The types whose limit or naming property differs from the bridge's default: `name`, 255."""


def suffix(urn: str) -> str:
    """The seven hexadecimal digits the provider would draw at random, drawn from the URN."""
    return hashlib.sha256(urn.encode()).hexdigest()[:SUFFIX_DIGITS]


def naming(type: str) -> AutoName | None:
    """How `type` is named, or None for a type without a name of its own."""
    if found := AUTO_NAMES.get(type):
        return found
    return AutoName() if type.startswith("aws:") and "name" in sdk.inputs(type) else None


def auto_name(resource: Resource) -> list[Finding]:
    """Give `resource` the name the provider would make up, or judge the name it was given."""
    rule = naming(resource.type)
    if rule is None:
        return []
    given = resource.inputs.get(rule.property)
    if isinstance(given, Unknown):
        return []
    if given is not None:
        return _judged(resource, rule, str(given))
    prefix_property = "namePrefix" if rule.property == "name" else f"{rule.property}Prefix"
    if not rule.made_up and prefix_property not in resource.inputs:
        return []
    ending = ".fifo" if rule.fifo and resource.inputs.get(rule.fifo) else ""
    prefix = resource.inputs.get(prefix_property)
    stem = prefix if isinstance(prefix, str) else f"{rule.prefix}{resource.name}-"
    if rule.lower and prefix is None:
        stem = stem.lower()
    made_up = f"{stem}{suffix(resource.urn)}{ending}"
    resource.inputs[rule.property] = made_up
    return _judged(resource, rule, made_up, stem=stem)


def apply_default_tags(resource: Resource, graph: Graph) -> None:
    """Merge the provider's `defaultTags` under the resource's own tags, as `tagsAll`."""
    if not resource.type.startswith("aws:") or "tagsAll" not in sdk.outputs(resource.type):
        return
    own = resource.inputs.get("tags") or {}
    if isinstance(own, Unknown):
        return
    tags = default_tags(resource, graph) | own
    if tags:
        resource.inputs["tagsAll"] = dict(sorted(tags.items()))


def default_tags(resource: Resource, graph: Graph) -> dict[str, Any]:
    """The tags that the resource's provider adds to everything it makes."""
    provider = graph.resources.get(resource.provider)
    block = decoded(provider.inputs.get("defaultTags")) if provider else None
    tags = decoded(block.get("tags")) if isinstance(block, Mapping) else None
    return dict(tags) if isinstance(tags, Mapping) else {}


def decoded(value: Any) -> Any:
    """A provider's own inputs travel as JSON text; give the value they stand for."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _judged(resource: Resource, rule: AutoName, name: str, stem: str = "") -> list[Finding]:
    if len(name) > rule.limit:
        made_up = f" ({stem} and {SUFFIX_DIGITS} made-up characters)" if stem else ""
        problem = f"has {len(name)} characters{made_up}, at most {rule.limit} are allowed"
    elif len(name) < rule.shortest:
        problem = f"has {len(name)} characters, at least {rule.shortest} are needed"
    elif rule.pattern and not re.fullmatch(rule.pattern, _without_ending(rule, name, resource)):
        problem = f"is not allowed: {rule.allowed}"
    elif rule.fifo and resource.inputs.get(rule.fifo) and not name.endswith(".fifo"):
        problem = f"must end in .fifo, because {rule.fifo} is true"
    else:
        return []
    return [
        Finding(
            source=resource.source,
            urn=resource.urn,
            check="name",
            severity="error",
            message=f'{rule.property}: "{name}" {problem}',
        )
    ]


def _without_ending(rule: AutoName, name: str, resource: Resource) -> str:
    return name.removesuffix(".fifo") if rule.fifo and resource.inputs.get(rule.fifo) else name
