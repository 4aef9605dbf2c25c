"""The API's door: where it stands, what it opens, what it answers, and what is written down."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.api.front import CloudFrontDoor, GatewayDoor
from components.api.load_balancer import LoadBalancer, LoadBalancerArgs
from components.domain import Domain, DomainArgs
from components.firewall import Firewall, FirewallArgs
from components.ground import Ground, Place
from components.logs import Logs
from components.network import Network, NetworkArgs
from components.stores.buckets import Bucket, Buckets, BucketsArgs
from rehearsal.contract import Provider
from settings.buckets import BucketsSettings
from settings.domain import DomainSettings
from settings.firewall import FirewallSettings
from settings.load_balancer import LoadBalancerSettings
from settings.logs import LogsSettings
from settings.network import NetworkSettings
from tests.components.parts import PREFIX, export_watched, ground
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once, with_aws

ALTERNATIVE = "www.studio.example"


def log_bucket() -> Bucket:
    return Bucket(
        purpose="logs",
        name=pulumi.Output.from_input("backlot-dev-logs"),
        arn=pulumi.Output.from_input("arn:aws:s3:::backlot-dev-logs"),
        regional_domain_name=pulumi.Output.from_input("backlot-dev-logs.s3.amazonaws.com"),
        key_arn=None,
    )


@recorded_once
def door(
    *,
    secure: bool = True,
    alternative_names: tuple[str, ...] = (),
    guarded: bool = False,
    preview: bool = False,
    real: bool = False,
    provider: Provider | None = None,
    **settings: Any,
) -> tuple[LoadBalancer, Recorded]:
    """The load balancer, guarded by a firewall on demand. With `real`, what it is wired to is made
    as well, not made up."""
    made: list[LoadBalancer] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        place = real_ground(opts) if real else ground()
        domain = None
        if secure:
            names = ("api.studio.example", *alternative_names)
            domain = Domain(
                "domain",
                DomainArgs(
                    settings=DomainSettings(
                        zone="studio.example",
                        create_zone=real,
                        api=names[0],
                        alternative_names=alternative_names,
                    ),
                    edge_names=names if settings.get("reached_through") == "cloudfront" else (),
                ),
                opts,
            )
        firewall = None
        if guarded:
            firewall = Firewall(
                "firewall",
                FirewallArgs(
                    settings=FirewallSettings(mode="block"),
                    ground=place,
                    edge=True,
                    reached_through=settings.get("reached_through", "internet"),
                ),
                opts,
            )
        balancer = LoadBalancer(
            "load-balancer",
            LoadBalancerArgs(
                settings=LoadBalancerSettings(**{"deletion_protection": True, **settings}),
                ground=place,
                domain=domain,
                log_bucket=real_log_bucket(place, opts) if real else log_bucket(),
                firewall=firewall,
            ),
            opts,
        )
        made.append(balancer)
        pulumi.export("url", balancer.url)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in balancer.alarms})

    recorded = record(program, preview=preview, provider=provider)
    return made[0], recorded


def real_log_bucket(place: Ground, opts: pulumi.ResourceOptions) -> Bucket:
    args = BucketsArgs(settings=BucketsSettings(force_delete=True), ground=place, served=False)
    return Buckets("buckets", args, opts).logs


def in_moto(**given: Any) -> tuple[LoadBalancer, Recorded]:
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        return door(real=True, provider=provider, **given)


def real_ground(opts: pulumi.ResourceOptions) -> Ground:
    place = Place(
        prefix=PREFIX,
        region="us-east-1",
        account_id="123456789012",
        protect=False,
        edge=True,
        tags={},
    )
    logs = Logs(settings=LogsSettings(retention_days=7), prefix=PREFIX, key_arn=None)
    network = Network(
        "network",
        NetworkArgs(
            settings=NetworkSettings(cidr="10.1.0.0/16", zones=("a", "b"), nat="none"),
            place=place,
            logs=logs,
        ),
        opts,
    )
    return network.ground(place, data_key_arn=None, logs=logs)


def alb(recorded: Recorded) -> Node:
    return recorded.one("lb.LoadBalancer")


def listeners(recorded: Recorded) -> dict[int, Node]:
    return {listener["port"]: listener for listener in recorded.all("lb.Listener")}


def test_it_stands_in_the_public_subnets_of_every_zone():  # M15
    balancer = alb(door()[1])

    assert balancer["subnets"] == ["subnet-public-a", "subnet-public-b"]
    assert balancer["internal"] is False
    assert balancer["load_balancer_type"] == "application"


HIDDEN = ["cloudfront", "api_gateway"]


@pytest.mark.parametrize("through", HIDDEN)
def test_behind_a_front_it_stands_in_the_private_subnets(through: str):  # B38, M25
    balancer = alb(door(reached_through=through)[1])

    assert balancer["subnets"] == ["subnet-private-a", "subnet-private-b"]
    assert balancer["internal"] is True


def test_requests_that_were_made_to_deceive_are_dropped():  # B36
    balancer = alb(door()[1])

    assert balancer["drop_invalid_header_fields"] is True
    assert balancer["desync_mitigation_mode"] == "defensive"


@pytest.mark.parametrize("protected", [True, False])
def test_deletion_protection_is_a_setting(protected: bool):
    assert alb(door(deletion_protection=protected)[1])["enable_deletion_protection"] is protected


def test_silent_connections_are_kept_as_long_as_the_settings_say():
    assert alb(door()[1])["idle_timeout"] == 60
    assert alb(door(idle_seconds=300)[1])["idle_timeout"] == 300


LOGS = ["access_logs", "connection_logs", "health_check_logs"]


@pytest.mark.parametrize("wanted", LOGS)
def test_requests_connections_and_health_checks_are_written_down_each_by_choice(wanted: str):  # B36
    chosen: dict[str, Any] = {logs: logs == wanted for logs in LOGS}
    balancer = alb(door(**chosen)[1])

    assert balancer[wanted] == {
        "enabled": True,
        "bucket": "backlot-dev-logs",
        "prefix": "load-balancer",
    }
    assert [logs for logs in LOGS if logs in balancer] == [wanted]


def test_aws_would_take_all_three_logs():  # B36
    _, recorded = in_moto(secure=False, **dict.fromkeys(LOGS, True))
    assert recorded.findings == []


def test_requests_are_written_down_unless_the_settings_say_otherwise():  # B36
    assert [logs for logs in LOGS if logs in alb(door()[1])] == ["access_logs"]


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


@pytest.mark.parametrize("through", HIDDEN)
def test_behind_a_front_nothing_answers_over_http(through: str):  # B38
    _, recorded = door(reached_through=through)
    by_port = listeners(recorded)

    assert set(by_port) == {443}
    assert by_port[443]["protocol"] == "HTTPS"
    assert (
        by_port[443]["certificate_arn"]
        == recorded.one("backlot:domain:Domain").outputs["certificate_arn"]
    )


@pytest.mark.parametrize("through", ["internet", *HIDDEN])
def test_tls_is_1_2_or_newer(through: str):  # M17
    https = listeners(door(reached_through=through)[1])[443]

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


def test_behind_cloudfront_only_its_addresses_reach_it_over_https():  # B38
    _, recorded = door(reached_through="cloudfront")
    rule = recorded.one("vpc.SecurityGroupIngressRule")

    assert rule["prefix_list_id"].startswith("pl-")
    assert (rule["from_port"], rule["to_port"], rule["ip_protocol"]) == (443, 443, "tcp")
    assert "cidr_ipv4" not in rule
    assert rule["security_group_id"] == recorded.one("ec2.SecurityGroup").id


def test_behind_api_gateway_only_its_link_reaches_it_over_https():  # M25
    _, recorded = door(reached_through="api_gateway")
    own = recorded.one("ec2.SecurityGroup", "load-balancer-door")
    link = recorded.one("ec2.SecurityGroup", "load-balancer-front-link")
    rule = recorded.one("vpc.SecurityGroupIngressRule")
    way = recorded.one("vpc.SecurityGroupEgressRule")

    assert rule["security_group_id"] == way["referenced_security_group_id"] == own.id
    assert rule["referenced_security_group_id"] == way["security_group_id"] == link.id
    for one in (rule, way):
        assert (one["from_port"], one["to_port"], one["ip_protocol"]) == (443, 443, "tcp")
        assert "cidr_ipv4" not in one


@pytest.mark.parametrize("through", HIDDEN)
def test_a_front_without_a_domain_is_refused(through: str):
    with pytest.raises(AssertionError, match="without a domain there is no certificate"):
        door(secure=False, reached_through=through)


@pytest.mark.parametrize("through", ["internet", "api_gateway"])
def test_the_firewall_stands_before_it(through: str):  # M23
    _, recorded = door(reached_through=through, guarded=True)
    association = recorded.one("wafv2.WebAclAssociation")

    assert association["resource_arn"] == alb(recorded).outputs["arn"]
    assert (
        association["web_acl_arn"]
        == recorded.one("backlot:firewall:Firewall").outputs["regional_arn"]
    )


def test_behind_cloudfront_the_firewall_stands_there_and_not_before_it():  # M23, B38
    _, recorded = door(reached_through="cloudfront", guarded=True)

    assert recorded.all("wafv2.WebAclAssociation") == []
    assert (
        recorded.one("cloudfront.Distribution")["web_acl_id"]
        == recorded.one("backlot:firewall:Firewall").outputs["edge_arn"]
    )


def test_without_a_firewall_nothing_stands_before_it():
    assert door()[1].all("wafv2.WebAclAssociation") == []


def test_on_the_internet_nothing_hides_it():
    balancer, recorded = door()

    assert balancer.front is None
    for absent in ("cloudfront.Distribution", "cloudfront.VpcOrigin", "apigatewayv2.Api"):
        assert recorded.all(absent) == []


@pytest.mark.parametrize(
    ("through", "kind", "absent"),
    [
        ("cloudfront", CloudFrontDoor, "apigatewayv2.Api"),
        ("api_gateway", GatewayDoor, "cloudfront.Distribution"),
    ],
)
def test_a_front_of_the_kind_asked_for_hides_it(through: str, kind: type, absent: str):  # B38, M25
    balancer, recorded = door(reached_through=through)

    assert isinstance(balancer.front, kind)
    assert recorded.all(absent) == []


def test_behind_cloudfront_every_name_leads_there_over_ipv6_too():  # M13, B38
    _, recorded = door(reached_through="cloudfront", alternative_names=(ALTERNATIVE,))
    front = recorded.one("cloudfront.Distribution").outputs

    for host in ("api.studio.example", ALTERNATIVE):
        for name, kind in ((host, "A"), (f"{host}-ipv6", "AAAA")):
            alias = recorded.one("route53.Record", f"domain-alias-{name}")
            assert alias["type"] == kind
            assert alias["aliases"] == [
                {
                    "name": front["domain_name"],
                    "zone_id": front["hosted_zone_id"],
                    "evaluate_target_health": False,
                }
            ]


def test_behind_api_gateway_each_name_leads_to_its_own_address_there():  # M13, M25
    _, recorded = in_moto(reached_through="api_gateway", alternative_names=(ALTERNATIVE,))

    for host in ("api.studio.example", ALTERNATIVE):
        there = recorded.one("apigatewayv2.DomainName", f"load-balancer-front-{host}")
        configuration = there.outputs["domain_name_configuration"]
        assert recorded.one("route53.Record", f"domain-alias-{host}")["aliases"] == [
            {
                "name": configuration["target_domain_name"],
                "zone_id": configuration["hosted_zone_id"],
                "evaluate_target_health": False,
            }
        ]


@pytest.mark.parametrize(
    ("through", "stands"),
    [
        ("internet", ["lb.LoadBalancer"]),
        ("cloudfront", ["cloudfront.Distribution", "cloudfront.VpcOrigin"]),
        (
            "api_gateway",
            ["apigatewayv2.ApiMapping", "apigatewayv2.Route", "apigatewayv2.Integration"],
        ),
    ],
)
def test_the_address_is_known_once_the_front_answers_there(through: str, stands: list[str]):
    _, recorded = door(reached_through=through)
    told = recorded.one("ssm.Parameter")

    assert recorded.outputs["url"] == "https://api.studio.example"
    for what in stands:
        assert recorded.one(what).urn in before(recorded, told), what


def before(recorded: Recorded, node: Node) -> set[str]:
    """Everything that `node` waits for."""
    found: set[str] = set()
    ahead = [node.urn]
    while ahead:
        resource = recorded.graph.resources.get(ahead.pop())
        for urn in resource.dependencies if resource else ():
            if urn not in found:
                found.add(urn)
                ahead.append(urn)
    return found


@pytest.mark.parametrize("secure", [True, False])
def test_the_address_is_written_down_for_whoever_builds_the_site(secure: bool):  # M126
    _, recorded = door(secure=secure)
    parameter = recorded.one("ssm.Parameter")

    assert parameter["name"] == "/backlot-dev/api-url"
    assert parameter["type"] == "String"
    assert parameter["insecure_value"] == recorded.outputs["url"] != "[secret]"
    assert "value" not in parameter


@pytest.mark.parametrize("through", ["internet", *HIDDEN])
def test_the_same_things_are_made_whether_values_are_known_or_not(through: str):
    names = (ALTERNATIVE,)
    _, known = door(reached_through=through, alternative_names=names, guarded=True)
    _, unknown = door(reached_through=through, alternative_names=names, guarded=True, preview=True)

    assert known.urns == unknown.urns


@pytest.mark.parametrize("through", ["internet", *HIDDEN])
def test_aws_takes_it_however_it_is_reached(through: str):  # M15, B38, M25
    _, recorded = in_moto(reached_through=through, guarded=True)

    assert [finding for finding in recorded.findings if finding.severity == "error"] == []
    assert recorded.outputs["url"] == "https://api.studio.example"


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


@pytest.mark.parametrize("through", ["internet", *HIDDEN])
def test_what_it_makes_hangs_below_it(through: str):
    _, recorded = door(reached_through=through, guarded=True)
    component = recorded.one("backlot:api:LoadBalancer")
    made = [node for node in recorded.nodes if node.name.startswith("load-balancer-")]
    of_the_front = [node for node in made if node.name.startswith("load-balancer-front-")]

    assert {node.parent for node in made if node not in of_the_front} == {component.urn}
    assert component.outputs["url"] == "https://api.studio.example"
    assert bool(of_the_front) is (through != "internet")
    for node in of_the_front:
        assert node.parent.endswith("::load-balancer-front")
