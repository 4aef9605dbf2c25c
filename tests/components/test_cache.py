"""The cache: components/stores/cache.py."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.observe import Alarm
from components.stores.cache import Cache, CacheArgs, parameter_family
from settings.cache import CacheSettings
from tests.components.parts import DATA_KEY, export_watched, ground
from tests.recorder import Node, Recorded, aws_provider, record, with_aws


def settings(**changes: Any) -> CacheSettings:
    return CacheSettings.model_validate(
        {
            "node_type": "cache.t4g.micro",
            "nodes": 1,
            "failover": False,
            "multi_az": False,
            **changes,
        }
    )


def recorded_cache(
    *, data_key_arn: str | None = None, protect: bool | None = None, **changes: Any
) -> tuple[Cache, Recorded]:
    made: list[Cache] = []

    def program() -> None:
        cache = Cache(
            "cache",
            CacheArgs(settings=settings(**changes), ground=ground(data_key_arn=data_key_arn)),
            pulumi.ResourceOptions.merge(
                with_aws(aws_provider()), pulumi.ResourceOptions(protect=protect)
            ),
        )
        made.append(cache)
        [secret] = cache.access().secrets
        pulumi.export("variable", {secret.environment: secret.value_from})
        pulumi.export("reads", [statement.rendered() for statement in secret.read])
        export_watched("alarms", {alarm.name: alarm.watch for alarm in cache.alarms})

    recorded = record(program)
    return made[0], recorded


def group(recorded: Recorded) -> Node:
    return recorded.one("elasticache.ReplicationGroup")


def alarm(cache: Cache, name: str) -> Alarm:
    return next(alarm for alarm in cache.alarms if alarm.name == name)


@pytest.mark.parametrize(
    ("nodes", "node_type"),
    [(1, "cache.t4g.micro"), (2, "cache.t4g.medium"), (3, "cache.r6g.large")],
)
def test_it_is_a_replication_group_of_the_size_asked_for(nodes, node_type):  # M69
    _, recorded = recorded_cache(nodes=nodes, node_type=node_type)
    assert group(recorded)["num_cache_clusters"] == nodes
    assert group(recorded)["node_type"] == node_type
    assert recorded.all("elasticache.Cluster") == []


def test_valkey_is_the_default():  # B28
    _, recorded = recorded_cache()
    assert group(recorded)["engine"] == "valkey"
    assert group(recorded)["engine_version"] == "8.0"
    assert recorded.one("elasticache.ParameterGroup")["family"] == "valkey8"


def test_redis_is_a_choice():  # M69
    _, recorded = recorded_cache(engine="redis", engine_version="7.1")
    assert group(recorded)["engine"] == "redis"
    assert recorded.one("elasticache.ParameterGroup")["family"] == "redis7"


@pytest.mark.parametrize(
    ("engine", "version", "family"),
    [
        ("valkey", "7.2", "valkey7"),
        ("valkey", "8.1", "valkey8"),
        ("redis", "7.0", "redis7"),
        ("redis", "6.2", "redis6.x"),
    ],
)
def test_the_parameter_family_follows_engine_and_version(engine, version, family):  # M73
    assert parameter_family(engine, version) == family


@pytest.mark.parametrize("spread", [True, False])
def test_failover_and_multi_az_are_the_settings(spread):  # M70
    _, recorded = recorded_cache(nodes=2, failover=spread, multi_az=spread)
    assert group(recorded)["automatic_failover_enabled"] is spread
    assert group(recorded)["multi_az_enabled"] is spread


def test_nobody_gets_in_without_the_token():  # M71
    _, recorded = recorded_cache()
    token = recorded.one("random.RandomPassword")
    assert token["length"] == 64
    assert token["special"] is False
    assert group(recorded)["auth_token"] == token.outputs["result"]
    assert group(recorded)["auth_token_update_strategy"] == "ROTATE"


@pytest.mark.parametrize("key", [None, DATA_KEY])
def test_data_is_encrypted_on_the_way_and_at_rest(key):  # M72
    _, recorded = recorded_cache(data_key_arn=key)
    assert group(recorded)["transit_encryption_enabled"] is True
    # What AWS takes without one is `required`; Redis 6.2 is refused when a mode is named at all.
    assert "transit_encryption_mode" not in group(recorded)
    assert group(recorded)["at_rest_encryption_enabled"] is True
    assert group(recorded).get("kms_key_id") == key
    assert recorded.one("secretsmanager.Secret").get("kms_key_id") == key


def test_no_task_starts_before_the_cache_stands_and_its_secret_has_a_value():
    def program() -> None:
        provider = aws_provider()
        arguments = CacheArgs(settings=settings(), ground=ground())
        [secret] = Cache("cache", arguments, with_aws(provider)).secrets
        opts = pulumi.ResourceOptions(provider=provider)
        aws.ssm.Parameter("started", type="String", value=secret.value_from, opts=opts)

    recorded = record(program)
    version = recorded.one("secretsmanager.SecretVersion")
    assert group(recorded).urn in version.resource.dependencies
    assert version.urn in recorded.one("ssm.Parameter").resource.dependencies


def test_what_goes_when_memory_is_full_is_the_settings():  # M73
    _, recorded = recorded_cache(max_memory_policy="noeviction")
    assert recorded.one("elasticache.ParameterGroup")["parameters"] == [
        {"name": "maxmemory-policy", "value": "noeviction"}
    ]


def test_snapshots_are_kept_and_the_last_one_outlives_the_cache():
    _, recorded = recorded_cache(snapshot_days=7)
    assert group(recorded)["snapshot_retention_limit"] == 7
    assert group(recorded)["snapshot_window"] == "02:00-03:00"
    assert group(recorded)["maintenance_window"] == "sun:05:00-sun:06:00"
    assert group(recorded)["final_snapshot_identifier"].startswith("backlot-dev-cache-final-")


@pytest.mark.parametrize("key", [None, DATA_KEY])
def test_a_cache_that_aws_replaces_leaves_its_snapshot_under_another_name(key):
    _, recorded = recorded_cache(snapshot_days=7, data_key_arn=key)
    assert recorded.one("random.RandomId")["keepers"] == {"engine": "valkey", "key": key or ""}


def test_a_throwaway_cache_leaves_no_snapshot():
    _, recorded = recorded_cache()
    assert group(recorded)["snapshot_retention_limit"] == 0
    assert "final_snapshot_identifier" not in group(recorded)
    assert recorded.all("random.RandomId") == []


def test_slow_commands_and_the_engine_are_logged():  # B31
    _, recorded = recorded_cache()
    assert group(recorded)["log_delivery_configurations"] == [
        {
            "log_type": kind,
            "log_format": "json",
            "destination_type": "cloudwatch-logs",
            "destination": f"/elasticache/backlot-dev-cache/{kind}",
        }
        for kind in ("slow-log", "engine-log")
    ]
    for log_group in recorded.all("cloudwatch.LogGroup"):
        assert log_group["retention_in_days"] == 7


def test_containers_get_the_url_as_a_secret():
    _, recorded = recorded_cache()
    host = group(recorded).outputs["primary_endpoint_address"]
    token = group(recorded)["auth_token"]
    version = recorded.one("secretsmanager.SecretVersion")
    assert version["secret_string"] == f"rediss://:{token}@{host}:6379/0"
    assert recorded.outputs["variable"] == {
        "REDIS_URL": recorded.one("secretsmanager.Secret").outputs["arn"]
    }


@pytest.mark.parametrize("key", [None, DATA_KEY])
def test_containers_may_read_that_secret_and_nothing_else(key):  # M85
    _, recorded = recorded_cache(data_key_arn=key)
    secret = recorded.one("secretsmanager.Secret").outputs["arn"]
    granted = {
        (action, resource)
        for statement in recorded.outputs["reads"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    assert granted == {("secretsmanager:GetSecretValue", secret)} | (
        {("kms:Decrypt", key)} if key else set()
    )


def test_the_token_is_secret_wherever_it_stands():
    _, recorded = recorded_cache()
    token = group(recorded)["auth_token"]
    for node in recorded.nodes:
        for key, value in node.inputs.items():
            if token in json.dumps(value):
                assert key in node.secret_inputs, f"{node} shows the token in {key}"
    assert token not in json.dumps(recorded.outputs)


def test_the_cache_stands_in_the_database_tier_behind_a_group_without_rules():
    cache, recorded = recorded_cache()
    members = recorded.one("ec2.SecurityGroup")
    assert group(recorded)["security_group_ids"] == [members.id]
    assert "ingress" not in members
    assert "egress" not in members
    assert recorded.one("elasticache.SubnetGroup")["subnet_ids"] == [
        "subnet-database-a",
        "subnet-database-b",
    ]
    assert group(recorded)["port"] == 6379
    [path] = cache.access().paths
    assert (path.to, path.port) == ("cache", 6379)


def test_each_node_has_its_alarms():  # M97
    cache, recorded = recorded_cache(nodes=3)
    assert len(cache.alarms) == 9
    group_id = group(recorded)["replication_group_id"]
    for number in (1, 2, 3):
        watched = recorded.outputs["alarms"][f"node-{number}-cpu-high"]
        assert watched["dimensions"] == {"CacheClusterId": f"{group_id}-00{number}"}


@pytest.mark.parametrize(
    ("name", "metric", "statistic", "threshold"),
    [
        ("node-1-cpu-high", "EngineCPUUtilization", "Average", 75),
        ("node-1-memory-high", "DatabaseMemoryUsagePercentage", "Average", 80),
        ("node-1-evictions", "Evictions", "Sum", 1000),
    ],
)
def test_cpu_memory_and_evictions_are_watched(name, metric, statistic, threshold):  # M97
    cache, recorded = recorded_cache()
    assert alarm(cache, name).threshold == threshold
    assert alarm(cache, name).comparison == "above"
    watched = recorded.outputs["alarms"][name]
    assert watched["metric"] == f"AWS/ElastiCache {metric}"
    assert watched["statistic"] == statistic
    assert watched["period"] == 300


def test_panels_show_every_node():
    cache, _ = recorded_cache(nodes=2)
    assert {panel.group for panel in cache.panels} == {"Cache"}
    assert all(len(panel.metrics) == 2 for panel in cache.panels)


def test_protection_covers_the_data_and_leaves_everything_else_free_to_change():
    _, recorded = recorded_cache(protect=True)
    protected = [node.name for node in recorded.nodes if node.protect]
    assert protected == ["cache-nodes", "cache"]


def test_every_child_is_named_after_the_component_and_belongs_to_it():
    _, recorded = recorded_cache(snapshot_days=7)
    component = recorded.one("backlot:stores:Cache", "cache")
    for node in recorded.nodes:
        if node.type.startswith(("aws:", "random:")):
            assert node.name.startswith("cache-"), node
            assert node.parent == component.urn, node
