"""AWS WAF. Its statements nest in each other; every name in them is the API's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.catalogue.entry import Entry, Inputs
from rehearsal.shapes import normal

REQUEST_BODIES = (
    *("API_GATEWAY", "APP_RUNNER_SERVICE", "CLOUDFRONT", "COGNITO_USER_POOL"),
    "VERIFIED_ACCESS_INSTANCE",
)
"""How the API spells the kinds of resource whose bodies it inspects."""

WINDOWS = (60, 120, 300, 600)
"""Seconds. https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html"""

GROUPS = ("managedRuleGroupStatement", "ruleGroupReferenceStatement")
"""Statements that bring rules with actions of their own."""

AT_THE_TOP = (*GROUPS, "rateBasedStatement")
"""Statements that no other statement may hold.

https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statements-list.html
"""


def _web_acl(inputs: Inputs) -> Inputs:
    if isinstance(text := inputs.pop("ruleJson", None), str):
        inputs["rules"] = _decoded(text)
    bodies = inputs.get("customResponseBodies")
    if isinstance(bodies, list):
        inputs["customResponseBodies"] = {
            str(body.get("key")): {name: body.get(name) for name in ("content", "contentType")}
            for body in bodies
        }
    association = inputs.get("associationConfig")
    if isinstance(association, dict) and isinstance(association.get("requestBodies"), list):
        spelled = {normal(kind): kind for kind in REQUEST_BODIES}
        association["requestBodies"] = {
            spelled.get(normal(kind), kind): block
            for body in association["requestBodies"]
            for kind, block in body.items()
        }
    return inputs


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _scope(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/waf/latest/APIReference/API_CreateWebACL.html"""
    if inputs.get("scope") == "CLOUDFRONT" and inputs["region"] != "us-east-1":
        yield "scope", f"CLOUDFRONT given in {inputs['region']}, such a web ACL is in us-east-1"


def _rules(inputs: Inputs) -> list[Mapping[str, Any]]:
    return [rule for rule in inputs.get("rules") or () if isinstance(rule, Mapping)]


def _alone(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """What two rules of a web ACL may not share."""
    for name in ("priority", "name"):
        seen: dict[Any, int] = {}
        for at, rule in enumerate(_rules(inputs)):
            value = rule.get(name)
            if value in seen:
                yield f"rules[{at}].{name}", f"{value} is that of rules[{seen[value]}] already"
            elif value is not None:
                seen[value] = at


def _action(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/waf/latest/APIReference/API_Rule.html"""
    for at, rule in enumerate(_rules(inputs)):
        path = f"rules[{at}]"
        given = [name for name in ("action", "overrideAction") if rule.get(name) is not None]
        if len(given) != 1:
            said = " and ".join(given) or "neither"
            yield path, f"exactly one of action and overrideAction is needed, {said} was given"
            continue
        statement = rule.get("statement")
        group = isinstance(statement, Mapping) and any(statement.get(name) for name in GROUPS)
        wanted = "overrideAction" if group else "action"
        if given != [wanted]:
            kind = "a group of rules" if group else "a statement of its own"
            yield f"{path}.{given[0]}", f"given, a rule with {kind} takes {wanted}"
        elif len([one for one in dict(rule[wanted]).values() if one is not None]) != 1:
            yield f"{path}.{wanted}", "exactly one of its blocks is needed"


def _statements(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for at, rule in enumerate(_rules(inputs)):
        yield from _statement(rule.get("statement"), f"rules[{at}].statement", top=True)


def _statement(statement: Any, path: str, *, top: bool) -> Iterator[tuple[str, str]]:
    if not isinstance(statement, Mapping):
        return
    given = {name: block for name, block in statement.items() if block is not None}
    if len(given) != 1:
        said = ", ".join(given) or "none"
        yield path, f"exactly one statement is needed, {said} was given"
    for name, block in given.items():
        where = f"{path}.{name}"
        if not isinstance(block, Mapping):
            continue
        if name in AT_THE_TOP and not top:
            yield where, "stands inside another statement, it has to be a rule of its own"
        if name == "rateBasedStatement":
            window = block.get("evaluationWindowSec")
            if window is not None and int(window) not in WINDOWS:
                listed = ", ".join(str(one) for one in WINDOWS)
                yield f"{where}.evaluationWindowSec", f"{window} given, one of {listed} allowed"
        for inner in ("statement", "scopeDownStatement"):
            if inner in block:
                yield from _statement(block[inner], f"{where}.{inner}", top=False)
        many = block.get("statements")
        if isinstance(many, list):
            if len(many) < 2:
                yield f"{where}.statements", f"{len(many)} given, at least 2 are needed"
            for index, one in enumerate(many):
                yield from _statement(one, f"{where}.statements[{index}]", top=False)


def _protected(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html"""
    acl, protected = inputs.get("webAclArn"), inputs.get("resourceArn")
    if isinstance(acl, str) and ":global/webacl/" in acl:
        yield "webAclArn", "is of scope CLOUDFRONT, a distribution names it in its webAclId"
    if isinstance(protected, str) and ":apigateway:" in protected and "/apis/" in protected:
        yield "resourceArn", "is an HTTP API, WAF protects stages of REST APIs only"


def _destination(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/waf/latest/developerguide/logging-destinations.html"""
    destinations = inputs.get("logDestinationConfigs")
    if not isinstance(destinations, list):
        return
    if len(destinations) > 1:
        yield "logDestinationConfigs", f"{len(destinations)} given, a web ACL logs to one"
    for at, arn in enumerate(destinations):
        parts = arn.split(":") if isinstance(arn, str) else []
        if len(parts) < 6:
            continue
        path = f"logDestinationConfigs[{at}]"
        name = arn.removesuffix(":*").rpartition(":")[2].rpartition("deliverystream/")[2]
        if not name.startswith("aws-waf-logs-"):
            yield path, f'"{name}" given, WAF logs only to names starting with aws-waf-logs-'
        acl = str(inputs.get("resourceArn")).split(":")
        if len(acl) > 3 and parts[3] not in ("", acl[3]):
            yield path, f"is in {parts[3]}, the web ACL's {acl[3]} is needed"


ENTRIES = {
    "WebAcl": Entry(
        service="wafv2",
        operation="CreateWebACL",
        ignore={"namePrefix": "it became the name"},
        prepare=_web_acl,
        documents=("ruleJson",),
        rules=(_scope, _alone, _action, _statements),
        id="{Summary.Id}",
        outputs={"arn": "{Summary.ARN}", "lockToken": "{Summary.LockToken}"},
    ),
    "WebAclAssociation": Entry(
        service="wafv2",
        operation="AssociateWebACL",
        rules=(_protected,),
        id="{webAclArn},{resourceArn}",
    ),
    "WebAclLoggingConfiguration": Entry(
        service="wafv2",
        operation="PutLoggingConfiguration",
        inside="LoggingConfiguration",
        rules=(_destination,),
        id="{resourceArn}",
    ),
}
