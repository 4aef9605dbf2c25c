"""Tracing: where a request spent its time, in AWS X-Ray."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.access import Access
from components.grants import Statement
from components.ground import Place
from settings.tracing import TracingSettings

PRIORITY = 1000
"""Of the sampling rule; a rule of a lower number goes before, AWS's own has 10,000."""


@dataclass(frozen=True, kw_only=True)
class TracingArgs:
    settings: TracingSettings
    place: Place
    """Its prefix leads the service names that the rule and the group go by."""


class Tracing(pulumi.ComponentResource):
    """How many requests are traced, and a group of those that the API failed (M104).

    Traces go from the code straight to X-Ray's OTLP endpoint, without a collector beside it. So:

    - Each workload names itself `<prefix>-<what it is>`, such as `backlot-dev-api`, by the variable
      OTEL_SERVICE_NAME under its `environment`.
    - The code is started with AWS's OpenTelemetry distribution, which signs what it sends. A plain
      SDK does not, and is refused.
    - The account has Transaction Search on in the region, once and by hand. Its spans lie in
      CloudWatch Logs, and the group finds those that are indexed, 1 % unless the account says more.
    - Sampling is decided by share in the code itself. The sampling rule, which also takes the first
      request of each second, is for code with an agent or collector beside it, since those alone
      ask X-Ray for rules.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLP-UsingADOT.html

    Cost: spans by the GB that CloudWatch takes in; indexing beyond 1 % of them by the million.
    https://aws.amazon.com/cloudwatch/pricing/
    """

    def __init__(
        self, name: str, args: TracingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:tracing:Tracing", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._args = args
        services = f"{args.place.prefix}-*"
        rule = aws.xray.SamplingRule(
            f"{name}-rule",
            rule_name=args.place.prefix,
            priority=PRIORITY,
            reservoir_size=1,
            fixed_rate=args.settings.sample_percent / 100,
            service_name=services,
            service_type="*",
            host="*",
            http_method="*",
            url_path="*",
            resource_arn="*",
            version=1,
            opts=child,
        )
        group = aws.xray.Group(
            f"{name}-faulty",
            group_name=args.place.prefix,
            filter_expression=f'service("{args.place.prefix}-api") {{ fault }}',
            insights_configuration={"insights_enabled": False, "notifications_enabled": False},
            opts=child,
        )
        self.register_outputs({"rule": rule.rule_name, "group": group.group_name})

    def access(self) -> Access:
        """What a workload needs to send traces, but for its name."""
        place, share = self._args.place, self._args.settings.sample_percent / 100
        return Access(
            environment={
                "OTEL_RESOURCE_ATTRIBUTES": f"service.namespace={place.prefix}",
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": (
                    f"https://xray.{place.region}.amazonaws.com/v1/traces"
                ),
                "OTEL_METRICS_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none",
                "OTEL_PROPAGATORS": "xray,tracecontext",
                # A request that somebody before decided on is traced, or not, all the way.
                "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": f"{share:g}",
            },
            statements=[
                Statement(
                    sid="SendTraces",
                    # AWS's own policy AWSXrayWriteOnlyAccess, which is for segments, and what the
                    # OTLP endpoint takes spans and has them indexed by.
                    actions=[
                        "xray:GetSamplingRules",
                        "xray:GetSamplingStatisticSummaries",
                        "xray:GetSamplingTargets",
                        "xray:PutSpans",
                        "xray:PutSpansForIndexing",
                        "xray:PutTelemetryRecords",
                        "xray:PutTraceSegments",
                    ],
                    # IAM knows neither traces nor rules by name here.
                    resources=["*"],
                )
            ],
        )
