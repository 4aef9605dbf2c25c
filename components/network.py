"""The network: a VPC in three tiers, its ways out, and the private ways to AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from components.grants import Statement, service_role
from components.ground import Ground, Place
from components.logs import Logs
from components.observe import Alarm, Expression, Metric, Panel
from components.security_groups import security_group
from settings.addresses import ZONE_LETTERS, AddressPlan, plan
from settings.network import NetworkSettings

POSTGRES = 5432
REDIS = 6379
HTTPS = 443

EPHEMERAL = (1024, 65535)
"""Where replies go; network ACLs keep no connections in mind.
https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html"""

NAT_STRATEGIES: Mapping[str, awsx.ec2.NatGatewayStrategy] = {
    "none": awsx.ec2.NatGatewayStrategy.NONE,
    "single": awsx.ec2.NatGatewayStrategy.SINGLE,
    "per_zone": awsx.ec2.NatGatewayStrategy.ONE_PER_AZ,
}


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    settings: NetworkSettings
    place: Place
    logs: Logs


class Network(pulumi.ComponentResource):
    """A VPC with public, private and database subnets in every zone (M1 to M12).

    The public tier has the internet gateway, the private tier leaves through NAT, the database
    tier has no way out and lets only the private tier in. Growing from two zones to three, or from
    one NAT gateway to one per zone, leaves every subnet that stands as it is.

    Cost (us-east-1, 2026): 33 USD a month per NAT gateway, 3.65 USD for its public address, and
    0.045 USD per GB through it; 7.30 USD a month per interface endpoint and zone and 0.01 USD per
    GB; flow logs 0.50 USD per GB. The gateway endpoint for S3 is free.
    """

    vpc_id: pulumi.Output[str]
    public_subnet_ids: pulumi.Output[Sequence[str]]
    private_subnet_ids: pulumi.Output[Sequence[str]]
    database_subnet_ids: pulumi.Output[Sequence[str]]
    alarms: tuple[Alarm, ...]
    panels: tuple[Panel, ...]

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:network:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        addresses = plan(args.settings.cidr, args.settings.zones)
        vpc = _vpc(f"{name}-vpc", args, addresses, child)
        _lock_default_group(f"{name}-default-group", vpc, child)
        _guard_database_tier(f"{name}-database", vpc, addresses, child)
        _s3_endpoint(f"{name}-endpoint-s3", vpc, args.place.region, child)
        _interface_endpoints(name, vpc, args, child)
        _flow_logs(f"{name}-flow-logs", vpc, args, child)
        nat_ids = _nat_ids(vpc, args.settings)

        self.vpc_id = vpc.vpc_id
        self.public_subnet_ids = vpc.public_subnet_ids
        self.private_subnet_ids = vpc.private_subnet_ids
        self.database_subnet_ids = vpc.isolated_subnet_ids
        self.alarms = _alarms(nat_ids)
        self.panels = _panels(nat_ids)
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "public_subnet_ids": self.public_subnet_ids,
                "private_subnet_ids": self.private_subnet_ids,
                "database_subnet_ids": self.database_subnet_ids,
            }
        )

    def ground(self, place: Place, *, data_key_arn: pulumi.Input[str] | None, logs: Logs) -> Ground:
        """This network as the ground that everything above it stands on."""
        return Ground(
            **vars(place),
            vpc_id=self.vpc_id,
            public_subnet_ids=self.public_subnet_ids,
            private_subnet_ids=self.private_subnet_ids,
            database_subnet_ids=self.database_subnet_ids,
            data_key_arn=data_key_arn,
            logs=logs,
        )


def _vpc(
    name: str, args: NetworkArgs, addresses: AddressPlan, opts: pulumi.ResourceOptions
) -> awsx.ec2.Vpc:
    # Every strategy is stated: awsx would default to a NAT gateway per zone and to its old layout.
    return awsx.ec2.Vpc(
        name,
        cidr_block=args.settings.cidr,
        enable_dns_hostnames=True,
        enable_dns_support=True,
        availability_zone_names=[f"{args.place.region}{letter}" for letter in args.settings.zones],
        subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
        subnet_name_tag_strategy=awsx.ec2.SubnetNameTagStrategy.AVAILABILITY_ZONE,
        subnet_specs=[
            awsx.ec2.SubnetSpecArgs(
                type=kind, name=tier, cidr_blocks=[blocks[zone] for zone in args.settings.zones]
            )
            for kind, tier, blocks in (
                (awsx.ec2.SubnetType.PUBLIC, "public", addresses.public),
                (awsx.ec2.SubnetType.PRIVATE, "private", addresses.private),
                (awsx.ec2.SubnetType.ISOLATED, "database", addresses.database),
            )
        ],
        nat_gateways=awsx.ec2.NatGatewayConfigurationArgs(
            strategy=NAT_STRATEGIES[args.settings.nat]
        ),
        tags={"Name": args.place.prefix},
        opts=opts,
    )


def _lock_default_group(
    name: str, vpc: awsx.ec2.Vpc, opts: pulumi.ResourceOptions
) -> aws.ec2.DefaultSecurityGroup:
    # Whatever forgets to name its group gets this one, and reaches nothing.
    return aws.ec2.DefaultSecurityGroup(name, vpc_id=vpc.vpc_id, ingress=[], egress=[], opts=opts)


def _guard_database_tier(
    name: str, vpc: awsx.ec2.Vpc, addresses: AddressPlan, opts: pulumi.ResourceOptions
) -> aws.ec2.NetworkAcl:
    """Let the private tier reach PostgreSQL and Redis, and the replies go back. Nothing else."""
    ingress = [
        aws.ec2.NetworkAclIngressArgs(
            rule_no=_rule_number(base, zone),
            action="allow",
            protocol="tcp",
            cidr_block=block,
            from_port=port,
            to_port=port,
        )
        for base, port in ((100, POSTGRES), (200, REDIS))
        for zone, block in addresses.private.items()
    ]
    egress = [
        aws.ec2.NetworkAclEgressArgs(
            rule_no=_rule_number(100, zone),
            action="allow",
            protocol="tcp",
            cidr_block=block,
            from_port=EPHEMERAL[0],
            to_port=EPHEMERAL[1],
        )
        for zone, block in addresses.private.items()
    ]
    return aws.ec2.NetworkAcl(
        name,
        vpc_id=vpc.vpc_id,
        subnet_ids=vpc.isolated_subnet_ids,
        ingress=ingress,
        egress=egress,
        opts=opts,
    )


def _rule_number(base: int, zone: str) -> int:
    """By the zone's letter, so that a new zone renumbers no rule."""
    return base + ZONE_LETTERS.index(zone)


def _s3_endpoint(
    name: str, vpc: awsx.ec2.Vpc, region: str, opts: pulumi.ResourceOptions
) -> aws.ec2.VpcEndpoint:
    return aws.ec2.VpcEndpoint(
        name,
        vpc_id=vpc.vpc_id,
        vpc_endpoint_type="Gateway",
        service_name=f"com.amazonaws.{region}.s3",
        route_table_ids=vpc.route_tables.apply(
            lambda tables: pulumi.Output.all(*[table.id for table in tables])
        ),
        opts=opts,
    )


def _interface_endpoints(
    name: str, vpc: awsx.ec2.Vpc, args: NetworkArgs, opts: pulumi.ResourceOptions
) -> None:
    if not args.settings.interface_endpoints:
        return
    group = security_group(f"{name}-endpoints", vpc.vpc_id, "Private ways to AWS services", opts)
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-endpoints-in",
        security_group_id=group.id,
        cidr_ipv4=args.settings.cidr,
        ip_protocol="tcp",
        from_port=HTTPS,
        to_port=HTTPS,
        opts=opts,
    )
    for service in args.settings.interface_endpoints:
        aws.ec2.VpcEndpoint(
            f"{name}-endpoint-{service.replace('.', '-')}",
            vpc_id=vpc.vpc_id,
            vpc_endpoint_type="Interface",
            service_name=f"com.amazonaws.{args.place.region}.{service}",
            subnet_ids=vpc.private_subnet_ids,
            security_group_ids=[group.id],
            private_dns_enabled=True,
            opts=opts,
        )


def _flow_logs(
    name: str, vpc: awsx.ec2.Vpc, args: NetworkArgs, opts: pulumi.ResourceOptions
) -> None:
    if args.settings.flow_logs == "off":
        return
    group = args.logs.group(name, "vpc", "flow-logs", opts)
    role = service_role(
        name,
        "vpc-flow-logs.amazonaws.com",
        [
            Statement(
                sid="WriteFlowLogs",
                actions=[
                    "logs:CreateLogStream",
                    "logs:DescribeLogGroups",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                ],
                resources=[group.arn, pulumi.Output.concat(group.arn, ":*")],
            )
        ],
        opts,
        account_id=args.place.account_id,
    )
    aws.ec2.FlowLog(
        name,
        vpc_id=vpc.vpc_id,
        traffic_type="REJECT" if args.settings.flow_logs == "rejected" else "ALL",
        log_destination=group.arn,
        iam_role_arn=role.arn,
        opts=opts,
    )


def _nat_ids(vpc: awsx.ec2.Vpc, settings: NetworkSettings) -> Mapping[str, pulumi.Output[str]]:
    """The NAT gateways by the zone they stand in; awsx lists them in the order of the zones."""
    zones = {"none": (), "single": settings.zones[:1], "per_zone": settings.zones}
    return {zone: vpc.nat_gateways[index].id for index, zone in enumerate(zones[settings.nat])}


def _nat_metric(nat_id: pulumi.Input[str], name: str, label: str) -> Metric:
    return Metric(
        namespace="AWS/NATGateway",
        name=name,
        dimensions={"NatGatewayId": nat_id},
        statistic="Sum",
        label=label,
    )


def _dropped_percent(zone: str, nat_id: pulumi.Input[str]) -> Expression:
    return Expression(
        text="100 * dropped / IF(outward + inward > 0, outward + inward, 1)",
        metrics={
            "dropped": _nat_metric(nat_id, "PacketsDropCount", "dropped"),
            "outward": _nat_metric(nat_id, "PacketsInFromSource", "from the VPC"),
            "inward": _nat_metric(nat_id, "PacketsInFromDestination", "from outside"),
        },
        label=f"zone {zone}",
    )


def _alarms(nat_ids: Mapping[str, pulumi.Output[str]]) -> tuple[Alarm, ...]:
    """Thresholds: https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html"""
    return tuple(
        alarm
        for zone, nat_id in nat_ids.items()
        for alarm in (
            Alarm(
                name=f"nat-ports-exhausted-{zone}",
                summary=f"The NAT gateway of zone {zone} ran out of ports; calls out fail.",
                watch=_nat_metric(nat_id, "ErrorPortAllocation", f"zone {zone}"),
                comparison="above",
                threshold=0,
                evaluation_periods=2,
                severity="warning",
                runbook="network.md#nat-ports-exhausted",
            ),
            Alarm(
                name=f"nat-packets-dropped-{zone}",
                summary=f"The NAT gateway of zone {zone} drops packets; calls out stall.",
                watch=_dropped_percent(zone, nat_id),
                comparison="above",
                threshold=0.01,
                evaluation_periods=3,
                severity="warning",
                runbook="network.md#nat-packets-dropped",
            ),
        )
    )


def _panels(nat_ids: Mapping[str, pulumi.Output[str]]) -> tuple[Panel, ...]:
    if not nat_ids:
        return ()
    return (
        Panel(
            group="Network",
            title="NAT: bytes out",
            unit="bytes",
            metrics=[
                _nat_metric(nat_id, "BytesOutToDestination", f"zone {zone}")
                for zone, nat_id in nat_ids.items()
            ],
        ),
        Panel(
            group="Network",
            title="NAT: packets dropped",
            unit="percent",
            metrics=[_dropped_percent(zone, nat_id) for zone, nat_id in nat_ids.items()],
        ),
    )
