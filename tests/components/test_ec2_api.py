"""The API on EC2: its instances, how they boot, are replaced, scaled, restarted and watched."""

from __future__ import annotations

import ast
import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import instances
from components.access import Access
from components.access import Path as Reach
from components.alarms import AlarmSet
from components.api.contract import Api, ApiArgs
from components.api.ec2 import Ec2Api
from components.api.load_balancer import LoadBalancer, LoadBalancerArgs
from components.containers import ContainerSecret
from components.grants import Statement
from components.ground import Ground
from components.observe import Alarm
from rehearsal.contract import Provider
from rehearsal.record import RecordOnlyProvider
from settings.api import ApiSettings
from settings.load_balancer import LoadBalancerSettings
from tests.components.parts import PREFIX, export_watched, ground, silent_notices
from tests.components.test_load_balancer import log_bucket, real_ground, real_log_bucket
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once, with_aws

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/backlot-dev/api:1.0.0"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backlot-dev/database-AbCdEf"
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter/backlot-dev/DATABASE_URL"
INSTANCE = "i-0123456789abcdef0"
KEY = "-----BEGIN KEY-----\nx=y $HOME 'q' \"p\"\n-----END KEY-----\n\n"

USES = Access(
    environment={"MEDIA_BUCKET": "backlot-dev-media"},
    secrets=[
        ContainerSecret(
            environment="PGPASSWORD",
            value_from=f"{SECRET}:password::",
            read=[
                Statement(
                    sid="ReadDatabase",
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
)
DATABASE = Access(paths=[Reach(to="database", group_id="sg-database", port=5432)])
EC2 = {"instance_type": "t4g.small", "min_instances": 2, "max_instances": 5}
MIGRATION = {"command": ["alembic", "upgrade", "head"]}


def build(
    standing: Ground,
    *,
    access: Access = USES,
    size: Mapping[str, Any] | None = None,
    deployment: Mapping[str, Any] | None = None,
    real: bool = False,
    **settings: Any,
) -> Ec2Api:
    opts = with_aws(aws_provider())
    place = real_ground(opts) if real else standing
    balancer = LoadBalancer(
        "load-balancer",
        LoadBalancerArgs(
            settings=LoadBalancerSettings(deletion_protection=False),
            ground=place,
            domain=None,
            log_bucket=real_log_bucket(place, opts) if real else log_bucket(),
            firewall=None,
        ),
        opts,
    )
    given = {
        "kind": "ec2",
        "image": "api:1.0.0",
        "ec2": {**EC2, **(size or {})},
        "deployment": {"bake_minutes": 10, **(deployment or {})},
        **settings,
    }
    return Ec2Api(
        "api",
        ApiArgs(
            settings=ApiSettings.model_validate(given),
            ground=place,
            load_balancer=balancer,
            image=IMAGE,
            access=[access] if real else [access, DATABASE],
            alarms=AlarmSet(prefix=PREFIX, notices=silent_notices(opts), muted=False),
        ),
        opts,
    )


@recorded_once
def api(*, provider: Provider | None = None, **given: Any) -> tuple[Ec2Api, Recorded]:
    made: list[Ec2Api] = []
    standing = ground(tags={"Project": "backlot", "Environment": "dev"})

    def program() -> None:
        component = build(standing, **given)
        made.append(component)
        pulumi.export("url", component.url)
        pulumi.export("deploy_handle", component.deploy_handle)
        pulumi.export("restart", dict(component.restart.target))
        pulumi.export("restarts", [each.rendered() for each in component.restart.statements])
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program, provider=provider)
    return made[0], recorded


def group(recorded: Recorded) -> Node:
    return recorded.one("autoscaling.Group")


def template(recorded: Recorded) -> Node:
    return recorded.one("ec2.LaunchTemplate")


def preferences(recorded: Recorded) -> dict[str, Any]:
    return group(recorded)["instance_refresh"]["preferences"]


def user_data(recorded: Recorded) -> str:
    return base64.b64decode(template(recorded)["user_data"]).decode()


def written(recorded: Recorded, marker: str) -> str:
    """The file that the boot script writes between two lines `marker`."""
    return user_data(recorded).split(f"<<'{marker}'\n")[1].split(f"\n{marker}\n")[0]


def spec(recorded: Recorded) -> dict[str, Any]:
    return json.loads(written(recorded, "SPEC"))


def policy(recorded: Recorded, name: str) -> dict[str, tuple[list[str], list[str]]]:
    return {
        statement["Sid"]: (statement["Action"], statement["Resource"])
        for statement in recorded.one("iam.RolePolicy", name).json("policy")["Statement"]
    }


def alarm(component: Ec2Api, name: str) -> Alarm:
    return next(alarm for alarm in component.alarms if alarm.name == name)


def test_it_satisfies_the_contract_of_an_api():
    component: Api = api()[0]

    assert component.pulumi_resource_name == "api"


# The instances


@pytest.mark.parametrize(
    ("instance_type", "low", "high"),
    [("t3.small", 1, 2), ("t3.medium", 2, 5), ("t3.large", 2, 10)],
)
def test_it_runs_between_its_bounds_on_the_type_of_the_settings(
    instance_type: str, low: int, high: int
):  # M38
    size = {"instance_type": instance_type, "min_instances": low, "max_instances": high}
    _, recorded = api(size=size, architecture="x86_64")

    assert template(recorded)["instance_type"] == instance_type
    assert (group(recorded)["min_size"], group(recorded)["max_size"]) == (low, high)


def test_an_update_leaves_the_number_of_instances_to_scaling():
    _, recorded = api()

    assert "desired_capacity" not in group(recorded)
    assert group(recorded).ignore_changes == ["desired_capacity"]


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
    recorded = api(architecture=architecture, provider=anew)[1]
    assert template(recorded)["image_id"] == "ami-0newest"
    assert asked == [
        f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
    ]
    pinned = api(size={"ami": "ami-0123456789abcdef0"}, provider=anew)[1]
    assert template(pinned)["image_id"] == "ami-0123456789abcdef0"
    assert len(asked) == 1


def test_instance_metadata_is_read_with_a_token_and_one_hop_away_at_most():  # B22
    assert template(api()[1])["metadata_options"] == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    }


def test_the_disk_is_encrypted_and_as_large_as_the_settings_say():
    assert template(api(size={"root_gb": 50})[1])["block_device_mappings"] == [
        {
            "device_name": "/dev/xvda",
            "ebs": {
                "volume_type": "gp3",
                "volume_size": 50,
                "encrypted": "true",
                "delete_on_termination": "true",
            },
        }
    ]


def test_nobody_logs_in_with_a_key_unless_the_settings_name_one():  # M42 B20
    _, recorded = api()

    assert "key_name" not in template(recorded)
    assert "ssmmessages:OpenDataChannel" in policy(recorded, "api-instance")["OpenSessions"][0]
    assert recorded.all("iam.RolePolicyAttachment") == []
    assert template(api(size={"key_name": "ops"})[1])["key_name"] == "ops"


def test_a_key_opens_no_port_for_itself():  # M42
    _, recorded = api(size={"key_name": "ops"})

    assert {rule["from_port"] for rule in recorded.all("vpc.SecurityGroupIngressRule")} == {
        80,  # the load balancer's
        5432,  # the database's
        8000,
    }


def test_instances_and_volumes_carry_the_stacks_tags():
    _, recorded = api()
    own = {"Project": "backlot", "Environment": "dev", "Name": "backlot-dev-api"}

    assert template(recorded)["tag_specifications"] == [
        {"resource_type": "instance", "tags": own},
        {"resource_type": "volume", "tags": own},
    ]
    assert {tag["key"]: tag["value"] for tag in group(recorded)["tags"]} == own
    assert all(tag["propagate_at_launch"] is True for tag in group(recorded)["tags"])


def test_instances_report_every_minute():
    _, recorded = api()

    assert template(recorded)["monitoring"] == {"enabled": True}
    assert group(recorded)["metrics_granularity"] == "1Minute"
    assert group(recorded)["enabled_metrics"] == [
        "GroupDesiredCapacity",
        "GroupInServiceInstances",
        "GroupPendingInstances",
    ]


# What they may do


def test_one_role_starts_the_container_and_is_the_apis_own():  # M31
    _, recorded = api()
    log_group = recorded.one("cloudwatch.LogGroup", "api-logs").outputs["arn"]
    granted = policy(recorded, "api-instance")

    assert set(granted) == {
        "OpenSessions",
        "HearCommands",
        "LogInToRegistry",
        "PullImages",
        "WriteLogs",
        "ReadDatabase",
        "ReadMedia",
    }
    assert granted["WriteLogs"] == (
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [f"{log_group}:*"],
    )
    assert granted["ReadDatabase"] == (["secretsmanager:GetSecretValue"], [SECRET])
    role = recorded.one("iam.Role", "api-instance")
    assert role.json("assume_role_policy")["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    assert recorded.one("iam.InstanceProfile")["role"] == role.outputs["name"]


def test_an_instance_has_its_grants_and_its_way_out_before_it_boots():
    _, recorded = api()
    profile = recorded.one("iam.InstanceProfile")
    way_out = recorded.one("vpc.SecurityGroupEgressRule", "api-instances-https-out")
    grants = recorded.one("iam.RolePolicy", "api-instance")

    assert {profile.urn, way_out.urn} <= set(template(recorded).resource.dependencies)
    assert grants.urn in profile.resource.dependencies


# How they are reached


def test_only_the_load_balancer_gets_in_and_only_what_is_used_and_https_get_out():
    _, recorded = api(port=9000)
    instances = recorded.one("ec2.SecurityGroup", "api-instances").id
    door = recorded.one("ec2.SecurityGroup", "load-balancer-door").id

    assert template(recorded)["vpc_security_group_ids"] == [instances]
    assert [
        (rule["referenced_security_group_id"], rule["from_port"], rule["to_port"])
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if rule["security_group_id"] == instances
    ] == [(door, 9000, 9000)]
    assert {
        (rule.get("cidr_ipv4") or rule["referenced_security_group_id"], rule["to_port"])
        for rule in recorded.all("vpc.SecurityGroupEgressRule")
        if rule["security_group_id"] == instances
    } == {("0.0.0.0/0", 443), ("sg-database", 5432)}


def test_instances_stand_in_private_subnets_behind_the_load_balancer():
    _, recorded = api()
    targets, rule = recorded.one("lb.TargetGroup"), recorded.one("lb.ListenerRule")

    assert group(recorded)["vpc_zone_identifiers"] == ["subnet-private-a", "subnet-private-b"]
    assert "network_interfaces" not in template(recorded)
    assert group(recorded)["target_group_arns"] == [targets.outputs["arn"]]
    assert (targets["target_type"], targets["port"]) == ("instance", 8000)
    assert targets["health_check"]["path"] == "/health"
    assert rule["conditions"] == [{"path_pattern": {"values": ["/*"]}}]
    assert rule.urn in group(recorded).resource.dependencies


def test_the_load_balancer_decides_who_is_healthy_once_an_instance_had_time_to_boot():
    _, recorded = api(health={"start_seconds": 90})

    assert group(recorded)["health_check_type"] == "ELB"
    assert group(recorded)["health_check_grace_period"] == 180 + 90
    assert group(recorded)["default_instance_warmup"] == 180 + 90


def test_the_first_update_fails_when_no_instance_gets_healthy():
    _, recorded = api()

    assert group(recorded)["min_elb_capacity"] == 2
    assert group(recorded)["wait_for_capacity_timeout"] == "15m"
    assert "wait_for_elb_capacity" not in group(recorded)


# How a new version gets in


def test_a_new_version_is_a_new_template_and_replaces_the_instances():  # B15
    _, recorded = api()

    assert group(recorded)["launch_template"] == {
        "id": template(recorded).id,
        "version": str(template(recorded).outputs["latest_version"]),
    }
    assert group(recorded)["instance_refresh"]["strategy"] == "Rolling"
    assert preferences(recorded)["skip_matching"] is True
    newer = api(image="api:1.0.1")[1]
    assert template(newer)["user_data"] != template(recorded)["user_data"]


def test_new_instances_come_before_old_ones_go():  # B15
    _, recorded = api()
    bounds = {"min_healthy_percentage": 100, "max_healthy_percentage": 150}

    assert group(recorded)["instance_maintenance_policy"] == bounds
    assert {key: preferences(recorded)[key] for key in bounds} == bounds


def test_the_release_alarms_end_a_deployment():  # B15
    _, recorded = api()
    made = [
        recorded.one("cloudwatch.MetricAlarm", f"api-{name}")
        for name in ("release-errors", "release-slow")
    ]

    assert preferences(recorded)["alarm_specification"]["alarms"] == [
        "backlot-dev-api-release-errors",
        "backlot-dev-api-release-slow",
    ]
    assert {each.urn for each in made} <= set(group(recorded).resource.dependencies)


def test_no_rollback_is_claimed_that_would_lead_to_the_same_template():  # B15
    """AWS goes back to what the group was told last, and that is the new template already."""
    assert "auto_rollback" not in preferences(api()[1])


def test_a_deployment_rests_for_the_bake_when_half_of_it_is_new():  # B15
    given = preferences(api(deployment={"bake_minutes": 5})[1])

    assert given["checkpoint_percentages"] == [50, 100]
    assert given["checkpoint_delay"] == "300"


def test_without_a_bake_a_deployment_does_not_rest():
    given = preferences(api(deployment={"bake_minutes": 0})[1])

    assert "checkpoint_percentages" not in given
    assert "checkpoint_delay" not in given


def test_a_workflow_calls_the_gates_and_no_header_leads_to_the_new_version():  # M113
    component, recorded = api()
    smoke = recorded.one("lambda.Function", "api-gates-smoke")["environment"]["variables"]

    assert component.gates.hooks == ()
    assert component.gates.migrate_name is None
    assert smoke["TEST_HEADER"] == "{}"
    assert recorded.all("ecs.Cluster") == []
    assert recorded.all("ecs.TaskDefinition") == []


def test_a_migration_runs_once_as_a_task_of_the_same_image():  # M114
    component, recorded = api(deployment={"migration": MIGRATION}, environment={"LOG": "info"})
    task = recorded.one("ecs.TaskDefinition")
    [container] = task.json("container_definitions")

    assert component.gates.migrate_name is not None
    assert task["family"] == "backlot-dev-api-migration"
    assert task["requires_compatibilities"] == ["FARGATE"]
    assert (task["cpu"], task["memory"]) == ("512", "1024")
    assert task["runtime_platform"]["cpu_architecture"] == "ARM64"
    assert (container["name"], container["image"]) == ("api", IMAGE)
    assert container["environment"] == [
        {"name": "AWS_REGION", "value": "us-east-1"},
        {"name": "BUILD_ID", "value": "1.0.0"},
        {"name": "LOG", "value": "info"},
        {"name": "MEDIA_BUCKET", "value": "backlot-dev-media"},
    ]
    assert container["secrets"] == [{"name": "PGPASSWORD", "valueFrom": f"{SECRET}:password::"}]
    assert container["logConfiguration"]["options"]["awslogs-group"] == (
        "/ecs/backlot-dev-api-migration"
    )
    assert "portMappings" not in container


def test_a_migration_has_the_reach_of_the_api_and_two_roles_of_its_own():  # M31 M114
    _, recorded = api(deployment={"migration": MIGRATION})
    variables = recorded.one("lambda.Function", "api-gates-migrate")["environment"]["variables"]
    task = recorded.one("ecs.TaskDefinition")

    assert variables["TASK_DEFINITION"] == task["family"]
    assert variables["CLUSTER"] == recorded.one("ecs.Cluster").outputs["arn"]
    assert json.loads(variables["NETWORK"])["securityGroups"] == [
        recorded.one("ec2.SecurityGroup", "api-instances").id
    ]
    assert set(policy(recorded, "api-migration-task")) == {"ReadMedia"}
    assert set(policy(recorded, "api-migration-execution")) == {
        "LogInToRegistry",
        "PullImages",
        "WriteLogs",
        "ReadDatabase",
    }
    passed = policy(recorded, "api-gates-migrate")["PassRolesOfTask"][1]
    assert passed == [task["task_role_arn"], task["execution_role_arn"]]
    assert passed == [
        recorded.one("iam.Role", f"api-migration-{what}").outputs["arn"]
        for what in ("task", "execution")
    ]


# How it scales


def tracking(recorded: Recorded, name: str) -> dict[str, Any]:
    made = recorded.one("autoscaling.Policy", name)
    assert made["policy_type"] == "TargetTrackingScaling"
    assert made["autoscaling_group_name"] == group(recorded).outputs["name"]
    return made["target_tracking_configuration"]


def test_it_tracks_cpu_with_a_rest_of_300_seconds():  # M39
    _, recorded = api(size={"cpu_target": 55})
    [made] = recorded.all("autoscaling.Policy")

    assert made.name == "api-scaling-cpu"
    assert made["estimated_instance_warmup"] == 300
    assert tracking(recorded, "api-scaling-cpu") == {
        "target_value": 55,
        "predefined_metric_specification": {"predefined_metric_type": "ASGAverageCPUUtilization"},
    }


def test_scaling_holds_cpu_below_the_alarm():  # M39 M96
    component, recorded = api()

    assert tracking(recorded, "api-scaling-cpu")["target_value"] == 60
    assert alarm(component, "cpu-high").threshold == 70


def test_requests_per_instance_are_aws_own_metric_on_demand():
    _, recorded = api(requests={"per_target": 500, "metric": "predefined"})
    balancer, targets = recorded.one("lb.LoadBalancer"), recorded.one("lb.TargetGroup")

    assert tracking(recorded, "api-scaling-requests") == {
        "target_value": 500,
        "predefined_metric_specification": {
            "predefined_metric_type": "ALBRequestCountPerTarget",
            "resource_label": (f"{balancer.outputs['arn_suffix']}/{targets.outputs['arn_suffix']}"),
        },
    }


def test_requests_of_the_one_target_group_count_as_none_while_it_is_quiet():
    _, recorded = api(requests={"per_target": 500}, cooldown_seconds=120)
    balancer, targets = recorded.one("lb.LoadBalancer"), recorded.one("lb.TargetGroup")
    tracked = tracking(recorded, "api-scaling-requests")

    assert tracked["target_value"] == 500
    assert tracked["customized_metric_specification"]["metrics"] == [
        {
            "id": "live",
            "return_data": False,
            "metric_stat": {
                "stat": "Sum",
                "metric": {
                    "namespace": "AWS/ApplicationELB",
                    "metric_name": "RequestCountPerTarget",
                    "dimensions": [
                        {"name": "LoadBalancer", "value": balancer.outputs["arn_suffix"]},
                        {"name": "TargetGroup", "value": targets.outputs["arn_suffix"]},
                    ],
                },
            },
        },
        {"id": "tracked", "return_data": True, "expression": "FILL(live, 0)"},
    ]
    for made in recorded.all("autoscaling.Policy"):
        assert made["estimated_instance_warmup"] == 120


# How it is restarted and watched


def test_a_restart_replaces_the_instances_of_this_group_alone():  # M85
    _, recorded = api()
    name = group(recorded).outputs["name"]

    assert recorded.outputs["restart"] == {"platform": "autoscaling", "group": name}
    assert recorded.outputs["deploy_handle"] == name
    assert [(each["Action"], each["Resource"]) for each in recorded.outputs["restarts"]] == [
        (["autoscaling:StartInstanceRefresh"], [group(recorded).outputs["arn"]]),
        (["autoscaling:DescribeAutoScalingGroups", "ec2:DescribeInstances"], ["*"]),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("errors", ("above", 10, 2, "notBreaching", "critical")),  # M93
        ("unhealthy-targets", ("at_least", 1, 2, "notBreaching", "warning")),  # M94
        ("slow", ("above", 2, 3, "notBreaching", "warning")),  # M94
        ("cpu-high", ("above", 70, 2, "notBreaching", "warning")),  # M39 M96
        ("too-few-running", ("below", 2, 2, "breaching", "warning")),
    ],
)
def test_alarms_speak_at_the_figures_of_the_briefs(name: str, expected: tuple[object, ...]):
    component, _ = api()
    watched = alarm(component, name)

    assert (
        watched.comparison,
        watched.threshold,
        watched.evaluation_periods,
        watched.missing_data,
        watched.severity,
    ) == expected
    assert watched.runbook == f"api.md#{name}"
    assert len(component.alarms) == 5


def test_cpu_and_instances_are_those_of_the_group():  # M96
    _, recorded = api()
    watched = recorded.outputs["alarms"]
    dimensions = {"AutoScalingGroupName": group(recorded).outputs["name"]}

    assert watched["cpu-high"] == {
        "metric": "AWS/EC2 CPUUtilization",
        "statistic": "Average",
        "period": 300,
        "dimensions": dimensions,
    }
    assert watched["too-few-running"] == {
        "metric": "AWS/AutoScaling GroupInServiceInstances",
        "statistic": "Maximum",
        "period": 300,
        "dimensions": dimensions,
    }
    assert watched["unhealthy-targets"]["live"]["metric"] == (
        "AWS/ApplicationELB UnHealthyHostCount"
    )


def test_the_dashboard_shows_failures_speed_load_and_instances():
    component, _ = api()

    assert [(panel.group, panel.title, panel.unit) for panel in component.panels] == [
        ("API", "API: failed requests", "requests"),
        ("API", "API: response time", "seconds"),
        ("API", "API: load", "percent"),
        ("API", "API: capacity", "instances"),
    ]


def test_what_it_makes_hangs_below_it_and_bears_its_name():
    _, recorded = api(deployment={"migration": MIGRATION}, requests={"per_target": 500})
    component, gates = recorded.one("backlot:api:Ec2Api"), recorded.one("backlot:api:ReleaseGates")
    made = [node for node in recorded.nodes if node.name.startswith("api-")]

    assert {node.parent for node in made} == {component.urn, gates.urn}
    assert len(made) == len(recorded.children(component)) + len(recorded.children(gates))
    assert component.outputs == {
        "url": recorded.outputs["url"],
        "group_name": group(recorded).outputs["name"],
        "log_group_name": "/ec2/backlot-dev-api",
        "role_name": recorded.one("iam.Role", "api-instance").outputs["name"],
    }


def test_an_api_on_ec2_needs_its_size():
    with pytest.raises(AssertionError, match="needs its size under `ec2`"):
        api(kind="ec2", ec2=None)


@pytest.mark.parametrize("metric", ["summed", "predefined"])
def test_aws_takes_it_as_it_is(metric: str):
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        _, recorded = api(
            provider=provider,
            real=True,
            # A secret that nobody made would be one that AWS does not find.
            access=Access(),
            deployment={"migration": MIGRATION},
            requests={"per_target": 500, "metric": metric},
        )

    assert [str(finding) for finding in recorded.findings] == []


# What an instance boots


def test_the_boot_script_is_valid_bash():
    subprocess.run(["bash", "-n", str(instances.BOOT_SCRIPT)], check=True)


def test_an_instance_is_told_what_to_run_and_nothing_secret():  # M32
    _, recorded = api(command=("serve", "--workers", "2"), environment={"LOG": "info"})

    assert spec(recorded) == {
        "name": "api",
        "image": IMAGE,
        "command": ["serve", "--workers", "2"],
        "environment": {
            "AWS_REGION": "us-east-1",
            "BUILD_ID": "1.0.0",
            "LOG": "info",
            "MEDIA_BUCKET": "backlot-dev-media",
        },
        "secrets": {"PGPASSWORD": f"{SECRET}:password::"},
        "region": "us-east-1",
        "log_group": "/ec2/backlot-dev-api",
        "log_buffer": "25m",
        "stop_seconds": 30,
    }


def test_an_instance_gets_the_launcher_as_it_stands():
    _, recorded = api()

    assert f"{written(recorded, 'LAUNCHER')}\n" == instances.LAUNCHER.read_text(encoding="utf-8")


def test_what_the_settings_hold_never_ends_up_as_shell(tmp_path: Path):
    awkward = "$(reboot) `reboot` 'q' \"d\" @launcher@\nSPEC\n\\"
    _, recorded = api(environment={"AWKWARD": awkward})

    assert spec(recorded)["environment"]["AWKWARD"] == awkward
    script = tmp_path / "boot.sh"
    script.write_text(user_data(recorded), encoding="utf-8")
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_container_is_started_again_whenever_it_ends():
    lines = user_data(api()[1]).splitlines()

    for line in (
        "dnf install --quiet --assumeyes docker",
        "systemctl enable --now docker",
        "StartLimitIntervalSec=0",
        "ExecStart=/usr/bin/python3 /opt/api/launch.py /opt/api/api.json $instance",
        "ExecStop=-/usr/bin/docker stop api",
        "Restart=always",
        "TimeoutStopSec=40",
        "systemctl enable --now api",
    ):
        assert line in lines


def test_a_registrys_login_stays_in_memory():
    lines = user_data(api()[1]).splitlines()

    assert "RuntimeDirectory=api" in lines
    assert "Environment=DOCKER_CONFIG=/run/api" in lines


def test_what_ec2_would_refuse_as_too_long_is_refused_with_a_reason():
    room = 16384 - len(user_data(api(environment={"X": ""})[1]).encode())

    assert len(user_data(api(environment={"X": "x" * room})[1]).encode()) == 16384
    with pytest.raises(AssertionError, match="has 16385 bytes, and EC2 takes 16384; shorten"):
        api(environment={"X": "x" * (room + 1)})


def test_the_launcher_is_python_that_amazon_linux_2023_has():
    ast.parse(instances.LAUNCHER.read_text(encoding="utf-8"), feature_version=(3, 9))


# What the launcher does

TOOL = """#!{python}
import json, os, sys
tool, called = os.path.basename(sys.argv[0]), sys.argv[1:]
given = sys.stdin.read() if "--password-stdin" in called else ""
with open(os.environ["CALLS"], "a") as calls:
    print(json.dumps([[tool, *called], dict(os.environ), given]), file=calls)
for words, answer in json.load(open(os.environ["ANSWERS"])):
    if words in " ".join([tool, *called]):
        print(answer["says"], end="")
        sys.exit(answer.get("ends", 0))
"""


@dataclass(frozen=True, kw_only=True)
class Call:
    words: list[str]
    environment: dict[str, str]
    given: str

    def __str__(self) -> str:
        return " ".join(self.words)


def launched(
    folder: Path, *, here: bool = False, fails: str | None = None, **changes: Any
) -> tuple[int, list[Call]]:
    """Run the launcher among a docker and an aws that only write down how they are called."""
    secret = {"SecretString": json.dumps({"password": KEY, "port": 5432})}
    answers: list[tuple[str, dict[str, Any]]] = [
        ("docker image inspect", {"says": "[]", "ends": 0 if here else 1}),
        ("ecr get-login-password", {"says": "token\n"}),
        (f"--secret-id {SECRET} ", {"says": json.dumps(secret)}),
        (f"--name {PARAMETER} ", {"says": json.dumps({"Parameter": {"Value": "postgres://"}})}),
    ]
    if fails:
        answers.insert(0, (fails, {"says": "", "ends": 254}))
    given = {
        "name": "api",
        "image": IMAGE,
        "command": ["serve"],
        "environment": {"AWS_REGION": "us-east-1", "LOG": "in fo"},
        "secrets": {},
        "region": "us-east-1",
        "log_group": "/ec2/backlot-dev-api",
        "log_buffer": "25m",
        "stop_seconds": 30,
        **changes,
    }
    for tool in ("aws", "docker"):
        (folder / tool).write_text(TOOL.format(python=sys.executable), encoding="utf-8")
        (folder / tool).chmod(0o755)
    (folder / "answers").write_text(json.dumps(answers), encoding="utf-8")
    (folder / "api.json").write_text(json.dumps(given), encoding="utf-8")
    (folder / "calls").unlink(missing_ok=True)
    ended = subprocess.run(
        [sys.executable, str(instances.LAUNCHER), str(folder / "api.json"), INSTANCE],
        env={
            "PATH": f"{folder}:{os.environ['PATH']}",
            "CALLS": str(folder / "calls"),
            "ANSWERS": str(folder / "answers"),
        },
        capture_output=True,
        check=False,
    )
    lines = (folder / "calls").read_text(encoding="utf-8").splitlines()
    calls = [json.loads(line) for line in lines]
    return ended.returncode, [
        Call(words=words, environment=environment, given=stdin)
        for words, environment, stdin in calls
    ]


def test_the_image_is_pulled_with_a_login_to_ecr(tmp_path: Path):
    _, calls = launched(tmp_path)

    assert [str(call) for call in calls[:4]] == [
        f"docker image inspect {IMAGE}",
        "aws ecr get-login-password --region us-east-1",
        "docker login --username=AWS --password-stdin 123456789012.dkr.ecr.us-east-1.amazonaws.com",
        f"docker pull --quiet {IMAGE}",
    ]
    assert calls[2].given == "token\n"


def test_an_image_of_another_registry_needs_no_login(tmp_path: Path):
    _, calls = launched(tmp_path, image="ghcr.io/studio/api:1.0.0")

    assert [str(call) for call in calls if "login" in str(call)] == []
    assert "docker pull --quiet ghcr.io/studio/api:1.0.0" in [str(call) for call in calls]


def test_an_image_that_is_here_is_not_pulled_again(tmp_path: Path):
    ended, calls = launched(tmp_path, here=True)

    assert ended == 0
    assert [str(call) for call in calls] == [
        f"docker image inspect {IMAGE}",
        "docker rm --force api",
        str(calls[-1]),
    ]


def test_the_container_runs_on_the_hosts_network_and_logs_without_blocking(tmp_path: Path):
    _, calls = launched(tmp_path)

    assert calls[-1].words == [
        "docker",
        "run",
        "--rm",
        "--init",
        "--name=api",
        "--network=host",
        "--stop-timeout=30",
        "--log-driver=awslogs",
        "--log-opt=awslogs-region=us-east-1",
        "--log-opt=awslogs-group=/ec2/backlot-dev-api",
        f"--log-opt=awslogs-stream=api/{INSTANCE}",
        "--log-opt=mode=non-blocking",
        "--log-opt=max-buffer-size=25m",
        "--env=AWS_REGION=us-east-1",
        "--env=LOG=in fo",
        IMAGE,
        "serve",
    ]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (f"{SECRET}:password::", KEY),
        (f"{SECRET}:port::", "5432"),
        (SECRET, json.dumps({"password": KEY, "port": 5432})),
        (PARAMETER, "postgres://"),
    ],
    ids=["key", "number", "whole", "parameter"],
)
def test_a_secret_reaches_the_container_to_the_last_line_break(
    tmp_path: Path, source: str, value: str
):  # M32
    _, calls = launched(tmp_path, secrets={"HELD": source})

    assert "--env=HELD" in calls[-1].words
    assert calls[-1].environment["HELD"] == value


def test_no_command_line_and_no_file_holds_a_secret(tmp_path: Path):  # M32
    _, calls = launched(
        tmp_path, secrets={"PGPASSWORD": f"{SECRET}:password::", "DATABASE_URL": PARAMETER}
    )
    told = {"answers", "calls"}  # the test's own

    for secret in ("BEGIN KEY", "postgres://", "token"):
        assert [str(call) for call in calls if secret in str(call)] == []
        for file in tmp_path.iterdir():
            assert file.name in told or secret not in file.read_text(encoding="utf-8")
    assert [call.words[1] for call in calls if "PGPASSWORD" in call.environment] == ["run"]


def test_every_start_reads_the_secrets_anew(tmp_path: Path):
    for _ in range(2):
        _, calls = launched(tmp_path, here=True, secrets={"DATABASE_URL": PARAMETER})
        asked = [str(call) for call in calls if call.words[0] == "aws"]

        question = f"aws ssm get-parameter --with-decryption --name {PARAMETER}"
        assert asked == [f"{question} --region us-east-1 --output json"]


@pytest.mark.parametrize("what", ["docker pull", "get-secret-value", "get-login-password"])
def test_what_cannot_be_fetched_fails_the_start_for_systemd_to_try_again(tmp_path: Path, what: str):
    ended, calls = launched(tmp_path, fails=what, secrets={"PGPASSWORD": f"{SECRET}:password::"})

    assert ended == 1
    assert [str(call) for call in calls if call.words[:2] == ["docker", "run"]] == []
