"""The API on Fargate: what runs, how it is reached, how it is deployed, scaled and watched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from components.access import Access, Path
from components.alarms import AlarmSet
from components.api.contract import Api, ApiArgs
from components.api.fargate import FargateApi, longest_minutes
from components.api.load_balancer import LoadBalancer, LoadBalancerArgs
from components.api.targets import RequestSignals
from components.containers import ContainerSecret
from components.fargate import PROBES
from components.grants import Statement
from components.observe import Alarm, Expression
from components.secrets import Secrets, SecretsArgs
from settings.api import ApiSettings, DeploymentSettings, FargateSize
from settings.load_balancer import LoadBalancerSettings
from settings.secrets import SecretSettings
from tests.components.parts import DATA_KEY, PREFIX, export_watched, ground, silent_notices
from tests.components.test_load_balancer import log_bucket
from tests.conftest import STACKS
from tests.recorder import Node, Recorded, aws_provider, record, recorded_once, with_aws
from tests.rows import proves

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/backlot-dev/api:1.0.0"
KEPT = "sk-correct-horse-battery"
OPENAI = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backlot-dev/api-keys/openai-AbCdEf"
MEDIA = "arn:aws:s3:::backlot-dev-media"

USES = Access(
    environment={"MEDIA_BUCKET": "backlot-dev-media"},
    secrets=[
        ContainerSecret(
            environment="OPENAI_API_KEY",
            value_from=OPENAI,
            read=[
                Statement(
                    sid="ReadOpenai",
                    actions=["secretsmanager:GetSecretValue"],
                    resources=[OPENAI],
                )
            ],
        )
    ],
    statements=[Statement(sid="ReadMedia", actions=["s3:GetObject"], resources=[f"{MEDIA}/*"])],
    paths=[Path(to="database", group_id="sg-database", port=5432)],
)


FARGATE = {
    "cpu": 1024,
    "memory": 2048,
    "min_tasks": 4,
    "max_tasks": 10,
    "strategy": "blue_green",
}
MIGRATION = {"command": ["alembic", "upgrade", "head"]}


def build(
    *,
    access: Access = USES,
    size: Mapping[str, Any] | None = None,
    deployment: Mapping[str, Any] | None = None,
    data_key_arn: str | None = None,
    **settings: Any,
) -> FargateApi:
    opts = with_aws(aws_provider())
    balancer = LoadBalancer(
        "load-balancer",
        LoadBalancerArgs(
            settings=LoadBalancerSettings(deletion_protection=False),
            ground=ground(),
            domain=None,
            log_bucket=log_bucket(),
            firewall=None,
        ),
        opts,
    )
    given = {
        "kind": "fargate",
        "image": "api:1.0.0",
        "fargate": {**FARGATE, **(size or {})},
        "deployment": {"bake_minutes": 10, "migration": MIGRATION, **(deployment or {})},
        **settings,
    }
    return FargateApi(
        "api",
        ApiArgs(
            settings=ApiSettings.model_validate(given),
            ground=ground(data_key_arn=data_key_arn),
            load_balancer=balancer,
            image=IMAGE,
            access=[access],
            alarms=AlarmSet(prefix=PREFIX, notices=silent_notices(opts), muted=False),
        ),
        opts,
    )


@recorded_once
def api(**settings: Any) -> tuple[FargateApi, Recorded]:
    made: list[FargateApi] = []

    def program() -> None:
        component = build(**settings)
        made.append(component)
        pulumi.export("url", component.url)
        pulumi.export("deploy_handle", component.deploy_handle)
        pulumi.export("restart", dict(component.restart.target))
        export_watched("alarms", {alarm.name: alarm.watch for alarm in component.alarms})

    recorded = record(program)
    return made[0], recorded


def service(recorded: Recorded) -> Node:
    return recorded.one("ecs.Service")


def container(recorded: Recorded) -> dict[str, Any]:
    [definition] = recorded.one("ecs.TaskDefinition").json("container_definitions")
    return definition


def policy(recorded: Recorded, name: str) -> dict[str, tuple[list[str], list[str]]]:
    return {
        statement["Sid"]: (statement["Action"], statement["Resource"])
        for statement in recorded.one("iam.RolePolicy", name).json("policy")["Statement"]
    }


def alarm(component: FargateApi, name: str) -> Alarm:
    return next(alarm for alarm in component.alarms if alarm.name == name)


def figures(watched: Alarm) -> tuple[str, float, int, str, str]:
    return (
        watched.comparison,
        watched.threshold,
        watched.evaluation_periods,
        watched.missing_data,
        watched.severity,
    )


def test_it_satisfies_the_contract_of_an_api():
    component: Api = api()[0]

    assert component.pulumi_resource_name == "api"


# What runs


def test_it_has_a_cluster_that_reports_on_every_task():  # M27 M28
    cluster = api()[1].one("ecs.Cluster")

    assert cluster["settings"] == [{"name": "containerInsights", "value": "enhanced"}]


def test_a_task_has_the_size_port_and_platform_of_the_settings():  # M30
    _, recorded = api()
    task = recorded.one("ecs.TaskDefinition")

    assert task["family"] == "backlot-dev-api"
    assert task["network_mode"] == "awsvpc"
    assert task["requires_compatibilities"] == ["FARGATE"]
    assert (task["cpu"], task["memory"]) == ("1024", "2048")
    assert task["runtime_platform"] == {
        "operating_system_family": "LINUX",
        "cpu_architecture": "ARM64",
    }
    assert container(recorded)["portMappings"] == [{"containerPort": 8000, "protocol": "tcp"}]


def test_a_revision_stays_in_use_when_another_takes_its_place():
    """ECS cannot deploy one that is not: a service that went back could not be restarted."""
    assert api()[1].one("ecs.TaskDefinition")["skip_destroy"] is True


def test_intel_is_a_choice():
    task = api(architecture="x86_64")[1].one("ecs.TaskDefinition")

    assert task["runtime_platform"]["cpu_architecture"] == "X86_64"


def test_the_container_runs_the_image_it_was_given():
    definition = container(api()[1])

    assert definition["name"] == "api"
    assert definition["image"] == IMAGE
    assert "command" not in definition
    assert container(api(command=("serve",))[1])["command"] == ["serve"]


def test_the_container_is_asked_for_its_health():  # M18 M34
    check = container(api()[1])["healthCheck"]

    assert check["interval"] == 30
    assert check["timeout"] == 5
    assert check["retries"] == 3
    assert check["startPeriod"] == 60
    assert check["command"][0] == "CMD-SHELL"
    assert check["command"][1].startswith("curl -fsS -o /dev/null http://127.0.0.1:8000/health || ")
    assert check["command"][1].endswith(" || exit 1")


def test_any_of_three_common_tools_can_ask():
    line = container(api(port=9000)[1])["healthCheck"]["command"][1]

    assert [tool for tool in ("curl", "wget", "python3") if f"{tool} -" in line] == [
        "curl",
        "wget",
        "python3",
    ]
    assert line.count("http://127.0.0.1:9000/health") == len(PROBES) == 3


def test_it_logs_to_a_group_of_its_own():  # M33 M88
    _, recorded = api()
    group = recorded.one("cloudwatch.LogGroup", "api-logs")

    assert group["name"] == "/ecs/backlot-dev-api"
    assert group["retention_in_days"] == 7
    options = container(recorded)["logConfiguration"]["options"]
    assert options["awslogs-group"] == "/ecs/backlot-dev-api"


# Secrets and roles


def test_secrets_are_fetched_when_a_task_starts():  # M32
    definition = container(api(environment={"LOG_LEVEL": "info"})[1])

    assert definition["environment"] == [
        {"name": "AWS_REGION", "value": "us-east-1"},
        {"name": "BUILD_ID", "value": "1.0.0"},
        {"name": "LOG_LEVEL", "value": "info"},
        {"name": "MEDIA_BUCKET", "value": "backlot-dev-media"},
    ]
    assert definition["secrets"] == [{"name": "OPENAI_API_KEY", "valueFrom": OPENAI}]


def test_a_value_the_stack_keeps_never_reaches_a_task_definition():  # M32
    def program() -> None:
        secrets = Secrets(
            "secrets",
            SecretsArgs(
                settings={"openai": SecretSettings(environment="OPENAI_API_KEY")},
                ground=ground(),
                values={"openai": pulumi.Output.from_input(KEPT)},
            ),
            with_aws(aws_provider()),
        )
        build(access=secrets.access(["openai"]))

    recorded = record(program)

    assert recorded.one("secretsmanager.SecretVersion")["secret_string"] == KEPT
    assert KEPT not in recorded.one("ecs.TaskDefinition")["container_definitions"]
    assert KEPT not in recorded.graph.write()


@pytest.mark.parametrize("stack", STACKS)
def test_no_container_of_any_stack_holds_a_secret_in_plain_sight(
    stack_graph: Callable[..., Recorded], stack: str
):  # M32
    definitions = [
        definition
        for task in stack_graph(stack).all("ecs.TaskDefinition")
        for definition in task.json("container_definitions")
    ]

    assert [definition["name"] for definition in definitions] == ["api", "worker"]
    for definition in definitions:
        plain = {variable["name"]: variable["value"] for variable in definition["environment"]}
        fetched = {variable["name"] for variable in definition["secrets"]}
        assert not [
            name
            for name in plain
            if re.search("KEY|PASSWORD|SECRET|TOKEN|DATABASE_URL|REDIS_URL", name)
        ]
        assert not [value for value in plain.values() if re.search("//[^/]*@", value)]
        assert "REDIS_URL" in fetched
        assert all(
            variable["valueFrom"].startswith(("arn:aws:secretsmanager:", "arn:aws:ssm:"))
            for variable in definition["secrets"]
        )


def test_a_variable_set_twice_is_refused():
    with pytest.raises(AssertionError, match="MEDIA_BUCKET is set twice"):
        api(environment={"MEDIA_BUCKET": "mine"})


def test_the_task_has_what_the_api_uses_and_an_exec_channel_that_is_written_down():  # M31
    log = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/backlot-dev-api-sessions:*"
    assert policy(api()[1], "api-task") == {
        "FindSessionLog": (["logs:DescribeLogGroups"], ["*"]),
        "OpenExecSession": (
            [
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            ["*"],
        ),
        "ReadMedia": (["s3:GetObject"], [f"{MEDIA}/*"]),
        "WriteSessionLog": (
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [log],
        ),
    }


def test_what_people_type_in_a_session_goes_to_a_log_of_its_own():  # B20
    _, recorded = api()
    audited = recorded.one("ecs.Cluster")["configuration"]["execute_command_configuration"]

    assert audited == {
        "logging": "OVERRIDE",
        "log_configuration": {
            "cloud_watch_log_group_name": "/ecs/backlot-dev-api-sessions",
            "cloud_watch_encryption_enabled": False,
        },
    }
    assert recorded.one("cloudwatch.LogGroup", "api-sessions")["retention_in_days"] == 7


def test_a_session_is_encrypted_with_the_stacks_own_key_where_there_is_one():  # B20
    _, recorded = api(data_key_arn=DATA_KEY)
    audited = recorded.one("ecs.Cluster")["configuration"]["execute_command_configuration"]

    assert audited["kms_key_id"] == DATA_KEY
    assert policy(recorded, "api-task")["DecryptSession"] == (["kms:Decrypt"], [DATA_KEY])
    assert "DecryptSession" not in policy(api()[1], "api-task")


def test_only_the_execution_role_reads_secrets():  # M31
    _, recorded = api()
    task = recorded.one("ecs.TaskDefinition")

    assert set(policy(recorded, "api-execution")) == {
        *("LogInToRegistry", "PullImages", "WriteLogs", "ReadOpenai")
    }
    assert policy(recorded, "api-execution")["ReadOpenai"] == (
        ["secretsmanager:GetSecretValue"],
        [OPENAI],
    )
    assert task["task_role_arn"] == recorded.one("iam.Role", "api-task").outputs["arn"]
    assert task["execution_role_arn"] == recorded.one("iam.Role", "api-execution").outputs["arn"]
    assert [each.name for each in recorded.all("iam.RolePolicyAttachment")] == [
        "api-traffic-load-balancers"
    ]


# How it is reached


def test_tasks_stand_in_private_subnets_without_a_public_address():
    _, recorded = api()
    network = service(recorded)["network_configuration"]

    assert network["subnets"] == ["subnet-private-a", "subnet-private-b"]
    assert network["assign_public_ip"] is False
    assert network["security_groups"] == [recorded.one("ec2.SecurityGroup", "api-tasks").id]


def test_only_the_load_balancer_gets_in_and_only_what_is_used_and_https_get_out():
    _, recorded = api()
    tasks = recorded.one("ec2.SecurityGroup", "api-tasks").id
    balancer = recorded.one("ec2.SecurityGroup", "load-balancer-door").id
    ingress = [
        (rule["referenced_security_group_id"], rule["from_port"], rule["to_port"])
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if rule["security_group_id"] == tasks
    ]
    egress = {
        (rule.get("cidr_ipv4") or rule["referenced_security_group_id"], rule["to_port"])
        for rule in recorded.all("vpc.SecurityGroupEgressRule")
        if rule["security_group_id"] == tasks
    }

    assert ingress == [(balancer, 8000, 8000)]
    assert egress == {("0.0.0.0/0", 443), ("sg-database", 5432)}
    assert recorded.one("vpc.SecurityGroupEgressRule", "api-from-door-out")[
        "security_group_id"
    ] == (balancer)


def test_the_load_balancer_checks_the_same_path():  # M18
    targets = api()[1].one("lb.TargetGroup", "api-targets-live")

    assert targets["target_type"] == "ip"
    assert targets["protocol"] == "HTTP"
    assert targets["vpc_id"] == "vpc-1"
    assert targets["health_check"] == {
        "path": "/health",
        "matcher": "200",
        "interval": 30,
        "timeout": 5,
        "healthy_threshold": 2,
        "unhealthy_threshold": 3,
    }


def test_another_port_replaces_no_target_group():
    """ECS writes the rules, so one that is replaced would stay in them and could not go."""
    ports = [
        {group.name: group["port"] for group in api(port=port)[1].all("lb.TargetGroup")}
        for port in (8000, 9000)
    ]

    assert ports[0] == ports[1] == {"api-targets-live": 80, "api-targets-other": 80}


def test_a_task_that_leaves_has_30_seconds_for_its_requests():
    groups = api()[1].all("lb.TargetGroup")

    assert [group["deregistration_delay"] for group in groups] == [30, 30]


def arn(recorded: Recorded, group: str) -> str:
    return recorded.one("lb.TargetGroup", f"api-targets-{group}").outputs["arn"]


def weights(rule: Node) -> list[tuple[str, int]]:
    [action] = rule["actions"]
    return [(group["arn"], group["weight"]) for group in action["forward"]["target_groups"]]


def test_a_rule_of_its_own_sends_every_path_to_it():
    _, recorded = api()
    rule = recorded.one("lb.ListenerRule", "api-rule")

    assert rule["listener_arn"] == recorded.one("lb.Listener").outputs["arn"]
    assert rule["conditions"] == [{"path_pattern": {"values": ["/*"]}}]
    assert rule["priority"] == 100
    assert weights(rule) == [(arn(recorded, "live"), 100), (arn(recorded, "other"), 0)]
    assert rule.urn in service(recorded).resource.dependencies


def test_a_header_nobody_guesses_leads_to_the_new_version_before_every_other_rule():  # B1
    _, recorded = api()
    rule = recorded.one("lb.ListenerRule", "api-test-rule")
    token = recorded.one("random.RandomString", "api-test-token")

    assert rule["priority"] == 1
    assert rule["conditions"] == [
        {"http_header": {"http_header_name": "X-Backlot-Test", "values": [token.outputs["result"]]}}
    ]
    assert len(token.outputs["result"]) == 24
    assert rule["listener_arn"] == recorded.one("lb.Listener").outputs["arn"]
    assert rule.urn in service(recorded).resource.dependencies


def test_an_update_leaves_the_weights_to_ecs():  # B1
    _, recorded = api()

    assert {rule.name: rule.ignore_changes for rule in recorded.all("lb.ListenerRule")} == {
        "api-rule": ["actions"],
        "api-test-rule": ["actions"],
    }


def test_the_service_registers_its_container_and_knows_both_groups_and_rules():  # M29 B1
    _, recorded = api(port=9000)
    rules = {rule.name: rule.outputs["arn"] for rule in recorded.all("lb.ListenerRule")}

    assert service(recorded)["load_balancers"] == [
        {
            "target_group_arn": arn(recorded, "live"),
            "container_name": "api",
            "container_port": 9000,
            "advanced_configuration": {
                "alternate_target_group_arn": arn(recorded, "other"),
                "production_listener_rule": rules["api-rule"],
                "test_listener_rule": rules["api-test-rule"],
                "role_arn": recorded.one("iam.Role", "api-traffic").outputs["arn"],
            },
        }
    ]
    assert service(recorded)["health_check_grace_period_seconds"] == 60


def test_ecs_moves_traffic_under_a_role_of_its_own():
    _, recorded = api()
    [trust] = recorded.one("iam.Role", "api-traffic").json("assume_role_policy")["Statement"]

    assert trust["Principal"] == {"Service": "ecs.amazonaws.com"}
    assert recorded.one("iam.RolePolicyAttachment", "api-traffic-load-balancers")["policy_arn"] == (
        "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
    )


# How it is deployed


def test_a_deployment_never_has_fewer_tasks_than_before():  # M37
    running = service(api()[1])

    assert running["deployment_maximum_percent"] == 200
    assert running["deployment_minimum_healthy_percent"] == 100


def test_a_deployment_that_fails_goes_back_and_fails_the_update():
    running = service(api()[1])

    assert running["deployment_circuit_breaker"] == {"enable": True, "rollback": True}
    assert running["wait_for_steady_state"] is True
    assert running["sigint_rollback"] is True


def configuration(**given: Any) -> dict[str, Any]:
    return service(api(**given)[1])["deployment_configuration"]


@pytest.mark.parametrize("minutes", [0, 5, 10])
def test_the_old_version_stands_by_for_the_bake(minutes: int):  # M116
    given = configuration(deployment={"bake_minutes": minutes})

    assert given["strategy"] == "BLUE_GREEN"
    assert given["bake_time_in_minutes"] == str(minutes)
    assert "canary_configuration" not in given
    assert "linear_configuration" not in given


@proves("M116", "ai-film-studio")
def test_a_canary_meets_10_percent_of_the_traffic_for_10_minutes():  # M116
    given = configuration(size={"strategy": "canary"})

    assert given["strategy"] == "CANARY"
    assert given["canary_configuration"] == {
        "canary_percent": 10,
        "canary_bake_time_in_minutes": "10",
    }
    assert "linear_configuration" not in given


def test_linear_moves_20_percent_every_5_minutes():
    given = configuration(size={"strategy": "linear"})

    assert given["strategy"] == "LINEAR"
    assert given["linear_configuration"] == {
        "step_percent": 20,
        "step_bake_time_in_minutes": "5",
    }
    assert "canary_configuration" not in given


def test_both_gates_hold_a_deployment():  # M113 M114 B2
    _, recorded = api()
    functions = {each.name: each.outputs["arn"] for each in recorded.all("lambda.Function")}
    role = recorded.one("iam.Role", "api-gates-hooks").outputs["arn"]

    assert service(recorded)["deployment_configuration"]["lifecycle_hooks"] == [
        {
            "target_type": "AWS_LAMBDA",
            "hook_target_arn": functions["api-gates-migrate"],
            "role_arn": role,
            "lifecycle_stages": ["PRE_SCALE_UP"],
        },
        {
            "target_type": "AWS_LAMBDA",
            "hook_target_arn": functions["api-gates-smoke"],
            "role_arn": role,
            "lifecycle_stages": ["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"],
        },
    ]


def test_a_person_may_be_asked_before_users_move():  # M118 B2
    hooks = configuration(size={"approval_minutes": 60})["lifecycle_hooks"]

    assert hooks[-1] == {
        "target_type": "PAUSE",
        "lifecycle_stages": ["POST_TEST_TRAFFIC_SHIFT"],
        "timeout_configuration": {"action": "ROLLBACK", "timeout_in_minutes": "60"},
    }
    assert len(hooks) == 3
    assert len(configuration()["lifecycle_hooks"]) == 2


def test_alarms_that_stand_before_the_service_take_a_deployment_back():  # M115 B3
    _, recorded = api()
    given = service(recorded)["alarms"]

    assert given == {
        "alarm_names": ["backlot-dev-api-release-errors", "backlot-dev-api-release-slow"],
        "enable": True,
        "rollback": True,
    }
    before = service(recorded).resource.dependencies
    for name in ("api-release-errors", "api-release-slow"):
        assert recorded.one("cloudwatch.MetricAlarm", name).urn in before


def test_a_release_is_judged_by_the_minute_and_over_both_groups():  # B3
    _, recorded = api()
    errors = recorded.one("cloudwatch.MetricAlarm", "api-release-errors")

    assert (errors["threshold"], errors["evaluation_periods"]) == (10, 3)
    assert errors["datapoints_to_alarm"] == 2
    assert errors["treat_missing_data"] == "notBreaching"
    queries = {query["id"]: query for query in errors["metric_queries"]}
    assert queries["judged"]["expression"] == "FILL(live, 0) + FILL(other, 0)"
    assert {queries[key]["metric"]["period"] for key in ("live", "other")} == {60}
    slow = recorded.one("cloudwatch.MetricAlarm", "api-release-slow")
    assert (slow["threshold"], slow["evaluation_periods"]) == (2, 3)


@pytest.mark.parametrize(
    ("given", "minutes"),
    [
        ({}, 30 + 20 + 6 + 10),
        ({"deployment": {"bake_minutes": 0, "migration": None}}, 30 + 6),
        ({"size": {"approval_minutes": 60}}, 30 + 20 + 6 + 10 + 60),
        ({"size": {"strategy": "canary"}}, 30 + 20 + 6 + 10 + 10),
        ({"size": {"strategy": "linear"}}, 30 + 20 + 6 + 10 + 4 * 5),
        ({"size": {"strategy": "rolling"}}, 30),
    ],
)
def test_an_update_waits_for_every_gate_and_bake_at_its_longest(
    given: dict[str, Any], minutes: int
):
    settings = DeploymentSettings.model_validate(
        {"bake_minutes": 10, "migration": MIGRATION, **given.get("deployment", {})}
    )
    size = FargateSize.model_validate({**FARGATE, **given.get("size", {})})

    assert longest_minutes(settings, size) == minutes


# Rolling, where tasks replace tasks


def rolling(**given: Any) -> Recorded:
    return api(size={"strategy": "rolling"}, **given)[1]


def test_rolling_needs_one_group_one_rule_and_no_role_for_traffic():
    recorded = rolling()
    [rule] = recorded.all("lb.ListenerRule")

    assert recorded.names("lb.TargetGroup") == ["api-targets-live"]
    assert weights(rule) == [(arn(recorded, "live"), 100)]
    assert rule.ignore_changes == []
    assert "advanced_configuration" not in service(recorded)["load_balancers"][0]
    assert recorded.all("random.RandomString") == []
    assert "api-traffic" not in recorded.names("iam.Role")


def test_rolling_has_no_hooks_and_leaves_the_gates_to_a_workflow():
    recorded = rolling()

    assert service(recorded)["deployment_configuration"] == {"strategy": "ROLLING"}
    assert recorded.names("lambda.Function") == ["api-gates-migrate", "api-gates-smoke"]
    assert "api-gates-hooks" not in recorded.names("iam.Role")
    assert service(recorded)["alarms"]["rollback"] is True


# How tasks are bought


@pytest.mark.parametrize(
    ("spot", "strategy"),
    [
        (0, [{"capacity_provider": "FARGATE", "weight": 1}]),
        (
            50,
            [
                {"capacity_provider": "FARGATE", "base": 1, "weight": 50},
                {"capacity_provider": "FARGATE_SPOT", "weight": 50},
            ],
        ),
        (100, [{"capacity_provider": "FARGATE_SPOT", "weight": 100}]),
    ],
)
def test_tasks_are_bought_from_fargate_and_fargate_spot_by_share(
    spot: int, strategy: list[dict[str, Any]]
):  # B17
    _, recorded = api(size={"spot_percent": spot})

    assert recorded.one("ecs.ClusterCapacityProviders")["capacity_providers"] == [
        "FARGATE",
        "FARGATE_SPOT",
    ]
    assert service(recorded)["capacity_provider_strategies"] == strategy
    # Without it the provider refuses to change the mix of a service that runs.
    assert service(recorded)["force_new_deployment"] is True
    assert "launch_type" not in service(recorded)


def test_tasks_are_spread_over_zones_tagged_and_open_to_exec():
    running = service(api()[1])

    assert running["availability_zone_rebalancing"] == "ENABLED"
    assert running["propagate_tags"] == "SERVICE"
    assert running["enable_ecs_managed_tags"] is True
    assert running["enable_execute_command"] is True


# How it scales


@pytest.mark.parametrize(("low", "high"), [(1, 2), (2, 4), (4, 10)])
def test_it_runs_between_its_bounds(low: int, high: int):  # M29
    _, recorded = api(size={"min_tasks": low, "max_tasks": high})
    target = recorded.one("appautoscaling.Target")

    assert service(recorded)["desired_count"] == low
    assert (target["min_capacity"], target["max_capacity"]) == (low, high)
    assert target["scalable_dimension"] == "ecs:service:DesiredCount"


def test_an_update_leaves_the_number_of_tasks_to_scaling():
    assert service(api()[1]).ignore_changes == ["desired_count"]


@pytest.mark.parametrize(
    ("name", "metric", "percent"),
    [
        ("api-scaling-cpu", "ECSServiceAverageCPUUtilization", 70),  # M35
        ("api-scaling-memory", "ECSServiceAverageMemoryUtilization", 80),  # M36
    ],
)
def test_it_tracks_cpu_and_memory_with_rests_of_300_seconds(name: str, metric: str, percent: int):
    _, recorded = api()
    tracking = recorded.one("appautoscaling.Policy", name)

    assert len(recorded.all("appautoscaling.Policy")) == 2
    assert tracking["policy_type"] == "TargetTrackingScaling"
    assert tracking["target_tracking_scaling_policy_configuration"] == {
        "target_value": percent,
        "scale_out_cooldown": 300,
        "scale_in_cooldown": 300,
        "predefined_metric_specification": {"predefined_metric_type": metric},
    }


def test_requests_are_summed_over_both_groups_since_one_is_always_empty():
    _, recorded = api(requests={"per_target": 600})
    tracking = recorded.one("appautoscaling.Policy", "api-scaling-requests")
    given = tracking["target_tracking_scaling_policy_configuration"]
    metrics = {each["id"]: each for each in given["customized_metric_specification"]["metrics"]}

    assert given["target_value"] == 600
    assert "predefined_metric_specification" not in given
    assert metrics["tracked"]["expression"] == "FILL(live, 0) + FILL(other, 0)"
    assert metrics["tracked"]["return_data"] is True
    for group in ("live", "other"):
        stat = metrics[group]["metric_stat"]
        assert (stat["metric"]["metric_name"], stat["stat"]) == ("RequestCountPerTarget", "Sum")
        assert metrics[group]["return_data"] is False


def test_awss_own_request_count_follows_the_one_group_of_a_rolling_service():
    recorded = rolling(requests={"per_target": 600, "metric": "predefined"})
    tracking = recorded.one("appautoscaling.Policy", "api-scaling-requests")
    balancer = recorded.one("lb.LoadBalancer").outputs["arn_suffix"]
    group = recorded.one("lb.TargetGroup").outputs["arn_suffix"]

    assert tracking["target_tracking_scaling_policy_configuration"][
        "predefined_metric_specification"
    ] == {
        "predefined_metric_type": "ALBRequestCountPerTarget",
        "resource_label": f"{balancer}/{group}",
    }


def test_without_a_wish_requests_do_not_scale():
    assert "api-scaling-requests" not in api()[1].names("appautoscaling.Policy")


def test_scaling_acts_on_this_service():
    _, recorded = api()
    cluster, name = recorded.outputs["deploy_handle"].split("/")

    assert cluster == recorded.one("ecs.Cluster").outputs["name"]
    assert name == service(recorded).outputs["name"]
    assert recorded.one("appautoscaling.Target")["resource_id"] == f"service/{cluster}/{name}"


# How it is watched


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("errors", ("above", 10, 2, "notBreaching", "critical")),  # M93
        ("unhealthy-targets", ("at_least", 1, 2, "notBreaching", "warning")),  # M94
        ("slow", ("above", 2, 3, "notBreaching", "warning")),  # M94
        ("cpu-high", ("above", 85, 2, "notBreaching", "warning")),  # M96
        ("too-few-running", ("below", 4, 2, "breaching", "warning")),
    ],
)
def test_alarms_speak_at_the_figures_of_the_briefs(name: str, expected: tuple[object, ...]):
    component, _ = api()

    assert figures(alarm(component, name)) == expected
    assert alarm(component, name).runbook == f"api.md#{name}"


def test_there_are_no_other_alarms():
    assert len(api()[0].alarms) == 5


def test_errors_are_counted_over_300_seconds_in_every_target_group():  # M93
    component, recorded = api()
    watch = alarm(component, "errors").watch

    assert isinstance(watch, Expression)
    assert watch.text == "FILL(live, 0) + FILL(other, 0)"
    assert recorded.outputs["alarms"]["errors"] == {
        group: {
            "metric": "AWS/ApplicationELB HTTPCode_Target_5XX_Count",
            "statistic": "Sum",
            "period": 300,
            "dimensions": {
                "LoadBalancer": recorded.one("lb.LoadBalancer").outputs["arn_suffix"],
                "TargetGroup": recorded.one("lb.TargetGroup", f"api-targets-{group}").outputs[
                    "arn_suffix"
                ],
            },
        }
        for group in ("live", "other")
    }


def test_the_95th_percentile_and_the_worst_unhealthy_count_are_what_is_judged():  # M94
    _, recorded = api()
    slow = recorded.outputs["alarms"]["slow"]["live"]
    unhealthy = recorded.outputs["alarms"]["unhealthy-targets"]["live"]

    assert (slow["metric"], slow["statistic"]) == ("AWS/ApplicationELB TargetResponseTime", "p95")
    assert (unhealthy["metric"], unhealthy["statistic"]) == (
        "AWS/ApplicationELB UnHealthyHostCount",
        "Maximum",
    )


def test_cpu_is_the_services_average_over_300_seconds():  # M96
    _, recorded = api()

    assert recorded.outputs["alarms"]["cpu-high"] == {
        "metric": "AWS/ECS CPUUtilization",
        "statistic": "Average",
        "period": 300,
        "dimensions": {
            "ClusterName": recorded.one("ecs.Cluster").outputs["name"],
            "ServiceName": service(recorded).outputs["name"],
        },
    }


def test_missing_tasks_are_counted_by_container_insights():  # M28
    _, recorded = api()
    watch = recorded.outputs["alarms"]["too-few-running"]

    assert (watch["metric"], watch["statistic"]) == (
        "ECS/ContainerInsights RunningTaskCount",
        "Maximum",
    )


def test_without_a_group_to_name_everything_behind_the_load_balancer_counts():
    signals = RequestSignals(load_balancer="app/alb/1")
    total = signals.total("HTTPCode_Target_5XX_Count", "errors")
    worst = signals.worst("TargetResponseTime", "p95", "p95")

    assert total.text == "FILL(all, 0)"
    assert worst.text == "MAX([FILL(all, 0)])"
    assert total.metrics["all"].dimensions == {"LoadBalancer": "app/alb/1"}


def test_a_rotation_restarts_it_by_deploying_it_once_more():
    component, recorded = api()
    cluster, name = recorded.outputs["deploy_handle"].split("/")
    [statement] = component.restart.statements

    assert recorded.outputs["restart"] == {
        "platform": "ecs",
        "cluster": cluster,
        "service": name,
    }
    assert statement.actions == ["ecs:DescribeServices", "ecs:UpdateService"]


def test_the_dashboard_shows_failures_speed_load_and_tasks():
    component, _ = api()

    assert [(panel.group, panel.title, panel.unit) for panel in component.panels] == [
        ("API", "API: failed requests", "requests"),
        ("API", "API: response time", "seconds"),
        ("API", "API: load", "percent"),
        ("API", "API: capacity", "tasks"),
    ]


def test_what_it_makes_hangs_below_it_or_its_gates():
    _, recorded = api()
    component = recorded.one("backlot:api:FargateApi")
    gates = recorded.one("backlot:api:ReleaseGates")
    made = [node for node in recorded.nodes if node.name.startswith("api-")]

    assert gates.parent == component.urn
    assert {node.parent for node in made} == {component.urn, gates.urn}
    assert component.outputs["url"] == recorded.outputs["url"]
