"""The domain: the DNS zone, the certificates for the names in it, and where they lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.ground import GLOBAL_REGION
from components.observe import DAY_SECONDS, Alarm, Metric, Panel
from settings.domain import DomainSettings
from settings.stack import Settings

VALIDATION_SECONDS = 300
"""How long resolvers keep a validation record. ACM reads it again at every renewal."""

RENEWED_DAYS = 30
"""Days left at which a renewal has failed; ACM itself warns every day from then on.
https://docs.aws.amazon.com/acm/latest/userguide/supported-events.html"""

ValidationOption = aws.acm.outputs.CertificateDomainValidationOption


@dataclass(frozen=True, kw_only=True)
class Destination:
    """What a name can lead to: the DNS name that AWS gave something, and the zone of that name."""

    dns_name: pulumi.Input[str]
    zone_id: pulumi.Input[str]
    ipv6: bool = False
    """True: it answers over IPv6 as well."""


@dataclass(frozen=True, kw_only=True)
class DomainArgs:
    settings: DomainSettings
    edge_names: Sequence[str]
    """The names that CloudFront answers for; none of them without it."""

    @classmethod
    def of(cls, stack: Settings, settings: DomainSettings) -> DomainArgs:
        return cls(settings=settings, edge_names=stack.edge_names)


class Domain(pulumi.ComponentResource):
    """A Route 53 zone, made or found, and certificates that renew themselves (M13, M14).

    The load balancer and API Gateway take a certificate of the stack's region; CloudFront takes one
    of us-east-1 alone (B55). Behind CloudFront the API's names are on both.
    https://docs.aws.amazon.com/acm/latest/userguide/acm-regions.html

    A zone that is made here answers only after its name servers stand at the registrar of the
    domain; until then no certificate is issued and `pulumi up` waits for it.

    Cost: 0.50 USD a month for a zone that is made here, 0.40 USD per million queries; queries for
    aliases and the certificates are free (2026).
    """

    api: str
    """The API's own name."""
    names: Sequence[str]
    """Every name of the API, its own first."""
    app: str | None
    """The site's name."""
    cdn: str | None
    """The name of media and releases."""
    edge_names: Sequence[str]
    """Every name on the certificate for CloudFront."""
    zone_id: pulumi.Output[str]
    certificate_arn: pulumi.Output[str]
    """For the API's names, in the stack's region. Known once it is issued, so that what uses it
    waits."""
    edge_certificate_arn: pulumi.Output[str] | None
    """For `edge_names`, in us-east-1. None when there are none."""
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: DomainArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:domain:Domain", name, None, opts)
        # A zone made anew has other name servers; a certificate made anew is as good as the old.
        kept = pulumi.ResourceOptions(parent=self)
        child = pulumi.ResourceOptions(parent=self, protect=False)
        settings = args.settings
        self.api = settings.api
        self.names = (settings.api, *settings.alternative_names)
        self.app = settings.app
        self.cdn = settings.cdn
        self.edge_names = tuple(args.edge_names)
        self.zone_id = _zone_id(f"{name}-zone", settings, kept)
        own = _certificate(f"{name}-certificate", self.names, child)
        edge = None
        asking = dict.fromkeys(self.names, own)
        if self.edge_names:
            edge = _certificate(f"{name}-edge-certificate", self.edge_names, child, GLOBAL_REGION)
            # ACM asks for one and the same record for a name, whichever certificate of the account
            # it is for. https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
            asking = dict.fromkeys(self.edge_names, edge) | asking
        records = {
            host: _validation_record(
                f"{name}-validation-{host}", host, certificate, self.zone_id, child
            )
            for host, certificate in asking.items()
        }

        self._name = name
        self.certificate_arn = _issued(
            f"{name}-issued", own, [records[host] for host in self.names], child
        )
        self.edge_certificate_arn = edge and _issued(
            f"{name}-edge-issued",
            edge,
            [records[host] for host in self.edge_names],
            child,
            GLOBAL_REGION,
        )
        left = {"certificate": _days_left(own, self.api)}
        if edge:
            left["edge-certificate"] = _days_left(edge, "CloudFront", GLOBAL_REGION)
        self.alarms = tuple(_expiring(what, days) for what, days in left.items())
        self.panels = (
            Panel(
                group="Edge",
                title="Certificates: days left",
                unit="days",
                metrics=list(left.values()),
            ),
        )
        self.register_outputs(
            {
                "names": list(self.names),
                "zone_id": self.zone_id,
                "certificate_arn": self.certificate_arn,
                "edge_names": list(self.edge_names),
                "edge_certificate_arn": self.edge_certificate_arn,
            }
        )

    def alias(self, host: str, to: Destination) -> aws.route53.Record:
        """Let `host` lead to an endpoint of AWS; the record for IPv4."""
        child = pulumi.ResourceOptions(parent=self, protect=False)
        if to.ipv6:
            _alias(f"{self._name}-alias-{host}-ipv6", "AAAA", host, to, self.zone_id, child)
        return _alias(f"{self._name}-alias-{host}", "A", host, to, self.zone_id, child)


def _zone_id(
    name: str, settings: DomainSettings, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    if settings.create_zone:
        return aws.route53.Zone(name, name=settings.zone, opts=opts).zone_id
    return aws.route53.get_zone_output(
        name=settings.zone, private_zone=False, opts=pulumi.InvokeOptions(parent=opts.parent)
    ).zone_id


def _certificate(
    name: str, hosts: Sequence[str], opts: pulumi.ResourceOptions, region: str | None = None
) -> aws.acm.Certificate:
    """In the stack's region unless another is given."""
    return aws.acm.Certificate(
        name,
        domain_name=hosts[0],
        subject_alternative_names=list(hosts[1:]) or None,
        validation_method="DNS",
        region=region,
        opts=opts,
    )


def _validation_record(
    name: str,
    host: str,
    certificate: aws.acm.Certificate,
    zone_id: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.route53.Record:
    option = certificate.domain_validation_options.apply(lambda options: _by_host(options)[host])
    return aws.route53.Record(
        name,
        zone_id=zone_id,
        name=option.apply(lambda option: option.resource_record_name or ""),
        type=option.apply(lambda option: option.resource_record_type or ""),
        records=[option.apply(lambda option: option.resource_record_value or "")],
        ttl=VALIDATION_SECONDS,
        # The old certificate's, which is the same, still stands while it is replaced.
        allow_overwrite=True,
        opts=opts,
    )


def _issued(
    name: str,
    certificate: aws.acm.Certificate,
    records: Sequence[aws.route53.Record],
    opts: pulumi.ResourceOptions,
    region: str | None = None,
) -> pulumi.Output[str]:
    return aws.acm.CertificateValidation(
        name,
        certificate_arn=certificate.arn,
        validation_record_fqdns=[record.fqdn for record in records],
        region=region,
        opts=opts,
    ).certificate_arn


def _days_left(certificate: aws.acm.Certificate, label: str, region: str | None = None) -> Metric:
    """https://docs.aws.amazon.com/acm/latest/userguide/cloudwatch-metrics.html"""
    return Metric(
        namespace="AWS/CertificateManager",
        name="DaysToExpiry",
        dimensions={"CertificateArn": certificate.arn},
        statistic="Minimum",
        period=DAY_SECONDS,
        label=label,
        region=region,
    )


def _expiring(what: str, days: Metric) -> Alarm:
    return Alarm(
        name=f"{what}-expiring",
        summary=f"The certificate of {days.label} was not renewed and ends in less than "
        f"{RENEWED_DAYS} days; browsers will refuse it then.",
        watch=days,
        comparison="below",
        threshold=RENEWED_DAYS,
        # ACM counts twice a day, and no more once it has expired.
        missing_data="ignore",
        severity="warning",
        runbook="domain.md#certificate-expiring",
    )


def _alias(
    name: str,
    type: str,
    host: str,
    to: Destination,
    zone_id: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.route53.Record:
    return aws.route53.Record(
        name,
        zone_id=zone_id,
        name=host,
        type=type,
        aliases=[{"name": to.dns_name, "zone_id": to.zone_id, "evaluate_target_health": False}],
        opts=opts,
    )


def _by_host(options: Sequence[ValidationOption]) -> Mapping[str, ValidationOption]:
    return {option.domain_name or "": option for option in options}
