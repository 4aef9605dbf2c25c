"""Policies as data, measured before AWS does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

POLICY_VERSION = "2012-10-17"

MANAGED_CHARACTERS = 6_144
"""Of a managed policy, blanks apart.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

Conditions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy."""

    sid: str
    """Says what it is for, in letters and digits."""
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    effect: Literal["Allow", "Deny"] = "Allow"
    but_actions: bool = False
    """True: all actions except these, on resources that only one service has."""
    but_resources: bool = False
    """True: on everything except these."""
    conditions: Conditions = field(default_factory=dict)
    why: str = ""
    """Why it names no resource. A statement that allows something on `*` must say it."""

    def rendered(self) -> dict[str, Any]:
        """In IAM's own words. Raises ValueError when it allows something everywhere unexplained."""
        if self.effect == "Allow" and "*" in self.resources and not self.why:
            raise ValueError(f"{self.sid} allows something on * and does not say why")
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "NotAction" if self.but_actions else "Action": sorted(self.actions),
            "NotResource" if self.but_resources else "Resource": list(self.resources),
        }
        if self.conditions:
            statement["Condition"] = self.conditions
        return statement


def document(statements: Iterable[Statement]) -> pulumi.Output[str]:
    """The statements as a policy, in the order given."""
    return _dumped([statement.rendered() for statement in statements])


def resource_policy(statements: Iterable[Mapping[str, Any]]) -> pulumi.Output[str]:
    """Statements in IAM's own words, with their principals: of a role's trust, a bucket, a key."""
    return _dumped(list(statements))


def managed(name: str, statements: Iterable[Statement]) -> pulumi.Output[str]:
    """The same for a managed policy. Raises ValueError when AWS would refuse its length."""

    def measured(text: str) -> str:
        characters = len("".join(text.split()))
        if characters > MANAGED_CHARACTERS:
            raise ValueError(
                f"policy {name} has {characters} characters; at most {MANAGED_CHARACTERS} are "
                "allowed; move statements into another"
            )
        return text

    return document(statements).apply(measured)


def _dumped(statements: Sequence[Mapping[str, Any]]) -> pulumi.Output[str]:
    value = {"Version": POLICY_VERSION, "Statement": statements}
    return pulumi.Output.from_input(value).apply(
        lambda known: json.dumps(known, separators=(",", ":"))
    )
