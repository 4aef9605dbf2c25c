"""The public door: what it opens, what it answers, and what is written down."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.api.load_balancer import LoadBalancer, LoadBalancerArgs
from components.domain import Domain, DomainArgs
from components.stores.buckets import Bucket
from settings.domain import DomainSettings
from settings.load_balancer import LoadBalancerSettings
from tests.components.parts import export_watched, ground
from tests.recorder import Node, Recorded, aws_provider, record, with_aws

ALTERNATIVE = "www.studio.example"


def log_bucket() -> Bucket:
    return Bucket(
        purpose="logs",
        name=pulumi.Output.from_input("backlot-dev-logs"),
        arn=pulumi.Output.from_input("arn:aws:s3:::backlot-dev-logs"),
        regional_domain_name=pulumi.Output.from_input("backlot-dev-logs.s3.amazonaws.com"),
        key_arn=None,
    )


def door(
    *, secure: bool = True, alternative_names: tuple[str, ...] = (), **settings: Any
) -> tuple[LoadBalancer, Recorded]:
    made: list[LoadBalancer] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        domain = None
        if secure:
            domain = Domain(
                "domain",
                DomainArgs(
                    settings=DomainSettings(
                        zone="studio.example",
                        api="api.studio.example",
                        alternative_names=alternative_names,
                    )
                ),
                opts,
            )
        balancer = LoadBalancer(
            "load-balancer",
            LoadBalancerArgs(
                settings=LoadBalancerSettings(**{"deletion_protection": True, **settings}),
                ground=ground(),
                domain=domain,
                log_bucket=log_bucket(),
            ),
            opts,
        )
        made.append(balancer)
        pulumi.export("url", balancer.url)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in balancer.alarms})

    recorded = record(program)
    return made[0], recorded


def alb(recorded: Recorded) -> Node:
    return recorded.one("lb.LoadBalancer")


def listeners(recorded: Recorded) -> dict[int, Node]:
    return {listener["port"]: listener for listener in recorded.all("lb.Listener")}


def test_it_stands_in_the_public_subnets_of_every_zone():  # M15
    balancer = alb(door()[1])

    assert balancer["subnets"] == ["subnet-public-a", "subnet-public-b"]
    assert balancer["internal"] is False
    assert balancer["load_balancer_type"] == "application"


def test_requests_that_were_made_to_deceive_are_dropped():
    balancer = alb(door()[1])

    assert balancer["drop_invalid_header_fields"] is True
    assert balancer["desync_mitigation_mode"] == "defensive"


@pytest.mark.parametrize("protected", [True, False])
def test_deletion_protection_is_a_setting(protected: bool):
    assert alb(door(deletion_protection=protected)[1])["enable_deletion_protection"] is protected


def test_silent_connections_are_kept_as_long_as_the_settings_say():
    assert alb(door()[1])["idle_timeout"] == 60
    assert alb(door(idle_seconds=300)[1])["idle_timeout"] == 300


def test_every_request_is_written_down_in_the_log_bucket():
    assert alb(door()[1])["access_logs"] == {
        "enabled": True,
        "bucket": "backlot-dev-logs",
        "prefix": "load-balancer",
    }


def test_nothing_is_written_down_when_the_settings_say_so():
    assert "access_logs" not in alb(door(access_logs=False)[1])


def test_https_serves_and_http_only_points_there():  # M16
    _, recorded = door()
    by_port = listeners(recorded)

    assert set(by_port) == {80, 443}
    assert by_port[80]["protocol"] == "HTTP"
    assert by_port[80]["default_actions"] == [
        {
            "type": "redirect",
            "redirect": {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"},
        }
    ]
    assert by_port[443]["protocol"] == "HTTPS"
    assert (
        by_port[443]["certificate_arn"]
        == recorded.one("backlot:domain:Domain").outputs["certificate_arn"]
    )


def test_tls_is_1_2_or_newer():  # M17
    https = listeners(door()[1])[443]

    assert https["ssl_policy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"


def test_browsers_are_told_to_come_back_over_https():  # M17
    header = "routing_http_response_strict_transport_security_header_value"

    assert listeners(door()[1])[443][header] == "max-age=31536000"
    assert header not in listeners(door(secure=False)[1])[80]


def test_no_answer_names_the_server():
    for listener in door()[1].all("lb.Listener"):
        assert listener["routing_http_response_server_enabled"] is False


@pytest.mark.parametrize(("secure", "port"), [(True, 443), (False, 80)])
def test_until_an_api_stands_behind_it_says_503(secure: bool, port: int):
    [action] = listeners(door(secure=secure)[1])[port]["default_actions"]

    assert action["type"] == "fixed-response"
    assert action["fixed_response"]["status_code"] == "503"


def test_without_a_domain_it_answers_over_http_alone():
    _, recorded = door(secure=False)

    assert set(listeners(recorded)) == {80}
    assert "ssl_policy" not in listeners(recorded)[80]
    assert recorded.all("route53.Record") == []
    assert recorded.outputs["url"] == f"http://{alb(recorded).outputs['dns_name']}"


@pytest.mark.parametrize(("secure", "ports"), [(True, [80, 443]), (False, [80])])
def test_the_world_reaches_the_ports_it_serves_and_no_other(secure: bool, ports: list[int]):
    _, recorded = door(secure=secure)
    group = recorded.one("ec2.SecurityGroup")
    rules = recorded.all("vpc.SecurityGroupIngressRule")

    assert sorted(rule["from_port"] for rule in rules) == ports
    for rule in rules:
        assert rule["security_group_id"] == group.id
        assert rule["to_port"] == rule["from_port"]
        assert rule["ip_protocol"] == "tcp"
        assert rule["cidr_ipv4"] == "0.0.0.0/0"
        assert "cidr_ipv6" not in rule
    assert recorded.all("vpc.SecurityGroupEgressRule") == []
    assert alb(recorded)["security_groups"] == [group.id]


def test_every_name_of_the_domain_leads_here():  # M13
    _, recorded = door(alternative_names=(ALTERNATIVE,))
    balancer = alb(recorded).outputs

    for host in ("api.studio.example", ALTERNATIVE):
        assert recorded.one("route53.Record", f"domain-alias-{host}")["aliases"] == [
            {
                "name": balancer["dns_name"],
                "zone_id": balancer["zone_id"],
                "evaluate_target_health": False,
            }
        ]
    assert recorded.outputs["url"] == "https://api.studio.example"


def test_somebody_is_woken_when_requests_reach_no_task():
    balancer, recorded = door()
    [alarm] = balancer.alarms

    assert (alarm.name, alarm.severity, alarm.runbook) == (
        "no-answer",
        "critical",
        "api.md#no-answer",
    )
    assert (alarm.comparison, alarm.threshold, alarm.evaluation_periods) == ("above", 10, 2)
    assert alarm.missing_data == "notBreaching"
    assert recorded.outputs["alarms"]["no-answer"] == {
        "metric": "AWS/ApplicationELB HTTPCode_ELB_5XX_Count",
        "statistic": "Sum",
        "period": 300,
        "dimensions": {"LoadBalancer": alb(recorded).outputs["arn_suffix"]},
    }


def test_the_dashboard_shows_requests_and_those_without_an_answer():
    balancer, _ = door()

    assert [(panel.group, panel.title) for panel in balancer.panels] == [
        ("API", "Load balancer: requests"),
        ("API", "Load balancer: requests without an answer"),
    ]


def test_what_it_makes_hangs_below_it():
    _, recorded = door()
    component = recorded.one("backlot:api:LoadBalancer")
    made = [node for node in recorded.nodes if node.name.startswith("load-balancer-")]

    assert {node.parent for node in made} == {component.urn}
    assert component.outputs["url"] == "https://api.studio.example"
