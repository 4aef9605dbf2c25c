"""`backlot:network`: the address space, its zones and its ways out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from settings.fields import UNIQUE_ITEMS, Cidr, Section, Unique, ZoneLetter, each_once

InterfaceEndpoint = Literal[
    "autoscaling", "cloudformation", "ec2messages", "ecr.api", "ecr.dkr", "ecs", "ecs-agent",
    "ecs-telemetry", "elasticbeanstalk", "elasticbeanstalk-health", "kms", "logs", "monitoring",
    "secretsmanager", "sqs", "ssm", "ssmmessages", "sts",
]  # fmt: skip


class NetworkSettings(Section):
    cidr: Cidr
    """The VPC's IPv4 network, /16 to /20. A change later replaces the VPC, and all in it."""
    zones: Annotated[
        tuple[ZoneLetter, ...],
        Field(min_length=2, max_length=6, examples=[["a", "b"]], json_schema_extra=UNIQUE_ITEMS),
        AfterValidator(each_once),
    ]
    """Availability zones by letter, in order. Adding one moves no subnet that stands."""
    nat: Literal["none", "single", "per_zone"]
    """NAT gateways, about 33 USD a month each plus 0.045 USD per GB. `none` leaves no way out:
    AWS is reached by `interface_endpoints`, third parties such as openai not at all."""
    interface_endpoints: Unique[InterfaceEndpoint] = ()
    """AWS services reached without NAT, about 7.30 USD a month per service and zone."""
    flow_logs: Literal["off", "rejected", "all"] = "rejected"
    """Which packets CloudWatch Logs keeps a record of."""
