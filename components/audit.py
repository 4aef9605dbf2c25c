"""The audit: who did what in the account, and who watches for what should not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from components.grants import Statement, key_grant, service_role
from components.ground import Ground
from components.logs import grant_write
from components.notices import Event, Notices
from components.observe import Alarm, Metric, Panel, Severity
from components.stores.buckets import TRAIL_LOGS, Bucket, Buckets
from settings.audit import AuditSettings
from settings.load_balancer import ReachedThrough
from settings.stack import Settings

FEATURES: Mapping[str, bool] = {
    "S3_DATA_EVENTS": True,
    "RDS_LOGIN_EVENTS": True,
    "LAMBDA_NETWORK_LOGS": True,
    "EBS_MALWARE_PROTECTION": True,
    "EKS_AUDIT_LOGS": False,
}
"""What GuardDuty looks at beside calls, names and traffic. Each is said, since a new detector has
all on but one: the agent that watches processes at run time (RUNTIME_MONITORING). That stays off:
it takes memory of every task, pulls an image that no role here may pull, and puts an endpoint into
the VPC that GuardDuty leaves behind and that then holds up the network's removal.

https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateDetector.html
https://docs.aws.amazon.com/guardduty/latest/ug/runtime-monitoring-agent-resource-clean-up.html
"""

SEVERITIES: Mapping[Severity, Sequence[Any]] = {
    "critical": [">=", 7],
    "warning": [">=", 4, "<", 7],
}
"""High and critical, and medium, in GuardDuty's words. What is low waits in its console.
https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html"""

RUNBOOK = "docs/runbooks/audit.md"

STANDARD = "aws-foundational-security-best-practices/v/1.0.0"

Tier = Literal["public", "private"]

DOORS: Mapping[ReachedThrough, Tier | None] = {
    "internet": "public",
    "cloudfront": "private",
    "api_gateway": None,
}
"""The subnets that something from outside must reach: those of the load balancer. CloudFront comes
in where the load balancer stands, and counts as coming from the internet. API Gateway has its own
interfaces in the VPC. NAT gateways need no exception: nothing is begun through them from outside,
and the mode lets them be.

https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa-basics.html
"""

SCANNER = "malware-protection-plan.guardduty.amazonaws.com"
SCANNER_RULE = "rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*"
"""The EventBridge rule by which GuardDuty hears of new objects; it makes and keeps it itself."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A sort of call that somebody must hear of."""

    name: str
    """Of the alarm: `root-used`."""
    metric: str
    summary: str
    pattern: str
    """A call of that sort, in the language of metric filters."""
    calls: int = 1
    """Within 5 minutes."""
    severity: Severity


WATCHES = (
    Watch(
        name="root-used",
        metric="RootUsed",
        summary="Somebody worked as the account's root user, who can do everything.",
        pattern=(
            '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS '
            '&& $.eventType != "AwsServiceEvent" }'
        ),
        severity="critical",
    ),
    Watch(
        name="login-without-mfa",
        metric="LoginWithoutMfa",
        summary="An IAM user logged in to the console with nothing but a password.",
        pattern=(
            '{ $.eventName = "ConsoleLogin" && $.userIdentity.type = "IAMUser" '
            '&& $.responseElements.ConsoleLogin = "Success" '
            '&& $.additionalEventData.MFAUsed != "Yes" }'
        ),
        severity="warning",
    ),
    Watch(
        name="calls-denied",
        metric="CallsDenied",
        summary="Many calls to AWS were denied: somebody tries doors, or a role lost a grant.",
        pattern=('{ $.errorCode = "AccessDenied*" || $.errorCode = "*UnauthorizedOperation" }'),
        # No standard names a figure. A task that lacks a grant retries more often than that.
        calls=20,
        severity="warning",
    ),
    Watch(
        name="trail-changed",
        metric="TrailChanged",
        summary="The trail was stopped, changed or deleted; what follows may not be recorded.",
        pattern=(
            '{ $.eventSource = "cloudtrail.amazonaws.com" && ($.eventName = "DeleteTrail" '
            '|| $.eventName = "StopLogging" || $.eventName = "UpdateTrail" '
            '|| $.eventName = "PutEventSelectors") }'
        ),
        severity="critical",
    ),
    Watch(
        name="key-disabled",
        metric="KeyDisabled",
        summary="A key was disabled or is to be deleted; what it encrypts can then not be read.",
        pattern=(
            '{ $.eventSource = "kms.amazonaws.com" && ($.eventName = "DisableKey" '
            '|| $.eventName = "ScheduleKeyDeletion") }'
        ),
        severity="critical",
    ),
)
"""The few of the CIS benchmark's that are rare enough to be heard of one by one (M87).

https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html
"""


@dataclass(frozen=True, kw_only=True)
class AuditArgs:
    settings: AuditSettings
    ground: Ground
    log_bucket: Bucket
    """Takes the trail."""
    media: Bucket
    """Is looked through for malware."""
    notices: Notices
    zones: Sequence[str]
    """Of the network, in its order: `a`, `b`."""
    reached_through: ReachedThrough
    """Who asks the load balancer, and so has to be let in."""


class Audit(pulumi.ComponentResource):
    """What watches over the account and its region, each part by its switch (B46, B35, B22, B43).

    - A trail of every call in every region, with digests that show tampering, in the log bucket and
      in a log group whose alarms tell of the few that matter (M87).
    - GuardDuty, whose findings tell the topics; a scan of what is put into the media bucket; an
      analyzer of what somebody outside can reach.
    - Security Hub with AWS's Foundational Security Best Practices. It judges what AWS Config
      recorded, which is the account's to turn on.
    - Nothing in the region's VPCs is reached from the internet but this stack's load balancer.
    - Instances want a token for their metadata, whoever launches them.

    All of it is the account's: one stack of the account's region has it, and none where an
    organisation has.

    Cost (us-east-1, 2026): the trail's first copy is free, its log group 0.50 USD per GB; GuardDuty
    about 4 USD per million calls, 1 USD per GB of flow and DNS logs and 0.80 USD per million S3
    calls; the scan 0.09 USD per GB and 0.22 USD per 1,000 objects; Security Hub 0.001 USD per
    check, for small accounts a few USD a month. The analyzer and both blocks are free.
    """

    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: AuditArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:audit:Audit", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings, prefix = args.settings, args.ground.prefix
        if settings.trail:
            _trail(f"{name}-trail", args, child)
        if settings.guard_duty:
            _guard_duty(f"{name}-guard-duty", args, child)
        if settings.malware_scan:
            _malware_scan(f"{name}-malware", args, child)
        if settings.access_analyzer:
            _access_analyzer(f"{name}-access", args, child)
        if settings.security_hub:
            _security_hub(f"{name}-security-hub", args, child)
        if settings.block_public_access:
            _block_public_access(f"{name}-public-access", args, child)
        if settings.instance_metadata_defaults:
            aws.ec2.InstanceMetadataDefaults(
                f"{name}-instance-metadata", http_tokens="required", opts=child
            )

        self.alarms = _alarms(prefix) if settings.trail else ()
        self.panels = _panels(prefix) if settings.trail else ()
        self.register_outputs({"on": [switch for switch, on in settings if on]})


def account_audit(
    stack: Settings,
    ground: Ground,
    buckets: Buckets,
    notices: Notices,
    opts: pulumi.ResourceOptions,
) -> Audit | None:
    """The audit where the stack has a switch of it on."""
    if stack.audit is None or not any(on for _, on in stack.audit):
        return None
    return Audit(
        "audit",
        AuditArgs(
            settings=stack.audit,
            ground=ground,
            log_bucket=buckets.logs,
            media=buckets.media,
            notices=notices,
            zones=stack.network.zones,
            reached_through=stack.load_balancer.reached_through,
        ),
        opts,
    )


def audit_namespace(prefix: str) -> str:
    """Where calls of each sort are counted."""
    return f"{prefix}/Audit"


def _trail(name: str, args: AuditArgs, opts: pulumi.ResourceOptions) -> None:
    ground = args.ground
    # In the bucket it lies as CloudTrail wrote it, and need not be copied there again.
    log_group = ground.logs.group(f"{name}-log", "cloudtrail", "trail", opts, archived=False)
    # Held to no account: CloudTrail does not say for whom it writes to a log group.
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html
    role = service_role(name, "cloudtrail.amazonaws.com", [grant_write(log_group)], opts)
    aws.cloudtrail.Trail(
        name,
        # The policies of the bucket and the key know it by this name.
        name=ground.prefix,
        s3_bucket_name=args.log_bucket.name,
        s3_key_prefix=TRAIL_LOGS,
        kms_key_id=ground.logs.key_arn,
        is_multi_region_trail=True,
        include_global_service_events=True,
        enable_log_file_validation=True,
        cloud_watch_logs_group_arn=pulumi.Output.concat(log_group.arn, ":*"),
        cloud_watch_logs_role_arn=role.arn,
        opts=opts,
    )
    for watch in WATCHES:
        aws.cloudwatch.LogMetricFilter(
            f"{name}-{watch.name}",
            name=watch.name,
            log_group_name=log_group.name,
            pattern=watch.pattern,
            metric_transformation={
                "namespace": audit_namespace(ground.prefix),
                "name": watch.metric,
                "value": "1",
            },
            opts=opts,
        )


def _guard_duty(name: str, args: AuditArgs, opts: pulumi.ResourceOptions) -> None:
    detector = aws.guardduty.Detector(
        name, enable=True, finding_publishing_frequency="FIFTEEN_MINUTES", opts=opts
    )
    for feature, on in FEATURES.items():
        aws.guardduty.DetectorFeature(
            f"{name}-{feature.lower().replace('_', '-')}",
            detector_id=detector.id,
            name=feature,
            status="ENABLED" if on else "DISABLED",
            opts=opts,
        )
    for severity, numbers in SEVERITIES.items():
        found = Event(
            severity=severity,
            pattern={
                "source": ["aws.guardduty"],
                "detail-type": ["GuardDuty Finding"],
                "detail": {"severity": [{"numeric": numbers}]},
            },
            title="GuardDuty",
            text=f"Finding <id> of severity <severity> in <region>. Runbook: {RUNBOOK}",
            paths={
                "severity": "$.detail.severity",
                "id": "$.detail.id",
                "region": "$.region",
            },
            words="$.detail.description",
        )
        args.notices.tell(f"{name}-{severity}", found, opts)


def _malware_scan(name: str, args: AuditArgs, opts: pulumi.ResourceOptions) -> None:
    role = service_role(
        name, SCANNER, _scanner_grants(args), opts, account_id=args.ground.account_id
    )
    aws.guardduty.MalwareProtectionPlan(
        name,
        role=role.arn,
        protected_resource={"s3_bucket": {"bucket_name": args.media.name}},
        actions=[{"taggings": [{"status": "ENABLED"}]}],
        opts=opts,
    )
    if not args.settings.guard_duty:
        # With a detector it is a finding, and told as such.
        found = Event(
            severity="critical",
            pattern={
                "source": ["aws.guardduty"],
                "detail-type": ["GuardDuty Malware Protection Object Scan Result"],
                "detail": {
                    "s3ObjectDetails": {"bucketName": [args.media.name]},
                    "scanResultDetails": {"scanResultStatus": ["THREATS_FOUND"]},
                },
            },
            title="malware",
            text="An object in s3://<bucket>, version <version>, is malware, and nobody can read "
            f"it now; its key follows. Runbook: {RUNBOOK}",
            paths={
                "bucket": "$.detail.s3ObjectDetails.bucketName",
                "version": "$.detail.s3ObjectDetails.versionId",
            },
            words="$.detail.s3ObjectDetails.objectKey",
        )
        args.notices.tell(f"{name}-found", found, opts)


def _scanner_grants(args: AuditArgs) -> tuple[Statement, ...]:
    """What GuardDuty asks for to look through a bucket.

    https://docs.aws.amazon.com/guardduty/latest/ug/malware-protection-s3-iam-policy-prerequisite.html
    """
    media, ground = args.media, args.ground
    rule = ground.arn("events", SCANNER_RULE)
    objects = pulumi.Output.concat(media.arn, "/*")
    by_itself = {"StringEquals": {"events:ManagedBy": SCANNER}}
    return (
        Statement(
            sid="HearOfObjects",
            actions=["events:PutRule"],
            resources=[rule],
            conditions={
                **by_itself,
                "ForAllValues:StringEquals": {
                    "events:detail-type": ["AWS API Call via CloudTrail", "Object Created"],
                    "events:source": "aws.s3",
                },
                # "For all values" also holds for a rule that names none.
                "Null": {"events:detail-type": "false", "events:source": "false"},
            },
        ),
        Statement(
            sid="KeepOwnRule",
            actions=["events:DeleteRule", "events:PutTargets", "events:RemoveTargets"],
            resources=[rule],
            conditions=by_itself,
        ),
        Statement(
            sid="ReadOwnRule",
            actions=["events:DescribeRule", "events:ListTargetsByRule"],
            resources=[rule],
        ),
        Statement(
            sid="HaveBucketTell",
            actions=["s3:GetBucketNotification", "s3:ListBucket", "s3:PutBucketNotification"],
            resources=[media.arn],
        ),
        Statement(
            sid="TagObjects",
            actions=[
                "s3:GetObjectTagging",
                "s3:GetObjectVersionTagging",
                "s3:PutObjectTagging",
                "s3:PutObjectVersionTagging",
            ],
            resources=[objects],
        ),
        Statement(
            sid="ReadObjects",
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[objects],
        ),
        Statement(
            sid="TryTheBucket",
            actions=["s3:PutObject"],
            resources=[
                pulumi.Output.concat(media.arn, "/malware-protection-resource-validation-object")
            ],
        ),
        *key_grant("DecryptObjects", media.key_arn, "kms:Decrypt", "kms:GenerateDataKey"),
    )


def _access_analyzer(name: str, args: AuditArgs, opts: pulumi.ResourceOptions) -> None:
    aws.accessanalyzer.Analyzer(name, analyzer_name=args.ground.prefix, type="ACCOUNT", opts=opts)
    found = Event(
        severity="warning",
        pattern={
            "source": ["aws.access-analyzer"],
            "detail-type": ["Access Analyzer Finding"],
            "detail": {"status": ["ACTIVE"]},
        },
        title="Access Analyzer",
        text="<resource> can be reached from outside the account. Finding <id>."
        f" Runbook: {RUNBOOK}",
        paths={"resource": "$.detail.resource", "id": "$.detail.id"},
    )
    args.notices.tell(f"{name}-found", found, opts)


def _security_hub(name: str, args: AuditArgs, opts: pulumi.ResourceOptions) -> None:
    hub = aws.securityhub.Account(
        name,
        # The one below is chosen; the other that AWS would turn on is the CIS benchmark of 2018.
        enable_default_standards=False,
        auto_enable_controls=True,
        control_finding_generator="SECURITY_CONTROL",
        opts=opts,
    )
    aws.securityhub.StandardsSubscription(
        f"{name}-best-practices",
        standards_arn=f"arn:aws:securityhub:{args.ground.region}::standards/{STANDARD}",
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[hub])),
    )


def _block_public_access(name: str, args: AuditArgs, opts: pulumi.ResourceOptions) -> None:
    door = DOORS[args.reached_through]
    subnets: Mapping[Tier, pulumi.Input[Sequence[str]]] = {
        "public": args.ground.public_subnet_ids,
        "private": args.ground.private_subnet_ids,
    }
    exclusions: list[pulumi.Resource] = []
    if door is not None:
        # awsx lists subnets in the order of the zones.
        ids = pulumi.Output.from_input(subnets[door])
        exclusions = [
            aws.ec2.VpcBlockPublicAccessExclusion(
                f"{name}-{door}-{zone}",
                subnet_id=ids[index],
                internet_gateway_exclusion_mode="allow-bidirectional",
                opts=opts,
            )
            for index, zone in enumerate(args.zones)
        ]
    aws.ec2.VpcBlockPublicAccessOptions(
        name,
        internet_gateway_block_mode="block-ingress",
        # The other way round the load balancer would be cut off in between, and when it is undone.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=exclusions)),
    )


def _metric(prefix: str, watch: Watch) -> Metric:
    return Metric(
        namespace=audit_namespace(prefix),
        name=watch.metric,
        dimensions={},
        statistic="Sum",
        label=watch.name,
    )


def _alarms(prefix: str) -> tuple[Alarm, ...]:
    return tuple(
        Alarm(
            name=watch.name,
            summary=watch.summary,
            watch=_metric(prefix, watch),
            comparison="at_least",
            threshold=watch.calls,
            severity=watch.severity,
            runbook=f"audit.md#{watch.name}",
        )
        for watch in WATCHES
    )


def _panels(prefix: str) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Audit",
            title="Calls that somebody must hear of",
            unit="calls",
            metrics=[_metric(prefix, watch) for watch in WATCHES],
        ),
    )
