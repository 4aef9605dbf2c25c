"""The provider against moto: what it makes, what it refuses, and that it always does the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.graph import SECRET, Finding, Graph, Resource
from rehearsal.provider import MotoProvider
from tests.rehearsal.samples import SAMPLES, document, make, make_all, new_graph, resource, trust


@pytest.fixture(scope="module")
def studio() -> Graph:
    graph = new_graph()
    with MotoProvider() as provider:
        make_all(provider, graph, SAMPLES)
    return graph


@pytest.fixture(scope="module")
def refused() -> list[list[str]]:
    """The errors that each of `REFUSED` gets, all tried in one account."""
    with MotoProvider() as provider:
        return [
            refusals(provider, token, f"tried-{at}", **inputs)
            for at, (token, inputs, _) in enumerate(REFUSED)
        ]


@pytest.fixture
def account() -> Iterator[MotoProvider]:
    with MotoProvider() as provider:
        yield provider


def named(graph: Graph, name: str) -> Resource:
    return next(found for found in graph.resources.values() if found.name == name)


def refusals(account: MotoProvider, type: str, name: str = "tried", /, **inputs: Any) -> list[str]:
    """The messages of the error findings that one resource gets."""
    _, findings = make(account, new_graph(), resource(type, name, **inputs))
    return [finding.message for finding in findings if finding.severity == "error"]


def test_a_studio_with_one_of_every_type_has_no_finding(studio: Graph) -> None:
    assert studio.findings == []


def test_only_what_moto_lacks_is_shadowed(studio: Graph) -> None:
    shadowed = {made.type for made in studio.resources.values() if made.made_in == "shadow"}
    assert shadowed == {
        "aws:accessanalyzer/analyzer:Analyzer",
        "aws:backup/restoreTestingPlan:RestoreTestingPlan",
        "aws:backup/restoreTestingSelection:RestoreTestingSelection",
        "aws:backup/selection:Selection",
        "aws:backup/vaultPolicy:VaultPolicy",
        "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
        "aws:cloudfront/cachePolicy:CachePolicy",
        "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        "aws:cloudfront/vpcOrigin:VpcOrigin",
        "aws:autoscaling/attachment:Attachment",
        "aws:autoscaling/trafficSourceAttachment:TrafficSourceAttachment",
        "aws:cloudwatch/alarmMuteRule:AlarmMuteRule",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        "aws:cognito/managedLoginBranding:ManagedLoginBranding",
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
        "aws:costexplorer/anomalySubscription:AnomalySubscription",
        "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
        "aws:ec2/vpcBlockPublicAccessExclusion:VpcBlockPublicAccessExclusion",
        "aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions",
        "aws:elasticache/parameterGroup:ParameterGroup",
        "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
        "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan",
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
        "aws:s3/bucketLogging:BucketLogging",
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "aws:securityhub/standardsSubscription:StandardsSubscription",
        "aws:servicequotas/serviceQuota:ServiceQuota",
        "aws:xray/group:Group",
        "aws:xray/samplingRule:SamplingRule",
    }


def test_every_resource_has_an_id_and_a_region_where_its_type_has_one(studio: Graph) -> None:
    for made in studio.resources.values():
        assert made.id, made.urn
        if made.type.startswith("aws:") and "region" in made.outputs:
            assert made.outputs["region"] == made.region


@pytest.mark.parametrize(
    ("name", "output", "value"),
    [
        ("vpc", "arn", "arn:aws:ec2:us-east-1:123456789012:vpc/{id}"),
        ("jobs", "url", "{id}"),
        ("jobs", "arn", "arn:aws:sqs:us-east-1:123456789012:{name}"),
        ("topic", "arn", "{id}"),
        ("media", "arn", "arn:aws:s3:::{bucket}"),
        ("media", "bucketRegionalDomainName", "{bucket}.s3.us-east-1.amazonaws.com"),
        ("media", "hostedZoneId", "Z3AQBSTGFYJSTF"),
        ("repository", "repositoryUrl", "123456789012.dkr.ecr.us-east-1.amazonaws.com/studio/api"),
        ("logs", "arn", "arn:aws:logs:us-east-1:123456789012:log-group:/studio/dev/api"),
        ("key", "keyId", "{id}"),
        ("alias", "name", "alias/alias-{suffix}"),
        ("template", "latestVersion", 1),
        ("task", "arn", "arn:aws:ecs:us-east-1:123456789012:task-definition/api:1"),
        (
            "task",
            "arnWithoutRevision",
            "arn:aws:ecs:us-east-1:123456789012:task-definition/api",
        ),
        ("database", "endpoint", "{address}:5432"),
        ("database", "hostedZoneId", "Z2R2ITUGPM61AM"),
        ("parameter", "arn", "arn:aws:ssm:us-east-1:123456789012:parameter/studio/dev/flag"),
        ("zone", "zoneId", "{id}"),
        ("api-record", "fqdn", "api.studio.example"),
        ("budget", "arn", "arn:aws:budgets::123456789012:budget/{name}"),
        ("function", "version", "$LATEST"),
    ],
)
def test_outputs_programs_build_on_are_what_aws_gives(
    studio: Graph, name: str, output: str, value: Any
) -> None:
    made = named(studio, name)
    if isinstance(value, str):
        suffix = str(made.outputs.get("name", ""))[-7:]
        value = value.format_map({**made.outputs, "id": made.id, "suffix": suffix})
    assert made.outputs[output] == value


def test_the_balancer_and_its_group_give_the_suffixes_that_cloudwatch_wants(studio: Graph) -> None:
    balancer, targets = named(studio, "balancer").outputs, named(studio, "targets").outputs
    assert balancer["arnSuffix"].startswith(f"app/{balancer['name']}/")
    assert targets["arnSuffix"].startswith(f"targetgroup/{targets['name']}/")
    assert balancer["arn"].endswith(balancer["arnSuffix"])
    assert balancer["dnsName"].endswith(".elb.amazonaws.com")
    assert balancer["zoneId"]


def test_the_cache_gives_endpoints_and_the_members_that_alarms_watch(studio: Graph) -> None:
    cache = named(studio, "cache").outputs
    assert cache["primaryEndpointAddress"].startswith(f"master.{cache['replicationGroupId']}.")
    assert cache["readerEndpointAddress"].startswith(f"replica.{cache['replicationGroupId']}.")
    assert "configurationEndpointAddress" not in cache
    assert cache["memberClusters"] == [
        f"{cache['replicationGroupId']}-001",
        f"{cache['replicationGroupId']}-002",
    ]


def test_a_managed_password_gives_a_secret_and_a_replica_has_none(studio: Graph) -> None:
    secrets = named(studio, "database").outputs["masterUserSecrets"]
    assert secrets[0]["secretArn"].startswith(
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-"
    )
    assert named(studio, "database-replica-1").outputs["masterUserSecrets"] == []


def test_a_certificate_gives_one_proof_per_name_the_main_one_first(studio: Graph) -> None:
    options = named(studio, "certificate").outputs["domainValidationOptions"]
    assert [option["domainName"] for option in options] == ["studio.example", "*.studio.example"]
    assert {option["resourceRecordType"] for option in options} == {"CNAME"}
    assert all(option["resourceRecordValue"] for option in options)


def test_the_defaults_of_a_vpc_are_known_by_id(studio: Graph) -> None:
    vpc = named(studio, "vpc").outputs
    assert vpc["defaultSecurityGroupId"].startswith("sg-")
    assert vpc["defaultRouteTableId"].startswith("rtb-")
    assert vpc["defaultNetworkAclId"].startswith("acl-")
    assert named(studio, "locked").id == vpc["defaultSecurityGroupId"]


def test_a_gateway_endpoint_gives_its_prefix_list(studio: Graph) -> None:
    assert named(studio, "s3-endpoint").outputs["prefixListId"].startswith("pl-")


def test_resources_really_stand_in_the_account() -> None:
    graph = new_graph()
    with MotoProvider() as provider:
        make_all(provider, graph, [s for s in SAMPLES if s.name in ("dead", "jobs")])
        found = provider.account.client("sqs", "us-east-1").get_queue_attributes(
            QueueUrl=named(graph, "jobs").id, AttributeNames=["All"]
        )["Attributes"]
    assert found["VisibilityTimeout"] == "900"
    assert found["SqsManagedSseEnabled"] == "true"
    assert json.loads(found["RedrivePolicy"])["maxReceiveCount"] == 3


def test_two_runs_in_opposite_orders_write_the_same_bytes(studio: Graph) -> None:
    again = new_graph()
    with MotoProvider() as provider:
        make_all(provider, again, list(reversed(SAMPLES)))
    assert again.write() == studio.write()


def test_a_second_account_cannot_be_opened_beside_the_first(account: MotoProvider) -> None:
    with pytest.raises(RuntimeError, match="one at a time"):
        MotoProvider()


def test_a_new_account_is_empty(studio: Graph) -> None:
    with MotoProvider() as provider:
        queues = provider.account.client("sqs", "us-east-1").list_queues()
    assert "QueueUrls" not in queues


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "aws:iam/rolePolicy:RolePolicy",
        {
            "role": "nobody",
            "policy": document(*(f"s3:Get{number:06}" for number in range(1000))),
        },
        "policy: 15083 characters, a role has room for 10240",
    ),
    (
        "aws:lambda/function:Function",
        {
            "role": "arn:aws:iam::123456789012:role/nobody",
            "runtime": "python3.13",
            "handler": "handler.handle",
            "code": {"index.py": "pass"},
            "environment": {"variables": {"FLEETS": "x" * 4091}},
        },
        "environment.variables: 4097 bytes, a function takes 4096",
    ),
    (
        "aws:sqs/queue:Queue",
        {"visibilityTimeoutSeconds": 50000},
        "visibilityTimeoutSeconds: 50000 given, 0 to 43200 allowed",
    ),
    (
        "aws:sqs/queue:Queue",
        {"visibilityTimeoutSecond": 50},
        "visibilityTimeoutSecond: no such property of aws:sqs/queue:Queue; near: visibility",
    ),
    (
        "aws:sqs/queue:Queue",
        {"visibilityTimeoutSeconds": "five"},
        'visibilityTimeoutSeconds: "five" is not a whole number',
    ),
    (
        "aws:lb/targetGroup:TargetGroup",
        {
            "port": 80,
            "protocol": "HTTP",
            "vpcId": "vpc-0",
            "healthCheck": {"pth": "/health"},
        },
        "healthCheck.pth: no such property of aws:lb/targetGroup:TargetGroup; near: path",
    ),
    (
        "aws:lb/targetGroup:TargetGroup",
        {"port": 80, "protocol": "HTTP", "vpcId": "vpc-0", "healthCheck": {"timeout": 30}},
        "healthCheck.timeout: 30 given, less than healthCheck.interval (30) is needed",
    ),
    (
        "aws:lb/targetGroup:TargetGroup",
        {"port": 80, "protocol": "HTTP", "vpcId": "vpc-0", "healthCheck": {"path": "health"}},
        'healthCheck.path: "health" given, a path starts with /',
    ),
    (
        "aws:lb/loadBalancer:LoadBalancer",
        {"name": "a-balancer-with-a-very-long-name-x", "subnets": ["subnet-0"]},
        'name: "a-balancer-with-a-very-long-name-x" has 34 characters, at most 32 are allowed',
    ),
    (
        "aws:ec2/launchTemplate:LaunchTemplate",
        {"instanceType": "g5.2xlrge"},
        'instanceType: "g5.2xlrge" is not one of 1437 values; near: g5.2xlarge',
    ),
    (
        "aws:autoscaling/group:Group",
        {
            "minSize": 0,
            "maxSize": 1,
            "mixedInstancesPolicy": {
                "launchTemplate": {
                    "launchTemplateSpecification": {"launchTemplateId": "lt-0"},
                    "overrides": [{"instanceType": "g5.xlarge"}, {"instanceType": "g7.tiny"}],
                }
            },
        },
        "mixedInstancesPolicy.launchTemplate.overrides[1].instanceType: EC2 has no instance type",
    ),
    (
        "aws:autoscaling/group:Group",
        {"minSize": 3, "maxSize": 1, "launchTemplate": {"id": "lt-0"}},
        "minSize: 3 given, at most maxSize (1) is allowed",
    ),
    (
        "aws:budgets/budget:Budget",
        {"budgetType": "COST", "timeUnit": "MONTHLY"},
        "limitAmount: nothing was given, a budget needs one, such as 335",
    ),
    (
        "aws:budgets/budget:Budget",
        {
            "budgetType": "MONEY",
            "timeUnit": "MONTHLY",
            "limitAmount": "1",
            "limitUnit": "USD",
        },
        'budgetType: "MONEY" is not one of',
    ),
    (
        "aws:iam/role:Role",
        {"assumeRolePolicy": "{not json"},
        "assumeRolePolicy: no valid JSON",
    ),
    (
        "aws:iam/role:Role",
        {"assumeRolePolicy": trust("ecs-tasks").replace("Allow", "Alow")},
        'assumeRolePolicy.Statement[0].Effect: "Alow" is not Allow or Deny',
    ),
    (
        "aws:iam/policy:Policy",
        {"policy": document("s3:GetObject").replace("Allow", "Alow")},
        "iam CreatePolicy refused: ",
    ),
    (
        "aws:iam/rolePolicy:RolePolicy",
        {"role": "nobody", "policy": document("s3:GetObject")},
        "iam PutRolePolicy refused: ",
    ),
    (
        "aws:iam/role:Role",
        {"assumeRolePolicy": trust("ecs-tasks"), "maxSessionDuration": 60},
        "maxSessionDuration: 60 given, at least 3600 needed",
    ),
    (
        "aws:cloudwatch/logGroup:LogGroup",
        {"retentionInDays": 31},
        "retentionInDays: 31 given, one of 0, 1, 3, 5, 7, 14, 30,",
    ),
    (
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 2,
            "datapointsToAlarm": 3,
            "metricName": "Errors",
            "namespace": "Studio",
            "period": 60,
            "statistic": "Sum",
            "threshold": 1,
        },
        "datapointsToAlarm: 3 given, at most evaluationPeriods (2) allowed",
    ),
    (
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 2,
            "metricName": "Errors",
            "namespace": "Studio",
            "period": 45,
            "statistic": "Sum",
            "threshold": 1,
        },
        "period: 45 given, 10, 20, 30 or a multiple of 60 allowed",
    ),
    (
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {
            "comparisonOperator": "MoreThan",
            "evaluationPeriods": 1,
            "metricName": "Errors",
            "namespace": "Studio",
            "period": 60,
            "statistic": "Sum",
            "threshold": 1,
        },
        'comparisonOperator: "MoreThan" is not one of GreaterThanOrEqualToThreshold',
    ),
    (
        "aws:rds/instance:Instance",
        {
            "engine": "postgres",
            "instanceClass": "db.t4g.micro",
            "allocatedStorage": 20,
            "username": "studio",
            "manageMasterUserPassword": True,
            "backupRetentionPeriod": 99,
        },
        "backupRetentionPeriod: 99 given, 0 to 35 allowed",
    ),
    (
        "aws:rds/instance:Instance",
        {
            "engine": "postgres",
            "instanceClass": "db.t4g.micro",
            "allocatedStorage": 20,
            "username": "studio",
            "manageMasterUserPassword": True,
            "dbSubnetGroupName": "nowhere",
        },
        "rds CreateDBInstance refused: ",
    ),
    (
        "aws:rds/instance:Instance",
        {
            "engine": "postgres",
            "instanceClass": "db.t4g.micro",
            "allocatedStorage": 20,
            "username": "studio",
            "manageMasterUserPassword": True,
            "backupWindow": "03:00-05:00",
            "maintenanceWindow": "sun:04:00-sun:05:00",
        },
        "maintenanceWindow: sun:04:00-sun:05:00 overlaps backupWindow (03:00-05:00)",
    ),
    (
        "aws:elasticache/replicationGroup:ReplicationGroup",
        {
            "description": "cache",
            "nodeType": "cache.t4g.micro",
            "numCacheClusters": 1,
            "automaticFailoverEnabled": True,
        },
        "automaticFailoverEnabled: true with 1 node, failover needs at least 2",
    ),
    (
        "aws:elasticache/parameterGroup:ParameterGroup",
        {"family": "valkey77"},
        "family: valkey77 given, one of memcached1.4",
    ),
    (
        "aws:ecs/taskDefinition:TaskDefinition",
        {
            "family": "api",
            "containerDefinitions": json.dumps(
                [{"name": "api", "image": "api", "memry": 512, "essential": True}]
            ),
        },
        "containerDefinitions[0].memry: no place in ecs RegisterTaskDefinition; near: memory",
    ),
    (
        "aws:ecs/taskDefinition:TaskDefinition",
        {
            "family": "api",
            "containerDefinitions": json.dumps(
                [{"name": "api", "image": "a", "environment": [{"name": "PORT", "value": 80}]}]
            ),
        },
        "containerDefinitions[0].environment[0].value: 80 given, text is needed",
    ),
    (
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {
            "bucket": "media",
            "rules": [
                {
                    "id": "a",
                    "status": "Enabled",
                    "transitions": [{"days": 7, "storageClass": "STANDARD_IA"}],
                }
            ],
        },
        "rules[0].transitions[0].days: 7 given, STANDARD_IA takes objects after 30 days",
    ),
    (
        "aws:cloudwatch/dashboard:Dashboard",
        {"dashboardName": "studio", "dashboardBody": "{"},
        "dashboardBody: no valid JSON",
    ),
    (
        "aws:cloudwatch/eventRule:EventRule",
        {"description": "neither"},
        "eventPattern: nothing was given, and no scheduleExpression either",
    ),
    (
        "aws:sns/topicSubscription:TopicSubscription",
        {"topic": "arn:aws:sns:us-east-1:123456789012:gone", "protocol": "email", "endpoint": "a"},
        "sns Subscribe refused: ",
    ),
    (
        "aws:lambda/function:Function",
        {
            "role": "arn:aws:iam::123456789012:role/gone",
            "runtime": "python3.13",
            "handler": "index.handler",
            "timeout": 901,
            "code": {"archive": "x"},
        },
        "timeout: 901 given, 1 to 900 allowed",
    ),
    (
        "aws:wafv9/webAcl:WebAcl",
        {"name": "edge"},
        "aws:wafv9/webAcl:WebAcl is not in the rehearsal's catalogue",
    ),
]


@pytest.mark.parametrize(
    ("at", "message"),
    [(at, message) for at, (_, _, message) in enumerate(REFUSED)],
    ids=[f"{token.rpartition(':')[2]}-{said.partition(':')[0]}" for token, _, said in REFUSED],
)
def test_what_aws_would_refuse_is_a_finding(
    refused: list[list[str]], at: int, message: str
) -> None:
    assert any(found.startswith(message) for found in refused[at]), refused[at]


def test_the_message_of_moto_is_passed_on(account: MotoProvider) -> None:
    policy = document("s3:GetObject").replace("Allow", "Alow")
    assert refusals(account, "aws:iam/policy:Policy", policy=policy) == [
        "iam CreatePolicy refused: Syntax errors in policy. (MalformedPolicyDocument)"
    ]


def test_a_refused_resource_has_no_id(account: MotoProvider) -> None:
    made, findings = make(
        account,
        new_graph(),
        resource("aws:iam/rolePolicy:RolePolicy", "p", role="nobody", policy=document("s3:Get")),
    )
    assert made.id == ""
    assert [finding.check for finding in findings] == ["moto"]


def test_a_resource_with_a_wrong_value_is_made_all_the_same_so_that_the_run_goes_on(
    account: MotoProvider,
) -> None:
    queue, findings = make(
        account,
        new_graph(),
        resource("aws:sqs/queue:Queue", "wrong", visibilityTimeoutSeconds=50000),
    )
    assert [finding.check for finding in findings] == ["model"]
    assert queue.outputs["arn"].startswith("arn:aws:sqs:us-east-1:123456789012:wrong-")


def test_a_finding_carries_the_source_line_and_the_urn(account: MotoProvider) -> None:
    wrong = resource("aws:sqs/queue:Queue", "placed", visibilityTimeoutSeconds=50000)
    _, findings = make(account, new_graph(), wrong)
    assert findings == [
        Finding(
            source="samples.py:placed",
            urn=wrong.urn,
            check="model",
            severity="error",
            message="visibilityTimeoutSeconds: 50000 given, 0 to 43200 allowed",
        )
    ]


def test_a_secret_value_never_stands_in_a_message(account: MotoProvider) -> None:
    token = resource(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "secretive",
        description="cache",
        nodeType="cache.t4g.micro",
        engine="hunter2hunter2",
    )
    token.secret_inputs = ("engine",)
    _, findings = make(account, new_graph(), token)
    assert findings
    assert all("hunter2" not in finding.message for finding in findings)
    assert any(SECRET in finding.message for finding in findings)


def test_a_crash_of_moto_is_a_warning_and_the_resource_is_shadowed(
    account: MotoProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> dict[str, Any]:
        raise KeyError("securityGroups")

    monkeypatch.setattr(account.account, "call", crash)
    made, findings = make(account, new_graph(), resource("aws:sns/topic:Topic", "crashed"))
    assert made.made_in == "shadow"
    assert made.outputs["arn"]
    assert {finding.severity for finding in findings} == {"warning"}
    assert findings[0].message.startswith("moto cannot tell whether CreateTopic is right: KeyError")


def test_default_tags_reach_the_request_and_tags_all(account: MotoProvider) -> None:
    graph = new_graph()
    provider, _ = make(
        account,
        graph,
        resource(
            "pulumi:providers:aws",
            "studio",
            region="us-east-1",
            defaultTags={"tags": {"Project": "studio", "Stage": "dev"}},
        ),
    )
    queue = resource("aws:sqs/queue:Queue", "tagged", tags={"Stage": "mine", "queue": "jobs"})
    queue.provider = provider.urn
    make(account, graph, queue)
    expected = {"Project": "studio", "Stage": "mine", "queue": "jobs"}
    assert queue.outputs["tagsAll"] == expected
    assert queue.outputs["tags"] == {"Stage": "mine", "queue": "jobs"}
    sent = account.account.client("sqs", "us-east-1").list_queue_tags(QueueUrl=queue.id)
    assert sent["Tags"] == expected


def test_default_tags_stay_away_from_types_without_tags(account: MotoProvider) -> None:
    graph = new_graph()
    provider, _ = make(
        account,
        graph,
        resource("pulumi:providers:aws", "p", defaultTags={"tags": {"Project": "studio"}}),
    )
    alias = resource("aws:kms/alias:Alias", "a", targetKeyId="k")
    alias.provider = provider.urn
    account.check(alias, graph)
    assert "tagsAll" not in alias.inputs
    assert provider.made_in == "provider"


def test_a_resource_in_another_region_is_made_there(account: MotoProvider) -> None:
    queue = resource("aws:sqs/queue:Queue", "far")
    queue.region = "eu-west-1"
    make(account, new_graph(), queue)
    assert queue.outputs["arn"].startswith("arn:aws:sqs:eu-west-1:")


def test_a_random_password_is_made_up_the_same_way_every_time(account: MotoProvider) -> None:
    made = [
        make(
            account,
            new_graph(),
            resource("random:index/randomPassword:RandomPassword", "pw", length=32, special=False),
        )[0]
        for _ in range(2)
    ]
    assert made[0].outputs["result"] == made[1].outputs["result"]
    assert made[0].outputs["result"].isalnum()
    assert len(made[0].outputs["result"]) == 32
    assert made[0].made_in == "provider"


def test_reading_what_the_program_made_gives_its_state(account: MotoProvider) -> None:
    graph = new_graph()
    queue, _ = make(account, graph, resource("aws:sqs/queue:Queue", "read"))
    read = account.read(resource("aws:sqs/queue:Queue", "again"), queue.id, graph)
    assert read.outputs == queue.outputs


def test_reading_what_stood_before_gives_an_arn(account: MotoProvider) -> None:
    read = account.read(resource("aws:s3/bucket:Bucket", "old"), "old-bucket", new_graph())
    assert read.id == "old-bucket"
    assert read.outputs["arn"] == "arn:aws:s3:::old-bucket"
    assert read.made_in == "shadow"
