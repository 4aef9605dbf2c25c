"""What every CloudFront distribution has in common: its names, its TLS, and what to watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.domain import Destination, Domain
from components.firewall import Firewall
from components.ground import GLOBAL_REGION
from components.observe import Alarm, Metric, Panel

TLS_POLICY = "TLSv1.2_2025"
"""TLS 1.2 and 1.3, forward secrecy and authenticated ciphers throughout (M17).
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html"""

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""AWS's own cache policies: as long as the origin says, or a day; and not at all.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html"""

CORS_S3 = "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
"""AWS's own origin request policies: hand on what S3 must know to let a site read, and every
header, cookie and query.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html"""

HSTS_SECONDS = 365 * 24 * 60 * 60
"""A browser that has been here once comes back over HTTPS for a year."""

READING = ("GET", "HEAD")

FAILING_PERCENT = 5
FAILING_PERIODS = 2
"""Of 5 minutes each."""

DefaultBehavior = aws.cloudfront.DistributionDefaultCacheBehaviorArgsDict
OrderedBehavior = aws.cloudfront.DistributionOrderedCacheBehaviorArgsDict
Origin = aws.cloudfront.DistributionOriginArgsDict
ErrorResponse = aws.cloudfront.DistributionCustomErrorResponseArgsDict


@dataclass(frozen=True, kw_only=True)
class DistributionArgs:
    comment: str
    """What the console's list calls it."""
    names: Sequence[str]
    """Names of ours that it answers for, all on the domain's certificate for CloudFront."""
    domain: Domain | None
    firewall: Firewall | None
    price_class: str = "PriceClass_All"
    origins: Sequence[Origin]
    behavior: DefaultBehavior
    ordered: Sequence[OrderedBehavior] = ()
    """Asked before `behavior`, in this order."""
    errors: Sequence[ErrorResponse] = ()
    root_object: str | None = None
    """What `/` leads to."""


def distribution(
    name: str, args: DistributionArgs, opts: pulumi.ResourceOptions
) -> aws.cloudfront.Distribution:
    """A distribution for the whole world, over HTTP/2 and HTTP/3, IPv4 and IPv6."""
    return aws.cloudfront.Distribution(
        name,
        enabled=True,
        comment=args.comment,
        aliases=list(args.names) or None,
        viewer_certificate=_viewer_certificate(args.names, args.domain),
        web_acl_id=args.firewall.arn("edge") if args.firewall else None,
        price_class=args.price_class,
        http_version="http2and3",
        is_ipv6_enabled=True,
        origins=args.origins,
        default_cache_behavior=args.behavior,
        ordered_cache_behaviors=args.ordered or None,
        custom_error_responses=args.errors or None,
        default_root_object=args.root_object,
        restrictions={"geo_restriction": {"restriction_type": "none"}},
        # A few minutes more: who publishes or asks right after `pulumi up` would still meet the
        # former version, and be told that it works, or that it does not.
        wait_for_deployment=True,
        opts=opts,
    )


def _viewer_certificate(
    names: Sequence[str], domain: Domain | None
) -> aws.cloudfront.DistributionViewerCertificateArgsDict:
    if not names:
        return {"cloudfront_default_certificate": True}
    covered = domain.edge_names if domain else ()
    if missing := sorted(set(names) - set(covered)):
        raise ValueError(
            f"CloudFront has no certificate for {', '.join(missing)}; add to the domain's "
            "edge_names"
        )
    return {
        "acm_certificate_arn": domain.edge_certificate_arn if domain else None,
        "ssl_support_method": "sni-only",
        "minimum_protocol_version": TLS_POLICY,
    }


def destination(of: aws.cloudfront.Distribution) -> Destination:
    """Where names of the distribution lead; known once every edge location has it."""
    return Destination(dns_name=of.domain_name, zone_id=of.hosted_zone_id, ipv6=True)


def failing(of: aws.cloudfront.Distribution, *, name: str, summary: str, runbook: str) -> Alarm:
    """Somebody is woken when one request in twenty ends with a 5xx for ten minutes."""
    return Alarm(
        name=name,
        summary=summary,
        watch=_metric(of, "5xxErrorRate", "Average", "5xx"),
        comparison="above",
        threshold=FAILING_PERCENT,
        evaluation_periods=FAILING_PERIODS,
        severity="critical",
        runbook=runbook,
    )


def panels(of: aws.cloudfront.Distribution, title: str) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Edge",
            title=f"{title}: requests",
            unit="requests",
            metrics=[_metric(of, "Requests", "Sum", "requests")],
        ),
        Panel(
            group="Edge",
            title=f"{title}: errors",
            unit="percent",
            metrics=[
                _metric(of, "5xxErrorRate", "Average", "5xx"),
                _metric(of, "4xxErrorRate", "Average", "4xx"),
            ],
        ),
    )


def _metric(of: aws.cloudfront.Distribution, name: str, statistic: str, label: str) -> Metric:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html"""
    return Metric(
        namespace="AWS/CloudFront",
        name=name,
        dimensions={"DistributionId": of.id, "Region": "Global"},
        statistic=statistic,
        region=GLOBAL_REGION,
        label=label,
    )
