"""An account's file that cannot be used: every mistake at once, in words that help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest
import yaml

from bootstrap.account.settings import parse
from tests.bootstrap.conftest import ACCOUNT, SHIPPED, Account

BentAccount = Callable[..., Account]


def said(bent_account: BentAccount, **sections: Any) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        bent_account(**sections)
    return str(refused.value)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"account": {"id": "1234"}},
            'bootstrap:account: id: "1234" does not fit; give 12 digits, in quotes',
        ),
        ({"account": {}}, "bootstrap:account: id: missing; give it"),
        (
            {"account": {"id": ACCOUNT, "platfrom": "studio"}},
            "bootstrap:account: platfrom: unknown key; did you mean platform? allowed: id, ",
        ),
        ({"account": None}, "bootstrap:account: missing section; add it"),
        (
            {"state": {"old_versions_days": 7}},
            "bootstrap:state: old_versions_days: 7 given; give 30 or more",
        ),
        (
            {"state": {"replica_region": "us-east-1"}},
            'bootstrap:state: replica_region: "us-east-1" is where the states are; give another',
        ),
        (
            {"github": {"repository": "backlot"}},
            'bootstrap:github: repository: "backlot" does not fit; give owner/repository, or ',
        ),
        (
            {"github": {"repository": "studio/*"}},
            'bootstrap:github: repository: "studio/*" does not fit',
        ),
        (
            {"pulumi_cloud": {"organization": "Studio"}},
            'bootstrap:pulumi_cloud: organization: "Studio" does not fit',
        ),
        (
            {"environments": {"state": {}}},
            'bootstrap:environments: state: "state" is a name of this project\'s own; call the ',
        ),
        (
            {"environments": {"dev": {"deploy_hours": 13}}},
            "bootstrap:environments: dev.deploy_hours: 13 given; give 12 or less",
        ),
        (
            {"environments": {"dev": {"deploy_hour": 2}}},
            "bootstrap:environments: dev.deploy_hour: unknown key; did you mean deploy_hours? ",
        ),
        (
            {"environments": {"dev": None}},
            "bootstrap:environments: dev: nothing given; give a mapping of its settings, or {} ",
        ),
        (
            {"environments": {"dev": {"disposable": "yes"}}},
            'bootstrap:environments: dev.disposable: "yes" given; give true or false',
        ),
        ({"environments": {}}, "bootstrap:environments: {} given; give at least one"),
        (
            {"environments": {"a-very-long-name-indeed": {}}},
            '"a-very-long-name-indeed" given; use at most 16 characters',
        ),
        (
            {"account": {"id": ACCOUNT, "platform": "a-very-long-platform-name"}},
            'platform: "a-very-long-platform-name" given; use at most 20 characters',
        ),
        (
            {"account": {"id": 123456789012}},
            "bootstrap:account: id: 123456789012 given; give text; what looks like a number goes",
        ),
        (
            {"github": {"repository": "studio/backlot", "applications": "studio/api"}},
            'applications: "studio/api" given; give a list such as [a, b]',
        ),
        ({"operators": ""}, "bootstrap:operators: nothing given; give a mapping of its settings"),
        (
            {"operatros": {}},
            "bootstrap:operatros: unknown section; did you mean operators? allowed: account, ",
        ),
        (
            {"github": None, "pulumi_cloud": None},
            "bootstrap:environments: nobody could assume the roles; add bootstrap:github or ",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_allowed(
    sections: dict[str, Any], message: str, bent_account: BentAccount
) -> None:
    assert message in said(bent_account, **sections)


def test_all_mistakes_are_told_at_once_and_nothing_is_made(bent_account: BentAccount) -> None:
    lines = said(
        bent_account,
        account={"id": "1"},
        state={"old_versions_days": 1},
        environments={"Dev": {"disposable": "yes"}},
    ).splitlines()

    assert len(lines) == 5
    assert lines[-1].endswith(
        "4 errors in " + lines[0].partition(": ")[0] + "; nothing was changed"
    )
    assert all(line.partition(": ")[0].endswith("Pulumi.account.yaml") for line in lines[:-1])


def refused(changes: dict[str, Any]) -> str:
    """What is said of the shipped file with whole keys changed or, with None, taken out."""
    config = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["config"] | changes
    given = {key: value for key, value in config.items() if value is not None}
    with pytest.raises(pulumi.RunError) as caught:
        parse(given, SHIPPED.name)
    return str(caught.value)


def test_a_file_without_a_region_is_told_what_to_give() -> None:
    assert "aws:region: missing; give one such as us-east-1" in refused({"aws:region": None})


def test_a_section_that_nobody_reads_is_told_and_takes_no_role_away_unseen() -> None:
    said = refused({"bootstrap:github": None, "backlot:github": {"repository": "studio/backlot"}})

    assert "backlot:github: nobody reads this; write bootstrap:github" in said


def test_what_belongs_to_others_is_left_alone() -> None:
    config = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["config"]

    assert parse({**config, "aws:github": "x", "studio:note": "x"}, SHIPPED.name).github
