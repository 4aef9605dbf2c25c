"""What the briefs want logged, shown, told and kept."""

from __future__ import annotations

from typing import Any

from tests.examples.systems import System, alarm, asks, statements
from tests.recorder import Recorded

JUDGED = ("comparison", "threshold", "seconds", "times", "tells")
ABOVE, AT_LEAST, BELOW = (
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
)


@asks(
    "M88",
    zapcut={"dev": 7, "staging": 7, "production": 30},
    aivp={"dev": 30, "staging": 30, "production": 30},
    autoblog={"dev": 7, "staging": 7, "production": 30},
)
def test_every_log_group_keeps_what_it_is_told_as_long_as_the_brief_says(
    system: System, figure: dict[str, int]
) -> None:
    kept = system.each(
        lambda graph: {group["retention_in_days"] for group in graph.all("cloudwatch.LogGroup")}
    )
    assert kept == {stack: {days} for stack, days in figure.items()}


@asks("M89", zapcut=90)
def test_every_log_is_copied_to_s3_and_kept_ninety_days(system: System, figure: int) -> None:
    for graph in system.values():
        stream = graph.one("kinesis.FirehoseDeliveryStream")
        logs = graph.one("s3.Bucket", "buckets-logs")
        assert stream["extended_s3_configuration"]["bucket_arn"] == logs.outputs["arn"]
        lifecycle = graph.one("s3.BucketLifecycleConfiguration", "buckets-logs-lifecycle")
        [expire] = [rule for rule in lifecycle["rules"] if rule["id"] == "expire"]
        assert expire["expiration"] == {"days": figure}
        copied = {one["log_group"] for one in graph.all("cloudwatch.LogSubscriptionFilter")}
        groups = {group["name"] for group in graph.all("cloudwatch.LogGroup")}
        # What Firehose says of its own troubles would go round in a circle.
        assert {name.split("/")[1] for name in groups - copied} == {"firehose"}


@asks("M90", zapcut="/ec2/zapcut-{stack}-worker-video", aivp="/ecs/aivp-{stack}-worker-video")
def test_structured_logs_are_searched_by_queries_that_stand_ready(
    system: System, figure: str
) -> None:
    for stack, graph in system.items():
        failed = graph.one("cloudwatch.QueryDefinition", "saved-queries-workers-failed-jobs")
        assert failed["log_group_names"] == [figure.format(stack=stack)]
        assert "filter Failed = 1" in failed["query_string"]
        assert "saved-queries-api-error-lines" in graph.names("cloudwatch.QueryDefinition")


@asks(
    "M91",
    zapcut={"## API", "## Business", "## Database", "## Cost"},
    autoblog={"## API", "## Workers and jobs", "## Database"},
)
def test_the_dashboard_has_the_briefs_parts_on_its_grid(system: System, figure: set[str]) -> None:
    for graph in system.values():
        widgets = graph.one("cloudwatch.Dashboard").json("dashboard_body")["widgets"]
        headings = {one["properties"]["markdown"] for one in widgets if one["type"] == "text"}
        assert figure <= headings
        panels = [one for one in widgets if one["type"] == "metric"]
        assert {(one["width"], one["height"]) for one in panels} == {(12, 6)}
        assert {one["properties"]["period"] for one in panels} == {300}


@asks("M91", zapcut=86400)
def test_cost_is_shown_by_the_day(system: System, figure: int) -> None:
    for graph in system.values():
        widgets = graph.one("cloudwatch.Dashboard").json("dashboard_body")["widgets"]
        [bill] = [one for one in widgets if "bill this month" in one["properties"].get("title", "")]
        [metric] = bill["properties"]["metrics"]
        assert metric[-1]["period"] == figure


FIGURES = {
    "VideoGenerationDuration",
    "VideoGenerationSuccessRate",
    "VideoGenerationFailures",
    "CostPerVideo",
    "TotalDailySpend",
}


@asks(
    "M92",
    zapcut=("dev staging production", "worker-video-instance"),
    aivp=("production", "worker-video-task"),
)
def test_the_studio_publishes_its_figures_and_no_others(
    system: System, figure: tuple[str, str]
) -> None:
    stacks, role = figure
    for stack in stacks.split():
        graph = system[stack]
        body = graph.one("cloudwatch.Dashboard")["dashboard_body"]
        assert {name for name in FIGURES if name not in body} == set()
        publish = statements(graph, role)["PublishBusinessFigures"]
        assert publish["Condition"] == {
            "StringEquals": {"cloudwatch:namespace": f"{system.name}-{stack}/Business"}
        }


@asks("M93", zapcut=(ABOVE, 10, {300}, 2, {"critical"}))
def test_ten_failed_requests_in_five_minutes_twice_wake_somebody(
    system: System, figure: tuple[Any, ...]
) -> None:
    assert system.everywhere(lambda graph: alarm(graph, "api-errors", *JUDGED)) == figure
    assert system.everywhere(lambda graph: alarm(graph, "api-errors", "silence", "metrics")) == (
        "notBreaching",
        frozenset({"HTTPCode_Target_5XX_Count"}),
    )


@asks(
    "M94",
    muejam={
        "api-unhealthy-targets": (AT_LEAST, 1, {300}, 2, {"warning"}),
        "api-slow": (ABOVE, 2, {300}, 3, {"warning"}),
    },
)
def test_sick_targets_and_slow_answers_warn(
    system: System, figure: dict[str, tuple[Any, ...]]
) -> None:
    for name, wanted in figure.items():
        assert system.everywhere(lambda graph, name=name: alarm(graph, name, *JUDGED)) == wanted


@asks(
    "M95",
    zapcut=(ABOVE, 80, {300}, 3, {"warning"}),
    ai_film_studio=(ABOVE, 80, {300}, 3, {"warning"}),
    muejam=(ABOVE, 80, {300}, 3, {"warning"}),
)
def test_a_busy_database_warns(system: System, figure: tuple[Any, ...]) -> None:
    for graph in system.values():
        for database in graph.names("rds.Instance"):
            named = database.removesuffix("-primary")
            assert alarm(graph, f"{named}-cpu-high", *JUDGED) == figure


@asks(
    "M95",
    muejam={
        "dev": {"database": 154},
        "staging": {"database": 331, "database-replica-1": 331},
        "production": {
            "database": 2652,
            "database-replica-1": 1326,
            "database-replica-2": 1326,
        },
    },
)
def test_connections_warn_at_four_fifths_of_what_the_class_takes(
    system: System, figure: dict[str, dict[str, int]]
) -> None:
    def told(graph: Recorded) -> dict[str, float]:
        return {
            name.removesuffix("-primary"): alarm(
                graph, f"{name.removesuffix('-primary')}-connections", "threshold"
            )[0]
            for name in graph.names("rds.Instance")
        }

    assert system.each(told) == figure


@asks("M95", muejam=(ABOVE, 1, {60}, 5, {"warning"}))
def test_a_replica_that_lags_by_a_second_warns(system: System, figure: tuple[Any, ...]) -> None:
    for stack, count in {"dev": 0, "staging": 1, "production": 2}.items():
        lag = [
            name for name in system[stack].names("cloudwatch.MetricAlarm") if name.endswith("-lag")
        ]
        assert len(lag) == count
        assert [alarm(system[stack], name, *JUDGED) for name in lag] == [figure] * count


@asks("M96", muejam=(ABOVE, 70, {300}, 2, {"warning"}), autoblog=(ABOVE, 85, {300}, 2, {"warning"}))
def test_a_busy_api_warns(system: System, figure: tuple[Any, ...]) -> None:
    assert system.everywhere(lambda graph: alarm(graph, "api-cpu-high", *JUDGED)) == figure


@asks("M97", muejam={"cpu-high": 75, "memory-high": 80, "evictions": 1000})
def test_every_node_of_the_cache_is_watched(system: System, figure: dict[str, int]) -> None:
    for graph in system.values():
        nodes = graph.one("elasticache.ReplicationGroup")["num_cache_clusters"]
        for node in range(1, nodes + 1):
            for what, threshold in figure.items():
                told = alarm(graph, f"cache-node-{node}-{what}", "comparison", "threshold")
                assert told == (ABOVE, threshold)


@asks("M98", zapcut="video-generation", ai_film_studio="render")
def test_fifty_jobs_that_wait_warn_and_one_dead_letter_does(system: System, figure: str) -> None:
    for graph in system.values():
        backlog = alarm(graph, f"queue-{figure}-backlog", *JUDGED)
        assert backlog == (ABOVE, 50, {600}, 2, {"warning"})
        dead = alarm(graph, f"queue-{figure}-dead-letters", "comparison", "threshold", "tells")
        assert dead == (AT_LEAST, 1, {"warning"})


@asks("M99", zapcut=(BELOW, 0.85, {1800}, 1, {"warning"}))
def test_too_many_failed_videos_warn(system: System, figure: tuple[Any, ...]) -> None:
    for name in ("worker-video-jobs-failing", "business-success-low"):
        assert system.everywhere(lambda graph, name=name: alarm(graph, name, *JUDGED)) == figure


@asks("M100", muejam=(ABOVE, 107374182400, {86400}, 1))
def test_a_media_bucket_of_a_hundred_gigabytes_warns(
    system: System, figure: tuple[Any, ...]
) -> None:
    seen = system.everywhere(
        lambda graph: alarm(
            graph, "buckets-bucket-size", "comparison", "threshold", "seconds", "times"
        )
    )
    assert seen == figure


@asks(
    "M101",
    zapcut={"critical", "warning", "info"},
    ai_film_studio={"critical", "warning", "info"},
)
def test_every_severity_has_a_topic_that_somebody_hears(system: System, figure: set[str]) -> None:
    def heard(graph: Recorded) -> set[str]:
        topics = {topic.outputs["arn"]: topic.name for topic in graph.all("sns.Topic")}
        told = graph.all("sns.TopicSubscription")
        return {topics[one["topic"]].removeprefix("notices-") for one in told}

    assert system.everywhere(heard) == figure


@asks(
    "M102",
    zapcut={"events-api-deployments"},
    ai_film_studio={
        "events-api-deployments",
        "events-api-ceiling",
        "events-worker-render-deployments",
        "events-worker-render-ceiling",
    },
)
def test_deployments_and_scaling_are_told_to_info(system: System, figure: set[str]) -> None:
    for graph in system.values():
        info = graph.one("sns.Topic", "notices-info").outputs["arn"]
        told = {one.name for one in graph.all("cloudwatch.EventTarget") if one["arn"] == info}
        assert figure <= told


@asks("M103", aivp="SENTRY_DSN")
def test_code_is_handed_sentrys_address_as_a_secret(system: System, figure: str) -> None:
    for graph in system.values():
        for definition in ("api-definition", "worker-video-definition"):
            [container] = graph.one("ecs.TaskDefinition", definition).json("container_definitions")
            assert figure in {one["name"] for one in container["secrets"]}
            assert figure not in {one["name"] for one in container["environment"]}


@asks("M104", ai_film_studio=0.05)
def test_one_request_in_twenty_is_traced_in_production(system: System, figure: float) -> None:
    traced = system.each(
        lambda graph: [one["fixed_rate"] for one in graph.all("xray.SamplingRule")]
    )
    assert traced == {"dev": [], "sandbox": [], "staging": [], "production": [figure]}


@asks("M87", muejam="muejam-production")
def test_every_call_to_aws_is_on_record_and_a_login_without_mfa_is_told(
    system: System, figure: str
) -> None:
    graph = system.production
    trail = graph.one("cloudtrail.Trail")
    assert (trail["name"], trail["is_multi_region_trail"]) == (figure, True)
    assert trail["enable_log_file_validation"] is True
    assert "audit-login-without-mfa" in graph.names("cloudwatch.MetricAlarm")


@asks(
    "M121",
    aivp={"dev": "150", "staging": "200", "production": "800"},
    ai_film_studio={"dev": "335", "sandbox": "550", "staging": "1000", "production": "2600"},
    muejam={"dev": "60", "staging": "230", "production": "1670"},
)
def test_the_bill_is_held_against_the_briefs_sum(system: System, figure: dict[str, str]) -> None:
    assert system.each(lambda graph: graph.one("budgets.Budget")["limit_amount"]) == figure
    for graph in system.values():
        told = graph.one("budgets.Budget")["notifications"]
        assert {(one["notification_type"], one["threshold"]) for one in told} == {
            ("ACTUAL", 80),
            ("FORECASTED", 100),
            ("ACTUAL", 100),
        }


@asks(
    "M123",
    ai_film_studio={"backups-vault", "backups-copies-vault"},
    muejam={"backups-vault"},
)
def test_production_is_backed_up_beside_its_own_snapshots(system: System, figure: set[str]) -> None:
    graph = system.production
    assert set(graph.names("backup.Vault")) == figure
    [daily] = [rule for rule in graph.one("backup.Plan")["rules"] if rule["rule_name"] == "daily"]
    assert daily["lifecycle"] == {"delete_after": 35}


@asks("M123", ai_film_studio="us-west-2")
def test_the_failover_region_has_the_database_to_the_minute(system: System, figure: str) -> None:
    graph = system.production
    replicated = graph.one("rds.InstanceAutomatedBackupsReplication")
    assert (replicated["region"], replicated["retention_period"]) == (figure, 30)
    assert graph.names("backup.RestoreTestingPlan") == ["backups-restore-test"]
