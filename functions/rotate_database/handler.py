"""Gives the database's master user a new password, as Secrets Manager's rotation calls for it.

Secrets Manager calls once for each of four steps and repeats what fails, so every step may run
twice. Only RDS's own API is used: the new password is set from outside, nobody logs in.

Environment: DATABASE is the instance's identifier; CONNECTION the secret's text, with {password}
wherever the password belongs.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
from collections.abc import Mapping
from typing import Any

import boto3

PASSWORD_BYTES = 32
POLL_SECONDS = 5
POLLS = 50
"""Together four minutes, which leaves the function time to say that it was in vain."""

log = logging.getLogger()
log.setLevel(logging.INFO)


def handle(event: Mapping[str, str], _context: object) -> None:
    """Take one step of a rotation. Raises ValueError for a call that belongs to none."""
    secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    steps = {
        "createSecret": _create_secret,
        "setSecret": _set_secret,
        "testSecret": _test_secret,
        "finishSecret": _finish_secret,
    }
    if step not in steps:
        raise ValueError(f"step {step!r} is none of {', '.join(steps)}")
    stages = _stages(secret)
    if token not in stages:
        raise ValueError(f"version {token} of {secret} does not exist; only a rotation makes one")
    if "AWSCURRENT" in stages[token]:
        log.info("%s: version %s is current already", step, token)
        return
    if "AWSPENDING" not in stages[token]:
        raise ValueError(f"version {token} of {secret} is not the one being rotated to")
    steps[step](secret, token)
    log.info("%s: done for version %s", step, token)


def _create_secret(secret: str, token: str) -> None:
    client = boto3.client("secretsmanager")
    try:
        client.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
    except client.exceptions.ResourceNotFoundException:
        # Letters, digits, - and _: safe in a URL, in JSON, and to RDS.
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        client.put_secret_value(
            SecretId=secret,
            ClientRequestToken=token,
            SecretString=os.environ["CONNECTION"].replace("{password}", password),
            VersionStages=["AWSPENDING"],
        )


def _set_secret(secret: str, token: str) -> None:
    client = boto3.client("secretsmanager")
    pending = client.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
    boto3.client("rds").modify_db_instance(
        DBInstanceIdentifier=os.environ["DATABASE"],
        MasterUserPassword=json.loads(pending["SecretString"])["password"],
        ApplyImmediately=True,
    )
    _wait_until_applied()


def _test_secret(_secret: str, _token: str) -> None:
    # Secrets Manager also tries this step alone, when rotation is switched on; then there is no
    # new password, and all there is to see is that the instance can be reached.
    _wait_until_applied()


def _finish_secret(secret: str, token: str) -> None:
    current = next(
        (version for version, stages in _stages(secret).items() if "AWSCURRENT" in stages), None
    )
    boto3.client("secretsmanager").update_secret_version_stage(
        SecretId=secret,
        VersionStage="AWSCURRENT",
        MoveToVersionId=token,
        **({"RemoveFromVersionId": current} if current else {}),
    )


def _stages(secret: str) -> Mapping[str, Any]:
    described = boto3.client("secretsmanager").describe_secret(SecretId=secret)
    return described.get("VersionIdsToStages", {})


def _wait_until_applied() -> None:
    """Return once RDS has no password left to set. Raises TimeoutError when that takes too long."""
    rds = boto3.client("rds")
    name = os.environ["DATABASE"]
    for _ in range(POLLS):
        [instance] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        pending = instance.get("PendingModifiedValues", {})
        if instance["DBInstanceStatus"] == "available" and "MasterUserPassword" not in pending:
            return
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"{name} did not take its new password in {POLLS * POLL_SECONDS} s")
