"""The firewall: which rules there are, what they stop, what is written down, and who is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pulumi
import pulumi_aws as aws
import pytest

from components.alarms import AlarmSet
from components.firewall import PRIORITIES, Firewall, FirewallArgs
from components.ground import GLOBAL_REGION, Ground
from components.keys import Keys, KeysArgs
from components.logs import Logs
from components.notices import Notices, NoticesArgs
from components.observe import Alarm
from rehearsal.provider import MotoProvider
from settings.firewall import FirewallSettings, ManagedRules
from settings.keys import KeysSettings
from settings.load_balancer import ReachedThrough
from settings.logs import LogsSettings
from settings.notices import NoticesSettings
from tests.components.parts import PREFIX, export_watched, ground
from tests.recorder import Node, Recorded, record, with_aws

ALL: tuple[ManagedRules, ...] = get_args(ManagedRules)
ON_BY_DEFAULT = [
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesSQLiRuleSet",
]
"""In the order that a request meets them."""

BALANCER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/a/1"
KEY = "arn:aws:kms:us-east-1:123456789012:key/logs"
THERE = "arn:aws:kms:us-east-1:123456789012:key/edge-logs"


def standing_in(region: str, *, encrypted: bool = False) -> Ground:
    logs = Logs(
        settings=LogsSettings(retention_days=7),
        prefix=PREFIX,
        key_arn=KEY if encrypted else None,
        key_arns_elsewhere={} if region == GLOBAL_REGION else {GLOBAL_REGION: THERE},
    )
    return replace(ground(), region=region, logs=logs)


def firewall(
    *,
    region: str = "us-east-1",
    edge: bool = True,
    reached_through: ReachedThrough = "internet",
    encrypted: bool = False,
    **settings: Any,
) -> tuple[Firewall, Recorded]:
    made: list[Firewall] = []

    def program() -> None:
        provider = aws.Provider("aws", region=region)
        component = Firewall(
            "firewall",
            FirewallArgs(
                settings=FirewallSettings(**{"mode": "block", **settings}),
                ground=standing_in(region, encrypted=encrypted),
                edge=edge,
                reached_through=reached_through,
            ),
            with_aws(provider),
        )
        if reached_through != "cloudfront":
            aws.wafv2.WebAclAssociation(
                "user",
                web_acl_arn=component.arn("regional"),
                resource_arn=BALANCER,
                opts=pulumi.ResourceOptions(provider=provider),
            )
        made.append(component)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program)
    return made[0], recorded


def acl(recorded: Recorded, where: str = "regional") -> Node:
    return recorded.one("wafv2.WebAcl", f"firewall-{where}")


def rules(recorded: Recorded, where: str = "regional") -> dict[str, dict[str, Any]]:
    return {rule["name"]: rule for rule in acl(recorded, where)["rules"]}


def alarm(component: Firewall, name: str) -> Alarm:
    return next(alarm for alarm in component.alarms if alarm.name == name)


def test_one_web_acl_is_for_the_load_balancer_and_one_for_cloudfront():  # M23
    _, recorded = firewall()

    assert {node.name: node["scope"] for node in recorded.all("wafv2.WebAcl")} == {
        "firewall-regional": "REGIONAL",
        "firewall-edge": "CLOUDFRONT",
    }
    assert recorded.one("backlot:firewall:Firewall").outputs == {
        "regional_arn": acl(recorded).outputs["arn"],
        "edge_arn": acl(recorded, "edge").outputs["arn"],
    }


def test_without_cloudfront_there_is_none_for_it():
    component, recorded = firewall(edge=False)

    assert recorded.names("wafv2.WebAcl") == ["firewall-regional"]
    assert "edge_arn" not in recorded.one("backlot:firewall:Firewall").outputs
    with pytest.raises(ValueError, match="no web ACL for CloudFront"):
        component.arn("edge")
    assert [alarm.name for alarm in component.alarms] == ["regional-many-blocked"]
    assert len(component.panels) == 1


def test_both_have_the_same_rules():  # M23
    _, recorded = firewall()

    assert acl(recorded)["rules"] == acl(recorded, "edge")["rules"]


def test_what_matches_no_rule_is_let_through():  # M23
    for node in firewall()[1].all("wafv2.WebAcl"):
        assert node["default_action"] == {"allow": {}}


def test_a_request_meets_the_managed_sets_in_a_fixed_order_and_the_rate_limit_last():  # B41, M24
    _, recorded = firewall()
    by_priority = sorted(rules(recorded).values(), key=lambda rule: rule["priority"])

    assert [rule["name"] for rule in by_priority] == [*ON_BY_DEFAULT, "rate-limit"]
    for rule in by_priority[:-1]:
        assert rule["statement"]["managed_rule_group_statement"]["vendor_name"] == "AWS"
        assert rule["statement"]["managed_rule_group_statement"]["name"] == rule["name"]


def test_every_set_has_a_place_of_its_own():
    assert set(PRIORITIES) == set(ALL)
    assert len(set(PRIORITIES.values())) == len(ALL)


def test_one_more_set_moves_no_other():
    few = rules(firewall(managed=("AWSManagedRulesSQLiRuleSet",))[1])
    all_of_them = rules(firewall(managed=tuple(reversed(ALL)))[1])

    assert set(all_of_them) == {*ALL, "rate-limit"}
    assert few.items() <= all_of_them.items()


def test_an_address_may_send_2000_requests_in_five_minutes():  # M24
    rate = rules(firewall()[1])["rate-limit"]

    assert rate["statement"] == {
        "rate_based_statement": {
            "aggregate_key_type": "IP",
            "limit": 2000,
            "evaluation_window_sec": 300,
        }
    }


def test_the_rate_limit_is_a_setting():  # M24
    rate = rules(firewall(requests_per_five_minutes=500)[1])["rate-limit"]

    assert rate["statement"]["rate_based_statement"]["limit"] == 500


def test_a_load_balancer_that_cloudfront_alone_reaches_is_judged_there_and_not_again():  # B38
    component, recorded = firewall(reached_through="cloudfront")

    assert recorded.names("wafv2.WebAcl") == ["firewall-edge"]
    assert recorded.names("wafv2.WebAclLoggingConfiguration") == ["firewall-edge-log"]
    assert recorded.names("cloudwatch.LogGroup") == ["firewall-edge-log"]
    assert [alarm.name for alarm in component.alarms] == ["edge-many-blocked"]
    assert [panel.title for panel in component.panels] == ["Firewall before CloudFront: requests"]
    with pytest.raises(ValueError, match="no web ACL for the load balancer"):
        component.arn("regional")


BY_ADDRESS = {"AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesAnonymousIpList"}


def test_behind_api_gateway_no_list_judges_the_address_that_everybody_shares():  # M25
    _, recorded = firewall(reached_through="api_gateway", managed=ALL)

    assert set(rules(recorded)) == {*ALL, "rate-limit"} - BY_ADDRESS
    assert set(rules(recorded, "edge")) == {*ALL, "rate-limit"}


def test_behind_api_gateway_the_limit_goes_by_the_address_it_hands_on():  # M24, M25
    _, recorded = firewall(reached_through="api_gateway")

    assert rules(recorded)["rate-limit"]["statement"] == {
        "rate_based_statement": {
            "aggregate_key_type": "FORWARDED_IP",
            "forwarded_ip_config": {
                "header_name": "x-client-address",
                "fallback_behavior": "NO_MATCH",
            },
            "limit": 2000,
            "evaluation_window_sec": 300,
        }
    }
    at_cloudfront = rules(recorded, "edge")["rate-limit"]["statement"]["rate_based_statement"]
    assert at_cloudfront["aggregate_key_type"] == "IP"
    assert "forwarded_ip_config" not in at_cloudfront


def test_block_stops_what_the_rules_match():  # B41
    found = rules(firewall(mode="block")[1])

    assert found["rate-limit"]["action"] == {"block": {}}
    assert "override_action" not in found["rate-limit"]
    for name in ON_BY_DEFAULT:
        assert found[name]["override_action"] == {"none": {}}
        assert "action" not in found[name]


def test_count_stops_nothing():  # B41
    found = rules(firewall(mode="count")[1])

    assert found["rate-limit"]["action"] == {"count": {}}
    for name in ON_BY_DEFAULT:
        assert found[name]["override_action"] == {"count": {}}


@pytest.mark.parametrize("mode", ["count", "block"])
def test_large_bodies_are_counted_and_never_stopped(mode: str):  # B41
    found = rules(firewall(mode=mode)[1])
    overridden = {
        name: found[name]["statement"]["managed_rule_group_statement"]["rule_action_overrides"]
        for name in ON_BY_DEFAULT
    }

    assert overridden.pop("AWSManagedRulesCommonRuleSet") == [
        {"name": "SizeRestrictions_BODY", "action_to_use": {"count": {}}}
    ]
    assert list(overridden.values()) == [[], [], []]


def test_everything_is_measured_and_sampled_under_the_name_it_has():
    for node in firewall()[1].all("wafv2.WebAcl"):
        for named in (node.inputs, *node["rules"]):
            assert named["visibility_config"] == {
                "metric_name": named["name"],
                "cloudwatch_metrics_enabled": True,
                "sampled_requests_enabled": True,
            }


def test_samples_show_nobodys_credentials():
    for node in firewall()[1].all("wafv2.WebAcl"):
        assert node["data_protection_config"]["data_protections"] == [
            {
                "action": "SUBSTITUTION",
                "field": {
                    "field_type": "SINGLE_HEADER",
                    "field_keys": ["authorization", "cookie"],
                },
            }
        ]


def test_what_was_stopped_or_counted_is_written_down_and_nothing_else():  # B41
    _, recorded = firewall()

    for where in ("regional", "edge"):
        group = recorded.one("cloudwatch.LogGroup", f"firewall-{where}-log")
        logging = recorded.one("wafv2.WebAclLoggingConfiguration", f"firewall-{where}-log")
        assert group["name"] == f"aws-waf-logs-backlot-dev-{where}"
        assert group["retention_in_days"] == 7
        assert logging["resource_arn"] == acl(recorded, where).outputs["arn"]
        assert logging["log_destination_configs"] == [group.outputs["arn"]]
        assert logging["logging_filter"] == {
            "default_behavior": "DROP",
            "filters": [
                {
                    "behavior": "KEEP",
                    "requirement": "MEETS_ANY",
                    "conditions": [
                        {"action_condition": {"action": "BLOCK"}},
                        {"action_condition": {"action": "COUNT"}},
                        {"action_condition": {"action": "EXCLUDED_AS_COUNT"}},
                    ],
                }
            ],
        }


def test_the_log_holds_nobodys_credentials():  # B41
    for logging in firewall()[1].all("wafv2.WebAclLoggingConfiguration"):
        assert logging["redacted_fields"] == [
            {"single_header": {"name": "authorization"}},
            {"single_header": {"name": "cookie"}},
        ]


def test_nothing_is_written_down_when_the_settings_say_so():
    _, recorded = firewall(logging=False)

    assert recorded.all("wafv2.WebAclLoggingConfiguration") == []
    assert recorded.all("cloudwatch.LogGroup") == []


def test_protection_waits_for_no_log():
    _, recorded = firewall()
    waits_for = set(recorded.one("wafv2.WebAclAssociation").resource.dependencies)

    assert acl(recorded).urn in waits_for
    assert not waits_for & {node.urn for node in recorded.all("wafv2.WebAclLoggingConfiguration")}


def test_what_belongs_to_cloudfront_lives_in_us_east_1():  # B55
    _, recorded = firewall(region="eu-west-1", encrypted=True)
    there = [
        acl(recorded, "edge"),
        recorded.one("cloudwatch.LogGroup", "firewall-edge-log"),
        recorded.one("wafv2.WebAclLoggingConfiguration", "firewall-edge-log"),
    ]
    here = [
        acl(recorded),
        recorded.one("cloudwatch.LogGroup", "firewall-regional-log"),
        recorded.one("wafv2.WebAclLoggingConfiguration", "firewall-regional-log"),
    ]

    assert [node["region"] for node in there] == ["us-east-1"] * 3
    assert all("region" not in node for node in here)
    assert (here[1]["kms_key_id"], there[1]["kms_key_id"]) == (KEY, THERE)


def test_in_us_east_1_nothing_names_the_region():  # B55
    component, recorded = firewall(encrypted=True)

    for node in recorded.children(recorded.one("backlot:firewall:Firewall")):
        assert "region" not in node
    for group in recorded.all("cloudwatch.LogGroup"):
        assert group["kms_key_id"] == KEY
    assert alarm(component, "edge-many-blocked").watch.region is None


@pytest.mark.parametrize(
    ("mode", "metric", "said"),
    [
        ("block", "BlockedRequests", "were stopped"),
        ("count", "CountedRequests", "would have been stopped"),
    ],
)
def test_somebody_looks_when_a_thousand_requests_are_stopped_or_would_be(
    mode: str, metric: str, said: str
):  # B41
    component, recorded = firewall(region="eu-west-1", mode=mode)

    for where, before in (("regional", "the load balancer"), ("edge", "CloudFront")):
        many = alarm(component, f"{where}-many-blocked")
        assert many.summary == f"1000 or more requests to {before} {said} within 5 minutes."
        assert (many.comparison, many.threshold) == ("at_least", 1000)
        assert (many.severity, many.missing_data) == ("warning", "notBreaching")
        assert many.runbook == "firewall.md#many-blocked"
        watched = recorded.outputs["alarms"][many.name]
        assert watched["metric"] == f"AWS/WAFV2 {metric}"
        assert (watched["statistic"], watched["period"]) == ("Sum", 300)


def test_the_limit_of_the_alarm_is_a_setting():
    component, _ = firewall(blocked_alarm=50)

    assert {alarm.threshold for alarm in component.alarms} == {50}


def test_cloudfronts_metrics_are_in_us_east_1_and_have_no_region_of_their_own():  # B55
    component, recorded = firewall(region="eu-west-1")

    assert recorded.outputs["alarms"]["regional-many-blocked"]["dimensions"] == {
        "WebACL": "backlot-dev-regional",
        "Rule": "ALL",
        "Region": "eu-west-1",
    }
    assert recorded.outputs["alarms"]["edge-many-blocked"]["dimensions"] == {
        "WebACL": "backlot-dev-edge",
        "Rule": "ALL",
    }
    assert alarm(component, "regional-many-blocked").watch.region is None
    assert alarm(component, "edge-many-blocked").watch.region == "us-east-1"


def test_the_dashboard_shows_what_was_let_through_stopped_and_counted():
    component, _ = firewall(region="eu-west-1")

    assert [(panel.group, panel.title) for panel in component.panels] == [
        ("Edge", "Firewall before the load balancer: requests"),
        ("Edge", "Firewall before CloudFront: requests"),
    ]
    for panel, region in zip(component.panels, (None, "us-east-1"), strict=True):
        assert {metric.label for metric in panel.metrics} == {"let through", "stopped", "counted"}
        assert {metric.region for metric in panel.metrics} == {region}


def test_a_web_acl_more_leaves_the_other_as_it_is():
    assert set(firewall(edge=False)[1].urns) < set(firewall(edge=True)[1].urns)


def test_everything_hangs_below_the_component():
    _, recorded = firewall()
    component = recorded.one("backlot:firewall:Firewall")
    made = [node for node in recorded.nodes if node.type.startswith("aws:") and node.name != "user"]

    assert {node.parent for node in made} == {component.urn}
    assert all(node.name.startswith("firewall-") for node in made)


def test_aws_takes_all_of_it_from_a_stack_outside_us_east_1():  # B55
    def program() -> None:
        opts = with_aws(aws.Provider("aws", region="eu-west-1"))
        place = standing_in("eu-west-1")
        keys = Keys(
            "keys",
            KeysArgs(settings=KeysSettings(customer_managed=True), place=replace(place, edge=True)),
            opts,
        )
        heard = NoticesSettings(warning=("platform@studio.example",))
        notices = Notices(
            "notices", NoticesArgs(settings=heard, place=replace(place, edge=True), keys=keys), opts
        )
        logs = Logs(
            settings=LogsSettings(retention_days=7),
            prefix=PREFIX,
            key_arn=keys.logs_arn,
            key_arns_elsewhere=keys.logs_arns_elsewhere,
        )
        component = Firewall(
            "firewall",
            FirewallArgs(
                settings=FirewallSettings(mode="count"),
                ground=replace(place, logs=logs),
                edge=True,
                reached_through="internet",
            ),
            opts,
        )
        AlarmSet(prefix=PREFIX, notices=notices, muted=False).watch([component])

    with MotoProvider() as account:
        recorded = record(program, provider=account)

    assert recorded.findings == []
    assert acl(recorded).outputs["arn"].split(":")[3] == "eu-west-1"
    assert ":us-east-1:" in acl(recorded, "edge").outputs["arn"]
    for node in recorded.all("cloudwatch.MetricAlarm"):
        [topic] = node["alarm_actions"]
        where = "us-east-1" if "edge" in node.name else "eu-west-1"
        assert node.outputs["arn"].split(":")[3] == topic.split(":")[3] == where
