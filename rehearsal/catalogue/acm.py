"""AWS Certificate Manager."""

from __future__ import annotations

from typing import Any

from rehearsal.catalogue.entry import Call, Entry, Scope

IMPORTED = {
    "privateKey": "an imported certificate's",
    "privateKeyWo": "an imported certificate's",
    "privateKeyWoVersion": "tells Terraform to send privateKeyWo again",
    "certificateBody": "an imported certificate's",
    "certificateChain": "an imported certificate's",
    "earlyRenewalDuration": "when Terraform renews a private certificate",
}


def _validation(scope: Scope) -> Any:
    """The records that prove the domain is ours, one per name."""
    options = scope.find("DomainValidationOptions")
    if not isinstance(options, list):
        return None
    names = [scope.find("domainName"), *(scope.find("subjectAlternativeNames") or ())]
    options = sorted(options, key=lambda option: names.index(option["DomainName"]))
    return [
        {
            "domainName": option.get("DomainName"),
            "resourceRecordName": option.get("ResourceRecord", {}).get("Name"),
            "resourceRecordType": option.get("ResourceRecord", {}).get("Type"),
            "resourceRecordValue": option.get("ResourceRecord", {}).get("Value"),
        }
        for option in options
    ]


ENTRIES = {
    "Certificate": Entry(
        service="acm",
        operation="RequestCertificate",
        rename={"validationOptions": "DomainValidationOptions"},
        ignore=IMPORTED,
        then=(
            Call(
                operation="DescribeCertificate",
                always=True,
                fixed={"CertificateArn": "{CertificateArn}"},
                answer="Certificate",
            ),
        ),
        id="{CertificateArn}",
        outputs={
            "arn": "{CertificateArn}",
            "domainValidationOptions": _validation,
            "status": lambda _: "PENDING_VALIDATION",
        },
    ),
    "CertificateValidation": Entry(
        service="acm",
        operation="DescribeCertificate",
        ignore={"validationRecordFqdns": "what the provider waits for; AWS reads DNS itself"},
        id="{uuid}",
    ),
}
