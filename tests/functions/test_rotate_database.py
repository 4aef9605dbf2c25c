"""functions/rotate_database: the steps of a rotation, in order, twice, and out of place."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.secretsmanager.models import secretsmanager_backends

from functions.rotate_database import handler

SECRET = "backlot-dev/database"
DATABASE = "backlot-dev-database"
TOKEN = "3f1b5a90-0000-4000-8000-000000000001"
OLD = "the-password-of-the-first-day"
TEMPLATE = json.dumps(
    {
        "host": "db.example",
        "username": "app",
        "password": "{password}",
        "url": "postgresql://app:{password}@db.example:5432/app?sslmode=require",
    }
)
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Rds:
    """RDS's answers one after the other; the last one stays. moto changes a password at once."""

    def __init__(self, *states: dict[str, Any], refuses: bool = False) -> None:
        self.states = list(states) or [available()]
        self.refuses = refuses
        self.passwords: list[str] = []

    def modify_db_instance(self, **request: Any) -> None:
        assert request["DBInstanceIdentifier"] == DATABASE
        assert request["ApplyImmediately"] is True
        if self.refuses:
            error = {"Error": {"Code": "InvalidDBInstanceState", "Message": "not available"}}
            raise ClientError(error, "ModifyDBInstance")
        self.passwords.append(request["MasterUserPassword"])

    def describe_db_instances(self, **request: Any) -> dict[str, Any]:
        assert request == {"DBInstanceIdentifier": DATABASE}
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"DBInstances": [state]}


def available(**pending: str) -> dict[str, Any]:
    return {"DBInstanceStatus": "available", "PendingModifiedValues": pending}


@pytest.fixture(name="slept", autouse=True)
def _slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(handler.time, "sleep", slept.append)
    return slept


@pytest.fixture(name="rotating", autouse=True)
def _rotating(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret whose version TOKEN waits for a value, as Secrets Manager leaves it for us."""
    monkeypatch.setenv("DATABASE", DATABASE)
    monkeypatch.setenv("CONNECTION", TEMPLATE)
    boto3.client("secretsmanager").create_secret(
        Name=SECRET, SecretString=TEMPLATE.replace("{password}", OLD)
    )
    versions()[TOKEN] = {"version_id": TOKEN, "version_stages": ["AWSPENDING"], "createdate": 0}


def versions() -> dict[str, Any]:
    return secretsmanager_backends["123456789012"]["us-east-1"].secrets[SECRET].versions


def rds_is(monkeypatch: pytest.MonkeyPatch, rds: Rds) -> Rds:
    real = boto3.client
    monkeypatch.setattr(
        handler.boto3, "client", lambda service: rds if service == "rds" else real(service)
    )
    return rds


def step(name: str, token: str = TOKEN) -> None:
    handler.handle({"SecretId": SECRET, "ClientRequestToken": token, "Step": name}, None)


def stored(stage: str) -> dict[str, str]:
    value = boto3.client("secretsmanager").get_secret_value(SecretId=SECRET, VersionStage=stage)
    return json.loads(value["SecretString"])


def test_a_rotation_sets_a_new_password_and_makes_it_current(monkeypatch):
    rds = rds_is(monkeypatch, Rds())
    for name in STEPS:
        step(name)
    current = stored("AWSCURRENT")
    assert current["password"] != OLD
    assert rds.passwords == [current["password"]]
    assert stored("AWSPREVIOUS")["password"] == OLD


def test_the_new_password_stands_in_the_url_and_needs_no_escaping_there():
    step("createSecret")
    pending = stored("AWSPENDING")
    assert pending["url"] == (
        f"postgresql://app:{pending['password']}@db.example:5432/app?sslmode=require"
    )
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", pending["password"])


def test_rds_itself_accepts_the_new_password():
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier=DATABASE,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        MasterUsername="app",
        MasterUserPassword=OLD,
        AllocatedStorage=20,
    )
    for name in STEPS:
        step(name)
    assert stored("AWSCURRENT")["password"] != OLD


def test_the_old_password_stays_current_until_the_last_step(monkeypatch):
    rds_is(monkeypatch, Rds())
    for name in STEPS[:-1]:
        step(name)
        assert stored("AWSCURRENT")["password"] == OLD


def test_a_repeated_first_step_keeps_the_password_it_made():
    step("createSecret")
    made = stored("AWSPENDING")
    step("createSecret")
    assert stored("AWSPENDING") == made


def test_every_step_may_be_called_twice(monkeypatch):
    rds = rds_is(monkeypatch, Rds())
    for name in STEPS:
        step(name)
        step(name)
    assert rds.passwords == [stored("AWSCURRENT")["password"]] * 2


def test_a_finished_rotation_changes_nothing_when_called_again(monkeypatch):
    rds = rds_is(monkeypatch, Rds())
    for name in STEPS:
        step(name)
    current = stored("AWSCURRENT")
    for name in STEPS:
        step(name)
    assert stored("AWSCURRENT") == current
    assert len(rds.passwords) == 1


def test_it_waits_until_rds_has_taken_the_password(monkeypatch, slept):
    rds_is(
        monkeypatch,
        Rds(
            available(MasterUserPassword="****"),
            {"DBInstanceStatus": "resetting-master-credentials"},
            available(),
        ),
    )
    step("createSecret")
    step("setSecret")
    assert slept == [handler.POLL_SECONDS] * 2


def test_it_gives_up_before_the_function_is_cut_off(monkeypatch, slept):
    from components.stores.database_rotation import ROTATE_SECONDS

    rds_is(monkeypatch, Rds(available(MasterUserPassword="****")))
    step("createSecret")
    with pytest.raises(TimeoutError, match="backlot-dev-database did not take"):
        step("setSecret")
    assert sum(slept) < ROTATE_SECONDS


def test_a_refusal_of_rds_ends_the_step_and_a_retry_goes_on_with_the_same_password(monkeypatch):
    rds = rds_is(monkeypatch, Rds(refuses=True))
    step("createSecret")
    made = stored("AWSPENDING")["password"]
    with pytest.raises(ClientError, match="InvalidDBInstanceState"):
        step("setSecret")
    assert stored("AWSCURRENT")["password"] == OLD
    rds.refuses = False
    for name in STEPS:
        step(name)
    assert rds.passwords == [made]


def test_switching_rotation_on_only_looks_at_the_instance(monkeypatch):
    rds = rds_is(monkeypatch, Rds())
    step("testSecret")
    assert rds.passwords == []
    assert stored("AWSCURRENT")["password"] == OLD


def test_an_unknown_step_is_refused():
    with pytest.raises(ValueError, match="'dropSecret' is none of createSecret, setSecret"):
        step("dropSecret")


def test_a_version_nobody_asked_for_is_refused():
    with pytest.raises(ValueError, match="does not exist"):
        step("createSecret", token="3f1b5a90-0000-4000-8000-000000000002")


def test_a_version_that_is_not_pending_is_refused():
    versions()[TOKEN]["version_stages"] = ["AWSPREVIOUS"]
    with pytest.raises(ValueError, match="not the one being rotated to"):
        step("setSecret")


def test_no_password_reaches_the_log(monkeypatch, caplog):
    rds_is(monkeypatch, Rds())
    caplog.set_level(logging.INFO)
    for name in STEPS:
        step(name)
    assert caplog.messages
    assert stored("AWSCURRENT")["password"] not in caplog.text
    assert OLD not in caplog.text
