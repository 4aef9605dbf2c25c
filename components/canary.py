"""The canary: a journey through the API, walked every few minutes as a user would."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.grants import Statement, service_role
from components.observe import Alarm, Metric, Panel
from components.stores.buckets import Bucket, Buckets
from settings.canary import CanarySettings

RUNTIME = "syn-python-selenium-12.0"
"""Python 3.12. It brings a browser, which the journey leaves alone; there is no runtime without.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Synthetics_Library_python_selenium.html"""
MEMORY_MIB = 960
"""The least that Synthetics takes."""
STEP_SECONDS = 10
"""As long as functions/canary waits for one."""

RESULTS = "canary"
"""Prefix in the log bucket."""
KEEP_DAYS = 31
"""Of what Synthetics itself remembers of a run; its files go with the log bucket's."""

NAMESPACE = "CloudWatchSynthetics"


@dataclass(frozen=True, kw_only=True)
class CanaryArgs:
    settings: CanarySettings
    url: pulumi.Input[str]
    """Where the API answers."""
    code: Bucket
    """Keeps what runs, for as long as it runs."""
    results: Bucket
    """Keeps what came of each run, below `RESULTS`."""

    @classmethod
    def of(cls, settings: CanarySettings, url: pulumi.Input[str], buckets: Buckets) -> CanaryArgs:
        """Raises ValueError when no bucket keeps bundles."""
        if buckets.bundles is None:
            raise ValueError("a canary needs BucketsArgs.bundles, where its code is kept")
        return cls(settings=settings, url=url, code=buckets.bundles, results=buckets.logs)


class Canary(pulumi.ComponentResource):
    """A CloudWatch Synthetics canary over functions/canary (B50).

    Its role may not write logs: Synthetics would make a log group of its own naming, which nothing
    here could give a retention or a key. The log of a run lies among its results instead.

    Cost: 0.0012 USD a run: 10.40 USD a month every 5 minutes; and the Lambda calls under it
    (us-east-1, 2026).
    """

    name: pulumi.Output[str]
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: CanaryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:canary:Canary", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = service_role(f"{name}-role", "lambda.amazonaws.com", _grants(args.results), child)
        code = aws.s3.BucketObjectv2(
            f"{name}-code",
            bucket=args.code.name,
            key=f"canary/{name}.zip",
            # Only the handler, by name, and where Synthetics looks for it.
            source=pulumi.AssetArchive(
                {"python/canary.py": pulumi.FileAsset("functions/canary/handler.py")}
            ),
            opts=child,
        )
        canary = aws.synthetics.Canary(
            f"{name}-journey",
            handler="canary.handler",
            runtime_version=RUNTIME,
            execution_role_arn=role.arn,
            s3_bucket=code.bucket,
            s3_key=code.key,
            # By version: the key stays when the code changes, and Synthetics would not look again.
            s3_version=code.version_id,
            artifact_s3_location=pulumi.Output.concat("s3://", args.results.name, "/", RESULTS),
            schedule={"expression": _rate(args.settings.every_minutes)},
            run_config={
                "timeout_in_seconds": _limit(args.settings),
                "memory_in_mb": MEMORY_MIB,
                "environment_variables": {"URL": args.url, "STEPS": _steps(args.settings)},
            },
            success_retention_period=KEEP_DAYS,
            failure_retention_period=KEEP_DAYS,
            start_canary=True,
            # Otherwise its function stays behind when it is deleted.
            delete_lambda=True,
            opts=child,
        )

        self.name = canary.name
        self.alarms = (_failing(canary, args.settings),)
        self.panels = _panels(canary)
        self.register_outputs({"name": self.name})


def _grants(results: Bucket) -> list[Statement]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Synthetics_Canaries_CanaryPermissions.html"""
    return [
        *results.grant_write(f"{RESULTS}/*"),
        Statement(sid="FindResults", actions=["s3:GetBucketLocation"], resources=[results.arn]),
        Statement(
            sid="ListBuckets",
            actions=["s3:ListAllMyBuckets"],
            # A listing, which knows no resources.
            resources=["*"],
        ),
        Statement(
            sid="ReportRuns",
            actions=["cloudwatch:PutMetricData"],
            # IAM knows no metrics, but it knows namespaces.
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
        ),
    ]


def _rate(minutes: int) -> str:
    return "rate(1 hour)" if minutes == 60 else f"rate({minutes} minute{'s' * (minutes > 1)})"


def _limit(settings: CanarySettings) -> int:
    """Seconds for a journey whose every step takes as long as it may; a minute at least."""
    return min(settings.every_minutes * 60, 50 + len(settings.steps) * STEP_SECONDS)


def _steps(settings: CanarySettings) -> str:
    return json.dumps(
        [
            {"name": name, **step.model_dump(exclude_none=True)}
            for name, step in settings.steps.items()
        ]
    )


def _failing(canary: aws.synthetics.Canary, settings: CanarySettings) -> Alarm:
    return Alarm(
        name="journey-failing",
        summary="Two journeys through the API in a row failed: users cannot do what they came for.",
        watch=_metric(canary, "SuccessPercent", "passed", period=settings.every_minutes * 60),
        comparison="below",
        threshold=100,
        evaluation_periods=2,
        # A canary that does not run reports nothing.
        missing_data="breaching",
        severity="critical",
        runbook="canary.md#journey-failing",
    )


def _panels(canary: aws.synthetics.Canary) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Edge",
            title="Journey: runs that pass",
            unit="percent",
            metrics=[_metric(canary, "SuccessPercent", "passed")],
        ),
        Panel(
            group="Edge",
            title="Journey: time for all of it",
            unit="ms",
            metrics=[_metric(canary, "Duration", "journey")],
        ),
    )


def _metric(canary: aws.synthetics.Canary, name: str, label: str, *, period: int = 300) -> Metric:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Synthetics_Canaries_metrics.html"""
    return Metric(
        namespace=NAMESPACE,
        name=name,
        dimensions={"CanaryName": canary.name},
        period=period,
        label=label,
    )
