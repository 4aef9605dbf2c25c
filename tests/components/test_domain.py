"""The domain: the zone, the certificate, and where names lead."""

from __future__ import annotations

from typing import Any

import pytest

from components.domain import Domain, DomainArgs
from settings.domain import DomainSettings
from tests.recorder import Recorded, aws_provider, record, with_aws


def build(**settings: Any) -> Domain:
    given = {"zone": "studio.example", "api": "api.studio.example", **settings}
    return Domain("domain", DomainArgs(settings=DomainSettings(**given)), with_aws(aws_provider()))


def domain(*, preview: bool = False, **settings: Any) -> Recorded:
    return record(lambda: build(**settings), preview=preview)


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


def test_an_alias_leads_to_the_endpoint():  # M13
    recorded = record(
        lambda: build().alias(
            "api.studio.example", dns_name="alb.example", zone_id="Z35SXDOTRQ7X7K"
        )
    )
    alias = recorded.one("route53.Record", "domain-alias-api.studio.example")

    assert alias["name"] == "api.studio.example"
    assert alias["type"] == "A"
    assert alias["aliases"] == [
        {"name": "alb.example", "zone_id": "Z35SXDOTRQ7X7K", "evaluate_target_health": False}
    ]
    assert "ttl" not in alias
    assert alias.parent == recorded.one("backlot:domain:Domain").urn


def test_a_name_more_leaves_the_records_of_the_others():
    assert set(domain().urns) < set(domain(alternative_names=("www.studio.example",)).urns)


def test_everything_hangs_below_the_component():
    recorded = domain(create_zone=True)
    component = recorded.one("backlot:domain:Domain")

    assert {node.parent for node in recorded.nodes if node.type.startswith("aws:")} == {
        component.urn
    }
    assert component.outputs["names"] == ["api.studio.example"]
