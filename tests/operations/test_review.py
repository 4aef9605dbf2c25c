"""What a reviewer is told of a preview, and what stops a pull request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from operations import review
from rehearsal import catalogue
from tests.conftest import STACKS


def step(op: str, type: str, name: str, *, changed: Sequence[str] = (), **more: Any) -> Any:
    urn = f"urn:pulumi:staging::backlot::backlot:stores:Database${type}::{name}"
    return {
        "op": op,
        "urn": urn,
        "detailedDiff": {path: {"kind": "update"} for path in changed},
        **more,
    }


DATABASE = ("aws:rds/instance:Instance", "database-primary")


def reviewed(
    folder: Path, steps: Sequence[Mapping[str, Any]], approvals: str = "", **more: Any
) -> int:
    (folder / "preview.json").write_text(json.dumps({"steps": steps, **more}))
    (folder / "body.md").write_text(approvals)
    preview, body = str(folder / "preview.json"), str(folder / "body.md")
    return review.main([preview, "--stack", "staging", "--approvals", body])


def test_a_new_size_of_the_database_is_a_restart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [
        step("update", *DATABASE, changed=["instanceClass"]),
        step("update", "aws:rds/instance:Instance", "database-replica-1", changed=["tags.Owner"]),
        step("same", "aws:s3/bucket:Bucket", "buckets-media"),
    ]

    assert reviewed(tmp_path, steps) == 0
    assert capsys.readouterr().out == (
        "### staging\n"
        "\n"
        "2 to update\n"
        "\n"
        "**Restarts or rolls out (1)**\n"
        "\n"
        "- update `database-primary` (Instance): `instanceClass`\n"
        "\n"
        "<details>\n"
        "<summary>Changes (1)</summary>\n"
        "\n"
        "- update `database-replica-1` (Instance): `tags`\n"
        "\n"
        "</details>\n"
    )


@pytest.mark.parametrize("op", ["replace", "delete"])
def test_what_loses_data_is_refused_until_it_is_approved_by_name(
    op: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [step(op, *DATABASE, replaceReasons=["username"])]

    assert reviewed(tmp_path, steps) == 1
    told = capsys.readouterr().out
    assert "**This would lose data.**" in told
    assert "\nData loss: staging/database-primary\n" in told
    assert "**Loses data (1)**" in told
    assert "because of `username`" in told

    assert reviewed(tmp_path, steps, "We meant it.\n- Data loss: staging/database-primary\n") == 0
    assert "**This would lose data.**" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "approval",
    [
        "Data loss: production/database-primary",
        "Data loss: staging/database",
        "Data loss: staging/*",
        "no Data loss: staging/database-primary",
    ],
)
def test_an_approval_of_something_else_is_none(approval: str, tmp_path: Path) -> None:
    assert reviewed(tmp_path, [step("delete", *DATABASE)], approval) == 1


def test_a_replacement_is_told_once_and_by_its_worst_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    balancer = ("aws:lb/loadBalancer:LoadBalancer", "load-balancer-alb")
    steps = [
        step("create-replacement", *balancer),
        step("replace", *balancer, changed=["internal"], replaceReasons=["internal"]),
        step("delete-replaced", *balancer),
    ]

    assert reviewed(tmp_path, steps) == 0
    told = capsys.readouterr().out
    assert "1 to replace\n" in told
    assert "**Interrupts (1)**" in told
    assert told.count("load-balancer-alb") == 1


def test_values_are_never_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = step(
        "update",
        "aws:ssm/parameter:Parameter",
        "secrets-openai",
        changed=["value"],
        oldState={"inputs": {"value": "sk-old"}},
        newState={"inputs": {"value": "sk-new"}},
    )

    reviewed(tmp_path, [secret])

    told = capsys.readouterr().out
    assert "`value`" in told
    assert "sk-" not in told


def test_nothing_to_do_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reviewed(tmp_path, [step("same", *DATABASE)]) == 0
    assert capsys.readouterr().out == "### staging\n\nNothing changes.\n"


def test_a_preview_that_failed_is_no_review(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diagnostics = [{"severity": "error", "message": "Pulumi.staging.yaml: backlot:database: ..."}]

    assert reviewed(tmp_path, [], diagnostics=diagnostics) == 1
    told = capsys.readouterr()
    assert "**The preview failed**" in told.out
    assert told.err == "Pulumi.staging.yaml: backlot:database: ...\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"op": 1}\n{"op": 2}\n', "unset PULUMI_ENABLE_STREAMING_JSON_PREVIEW"),
        ("Previewing update (staging)", "give what `pulumi preview --json` writes"),
        ("{}", "has no steps"),
    ],
)
def test_what_is_no_preview_is_refused_in_words(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "preview.json"
    file.write_text(text)

    assert review.main([str(file), "--stack", "staging"]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("stack", STACKS)
def test_whatever_a_stack_protects_counts_as_data(stack: str, stack_graph) -> None:
    """Or the guard would let through what Pulumi itself would not."""
    protected = {node.type for node in stack_graph(stack).nodes if node.resource.protect}

    made_again_in_a_moment = {"aws:kms/alias:Alias"}
    ours = {kind for kind in protected if kind.startswith("aws:")}
    assert ours - made_again_in_a_moment <= review.HOLDS_DATA | review.CARRIES_TRAFFIC


def test_every_type_the_guard_knows_is_one_the_program_can_make() -> None:
    """A misspelt type would never be seen again."""
    known = review.HOLDS_DATA | review.CARRIES_TRAFFIC | set(review.RESTARTS)
    assert [kind for kind in sorted(known) if catalogue.find(kind) is None] == []
