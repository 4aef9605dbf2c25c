"""What a stack must be covered by, judged on its recorded graph: a line per gap, none when whole.

Each of the functions takes a graph and gives what is missing, so that a test can also take one
thing away and see that it is missed (tests/stacks/test_mutations.py). Whoever adds a resource type
finds it refused by `unwatched` until it has a row in `WATCHED` or in `UNWATCHED`; if it keeps
anything, it needs one in `STORES` too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.iam.evaluate import Request, decide
from tests.recorder import ROOT, Node, Recorded, type_token

Says = Callable[[Node], str]
"""Why a resource goes without something; empty when it must have it."""


def _named(*inputs: str) -> Callable[[Node], list[str]]:
    return lambda node: [str(node[name]) for name in inputs]


def _output(*outputs: str) -> Callable[[Node], list[str]]:
    return lambda node: [str(node.outputs[name]) for name in outputs]


def _id(node: Node) -> list[str]:
    return [node.id]


def _cache_nodes(node: Node) -> list[str]:
    return [f"{node.id}-{number:03}" for number in range(1, node["num_cache_clusters"] + 1)]


def _never(_node: Node) -> str:
    return ""


def _always(reason: str) -> Says:
    return lambda _node: reason


def _if(part: str, reason: str) -> Says:
    return lambda node: reason if part in node.name else ""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Something that runs or holds: an alarm and a panel must name it in a dimension."""

    called: Callable[[Node], list[str]]
    """Its names in CloudWatch's dimensions, each of which must be watched."""
    no_alarm: Says = _never
    no_panel: Says = _never


WATCHED: Mapping[str, Watched] = {
    "acm.Certificate": Watched(called=_output("arn")),
    "apigatewayv2.Api": Watched(called=_id),
    "autoscaling.Group": Watched(
        called=_named("name"),
        no_alarm=_if("worker-", "the fleet's own alarms say that workers are missing, or launches"),
        no_panel=_if("-overflow-", "the overflow's service is on the fleet's panel"),
    ),
    "backup.Vault": Watched(
        called=_named("name"),
        no_alarm=_if("-copies", "the vault that it copies from has the alarm of failed copies"),
        no_panel=_if("-copies", "its copies are on the panel of the vault they come from"),
    ),
    "cloudfront.Distribution": Watched(called=_id),
    "cognito.UserPool": Watched(called=_id),
    "cognito.UserPoolClient": Watched(called=_id),
    "ec2.NatGateway": Watched(called=_id),
    "ecs.Service": Watched(called=_named("name")),
    "elasticache.ReplicationGroup": Watched(called=_cache_nodes),
    "elasticbeanstalk.Environment": Watched(
        called=_named("name"),
        no_panel=_always("its group and its targets are on the API's panels"),
    ),
    "kinesis.FirehoseDeliveryStream": Watched(called=_named("name")),
    "lambda.Function": Watched(called=_named("name")),
    "lb.LoadBalancer": Watched(called=_output("arn_suffix")),
    "lb.TargetGroup": Watched(called=_output("arn_suffix")),
    "rds.Instance": Watched(called=_named("identifier")),
    "route53.HealthCheck": Watched(called=_id),
    "s3.Bucket": Watched(called=_named("bucket")),
    "sqs.Queue": Watched(called=_named("name")),
    "synthetics.Canary": Watched(called=_named("name")),
    "wafv2.WebAcl": Watched(called=_named("name")),
}
"""By type: what must have an alarm and a panel. An exception says why, and for which."""

SETTING = "a setting of what is watched, which shows whether it works"
ACCESS = "says who may do what; tests/iam proves it"
WIRING = "a wire between what is watched at both ends"
WATCHES = "is itself a watch"

UNWATCHED: Mapping[str, str] = {
    "acm.CertificateValidation": WIRING,
    "apigatewayv2.ApiMapping": WIRING,
    "apigatewayv2.DomainName": WIRING,
    "apigatewayv2.Integration": WIRING,
    "apigatewayv2.Route": WIRING,
    "apigatewayv2.Stage": "the API's own metrics are its stage's, of which there is one",
    "apigatewayv2.VpcLink": WIRING,
    "appautoscaling.Policy": SETTING,
    "appautoscaling.ScheduledAction": SETTING,
    "appautoscaling.Target": SETTING,
    "accessanalyzer.Analyzer": WATCHES,
    "autoscaling.LifecycleHook": SETTING,
    "autoscaling.Policy": SETTING,
    "autoscaling.Schedule": SETTING,
    "backup.Plan": "the vault it fills is watched",
    "backup.RestoreTestingPlan": "the vault it restores from is watched",
    "backup.RestoreTestingSelection": SETTING,
    "backup.Selection": SETTING,
    "backup.VaultLockConfiguration": SETTING,
    "backup.VaultPolicy": ACCESS,
    "budgets.Budget": WATCHES,
    "chatbot.SlackChannelConfiguration": "what tells cannot tell of itself",
    "cloudfront.OriginAccessControl": ACCESS,
    "cloudfront.ResponseHeadersPolicy": SETTING,
    "cloudfront.VpcOrigin": WIRING,
    "cloudtrail.Trail": WATCHES,
    "cloudwatch.AlarmMuteRule": SETTING,
    "cloudwatch.CompositeAlarm": WATCHES,
    "cloudwatch.Dashboard": WATCHES,
    "cloudwatch.EventRule": WIRING,
    "cloudwatch.EventTarget": WIRING,
    "cloudwatch.LogGroup": "takes what it is given; whoever writes to it is watched",
    "cloudwatch.LogMetricFilter": WATCHES,
    "cloudwatch.LogStream": "takes what it is given; whoever writes to it is watched",
    "cloudwatch.LogSubscriptionFilter": WIRING,
    "cloudwatch.MetricAlarm": WATCHES,
    "cloudwatch.QueryDefinition": "a question that somebody may ask",
    "cognito.ManagedLoginBranding": SETTING,
    "cognito.UserPoolDomain": WIRING,
    "costexplorer.AnomalyMonitor": WATCHES,
    "costexplorer.AnomalySubscription": WATCHES,
    "ec2.DefaultSecurityGroup": ACCESS,
    "ec2.Eip": WIRING,
    "ec2.FlowLog": WATCHES,
    "ec2.InstanceMetadataDefaults": SETTING,
    "ec2.InternetGateway": WIRING,
    "ec2.LaunchTemplate": SETTING,
    "ec2.NetworkAcl": ACCESS,
    "ec2.Route": WIRING,
    "ec2.RouteTable": WIRING,
    "ec2.RouteTableAssociation": WIRING,
    "ec2.SecurityGroup": ACCESS,
    "ec2.Subnet": WIRING,
    "ec2.Vpc": WIRING,
    "ec2.VpcBlockPublicAccessExclusion": ACCESS,
    "ec2.VpcBlockPublicAccessOptions": ACCESS,
    "ec2.VpcEndpoint": WIRING,
    "ecr.LifecyclePolicy": SETTING,
    "ecr.Repository": "runs nothing; an image that is missing stops a deployment, which is told",
    "ecs.CapacityProvider": SETTING,
    "ecs.Cluster": "runs nothing itself; its services are watched",
    "ecs.ClusterCapacityProviders": SETTING,
    "ecs.TaskDefinition": SETTING,
    "elasticache.ParameterGroup": SETTING,
    "elasticache.SubnetGroup": SETTING,
    "elasticbeanstalk.Application": "runs nothing itself; its environment is watched",
    "elasticbeanstalk.ApplicationVersion": SETTING,
    "guardduty.Detector": WATCHES,
    "guardduty.DetectorFeature": SETTING,
    "guardduty.MalwareProtectionPlan": WATCHES,
    "iam.InstanceProfile": ACCESS,
    "iam.Role": ACCESS,
    "iam.RolePolicy": ACCESS,
    "iam.RolePolicyAttachment": ACCESS,
    "kms.Alias": WIRING,
    "kms.Key": "AWS's to run; whoever is refused it fails with an alarm of its own",
    "lambda.Permission": ACCESS,
    "lb.Listener": WIRING,
    "lb.ListenerRule": WIRING,
    "rds.EventSubscription": WATCHES,
    "rds.InstanceAutomatedBackupsReplication": SETTING,
    "rds.ParameterGroup": SETTING,
    "rds.SubnetGroup": SETTING,
    "route53.Record": WIRING,
    "s3.BucketCorsConfiguration": SETTING,
    "s3.BucketIntelligentTieringConfiguration": SETTING,
    "s3.BucketLifecycleConfiguration": SETTING,
    "s3.BucketLogging": SETTING,
    "s3.BucketNotification": WIRING,
    "s3.BucketObjectv2": "a file that is read when somebody deploys",
    "s3.BucketOwnershipControls": SETTING,
    "s3.BucketPolicy": ACCESS,
    "s3.BucketPublicAccessBlock": ACCESS,
    "s3.BucketServerSideEncryptionConfiguration": SETTING,
    "s3.BucketVersioning": SETTING,
    "scheduler.Schedule": "what it starts is watched",
    "secretsmanager.Secret": "runs nothing; who cannot read it does not start, which is told",
    "secretsmanager.SecretRotation": "the function that rotates has the alarm",
    "secretsmanager.SecretVersion": SETTING,
    "securityhub.Account": WATCHES,
    "securityhub.StandardsSubscription": SETTING,
    "sns.Topic": "what tells cannot tell of itself",
    "sns.TopicPolicy": ACCESS,
    "sns.TopicSubscription": "what tells cannot tell of itself",
    "sqs.RedriveAllowPolicy": ACCESS,
    "ssm.Parameter": SETTING,
    "vpc.SecurityGroupEgressRule": ACCESS,
    "vpc.SecurityGroupIngressRule": ACCESS,
    "wafv2.WebAclAssociation": WIRING,
    "wafv2.WebAclLoggingConfiguration": SETTING,
    "xray.Group": WATCHES,
    "xray.SamplingRule": SETTING,
}
"""By type: why nothing needs to watch it."""

_WATCHED = {type_token(name): row for name, row in WATCHED.items()}
_UNWATCHED = {type_token(name) for name in UNWATCHED}
_NO_AWS = ("backlot:", "pulumi:", "random:", "awsx:")


def unwatched(recorded: Recorded) -> list[str]:
    """What runs without an alarm or a panel, and what nobody has thought of."""
    in_alarms, in_panels = _in_alarms(recorded), _in_panels(recorded)
    return list(_unwatched(recorded, in_alarms, in_panels))


def _unwatched(
    recorded: Recorded, in_alarms: Collection[str], in_panels: Collection[str]
) -> Iterator[str]:
    for node in recorded.nodes:
        row = _WATCHED.get(node.type)
        if row is None:
            if node.type not in _UNWATCHED and not node.type.startswith(_NO_AWS):
                yield f"{node}: no row for its type in tests/stacks/coverage.py"
            continue
        for name in row.called(node):
            if name not in in_alarms and not row.no_alarm(node):
                yield f"{node}: no alarm watches {name}"
            if name not in in_panels and not row.no_panel(node):
                yield f"{node}: no panel shows {name}"


def _in_alarms(recorded: Recorded) -> set[str]:
    return {
        value
        for alarm in recorded.all("cloudwatch.MetricAlarm")
        if _tells_people(alarm)
        for metric in (
            alarm.inputs,
            *(query.get("metric") or {} for query in alarm.get("metric_queries") or ()),
        )
        for value in (metric.get("dimensions") or {}).values()
    }


def _tells_people(alarm: Node) -> bool:
    """Rather than a scaling policy."""
    return any(":sns:" in action for action in alarm.get("alarm_actions") or ())


def _in_panels(recorded: Recorded) -> set[str]:
    return {
        word
        for dashboard in recorded.all("cloudwatch.Dashboard")
        for widget in dashboard.json("dashboard_body")["widgets"]
        for row in widget["properties"].get("metrics", ())
        for word in row[2:]
        if isinstance(word, str)
    }


# Runbooks.


def written_runbooks() -> set[str]:
    """`queues.md#backlog`: a heading in plain words is not an alarm's."""
    return {
        f"{page.name}#{line.removeprefix('## ')}"
        for page in (ROOT / "docs" / "runbooks").glob("*.md")
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.fullmatch(r"## [a-z0-9-]+", line)
    }


def unhelped(recorded: Recorded, written: Collection[str]) -> list[str]:
    """Alarms of people's that name no page, or one that is not `written`."""
    problems: list[str] = []
    for alarm in recorded.all("cloudwatch.MetricAlarm") + recorded.all("cloudwatch.CompositeAlarm"):
        if not _tells_people(alarm):
            continue
        named = re.search(r"docs/runbooks/(\S+)", alarm.get("alarm_description") or "")
        if named is None:
            problems.append(f"{alarm}: its description names no runbook")
        elif named[1] not in written:
            problems.append(f"{alarm}: docs/runbooks/{named[1]} is not written")
    return problems


# What is kept.


@dataclass(frozen=True, kw_only=True)
class Store:
    """Something that keeps data: how its encryption is told, and how its loss is prevented."""

    key: Callable[[Node, Recorded], str | None]
    """ARN of the key; `OURS` when AWS's own does; None when nothing encrypts it."""
    backed_up: Callable[[Node, Recorded], bool] | str
    """In production; text says why it needs none."""
    protected: Callable[[Node], bool] | str
    """In production, against a delete; text says why it needs none."""
    no_customer_key: Says = _never


OURS = "AWS's own key"
COPY = "what is in it can be had again"
PASSES = "what is in it is under way"


def _key(name: str, *, always: bool) -> Callable[[Node, Recorded], str | None]:
    """The key that an input names; without one AWS's own, if the service `always` encrypts."""
    return lambda node, _recorded: node.get(name) or (OURS if always else None)


def _database_key(node: Node, _recorded: Recorded) -> str | None:
    return (node.get("kms_key_id") or OURS) if node.get("storage_encrypted") else None


def _cache_key(node: Node, _recorded: Recorded) -> str | None:
    both = node.get("at_rest_encryption_enabled") and node.get("transit_encryption_enabled")
    return (node.get("kms_key_id") or OURS) if both else None


def _bucket_key(node: Node, recorded: Recorded) -> str | None:
    for one in recorded.all("s3.BucketServerSideEncryptionConfiguration"):
        if one["bucket"] == node["bucket"]:
            rule = one["rules"][0]["apply_server_side_encryption_by_default"]
            return rule.get("kms_master_key_id") or OURS
    return None


def _queue_key(node: Node, _recorded: Recorded) -> str | None:
    return node.get("kms_master_key_id") or (OURS if node.get("sqs_managed_sse_enabled") else None)


def _disk_key(node: Node, _recorded: Recorded) -> str | None:
    disks = node.get("block_device_mappings") or [{"ebs": {}}]
    return OURS if all(disk["ebs"].get("encrypted") == "true" for disk in disks) else None


def _image_key(node: Node, _recorded: Recorded) -> str | None:
    configured = node.get("encryption_configurations") or [{}]
    return configured[0].get("kms_key") or OURS


def _stream_key(node: Node, _recorded: Recorded) -> str | None:
    sse = node.get("server_side_encryption") or {}
    return (sse.get("key_arn") or OURS) if sse.get("enabled") else None


def _database_backed_up(node: Node, _recorded: Recorded) -> bool:
    return "replicate_source_db" in node or node["backup_retention_period"] >= 7


def _versioned(node: Node, recorded: Recorded) -> bool:
    return any(
        one["bucket"] == node["bucket"] and one["versioning_configuration"]["status"] == "Enabled"
        for one in recorded.all("s3.BucketVersioning")
    )


def _primary_protected(node: Node) -> bool:
    guarded = node.protect and node["deletion_protection"] and node["final_snapshot_identifier"]
    return "replicate_source_db" in node or bool(guarded)


STORES: Mapping[str, Store] = {
    "backup.Vault": Store(
        key=_key("kms_key_arn", always=False),
        backed_up="is itself the backup",
        protected=lambda node: not node.get("force_destroy"),
    ),
    "cloudtrail.Trail": Store(
        key=_key("kms_key_id", always=True), backed_up=COPY, protected="its bucket is"
    ),
    "cloudwatch.LogGroup": Store(
        key=_key("kms_key_id", always=True),
        backed_up="what must outlast it is exported",
        protected="its retention empties it anyway",
    ),
    "cognito.UserPool": Store(
        key=lambda _node, _recorded: OURS,
        backed_up="Cognito makes none; it is protected instead",
        protected=lambda node: node.protect and node["deletion_protection"] == "ACTIVE",
        no_customer_key=_always("Cognito encrypts with its own key"),
    ),
    "ec2.LaunchTemplate": Store(
        key=_disk_key,
        backed_up="an instance keeps nothing",
        protected="an instance keeps nothing",
        no_customer_key=_always("our key's policy lets in no Auto Scaling; a disk keeps nothing"),
    ),
    "ecr.Repository": Store(
        key=_image_key, backed_up=COPY, protected=lambda node: not node["force_delete"]
    ),
    "elasticache.ReplicationGroup": Store(
        key=_cache_key,
        backed_up=lambda node, _recorded: bool(node.get("snapshot_retention_limit")),
        protected=lambda node: node.protect and bool(node["final_snapshot_identifier"]),
    ),
    "kinesis.FirehoseDeliveryStream": Store(
        key=_stream_key,
        backed_up=PASSES,
        protected=PASSES,
        no_customer_key=_always("it holds a line for minutes, and writes it under the stack's key"),
    ),
    "rds.Instance": Store(
        key=_database_key, backed_up=_database_backed_up, protected=_primary_protected
    ),
    "s3.Bucket": Store(
        key=_bucket_key,
        backed_up=_versioned,
        protected=lambda node: node.protect and not node["force_destroy"],
        no_customer_key=_if("-logs", "load balancers write to no bucket with a key of ours"),
    ),
    "secretsmanager.Secret": Store(
        key=_key("kms_key_id", always=True),
        backed_up="whoever gave it has it, or it is made again",
        protected=lambda node: (
            node["recovery_window_in_days"] >= 7 or not node.name.startswith("secrets-")
        ),
    ),
    "sns.Topic": Store(
        key=_key("kms_master_key_id", always=True), backed_up=PASSES, protected=PASSES
    ),
    "sqs.Queue": Store(key=_queue_key, backed_up=PASSES, protected=PASSES),
}
"""By type: what keeps data."""

_STORES = {type_token(name): row for name, row in STORES.items()}


def unkept(recorded: Recorded) -> list[str]:
    """Stores that are not encrypted and, in production, not backed up or not protected."""
    return list(_unkept(recorded))


def _unkept(recorded: Recorded) -> Iterator[str]:
    customer_keys = bool(recorded.all("kms.Key"))
    for node in recorded.nodes:
        row = _STORES.get(node.type)
        if row is None:
            continue
        key = row.key(node, recorded)
        if key is None:
            yield f"{node}: not encrypted"
        elif key == OURS and customer_keys and not row.no_customer_key(node):
            yield f"{node}: encrypted without the stack's own key"
        if recorded.graph.stack == "production":
            if callable(row.backed_up) and not row.backed_up(node, recorded):
                yield f"{node}: not backed up"
            if callable(row.protected) and not row.protected(node):
                yield f"{node}: not protected from being deleted"
    for key in recorded.all("kms.Key"):
        if not key["enable_key_rotation"]:
            yield f"{key}: not rotated"


def unforgotten(recorded: Recorded) -> list[str]:
    """Log groups that keep everything for ever."""
    return [
        f"{group}: no retention"
        for group in recorded.all("cloudwatch.LogGroup")
        if not group.get("retention_in_days")
    ]


# What every bucket and every queue has, whatever it is for.


def unruly(recorded: Recorded) -> list[str]:
    """Buckets without a rule of B42, and queues without one of B44."""
    return [*_unruly_buckets(recorded), *_unruly_queues(recorded)]


def _unruly_buckets(recorded: Recorded) -> Iterator[str]:
    def of(type: str) -> Mapping[str, Node]:
        return {node["bucket"]: node for node in recorded.all(type)}

    policies, ownership = of("s3.BucketPolicy"), of("s3.BucketOwnershipControls")
    lifecycles = of("s3.BucketLifecycleConfiguration")
    encryption = of("s3.BucketServerSideEncryptionConfiguration")
    for bucket in recorded.all("s3.Bucket"):
        name = bucket["bucket"]
        if bucket.get("bucket_namespace") != "account-regional":
            yield f"{bucket}: somebody else can take its name"
        if name not in policies or not _tls_only(policies[name], name):
            yield f"{bucket}: answers without TLS"
        rule = ownership[name]["rule"] if name in ownership else {}
        if rule.get("object_ownership") != "BucketOwnerEnforced":
            yield f"{bucket}: objects may belong to somebody else"
        rules = lifecycles[name]["rules"] if name in lifecycles else []
        for what, left in (
            ("abort_incomplete_multipart_upload", "stray parts of uploads"),
            ("noncurrent_version_expiration", "old versions"),
        ):
            if not any(one.get(what) and one["status"] == "Enabled" for one in rules):
                yield f"{bucket}: keeps {left} for ever"
        locks = encryption[name]["rules"][0] if name in encryption else {}
        if locks.get("blocked_encryption_types") != ["SSE-C"]:
            yield f"{bucket}: takes objects under keys that nobody here has"


def _tls_only(policy: Node, bucket: str) -> bool:
    resources = (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/any/key")
    return all(
        decide(
            [policy.json("policy")],
            Request(
                action=action,
                resource=resource,
                principal={"AWS": "arn:aws:iam::123456789012:root"},
                context={"aws:SecureTransport": "false"},
            ),
        )
        == "denied"
        for action, resource in zip(("s3:ListBucket", "s3:GetObject"), resources, strict=True)
    )


def _unruly_queues(recorded: Recorded) -> Iterator[str]:
    allowed = {
        node["queue_url"]: node.json("redrive_allow_policy")
        for node in recorded.all("sqs.RedriveAllowPolicy")
    }
    aged = {
        alarm["dimensions"]["QueueName"]
        for alarm in recorded.all("cloudwatch.MetricAlarm")
        if alarm.get("metric_name") == "ApproximateAgeOfOldestMessage"
    }
    queues = {node.outputs["arn"]: node for node in recorded.all("sqs.Queue")}
    dead_letters = {
        node.json("redrive_policy")["deadLetterTargetArn"]: arn
        for arn, node in queues.items()
        if node.get("redrive_policy")
    }
    for arn, queue in queues.items():
        if arn in dead_letters:
            policy = allowed.get(queue.id, {})
            if policy.get("sourceQueueArns") != [dead_letters[arn]]:
                yield f"{queue}: takes what other queues give up"
            continue
        if arn not in dead_letters.values():
            yield f"{queue}: has nowhere to put what it gives up"
        if queue.get("receive_wait_time_seconds") != 20:
            yield f"{queue}: is asked again and again for nothing"
        if queue["name"] not in aged:
            yield f"{queue}: no alarm watches how long its messages wait"


# Who may come in.

ANYWHERE = ("0.0.0.0/0", "::/0")

DOORS: Mapping[str, int] = {"load-balancer-http-in": 80, "load-balancer-https-in": 443}
"""The rules that let in the whole world, and the port each may let it in by."""

FACING: Mapping[str, str] = {
    "apigatewayv2.Api": "the public door, when API Gateway is it",
    "cloudfront.Distribution": "the public door to the site, the media and the API",
    "cognito.UserPoolDomain": "the page where people sign in",
    "lb.LoadBalancer": "the public door to the API",
}
"""The types with an address of their own on the internet. No other may have one."""

ADDRESSED = frozenset(
    {
        "lambda.FunctionUrl",
        "apigateway.RestApi",
        "s3.BucketWebsiteConfiguration",
        "lightsail.Instance",
    }
)
"""What would give the internet a way in past the doors."""

SAY_NO_ACCOUNT = frozenset({"logdelivery.elasticloadbalancing.amazonaws.com"})
"""Services that do not say for whom they come; the resource names the account instead."""

POLICIES = (
    "s3.BucketPolicy",
    "sns.TopicPolicy",
    "sqs.QueuePolicy",
    "secretsmanager.SecretPolicy",
    "ecr.RepositoryPolicy",
    "backup.VaultPolicy",
    "kms.Key",
)


def open_to_the_world(recorded: Recorded) -> list[str]:
    """What somebody outside the account could reach, but for the named doors."""
    return [
        *_open_ports(recorded),
        *_open_addresses(recorded),
        *_open_buckets(recorded),
        *_open_policies(recorded),
    ]


def _open_ports(recorded: Recorded) -> Iterator[str]:
    for rule in recorded.all("vpc.SecurityGroupIngressRule"):
        source = rule.get("cidr_ipv4") or rule.get("cidr_ipv6")
        first, last = rule.get("from_port"), rule.get("to_port")
        if source in ANYWHERE and not first == last == DOORS.get(rule.name, -1):
            yield f"{rule}: opens {first} to {last} to {source}"
    for group in recorded.all("ec2.SecurityGroup") + recorded.all("ec2.DefaultSecurityGroup"):
        if group.get("ingress"):
            yield f"{group}: has rules of its own, which nobody looks at"


def _open_addresses(recorded: Recorded) -> Iterator[str]:
    banned = set(map(type_token, ADDRESSED))
    for node in recorded.nodes:
        if node.type in banned:
            yield f"{node}: has an address on the internet"
    for database in recorded.all("rds.Instance"):
        if database["publicly_accessible"] is not False:
            yield f"{database}: is public"
    for balancer in recorded.all("lb.LoadBalancer"):
        if not balancer["internal"] and balancer.name != "load-balancer-alb":
            yield f"{balancer}: is public"
    for service in recorded.all("ecs.Service"):
        if (service.get("network_configuration") or {}).get("assign_public_ip"):
            yield f"{service}: its tasks have public addresses"
    for template in recorded.all("ec2.LaunchTemplate"):
        if any(one.get("associate_public_ip_address") == "true" for one in _interfaces(template)):
            yield f"{template}: its instances have public addresses"
    for subnet in recorded.all("ec2.Subnet"):
        if subnet.get("map_public_ip_on_launch") and "-public-" not in subnet.name:
            yield f"{subnet}: gives out public addresses"


def _interfaces(template: Node) -> list[Mapping[str, Any]]:
    return template.get("network_interfaces") or []


def _open_buckets(recorded: Recorded) -> Iterator[str]:
    walls = ("block_public_acls", "block_public_policy", "ignore_public_acls")
    walls += ("restrict_public_buckets",)
    blocked = {
        block["bucket"]
        for block in recorded.all("s3.BucketPublicAccessBlock")
        if all(block.get(wall) for wall in walls)
    }
    for bucket in recorded.all("s3.Bucket"):
        if bucket["bucket"] not in blocked:
            yield f"{bucket}: public access is not blocked"


def _open_policies(recorded: Recorded) -> Iterator[str]:
    for name in POLICIES:
        for node in recorded.all(name):
            for statement in node.json("policy")["Statement"] if node.get("policy") else ():
                if statement["Effect"] == "Allow" and (who := _strangers(statement)):
                    yield f"{node}: {statement.get('Sid', 'a statement')} lets in {who}"
    for permission in recorded.all("lambda.Permission"):
        if not (permission.get("source_arn") or permission.get("source_account")):
            yield f"{permission}: lets in {permission['principal']} for anybody's account"


def _strangers(statement: Mapping[str, Any]) -> str:
    """Whom a statement lets in from outside the account; empty when nobody."""
    principal = statement["Principal"]
    if principal == "*" or "*" in principal.get("AWS", ""):
        return "everybody"
    accounts = set(re.findall(r"\d{12}", str(principal.get("AWS", ""))))
    if accounts - {"123456789012"}:
        return f"account {', '.join(sorted(accounts))}"
    services = principal.get("Service", [])
    bound = any(
        key.lower() in ("aws:sourceaccount", "aws:sourcearn") or key.startswith("kms:")
        for wanted in statement.get("Condition", {}).values()
        for key in wanted
    )
    for service in [services] if isinstance(services, str) else services:
        if not bound and service not in SAY_NO_ACCOUNT:
            return f"{service} for anybody's account"
    return ""


# Tags.

TAGS = ("Environment", "ManagedBy", "Owner", "Project")


def untagged(recorded: Recorded) -> list[str]:
    """What could say whose it is and does not: resources, and what groups launch."""
    problems = [
        f"{node}: no tag {tag}"
        for node in recorded.nodes
        if "tags_all" in node.outputs and node.type != "pulumi:providers:aws"
        for tag in TAGS
        if tag not in (node.outputs["tags_all"] or {})
    ]
    for group in recorded.all("autoscaling.Group"):
        handed_on = {tag["key"] for tag in group["tags"] if tag["propagate_at_launch"]}
        problems += [f"{group}: hands on no tag {tag}" for tag in TAGS if tag not in handed_on]
    for template in recorded.all("ec2.LaunchTemplate"):
        for spec in template["tag_specifications"]:
            kind = spec["resource_type"]
            problems += [
                f"{template}: no tag {tag} on each {kind}"
                for tag in TAGS
                if tag not in spec["tags"]
            ]
    return problems


def gaps(recorded: Recorded, written: Collection[str]) -> list[str]:
    """Every gap of every sort."""
    return [
        *unwatched(recorded),
        *unhelped(recorded, written),
        *unkept(recorded),
        *unforgotten(recorded),
        *unruly(recorded),
        *open_to_the_world(recorded),
        *untagged(recorded),
    ]
