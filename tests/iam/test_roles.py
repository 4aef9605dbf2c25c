"""Every role of every stack and variant: what it may do, what it may not (tests/iam/roles.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from components.grants import UNSCOPED
from tests.iam.evaluate import Policy, decide
from tests.iam.places import PLACES, StackGraph
from tests.iam.roles import ELSEWHERE, MANAGED, ROWS, WIDE, Place, findings, needed_by, neighbours
from tests.recorder import ROOT


@pytest.mark.parametrize(("stack", "variant"), PLACES)
def test_every_role_may_do_what_it_must_and_nothing_else(
    stack: str, variant: str, stack_graph: StackGraph
) -> None:  # M85
    assert findings(stack_graph(stack, variant)) == []


def test_the_proof_looks_at_every_kind_of_role_and_at_every_neighbour(
    stack_graph: StackGraph,
) -> None:
    place = Place(stack_graph("staging", "fleets"))
    assert len(place.roles) >= 26
    assert sum(len(needed_by(place, role)) for role in place.roles) > 250

    asked = {request.action for request in neighbours(place)}
    assert {"sqs:ReceiveMessage", "s3:GetObject", "secretsmanager:GetSecretValue"} <= asked
    elsewhere = [request for request in neighbours(place) if ELSEWHERE in request.resource]
    here = [request for request in neighbours(place) if ELSEWHERE not in request.resource]
    assert len(elsewhere) > 25
    assert len(here) > 200


def test_no_row_and_no_policy_of_aws_is_left_without_a_role(stack_graph: StackGraph) -> None:
    roles = [role for stack, variant in PLACES for role in Place(stack_graph(stack, variant)).roles]
    assert set(ROWS) == {(role.component, role.kind) for role in roles}
    assert set(MANAGED) == {arn.rpartition("/")[2] for role in roles for arn in role.managed}


def test_no_action_is_on_a_reviewed_list_that_no_component_grants() -> None:
    source = "".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "components").rglob("*.py")
        if file.name != "grants.py"
    )
    assert [action for action in (*UNSCOPED, *WIDE) if f'"{action}"' not in source] == []


LET_THROUGH: Mapping[str, set[str]] = {
    # It writes below /aws/elasticbeanstalk, whichever environment that is.
    "AWSElasticBeanstalkEnhancedHealth": {"logs:PutLogEvents"},
}
"""What AWS's own policies let a role do to a neighbour, which none of ours would."""


def test_what_the_policies_of_aws_let_through_is_known(stack_graph: StackGraph) -> None:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    documents = json.loads(aws_managed_policies_data)
    probes = neighbours(Place(stack_graph("staging", "beanstalk")))
    let_through: dict[str, set[str]] = {}
    for name in MANAGED:
        policy: Policy = documents[name]["Document"]
        for request in probes:
            if decide([policy], request) == "allowed":
                let_through.setdefault(name, set()).add(request.action)
    assert let_through == LET_THROUGH
