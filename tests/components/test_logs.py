"""Log groups: their paths, how long they are kept, and what encrypts them."""

from __future__ import annotations

import pulumi
import pytest

from components.logs import Logs
from settings.fields import LogRetentionDays
from settings.logs import LogsSettings
from tests.recorder import Node, aws_provider, record

KEY = "arn:aws:kms:us-east-1:123456789012:key/logs"


THERE = "arn:aws:kms:us-west-2:123456789012:key/logs"


def logs(retention_days: LogRetentionDays = 7, key_arn: str | None = KEY) -> Logs:
    return Logs(
        settings=LogsSettings(retention_days=retention_days),
        prefix="backlot-dev",
        key_arn=key_arn,
        key_arns_elsewhere={"us-west-2": THERE},
    )


def group(
    retention_days: LogRetentionDays = 7, key_arn: str | None = KEY, region: str | None = None
) -> Node:
    return record(
        lambda: logs(retention_days, key_arn).group(
            "api-logs",
            "ecs",
            "api",
            pulumi.ResourceOptions(provider=aws_provider()),
            region=region,
        )
    ).one("cloudwatch.LogGroup")


def test_people_search_logs_by_service_and_stack():  # M88
    node = group()

    assert node.name == "api-logs"
    assert node["name"] == "/ecs/backlot-dev-api"


@pytest.mark.parametrize("days", [7, 30])  # M88
def test_a_group_is_kept_as_long_as_the_stack_says(days: LogRetentionDays):
    assert group(days)["retention_in_days"] == days


def test_a_group_is_encrypted_with_the_customer_managed_key():
    assert group()["kms_key_id"] == KEY


def test_without_a_key_cloudwatch_uses_its_own():
    assert "kms_key_id" not in group(key_arn=None)


def test_a_group_in_another_region_is_encrypted_with_the_key_there():  # B55
    node = group(region="us-west-2")

    assert node["region"] == "us-west-2"
    assert node["kms_key_id"] == THERE


def test_a_group_where_the_stack_is_does_not_name_the_region():  # B55
    assert "region" not in group()


def test_without_a_key_a_group_in_another_region_needs_none():  # B55
    node = group(key_arn=None, region="eu-west-1")

    assert node["region"] == "eu-west-1"
    assert "kms_key_id" not in node


def test_a_group_that_would_lose_its_key_in_another_region_is_refused():  # B55
    with pytest.raises(AssertionError, match="no key for a log group in eu-west-1; give Logs"):
        group(region="eu-west-1")


def test_a_service_that_demands_a_name_gets_it():
    node = record(
        lambda: logs().group_called(
            "log", "aws-waf-logs-edge", pulumi.ResourceOptions(provider=aws_provider())
        )
    ).one("cloudwatch.LogGroup")

    assert node["name"] == "aws-waf-logs-edge"
    assert node["retention_in_days"] == 7
    assert node["kms_key_id"] == KEY


def test_every_group_is_remembered_for_what_reads_them_all():  # M89, M90
    kept = logs()

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=aws_provider())
        kept.group("api", "ecs", "api", opts)
        kept.group_called("waf", "aws-waf-logs-backlot-dev-edge", opts, region="us-west-2")
        kept.group("trail", "cloudtrail", "trail", opts, archived=False)
        pulumi.export("names", [group.name for group in kept.made])

    recorded = record(program)

    assert [(group.what, group.region, group.archived) for group in kept.made] == [
        ("/ecs/api", None, True),
        ("aws-waf-logs-edge", "us-west-2", True),
        ("/cloudtrail/trail", None, False),
    ]
    assert recorded.outputs["names"] == [
        "/ecs/backlot-dev-api",
        "aws-waf-logs-backlot-dev-edge",
        "/cloudtrail/backlot-dev-trail",
    ]


def test_one_stacks_logs_remember_nothing_of_anothers():
    first, second = logs(), logs()
    record(
        lambda: first.group("api", "ecs", "api", pulumi.ResourceOptions(provider=aws_provider()))
    )

    assert len(first.made) == 1
    assert second.made == []
