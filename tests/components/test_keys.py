"""Keys: whose they are, who may use them, and for what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.keys import Keys, KeysArgs
from settings.keys import KeysSettings
from tests.components.parts import ground
from tests.recorder import Recorded, aws_provider, record, with_aws

ACCOUNT = "123456789012"


def build(*, region: str = "eu-west-1", edge: bool = False, **settings: Any) -> Keys:
    return Keys(
        "keys",
        KeysArgs(
            settings=KeysSettings(**{"customer_managed": True, **settings}),
            place=replace(ground(), region=region, edge=edge),
        ),
        with_aws(aws_provider()),
    )


def keys(**settings: Any) -> Recorded:
    return record(lambda: build(**settings))


def statements(recorded: Recorded, name: str) -> dict[str, dict[str, Any]]:
    policy = recorded.one("kms.Key", name).json("policy")
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_data_and_logs_have_a_key_each_that_rotates():  # M84
    recorded = keys(rotation_days=180, deletion_days=14)

    assert recorded.names("kms.Key") == ["keys-data", "keys-logs"]
    for key in recorded.all("kms.Key"):
        assert key["enable_key_rotation"] is True
        assert key["rotation_period_in_days"] == 180
        assert key["deletion_window_in_days"] == 14
        assert "bypass_policy_lockout_safety_check" not in key


def test_people_find_the_keys_by_their_aliases():  # M84
    recorded = keys()

    assert {alias["name"]: alias["target_key_id"] for alias in recorded.all("kms.Alias")} == {
        "alias/backlot-dev-data": recorded.one("kms.Key", "keys-data").outputs["key_id"],
        "alias/backlot-dev-logs": recorded.one("kms.Key", "keys-logs").outputs["key_id"],
    }


def test_without_customer_managed_keys_there_is_nothing_but_the_component():  # M84
    made: list[Keys] = []
    recorded = record(lambda: made.append(build(customer_managed=False)))

    assert recorded.all("kms.Key") == []
    assert recorded.all("kms.Alias") == []
    assert made[0].data_arn is None
    assert made[0].logs_arn is None
    assert recorded.one("backlot:keys:Keys").outputs["customer_managed"] is False


def test_the_account_can_always_manage_its_keys():
    for name in ("keys-data", "keys-logs"):
        leave = statements(keys(), name)["LeaveToIam"]

        assert leave["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        assert leave["Action"] == "kms:*"


def test_cloudwatch_logs_may_use_the_logs_key_for_this_accounts_groups_only():  # M84, M88
    encrypt = statements(keys(), "keys-logs")["EncryptLogGroups"]

    assert encrypt["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    assert encrypt["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:*"
        }
    }


def test_whatever_reports_to_an_encrypted_topic_may_use_the_logs_key():  # M84, M101
    publish = statements(keys(), "keys-logs")["PublishNotices"]

    assert publish["Principal"]["Service"] == ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
    assert publish["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert publish["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_what_does_not_say_for_whom_it_tells_may_use_it_for_the_stacks_topics_alone():  # M102, B27
    tell = statements(keys(), "keys-logs")["PublishEvents"]

    assert tell["Principal"]["Service"] == [
        "costalerts.amazonaws.com",
        "events.amazonaws.com",
        "events.rds.amazonaws.com",
    ]
    assert tell["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert tell["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:sns:topicArn": (
                f"arn:aws:sns:eu-west-1:{ACCOUNT}:backlot-dev-*"
            )
        }
    }


def test_the_stacks_trail_and_no_other_is_encrypted_with_the_logs_key():  # B46
    encrypt = statements(keys(edge=True), "keys-logs")["EncryptTrail"]

    assert encrypt["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert encrypt["Condition"] == {
        "StringEquals": {
            "aws:SourceArn": f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/backlot-dev"
        }
    }
    assert "EncryptTrail" not in statements(keys(edge=True), "keys-edge-logs")


def test_cloudfront_may_decrypt_data_for_this_accounts_distributions_and_nothing_more():  # M84
    data = statements(keys(), "keys-data")
    serve = data["ServeEncryptedObjects"]

    assert serve["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert serve["Action"] == "kms:Decrypt"
    assert serve["Condition"] == {
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/*"}
    }
    assert sorted(data) == ["LeaveToIam", "ServeEncryptedObjects"]


def test_no_service_may_use_a_key_without_a_condition():
    recorded = keys()

    for key in recorded.all("kms.Key"):
        for statement in key.json("policy")["Statement"]:
            assert statement["Principal"] != "*"
            if "Service" in statement["Principal"]:
                assert statement["Condition"]


def test_the_keys_belong_to_the_component():
    recorded = keys()
    component = recorded.one("backlot:keys:Keys")

    assert {node.name for node in recorded.children(component)} == {"keys-data", "keys-logs"}
    assert component.outputs == {
        "customer_managed": True,
        "data_arn": recorded.one("kms.Key", "keys-data").outputs["arn"],
        "logs_arn": recorded.one("kms.Key", "keys-logs").outputs["arn"],
    }


def test_a_stack_elsewhere_has_one_more_key_for_logs_and_notices_in_us_east_1():  # B55, M84
    recorded = keys(edge=True, rotation_days=180, deletion_days=14)
    key = recorded.one("kms.Key", "keys-edge-logs")
    alias = recorded.one("kms.Alias", "keys-edge-logs")

    assert recorded.names("kms.Key") == ["keys-data", "keys-edge-logs", "keys-logs"]
    assert (key["region"], alias["region"]) == ("us-east-1", "us-east-1")
    assert alias["name"] == "alias/backlot-dev-logs"
    assert alias["target_key_id"] == key.outputs["key_id"]
    assert (key["rotation_period_in_days"], key["deletion_window_in_days"]) == (180, 14)
    for name in ("keys-data", "keys-logs"):
        assert "region" not in recorded.one("kms.Key", name)
        assert "region" not in recorded.one("kms.Alias", name)
    assert recorded.one("backlot:keys:Keys").outputs["logs_arns_elsewhere"] == {
        "us-east-1": key.outputs["arn"]
    }


def test_the_key_elsewhere_serves_the_logs_of_its_own_region():  # B55
    there = statements(keys(edge=True), "keys-edge-logs")
    encrypt = there["EncryptLogGroups"]

    assert sorted(there) == ["EncryptLogGroups", "LeaveToIam", "PublishEvents", "PublishNotices"]
    assert encrypt["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    assert encrypt["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*"
        }
    }


def test_a_stack_in_us_east_1_needs_no_further_key():  # B55
    one, edge = keys(region="us-east-1"), keys(region="us-east-1", edge=True)

    assert [(node.urn, node.inputs) for node in one.nodes] == [
        (node.urn, node.inputs) for node in edge.nodes
    ]
    assert edge.names("kms.Key") == ["keys-data", "keys-logs"]


def test_keys_for_logs_are_handed_out_by_region():  # B55
    def program() -> None:
        made = build(edge=True)

        assert made.logs_arn_in("eu-west-1") is made.logs_arn
        assert made.logs_arn_in("us-east-1") is made.logs_arns_elsewhere["us-east-1"]
        with pytest.raises(
            ValueError, match="no key for logs in us-west-2, only in eu-west-1, us-east-1; "
        ):
            made.logs_arn_in("us-west-2")

    record(program)


def test_the_keys_aws_owns_are_everywhere():  # B55
    made: list[Keys] = []
    recorded = record(lambda: made.append(build(edge=True, customer_managed=False)))

    assert recorded.all("kms.Key") == []
    assert made[0].logs_arn_in("us-east-1") is None
    assert made[0].logs_arn_in("us-west-2") is None
