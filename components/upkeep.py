"""Upkeep: once a day, what nothing else clears away is."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.functions import failure_alarm, function_panels, platform_function
from components.grants import Statement, service_role
from components.ground import STACK_TAGS, Ground
from components.observe import DAY_SECONDS, Alarm, Metric, Panel
from components.stores.buckets import Buckets
from components.stores.cache import Cache
from components.stores.database import Database
from settings.stack import Settings
from settings.upkeep import UpkeepSettings

UPKEEP_SECONDS = 900
"""The longest that Lambda allows: the first time may find the leftovers of years."""

CALL_AGAIN = 3
CALL_WITHIN_SECONDS = 60 * 60
"""What was not called by then has its turn the next day."""

COUNTED = ("Snapshots", "Uploads", "Failures")


@dataclass(frozen=True, kw_only=True)
class UpkeepArgs:
    settings: UpkeepSettings
    ground: Ground
    database: Database
    cache: Cache
    buckets: Buckets


class Upkeep(pulumi.ComponentResource):
    """A function that deletes old snapshots taken by hand, and uploads nobody finished (M56).

    Cost: a call a day, and 0.30 USD a month for each of its three metrics (us-east-1, 2026).
    """

    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: UpkeepArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:upkeep:Upkeep", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings, ground = args.settings, args.ground
        namespace = f"{ground.prefix}/Upkeep"
        buckets = args.buckets.by_purpose.values()
        function = platform_function(
            f"{name}-function",
            "upkeep",
            description="Deletes old snapshots taken by hand, and unfinished uploads.",
            environment={
                "DATABASE": args.database.identifier,
                "CACHE": args.cache.group_id,
                "BUCKETS": pulumi.Output.json_dumps([bucket.name for bucket in buckets]),
                "PREFIX": ground.prefix,
                "SNAPSHOT_DAYS": str(settings.snapshot_days),
                "UPLOAD_HOURS": str(settings.upload_hours),
                "DRY_RUN": "true" if settings.dry_run else "false",
                "METRICS_NAMESPACE": namespace,
            },
            statements=_statements(args),
            timeout_seconds=UPKEEP_SECONDS,
            logs=ground.logs,
            opts=child,
        )
        _every_day(f"{name}-daily", settings.hour, function, ground, child)
        self.alarms = (
            failure_alarm(
                function,
                name="upkeep-failed",
                summary="Old snapshots or unfinished uploads were not cleared away; they cost.",
                severity="info",
            ),
        )
        self.panels = (
            *function_panels(self.alarms),
            Panel(
                group="Storage",
                title="Cleared away, per day",
                unit="leftovers",
                metrics=[
                    Metric(
                        namespace=namespace,
                        name=counted,
                        dimensions={},
                        statistic="Sum",
                        period=DAY_SECONDS,
                        label=counted.lower(),
                    )
                    for counted in COUNTED
                ],
            ),
        )
        self.register_outputs({"function": function.name})


def upkeep_of(
    stack: Settings,
    ground: Ground,
    database: Database,
    cache: Cache,
    buckets: Buckets,
    opts: pulumi.ResourceOptions,
) -> Upkeep | None:
    """The upkeep that the stack asks for."""
    if stack.upkeep is None:
        return None
    args = UpkeepArgs(
        settings=stack.upkeep, ground=ground, database=database, cache=cache, buckets=buckets
    )
    return Upkeep("upkeep", args, opts)


def _statements(args: UpkeepArgs) -> tuple[Statement, ...]:
    ground = args.ground
    buckets = [bucket.arn for bucket in args.buckets.by_purpose.values()]
    # Nobody deletes what somebody wants to keep, not even by mistake.
    unless_kept = {"Null": {"aws:ResourceTag/Keep": "true"}}
    # RDS copies the tags of the database to its snapshots.
    own = {f"aws:ResourceTag/{key}": ground.tags[key] for key in STACK_TAGS}
    return (
        Statement(
            sid="FindSnapshots",
            actions=["rds:DescribeDBSnapshots"],
            resources=[args.database.arn, ground.arn("rds", "snapshot:*")],
        ),
        Statement(
            sid="DeleteSnapshots",
            actions=["rds:DeleteDBSnapshot"],
            # Whoever took one chose its name.
            resources=[ground.arn("rds", "snapshot:*")],
            conditions={"StringEquals": own, **unless_kept},
        ),
        Statement(
            sid="FindCacheSnapshots",
            actions=["elasticache:DescribeSnapshots", "elasticache:ListTagsForResource"],
            resources=[
                ground.arn(
                    "elasticache", pulumi.Output.concat("replicationgroup:", args.cache.group_id)
                ),
                ground.arn("elasticache", "snapshot:*"),
            ],
        ),
        Statement(
            sid="DeleteCacheSnapshots",
            actions=["elasticache:DeleteSnapshot"],
            resources=[ground.arn("elasticache", f"snapshot:{ground.prefix}-*")],
            conditions=unless_kept,
        ),
        Statement(sid="FindUploads", actions=["s3:ListBucketMultipartUploads"], resources=buckets),
        Statement(
            sid="AbortUploads",
            actions=["s3:AbortMultipartUpload"],
            resources=[pulumi.Output.concat(bucket, "/*") for bucket in buckets],
        ),
    )


def _every_day(
    name: str,
    hour: int,
    function: aws.lambda_.Function,
    ground: Ground,
    opts: pulumi.ResourceOptions,
) -> None:
    caller = service_role(
        f"{name}-role",
        "scheduler.amazonaws.com",
        [Statement(sid="CallUpkeep", actions=["lambda:InvokeFunction"], resources=[function.arn])],
        opts,
        account_id=ground.account_id,
    )
    aws.scheduler.Schedule(
        name,
        description="Clears old snapshots and unfinished uploads away.",
        schedule_expression=f"cron(0 {hour} * * ? *)",
        flexible_time_window={"mode": "OFF"},
        target={
            "arn": function.arn,
            "role_arn": caller.arn,
            "retry_policy": {
                "maximum_retry_attempts": CALL_AGAIN,
                "maximum_event_age_in_seconds": CALL_WITHIN_SECONDS,
            },
        },
        opts=opts,
    )
