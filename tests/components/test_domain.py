"""The domain: the zone, the certificates, and where names lead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from components.domain import Destination, Domain, DomainArgs
from settings.domain import DomainSettings
from tests.components.parts import export_watched
from tests.recorder import Recorded, aws_provider, record, with_aws

EDGE = ("app.studio.example", "cdn.studio.example")


def build(*, edge_names: Sequence[str] = (), **settings: Any) -> Domain:
    given = {"zone": "studio.example", "api": "api.studio.example", **settings}
    return Domain(
        "domain",
        DomainArgs(settings=DomainSettings(**given), edge_names=edge_names),
        with_aws(aws_provider()),
    )


def domain(*, preview: bool = False, **given: Any) -> Recorded:
    return record(lambda: build(**given), preview=preview)


def test_a_zone_is_made_where_the_stack_owns_it():  # M13
    recorded = domain(create_zone=True)
    zone = recorded.one("route53.Zone")

    assert zone["name"] == "studio.example"
    assert {record_["zone_id"] for record_ in recorded.all("route53.Record")} == {
        zone.outputs["zone_id"]
    }


def test_a_zone_that_stands_is_found_and_not_made():  # M13
    recorded = domain()

    assert recorded.all("route53.Zone") == []
    assert recorded.one("backlot:domain:Domain").outputs["zone_id"].startswith("Z")


def test_the_certificate_is_proven_by_dns():  # M14
    certificate = domain().one("acm.Certificate")

    assert certificate["domain_name"] == "api.studio.example"
    assert certificate["validation_method"] == "DNS"
    assert "subject_alternative_names" not in certificate


def test_the_certificate_carries_the_alternative_names():  # M14
    certificate = domain(alternative_names=("www.studio.example",)).one("acm.Certificate")

    assert certificate["subject_alternative_names"] == ["www.studio.example"]


@pytest.mark.parametrize("preview", [False, True])
def test_every_name_is_proven_by_a_record_of_its_own(preview: bool):  # M14
    recorded = domain(alternative_names=("www.studio.example",), preview=preview)

    assert recorded.names("route53.Record") == [
        "domain-validation-api.studio.example",
        "domain-validation-www.studio.example",
    ]


def test_a_validation_record_says_what_acm_asked_for_its_name():  # M14
    recorded = domain(alternative_names=("www.studio.example",))
    asked = {
        option["domain_name"]: option
        for option in recorded.one("acm.Certificate").outputs["domain_validation_options"]
    }

    assert set(asked) == {"api.studio.example", "www.studio.example"}
    for host, option in asked.items():
        made = recorded.one("route53.Record", f"domain-validation-{host}")
        assert made["name"] == option["resource_record_name"]
        assert made["type"] == option["resource_record_type"] == "CNAME"
        assert made["records"] == [option["resource_record_value"]]
        assert made["allow_overwrite"] is True
        assert made["ttl"] == 300


def test_users_of_the_certificate_wait_until_it_is_issued():  # M14
    recorded = domain(alternative_names=("www.studio.example",))
    issued = recorded.one("acm.CertificateValidation")
    arn = recorded.one("acm.Certificate").outputs["arn"]

    assert issued["certificate_arn"] == arn
    assert len(issued["validation_record_fqdns"]) == 2
    assert recorded.one("backlot:domain:Domain").outputs["certificate_arn"] == arn


def test_without_cloudfront_there_is_one_certificate_in_the_stacks_region():  # M14, B55
    recorded = domain()

    assert recorded.names("acm.Certificate") == ["domain-certificate"]
    assert "region" not in recorded.one("acm.Certificate")
    assert "region" not in recorded.one("acm.CertificateValidation")
    assert recorded.one("backlot:domain:Domain").outputs.get("edge_certificate_arn") is None


def test_cloudfront_gets_a_certificate_of_us_east_1_for_its_names():  # M14, B55
    recorded = domain(edge_names=EDGE)
    edge = recorded.one("acm.Certificate", "domain-edge-certificate")
    issued = recorded.one("acm.CertificateValidation", "domain-edge-issued")

    assert edge["region"] == issued["region"] == "us-east-1"
    assert edge["domain_name"] == "app.studio.example"
    assert edge["subject_alternative_names"] == ["cdn.studio.example"]
    assert edge["validation_method"] == "DNS"
    assert issued["certificate_arn"] == edge.outputs["arn"]
    assert len(issued["validation_record_fqdns"]) == 2
    component = recorded.one("backlot:domain:Domain").outputs
    assert component["edge_certificate_arn"] == edge.outputs["arn"]
    assert component["edge_certificate_arn"] != component["certificate_arn"]


def test_the_certificate_for_cloudfront_leaves_the_other_as_it_was():  # M14
    recorded = domain(edge_names=EDGE)
    own = recorded.one("acm.Certificate", "domain-certificate")

    assert own["domain_name"] == "api.studio.example"
    assert "subject_alternative_names" not in own
    assert "region" not in own
    assert set(domain().urns) < set(recorded.urns)


def test_a_name_on_both_certificates_is_proven_once():  # M14
    recorded = domain(edge_names=(*EDGE, "api.studio.example"))

    assert recorded.names("route53.Record") == [
        "domain-validation-api.studio.example",
        "domain-validation-app.studio.example",
        "domain-validation-cdn.studio.example",
    ]
    waits_for = {
        validation.name: len(validation["validation_record_fqdns"])
        for validation in recorded.all("acm.CertificateValidation")
    }
    assert waits_for == {"domain-issued": 1, "domain-edge-issued": 3}


def watched(**given: Any) -> tuple[Domain, Recorded]:
    made: list[Domain] = []

    def program() -> None:
        component = build(**given)
        made.append(component)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program)
    return made[0], recorded


def test_a_certificate_that_was_not_renewed_is_told_of_30_days_before_its_end():  # M14
    component, recorded = watched()
    [alarm] = component.alarms

    assert (alarm.name, alarm.severity) == ("certificate-expiring", "warning")
    assert (alarm.comparison, alarm.threshold, alarm.missing_data) == ("below", 30, "ignore")
    assert alarm.runbook == "domain.md#certificate-expiring"
    assert alarm.watch.region is None
    assert recorded.outputs["alarms"]["certificate-expiring"] == {
        "metric": "AWS/CertificateManager DaysToExpiry",
        "statistic": "Minimum",
        "period": 86400,
        "dimensions": {"CertificateArn": recorded.one("acm.Certificate").outputs["arn"]},
    }


def test_cloudfronts_certificate_is_watched_where_it_is():  # M14 B55
    component, recorded = watched(edge_names=EDGE)
    _, edge = component.alarms

    assert (edge.name, edge.watch.region) == ("edge-certificate-expiring", "us-east-1")
    arn = recorded.one("acm.Certificate", "domain-edge-certificate").outputs["arn"]
    shown = recorded.outputs["alarms"]["edge-certificate-expiring"]
    assert shown["dimensions"] == {"CertificateArn": arn}
    [panel] = component.panels
    assert (panel.group, panel.unit, len(panel.metrics)) == ("Edge", "days", 2)


def leading(to: Destination) -> Recorded:
    return record(lambda: build().alias("api.studio.example", to))


def test_an_alias_leads_to_the_destination():  # M13
    recorded = leading(Destination(dns_name="alb.example", zone_id="Z35SXDOTRQ7X7K"))
    alias = recorded.one("route53.Record", "domain-alias-api.studio.example")

    assert alias["name"] == "api.studio.example"
    assert alias["type"] == "A"
    assert alias["aliases"] == [
        {"name": "alb.example", "zone_id": "Z35SXDOTRQ7X7K", "evaluate_target_health": False}
    ]
    assert "ttl" not in alias
    assert alias.parent == recorded.one("backlot:domain:Domain").urn


@pytest.mark.parametrize(("ipv6", "types"), [(True, ["A", "AAAA"]), (False, ["A"])])
def test_a_name_leads_to_ipv6_where_the_destination_has_it(ipv6: bool, types: list[str]):  # M13
    recorded = leading(Destination(dns_name="d1.example", zone_id="Z2FDTNDATAQYW2", ipv6=ipv6))
    aliases = [record for record in recorded.all("route53.Record") if "aliases" in record]

    assert [alias["type"] for alias in aliases] == types
    for alias in aliases:
        assert alias["name"] == "api.studio.example"
        assert alias["aliases"] == [
            {"name": "d1.example", "zone_id": "Z2FDTNDATAQYW2", "evaluate_target_health": False}
        ]


def test_it_says_which_names_it_has():
    made: list[Domain] = []
    record(lambda: made.append(build(app=EDGE[0], cdn=EDGE[1], edge_names=EDGE)))

    assert (made[0].app, made[0].cdn) == EDGE
    assert made[0].edge_names == EDGE
    assert made[0].names == ("api.studio.example",)


def test_a_name_more_leaves_the_records_of_the_others():
    assert set(domain().urns) < set(domain(alternative_names=("www.studio.example",)).urns)


def test_everything_hangs_below_the_component():
    recorded = domain(create_zone=True)
    component = recorded.one("backlot:domain:Domain")

    assert {node.parent for node in recorded.nodes if node.type.startswith("aws:")} == {
        component.urn
    }
    assert component.outputs["names"] == ["api.studio.example"]
