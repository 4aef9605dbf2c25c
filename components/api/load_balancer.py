"""The API's door: an application load balancer that waits for an API to stand behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.api.front import (
    HTTP,
    HTTPS,
    CloudFrontDoor,
    CloudFrontDoorArgs,
    GatewayDoor,
    GatewayDoorArgs,
)
from components.distributions import HSTS_SECONDS
from components.domain import Destination, Domain
from components.firewall import Firewall
from components.ground import Ground
from components.naming import physical_name
from components.observe import Alarm, Metric, Panel
from components.security_groups import ANYWHERE, security_group
from components.stores.buckets import LOAD_BALANCER_LOGS, Bucket
from settings.load_balancer import LoadBalancerSettings

SSL_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
"""TLS 1.2 and 1.3, forward secrecy throughout, post-quantum key exchange for clients that have it;
what AWS recommends (M17).
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html"""

CLOUDFRONT = "com.amazonaws.global.cloudfront.origin-facing"
"""The list that AWS keeps of the addresses CloudFront asks from; it counts for 55 of the 60 rules
that a security group holds.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html"""


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    settings: LoadBalancerSettings
    ground: Ground
    domain: Domain | None
    """Brings the certificate and gets the aliases. Absent, the door is plain HTTP."""
    log_bucket: Bucket
    """Takes the logs of requests, connections and health checks, where the settings want them."""
    firewall: Firewall | None
    """Absent: nothing judges requests before they get in."""


class LoadBalancer(pulumi.ComponentResource):
    """A load balancer over every zone: public, or hidden behind a front (M15 to M17, B36, B38).

    On the internet, with a domain, it answers over HTTPS and sends HTTP there; without, over HTTP
    alone. Behind CloudFront or API Gateway it stands in the private subnets, answers over HTTPS
    alone, and lets in nothing but its front; the domain's names lead there. Its listener says 503
    until an API adds a rule.

    The parameter `/<prefix>/api-url` holds the address, for whoever builds the site (M126).

    Cost: 16 USD a month and 5.84 USD per LCU and month, which is about 25 new connections or 1 GB
    an hour; 3.65 USD a month for the public address in each zone, on the internet (us-east-1,
    2026). A front's cost stands with it.
    """

    url: pulumi.Output[str]
    """`https://api.studio.example`, or the load balancer's own name over HTTP. Known once the name
    leads here, so that whoever asks there does not ask too early."""
    arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    """What CloudWatch calls it."""
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    """The zone of `dns_name`, which an alias needs."""
    security_group_id: pulumi.Output[str]
    listener_arn: pulumi.Output[str]
    """The listener that serves; the API's rules go here."""
    listener_port: int
    front: CloudFrontDoor | GatewayDoor | None
    """What hides it. None on the internet."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:api:LoadBalancer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = security_group(f"{name}-door", args.ground.vpc_id, "Public door of the API", child)
        balancer = _load_balancer(f"{name}-alb", args, group, child)
        _admit(name, args, group, child)
        if args.domain is None:
            listener = _http_listener(f"{name}-http", balancer, child)
        else:
            listener = _https_listener(f"{name}-https", balancer, args.domain, child)
            if _is_public(args):
                _redirect(f"{name}-http", balancer, child)
        if args.firewall and args.settings.reached_through != "cloudfront":
            _stand_before(f"{name}-firewall", balancer, args.firewall, child)

        self.front = _front(f"{name}-front", args, balancer, listener, group, child)
        self.url = _url(balancer, self.front, args.domain)
        _tell(f"{name}-url", self.url, args.ground, child)
        self.arn = balancer.arn
        self.arn_suffix = balancer.arn_suffix
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.security_group_id = group.id
        self.listener_arn = listener.arn
        self.listener_port = HTTPS if args.domain else HTTP
        self.alarms = _alarms(balancer)
        self.panels = _panels(balancer)
        self.register_outputs({"url": self.url, "dns_name": self.dns_name, "zone_id": self.zone_id})

    def page(self, path: str) -> pulumi.Output[str]:
        """The address of a page behind it: `https://api.studio.example/health`."""
        return pulumi.Output.concat(self.url, path)


def _is_public(args: LoadBalancerArgs) -> bool:
    return args.settings.reached_through == "internet"


def _load_balancer(
    name: str,
    args: LoadBalancerArgs,
    group: aws.ec2.SecurityGroup,
    opts: pulumi.ResourceOptions,
) -> aws.lb.LoadBalancer:
    settings = args.settings
    # One prefix for all: a file of connections begins with conn_log, one of health checks with
    # health_check_log.
    logs: Any = {"enabled": True, "bucket": args.log_bucket.name, "prefix": LOAD_BALANCER_LOGS}
    return aws.lb.LoadBalancer(
        name,
        load_balancer_type="application",
        internal=not _is_public(args),
        subnets=(
            args.ground.public_subnet_ids if _is_public(args) else args.ground.private_subnet_ids
        ),
        security_groups=[group.id],
        idle_timeout=settings.idle_seconds,
        enable_deletion_protection=settings.deletion_protection,
        drop_invalid_header_fields=True,
        desync_mitigation_mode="defensive",
        access_logs=logs if settings.access_logs else None,
        connection_logs=logs if settings.connection_logs else None,
        health_check_logs=logs if settings.health_check_logs else None,
        opts=opts,
    )


def _admit(
    name: str,
    args: LoadBalancerArgs,
    group: aws.ec2.SecurityGroup,
    opts: pulumi.ResourceOptions,
) -> None:
    """Who gets in. API Gateway's link brings its own rule."""
    through = args.settings.reached_through
    if through == "internet":
        _open_to_the_world(f"{name}-http", group, HTTP, opts)
        if args.domain:
            _open_to_the_world(f"{name}-https", group, HTTPS, opts)
    elif through == "cloudfront":
        _open_to_cloudfront(f"{name}-cloudfront", group, opts)


def _open_to_cloudfront(
    name: str, group: aws.ec2.SecurityGroup, opts: pulumi.ResourceOptions
) -> None:
    listed = aws.ec2.get_managed_prefix_list_output(
        name=CLOUDFRONT, opts=pulumi.InvokeOptions(parent=opts.parent)
    )
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-in",
        security_group_id=group.id,
        prefix_list_id=listed.id,
        ip_protocol="tcp",
        from_port=HTTPS,
        to_port=HTTPS,
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
        routing_http_response_strict_transport_security_header_value=f"max-age={HSTS_SECONDS}",
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


def _stand_before(
    name: str,
    balancer: aws.lb.LoadBalancer,
    firewall: Firewall,
    opts: pulumi.ResourceOptions,
) -> None:
    aws.wafv2.WebAclAssociation(
        name, resource_arn=balancer.arn, web_acl_arn=firewall.arn("regional"), opts=opts
    )


def _front(
    name: str,
    args: LoadBalancerArgs,
    balancer: aws.lb.LoadBalancer,
    listener: aws.lb.Listener,
    group: aws.ec2.SecurityGroup,
    opts: pulumi.ResourceOptions,
) -> CloudFrontDoor | GatewayDoor | None:
    settings = args.settings
    if settings.reached_through == "internet":
        return None
    if args.domain is None:
        raise ValueError(
            f"{settings.reached_through} reaches the load balancer over TLS, and without a domain "
            "there is no certificate; give a domain, or reached_through: internet"
        )
    if settings.reached_through == "cloudfront":
        return CloudFrontDoor(
            name,
            CloudFrontDoorArgs(
                ground=args.ground,
                domain=args.domain,
                firewall=args.firewall,
                load_balancer_arn=balancer.arn,
                load_balancer_dns_name=balancer.dns_name,
                idle_seconds=settings.idle_seconds,
            ),
            opts,
        )
    return GatewayDoor(
        name,
        GatewayDoorArgs(
            settings=settings.api_gateway,
            ground=args.ground,
            domain=args.domain,
            listener_arn=listener.arn,
            security_group_id=group.id,
        ),
        opts,
    )


def _url(
    balancer: aws.lb.LoadBalancer,
    front: CloudFrontDoor | GatewayDoor | None,
    domain: Domain | None,
) -> pulumi.Output[str]:
    """Let every name lead to the front, or here without one."""
    if domain is None:
        return pulumi.Output.concat("http://", balancer.dns_name)
    here = Destination(dns_name=balancer.dns_name, zone_id=balancer.zone_id)
    aliases = {
        host: domain.alias(host, front.destinations[host] if front else here)
        for host in domain.names
    }
    return pulumi.Output.concat("https://", aliases[domain.api].fqdn)


def _tell(name: str, url: pulumi.Output[str], ground: Ground, opts: pulumi.ResourceOptions) -> None:
    aws.ssm.Parameter(
        name,
        name=physical_name("parameter", "", ground.prefix, "api-url", separator="/"),
        type="String",
        # The provider takes `value` for a secret, and this is none.
        insecure_value=url,
        opts=opts,
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
