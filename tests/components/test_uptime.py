"""Uptime: what is asked from outside, how often, and who is woken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.alarms import AlarmSet
from components.keys import Keys, KeysArgs
from components.notices import Notices, NoticesArgs
from components.uptime import Endpoint, Uptime, UptimeArgs, endpoint
from rehearsal.provider import MotoProvider
from settings.keys import KeysSettings
from settings.notices import NoticesSettings
from settings.uptime import UptimeSettings
from tests.components.parts import PREFIX, export_watched, ground
from tests.recorder import Node, Recorded, record, with_aws

API = "https://api.studio.example/health"
SITE = "https://app.studio.example"


def build(
    opts: pulumi.ResourceOptions,
    urls: dict[str, pulumi.Input[str]] | None = None,
    **settings: Any,
) -> Uptime:
    return Uptime(
        "uptime",
        UptimeArgs(
            settings=UptimeSettings(**settings),
            place=replace(ground(), region="eu-west-1"),
            urls={"api": API, "site": SITE} if urls is None else urls,
        ),
        opts,
    )


def uptime(
    urls: dict[str, pulumi.Input[str]] | None = None, *, preview: bool = False, **settings: Any
) -> tuple[Uptime, Recorded]:
    made: list[Uptime] = []

    def program() -> None:
        component = build(with_aws(aws.Provider("aws", region="eu-west-1")), urls, **settings)
        made.append(component)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program, preview=preview)
    return made[0], recorded


def check(recorded: Recorded, key: str) -> Node:
    return recorded.one("route53.HealthCheck", f"uptime-{key}")


def test_every_address_is_asked_over_https_where_it_says():  # M26
    _, recorded = uptime()

    assert recorded.names("route53.HealthCheck") == ["uptime-api", "uptime-site"]
    for key, host, path in (
        ("api", "api.studio.example", "/health"),
        ("site", "app.studio.example", "/"),
    ):
        asked = check(recorded, key)
        assert (asked["type"], asked["port"], asked["enable_sni"]) == ("HTTPS", 443, True)
        assert (asked["fqdn"], asked["resource_path"]) == (host, path)
        assert "ip_address" not in asked


def test_an_address_without_tls_is_asked_over_http():  # M26
    _, recorded = uptime({"api": "http://api-1.elb.amazonaws.com/health"})
    asked = check(recorded, "api")

    assert (asked["type"], asked["port"], asked["enable_sni"]) == ("HTTP", 80, False)
    assert asked["fqdn"] == "api-1.elb.amazonaws.com"


def test_it_asks_every_30_seconds_and_three_failures_are_down():  # M26
    for asked in uptime()[1].all("route53.HealthCheck"):
        assert (asked["request_interval"], asked["failure_threshold"]) == (30, 3)
        assert asked["measure_latency"] is True
        assert "regions" not in asked


def test_how_often_it_asks_is_a_setting():
    for asked in uptime(interval_seconds=10, failures=2)[1].all("route53.HealthCheck"):
        assert (asked["request_interval"], asked["failure_threshold"]) == (10, 2)


def test_people_find_a_check_by_its_name():
    _, recorded = uptime()

    assert check(recorded, "api")["tags"] == {"Name": "backlot-dev-api"}


@pytest.mark.parametrize("preview", [False, True])
def test_which_checks_there_are_is_known_before_the_addresses_are(preview: bool):  # M26
    def program() -> None:
        opts = with_aws(aws.Provider("aws", region="eu-west-1"))
        zone = aws.route53.Zone("zone", name="studio.example", opts=opts)
        build(opts, {"api": zone.zone_id.apply(lambda made: f"https://{made.lower()}.example/up")})

    recorded = record(program, preview=preview)

    assert recorded.names("route53.HealthCheck") == ["uptime-api"]
    if not preview:
        zone_id = recorded.one("route53.Zone").outputs["zone_id"].lower()
        assert check(recorded, "api")["fqdn"] == f"{zone_id}.example"


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        (
            "https://a.example:8443/health",
            Endpoint(kind="HTTPS", host="a.example", port=8443, path="/health"),
        ),
        (
            "http://a.example/x?deep=1",
            Endpoint(kind="HTTP", host="a.example", port=80, path="/x?deep=1"),
        ),
        ("https://a.example", Endpoint(kind="HTTPS", host="a.example", port=443, path="/")),
    ],
)
def test_an_address_is_taken_apart(url: str, taken: Endpoint):
    assert endpoint(url) == taken


@pytest.mark.parametrize("url", ["a.example/health", "ftp://a.example", "https:///health"])
def test_what_is_no_address_of_the_web_is_refused(url: str):
    with pytest.raises(ValueError, match="cannot be asked; give an address such as https://host"):
        endpoint(url)


def test_somebody_is_woken_in_the_minute_that_an_address_is_down():  # M26
    component, recorded = uptime()

    assert [alarm.name for alarm in component.alarms] == ["api-down", "site-down"]
    for alarm in component.alarms:
        assert (alarm.comparison, alarm.threshold, alarm.evaluation_periods) == ("below", 1, 1)
        assert (alarm.severity, alarm.missing_data) == ("critical", "breaching")
        assert alarm.runbook == "uptime.md#down"
        key = alarm.name.removesuffix("-down")
        assert recorded.outputs["alarms"][alarm.name] == {
            "metric": "AWS/Route53 HealthCheckStatus",
            "statistic": "Minimum",
            "period": 60,
            "dimensions": {"HealthCheckId": check(recorded, key).id},
        }


def test_everything_is_measured_in_us_east_1():  # B55
    component, _ = uptime()
    shown = [metric for panel in component.panels for metric in panel.metrics]

    assert {alarm.watch.region for alarm in component.alarms} == {"us-east-1"}
    assert {metric.region for metric in shown} == {"us-east-1"}


def test_the_dashboard_shows_who_gets_an_answer_and_how_fast():  # M26
    component, _ = uptime()

    assert [(panel.group, panel.title, panel.unit) for panel in component.panels] == [
        ("Edge", "From outside: checkers that get an answer", "percent"),
        ("Edge", "From outside: time to the first byte", "ms"),
    ]
    for panel in component.panels:
        assert [metric.label for metric in panel.metrics] == ["api", "site"]


def test_an_address_more_leaves_the_others_as_they_are():
    assert set(uptime({"api": API})[1].urns) < set(uptime()[1].urns)


def test_everything_hangs_below_the_component():
    _, recorded = uptime()
    component = recorded.one("backlot:uptime:Uptime")

    assert {node.name for node in recorded.children(component)} == {"uptime-api", "uptime-site"}
    assert component.outputs["check_ids"] == {
        key: check(recorded, key).id for key in ("api", "site")
    }


def test_aws_takes_all_of_it_from_a_stack_outside_us_east_1():  # B55, M26
    def program() -> None:
        opts = with_aws(aws.Provider("aws", region="eu-west-1"))
        place = replace(ground(), region="eu-west-1")
        settings = KeysSettings(customer_managed=False)
        keys = Keys("keys", KeysArgs(settings=settings, place=replace(place, edge=True)), opts)
        args = NoticesArgs(settings=NoticesSettings(), place=replace(place, edge=True), keys=keys)
        notices = Notices("notices", args, opts)
        component = build(opts, {"api": API, "site": "http://app.studio.example"})
        AlarmSet(prefix=PREFIX, notices=notices, muted=False).watch([component])

    with MotoProvider() as account:
        recorded = record(program, provider=account)

    assert recorded.findings == []
    for node in recorded.all("cloudwatch.MetricAlarm"):
        [topic] = node["alarm_actions"]
        assert node.outputs["arn"].split(":")[3] == topic.split(":")[3] == "us-east-1"
