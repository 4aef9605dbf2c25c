"""The place of a stack: what its ARNs are."""

from __future__ import annotations

from dataclasses import replace

import pulumi

from tests.components.parts import ground
from tests.recorder import record


def test_an_arn_is_of_the_stacks_region_and_account():
    there = replace(ground(), region="eu-west-1", account_id="210987654321")

    def program() -> None:
        pulumi.export("plain", there.arn("rds", "snapshot:*"))
        pulumi.export("later", there.arn("ecs", pulumi.Output.concat("cluster/", "api-1a2b3c4")))
        pulumi.export("trail", there.trail_arn)

    assert record(program).outputs == {
        "plain": "arn:aws:rds:eu-west-1:210987654321:snapshot:*",
        "later": "arn:aws:ecs:eu-west-1:210987654321:cluster/api-1a2b3c4",
        "trail": "arn:aws:cloudtrail:eu-west-1:210987654321:trail/backlot-dev",
    }
