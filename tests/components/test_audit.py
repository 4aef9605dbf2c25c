"""The audit: components/audit.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pulumi
import pytest

from components.audit import Audit, AuditArgs, account_audit
from components.ground import Ground
from components.keys import Keys, KeysArgs
from components.logs import Logs
from components.network import Network, NetworkArgs
from components.notices import Notices, NoticesArgs
from components.stores.buckets import Buckets, BucketsArgs
from rehearsal.contract import Provider
from settings.audit import AuditSettings
from settings.buckets import BucketsSettings
from settings.keys import KeysSettings
from settings.load_balancer import ReachedThrough
from settings.logs import LogsSettings
from settings.network import NetworkSettings
from settings.notices import NoticesSettings
from tests.components.parts import DATA_KEY, PREFIX, export_watched, ground, silent_notices
from tests.recorder import Node, Recorded, aws_provider, record, with_aws
from tests.settings.stack_files import bent, parse

ACCOUNT = "123456789012"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/backlot-dev"
LOG_BUCKET = f"backlot-dev-logs-{ACCOUNT}-us-east-1-an"
MEDIA = f"arn:aws:s3:::backlot-dev-media-{ACCOUNT}-us-east-1-an"
SWITCHES = tuple(AuditSettings.model_fields)


def audit(
    *switches: str,
    reached_through: ReachedThrough = "internet",
    customer_managed: bool = False,
    muted: bool = False,
    provider: Provider | None = None,
) -> tuple[Audit, Recorded]:
    """With these switches on and the others off; on a network that is made where AWS is asked."""
    made: list[Audit] = []
    settings = AuditSettings.model_validate(dict.fromkeys(switches, True))

    def program() -> None:
        opts = with_aws(aws_provider())
        here = ground(data_key_arn=DATA_KEY if customer_managed else None)
        keys = Keys(
            "keys",
            KeysArgs(settings=KeysSettings(customer_managed=customer_managed), place=here),
            opts,
        )
        notices = Notices(
            "notices",
            NoticesArgs(settings=NoticesSettings(muted=muted), place=here, keys=keys),
            opts,
        )
        logs = Logs(settings=LogsSettings(retention_days=7), prefix=PREFIX, key_arn=keys.logs_arn)
        here = replace(here, logs=logs)
        if provider is not None:
            here = on_a_network(here, opts)
        buckets = Buckets(
            "buckets",
            BucketsArgs(
                settings=BucketsSettings(force_delete=True),
                ground=here,
                served=False,
                trail=settings.trail,
                scanned=settings.malware_scan,
            ),
            opts,
        )
        made.append(
            Audit(
                "audit",
                AuditArgs(
                    settings=settings,
                    ground=here,
                    log_bucket=buckets.logs,
                    media=buckets.media,
                    notices=notices,
                    zones=("a", "b"),
                    reached_through=reached_through,
                ),
                opts,
            )
        )
        export_watched("alarms", {alarm.name: alarm.watch for alarm in made[0].alarms})
        pulumi.export("archived", [group.what for group in logs.made if group.archived])

    recorded = record(program, provider=provider)
    return made[0], recorded


def on_a_network(place: Ground, opts: pulumi.ResourceOptions) -> Ground:
    settings = NetworkSettings(cidr="10.1.0.0/16", zones=("a", "b"), nat="none")
    args = NetworkArgs(settings=settings, place=place, logs=place.logs)
    network = Network("network", args, opts)
    return replace(place, vpc_id=network.vpc_id, public_subnet_ids=network.public_subnet_ids)


@cache
def everything() -> tuple[Audit, Recorded]:
    return audit(*SWITCHES, customer_managed=True)


def own(recorded: Recorded) -> list[Node]:
    return [node for node in recorded.nodes if node.name.startswith("audit-")]


def statements(node: Node, key: str = "policy") -> dict[str, dict[str, Any]]:
    return {one["Sid"]: one for one in node.json(key)["Statement"]}


def told(recorded: Recorded, name: str) -> tuple[dict[str, Any], str, str]:
    """The events of a rule, the topic it tells, and what it says."""
    rule = recorded.one("cloudwatch.EventRule", name)
    target = recorded.one("cloudwatch.EventTarget", name)
    assert target["rule"] == rule.outputs["name"]
    topic = target["arn"].rpartition("-")[2]
    return rule.json("event_pattern"), topic, target["input_transformer"]["input_template"]


TYPES = {
    "trail": "aws:cloudtrail/trail:Trail",
    "guard_duty": "aws:guardduty/detector:Detector",
    "malware_scan": "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan",
    "access_analyzer": "aws:accessanalyzer/analyzer:Analyzer",
    "security_hub": "aws:securityhub/account:Account",
    "block_public_access": "aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions",
    "instance_metadata_defaults": "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_part_has_its_switch_and_brings_none_of_the_others(switch: str):  # B46
    component, recorded = audit(switch)
    there = {node.type for node in own(recorded)} & set(TYPES.values())

    assert there == {TYPES[switch]}
    assert recorded.one("backlot:audit:Audit").outputs["on"] == [switch]
    assert bool(component.alarms) is (switch == "trail")
    assert bool(component.panels) is (switch == "trail")


def test_the_trail_records_every_region_and_shows_tampering():  # B46, M87
    trail = everything()[1].one("cloudtrail.Trail")

    assert trail["name"] == "backlot-dev"
    assert trail["is_multi_region_trail"] is True
    assert trail["include_global_service_events"] is True
    assert trail["enable_log_file_validation"] is True
    assert trail["s3_bucket_name"] == LOG_BUCKET
    assert trail["s3_key_prefix"] == "cloudtrail"


def test_the_log_bucket_lets_in_this_trail_and_no_other():  # B46
    policy = statements(everything()[1].one("s3.BucketPolicy", "buckets-logs-policy"))
    looks, writes = policy["TrailLooks"], policy["TrailLogs"]

    assert looks["Principal"] == writes["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert looks["Action"] == "s3:GetBucketAcl"
    assert looks["Condition"] == {"StringEquals": {"aws:SourceArn": TRAIL}}
    assert writes["Action"] == "s3:PutObject"
    assert writes["Resource"] == f"arn:aws:s3:::{LOG_BUCKET}/cloudtrail/AWSLogs/{ACCOUNT}/*"
    assert writes["Condition"] == {
        "StringEquals": {
            "aws:SourceArn": TRAIL,
            "s3:x-amz-acl": "bucket-owner-full-control",
        }
    }


def test_the_trail_waits_for_the_bucket_to_let_it_in():
    recorded = everything()[1]
    admitted = recorded.one("s3.BucketPolicy", "buckets-logs-policy")
    assert admitted.urn in recorded.one("cloudtrail.Trail").resource.dependencies


def test_the_trail_is_under_the_key_for_logs_which_serves_this_trail_alone():  # M84
    recorded = everything()[1]
    key = recorded.one("kms.Key", "keys-logs")
    encrypt = statements(key)["EncryptTrail"]

    assert recorded.one("cloudtrail.Trail")["kms_key_id"] == key.outputs["arn"]
    assert encrypt["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert encrypt["Action"] == ["kms:DescribeKey", "kms:GenerateDataKey*"]
    assert encrypt["Condition"] == {"StringEquals": {"aws:SourceArn": TRAIL}}


def test_without_a_key_the_trail_is_under_the_buckets_own():  # M84
    _, recorded = audit("trail")
    assert "kms_key_id" not in recorded.one("cloudtrail.Trail")


def test_the_trail_is_told_to_a_log_group_under_a_role_for_that_alone():  # M85, M87
    recorded = everything()[1]
    trail = recorded.one("cloudtrail.Trail")
    group = recorded.one("cloudwatch.LogGroup", "audit-trail-log")
    grants = statements(recorded.one("iam.RolePolicy", "audit-trail"))

    assert group["name"] == "/cloudtrail/backlot-dev-trail"
    assert trail["cloud_watch_logs_group_arn"] == f"{group.outputs['arn']}:*"
    assert (
        trail["cloud_watch_logs_role_arn"] == recorded.one("iam.Role", "audit-trail").outputs["arn"]
    )
    assert list(grants) == ["WriteLogs"]
    assert grants["WriteLogs"]["Resource"] == [f"{group.outputs['arn']}:*"]


def test_what_lies_in_the_bucket_already_is_not_copied_there_again():  # M89
    _, recorded = everything()
    assert recorded.outputs["archived"] == []


def test_somebody_hears_of_the_few_calls_that_matter():  # M87
    component, recorded = everything()

    assert {alarm.name: (alarm.severity, alarm.threshold) for alarm in component.alarms} == {
        "root-used": ("critical", 1),
        "login-without-mfa": ("warning", 1),
        "calls-denied": ("warning", 20),
        "trail-changed": ("critical", 1),
        "key-disabled": ("critical", 1),
    }
    for alarm in component.alarms:
        assert alarm.runbook == f"audit.md#{alarm.name}"
        assert alarm.comparison == "at_least"
        watched = recorded.outputs["alarms"][alarm.name]
        assert (watched["statistic"], watched["period"]) == ("Sum", 300)


def test_each_alarm_reads_what_its_filter_counts():  # M87
    _, recorded = everything()
    counted = {
        node["name"]: node["metric_transformation"]
        for node in recorded.all("cloudwatch.LogMetricFilter")
    }

    assert {name: f"{one['namespace']} {one['name']}" for name, one in counted.items()} == {
        name: one["metric"] for name, one in recorded.outputs["alarms"].items()
    }
    assert {one["namespace"] for one in counted.values()} == {"backlot-dev/Audit"}
    assert {one["value"] for one in counted.values()} == {"1"}


def call(**fields: Any) -> dict[str, Any]:
    return {
        "eventName": "GetObject",
        "eventSource": "s3.amazonaws.com",
        "eventType": "AwsApiCall",
        "userIdentity": {"type": "AssumedRole"},
        **fields,
    }


LOGIN = {
    "eventName": "ConsoleLogin",
    "userIdentity": {"type": "IAMUser"},
    "responseElements": {"ConsoleLogin": "Success"},
    "additionalEventData": {"MFAUsed": "No"},
}
ROOT = {"userIdentity": {"type": "Root"}}
CLOUDTRAIL, KMS = "cloudtrail.amazonaws.com", "kms.amazonaws.com"


@pytest.mark.parametrize(
    ("event", "counted"),
    [
        (call(), []),
        (call(**ROOT), ["root-used"]),
        # What AWS does in the root's name is nobody's work.
        (call(userIdentity={"type": "Root", "invokedBy": "support.amazonaws.com"}), []),
        (call(**ROOT, eventType="AwsServiceEvent"), []),
        (call(**LOGIN), ["login-without-mfa"]),
        (call(**LOGIN | {"additionalEventData": {"MFAUsed": "Yes"}}), []),
        (call(**LOGIN | {"responseElements": {"ConsoleLogin": "Failure"}}), []),
        (call(**LOGIN | {"userIdentity": {"type": "AssumedRole"}}), []),
        (call(errorCode="AccessDenied"), ["calls-denied"]),
        (call(errorCode="AccessDeniedException"), ["calls-denied"]),
        (call(errorCode="Client.UnauthorizedOperation"), ["calls-denied"]),
        (call(errorCode="NoSuchKey"), []),
        (call(eventSource=CLOUDTRAIL, eventName="StopLogging"), ["trail-changed"]),
        (call(eventSource=CLOUDTRAIL, eventName="LookupEvents"), []),
        (call(eventSource=KMS, eventName="ScheduleKeyDeletion"), ["key-disabled"]),
        (call(eventSource=KMS, eventName="Decrypt"), []),
        (call(eventName="DisableKey"), []),
    ],
)
def test_a_filter_counts_the_calls_it_is_for(event: dict[str, Any], counted: list[str]):  # M87
    _, recorded = everything()
    filters = recorded.all("cloudwatch.LogMetricFilter")
    assert [node["name"] for node in filters if matches(node["pattern"], event)] == counted


TOKEN = re.compile(r'\s*(&&|\|\||[(){}]|\$[\w.]+|NOT EXISTS|!=|=|"[^"]*")')


def matches(pattern: str, event: dict[str, Any]) -> bool:
    """The part of CloudWatch's filter language that is used here."""
    tokens = iter([*TOKEN.findall(pattern), ""])
    assert next(tokens) == "{"
    found, after = _either(tokens, next(tokens), event)
    assert after == "}"
    return found


def _either(tokens: Iterator[str], token: str, event: dict[str, Any]) -> tuple[bool, str]:
    found, token = _both(tokens, token, event)
    while token == "||":
        more, token = _both(tokens, next(tokens), event)
        found = found or more
    return found, token


def _both(tokens: Iterator[str], token: str, event: dict[str, Any]) -> tuple[bool, str]:
    found, token = _one(tokens, token, event)
    while token == "&&":
        more, token = _one(tokens, next(tokens), event)
        found = found and more
    return found, token


def _one(tokens: Iterator[str], token: str, event: dict[str, Any]) -> tuple[bool, str]:
    if token == "(":
        found, token = _either(tokens, next(tokens), event)
        assert token == ")"
        return found, next(tokens)
    value: Any = event
    for step in token.removeprefix("$.").split("."):
        value = value.get(step) if isinstance(value, dict) else None
    operator = next(tokens)
    if operator == "NOT EXISTS":
        return value is None, next(tokens)
    wanted = re.escape(next(tokens).strip('"')).replace(r"\*", ".*")
    same = value is not None and re.fullmatch(wanted, value) is not None
    return same if operator == "=" else value is not None and not same, next(tokens)


def test_guard_duty_says_of_each_feature_whether_it_is_on():  # B46
    recorded = everything()[1]
    features = {
        feature["name"]: feature["status"] for feature in recorded.all("guardduty.DetectorFeature")
    }

    assert recorded.one("guardduty.Detector")["enable"] is True
    assert features == {
        "S3_DATA_EVENTS": "ENABLED",
        "RDS_LOGIN_EVENTS": "ENABLED",
        "LAMBDA_NETWORK_LOGS": "ENABLED",
        "EBS_MALWARE_PROTECTION": "ENABLED",
        "EKS_AUDIT_LOGS": "DISABLED",
    }


@pytest.mark.parametrize(
    ("severity", "numbers"), [("critical", [">=", 7]), ("warning", [">=", 4, "<", 7])]
)
def test_findings_are_told_by_how_grave_they_are(severity: str, numbers: list[Any]):  # B46
    pattern, topic, text = told(everything()[1], f"audit-guard-duty-{severity}")

    assert pattern == {
        "source": ["aws.guardduty"],
        "detail-type": ["GuardDuty Finding"],
        "detail": {"severity": [{"numeric": numbers}]},
    }
    assert topic == severity
    # What GuardDuty says of it is free text, and stands in no quotes of ours.
    assert text.endswith(', "words": <words>}')
    notice = json.loads(text.replace("<words>", '""'))["notice"]
    assert notice.startswith("backlot-dev: GuardDuty: Finding <id> of severity <severity> in")
    assert "docs/runbooks/audit.md" in notice


def test_what_is_put_into_the_media_bucket_is_looked_through_and_tagged():  # B43
    recorded = everything()[1]
    plan = recorded.one("guardduty.MalwareProtectionPlan")

    assert plan["protected_resource"] == {
        "s3_bucket": {"bucket_name": f"backlot-dev-media-{ACCOUNT}-us-east-1-an"}
    }
    assert plan["actions"] == [{"taggings": [{"status": "ENABLED"}]}]
    assert plan["role"] == recorded.one("iam.Role", "audit-malware").outputs["arn"]


def test_nobody_reads_what_was_found_to_be_malware():  # B43
    recorded = everything()[1]
    deny = statements(recorded.one("s3.BucketPolicy", "buckets-media-policy"))["Quarantine"]

    assert (deny["Effect"], deny["Principal"]) == ("Deny", {"AWS": "*"})
    assert deny["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert deny["Resource"] == f"{MEDIA}/*"
    assert deny["Condition"] == {
        "StringEquals": {"s3:ExistingObjectTag/GuardDutyMalwareScanStatus": "THREATS_FOUND"},
        "ArnNotLike": {
            "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/backlot-dev/backups-role-*"
        },
    }
    static = statements(recorded.one("s3.BucketPolicy", "buckets-static-policy"))
    assert list(static) == ["TlsOnly"]


def test_the_scan_may_read_and_tag_media_and_keep_one_rule_of_its_own():  # B43, M85
    recorded = everything()[1]
    grants = statements(recorded.one("iam.RolePolicy", "audit-malware"))
    rule = (
        f"arn:aws:events:us-east-1:{ACCOUNT}:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*"
    )

    assert {sid: one["Resource"] for sid, one in grants.items()} == {
        "HearOfObjects": [rule],
        "KeepOwnRule": [rule],
        "ReadOwnRule": [rule],
        "HaveBucketTell": [MEDIA],
        "TagObjects": [f"{MEDIA}/*"],
        "ReadObjects": [f"{MEDIA}/*"],
        "TryTheBucket": [f"{MEDIA}/malware-protection-resource-validation-object"],
        "DecryptObjects": [DATA_KEY],
    }
    for sid in ("HearOfObjects", "KeepOwnRule"):
        assert grants[sid]["Condition"]["StringEquals"] == {
            "events:ManagedBy": "malware-protection-plan.guardduty.amazonaws.com"
        }
    [trust] = recorded.one("iam.Role", "audit-malware").json("assume_role_policy")["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_malware_is_told_once_whether_or_not_there_is_a_detector():  # B43
    assert "audit-malware-found" not in everything()[1].names("cloudwatch.EventRule")

    pattern, topic, text = told(audit("malware_scan")[1], "audit-malware-found")
    assert pattern["detail-type"] == ["GuardDuty Malware Protection Object Scan Result"]
    assert pattern["detail"] == {
        "s3ObjectDetails": {"bucketName": [f"backlot-dev-media-{ACCOUNT}-us-east-1-an"]},
        "scanResultDetails": {"scanResultStatus": ["THREATS_FOUND"]},
    }
    assert topic == "critical"
    assert "An object in s3://<bucket>, version <version>, is malware" in text
    assert text.endswith(', "words": <words>}')


def test_what_can_be_reached_from_outside_is_told():  # B46
    recorded = everything()[1]
    pattern, topic, _ = told(recorded, "audit-access-found")

    assert recorded.one("accessanalyzer.Analyzer")["type"] == "ACCOUNT"
    assert pattern == {
        "source": ["aws.access-analyzer"],
        "detail-type": ["Access Analyzer Finding"],
        "detail": {"status": ["ACTIVE"]},
    }
    assert topic == "warning"


def test_muted_notices_keep_findings_quiet():
    _, recorded = audit("guard_duty", "access_analyzer", muted=True)
    assert {rule["state"] for rule in recorded.all("cloudwatch.EventRule")} == {"DISABLED"}
    assert {rule["state"] for rule in everything()[1].all("cloudwatch.EventRule")} == {"ENABLED"}


def test_the_account_is_held_against_best_practices_and_no_standard_beside():  # B46
    recorded = everything()[1]
    hub = recorded.one("securityhub.Account")
    standard = recorded.one("securityhub.StandardsSubscription")

    assert hub["enable_default_standards"] is False
    assert hub["control_finding_generator"] == "SECURITY_CONTROL"
    assert standard["standards_arn"] == (
        "arn:aws:securityhub:us-east-1::standards/aws-foundational-security-best-practices/v/1.0.0"
    )
    assert hub.urn in standard.resource.dependencies


@pytest.mark.parametrize(
    ("through", "excepted"),
    [
        ("internet", ["subnet-public-a", "subnet-public-b"]),
        ("cloudfront", ["subnet-private-a", "subnet-private-b"]),
        ("api_gateway", []),
    ],
)
def test_nothing_is_reached_from_the_internet_but_where_the_load_balancer_stands(
    through: ReachedThrough, excepted: list[str]
):  # B35, B38
    _, recorded = audit("block_public_access", reached_through=through)
    options = recorded.one("ec2.VpcBlockPublicAccessOptions")
    exclusions = recorded.all("ec2.VpcBlockPublicAccessExclusion")

    # Not block-bidirectional, which NAT gateways would not survive.
    assert options["internet_gateway_block_mode"] == "block-ingress"
    assert [one["subnet_id"] for one in exclusions] == excepted
    assert all(
        one["internet_gateway_exclusion_mode"] == "allow-bidirectional" for one in exclusions
    )


def test_the_exceptions_stand_before_the_block_and_outlast_it():  # B35
    _, recorded = audit("block_public_access")
    options = recorded.one("ec2.VpcBlockPublicAccessOptions")
    names = recorded.names("ec2.VpcBlockPublicAccessExclusion")

    assert names == ["audit-public-access-public-a", "audit-public-access-public-b"]
    for one in recorded.all("ec2.VpcBlockPublicAccessExclusion"):
        assert one.urn in options.resource.dependencies


def test_whoever_launches_an_instance_gets_one_that_wants_a_token():  # B22
    defaults = everything()[1].one("ec2.InstanceMetadataDefaults")

    assert defaults["http_tokens"] == "required"
    # Containers on instances of others may need a hop more; that is for those to say.
    assert "http_put_response_hop_limit" not in defaults


@pytest.mark.parametrize("change", [{}, {"audit": {}}, {"audit": {"trail": False}}])
def test_without_a_switch_there_is_no_audit(change: dict[str, Any]):  # B46
    made: list[Audit | None] = []
    stack = parse(bent("dev", change))

    def program() -> None:
        opts = with_aws(aws_provider())
        args = BucketsArgs(settings=stack.buckets, ground=ground(), served=False)
        buckets = Buckets("buckets", args, opts)
        made.append(account_audit(stack, ground(), buckets, silent_notices(opts), opts))

    assert record(program).all("backlot:audit:Audit") == []
    assert made == [None]


def test_a_stack_with_a_switch_on_has_an_audit_of_its_own_zones_and_door():  # B46
    stack = parse(
        bent("production", {"audit": {"block_public_access": True, "trail": True}}),
        "production",
    )

    def program() -> None:
        opts = with_aws(aws_provider())
        place = replace(ground(), public_subnet_ids=["subnet-1", "subnet-2", "subnet-3"])
        args = BucketsArgs.of(stack, place)
        assert args.trail
        assert not args.scanned
        buckets = Buckets("buckets", args, opts)
        account_audit(stack, place, buckets, silent_notices(opts), opts)

    recorded = record(program)
    assert recorded.names("ec2.VpcBlockPublicAccessExclusion") == [
        f"audit-public-access-public-{zone}" for zone in "abc"
    ]


def test_every_child_is_named_after_the_component_and_belongs_to_it():
    recorded = everything()[1]
    component = recorded.one("backlot:audit:Audit")
    assert {node.parent for node in own(recorded)} == {component.urn}
    assert {node.name for node in recorded.children(component)} == {
        node.name for node in own(recorded)
    }


def test_aws_would_take_it():
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        _, recorded = audit(*SWITCHES, provider=provider)

    assert recorded.findings == []
