"""What AWS refuses late of the API platforms: blue/green on ECS, refreshed groups, Beanstalk."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from rehearsal import catalogue, shadow, shapes
from rehearsal.catalogue import names
from rehearsal.checks import references
from rehearsal.graph import Finding, Graph
from rehearsal.provider import MotoProvider
from rehearsal.record import RecordOnlyProvider
from tests.recorder import record
from tests.rehearsal.api_program import platforms
from tests.rehearsal.broken import changed, resource
from tests.rehearsal.samples import make, new_graph
from tests.rehearsal.samples import resource as sample
from tests.rehearsal.samples_api import settings

SERVICE = "aws:ecs/service:Service"
GROUP = "aws:autoscaling/group:Group"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
APPLICATION = "aws:elasticbeanstalk/application:Application"
VERSION = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion"
ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment"

DEPLOYMENT = "deploymentConfiguration"
HOOK = f"{DEPLOYMENT}.lifecycleHooks[0]"
REFRESH = "instanceRefresh.preferences"
STACK = "64bit Amazon Linux 2023 v4.6.0 running Docker"

LAMBDA_HOOK = {
    "hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:smoke",
    "roleArn": "arn:aws:iam::123456789012:role/hooks",
    "lifecycleStages": ["POST_SCALE_UP"],
}
PAUSE_HOOK = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
BALANCER = {"targetGroupArn": "arn:blue", "containerName": "api", "containerPort": 8000}
ADVANCED = {
    "alternateTargetGroupArn": "arn:green",
    "productionListenerRule": "arn:rule",
    "roleArn": "arn:aws:iam::123456789012:role/shift",
}


@pytest.fixture(scope="module")
def runs() -> list[Graph]:
    """The program made in moto and judged as a whole, twice."""
    graphs: list[Graph] = []
    for _ in range(2):
        with MotoProvider() as provider:
            graphs.append(record(platforms, provider=provider).graph)
    return graphs


@pytest.fixture(scope="module")
def program(runs: list[Graph]) -> Graph:
    return runs[0]


@pytest.fixture(scope="module")
def account(runs: list[Graph]) -> Iterator[MotoProvider]:
    """For resources on their own; moto has one account at a time, so the program was made first."""
    with MotoProvider() as provider:
        template = sample("aws:ec2/launchTemplate:LaunchTemplate", "machines", name="machines")
        make(provider, new_graph(), template)
        yield provider


def findings(account: MotoProvider, type: str, inputs: Mapping[str, Any]) -> list[Finding]:
    name = f"tried-{shadow.hexadecimal(json.dumps(inputs), 8)}"
    _, found = make(account, new_graph(), sample(type, name, **copy.deepcopy(dict(inputs))))
    return found


def about(found: list[Finding], path: str, severity: str = "error") -> list[str]:
    return [one.message for one in found if one.severity == severity and path in one.message]


def deployment(strategy: str = "BLUE_GREEN", **given: Any) -> dict[str, Any]:
    return {DEPLOYMENT: {"strategy": strategy, **given}}


def hooked(hook: Mapping[str, Any], **given: Any) -> dict[str, Any]:
    return deployment(lifecycleHooks=[{**hook, **given}])


def paused(minutes: str) -> dict[str, Any]:
    return hooked(PAUSE_HOOK, timeoutConfiguration={"timeoutInMinutes": minutes})


def refreshed(version: str | None = "1", **preferences: Any) -> dict[str, Any]:
    return {
        "minSize": 1,
        "maxSize": 2,
        "availabilityZones": ["us-east-1a"],
        "launchTemplate": {"name": "machines", **({"version": version} if version else {})},
        "instanceRefresh": {"strategy": "Rolling", "preferences": preferences},
    }


def maintained(low: int, high: int) -> dict[str, Any]:
    policy = {"minHealthyPercentage": low, "maxHealthyPercentage": high}
    return {**refreshed(), "instanceMaintenancePolicy": policy}


def environment(**namespaces: Mapping[str, Any]) -> dict[str, Any]:
    """An environment with options by namespace, without the `aws:` and with __ for a colon."""
    given = {f"aws:{name.replace('__', ':')}": values for name, values in namespaces.items()}
    return {"application": "api", "solutionStackName": STACK, "settings": settings(given)}


def environment_type(**given: Any) -> dict[str, Any]:
    return environment(elasticbeanstalk__environment=given)


SHARED = {"LoadBalancerIsShared": "true", "LoadBalancerType": "application"}
MANAGED = {"ManagedActionsEnabled": "true", "PreferredStartTime": "Sun:03:00"}
RULES: dict[str, Mapping[str, Any]] = {
    "elbv2__listener__443": {"Rules": "api,admin"},
    "elbv2__listenerrule__api": {"PathPatterns": "/*", "Priority": "20"},
    "elbv2__listenerrule__admin": {"PathPatterns": "/admin/*", "Priority": "10"},
}
TWO_ENTRIES = [
    {"namespace": "aws:autoscaling:asg", "name": "MinSize", "value": size} for size in ("1", "2")
]

RULED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        SERVICE,
        "loadBalancers[0].advancedConfiguration: nothing was given, BLUE_GREEN needs a second",
        {**deployment(), "loadBalancers": [BALANCER]},
        {**deployment(), "loadBalancers": [{**BALANCER, "advancedConfiguration": ADVANCED}]},
    ),
    (
        SERVICE,
        "loadBalancers[0].advancedConfiguration: nothing was given, LINEAR needs a second",
        {**deployment("LINEAR"), "loadBalancers": [BALANCER]},
        {**deployment("ROLLING"), "loadBalancers": [BALANCER]},
    ),
    (
        SERVICE,
        'deploymentController.type: "CODE_DEPLOY" given, the strategy BLUE_GREEN is that of ECS',
        {**deployment(), "deploymentController": {"type": "CODE_DEPLOY"}},
        {**deployment(), "deploymentController": {"type": "ECS"}},
    ),
    (
        SERVICE,
        f'{DEPLOYMENT}.strategy: "BLUEGREEN" is not one of ROLLING, BLUE_GREEN, LINEAR, CANARY',
        deployment("BLUEGREEN"),
        deployment("CANARY"),
    ),
    (
        SERVICE,
        f"{DEPLOYMENT}.canaryConfiguration: given, but the strategy is LINEAR",
        deployment("LINEAR", canaryConfiguration={"canaryPercent": 10}),
        deployment("CANARY", canaryConfiguration={"canaryPercent": 10}),
    ),
    (
        SERVICE,
        f"{DEPLOYMENT}.linearConfiguration: given, but the strategy is BLUE_GREEN",
        deployment(linearConfiguration={"stepPercent": 10}),
        deployment("LINEAR", linearConfiguration={"stepPercent": 10}),
    ),
    (
        SERVICE,
        f"{DEPLOYMENT}.canaryConfiguration.canaryPercent: 0.05 given, 0.1 to 100 in steps of 0.1",
        deployment("CANARY", canaryConfiguration={"canaryPercent": 0.05}),
        deployment("CANARY", canaryConfiguration={"canaryPercent": 0.1}),
    ),
    (
        SERVICE,
        f"{DEPLOYMENT}.linearConfiguration.stepPercent: 2.9 given, 3 to 100 in steps of 0.1",
        deployment("LINEAR", linearConfiguration={"stepPercent": 2.9}),
        deployment("LINEAR", linearConfiguration={"stepPercent": 3.3}),
    ),
    (
        SERVICE,
        f"{DEPLOYMENT}.bakeTimeInMinutes: 1441 given, 0 to 1440 allowed",
        deployment(bakeTimeInMinutes="1441"),
        deployment(bakeTimeInMinutes="1440"),
    ),
    (
        SERVICE,
        f"{DEPLOYMENT}.canaryConfiguration.canaryBakeTimeInMinutes: 1441 given, 0 to 1440 allowed",
        deployment("CANARY", canaryConfiguration={"canaryBakeTimeInMinutes": "1441"}),
        deployment("CANARY", canaryConfiguration={"canaryBakeTimeInMinutes": "0"}),
    ),
    (
        SERVICE,
        f"{DEPLOYMENT}.linearConfiguration.stepBakeTimeInMinutes: 1441 given, 0 to 1440 allowed",
        deployment("LINEAR", linearConfiguration={"stepBakeTimeInMinutes": "1441"}),
        deployment("LINEAR", linearConfiguration={"stepBakeTimeInMinutes": "6"}),
    ),
    (
        SERVICE,
        f"{HOOK}.hookTargetArn: nothing was given, a hook of AWS_LAMBDA needs it",
        hooked(LAMBDA_HOOK, hookTargetArn=None),
        hooked(LAMBDA_HOOK),
    ),
    (
        SERVICE,
        f"{HOOK}.roleArn: nothing was given, a hook of AWS_LAMBDA needs it",
        hooked(LAMBDA_HOOK, roleArn=None, targetType="AWS_LAMBDA"),
        hooked(PAUSE_HOOK),
    ),
    (
        SERVICE,
        f"{HOOK}.lifecycleStages: nothing was given, a hook runs at one stage at least",
        hooked(LAMBDA_HOOK, lifecycleStages=[]),
        hooked(LAMBDA_HOOK),
    ),
    (
        SERVICE,
        f'{HOOK}.lifecycleStages[0]: "BEFORE_TRAFFIC" is not one of',
        hooked(LAMBDA_HOOK, lifecycleStages=["BEFORE_TRAFFIC"]),
        hooked(LAMBDA_HOOK, lifecycleStages=["PRE_PRODUCTION_TRAFFIC_SHIFT"]),
    ),
    (
        SERVICE,
        f"{HOOK}.lifecycleStages: ECS cannot pause at TEST_TRAFFIC_SHIFT",
        hooked(PAUSE_HOOK, lifecycleStages=["TEST_TRAFFIC_SHIFT"]),
        hooked(LAMBDA_HOOK, lifecycleStages=["TEST_TRAFFIC_SHIFT"]),
    ),
    (
        SERVICE,
        f"{HOOK}.lifecycleStages: ECS cannot pause at PRODUCTION_TRAFFIC_SHIFT",
        hooked(PAUSE_HOOK, lifecycleStages=["PRODUCTION_TRAFFIC_SHIFT"]),
        hooked(PAUSE_HOOK, lifecycleStages=["POST_PRODUCTION_TRAFFIC_SHIFT"]),
    ),
    (
        SERVICE,
        f"{HOOK}.timeoutConfiguration.timeoutInMinutes: 20161 given, at most 20160 allowed",
        paused("20161"),
        paused("20160"),
    ),
    (
        SERVICE,
        f"{HOOK}.hookDetails: no valid JSON",
        hooked(LAMBDA_HOOK, hookDetails="{path: /health}"),
        hooked(LAMBDA_HOOK, hookDetails='{"path": "/health", "any": {"depth": [1]}}'),
    ),
    (
        GROUP,
        f"{REFRESH}.maxHealthyPercentage: 100 given, minHealthyPercentage (110) to 100 more",
        refreshed(minHealthyPercentage=110, maxHealthyPercentage=100),
        refreshed(minHealthyPercentage=100, maxHealthyPercentage=100),
    ),
    (
        GROUP,
        f"{REFRESH}.maxHealthyPercentage: 200 given, minHealthyPercentage (90) to 100 more",
        refreshed(minHealthyPercentage=90, maxHealthyPercentage=200),
        refreshed(minHealthyPercentage=100, maxHealthyPercentage=200),
    ),
    (
        GROUP,
        f"{REFRESH}.minHealthyPercentage: nothing was given, maxHealthyPercentage needs it",
        refreshed(maxHealthyPercentage=110),
        refreshed(minHealthyPercentage=90),
    ),
    (
        GROUP,
        "maxHealthyPercentage: 201 given, at most 200 allowed",
        refreshed(minHealthyPercentage=100, maxHealthyPercentage=201),
        refreshed(minHealthyPercentage=100, maxHealthyPercentage=200),
    ),
    (
        GROUP,
        f"{REFRESH}.autoRollback: given, but the launch template's version is $Latest",
        refreshed("$Latest", autoRollback=True),
        refreshed("$Latest", autoRollback=False),
    ),
    (
        GROUP,
        f"{REFRESH}.autoRollback: given, but the launch template's version is $Default",
        refreshed(None, autoRollback=True),
        refreshed("1", autoRollback=True),
    ),
    (
        GROUP,
        f"{REFRESH}.checkpointPercentages: [100, 50] given, percentages in rising order",
        refreshed(checkpointPercentages=[100, 50]),
        refreshed(checkpointPercentages=[50, 100]),
    ),
    (
        GROUP,
        'instanceRefresh.strategy: "AtOnce" is not one of Rolling',
        {**refreshed(), "instanceRefresh": {"strategy": "AtOnce"}},
        {**refreshed(), "instanceRefresh": {"strategy": "Rolling"}},
    ),
    (
        GROUP,
        f"{REFRESH}.instanceWarmup",
        refreshed(instanceWarmup="a minute"),
        refreshed(instanceWarmup="60"),
    ),
    (
        GROUP,
        "instanceMaintenancePolicy.maxHealthyPercentage: 90 given, 100 to 200 allowed",
        maintained(80, 90),
        maintained(-1, -1),
    ),
    (
        GROUP,
        "instanceMaintenancePolicy.maxHealthyPercentage: 200 given, minHealthyPercentage (50) to",
        maintained(50, 200),
        maintained(100, 110),
    ),
    (
        GROUP,
        'healthCheckType: "HTTP" given, EC2, ELB, EBS, VPC_LATTICE allowed',
        {**refreshed(), "healthCheckType": "HTTP"},
        {**refreshed(), "healthCheckType": "ELB,EBS"},
    ),
    (
        OBJECT,
        "content: given together with source; an object has one content",
        {"bucket": "media", "key": "a", "content": "x", "source": {"asset": "a", "hash": "1"}},
        {"bucket": "media", "key": "a", "content": "x"},
    ),
    (
        OBJECT,
        "Key: s3 PutObject needs Key, nothing was given",
        {"bucket": "media", "content": "x"},
        {"bucket": "media", "key": "a", "contentBase64": "eA=="},
    ),
    (
        APPLICATION,
        "appversionLifecycle.maxAgeInDays: given together with maxCount",
        {"appversionLifecycle": {"serviceRole": "arn:x", "maxCount": 9, "maxAgeInDays": 30}},
        {"appversionLifecycle": {"serviceRole": "arn:x", "maxAgeInDays": 30}},
    ),
    (
        ENVIRONMENT,
        'solutionStackName: "Docker" given, a name such as',
        {"application": "api", "solutionStackName": "Docker"},
        {"application": "api", "solutionStackName": STACK},
    ),
    (
        ENVIRONMENT,
        "solutionStackName: solutionStackName and platformArn given",
        {**environment(), "platformArn": "arn:aws:elasticbeanstalk:us-east-1::platform/x/1"},
        environment(),
    ),
    (
        ENVIRONMENT,
        "solutionStackName: none given; an environment needs one of",
        {"application": "api"},
        {"application": "api", "templateName": "saved"},
    ),
    (
        ENVIRONMENT,
        "tier: Web given, one of WebServer, Worker allowed",
        {**environment(), "tier": "Web"},
        {**environment(), "tier": "Worker"},
    ),
    (
        ENVIRONMENT,
        "settings[0].value: 2 given for MinSize, text is needed",
        environment(autoscaling__asg={"MinSize": 2}),
        environment(autoscaling__asg={"MinSize": "2"}),
    ),
    (
        ENVIRONMENT,
        "settings[0].value: true given for StreamLogs, text is needed",
        environment(elasticbeanstalk__cloudwatch__logs={"StreamLogs": True}),
        environment(elasticbeanstalk__cloudwatch__logs={"StreamLogs": "true"}),
    ),
    (
        ENVIRONMENT,
        'settings[0].value: "alb" given for LoadBalancerType, one of classic, application,',
        environment_type(LoadBalancerType="alb"),
        environment_type(LoadBalancerType="application"),
    ),
    (
        ENVIRONMENT,
        'settings[0].value: "31" given for RetentionInDays, one of 1, 3, 5, 7, 14, 30,',
        environment(elasticbeanstalk__cloudwatch__logs={"RetentionInDays": "31"}),
        environment(elasticbeanstalk__cloudwatch__logs={"RetentionInDays": "30"}),
    ),
    (
        ENVIRONMENT,
        'settings[0].value: "3601" given for Timeout, 1 to 3600 allowed',
        environment(elasticbeanstalk__command={"Timeout": "3601"}),
        environment(elasticbeanstalk__command={"Timeout": "3600"}),
    ),
    (
        ENVIRONMENT,
        'settings[0].value: "0" given for Port, 1 to 65535 allowed',
        environment(elasticbeanstalk__environment__process__default={"Port": "0"}),
        environment(elasticbeanstalk__environment__process__default={"Port": "8000"}),
    ),
    (
        ENVIRONMENT,
        "settings[0].value: the ConfigDocument is no valid JSON",
        environment(elasticbeanstalk__healthreporting__system={"ConfigDocument": "{Version: 1}"}),
        environment(elasticbeanstalk__healthreporting__system={"ConfigDocument": "{}"}),
    ),
    (
        ENVIRONMENT,
        "settings[1].name: MinSize of aws:autoscaling:asg is given at settings[0] already",
        {**environment(), "settings": TWO_ENTRIES},
        {**environment(), "settings": [{**one, "resource": one["value"]} for one in TWO_ENTRIES]},
    ),
    (
        ENVIRONMENT,
        "settings: MinSize 3 given, at most MaxSize (2) is allowed",
        environment(autoscaling__asg={"MinSize": "3", "MaxSize": "2"}),
        environment(autoscaling__asg={"MinSize": "2", "MaxSize": "2"}),
    ),
    (
        ENVIRONMENT,
        "settings: LoadBalancerIsShared needs SharedLoadBalancer",
        environment_type(**SHARED),
        environment_type(**{**SHARED, "LoadBalancerIsShared": "false"}),
    ),
    (
        ENVIRONMENT,
        "settings: LoadBalancerIsShared needs LoadBalancerType application",
        environment_type(**{**SHARED, "LoadBalancerType": "network"}),
        environment(
            elasticbeanstalk__environment=SHARED,
            elbv2__loadbalancer={"SharedLoadBalancer": "arn:balancer"},
        ),
    ),
    (
        ENVIRONMENT,
        "settings: ManagedActionsEnabled needs UpdateLevel of",
        environment(elasticbeanstalk__managedactions=MANAGED),
        environment(
            elasticbeanstalk__managedactions=MANAGED,
            elasticbeanstalk__managedactions__platformupdate={"UpdateLevel": "patch"},
        ),
    ),
    (
        ENVIRONMENT,
        "settings[0].value: no option of aws:elbv2:listenerrule:admin is given, so there is no",
        environment(**{name: RULES[name] for name in RULES if not name.endswith("admin")}),
        environment(**RULES),
    ),
    (
        ENVIRONMENT,
        'so there is no rule "api"',
        environment(elbv2__listener__443={"Rules": "default,api"}),
        environment(elbv2__listener__443={"Rules": "default"}),
    ),
    (
        ENVIRONMENT,
        "settings[4].value: priority 20 is taken by the rule at settings[2]",
        environment(
            **{**RULES, "elbv2__listenerrule__admin": {"PathPatterns": "/*", "Priority": "20"}}
        ),
        environment(**RULES),
    ),
    (
        ENVIRONMENT,
        "process:admin is given, so there is no such process",
        environment(elbv2__listenerrule__api={"Process": "admin"}),
        environment(
            elbv2__listenerrule__api={"Process": "admin"},
            elasticbeanstalk__environment__process__admin={"Port": "81"},
        ),
    ),
]
"""Type, the refusal, inputs that get it, and the nearest inputs that do not."""


@pytest.mark.parametrize(("type", "message", "inputs"), [one[:3] for one in RULED])
def test_what_aws_refuses_late_is_refused_at_once(
    account: MotoProvider, type: str, message: str, inputs: dict[str, Any]
) -> None:
    assert len(about(findings(account, type, inputs), message)) == 1


@pytest.mark.parametrize(("type", "message", "inputs"), [(*one[:2], one[3]) for one in RULED])
def test_what_stands_just_within_a_rule_is_not_refused(
    account: MotoProvider, type: str, message: str, inputs: dict[str, Any]
) -> None:
    path = message.partition(":")[0]
    assert about(findings(account, type, inputs), path) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"autoscaling__asq": {"MinSize": "1"}},
            'no namespace "aws:autoscaling:asq" is known; near: aws:autoscaling:asg, ',
        ),
        (
            {"autoscaling__asg": {"MinSiz": "1"}},
            'aws:autoscaling:asg has no known option "MinSiz"; near: MinSize, MaxSize',
        ),
        (
            {"elbv2__listener__443": {"Rule": "api"}},
            'settings[0].name: aws:elbv2:listener:443 has no known option "Rule"; near: Rules',
        ),
    ],
)
def test_an_option_outside_the_table_is_a_doubt_and_no_error(
    account: MotoProvider, given: dict[str, Mapping[str, Any]], message: str
) -> None:
    found = findings(account, ENVIRONMENT, environment(**given))
    assert len(about(found, message, "warning")) == 1
    assert about(found, "settings") == []


def test_the_program_names_its_variables_secrets_processes_and_rules(
    account: MotoProvider,
) -> None:
    given = environment(
        elasticbeanstalk__application__environment={"ANYTHING": "at all"},
        elasticbeanstalk__application__environmentsecrets={"KEY": "arn:x"},
        elasticbeanstalk__environment__process__admin={"Port": "81"},
        elbv2__listenerrule__anything={"HostHeaders": "api.studio.example"},
    )
    assert about(findings(account, ENVIRONMENT, given), "settings", "warning") == []


def test_what_moto_drops_of_a_deployment_is_an_output_all_the_same(program: Graph) -> None:
    service = resource(program, "ecs.Service", "api")
    assert service.outputs[DEPLOYMENT] == service.inputs[DEPLOYMENT]
    assert service.made_in == "moto"


def test_a_document_travels_as_a_document(account: MotoProvider) -> None:
    entry = catalogue.find(SERVICE)
    assert entry
    operation = account.account.operation("ecs", "us-east-1", "CreateService")
    details = {"path": "/health", "retries": 3}
    given = {
        **hooked(LAMBDA_HOOK, hookDetails=json.dumps(details)),
        "alarms": {"enable": True, "rollback": True, "alarmNames": ["late"]},
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "deploymentMaximumPercent": 200,
    }
    sent = shapes.place(given, operation, entry).request[DEPLOYMENT]
    assert sent["lifecycleHooks"][0]["hookDetails"] == details
    assert sorted(sent) == [
        *("alarms", "deploymentCircuitBreaker", "lifecycleHooks", "maximumPercent", "strategy"),
    ]


def messages(graph: Graph) -> list[str]:
    return [one.message for one in references.check(graph)]


def set_option(graph: Graph, name: str, value: str) -> Graph:
    """`graph` with one option of the environment changed."""
    given = resource(graph, "elasticbeanstalk.Environment", "web-environment").inputs["settings"]
    at = next(at for at, one in enumerate(given) if one["name"] == name)
    path = f"settings.{at}.value"
    return changed(graph, "elasticbeanstalk.Environment", "web-environment", path, value)


def test_a_program_with_both_platforms_has_no_finding(program: Graph) -> None:
    assert program.findings == []


def test_two_runs_make_the_same_ids(runs: list[Graph]) -> None:
    assert runs[0].write() == runs[1].write()


def test_an_environment_gives_what_others_build_on(program: Graph) -> None:
    environment = resource(program, "elasticbeanstalk.Environment", "web-environment")
    balancer = resource(program, "lb.LoadBalancer", "api")
    given, name = environment.outputs, environment.outputs["name"]
    application = resource(program, "elasticbeanstalk.Application", "web").outputs["name"]
    assert re.fullmatch(r"e-[0-9a-z]{10}", environment.id)
    assert given["arn"] == (
        f"arn:aws:elasticbeanstalk:us-east-1:123456789012:environment/{application}/{name}"
    )
    assert given["loadBalancers"] == [balancer.outputs["arn"]]
    assert given["endpointUrl"] == balancer.outputs["dnsName"]
    (group,) = given["autoscalingGroups"]
    assert group.startswith(f"awseb-{environment.id}-stack-AWSEBAutoScalingGroup-")
    assert given["cname"].startswith(f"{name}.eba-")
    assert given["cname"].endswith(".us-east-1.elasticbeanstalk.com")
    platform = "Docker running on 64bit Amazon Linux 2023/4.6.0"
    assert given["platformArn"] == f"arn:aws:elasticbeanstalk:us-east-1::platform/{platform}"
    assert given["tier"] == "WebServer"
    assert (given["queues"], given["triggers"], given["launchConfigurations"]) == ([], [], [])


@pytest.mark.parametrize(
    ("given", "balancers", "endpoint"),
    [
        ({"EnvironmentType": "SingleInstance"}, 0, "192.0.2.1"),
        ({"LoadBalancerType": "application"}, 1, ".us-east-1.elb.amazonaws.com"),
        ({}, 1, ".us-east-1.elb.amazonaws.com"),
    ],
)
def test_an_environment_has_the_balancer_its_options_ask_for(
    account: MotoProvider, given: dict[str, str], balancers: int, endpoint: str
) -> None:
    graph = new_graph()
    make(account, graph, sample(APPLICATION, "api", name="api"))
    name = f"env-{len(given)}-{next(iter(given), '')}"
    made, _ = make(
        account, graph, sample(ENVIRONMENT, name, **{**environment_type(**given), "name": name})
    )
    assert len(made.outputs["loadBalancers"]) == balancers
    assert made.outputs["endpointUrl"].endswith(endpoint)


def test_a_platform_arn_and_a_solution_stack_say_the_same(account: MotoProvider) -> None:
    platform = "arn:aws:elasticbeanstalk:us-east-1::platform/Docker running on 64bit Linux 1/4.6.0"
    graph = new_graph()
    make(account, graph, sample(APPLICATION, "api", name="api"))
    given = {"application": "api", "platformArn": platform}
    by_arn, _ = make(account, graph, sample(ENVIRONMENT, "by-arn", **given))
    assert by_arn.outputs["platformArn"] == platform
    assert by_arn.outputs["solutionStackName"] == "64bit Linux 1 v4.6.0 running Docker"
    saved = {"application": "api", "templateName": "saved"}
    by_template, _ = make(account, graph, sample(ENVIRONMENT, "by-template", **saved))
    # moto answers placeholders for what it was not told.
    assert by_template.outputs["platformArn"] == by_template.outputs["solutionStackName"] == ""


def test_a_worker_has_a_queue_and_no_balancer(account: MotoProvider) -> None:
    graph = new_graph()
    make(account, graph, sample(APPLICATION, "api", name="api"))
    made, found = make(
        account, graph, sample(ENVIRONMENT, "worker", **{**environment(), "tier": "Worker"})
    )
    assert about(found, "tier") == []
    assert made.outputs["loadBalancers"] == []
    assert made.outputs["endpointUrl"] == made.outputs["queues"][0]


def test_a_group_is_attached_to_a_classic_load_balancer_as_well(account: MotoProvider) -> None:
    given = {"autoscalingGroupName": "web", "elb": "classic"}
    assert findings(account, "aws:autoscaling/attachment:Attachment", given) == []


@pytest.mark.parametrize(
    ("type", "longest", "shortest"),
    [(APPLICATION, 100, 1), (VERSION, 100, 1), (ENVIRONMENT, 40, 4)],
)
def test_the_names_of_beanstalk_have_their_own_limits(
    type: str, longest: int, shortest: int
) -> None:
    def said(name: str) -> list[str]:
        return [one.message for one in names.auto_name(sample(type, "any", name=name))]

    assert said("a" * longest) == said("a" * shortest) == []
    assert said("a" * (longest + 1)) == [
        f'name: "{"a" * (longest + 1)}" has {longest + 1} characters, at most {longest} are allowed'
    ]
    assert len(said("a" * (shortest - 1))) == 1


@pytest.mark.parametrize("name", ["api_web", "-api", "api-", "api.web"])
def test_an_environment_is_named_in_letters_digits_and_inner_hyphens(name: str) -> None:
    (finding,) = names.auto_name(sample(ENVIRONMENT, "any", name=name))
    assert finding.message == f'name: "{name}" is not allowed: letters, digits and inner hyphens'


def test_an_object_stands_though_the_policy_of_its_bucket_denies(program: Graph) -> None:
    bundle = resource(program, "s3.BucketObjectv2", "bundle")
    bucket = resource(program, "s3.Bucket", "bundles").outputs["bucket"]
    assert bundle.made_in == "shadow"
    assert bundle.id == f"{bucket}/web/bundle.zip"
    assert bundle.outputs["arn"] == f"arn:aws:s3:::{bucket}/web/bundle.zip"
    assert len(bundle.outputs["etag"]) == len(bundle.outputs["versionId"]) == 32


def test_recording_alone_gives_a_group_and_a_platform_as_well() -> None:
    graph = record(platforms, provider=RecordOnlyProvider()).graph
    environment = resource(graph, "elasticbeanstalk.Environment", "web-environment")
    assert len(environment.outputs["autoscalingGroups"]) == 1
    assert len(environment.outputs["loadBalancers"]) == 1
    assert environment.inputs["solutionStackName"] == STACK


ADVANCED_PATH = "loadBalancers.0.advancedConfiguration"


@pytest.mark.parametrize(
    ("type", "name", "path", "value", "message"),
    [
        ("ecs.Service", "api", "alarms.alarmNames", ["late"], "'late' is no alarm (by its name)"),
        (
            "ecs.Service",
            "api",
            f"{ADVANCED_PATH}.alternateTargetGroupArn",
            "arn:nobody",
            "'arn:nobody' is no target group",
        ),
        (
            "ecs.Service",
            "api",
            f"{ADVANCED_PATH}.productionListenerRule",
            "arn:nobody",
            "'arn:nobody' is no listener rule",
        ),
        (
            "ecs.Service",
            "api",
            f"{ADVANCED_PATH}.testListenerRule",
            "arn:nobody",
            "'arn:nobody' is no listener rule",
        ),
        (
            "ecs.Service",
            "api",
            f"{DEPLOYMENT}.lifecycleHooks.0.hookTargetArn",
            "arn:nobody",
            "'arn:nobody' is no function",
        ),
        (
            "ecs.Service",
            "api",
            f"{DEPLOYMENT}.lifecycleHooks.0.roleArn",
            "arn:nobody",
            "'arn:nobody' is no role (by its ARN)",
        ),
        (
            "lb.ListenerRule",
            "api-test",
            "actions.0.forward.targetGroups.0.arn",
            "arn:nobody",
            "'arn:nobody' is no target group",
        ),
        (
            "elasticbeanstalk.Environment",
            "web-environment",
            "application",
            "nobody",
            "'nobody' is no Beanstalk application",
        ),
        (
            "elasticbeanstalk.Application",
            "web",
            "appversionLifecycle.serviceRole",
            "nobody",
            "'nobody' is no role (by its ARN)",
        ),
        ("s3.BucketObjectv2", "bundle", "bucket", "nowhere", "'nowhere' is no bucket"),
        (
            "elasticbeanstalk.ApplicationVersion",
            "web",
            "bucket",
            "nowhere",
            "'nowhere' is no bucket",
        ),
        (
            "elasticbeanstalk.ApplicationVersion",
            "web",
            "key",
            "web/other.zip",
            "'web/other.zip' is no object of the bucket",
        ),
        (
            "elasticbeanstalk.Environment",
            "web-environment",
            "version",
            "v2",
            "version: 'v2' is no version of the application",
        ),
        (
            "cloudwatch.MetricAlarm",
            "web-unwell",
            "dimensions.EnvironmentName",
            "nobody",
            "the metric watches 'nobody'",
        ),
        (
            "cloudwatch.MetricAlarm",
            "web-busy",
            "dimensions.AutoScalingGroupName",
            "nobody",
            "the metric watches 'nobody'",
        ),
    ],
)
def test_what_an_api_platform_points_at_has_to_exist(
    program: Graph, type: str, name: str, path: str, value: Any, message: str
) -> None:
    found = messages(changed(program, type, name, path, value))
    assert [one for one in found if message in one]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("IamInstanceProfile", "nobody", "'nobody' is no instance profile"),
        ("SecurityGroups", "sg-1", "'sg-1' is no security group"),
        ("Subnets", "subnet-1,subnet-2", "'subnet-2' is no subnet"),
        ("VPCId", "vpc-1", "'vpc-1' is no VPC"),
        ("ServiceRole", "nobody", "'nobody' is no role"),
        ("SharedLoadBalancer", "arn:nobody", "'arn:nobody' is no load balancer"),
    ],
)
def test_what_an_option_points_at_has_to_exist(
    program: Graph, name: str, value: str, message: str
) -> None:
    found = messages(set_option(program, name, value))
    assert [one for one in found if message in one and f"({name})" in one]


def test_a_role_may_be_given_to_an_environment_by_its_name(program: Graph) -> None:
    role = resource(program, "iam.Role", "beanstalk").outputs["name"]
    assert messages(set_option(program, "ServiceRole", role)) == []


def test_a_role_in_a_path_is_given_to_an_environment_by_its_arn_alone(program: Graph) -> None:
    role = resource(program, "iam.Role", "beanstalk").outputs
    in_a_path = changed(program, "iam.Role", "beanstalk", "path", "/studio/")

    [message] = messages(set_option(in_a_path, "ServiceRole", role["name"]))

    assert message.endswith(
        f"(ServiceRole): {role['name']!r} lies in the path /studio/, where its bare name does not "
        "find it; give its ARN"
    )
    assert messages(set_option(in_a_path, "ServiceRole", role["arn"])) == []


def test_the_production_rule_forwards_to_both_target_groups(program: Graph) -> None:
    path = "actions.0.forward.targetGroups"
    blue = resource(program, "lb.TargetGroup", "api-blue").outputs["arn"]
    alone = changed(program, "lb.ListenerRule", "api-production", path, [{"arn": blue}])
    (message,) = messages(alone)
    assert message == (
        "loadBalancers[0].advancedConfiguration.productionListenerRule: the rule 'api-production' "
        "does not forward to the target group 'api-green'; ECS needs both groups in it"
    )
    # The test rule forwards to it, and that is enough for a service that shifts no traffic.
    rolling = changed(alone, "ecs.Service", "api", f"{DEPLOYMENT}.strategy", "ROLLING")
    assert messages(rolling) == []


def test_ecs_takes_target_groups_only_behind_a_listener(program: Graph) -> None:
    graph = program
    for rule in ("api-production", "api-test"):
        path = "actions.0.forward.targetGroups"
        graph = changed(graph, "lb.ListenerRule", rule, path, [])
    found = [one for one in messages(graph) if "no listener forwards to the target group" in one]
    assert [one.partition(":")[0] for one in found] == [
        "loadBalancers[0].targetGroupArn",
        "loadBalancers[0].advancedConfiguration.alternateTargetGroupArn",
    ]


def test_the_alternate_target_group_is_of_the_same_kind(program: Graph) -> None:
    (message,) = messages(changed(program, "lb.TargetGroup", "api-green", "targetType", "instance"))
    assert message == (
        "loadBalancers[0].advancedConfiguration.alternateTargetGroupArn: the target group "
        "'api-green' has targetType 'instance'; tasks with networkMode awsvpc need ip"
    )


def test_an_application_load_balancer_is_shifted_by_a_rule_and_not_by_its_listener(
    program: Graph,
) -> None:
    path = f"{ADVANCED_PATH}.testListenerRule"
    listener = resource(program, "lb.Listener", "http").outputs["arn"]
    (message,) = messages(changed(program, "ecs.Service", "api", path, listener))
    assert "'http' is a listener of an application load balancer" in message
    network = changed(
        changed(program, "ecs.Service", "api", path, listener),
        *("lb.Listener", "http", "protocol", "TCP"),
    )
    assert messages(network) == []


def test_the_two_target_groups_and_the_two_rules_are_two(program: Graph) -> None:
    service = resource(program, "ecs.Service", "api").inputs["loadBalancers"][0]
    path = f"{ADVANCED_PATH}.alternateTargetGroupArn"
    twice = changed(program, "ecs.Service", "api", path, service["targetGroupArn"])
    assert "the same as targetGroupArn; ECS needs two" in messages(twice)[0]
    production = service["advancedConfiguration"]["productionListenerRule"]
    twice = changed(program, "ecs.Service", "api", f"{ADVANCED_PATH}.testListenerRule", production)
    assert "the same as productionListenerRule; ECS needs two" in messages(twice)[0]


def test_ecs_has_to_be_trusted_by_the_roles_it_assumes(program: Graph) -> None:
    other = resource(program, "iam.Role", "smoke").outputs["arn"]
    for path in (f"{ADVANCED_PATH}.roleArn", f"{DEPLOYMENT}.lifecycleHooks.0.roleArn"):
        (message,) = messages(changed(program, "ecs.Service", "api", path, other))
        assert "the role 'smoke' does not trust ecs.amazonaws.com" in message


def test_a_refresh_names_alarms_and_a_group_takes_traffic_from_a_target_group_that_exist() -> None:
    graph = new_graph()
    inputs = refreshed(alarmSpecification={"alarms": ["late"]})
    balancing = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/1"
    inputs["trafficSources"] = [{"identifier": balancing}, {"identifier": "classic"}]
    group = sample(GROUP, "web", **inputs)
    graph.resources[group.urn] = group
    found = messages(graph)
    assert any("alarmSpecification.alarms[0]: 'late' is no alarm" in one for one in found)
    assert any(f"trafficSources[0].identifier: {balancing!r} is no target" in one for one in found)
    assert not any("trafficSources[1]" in one for one in found)
