"""Placing inputs on the API's shapes by name, and what the API's model says of the result."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.model import OperationModel

from rehearsal.shapes import Problem, Rules, judge, near, place


def operation(service: str, name: str) -> OperationModel:
    session = botocore.session.get_session()
    return session.get_service_model(service).operation_model(name)


def placed(service: str, name: str, inputs: dict[str, Any], **rules: Any) -> dict[str, Any]:
    result = place(inputs, operation(service, name), Rules(**rules))
    assert result.problems == []
    return result.request


def judged(service: str, name: str, inputs: dict[str, Any], **rules: Any) -> list[str]:
    model = operation(service, name)
    result = place(inputs, model, Rules(**rules))
    return [str(problem) for problem in judge(result.request, model, result.origins)]


@pytest.mark.parametrize(
    ("property", "member"),
    [
        ("port", "Port"),
        ("ipAddressType", "IpAddressType"),
        ("vpc", "VpcId"),
    ],
)
def test_a_property_finds_its_member_by_name(property: str, member: str) -> None:
    value: Any = 80 if property == "port" else "x"
    assert placed("elbv2", "CreateTargetGroup", {property: value}) == {member: value}


@pytest.mark.parametrize(
    ("service", "name", "inputs", "kind", "request_"),
    [
        ("sqs", "CreateQueue", {"name": "a"}, "Queue", {"QueueName": "a"}),
        (
            "rds",
            "CreateDBInstance",
            {"performanceInsightsEnabled": True},
            "",
            {"EnablePerformanceInsights": True},
        ),
        (
            "ecs",
            "CreateService",
            {"capacityProviderStrategies": [{"capacityProvider": "gpu", "weight": 1}]},
            "service",
            {"capacityProviderStrategy": [{"capacityProvider": "gpu", "weight": 1}]},
        ),
        (
            "elbv2",
            "CreateListener",
            {"defaultActions": [{"redirect": {"statusCode": "HTTP_301"}}]},
            "Listener",
            {"DefaultActions": [{"RedirectConfig": {"StatusCode": "HTTP_301"}}]},
        ),
    ],
)
def test_plural_kind_enabled_and_suffix_spellings_are_known(
    service: str, name: str, inputs: dict[str, Any], kind: str, request_: dict[str, Any]
) -> None:
    assert placed(service, name, inputs, kind=kind) == request_


def test_what_finds_no_place_is_a_problem_that_names_what_is_near() -> None:
    result = place(
        {"healthCheck": {"pth": "/"}},
        operation("elbv2", "CreateTargetGroup"),
        Rules(lift={"healthCheck": "HealthCheck"}),
    )
    assert result.request == {}
    assert result.problems == [
        Problem(
            path="healthCheck.pth",
            message="no place in elbv2 CreateTargetGroup; "
            "near: HealthCheckPath, HealthCheckPort, HealthCheckProtocol",
        )
    ]


def test_the_path_of_a_problem_counts_list_entries() -> None:
    result = place(
        {"defaultActions": [{"type": "forward"}, {"typ": "forward"}]},
        operation("elbv2", "CreateListener"),
        Rules(),
    )
    assert [problem.path for problem in result.problems] == ["defaultActions[1].typ"]


def test_two_properties_never_land_on_one_member_in_silence() -> None:
    result = place(
        {"value": "a", "insecureValue": "b"},
        operation("ssm", "PutParameter"),
        Rules(rename={"insecureValue": "Value"}),
    )
    assert result.request == {"Value": "a"}
    assert result.problems == [
        Problem(
            path="insecureValue", message="lands on Value of ssm PutParameter, and so does value"
        )
    ]


def test_two_properties_may_fill_one_block() -> None:
    request = placed(
        "ecs",
        "CreateService",
        {"maximum": 200, "deploymentConfiguration": {"strategy": "ROLLING"}},
        rename={"maximum": "deploymentConfiguration.maximumPercent"},
    )
    assert request == {"deploymentConfiguration": {"maximumPercent": 200, "strategy": "ROLLING"}}


def test_a_block_that_is_filled_twice_with_the_same_member_is_a_problem() -> None:
    result = place(
        {"maximum": 200, "deploymentConfiguration": {"maximumPercent": 100}},
        operation("ecs", "CreateService"),
        Rules(rename={"maximum": "deploymentConfiguration.maximumPercent"}),
    )
    assert [problem.path for problem in result.problems] == [
        "deploymentConfiguration.maximumPercent"
    ]


def test_attributes_become_entries_of_a_list_or_a_map() -> None:
    listed = placed(
        "elbv2",
        "ModifyLoadBalancerAttributes",
        {"idleTimeout": 60, "enableHttp2": True},
        rename={
            "idleTimeout": "Attributes[idle_timeout.timeout_seconds]",
            "enableHttp2": "Attributes[routing.http2.enabled]",
        },
    )
    assert listed["Attributes"] == [
        {"Key": "idle_timeout.timeout_seconds", "Value": "60"},
        {"Key": "routing.http2.enabled", "Value": "true"},
    ]
    mapped = placed(
        "sqs",
        "CreateQueue",
        {"delaySeconds": 5},
        rename={"delaySeconds": "Attributes.DelaySeconds"},
    )
    assert mapped == {"Attributes": {"DelaySeconds": "5"}}


def test_the_only_entry_of_a_list_is_filled_by_several_properties() -> None:
    request = placed(
        "events",
        "PutTargets",
        {"rule": "r", "arn": "a", "targetId": "t"},
        rename={"arn": "Targets[].Arn", "targetId": "Targets[].Id"},
    )
    assert request == {"Rule": "r", "Targets": [{"Arn": "a", "Id": "t"}]}


def test_properties_may_live_inside_a_member() -> None:
    request = placed(
        "ec2",
        "CreateLaunchTemplate",
        {"name": "gpu", "instanceType": "g5.xlarge"},
        inside="LaunchTemplateData",
        rename={"name": "/LaunchTemplateName"},
    )
    assert request == {
        "LaunchTemplateName": "gpu",
        "LaunchTemplateData": {"InstanceType": "g5.xlarge"},
    }


def test_tags_become_whatever_the_operation_calls_them() -> None:
    tags = {"b": "2", "a": "1"}
    ordered = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert placed("rds", "CreateDBInstance", {"tags": tags}) == {"Tags": ordered}
    assert placed("logs", "CreateLogGroup", {"tags": tags}) == {"tags": tags}
    assert placed("ec2", "CreateVpc", {"tags": tags}, tag_type="vpc") == {
        "TagSpecifications": [{"ResourceType": "vpc", "Tags": ordered}]
    }
    assert placed("kms", "CreateKey", {"tags": {"a": "1"}}) == {
        "Tags": [{"TagKey": "a", "TagValue": "1"}]
    }


def test_values_take_the_type_of_the_shape() -> None:
    assert placed("elbv2", "CreateTargetGroup", {"port": 80.0}) == {"Port": 80}
    assert placed("elbv2", "CreateTargetGroup", {"port": "80"}) == {"Port": 80}
    assert placed("rds", "CreateDBInstance", {"multiAz": "true"}) == {"MultiAZ": True}
    assert placed("ecs", "RegisterTaskDefinition", {"cpu": 512}) == {"cpu": "512"}


def test_a_single_block_becomes_a_list_where_the_api_wants_one() -> None:
    request = placed(
        "s3",
        "PutBucketOwnershipControls",
        {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        rename={"rule": "OwnershipControls.Rules"},
    )
    assert request == {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}


def test_a_list_becomes_quantity_and_items() -> None:
    request = placed(
        "cloudfront",
        "CreateDistribution",
        {"aliases": ["cdn.studio.example"]},
        inside="DistributionConfig",
    )
    assert request["DistributionConfig"]["Aliases"] == {
        "Quantity": 1,
        "Items": ["cdn.studio.example"],
    }


def test_a_block_of_items_is_counted() -> None:
    values = {"items": ["GET", "HEAD"]}
    request = placed(
        "cloudfront",
        "CreateResponseHeadersPolicy",
        {"corsConfig": {"accessControlAllowMethods": values, "accessControlAllowHeaders": {}}},
        inside="ResponseHeadersPolicyConfig",
    )
    cors = request["ResponseHeadersPolicyConfig"]["CorsConfig"]
    assert cors["AccessControlAllowMethods"] == {"Quantity": 2, "Items": ["GET", "HEAD"]}
    assert cors["AccessControlAllowHeaders"] == {"Quantity": 0}


@pytest.mark.parametrize(
    ("groups", "block"),
    [
        (["K1"], {"Enabled": True, "Quantity": 1, "Items": ["K1"]}),
        ([], {"Enabled": False, "Quantity": 0}),
    ],
)
def test_a_list_that_may_be_off_is_on_when_it_has_entries(
    groups: list[str], block: dict[str, Any]
) -> None:
    request = placed(
        "cloudfront",
        "CreateDistribution",
        {"defaultCacheBehavior": {"trustedKeyGroups": groups}},
        inside="DistributionConfig",
    )
    behaviour = request["DistributionConfig"]["DefaultCacheBehavior"]
    assert behaviour["TrustedKeyGroups"] == block


def test_properties_may_belong_several_members_deep() -> None:
    request = placed(
        "cloudfront",
        "CreateDistributionWithTags",
        {"comment": "studio", "tags": {"a": "b"}},
        inside="DistributionConfigWithTags.DistributionConfig",
        rename={"tags": "/DistributionConfigWithTags.Tags.Items"},
    )
    assert request == {
        "DistributionConfigWithTags": {
            "DistributionConfig": {"Comment": "studio"},
            "Tags": {"Items": [{"Key": "a", "Value": "b"}]},
        }
    }


def test_a_rename_to_a_member_that_does_not_exist_is_an_error_of_the_catalogue() -> None:
    with pytest.raises(LookupError, match="no member Nowhere"):
        place({"a": 1}, operation("sqs", "CreateQueue"), Rules(rename={"a": "Nowhere.At"}))


@pytest.mark.parametrize(
    ("service", "name", "inputs", "message"),
    [
        ("ecr", "CreateRepository", {}, "ecr CreateRepository needs repositoryName"),
        (
            "elbv2",
            "CreateTargetGroup",
            {"name": "a", "protocol": "HTP"},
            'protocol: "HTP" is not one of HTTP, HTTPS, TCP,',
        ),
        (
            "elbv2",
            "CreateTargetGroup",
            {"name": "a", "healthCheckTimeoutSeconds": 500},
            "healthCheckTimeoutSeconds: 500 given, at most 120 allowed",
        ),
        (
            "iam",
            "CreateRole",
            {"roleName": "r" * 65, "assumeRolePolicyDocument": "{}"},
            "roleName: 65 characters given, at most 64 allowed",
        ),
        (
            "logs",
            "CreateLogGroup",
            {"logGroupName": "a b"},
            'logGroupName: "a b" does not match',
        ),
        (
            "elbv2",
            "CreateTargetGroup",
            {"name": "a", "port": "http"},
            'port: "http" was given, a whole number is needed',
        ),
        (
            "elbv2",
            "CreateLoadBalancer",
            {"name": "a", "subnets": {"a": "b"}},
            "text is needed",
        ),
    ],
)
def test_the_model_of_the_api_judges_the_request(
    service: str, name: str, inputs: dict[str, Any], message: str
) -> None:
    assert any(message in found for found in judged(service, name, inputs))


def test_a_judgement_names_the_property_and_not_the_member() -> None:
    found = judged(
        "elbv2",
        "CreateTargetGroup",
        {"name": "a", "healthCheck": {"timeout": 500}},
        lift={"healthCheck": "HealthCheck"},
        rename={"healthCheck.timeout": "HealthCheckTimeoutSeconds"},
    )
    assert found == ["healthCheck.timeout: 500 given, at most 120 allowed"]


def test_patterns_written_for_java_are_understood() -> None:
    described = {"alarmName": "a", "comparisonOperator": "GreaterThanThreshold"}
    inputs = {**described, "evaluationPeriods": 1}
    assert judged("cloudwatch", "PutMetricAlarm", inputs) == []
    role = {"roleName": "worker", "assumeRolePolicyDocument": '{"Version": "2012-10-17"}'}
    assert judged("iam", "CreateRole", {**role, "description": "für Rollen"}) == []
    assert judged("iam", "CreateRole", {**role, "roleName": "a b"}) != []


def test_near_names_what_is_spelled_alike_and_nothing_else() -> None:
    assert near("pth", ["path", "port", "interval"]) == "; near: path"
    assert near("zzz", ["path", "port"]) == ""
