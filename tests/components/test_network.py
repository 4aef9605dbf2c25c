"""The network: its addresses, its ways out, and what may pass where."""

from __future__ import annotations

from typing import Any

import pytest

from components.logs import Logs
from components.network import Network, NetworkArgs
from components.observe import Expression, Metric
from settings.logs import LogsSettings
from settings.network import NetworkSettings
from tests.components.parts import PREFIX, ground
from tests.recorder import Node, Recorded, aws_provider, record, with_aws

ANYWHERE = "0.0.0.0/0"


def build(**settings: Any) -> Network:
    given: dict[str, Any] = {"cidr": "10.0.0.0/16", "zones": ("a", "b"), "nat": "single"}
    return Network(
        "network",
        NetworkArgs(
            settings=NetworkSettings(**{**given, **settings}),
            place=ground(),
            logs=Logs(settings=LogsSettings(retention_days=7), prefix=PREFIX, key_arn="arn:key"),
        ),
        with_aws(aws_provider()),
    )


def network(*, preview: bool = False, **settings: Any) -> Recorded:
    return record(lambda: build(**settings), preview=preview)


def watched(**settings: Any) -> Network:
    made: list[Network] = []
    record(lambda: made.append(build(**settings)))
    return made[0]


def blocks(recorded: Recorded, tier: str) -> dict[str, str]:
    return {
        subnet["availability_zone"]: subnet["cidr_block"]
        for subnet in recorded.all("ec2.Subnet")
        if subnet.name.startswith(f"network-vpc-{tier}-")
    }


def routes(recorded: Recorded, tier: str) -> list[Node]:
    return [
        route
        for route in recorded.all("ec2.Route")
        if route.name.startswith(f"network-vpc-{tier}-")
    ]


def subnet_ids(recorded: Recorded, tier: str) -> list[str]:
    return [
        subnet.id
        for subnet in recorded.all("ec2.Subnet")
        if subnet.name.startswith(f"network-vpc-{tier}-")
    ]


def test_the_vpc_takes_the_address_space_and_answers_dns():  # M1
    vpc = network(cidr="10.3.0.0/16").one("ec2.Vpc")

    assert vpc["cidr_block"] == "10.3.0.0/16"
    assert vpc["enable_dns_support"] is True
    assert vpc["enable_dns_hostnames"] is True
    assert vpc["tags"] == {"Name": "backlot-dev"}


def test_each_tier_has_a_subnet_in_every_zone_at_its_planned_address():  # M2, M3, M4, M5
    recorded = network(zones=("a", "b", "c"))

    assert blocks(recorded, "public") == {
        "us-east-1a": "10.0.128.0/23",
        "us-east-1b": "10.0.130.0/23",
        "us-east-1c": "10.0.132.0/23",
    }
    assert blocks(recorded, "private") == {
        "us-east-1a": "10.0.0.0/20",
        "us-east-1b": "10.0.16.0/20",
        "us-east-1c": "10.0.32.0/20",
    }
    assert blocks(recorded, "database") == {
        "us-east-1a": "10.0.144.0/24",
        "us-east-1b": "10.0.145.0/24",
        "us-east-1c": "10.0.146.0/24",
    }
    assert len(recorded.all("ec2.Subnet")) == 9


def test_only_public_subnets_hand_out_public_addresses():  # M2
    recorded = network()

    open_handed = [
        subnet.name for subnet in recorded.all("ec2.Subnet") if subnet["map_public_ip_on_launch"]
    ]
    assert open_handed == ["network-vpc-public-1", "network-vpc-public-2"]


def test_public_subnets_leave_through_the_internet_gateway():  # M6
    recorded = network()
    gateway = recorded.one("ec2.InternetGateway")

    for route in routes(recorded, "public"):
        assert route["destination_cidr_block"] == ANYWHERE
        assert route["gateway_id"] == gateway.id
    assert len(routes(recorded, "public")) == 2


@pytest.mark.parametrize("nat", ["none", "single", "per_zone"])
def test_the_database_tier_has_no_route_out(nat: str):  # M4
    assert routes(network(nat=nat), "database") == []


@pytest.mark.parametrize(("nat", "count"), [("none", 0), ("single", 1), ("per_zone", 3)])
def test_the_setting_decides_how_many_nat_gateways_stand(nat: str, count: int):  # M7
    recorded = network(zones=("a", "b", "c"), nat=nat)

    assert len(recorded.all("ec2.NatGateway")) == count
    assert len(recorded.all("ec2.Eip")) == count


def test_without_nat_the_private_tier_has_no_way_out():  # M7
    assert routes(network(nat="none"), "private") == []


def test_one_nat_gateway_serves_every_zone():  # M7
    recorded = network(zones=("a", "b", "c"), nat="single")
    gateway = recorded.one("ec2.NatGateway")

    assert {route["nat_gateway_id"] for route in routes(recorded, "private")} == {gateway.id}
    assert len(routes(recorded, "private")) == 3


def test_with_a_nat_gateway_per_zone_no_zone_leaves_through_another():  # M7
    recorded = network(zones=("a", "b", "c"), nat="per_zone")

    taken = {
        route.name: gateway.name
        for route in routes(recorded, "private")
        for gateway in recorded.all("ec2.NatGateway")
        if route["nat_gateway_id"] == gateway.id
    }
    assert taken == {f"network-vpc-private-{n}": f"network-vpc-{n}" for n in (1, 2, 3)}


def test_every_subnet_has_a_route_table_of_its_own():  # M8
    recorded = network()
    pairs = [
        (association["subnet_id"], association["route_table_id"])
        for association in recorded.all("ec2.RouteTableAssociation")
    ]

    assert sorted(subnet for subnet, _ in pairs) == sorted(
        subnet.id for subnet in recorded.all("ec2.Subnet")
    )
    assert len({table for _, table in pairs}) == 6


def test_the_default_security_group_lets_nothing_through():  # B35
    recorded = network()
    group = recorded.one("ec2.DefaultSecurityGroup")

    assert group["vpc_id"] == recorded.one("ec2.Vpc").id
    assert group["ingress"] == []
    assert group["egress"] == []


def test_only_the_private_tier_passes_the_database_tiers_acl():  # M10
    recorded = network(zones=("a", "b"))
    acl = recorded.one("ec2.NetworkAcl")

    assert acl["subnet_ids"] == subnet_ids(recorded, "database")
    assert [rule(entry) for entry in acl["ingress"]] == [
        (100, "allow", "tcp", "10.0.0.0/20", 5432, 5432),
        (101, "allow", "tcp", "10.0.16.0/20", 5432, 5432),
        (200, "allow", "tcp", "10.0.0.0/20", 6379, 6379),
        (201, "allow", "tcp", "10.0.16.0/20", 6379, 6379),
    ]
    assert [rule(entry) for entry in acl["egress"]] == [
        (100, "allow", "tcp", "10.0.0.0/20", 1024, 65535),
        (101, "allow", "tcp", "10.0.16.0/20", 1024, 65535),
    ]


def test_a_zone_more_renumbers_no_acl_rule():  # M10
    two = network(zones=("a", "c")).one("ec2.NetworkAcl")
    three = network(zones=("a", "c", "d")).one("ec2.NetworkAcl")

    for side in ("ingress", "egress"):
        assert {rule(entry) for entry in two[side]} < {rule(entry) for entry in three[side]}


def rule(entry: dict[str, Any]) -> tuple[object, ...]:
    return (
        entry["rule_no"],
        entry["action"],
        entry["protocol"],
        entry["cidr_block"],
        entry["from_port"],
        entry["to_port"],
    )


def test_s3_is_reached_from_every_subnet_without_nat():  # M11
    recorded = network(nat="none")
    endpoint = recorded.one("ec2.VpcEndpoint", "network-endpoint-s3")

    assert endpoint["vpc_endpoint_type"] == "Gateway"
    assert endpoint["service_name"] == "com.amazonaws.us-east-1.s3"
    assert sorted(endpoint["route_table_ids"]) == sorted(
        table.id for table in recorded.all("ec2.RouteTable")
    )


def test_chosen_services_get_a_private_endpoint_in_every_private_subnet():  # M11
    recorded = network(interface_endpoints=("ecr.api", "secretsmanager"))
    group = recorded.one("ec2.SecurityGroup", "network-endpoints")
    chosen = {
        endpoint.name: endpoint
        for endpoint in recorded.all("ec2.VpcEndpoint")
        if endpoint["vpc_endpoint_type"] == "Interface"
    }

    assert sorted(chosen) == ["network-endpoint-ecr-api", "network-endpoint-secretsmanager"]
    assert chosen["network-endpoint-ecr-api"]["service_name"] == "com.amazonaws.us-east-1.ecr.api"
    for endpoint in chosen.values():
        assert endpoint["private_dns_enabled"] is True
        assert endpoint["subnet_ids"] == subnet_ids(recorded, "private")
        assert endpoint["security_group_ids"] == [group.id]


def test_endpoints_answer_the_vpc_on_443_and_nobody_else():  # M11
    recorded = network(interface_endpoints=("sqs",))
    inward = recorded.one("vpc.SecurityGroupIngressRule")

    assert inward["security_group_id"] == recorded.one("ec2.SecurityGroup").id
    assert inward["cidr_ipv4"] == "10.0.0.0/16"
    assert (inward["from_port"], inward["to_port"], inward["ip_protocol"]) == (443, 443, "tcp")
    assert recorded.all("vpc.SecurityGroupEgressRule") == []


def test_without_chosen_services_there_is_neither_endpoint_nor_group():  # M11
    recorded = network()

    assert recorded.names("ec2.VpcEndpoint") == ["network-endpoint-s3"]
    assert recorded.all("ec2.SecurityGroup") == []
    assert recorded.all("vpc.SecurityGroupIngressRule") == []


@pytest.mark.parametrize(("flow_logs", "traffic"), [("rejected", "REJECT"), ("all", "ALL")])
def test_flow_logs_record_the_chosen_packets(flow_logs: str, traffic: str):
    recorded = network(flow_logs=flow_logs)
    flow_log = recorded.one("ec2.FlowLog")
    group = recorded.one("cloudwatch.LogGroup")

    assert flow_log["traffic_type"] == traffic
    assert flow_log["vpc_id"] == recorded.one("ec2.Vpc").id
    assert flow_log["log_destination"] == group.outputs["arn"]
    assert flow_log["iam_role_arn"] == recorded.one("iam.Role").outputs["arn"]
    assert group["name"] == "/vpc/backlot-dev-flow-logs"
    assert group["retention_in_days"] == 7
    assert group["kms_key_id"] == "arn:key"


def test_the_flow_log_role_may_write_its_own_group_only():  # M85
    recorded = network()
    role = recorded.one("iam.Role")
    arn = recorded.one("cloudwatch.LogGroup").outputs["arn"]
    (trust,) = role.json("assume_role_policy")["Statement"]
    (statement,) = recorded.one("iam.RolePolicy").json("policy")["Statement"]

    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert statement["Resource"] == [arn, f"{arn}:*"]
    assert "logs:CreateLogGroup" not in statement["Action"]
    assert recorded.all("iam.RolePolicyAttachment") == []


def test_without_flow_logs_nothing_of_them_is_made():
    recorded = network(flow_logs="off")

    for kind in ("ec2.FlowLog", "cloudwatch.LogGroup", "iam.Role", "iam.RolePolicy"):
        assert recorded.all(kind) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"zones": ("a", "b")}, {"zones": ("a", "b", "c")}),
        ({"zones": ("a", "b"), "nat": "per_zone"}, {"zones": ("a", "b", "c"), "nat": "per_zone"}),
        ({"nat": "single"}, {"nat": "per_zone"}),
        ({"nat": "none"}, {"nat": "single"}),
    ],
)
def test_growing_the_network_moves_nothing_that_stands(
    before: dict[str, Any], after: dict[str, Any]
):
    small, large = network(**before), network(**after)

    assert set(small.urns) < set(large.urns)
    for kind in ("ec2.Vpc", "ec2.Subnet", "ec2.RouteTable", "ec2.NatGateway", "ec2.Eip"):
        grown = {node.urn: node.inputs for node in large.all(kind)}
        for node in small.all(kind):
            assert grown[node.urn] == node.inputs


def test_every_nat_gateway_is_watched_by_its_zone():
    alarms = {alarm.name: alarm for alarm in watched(nat="per_zone").alarms}

    assert sorted(alarms) == [
        "nat-packets-dropped-a",
        "nat-packets-dropped-b",
        "nat-ports-exhausted-a",
        "nat-ports-exhausted-b",
    ]
    ports, packets = alarms["nat-ports-exhausted-a"], alarms["nat-packets-dropped-a"]
    assert isinstance(ports.watch, Metric)
    assert (ports.watch.name, ports.watch.statistic) == ("ErrorPortAllocation", "Sum")
    assert (ports.comparison, ports.threshold, ports.severity) == ("above", 0, "warning")
    assert isinstance(packets.watch, Expression)
    assert {metric.name for metric in packets.watch.metrics.values()} == {
        "PacketsDropCount",
        "PacketsInFromDestination",
        "PacketsInFromSource",
    }
    assert packets.threshold == 0.01


def test_a_single_nat_gateway_is_watched_in_the_first_zone():
    assert [alarm.name for alarm in watched(nat="single").alarms] == [
        "nat-ports-exhausted-a",
        "nat-packets-dropped-a",
    ]


def test_without_nat_there_is_nothing_to_watch():
    bare = watched(nat="none")

    assert bare.alarms == ()
    assert bare.panels == ()


def test_the_panels_show_each_zone():
    panels = watched(nat="per_zone").panels

    assert {panel.group for panel in panels} == {"Network"}
    for panel in panels:
        assert [metric.label for metric in panel.metrics] == ["zone a", "zone b"]


def test_no_security_group_rule_names_the_world():
    recorded = network(interface_endpoints=("ecr.api", "ecr.dkr", "logs"), flow_logs="all")

    for kind in ("vpc.SecurityGroupIngressRule", "vpc.SecurityGroupEgressRule"):
        for node in recorded.all(kind):
            assert node["cidr_ipv4"] != ANYWHERE


def test_everything_hangs_below_the_component_and_uses_its_provider():
    recorded = network(interface_endpoints=("logs",))
    component = recorded.one("backlot:network:Network")

    for node in recorded.nodes:
        if node.type.startswith("aws"):
            assert "backlot:network:Network$" in node.urn
            assert node.name.startswith("network-")
            assert node.provider.endswith("::aws")
    assert sorted(component.outputs) == [
        "database_subnet_ids",
        "private_subnet_ids",
        "public_subnet_ids",
        "vpc_id",
    ]
    assert component.outputs["database_subnet_ids"] == subnet_ids(recorded, "database")
    assert recorded.findings == []


def test_a_preview_shows_every_resource():
    settings = {"nat": "per_zone", "interface_endpoints": ("logs",)}

    assert network(preview=True, **settings).urns == network(**settings).urns
