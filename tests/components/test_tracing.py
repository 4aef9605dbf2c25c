"""Tracing: how much is traced, what code needs to send it, and what people look at."""

from __future__ import annotations

import pytest

from components.tracing import Tracing, TracingArgs
from rehearsal.provider import MotoProvider
from settings.tracing import TracingSettings
from tests.components.parts import ground
from tests.recorder import Recorded, aws_provider, record, with_aws


def build(percent: int = 5) -> Tracing:
    return Tracing(
        "tracing",
        TracingArgs(settings=TracingSettings(sample_percent=percent), place=ground()),
        with_aws(aws_provider()),
    )


def tracing(percent: int = 5) -> tuple[Tracing, Recorded]:
    made: list[Tracing] = []
    recorded = record(lambda: made.append(build(percent)))
    return made[0], recorded


@pytest.mark.parametrize(("percent", "share"), [(5, 0.05), (100, 1.0)])
def test_the_first_request_of_each_second_and_a_share_of_the_others(
    percent: int, share: float
):  # M104
    rule = tracing(percent)[1].one("xray.SamplingRule")

    assert (rule["reservoir_size"], rule["fixed_rate"]) == (1, share)
    assert rule["service_name"] == "backlot-dev-*"
    assert (rule["rule_name"], rule["priority"], rule["version"]) == ("backlot-dev", 1000, 1)


def test_people_find_what_the_api_failed():  # M104
    group = tracing()[1].one("xray.Group")

    assert group["group_name"] == "backlot-dev"
    assert group["filter_expression"] == 'service("backlot-dev-api") { fault }'


def test_code_sends_traces_to_the_regions_endpoint_without_a_collector():  # M104
    environment = tracing(12)[0].access().environment

    assert environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] == (
        "https://xray.us-east-1.amazonaws.com/v1/traces"
    )
    assert environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] == "http/protobuf"
    assert environment["OTEL_TRACES_SAMPLER"] == "parentbased_traceidratio"
    assert environment["OTEL_TRACES_SAMPLER_ARG"] == "0.12"
    assert "OTEL_SERVICE_NAME" not in environment


def test_it_may_send_traces_and_read_rules_and_nothing_else():  # M104, M85
    [statement] = tracing()[0].access().statements

    assert statement.actions == [
        "xray:GetSamplingRules",
        "xray:GetSamplingStatisticSummaries",
        "xray:GetSamplingTargets",
        "xray:PutSpans",
        "xray:PutSpansForIndexing",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ]


def test_aws_takes_all_of_it():  # M104
    with MotoProvider() as account:
        recorded = record(lambda: build(), provider=account)

    assert recorded.findings == []
    component = recorded.one("backlot:tracing:Tracing")
    assert {node.name for node in recorded.children(component)} == {
        "tracing-rule",
        "tracing-faulty",
    }
