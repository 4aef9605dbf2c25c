"""`python -m operations.verify_release STACK --outputs FILE`: does what was asked for run?

`pulumi up` can end well over a deployment that did not: ECS's circuit breaker puts the old version
back, an instance refresh stops half-way. This compares the images of the stack's file with what
runs of the API, the further services and the fleets, waits for deployments that are under way, and
says how long each took beside the target of 10 minutes (M117). `--evidence` writes it all down.

Exits with 0 when everything runs as asked, 1 when something does not, 2 when the command itself was
wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.command import explained, run
from operations.stack_file import (
    OutputsError,
    StackFile,
    StackFileError,
    ask_for_outputs,
    ask_for_stack,
    build_of,
    read,
    read_outputs,
)

OK, WRONG = 0, 1
POLL_SECONDS = 15
TARGET_MINUTES = 10
"""What a deployment may take (M117)."""

State = Literal["runs", "pending", "wrong"]

ENDED_WELL = {"SUCCESSFUL"}
UNDER_WAY = {
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
}
"""Words of ECS for a service deployment.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html"""
REFRESHING = {"Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking"}
"""Words of Auto Scaling for an instance refresh."""

LABEL_LENGTH = 100
"""Of a Beanstalk version's label, which is the build's tag or digest, as much of it as fits, and
eight digits."""


class Clients(Protocol):
    def client(self, service_name: str, region_name: str) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One thing that was deployed, and what it should run."""

    name: str
    kind: str
    """`fargate`, `gpu`, `ec2` or `beanstalk`."""
    handle: str
    image: str | None
    """As the stack's file names it; None for an AMI's own code."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    name: str
    state: State
    said: str
    seconds: float | None = None
    """How long its newest deployment took, where AWS says."""


def main(
    arguments: Sequence[str] | None = None,
    *,
    session: Clients | None = None,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    asked = _parse(arguments)
    try:
        file = read(asked.stack, asked.config_file)
        wanted = list(what_should_run(file, read_outputs(asked.outputs)))
        ask = AskAws(session=session or boto3.Session(), region=file.region)
        until = now() + asked.wait_minutes * 60
        verdicts = [ask.about(one) for one in wanted]
        while any(one.state == "pending" for one in verdicts) and now() < until:
            sleep(POLL_SECONDS)
            verdicts = [ask.about(one) for one in wanted]
    except (StackFileError, OutputsError, BotoCoreError, ClientError) as problem:
        print(explained(problem), file=sys.stderr)
        return WRONG
    for verdict in verdicts:
        print(_line(verdict))
    if asked.evidence:
        try:
            asked.evidence.write_text(_evidence(file, wanted, verdicts), encoding="utf-8")
        except OSError as problem:
            print(f"--evidence {asked.evidence}: {problem.strerror}", file=sys.stderr)
            return WRONG
    return OK if all(verdict.state == "runs" for verdict in verdicts) else WRONG


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m operations.verify_release",
        description="Say whether the images of a stack's file are what runs, and how long it took.",
    )
    ask_for_stack(parser)
    ask_for_outputs(parser)
    parser.add_argument(
        "--wait-minutes",
        metavar="N",
        type=int,
        default=30,
        help="how long to wait for deployments that are under way (default: 30)",
    )
    parser.add_argument(
        "--evidence", metavar="OUT.json", type=Path, help="write what was found as JSON"
    )
    return parser.parse_args(arguments)


def what_should_run(file: StackFile, outputs: Mapping[str, Any]) -> Iterator[Wanted]:
    """The API, the services and the fleets, as the stack's file and its outputs name them.

    Raises OutputsError when the outputs are of no stack that is up.
    """
    if not isinstance(handle := outputs["deployment"].get("handle"), str):
        raise OutputsError(f"--outputs: deployment.handle is {json.dumps(handle)}, and not a name")
    yield Wanted(
        name="api",
        kind=file.get("api.kind"),
        handle=handle,
        image=file.get("api.image"),
    )
    for name, handle in sorted(outputs.get("services", {}).items()):
        image = file.get(f"services.{name}.image")
        yield Wanted(name=f"service {name}", kind="fargate", handle=handle, image=image)
    for name, handle in sorted(outputs.get("fleets", {}).items()):
        kind, image = (file.get(f"workers.{name}.{key}") for key in ("kind", "image"))
        yield Wanted(name=f"workers {name}", kind=kind, handle=handle, image=image)


@dataclass(frozen=True, kw_only=True)
class AskAws:
    session: Clients
    region: str

    def about(self, wanted: Wanted) -> Verdict:
        match wanted.kind:
            case "fargate" | "gpu":
                return self._service(wanted)
            case "ec2":
                return self._group(wanted)
            case "beanstalk":
                return self._environment(wanted)
        raise OutputsError(f"{wanted.name}: the stack's file gives no kind that can be looked up")

    def _service(self, wanted: Wanted) -> Verdict:
        ecs = self.session.client("ecs", region_name=self.region)
        cluster, _, name = wanted.handle.partition("/")
        found = ecs.describe_services(cluster=cluster, services=[name])["services"]
        if not found:
            return _verdict(wanted, "wrong", f"there is no service {wanted.handle}")
        listed = ecs.list_service_deployments(cluster=cluster, service=name)["serviceDeployments"]
        newest = max(listed, key=lambda one: one["createdAt"], default=None)
        seconds = newest and _seconds(newest.get("createdAt"), newest.get("finishedAt"))
        if newest and newest["status"] in UNDER_WAY:
            return _verdict(wanted, "pending", f"deployment {newest['status'].lower()}")
        if newest and newest["status"] not in ENDED_WELL:
            why = newest.get("statusReason") or "ECS gives no reason"
            return _verdict(wanted, "wrong", f"{newest['status'].lower()}: {why}", seconds)
        definition = ecs.describe_task_definition(taskDefinition=found[0]["taskDefinition"])
        images = [one["image"] for one in definition["taskDefinition"]["containerDefinitions"]]
        if not any(_is(image, wanted.image) for image in images):
            ran = ", ".join(images)
            return _verdict(wanted, "wrong", f"runs {ran}, and {wanted.image} was asked for")
        running, desired = found[0]["runningCount"], found[0]["desiredCount"]
        if running < desired:
            return _verdict(wanted, "pending", f"{running} of {desired} tasks run")
        return _verdict(wanted, "runs", f"{wanted.image}, {running} tasks", seconds)

    def _group(self, wanted: Wanted) -> Verdict:
        scaling = self.session.client("autoscaling", region_name=self.region)
        groups = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[wanted.handle])
        if not groups["AutoScalingGroups"]:
            return _verdict(wanted, "wrong", f"there is no group {wanted.handle}")
        refreshes = scaling.describe_instance_refreshes(
            AutoScalingGroupName=wanted.handle, MaxRecords=1
        )["InstanceRefreshes"]
        newest = refreshes[0] if refreshes else None
        seconds = newest and _seconds(newest.get("StartTime"), newest.get("EndTime"))
        if newest and newest["Status"] in REFRESHING:
            done = newest.get("PercentageComplete", 0)
            return _verdict(wanted, "pending", f"refresh {newest['Status']}, {done} % done")
        if newest and newest["Status"] != "Successful":
            why = newest.get("StatusReason") or "Auto Scaling gives no reason"
            return _verdict(wanted, "wrong", f"refresh {newest['Status']}: {why}", seconds)
        return self._instances(wanted, groups["AutoScalingGroups"][0], seconds)

    def _instances(
        self, wanted: Wanted, group: Mapping[str, Any], seconds: float | None
    ) -> Verdict:
        """A refresh leaves out who is protected, and none runs while a group is empty."""
        template = _template_of(group)
        old = [
            one["InstanceId"]
            for one in group["Instances"]
            if one.get("LaunchTemplate", {}).get("Version") != template["Version"]
        ]
        if old:
            return _verdict(
                wanted, "wrong", f"{', '.join(old)} run another version of the launch template"
            )
        return _verdict(
            wanted,
            "runs",
            f"version {template['Version']} of the launch template, "
            f"{len(group['Instances'])} instances",
            seconds,
        )

    def _environment(self, wanted: Wanted) -> Verdict:
        beanstalk = self.session.client("elasticbeanstalk", region_name=self.region)
        application, _, name = wanted.handle.partition("/")
        found = beanstalk.describe_environments(
            ApplicationName=application, EnvironmentNames=[name], IncludeDeleted=False
        )["Environments"]
        if not found:
            return _verdict(wanted, "wrong", f"there is no environment {wanted.handle}")
        status, health = found[0]["Status"], found[0]["Health"]
        if status != "Ready":
            return _verdict(wanted, "pending", f"environment {status}")
        label, build = found[0]["VersionLabel"], build_of(wanted.image or "").replace(":", "-")
        named = label.rpartition("-")[0]
        cut_off = len(label) == LABEL_LENGTH and build.startswith(named)
        if named != build and not cut_off:
            return _verdict(wanted, "wrong", f"runs {label}, and {build} was asked for")
        if health != "Green":
            return _verdict(wanted, "wrong", f"{label} is {health}")
        return _verdict(wanted, "runs", label)


def _verdict(wanted: Wanted, state: State, said: str, seconds: float | None = None) -> Verdict:
    return Verdict(name=wanted.name, state=state, said=said, seconds=seconds)


def _template_of(group: Mapping[str, Any]) -> Mapping[str, str]:
    if "LaunchTemplate" in group:
        return group["LaunchTemplate"]
    mixed = group["MixedInstancesPolicy"]["LaunchTemplate"]
    return mixed["LaunchTemplateSpecification"]


def _is(image: str, reference: str | None) -> bool:
    """Whether a full URI is that of `api:1.0.0`, in whatever registry."""
    return reference is not None and (image == reference or image.endswith(f"/{reference}"))


def _seconds(began: datetime | None, ended: datetime | None) -> float | None:
    return (ended - began).total_seconds() if began and ended else None


def _line(verdict: Verdict) -> str:
    mark = {"runs": "ok   ", "pending": "LATE ", "wrong": "WRONG"}[verdict.state]
    took = ""
    if verdict.seconds is not None:
        minutes = verdict.seconds / 60
        over = f", more than the {TARGET_MINUTES} aimed at" if minutes > TARGET_MINUTES else ""
        took = f" (deployed in {minutes:.1f} min{over})"
    return f"{mark} {verdict.name}: {verdict.said}{took}"


def _evidence(file: StackFile, wanted: Sequence[Wanted], verdicts: Sequence[Verdict]) -> str:
    found = [
        {**asdict(one), **asdict(verdict)} for one, verdict in zip(wanted, verdicts, strict=True)
    ]
    return json.dumps({"stack": file.prefix, "deployed": found}, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    run(main)
