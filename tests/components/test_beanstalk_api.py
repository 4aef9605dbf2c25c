"""The API on Elastic Beanstalk: what runs, how users reach it, how versions get in, who watches."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.access import Access, Path
from components.alarms import AlarmSet
from components.api.beanstalk import LOGS, BeanstalkApi, build_label, contents
from components.api.contract import Api, ApiArgs
from components.api.load_balancer import LoadBalancer, LoadBalancerArgs
from components.containers import ContainerSecret
from components.domain import Domain, DomainArgs
from components.grants import Statement
from components.observe import Alarm, Expression
from components.stores.buckets import Bucket, Buckets, BucketsArgs
from settings.api import ApiSettings
from settings.buckets import BucketsSettings
from settings.domain import DomainSettings
from settings.load_balancer import LoadBalancerSettings
from settings.logs import LogsSettings
from tests.components.parts import DATA_KEY, PREFIX, export_watched, ground, silent_notices
from tests.components.test_load_balancer import log_bucket, real_ground
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once, with_aws

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/backlot-dev/api:4f2a9c1"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backlot-dev"
OPENAI = f"{SECRET}/api-keys/openai-AbCdEf"
DATABASE = f"{SECRET}/database-AbCdEf"
STRIPE = "arn:aws:ssm:us-east-1:123456789012:parameter/backlot-dev/api-keys/stripe"
BUNDLES = "arn:aws:s3:::backlot-dev-backups"
ENVIRONMENT = "elasticbeanstalk.Environment"

USES = Access(
    environment={"MEDIA_BUCKET": "backlot-dev-media"},
    secrets=[
        ContainerSecret(
            environment=variable,
            value_from=source,
            read=[Statement(sid=f"Read{sid}", actions=[action], resources=[arn])],
        )
        for variable, sid, source, arn, action in (
            ("OPENAI_API_KEY", "Openai", OPENAI, OPENAI, "secretsmanager:GetSecretValue"),
            (
                "DATABASE_URL",
                "Database",
                f"{DATABASE}:url::",
                DATABASE,
                "secretsmanager:GetSecretValue",
            ),
            ("STRIPE_KEY", "Stripe", STRIPE, STRIPE, "ssm:GetParameters"),
        )
    ],
    statements=[
        Statement(
            sid="ReadMedia",
            actions=["s3:GetObject"],
            resources=["arn:aws:s3:::backlot-dev-media/*"],
        )
    ],
    paths=[Path(to="database", group_id="sg-database", port=5432)],
)
BEANSTALK = {"instance_type": "t4g.large", "min_instances": 2, "max_instances": 10}
MIGRATION = {"command": ["alembic", "upgrade", "head"]}


def bundles(key_arn: str | None = None) -> Bucket:
    return Bucket(
        purpose="backups",
        name=pulumi.Output.from_input("backlot-dev-backups"),
        arn=pulumi.Output.from_input(BUNDLES),
        regional_domain_name=pulumi.Output.from_input("backlot-dev-backups.s3.amazonaws.com"),
        key_arn=key_arn,
    )


def given(
    *,
    size: Mapping[str, Any] | None = None,
    deployment: Mapping[str, Any] | None = None,
    **settings: Any,
) -> ApiSettings:
    return ApiSettings.model_validate(
        {
            "kind": "beanstalk",
            "image": "api:4f2a9c1",
            "beanstalk": {**BEANSTALK, **(size or {})},
            "deployment": {"bake_minutes": 10, "migration": MIGRATION, **(deployment or {})},
            **settings,
        }
    )


def build(
    *,
    secure: bool = False,
    bucket: bool = True,
    access: Access = USES,
    data_key_arn: str | None = None,
    retention_days: int = 7,
    **settings: Any,
) -> BeanstalkApi:
    opts = with_aws(aws_provider())
    here = ground(data_key_arn=data_key_arn)
    logs = LogsSettings.model_validate({"retention_days": retention_days})
    here = replace(here, logs=replace(here.logs, settings=logs))
    domain = DomainSettings(zone="studio.example", api="api.studio.example")
    balancer = LoadBalancer(
        "load-balancer",
        LoadBalancerArgs(
            settings=LoadBalancerSettings(deletion_protection=False),
            ground=here,
            domain=(
                Domain("domain", DomainArgs(settings=domain, edge_names=()), opts)
                if secure
                else None
            ),
            log_bucket=log_bucket(),
            firewall=None,
        ),
        opts,
    )
    return BeanstalkApi(
        "api",
        ApiArgs(
            settings=given(**settings),
            ground=here,
            load_balancer=balancer,
            image=pulumi.Output.from_input(IMAGE),
            access=[access],
            alarms=AlarmSet(prefix=PREFIX, notices=silent_notices(opts), muted=False),
            bundles=bundles(data_key_arn) if bucket else None,
        ),
        opts,
    )


@recorded_once
def api(*, preview: bool = False, **settings: Any) -> tuple[BeanstalkApi, Recorded]:
    made: list[BeanstalkApi] = []

    def program() -> None:
        component = build(**settings)
        made.append(component)
        pulumi.export("url", component.url)
        pulumi.export("deploy_handle", component.deploy_handle)
        pulumi.export("log_group_name", component.log_group_name)
        pulumi.export("role_name", component.role_name)
        pulumi.export("restart", dict(component.restart.target))
        pulumi.export(
            "restart_statements", [one.rendered() for one in component.restart.statements]
        )
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program, preview=preview)
    return made[0], recorded


def options(recorded: Recorded) -> dict[tuple[str, str], str]:
    return {
        (one["namespace"].removeprefix("aws:"), one["name"]): one["value"]
        for one in recorded.one(ENVIRONMENT)["settings"]
    }


def within(recorded: Recorded, namespace: str) -> dict[str, str]:
    return {name: value for (space, name), value in options(recorded).items() if space == namespace}


def archive(recorded: Recorded) -> dict[str, str]:
    """The files of the version."""
    files = recorded.one("s3.BucketObjectv2")["source"]["archive"]
    return {name: file["text"] for name, file in files.items()}


def resources(recorded: Recorded) -> dict[str, Any]:
    """What the version changes of the things that Beanstalk makes for an environment."""
    return json.loads(archive(recorded)[".ebextensions/instances.config"])["Resources"]


def statements(recorded: Recorded, name: str) -> dict[str, tuple[list[str], list[str]]]:
    return {
        statement["Sid"]: (statement["Action"], statement["Resource"])
        for statement in recorded.one("iam.RolePolicy", name).json("policy")["Statement"]
    }


def alarm(component: BeanstalkApi, name: str) -> Alarm:
    return next(alarm for alarm in component.alarms if alarm.name == name)


def target_group(recorded: Recorded) -> str:
    [action] = recorded.one("lb.ListenerRule")["actions"]
    return action["target_group_arn"]


def test_it_satisfies_the_contract_of_an_api():
    component: Api = api()[0]

    assert component.pulumi_resource_name == "api"


def test_without_a_bucket_or_a_size_it_says_what_is_missing():
    with pytest.raises(AssertionError, match="needs a bucket for its versions: `bundles`"):
        api(bucket=False)
    with pytest.raises(AssertionError, match="needs its size under `beanstalk`"):
        api(beanstalk=None)


def test_a_preview_names_the_same_resources_as_an_update():
    assert api(preview=True)[1].urns == api()[1].urns


def test_it_comes_up_in_the_in_memory_aws_without_a_finding():
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    def program() -> None:
        opts = with_aws(aws_provider())
        here = real_ground(opts)
        buckets = Buckets(
            "buckets",
            BucketsArgs(settings=BucketsSettings(force_delete=True), ground=here, served=False),
            opts,
        )
        balancer = LoadBalancer(
            "load-balancer",
            LoadBalancerArgs(
                settings=LoadBalancerSettings(deletion_protection=False),
                ground=here,
                domain=None,
                log_bucket=buckets.logs,
                firewall=None,
            ),
            opts,
        )
        alarms = AlarmSet(prefix=PREFIX, notices=silent_notices(opts), muted=False)
        component = BeanstalkApi(
            "api",
            ApiArgs(
                settings=given(),
                ground=here,
                load_balancer=balancer,
                image=IMAGE,
                access=[buckets.media.access()],
                alarms=alarms,
                bundles=buckets.backups,
            ),
            opts,
        )
        alarms.watch([component])

    with MotoProvider() as provider:
        recorded = record(program, provider=provider)

    assert [str(finding) for finding in recorded.findings] == []
    assert recorded.one(ENVIRONMENT).resource.made_in == "moto"


# What runs


def test_people_find_it_under_the_stacks_name():  # M40
    _, recorded = api()
    environment = recorded.one(ENVIRONMENT)

    assert environment["name"] == "backlot-dev-api"
    assert environment["application"] == "backlot-dev-api"
    assert environment["tier"] == "WebServer"
    assert recorded.outputs["deploy_handle"] == "backlot-dev-api/backlot-dev-api"


def test_a_version_is_a_zip_that_names_the_image_and_the_port():
    _, recorded = api(port=9000)

    assert json.loads(archive(recorded)["Dockerrun.aws.json"]) == {
        "AWSEBDockerrunVersion": "1",
        "Image": {"Name": IMAGE, "Update": "true"},
        "Ports": [{"ContainerPort": 9000}],
    }


def test_a_command_of_the_settings_is_quoted_for_the_shell():
    _, recorded = api(command=("sh", "-c", "exec uvicorn app:app"))

    dockerrun = json.loads(archive(recorded)["Dockerrun.aws.json"])

    assert dockerrun["Command"] == "sh -c 'exec uvicorn app:app'"


def test_a_version_is_labelled_by_its_commit():  # M41
    _, recorded = api()
    version = recorded.one("elasticbeanstalk.ApplicationVersion")

    assert re.fullmatch(r"4f2a9c1-[0-9a-f]{8}", version["name"])
    assert recorded.one(ENVIRONMENT)["version"] == version["name"]
    assert version["bucket"] == "backlot-dev-backups"
    assert version["key"] == f"api/{version['name']}.zip"
    assert recorded.one("s3.BucketObjectv2")["key"] == version["key"]


def test_a_label_is_legal_for_a_digest_and_for_the_longest_tag():  # M41
    assert build_label(given(image=f"api@sha256:{'0' * 64}")) == f"sha256-{'0' * 64}"
    assert build_label(given(image=f"api:{'v' * 128}")) == "v" * 91


@pytest.mark.parametrize("changed", [{"image": "api:1.0.1"}, {"port": 9000}, {"command": ("sh",)}])
def test_whatever_is_in_the_zip_makes_another_label(changed: dict[str, Any]):
    digits = api()[1].one("random.RandomId", "api-version")

    assert digits["byte_length"] == 4
    assert digits["keepers"] == {"zip": contents(given())}
    assert contents(given(**changed)) != contents(given())
    assert contents(given(cooldown_seconds=60)) == contents(given())


def test_beanstalk_keeps_20_versions_and_deletes_their_zips():
    _, recorded = api()
    [lifecycle] = [recorded.one("elasticbeanstalk.Application")["appversion_lifecycle"]]

    assert (lifecycle["max_count"], lifecycle["delete_source_from_s3"]) == (20, True)
    assert lifecycle["service_role"] == recorded.one("iam.Role", "api-service").outputs["arn"]
    assert statements(recorded, "api-service")["DeleteOldBundles"] == (
        ["s3:DeleteObject"],
        [f"{BUNDLES}/api/*"],
    )


def test_the_platform_is_docker_and_moves_in_its_own_window():
    _, recorded = api()
    environment = recorded.one(ENVIRONMENT)

    assert re.fullmatch(
        r"64bit Amazon Linux 2023 v[\d.]+ running Docker", environment["solution_stack_name"]
    )
    assert environment.ignore_changes == ["solution_stack_name"]
    assert within(recorded, "elasticbeanstalk:managedactions") == {
        "ManagedActionsEnabled": "true",
        "PreferredStartTime": "Sun:04:00",
        "ServiceRoleForManagedUpdates": recorded.one("iam.Role", "api-service").outputs["arn"],
    }
    assert within(recorded, "elasticbeanstalk:managedactions:platformupdate") == {
        "UpdateLevel": "minor"
    }


def test_an_instance_takes_up_a_version_within_300_seconds_and_an_update_waits_an_hour():  # M41
    _, recorded = api()

    assert options(recorded)["elasticbeanstalk:command", "Timeout"] == "300"
    assert recorded.one(ENVIRONMENT)["wait_for_ready_timeout"] == "60m"


def test_instances_are_what_the_settings_say():  # M40 B22
    _, recorded = api(size={"root_gb": 40})
    launch = within(recorded, "autoscaling:launchconfiguration")

    assert within(recorded, "ec2:instances") == {
        "InstanceTypes": "t4g.large",
        "SupportedArchitectures": "arm64",
    }
    assert (launch["RootVolumeType"], launch["RootVolumeSize"]) == ("gp3", "40")
    assert launch["DisableIMDSv1"] == "true"
    assert launch["IamInstanceProfile"] == recorded.one("iam.InstanceProfile").outputs["arn"]
    assert launch["LaunchTemplateTagPropagationEnabled"] == "true"


def test_a_key_pair_logs_in_only_where_one_is_named():  # B20
    assert ("autoscaling:launchconfiguration", "EC2KeyName") not in options(api()[1])
    assert (
        options(api(size={"key_name": "ops"})[1])["autoscaling:launchconfiguration", "EC2KeyName"]
        == "ops"
    )


def test_the_container_gets_the_roles_credentials_over_one_hop_more():  # B22
    template = resources(api()[1])["AWSEBEC2LaunchTemplate"]

    assert template["Properties"]["LaunchTemplateData"]["MetadataOptions"] == {
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
    }


def test_an_instance_that_stops_answering_is_replaced_and_the_group_is_counted():
    group = resources(api()[1])["AWSEBAutoScalingGroup"]

    assert group["Properties"] == {
        "HealthCheckType": "ELB",
        "HealthCheckGracePeriod": 600,
        "MetricsCollection": [
            {
                "Granularity": "1Minute",
                "Metrics": ["GroupDesiredCapacity", "GroupInServiceInstances"],
            }
        ],
    }


def test_the_proxy_leaves_size_and_time_of_a_request_to_others():
    proxy = archive(api()[1])[".platform/nginx/conf.d/api.conf"]

    assert proxy.splitlines() == [
        "client_max_body_size 0;",
        "proxy_read_timeout 4000s;",
        "proxy_send_timeout 4000s;",
    ]


# What it is given


def test_plain_variables_stand_in_the_open():
    _, recorded = api(environment={"LOG_LEVEL": "info"})

    assert within(recorded, "elasticbeanstalk:application:environment") == {
        "AWS_REGION": "us-east-1",
        "BUILD_ID": "4f2a9c1",
        "LOG_LEVEL": "info",
        "MEDIA_BUCKET": "backlot-dev-media",
    }


def test_secrets_are_named_by_arn_and_one_key_of_them_in_beanstalks_spelling():
    _, recorded = api()

    assert within(recorded, "elasticbeanstalk:application:environmentsecrets") == {
        "DATABASE_URL": f"{DATABASE}:url",
        "OPENAI_API_KEY": OPENAI,
        "STRIPE_KEY": STRIPE,
    }


def test_the_instances_read_the_secrets_and_a_parameter_by_the_action_beanstalk_calls():
    granted = statements(api()[1], "api-instance")

    assert granted["ReadOpenai"] == (["secretsmanager:GetSecretValue"], [OPENAI])
    assert granted["ReadDatabase"] == (["secretsmanager:GetSecretValue"], [DATABASE])
    assert granted["ReadStripe"] == (["ssm:GetParameter"], [STRIPE])


def test_the_instances_hold_what_the_agents_and_the_api_need_and_nothing_else():
    _, recorded = api()
    granted = statements(recorded, "api-instance")
    own = "arn:aws:s3:::elasticbeanstalk-us-east-1-123456789012"
    place = "us-east-1:123456789012"

    assert sorted(granted) == [
        "HandInLogs",
        "HearCommands",
        "ListBackupsApi",
        "ListVersions",
        "LogInToRegistry",
        "OpenSessions",
        "PullImages",
        "ReadBackupsApi",
        "ReadDatabase",
        "ReadMedia",
        "ReadOpenai",
        "ReadStripe",
        "ReadVersions",
        "ReportHealth",
        "WriteLogs",
    ]
    assert granted["ReportHealth"] == (
        ["elasticbeanstalk:PutInstanceStatistics"],
        [
            f"arn:aws:elasticbeanstalk:{place}:application/backlot-dev-api",
            f"arn:aws:elasticbeanstalk:{place}:environment/backlot-dev-api/backlot-dev-api",
        ],
    )
    assert granted["WriteLogs"][1] == [
        f"arn:aws:logs:{place}:log-group:/aws/elasticbeanstalk/backlot-dev-api/*"
    ]
    assert granted["ReadVersions"][1] == [f"{own}/resources/environments/*"]
    assert granted["ReadBackupsApi"] == (["s3:GetObject"], [f"{BUNDLES}/api/*"])
    assert recorded.outputs["role_name"] == recorded.one("iam.Role", "api-instance").outputs["name"]


def test_a_key_of_ours_opens_the_bundles():  # M84
    granted = statements(api(data_key_arn=DATA_KEY)[1], "api-instance")

    assert granted["ReadBackupsApiKey"] == (["kms:Decrypt"], [DATA_KEY])


def test_people_look_in_through_session_manager():  # B20
    _, recorded = api()

    assert statements(recorded, "api-instance")["OpenSessions"] == (
        [
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        ["*"],
    )
    assert [
        node.name
        for node in recorded.all("iam.RolePolicyAttachment")
        if node.name.startswith("api-instance")
    ] == []


def test_beanstalk_looks_after_it_under_a_role_that_it_alone_assumes():
    _, recorded = api()
    service = recorded.one("iam.Role", "api-service")
    [trust] = service.json("assume_role_policy")["Statement"]

    assert trust["Principal"] == {"Service": "elasticbeanstalk.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "elasticbeanstalk"}}
    assert (
        options(recorded)["elasticbeanstalk:environment", "ServiceRole"] == (service.outputs["arn"])
    )
    assert {
        node.name: node["policy_arn"].rpartition("/")[2]
        for node in recorded.all("iam.RolePolicyAttachment")
        if node.name.startswith("api-service")
    } == {
        "api-service-health": "AWSElasticBeanstalkEnhancedHealth",
        "api-service-updates": "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
    }


# How it is reached


def test_it_stands_in_the_private_subnets_without_an_address():
    assert within(api()[1], "ec2:vpc") == {
        "VPCId": "vpc-1",
        "Subnets": "subnet-private-a,subnet-private-b",
        "ELBSubnets": "subnet-private-a,subnet-private-b",
        "AssociatePublicIpAddress": "false",
    }


def test_it_shares_our_load_balancer_and_leaves_its_groups_alone():  # M40
    _, recorded = api()
    balancer = recorded.one("lb.LoadBalancer")

    assert within(recorded, "elasticbeanstalk:environment").items() >= {
        ("EnvironmentType", "LoadBalanced"),
        ("LoadBalancerIsShared", "true"),
        ("LoadBalancerType", "application"),
    }
    assert within(recorded, "elbv2:loadbalancer") == {
        "SharedLoadBalancer": balancer.outputs["arn"],
        "SecurityGroups": recorded.one("ec2.SecurityGroup", "load-balancer-door").id,
    }


@pytest.mark.parametrize(("secure", "serving", "other"), [(False, 80, 443), (True, 443, 80)])
def test_beanstalks_own_rule_stands_at_the_listener_that_serves(
    secure: bool, serving: int, other: int
):
    _, recorded = api(secure=secure)

    assert within(recorded, f"elbv2:listener:{serving}") == {"Rules": "default"}
    assert within(recorded, f"elbv2:listener:{other}") == {}


def test_a_rule_of_ours_sends_every_path_to_the_environments_target_group():
    _, recorded = api()
    rule = recorded.one("lb.ListenerRule")

    assert rule["listener_arn"] == recorded.one("lb.Listener").outputs["arn"]
    assert rule["priority"] == 100
    assert rule["conditions"] == [{"path_pattern": {"values": ["/*"]}}]
    assert ":targetgroup/awseb-" in target_group(recorded)
    assert recorded.one(ENVIRONMENT).urn in rule.resource.dependencies


def test_the_load_balancer_asks_the_proxy_for_the_health_path():
    _, recorded = api(health={"path": "/ready", "interval_seconds": 15, "retries": 4})

    assert within(recorded, "elasticbeanstalk:environment:process:default") == {
        "Port": "80",
        "Protocol": "HTTP",
        "HealthCheckPath": "/ready",
        "HealthCheckInterval": "15",
        "HealthCheckTimeout": "5",
        "HealthyThresholdCount": "2",
        "UnhealthyThresholdCount": "4",
        "MatcherHTTPCode": "200",
        "DeregistrationDelay": "30",
    }


def test_instances_admit_the_door_alone_and_reach_tls_and_the_stores():
    _, recorded = api()
    group = recorded.one("ec2.SecurityGroup", "api-instances").id
    admitted = [
        (rule["referenced_security_group_id"], rule["from_port"])
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if rule["security_group_id"] == group
    ]
    door = recorded.one("ec2.SecurityGroup", "load-balancer-door").id
    launch = within(recorded, "autoscaling:launchconfiguration")

    assert admitted == [(door, 80)]
    assert (launch["SecurityGroups"], launch["DisableDefaultEC2SecurityGroup"]) == (group, "true")
    assert {
        rule.name: rule["from_port"]
        for rule in recorded.all("vpc.SecurityGroupEgressRule")
        if rule["security_group_id"] == group
    } == {"api-instances-https-out": 443, "api-to-database-out": 5432}


# How it scales and is deployed


def test_it_runs_between_its_bounds():  # M40
    assert within(api()[1], "autoscaling:asg") == {
        "MinSize": "2",
        "MaxSize": "10",
        "Cooldown": "300",
    }


def test_cpu_adds_and_takes_instances_after_five_minutes():
    trigger = within(api(size={"cpu_high": 65, "cpu_low": 20})[1], "autoscaling:trigger")

    assert trigger == {
        "MeasureName": "CPUUtilization",
        "Statistic": "Average",
        "Unit": "Percent",
        "Period": "1",
        "EvaluationPeriods": "5",
        "BreachDuration": "5",
        "UpperThreshold": "65",
        "UpperBreachScaleIncrement": "1",
        "LowerThreshold": "20",
        "LowerBreachScaleIncrement": "-1",
    }


def test_the_trigger_has_a_datapoint_every_minute():
    launch = within(api()[1], "autoscaling:launchconfiguration")

    assert launch["MonitoringInterval"] == "1 minute"


def test_new_instances_come_beside_the_old_and_go_when_one_fails():  # M115
    _, recorded = api()

    assert within(recorded, "elasticbeanstalk:command") == {
        "DeploymentPolicy": "Immutable",
        "IgnoreHealthCheck": "false",
        "Timeout": "300",
    }
    assert within(recorded, "autoscaling:updatepolicy:rollingupdate") == {
        "RollingUpdateEnabled": "true",
        "RollingUpdateType": "Immutable",
    }


def test_rolling_changes_a_quarter_at_a_time_and_never_runs_fewer():
    _, recorded = api(size={"strategy": "rolling"})

    assert within(recorded, "elasticbeanstalk:command") == {
        "DeploymentPolicy": "RollingWithAdditionalBatch",
        "BatchSizeType": "Percentage",
        "BatchSize": "25",
        "IgnoreHealthCheck": "false",
        "Timeout": "300",
    }
    assert (
        options(recorded)["autoscaling:updatepolicy:rollingupdate", "RollingUpdateType"] == "Health"
    )


def test_the_gates_wait_for_a_workflow_and_meet_no_version_early():  # M113 M114
    component, recorded = api()
    smoke = recorded.one("lambda.Function", "api-gates-smoke")

    assert component.gates.hooks == ()
    assert set(component.gates.functions) == {"migrate", "smoke"}
    assert json.loads(smoke["environment"]["variables"]["TEST_HEADER"]) == {}


def test_a_migration_runs_as_a_task_that_has_what_the_api_has():  # M113
    _, recorded = api()
    task = recorded.one("ecs.TaskDefinition")
    [container] = task.json("container_definitions")

    assert task["family"] == "backlot-dev-api-migration"
    assert container["image"] == IMAGE
    assert {secret["name"]: secret["valueFrom"] for secret in container["secrets"]} == {
        "DATABASE_URL": f"{DATABASE}:url::",
        "OPENAI_API_KEY": OPENAI,
        "STRIPE_KEY": STRIPE,
    }


def test_without_a_migration_there_is_no_task():
    component, recorded = api(deployment={"migration": None})

    assert component.gates.migrate_name is None
    assert recorded.all("ecs.TaskDefinition") == []


def test_a_rotated_password_restarts_the_containers():
    _, recorded = api()
    environment = recorded.one(ENVIRONMENT)

    assert recorded.outputs["restart"] == {
        "platform": "beanstalk",
        "environment": "backlot-dev-api",
    }
    [statement] = recorded.outputs["restart_statements"]
    assert statement["Action"] == [
        "elasticbeanstalk:DescribeEnvironments",
        "elasticbeanstalk:DescribeEvents",
        "elasticbeanstalk:RestartAppServer",
    ]
    assert statement["Resource"] == [environment.outputs["arn"]]


# What is written down


def test_every_log_of_the_platform_is_ours_before_beanstalk_makes_it():  # M88
    _, recorded = api()
    groups = [
        node
        for node in recorded.all("cloudwatch.LogGroup")
        if node["name"].startswith("/aws/elasticbeanstalk/")
    ]

    assert {node["name"] for node in groups} == {
        f"/aws/elasticbeanstalk/backlot-dev-api/{path}" for path in LOGS.values()
    }
    assert {node["retention_in_days"] for node in groups} == {7}
    assert {node.urn for node in groups} <= set(recorded.one(ENVIRONMENT).resource.dependencies)
    assert recorded.outputs["log_group_name"] == (
        "/aws/elasticbeanstalk/backlot-dev-api"
        "/var/log/eb-docker/containers/eb-current-app/stdouterr.log"
    )


@pytest.mark.parametrize(("days", "told"), [(7, "7"), (30, "30"), (1096, "1827")])
def test_logs_are_streamed_and_kept_as_long_as_the_stacks_or_longer(days: int, told: str):  # M88
    _, recorded = api(retention_days=days)
    kept = {"RetentionInDays": told, "DeleteOnTerminate": "false"}

    assert within(recorded, "elasticbeanstalk:cloudwatch:logs") == {"StreamLogs": "true", **kept}
    assert within(recorded, "elasticbeanstalk:cloudwatch:logs:health") == {
        "HealthStreamingEnabled": "true",
        **kept,
    }


def test_health_is_judged_from_within_and_four_metrics_of_it_are_published():
    health = within(api()[1], "elasticbeanstalk:healthreporting:system")

    assert (health["SystemType"], health["EnhancedHealthAuthEnabled"]) == ("enhanced", "true")
    assert json.loads(health["ConfigDocument"]) == {
        "CloudWatchMetrics": {
            "Environment": {
                "ApplicationRequests5xx": 60,
                "InstancesDegraded": 60,
                "InstancesOk": 60,
                "InstancesSevere": 60,
            },
            "Instance": {},
        },
        "Version": 1,
    }


def test_nothing_is_traced():
    assert within(api()[1], "elasticbeanstalk:xray") == {}


def test_options_are_text_sorted_and_given_once():
    listed = [(one["namespace"], one["name"]) for one in api()[1].one(ENVIRONMENT)["settings"]]

    assert listed == sorted(set(listed))
    assert all(isinstance(value, str) for value in options(api()[1]).values())


# How it is watched


def figures(watched: Alarm) -> tuple[str, float, int, str, str]:
    return (
        watched.comparison,
        watched.threshold,
        watched.evaluation_periods,
        watched.missing_data,
        watched.severity,
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("errors", ("above", 10, 2, "notBreaching", "critical")),  # M93
        ("unhealthy-targets", ("at_least", 1, 2, "notBreaching", "warning")),  # M94
        ("slow", ("above", 2, 3, "notBreaching", "warning")),  # M94
        ("cpu-high", ("above", 70, 2, "notBreaching", "warning")),  # M96
        ("too-few-running", ("below", 2, 2, "breaching", "warning")),
    ],
)
def test_alarms_speak_at_the_figures_of_the_briefs(name: str, expected: tuple[object, ...]):
    component, _ = api()

    assert figures(alarm(component, name)) == expected
    assert len(component.alarms) == 5


def test_errors_are_those_of_its_own_target_group():  # M93
    _, recorded = api()

    assert recorded.outputs["alarms"]["errors"]["live"]["dimensions"] == {
        "LoadBalancer": recorded.one("lb.LoadBalancer").outputs["arn_suffix"],
        "TargetGroup": target_group(recorded).rpartition(":")[2],
    }


def test_the_unhealthy_are_those_beanstalk_calls_degraded_or_severe():  # M94
    component, recorded = api()
    watch = alarm(component, "unhealthy-targets").watch

    assert isinstance(watch, Expression)
    assert watch.text == "FILL(degraded, 0) + FILL(severe, 0)"
    assert recorded.outputs["alarms"]["unhealthy-targets"] == {
        key: {
            "metric": f"AWS/ElasticBeanstalk {metric}",
            "statistic": "Maximum",
            "period": 300,
            "dimensions": {"EnvironmentName": "backlot-dev-api"},
        }
        for key, metric in (("degraded", "InstancesDegraded"), ("severe", "InstancesSevere"))
    }


def test_load_and_number_are_those_of_the_group_of_instances():  # M96
    _, recorded = api()
    [group] = recorded.one(ENVIRONMENT).outputs["autoscaling_groups"]
    alarms = recorded.outputs["alarms"]

    assert alarms["cpu-high"]["metric"] == "AWS/EC2 CPUUtilization"
    assert alarms["too-few-running"]["metric"] == "AWS/AutoScaling GroupInServiceInstances"
    for name in ("cpu-high", "too-few-running"):
        assert alarms[name]["dimensions"] == {"AutoScalingGroupName": group}


def test_the_release_alarms_stand_for_a_workflow_to_read():  # M115
    _, recorded = api()

    assert recorded.names("cloudwatch.MetricAlarm") == ["api-release-errors", "api-release-slow"]


def test_the_dashboard_shows_what_it_shows_on_every_platform():
    component, _ = api()

    assert [(panel.group, panel.title, panel.unit) for panel in component.panels] == [
        ("API", "API: failed requests", "requests"),
        ("API", "API: response time", "seconds"),
        ("API", "API: load", "percent"),
        ("API", "API: capacity", "instances"),
    ]


def test_what_it_makes_hangs_below_it():
    _, recorded = api()
    component = recorded.one("backlot:api:BeanstalkApi")
    made: list[Node] = [node for node in recorded.nodes if node.name.startswith("api-")]
    parents = {component.urn, recorded.one("backlot:api:ReleaseGates").urn}

    assert {node.parent for node in made} == parents
    assert component.outputs["deploy_handle"] == recorded.outputs["deploy_handle"]
