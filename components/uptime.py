"""Uptime: Route 53 asks from outside whether the stack answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from components.ground import GLOBAL_REGION, Place
from components.observe import Alarm, Metric, Panel
from settings.uptime import UptimeSettings

PORTS: Mapping[str, int] = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class UptimeArgs:
    settings: UptimeSettings
    place: Place
    """Its prefix leads the names that the console shows."""
    urls: Mapping[str, pulumi.Input[str]]
    """What must answer with 2xx or 3xx, by what it is called: `{"api": "https://.../health"}`.
    Which there are is decided here, where they lead may be known later."""


class Uptime(pulumi.ComponentResource):
    """A Route 53 health check per address, and an alarm when it is down (M26).

    Checkers around the world ask; an address is down when no more than 18 % of them call it
    healthy. They look at neither the name nor the date on the certificate.
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html

    Cost: a month per check of an endpoint on AWS 0.50 USD, the account's first 50 free, and 1 USD
    each for HTTPS, for the measured latency and for an interval of 10 s (2026): over HTTPS 2.50 USD
    at 30 s, 3.50 USD at 10 s.
    https://aws.amazon.com/route53/pricing/
    """

    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: UptimeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:uptime:Uptime", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        checks = {
            key: _check(f"{name}-{key}", key, url, args, child) for key, url in args.urls.items()
        }

        self.alarms = tuple(_down(key, check) for key, check in checks.items())
        self.panels = _panels(checks)
        self.register_outputs({"check_ids": {key: check.id for key, check in checks.items()}})


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What a health check asks."""

    kind: str
    """`HTTP` or `HTTPS`."""
    host: str
    port: int
    path: str


def endpoint(url: str) -> Endpoint:
    """Take `url` apart. Raises ValueError for what is no http or https address."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{url!r} cannot be asked; give an address such as https://host/path")
    query = f"?{parts.query}" if parts.query else ""
    return Endpoint(
        kind=parts.scheme.upper(),
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        path=f"{parts.path or '/'}{query}",
    )


def _check(
    name: str,
    key: str,
    url: pulumi.Input[str],
    args: UptimeArgs,
    opts: pulumi.ResourceOptions,
) -> aws.route53.HealthCheck:
    asked = pulumi.Output.from_input(url).apply(endpoint)
    return aws.route53.HealthCheck(
        name,
        type=asked.apply(lambda asked: asked.kind),
        fqdn=asked.apply(lambda asked: asked.host),
        port=asked.apply(lambda asked: asked.port),
        resource_path=asked.apply(lambda asked: asked.path),
        # Load balancers and CloudFront hold many certificates, and choose by the name asked for.
        enable_sni=asked.apply(lambda asked: asked.kind == "HTTPS"),
        measure_latency=True,
        request_interval=args.settings.interval_seconds,
        failure_threshold=args.settings.failures,
        tags={"Name": f"{args.place.prefix}-{key}"},
        opts=opts,
    )


def _metric(
    check: aws.route53.HealthCheck,
    name: str,
    label: str,
    *,
    statistic: str = "Average",
    period: int = 300,
) -> Metric:
    """Route 53 reports to us-east-1, wherever the stack is.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-cloudwatch.html
    """
    return Metric(
        namespace="AWS/Route53",
        name=name,
        dimensions={"HealthCheckId": check.id},
        statistic=statistic,
        period=period,
        label=label,
        region=GLOBAL_REGION,
    )


def _down(key: str, check: aws.route53.HealthCheck) -> Alarm:
    return Alarm(
        name=f"{key}-down",
        summary=f"From outside, {key} does not answer; users see an error or nothing.",
        watch=_metric(check, "HealthCheckStatus", "status", statistic="Minimum", period=60),
        comparison="below",
        threshold=1,
        missing_data="breaching",
        severity="critical",
        runbook="uptime.md#down",
    )


def _panels(checks: Mapping[str, aws.route53.HealthCheck]) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Edge",
            title="From outside: checkers that get an answer",
            unit="percent",
            metrics=[
                _metric(check, "HealthCheckPercentageHealthy", key) for key, check in checks.items()
            ],
        ),
        Panel(
            group="Edge",
            title="From outside: time to the first byte",
            unit="ms",
            metrics=[_metric(check, "TimeToFirstByte", key) for key, check in checks.items()],
        ),
    )
