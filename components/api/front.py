"""What may stand in front of the load balancer and hide it: CloudFront, or API Gateway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.distributions import (
    ALL_VIEWER,
    CACHING_DISABLED,
    READING,
    DistributionArgs,
    destination,
    distribution,
    failing,
    panels,
)
from components.domain import Destination, Domain
from components.firewall import CLIENT_ADDRESS, Firewall
from components.ground import Ground
from components.observe import Alarm, Metric, Panel
from components.security_groups import connect, security_group
from settings.load_balancer import GatewaySettings

HTTP = 80
HTTPS = 443

ANSWER_SECONDS = 60
"""The longest that CloudFront waits for an answer without asking AWS for more.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"""

EVERY_METHOD = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

ACCESS_LOG_FIELDS = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "backendStatus": "$context.integrationStatus",
    "backendError": "$context.integrationErrorMessage",
}
"""A line per request; nothing of queries and headers, which may hold secrets.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html"""


@dataclass(frozen=True, kw_only=True)
class CloudFrontDoorArgs:
    ground: Ground
    domain: Domain
    firewall: Firewall | None
    load_balancer_arn: pulumi.Input[str]
    load_balancer_dns_name: pulumi.Input[str]
    idle_seconds: int
    """As long as the load balancer waits for an answer, CloudFront does, up to a minute."""


class CloudFrontDoor(pulumi.ComponentResource):
    """A distribution that alone reaches the load balancer, inside the private subnets (B38).

    It caches nothing and hands on every header, cookie and query: the API sees the name it was
    asked by, and a deployment's test header finds the new version. Since that name goes along, the
    load balancer's own certificate is the one CloudFront checks.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html

    Cost: nothing for the way into the network; requests and traffic as in `components/cdn.py`.
    """

    destinations: Mapping[str, Destination]
    """Where each name of the API must lead; known once it answers there."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: CloudFrontDoorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:api:CloudFrontDoor", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        origin = aws.cloudfront.VpcOrigin(
            f"{name}-origin",
            vpc_origin_endpoint_config={
                "name": f"{args.ground.prefix}-api",
                "arn": args.load_balancer_arn,
                "http_port": HTTP,
                "https_port": HTTPS,
                "origin_protocol_policy": "https-only",
                "origin_ssl_protocols": {"items": ["TLSv1.2"], "quantity": 1},
            },
            opts=child,
        )
        door = distribution(
            f"{name}-door",
            DistributionArgs(
                comment=f"{args.ground.prefix} api",
                names=args.domain.names,
                domain=args.domain,
                firewall=args.firewall,
                origins=[
                    {
                        "origin_id": "load-balancer",
                        "domain_name": args.load_balancer_dns_name,
                        "vpc_origin_config": {
                            "vpc_origin_id": origin.id,
                            "origin_read_timeout": min(args.idle_seconds, ANSWER_SECONDS),
                        },
                    }
                ],
                behavior={
                    "target_origin_id": "load-balancer",
                    "viewer_protocol_policy": "redirect-to-https",
                    "allowed_methods": list(EVERY_METHOD),
                    "cached_methods": list(READING),
                    "cache_policy_id": CACHING_DISABLED,
                    "origin_request_policy_id": ALL_VIEWER,
                },
            ),
            child,
        )

        self.destinations = dict.fromkeys(args.domain.names, destination(door))
        self.alarms = (
            failing(
                door,
                name="edge-errors",
                summary="For 10 minutes, more than 5 % of the requests to the API ended with a "
                "5xx.",
                runbook="cdn.md#edge-errors",
            ),
        )
        self.panels = panels(door, "API at CloudFront")
        self.register_outputs({"distribution_id": door.id, "dns_name": door.domain_name})


@dataclass(frozen=True, kw_only=True)
class GatewayDoorArgs:
    settings: GatewaySettings
    ground: Ground
    domain: Domain
    listener_arn: pulumi.Input[str]
    """The load balancer's listener for HTTPS."""
    security_group_id: pulumi.Input[str]
    """The load balancer's group, which lets this door in."""


class GatewayDoor(pulumi.ComponentResource):
    """An HTTP API that hands everything to the load balancer over a VPC link (M25).

    It turns away what exceeds a rate, and answers by the domain's names alone. A request may have
    10 MB and must be answered within 30 s, so large files go to the bucket by signed URLs.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html

    AWS WAF does not stand before HTTP APIs; it stands at the load balancer, and is told the address
    that asked in a header of ours.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html

    Cost: 1.00 USD per million requests of up to 512 KB; the VPC link is free; the access log 0.50
    USD per GB (us-east-1, 2026).
    """

    destinations: Mapping[str, Destination]
    """Where each name of the API must lead; known once it answers there."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: GatewayDoorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:api:GatewayDoor", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        api = aws.apigatewayv2.Api(
            f"{name}-api",
            protocol_type="HTTP",
            # Its own address would lead around the domain's names.
            disable_execute_api_endpoint=True,
            opts=child,
        )
        link = _link(f"{name}-link", args, child)
        route = _route(f"{name}-everything", args, api, link, child)
        stage = _stage(f"{name}-stage", args, api, child)

        self.destinations = {
            host: _answering(f"{name}-{host}", host, args, api, stage, route, child)
            for host in args.domain.names
        }
        self.alarms = (_errors(api),)
        self.panels = _panels(api)
        self.register_outputs({"api_id": api.id})


def _link(
    name: str, args: GatewayDoorArgs, opts: pulumi.ResourceOptions
) -> aws.apigatewayv2.VpcLink:
    group = security_group(name, args.ground.vpc_id, "API Gateway to the load balancer", opts)
    connect(
        f"{name}-to-door",
        source=group.id,
        target=args.security_group_id,
        port=HTTPS,
        opts=opts,
    )
    return aws.apigatewayv2.VpcLink(
        name,
        subnet_ids=args.ground.private_subnet_ids,
        security_group_ids=[group.id],
        opts=opts,
    )


def _route(
    name: str,
    args: GatewayDoorArgs,
    api: aws.apigatewayv2.Api,
    link: aws.apigatewayv2.VpcLink,
    opts: pulumi.ResourceOptions,
) -> aws.apigatewayv2.Route:
    integration = aws.apigatewayv2.Integration(
        name,
        api_id=api.id,
        integration_type="HTTP_PROXY",
        integration_method="ANY",
        integration_uri=args.listener_arn,
        connection_type="VPC_LINK",
        connection_id=link.id,
        payload_format_version="1.0",
        # Makes it HTTPS; without, API Gateway would speak plain HTTP to the listener.
        tls_config={"server_name_to_verify": args.domain.api},
        # The load balancer would see none but API Gateway's own.
        request_parameters={f"overwrite:header.{CLIENT_ADDRESS}": "$context.identity.sourceIp"},
        opts=opts,
    )
    return aws.apigatewayv2.Route(
        name,
        api_id=api.id,
        route_key="$default",
        target=pulumi.Output.concat("integrations/", integration.id),
        opts=opts,
    )


def _stage(
    name: str,
    args: GatewayDoorArgs,
    api: aws.apigatewayv2.Api,
    opts: pulumi.ResourceOptions,
) -> aws.apigatewayv2.Stage:
    log_group = args.ground.logs.group(f"{name}-log", "apigateway", "api", opts)
    return aws.apigatewayv2.Stage(
        name,
        api_id=api.id,
        # The only stage whose name does not lead the paths.
        name="$default",
        auto_deploy=True,
        default_route_settings={
            "throttling_rate_limit": args.settings.requests_per_second,
            "throttling_burst_limit": args.settings.burst,
        },
        access_log_settings={
            "destination_arn": log_group.arn,
            "format": json.dumps(ACCESS_LOG_FIELDS),
        },
        opts=opts,
    )


def _answering(
    name: str,
    host: str,
    args: GatewayDoorArgs,
    api: aws.apigatewayv2.Api,
    stage: aws.apigatewayv2.Stage,
    route: aws.apigatewayv2.Route,
    opts: pulumi.ResourceOptions,
) -> Destination:
    """Have the API answer by `host`."""
    domain_name = aws.apigatewayv2.DomainName(
        name,
        domain_name=host,
        domain_name_configuration={
            "certificate_arn": args.domain.certificate_arn,
            "endpoint_type": "REGIONAL",
            "security_policy": "TLS_1_2",
        },
        opts=opts,
    )
    mapping = aws.apigatewayv2.ApiMapping(
        name, api_id=api.id, domain_name=domain_name.domain_name, stage=stage.name, opts=opts
    )
    configuration = domain_name.domain_name_configuration
    return Destination(
        # A name that leads here before the API stands behind it is answered with 403.
        dns_name=pulumi.Output.all(configuration.target_domain_name, mapping.id, route.id).apply(
            lambda known: known[0]
        ),
        zone_id=configuration.apply(lambda one: one.hosted_zone_id or ""),
    )


def _metric(api: aws.apigatewayv2.Api, name: str, label: str) -> Metric:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html"""
    return Metric(
        namespace="AWS/ApiGateway",
        name=name,
        dimensions={"ApiId": api.id},
        statistic="Sum",
        label=label,
    )


def _errors(api: aws.apigatewayv2.Api) -> Alarm:
    return Alarm(
        name="gateway-errors",
        summary="More than 10 requests in 5 minutes ended with a 5xx at API Gateway, twice "
        "running.",
        watch=_metric(api, "5xx", "5xx"),
        comparison="above",
        # No brief names a figure: as many as the load balancer's own errors.
        threshold=10,
        evaluation_periods=2,
        severity="critical",
        runbook="cdn.md#gateway-errors",
    )


def _panels(api: aws.apigatewayv2.Api) -> tuple[Panel, ...]:
    return (
        Panel(
            group="Edge",
            title="API Gateway: requests",
            unit="requests",
            metrics=[_metric(api, "Count", "requests")],
        ),
        Panel(
            group="Edge",
            title="API Gateway: errors",
            unit="requests",
            metrics=[
                _metric(api, "5xx", "5xx"),
                _metric(api, "4xx", "4xx, 429 too"),
            ],
        ),
    )
