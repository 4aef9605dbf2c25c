"""The children that awsx makes, and what it refuses to make."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_awsx as awsx
import pytest

from rehearsal import awsx as expansion
from rehearsal.contract import Created
from rehearsal.graph import UNKNOWN, Finding, Graph, Resource
from rehearsal.record import RecordOnlyProvider
from tests.recorder import Recorded, aws_provider, record

PREFIX = "urn:pulumi:dev::backlot::awsx:ec2:Vpc"
VPC = f"{PREFIX}$aws:ec2/vpc:Vpc"
SUBNET = f"{VPC}$aws:ec2/subnet:Subnet"
TABLE = f"{SUBNET}$aws:ec2/routeTable:RouteTable"


def spec(type: str, *blocks: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "cidrBlocks": list(blocks), **more}


PUBLIC = spec("Public", "10.0.0.0/24", "10.0.1.0/24")
PRIVATE = spec("Private", "10.0.16.0/20", "10.0.32.0/20", tags={"tier": "app"})
DATABASE = spec("Isolated", "10.0.48.0/24", "10.0.49.0/24", name="database")

TWO_ZONES: dict[str, Any] = {
    "availabilityZoneNames": ["us-east-1a", "us-east-1b"],
    "cidrBlock": "10.0.0.0/16",
    "enableDnsHostnames": True,
    "natGateways": {"strategy": "Single"},
    "subnetSpecs": [PRIVATE, PUBLIC, DATABASE],
    "subnetStrategy": "Auto",
    "tags": {"stack": "dev"},
}


def expanded(**inputs: Any) -> tuple[Graph, Created]:
    graph = Graph(project="backlot", stack="dev", config_file="", program_dir="")
    component = Resource(
        urn=f"{PREFIX}::net",
        type=expansion.VPC,
        name="net",
        parent="",
        custom=False,
        remote=True,
        source="components/network.py:40",
        provider="urn:pulumi:dev::backlot::pulumi:providers:aws::aws",
        region="us-east-1",
        protect=True,
        inputs={**TWO_ZONES, **inputs},
    )
    graph.resources[component.urn] = component
    return graph, expansion.expand(component, graph, RecordOnlyProvider())


def names(graph: Graph, kind: str) -> list[str]:
    token = f"aws:ec2/{kind[0].lower()}{kind[1:]}:{kind}"
    return [one.name for one in graph.resources.values() if one.type == token]


def refusals(**inputs: Any) -> list[str]:
    graph, created = expanded(**inputs)
    assert len(graph.resources) == 1
    assert {finding.check for finding in created.findings} <= {"awsx"}
    return [finding.message for finding in created.findings]


def test_every_zone_gets_its_subnets_public_first() -> None:  # M2, M3, M4, M6
    graph, created = expanded()
    assert created.findings == []
    assert names(graph, "Vpc") == ["net"]
    assert names(graph, "InternetGateway") == ["net"]
    subnets = [
        "net-public-1",
        "net-private-1",
        "net-database-1",
        "net-public-2",
        "net-private-2",
        "net-database-2",
    ]
    assert names(graph, "Subnet") == subnets
    assert names(graph, "RouteTable") == subnets
    assert names(graph, "RouteTableAssociation") == subnets


def test_children_hang_below_each_other_as_the_engine_writes_it() -> None:
    graph, _ = expanded()
    association = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    for urn, parent in (
        (f"{VPC}::net", f"{PREFIX}::net"),
        (f"{VPC}$aws:ec2/internetGateway:InternetGateway::net", f"{VPC}::net"),
        (f"{SUBNET}::net-public-1", f"{VPC}::net"),
        (f"{TABLE}::net-public-1", f"{SUBNET}::net-public-1"),
        (f"{TABLE}${association}::net-public-1", f"{TABLE}::net-public-1"),
        (f"{TABLE}$aws:ec2/route:Route::net-public-1", f"{TABLE}::net-public-1"),
        (f"{SUBNET}$aws:ec2/eip:Eip::net-1", f"{SUBNET}::net-public-1"),
        (f"{SUBNET}$aws:ec2/natGateway:NatGateway::net-1", f"{SUBNET}::net-public-1"),
    ):
        assert graph.resources[urn].parent == parent


def test_children_take_provider_source_and_protection_from_the_component() -> None:
    graph, _ = expanded()
    component = graph.resources[f"{PREFIX}::net"]
    children = [one for one in graph.resources.values() if one is not component]
    assert len(children) == 1 + 1 + 3 * 6 + 2 + 2 + 2
    for child in children:
        assert child.custom
        assert (child.provider, child.source) == (component.provider, component.source)
        assert (child.protect, child.region) == (True, "us-east-1")
        assert child.id


def test_subnets_carry_zone_block_and_tags() -> None:
    graph, _ = expanded()
    private = graph.resources[f"{SUBNET}::net-private-2"]
    vpc = graph.resources[f"{VPC}::net"]
    assert private.inputs == {
        "vpcId": vpc.id,
        "availabilityZone": "us-east-1b",
        "cidrBlock": "10.0.32.0/20",
        "mapPublicIpOnLaunch": False,
        "tags": {
            "Name": "net-private-2",
            "SubnetType": "Private",
            "stack": "dev",
            "tier": "app",
        },
        "tagsAll": private.inputs["tags"],
    }
    assert private.property_dependencies == {"vpcId": (vpc.urn,)}
    table = graph.resources[f"{TABLE}::net-private-2"]
    assert "tier" not in table.inputs["tags"]
    assert graph.resources[f"{SUBNET}::net-public-1"].inputs["mapPublicIpOnLaunch"] is True


def test_name_tags_can_follow_the_zone_while_logical_names_stay() -> None:
    graph, _ = expanded(subnetNameTagStrategy="AvailabilityZone")
    assert graph.resources[f"{SUBNET}::net-private-2"].inputs["tags"]["Name"] == "net-private-1b"


@pytest.mark.parametrize(
    ("strategy", "gateways", "ways_out"),
    [
        ("None", [], {}),
        ("Single", ["net-1"], {"net-private-1": "net-1", "net-private-2": "net-1"}),
        ("OnePerAz", ["net-1", "net-2"], {"net-private-1": "net-1", "net-private-2": "net-2"}),
    ],
)
def test_private_subnets_leave_through_the_nat_of_the_strategy(
    strategy: str, gateways: list[str], ways_out: dict[str, str]
) -> None:
    graph, _ = expanded(natGateways={"strategy": strategy})
    assert names(graph, "NatGateway") == gateways
    assert names(graph, "Eip") == gateways
    by_id = {one.id: one.name for one in graph.resources.values() if "natGateway:" in one.type}
    routes = {
        one.name: by_id[one.inputs["natGatewayId"]]
        for one in graph.resources.values()
        if one.type == "aws:ec2/route:Route" and "natGatewayId" in one.inputs
    }
    assert routes == ways_out
    assert "net-database-1" not in names(graph, "Route")


def test_a_nat_gateway_takes_the_address_it_is_given() -> None:
    graph, _ = expanded(
        natGateways={"strategy": "Single", "elasticIpAllocationIds": ["eipalloc-1"]}
    )
    assert names(graph, "Eip") == []
    nat = graph.resources[f"{SUBNET}$aws:ec2/natGateway:NatGateway::net-1"]
    assert nat.inputs["allocationId"] == "eipalloc-1"


def test_exact_accepts_a_layout_without_gaps() -> None:
    halves = [spec("Public", "10.0.0.0/18", "10.0.128.0/18"), spec("Private", "10.0.64.0/18")]
    halves[1]["cidrBlocks"].append("10.0.192.0/18")
    _, created = expanded(subnetStrategy="Exact", subnetSpecs=halves)
    assert created.findings == []


def test_exact_refuses_gaps() -> None:
    messages = refusals(subnetStrategy="Exact", subnetSpecs=[PUBLIC, PRIVATE])
    assert messages[0].startswith(
        "subnetSpecs: gap between net-public-1 (10.0.0.0/24) and net-private-1 (10.0.16.0/20)"
    )
    assert "the end of the VPC (10.0.0.0/16)" in messages[-1]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (
            {"subnetSpecs": [PUBLIC, spec("Private", "10.0.1.0/25", "10.0.2.0/24")]},
            "net-private-1 (10.0.1.0/25) and net-public-2 (10.0.1.0/24) overlap",
        ),
        (
            {"subnetSpecs": [PUBLIC, spec("Private", "10.0.16.0/20")]},
            "subnetSpecs[1].cidrBlocks: 1 blocks for 2 availability zones",
        ),
        (
            {"subnetSpecs": [PUBLIC, {"type": "Private"}]},
            "either every subnet spec states cidr_blocks or none does",
        ),
        ({"subnetSpecs": [{"type": "Public"}]}, "rehearsed only with explicit cidr_blocks"),
        ({"subnetSpecs": None}, "rehearsed only with explicit cidr_blocks"),
        ({"subnetStrategy": None}, "Legacy given"),
        ({"subnetStrategy": "AutoMerge"}, "AutoMerge given"),
        ({"subnetSpecs": [PRIVATE]}, "needs a public subnet to hold the NAT gateway"),
        ({"numberOfAvailabilityZones": 2}, "not both"),
        ({"natGateways": {"strategy": "Two"}}, "'Two' given; allowed: None, Single, OnePerAz"),
        (
            {"natGateways": {"strategy": "OnePerAz", "elasticIpAllocationIds": ["eipalloc-1"]}},
            "1 addresses given; OnePerAz over 2 zones takes 2 or none",
        ),
        (
            {"subnetSpecs": [PUBLIC, spec("Private", "10.0.16.0/20", "10.0.33.0/20")]},
            "'10.0.33.0/20' is no IPv4 CIDR block",
        ),
        ({"subnetSpecs": [PUBLIC, PRIVATE | {"cidrMask": 24}]}, "cidrMask: 24 does not fit"),
        ({"subnetSpecs": [PUBLIC | {"type": "Secret"}]}, "'Secret' given; allowed: Public"),
        ({"vpcEndpointSpecs": [{"serviceName": "s3"}]}, "vpcEndpointSpecs: awsx.ec2.Vpc is"),
    ],
)
def test_awsx_refuses_and_makes_nothing(inputs: dict[str, Any], said: str) -> None:
    assert any(said in message for message in refusals(**inputs)), refusals(**inputs)


def test_zones_are_looked_up_when_only_their_number_is_given() -> None:
    graph, _ = expanded(availabilityZoneNames=None, numberOfAvailabilityZones=2)
    assert graph.resources[f"{SUBNET}::net-public-2"].inputs["availabilityZone"] == "us-east-1b"


class _RefusesAddresses(RecordOnlyProvider):
    def create(self, resource: Resource, graph: Graph) -> Created:
        if resource.type == "aws:ec2/eip:Eip":
            refusal = Finding(
                source=resource.source,
                urn=resource.urn,
                check="moto",
                severity="error",
                message="no address left",
            )
            return Created(id="", findings=[refusal])
        return super().create(resource, graph)


def test_what_needs_a_refused_child_is_recorded_and_not_made() -> None:
    graph, _ = expanded()
    component = graph.resources.pop(f"{PREFIX}::net")
    graph.resources = {component.urn: component}
    created = expansion.expand(component, graph, _RefusesAddresses())
    assert [finding.message for finding in created.findings] == ["no address left"]
    nat = graph.resources[f"{SUBNET}$aws:ec2/natGateway:NatGateway::net-1"]
    assert nat.inputs["allocationId"] is UNKNOWN
    assert (nat.id, nat.made_in) == ("", "nothing")
    assert graph.resources[f"{SUBNET}::net-private-2"].id


def program() -> None:
    vpc = awsx.ec2.Vpc(
        "net",
        cidr_block="10.0.0.0/16",
        availability_zone_names=["us-east-1a", "us-east-1b"],
        subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
        subnet_specs=[
            awsx.ec2.SubnetSpecArgs(
                type=awsx.ec2.SubnetType(given["type"]), cidr_blocks=given["cidrBlocks"]
            )
            for given in (PUBLIC, PRIVATE)
        ],
        nat_gateways=awsx.ec2.NatGatewayConfigurationArgs(
            strategy=awsx.ec2.NatGatewayStrategy.ONE_PER_AZ
        ),
        opts=pulumi.ResourceOptions(providers=[aws_provider()]),
    )
    pulumi.export("vpc", vpc.vpc_id)
    pulumi.export("private", vpc.private_subnet_ids)
    pulumi.export("tables", vpc.route_tables.apply(lambda tables: [one.id for one in tables]))
    pulumi.export("group", vpc.vpc.apply(lambda made: made.default_security_group_id))


def ids(recorded: Recorded, type: str, *wanted: str) -> list[str]:
    return [recorded.one(type, name).id for name in wanted]


def test_a_program_reads_ids_and_children_from_the_component() -> None:
    recorded = record(program)
    assert recorded.findings == []
    assert [recorded.outputs["vpc"]] == ids(recorded, "ec2.Vpc", "net")
    private = ids(recorded, "ec2.Subnet", "net-private-1", "net-private-2")
    assert recorded.outputs["private"] == private
    assert sorted(recorded.outputs["tables"]) == sorted(
        node.id for node in recorded.all("ec2.RouteTable")
    )
    vpc = recorded.one("ec2.Vpc")
    assert recorded.outputs["group"] == vpc.outputs["default_security_group_id"]


def test_a_preview_makes_the_same_children() -> None:
    assert record(program, preview=True).urns == record(program).urns
