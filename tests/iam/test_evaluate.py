"""The evaluator that the proofs rest on: each rule of IAM, on and off."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam.evaluate import Decision, Request, decide, matches

QUEUE = "arn:aws:sqs:us-east-1:123456789012:jobs"
ROLE = "arn:aws:iam::123456789012:role/worker"
SESSION = "arn:aws:sts::123456789012:assumed-role/worker/i-1"


def allow(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE, **more}


def decided(*statements: dict[str, Any], **request: Any) -> Decision:
    asked = {"action": "sqs:SendMessage", "resource": QUEUE, **request}
    return decide([{"Statement": list(statements)}], Request(**asked))


@pytest.mark.parametrize(
    ("request_", "decision"),
    [
        ({}, "allowed"),
        ({"action": "SQS:sendmessage"}, "allowed"),
        ({"action": "sqs:SendMessageBatch"}, "not granted"),
        ({"resource": f"{QUEUE}-other"}, "not granted"),
        ({"resource": QUEUE.replace("jobs", "Jobs")}, "not granted"),
    ],
)
def test_a_grant_holds_for_its_action_and_its_resource(
    request_: dict[str, Any], decision: Decision
) -> None:
    assert decided(allow(), **request_) == decision


def test_a_refusal_wins_wherever_it_stands() -> None:
    refusal = {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}
    assert decided(allow(), refusal) == decided(refusal, allow()) == "denied"
    assert decided({**refusal, "Action": "s3:*"}, allow()) == "allowed"
    assert decided() == "not granted"


def test_whatever_is_not_named_is_meant_by_not() -> None:
    others = {"Effect": "Allow", "NotAction": ["iam:*", "sqs:Purge*"], "NotResource": f"{QUEUE}-*"}
    assert decided(others) == "allowed"
    assert decided(others, action="iam:CreateUser") == "not granted"
    assert decided(others, action="sqs:PurgeQueue") == "not granted"
    assert decided(others, resource=f"{QUEUE}-dead") == "not granted"


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("arn:aws:s3:::media/*", "arn:aws:s3:::media/a/b.png", True),
        ("arn:aws:s3:::media/*", "arn:aws:s3:::media", False),
        ("job-?", "job-1", True),
        ("job-?", "job-12", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
    ],
)
def test_only_stars_and_question_marks_are_wildcards(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


@pytest.mark.parametrize(
    ("condition", "context", "met"),
    [
        ({"StringEquals": {"a:b": "x"}}, {"A:B": "x"}, True),
        ({"StringEquals": {"a:b": ["x", "y"]}}, {"a:b": "y"}, True),
        ({"StringEquals": {"a:b": "x*"}}, {"a:b": "xy"}, False),
        ({"StringEquals": {"a:b": "x"}}, {}, False),
        ({"StringEqualsIfExists": {"a:b": "x"}}, {}, True),
        ({"StringEqualsIfExists": {"a:b": "x"}}, {"a:b": "y"}, False),
        ({"StringEqualsIgnoreCase": {"a:b": "X"}}, {"a:b": "x"}, True),
        ({"StringNotEquals": {"a:b": ["x", "y"]}}, {"a:b": "y"}, False),
        ({"StringNotEquals": {"a:b": "x"}}, {}, True),
        ({"StringLike": {"a:b": "repo:studio/*:ref"}}, {"a:b": "repo:studio/app:ref"}, True),
        ({"StringNotLike": {"a:b": "repo:*"}}, {"a:b": "repo:studio"}, False),
        ({"ArnLike": {"a:b": "arn:aws:sqs:*:*:jobs"}}, {"a:b": QUEUE}, True),
        ({"ArnEquals": {"a:b": "arn:aws:*:jobs"}}, {"a:b": QUEUE}, False),
        ({"ArnNotLike": {"a:b": "arn:aws:sqs:*:*:jobs"}}, {"a:b": QUEUE}, False),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws:SecureTransport": "false"}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, {"aws:SecureTransport": "false"}, False),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, {}, True),
        ({"Null": {"a:b": "true"}}, {}, True),
        ({"Null": {"a:b": "false"}}, {}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:SourceIp": "10.1.2.3"}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:SourceIp": "10.1.2.3"}, False),
        ({"NumericLessThan": {"a:b": "3600"}}, {"a:b": "3600"}, False),
        ({"NumericLessThanEquals": {"a:b": 3600}}, {"a:b": "3600"}, True),
        ({"ForAnyValue:StringEquals": {"a:b": ["x"]}}, {"a:b": ["y", "x"]}, True),
        ({"ForAllValues:StringEquals": {"a:b": ["x"]}}, {"a:b": ["y", "x"]}, False),
        ({"ForAllValues:StringEquals": {"a:b": ["x"]}}, {}, True),
        ({"StringEquals": {"a:b": "x", "c:d": "y"}}, {"a:b": "x"}, False),
    ],
)
def test_a_condition_holds_a_grant(
    condition: dict[str, Any], context: dict[str, Any], met: bool
) -> None:
    assert decided(allow(Condition=condition), context=context) == (
        "allowed" if met else "not granted"
    )


def test_what_it_has_no_rule_for_is_no_proof() -> None:
    with pytest.raises(ValueError, match="no rule for the condition DateLessThan"):
        decided(allow(Condition={"DateLessThan": {"a:b": "2026"}}), context={"a:b": "2025"})
    with pytest.raises(ValueError, match="NotPrincipal has no rule"):
        decided(allow(NotPrincipal="*"))


@pytest.mark.parametrize(
    ("named", "asking", "met"),
    [
        ("*", {"AWS": ROLE}, True),
        ({"AWS": "*"}, {"AWS": ROLE}, True),
        ({"AWS": ROLE}, {"AWS": ROLE}, True),
        ({"AWS": [f"{ROLE}-2", ROLE]}, {"AWS": SESSION}, True),
        ({"AWS": f"{ROLE}-2"}, {"AWS": SESSION}, False),
        ({"AWS": "123456789012"}, {"AWS": SESSION}, True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, {"AWS": ROLE}, True),
        ({"AWS": "arn:aws:iam::210987654321:root"}, {"AWS": ROLE}, False),
        ({"Service": "lambda.amazonaws.com"}, {"Service": "lambda.amazonaws.com"}, True),
        ({"Service": "lambda.amazonaws.com"}, {"Service": "ec2.amazonaws.com"}, False),
        ({"Service": "lambda.amazonaws.com"}, {"AWS": ROLE}, False),
        ({"Federated": "accounts.example"}, {"Federated": "accounts.example"}, True),
    ],
)
def test_a_policy_of_a_resource_says_whom_it_means(
    named: Any, asking: dict[str, str], met: bool
) -> None:
    expected = "allowed" if met else "not granted"
    assert decided(allow(Principal=named), principal=asking) == expected
