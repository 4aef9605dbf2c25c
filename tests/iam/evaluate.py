"""IAM's decision over policies as data: what moto's own enforcement leaves out.

moto 5.2.5 checks a request's action, and for S3 the object, against the caller's identity policies.
For every other service it takes the resource to be `*`, it calls a condition it was not told about
met or refused by accident, and it reads no policy of a queue, a bucket, a key or a topic
(`moto/iam/access_control.py` says so itself). So whether a neighbour's queue is denied is decided
here, and `test_enforced.py` shows on moto where the two agree.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

Decision = Literal["allowed", "not granted", "denied"]
"""`denied` is an explicit Deny; `not granted` is what IAM does when nothing speaks."""

Policy = Mapping[str, Any]
"""A policy document, parsed."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call to AWS, as IAM sees it."""

    action: str
    """`sqs:SendMessage`."""
    resource: str = "*"
    """The ARN it is about. `*` stands for an action that is about none."""
    principal: Mapping[str, str] = field(default_factory=dict)
    """Who asks, for the policy of a resource: `{"AWS": role_arn}`, `{"Service": name}`."""
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    """Condition keys and their values: `{"aws:SecureTransport": "true"}`."""

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


def decide(policies: Iterable[Policy], request: Request) -> Decision:
    """What the policies of one principal, or of one resource, say together.

    Raises ValueError for a condition it has no rule for: a guess would be no proof.
    """
    answer: Decision = "not granted"
    for statement in (each for policy in policies for each in _listed(policy["Statement"])):
        if not _speaks_of(statement, request):
            continue
        if statement["Effect"] == "Deny":
            return "denied"
        answer = "allowed"
    return answer


def matches(pattern: str, text: str, *, any_case: bool = False) -> bool:
    """IAM's wildcards: `*` is any text, `?` any one character, and nothing else is special."""
    return bool(_expression(pattern, any_case).fullmatch(text))


@cache
def _expression(pattern: str, any_case: bool) -> re.Pattern[str]:
    """Compiled once: the patterns of a stack are more than `re` remembers."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if any_case else 0))


def _speaks_of(statement: Mapping[str, Any], request: Request) -> bool:
    return (
        _chosen(statement, "Action", lambda one: matches(one, request.action, any_case=True))
        and _chosen(statement, "Resource", lambda one: matches(one, request.resource))
        and _principal_named(statement, request)
        and all(
            _condition_met(operator, key, _listed(wanted), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _chosen(statement: Mapping[str, Any], element: str, is_meant: Callable[[str], bool]) -> bool:
    """Whether an element or its `Not...` picks the request. A trust policy has no Resource."""
    if f"Not{element}" in statement:
        return not any(map(is_meant, _listed(statement[f"Not{element}"])))
    return element not in statement or any(map(is_meant, _listed(statement[element])))


def _principal_named(statement: Mapping[str, Any], request: Request) -> bool:
    if "NotPrincipal" in statement:
        raise ValueError("NotPrincipal has no rule here; name the principals")
    if "Principal" not in statement:
        return True
    named = statement["Principal"]
    if named == "*":
        return bool(request.principal)
    return any(
        one == "*" or _is(kind, one, request.principal.get(kind))
        for kind, ones in named.items()
        if kind in request.principal
        for one in _listed(ones)
    )


def _is(kind: str, named: str, asking: str | None) -> bool:
    """Whether a policy means this caller. An account, by number or root, means all its people."""
    if asking is None or kind != "AWS" or named == asking:
        return named == asking
    account = re.fullmatch(r"(?:arn:aws:iam::)?(\d{12})(?::root)?", named)
    if account:
        return asking.split(":")[4] == account[1]
    session = re.fullmatch(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+", asking)
    return bool(session and named == f"arn:aws:iam::{session[1]}:role/{session[2]}")


def _condition_met(
    operator: str, key: str, wanted: Sequence[str], context: Mapping[str, str | Sequence[str]]
) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    optional = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    given = next((value for name, value in context.items() if name.lower() == key.lower()), None)
    values = None if given is None else _listed(given)
    if plain == "Null":
        return (values is None) == (_text(wanted[0]) == "true")
    if values is None:
        # What is not there equals nothing, and so differs from everything.
        return optional or quantifier == "ForAllValues" or plain in _NEGATIONS
    positive = _NEGATIONS.get(plain, plain)
    test = _TESTS.get(positive)
    if test is None:
        raise ValueError(f"no rule for the condition {operator}")
    hits = [any(test(_text(want), _text(value)) for want in wanted) for value in values]
    if plain in _NEGATIONS:
        hits = [not hit for hit in hits]
    if quantifier == "ForAllValues" or (plain in _NEGATIONS and quantifier == ""):
        return all(hits)
    return any(hits)


def _arn_like(pattern: str, arn: str) -> bool:
    """The six parts of an ARN are compared one by one: a `*` does not reach over a colon."""
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) and all(map(matches, wanted, given))


def _in_network(network: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda want, value: want == value,
    "StringEqualsIgnoreCase": lambda want, value: want.lower() == value.lower(),
    "StringLike": matches,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda want, value: want.lower() == value.lower(),
    "IpAddress": _in_network,
    "NumericEquals": lambda want, value: float(value) == float(want),
    "NumericLessThan": lambda want, value: float(value) < float(want),
    "NumericLessThanEquals": lambda want, value: float(value) <= float(want),
    "NumericGreaterThan": lambda want, value: float(value) > float(want),
    "NumericGreaterThanEquals": lambda want, value: float(value) >= float(want),
}

_NEGATIONS: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, (str, bool, int, Mapping)) else list(value)
