"""Log groups: their paths, how long they are kept, and what encrypts them."""

from __future__ import annotations

import pulumi
import pytest

from components.logs import Logs
from settings.fields import LogRetentionDays
from settings.logs import LogsSettings
from tests.recorder import Node, aws_provider, record

KEY = "arn:aws:kms:us-east-1:123456789012:key/logs"


def group(retention_days: LogRetentionDays = 7, key_arn: str | None = KEY) -> Node:
    logs = Logs(
        settings=LogsSettings(retention_days=retention_days),
        prefix="backlot-dev",
        key_arn=key_arn,
    )
    return record(
        lambda: logs.group(
            "api-logs", "ecs", "api", pulumi.ResourceOptions(provider=aws_provider())
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
