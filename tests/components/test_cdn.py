"""The CDN: what is served from where, by which rules, and to whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.cdn import SHIELDS, Cdn, CdnArgs
from components.domain import Domain, DomainArgs
from components.firewall import Firewall, FirewallArgs
from components.stores.buckets import Buckets, BucketsArgs
from rehearsal.contract import Provider
from settings.buckets import BucketsSettings
from settings.cdn import CdnSettings
from settings.domain import DomainSettings
from settings.firewall import FirewallSettings
from settings.regions import REGIONS
from tests.components.parts import described, export_watched, ground
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once, with_aws

APP, CDN = "app.studio.example", "cdn.studio.example"
ORIGINS = ("https://app.studio.example", "https://muejam.com")

KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErqs80nfL1hm9k9yzpJKlrL3C1NIy
KDJetSoat04J6099D+tit+JVVlK6Twyu2eBn6R7OtJM2/jSC/P4L9kIF+A==
-----END PUBLIC KEY-----"""
ANOTHER_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEbJjx+xEhmaQ6reZ0MiU56A3y8VPQ
led1J6VR72f2YxW6rS3Ch4NcMV34y0qMQeT8HffyG42B0cmrHQWlNx64oA==
-----END PUBLIC KEY-----
"""
"""Their private halves were thrown away."""

CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CORS_S3 = "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"
NEVER_CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


@recorded_once
def cdn(
    *,
    named: bool = True,
    guarded: bool = False,
    releases: bool = False,
    cors_origins: tuple[str, ...] = (),
    region: str = "us-east-1",
    preview: bool = False,
    provider: Provider | None = None,
    **settings: Any,
) -> tuple[Cdn, Recorded]:
    made: list[Cdn] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        place = replace(ground(), region=region)
        domain = None
        if named:
            names = DomainSettings(
                zone="studio.example",
                create_zone=provider is not None,
                api="api.studio.example",
                app=APP,
                cdn=CDN,
            )
            domain = Domain("domain", DomainArgs(settings=names, edge_names=(APP, CDN)), opts)
        firewall = None
        if guarded:
            args = FirewallArgs(
                settings=FirewallSettings(mode="block"),
                ground=place,
                edge=True,
                reached_through="internet",
            )
            firewall = Firewall("firewall", args, opts)
        component = Cdn(
            "cdn",
            CdnArgs(
                settings=CdnSettings(**settings),
                ground=place,
                buckets=Buckets(
                    "buckets",
                    BucketsArgs(
                        settings=BucketsSettings(
                            force_delete=False, releases=releases, cors_origins=cors_origins
                        ),
                        ground=place,
                        served=True,
                    ),
                    opts,
                ),
                domain=domain,
                firewall=firewall,
            ),
            opts,
        )
        made.append(component)
        for key, output in component.outputs.items():
            pulumi.export(key, output)
        pulumi.export("pages", dict(component.pages))
        pulumi.export("environment", dict(component.access().environment))
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})
        pulumi.export(
            "panels",
            {
                panel.title: [described(metric) for metric in panel.metrics]
                for panel in component.panels
            },
        )

    recorded = record(program, preview=preview, provider=provider)
    return made[0], recorded


def site(recorded: Recorded) -> Node:
    return recorded.one("cloudfront.Distribution", "cdn-site")


def media(recorded: Recorded) -> Node:
    return recorded.one("cloudfront.Distribution", "cdn-media")


def both(recorded: Recorded) -> tuple[Node, Node]:
    return site(recorded), media(recorded)


def headers(recorded: Recorded, what: str) -> Node:
    return recorded.one("cloudfront.ResponseHeadersPolicy", f"cdn-{what}-headers")


def domain_of(recorded: Recorded, purpose: str) -> str:
    outputs = recorded.one("s3.Bucket", f"buckets-{purpose}").outputs
    return outputs["bucket_regional_domain_name"]


def ordered(recorded: Recorded) -> dict[str, Any]:
    return {
        behavior["path_pattern"]: behavior
        for behavior in media(recorded)["ordered_cache_behaviors"]
    }


def test_site_and_media_each_have_a_distribution_over_their_bucket():  # M19, M22
    _, recorded = cdn()

    assert recorded.names("cloudfront.Distribution") == ["cdn-media", "cdn-site"]
    for distribution, purpose in ((site(recorded), "static"), (media(recorded), "media")):
        [origin] = distribution["origins"]
        assert origin["domain_name"] == domain_of(recorded, purpose)
        behavior = distribution["default_cache_behavior"]
        assert behavior["target_origin_id"] == origin["origin_id"] == purpose


def test_every_bucket_is_read_by_signed_requests_of_one_access_control():  # M20
    _, recorded = cdn(releases=True)
    control = recorded.one("cloudfront.OriginAccessControl")

    assert control["origin_access_control_origin_type"] == "s3"
    assert control["signing_behavior"] == "always"
    assert control["signing_protocol"] == "sigv4"
    for distribution in both(recorded):
        for origin in distribution["origins"]:
            assert origin["origin_access_control_id"] == control.id
            assert "s3_origin_config" not in origin


def test_both_are_read_only_compressed_cached_and_over_https():  # M19
    for distribution in both(cdn()[1]):
        behavior = distribution["default_cache_behavior"]
        assert behavior["allowed_methods"] == behavior["cached_methods"] == ["GET", "HEAD"]
        assert behavior["compress"] is True
        assert behavior["cache_policy_id"] == CACHED
        assert behavior["viewer_protocol_policy"] == "redirect-to-https"
        assert "origin_request_policy_id" not in behavior


def test_both_serve_the_world_over_new_http_and_ipv6():
    for distribution in both(cdn()[1]):
        assert distribution["enabled"] is True
        assert distribution["http_version"] == "http2and3"
        assert distribution["is_ipv6_enabled"] is True
        assert distribution["restrictions"] == {"geo_restriction": {"restriction_type": "none"}}


def test_an_update_is_over_when_every_edge_location_has_it():
    for distribution in both(cdn()[1]):
        assert distribution["wait_for_deployment"] is True


@pytest.mark.parametrize(
    ("given", "price_class"),
    [("100", "PriceClass_100"), ("200", "PriceClass_200"), ("all", "PriceClass_All")],
)
def test_the_price_class_is_a_setting(given: str, price_class: str):
    for distribution in both(cdn(price_class=given)[1]):
        assert distribution["price_class"] == price_class


def test_both_answer_by_their_names_over_tls_1_2_or_newer():  # M13, M17, M19
    _, recorded = cdn()
    edge = recorded.one("acm.Certificate", "domain-edge-certificate").outputs["arn"]

    assert site(recorded)["aliases"] == [APP]
    assert media(recorded)["aliases"] == [CDN]
    for distribution in both(recorded):
        assert distribution["viewer_certificate"] == {
            "acm_certificate_arn": edge,
            "ssl_support_method": "sni-only",
            "minimum_protocol_version": "TLSv1.2_2025",
        }


def test_their_names_lead_to_them_over_ipv4_and_ipv6():  # M13
    _, recorded = cdn()

    for host, distribution in ((APP, site(recorded)), (CDN, media(recorded))):
        for name, kind in ((host, "A"), (f"{host}-ipv6", "AAAA")):
            alias = recorded.one("route53.Record", f"domain-alias-{name}")
            assert alias["type"] == kind
            assert alias["aliases"] == [
                {
                    "name": distribution.outputs["domain_name"],
                    "zone_id": distribution.outputs["hosted_zone_id"],
                    "evaluate_target_health": False,
                }
            ]
    assert recorded.outputs["site_url"] == "https://app.studio.example"
    assert recorded.outputs["media_url"] == "https://cdn.studio.example"


def test_without_a_domain_cloudfronts_own_names_and_certificate_serve():
    _, recorded = cdn(named=False)

    for distribution, url in zip(both(recorded), ("site_url", "media_url"), strict=True):
        assert distribution["viewer_certificate"] == {"cloudfront_default_certificate": True}
        assert "aliases" not in distribution
        assert recorded.outputs[url] == f"https://{distribution.outputs['domain_name']}"
    assert recorded.all("route53.Record") == []


def test_the_firewall_judges_what_comes_to_both():  # M23
    _, recorded = cdn(guarded=True)
    edge = recorded.one("backlot:firewall:Firewall").outputs["edge_arn"]

    for distribution in both(recorded):
        assert distribution["web_acl_id"] == edge
    for distribution in both(cdn()[1]):
        assert "web_acl_id" not in distribution


def test_a_missing_page_is_the_first_page_and_a_refusal_stays_one():  # M22
    _, recorded = cdn()

    assert site(recorded)["default_root_object"] == "index.html"
    assert site(recorded)["custom_error_responses"] == [
        {"error_code": 404, "response_code": 200, "response_page_path": "/index.html"}
    ]


def test_missing_media_stay_missing():
    distribution = media(cdn()[1])

    assert "custom_error_responses" not in distribution
    assert "default_root_object" not in distribution


def test_pages_are_guarded_by_their_headers():  # B39
    _, recorded = cdn()
    policy = headers(recorded, "site")

    assert policy["security_headers_config"] == {
        "strict_transport_security": {"access_control_max_age_sec": 31536000, "override": True},
        "content_type_options": {"override": True},
        "frame_options": {"frame_option": "DENY", "override": True},
        "referrer_policy": {
            "referrer_policy": "strict-origin-when-cross-origin",
            "override": True,
        },
    }
    assert "cors_config" not in policy
    assert site(recorded)["default_cache_behavior"]["response_headers_policy_id"] == policy.id


def test_what_pages_may_load_is_said_when_it_is_set():  # B39
    _, recorded = cdn(content_security_policy="default-src 'self'")
    security = headers(recorded, "site")["security_headers_config"]

    assert security["content_security_policy"] == {
        "content_security_policy": "default-src 'self'",
        "override": True,
    }
    assert "content_security_policy" not in headers(recorded, "media")["security_headers_config"]


def test_the_sites_named_may_read_media_from_a_browser():  # M21, B39
    _, recorded = cdn(cors_origins=ORIGINS)
    policy = headers(recorded, "media")

    assert policy["cors_config"] == {
        "access_control_allow_origins": {"items": list(ORIGINS)},
        "access_control_allow_methods": {"items": ["GET", "HEAD"]},
        "access_control_allow_headers": {"items": ["*"]},
        "access_control_allow_credentials": False,
        "access_control_max_age_sec": 3000,
        "origin_override": True,
    }
    assert media(recorded)["default_cache_behavior"]["response_headers_policy_id"] == policy.id


def test_the_bucket_answers_a_browser_that_asks_whether_it_may():  # M21
    _, recorded = cdn(cors_origins=ORIGINS, releases=True)
    behavior = media(recorded)["default_cache_behavior"]

    assert behavior["allowed_methods"] == ["GET", "HEAD", "OPTIONS"]
    assert behavior["cached_methods"] == ["GET", "HEAD"]
    assert behavior["origin_request_policy_id"] == CORS_S3
    for of_releases in media(recorded)["ordered_cache_behaviors"]:
        assert of_releases["allowed_methods"] == ["GET", "HEAD"]


def test_no_site_may_read_media_unless_named():  # M21
    _, recorded = cdn()
    behavior = media(recorded)["default_cache_behavior"]

    assert "cors_config" not in headers(recorded, "media")
    assert behavior["allowed_methods"] == ["GET", "HEAD"]
    assert "origin_request_policy_id" not in behavior


def test_nobody_is_served_before_cloudfront_may_read():  # M20
    _, recorded = cdn(releases=True)

    for purposes, of in ((["static"], site(recorded)), (["media", "releases"], media(recorded))):
        waits_for = of.resource.property_dependencies["origins"]
        for purpose in purposes:
            assert recorded.one("s3.BucketPolicy", f"buckets-{purpose}-policy").urn in waits_for


def test_without_keys_media_are_open():  # B39
    _, recorded = cdn()

    assert "trusted_key_groups" not in media(recorded)["default_cache_behavior"]
    assert recorded.all("cloudfront.PublicKey") == []
    assert recorded.all("cloudfront.KeyGroup") == []
    assert set(recorded.outputs["environment"]) == {"MEDIA_URL"}


def test_with_keys_media_open_to_signed_addresses_alone():  # B39
    _, recorded = cdn(signing_keys={"signing-2026-11": KEY})
    key, group = recorded.one("cloudfront.PublicKey"), recorded.one("cloudfront.KeyGroup")

    assert group["items"] == [key.id]
    assert media(recorded)["default_cache_behavior"]["trusted_key_groups"] == [group.id]
    assert "trusted_key_groups" not in site(recorded)["default_cache_behavior"]


def test_a_key_ends_as_cloudfront_ends_it_however_it_was_written():  # B39
    _, recorded = cdn(signing_keys={"signing-a": KEY, "signing-b": ANOTHER_KEY})

    for key in recorded.all("cloudfront.PublicKey"):
        assert key["encoded_key"].endswith("-----END PUBLIC KEY-----\n")


@pytest.mark.parametrize(
    "names", [("signing-2026-05", "signing-2026-11"), ("signing-2026-11", "signing-2026-05")]
)
def test_two_keys_open_media_and_the_last_by_name_signs(names: tuple[str, str]):  # B39
    keys = dict.fromkeys(names, KEY)
    _, recorded = cdn(signing_keys=keys)
    newest = recorded.one("cloudfront.PublicKey", "cdn-key-signing-2026-11")

    assert len(recorded.one("cloudfront.KeyGroup")["items"]) == 2
    assert recorded.outputs["environment"] == {
        "MEDIA_URL": "https://cdn.studio.example",
        "MEDIA_KEY_ID": newest.id,
    }


def test_without_installers_no_path_is_special():  # M80
    _, recorded = cdn()

    assert "ordered_cache_behaviors" not in media(recorded)
    assert recorded.names("cloudfront.ResponseHeadersPolicy") == [
        "cdn-media-headers",
        "cdn-site-headers",
    ]


def test_installers_come_from_their_bucket_the_feed_before_them():  # M80
    _, recorded = cdn(releases=True)
    origins = {origin["origin_id"]: origin for origin in media(recorded)["origins"]}

    assert list(ordered(recorded)) == ["releases/*.yml", "releases/*"]
    assert set(origins) == {"media", "releases"}
    assert origins["releases"]["domain_name"] == domain_of(recorded, "releases")
    for behavior in ordered(recorded).values():
        assert behavior["target_origin_id"] == "releases"
        assert behavior["viewer_protocol_policy"] == "redirect-to-https"
        assert behavior["allowed_methods"] == ["GET", "HEAD"]
    # A path is the key in the bucket: nothing is put before it.
    assert "origin_path" not in origins["releases"]


def test_the_update_feed_is_never_cached():  # M80
    _, recorded = cdn(releases=True)
    feed = ordered(recorded)["releases/*.yml"]
    policy = headers(recorded, "media-feed")

    assert feed["cache_policy_id"] == NEVER_CACHED
    assert feed["response_headers_policy_id"] == policy.id
    assert policy["custom_headers_config"] == {
        "items": [{"header": "Cache-Control", "value": "no-cache", "override": True}]
    }


@pytest.mark.parametrize(("given", "seconds"), [({}, 31536000), ({"long_lived_days": 7}, 604800)])
def test_installers_are_kept_for_long(given: dict[str, Any], seconds: int):  # M80
    _, recorded = cdn(releases=True, **given)
    installers = ordered(recorded)["releases/*"]
    policy = headers(recorded, "media-installers")
    [header] = policy["custom_headers_config"]["items"]

    assert installers["cache_policy_id"] == CACHED
    assert installers["response_headers_policy_id"] == policy.id
    assert header["header"] == "Cache-Control"
    assert header["value"] == f"public, max-age={seconds}, immutable"


def test_installers_are_never_signed():  # M80, B39
    _, recorded = cdn(releases=True, signing_keys={"signing-2026-11": KEY})

    assert "trusted_key_groups" in media(recorded)["default_cache_behavior"]
    for behavior in ordered(recorded).values():
        assert "trusted_key_groups" not in behavior


@pytest.mark.parametrize(
    ("region", "shield"),
    [("us-east-1", "us-east-1"), ("eu-west-3", "eu-west-2"), ("us-west-1", "us-west-2")],
)
def test_the_shield_stands_where_the_buckets_are_or_next_to_them(region: str, shield: str):  # B39
    _, recorded = cdn(origin_shield=True, releases=True, region=region)

    for distribution in both(recorded):
        for origin in distribution["origins"]:
            assert origin["origin_shield"] == {"enabled": True, "origin_shield_region": shield}


def test_there_is_no_shield_unless_asked_for():  # B39
    for distribution in both(cdn()[1]):
        assert "origin_shield" not in distribution["origins"][0]


def test_every_region_has_its_shield():
    have_one = set(SHIELDS.values())

    assert set(SHIELDS) <= set(REGIONS)
    assert not have_one & set(SHIELDS)
    assert sorted(set(REGIONS) - set(SHIELDS) - have_one) == ["ap-northeast-2", "sa-east-1"]


def test_only_the_site_has_a_page_for_whoever_comes_by():
    assert cdn()[1].outputs["pages"] == {"site": "https://app.studio.example"}


def test_whoever_publishes_is_told_what_to_invalidate():  # M22
    _, recorded = cdn()

    assert recorded.outputs["site_distribution_id"] == site(recorded).id
    assert recorded.outputs["media_distribution_id"] == media(recorded).id


@pytest.mark.parametrize(
    ("name", "distribution"), [("site-errors", "cdn-site"), ("media-errors", "cdn-media")]
)
def test_somebody_is_woken_when_a_twentieth_fails(name: str, distribution: str):
    component, recorded = cdn()
    alarm = {alarm.name: alarm for alarm in component.alarms}[name]

    assert (alarm.comparison, alarm.threshold, alarm.evaluation_periods) == ("above", 5, 2)
    assert (alarm.severity, alarm.runbook) == ("critical", f"cdn.md#{name}")
    assert alarm.missing_data == "notBreaching"
    assert alarm.watch.region == "us-east-1"
    assert recorded.outputs["alarms"][name] == {
        "metric": "AWS/CloudFront 5xxErrorRate",
        "statistic": "Average",
        "period": 300,
        "dimensions": {
            "DistributionId": recorded.one("cloudfront.Distribution", distribution).id,
            "Region": "Global",
        },
    }


def test_the_dashboard_shows_requests_and_errors_of_both():
    component, recorded = cdn()

    assert [(panel.group, panel.title) for panel in component.panels] == [
        ("Edge", "Site: requests"),
        ("Edge", "Site: errors"),
        ("Edge", "Media: requests"),
        ("Edge", "Media: errors"),
    ]
    assert [one["metric"] for one in recorded.outputs["panels"]["Media: errors"]] == [
        "AWS/CloudFront 5xxErrorRate",
        "AWS/CloudFront 4xxErrorRate",
    ]


def test_the_same_things_are_made_whether_values_are_known_or_not():
    given: dict[str, Any] = {"releases": True, "guarded": True, "signing_keys": {"signing-a": KEY}}

    assert cdn(**given)[1].urns == cdn(**given, preview=True)[1].urns


@pytest.mark.parametrize("named", [True, False])
def test_aws_takes_all_of_it(named: bool):  # M19, M20, M80, B39
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        _, recorded = cdn(
            named=named,
            guarded=True,
            releases=True,
            cors_origins=ORIGINS,
            origin_shield=True,
            content_security_policy="default-src 'self'",
            signing_keys={"signing-2026-05": KEY, "signing-2026-11": ANOTHER_KEY},
            provider=provider,
        )

    assert [finding for finding in recorded.findings if finding.severity == "error"] == []


def test_what_it_makes_hangs_below_it():
    _, recorded = cdn(releases=True, signing_keys={"signing-a": KEY})
    component = recorded.one("backlot:cdn:Cdn")
    made = [node for node in recorded.nodes if node.name.startswith("cdn-")]

    assert {node.parent for node in made} == {component.urn}
    assert {node.type.split(":")[1].partition("/")[0] for node in made} == {"cloudfront"}
    assert component.outputs["media_url"] == "https://cdn.studio.example"
