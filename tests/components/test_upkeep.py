"""Upkeep: when it runs, what it is told, and what it may delete: components/upkeep.py."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pulumi
import pytest

from components.alarms import AlarmSet
from components.ground import Ground
from components.stores.buckets import Buckets, BucketsArgs
from components.stores.cache import Cache, CacheArgs
from components.stores.database import Database, DatabaseArgs
from components.upkeep import Upkeep, UpkeepArgs
from settings.buckets import BucketsSettings
from settings.cache import CacheSettings
from settings.database import DatabaseSettings, StorageSettings
from settings.upkeep import UpkeepSettings
from tests.components.parts import PREFIX, described, ground, ground_in_moto, silent_notices
from tests.recorder import ROOT, Recorded, aws_provider, record, with_aws

ACCOUNT = "123456789012"
PURPOSES = ("media", "static", "backups", "logs")


TAGS = {"Project": "backlot", "Environment": "dev", "Owner": "platform"}


def build(opts: pulumi.ResourceOptions, *, place: Ground | None = None, **settings: Any) -> Upkeep:
    place = place or ground(tags=TAGS)
    database = DatabaseSettings(
        engine_version="17",
        instance_class="db.t4g.micro",
        storage_gb=StorageSettings(initial=20, maximum=100),
        multi_az=False,
        credentials="iam",
        backup_days=7,
        deletion_protection=False,
        final_snapshot=False,
    )
    store = CacheSettings(node_type="cache.t4g.micro", nodes=1, failover=False, multi_az=False)
    files = BucketsArgs(settings=BucketsSettings(force_delete=False), ground=place, served=False)
    args = UpkeepArgs(
        settings=UpkeepSettings(**settings),
        ground=place,
        database=Database("database", DatabaseArgs(settings=database, ground=place), opts),
        cache=Cache("cache", CacheArgs(settings=store, ground=place), opts),
        buckets=Buckets("buckets", files, opts),
    )
    return Upkeep("upkeep", args, opts)


def recorded_upkeep(**settings: Any) -> tuple[Upkeep, Recorded]:
    made: list[Upkeep] = []

    def program() -> None:
        upkeep = build(with_aws(aws_provider()), **settings)
        made.append(upkeep)
        pulumi.export("alarms", {alarm.name: described(alarm.watch) for alarm in upkeep.alarms})
        pulumi.export("panels", [described(each) for each in upkeep.panels[-1].metrics])

    recorded = record(program)
    return made[0], recorded


@cache
def plain() -> tuple[Upkeep, Recorded]:
    return recorded_upkeep()


def variables(recorded: Recorded) -> dict[str, str]:
    return recorded.one("lambda.Function", "upkeep-function")["environment"]["variables"]


def statements(recorded: Recorded, policy: str) -> dict[str, dict[str, Any]]:
    document = recorded.one("iam.RolePolicy", policy).json("policy")
    return {statement["Sid"]: statement for statement in document["Statement"]}


@pytest.mark.parametrize("hour", [6, 0])
def test_it_runs_once_a_day_at_the_hour_of_the_settings(hour):  # M56
    _, recorded = recorded_upkeep(hour=hour)
    schedule = recorded.one("scheduler.Schedule", "upkeep-daily")

    assert schedule["schedule_expression"] == f"cron(0 {hour} * * ? *)"
    assert schedule["flexible_time_window"] == {"mode": "OFF"}
    target = schedule["target"]
    assert target["arn"] == recorded.one("lambda.Function", "upkeep-function").outputs["arn"]
    assert target["role_arn"] == recorded.one("iam.Role", "upkeep-daily-role").outputs["arn"]


def test_a_day_that_was_missed_is_not_made_up_for():
    _, recorded = plain()
    target = recorded.one("scheduler.Schedule")["target"]

    assert target["retry_policy"] == {
        "maximum_retry_attempts": 3,
        "maximum_event_age_in_seconds": 3600,
    }
    # The next day's call finds what this one would have.
    assert "dead_letter_config" not in target


def test_the_schedule_may_call_the_function_and_nothing_else():  # M85
    _, recorded = plain()
    [call] = statements(recorded, "upkeep-daily-role").values()

    assert call["Action"] == ["lambda:InvokeFunction"]
    assert call["Resource"] == [recorded.one("lambda.Function", "upkeep-function").outputs["arn"]]
    [trust] = recorded.one("iam.Role", "upkeep-daily-role").json("assume_role_policy")["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_function_is_told_what_is_the_stacks_and_how_old_is_old():  # M56
    _, recorded = plain()
    told = variables(recorded)

    assert json.loads(told.pop("BUCKETS")) == [
        recorded.one("s3.Bucket", f"buckets-{purpose}")["bucket"] for purpose in PURPOSES
    ]
    group = recorded.one("elasticache.ReplicationGroup", "cache-nodes")
    assert told == {
        "DATABASE": "backlot-dev-database",
        "CACHE": group.outputs["replication_group_id"],
        "PREFIX": "backlot-dev",
        "SNAPSHOT_DAYS": "90",
        "UPLOAD_HOURS": "24",
        "DRY_RUN": "false",
        "METRICS_NAMESPACE": "backlot-dev/Upkeep",
    }
    assert recorded.one("lambda.Function", "upkeep-function")["timeout"] == 900


def test_the_ages_and_the_dry_run_are_the_settings():  # M56
    _, recorded = recorded_upkeep(snapshot_days=30, upload_hours=2, dry_run=True)
    told = variables(recorded)

    assert (told["SNAPSHOT_DAYS"], told["UPLOAD_HOURS"]) == ("30", "2")
    assert told["DRY_RUN"] == "true"


def test_it_deletes_snapshots_of_the_stacks_database_that_nobody_wants_to_keep():  # M56, M85
    _, recorded = plain()
    delete = statements(recorded, "upkeep-function")["DeleteSnapshots"]

    assert delete["Action"] == ["rds:DeleteDBSnapshot"]
    assert delete["Resource"] == [f"arn:aws:rds:us-east-1:{ACCOUNT}:snapshot:*"]
    assert delete["Condition"] == {
        "StringEquals": {
            "aws:ResourceTag/Project": "backlot",
            "aws:ResourceTag/Environment": "dev",
        },
        "Null": {"aws:ResourceTag/Keep": "true"},
    }
    assert recorded.one("rds.Instance", "database-primary")["copy_tags_to_snapshot"] is True


def test_it_deletes_snapshots_of_the_cache_by_the_stacks_name():  # M56, M85
    _, recorded = plain()
    delete = statements(recorded, "upkeep-function")["DeleteCacheSnapshots"]

    assert delete["Action"] == ["elasticache:DeleteSnapshot"]
    assert delete["Resource"] == [f"arn:aws:elasticache:us-east-1:{ACCOUNT}:snapshot:backlot-dev-*"]
    assert delete["Condition"] == {"Null": {"aws:ResourceTag/Keep": "true"}}


def test_it_gives_uploads_up_and_deletes_no_object():  # M56, M85
    _, recorded = plain()
    granted = statements(recorded, "upkeep-function")
    buckets = [recorded.one("s3.Bucket", f"buckets-{each}").outputs["arn"] for each in PURPOSES]

    assert granted["FindUploads"]["Resource"] == buckets
    assert granted["AbortUploads"]["Resource"] == [f"{bucket}/*" for bucket in buckets]
    actions = {action for each in granted.values() for action in each["Action"]}
    assert {action for action in actions if action.startswith("s3:")} == {
        "s3:AbortMultipartUpload",
        "s3:ListBucketMultipartUploads",
    }
    assert not any(each["Resource"] == ["*"] for each in granted.values())


def test_a_failure_is_read_of_and_wakes_nobody():  # M56
    upkeep, recorded = plain()
    [alarm] = upkeep.alarms

    assert (alarm.name, alarm.severity) == ("upkeep-failed", "info")
    assert alarm.runbook == "functions.md#upkeep-failed"
    page = (ROOT / "docs" / "runbooks" / "functions.md").read_text(encoding="utf-8")
    assert "\n## upkeep-failed\n" in page
    assert recorded.outputs["alarms"]["upkeep-failed"] == {
        "metric": "AWS/Lambda Errors",
        "statistic": "Sum",
        "period": 300,
        "dimensions": {"FunctionName": recorded.one("lambda.Function", "upkeep-function")["name"]},
    }


def test_the_panel_shows_what_was_cleared_away_each_day():
    upkeep, recorded = plain()
    function, panel = upkeep.panels

    assert (function.group, function.title) == ("Functions", "Function: upkeep")

    assert panel.group == "Storage"
    assert recorded.outputs["panels"] == [
        {
            "metric": f"backlot-dev/Upkeep {counted}",
            "statistic": "Sum",
            "period": 86400,
            "dimensions": {},
        }
        for counted in ("Snapshots", "Uploads", "Failures")
    ]


def test_everything_of_it_is_its_child_and_bears_its_name():
    _, recorded = plain()
    component = recorded.one("backlot:upkeep:Upkeep")
    children = recorded.children(component)

    assert len(children) == 7
    assert all(node.name.startswith("upkeep-") for node in children)
    assert component.outputs == {
        "function": recorded.one("lambda.Function", "upkeep-function").outputs["name"]
    }


def test_aws_takes_it_as_it_is():
    # Only here: botocore and moto take a second to load, which most tests need not pay.
    from rehearsal.provider import MotoProvider

    def program() -> None:
        opts = with_aws(aws_provider())
        upkeep = build(opts, place=ground_in_moto(opts, tags=TAGS))
        AlarmSet(prefix=PREFIX, notices=silent_notices(opts), muted=False).watch([upkeep])

    with MotoProvider() as provider:
        recorded = record(program, provider=provider)
    assert [str(finding) for finding in recorded.findings if finding.severity == "error"] == []
    for made in (
        recorded.one("scheduler.Schedule"),
        recorded.one("lambda.Function", "upkeep-function"),
    ):
        assert made.resource.made_in == "moto"
