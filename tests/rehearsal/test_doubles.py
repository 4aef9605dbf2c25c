"""Two resources that are one in AWS, which neither moto nor AWS refuses."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
import pytest

from rehearsal import catalogue, sdk
from rehearsal.checks import doubles
from rehearsal.graph import Graph
from tests.recorder import record
from tests.rehearsal.clean_program import clean_program


def test_a_clean_program_has_no_doubles() -> None:
    assert doubles.check(record(clean_program).graph) == []


def queues(second: str, region: str | None = None) -> Graph:
    def program() -> None:
        aws.sqs.Queue("first", name="jobs")
        aws.sqs.Queue("second", name=second, region=region)

    return record(program).graph


def test_the_second_of_one_name_is_found_and_says_where_the_first_is() -> None:
    graph = queues("jobs")
    (finding,) = doubles.check(graph)
    first, second = graph.resources.values()
    assert (finding.urn, finding.source, finding.severity) == (second.urn, second.source, "error")
    assert finding.message == (
        f"name: 'jobs' is taken by 'first', made at {first.source}; AWS has one for each name"
    )


def test_other_names_and_other_regions_are_no_doubles() -> None:
    assert doubles.check(queues("other")) == []
    assert doubles.check(queues("jobs", region="eu-west-1")) == []


def test_a_bucket_has_one_policy_and_a_role_many() -> None:
    def program() -> None:
        bucket = aws.s3.Bucket("media").bucket
        for name in ("read", "write"):
            document = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": []})
            aws.s3.BucketPolicy(name, bucket=bucket, policy=document)
            aws.iam.RolePolicy(name, role="api", policy=document)

    assert [finding.urn.rpartition("$")[2] for finding in doubles.check(record(program).graph)] == [
        "urn:pulumi:dev::backlot::aws:s3/bucketPolicy:BucketPolicy::write"
    ]


def test_what_was_refused_has_no_double() -> None:
    graph = queues("jobs")
    next(iter(graph.resources.values())).made_in = "nothing"
    assert doubles.check(graph) == []


@pytest.mark.parametrize("type", doubles.TOLD_APART_BY)
def test_the_types_and_their_inputs_exist(type: str) -> None:
    assert catalogue.find(type)
    assert set(doubles.TOLD_APART_BY[type]) <= set(sdk.inputs(type))
