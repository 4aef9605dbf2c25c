"""What component tests read recordings with."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
import pytest

from rehearsal.record import RecordOnlyProvider
from tests.recorder import Recorded, record, recorded_once, type_token


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    def program() -> None:
        letters = aws.sqs.Queue("letters", opts=pulumi.ResourceOptions(protect=True))
        aws.sqs.Queue(
            "jobs",
            visibility_timeout_seconds=900,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": letters.arn}),
            tags={"costCenter": "x"},
        )
        aws.lb.TargetGroup("web", health_check={"healthy_threshold": 3, "path": "/health"})
        pulumi.export("url", letters.url)

    return record(program)


def test_inputs_are_read_under_the_names_of_the_sdk(recorded: Recorded) -> None:
    assert recorded.one("sqs.Queue", "jobs")["visibility_timeout_seconds"] == 900
    health_check = recorded.one("lb.TargetGroup")["health_check"]
    assert health_check == {"healthy_threshold": 3, "path": "/health"}


def test_the_words_of_the_user_are_left_alone(recorded: Recorded) -> None:
    jobs = recorded.one("sqs.Queue", "jobs")
    assert jobs["tags"] == {"costCenter": "x"}
    assert set(jobs.json("redrive_policy")) == {"deadLetterTargetArn"}


def test_absence_can_be_asked_for(recorded: Recorded) -> None:
    letters = recorded.one("sqs.Queue", "letters")
    assert "redrive_policy" not in letters
    assert letters.get("redrive_policy") is None
    with pytest.raises(KeyError, match="has no input 'redrive_policy'; it has name"):
        letters["redrive_policy"]


def test_a_missing_or_ambiguous_resource_says_what_there_is(recorded: Recorded) -> None:
    with pytest.raises(AssertionError, match="0 resources match aws:sns/topic:Topic; the types"):
        recorded.one("sns.Topic")
    with pytest.raises(AssertionError, match="named 'x'; there are 2 of that type: jobs, letters"):
        recorded.one("sqs.Queue", "x")
    with pytest.raises(AssertionError, match="2 resources match"):
        recorded.one("sqs.Queue")
    assert recorded.all("sns.Topic") == []
    assert recorded.names("sqs.Queue") == ["jobs", "letters"]


def test_made_up_outputs_are_spelled_as_aws_spells_them(recorded: Recorded) -> None:
    name = recorded.one("sqs.Queue", "letters")["name"]
    assert recorded.outputs == {"url": f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}"}
    policy = recorded.one("sqs.Queue", "jobs").json("redrive_policy")
    assert policy == {"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:123456789012:{name}"}


def test_a_crash_of_the_program_fails_the_test() -> None:
    def program() -> None:
        raise ValueError("no such size")

    with pytest.raises(AssertionError, match="ValueError: no such size"):
        record(program)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("sqs.Queue", "aws:sqs/queue:Queue"),
        (
            "vpc.SecurityGroupIngressRule",
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        ),
        ("random.RandomPassword", "random:index/randomPassword:RandomPassword"),
        ("backlot:stores:Database", "backlot:stores:Database"),
    ],
)
def test_types_may_be_given_in_short(short: str, full: str) -> None:
    assert type_token(short) == full


def test_a_helper_records_once_for_equal_arguments_unless_they_are_no_plain_data() -> None:
    recordings: list[object] = []

    @recorded_once
    def queue(size: int, **given: object) -> int:
        recordings.append(given)
        return len(recordings)

    assert [queue(1, tags={"a": 1, "b": 2}), queue(1, tags={"b": 2, "a": 1})] == [1, 1]
    assert [queue(2), queue(1, tags={}), queue(2)] == [2, 3, 2]
    provider = RecordOnlyProvider()
    assert [queue(2, provider=provider), queue(2, provider=provider)] == [4, 5]
