"""The account's project, recorded, and its roles as IAM sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.record import RecordOnlyProvider
from rehearsal.run import rehearse
from tests.iam.evaluate import Decision, Policy, Request, decide
from tests.recorder import ROOT, Node, Recorded

BOOTSTRAP = ROOT / "bootstrap"
SHIPPED = BOOTSTRAP / "Pulumi.account.yaml"

ACCOUNT = "123456789012"
REGION = "us-east-1"
ENVIRONMENTS = ("dev", "staging", "production")


def record_account(file: Path = SHIPPED) -> Recorded:
    """The project, unmodified, with the settings of `file`."""
    return Recorded(rehearse(BOOTSTRAP, "account", file, RecordOnlyProvider()))


@dataclass(frozen=True)
class Role:
    """A role of the account, with all it holds."""

    node: Node
    policies: Sequence[Policy]
    boundary: Sequence[Policy] = field(default=())

    @property
    def arn(self) -> str:
        return self.node.outputs["arn"]

    @property
    def trust(self) -> list[Mapping[str, Any]]:
        return self.node.json("assume_role_policy")["Statement"]

    def decides(self, action: str, resource: str = "*", **context: str | Sequence[str]) -> Decision:
        """What IAM says of a call: the policies and the boundary both have to allow it.

        `aws__RequestTag_Environment="dev"` is the condition key `aws:RequestTag/Environment`.
        """
        keys = {
            name.replace("__", ":", 1).replace("Tag_", "Tag/"): value
            for name, value in context.items()
        }
        request = Request(action=action, resource=resource, context=keys)
        answers = [decide(self.policies, request)]
        if self.boundary:
            answers.append(decide(self.boundary, request))
        if "denied" in answers:
            return "denied"
        return "not granted" if "not granted" in answers else "allowed"

    def may(self, action: str, resource: str = "*", **context: str | Sequence[str]) -> bool:
        return self.decides(action, resource, **context) == "allowed"


class Account:
    """A recorded account, looked at for its roles."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self._managed = {
            node.outputs["arn"]: node.json("policy") for node in recorded.all("iam.Policy")
        }

    def policy(self, name: str) -> Policy:
        """By its logical name: `boundaries-workloads`."""
        return self.recorded.one("iam.Policy", name).json("policy")

    def role(self, name: str) -> Role:
        """By its logical name: `dev-preview`."""
        node = self.recorded.one("iam.Role", name)
        inline = [
            json.loads(policy["policy"])
            for policy in self.recorded.all("iam.RolePolicy")
            if policy["role"] == node.id
        ]
        attached = [
            self._managed[one["policy_arn"]]
            for one in self.recorded.all("iam.RolePolicyAttachment")
            if one["role"] == node.id
        ]
        boundary = node.get("permissions_boundary")
        return Role(node, [*inline, *attached], [self._managed[boundary]] if boundary else [])


@pytest.fixture(scope="session", name="account")
def _account() -> Account:
    """The file that is shipped."""
    return Account(record_account())


@pytest.fixture(scope="session", name="made_account")
def _made_account() -> Recorded:
    """The same, made in the in-memory AWS: ARNs as AWS has them, and its findings."""
    # Only here: botocore and moto take a second to load.
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        return Recorded(rehearse(BOOTSTRAP, "account", SHIPPED, provider))


@pytest.fixture(scope="session", name="bent_account")
def _bent_account(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Account]:
    """The shipped file with other sections: `bent_account(operators=None)` has no such section."""

    @cache
    def of(changes: str) -> Account:
        return Account(record_account(_written(tmp_path_factory.mktemp("account"), changes)))

    def bent(**sections: Mapping[str, Any] | None) -> Account:
        return of(json.dumps(sections, sort_keys=True))

    return bent


def _written(directory: Path, changes: str) -> Path:
    config = yaml.safe_load(SHIPPED.read_text())["config"]
    for name, section in json.loads(changes).items():
        config.pop(f"bootstrap:{name}", None)
        if section is not None:
            config[f"bootstrap:{name}"] = section
    file = directory / "Pulumi.account.yaml"
    file.write_text(yaml.safe_dump({"config": config}))
    return file


def state_object(key: str) -> str:
    return f"arn:aws:s3:::backlot-state-{ACCOUNT}-{REGION}-an/.pulumi/{key}"


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"
