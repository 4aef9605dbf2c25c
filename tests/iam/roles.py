"""Every role of a stack against what its program calls: nothing missing, nothing over (M85).

What a role needs is not read from its policy. It is read from what runs under it: the variables and
secrets of a task, the spec of an instance, the environment of a function. A row per kind of role
says how. So a grant that goes is missed, and one that comes in without a need is found.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components.grants import UNSCOPED
from tests.iam.evaluate import Policy, Request, decide, matches
from tests.recorder import Node, Recorded, type_token

ACCOUNT = "123456789012"
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role of the graph, with all it holds."""

    node: Node
    component: str
    """The type of the component it belongs to: `backlot:api:FargateApi`."""
    kind: str
    """Its name without that component's: `task`, `execution`."""
    policies: Sequence[Policy]
    managed: Sequence[str]
    """ARNs of the policies of AWS attached to it."""

    @property
    def arn(self) -> str:
        return self.node.outputs["arn"]

    @property
    def statements(self) -> list[Mapping[str, Any]]:
        return [statement for policy in self.policies for statement in policy["Statement"]]


class Place:
    """A recorded stack, looked at for its roles."""

    def __init__(self, recorded: Recorded) -> None:
        self._by_type: dict[str, list[Node]] = {}
        self._by_urn: dict[str, Node] = {}
        for node in recorded.nodes:
            self._by_type.setdefault(node.type, []).append(node)
            self._by_urn[node.urn] = node

    def all(self, type: str) -> list[Node]:
        return self._by_type.get(type_token(type), [])

    def owner(self, node: Node) -> Node:
        while not node.type.startswith("backlot:"):
            node = self._by_urn[node.parent]
        return node

    @cached_property
    def roles(self) -> list[Role]:
        inline: dict[str, list[Policy]] = {}
        for policy in self.all("iam.RolePolicy"):
            inline.setdefault(policy["role"], []).append(policy.json("policy"))
        managed: dict[str, list[str]] = {}
        for attachment in self.all("iam.RolePolicyAttachment"):
            managed.setdefault(attachment["role"], []).append(attachment["policy_arn"])
        return [
            Role(
                node=node,
                component=self.owner(node).type,
                kind=node.name.removeprefix(self.owner(node).name).removeprefix("-"),
                policies=inline.get(node.id, []),
                managed=managed.get(node.id, []),
            )
            for node in self.all("iam.Role")
        ]

    @cached_property
    def keys_by_secret(self) -> Mapping[str, str | None]:
        """The key of every secret, those that RDS makes among them."""
        keys = {node.outputs["arn"]: node.get("kms_key_id") for node in self.secrets}
        for database in self.all("rds.Instance"):
            for secret in database.outputs.get("master_user_secrets") or ():
                keys[secret["secret_arn"]] = database.get("master_user_secret_kms_key_id")
        return keys

    @property
    def secrets(self) -> list[Node]:
        return self.all("secretsmanager.Secret")

    def queue(self, url: str) -> Node:
        return self._one("sqs.Queue", lambda node: node["name"] == url.rpartition("/")[2])

    def key_of_bucket(self, bucket: str) -> str | None:
        node = self._one(
            "s3.BucketServerSideEncryptionConfiguration", lambda node: node["bucket"] == bucket
        )
        rule = node["rules"][0]["apply_server_side_encryption_by_default"]
        return rule.get("kms_master_key_id")

    def _one(self, type: str, wanted: Callable[[Node], bool]) -> Node:
        [found] = [node for node in self.all(type) if wanted(node)]
        return found


Needs = Callable[[Place, Role], Iterable[Request]]


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def call(actions: str, *resources: str, **context: str | Sequence[str]) -> Iterator[Request]:
    """`call("sqs:SendMessage GetQueueUrl", arn)`; `ecs__cluster=` is the condition key."""
    service, _, names = actions.partition(":")
    asked = {key.replace("__", ":"): value for key, value in context.items()}
    for name in names.split():
        for resource in resources or ("*",):
            yield Request(action=f"{service}:{name}", resource=resource, context=asked)


# What a program may be given, and what it calls with it.


def with_key(key_arn: str | None, actions: str) -> Iterator[Request]:
    if key_arn:
        yield from call(f"kms:{actions}", key_arn)


def writes(log_group: str) -> Iterator[Request]:
    yield from call(
        "logs:CreateLogStream PutLogEvents", arn("logs", f"log-group:{log_group}:log-stream:a")
    )


def reads(place: Place, value_from: str) -> Iterator[Request]:
    """A secret, be it one key of it."""
    secret = ":".join(value_from.split(":")[:7])
    yield from call("secretsmanager:GetSecretValue", secret)
    yield from with_key(place.keys_by_secret[secret], "Decrypt")


def pulls(place: Place, image: str) -> Iterator[Request]:
    """An image of the stack's own; as a test's stack has no other."""
    url, _, _ = image.partition(":")
    [repository] = [
        node.outputs["arn"]
        for node in place.all("ecr.Repository")
        if node.outputs["repository_url"] == url.partition("@")[0]
    ]
    yield from call("ecr:GetAuthorizationToken")
    yield from call(
        "ecr:BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer", repository
    )


def uses(place: Place, variables: Mapping[str, str]) -> Iterator[Request]:
    """What our contract's variables name: a queue to work on, others to send to, a bucket."""
    for name, value in sorted(variables.items()):
        if name == "MEDIA_BUCKET":
            bucket = f"arn:aws:s3:::{value}"
            yield from call("s3:ListBucket", bucket)
            yield from call(
                "s3:AbortMultipartUpload DeleteObject GetObject PutObject", f"{bucket}/any/key"
            )
            yield from with_key(place.key_of_bucket(value), "Decrypt GenerateDataKey")
        elif name == "QUEUE_URL":
            queue = place.queue(value)
            yield from call(
                "sqs:ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage",
                queue.outputs["arn"],
            )
            yield from with_key(queue.get("kms_master_key_id"), "Decrypt")
        elif name.startswith("QUEUE_URL_"):
            queue = place.queue(value)
            yield from call("sqs:GetQueueAttributes SendMessage", queue.outputs["arn"])
            yield from with_key(queue.get("kms_master_key_id"), "Decrypt GenerateDataKey")
        elif name == "BUSINESS_NAMESPACE":
            yield from call("cloudwatch:PutMetricData", cloudwatch__namespace=value)
        elif name == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":
            yield from call(
                "xray:GetSamplingRules GetSamplingStatisticSummaries GetSamplingTargets"
                " PutSpans PutSpansForIndexing PutTelemetryRecords PutTraceSegments"
            )


# Tasks of ECS.


def _containers(place: Place, role: Role, whose: str) -> Iterator[Mapping[str, Any]]:
    for definition in place.all("ecs.TaskDefinition"):
        if definition.get(whose) == role.arn:
            yield from definition.json("container_definitions")


def start_of_tasks(place: Place, role: Role) -> Iterator[Request]:
    for container in _containers(place, role, "execution_role_arn"):
        yield from pulls(place, container["image"])
        yield from writes(container["logConfiguration"]["options"]["awslogs-group"])
        for secret in container.get("secrets", ()):
            yield from reads(place, secret["valueFrom"])


def work_of_tasks(place: Place, role: Role) -> Iterator[Request]:
    for container in _containers(place, role, "task_role_arn"):
        variables = {one["name"]: one["value"] for one in container.get("environment", ())}
        yield from uses(place, variables)


def _clusters_of(place: Place, role: Role) -> list[Node]:
    definitions = {
        node.outputs["arn"].rpartition(":")[0]
        for node in place.all("ecs.TaskDefinition")
        if node.get("task_role_arn") == role.arn
    }
    names = {
        service["cluster"]
        for service in place.all("ecs.Service")
        if service["task_definition"].rpartition(":")[0] in definitions
    }
    return [node for node in place.all("ecs.Cluster") if node["name"] in names]


def protection_at_work(place: Place, role: Role) -> Iterator[Request]:
    for cluster in _clusters_of(place, role):
        task = arn("ecs", f"task/{cluster['name']}/a")
        yield from call("ecs:GetTaskProtection UpdateTaskProtection", task)


def sessions_in_tasks(place: Place, role: Role) -> Iterator[Request]:
    for cluster in _clusters_of(place, role):
        session = cluster["configuration"]["execute_command_configuration"]
        log = session["log_configuration"]["cloud_watch_log_group_name"]
        yield from call(
            "ssmmessages:CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel"
        )
        yield from call("logs:DescribeLogGroups", arn("logs", "log-group::log-stream:"))
        yield from call("logs:DescribeLogStreams", arn("logs", f"log-group:{log}:log-stream:"))
        yield from writes(log)
        yield from with_key(session.get("kms_key_id"), "Decrypt")


# Instances.


def _profiles(place: Place, role: Role) -> set[str]:
    return {
        profile.outputs["arn"]
        for profile in place.all("iam.InstanceProfile")
        if profile["role"] == role.node.outputs["name"]
    }


def work_of_instances(place: Place, role: Role) -> Iterator[Request]:
    """What the launcher is told in the user data of the group's template."""
    for template in place.all("ec2.LaunchTemplate"):
        if template["iam_instance_profile"]["arn"] not in _profiles(place, role):
            continue
        told = base64.b64decode(template["user_data"]).decode()
        for spec in map(json.loads, re.findall(r"<<'SPEC'\n(.*?)\nSPEC", told, re.DOTALL)):
            yield from pulls(place, spec["image"])
            yield from writes(spec["log_group"])
            yield from uses(place, spec["environment"])
            for secret in spec["secrets"].values():
                yield from reads(place, secret)


def sessions_on_instances(place: Place, role: Role) -> Iterator[Request]:
    """What the agent of SSM calls to open a session, and to be sent a command.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html
    """
    yield from call("ssm:UpdateInstanceInformation")
    yield from call(
        "ssmmessages:CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel"
    )
    yield from call(
        "ec2messages:AcknowledgeMessage DeleteMessage FailMessage GetEndpoint GetMessages SendReply"
    )


def membership_of_cluster(place: Place, role: Role) -> Iterator[Request]:
    """What the agent of ECS calls for the cluster that the instances are told at boot.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
    """
    yield from call("ecs:DiscoverPollEndpoint")
    for template in place.all("ec2.LaunchTemplate"):
        if template["iam_instance_profile"]["arn"] not in _profiles(place, role):
            continue
        told = base64.b64decode(template["user_data"]).decode()
        [cluster] = re.findall(r"^ECS_CLUSTER=(.+)$", told, re.MULTILINE)
        yield from call(
            "ecs:DeregisterContainerInstance RegisterContainerInstance"
            " SubmitAttachmentStateChanges SubmitContainerStateChange SubmitTaskStateChange",
            arn("ecs", f"cluster/{cluster}"),
        )
        yield from call(
            "ecs:Poll StartTelemetrySession UpdateContainerInstancesState",
            arn("ecs", f"container-instance/{cluster}/a"),
        )


def protection_of_instances(place: Place, role: Role) -> Iterator[Request]:
    yield from call("autoscaling:DescribeAutoScalingInstances")
    for group in place.all("autoscaling.Group"):
        if place.owner(group).urn == place.owner(role.node).urn:
            yield from call(
                "autoscaling:CompleteLifecycleAction SetInstanceProtection", group.outputs["arn"]
            )


def work_of_environment(place: Place, role: Role) -> Iterator[Request]:
    """What Elastic Beanstalk runs on its instances, and what its own agents ask for.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/iam-instanceprofile.html
    """
    for environment in place.all("elasticbeanstalk.Environment"):
        options: dict[str, dict[str, str]] = {}
        for setting in environment["settings"]:
            options.setdefault(setting["namespace"], {})[setting["name"]] = setting["value"]
        spoken = "aws:elasticbeanstalk:application:environment"
        yield from uses(place, options[spoken])
        for secret in options[f"{spoken}secrets"].values():
            yield from reads(place, secret)
        application, name = environment["application"], environment["name"]
        yield from call(
            "elasticbeanstalk:PutInstanceStatistics",
            arn("elasticbeanstalk", f"application/{application}"),
            arn("elasticbeanstalk", f"environment/{application}/{name}"),
        )
        for group in place.all("cloudwatch.LogGroup"):
            if group["name"].startswith(f"/aws/elasticbeanstalk/{name}/"):
                yield from call(
                    "logs:CreateLogStream DescribeLogGroups DescribeLogStreams PutLogEvents",
                    f"{group.outputs['arn']}:log-stream:a",
                )
        own = f"arn:aws:s3:::elasticbeanstalk-{REGION}-{ACCOUNT}"
        yield from call("s3:ListBucket", own)
        yield from call("s3:GetObject GetObjectVersion", f"{own}/resources/environments/e-1/a.zip")
        yield from call("s3:PutObject", f"{own}/resources/environments/logs/tail/e-1/a.zip")
    for repository in place.all("ecr.Repository"):
        # Which of them a bundle names is not the program's to say.
        yield from pulls(place, repository.outputs["repository_url"])
    yield from _bundles(place, "s3:GetObject")


def _bundles(place: Place, actions: str) -> Iterator[Request]:
    for version in place.all("elasticbeanstalk.ApplicationVersion"):
        bucket = f"arn:aws:s3:::{version['bucket']}"
        yield from call(actions, f"{bucket}/api/1.0.0.zip")
        if "GetObject" in actions:
            yield from call("s3:ListBucket", bucket, s3__prefix="api/1.0.0.zip")
            yield from with_key(place.key_of_bucket(version["bucket"]), "Decrypt")


def care_of_environment(place: Place, role: Role) -> Iterator[Request]:
    for environment in place.all("elasticbeanstalk.Environment"):
        log = f"log-group:/aws/elasticbeanstalk/{environment['name']}/environment-health.log"
        yield from call(
            "logs:CreateLogStream DescribeLogStreams PutLogEvents",
            arn("logs", f"{log}:log-stream:a"),
        )
    yield from _bundles(place, "s3:DeleteObject")


# Functions.


def _functions(place: Place, role: Role) -> list[Node]:
    return [node for node in place.all("lambda.Function") if node["role"] == role.arn]


def _variables(place: Place, role: Role) -> Mapping[str, str]:
    [function] = _functions(place, role)
    return function["environment"]["variables"]


def log_of_function(place: Place, role: Role) -> Iterator[Request]:
    for function in _functions(place, role):
        yield from writes(function["logging_config"]["log_group"])


def interfaces(place: Place, role: Role) -> Iterator[Request]:
    """Lambda makes the interfaces of a function in the network, under the function's role."""
    yield from call(
        "ec2:AssignPrivateIpAddresses CreateNetworkInterface DeleteNetworkInterface"
        " DescribeNetworkInterfaces DescribeSubnets UnassignPrivateIpAddresses"
    )


def migration(place: Place, role: Role) -> Iterator[Request]:
    told = _variables(place, role)
    cluster, family = told["CLUSTER"], told["TASK_DEFINITION"]
    name = cluster.rpartition("/")[2]
    yield from call("ecs:RunTask", arn("ecs", f"task-definition/{family}:7"), ecs__cluster=cluster)
    yield from call("ecs:ListTasks", ecs__cluster=cluster)
    yield from call(
        "ecs:DescribeTasks StopTask", arn("ecs", f"task/{name}/a"), ecs__cluster=cluster
    )
    for definition in place.all("ecs.TaskDefinition"):
        if definition["family"] == family:
            yield from call(
                "iam:PassRole",
                definition["task_role_arn"],
                definition["execution_role_arn"],
                iam__PassedToService="ecs-tasks.amazonaws.com",
            )
    if not _in_deployment(place):
        yield from call("ecs:DescribeTaskDefinition")
    yield from revision(place, role)


def _in_deployment(place: Place) -> bool:
    """Whether ECS calls the gates as it rolls out, rather than a pipeline before and after."""
    return any(list(hooks(place, role)) for role in place.roles if role.kind == "hooks")


def revision(place: Place, role: Role) -> Iterator[Request]:
    if _in_deployment(place):
        yield from call("ecs:DescribeServiceRevisions", arn("ecs", "service-revision/a/b/1"))


def hooks(place: Place, role: Role) -> Iterator[Request]:
    for service in place.all("ecs.Service"):
        for hook in (service.get("deployment_configuration") or {}).get("lifecycle_hooks") or ():
            yield from call("lambda:InvokeFunction", hook["hook_target_arn"])


def rotation(place: Place, role: Role) -> Iterator[Request]:
    [rotated] = place.all("secretsmanager.SecretRotation")
    secret = rotated["secret_id"]
    yield from call(
        "secretsmanager:DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage",
        secret,
    )
    yield from with_key(place.keys_by_secret[secret], "Decrypt GenerateDataKey")
    database = _variables(place, role)["DATABASE"]
    yield from call("rds:DescribeDBInstances ModifyDBInstance", arn("rds", f"db:{database}"))


def restart(place: Place, role: Role) -> Iterator[Request]:
    told = _variables(place, role)
    yield from call("secretsmanager:DescribeSecret", told["SECRET"])
    for target in json.loads(told["TARGETS"]):
        if target["platform"] == "ecs":
            service = arn("ecs", f"service/{target['cluster']}/{target['service']}")
            yield from call("ecs:DescribeServices UpdateService", service)
        elif target["platform"] == "autoscaling":
            yield from call("autoscaling:StartInstanceRefresh", _group_arn(place, target["group"]))
            yield from call("autoscaling:DescribeAutoScalingGroups")
            yield from call("ec2:DescribeInstances")
        else:
            for environment in place.all("elasticbeanstalk.Environment"):
                path = f"environment/{environment['application']}/{environment['name']}"
                yield from call(
                    "elasticbeanstalk:DescribeEnvironments DescribeEvents RestartAppServer",
                    arn("elasticbeanstalk", path),
                )


def _group_arn(place: Place, name: str) -> str:
    [group] = [node for node in place.all("autoscaling.Group") if node["name"] == name]
    return group.outputs["arn"]


def waking(place: Place, role: Role) -> Iterator[Request]:
    for fleet in json.loads(_variables(place, role)["FLEETS"]):
        yield from call("sqs:GetQueueAttributes", place.queue(fleet["queue"]).outputs["arn"])
        if fleet["platform"] == "ecs":
            service = arn("ecs", f"service/{fleet['cluster']}/{fleet['service']}")
            yield from call("ecs:DescribeServices UpdateService", service)
            yield from call("application-autoscaling:DescribeScalableTargets")
        else:
            yield from call("autoscaling:SetDesiredCapacity", _group_arn(place, fleet["group"]))
            yield from call("autoscaling:DescribeAutoScalingGroups")


def draining(place: Place, role: Role) -> Iterator[Request]:
    yield from call("autoscaling:DescribeAutoScalingInstances")
    yield from call("ssm:ListCommands")
    yield from call("ssm:SendCommand", f"arn:aws:ssm:{REGION}::document/AWS-RunShellScript")
    for group in json.loads(_variables(place, role)["GROUPS"]):
        yield from call("autoscaling:CompleteLifecycleAction", _group_arn(place, group))
        tag = {"ssm:resourceTag/aws:autoscaling:groupName": group}
        instance = arn("ec2", "instance/i-0123456789abcdef0")
        yield Request(action="ssm:SendCommand", resource=instance, context=tag)


def interruptions(place: Place, role: Role) -> Iterator[Request]:
    yield from call("autoscaling:DescribeAutoScalingInstances")


def backlog(place: Place, role: Role) -> Iterator[Request]:
    told = _variables(place, role)
    yield from reads(place, told["SECRET"])
    yield from call("cloudwatch:PutMetricData", cloudwatch__namespace=told["NAMESPACE"])


def flow_logs(place: Place, role: Role) -> Iterator[Request]:
    for flow in place.all("ec2.FlowLog"):
        group = flow["log_destination"]
        yield from call("logs:DescribeLogGroups", group)
        yield from call(
            "logs:CreateLogStream DescribeLogStreams PutLogEvents", f"{group}:log-stream:a"
        )


# What watches and protects.


def trail_log(place: Place, role: Role) -> Iterator[Request]:
    for trail in place.all("cloudtrail.Trail"):
        yield from writes(trail["cloud_watch_logs_group_arn"].split(":")[6])


def malware_scan(place: Place, role: Role) -> Iterator[Request]:
    """https://docs.aws.amazon.com/guardduty/latest/ug/malware-protection-s3-iam-policy-prerequisite.html"""
    for plan in place.all("guardduty.MalwareProtectionPlan"):
        name = plan["protected_resource"]["s3_bucket"]["bucket_name"]
        bucket = f"arn:aws:s3:::{name}"
        yield from call("s3:GetBucketNotification ListBucket PutBucketNotification", bucket)
        yield from call(
            "s3:GetObject GetObjectTagging GetObjectVersion GetObjectVersionTagging"
            " PutObjectTagging PutObjectVersionTagging",
            f"{bucket}/any/key",
        )
        # What it finds out whether it may write with.
        yield from call("s3:PutObject", f"{bucket}/malware-protection-resource-validation-object")
        yield from with_key(place.key_of_bucket(name), "Decrypt GenerateDataKey")
        rule = arn("events", "rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3-a")
        managed = {"events__ManagedBy": "malware-protection-plan.guardduty.amazonaws.com"}
        yield from call("events:DeleteRule PutTargets RemoveTargets", rule, **managed)
        told = {"events__source": "aws.s3", "events__detail-type": "Object Created"}
        yield from call("events:PutRule", rule, **managed, **told)
        yield from call("events:DescribeRule ListTargetsByRule", rule)


def backups(place: Place, role: Role) -> Iterator[Request]:
    """What it does to what the plan selects, as far as it would be none of a neighbour's."""
    for selection in place.all("backup.Selection"):
        for chosen in selection["resources"]:
            if chosen.startswith("arn:aws:s3:::"):
                yield from call("s3:ListBucket", chosen)
                yield from call("s3:GetObject", f"{chosen}/any/key")
            else:
                yield from call("rds:ModifyDBInstance", chosen)


def restores(place: Place, role: Role) -> Iterator[Request]:
    for bucket in place.all("s3.Bucket"):
        yield from call("s3:ListBucket", bucket.outputs["arn"])
        yield from call("s3:DeleteObject GetObject PutObject", f"{bucket.outputs['arn']}/any/key")


def journey(place: Place, role: Role) -> Iterator[Request]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Synthetics_Canaries_CanaryPermissions.html"""
    for canary in place.all("synthetics.Canary"):
        bucket, _, prefix = canary["artifact_s3_location"].removeprefix("s3://").partition("/")
        yield from call(
            "s3:AbortMultipartUpload DeleteObject PutObject", f"arn:aws:s3:::{bucket}/{prefix}/a"
        )
        yield from call("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
        yield from call("s3:ListAllMyBuckets")
        yield from call("cloudwatch:PutMetricData", cloudwatch__namespace="CloudWatchSynthetics")


def archive(place: Place, role: Role) -> Iterator[Request]:
    for stream in place.all("kinesis.FirehoseDeliveryStream"):
        destination = stream["extended_s3_configuration"]
        bucket, prefix = destination["bucket_arn"], destination["prefix"].partition("/")[0]
        yield from call("s3:GetBucketLocation ListBucket ListBucketMultipartUploads", bucket)
        yield from call("s3:AbortMultipartUpload GetObject PutObject", f"{bucket}/{prefix}/a")
        yield from with_key(destination.get("kms_key_arn"), "Decrypt GenerateDataKey")
        yield from writes(destination["cloudwatch_logging_options"]["log_group_name"])


def sending_to_archive(place: Place, role: Role) -> Iterator[Request]:
    for lead in place.all("cloudwatch.LogSubscriptionFilter"):
        yield from call("firehose:PutRecord PutRecordBatch", lead["destination_arn"])


def daily_call(place: Place, role: Role) -> Iterator[Request]:
    for schedule in place.all("scheduler.Schedule"):
        if schedule["target"]["role_arn"] == role.arn:
            yield from call("lambda:InvokeFunction", schedule["target"]["arn"])


def clearing_away(place: Place, role: Role) -> Iterator[Request]:
    told = _variables(place, role)
    own = {f"aws:ResourceTag/{key}": value for key, value in _tags(place, role).items()}
    snapshot = arn("rds", "snapshot:by-hand")
    yield from call("rds:DescribeDBSnapshots", arn("rds", f"db:{told['DATABASE']}"), snapshot)
    yield Request(action="rds:DeleteDBSnapshot", resource=snapshot, context=own)
    kept = arn("elasticache", f"snapshot:{told['PREFIX']}-by-hand")
    cache = arn("elasticache", f"replicationgroup:{told['CACHE']}")
    yield from call("elasticache:DescribeSnapshots ListTagsForResource", cache, kept)
    yield from call("elasticache:DeleteSnapshot", kept)
    for name in json.loads(told["BUCKETS"]):
        yield from call("s3:ListBucketMultipartUploads", f"arn:aws:s3:::{name}")
        yield from call("s3:AbortMultipartUpload", f"arn:aws:s3:::{name}/any/key")


def _tags(place: Place, role: Role) -> Mapping[str, str]:
    [function] = _functions(place, role)
    return function.outputs["tags_all"]


def chat(place: Place, role: Role) -> Iterator[Request]:
    for alarm in place.all("cloudwatch.MetricAlarm"):
        yield from call("cloudwatch:DescribeAlarms", alarm.outputs["arn"])
    yield from call("cloudwatch:GetMetricData GetMetricStatistics")


def nothing_of_ours(place: Place, role: Role) -> Iterator[Request]:
    """All it does is in the policy that AWS keeps for its service."""
    return iter(())


@dataclass(frozen=True)
class Row:
    service: str
    """Who assumes it, alone."""
    needs: Sequence[Needs]
    managed: Sequence[str] = ()
    """The policies of AWS it holds: names from `MANAGED`."""
    follows: str = ""
    """A policy of AWS that its grants are held to, and which test compares the two. What it grants
    beyond `needs` is then no finding, unless it is a neighbour's."""


TASKS, EC2, LAMBDA = "ecs-tasks.amazonaws.com", "ec2.amazonaws.com", "lambda.amazonaws.com"

EXECUTION = Row(TASKS, [start_of_tasks])

ROWS: Mapping[tuple[str, str], Row] = {
    ("backlot:api:BeanstalkApi", "instance"): Row(
        EC2, [work_of_environment, sessions_on_instances]
    ),
    ("backlot:api:BeanstalkApi", "migration-execution"): EXECUTION,
    ("backlot:api:BeanstalkApi", "migration-task"): Row(TASKS, [work_of_tasks]),
    ("backlot:api:BeanstalkApi", "service"): Row(
        "elasticbeanstalk.amazonaws.com",
        [care_of_environment],
        [
            "AWSElasticBeanstalkEnhancedHealth",
            "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
        ],
    ),
    ("backlot:api:Ec2Api", "instance"): Row(EC2, [work_of_instances, sessions_on_instances]),
    ("backlot:api:Ec2Api", "migration-execution"): EXECUTION,
    ("backlot:api:Ec2Api", "migration-task"): Row(TASKS, [work_of_tasks]),
    ("backlot:api:FargateApi", "execution"): EXECUTION,
    ("backlot:api:FargateApi", "task"): Row(TASKS, [work_of_tasks, sessions_in_tasks]),
    ("backlot:api:FargateApi", "traffic"): Row(
        "ecs.amazonaws.com",
        [nothing_of_ours],
        ["AmazonECSInfrastructureRolePolicyForLoadBalancers"],
    ),
    ("backlot:api:ReleaseGates", "hooks"): Row("ecs.amazonaws.com", [hooks]),
    ("backlot:api:ReleaseGates", "migrate"): Row(LAMBDA, [log_of_function, migration]),
    ("backlot:api:ReleaseGates", "smoke"): Row(LAMBDA, [log_of_function, revision]),
    ("backlot:audit:Audit", "malware"): Row(
        "malware-protection-plan.guardduty.amazonaws.com", [malware_scan]
    ),
    ("backlot:audit:Audit", "trail"): Row("cloudtrail.amazonaws.com", [trail_log]),
    ("backlot:backups:Backups", "restore-role"): Row(
        "backup.amazonaws.com", [restores], follows="test_backups.py: AWS's policies for restores"
    ),
    ("backlot:backups:Backups", "role"): Row(
        "backup.amazonaws.com", [backups], follows="test_backups.py: AWS's policies for backups"
    ),
    ("backlot:canary:Canary", "role"): Row(LAMBDA, [journey]),
    ("backlot:log_archive:LogArchive", "sender"): Row("logs.amazonaws.com", [sending_to_archive]),
    ("backlot:log_archive:LogArchive", "stream"): Row("firehose.amazonaws.com", [archive]),
    ("backlot:network:Network", "flow-logs"): Row("vpc-flow-logs.amazonaws.com", [flow_logs]),
    ("backlot:notices:Notices", "chat"): Row("chatbot.amazonaws.com", [chat]),
    ("backlot:redis_queues:RedisQueues", "function"): Row(
        LAMBDA, [log_of_function, interfaces, backlog]
    ),
    ("backlot:services:Service", "execution"): EXECUTION,
    ("backlot:services:Service", "task"): Row(TASKS, [work_of_tasks, sessions_in_tasks]),
    ("backlot:stores:Database", "monitoring"): Row(
        "monitoring.rds.amazonaws.com", [nothing_of_ours], ["AmazonRDSEnhancedMonitoringRole"]
    ),
    ("backlot:stores:Database", "restart"): Row(LAMBDA, [log_of_function, restart]),
    ("backlot:stores:Database", "rotation"): Row(LAMBDA, [log_of_function, rotation]),
    ("backlot:upkeep:Upkeep", "function"): Row(LAMBDA, [log_of_function, clearing_away]),
    ("backlot:upkeep:Upkeep", "daily-role"): Row("scheduler.amazonaws.com", [daily_call]),
    ("backlot:workers:Beat", "execution"): EXECUTION,
    ("backlot:workers:Beat", "task"): Row(TASKS, [work_of_tasks, sessions_in_tasks]),
    ("backlot:workers:Drain", "function"): Row(LAMBDA, [log_of_function, draining]),
    ("backlot:workers:Ec2Fleet", "instance"): Row(
        EC2, [work_of_instances, protection_of_instances, sessions_on_instances]
    ),
    ("backlot:workers:FargateFleet", "execution"): EXECUTION,
    ("backlot:workers:FargateFleet", "task"): Row(
        TASKS, [work_of_tasks, protection_at_work, sessions_in_tasks]
    ),
    ("backlot:workers:GpuFleet", "execution"): EXECUTION,
    ("backlot:workers:GpuFleet", "instance"): Row(
        EC2, [membership_of_cluster, sessions_on_instances]
    ),
    ("backlot:workers:GpuFleet", "task"): Row(TASKS, [work_of_tasks, protection_at_work]),
    ("backlot:workers:Interruptions", "function"): Row(LAMBDA, [log_of_function, interruptions]),
    ("backlot:workers:Waker", "function"): Row(LAMBDA, [log_of_function, waking]),
}
"""By component and the role's name in it. A role without a row is a finding."""

MANAGED: Mapping[str, str] = {
    "AWSElasticBeanstalkEnhancedHealth": "Beanstalk demands it of its service role",
    "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy": "Beanstalk demands it for its updates",
    "AmazonECSInfrastructureRolePolicyForLoadBalancers": "ECS demands it to shift traffic",
    "AmazonRDSEnhancedMonitoringRole": "RDS demands it to write what it measures",
}
"""The policies of AWS that a role may hold, and why ours would not do."""

WIDE: Mapping[str, str] = {
    "ecs:DescribeServiceRevisions": "a revision has no name before the deployment that makes it",
    "ecs:DescribeTasks": "a task has no name before it runs; the condition holds the cluster",
    "ecs:StopTask": "a task has no name before it runs; the condition holds the cluster",
    "elasticache:DescribeSnapshots": "whoever took a snapshot chose its name",
    "elasticache:ListTagsForResource": "whoever took a snapshot chose its name",
    "rds:DeleteDBSnapshot": "whoever took one chose its name; the condition holds the stack's tags",
    "rds:DescribeDBSnapshots": "whoever took a snapshot chose its name",
    "ssm:SendCommand": "instances come and go; the condition holds the group's tag",
}
"""Actions granted on every resource of one type of the account, and why on no less."""


def findings(recorded: Recorded) -> list[str]:
    """What is wrong with the roles of a stack, a line each; nothing when all is as it should be."""
    place = Place(recorded)
    return [
        f"{role.node.name}: {problem}" for role in place.roles for problem in _problems(place, role)
    ]


def _problems(place: Place, role: Role) -> Iterator[str]:
    row = ROWS.get((role.component, role.kind))
    if row is None:
        yield f"no row in tests/iam/roles.py for {role.component} {role.kind!r}"
        return
    yield from _trust(role, row)
    yield from _wildcards(role, row)
    needed = _needed(place, role, row)
    for request in needed:
        if decide(role.policies, request) != "allowed":
            yield f"may not {request}"
    if not row.follows:
        yield from _unneeded(role, needed)
    asked = {(request.action, request.resource) for request in needed}
    for request in neighbours(place):
        if (request.action, request.resource) in asked:
            continue
        if decide(role.policies, request) == "allowed":
            yield f"may {request}, which is none of its business"


def _needed(place: Place, role: Role, row: Row) -> list[Request]:
    """Each call once; several containers of one role ask for the same."""
    asked = [request for need in row.needs for request in need(place, role)]
    return list({repr(request): request for request in asked}.values())


def needed_by(place: Place, role: Role) -> list[Request]:
    """The calls a role is for, by its row."""
    return _needed(place, role, ROWS[role.component, role.kind])


def _trust(role: Role, row: Row) -> Iterator[str]:
    statements = role.node.json("assume_role_policy")["Statement"]
    trusted = [(one["Effect"], one["Principal"], one["Action"]) for one in statements]
    if trusted != [("Allow", {"Service": row.service}, "sts:AssumeRole")]:
        yield f"is to be assumed by {row.service} alone, not by {trusted}"
    names = sorted(each.rpartition("/")[2] for each in role.managed)
    if names != sorted(row.managed):
        yield f"holds {names} of AWS's policies, and its row says {sorted(row.managed)}"
    for name in set(names) - set(MANAGED):
        yield f"holds {name}, which MANAGED in tests/iam/roles.py does not list"


def _wildcards(role: Role, row: Row) -> Iterator[str]:
    for statement in role.statements:
        sid = statement["Sid"]
        keys = {key for wanted in statement.get("Condition", {}).values() for key in wanted}
        for action in statement["Action"]:
            if "*" in action:
                yield f"{sid} grants {action}"
            elif "*" in statement["Resource"]:
                reviewed = UNSCOPED.get(action)
                if reviewed is None:
                    yield f"{sid} grants {action} on *, which UNSCOPED does not list"
                elif reviewed.condition and reviewed.condition not in keys:
                    yield f"{sid} grants {action} on * without {reviewed.condition}"
            elif row.follows or action in WIDE:
                continue
            elif any(map(_is_wide, statement["Resource"])):
                yield f"{sid} grants {action} on {statement['Resource']}, which WIDE does not list"


def _is_wide(resource: str) -> bool:
    """Every resource of a type: `task/*`. In S3 that would be the objects of one bucket."""
    _, _, service, _, _, rest = resource.split(":", 5)
    return service != "s3" and bool(re.fullmatch(r"[a-z-]*[:/]?\*", rest))


def _unneeded(role: Role, needed: Sequence[Request]) -> Iterator[str]:
    for statement in role.statements:
        alone = [{"Statement": [statement]}]
        served = [request for request in needed if decide(alone, request) == "allowed"]
        used = {request.action for request in served}
        for action in sorted(set(statement["Action"]) - used):
            yield f"{statement['Sid']} grants {action}, which nothing it runs calls"
        for resource in statement["Resource"]:
            if not any(matches(resource, request.resource) for request in served):
                yield f"{statement['Sid']} grants {resource}, which nothing it runs calls"


ELSEWHERE = "another-stack"
"""What every name of a neighbour in the same account begins with."""


def neighbours(place: Place) -> list[Request]:
    """What no role may do, unless its row says so: to the rest of the stack, and to a neighbour."""
    there = {
        "sqs": [arn("sqs", f"{ELSEWHERE}-render")],
        "s3": [f"arn:aws:s3:::{ELSEWHERE}-media"],
        "secret": [arn("secretsmanager", f"secret:{ELSEWHERE}/database-a1b2c3")],
        "log": [arn("logs", f"log-group:/ecs/{ELSEWHERE}-api")],
        "key": [arn("kms", "key/00000000-0000-0000-0000-000000000000")],
        "database": [arn("rds", f"db:{ELSEWHERE}-database")],
        "function": [arn("lambda", f"function:{ELSEWHERE}-waker")],
        "role": [f"arn:aws:iam::{ACCOUNT}:role/{ELSEWHERE}-deploy"],
    }
    here = {
        "sqs": "sqs.Queue",
        "s3": "s3.Bucket",
        "secret": "secretsmanager.Secret",
        "log": "cloudwatch.LogGroup",
        "key": "kms.Key",
        "database": "rds.Instance",
        "function": "lambda.Function",
        "role": "iam.Role",
    }
    known = {
        what: [node.outputs["arn"] for node in place.all(token)] + there[what]
        for what, token in here.items()
    }
    passed = {"iam__PassedToService": TASKS}
    cluster = {"ecs__cluster": arn("ecs", f"cluster/{ELSEWHERE}-api")}
    return [
        *call("sqs:DeleteMessage PurgeQueue ReceiveMessage SendMessage", *known["sqs"]),
        *call("s3:ListBucket DeleteBucket PutBucketPolicy", *known["s3"]),
        *call(
            "s3:DeleteObject GetObject PutObject", *(f"{bucket}/any/key" for bucket in known["s3"])
        ),
        *call("secretsmanager:GetSecretValue PutSecretValue DeleteSecret", *known["secret"]),
        *call("ssm:GetParameter GetParameters", arn("ssm", f"parameter/{ELSEWHERE}/token")),
        *call(
            "logs:FilterLogEvents GetLogEvents PutLogEvents",
            *(f"{group}:log-stream:a" for group in known["log"]),
        ),
        *call("ecr:BatchGetImage", arn("ecr", f"repository/{ELSEWHERE}/api")),
        *call("ecs:RegisterContainerInstance", arn("ecs", f"cluster/{ELSEWHERE}-api")),
        *call("ecs:Poll", arn("ecs", f"container-instance/{ELSEWHERE}-api/a")),
        *call("kms:Decrypt GenerateDataKey", *there["key"]),
        *call("kms:PutKeyPolicy ScheduleKeyDeletion", *known["key"]),
        *call("rds:DeleteDBInstance ModifyDBInstance", *known["database"]),
        *call("lambda:InvokeFunction UpdateFunctionCode", *known["function"]),
        *call("iam:PassRole", *known["role"], **passed),
        *call("iam:AttachRolePolicy PutRolePolicy", *known["role"]),
        *call("sts:AssumeRole", *known["role"]),
        *call("iam:CreateAccessKey CreateUser", f"arn:aws:iam::{ACCOUNT}:user/somebody"),
        *call("ecs:RunTask", arn("ecs", f"task-definition/{ELSEWHERE}-api:1"), **cluster),
        *call("ecs:ExecuteCommand StopTask", arn("ecs", f"task/{ELSEWHERE}-api/a"), **cluster),
        *call("cloudwatch:PutMetricData", cloudwatch__namespace=f"{ELSEWHERE}/Jobs"),
    ]
