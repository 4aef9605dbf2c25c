"""`python -m operations.review PREVIEW.json --stack STACK`: what a pull request would do to it.

Reads what `pulumi preview --json` wrote and prints Markdown for the pull request: what loses data,
what interrupts, what restarts, and what merely changes. Values are never shown, only which
properties change.

What loses data must be approved by name: the text given with `--approvals`, such as the pull
request's description, has a line `Data loss: <stack>/<resource>` for each.

Exits with 0 when nothing loses data but what was approved, 1 when something would, 2 when the
command itself was wrong.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from operations.command import run

OK, REFUSED = 0, 1

Effect = Literal["data loss", "interruption", "restart", "change"]
EFFECTS: Mapping[Effect, str] = {
    "data loss": "Loses data",
    "interruption": "Interrupts",
    "restart": "Restarts or rolls out",
    "change": "Changes",
}
"""From the worst, with its heading."""

HOLDS_DATA = {
    "aws:backup/vault:Vault",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cognito/userPool:UserPool",
    "aws:ecr/repository:Repository",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:kms/key:Key",
    "aws:rds/instance:Instance",
    "aws:route53/zone:Zone",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
    "aws:sqs/queue:Queue",
    "aws:ssm/parameter:Parameter",
}
"""Deleted or replaced, these take something with them that nobody can make again."""

CARRIES_TRAFFIC = {
    "aws:apigatewayv2/api:Api",
    "aws:autoscaling/group:Group",
    "aws:cloudfront/distribution:Distribution",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ecs/cluster:Cluster",
    "aws:ecs/service:Service",
    "aws:elasticbeanstalk/environment:Environment",
    "aws:lb/listener:Listener",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
    "aws:route53/record:Record",
}
"""Deleted or replaced, something does not answer for a while."""

RESTARTS: Mapping[str, Sequence[str]] = {
    "aws:autoscaling/group:Group": ("launchTemplate", "mixedInstancesPolicy"),
    "aws:ecs/service:Service": ("taskDefinition", "forceNewDeployment", "networkConfiguration"),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "engine",
        "engineVersion",
        "nodeType",
        "parameterGroupName",
    ),
    "aws:elasticbeanstalk/environment:Environment": ("settings", "version", "solutionStackName"),
    "aws:rds/instance:Instance": (
        "engineVersion",
        "instanceClass",
        "multiAz",
        "parameterGroupName",
        "storageType",
    ),
}
"""Types to the properties whose change restarts them, or rolls a version out."""

MADE, GONE = {"create", "create-replacement", "import"}, {"delete", "discard"}
REPLACED = {"replace", "import-replacement"}
SILENT = {"same", "read", "refresh", "delete-replaced", "create-replacement", "read-replacement"}
"""Nothing happens, or it is told with the `replace` it belongs to."""

APPROVAL = re.compile(r"^\s*(?:[-*]\s*)?Data loss:\s*(\S+)\s*$", re.IGNORECASE | re.MULTILINE)


class PreviewError(Exception):
    """The preview cannot be read; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One resource that the preview would touch."""

    op: str
    type: str
    name: str
    properties: tuple[str, ...]
    """Those that change, at their top level."""
    forced_by: tuple[str, ...]
    """Those that make it a replacement."""

    @property
    def effect(self) -> Effect:
        ends = self.op in GONE or self.op in REPLACED
        if ends and self.type in HOLDS_DATA:
            return "data loss"
        if ends and self.type in CARRIES_TRAFFIC:
            return "interruption"
        if self.op == "update" and set(self.properties) & set(RESTARTS.get(self.type, ())):
            return "restart"
        return "change"

    @property
    def said(self) -> str:
        kind = self.type.rpartition(":")[2]
        line = f"{self.op} `{self.name}` ({kind})"
        if self.forced_by:
            return f"{line}, because of {', '.join(f'`{one}`' for one in self.forced_by)}"
        if self.op == "update":
            return f"{line}: {', '.join(f'`{one}`' for one in self.properties)}"
        return line


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    try:
        preview = _read(asked.preview)
        approvals = _text(asked.approvals) if asked.approvals else ""
    except PreviewError as problem:
        print(problem, file=sys.stderr)
        return REFUSED
    steps = list(steps_of(preview))
    approved = set(APPROVAL.findall(approvals))
    losses = [step for step in steps if step.effect == "data loss"]
    open_losses = [step for step in losses if f"{asked.stack}/{step.name}" not in approved]
    print(markdown(asked.stack, steps, open_losses, failed=bool(_failures(preview))))
    for failure in _failures(preview):
        print(failure, file=sys.stderr)
    return REFUSED if open_losses or _failures(preview) else OK


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m operations.review",
        description="Say in Markdown what `pulumi preview --json` found, the worst first; refuse "
        "what loses data and is not approved by name.",
    )
    parser.add_argument("preview", metavar="PREVIEW.json", help="the preview; - reads the pipe")
    parser.add_argument("--stack", required=True, metavar="STACK", help="the stack it is of")
    parser.add_argument(
        "--approvals",
        metavar="FILE",
        help="text with lines `Data loss: <stack>/<resource>`, such as the pull request's",
    )
    return parser.parse_args(arguments)


def _read(source: str) -> Mapping[str, Any]:
    wanted = "give what `pulumi preview --json` writes"
    try:
        preview = json.loads(_text(source))
    except ValueError as problem:
        if "Extra data" in str(problem):
            raise PreviewError(
                f"{source}: is a stream of events, not one preview; "
                "unset PULUMI_ENABLE_STREAMING_JSON_PREVIEW"
            ) from None
        raise PreviewError(f"{source}: is no JSON; {wanted}") from None
    if not isinstance(preview, Mapping) or not {"steps", "diagnostics"} & preview.keys():
        raise PreviewError(f"{source}: has no steps; {wanted}")
    for part, keys in (("steps", {"op", "urn"}), ("diagnostics", set())):
        rows = preview.get(part) or []
        if not isinstance(rows, list) or not all(_has(row, keys) for row in rows):
            raise PreviewError(f"{source}: its {part} have another form; {wanted}")
    return preview


def _has(row: Any, keys: Set[str]) -> bool:
    return isinstance(row, Mapping) and keys <= row.keys()


def _text(source: str) -> str:
    """What stands in a file, or comes through the pipe for `-`."""
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as problem:
        raise PreviewError(f"{source}: cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise PreviewError(f"{source}: is no text") from None


def steps_of(preview: Mapping[str, Any]) -> Iterator[Step]:
    """What would happen, by type and name; what stays as it is left out."""
    found = []
    for step in preview.get("steps") or ():
        if step["op"] in SILENT:
            continue
        *_, chain, name = step["urn"].split("::")
        paths = step.get("detailedDiff") or dict.fromkeys(step.get("diffReasons") or (), None)
        found.append(
            Step(
                op=step["op"],
                type=chain.rpartition("$")[2],
                name=name,
                properties=_tops(paths),
                forced_by=_tops(step.get("replaceReasons") or ()),
            )
        )
    yield from sorted(found, key=lambda step: (step.type, step.name))


def _tops(paths: Any) -> tuple[str, ...]:
    """`settings[3].value` is a change of `settings`."""
    return tuple(sorted({re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths} - {""}))


def _failures(preview: Mapping[str, Any]) -> list[str]:
    """What stopped the preview: then its steps are not all there is."""
    diagnostics = preview.get("diagnostics") or ()
    return [
        str(one.get("message", "no reason given")).strip()
        for one in diagnostics
        if one.get("severity") == "error"
    ]


def markdown(
    stack: str, steps: Sequence[Step], open_losses: Sequence[Step], *, failed: bool
) -> str:
    """The comment on the pull request."""
    lines = [f"### {stack}", ""]
    if failed:
        lines += ["**The preview failed**, so what follows is not all of it.", ""]
    if not steps:
        return "\n".join([*lines, "Nothing changes."])
    counted = Counter(_counted(step.op) for step in steps)
    lines += [", ".join(f"{count} to {op}" for op, count in sorted(counted.items())), ""]
    if open_losses:
        lines += [
            "**This would lose data.** If that is meant, write into the description:",
            "",
            "```",
            *(f"Data loss: {stack}/{step.name}" for step in open_losses),
            "```",
            "",
        ]
    for effect, heading in EFFECTS.items():
        members = [step for step in steps if step.effect == effect]
        if not members:
            continue
        told = [f"- {step.said}" for step in members]
        if effect == "change":
            summary = f"<summary>{heading} ({len(members)})</summary>"
            lines += ["<details>", summary, "", *told, "", "</details>"]
        else:
            lines += [f"**{heading} ({len(members)})**", "", *told, ""]
    return "\n".join(lines).rstrip()


def _counted(op: str) -> str:
    if op in MADE:
        return "create"
    if op in GONE:
        return "delete"
    return "replace" if op in REPLACED else op


if __name__ == "__main__":
    run(main)
