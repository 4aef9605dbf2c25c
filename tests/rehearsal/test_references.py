"""What one resource says about another has to exist, and to fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.checks import references
from rehearsal.graph import UNKNOWN, Finding, Graph
from tests.recorder import record
from tests.rehearsal.broken import changed, containers, resource
from tests.rehearsal.clean_program import clean_program

ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def clean() -> Graph:
    return record(clean_program).graph


def messages(graph: Graph) -> list[str]:
    return sorted(finding.message for finding in references.check(graph))


def only(graph: Graph) -> Finding:
    (finding,) = references.check(graph)
    return finding


def test_a_clean_program_has_no_finding(clean: Graph) -> None:
    assert messages(clean) == []


def test_a_finding_names_the_resource_its_line_the_value_and_what_there_is(clean: Graph) -> None:
    missing = f"arn:aws:iam::{ACCOUNT}:role/apj"
    finding = only(changed(clean, "ecs.TaskDefinition", "api", "taskRoleArn", missing))
    task = resource(clean, "ecs.TaskDefinition", "api")
    role = resource(clean, "iam.Role", "api")
    assert (finding.check, finding.severity) == ("reference", "error")
    assert (finding.urn, finding.source) == (task.urn, task.source)
    assert finding.message.startswith(f"taskRoleArn: {missing!r} is no role (by its ARN)")
    assert role.outputs["arn"] in finding.message


@pytest.mark.parametrize(
    ("type", "name", "path", "value", "word"),
    [
        ("ecs.TaskDefinition", "api", "executionRoleArn", "arn:aws:iam::1:role/x", "role"),
        ("ecs.Service", "api", "taskDefinition", "arn:aws:ecs:x:y:task-definition/z:1", "task"),
        ("ecs.Service", "api", "cluster", "somewhere", "ECS cluster"),
        ("ecs.Service", "api", "networkConfiguration.securityGroups", ["sg-1"], "security group"),
        ("ecs.Service", "api", "networkConfiguration.subnets", ["subnet-1"], "subnet"),
        ("ecs.Service", "api", "loadBalancers.0.targetGroupArn", "arn:x", "target group"),
        ("rds.Instance", "database", "kmsKeyId", f"arn:aws:kms:x:{ACCOUNT}:key/1", "KMS key"),
        ("rds.Instance", "database", "dbSubnetGroupName", "nowhere", "database subnet group"),
        ("rds.Instance", "database", "parameterGroupName", "none", "database parameter group"),
        ("elasticache.ReplicationGroup", "cache", "subnetGroupName", "none", "cache subnet group"),
        ("lb.Listener", "https", "loadBalancerArn", "arn:x", "load balancer"),
        ("lb.Listener", "https", "defaultActions.0.targetGroupArn", "arn:x", "target group"),
        ("lb.LoadBalancer", "api", "securityGroups", ["sg-1"], "security group"),
        ("vpc.SecurityGroupIngressRule", "api-from-itself", "securityGroupId", "sg-1", "security"),
        ("iam.InstanceProfile", "gpu", "role", "nobody", "role (by its name)"),
        ("ec2.LaunchTemplate", "gpu", "iamInstanceProfile.arn", "arn:x", "instance profile"),
        ("autoscaling.Group", "gpu", "vpcZoneIdentifiers", ["subnet-1"], "subnet"),
        (
            "autoscaling.Group",
            "gpu",
            "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification.launchTemplateId",
            "lt-1",
            "launch template",
        ),
        ("iam.RolePolicyAttachment", "gpu", "policyArn", f"arn:aws:iam::{ACCOUNT}:policy/x", "man"),
        (
            "sqs.Queue",
            "render",
            "redrivePolicy",
            json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:x:{ACCOUNT}:none"}),
            "queue",
        ),
        (
            "cloudwatch.MetricAlarm",
            "render-age",
            "alarmActions",
            [f"arn:aws:sns:us-east-1:{ACCOUNT}:nobody"],
            "SNS topic",
        ),
        ("appautoscaling.Policy", "api-cpu", "resourceId", "service/a/b", "scalable target"),
    ],
)
def test_what_an_input_points_at_has_to_exist(
    clean: Graph, type: str, name: str, path: str, value: Any, word: str
) -> None:
    findings = references.check(changed(clean, type, name, path, value))
    (message,) = [one.message for one in findings if one.urn == resource(clean, type, name).urn]
    assert f" is no {word}" in message


def test_the_message_says_what_a_value_is_when_it_is_the_wrong_thing(clean: Graph) -> None:
    subnet = resource(clean, "ec2.Subnet", "studio-private-1").id
    graph = changed(clean, "lb.LoadBalancer", "api", "securityGroups", [subnet])
    assert "it is the aws:ec2/subnet:Subnet 'studio-private-1'" in only(graph).message


@pytest.mark.parametrize(
    ("type", "name", "path", "value"),
    [
        ("rds.Instance", "database", "kmsKeyId", "alias/aws/rds"),
        ("rds.Instance", "database", "kmsKeyId", "arn:aws:kms:us-east-1:999999999999:key/shared"),
        ("rds.Instance", "database", "parameterGroupName", "default.postgres17"),
        ("iam.RolePolicyAttachment", "gpu", "policyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("cloudwatch.MetricAlarm", "render-age", "alarmActions", ["arn:aws:sns:x:999999999999:y"]),
        ("cloudwatch.MetricAlarm", "render-age", "dimensions", {"Anything": "x"}),
        ("cloudwatch.MetricAlarm", "render-age", "namespace", "Studio/Own"),
        (
            "cloudwatch.MetricAlarm",
            "render-age",
            "dimensions",
            {"TargetGroup": "targetgroup/awseb-api/1a6f70"},
        ),
        ("rds.Instance", "database", "kmsKeyId", UNKNOWN),
    ],
)
def test_what_stands_outside_the_program_is_not_asked_for(
    clean: Graph, type: str, name: str, path: str, value: Any
) -> None:
    assert messages(changed(clean, type, name, path, value)) == []


def test_a_secret_is_found_without_the_key_that_ecs_adds(clean: Graph) -> None:
    arn = resource(clean, "secretsmanager.Secret", "openai").outputs["arn"]
    for suffix in ("", ":key::", ":key:AWSCURRENT:"):
        secrets = [{"name": "KEY", "valueFrom": f"{arn}{suffix}"}]
        assert messages(containers(clean, "api", secrets=secrets)) == []
    other = [{"name": "KEY", "valueFrom": f"{arn}x:key::"}]
    message = only(containers(clean, "api", secrets=other)).message
    assert message.startswith("containerDefinitions[0].secrets[0].valueFrom:")
    assert "is no secret or parameter" in message


def test_a_log_group_has_to_exist_before_the_container_writes_to_it(clean: Graph) -> None:
    options = {"awslogs-group": "/nowhere", "awslogs-region": "us-east-1"}
    logs = {"logDriver": "awslogs", "options": options}
    message = only(containers(clean, "api", logConfiguration=logs)).message
    assert "awslogs-group: '/nowhere' is no log group of this program" in message


def test_a_service_names_a_container_and_a_port_of_its_task_definition(clean: Graph) -> None:
    wrong_name = changed(clean, "ecs.Service", "api", "loadBalancers.0.containerName", "web")
    assert only(wrong_name).message == (
        "loadBalancers[0].containerName: the task definition 'api' has no container 'web'; "
        "there is api"
    )
    wrong_port = changed(clean, "ecs.Service", "api", "loadBalancers.0.containerPort", 80)
    assert only(wrong_port).message == (
        "loadBalancers[0].containerPort: 'api' does not map port 80; it maps 8000"
    )


def test_tasks_with_a_network_interface_need_a_target_group_of_addresses(clean: Graph) -> None:
    graph = changed(clean, "lb.TargetGroup", "api", "targetType", "instance")
    assert "targetType 'instance'; tasks with networkMode awsvpc need ip" in only(graph).message


def test_a_service_takes_a_launch_type_or_a_capacity_provider_not_both(clean: Graph) -> None:
    graph = changed(clean, "ecs.Service", "api", "launchType", "FARGATE")
    assert "ECS takes one of them" in only(graph).message


def test_a_capacity_provider_has_to_be_attached_to_the_cluster(clean: Graph) -> None:
    path = "capacityProviderStrategies.0.capacityProvider"
    graph = changed(clean, "ecs.Service", "api", path, "FARGATE_SPOT")
    assert only(graph).message == (
        "capacityProviderStrategies[0].capacityProvider: 'FARGATE_SPOT' is not attached to the "
        f"cluster {resource(clean, 'ecs.Cluster', 'studio').inputs['name']!r}; there is FARGATE"
    )


def test_fargate_needs_an_execution_role_to_read_secrets(clean: Graph) -> None:
    graph = changed(clean, "ecs.TaskDefinition", "api", "executionRoleArn", None)
    assert only(graph).message == (
        "executionRoleArn: missing; ECS needs one to read the secrets of the container 'api'"
    )


def test_fargate_needs_awsvpc(clean: Graph) -> None:
    graph = changed(clean, "ecs.TaskDefinition", "api", "networkMode", "bridge")
    assert "networkMode: 'bridge' given; Fargate needs awsvpc" in messages(graph)


def test_a_container_waits_only_for_containers_of_its_task(clean: Graph) -> None:
    waits = [{"containerName": "migrate", "condition": "SUCCESS"}]
    assert "'migrate' is no container" in only(containers(clean, "api", dependsOn=waits)).message


def test_application_auto_scaling_scales_a_service_that_exists(clean: Graph) -> None:
    graph = changed(clean, "appautoscaling.Target", "api", "resourceId", "service/studio/web")
    assert "resourceId: 'service/studio/web' is no ECS service of this program" in "\n".join(
        messages(graph)
    )


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("render-age", "dimensions.QueueName", "nobody"),
        ("render-age", "dimensions", {"TargetGroup": "targetgroup/nobody/1a6f70"}),
        ("api-cpu", "dimensions.ServiceName", "nobody"),
        ("cache-memory", "metricQueries.0.metric.dimensions.CacheClusterId", "cache-003"),
    ],
)
def test_an_alarm_watches_something_that_exists(
    clean: Graph, name: str, path: str, value: str | dict[str, str]
) -> None:
    message = only(changed(clean, "cloudwatch.MetricAlarm", name, path, value)).message
    [watched] = value.values() if isinstance(value, dict) else [value]
    assert f"the metric watches {watched!r}, which this program does not make" in message


def test_a_third_node_of_a_cache_with_two_is_not_there(clean: Graph) -> None:
    group = resource(clean, "elasticache.ReplicationGroup", "cache").inputs["replicationGroupId"]
    path = "metricQueries.0.metric.dimensions.CacheClusterId"
    graph = changed(clean, "cloudwatch.MetricAlarm", "cache-memory", path, f"{group}-003")
    assert f"there is {group}-002, {group}-001" in only(graph).message


def test_a_composite_alarm_names_alarms_that_exist(clean: Graph) -> None:
    graph = changed(
        clean, "cloudwatch.CompositeAlarm", "render-unwell", "alarmRule", 'ALARM("nobody")'
    )
    assert "alarmRule: 'nobody' is no alarm of this program" in only(graph).message


def test_the_order_of_registration_changes_nothing(clean: Graph) -> None:
    graph = changed(clean, "ecs.Service", "api", "cluster", "somewhere")
    forth = messages(graph)
    graph.resources = dict(reversed(graph.resources.items()))
    assert messages(graph) == forth
