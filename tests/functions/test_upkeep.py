"""functions/upkeep: what is cleared away, what is left alone, and what is told of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from functions.upkeep import handler

DATABASE, CACHE, PREFIX = "backlot-dev-database", "cache-nodes-1a2b3c4", "backlot-dev"
MEDIA, LOGS = "backlot-dev-media", "backlot-dev-logs"
NOW = datetime.now(UTC)
OLD, YOUNG = NOW - timedelta(days=91), NOW - timedelta(days=89)
AN_AGE = str(24 * 365 * 1000)
"""Hours; moto lets every upload begin in 2010."""


def cache_snapshot(name: str, *times: datetime | None) -> dict[str, Any]:
    return {
        "SnapshotName": name,
        "ARN": f"arn:aws:elasticache:us-east-1:123456789012:snapshot:{name}",
        "NodeSnapshots": [{"SnapshotCreateTime": time} if time else {} for time in times],
    }


class Aws:
    """moto, but for the cache: moto's snapshots of one have no age."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.elasticache = boto3.client("elasticache")
        self.cache = Stubber(self.elasticache)
        self.cache.activate()
        real = boto3.client
        monkeypatch.setattr(
            handler.boto3,
            "client",
            lambda service: self.elasticache if service == "elasticache" else real(service),
        )

    def has_cache_snapshots(self, *snapshots: dict[str, Any], marker: str = "") -> None:
        self.cache.add_response(
            "describe_snapshots",
            {"Snapshots": list(snapshots), **({"Marker": marker} if marker else {})},
        )

    def asked_for_tags(self, *keys: str) -> None:
        tags = [{"Key": key, "Value": ""} for key in keys]
        self.cache.add_response("list_tags_for_resource", {"TagList": tags}, {"ResourceName": ANY})

    def deletes_cache_snapshot(self, name: str) -> None:
        self.cache.add_response("delete_snapshot", {"Snapshot": {}}, {"SnapshotName": name})


@pytest.fixture(name="aws")
def _aws_of_the_stack(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Aws:
    caplog.set_level(logging.INFO)
    for name, value in {
        "DATABASE": DATABASE,
        "CACHE": CACHE,
        "BUCKETS": json.dumps([MEDIA, LOGS]),
        "PREFIX": PREFIX,
        "SNAPSHOT_DAYS": "90",
        "UPLOAD_HOURS": "24",
        "DRY_RUN": "false",
        "METRICS_NAMESPACE": "backlot-dev/Upkeep",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier=DATABASE,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="app",
        MasterUserPassword="no-secret-1",
    )
    for bucket in (MEDIA, LOGS):
        boto3.client("s3").create_bucket(Bucket=bucket)
    return Aws(monkeypatch)


@pytest.fixture(name="_later")
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken just now is 91 days old."""
    monkeypatch.setattr(handler, "_now", lambda: NOW + timedelta(days=91))


def take(*names: str, tags: Sequence[str] = (), of: str = DATABASE) -> None:
    for name in names:
        boto3.client("rds").create_db_snapshot(
            DBSnapshotIdentifier=name,
            DBInstanceIdentifier=of,
            Tags=[{"Key": key, "Value": ""} for key in tags],
        )


def database_snapshots() -> set[str]:
    answer = boto3.client("rds").describe_db_snapshots(SnapshotType="manual")
    return {snapshot["DBSnapshotIdentifier"] for snapshot in answer["DBSnapshots"]}


def begin_uploads(bucket: str, *keys: str) -> None:
    for key in keys:
        boto3.client("s3").create_multipart_upload(Bucket=bucket, Key=key)


def uploads(bucket: str) -> set[str]:
    answer = boto3.client("s3").list_multipart_uploads(Bucket=bucket)
    return {upload["Key"] for upload in answer.get("Uploads", ())}


@pytest.mark.usefixtures("_later")
def test_snapshots_of_the_database_that_are_older_than_the_limit_are_deleted(aws):  # M56
    take("before-the-move", "backlot-dev-database-by-hand")
    aws.has_cache_snapshots()

    assert handler.handle({}, None) == {"snapshots": 2, "uploads": 0}
    assert database_snapshots() == set()


def test_snapshots_of_the_database_that_are_younger_stay(aws):  # M56
    take("before-the-move")
    aws.has_cache_snapshots()

    assert handler.handle({}, None) == {"snapshots": 0, "uploads": 0}
    assert database_snapshots() == {"before-the-move"}


@pytest.mark.usefixtures("_later")
def test_the_last_snapshot_of_a_store_is_never_deleted(aws):  # M56
    take("backlot-dev-database-final-1a2b3c4d", "final")
    last = cache_snapshot("backlot-dev-cache-final-1a2b3c4d", OLD)
    aws.has_cache_snapshots(last)
    aws.asked_for_tags()

    assert handler.handle({}, None)["snapshots"] == 1
    assert database_snapshots() == {"backlot-dev-database-final-1a2b3c4d"}
    aws.cache.assert_no_pending_responses()


@pytest.mark.usefixtures("_later")
def test_what_has_the_tag_keep_is_never_deleted(aws):  # M56
    take("year-end", tags=["Keep", "Owner"])
    take("forgotten", tags=["Owner"])
    aws.has_cache_snapshots(cache_snapshot("backlot-dev-year-end", OLD))
    aws.asked_for_tags("Keep")

    assert handler.handle({}, None)["snapshots"] == 1
    assert database_snapshots() == {"year-end"}
    aws.cache.assert_no_pending_responses()


@pytest.mark.usefixtures("_later")
def test_snapshots_of_another_database_stay(aws):  # M56
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier="somebody-elses",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="app",
        MasterUserPassword="no-secret-1",
    )
    take("theirs", of="somebody-elses")
    aws.has_cache_snapshots()

    assert handler.handle({}, None)["snapshots"] == 0
    assert database_snapshots() == {"theirs"}


def test_snapshots_that_are_still_being_taken_are_left_alone(aws, monkeypatch):
    def client(service: str) -> Any:
        assert service == "rds"
        return rds

    rds = boto3.client("rds")
    with Stubber(rds) as stub:
        unfinished = {"DBSnapshotIdentifier": "by-hand", "TagList": []}
        stub.add_response("describe_db_snapshots", {"DBSnapshots": [unfinished]})
        monkeypatch.setattr(handler.boto3, "client", client)
        assert list(handler._database_snapshots(DATABASE, NOW)) == []


def test_old_snapshots_of_the_cache_are_deleted_page_by_page(aws):  # M56
    aws.has_cache_snapshots(
        cache_snapshot("backlot-dev-cache-old", OLD, OLD),
        cache_snapshot("backlot-dev-cache-young", YOUNG),
        marker="more",
    )
    aws.asked_for_tags("Owner")
    aws.has_cache_snapshots(cache_snapshot("backlot-dev-cache-older", OLD - timedelta(days=1)))
    aws.asked_for_tags()
    aws.deletes_cache_snapshot("backlot-dev-cache-old")
    aws.deletes_cache_snapshot("backlot-dev-cache-older")

    assert handler.handle({}, None)["snapshots"] == 2
    aws.cache.assert_no_pending_responses()


def test_only_the_caches_own_snapshots_by_hand_are_asked_for(aws):
    aws.cache.add_response(
        "describe_snapshots",
        {"Snapshots": []},
        {"ReplicationGroupId": CACHE, "SnapshotSource": "user"},
    )
    handler.handle({}, None)
    aws.cache.assert_no_pending_responses()


@pytest.mark.parametrize("times", [(), (OLD, None), (OLD, YOUNG)])
def test_a_snapshot_of_the_cache_is_as_old_as_its_last_node(times, aws):
    aws.has_cache_snapshots(cache_snapshot("backlot-dev-cache-by-hand", *times))

    assert handler.handle({}, None)["snapshots"] == 0


def test_a_snapshot_of_the_cache_whose_name_is_not_the_stacks_is_left_and_told_of(aws, caplog):
    aws.has_cache_snapshots(cache_snapshot("before-the-move", OLD))

    assert handler.handle({}, None)["snapshots"] == 0
    assert "before-the-move is left: its name does not begin with" in caplog.text


def test_uploads_that_nobody_finished_are_given_up_in_every_bucket(aws):  # M56
    begin_uploads(MEDIA, "renders/a.mp4", "renders/b.mp4")
    begin_uploads(LOGS, "c.gz")
    aws.has_cache_snapshots()

    assert handler.handle({}, None) == {"snapshots": 0, "uploads": 3}
    assert uploads(MEDIA) == uploads(LOGS) == set()


def test_uploads_that_are_younger_than_the_limit_go_on(aws, monkeypatch):  # M56
    monkeypatch.setenv("UPLOAD_HOURS", AN_AGE)
    begin_uploads(MEDIA, "renders/a.mp4")
    aws.has_cache_snapshots()

    assert handler.handle({}, None)["uploads"] == 0
    assert uploads(MEDIA) == {"renders/a.mp4"}


@pytest.mark.usefixtures("_later")
def test_a_dry_run_deletes_nothing_and_names_everything(aws, monkeypatch, caplog, capsys):  # M56
    monkeypatch.setenv("DRY_RUN", "true")
    take("before-the-move")
    begin_uploads(MEDIA, "renders/a.mp4")
    aws.has_cache_snapshots(cache_snapshot("backlot-dev-cache-old", OLD))
    aws.asked_for_tags()

    assert handler.handle({}, None) == {"snapshots": 2, "uploads": 1}
    assert database_snapshots() == {"before-the-move"}
    assert uploads(MEDIA) == {"renders/a.mp4"}
    for name in ("before-the-move", "backlot-dev-cache-old", f"{MEDIA}/renders/a.mp4"):
        assert any(
            line.startswith(f"{name}, of ") and line.endswith("would be deleted")
            for line in caplog.messages
        )
    # Nothing was cleared away, so nothing is counted.
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("_later")
def test_what_was_cleared_away_is_counted_in_one_line(aws, capsys):
    take("before-the-move")
    begin_uploads(MEDIA, "a", "b")
    aws.has_cache_snapshots()
    handler.handle({}, None)

    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    about = line.pop("_aws")
    assert line == {"Snapshots": 1, "Uploads": 2, "Failures": 0}
    [counted] = about["CloudWatchMetrics"]
    assert (counted["Namespace"], counted["Dimensions"]) == ("backlot-dev/Upkeep", [[]])
    assert [metric["Name"] for metric in counted["Metrics"]] == ["Snapshots", "Uploads", "Failures"]


def test_what_cannot_be_deleted_does_not_stop_the_rest_and_is_an_error_in_the_end(
    aws, capsys, caplog
):
    aws.has_cache_snapshots(
        cache_snapshot("backlot-dev-a", OLD), cache_snapshot("backlot-dev-b", OLD)
    )
    aws.asked_for_tags()
    aws.asked_for_tags()
    aws.cache.add_client_error("delete_snapshot", "InvalidSnapshotState")
    aws.deletes_cache_snapshot("backlot-dev-b")
    begin_uploads(MEDIA, "renders/a.mp4")

    with pytest.raises(RuntimeError, match=r"^not cleared away: backlot-dev-a$"):
        handler.handle({}, None)
    assert uploads(MEDIA) == set()
    line = json.loads(capsys.readouterr().out)
    assert (line["Snapshots"], line["Uploads"], line["Failures"]) == (1, 1, 1)
    assert "backlot-dev-a, of " in caplog.text
    assert "InvalidSnapshotState" in caplog.text


def test_what_cannot_be_listed_does_not_stop_the_rest_either(aws, monkeypatch, caplog):
    monkeypatch.setenv("BUCKETS", json.dumps(["gone", MEDIA]))
    aws.cache.add_client_error("describe_snapshots", "Throttling")
    begin_uploads(MEDIA, "renders/a.mp4")

    with pytest.raises(RuntimeError, match=f"not cleared away: {CACHE}, gone"):
        handler.handle({}, None)
    assert uploads(MEDIA) == set()
    assert "gone: its leftovers could not be listed" in caplog.text


def test_what_somebody_else_has_deleted_meanwhile_is_no_error(aws, caplog):
    aws.has_cache_snapshots(cache_snapshot("backlot-dev-a", OLD))
    aws.asked_for_tags()
    aws.cache.add_client_error("delete_snapshot", "SnapshotNotFoundFault")

    assert handler.handle({}, None) == {"snapshots": 0, "uploads": 0}
    assert "backlot-dev-a is gone already" in caplog.text
