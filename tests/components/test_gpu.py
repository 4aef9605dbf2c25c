"""GPU fleets: components/workers/gpu.py and what it boots its instances with."""

from __future__ import annotations

import base64
import itertools
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.access import Access
from components.access import Path as Reach
from components.containers import ContainerSecret
from components.grants import Statement
from components.queues import WorkQueue, WorkQueueArgs
from components.workers.contract import Fleet
from components.workers.gpu import GpuFleet
from components.workers.gpu_instances import BOOT_SCRIPT, GpuFleetArgs
from rehearsal.contract import Provider
from rehearsal.record import RecordOnlyProvider
from settings.queues import QueueSettings
from settings.workers import GpuFleetSettings
from tests.components.parts import export_watched, ground
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once, with_aws

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/worker@sha256:" + "a" * 64
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:backlot-dev-render"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backlot-dev/replicate-AbCdEf"

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


def fleet_settings(**changes: object) -> GpuFleetSettings:
    defaults = {
        "kind": "gpu",
        "queue": "render",
        "image": "worker:1.0.0",
        "gpu_class": "24g",
        "min_workers": 2,
        "max_workers": 20,
        "on_demand_percent": 30,
        "job_seconds": 60,
        "job_limit_seconds": 900,
        "target_wait_seconds": 300,
    }
    return GpuFleetSettings.model_validate(defaults | changes)


@recorded_once
def recorded_fleet(
    access: Sequence[Access] = (), provider: Provider | None = None, **changes: object
) -> tuple[GpuFleet, Recorded]:
    made: list[GpuFleet] = []

    def program() -> None:
        here = with_aws(aws_provider())
        standing = ground(tags={"Project": "backlot", "Environment": "dev"})
        queue = WorkQueue(
            "queue-render",
            WorkQueueArgs(settings=QueueSettings(), queue="render", ground=standing),
            here,
        )
        fleet = GpuFleet(
            "worker-render",
            GpuFleetArgs(
                settings=fleet_settings(**changes),
                ground=standing,
                fleet="render",
                queue=queue,
                image=IMAGE,
                build="1.0.0",
                access=access,
            ),
            here,
        )
        made.append(fleet)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in fleet.alarms})
        pulumi.export("group_names", list(fleet.group_names))
        if fleet.waking:
            pulumi.export("waking", dict(fleet.waking.fleet))
            pulumi.export("grants", [one.rendered() for one in fleet.waking.statements])

    recorded = record(program, provider=provider)
    return made[0], recorded


def container(recorded: Recorded) -> dict[str, Any]:
    (only,) = recorded.one("ecs.TaskDefinition").json("container_definitions")
    return only


def statements(policy: Node) -> list[dict[str, Any]]:
    return policy.json("policy")["Statement"]


def distribution(recorded: Recorded) -> dict[str, Any]:
    return recorded.one("autoscaling.Group")["mixed_instances_policy"]["instances_distribution"]


def types(recorded: Recorded) -> list[str]:
    policy = recorded.one("autoscaling.Group")["mixed_instances_policy"]
    return [override["instance_type"] for override in policy["launch_template"]["overrides"]]


def user_data(recorded: Recorded) -> str:
    return base64.b64decode(recorded.one("ec2.LaunchTemplate")["user_data"]).decode()


def test_a_fleet_has_a_cluster_of_its_own_that_publishes_task_counts():  # M50
    _, recorded = recorded_fleet()
    cluster = recorded.one("ecs.Cluster", "worker-render-cluster")
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enhanced"}]


@pytest.mark.parametrize(
    ("gpu_class", "expected"),
    [("24g", ["g6.xlarge", "g5.xlarge"]), ("16g", ["g4dn.xlarge", "g6.xlarge", "g5.xlarge"])],
)
def test_the_group_buys_any_type_of_its_gpu_class(gpu_class: str, expected: list[str]):  # M48
    _, recorded = recorded_fleet(gpu_class=gpu_class)
    assert types(recorded) == expected


def test_types_in_the_settings_replace_those_of_the_class():  # M48
    _, recorded = recorded_fleet(instance_types=["g6e.xlarge"])
    assert types(recorded) == ["g6e.xlarge"]


def test_every_instance_counts_as_one():
    _, recorded = recorded_fleet()
    policy = recorded.one("autoscaling.Group")["mixed_instances_policy"]
    for override in policy["launch_template"]["overrides"]:
        assert set(override) == {"instance_type"}


def test_thirty_percent_is_bought_on_demand_and_seventy_as_spot():  # M49
    _, recorded = recorded_fleet(on_demand_percent=30)
    assert distribution(recorded) == {
        "on_demand_base_capacity": 0,
        "on_demand_percentage_above_base_capacity": 30,
        "on_demand_allocation_strategy": "prioritized",
        "spot_allocation_strategy": "price-capacity-optimized",  # B9
    }


def test_a_fleet_without_spot_is_one_number_away():  # M49 dev
    _, recorded = recorded_fleet(on_demand_percent=100, on_demand_base=1)
    assert distribution(recorded)["on_demand_percentage_above_base_capacity"] == 100
    assert distribution(recorded)["on_demand_base_capacity"] == 1


def test_the_group_shrinks_to_nothing_and_never_outgrows_the_fleet():  # M49, M52
    _, recorded = recorded_fleet(min_workers=2, max_workers=20)
    group = recorded.one("autoscaling.Group")
    assert (group["min_size"], group["max_size"]) == (0, 20)
    assert group["vpc_zone_identifiers"] == ["subnet-private-a", "subnet-private-b"]


def test_nothing_but_ecs_ends_an_instance_at_work():  # B6
    _, recorded = recorded_fleet()
    group = recorded.one("autoscaling.Group")
    assert group["protect_from_scale_in"] is True
    assert group["suspended_processes"] == ["AZRebalance"]
    assert "max_instance_lifetime" not in group
    assert "instance_refresh" not in group


def test_a_mere_warning_ends_an_instance_only_where_that_is_asked_for():  # B10
    _, recorded = recorded_fleet()
    assert recorded.one("autoscaling.Group")["capacity_rebalance"] is False
    _, recorded = recorded_fleet(capacity_rebalance=True)
    assert recorded.one("autoscaling.Group")["capacity_rebalance"] is True


def test_the_group_tells_how_many_instances_it_wants_and_has_each_minute():
    _, recorded = recorded_fleet()
    group = recorded.one("autoscaling.Group")
    assert group["metrics_granularity"] == "1Minute"
    assert group["enabled_metrics"] == [
        "GroupDesiredCapacity",
        "GroupInServiceInstances",
        "GroupPendingInstances",
    ]
    assert group["default_instance_warmup"] == 180


def test_neither_a_spot_drought_nor_protected_instances_hold_up_an_update():
    _, recorded = recorded_fleet()
    group = recorded.one("autoscaling.Group")
    assert group["wait_for_capacity_timeout"] == "0"
    assert group["force_delete"] is True
    assert recorded.one("ecs.Service")["wait_for_steady_state"] is False


def test_what_scaling_changes_is_left_as_it_is():
    _, recorded = recorded_fleet(min_workers=2)
    group, service = recorded.one("autoscaling.Group"), recorded.one("ecs.Service")
    assert group.ignore_changes == ["desired_capacity"]
    assert "desired_capacity" not in group
    assert service.ignore_changes == ["desired_count"]
    assert service["desired_count"] == 2


def test_instances_and_volumes_carry_the_stacks_tags():
    _, recorded = recorded_fleet()
    own = {"Project": "backlot", "Environment": "dev", "Name": "backlot-dev-render"}
    template = recorded.one("ec2.LaunchTemplate")
    assert template["tag_specifications"] == [
        {"resource_type": "instance", "tags": own},
        {"resource_type": "volume", "tags": own},
    ]
    tags = recorded.one("autoscaling.Group")["tags"]
    assert all(tag["propagate_at_launch"] is True for tag in tags)
    assert {tag["key"]: tag["value"] for tag in tags} == {**own, "AmazonECSManaged": ""}


def test_ecs_scales_the_group_by_tasks_and_spares_those_at_work():  # M50, B6
    _, recorded = recorded_fleet()
    provider = recorded.one("ecs.CapacityProvider")["auto_scaling_group_provider"]
    assert provider["auto_scaling_group_arn"] == recorded.one("autoscaling.Group").outputs["arn"]
    assert provider["managed_draining"] == "ENABLED"
    assert provider["managed_termination_protection"] == "ENABLED"
    assert provider["managed_scaling"] == {
        "status": "ENABLED",
        "target_capacity": 100,
        "minimum_scaling_step_size": 1,
        "maximum_scaling_step_size": 5,
        "instance_warmup_period": 180,
    }


def test_the_limit_on_runaways_follows_the_settings():
    _, recorded = recorded_fleet(max_step=2)
    provider = recorded.one("ecs.CapacityProvider")["auto_scaling_group_provider"]
    assert provider["managed_scaling"]["maximum_scaling_step_size"] == 2


def test_the_service_runs_on_the_capacity_provider_and_never_on_a_launch_type():  # M50
    _, recorded = recorded_fleet()
    service = recorded.one("ecs.Service")
    provider = recorded.one("ecs.CapacityProvider").outputs["name"]
    strategy = [{"capacity_provider": provider, "weight": 1}]
    assert service["capacity_provider_strategies"] == strategy
    assert "launch_type" not in service
    attachment = recorded.one("ecs.ClusterCapacityProviders")
    assert attachment["capacity_providers"] == [provider]
    assert attachment["default_capacity_provider_strategies"] == strategy
    assert attachment.urn in service.resource.dependencies


def test_instances_keep_their_grants_and_their_way_to_ecs_until_the_service_is_gone():
    _, recorded = recorded_fleet()
    chain = [
        recorded.one("ecs.Service"),
        recorded.one("ecs.CapacityProvider"),
        recorded.one("autoscaling.Group"),
        recorded.one("ec2.LaunchTemplate"),
        recorded.one("iam.InstanceProfile"),
    ]
    for user, used in itertools.pairwise(chain):
        assert used.urn in user.resource.dependencies
    # Pulumi deletes in the reverse order, and an agent that is cut off leaves its tasks draining.
    template, profile = chain[-2:]
    way_out = recorded.one("vpc.SecurityGroupEgressRule", "worker-render-instances-https-out")
    assert way_out.urn in template.resource.dependencies
    grants = recorded.one("iam.RolePolicy", "worker-render-instance")
    assert grants.urn in profile.resource.dependencies


def test_a_deployment_stops_old_workers_first_and_rolls_back_by_itself():  # M50
    _, recorded = recorded_fleet()
    service = recorded.one("ecs.Service")
    assert service["deployment_minimum_healthy_percent"] == 0
    assert service["deployment_maximum_percent"] == 100
    assert service["deployment_circuit_breaker"] == {"enable": True, "rollback": True}


def test_tasks_are_packed_and_stay_where_they_are():
    _, recorded = recorded_fleet()
    service = recorded.one("ecs.Service")
    assert service["ordered_placement_strategies"] == [{"type": "binpack", "field": "memory"}]
    assert service["availability_zone_rebalancing"] == "DISABLED"


def test_workers_run_in_private_subnets_in_a_group_of_their_own():
    _, recorded = recorded_fleet()
    network = recorded.one("ecs.Service")["network_configuration"]
    assert network == {
        "subnets": ["subnet-private-a", "subnet-private-b"],
        "security_groups": [recorded.one("ec2.SecurityGroup", "worker-render-tasks").id],
    }


def test_instances_boot_the_newest_gpu_image_unless_one_is_pinned(
    monkeypatch: pytest.MonkeyPatch,
):  # M48
    asked: list[str] = []

    def newest(token: str, args: dict[str, str], *_: object) -> dict[str, str]:
        asked.append(args["name"])
        return {"insecureValue": "ami-0newest", "value": "the copy that is marked secret"}

    monkeypatch.setattr("rehearsal.lookups.answer", newest)
    anew = RecordOnlyProvider()
    _, recorded = recorded_fleet(provider=anew)
    template = recorded.one("ec2.LaunchTemplate")
    assert template["image_id"] == "ami-0newest"
    assert asked == ["/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"]
    _, recorded = recorded_fleet(provider=anew, ami="ami-0123456789abcdef0")
    assert recorded.one("ec2.LaunchTemplate")["image_id"] == "ami-0123456789abcdef0"
    assert len(asked) == 1


def test_instance_metadata_is_read_with_a_token_and_one_hop_away_at_most():  # B22
    _, recorded = recorded_fleet()
    assert recorded.one("ec2.LaunchTemplate")["metadata_options"] == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    }


def test_the_system_disk_is_encrypted_and_fast():  # B16
    _, recorded = recorded_fleet(root_gb=200)
    assert recorded.one("ec2.LaunchTemplate")["block_device_mappings"] == [
        {
            "device_name": "/dev/xvda",
            "ebs": {
                "volume_type": "gp3",
                "volume_size": 200,
                "iops": 3000,
                "throughput": 400,
                "encrypted": "true",
                "delete_on_termination": "true",
            },
        }
    ]


def test_the_group_decides_what_is_bought_and_nobody_logs_in_with_a_key():
    _, recorded = recorded_fleet()
    template = recorded.one("ec2.LaunchTemplate")
    for absent in ("instance_market_options", "instance_type", "key_name", "network_interfaces"):
        assert absent not in template


def test_a_change_of_the_template_shows_in_the_group():
    _, recorded = recorded_fleet()
    template = recorded.one("ec2.LaunchTemplate")
    used = recorded.one("autoscaling.Group")["mixed_instances_policy"]["launch_template"]
    assert used["launch_template_specification"] == {
        "launch_template_id": template.id,
        "version": str(template.outputs["latest_version"]),
    }
    assert template["update_default_version"] is True


def test_an_instance_joins_its_cluster_and_drains_when_spot_is_taken_back():  # M50
    _, recorded = recorded_fleet()
    lines = user_data(recorded).splitlines()
    assert lines[0] == "#!/bin/bash"
    cluster = recorded.one("ecs.Cluster").outputs["name"]
    for line in (
        f"ECS_CLUSTER={cluster}",
        "ECS_ENABLE_GPU_SUPPORT=true",
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true",
        "ECS_CONTAINER_STOP_TIMEOUT=110s",
        "ECS_AWSVPC_BLOCK_IMDS=true",
    ):
        assert line in lines
    assert "@" not in user_data(recorded)


def test_images_are_kept_on_the_disk_in_the_host():
    _, recorded = recorded_fleet()
    assert 'mount -o noatime "$disk" /var/lib/docker' in user_data(recorded)


def test_the_boot_script_is_valid_bash():
    subprocess.run(["bash", "-n", str(BOOT_SCRIPT)], check=True)


def test_an_instance_may_join_its_cluster_and_be_looked_into_and_nothing_else():
    _, recorded = recorded_fleet()
    role = recorded.one("iam.Role", "worker-render-instance")
    assert role.json("assume_role_policy")["Statement"][0]["Principal"] == {
        "Service": "ec2.amazonaws.com"
    }
    cluster = recorded.one("ecs.Cluster").outputs
    granted = {
        one["Sid"]: (one["Action"], one["Resource"])
        for one in statements(recorded.one("iam.RolePolicy", "worker-render-instance"))
    }
    assert set(granted) == {
        *("OpenSessions", "HearCommands", "FindCluster", "JoinCluster", "WorkForCluster")
    }
    assert granted["JoinCluster"] == (
        [
            "ecs:DeregisterContainerInstance",
            "ecs:RegisterContainerInstance",
            "ecs:SubmitAttachmentStateChanges",
            "ecs:SubmitContainerStateChange",
            "ecs:SubmitTaskStateChange",
        ],
        [cluster["arn"]],
    )
    assert granted["WorkForCluster"] == (
        ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"],
        [f"arn:aws:ecs:us-east-1:123456789012:container-instance/{cluster['name']}/*"],
    )
    assert recorded.all("iam.RolePolicyAttachment") == []
    profile = recorded.one("iam.InstanceProfile")
    assert profile["role"] == role.outputs["name"]
    template = recorded.one("ec2.LaunchTemplate")
    assert template["iam_instance_profile"] == {"arn": profile.outputs["arn"]}


def test_a_worker_has_one_whole_gpu_and_fits_the_smallest_type_of_its_class():  # M50
    _, recorded = recorded_fleet()
    task = recorded.one("ecs.TaskDefinition")
    assert task["requires_compatibilities"] == ["EC2"]
    assert task["network_mode"] == "awsvpc"
    assert task["skip_destroy"] is True
    assert task["family"] == "backlot-dev-render"
    worker = container(recorded)
    assert worker["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    assert (worker["cpu"], worker["memory"]) == (3584, 13312)
    assert worker["image"] == IMAGE
    assert worker["essential"] is True


def test_a_worker_has_110_seconds_to_put_its_job_back():
    _, recorded = recorded_fleet()
    assert container(recorded)["stopTimeout"] == 110


def test_a_command_replaces_the_images_own_only_when_it_is_given():
    _, recorded = recorded_fleet()
    assert "command" not in container(recorded)
    _, recorded = recorded_fleet(command=["celery", "worker"])
    assert container(recorded)["command"] == ["celery", "worker"]


def test_a_worker_is_not_privileged():
    _, recorded = recorded_fleet()
    assert "privileged" not in container(recorded)
    assert "mountPoints" not in container(recorded)
    assert "volumes" not in recorded.one("ecs.TaskDefinition")


def test_what_a_worker_says_is_kept_under_its_name():  # M88
    _, recorded = recorded_fleet()
    log_group = recorded.one("cloudwatch.LogGroup", "worker-render-logs")
    assert log_group["name"] == "/ecs/backlot-dev-worker-render"
    assert log_group["retention_in_days"] == 7
    logging = container(recorded)["logConfiguration"]
    assert logging["logDriver"] == "awslogs"
    assert logging["options"]["awslogs-group"] == "/ecs/backlot-dev-worker-render"
    assert logging["options"]["awslogs-region"] == "us-east-1"
    assert logging["options"]["awslogs-stream-prefix"] == "worker"


def variables(recorded: Recorded) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(recorded)["environment"]}


def test_a_worker_is_told_its_queue_and_its_times_and_what_it_uses():
    _, recorded = recorded_fleet([STORES], environment={"MODEL": "xl"})
    assert variables(recorded) == {
        "AWS_REGION": "us-east-1",
        "BUILD_ID": "1.0.0",
        "CONCURRENCY": "1",
        "FLEET": "render",
        "HEARTBEAT_SECONDS": "40",
        "JOB_LIMIT_SECONDS": "900",
        "STOP_SECONDS": "110",
        "MEDIA_BUCKET": "backlot-dev-media",
        "METRICS_NAMESPACE": "backlot-dev/Jobs",
        "MODEL": "xl",
        "PROTECTION_MINUTES": "15",
        "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/backlot-dev-render",
        "VISIBILITY_SECONDS": "120",
    }


def test_the_times_a_worker_is_told_follow_the_settings():
    _, recorded = recorded_fleet(protection_minutes=9, job_limit_seconds=60, heartbeat_seconds=30)
    told = variables(recorded)
    assert told["PROTECTION_MINUTES"] == "9"
    assert told["JOB_LIMIT_SECONDS"] == "60"
    assert told["HEARTBEAT_SECONDS"] == "30"


def test_a_worker_without_a_heartbeat_is_told_of_none():
    _, recorded = recorded_fleet(heartbeat_seconds=None)
    assert "HEARTBEAT_SECONDS" not in variables(recorded)


@pytest.mark.parametrize("variable", ["QUEUE_URL", "FLEET"])
def test_a_variable_that_is_set_twice_is_refused(variable: str):
    with pytest.raises(AssertionError, match=f"the variable {variable} is set twice"):
        recorded_fleet(environment={variable: "elsewhere"})


def test_secrets_reach_a_worker_by_reference_alone():  # M54
    _, recorded = recorded_fleet([STORES])
    assert container(recorded)["secrets"] == [{"name": "REPLICATE_API_KEY", "valueFrom": SECRET}]
    assert "REPLICATE_API_KEY" not in variables(recorded)


def test_the_worker_role_is_made_of_what_it_was_granted():  # M54
    _, recorded = recorded_fleet([STORES])
    cluster = recorded.one("ecs.Cluster").outputs["name"]
    granted = statements(recorded.one("iam.RolePolicy", "worker-render-task"))
    assert [(one["Sid"], one["Resource"]) for one in granted] == [
        (
            "ProtectTaskAtWork",
            [f"arn:aws:ecs:us-east-1:123456789012:task/{cluster}/*"],
        ),
        ("ConsumeJobs", [QUEUE_ARN]),
        ("ReadMedia", ["arn:aws:s3:::backlot-dev-media/*"]),
    ]
    assert granted[0]["Action"] == ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
    role = recorded.one("iam.Role", "worker-render-task")
    assert recorded.one("ecs.TaskDefinition")["task_role_arn"] == role.outputs["arn"]


def test_reading_the_secrets_is_left_to_the_execution_role():  # M54
    _, recorded = recorded_fleet([STORES])
    role = recorded.one("iam.Role", "worker-render-execution")
    assert recorded.one("ecs.TaskDefinition")["execution_role_arn"] == role.outputs["arn"]
    granted = statements(recorded.one("iam.RolePolicy", "worker-render-execution"))
    assert [one["Sid"] for one in granted] == [
        *("LogInToRegistry", "PullImages", "WriteLogs", "ReadReplicate")
    ]
    assert granted[3]["Resource"] == [SECRET]


def test_nobody_reaches_a_worker_or_its_instance():
    _, recorded = recorded_fleet()
    assert recorded.all("vpc.SecurityGroupIngressRule") == []
    for group in recorded.all("ec2.SecurityGroup"):
        assert "ingress" not in group


def test_workers_and_instances_leave_over_tls_alone():
    _, recorded = recorded_fleet()
    rules = recorded.all("vpc.SecurityGroupEgressRule")
    assert {(rule["cidr_ipv4"], rule["from_port"], rule["to_port"]) for rule in rules} == {
        ("0.0.0.0/0", 443, 443)
    }
    assert {rule["security_group_id"] for rule in rules} == {
        group.id for group in recorded.all("ec2.SecurityGroup")
    }


def test_a_store_is_reached_by_the_workers_and_not_by_the_instances():
    _, recorded = recorded_fleet([STORES])
    workers = recorded.one("ec2.SecurityGroup", "worker-render-tasks").id
    out = recorded.one("vpc.SecurityGroupEgressRule", "worker-render-to-database-out")
    into = recorded.one("vpc.SecurityGroupIngressRule", "worker-render-to-database-in")
    assert (out["security_group_id"], out["referenced_security_group_id"]) == (
        workers,
        "sg-database",
    )
    assert (into["security_group_id"], into["referenced_security_group_id"]) == (
        "sg-database",
        workers,
    )
    assert (into["from_port"], into["to_port"]) == (5432, 5432)


def test_a_fleet_that_never_rests_needs_no_waking():  # M52
    fleet, recorded = recorded_fleet(min_workers=2)
    assert recorded.one("appautoscaling.Target")["min_capacity"] == 2
    assert recorded.names("appautoscaling.Policy") == ["worker-render-scaling-backlog"]
    assert recorded.all("cloudwatch.MetricAlarm") == []
    assert fleet.waking is None


def test_a_fleet_that_goes_to_zero_is_woken_by_two_alarms():  # M52
    _, recorded = recorded_fleet(min_workers=0, max_workers=1)
    assert recorded.one("ecs.Service")["desired_count"] == 0
    assert recorded.one("appautoscaling.Target")["min_capacity"] == 0
    assert recorded.names("cloudwatch.MetricAlarm") == [
        "worker-render-wake-no-instance",
        "worker-render-wake-no-worker",
    ]
    wake = recorded.one("appautoscaling.Policy", "worker-render-wake")
    steps = wake["step_scaling_policy_configuration"]["step_adjustments"]
    assert steps == [{"metric_interval_lower_bound": "0", "scaling_adjustment": 1}]


def test_a_fleet_that_rests_by_the_clock_alone_is_woken_as_well():  # M52, B13
    night = {"days": ["fri"], "at": "20:00", "min_workers": 0, "max_workers": 4}
    fleet, recorded = recorded_fleet(min_workers=2, schedules={"weekend": night})
    assert recorded.one("ecs.Service")["desired_count"] == 2
    assert "worker-render-wake" in recorded.names("appautoscaling.Policy")
    assert len(recorded.all("cloudwatch.MetricAlarm")) == 2
    assert fleet.waking is not None


def test_the_waker_is_told_how_many_workers_to_start_and_where():  # M52
    _, recorded = recorded_fleet(min_workers=0, max_workers=20)
    assert recorded.outputs["waking"] == {
        "platform": "ecs",
        "queue": "https://sqs.us-east-1.amazonaws.com/123456789012/backlot-dev-render",
        "cluster": recorded.one("ecs.Cluster").outputs["name"],
        "service": recorded.one("ecs.Service").outputs["name"],
        "target": 6,
        "most": 4,
        "max": 20,
    }


def test_the_waker_may_read_the_queue_and_set_the_one_service_and_nothing_else():  # M52
    _, recorded = recorded_fleet(min_workers=0)
    cluster = recorded.one("ecs.Cluster").outputs["name"]
    service = recorded.one("ecs.Service").outputs["name"]
    assert [(one["Action"], one["Resource"]) for one in recorded.outputs["grants"]] == [
        (["sqs:GetQueueAttributes"], [QUEUE_ARN]),
        (
            ["ecs:DescribeServices", "ecs:UpdateService"],
            [f"arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{service}"],
        ),
        (["application-autoscaling:DescribeScalableTargets"], ["*"]),
    ]


OVERFLOW = {"max_workers": 14}


def test_a_fleet_without_overflow_has_one_group_and_one_service():
    fleet, recorded = recorded_fleet()
    assert fleet.companions == ()
    assert recorded.names("autoscaling.Group") == ["worker-render-group"]
    assert recorded.names("ecs.CapacityProvider") == ["worker-render-capacity"]
    assert recorded.names("ecs.Service") == ["worker-render-service"]
    assert recorded.all("backlot:workers:Overflow") == []
    assert recorded.outputs["group_names"] == [recorded.one("autoscaling.Group").outputs["name"]]


def test_overflow_is_a_second_group_bought_on_demand_alone():
    _, recorded = recorded_fleet(overflow=OVERFLOW)
    own = recorded.one("autoscaling.Group", "worker-render-group")
    second = recorded.one("autoscaling.Group", "worker-render-overflow-group")
    bought = second["mixed_instances_policy"]["instances_distribution"]
    assert bought["on_demand_percentage_above_base_capacity"] == 100
    assert bought["on_demand_base_capacity"] == 0
    assert (second["min_size"], second["max_size"]) == (0, 14)
    # The split of the fleet's own group stays: to change it would replace spot at work.
    split = own["mixed_instances_policy"]["instances_distribution"]
    assert split["on_demand_percentage_above_base_capacity"] == 30
    assert own["max_size"] == 20
    assert (
        second["mixed_instances_policy"]["launch_template"]
        == own["mixed_instances_policy"]["launch_template"]
    )
    assert recorded.outputs["group_names"] == [own.outputs["name"], second.outputs["name"]]


def test_overflow_has_a_capacity_provider_of_its_own_in_the_same_cluster():
    _, recorded = recorded_fleet(overflow=OVERFLOW)
    own = recorded.one("ecs.CapacityProvider", "worker-render-capacity").outputs["name"]
    second = recorded.one("ecs.CapacityProvider", "worker-render-overflow-capacity")
    group = recorded.one("autoscaling.Group", "worker-render-overflow-group")
    provider = second["auto_scaling_group_provider"]
    assert provider["auto_scaling_group_arn"] == group.outputs["arn"]
    assert provider["managed_termination_protection"] == "ENABLED"
    attachment = recorded.one("ecs.ClusterCapacityProviders")
    assert attachment["capacity_providers"] == [own, second.outputs["name"]]
    assert attachment["default_capacity_provider_strategies"] == [
        {"capacity_provider": own, "weight": 1}
    ]
    assert len(recorded.all("ecs.Cluster")) == 1


def test_the_overflows_service_runs_the_same_task_on_its_own_instances_and_begins_at_none():
    _, recorded = recorded_fleet(overflow=OVERFLOW)
    own = recorded.one("ecs.Service", "worker-render-service")
    second = recorded.one("ecs.Service", "worker-render-overflow-service")
    provider = recorded.one("ecs.CapacityProvider", "worker-render-overflow-capacity")
    assert second["capacity_provider_strategies"] == [
        {"capacity_provider": provider.outputs["name"], "weight": 1}
    ]
    assert (own["desired_count"], second["desired_count"]) == (2, 0)
    assert second.ignore_changes == ["desired_count"]
    for same in ("cluster", "task_definition", "network_configuration"):
        assert second[same] == own[same]
    assert len(recorded.all("ecs.TaskDefinition")) == 1


def test_workers_of_the_overflow_count_in_no_signal_of_the_fleet():
    fleet, recorded = recorded_fleet(overflow=OVERFLOW)
    own = recorded.one("ecs.Service", "worker-render-service").outputs["name"]
    assert recorded.outputs["alarms"]["workers-missing"]["running"]["dimensions"] == {
        "ClusterName": recorded.one("ecs.Cluster").outputs["name"],
        "ServiceName": own,
    }
    assert [alarm.name for alarm in fleet.alarms] == ["workers-missing", "jobs-failing"]
    (overflow,) = fleet.companions
    assert [alarm.name for alarm in overflow.alarms] == ["stepped-in"]


def test_everything_of_a_fleet_is_its_child_and_bears_its_name():
    _, recorded = recorded_fleet([STORES], min_workers=0)
    made = [
        node
        for node in recorded.nodes
        if node.type.startswith("aws:") and not node.name.startswith("queue-")
    ]
    fleet, provider = recorded.one("backlot:workers:GpuFleet"), recorded.one("pulumi:providers:aws")
    assert {node.parent for node in made} == {fleet.urn}
    assert {node.provider for node in made} == {provider.urn}
    assert all(node.name.startswith("worker-render-") for node in made)


def test_a_fleet_says_where_it_runs():
    _, recorded = recorded_fleet()
    cluster = recorded.one("ecs.Cluster").outputs["name"]
    service = recorded.one("ecs.Service").outputs["name"]
    assert recorded.one("backlot:workers:GpuFleet").outputs == {
        "cluster_name": cluster,
        "service_name": service,
        "deploy_handle": f"{cluster}/{service}",
        "group_name": recorded.one("autoscaling.Group").outputs["name"],
        "log_group_name": "/ecs/backlot-dev-worker-render",
        "role_name": recorded.one("iam.Role", "worker-render-task").outputs["name"],
    }


def test_a_gpu_fleet_is_a_fleet():
    fleet: Fleet = recorded_fleet()[0]
    for promised in (
        "role_name",
        "role_arn",
        "security_group_id",
        "log_group_name",
        "deploy_handle",
    ):
        assert getattr(fleet, promised) is not None
    assert fleet.alarms
    assert fleet.panels


def test_workers_missing_for_a_quarter_of_an_hour_are_told_of():
    fleet, recorded = recorded_fleet()
    missing, _ = fleet.alarms
    assert missing.name == "workers-missing"
    assert (missing.comparison, missing.threshold) == ("at_least", 1)
    assert (missing.evaluation_periods, missing.severity) == (3, "warning")
    service = {
        "ClusterName": recorded.one("ecs.Cluster").outputs["name"],
        "ServiceName": recorded.one("ecs.Service").outputs["name"],
    }
    assert recorded.outputs["alarms"]["workers-missing"] == {
        "wanted": {
            "metric": "ECS/ContainerInsights DesiredTaskCount",
            "statistic": "Minimum",
            "period": 300,
            "dimensions": service,
        },
        "running": {
            "metric": "ECS/ContainerInsights RunningTaskCount",
            "statistic": "Maximum",
            "period": 300,
            "dimensions": service,
        },
    }


def test_a_fleet_shows_its_workers_its_backlog_and_its_instances():
    fleet, _ = recorded_fleet()
    assert [(panel.group, panel.title) for panel in fleet.panels] == [
        ("Workers and jobs", "render: workers"),
        ("Workers and jobs", "render: jobs per worker"),
        ("Workers and jobs", "render: jobs done"),
        ("Workers and jobs", "render: time for a job"),
        ("Workers and jobs", "render: instances"),
    ]


def test_every_alarm_of_a_fleet_and_of_its_queue_has_a_runbook():
    fleet, _ = recorded_fleet(overflow=OVERFLOW)
    for alarm in [*fleet.alarms, *(each for one in fleet.companions for each in one.alarms)]:
        page, _, anchor = alarm.runbook.partition("#")
        text = (ROOT / "docs" / "runbooks" / page).read_text(encoding="utf-8")
        assert anchor == alarm.name
        assert f"\n## {anchor}\n" in text
