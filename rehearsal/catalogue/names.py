"""Physical names: what the provider makes up when the program gives none, and what AWS allows.

A bridged Pulumi provider names a resource `<logical name>-<7 hex digits>`. The length limit is the
service's, so a name that fits today breaks when the logical name grows: the provider refuses it
before any AWS call, and so does this module. The digits come from the URN, so the same program
always gets the same names.

Imports no AWS library: the record-only provider uses it as well.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rehearsal import sdk
from rehearsal.graph import Finding, Graph, Resource, Unknown

SUFFIX_DIGITS = 7


@dataclass(frozen=True)
class Alphabet:
    """What a service takes in a name."""

    pattern: str
    """What the whole name must match."""
    allowed: str
    """The pattern in words, for the message."""
    lower: bool = False
    """The service stores names in lower case, so a made-up name is lowered."""


@dataclass(frozen=True, kw_only=True)
class AutoName:
    """How one type is named, and which names its service takes."""

    property: str = "name"
    limit: int = 255
    """Most characters in the physical name, the made-up suffix included."""
    shortest: int = 1
    alphabet: Alphabet | None = None
    """Which names the service takes; None when it takes anything."""
    prefix: str = ""
    """What a made-up name starts with: `alias/`."""
    fifo: str = ""
    """The boolean input that asks for the `.fifo` ending."""
    made_up: bool = True
    """Whether the provider makes a name up; otherwise the program must give one."""


_LETTERS = Alphabet(r"[A-Za-z0-9-]+", "letters, digits and hyphens")
_LOWERED = replace(_LETTERS, lower=True)
_WORD = Alphabet(r"[A-Za-z0-9_-]+", "letters, digits, hyphens and underscores")
_DOTTED = Alphabet(r"[A-Za-z0-9._-]+", "letters, digits and . _ -")
_UNDERSCORED = Alphabet(r"\w+", "letters, digits and underscores")
_IAM = Alphabet(r"[\w+=,.@-]+", "letters, digits and +=,.@_-")
_COGNITO = Alphabet(r"[\w\s+=,.@-]+", "letters, digits, spaces and _ + = , . @ -")
_DATABASE = Alphabet(
    r"[A-Za-z](?!.*--)[A-Za-z0-9-]*(?<!-)",
    "a letter first, then letters, digits and single hyphens, no hyphen last",
    lower=True,
)

AUTO_NAMES: Mapping[str, AutoName] = {
    "aws:acm/certificate:Certificate": AutoName(property="domainName", limit=253, made_up=False),
    "aws:apigatewayv2/api:Api": AutoName(limit=128),
    "aws:apigatewayv2/domainName:DomainName": AutoName(
        property="domainName", limit=512, made_up=False
    ),
    "aws:apigatewayv2/stage:Stage": AutoName(
        limit=128,
        alphabet=Alphabet(r"\$default|[A-Za-z0-9_-]+", "$default, or letters, digits, - and _"),
    ),
    "aws:apigatewayv2/vpcLink:VpcLink": AutoName(limit=128),
    "aws:appautoscaling/policy:Policy": AutoName(limit=256),
    "aws:appautoscaling/scheduledAction:ScheduledAction": AutoName(limit=256),
    "aws:autoscaling/group:Group": AutoName(),
    "aws:autoscaling/lifecycleHook:LifecycleHook": AutoName(
        alphabet=Alphabet(r"[A-Za-z0-9\-_\/]+", "letters, digits and - _ /"),
    ),
    "aws:autoscaling/policy:Policy": AutoName(),
    "aws:autoscaling/schedule:Schedule": AutoName(property="scheduledActionName", made_up=False),
    "aws:backup/plan:Plan": AutoName(limit=50, alphabet=_DOTTED),
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": AutoName(limit=50, alphabet=_UNDERSCORED),
    "aws:backup/restoreTestingSelection:RestoreTestingSelection": AutoName(
        limit=50, alphabet=_UNDERSCORED
    ),
    "aws:backup/selection:Selection": AutoName(limit=50, alphabet=_DOTTED),
    "aws:backup/vault:Vault": AutoName(limit=50, shortest=2, alphabet=_WORD),
    "aws:budgets/budget:Budget": AutoName(
        limit=100,
        alphabet=Alphabet(r"[^:\\]+", "anything but : and \\"),
    ),
    "aws:cloudfront/cachePolicy:CachePolicy": AutoName(limit=128, alphabet=_WORD),
    "aws:cloudfront/function:Function": AutoName(limit=64, alphabet=_WORD),
    "aws:cloudfront/keyGroup:KeyGroup": AutoName(limit=128),
    "aws:cloudfront/originAccessControl:OriginAccessControl": AutoName(limit=64),
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": AutoName(limit=128, alphabet=_WORD),
    "aws:cloudfront/publicKey:PublicKey": AutoName(limit=128),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": AutoName(
        limit=128, alphabet=_WORD
    ),
    "aws:cloudtrail/trail:Trail": AutoName(
        limit=128,
        shortest=3,
        alphabet=Alphabet(
            r"(?!\d+\.\d+\.\d+\.\d+$)[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*",
            "letters and digits in words joined by . _ -, and no IP address",
        ),
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": AutoName(property="alarmName", made_up=False),
    "aws:cloudwatch/dashboard:Dashboard": AutoName(
        property="dashboardName", made_up=False, alphabet=_WORD
    ),
    "aws:cloudwatch/eventRule:EventRule": AutoName(
        limit=64,
        alphabet=Alphabet(r"[\w.-]+", "letters, digits and . _ -"),
    ),
    "aws:cloudwatch/logGroup:LogGroup": AutoName(
        limit=512, alphabet=Alphabet(r"[\w./#-]+", "letters, digits and . _ - / #")
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": AutoName(
        limit=512,
        alphabet=Alphabet(r"[^:*]+", "anything but : and *"),
    ),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": AutoName(
        limit=512,
        alphabet=Alphabet(r"[^:*]+", "anything but : and *"),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": AutoName(),
    "aws:cognito/userPool:UserPool": AutoName(limit=128, alphabet=_COGNITO),
    "aws:cognito/userPoolClient:UserPoolClient": AutoName(limit=128, alphabet=_COGNITO),
    "aws:ec2/launchTemplate:LaunchTemplate": AutoName(
        limit=125,
        shortest=3,
        alphabet=Alphabet(r"[A-Za-z0-9(\[\])./\-_]+", "letters, digits and ( ) [ ] . / - _"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": AutoName(
        alphabet=Alphabet(
            r"(?!sg-)[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]+",
            "letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, not starting with sg-",
        ),
    ),
    "aws:ecr/repository:Repository": AutoName(
        limit=256,
        shortest=2,
        alphabet=Alphabet(
            r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*",
            "lower-case letters and digits in words joined by . _ - /",
        ),
    ),
    "aws:ecs/capacityProvider:CapacityProvider": AutoName(
        alphabet=Alphabet(
            r"(?!aws|ecs|fargate)[A-Za-z0-9_-]+",
            "letters, digits, - and _, not starting with aws, ecs or fargate",
        ),
    ),
    "aws:ecs/cluster:Cluster": AutoName(alphabet=_WORD),
    "aws:ecs/service:Service": AutoName(alphabet=_WORD),
    "aws:ecs/taskDefinition:TaskDefinition": AutoName(
        property="family", made_up=False, alphabet=_WORD
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": AutoName(alphabet=_DATABASE),
    "aws:elasticache/replicationGroup:ReplicationGroup": AutoName(
        property="replicationGroupId", limit=40, alphabet=_DATABASE
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": AutoName(alphabet=_LOWERED),
    "aws:elasticbeanstalk/application:Application": AutoName(
        limit=100, alphabet=Alphabet(r"[^/]+", "anything but /")
    ),
    "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": AutoName(
        limit=100, alphabet=Alphabet(r"[^/]+", "anything but /")
    ),
    "aws:elasticbeanstalk/environment:Environment": AutoName(
        limit=40,
        shortest=4,
        alphabet=Alphabet(r"(?!-)[A-Za-z0-9-]+(?<!-)", "letters, digits and inner hyphens"),
    ),
    "aws:iam/instanceProfile:InstanceProfile": AutoName(limit=128, alphabet=_IAM),
    "aws:iam/policy:Policy": AutoName(limit=128, alphabet=_IAM),
    "aws:iam/role:Role": AutoName(limit=64, alphabet=_IAM),
    "aws:iam/rolePolicy:RolePolicy": AutoName(limit=128, alphabet=_IAM),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": AutoName(
        limit=64, alphabet=_DOTTED
    ),
    "aws:kms/alias:Alias": AutoName(
        limit=256,
        prefix="alias/",
        alphabet=Alphabet(
            r"alias/(?!aws/)[A-Za-z0-9/_-]+",
            "alias/ and then letters, digits and / _ -, not alias/aws/",
        ),
    ),
    "aws:lambda/function:Function": AutoName(limit=64, alphabet=_WORD),
    "aws:lb/loadBalancer:LoadBalancer": AutoName(
        limit=32,
        alphabet=Alphabet(
            r"(?!internal-)(?!-)[A-Za-z0-9-]+(?<!-)",
            "letters, digits and inner hyphens, not starting with internal-",
        ),
    ),
    "aws:lb/targetGroup:TargetGroup": AutoName(
        limit=32,
        alphabet=Alphabet(r"(?!-)[A-Za-z0-9-]+(?<!-)", "letters, digits and inner hyphens"),
    ),
    "aws:rds/eventSubscription:EventSubscription": AutoName(alphabet=_LETTERS),
    "aws:rds/instance:Instance": AutoName(property="identifier", limit=63, alphabet=_DATABASE),
    "aws:rds/parameterGroup:ParameterGroup": AutoName(alphabet=_DATABASE),
    "aws:rds/subnetGroup:SubnetGroup": AutoName(
        alphabet=Alphabet(r"[A-Za-z0-9_. -]+", "letters, digits, spaces and . _ -", lower=True)
    ),
    "aws:s3/bucket:Bucket": AutoName(
        property="bucket",
        limit=63,
        shortest=3,
        alphabet=Alphabet(
            r"(?!xn--)(?!.*\.\.)[a-z0-9][a-z0-9.-]+[a-z0-9]",
            "lower-case letters, digits, hyphens and dots, a letter or digit at both ends",
            lower=True,
        ),
    ),
    "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration": AutoName(
        limit=64
    ),
    "aws:scheduler/schedule:Schedule": AutoName(limit=64, alphabet=_DOTTED),
    "aws:scheduler/scheduleGroup:ScheduleGroup": AutoName(limit=64, alphabet=_DOTTED),
    "aws:secretsmanager/secret:Secret": AutoName(
        limit=512,
        alphabet=Alphabet(r"[A-Za-z0-9/_+=.@-]+", "letters, digits and /_+=.@-"),
    ),
    "aws:sns/topic:Topic": AutoName(limit=256, fifo="fifoTopic", alphabet=_WORD),
    "aws:sqs/queue:Queue": AutoName(limit=80, fifo="fifoQueue", alphabet=_WORD),
    "aws:ssm/parameter:Parameter": AutoName(
        limit=1011,
        alphabet=Alphabet(
            r"(?!/?(?i:aws|ssm))[\w./-]+",
            "letters, digits and . _ - /, not starting with aws or ssm",
        ),
    ),
    "aws:synthetics/canary:Canary": AutoName(
        alphabet=Alphabet(
            r"[0-9a-z_-]+", "lower-case letters, digits, hyphens and underscores", lower=True
        ),
    ),
    "aws:wafv2/webAcl:WebAcl": AutoName(limit=128, alphabet=_WORD),
    "aws:xray/group:Group": AutoName(property="groupName", limit=32, made_up=False),
    "aws:xray/samplingRule:SamplingRule": AutoName(property="ruleName", limit=32, made_up=False),
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
    if rule.alphabet and rule.alphabet.lower and prefix is None:
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
    block = provider.inputs.get("defaultTags") if provider else None
    tags = block.get("tags") if isinstance(block, Mapping) else None
    return dict(tags) if isinstance(tags, Mapping) else {}


def _judged(resource: Resource, rule: AutoName, name: str, stem: str = "") -> list[Finding]:
    if len(name) > rule.limit:
        made_up = f" ({stem} and {SUFFIX_DIGITS} made-up characters)" if stem else ""
        problem = f"has {len(name)} characters{made_up}, at most {rule.limit} are allowed"
    elif len(name) < rule.shortest:
        problem = f"has {len(name)} characters, at least {rule.shortest} are needed"
    elif rule.alphabet and not re.fullmatch(
        rule.alphabet.pattern, _without_ending(rule, name, resource), re.ASCII
    ):
        problem = f"is not allowed: {rule.alphabet.allowed}"
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
