"""Where every role of the stack lies, and the permissions boundary: on all of them, or on none."""

from __future__ import annotations

from pathlib import Path

import yaml

from rehearsal.record import RecordOnlyProvider
from rehearsal.run import rehearse
from tests.recorder import ROOT, Recorded
from tests.settings.stack_files import bent

BOUNDARY = "arn:aws:iam::123456789012:policy/backlot-workloads"


def test_a_boundary_is_on_every_role_and_on_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(
        yaml.safe_dump({"config": bent("dev", {"platform.permissions_boundary": BOUNDARY})})
    )

    recorded = Recorded(rehearse(ROOT, "dev", file, RecordOnlyProvider()))

    bounded = [node for node in recorded.nodes if "permissions_boundary" in node]
    assert len(bounded) >= 14
    assert {node["permissions_boundary"] for node in bounded} == {BOUNDARY}
    assert [node.urn for node in bounded] == [node.urn for node in recorded.all("iam.Role")]


def test_without_a_boundary_roles_have_none(stack_graph) -> None:
    roles = stack_graph("dev").all("iam.Role")
    assert roles
    assert not any("permissions_boundary" in role for role in roles)


def test_every_role_lies_in_the_stacks_own_path_where_bootstrap_grants_it(stack_graph) -> None:
    recorded = stack_graph("dev")
    placed = [*recorded.all("iam.Role"), *recorded.all("iam.InstanceProfile")]

    assert len(placed) >= 15
    assert {node["path"] for node in placed} == {"/backlot-dev/"}
    assert [node.urn for node in recorded.nodes if node.get("path") == "/backlot-dev/"] == [
        node.urn for node in recorded.nodes if node in placed
    ]
