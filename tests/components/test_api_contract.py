"""What every platform of the API offers, whichever the stack file names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

import pytest

from components.api.contract import Api
from components.api.platforms import PLATFORMS
from settings.api import ApiKind
from tests.components import test_beanstalk_api, test_ec2_api, test_fargate

BUILT: Mapping[ApiKind, Callable[[], Api]] = {
    "fargate": lambda: test_fargate.api()[0],
    "ec2": lambda: test_ec2_api.api(deployment={"migration": test_ec2_api.MIGRATION})[0],
    "beanstalk": lambda: test_beanstalk_api.api()[0],
}
"""The type checker compares each with the contract; the tests, what only shows when it is made."""


def test_there_is_a_platform_for_every_word_of_the_settings():
    assert set(get_args(ApiKind)) == set(PLATFORMS) == set(BUILT)


@pytest.mark.parametrize("kind", BUILT)
def test_an_api_can_be_wired_released_restarted_and_watched(kind: ApiKind):
    api = BUILT[kind]()

    assert None not in (
        api.url,
        api.role_name,
        api.role_arn,
        api.security_group_id,
        api.log_group_name,
        api.deploy_handle,
        api.gates.migrate_name,
        api.gates.smoke_name,
    )
    assert api.restart.target["platform"] == {"fargate": "ecs", "ec2": "autoscaling"}.get(
        kind, kind
    )
    assert api.restart.statements


@pytest.mark.parametrize("kind", BUILT)
def test_every_platform_speaks_of_errors_health_speed_load_and_absence(kind: ApiKind):
    api = BUILT[kind]()

    assert [alarm.name for alarm in api.alarms] == [  # M93 M94 M96
        "errors",
        "unhealthy-targets",
        "slow",
        "cpu-high",
        "too-few-running",
    ]
    assert {panel.group for panel in api.panels} == {"API"}
    assert len(api.panels) == 4
