"""The public door: an application load balancer that waits for an API to stand behind it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.domain import Domain
from components.ground import Ground
from components.observe import Alarm, Metric, Panel
from components.security_groups import ANYWHERE, security_group
from components.stores.buckets import LOAD_BALANCER_LOGS, Bucket
from settings.load_balancer import LoadBalancerSettings

HTTP = 80
HTTPS = 443

SSL_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
"""TLS 1.2 and 1.3, forward secrecy throughout, post-quantum key exchange for clients that have it;
what AWS recommends (M17).
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html"""

HSTS = "max-age=31536000"
"""A browser that has been here once comes back over HTTPS for a year."""


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    settings: LoadBalancerSettings
    ground: Ground
    domain: Domain | None
    """Brings the certificate and gets the aliases. Absent, the door is plain HTTP."""
    log_bucket: Bucket
    """Takes the access logs, where the settings want them."""


class LoadBalancer(pulumi.ComponentResource):
    """An internet-facing load balancer over every zone (M15 to M17).

    With a domain it answers over HTTPS and sends HTTP there; without, over HTTP alone. Its listener
    says 503 until an API adds a rule.

    Cost: 16 USD a month and 5.84 USD per LCU and month, which is about 25 new connections or 1 GB
    an hour; 3.65 USD a month for the public address in each zone (us-east-1, 2026).
    """

    url: pulumi.Output[str]
    """`https://api.studio.example`, or the load balancer's own name over HTTP."""
    arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    """What CloudWatch calls it."""
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    """The zone of `dns_name`, which an alias needs."""
    security_group_id: pulumi.Output[str]
    listener_arn: pulumi.Output[str]
    """The listener that serves; the API's rules go here."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:api:LoadBalancer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = security_group(f"{name}-door", args.ground.vpc_id, "Public door of the API", child)
        balancer = _load_balancer(f"{name}-alb", args, group, child)
        if args.domain is None:
            _open_to_the_world(f"{name}-http", group, HTTP, child)
            listener = _http_listener(f"{name}-http", balancer, child)
            self.url = pulumi.Output.concat("http://", balancer.dns_name)
        else:
            for port, scheme in ((HTTP, "http"), (HTTPS, "https")):
                _open_to_the_world(f"{name}-{scheme}", group, port, child)
            _redirect(f"{name}-http", balancer, child)
            listener = _https_listener(f"{name}-https", balancer, args.domain, child)
            for host in args.domain.names:
                args.domain.alias(host, dns_name=balancer.dns_name, zone_id=balancer.zone_id)
            self.url = pulumi.Output.from_input(f"https://{args.domain.api}")

        self.arn = balancer.arn
        self.arn_suffix = balancer.arn_suffix
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.security_group_id = group.id
        self.listener_arn = listener.arn
        self.alarms = _alarms(balancer)
        self.panels = _panels(balancer)
        self.register_outputs({"url": self.url, "dns_name": self.dns_name, "zone_id": self.zone_id})


def _load_balancer(
    name: str,
    args: LoadBalancerArgs,
    group: aws.ec2.SecurityGroup,
    opts: pulumi.ResourceOptions,
) -> aws.lb.LoadBalancer:
    settings = args.settings
    return aws.lb.LoadBalancer(
        name,
        load_balancer_type="application",
        internal=False,
        subnets=args.ground.public_subnet_ids,
        security_groups=[group.id],
        idle_timeout=settings.idle_seconds,
        enable_deletion_protection=settings.deletion_protection,
        drop_invalid_header_fields=True,
        desync_mitigation_mode="defensive",
        access_logs=(
            {"enabled": True, "bucket": args.log_bucket.name, "prefix": LOAD_BALANCER_LOGS}
            if settings.access_logs
            else None
        ),
        opts=opts,
    )


def _open_to_the_world(
    name: str, group: aws.ec2.SecurityGroup, port: int, opts: pulumi.ResourceOptions
) -> None:
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-in",
        security_group_id=group.id,
        cidr_ipv4=ANYWHERE,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=opts,
    )


def _http_listener(
    name: str, balancer: aws.lb.LoadBalancer, opts: pulumi.ResourceOptions
) -> aws.lb.Listener:
    return aws.lb.Listener(
        name,
        load_balancer_arn=balancer.arn,
        port=HTTP,
        protocol="HTTP",
        default_actions=[_nothing_here()],
        routing_http_response_server_enabled=False,
        opts=opts,
    )


def _https_listener(
    name: str, balancer: aws.lb.LoadBalancer, domain: Domain, opts: pulumi.ResourceOptions
) -> aws.lb.Listener:
    return aws.lb.Listener(
        name,
        load_balancer_arn=balancer.arn,
        port=HTTPS,
        protocol="HTTPS",
        ssl_policy=SSL_POLICY,
        certificate_arn=domain.certificate_arn,
        default_actions=[_nothing_here()],
        routing_http_response_server_enabled=False,
        routing_http_response_strict_transport_security_header_value=HSTS,
        opts=opts,
    )


def _redirect(name: str, balancer: aws.lb.LoadBalancer, opts: pulumi.ResourceOptions) -> None:
    aws.lb.Listener(
        name,
        load_balancer_arn=balancer.arn,
        port=HTTP,
        protocol="HTTP",
        default_actions=[
            aws.lb.ListenerDefaultActionArgs(
                type="redirect",
                redirect=aws.lb.ListenerDefaultActionRedirectArgs(
                    protocol="HTTPS", port=str(HTTPS), status_code="HTTP_301"
                ),
            )
        ],
        routing_http_response_server_enabled=False,
        opts=opts,
    )


def _nothing_here() -> aws.lb.ListenerDefaultActionArgs:
    return aws.lb.ListenerDefaultActionArgs(
        type="fixed-response",
        fixed_response=aws.lb.ListenerDefaultActionFixedResponseArgs(
            content_type="text/plain", message_body="Nothing is running here.", status_code="503"
        ),
    )


def _metric(balancer: aws.lb.LoadBalancer, name: str, label: str) -> Metric:
    return Metric(
        namespace="AWS/ApplicationELB",
        name=name,
        dimensions={"LoadBalancer": balancer.arn_suffix},
        statistic="Sum",
        label=label,
    )


def _alarms(balancer: aws.lb.LoadBalancer) -> tuple[Alarm, ...]:
    return (
        Alarm(
            name="no-answer",
            summary="More than 10 requests in 5 minutes reached no task and failed, twice running.",
            watch=_metric(balancer, "HTTPCode_ELB_5XX_Count", "no answer"),
            comparison="above",
            # No brief names a figure: as many as M93 accepts from the tasks themselves.
            threshold=10,
            evaluation_periods=2,
            severity="critical",
            runbook="api.md#no-answer",
        ),
    )


def _panels(balancer: aws.lb.LoadBalancer) -> tuple[Panel, ...]:
    return (
        Panel(
            group="API",
            title="Load balancer: requests",
            unit="requests",
            metrics=[_metric(balancer, "RequestCount", "requests")],
        ),
        Panel(
            group="API",
            title="Load balancer: requests without an answer",
            unit="requests",
            metrics=[
                _metric(balancer, "HTTPCode_ELB_5XX_Count", "no answer"),
                _metric(balancer, "RejectedConnectionCount", "turned away"),
            ],
        ),
    )
