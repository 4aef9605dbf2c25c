"""Quotas: what the account may run of GPUs, asked for in code."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from settings.gpu import QuotaSettings

ON_DEMAND = "L-DB2E81BA"
"""Running On-Demand G and VT instances, in vCPU."""
SPOT = "L-3819A6DF"
"""All G and VT Spot Instance Requests, in vCPU.
https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html"""


@dataclass(frozen=True, kw_only=True)
class QuotasArgs:
    settings: QuotaSettings


class Quotas(pulumi.ComponentResource):
    """Requests for the vCPU that the GPU fleets may grow to (B51).

    AWS answers small ones at once and lets a person decide large ones, which may take days; until
    then instances fail to launch. Taking a request out of the stack gives nothing back.

    Cost: none.
    """

    def __init__(
        self, name: str, args: QuotasArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:workers:Quotas", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        wanted = {
            "on-demand": (ON_DEMAND, args.settings.on_demand),
            "spot": (SPOT, args.settings.spot),
        }
        for key, (code, vcpus) in wanted.items():
            # AWS refuses to be asked for none.
            if vcpus:
                aws.servicequotas.ServiceQuota(
                    f"{name}-{key}",
                    service_code="ec2",
                    quota_code=code,
                    value=vcpus,
                    opts=child,
                )
        self.register_outputs(
            {"on_demand_vcpus": args.settings.on_demand, "spot_vcpus": args.settings.spot}
        )
