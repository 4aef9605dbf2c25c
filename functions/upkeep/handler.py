"""Clears away what nothing else does: snapshots taken by hand, and uploads nobody finished.

Snapshots that AWS takes have their own end, and so have old versions of objects; those that people
take by hand stay for ever. A lifecycle rule gives an upload up after whole days, this after hours.

Left alone, however old: the last snapshot of a store, what has a tag `Keep` with any value, and a
cache's snapshot whose name does not begin with the stack's prefix, since its ARN tells no owner.

Environment: DATABASE is the instance's identifier; CACHE the replication group's; BUCKETS a JSON
list of names; PREFIX the stack's; SNAPSHOT_DAYS and UPLOAD_HOURS how old a thing must be; DRY_RUN
`true` to only say what would be deleted; METRICS_NAMESPACE where what was is counted.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import boto3
from botocore.exceptions import ClientError

KEEP = "Keep"
LAST = re.compile(r"-final-[0-9a-f]{8}$")
"""How the snapshot ends that a store leaves behind."""

GONE = {"DBSnapshotNotFound", "SnapshotNotFoundFault", "NoSuchUpload"}
"""What AWS calls something that somebody else has deleted meanwhile."""

Kind = Literal["Snapshots", "Uploads"]
Outcome = Literal["cleared", "gone", "failed"]

log = logging.getLogger()
log.setLevel(logging.INFO)


@dataclass(frozen=True, kw_only=True)
class Leftover:
    kind: Kind
    name: str
    """As the log tells it."""
    since: datetime
    delete: Callable[[], object]


def handle(_event: object, _context: object) -> dict[str, int]:
    """Return how many of each kind were deleted, or would be.

    Raises RuntimeError, once all have had their turn, when some could not be.
    """
    dry_run = os.environ["DRY_RUN"] == "true"
    counts: dict[Kind, int] = {"Snapshots": 0, "Uploads": 0}
    failed: list[str] = []
    for source, leftovers in _sources(_now()):
        try:
            found = list(leftovers)
        except Exception:
            log.exception("%s: its leftovers could not be listed", source)
            failed.append(source)
            continue
        for each in found:
            outcome = _clear(each, dry_run=dry_run)
            if outcome == "cleared":
                counts[each.kind] += 1
            elif outcome == "failed":
                failed.append(each.name)
    log.info("%s %s", "would be deleted:" if dry_run else "deleted:", counts)
    if not dry_run:
        _count(counts, len(failed))
    if failed:
        raise RuntimeError(f"not cleared away: {', '.join(failed)}")
    return {kind.lower(): count for kind, count in counts.items()}


def _now() -> datetime:
    return datetime.now(UTC)


def _sources(now: datetime) -> Iterator[tuple[str, Iterable[Leftover]]]:
    """Where leftovers are, by name; each is only listed when it is asked."""
    taken_before = now - timedelta(days=int(os.environ["SNAPSHOT_DAYS"]))
    begun_before = now - timedelta(hours=int(os.environ["UPLOAD_HOURS"]))
    database, cache = os.environ["DATABASE"], os.environ["CACHE"]
    yield database, _database_snapshots(database, taken_before)
    yield cache, _cache_snapshots(cache, taken_before)
    for bucket in json.loads(os.environ["BUCKETS"]):
        yield bucket, _uploads(bucket, begun_before)


def _clear(leftover: Leftover, *, dry_run: bool) -> Outcome:
    """Delete it, or only say so. What somebody else has deleted is no error."""
    age = leftover.since.isoformat()
    if dry_run:
        log.info("%s, of %s, would be deleted", leftover.name, age)
        return "cleared"
    try:
        leftover.delete()
    except Exception as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in GONE:
            log.info("%s is gone already", leftover.name)
            return "gone"
        log.exception("%s, of %s, could not be deleted", leftover.name, age)
        return "failed"
    log.info("%s, of %s, is deleted", leftover.name, age)
    return "cleared"


def _database_snapshots(identifier: str, before: datetime) -> Iterator[Leftover]:
    rds = boto3.client("rds")
    pages = rds.get_paginator("describe_db_snapshots").paginate(
        DBInstanceIdentifier=identifier, SnapshotType="manual"
    )
    for snapshot in (each for page in pages for each in page["DBSnapshots"]):
        name = snapshot["DBSnapshotIdentifier"]
        # One that is being taken has no time yet.
        since = snapshot.get("SnapshotCreateTime")
        if since is None or since >= before or _is_kept(name, snapshot["TagList"]):
            continue
        yield Leftover(
            kind="Snapshots",
            name=name,
            since=since,
            delete=lambda name=name: rds.delete_db_snapshot(DBSnapshotIdentifier=name),
        )


def _cache_snapshots(group: str, before: datetime) -> Iterator[Leftover]:
    elasticache = boto3.client("elasticache")
    pages = elasticache.get_paginator("describe_snapshots").paginate(
        ReplicationGroupId=group, SnapshotSource="user"
    )
    for snapshot in (each for page in pages for each in page["Snapshots"]):
        name = snapshot["SnapshotName"]
        since = _taken(snapshot)
        if since is None or since >= before:
            continue
        if not name.startswith(f"{os.environ['PREFIX']}-"):
            log.info("%s is left: its name does not begin with the stack's prefix", name)
            continue
        tags = elasticache.list_tags_for_resource(ResourceName=snapshot["ARN"])["TagList"]
        if _is_kept(name, tags):
            continue
        yield Leftover(
            kind="Snapshots",
            name=name,
            since=since,
            delete=lambda name=name: elasticache.delete_snapshot(SnapshotName=name),
        )


def _taken(snapshot: Mapping[str, Any]) -> datetime | None:
    """When its last node was done; None while one is not."""
    times = [node.get("SnapshotCreateTime") for node in snapshot.get("NodeSnapshots", ())]
    return max(times) if times and all(times) else None


def _is_kept(name: str, tags: Iterable[Mapping[str, str]]) -> bool:
    return bool(LAST.search(name)) or any(tag["Key"] == KEEP for tag in tags)


def _uploads(bucket: str, before: datetime) -> Iterator[Leftover]:
    s3 = boto3.client("s3")
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
    for upload in (each for page in pages for each in page.get("Uploads", ())):
        key, number, since = upload["Key"], upload["UploadId"], upload["Initiated"]
        if since >= before:
            continue
        yield Leftover(
            kind="Uploads",
            name=f"{bucket}/{key}",
            since=since,
            delete=lambda key=key, number=number: s3.abort_multipart_upload(
                Bucket=bucket, Key=key, UploadId=number
            ),
        )


def _count(counts: Mapping[Kind, int], failures: int) -> None:
    """One line, from which CloudWatch makes the metrics."""
    line = {
        "_aws": {
            "Timestamp": round(_now().timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": os.environ["METRICS_NAMESPACE"],
                    "Dimensions": [[]],
                    "Metrics": [{"Name": name, "Unit": "Count"} for name in (*counts, "Failures")],
                }
            ],
        },
        **counts,
        "Failures": failures,
    }
    sys.stdout.write(json.dumps(line) + "\n")
