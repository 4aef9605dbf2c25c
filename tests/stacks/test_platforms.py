"""The API's platforms and doors: each stack can take each, and all keep one contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.conftest import STACKS, VARIANTS
from tests.recorder import Node, Recorded

StackGraph = Callable[..., Recorded]

PLATFORMS = {"": "FargateApi", "ec2": "Ec2Api", "beanstalk": "BeanstalkApi"}
"""By the variant that chooses it; the stacks we ship run on Fargate."""
API_TYPES = {f"backlot:api:{name}" for name in PLATFORMS.values()}


def api_of(recorded: Recorded) -> Node:
    [api] = [node for node in recorded.nodes if node.type in API_TYPES]
    return api


def alarms_of(recorded: Recorded, name: str) -> dict[str, Node]:
    """The alarms of the component `name`, by what they are called."""
    lead = f"{name}-"
    return {
        alarm.name.removeprefix(lead): alarm
        for alarm in recorded.all("cloudwatch.MetricAlarm")
        if alarm.name.startswith(lead)
    }


def api_panels(recorded: Recorded) -> list[tuple[str, str]]:
    widgets: Sequence[dict[str, Any]] = recorded.one("cloudwatch.Dashboard").json("dashboard_body")[
        "widgets"
    ]
    return [
        (widget["properties"]["title"], widget["properties"]["yAxis"]["left"]["label"])
        for widget in widgets
        if widget["type"] == "metric" and widget["properties"]["title"].startswith("API: ")
    ]


@pytest.mark.parametrize("variant", PLATFORMS)
@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_rehearses_on_every_platform_without_a_finding(
    stack: str, variant: str, stack_graph: StackGraph
) -> None:
    recorded = stack_graph(stack, variant, moto=True)

    assert recorded.findings == []
    assert api_of(recorded).type == f"backlot:api:{PLATFORMS[variant]}"


def stack_for(variant: str) -> str:
    return "dev" if variant == "bare" else "staging"


@pytest.mark.parametrize("variant", sorted(VARIANTS.keys() - PLATFORMS.keys()))
def test_every_other_choice_rehearses_without_a_finding(
    variant: str, stack_graph: StackGraph
) -> None:
    assert stack_graph(stack_for(variant), variant, moto=True).findings == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_choice_hides_in_an_apply(variant: str, stack_graph: StackGraph) -> None:
    known = stack_graph(stack_for(variant), variant).urns

    assert stack_graph(stack_for(variant), variant, preview=True).urns == known


@pytest.mark.parametrize("stack", STACKS)
def test_the_platforms_raise_the_same_alarms(stack: str, stack_graph: StackGraph) -> None:
    raised = {
        variant: {
            name: (alarm["comparison_operator"], alarm["treat_missing_data"])
            for name, alarm in alarms_of(stack_graph(stack, variant), "api").items()
        }
        for variant in PLATFORMS
    }

    assert raised["ec2"] == raised["beanstalk"] == raised[""]
    assert set(raised[""]) == {
        "errors",
        "unhealthy-targets",
        "slow",
        "cpu-high",
        "too-few-running",
        "release-errors",
        "release-slow",
        "gates-migrate-failed",
        "gates-smoke-failed",
    }


def test_the_platforms_differ_in_no_figure_but_the_briefs_own(stack_graph: StackGraph) -> None:
    figures = {
        variant: {
            name: (alarm["threshold"], alarm["evaluation_periods"])
            for name, alarm in alarms_of(stack_graph("production", variant), "api").items()
        }
        for variant in PLATFORMS
    }
    differing = {
        name: tuple(figures[variant][name] for variant in PLATFORMS)
        for name in figures[""]
        if len({figures[variant][name] for variant in PLATFORMS}) > 1
    }

    assert differing == {
        "cpu-high": ((85, 2), (70, 2), (70, 2)),  # M96 M39
        "too-few-running": ((4, 2), (2, 2), (2, 2)),
    }


def test_the_platforms_show_the_same_panels(stack_graph: StackGraph) -> None:
    panels = {variant: api_panels(stack_graph("production", variant)) for variant in PLATFORMS}

    titles = {variant: [title for title, _ in shown] for variant, shown in panels.items()}
    assert titles["ec2"] == titles["beanstalk"] == titles[""]
    assert titles[""] == [
        "API: failed requests",
        "API: response time",
        "API: load",
        "API: capacity",
    ]
    assert {variant: dict(shown)["API: capacity"] for variant, shown in panels.items()} == {
        "": "tasks",
        "ec2": "instances",
        "beanstalk": "instances",
    }


@pytest.mark.parametrize("stack", STACKS)
def test_the_platforms_give_the_same_outputs(stack: str, stack_graph: StackGraph) -> None:
    outputs = {variant: stack_graph(stack, variant).outputs for variant in PLATFORMS}

    assert set(outputs["ec2"]) == set(outputs["beanstalk"]) == set(outputs[""])
    for given in outputs.values():
        assert set(given["deployment"]) == {"handle", "migrate", "smoke"}
        assert given["deployment"]["handle"]
    assert {given["api_url"].partition(":")[0] for given in outputs.values()} == {
        "http" if stack == "dev" else "https"
    }


@pytest.mark.parametrize("variant", [*PLATFORMS, "rolling"])
def test_both_gates_are_told_the_same_on_every_platform(
    variant: str, stack_graph: StackGraph
) -> None:
    recorded = stack_graph("production", variant)
    smoke = recorded.one("lambda.Function", "api-gates-smoke")["environment"]["variables"]
    migrate = recorded.one("lambda.Function", "api-gates-migrate")["environment"]["variables"]
    families = {task["family"] for task in recorded.all("ecs.TaskDefinition")}

    assert smoke["URL"] == "https://api.studio.example"  # M114
    assert smoke["PATHS"] == '["/health", "/api/health/db", "/api/health/redis"]'
    assert migrate["COMMAND"] == '["alembic", "upgrade", "head"]'  # M113
    assert migrate["TASK_DEFINITION"] in families


@pytest.mark.parametrize("variant", PLATFORMS)
def test_the_code_is_told_the_same_on_every_platform(variant: str, stack_graph: StackGraph) -> None:
    """What migrates is what the API is on any platform, so its task tells what the API is given."""
    recorded = stack_graph("production", variant)
    [container] = next(
        task.json("container_definitions")
        for task in recorded.all("ecs.TaskDefinition")
        if task["family"].startswith("backlot-production-api")
    )

    assert {variable["name"] for variable in container["environment"]} == {
        "AWS_REGION",
        "BUILD_ID",
        "BUSINESS_COST_METRIC",
        "BUSINESS_DURATION_METRIC",
        "BUSINESS_FAILURES_METRIC",
        "BUSINESS_NAMESPACE",
        "BUSINESS_SPEND_METRIC",
        "BUSINESS_SUCCESS_METRIC",
        "MEDIA_BUCKET",
        "MEDIA_URL",
        "QUEUE_URL_RENDER",
        "USER_POOL_CLIENT_ID",
        "USER_POOL_ID",
        "USER_POOL_ISSUER",
    }
    assert {secret["name"] for secret in container["secrets"]} == {
        "ANTHROPIC_API_KEY",
        "DATABASE_REPLICA_URL",
        "DATABASE_URL",
        "JWT_SECRET",
        "OPENAI_API_KEY",
        "REDIS_URL",
    }


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_we_ship_deploys_blue_green_through_both_gates(
    stack: str, stack_graph: StackGraph
) -> None:  # M116
    recorded = stack_graph(stack)
    given = recorded.one("ecs.Service", "api-service")["deployment_configuration"]
    stages = [stage for hook in given["lifecycle_hooks"] for stage in hook["lifecycle_stages"]]

    assert given["strategy"] == "BLUE_GREEN"
    assert given["bake_time_in_minutes"] == {"dev": "0", "staging": "5", "production": "10"}[stack]
    assert stages == ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]
    assert recorded.one("ecs.Service", "api-service")["wait_for_steady_state"] is True


@pytest.mark.parametrize("variant", ["behind-cloudfront", "behind-gateway"])
def test_a_hidden_load_balancer_is_open_to_nobody_else(
    variant: str, stack_graph: StackGraph
) -> None:  # B38 M25
    recorded = stack_graph("staging", variant)

    assert recorded.one("lb.LoadBalancer")["internal"] is True
    # Nobody gets past the edge, whose own web ACL has asked already.
    regional = [] if variant == "behind-cloudfront" else ["firewall-regional"]
    assert set(recorded.names("wafv2.WebAcl")) - {"firewall-edge"} == set(regional)
    assert not [
        rule.name
        for rule in recorded.all("vpc.SecurityGroupIngressRule")
        if rule.get("cidr_ipv4") == "0.0.0.0/0"
    ]
    assert recorded.outputs["api_url"] == "https://api.staging.studio.example"


def test_a_preview_calls_no_gate(stack_graph: StackGraph) -> None:
    """ECS calls the gates by itself. A function that ran a task would not get this far: a rehearsal
    answers none that it does not know."""
    types = {node.type for node in stack_graph("staging", preview=True).nodes}

    assert not [kind for kind in types if "nvocation" in kind]
