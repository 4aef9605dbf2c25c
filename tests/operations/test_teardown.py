"""Clearing a stack away: what is its own goes, what is another's stays, a kept one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from operations import teardown
from operations.stack_file import read
from tests.recorder import ROOT

TAGS = {"Project": "backlot", "Environment": "dev"}
KEPT = {"Project": "backlot", "Environment": "dev-two"}


def stack_file(folder: Path, **changes: Mapping[str, Any]) -> Path:
    """The shipped dev file, with sections changed."""
    content = yaml.safe_load((ROOT / "tests" / "shipped" / "Pulumi.dev.yaml").read_text())
    for section, given in changes.items():
        content["config"].setdefault(f"backlot:{section}", {}).update(given)
    file = folder / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def cleared(folder: Path) -> int:
    return teardown.main(["dev", "--yes", "--config-file", str(stack_file(folder))])


def tagged(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def bucket(name: str, tags: Mapping[str, str]) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tagged(tags)})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for content in (b"one", b"two"):
        s3.put_object(Bucket=name, Key="renders/1.mp4", Body=content)
    s3.delete_object(Bucket=name, Key="renders/1.mp4")
    s3.create_multipart_upload(Bucket=name, Key="renders/2.mp4")


def versions(name: str) -> int:
    listed = boto3.client("s3").list_object_versions(Bucket=name)
    return len(listed.get("Versions", [])) + len(listed.get("DeleteMarkers", []))


def group(name: str, tags: Mapping[str, str]) -> None:
    scaling = boto3.client("autoscaling")
    scaling.create_launch_configuration(
        LaunchConfigurationName=name, ImageId="ami-0123456789abcdef0", InstanceType="g6.xlarge"
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName=name,
        MinSize=2,
        MaxSize=4,
        DesiredCapacity=2,
        AvailabilityZones=["us-east-1a"],
        NewInstancesProtectedFromScaleIn=True,
        Tags=[{**tag, "PropagateAtLaunch": True} for tag in tagged(tags)],
    )
    scaling.put_lifecycle_hook(
        AutoScalingGroupName=name,
        LifecycleHookName="drain",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
    )


def cluster(name: str, tags: Mapping[str, str]) -> None:
    ecs = boto3.client("ecs")
    ecs.create_cluster(
        clusterName=name, tags=[{"key": key, "value": value} for key, value in tags.items()]
    )
    ecs.register_task_definition(
        family=name, containerDefinitions=[{"name": "worker", "image": "worker:1", "memory": 512}]
    )
    ecs.create_service(cluster=name, serviceName="workers", taskDefinition=name, desiredCount=2)
    boto3.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{name}/workers",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=2,
        MaxCapacity=8,
    )


def test_buckets_of_the_stack_lose_every_version_and_others_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket("backlot-dev-media", TAGS)
    bucket("backlot-dev-two-media", KEPT)

    assert cleared(tmp_path) == 0

    assert versions("backlot-dev-media") == 0
    s3 = boto3.client("s3")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="backlot-dev-media")
    assert versions("backlot-dev-two-media") == 3
    assert len(s3.list_multipart_uploads(Bucket="backlot-dev-two-media")["Uploads"]) == 1
    assert "backlot-dev-media: 3 versions deleted" in capsys.readouterr().out


def test_a_bucket_without_tags_is_nobodys_and_left_alone(tmp_path: Path) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="backlot-dev-by-hand")
    s3.put_object(Bucket="backlot-dev-by-hand", Key="a", Body=b"a")

    assert cleared(tmp_path) == 0
    assert versions("backlot-dev-by-hand") == 1


def test_groups_of_the_stack_let_every_instance_go(tmp_path: Path) -> None:
    group("ours", TAGS)
    group("theirs", KEPT)

    assert cleared(tmp_path) == 0

    scaling = boto3.client("autoscaling")
    found = {
        one["AutoScalingGroupName"]: one
        for one in scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    }
    ours, theirs = found["ours"], found["theirs"]
    assert (ours["MinSize"], ours["MaxSize"], ours["DesiredCapacity"]) == (0, 0, 0)
    assert not [one for one in ours["Instances"] if one["ProtectedFromScaleIn"]]
    assert scaling.describe_lifecycle_hooks(AutoScalingGroupName="ours")["LifecycleHooks"] == []
    assert (theirs["MinSize"], theirs["MaxSize"], theirs["DesiredCapacity"]) == (2, 4, 2)
    assert (
        len(scaling.describe_lifecycle_hooks(AutoScalingGroupName="theirs")["LifecycleHooks"]) == 1
    )


def test_services_of_the_stack_stop_and_scaling_cannot_start_them_again(tmp_path: Path) -> None:
    cluster("ours", TAGS)
    cluster("theirs", KEPT)
    boto3.client("ecs").run_task(cluster="ours", taskDefinition="ours", launchType="FARGATE")

    assert cleared(tmp_path) == 0

    ecs = boto3.client("ecs")
    wanted = {
        name: ecs.describe_services(cluster=name, services=["workers"])["services"][0][
            "desiredCount"
        ]
        for name in ("ours", "theirs")
    }
    assert wanted == {"ours": 0, "theirs": 2}
    assert ecs.list_tasks(cluster="ours", desiredStatus="RUNNING")["taskArns"] == []
    targets = boto3.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs"
    )["ScalableTargets"]
    bounds = {one["ResourceId"]: (one["MinCapacity"], one["MaxCapacity"]) for one in targets}
    assert bounds == {"service/ours/workers": (0, 0), "service/theirs/workers": (2, 8)}


def test_vaults_are_emptied_where_the_copies_are_too(tmp_path: Path) -> None:
    """moto knows no recovery points, so the vaults are doubles of AWS's answers."""
    vaults = {
        "us-east-1": {"backlot-dev": ["arn:1", "arn:2"], "backlot-dev-two": ["arn:3"]},
        "us-west-2": {"backlot-dev-copies": ["arn:4"]},
    }
    deleted: list[tuple[str, str]] = []

    class Backup:
        def __init__(self, region: str) -> None:
            self.vaults = vaults[region]

        def get_paginator(self, operation: str) -> Any:
            def paginate(**asked: str) -> list[dict[str, Any]]:
                if operation == "list_backup_vaults":
                    found = [
                        {"BackupVaultName": name, "BackupVaultArn": name} for name in self.vaults
                    ]
                    return [{"BackupVaultList": found}]
                points = self.vaults[asked["BackupVaultName"]]
                return [{"RecoveryPoints": [{"RecoveryPointArn": one} for one in points]}]

            return type("Pages", (), {"paginate": staticmethod(paginate)})

        def list_tags(self, *, ResourceArn: str) -> dict[str, Any]:  # noqa: N803
            return {"Tags": KEPT if ResourceArn == "backlot-dev-two" else TAGS}

        def delete_recovery_point(self, *, BackupVaultName: str, RecoveryPointArn: str) -> None:  # noqa: N803
            deleted.append((BackupVaultName, RecoveryPointArn))

    file = read("dev", stack_file(tmp_path, backups={"copy_to": "us-west-2"}))
    session: Any = type(
        "Session", (), {"client": lambda _, service, region_name: Backup(region_name)}
    )()

    lines = [line.text for line in teardown.empty_vaults(teardown.Aws(session=session, file=file))]

    assert deleted == [
        ("backlot-dev", "arn:1"),
        ("backlot-dev", "arn:2"),
        ("backlot-dev-copies", "arn:4"),
    ]
    assert lines == [
        "backlot-dev (us-east-1): 2 recovery points deleted",
        "backlot-dev-copies (us-west-2): 1 recovery points deleted",
    ]


@pytest.mark.parametrize(
    ("section", "given", "said"),
    [
        ("platform", {"protect": True}, "platform.protect: true"),
        ("database", {"deletion_protection": True}, "database.deletion_protection: true"),
        ("buckets", {"force_delete": False}, "buckets.force_delete: false"),
        ("registry", {"force_delete": False}, "registry.force_delete: false"),
        ("backups", {"lock": {"minimum_days": 7, "maximum_days": 90}}, "backups.lock"),
    ],
)
def test_a_stack_that_is_kept_is_refused_with_the_steps_and_nothing_is_touched(
    section: str,
    given: Mapping[str, Any],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bucket("backlot-dev-media", TAGS)
    file = stack_file(tmp_path, **{section: given})

    assert teardown.main(["dev", "--yes", "--config-file", str(file)]) == 1

    told = capsys.readouterr()
    assert f"       {said}\n" in told.err
    assert "4. make destroy STACK=dev" in told.err
    assert told.out == ""
    assert versions("backlot-dev-media") == 3


def test_the_shipped_production_is_refused_for_every_reason_it_has() -> None:
    file = read("production", ROOT / "tests" / "shipped" / "Pulumi.production.yaml")

    assert teardown.blocking(file)[:6] == [
        "platform.protect: true",
        "database.deletion_protection: true",
        "load_balancer.deletion_protection: true",
        "users.deletion_protection: true",
        "buckets.force_delete: false",
        "registry.force_delete: false",
    ]


@pytest.mark.parametrize(("typed", "code", "left"), [("dev", 0, 0), ("yes", 1, 3)])
def test_it_asks_for_the_stacks_name_first(
    typed: str, code: int, left: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket("backlot-dev-media", TAGS)
    file = stack_file(tmp_path)

    assert teardown.main(["dev", "--config-file", str(file)], ask=lambda _: typed) == code

    assert versions("backlot-dev-media") == left
    assert "backlot-dev in account 123456789012, us-east-1" in capsys.readouterr().out


def test_what_one_step_is_refused_keeps_no_other_from_its_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket("backlot-dev-media", TAGS)

    def stop_fleets(aws: teardown.Aws) -> Any:
        boto3.client("ecs").list_services(cluster="not-there")
        yield teardown.Line(text="never")

    monkeypatch.setattr(teardown, "STEPS", (stop_fleets, teardown.empty_buckets))

    assert cleared(tmp_path) == 1
    assert versions("backlot-dev-media") == 0
    assert "stop fleets: " in capsys.readouterr().err


def test_a_stack_without_a_file_is_told_which_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_file(tmp_path)
    monkeypatch.chdir(tmp_path)

    assert teardown.main(["prod", "--yes"]) == 1
    assert capsys.readouterr().err == (
        "Pulumi.prod.yaml: No such file or directory; there are: Pulumi.dev.yaml\n"
    )


def test_whether_a_stack_may_go_is_said_without_asking_aws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket("backlot-dev-media", TAGS)
    monkeypatch.setattr(teardown.boto3, "Session", None)

    asked = ["dev", "--check", "--config-file", str(stack_file(tmp_path))]

    assert teardown.main(asked) == 0
    assert capsys.readouterr() == ("", "")
    assert versions("backlot-dev-media") == 3
