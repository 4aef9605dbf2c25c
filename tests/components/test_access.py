"""What a workload is handed: all of it at once, and nothing twice."""

from __future__ import annotations

import pulumi
import pytest

from components.access import Access, Path, combined, open_paths
from components.containers import ContainerSecret
from components.grants import Statement
from tests.recorder import aws_provider, record, with_aws

READ = Statement(sid="Read", actions=["s3:GetObject"], resources=["arn:aws:s3:::media/*"])
KEY = Statement(sid="UseKey", actions=["kms:Decrypt"], resources=["arn:aws:kms:::key/data"])


def secret(environment: str) -> ContainerSecret:
    return ContainerSecret(environment=environment, value_from="arn", read=())


def test_several_accesses_become_one_in_the_order_given() -> None:
    database = Path(to="database", group_id="sg-1", port=5432)
    cache = Path(to="cache", group_id="sg-2", port=6379)

    access = combined(
        [
            Access(secrets=[secret("DATABASE_URL")], statements=[KEY], paths=[database]),
            Access(environment={"MEDIA_BUCKET": "media"}, statements=[READ, KEY]),
            Access(secrets=[secret("REDIS_URL")], paths=[cache]),
        ]
    )

    assert access.environment == {"MEDIA_BUCKET": "media"}
    assert [one.environment for one in access.secrets] == ["DATABASE_URL", "REDIS_URL"]
    assert access.statements == (KEY, READ)
    assert access.paths == (database, cache)


def test_a_workload_that_uses_nothing_is_handed_nothing() -> None:
    assert combined([]) == Access(environment={}, secrets=(), statements=(), paths=())


@pytest.mark.parametrize(
    "second",
    [Access(environment={"TOKEN": "plain"}), Access(secrets=[secret("TOKEN")])],
    ids=["plain", "secret"],
)
def test_a_variable_that_two_things_set_is_refused(second: Access) -> None:
    with pytest.raises(ValueError, match="the variable TOKEN is set twice for one workload"):
        combined([Access(secrets=[secret("TOKEN")]), second])


def test_two_different_grants_of_one_name_are_refused() -> None:
    other = Statement(sid="Read", actions=["s3:PutObject"], resources=["arn:aws:s3:::static/*"])
    first = Access(statements=[READ, KEY])

    assert combined([first, Access(statements=[READ])]).statements == (READ, KEY)
    with pytest.raises(ValueError, match="two different grants are called Read"):
        combined([first, Access(statements=[other])])


def test_a_path_is_a_rule_out_of_one_group_and_into_the_other() -> None:
    def program() -> None:
        parent = pulumi.ComponentResource("test:index:Api", "api", None, with_aws(aws_provider()))
        opts = pulumi.ResourceOptions(parent=parent)
        open_paths("api", [Path(to="database", group_id="sg-db", port=5432)], "sg-api", opts)

    recorded = record(program)

    out = recorded.one("vpc.SecurityGroupEgressRule", "api-to-database-out")
    assert (out["security_group_id"], out["referenced_security_group_id"]) == ("sg-api", "sg-db")
    into = recorded.one("vpc.SecurityGroupIngressRule", "api-to-database-in")
    assert (into["security_group_id"], into["referenced_security_group_id"]) == ("sg-db", "sg-api")
    for rule in (out, into):
        assert (rule["ip_protocol"], rule["from_port"], rule["to_port"]) == ("tcp", 5432, 5432)
        assert "cidr_ipv4" not in rule
