"""An account's file that cannot be used: every mistake at once, in words that help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from tests.bootstrap.conftest import ACCOUNT, Account

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
            "bootstrap:account: platfrom: unknown key; allowed: id, platform, project, tags",
        ),
        ({"account": None}, "bootstrap:account: missing section; add it"),
        (
            {"state": {"old_versions_days": 7}},
            "bootstrap:state: old_versions_days: 7: input should be greater than or equal to 30",
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
            "bootstrap:environments: dev.deploy_hours: 13: input should be less than or",
        ),
        (
            {"operatros": {}},
            "bootstrap:operatros: unknown section; allowed: account, state, github",
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
