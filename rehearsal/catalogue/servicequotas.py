"""AWS Service Quotas. A quota is a request that AWS may grant."""

from __future__ import annotations

from rehearsal.catalogue.entry import Entry

ENTRIES = {
    "ServiceQuota": Entry(
        service="service-quotas",
        operation="RequestServiceQuotaIncrease",
        rename={"value": "DesiredValue"},
        shadow="moto answers no requests for quotas",
        id="{serviceCode}/{quotaCode}",
        outputs={
            "arn": "arn:aws:servicequotas:{region}:{account}:{serviceCode}/{quotaCode}",
            "quotaName": "{quotaCode}",
        },
    ),
}
