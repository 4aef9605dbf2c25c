"""What each resource of a rehearsed graph adds to the bill: the tables behind `operations.cost`.

A type of AWS's is in `PRICED` when it costs something while it stands, in `USED` when its use is
billed, often in both, or else in `FREE`. A test holds every graph to that; whoever adds a type adds
its row here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from operations import prices
from operations.prices import HOURS

FARGATE_FREE_DISK_GB = 20
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html"""

DETAILED_METRICS = 7
"""Of an instance that reports every minute.
https://aws.amazon.com/cloudwatch/pricing/, from memory, 2026"""


class NoPriceError(Exception):
    """The tables lack a price; the message is of what."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """US dollars a month."""

    low: float
    high: float

    def __sub__(self, other: Range) -> Range:
        return Range(low=self.low - other.low, high=self.high - other.high)

    @property
    def is_nothing(self) -> bool:
        """To the cent."""
        return round(self.low, 2) == 0 == round(self.high, 2)


NOTHING = Range(low=0, high=0)


def together(costs: Iterable[Range]) -> Range:
    """The same to the last digit in whatever order they come."""
    costs = list(costs)
    return Range(low=math.fsum(one.low for one in costs), high=math.fsum(one.high for one in costs))


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing on the bill."""

    what: str
    cost: Range


@dataclass(frozen=True, kw_only=True)
class Node:
    """One resource of the graph."""

    type: str
    name: str
    component: str
    """The outermost component it is part of: `database`."""
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The graph of a rehearsal."""

    name: str
    nodes: Sequence[Node]
    findings: int
    """Errors that the rehearsal found: with any, the graph may lack what could not be made."""

    def all(self, type: str) -> Iterator[Node]:
        return (node for node in self.nodes if node.type == type)

    def first(self, type: str, output: str, value: Any) -> Node | None:
        """The resource whose `output` is `value`."""
        return next((node for node in self.all(type) if node.outputs.get(output) == value), None)

    @property
    def region(self) -> str:
        provider = next(self.all("pulumi:providers:aws"), None)
        return provider.inputs.get("region", prices.REGION) if provider else prices.REGION

    @property
    def budget(self) -> float | None:
        budget = next(self.all("aws:budgets/budget:Budget"), None)
        return float(budget.inputs["limitAmount"]) if budget else None


Pricer = Callable[[Node, Stack], Iterable[Item]]


def _fixed(what: str, a_month: float) -> Iterator[Item]:
    yield Item(what=what, cost=Range(low=a_month, high=a_month))


def _hour(classes: prices.Classes, name: str) -> float:
    """Of `g6.xlarge`, `db.r6g.large` or `cache.t4g.micro`."""
    hour = classes.hour(name.removeprefix("db.").removeprefix("cache."))
    if hour is None:
        raise NoPriceError(name)
    return hour


def counted(count: int | str, what: str) -> str:
    """`3 zones`, `2 x db.r6g.large`, `2 to 10 tasks`: what has a plain name gets its plural."""
    if count in (1, "1"):
        return f"1 {what}" if what.isalpha() else what
    if re.fullmatch(r"[A-Za-z ]+", what):
        return f"{count} {what}{'es' if what.endswith('s') else 's'}"
    return f"{count} x {what}"


def _from_to(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def _on_spot(share: float) -> str:
    return f", {share * 100:.0f} % on spot" if share else ""


# Stores.


def _database(node: Node, stack: Stack) -> Iterator[Item]:
    zones, where = (2, " in two zones") if node.inputs.get("multiAz") else (1, "")
    name = node.inputs["instanceClass"]
    hour = _hour(prices.RDS_POSTGRESQL, name)
    yield from _fixed(f"{name}{where}", hour * zones * HOURS)
    source = stack.first(node.type, "identifier", node.inputs.get("replicateSourceDb")) or node
    floor = source.inputs["allocatedStorage"]
    ceiling = max(floor, node.inputs.get("maxAllocatedStorage", floor))
    gb = prices.RDS_GP3_GB.usd * zones
    yield Item(
        what=f"{_from_to(floor, ceiling)} GB of disk{where}",
        cost=Range(low=gb * floor, high=gb * ceiling),
    )
    if node.inputs.get("databaseInsightsMode") == "advanced":
        vcpus = prices.VCPUS_OF_LARGE * prices.LARGES.get(name.rpartition(".")[2], 1)
        yield from _fixed(
            "Database Insights, advanced", prices.DATABASE_INSIGHTS_VCPU.usd * vcpus * HOURS
        )


def _cache(node: Node, _stack: Stack) -> Iterator[Item]:
    name, engine = node.inputs["nodeType"], node.inputs["engine"]
    share = prices.VALKEY_SHARE if engine == "valkey" else 1
    hour = _hour(prices.ELASTICACHE_REDIS, name) * share
    count = node.inputs["numCacheClusters"]
    yield from _fixed(counted(count, f"{name}, {engine}"), hour * count * HOURS)


# What runs.


def _service(node: Node, stack: Stack) -> Iterator[Item]:
    """On Fargate; a fleet's tasks cost what its instances do."""
    strategies = node.inputs.get("capacityProviderStrategies") or ()
    if not any(one["capacityProvider"].startswith("FARGATE") for one in strategies):
        return
    task = stack.first(
        "aws:ecs/taskDefinition:TaskDefinition", "arn", node.inputs["taskDefinition"]
    )
    if task is None:
        raise NoPriceError(f"the tasks of {node.name}")
    low, high = _task_bounds(node, stack)
    a_task, size = _fargate_task(task)
    spot = _spot_share(strategies)
    saved = prices.FARGATE_SPOT_SAVES
    yield Item(
        what=f"{counted(_from_to(low, high), 'task')} of {size}{_on_spot(spot)}",
        cost=Range(
            low=a_task * (low - saved * _spot_tasks(low, strategies)),
            high=a_task * (high - saved * _spot_tasks(high, strategies)),
        ),
    )


def _task_bounds(service: Node, stack: Stack) -> tuple[int, int]:
    """The fewest and the most tasks that scaling, or its timetable, may make it."""
    desired = int(service.inputs.get("desiredCount") or 0)

    def of_service(type: str) -> Iterator[Node]:
        name = f"/{service.inputs['name']}"
        return (node for node in stack.all(type) if node.inputs["resourceId"].endswith(name))

    bounds = [node.inputs for node in of_service("aws:appautoscaling/target:Target")]
    bounds += [
        node.inputs["scalableTargetAction"]
        for node in of_service("aws:appautoscaling/scheduledAction:ScheduledAction")
    ]
    return (
        min((int(one["minCapacity"]) for one in bounds if "minCapacity" in one), default=desired),
        max((int(one["maxCapacity"]) for one in bounds if "maxCapacity" in one), default=desired),
    )


def _fargate_task(task: Node) -> tuple[float, str]:
    """A month of one, and its size in words."""
    vcpus, gb = int(task.inputs["cpu"]) / 1024, int(task.inputs["memory"]) / 1024
    cpu = (task.inputs.get("runtimePlatform") or {}).get("cpuArchitecture", "X86_64")
    disk = (task.inputs.get("ephemeralStorage") or {}).get("sizeInGib", FARGATE_FREE_DISK_GB)
    hour = (
        vcpus * prices.FARGATE_VCPU[cpu].usd
        + gb * prices.FARGATE_GB[cpu].usd
        + (disk - FARGATE_FREE_DISK_GB) * prices.FARGATE_DISK_GB.usd
    )
    return hour * HOURS, f"{vcpus:g} vCPU and {gb:g} GB, {cpu.lower()}"


def _spot_tasks(count: int, strategies: Sequence[Mapping[str, Any]]) -> float:
    """How many of `count` tasks are on spot: the base comes first, the weights share the rest."""
    bases = sum(one.get("base", 0) for one in strategies)
    return max(0, count - bases) * _spot_share(strategies)


def _spot_share(strategies: Sequence[Mapping[str, Any]]) -> float:
    weights = {one["capacityProvider"]: one.get("weight", 0) for one in strategies}
    return weights.get("FARGATE_SPOT", 0) / (sum(weights.values()) or 1)


def _group(node: Node, stack: Stack) -> Iterator[Item]:
    low, high = _instance_bounds(node, stack)
    mixed = node.inputs.get("mixedInstancesPolicy")
    template = _template(node, stack)
    if mixed:
        overrides = mixed["launchTemplate"].get("overrides") or ()
        types = [one["instanceType"] for one in overrides] or [template["instanceType"]]
        spread = mixed.get("instancesDistribution") or {}
        base = int(spread.get("onDemandBaseCapacity") or 0)
        percent = spread.get("onDemandPercentageAboveBaseCapacity")
        percent = 100 if percent is None else int(percent)
    else:
        types, base, percent = [template["instanceType"]], 0, 100
    yield _instances(types, low, high, base=base, percent=percent)
    for disk in template.get("blockDeviceMappings") or ():
        yield _disks(disk["ebs"], low, high)
    if (template.get("monitoring") or {}).get("enabled"):
        a_month = DETAILED_METRICS * prices.CUSTOM_METRIC.usd
        yield Item(what="their metrics", cost=Range(low=a_month * low, high=a_month * high))


def _template(group: Node, stack: Stack) -> Mapping[str, Any]:
    mixed = group.inputs.get("mixedInstancesPolicy")
    wanted = (
        mixed["launchTemplate"]["launchTemplateSpecification"]["launchTemplateId"]
        if mixed
        else group.inputs["launchTemplate"]["id"]
    )
    template = stack.first("aws:ec2/launchTemplate:LaunchTemplate", "id", wanted)
    if template is None:
        raise NoPriceError(f"the instances of {group.name}")
    return template.inputs


def _instance_bounds(group: Node, stack: Stack) -> tuple[int, int]:
    """A fleet's group may be empty, and its service keeps it from being so: a worker has a GPU."""
    lows, highs = [int(group.inputs["minSize"])], [int(group.inputs["maxSize"])]
    for planned in stack.all("aws:autoscaling/schedule:Schedule"):
        if planned.inputs["autoscalingGroupName"] == group.inputs["name"]:
            lows.append(int(planned.inputs.get("minSize", lows[0])))
            highs.append(int(planned.inputs.get("maxSize", highs[0])))
    return max(min(lows), _hosts_for_workers(group, stack)), max(highs)


def _hosts_for_workers(group: Node, stack: Stack) -> int:
    workers = 0
    for provider in stack.all("aws:ecs/capacityProvider:CapacityProvider"):
        arn = provider.inputs["autoScalingGroupProvider"]["autoScalingGroupArn"]
        if not arn.endswith(f"/{group.inputs['name']}"):
            continue
        for service in stack.all("aws:ecs/service:Service"):
            used = service.inputs.get("capacityProviderStrategies") or ()
            if any(one["capacityProvider"] == provider.inputs["name"] for one in used):
                workers += _task_bounds(service, stack)[0]
    mixed = group.inputs.get("mixedInstancesPolicy") or {"launchTemplate": {}}
    overrides = mixed["launchTemplate"].get("overrides") or ()
    gpus = max((prices.GPUS.get(one["instanceType"], 1) for one in overrides), default=1)
    return math.ceil(workers / gpus)


def _instances(types: Sequence[str], low: int, high: int, *, base: int, percent: int) -> Item:
    """The cheapest of `types` at the floor, the dearest at the ceiling."""

    def month(count: int, name: str) -> float:
        # EC2 rounds the share on demand up, to whole instances.
        on_demand = min(count, base + math.ceil(max(0, count - base) * percent / 100))
        saved = prices.SPOT_SAVES.get(name.partition(".")[0], prices.SPOT_SAVES_ELSE)
        spot = (count - on_demand) * (1 - saved)
        return (on_demand + spot) * _hour(prices.EC2_LINUX, name) * HOURS

    return Item(
        what=f"{counted(_from_to(low, high), ' or '.join(types))}{_on_spot(1 - percent / 100)}",
        cost=Range(
            low=min(month(low, name) for name in types),
            high=max(month(high, name) for name in types),
        ),
    )


def _disks(disk: Mapping[str, Any], low: int, high: int) -> Item:
    size = int(disk["volumeSize"])
    a_month = (
        size * prices.EBS_GP3_GB.usd
        + max(0, int(disk.get("iops") or 0) - 3000) * prices.EBS_GP3_IOPS.usd
        + max(0, int(disk.get("throughput") or 0) - 125) * prices.EBS_GP3_MBPS.usd
    )
    return Item(
        what=f"a disk of {size} GB each", cost=Range(low=a_month * low, high=a_month * high)
    )


def _beanstalk(node: Node, _stack: Stack) -> Iterator[Item]:
    options = {one["name"]: one["value"] for one in node.inputs["settings"]}
    low, high = int(options["MinSize"]), int(options["MaxSize"])
    yield _instances(options["InstanceTypes"].split(","), low, high, base=0, percent=100)
    yield _disks({"volumeSize": options["RootVolumeSize"]}, low, high)


# The network and the edge.


def _nat_gateway(_node: Node, _stack: Stack) -> Iterator[Item]:
    yield from _fixed("NAT gateway", prices.NAT_GATEWAY.usd * HOURS)


def _address(_node: Node, _stack: Stack) -> Iterator[Item]:
    yield from _fixed("public address", prices.PUBLIC_IPV4.usd * HOURS)


def _load_balancer(node: Node, _stack: Stack) -> Iterator[Item]:
    yield from _fixed("load balancer", prices.LOAD_BALANCER.usd * HOURS)
    if not node.inputs.get("internal"):
        for _subnet in node.inputs["subnets"]:
            yield from _address(node, _stack)


def _endpoint(node: Node, _stack: Stack) -> Iterator[Item]:
    if node.inputs.get("vpcEndpointType") != "Interface":
        return
    zones = len(node.inputs["subnetIds"])
    a_month = prices.INTERFACE_ENDPOINT.usd * zones * HOURS
    yield from _fixed(f"interface endpoint in {counted(zones, 'zone')}", a_month)


def _web_acl(node: Node, _stack: Stack) -> Iterator[Item]:
    rules = len(node.inputs["rules"])
    a_month = prices.WEB_ACL.usd + prices.WEB_ACL_RULE.usd * rules
    yield from _fixed(f"firewall of {counted(rules, 'rule')}", a_month)


def _health_check(node: Node, _stack: Stack) -> Iterator[Item]:
    given = node.inputs
    features = (
        given["type"].startswith("HTTPS"),
        given["type"].endswith("STR_MATCH"),
        given.get("requestInterval") == 10,
        bool(given.get("measureLatency")),
    )
    a_month = prices.HEALTH_CHECK.usd + prices.HEALTH_CHECK_FEATURE.usd * sum(features)
    yield from _fixed("health check", a_month)


# Keys, secrets, and what watches.


def _key(node: Node, _stack: Stack) -> Iterator[Item]:
    price = prices.KMS_KEY.usd
    rotated = 2 if node.inputs.get("enableKeyRotation") else 0
    yield Item(what="key", cost=Range(low=price, high=price * (1 + rotated)))


def _secret(_node: Node, _stack: Stack) -> Iterator[Item]:
    yield from _fixed("secret", prices.SECRET.usd)


def _alarm(node: Node, _stack: Stack) -> Iterator[Item]:
    metrics = [one["metric"] for one in node.inputs.get("metricQueries") or () if "metric" in one]
    for metric in metrics or [node.inputs]:
        fast = metric.get("period", 60) < 60
        price = prices.FAST_ALARM_METRIC if fast else prices.ALARM_METRIC
        yield from _fixed("alarm metric", price.usd)


def _composite_alarm(_node: Node, _stack: Stack) -> Iterator[Item]:
    yield from _fixed("composite alarm", prices.COMPOSITE_ALARM.usd)


def _scaling(node: Node, _stack: Stack) -> Iterator[Item]:
    """AWS makes the alarms of a target itself: one to grow, one to shrink."""
    if node.inputs.get("policyType") == "TargetTrackingScaling":
        for _direction in range(2):
            yield from _fixed("alarm metric", prices.ALARM_METRIC.usd)


def _log_metric(_node: Node, _stack: Stack) -> Iterator[Item]:
    """Billed for the hours in which its log has the pattern."""
    yield Item(what="log metric", cost=Range(low=0, high=prices.CUSTOM_METRIC.usd))


def _dashboard(_node: Node, _stack: Stack) -> Iterator[Item]:
    yield from _fixed("dashboard", prices.DASHBOARD.usd)


def _canary(node: Node, _stack: Stack) -> Iterator[Item]:
    expression = node.inputs["schedule"]["expression"]
    found = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", expression)
    if found is None:
        raise NoPriceError(f"a canary on {expression}")
    minutes = int(found[1]) * (60 if found[2] == "hour" else 1)
    yield from _fixed(f"canary every {minutes} min", prices.CANARY_RUN.usd * HOURS * 60 / minutes)


PRICED: Mapping[str, Pricer] = {
    "aws:appautoscaling/policy:Policy": _scaling,
    "aws:autoscaling/group:Group": _group,
    "aws:autoscaling/policy:Policy": _scaling,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _composite_alarm,
    "aws:cloudwatch/dashboard:Dashboard": _dashboard,
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _log_metric,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:ec2/eip:Eip": _address,
    "aws:ec2/natGateway:NatGateway": _nat_gateway,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ecs/service:Service": _service,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache,
    "aws:elasticbeanstalk/environment:Environment": _beanstalk,
    "aws:kms/key:Key": _key,
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:rds/instance:Instance": _database,
    "aws:route53/healthCheck:HealthCheck": _health_check,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:synthetics/canary:Canary": _canary,
    "aws:wafv2/webAcl:WebAcl": _web_acl,
}
"""By type: what it costs while it stands."""

USED: Mapping[str, str] = {
    "aws:apigatewayv2/api:Api": "API Gateway: requests",
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": "Backup: restore tests",
    "aws:backup/vault:Vault": "Backup: GB kept, GB copied to another region",
    "aws:cloudfront/distribution:Distribution": "CloudFront: GB out, requests",
    "aws:cloudtrail/trail:Trail": "CloudTrail: events beyond the account's first trail",
    "aws:cloudwatch/logGroup:LogGroup": "CloudWatch Logs: GB taken in, GB kept",
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": "CloudWatch Logs: GB passed on",
    "aws:cognito/userPool:UserPool": "Cognito: users who sign in",
    "aws:ec2/flowLog:FlowLog": "VPC: GB of flow logs",
    "aws:ec2/natGateway:NatGateway": "NAT gateways: GB through them",
    "aws:ec2/vpc:Vpc": "Data transfer: GB to the internet, and between zones",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "Interface endpoints: GB through them",
    "aws:ecr/repository:Repository": "ECR: GB of images",
    "aws:ecs/cluster:Cluster": "Container Insights: metrics of each task and container",
    "aws:elasticache/replicationGroup:ReplicationGroup": "ElastiCache: GB of snapshots",
    "aws:guardduty/detector:Detector": "GuardDuty: events, GB of logs, what it watches",
    "aws:guardduty/detectorFeature:DetectorFeature": (
        "GuardDuty: events, GB of logs, what it watches"
    ),
    "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": "GuardDuty: objects, GB scanned",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "Firehose: GB delivered",
    "aws:kms/key:Key": "KMS: requests",
    "aws:lambda/function:Function": "Lambda: calls, seconds",
    "aws:lb/loadBalancer:LoadBalancer": "Load balancer: capacity units (connections, GB)",
    "aws:rds/instance:Instance": "RDS: GB of backups beyond the disk's size, monitoring's log",
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": (
        "RDS: GB of backups in another region"
    ),
    "aws:route53/record:Record": "Route 53: queries",
    "aws:s3/bucket:Bucket": "S3: GB kept, requests",
    "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration": (
        "S3: objects watched for tiering"
    ),
    "aws:scheduler/schedule:Schedule": "EventBridge Scheduler: calls",
    "aws:secretsmanager/secret:Secret": "Secrets Manager: requests",
    "aws:securityhub/account:Account": "Security Hub: checks",
    "aws:securityhub/standardsSubscription:StandardsSubscription": "Security Hub: checks",
    "aws:sns/topic:Topic": "SNS: messages",
    "aws:sqs/queue:Queue": "SQS: requests",
    "aws:wafv2/webAcl:WebAcl": "WAF: requests looked at",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        "CloudWatch Logs: GB taken in, GB kept"
    ),
    "aws:xray/samplingRule:SamplingRule": "X-Ray: traces",
}
"""By type: what is billed for its use, which no graph knows."""

FREE = frozenset(
    {
        "aws:accessanalyzer/analyzer:Analyzer",
        "aws:acm/certificate:Certificate",
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:apigatewayv2/apiMapping:ApiMapping",
        "aws:apigatewayv2/domainName:DomainName",
        "aws:apigatewayv2/integration:Integration",
        "aws:apigatewayv2/route:Route",
        "aws:apigatewayv2/stage:Stage",
        "aws:apigatewayv2/vpcLink:VpcLink",
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        "aws:appautoscaling/target:Target",
        "aws:autoscaling/lifecycleHook:LifecycleHook",
        "aws:autoscaling/schedule:Schedule",
        "aws:backup/plan:Plan",
        "aws:backup/restoreTestingSelection:RestoreTestingSelection",
        "aws:backup/selection:Selection",
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        "aws:backup/vaultPolicy:VaultPolicy",
        "aws:budgets/budget:Budget",
        "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
        "aws:cloudfront/originAccessControl:OriginAccessControl",
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        "aws:cloudfront/vpcOrigin:VpcOrigin",
        "aws:cloudwatch/alarmMuteRule:AlarmMuteRule",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:cloudwatch/logStream:LogStream",
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        "aws:cognito/managedLoginBranding:ManagedLoginBranding",
        "aws:cognito/userPoolClient:UserPoolClient",
        "aws:cognito/userPoolDomain:UserPoolDomain",
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "aws:ec2/networkAcl:NetworkAcl",
        "aws:ec2/route:Route",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpcBlockPublicAccessExclusion:VpcBlockPublicAccessExclusion",
        "aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:ecs/capacityProvider:CapacityProvider",
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws:elasticache/parameterGroup:ParameterGroup",
        "aws:elasticache/subnetGroup:SubnetGroup",
        "aws:elasticbeanstalk/application:Application",
        "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
        "aws:iam/instanceProfile:InstanceProfile",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:kms/alias:Alias",
        "aws:lambda/permission:Permission",
        "aws:lb/listener:Listener",
        "aws:lb/listenerRule:ListenerRule",
        "aws:lb/targetGroup:TargetGroup",
        "aws:rds/eventSubscription:EventSubscription",
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketLogging:BucketLogging",
        "aws:s3/bucketNotification:BucketNotification",
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:secretsmanager/secretRotation:SecretRotation",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "aws:ssm/parameter:Parameter",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        "aws:xray/group:Group",
    }
)
"""Nothing is billed for these, or only through another row."""


def billed_use(node: Node) -> str | None:
    """What of its use is billed; an endpoint that is a route and no interface is free."""
    return None if node.inputs.get("vpcEndpointType") == "Gateway" else USED.get(node.type)
