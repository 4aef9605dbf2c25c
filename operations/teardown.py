"""`python -m operations.teardown STACK`: clear away what would hold `pulumi destroy` up.

Workers that have a job refuse to be stopped, lifecycle hooks wait for them, buckets and vaults with
something in them cannot be deleted. This stops the first, takes the second away, and empties the
third, of one stack alone: it finds things by the stack's tags and by its prefix. `make destroy`
runs it, and `pulumi destroy` after it.

A stack that is protected is refused, with the steps that take it down on purpose.

Exits with 0 when all is cleared, 1 when the stack is protected or AWS refused something, 2 when the
command itself was wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.command import explained, run
from operations.stack_file import StackFile, StackFileError, ask_for_stack, read

OK, REFUSED = 0, 1

BLOCKING = {
    "platform.protect": True,
    "database.deletion_protection": True,
    "load_balancer.deletion_protection": True,
    "users.deletion_protection": True,
    "buckets.force_delete": False,
    "registry.force_delete": False,
}
"""Settings that keep a stack, at these values."""

DELETES_AT_ONCE = 1000
"""Objects of one DeleteObjects call.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""


@dataclass(frozen=True, kw_only=True)
class Aws:
    """The clients of one region, and what tells the stack's things from others."""

    session: boto3.Session
    file: StackFile

    def client(self, service: str, region: str | None = None) -> Any:
        return self.session.client(service, region_name=region or self.file.region)

    def is_ours(self, tags: Iterable[dict[str, str]]) -> bool:
        """Whether something carries the stack's tags, however its service spells them."""
        given = {
            tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", ""))
            for tag in tags
        }
        wanted = {"Project": self.file.name, "Environment": self.file.stack}
        return wanted.items() <= given.items()


def main(arguments: Sequence[str] | None = None, *, ask: Callable[[str], str] | None = None) -> int:
    asked = _parse(arguments)
    try:
        file = read(asked.stack, asked.config_file)
        if in_the_way := blocking(file):
            print(_how_to_destroy(file, in_the_way), file=sys.stderr)
            return REFUSED
        if asked.check:
            return OK
        aws = Aws(session=boto3.Session(), file=file)
        account = aws.client("sts").get_caller_identity()["Account"]
        print(f"{file.prefix} in account {account}, {file.region}")
        if not asked.yes and (ask or input)(f"Type {file.stack} to empty it: ") != file.stack:
            print("Nothing was touched")
            return REFUSED
        failed = False
        for line in _cleared(aws):
            print(f"  {line.text}", file=sys.stderr if line.failed else sys.stdout)
            failed = failed or line.failed
    except (StackFileError, BotoCoreError, ClientError) as problem:
        print(explained(problem), file=sys.stderr)
        return REFUSED
    except (EOFError, KeyboardInterrupt):
        print("\nStopped; what is cleared so far stays so", file=sys.stderr)
        return REFUSED
    return REFUSED if failed else OK


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m operations.teardown",
        description="Clear away what would hold `pulumi destroy` up: busy workers, lifecycle "
        "hooks, what lies in buckets and backup vaults. Refused for a protected stack.",
    )
    ask_for_stack(parser, "the stack to clear")
    parser.add_argument("--yes", action="store_true", help="do not ask first")
    parser.add_argument(
        "--check", action="store_true", help="only say whether it may be cleared, without AWS"
    )
    return parser.parse_args(arguments)


def blocking(file: StackFile) -> list[str]:
    """The settings that keep the stack, as `section.key: value`."""
    kept = [
        f"{path}: {str(value).lower()}"
        for path, value in BLOCKING.items()
        if file.get(path) is value
    ]
    return [*kept, *(["backups.lock"] if file.get("backups.lock") else [])]


def _how_to_destroy(file: StackFile, in_the_way: Sequence[str]) -> str:
    turned = "\n".join(f"       {line}" for line in in_the_way)
    return (
        f"{file.path}: {file.stack} is kept, and was left alone. To take it down on purpose:\n"
        f"  1. Take a last backup and copy it out of the account (docs/recovery.md).\n"
        f"  2. Turn these round in {file.path}, in a change that somebody reviews:\n{turned}\n"
        f"  3. make up STACK={file.stack}       what is protected lets go\n"
        f"  4. make destroy STACK={file.stack}"
    )


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was done to one thing."""

    text: str
    failed: bool = False


def _cleared(aws: Aws) -> Iterator[Line]:
    """Every step, whatever became of the one before: most of a stack is better than none of it."""
    for step in STEPS:
        try:
            yield from step(aws)
        except ClientError as problem:
            yield Line(text=f"{step.__name__.replace('_', ' ')}: {problem}", failed=True)


def stop_fleets(aws: Aws) -> Iterator[Line]:
    """Groups to zero, with nothing that holds an instance: no protection and no hook."""
    scaling = aws.client("autoscaling")
    pages = scaling.get_paginator("describe_auto_scaling_groups").paginate()
    for group in (group for page in pages for group in page["AutoScalingGroups"]):
        if not aws.is_ours(group["Tags"]):
            continue
        name = group["AutoScalingGroupName"]
        scaling.suspend_processes(
            AutoScalingGroupName=name, ScalingProcesses=["AlarmNotification", "ScheduledActions"]
        )
        hooks = scaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
        for hook in hooks:
            scaling.delete_lifecycle_hook(
                AutoScalingGroupName=name, LifecycleHookName=hook["LifecycleHookName"]
            )
        held = [one["InstanceId"] for one in group["Instances"] if one["ProtectedFromScaleIn"]]
        if held:
            scaling.set_instance_protection(
                AutoScalingGroupName=name, InstanceIds=held, ProtectedFromScaleIn=False
            )
        scaling.update_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=0, MaxSize=0, DesiredCapacity=0
        )
        yield Line(
            text=f"{name}: to no instances, {len(hooks)} hooks and {len(held)} protections gone"
        )


def stop_tasks(aws: Aws) -> Iterator[Line]:
    """Services to zero, and every task that still has a job stopped with it."""
    ecs = aws.client("ecs")
    scaling = aws.client("application-autoscaling")
    arns = [
        arn for page in ecs.get_paginator("list_clusters").paginate() for arn in page["clusterArns"]
    ]
    for cluster in _described_clusters(ecs, arns):
        if not aws.is_ours(cluster.get("tags", [])):
            continue
        name = cluster["clusterName"]
        pages = ecs.get_paginator("list_services").paginate(cluster=name)
        services = [arn for page in pages for arn in page["serviceArns"]]
        for service in services:
            _hold_at_zero(scaling, name, service)
            ecs.update_service(cluster=name, service=service, desiredCount=0)
        pages = ecs.get_paginator("list_tasks").paginate(cluster=name)
        tasks = [arn for page in pages for arn in page["taskArns"]]
        for task in tasks:
            # Protection keeps a task from scaling in, not from being stopped.
            ecs.stop_task(cluster=name, task=task, reason="The stack is taken down")
        yield Line(text=f"{name}: {len(services)} services to no tasks, {len(tasks)} tasks stopped")


def _described_clusters(ecs: Any, arns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(arns), 100):
        some = ecs.describe_clusters(clusters=arns[start : start + 100], include=["TAGS"])
        yield from some["clusters"]


def _hold_at_zero(scaling: Any, cluster: str, service: str) -> None:
    """Or scaling would start tasks again before `pulumi destroy` takes the scaling away."""
    what = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{cluster}/{service.rpartition('/')[2]}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    known = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[what["ResourceId"]]
    )
    if known["ScalableTargets"]:
        scaling.register_scalable_target(**what, MinCapacity=0, MaxCapacity=0)


def empty_buckets(aws: Aws) -> Iterator[Line]:
    """Every object, every version of it, and every upload that nobody finished."""
    s3 = aws.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if not name.startswith(f"{aws.file.prefix}-") or not _tagged(aws, s3, name):
            continue
        gone, refused = 0, 0
        for page in s3.get_paginator("list_object_versions").paginate(
            Bucket=name, PaginationConfig={"PageSize": DELETES_AT_ONCE}
        ):
            versions = [
                {"Key": one["Key"], "VersionId": one["VersionId"]}
                for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            ]
            if versions:
                answer = s3.delete_objects(Bucket=name, Delete={"Objects": versions, "Quiet": True})
                refused += len(answer.get("Errors", ()))
                gone += len(versions)
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=name):
            for upload in page.get("Uploads", ()):
                s3.abort_multipart_upload(
                    Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        if refused:
            yield Line(text=f"{name}: S3 kept {refused} of {gone} versions", failed=True)
        else:
            yield Line(text=f"{name}: {gone} versions deleted")


def _tagged(aws: Aws, s3: Any, bucket: str) -> bool:
    """The prefix alone would take a bucket of the stack `dev-two` for one of `dev`."""
    try:
        return aws.is_ours(s3.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "NoSuchTagSet":
            return False
        raise


def empty_vaults(aws: Aws) -> Iterator[Line]:
    """Recovery points, where the backups are kept and where copies of them are."""
    regions = [aws.file.region]
    if elsewhere := aws.file.get("backups.copy_to"):
        regions.append(str(elsewhere))
    for region in regions:
        backup = aws.client("backup", region)
        pages = backup.get_paginator("list_backup_vaults").paginate()
        for vault in (one for page in pages for one in page["BackupVaultList"]):
            name = vault["BackupVaultName"]
            tags = backup.list_tags(ResourceArn=vault["BackupVaultArn"])["Tags"]
            if not aws.is_ours({"Key": key, "Value": value} for key, value in tags.items()):
                continue
            pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
                BackupVaultName=name
            )
            points = [
                point["RecoveryPointArn"] for page in pages for point in page["RecoveryPoints"]
            ]
            for point in points:
                backup.delete_recovery_point(BackupVaultName=name, RecoveryPointArn=point)
            yield Line(text=f"{name} ({region}): {len(points)} recovery points deleted")


STEPS = (stop_fleets, stop_tasks, empty_buckets, empty_vaults)
"""In order: what runs first, so that it writes nothing more into what is emptied."""


if __name__ == "__main__":
    run(main)
