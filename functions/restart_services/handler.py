"""Deploys the services anew that started before the database's password last changed.

ECS reads a secret when a task starts and never again. What was deployed after the last rotation is
left alone, so it does no harm to be called twice, or for nothing.

Environment: SECRET is the rotated secret's ARN; SERVICES a JSON list of {"cluster", "service"}.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import datetime
from typing import Any

import boto3

log = logging.getLogger()
log.setLevel(logging.INFO)


def handle(_event: object, _context: object) -> dict[str, list[str]]:
    """Return the services that were restarted.

    Raises RuntimeError, once all have had their turn, when some could not be.
    """
    rotated = _last_rotation(os.environ["SECRET"])
    restarted: list[str] = []
    failed: list[str] = []
    for target in json.loads(os.environ["SERVICES"]):
        cluster, service = target["cluster"], target["service"]
        try:
            if rotated is not None and _started_before(rotated, cluster, service):
                boto3.client("ecs").update_service(
                    cluster=cluster, service=service, forceNewDeployment=True
                )
                log.info("%s: restarted for the password of %s", service, rotated.isoformat())
                restarted.append(service)
        except Exception:
            log.exception("%s: could not be restarted", service)
            failed.append(service)
    if failed:
        raise RuntimeError(f"not restarted: {', '.join(failed)}")
    return {"restarted": restarted}


def _last_rotation(secret: str) -> datetime | None:
    described: dict[str, Any] = boto3.client("secretsmanager").describe_secret(SecretId=secret)
    return described.get("LastRotatedDate")


def _started_before(moment: datetime, cluster: str, service: str) -> bool:
    described = boto3.client("ecs").describe_services(cluster=cluster, services=[service])
    if not described["services"]:
        raise LookupError(f"cluster {cluster} has no service {service}")
    [newest] = [
        deployment
        for deployment in described["services"][0]["deployments"]
        if deployment["status"] == "PRIMARY"
    ]
    return newest["createdAt"] < moment
