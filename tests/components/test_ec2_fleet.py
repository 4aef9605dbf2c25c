"""EC2 fleets: components/workers/ec2.py, how they scale, and what their instances do from boot."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import instance_launch, instances
from components.access import Access
from components.access import Path as Reach
from components.containers import ContainerSecret
from components.grants import Statement
from components.queues import WorkQueue, WorkQueueArgs
from components.workers.contract import Fleet
from components.workers.ec2 import Ec2Fleet, Ec2FleetArgs
from components.workers.group_scaling import crontab
from rehearsal.contract import Provider
from rehearsal.record import RecordOnlyProvider
from settings.queues import QueueSettings
from settings.workers import Ec2FleetSettings, ScheduleSettings
from tests.components.parts import export_watched, ground
from tests.components.test_load_balancer import real_ground
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once, with_aws

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/worker:1.0.0"
AMI = "ami-0123456789abcdef0"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backlot-dev/replicate-AbCdEf"
INSTANCE = "i-0123456789abcdef0"

STORES = Access(
    environment={"MEDIA_BUCKET": "backlot-dev-media"},
    secrets=[
        ContainerSecret(
            environment="REPLICATE_API_KEY",
            value_from=SECRET,
            read=[
                Statement(
                    sid="ReadReplicate",
                    actions=["secretsmanager:GetSecretValue"],
                    resources=[SECRET],
                )
            ],
        )
    ],
    statements=[
        Statement(
            sid="ReadMedia",
            actions=["s3:GetObject"],
            resources=["arn:aws:s3:::backlot-dev-media/*"],
        )
    ],
    paths=[Reach(to="database", group_id="sg-database", port=5432)],
)

NIGHT = {"days": ["mon", "fri", "sun"], "at": "20:05", "min_workers": 0, "max_workers": 0}
POOL: dict[str, Any] = {"instance_types": ["c7i.large"], "on_demand_percent": 100}
"""What a fleet with a warm pool is bought as."""


def fleet_settings(**changes: object) -> Ec2FleetSettings:
    defaults = {
        "kind": "ec2",
        "queue": "video",
        "image": "worker:1.0.0",
        "instance_types": ["c7i.large", "c6i.large"],
        "on_demand_percent": 50,
        "min_workers": 1,
        "max_workers": 10,
        "job_seconds": 60,
        "job_limit_seconds": 900,
        "target_wait_seconds": 300,
    }
    return Ec2FleetSettings.model_validate(defaults | changes)


@recorded_once
def fleet(
    *,
    access: Sequence[Access] = (),
    image: str | None = IMAGE,
    provider: Provider | None = None,
    **changes: object,
) -> tuple[Ec2Fleet, Recorded]:
    made: list[Ec2Fleet] = []

    def program() -> None:
        here = with_aws(aws_provider())
        tags = {"Project": "backlot", "Environment": "dev"}
        standing = real_ground(here) if provider else ground(tags=tags)
        queue = WorkQueue(
            "queue-video",
            WorkQueueArgs(settings=QueueSettings(), queue="video", ground=standing),
            here,
        )
        component = Ec2Fleet(
            "worker-video",
            Ec2FleetArgs(
                settings=fleet_settings(**changes),
                ground=standing,
                fleet="video",
                queue=queue,
                build="1.0.0",
                image=image,
                access=access,
            ),
            here,
        )
        made.append(component)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})
        pulumi.export("restart", dict(component.restart.target))
        if component.waking:
            pulumi.export("waking", dict(component.waking.fleet))
            statements = [each.rendered() for each in component.waking.statements]
            pulumi.export("waking_statements", statements)

    recorded = record(program, provider=provider)
    return made[0], recorded


def group(recorded: Recorded) -> Node:
    return recorded.one("autoscaling.Group")


def template(recorded: Recorded) -> Node:
    return recorded.one("ec2.LaunchTemplate")


def user_data(recorded: Recorded) -> str:
    return base64.b64decode(template(recorded)["user_data"]).decode()


def written(recorded: Recorded, marker: str) -> str:
    """The file that the boot script writes between two lines `marker`."""
    return user_data(recorded).split(f"<<'{marker}'\n")[1].split(f"\n{marker}\n")[0]


def spec(recorded: Recorded) -> dict[str, Any]:
    return json.loads(written(recorded, "SPEC"))


def statements(policy: Node) -> dict[str, tuple[list[str], list[str]]]:
    return {
        each["Sid"]: (each["Action"], each["Resource"])
        for each in policy.json("policy")["Statement"]
    }


def test_it_satisfies_the_contract_of_a_fleet():
    component: Fleet = fleet()[0]

    assert component.pulumi_resource_name == "worker-video"
    assert component.companions == ()


# The group


def test_the_group_buys_any_of_its_types_and_counts_each_instance_as_one():  # M46
    policy = group(fleet()[1])["mixed_instances_policy"]

    assert policy["launch_template"]["overrides"] == [
        {"instance_type": "c7i.large"},
        {"instance_type": "c6i.large"},
    ]


@pytest.mark.parametrize("percent", [0, 50, 100])
def test_spot_is_what_is_left_of_the_share_on_demand(percent: int):  # M49
    policy = group(fleet(on_demand_percent=percent, on_demand_base=1)[1])["mixed_instances_policy"]

    assert policy["instances_distribution"] == {
        "on_demand_base_capacity": 1,
        "on_demand_percentage_above_base_capacity": percent,
        "on_demand_allocation_strategy": "prioritized",
        "spot_allocation_strategy": "price-capacity-optimized",  # B9
    }


@pytest.mark.parametrize(("low", "high"), [(0, 3), (2, 10)])
def test_it_has_the_bounds_of_the_settings_and_leaves_the_number_to_scaling(low: int, high: int):
    _, recorded = fleet(min_workers=low, max_workers=high)

    assert (group(recorded)["min_size"], group(recorded)["max_size"]) == (low, high)
    assert group(recorded)["vpc_zone_identifiers"] == ["subnet-private-a", "subnet-private-b"]
    assert "desired_capacity" not in group(recorded)
    assert group(recorded).ignore_changes == ["desired_capacity"]


def test_without_a_warm_pool_there_is_none():
    _, recorded = fleet()

    assert "warm_pool" not in group(recorded)
    assert "launch_template" not in group(recorded)


def test_a_warm_pool_stands_stopped_beside_a_group_that_is_not_mixed():  # B14
    _, recorded = fleet(warm_pool={"min_size": 2, "max_prepared": 6}, **POOL)

    assert group(recorded)["warm_pool"] == {
        "pool_state": "Stopped",
        "min_size": 2,
        "max_group_prepared_capacity": 6,
    }
    assert "mixed_instances_policy" not in group(recorded)
    assert group(recorded)["launch_template"] == {
        "id": template(recorded).id,
        "version": str(template(recorded).outputs["latest_version"]),
    }
    assert template(recorded)["instance_type"] == "c7i.large"


def test_what_a_warm_pool_prepares_ends_at_the_fleets_own_ceiling_unless_it_is_told():
    _, recorded = fleet(warm_pool={"min_size": 2}, **POOL)

    assert "max_group_prepared_capacity" not in group(recorded)["warm_pool"]


def test_the_group_tells_how_many_instances_it_wants_and_has_each_minute():
    _, recorded = fleet()

    assert group(recorded)["metrics_granularity"] == "1Minute"
    assert group(recorded)["enabled_metrics"] == [
        "GroupDesiredCapacity",
        "GroupInServiceInstances",
        "GroupPendingInstances",
    ]
    assert group(recorded)["default_instance_warmup"] == 60


def test_neither_a_spot_drought_nor_protected_instances_hold_up_an_update():
    _, recorded = fleet()

    assert group(recorded)["wait_for_capacity_timeout"] == "0"
    assert group(recorded)["force_delete"] is True


def test_instances_and_volumes_carry_the_stacks_tags():
    _, recorded = fleet()
    own = {"Project": "backlot", "Environment": "dev", "Name": "backlot-dev-video"}

    assert template(recorded)["tag_specifications"] == [
        {"resource_type": "instance", "tags": own},
        {"resource_type": "volume", "tags": own},
    ]
    assert {tag["key"]: tag["value"] for tag in group(recorded)["tags"]} == own
    assert all(tag["propagate_at_launch"] is True for tag in group(recorded)["tags"])


# How an instance comes


def test_an_instance_counts_only_once_its_worker_can_start():
    assert group(fleet()[1])["initial_lifecycle_hooks"] == [
        {
            "name": "ready",
            "lifecycle_transition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "heartbeat_timeout": 900,
            "default_result": "ABANDON",
        }
    ]


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_instances_boot_the_newest_amazon_linux_2023_of_their_cpu_unless_one_is_named(
    architecture: str, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []

    def newest(token: str, args: dict[str, str], *_: object) -> dict[str, str]:
        asked.append(args["name"])
        return {"insecureValue": "ami-0newest", "value": "the copy that is marked secret"}

    monkeypatch.setattr("rehearsal.lookups.answer", newest)

    anew = RecordOnlyProvider()
    recorded = fleet(architecture=architecture, provider=anew)[1]
    assert template(recorded)["image_id"] == "ami-0newest"
    assert asked == [
        f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
    ]
    assert template(fleet(ami=AMI, provider=anew)[1])["image_id"] == AMI
    assert len(asked) == 1


def test_the_metadata_the_disk_and_the_key_are_those_of_the_settings():  # B20 B22
    _, recorded = fleet(root_gb=80)
    [disk] = template(recorded)["block_device_mappings"]

    assert template(recorded)["metadata_options"] == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    }
    assert disk["ebs"] == {
        "volume_type": "gp3",
        "volume_size": 80,
        "encrypted": "true",
        "delete_on_termination": "true",
    }
    assert "key_name" not in template(recorded)
    assert "monitoring" not in template(recorded)
    assert template(fleet(key_name="ops")[1])["key_name"] == "ops"


def test_nobody_gets_in_and_only_what_is_used_and_https_get_out():  # M42
    _, recorded = fleet(access=[STORES], key_name="ops")
    workers = recorded.one("ec2.SecurityGroup").id

    assert template(recorded)["vpc_security_group_ids"] == [workers]
    assert [
        rule
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if rule["security_group_id"] == workers
    ] == []
    assert {
        (rule.get("cidr_ipv4") or rule["referenced_security_group_id"], rule["to_port"])
        for rule in recorded.all("vpc.SecurityGroupEgressRule")
    } == {("0.0.0.0/0", 443), ("sg-database", 5432)}
    way_out = recorded.one("vpc.SecurityGroupEgressRule", "worker-video-instances-https-out")
    assert way_out.urn in template(recorded).resource.dependencies


# What it may do


def test_one_role_starts_the_worker_and_is_its_own():  # M54
    _, recorded = fleet(access=[STORES])
    granted = statements(recorded.one("iam.RolePolicy", "worker-video-instance"))
    queue = recorded.one("sqs.Queue", "queue-video-queue").outputs["arn"]

    assert set(granted) == {
        "OpenSessions",
        "HearCommands",
        "LogInToRegistry",
        "PullImages",
        "WriteLogs",
        "ReadReplicate",
        "ConsumeJobs",
        "ReadMedia",
    }
    assert recorded.all("iam.RolePolicyAttachment") == []
    assert granted["ConsumeJobs"][1] == [queue]
    assert granted["WriteLogs"][1] == [f"{recorded.one('cloudwatch.LogGroup').outputs['arn']}:*"]


def test_a_worker_protects_instances_of_its_own_group_alone():
    _, recorded = fleet()

    assert statements(recorded.one("iam.RolePolicy", "worker-video-group")) == {
        "ProtectWhileAtWork": (
            ["autoscaling:CompleteLifecycleAction", "autoscaling:SetInstanceProtection"],
            [group(recorded).outputs["arn"]],
        ),
        "SeeOwnGroup": (["autoscaling:DescribeAutoScalingInstances"], ["*"]),
    }


# What ends an instance


def test_an_instance_is_protected_by_its_worker_and_not_from_its_birth():
    _, recorded = fleet()

    assert group(recorded)["protect_from_scale_in"] is False
    assert group(recorded)["suspended_processes"] == ["AZRebalance"]
    assert "max_instance_lifetime" not in group(recorded)


@pytest.mark.parametrize(("percent", "early"), [(100, False), (50, True), (0, True)])
def test_spot_is_replaced_at_the_early_warning(percent: int, early: bool):  # B10
    assert group(fleet(on_demand_percent=percent)[1])["capacity_rebalance"] is early


@pytest.mark.parametrize(("limit", "seconds"), [(1, 121), (900, 1020), (7080, 7200)])
def test_an_instance_that_is_to_go_is_held_for_the_longest_job(limit: int, seconds: int):  # B10
    _, recorded = fleet(job_seconds=1, job_limit_seconds=limit)
    hook = recorded.one("autoscaling.LifecycleHook")

    assert hook["name"] == "drain"
    assert hook["autoscaling_group_name"] == group(recorded).outputs["name"]
    assert hook["lifecycle_transition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    assert hook["heartbeat_timeout"] == seconds
    assert hook["default_result"] == "CONTINUE"


@pytest.mark.parametrize("image", [IMAGE, None], ids=["container", "host"])
@pytest.mark.parametrize(("limit", "patience"), [(900, 940), (7080, 7120)])
def test_stopping_the_unit_waits_for_the_longest_job_and_ends_before_the_hook(
    image: str | None, limit: int, patience: int
):
    _, recorded = fleet(image=image, ami=AMI, command=["work"], job_limit_seconds=limit)

    assert f"TimeoutStopSec={patience}" in user_data(recorded).splitlines()
    assert patience < recorded.one("autoscaling.LifecycleHook")["heartbeat_timeout"]


def test_docker_gives_a_worker_its_longest_job_and_half_a_minute():
    assert spec(fleet(job_limit_seconds=900)[1])["stop_seconds"] == 930


def test_an_instance_whose_drain_is_given_up_by_hand_is_kept():  # B11
    assert group(fleet()[1])["instance_lifecycle_policy"] == {
        "retention_triggers": {"terminate_hook_abandon": "retain"}
    }


# How a new version gets in


@pytest.mark.parametrize("change", [{"image": f"{IMAGE}-1"}, {"ami": AMI}])
def test_a_new_image_or_ami_is_a_new_template_and_replaces_the_instances(
    change: dict[str, Any],
):  # M46 M47
    _, recorded = fleet()
    policy = group(recorded)["mixed_instances_policy"]

    assert policy["launch_template"]["launch_template_specification"] == {
        "launch_template_id": template(recorded).id,
        "version": str(template(recorded).outputs["latest_version"]),
    }
    assert group(recorded)["instance_refresh"]["strategy"] == "Rolling"
    assert template(fleet(**change)[1]).inputs != template(recorded).inputs


def test_new_instances_come_before_old_ones_go_and_workers_at_work_are_drained():  # B15
    _, recorded = fleet()
    bounds = {"min_healthy_percentage": 100, "max_healthy_percentage": 150}

    assert group(recorded)["instance_maintenance_policy"] == bounds
    assert group(recorded)["instance_refresh"]["preferences"] == {
        **bounds,
        "skip_matching": True,
        "scale_in_protected_instances": "Refresh",
    }


def test_a_restart_replaces_the_instances():  # M85
    component, recorded = fleet()

    assert recorded.outputs["restart"] == {
        "platform": "autoscaling",
        "group": group(recorded).outputs["name"],
    }
    assert [each.sid for each in component.restart.statements] == [
        "ReplaceInstances",
        "SeeInstances",
    ]


# How it scales


def policies(recorded: Recorded) -> dict[str, Node]:
    return {policy.name: policy for policy in recorded.all("autoscaling.Policy")}


def test_it_tracks_the_backlog_of_each_worker_in_periods_of_a_minute():  # M51 B12
    _, recorded = fleet()
    made = policies(recorded)["worker-video-scaling-backlog"]
    tracking = made["target_tracking_configuration"]
    *read, judged = tracking["customized_metric_specification"]["metrics"]

    assert made["policy_type"] == "TargetTrackingScaling"
    assert made["autoscaling_group_name"] == group(recorded).outputs["name"]
    assert made["estimated_instance_warmup"] == 60
    assert tracking["target_value"] == 6
    assert judged == {
        "id": "tracked",
        "label": "jobs per worker",
        "expression": (
            "(waiting + at_work) / IF(waiting >= 0 AND at_work >= 0, "
            "IF(FILL(wanted, REPEAT) > 0, FILL(wanted, REPEAT), 1))"
        ),
        "return_data": True,
    }
    assert [each["id"] for each in read] == ["waiting", "at_work", "wanted"]
    assert {each["return_data"] for each in read} == {False}
    assert {each["metric_stat"]["period"] for each in read} == {60}
    assert read[2]["metric_stat"] == {
        "stat": "Maximum",
        "period": 60,
        "metric": {
            "namespace": "AWS/AutoScaling",
            "metric_name": "GroupDesiredCapacity",
            "dimensions": [
                {"name": "AutoScalingGroupName", "value": group(recorded).outputs["name"]}
            ],
        },
    }


def test_a_worker_that_does_several_jobs_at_once_may_have_as_many_times_the_backlog():
    _, recorded = fleet(concurrency=4)
    tracking = policies(recorded)["worker-video-scaling-backlog"]["target_tracking_configuration"]

    assert tracking["target_value"] == 24
    assert spec(recorded)["environment"]["CONCURRENCY"] == "4"


def test_a_fleet_that_never_rests_is_not_woken():
    component, recorded = fleet(min_workers=1)

    assert set(policies(recorded)) == {"worker-video-scaling-backlog"}
    assert component.waking is None
    assert recorded.all("cloudwatch.MetricAlarm") == []


def test_from_zero_one_two_or_four_workers_start_by_the_size_of_the_backlog():  # M52
    _, recorded = fleet(min_workers=0)
    wake = policies(recorded)["worker-video-wake"]

    assert wake["policy_type"] == "StepScaling"
    assert wake["adjustment_type"] == "ChangeInCapacity"
    assert wake["metric_aggregation_type"] == "Maximum"
    assert wake["estimated_instance_warmup"] == 600
    assert wake["step_adjustments"] == [
        {
            "scaling_adjustment": 1,
            "metric_interval_lower_bound": "0",
            "metric_interval_upper_bound": "6",
        },
        {
            "scaling_adjustment": 2,
            "metric_interval_lower_bound": "6",
            "metric_interval_upper_bound": "18",
        },
        {"scaling_adjustment": 4, "metric_interval_lower_bound": "18"},
    ]


def test_jobs_that_wait_while_no_instance_is_wanted_wake_the_fleet():  # M52
    _, recorded = fleet(min_workers=0)
    [alarm] = recorded.all("cloudwatch.MetricAlarm")
    judged = [each for each in alarm["metric_queries"] if each["return_data"]]

    assert alarm["name"] == "backlot-dev-worker-video-wake-no-worker"
    assert alarm["alarm_actions"] == [policies(recorded)["worker-video-wake"].outputs["arn"]]
    assert [each["expression"] for each in judged] == [
        "IF(waiting >= 0, IF(FILL(wanted, REPEAT) < 1, waiting, 0))"
    ]


def test_the_waker_sets_the_number_of_this_group_alone():  # M52
    _, recorded = fleet(min_workers=0)

    assert recorded.outputs["waking"] == {
        "platform": "autoscaling",
        "queue": recorded.one("sqs.Queue", "queue-video-queue").outputs["url"],
        "group": group(recorded).outputs["name"],
        "target": 6,
        "most": 4,
        "max": 10,
    }
    granted = {
        each["Sid"]: (each["Action"], each["Resource"])
        for each in recorded.outputs["waking_statements"]
    }
    assert granted == {
        "MeasureJobs": (
            ["sqs:GetQueueAttributes"],
            [recorded.one("sqs.Queue", "queue-video-queue").outputs["arn"]],
        ),
        "WakeGroups": (["autoscaling:SetDesiredCapacity"], [group(recorded).outputs["arn"]]),
        "ReadGroups": (["autoscaling:DescribeAutoScalingGroups"], ["*"]),
    }


def test_a_schedule_sets_both_bounds_and_leaves_the_number_between_them():  # B13
    schedule = {**NIGHT, "time_zone": "Europe/Berlin"}
    component, recorded = fleet(min_workers=1, schedules={"night": schedule})
    [made] = recorded.all("autoscaling.Schedule")

    assert made["scheduled_action_name"] == "night"
    assert made["autoscaling_group_name"] == group(recorded).outputs["name"]
    assert (made["recurrence"], made["time_zone"]) == ("5 20 * * 0,1,5", "Europe/Berlin")
    assert (made["min_size"], made["max_size"], made["desired_capacity"]) == (0, 0, -1)
    # A fleet that rests at night has to be woken in the morning.
    assert component.waking is not None


@pytest.mark.parametrize(
    ("days", "at", "expected"),
    [
        (["mon"], "00:00", "0 0 * * 1"),
        (["mon", "tue", "wed", "thu", "fri"], "07:30", "30 7 * * 1,2,3,4,5"),
        (["sat", "sun"], "23:59", "59 23 * * 0,6"),
    ],
)
def test_crons_week_begins_on_sunday(days: list[str], at: str, expected: str):
    settings = {"days": days, "at": at, "min_workers": 0, "max_workers": 1}

    assert crontab(ScheduleSettings.model_validate(settings)) == expected


# How it is watched


def test_workers_that_are_missing_and_jobs_that_fail_are_heard_of():  # M99
    component, recorded = fleet()
    dimensions = {"AutoScalingGroupName": group(recorded).outputs["name"]}
    missing = recorded.outputs["alarms"]["workers-missing"]

    assert [(alarm.name, alarm.threshold, alarm.severity) for alarm in component.alarms] == [
        ("workers-missing", 1, "warning"),
        ("jobs-failing", 0.85, "warning"),
    ]
    assert {key: each["metric"] for key, each in missing.items()} == {
        "wanted": "AWS/AutoScaling GroupDesiredCapacity",
        "running": "AWS/AutoScaling GroupInServiceInstances",
    }
    assert all(each["dimensions"] == dimensions for each in missing.values())


def test_the_dashboard_shows_its_workers_its_backlog_and_its_jobs():
    component, _ = fleet()

    assert [panel.title for panel in component.panels] == [
        "video: workers",
        "video: jobs per worker",
        "video: jobs done",
        "video: time for a job",
    ]


def test_every_alarm_has_a_runbook():
    for alarm in fleet()[0].alarms:
        page, _, anchor = alarm.runbook.partition("#")
        text = (ROOT / "docs" / "runbooks" / page).read_text(encoding="utf-8")
        assert f"\n## {anchor}\n" in text


def test_what_it_makes_hangs_below_it_and_bears_its_name():
    component, recorded = fleet(min_workers=0, schedules={"night": NIGHT})
    node = recorded.one("backlot:workers:Ec2Fleet")
    made = [each for each in recorded.nodes if each.name.startswith("worker-video-")]

    assert {each.parent for each in made} == {node.urn}
    assert len(made) == len(recorded.children(node))
    assert node.outputs == {
        "group_name": group(recorded).outputs["name"],
        "log_group_name": "/ec2/backlot-dev-worker-video",
        "role_name": recorded.one("iam.Role").outputs["name"],
        "deploy_handle": group(recorded).outputs["name"],
    }
    assert len(component.group_names) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"min_workers": 0, "schedules": {"night": NIGHT}},
        {"min_workers": 2},
        {"image": None, "ami": AMI, "command": ["work"]},
        {"warm_pool": {"min_size": 2, "max_prepared": 6}, **POOL},
    ],
    ids=["from zero", "always", "host", "warm pool"],
)
def test_aws_takes_it_as_it_is(changes: dict[str, Any]):
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        _, recorded = fleet(provider=provider, **changes)

    assert [str(finding) for finding in recorded.findings] == []


# What an instance boots


def test_an_instance_is_told_what_to_run_and_nothing_secret():  # M32
    _, recorded = fleet(access=[STORES], command=["work", "--fast"])

    assert spec(recorded) == {
        "name": "worker",
        "image": IMAGE,
        "command": ["work", "--fast"],
        "environment": {
            "AWS_REGION": "us-east-1",
            "BUILD_ID": "1.0.0",
            "CONCURRENCY": "1",
            "FLEET": "video",
            "HEARTBEAT_SECONDS": "40",
            "JOB_LIMIT_SECONDS": "900",
            "STOP_SECONDS": "930",
            "MEDIA_BUCKET": "backlot-dev-media",
            "METRICS_NAMESPACE": "backlot-dev/Jobs",
            "PROTECTION_MINUTES": "15",
            "QUEUE_URL": recorded.one("sqs.Queue", "queue-video-queue").outputs["url"],
            "VISIBILITY_SECONDS": "120",
        },
        "secrets": {"REPLICATE_API_KEY": SECRET},
        "region": "us-east-1",
        "log_group": "/ec2/backlot-dev-worker-video",
        "log_buffer": "25m",
        "ready_hook": "ready",
        "stop_seconds": 930,
    }


def test_the_unit_is_called_worker_and_runs_a_container():
    lines = user_data(fleet()[1]).splitlines()

    for line in (
        "dnf install --quiet --assumeyes docker",
        "cat >/etc/systemd/system/worker.service <<UNIT",
        "ExecStart=/usr/bin/python3 /opt/worker/launch.py /opt/worker/worker.json $instance",
        "ExecStop=-/usr/bin/docker stop worker",
        "Restart=always",
        "systemctl enable --now worker",
    ):
        assert line in lines
    assert "@" not in written(fleet()[1], "SPEC")


def host(**changes: Any) -> Recorded:
    return fleet(**{"image": None, "ami": AMI, "command": ["/srv/worker", "run"], **changes})[1]


def test_without_an_image_the_amis_own_command_runs_and_there_is_no_docker():  # M46
    recorded = host(access=[STORES])
    lines = user_data(recorded).splitlines()

    assert spec(recorded)["command"] == ["/srv/worker", "run"]
    assert spec(recorded)["secrets"] == {"REPLICATE_API_KEY": SECRET}
    assert {"image", "log_group", "log_buffer", "stop_seconds"}.isdisjoint(spec(recorded))
    for line in (
        "cat >/etc/systemd/system/worker.service <<UNIT",
        "ExecStart=/usr/bin/python3 /opt/worker/launch.py /opt/worker/worker.json $instance",
        "KillMode=mixed",
        "Restart=always",
        "systemctl enable --now worker",
    ):
        assert line in lines
    unit = user_data(recorded).split("<<UNIT\n")[1]
    assert "docker" not in unit
    assert "ExecStop" not in unit


def test_without_a_container_the_agent_brings_the_output_to_cloudwatch():
    recorded = host()
    [output] = json.loads(written(recorded, "LOGS"))["logs"]["logs_collected"]["files"][
        "collect_list"
    ]

    assert output == {
        "file_path": "/var/log/worker/output.log",
        "log_group_name": "/ec2/backlot-dev-worker-video",
        "log_stream_name": "worker/{instance_id}",
    }
    assert "StandardOutput=append:/var/log/worker/output.log" in user_data(recorded).splitlines()
    assert "copytruncate" in written(recorded, "ROTATE")


def test_what_keeps_a_container_from_starting_is_in_the_journal():
    _, recorded = fleet()
    unit = user_data(recorded).splitlines()

    # Docker sends the container's own output to CloudWatch.
    assert "StandardOutput=null" in unit
    assert "StandardError=journal" in unit


@pytest.mark.parametrize("script", [instances.BOOT_SCRIPT, instances.HOST_BOOT_SCRIPT])
def test_the_boot_scripts_are_valid_bash(script: Path):
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("image", [IMAGE, None], ids=["container", "host"])
def test_what_the_settings_hold_never_ends_up_as_shell(image: str | None, tmp_path: Path):
    awkward = "$(reboot) `reboot` 'q' \"d\" @launcher@ @logs@\nSPEC\n\\"
    recorded = host(image=image, environment={"AWKWARD": awkward})

    assert spec(recorded)["environment"]["AWKWARD"] == awkward
    script = tmp_path / "boot.sh"
    script.write_text(user_data(recorded), encoding="utf-8")
    subprocess.run(["bash", "-n", str(script)], check=True)


# What the launcher does beside what it does for the API


class Group:
    """What the launcher asks and tells, and what it starts in the end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, states: list[str]) -> None:
        self.states = states
        self.told: list[list[str]] = []
        self.waits: list[int] = []
        self.started: tuple[list[str], dict[str, str]] | None = None
        self._file = tmp_path / "worker.json"
        monkeypatch.setattr(instance_launch.subprocess, "run", self._run)
        monkeypatch.setattr(instance_launch.time, "sleep", self.waits.append)
        monkeypatch.setattr(instance_launch.os, "execvpe", self._start)

    def launch(self, **changes: Any) -> None:
        given = {
            "name": "worker",
            "image": IMAGE,
            "command": [],
            "environment": {"FLEET": "video"},
            "secrets": {"REPLICATE_API_KEY": SECRET},
            "region": "us-east-1",
            "log_group": "/ec2/backlot-dev-worker-video",
            "log_buffer": "25m",
            "ready_hook": "ready",
            "stop_seconds": 930,
            **changes,
        }
        self._file.write_text(json.dumps(given), encoding="utf-8")
        instance_launch.main(str(self._file), INSTANCE)

    def _run(self, command: tuple[str, ...], **_: object) -> subprocess.CompletedProcess[str]:
        answer = ""
        if "describe-auto-scaling-instances" in command:
            assert INSTANCE in command
            state = self.states.pop(0)
            found = {"AutoScalingGroupName": "video-group", "LifecycleState": state}
            answer = json.dumps({"AutoScalingInstances": [found] if state else []})
        elif "get-secret-value" in command:
            answer = json.dumps({"SecretString": "r8-token"})
        elif "complete-lifecycle-action" in command:
            assert self.started is None
        self.told.append(list(command))
        return subprocess.CompletedProcess(command, 0, stdout=answer)

    def _start(self, _file: str, command: list[str], environment: dict[str, str]) -> None:
        self.started = (command, environment)

    @property
    def let_go(self) -> list[list[str]]:
        return [each for each in self.told if "complete-lifecycle-action" in each]


def test_a_worker_starts_once_its_group_has_put_the_instance_into_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    seen = Group(monkeypatch, tmp_path, ["", "Pending", "Pending:Wait", "InService"])
    seen.launch()
    command, environment = seen.started or ([], {})

    assert seen.waits == [5, 5, 5]
    assert seen.let_go == [
        [
            "aws",
            "autoscaling",
            "complete-lifecycle-action",
            "--auto-scaling-group-name=video-group",
            "--lifecycle-hook-name=ready",
            f"--instance-id={INSTANCE}",
            "--lifecycle-action-result=CONTINUE",
            "--region=us-east-1",
        ]
    ]
    assert "--env=GROUP=video-group" in command
    assert f"--env=INSTANCE_ID={INSTANCE}" in command
    assert "--env=FLEET=video" in command
    assert "--stop-timeout=930" in command
    assert environment["REPLICATE_API_KEY"] == "r8-token"


def test_image_and_secrets_are_at_hand_before_the_instance_is_let_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    seen = Group(monkeypatch, tmp_path, ["Pending:Wait", "InService"])
    seen.launch()
    words = [" ".join(each[:3]) for each in seen.told]

    assert words.index("docker image inspect") < words.index(
        "aws autoscaling complete-lifecycle-action"
    )
    assert words.index("aws secretsmanager get-secret-value") < words.index(
        "aws autoscaling complete-lifecycle-action"
    )


def test_a_worker_that_starts_again_asks_for_nothing_to_be_let_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    seen = Group(monkeypatch, tmp_path, ["InService"])
    seen.launch()

    assert seen.let_go == []
    assert seen.waits == []
    assert seen.started is not None


class StoppedError(Exception):
    """The instance was stopped, or terminated, while the launcher waited."""


@pytest.mark.parametrize(
    ("states", "let_go"),
    [
        (["Warmed:Pending:Wait", "Warmed:Pending:Proceed", "Warmed:Stopped"], 1),
        (["Terminating:Wait", "Terminating:Proceed"], 0),
        (["Standby", "Standby"], 0),
    ],
    ids=["warm pool", "terminating", "standby"],
)
def test_no_worker_starts_in_a_warm_pool_or_at_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, states: list[str], let_go: int
):
    seen = Group(monkeypatch, tmp_path, list(states))

    def sleep(_seconds: int) -> None:
        if not seen.states:
            raise StoppedError

    monkeypatch.setattr(instance_launch.time, "sleep", sleep)
    with pytest.raises(StoppedError):
        seen.launch()

    assert len(seen.let_go) == let_go
    assert seen.started is None


def test_without_an_image_the_command_runs_in_the_same_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):  # M46
    seen = Group(monkeypatch, tmp_path, ["InService"])
    seen.launch(image=None, command=["/srv/worker", "run"])
    command, environment = seen.started or ([], {})

    assert command == ["/srv/worker", "run"]
    assert (
        environment.items()
        >= {
            "FLEET": "video",
            "GROUP": "video-group",
            "INSTANCE_ID": INSTANCE,
            "REPLICATE_API_KEY": "r8-token",
            "PATH": os.environ["PATH"],
        }.items()
    )
    assert [each for each in seen.told if each[0] == "docker"] == []
