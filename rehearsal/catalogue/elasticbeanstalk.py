"""AWS Elastic Beanstalk. What an environment is made of is in its option settings, as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rehearsal.catalogue import beanstalk_options as settings
from rehearsal.catalogue.entry import Call, Entry, Inputs, Scope

PATIENCE = "the provider's own patience"

TIERS = {"WebServer": "Standard", "Worker": "SQS/HTTP"}

STACK = re.compile(r"(?P<system>(?:32|64)bit .+) v(?P<version>\d+\.\d+\.\d+) running (?P<name>.+)")
"""A solution stack is a platform version by another name."""

PLATFORM = re.compile(r".*:platform/(?P<name>.+) running on (?P<system>.+)/(?P<version>[\d.]+)")


def _application(inputs: Inputs) -> Inputs:
    block = inputs.get("appversionLifecycle")
    if isinstance(block, dict):
        delete = block.pop("deleteSourceFromS3", None)
        rules = {
            rule: {"enabled": True, limit: block.pop(limit), "deleteSourceFromS3": delete}
            for limit, rule in (("maxCount", "maxCountRule"), ("maxAgeInDays", "maxAgeRule"))
            if block.get(limit) is not None
        }
        inputs["appversionLifecycle"] = block | {"versionLifecycleConfig": rules}
    return inputs


def _one_limit(inputs: Inputs) -> Iterator[tuple[str, str]]:
    block = inputs.get("appversionLifecycle") or {}
    if block.get("maxCount") and block.get("maxAgeInDays"):
        path = "appversionLifecycle.maxAgeInDays"
        yield path, "given together with maxCount; Beanstalk keeps versions by one of them"


def _environment(inputs: Inputs) -> Inputs:
    tier = inputs.get("tier")
    if isinstance(tier, str):
        inputs["tier"] = {"name": tier, "type": TIERS.get(tier, "Standard")}
    if balancer := settings.value_of(inputs, "aws:elbv2:loadbalancer", "SharedLoadBalancer"):
        inputs["sharedLoadBalancer"] = [balancer]
    return inputs


def _one_platform(inputs: Inputs) -> Iterator[tuple[str, str]]:
    ways = ("solutionStackName", "platformArn", "templateName")
    given = [way for way in ways if inputs.get(way)]
    if len(given) != 1:
        said = " and ".join(given) or "none"
        yield "solutionStackName", f"{said} given; an environment needs one of {', '.join(ways)}"


def _stack_name(inputs: Inputs) -> Iterator[tuple[str, str]]:
    given = inputs.get("solutionStackName")
    if isinstance(given, str) and not STACK.fullmatch(given):
        example = "64bit Amazon Linux 2023 v4.6.0 running Docker"
        yield "solutionStackName", f'"{given}" given, a name such as "{example}" is needed'


def _id(scope: Scope) -> str:
    return f"e-{scope.find('hex')[:10]}"


def _prefix(scope: Scope) -> str:
    """What CloudFormation puts before the names of an environment's parts."""
    return f"awseb-{_id(scope)}-stack"


def _cname(scope: Scope) -> str:
    name, region = scope.find("name"), scope.find("region")
    prefix = scope.find("cnamePrefix") or f"{name}.eba-{scope.find('hex8')}"
    return f"{prefix}.{region}.elasticbeanstalk.com".lower()


def _option(scope: Scope, namespace: str, name: str) -> str | None:
    return settings.value_of({"settings": scope.find("settings")}, namespace, name)


def _load_balancers(scope: Scope) -> list[str]:
    """One ARN, or for a classic load balancer its name."""
    namespace = "aws:elasticbeanstalk:environment"
    shared = _option(scope, "aws:elbv2:loadbalancer", "SharedLoadBalancer")
    single = _option(scope, namespace, "EnvironmentType") == "SingleInstance"
    if shared or single or scope.find("tier") == "Worker":
        return [shared] if shared else []
    kind = {"application": "app", "network": "net"}.get(
        _option(scope, namespace, "LoadBalancerType") or ""
    )
    own = f"awseb--AWSEB-{scope.find('hex8')}"
    where = f"{scope.find('region')}:{scope.find('account')}"
    arn = f"arn:aws:elasticloadbalancing:{where}:loadbalancer/{kind}/{own}/{scope.find('hex16')}"
    return [arn if kind else own]


def _endpoint(scope: Scope) -> str:
    """The name of the load balancer, the address of the only instance, or the worker's queue."""
    if queues := _queues(scope):
        return queues[0]
    if balancers := _load_balancers(scope):
        own = balancers[0].split("/")[-2] if "/" in balancers[0] else balancers[0]
        region = scope.find("region")
        return scope.find("DNSName") or f"{own}-{scope.find('hex8')}.{region}.elb.amazonaws.com"
    return "192.0.2.1"


def _queues(scope: Scope) -> list[str]:
    if scope.find("tier") != "Worker":
        return []
    given = _option(scope, "aws:elasticbeanstalk:sqsd", "WorkerQueueURL")
    host = f"https://sqs.{scope.find('region')}.amazonaws.com/{scope.find('account')}"
    return [given or f"{host}/{_prefix(scope)}-AWSEBWorkerQueue-{scope.find('hex8')}"]


def _platform_arn(scope: Scope) -> Any:
    stack = STACK.fullmatch(str(scope.find("solutionStackName")))
    if stack is None:
        return scope.find("platformArn") or ""
    name = "{name} running on {system}/{version}".format(**stack.groupdict())
    return f"arn:aws:elasticbeanstalk:{scope.find('region')}::platform/{name}"


def _solution_stack(scope: Scope) -> Any:
    platform = PLATFORM.fullmatch(str(scope.find("platformArn")))
    if platform is None:
        return scope.find("solutionStackName") or ""
    return "{system} v{version} running {name}".format(**platform.groupdict())


ENTRIES = {
    "Application": Entry(
        service="elasticbeanstalk",
        operation="CreateApplication",
        kind="Application",
        answer="Application",
        prepare=_application,
        rules=(_one_limit,),
        then=(
            Call(
                operation="UpdateApplicationResourceLifecycle",
                rename={"appversionLifecycle": "ResourceLifecycleConfig"},
                fixed={"ApplicationName": "{name}"},
                shadow="moto lacks it",
            ),
        ),
        id="{name}",
        outputs={"arn": "arn:aws:elasticbeanstalk:{region}:{account}:application/{name}"},
    ),
    "ApplicationVersion": Entry(
        service="elasticbeanstalk",
        operation="CreateApplicationVersion",
        kind="ApplicationVersion",
        shadow="moto lacks it",
        rename={
            "application": "ApplicationName",
            "name": "VersionLabel",
            "bucket": "SourceBundle.S3Bucket",
            "key": "SourceBundle.S3Key",
        },
        ignore={"forceDelete": "Terraform's deletion"},
        id="{name}",
        outputs={
            "arn": (
                "arn:aws:elasticbeanstalk:{region}:{account}:"
                "applicationversion/{application}/{name}"
            )
        },
    ),
    "Environment": Entry(
        service="elasticbeanstalk",
        operation="CreateEnvironment",
        kind="Environment",
        rename={
            "application": "ApplicationName",
            "settings": "OptionSettings",
            "settings.name": "OptionName",
            "settings.resource": "ResourceName",
            "version": "VersionLabel",
        },
        ignore={"pollInterval": PATIENCE, "waitForReadyTimeout": PATIENCE},
        withheld={"OptionSettings": "moto forgets them"},
        prepare=_environment,
        rules=(
            _one_platform,
            _stack_name,
            settings.texts,
            settings.twice,
            settings.together,
            settings.rules_and_processes,
        ),
        doubts=(settings.strangers,),
        limits={"tier": tuple(TIERS)},
        then=(
            Call(
                service="elbv2",
                operation="DescribeLoadBalancers",
                rename={"sharedLoadBalancer": "LoadBalancerArns"},
                answer="LoadBalancers.0",
            ),
        ),
        id=_id,
        outputs={
            "arn": "arn:aws:elasticbeanstalk:{region}:{account}:environment/{application}/{name}",
            "autoscalingGroups": lambda scope: [
                f"{_prefix(scope)}-AWSEBAutoScalingGroup-{scope.find('hex8')}"
            ],
            "cname": _cname,
            "endpointUrl": _endpoint,
            "instances": lambda scope: [f"i-{scope.find('hex')}"],
            "launchConfigurations": [],
            "loadBalancers": _load_balancers,
            "platformArn": _platform_arn,
            "queues": _queues,
            "solutionStackName": _solution_stack,
            "tier": lambda scope: scope.find("tier") or "WebServer",
            "triggers": [],
        },
    ),
}
