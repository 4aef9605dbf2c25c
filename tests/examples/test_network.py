"""The briefs' networks: addresses, zones, ways in and out."""

from __future__ import annotations

import pytest

from tests.examples.systems import System, asks, ids
from tests.recorder import Node, Recorded

TIERS = ("public", "private", "database")


def subnets(graph: Recorded, tier: str) -> list[Node]:
    return [node for node in graph.all("ec2.Subnet") if f"-{tier}-" in node.name]


def routes(graph: Recorded, tier: str) -> list[Node]:
    return [node for node in graph.all("ec2.Route") if f"-{tier}-" in node.name]


@asks(
    "M1",
    zapcut=dict.fromkeys(("dev", "staging", "production"), "10.0.0.0/16"),
    ai_film_studio={
        "dev": "10.0.0.0/16",
        "sandbox": "10.1.0.0/16",
        "staging": "10.2.0.0/16",
        "production": "10.3.0.0/16",
    },
    muejam=dict.fromkeys(("dev", "staging", "production"), "10.0.0.0/16"),
    autoblog={"dev": "10.20.0.0/16", "staging": "10.21.0.0/16", "production": "10.22.0.0/16"},
)
def test_the_vpc_has_its_address_and_both_flags_of_dns(
    system: System, figure: dict[str, str]
) -> None:
    assert system.each(lambda graph: graph.one("ec2.Vpc")["cidr_block"]) == figure
    assert system.everywhere(
        lambda graph: (
            graph.one("ec2.Vpc")["enable_dns_support"],
            graph.one("ec2.Vpc")["enable_dns_hostnames"],
        )
    ) == (True, True)


@asks("M5", zapcut="ab", muejam="abc", autoblog="ab")
def test_zones_are_as_many_as_the_brief_has(system: System, figure: str) -> None:
    assert (
        system.everywhere(
            lambda graph: "".join(
                sorted({node["availability_zone"][-1] for node in graph.all("ec2.Subnet")})
            )
        )
        == figure
    )


@asks("M2", zapcut=2, muejam=3, autoblog=2)
def test_each_zone_has_a_public_subnet_that_gives_addresses(system: System, figure: int) -> None:
    assert (
        system.everywhere(
            lambda graph: [node["map_public_ip_on_launch"] for node in subnets(graph, "public")]
        )
        == [True] * figure
    )


@asks("M3", zapcut=2, ai_film_studio=2, muejam=3, autoblog=2)
def test_what_runs_has_a_private_subnet_in_each_zone(system: System, figure: int) -> None:
    assert (
        system.everywhere(
            lambda graph: [node["map_public_ip_on_launch"] for node in subnets(graph, "private")]
        )
        == [False] * figure
    )


@asks("M4", zapcut=2, muejam=3, autoblog=2)
def test_data_lies_where_no_way_leads_to_the_internet(system: System, figure: int) -> None:
    for graph in system.values():
        data = ids(subnets(graph, "database"))
        assert len(data) == figure
        assert set(graph.one("rds.SubnetGroup")["subnet_ids"]) == data
        assert set(graph.one("elasticache.SubnetGroup")["subnet_ids"]) == data
        assert routes(graph, "database") == []


@asks("M6", muejam=3, autoblog=2)
def test_public_subnets_go_out_through_the_internet_gateway(system: System, figure: int) -> None:
    for graph in system.values():
        gateway = graph.one("ec2.InternetGateway").id
        assert [route["gateway_id"] for route in routes(graph, "public")] == [gateway] * figure


@asks(
    "M7",
    zapcut={"dev": 1, "staging": 1, "production": 2},
    muejam={"dev": 1, "staging": 1, "production": 3},
    autoblog={"dev": 2, "staging": 2, "production": 2},
)
def test_nat_gateways_are_as_many_as_the_brief_has_and_have_an_address_each(
    system: System, figure: dict[str, int]
) -> None:
    assert system.each(lambda graph: len(graph.all("ec2.NatGateway"))) == figure
    for graph in system.values():
        allocated = {gateway["allocation_id"] for gateway in graph.all("ec2.NatGateway")}
        assert allocated == ids(graph.all("ec2.Eip"))
        placed = {gateway["subnet_id"] for gateway in graph.all("ec2.NatGateway")}
        assert placed <= ids(subnets(graph, "public"))


@asks("M8", muejam=3, autoblog=2)
def test_every_tier_has_route_tables_of_its_own(system: System, figure: int) -> None:
    for graph in system.values():
        tables = graph.names("ec2.RouteTable")
        assert {
            tier: sum(f"-{tier}-" in name for name in tables) for tier in TIERS
        } == dict.fromkeys(TIERS, figure)
        ways_out = {route["nat_gateway_id"] for route in routes(graph, "private")}
        assert ways_out == ids(graph.all("ec2.NatGateway"))


@asks("M9", ai_film_studio="api-tasks", muejam="api-instances", autoblog="api-tasks")
def test_security_groups_name_each_other_from_the_door_to_the_data(
    system: System, figure: str
) -> None:
    for graph in system.values():
        api = graph.one("ec2.SecurityGroup", figure).id
        door = graph.one("ec2.SecurityGroup", "load-balancer-door").id
        assert {
            rule.name: (rule["referenced_security_group_id"], rule["from_port"])
            for rule in graph.all("vpc.SecurityGroupIngressRule")
            if rule.name.startswith("api-")
        } == {
            "api-from-door-in": (door, 8000),
            "api-to-cache-in": (api, 6379),
            "api-to-database-in": (api, 5432),
        }


@asks("M10", zapcut={5432, 6379}, ai_film_studio={5432, 6379})
def test_a_network_acl_lets_private_subnets_alone_reach_the_data(
    system: System, figure: set[int]
) -> None:
    for graph in system.values():
        acl = graph.one("ec2.NetworkAcl")
        assert set(acl["subnet_ids"]) == ids(subnets(graph, "database"))
        assert {rule["from_port"] for rule in acl["ingress"]} == figure
        private = {node["cidr_block"] for node in subnets(graph, "private")}
        assert {rule["cidr_block"] for rule in acl["ingress"]} == private


@asks("M11", ai_film_studio={"ecr.api", "ecr.dkr", "logs", "s3", "secretsmanager", "sqs"})
def test_aws_is_reached_without_the_internet(system: System, figure: set[str]) -> None:
    assert (
        system.everywhere(
            lambda graph: {
                endpoint["service_name"].removeprefix("com.amazonaws.us-east-1.")
                for endpoint in graph.all("ec2.VpcEndpoint")
            }
        )
        == figure
    )


@asks("M12", ai_film_studio=4, muejam=3)
def test_every_environment_has_a_vpc_of_its_own(system: System, figure: int) -> None:
    named = system.each(lambda graph: graph.one("ec2.Vpc")["tags"]["Name"])
    assert len(set(named.values())) == len(named) == figure


@pytest.mark.parametrize("system", ["ai-film-studio", "aivp", "autoblog"], indirect=True)
def test_environments_that_share_an_account_share_no_address(system: System) -> None:
    networks = system.each(lambda graph: graph.one("ec2.Vpc")["cidr_block"])
    assert len(set(networks.values())) == len(networks)
