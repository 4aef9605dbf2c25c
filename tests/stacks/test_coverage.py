"""Every stack and variant is covered: watched, helped, kept, closed and tagged (coverage.py)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.conftest import STACKS
from tests.iam.places import PLACES, StackGraph
from tests.recorder import type_token
from tests.rows import proves
from tests.stacks.coverage import (
    ADDRESSED,
    DOORS,
    FACING,
    STORES,
    UNWATCHED,
    WATCHED,
    gaps,
    written_runbooks,
)


@proves("M125", "ai-film-studio")
@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_nothing_of_a_stack_is_left_uncovered(
    stack: str, variant: str, stack_graph: StackGraph
) -> None:
    assert gaps(stack_graph(stack, variant), written_runbooks()) == []  # B42, B44


def test_a_type_is_watched_or_needs_no_watch_and_never_both() -> None:
    assert set(WATCHED) & set(UNWATCHED) == set()
    assert set(STORES) - set(WATCHED) - set(UNWATCHED) == set()
    assert set(FACING) - set(WATCHED) - set(UNWATCHED) == set()
    assert ADDRESSED & (set(WATCHED) | set(UNWATCHED)) == set()


# As production is shipped: what must be there for the proof to have looked at anything.
LOOKED_AT: Mapping[str, int] = {
    "acm.Certificate": 2,
    "cloudfront.Distribution": 2,
    "cognito.UserPool": 1,
    "ec2.NatGateway": 3,
    "ecs.Service": 2,
    "elasticache.ReplicationGroup": 1,
    "lb.LoadBalancer": 1,
    "rds.Instance": 3,
    "route53.HealthCheck": 2,
    "s3.Bucket": 5,
    "sqs.Queue": 2,
    "wafv2.WebAcl": 2,
}


def test_production_has_what_the_proof_is_about(stack_graph: StackGraph) -> None:
    recorded = stack_graph("production")
    assert {name: len(recorded.all(name)) for name in LOOKED_AT} == LOOKED_AT
    assert len(recorded.all("lambda.Function")) >= 4
    assert len(recorded.all("cloudwatch.LogGroup")) >= 15


@pytest.mark.parametrize("stack", STACKS)
def test_only_the_doors_have_an_address_on_the_internet(
    stack: str, stack_graph: StackGraph
) -> None:
    recorded = stack_graph(stack)
    facing = {node.name for name in FACING for node in recorded.all(name)}
    assert facing == {"load-balancer-alb", "cdn-media", "cdn-site", "users-page"}

    doors = {
        rule.name
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if "0.0.0.0/0" in (rule.get("cidr_ipv4"), rule.get("cidr_ipv6"))
    }
    # Without a name of its own, dev has no certificate to answer 443 with.
    assert doors == {name for name in DOORS if stack != "dev" or DOORS[name] == 80}


def test_staging_behind_a_front_has_no_door_in_its_network(stack_graph: StackGraph) -> None:
    for variant in ("behind-cloudfront", "behind-gateway"):
        recorded = stack_graph("staging", variant)
        rules = recorded.all("vpc.SecurityGroupIngressRule")
        assert not [rule for rule in rules if rule.get("cidr_ipv4") == "0.0.0.0/0"]
        assert recorded.one("lb.LoadBalancer")["internal"] is True


def test_every_door_is_some_stacks(stack_graph: StackGraph) -> None:
    found = {node.type for stack, variant in PLACES for node in stack_graph(stack, variant).nodes}
    assert set(map(type_token, FACING)) <= found
