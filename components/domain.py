"""The domain: the DNS zone, the certificate for the API's names, and where they point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from settings.domain import DomainSettings

VALIDATION_SECONDS = 300
"""How long resolvers keep a validation record. ACM reads it again at every renewal."""

ValidationOption = aws.acm.outputs.CertificateDomainValidationOption


@dataclass(frozen=True, kw_only=True)
class DomainArgs:
    settings: DomainSettings


class Domain(pulumi.ComponentResource):
    """A Route 53 zone, made or found, and a certificate that renews itself (M13, M14).

    A zone that is made here answers only after its name servers stand at the registrar of the
    domain; until then the certificate is not issued and `pulumi up` waits for it.

    Cost: 0.50 USD a month for a zone that is made here, 0.40 USD per million queries; queries for
    aliases and the certificate are free (2026).
    """

    api: str
    """The API's own name."""
    names: Sequence[str]
    """Every name on the certificate, the API's own first."""
    zone_id: pulumi.Output[str]
    certificate_arn: pulumi.Output[str]
    """Known once the certificate is issued, so that what uses it waits."""

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
        self.zone_id = _zone_id(f"{name}-zone", settings, kept)
        certificate = _certificate(f"{name}-certificate", settings, child)
        records = [
            _validation_record(f"{name}-validation-{host}", host, certificate, self.zone_id, child)
            for host in self.names
        ]
        issued = aws.acm.CertificateValidation(
            f"{name}-issued",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn for record in records],
            opts=child,
        )

        self._name = name
        self.certificate_arn = issued.certificate_arn
        self.register_outputs(
            {
                "names": list(self.names),
                "zone_id": self.zone_id,
                "certificate_arn": self.certificate_arn,
            }
        )

    def alias(
        self, host: str, *, dns_name: pulumi.Input[str], zone_id: pulumi.Input[str]
    ) -> aws.route53.Record:
        """Let `host` lead to an AWS endpoint, by the DNS name and zone that AWS gave it."""
        return aws.route53.Record(
            f"{self._name}-alias-{host}",
            zone_id=self.zone_id,
            name=host,
            type="A",
            aliases=[{"name": dns_name, "zone_id": zone_id, "evaluate_target_health": False}],
            opts=pulumi.ResourceOptions(parent=self, protect=False),
        )


def _zone_id(
    name: str, settings: DomainSettings, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    if settings.create_zone:
        return aws.route53.Zone(name, name=settings.zone, opts=opts).zone_id
    return aws.route53.get_zone_output(
        name=settings.zone, private_zone=False, opts=pulumi.InvokeOptions(parent=opts.parent)
    ).zone_id


def _certificate(
    name: str, settings: DomainSettings, opts: pulumi.ResourceOptions
) -> aws.acm.Certificate:
    return aws.acm.Certificate(
        name,
        domain_name=settings.api,
        subject_alternative_names=list(settings.alternative_names) or None,
        validation_method="DNS",
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
        # ACM asks for one and the same record for a name, whichever certificate of the account
        # it is for; the old certificate's still stands while it is replaced.
        allow_overwrite=True,
        opts=opts,
    )


def _by_host(options: Sequence[ValidationOption]) -> Mapping[str, ValidationOption]:
    return {option.domain_name or "": option for option in options}
