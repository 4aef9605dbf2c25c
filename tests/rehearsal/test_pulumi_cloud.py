"""Pulumi Cloud's own resources: nothing imitates them, so the SDK's class is all that judges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.provider import MotoProvider
from tests.rehearsal.samples import make, new_graph, resource

SETTINGS = "pulumiservice:index:DeploymentSettings"
GIVEN: dict[str, Any] = {
    "organization": "studio",
    "project": "backlot",
    "stack": "dev",
    "vcs": {"provider": "github", "repository": "studio/backlot", "deployCommits": True},
    "operationContext": {"oidc": {"aws": {"roleARN": "arn", "sessionName": "pulumi-dev"}}},
}


@pytest.fixture(scope="module", name="account")
def _account() -> Iterator[MotoProvider]:
    with MotoProvider() as provider:
        yield provider


def messages(account: MotoProvider, type: str, **inputs: Any) -> list[str]:
    _, findings = make(account, new_graph(), resource(type, "given", **inputs))
    return [finding.message for finding in findings]


def test_what_the_class_knows_is_recorded_without_a_finding(account: MotoProvider) -> None:
    made, findings = make(account, new_graph(), resource(SETTINGS, "dev", **GIVEN))

    assert findings == []
    assert made.made_in == "provider"
    assert made.id
    assert made.outputs == GIVEN


def test_a_property_that_the_class_does_not_know_is_a_finding(account: MotoProvider) -> None:
    assert messages(account, SETTINGS, **GIVEN, stak="dev") == [
        f"stak: no such property of {SETTINGS}; near: stack"
    ]


def test_so_is_one_inside_a_block(account: MotoProvider) -> None:
    vcs = {**GIVEN["vcs"], "deployCommit": True}

    assert messages(account, SETTINGS, **{**GIVEN, "vcs": vcs}) == [
        f"vcs.deployCommit: no such property of {SETTINGS}; near: deployCommits"
    ]


def test_and_so_is_a_value_of_another_type(account: MotoProvider) -> None:
    vcs = {**GIVEN["vcs"], "deployCommits": "perhaps"}

    assert messages(account, SETTINGS, **{**GIVEN, "vcs": vcs}) == [
        'vcs.deployCommits: "perhaps" is not a boolean'
    ]


def test_a_type_that_the_sdk_does_not_have_is_no_pass(account: MotoProvider) -> None:
    [message] = messages(account, "pulumiservice:index:DeploymentWish")

    assert "is not in the rehearsal's catalogue, so nothing about it was checked" in message
