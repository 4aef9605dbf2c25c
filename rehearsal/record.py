"""Answers for AWS with made-up ids, so that a program runs in a second and without botocore.

Every id, ARN and endpoint is spelled as AWS spells it and drawn from the URN, so that the same
program always gets the same ones, whatever the order of its registrations. Nothing is judged but
the names: `provider.MotoProvider` is the one that makes things.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal import awsx, lookups, shadow
from rehearsal.catalogue.names import apply_default_tags, auto_name, naming
from rehearsal.contract import Created
from rehearsal.graph import Finding, Graph, Resource

ACCOUNT = "123456789012"


class RecordOnlyProvider:
    """Records resources without making them: quick, and the same for every run."""

    def check(self, resource: Resource, graph: Graph) -> list[Finding]:
        findings = auto_name(resource)
        apply_default_tags(resource, graph)
        return findings

    def create(self, resource: Resource, graph: Graph) -> Created:
        if resource.type == "awsx:ec2:Vpc":
            return awsx.expand(resource, graph, self)
        return _made_up(resource)

    def read(self, resource: Resource, id: str, graph: Graph) -> Created:
        del graph
        made = _made_up(resource)
        return Created(id=id, outputs=made.outputs | {"id": id}, made_in="shadow")

    def call(self, token: str, args: Mapping[str, Any], region: str) -> dict[str, Any]:
        return lookups.answer(token, args, None, region)

    def finish(self, graph: Graph) -> list[Finding]:
        del graph  # nothing was made, so there is nothing to cross-check
        return []


def _made_up(resource: Resource) -> Created:
    if not resource.type.startswith("aws:"):
        id_, outputs = shadow.random_outputs(resource) or (
            shadow.uuid_of(resource.urn),
            dict(resource.inputs),
        )
        return Created(id=id_, outputs=outputs, made_in="provider")
    service, _, kind = resource.type.split(":")[1].partition("/")
    rule = naming(resource.type)
    words = _Words(
        resource.inputs,
        service=service,
        kind=kind,
        region=resource.region,
        account=ACCOUNT,
        name=str(resource.inputs.get(rule.property if rule else "name", resource.name)),
        digits=shadow.hexadecimal(resource.urn, 17),
        short=shadow.hexadecimal(resource.urn, 6),
        uuid=shadow.uuid_of(resource.urn),
    )
    id_, templates = _SPELLINGS.get(resource.type, _DEFAULT)
    words["id"] = id_.format_map(words)
    outputs = resource.inputs | {"id": words["id"], "region": resource.region}
    outputs |= {key: _filled(template, words) for key, template in templates.items()}
    return Created(id=words["id"], outputs=outputs, made_in="shadow")


class _Words(dict[str, Any]):
    """What a spelling may quote: the inputs, and the made-up words over them."""

    def __init__(self, inputs: Mapping[str, Any], **words: str) -> None:
        super().__init__({**inputs, **words})

    def __missing__(self, key: str) -> str:
        return "unset"


def _filled(template: Any, words: Mapping[str, Any]) -> Any:
    if callable(template):
        return template(words)
    if isinstance(template, str):
        return template.format_map(words)
    if isinstance(template, Mapping):
        return {key: _filled(value, words) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, words) for value in template]
    return template


_ARN = "arn:aws:{service}:{region}:{account}:{kind}/{name}"
_DEFAULT: tuple[str, Mapping[str, Any]] = ("{name}", {"arn": _ARN})


def _ec2(prefix: str, kind: str, **outputs: Any) -> tuple[str, Mapping[str, Any]]:
    """An EC2 thing: its id is a short prefix and 17 hexadecimal digits."""
    arn = f"arn:aws:ec2:{{region}}:{{account}}:{kind}/{{id}}"
    return f"{prefix}-{{digits}}", {"arn": arn, **outputs}


def _arn(pattern: str, *, id: str = "{name}", **outputs: Any) -> tuple[str, Mapping[str, Any]]:
    return id, {"arn": f"arn:aws:{pattern}", **outputs}


def _validation_options(words: Mapping[str, Any]) -> list[dict[str, str]]:
    """What ACM asks for, name by name."""
    names = dict.fromkeys([words["domainName"], *(words.get("subjectAlternativeNames") or ())])
    return [
        {
            "domainName": name,
            "resourceRecordName": f"_{words['digits']}.{name}.",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": f"_{words['short']}{words['digits']}.acm-validations.aws.",
        }
        for name in names
    ]


_BALANCER = "elasticloadbalancing:{region}:{account}"
_CACHE = "{replicationGroupId}.{short}"

_SPELLINGS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "aws:acm/certificate:Certificate": _arn(
        "acm:{region}:{account}:certificate/{uuid}",
        id="arn:aws:acm:{region}:{account}:certificate/{uuid}",
        domainValidationOptions=_validation_options,
        status="PENDING_VALIDATION",
    ),
    "aws:acm/certificateValidation:CertificateValidation": (
        "{certificateArn}",
        {"certificateArn": "{certificateArn}"},
    ),
    "aws:apigatewayv2/api:Api": _arn(
        "apigateway:{region}::/apis/{digits}",
        id="{digits}",
        apiEndpoint="https://{digits}.execute-api.{region}.amazonaws.com",
        executionArn="arn:aws:execute-api:{region}:{account}:{digits}",
    ),
    "aws:appautoscaling/policy:Policy": _arn(
        "autoscaling:{region}:{account}:scalingPolicy:{uuid}:policyName/{name}"
    ),
    "aws:appautoscaling/target:Target": _arn(
        "application-autoscaling:{region}:{account}:scalable-target/{digits}", id="{resourceId}"
    ),
    "aws:autoscaling/group:Group": _arn(
        "autoscaling:{region}:{account}:autoScalingGroup:{uuid}:autoScalingGroupName/{name}"
    ),
    "aws:autoscaling/policy:Policy": _arn(
        "autoscaling:{region}:{account}:scalingPolicy:{uuid}:policyName/{name}"
    ),
    "aws:backup/vault:Vault": _arn("backup:{region}:{account}:backup-vault:{name}"),
    "aws:cloudfront/distribution:Distribution": _arn(
        "cloudfront::{account}:distribution/E{digits}",
        id="E{digits}",
        domainName="d{digits}.cloudfront.net",
        hostedZoneId="Z2FDTNDATAQYW2",
        status="Deployed",
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _arn(
        "cloudwatch:{region}:{account}:alarm:{alarmName}"
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        "{dashboardName}",
        {"dashboardArn": "arn:aws:cloudwatch::{account}:dashboard/{dashboardName}"},
    ),
    "aws:cloudwatch/eventRule:EventRule": _arn("events:{region}:{account}:rule/{name}"),
    "aws:cloudwatch/logGroup:LogGroup": _arn("logs:{region}:{account}:log-group:{name}"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _arn("cloudwatch:{region}:{account}:alarm:{name}"),
    "aws:cognito/userPool:UserPool": _arn(
        "cognito-idp:{region}:{account}:userpool/{region}_{short}",
        id="{region}_{short}",
        endpoint="cognito-idp.{region}.amazonaws.com/{region}_{short}",
    ),
    "aws:cognito/userPoolClient:UserPoolClient": ("{digits}", {}),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2("sg", "security-group"),
    "aws:ec2/eip:Eip": _ec2("eipalloc", "elastic-ip", allocationId="{id}", publicIp="203.0.113.10"),
    "aws:ec2/flowLog:FlowLog": _ec2("fl", "vpc-flow-log"),
    "aws:ec2/internetGateway:InternetGateway": _ec2("igw", "internet-gateway"),
    "aws:ec2/launchTemplate:LaunchTemplate": _ec2(
        "lt", "launch-template", latestVersion=1, defaultVersion=1
    ),
    "aws:ec2/natGateway:NatGateway": _ec2("nat", "natgateway", publicIp="203.0.113.10"),
    "aws:ec2/networkAcl:NetworkAcl": _ec2("acl", "network-acl"),
    "aws:ec2/networkAclRule:NetworkAclRule": ("nacl-{digits}", {}),
    "aws:ec2/route:Route": ("r-{routeTableId}{digits}", {}),
    "aws:ec2/routeTable:RouteTable": _ec2("rtb", "route-table"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ("rtbassoc-{digits}", {}),
    "aws:ec2/securityGroup:SecurityGroup": _ec2("sg", "security-group"),
    "aws:ec2/subnet:Subnet": _ec2("subnet", "subnet"),
    "aws:ec2/vpc:Vpc": _ec2(
        "vpc",
        "vpc",
        defaultNetworkAclId="acl-{digits}",
        defaultRouteTableId="rtb-{digits}",
        defaultSecurityGroupId="sg-{digits}",
        mainRouteTableId="rtb-{digits}",
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("vpce", "vpc-endpoint", prefixListId="pl-{digits}"),
    "aws:ecr/repository:Repository": _arn(
        "ecr:{region}:{account}:repository/{name}",
        registryId="{account}",
        repositoryUrl="{account}.dkr.ecr.{region}.amazonaws.com/{name}",
    ),
    "aws:ecs/capacityProvider:CapacityProvider": _arn(
        "ecs:{region}:{account}:capacity-provider/{name}",
        id="arn:aws:ecs:{region}:{account}:capacity-provider/{name}",
    ),
    "aws:ecs/cluster:Cluster": _arn(
        "ecs:{region}:{account}:cluster/{name}",
        id="arn:aws:ecs:{region}:{account}:cluster/{name}",
    ),
    "aws:ecs/service:Service": _arn(
        "ecs:{region}:{account}:service/{cluster}/{name}",
        id="arn:aws:ecs:{region}:{account}:service/{cluster}/{name}",
    ),
    "aws:ecs/taskDefinition:TaskDefinition": _arn(
        "ecs:{region}:{account}:task-definition/{family}:1",
        id="{family}",
        arnWithoutRevision="arn:aws:ecs:{region}:{account}:task-definition/{family}",
        revision=1,
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": _arn(
        "elasticache:{region}:{account}:parametergroup:{name}"
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": _arn(
        "elasticache:{region}:{account}:replicationgroup:{replicationGroupId}",
        id="{replicationGroupId}",
        primaryEndpointAddress=f"master.{_CACHE}.use1.cache.amazonaws.com",
        readerEndpointAddress=f"replica.{_CACHE}.use1.cache.amazonaws.com",
        configurationEndpointAddress=f"clustercfg.{_CACHE}.use1.cache.amazonaws.com",
        port=6379,
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": _arn(
        "elasticache:{region}:{account}:subnetgroup:{name}"
    ),
    "aws:elasticbeanstalk/environment:Environment": _arn(
        "elasticbeanstalk:{region}:{account}:environment/{application}/{name}",
        id="e-{digits}",
        autoscalingGroups=["awseb-e-{short}-stack-AWSEBAutoScalingGroup-{short}"],
        cname="{name}.{region}.elasticbeanstalk.com",
        loadBalancers=["awseb--AWSEB-{short}"],
        endpointUrl="awseb-{short}.{region}.elb.amazonaws.com",
    ),
    "aws:iam/instanceProfile:InstanceProfile": _arn("iam::{account}:instance-profile/{name}"),
    "aws:iam/policy:Policy": _arn(
        "iam::{account}:policy/{name}", id="arn:aws:iam::{account}:policy/{name}"
    ),
    "aws:iam/role:Role": _arn("iam::{account}:role/{name}", uniqueId="AROA{digits}"),
    "aws:iam/rolePolicy:RolePolicy": ("{role}:{name}", {}),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("{role}/{policyArn}", {}),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": _arn(
        "firehose:{region}:{account}:deliverystream/{name}"
    ),
    "aws:kms/alias:Alias": _arn("kms:{region}:{account}:{name}", targetKeyArn="{targetKeyId}"),
    "aws:kms/key:Key": _arn("kms:{region}:{account}:key/{uuid}", id="{uuid}", keyId="{uuid}"),
    "aws:lambda/function:Function": _arn(
        "lambda:{region}:{account}:function:{name}",
        invokeArn=(
            "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/"
            "arn:aws:lambda:{region}:{account}:function:{name}/invocations"
        ),
        qualifiedArn="arn:aws:lambda:{region}:{account}:function:{name}:1",
        version="1",
    ),
    "aws:lb/listener:Listener": _arn(
        f"{_BALANCER}:listener/app/{{name}}/{{digits}}",
        id=f"arn:aws:{_BALANCER}:listener/app/{{name}}/{{digits}}",
    ),
    "aws:lb/listenerRule:ListenerRule": _arn(
        f"{_BALANCER}:listener-rule/app/{{name}}/{{digits}}",
        id=f"arn:aws:{_BALANCER}:listener-rule/app/{{name}}/{{digits}}",
    ),
    "aws:lb/loadBalancer:LoadBalancer": _arn(
        f"{_BALANCER}:loadbalancer/app/{{name}}/{{digits}}",
        id=f"arn:aws:{_BALANCER}:loadbalancer/app/{{name}}/{{digits}}",
        arnSuffix="app/{name}/{digits}",
        dnsName="{name}-{digits}.{region}.elb.amazonaws.com",
        zoneId="Z35SXDOTRQ7X7K",
    ),
    "aws:lb/targetGroup:TargetGroup": _arn(
        f"{_BALANCER}:targetgroup/{{name}}/{{digits}}",
        id=f"arn:aws:{_BALANCER}:targetgroup/{{name}}/{{digits}}",
        arnSuffix="targetgroup/{name}/{digits}",
    ),
    "aws:rds/eventSubscription:EventSubscription": _arn("rds:{region}:{account}:es:{name}"),
    "aws:rds/instance:Instance": _arn(
        "rds:{region}:{account}:db:{identifier}",
        id="db-{digits}",
        identifier="{identifier}",
        address="{identifier}.{short}.{region}.rds.amazonaws.com",
        endpoint="{identifier}.{short}.{region}.rds.amazonaws.com:5432",
        masterUserSecrets=[
            {"secretArn": "arn:aws:secretsmanager:{region}:{account}:secret:rds!db-{uuid}-{short}"}
        ],
        port=5432,
        hostedZoneId="Z2R2ITUGPM61AM",
        resourceId="db-{digits}",
    ),
    "aws:rds/parameterGroup:ParameterGroup": _arn("rds:{region}:{account}:pg:{name}"),
    "aws:rds/subnetGroup:SubnetGroup": _arn("rds:{region}:{account}:subgrp:{name}"),
    "aws:route53/record:Record": ("{zoneId}_{name}_{type}", {"fqdn": "{name}"}),
    "aws:route53/zone:Zone": _arn(
        "route53:::hostedzone/Z{digits}",
        id="Z{digits}",
        zoneId="Z{digits}",
        primaryNameServer="ns-1.awsdns-01.org",
        nameServers=[
            "ns-1.awsdns-01.org",
            "ns-2.awsdns-02.com",
            "ns-3.awsdns-03.net",
            "ns-4.awsdns-04.co.uk",
        ],
    ),
    "aws:s3/bucket:Bucket": _arn(
        "s3:::{bucket}",
        id="{bucket}",
        bucketDomainName="{bucket}.s3.amazonaws.com",
        bucketRegionalDomainName="{bucket}.s3.{region}.amazonaws.com",
        hostedZoneId="Z3AQBSTGFYJSTF",
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": _arn(
        "s3:::{bucket}/{key}", id="{bucket}/{key}", versionId="{uuid}"
    ),
    "aws:secretsmanager/secret:Secret": _arn(
        "secretsmanager:{region}:{account}:secret:{name}-{short}",
        id="arn:aws:secretsmanager:{region}:{account}:secret:{name}-{short}",
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        "{secretId}|{uuid}",
        {"arn": "{secretId}", "secretArn": "{secretId}", "versionId": "{uuid}"},
    ),
    "aws:sns/topic:Topic": _arn(
        "sns:{region}:{account}:{name}", id="arn:aws:sns:{region}:{account}:{name}"
    ),
    "aws:sns/topicSubscription:TopicSubscription": _arn(
        "sns:{region}:{account}:subscription:{uuid}", id="{topic}:{uuid}"
    ),
    "aws:sqs/queue:Queue": _arn(
        "sqs:{region}:{account}:{name}",
        id="https://sqs.{region}.amazonaws.com/{account}/{name}",
        url="https://sqs.{region}.amazonaws.com/{account}/{name}",
    ),
    "aws:ssm/parameter:Parameter": _arn("ssm:{region}:{account}:parameter/{name}", version=1),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _ec2(
        "sgr", "security-group-rule", securityGroupRuleId="{id}"
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ec2(
        "sgr", "security-group-rule", securityGroupRuleId="{id}"
    ),
    "aws:wafv2/webAcl:WebAcl": _arn(
        "wafv2:{region}:{account}:regional/webacl/{name}/{uuid}", id="{uuid}"
    ),
}
"""Id and outputs of the types whose outputs programs put into texts; the rest get id and ARN."""
