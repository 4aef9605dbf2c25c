"""The briefs' edges: names, certificates, load balancers, CloudFront, and what stands before."""

from __future__ import annotations

from collections.abc import Collection

from tests.examples.systems import System, alarm, asks
from tests.recorder import Recorded

NEVER_BELOW = ("TLS13-1-2", "TLSv1.2_")
"""How AWS's policies are called that begin at TLS 1.2."""


def names(graph: Recorded) -> set[str]:
    return {record["name"] for record in graph.all("route53.Record") if record.get("aliases")}


@asks(
    "M13",
    zapcut={"app.zapcut.video", "api.zapcut.video", "cdn.zapcut.video"},
    ai_film_studio={"app.filmstudio.example", "api.filmstudio.example", "cdn.filmstudio.example"},
)
def test_the_briefs_names_lead_to_production(system: System, figure: set[str]) -> None:
    assert names(system.production) == figure


@asks(
    "M14",
    zapcut={"api.zapcut.video": []},
    aivp={"api.aivp.example": []},
    ai_film_studio={"api.filmstudio.example": []},
    muejam={"muejam.com": ["www.muejam.com"]},
)
def test_certificates_are_validated_by_dns(system: System, figure: dict[str, list[str]]) -> None:
    graph = system.production
    certificate = graph.one("acm.Certificate", "domain-certificate")
    assert {certificate["domain_name"]: certificate.get("subject_alternative_names", [])} == figure
    assert {one["validation_method"] for one in graph.all("acm.Certificate")} == {"DNS"}
    assert len(graph.all("acm.CertificateValidation")) == len(graph.all("acm.Certificate"))


@asks("M15", zapcut=2, ai_film_studio=2, muejam=3, autoblog=2)
def test_the_load_balancer_ends_tls_in_every_zone(system: System, figure: int) -> None:
    for graph in system.values():
        balancer = graph.one("lb.LoadBalancer")
        assert len(balancer["subnets"]) == figure
        tier = "private" if balancer["internal"] else "public"
        assert set(balancer["subnets"]) == {
            node.id for node in graph.all("ec2.Subnet") if f"-{tier}-" in node.name
        }
        assert "certificate_arn" in graph.one("lb.Listener", "load-balancer-https")


@asks("M16", muejam=("443", "HTTPS", "HTTP_301"))
def test_port_80_sends_everybody_to_443(system: System, figure: tuple[str, str, str]) -> None:
    for graph in system.values():
        assert graph.one("lb.Listener", "load-balancer-https")["port"] == 443
        http = graph.one("lb.Listener", "load-balancer-http")
        [action] = http["default_actions"]
        told = action["redirect"]
        assert http["port"] == 80
        assert (told["port"], told["protocol"], told["status_code"]) == figure


@asks("M17", ai_film_studio=NEVER_BELOW)
def test_no_door_takes_less_than_tls_1_2(system: System, figure: Collection[str]) -> None:
    for graph in system.values():
        taken = [graph.one("lb.Listener", "load-balancer-https")["ssl_policy"]]
        taken += [
            one["viewer_certificate"]["minimum_protocol_version"]
            for one in graph.all("cloudfront.Distribution")
        ]
        assert len(taken) == 3
        assert [one for one in taken if not any(lead in one for lead in figure)] == []


@asks("M18", aivp="/health", muejam="/health")
def test_targets_are_asked_for_health(system: System, figure: str) -> None:
    for graph in system.values():
        checks = [group["health_check"] for group in graph.all("lb.TargetGroup")]
        assert {(check["path"], check["matcher"]) for check in checks} == {(figure, "200")}


@asks(
    "M19",
    zapcut="cdn.zapcut.video",
    aivp="cdn.aivp.example",
    ai_film_studio="cdn.filmstudio.example",
    autoblog="cdn.autoblog.example",
)
def test_cloudfront_serves_the_assets(system: System, figure: str) -> None:
    graph = system.production
    assets = graph.one("cloudfront.Distribution", "cdn-media")
    assert assets["aliases"] == [figure]
    media = graph.one("s3.Bucket", "buckets-media")["bucket"]
    assert assets["origins"][0]["domain_name"] == f"{media}.s3.us-east-1.amazonaws.com"


@asks("M20", ai_film_studio=("always", "sigv4"))
def test_the_buckets_answer_cloudfront_alone(system: System, figure: tuple[str, str]) -> None:
    for graph in system.values():
        control = graph.one("cloudfront.OriginAccessControl")
        assert (control["signing_behavior"], control["signing_protocol"]) == figure
        origins = [
            origin for one in graph.all("cloudfront.Distribution") for origin in one["origins"]
        ]
        assert {origin["origin_access_control_id"] for origin in origins} == {control.id}


@asks(
    "M21",
    zapcut=["https://app.zapcut.video"],
    muejam=["https://muejam.com"],
)
def test_only_the_briefs_site_may_read_media_from_a_browser(
    system: System, figure: list[str]
) -> None:
    cors = system.production.one("s3.BucketCorsConfiguration", "buckets-media-cors")
    assert cors["cors_rules"] == [
        {
            "allowed_headers": ["*"],
            "allowed_methods": ["GET", "HEAD"],
            "allowed_origins": figure,
            "max_age_seconds": 3000,
        }
    ]


@asks("M22", ai_film_studio="app.filmstudio.example")
def test_the_site_is_served_from_a_bucket_that_keeps_old_builds(
    system: System, figure: str
) -> None:
    graph = system.production
    site = graph.one("cloudfront.Distribution", "cdn-site")
    assert (site["aliases"], site["default_root_object"]) == ([figure], "index.html")
    kept = graph.one("s3.BucketVersioning", "buckets-static-versioning")
    assert kept["versioning_configuration"] == {"status": "Enabled"}


@asks("M23", ai_film_studio={"dev": "none", "sandbox": "none", "staging": "none"})
def test_a_firewall_stands_before_both_doors_and_only_counts_at_first_in_production(
    system: System, figure: dict[str, str]
) -> None:
    def action(graph: Recorded) -> str:
        [acted] = {
            next(iter(rule["override_action"]))
            for acl in graph.all("wafv2.WebAcl")
            for rule in acl["rules"]
            if "override_action" in rule
        }
        return acted

    assert system.everywhere(lambda graph: len(graph.all("wafv2.WebAcl"))) == 2
    assert system.each(action) == {**figure, "production": "count"}


@asks("M24", ai_film_studio=(2000, 300))
def test_an_address_has_so_many_requests_in_five_minutes(
    system: System, figure: tuple[int, int]
) -> None:
    for graph in system.values():
        for acl in graph.all("wafv2.WebAcl"):
            [rate] = [rule for rule in acl["rules"] if rule["name"] == "rate-limit"]
            limit = rate["statement"]["rate_based_statement"]
            assert (limit["limit"], limit["evaluation_window_sec"]) == figure


@asks("M25", autoblog={"dev": 0, "staging": 0, "production": 1})
def test_api_gateway_is_the_only_door_in_production(system: System, figure: dict[str, int]) -> None:
    assert system.each(lambda graph: len(graph.all("apigatewayv2.Api"))) == figure
    internal = system.each(lambda graph: graph.one("lb.LoadBalancer")["internal"])
    assert internal == {"dev": False, "staging": False, "production": True}


@asks("M26", aivp=30)
def test_somebody_outside_asks_every_half_minute_and_wakes_people(
    system: System, figure: int
) -> None:
    assert system["dev"].all("route53.HealthCheck") == []
    for stack in ("staging", "production"):
        graph = system[stack]
        check = graph.one("route53.HealthCheck", "uptime-api")
        assert (check["resource_path"], check["request_interval"]) == ("/health", figure)
        assert alarm(graph, "uptime-api-down", "tells", "silence") == ({"critical"}, "breaching")
