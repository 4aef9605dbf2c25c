"""The written graph is sorted, complete and free of secrets."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pickle import dumps, loads
from typing import Any

import pytest

from rehearsal.graph import SECRET, UNKNOWN, Finding, Graph, Resource


def resource(name: str) -> Resource:
    return Resource(
        urn=f"urn:pulumi:dev::backlot::aws:sqs/queue:Queue::{name}",
        type="aws:sqs/queue:Queue",
        name=name,
        parent="",
        custom=True,
        remote=False,
        source="components/queues.py:61",
        dependencies=("b", "a"),
        property_dependencies={"z": ("b", "a"), "y": ("c",)},
        ignore_changes=("z", "y"),
        inputs={"name": name, "password": "hunter2"},
        secret_inputs=("password",),
        outputs={"arn": UNKNOWN, "token": "hunter2"},
        secret_outputs=("token",),
    )


def finding(source: str, severity: str = "error") -> Finding:
    return Finding(source=source, urn="u", check="c", severity=severity, message="m")  # pyright: ignore[reportArgumentType] (a literal)


def graph(*names: str) -> Graph:
    made = Graph(project="backlot", stack="dev", config_file="Pulumi.dev.yaml")
    made.resources = {one.urn: one for one in map(resource, names)}
    return made


def test_the_order_of_registration_does_not_show() -> None:
    assert graph("a", "b").write() == graph("b", "a").write()


def test_everything_is_sorted_and_findings_are_said_once() -> None:
    one = graph("a")
    one.findings = [finding("b.py:2"), finding("a.py:1"), finding("b.py:2")]
    written = json.loads(one.write())
    assert [found["source"] for found in written["findings"]] == ["a.py:1", "b.py:2"]
    (only,) = written["resources"]
    assert only["dependencies"] == ["a", "b"]
    assert only["property_dependencies"] == {"y": ["c"], "z": ["a", "b"]}
    assert only["ignore_changes"] == ["y", "z"]


def test_secrets_and_unknowns_are_placeholders() -> None:
    one = graph("a")
    one.outputs, one.secret_outputs = {"url": "u", "token": "hunter2"}, ("token",)
    assert "hunter2" not in one.write()
    written = json.loads(one.write())
    assert written["resources"][0]["inputs"] == {"name": "a", "password": SECRET}
    assert written["resources"][0]["outputs"] == {"arn": "[unknown]", "token": SECRET}
    assert written["outputs"] == {"token": SECRET, "url": "u"}


def test_only_an_error_fails_a_graph() -> None:
    one = graph("a")
    one.findings = [finding("a.py:1", "warning")]
    assert not one.failed
    one.findings.append(finding("a.py:1"))
    assert one.failed


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: loads(dumps(it))])
def test_a_copy_of_what_is_unknown_is_itself(copied: Callable[[Any], Any]) -> None:
    assert copied({"arn": UNKNOWN})["arn"] is UNKNOWN
