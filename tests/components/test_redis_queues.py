"""Lists in the cache: components/redis_queues.py."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.observe import Alarm, Expression
from components.queues import JobQueue
from components.redis_queues import RedisQueues, RedisQueuesArgs
from components.stores.cache import Cache, CacheArgs
from components.workers.fargate import FargateFleet, FargateFleetArgs
from components.workers.scaling import Signals
from rehearsal.contract import Provider
from settings.redis_queues import RedisQueueSettings
from tests.components.parts import DATA_KEY, export_watched, ground
from tests.components.test_cache import settings as cache_settings
from tests.components.test_fargate_fleet import IMAGE, fleet_settings
from tests.components.test_load_balancer import real_ground
from tests.fleets.metric_math import Gaps, evaluate
from tests.recorder import ROOT, Node, Recorded, aws_provider, record, with_aws

MAIL = {"mail": RedisQueueSettings()}
TWO = {
    "mail": RedisQueueSettings(),
    "voice-over": RedisQueueSettings(key="voice", unacked_key="voice-unacked", backlog_alarm=5),
}


def recorded_queues(
    settings: dict[str, RedisQueueSettings] | None = None,
    *,
    data_key_arn: str | None = None,
    provider: Provider | None = None,
    preview: bool = False,
    real: bool = False,
    fleet: dict[str, object] | None = None,
) -> tuple[RedisQueues, Recorded]:
    """The lists, and on demand a fleet on `mail`. With `real`, the network is made too."""
    made: list[RedisQueues] = []

    def program() -> None:
        here = with_aws(aws_provider())
        standing = real_ground(here) if real else ground(data_key_arn=data_key_arn)
        cache = Cache("cache", CacheArgs(settings=cache_settings(), ground=standing), here)
        queues = RedisQueues(
            "redis-queues",
            RedisQueuesArgs(settings=settings or MAIL, ground=standing, cache=cache),
            here,
        )
        made.append(queues)
        pulumi.export("cache_group", cache.security_group_id)
        export_watched("alarms", {alarm.name: alarm.watch for alarm in queues.alarms})
        if fleet is not None:
            worker = FargateFleet(
                "worker-mail",
                FargateFleetArgs(
                    settings=fleet_settings(**fleet),
                    ground=standing,
                    fleet="mail",
                    queue=queues.queues["mail"],
                    image=IMAGE,
                    build="1.0.0",
                    access=[cache.access()],
                ),
                here,
            )
            pulumi.export("waking", worker.waking and dict(worker.waking.fleet))

    recorded = record(program, provider=provider, preview=preview)
    return made[0], recorded


def function(recorded: Recorded) -> Node:
    return recorded.one("lambda.Function", "redis-queues-function")


def variables(recorded: Recorded) -> dict[str, str]:
    return function(recorded)["environment"]["variables"]


def granted(recorded: Recorded) -> dict[str, dict[str, Any]]:
    policy = recorded.one("iam.RolePolicy", "redis-queues-function").json("policy")
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def alarm(queues: RedisQueues, name: str) -> Alarm:
    return next(alarm for alarm in queues.alarms if alarm.name == name)


def signals(queue: JobQueue) -> Signals:
    return Signals.of_service(queue, "cluster", "service")


def test_a_preview_names_the_same_resources_as_an_update():
    assert recorded_queues(TWO, preview=True)[1].urns == recorded_queues(TWO)[1].urns


def test_lists_and_a_fleet_on_them_come_up_in_the_in_memory_aws_without_a_finding():  # M44, M55
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    with MotoProvider() as provider:
        _, recorded = recorded_queues(
            TWO,
            provider=provider,
            real=True,
            fleet={"min_workers": 0, "beat": {"command": ["celery", "beat"]}},
        )

    assert [str(finding) for finding in recorded.findings] == []
    assert function(recorded).resource.made_in == "moto"


# Counting


def test_one_function_counts_all_lists_once_a_minute():  # M55
    _, recorded = recorded_queues(TWO)
    rule = recorded.one("cloudwatch.EventRule")
    target = recorded.one("cloudwatch.EventTarget")

    assert rule["schedule_expression"] == "rate(1 minute)"
    assert (target["rule"], target["arn"]) == (
        rule.outputs["name"],
        function(recorded).outputs["arn"],
    )
    assert recorded.one("lambda.Permission")["source_arn"] == rule.outputs["arn"]
    assert function(recorded)["timeout"] == 50
    assert json.loads(variables(recorded)["QUEUES"]) == {
        "backlot-dev-mail": {"key": "celery", "unacked": "unacked"},
        "backlot-dev-voice-over": {"key": "voice", "unacked": "voice-unacked"},
    }


def test_it_is_told_where_the_caches_address_lies_and_never_the_address():  # M55
    _, recorded = recorded_queues()
    secret = recorded.one("secretsmanager.Secret", "cache-url")

    assert set(variables(recorded)) == {"NAMESPACE", "QUEUES", "SECRET"}
    assert variables(recorded)["SECRET"] == secret.outputs["arn"]
    assert "rediss" not in json.dumps(variables(recorded))


def test_it_stands_in_the_network_beside_the_cache():  # M55
    _, recorded = recorded_queues()
    group = recorded.one("ec2.SecurityGroup", "redis-queues-function-group").id

    assert function(recorded)["vpc_config"] == {
        "subnet_ids": ["subnet-private-a", "subnet-private-b"],
        "security_group_ids": [group],
    }
    into = recorded.one("vpc.SecurityGroupIngressRule")
    assert into["security_group_id"] == recorded.outputs["cache_group"]
    assert into["referenced_security_group_id"] == group
    assert (into["from_port"], into["to_port"]) == (6379, 6379)
    out = {
        (rule["from_port"], rule.get("cidr_ipv4"), rule.get("referenced_security_group_id"))
        for rule in recorded.all("vpc.SecurityGroupEgressRule")
        if rule["security_group_id"] == group
    }
    assert out == {
        (443, "0.0.0.0/0", None),
        (6379, None, recorded.outputs["cache_group"]),
    }


def test_it_may_read_one_secret_and_put_down_our_metrics_and_nothing_else():
    _, recorded = recorded_queues()
    allowed = granted(recorded)

    assert set(allowed) == {"WriteLogs", "JoinNetwork", "ReadCacheUrl", "PutMetrics"}
    secret = recorded.one("secretsmanager.Secret", "cache-url").outputs["arn"]
    assert allowed["ReadCacheUrl"]["Resource"] == [secret]
    assert allowed["ReadCacheUrl"]["Action"] == ["secretsmanager:GetSecretValue"]
    assert allowed["PutMetrics"]["Action"] == ["cloudwatch:PutMetricData"]
    assert allowed["PutMetrics"]["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": "backlot-dev/Queues"}
    }
    assert variables(recorded)["NAMESPACE"] == "backlot-dev/Queues"
    assert recorded.all("iam.RolePolicyAttachment") == []


def test_it_may_use_the_key_of_an_encrypted_secret():
    _, recorded = recorded_queues(data_key_arn=DATA_KEY)

    assert granted(recorded)["DecryptCacheUrl"]["Action"] == ["kms:Decrypt"]
    assert granted(recorded)["DecryptCacheUrl"]["Resource"] == [DATA_KEY]


# What a fleet is told


def test_a_list_is_a_queue_that_is_measured_by_the_minute():  # M55
    queues, _ = recorded_queues(TWO)
    queue: JobQueue = queues.queues["voice-over"]

    assert queue.sqs_url is None
    assert queue.oldest is None
    assert list(queue.grant_length()) == []
    for metric, name in ((queue.waiting, "Waiting"), (queue.at_work, "AtWork")):
        assert (metric.namespace, metric.name) == ("backlot-dev/Queues", name)
        assert metric.dimensions == {"Queue": "backlot-dev-voice-over"}
        assert (metric.statistic, metric.period) == ("Maximum", 60)


def test_what_is_measured_bears_the_name_that_the_function_was_given():  # M55
    queues, recorded = recorded_queues(TWO)
    told = json.loads(variables(recorded)["QUEUES"])

    assert {queue.waiting.dimensions["Queue"] for queue in queues.queues.values()} == set(told)
    namespaces = {queue.at_work.namespace for queue in queues.queues.values()}
    assert namespaces == {variables(recorded)["NAMESPACE"]}


def test_a_worker_and_a_sender_are_told_the_name_of_the_list_and_need_no_grant():  # M55
    queues, _ = recorded_queues(TWO)
    consumer = queues.queues["voice-over"].consumer()

    assert consumer.environment == {"CELERY_QUEUE": "voice"}
    assert (consumer.statements, consumer.secrets, consumer.paths) == ((), (), ())
    sender = queues.queues["voice-over"].sender()
    assert (sender.environment, sender.statements) == ({"CELERY_QUEUE": "voice"}, ())


def test_a_fleet_on_a_list_has_the_caches_address_and_no_queue_of_sqs():  # M44, M55
    _, recorded = recorded_queues(fleet={})
    [worker] = recorded.one("ecs.TaskDefinition").json("container_definitions")
    told = {one["name"]: one["value"] for one in worker["environment"]}

    assert told["CELERY_QUEUE"] == "celery"
    assert told["CONCURRENCY"] == "4"
    assert not {"QUEUE_URL", "VISIBILITY_SECONDS"} & set(told)
    assert [one["name"] for one in worker["secrets"]] == ["REDIS_URL"]
    policy = recorded.one("iam.RolePolicy", "worker-mail-task").json("policy")
    assert not [
        action
        for statement in policy["Statement"]
        for action in statement["Action"]
        if action.startswith("sqs:")
    ]


def test_a_fleet_at_rest_is_woken_by_its_alarm_since_the_waker_cannot_ask():  # M52, M55
    _, recorded = recorded_queues(fleet={"min_workers": 0})

    assert "waking" not in recorded.outputs
    wake = recorded.one("cloudwatch.MetricAlarm", "worker-mail-wake-no-worker")
    read = {
        query["metric"]["metric_name"]: query["metric"]["dimensions"]
        for query in wake["metric_queries"]
        if "metric" in query
    }
    assert read["Waiting"] == {"Queue": "backlot-dev-mail"}


# Silence


def test_a_list_that_is_not_counted_is_never_taken_for_an_empty_one():  # M55
    queues, _ = recorded_queues()
    of_mail = signals(queues.queues["mail"])

    for expression in (of_mail.backlog_per_worker(), of_mail.waiting_without_workers()):
        assert "FILL(waiting" not in expression.text
        assert "FILL(at_work" not in expression.text


@pytest.mark.parametrize("gaps", Gaps)
def test_jobs_wake_a_fleet_at_rest_and_a_list_that_is_not_counted_does_not(gaps: Gaps):  # M52
    queues, _ = recorded_queues()
    text = signals(queues.queues["mail"]).waiting_without_workers().text

    counted, silent = evaluate(text, {"waiting": (3.0, None), "wanted": (0.0, 0.0)}, gaps)
    assert counted == 3
    assert not silent


# What is watched


def test_more_than_fifty_jobs_waiting_for_two_datapoints_of_600_seconds_is_a_backlog():  # M98
    queues, recorded = recorded_queues()
    backlog = alarm(queues, "mail-backlog")

    assert (backlog.comparison, backlog.threshold) == ("above", 50)
    assert (backlog.evaluation_periods, backlog.datapoints) == (2, None)
    assert (backlog.missing_data, backlog.severity) == ("ignore", "warning")
    assert recorded.outputs["alarms"]["mail-backlog"] == {
        "metric": "backlot-dev/Queues Waiting",
        "statistic": "Maximum",
        "period": 600,
        "dimensions": {"Queue": "backlot-dev-mail"},
    }


def test_the_limit_of_a_backlog_follows_the_settings_of_its_list():
    queues, _ = recorded_queues(TWO)

    assert alarm(queues, "mail-backlog").threshold == 50
    assert alarm(queues, "voice-over-backlog").threshold == 5


def test_jobs_that_nobody_takes_for_half_an_hour_wake_somebody():
    queues, recorded = recorded_queues()
    untaken = alarm(queues, "mail-untaken")

    assert (untaken.comparison, untaken.threshold, untaken.severity) == ("at_least", 1, "critical")
    assert (untaken.evaluation_periods, untaken.missing_data) == (3, "ignore")
    watched = recorded.outputs["alarms"]["mail-untaken"]
    assert {key: (one["statistic"], one["period"]) for key, one in watched.items()} == {
        # A list that was empty for a minute of the ten had somebody to take from it.
        "waiting": ("Minimum", 600),
        "at_work": ("Maximum", 600),
    }


@pytest.mark.parametrize(
    ("waiting", "at_work", "judged"),
    [(3.0, 0.0, 3.0), (3.0, 1.0, 0.0), (0.0, 0.0, 0.0), (None, None, None)],
)
def test_jobs_are_untaken_while_some_wait_and_none_is_at_work(
    waiting: float | None, at_work: float | None, judged: float | None
):
    queues, _ = recorded_queues()
    watch = alarm(queues, "mail-untaken").watch
    assert isinstance(watch, Expression)

    assert evaluate(watch.text, {"waiting": (waiting,), "at_work": (at_work,)}) == (judged,)


def test_counting_that_fails_for_a_quarter_of_an_hour_wakes_somebody():
    queues, recorded = recorded_queues()
    failed = alarm(queues, "measuring-failed")

    assert (failed.comparison, failed.threshold, failed.evaluation_periods) == ("at_least", 1, 3)
    assert failed.severity == "critical"
    assert recorded.outputs["alarms"]["measuring-failed"] == {
        "metric": "AWS/Lambda Errors",
        "statistic": "Sum",
        "period": 300,
        "dimensions": {"FunctionName": function(recorded)["name"]},
    }


def test_there_is_no_alarm_on_what_redis_does_not_know():
    queues, _ = recorded_queues(TWO)

    assert [alarm.name for alarm in queues.alarms] == [
        "mail-backlog",
        "mail-untaken",
        "voice-over-backlog",
        "voice-over-untaken",
        "measuring-failed",
    ]


def test_every_alarm_has_a_runbook():
    queues, _ = recorded_queues(TWO)
    text = (ROOT / "docs" / "runbooks" / "queues.md").read_text(encoding="utf-8")

    for each in queues.alarms:
        page, _, anchor = each.runbook.partition("#")
        assert page == "queues.md"
        assert each.name.endswith(anchor)
        assert f"\n## {anchor}\n" in text


def test_a_list_shows_its_jobs():
    queues, _ = recorded_queues(TWO)

    assert [(panel.group, panel.title, panel.unit) for panel in queues.panels] == [
        ("Queues", "mail: jobs", "messages"),
        ("Queues", "voice-over: jobs", "messages"),
        ("Functions", "Function: measuring", "calls, seconds"),
    ]
    labels = [metric.label for metric in queues.panels[0].metrics]
    assert labels == ["waiting", "at work"]


def test_everything_of_the_lists_is_a_child_and_bears_the_components_name():
    _, recorded = recorded_queues(TWO)
    queues = recorded.one("backlot:redis_queues:RedisQueues")

    assert queues.outputs == {"function": function(recorded).outputs["name"]}
    named = [node for node in recorded.nodes if node.name.startswith("redis-queues-")]
    assert {node.parent for node in named} == {queues.urn}
    assert len(named) == len(recorded.children(queues))
