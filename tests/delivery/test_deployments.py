"""Pulumi Deployments as code: what each stack does on a push, and what its settings refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from deployments import delivery
from rehearsal.record import RecordOnlyProvider
from rehearsal.run import rehearse
from tests.recorder import ROOT, Node, Recorded

DIRECTORY = ROOT / "deployments"
FILE = DIRECTORY / "Pulumi.delivery.yaml"
SETTINGS = "pulumiservice:index:DeploymentSettings"
DRIFT = "pulumiservice:index:DriftSchedule"
EXPIRY = "pulumiservice:index:TtlSchedule"
CRON = '"0 6 * * 1-5", five fields in UTC'
BRANCHES = {"dev": "develop", "staging": "main", "production": "main"}


@pytest.fixture(scope="module", name="shipped")
def _shipped() -> Recorded:
    return Recorded(rehearse(DIRECTORY, "delivery", FILE, RecordOnlyProvider()))


def config(**changes: Any) -> dict[str, str]:
    """The shipped settings of `dev` alone, with some of its keys given otherwise."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))["config"]
    dev = {**content["deployments:stacks"]["dev"], **changes}
    return {
        "deployments:source": json.dumps(content["deployments:source"]),
        "deployments:stacks": json.dumps({"dev": dev}),
    }


def refused(given: Mapping[str, str]) -> list[str]:
    with pytest.raises(delivery.DeliveryError) as caught:
        delivery.parse(given, file="Pulumi.delivery.yaml")
    return str(caught.value).splitlines()


def settings_of(shipped: Recorded, stack: str) -> Node:
    return shipped.one(SETTINGS, f"{stack}-settings")


def test_the_shipped_file_rehearses_without_a_finding(shipped: Recorded) -> None:
    assert shipped.findings == []
    assert shipped.outputs == {"branches": BRANCHES}


@pytest.mark.parametrize("stack", BRANCHES)
def test_a_stack_follows_its_branch_under_its_own_role(shipped: Recorded, stack: str) -> None:
    settings = settings_of(shipped, stack)
    aws = settings["operation_context"]["oidc"]["aws"]

    assert settings["source_context"]["git"]["branch"] == BRANCHES[stack]
    assert aws["role_arn"].endswith(f"role/bootstrap/backlot-{stack}-deploy")
    assert aws["session_name"] == f"pulumi-{stack}"
    assert aws["duration"] == ("4h" if stack == "production" else "2h")
    # No key of anybody's stands in the settings: OIDC is all there is.
    assert "environment_variables" not in settings["operation_context"]


def test_production_waits_for_a_person_and_the_others_do_not(shipped: Recorded) -> None:
    on_push = {stack: settings_of(shipped, stack)["vcs"]["deploy_commits"] for stack in BRANCHES}

    assert on_push == {"dev": True, "staging": True, "production": False}  # M118


def test_only_dev_previews_pull_requests_since_its_role_may_change_what_it_previews(
    shipped: Recorded,
) -> None:
    previewed = [
        stack for stack in BRANCHES if settings_of(shipped, stack)["vcs"]["preview_pull_requests"]
    ]

    assert previewed == ["dev"]


def test_the_file_of_another_stack_starts_nothing(shipped: Recorded) -> None:
    paths = settings_of(shipped, "dev")["vcs"]["paths"]

    assert paths[0] == "**"
    assert {"!Pulumi.staging.yaml", "!Pulumi.production.yaml", "!docs/**"} <= set(paths)
    assert "!Pulumi.dev.yaml" not in paths


def test_the_program_is_installed_by_hash_and_by_no_other_step(shipped: Recorded) -> None:
    operation = settings_of(shipped, "dev")["operation_context"]

    assert operation["options"]["skip_install_dependencies"] is True
    assert "--require-hashes -r requirements.txt" in operation["pre_run_commands"][-1]


def test_drift_is_looked_for_on_weekdays_and_put_back_by_nobody(shipped: Recorded) -> None:
    schedules = shipped.all(DRIFT)

    assert [one.name for one in schedules] == ["dev-drift", "production-drift", "staging-drift"]
    assert all(one["schedule_cron"].endswith("* * 1-5") for one in schedules)
    assert [one["auto_remediate"] for one in schedules] == [False, False, False]
    # A role at a time: no two look at the same minute.
    assert len({one["schedule_cron"] for one in schedules}) == 3


def test_nothing_is_destroyed_by_the_clock_unless_asked(shipped: Recorded) -> None:
    assert shipped.all(EXPIRY) == []


def test_a_stack_with_an_end_is_destroyed_and_forgotten_then(tmp_path: Any) -> None:
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    content["config"]["deployments:stacks"]["dev"] |= {
        "on_push": False,
        "expires": "2027-01-31T18:00:00Z",
    }
    file = tmp_path / FILE.name
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    recorded = Recorded(rehearse(DIRECTORY, "delivery", file, RecordOnlyProvider()))

    expiry = recorded.one(EXPIRY, "dev-expiry")
    assert expiry["timestamp"] == "2027-01-31T18:00:00Z"
    assert expiry["delete_after_destroy"] is True


def test_every_mistake_is_said_at_once_and_nothing_changes() -> None:
    given = config(branch=7, role="backlot-dev-deploy", on_pusch=True, drift={"schedule": "daily"})

    stacks = "Pulumi.delivery.yaml: deployments:stacks"
    role = "arn:aws:iam::123456789012:role/bootstrap/backlot-dev-deploy"
    assert refused(given) == [
        f"{stacks}: dev.branch: 7 given; give text",
        f'{stacks}: dev.role: "backlot-dev-deploy" given; give one such as {role}',
        f'{stacks}: dev.drift.schedule: "daily" given; give one such as {CRON}',
        f"{stacks}: dev.on_pusch: unknown key; did you mean on_push?",
        "4 errors in Pulumi.delivery.yaml; nothing was changed",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "deployments:source: missing; add it"),
        (
            config() | {"deployments:stacks": "{}"},
            "deployments:stacks: {} given; give at least one",
        ),
        (
            config() | {"deployments:stacks": "dev"},
            '"dev" given; give a mapping, the name as the key',
        ),
        (config(session_hours=13), "dev.session_hours: 13 given; give 1 to 12 hours"),
        (config(on_push="yes"), 'dev.on_push: "yes" given; give true or false'),
        (config(on_push=False, expires="tomorrow"), "give a moment in UTC such as 2027-01-31"),
        (config(on_push=False, expires="2027-01-31T18:00:00+01:00"), "give a moment in UTC"),
        (config(expires="2027-01-31T18:00:00Z"), "dev.expires: a push after 2027-01-31T18:00:00Z"),
        (
            config() | {"deployments:stack": "{}"},
            "deployments:stack: unknown key; did you mean stacks",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key_and_the_remedy(given: dict[str, str], said: str) -> None:
    assert any(said in line for line in refused(given)), refused(given)
