"""What hides the load balancer: CloudFront's door and API Gateway's."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.api.front import (
    CloudFrontDoor,
    CloudFrontDoorArgs,
    GatewayDoor,
    GatewayDoorArgs,
)
from components.domain import Domain, DomainArgs
from components.firewall import Firewall, FirewallArgs
from settings.domain import DomainSettings
from settings.firewall import FirewallSettings
from settings.load_balancer import GatewaySettings
from tests.components.parts import described, export_watched, ground
from tests.recorder import Recorded, aws_provider, record, with_aws

NAMES = ("api.studio.example", "www.studio.example")
BALANCER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/api/1"
LISTENER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/api/1/2"


def domain(opts: pulumi.ResourceOptions, edge_names: tuple[str, ...]) -> Domain:
    settings = DomainSettings(zone="studio.example", api=NAMES[0], alternative_names=NAMES[1:])
    return Domain("domain", DomainArgs(settings=settings, edge_names=edge_names), opts)


def export(door: CloudFrontDoor | GatewayDoor) -> None:
    export_watched("alarms", {alarm.name: alarm.watch for alarm in door.alarms})
    pulumi.export(
        "panels",
        {panel.title: [described(metric) for metric in panel.metrics] for panel in door.panels},
    )


def cloudfront(
    *, guarded: bool = False, idle_seconds: int = 60, edge_names: tuple[str, ...] = NAMES
) -> tuple[CloudFrontDoor, Recorded]:
    made: list[CloudFrontDoor] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        firewall = None
        if guarded:
            args = FirewallArgs(
                settings=FirewallSettings(mode="block"),
                ground=ground(),
                edge=True,
                reached_through="cloudfront",
            )
            firewall = Firewall("firewall", args, opts)
        door = CloudFrontDoor(
            "front",
            CloudFrontDoorArgs(
                ground=ground(),
                domain=domain(opts, edge_names),
                firewall=firewall,
                load_balancer_arn=BALANCER,
                load_balancer_dns_name="internal-api.elb.amazonaws.com",
                idle_seconds=idle_seconds,
            ),
            opts,
        )
        made.append(door)
        export(door)

    recorded = record(program)
    return made[0], recorded


def gateway(**settings: Any) -> tuple[GatewayDoor, Recorded]:
    made: list[GatewayDoor] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        door = GatewayDoor(
            "front",
            GatewayDoorArgs(
                settings=GatewaySettings(**settings),
                ground=ground(),
                domain=domain(opts, ()),
                listener_arn=LISTENER,
                security_group_id="sg-door",
            ),
            opts,
        )
        made.append(door)
        export(door)

    recorded = record(program)
    return made[0], recorded


# CloudFront


def test_cloudfront_comes_in_through_the_network_over_tls_1_2_alone():  # B38, M17
    _, recorded = cloudfront()
    way = recorded.one("cloudfront.VpcOrigin")["vpc_origin_endpoint_config"]

    assert way["arn"] == BALANCER
    assert way["origin_protocol_policy"] == "https-only"
    assert way["origin_ssl_protocols"] == {"items": ["TLSv1.2"], "quantity": 1}
    assert (way["http_port"], way["https_port"]) == (80, 443)
    assert way["name"] == "backlot-dev-api"


def test_the_distribution_asks_the_load_balancer_by_that_way():  # B38
    _, recorded = cloudfront()
    [origin] = recorded.one("cloudfront.Distribution")["origins"]

    assert origin["domain_name"] == "internal-api.elb.amazonaws.com"
    assert origin["vpc_origin_config"]["vpc_origin_id"] == recorded.one("cloudfront.VpcOrigin").id
    assert "custom_origin_config" not in origin


@pytest.mark.parametrize(("idle", "waits"), [(30, 30), (60, 60), (300, 60)])
def test_it_waits_for_an_answer_as_long_as_the_load_balancer_up_to_a_minute(idle: int, waits: int):
    _, recorded = cloudfront(idle_seconds=idle)
    [origin] = recorded.one("cloudfront.Distribution")["origins"]

    assert origin["vpc_origin_config"]["origin_read_timeout"] == waits


def test_nothing_is_cached_and_everything_is_handed_on():
    behavior = cloudfront()[1].one("cloudfront.Distribution")["default_cache_behavior"]

    # CachingDisabled and AllViewer: also Host, and the header that finds a version under test.
    assert behavior["cache_policy_id"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behavior["origin_request_policy_id"] == "216adef6-5c7f-47e4-b989-5492eafa07d3"
    assert sorted(behavior["allowed_methods"]) == [
        "DELETE",
        "GET",
        "HEAD",
        "OPTIONS",
        "PATCH",
        "POST",
        "PUT",
    ]
    assert behavior["viewer_protocol_policy"] == "redirect-to-https"
    assert "trusted_key_groups" not in behavior


def test_the_door_answers_for_every_name_of_the_api_over_tls_1_2_or_newer():  # M17
    _, recorded = cloudfront()
    door = recorded.one("cloudfront.Distribution")

    assert door["aliases"] == list(NAMES)
    assert door["viewer_certificate"] == {
        "acm_certificate_arn": recorded.one("acm.Certificate", "domain-edge-certificate").outputs[
            "arn"
        ],
        "ssl_support_method": "sni-only",
        "minimum_protocol_version": "TLSv1.2_2025",
    }


def test_a_name_without_a_certificate_for_cloudfront_is_refused():
    with pytest.raises(AssertionError, match=r"no certificate for www\.studio\.example"):
        cloudfront(edge_names=NAMES[:1])


def test_the_firewall_at_the_edge_judges_what_comes_in():  # M23
    _, recorded = cloudfront(guarded=True)

    assert (
        recorded.one("cloudfront.Distribution")["web_acl_id"]
        == recorded.one("backlot:firewall:Firewall").outputs["edge_arn"]
    )
    assert "web_acl_id" not in cloudfront()[1].one("cloudfront.Distribution")


def test_cloudfronts_names_lead_to_its_distribution_over_ipv6_too():  # M13
    door, recorded = cloudfront()

    assert set(door.destinations) == set(NAMES)
    assert all(where.ipv6 for where in door.destinations.values())
    assert recorded.one("cloudfront.Distribution")["is_ipv6_enabled"] is True


def test_somebody_is_woken_when_a_twentieth_fails_at_cloudfront():
    door, recorded = cloudfront()
    [alarm] = door.alarms

    assert (alarm.name, alarm.severity, alarm.runbook) == (
        "edge-errors",
        "critical",
        "cdn.md#edge-errors",
    )
    assert (alarm.comparison, alarm.threshold, alarm.evaluation_periods) == ("above", 5, 2)
    assert alarm.watch.region == "us-east-1"
    assert recorded.outputs["alarms"]["edge-errors"] == {
        "metric": "AWS/CloudFront 5xxErrorRate",
        "statistic": "Average",
        "period": 300,
        "dimensions": {
            "DistributionId": recorded.one("cloudfront.Distribution").id,
            "Region": "Global",
        },
    }


def test_the_dashboard_shows_what_cloudfront_does():
    door, _ = cloudfront()

    assert [(panel.group, panel.title) for panel in door.panels] == [
        ("Edge", "API at CloudFront: requests"),
        ("Edge", "API at CloudFront: errors"),
    ]


# API Gateway


def test_api_gateway_hands_everything_to_the_listener_over_a_link():  # M25
    _, recorded = gateway()
    integration = recorded.one("apigatewayv2.Integration")

    assert integration["integration_type"] == "HTTP_PROXY"
    assert integration["integration_method"] == "ANY"
    assert integration["integration_uri"] == LISTENER
    assert integration["connection_type"] == "VPC_LINK"
    assert integration["connection_id"] == recorded.one("apigatewayv2.VpcLink").id
    route = recorded.one("apigatewayv2.Route")
    assert route["route_key"] == "$default"
    assert route["target"] == f"integrations/{integration.id}"
    assert recorded.one("apigatewayv2.Api")["protocol_type"] == "HTTP"


def test_it_speaks_tls_to_the_listener_and_checks_its_name():  # M17
    integration = gateway()[1].one("apigatewayv2.Integration")

    assert integration["tls_config"] == {"server_name_to_verify": "api.studio.example"}


def test_it_tells_the_load_balancer_who_asks_whatever_a_client_claims():  # M24, M25
    integration = gateway()[1].one("apigatewayv2.Integration")

    assert integration["request_parameters"] == {
        "overwrite:header.x-client-address": "$context.identity.sourceIp"
    }


def test_the_link_stands_in_the_private_subnets_and_reaches_the_door_alone():  # M25
    _, recorded = gateway()
    link = recorded.one("apigatewayv2.VpcLink")
    group = recorded.one("ec2.SecurityGroup")
    [way] = recorded.all("vpc.SecurityGroupEgressRule")

    assert link["subnet_ids"] == ["subnet-private-a", "subnet-private-b"]
    assert link["security_group_ids"] == [group.id]
    assert way["security_group_id"] == group.id
    assert way["referenced_security_group_id"] == "sg-door"
    assert (way["from_port"], way["to_port"]) == (443, 443)


def test_its_own_address_leads_nowhere():  # M25
    assert gateway()[1].one("apigatewayv2.Api")["disable_execute_api_endpoint"] is True


def test_every_name_of_the_api_has_the_certificate_of_the_region():  # M14, M17
    _, recorded = gateway()
    certificate = recorded.one("acm.Certificate").outputs["arn"]

    assert [one["domain_name"] for one in recorded.all("apigatewayv2.DomainName")] == list(NAMES)
    for one in recorded.all("apigatewayv2.DomainName"):
        assert one["domain_name_configuration"] == {
            "certificate_arn": certificate,
            "endpoint_type": "REGIONAL",
            "security_policy": "TLS_1_2",
        }
    assert {
        (one["domain_name"], one["api_id"], one["stage"])
        for one in recorded.all("apigatewayv2.ApiMapping")
    } == {(name, recorded.one("apigatewayv2.Api").id, "$default") for name in NAMES}


@pytest.mark.parametrize(
    ("given", "rate", "burst"),
    [({}, 1000, 2000), ({"requests_per_second": 50, "burst": 100}, 50, 100)],
)
def test_what_exceeds_the_rate_is_turned_away(given: dict[str, int], rate: int, burst: int):
    stage = gateway(**given)[1].one("apigatewayv2.Stage")

    assert stage["name"] == "$default"
    assert stage["auto_deploy"] is True
    assert stage["default_route_settings"] == {
        "throttling_rate_limit": rate,
        "throttling_burst_limit": burst,
    }


def test_every_request_is_written_down_without_queries_and_headers():
    _, recorded = gateway()
    log_group = recorded.one("cloudwatch.LogGroup")
    settings = recorded.one("apigatewayv2.Stage")["access_log_settings"]
    line = json.loads(settings["format"])

    assert log_group["name"] == "/apigateway/backlot-dev-api"
    assert log_group["retention_in_days"] == 7
    assert settings["destination_arn"] == log_group.outputs["arn"]
    assert line["requestId"] == "$context.requestId"
    assert not [value for value in line.values() if "query" in value or "header" in value]


def test_api_gateways_names_lead_there_over_ipv4():  # M13
    door, _ = gateway()

    assert set(door.destinations) == set(NAMES)
    assert not any(where.ipv6 for where in door.destinations.values())


def test_somebody_is_woken_when_requests_fail_at_api_gateway():
    door, recorded = gateway()
    [alarm] = door.alarms

    assert (alarm.name, alarm.severity, alarm.runbook) == (
        "gateway-errors",
        "critical",
        "cdn.md#gateway-errors",
    )
    assert (alarm.comparison, alarm.threshold, alarm.evaluation_periods) == ("above", 10, 2)
    assert alarm.watch.region is None
    assert recorded.outputs["alarms"]["gateway-errors"] == {
        "metric": "AWS/ApiGateway 5xx",
        "statistic": "Sum",
        "period": 300,
        "dimensions": {"ApiId": recorded.one("apigatewayv2.Api").id},
    }


def test_the_dashboard_shows_what_api_gateway_does():
    door, recorded = gateway()

    assert [(panel.group, panel.title) for panel in door.panels] == [
        ("Edge", "API Gateway: requests"),
        ("Edge", "API Gateway: errors"),
    ]
    assert [one["metric"] for one in recorded.outputs["panels"]["API Gateway: errors"]] == [
        "AWS/ApiGateway 5xx",
        "AWS/ApiGateway 4xx",
    ]


@pytest.mark.parametrize(("build", "kind"), [(cloudfront, "CloudFront"), (gateway, "Gateway")])
def test_what_a_front_makes_hangs_below_it(build: Any, kind: str):
    _, recorded = build()
    component = recorded.one(f"backlot:api:{kind}Door")
    made = [node for node in recorded.nodes if node.name.startswith("front-")]

    assert made
    assert {node.parent for node in made} == {component.urn}
    assert component.outputs
